"""Limits while a run goes on: the four states, and alerts that begin once and end once."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.model import NS, Alert, LimitState, RunSetup, RunTotals, Side, canonical_json, payload
from sensord.plan.limits import Limits
from tests.plan.made_plans import (
    ASYMMETRY,
    DISTANCE,
    FIXED_ASYMMETRY,
    FIXED_IMPACT,
    IMPACT,
    RUN_TIME,
    Runner,
    asymmetry,
    limits,
    stride,
    totals,
)

L, R = Side.LEFT, Side.RIGHT
BOTH_10G = {L: 10.0, R: 10.0}


# ------------------------------------------------------------------------------------------------ no plan, all limits


def test_no_plan_no_limits() -> None:
    none = Limits(None, RunSetup(run="R", runner="r", site="s", gateway="g", pods=()))
    assert none.start(0) == none.on_totals(totals(9e9), 1) == none.on_tick(2) == none.end(3) == []
    assert none.checked == (0, 0)


def test_every_limit_says_at_the_start_where_it_stands() -> None:
    under_test = limits(DISTANCE + RUN_TIME + FIXED_IMPACT + FIXED_ASYMMETRY)
    said = under_test.start(0)
    assert [s.rule for s in said] == list(under_test.rules)
    assert under_test.rules == ("limit.distance", "limit.run_time", "impact", "asymmetry.contact_time")
    assert {s.status.value for s in said} == {"undecided"}
    assert all(s.reason for s in said)
    assert under_test.checked == (0, 4)


def test_an_uninjured_runner_has_both_feet_checked() -> None:
    assert limits(FIXED_IMPACT, side="none").rules == ("impact.left", "impact.right")


# ------------------------------------------------------------------------------------------------ distance, run time


def test_distance_warns_and_stops_once_with_what_is_left() -> None:
    runner = Runner(limits(DISTANCE))
    for metres in range(0, 6000, 7):
        runner.said += runner.limits.on_totals(totals(metres, steps=metres), metres * NS)
    alerts = [a for a in runner.said if a.KIND == "alert"]
    assert [(a.phase.value, a.level.value) for a in alerts] == [("onset", "warn"), ("onset", "stop")]
    assert alerts[0].text == "Distance 4.50 km of 4.50 km (limit set by plan test). Stop at 5.00 km, 0.50 km left."
    assert alerts[0].cue == "Distance nearly done"
    assert alerts[0].id == f"RUN/limit.distance/warn/{alerts[0].onset_ns}"
    assert alerts[1].text == "Distance 5.00 km of 5.00 km (limit set by plan test). Nothing left."
    assert alerts[1].cue == "Stop running"
    assert runner.last("limit.distance") == ("over", "stop", None)
    assert runner.limits.checked == (1, 1)


def test_the_limit_itself_is_the_limit_and_a_new_level_is_said_at_once() -> None:
    under_test = limits(DISTANCE)
    under_test.start(0)
    said = []
    for second, metres in enumerate((4499.9, 4500.0, 4999.9, 5000.0), start=1):
        said += [(i.KIND, i.level.value, metres) for i in under_test.on_totals(totals(metres), second * NS)]
    assert said == [
        ("limit_state", "none", 4499.9),
        ("limit_state", "warn", 4500.0),
        ("alert", "warn", 4500.0),
        ("limit_state", "stop", 5000.0),
        ("alert", "stop", 5000.0),
    ]


def test_another_sort_of_reason_is_said_at_once() -> None:
    runner = Runner(limits(FIXED_IMPACT))
    runner.run(30, {L: 12.0, R: 10.0})
    reasons = [s.reason for s in runner.states("impact")]
    assert "beyond for 20 s, not yet clear" in reasons  # still undecided, no longer for want of strides
    assert len(reasons) <= 6


def test_running_time_in_minutes_and_seconds() -> None:
    under_test = limits(RUN_TIME)
    under_test.start(0)
    (_, alert) = under_test.on_totals(totals(1.0, run_s=1085.4), NS)
    assert alert.text == "Running time 18:05 of 18:00 (limit set by plan test). Stop at 20:00, 1:55 left."
    assert alert.cue == "Time nearly done"
    assert alert.unit == "s"


def test_a_distance_below_a_kilometre_is_said_in_metres_and_one_limit_is_enough() -> None:
    under_test = limits('[limit.distance]\ncounts = "run"\nwarn = "400m"\n')
    under_test.start(0)
    assert under_test.on_totals(totals(900.0, run_m=399.9), NS)[0].status.value == "within"
    (state, alert) = under_test.on_totals(totals(901.0, run_m=400.4), 2 * NS)
    assert (state.metric, state.level.value, state.stop) == ("run_distance", "warn", None)
    assert alert.text == "Running distance 400 m of 400 m (limit set by plan test). Nothing left."
    assert alert.cue == "Distance limit reached"


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(0, 3000), min_size=1, max_size=60))
def test_each_level_is_said_once_whatever_the_steps(steps_m: list[float]) -> None:
    runner, metres = Runner(limits(DISTANCE + RUN_TIME)), 0.0
    for k, step in enumerate(steps_m, start=1):
        metres += step
        runner.said += runner.limits.on_totals(totals(metres, run_s=metres / 3, steps=k), k * NS)
        runner.said += runner.limits.on_tick(k * NS)
    for rule, value, warn, stop in (
        ("limit.distance", metres, 4500.0, 5000.0),
        ("limit.run_time", metres / 3, 1080.0, 1200.0),
    ):
        said = runner.alerts(rule)
        assert said.count(("onset", "stop")) == (value >= stop)
        assert said.count(("onset", "warn")) <= 1
        assert ("onset", "warn") in said or value < warn or said == [("onset", "stop")]  # a jump past both says stop
        assert not any(phase == "recovery" for phase, _ in said)
        assert said == sorted(said, key=lambda a: a[1], reverse=True)
        assert runner.last(rule)[0] == ("over" if value >= warn else "within")


def test_no_stride_yet_is_undecided_and_no_pod_is_not_checked() -> None:
    runner = Runner(limits(DISTANCE))
    assert runner.last("limit.distance") == ("undecided", "none", "no whole stride yet")
    assert runner.limits.on_totals(totals(), NS) == []
    runner.said += runner.limits.on_totals(totals(10.0), 2 * NS)
    assert runner.last("limit.distance")[0] == "within"
    runner.said += runner.limits.on_tick(3 * NS, [])
    assert runner.last("limit.distance") == ("not_checked", "none", "no pod linked")
    runner.said += runner.limits.on_tick(4 * NS, [L])
    assert runner.last("limit.distance")[0] == "within"


def test_numbers_alone_are_said_every_ten_seconds() -> None:
    runner = Runner(limits(DISTANCE))
    runner.run(100.0, BOTH_10G)
    assert 10 <= len(runner.states("limit.distance")) <= 13
    assert [s.value for s in runner.limits.end(runner.t_ns)] == [pytest.approx(2.6 * runner.run_s)]
    assert runner.limits.end(runner.t_ns) == []


# ------------------------------------------------------------------------------------------------ impact


def test_impact_collects_then_is_within() -> None:
    runner = Runner(limits(FIXED_IMPACT))
    runner.run(0.7 * 12, BOTH_10G)
    assert runner.last("impact")[0] == "undecided"
    assert runner.limits._rules[0]._last.finding.reason == "12 of 30 strides"
    runner.run(20.0, BOTH_10G)
    assert runner.last("impact") == ("within", "none", None)
    state = runner.states("impact")[-1]
    assert (state.value, state.warn, state.stop, state.n, state.unit) == (10.0, 11.5, 13.0, 30, "g")


def test_impact_warns_stops_and_recovers_after_a_while_each() -> None:
    runner = Runner(limits(FIXED_IMPACT))
    runner.run(60, BOTH_10G)
    runner.run(60, {L: 12.0, R: 10.0})
    assert runner.alerts() == [("onset", "warn")]
    assert runner.last("impact")[:2] == ("over", "warn")
    runner.run(60, {L: 14.0, R: 10.0})
    assert runner.alerts()[1:] == [("onset", "stop")]
    runner.run(120, {L: 11.2, R: 10.0})  # below the limit, not below the clearing value
    assert runner.alerts()[2:] == []
    assert runner.last("impact")[:2] == ("over", "stop")
    runner.run(60, BOTH_10G)
    assert runner.alerts()[2:] == [("recovery", "stop"), ("recovery", "warn")]
    assert runner.last("impact") == ("within", "none", None)
    alerts = [a for a in runner.said if a.KIND == "alert"]
    assert alerts[0].text == (
        "Left impact 12.0 g, limit 11.5 g (usual 10.0 g; limit set by plan test). Stop at 13.0 g."
    )
    assert alerts[0].cue == "Check left impact"
    assert alerts[2].cue == "Back inside limit"
    assert alerts[2].text.startswith("Left impact 10.0 g, below 11.0 g again after")
    assert alerts[0].id == alerts[3].id
    assert 20 <= alerts[0].onset_ns / 1e9 - 60 <= 20 + 0.7 * 22  # sustained, after the interval has left the limit


def test_the_other_foot_walking_and_doubtful_strides_do_not_count() -> None:
    under_test = limits(FIXED_IMPACT)
    under_test.start(0)
    for k in range(100):
        for other in (stride(R, 20.0), stride(L, 20.0, run=False), stride(L, None), stride(L, 20.0, confidence=0.4)):
            assert under_test.on_stride(other, k * NS) == []


def test_a_small_change_is_no_alert_whatever_the_percentage() -> None:
    body = IMPACT.format(baseline='{mode = "fixed", value_g = 4.0}').replace("min_change_g = 1.0", "min_change_g = 2.0")
    runner = Runner(limits(body))
    assert runner.states("impact")[0].warn == 6.0
    assert runner.states("impact")[0].stop == 6.0
    runner.run(120, {L: 5.9, R: 5.0})
    assert runner.alerts() == []
    assert runner.last("impact")[0] == "within"


def test_close_to_the_limit_is_undecided_not_within() -> None:
    runner = Runner(limits(FIXED_IMPACT))
    for peak in [11.0, 12.0] * 40:
        runner.run(0.7, {L: peak, R: 10.0})
    status, level, reason = runner.last("impact")
    assert (status, level) == ("undecided", "none")
    assert reason == "11.0 to 12.0 g is not clear of 11.5 g"


def test_a_median_beyond_with_a_wide_interval_is_undecided() -> None:
    runner = Runner(limits(FIXED_IMPACT))
    for k in range(200):
        runner.run(0.7, {L: 12.0 if k % 5 < 3 else 11.0, R: 10.0})  # median 12 g, interval 11 to 12 g
    assert runner.alerts() == []
    assert runner.last("impact")[0] == "undecided"


def test_a_hidden_median_below_the_clearing_value_ends_no_alert() -> None:
    body = IMPACT.format(baseline='{mode = "fixed", value_g = 15.0}')  # clears below 16.5 g
    runner = Runner(limits(body))
    runner.run(60, {L: 18.0, R: 10.0})
    runner.run(120, {L: 16.0, R: 10.0}, clipped=True)
    assert runner.alerts() == [("onset", "warn")]
    assert runner.last("impact") == ("not_checked", "warn", "100 % of impacts clipped at >= 16 g")
    runner.run(60, {L: 16.0, R: 10.0})
    assert runner.alerts()[1:] == [("recovery", "warn")]


def test_a_silent_foot_starts_the_count_again() -> None:
    runner = Runner(limits(FIXED_IMPACT + FIXED_ASYMMETRY))  # impact: 21 s of strides and 20 s; asymmetry: 30 s
    for _ in range(3):
        runner.run(25, {L: 12.0, R: 10.0}, si=asymmetry(7.0))
        runner.run(12, {R: 10.0})
    assert runner.alerts() == []


def test_clipping_that_hides_the_median_is_not_checked_never_within() -> None:
    body = IMPACT.format(baseline='{mode = "fixed", value_g = 15.0}')  # limit 17.25 g, sensor ends at 16 g
    runner = Runner(limits(body))
    for k in range(60):
        runner.run(0.7, {L: 16.0 if k % 3 else 12.0, R: 10.0}, clipped=bool(k % 3))
    assert runner.last("impact") == ("not_checked", "none", "67 % of impacts clipped at >= 16 g")
    assert "within" not in {s.status.value for s in runner.states("impact")}
    assert runner.states("impact")[-1].value is None


def test_clipping_above_the_median_leaves_it_usable_but_not_within() -> None:
    body = IMPACT.format(baseline='{mode = "fixed", value_g = 15.0}')
    runner = Runner(limits(body))
    for k in range(60):
        runner.run(0.7, {L: 12.0 if k % 10 < 6 else 16.0, R: 10.0}, clipped=k % 10 >= 6)
    assert runner.last("impact")[0] == "undecided"
    runner.run(60, {L: 12.0, R: 10.0})
    assert runner.last("impact") == ("within", "none", None)


def test_clipped_impacts_that_are_beyond_the_limit_anyway_are_over() -> None:
    runner = Runner(limits(FIXED_IMPACT))  # limits 11.5 and 13 g: a sensor that ends at 16 g says enough
    runner.run(60, {L: 16.0, R: 10.0}, clipped=True)
    assert runner.alerts() == [("onset", "stop")]
    (alert,) = [a for a in runner.said if a.KIND == "alert"]
    assert alert.text.startswith("Left impact at least 16.0 g")
    assert runner.last("impact") == ("over", "stop", None)


def test_a_silent_pod_is_not_checked_and_is_judged_on_its_own_when_it_returns() -> None:
    runner = Runner(limits(FIXED_IMPACT))
    runner.run(60, BOTH_10G)
    runner.run(12, {R: 10.0})
    assert runner.last("impact") == ("not_checked", "none", "left impact not measured")
    runner.run(10, BOTH_10G)
    assert runner.last("impact")[2] == "1 of 30 strides"
    runner.run(20, BOTH_10G)
    assert runner.last("impact")[0] == "within"


def test_a_lost_link_is_not_checked_at_once_when_it_is_known() -> None:
    runner = Runner(limits(FIXED_IMPACT + FIXED_ASYMMETRY))
    runner.run(70, BOTH_10G, si=asymmetry(0.0))
    assert runner.last("impact")[0] == runner.last("asymmetry.contact_time")[0] == "within"
    runner.said += runner.limits.on_tick(71 * NS, [R])
    assert runner.last("impact") == ("not_checked", "none", "left impact not measured")
    assert runner.last("asymmetry.contact_time") == ("not_checked", "none", "left contact time not measured")


def test_standing_is_not_within() -> None:
    runner = Runner(limits(FIXED_IMPACT + FIXED_ASYMMETRY))
    runner.run(70, BOTH_10G, si=asymmetry(0.0))
    runner.stand(15)
    assert runner.last("impact") == ("undecided", "none", "not running")
    assert runner.last("asymmetry.contact_time") == ("undecided", "none", "not running")


def test_walking_breaks_neither_count_nor_interrupt() -> None:
    runner = Runner(limits(FIXED_IMPACT))
    for _ in range(12):
        runner.run(10, {L: 12.0, R: 10.0})
        runner.stand(60)
    assert runner.alerts() == [("onset", "warn")]
    onset_s = next(a.onset_ns for a in runner.said if a.KIND == "alert") / 1e9
    assert 140 < onset_s < 150  # 40 strides are 28 s of running: the third piece of 10.5 s


HISTORY = tuple({"impact_left_g": g, "impact_n_left": 500, "contact_time_si_pct": si, "contact_time_pairs": 400}
                for g, si in ((90.0, 90.0), (9.0, -1.0), (10.0, -2.0), (11.0, -3.0)))  # fmt: skip


def test_an_impact_baseline_is_of_runs_with_the_same_mount_and_shoe() -> None:
    body = IMPACT.format(baseline='{mode = "sessions", n = 3}')
    run = {"impact_left_g": 10.0, "impact_n_left": 30, "mount": "laces"}
    (state,) = limits(body, history=(run,) * 3).start(0)
    assert state.warn == pytest.approx(11.5)
    for other in ({"mount": "heel"}, {"shoe": "red"}, {"mount": None}):
        (state,) = limits(body, history=(run, run, {**run, **other})).start(0)
        assert (state.status.value, state.reason) == (
            "not_checked",
            "no baseline: 2 of 3 runs (1 under other conditions)",
        )


def test_a_baseline_is_the_median_of_the_last_runs_that_were_measured() -> None:
    body = IMPACT.format(baseline='{mode = "sessions", n = 3}')
    (state,) = limits(body, history=({"impact_left_g": 10.0, "impact_n_left": 30, "mount": "laces"},) * 3).start(0)
    assert state.status.value == "undecided"  # 30 strides, one window, are enough
    weak = {
        "mount": "laces",
        "impact_left_g": 50.0,
        "impact_n_left": 29,
        "contact_time_si_pct": None,
        "contact_time_pairs": 0,
    }
    hidden = {"mount": "laces", "impact_left_g": None, "impact_n_left": 900}
    history = tuple({**run, "mount": "laces"} for run in HISTORY)
    (state,) = limits(body, history=(*history, weak, hidden)).start(0)
    assert state.warn == pytest.approx(11.5)
    (state,) = limits(body, history=(history[0], weak, hidden)).start(0)
    assert (state.status.value, state.reason) == ("not_checked", "no baseline: 1 of 3 runs")
    assert state.warn is state.stop is None


def test_a_missing_pod_or_baseline_stays_not_checked_all_run() -> None:
    runner = Runner(limits(FIXED_IMPACT + FIXED_ASYMMETRY, pods=(R,)))
    runner.run(120, {R: 30.0}, si=asymmetry(50.0))
    assert runner.alerts() == []
    assert [s.reason for s in runner.said if s.KIND == "limit_state"] == ["no left pod", "one pod only"]
    assert runner.limits.checked == (0, 2)


# ------------------------------------------------------------------------------------------------ asymmetry


def test_asymmetry_through_its_states() -> None:
    runner = Runner(limits(FIXED_ASYMMETRY))
    rule = "asymmetry.contact_time"
    runner.run(15, BOTH_10G, si=asymmetry(0.0, n=20))
    assert runner.last(rule) == ("undecided", "none", "10 of 60 stride pairs") or runner.last(rule)[2].startswith("20")
    runner.run(15, BOTH_10G, si=asymmetry(1.0, half=2.0))
    assert runner.last(rule) == ("within", "none", None)
    runner.run(15, BOTH_10G, si=asymmetry(4.5, half=1.0))
    assert runner.last(rule)[2] == "3.5 to 5.5 points is not clear of 5.0"
    runner.run(90, BOTH_10G, si=asymmetry(7.0, half=1.0))
    assert runner.alerts() == [("onset", "warn")]
    runner.run(60, BOTH_10G, si=asymmetry(-13.0, half=1.0))  # the other way round is as far
    assert runner.alerts()[1:] == [("onset", "stop")]
    runner.run(60, BOTH_10G, si=asymmetry(4.5, half=0.2))
    assert runner.alerts()[2:] == []
    runner.run(60, BOTH_10G, si=asymmetry(2.0, half=1.0))
    assert runner.alerts()[2:] == [("recovery", "stop"), ("recovery", "warn")]
    alerts = [a for a in runner.said if a.KIND == "alert"]
    assert alerts[0].text == (
        "Contact time longer on the left than usual: 7.0 points from baseline, limit 5.0 (limit set by plan test). "
        "Stop at 10.0."
    )
    assert "longer on the right" in alerts[1].text
    assert alerts[0].unit == "points"


def test_a_value_beyond_with_a_wide_interval_is_undecided() -> None:
    runner = Runner(limits(FIXED_ASYMMETRY))
    runner.run(200, BOTH_10G, si=asymmetry(7.0, half=3.0))
    assert runner.alerts() == []
    assert runner.last("asymmetry.contact_time")[0] == "undecided"
    runner.run(30, BOTH_10G, si=asymmetry(7.0, half=None))
    assert runner.alerts() == []


@pytest.mark.parametrize(("side", "longer"), [("left", "left"), ("right", "left"), ("none", "left")])
def test_the_sign_is_injured_minus_other_from_baseline(side: str, longer: str) -> None:
    """History says -2 (left minus right); now +6: eight points more on the left, whoever is injured."""
    runner = Runner(limits(ASYMMETRY.format(baseline='{mode = "sessions", n = 3}'), side=side, history=HISTORY))
    runner.run(60, BOTH_10G, si=asymmetry(6.0, half=1.0))
    (alert,) = [a for a in runner.said if a.KIND == "alert"]
    assert alert.value == pytest.approx(8.0)
    assert f"longer on the {longer}" in alert.text


def test_asymmetry_with_one_silent_foot_or_no_pairs_is_not_within() -> None:
    runner = Runner(limits(FIXED_ASYMMETRY))
    rule = "asymmetry.contact_time"
    runner.run(70, BOTH_10G, si=asymmetry(0.0))
    runner.run(12, {L: 10.0})
    assert runner.last(rule) == ("not_checked", "none", "right contact time not measured")
    runner.run(10, BOTH_10G, si=asymmetry(0.0))
    assert runner.last(rule)[0] == "within"
    runner.run(40, BOTH_10G)
    assert runner.last(rule) == ("undecided", "none", "no stride pairs")


def test_another_metric_is_for_another_limit() -> None:
    runner = Runner(limits(FIXED_ASYMMETRY))
    other = asymmetry(50.0)
    runner.run(100, BOTH_10G, si=type(other)(**{**{f: getattr(other, f) for f in other.__slots__}, "metric": "flight"}))
    assert runner.alerts() == []


# ------------------------------------------------------------------------------------------------ always


moments = st.lists(
    st.tuples(
        st.sampled_from(["run", "left", "right", "stand", "clip"]),
        st.sampled_from([3.0, 8.0, 25.0]),
        st.sampled_from([None, 9.0, 10.0, 11.3, 12.0, 16.0]),
        st.sampled_from([None, 0.0, 4.5, 6.0, -14.0]),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(moments, st.sampled_from(["left", "right", "none"]))
def test_whatever_happens(story: list[tuple[str, float, float | None, float | None]], side: str) -> None:
    """Finite JSON, cues of three words, alerts that alternate, and nothing within that is not being measured."""
    runner = Runner(limits(DISTANCE + RUN_TIME + FIXED_IMPACT + FIXED_ASYMMETRY, side=side))
    for what, seconds, peak, si in story:
        if what == "stand":
            runner.stand(seconds)
        elif what in ("left", "right"):
            runner.run(seconds, {Side(what): peak})
        else:
            runner.run(seconds, {L: peak, R: peak}, clipped=what == "clip", si=None if si is None else asymmetry(si))
        if seconds > 12:
            check_what_is_not_measured(runner.limits, what)
    runner.said += runner.limits.end(runner.t_ns)
    for item in runner.said:
        check_item(item)
    for rule in runner.limits.rules:
        for level in ("warn", "stop"):
            phases = [phase for phase, lvl in runner.alerts(rule) if lvl == level]
            assert phases == (["onset", "recovery"] * len(phases))[: len(phases)]


def check_what_is_not_measured(under_test: Limits, what: str) -> None:
    """After more than 12 s of standing, or of one foot alone."""
    for rule in under_test._rules[2:]:
        status, metric = rule._last.finding.status.value, rule.name.metric
        if what == "stand":
            assert status != "within"
        elif what in ("left", "right") and (what not in metric or "contact" in metric):
            assert status == "not_checked"


def check_item(item: LimitState | Alert) -> None:
    """Everything said is finite JSON, and its parts fit together."""
    json.loads(canonical_json(payload(item)))
    if isinstance(item, Alert):
        assert 1 <= len(item.cue.split()) <= 3
        assert item.text.endswith(".")
        return
    assert (item.status.value in ("within", "over")) == (item.reason is None)
    assert item.status.value != "over" or item.level.value != "none"
    if item.status.value == "within":
        assert item.level.value == "none"
        assert item.value is not None
        assert item.n_needed is None or item.n >= item.n_needed


def test_the_same_story_is_told_the_same_way() -> None:
    def story() -> list[str]:
        runner = Runner(limits(DISTANCE + FIXED_IMPACT + FIXED_ASYMMETRY, side="none"))
        runner.run(60, {L: 12.0, R: 14.0}, si=asymmetry(6.0))
        runner.stand(20)
        runner.run(60, BOTH_10G, si=asymmetry(0.0))
        return [canonical_json(payload(item)) for item in runner.said]

    assert story() == story()


# ------------------------------------------------------------------------------------------------ counted, through time


class Counted:
    """Drives `Limits` with what was counted: running and walking in steps of a second, ticks, time without strides."""

    def __init__(self, body: str, **setting: object) -> None:
        self.limits = limits(body, **setting)
        self.said: list = self.limits.start(0)
        self.t_s = self.run_s = self.walk_s = 0.0

    def go(self, seconds: int, *, run: bool) -> list[Alert]:
        """Strides that end now, a second each, and the tick that follows."""
        before = len(self.said)
        for _ in range(seconds):
            self.t_s += 1.0
            self.run_s += run
            self.walk_s += not run
            now = RunTotals(
                round(2 * self.t_s),
                3.0 * self.t_s,
                3.0 * self.run_s,
                self.run_s,
                self.walk_s,
                run_steps=round(3 * self.run_s),
            )
            self.said += self.limits.on_totals(now, round(self.t_s * NS))
            self.said += self.limits.on_tick(round(self.t_s * NS), [L, R], self.run_s)
        return [one for one in self.said[before:] if isinstance(one, Alert)]

    @property
    def last(self) -> tuple[str, str]:
        """Status and level that were said last."""
        state = [one for one in self.said if isinstance(one, LimitState)][-1]
        return state.status.value, state.level.value

    def tick(self, run_s: float, feet: tuple[Side, ...] = (L, R)) -> list:
        """A second without a stride; `run_s` as `Totals.run_time_at` takes it."""
        self.t_s += 1.0
        now = self.limits.on_tick(round(self.t_s * NS), feet, run_s)
        self.said += now
        return [one for one in now if isinstance(one, Alert)]


def told(alerts: list[Alert]) -> list[tuple[str, str]]:
    return [(one.phase.value, one.level.value) for one in alerts]


STOP = '[limit.run_time]\nwarn = "50s"\nstop = "60s"\n'


def test_running_time_is_alerted_by_the_tick_after_the_moment_and_waits_for_no_stride() -> None:
    runner = Counted(STOP)
    assert told(runner.go(49, run=True)) == []
    assert runner.tick(49.9) == []
    (alert,) = runner.tick(50.2)
    assert (alert.level.value, alert.value, alert.onset_ns) == ("warn", 50.2, 51 * NS)
    assert runner.last == ("over", "warn")


def test_a_limit_that_is_reached_while_no_pod_is_linked_is_told_and_is_over() -> None:
    runner = Counted(STOP)
    runner.go(55, run=True)
    runner.tick(56.0, ())
    assert runner.limits.on_tick(57 * NS, ()) == []
    (alert,) = runner.tick(60.5, ())
    assert alert.level.value == "stop"
    assert runner.last == ("over", "stop")


def test_an_estimate_that_was_too_long_takes_nothing_back() -> None:
    runner = Counted(STOP)
    runner.go(59, run=True)
    assert told(runner.tick(60.1)) == [("onset", "stop")]
    for _ in range(20):
        assert runner.tick(59.0) == []
    assert runner.last == ("over", "stop")


def test_a_stop_is_cleared_by_walking_which_is_not_said_to_be_inside_the_limit() -> None:
    runner = Counted(STOP)
    runner.go(70, run=True)
    assert told(runner.go(9, run=False)) == []
    stop, warn = runner.go(1, run=False)
    assert told([stop, warn]) == [("recovery", "stop"), ("recovery", "warn")]
    assert stop.cue == "Cleared by walking"
    assert stop.text == (
        "Cleared by walking, 20 s after it began. Running time 1:10 of 1:00 (limit set by plan test). "
        "The limit stays reached in this run."
    )
    assert runner.last == ("over", "stop")


def test_walking_home_never_alarms_again_and_running_again_does_once() -> None:
    runner = Counted(STOP)
    runner.go(70, run=True)
    runner.go(10, run=False)
    assert runner.go(3600, run=False) == []
    assert runner.go(9, run=True) == []
    assert told(runner.go(1, run=True)) == [("onset", "stop")]
    assert runner.go(60, run=True) == []
    assert told(runner.go(12, run=False)) == [("recovery", "stop")]


def test_a_few_strides_of_running_on_the_way_home_are_none() -> None:
    runner = Counted(STOP)
    runner.go(70, run=True)
    runner.go(10, run=False)
    for _ in range(20):
        assert runner.go(3, run=True) + runner.go(12, run=False) == []


def test_what_is_louder_is_told_at_once_though_a_stop_was_cleared() -> None:
    runner = Counted('[limit.run_time]\nstop = "60s"\nurgent = "65s"\n')
    assert told(runner.go(62, run=True)) == [("onset", "stop")]
    assert told(runner.go(10, run=False)) == [("recovery", "stop")]
    (urgent,) = runner.go(3, run=True)
    assert (urgent.level.value, urgent.cue, urgent.text[-13:]) == ("urgent", "Stop now", "Nothing left.")
    assert runner.go(60, run=False) == []  # what is urgent waits for an answer


def test_a_warning_alone_is_not_cleared_and_distance_with_walking_neither() -> None:
    assert told(Counted('[limit.run_time]\nwarn = "5s"\n').go(6, run=True)) == [("onset", "warn")]
    for body in ('[limit.run_time]\nwarn = "5s"\n', '[limit.distance]\nstop = "15m"\n'):
        runner = Counted(body)
        assert len(runner.go(6, run=True)) == 1
        assert runner.go(60, run=False) == []


def test_running_distance_and_steps_are_cleared_by_walking() -> None:
    for body in ('[limit.distance]\ncounts = "run"\nstop = "15m"\n', '[limit.steps]\ncounts = "run"\nstop = 15\n'):
        runner = Counted(body)
        assert told(runner.go(6, run=True)) == [("onset", "stop")]
        assert told(runner.go(10, run=False)) == [("recovery", "stop")]


def test_a_stop_is_said_again_every_three_minutes_while_she_runs_on() -> None:
    runner = Counted(STOP)
    assert told(runner.go(60 + 179, run=True)) == [("onset", "warn"), ("onset", "stop")]
    (again,) = runner.go(1, run=True)
    assert told([again]) == [("reminder", "stop")]
    assert again.text == "Still running. Running time 4:00 of 1:00 (limit set by plan test). Nothing left."
    assert (again.cue, again.value, again.duration_s) == ("Stop running", 240.0, None)
    onset = next(a for a in runner.said if isinstance(a, Alert) and a.level.value == "stop")
    assert (again.id, again.onset_ns) == (onset.id, onset.onset_ns)
    assert runner.go(179, run=True) == []
    assert told(runner.go(1, run=True)) == [("reminder", "stop")]


def test_nobody_is_reminded_who_stands_or_walks_and_she_is_when_she_runs_on() -> None:
    runner = Counted('[limit.distance]\nstop = "30m"\n')
    runner.go(11, run=True)
    assert runner.go(400, run=False) == []
    for _ in range(300):
        assert runner.tick(runner.run_s) == []
    assert told(runner.go(1, run=True)) == [("reminder", "stop")]


def test_the_plan_says_how_often_and_a_warning_is_said_again_only_when_it_does() -> None:
    body = '[limit.run_time]\nwarn = "10s"\n'
    assert told(Counted(body).go(900, run=True)) == [("onset", "warn")]
    every = body + '[alerts.warn]\nrepeat = "5min"\n[alerts.stop]\nwho = ["pt"]\n'
    assert told(Counted(every).go(620, run=True)) == [("onset", "warn"), ("reminder", "warn"), ("reminder", "warn")]


def test_a_statistical_alert_is_said_again_while_it_is_measured() -> None:
    runner = Runner(limits(FIXED_IMPACT))
    runner.run(420, {L: 20.0, R: 10.0})
    phases = [phase for phase, level in runner.alerts("impact") if level == "stop"]
    assert phases == ["onset", "reminder", "reminder"]
    again = next(a for a in runner.said if isinstance(a, Alert) and a.phase.value == "reminder")
    assert again.text.startswith("For 3 min now. At its beginning: Left impact")
    runner.run(400, {R: 10.0})
    assert [phase for phase, level in runner.alerts("impact") if level == "stop"] == phases


def test_four_levels_and_what_each_says() -> None:
    body = '[limit.distance]\ninfo = "30m"\nwarn = "60m"\nstop = "90m"\nurgent = "120m"\nsource = "Dr A"\n'
    alerts = Counted(body).go(60, run=True)
    assert [(a.level.value, a.cue) for a in alerts] == [
        ("info", "Distance noted"), ("warn", "Distance nearly done"), ("stop", "Stop running"), ("urgent", "Stop now"),
    ]  # fmt: skip
    assert alerts[0].text == "Distance 30 m of 30 m (limit set by Dr A). Warning at 60 m, 30 m left."
    assert alerts[2].text == "Distance 90 m of 90 m (limit set by Dr A). Urgent at 120 m, 30 m left."
    only = Counted('[limit.distance]\ninfo = "30m"\n').go(60, run=True)
    assert [a.text for a in only] == ["Distance 30 m of 30 m (limit set by plan test)."]


def test_what_is_not_live_is_judged_once_at_the_end_and_no_cue_says_stop() -> None:
    runner = Counted('[limit.distance]\nstop = "30m"\nlive = false\n')
    assert runner.go(20, run=True) == []
    assert runner.last == ("undecided", "none")
    assert [s for s in runner.said if isinstance(s, LimitState)][-1].reason == "checked at the end of the run"
    state, alert = runner.limits.end(21 * NS)
    assert (state.status.value, state.level.value, alert.cue) == ("over", "stop", "Distance limit reached")
    assert runner.limits.checked == (1, 1)


def test_what_is_not_live_and_was_never_measured_has_nothing_to_say_at_the_end() -> None:
    assert Counted('[limit.distance]\nstop = "30m"\nlive = false\n').limits.end(NS) == []
