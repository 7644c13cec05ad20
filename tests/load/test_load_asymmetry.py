"""Asymmetry: exact in the formula, honest in the interval, and said with what it can be compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.load.asymmetry import BATCH, BATCHES, MIN_BATCHES, Asymmetries, symmetry_index_pct
from sensord.load.interval import MAX_BATCHES, T_975
from sensord.load.metrics import METRICS
from sensord.load.pairing import StridePair
from sensord.load.steady import BOUT_PAIRS
from sensord.model import NS, Activity, Asymmetry, PodSetup, RunSetup, Side, canonical_json, payload
from sensord.plan.baseline import Baselines
from tests.load.made_strides import a_stride


def a_pair(left_s: float, right_s: float, activity: Activity = Activity.RUN, k: int = 0, **both: Any) -> StridePair:
    """The k-th pair of a run; `both`: further values of both strides, or (left, right) of them."""
    sides = [{name: v[i] if isinstance(v, tuple) else v for name, v in both.items()} for i in (0, 1)]
    at_s = 0.7 * k
    left = a_stride(Side.LEFT, at_s, at_s + 0.7, contact_time_s=left_s, activity=activity, **sides[0])
    right = a_stride(Side.RIGHT, at_s + 0.35, at_s + 1.05, contact_time_s=right_s, activity=activity, **sides[1])
    return StridePair(round((at_s + 1.05) * NS), left, right)


def values(pairs: list[tuple[float, float]], injured: Side | None = None) -> list[Asymmetry]:
    """Contact times of steady running: the pairs come after those that are left out as a bout begins."""
    asymmetry = Asymmetries(injured)
    begin = [(9.0, 0.1)] * BOUT_PAIRS
    found = [v for k, (left, right) in enumerate(begin + pairs) for v in asymmetry.add(a_pair(left, right, k=k))]
    return [value for value in found if value.metric == "contact_time"]


def test_the_index_is_the_textbook_one() -> None:
    (value,) = values([(0.22, 0.20)] * BATCH)
    assert value.si_pct == pytest.approx(100 * (0.22 - 0.20) / 0.21)
    assert value.balance_pct == pytest.approx(100 * 0.22 / 0.42)
    assert value.n == BATCH
    assert value.si_low_pct is value.si_high_pct is value.injured_minus_other_pct is None


def test_every_tenth_pair_gives_a_value_over_at_most_a_hundred() -> None:
    found = values([(0.25, 0.25)] * 1234)
    assert len(found) == 123
    assert [v.n for v in found[:12]] == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 100, 100]
    assert [v.si_low_pct is None for v in found[:4]] == [True, True, False, False]
    assert MIN_BATCHES == 3


def test_old_pairs_are_forgotten() -> None:
    found = values([(0.30, 0.20)] * 500 + [(0.25, 0.25)] * (BATCH * BATCHES))
    assert found[-1].si_pct == found[-1].si_low_pct == found[-1].si_high_pct == 0.0


@pytest.mark.parametrize(("injured", "sign"), [(Side.LEFT, 1), (Side.RIGHT, -1)])
def test_injured_minus_other_has_the_sign_of_the_injured_side(injured: Side, sign: int) -> None:
    (value,) = values([(0.26, 0.24)] * BATCH, injured)
    assert value.injured_minus_other_pct == pytest.approx(sign * 8.0)


def test_walking_pairs_are_ignored() -> None:
    asymmetry = Asymmetries(None)
    assert [v for k in range(50) for v in asymmetry.add(a_pair(0.7, 0.6, Activity.WALK, k))] == []


def test_one_misread_contact_a_batch_moves_nothing() -> None:
    clean = [(0.25, 0.24)] * (BATCH - 1)
    assert values([*clean, (0.50, 0.24)] * 5)[-1].si_pct == pytest.approx(values([*clean, clean[0]] * 5)[-1].si_pct)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 0.5), st.floats(0.1, 0.5)), min_size=30, max_size=60))
def test_swapping_the_feet_turns_the_sign(pairs: list[tuple[float, float]]) -> None:
    for one, other in zip(values(pairs), values([(right, left) for left, right in pairs]), strict=True):
        assert one.si_pct == pytest.approx(-other.si_pct, abs=1e-9)
        assert one.balance_pct == pytest.approx(100 - other.balance_pct)
        if one.si_low_pct is not None:
            assert one.si_low_pct == pytest.approx(-other.si_high_pct, abs=1e-9)
            assert one.si_low_pct <= one.si_pct <= one.si_high_pct


def test_the_interval_is_students_over_the_batches() -> None:
    logs = [0.00, 0.02, 0.04]
    around = [0.2, -0.2] * (BATCH // 2)  # no memory from pair to pair: nothing is widened
    last = values([(0.25 * float(np.exp(x + e)), 0.25) for x in logs for e in around])[-1]
    half = 4.302653 * 0.02 / np.sqrt(3)  # two degrees of freedom
    assert last.si_low_pct == pytest.approx(symmetry_index_pct(0.02 - half))
    assert last.si_high_pct == pytest.approx(symmetry_index_pct(0.02 + half))


def test_the_table_of_t_is_scipys() -> None:
    from scipy.stats import t

    assert pytest.approx([t.ppf(0.975, df) for df in range(MIN_BATCHES - 1, MAX_BATCHES)], abs=1e-6) == T_975


def test_index_of_a_log_ratio() -> None:
    assert symmetry_index_pct(np.log(1.1)) == pytest.approx(9.5238, abs=1e-4)


# ------------------------------------------------------------------------------------------------ all metrics


ALL = {
    "swing_time_s": (0.46, 0.44),
    "duty_factor": (0.36, 0.35),
    "step_time_s": (0.36, 0.34),
    "flight_time_s": (0.004, -0.002),
    "impact_peak_g": (11.0, 10.0),
    "impact_band_g": (2.2, 2.0),
    "force_peak_bw": (2.4, 2.5),
    "impulse_bw_s": (0.34, 0.36),
    "strike_angle_deg": (3.0, -4.0),
}


def told(n: int, asymmetry: Asymmetries | None = None, **both: Any) -> list[Asymmetry]:
    """Values of `n` counted pairs that differ by 5 % in contact time."""
    asymmetry = asymmetry or Asymmetries(Side.LEFT)
    pairs = (a_pair(0.252, 0.24, k=k, **both) for k in range(n + BOUT_PAIRS))
    return [value for pair in pairs for value in asymmetry.add(pair)]


def test_every_metric_has_a_value_every_thirty_pairs_with_index_or_difference() -> None:
    found = {value.metric: value for value in told(60, **ALL)}
    assert list(found) == [metric.name for metric in METRICS]
    for metric in METRICS:
        value, (left, right) = found[metric.name], ALL.get(metric.field, (0.252, 0.24))
        assert (value.left, value.right, value.n) == (pytest.approx(left), pytest.approx(right), 60)
        assert value.value_unit == metric.value_unit
        if metric.ratio:
            assert value.si_pct == pytest.approx(200 * (left - right) / (left + right))
            assert value.injured_minus_other_pct == value.si_pct
            assert value.balance_pct == pytest.approx(100 * left / (left + right))
            assert (value.unit, value.difference) == ("%", None)
        else:
            assert value.si_pct is value.si_low_pct is value.balance_pct is value.injured_minus_other_pct is None
            assert value.difference == pytest.approx(metric.scale * (left - right))
            assert value.difference_low == pytest.approx(value.difference)
            assert value.unit == {"flight_time": "ms", "strike_angle": "deg"}[metric.name]
        canonical_json(payload(value))
    assert [v.n for v in told(100, **ALL) if v.metric == "impulse"] == [30, 60, 90]


def test_what_no_stride_has_is_not_told() -> None:
    assert {value.metric for value in told(60, impact_peak_g=None)} == {"contact_time"}


def test_a_walk_run_session_is_pooled_and_changes_of_speed_are_left_out() -> None:
    asymmetry, found = Asymmetries(None), []
    k = 0
    for _ in range(6):  # bouts of 18 pairs, of which 15 count
        for _ in range(18):
            found += asymmetry.add(a_pair(0.25, 0.24, k=k))
            k += 1
        for _ in range(10):
            found += asymmetry.add(a_pair(0.60, 0.70, Activity.WALK, k))
            k += 1
    contact = [v for v in found if v.metric == "contact_time"]
    assert [v.n for v in contact] == [10 * j for j in range(1, 10)]
    assert contact[-1].si_pct == pytest.approx(200 * 0.01 / 0.49)
    speeding_up = (a_pair(0.25, 0.24, k=k + j, speed_mps=2.5 * 1.012**j) for j in range(40))
    assert [v for pair in speeding_up for v in asymmetry.add(pair) if v.metric == "contact_time"] == []


def test_a_value_is_of_the_speed_she_runs_at() -> None:
    asymmetry, found, k = Asymmetries(None), [], 0
    for speed_mps, left_s in ((2.6, 0.26), (3.6, 0.24), (2.65, 0.26), (3.6, 0.24)):
        for _ in range(40):
            found += asymmetry.add(a_pair(left_s, 0.24, k=k, speed_mps=speed_mps))
            k += 1
    contact = [v for v in found if v.metric == "contact_time"]
    assert contact[-1].si_pct == pytest.approx(0.0, abs=1e-9)
    assert contact[-1].speed_band == "3.5-4.0"
    assert 60 <= contact[-1].n <= 80
    slow = [v for v in contact if v.speed_band == "2.5-3.0"][-1]
    assert slow.si_pct == pytest.approx(8.0)


def test_clipped_pairs_are_left_out_and_counted_and_many_of_them_hide_the_value() -> None:
    def impacts(every: int) -> list[Asymmetry]:
        asymmetry, found = Asymmetries(None), []
        for k in range(120):
            found += asymmetry.add(a_pair(0.25, 0.24, k=k, impact_peak_g=12.0, impact_clipped=(k % every == 0, False)))
        return [v for v in found if v.metric == "impact_peak"]

    some = impacts(10)
    assert some[-1].n == 90
    assert some[-1].why is not None
    assert "of 100 pairs left out: clipped" in some[-1].why
    assert impacts(3) == []


def with_history(*indices: float, pods: tuple[str, str] = ("a", "b"), swapped: float | None = None) -> Asymmetries:
    def run(index: float, left: str, right: str) -> dict[str, Any]:
        values = {"index": index, "pairs": 300, "left": 0.251, "right": 0.249}
        return {"metrics": {"contact_time": values}, "pods": {"left": left, "right": right}, "injured": True}

    history = [run(index, *pods) for index in indices]
    history += [] if swapped is None else [run(swapped, pods[1], pods[0])]
    sides = tuple(PodSetup(pod, side, "x") for pod, side in zip(pods, Side, strict=True))
    setup = RunSetup(run="R", runner="r", site="s", gateway="g", pods=sides, history=tuple(history))
    return Asymmetries(None, Baselines(None, setup))


def test_beside_the_value_stand_her_usual_and_what_counts_as_change() -> None:
    value = [v for v in told(60, with_history(1.0, 2.0, 3.0)) if v.metric == "contact_time"][-1]
    assert (value.baseline, value.baseline_runs, value.baseline_label) == (2.0, 3, "made while injured")
    assert (value.baseline_left, value.baseline_right) == (0.251, 0.249)
    assert (value.mdc, value.mdc_from) == (pytest.approx(1.96 * 2**0.5, abs=0.01), "runs")
    assert value.device_bias is None
    assert value.why is None  # 4.9 % is more than pods differ by
    alone = [v for v in told(60) if v.metric == "contact_time"][-1]
    assert (alone.mdc_from, alone.baseline) == ("window", None)


def test_exchanged_pods_are_taken_off_and_without_them_little_is_noise() -> None:
    small = [a_pair(0.2436, 0.24, k=k) for k in range(60 + BOUT_PAIRS)]  # SI 1.5
    fresh = with_history()
    last = [v for pair in small for v in fresh.add(pair) if v.metric == "contact_time"][-1]
    assert "device noise, pods never swapped" in (last.why or "")
    known = with_history(2.0, swapped=-1.0)  # the pods add 1.5
    last = [v for pair in small for v in known.add(pair) if v.metric == "contact_time"][-1]
    assert last.si_pct == pytest.approx(0.0, abs=0.02)
    assert last.device_bias == pytest.approx(1.5, abs=0.01)
    assert "noise" not in (last.why or "")


def test_pairs_on_a_curve_are_left_out() -> None:
    def values(turn_deg: float) -> int:
        asymmetries = Asymmetries(None)
        found = 0
        for k in range(60):
            left, right = (
                a_stride(side, at_s, at_s + 0.7, contact_time_s=0.25, turn_deg=turn_deg)
                for side, at_s in ((Side.LEFT, 0.7 * k), (Side.RIGHT, 0.7 * k + 0.35))
            )
            found += len(asymmetries.add(StridePair(round((0.7 * k + 1.05) * NS), left, right)))
        return found

    assert values(0.3) > 0
    assert values(3.9) == values(-3.9) == 0


@pytest.mark.parametrize("twisted", [False, True])
def test_what_lies_between_the_feet_says_whether_the_clocks_were_compared(twisted: bool) -> None:
    asymmetries = Asymmetries(None)
    asymmetries.twisted = twisted
    found = []
    for k in range(60):
        left, right = (
            a_stride(side, at_s, at_s + 0.7, contact_time_s=0.25, swing_time_s=0.45, step_time_s=0.35)
            for side, at_s in ((Side.LEFT, 0.7 * k), (Side.RIGHT, 0.7 * k + 0.35))
        )
        found += asymmetries.add(StridePair(round((0.7 * k + 1.05) * NS), left, right))
    why = {value.metric: value.why or "" for value in found}
    assert ("never twisted together" in why["step_time"]) is not twisted
    assert "twisted" not in why["swing_time"] + why["contact_time"]
