"""Limits on left/right differences: any metric, scatter between runs, and the speed she runs at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sensord.model import NS, Asymmetry, LimitStatus, Side, Stride
from tests.plan.made_plans import ASYMMETRY, Runner, asymmetry, limits, stride, totals

BOTH_10G = {Side.LEFT: 10.0, Side.RIGHT: 10.0}
SESSIONS = ASYMMETRY.format(baseline='{mode = "sessions", n = 3}')
RULE = "asymmetry.contact_time"


def run_with(si: float, **changes: Any) -> dict[str, Any]:
    values = {"contact_time": {"index": si, "pairs": 400}}
    return {"metrics": values, "bands": {"2.5-3.0": values}, **changes}


def test_no_alert_for_what_runs_differ_by_anyway() -> None:
    """Limit 5; runs of -6, 0 and 6 differ by 6: only a change of more than 1.96·√2·6 = 16.6 is one."""
    runner = Runner(limits(SESSIONS, history=(run_with(-6.0), run_with(0.0), run_with(6.0))))
    runner.run(120, BOTH_10G, si=asymmetry(12.0, half=1.0))
    assert runner.alerts() == []
    assert runner.last(RULE) == ("undecided", "none", "12.0 points is within what her runs differ by (16.6)")
    runner.run(120, BOTH_10G, si=asymmetry(20.0, half=1.0))
    assert runner.alerts() == [("onset", "stop")]


def test_two_runs_tell_no_scatter() -> None:
    body = SESSIONS.replace("n = 3", "n = 2")
    runner = Runner(limits(body, history=(run_with(-6.0), run_with(6.0))))
    runner.run(60, BOTH_10G, si=asymmetry(7.0, half=1.0))
    assert runner.alerts() == [("onset", "warn")]


def test_a_speed_without_a_baseline_is_not_checked_and_the_next_one_is() -> None:
    runner = Runner(limits(SESSIONS, history=(run_with(1.0),) * 3))
    runner.run(60, BOTH_10G, si=replace(asymmetry(9.0), speed_band="4.0-4.5"))
    assert runner.last(RULE) == ("not_checked", "none", "no baseline: 0 of 3 runs at 4.0-4.5 m/s")
    assert runner.alerts() == []
    runner.run(60, BOTH_10G, si=replace(asymmetry(1.5), speed_band="2.5-3.0"))
    assert runner.last(RULE) == ("within", "none", None)


FIXED = ASYMMETRY.format(baseline='{mode = "fixed", value = 0.0}')


def judged(runner: Runner, values: list[Asymmetry], *, every_s: float = 7.0) -> Runner:
    """Values one after the other, in running time."""
    for value in values:
        runner.run_s += every_s
        runner.t_s += every_s
        runner.said += runner.limits.on_totals(totals(0.0, runner.run_s), runner.t_ns)
        runner.said += runner.limits.on_asymmetry(value, runner.t_ns)
    return runner


@pytest.mark.parametrize(
    "other",
    [
        replace(stride(Side.RIGHT, 10.0), contact_time_s=None),
        stride(Side.RIGHT, 10.0, run=False),
        stride(Side.RIGHT, 10.0, confidence=0.4),
    ],
)
def test_strides_that_tell_nothing_do_not_keep_a_foot_measured(other: Stride) -> None:
    runner = Runner(limits(FIXED))
    runner.run(60, BOTH_10G, si=asymmetry(1.5))
    assert runner.last(RULE) == ("within", "none", None)
    for second in range(1, 12):
        runner.said += runner.limits.on_totals(totals(0.0, runner.run_s + second), runner.t_ns + second * NS)
        runner.said += runner.limits.on_stride(stride(Side.LEFT, 10.0), runner.t_ns + second * NS)
        runner.said += runner.limits.on_stride(other, runner.t_ns + second * NS)
    runner.said += runner.limits.on_tick(runner.t_ns + 11 * NS)
    assert runner.last(RULE) == ("not_checked", "none", "right contact time not measured")


def test_an_interval_that_leaves_the_limit_now_and_then_is_no_alert() -> None:
    """What a plain interval does by chance in a long run; the pairs behind it lie on the limit on the average."""
    runner = judged(Runner(limits(FIXED)), [asymmetry(6.5, half=1.0), asymmetry(3.5, half=1.0)] * 100)
    assert runner.alerts() == []
    assert any("beyond for" in (s.reason or "") for s in runner.states(RULE))


def test_the_latest_pairs_are_the_evidence_not_the_window() -> None:
    """The window of a hundred pairs is still beyond when she is back; what speaks is what she did since."""
    behind = [replace(asymmetry(7.0, half=1.0), latest=2.0)] * 100
    assert judged(Runner(limits(FIXED)), behind).alerts() == []
    ahead = [replace(asymmetry(4.0, half=1.0), latest=8.0)] * 100
    assert judged(Runner(limits(FIXED)), ahead).alerts() == []  # enough evidence, but no interval that shows it
    assert judged(Runner(limits(FIXED)), [*ahead, asymmetry(7.0, half=1.0)]).alerts() == [("onset", "warn")]


def test_pairs_that_waited_for_the_first_value_count() -> None:
    one = [replace(asymmetry(7.0, half=1.0, n=10 * k), latest_n=10) for k in range(1, 12)]
    runner = judged(Runner(limits(FIXED)), one)
    onset_s = next(a.onset_ns for a in runner.said if a.KIND == "alert") / 1e9
    assert onset_s == 42.0  # sixty pairs: six batches at once, and 30 s are over
    assert runner.last(RULE)[:2] == ("over", "warn")


def test_a_value_of_thirty_new_pairs_counts_three_times() -> None:
    times = []
    for pairs in (10, 30):
        values = [replace(asymmetry(7.0, half=1.2, n=100), latest_n=pairs)] * 30
        runner = judged(Runner(limits(FIXED)), values, every_s=0.7 * pairs)
        times.append(next(a.onset_ns for a in runner.said if a.KIND == "alert") / 1e9)
    assert times[1] == pytest.approx(times[0], abs=29.0)


def test_a_limit_below_what_runs_differ_by_counts_as_that() -> None:
    history = (run_with(-2.0), run_with(0.0), run_with(2.0))  # SD 2: 5.5 points
    assert judged(Runner(limits(SESSIONS, history=history)), [asymmetry(5.6, half=0.5)] * 60).alerts() == []
    assert judged(Runner(limits(SESSIONS, history=history)), [asymmetry(7.0, half=0.5)] * 60).alerts() == [
        ("onset", "warn")
    ]


def test_a_change_that_turns_round_is_still_one_alert() -> None:
    runner = judged(Runner(limits(FIXED)), [asymmetry(8.0)] * 30 + [asymmetry(-8.0)] * 30)
    assert runner.alerts() == [("onset", "warn")]
    judged(runner, [asymmetry(1.0)] * 20)
    assert runner.alerts()[1:] == [("recovery", "warn")]


def test_a_value_without_its_error_or_its_latest_pairs_is_not_judged() -> None:
    for less in ({"se": None}, {"latest": None}):
        runner = judged(Runner(limits(FIXED)), [replace(asymmetry(9.0), **less)] * 50)
        assert runner.last(RULE) == ("undecided", "none", "60 of 60 stride pairs")


METRIC = """\
[asymmetry.{metric}]
formula = "{formula}"
baseline = {{mode = "fixed", value = 0.0}}
warn = 5.0
stop = 10.0
needs = {{steps = 60, sustained = "30s", clear_below = 4.0}}
"""


def of(metric: str, value: float, *, difference: bool) -> Asymmetry:
    made = replace(asymmetry(value), metric=metric, latest_n=30)
    if not difference:
        return made
    ends = {"difference": value, "difference_low": made.si_low_pct, "difference_high": made.si_high_pct}
    return replace(made, si_pct=None, si_low_pct=None, si_high_pct=None, balance_pct=None, **ends)


@pytest.mark.parametrize(
    ("metric", "formula", "text"),
    [
        ("impact_peak", "si_signed", "Impact harder on the left than usual: 7.0 points from baseline, limit 5.0 ("),
        (
            "flight_time",
            "difference_ms",
            "Flight time longer on the left than usual: 7.0 ms from baseline, limit 5.0 (",
        ),
        ("strike_angle", "difference_deg", "Strike angle larger on the left than usual: 7.0 deg from baseline, limit"),
    ],
)
def test_any_metric_can_be_limited_in_its_unit(metric: str, formula: str, text: str) -> None:
    under_test = limits(METRIC.format(metric=metric, formula=formula))
    assert under_test.rules == (f"asymmetry.{metric}",)
    runner = Runner(under_test)
    fields = {"strike_angle": "strike_angle_deg", "flight_time": "flight_time_s", "impact_peak": "impact_peak_g"}
    said = []
    for second in range(0, 120, 7):
        for foot in Side:
            item = replace(stride(foot, 10.0), **{fields[metric]: 9.0})
            said += runner.limits.on_stride(item, second * 10**9)
        said += runner.limits.on_totals(totals(second * 2.6, float(second)), second * 10**9)
        value = of(metric, 7.0, difference=formula != "si_signed")
        said += runner.limits.on_asymmetry(value, second * 10**9)
        said += runner.limits.on_asymmetry(of("swing_time", 99.0, difference=False), second * 10**9)
    alerts = [item for item in said if item.KIND == "alert"]
    assert len(alerts) == 1
    assert alerts[0].text.startswith(text)
    assert alerts[0].unit == {"si_signed": "points", "difference_ms": "ms", "difference_deg": "deg"}[formula]
    assert [s.status for s in said if s.KIND == "limit_state"][-1] is LimitStatus.OVER
