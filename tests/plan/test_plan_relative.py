"""Limits against the stage, her history, her impacts; and the ones on how she runs."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from sensord.errors import InputError
from sensord.model import NS, Activity, Alert, AlertPhase, Level, LimitState, RunTotals, Side, canonical_json, payload
from sensord.plan.breach import Turn
from sensord.plan.cadence import Watched
from sensord.plan.limits import Limits
from sensord.plan.rule import Name, Rule, RunClock
from sensord.plan.standing import Day
from tests.plan.made_plans import FIXED_IMPACT, asymmetry, limits, stride, totals

L, R = Side.LEFT, Side.RIGHT
LADDER = """\
[[stage]]
id = "1"
session = [{do = "5x(walk 1min, run 2min)"}]
[[stage]]
id = "2"
session = [{do = "3-4x(walk 2min, run 400m)"}]
[[stage]]
id = "3"
session = [{do = "run 30min"}]
[[stage]]
id = "4"
kind = "volume"
weekly = {start = "20km", growth_pct = [10], until = "40km"}
"""
STAGES = ("1", "2", "3", "4")
WORKOUTS = {"1": "5x(walk 1min, run 2min)", "2": "3-4x(walk 2min, run 400m)", "3": "run 30min", "4": None}
SPIKE = "[limit.session_spike]\n"
WEEK = '[limit.week_growth]\nwarn_pct = 130\nstop_pct = 150\nmin_base = "10km"\n'
LOAD = "[limit.impact_load]\nwarn_pct = 130\n"


def day(stage: str | None = "3", **known: object) -> dict[str, object]:
    workout = WORKOUTS.get(stage or "")
    stages = () if stage is None else STAGES
    return Day("test", 1, stage, **({"workout": workout, "stages": stages} | known)).to_json()


def now(under_test: Limits, rule: str) -> LimitState:
    """Where a limit stands at the start."""
    return next(s for s in under_test.start(0) if isinstance(s, LimitState) and s.rule == rule)


def reason(body: str, rule: str, **setting: object) -> str | None:
    return now(limits(body, **setting), rule).reason


def run_to(under_test: Limits, *metres: float, run_s: float | None = None) -> list[Alert]:
    """Totals that come to these distances, a second each."""
    under_test.start(0)
    said = []
    for second, m in enumerate(metres, start=1):
        said += under_test.on_totals(totals(m, run_s=m / 3 if run_s is None else run_s, run_m=m), second * NS)
    return [one for one in said if isinstance(one, Alert)]


# ------------------------------------------------------------------------------------------------ of the stage


@pytest.mark.parametrize(
    ("of", "stage", "said"),
    [
        ("run_time", "1", None),
        ("run_time", "2", "the stage prescribes distances, not times"),
        ("run_time", "4", "stage 4 has no workout"),
        ("run_time", None, "stage not known"),
        ("distance", "1", "the stage prescribes times, not distances"),
        ("distance", "2", None),
        ("distance", "4", "stage 4 has no workout"),
    ],
)
def test_a_share_of_the_stage_is_known_where_the_stage_says_so_much(
    of: str, stage: str | None, said: str | None
) -> None:
    counts = 'counts = "run"\n' if of == "distance" else ""
    body = f'[limit.{of}]\nof = "stage"\n{counts}warn_pct = 100\nstop_pct = 110\n' + LADDER
    state = now(limits(body, day=day(stage)), f"limit.{of}")
    if said is None:
        assert state.status.value == "undecided"
        whole = 600.0 if of == "run_time" else 1600.0  # the most repetitions of a range
        assert (state.warn, state.stop) == pytest.approx((whole, 1.1 * whole))
    else:
        assert (state.status.value, state.reason, state.warn, state.stop) == ("not_checked", said, None, None)


def test_without_a_day_the_stage_is_not_known_and_that_is_said_to_the_end() -> None:
    under_test = limits('[limit.run_time]\nof = "stage"\nstop_pct = 110\n' + LADDER)
    assert now(under_test, "limit.run_time").reason == "stage not known"
    assert under_test.on_totals(totals(9e5, run_s=9e5), NS) == under_test.on_tick(2 * NS, [L]) == []
    assert [s.reason for s in under_test.end(3 * NS)] == []
    assert under_test.checked == (0, 1)


def test_repeats_that_nobody_set_are_not_one() -> None:
    body = '[limit.run_time]\nof = "stage"\nstop_pct = 100\n' + LADDER
    open_ended = "?x(walk 2min, run 3min)"
    assert reason(body, "limit.run_time", day=day("1", workout=open_ended)) == "nobody said how often to repeat"
    state = now(limits(body, day=day("1", workout=open_ended, repeats=4)), "limit.run_time")
    assert state.stop == 720.0


def test_a_workout_that_is_none_is_said() -> None:
    body = '[limit.run_time]\nof = "stage"\nstop_pct = 100\n' + LADDER
    said = reason(body, "limit.run_time", day=day("1", workout="run to the hills"))
    assert said is not None
    assert said.startswith("workout not understood")
    assert reason(SPIKE + LADDER, "limit.session_spike", day=day("1", workout="run!", longest_30d_m=1.0)) is not None


def test_the_stage_text_says_fact_limit_source_and_what_remains() -> None:
    body = '[limit.run_time]\nof = "stage"\nwarn_pct = 100\nstop_pct = 110\nsource = "Dr A"\n' + LADDER
    under_test = limits(body, day=day("1"))
    under_test.start(0)
    said = under_test.on_totals(totals(1.0, run_s=600.4), NS) + under_test.on_totals(totals(1.0, run_s=661.0), 2 * NS)
    warn, stop = (one for one in said if isinstance(one, Alert))
    assert warn.text == "Running time 10:00 of 10:00 (limit set by Dr A). Stop at 11:00, 1:00 left."
    assert (warn.cue, stop.cue) == ("Time nearly done", "Stop running")
    assert stop.text == "Running time 11:01 of 11:00 (limit set by Dr A). Nothing left."


@pytest.mark.parametrize(
    ("stage", "said"),
    [("1", "counts from stage 3 on"), ("3", None), ("4", None), (None, "stage not known"), ("9", "stage not known")],
)
def test_from_a_stage_on(stage: str | None, said: str | None) -> None:
    body = '[limit.distance]\nstop = "5km"\nfrom_stage = "3"\n[limit.steps]\nstop = 100\nfrom_stage = "3"\n'
    body += '[limit.speed]\nstop = "4m/s"\nfrom_stage = "3"\n' + LADDER
    under_test = limits(body, day=day(stage))
    states = [s for s in under_test.start(0) if isinstance(s, LimitState)]
    assert {s.reason for s in states} == ({said} if said else {"no whole stride yet", "0 of 8 strides"})


def test_a_stage_that_the_ladder_of_the_day_lacks_is_said() -> None:
    """The plan was changed after the day was written down."""
    body = '[limit.distance]\nstop = "5km"\nfrom_stage = "2"\n' + LADDER
    assert reason(body, "limit.distance", day=day("3", stages=("1", "3"))) == "no stage 2 in the plan"


# ------------------------------------------------------------------------------------------------ her history


def test_a_spike_without_a_number_warns_from_110_percent_and_says_that_nobody_set_it() -> None:
    under_test = limits(SPIKE + LADDER, day=day(longest_30d_m=10_000.0))
    assert now(under_test, "limit.session_spike").warn == 110.0
    assert run_to(under_test, 10_000.0, 10_999.0) == []
    (alert,) = run_to(under_test, 11_000.0, 12_000.0)
    assert (alert.level.value, alert.value, alert.cue, alert.unit) == (
        "warn",
        pytest.approx(110.0),
        "Run too long",
        "%",
    )
    assert alert.text == (
        "Distance 11.00 km, 110 % of her longest run in 30 days (10.00 km); limit 110 % "
        "(limit set by default, after Frandsen 2025). Nothing left."
    )


def test_a_spike_says_what_is_left_in_metres() -> None:
    body = SPIKE + 'info_pct = 110\nwarn_pct = 130\nstop_pct = 200\nsource = "Dr A"\n' + LADDER
    alerts = run_to(limits(body, day=day(longest_30d_m=5000.0)), 5500.0, 6500.0, 10_000.0)
    assert [(a.level.value, a.cue) for a in alerts] == [
        ("info", "Long run noted"), ("warn", "Run gets long"), ("stop", "Stop running"),
    ]  # fmt: skip
    assert alerts[0].text.endswith("limit 110 % (limit set by Dr A). Warning at 130 % (6.50 km), 1.00 km left.")
    assert alerts[1].text.endswith("Stop at 200 % (10.00 km), 3.50 km left.")


@pytest.mark.parametrize(
    ("stage", "known", "said"),
    [
        ("1", {"longest_30d_m": 5000.0}, "counts from continuous running on"),
        ("2", {"longest_30d_m": 5000.0}, "counts from continuous running on"),
        ("3", {"longest_30d_m": 5000.0}, None),
        ("4", {"longest_30d_m": 5000.0}, None),
        ("3", {"incomplete": "history begins 3 days ago"}, "history begins 3 days ago"),
        ("3", {"incomplete": "clock not trusted"}, "clock not trusted"),
        ("3", {}, "history not known"),
        ("3", {"longest_30d_m": 0.0}, "no run in the 30 days before"),
        (None, {"longest_30d_m": 5000.0}, "stage not known"),
    ],
)
def test_a_spike_is_checked_when_it_can_be(stage: str | None, known: dict[str, object], said: str | None) -> None:
    state = now(limits(SPIKE + LADDER, day=day(stage, **known)), "limit.session_spike")
    assert (state.status.value, state.reason) == (
        ("not_checked", said) if said else ("undecided", "no whole stride yet")
    )


def test_without_a_ladder_ratios_count_and_without_a_day_nothing_is_known() -> None:
    assert reason(SPIKE, "limit.session_spike", day=day(None, longest_30d_m=100.0)) == "no whole stride yet"
    assert reason(SPIKE, "limit.session_spike") == "history not known"
    assert reason(WEEK, "limit.week_growth") == "history not known"


def test_a_floor_stands_in_for_a_history_of_next_to_nothing() -> None:
    body = SPIKE + 'min_base = "3km"\n'
    (alert,) = run_to(limits(body, day=day(None, longest_30d_m=400.0)), 3299.0, 3300.0)
    assert "110 % of the least that counts for her longest run in 30 days (3.00 km)" in alert.text


def test_a_week_counts_this_run_and_the_six_days_before() -> None:
    known = {"distance_7d_m": 20_000.0, "previous_7d_m": 20_000.0}
    alerts = run_to(limits(WEEK + LADDER, day=day(**known)), 5999.0, 6000.0, 10_000.0)
    assert [(a.level.value, a.cue) for a in alerts] == [("warn", "Week gets long"), ("stop", "Stop running")]
    assert alerts[0].text == (
        "In 7 days 26.00 km, 130 % of the 7 days before (20.00 km); limit 130 % (limit set by plan test). "
        "Stop at 150 % (30.00 km), 4.00 km left."
    )


def test_a_week_after_a_small_one_is_measured_by_the_floor() -> None:
    under_test = limits(WEEK, day=day(None, distance_7d_m=8000.0, previous_7d_m=500.0))
    assert run_to(under_test, 4999.0) == []
    assert [a.level.value for a in run_to(under_test, 4999.0, 5000.0)] == ["warn"]


def test_a_week_before_which_nobody_ran_has_no_growth() -> None:
    body = "[limit.week_growth]\nwarn_pct = 130\n"
    known = {"distance_7d_m": 100.0, "previous_7d_m": 0.0}
    assert reason(body, "limit.week_growth", day=day(None, **known)) == "no run in the 7 days before these"
    half = day(None, previous_7d_m=100.0, incomplete="two days are missing")
    assert reason(body, "limit.week_growth", day=half) == "two days are missing"


# ------------------------------------------------------------------------------------------------ impact load


def land(under_test: Limits, *peaks: float | None, foot: Side = L, run: bool = True, clipped: bool = False) -> list:
    said = []
    for number, peak in enumerate(peaks, start=1):
        said += under_test.on_stride(stride(foot, peak, run=run, clipped=clipped), number * NS)
        said += under_test.on_totals(totals(3.0 * number, run_s=float(number), steps=2 * number), number * NS)
    return said


def loaded(before: float = 100.0, so_far: float = 0.0, **more: object) -> dict[str, object]:
    known = {"impact_load_previous_7d": {"left": before}, "impact_load_7d": {"left": so_far}}
    return day(None, **(known | more))


def test_impacts_add_up_against_the_week_before() -> None:
    under_test = limits(LOAD + FIXED_IMPACT, day=loaded(100.0, 120.0))
    assert now(under_test, "limit.impact_load").status.value == "undecided"
    said = land(under_test, *[10.0] * 9)  # usual 10 g: each counts 1
    assert [s.status.value for s in said if isinstance(s, LimitState) and s.rule == "limit.impact_load"] == ["within"]
    said = land(under_test, 10.0)
    (alert,) = [a for a in said if isinstance(a, Alert)]
    assert alert.text == (
        "Impact load on the left in 7 days 130 % of the 7 days before; limit 130 % (limit set by plan test). "
        "Nothing left."
    )
    assert (alert.cue, alert.rule, alert.metric) == ("Impact load high", "limit.impact_load", "impact_load_left")
    assert under_test.impact_loads == {"left": pytest.approx(10.0)}


def test_hard_impacts_count_by_the_exponent_and_other_strides_do_not() -> None:
    body = "[limit.impact_load]\nwarn_pct = 130\nstop_pct = 200\nexponent = 2.0\n" + FIXED_IMPACT
    under_test = limits(body, day=loaded(100.0))
    under_test.start(0)
    land(under_test, 20.0)
    land(under_test, 20.0, foot=R)
    land(under_test, 20.0, run=False)
    assert under_test.impact_loads == {"left": pytest.approx(4.0)}
    assert under_test.impact_load_exponent == 2.0
    assert limits(FIXED_IMPACT).impact_load_exponent is None
    (alert,) = [a for a in land(under_test, *[20.0] * 32) if isinstance(a, Alert)]
    assert alert.text.endswith("Stop at 200 %, 68 points left.")


def test_impacts_that_are_missing_or_clipped_leave_it_open_but_may_be_too_much_anyway() -> None:
    under_test = limits(LOAD + FIXED_IMPACT, day=loaded(100.0, 100.0))
    under_test.start(0)
    said = land(under_test, 10.0, None, 10.0)
    states = [s for s in said if isinstance(s, LimitState) and s.rule == "limit.impact_load"]
    assert states[-1].reason == "50 % of impacts not measured or clipped"
    assert all(s.status.value != "within" for s in states[1:])
    said = land(under_test, *[16.0] * 20, clipped=True)
    assert [a.level.value for a in said if isinstance(a, Alert) and a.rule == "limit.impact_load"] == ["warn"]


@pytest.mark.parametrize(
    ("body", "setting", "said"),
    [
        (LOAD, {"day": loaded()}, "no impact baseline: the plan has no [impact]"),
        (LOAD + FIXED_IMPACT, {"day": loaded(), "pods": (R,)}, "no left pod"),
        (LOAD + FIXED_IMPACT, {"day": loaded(0.0)}, "no impacts in the 7 days before these"),
        (
            LOAD + FIXED_IMPACT,
            {"day": day(None, previous_7d_m=0.0, distance_7d_m=0.0)},
            "no impacts in the 7 days before these",
        ),
        (LOAD + FIXED_IMPACT, {"day": loaded(impact_load_7d={}, distance_7d_m=900.0)}, "history not known"),
        (LOAD + FIXED_IMPACT, {"day": loaded(impact_load_7d={}, distance_7d_m=0.0)}, "no whole stride yet"),
        (LOAD + FIXED_IMPACT, {"day": day(None, incomplete="clock not trusted")}, "clock not trusted"),
        (LOAD + FIXED_IMPACT, {}, "history not known"),
    ],
)
def test_an_impact_load_that_cannot_be_known_is_not_checked(body: str, setting: dict[str, object], said: str) -> None:
    under_test = limits(body, **setting)
    assert now(under_test, "limit.impact_load").reason == said
    land(under_test, 10.0, 10.0)
    counted = "impact" in body.replace("impact_load", "")
    assert under_test.impact_loads == ({"left": 2.0} if counted else {})  # the next weeks need it


def test_without_a_usual_impact_nothing_is_added_up() -> None:
    body = LOAD + FIXED_IMPACT.replace('{mode = "fixed", value_g = 10.0}', '{mode = "sessions", n = 3}')
    under_test = limits(body, day=loaded())
    under_test.start(0)
    said = land(under_test, 10.0, 10.0)
    states = [s for s in said if isinstance(s, LimitState) and s.rule == "limit.impact_load"]
    assert [s.reason for s in states] == ["100 % of impacts not measured or clipped"]
    assert under_test.impact_loads == {}


def test_both_feet_are_added_up_by_themselves() -> None:
    known = day(None, impact_load_previous_7d={"left": 9.0, "right": 9.0})
    for body, side in ((LOAD + 'side = "both"\n', "left"), (LOAD, "none")):
        under_test = limits(body + FIXED_IMPACT, side=side, day=known)
        assert under_test.rules[:2] == ("limit.impact_load.left", "limit.impact_load.right")


# ------------------------------------------------------------------------------------------------ steps, downhill


@pytest.mark.parametrize(
    ("foot", "counts", "value", "metric", "text"),
    [
        ("both", "all", 100.0, "steps", "Steps 100 of 40"),
        ("each", "all", 50.0, "steps_a_foot", "Steps of each foot 50 of 40"),
        ("injured", "run", 40.0, "run_steps_a_foot", "Running steps on the left 40 of 40"),
    ],
)  # fmt: skip
def test_steps_of_both_feet_or_of_one(foot: str, counts: str, value: float, metric: str, text: str) -> None:
    under_test = limits(f'[limit.steps]\nfoot = "{foot}"\ncounts = "{counts}"\nstop = 40\n')
    under_test.start(0)
    said = under_test.on_totals(RunTotals(steps=100, distance_m=90.0, run_steps=80, run_time_s=30.0), NS)
    (alert,) = [a for a in said if isinstance(a, Alert)]
    assert (alert.value, alert.metric) == (value, metric)
    assert alert.text == f"{text} (limit set by plan test). Nothing left."


def test_no_injured_side_has_no_steps() -> None:
    body = '[limit.steps]\nfoot = "injured"\nstop = 40\n'
    assert reason(body, "limit.steps", side="none") == "no injured side"


def test_downhill_counts_where_the_slope_is_known() -> None:
    under_test = limits('[limit.downhill]\nwarn = "100m"\nstop = "200m"\n')
    assert now(under_test, "limit.downhill").reason == "slope not known"
    said = under_test.on_totals(totals(50.0, run_s=1.0), NS)
    assert said == []  # said at the start
    under_test.on_grade(-5.0)
    said = under_test.on_totals(totals(149.0, run_s=2.0), 2 * NS) + under_test.on_totals(
        totals(150.0, run_s=3.0), 3 * NS
    )
    (alert,) = [a for a in said if isinstance(a, Alert)]
    assert alert.text == "Downhill 100 m of 100 m (limit set by plan test). Stop at 200 m, 100 m left."
    under_test.on_grade(2.0)
    assert [a for a in under_test.on_totals(totals(500.0, run_s=4.0), 4 * NS) if isinstance(a, Alert)] == []


def test_a_part_without_a_slope_is_not_within() -> None:
    under_test = limits('[limit.downhill]\nwarn = "100m"\n')
    under_test.start(0)
    under_test.on_totals(totals(50.0, run_s=1.0), NS)
    under_test.on_grade(-5.0)
    (state,) = under_test.end(2 * NS)
    assert (state.status.value, state.reason) == ("not_checked", "slope not known for 50 m")


def test_a_slope_that_is_known_from_the_start_and_descent() -> None:
    under_test = limits('[limit.downhill]\nof = "drop"\nwarn = "10m"\n', grade_pct=-4.0)
    under_test.start(0)
    assert under_test.on_totals(totals(240.0, run_s=1.0), NS)[0].status.value == "within"
    (alert,) = [a for a in under_test.on_totals(totals(250.0, run_s=2.0), 2 * NS) if isinstance(a, Alert)]
    assert (alert.value, alert.metric) == (pytest.approx(10.0), "downhill_drop")


# ------------------------------------------------------------------------------------------------ how she runs


def strides_of(under_test: Limits, seconds: float, begin_s: float = 0.0, **values: object) -> list:
    """Both feet run, a stride of each in 0.7 s; running time is real time."""
    said: list = []
    for number in range(1, round(seconds / 0.35) + 1):
        t_s = begin_s + 0.35 * number
        foot = L if number % 2 else R
        one = replace(stride(foot, None), **{k: v(foot) if callable(v) else v for k, v in values.items()})
        said += under_test.on_stride(one, round(t_s * NS))
        said += under_test.on_totals(totals(3.0 * t_s, run_s=t_s), round(t_s * NS))
    return said


def alerts_of(said: list) -> list[tuple[str, str, str]]:
    return [(a.phase.value, a.level.value, a.cue) for a in said if isinstance(a, Alert)]


def test_speed_is_limited_as_pace_or_speed_and_ends_below_the_margin() -> None:
    under_test = limits('[limit.speed]\nwarn = "5:00/km"\nstop = "14.4km/h"\nsustained = "10s"\n')
    state = now(under_test, "limit.speed")
    assert (state.warn, state.stop, state.unit) == (pytest.approx(1000 / 300), pytest.approx(4.0), "m/s")
    said = strides_of(under_test, 20, speed_mps=3.0, speed_source="trajectory")
    assert alerts_of(said) == []
    said = strides_of(under_test, 20, 20.0, speed_mps=3.6, speed_source="trajectory")
    (warn,) = [a for a in said if isinstance(a, Alert)]
    assert warn.text == (
        "Speed 3.60 m/s (4:38/km), limit 3.33 m/s (5:00/km) (limit set by plan test). Clears below 3.23 m/s (5:09/km)."
    )
    assert alerts_of(strides_of(under_test, 20, 40.0, speed_mps=4.2, speed_source="trajectory")) == [
        ("onset", "stop", "Slow down now"),
    ]
    assert alerts_of(strides_of(under_test, 20, 60.0, speed_mps=3.3, speed_source="trajectory")) == []
    said = strides_of(under_test, 30, 80.0, speed_mps=3.0, speed_source="trajectory")
    assert alerts_of(said) == [("recovery", "stop", "Back inside limit"), ("recovery", "warn", "Back inside limit")]
    reasons = [s.reason for s in said if isinstance(s, LimitState) and s.reason]
    assert any(r.startswith("back inside for") for r in reasons)


def test_a_speed_by_configured_step_lengths_is_no_speed() -> None:
    under_test = limits('[limit.speed]\nwarn = "3m/s"\n')
    under_test.start(0)
    said = strides_of(under_test, 40, speed_mps=9.0, speed_source="configured")
    said += under_test.on_tick(40 * NS)
    assert [s.reason for s in said if isinstance(s, LimitState)][-1] == "speed not measured"
    assert under_test.checked == (0, 1)


def test_walking_and_standing_say_that_she_does_not_run() -> None:
    under_test = limits('[limit.speed]\nwarn = "4m/s"\n')
    under_test.start(0)
    strides_of(under_test, 20, speed_mps=3.0, speed_source="trajectory")
    assert under_test.on_tick(21 * NS, [L, R]) == []
    (state,) = under_test.on_tick(32 * NS, [L, R])
    assert (state.status.value, state.reason) == ("undecided", "not running")
    (state,) = under_test.on_tick(33 * NS, [])
    assert (state.status.value, state.reason) == ("not_checked", "speed not measured")


CADENCE = "[cadence]\nbaseline_spm = 160\ntarget_pct = [105, 110]\n"


def test_cadence_outside_its_target_is_noted_either_way_and_ends_inside() -> None:
    under_test = limits(CADENCE)
    said = under_test.start(0) + strides_of(under_test, 100, cadence_spm=160.0)
    (alert,) = [a for a in said if isinstance(a, Alert)]
    assert (alert.level.value, alert.cue, alert.limit) == ("info", "Quicker steps", 168.0)
    assert alert.text == "Cadence 160, target 168 to 176 (limit set by plan test)."
    assert alerts_of(strides_of(under_test, 100, 100.0, cadence_spm=169.0)) == []  # inside, not by the margin
    said = strides_of(under_test, 100, 200.0, cadence_spm=172.0)
    assert alerts_of(said) == [("recovery", "info", "Cadence on target")]
    (alert,) = [a for a in strides_of(under_test, 100, 300.0, cadence_spm=180.0) if isinstance(a, Alert)]
    assert (alert.cue, alert.limit) == ("Slower steps", 176.0)
    assert under_test.checked == (1, 1)


def test_cadence_that_is_only_shown_alerts_nothing_and_is_not_within_outside() -> None:
    under_test = limits(CADENCE + 'alert = "none"\n')
    said = under_test.start(0) + strides_of(under_test, 100, cadence_spm=160.0)
    assert alerts_of(said) == []
    assert [s.reason for s in said if isinstance(s, LimitState)][-1] == "outside the target, no alert is set"
    said = strides_of(under_test, 30, 100.0, cadence_spm=172.0)
    assert [s.status.value for s in said if isinstance(s, LimitState)][-1] == "within"


def test_cadence_takes_what_she_had_before_or_is_not_checked() -> None:
    body = "[cadence]\ntarget_pct = [105, 110]\n"
    assert reason(body, "cadence") == "no baseline cadence"
    usual = "[runner.pre_injury]\ncadence_spm = 160\n" + body
    assert reason(usual, "cadence") == "0 of 30 strides"


TREND = "[contact_time]\ninfo_pct = 5\nwarn_pct = 10\n"


def test_contact_time_is_compared_with_the_beginning_of_the_run_foot_by_foot() -> None:
    def contact(foot: Side) -> float:
        return 0.25 if foot is L else 0.27

    under_test = limits(TREND)
    said = under_test.start(0) + strides_of(under_test, 119, speed_mps=3.0, contact_time_s=contact)
    assert [s.reason for s in said if isinstance(s, LimitState)] == ["0 of 60 strides of the beginning"]
    strides_of(under_test, 61, 119.0, speed_mps=3.0, contact_time_s=contact)
    assert under_test.checked == (1, 1)
    said = strides_of(under_test, 200, 180.0, speed_mps=3.0, contact_time_s=lambda f: 1.07 * contact(f))
    (alert,) = [a for a in said if isinstance(a, Alert)]
    assert (alert.level.value, alert.value, alert.cue) == ("info", pytest.approx(7.0), "Contact time changes")
    assert alert.text == "Contact time 7 % longer than at the beginning, limit 5 % (limit set by plan test)."
    said = strides_of(under_test, 200, 380.0, speed_mps=3.0, contact_time_s=lambda f: 0.88 * contact(f))
    assert alerts_of(said) == [("onset", "warn", "Contact time changes")]
    assert "shorter" in next(a.text for a in said if isinstance(a, Alert))
    said = strides_of(under_test, 200, 580.0, speed_mps=3.0, contact_time_s=contact)
    assert alerts_of(said) == [("recovery", "warn", "Back inside limit"), ("recovery", "info", "Back inside limit")]


def test_contact_time_at_another_speed_is_not_compared() -> None:
    under_test = limits(TREND)
    under_test.start(0)
    strides_of(under_test, 180, speed_mps=3.0, contact_time_s=0.25)
    said = strides_of(under_test, 100, 180.0, speed_mps=3.6, contact_time_s=0.22)
    said += under_test.on_tick(280 * NS, [L, R])
    assert alerts_of(said) == []
    assert [s.reason for s in said if isinstance(s, LimitState)][-1] == (
        "contact time at the speed of the beginning not measured"
    )


def test_contact_time_of_a_foot_that_was_not_there_at_the_beginning_has_nothing_to_be_compared_with() -> None:
    under_test = limits("[contact_time]\nwarn_pct = 5\n")
    under_test.start(0)

    def seen(foot: Side) -> float | None:
        return 0.25 if foot is L else None

    strides_of(under_test, 200, speed_mps=3.0, contact_time_s=seen)
    said = strides_of(under_test, 200, 200.0, speed_mps=3.0, contact_time_s=lambda f: 0.25 if f is L else 0.5)
    assert alerts_of(said) == []
    assert under_test.on_tick(10_000 * NS, [L]) != []


def test_doubtful_and_walking_strides_are_not_looked_at() -> None:
    under_test = limits(CADENCE)
    under_test.start(0)
    for changes in ({"confidence": 0.4}, {"activity": Activity.WALK}, {"cadence_spm": None}):
        one = replace(stride(L, None), **({"cadence_spm": 100.0} | changes))
        assert under_test.on_stride(one, NS) == []


def test_before_its_stage_nothing_is_looked_at() -> None:
    body = CADENCE + 'from_stage = "3"\n' + LADDER
    under_test = limits(body, day=day("1"))
    assert now(under_test, "cadence").reason == "counts from stage 3 on"
    assert strides_of(under_test, 60, cadence_spm=100.0) == under_test.on_tick(61 * NS, [L]) == []
    trend = limits(TREND.replace("warn_pct", 'from_stage = "3"\nwarn_pct') + LADDER, day=day("1"))
    assert now(trend, "contact_time").reason == "counts from stage 3 on"
    assert trend.on_tick(61 * NS, [L]) == []


@pytest.mark.parametrize(
    ("block", "found"),
    [
        ('[limit.speed]\nwarn = "fast"\n', "a speed such as"),
        ("[limit.speed]\nwarn = 3.0\n", "a speed such as"),
        ('[limit.speed]\nwarn = "0m/s"\n', "a speed such as"),
        ('[limit.speed]\nwarn = "0:00/km"\n', "a speed such as"),
        ("[cadence]\ntarget_pct = [110, 105]\n", "a low end below the high end"),
        ("[contact_time]\n", "one of info_pct, warn_pct"),
        ("[limit.session_spike]\nwarn_pct = 200\nstop_pct = 150\n", "at most stop_pct"),
        ("[limit.steps]\n", "one of info, warn, stop, urgent"),
        ('[limit.run_time]\nof = "stage"\nstop = "5min"\n', "percentages (warn_pct"),
    ],
)
def test_what_a_block_refuses(block: str, found: str) -> None:
    with pytest.raises(InputError, match=re.escape(found)):
        limits(block)


@pytest.mark.parametrize(
    ("text", "mps"),
    [("12km/h", 10 / 3), ("3.3m/s", 3.3), ("7mph", 3.12928), ("5:00/km", 10 / 3), ("8:30 / mi", 3.15558)],
)
def test_speeds_and_paces(text: str, mps: float) -> None:
    assert now(limits(f'[limit.speed]\nstop = "{text}"\n'), "limit.speed").stop == pytest.approx(mps, rel=1e-5)


def test_a_rule_answers_to_nothing_by_itself() -> None:
    """What a kind of limit has no use for passes by; what it must do for itself is missed at once."""
    name = Name("limit.x", "x", "m")
    bare = Rule("RUN", name, {Level.WARN: 1.0})
    assert bare.on_stride(stride(L, 1.0), NS) == bare.on_totals(totals(1.0), NS) == bare.end(NS) == []
    assert bare.on_asymmetry(asymmetry(9.0), NS) == bare.on_tick(NS, None) == []
    watched = Watched("RUN", name, {Level.WARN: 1.0}, 0.0, 8, RunClock())
    turn = Turn(AlertPhase.ONSET, Level.WARN, 0, None)
    for missing in (
        lambda: bare.start(0),
        lambda: watched.measure(stride(L, 1.0)),
        lambda: watched.back(1.0),
        lambda: watched.words(turn, 1.0),
    ):
        with pytest.raises(NotImplementedError):
            missing()


# ------------------------------------------------------------------------------------------------ always


def test_everything_said_is_finite_json_with_three_words_at_most() -> None:
    body = SPIKE + WEEK + LOAD + CADENCE + TREND + FIXED_IMPACT + '[limit.downhill]\nwarn = "5m"\n'
    body += '[limit.steps]\nstop = 30\n[limit.speed]\nwarn = "2m/s"\nsustained = "2s"\n'
    known = loaded(10.0, longest_30d_m=100.0, distance_7d_m=10.0, previous_7d_m=10.0)
    under_test = limits(body, day=known, grade_pct=-3.0)
    one: dict[str, object] = {"speed_mps": 3.0, "cadence_spm": 150.0, "contact_time_s": 0.25, "impact_peak_g": 11.0}
    said = under_test.start(0) + strides_of(under_test, 300, **one)
    said += under_test.on_tick(301 * NS) + under_test.end(302 * NS)
    assert len({one.rule for one in said if isinstance(one, Alert)}) >= 6
    for item in said:
        json.loads(canonical_json(payload(item)))
        if isinstance(item, Alert):
            assert 1 <= len(item.cue.split()) <= 3
            assert item.text.endswith(".")
