"""Logs that were fetched become runs: cut where she moved, kept like any other, the live ones they replace discarded.

Whatever is cut short is made anew: ids of runs are noted before they are written (`Flight.making`), and what is found
of them later is taken away again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from ulid import ULID

from sensord.armed import ArmedState, Flight
from sensord.datadir import DataDir
from sensord.drivers import recorded
from sensord.drivers.base import PodInfo
from sensord.errors import InputError, Problem
from sensord.late_run import LateRun, RecordedPod, keep_late_run, recorded_inputs
from sensord.load.life import END_AFTER_S
from sensord.log_samples import EVER_NS, FetchedLog, LiveRun, Settings, Timed, cut, one_line
from sensord.model import NS, Input, Json, Mark, MarkKind, Packet, PodSetup, RunSetup, RunState
from sensord.pod_time import Axis
from sensord.recording import read_run
from sensord.store import Store, StoredRun

WHO = "sensord fetch"

MOVING_RADPS = 2.0
"""Design choice: 115 degrees a second; a foot that walks swings at several hundred, one that sits seldom turns so."""

MARGIN_S = 60
"""Design choice: how much of the quiet before and after belongs to a run: a foot is levelled while it stands."""

LEAST_MOVING_S = 10
"""Design choice: seconds with movement that are worth a run; less is a shoe that was put on or carried."""

MS = 1_000_000


@dataclass(frozen=True, slots=True)
class FetchedRun:
    """A run that was made of logs."""

    run: str
    begun_wall_ns: int | None
    summary: dict[str, Json]
    replaces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Maker:
    """What runs are made with: where they are kept, and `setup(run id)` of a run that nobody recorded live."""

    data: DataDir
    store: Store
    state: ArmedState
    setup: Callable[[str], RunSetup]

    def make(self, flight: Flight) -> list[FetchedRun]:
        """Runs of all logs of a flight that are here. Raises InputError: a live run among them has not ended."""
        axis = Axis.of([fix for pod in flight.pods for fix in pod.fixes])
        logs = [FetchedLog(pod, self.state.log_file(flight, pod), axis) for pod in flight.fetched]
        for log in logs:
            log.survey()
        lives = self._lives(flight, logs, axis)
        self._take_back(flight)
        old = [*dict.fromkeys([*flight.replaces, *(live.run for live in lives), *flight.made])]
        runs: list[FetchedRun] = []
        waiting = outings(logs, lives)
        while waiting:
            start_ns, end_ns = waiting.pop(0)
            made, ended_ns = self._one(flight, logs, lives, axis, (start_ns, end_ns), old)
            runs += [made] if made else []
            if ended_ns is not None:
                waiting = outings(logs, lives, after_ns=ended_ns) if ended_ns < end_ns else waiting
        made_before = flight.made if runs else []
        flight.made, flight.making = [run.run for run in runs], []
        flight.made_of = [log.pod.pod for log in logs]
        flight.replaces = [run for run in old if run in {*flight.replaces, *made_before} or _replaced(run, runs)]
        self.state.save(flight)
        self.discard_replaced(flight)
        return runs

    def discard_replaced(self, flight: Flight) -> None:
        """What the made runs stand for does not count any more; again is the same as once."""
        for run in flight.replaces if flight.made else ():
            if self.store.knows(run) and not self.store.run(run).discarded and run not in flight.made:
                self.store.discard(run, WHO, f"replaced by {', '.join(flight.made)}")

    # ------------------------------------------------------------------------------------------ one run

    def _one(
        self,
        flight: Flight,
        logs: Sequence[FetchedLog],
        lives: Sequence[LiveRun],
        axis: Axis,
        span_ns: tuple[int, int],
        old: Sequence[str],
    ) -> tuple[FetchedRun | None, int | None]:
        """The run of one outing, None if she took no stride; where on the axis it ended before the outing did."""
        run, (start_ns, end_ns) = str(ULID()), span_ns
        flight.making.append(run)
        self.state.save(flight)
        near = [live for live in lives if live.zero_ns < end_ns and live.end_ns >= start_ns]
        pods, announced = _recorded(logs, lives, start_ns, end_ns)
        others = sorted([*announced, *_others(near, logs, start_ns, end_ns)], key=lambda item: item.t_ns)
        notes = [Mark(0, MarkKind.NOTE, {"text": text, "by": WHO}) for log in logs for text in told(log)]
        wall_ns = None if axis.wall_zero_ns is None else axis.wall_zero_ns + start_ns
        setup = self._setup(run, near, pods, logs, old, wall_ns)
        inputs = recorded_inputs(pods, wall_ns=wall_ns or 0, also=[*notes, *others])
        kept = keep_late_run(setup, inputs, folder=self.data.runs, store=self.store, wall_ns=wall_ns, boot_id="fetched")
        ended_ns = self._ended_ns(kept)
        rest_ns = None if ended_ns is None else start_ns + ended_ns
        if kept.summary is None or not kept.summary["strides_left"] + kept.summary["strides_right"]:
            self.store.discard(run, WHO, "no stride in what was logged")
            return None, rest_ns
        return FetchedRun(run, wall_ns, kept.summary, tuple(live.run for live in near)), rest_ns

    def _setup(
        self,
        run: str,
        near: Sequence[LiveRun],
        pods: Sequence[RecordedPod],
        logs: Sequence[FetchedLog],
        old: Sequence[str],
        wall_ns: int | None,
    ) -> RunSetup:
        base = near[0].recorded.setup if near else self.setup(run)
        fetched = {log.pod.pod: log.pod for log in logs}
        here = [PodSetup(pod.pod, fetched[pod.pod].side, recorded.NAME) for pod in pods]
        taken = {one.side for one in here if one.side is not None}
        for live in near:
            for one in live.recorded.setup.pods:
                if one.pod not in {*fetched, *(p.pod for p in here)} and one.side not in taken:
                    here.append(one)
                    taken |= set() if one.side is None else {one.side}
        counted = {row.run for row in self.store.runs() if _before(row, wall_ns) and row.run not in old}
        history = tuple(h for h in self.store.history(base.runner) if h["run"] in counted)
        return replace(base, run=run, pods=tuple(here), history=history)

    def _ended_ns(self, kept: LateRun) -> int | None:
        """Run time at which it ended by itself, before its inputs did: ten minutes without a stride."""
        for event in self.store.events(kept.run, kinds=["run"]):
            if event.payload["state"] == RunState.ENDED.value and event.payload["reason"] != "command":
                return event.t_ns
        return None

    # ------------------------------------------------------------------------------------------ what was there

    def _lives(self, flight: Flight, logs: Sequence[FetchedLog], axis: Axis) -> list[LiveRun]:
        """Runs that were recorded from the same pods while they logged. InputError when one has not ended."""
        spans = [span for log in logs if (span := log.span_ns)]
        if not spans:
            return []
        first_ns, last_ns = min(s[0] for s in spans), max(s[1] for s in spans)
        pods = {log.pod.pod for log in logs}
        found = []
        for row in self.store.runs(include_discarded=True):
            if row.run in (*flight.making, *flight.made) or (row.discarded and row.run not in flight.replaces):
                continue
            zero_ns = axis.place(row.boot_id, row.boottime_ns)
            if zero_ns is None and None not in (axis.wall_zero_ns, row.begun_wall_ns):
                zero_ns = row.begun_wall_ns - axis.wall_zero_ns  # type: ignore[operator]
            if zero_ns is None or not first_ns - END_AFTER_S * NS <= zero_ns <= last_ns:
                continue
            path = self.data.runs / row.file
            if not path.exists():
                continue
            recording = read_run(path)
            live = LiveRun(recording, zero_ns)
            if live.end_ns < first_ns or not any(
                p.pod in pods and p.driver != recorded.NAME for p in recording.setup.pods
            ):
                continue
            if row.state != "ended":
                expected = "an ended one: `sensord run` ends it, then fetch again (the logs are kept)"
                raise InputError(Problem("fetch", f"run {row.run}", "a run that a crash left open", expected))
            found.append(live)
        return sorted(found, key=lambda live: live.zero_ns)

    def _take_back(self, flight: Flight) -> None:
        """What an earlier fetch, which was cut short, had begun to make."""
        for run in flight.making:
            if not self.store.knows(run):
                for suffix in ("", "-wal", "-shm", "-journal"):
                    (self.data.runs / f"{run}.run{suffix}").unlink(missing_ok=True)
                continue
            row = self.store.run(run)
            if row.state != "ended":
                self.store.end_run(run, sha256=None)
            if not row.discarded:
                self.store.discard(run, WHO, "the fetch was cut short and was made anew")


def _replaced(run: str, by: Sequence[FetchedRun]) -> bool:
    return any(run in one.replaces for one in by)


def told(log: FetchedLog) -> Iterator[str]:
    """What there is to know about a log besides its samples."""
    name, error_ns, now = log.pod.name, log.error_ns, log.pod.now or {}
    if error_ns is None:
        yield f"the log of the {name} has no sample that can be placed"
    else:
        yield f"the {name} comes from its log; its clock is known to {error_ns / MS:.1f} ms"
    details = now.get("details", {})
    if details.get("log_full"):
        yield f"the log of the {name} was full before it was fetched"
    if len(log.segments) > 1 or details.get("log_restarted"):
        yield f"the {name} restarted while it logged"
    if lost := log.counts.lost:
        yield f"the log of the {name} lacks {lost} samples"
    if bad := log.counts.rejected_total + log.counts.damaged:
        yield f"{bad} parts of the log of the {name} could not be read"
    if untimed := log.untimed_samples:
        yield f"{untimed} samples of the {name} are of a time that nobody knows: between restarts none read its clock"


def outings(
    logs: Sequence[FetchedLog], lives: Sequence[LiveRun], *, after_ns: int | None = None
) -> list[tuple[int, int]]:
    """Stretches of the axis in which a foot moved, with some quiet before and after; parted as runs are."""
    moving: set[int] = set()
    first_ns, last_ns = EVER_NS, -EVER_NS
    for log in logs:
        for timed in one_line(log, lives):
            first_ns, last_ns = min(first_ns, int(timed.axis_ns[0])), max(last_ns, int(timed.axis_ns[-1]) + 1)
            fast = np.einsum("ij,ij->i", timed.block.gyr_radps, timed.block.gyr_radps) > MOVING_RADPS**2
            moving.update(np.unique(timed.axis_ns[fast] // NS).tolist())
    seconds = sorted(s for s in moving if after_ns is None or s * NS > after_ns)
    parts: list[list[int]] = []
    for second in seconds:
        if parts and second - parts[-1][-1] < END_AFTER_S:
            parts[-1].append(second)
        else:
            parts.append([second])
    lowest = first_ns if after_ns is None else max(after_ns, first_ns)
    return [
        (max((part[0] - MARGIN_S) * NS, lowest), min((part[-1] + 1 + MARGIN_S) * NS, last_ns))
        for part in parts
        if len(part) >= LEAST_MOVING_S
    ]


def _recorded(
    logs: Sequence[FetchedLog], lives: Sequence[LiveRun], start_ns: int, end_ns: int
) -> tuple[list[RecordedPod], list[Mark]]:
    """Samples of an outing in run time; and where a pod goes on with other settings, the mark that says so."""
    pods, marks = [], []
    for log in logs:
        parts = [part for timed in one_line(log, lives) if (part := cut(timed, start_ns, end_ns)) is not None]
        if not parts:
            continue
        info = _info(log, parts[0].settings)
        pods.append(RecordedPod(log.pod.pod, info, [p.block for p in parts], [p.axis_ns - start_ns for p in parts]))
        for at_ns, settings in _changes(parts):
            data = {"pod": log.pod.pod, "info": _info(log, settings).to_json()}
            marks.append(Mark(at_ns - start_ns, MarkKind.LINK_UP, data))
    return pods, marks


def _changes(parts: Sequence[Timed]) -> Iterator[tuple[int, Settings]]:
    for before, after in pairwise(parts):
        if before.settings != after.settings:
            yield int(after.axis_ns[0]), after.settings


def _info(log: FetchedLog, settings: Settings) -> PodInfo:
    said = PodInfo.from_json(log.info)
    error_ns = log.error_ns
    return PodInfo(
        driver=recorded.NAME,
        model=said.model,
        firmware=said.firmware,
        serial=said.serial,
        rate_hz=settings.rate_hz,
        acc_range_g=settings.acc_range_g,
        gyr_range_dps=settings.gyr_range_dps,
        clock="fixed",
        high_g_range_g=settings.high_g_range_g,
        details={"from": said.driver, "clock_error_ms": None if error_ns is None else round(error_ns / MS, 3)},
    )


def _others(near: Sequence[LiveRun], logs: Sequence[FetchedLog], start_ns: int, end_ns: int) -> Iterator[Input]:
    """What the live runs hold besides samples of fetched pods: other pods, batteries, notes, known speeds.

    What held already when the outing began is said at its beginning.
    """
    fetched = {log.pod.pod for log in logs}
    for live in near:
        held: dict[tuple[MarkKind, object], Input] = {}
        begun = False
        for item in live.recorded.inputs():
            at_ns = live.zero_ns + item.t_ns
            if at_ns >= end_ns:
                break
            kept = _kept(item, fetched)
            if at_ns >= start_ns and not begun:
                begun = True
                yield from held.values()
            if kept is None:
                continue
            if begun:
                yield replace(kept, t_ns=at_ns - start_ns)
            elif isinstance(kept, Mark) and kept.kind is not MarkKind.NOTE:
                kind = MarkKind.LINK_UP if kept.kind is MarkKind.LINK_DOWN else kept.kind
                held[kind, kept.data.get("pod")] = replace(kept, t_ns=0)


def _kept(item: Input, fetched: set[str]) -> Packet | Mark | None:
    if isinstance(item, Packet):
        return None if item.pod in fetched else item
    if not isinstance(item, Mark):
        return None
    if item.kind in (MarkKind.LINK_UP, MarkKind.LINK_DOWN):
        return None if item.data["pod"] in fetched else item
    return item if item.kind in (MarkKind.BATTERY, MarkKind.NOTE, MarkKind.SPEED) else None


def _before(row: StoredRun, wall_ns: int | None) -> bool:
    return wall_ns is None or row.begun_wall_ns is None or row.begun_wall_ns < wall_ns
