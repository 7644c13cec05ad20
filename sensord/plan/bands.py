"""Speed bands: values are compared with values at about the same speed.

Bands are half a metre a second wide (design choice: about one speed of a treadmill session; healthy runners' asymmetry
changes little with speed, Girard et al. 2019, but contact time and force do). A runner's band is that of the median
speed of her last strides; it changes once the median is clearly over an edge, so that a pace on an edge is one band.
"""

from __future__ import annotations

from collections import deque
from math import floor
from statistics import median

from sensord.model import Activity, Stride

WIDTH_MPS = 0.5
"""Width of a band (design choice, see above)."""

OVER_MPS = 0.1
"""How far beyond an edge the median must be before the band changes (design choice)."""

STRIDES = 21
"""Strides of both feet behind the median, about 7 s (design choice; odd: the median is a stride's)."""

MIN_STRIDES = 5
"""Fewer give no band (design choice)."""

UNMEASURED = ("configured",)
"""Sources of speed that know the step length by configuration only: their speed is cadence in other words."""


def band_of(speed_mps: float) -> str:
    """The band that holds a speed, e.g. "2.5-3.0" (m/s; the lower edge belongs to it)."""
    low = WIDTH_MPS * floor(speed_mps / WIDTH_MPS)
    return f"{low:.1f}-{low + WIDTH_MPS:.1f}"


def measured_speed(stride: Stride) -> float | None:
    """The speed of a stride in m/s when something measured it."""
    return None if stride.speed_source in UNMEASURED else stride.speed_mps


class SpeedBands:
    """The band a runner is in, from the strides of both feet; walking strides and unmeasured speeds are passed over."""

    def __init__(self) -> None:
        self._speeds: deque[float] = deque(maxlen=STRIDES)
        self._low: float | None = None
        self.now: str | None = None
        """The band, None while no speed is known."""

    def add(self, stride: Stride) -> None:
        """Take a stride into account."""
        speed_mps = measured_speed(stride)
        if stride.activity is not Activity.RUN or speed_mps is None or speed_mps <= 0:
            return
        self._speeds.append(speed_mps)
        if len(self._speeds) < MIN_STRIDES:
            return
        now = median(self._speeds)
        if self._low is None or not self._low - OVER_MPS <= now < self._low + WIDTH_MPS + OVER_MPS:
            self._low = WIDTH_MPS * floor(now / WIDTH_MPS)
            self.now = band_of(self._low + WIDTH_MPS / 2)
