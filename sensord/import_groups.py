"""Files that belong together: acceleration with angular rate, a pod with its foot, left with right. No store, no clock.

What cannot be told is never guessed: a file whose foot nobody named, and whose pod was never paired, is refused with a
line that says what to do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np

from sensord.drivers import recorded
from sensord.drivers.base import PodInfo
from sensord.errors import InputError, Problem
from sensord.files.fit import FitActivity
from sensord.files.part import FootRecording, Part, Sensors, foot_recording, on_shared_clock
from sensord.late_run import RecordedPod
from sensord.model import G_MPS2, Json, PodSetup, Side
from sensord.run_recording import RunRecording

FEWEST_DIGITS = 4
"""Shortest end of an address that names a pod: Shimmer's names carry so many digits of it."""


class Outcome(StrEnum):
    """What became of a file."""

    IMPORTED = "imported"
    ALREADY = "already there"
    REFUSED = "refused"
    BAD = "bad"
    NOT_NEEDED = "not needed"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of files that belong together, in words; of a run also its id and its summary."""

    files: tuple[str, ...]
    outcome: Outcome
    words: str
    run: str | None = None
    summary: Mapping[str, Json] | None = None
    said: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KnownPod:
    """A pod whose foot is known, by a pairing or by the settings."""

    pod: str
    side: Side
    serial: str = ""


def known_pod(device: str | None, known: Sequence[KnownPod]) -> KnownPod | None:
    """The one pod that a device's name in a file fits: its address, the end of it, or its serial number."""
    name = _plain(device or "")
    if not name:
        return None
    ends = [part for part in re.split(r"[^0-9A-F]+", (device or "").upper()) if len(part) >= FEWEST_DIGITS]
    fitting = [
        pod
        for pod in known
        if name in {_plain(pod.pod), _plain(pod.serial)} or (ends and _plain(pod.pod).endswith(ends[-1]))
    ]
    return fitting[0] if len(fitting) == 1 else None


def stated_run(
    parts: Mapping[Side, Sequence[Part]], known: Sequence[KnownPod], *, same_clock: bool, start_ns: int | None
) -> RunRecording:
    """The run of which somebody said what was on which foot. InputError: files that do not belong together."""
    feet: dict[Side, FootRecording] = {}
    for side, files in parts.items():
        if not files:
            continue
        if len(files) > 2:
            found = f"{len(files)} files for the {side} foot"
            raise InputError(Problem(str(files[0].file), "", found, "one, or two: acceleration and angular rate"))
        feet[side] = foot_recording(*files)
    pods = {}
    for side, foot in feet.items():
        found_pod = known_pod(foot.device, known)
        pods[side] = found_pod.pod if found_pod else foot.device or f"unknown-{side}"
    return _run(feet, pods, same_clock=same_clock, start_ns=start_ns)


def found_runs(
    parts: Sequence[Part], known: Sequence[KnownPod], *, same_clock: bool, start_ns: int | None
) -> tuple[list[RunRecording], list[Fate]]:
    """Runs of files of which only their pods say where they belong; and those that belong nowhere."""
    feet: list[tuple[KnownPod, FootRecording]] = []
    fates: list[Fate] = []
    for group in _joined_by_pod(parts):
        try:
            foot = foot_recording(*group)
            pod = known_pod(foot.device, known)
        except InputError as error:
            fates.append(Fate(tuple(str(part.file) for part in group), Outcome.BAD, str(error)))
            continue
        if pod is None:
            found = f"no paired pod ({foot.device or 'no name of one in it'})"
            expected = "--left or --right before it, or a pod that was paired (sensord pair)"
            problem = Problem(str(group[0].file), "", found, expected)
            fates.append(Fate(tuple(str(part.file) for part in group), Outcome.BAD, str(problem)))
        else:
            feet.append((pod, foot))
    runs: list[RunRecording] = []
    for pair in _pairs(feet):
        recordings = {pod.side: foot for pod, foot in pair}
        try:
            pods = {pod.side: pod.pod for pod, _ in pair}
            runs.append(_run(recordings, pods, same_clock=same_clock, start_ns=start_ns))
        except InputError as error:
            names = tuple(str(file) for foot in recordings.values() for file in foot.files)
            fates.append(Fate(names, Outcome.BAD, str(error)))
    return runs, fates


def fit_run(activity: FitActivity, *, start_ns: int | None) -> RunRecording:
    """The run that a watch recorded."""
    details = {"files": [activity.file.name], "said": dict(activity.said)}
    info = PodInfo(recorded.NAME, activity.model, "", activity.serial, 0.0, 0.0, 0.0, "file", details=details)
    return RunRecording(
        files=(str(activity.file),),
        setups=(PodSetup(activity.device, None, recorded.NAME),),
        pods=(RecordedPod(activity.device, info, readings=activity.readings),),
        wall_ns=activity.wall_ns if start_ns is None else start_ns,
        file_wall_ns=activity.wall_ns,
        said=activity.said,
    )


def _plain(name: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", name.upper())


def _joined_by_pod(parts: Sequence[Part]) -> list[list[Part]]:
    """Each file of acceleration with the one of angular rate of the same app, pod and time; others stay alone."""
    rates = [part for part in parts if part.sensors is Sensors.GYR]
    groups: list[list[Part]] = []
    for part in parts:
        if part.sensors is Sensors.GYR:
            continue
        fitting = [rate for rate in rates if part.sensors is Sensors.ACC and _belong(part, rate)]
        if len(fitting) == 1:
            rates.remove(fitting[0])
            groups.append([part, fitting[0]])
        else:
            groups.append([part])
    return groups + [[rate] for rate in rates]


def _belong(acc: Part, gyr: Part) -> bool:
    if acc.layout != gyr.layout or acc.device != gyr.device or acc.file.parent != gyr.file.parent:
        return False
    return _common_ns(acc.span_ns, gyr.span_ns) > 0


def _common_ns(one: tuple[int, int], other: tuple[int, int]) -> int:
    return min(one[1], other[1]) - max(one[0], other[0])


def _pairs(feet: Sequence[tuple[KnownPod, FootRecording]]) -> list[list[tuple[KnownPod, FootRecording]]]:
    """Left with the right that shares the most time with it; what has no time, or no other foot, stays alone."""
    pairs: list[list[tuple[KnownPod, FootRecording]]] = []
    rights = [one for one in feet if one[0].side is Side.RIGHT]
    for left in (one for one in feet if one[0].side is Side.LEFT):
        common = {i: _shared_ns(left[1], right[1]) for i, right in enumerate(rights)}
        best = max(common, key=common.__getitem__, default=None)
        if best is not None and common[best] > 0:
            pairs.append([left, rights.pop(best)])
        else:
            pairs.append([left])
    return pairs + [[right] for right in rights]


def _shared_ns(one: FootRecording, other: FootRecording) -> int:
    spans = one.wall_span_ns, other.wall_span_ns
    return 0 if spans[0] is None or spans[1] is None else _common_ns(spans[0], spans[1])


def _run(
    feet: Mapping[Side, FootRecording], pods: Mapping[Side, str], *, same_clock: bool, start_ns: int | None
) -> RunRecording:
    files = [file for foot in feet.values() for file in foot.files]
    for side, foot in feet.items():
        if pods[side] in [pods[other] for other in feet if other is not side]:
            found = f"the same pod ({pods[side]}) on both feet"
            raise InputError(Problem(str(foot.files[0]), "", found, "a recording of each"))
    if same_clock:
        feet = {side: on_shared_clock(foot) for side, foot in feet.items()}
    zero, wall_ns, shared = _run_time(feet)
    setups, recordings = [], []
    for side in sorted(feet):
        foot, pod = feet[side], pods[side]
        setups.append(PodSetup(pod, side, recorded.NAME))
        run_ns = [np.asarray(block.t_pod_ns + zero[side]) for block in foot.imu.blocks]
        recordings.append(RecordedPod(pod, _info(foot, shared=shared), foot.imu.blocks, run_ns))
    return RunRecording(
        files=tuple(str(file) for file in files),
        setups=tuple(setups),
        pods=tuple(recordings),
        wall_ns=wall_ns if start_ns is None else start_ns,
        file_wall_ns=wall_ns,
        local=start_ns is None and any(foot.times.local for foot in feet.values()),
    )


def _run_time(feet: Mapping[Side, FootRecording]) -> tuple[dict[Side, int], int | None, bool]:
    """What to add to each foot's pod time to get run time, the wall time of run time 0, and whether both feet's times
    are those of one clock. Where nothing ties the two feet together they begin together: that is said, not measured."""
    every = list(feet.values())
    shared = len(every) < 2 or all(foot.times.same_clock for foot in every)
    walls = [foot.times.wall_ns for foot in every]
    if shared:
        base_ns = min(foot.times.zero_ns + foot.first_ns for foot in every)
        zero = {side: foot.times.zero_ns - base_ns for side, foot in feet.items()}
        first = next((foot for foot in every if foot.times.wall_ns is not None), None)
        wall_ns = None if first is None else (first.times.wall_ns or 0) + base_ns - first.times.zero_ns
    elif all(wall is not None for wall in walls):
        wall_ns = min((foot.times.wall_ns or 0) + foot.first_ns for foot in every)
        zero = {side: (foot.times.wall_ns or 0) - wall_ns for side, foot in feet.items()}
    else:
        zero = {side: -foot.first_ns for side, foot in feet.items()}
        wall_ns = next(((foot.times.wall_ns or 0) + foot.first_ns for foot in every if foot.times.wall_ns), None)
    if len(every) > 1:
        one, other = ((zero[side] + foot.first_ns, zero[side] + foot.last_ns) for side, foot in feet.items())
        if _common_ns(one, other) <= 0:
            found = f"no time in common with {every[0].files[0].name}"
            raise InputError(Problem(str(every[1].files[0]), "", found, "both feet of the same run"))
    return zero, wall_ns, shared


def _info(foot: FootRecording, *, shared: bool) -> PodInfo:
    """What LINK_UP says. A clock of its own, tied to the other foot's by a phone or by nothing, counts as none: steps
    from one foot to the other are not measured then."""
    block = foot.imu.blocks[0]
    defects = foot.imu.defects
    return PodInfo(
        driver=recorded.NAME,
        model=foot.layout,
        firmware="",
        serial=foot.device or "",
        rate_hz=foot.imu.rate_hz,
        acc_range_g=(block.acc_range_mps2 or 0.0) / G_MPS2,
        gyr_range_dps=float(np.rad2deg(block.gyr_range_radps or 0.0)),
        clock="file" if shared else "none",
        details={
            "files": [Path(file).name for file in foot.files],
            "rows": defects.rows,
            "dropped": defects.dropped + defects.not_numbers,
            "missing": defects.missing,
        },
    )
