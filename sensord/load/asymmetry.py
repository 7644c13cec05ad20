"""Left/right difference of contact time over running stride pairs, with a 95 % interval.

Per pair the log ratio ln(L/R), which is symmetric in the feet. Pairs are grouped in batches of ten by their number; a
batch is its mean without the lowest and the highest pair, so that one misread contact does not carry it. The last ten
batches (100 pairs, about 75 s) give the value, and Student's t over the batch means gives the interval: neighbouring
strides resemble each other, batches of ten hardly do.

SI = 100·(L−R)/(½(L+R)) = 200·tanh(½·ln(L/R)), exact for the mean log ratio; balance = 100·L/(L+R).
Robinson et al. 1987 name the index; window, trimming and step follow docs/plan-file.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from math import exp, log, sqrt, tanh

from sensord.load.pairing import StridePair
from sensord.model import Activity, Asymmetry, Side

BATCH = 10
"""Pairs a batch, and pairs from one value to the next (design choice)."""

BATCHES = 10
"""Batches in the window: 100 pairs (design choice within the 60 to 100 of docs/plan-file.md)."""

MIN_BATCHES = 3
"""Fewer batch means give no interval worth showing (design choice)."""

T_975 = (4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157)
"""97.5 % point of Student's t for 2 to 9 degrees of freedom: [scipy.stats.t.ppf(0.975, df) for df in range(2, 10)].
A table, because importing scipy.stats takes longer than starting the rest."""


def symmetry_index_pct(log_ratio: float) -> float:
    """SI in % from ln(L/R)."""
    return 200.0 * tanh(log_ratio / 2.0)


class ContactAsymmetry:
    """Asymmetry of contact time; `injured` gives the sign of injured minus other. Walking pairs are ignored."""

    def __init__(self, injured: Side | None) -> None:
        self._injured = injured
        self._batch: list[float] = []
        self._means: deque[float] = deque(maxlen=BATCHES)

    def add(self, pair: StridePair) -> list[Asymmetry]:
        """One value with every tenth running pair; its interval is None before the third batch."""
        if pair.activity is not Activity.RUN or pair.contact_times_s is None:
            return []
        left_s, right_s = pair.contact_times_s
        self._batch.append(log(left_s / right_s))
        if len(self._batch) < BATCH:
            return []
        kept = sorted(self._batch)[1:-1]
        self._means.append(sum(kept) / len(kept))
        self._batch = []
        return [self._value()]

    def _value(self) -> Asymmetry:
        mean = sum(self._means) / len(self._means)
        half = _half_width(self._means, mean)
        si = symmetry_index_pct(mean)
        sign = {None: None, Side.LEFT: 1.0, Side.RIGHT: -1.0}[self._injured]
        return Asymmetry(
            metric="contact_time",
            si_pct=si,
            si_low_pct=None if half is None else symmetry_index_pct(mean - half),
            si_high_pct=None if half is None else symmetry_index_pct(mean + half),
            balance_pct=100.0 / (1.0 + exp(-mean)),
            injured_minus_other_pct=None if sign is None else sign * si,
            n=len(self._means) * BATCH,
        )


def _half_width(means: Collection[float], mean: float) -> float | None:
    k = len(means)
    if k < MIN_BATCHES:
        return None
    variance = sum((m - mean) ** 2 for m in means) / (k - 1)
    return T_975[k - 3] * sqrt(variance / k)
