"""What the foot did in one stride besides its contacts: travel, angles, rates (pod frame in, numbers out).

Travel, from mid-stance to mid-stance. The acceleration is turned into the pod's axes at the first mid-stance and
integrated. The foot comes back to the same velocity, so that the mean specific force over the stride is gravity and
nothing else: it says which way is up (no standing start, no known mount) and takes the drift of the velocity away.
Integrated again, and seen from above, this is the way over whatever the foot stood on: the ground, or a belt, which at
constant speed is as inertial as the ground. Zero velocity is asked at the calmest moment of stance (in running the
foot never rests; strapdown from stance to stance was the best of four ways in Zrenner et al. 2018,
doi:10.3390/s18124194).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, hypot

import numpy as np

from sensord.dsp.alignment import Axis
from sensord.dsp.attitude import turned
from sensord.dsp.eversion import Eversion, eversion
from sensord.dsp.filters import project
from sensord.dsp.strike import strike_angle_deg, strike_chances
from sensord.model import G_MPS2, FloatArray, Side

CALM_S = 0.04
"""Design choice: mid-stance is the calmest stretch of this length; running stances are calm for 0.05 to 0.1 s."""

CALM_FROM, CALM_TO = 0.2, 0.85
"""Design choice: mid-stance lies between these shares of the contact, clear of the landing and of push-off."""

GRAVITY_WITHIN = 0.15
"""Design choice: a mean force further from gravity than this share of it is no whole stride, or a broken sensor."""

CLIMB_SHARE = 0.15
"""Design choice: a stride cannot have climbed more than this share of its length (roads are less steep); what seems to
have is a stride whose integral went wrong."""
CLIMB_M = 0.05

SHORTEST_M = 0.1
"""Design choice: shorter than this the direction of travel is noise."""


@dataclass(frozen=True, slots=True)
class StrideMotion:
    """None where not measured."""

    length_m: float | None = None
    strike_angle_deg: float | None = None
    strike_p: tuple[float, float, float] | None = None  # rearfoot, midfoot, forefoot
    eversion_excursion_deg: float | None = None
    eversion_peak_dps: float | None = None
    swing_peak_radps: float | None = None


@dataclass(frozen=True, slots=True)
class StrideRowsOf:
    """Where one stride lies in the rows that are handed over (fractional rows from their start)."""

    ic: float
    tc: float | None
    next_ic: float | None
    next_tc: float | None


def stride_motion(
    acc_mps2: FloatArray, gyr_radps: FloatArray, axis: Axis, rate_hz: float, at: StrideRowsOf, side: Side
) -> StrideMotion:
    """Travel and angles of the stride at `at`; acc, gyr (n, 3) on the grid, gyro bias removed.

    Known with the end of the next contact. Without a terminal contact there is no mid-stance, and no travel or angle.
    """
    pitch = project(gyr_radps, axis.vector)
    swing_peak = None
    if at.tc is not None and at.next_ic is not None and at.next_ic >= at.tc + 1:
        swing_peak = float(pitch[ceil(at.tc) : ceil(at.next_ic)].max())
    rest = mid_stance(gyr_radps, rate_hz, at.ic, at.tc)
    if rest is None:
        return StrideMotion(swing_peak_radps=swing_peak)
    angle_deg = strike_angle_deg(pitch, rate_hz, at.ic, rest)
    length_m, rolled = None, Eversion(None, None)
    next_rest = None if at.next_ic is None else mid_stance(gyr_radps, rate_hz, at.next_ic, at.next_tc)
    if next_rest is not None:
        path = travel(acc_mps2[rest : next_rest + 1], gyr_radps[rest : next_rest + 1], rate_hz)
        if path is not None:
            length_m = path.length_m
            rolled = eversion(gyr_radps, rate_hz, at.ic, rest, np.cross(path.up, axis.vector), side)
    return StrideMotion(
        length_m=length_m,
        strike_angle_deg=angle_deg,
        strike_p=strike_chances(angle_deg),
        eversion_excursion_deg=rolled.excursion_deg,
        eversion_peak_dps=rolled.peak_dps,
        swing_peak_radps=swing_peak,
    )


def mid_stance(gyr_radps: FloatArray, rate_hz: float, ic: float, tc: float | None) -> int | None:
    """The row in the middle of the calmest stretch of a contact; None when the contact is not known or too short."""
    if tc is None:
        return None
    n = max(1, round(CALM_S * rate_hz) | 1)
    first = ceil(ic + CALM_FROM * (tc - ic)) - n // 2
    last = int(ic + CALM_TO * (tc - ic)) + n // 2
    if first < 0 or last >= len(gyr_radps) or last - first < n:
        return None
    rows = gyr_radps[first : last + 1]
    energy = np.concatenate(([0.0], np.cumsum(np.einsum("ni,ni->n", rows, rows))))
    return first + n // 2 + int((energy[n:] - energy[:-n]).argmin())


@dataclass(frozen=True, slots=True)
class Travel:
    """From one mid-stance to the next: level length, climb, and which way was up (pod axes of the first mid-stance)."""

    length_m: float
    climb_m: float
    up: FloatArray


def travel(acc_mps2: FloatArray, gyr_radps: FloatArray, rate_hz: float) -> Travel | None:
    """Way between two mid-stances; acc, gyr (n, 3) from the one to the other. None when it cannot be one stride."""
    force = np.einsum("nij,nj->ni", turned(gyr_radps, rate_hz), acc_mps2)
    gained = np.zeros_like(force)
    np.cumsum((force[1:] + force[:-1]) * (0.5 / rate_hz), axis=0, out=gained[1:])
    seconds = (len(force) - 1) / rate_hz
    gravity = gained[-1] / seconds
    size = float(np.linalg.norm(gravity))
    if abs(size / G_MPS2 - 1.0) > GRAVITY_WITHIN:
        return None
    up = gravity / size
    # trapezium rule of the velocity, whose ends are both zero once its drift is gone
    moved = gained.sum(axis=0) / rate_hz - gained[-1] * (0.5 / rate_hz) - gravity * (0.5 * seconds * seconds)
    climb_m = float(np.einsum("i,i->", moved, up))
    level = moved - climb_m * up
    length_m = float(hypot(*level.tolist()))
    if length_m < SHORTEST_M or abs(climb_m) > CLIMB_SHARE * length_m + CLIMB_M:
        return None
    return Travel(length_m, climb_m, up)
