"""Left/right differences of a whole recording at once, for analysis: every metric, by stride pairs or foot by foot.

By pairs when both feet are on one clock: as live (`load.asymmetry`), over all steady pairs of the recording. Without a
common clock there are no pairs: the difference of the two feet's means, and Welch's interval over each foot's batches;
curves and changes of speed are in it then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np

from sensord.load.interval import BATCH, MIN_BATCHES, interval, mean_and_error
from sensord.load.metrics import METRICS, Metric
from sensord.load.pairing import Pairing, StridePair
from sensord.load.steady import Bouts, pair_speed_mps, pair_turn_deg, steady, straight
from sensord.model import Activity, FloatArray, Side, Stride
from sensord.plan.rule import MIN_CONFIDENCE


@dataclass(frozen=True, slots=True)
class Difference:
    """Left against right of one metric. SI, its interval and balance in %; or, where values may be near 0, the
    difference (left - right) in `unit`. `n`: pairs, or strides of the foot that has fewer."""

    si_pct: float | None
    si_low_pct: float | None
    si_high_pct: float | None
    balance_pct: float | None
    n: int
    paired: bool
    unit: str
    difference: float | None
    difference_low: float | None
    difference_high: float | None


def paired_differences(strides: Sequence[Stride]) -> dict[str, Difference]:
    """By metric, over pairs of settled running; strides of both feet have run times of one clock. Metrics without a
    pair are left out."""
    pairing, bouts = Pairing(), Bouts()
    pairs: list[StridePair] = []
    for stride in sorted(strides, key=lambda s: s.ic_run_ns or 0):
        pairs += [pair for pair in pairing.add(stride) if bouts.settled(pair)]
    pairs = [pair for ten in _tens(pairs) if _even(ten) for pair in ten]
    found: dict[str, Difference] = {}
    for metric in METRICS:
        values = np.array([x for pair in pairs if (x := metric.compare(pair)) is not None])
        if len(values):
            mean, half = interval(values) if len(values) >= BATCH else (float(values.mean()), None)
            found[metric.name] = _difference(metric, mean, half, len(values), paired=True)
    return found


def _tens(pairs: Sequence[StridePair]) -> list[Sequence[StridePair]]:
    return [pairs[start : start + BATCH] for start in range(0, len(pairs), BATCH)]


def _even(pairs: Sequence[StridePair]) -> bool:
    """Whether these pairs were straight on, and not getting faster or slower (less than ten can tell little)."""
    return straight([pair_turn_deg(p) for p in pairs]) and steady([pair_speed_mps(p) for p in pairs])


def unpaired_differences(strides: Sequence[Stride]) -> dict[str, Difference]:
    """By metric, foot by foot, over running strides; metrics that a foot does not have are left out."""
    found: dict[str, Difference] = {}
    trusted = [s for s in strides if s.activity is Activity.RUN and s.confidence >= MIN_CONFIDENCE]
    feet = [[s for s in trusted if s.foot is side] for side in (Side.LEFT, Side.RIGHT)]
    for metric in METRICS if all(feet) else ():
        left, right = (_values(metric, foot) for foot in feet)
        if len(left) and len(right):
            means = [interval(x)[0] if len(x) >= BATCH else float(x.mean()) for x in (left, right)]
            half = _welch_half(left, right)
            found[metric.name] = _difference(
                metric, means[0] - means[1], half, min(len(left), len(right)), paired=False
            )
    return found


def _values(metric: Metric, strides: Sequence[Stride]) -> FloatArray:
    """What is subtracted: logarithms of a ratio's values, or values in the unit of the difference."""
    found: list[float] = []
    for stride in strides:
        value = metric.read(stride)
        if value is None or (metric.ratio and value <= 0):
            continue
        found.append(log(value) if metric.ratio else metric.scale * value)
    return np.array(found)


def _welch_half(left: FloatArray, right: FloatArray) -> float | None:
    if min(len(left), len(right)) < MIN_BATCHES * BATCH:
        return None
    parts = [(float(error) ** 2, df) for _, error, df in (mean_and_error(left), mean_and_error(right))]
    total = sum(variance for variance, _ in parts)
    if total <= 0:
        return None
    from scipy.stats import t  # noqa: PLC0415 - slow to import, and only analysis needs it

    return float(t.ppf(0.975, total**2 / sum(variance**2 / df for variance, df in parts))) * sqrt(total)


def _difference(metric: Metric, mean: float, half: float | None, n: int, *, paired: bool) -> Difference:
    value = metric.index(mean)
    low, high = (None, None) if half is None else (metric.index(mean - half), metric.index(mean + half))
    if metric.ratio:
        balance = 100.0 / (1.0 + exp(-mean))
        return Difference(value, low, high, balance, n, paired, metric.unit, None, None, None)
    return Difference(None, None, None, None, n, paired, metric.unit, value, low, high)
