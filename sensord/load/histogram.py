"""Medians of a whole run in fixed memory: counts in bins of a stated width instead of a list that grows."""

from __future__ import annotations

from math import floor, inf


class Histogram:
    """Counts of values in equal bins from `low` up to `high`; values beyond fall into the outermost bins.

    A value may be marked clipped ("at least so much"): the median is then given only as long as it is certain, that is
    while it does not lie above the lowest clipped value.
    """

    def __init__(self, low: float, high: float, width: float) -> None:
        self._low, self._width = low, width
        self._counts = [0] * (round((high - low) / width) + 1)
        self._clipped_from = inf
        self.n = 0
        self.clipped = 0

    def add(self, value: float, *, clipped: bool = False) -> None:
        """Count one finite value."""
        self._counts[self._bin(value)] += 1
        self.n += 1
        if clipped:
            self.clipped += 1
            self._clipped_from = min(self._clipped_from, value)

    @property
    def median(self) -> float | None:
        """The lower median to half a bin (bins are centred on multiples of the width); None when empty or hidden."""
        if not self.n:
            return None
        wanted, seen = (self.n + 1) // 2, 0
        for index, count in enumerate(self._counts):
            seen += count
            if seen >= wanted:
                hidden = self.clipped and index > self._bin(self._clipped_from)
                return None if hidden else self._low + index * self._width
        return None

    def _bin(self, value: float) -> int:
        index = floor((value - self._low) / self._width + 0.5)
        return min(max(index, 0), len(self._counts) - 1)
