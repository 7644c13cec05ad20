"""The plan beside a daemon: revisions from files, what people say, decisions told once."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from sensord.errors import InputError
from sensord.model import NS, Level
from sensord.plan.facts import Approval, CheckIn, Key, Moment, Revision, Verdict, fact_payload
from sensord.plan.model import read_plan
from sensord.plan_book import counting
from sensord.plan_keeper import UNTRUSTED, PlanKeeper, take_plan_file, tell
from sensord.store import Store
from sensord.store_facts import add_fact, fact_rows, facts
from sensord.store_receipts import posted, unseen

NOW = 1_790_000_000 * NS
NOBODY = Key("", 0)

TEXT = """
schema = "rtr-plan/1"
id = "p"
title = "t"
[runner]
alias = "anna"
timezone = "Europe/Berlin"
[[stage]]
id = "1"
session = [{do = "5x(walk 4min, run 1min)"}]
[[stage]]
id = "2"
session = [{do = "5x(walk 3min, run 2min)"}]
[[rule]]
id = "night"
when = ["night_pain == true"]
then = {hold = "therapist", alert = "urgent"}
[[ask]]
when = "daily"
fields = ["night_pain"]
[[exercise]]
id = "squats"
name = "Squats"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
"""
OTHER = TEXT.replace('id = "p"', 'id = "q"')


class Straight:
    """A journal that does at once what it is given."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def call(self, do: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(do(self._store))
        except InputError as error:
            done.set_exception(error)
        return done


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with contextlib.closing(Store.open(tmp_path / "a.db", gateway="gw-a")) as opened:
        yield opened


def keeper(store: Store, text: str | None = TEXT, changed: Any = lambda: None) -> PlanKeeper:
    return PlanKeeper("anna", text, store=store, journal=Straight(store), changed=changed, wall_ns=lambda: NOW)  # type: ignore[arg-type]


def revisions(store: Store) -> list[str]:
    return [fact.text for fact in facts(store, "anna") if isinstance(fact, Revision)]


def test_a_plan_file_becomes_a_revision_once(store: Store) -> None:
    for _ in range(2):
        assert take_plan_file(store, "anna", TEXT, now_wall_ns=NOW) == TEXT
    assert revisions(store) == [TEXT]
    assert take_plan_file(store, "anna", OTHER, now_wall_ns=NOW + 1) == OTHER
    assert revisions(store) == [TEXT, OTHER]


def test_an_old_file_does_not_take_the_place_of_a_newer_revision(store: Store) -> None:
    take_plan_file(store, "anna", TEXT, now_wall_ns=NOW)
    add_fact(store, "anna", Revision(NOBODY, NOW + 1, OTHER, "x", "pt", "changed"))
    assert take_plan_file(store, "anna", TEXT, now_wall_ns=NOW + 2) == OTHER
    assert revisions(store) == [TEXT, OTHER]


def test_a_revision_of_a_newer_version_leaves_the_one_before(store: Store) -> None:
    take_plan_file(store, "anna", TEXT, now_wall_ns=NOW - 2)
    add_fact(store, "anna", Revision(NOBODY, NOW - 1, 'schema = "rtr-plan/9"', "x", "pt", "of a newer sensord"))
    assert take_plan_file(store, "anna", TEXT, now_wall_ns=NOW) == TEXT
    one = keeper(store)
    assert one.plan is not None
    standing = one.standing()
    assert standing is not None
    assert standing.hold is not None


def test_what_is_imported_goes_by_the_plan_that_counts(store: Store) -> None:
    named = read_plan(TEXT, "plan.toml")
    assert counting(store, "anna", named, TEXT) == (named, TEXT)
    take_plan_file(store, "anna", TEXT, now_wall_ns=NOW)
    add_fact(store, "anna", Revision(NOBODY, NOW + 1, OTHER, "x", "pt", "changed"))
    plan, text = counting(store, "anna", named, TEXT)
    assert plan is not None
    assert (plan.id, text) == ("q", OTHER)
    edited = TEXT + "\n"
    assert counting(store, "anna", named, edited) == (named, edited)


def test_without_a_file_what_is_on_file_counts(store: Store) -> None:
    assert take_plan_file(store, "anna", None, now_wall_ns=NOW) is None
    take_plan_file(store, "anna", TEXT, now_wall_ns=NOW)
    assert take_plan_file(store, "anna", None, now_wall_ns=NOW) == TEXT


async def test_a_check_in_is_kept_and_what_it_leads_to_is_told_once(store: Store) -> None:
    take_plan_file(store, "anna", TEXT, now_wall_ns=NOW - 86_400 * NS)
    heard: list[int] = []
    one = keeper(store, changed=lambda: heard.append(1))
    assert await one.check_in({"answers": {"night_pain": True}}) == {"gateway": "gw-a", "number": 2}
    standing = one.standing()
    assert standing is not None
    assert standing.hold is not None
    told = [row for row in fact_rows(store) if row.kind == "decision"]
    assert [row.payload["outcome"] for row in told][-1] == "hold"
    assert heard == [1]
    assert await one.look() == []
    assert tell(store, "anna", one.plan, now_wall_ns=NOW) == []
    assert [row for row in fact_rows(store) if row.kind == "decision"] == told
    assert [waiting.text for waiting in unseen(store, NOW)] == [told[-1].payload["why"]]


async def test_a_fact_of_the_api_is_kept(store: Store) -> None:
    take_plan_file(store, "anna", TEXT, now_wall_ns=NOW - 1)
    fact = Approval(NOBODY, NOW, Verdict.SET_STAGE, "pt", "strong enough", "2")
    said = {"kind": "approval", "runner": "anna", "at_wall_ns": str(NOW), "payload": json.dumps(fact_payload(fact))}
    one = keeper(store)
    await one.say(said)
    standing = one.standing()
    assert standing is not None
    assert standing.stage == "2"
    day = one.day(clock_trusted=True)
    assert day is not None
    assert (day["stage"], day["workout"]) == ("2", "5x(walk 3min, run 2min)")
    untrusted = one.day(clock_trusted=False)
    assert untrusted == {**day, **UNTRUSTED}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "expected kind, runner"),
        ({"kind": "gossip", "runner": "anna", "at_wall_ns": "1", "payload": "{}"}, "unknown kind of fact"),
        ({"kind": "checkin", "runner": "anna", "at_wall_ns": "x", "payload": "{}"}, "expected kind, runner"),
        ({"kind": "checkin", "runner": "anna", "at_wall_ns": "1", "payload": "[]"}, "request"),
        ({"kind": "checkin", "runner": "anna", "at_wall_ns": "1", "payload": "no"}, "expected kind, runner"),
    ],
)
async def test_what_is_no_fact_is_refused_in_one_line(store: Store, said: dict[str, str], words: str) -> None:
    with pytest.raises(InputError) as refused:
        await keeper(store).say(said)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert fact_rows(store) == []


async def test_another_runner_s_facts_are_not_taken(store: Store) -> None:
    fact = CheckIn(NOBODY, NOW, Moment.DAILY, None, {"night_pain": False})
    with pytest.raises(InputError, match="berta, expected anna"):
        await keeper(store).keep("berta", fact)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "answers"),
        ({"answers": []}, "answers"),
        ({"answers": {"pain.after": 11}}, "pain.after"),
        ({"answers": {"pain.after": 1}, "run": 7}, "run"),
        ({"answers": {"pain.after": 1}, "run": "r9"}, "r9"),
        ({"answers": {"pain.after": 1}, "moment": "noon"}, "moment"),
    ],
)
async def test_what_is_no_check_in_is_refused(store: Store, said: dict[str, Any], words: str) -> None:
    take_plan_file(store, "anna", TEXT, now_wall_ns=NOW - 1)
    with pytest.raises(InputError, match=words):
        await keeper(store).check_in(said)


async def test_a_new_revision_counts_at_once(store: Store) -> None:
    take_plan_file(store, "anna", TEXT, now_wall_ns=NOW - 1)
    one = keeper(store)
    await one.keep("anna", Revision(NOBODY, NOW, OTHER, "x", "pt", "changed"))
    assert one.plan is not None
    assert (one.plan.id, one.text) == ("q", OTHER)
    with pytest.raises(InputError, match="schema"):
        await one.keep("anna", Revision(NOBODY, NOW, "nonsense = 1", "x", "pt", "changed"))
    assert one.plan.id == "q"


def test_what_is_asked_is_told_once_and_to_people(store: Store) -> None:
    take_plan_file(store, "anna", TEXT, now_wall_ns=NOW - 86_400 * NS)
    for later in (0, 60, 3600):
        tell(store, "anna", keeper(store).plan, now_wall_ns=NOW + later * NS)
    (asked,) = [row.payload for row in fact_rows(store) if row.kind == "asked"]
    assert (asked["run"], asked["moment"]) == (None, "daily")
    (notice,) = posted(store, "anyone", 0)
    assert (notice.level, notice.cue, notice.rule) == (Level.INFO, "Check in", "checkin")
    tell(store, "anna", keeper(store).plan, now_wall_ns=NOW + 86_400 * NS)
    assert len(posted(store, "anyone", 0)) == 2


def test_the_picture_has_the_words_beside_the_numbers(store: Store) -> None:
    assert keeper(store, None).picture() is None
    take_plan_file(store, "anna", TEXT, now_wall_ns=NOW - 1)
    picture = keeper(store).picture()
    json.dumps(picture)
    assert picture["standing"]["stage"] == "1"
    assert picture["questions"]["night_pain"]["kind"] == "yes_no"
    assert picture["questions"]["pain.daily"]["high"] == 10
    assert [one["id"] for one in picture["exercises"]] == ["squats"]
    assert [row["stage"] for row in picture["ladder"]] == ["1", "2"]


async def test_looks_at_the_same_time_tell_once(store: Store) -> None:
    take_plan_file(store, "anna", TEXT, now_wall_ns=NOW - 1)
    one = keeper(store)
    found = await asyncio.gather(one.look(), one.look())
    assert min(len(new) for new in found) == 0
