"""Steady running, speed bands, and the interval's parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.load.interval import BATCH, PHI_MAX, batch_means, interval, lag1, mean_and_half, resolvable, spread_factor
from sensord.load.pairing import StridePair
from sensord.load.steady import BOUT_PAIRS, CURVE_DEG, Bouts, alike, pair_speed_mps, pair_turn_deg, steady, straight
from sensord.model import NS, Activity, Side
from sensord.plan.bands import MIN_STRIDES, STRIDES, SpeedBands, band_of, measured_speed
from tests.load.made_strides import a_stride


def at(
    t_s: float, activity: Activity = Activity.RUN, speeds: tuple[float | None, float | None] = (3.0, 3.0)
) -> StridePair:
    left = a_stride(Side.LEFT, t_s - 1.05, t_s - 0.35, activity=activity, speed_mps=speeds[0])
    right = a_stride(Side.RIGHT, t_s - 0.7, t_s, activity=activity, speed_mps=speeds[1])
    return StridePair(round(t_s * NS), left, right)


def test_the_first_pairs_of_each_bout_do_not_count() -> None:
    bouts = Bouts()
    run = [bouts.settled(at(2 + 0.7 * k)) for k in range(10)]
    assert run == [False] * BOUT_PAIRS + [True] * (10 - BOUT_PAIRS)
    assert not bouts.settled(at(9.5, Activity.WALK))
    assert [bouts.settled(at(10.2 + 0.7 * k)) for k in range(5)] == [False] * 3 + [True] * 2
    assert [bouts.settled(at(30 + 0.7 * k)) for k in range(4)] == [False] * 3 + [True]  # standing in between
    assert bouts.settled(at(34.0))  # two lost pairs are no new bout


def test_a_change_of_speed_of_more_than_five_per_cent_is_not_steady() -> None:
    assert steady([3.0] * 5 + [3.14] * 5)
    assert not steady([3.0] * 5 + [3.17] * 5)
    assert not steady([3.0] * 5 + [2.84] * 5)
    assert steady([None] * 10)
    assert steady([3.0] * 5 + [None] * 5)
    assert alike(None, 3.0)
    assert not alike(2.0, 3.0)


def test_a_curve_is_what_turns_on_the_average() -> None:
    scattered = [3.0, -2.0, 1.0, -3.0, 2.5, -1.0, 0.5, -2.0, 1.5, None]
    assert straight(scattered)
    assert straight([None] * BATCH)
    assert not straight([turn if turn is None else turn + 3.9 for turn in scattered])
    assert not straight([turn if turn is None else turn - 3.9 for turn in scattered])
    pair = at(2.0)
    turned = StridePair(pair.t_ns, replace(pair.left, turn_deg=3.0), replace(pair.right, turn_deg=5.0))
    assert pair_turn_deg(turned) == 4.0 > CURVE_DEG
    assert pair_turn_deg(pair) is None


def test_a_pairs_speed_is_the_measured_one() -> None:
    assert pair_speed_mps(at(2.0, speeds=(3.0, 3.2))) == pytest.approx(3.1)
    assert pair_speed_mps(at(2.0, speeds=(None, 3.2))) == 3.2
    assert pair_speed_mps(at(2.0, speeds=(None, None))) is None
    assert measured_speed(a_stride(Side.LEFT, 0.0, 0.7, speed_mps=2.7, speed_source="configured")) is None


def test_bands_are_half_a_metre_a_second_wide() -> None:
    assert [band_of(v) for v in (2.5, 2.99, 3.0, 0.2)] == ["2.5-3.0", "2.5-3.0", "3.0-3.5", "0.0-0.5"]


def test_the_band_is_that_of_the_median_and_does_not_flicker() -> None:
    bands = SpeedBands()
    for k in range(MIN_STRIDES):
        assert bands.now is None
        bands.add(a_stride(Side.LEFT, 0.7 * k, 0.7 * k + 0.7, speed_mps=2.9))
    assert bands.now == "2.5-3.0"
    for v in [3.05] * STRIDES:  # over the edge, not clearly
        bands.add(a_stride(Side.RIGHT, 0.0, 0.7, speed_mps=v))
    assert bands.now == "2.5-3.0"
    for v in [3.3] * STRIDES:
        bands.add(a_stride(Side.RIGHT, 0.0, 0.7, speed_mps=v))
    assert bands.now == "3.0-3.5"
    for v in (9.0, None, 1.2):  # one wild stride, an unknown one, a walking one
        bands.add(a_stride(Side.LEFT, 0.0, 0.7, speed_mps=v, activity=Activity.WALK if v == 1.2 else Activity.RUN))
    assert bands.now == "3.0-3.5"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=30, max_size=260), st.floats(-5, 5), st.floats(0.1, 10))
def test_an_interval_moves_and_grows_with_its_values(values: list[float], shift: float, scale: float) -> None:
    x = np.array(values)
    mean, half = interval(x)
    moved, wide = interval(shift + scale * x)
    assert moved == pytest.approx(shift + scale * mean, abs=1e-9)
    assert wide == pytest.approx(scale * half, abs=1e-9)
    many_mean, many_half = mean_and_half(np.stack([x, shift + scale * x]))
    assert many_mean == pytest.approx([mean, moved])
    assert many_half == pytest.approx([half, wide])


def test_twenty_nine_pairs_have_a_mean_and_no_interval() -> None:
    assert interval(np.linspace(0, 1, 29))[1] is None
    assert interval(np.linspace(0, 1, 30))[1] is not None


def test_more_than_two_hundred_pairs_make_larger_batches() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=1000)
    assert interval(x)[1] == pytest.approx(2.09 / np.sqrt(1000), rel=0.5)
    assert batch_means(x).shape == (1000 // BATCH,)


def test_memory_of_strides_is_estimated_without_bias_and_despite_misread_ones() -> None:
    rng = np.random.default_rng(11)
    x = rng.normal(size=(2000, 164))
    for k in range(1, 164):
        x[:, k] += 0.4 * x[:, k - 1]
    found = lag1(x[:, 64:])
    assert found.mean() == pytest.approx(0.4, abs=0.02)
    x[:, 70] += 40.0
    assert lag1(x[:, 64:]).mean() == pytest.approx(0.4, abs=0.06)
    assert lag1(np.zeros(100)) == pytest.approx(0.01)  # nothing varies: only the bias term
    assert lag1(np.linspace(0, 1, 100)) == PHI_MAX


def test_the_factor_is_one_without_memory_and_right_with_it() -> None:
    assert spread_factor(np.array(0.0), 10, 10) == pytest.approx(1.0)
    rng = np.random.default_rng(12)
    x = rng.normal(size=(20000, 124)) * 0.8
    for k in range(1, 124):
        x[:, k] += 0.6 * x[:, k - 1]
    means = x[:, 64:].reshape(-1, 6, 10).mean(axis=2)
    true, told = means.mean(axis=1).var(), (means.var(axis=1, ddof=1) / 6).mean()
    assert true / told == pytest.approx(float(spread_factor(np.array(0.6), 10, 6)), rel=0.05)


def test_resolvable_change_is_that_of_two_values() -> None:
    half = 2.262157 * 0.01  # ten batches, standard error 0.01
    assert resolvable(half, 100) == pytest.approx(1.96 * np.sqrt(2) * 0.01)
