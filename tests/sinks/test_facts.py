"""Facts in the sinks: a point each in a real InfluxDB, decisions retained on MQTT, at least once behind a cursor."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from sensord.errors import Refused
from sensord.fact_log import FactLog, FactSink
from sensord.model import NS, Json, StoredEvent, payload
from sensord.plan.facts import (
    Approval,
    CheckIn,
    Exercised,
    HistoryKnown,
    Key,
    Moment,
    Noted,
    Revision,
    RunFact,
    Verdict,
)
from sensord.plan.facts import Tested as ItemTested
from sensord.plan.standing import Decision, Outcome
from sensord.sinks.base import drain
from sensord.sinks.facts import KINDS, fact_lines, fact_messages
from sensord.sinks.influx import InfluxSink
from sensord.sinks.messages import Topics
from sensord.store import Store
from sensord.store_facts import ASKED, Told, add_fact, fact_cursor, note_told, retract
from tests.sinks.schemas import check
from tests.sinks.servers import Influxd, InfluxProxy

AT = 1_700_000_000 * NS
NOBODY = Key("", 0)
TOPICS = Topics("clinic")


class Straight:
    """A journal that does at once what it is given."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def call(self, do: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(do(self._store))
        return done


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with contextlib.closing(Store.open(tmp_path / "a.db", gateway="gw-a")) as opened:
        yield opened


def fact(kind: str, payload: Json, seq: int = 1) -> StoredEvent:
    return StoredEvent(seq, "", seq, "2", 0, kind, payload, "anna", "clinic", AT)


CHECK_IN = fact("checkin", {"moment": "after", "run": "r1", "answers": {"pain.after": 2.0, "night_pain": False}})
DECISION = fact(
    "decision", {"outcome": "repeat", "stage": "2", "rules": ["sore-next-day"], "why": "sore", "to_stage": None}
)
REVISION = fact("revision", {"text": "schema = ...", "sha256": "ab", "who": "pt", "reason": "new"})


def test_a_check_in_is_a_point_with_a_field_for_each_answer() -> None:
    (line,) = fact_lines(CHECK_IN)
    head, fields, time = line.split(" ")
    assert head == "checkin,moment=after,runner=anna,site=clinic"
    assert set(fields.split(",")) == {'run="r1"', "night_pain=false", "pain.after=2"}
    assert int(time) == AT + 1


def test_a_decision_is_a_point_of_the_plan_without_what_is_not_known() -> None:
    (line,) = fact_lines(DECISION)
    assert line.startswith("plan,kind=decision,runner=anna,site=clinic ")
    assert 'rules="sore-next-day"' in line
    assert "to_stage" not in line


def test_a_plan_s_text_is_no_point() -> None:
    (line,) = fact_lines(REVISION)
    assert "schema" not in line
    assert 'sha256="ab"' in line
    assert "schema" not in fact_messages(REVISION, TOPICS)[0].payload.decode()


def test_numbers_are_floats_whoever_wrote_them() -> None:
    one, two = (fact_lines(fact("exercised", {"what": "bike", "minutes": value}))[0] for value in (30, 30.0))
    assert one == two


def test_what_is_told_elsewhere_or_has_no_time_gives_nothing() -> None:
    assert fact_lines(fact("stride", {})) == []
    assert fact_messages(fact("stride", {}), TOPICS) == []
    nowhen = StoredEvent(1, "", 1, "2", 0, "checkin", CHECK_IN.payload, "anna", "clinic", None)
    assert fact_lines(nowhen) == []
    assert "time" not in json.loads(fact_messages(nowhen, TOPICS)[0].payload)


def test_what_has_no_field_is_refused() -> None:
    with pytest.raises(Refused, match="nothing in it"):
        fact_lines(fact("tested", {"value": None}))


def test_only_the_newest_decision_stays_on_the_broker() -> None:
    (decision,), (check_in,) = fact_messages(DECISION, TOPICS), fact_messages(CHECK_IN, TOPICS)
    assert (decision.topic, decision.retain, decision.qos) == ("sensord/clinic/r/anna/plan/decision", True, 1)
    assert (check_in.topic, check_in.retain, check_in.qos) == ("sensord/clinic/r/anna/checkin", False, 1)
    assert json.loads(check_in.payload)["answers"] == {"pain.after": 2.0, "night_pain": False}
    assert json.loads(check_in.payload)["time"] == "2023-11-14T22:13:20.000Z"


def test_every_fact_fits_the_schema_of_its_topic(store: Store) -> None:
    facts = (
        CheckIn(NOBODY, AT, Moment.AFTER, "r1", {"pain.after": 2.0, "pain.where": "shin", "night_pain": False}),
        Approval(NOBODY, AT, Verdict.SET_STAGE, "pt", "strong", "2"),
        Revision(NOBODY, AT, "schema = ...", "ab", "pt", "new"),
        ItemTested(NOBODY, AT, "hop", "pt", 82.0, "left"),
        Exercised(NOBODY, AT, "squats", 3, 10),
        HistoryKnown(NOBODY, AT, "pt"),
        RunFact(NOBODY, AT, AT, "m1", "manual", distance_m=5000.0),
    )
    kept = [add_fact(store, "anna", one) for one in facts]
    retract(store, "anna", kept[0].key, who="anna", reason="typo", at_wall_ns=AT)
    decided = Decision(AT, Outcome.HOLD, "r1", "2", "2", ("night",), "why", alert="urgent")
    note_told(store, "anna", "decision", [Told(AT, payload(decided))], told_wall_ns=AT)
    asked = {"run": "r1", "moment": "after", "since_wall_ns": AT}
    note_told(store, "anna", ASKED, [Told(AT, asked)], told_wall_ns=AT)
    log = FactLog(store, Straight(store), "clinic")  # type: ignore[arg-type]
    sent = [message for event in asyncio.run(log.read_after(0, 100)) for message in fact_messages(event, TOPICS)]
    assert len(sent) == len(facts) + 3
    for message in sent:
        check(message.topic, message.payload)


def test_what_the_clinic_wrote_is_not_sent_about() -> None:
    assert "noted" in KINDS
    assert fact_messages(fact("noted", {"what": "visit", "text": "t", "who": "pt"}), TOPICS) == []
    assert fact_lines(fact("noted", {"what": "visit", "text": "t", "who": "pt"}))[0].startswith("note,code=visit")


@pytest.mark.servers
async def test_facts_reach_a_real_server_once_behind_a_cursor(influxd: Influxd, database: str, store: Store) -> None:
    for pain in (1.0, 2.0, 3.0):
        add_fact(store, "anna", CheckIn(NOBODY, AT, Moment.AFTER, None, {"pain.after": pain}))
    add_fact(store, "anna", Approval(NOBODY, AT, Verdict.HOLD, "pt", 'swollen, "again"'))
    add_fact(store, "anna", Noted(NOBODY, AT, "visit", "a line", "pt"))
    add_fact(store, "anna", RunFact(NOBODY, AT, AT, "m1", "manual", distance_m=5000.0))
    log = FactLog(store, Straight(store), "clinic")  # type: ignore[arg-type]
    async with InfluxProxy(influxd) as proxy, InfluxSink(proxy.url, org="o", bucket=database) as sink:
        facts = FactSink(sink)
        assert await drain(facts, log, 5.0)
        assert fact_cursor(store, "influx.facts") == 6
        assert await drain(facts, log, 5.0)
    rows = {name: influxd.query(f'SELECT * FROM "{name}"', database) for name in ("checkin", "plan", "note")}
    assert sorted(row["pain.after"] for row in rows["checkin"]) == [1.0, 2.0, 3.0]
    assert {row["kind"] for row in rows["plan"]} == {"approval", "mileage"}
    assert [row["reason"] for row in rows["plan"] if row["kind"] == "approval"] == ['swollen, "again"']
    assert [row["text"] for row in rows["note"]] == ["a line"]


async def test_a_refused_fact_is_noted_and_does_not_hold_the_next(store: Store) -> None:
    add_fact(store, "anna", CheckIn(NOBODY, AT, Moment.AFTER, None, {"pain.after": 1.0}))
    add_fact(store, "anna", CheckIn(NOBODY, AT, Moment.AFTER, None, {"pain.after": 2.0}))
    taken: list[float] = []

    class Choosy:
        name = "choosy"
        back = asyncio.Event()

        async def send(self, batch: Any) -> None:
            for event in batch:
                if event.payload["answers"]["pain.after"] == 1.0:
                    raise Refused("not that one")
                taken.append(event.payload["answers"]["pain.after"])

    assert await drain(FactSink(Choosy()), FactLog(store, Straight(store), "clinic"), 5.0)  # type: ignore[arg-type]
    assert taken == [2.0]
    assert fact_cursor(store, "choosy.facts") == 2
