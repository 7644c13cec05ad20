"""Recordings of one or both feet to strides and a summary: the same dsp as live, fed from files or arrays.

The two recordings have clocks of their own unless it is said that they share one; then left/right contact times are
compared by stride pairs, otherwise foot by foot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sensord.analysis_summary import asymmetry_values, foot_values, totals_values
from sensord.dsp.foot import FootAnalyser
from sensord.errors import InputError, Problem
from sensord.files.imu_csv import checked_units, read_imu_csv
from sensord.files.imu_recording import ImuRecording, make_recording
from sensord.files.strides_csv import rows
from sensord.files.wearable_my_foot import read_wearable_my_foot
from sensord.load.force import ForceModel
from sensord.load.speed import SpeedEstimator
from sensord.load.steps import with_steps
from sensord.model import ALGORITHM, NS, FloatArray, FootNote, Json, Side, StepLengths, Stride

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
    layout: str = "imu",
) -> Analysis:
    """Find the strides in recordings of one or both feet.

    Each source is a CSV file (`layout`: "imu" or "wearable"), arrays, or an `ImuRecording`. `mass_kg` and `height_m`
    are noted; no value of this version needs them. Raises `InputError` for what cannot be read.
    """
    if layout not in LAYOUTS:
        raise InputError(Problem("command line", "--layout", repr(layout), "one of: " + ", ".join(LAYOUTS)))
    sources = {side: source for side, source in ((Side.LEFT, left), (Side.RIGHT, right)) if source is not None}
    if not sources:
        raise InputError(Problem("analyse", "", "no recording", "--left FILE, --right FILE, or both"))
    recordings = {side: _recording(source, side, layout) for side, source in sources.items()}
    strides: list[Stride] = []
    notes: list[FootNote] = []
    axes: dict[Side, FloatArray] = {}
    for side, recording in recordings.items():
        speed, force = SpeedEstimator(StepLengths()), ForceModel()
        foot = FootAnalyser(side, recording.rate_hz)
        for item in _items(foot, recording):
            if isinstance(item, FootNote):
                notes.append(item)
            else:
                strides.append(force.apply(speed.apply(item)))
        if foot.axis is not None:
            axes[side] = foot.axis.vector
        if not any(stride.foot is side for stride in strides):
            notes.append(FootNote(side, "no_strides", f"no stride was found on the {side} foot"))
    if same_clock:
        strides = with_steps(strides)
    summary = {
        "schema": SUMMARY_SCHEMA,
        "algorithm": ALGORITHM,
        "sensord": version("sensord"),
        "same_clock": same_clock,
        "mass_kg": mass_kg,
        "height_m": height_m,
        "inputs": {s.value: _input(sources[s], recordings[s]) for s in recordings},
        "feet": {s.value: foot_values([x for x in strides if x.foot is s]) for s in recordings},
        "totals": totals_values(strides, same_clock=same_clock),
        "asymmetry": asymmetry_values(strides, same_clock=same_clock),
        "notes": [{"foot": n.foot, "code": n.code, "text": n.text} for n in notes],
    }
    return Analysis(tuple(strides), tuple(notes), summary, recordings, axes)


# --------------------------------------------------------------------------------------------------------- in and out


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
