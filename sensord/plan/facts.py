"""What a plan is followed by: runs, answers, decisions, revisions, of all gateways, in whatever order they arrive.

A fact is written once and never changed; a later one may take an earlier one back (`Retraction`). Each has a key that is
the same wherever it is read, so that two gateways' logs can be laid together in any order and any number of times.
Times are wall time, ns since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from sensord.model import Json
from sensord.plan.when import Answer


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
    ended_by: str | None = None  # the rule that ended it, where one did
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
    value: float | str | None = None
    side: str | None = None  # "left" | "right"
    pain: float | None = None
    passed: bool | None = None


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


def fact_of(kind: str, values: Mapping[str, Json], key: Key, at_wall_ns: int) -> Fact:
    """A fact from its stored payload. Raises ValueError: an unknown kind or a payload of another shape."""
    raise NotImplementedError(kind, values, key, at_wall_ns)


def fact_payload(fact: Fact) -> Json:
    """What is stored of a fact besides kind, key and time."""
    raise NotImplementedError(fact)
