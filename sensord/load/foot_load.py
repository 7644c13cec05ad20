"""What one foot has taken so far: steps, sums of estimated force and impulse, intensity bins, weighted cycles.

External load, estimated from timing, and only of use beside the same runner's own earlier runs. Weighted cycles are
the sum of (force / usual force)^m: so many steps at her usual force would weigh the same. They exist only where the
plan states the exponent m with its source, and where earlier runs tell the usual force; +5 % of force is +22 % at m = 4
and +55 % at m = 9, so an error of the estimate weighs more than it measures.

Running strides only; walking ones are counted apart, having no force. A stride whose force or intensity is not known is
counted as missing, never as 0: sums and cycles are over the strides that are known, and say how many those were.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from sensord.model import G_MPS2, Activity, FootLoadState, Json, RunSetup, Side, Stride
from sensord.plan.conditions import Conditions
from sensord.plan.model import LoadSection, Plan
from sensord.plan.rule import MIN_CONFIDENCE
from sensord.plan.swap import metrics_of, of_this_algorithm

REFERENCE_RUNS = 3
"""Runs behind the usual force, as in a baseline that the plan does not describe (design choice)."""

REFERENCE_STRIDES = 60
"""Strides a run needs to speak for the usual force (design choice: as for other metrics)."""

INTENSITY = {"force_peak": "force_peak_bw", "impact_peak": "impact_peak_g", "impact_band": "impact_band_g"}
"""What bins may be made of, and where it stands in a stride."""


@dataclass(slots=True)
class _Foot:
    strides: int = 0
    walk_strides: int = 0
    force_n: int = 0
    force_sum_bw: float = 0.0
    impulse_n: int = 0
    impulse_sum_bw_s: float = 0.0
    weighted: float = 0.0
    bins: list[int] = field(default_factory=list)
    unbinned: int = 0


def force_references(setup: RunSetup, plan: Plan | None) -> dict[Side, float]:
    """Usual peak force of each foot in body weights: the median of her last runs under the same conditions."""
    now = Conditions.of_setup(setup, plan)
    alike = [r for r in setup.history if of_this_algorithm(r) and Conditions.of_summary(r).unlike(now) is None]
    found: dict[Side, float] = {}
    for side in Side:
        values = [v for run in alike if (v := _usual(run, side)) is not None][-REFERENCE_RUNS:]
        if len(values) == REFERENCE_RUNS:
            found[side] = median(values)
    return found


def _usual(run: Mapping[str, Json], side: Side) -> float | None:
    of = metrics_of(run).get("force_peak") or {}
    value = of.get(side.value)
    return float(value) if value is not None and of.get(f"n_{side.value}", 0) >= REFERENCE_STRIDES else None


class FootLoad:
    """Load of both feet of one run, in constant memory."""

    def __init__(
        self,
        plan: LoadSection | None = None,
        references: Mapping[Side, float] | None = None,
        *,
        mass_kg: float | None = None,
    ) -> None:
        """`references`: usual peak force of a foot in body weights. `mass_kg`: impulse in N·s only when it is known."""
        self._plan = plan or LoadSection()
        self._references = dict(references or {})
        self._mass_kg = mass_kg
        self._edges = list(self._plan.edges)
        self._field = INTENSITY[self._plan.intensity]
        self._feet = {side: _Foot(bins=[0] * (len(self._edges) + 1 if self._edges else 0)) for side in Side}

    @classmethod
    def of_run(cls, setup: RunSetup, plan: Plan | None) -> FootLoad:
        """As the plan asks, against the runner's own earlier runs."""
        mass = setup.mass_kg if setup.mass_kg is not None or plan is None else plan.runner.mass_kg
        return cls(plan.load if plan else None, force_references(setup, plan), mass_kg=mass)

    def add(self, stride: Stride) -> None:
        """Count a stride of either foot; its force must have been estimated by then."""
        foot = self._feet[stride.foot]
        if stride.activity is not Activity.RUN:
            foot.walk_strides += 1
            return
        foot.strides += 1
        sure = stride.confidence >= MIN_CONFIDENCE
        if sure and stride.force_peak_bw is not None:
            foot.force_n += 1
            foot.force_sum_bw += stride.force_peak_bw
            usual, exponent = self._references.get(stride.foot), self._plan.exponent
            if usual and exponent is not None:
                foot.weighted += (stride.force_peak_bw / usual) ** exponent
        if sure and stride.impulse_bw_s is not None:
            foot.impulse_n += 1
            foot.impulse_sum_bw_s += stride.impulse_bw_s
        if self._edges:
            self._bin(foot, stride if sure else None)

    def _bin(self, foot: _Foot, stride: Stride | None) -> None:
        value: float | None = None if stride is None else getattr(stride, self._field)
        index = None if value is None else bisect_right(self._edges, value)
        clipped = stride is not None and stride.impact_clipped and self._field == "impact_peak_g"
        if index is None or (clipped and index < len(self._edges)):
            foot.unbinned += 1  # a clipped peak is "at least so much": only in the last bin is its place certain
        else:
            foot.bins[index] += 1

    def payload(self, side: Side) -> FootLoadState:
        """Where a foot stands now. Sums are None as long as nothing is known."""
        foot, plan = self._feet[side], self._plan
        usual = self._references.get(side)
        impulse = foot.impulse_sum_bw_s if foot.impulse_n else None
        weighs = foot.force_n > 0 and usual is not None and plan.exponent is not None
        return FootLoadState(
            foot=side,
            strides=foot.strides,
            walk_strides=foot.walk_strides,
            force_n=foot.force_n,
            force_peak_sum_bw=foot.force_sum_bw if foot.force_n else None,
            without_force=foot.strides - foot.force_n,
            impulse_n=foot.impulse_n,
            impulse_sum_bw_s=impulse,
            impulse_sum_ns=None if impulse is None or self._mass_kg is None else impulse * self._mass_kg * G_MPS2,
            intensity=plan.intensity if self._edges else None,
            edges=tuple(self._edges),
            bins=tuple(foot.bins),
            unbinned=foot.unbinned,
            weighted_cycles=foot.weighted if weighs else None,
            exponent=plan.exponent,
            exponent_source=plan.exponent_source,
            reference_bw=usual,
            why=self._why(usual),
        )

    def _why(self, usual: float | None) -> str | None:
        """Why there are no weighted cycles."""
        if self._plan.exponent is None:
            return "no exponent in the plan"
        return None if usual is not None else f"no usual force: fewer than {REFERENCE_RUNS} earlier runs"
