"""Left/right difference of every metric over running stride pairs, each with a 95 % interval.

Per pair the log ratio ln(L/R), which is symmetric in the feet (where values may be near 0 the difference, see
`load.metrics`). Pairs of steady running (`load.steady`) are grouped in batches of ten; up to ten batches at about the
present speed, the latest ones, over all bouts of the run, give the value and its interval (`load.interval`). What the
two pods are known to read differently is taken off. Beside the value stand what both feet did, her own baseline at this
speed, and the smallest change that is more than scatter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

from sensord.load.interval import BATCH, MIN_BATCHES, batch_means, interval, resolvable, standard_error
from sensord.load.metrics import MAX_CLIPPED, METRICS, Metric, symmetry_index_pct
from sensord.load.pairing import StridePair
from sensord.load.steady import Bouts, alike, mean_known, pair_speed_mps, pair_turn_deg, steady, straight
from sensord.model import Asymmetry, Side
from sensord.plan.bands import SpeedBands
from sensord.plan.baseline import Baseline, Baselines

__all__ = ["BATCH", "BATCHES", "MIN_BATCHES", "Asymmetries", "symmetry_index_pct"]

BATCHES = 10
"""Batches in a value: 100 pairs (design choice within the 60 to 100 of docs/plan-file.md)."""

KEPT = 20
"""Batches remembered, so that a value at one speed can reach back over bouts at another (design choice)."""

DEVICE_NOISE_PCT = {"contact_time": 3.0, "swing_time": 3.0, "duty_factor": 3.0, "step_time": 3.0}
"""SI below which two pods that were never exchanged may be all that differs, in metrics of timing (design choice, the
upper end of the 2 to 3 % of docs/metrics.md)."""


BETWEEN_FEET = ("step_time", "flight_time")
"""What a constant difference of the two pods' clocks shifts."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Ten pairs of one metric: compared values, what both feet did, how fast, how many clipped ones fell between."""

    compared: tuple[float, ...]
    left: float
    right: float
    speed_mps: float | None
    left_out: int


class _Window:
    """The recent batches of one metric."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self._batches: deque[_Batch] = deque(maxlen=KEPT)
        self._pairs: list[tuple[float, float, float, float | None, float | None]] = []
        self._left_out = 0
        self._since = 0
        self.fresh = 0
        """How many batches of the latest value were in none before."""

    def add(self, pair: StridePair, speed_mps: float | None, turn_deg: float | None) -> list[_Batch]:
        """The batches behind a value, oldest first, when it is time for one. Speed and turn are those of the pair."""
        left, right = self.metric.read(pair.left), self.metric.read(pair.right)
        compared = self.metric.between(left, right)
        if compared is None or left is None or right is None:
            clipped = pair.left.impact_clipped or pair.right.impact_clipped
            self._left_out += self.metric.name == "impact_peak" and clipped
            return []
        self._pairs.append((compared, left, right, speed_mps, turn_deg))
        if len(self._pairs) < BATCH:
            return []
        values, lefts, rights, speeds, turns = zip(*self._pairs, strict=True)
        self._pairs = []
        if not steady(speeds) or not straight(turns):
            return []
        batch = _Batch(values, sum(lefts) / BATCH, sum(rights) / BATCH, mean_known(speeds), self._left_out)
        self._left_out = 0
        self._batches.append(batch)
        self._since += BATCH
        if self._since < self.metric.every_pairs:
            return []
        new, self._since = self._since // BATCH, 0
        self.fresh = sum(alike(b.speed_mps, batch.speed_mps) for b in list(self._batches)[-new:])
        found = [b for b in self._batches if alike(b.speed_mps, batch.speed_mps)][-BATCHES:]
        return found if _clipped_share(found) <= MAX_CLIPPED else []


class Asymmetries:
    """Asymmetry of every metric; `injured` gives the sign of injured minus other. Walking pairs are ignored.

    `baselines`: her own usual and what is known of the pods; None: nothing is known.
    """

    def __init__(self, injured: Side | None, baselines: Baselines | None = None) -> None:
        self._sign = {None: None, Side.LEFT: 1.0, Side.RIGHT: -1.0}[injured]
        self._baselines = baselines
        self._bouts = Bouts()
        self._bands = SpeedBands()
        self._windows = [_Window(metric) for metric in METRICS]
        self.twisted = False
        """Whether the two clocks were compared by a twist of both shoes; set from outside."""

    def add(self, pair: StridePair) -> list[Asymmetry]:
        """A value of contact time with every tenth steady pair, of the others with every thirtieth; the interval is
        None before the third batch."""
        self._bands.add(pair.left)
        self._bands.add(pair.right)
        if not self._bouts.settled(pair):
            return []
        speed_mps, turn_deg = pair_speed_mps(pair), pair_turn_deg(pair)
        found = ((window, window.add(pair, speed_mps, turn_deg)) for window in self._windows)
        return [self._value(window.metric, batches, window.fresh) for window, batches in found if batches]

    def _value(self, metric: Metric, batches: Sequence[_Batch], fresh: int) -> Asymmetry:
        """`fresh`: how many of the batches were in no value before."""
        n = BATCH * len(batches)
        latest = batches[-fresh:]
        latest_mean = float(batch_means(np.array([value for batch in latest for value in batch.compared])).mean())
        mean, half = interval(np.array([value for batch in batches for value in batch.compared]))
        bias = self._baselines.device_bias(metric.name) if self._baselines else None
        mean -= bias or 0.0
        latest_mean -= bias or 0.0
        band = self._bands.now
        usual = self._baselines.asymmetry(metric.name, band) if self._baselines else Baseline(None)
        value = metric.index(mean)
        low, high = (None, None) if half is None else (metric.index(mean - half), metric.index(mean + half))
        mdc, mdc_from = usual.mdc, "runs"
        if mdc is None:
            mdc, mdc_from = (None if half is None else metric.index(resolvable(half, n))), "window"
        by_index = metric.ratio
        return Asymmetry(
            metric=metric.name,
            si_pct=value if by_index else None,
            si_low_pct=low if by_index else None,
            si_high_pct=high if by_index else None,
            balance_pct=100.0 / (1.0 + exp(-mean)) if by_index else None,
            injured_minus_other_pct=self._sign * value if by_index and self._sign is not None else None,
            n=n,
            unit=metric.unit,
            difference=None if by_index else value,
            difference_low=None if by_index else low,
            difference_high=None if by_index else high,
            left=sum(b.left for b in batches) / len(batches),
            right=sum(b.right for b in batches) / len(batches),
            value_unit=metric.value_unit,
            mdc=mdc,
            mdc_from=None if mdc is None else mdc_from,
            baseline=usual.value,
            baseline_runs=usual.n or None,
            baseline_label=usual.label,
            baseline_left=usual.left,
            baseline_right=usual.right,
            device_bias=None if bias is None else metric.index(bias),
            speed_band=band,
            why=_why(metric, value, batches, calibrated=bias is not None, twisted=self.twisted, usual=usual),
            se=None if half is None else metric.index(standard_error(half, n)),
            latest=metric.index(latest_mean),
            latest_n=BATCH * len(latest),
        )


def _clipped_share(batches: Sequence[_Batch]) -> float:
    left_out = sum(batch.left_out for batch in batches)
    return left_out / (left_out + BATCH * len(batches))


def _why(
    metric: Metric, value: float, batches: Sequence[_Batch], *, calibrated: bool, twisted: bool, usual: Baseline
) -> str | None:
    """What to keep in mind with the value."""
    said: list[str] = []
    noise = DEVICE_NOISE_PCT.get(metric.name)
    if noise is not None and not calibrated and abs(value) < noise:
        said.append(f"below {noise:.0f} %: device noise, pods never swapped")
    if metric.name in BETWEEN_FEET and not twisted:
        said.append("shoes never twisted together: a constant difference of the two radios is in it")
    if left_out := sum(batch.left_out for batch in batches):
        said.append(f"{left_out} of {left_out + BATCH * len(batches)} pairs left out: clipped")
    if usual.why_none:
        said.append(usual.why_none)
    return "; ".join(said) or None
