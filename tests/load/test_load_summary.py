"""What a run came to: medians to their stated resolution, in memory that does not grow."""

from __future__ import annotations

import pickle
import statistics
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.load.histogram import Histogram
from sensord.load.pairing import Pairing
from sensord.load.steady import BOUT_PAIRS
from sensord.load.summary import MAX_BANDS, Summary
from sensord.model import Activity, Alert, AlertPhase, Level, RunSummary, RunTotals, Side, canonical_json, payload
from sensord.plan.conditions import Conditions
from tests.load.made_strides import a_stride, both_feet


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=50))
def test_a_histogram_median_is_right_to_half_a_bin(values: list[float]) -> None:
    histogram = Histogram(0, 100, 0.5)
    for value in values:
        histogram.add(value)
    assert histogram.n == len(values)
    assert histogram.median == pytest.approx(statistics.median_low(values), abs=0.25 + 1e-9)


def test_a_histogram_is_none_when_empty_and_clamps_outliers() -> None:
    histogram = Histogram(-1, 1, 0.5)
    assert histogram.median is None
    histogram.add(-99)
    histogram.add(99)
    histogram.add(98)
    assert histogram.median == 1.0


def test_clipping_hides_a_median_only_when_it_reaches_it() -> None:
    histogram = Histogram(0, 40, 0.1)
    for value in (10.0, 11.0, 12.0):
        histogram.add(value)
    for _ in range(2):
        histogram.add(16.0, clipped=True)
    assert histogram.median == pytest.approx(12.0)
    histogram.add(20.0)  # above the clipping and not clipped: the clipped ones may be above or below it
    assert histogram.median == pytest.approx(12.0)
    histogram.add(20.0)
    assert histogram.median is None
    assert (histogram.n, histogram.clipped) == (7, 2)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(1, 30), min_size=1, max_size=40), st.floats(5, 30))
def test_a_median_under_clipping_is_the_true_one_or_none(true_g: list[float], full_scale_g: float) -> None:
    histogram = Histogram(0, 40, 0.1)
    for g in true_g:
        histogram.add(min(g, full_scale_g), clipped=g >= full_scale_g)
    truth = statistics.median_low(true_g)
    if histogram.median is not None:
        assert histogram.median == pytest.approx(truth, abs=0.05 + 1e-9)
    else:
        assert truth >= full_scale_g


def summary_of(items: list) -> RunSummary:
    summary, pairing = Summary("runner-1"), Pairing()
    for item in items:
        summary.add(item)
        for pair in pairing.add(item):
            summary.add_pair(pair)
    return summary.result(RunTotals(steps=5, distance_m=4.0), elapsed_s=9.0, limits=(1, 3))


@given(st.lists(st.tuples(st.floats(-5.0, 25.0), st.booleans())), st.integers(0, 30))
def test_histograms_that_are_joined_are_as_one(values: list[tuple[float, bool]], cut: int) -> None:
    one, first, second = (Histogram(0.0, 20.0, 0.1) for _ in range(3))
    for i, (value, clipped) in enumerate(values):
        for histogram in (one, first if i < cut else second):
            histogram.add(value, clipped=clipped)
    first.join(second)
    assert (first.median, first.n, first.clipped) == (one.median, one.n, one.clipped)


def test_medians_of_running_strides() -> None:
    items = both_feet(0.0, 50, contact_time_s=0.252, impact_peak_g=9.87)
    walk = [a_stride(Side.LEFT, 100, 101.2, activity=Activity.WALK, contact_time_s=0.7, impact_peak_g=3.0)] * 500
    doubtful = [a_stride(Side.RIGHT, 200, 200.7, confidence=0.2, contact_time_s=0.1)] * 500
    found = summary_of(items + walk + doubtful)
    assert (found.strides_left, found.strides_right) == (550, 550)
    assert found.contact_time_left_s == found.contact_time_right_s == pytest.approx(0.252)
    assert found.impact_left_g == pytest.approx(9.9)
    assert found.impact_n_left == found.impact_n_right == 50
    assert found.cadence_spm == pytest.approx(120 / 0.7, abs=0.2)
    assert found.contact_time_si_pct == 0.0
    assert found.contact_time_pairs == 50 - BOUT_PAIRS
    assert (found.steps, found.distance_m, found.elapsed_s) == (5, 4.0, 9.0)
    assert (found.limits_checked, found.limits_total) == (1, 3)
    canonical_json(payload(found))


def test_an_empty_run_is_blank_not_zero() -> None:
    found = summary_of([])
    for value in (
        found.cadence_spm, found.contact_time_left_s, found.contact_time_si_pct, found.impact_right_g,
        found.impact_clipped_share,
    ):  # fmt: skip
        assert value is None
    assert found.strides_left == found.contact_time_pairs == found.impact_n_left == 0


def test_clipped_impacts_have_a_share_and_no_made_up_median() -> None:
    items = both_feet(0.0, 10, impact_peak_g=12.0) + both_feet(50.0, 30, impact_peak_g=16.0, impact_clipped=True)
    found = summary_of([*items, *both_feet(90.0, 100, impact_peak_g=18.0)])
    assert found.impact_left_g is None
    assert found.impact_clipped_share == pytest.approx(30 / 140)


def test_si_of_a_run_and_gaps() -> None:
    items = [
        a_stride(
            s.foot, s.ic_run_ns / 1e9, s.next_ic_run_ns / 1e9, contact_time_s=0.26 if s.foot is Side.LEFT else 0.24
        )
        for s in both_feet(0.0, 20)
    ]
    found = summary_of([*items, a_stride(Side.LEFT, 60.0, gap=True)])
    assert found.contact_time_si_pct == pytest.approx(8.0)
    assert found.gap_strides == 1


def test_an_alert_counts_once() -> None:
    summary = Summary("runner-1")
    onset = Alert("x", AlertPhase.ONSET, Level.WARN, "r", "m", "u", 1.0, 1.0, "c", "t", 0, None)
    for phase in AlertPhase:
        summary.add_alert(Alert(**{**{f: getattr(onset, f) for f in onset.__slots__}, "phase": phase}))
    assert summary.result(RunTotals(), elapsed_s=0.0, limits=(0, 0)).alerts == 1


def test_memory_does_not_grow_with_the_run() -> None:
    sizes = []
    summary, pairing = Summary("runner-1"), Pairing()
    for round_ in range(3):
        for k, item in enumerate(both_feet(1000.0 * round_, 1000)):
            stride = replace(item, speed_mps=0.3 + k % 900 / 100, contact_time_s=k % 50 / 100, impact_peak_g=999.0)
            summary.add(stride)
            for pair in pairing.add(stride):
                summary.add_pair(pair)
        sizes.append(len(pickle.dumps(summary)))
    assert sizes[2] < sizes[1] * 1.05  # counts get longer, bins and bands no more
    found = summary.result(RunTotals(), elapsed_s=0.0, limits=(0, 0))
    assert len(found.bands) <= MAX_BANDS
    assert found.impact_left_g == 400.0


def test_a_summary_says_under_which_conditions_and_at_which_speeds() -> None:
    conditions = Conditions(shoe="blue", mount="laces", injured=True, pods={"left": "a", "right": "b"})
    summary, pairing = Summary("runner-1", conditions), Pairing()
    for begin_s, speed_mps, contact_s in ((0.0, 2.7, 0.28), (100.0, 3.7, 0.22)):
        for item in both_feet(begin_s, 60 if speed_mps < 3 else 40, speed_mps=speed_mps, contact_time_s=contact_s):
            summary.add(item)
            for pair in pairing.add(item):
                summary.add_pair(pair)
    found = summary.result(RunTotals(), elapsed_s=0.0, limits=(0, 0))
    assert (found.shoe, found.surface, found.mount, found.injured) == ("blue", None, "laces", True)
    assert found.pods == {"left": "a", "right": "b"}
    assert (found.speed_mps, found.speed_band) == (2.7, "2.5-3.0")
    assert list(found.bands) == ["2.5-3.0", "3.5-4.0"]
    assert found.bands["2.5-3.0"]["contact_time"]["left"] == 0.28
    assert found.bands["3.5-4.0"]["contact_time"]["left"] == 0.22
    whole = found.metrics["contact_time"]
    assert whole == {"left": 0.28, "right": 0.28, "n_left": 100, "n_right": 100, "index": 0.0, "pairs": 100 - 2 * 3}
    assert list(found.metrics) == ["contact_time", "impact_peak"]  # what was measured
    assert found.impact["left"]["n"] == 100
    canonical_json(payload(found))


def test_a_configured_speed_is_no_speed() -> None:
    summary = Summary("runner-1")
    for item in both_feet(0.0, 30, speed_mps=2.7, speed_source="configured"):
        summary.add(item)
    found = summary.result(RunTotals(), elapsed_s=0.0, limits=(0, 0))
    assert found.speed_mps is found.speed_band is None
    assert found.bands == {}


def test_many_clipped_peaks_hide_the_difference_of_impact() -> None:
    summary, pairing = Summary("runner-1"), Pairing()
    for k, item in enumerate(both_feet(0.0, 60)):
        stride = replace(item, impact_clipped=k % 3 == 0)
        summary.add(stride)
        for pair in pairing.add(stride):
            summary.add_pair(pair)
    assert summary.result(RunTotals(), elapsed_s=0.0, limits=(0, 0)).metrics["impact_peak"]["index"] is None
