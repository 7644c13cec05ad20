"""What the foot's acceleration says about a running contact that the pitch rate has found roughly.

Two moments with a physical meaning, neither fitted to a force plate:

* landing: the heel end of the shoe is braked hardest. Its acceleration along the foot's own normal is the pod's, less
  the pitch acceleration times the distance to the heel. A heel striker's heel is stopped by the ground; a midfoot
  striker's whole sole is. The pod itself sits over the forefoot and says so 10 to 15 ms later when the heel strikes.
* leaving: the leg throws the foot upwards until the ground lets go; then its upward acceleration collapses. The middle
  of that fall is taken (the published vertical-acceleration peak of Bailey & Harle 2015, scitepress 56565, is its
  beginning, which is broad and so scatters more).

Where "up" is comes from the middle of the same contact, when the foot lies still and the mean force points up, and from
the pitch turned through since: no standing start and no known mount is needed.
`python bench/fit_contact.py` prints this beside the rules of the literature, and how much the constants matter.
"""

from __future__ import annotations

import numpy as np

from sensord.dsp.filters import zero_phase
from sensord.model import FloatArray

CUTOFF_HZ = 30.0
"""The low-pass of the pitch rate, so that both are delayed and rounded alike. Between 25 and 40 Hz the difference
between the two runners stays within 6 ms (`bench/fit_contact.py`)."""

HEEL_M = 0.15
"""Design choice: the heel lies this far behind a pod on the laces (half a shoe). 0.10 to 0.25 m moves a landing by less
than 2 ms (`bench/fit_contact.py`)."""

FLAT_SHARE = (0.35, 0.6)
"""Design choice: this share of the rough contact, in which a running foot lies flat, tells where up is."""

LANDING_S = (0.012, 0.014)
"""Design choice: braking is looked for this long before and after the pitch rate's landing (the two agree within 6 ms
on recorded and simulated feet); further off it is the swing that is braked."""

FALL_S = 0.036
"""Design choice: the fall is looked for from the lowest pitch rate of push-off to so long after (it follows by 17 to
26 ms on recorded feet, 15 to 28 ms on simulated ones from 1.7 to 7 m/s; the next fall is that of the early swing)."""

THROW_S = 0.04
DIP_S = 0.03
"""Design choices: its highest value lies at most so long before, its lowest so long after these."""

DIP = 0.9
"""Design choice: a fall by less than a tenth is none."""


class FootAcceleration:
    """Acceleration of one window in the plane of motion, made foot-upright by the middle of its rough contact.

    `plane_mps2` (n, 2): acceleration along two directions that are right-handed with the toe-up axis; `pitch_radps`
    (n,) smoothed; `ic`, `tc`: the rough contact in (fractional) rows of the window. Costs two zero-phase filters.
    """

    def __init__(self, plane_mps2: FloatArray, pitch_radps: FloatArray, ic: float, tc: float, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._pitch = pitch_radps
        first, second = (zero_phase(plane_mps2[:, k], CUTOFF_HZ, rate_hz) for k in (0, 1))
        start, stop = (round(ic + share * (tc - ic)) for share in FLAT_SHARE)
        self._middle = (start + stop) // 2
        u, v = float(first[start : stop + 1].mean()), float(second[start : stop + 1].mean())
        size = max(float(np.hypot(u, v)), 1e-9)
        u, v = u / size, v / size
        self._normal: FloatArray = first * u + second * v
        self._along: FloatArray = first * v - second * u

    def landing(self, near: float) -> float | None:
        """The row near the rough one where the heel is braked hardest; None when there is no such moment."""
        heel = self._normal - HEEL_M * self._rate_hz * np.gradient(self._pitch)
        first, last = near - LANDING_S[0] * self._rate_hz, near + LANDING_S[1] * self._rate_hz
        low, high = max(round(first), 1), min(round(last), len(heel) - 2)
        if high < low:
            return None
        top = low + int(heel[low : high + 1].argmax())
        return vertex(heel, top) if heel[top] > heel[top - 1] and heel[top] >= heel[top + 1] else None

    def leaving(self, push: int) -> float | None:
        """The row where the throw has half collapsed; push-off's lowest pitch rate is at row `push`."""
        first, last = push - round(THROW_S * self._rate_hz), push + round((FALL_S + DIP_S) * self._rate_hz)
        if first < 0 or last > len(self._pitch):
            return None
        thrown = self._along_throw(first, push, last)
        fall = np.diff(thrown[push - first : push - first + round(FALL_S * self._rate_hz) + 1])
        top = push - first + int(fall.argmin())
        bottom = top + 1
        while top > 0 and thrown[top - 1] > thrown[top]:
            top -= 1
        while bottom < len(thrown) - 1 and thrown[bottom + 1] < thrown[bottom]:
            bottom += 1
        if thrown[bottom] > DIP * thrown[top]:
            return None
        level = 0.5 * float(thrown[top] + thrown[bottom])
        row = top
        while thrown[row + 1] > level:
            row += 1
        return first + row + float((thrown[row] - level) / (thrown[row] - thrown[row + 1]))

    def _along_throw(self, first: int, push: int, last: int) -> FloatArray:
        """Acceleration of rows `first`..`last` - 1 in the direction it has at row `push`, kept while the foot turns."""
        turned = np.cumsum(self._pitch[first:last]) / self._rate_hz
        turned -= turned[push - first]
        along, normal = self._along[first:last], self._normal[first:last]
        u, v = float(self._along[push]), float(self._normal[push])
        size = max(float(np.hypot(u, v)), 1e-9)
        u, v = u / size, v / size
        thrown: FloatArray = np.cos(turned) * (u * along + v * normal) + np.sin(turned) * (v * along - u * normal)
        return thrown


def vertex(values: FloatArray, row: int) -> float:
    """The fractional row of the extreme of a parabola through three samples round `row`."""
    before, at, after = values[row - 1], values[row], values[row + 1]
    bend = before - 2.0 * at + after
    return row + (float(0.5 * (before - after) / bend) if bend else 0.0)
