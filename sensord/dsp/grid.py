"""A pod's samples on a uniform time grid at its nominal rate.

A sample that lies on a grid point comes through with its bits; elsewhere the two samples around a grid point are
joined by a straight line. Grid rows between samples further apart than 1.5 periods are bridged and say so. A gap longer
than the bridge, a new segment or `reset` opens a new stretch, whose grid starts at its first sample. Every row depends
on the two samples around it and on nothing else, so the cut of the input cannot matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from operator import sub

import numpy as np
import numpy.typing as npt

from sensord.errors import InternalError
from sensord.model import NS, FloatArray, IntArray

BRIDGE_S = 0.150
"""Design choice: longest gap joined by a straight line; hardly any contact fits into it, and strides across say so."""

ON_GRID = 0.01
"""Design choice: a sample within 1 % of a period of a grid point is taken to be on it (50 us at 200 Hz)."""

FEW = 64
"""Up to so many samples (a packet) are placed one by one in plain numbers, which costs less than numpy's calls."""

_NO_MASK = np.zeros(0, dtype=np.bool_)

LOST = 1.5
"""Samples further apart than this many periods have lost one between them."""


@dataclass(frozen=True, slots=True)
class GridPiece:
    """Consecutive grid rows of one stretch: values (n, c), and which rows were bridged (n,)."""

    origin_ns: int
    values: FloatArray
    bridged: npt.NDArray[np.bool_]
    opens: bool

    def __len__(self) -> int:
        return int(self.values.shape[0])


class UniformGrid:
    """Samples in, grid rows out. Latency: none on the grid, up to one period between samples. Holds one sample."""

    def __init__(self, rate_hz: float, bridge_s: float = BRIDGE_S) -> None:
        self.period_ns = NS / rate_hz
        self._bridge_ns = int(bridge_s * NS)
        self._tolerance_ns = ON_GRID * self.period_ns
        self._whole_ns = round(self.period_ns) if self.period_ns.is_integer() else 0
        """The period where it is a whole number: whole numbers are the faster ones."""
        self.reset()

    def reset(self) -> None:
        """The next sample opens a new stretch."""
        self._origin_ns: int | None = None
        self._last_t = 0
        self._last_v: FloatArray | None = None
        self._next = 0

    def time_ns(self, origin_ns: int, index: float) -> int:
        """Pod time of a (fractional) grid index."""
        return origin_ns + round(index * self.period_ns)

    def follow(self, times: list[int]) -> bool:
        """Whether samples at these times are the next rows as they are, which they mostly are. Then say `took`."""
        origin_ns, k, period_ns, tolerance_ns = self._origin_ns, self._next, self.period_ns, self._tolerance_ns
        if origin_ns is None or self._last_v is None:
            return False
        if len(times) > FEW:
            off = np.array(times) - origin_ns - np.arange(k, k + len(times)) * period_ns
            return bool(np.abs(off).max() <= tolerance_ns)
        if self._whole_ns:
            first_ns = origin_ns + k * self._whole_ns
            off_ns: list[int] = list(
                map(sub, times, range(first_ns, first_ns + len(times) * self._whole_ns, self._whole_ns))
            )
            return max(off_ns, default=0) <= tolerance_ns and min(off_ns, default=0) >= -tolerance_ns
        for t in times:
            if not -tolerance_ns <= t - origin_ns - k * period_ns <= tolerance_ns:
                return False
            k += 1
        return True

    def took(self, times: list[int], last: FloatArray) -> None:
        """The samples that follow are rows now; `last` (c,) are the values of the last one."""
        self._next += len(times)
        self._last_t, self._last_v = times[-1], last

    def push(self, t_ns: IntArray, values: FloatArray) -> list[GridPiece]:
        """Rows that these samples complete; samples (n,) strictly increasing in time, values (n, c)."""
        if not len(t_ns):
            return []
        times: list[int] = t_ns.tolist()
        if self._origin_ns is not None and self.follow(times):
            self.took(times, values[-1])
            return [GridPiece(self._origin_ns, values, np.zeros(len(times), dtype=np.bool_), opens=False)]
        few = self._few(times, values) if len(times) <= FEW else None
        if few is not None:
            return [few] if len(few) else []
        if self._last_v is not None:
            t_ns = np.concatenate(([self._last_t], t_ns))
            values = np.concatenate((self._last_v[None, :], values))
        steps = np.diff(t_ns)
        if len(steps) and steps.min() <= 0:
            raise InternalError(f"samples of one segment go back in time at {int(t_ns[int(steps.argmin())])} ns")
        cuts = [0, *(np.flatnonzero(steps > self._bridge_ns) + 1).tolist(), len(t_ns)]
        pieces = []
        for i, (start, end) in enumerate(pairwise(cuts)):
            opens = i > 0 or self._last_v is None
            piece = self._between(t_ns[start:end], values[start:end], opens=opens)
            if len(piece):
                pieces.append(piece)
        self._last_t, self._last_v = int(t_ns[-1]), values[-1]
        return pieces

    def _few(self, times: list[int], values: FloatArray) -> GridPiece | None:
        """Few samples, one by one: the same rows as the general way. None where a stretch begins or time goes back."""
        origin_ns, last_v = self._origin_ns, self._last_v
        if origin_ns is None or last_v is None:
            return None
        since = [t - origin_ns for t in (self._last_t, *times)]
        steps = list(map(sub, since[1:], since))
        if min(steps) <= 0 or max(steps) > self._bridge_ns:
            return None
        rights, weights = self._between_which(since)
        self._next += len(rights)
        self._last_t, self._last_v = times[-1], values[-1]
        if not rights:
            return GridPiece(origin_ns, values[:0], _NO_MASK, opens=False)
        values = np.concatenate((last_v[None, :], values))
        right, share = np.array(rights), np.array(weights)[:, None]
        rows = values.take(right - 1, axis=0, mode="clip") * (1.0 - share) + values.take(right, axis=0) * share
        longest = LOST * self.period_ns
        if max(steps) <= longest:
            bridged = np.zeros(len(rights), dtype=np.bool_)
        else:
            bridged = np.array([w < 1.0 and steps[r - 1] > longest for r, w in zip(rights, weights, strict=True)])
        return GridPiece(origin_ns, rows, bridged, opens=False)

    def _between_which(self, since: list[int]) -> tuple[list[int], list[float]]:
        """For each next row up to the last of these samples: the sample at or after it, and its weight (the one before
        has the rest). The first of them was the last one before."""
        period_ns, tolerance_ns = self.period_ns, self._tolerance_ns
        rights: list[int] = []
        weights: list[float] = []
        right, k, end = 0, self._next, since[-1]
        while (at := round(k * period_ns)) - tolerance_ns <= end:
            while since[right] < at - tolerance_ns:
                right += 1
            t = since[right]
            rights.append(right)
            if t <= at + tolerance_ns:
                weights.append(1.0)
            else:
                left = since[right - 1]
                weights.append((at - left) / (t - left))
            k += 1
        return rights, weights

    def _between(self, t_ns: IntArray, values: FloatArray, *, opens: bool) -> GridPiece:
        if opens or self._origin_ns is None:
            self._origin_ns, self._next = int(t_ns[0]), 0
        origin_ns, tolerance = self._origin_ns, self._tolerance_ns
        last = int(np.floor((int(t_ns[-1]) - origin_ns + tolerance) / self.period_ns)) + 1
        k = np.arange(self._next, max(last, self._next) + 1)
        at = np.rint(k * self.period_ns)
        since = t_ns - origin_ns
        at = at[at - tolerance <= since[-1]]
        right = np.searchsorted(since, at - tolerance)
        on = since[right] <= at + tolerance
        left = np.where(on, right, right - 1)
        span = since[right] - since[left]
        weight = np.where(on, 0.0, (at - since[left]) / np.where(on, 1, span))[:, None]
        between = values[left] * (1.0 - weight) + values[right] * weight
        rows = np.where(on[:, None], values[right], between)
        self._next += len(at)
        return GridPiece(origin_ns, rows, span > LOST * self.period_ns, opens)
