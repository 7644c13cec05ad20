"""Intervals of asymmetry hold the truth about as often as they say: few repetitions, fixed seeds."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from sensord.load.interval import BATCH, T_975, batch_means
from sensord.validation.coverage import PHIS, TRUE_LOG_RATIO, resampled_coverage, simulated_coverage


def test_simulated_strides_from_thirty_to_two_hundred_pairs() -> None:
    rows = simulated_coverage((30, 60, 100, 200), (0.0, 0.6), repetitions=4000)
    for row in rows:
        assert 0.93 <= row.coverage <= 0.97, row
        assert row.coverage_se < 0.004
    narrow = {row.n: row.half_width for row in rows if row.phi == 0.0}
    wide = {row.n: row.half_width for row in rows if row.phi == 0.6}
    assert all(1.5 < wide[n] / narrow[n] < 2.5 for n in narrow)  # sqrt((1 + phi) / (1 - phi)) = 2


def test_batch_means_alone_are_not_enough_when_strides_remember() -> None:
    """What the widening is for: without it the interval of 100 pairs holds the truth in 92 to 93 %."""
    rng = np.random.default_rng(5)
    pairs = rng.normal(size=(4000, 164)) * 0.8
    for k in range(1, 164):
        pairs[:, k] += 0.6 * pairs[:, k - 1]
    means = batch_means(pairs[:, 64:])
    half = T_975[100 // BATCH - 3] * means.std(axis=1, ddof=1) / np.sqrt(means.shape[1])
    assert np.mean(np.abs(means.mean(axis=1)) <= half) < 0.935


def test_the_same_seed_is_the_same_row() -> None:
    assert simulated_coverage((30,), (0.2,), repetitions=300) == simulated_coverage((30,), (0.2,), repetitions=300)
    assert max(PHIS) == 0.6
    assert TRUE_LOG_RATIO > 0


@pytest.mark.data
def test_strides_of_a_real_run(sensord_data: Path) -> None:
    """5,859 strides of one foot (github.com/richardjy/read-runscribe), in turn left and right."""
    with gzip.open(sensord_data / "runscribe_run" / "run_right.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    names = [name.strip() for name in rows[0]]
    for metric in ("contact_time (ms)", "impact_gs"):
        values = np.array([float(row[names.index(metric)]) for row in rows[2:]])
        for found in resampled_coverage(values, (30, 60, 100, 200), repetitions=4000):
            assert 0.93 <= found.coverage <= 0.97, found
