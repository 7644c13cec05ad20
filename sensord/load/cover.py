"""Which moments are already counted, so that two feet that saw the same moment count it once."""

from __future__ import annotations

from bisect import insort

MAX_PIECES = 16
"""Separate pieces remembered. A hole that may still be filled is at most a few seconds old (the feet differ by about
1.5 s), so that holes beyond these are closed for good, the oldest first (design choice)."""


class Cover:
    """A union of half-open intervals with a bounded number of pieces; the order of adding does not change the sum."""

    def __init__(self) -> None:
        self._pieces: list[tuple[int, int]] = []

    def copy(self) -> Cover:
        """The same moments, to try something on."""
        other = Cover()
        other._pieces = list(self._pieces)
        return other

    def add(self, begin_ns: int, end_ns: int) -> int:
        """Ns of [begin, end) that nobody had counted before; 0 for an empty or backward interval."""
        if self._pieces:
            begin_ns = max(begin_ns, self._pieces[0][0] if len(self._pieces) == MAX_PIECES else begin_ns)
        if end_ns <= begin_ns:
            return 0
        new_ns, merged_begin, merged_end = end_ns - begin_ns, begin_ns, end_ns
        apart: list[tuple[int, int]] = []
        for low, high in self._pieces:
            if high < begin_ns or low > end_ns:
                apart.append((low, high))
                continue
            new_ns -= max(0, min(high, end_ns) - max(low, begin_ns))
            merged_begin, merged_end = min(merged_begin, low), max(merged_end, high)
        insort(apart, (merged_begin, merged_end))
        if len(apart) > MAX_PIECES:
            apart[:2] = [(apart[0][0], apart[1][1])]
        self._pieces = apart
        return new_ns
