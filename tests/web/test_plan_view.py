"""What the page of the plan says, from a store: the answer of today, what is asked, the checklist, figures, notes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from sensord import host
from sensord.current_run import CurrentRun, Listener
from sensord.drivers.base import PodInfo
from sensord.journal import Journal
from sensord.model import NS, Mark, MarkKind, payload
from sensord.plan.facts import (
    Approval,
    CheckIn,
    Exercised,
    Fact,
    HistoryKnown,
    Key,
    Moment,
    Noted,
    RunFact,
    Verdict,
)
from sensord.plan.facts import Tested as Result
from sensord.plan.model import read_plan
from sensord.plan_keeper import PlanKeeper, take_plan_file
from sensord.store import Store
from sensord.store_facts import add_fact
from sensord.web.live import LiveView
from sensord.web.live_workout import WorkoutView
from sensord.web.plan_view import item_words, short
from sensord.web.server import SECURITY_HEADERS, Page
from tests.web.planned import TEXT, Straight
from tests.web.scripted import SETUP, StoredRuns, some_runs

NOW = 1_790_000_000 * NS  # Mon 21 Sep 2026 16:13 in Berlin
HOUR = 3600 * NS
KEY = Key("", 0)


class Desk:
    """A plan on file since yesterday, and whatever else is said of it."""

    def __init__(self, store: Store, text: str = TEXT) -> None:
        self.store = store
        take_plan_file(store, "R-0042", text, now_wall_ns=NOW - 24 * HOUR)
        self.keeper = PlanKeeper("R-0042", text, store=store, journal=Straight(store), wall_ns=lambda: NOW)  # type: ignore[arg-type]

    def add(self, *facts: Fact) -> None:
        for fact in facts:
            add_fact(self.store, "R-0042", fact)

    @property
    def picture(self) -> Any:
        return json.loads(json.dumps(self.keeper.picture()))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with contextlib.closing(Store.open(tmp_path / "a.db", gateway="gw")) as store:
        yield Desk(store)


def a_run(name: str = "R1", ago_h: float = 3.0, **changes: Any) -> RunFact:
    begin = NOW - round(ago_h * HOUR)
    told = {"distance_m": 3000.0, "stage": "1", "plan": "p", "revision": 1, **changes}
    return RunFact(KEY, begin, begin + HOUR // 2, name, "manual", **told)  # type: ignore[arg-type]


def test_today_is_answered_with_reasons_and_the_workout_as_blocks(desk: Desk) -> None:
    p = desk.picture
    assert p["standing"]["today"]["may_run"] is True
    assert p["blocks"] == [["walk", 240.0], ["run", 120.0], ["walk", 240.0], ["run", 120.0]]
    assert p["checks"] == {"made": 0, "of": 2}
    assert p["next_run"] == "now"
    assert p["unseen"] == []
    assert p["ends"] is None
    desk.add(a_run())
    p = desk.picture
    assert p["standing"]["today"]["may_run"] is False
    assert p["next_run"] == "Tue 22 Sep 13:43"
    assert [(due["words"], due["about"]) for due in p["due"]] == [
        ("After the run", "the run of Mon 21 Sep 13:13, 3.0 km, 30 min")
    ]


def test_what_ends_a_run_is_loud_until_it_is_decided_or_old(desk: Desk) -> None:
    desk.add(CheckIn(KEY, NOW - HOUR, Moment.DAILY, None, {"pain.during": 4.0}))
    ends = desk.picture["ends"]
    assert (ends["level"], ends["rules"]) == ("urgent", ["pain-in-run"])
    desk.add(Approval(KEY, NOW - 60 * NS, Verdict.RELEASE, "PT", "bruise"))
    assert desk.picture["ends"] is None


def test_what_is_half_a_day_old_is_not_loud_any_more(desk: Desk) -> None:
    desk.add(CheckIn(KEY, NOW - 13 * HOUR, Moment.DAILY, None, {"pain.during": 4.0}))
    assert desk.picture["ends"] is None
    assert desk.picture["standing"]["hold"]


def test_the_unseen_names_the_contact_and_who_was_told(desk: Desk) -> None:
    desk.add(CheckIn(KEY, NOW - HOUR, Moment.DAILY, None, {"pain.during": 4.0}))
    asyncio.run(desk.keeper.look())
    (one,) = desk.picture["unseen"]
    assert one["words"] == "Nobody at the clinic has seen this. Call 030 123."
    assert one["told"] == []
    told = short(desk.picture)
    assert told is not None
    assert (told["answer"], told["unseen"]) == ("no", [one])
    assert short(None) is None


def test_late_answers_have_the_runs_of_the_last_days_to_be_about(desk: Desk) -> None:
    desk.add(
        *(a_run(f"R{n}", 30.0 * n) for n in range(1, 6)),
        a_run("unset", 200.0, clock_trusted=False),
        CheckIn(KEY, NOW - HOUR, Moment.AFTER, "R1", {"pain.during": 1.0}),
    )
    recent = desk.picture["recent"]
    assert [run["run"] for run in recent] == ["R1", "R2", "R3", "R4"]
    assert recent[0]["answers"] == {"pain.during": 1.0}
    assert recent[0]["moments"][0]["fields"] == ["pain.during", "gait_altered", "symptom.groin_pain"]
    assert desk.picture["questions"]["symptom.groin_pain"]["text"] == "Any groin pain?"
    assert "symptom.groin_pain" in desk.picture["telling"]["run"]


def test_a_run_without_a_clock_has_no_time(desk: Desk) -> None:
    desk.add(a_run("unset", clock_trusted=False))
    assert desk.picture["recent"][0]["words"] == "a run at a time that is not known, 3.0 km, 30 min"


def test_the_ladder_has_one_place_where_she_is(desk: Desk) -> None:
    desk.add(Approval(KEY, NOW - HOUR, Verdict.SET_STAGE, "PT", "strong", "2"))
    ladder = desk.picture["ladder"]
    assert [(row["id"], row["here"], row["today"], row["past"]) for row in ladder] == [
        ("1", False, False, True), ("2", True, True, False), ("2", True, False, False),
    ]  # fmt: skip
    assert [d["outcome"] for d in desk.picture["decisions"]][-1] == "enter"
    assert desk.picture["decisions"][-1]["by"] == "PT"


@pytest.mark.parametrize(
    ("item", "words", "entry"),
    [
        ("site", "low-risk site confirmed", {"tick": True}),
        ("hop", "hops, each side: 10 repetitions, pain at most 0",
         {"unit": "repetitions", "per": 1.0, "side": True, "pain": True, "gait": False}),
        ("walk", "walk 30 min, pain at most 0, no limp",
         {"unit": "min", "per": 60.0, "side": False, "pain": True, "gait": True}),
        ("hold", "plank: 45 s", {"unit": "s", "per": 1.0, "side": False, "pain": False, "gait": False}),
        ("lsi", "leg press: injured side at least 90 % of the other",
         {"unit": "", "per": 1.0, "side": True, "pain": False, "gait": False}),
        ("nrs", "pain on stairs: pain below 2", {"unit": "", "per": 1.0, "side": False, "pain": False, "gait": False}),
        ("grade", "effusion: at most zero", {"scale": ["zero", "trace"]}),
        ("score", "IKDC: at least 70, at most 100",
         {"unit": "", "per": 1.0, "side": False, "pain": False, "gait": False}),
        ("weeks", "6 weeks since injury", None),
        ("daily", "10 days in a row without pain in daily life", None),
    ],
)  # fmt: skip
def test_each_kind_of_the_checklist_has_words_and_fields(desk: Desk, item: str, words: str, entry: Any) -> None:
    row = next(row for row in desk.picture["readiness"] if row["id"] == item)
    assert (row["words"], row["entry"]) == (words, entry)
    assert row["state"] == ("passed" if item == "weeks" else "unanswered")


def test_an_item_is_called_by_its_own_text(desk: Desk) -> None:
    plan = read_plan(TEXT.replace('what = "hops"', 'what = "hops", text = "hop on one leg"'), "plan")
    assert plan.readiness is not None
    assert item_words(plan.readiness.item[1]) == "hop on one leg, each side: 10 repetitions, pain at most 0"


def test_the_test_that_says_where_to_begin_is_entered_in_its_own_unit(tmp_path: Path) -> None:
    text = (
        TEXT
        + """
[placement]
test = "run without pain"
stop_when = "pain begins"
map = [{below = "5min", stage = "1"}, {stage = "2"}]
"""
    )
    with contextlib.closing(Store.open(tmp_path / "p.db", gateway="gw")) as store:
        desk = Desk(store, text)
        desk.add(Result(KEY, NOW - HOUR, "placement", "PT", value=240.0))
        row = desk.picture["readiness"][0]
    assert (row["words"], row["state"]) == ("Where to begin: run without pain, until pain begins", "passed")
    assert row["entry"]["unit"] == "min"
    assert row["found"] == ["4 min (PT, Mon 21 Sep 15:13)"]


def test_results_are_told_with_who_and_when(desk: Desk) -> None:
    desk.add(
        Result(KEY, NOW - HOUR, "site", "Dr L", passed=False),
        Result(KEY, NOW - HOUR, "walk", "PT", value=1800.0, pain=0.0, gait="normal"),
        Result(KEY, NOW - HOUR, "hop", "PT", value=12.0, side="left", pain=1.0),
        Result(KEY, NOW - HOUR, "grade", "PT", value="trace"),
        Approval(KEY, NOW - HOUR, Verdict.READY, "PT", "seen"),
    )
    rows = {row["id"]: row for row in desk.picture["readiness"]}
    at = "Mon 21 Sep 15:13"
    assert rows["site"]["found"] == [f"not confirmed (Dr L, {at})"]
    assert rows["walk"]["found"] == [f"30 min pain 0 gait normal (PT, {at})"]
    assert rows["hop"]["found"] == [f"left 12 repetitions pain 1 (PT, {at})"]
    assert rows["grade"]["found"] == [f"trace (PT, {at})"]
    assert rows["site"]["decided"] == f"PT, {at}: seen"
    assert (rows["walk"]["state"], rows["site"]["state"]) == ("passed", "failed")


def test_figures_are_told_or_why_not(desk: Desk) -> None:
    assert {row["value"] for row in desk.picture["figures"]} == {None}
    assert {row["why"] for row in desk.picture["figures"]} == {"nobody has said from when on all runs are on file"}
    desk.add(
        HistoryKnown(KEY, NOW - 40 * 24 * HOUR, "PT"),
        *(a_run(f"R{n}", 24.0 * n, distance_m=1000.0 * (1 + n % 3)) for n in range(1, 30)),
    )
    shown = {row["name"]: row["value"] for row in desk.picture["figures"]}
    assert shown["Last 7 days"] == "14.0 km"
    assert shown["Week against the one before"] == "93 %"
    assert str(shown["Strain, week × monotony"]).endswith(" km")
    assert 0.5 < float(shown["ACWR, 7 of 28 days"]) < 1.5
    assert desk.picture["known_since"] == "Wed 12 Aug 16:13"
    assert desk.picture["weeks"][0]["runs"] == "6 of 3"


def test_exercises_say_what_was_logged_and_the_clinic_what_it_found(desk: Desk) -> None:
    desk.add(
        Exercised(KEY, NOW - HOUR, "calf", sets=3, reps=10, pain=2.0),
        Noted(KEY, NOW - HOUR, "visit", "looks well", "PT"),
    )
    (calf,) = desk.picture["exercises"]
    assert (calf["done"], calf["logged"]) == (True, "3 sets, 10 repetitions, pain 2")
    assert [note["text"] for note in desk.picture["notes"]] == ["looks well", "ankle"]
    found = desk.picture["evaluation"]
    assert found["lsi"] == [{"what": "press", "pct": "80 %", "when": "Thu 1 Jan"}]


# ------------------------------------------------------------------------------------------------ the live page


def test_a_workout_that_cannot_be_read_is_not_drawn() -> None:
    assert WorkoutView(None).picture() is None
    unread = replace(SETUP, day={"workout": "dance 5min", "repeats": None})
    assert WorkoutView(unread).picture() is None


def test_the_plan_outlives_the_run() -> None:
    live = LiveView()
    live.plan({"answer": "yes"})
    live.begin(SETUP)
    live.clear()
    assert live.snapshot()["plan"] == {"answer": "yes"}
    assert live.snapshot()["workout"] is None


# ------------------------------------------------------------------------------------------------ the API


@pytest.fixture
async def api(desk: Desk) -> AsyncIterator[tuple[str, ClientSession]]:
    stored = StoredRuns(some_runs())
    page = Page(LiveView(), commands=stored, runs=stored, plan=desk.keeper)
    url = (await page.start()).rstrip("/")
    async with ClientSession() as session:
        yield url, session
    await page.stop()


async def test_the_page_of_the_plan_has_the_same_guards(api: tuple[str, ClientSession]) -> None:
    url, session = api
    async with session.get(f"{url}/plan?read") as answer:
        text = await answer.text()
        assert answer.status == 200
        assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "style=" not in text
    assert '<script type="module" src="/static/plan.js"></script>' in text


async def test_with_a_token_the_plan_wants_a_session_too(desk: Desk) -> None:
    stored = StoredRuns(some_runs())
    page = Page(LiveView(), commands=stored, runs=stored, plan=desk.keeper, token="t" * 40)
    url = (await page.start()).partition("/?")[0]
    async with ClientSession() as session, session.get(f"{url}/plan") as answer:
        assert answer.status == 401
        assert answer.content_type == "text/html"
    await page.stop()


async def test_what_is_said_without_a_time_is_of_now_and_a_refusal_is_one_line(
    desk: Desk, api: tuple[str, ClientSession]
) -> None:
    url, session = api
    before = time.time_ns()
    said = {"kind": "checkin", "payload": '{"moment": "daily", "run": null, "answers": {"night_pain": false}}'}
    async with session.post(f"{url}/api/fact", headers={"Origin": url}, json=said) as answer:
        assert answer.status == 200
    (kept,) = desk.store.table().db.execute("SELECT at_wall_ns FROM fact WHERE kind = 'checkin'")
    assert before <= kept[0] <= time.time_ns()
    bad = {**said, "payload": '{"moment": "daily", "run": null, "answers": {"pain.daily": 11}}'}
    async with session.post(f"{url}/api/fact", headers={"Origin": url}, json=bad) as answer:
        assert answer.status == 409
        assert (await answer.json())["error"] == "check-in: pain.daily: found 11, expected 0 to 10"


# ------------------------------------------------------------------------------------------------ the cue does not wait


def test_the_page_hears_of_an_event_while_the_journal_still_waits_for_the_disk(tmp_path: Path) -> None:
    """The store is blocked from before the first event until the page has shown it."""
    writer = Store.open(tmp_path / "a.db", gateway="gw")
    gate = threading.Event()
    stored: list[Any] = []
    live = LiveView()
    (tmp_path / "runs").mkdir()

    def heard(_run: str, events: Any) -> None:
        for event in events:
            live.apply(event)

    with contextlib.closing(Store.open(tmp_path / "a.db", gateway="gw", readonly=True)) as reader:
        journal = Journal(writer, on_stored=stored.extend)
        try:
            journal.call(lambda _store: gate.wait(20.0))
            current = CurrentRun(
                folder=tmp_path / "runs",
                store=reader,
                journal=journal,
                clock_trusted=lambda: True,
                setup=lambda run: replace(SETUP, run=run, pods=PODS),
                listener=Listener(heard, live.begin, lambda _run, _summary: None),
            )
            pod = PODS[0].pod
            current.push(Mark(host.boottime_ns(), MarkKind.LINK_UP, {"pod": pod, "info": INFO}))
            assert live.snapshot()["run"]["state"] == "ready"
            assert not stored
            assert not gate.is_set()
            gate.set()
            journal.sync().result(10.0)
            assert stored
        finally:
            gate.set()
            journal.close()


PODS = tuple(replace(pod, driver="open-pod") for pod in SETUP.pods)
INFO = payload(PodInfo("open-pod", "Open Pod", "1", "1", 200.0, 32.0, 2000.0, "us64"))
