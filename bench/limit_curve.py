"""How often limits on asymmetry and impact alert, against the truth: the curve of the rule, by playing runs to it.

    python -m bench.limit_curve            every table, written into docs/limits.md (a quarter of an hour on two cores)
    python -m bench.limit_curve --fit      what `ENOUGH` of `plan.sequential` has to be; other seeds, other scatter

Runs are of `bench.limit_series`, what they are told of `bench.limit_told`; the rules are the real ones.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from unittest import mock

import numpy as np

from bench.limit_series import CONTINUOUS, WALK_RUN, Pattern, mdc_median, mdc_si
from bench.limit_told import (
    AT_ONCE,
    CVS,
    IMPACT_CVS,
    LIMIT_PCT,
    LIMIT_SI,
    PHI,
    RUNS,
    Crossing,
    Told,
    asymmetry_crossing,
    asymmetry_curve,
    impact_crossing,
    impact_curve,
    messages,
    plain_shares,
    with_runs,
)
from sensord.plan import sequential

DOCUMENT = Path(__file__).parents[1] / "docs" / "limits.md"
BEGIN, END = "<!-- python -m bench.limit_curve: begin -->\n", "<!-- end -->\n"

SI = (0.0, 1.0, 2.0, 3.0, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 8.0, 9.0, 10.0)
PCT = (100.0, 105.0, 110.0, 112.5, 115.0, 117.5, 120.0, 122.5, 125.0, 130.0)
SERIES = 400
"""Runs of a series in the tables whose runs are played to their ends."""

FIT_SEED, CHECK_SEED = 11, 7
FIT_CVS, FIT_IMPACT_CV = (0.025, 0.05), 0.07
AT_LIMIT = 0.05
"""Share of 30-minute runs exactly at the limit that may be told, whatever `sustained` is: what is fitted."""


# ------------------------------------------------------------------------------------------------------------- the fit


def fit() -> float:
    """The smallest multiple of a half for `ENOUGH` with which `AT_LIMIT` holds in all runs that are fitted to."""
    low, high = 8, 16  # halves; the answer must lie between
    while high - low > 1:
        half = (low + high) // 2
        with mock.patch.object(sequential, "ENOUGH", half / 2.0):
            shares = [asymmetry_curve([LIMIT_SI], cv, seed=FIT_SEED, more=AT_ONCE)[0].share for cv in FIT_CVS]
            shares += [impact_curve([LIMIT_PCT], FIT_IMPACT_CV, seed=FIT_SEED, more=AT_ONCE)[0].share]
        print(f"ENOUGH {half / 2.0:4.1f}: told at the limit", *(f"{100 * share:.1f} %" for share in shares), flush=True)
        low, high = (low, half) if max(shares) <= AT_LIMIT else (half, high)
    if high == 16 or low == 8:
        raise SystemExit("search farther")
    return high / 2.0


# ---------------------------------------------------------------------------------------------------------- the tables


def _time(told: Told, quantile: float) -> str:
    found = told.time_s(quantile)
    return "-" if found is None else f"{found:.0f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
    ]


def _curve_cells(curve: Sequence[Told]) -> list[str]:
    return [f"{100 * told.share:.1f} %, {_time(told, 0.5)}, {_time(told, 0.95)}" for told in curve]


Job = tuple[Callable[..., object], tuple[object, ...], dict[str, object]]


def _run(job: Job) -> object:
    function, given, named = job
    return function(*given, **named)


def _three(limit: float, mdc: float) -> tuple[float, float, float]:
    return limit - mdc, limit, limit + mdc


def _impact_three(cv: float, phi: float = PHI) -> tuple[float, float, float]:
    factor = mdc_median(cv, phi)
    return LIMIT_PCT / factor, LIMIT_PCT, LIMIT_PCT * factor


CHECK = (4.0, 5.0, 5.75, 6.0, 7.41)


def check_line() -> str:
    """A few runs that a test plays again: the rule is the one that the tables are of."""
    parts = [
        f"SI {truth:g}: {len(told.found_s)} of {told.runs}, median {_time(told, 0.5)} s"
        for truth, told in zip(
            CHECK, asymmetry_curve(CHECK, 0.035, runs=40, seed=CHECK_SEED, more=AT_ONCE), strict=True
        )
    ]
    told = impact_curve([118.0], 0.07, runs=20, seed=CHECK_SEED, pattern=WALK_RUN)[0]
    parts.append(f"118 % of impact, walk and run: {len(told.found_s)} of {told.runs}, median {_time(told, 0.5)} s")
    return f"Check (seed {CHECK_SEED}, `ENOUGH` = {sequential.ENOUGH:g}): " + "; ".join(parts) + "."


def tables(runs: int) -> str:
    """All of it, as Markdown."""
    lines: list[str] = []
    patterns = (CONTINUOUS, WALK_RUN)
    jobs: list[Job] = []
    for pattern in patterns:
        for cv in CVS:
            points = (*SI, *_three(LIMIT_SI, mdc_si(cv, PHI)))
            jobs.append((asymmetry_curve, (points, cv), {"pattern": pattern, "runs": runs}))
        for cv in IMPACT_CVS:
            points = (*PCT, *_impact_three(cv))
            jobs.append((impact_curve, (points, cv), {"pattern": pattern, "runs": runs}))
    few = min(SERIES, runs)
    others = [
        (asymmetry_curve, (_three(LIMIT_SI, mdc_si(0.035, PHI)), 0.035), {"runs": few, "every": 30}),
        (asymmetry_curve, (_three(LIMIT_SI, mdc_si(0.035, 0.0)), 0.035), {"runs": few, "phi": 0.0}),
        (asymmetry_curve, (_three(LIMIT_SI, mdc_si(0.035, 0.6)), 0.035), {"runs": few, "phi": 0.6}),
        (asymmetry_curve, (_three(LIMIT_SI, mdc_si(0.035, PHI)), 0.035), {"runs": few, "more": AT_ONCE}),
        (impact_curve, (_impact_three(0.07, 0.0), 0.07), {"runs": few, "phi": 0.0}),
        (impact_curve, (_impact_three(0.07, 0.6), 0.07), {"runs": few, "phi": 0.6}),
        (impact_curve, (_impact_three(0.07), 0.07), {"runs": few, "more": AT_ONCE}),
    ]
    back = [(asymmetry_crossing, cv, s) for cv in CVS for s in (0.0, 2.0, 3.0)]
    back += [(impact_crossing, cv, p) for cv in IMPACT_CVS for p in (100.0, 105.0)]
    crossings: list[Job] = []
    for function, cv, inside in back:
        mdc = LIMIT_SI + mdc_si(cv, PHI) if function is asymmetry_crossing else LIMIT_PCT * mdc_median(cv, PHI)
        crossings.append((function, (cv, inside, mdc), {"runs": few}))
    si_in, pct_in = _three(LIMIT_SI, mdc_si(0.035, PHI))[0], _impact_three(0.07)[0]
    whole = [(0.0, 100.0), (si_in, pct_in), ((si_in + LIMIT_SI) / 2, (pct_in + LIMIT_PCT) / 2), (LIMIT_SI, LIMIT_PCT)]
    plans: list[Job] = [(messages, truths, {"runs": runs}) for truths in whole]
    scatters = [(s, t) for s in (0.5, 1.0, 2.0) for t in (0.0, 2.5, 5.0, 7.5, 10.0)]
    based: list[Job] = [(with_runs, one, {"runs": few}) for one in scatters]
    with ProcessPoolExecutor(2) as pool:
        done = list(pool.map(_run, [*jobs, *others, *crossings, *plans, *based]))
    curves, rest = done[: len(jobs)], done[len(jobs) :]
    for at, pattern in enumerate(patterns):
        three = curves[6 * at : 6 * at + 3], curves[6 * at + 3 : 6 * at + 6]
        lines += _asymmetry_table(pattern, three[0]) + _impact_table(pattern, three[1])
    lines += _plain_table(runs) + _others_table(rest[: len(others)])
    rest = rest[len(others) :]
    lines += _crossing_table(back, rest[: len(back)])
    rest = rest[len(back) :]
    names = ("her usual", "one MDC inside", "half an MDC inside", "exactly at the limit")
    lines += ["### All statistical limits of a plan together", ""]
    lines += ["Contact time (5 and 10 points, CV 3.5 %) and impact (115 and 130 %, CV 7 %), 30 min of running.", ""]
    said = zip(names, whole, rest[: len(plans)], strict=True)
    lines += _table(
        ("truth of both", "SI", "impact", "messages in 100 runs"),
        [(name, f"{si:.1f}", f"{pct:.1f} %", f"{100 * float(str(n)) / runs:.1f}") for name, (si, pct), n in said],
    )
    lines += _based_table(scatters, rest[len(plans) :])
    return "\n".join([*lines, check_line(), ""])


def _plain_table(runs: int) -> list[str]:
    truths = (2.0, 3.0, 4.0, 4.5, 5.0)
    columns = [plain_shares(truths, cv, runs=runs) for cv in CVS]
    rows = [(f"{si:g}", *(f"{100 * x:.1f} %" for x in shares)) for si, *shares in zip(truths, *columns, strict=True)]
    head = ("SI", *(f"CV {100 * cv:g} %" for cv in CVS))
    return ["### For comparison: a plain 95 % interval, looked at every ten pairs for 30 min", "", *_table(head, rows)]


def _asymmetry_table(pattern: Pattern, curves: Sequence[object]) -> list[str]:
    columns = [_curve_cells(curve) for curve in curves]  # type: ignore[arg-type]
    mdcs = [mdc_si(cv, PHI) for cv in CVS]
    head = ("SI", *(f"CV {100 * cv:g} % (MDC {mdc:.1f})" for cv, mdc in zip(CVS, mdcs, strict=True)))
    names = [f"{si:g}" for si in SI] + ["limit - MDC", "limit", "limit + MDC"]
    rows = [(name, *cells) for name, *cells in zip(names, *columns, strict=True)]
    rows = [row for k, row in enumerate(rows) if k != len(SI) + 1]
    return [f"### Asymmetry, {pattern.name}: limit 5 points", "", *_table(head, rows)]


def _impact_table(pattern: Pattern, curves: Sequence[object]) -> list[str]:
    columns = [_curve_cells(curve) for curve in curves]  # type: ignore[arg-type]
    mdcs = [100 * (mdc_median(cv, PHI) - 1) for cv in IMPACT_CVS]
    head = ("impact", *(f"CV {100 * cv:g} % (MDC {mdc:.1f} %)" for cv, mdc in zip(IMPACT_CVS, mdcs, strict=True)))
    names = [f"{pct:g} %" for pct in PCT] + ["limit / MDC", "limit", "limit x MDC"]
    rows = [(name, *cells) for name, *cells in zip(names, *columns, strict=True)]
    rows = [row for k, row in enumerate(rows) if k != len(PCT) + 1]
    return [f"### Impact, {pattern.name}: limit 115 % of usual", "", *_table(head, rows)]


def _others_table(curves: Sequence[object]) -> list[str]:
    names = (
        "asymmetry, a value every 30 pairs (all metrics but contact time)",
        "asymmetry, strides without memory (AR 0)",
        "asymmetry, strides with long memory (AR 0.6)",
        'asymmetry, `sustained = "1s"`',
        "impact, landings without memory (AR 0)",
        "impact, landings with long memory (AR 0.6)",
        'impact, `sustained = "1s"`',
    )
    rows = [(name, *_curve_cells(curve)) for name, curve in zip(names, curves, strict=True)]  # type: ignore[arg-type]
    head = ("30 min of running, CV 3.5 % and 7 %", "one MDC inside", "at the limit", "one MDC outside")
    return ["### What else may differ", "", *_table(head, rows)]


def _crossing_table(back: Sequence[tuple[object, float, float]], found: Sequence[object]) -> list[str]:
    rows = []
    for (function, cv, inside), one in zip(back, found, strict=True):
        assert isinstance(one, Crossing)
        name, unit = ("asymmetry", "") if function is asymmetry_crossing else ("impact", " %")
        late = [f"{q:.0f}" for q in np.quantile(one.found_s, (0.5, 0.95))] if one.found_s else ["-"] * 2
        ends = [f"{q:.0f}" for q in np.quantile(one.ended_s, (0.5, 0.95))] if one.ended_s else ["-"] * 2
        rows.append(
            (
                f"{name}, CV {100 * cv:g} %, {inside:g}{unit}",
                f"{100 * sum(n >= 1 for n in one.onsets) / one.runs:.1f} %",
                f"{late[0]}, {late[1]}",
                f"{100 * sum(n >= 1 for n in one.recoveries) / one.runs:.1f} %",
                f"{ends[0]}, {ends[1]}",
                f"{sum(n > 1 for n in one.onsets)}, {sum(n > 1 for n in one.recoveries)} of {one.runs}",
            )
        )
    head = ("inside for 10 min, one MDC outside for 10, inside for 10", "alert", "after, s (median, p95)", "end told",
            "after, s", "runs with a second alert, a second end")  # fmt: skip
    return ["### One crossing and back", "", *_table(head, rows)]


def _based_table(scatters: Sequence[tuple[float, float]], found: Sequence[object]) -> list[str]:
    cells = {one: told for one, told in zip(scatters, found, strict=True) if isinstance(told, Told)}
    truths = sorted({truth for _, truth in scatters})
    rows = [
        (f"{scatter:g} points", *(f"{100 * cells[scatter, truth].share:.1f} %" for truth in truths))
        for scatter in sorted({scatter for scatter, _ in scatters})
    ]
    head = ("runs differ by (SD)", *(f"{truth:g} from her usual" for truth in truths))
    text = "Baseline of three runs, CV 3.5 %, 30 min; a run's own difference is part of the truth that is alerted."
    return ["### A baseline has an error too", "", text, "", *_table(head, rows)]


def main(given: Sequence[str] | None = None) -> int:
    """Fit, or write the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--fit", action="store_true", help="find ENOUGH")
    parser.add_argument("--runs", type=int, default=RUNS, help="runs a point")
    options = parser.parse_args(given)
    if options.fit:
        print(f"ENOUGH = {fit():g}; sensord/plan/sequential.py has {sequential.ENOUGH:g}")
        return 0
    found = tables(options.runs)
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(before + BEGIN + "\n" + found + "\n" + END + after, encoding="utf-8")
    print(f"written: {DOCUMENT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
