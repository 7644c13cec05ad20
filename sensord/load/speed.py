"""Stride length and speed of each stride, from the trajectory, a model, or what is known from elsewhere."""

from __future__ import annotations

from sensord.model import StepLengths, Stride


class SpeedEstimator:
    """`apply` fills length and speed of a stride; `known` tells it a speed from a belt, an RSC pod or a GNSS file."""

    def __init__(self, step_lengths: StepLengths) -> None:
        self._step_lengths = step_lengths

    def known(self, t_ns: int, speed_mps: float | None, *, sd_mps: float, source: str) -> None:
        """From run time `t_ns` on the true speed is this; None: no longer known."""

    def apply(self, stride: Stride) -> Stride:
        """The stride with `stride_length_m`, `speed_mps`, `speed_sd_mps` and `speed_source`, where they are known."""
        return stride
