"""A dry run of a plan, day by day, over past and invented runs; history files; how much was done."""

from __future__ import annotations

import time
from datetime import UTC, date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.errors import InputError
from sensord.model import payload
from sensord.plan.days import midnight_ns
from sensord.plan.facts import CheckIn, Moment, RunFact, Verdict
from sensord.plan.following import follow
from sensord.plan.invented import Script, clean_answers
from sensord.plan.model import read_plan
from sensord.plan.questions import questions
from sensord.plan.simulate import DayRow, simulate
from sensord.plan.standing import Outcome
from tests.plan.made_facts import BERLIN, CLEAN_B, HEAD, A, B, Log, at

PLANS = Path(__file__).parents[2] / "config" / "plans"


def text(body: str, decides: str = "auto") -> str:
    return HEAD.format(id="test", decides=decides) + body


def decided(rows: list[DayRow]) -> list[tuple[int, str, str | None]]:
    return [
        (row.day, d.outcome.value, d.to_stage)
        for row in rows
        for d in row.decisions
        if d.outcome not in (Outcome.WAIT, Outcome.REPEAT)
    ]


# ------------------------------------------------------------------------------------------ invented courses


def test_a_course_without_trouble_climbs_the_ladder() -> None:
    rows = simulate(text(A), days=8)
    assert decided(rows) == [(1, "enter", "1"), (2, "advance", "2"), (4, "advance", "3")]
    assert [row.may_run for row in rows] == [True, False] * 4
    assert rows[0].cells()[:4] == ["1 Mon 2026-01-05", "1", "yes", "10x(walk 0.1mi, run 0.1mi)"]
    assert rows[0].happened[0].startswith("run 29 min, 3.2 km, 100 % done")
    assert rows[3].decisions[0].rules == ("advance",)
    assert rows[1].cells()[5:] == ["advance 2", "advance"]


def test_the_therapist_of_the_script_agrees_or_does_not() -> None:
    rows = simulate(text(A, "therapist"), days=6)
    assert decided(rows)[:3] == [(1, "enter", "1"), (2, "propose", "2"), (2, "advance", "2")]
    rows = simulate(text(A, "therapist"), days=6, script=Script(agrees=False))
    assert {stage for _, _, stage in decided(rows)} == {"1", "2"}
    assert rows[-1].stage == "1"


def test_runs_of_the_script_end_as_it_says() -> None:
    script = Script(
        runs={1: {"soreness.warmup": "persists"}, 2: {"soreness.next_day": None}},
        done_pct={3: 50.0},
    )
    rows = simulate(text(A), days=12, script=script)
    runs = [row for row in rows if row.happened and row.happened[0].startswith("run")]
    assert (runs[0].decisions[-1].outcome, runs[0].decisions[-1].rules) == (Outcome.LOWER, ("sore-warmup-persists",))
    assert [row.day for row in runs[:3]] == [1, 4, 6]  # two days of rest, then every other day
    assert rows[5].decisions[0].why == "not answered: soreness.next_day"
    assert runs[2].happened[0].endswith("50 % done")
    assert rows[6].decisions[0].why == "the workout was not completed"


def test_a_hold_lasts_until_the_therapist_of_the_script_ends_it() -> None:
    red = {4: {"gait_altered": True}}
    rows = simulate(text(A), days=12, script=Script(days=red))
    assert {row.hold for row in rows[3:]} == {"rule limp"}
    assert not any(row.may_run for row in rows[3:])
    rows = simulate(text(A), days=12, script=Script(days=red, releases_after=3))
    assert [row.hold for row in rows[3:8]] == ["rule limp"] * 3 + [None] * 2
    assert rows[6].may_run is True


def test_a_day_on_which_she_may_run_later_says_from_when() -> None:
    rows = simulate(text(A), days=30)
    late = [row for row in rows if row.from_time is not None]
    assert late
    assert all(row.cells()[2] == f"from {row.from_time}" for row in late)
    assert late[0].from_time is not None
    assert late[0].from_time > "22:00"


def test_a_rest_until_pain_is_gone_is_asked_about_and_ends() -> None:
    rows = simulate(text(B), days=6, script=Script(runs={1: {"pain.during": 2.0}}))
    assert decided(rows)[1] == (1, "lower", "1")
    assert any("pain.daily 0" in said for said in rows[1].happened)
    assert rows[2].may_run is True


def test_a_volume_without_a_goal_of_runs_is_run_in_parts() -> None:
    volume = """
[[stage]]
id = "v"
kind = "volume"
weekly = {start = "9km", growth_pct = [10], until = "30km"}
[schedule]
min_gap = "24h"
"""
    rows = simulate(text(volume), days=8)
    assert rows[0].happened == ("run 22 min, 3.3 km, 100 % done",)
    assert rows[0].workout == "no fixed workout: the week grows, towards 30km"
    longest = volume.replace('until = "30km"', 'until = "30km", longest = "2km"')
    assert simulate(text(longest), days=1)[0].happened == ("run 13 min, 2.0 km, 100 % done",)
    observed = volume.replace("9km", "observed")
    assert simulate(text(observed), days=1)[0].happened == ("run 27 min, 4.0 km, 100 % done",)


@pytest.mark.parametrize(
    ("do", "said"),
    [
        ("?x(walk 3min, run 1min)", "run 12 min, 1.3 km, 100 % done"),
        ("until 2mi (walk 2min, run 4min)", "run 21 min, 3.2 km, 100 % done"),
        ("for 20min (walk 0.1mi, run 0.1mi)", "run 20 min, 3.0 km, 100 % done"),
        ("rest 10min", "run 10 min, 1.5 km, 100 % done"),
    ],
)
def test_amounts_of_invented_runs(do: str, said: str) -> None:
    stage = f'[[stage]]\nid = "1"\nsession = [{{do = "{do}"}}]\n'
    assert simulate(text(stage), days=1)[0].happened == (said,)


def test_a_checklist_is_taken_as_passed_and_a_placement_begins_low() -> None:
    ready = '[readiness]\nitem = [{id = "t", kind = "clinician", text = "ok to run"}]\n'
    placed = '[placement]\ntest = "run"\nmap = [{below = "1km", stage = "2"}, {stage = "3"}]\n'
    assert simulate(text(ready + A), days=1)[0].stage == "1"
    assert simulate(text(placed + A), days=1)[0].stage == "2"


def test_a_plan_without_stages_has_nothing_to_climb() -> None:
    rows = simulate(text('[limit.distance]\nwarn = "5km"\n'), days=2)
    assert [(row.stage, row.may_run, row.happened) for row in rows] == [(None, True, ())] * 2


def test_clean_answers_are_such_as_let_her_go_on() -> None:
    body = B.replace('"pain.after == 0"', '"pain.after == 0", "rpe >= 2", "soreness <= 3", "done_pct >= 90"')
    body += '[[ask]]\nwhen = "after"\nfields = ["pain.where", "effusion", "symptom.numbness"]\n'
    plan = read_plan(text(body), "plan")
    said = clean_answers(plan, questions(plan, plan.advance))
    assert said["rpe"] == 2.0
    assert said["soreness"] == 0.0
    assert said["effusion"] == "zero"
    assert said["symptom.numbness"] is False
    assert "pain.where" not in said
    assert "done_pct" not in said
    assert decided(simulate(text(body), days=5))[-1] == (4, "advance", "2")


@settings(max_examples=10, deadline=None)
@given(
    st.dictionaries(st.integers(1, 6), st.fixed_dictionaries({"pain.during": st.sampled_from([0.0, 2.0, None])})),
    st.dictionaries(st.integers(1, 12), st.fixed_dictionaries({"night_pain": st.just(True)}), max_size=2),
)
def test_invented_days_come_out_the_same_twice_and_every_decision_names_its_rule(runs: dict, days: dict) -> None:
    script = Script(runs=runs, days=days, releases_after=2)
    rows = simulate(text(B), days=20, script=script)
    assert simulate(text(B), days=20, script=script) == rows
    assert all(decision.rules and decision.why for row in rows for decision in row.decisions)
    assert [row.day for row in rows] == list(range(1, 21))
    for day in days:
        assert (Outcome.HOLD, ("night-pain",)) in [(d.outcome, d.rules) for d in rows[day - 1].decisions]


@pytest.mark.parametrize("name", sorted(path.name for path in PLANS.glob("*.toml") if path.name != "protocols.toml"))
def test_every_plan_that_ships_is_tried_for_12_weeks_within_a_second(name: str) -> None:
    plan_text = (PLANS / name).read_text()
    begun_s = time.process_time()
    rows = simulate(plan_text, days=84)
    took_s = time.process_time() - begun_s
    assert len(rows) == 84
    assert took_s < 1.0
    plan = read_plan(plan_text, name)
    if len(plan.stage) > 1:
        assert any(d.outcome in (Outcome.ADVANCE, Outcome.PROPOSE) for row in rows for d in row.decisions)
    assert payload(rows[0])["day"] == 1


# ------------------------------------------------------------------------------------------ over a history


def a_week() -> Log:
    log = Log()
    log.plan("03-02 00:00", A)  # another plan: passed over
    for day in ("02", "04"):
        log.run(f"03-{day} 18:00", day, stage="7", plan="another", revision=3)
        log.say(f"03-{day} 18:45", day, {**CLEAN_B, "pain.next_morning": 1.0 if day == "04" else 0.0})
    log.exercised("03-03 08:00", "calf raises")
    log.tested("03-05 10:00", "x", 1.0)
    log.decided("03-06 10:00", Verdict.HOLD)
    return log


def test_a_history_is_gone_through_day_by_day() -> None:
    rows = simulate(text(B), a_week().facts, days=6, tz=BERLIN)
    assert [row.date for row in rows] == [f"{date(2026, 3, day):%a} 2026-03-0{day}" for day in range(2, 8)]
    assert decided(rows) == [(1, "enter", "1"), (3, "lower", "1"), (5, "hold", "1")]
    assert rows[0].happened == (
        "run 30 min, 3.0 km, 100 % done",
        "after: pain.during 0, pain.after 0, pain.next_morning 0, gait_altered no",
    )
    assert rows[1].happened == ("calf raises",)
    assert rows[3].happened == ("tested",)
    assert rows[4].happened == ("approval",)
    assert (rows[2].may_run, rows[2].from_time) == (False, "18:30")


def test_it_comes_to_what_following_comes_to() -> None:
    log = a_week()
    rows = simulate(text(B), log.facts, days=6, tz=BERLIN)
    followed = Log("p")
    followed.plan("03-02 00:00", B)
    kept = [f for f in log.facts[1:] if not isinstance(f, RunFact)]
    runs = [
        RunFact(f.key, f.at_wall_ns, f.end_wall_ns, f.run, f.source, done_pct=100.0, reps_done=6, distance_m=3000.0)
        for f in log.facts
        if isinstance(f, RunFact)
    ]
    standing = follow([*followed.facts, *kept, *runs], at("03-07 23:59"), BERLIN)
    assert standing is not None
    assert standing.decisions == tuple(d for row in rows for d in row.decisions)


def test_a_history_without_tests_or_decisions_does_not_stop_at_the_checklist() -> None:
    ready = '[readiness]\nitem = [{id = "t", kind = "clinician", text = "ok to run"}]\n'
    log = Log()
    log.run("03-02 18:00", "R")
    assert simulate(text(ready + A), log.facts, days=1, tz=BERLIN)[0].stage == "1"
    log.tested("03-03 10:00", "t", passed=True)
    rows = simulate(text(ready + A), log.facts, days=2, tz=BERLIN)
    assert [row.stage for row in rows] == [None, "1"]


def test_it_begins_where_one_says_and_what_was_before_is_known() -> None:
    rows = simulate(text(B), a_week().facts, days=2, begin=at("03-05 12:00"), tz=BERLIN)
    assert rows[0].date == "Thu 2026-03-05"
    assert rows[0].happened == ("tested",)
    assert rows[0].may_run is False  # the gap after the run of the day before


def test_a_script_goes_on_where_the_history_ends() -> None:
    log = Log()
    log.known("02-01 00:00")
    log.run("03-02 18:00", "R")
    log.say("03-02 18:45", "R", CLEAN_B)
    rows = simulate(text(B), log.facts, days=4, tz=BERLIN, script=Script())
    assert rows[2].happened[0] == "run 30 min, 3.1 km, 100 % done"
    assert decided(rows)[-1] == (4, "advance", "2")


def test_times_are_those_of_the_plan() -> None:
    zoned = text('timezone = "Asia/Tokyo"\n' + B)
    rows = simulate(zoned, days=1)
    assert rows[0].decisions[0].at_wall_ns == midnight_ns(date(2026, 1, 5), UTC) - 9 * 3600 * 10**9
    assert simulate(text(B), days=1)[0].decisions[0].at_wall_ns == midnight_ns(date(2026, 1, 5), UTC)


def test_a_plan_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(InputError):
        simulate("surprise = 1\n")


def test_a_plan_that_was_read_is_not_read_again() -> None:
    assert simulate(text(A), days=1, plan=read_plan(text(A), "x")) == simulate(text(A), days=1)


def test_words_for_what_was_not_measured() -> None:
    log = Log()
    log.run("03-02 18:00", "R", distance_m=None, done_pct=None)
    log.add(CheckIn(log.key(), at("03-02 19:00"), Moment.AFTER_60MIN, "R", {"pain.where": "shin"}))
    (row,) = simulate(text(B), log.facts, days=1, tz=BERLIN)
    assert row.happened == ("run 30 min", "after 60min: pain.where shin")
    assert row.workout is not None
