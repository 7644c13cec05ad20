"""The strides table: one row per stride, columns that may be appended but never moved.

Times are in the time base of that foot's input. Unmeasured is empty, not 0.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable

from sensord.model import NS, Stride

_Cell = str | float | int | None


def _seconds(ns: int | None) -> float | None:
    return None if ns is None else ns / NS


COLUMNS: dict[str, tuple[Callable[[Stride], _Cell], int | None]] = {
    # column: (where its value comes from, decimals or None for text and integers)
    "foot": (lambda s: s.foot.value, None),
    "stride": (lambda s: s.stride, None),
    "ic_s": (lambda s: _seconds(s.ic_pod_ns), 6),
    "tc_s": (lambda s: _seconds(s.tc_pod_ns), 6),
    "next_ic_s": (lambda s: _seconds(s.next_ic_pod_ns), 6),
    "activity": (lambda s: s.activity.value, None),
    "stride_time_s": (lambda s: s.stride_time_s, 6),
    "contact_time_s": (lambda s: s.contact_time_s, 6),
    "swing_time_s": (lambda s: s.swing_time_s, 6),
    "duty_factor": (lambda s: s.duty_factor, 5),
    "cadence_spm": (lambda s: s.cadence_spm, 3),
    "stride_length_m": (lambda s: s.stride_length_m, 4),
    "speed_mps": (lambda s: s.speed_mps, 4),
    "strike_angle_deg": (lambda s: s.strike_angle_deg, 3),
    "strike_type": (lambda s: s.strike_type, None),
    "impact_peak_g": (lambda s: s.impact_peak_g, 4),
    "impact_clipped": (lambda s: int(s.impact_clipped), None),
    "force_peak_bw": (lambda s: s.force_peak_bw, 4),
    "impulse_bw_s": (lambda s: s.impulse_bw_s, 5),
    "gap": (lambda s: int(s.gap), None),
    "confidence": (lambda s: s.confidence, 3),
    "spoiled": (lambda s: "; ".join(s.spoiled) or None, None),
    "contact_time_raw_s": (lambda s: s.contact_time_raw_s, 6),
    "speed_sd_mps": (lambda s: s.speed_sd_mps, 4),
    "speed_source": (lambda s: s.speed_source, None),
    "strike_rearfoot_p": (lambda s: s.strike_rearfoot_p, 3),
    "strike_midfoot_p": (lambda s: s.strike_midfoot_p, 3),
    "strike_forefoot_p": (lambda s: s.strike_forefoot_p, 3),
    "eversion_excursion_deg": (lambda s: s.eversion_excursion_deg, 2),
    "eversion_peak_dps": (lambda s: s.eversion_peak_dps, 1),
    "impact_source": (lambda s: s.impact_source, None),
    "impact_band_g": (lambda s: s.impact_band_g, 4),
    "force_mean_bw": (lambda s: s.force_mean_bw, 4),
    "force_peak_sine_bw": (lambda s: s.force_peak_sine_bw, 4),
    "step_time_s": (lambda s: s.step_time_s, 6),
    "flight_time_s": (lambda s: s.flight_time_s, 6),
    "trajectory_length_m": (lambda s: s.trajectory_length_m, 4),
    "swing_peak_radps": (lambda s: s.swing_peak_radps, 3),
    "turn_deg": (lambda s: s.turn_deg, 2),
}


def rows(strides: Iterable[Stride]) -> list[dict[str, _Cell]]:
    """The table as plain values, one dict a stride, None where unmeasured."""
    return [{name: get(stride) for name, (get, _) in COLUMNS.items()} for stride in strides]


def strides_csv(strides: Iterable[Stride]) -> str:
    """The table as CSV text with a header line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for stride in strides:
        writer.writerow([_cell(get(stride), decimals) for get, decimals in COLUMNS.values()])
    return out.getvalue()


def _cell(value: _Cell, decimals: int | None) -> str:
    if value is None:
        return ""
    return str(value) if decimals is None else f"{float(value):.{decimals}f}"
