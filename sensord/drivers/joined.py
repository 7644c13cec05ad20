"""Accelerometer and gyroscope that are sent apart, each with times of its own: joined on the accelerometer's times.

The gyroscope's values are those of the straight line between its neighbours, only where both are known and none is
missing between them. What the accelerometer measured meanwhile is counted as lost. Latency: until the later of the two
has come.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sensord.model import NS, FloatArray, IntArray, MaskArray

ON_SAMPLE = 0.02
"""Design choice: a time within 2 % of a period of a gyroscope's sample is that of the sample. Both sensors of a chip
are paced by one clock, and what is between their stamps is noise (30.5 us of 2.4 ms is 1.3 %)."""

MOST_WAITING = 2048
"""Design choice: samples that wait for the other sensor, 5 s at 416 Hz; the oldest are given up."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Consecutive samples of one sensor: t (n,), values (n, 3), saturated bits 0-2 (n,).

    `missing`: samples lost between the part before and this one. `rx_ns`: when they arrived.
    """

    t_ns: IntArray
    values: FloatArray
    saturated: MaskArray
    missing: int
    rx_ns: int


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """Consecutive samples of both: t (n,), acc (n, 3), gyr (n, 3), saturated bits 0-5 (n,).

    `missing`: the accelerometer's samples between the ones before and these. `rx_ns`: when the last one was known.
    """

    t_ns: IntArray
    acc: FloatArray
    gyr: FloatArray
    saturated: MaskArray
    missing: int
    rx_ns: int


@dataclass(slots=True, eq=False)
class _Waiting:
    """What one sensor measured and the other did not yet.

    `index` (n,): the number of a sample, those that were lost included.
    """

    t_ns: IntArray
    values: FloatArray
    saturated: MaskArray
    index: IntArray
    rx_ns: int = 0
    next: int = 0

    @classmethod
    def none(cls) -> _Waiting:
        zero = np.zeros(0, np.int64)
        return cls(zero, np.zeros((0, 3)), np.zeros(0, np.uint8), zero)

    def __len__(self) -> int:
        return len(self.t_ns)

    def add(self, part: Part) -> None:
        n = len(part.t_ns)
        first = self.next + part.missing
        index = np.arange(first, first + n)
        self.next, self.rx_ns = first + n, part.rx_ns
        if not len(self.t_ns):
            self.t_ns, self.values, self.saturated, self.index = part.t_ns, part.values, part.saturated, index
            return
        self.t_ns = np.concatenate((self.t_ns, part.t_ns))
        self.values = np.concatenate((self.values, part.values))
        self.saturated = np.concatenate((self.saturated, part.saturated))
        self.index = np.concatenate((self.index, index))
        if len(self.t_ns) > MOST_WAITING:
            self.drop(len(self.t_ns) - MOST_WAITING)

    def drop(self, n: int) -> None:
        """Without the oldest n."""
        if n > 0:
            self.t_ns, self.values = self.t_ns[n:], self.values[n:]
            self.saturated, self.index = self.saturated[n:], self.index[n:]


class Joiner:
    """Parts of both sensors in, joined samples out."""

    def __init__(self, rate_hz: float) -> None:
        self._near_ns = round(ON_SAMPLE * NS / rate_hz)
        self.reset()

    def reset(self) -> None:
        """Nothing that comes belongs to what was before."""
        self._acc, self._gyr = _Waiting.none(), _Waiting.none()
        self._told: int | None = None

    def part(self) -> None:
        """What waits will never be joined: the link was lost. Numbers go on."""
        self._acc.drop(len(self._acc))
        self._gyr.drop(len(self._gyr))

    def add_acc(self, part: Part) -> None:
        """Samples of the accelerometer."""
        self._acc.add(part)

    def add_gyr(self, part: Part) -> None:
        """Samples of the gyroscope."""
        self._gyr.add(part)

    def take(self) -> list[Joined]:
        """What can be joined now, in order; a new item after every gap."""
        acc, gyr = self._acc, self._gyr
        if not len(acc) or not len(gyr):
            return []
        n = int(np.searchsorted(acc.t_ns, gyr.t_ns[-1] + self._near_ns, side="right"))
        if n == 0:
            return []
        t_ns = acc.t_ns[:n]
        values, gyr_saturated, known = _between(gyr, t_ns, self._near_ns)
        rx_ns = acc.rx_ns if n == len(acc) else gyr.rx_ns
        saturated = acc.saturated[:n] | (gyr_saturated << 3).astype(np.uint8)
        index = acc.index[:n]
        joined = []
        for start, end in _runs(index, known):
            missing = 0 if self._told is None else int(index[start]) - self._told - 1
            self._told = int(index[end - 1])
            cut = slice(start, end)
            joined.append(Joined(t_ns[cut], acc.values[cut], values[cut], saturated[cut], missing, rx_ns))
        newest = t_ns.item(n - 1)
        acc.drop(n)
        # the sample before the next one to come, and one more: the next may lie on it
        gyr.drop(int(np.searchsorted(gyr.t_ns, newest)) - 2)
        return joined


def _between(gyr: _Waiting, t_ns: IntArray, near_ns: int) -> tuple[FloatArray, MaskArray, npt.NDArray[np.bool_]]:
    """The gyroscope at these times: values (n, 3), saturated bits 0-2, and where it is known."""
    right = np.minimum(np.searchsorted(gyr.t_ns, t_ns), len(gyr) - 1)
    left = np.maximum(right - 1, 0)
    since, until = t_ns - gyr.t_ns[left], gyr.t_ns[right] - t_ns
    nearest = np.where(until < since, right, left)
    off = np.abs(t_ns - gyr.t_ns[nearest])
    if off.item(off.argmax()) <= near_ns:  # both are paced by one clock: nothing is between
        return gyr.values[nearest], gyr.saturated[nearest], np.ones(len(t_ns), dtype=np.bool_)
    at_left, at_right = np.abs(since) <= near_ns, np.abs(until) <= near_ns
    between = (gyr.index[right] - gyr.index[left] == 1) & (since >= 0) & (until >= 0)
    weight = np.where(at_right, 1.0, np.where(at_left, 0.0, since / np.maximum(since + until, 1)))[:, None]
    values = gyr.values[left] * (1.0 - weight) + gyr.values[right] * weight
    saturated = gyr.saturated
    mask = np.where(at_right, 0, saturated[left]) | np.where(at_left & ~at_right, 0, saturated[right])
    return values, mask.astype(np.uint8), between | at_left | at_right


def _runs(index: IntArray, known: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where samples are known and none is missing between them: start and end of each stretch."""
    if known.all() and index.item(-1) - index.item(0) == len(index) - 1:
        return [(0, len(index))]
    places = np.flatnonzero(known)
    if not len(places):
        return []
    cuts = np.flatnonzero(np.diff(index[places]) != 1) + 1
    return [(int(run[0]), int(run[-1]) + 1) for run in np.split(places, cuts)]
