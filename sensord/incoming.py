"""Runs handed over to whoever writes the store: written whole beside it, then taken in step by step, once.

    DATA/incoming/runs/ID.run       sealed
    DATA/incoming/ID.events         a line about the run, then a line an event; there when all is there

A daemon takes the steps between its own work, so that live events do not wait; what a crash left is taken in by the
next start. Every step may be taken twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from sensord.datadir import DataDir
from sensord.disk import disk_errors, sync_directory
from sensord.errors import InputError, Problem
from sensord.files.atomic import write_text
from sensord.late_run import EVENTS_AT_ONCE, LateRun, summary_of, write_whole
from sensord.model import ALGORITHM, Event, Input, RunSetup, canonical_json
from sensord.recording import Anchor, RunFile
from sensord.store import Store

Step = Callable[[Store], object]


def inbox(data: DataDir) -> DataDir:
    """Where runs wait; whoever puts one there holds its lock."""
    return DataDir(data.path / "incoming")


def hand_over(
    data: DataDir,
    setup: RunSetup,
    inputs: Iterable[Input],
    *,
    wall_ns: int | None,
    boot_id: str,
    accept: Callable[[Sequence[Event]], None] = lambda _events: None,
) -> LateRun:
    """Write a run and what the pipeline says of it. As `keep_late_run`, but for the store."""
    waiting = inbox(data)
    path = waiting.run_file(setup.run)
    anchor = Anchor(wall_ns=wall_ns or 0, boottime_ns=0, boot_id=boot_id, wall_trusted=wall_ns is not None)
    with disk_errors(path):
        path.unlink(missing_ok=True)  # left by one that was killed
    events = write_whole(path, setup, anchor, inputs, accept)
    sha256 = RunFile.resume(path).seal()
    about = {"runner": setup.runner, "site": setup.site, "gateway": setup.gateway, "algo": ALGORITHM,
             "wall_ns": wall_ns, "boot_id": boot_id, "sha256": sha256}  # fmt: skip
    lines = [about, *({"n": e.n, "t_ns": e.t_ns, "kind": e.kind, "payload": e.payload} for e in events)]
    write_text(_events_file(data, setup.run), "".join(canonical_json(line) + "\n" for line in lines))
    return LateRun(setup.run, data.run_file(setup.run), sha256, len(events), summary_of(events))


def waiting(data: DataDir) -> list[str]:
    """Runs that were handed over and are not taken in, or not to the end."""
    return sorted(path.stem for path in inbox(data).path.glob("*.events"))


def steps(data: DataDir, run: str) -> Iterator[Step]:
    """What to do with the store, in this order, to take a run in. InputError: none of that id waits."""
    path = _events_file(data, run)
    try:
        lines = path.open(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(Problem(str(path), "", "no run that waits", "one that was handed over")) from None
    with lines:
        about = json.loads(next(lines))

        def begin(store: Store) -> None:
            if not store.knows(run):
                setup = RunSetup(run, about["runner"], about["site"], about["gateway"], ())
                store.begin_run(
                    setup, file=data.run_file(run).name, boot_id=about["boot_id"], boottime_ns=0,
                    begun_wall_ns=about["wall_ns"], algo=about["algo"],
                )  # fmt: skip

        yield begin
        while some := list(islice(lines, EVENTS_AT_ONCE)):
            yield _append(run, about["algo"], [Event(**json.loads(line)) for line in some])

    def end(store: Store) -> None:
        source, place = inbox(data).run_file(run), data.run_file(run)
        with disk_errors(place):
            if source.exists():
                source.rename(place)
                sync_directory(place.parent)
            store.end_run(run, sha256=about["sha256"])
            path.unlink()

    yield end


def _append(run: str, algo: str, events: Sequence[Event]) -> Step:
    return lambda store: store.append(run, algo, events)


def take_in_waiting(data: DataDir, store: Store) -> list[str]:
    """Take in what waits, at a start or before an import; gives the runs."""
    taken = waiting(data)
    for run in taken:
        for step in steps(data, run):
            step(store)
    return taken


def forget(data: DataDir, run: str) -> None:
    """Whoever writes the store refused it."""
    for path in (_events_file(data, run), inbox(data).run_file(run)):
        path.unlink(missing_ok=True)


def _events_file(data: DataDir, run: str) -> Path:
    return inbox(data).path / f"{run}.events"
