"""A run file back through the pipeline: the identical events, byte for byte, that were stored when it was live."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sensord.errors import InternalError
from sensord.model import ALGORITHM, NS, Event, canonical_json
from sensord.pipeline import Pipeline
from sensord.recording import RecordedRun, read_run
from sensord.store import Store


def open_run(path: str | Path) -> RecordedRun:
    """Open a run file for reading: its setup, where it is anchored in time, its inputs, and what is damaged in it.

    Raises `InputError` when nothing of it is usable; `.problems` names what is not.
    """
    return read_run(Path(path))


def replay(
    run: RecordedRun | str | Path, *, speed: float | None = None, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Event]:
    """The events of a recorded run, in order; at once, or at `speed` times the pace at which it was lived.

    The same run file, version of the algorithm and library set give the same bytes (`canonical_json(event.payload)`).
    A file that breaks off gives the events up to there and ends the run.
    """
    recorded = run if isinstance(run, RecordedRun) else open_run(run)
    pipeline = Pipeline(recorded.setup)
    begun_s: float | None = None
    for item in recorded.inputs():
        if speed is not None:
            begun_s = time.monotonic() if begun_s is None else begun_s
            late_s = begun_s + item.t_ns / NS / speed - time.monotonic()
            if late_s > 0:
                sleep(late_s)
        yield from pipeline.push(item)
    yield from pipeline.flush()


def first_difference(events: Iterator[Event], store: Store, run: str) -> str | None:
    """None when the store holds exactly these events for `run` under this algorithm; else what differs first."""
    stored = iter(store.events(run, algo=ALGORITHM))
    count = 0
    for event in events:
        kept = next(stored, None)
        if kept is None:
            return f"event {event.n} ({event.kind}) is not in the store"
        if (kept.n, kept.t_ns, kept.kind) != (event.n, event.t_ns, event.kind):
            return f"event {event.n} is {event.kind} at {event.t_ns} ns, stored is {kept.kind} at {kept.t_ns} ns"
        if canonical_json(kept.payload) != canonical_json(event.payload):
            return f"event {event.n} ({event.kind}) has another payload than the stored one"
        count += 1
    left = next(stored, None)
    if left is not None:
        return f"the store holds event {left.n} ({left.kind}), which replay does not give"
    if count == 0:
        raise InternalError("a run without any event cannot be compared")
    return None
