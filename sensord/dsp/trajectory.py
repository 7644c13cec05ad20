"""What the foot did in one stride besides its contacts: travel, angles, rates (pod frame in, numbers out)."""

from __future__ import annotations

from dataclasses import dataclass

from sensord.dsp.alignment import Axis
from sensord.model import FloatArray


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
    acc_mps2: FloatArray,  # noqa: ARG001
    gyr_radps: FloatArray,  # noqa: ARG001
    axis: Axis,  # noqa: ARG001
    rate_hz: float,  # noqa: ARG001
    at: StrideRowsOf,  # noqa: ARG001
) -> StrideMotion:
    """Travel and angles of the stride at `at`; acc, gyr (n, 3) on the grid, gyro bias removed."""
    return StrideMotion()
