"""What no other test of the limits would have noticed: found by changing the code, one place at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sensord.model import NS, Alert, AlertPhase, Level, LimitState, LimitStatus, RunTotals, Side
from sensord.plan.breach import Breach, Turn
from sensord.plan.cadence import ContactTimeRule, SpeedRule, pace
from sensord.plan.limit_blocks import SpeedLimit
from sensord.plan.limits import Limits
from sensord.plan.model import read_plan
from sensord.plan.rule import Finding, Freshness, Name, Rule, RunClock, Words
from sensord.plan.stage_today import StageToday
from sensord.plan.standing import Day
from sensord.plan.told import clock, counted, metres
from tests.plan.made_plans import FIXED_IMPACT, HEAD, IMPACT, limits, stride, totals

L, R = Side.LEFT, Side.RIGHT
LADDER = """\
[[stage]]
id = "1"
session = [{do = "2x(walk 1min, run 2min)"}]
[[stage]]
id = "2"
session = [{do = "run 30min"}]
"""
SPIKE = "[limit.session_spike]\n"
WEEK = "[limit.week_growth]\nwarn_pct = 130\n"
LOAD = "[limit.impact_load]\nwarn_pct = 130\n"


def of_day(stage: str | None, workout: str | None = None, **known: Any) -> dict[str, Any]:
    stages = () if stage is None else ("1", "2")
    return Day("test", 1, stage, workout=workout, stages=stages, **known).to_json()


def reasons(body: str, rule: str, **setting: Any) -> list[str | None]:
    """Why a limit is not checked when the run begins."""
    return [one.reason for one in limits(body, **setting).start(0) if one.rule == rule]


# ------------------------------------------------------------------------------------------------ words


@pytest.mark.parametrize(
    ("value", "whole", "said"),
    [
        (999.0, 1000.0, ("0.99 km", "1.00 km", "0.01 km")),
        (998.9, 999.9, ("998 m", "1000 m", "2 m")),
        (7.0, 5.0, ("7 m", "5 m", "0 m")),
        (3.9, 4.0, ("3 m", "4 m", "1 m")),
    ],
)
def test_metres_are_rounded_down_and_what_is_left_is_never_less_than_nothing(
    value: float, whole: float, said: tuple[str, str, str]
) -> None:
    assert metres(value, whole) == said


def test_seconds_and_counts_never_have_less_than_nothing_left() -> None:
    assert clock(3661.9, 60.0) == ("61:01", "1:00", "0:00")
    assert clock(59.9, 60.4) == ("0:59", "1:00", "0:01")
    assert counted(7.9, 5.0) == ("7", "5", "0")
    assert counted(3.0, 5.0) == ("3", "5", "2")


def test_a_pace_has_two_figures_of_seconds() -> None:
    assert (pace(1000 / 305), pace(1000 / 300)) == ("3.28 m/s (5:05/km)", "3.33 m/s (5:00/km)")


# ------------------------------------------------------------------------------------------------ the clock


def counting(*counted_: tuple[float, float, float]) -> RunClock:
    """Seconds running and walking, and when they were counted."""
    found = RunClock()
    for run_s, walk_s, t_s in counted_:
        found.count(RunTotals(run_time_s=run_s, walk_time_s=walk_s), round(t_s * NS))
    return found


def test_she_runs_on_for_three_seconds_after_running_was_counted() -> None:
    assert not RunClock().runs_on(NS)
    ran = counting((1.0, 0.0, 5.0), (1.0, 2.0, 7.0))
    assert ran.runs_on(8 * NS)
    assert not ran.runs_on(8 * NS + 1)


def test_walking_counts_since_she_last_ran_and_running_since_she_last_walked_for_ten_seconds() -> None:
    ran = counting((5.0, 3.0, 8.0))
    assert (ran.run_s, ran.now_s, ran.walked_s, ran.bout_s) == (5.0, 5.0, 0.0, 5.0)
    ran.count(RunTotals(run_time_s=5.0, walk_time_s=12.9), 18 * NS)
    assert (ran.walked_s, ran.bout_s) == (pytest.approx(9.9), 5.0)
    ran.count(RunTotals(run_time_s=5.0, walk_time_s=13.0), 19 * NS)
    assert (ran.walked_s, ran.bout_s) == (10.0, 0.0)
    ran.count(RunTotals(run_time_s=7.5, walk_time_s=13.0), 22 * NS)
    assert (ran.run_s, ran.walked_s, ran.bout_s) == (7.5, 0.0, 2.5)


def test_what_was_seen_is_silent_after_ten_seconds_of_running_and_idle_after_ten_of_any() -> None:
    seen, ran = Freshness(), counting((20.0, 0.0, 20.0))
    assert seen.silent(ran)
    assert not seen.idle(10**15)  # it was never measured
    seen.seen(ran, 20 * NS)
    ran.count(RunTotals(run_time_s=29.9), 30 * NS)
    assert not seen.silent(ran)
    ran.count(RunTotals(run_time_s=30.0), 30 * NS)
    assert seen.silent(ran)
    assert not seen.silent(ran, 10.5)
    assert not seen.idle(30 * NS - 1)
    assert seen.idle(30 * NS)


# ------------------------------------------------------------------------------------------------ every rule


def a_rule() -> Rule:
    return Rule("RUN", Name("limit.x", "x", "m"), {Level.WARN: 1.0, Level.STOP: 2.0})


def test_numbers_that_move_are_said_again_after_ten_seconds() -> None:
    rule = a_rule()
    assert len(rule.report(Finding(LimitStatus.WITHIN, 0.1), 0)) == 1
    assert rule.report(Finding(LimitStatus.WITHIN, 0.2), 10 * NS - 1) == []
    (state,) = rule.report(Finding(LimitStatus.WITHIN, 0.3), 10 * NS)
    assert isinstance(state, LimitState)
    assert state.value == 0.3
    assert rule.report(Finding(LimitStatus.WITHIN, 0.3), 30 * NS) == []  # word for word what was said
    assert rule.report(Finding(LimitStatus.WITHIN, 0.4), 31 * NS) != []  # and the ten seconds are those since it was


def test_a_limit_counts_as_checked_once_it_was_within_or_over() -> None:
    for status, counts in (
        (LimitStatus.WITHIN, True), (LimitStatus.OVER, True), (LimitStatus.UNDECIDED, False),
        (LimitStatus.NOT_CHECKED, False),
    ):  # fmt: skip
        rule = a_rule()
        rule.report(Finding(status, reason="why"), 0)
        assert rule.decided is counts
        rule.report(Finding(LimitStatus.UNDECIDED, reason="why"), NS)
        assert rule.decided is counts


def onset(rule: Rule, level: Level, t_ns: int) -> Alert:
    """Alerted and over."""
    (turn,) = rule.breach.update(level, back=False, clock_s=0.0, t_ns=t_ns)
    rule.report(Finding(LimitStatus.OVER, 3.0), t_ns)
    return rule.alert(turn, 3.0, Words("Stop now", "Far."))


def test_a_reminder_comes_when_its_time_is_up_and_only_while_she_runs_and_it_is_measured() -> None:
    rule = a_rule()
    first = onset(rule, Level.STOP, 5 * NS)
    running = counting((100.0, 0.0, 185.0))
    assert rule.remind(185 * NS - 1, running) == []
    standing = counting((100.0, 0.0, 181.9))
    assert rule.remind(185 * NS, standing) == []
    rule.report(Finding(LimitStatus.NOT_CHECKED, reason="lost"), 184 * NS)
    assert rule.remind(185 * NS, running) == []
    rule.report(Finding(LimitStatus.OVER, 4.0), 184 * NS)
    (again,) = rule.remind(185 * NS, running)
    assert again == replace(first, phase=AlertPhase.REMINDER, value=4.0, text="For 3 min now. At its beginning: Far.")
    assert rule.remind(186 * NS, counting((101.0, 0.0, 186.0))) == []
    assert len(rule.remind(365 * NS, counting((280.0, 0.0, 365.0)))) == 1


def test_minutes_of_a_reminder_are_minutes() -> None:
    rule = a_rule()
    first = onset(rule, Level.WARN, 60 * NS)
    value, words = rule.reminder(first, 60 * NS + 40 * 60 * NS)
    assert (value, words) == (3.0, Words("Stop now", "For 40 min now. At its beginning: Far."))
    assert rule.remind(10**15, counting((1.0, 0.0, 10**6))) == []  # a warning is said once


def test_an_alert_without_a_cue_is_one_of_a_kept_limit_and_begins_no_reminder() -> None:
    rule = a_rule()
    said = rule.alert(Turn(AlertPhase.RECOVERY, Level.WARN, 7, 2.5), None, Words("", "Back."))
    assert (said.cue, said.text, said.id, said.duration_s) == ("Back inside limit", "Back.", "RUN/limit.x/warn/7", 2.5)
    assert rule._onset is None
    assert rule.first_limit == 1.0


# ------------------------------------------------------------------------------------------------ breach


def test_a_breach_counts_from_its_first_moment_and_ends_after_as_long_to_the_second() -> None:
    breach = Breach((Level.WARN, Level.STOP), 3.0)
    assert breach.update(Level.WARN, back=False, clock_s=1.0, t_ns=NS) == []
    assert (breach.beyond_for_s(2.5), breach.back_for_s(2.5), breach.level) == (1.5, None, Level.NONE)
    assert breach.update(Level.STOP, back=False, clock_s=3.9, t_ns=3 * NS) == []
    assert breach.beyond_for_s(3.9) == pytest.approx(2.9)  # the lowest level, whatever came since
    assert breach.update(Level.STOP, back=False, clock_s=4.0, t_ns=4 * NS) == [
        Turn(AlertPhase.ONSET, Level.WARN, 4 * NS, None)
    ]
    assert breach.update(Level.NONE, back=True, clock_s=5.0, t_ns=5 * NS) == []
    assert (breach.back_for_s(6.5), breach.beyond_for_s(6.5)) == (1.5, None)
    assert breach.update(Level.NONE, back=False, clock_s=7.0, t_ns=7 * NS) == []
    assert breach.back_for_s(7.0) is None
    assert breach.update(Level.NONE, back=True, clock_s=8.0, t_ns=8 * NS) == []
    assert breach.update(Level.NONE, back=True, clock_s=11.0, t_ns=11 * NS) == [
        Turn(AlertPhase.RECOVERY, Level.WARN, 4 * NS, 7.0)
    ]
    assert breach.level is Level.NONE


# ------------------------------------------------------------------------------------------------ how she runs


def speeds(rule: SpeedRule, ran: RunClock, mps: float, n: int, confidence: float = 1.0) -> list[Any]:
    said = []
    for _ in range(n):
        ran.count(RunTotals(run_time_s=ran.run_s + 1.0), round((ran.run_s + 1.0) * NS))
        one = replace(stride(L, None, confidence=confidence), speed_mps=mps, speed_source="trajectory")
        said += rule.on_stride(one, round(ran.run_s * NS))
    return said


def test_a_speed_at_the_limit_is_within_and_one_at_the_clearing_value_is_not_back() -> None:
    stage = StageToday(read_plan(HEAD.format(side="left"), "plan.toml"), None)
    ran = RunClock()
    block = SpeedLimit.model_validate({"warn": "4m/s", "sustained": "2s", "clear_below_pct": 75.0})
    rule = SpeedRule("RUN", block, stage, ran, "test")
    assert [one.level for one in speeds(rule, ran, 4.0, 20) if isinstance(one, Alert)] == []
    assert rule.level is Level.NONE
    assert [one.phase.value for one in speeds(rule, ran, 4.1, 20) if isinstance(one, Alert)] == ["onset"]
    assert [one for one in speeds(rule, ran, 3.0, 30) if isinstance(one, Alert)] == []
    assert [one.phase.value for one in speeds(rule, ran, 2.9, 30) if isinstance(one, Alert)] == ["recovery"]


def test_a_stride_that_is_as_likely_right_as_wrong_counts() -> None:
    under_test = limits('[limit.speed]\nwarn = "4m/s"\n' + LOAD + FIXED_IMPACT)
    under_test.start(0)
    half = replace(stride(L, 10.0, confidence=0.5), speed_mps=3.0, speed_source="trajectory")
    less = replace(half, confidence=0.49)
    said = under_test.on_stride(half, NS) + under_test.on_stride(less, 12 * NS)
    assert [one.reason for one in said if isinstance(one, LimitState) and one.rule == "limit.speed"] == []
    said = under_test.on_stride(half, 24 * NS)
    assert [one.n for one in said if isinstance(one, LimitState) and one.rule == "limit.speed"] == [2]
    assert under_test.impact_loads == {"left": 2.0}


def paced(under_test: Limits, spm: float, n: int, from_s: float) -> list[Any]:
    said = []
    for k in range(n):
        t_s = from_s + k
        said += under_test.on_totals(totals(3.0 * t_s, run_s=t_s), round(t_s * NS))
        said += under_test.on_stride(replace(stride(L, None), cadence_spm=spm), round(t_s * NS))
    return said


def test_cadence_is_back_when_a_quarter_of_the_target_s_width_is_regained() -> None:
    under_test = limits('[cadence]\nbaseline_spm = 160\ntarget_pct = [100, 110]\nsustained = "2s"\n')
    under_test.start(0)
    for edge, inside, outside in ((159.0, 164.0, 163.9), (177.0, 172.0, 172.1)):
        assert [a.phase.value for a in paced(under_test, edge, 50, 1.0) if isinstance(a, Alert)] == ["onset"]
        assert [a for a in paced(under_test, outside, 50, 51.0) if isinstance(a, Alert)] == []
        assert [a.phase.value for a in paced(under_test, inside, 50, 101.0) if isinstance(a, Alert)] == ["recovery"]


def test_contact_time_is_looked_at_from_two_minutes_of_running_on() -> None:
    under_test = limits("[contact_time]\nwarn_pct = 5\n")
    under_test.start(0)
    one = replace(stride(L, None), speed_mps=3.0)
    for run_s, n in ((119.9, 0), (120.0, 1)):
        under_test.on_totals(totals(1.0, run_s=run_s), round(run_s * NS))
        said = under_test.on_stride(one, round(run_s * NS)) + under_test.end(round(run_s * NS))
        assert {state.n for state in said if isinstance(state, LimitState)} <= {n}
    (state,) = [one for one in under_test._rules[0].start(300 * NS) if isinstance(one, LimitState)]
    assert state.n == 1


# ------------------------------------------------------------------------------------------------ what she ran before


@pytest.mark.parametrize(
    ("block", "rule"),
    [(SPIKE, "limit.session_spike"), (WEEK, "limit.week_growth"), (LOAD, "limit.impact_load")],
)
def test_a_ratio_counts_from_its_stage_or_from_continuous_running_on(block: str, rule: str) -> None:
    known = {
        "longest_30d_m": 5000.0, "previous_7d_m": 9000.0, "distance_7d_m": 900.0,
        "impact_load_previous_7d": {"left": 9.0}, "impact_load_7d": {"left": 9.0},
    }  # fmt: skip
    first = of_day("1", "2x(walk 1min, run 2min)", **known)
    body = block + 'from_stage = "2"\n' + FIXED_IMPACT + LADDER
    assert reasons(body, rule, day=first) == ["counts from stage 2 on"]
    assert reasons(block + FIXED_IMPACT + LADDER, rule, day=first) == ["counts from continuous running on"]
    body = block + 'from_stage = "1"\n' + FIXED_IMPACT + LADDER
    assert reasons(body, rule, day=first) == ["no whole stride yet"]


def test_what_is_missing_of_the_history_says_why_whichever_part_it_is() -> None:
    day = of_day(None, previous_7d_m=100.0, incomplete="two days are missing")
    assert reasons(WEEK, "limit.week_growth", day=day) == ["two days are missing"]
    day = of_day(None, distance_7d_m=100.0, incomplete="two days are missing")
    assert reasons(WEEK, "limit.week_growth", day=day) == ["two days are missing"]
    for known in ({"impact_load_previous_7d": {"left": 9.0}}, {"impact_load_7d": {"left": 9.0}}):
        day = of_day(None, incomplete="two days are missing", **known)
        assert reasons(LOAD + FIXED_IMPACT, "limit.impact_load", day=day) == ["two days are missing"]


def test_an_impact_load_that_is_known_counts_whatever_the_distance() -> None:
    """Impacts without metres: a run whose distance nobody could measure."""
    day = of_day(
        None, previous_7d_m=0.0, distance_7d_m=0.0,
        impact_load_previous_7d={"left": 100.0}, impact_load_7d={"left": 129.0},
    )  # fmt: skip
    under_test = limits(LOAD + FIXED_IMPACT, day=day)
    under_test.start(0)
    under_test.on_stride(stride(L, 10.0), NS)
    said = under_test.on_totals(totals(3.0, run_s=1.0), NS)
    assert [one.value for one in said if isinstance(one, Alert)] == [pytest.approx(130.0)]


def test_a_load_of_nothing_is_where_a_week_without_running_begins() -> None:
    day = of_day(None, previous_7d_m=900.0, distance_7d_m=0.0, impact_load_previous_7d={"left": 2.0})
    under_test = limits(LOAD + FIXED_IMPACT, day=day)
    under_test.start(0)
    under_test.on_stride(stride(L, 10.0), NS)
    said = under_test.on_totals(totals(3.0, run_s=1.0), NS)
    assert [one.value for one in said if isinstance(one, LimitState) and one.rule == "limit.impact_load"] == [50.0]


def test_a_week_s_last_word_is_that_it_is_too_long() -> None:
    under_test = limits(WEEK, day=of_day(None, previous_7d_m=100.0, distance_7d_m=0.0))
    under_test.start(0)
    (alert,) = [one for one in under_test.on_totals(totals(130.0), NS) if isinstance(one, Alert)]
    assert (alert.cue, alert.value, alert.text) == (
        "Week too long",
        pytest.approx(130.0),
        "In 7 days 130 m, 130 % of the 7 days before (100 m); limit 130 % (limit set by plan test). Nothing left.",
    )


def test_impacts_are_compared_with_those_of_the_same_sensor() -> None:
    """A stride that says no sensor is one of the accelerometer."""
    run = {"impact_left_g": 10.0, "impact_n_left": 500, "mount": "laces"}
    body = LOAD + IMPACT.format(baseline='{mode = "sessions", n = 3}')
    day = of_day(None, impact_load_previous_7d={"left": 100.0}, impact_load_7d={"left": 0.0})
    under_test = limits(body, day=day, history=(run,) * 3)
    under_test.start(0)
    for source in (None, None, "acc", "high"):
        under_test.on_stride(replace(stride(L, 10.0), impact_source=source), NS)
    assert under_test.impact_loads == {"left": 3.0}
    said = under_test.on_totals(totals(9.0, run_s=3.0), NS)
    (state,) = [one for one in said if isinstance(one, LimitState) and one.rule == "limit.impact_load"]
    assert (state.n, state.reason) == (4, "25 % of impacts not measured or clipped")


# ------------------------------------------------------------------------------------------------ of the stage


@pytest.mark.parametrize(
    ("block", "rule", "workout", "said"),
    [
        ("distance", "limit.distance", "walk 1min, run 400m", "the stage prescribes times, not distances"),
        ("run_time", "limit.run_time", "run 1min, run 400m", "the stage prescribes distances, not times"),
        ("run_time", "limit.run_time", "walk 1min", "the stage prescribes distances, not times"),
    ],
)
def test_a_share_of_a_stage_that_says_both_or_nothing_is_none(block: str, rule: str, workout: str, said: str) -> None:
    body = f'[limit.{block}]\nof = "stage"\nstop_pct = 110\n' + LADDER
    assert reasons(body, rule, day=of_day("1", workout)) == [said]


@pytest.mark.parametrize("block", ["distance", "run_time"])
def test_a_share_of_the_stage_waits_for_its_stage(block: str) -> None:
    body = f'[limit.{block}]\nof = "stage"\nstop_pct = 110\nfrom_stage = "2"\n' + LADDER
    workout = "run 10min" if block == "run_time" else "run 2km"
    assert reasons(body, f"limit.{block}", day=of_day("1", workout)) == ["counts from stage 2 on"]


def compared() -> Limits:
    """Contact time, once there is something to compare with."""
    under_test = limits("[contact_time]\nwarn_pct = 5\n")
    under_test.start(0)
    for k in range(100):
        under_test.on_totals(totals(3.0 * k, run_s=120.0 + k), (120 + k) * NS)
        under_test.on_stride(replace(stride(L, None), speed_mps=3.0), (120 + k) * NS)
    return under_test


def test_contact_time_without_a_pod_is_not_checked_at_once() -> None:
    under_test = compared()
    assert under_test.on_tick(220 * NS, [L]) == []
    assert [one.status.value for one in under_test.on_tick(221 * NS, []) if isinstance(one, LimitState)] == [
        "not_checked"
    ]


def test_a_contact_time_that_is_longer_by_less_than_one_percent_is_longer() -> None:
    (rule,) = compared()._rules
    assert isinstance(rule, ContactTimeRule)
    back = Turn(AlertPhase.RECOVERY, Level.WARN, 0, 9.0)
    assert rule.words(back, 0.6).text == (
        "Contact time 1 % longer than at the beginning, less than the limit again after 9 s."
    )
    assert rule.words(back, -0.6).text.startswith("Contact time 1 % shorter")


def test_downhill_waits_for_its_stage() -> None:
    body = '[limit.downhill]\nstop = "9m"\nfrom_stage = "2"\n' + LADDER
    assert reasons(body, "limit.downhill", day=of_day("1", "run 1km")) == ["counts from stage 2 on"]
    assert reasons(body, "limit.downhill", day=of_day("1", "run 1km"), grade_pct=-3.0) == ["counts from stage 2 on"]
    assert reasons(body, "limit.downhill", day=of_day("2", "run 1km"), grade_pct=-3.0) == ["no whole stride yet"]


def test_walking_adds_nothing_to_an_impact_load() -> None:
    day = of_day(None, impact_load_previous_7d={"left": 100.0}, impact_load_7d={"left": 50.0})
    under_test = limits(LOAD + FIXED_IMPACT, day=day)
    under_test.start(0)
    said = under_test.on_totals(RunTotals(steps=4, distance_m=3.0, walk_time_s=2.0), NS)
    (state,) = [one for one in said if isinstance(one, LimitState) and one.rule == "limit.impact_load"]
    assert (state.status.value, state.value, under_test.impact_loads) == ("within", 50.0, {})
