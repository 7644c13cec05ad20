"""What a run came to, in bounded memory: the last word of a run, and what later runs are compared with.

Medians are over running strides with confidence of at least one half, from histograms: times to 1 ms (cadence to about
0.2 spm at 170), impact to 0.1 g, symmetry index to 0.1 points; the index over pairs of settled running. An impact
median that clipping hides is None. `metrics` has them for every compared metric, `bands` again for each speed band.
"""

from __future__ import annotations

from sensord.load.histogram import Histogram
from sensord.load.impact_summary import ImpactSummary
from sensord.load.medians import Medians
from sensord.load.pairing import StridePair
from sensord.load.steady import Bouts
from sensord.model import Activity, Alert, AlertPhase, RunSummary, RunTotals, Side, Stride
from sensord.plan.bands import SpeedBands, measured_speed
from sensord.plan.conditions import Conditions
from sensord.plan.rule import MIN_CONFIDENCE

MAX_BANDS = 8
"""Speed bands that are kept: 4 m/s in all, the first ones (design choice: a run has two or three)."""


class Summary:
    """Collects strides, pairs and alerts of one run."""

    def __init__(self, runner: str, conditions: Conditions = Conditions()) -> None:  # noqa: B008 (frozen)
        """`conditions`: what was said of the run; it is kept beside the numbers."""
        self._runner, self._conditions = runner, conditions
        self._strides = dict.fromkeys(Side, 0)
        self._gaps = 0
        self._alerts = 0
        self._stride_ms = Histogram(0, 3000, 1)
        self._speed_cmps = Histogram(0, 1500, 1)
        self._elsewhere = Medians()
        """What belongs to no band that is kept."""
        self._speeds = SpeedBands()
        self._bands: dict[str, Medians] = {}
        self._bouts = Bouts()
        self._impacts = ImpactSummary()

    def add(self, stride: Stride) -> None:
        """Count a stride of either foot; only running ones with some confidence enter the medians."""
        self._strides[stride.foot] += 1
        self._gaps += stride.gap
        if stride.activity is not Activity.RUN or stride.confidence < MIN_CONFIDENCE:
            return
        if stride.stride_time_s is not None:
            self._stride_ms.add(1000 * stride.stride_time_s)
        if (speed_mps := measured_speed(stride)) is not None:
            self._speed_cmps.add(100 * speed_mps)
        self._speeds.add(stride)
        self._impacts.add(stride)
        self._now().add(stride)

    def add_pair(self, pair: StridePair) -> None:
        """Count a pair of settled running; the others are not part of the summary."""
        if self._bouts.settled(pair):
            self._now().add_pair(pair)

    def add_alert(self, alert: Alert) -> None:
        """Count an alert once: when it begins."""
        self._alerts += alert.phase is AlertPhase.ONSET

    def result(self, totals: RunTotals, *, elapsed_s: float, limits: tuple[int, int]) -> RunSummary:
        """The summary; `limits` is (checked, of how many)."""
        whole = Medians.joined((self._elsewhere, *self._bands.values()))
        stride_ms, speed_cmps = self._stride_ms.median, self._speed_cmps.median
        contact = {side: whole.foot("contact_time", side) for side in Side}
        impact = {side: whole.foot("impact_peak", side) for side in Side}
        n_impacts = sum(h.n for h in impact.values())
        si = whole.index("contact_time")
        return RunSummary(
            runner=self._runner,
            strides_left=self._strides[Side.LEFT],
            strides_right=self._strides[Side.RIGHT],
            steps=totals.steps,
            distance_m=totals.distance_m,
            distance_calibrated=totals.measured,
            run_time_s=totals.run_time_s,
            walk_time_s=totals.walk_time_s,
            elapsed_s=elapsed_s,
            cadence_spm=120_000 / stride_ms if stride_ms else None,
            contact_time_left_s=contact[Side.LEFT].median,
            contact_time_right_s=contact[Side.RIGHT].median,
            contact_time_si_pct=si.median,
            contact_time_pairs=si.n,
            impact_left_g=impact[Side.LEFT].median,
            impact_right_g=impact[Side.RIGHT].median,
            impact_n_left=impact[Side.LEFT].n,
            impact_n_right=impact[Side.RIGHT].n,
            impact_clipped_share=sum(h.clipped for h in impact.values()) / n_impacts if n_impacts else None,
            alerts=self._alerts,
            limits_checked=limits[0],
            limits_total=limits[1],
            gap_strides=self._gaps,
            speed_mps=None if speed_cmps is None else speed_cmps / 100,
            speed_band=self._main_band(),
            shoe=self._conditions.shoe,
            surface=self._conditions.surface,
            mount=self._conditions.mount,
            injured=self._conditions.injured,
            pods=dict(self._conditions.pods),
            metrics=whole.values,
            bands={band: medians.values for band, medians in sorted(self._bands.items())},
            impact=self._impacts.fields(),
            distance_sd_m=totals.distance_sd_m,
            estimated_m=totals.estimated_m,
            configured_m=totals.configured_m,
        )

    def _now(self) -> Medians:
        """Where the present strides belong: to the present band, when it is one of those kept."""
        band = self._speeds.now
        if band is None:
            return self._elsewhere
        if band not in self._bands and len(self._bands) < MAX_BANDS:
            self._bands[band] = Medians()
        return self._bands.get(band, self._elsewhere)

    def _main_band(self) -> str | None:
        """The band with most contacts; None when no speed was measured."""
        counts = {
            band: sum(medians.foot("contact_time", side).n for side in Side) for band, medians in self._bands.items()
        }
        return max(sorted(counts), key=counts.__getitem__) if counts else None
