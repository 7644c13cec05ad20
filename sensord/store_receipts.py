"""Who was told what, and who has seen it: the store's book of receipts, and notices that are no run's events.

Rows are only ever added. Of one message to one person the last row counts; an acknowledgement is a row of whoever gave
it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sensord.errors import InputError, Problem
from sensord.model import NS, AlertPhase, Level, StoredEvent, canonical_json
from sensord.sinks.letter import SUMMARY
from sensord.sinks.notices import Key, Notice, Phase, notice_from_json, notice_json, notice_of
from sensord.sinks.receipts import SETTLED, TOLD, Lasting, Receipt, State, code_of
from sensord.store import Rows, Store

_ALERTS = (
    "SELECT event.seq, event.run, event.n, event.algo, event.t_ns, event.kind, event.payload,"
    " run.runner, run.site, run.begun_wall_ns FROM event JOIN run ON run.run = event.run"
    " WHERE event.kind = 'alert' AND run.discarded_wall_ns IS NULL AND "
)
_COLUMNS = "alert, phase, number, person, state, at_wall_ns, message, detail"
_LAST = (
    "NOT EXISTS (SELECT 1 FROM receipt later WHERE later.seq > receipt.seq AND later.alert = receipt.alert"
    " AND later.person = receipt.person AND later.phase = receipt.phase AND later.number = receipt.number)"
)
"""The rows that count."""

_CODE_LENGTH = 4
"""Design choice: an id may be shortened to so many of its code's letters, as long as that names one alert."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something urgent that nobody has acknowledged. `told`: each person and the state of what they were told."""

    alert: str
    code: str  # what `sensord ack` takes
    level: Level
    runner: str
    run: str | None
    cue: str
    text: str
    at_wall_ns: int | None
    age_s: float | None
    told: tuple[tuple[str, State], ...]

    def words(self, contact: str | None) -> str:
        """What the runner is shown; `contact` is the clinic's own text, `plan.alerts.contact`."""
        return "Nobody at the clinic has seen this." + (f" {contact}" if contact else "")


# ------------------------------------------------------------------------------------------ writing


def note(store: Store, receipts: Sequence[Receipt]) -> None:
    """Add rows, all or none, synced on return."""
    rows = store.table()
    with rows.writing():
        _insert(rows, receipts)


def begin(store: Store, sink: str) -> None:
    """A sink without a cursor begins at the end of the log: a person who is added is told from then on."""
    rows = store.table()
    with rows.writing():
        rows.db.execute(
            "INSERT OR IGNORE INTO cursor(sink, seq) VALUES (?, (SELECT ifnull(max(seq), 0) FROM event))", (sink,)
        )


def post(store: Store, notice: Notice, *, at_wall_ns: int | None = None) -> bool:
    """Have a notice that is no run's event told to whom the plan names for its level. Its id is told once: False when
    it is there already."""
    rows = store.table()
    at = time.time_ns() if at_wall_ns is None else at_wall_ns
    text = canonical_json(notice_json(notice))
    with rows.writing():
        done = rows.db.execute(
            "INSERT OR IGNORE INTO notice(id, runner, posted_wall_ns, payload) VALUES (?, ?, ?, ?)",
            (notice.alert, notice.runner, at, text),
        )
    return done.rowcount == 1


def ack(store: Store, alert: str, who: str, *, at_wall_ns: int | None = None) -> Notice:
    """Somebody (`who`) has seen an alert, named by its id or its code; gives it. Twice is the same as once.

    InputError: no alert of that name, or several. Audited.
    """
    who = who.strip()
    if not who or len(who) > 64 or not who.isprintable():
        raise InputError(Problem("ack", alert, f"{who!r} as a name", "1 to 64 printable characters"))
    notice = find_alert(store, alert)
    rows = store.table()
    at = time.time_ns() if at_wall_ns is None else at_wall_ns
    with rows.writing():
        before = rows.db.execute(
            "SELECT 1 FROM receipt WHERE alert = ? AND person = ? AND state = ?",
            (notice.alert, who, State.ACKNOWLEDGED.value),
        ).fetchone()
        if before is None:
            _insert(rows, [Receipt(notice.alert, Phase.ONSET, 0, who, State.ACKNOWLEDGED, at)])
            rows.audit(who, "ack", notice.run, {"alert": notice.alert, "runner": notice.runner}, at)
    return notice


def _insert(rows: Rows, receipts: Sequence[Receipt]) -> None:
    rows.db.executemany(
        f"INSERT INTO receipt({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 (our own words)
        [
            (r.alert, r.phase.value, r.number, r.person, r.state.value, r.at_wall_ns, r.message, r.detail)
            for r in receipts
        ],
    )


# ------------------------------------------------------------------------------------------ reading


def receipts(store: Store, alerts: Collection[str] | None = None) -> list[Receipt]:
    """All rows (of these alerts), oldest first."""
    rows = store.table()
    with rows.reading():
        if not _there(rows):
            return []
        found = rows.db.execute(
            f"SELECT {_COLUMNS} FROM receipt"  # noqa: S608 (our own words)
            " WHERE ?1 IS NULL OR alert IN (SELECT value FROM json_each(?1)) ORDER BY seq",
            (None if alerts is None else json.dumps(list(alerts)),),
        ).fetchall()
    return [Receipt(a, Phase(p), n, who, State(s), at, message, text) for a, p, n, who, s, at, message, text in found]


def states(store: Store, person: str, alerts: Collection[str]) -> dict[Key, State]:
    """The state of every message about these alerts to this person."""
    return {receipt.key: receipt.state for receipt in receipts(store, alerts) if receipt.person == person}


def seen(store: Store, alerts: Collection[str]) -> set[str]:
    """Those of these alerts that somebody has acknowledged."""
    return {receipt.alert for receipt in receipts(store, alerts) if receipt.state is State.ACKNOWLEDGED}


def last_summary_ns(store: Store, person: str) -> int | None:
    """When the last summary went to this person (wall time)."""
    rows = store.table()
    with rows.reading():
        if not _there(rows):
            return None
        (at,) = rows.db.execute(
            "SELECT max(at_wall_ns) FROM receipt WHERE person = ? AND state IN (?, ?) AND substr(message, 1, ?) = ?",
            (person, State.SENT.value, State.DELIVERED.value, len(SUMMARY), SUMMARY),
        ).fetchone()
    return None if at is None else int(at)


def held(store: Store, person: str) -> list[Notice]:
    """What is kept back for this person, oldest first; not of runs that were discarded meanwhile."""
    rows = store.table()
    with rows.reading():
        if not _there(rows):
            return []
        found = rows.db.execute(
            "SELECT alert, phase, number FROM receipt"  # noqa: S608 (our own words)
            f" WHERE person = ? AND state = ? AND {_LAST} ORDER BY seq",
            (person, State.HELD.value),
        ).fetchall()
    if not found:
        return []
    keys = [(alert, Phase(phase), number) for alert, phase, number in found]
    known = _by_id(store, {alert for alert, _, _ in keys})
    return [known[key] for key in keys if key in known]


def posted(store: Store, person: str, since_wall_ns: int) -> list[Notice]:
    """Notices of no run, posted since then, that are not settled for this person, oldest first."""
    notices = _posted(store, "posted_wall_ns >= ?", (since_wall_ns,))
    known = states(store, person, {notice.alert for notice in notices}) if notices else {}
    return [notice for notice in notices if known.get(notice.key) not in SETTLED]


def alerts_after(store: Store, seq: int) -> list[StoredEvent]:
    """All stored alerts behind `seq`, in order, but for those of discarded runs."""
    return _alerts(store, "event.seq > ?", (seq,))


def lasting(store: Store, person: str) -> list[Lasting]:
    """What this person was told, is urgent and lasts, and of which no run that is on reminds by itself."""
    unseen_ones = {notice.alert: notice for notice in _urgent(store)}
    if not unseen_ones:
        return []
    open_runs = {run.run for run in store.open_runs()}
    found = []
    by_alert: dict[str, list[Receipt]] = {}
    for receipt in receipts(store, unseen_ones):
        if receipt.person == person and receipt.state in TOLD | {State.REFUSED}:
            by_alert.setdefault(receipt.alert, []).append(receipt)
    for alert, notice in unseen_ones.items():
        mine = by_alert.get(alert, [])
        if notice.run in open_runs or not any(r.phase is Phase.ONSET and r.state in TOLD for r in mine):
            continue
        count = len({receipt.number for receipt in mine if receipt.phase is Phase.REMINDER})
        found.append(Lasting(notice, max(receipt.at_wall_ns for receipt in mine), count))
    return found


def unseen(store: Store, now_wall_ns: int, *, runner: str | None = None) -> list[Unseen]:
    """Everything urgent that nobody has acknowledged, oldest first. Ended or not: somebody has to have seen it."""
    notices = [n for n in _urgent(store, ended=True) if runner is None or n.runner == runner]
    told: dict[str, dict[str, State]] = {}
    for receipt in receipts(store, {notice.alert for notice in notices}):
        if receipt.phase is Phase.ONSET:
            told.setdefault(receipt.alert, {})[receipt.person] = receipt.state
    return [
        Unseen(
            n.alert, code_of(n.alert), n.level, n.runner, n.run, n.cue, n.text, n.at_wall_ns,
            None if n.at_wall_ns is None else max(0.0, (now_wall_ns - n.at_wall_ns) / NS),
            tuple(told.get(n.alert, {}).items()),
        )
        for n in notices
    ]  # fmt: skip


def find_alert(store: Store, name: str) -> Notice:
    """The alert of that id, or whose code begins with it. InputError: none, or several."""
    found: dict[str, Notice] = {}
    for notice in _by_id(store, [name]).values():
        found.setdefault(notice.alert, notice)
    if not found and len(name) >= _CODE_LENGTH:
        found = {n.alert: n for n in _onsets(store) if code_of(n.alert).startswith(name.lower())}
    if len(found) != 1:
        what = f"{len(found)} alerts of that name" if found else "no alert of that name"
        raise InputError(Problem("ack", name, what, "an alert's id or code, as its message says"))
    return next(iter(found.values()))


# ------------------------------------------------------------------------------------------ inside


def _there(rows: Rows) -> bool:
    """False in a store of an older sensord that was opened for reading."""
    return rows.db.execute("SELECT 1 FROM sqlite_master WHERE name = 'receipt'").fetchone() is not None


def _alerts(store: Store, condition: str, values: Sequence[object]) -> list[StoredEvent]:
    """Alerts of runs that count, in the order of the log."""
    rows = store.table()
    with rows.reading():
        found = rows.db.execute(f"{_ALERTS}{condition} ORDER BY event.seq", values).fetchall()
    return [
        StoredEvent(seq, run, n, algo, t_ns, kind, json.loads(text), runner, site, anchor)
        for seq, run, n, algo, t_ns, kind, text, runner, site, anchor in found
    ]


def _posted(store: Store, condition: str, values: Sequence[object]) -> list[Notice]:
    """Posted notices, oldest first."""
    rows = store.table()
    with rows.reading():
        if not _there(rows):
            return []
        found = rows.db.execute(
            f"SELECT payload FROM notice WHERE {condition} ORDER BY seq",  # noqa: S608 (our own words)
            values,
        ).fetchall()
    return [notice_from_json(json.loads(text)) for (text,) in found]


def _by_id(store: Store, alerts: Collection[str]) -> Mapping[Key, Notice]:
    """Every phase of these alerts that is stored; the onset first."""
    ids = (json.dumps(list(alerts)),)
    events = _alerts(store, "json_extract(event.payload, '$.id') IN (SELECT value FROM json_each(?))", ids)
    notices = [*(notice_of(e) for e in events), *_posted(store, "id IN (SELECT value FROM json_each(?))", ids)]
    return {notice.key: notice for notice in sorted(notices, key=lambda notice: notice.phase is not Phase.ONSET)}


def _onsets(store: Store) -> list[Notice]:
    events = _alerts(store, "json_extract(event.payload, '$.phase') = ?", (AlertPhase.ONSET.value,))
    return [*(notice_of(event) for event in events), *_posted(store, "1", ())]


def _urgent(store: Store, *, ended: bool = False) -> list[Notice]:
    """Onsets of urgent alerts that nobody has acknowledged; `ended`: also of those that have recovered."""
    level = (Level.URGENT.value,)
    urgent = [notice_of(event) for event in _alerts(store, "json_extract(event.payload, '$.level') = ?", level)]
    urgent += _posted(store, "json_extract(payload, '$.level') = ?", level)
    over = {notice.alert for notice in urgent if notice.phase is Phase.RECOVERY}
    onsets = {n.alert: n for n in urgent if n.phase is Phase.ONSET and (ended or n.alert not in over)}
    acknowledged = seen(store, onsets) if onsets else set()
    return [notice for alert, notice in onsets.items() if alert not in acknowledged]
