"""Counting errors: bias, spread, limits, the best constant, and events matched one to one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.validation.statistics import agreement, best_constant, match_events

NUMBERS = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30)
TIMES = st.lists(st.integers(0, 5000).map(lambda ms: ms / 1000), max_size=25, unique=True)
QUICK = settings(deadline=None, max_examples=60)


def test_known_errors() -> None:
    got = agreement([1.0, 2.0, 3.0])
    assert (got.n, got.bias, got.sd, got.mean_abs) == (3, 2.0, 1.0, 2.0)
    assert got.rms == pytest.approx(np.sqrt(14 / 3))
    assert got.limits == pytest.approx((2 - 1.96, 2 + 1.96))


def test_too_few_values_have_no_spread() -> None:
    assert agreement([]).bias is None
    assert agreement([]).limits is None
    assert (agreement([4.0]).bias, agreement([4.0]).sd, agreement([4.0]).limits) == (4.0, None, None)


def test_an_error_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="no number"):
        agreement([1.0, float("nan")])


@QUICK
@given(NUMBERS, st.floats(-100, 100))
def test_a_shift_moves_the_bias_only(errors: list[float], by: float) -> None:
    before, after = agreement(errors), agreement([e + by for e in errors])
    assert after.bias == pytest.approx(before.bias + by, abs=1e-6)
    assert after.sd == pytest.approx(before.sd, abs=1e-6)


@QUICK
@given(NUMBERS, st.floats(-1e3, 1e3))
def test_no_constant_does_better_than_the_best_one(true: list[float], other: float) -> None:
    best, tried = best_constant(true), agreement(other - np.array(true))
    assert best.bias == pytest.approx(0.0, abs=1e-9)
    assert best.rms <= tried.rms + 1e-9
    assert best.sd == pytest.approx(np.std(true, ddof=1) if len(true) > 1 else None, abs=1e-9)


def test_the_nearest_pair_is_matched_first_and_nothing_twice() -> None:
    matches = match_events([1.00, 1.04], [1.03, 1.50], 0.06)
    assert matches.pairs == ((1, 0),)
    assert (matches.missed, matches.invented) == ((1,), (0,))
    # one found contact between two true ones counts for one of them only
    assert match_events([1.0], [0.97, 1.02], 0.06).pairs == ((0, 1),)


def test_f1() -> None:
    assert match_events([], [], 0.1).f1 is None
    assert match_events([1.0, 2.0, 3.0], [1.0, 2.0], 0.1).f1 == pytest.approx(0.8)


@QUICK
@given(TIMES, TIMES, st.floats(0.001, 0.5))
def test_every_event_is_counted_once(found: list[float], true: list[float], within: float) -> None:
    matches = match_events(found, true, within)
    assert sorted([i for i, _ in matches.pairs] + list(matches.invented)) == list(range(len(found)))
    assert sorted([j for _, j in matches.pairs] + list(matches.missed)) == list(range(len(true)))
    assert all(abs(found[i] - true[j]) <= within for i, j in matches.pairs)
    # what is left on both sides is too far apart to be a pair
    assert all(abs(found[i] - true[j]) > within for i in matches.invented for j in matches.missed)


@QUICK
@given(TIMES, st.floats(0.001, 0.5))
def test_the_truth_matches_itself(times: list[float], within: float) -> None:
    matches = match_events(times, times, within)
    assert matches.pairs == tuple((k, k) for k in range(len(times)))
