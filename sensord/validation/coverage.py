"""How often the 95 % interval of asymmetry holds the truth, by Monte Carlo on the code that makes the interval.

Two kinds of pairs, both with a known true difference:

- simulated strides: each foot's log contact time is a first-order autoregression of coefficient phi, both feet alike,
  with a true difference between them;
- strides of one real run of one foot, resampled in blocks of 60 strides from random places (stretches of the one
  recording would overlap: it holds 19 windows of 150 pairs). A block's strides are in turn left and right: the true
  difference is 0 whatever the run did, and the two sides share the run's slow changes as two feet do. The scatter is
  real; the memory from pair to pair is not that of two feet, since a difference of neighbours remembers less.

The interval is scale-free, so that the size of the scatter does not matter to coverage; widths are in points of SI.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sensord.load.interval import mean_and_half
from sensord.model import FloatArray

STRIDE_CV = 0.035
"""Stride-to-stride variation of contact time of one foot in the simulation: within the 1.7 to 9.6 % of foot pods
(Carton-Llorente et al. 2024, Sports 12:117)."""

PAIRS = (30, 40, 60, 100, 150, 200)
PHIS = (0.0, 0.2, 0.4, 0.6)
TRUE_LOG_RATIO = 0.04
"""A true difference of 4 points."""

SETTLE = 64
"""Strides before the first that counts, in which an autoregression forgets its start: 0.6 to the 64th is nothing."""

BLOCK = 60
"""Strides a block of the resampled run: far longer than the memory of strides (design choice)."""

CHUNK = 4096
"""Repetitions at once (memory only)."""


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """Share of intervals that held the truth, their mean half width in points of SI, and the standard error of the
    share that comes from the number of repetitions. `pairs`: "simulated" or "resampled"; `phi`: of the simulated
    strides, else the lag-1 autocorrelation of the resampled pairs."""

    pairs: str
    n: int
    phi: float
    coverage: float
    coverage_se: float
    half_width: float
    repetitions: int


def simulated_coverage(
    pairs: Sequence[int] = PAIRS, phis: Sequence[float] = PHIS, *, repetitions: int = 20_000, seed: int = 1
) -> list[CoverageRow]:
    """One row for each phi and number of pairs, from strides with first-order memory."""
    rows: list[CoverageRow] = []
    for phi in phis:
        for n in pairs:
            rng = np.random.default_rng([seed, n, round(1000 * (1 + phi))])
            inside, half_sum, done = 0, 0.0, 0
            while done < repetitions:
                size = min(CHUNK, repetitions - done)
                left, right = (STRIDE_CV * _autoregression(rng, size, n, phi) for _ in range(2))
                centre, half = mean_and_half(left - right + TRUE_LOG_RATIO)
                inside += int(np.count_nonzero(np.abs(centre - TRUE_LOG_RATIO) <= half))
                half_sum += float(half.sum())
                done += size
            rows.append(_row("simulated", n, phi, inside, half_sum, done))
    return rows


def resampled_coverage(
    values: FloatArray, pairs: Sequence[int] = PAIRS, *, repetitions: int = 5_000, seed: int = 1
) -> list[CoverageRow]:
    """The same from one foot's values of a run, in order, shape (m,), all above 0."""
    logs = np.log(values)
    rows: list[CoverageRow] = []
    for n in pairs:
        rng = np.random.default_rng([seed, n])
        strides = _blocks(rng, logs, repetitions, 2 * n)
        found = strides[:, 0::2] - strides[:, 1::2]
        centre, half = mean_and_half(found)
        inside = int(np.count_nonzero(np.abs(centre) <= half))
        rows.append(_row("resampled", n, _lag1(found), inside, float(half.sum()), repetitions))
    return rows


def _blocks(rng: np.random.Generator, values: FloatArray, size: int, length: int) -> FloatArray:
    """Windows (size, length) put together from blocks that begin at random places."""
    starts = rng.integers(0, values.shape[0] - BLOCK + 1, size=(size, -(-length // BLOCK)))
    blocks = np.lib.stride_tricks.sliding_window_view(values, BLOCK)[starts]
    return np.asarray(blocks.reshape(size, -1)[:, :length])


def _lag1(found: FloatArray) -> float:
    return float(np.sum(found[:, 1:] * found[:, :-1]) / np.sum(found * found))  # about the true mean, 0


def _autoregression(rng: np.random.Generator, size: int, n: int, phi: float) -> FloatArray:
    """Stationary, variance 1, shape (size, n)."""
    noise = rng.normal(size=(size, n + SETTLE)) * np.sqrt(1.0 - phi**2)
    for k in range(1, n + SETTLE):
        noise[:, k] += phi * noise[:, k - 1]
    return np.asarray(noise[:, SETTLE:])


def _row(pairs: str, n: int, phi: float, inside: int, half_sum: float, repetitions: int) -> CoverageRow:
    share = inside / repetitions
    error = float(np.sqrt(share * (1.0 - share) / repetitions))
    return CoverageRow(pairs, n, phi, share, error, 100.0 * half_sum / repetitions, repetitions)
