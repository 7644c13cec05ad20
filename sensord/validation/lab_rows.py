"""Rows of a lab's own trials: the same measures as on the public recordings, trial by trial and all together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sensord.validation.contacts import (
    MEASURES,
    NO_TIMING,
    Pair,
    Timing,
    counted,
    matched_strides,
    timing_row,
)
from sensord.validation.lab import read_lab
from sensord.validation.lab_found import Scored, found_in
from sensord.validation.lengths import relative_row
from sensord.validation.rows import On, Row, Target, compared
from sensord.validation.running import TARGETS_100, TARGETS_200
from sensord.validation.statistics import match_events
from sensord.validation.trial import TrueStride
from sensord.validation.walking import TARGETS as WALKING

SECTION = "lab"
BY_EVENTS = "the offset was taken from the contacts themselves: says nothing about the bias of IC"


def lab_rows(folder: Path) -> list[Row]:
    """All rows of a lab's folder. InputError: see `read_lab`, `read_truth` and the reader of IMU CSVs."""
    lab = read_lab(folder)
    scored = [found_in(folder, lab, trial) for trial in lab.trial]
    rows = [row for one in scored for row in _rows([one], one.found.trial.on)]
    for activity in ("run", "walk"):
        own = [one for one in scored if one.said.activity == activity]
        if len(own) > 1:
            runners = len({one.said.runner for one in own})
            rows += _rows(own, On(f"{lab.name}: all {activity} trials", lab.kind, runners))
    return rows


def _rows(scored: Sequence[Scored], on: On) -> list[Row]:
    note = BY_EVENTS if any(one.said.sync == "events" for one in scored) else ""
    rows = [_count_row(scored, on)]
    for what, measure in MEASURES.items():
        timing: Timing = sum(
            (measure(one.found, side, one.near_s) for one in scored for side in one.found.trial.truth), NO_TIMING
        )
        target = _target(scored, what)
        if what == "IC" and note and target is not None:
            target = replace(target, bias=None)
        rows.append(timing_row(SECTION, what, on, timing, target, note if what != "contact time" else ""))
    rows.append(_cadence(scored, on))
    pairs = [p for one in scored for p in matched_strides(one.found, one.near_s, one.found.trial.truth)]
    return [*rows, *_value_rows(scored, on, pairs)]


def _target(scored: Sequence[Scored], what: str) -> Target | None:
    """The issue's targets for running at this rate, or for walking."""
    if scored[0].said.activity == "walk":
        return WALKING.get(what)
    slow = any(one.found.trial.rate_hz < 190.0 for one in scored)
    return (TARGETS_100 if slow else TARGETS_200).get(what)


def _count_row(scored: Sequence[Scored], on: On) -> Row:
    """Contacts between the first and the last of the truth; inventions only where the truth is complete."""
    true = hits = invented = 0
    for one in scored:
        for side, foot in one.found.trial.truth.items():
            times = one.found.contacts_s(side)
            matches = match_events(times, foot.ic_s, one.near_s)
            true, hits = true + len(foot.ic_s), hits + len(matches.pairs)
            if one.said.complete:
                inside = [i for i in matches.invented if foot.ic_s[0] <= times[i] <= foot.ic_s[-1]]
                invented += len(inside)
    complete = all(one.said.complete for one in scored)
    note = "" if complete else "inventions are not counted where the truth has holes"
    return counted(SECTION, on, true, hits, invented, note=note)


def _cadence(scored: Sequence[Scored], on: On) -> Row:
    errors: list[float] = []
    true: list[float] = []
    for one in scored:
        for stride, truth in matched_strides(one.found, one.near_s, one.found.trial.truth):
            if truth.stride_time_s is not None:
                true.append(truth.stride_time_s)
                if stride.cadence_spm is not None:
                    errors.append(100.0 * (stride.cadence_spm * truth.stride_time_s / 120.0 - 1.0))
    mean = float(np.mean(true)) if true else 0.0
    scatter = [100.0 * (mean / t - 1.0) for t in true]
    return compared(SECTION, "cadence, per stride", on, "%", errors, scatter, Target(bias=0.3), of=len(true))


def _value_rows(scored: Sequence[Scored], on: On, pairs: list[Pair]) -> list[Row]:
    """Values that the truth has: length, speed, strike angle, peak force."""
    rows = []
    walking = scored[0].said.activity == "walk"
    if _has(pairs, lambda t: t.stride_length_m):
        aim = Target(score_max=2.5 if walking else 4.0)
        rows.append(
            relative_row(
                SECTION, "stride length", on, pairs, lambda s: s.stride_length_m, lambda t: t.stride_length_m, aim
            )
        )
    if _has(pairs, lambda t: t.speed_mps):
        aim = Target(score_max=4.0)
        rows.append(relative_row(SECTION, "speed", on, pairs, lambda s: s.speed_mps, lambda t: t.speed_mps, aim))
    if _has(pairs, lambda t: t.strike_angle_deg):
        both = [(s.strike_angle_deg, t.strike_angle_deg) for s, t in pairs if t.strike_angle_deg is not None]
        errors = [a - b for a, b in both if a is not None and b is not None]
        true = [b for _, b in both if b is not None]
        rows.append(compared(SECTION, "strike angle", on, "°", errors, true, Target(bias=3.0, sd=2.0), of=len(true)))
    if _has(pairs, lambda t: t.force_peak_bw):
        rows.append(
            relative_row(SECTION, "peak force", on, pairs, lambda s: s.force_peak_bw, lambda t: t.force_peak_bw)
        )
    return rows


def _has(pairs: list[Pair], value: Callable[[TrueStride], float | None]) -> bool:
    return any(value(truth) is not None for _, truth in pairs)
