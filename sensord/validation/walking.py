"""Rows of walking: the gaitmap shoes against optical capture, the IPOL walks against events set by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sensord.validation.contacts import (
    NEAR_WALK_S,
    counted,
    counts_inside,
    timing_rows,
)
from sensord.validation.lab import LONGEST_STRIDE_S
from sensord.validation.rows import On, Row, Target, compared, scored
from sensord.validation.statistics import match_events
from sensord.validation.trial import FootTruth, Found
from sensord.validation.workbench import Workbench

TARGETS = {"IC": Target(sd=7.5, words="SD ≤ 7.5 (gaitmap: 7.8)"), "TC": Target(sd=3.3, words="SD ≤ 3.3 (gaitmap: 3.5)")}


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
    """F1, bias and SD of events within 100 ms, each foot's first and last one apart."""
    walks = bench.ipol()
    return [row for what in ("IC", "TC") for row in _ipol_rows(walks, what)]


def _ipol_rows(walks: list[Found], what: str) -> list[Row]:
    """First and last: the toe-off that leaves standing (a stride begins with a contact: it is none's), and the contact
    that comes back to it."""
    within, apart = _Tally(), _Tally()
    gaps: list[float] = []
    for found in walks:
        for side, truth in found.trial.truth.items():
            true = truth.ic_s if what == "IC" else truth.tc_s
            times = found.contacts_s(side) if what == "IC" else found.toe_offs_s(side)
            edge = len(true) - 1 if what == "IC" else 0
            matches = match_events(times, true, NEAR_WALK_S)
            for i, j in matches.pairs:
                (apart if j == edge else within).errors_ms.append(1000.0 * float(times[i] - true[j]))
            for j in matches.missed:
                (apart if j == edge else within).missed += 1
            within.invented += len(matches.invented)
            gaps += _gaps_ms(what, truth)
    on = On("ipol walk, 100 Hz", walks[0].trial.on.kind, len({found.trial.runner for found in walks}))
    name, of = f"{what} within 100 ms, but first and last", within.hits + within.missed
    note = f"{within.hits} found, {within.missed} missed, {within.invented} invented"
    f1 = 2 * within.hits / (2 * within.hits + within.missed + within.invented)
    edges = f"{apart.hits} found, {apart.missed} missed; reported apart"
    first_last = f"{what}, {'last, back to standing' if what == 'IC' else 'first, leaving standing'}"
    return [
        scored("walking", name, on, "", of, f1, "F1", Target(score_min=0.98), note=note),
        compared("walking", f"{what}, but first and last", on, "ms", within.errors_ms, gaps, of=of),
        compared("walking", first_last, on, "ms", apart.errors_ms, gaps, note=edges),
    ]


@dataclass
class _Tally:
    """Events of one kind over all walks."""

    errors_ms: list[float] = field(default_factory=list)
    missed: int = 0
    invented: int = 0

    @property
    def hits(self) -> int:
        return len(self.errors_ms)


def _gaps_ms(what: str, truth: FootTruth) -> list[float]:
    """What a constant would have to hit: times between contacts, or contact times; standing in a turn is no stride."""
    if what == "IC":
        return [1000.0 * float(gap) for gap in np.diff(truth.ic_s) if gap <= LONGEST_STRIDE_S]
    walked = [t for t in truth.strides if t.stride_time_s is not None and t.stride_time_s <= LONGEST_STRIDE_S]
    return [1000.0 * t.contact_time_s for t in walked if t.contact_time_s is not None]
