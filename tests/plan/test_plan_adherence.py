"""How much of what the plan asks for was done."""

from __future__ import annotations

from datetime import date

from sensord.plan.adherence import Share, adherence
from sensord.plan.facts import Key, RunFact
from sensord.plan.model import Plan, read_plan
from tests.plan.made_facts import BERLIN, CLEAN_B, HEAD, B, Log, at

EXERCISES = """
[[exercise]]
id = "calf"
name = "heel raises"
days = ["mon", "wed", "fri"]
[[exercise]]
id = "hop"
name = "hops"
days = ["tue"]
from_stage = "2"
"""


def plan(body: str = B + EXERCISES) -> Plan:
    return read_plan(HEAD.format(id="test", decides="auto") + body, "plan")


def test_runs_exercises_and_answers_are_counted_by_week() -> None:
    log = Log()
    log.run("03-03 18:00", "R", stage="1")
    log.say("03-03 19:00", "R", CLEAN_B)
    log.run("03-10 18:00", "S", minutes=20)
    log.say("03-10 18:30", "S", {"pain.during": 0.0, "rpe": 3.0})
    log.add(RunFact(Key("h", 0, "S"), at("03-10 18:00"), at("03-10 18:20"), "S", "import"))  # told twice
    for day in ("02", "04", "09", "09", "11", "13"):
        log.exercised(f"03-{day} 08:00", "calf")
    log.exercised("03-10 08:00", "bike", minutes=30.0)
    found = adherence(plan(), log.facts, at("03-15 20:00"), BERLIN, stage="1", weeks=2)
    first, second = found.weeks
    assert (first.first, first.last) == (date(2026, 3, 2), date(2026, 3, 8))
    assert (second.first, second.last) == (date(2026, 3, 9), date(2026, 3, 15))
    assert (first.runs, first.run_minutes, second.run_minutes) == (Share(1, 4), 30.0, 20.0)
    assert (first.exercises, second.exercises) == (Share(2, 3), Share(3, 3))  # twice on a Monday is once
    assert (first.answers, second.answers) == (Share(4, 5), Share(1, 5))  # night_pain was left out
    assert first.answers.pct == 80.0
    assert found.exercises == {"calf": Share(6, 6)}


def test_what_begins_later_is_asked_for_later() -> None:
    found = adherence(plan(), [], at("03-15 20:00"), BERLIN, stage="2")
    assert len(found.weeks) == 4
    assert found.exercises == {"calf": Share(0, 12), "hop": Share(0, 4)}
    assert set(adherence(plan(), [], at("03-15 20:00"), BERLIN).exercises) == {"calf"}


def test_what_nobody_asked_for_has_no_share() -> None:
    log = Log()
    log.run("03-14 18:00", "R", minutes=0.0)
    log.run("03-20 18:00", "later")
    body = '[[stage]]\nid = "1"\nsession = [{do = "run 5min"}]\n[[ask]]\nwhen = "daily"\nfields = ["pain.daily"]\n'
    (week,) = adherence(plan(body), log.facts, at("03-15 20:00"), BERLIN, weeks=1).weeks
    assert (week.runs.done, week.runs.pct) == (1, None)
    assert (week.exercises.pct, week.answers.pct) == (None, None)
    assert week.run_minutes is None
