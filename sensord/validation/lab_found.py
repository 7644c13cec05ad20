"""What sensord finds in a lab's trials, laid beside their truth: by a known offset, by a mark, or by the contacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sensord.errors import InputError, Problem
from sensord.files.imu_csv import read_imu_csv
from sensord.model import NS, Json, Mark, Side, Stride
from sensord.validation.contacts import NEAR_RUN_S, NEAR_WALK_S
from sensord.validation.lab import Lab, LabTrial, on_of, read_truth, recordings
from sensord.validation.statistics import match_events
from sensord.validation.trial import FootTruth, Found, Trial, find

COARSE_S = 0.3
"""With `sync = "events"` the offset may be off by less than half a stride: beyond this nothing is looked for. Design
choice: half of the shortest running stride (0.6 s)."""
RUN_RATE_HZ = 200.0
"""Which targets a run file is held against: those of 200 Hz."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A trial with what was found, as near as a contact must be, and which trial it was."""

    found: Found
    near_s: float
    said: LabTrial


def found_in(folder: Path, lab: Lab, said: LabTrial) -> Scored:
    """A trial with its truth moved to the time of what was found. InputError for files that cannot be used."""
    near_s = NEAR_RUN_S if said.activity == "run" else NEAR_WALK_S
    truth = read_truth(folder / said.truth, complete=said.complete)
    found = _from_run(folder, lab, said, truth) if said.run is not None else _from_files(folder, lab, said, truth)
    if said.sync == "events":
        found = _aligned(found)
    return Scored(found, near_s, said)


def _from_files(folder: Path, lab: Lab, said: LabTrial, truth: dict[Side, FootTruth]) -> Found:
    files = recordings(folder, said)
    _refuse_other_feet(folder, said, set(files), truth)
    read = {side: read_imu_csv(path) for side, path in files.items()}
    rate = min(recording.rate_hz for recording in read.values())
    moved = {side: _moved(foot, said.offset_of(side)) for side, foot in truth.items()}
    for side, foot in moved.items():
        times = [block.t_pod_ns[end] / NS for block in read[side].blocks for end in (0, -1)]
        if foot.ic_s[-1] < min(times) or foot.ic_s[0] > max(times):
            found = f"{side.value} contacts at {foot.ic_s[0]:.1f} to {foot.ic_s[-1]:.1f} s of the pod's time"
            expected = f"some within the recording, {min(times):.1f} to {max(times):.1f} s: seconds, and offset_s"
            raise InputError(Problem(str(folder / said.truth), "", found, expected))
    return find(Trial(on_of(lab, said), said.runner, rate, read, moved, said.speed_mps))


def _from_run(folder: Path, lab: Lab, said: LabTrial, truth: dict[Side, FootTruth]) -> Found:
    """A run file of sensord: strides on run time, the truth's zero at the mark (or the run's beginning)."""
    from sensord.playback import open_run, replay  # noqa: PLC0415 - only a run file needs the whole pipeline

    assert said.run is not None
    path = folder / said.run
    run = open_run(path)
    begins_s = 0.0
    if said.mark is not None:
        at = [i.t_ns for i in run.inputs() if isinstance(i, Mark) and i.data.get("text") == said.mark]
        if len(at) != 1:
            expected = f"one mark {said.mark!r} (sensord mark)"
            raise InputError(Problem(str(path), "", f"{len(at)} of that name", expected))
        begins_s = at[0] / NS
    strides: dict[Side, list[Stride]] = {pod.side: [] for pod in run.setup.pods if pod.side is not None}
    for event in replay(run):
        if event.kind == Stride.KIND and event.payload["ic_run_ns"] is not None:
            strides[Side(event.payload["foot"])].append(_on_run_time(event.payload))
    _refuse_other_feet(folder, said, set(strides), truth)
    moved = {side: _moved(foot, begins_s + said.offset_of(side)) for side, foot in truth.items()}
    trial = Trial(on_of(lab, said), said.runner, RUN_RATE_HZ, {}, moved, said.speed_mps)
    return Found(trial, {side: tuple(own) for side, own in strides.items()})


def _on_run_time(payload: Mapping[str, Json]) -> Stride:
    """A stored stride with its contacts on run time."""
    stride = Stride(**{**payload, "foot": Side(payload["foot"]), "spoiled": tuple(payload["spoiled"])})
    assert stride.ic_run_ns is not None
    tc = None if stride.tc_pod_ns is None else stride.ic_run_ns + stride.tc_pod_ns - stride.ic_pod_ns
    return replace(stride, ic_pod_ns=stride.ic_run_ns, tc_pod_ns=tc, next_ic_pod_ns=stride.next_ic_run_ns)


def _refuse_other_feet(folder: Path, said: LabTrial, feet: set[Side], truth: dict[Side, FootTruth]) -> None:
    other = [side.value for side in truth if side not in feet]
    if other:
        expected = "a recording of that foot, or no row of it"
        raise InputError(Problem(str(folder / said.truth), "", f"rows of the {', '.join(other)} foot", expected))


def _moved(foot: FootTruth, by_s: float) -> FootTruth:
    def later(time: float | None) -> float | None:
        return None if time is None else time + by_s

    strides = tuple(
        replace(s, ic_s=s.ic_s + by_s, tc_s=later(s.tc_s), next_ic_s=later(s.next_ic_s)) for s in foot.strides
    )
    return FootTruth(foot.ic_s + by_s, foot.tc_s + by_s, strides)


def _aligned(found: Found) -> Found:
    """The truth of each foot moved by the median of found minus true contacts; feet have clocks of their own."""
    moved = {}
    for side, foot in found.trial.truth.items():
        times = found.contacts_s(side)
        matches = match_events(times, foot.ic_s, COARSE_S)
        off = [float(times[i] - foot.ic_s[j]) for i, j in matches.pairs]
        moved[side] = _moved(foot, float(np.median(off)) if off else 0.0)
    return replace(found, trial=replace(found.trial, truth=moved))
