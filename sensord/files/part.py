"""What one file of somebody else's app holds of one pod, and what several of them make together: a foot's recording.

Apps write acceleration and angular rate into one file or into two. Two are joined at the times of the acceleration:
each is laid on its own even clock first (`sample_clock`), then the angular rate is interpolated in a straight line.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np

from sensord.errors import InputError, Problem
from sensord.files.imu_csv import checked_units
from sensord.files.imu_recording import (
    MAX_DISORDER_S,
    RATE_HZ,
    RATE_MARGIN,
    ImuRecording,
    make_recording,
    refuse_far_times,
)
from sensord.files.sample_clock import even_clock, spread_bursts
from sensord.model import NS, FloatArray, IntArray

HOLE_PERIODS = 1.5
"""Design choice: over a longer step between its rows the angular rate is not interpolated: that is a loss."""

FEWEST_ROWS = 2

WALL_NS = (946_684_800 * NS, 4_102_444_800 * NS)
"""Design choice: wall times of 2000 to 2099 can be true."""


class Sensors(StrEnum):
    """What was recorded in a file."""

    ACC = "acceleration"
    GYR = "angular rate"
    BOTH = "acceleration and angular rate"


def told_wall_ns(wall_ns: int) -> int | None:
    """A wall time that a file tells; None for what a clock says that was never set."""
    return wall_ns if WALL_NS[0] <= wall_ns < WALL_NS[1] else None


@dataclass(frozen=True, slots=True)
class Times:
    """Where second 0 of a recording lies. `zero_ns` is a reading of the clock that its other files were made with, too.

    `wall_ns` is the wall time of second 0, None when the file does not say; `local`: it was written without a zone, and
    was taken for that of this machine. `same_clock`: recordings of other pods with it share the very clock.
    """

    zero_ns: int = 0
    wall_ns: int | None = None
    local: bool = False
    same_clock: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One file: rows (n, 4 or 7) of s, then m/s² or rad/s or both, in the pod's frame, and the lines they stood in.

    `device` is what the file says of the pod: an address, a serial number, a name. `whole` is set by readers that made
    the recording themselves. InputError: no time, or one two days from the others.
    """

    file: Path
    layout: str
    sensors: Sensors
    rows: FloatArray
    lines: IntArray
    times: Times = Times()
    device: str | None = None
    whole: ImuRecording | None = None

    def __post_init__(self) -> None:
        there = np.isfinite(self.rows[:, 0])
        if not there.any():
            raise InputError(Problem(str(self.file), "", "no row with a time", "the time of each row"))
        refuse_far_times(str(self.file), self.rows[there, 0], self.lines[there])

    @property
    def span_ns(self) -> tuple[int, int]:
        """First and last row on the clock of `times.zero_ns`."""
        t_s = self.rows[:, 0][np.isfinite(self.rows[:, 0])]
        return self.times.zero_ns + int(t_s.min() * NS), self.times.zero_ns + int(t_s.max() * NS)


@dataclass(frozen=True, slots=True)
class NotNeeded:
    """A file that a known app wrote, with nothing of a foot in it: heart rate, magnetometer, temperature."""

    file: Path
    what: str


@dataclass(frozen=True, slots=True)
class FootRecording:
    """What one pod recorded: pod time of its blocks counts from second 0 of `times`."""

    files: tuple[Path, ...]
    layout: str
    device: str | None
    imu: ImuRecording
    times: Times

    @property
    def first_ns(self) -> int:
        """Pod time of the first row."""
        return int(self.imu.blocks[0].t_pod_ns[0])

    @property
    def last_ns(self) -> int:
        """Pod time of the last row."""
        return int(self.imu.blocks[-1].t_pod_ns[-1])

    @property
    def wall_span_ns(self) -> tuple[int, int] | None:
        """When it was made; None when nobody knows."""
        wall_ns = self.times.wall_ns
        return None if wall_ns is None else (wall_ns + self.first_ns, wall_ns + self.last_ns)


def foot_recording(part: Part, other: Part | None = None) -> FootRecording:
    """The recording that is in one file, or in one of acceleration and one of angular rate, in any order.

    InputError: what `make_recording` and `checked_units` refuse; two files of the same; no time in common.
    """
    if other is None:
        if part.sensors is not Sensors.BOTH:
            lacks = Sensors.GYR if part.sensors is Sensors.ACC else Sensors.ACC
            expected = f"the file of {lacks} beside it (same app, same pod, same run)"
            raise InputError(Problem(str(part.file), "", f"{part.sensors} only", expected))
        imu = part.whole or make_recording(str(part.file), part.rows, part.lines)
        return FootRecording((part.file,), part.layout, part.device, checked_units(str(part.file), imu), part.times)
    acc, gyr = (part, other) if part.sensors is Sensors.ACC else (other, part)
    if (acc.sensors, gyr.sensors) != (Sensors.ACC, Sensors.GYR) or acc.layout != gyr.layout:
        found = f"{part.sensors} ({part.layout}) beside {other.sensors} ({other.layout})"
        expected = "one file, or one of acceleration and one of angular rate of the same app"
        raise InputError(Problem(str(other.file), "", found, expected))
    laid = _laid(acc)
    imu = make_recording(str(acc.file), _joined(acc, laid, gyr, _laid(gyr)), laid.lines)
    files = (acc.file, gyr.file)
    return FootRecording(files, acc.layout, acc.device or gyr.device, checked_units(str(acc.file), imu), acc.times)


def on_shared_clock(recording: FootRecording) -> FootRecording:
    """The same, its times taken for those of a clock that the other foot's recording has, too."""
    return replace(recording, times=replace(recording.times, same_clock=True))


@dataclass(frozen=True, slots=True)
class _Laid:
    """Rows of one sensor in the order of time: when (n,) ns, strictly rising; what (n, 3); where they stood (n,)."""

    t_ns: IntArray
    values: FloatArray
    lines: IntArray


def _joined(acc: Part, acc_laid: _Laid, gyr: Part, gyr_laid: _Laid) -> FloatArray:
    """Rows (n, 7) at the times of the acceleration; NaN where the angular rate is not known, but for half a row at its
    ends, where the nearest is taken."""
    at_ns, known_ns = acc_laid.t_ns, gyr_laid.t_ns + (gyr.times.zero_ns - acc.times.zero_ns)
    if known_ns[-1] < at_ns[0] or at_ns[-1] < known_ns[0]:
        found = f"no time in common with {acc.file.name}"
        raise InputError(Problem(str(gyr.file), "", found, "acceleration and angular rate of the same run"))
    rates = np.column_stack([np.interp(at_ns, known_ns, gyr_laid.values[:, axis]) for axis in range(3)])
    steps = np.diff(known_ns)
    step = np.clip(np.searchsorted(known_ns, at_ns, side="left") - 1, 0, len(steps) - 1)
    in_hole = (steps[step] > HOLE_PERIODS * float(np.median(steps))) & ~np.isin(at_ns, known_ns)
    edge_ns = float(np.median(steps)) / 2
    rates[in_hole | (at_ns < known_ns[0] - edge_ns) | (at_ns > known_ns[-1] + edge_ns)] = np.nan
    return np.column_stack([at_ns / NS, acc_laid.values, rates])


def _laid(part: Part) -> _Laid:
    """Rows without a hole in them, on the even clock behind their times. InputError: too few, disorder, a bad rate."""
    file = str(part.file)
    whole = np.flatnonzero(np.isfinite(part.rows).all(axis=1))
    if len(whole) < FEWEST_ROWS:
        raise InputError(Problem(file, "", f"{len(whole)} complete rows", "a recording of 50 to 1000 rows a second"))
    _refuse_disorder(part, whole)
    kept = whole[np.argsort(part.rows[whole, 0], kind="stable")]
    t_ns = np.rint(part.rows[kept, 0] * NS).astype(np.int64)
    spread_ns = spread_bursts(t_ns)
    if spread_ns is None:
        t_ns, first = np.unique(t_ns, return_index=True)
    else:
        t_ns, first = np.unique(spread_ns, return_index=True)
    kept = kept[first]
    if len(t_ns) < FEWEST_ROWS:
        raise InputError(Problem(file, "", "rows of one time only", "the time each row was sampled at"))
    period_ns = float(np.median(np.diff(t_ns)))
    even = even_clock(t_ns, period_ns, packets=True)  # even where they look even: rounded to a millisecond, say
    if even is not None:
        t_ns, period_ns = even.t_ns, even.period_ns
    low, high = RATE_HZ
    if not low * (1 - RATE_MARGIN) <= NS / period_ns <= high * (1 + RATE_MARGIN):
        found = f"{NS / period_ns:.4g} rows of {part.sensors} a second"
        raise InputError(Problem(file, "", found, "50 to 1000 Hz"))
    return _Laid(t_ns, part.rows[kept, 1:4], part.lines[kept])


def _refuse_disorder(part: Part, whole: IntArray) -> None:
    t_s = part.rows[whole, 0]
    behind = np.maximum.accumulate(t_s) - t_s
    if behind.max() > MAX_DISORDER_S:
        first = int(np.flatnonzero(behind > MAX_DISORDER_S)[0])
        found = f"a time {behind[first]:.3f} s before an earlier row"
        place = f"line {part.lines[whole[first]]}"
        raise InputError(Problem(str(part.file), place, found, "rows in order of time, at most 0.5 s astray"))
