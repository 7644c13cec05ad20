"""The store: every event once, in one durable log that any number of sinks read, each with its own cursor.

One SQLite file, `sensord.db`, write-ahead log, synced at every commit. One process writes (it holds the lock on the
data directory); any other opens it read-only and changes nothing. Tables and promises: docs/store.md.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from sensord.datadir import DataDir
from sensord.disk import connect, create_exclusively, disk_errors, transaction
from sensord.errors import InputError, InternalError, Problem
from sensord.model import ALGORITHM, Event, Json, RunSetup, RunSummary, StoredEvent, canonical_json
from sensord.store_schema import check, prepare

__all__ = ["DataDir", "Quarantined", "Rows", "Store", "StoredRun"]

_RUNS = (
    "SELECT run, runner, site, gateway, algo, state, begun_wall_ns, boot_id, boottime_ns, file, sha256,"
    " discarded_wall_ns, discarded_by, discarded_reason,"
    " (SELECT payload FROM event WHERE kind = 'summary' AND event.run = run.run AND event.algo = run.algo"
    " ORDER BY n DESC LIMIT 1)"
    " FROM run"
)
_PLACE = "ifnull(begun_wall_ns, ifnull((SELECT max(begun_wall_ns) FROM run b WHERE b.number < run.number), 0))"
"""Where a run stands in time: when it began, or behind all that were entered before it when nobody knows."""

_EVENTS = (
    "SELECT event.seq, event.run, event.n, event.algo, event.t_ns, event.kind, event.payload,"
    " run.runner, run.site, run.begun_wall_ns"
    " FROM event JOIN run ON run.run = event.run"
)


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One row of the run table."""

    run: str
    runner: str
    site: str
    gateway: str
    algo: str
    state: str  # "open" | "ended"
    begun_wall_ns: int | None  # wall time of run time 0; None while the clock could not be trusted
    boot_id: str
    boottime_ns: int
    file: str
    sha256: str | None
    discarded_wall_ns: int | None
    discarded_by: str | None
    discarded_reason: str | None
    summary: Mapping[str, Json] | None  # RunSummary payload, once there is one

    @property
    def discarded(self) -> bool:
        """Somebody said that this run does not count."""
        return self.discarded_wall_ns is not None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An event that a sink refused for good."""

    sink: str
    seq: int
    reason: str
    at_wall_ns: int


class Rows(NamedTuple):
    """A store's connection, with what guards its transactions and notes who did what."""

    db: sqlite3.Connection
    writing: Callable[[], AbstractContextManager[None]]
    reading: Callable[[], AbstractContextManager[None]]
    audit: Callable[[str, str, str | None, Mapping[str, Json], int | None], int]


class Store:
    """The event log of one gateway. One thread at a time. Whatever the disk refuses raises DiskError."""

    def __init__(self, path: Path, db: sqlite3.Connection, gateway: str) -> None:
        """Use `open`."""
        self.path = path
        self.gateway = gateway
        self._db = db

    @classmethod
    def open(cls, path: Path, *, gateway: str, readonly: bool = False) -> Store:
        """Open; unless `readonly`, create or bring up to date. InputError: not there, no store, or a newer schema."""
        if not readonly and not path.exists():
            with disk_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                create_exclusively(path)
        try:
            db = connect(path, "ro" if readonly else "rw")
        except sqlite3.Error as exc:
            raise InputError(Problem(str(path), "", f"nothing that can be opened ({exc})", "a store")) from exc
        try:
            check(path, db, readonly=readonly)
            if not readonly:
                with disk_errors(path):
                    prepare(db)
        except BaseException:
            db.close()
            raise
        return cls(path, db, gateway)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    # ------------------------------------------------------------------------------------------ runs

    def begin_run(
        self,
        setup: RunSetup,
        *,
        file: str,
        boot_id: str,
        boottime_ns: int,
        begun_wall_ns: int | None,
        algo: str = ALGORITHM,
    ) -> None:
        """Enter a run that begins; `begun_wall_ns` is None when the clock cannot be trusted. InputError: known."""
        values = (setup.run, setup.runner, setup.site, setup.gateway, algo, begun_wall_ns, boot_id, boottime_ns, file)
        with self._writing():
            if self._db.execute("SELECT 1 FROM run WHERE run = ?", (setup.run,)).fetchone():
                raise InputError(Problem(str(self.path), f"run {setup.run}", "a run of that id", "a new one"))
            self._db.execute(
                "INSERT INTO run(run, runner, site, gateway, algo, state, begun_wall_ns, boot_id, boottime_ns, file)"
                " VALUES (?, ?, ?, ?, ?, 'open', ?, ?, ?, ?)",
                values,
            )

    def end_run(self, run: str, *, sha256: str | None) -> None:
        """The run is over and its file is sealed with this hash (None: not kept). Twice is the same as once."""
        with self._writing():
            self._known(run)
            self._db.execute("UPDATE run SET state = 'ended', sha256 = ? WHERE run = ?", (sha256, run))

    def set_anchor(self, run: str, wall_ns: int, *, who: str = "sensord", at_wall_ns: int | None = None) -> None:
        """Say when a run began whose clock could not be trusted then. Once: InternalError for another value later."""
        with self._writing():
            known = self._known(run).begun_wall_ns
            if known == wall_ns:
                return
            if known is not None:
                raise InternalError(f"run {run} is anchored at {known} and is not moved to {wall_ns}")
            self._db.execute("UPDATE run SET begun_wall_ns = ? WHERE run = ?", (wall_ns, run))
            self._audit(who, "anchor", run, {"begun_wall_ns": wall_ns}, at_wall_ns)

    def discard(self, run: str, who: str, reason: str, *, at_wall_ns: int | None = None) -> None:
        """The run does not count: sinks, histories, views leave it out. InputError: unknown, or discarded already."""
        with self._writing():
            found = self._known(run)
            if found.discarded:
                was = f"discarded already, by {found.discarded_by}: {found.discarded_reason}"
                raise InputError(Problem(str(self.path), f"run {run}", was, "a run that counts"))
            at = self._audit(who, "discard", run, {"reason": reason}, at_wall_ns)
            self._db.execute(
                "UPDATE run SET discarded_wall_ns = ?, discarded_by = ?, discarded_reason = ? WHERE run = ?",
                (at, who, reason, run),
            )

    def knows(self, run: str) -> bool:
        """Whether the run was ever begun here."""
        with self._reading():
            return self._db.execute("SELECT 1 FROM run WHERE run = ?", (run,)).fetchone() is not None

    def run(self, run: str) -> StoredRun:
        """One run; InputError when it is not known here."""
        with self._reading():
            return self._known(run)

    def runs(self, *, include_discarded: bool = False) -> list[StoredRun]:
        """Every run in the order of time, an imported one where it belongs; of unknown time: as they were entered."""
        return self._runs("1" if include_discarded else "discarded_wall_ns IS NULL")

    def newest_run(self, runner: str) -> str | None:
        """The runner's latest run that counts, by when it began; None: there is none."""
        with self._reading():
            row = self._db.execute(
                "SELECT run FROM run WHERE runner = ? AND discarded_wall_ns IS NULL"  # noqa: S608 (our own words)
                f" ORDER BY {_PLACE} DESC, number DESC LIMIT 1",
                (runner,),
            ).fetchone()
        return None if row is None else str(row[0])

    def open_runs(self) -> list[StoredRun]:
        """Runs that were begun and never ended: the one that is on, or what a crash left."""
        return self._runs("state = 'open' AND discarded_wall_ns IS NULL")

    def history(
        self, runner: str, before: str | None = None, *, before_wall_ns: int | None = None
    ) -> tuple[Mapping[str, Json], ...]:
        """Summaries of the runner's ended runs that count, oldest first; `before` a run, or a time: only those begun
        before it.

        Each says its `run` and the `algo` that measured it: values of different algorithms are not comparable.
        """
        with self._reading():
            place: tuple[int | None, int] = (before_wall_ns, -1)
            if before is not None:
                place = self._db.execute(
                    f"SELECT {_PLACE}, number FROM run WHERE run = ?",  # noqa: S608 (our own words)
                    (self._known(before).run,),
                ).fetchone()
            rows = self._db.execute(
                "SELECT event.run, event.algo, event.payload FROM run"  # noqa: S608 (our own words)
                " JOIN event ON event.run = run.run AND event.algo = run.algo"
                " WHERE run.runner = ?1 AND run.state = 'ended' AND run.discarded_wall_ns IS NULL"
                f" AND (?2 IS NULL OR ({_PLACE}, run.number) < (?2, ?3)) AND event.kind = ?4"
                f" ORDER BY {_PLACE}, run.number, event.n",
                (runner, *place, RunSummary.KIND),
            ).fetchall()
        return tuple({**json.loads(payload), "run": run, "algo": algo} for run, algo, payload in rows)

    # ------------------------------------------------------------------------------------------ events

    def append(self, run: str, algo: str, events: Sequence[Event]) -> list[StoredEvent]:
        """Keep events, all or none, synced on return; gives back those that were new, as sinks will see them.

        An event that is there already is ignored when it is the same (replay after a crash repeats what was stored);
        InternalError when it is not, since then replay is no longer what happened. InternalError for an unknown run.
        """
        new: list[StoredEvent] = []
        if not events:
            return new
        with self._writing():
            row = self._db.execute("SELECT runner, site, begun_wall_ns FROM run WHERE run = ?", (run,)).fetchone()
            if row is None:
                raise InternalError(f"events for a run that was never begun: {run}")
            runner, site, anchor = row
            for event in events:
                text = canonical_json(event.payload)
                seq = self._insert(run, algo, event, text)
                if seq is not None:
                    payload = json.loads(text)
                    new.append(
                        StoredEvent(seq, run, event.n, algo, event.t_ns, event.kind, payload, runner, site, anchor)
                    )
        return new

    def read_after(self, seq: int, limit: int) -> list[StoredEvent]:
        """The next events after `seq` in the order of the log, at most `limit`, but for those of discarded runs."""
        with self._reading():
            rows = self._db.execute(
                _EVENTS + " WHERE event.seq > ? AND run.discarded_wall_ns IS NULL ORDER BY event.seq LIMIT ?",
                (seq, limit),
            ).fetchall()
        return [_stored(row) for row in rows]

    def events(
        self, run: str, kinds: Collection[str] | None = None, *, algo: str | None = None
    ) -> Iterator[StoredEvent]:
        """A run's events under its current algorithm (or `algo`) in order, all kinds or some. InputError: unknown."""
        with self._reading():
            wanted = self._known(run).algo if algo is None else algo
            rows = self._db.execute(
                _EVENTS + " WHERE event.run = ? AND event.algo = ? ORDER BY event.n",
                (run, wanted),
            ).fetchall()
        return (_stored(row) for row in rows if kinds is None or row[5] in kinds)

    def last_seq(self) -> int:
        """Sequence number of the newest event; 0 when there is none."""
        with self._reading():
            return int(self._db.execute("SELECT ifnull(max(seq), 0) FROM event").fetchone()[0])

    # ------------------------------------------------------------------------------------------ sinks

    def cursor(self, sink: str) -> int:
        """How far a sink has come: everything up to here is delivered, quarantined, or of a discarded run.

        Discarded events are stepped over here, so that a sink which has nothing left to send has no lag either.
        """
        with self._reading():
            row = self._db.execute("SELECT seq FROM cursor WHERE sink = ?", (sink,)).fetchone()
            after = int(row[0]) if row else 0
            (following,) = self._db.execute(
                "SELECT (SELECT event.seq FROM event JOIN run ON run.run = event.run"
                " WHERE event.seq > ? AND run.discarded_wall_ns IS NULL ORDER BY event.seq LIMIT 1)",
                (after,),
            ).fetchone()
            (last,) = self._db.execute("SELECT ifnull(max(seq), 0) FROM event").fetchone()
        return max(after, int(last if following is None else following - 1))

    def move_cursor(self, sink: str, seq: int) -> None:
        """The sink has confirmed everything up to `seq`. Never moves back. InternalError beyond the log's end."""
        with self._writing():
            (last,) = self._db.execute("SELECT ifnull(max(seq), 0) FROM event").fetchone()
            if seq > last:
                raise InternalError(f"sink {sink} confirmed event {seq}, but the log ends at {last}")
            self._db.execute(
                "INSERT INTO cursor(sink, seq) VALUES (?, ?)"
                " ON CONFLICT (sink) DO UPDATE SET seq = max(seq, excluded.seq)",
                (sink, seq),
            )

    def quarantine(self, sink: str, seq: int, reason: str, *, at_wall_ns: int | None = None) -> None:
        """Note that a sink will never take this event. The cursor is moved separately."""
        at = time.time_ns() if at_wall_ns is None else at_wall_ns
        with self._writing():
            self._db.execute(
                "INSERT OR REPLACE INTO quarantine(sink, seq, reason, at_wall_ns) VALUES (?, ?, ?, ?)",
                (sink, seq, reason, at),
            )

    def quarantined(self, sink: str) -> list[Quarantined]:
        """What a sink refused for good, in the order of the log."""
        with self._reading():
            rows = self._db.execute(
                "SELECT sink, seq, reason, at_wall_ns FROM quarantine WHERE sink = ? ORDER BY seq", (sink,)
            ).fetchall()
        return [Quarantined(*row) for row in rows]

    # ------------------------------------------------------------------------------------------ other tables

    def table(self) -> Rows:
        """For the parts of the store that have a module of their own (`store_pairings`)."""
        return Rows(self._db, self._writing, self._reading, self._audit)

    # ------------------------------------------------------------------------------------------ inside

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with disk_errors(self.path), transaction(self._db):
            yield

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with disk_errors(self.path):
            yield

    def _runs(self, where: str) -> list[StoredRun]:
        with self._reading():
            rows = self._db.execute(f"{_RUNS} WHERE {where} ORDER BY {_PLACE}, number").fetchall()
            return [_stored_run(row) for row in rows]

    def _known(self, run: str) -> StoredRun:
        row = self._db.execute(_RUNS + " WHERE run = ?", (run,)).fetchone()
        if row is None:
            raise InputError(Problem(str(self.path), f"run {run}", "no such run", "one that this gateway has kept"))
        return _stored_run(row)

    def _insert(self, run: str, algo: str, event: Event, text: str) -> int | None:
        """The new event's number; None when the very same is there already."""
        done = self._db.execute(
            "INSERT INTO event(gateway, run, n, algo, t_ns, kind, payload) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (run, algo, n) DO NOTHING",
            (self.gateway, run, event.n, algo, event.t_ns, event.kind, text),
        )
        if done.rowcount == 1:
            return done.lastrowid
        there = self._db.execute(
            "SELECT t_ns, kind, payload FROM event WHERE run = ? AND algo = ? AND n = ?", (run, algo, event.n)
        ).fetchone()
        if there != (event.t_ns, event.kind, text):
            raise InternalError(
                f"replay identity broken: event {event.n} of run {run} under algorithm {algo} was"
                f" {there[1]} at {there[0]} {there[2]} and is now {event.kind} at {event.t_ns} {text}"
            )
        return None

    def _audit(self, who: str, action: str, run: str | None, detail: Mapping[str, Json], at_wall_ns: int | None) -> int:
        at = time.time_ns() if at_wall_ns is None else at_wall_ns
        self._db.execute(
            "INSERT INTO audit(at_wall_ns, who, action, run, detail) VALUES (?, ?, ?, ?, ?)",
            (at, who, action, run, canonical_json(detail)),
        )
        return at


def _stored_run(row: tuple[Any, ...]) -> StoredRun:
    values = (*row[:-1], json.loads(row[-1]) if row[-1] else None)
    return StoredRun(**dict(zip((f.name for f in fields(StoredRun)), values, strict=True)))


def _stored(row: tuple[Any, ...]) -> StoredEvent:
    seq, run, n, algo, t_ns, kind, payload, runner, site, anchor = row
    return StoredEvent(seq, run, n, algo, t_ns, kind, json.loads(payload), runner, site, anchor)
