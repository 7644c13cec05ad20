"""Medians of a whole run in bounded memory: counts in bins of a stated width instead of a list that grows.

Only bins that were hit are kept: at most all of them, in practice some dozens.
"""

from __future__ import annotations

from math import floor


class Histogram:
    """Counts of values in equal bins from `low` up to `high`; values beyond fall into the outermost bins.

    A value may be marked clipped ("at least so much"). The median is then given only as long as it is certain: as long
    as at least half of all values are unclipped and not above the lowest clipped one.
    """

    def __init__(self, low: float, high: float, width: float) -> None:
        self._low, self._width = low, width
        self._last = round((high - low) / width)
        self._counts: dict[int, int] = {}  # of unclipped values, by bin
        self._known_until = self._last  # the bin of the lowest clipped value
        self.n = 0
        self.clipped = 0

    def add(self, value: float, *, clipped: bool = False) -> None:
        """Count one finite value."""
        index = floor((value - self._low) / self._width + 0.5)
        if index < 0:
            index = 0
        elif index > self._last:
            index = self._last
        self.n += 1
        if clipped:
            self.clipped += 1
            self._known_until = min(self._known_until, index)
        else:
            self._counts[index] = self._counts.get(index, 0) + 1

    def join(self, other: Histogram) -> None:
        """Count what another one of the same bins has counted, too."""
        self.n += other.n
        self.clipped += other.clipped
        self._known_until = min(self._known_until, other._known_until)
        for index, count in other._counts.items():
            self._counts[index] = self._counts.get(index, 0) + count

    @property
    def median(self) -> float | None:
        """The lower median to half a bin (bins are centred on multiples of the width); None when empty or hidden."""
        wanted, seen = (self.n + 1) // 2, 0
        for index in sorted(self._counts):
            seen += self._counts[index]
            if index > self._known_until:
                break
            if seen >= wanted:
                return round(self._low + index * self._width, 9)  # no bin can tell the dust of binary fractions
        return None
