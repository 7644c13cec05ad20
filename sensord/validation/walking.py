"""Rows of walking: the gaitmap shoes against optical capture, the IPOL walks against events set by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sensord.validation.contacts import (
    NEAR_WALK_S,
    counted,
    counts_inside,
    timing_rows,
)
from sensord.validation.rows import On, Row, Target, compared, scored
from sensord.validation.statistics import match_events
from sensord.validation.trial import Found
from sensord.validation.workbench import Workbench

TARGETS = {"IC": Target(sd=7.5, words="SD ≤ 7.5 (gaitmap: 7.8)"), "TC": Target(sd=3.3, words="SD ≤ 3.3 (gaitmap: 3.5)")}
AT_BOUND_S = 0.03
"""An event this near to a trial's bound lies on it (its sample and two beside)."""


def gaitmap(bench: Workbench) -> list[Row]:
    """IC, TC, contact time and what is walking, 2 x 20 m."""
    found = bench.gaitmap()
    strides = [s for own in found.strides.values() for s in own]
    walking = sum(s.activity.value == "walk" for s in strides)
    true, hits, inside, outside = counts_inside(found, NEAR_WALK_S)
    apart = f"{outside} more at start, turn and stop, where the reference has none"
    count = counted("walking", found.trial.on, true, hits, inside, note=apart)
    share = 100.0 * walking / len(strides) if strides else None
    told = scored(
        "walking", "strides called walking", found.trial.on, "%", len(strides), share, "share", Target(score_min=100.0)
    )
    return [count, told, *timing_rows(found, "walking", NEAR_WALK_S, TARGETS)]


def ipol(bench: Workbench) -> list[Row]:
    """F1, bias and SD of contacts within 100 ms, those on the bounds of a trial apart."""
    walks = bench.ipol()
    people = len({found.trial.runner for found, _ in walks})
    rows: list[Row] = []
    for what in ("IC", "TC"):
        for bounds in (False, True):
            rows += _ipol_rows(walks, what, bounds=bounds, people=people)
    return rows


def _ipol_rows(walks: list[tuple[Found, tuple[float, float]]], what: str, *, bounds: bool, people: int) -> list[Row]:
    hits = missed = invented = 0
    errors: list[float] = []
    gaps: list[float] = []
    for found, limits in walks:
        for side, truth in found.trial.truth.items():
            true = truth.ic_s if what == "IC" else truth.tc_s
            times = found.contacts_s(side) if what == "IC" else found.toe_offs_s(side)
            on_bound = np.array([min(abs(t - b) for b in limits) <= AT_BOUND_S for t in true])
            matches = match_events(times, true, NEAR_WALK_S)
            kept = [(i, j) for i, j in matches.pairs if on_bound[j] == bounds]
            hits += len(kept)
            missed += sum(on_bound[j] == bounds for j in matches.missed)
            invented += 0 if bounds else len(matches.invented)
            errors += [1000.0 * float(times[i] - true[j]) for i, j in kept]
            if what == "IC":
                gaps += (1000.0 * np.diff(true)).tolist()
            else:
                gaps += [1000.0 * t.contact_time_s for t in truth.strides if t.contact_time_s is not None]
    on = On("ipol walk, 100 Hz", walks[0][0].trial.on.kind, people)
    where = "first and last events (on the bounds of the trial)" if bounds else "without the events on the bounds"
    words = f"{hits} found, {missed} missed, {invented} invented"
    timing = compared("walking", f"{what}, {where}", on, "ms", errors, gaps, of=hits + missed)
    if bounds:
        return [replace(timing, note=f"{hits} found, {missed} missed; reported apart")]
    f1 = 2 * hits / (2 * hits + missed + invented)
    name = f"{what} within 100 ms, {where}"
    return [scored("walking", name, on, "", hits + missed, f1, "F1", Target(score_min=0.98), note=words), timing]
