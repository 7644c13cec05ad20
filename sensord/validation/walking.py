"""Rows of walking: the gaitmap shoes against optical capture, the IPOL walks against events set by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from sensord.model import Side
from sensord.validation.contacts import (
    NEAR_WALK_S,
    NO_TIMING,
    counted,
    counts_inside,
    tc_timing,
    timing_row,
    timing_rows,
)
from sensord.validation.lab import LONGEST_STRIDE_S
from sensord.validation.rows import On, Row, Target, compared, scored
from sensord.validation.statistics import match_events
from sensord.validation.trial import FootTruth, Found
from sensord.validation.workbench import Workbench

TARGETS = {"IC": Target(sd=7.5, words="SD ≤ 7.5 (gaitmap: 7.8)"), "TC": Target(sd=3.3, words="SD ≤ 3.3 (gaitmap: 3.5)")}

SAME_S = 0.001
"""Times of the IPOL set are whole hundredths: nearer than this is the same."""


def gaitmap(bench: Workbench) -> list[Row]:
    """IC, TC, contact time and what is walking, 2 x 20 m."""
    found = bench.gaitmap()
    strides = [s for own in found.strides.values() for s in own]
    walking = sum(s.activity.value == "walk" for s in strides)
    inside = counts_inside(found, NEAR_WALK_S)
    apart = (
        f"{inside.unlisted} more that the list leaves out: its own optical path comes to rest there; "
        f"{inside.outside} more at start, turn and stop, where the reference has none"
    )
    count = counted("walking", found.trial.on, inside.true, inside.found, inside.invented, note=apart)
    share = 100.0 * walking / len(strides) if strides else None
    told = scored(
        "walking", "strides called walking", found.trial.on, "%", len(strides), share, "share", Target(score_min=100.0)
    )
    return [count, told, *timing_rows(found, "walking", NEAR_WALK_S, TARGETS), _straight_on(found)]


def _straight_on(found: Found) -> Row:
    """Terminal contacts without the strides whose optical path goes round a bend: what a published error is told of."""
    straight = {
        side: replace(truth, strides=tuple(s for s in truth.strides if not s.turning))
        for side, truth in found.trial.truth.items()
    }
    only = replace(found, trial=replace(found.trial, truth=straight))
    timing = sum((tc_timing(only, side, NEAR_WALK_S) for side in straight), NO_TIMING)
    return timing_row("walking", "TC, straight on", found.trial.on, timing, note="by the reference's own path")


def ipol(bench: Workbench) -> list[Row]:
    """F1, bias and SD of events within 100 ms: in the walk, on its bounds, and after it."""
    walks = bench.ipol()
    return [row for what in ("IC", "TC") for row in _ipol_rows(walks, what)]


def _ipol_rows(walks: list[Found], what: str) -> list[Row]:
    """Where the walk begins and ends, the data set says itself. What it lists later are steps on the spot."""
    tallies = {part: Tally() for part in Part}
    gaps: list[float] = []
    for found in walks:
        for side, truth in found.trial.truth.items():
            for part, tally in tallied(found, side, what).items():
                tallies[part] += tally
            gaps += _gaps_ms(what, truth)
    on = On("ipol walk, 100 Hz", walks[0].trial.on.kind, len({found.trial.runner for found in walks}))
    walk, edge, turn, after = (tallies[part] for part in (Part.WALK, Part.EDGE, Part.TURN, Part.AFTER))
    first_last = f"{what}, {'last, back to standing' if what == 'IC' else 'first, leaving standing'}"
    at_edge = "" if what == "IC" else "no stride holds it: a stride begins with a contact; "
    name, inside = f"{what} within 100 ms", walk + turn
    return [
        _f1(
            f"{name}, in the walk", on, inside, Target(score_min=0.98), f"of these in the turn: {turn}; but first, last"
        ),
        _f1(f"{name}, in the walk, straight on", on, walk, None, "without the turn as the data set bounds it"),
        _f1(f"{name}, steps on the spot after the walk", on, after, None, "one at a time, between seconds of standing"),
        _f1(f"{name}, all of these", on, inside + after, None, ""),
        compared("walking", f"{what}, in the walk", on, "ms", inside.errors_ms, gaps, of=inside.true),
        compared("walking", first_last, on, "ms", edge.errors_ms, gaps, note=f"{at_edge}{edge}; reported apart"),
    ]


def _f1(what: str, on: On, tally: Tally, target: Target | None, note: str) -> Row:
    told = "; ".join(part for part in (str(tally), note) if part)
    return scored("walking", what, on, "", tally.true, tally.f1, "F1", target, note=told)


class Part(Enum):
    """Where an event of a walk lies."""

    WALK = "walk"
    TURN = "turn"
    EDGE = "edge"
    """The toe-off that leaves standing, and the contact that comes back to it: the bounds of the trial."""
    AFTER = "after"


@dataclass(frozen=True)
class Tally:
    """Events of one kind: the errors of those found, how many were not, how many were told that are none."""

    errors_ms: tuple[float, ...] = ()
    missed: int = 0
    invented: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.errors_ms + other.errors_ms, self.missed + other.missed, self.invented + other.invented)

    def __str__(self) -> str:
        return f"{len(self.errors_ms)} found, {self.missed} missed, {self.invented} invented"

    @property
    def true(self) -> int:
        """How many the reference has."""
        return len(self.errors_ms) + self.missed

    @property
    def f1(self) -> float | None:
        """None when there is nothing to find and nothing was told."""
        of = 2 * len(self.errors_ms) + self.missed + self.invented
        return 2 * len(self.errors_ms) / of if of else None


def tallied(found: Found, side: Side, what: str) -> dict[Part, Tally]:
    """Initial ("IC") or terminal contacts ("TC") of one foot by where they lie; all in the walk where none is bounded.

    What is invented before the walk or after it counts as after it.
    """
    truth = found.trial.truth[side]
    true = truth.ic_s if what == "IC" else truth.tc_s
    times = found.contacts_s(side) if what == "IC" else found.toe_offs_s(side)
    low, high = found.trial.walk_s or (-np.inf, np.inf)
    walked = [j for j, at_s in enumerate(true) if low - SAME_S <= at_s <= high + SAME_S]
    edge = None if not walked else walked[-1] if what == "IC" else walked[0]

    def part(at_s: float, near_s: float) -> Part:
        if not low - near_s <= at_s <= high + near_s:
            return Part.AFTER
        turn = found.trial.turn_s
        return Part.TURN if turn is not None and turn[0] <= at_s <= turn[1] else Part.WALK

    where = [Part.EDGE if j == edge else part(at_s, SAME_S) for j, at_s in enumerate(true.tolist())]
    matches = match_events(times, true, NEAR_WALK_S)
    out = {each: Tally() for each in Part}
    for i, j in matches.pairs:
        out[where[j]] += Tally((1000.0 * float(times[i] - true[j]),))
    for j in matches.missed:
        out[where[j]] += Tally(missed=1)
    for i in matches.invented:
        out[part(float(times[i]), NEAR_WALK_S)] += Tally(invented=1)
    return out


def _gaps_ms(what: str, truth: FootTruth) -> list[float]:
    """What a constant would have to hit: times between contacts, or contact times; standing in a turn is no stride."""
    if what == "IC":
        return [1000.0 * float(gap) for gap in np.diff(truth.ic_s) if gap <= LONGEST_STRIDE_S]
    walked = [t for t in truth.strides if t.stride_time_s is not None and t.stride_time_s <= LONGEST_STRIDE_S]
    return [1000.0 * t.contact_time_s for t in walked if t.contact_time_s is not None]
