"""A mean over autocorrelated pairs, with a 95 % interval that holds the truth about as often as it says.

Pairs are grouped in batches of ten by their number; a batch is its mean without the lowest and the highest pair, so
that one misread contact does not carry it. Student's t over the batch means gives the interval. Batch means of ten
still resemble each other when strides remember each other well: for a first-order autoregression of coefficient phi
the expected variance of batch means is too small by a factor that is known in closed form (`spread_factor`), and the
interval is widened by it. phi is the lag-1 autocorrelation of the pairs themselves, with its small-sample bias, to
first order in 1/n, taken off: on average r = phi - (1 + 3 phi)/n when the mean is estimated too (the coverage below
is the check of it).

Coverage measured by `sensord.validation.coverage`: 94 to 96 % for 30 to 200 pairs and phi from 0 to 0.6, where plain
batch means fall to 92 %.

One numpy implementation for one window (live) and for thousands at once (validation): all on the last axis.
"""

from __future__ import annotations

from math import isnan, sqrt

import numpy as np

from sensord.model import FloatArray

BATCH = 10
"""Pairs a batch (design choice; see the coverage above)."""

MIN_BATCHES = 3
"""Fewer batch means give no interval worth showing (design choice)."""

MAX_BATCHES = 20
"""More pairs than 200 are grouped into larger batches: autocorrelation that is not of first order, such as a slow
drift, costs fewer, larger batches less (design choice)."""

PHI_MAX = 0.8
"""Strongest autocorrelation that is believed (design choice): beyond it the estimate of one window is noise."""

OUTLIER_MADS = 3.0
"""Pairs count for the autocorrelation only up to so many robust standard deviations from the median (design choice):
one misread pair would otherwise hide it."""

MAD_TO_SD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

T_975 = (
    4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139, 2.200985, 2.178813,
    2.160369, 2.144787, 2.131450, 2.119905, 2.109816, 2.100922, 2.093024,
)  # fmt: skip
"""97.5 % point of Student's t for 2 to 19 degrees of freedom: [scipy.stats.t.ppf(0.975, df) for df in range(2, 20)].
A table, because importing scipy.stats takes longer than starting the rest."""


def batch_means(values: FloatArray) -> FloatArray:
    """Trimmed means of whole batches, oldest first: (..., n) to (..., n // 10). An unfinished batch is left out."""
    k = values.shape[-1] // BATCH
    whole = np.sort(values[..., : k * BATCH].reshape(*values.shape[:-1], k, BATCH), axis=-1)
    return np.asarray(whole[..., 1:-1].mean(axis=-1))


def lag1(values: FloatArray) -> FloatArray:
    """Lag-1 autocorrelation on the last axis, outliers held back, bias taken off, within 0 to `PHI_MAX`."""
    n = values.shape[-1]
    centred = values - np.median(values, axis=-1, keepdims=True)
    reach = OUTLIER_MADS * MAD_TO_SD * np.median(np.abs(centred), axis=-1, keepdims=True)
    held = np.clip(centred, -reach, reach)
    held = held - held.mean(axis=-1, keepdims=True)
    power = np.einsum("...i,...i->...", held, held)
    product = np.einsum("...i,...i->...", held[..., 1:], held[..., :-1])
    r = np.divide(product, power, out=np.zeros_like(product), where=power > 0)
    return np.asarray(np.clip(r + (1.0 + 3.0 * r) / n, 0.0, PHI_MAX))


def spread_factor(phi: FloatArray, batch: int, k: int) -> FloatArray:
    """True variance of the mean over the one that k batch means suggest, under AR(1): 1 at phi = 0, larger above.

    With V(m) the variance of a mean of m neighbours, k batch means of b pairs give on average k/(k-1)·(V(b)-V(kb))/k.
    """

    def variance(m: int) -> FloatArray:
        return np.asarray(((1 + phi) / (1 - phi) - 2 * phi * (1 - phi**m) / (m * (1 - phi) ** 2)) / m)

    grand = variance(batch * k)
    return np.asarray(grand * (k - 1) / (variance(batch) - grand))


def mean_and_half(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and half width of its 95 % interval over the last axis, for at least 10 pairs; half is nan below 30."""
    if values.shape[-1] < MIN_BATCHES * BATCH:
        centre = batch_means(values).mean(axis=-1)
        return centre, np.full_like(centre, np.nan)
    centre, error, df = mean_and_error(values)
    return centre, np.asarray(T_975[df + 1 - MIN_BATCHES] * error)


def mean_and_error(values: FloatArray) -> tuple[FloatArray, FloatArray, int]:
    """Mean over the last axis of at least 30 values, its standard error, and the degrees of freedom of that."""
    means = batch_means(values)
    k = means.shape[-1]
    centre = means.mean(axis=-1)
    size = BATCH
    if k > MAX_BATCHES:
        together = -(-k // MAX_BATCHES)  # batches a group, so that at most MAX_BATCHES groups are left
        groups = k // together
        means = means[..., k - groups * together :].reshape(*means.shape[:-1], groups, together).mean(axis=-1)
        k, size = groups, BATCH * together
    variance = means.var(axis=-1, ddof=1) * spread_factor(lag1(values), size, k)
    return centre, np.asarray(np.sqrt(variance / k)), k - 1


def interval(values: FloatArray) -> tuple[float, float | None]:
    """`mean_and_half` of one window (n,), n at least 10: half is None with fewer than 30 pairs."""
    centre, half = mean_and_half(values)
    return float(centre), None if isnan(float(half)) else float(half)


def standard_error(half: float, n: int) -> float:
    """The standard error of a mean of n pairs that `half` was made of."""
    return half / T_975[min(n // BATCH, MAX_BATCHES) - MIN_BATCHES]


def resolvable(half: float, n: int) -> float:
    """Smallest change between two windows of n pairs that stands out from their own scatter (95 %): 1.96·sqrt(2)·SE,
    with the SE that `half` was made of. Between-run scatter, where runs are known, is larger and replaces it."""
    return 1.96 * sqrt(2.0) * standard_error(half, n)
