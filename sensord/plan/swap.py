"""What two pods read differently, from runs in which they were on the other feet.

A run measures x = truth + s·d: d is what the pods differ by (as a log ratio, or in the unit of a difference), s = +1 or
-1 says which pod is on which foot. Two runs with the pods exchanged between them give d = s·(x1 - x2)/2, as far as the
runner herself stayed the same from one to the next; only neighbouring runs are used, and all such pairs are averaged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import atanh
from statistics import fmean

from sensord.model import ALGORITHM, Json
from sensord.plan.conditions import Conditions

MIN_PAIRS = 60
"""Stride pairs a run needs in a metric to speak for the pods (design choice: as for a value of asymmetry)."""


def compared(metric: str, found: Mapping[str, Json]) -> float | None:
    """A run's value as it is compared: ln(left/right) of a symmetry index, or the difference itself."""
    index = found.get("index")
    if index is None:
        return None
    return float(index) if metric in DIFFERENCES else 2.0 * atanh(max(-199.9, min(199.9, float(index))) / 200.0)


DIFFERENCES = ("flight_time", "strike_angle")
"""Metrics compared by difference, as in `load.metrics`."""


def metrics_of(summary: Mapping[str, Json], band: str | None = None) -> Mapping[str, Mapping[str, Json]]:
    """Medians by metric of an earlier run, over the whole run or in one speed band. A summary that was made before
    there were such has its contact time."""
    if band is not None:
        return dict((summary.get("bands") or {}).get(band) or {})
    if found := summary.get("metrics"):
        return dict(found)
    if summary.get("contact_time_si_pct") is None:
        return {}
    return {
        "contact_time": {
            "index": summary["contact_time_si_pct"],
            "pairs": summary.get("contact_time_pairs", 0),
            "left": summary.get("contact_time_left_s"),
            "right": summary.get("contact_time_right_s"),
        }
    }


def of_this_algorithm(summary: Mapping[str, Json]) -> bool:
    """Values of different algorithms are not comparable; a summary that does not say is taken to be of this one."""
    return bool(summary.get("algo", ALGORITHM) == ALGORITHM)


def swap_calibration(summaries: Sequence[Mapping[str, Json]], now: Conditions | None = None) -> dict[str, float]:
    """By metric, what the pods add to left minus right when they are placed as in `now` (None: as in the last run that
    says): a log ratio, or a difference in the metric's unit. Only metrics for which there is a swap.

    `summaries`: `RunSummary` payloads, oldest first."""
    runs = [(Conditions.of_summary(s), metrics_of(s)) for s in summaries if of_this_algorithm(s)]
    runs = [run for run in runs if run[0].placement and (now is None or now.unlike(run[0]) is None)]
    if now is None:
        now = runs[-1][0] if runs else Conditions()
    biases: dict[str, list[float]] = {}
    for (one, before), (two, after) in pairwise(runs):
        if one.unlike(two) or one.placement == two.placement:
            continue
        for metric in before.keys() & after.keys():
            first, second = before[metric], after[metric]
            x1, x2 = compared(metric, first), compared(metric, second)
            if x1 is None or x2 is None or min(first.get("pairs", 0), second.get("pairs", 0)) < MIN_PAIRS:
                continue
            biases.setdefault(metric, []).append(one.placement * (x1 - x2) / 2.0)
    return {metric: now.placement * fmean(values) for metric, values in sorted(biases.items()) if now.placement}
