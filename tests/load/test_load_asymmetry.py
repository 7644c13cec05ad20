"""Asymmetry of contact time: exact in the formula, honest in the interval."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.load.asymmetry import BATCH, BATCHES, MIN_BATCHES, Asymmetries, symmetry_index_pct
from sensord.load.interval import MAX_BATCHES, T_975
from sensord.load.pairing import StridePair
from sensord.load.steady import BOUT_PAIRS
from sensord.model import NS, Activity, Asymmetry, Side
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


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """3.5 % stride-to-stride variation a foot with autocorrelation 0.3, a true index of 4: 95 % is promised."""
    rng, truth, inside, runs = np.random.default_rng(7), 4.0, 0, 400
    ratio = np.log((200 + truth) / (200 - truth))
    for _ in range(runs):
        noise = rng.normal(size=(2, 100)) * 0.035 * np.sqrt(1 - 0.3**2)
        for k in range(1, 100):
            noise[:, k] += 0.3 * noise[:, k - 1]
        left, right = 0.25 * np.exp(noise[0] + ratio), 0.25 * np.exp(noise[1])
        last = values(list(zip(left, right, strict=True)))[-1]
        inside += last.si_low_pct <= truth <= last.si_high_pct
    assert 0.90 <= inside / runs <= 0.98


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
