"""Recordings of one or both feet to strides and a summary: the same dsp as live, fed from files or arrays.

The two recordings have clocks of their own unless it is said that they share one; then left/right contact times are
compared by stride pairs, otherwise foot by foot.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sensord.analysis_summary import asymmetry_values, foot_values, on_one_clock, totals_values
from sensord.dsp.foot import FootAnalyser, FootSettings
from sensord.errors import InputError, Problem
from sensord.files.imu_csv import checked_units, read_imu_csv
from sensord.files.imu_recording import ImuRecording, make_recording
from sensord.files.known_speeds import KnownSpeed
from sensord.files.strides_csv import rows
from sensord.files.wearable_my_foot import read_wearable_my_foot
from sensord.load.force import ForceModel
from sensord.load.sides import SideCheck
from sensord.load.speed import SpeedEstimator
from sensord.load.steps import with_steps
from sensord.model import ALGORITHM, NS, FloatArray, FootNote, Json, Side, StepLengths, Stride, changed

SUMMARY_SCHEMA = "sensord-summary/1"
LAYOUTS = {"imu": read_imu_csv, "wearable": read_wearable_my_foot}
Arrays = tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]
"""Time (n,) s, acceleration (n, 3) m/s², angular rate (n, 3) rad/s, in the pod's frame."""

Source = str | Path | Arrays | ImuRecording


@dataclass(frozen=True, slots=True)
class Analysis:
    """Strides of all feet in order of foot and time, notes, the summary as plain JSON values, and what was read.

    `pitch_axes`: the unit vector (3,) in each pod's frame about which turning is toe-up, where it was found.
    """

    strides: tuple[Stride, ...]
    notes: tuple[FootNote, ...]
    summary: Mapping[str, Json]
    recordings: Mapping[Side, ImuRecording]
    pitch_axes: Mapping[Side, FloatArray]

    def table(self) -> list[dict[str, Json]]:
        """One dict a stride, named as the columns of the strides CSV; None where unmeasured."""
        return rows(self.strides)


def analyse(
    left: Source | None = None,
    right: Source | None = None,
    *,
    same_clock: bool = False,
    mass_kg: float | None = None,
    height_m: float | None = None,
    grade_pct: float | None = None,
    known_speeds: Sequence[KnownSpeed] = (),
    layout: str = "imu",
) -> Analysis:
    """Find the strides in recordings of one or both feet.

    Each source is a CSV file (`layout`: "imu" or "wearable"), arrays, or an `ImuRecording`. `mass_kg` and `height_m`
    are noted (forces are in body weights). `grade_pct` is the slope of the ground; where it is not stated forces assume
    level ground. `known_speeds` (files/known_speeds.py) teach the speed of each foot; their times are those of the
    recordings, so that two feet with clocks of their own can only share a constant one. Raises `InputError` for what
    cannot be read.
    """
    sources = {side: source for side, source in ((Side.LEFT, left), (Side.RIGHT, right)) if source is not None}
    _check(sources, known_speeds, layout, same_clock=same_clock)
    recordings = {side: _recording(source, side, layout) for side, source in sources.items()}
    strides: list[Stride] = []
    notes: list[FootNote] = []
    axes: dict[Side, FloatArray] = {}
    for side, recording in recordings.items():
        foot = FootAnalyser(side, recording.rate_hz, FootSettings(provisional=False))
        own, remarks = _found(foot, recording, _Speeds(known_speeds))
        strides += own
        notes += remarks
        if foot.axis is not None:
            axes[side] = foot.axis.vector
    strides = _forces(with_steps(strides) if same_clock else strides, grade_pct)
    sides = SideCheck()
    notes += [note for stride in strides if (note := sides.add(stride))]
    summary = {
        "schema": SUMMARY_SCHEMA,
        "algorithm": ALGORITHM,
        "sensord": version("sensord"),
        "same_clock": same_clock,
        "mass_kg": mass_kg,
        "height_m": height_m,
        "grade_pct": grade_pct,
        "known_speed": bool(known_speeds),
        "inputs": {s.value: _input(sources[s], recordings[s]) for s in recordings},
        "feet": {s.value: foot_values([x for x in strides if x.foot is s]) for s in recordings},
        "totals": totals_values(strides, same_clock=same_clock),
        "asymmetry": asymmetry_values(strides, same_clock=same_clock),
        "notes": [{"foot": n.foot, "code": n.code, "text": n.text} for n in notes],
    }
    return Analysis(tuple(strides), tuple(notes), summary, recordings, axes)


# --------------------------------------------------------------------------------------------------------- in and out


def _check(
    sources: Mapping[Side, Source], known_speeds: Sequence[KnownSpeed], layout: str, *, same_clock: bool
) -> None:
    if layout not in LAYOUTS:
        raise InputError(Problem("command line", "--layout", repr(layout), "one of: " + ", ".join(LAYOUTS)))
    if not sources:
        raise InputError(Problem("analyse", "", "no recording", "--left FILE, --right FILE, or both"))
    if len(known_speeds) > 1 and len(sources) > 1 and not same_clock:
        expected = "one clock, or one speed"
        raise InputError(Problem("analyse", "known speeds", "two feet with clocks of their own", expected))


def _found(foot: FootAnalyser, recording: ImuRecording, speed: _Speeds) -> tuple[list[Stride], list[FootNote]]:
    """Strides of one foot with their speed, on run time, and what there is to say of its recording."""
    strides: list[Stride] = []
    notes: list[FootNote] = []
    for item in _items(foot, recording):
        if isinstance(item, FootNote):
            notes.append(item)
        else:
            strides.append(speed.apply(item))
    if not strides:
        notes.append(FootNote(foot.side, "no_strides", f"no stride was found on the {foot.side} foot"))
    return strides, notes


def _forces(strides: Sequence[Stride], grade_pct: float | None) -> list[Stride]:
    """Strides with their forces, in their order, and without the run time that a recording does not have. The model
    sees those of both feet as they came, as live: where both are on one clock a foot's own flights count."""
    model = ForceModel(grade_pct=grade_pct)
    told = list(strides)
    for index in sorted(range(len(told)), key=lambda i: told[i].ic_pod_ns):
        told[index] = changed(model.apply(told[index]), ic_run_ns=None, next_ic_run_ns=None)
    return told


def _recording(source: Source, side: Side, layout: str) -> ImuRecording:
    if isinstance(source, ImuRecording):
        return source
    if isinstance(source, str | Path):
        return LAYOUTS[layout](Path(source))
    columns = [np.asarray(part, dtype=np.float64) for part in source]
    shapes = [part.shape for part in columns]
    n = shapes[0][0] if shapes[0] else 0
    if shapes != [(n,), (n, 3), (n, 3)]:
        raise InputError(Problem(side.value, "arrays", f"shapes {shapes}", "(n,), (n, 3) and (n, 3)"))
    return checked_units(side.value, make_recording(side.value, np.column_stack(columns), np.arange(1, n + 1)))


class _Speeds:
    """Speed of the strides of one foot."""

    def __init__(self, known: Sequence[KnownSpeed]) -> None:
        self._estimator = SpeedEstimator(StepLengths())
        self._coming = deque(known)

    def apply(self, stride: Stride) -> Stride:
        """The stride with its speed, its pod time taken for run time; what is known by its end is told first."""
        end_ns = stride.next_ic_pod_ns or stride.ic_pod_ns
        while self._coming and self._coming[0].t_ns <= end_ns:
            known = self._coming.popleft()
            self._estimator.known(known.t_ns, known.speed_mps, sd_mps=known.sd_mps, source="stated")
        return self._estimator.apply(on_one_clock(stride))


def _items(foot: FootAnalyser, recording: ImuRecording) -> Iterator[Stride | FootNote]:
    for block in recording.blocks:
        yield from (x for x in foot.push(block) if isinstance(x, Stride | FootNote))
    yield from (x for x in foot.flush() if isinstance(x, Stride | FootNote))


def _input(source: Source, recording: ImuRecording) -> dict[str, Json]:
    first, last = recording.blocks[0].t_pod_ns[0], recording.blocks[-1].t_pod_ns[-1]
    return {
        "file": Path(source).name if isinstance(source, str | Path) else None,
        "rate_hz": recording.rate_hz,
        "duration_s": int(last - first) / NS,
        **asdict(recording.defects),
    }
