"""What was recorded of one run, before it is one: its pods, when it was, what it is told apart by, and cut in two."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sensord.drivers import recorded
from sensord.late_run import RecordedPod
from sensord.model import IntArray, Json, PodSetup, SampleBlock, canonical_json


@dataclass(frozen=True, slots=True)
class RunRecording:
    """What one run was recorded as. `wall_ns` is when run time 0 was, None when nobody knows; `file_wall_ns` the same
    as the files say. `local`: they name no zone, that of this machine was taken. `said`: what a device computed and we
    do not use."""

    files: tuple[str, ...]
    setups: tuple[PodSetup, ...]
    pods: tuple[RecordedPod, ...]
    wall_ns: int | None
    file_wall_ns: int | None = None
    local: bool = False
    said: Mapping[str, Json] = field(default_factory=dict)

    @property
    def last_ns(self) -> int:
        """Run time of the last row or reading."""
        ends = [int(run_ns[-1]) for pod in self.pods for run_ns in pod.run_ns if len(run_ns)]
        return max([*ends, *(pod.readings[-1].t_rx_ns for pod in self.pods if pod.readings)])

    @property
    def digest(self) -> bytes:
        """What was measured, when by the files, and on which foot: the same for files of other names or line ends."""
        found = hashlib.sha256(str(self.file_wall_ns).encode())
        for setup, pod in sorted(zip(self.setups, self.pods, strict=True), key=lambda pair: str(pair[0].side)):
            found.update(str(setup.side).encode())
            for block, run_ns in zip(pod.blocks, pod.run_ns, strict=True):
                for array in (run_ns, block.acc_mps2, block.gyr_radps):
                    found.update(np.ascontiguousarray(array).tobytes())
            for reading in pod.readings:
                found.update(recorded.encode_reading(reading))
                found.update(canonical_json(reading.t_rx_ns).encode())
        return found.digest()


def cut(recording: RunRecording, t_ns: int) -> tuple[RunRecording | None, RunRecording | None]:
    """A recording up to and with run time `t_ns`, and what comes after as one of its own; None where there is nothing.

    Run time of the second begins with its first row.
    """
    before = [_part(pod, -1, t_ns, 0) for pod in recording.pods]
    firsts = [
        *(int(run_ns[run_ns > t_ns][0]) for pod in recording.pods for run_ns in pod.run_ns if (run_ns > t_ns).any()),
        *(reading.t_rx_ns for pod in recording.pods for reading in pod.readings if reading.t_rx_ns > t_ns),
    ]
    if not firsts:
        return _with(recording, before, recording.wall_ns), None
    zero_ns = min(firsts)
    after = [_part(pod, t_ns, recording.last_ns, zero_ns) for pod in recording.pods]
    wall_ns = None if recording.wall_ns is None else recording.wall_ns + zero_ns
    return _with(recording, before, recording.wall_ns), _with(recording, after, wall_ns)


def _with(recording: RunRecording, pods: Sequence[RecordedPod], wall_ns: int | None) -> RunRecording | None:
    """The recording of those of its pods that hold anything."""
    there = [i for i, pod in enumerate(pods) if pod.blocks or pod.readings]
    if not there:
        return None
    setups = tuple(recording.setups[i] for i in there)
    return replace(recording, setups=setups, pods=tuple(pods[i] for i in there), wall_ns=wall_ns)


def _part(pod: RecordedPod, after_ns: int, to_ns: int, zero_ns: int) -> RecordedPod:
    """Rows and readings later than `after_ns`, up to and with `to_ns`; run time counted from `zero_ns`."""
    blocks: list[SampleBlock] = []
    times: list[IntArray] = []
    for block, run_ns in zip(pod.blocks, pod.run_ns, strict=True):
        first, end = (int(np.searchsorted(run_ns, at, side="right")) for at in (after_ns, to_ns))
        if first < end:
            rows = slice(first, end)
            blocks.append(
                replace(
                    block,
                    t_pod_ns=block.t_pod_ns[rows],
                    acc_mps2=block.acc_mps2[rows],
                    gyr_radps=block.gyr_radps[rows],
                    saturated=block.saturated[rows],
                    missing_before=block.missing_before if first == 0 else 0,
                )
            )
            times.append(np.asarray(run_ns[rows] - zero_ns))
    readings = [
        replace(reading, t_rx_ns=reading.t_rx_ns - zero_ns)
        for reading in pod.readings
        if after_ns < reading.t_rx_ns <= to_ns
    ]
    return replace(pod, blocks=blocks, run_ns=times, readings=readings)
