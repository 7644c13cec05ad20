"""How long a running mean another device tells: found when there is one, and not when there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.model import FloatArray
from sensord.validation import streamed
from sensord.validation.smoothing import LONGEST, mean_of_records


def told(seed: int, n: int, records: int) -> FloatArray:
    """Contact times (ms, in steps of 2) of a runner whose pace wanders, each the mean of the last n values."""
    rng = np.random.default_rng(seed)
    values = 240.0 + 8.0 * rng.normal(size=records + n - 1) + np.cumsum(rng.normal(size=records + n - 1))
    return np.asarray(2.0 * np.round(np.convolve(values, np.ones(n) / n, "valid") / 2.0))


@settings(deadline=None, max_examples=25)
@given(st.integers(2, LONGEST), st.integers(0, 2**32 - 1))
def test_a_running_mean_is_known_by_what_leaves_it(n: int, seed: int) -> None:
    assert mean_of_records([told(seed, n, 400), told(seed + 1, n, 300)]) == n


def test_values_that_are_no_means_seldom_seem_to_be_some() -> None:
    found = [mean_of_records([told(seed, 1, 400)]) for seed in range(100)]
    assert sum(one is not None for one in found) <= 5


def test_short_stretches_and_steady_values_say_nothing() -> None:
    assert mean_of_records([]) is None
    assert mean_of_records([told(1, 5, 20)] * 30) is None
    assert mean_of_records([np.full(200, 230.0)]) is None


def test_running_parts_leave_out_stops_and_the_seconds_in_which_a_mean_fills() -> None:
    stance = np.concatenate((np.zeros(3), np.full(20, 0.23), [0.6], np.full(8, 0.24), np.zeros(2)))
    parts = streamed._running_parts(stance)
    assert [len(part) for part in parts] == [10, 0]


@pytest.mark.data
def test_the_other_pod_tells_means_as_long_as_they_are_taken_here(sensord_data: Path) -> None:
    pytest.importorskip("fitdecode")
    row = streamed.told_over(sensord_data)
    assert row.score == streamed.MEAN_S
    assert row.n > 600
