"""The store's tables and the views people query. Described in docs/store.md.

Events are written once, as JSON; `stride`, `alert` and `summary` are views over them. A view cannot disagree with its
event, needs no second write in the hot path, and follows a new field without a migration; the price, unpacking JSON
when somebody asks, is paid by people's queries, which are few (docs/store.md has the figures).
"""

from __future__ import annotations

import sqlite3
from dataclasses import fields
from pathlib import Path

from sensord.disk import transaction
from sensord.errors import InputError, Problem
from sensord.model import Alert, RunSummary, Stride

SCHEMA = 3
APPLICATION_ID = 0x7353746F
"""SQLite's application id, "sSto" in ASCII."""

TABLES_1 = (
    # one row a run; its order is the order in which this gateway began them, whatever the wall clock said
    """CREATE TABLE run(
        number INTEGER PRIMARY KEY,
        run TEXT NOT NULL UNIQUE,
        runner TEXT NOT NULL,
        site TEXT NOT NULL,
        gateway TEXT NOT NULL,
        algo TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'ended')),
        begun_wall_ns INTEGER,
        boot_id TEXT NOT NULL,
        boottime_ns INTEGER NOT NULL,
        file TEXT NOT NULL,
        sha256 TEXT,
        discarded_wall_ns INTEGER,
        discarded_by TEXT,
        discarded_reason TEXT)""",
    """CREATE TABLE event(
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        gateway TEXT NOT NULL,
        run TEXT NOT NULL REFERENCES run(run),
        n INTEGER NOT NULL,
        algo TEXT NOT NULL,
        t_ns INTEGER NOT NULL,
        kind TEXT NOT NULL,
        payload TEXT NOT NULL,
        UNIQUE (run, algo, n))""",
    "CREATE INDEX event_kind ON event(kind, run, algo, n)",
    """CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
        BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END""",
    """CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
        BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END""",
    "CREATE TABLE cursor(sink TEXT NOT NULL PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE quarantine(
        sink TEXT NOT NULL,
        seq INTEGER NOT NULL REFERENCES event(seq),
        reason TEXT NOT NULL,
        at_wall_ns INTEGER NOT NULL,
        PRIMARY KEY (sink, seq)) WITHOUT ROWID""",
    """CREATE TABLE audit(
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        at_wall_ns INTEGER NOT NULL,
        who TEXT NOT NULL,
        action TEXT NOT NULL,
        run TEXT,
        detail TEXT NOT NULL)""",
)

TABLES_2 = (
    # which pod is on which foot, as somebody showed it; a row is never changed but to end it
    """CREATE TABLE pairing(
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        pod TEXT NOT NULL,
        side TEXT CHECK (side IN ('left', 'right')),
        driver TEXT NOT NULL,
        model TEXT NOT NULL,
        serial TEXT NOT NULL,
        who TEXT NOT NULL,
        paired_wall_ns INTEGER NOT NULL,
        ended_wall_ns INTEGER)""",
)

TABLES_3 = (
    # what people said and decided (`plan.facts`): a row is never changed; a later one may take it back. `gateway` and
    # `number` are its key everywhere: rows of other gateways are taken in as they are
    """CREATE TABLE fact(
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        gateway TEXT NOT NULL,
        number INTEGER NOT NULL,
        runner TEXT NOT NULL,
        kind TEXT NOT NULL,
        at_wall_ns INTEGER NOT NULL,
        said_wall_ns INTEGER NOT NULL,
        payload TEXT NOT NULL,
        UNIQUE (gateway, number))""",
    "CREATE INDEX fact_runner ON fact(runner, kind)",
    """CREATE TRIGGER fact_is_never_changed BEFORE UPDATE ON fact
        BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END""",
    """CREATE TRIGGER fact_is_never_deleted BEFORE DELETE ON fact
        BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END""",
    # what people are told besides alerts of a run (a decision of the plan); `id` as an alert's
    """CREATE TABLE notice(
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        runner TEXT NOT NULL,
        posted_wall_ns INTEGER NOT NULL,
        payload TEXT NOT NULL)""",
    # who was told what, and who has said that they have seen it; of one message and person the last row counts
    """CREATE TABLE receipt(
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        alert TEXT NOT NULL,
        phase TEXT NOT NULL CHECK (phase IN ('onset', 'reminder', 'recovery')),
        number INTEGER NOT NULL,
        person TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('held', 'waiting', 'sent', 'delivered', 'refused', 'acknowledged')),
        at_wall_ns INTEGER NOT NULL,
        message TEXT,
        detail TEXT NOT NULL)""",
    "CREATE INDEX receipt_alert ON receipt(alert, person)",
    "CREATE INDEX receipt_state ON receipt(person, state)",
    """CREATE TRIGGER receipt_is_never_changed BEFORE UPDATE ON receipt
        BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END""",
    """CREATE TRIGGER receipt_is_never_deleted BEFORE DELETE ON receipt
        BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END""",
    """CREATE TRIGGER notice_is_never_changed BEFORE UPDATE ON notice
        BEGIN SELECT RAISE(ABORT, 'notices are append-only'); END""",
    """CREATE TRIGGER notice_is_never_deleted BEFORE DELETE ON notice
        BEGIN SELECT RAISE(ABORT, 'notices are append-only'); END""",
)

TABLES = {1: TABLES_1, 2: TABLES_2, 3: TABLES_3}
"""What each schema added to the one before."""


def _view(name: str, payload_class: type[Stride | Alert | RunSummary]) -> str:
    """A column for each field of the payload, under the algorithm that is current for the run; no discarded runs."""
    own = ("run", "runner", "t_ns", "wall_ns", "algo", "seq")
    columns = ",\n        ".join(
        f"json_extract(event.payload, '$.{f.name}') AS \"{f.name}\"" for f in fields(payload_class) if f.name not in own
    )
    return f"""CREATE VIEW "{name}" AS SELECT
        event.run AS run, run.runner AS runner, event.t_ns AS t_ns, run.begun_wall_ns + event.t_ns AS wall_ns,
        event.algo AS algo, event.seq AS seq,
        {columns}
        FROM event JOIN run ON run.run = event.run AND run.algo = event.algo
        WHERE event.kind = '{payload_class.KIND}' AND run.discarded_wall_ns IS NULL"""  # noqa: S608 (our own names)


VIEWS = {"stride": _view("stride", Stride), "alert": _view("alert", Alert), "summary": _view("summary", RunSummary)}
"""Name to definition. Views hold no data: a store that has others gets these when it is next opened for writing."""


def check(path: Path, db: sqlite3.Connection, *, readonly: bool) -> None:
    """Raises InputError for a file that is no store of ours, or a newer one's."""
    try:
        (schema,) = db.execute("PRAGMA user_version").fetchone()
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as exc:
        raise InputError(Problem(str(path), "", f"a file SQLite cannot read ({exc})", "a store")) from exc
    if schema > SCHEMA:
        found = f"schema {schema}"
        raise InputError(Problem(str(path), "", found, f"at most {SCHEMA}: a newer sensord wrote this store"))
    if application != APPLICATION_ID and (tables or readonly):
        raise InputError(Problem(str(path), "", "a database of something else", "a store of sensord"))


def prepare(db: sqlite3.Connection) -> None:
    """Makes a new store, or brings an older one up to date, in one transaction."""
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    (schema,) = db.execute("PRAGMA user_version").fetchone()
    with transaction(db):
        for version in range(schema + 1, SCHEMA + 1):
            for statement in TABLES[version]:
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {version}")
        _renew_views(db)


def _renew_views(db: sqlite3.Connection) -> None:
    there = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view'").fetchall())
    for name, statement in VIEWS.items():
        if there.get(name) != statement:
            db.execute(f'DROP VIEW IF EXISTS "{name}"')
            db.execute(statement)
