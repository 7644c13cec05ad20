"""What the foot did in one stride besides its contacts: travel, angles, rates (pod frame in, numbers out).

One attitude is kept from initial contact to the mid-stance of the next contact (`attitude.turned`); the way travelled
(`travel`), the strike angle (`strike`) and the rolling outward (`eversion`) are read from it. Known with the end of
the next contact, and windows end there, whatever has arrived since.
"""

from __future__ import annotations

from math import asin, ceil, degrees
from typing import NamedTuple

import numpy as np

from sensord.dsp.alignment import Axis
from sensord.dsp.attitude import turned
from sensord.dsp.eversion import eversion
from sensord.dsp.filters import project
from sensord.dsp.strike import foot_axis, landed, strike_chances
from sensord.dsp.travel import Rest, Upward, mid_stance, rolled_m, travel, upward
from sensord.dsp.vectors import Matrix, Vector, dot, length, matrix, plus, rotated, rotated_back, scaled, vector
from sensord.model import FloatArray, Side


class StrideMotion(NamedTuple):
    """None where not measured; `mended` when the shock of landing was not seen and the length does without."""

    length_m: float | None = None
    mended: bool = False
    strike_angle_deg: float | None = None
    strike_p: tuple[float, float, float] | None = None  # rearfoot, midfoot, forefoot
    eversion_excursion_deg: float | None = None
    eversion_peak_dps: float | None = None
    swing_peak_radps: float | None = None
    turn_deg: float | None = None  # heading from mid-stance to mid-stance, to the left positive
    next_rest: Rest | None = None  # mid-stance of the next contact, where the next stride begins


class StrideRowsOf(NamedTuple):
    """Where one stride lies in the rows that are handed over (fractional rows from their start)."""

    ic: float
    tc: float | None
    next_ic: float | None
    next_tc: float | None
    shock_seen: bool = True
    """Whether every sample round the next initial contact came, and hardly any at full scale."""
    stood_mps2: FloatArray | None = None
    """The pull when she last stood (3,), pod axes; None when she has not."""
    rest: Rest | None = None
    """Mid-stance of this contact, if the stride before has found it."""


class Rested(NamedTuple):
    """Mid-stance of the contact that ended a stride: the next one begins with it, and need not look for it again."""

    contact_ns: tuple[int, int | None]
    """Its initial and terminal contact, pod time."""
    bias_radps: FloatArray
    rest: Rest
    """In rows of the stretch."""

    def of(self, contact_ns: tuple[int, int | None], bias_radps: FloatArray, first: int) -> Rest | None:
        """Counted from row `first`; None when it is another contact's, or the gyro bias is another one now."""
        same = self.contact_ns == contact_ns and self.bias_radps is bias_radps
        return self.rest.counted_from(first) if same else None


def stride_motion(
    acc_mps2: FloatArray, gyr_radps: FloatArray, axis: Axis, rate_hz: float, at: StrideRowsOf, side: Side
) -> StrideMotion:
    """Travel and angles of the stride at `at`; acc, gyr (n, 3) on the grid, gyro bias removed.

    Without a terminal contact there is no mid-stance, and no travel or angle; without a next one there is no way to
    tell which way is up.
    """
    if at.tc is None or at.next_ic is None or at.next_ic < at.tc + 1:
        return StrideMotion()
    pitch = project(gyr_radps[ceil(at.tc) : ceil(at.next_ic)], axis.vector)
    swing_peak = float(pitch.max())
    rest = at.rest or mid_stance(acc_mps2, gyr_radps, rate_hz, at.ic, at.tc)
    if rest is None:
        return StrideMotion(swing_peak_radps=swing_peak)
    first = int(at.ic)
    next_rest = mid_stance(acc_mps2, gyr_radps, rate_hz, at.next_ic, at.next_tc)
    last = ceil(at.next_ic) if next_rest is None else next_rest.row
    attitude = turned(gyr_radps[first : last + 1], rate_hz)
    force = np.einsum("nij,nj->ni", attitude, acc_mps2[first : last + 1])
    at_rest = matrix(attitude[rest.row - first])
    whole = force if next_rest is None else force[rest.row - first :]
    length_m, mended, up = None, False, upward(whole)
    if up is None:
        return StrideMotion(swing_peak_radps=swing_peak)
    if next_rest is not None:
        size = max(length(rest.pull_mps2), 1e-9)
        felt = Upward(rotated(at_rest, scaled(rest.pull_mps2, 1.0 / size)), rest.tilt_sd_rad)
        stood = None if at.stood_mps2 is None else rotated(at_rest, vector(at.stood_mps2))
        landed_s = (next_rest.row - at.next_ic) / rate_hz
        way = travel(whole, felt, stood, rate_hz, landed_s, shock_seen=at.shock_seen)
        if way is not None:
            turning = dot(plus(rest.turning_radps, next_rest.turning_radps), vector(axis.vector)) / 2.0
            rolled = rolled_m(turning, (next_rest.row - rest.row) / rate_hz)
            length_m, mended, up = way.length_m + rolled, way.mended, way.up
    up_at_rest = rotated_back(at_rest, up)
    forward = foot_axis(gyr_radps[rest.row : ceil(at.tc)], axis.vector, up_at_rest, side)
    strike = landed(attitude, up, forward, up_at_rest, at.ic - first)
    outward = eversion(gyr_radps, rate_hz, at.ic, rest.row, forward, side)
    return StrideMotion(
        length_m=length_m,
        mended=mended,
        strike_angle_deg=strike.angle_deg,
        strike_p=strike_chances(strike.angle_deg, strike.sd_deg),
        eversion_excursion_deg=outward.excursion_deg,
        eversion_peak_dps=outward.peak_dps,
        swing_peak_radps=swing_peak,
        turn_deg=None if next_rest is None else _heading_deg(at_rest, matrix(attitude[next_rest.row - first]), up),
        next_rest=next_rest,
    )


def _heading_deg(before: Matrix, after: Matrix, up: Vector) -> float:
    """By how much a foot that lies flat has turned about `up` from one attitude to another, degrees."""
    twice = (
        dot(after[2], before[1]) - dot(after[1], before[2]),
        dot(after[0], before[2]) - dot(after[2], before[0]),
        dot(after[1], before[0]) - dot(after[0], before[1]),
    )
    return degrees(asin(max(-1.0, min(1.0, 0.5 * dot(twice, up) / length(up)))))
