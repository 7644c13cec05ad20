"""What two series of the same thing say about each other: matching, bias, spread, limits, and the best constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sensord.model import FloatArray

LIMITS = 1.96
"""Limits of agreement: bias ± 1.96 SD (Bland & Altman 1986, doi:10.1016/S0140-6736(86)90837-8)."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Errors (found minus true) of n values. None: no value; an SD needs two."""

    n: int
    bias: float | None
    sd: float | None
    mean_abs: float | None
    rms: float | None

    @property
    def limits(self) -> tuple[float, float] | None:
        """The 95 % limits of agreement."""
        if self.bias is None or self.sd is None:
            return None
        return self.bias - LIMITS * self.sd, self.bias + LIMITS * self.sd


def agreement(errors: FloatArray | Sequence[float]) -> Agreement:
    """Bias, sample SD, mean absolute and root mean square of errors (n,); ValueError for what is no number."""
    values = np.asarray(errors, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("an error that is no number")
    if not len(values):
        return Agreement(0, None, None, None, None)
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    rms = float(np.sqrt(np.mean(values**2)))
    return Agreement(len(values), float(np.mean(values)), sd, float(np.mean(np.abs(values))), rms)


def best_constant(true: FloatArray | Sequence[float]) -> Agreement:
    """What saying the mean of the truth, every time, would score: bias 0 and the SD of the truth."""
    values = np.asarray(true, dtype=np.float64)
    return agreement(np.mean(values) - values if len(values) else values)


@dataclass(frozen=True, slots=True)
class Matches:
    """Pairs (row of found, row of true) in order of the true ones; the rows that nothing was matched to."""

    pairs: tuple[tuple[int, int], ...]
    missed: tuple[int, ...]
    invented: tuple[int, ...]

    @property
    def f1(self) -> float | None:
        """Twice the hits over all found and all true; None when there is neither."""
        total = 2 * len(self.pairs) + len(self.missed) + len(self.invented)
        return 2 * len(self.pairs) / total if total else None


def match_events(found: FloatArray | Sequence[float], true: FloatArray | Sequence[float], within: float) -> Matches:
    """Match times one to one, the nearest pairs first, none farther apart than `within`; nothing is counted twice."""
    found, true = np.asarray(found, dtype=np.float64), np.asarray(true, dtype=np.float64)
    near = [
        (abs(float(found[i] - t)), j, int(i))
        for j, t in enumerate(true)
        for i in np.flatnonzero(abs(found - t) <= within)
    ]
    by_true: dict[int, int] = {}
    used: set[int] = set()
    for _, j, i in sorted(near):
        if j not in by_true and i not in used:
            by_true[j] = i
            used.add(i)
    return Matches(
        tuple((by_true[j], j) for j in sorted(by_true)),
        tuple(j for j in range(len(true)) if j not in by_true),
        tuple(i for i in range(len(found)) if i not in used),
    )
