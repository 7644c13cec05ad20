"""The audit trail of one runner: who set which limits when, what fired, who was told, what was acknowledged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sensord.model import Alert
from sensord.plan.facts import Revision
from sensord.sinks.receipts import Receipt, State
from sensord.store import Store
from sensord.store_receipts import receipts


class Trace(StrEnum):
    """What happened."""

    SET = "set"  # the plan was changed: from here on other limits count
    FIRED = "fired"  # an alert began, was said again, or ended
    DECIDED = "decided"  # the plan decided something that people are told
    TOLD = "told"  # a message to a person: held, waiting, sent, delivered, refused
    ACKNOWLEDGED = "acknowledged"
    DONE = "done"  # what people did to runs and plans, as the audit table has it


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One line. `at_wall_ns` None: the clock could not be trusted then."""

    at_wall_ns: int | None
    trace: Trace
    who: str
    what: str
    alert: str | None = None
    run: str | None = None
    detail: str = ""


def audit_of(store: Store, runner: str) -> list[AuditRow]:
    """All that happened to a runner, in the order of time; what has no time stands where it was written, at the end.

    Runs that were discarded are in it: that they fired, and who discarded them.
    """
    fired = list(_fired(store, runner))
    alerts = {row.alert for row in fired if row.alert is not None}
    told = [_told(receipt) for receipt in receipts(store, alerts)] if alerts else []
    found = [*_set(store, runner), *fired, *told, *_done(store, runner)]
    return sorted(found, key=lambda row: (row.at_wall_ns is None, row.at_wall_ns or 0))


def _set(store: Store, runner: str) -> Iterator[AuditRow]:
    for at_wall_ns, text in _rows(
        store, "fact", "SELECT at_wall_ns, payload FROM fact WHERE runner = ? AND kind = ? ORDER BY seq",
        (runner, Revision.KIND),
    ):  # fmt: skip
        payload = json.loads(text)
        what = f"plan {str(payload.get('sha256', ''))[:12]}"
        yield AuditRow(at_wall_ns, Trace.SET, str(payload.get("who", "")), what, detail=str(payload.get("reason", "")))


def _fired(store: Store, runner: str) -> Iterator[AuditRow]:
    for at_wall_ns, run, text in _rows(
        store, "event", "SELECT run.begun_wall_ns + event.t_ns, run.run, event.payload FROM event"
        " JOIN run ON run.run = event.run AND run.algo = event.algo"
        " WHERE event.kind = ? AND run.runner = ? ORDER BY event.seq", (Alert.KIND, runner),
    ):  # fmt: skip
        alert = json.loads(text)
        what = f"{alert['level']} {alert['phase']}: {alert['rule']}"
        yield AuditRow(at_wall_ns, Trace.FIRED, "sensord", what, alert["id"], run, alert["text"])
    for posted_wall_ns, name, text in _rows(
        store, "notice", "SELECT posted_wall_ns, id, payload FROM notice WHERE runner = ? ORDER BY seq", (runner,)
    ):
        notice = json.loads(text)
        what = f"{notice['level']}: {notice['rule']}"
        yield AuditRow(posted_wall_ns, Trace.DECIDED, "sensord", what, name, notice["run"], notice["text"])


def _told(receipt: Receipt) -> AuditRow:
    if receipt.state is State.ACKNOWLEDGED:
        return AuditRow(receipt.at_wall_ns, Trace.ACKNOWLEDGED, receipt.person, "acknowledged", receipt.alert)
    what = f"{receipt.phase.value} {receipt.state.value}"
    return AuditRow(receipt.at_wall_ns, Trace.TOLD, receipt.person, what, receipt.alert, detail=receipt.detail)


def _done(store: Store, runner: str) -> Iterator[AuditRow]:
    """Acknowledgements and plan revisions stand among the others already."""
    for at_wall_ns, who, action, run, detail in _rows(
        store, "audit", "SELECT audit.at_wall_ns, audit.who, audit.action, audit.run, audit.detail FROM audit"
        " LEFT JOIN run ON run.run = audit.run"
        " WHERE (run.runner = ?1 OR json_extract(audit.detail, '$.runner') = ?1) AND audit.action NOT IN ('ack', ?2)"
        " ORDER BY audit.seq", (runner, Revision.KIND),
    ):  # fmt: skip
        yield AuditRow(at_wall_ns, Trace.DONE, who, action, run=run, detail=detail)


def _rows(store: Store, table: str, query: str, values: tuple[object, ...]) -> list[tuple]:  # type: ignore[type-arg]
    rows = store.table()
    with rows.reading():
        if not rows.db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            return []  # a store of an older sensord, opened for reading
        return rows.db.execute(query, values).fetchall()
