"""Her own usual: a value the therapist wrote, or the median of chosen runs under the same conditions.

A baseline of runs mixes only runs of the same shoe, surface, mount, pods, speed band and algorithm. It says how many
runs it rests on, how much they scatter, what both feet did in them, and whether they were made while injured: a limp
that has become usual is no reason to call it normal.

With at least three runs the smallest change that is more than the scatter between runs is 1.96·sqrt(2)·SD, the minimal
detectable change at 95 %: between one run and another, both of which scatter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt, tanh
from statistics import median, stdev

from sensord.model import Json, RunSetup, Side
from sensord.plan.conditions import Conditions, Counted
from sensord.plan.model import (
    AsymmetryLimit,
    FixedAsymmetryBaseline,
    Plan,
    RunsBaseline,
    SessionsBaseline,
)
from sensord.plan.swap import DIFFERENCES, compared, metrics_of, of_this_algorithm, swap_calibration

History = Sequence[Mapping[str, Json]]
"""Summaries (`RunSummary` payloads) of earlier runs, oldest first, each with its `run` and `algo`."""

MDC_RUNS = 3
"""Runs from which on their scatter is used (design choice: with two, a standard deviation says next to nothing)."""

USUAL = SessionsBaseline(mode="sessions", n=3)
"""What is shown beside a metric that the plan does not limit (design choice)."""

PAIRS_NEEDED = 60
"""Stride pairs with which a run counts for a metric that the plan does not limit (design choice)."""

INJURED = "made while injured"


@dataclass(frozen=True, slots=True)
class Baseline:
    """The value, or why there is none. `sd` and `mdc` are between runs; `left` and `right` what both feet did."""

    value: float | None
    why_none: str | None = None
    sd: float | None = None
    n: int = 0
    label: str | None = None
    left: float | None = None
    right: float | None = None

    @property
    def mdc(self) -> float | None:
        """Minimal detectable change between two runs (95 %), None with fewer than three runs."""
        return None if self.sd is None or self.n < MDC_RUNS else 1.96 * sqrt(2.0) * self.sd


class Baselines:
    """Baselines of asymmetry for one run: by metric and speed band, and what is known of the pods."""

    def __init__(self, plan: Plan | None, setup: RunSetup) -> None:
        self._conditions = Conditions.of_setup(setup, plan)
        self._limits: dict[str, AsymmetryLimit] = plan.asymmetry.limits if plan else {}
        self._injured = plan.runner.injured_side if plan else None
        self._bias = swap_calibration(setup.history, self._conditions)
        self._plan = plan
        self._runs = [(Conditions.of_summary(run), run) for run in setup.history if of_this_algorithm(run)]
        self._known: dict[tuple[str, str | None], Baseline] = {}

    def device_bias(self, metric: str) -> float | None:
        """What the pods add to left minus right as they are placed now: a log ratio, or a difference; None: unknown."""
        return self._bias.get(metric)

    def asymmetry(self, metric: str, band: str | None) -> Baseline:
        """Usual left minus right (SI points, or the unit of the difference), in a speed band or, where no speed is
        known, over whole runs; without what the pods add, where that is known."""
        key = (metric, band)
        if key not in self._known:
            self._known[key] = self._find(metric, band)
        return self._known[key]

    def never(self, metric: str) -> str | None:
        """Why there cannot be a baseline of this metric at any speed; None when there may be one."""
        return self.asymmetry(metric, None).why_none

    def _find(self, metric: str, band: str | None) -> Baseline:
        limit = self._limits.get(metric)
        given = limit.baseline if limit else USUAL
        if isinstance(given, FixedAsymmetryBaseline):  # signed like the limit: injured - other
            return Baseline(-given.value if self._injured is Side.RIGHT else given.value, label="fixed")
        needed = limit.needs.steps if limit else PAIRS_NEEDED
        if isinstance(given, SessionsBaseline) and given.by is not None and "pace_band" not in given.by:
            band = None
        chosen, others = self._alike(given)
        if isinstance(given, RunsBaseline):
            chosen = [(conditions, run) for conditions, run in chosen if run.get("run") in given.runs]
        values: list[tuple[float, Mapping[str, Json], bool]] = []
        swapped = 0
        for conditions, run in chosen:
            found = metrics_of(run, band).get(metric) or {}
            x = compared(metric, found)
            if x is None or found.get("pairs", 0) < needed or _too_few_steps(given, run, metric):
                continue
            turned = conditions.placement * self._conditions.placement < 0
            bias = self._bias.get(metric)
            if turned and bias is None:
                swapped += 1
                continue
            truth = x - (0.0 if bias is None else -bias if turned else bias)
            values.append((truth if metric in DIFFERENCES else 200.0 * tanh(truth / 2.0), found, conditions.injured))
        n = len(given.runs) if isinstance(given, RunsBaseline) else given.n
        values = values[-n:]
        base = _of_values([value for value, _, _ in values], n, _left_out(others, band, swapped))
        if base.value is None:
            return base
        return Baseline(
            base.value,
            sd=base.sd,
            n=base.n,
            label=INJURED if any(injured for _, _, injured in values) else None,
            left=_median_of([found.get("left") for _, found, _ in values]),
            right=_median_of([found.get("right") for _, found, _ in values]),
        )

    def _alike(self, given: object) -> tuple[list[tuple[Conditions, Mapping[str, Json]]], dict[str, int]]:
        """The runs that count, and how many do not, by what was different."""
        counted = Counted(self._conditions, self._plan, given)
        alike, others = [], dict[str, int]()
        for conditions, run in self._runs:
            if unlike := counted.unlike(conditions, run):
                others[unlike] = others.get(unlike, 0) + 1
            else:
                alike.append((conditions, run))
        return alike, others


def _left_out(others: Mapping[str, int], band: str | None, swapped: int) -> str:
    parts = [
        f"{count} {'in' if what == 'stage' else 'with'} {'other pods' if what == 'pods' else f'another {what}'}"
        for what, count in sorted(others.items())
    ]
    parts += [f"{swapped} with the pods on the other feet"] if swapped else []
    at = f" at {band} m/s" if band else ""
    return at + (f" ({', '.join(parts)})" if parts else "")


def _too_few_steps(given: object, run: Mapping[str, Json], metric: str) -> bool:
    """Whether one of the feet was measured for fewer strides, over the whole run, than the plan asks for. A run that
    kept only its pairs has as many of both."""
    if not isinstance(given, SessionsBaseline) or given.min_steps is None:
        return False
    found = metrics_of(run).get(metric) or {}
    return any(found.get(f"n_{side.value}", found.get("pairs", 0)) < given.min_steps for side in Side)


def _of_values(values: Sequence[float], n: int, what: str = "") -> Baseline:
    if len(values) < n:
        return Baseline(None, f"no baseline: {len(values)} of {n} runs{what}")
    last = list(values[-n:])
    return Baseline(median(last), sd=stdev(last) if len(last) > 1 else None, n=len(last))


def _median_of(values: Sequence[float | None]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return median(known) if known else None
