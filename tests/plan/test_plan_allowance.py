"""What is allowed today: schedule, rests, kinds of stages, checks, surfaces, what a run records."""

from __future__ import annotations

from datetime import date

import pytest

from sensord.plan.days import span_words
from sensord.plan.facts import Key, RunFact, Verdict
from sensord.plan.following import day_of, follow
from sensord.plan.standing import Allowance, Check, Day, Outcome, Standing
from tests.plan.made_facts import BERLIN, CLEAN_B, DAY_NS, A, B, Log, at

STAGE = '[[stage]]\nid = "1"\nsession = [{do = "run 30min"}]\n'


def stand(log: Log, when: str) -> Standing:
    standing = follow(log.facts, at(when), BERLIN)
    assert standing is not None
    return standing


def today(log: Log, when: str) -> Allowance:
    return stand(log, when).today


def check(log: Log, when: str, rule: str) -> Check:
    (found,) = [one for one in today(log, when).checks if one.rule == rule]
    return found


def log_of(text: str, known: str | None = "01-01 00:00", *, decides: str = "auto") -> Log:
    log = Log()
    if known is not None:
        log.known(known)
    log.plan("03-01 08:00", text, decides=decides)
    return log


# ------------------------------------------------------------------------------------------ schedule


def test_rest_after_a_run_is_from_its_end_to_the_next_start() -> None:
    log = log_of('[schedule]\nmin_gap = "48h"\nhint = "Take it easy."\n' + STAGE)
    assert today(log, "03-01 09:00").may_run is True
    assert today(log, "03-01 09:00").why == ("Take it easy.",)
    assert check(log, "03-01 09:00", "schedule.min_gap").text == "no run yet"
    log.run("03-02 18:00", minutes=30)
    no = today(log, "03-04 18:29")
    assert (no.may_run, no.next_run_wall_ns) == (False, at("03-04 18:30"))
    assert no.why == ("48 h of rest after the run that ended Mon 2 Mar 18:30 (schedule.min_gap)",)
    yes = today(log, "03-04 18:30")
    assert (yes.may_run, yes.next_run_wall_ns) == (True, at("03-04 18:30"))
    found = check(log, "03-04 18:30", "schedule.min_gap")
    assert (found.status, found.value, found.limit, found.unit) == ("within", 48.0, 48.0, "h")


def test_hours_of_rest_are_hours_when_the_clocks_change() -> None:
    log = log_of('[schedule]\nmin_gap = "48h"\n' + STAGE)
    log.run("03-28 08:00", minutes=30)
    assert today(log, "03-29 08:00").next_run_wall_ns == at("03-30 09:30")


def test_the_longest_class_of_recovery_counts() -> None:
    classes = """
[[recovery]]
id = "medium"
when = ["rpe >= 3"]
min_gap = "72h"
[[recovery]]
id = "high"
when = ["rpe >= 6"]
min_gap = "96h"
"""
    log = log_of('[schedule]\nmin_gap = "24h"\n' + STAGE + classes)
    log.run("03-02 18:00", "R", minutes=30)
    assert today(log, "03-03 08:00").next_run_wall_ns == at("03-03 18:30")
    log.told("03-02 19:00", "R", rpe=7.0)
    assert today(log, "03-03 08:00").next_run_wall_ns == at("03-06 18:30")
    assert "4 days of rest" in today(log, "03-03 08:00").why[0]
    assert "recovery high" in today(log, "03-03 08:00").why[0]
    log.run("03-07 18:00", "S", minutes=30)
    assert today(log, "03-08 18:30").may_run is None  # how hard it was says how long she waits
    log.told("03-08 18:31", "S", rpe=1.0)
    assert today(log, "03-08 18:31").may_run is True


def test_recovery_without_a_gap_of_the_schedule() -> None:
    log = log_of(STAGE + '[[recovery]]\nid = "hard"\nwhen = ["rpe >= 3"]\nmin_gap = "72h"\n')
    log.run("03-02 18:00", "R", minutes=30)
    assert today(log, "03-03 08:00").checks == ()
    log.told("03-02 19:00", "R", rpe=3.0)
    assert check(log, "03-03 08:00", "recovery hard").status == "over"


def test_runs_in_any_7_days() -> None:
    log = log_of("[schedule]\nmax_sessions_7d = 3\n" + STAGE)
    for day in ("02", "03", "05"):
        log.run(f"03-{day} 18:00", day)
    no = today(log, "03-06 08:00")
    assert (no.may_run, no.left) == (False, {"runs_7d": 0.0})
    assert no.why == ("3 of 3 runs in 7 days are done; the next from Mon 9 Mar 18:00 on (schedule.max_sessions_7d)",)
    assert no.next_run_wall_ns == at("03-09 18:00") + 1
    yes = today(log, "03-09 18:01")
    assert (yes.may_run, yes.left) == (True, {"runs_7d": 1.0})


def test_days_in_a_row() -> None:
    log = log_of("[schedule]\nmax_consecutive_days = 2\n" + STAGE)
    log.run("03-02 18:00", "R")
    assert today(log, "03-03 08:00").may_run is True
    log.run("03-03 18:00", "S")
    no = today(log, "03-04 08:00")
    assert (no.may_run, no.next_run_wall_ns) == (False, at("03-05 00:00"))
    assert no.why == ("runs on 2 days in a row at most, and the last was on Tue 3 Mar (schedule.max_consecutive_days)",)
    other = log_of("[schedule]\nmax_consecutive_days = 1\n" + STAGE)
    other.run("03-02 18:00", "R")
    assert "every other day" in today(other, "03-03 08:00").why[0]


def test_weekdays_of_a_workout() -> None:
    text = (
        '[[stage]]\nid = "1"\nsession = [{do = "run 30min", days = ["mon", "sat"]}, {do = "run 10min", days=["mon"]}]\n'
    )
    log = log_of(text)
    no = today(log, "03-03 08:00")
    assert (no.may_run, no.why, no.next_run_wall_ns) == (
        False,
        ("stage 1 is run on mon, sat",),
        at("03-07 00:00"),
    )
    monday = today(log, "03-09 08:00")
    assert (monday.workout, monday.why) == ("run 30min", ("or instead: run 10 min",))


def test_a_plan_that_never_has_a_day_has_no_next_run() -> None:
    weeks = ", ".join(["[0, 0, 0, 0, 0, 0, 0]"] * 12)
    log = log_of(f'[[stage]]\nid = "c"\nkind = "calendar"\ncalendar = {{days = [{weeks}]}}\n')
    assert (today(log, "03-02 08:00").may_run, today(log, "03-02 08:00").next_run_wall_ns) == (False, None)


def test_days_of_rest_forbid_and_end() -> None:
    log = log_of(A)
    log.run("03-02 08:00", "R")
    log.told("03-02 09:00", "R", soreness__warmup="persists")
    no = today(log, "03-04 10:00")
    assert no.why == ("days of rest until Thu 5 Mar 00:00",)
    assert no.next_run_wall_ns == at("03-05 00:00")


def test_what_is_not_answered_yet_leaves_it_open() -> None:
    log = log_of(B.replace('min_gap = "48h"\n', ""))
    log.run("03-02 08:00", "R")
    unclear = today(log, "03-02 12:00")
    assert unclear.may_run is None
    assert unclear.why[0].startswith("answers about the last run are missing: gait_altered, night_pain, pain.after")
    log.say("03-03 07:00", "R", CLEAN_B)
    assert today(log, "03-03 07:00").may_run is True
    assert today(log, "03-02 23:59").may_run is None


def test_after_their_time_missing_answers_do_not_forbid() -> None:
    log = log_of(B)
    log.run("03-02 08:00", "R")
    assert today(log, "03-03 23:59").may_run is False  # the gap
    yes = today(log, "03-04 09:00")
    assert (yes.may_run, yes.why) == (True, ("stage 1: nothing of the plan is in the way",))


# ------------------------------------------------------------------------------------------ not checked


@pytest.mark.parametrize("rule", ["min_gap", "max_sessions_7d", "max_consecutive_days"])
@pytest.mark.parametrize("runs", [0, 1])
def test_without_a_word_about_history_a_rule_is_told_and_not_checked(rule: str, runs: int) -> None:
    limit = '"48h"' if rule == "min_gap" else "3"
    log = log_of(f"[schedule]\n{rule} = {limit}\n{STAGE}", known=None)
    if runs:
        log.run("03-02 18:00", "R")
    found = check(log, "03-08 08:00", f"schedule.{rule}")
    assert (found.status, found.text) == ("not_checked", "nobody has said from when on all runs are on file")
    assert today(log, "03-08 08:00").may_run is True


def test_history_that_begins_inside_the_window_is_not_enough() -> None:
    log = log_of("[schedule]\nmax_sessions_7d = 3\n" + STAGE, known="03-05 00:00")
    assert check(log, "03-08 08:00", "schedule.max_sessions_7d").text == "not all runs of that time are on file"
    assert check(log, "03-12 00:00", "schedule.max_sessions_7d").status == "within"


def test_what_is_on_file_can_show_that_a_rule_is_broken_all_the_same() -> None:
    log = log_of('[schedule]\nmin_gap = "48h"\n' + STAGE, known=None)
    log.run("03-02 18:00", "R")
    assert check(log, "03-03 08:00", "schedule.min_gap").status == "over"
    assert today(log, "03-03 08:00").may_run is False


def test_a_run_whose_clock_was_not_set_leaves_rules_unchecked_until_the_next_run() -> None:
    log = log_of('[schedule]\nmin_gap = "48h"\nmax_sessions_7d = 3\n' + STAGE)
    log.run("03-02 18:00", "R")
    log.run("03-02 18:00", "S", minutes=20, clock_trusted=False)  # some time after that
    for rule in ("min_gap", "max_sessions_7d"):
        found = check(log, "03-07 08:00", f"schedule.{rule}")
        assert (found.status, found.text) == ("not_checked", "the clock of a run was not set")
    assert today(log, "03-07 08:00").may_run is True
    log.run("03-08 18:00", "T")
    assert check(log, "03-10 20:00", "schedule.min_gap").status == "within"
    assert check(log, "03-10 20:00", "schedule.max_sessions_7d").status == "not_checked"
    assert check(log, "03-15 18:00", "schedule.max_sessions_7d").status == "within"


# ------------------------------------------------------------------------------------------ kinds of stages


def test_workouts_in_turn() -> None:
    text = """
[[stage]]
id = "w5"
kind = "cycle"
session = [{do = "run 5min"}, {do = "run 8min"}, {do = "run 20min"}]
[[stage]]
id = "w6"
session = [{do = "run 25min"}]
"""
    log = log_of(text)
    done = []
    for day, pct in (("02", 100.0), ("03", 50.0), ("04", 100.0), ("05", 100.0)):
        done.append(today(log, f"03-{day} 07:00").workout)
        log.run(f"03-{day} 08:00", day, done_pct=pct)
    assert done == ["run 5min", "run 8min", "run 8min", "run 20min"]
    assert stand(log, "03-06 08:00").stage == "w6"


def test_workouts_by_the_run_of_the_stage() -> None:
    text = """
[advance]
successes = 4
[[stage]]
id = "1"
session = [{do = "run 5min", when_day = 1}, {do = "run 9min", when_day = 3}]
"""
    log = log_of(text)
    done = []
    for day in ("02", "03", "04", "05"):
        done.append(today(log, f"03-{day} 07:00").workout)
        log.run(f"03-{day} 08:00", day)
    assert done == ["run 5min", "run 9min", "run 9min", "run 9min"]
    assert stand(log, "03-05 12:00").successes_needed == 4


def test_a_run_that_gets_longer_with_each_success() -> None:
    text = """
[[stage]]
id = "i"
kind = "increment"
increment = {start = "1mi", by = "0.25mi", until = "1.5mi"}
[[stage]]
id = "end"
session = [{do = "run 2mi"}]
"""
    log = log_of(text)
    done = []
    for day in ("02", "03", "04", "05"):
        done.append(today(log, f"03-{day} 07:00").workout)
        far_m = 1609.344 * (1.25 if day != "03" else 1.0)
        log.run(f"03-{day} 08:00", day, done_pct=None, distance_m=far_m if day < "05" else 2414.0)
    assert done == ["run 1mi", "run 1.25mi", "run 1.25mi", "run 1.5mi"]
    standing = stand(log, "03-05 12:00")
    assert (standing.stage, standing.decisions[-1].why) == ("end", "success 3 of 3; on to stage end")


def test_a_pattern_of_long_short_and_medium_runs_in_minutes() -> None:
    text = """
[[stage]]
id = "i"
kind = "increment"
increment = {start = "20min", by = "4min", pattern = [1.0, 0.5, 0.75]}
[[stage]]
id = "end"
session = [{do = "run 2mi"}]
"""
    log = log_of(text)
    done = []
    for day in ("02", "03", "04", "05"):
        done.append(today(log, f"03-{day} 07:00").workout)
        log.run(f"03-{day} 08:00", day, done_pct=None, run_time_s=1800.0)
    assert done == ["run 20min", "run 12min", "run 21min", "run 32min"]
    standing = stand(log, "03-05 12:00")
    assert (standing.stage, standing.successes, standing.successes_needed) == ("i", 3, 0)
    log.run("03-06 08:00", "06", done_pct=None, run_time_s=None)
    assert stand(log, "03-06 12:00").decisions[-1].why == "how much was done is not known"
    assert stand(log, "03-04 12:00").decisions[-1].why == "success 3; the run gets longer until the therapist leads on"


CALENDAR = """
[[stage]]
id = "c"
kind = "calendar"
calendar = {days = [[30, 0, 0, 35, 0, 0, 0], [0, 20, 0, 0, 0, 0, 40]]}
[[stage]]
id = "end"
session = [{do = "run 2mi"}]
"""


def test_a_calendar_is_followed_day_by_day_and_says_what_was_missed() -> None:
    log = log_of(CALENDAR)  # begins on Sunday, the 1st
    first = today(log, "03-01 09:00")
    assert (first.may_run, first.workout) == (True, "run 30min")
    tuesday = today(log, "03-03 09:00")
    assert (tuesday.may_run, tuesday.workout, tuesday.next_run_wall_ns) == (False, None, at("03-04 00:00"))
    assert tuesday.why == (
        "day 3 of the calendar of stage c is a day without a run",
        "day 1, Sun 1 Mar: 30 min not run",
    )
    log.run("03-01 10:00", "R", done_pct=None, run_time_s=1800.0)
    assert today(log, "03-03 09:00").why == ("day 3 of the calendar of stage c is a day without a run",)
    assert stand(log, "03-01 12:00").decisions[-1].why == "day 1 of 14 of the calendar"


def test_a_calendar_is_through_after_its_last_day_when_the_last_run_was_a_success() -> None:
    log = log_of(CALENDAR)
    log.run("03-14 10:00", "R", done_pct=None, run_time_s=2400.0)
    assert stand(log, "03-14 23:59").stage == "c"
    standing = stand(log, "03-15 00:00")
    assert (standing.stage, standing.decisions[-1].why) == ("end", "it is done; on to stage end")


def test_a_calendar_whose_last_run_was_no_success_has_its_last_week_again() -> None:
    log = log_of(CALENDAR)
    log.run("03-14 10:00", "R", done_pct=None, run_time_s=600.0)
    standing = stand(log, "03-16 08:00")
    assert (standing.stage, standing.today.workout) == ("c", "run 20min")
    log.run("03-16 10:00", "S", done_pct=None, run_time_s=600.0)
    log.run("03-21 10:00", "T", done_pct=None, run_time_s=2400.0)
    assert stand(log, "03-21 12:00").stage == "end"


def test_a_calendar_goes_on_after_a_hold_from_where_the_days_are() -> None:
    log = log_of(CALENDAR)
    log.decided("03-02 08:00", Verdict.HOLD)
    log.decided("03-10 08:00", Verdict.RELEASE)
    log.run("03-14 10:00", "R", done_pct=None, run_time_s=2400.0)
    assert stand(log, "03-09 08:00").stage == "c"
    assert stand(log, "03-15 00:00").stage == "end"


def test_a_calendar_in_kilometres() -> None:
    log = log_of('[[stage]]\nid = "c"\nkind = "calendar"\ncalendar = {unit = "km", days = [[5, 0, 0, 0, 0, 0, 0]]}\n')
    assert today(log, "03-01 09:00").workout == "run 5km"
    log.run("03-01 10:00", "R", done_pct=None, run_distance_m=4980.0)
    assert stand(log, "03-08 00:00").decisions[-1].outcome is Outcome.REPEAT  # the only stage


VOLUME = """
[[stage]]
id = "v"
kind = "volume"
unlock = [{at_pct = 50, allow = ["hills"]}, {at_pct = 75, allow = ["track"]}]
[stage.weekly]
start = "observed"
growth_pct = [10, 30]
until = "100% pre_injury.weekly"
longest = "50% pre_injury.longest"
[[stage]]
id = "end"
session = [{do = "run 2mi"}]
[schedule]
surface = ["grass"]
no = ["hills", "speed"]
"""


def volume_log(pre: str = 'pre_injury = {weekly = "20km", longest = "10km"}\n') -> Log:
    log = Log()
    log.known("01-01 00:00")
    log.run("02-24 18:00", "before", distance_m=8000.0)
    log.plan("03-01 00:00", pre + VOLUME)
    return log


def test_a_week_grows_from_what_was_run() -> None:
    log = volume_log()
    first = today(log, "03-01 09:00")
    assert (first.workout, first.left["distance_7d_m"], first.left["distance_m"]) == (None, 10400.0, 5000.0)
    assert first.workout_words == "no fixed workout: the week grows, towards 100% pre_injury.weekly"
    log.run("03-02 18:00", "a", distance_m=5000.0)
    log.run("03-04 18:00", "b", distance_m=5400.0)
    full = today(log, "03-05 08:00")
    assert (full.may_run, full.next_run_wall_ns) == (False, at("03-08 00:00"))
    assert full.why == ("10.4 of 10.4 km in week 1 of the stage (stage.weekly)",)
    second = today(log, "03-08 08:00")
    assert (second.may_run, second.left["distance_7d_m"]) == (True, pytest.approx(13520.0))
    assert (second.surfaces, second.not_allowed) == (("grass", "hills"), ("speed",))
    idle = today(log, "03-15 08:00")  # nothing in week 2: back to the first ceiling
    assert idle.left["distance_7d_m"] == pytest.approx(10400.0)


def test_a_week_that_reaches_its_goal_leads_on() -> None:
    log = volume_log()
    for day in (2, 4):
        log.run(f"03-{day:02} 18:00", f"a{day}", distance_m=5200.0)
    assert stand(log, "03-05 08:00").decisions[-1].why == "10.4 of 20.0 km in 7 days"
    for day in range(8, 14):
        log.run(f"03-{day:02} 18:00", f"a{day}", distance_m=2500.0)
    log.run("03-14 08:00", "c", distance_m=5000.0)
    assert stand(log, "03-14 12:00").stage == "end"


def test_the_ceiling_is_no_higher_than_the_goal() -> None:
    log = volume_log('pre_injury = {weekly = "9km", longest = "10km"}\n')
    assert today(log, "03-01 09:00").left["distance_7d_m"] == 9000.0


@pytest.mark.parametrize(
    ("runs", "pre", "why"),
    [
        ([], 'pre_injury = {weekly = "20km"}\n', "nothing was run in the 7 days before the stage"),
        ([None], 'pre_injury = {weekly = "20km"}\n', "a run has no distance"),
    ],
)
def test_a_week_that_grows_from_nothing_known_is_not_checked(runs: list, pre: str, why: str) -> None:
    log = Log()
    log.known("01-01 00:00")
    for distance_m in runs:
        log.run("02-24 18:00", "before", distance_m=distance_m)
    log.plan("03-01 00:00", pre + VOLUME.replace('longest = "50% pre_injury.longest"\n', ""))
    found = check(log, "03-02 08:00", "stage.weekly")
    assert (found.status, found.text) == ("not_checked", why)
    assert "distance_7d_m" not in today(log, "03-02 08:00").left
    assert today(log, "03-02 08:00").may_run is True


def test_a_week_with_a_run_of_unknown_length_is_not_checked_and_leads_nowhere() -> None:
    log = volume_log()
    log.run("03-02 18:00", "a", distance_m=None)
    assert check(log, "03-03 08:00", "stage.weekly").text == "a run has no distance"
    assert stand(log, "03-03 08:00").decisions[-1].why == "the week is not known: a run has no distance"
    assert check(log, "03-09 08:00", "stage.weekly").text == "a run has no distance"


def test_a_volume_from_a_length_towards_one() -> None:
    text = VOLUME.replace('"observed"', '"10km"').replace('"100% pre_injury.weekly"', '"12km"')
    text = text.replace('longest = "50% pre_injury.longest"\n', "")
    log = log_of('pre_injury = {weekly = "40km"}\n' + text)
    assert today(log, "03-01 09:00").left["distance_7d_m"] == 12000.0
    assert today(log, "03-01 09:00").not_allowed == ("hills", "speed")


def test_surfaces_and_what_lower_stages_have_allowed() -> None:
    text = """
[schedule]
surface = ["treadmill"]
no = ["hills", "speed", "track"]
[[stage]]
id = "1"
session = [{do = "run 5min"}]
allow = ["track"]
[[stage]]
id = "2"
session = [{do = "run 5min"}]
surface = ["grass"]
allow = ["hills"]
"""
    log = log_of(text)
    assert (today(log, "03-01 09:00").surfaces, today(log, "03-01 09:00").not_allowed) == (
        ("treadmill",),
        ("hills", "speed"),
    )
    log.decided("03-02 09:00", Verdict.SET_STAGE, "2")
    assert (today(log, "03-02 09:00").surfaces, today(log, "03-02 09:00").not_allowed) == (("grass",), ("speed",))


# ------------------------------------------------------------------------------------------ load


GROWTH = '[limit.week_growth]\nwarn_pct = 130\nstop_pct = 200\nmin_base = "4km"\n'


def grown(this_week_m: float, before_m: float | None) -> Log:
    log = log_of(STAGE + GROWTH)
    if before_m != 0:
        log.run("02-25 18:00", "before", distance_m=before_m)
    log.run("03-04 08:00", "now", distance_m=this_week_m)
    return log


@pytest.mark.parametrize(
    ("now_m", "before_m", "status", "may_run", "limit_m"),
    [
        (12000.0, 10000.0, "within", True, 13000.0),
        (13000.0, 10000.0, "over", True, 13000.0),
        (20000.0, 10000.0, "over", False, 13000.0),
        (5000.0, 1000.0, "within", True, 5200.0),
        (5200.0, 0, "over", True, 5200.0),
        (5000.0, None, "not_checked", True, None),
    ],
)
def test_a_week_against_the_one_before(
    now_m: float, before_m: float | None, status: str, may_run: bool, limit_m: float | None
) -> None:
    log = grown(now_m, before_m)
    found = check(log, "03-05 08:00", "limit.week_growth")
    assert (found.status, found.limit) == (status, limit_m)
    assert today(log, "03-05 08:00").may_run is may_run
    if not may_run:
        assert today(log, "03-05 08:00").next_run_wall_ns is None
        assert "(limit.week_growth)" in today(log, "03-05 08:00").why[0]


def test_growth_from_nothing_is_not_checked() -> None:
    log = log_of(STAGE + GROWTH.replace('min_base = "4km"\n', ""))
    log.run("03-04 08:00", "now", distance_m=1000.0)
    assert check(log, "03-05 08:00", "limit.week_growth").text == "nothing was run in the week before"


SPIKE = '[limit.session_spike]\nwarn_pct = 110\nmin_base = "2km"\n'


@pytest.mark.parametrize(
    ("do", "runs", "status", "value", "limit_m"),
    [
        ("run 5km", [5000.0], "within", 5000.0, 5500.0),
        ("run 6km", [5000.0], "over", 6000.0, 5500.0),
        ("run 30min", [5000.0], "undecided", None, 5500.0),
        ("run 3km", [], "over", 3000.0, 2200.0),
        ("run 3km", [None], "not_checked", None, None),
    ],
)
def test_the_longest_run_of_30_days(
    do: str, runs: list, status: str, value: float | None, limit_m: float | None
) -> None:
    log = log_of(STAGE.replace("run 30min", do) + SPIKE)
    for distance_m in runs:
        log.run("02-10 08:00", "far", distance_m=distance_m)
    found = check(log, "03-05 08:00", "limit.session_spike")
    assert (found.status, found.value) == (status, value)
    assert found.limit == (None if limit_m is None else pytest.approx(limit_m))
    assert today(log, "03-05 08:00").may_run is True
    if limit_m is not None:
        assert today(log, "03-05 08:00").left["distance_m"] == pytest.approx(limit_m)


def test_ratios_mean_nothing_while_she_walks_and_runs_in_turn() -> None:
    log = log_of(STAGE.replace("run 30min", "5x(walk 2min, run 3min)") + SPIKE + GROWTH)
    for rule in ("limit.session_spike", "limit.week_growth"):
        found = check(log, "03-05 08:00", rule)
        assert (found.status, found.text) == ("not_checked", "counts from continuous running on")


def test_stages_in_7_days_are_told() -> None:
    log = log_of(A)
    found = check(log, "03-05 08:00", "schedule.max_stage_steps_7d")
    assert (found.status, found.text) == ("within", "0 of 2 stages climbed in 7 days")
    for hour in ("08", "09"):
        log.decided(f"03-05 {hour}:00", Verdict.ADVANCE)
    assert check(log, "03-05 10:00", "schedule.max_stage_steps_7d").status == "within"
    more = A.replace("max_stage_steps_7d = 2", "max_stage_steps_7d = 1")
    log.plan("03-05 11:00", more)
    assert check(log, "03-05 12:00", "schedule.max_stage_steps_7d").status == "over"


# ------------------------------------------------------------------------------------------ what a run records


def test_a_run_records_the_plan_of_today_and_what_was_run_before() -> None:
    log = log_of(B)
    for name, when, far_m in (("a", "02-10 08:00", 9000.0), ("b", "02-20 08:00", 4000.0), ("c", "02-27 08:00", 3000.0)):
        run = log.run(when, name, distance_m=far_m, run_time_s=600.0, impact_load={"left": 10.0, "right": 9.0})
        log.add(RunFact(Key("h", 0, name), run.at_wall_ns, run.end_wall_ns, name, "import"))  # told twice
    day = day_of(stand(log, "03-02 08:00"), log.facts, at("03-02 08:00"))
    assert (day.stage, day.workout, day.success_reps, day.may_run) == ("1", "3-6x(walk 4min, run 1min)", 6, True)
    assert (day.longest_30d_m, day.distance_7d_m, day.previous_7d_m) == (9000.0, 3000.0, 4000.0)
    assert (day.run_time_7d_s, day.impact_load_7d) == (600.0, {"left": 10.0, "right": 9.0})
    assert day.impact_load_previous_7d == {"left": 10.0, "right": 9.0}
    assert (day.stages, day.incomplete, day.revision) == (("1", "2", "3"), None, 1)
    assert Day.from_json(day.to_json()) == day


def test_what_is_not_known_is_not_told() -> None:
    log = log_of(B, known=None)
    log.run("02-27 08:00", "c", run_time_s=None)
    day = day_of(stand(log, "03-02 08:00"), log.facts, at("03-02 08:00"))
    assert (day.longest_30d_m, day.distance_7d_m, day.run_time_7d_s, day.impact_load_7d) == (None, None, None, {})
    assert day.incomplete == "nobody has said from when on all runs are on file"
    log.known("01-01 00:00")
    log.run("02-28 08:00", "d", impact_load={"left": 1.0})
    log.plan("03-01 09:00", "surprise = 1\n")
    day = day_of(stand(log, "03-02 08:00"), log.facts, at("03-02 08:00"))
    assert (day.distance_7d_m, day.run_time_7d_s, day.impact_load_7d) == (6000.0, None, {})
    assert day.stages == ("1", "2", "3")
    assert day.may_run is False


@pytest.mark.parametrize("values", [{}, {"plan": "p", "revision": 1, "stage": None, "why": "no"}, {"why": [1]}])
def test_a_day_of_another_shape_is_refused(values: dict) -> None:
    with pytest.raises(ValueError, match="day"):
        Day.from_json(values)


@pytest.mark.parametrize(
    ("seconds", "words"), [(5400.0, "90 min"), (7200.0, "2 h"), (48 * 3600.0, "48 h"), (345600.0, "4 days")]
)
def test_spans_in_words(seconds: float, words: str) -> None:
    assert span_words(seconds) == words


def test_a_day_is_24_hours_but_twice_a_year() -> None:
    assert at("03-30 00:00") - at("03-29 00:00") == DAY_NS - 3600 * 10**9
    assert date(2026, 3, 29).weekday() == 6


def test_a_calendar_whose_last_week_was_not_run_has_it_again() -> None:
    """One run of the first day is no calendar done, however many days have passed since."""
    log = log_of(CALENDAR)
    log.run("03-01 10:00", "R", done_pct=None, run_time_s=1800.0)
    log.run("03-04 10:00", "S", done_pct=None, run_time_s=2100.0)
    standing = stand(log, "03-20 08:00")
    assert (standing.stage, standing.decisions[-1].why) == ("c", "day 4 of 14 of the calendar")
    log.run("03-21 10:00", "T", done_pct=None, run_time_s=2400.0)
    assert stand(log, "03-21 12:00").stage == "end"


@pytest.mark.parametrize(("day", "stage"), [("07", "c"), ("08", "end")])
def test_the_last_week_begins_with_its_first_day(day: str, stage: str) -> None:
    log = log_of(CALENDAR)
    log.run(f"03-{day} 12:00", "R")
    assert stand(log, "03-15 00:00").stage == stage


def test_a_last_run_that_was_no_success_keeps_her_in_the_calendar() -> None:
    log = log_of(CALENDAR)
    log.run("03-04 10:00", "R", done_pct=None, run_time_s=2100.0)
    log.say("03-20 08:00", "R", {"rpe": 3.0})
    log.run("03-21 10:00", "S", done_pct=None, run_time_s=600.0)
    assert stand(log, "03-22 12:00").decisions[-1].outcome is Outcome.REPEAT
    assert stand(log, "03-22 12:00").stage == "c"


def test_no_run_in_30_days_is_known_too() -> None:
    """So that a limit with a floor counts in the first run after a long break."""
    log = log_of(B)
    log.run("01-05 08:00", "a", distance_m=9000.0)
    day = day_of(stand(log, "03-02 08:00"), log.facts, at("03-02 08:00"))
    assert (day.longest_30d_m, day.distance_7d_m, day.incomplete) == (0.0, 0.0, None)
    log.run("03-01 09:00", "b", distance_m=None)
    day = day_of(stand(log, "03-02 08:00"), log.facts, at("03-02 08:00"))
    assert (day.longest_30d_m, day.incomplete) == (None, "a run has no distance")


def test_no_run_on_file_is_not_no_run_where_more_may_be_missing() -> None:
    log = log_of(B, known="02-20 00:00")
    day = day_of(stand(log, "03-02 08:00"), log.facts, at("03-02 08:00"))
    assert (day.longest_30d_m, day.incomplete) == (None, "not all runs of that time are on file")
