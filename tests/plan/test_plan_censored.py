"""Medians of clipped values: exact while that is possible, a bound when not."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from sensord.plan.censored import Peak, interval_rank, median_of


@pytest.mark.parametrize("n", [*range(1, 40), 100, 200])
def test_ranks_are_the_binomial_ones(n: int) -> None:
    k = interval_rank(n)
    if k is None:
        assert binom.cdf(0, n, 0.5) > 0.025
        assert n < 6
    else:
        assert binom.cdf(k - 1, n, 0.5) <= 0.025 < binom.cdf(k, n, 0.5)


def test_unclipped_values_have_the_plain_median() -> None:
    found = median_of([Peak(float(g), clipped=False) for g in range(30)])
    assert (found.value, found.low, found.high, found.exact) == (14.0, 9.0, 20.0, True)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(1, 30), min_size=6, max_size=60), st.floats(8, 20))
def test_never_wrong_about_what_the_clipping_hides(true_g: list[float], full_scale_g: float) -> None:
    """What is said about the recorded values holds for the true ones."""
    truth = median_of([Peak(g, clipped=False) for g in true_g])
    seen = median_of([Peak(min(g, full_scale_g), clipped=g >= full_scale_g) for g in true_g])
    assert seen.low <= truth.low
    assert seen.high >= truth.high
    assert seen.value <= truth.value
    if seen.exact:
        assert seen.value == min(truth.value, full_scale_g)
    if truth.value < full_scale_g:
        assert seen.exact


def test_few_values_have_no_interval_and_none_no_median() -> None:
    found = median_of([Peak(3.0, clipped=False)] * 5)
    assert (found.value, found.low, found.high) == (3.0, 0.0, inf)
    with pytest.raises(ValueError, match="nothing"):
        median_of([])


def test_the_interval_holds_the_true_median_about_as_often_as_it_says() -> None:
    rng, inside = np.random.default_rng(3), 0
    for _ in range(2000):
        found = median_of([Peak(float(g), clipped=False) for g in rng.normal(10, 0.7, 30)])
        inside += found.low <= 10 <= found.high
    assert 0.94 <= inside / 2000 <= 0.98
