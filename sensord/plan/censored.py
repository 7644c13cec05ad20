"""Medians of values of which some are only known to be "at least so much" (clipped impacts).

A clipped impact is as high as its recorded peak or higher. The median is exact as long as it lies below the lowest
clipped record; from there on only a lower bound is known. Clipped peaks are never restored: a published spline
restoration of ±16 g data left errors of several g (Chan et al. 2023, Sensors 23:4609).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import comb, inf


@dataclass(frozen=True, slots=True)
class Peak:
    """One impact: its recorded peak in g, and whether the sensor was at full scale."""

    g: float
    clipped: bool


@dataclass(frozen=True, slots=True)
class Median:
    """A median with its 95 % interval. `exact` is False when clipping hides it: then `value` is a lower bound, and
    `high` is infinite; `low` is a bound that holds either way."""

    value: float
    low: float
    high: float
    exact: bool


def median_of(peaks: Sequence[Peak]) -> Median:
    """Lower median and its distribution-free 95 % interval from order statistics (binomial); at least one value.

    With fewer than 6 values no such interval exists: low is 0, high is infinite. The interval takes the values as
    independent, which strides are only roughly.
    """
    n = len(peaks)
    if not n:
        raise ValueError("no median of nothing")
    ordered = sorted(peaks, key=lambda p: (p.g, p.clipped))  # a clipped peak is the higher one of two equal records
    floor = min((p.g for p in peaks if p.clipped), default=inf)
    middle, rank = ordered[(n - 1) // 2], interval_rank(n)
    low = 0.0 if rank is None else ordered[rank - 1].g
    high = inf if rank is None or not _exact(ordered[n - rank], floor) else ordered[n - rank].g
    return Median(middle.g, low, high, _exact(middle, floor))


def _exact(peak: Peak, floor_g: float) -> bool:
    """This place in the order is certain: nothing that was recorded lower can be higher in truth."""
    return not peak.clipped and peak.g <= floor_g


@cache
def interval_rank(n: int) -> int | None:
    """The k for which [k-th smallest, k-th largest] of n holds the median with at least 95 %; None when n < 6."""
    tail, k = 0.0, 0
    while True:
        tail += comb(n, k) * 0.5**n
        if tail > 0.025:
            return k or None
        k += 1
