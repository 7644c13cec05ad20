"""What is compared between left and right: where it stands in a stride, in which unit, as a ratio or a difference.

Contact and swing time, duty factor, forces and impact need nothing but each pod's own clock. Step and flight time of
one side need both feet on one clock and are absent from a stride otherwise (`load.steps`). Two metrics are compared by
difference, not by ratio, because their values may be near or on both sides of 0: flight time and strike angle.

Not compared: stride time and stride length. Over any stretch both feet make as many strides and cover the same ground,
so that a lasting difference can only be a pod's error (or a curve, far below what a pod resolves: an outer foot 0.1 m
further out on a bend of 36.5 m radius goes 0.3 % further).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, tanh

from sensord.load.pairing import StridePair
from sensord.model import Stride

EVERY_PAIRS = 30
"""Pairs between two values of a metric other than contact time, about 22 s (design choice: a run keeps few rows)."""

MAX_CLIPPED = 0.25
"""Share of clipped peaks beyond which there is no impact asymmetry: the pairs that are left are the soft ones of both
feet, and their difference would be too small (design choice)."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One compared value, in `field` of a stride; `ratio` False: left - right, times `scale`, in `unit`.

    `span` is what a run's medians cover, in `value_unit`: low, high and the width of a bin.
    """

    name: str
    field: str
    value_unit: str
    span: tuple[float, float, float]
    ratio: bool = True
    unit: str = "%"
    scale: float = 1.0
    every_pairs: int = EVERY_PAIRS

    def read(self, stride: Stride) -> float | None:
        """The value of a stride in `value_unit`. A clipped peak is only a lower bound: nothing to compare."""
        if self.field == "impact_peak_g" and stride.impact_clipped:
            return None
        value: float | None = getattr(stride, self.field)
        return value

    def compare(self, pair: StridePair) -> float | None:
        """ln(left/right), or the difference in `unit`; None when a side has no value to compare."""
        return self.between(self.read(pair.left), self.read(pair.right))

    def between(self, left: float | None, right: float | None) -> float | None:
        """The same of two values."""
        if left is None or right is None:
            return None
        if not self.ratio:
            return self.scale * (left - right)
        return log(left / right) if left > 0 and right > 0 else None

    def index(self, compared: float) -> float:
        """A compared value as people read it: SI in points, or the difference itself."""
        return symmetry_index_pct(compared) if self.ratio else compared


def symmetry_index_pct(log_ratio: float) -> float:
    """SI in % from ln(L/R): 100·(L−R)/(½(L+R)) = 200·tanh(½·ln(L/R)); the index is Robinson's of 1987."""
    return 200.0 * tanh(log_ratio / 2.0)


METRICS: tuple[Metric, ...] = (
    Metric("contact_time", "contact_time_s", "s", (0.0, 1.5, 0.001), every_pairs=10),
    Metric("swing_time", "swing_time_s", "s", (0.0, 1.5, 0.001)),
    Metric("duty_factor", "duty_factor", "", (0.0, 1.0, 0.001)),
    Metric("step_time", "step_time_s", "s", (0.0, 1.5, 0.001)),
    Metric("flight_time", "flight_time_s", "s", (-0.5, 0.5, 0.001), ratio=False, unit="ms", scale=1000.0),
    Metric("impact_peak", "impact_peak_g", "g", (0.0, 400.0, 0.1)),
    Metric("impact_band", "impact_band_g", "g", (0.0, 40.0, 0.02)),
    Metric("force_peak", "force_peak_bw", "bw", (0.0, 8.0, 0.01)),
    Metric("impulse", "impulse_bw_s", "bw*s", (0.0, 2.0, 0.001)),
    Metric("strike_angle", "strike_angle_deg", "deg", (-60.0, 60.0, 0.1), ratio=False, unit="deg"),
)
"""In the order in which they are told."""

BY_NAME = {metric.name: metric for metric in METRICS}
