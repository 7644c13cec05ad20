"""Rows of contacts: found and invented; initial and terminal contact, contact time, cadence against a reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sensord.model import Side, Stride
from sensord.validation.rows import On, Row, Target, Verdict, compared
from sensord.validation.statistics import match_events
from sensord.validation.trial import Found, TrueStride

NEAR_RUN_S = 0.06
"""A contact counts as found within this time of the true one. Design choice: under a third of the shortest contact."""
NEAR_WALK_S = 0.1
"""The same for walking; the tolerance of the issue for the IPOL set."""

Pair = tuple[Stride, TrueStride]


def matched_strides(found: Found, near_s: float, sides: Iterable[Side] = tuple(Side)) -> list[Pair]:
    """Strides with the true strides whose initial contact is theirs."""
    pairs: list[Pair] = []
    for side in sides:
        truth = found.trial.truth[side].strides
        matches = match_events(found.starts_s(side), [t.ic_s for t in truth], near_s)
        pairs += [(found.strides[side][i], truth[j]) for i, j in matches.pairs]
    return pairs


def contact_counts(found: Found, near_s: float) -> tuple[int, int, int]:
    """True contacts, of which found, and how many more were found that nobody made."""
    true = hits = invented = 0
    for side, truth in found.trial.truth.items():
        matches = match_events(found.contacts_s(side), truth.ic_s, near_s)
        true, hits, invented = true + len(truth.ic_s), hits + len(matches.pairs), invented + len(matches.invented)
    return true, hits, invented


@dataclass(frozen=True, slots=True)
class Inside:
    """Contacts where a reference has holes. What it does not list is invented inside of its strides only, and not
    where the path that it measured comes to rest."""

    true: int = 0
    found: int = 0
    invented: int = 0
    unlisted: int = 0
    outside: int = 0


def counts_inside(found: Found, near_s: float) -> Inside:
    """The same where a reference has holes."""
    true = hits = invented = unlisted = outside = 0
    for side, truth in found.trial.truth.items():
        times = found.contacts_s(side)
        matches = match_events(times, truth.ic_s, near_s)
        more = times[list(matches.invented)]
        rested = match_events(more, truth.unlisted_s, near_s)
        spans = [(t.ic_s, t.next_ic_s) for t in truth.strides if t.next_ic_s is not None]
        within = sum(any(a < more[i] < b for a, b in spans) for i in rested.invented)
        true, hits, unlisted = true + len(truth.ic_s), hits + len(matches.pairs), unlisted + len(rested.pairs)
        invented, outside = invented + within, outside + len(rested.invented) - within
    return Inside(true, hits, invented, unlisted, outside)


def counted(section: str, on: On, true: int, hits: int, invented: int, *, note: str = "", judged: bool = True) -> Row:
    """The row of a count; the target is all of them found and none invented. A constant finds nothing."""
    share = 100.0 * hits / true if true else None
    verdict = (
        Verdict.NOT_MEASURED if share is None else Verdict.MET if hits == true and not invented else Verdict.NOT_MET
    )
    return Row(
        section,
        "contacts found",
        on.data,
        on.kind,
        on.runners,
        true,
        "%",
        score=share,
        score_name="found",
        target="100 % found, 0 invented" if judged else "",
        verdict=verdict if judged else Verdict.REPORTED,
        note="; ".join(part for part in (f"{hits} of {true} found, {invented} invented", note) if part),
    )


@dataclass(frozen=True, slots=True)
class Timing:
    """Errors in ms, and the truth that a constant would have to hit, of some events."""

    errors_ms: list[float]
    true_ms: list[float]
    of: int

    def __add__(self, other: Timing) -> Timing:
        return Timing(self.errors_ms + other.errors_ms, self.true_ms + other.true_ms, self.of + other.of)


NO_TIMING = Timing([], [], 0)


def ic_timing(found: Found, side: Side, near_s: float) -> Timing:
    """Initial contacts; the constant knows the contact before and adds the mean stride time."""
    true = found.trial.truth[side].ic_s
    times = found.contacts_s(side)
    matches = match_events(times, true, near_s)
    errors = [1000.0 * float(times[i] - true[j]) for i, j in matches.pairs]
    strides = [1000.0 * t.stride_time_s for t in found.trial.truth[side].strides if t.stride_time_s is not None]
    return Timing(errors, strides, len(true))


def tc_timing(found: Found, side: Side, near_s: float) -> Timing:
    """Terminal contacts of the true strides; the constant knows the initial contact and adds the mean contact time."""
    strides = [t for t in found.trial.truth[side].strides if t.tc_s is not None]
    true = np.array([t.tc_s for t in strides], dtype=np.float64)
    times = found.toe_offs_s(side)
    matches = match_events(times, true, near_s)
    errors = [1000.0 * float(times[i] - true[j]) for i, j in matches.pairs]
    return Timing(errors, [1000.0 * t.contact_time_s for t in strides if t.contact_time_s is not None], len(true))


def contact_time(found: Found, side: Side, near_s: float) -> Timing:
    """Contact time of matched strides; the constant is the mean true contact time."""
    return of_strides(found, side, near_s, lambda s: s.contact_time_s, lambda t: t.contact_time_s, 1000.0)


def of_strides(
    found: Found,
    side: Side,
    near_s: float,
    said: Callable[[Stride], float | None],
    true: Callable[[TrueStride], float | None],
    scale: float = 1.0,
) -> Timing:
    """Errors of any value of a stride whose truth is known."""
    errors = []
    for stride, truth in matched_strides(found, near_s, [side]):
        a, b = said(stride), true(truth)
        if a is not None and b is not None:
            errors.append(scale * (a - b))
    known = [scale * v for t in found.trial.truth[side].strides if (v := true(t)) is not None]
    return Timing(errors, known, len(known))


def timing_row(section: str, what: str, on: On, timing: Timing, target: Target | None = None, note: str = "") -> Row:
    """The row of a timing."""
    return compared(section, what, on, "ms", timing.errors_ms, timing.true_ms, target, of=timing.of, note=note)


PLACED = "the shock was placed at the force plate's event, and the acceleration times the contact: not judged"


def unjudged(row: Row) -> Row:
    """A row of a recording whose shock was placed at the event: what depends on when the foot lands is not judged."""
    if row.what.removeprefix("change of ").split(",")[0] not in {"IC", "contact time"} or not row.target:
        return row
    return replace(row, target="", verdict=Verdict.REPORTED, note="; ".join(p for p in (row.note, PLACED) if p))


MEASURES = {"IC": ic_timing, "TC": tc_timing, "contact time": contact_time}


def timing_rows(
    found: Found, section: str, near_s: float, targets: dict[str, Target], *, each_foot: bool = False, note: str = ""
) -> list[Row]:
    """IC, TC and contact time of a trial, both feet pooled; with `each_foot` each of them as well."""
    on, rows = found.trial.on, []
    for what, measure in MEASURES.items():
        parts = {side: measure(found, side, near_s) for side in found.trial.truth}
        target = targets.get(what)
        rows.append(timing_row(section, what, on, sum(parts.values(), NO_TIMING), target, note))
        if each_foot:
            rows += [timing_row(section, f"{what}, {side.value}", on, part, target) for side, part in parts.items()]
    return rows


def cadence_row(section: str, found: Found, near_s: float, target: Target | None) -> Row:
    """Cadence of each stride in per cent of the true one; the constant is the mean true cadence."""
    errors, true, of = [], [], 0
    for side in found.trial.truth:
        for stride, truth in matched_strides(found, near_s, [side]):
            if stride.cadence_spm is not None and truth.stride_time_s is not None:
                errors.append(100.0 * (stride.cadence_spm * truth.stride_time_s / 120.0 - 1.0))
        times = [t.stride_time_s for t in found.trial.truth[side].strides if t.stride_time_s is not None]
        true += times
        of += len(times)
    relative: Sequence[float] = [100.0 * (float(np.mean(true)) / t - 1.0) for t in true] if true else []
    return compared(section, "cadence, per stride", found.trial.on, "%", errors, relative, target, of=of)
