"""How the foot lands: its angle to the ground at initial contact, and what kind of strike that is likely to be.

The angle is how steep the foot's long axis (heel to toe) points up at initial contact; at mid-stance, where the sole
lies flat, it is level. From the one to the other the attitude is known within less than 150 ms of gyro, so that
neither the mount nor its bias matter. Positive: heel lower. Mid-stance is loaded; a foot that stands may lie one or two
degrees otherwise.

Which way the foot's long axis points in the pod matters when the foot lands on its outer edge: 20 degrees of that are
seen as 5 degrees of pitch if the axis is taken 14 degrees wrong, and toes point out by as much. The axis about which
the foot turns while it swings follows the leg, not the foot. Pushing off, it turns about the heads of its metatarsals,
a line in the foot itself.
"""

from __future__ import annotations

from math import asin, cos, degrees, erf, hypot, radians, sin, sqrt
from typing import NamedTuple

import numpy as np

from sensord.dsp.filters import project
from sensord.dsp.vectors import Vector, cross, dot, length, matrix, plus, rotated_back, scaled, vector
from sensord.model import FloatArray, Side

REARFOOT_DEG = 8.0
FOREFOOT_DEG = -1.6
"""Rearfoot above, forefoot below, midfoot between (Altman & Davis 2012, doi:10.1016/j.gaitpost.2011.09.104; the borders
as later works and public code quote them: the paper itself was not at hand)."""

STRIKE_TYPES = ("rearfoot", "midfoot", "forefoot")

SURE_P = 0.5
"""Design choice: a strike is given a name when it is more likely than not."""

ANGLE_SD_DEG = 2.5
"""What the angle of one stride is worth when the foot does not land on its edge: a foot-worn pod was 2.0 ± 5.9 degrees
off between runners and precise to 1.6 ± 1.1 just before contact (Falbriard et al. 2020, doi:10.3389/fbioe.2020.00065);
design choice within that."""

TOE_LINE_SD_DEG = 5.0
"""Design choice: how well the foot's long axis is known; landing on the outer edge makes an error of pitch of it."""

TOE_LINE_DEG = 10.0
"""How far the line a foot turns about in pushing off deviates from square to its long axis: the inner end lies further
forward. Measured on four feet of two runners: 15, 11, 7 and 11 degrees (`python bench/fit_strike.py`, which also prints
the angles of each runner with the value of the other: -0.9 ± 0.8 and +2.7 ± 1.2 degrees off)."""


def foot_axis(push_radps: FloatArray, pitch_axis: FloatArray, up: Vector, side: Side) -> Vector:
    """Heel to toe, level (3,), in the pod's axes: from the angular rate (n, 3) from mid-stance to terminal contact.

    `pitch_axis` says which way is toe-up; `up` is at mid-stance. The line is the mean axis, weighted by the square of
    the rate.
    """
    pitch = project(push_radps, pitch_axis)
    line = vector(np.einsum("n,ni->i", pitch, push_radps))
    line = plus(line, up, -dot(line, up))
    size = length(line)
    if size == 0.0:
        line = cross(up, cross(vector(pitch_axis), up))
        size = length(line)
    square = cross(up, scaled(line, 1.0 / max(size, 1e-12)))
    turn = radians(TOE_LINE_DEG) * (-1.0 if side is Side.LEFT else 1.0)
    return plus(scaled(square, cos(turn)), cross(up, square), sin(turn))


class Landed(NamedTuple):
    """Angle of the sole at contact (heel lower: positive) and how well it is known (SD), degrees."""

    angle_deg: float
    sd_deg: float


def landed(attitude: FloatArray, up: Vector, forward: Vector, up_at_rest: Vector, ic: float) -> Landed:
    """How the foot lies at row `ic` (fractional).

    `attitude` (n, 3, 3) takes the pod's axes at each row to common ones, `up` is in these; `forward` (heel to toe) and
    `up_at_rest` are in the pod's.
    """
    first = int(ic)
    before, after = (rotated_back(matrix(attitude[row]), up) for row in (first, min(first + 1, len(attitude) - 1)))
    seen_up = plus(before, plus(after, before, -1.0), ic - first)
    pitch, edge = (_rise_deg(dot(seen_up, axis)) for axis in (forward, cross(up_at_rest, forward)))
    return Landed(pitch, hypot(ANGLE_SD_DEG, edge * radians(TOE_LINE_SD_DEG)))


def _rise_deg(sine: float) -> float:
    return degrees(asin(max(-1.0, min(1.0, sine))))


def strike_chances(angle_deg: float, sd_deg: float) -> tuple[float, float, float]:
    """Probabilities of rearfoot, midfoot and forefoot strike; the angle's error is taken as normal."""
    below_rear = _normal((REARFOOT_DEG - angle_deg) / sd_deg)
    fore = _normal((FOREFOOT_DEG - angle_deg) / sd_deg)
    return 1.0 - below_rear, below_rear - fore, fore


def strike_type(chances: tuple[float, float, float]) -> str | None:
    """The kind that is likelier than all others together; None when no kind is."""
    best = max(zip(chances, STRIKE_TYPES, strict=True))
    return best[1] if best[0] > SURE_P else None


def _normal(z: float) -> float:
    return 0.5 * (1.0 + erf(z / sqrt(2.0)))
