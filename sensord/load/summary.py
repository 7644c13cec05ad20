"""What a run came to, in fixed memory: the last word of a run, and what later runs are compared with.

Medians are over running strides with confidence of at least one half, from fixed histograms: contact time to 1 ms,
stride time to 1 ms (cadence to about 0.2 spm at 170), impact to 0.1 g, symmetry index to 0.1 points. An impact median
that clipping hides is None.
"""

from __future__ import annotations

from math import log

from sensord.load.asymmetry import symmetry_index_pct
from sensord.load.histogram import Histogram
from sensord.load.pairing import StridePair
from sensord.model import Activity, Alert, AlertPhase, RunSummary, RunTotals, Side, Stride
from sensord.plan.rule import MIN_CONFIDENCE


class Summary:
    """Collects strides, pairs and alerts of one run."""

    def __init__(self, runner: str) -> None:
        self._runner = runner
        self._strides = dict.fromkeys(Side, 0)
        self._gaps = 0
        self._alerts = 0
        self._stride_ms = Histogram(0, 3000, 1)
        self._contact_ms = {side: Histogram(0, 2000, 1) for side in Side}
        self._impact_dg = {side: Histogram(0, 4000, 1) for side in Side}  # tenths of g: up to a 400 g high-g sensor
        self._si_tenths = Histogram(-2000, 2000, 1)

    def add(self, stride: Stride) -> None:
        """Count a stride of either foot; only running ones with some confidence enter the medians."""
        self._strides[stride.foot] += 1
        self._gaps += stride.gap
        if stride.activity is not Activity.RUN or stride.confidence < MIN_CONFIDENCE:
            return
        if stride.stride_time_s is not None:
            self._stride_ms.add(1000 * stride.stride_time_s)
        if stride.contact_time_s is not None:
            self._contact_ms[stride.foot].add(1000 * stride.contact_time_s)
        if stride.impact_peak_g is not None:
            self._impact_dg[stride.foot].add(10 * stride.impact_peak_g, clipped=stride.impact_clipped)

    def add_pair(self, pair: StridePair) -> None:
        """Count a pair; walking pairs are not part of the summary."""
        if pair.activity is Activity.RUN and pair.contact_times_s is not None:
            left_s, right_s = pair.contact_times_s
            self._si_tenths.add(10 * symmetry_index_pct(log(left_s / right_s)))

    def add_alert(self, alert: Alert) -> None:
        """Count an alert once: when it begins."""
        self._alerts += alert.phase is AlertPhase.ONSET

    def result(self, totals: RunTotals, *, elapsed_s: float, limits: tuple[int, int]) -> RunSummary:
        """The summary; `limits` is (checked, of how many)."""
        stride_ms = self._stride_ms.median
        impacts = [self._impact_dg[side] for side in Side]
        n_impacts = sum(h.n for h in impacts)
        return RunSummary(
            runner=self._runner,
            strides_left=self._strides[Side.LEFT],
            strides_right=self._strides[Side.RIGHT],
            steps=totals.steps,
            distance_m=totals.distance_m,
            distance_calibrated=False,
            run_time_s=totals.run_time_s,
            walk_time_s=totals.walk_time_s,
            elapsed_s=elapsed_s,
            cadence_spm=120_000 / stride_ms if stride_ms else None,
            contact_time_left_s=_scaled(self._contact_ms[Side.LEFT], 1000),
            contact_time_right_s=_scaled(self._contact_ms[Side.RIGHT], 1000),
            contact_time_si_pct=_scaled(self._si_tenths, 10),
            contact_time_pairs=self._si_tenths.n,
            impact_left_g=_scaled(self._impact_dg[Side.LEFT], 10),
            impact_right_g=_scaled(self._impact_dg[Side.RIGHT], 10),
            impact_n_left=self._impact_dg[Side.LEFT].n,
            impact_n_right=self._impact_dg[Side.RIGHT].n,
            impact_clipped_share=sum(h.clipped for h in impacts) / n_impacts if n_impacts else None,
            alerts=self._alerts,
            limits_checked=limits[0],
            limits_total=limits[1],
            gap_strides=self._gaps,
        )


def _scaled(histogram: Histogram, per_unit: float) -> float | None:
    median = histogram.median
    return None if median is None else median / per_unit
