"""How far and how fast the foot rolls outward after contact: a trend of one runner, shoe and mount, and no more.

The foot rolls about its long axis (heel to toe, level at mid-stance). Turning about it with the right hand lifts the
left edge: that is eversion of a left foot (its outer edge rises) and inversion of a right one. A pod on the laces
follows the upper, not the heel bone: excursion agrees only fairly with motion capture (Koldenhoven & Hertel 2018,
doi:10.1159/000491645), so values of two mounts or runners cannot be compared.
"""

from __future__ import annotations

from math import ceil, degrees
from typing import NamedTuple

import numpy as np

from sensord.dsp.filters import project
from sensord.dsp.vectors import Vector, length, scaled
from sensord.model import FloatArray, Side

SMOOTH_S = 0.02
"""Design choice: the rate is the mean over this time, so that the shock of landing is not taken for rolling."""


class Eversion(NamedTuple):
    """From contact to mid-stance: largest angle past that at contact (at least 0), largest rate (eversion positive)."""

    excursion_deg: float | None
    peak_dps: float | None


def eversion(gyr_radps: FloatArray, rate_hz: float, ic: float, rest: int, forward: Vector, side: Side) -> Eversion:
    """Rolling between rows `ic` and `rest`; gyr (n, 3) rad/s, `forward` (3,) the foot's long axis in the pod."""
    n = max(1, round(SMOOTH_S * rate_hz))
    first = ceil(ic)
    if rest - first < n:
        return Eversion(None, None)
    sign = 1.0 if side is Side.LEFT else -1.0
    rates = project(gyr_radps[first : rest + 1], scaled(forward, sign / length(forward)))
    rolled = np.zeros(len(rates))
    ((rates[1:] + rates[:-1]) * (0.5 / rate_hz)).cumsum(out=rolled[1:])
    return Eversion(
        excursion_deg=degrees(float(rolled.max())),
        peak_dps=degrees(float((rolled[n:] - rolled[:-n]).max())) * rate_hz / n,
    )
