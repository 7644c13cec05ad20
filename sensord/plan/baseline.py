"""Her own usual: a value the therapist wrote, or the median of her last runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from sensord.model import Json, Side
from sensord.plan.model import FixedAsymmetryBaseline, FixedImpactBaseline, SessionsBaseline

History = Sequence[Mapping[str, Json]]
"""Summaries (`RunSummary` payloads) of earlier runs, oldest first."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The value, or why there is none."""

    value: float | None
    why_none: str | None = None


def impact_baseline(
    given: FixedImpactBaseline | SessionsBaseline, history: History, side: Side, strides_needed: int
) -> Baseline:
    """Baseline peak of one foot in g. A run counts when its median was known (not hidden by clipping) and rests on at
    least as many strides as one window of the limit."""
    if isinstance(given, FixedImpactBaseline):
        return Baseline(given.value_g)
    return _of_runs(given.n, history, f"impact_{side.value}_g", f"impact_n_{side.value}", strides_needed)


def asymmetry_baseline(
    given: FixedAsymmetryBaseline | SessionsBaseline, history: History, injured: Side | None, pairs_needed: int
) -> Baseline:
    """Baseline contact-time SI in points, signed injured - other (left - right without an injured side)."""
    if isinstance(given, FixedAsymmetryBaseline):
        return Baseline(given.value)
    found = _of_runs(given.n, history, "contact_time_si_pct", "contact_time_pairs", pairs_needed)
    return found if found.value is None or injured is not Side.RIGHT else Baseline(-found.value)


def _of_runs(n: int, history: History, key: str, count_key: str, count_needed: int) -> Baseline:
    values = [float(run[key]) for run in history if run.get(key) is not None and run.get(count_key, 0) >= count_needed]
    if len(values) < n:
        return Baseline(None, f"no baseline: {len(values)} of {n} runs")
    return Baseline(median(values[-n:]))
