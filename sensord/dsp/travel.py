"""How far the foot went from one mid-stance to the next, over whatever it stands on: the ground, or a moving belt.

The acceleration is turned into the axes of one row and integrated twice. What is not known is which way is up and what
the shock of landing really gave: samples 5 ms apart tell it badly, and clipped ones not at all. What is known is that
the foot ends as fast as it began. The velocity that is left over is shared between the two:

* Up is taken from the pull at mid-stance. In walking the foot rests there and this is good to half a degree; in running
  it never rests, and the pull is off by tens of degrees. Its own restlessness says how good it is.
* What is left over and not explained by the tilt is a jump at landing.

In running that comes to the mean force of a stride being gravity (the leftover is spread evenly); in walking to a
correction where the error arose. A belt of constant speed is as inertial as the ground, so that this is the way over
the belt. Strapdown from stance to stance was the best of four ways in Zrenner et al. 2018 (doi:10.3390/s18124194).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, hypot

import numpy as np

from sensord.model import G_MPS2, FloatArray

CALM_S = 0.1
CALM_SHARE = 0.4
"""Design choice: mid-stance is the middle of the calmest stretch of this length, or of this share of a shorter contact
(a foot in walking rests for 0.2 s)."""

CALM_FROM, CALM_TO = 0.2, 0.85
"""Design choice: mid-stance lies between these shares of the contact, clear of the landing and of push-off."""

RESTLESS = 0.5
"""Design choice: the pull at mid-stance points up within this share of its own unrest (SD in g, as an angle in rad):
the unrest of a resting foot is mostly vibration that averages out over the stretch, of which half is left."""

JUMP_MPS = 0.5
"""Design choice: the shock of landing may be mistaken by this much: 10 g for 5 ms."""

GRAVITY_WITHIN = 0.15
"""Design choice: a mean force further from gravity than this share of it is no whole stride, or a broken sensor."""

CLIMB_SHARE = 0.15
CLIMB_M = 0.05
"""Design choice: a stride that seems to climb by more than this share of its length, and 5 cm, is one whose integral
went wrong (roads are less steep)."""

SHORTEST_M = 0.1
"""Design choice: shorter than this the direction of travel is noise."""


@dataclass(frozen=True, slots=True)
class Travel:
    """Level length, climb, and which way was up (in the axes of the rotated force)."""

    length_m: float
    climb_m: float
    up: FloatArray


@dataclass(frozen=True, slots=True)
class Rest:
    """The row in the middle of mid-stance, the pull there (pod axes), and how well that points up (SD, rad)."""

    row: int
    pull_mps2: FloatArray
    tilt_sd_rad: float


def mid_stance(acc_mps2: FloatArray, gyr_radps: FloatArray, rate_hz: float, ic: float, tc: float | None) -> Rest | None:
    """The calmest stretch of a contact (rows `ic` to `tc`); None when the contact is not known or too short."""
    if tc is None:
        return None
    n = max(1, round(min(CALM_S * rate_hz, CALM_SHARE * (tc - ic))) | 1)
    first = max(0, ceil(ic + CALM_FROM * (tc - ic)) - n // 2)
    last = min(int(ic + CALM_TO * (tc - ic)) + n // 2, int(tc))
    if last - first < n or last >= len(gyr_radps):
        return None
    rows = gyr_radps[first : last + 1]
    energy = np.concatenate(([0.0], np.cumsum(np.einsum("ni,ni->n", rows, rows))))
    start = first + int((energy[n:] - energy[:-n]).argmin())
    pull = acc_mps2[start : start + n]
    mean = pull.mean(axis=0)
    unrest = float(np.sqrt(np.einsum("ni,ni->", pull - mean, pull - mean) / n)) / G_MPS2
    return Rest(start + n // 2, mean, RESTLESS * unrest)


def travel(
    force: FloatArray, pull_mps2: FloatArray, tilt_sd_rad: float, rate_hz: float, landed_s: float
) -> Travel | None:
    """Way from the first row of `force` to its last; None when it cannot be that of one stride.

    `force` (n, 3) is the acceleration from mid-stance to mid-stance turned into the axes of one row; `pull_mps2` (3,)
    in the same axes what is felt at the first, `tilt_sd_rad` how well it points up; `landed_s` how long before the end
    the foot landed.
    """
    seconds = (len(force) - 1) / rate_hz
    gained = np.zeros_like(force)
    np.cumsum((force[1:] + force[:-1]) * (0.5 / rate_hz), axis=0, out=gained[1:])
    moved = (gained.sum(axis=0) - 0.5 * gained[-1]) / rate_hz
    mean = gained[-1] / seconds
    size = float(np.linalg.norm(mean))
    if abs(size / G_MPS2 - 1.0) > GRAVITY_WITHIN:
        return None
    pull = pull_mps2 * (size / float(np.linalg.norm(pull_mps2)))
    by_tilt = (size * seconds * tilt_sd_rad) ** 2
    tilted = by_tilt / (by_tilt + JUMP_MPS**2)
    left = gained[-1] - pull * seconds
    moved -= pull * (0.5 * seconds * seconds) + left * (tilted * 0.5 * seconds + (1.0 - tilted) * landed_s)
    gravity = pull + left * (tilted / seconds)
    up = gravity / float(np.linalg.norm(gravity))
    climb_m = float(np.einsum("i,i->", moved, up))
    length_m = float(hypot(*(moved - climb_m * up).tolist()))
    if length_m < SHORTEST_M or abs(climb_m) > CLIMB_SHARE * length_m + CLIMB_M:
        return None
    return Travel(length_m, climb_m, up)


def upward(force: FloatArray) -> FloatArray | None:
    """Up from the mean force of a whole stride; None when that is not gravity."""
    mean = force.mean(axis=0)
    size = float(np.linalg.norm(mean))
    return mean / size if abs(size / G_MPS2 - 1.0) <= GRAVITY_WITHIN else None
