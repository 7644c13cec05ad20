"""What a plan is followed by: runs, answers, decisions, revisions, of all gateways, in whatever order they arrive.

A fact is written once and never changed; a later one may take an earlier one back (`Retraction`). Each has a key that
is the same wherever it is read, so that two gateways' logs can be laid together in any order and any number of times.
Times are wall time, ns since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, get_args

from sensord.model import Json, canonical_json, payload
from sensord.plan.fields import Answer
from sensord.plan.shapes import checked


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Who wrote a fact, and as which of his. For a run: the gateway, and the run's id as `name`."""

    gateway: str
    seq: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class RunFact:
    """A run that is over, or mileage that somebody entered (`source`). None: not measured, or not told."""

    KIND: ClassVar[str] = "run"

    key: Key
    at_wall_ns: int  # when it began
    end_wall_ns: int
    run: str
    source: str  # "pods" | "sensor" | "import" | "manual"
    clock_trusted: bool = True
    distance_m: float | None = None
    distance_sd_m: float | None = None
    run_distance_m: float | None = None
    run_time_s: float | None = None
    walk_time_s: float | None = None
    steps: int | None = None
    impact_load: Mapping[str, float] = field(default_factory=dict)  # foot: sum over strides (plan/limits)
    surface: str | None = None
    plan: str | None = None  # what it was done by: plan id, revision, stage, as they were told at its start
    revision: int | None = None
    stage: str | None = None
    done_pct: float | None = None  # share of the workout that was done
    reps_done: int | None = None
    measured: Mapping[str, Answer] = field(default_factory=dict)  # more fields for `when` (plan/fields)


class Moment(StrEnum):
    """When an answer was asked for."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"
    AFTER_60MIN = "after_60min"
    NEXT_MORNING = "next_morning"
    DAILY = "daily"


@dataclass(frozen=True, slots=True)
class CheckIn:
    """What she answered. `run`: the run it is about; None: about the day. Later answers to the same question count."""

    KIND: ClassVar[str] = "checkin"

    key: Key
    at_wall_ns: int
    moment: Moment
    run: str | None
    answers: Mapping[str, Answer]
    by: str = "runner"


@dataclass(frozen=True, slots=True)
class Revision:
    """The plan was changed: from here on this text counts. Numbered from 1 in the order of time."""

    KIND: ClassVar[str] = "revision"

    key: Key
    at_wall_ns: int
    text: str
    sha256: str
    who: str
    reason: str


class Verdict(StrEnum):
    """What a therapist can decide."""

    ADVANCE = "advance"  # to the next stage
    SET_STAGE = "set_stage"  # to the stage that is named
    HOLD = "hold"
    RELEASE = "release"  # ends a hold; the stage stays
    READY = "ready"  # the readiness checklist has passed


@dataclass(frozen=True, slots=True)
class Approval:
    """A decision of the therapist, with name and reason."""

    KIND: ClassVar[str] = "approval"

    key: Key
    at_wall_ns: int
    verdict: Verdict
    who: str
    reason: str
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Tested:
    """A readiness item was tested. `passed` is only given for what a clinician ticks."""

    KIND: ClassVar[str] = "tested"

    key: Key
    at_wall_ns: int
    item: str
    who: str
    value: float | str | None = None  # s for what lasts, m for a distance, else as the item counts
    side: str | None = None  # "left" | "right"
    pain: float | None = None
    passed: bool | None = None
    gait: str | None = None  # "normal", or how it was, where the item asks for it


@dataclass(frozen=True, slots=True)
class Exercised:
    """An exercise of the plan was done, or cross-training."""

    KIND: ClassVar[str] = "exercised"

    key: Key
    at_wall_ns: int
    what: str  # the exercise's id, or a kind of cross-training
    sets: int | None = None
    reps: int | None = None
    minutes: float | None = None
    rpe: float | None = None
    pain: float | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """A dated note of the clinic: manual therapy and the like."""

    KIND: ClassVar[str] = "noted"

    key: Key
    at_wall_ns: int
    what: str
    text: str
    who: str


@dataclass(frozen=True, slots=True)
class HistoryKnown:
    """From this time on every run is on file: what is before is not."""

    KIND: ClassVar[str] = "history_known"

    key: Key
    at_wall_ns: int
    who: str


@dataclass(frozen=True, slots=True)
class Retraction:
    """A fact, or a run, was a mistake and does not count."""

    KIND: ClassVar[str] = "retraction"

    key: Key
    at_wall_ns: int
    of: Key
    who: str
    reason: str


Fact = RunFact | CheckIn | Revision | Approval | Tested | Exercised | Noted | HistoryKnown | Retraction

KINDS: Mapping[str, type[Fact]] = {kind.KIND: kind for kind in get_args(Fact)}
"""The facts there are, by what they are called where they are stored."""


_STORED_APART = frozenset({"key", "at_wall_ns"})


def fact_of(kind: str, values: Mapping[str, Json], key: Key, at_wall_ns: int) -> Fact:
    """A fact from its stored payload. Raises ValueError: an unknown kind or a payload of another shape."""
    made = KINDS.get(kind)
    if made is None:
        raise ValueError(f"unknown kind of fact {kind!r}, expected one of: {', '.join(KINDS)}")
    return made(key=key, at_wall_ns=at_wall_ns, **checked(made, values, kind, without=_STORED_APART))


def fact_payload(fact: Fact) -> Json:
    """What is stored of a fact besides kind, key and time."""
    values = payload(fact)
    del values["key"], values["at_wall_ns"]
    return values


def union(*logs: Iterable[Fact]) -> tuple[Fact, ...]:
    """The facts of all logs that count: each once, in one order (time, then key) whatever order they came in.

    A key that means two things keeps the one whose stored text is greater: no good reason to prefer it, but every
    gateway prefers the same. What a `Retraction` names is left out, and so is that retraction's work when a later one
    takes it back. A run that is named is left out whichever gateway tells of it.
    """
    found: dict[Key, Fact] = {}
    for log in logs:
        for fact in log:
            other = found.setdefault(fact.key, fact)
            if other is not fact and other != fact:
                found[fact.key] = max(other, fact, key=_text)
    ordered = sorted(found.values(), key=lambda fact: (fact.at_wall_ns, fact.key))
    gone = _taken_back(ordered)
    runs = {key.name for key in gone if key.name}
    return tuple(f for f in ordered if f.key not in gone and not (isinstance(f, RunFact) and f.run in runs))


def _text(fact: Fact) -> str:
    return canonical_json([fact.KIND, fact.at_wall_ns, fact_payload(fact)])


def _taken_back(ordered: list[Fact]) -> set[Key]:
    """What is taken back, the retractions among it. From the last one on: only a later one takes a retraction back."""
    retractions = [fact for fact in ordered if isinstance(fact, Retraction)]
    place = {fact.key: index for index, fact in enumerate(retractions)}
    gone: set[Key] = set()
    for index in range(len(retractions) - 1, -1, -1):
        retraction = retractions[index]
        if retraction.key not in gone and place.get(retraction.of, -1) < index:
            gone.add(retraction.of)
    return gone
