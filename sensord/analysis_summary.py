"""What the strides of a recording come to: per foot, in all, left to right; as JSON values and as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from statistics import fmean, median

import numpy as np

from sensord.load.asymmetry import BATCH, MIN_BATCHES, symmetry_index_pct
from sensord.load.pairing import Pairing
from sensord.load.totals import Totals
from sensord.model import Activity, Json, Side, StepLengths, Stride

GOOD_CONFIDENCE = 0.5
"""Design choice: strides below this confidence are counted, but do not enter a mean."""


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
    }


def totals_values(strides: Sequence[Stride], *, same_clock: bool) -> dict[str, Json]:
    """Steps, distance v0 and time: of both feet on one clock; else of the foot that tells more."""
    by_foot = {side: [s for s in strides if s.foot is side] for side in Side}
    groups = [strides] if same_clock else list(by_foot.values())
    best = None
    for group in groups:
        totals = Totals(StepLengths())
        for stride in sorted(group, key=lambda s: s.ic_pod_ns):
            totals.add(_on_one_clock(stride))
        if best is None or totals.now.steps > best.steps:
            best = totals.now
    assert best is not None
    return {**asdict(best), "distance_calibrated": False}


def _on_one_clock(stride: Stride) -> Stride:
    return replace(stride, ic_run_ns=stride.ic_pod_ns, next_ic_run_ns=stride.next_ic_pod_ns)


def asymmetry_values(strides: Sequence[Stride], *, same_clock: bool) -> dict[str, Json]:
    """Left/right differences over running strides: by stride pairs on one clock, else foot by foot."""
    result = _paired(strides) if same_clock else _unpaired(strides)
    return {"contact_time": result}


def _paired(strides: Sequence[Stride]) -> dict[str, Json] | None:
    pairing = Pairing()
    ratios: list[float] = []
    for stride in sorted(strides, key=lambda s: s.ic_pod_ns):
        for pair in pairing.add(_on_one_clock(stride)):
            if pair.activity is Activity.RUN and pair.contact_times_s is not None:
                left_s, right_s = pair.contact_times_s
                ratios.append(float(np.log(left_s / right_s)))
    if not ratios:
        return None
    means = _batch_means(ratios)
    half = None
    if len(means) >= MIN_BATCHES:
        half = _t_975(len(means) - 1) * float(np.std(means, ddof=1)) / len(means) ** 0.5
    return _index(fmean(means) if means else fmean(ratios), half, len(ratios), paired=True)


def _unpaired(strides: Sequence[Stride]) -> dict[str, Json] | None:
    """Foot by foot: the difference of mean log contact times, Welch's interval over batch means of each foot."""
    logs = {
        side: [
            float(np.log(s.contact_time_s))
            for s in strides
            if s.foot is side
            and s.activity is Activity.RUN
            and s.contact_time_s is not None
            and s.confidence >= GOOD_CONFIDENCE
        ]
        for side in Side
    }
    if not all(logs.values()):
        return None
    batches = {side: _batch_means(values) or [fmean(values)] for side, values in logs.items()}
    difference = fmean(batches[Side.LEFT]) - fmean(batches[Side.RIGHT])
    half = None
    if min(len(b) for b in batches.values()) >= MIN_BATCHES:
        parts = [(float(np.var(b, ddof=1)) / len(b), len(b)) for b in batches.values()]
        total = sum(v for v, _ in parts)
        if total > 0:
            df = total**2 / sum(v**2 / (k - 1) for v, k in parts)
            half = _t_975(df) * total**0.5
    return _index(difference, half, min(len(v) for v in logs.values()), paired=False)


def _batch_means(values: Sequence[float]) -> list[float]:
    """Means of ten without the lowest and the highest, as the live asymmetry forms them."""
    whole = [values[i : i + BATCH] for i in range(0, len(values) - BATCH + 1, BATCH)]
    return [fmean(sorted(batch)[1:-1]) for batch in whole]


def _t_975(df: float) -> float:
    from scipy.stats import t  # noqa: PLC0415 - slow to import, and only this face needs it

    return float(t.ppf(0.975, df))


def _index(log_ratio: float, half: float | None, n: int, *, paired: bool) -> dict[str, Json]:
    return {
        "si_pct": symmetry_index_pct(log_ratio),
        "si_low_pct": None if half is None else symmetry_index_pct(log_ratio - half),
        "si_high_pct": None if half is None else symmetry_index_pct(log_ratio + half),
        "balance_pct": 100.0 / (1.0 + float(np.exp(-log_ratio))),
        "n": n,
        "paired": paired,
    }


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _words(part: Mapping[str, Json]) -> str:
    cadence = "–" if part["cadence_spm"] is None else f"{part['cadence_spm']:.1f} spm"
    contact = "–" if part["contact_time_s"] is None else f"{part['contact_time_s'] * 1000:.0f} ms"
    impact = "–"
    if part["impact_peak_g"] is not None:
        least = "≥ " if part["impact_peak_censored"] else ""
        impact = f"{least}{part['impact_peak_g']:.1f} g, {part['impact_clipped_share']:.0%} clipped"
    return f"cadence {cadence}, contact {contact} (n {part['contact_n']}), impact {impact} (n {part['impact_n']})"


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
    difference = summary["asymmetry"]["contact_time"]
    if difference is not None:
        low, high = difference["si_low_pct"], difference["si_high_pct"]
        interval = "" if low is None else f" (95 % interval {low:+.1f} to {high:+.1f})"
        how = "stride pairs" if difference["paired"] else "strides a foot, not paired"
        yield f"contact time, left to right: {difference['si_pct']:+.1f} %{interval}, {difference['n']} {how}"
    for note in summary["notes"]:
        yield f"note: {note['text']}"
