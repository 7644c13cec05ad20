"""How far the foot went from one mid-stance to the next, over whatever it stands on: the ground, or a moving belt.

The acceleration is turned into the axes of one row and integrated twice. What is not known is which way is up and what
the shock of landing really gave: samples 5 ms apart tell it badly, lost and clipped ones not at all. What is known is
that the foot ends as fast as it began. The velocity that is left over is shared between the two, by how much each may
be wrong:

* Up is taken from the pull at mid-stance. In walking the foot rests there and this is good to half a degree; in running
  it never rests, and the pull is off by tens of degrees. Its own restlessness says how good it is. In running that
  comes to the mean force of a stride being gravity: the leftover is spread evenly.
* What is left over and not explained by the tilt is a jump at landing, where the error arose.

When the shock was lost, or clipped for more than a moment (`impact.BRIEF_NS`), the mean force is worth nothing. Then up
is where it was when she last stood: the sole lies flat in both. It may still be off by some degrees (the loaded foot,
the place where she stood), and that would make every stride climb; roads are nearly level, which sets it right.

In running the foot does not even stop turning at mid-stance: it rolls on over its ball, and a pod above the ball moves
forward with it (`rolled_m`).

A belt of constant speed is as inertial as the ground, so that this is the way over the belt. Strapdown from stance to
stance was the best of four ways in Zrenner et al. 2018 (doi:10.3390/s18124194).
"""

from __future__ import annotations

from math import ceil, cos, hypot, sqrt
from typing import NamedTuple

import numpy as np

from sensord.dsp.vectors import Vector, dot, length, mean_of, plus, scaled, vector
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

PULL_SD_RAD = 0.01
"""Design choice: how well the pull points up at best (an accelerometer's offset of 10 mg)."""

JUMP_MPS = 0.5
"""Design choice: a shock that was seen may be mistaken by this much (10 g for 5 ms)."""

LOST_JUMP_MPS = 3.0
"""Design choice: what a shock that was not seen may have given; the foot lands with 1 to 3 m/s."""

STOOD_SD_RAD = 0.05
"""Design choice: the sole in mid-stance lies as it did in standing within 3 degrees (2.2 and 1.7 were measured on the
two feet of one runner)."""

STOOD_OFF_RAD = 0.35
"""Design choice: standing that differs from the mean force by more than 20 degrees was not on this shoe."""

SLOPE_SD = 0.02
"""Design choice: how level ground is."""

LOST_UP_RAD = 0.1
"""Design choice: without a shock and with up no better known than this, there is no length."""

GRAVITY_WITHIN = 0.15
LOST_GRAVITY_WITHIN = 0.6
"""Design choice: a mean force further from gravity than this share of it is no whole stride, or a broken sensor; more
may be missing when the shock was lost."""

CLIMB_SHARE = 0.15
CLIMB_M = 0.05
"""Design choice: a stride that seems to climb by more than this share of its length, and 5 cm, is one whose integral
went wrong (roads are less steep)."""

POD_HEIGHT_M = 0.025
"""Design choice: a pod on the laces lies 5 to 8 cm above the sole, and would roll on so if foot and shoe were rigid.
They are not: half of it lies between the rigid foot (two runners on belts come out 1 to 2 % long) and none (1 % short),
and the belts are known to 1.5 %. So this is settled by no data; a known speed settles it for one runner."""

SHORTEST_M = 0.1
"""Design choice: shorter than this the direction of travel is noise."""


class Travel(NamedTuple):
    """Level length, climb, which way was up and the level way itself (m, in the axes of the rotated force)."""

    length_m: float
    climb_m: float
    up: Vector
    level: Vector
    mended: bool = False
    """The shock of landing was not seen, and the length does without."""

    def checked(self) -> Travel | None:
        """Itself, or None when it cannot be the way of one stride."""
        possible = self.length_m >= SHORTEST_M and abs(self.climb_m) <= CLIMB_SHARE * self.length_m + CLIMB_M
        return self if possible else None


class Rest(NamedTuple):
    """The row in the middle of mid-stance; pull and turning there (pod axes), how well the pull points up (SD, rad)."""

    row: int
    pull_mps2: Vector
    turning_radps: Vector
    tilt_sd_rad: float

    def counted_from(self, row: int) -> Rest:
        """The same with rows counted from this one."""
        return Rest(self.row - row, self.pull_mps2, self.turning_radps, self.tilt_sd_rad)


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
    energy = np.zeros(len(rows) + 1)
    np.einsum("ni,ni->n", rows, rows).cumsum(out=energy[1:])
    start = first + int((energy[n:] - energy[:-n]).argmin())
    pull = acc_mps2[start : start + n]
    mean = mean_of(pull)
    off = pull - mean
    unrest = sqrt(float(np.einsum("ni,ni->", off, off)) / n) / G_MPS2
    turning = mean_of(gyr_radps[start : start + n])
    return Rest(start + n // 2, mean, turning, hypot(PULL_SD_RAD, RESTLESS * unrest))


class Upward(NamedTuple):
    """Unit vector up, and how well it is known (SD, rad)."""

    way: Vector
    sd_rad: float

    def with_standing(self, stood: Vector, mean: Vector) -> Upward:
        """Joined with the pull in standing; all in the same axes. Left as it is when `mean` contradicts standing."""
        flat = scaled(stood, 1.0 / length(stood))
        if dot(flat, mean) < cos(STOOD_OFF_RAD) * length(mean):
            return self
        mine, other = self.sd_rad**-2, STOOD_SD_RAD**-2
        joined = plus(scaled(self.way, mine), flat, other)
        return Upward(scaled(joined, 1.0 / length(joined)), (mine + other) ** -0.5)

    def turned(self, by: Vector, times: float) -> Upward:
        """Tilted by so many small vectors."""
        way = plus(self.way, by, times)
        return Upward(scaled(way, 1.0 / length(way)), self.sd_rad)


def travel(
    force: FloatArray, up: Upward, stood: Vector | None, rate_hz: float, landed_s: float, *, shock_seen: bool
) -> Travel | None:
    """Way from the first row of `force` to its last; None when it cannot be that of one stride.

    `force` (n, 3) is the acceleration from mid-stance to mid-stance turned into the axes of one row; `up` and what was
    felt in standing (`stood`) in the same axes at the first; `landed_s` how long before the end the foot landed. A
    shock that left the mean force far from gravity is taken as not seen, whatever is said of it.
    """
    gained = ((force[1:] + force[:-1]) * (0.5 / rate_hz)).cumsum(axis=0)
    at_end = vector(gained[-1])
    moved = scaled(plus(vector(np.add.reduce(gained, axis=0)), at_end, -0.5), 1.0 / rate_hz)
    whole = _Whole(at_end, moved, (len(force) - 1) / rate_hz, landed_s)
    off = abs(length(at_end) / whole.seconds / G_MPS2 - 1.0)
    if shock_seen and off <= GRAVITY_WITHIN:
        return whole.travel(up, JUMP_MPS).checked()
    if stood is not None:
        up = up.with_standing(stood, whole.gained)
    if up.sd_rad > LOST_UP_RAD or off > LOST_GRAVITY_WITHIN:
        return None
    return whole.level_travel(up, LOST_JUMP_MPS)._replace(mended=True).checked()


class _Whole(NamedTuple):
    """Once and twice integrated force of a stride, its time, and the part of it after landing."""

    gained: Vector
    moved: Vector
    seconds: float
    landed_s: float

    def travel(self, up: Upward, jump_mps: float) -> Travel:
        """The way if up was this way, known as well as it says, and landing is mistaken by `jump_mps`."""
        seconds = self.seconds
        by_tilt = self._by_tilt(up, jump_mps)
        pull = scaled(up.way, G_MPS2)
        left = plus(self.gained, pull, -seconds)
        lasting = by_tilt * 0.5 * seconds + (1.0 - by_tilt) * self.landed_s
        moved = plus(plus(self.moved, pull, -0.5 * seconds * seconds), left, -lasting)
        gravity = plus(pull, left, by_tilt / seconds)
        way_up = scaled(gravity, 1.0 / length(gravity))
        climb_m = dot(moved, way_up)
        level = plus(moved, way_up, -climb_m)
        return Travel(length(level), climb_m, way_up, level)

    def level_travel(self, up: Upward, jump_mps: float) -> Travel:
        """The same with up tilted so that the way is nearly level: its most likely tilt, found in two steps."""
        start = up.way
        for _ in range(2):
            way = self.travel(up, jump_mps)
            forward = scaled(way.level, 1.0 / max(way.length_m, SHORTEST_M))
            tilted = dot(plus(up.way, start, -1.0), forward)
            lever_m = way.length_m * (1.0 - self._by_tilt(up, jump_mps))
            mine, slope = up.sd_rad**-2, (SLOPE_SD * max(way.length_m, SHORTEST_M)) ** -2
            more = -(tilted * mine + way.climb_m * lever_m * slope) / (mine + lever_m**2 * slope)
            up = up.turned(forward, more)
        return self.travel(up, jump_mps)

    def _by_tilt(self, up: Upward, jump_mps: float) -> float:
        """Share of the leftover velocity that a wrong tilt made."""
        tilt = (G_MPS2 * self.seconds * up.sd_rad) ** 2
        return tilt / (tilt + jump_mps**2)


def rolled_m(toe_up_radps: float, seconds: float) -> float:
    """What a stride is longer because the pod is not at rest at its two ends, where the foot turns so (toe-up)."""
    return -toe_up_radps * POD_HEIGHT_M * seconds


def upward(force: FloatArray) -> Vector | None:
    """Up from the mean force of a whole stride; None when that is far from gravity."""
    mean = mean_of(force)
    size = length(mean)
    return scaled(mean, 1.0 / size) if abs(size / G_MPS2 - 1.0) <= LOST_GRAVITY_WITHIN else None
