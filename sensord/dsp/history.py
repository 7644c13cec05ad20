"""The last seconds of a stream, addressed by absolute row number."""

from __future__ import annotations

import numpy as np

from sensord.errors import InternalError
from sensord.model import FloatArray


class History:
    """Keeps at least the last `capacity` rows (c columns) in a buffer of twice that size; `rows` gives views.

    A column lies in one piece: whatever is worked out from columns costs less.
    """

    def __init__(self, capacity: int, columns: int) -> None:
        self._buffer: FloatArray = np.empty((columns, 2 * capacity)).T
        self._capacity = capacity
        self._used = 0
        self.end = 0
        """Number of the row after the newest."""
        self.marked_end = 0
        """Number of the row after the newest that whoever fills the rows has marked as odd; 0: none."""

    def append(self, rows: FloatArray) -> None:
        """Add rows (n, c), n at most the capacity."""
        self.grow(len(rows))[:] = rows

    def grow(self, n: int) -> FloatArray:
        """Room for the next n rows, at most the capacity: a view to be filled at once."""
        start = self._used
        if start + n > len(self._buffer):
            keep = self._capacity
            self._buffer[:keep] = self._buffer[start - keep : start].copy()
            start = keep
        self._used = start + n
        self.end += n
        return self._buffer[start : start + n]

    def rows(self, start: int, end: int) -> FloatArray:
        """A view of rows start..end-1. Asking for rows that are gone is a bug: InternalError."""
        offset = self._used - self.end
        if start + offset < 0 or end > self.end:
            raise InternalError(f"rows {start}..{end} asked, {-offset}..{self.end} held")
        return self._buffer[start + offset : end + offset]

    def clear(self) -> None:
        """Start again at row 0."""
        self._used = 0
        self.end = self.marked_end = 0

    @property
    def first(self) -> int:
        """Number of the oldest row that is held for sure, whatever the blocks were."""
        return max(0, self.end - self._capacity)

    @property
    def size(self) -> int:
        """Rows of memory held, whatever has been pushed."""
        return len(self._buffer)
