"""The readiness checklist: each kind of item, and when the ladder begins."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sensord.plan.facts import Revision, Verdict
from sensord.plan.following import follow
from sensord.plan.standing import Outcome, Standing
from tests.plan.made_facts import BERLIN, Log, at

STAGES = '[[stage]]\nid = "1"\nsession = [{do = "run 10min"}]\n[[stage]]\nid = "2"\nsession = [{do = "run 20min"}]\n'


def plan_with(*items: str, need: str = '"all"', more: str = "") -> str:
    listed = "\n".join(f'  {{id = "x{number}", {item}}},' for number, item in enumerate(items, start=1))
    return f"[readiness]\nneed = {need}\n{more}\nitem = [\n{listed}\n]\n{STAGES}"


def log_of(text: str) -> Log:
    log = Log()
    log.plan("03-01 08:00", text)
    return log


def stand(log: Log, when: str = "03-20 08:00") -> Standing:
    standing = follow(log.facts, at(when), BERLIN)
    assert standing is not None
    return standing


WALK = 'kind = "walk", min = "30min", max_pain = 0, gait = "normal"'
PLAIN_WALK = 'kind = "walk", min = "20min", max_pain = 1'
REPS = 'kind = "reps", what = "heel raise", min = 25, max_pain = 1'
EACH = 'kind = "reps", what = "hop", each_side = true, min = 10'
HELD = 'kind = "hold_time", what = "plank", min = "60s"'
LSI = 'kind = "lsi", what = "hop", min_pct = 90'
NRS = 'kind = "nrs", max = 2'
BELOW = 'kind = "nrs", max = 2, strictly_below = true'
GRADE = 'kind = "grade", scale = ["zero", "trace", "1+"], max = "trace"'
SCORE = 'kind = "score", what = "IKDC", min = 64, max = 100'
TICK = 'kind = "clinician", text = "no bony tenderness"'


@pytest.mark.parametrize(
    ("item", "results", "status"),
    [
        (WALK, [], "unanswered"),
        (WALK, [(1800.0, {"pain": 0.0, "gait": "normal"})], "passed"),
        (WALK, [(1800.0, {"pain": 0.0})], "unanswered"),
        (WALK, [(1800.0, {"pain": 0.0, "gait": "limping"})], "failed"),
        (WALK, [(1800.0, {"pain": 1.0})], "failed"),
        (WALK, [(1799.0, {"pain": 0.0, "gait": "normal"})], "failed"),
        (PLAIN_WALK, [(1200.0, {"pain": 1.0})], "passed"),
        (REPS, [(25.0, {"pain": 1.0})], "passed"),
        (REPS, [(25.0, {})], "unanswered"),
        (REPS, [(25, {"pain": 1.0})], "passed"),
        (REPS, [("many", {"pain": 1.0})], "unanswered"),
        (EACH, [(10.0, {"side": "left"})], "unanswered"),
        (EACH, [(10.0, {"side": "left"}), (12.0, {"side": "right"})], "passed"),
        (EACH, [(9.0, {"side": "left"})], "failed"),
        (EACH, [(9.0, {"side": "left"}), (12.0, {"side": "right"}), (10.0, {"side": "left"})], "passed"),
        (HELD, [(60.0, {})], "passed"),
        (LSI, [(90.0, {"side": "left"})], "unanswered"),
        (LSI, [(90.0, {"side": "left"}), (100.0, {"side": "right"})], "passed"),
        (LSI, [(100.0, {"side": "left"}), (90.0, {"side": "right"})], "passed"),
        (LSI, [(89.0, {"side": "left"}), (100.0, {"side": "right"})], "failed"),
        (LSI, [(89.0, {"side": "left"}), (0.0, {"side": "right"})], "failed"),
        (NRS, [(2.0, {})], "passed"),
        (NRS, [(None, {"pain": 3.0})], "failed"),
        (NRS, [(None, {})], "unanswered"),
        (BELOW, [(2.0, {})], "failed"),
        (BELOW, [(1.9, {})], "passed"),
        (GRADE, [("trace", {})], "passed"),
        (GRADE, [("1+", {})], "failed"),
        (GRADE, [("9+", {})], "unanswered"),
        (SCORE, [(64.0, {})], "passed"),
        (SCORE, [(63.9, {})], "failed"),
        (SCORE, [(100.5, {})], "failed"),
        (SCORE, [("good", {})], "unanswered"),
        (TICK, [(None, {"passed": True})], "passed"),
        (TICK, [(None, {"passed": False})], "failed"),
        (TICK, [(5.0, {})], "unanswered"),
    ],
)
def test_an_item_passes_only_by_all_that_it_asks_for(item: str, results: list, status: str) -> None:
    log = log_of(plan_with(item))
    for minute, (value, more) in enumerate(results):
        log.tested(f"03-02 09:{minute:02}", "x1", value, **more)
    standing = stand(log)
    assert standing.ready == {"x1": status}
    assert standing.stage == ("1" if status == "passed" else None)
    if status != "passed":
        assert standing.today.may_run is False
        assert standing.today.why == (f"not ready for the first stage yet: x1 {status}",)
        assert standing.today.next_run_wall_ns is None


def test_without_an_injured_side_nothing_is_compared() -> None:
    log = Log()
    fact = log.plan("03-01 08:00", plan_with(LSI))
    assert isinstance(fact, Revision)
    log.facts = [replace(fact, text=fact.text.replace('"left"', '"none"'))]
    for side in ("left", "right"):
        log.tested("03-02 09:00", "x1", 100.0, side=side)
    assert stand(log).ready == {"x1": "unanswered"}


@pytest.mark.parametrize(("need", "ready"), [('"all"', False), ('"any"', True), ("1", True), ("2", True), ("3", False)])
def test_all_any_or_so_many(need: str, ready: bool) -> None:
    log = log_of(plan_with(NRS, TICK, HELD, need=need))
    log.tested("03-02 09:00", "x1", 0.0)
    log.tested("03-02 09:00", "x2", passed=True)
    assert (stand(log).stage is not None) is ready


def test_the_ladder_begins_with_what_made_it_so() -> None:
    log = log_of(plan_with(NRS))
    log.tested("03-02 09:00", "x1", 0.0)
    entered = stand(log).decisions[-1]
    assert (entered.outcome, entered.at_wall_ns, entered.stage, entered.to_stage, entered.rules) == (
        Outcome.ENTER,
        at("03-02 09:00"),
        None,
        "1",
        ("readiness",),
    )


def test_what_failed_is_asked_again_after_its_time() -> None:
    log = log_of(plan_with(NRS, more='retest_after = "7d"'))
    log.tested("03-02 09:00", "x1", 5.0)
    assert stand(log, "03-09 08:59").ready == {"x1": "failed"}
    assert stand(log, "03-09 09:00").ready == {"x1": "due again"}


def test_weeks_pass_by_themselves() -> None:
    text = plan_with('kind = "weeks_since", ref = "surgery_date", min = 12')
    log = log_of("surgery_date = 2026-01-05\n" + text)
    assert stand(log, "03-29 23:59").ready == {"x1": "failed"}
    standing = stand(log, "03-30 00:00")
    assert (standing.ready, standing.stage, standing.stage_since_ns) == ({"x1": "passed"}, "1", at("03-30 00:00"))
    assert stand(log, "04-30 00:00").stage_since_ns == at("03-30 00:00")


def test_weeks_that_have_passed_when_the_plan_comes() -> None:
    text = plan_with('kind = "weeks_since", ref = "injury_date", min = 2')
    assert stand(log_of("injury_date = 2026-01-05\n" + text), "03-01 08:00").stage == "1"


def test_pain_free_days_are_days_on_which_she_said_so() -> None:
    log = log_of(plan_with('kind = "pain_free_days", min = 3'))
    assert stand(log, "03-02 08:00").ready == {"x1": "unanswered"}
    assert stand(log, "03-02 08:00").due[0].fields == ("pain.daily",)
    for day in ("02", "03", "05", "06"):
        log.told(f"03-{day} 08:00", None, "daily", pain__daily=0.0)
    assert stand(log, "03-07 12:00").ready == {"x1": "failed"}  # nobody said anything on the 4th
    log.told("03-07 08:00", None, "daily", pain__daily=0.0)
    standing = stand(log, "03-07 08:00")
    assert (standing.ready, standing.stage) == ({"x1": "passed"}, "1")
    assert not [due for due in standing.due if due.run is None]


@pytest.mark.parametrize("day", ["03-04 20:00", "03-05 07:00"])
def test_other_pain_breaks_pain_free_days(day: str) -> None:
    log = log_of(plan_with('kind = "pain_free_days", min = 3', TICK))
    for number in ("02", "03", "04"):
        log.told(f"03-{number} 08:00", None, "daily", pain__daily=0.0)
    assert stand(log, "03-05 06:00").ready["x1"] == "passed"
    log.told(day, "R", pain__after=1.0)
    assert stand(log, day).ready["x1"] == "failed"


def test_the_therapist_can_say_that_she_is_ready() -> None:
    log = log_of(plan_with(TICK))
    log.decided("03-02 09:00", Verdict.READY)
    assert stand(log).stage == "1"
    other = log_of(plan_with(TICK))
    other.decided("03-02 09:00", Verdict.ADVANCE)
    assert stand(other).stage == "1"
    third = log_of(plan_with(TICK))
    third.decided("03-02 09:00", Verdict.SET_STAGE, "2")
    assert stand(third).stage == "2"


def test_nothing_begins_during_a_hold() -> None:
    log = log_of(plan_with(TICK))
    log.decided("03-02 09:00", Verdict.HOLD)
    log.tested("03-02 10:00", "x1", passed=True)
    assert stand(log).stage is None
    assert stand(log).today.why[-1] == "not ready for the first stage yet"
    log.decided("03-03 10:00", Verdict.RELEASE)
    assert (stand(log).stage, stand(log).hold) == ("1", None)


PLACED = """
[placement]
test = "easy running until pain 2"
map = [{below = "1km", stage = "1"}, {below = "2km", stage = "2"}]
"""
TIMED = PLACED.replace("1km", "5min").replace('{below = "2km", stage = "2"}', '{stage = "2"}')


@pytest.mark.parametrize(
    ("text", "value", "stage"),
    [
        (PLACED, None, None),
        (PLACED, 999.0, "1"),
        (PLACED, 1000.0, "2"),
        (PLACED, 2000.0, None),
        (PLACED, "far", None),
        (TIMED, 299.0, "1"),
        (TIMED, 301.0, "2"),
        ('[placement]\ntest = "any"\nmap = [{stage = "2"}]\n', 1.0, "2"),
    ],
)
def test_a_placement_test_says_where_she_begins(text: str, value: float | str | None, stage: str | None) -> None:
    log = log_of(text + STAGES)
    if value is not None:
        log.tested("03-02 09:00", "placement", value)
    standing = stand(log)
    assert standing.stage == stage
    assert standing.ready == {"placement": "unanswered" if stage is None else "passed"}
    if stage is not None:
        assert standing.decisions[-1].rules == ("placement",)
