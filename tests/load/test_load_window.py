"""The 1 Hz window: what is recent, what is measured, and honest blanks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sensord.load.window import KEPT, WINDOW_S, Windows
from sensord.model import NS, Activity, RunTotals, Side
from tests.load.made_strides import a_stride, both_feet, strides


def filled(items: list) -> Windows:
    windows = Windows()
    for item in items:
        windows.add(item)
    return windows


def test_means_of_the_last_seconds() -> None:
    window = filled(both_feet(0.0, 30)).at(21 * NS, RunTotals(steps=60, distance_m=57.0, configured_m=5.7), 2 * NS)
    assert window.activity is Activity.RUN
    assert window.cadence_spm == pytest.approx(120 / 0.7)
    assert window.left.contact_time_s == window.right.contact_time_s == 0.25
    assert window.left.n == window.left.contact_n == 8  # ends 16.1 ... 21.0
    assert window.left.impact_peak_g == 10.0
    assert window.left.impact_clipped_share == 0.0
    assert (window.steps, window.distance_m, window.elapsed_s) == (60, 57.0, 19.0)
    assert window.distance_calibrated is False


def test_a_stride_that_ended_five_seconds_ago_is_past() -> None:
    windows = filled([a_stride(Side.LEFT, 9.3, 10.0)])
    assert windows.at(15 * NS - 1, RunTotals(), 0).left.n == 1
    assert windows.at(15 * NS, RunTotals(), 0).left.n == 0


def test_nothing_recent_is_none_and_zero() -> None:
    window = filled(both_feet(0.0, 30)).at(60 * NS, RunTotals(), 0)
    assert window.activity is window.cadence_spm is None
    for foot in (window.left, window.right):
        assert foot.n == foot.contact_n == 0
        assert foot.cadence_spm is foot.contact_time_s is foot.impact_peak_g is foot.impact_clipped_share is None
        assert foot.confidence is None


def test_one_foot_alone_gives_the_cadence() -> None:
    window = filled(strides(Side.RIGHT, 0.0, 10)).at(7 * NS, RunTotals(), 0)
    assert window.cadence_spm == pytest.approx(120 / 0.7)
    assert window.left.n == 0


def test_unmeasured_values_do_not_enter_means() -> None:
    items = [
        a_stride(Side.LEFT, 0.0, 0.7, contact_time_s=0.2, impact_peak_g=None),
        a_stride(Side.LEFT, 0.7, 1.4, contact_time_s=None, impact_peak_g=12.0),
        a_stride(Side.LEFT, 1.4, contact_time_s=0.3, impact_peak_g=16.0, impact_clipped=True),
    ]
    foot = filled(items).at(2 * NS, RunTotals(), 0).left
    assert (foot.n, foot.contact_n) == (3, 2)
    assert foot.contact_time_s == pytest.approx(0.25)
    assert (foot.impact_peak_g, foot.impact_clipped_share) == (12.0, 0.5)


def test_walking_is_what_most_strides_were_and_a_tie_goes_to_the_latest() -> None:
    walk, run = strides(Side.LEFT, 0, 2, 1.1, activity=Activity.WALK), strides(Side.RIGHT, 2.2, 2)
    assert filled(walk + run).at(4 * NS, RunTotals(), 0).activity is Activity.RUN
    assert filled([*walk, run[0]]).at(4 * NS, RunTotals(), 0).activity is Activity.WALK


def test_memory_is_bounded_and_a_stride_without_time_is_left_out() -> None:
    windows = filled([a_stride(Side.LEFT, None), *strides(Side.LEFT, 0.0, 1000)])
    assert len(windows._recent[Side.LEFT]) == KEPT
    assert WINDOW_S / 0.4 < KEPT  # nobody makes a stride in less than 0.4 s


def test_flight_of_both_feet_needs_no_common_clock_and_that_of_one_side_does() -> None:
    items = [
        replace(
            s, step_time_s=0.37 if s.foot is Side.LEFT else 0.33, flight_time_s=0.12 if s.foot is Side.LEFT else 0.08
        )
        for s in both_feet(0.0, 30, speed_mps=2.9)
    ]
    windows, totals = filled(items), RunTotals(run_distance_m=50.0)
    apart = windows.at(21 * NS, totals, 0, sync_quality_ms=5.0)
    assert apart.flight_time_s == pytest.approx((0.7 - 0.25 - 0.25) / 2)
    assert apart.step_time_left_s is apart.step_time_right_s is apart.flight_time_left_s is None
    assert (apart.sync_quality_ms, apart.run_distance_m) == (5.0, 50.0)
    assert apart.speed_mps == pytest.approx(2.9)
    assert windows.at(21 * NS, totals, 0).step_time_left_s is None
    one = windows.at(21 * NS, totals, 0, sync_quality_ms=2.0)
    assert (one.step_time_left_s, one.step_time_right_s) == (pytest.approx(0.37), pytest.approx(0.33))
    assert (one.flight_time_left_s, one.flight_time_right_s) == (pytest.approx(0.12), pytest.approx(0.08))


def test_walking_has_steps_and_no_flight() -> None:
    items = both_feet(0.0, 30, 1.1, activity=Activity.WALK, contact_time_s=0.7, step_time_s=0.55, flight_time_s=-0.15)
    window = filled(items).at(33 * NS, RunTotals(), 0, sync_quality_ms=1.0)
    assert window.step_time_left_s == pytest.approx(0.55)
    assert window.flight_time_s is window.flight_time_left_s is None


def test_how_sure_speed_and_distance_are() -> None:
    feet = both_feet(0.0, 30, speed_mps=2.9, speed_sd_mps=0.1, speed_source="trajectory")
    feet[-1] = replace(feet[-1], speed_source="model", speed_sd_mps=0.3)
    feet[-2] = replace(feet[-2], speed_source="configured", speed_mps=9.9, speed_sd_mps=9.9)
    totals = RunTotals(distance_m=100.0, distance_sd_m=3.0, estimated_m=12.0, configured_m=5.0)
    window = filled(feet).at(21 * NS, totals, 0)
    assert (window.speed_mps, window.speed_source) == (pytest.approx(2.9), "trajectory")
    assert window.speed_sd_mps is not None
    assert 0.1 < window.speed_sd_mps < 0.13  # what all strides may be off by does not shrink in their mean
    assert (window.distance_sd_m, window.estimated_m, window.configured_m) == (3.0, 12.0, 5.0)
    silent = filled(feet).at(60 * NS, totals, 0)
    assert silent.speed_sd_mps is silent.speed_source is None
