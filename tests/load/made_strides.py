"""Strides made by hand: only what a test is about is said, the rest is an ordinary running stride."""

from __future__ import annotations

import itertools
from typing import Any

from sensord.model import NS, Activity, Side, Stride

STRIDE_S = 0.7
"""About 171 steps a minute."""


def a_stride(foot: Side, ic_s: float | None, end_s: float | None = None, **changes: Any) -> Stride:
    """A running stride from `ic_s` to `end_s` (run time, s); `end_s` None: its next contact was lost."""
    ic_ns = None if ic_s is None else round(ic_s * NS)
    end_ns = None if end_s is None else round(end_s * NS)
    time_s = None if ic_ns is None or end_ns is None else (end_ns - ic_ns) / NS
    values: dict[str, Any] = {
        "foot": foot,
        "stride": 0,
        "segment": 0,
        "ic_pod_ns": ic_ns or 0,
        "tc_pod_ns": None,
        "next_ic_pod_ns": end_ns,
        "activity": Activity.RUN,
        "stride_time_s": time_s,
        "contact_time_s": 0.25,
        "swing_time_s": None,
        "duty_factor": None,
        "cadence_spm": 120 / time_s if time_s else None,
        "stride_length_m": None,
        "speed_mps": None,
        "strike_angle_deg": None,
        "strike_type": None,
        "impact_peak_g": 10.0,
        "impact_clipped": False,
        "force_peak_bw": None,
        "impulse_bw_s": None,
        "gap": False,
        "confidence": 1.0,
        "ic_run_ns": ic_ns,
        "next_ic_run_ns": end_ns,
    }
    return Stride(**{**values, **changes})


def strides(foot: Side, begin_s: float, n: int, stride_s: float = STRIDE_S, **changes: Any) -> list[Stride]:
    """`n` strides of one foot, one after the other."""
    times = [begin_s + k * stride_s for k in range(n + 1)]
    return [a_stride(foot, a, b, **changes) for a, b in itertools.pairwise(times)]


def both_feet(begin_s: float, n: int, stride_s: float = STRIDE_S, **changes: Any) -> list[Stride]:
    """`n` strides of each foot, half a stride apart, in the order in which they end."""
    left = strides(Side.LEFT, begin_s, n, stride_s, **changes)
    right = strides(Side.RIGHT, begin_s + stride_s / 2, n, stride_s, **changes)
    return sorted(left + right, key=lambda s: s.next_ic_run_ns or 0)
