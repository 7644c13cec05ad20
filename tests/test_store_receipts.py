"""Who was told what and who has seen it: kept append-only, read back, acknowledged once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sensord import store_audit, store_facts, store_receipts
from sensord.errors import InputError
from sensord.model import NS, AlertPhase, Level
from sensord.plan.facts import Key, Revision
from sensord.sinks.notices import Notice, Phase
from sensord.sinks.receipts import Receipt, State, code_of
from sensord.store import Store
from sensord.store_audit import Trace
from tests.sinks.made_events import RUN
from tests.sinks.people_world import NOON_NS, World, opened

OTHER = "01JAC0FFEE0000000000000002"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path) as made:
        yield made


def told(
    alert: str,
    state: State,
    person: str = "therapist",
    *,
    phase: Phase = Phase.ONSET,
    number: int = 0,
    at_s: float = 0.0,
    message: str | None = None,
) -> Receipt:
    return Receipt(alert, phase, number, person, state, NOON_NS + round(at_s * NS), message, "why")


def decision(level: Level = Level.URGENT, name: str = "plan/anna/hold/night_pain/1", runner: str = "anna") -> Notice:
    return Notice(name, Phase.ONSET, level, runner, "night_pain", "Plan decision", "Night pain: hold.", NOON_NS)


def test_rows_come_back_as_they_were_and_the_last_one_counts(world: World) -> None:
    alert = world.alert()
    rows = [told(alert, State.WAITING), told(alert, State.SENT, message="m"), told("other", State.HELD)]
    rows += [told(alert, State.DELIVERED, "coach", phase=Phase.REMINDER, number=3)]
    store_receipts.note(world.store, rows)
    assert store_receipts.receipts(world.store) == rows
    assert store_receipts.receipts(world.store, [alert]) == [rows[0], rows[1], rows[3]]
    assert store_receipts.receipts(world.store, []) == []
    assert store_receipts.states(world.store, "therapist", [alert]) == {(alert, Phase.ONSET, 0): State.SENT}
    assert store_receipts.states(world.store, "coach", [alert]) == {(alert, Phase.REMINDER, 3): State.DELIVERED}


def test_receipts_and_notices_cannot_be_changed(world: World) -> None:
    store_receipts.note(world.store, [told("a", State.SENT)])
    store_receipts.post(world.store, decision())
    with closing(sqlite3.connect(world.store.path)) as db:
        for table, column in (("receipt", "state"), ("notice", "payload")):
            for statement in (f"UPDATE {table} SET {column} = 'held'", f"DELETE FROM {table}"):
                with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                    db.execute(statement)
        for values in ("'gone', 'onset'", "'sent', 'middle'"):
            with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
                db.execute(
                    "INSERT INTO receipt(alert, state, phase, number, person, at_wall_ns, detail)"
                    f" VALUES ('a', {values}, 0, 'p', 1, '')"
                )


def test_a_person_who_is_new_begins_at_the_end_of_the_log_and_only_then(world: World) -> None:
    world.alert()
    store_receipts.begin(world.store, "people.new")
    assert world.store.cursor("people.new") == world.store.last_seq() == 1
    world.alert("two")
    store_receipts.begin(world.store, "people.new")
    assert world.store.cursor("people.new") == 1


def test_only_summaries_that_went_out_count_as_the_last_one(world: World) -> None:
    assert store_receipts.last_summary_ns(world.store, "therapist") is None
    store_receipts.note(
        world.store,
        [
            told("a", State.SENT, message="summary/1", at_s=1),
            told("b", State.DELIVERED, message="summary/2", at_s=2),
            told("c", State.REFUSED, message="summary/3", at_s=3),
            told("d", State.SENT, message="d/onset", at_s=4),
            told("e", State.SENT, "coach", message="summary/4", at_s=5),
        ],
    )
    assert store_receipts.last_summary_ns(world.store, "therapist") == NOON_NS + 2 * NS


def test_what_is_kept_back_comes_back_in_order_with_its_event(world: World) -> None:
    assert store_receipts.held(world.store, "therapist") == []
    first, second = world.alert("one", Level.INFO, ago_s=9), world.alert("two", Level.INFO)
    world.alert("one", Level.INFO, AlertPhase.RECOVERY, onset_ago_s=9)
    store_receipts.post(world.store, decision(Level.INFO))
    for alert, phase in ((second, Phase.ONSET), (first, Phase.ONSET), (first, Phase.RECOVERY)):
        store_receipts.note(world.store, [told(alert, State.HELD, phase=phase)])
    store_receipts.note(world.store, [told("plan/anna/hold/night_pain/1", State.HELD), told("unknown", State.HELD)])
    store_receipts.note(world.store, [told(second, State.DELIVERED)])
    held = store_receipts.held(world.store, "therapist")
    assert [(notice.alert, notice.phase) for notice in held] == [
        (first, Phase.ONSET), (first, Phase.RECOVERY), ("plan/anna/hold/night_pain/1", Phase.ONSET),
    ]  # fmt: skip
    assert [notice.event.seq if notice.event else None for notice in held] == [1, 3, None]
    assert held[2] == decision(Level.INFO)


def test_alerts_behind_a_place_leave_discarded_runs_out(world: World) -> None:
    world.alert("one")
    world.begin(OTHER)
    world.alert("two", run=OTHER)
    world.noise()
    world.alert("three")
    world.store.discard(OTHER, "coach", "wrong runner")
    assert [event.payload["rule"] for event in store_receipts.alerts_after(world.store, 0)] == ["one", "three"]
    assert [event.seq for event in store_receipts.alerts_after(world.store, 1)] == [6]


# ------------------------------------------------------------------------------------------ seen and unseen


def test_what_is_urgent_is_unseen_until_somebody_says_so_whoever_was_told(world: World) -> None:
    world.alert("loud", Level.STOP)
    alert = world.alert("pain", Level.URGENT, ago_s=60)
    store_receipts.post(world.store, decision())
    store_receipts.note(
        world.store, [told(alert, State.WAITING), told(alert, State.SENT), told(alert, State.HELD, "coach")]
    )
    first, second = store_receipts.unseen(world.store, NOON_NS)
    assert (first.alert, first.level, first.runner, first.run) == (alert, Level.URGENT, "anna", RUN)
    assert first.told == (("therapist", State.SENT), ("coach", State.HELD))
    assert (first.age_s, first.at_wall_ns, first.code) == (60.0, NOON_NS - 60 * NS, code_of(alert))
    assert (second.text, second.told, second.run) == ("Night pain: hold.", (), None)
    assert first.words("Call 030 123.") == "Nobody at the clinic has seen this. Call 030 123."
    assert first.words(None) == "Nobody at the clinic has seen this."
    assert store_receipts.unseen(world.store, NOON_NS, runner="berta") == []
    store_receipts.ack(world.store, alert, "nurse")
    store_receipts.ack(world.store, decision().alert, "nurse")
    assert store_receipts.unseen(world.store, NOON_NS) == []


def test_an_alert_that_has_ended_still_has_to_be_seen(world: World) -> None:
    alert = world.alert("pain", Level.URGENT, ago_s=60)
    world.alert("pain", Level.URGENT, AlertPhase.RECOVERY, onset_ago_s=60)
    assert [one.alert for one in store_receipts.unseen(world.store, NOON_NS)] == [alert]


def test_an_acknowledgement_is_kept_once_and_audited(world: World) -> None:
    alert = world.alert(level=Level.URGENT)
    for _ in range(2):
        assert store_receipts.ack(world.store, alert, " nurse ", at_wall_ns=NOON_NS).alert == alert
    store_receipts.ack(world.store, code_of(alert).upper(), "Dr. Example", at_wall_ns=NOON_NS + 1)
    store_receipts.ack(world.store, code_of(alert)[:4], "nurse")
    assert [(r.person, r.state, r.at_wall_ns) for r in store_receipts.receipts(world.store)] == [
        ("nurse", State.ACKNOWLEDGED, NOON_NS), ("Dr. Example", State.ACKNOWLEDGED, NOON_NS + 1),
    ]  # fmt: skip
    with closing(sqlite3.connect(world.store.path)) as db:
        rows = db.execute("SELECT who, action, run FROM audit").fetchall()
    assert rows == [("nurse", "ack", RUN), ("Dr. Example", "ack", RUN)]


@pytest.mark.parametrize("name", ["nothing", "", "abc", "%", "01JAC"])
def test_an_alert_that_is_not_there_cannot_be_acknowledged(world: World, name: str) -> None:
    world.alert(level=Level.URGENT)
    with pytest.raises(InputError, match=r"found no alert of that name, expected an alert's id or code"):
        store_receipts.ack(world.store, name, "nurse")
    assert store_receipts.receipts(world.store) == []


@pytest.mark.parametrize("who", ["", "  ", "a\nb", "x" * 65])
def test_somebody_has_a_name(world: World, who: str) -> None:
    alert = world.alert()
    with pytest.raises(InputError, match="expected 1 to 64 printable characters"):
        store_receipts.ack(world.store, alert, who)


def test_a_code_that_fits_two_alerts_names_none(world: World) -> None:
    by_code: dict[str, str] = {}
    for number in range(2000):
        name = f"plan/anna/hold/x/{number}"
        if (code := code_of(name)[:4]) in by_code:
            break
        by_code[code] = name
    for one in (by_code[code], name):
        store_receipts.post(world.store, decision(name=one))
    with pytest.raises(InputError, match="2 alerts of that name"):
        store_receipts.ack(world.store, code, "nurse")
    assert store_receipts.ack(world.store, name, "nurse").alert == name


def test_a_store_of_an_older_sensord_has_no_receipts(world: World, tmp_path: Path) -> None:
    alert = world.alert(level=Level.URGENT)
    with closing(sqlite3.connect(world.store.path)) as db, db:
        for table in ("receipt", "notice", "fact"):
            db.execute(f"DROP TABLE {table}")
    with closing(Store.open(world.store.path, gateway="gw", readonly=True)) as old:
        assert store_receipts.receipts(old) == store_receipts.held(old, "x") == store_receipts.posted(old, "x", 0) == []
        assert store_receipts.last_summary_ns(old, "x") is None
        assert store_receipts.lasting(old, "x") == []
        assert [one.alert for one in store_receipts.unseen(old, NOON_NS)] == [alert]
        assert [row.trace for row in store_audit.audit_of(old, "anna")] == [Trace.FIRED]


# ------------------------------------------------------------------------------------------ the audit trail


def test_the_trail_of_a_runner_says_who_set_fired_told_and_saw(world: World) -> None:
    revision = Revision(Key("", 0), NOON_NS - 9000 * NS, "the plan", "ab" * 32, "Dr. Example", "first visit")
    store_facts.add_fact(world.store, "anna", revision)
    store_facts.add_fact(world.store, "berta", revision)
    alert = world.alert("pain", Level.URGENT, ago_s=60)
    world.begin(OTHER, runner="berta")
    world.alert("hers", Level.URGENT, run=OTHER)
    store_receipts.note(world.store, [told(alert, State.SENT)])
    store_receipts.ack(world.store, alert, "nurse", at_wall_ns=NOON_NS + NS)
    store_receipts.post(world.store, decision(), at_wall_ns=NOON_NS + 2 * NS)
    store_receipts.post(world.store, decision(name="plan/berta/x/1", runner="berta"))
    world.store.discard(RUN, "coach", "wrong runner", at_wall_ns=NOON_NS + 3 * NS)
    rows = store_audit.audit_of(world.store, "anna")
    assert [(row.trace, row.who, row.what, row.run) for row in rows] == [
        (Trace.SET, "Dr. Example", "plan abababababab", None),
        (Trace.FIRED, "sensord", "urgent onset: pain", RUN),
        (Trace.TOLD, "therapist", "onset sent", None),
        (Trace.ACKNOWLEDGED, "nurse", "acknowledged", None),
        (Trace.DECIDED, "sensord", "urgent: night_pain", None),
        (Trace.DONE, "coach", "discard", RUN),
    ]
    assert [row.detail for row in rows[:3]] == ["first visit", "Distance 101 m of 100 m (pain). 20 m remain.", "why"]
    assert {row.alert for row in rows[1:4]} == {alert}
    assert [row.at_wall_ns for row in rows] == sorted(row.at_wall_ns or 0 for row in rows)
    assert store_audit.audit_of(world.store, "nobody") == []


def test_what_has_no_time_stands_at_the_end(tmp_path: Path) -> None:
    with opened(tmp_path, anchor_ns=None) as world:
        world.alert("pain")
        store_receipts.post(world.store, decision(), at_wall_ns=NOON_NS)
        assert [(row.trace, row.at_wall_ns) for row in store_audit.audit_of(world.store, "anna")] == [
            (Trace.DECIDED, NOON_NS), (Trace.FIRED, None),
        ]  # fmt: skip
