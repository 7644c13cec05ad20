"""Recordings of one or both feet to strides and a summary: the same dsp as live, fed from files or arrays.

The two recordings have clocks of their own unless it is said that they share one; then left/right contact times are
compared by stride pairs, otherwise foot by foot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from statistics import fmean, median

import numpy as np
import numpy.typing as npt

from sensord.dsp.foot import FootAnalyser
from sensord.errors import InputError, Problem
from sensord.files.imu_csv import checked_units, read_imu_csv
from sensord.files.imu_recording import ImuRecording, make_recording
from sensord.files.strides_csv import rows
from sensord.files.wearable_my_foot import read_wearable_my_foot
from sensord.load.asymmetry import BATCH, MIN_BATCHES, symmetry_index_pct
from sensord.load.force import ForceModel
from sensord.load.pairing import Pairing
from sensord.load.speed import SpeedEstimator
from sensord.load.totals import Totals
from sensord.model import ALGORITHM, NS, Activity, FootNote, Json, Side, StepLengths, Stride

SUMMARY_SCHEMA = "sensord-summary/1"
LAYOUTS = {"imu": read_imu_csv, "wearable": read_wearable_my_foot}
GOOD_CONFIDENCE = 0.5
"""Design choice: strides below this confidence are counted, but do not enter a mean."""

Arrays = tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]
"""Time (n,) s, acceleration (n, 3) m/s², angular rate (n, 3) rad/s, in the pod's frame."""

Source = str | Path | Arrays | ImuRecording


@dataclass(frozen=True, slots=True)
class Analysis:
    """Strides of all feet in order of foot and time, notes, the summary as plain JSON values, and what was read."""

    strides: tuple[Stride, ...]
    notes: tuple[FootNote, ...]
    summary: Mapping[str, Json]
    recordings: Mapping[Side, ImuRecording]

    def table(self) -> list[dict[str, Json]]:
        """One dict a stride, named as the columns of the strides CSV; None where unmeasured."""
        return rows(self.strides)


def analyse(
    left: Source | None = None,
    right: Source | None = None,
    *,
    same_clock: bool = False,
    mass_kg: float | None = None,
    height_m: float | None = None,
    layout: str = "imu",
) -> Analysis:
    """Find the strides in recordings of one or both feet.

    Each source is a CSV file (`layout`: "imu" or "wearable"), arrays, or an `ImuRecording`. `mass_kg` and `height_m`
    are noted; no value of this version needs them. Raises `InputError` for what cannot be read.
    """
    if layout not in LAYOUTS:
        raise InputError(Problem("command line", "--layout", repr(layout), "one of: " + ", ".join(LAYOUTS)))
    sources = {side: source for side, source in ((Side.LEFT, left), (Side.RIGHT, right)) if source is not None}
    if not sources:
        raise InputError(Problem("analyse", "", "no recording", "--left FILE, --right FILE, or both"))
    recordings = {side: _recording(source, side, layout) for side, source in sources.items()}
    strides: list[Stride] = []
    notes: list[FootNote] = []
    for side, recording in recordings.items():
        speed, force = SpeedEstimator(StepLengths()), ForceModel()
        for item in _items(side, recording):
            if isinstance(item, FootNote):
                notes.append(item)
            else:
                strides.append(force.apply(speed.apply(item)))
        if not any(stride.foot is side for stride in strides):
            notes.append(FootNote(side, "no_strides", f"no stride was found on the {side} foot"))
    summary = {
        "schema": SUMMARY_SCHEMA,
        "algorithm": ALGORITHM,
        "sensord": version("sensord"),
        "same_clock": same_clock,
        "mass_kg": mass_kg,
        "height_m": height_m,
        "inputs": {s.value: _input(sources[s], recordings[s]) for s in recordings},
        "feet": {s.value: _foot([x for x in strides if x.foot is s]) for s in recordings},
        "totals": _totals(strides, same_clock=same_clock),
        "asymmetry": _asymmetry(strides, same_clock=same_clock),
        "notes": [{"foot": n.foot, "code": n.code, "text": n.text} for n in notes],
    }
    return Analysis(tuple(strides), tuple(notes), summary, recordings)


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


# --------------------------------------------------------------------------------------------------------- in and out


def _recording(source: Source, side: Side, layout: str) -> ImuRecording:
    if isinstance(source, ImuRecording):
        return source
    if isinstance(source, str | Path):
        return LAYOUTS[layout](Path(source))
    columns = [np.asarray(part, dtype=np.float64) for part in source]
    shapes = [part.shape for part in columns]
    n = shapes[0][0] if shapes[0] else 0
    if shapes != [(n,), (n, 3), (n, 3)]:
        raise InputError(Problem(side.value, "arrays", f"shapes {shapes}", "(n,), (n, 3) and (n, 3)"))
    return checked_units(side.value, make_recording(side.value, np.column_stack(columns), np.arange(1, n + 1)))


def _items(side: Side, recording: ImuRecording) -> Iterator[Stride | FootNote]:
    foot = FootAnalyser(side, recording.rate_hz)
    for block in recording.blocks:
        yield from (x for x in foot.push(block) if isinstance(x, Stride | FootNote))
    yield from (x for x in foot.flush() if isinstance(x, Stride | FootNote))


def _input(source: Source, recording: ImuRecording) -> dict[str, Json]:
    first, last = recording.blocks[0].t_pod_ns[0], recording.blocks[-1].t_pod_ns[-1]
    return {
        "file": Path(source).name if isinstance(source, str | Path) else None,
        "rate_hz": recording.rate_hz,
        "duration_s": int(last - first) / NS,
        **asdict(recording.defects),
    }


# ------------------------------------------------------------------------------------------------------------- values


def _foot(strides: Sequence[Stride]) -> dict[str, Json]:
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


def _totals(strides: Sequence[Stride], *, same_clock: bool) -> dict[str, Json]:
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


def _asymmetry(strides: Sequence[Stride], *, same_clock: bool) -> dict[str, Json]:
    result = _paired(strides) if same_clock else _unpaired(strides)
    return {"contact_time": result}


def _paired(strides: Sequence[Stride]) -> dict[str, Json] | None:
    pairing = Pairing()
    ratios: list[float] = []
    for stride in sorted(strides, key=lambda s: s.ic_pod_ns):
        for pair in pairing.add(_on_one_clock(stride)):
            if pair.activity is Activity.RUN:
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
