"""What the strides of a recording come to: per foot, in all, left to right; as JSON values and as lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from statistics import median

import numpy as np

from sensord.load.totals import Totals
from sensord.load.whole_run import paired_differences, unpaired_differences
from sensord.model import Activity, Json, Side, StepLengths, Stride, changed

GOOD_CONFIDENCE = 0.5
"""Design choice: strides below this confidence are counted, but do not enter a mean."""


MEDIANS = (
    "stride_time_s", "contact_time_s", "swing_time_s", "duty_factor", "step_time_s", "flight_time_s", "stride_length_m",
    "speed_mps", "strike_angle_deg", "eversion_excursion_deg", "eversion_peak_dps", "impact_band_g", "force_mean_bw",
    "force_peak_bw", "force_peak_sine_bw", "impulse_bw_s",
)  # fmt: skip
"""Fields of a stride whose median, spread and count a summary gives."""


def foot_values(strides: Sequence[Stride]) -> dict[str, Json]:
    """Counts and medians of one foot, walking and running apart."""
    return {
        "strides": len(strides),
        "gap_strides": sum(s.gap for s in strides),
        **{a.value: _activity([s for s in strides if s.activity is a]) for a in Activity},
    }


def _activity(strides: Sequence[Stride]) -> dict[str, Json]:
    good = [s for s in strides if s.confidence >= GOOD_CONFIDENCE]
    contact = [s.contact_time_s for s in good if s.contact_time_s is not None]
    cadence = [s.cadence_spm for s in good if s.cadence_spm is not None]
    impact = [s for s in strides if s.impact_peak_g is not None]
    clipped = sum(s.impact_clipped for s in impact)
    peak = median([s.impact_peak_g for s in impact if s.impact_peak_g is not None]) if impact else None
    return {
        "strides": len(strides),
        "good": len(good),
        "cadence_spm": _median(cadence),
        "contact_time_s": _median(contact),
        "contact_time_sd_s": float(np.std(contact, ddof=1)) if len(contact) > 1 else None,
        "contact_n": len(contact),
        "impact_peak_g": peak,
        "impact_n": len(impact),
        "impact_clipped_share": clipped / len(impact) if impact else None,
        "impact_peak_censored": bool(impact) and clipped * 2 >= len(impact),
        "metrics": {name: _metric([getattr(s, name) for s in good]) for name in MEDIANS},
        "strike_types": dict(sorted(Counter(s.strike_type for s in good if s.strike_type is not None).items())),
        "speed_sources": dict(sorted(Counter(s.speed_source for s in good if s.speed_source is not None).items())),
    }


def _metric(values: Sequence[float | None]) -> dict[str, Json]:
    measured = [v for v in values if v is not None]
    sd = float(np.std(measured, ddof=1)) if len(measured) > 1 else None
    return {"median": _median(measured), "sd": sd, "n": len(measured)}


def totals_values(strides: Sequence[Stride], *, same_clock: bool) -> dict[str, Json]:
    """Steps, distance v0 and time: of both feet on one clock; else of the foot that tells more."""
    by_foot = {side: [s for s in strides if s.foot is side] for side in Side}
    groups = [strides] if same_clock else list(by_foot.values())
    best = None
    for group in groups:
        totals = Totals(StepLengths())
        for stride in sorted(group, key=lambda s: s.ic_pod_ns):
            totals.add(on_one_clock(stride))
        if best is None or totals.now.steps > best.steps:
            best = totals.now
    assert best is not None
    return {**asdict(best), "distance_calibrated": best.measured}


def on_one_clock(stride: Stride) -> Stride:
    """The stride with its pod time as run time."""
    return changed(stride, ic_run_ns=stride.ic_pod_ns, next_ic_run_ns=stride.next_ic_pod_ns)


def asymmetry_values(strides: Sequence[Stride], *, same_clock: bool) -> dict[str, Json]:
    """Left/right differences of every metric over running strides: by stride pairs on one clock, else foot by foot.
    Contact time is always there, None when it has none."""
    if same_clock:
        found = paired_differences([on_one_clock(stride) for stride in strides])
    else:
        found = unpaired_differences(strides)
    return {"contact_time": None, **{metric: asdict(value) for metric, value in found.items()}}


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _words(part: Mapping[str, Json]) -> str:
    cadence = "–" if part["cadence_spm"] is None else f"{part['cadence_spm']:.1f} spm"
    contact = "–" if part["contact_time_s"] is None else f"{part['contact_time_s'] * 1000:.0f} ms"
    impact = "–"
    if part["impact_peak_g"] is not None:
        least = "≥ " if part["impact_peak_censored"] else ""
        impact = f"{least}{part['impact_peak_g']:.1f} g, {part['impact_clipped_share']:.0%} clipped"
    said = [f"cadence {cadence}, contact {contact} (n {part['contact_n']}), impact {impact} (n {part['impact_n']})"]
    speed, strike = (part["metrics"][name]["median"] for name in ("speed_mps", "strike_angle_deg"))
    if speed is not None:
        said.append(f"speed {speed:.2f} m/s ({', '.join(part['speed_sources'])})")
    if strike is not None and part["strike_types"]:
        likeliest = max(part["strike_types"], key=part["strike_types"].__getitem__)
        said.append(f"strike {strike:+.0f}°, mostly {likeliest}")
    return ", ".join(said)


def summary_lines(summary: Mapping[str, Json]) -> Iterator[str]:
    """The summary for people."""
    for foot, found in summary["feet"].items():
        given = summary["inputs"][foot]
        lost = f", {given['missing']} samples missing" if given["missing"] else ""
        yield f"{foot}: {found['strides']} strides in {given['duration_s']:.1f} s at {given['rate_hz']:.1f} Hz{lost}"
        for activity in ("walk", "run"):
            part = found[activity]
            if part["strides"]:
                yield f"  {activity:<5} {part['strides']} strides, {_words(part)}"
    totals = summary["totals"]
    if totals["steps"]:
        rest = "" if totals["distance_calibrated"] else ", by set step lengths"
        yield f"in all: {totals['steps']} steps, {totals['distance_m']:.0f} m ± {totals['distance_sd_m']:.0f}{rest}"
    difference = summary["asymmetry"]["contact_time"]
    if difference is not None:
        low, high = difference["si_low_pct"], difference["si_high_pct"]
        interval = "" if low is None else f" (95 % interval {low:+.1f} to {high:+.1f})"
        how = "stride pairs" if difference["paired"] else "strides a foot, not paired"
        yield f"contact time, left to right: {difference['si_pct']:+.1f} %{interval}, {difference['n']} {how}"
    for note in summary["notes"]:
        yield f"note: {note['text']}"
