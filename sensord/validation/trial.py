"""A recording of one or both feet with what is known to be true of it, and what sensord found in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from sensord.analysis import analyse
from sensord.analysis_summary import GOOD_CONFIDENCE
from sensord.files.imu_recording import ImuRecording
from sensord.model import NS, FloatArray, Side, Stride
from sensord.validation.rows import On


@dataclass(frozen=True, slots=True)
class TrueStride:
    """One stride of the reference, times in s on the pod's clock; None where the reference has nothing."""

    ic_s: float
    tc_s: float | None = None
    next_ic_s: float | None = None
    stride_length_m: float | None = None
    speed_mps: float | None = None
    strike_angle_deg: float | None = None
    force_peak_bw: float | None = None
    turning: bool = False
    """Whether the foot went round a bend in it, where the reference knows its path."""

    @property
    def contact_time_s(self) -> float | None:
        """Terminal minus initial contact."""
        return None if self.tc_s is None else self.tc_s - self.ic_s

    @property
    def stride_time_s(self) -> float | None:
        """To the next initial contact."""
        return None if self.next_ic_s is None else self.next_ic_s - self.ic_s


@dataclass(frozen=True, slots=True)
class FootTruth:
    """The reference of one foot: every initial and terminal contact (s, pod clock), and its strides.

    `unlisted_s`: when the path that the reference measured comes to rest in the middle of one of its strides: the foot
    was set down there, and the list of contacts does not have it.
    """

    ic_s: FloatArray
    tc_s: FloatArray
    strides: tuple[TrueStride, ...]
    unlisted_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """One recording with its truth. `rate_hz` is the nominal rate; `runner` names whose feet these are.

    `walk_s` and `turn_s`: from where to where the reference says that she walked, and that she turned.
    """

    on: On
    runner: str
    rate_hz: float
    recordings: Mapping[Side, ImuRecording]
    truth: Mapping[Side, FootTruth]
    speed_mps: float | None = None
    walk_s: tuple[float, float] | None = None
    turn_s: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What sensord said about a trial."""

    trial: Trial
    strides: Mapping[Side, tuple[Stride, ...]]

    def contacts_s(self, side: Side) -> FloatArray:
        """All initial contacts of a foot, those that only end a stride included."""
        own = self.strides[side]
        times = {s.ic_pod_ns for s in own} | {s.next_ic_pod_ns for s in own if s.next_ic_pod_ns is not None}
        return np.array(sorted(times), dtype=np.float64) / NS

    def toe_offs_s(self, side: Side) -> FloatArray:
        """All terminal contacts of a foot."""
        return np.array([s.tc_pod_ns for s in self.strides[side] if s.tc_pod_ns is not None], dtype=np.float64) / NS

    def trusted(self) -> Found:
        """Only the strides that sensord itself lets into a mean."""
        kept = {side: tuple(s for s in own if s.confidence >= GOOD_CONFIDENCE) for side, own in self.strides.items()}
        return replace(self, strides=kept)

    def starts_s(self, side: Side) -> FloatArray:
        """The initial contact of every stride."""
        return np.array([s.ic_pod_ns for s in self.strides[side]], dtype=np.float64) / NS


def find(trial: Trial) -> Found:
    """Find the strides of a trial as `sensord analyse` does."""
    result = analyse(left=trial.recordings.get(Side.LEFT), right=trial.recordings.get(Side.RIGHT))
    return Found(trial, {side: tuple(s for s in result.strides if s.foot is side) for side in trial.recordings})
