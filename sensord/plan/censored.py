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
from typing import NamedTuple


class Peak(NamedTuple):
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
    return quantile_of(peaks, 50)


def quantile_of(peaks: Sequence[Peak], percent: int) -> Median:
    """The same for another quantile: below the lowest clipped record it is as exact as if nothing were clipped."""
    return Ordered(peaks).quantile(percent)


class Ordered:
    """Values in their order, for several quantiles of the same ones; at least one value."""

    def __init__(self, peaks: Sequence[Peak]) -> None:
        if not peaks:
            raise ValueError("no median of nothing")
        self._ordered = sorted(peaks)  # a clipped peak is the higher one of two equal records
        self._floor = min((g for g, clipped in self._ordered if clipped), default=inf)

    def quantile(self, percent: int) -> Median:
        """A quantile with its 95 % interval."""
        ordered, n = self._ordered, len(self._ordered)
        middle = ordered[(n - 1) * percent // 100]
        low_rank, high_rank = interval_ranks(n, percent)
        low = 0.0 if low_rank is None else ordered[low_rank - 1].g
        high = inf if high_rank is None or not self._exact(ordered[high_rank - 1]) else ordered[high_rank - 1].g
        return Median(middle.g, low, high, self._exact(middle))

    def _exact(self, place: Peak) -> bool:
        """This place in the order is certain: nothing that was recorded lower can be higher in truth."""
        return not place.clipped and place.g <= self._floor


@cache
def interval_rank(n: int) -> int | None:
    """The k for which [k-th smallest, k-th largest] of n holds the median with at least 95 %; None when n < 6."""
    tail, k = 0.0, 0
    while True:
        tail += comb(n, k) * 0.5**n
        if tail > 0.025:
            return k or None
        k += 1


@cache
def interval_ranks(n: int, percent: int) -> tuple[int | None, int | None]:
    """The k and l for which [k-th smallest, l-th smallest] of n holds a quantile with 2.5 % at most on either side;
    None where no value of n is low or high enough."""
    p, below, low, high = percent / 100.0, 0.0, None, None
    for k in range(n + 1):  # below: at most k values are under the quantile
        below += comb(n, k) * p**k * (1.0 - p) ** (n - k)
        if below <= 0.025:
            low = k + 1
        if high is None and below >= 0.975 and k < n:
            high = k + 1
    return low, high
