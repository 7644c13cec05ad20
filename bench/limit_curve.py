"""How often limits on asymmetry and impact alert, against the truth: the curve of the rule, by playing runs to it.

    python -m bench.limit_curve            every table, written into docs/limits.md (about 20 min on two cores)
    python -m bench.limit_curve --fit      what `ENOUGH` of `plan.sequential` has to be; other seeds, other scatter

Runs are of `bench.limit_series`; the rules are the real ones, made of plan texts with the default needs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import numpy as np

from bench.limit_series import (
    CONTINUOUS,
    WALK_RUN,
    Pattern,
    landing_noise,
    log_ratio,
    may_alert,
    may_alert_by,
    mdc_median,
    mdc_si,
    pair_noise,
    play_landings,
    play_pairs,
    setup,
    shifted,
    values_of,
)
from sensord.model import ALGORITHM, NS, Alert, AlertPhase, FloatArray
from sensord.plan import sequential
from sensord.plan.model import Plan, read_plan

DOCUMENT = Path(__file__).parents[1] / "docs" / "limits.md"
BEGIN, END = "<!-- python -m bench.limit_curve: begin -->\n", "<!-- end -->\n"

HEAD = 'schema = "rtr-plan/1"\nid = "curve"\ntitle = "Curve"\n[runner]\nalias = "r"\ninjured_side = "left"\n'
ASYMMETRY = (
    '[asymmetry.contact_time]\nformula = "si_signed"\nbaseline = {mode = "fixed", value = 0.0}\nwarn = 5.0\n'
    "needs = {steps = 60, clear_below = 4.0%s}\n"
)
USUAL_G = 20.0
IMPACT = (
    '[impact]\nmetric = "peak_accel"\nmount = "laces"\nbaseline = {mode = "fixed", value_g = 20.0}\nwarn_pct = 115\n'
    "needs = {clear_below_pct = 110%s}\n"
)
LIMIT_SI, LIMIT_PCT = 5.0, 115.0
STEPS, WINDOW = 60, 30
"""Pairs and landings behind a value: the defaults of a plan."""
AT_ONCE = ', sustained = "1s"'

CVS = (0.025, 0.035, 0.05)
PHI = 0.3
IMPACT_CVS = (0.05, 0.07, 0.10)
"""Stride-to-stride variation of impact peaks: 6.9 to 7.0 % (preprint 10.20944/preprints202601.2214), and round it."""

SI = (0.0, 1.0, 2.0, 3.0, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 8.0, 9.0, 10.0)
PCT = (100.0, 105.0, 110.0, 112.5, 115.0, 117.5, 120.0, 122.5, 125.0, 130.0)
RUNS = 2000
SERIES = 500
"""Runs of a series in the tables whose runs are played to their ends."""

FIT_SEED, SEED, CHECK_SEED = 11, 23, 7
FIT_CVS, FIT_IMPACT_CV = (0.025, 0.05), 0.07
AT_LIMIT = 0.05
"""Share of 30-minute runs exactly at the limit that may be told, whatever `sustained` is: what is fitted."""


def plan_of(*parts: str, more: str = "") -> Plan:
    """A plan with these limits; `more` goes into their needs."""
    return read_plan(HEAD + "".join(part % more for part in parts), "curve")


@dataclass(frozen=True, slots=True)
class Told:
    """What runs of one truth were told: how many of them anything, and the running time to the first alert, in s."""

    runs: int
    found_s: tuple[float, ...]

    @property
    def share(self) -> float:
        """Share of the runs with an alert."""
        return len(self.found_s) / self.runs

    def time_s(self, quantile: float) -> float | None:
        """Time by which this share of all runs were told; None when fewer were."""
        if len(self.found_s) < quantile * self.runs:
            return None
        return float(
            np.quantile([*self.found_s, *[np.inf] * (self.runs - len(self.found_s))], quantile, method="lower")
        )


def plain_shares(truths: Sequence[float], cv: float, *, runs: int = RUNS, seed: int = SEED) -> list[float]:
    """Share of 30-minute runs in which a plain 95 % interval of 60 to 100 pairs is beyond the limit at some time."""
    rng = np.random.default_rng([seed, round(cv * 1e4), 6])
    series = values_of(pair_noise(rng, runs, CONTINUOUS, cv, PHI), CONTINUOUS)
    judged = [n >= STEPS for n in series.n]
    moved = (shifted(series, truth) for truth in truths)
    clear = (np.abs(one.mean) - one.half > float(log_ratio(LIMIT_SI)) for one in moved)
    return [float(one[:, judged].any(axis=-1).mean()) for one in clear]


def told_of(runs: Sequence[list[Alert]], t_s: FloatArray, run_s: FloatArray) -> Told:
    """`t_s`, `run_s`: run time and running time at the ends of pairs or landings."""
    first = [alerts[0].onset_ns / NS for alerts in runs if alerts]
    return Told(len(runs), tuple(float(x) for x in np.interp(first, t_s, run_s)))


def asymmetry_curve(
    truths: Sequence[float],
    cv: float,
    *,
    phi: float = PHI,
    pattern: Pattern = CONTINUOUS,
    runs: int = RUNS,
    seed: int = SEED,
    more: str = "",
    every: int = 10,
) -> list[Told]:
    """What runs are told at each truth (points of SI); the same chance at all of them."""
    rng = np.random.default_rng([seed, round(cv * 1e4), round(phi * 100), len(pattern.bouts)])
    series = values_of(pair_noise(rng, runs, pattern, cv, phi), pattern, every)
    plan, curve = plan_of(ASYMMETRY, more=more), []
    for truth in truths:
        moved = shifted(series, truth)
        may = may_alert(moved, LIMIT_SI, STEPS)
        alerts = [play_pairs(plan, moved, run, first_only=True) if may[run] else [] for run in range(runs)]
        curve.append(told_of(alerts, series.t_s, series.run_s))
    return curve


def impact_curve(
    truths_pct: Sequence[float],
    cv: float,
    *,
    phi: float = PHI,
    pattern: Pattern = CONTINUOUS,
    runs: int = RUNS,
    seed: int = SEED,
    more: str = "",
) -> list[Told]:
    """The same for impact; truths are medians in % of the baseline."""
    rng = np.random.default_rng([seed, round(cv * 1e4), round(phi * 100), len(pattern.bouts), 1])
    noise = np.exp(landing_noise(rng, runs, pattern, cv, phi))
    _, run_s, t_s = pattern.strides()
    plan, curve = plan_of(IMPACT, more=more), []
    for truth in truths_pct:
        peaks = USUAL_G * truth / 100.0 * noise
        may = may_alert_by(peaks, USUAL_G * LIMIT_PCT / 100.0, WINDOW)
        alerts = [
            play_landings(plan, row.tolist(), (run_s, t_s), first_only=True) if one else []
            for row, one in zip(peaks, may, strict=True)
        ]
        curve.append(told_of(alerts, t_s, run_s))
    return curve


# -------------------------------------------------------------------------------------------------------- one crossing


@dataclass(frozen=True, slots=True)
class Crossing:
    """Runs that leave the limit after a third and come back after two thirds."""

    runs: int
    onsets: tuple[int, ...]
    recoveries: tuple[int, ...]
    early: int
    found_s: tuple[float, ...]
    ended_s: tuple[float, ...]


def crossing_of(runs: Sequence[list[Alert]], t_s: FloatArray) -> Crossing:
    """`t_s`: run time of all that was played, in thirds."""
    out_s, in_s = t_s[len(t_s) // 3], t_s[2 * len(t_s) // 3]
    onsets, recoveries = [], []
    found_s, ended_s, early = [], [], 0
    for alerts in runs:
        begun = [a.onset_ns / NS for a in alerts if a.phase is AlertPhase.ONSET]
        ended = [a.onset_ns / NS + (a.duration_s or 0.0) for a in alerts if a.phase is AlertPhase.RECOVERY]
        onsets.append(len(begun))
        recoveries.append(len(ended))
        early += any(t < out_s for t in begun)
        found_s += [begun[0] - out_s] if begun else []
        ended_s += [ended[0] - in_s] if ended else []
    return Crossing(len(runs), tuple(onsets), tuple(recoveries), early, tuple(found_s), tuple(ended_s))


def asymmetry_crossing(cv: float, inside: float, outside: float, *, runs: int, seed: int = SEED) -> Crossing:
    """Ten minutes at `inside`, ten at `outside`, ten at `inside`, in points of SI."""
    rng = np.random.default_rng([seed, round(cv * 1e4), 2])
    pairs = pair_noise(rng, runs, CONTINUOUS, cv, PHI)
    truth = np.full(pairs.shape[1], inside)
    truth[len(truth) // 3 : 2 * len(truth) // 3] = outside
    series, plan = values_of(pairs + log_ratio(truth), CONTINUOUS), plan_of(ASYMMETRY)
    return crossing_of([play_pairs(plan, series, run) for run in range(runs)], series.t_s)


def impact_crossing(cv: float, inside: float, outside: float, *, runs: int, seed: int = SEED) -> Crossing:
    """The same in % of the usual impact."""
    rng = np.random.default_rng([seed, round(cv * 1e4), 3])
    noise = np.exp(landing_noise(rng, runs, CONTINUOUS, cv, PHI))
    _, run_s, t_s = CONTINUOUS.strides()
    truth = np.full(noise.shape[1], inside)
    truth[len(truth) // 3 : 2 * len(truth) // 3] = outside
    plan, peaks = plan_of(IMPACT), USUAL_G / 100.0 * truth * noise
    return crossing_of([play_landings(plan, row.tolist(), (run_s, t_s)) for row in peaks], t_s)


# -------------------------------------------------------------------------------------------------------- a whole plan


def messages(si: float, pct: float, *, runs: int, seed: int = SEED) -> int:
    """Messages of all kinds in so many runs of 30 min under a plan that limits contact time and impact."""
    rng = np.random.default_rng([seed, 4])
    plan = plan_of(
        ASYMMETRY.replace("warn = 5.0", "warn = 5.0\nstop = 10.0"),
        IMPACT.replace("warn_pct = 115", "warn_pct = 115\nstop_pct = 130"),
    )
    series = shifted(values_of(pair_noise(rng, runs, CONTINUOUS, 0.035, PHI), CONTINUOUS), si)
    peaks = USUAL_G * pct / 100.0 * np.exp(landing_noise(rng, runs, CONTINUOUS, 0.07, PHI))
    times = CONTINUOUS.strides()[1:]
    pairs_may, landings_may = may_alert(series, LIMIT_SI, STEPS), may_alert_by(peaks, 1.15 * USUAL_G, WINDOW)
    said = 0  # the two limits do not hear of each other: each has the run to itself
    for run in range(runs):
        said += len(play_pairs(plan, series, run)) if pairs_may[run] else 0
        said += len(play_landings(plan, peaks[run].tolist(), times)) if landings_may[run] else 0
    return said


def with_runs(scatter_si: float, truth: float, *, runs: int, seed: int = SEED) -> Told:
    """A baseline of three runs, and today's run, which all differ from her usual by chance of this standard deviation;
    today's truth is so many points from her usual."""
    rng = np.random.default_rng([seed, 5, round(10 * scatter_si)])
    series = values_of(pair_noise(rng, runs, CONTINUOUS, 0.035, PHI), CONTINUOUS)
    body = ASYMMETRY.replace('{mode = "fixed", value = 0.0}', '{mode = "sessions", n = 3}')
    plan, alerts = plan_of(body), []
    for run in range(runs):
        usual = scatter_si * rng.standard_normal(4)
        kept = [{"contact_time": {"index": float(x), "pairs": 2500}} for x in usual[:3]]
        history = tuple({"algo": ALGORITHM, "run": f"R{k}", "metrics": values} for k, values in enumerate(kept))
        own = replace(series, mean=series.mean[run : run + 1], latest=series.latest[run : run + 1])
        own = shifted(replace(own, half=series.half[run : run + 1], se=series.se[run : run + 1]), truth + usual[3])
        alerts.append(play_pairs(plan, own, 0, given=setup(history), first_only=True))
    return told_of(alerts, series.t_s, series.run_s)


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
    back = [(asymmetry_crossing, cv, s) for cv in CVS for s in (0.0, 1.0, 2.0)]
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
