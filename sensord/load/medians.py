"""Medians of every compared metric, of one run or of one speed band of it: what later runs are compared with."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from sensord.load.histogram import Histogram
from sensord.load.metrics import MAX_CLIPPED, METRICS, Metric
from sensord.load.pairing import StridePair
from sensord.model import Json, Side, Stride

_VALUES_OF = attrgetter(*(metric.field for metric in METRICS))

SI_SPAN = (-200.0, 200.0, 0.1)
"""Symmetry indices go from -200 to 200; medians are to 0.1 points."""


class _One:
    """One metric: both feet, and left against right."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.feet = {side: Histogram(*metric.span) for side in Side}
        low, high, width = SI_SPAN if metric.ratio else (metric.scale * edge for edge in metric.span)
        self.index = Histogram(low if metric.ratio else low - high, high if metric.ratio else high - low, width)


class Medians:
    """Collects strides and pairs in bounded memory."""

    def __init__(self) -> None:
        self._all = {metric.name: _One(metric) for metric in METRICS}
        self._feet = {side: [one.feet[side] for one in self._all.values()] for side in Side}
        self._impact = self._all["impact_peak"].feet

    def add(self, stride: Stride) -> None:
        """Count a stride of either foot. A clipped peak counts as "at least so much"."""
        floor_of = self._impact[stride.foot] if stride.impact_clipped else None
        for value, values in zip(_VALUES_OF(stride), self._feet[stride.foot], strict=True):
            if value is not None:
                values.add(value, clipped=values is floor_of)

    def add_pair(self, pair: StridePair) -> None:
        """Count a pair."""
        for one in self._all.values():
            compared = one.metric.compare(pair)
            if compared is not None:
                one.index.add(one.metric.index(compared))

    @classmethod
    def joined(cls, parts: Iterable[Medians]) -> Medians:
        """All that these have collected."""
        whole = cls()
        for part in parts:
            for name, one in whole._all.items():
                other = part._all[name]
                one.index.join(other.index)
                for side, values in one.feet.items():
                    values.join(other.feet[side])
        return whole

    def foot(self, metric: str, side: Side) -> Histogram:
        """One foot's values of a metric."""
        return self._all[metric].feet[side]

    def index(self, metric: str) -> Histogram:
        """Left against right of a metric: SI in points, or the difference in its unit."""
        return self._all[metric].index

    @property
    def values(self) -> dict[str, Json]:
        """By metric that was measured: medians `left`, `right` and `index` (left against right, as read on this run's
        pods), with `n_left`, `n_right` and `pairs` behind them. None: no value, or hidden by clipping; no `index`
        when more than `MAX_CLIPPED` of the values are clipped, since pairs of unclipped ones are the soft ones."""
        return {name: _values(one) for name, one in self._all.items() if any(h.n for h in one.feet.values())}


def _values(one: _One) -> dict[str, Json]:
    left, right = one.feet[Side.LEFT], one.feet[Side.RIGHT]
    hidden = left.clipped + right.clipped > MAX_CLIPPED * (left.n + right.n)
    return {
        "left": left.median,
        "right": right.median,
        "n_left": left.n,
        "n_right": right.n,
        "index": None if hidden else one.index.median,
        "pairs": one.index.n,
    }
