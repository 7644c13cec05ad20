"""Peak acceleration round initial contact, from the pod's own samples, never from resampled ones.

A sample at full scale hides the true peak: the value is then a floor ("at least"), and is said to be clipped. The size
of the peak depends on speed, shoe and mount; it is compared with the runner's own, and is no measure of load inside
the body (range: Mitschke et al. 2018, Sensors 18:130; shoe and tibia: Cheung et al. 2019, Scand J Med Sci Sports
29:835).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensord.dsp.filters import norm
from sensord.dsp.history import History
from sensord.model import G_MPS2, FloatArray, IntArray, MaskArray

BEFORE_NS = 20_000_000
AFTER_NS = 60_000_000
"""Design choice: the shock of landing lasts 10-20 ms and follows initial contact; 60 ms stays clear of push-off."""

ACC_BITS = 0b000111
GYR_BITS = 0b111000
LOW_G_BIT = 0b1000000
"""Set where the accelerometer is at full scale and a high-g sensor beside it gives the impact."""


@dataclass(frozen=True, slots=True)
class Impact:
    """Peak resultant acceleration in g; a floor when `clipped`."""

    peak_g: float
    clipped: bool


class RawSamples:
    """The last samples as the pod sent them: time, size of the acceleration, which sensors were at full scale."""

    def __init__(self, capacity: int) -> None:
        self._rows = History(capacity, 3)
        self._base_ns = 0

    def append(self, t_ns: IntArray, acc_mps2: FloatArray, saturated: MaskArray) -> None:
        """Add samples (n,), (n, 3), (n,)."""
        if self._rows.end == 0:
            self._base_ns = int(t_ns[0])
        rows = self._rows.grow(len(t_ns))
        rows[:, 0] = t_ns - self._base_ns
        rows[:, 1] = norm(acc_mps2)
        rows[:, 2] = saturated

    def clear(self) -> None:
        """A new segment: its times have nothing to do with the old ones."""
        self._rows.clear()

    def impact(self, ic_ns: int) -> Impact | None:
        """Peak round an initial contact; None when no sample is there."""
        rows = self._between(ic_ns - BEFORE_NS, ic_ns + AFTER_NS)
        if not len(rows):
            return None
        clipped = bool((rows[:, 2].astype(np.uint8) & ACC_BITS).any())
        return Impact(float(rows[:, 1].max()) / G_MPS2, clipped)

    def acc_clipped(self, ic_ns: int) -> bool:
        """Whether the accelerometer was at full scale round an initial contact."""
        rows = self._between(ic_ns - BEFORE_NS, ic_ns + AFTER_NS)
        return bool((rows[:, 2].astype(np.uint8) & (ACC_BITS | LOW_G_BIT)).any())

    def gyro_clipped(self, from_ns: int, to_ns: int) -> bool:
        """Whether the gyro was at full scale in between."""
        return bool((self._between(from_ns, to_ns)[:, 2].astype(np.uint8) & GYR_BITS).any())

    @property
    def size(self) -> int:
        """Rows of memory held, whatever has been pushed."""
        return self._rows.size

    def _between(self, from_ns: int, to_ns: int) -> FloatArray:
        held = self._rows.rows(self._rows.first, self._rows.end)
        low, high = np.searchsorted(held[:, 0], (from_ns - self._base_ns, to_ns - self._base_ns))
        return held[low:high]
