"""Facts in the store: append-only, under keys of their gateway, the same on every gateway in the end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sensord.errors import DiskError, InputError, SensordError
from sensord.model import NS, Event, RunSetup, RunSummary, payload
from sensord.plan.facts import Approval, CheckIn, Fact, Key, Moment, RunFact, Verdict, union
from sensord.store import Store
from sensord.store_facts import (
    FactRow,
    add_fact,
    fact_cursor,
    fact_rows,
    facts,
    move_fact_cursor,
    refuse_fact,
    retract,
    run_facts,
    take_in,
)

BEGUN = 1_700_000_000 * NS
NOBODY = Key("", 0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store.open(tmp_path / "a.db", gateway="gw-a")) as opened:
        yield opened


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    with closing(Store.open(tmp_path / "b.db", gateway="gw-b")) as opened:
        yield opened


def check_in(pain: float, at_wall_ns: int = BEGUN) -> Fact:
    return CheckIn(NOBODY, at_wall_ns, Moment.AFTER, "r1", {"pain.after": pain})


def ended(store: Store, run: str, begun: int | None, runner: str = "anna", **more: object) -> None:
    store.begin_run(
        RunSetup(run, runner, "clinic", store.gateway, ()), file=f"{run}.run", boot_id="b", boottime_ns=5,
        begun_wall_ns=begun, algo="1",
    )  # fmt: skip
    summary = {
        **payload(
            RunSummary(
                runner, 10, 11, 21, 1234.5, True, 600.0, 60.0, 700.0, 168.0, 0.25, 0.26, -3.9, 9, 4.1, 4.2, 10, 11,
                0.0, 1, 4, 6, 0,
            )
        ),
        **more,
    }  # fmt: skip
    store.append(run, "1", [Event(0, 0, RunSummary.KIND, summary)])
    store.end_run(run, sha256=None)


def test_a_fact_gets_the_next_key_of_its_gateway(store: Store) -> None:
    first, second = add_fact(store, "anna", check_in(2.0)), add_fact(store, "anna", check_in(3.0))
    assert (first.key, second.key) == (Key("gw-a", 1), Key("gw-a", 2))
    assert facts(store, "anna") == (first, second)
    assert facts(store, "berta") == ()


def test_what_was_said_stands_in_the_audit(store: Store) -> None:
    add_fact(store, "anna", Approval(NOBODY, BEGUN, Verdict.HOLD, "Dr. P", "pain"), said_wall_ns=BEGUN + 5)
    with closing(sqlite3.connect(store.path)) as db:
        assert db.execute("SELECT at_wall_ns, who, action FROM audit").fetchall() == [(BEGUN + 5, "Dr. P", "approval")]


def test_facts_are_append_only(store: Store) -> None:
    add_fact(store, "anna", check_in(2.0))
    for statement in ("UPDATE fact SET kind = 'x'", "DELETE FROM fact"):
        rows = store.table()
        with pytest.raises((sqlite3.Error, DiskError, SensordError), match="append-only"), rows.writing():
            rows.db.execute(statement)


def test_two_gateways_hold_the_same_in_the_end(store: Store, other: Store) -> None:
    add_fact(store, "anna", check_in(2.0))
    add_fact(other, "anna", check_in(4.0, BEGUN + 1))
    add_fact(store, "berta", check_in(9.0))
    assert take_in(store, fact_rows(other)) == 1
    assert take_in(other, fact_rows(store)) == 2
    assert take_in(other, fact_rows(store)) == 0
    assert union(facts(store, "anna")) == union(facts(other, "anna"))
    assert len(facts(store, "anna")) == 2
    kept = add_fact(other, "anna", check_in(1.0))
    assert kept.key == Key("gw-b", 2)


def test_a_key_that_means_two_things_is_refused_whole(store: Store, other: Store) -> None:
    add_fact(store, "anna", check_in(2.0))
    clash = FactRow(9, "gw-a", 1, "anna", "checkin", BEGUN, BEGUN, {"moment": "after", "run": None, "answers": {}})
    new = FactRow(10, "gw-c", 1, "anna", "checkin", BEGUN, BEGUN, {"moment": "after", "run": None, "answers": {}})
    with pytest.raises(InputError, match="two different facts under gw-a/1"):
        take_in(store, [new, clash])
    assert len(fact_rows(store)) == 1


def test_a_fact_of_a_newer_version_is_named(store: Store) -> None:
    take_in(store, [FactRow(0, "gw-z", 7, "anna", "horoscope", BEGUN, BEGUN, {})])
    with pytest.raises(InputError, match="fact gw-z/7: horoscope"):
        facts(store, "anna")


def test_a_retraction_takes_a_fact_back(store: Store) -> None:
    kept = add_fact(store, "anna", check_in(2.0))
    retract(store, "anna", kept.key, who="anna", reason="typo", at_wall_ns=BEGUN + 1)
    assert [fact for fact in union(facts(store, "anna")) if isinstance(fact, CheckIn)] == []
    with pytest.raises(InputError, match="no such fact"):
        retract(store, "anna", Key("gw-a", 99), who="anna", reason="typo", at_wall_ns=BEGUN)


def test_runs_that_are_over_are_facts(store: Store) -> None:
    told = {"plan": "p", "revision": 2, "stage": "3"}
    ended(store, "r1", BEGUN, day=told, workout={"done_pct": 80.0, "reps_done": 4}, run_distance_m=1000.0)
    ended(store, "r2", None)
    ended(store, "r3", BEGUN + 5, runner="berta")
    ended(store, "r4", BEGUN + 9)
    store.discard("r4", "pt", "a test")
    one, two = run_facts(store, "anna")
    assert one == RunFact(
        Key("gw-a", 0, "r1"), BEGUN, BEGUN + 700 * NS, "r1", "pods", distance_m=1234.5, run_distance_m=1000.0,
        run_time_s=600.0, walk_time_s=60.0, steps=21, plan="p", revision=2, stage="3", done_pct=80.0, reps_done=4,
    )  # fmt: skip
    assert (two.run, two.clock_trusted, two.at_wall_ns, two.stage) == ("r2", False, BEGUN, None)


def test_the_impact_load_of_a_run_is_of_the_feet_that_have_one(store: Store) -> None:
    feet = {"left": {"n": 9, "load": 12.5, "load_exponent": 1.0}, "right": {"n": 9, "load": None, "load_exponent": 1.0}}
    ended(store, "r1", BEGUN, impact=feet)
    ended(store, "r2", BEGUN + 5, impact={"left": {"n": 9}})
    assert [run.impact_load for run in run_facts(store, "anna")] == [{"left": 12.5}, {}]


def test_a_run_without_strides_is_a_sensors(store: Store) -> None:
    ended(store, "r1", BEGUN, strides_left=0, strides_right=0)
    assert run_facts(store, "anna")[0].source == "sensor"


def test_sinks_have_cursors_of_their_own_and_never_go_back(store: Store) -> None:
    for pain in (1.0, 2.0, 3.0):
        add_fact(store, "anna", check_in(pain))
    assert fact_cursor(store, "influx.facts") == 0
    move_fact_cursor(store, "influx.facts", 2)
    move_fact_cursor(store, "influx.facts", 1)
    assert fact_cursor(store, "influx.facts") == 2
    assert [row.number for row in fact_rows(store, after=2, limit=10)] == [3]
    assert [row.number for row in fact_rows(store, after=0, limit=1)] == [1]
    refuse_fact(store, "influx.facts", 3, "not a point")
    with closing(sqlite3.connect(store.path)) as db:
        assert db.execute("SELECT who, action FROM audit WHERE action = 'refused'").fetchall() == [
            ("influx.facts", "refused")
        ]


def test_a_store_of_an_older_version_has_no_facts(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    Store.open(path, gateway="g").close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE fact")
    with closing(Store.open(path, gateway="reader", readonly=True)) as old:
        assert fact_rows(old) == []
