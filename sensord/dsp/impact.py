"""Size of the landing shock, from the pod's own samples, never from resampled ones: peak, and power at 12-20 Hz.

The peak is that of the high-g sensor where the pod has one, else of the accelerometer. A sample at full scale hides the
true peak: the value is then a floor ("at least"), and is said to be clipped; it is never restored (Chan et al. 2023,
Sensors 23:4609). The size of the peak depends on speed, shoe and mount; it is compared with the runner's own, and is no
measure of load inside the body (range: Mitschke et al. 2018, Sensors 18:130; shoe and tibia: Cheung et al. 2019, Scand
J Med Sci Sports 29:835).

Beside it stands the RMS of the part of the acceleration between 12 and 20 Hz, where the shank shows the shock of impact
in running (Shorten & Winslow 1992, Int J Sport Biomech 8:288). A peak that lasts a few samples has its power far above
that band, so that losing its tip to full scale changes the band less than the peak: `python bench/impact_band.py`.
"""

from __future__ import annotations

from math import inf, sqrt
from typing import NamedTuple

import numpy as np

from sensord.dsp.filters import highest, norm
from sensord.dsp.history import History
from sensord.model import G_MPS2, NS, FloatArray, IntArray, MaskArray

BEFORE_NS = 20_000_000
AFTER_NS = 60_000_000
"""Design choice: the shock of landing lasts 10-20 ms and follows initial contact; 60 ms stays clear of push-off."""

ACC_BITS = 0b000111
"""As in model.SampleBlock; in the flags of a high-g sensor's samples they say that this sensor is at full scale."""
GYR_BITS = 0b111000
HIGH_G_FULL_BIT = 0b1000000
"""In model.SampleBlock: any axis of the high-g sensor at full scale."""
LOW_G_BIT = 0b1000000
"""Set where the accelerometer is at full scale and a high-g sensor beside it gives the impact."""
HIGH_G_BIT = 0b10000000
"""Set where the samples are those of a high-g sensor."""

BRIEF_NS = 4_000_000
"""Design choice: a shock at full scale for no longer hides hardly any of what it did to the foot's way. Of a half-sine
of 10 ms, 0.1 m/s lie above 16 g then, a fifth of what a shock that was seen may be mistaken by (`dsp/travel.py`);
after 5 ms it is twice as much. `python bench/fit_speed.py` shows it on two runners."""

BAND_HZ = (12.0, 20.0)
"""Impact band of Shorten & Winslow 1992."""

BAND_BEFORE_NS = 100_000_000
BAND_AFTER_NS = 140_000_000
"""Hann window round the shock, its middle 20 ms after initial contact. Design choice: 0.24 s are three periods of the
middle of the band, and are over before the next swing begins even with contacts of 0.1 s."""

BAND_STEP_HZ = 1.0
"""Spacing at which the spectrum is taken: bins of 1 Hz are usual (Mercer et al. 2002 as in the reference)."""

BAND_MAX_STEP_NS = 13_000_000
"""Samples must not be further apart: four a period of 20 Hz (design choice). One step may be up to twice as long: with
one sample of a 100 Hz recording left out the band of a stride changes by 15 % (SD) and by 0.5 % on average, with two it
grows by 2 to 8 % (random samples of rbds `impact_100hz`)."""

FLAGS = 0
ACC = slice(1, 4)
TIME = 4
"""Columns of the rows that are kept."""

NEW_ROWS = 256
"""Design choice: samples that are kept as they came, before they are put together."""

_FREQUENCIES = np.arange(BAND_HZ[0], BAND_HZ[1] + 0.5 * BAND_STEP_HZ, BAND_STEP_HZ)
_OMEGA_PER_NS = (2.0 * np.pi / NS) * _FREQUENCIES[:, None]
_SHARE = np.full(len(_FREQUENCIES), BAND_STEP_HZ)
_SHARE[[0, -1]] /= 2.0  # trapezoid over the band


class Impact(NamedTuple):
    """Peak resultant acceleration in g (a floor when `clipped`), RMS of the 12-20 Hz band in g, and which sensor."""

    peak_g: float
    clipped: bool
    band_g: float | None = None
    source: str = "acc"


class RawSamples:
    """The last samples as the pod sent them: time, which sensors were at full scale, and the three axes."""

    def __init__(self, capacity: int) -> None:
        self._rows = History(capacity, 5)
        self._base_ns = 0
        self._flagged_ns = -inf
        """Time of the newest sample with any flag, from the first sample's."""
        self._new: list[tuple[IntArray, FloatArray, MaskArray]] = []
        self._new_rows = 0

    def append(self, t_ns: IntArray, acc_mps2: FloatArray, saturated: MaskArray) -> None:
        """Add samples (n,), (n, 3), (n,), which are kept as they are until they are asked for: a stride has a dozen
        packets. `HIGH_G_BIT` says that they are of a high-g sensor."""
        self._new.append((t_ns, acc_mps2, saturated))
        self._new_rows += len(t_ns)
        if self._new_rows > NEW_ROWS:
            self._settle()

    def _settle(self) -> None:
        """Put the new samples into rows."""
        if not self._new:
            return
        t_ns, acc_mps2, saturated = self._new[0]
        if len(self._new) > 1:
            t_ns, acc_mps2, saturated = map(np.concatenate, zip(*self._new, strict=True))
        if self._rows.end == 0:
            self._base_ns = int(t_ns[0])
        rows = self._rows.grow(len(t_ns))
        np.subtract(t_ns, self._base_ns, out=rows[:, TIME], casting="unsafe")
        rows[:, FLAGS] = saturated
        rows[:, ACC] = acc_mps2
        if saturated.item(saturated.argmax()):
            self._flagged_ns = float(rows[int(saturated.nonzero()[0][-1]), TIME])
        self._new.clear()
        self._new_rows = 0

    def clear(self) -> None:
        """A new segment: its times have nothing to do with the old ones."""
        self._rows.clear()
        self._flagged_ns = -inf
        self._new.clear()
        self._new_rows = 0

    def impact(self, ic_ns: int) -> Impact | None:
        """Shock round an initial contact; None when no sample is there."""
        held, (low, high, first, end) = self._places(
            ic_ns - BEFORE_NS, ic_ns + AFTER_NS, ic_ns - BAND_BEFORE_NS, ic_ns + BAND_AFTER_NS
        )
        if low == high:
            return None
        rows, band = held[low:high], held[first:end]
        flags = _flags(rows) if self._flagged_ns >= rows.item(0, TIME) else 0
        source = "high_g" if flags & HIGH_G_BIT and (rows[:, FLAGS] >= HIGH_G_BIT).all() else "acc"
        middle_ns = ic_ns + (BAND_AFTER_NS - BAND_BEFORE_NS) // 2 - self._base_ns
        peak_g = highest(norm(rows[:, ACC])) / G_MPS2
        band_g = band_rms_g(band[:, TIME] - middle_ns, np.ascontiguousarray(band[:, :TIME])[:, ACC])
        return Impact(peak_g, bool(flags & ACC_BITS), band_g, source)

    def acc_clipped(self, ic_ns: int) -> bool:
        """Whether the accelerometer was at full scale round an initial contact for longer than `BRIEF_NS`."""
        rows = self._flagged(ic_ns - BEFORE_NS, ic_ns + AFTER_NS)
        if rows is None or not _flags(rows) & (ACC_BITS | LOW_G_BIT):
            return False
        times = rows[:, TIME]
        clipped = int(np.count_nonzero(rows[:, FLAGS].astype(np.uint8) & (ACC_BITS | LOW_G_BIT)))
        step_ns = float(times[-1] - times[0]) / max(len(rows) - 1, 1)
        return clipped * step_ns > BRIEF_NS or len(rows) == 1

    def gyro_clipped(self, from_ns: int, to_ns: int) -> bool:
        """Whether the gyro was at full scale in between."""
        rows = self._flagged(from_ns, to_ns)
        return rows is not None and bool(_flags(rows) & GYR_BITS)

    @property
    def size(self) -> int:
        """Rows of memory held, whatever has been pushed."""
        return self._rows.size

    def _flagged(self, from_ns: int, to_ns: int) -> FloatArray | None:
        """Rows (n, 5) in between; None when no sample from there on has a flag."""
        self._settle()
        if self._flagged_ns < from_ns - self._base_ns:
            return None
        held, (low, high) = self._places(from_ns, to_ns)
        return held[low:high]

    def _places(self, *at_ns: int) -> tuple[FloatArray, list[int]]:
        """All rows (n, 5) that are held, and at which of them these times are reached."""
        self._settle()
        held = self._rows.rows(self._rows.first, self._rows.end)
        base_ns = self._base_ns
        places: list[int] = held[:, TIME].searchsorted([ns - base_ns for ns in at_ns]).tolist()
        return held, places


def _flags(rows: FloatArray) -> int:
    """The bits that are set in any of these rows."""
    return int(np.bitwise_or.reduce(rows[:, FLAGS].astype(np.uint8)))


def band_rms_g(t_ns: FloatArray, acc_mps2: FloatArray) -> float | None:
    """RMS in g of the 12-20 Hz part of an acceleration (n, 3) at times (n,) from the middle of the window.

    The spectrum is summed at the samples' own times, so uneven steps need no resampling; all axes together, so the
    pod's orientation does not matter. None where samples are too far apart, or do not fill the window.
    """
    half_ns = (BAND_BEFORE_NS + BAND_AFTER_NS) / 2.0
    if len(t_ns) < 2:
        return None
    steps = t_ns[1:] - t_ns[:-1]
    if highest(steps) > BAND_MAX_STEP_NS:
        long_steps = [step for step in steps.tolist() if step > BAND_MAX_STEP_NS]
        if len(long_steps) > 1 or sum(long_steps) > 2 * BAND_MAX_STEP_NS:
            return None
    if max(float(t_ns[0]) + half_ns, half_ns - float(t_ns[-1])) > BAND_MAX_STEP_NS:
        return None
    step_s = np.empty(len(t_ns))
    step_s[1:-1] = (steps[1:] + steps[:-1]) / (2.0 * NS)
    step_s[0], step_s[-1] = steps[0] / NS, steps[-1] / NS
    taper = 0.5 + 0.5 * np.cos(np.pi / half_ns * t_ns)
    weights = taper * step_s
    centred = acc_mps2 - (weights @ acc_mps2) / weights.sum()  # gravity must not leak into the band
    phase = _OMEGA_PER_NS * t_ns
    weighted = centred * weights[:, None]
    real, imaginary = np.cos(phase) @ weighted, np.sin(phase) @ weighted
    power = float((_SHARE @ (real * real + imaginary * imaginary)).sum())
    return sqrt(2.0 * power / float(taper @ weights)) / G_MPS2
