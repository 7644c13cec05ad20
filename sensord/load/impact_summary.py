"""What a run keeps of its impacts beside their medians: the lower quantiles that clipping leaves exact.

A median that is hidden by clipping is no baseline; the 20 to 40 % softest landings may still be known exactly.
"""

from __future__ import annotations

from math import floor

from sensord.model import Activity, Json, Side, Stride
from sensord.plan.impact_measures import PERCENTS
from sensord.plan.rule import MIN_CONFIDENCE

BIN_G = 0.1
"""Width of a bin, as of the medians; full scale of a high-g sensor is at most 400 g."""


class _Foot:
    def __init__(self) -> None:
        self.n = self.clipped = 0
        self.source: str | None = None
        self.mixed = False
        self.lowest_clipped: int | None = None
        self.counts: dict[int, int] = {}

    def add(self, g: float, *, clipped: bool, source: str) -> None:
        self.mixed = self.mixed or (self.source is not None and source != self.source)
        self.source = source
        self.n += 1
        index = floor(g / BIN_G + 0.5)
        if clipped:
            self.clipped += 1
            self.lowest_clipped = index if self.lowest_clipped is None else min(index, self.lowest_clipped)
        else:
            self.counts[index] = self.counts.get(index, 0) + 1

    def quantile(self, percent: int) -> float | None:
        """Lower quantile to half a bin; None when clipping hides it."""
        wanted, seen = (self.n - 1) * percent // 100 + 1, 0
        for index in sorted(self.counts):
            if self.lowest_clipped is not None and index > self.lowest_clipped:
                return None
            seen += self.counts[index]
            if seen >= wanted:
                return round(index * BIN_G, 9)
        return None


class ImpactSummary:
    """Collects impacts of running strides; at most 4,000 bins a foot, in practice some hundred."""

    def __init__(self) -> None:
        self._feet = {side: _Foot() for side in Side}

    def add(self, stride: Stride) -> None:
        """Count a stride of either foot; only running ones with some confidence and an impact enter."""
        if stride.activity is Activity.RUN and stride.confidence >= MIN_CONFIDENCE and stride.impact_peak_g is not None:
            source = stride.impact_source or "acc"
            self._feet[stride.foot].add(stride.impact_peak_g, clipped=stride.impact_clipped, source=source)

    def fields(self) -> dict[str, Json]:
        """`RunSummary.impact`: by foot that had impacts: source, n, clipped, quantiles in g (None: hidden)."""
        return {
            side.value: {
                "source": "mixed" if foot.mixed else foot.source,
                "n": foot.n,
                "clipped": foot.clipped,
                "quantiles": {str(p): foot.quantile(p) for p in PERCENTS},
            }
            for side, foot in self._feet.items()
            if foot.n
        }
