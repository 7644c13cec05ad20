"""Runs that are over before we hear of them: imported recordings, logs fetched from pods. Written whole, then told.

What was measured becomes the inputs of a run file (`recorded_inputs`), and those go the way of any run: file, pipeline,
store, sinks. Sinks see by the time of an alert that it is late; nothing else tells such a run from a live one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from pathlib import Path

import numpy as np

from sensord.disk import disk_errors, sync_directory
from sensord.drivers import recorded
from sensord.drivers.base import PodInfo
from sensord.errors import InputError, Problem
from sensord.model import (
    ALGORITHM,
    NS,
    Event,
    Input,
    IntArray,
    Json,
    Mark,
    MarkKind,
    Packet,
    Reading,
    RunSetup,
    RunSummary,
    SampleBlock,
    Tick,
)
from sensord.pipeline import Pipeline
from sensord.recording import Anchor, RunFile
from sensord.store import Store

PACKET_S = 0.5
"""Design choice: samples of a recording in one packet; longer ones pack better, shorter ones keep the feet in step."""

EVENTS_AT_ONCE = 500
"""Design choice: events that the store takes in one transaction."""


@dataclass(frozen=True, slots=True)
class RecordedPod:
    """What one pod recorded: blocks in order, and the run time (n,) ns of each of their rows; or readings."""

    pod: str
    info: PodInfo
    blocks: Sequence[SampleBlock] = ()
    run_ns: Sequence[IntArray] = ()
    readings: Sequence[Reading] = ()
    """Their `t_rx_ns` is run time."""


@dataclass(frozen=True, slots=True)
class LateRun:
    """What became of it."""

    run: str
    path: Path
    sha256: str
    events: int
    summary: dict[str, Json] | None


def recorded_inputs(pods: Sequence[RecordedPod], *, wall_ns: int, also: Sequence[Input] = ()) -> Iterator[Input]:
    """The inputs of a run: links up, packets in the order of their last sample, a tick a second, the end.

    Run time 0 is the wall time `wall_ns`. `also`: other inputs, in order; they come before packets of the same time.
    Raises InputError when there is no sample and no reading.
    """
    last_ns = max((t_ns for pod in pods for t_ns in _ends(pod)), default=None)
    if last_ns is None:
        raise InputError(Problem("recording", "", "no sample and no reading", "a recorded run"))
    last_ns = max([last_ns, *(item.t_ns for item in also[-1:])])
    for pod in pods:
        yield Mark(0, MarkKind.LINK_UP, {"pod": pod.pod, "info": pod.info.to_json()})
    ticks: Iterator[Input] = (Tick(s * NS, wall_ns + s * NS) for s in range(1, last_ns // NS + 2))
    streams: list[Iterator[Input]] = [ticks, iter(also), *(_packets(pod) for pod in pods)]
    end_ns = last_ns
    for item in merge(*streams, key=lambda item: item.t_ns):
        end_ns = max(end_ns, item.t_ns)
        yield item
    yield Mark(end_ns, MarkKind.COMMAND, {"command": "end", "by": "recording"})


def keep_late_run(
    setup: RunSetup,
    inputs: Iterable[Input],
    *,
    folder: Path,
    store: Store,
    wall_ns: int | None,
    boot_id: str,
    accept: Callable[[Sequence[Event]], None] = lambda _events: None,
) -> LateRun:
    """Writes the run file, seals it, and puts what the pipeline says of it into the store; sinks read it from there.

    `wall_ns`: when run time 0 was; None when nobody knows. `accept` may raise on what was found: then nothing is kept.
    Raises InputError (a run of that id exists), DiskError. When
    anything fails nothing is left behind but, at worst, a run that `recover` ends like any other after a crash: the
    file gets its name when it is whole.
    """
    path = folder / f"{setup.run}.run"
    anchor = Anchor(wall_ns=wall_ns or 0, boottime_ns=0, boot_id=boot_id, wall_trusted=wall_ns is not None)
    if store.knows(setup.run):
        raise InputError(Problem(str(store.path), f"run {setup.run}", "a run of that id", "a new one"))
    events = write_whole(path, setup, anchor, inputs, accept)
    file = RunFile.resume(path)
    store.begin_run(setup, file=path.name, boot_id=boot_id, boottime_ns=0, begun_wall_ns=wall_ns)
    for start in range(0, len(events), EVENTS_AT_ONCE):
        store.append(setup.run, ALGORITHM, events[start : start + EVENTS_AT_ONCE])
    sha256 = file.seal()
    store.end_run(setup.run, sha256=sha256)
    return LateRun(setup.run, path, sha256, len(events), summary_of(events))


def summary_of(events: Sequence[Event]) -> dict[str, Json] | None:
    """The summary among a run's events; None: there is none."""
    return next((dict(event.payload) for event in reversed(events) if event.kind == RunSummary.KIND), None)


def write_whole(
    path: Path, setup: RunSetup, anchor: Anchor, inputs: Iterable[Input], accept: Callable[[Sequence[Event]], None]
) -> list[Event]:
    """Writes the file beside its place and moves it there, unsealed: what a killed process leaves is no run file. Gives
    what the pipeline says; `accept` as in `keep_late_run`."""
    scratch = path.with_name(f".{path.stem}.late")
    for left in path.parent.glob(f"{scratch.name}*"):
        left.unlink()
    file = RunFile.create(scratch, setup, anchor)
    try:
        events = _written(file, setup, inputs)
        accept(events)
        file.close()
    except BaseException:
        file.remove()
        raise
    if path.exists():
        file.remove()
        raise InputError(Problem(str(path), "", "a file of that name", "none: a run file is never overwritten"))
    with disk_errors(path):
        scratch.rename(path)
        sync_directory(path.parent)
    return events


def _written(file: RunFile, setup: RunSetup, inputs: Iterable[Input]) -> list[Event]:
    pipeline = Pipeline(setup)
    events: list[Event] = []
    for count, item in enumerate(inputs):
        file.add(item)
        if count % EVENTS_AT_ONCE == 0:
            file.commit()
        events += pipeline.push(item)
    events += pipeline.flush()
    file.commit(durable=True)
    return events


def _ends(pod: RecordedPod) -> Iterator[int]:
    yield from (int(t_ns[-1]) for t_ns in pod.run_ns if len(t_ns))
    yield from (reading.t_rx_ns for reading in pod.readings)


def _packets(pod: RecordedPod) -> Iterator[Packet]:
    """In order of time: samples, or readings; no pod of ours gives both."""
    rows = max(round(PACKET_S * pod.info.rate_hz), 1)
    for block, run_ns in zip(pod.blocks, pod.run_ns, strict=True):
        for start in range(0, len(block), rows):
            part = _part(block, slice(start, start + rows))
            t_ns = int(run_ns[min(start + rows, len(block)) - 1])
            yield Packet(pod.pod, t_ns, recorded.SAMPLES, recorded.encode_samples(part))
    for reading in pod.readings:
        yield Packet(pod.pod, reading.t_rx_ns, recorded.READING, recorded.encode_reading(reading))


def _part(block: SampleBlock, rows: slice) -> SampleBlock:
    high_g = block.high_g_mps2
    return replace(
        block,
        t_pod_ns=np.asarray(block.t_pod_ns[rows]),
        acc_mps2=block.acc_mps2[rows],
        gyr_radps=block.gyr_radps[rows],
        saturated=block.saturated[rows],
        missing_before=block.missing_before if rows.start == 0 else 0,
        high_g_mps2=None if high_g is None else high_g[rows],
    )
