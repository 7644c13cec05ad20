"""Where she stands in her plan: stage, what is allowed today and why, what was decided and by which rule.

Pure results, computed by `plan.following` from facts; nothing here is stored as the truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sensord.model import Json, payload
from sensord.plan.shapes import checked


class Outcome(StrEnum):
    """What was decided."""

    ENTER = "enter"  # the ladder was begun, or a stage was set
    ADVANCE = "advance"
    PROPOSE = "propose"  # all conditions are met; the therapist decides
    REPEAT = "repeat"
    LOWER = "lower"
    HOLD = "hold"
    RELEASE = "release"
    WAIT = "wait"  # answers are missing


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision, and what it rests on. `rules`: ids of the plan's rules, or names such as "advance"."""

    at_wall_ns: int
    outcome: Outcome
    run: str | None
    stage: str | None
    to_stage: str | None
    rules: tuple[str, ...]
    why: str
    by: str = "sensord"
    alert: str | None = None  # info | warn | stop | urgent
    rest_until_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A question that waits for its answer."""

    run: str | None
    moment: str
    fields: tuple[str, ...]
    since_wall_ns: int


@dataclass(frozen=True, slots=True)
class Check:
    """One rule of the schedule or of load, today. `status`: within | over | undecided | not_checked."""

    rule: str
    status: str
    value: float | None
    limit: float | None
    unit: str
    text: str


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is allowed today. `may_run` None: cannot be told, and `why` says what is missing."""

    may_run: bool | None
    why: tuple[str, ...]
    next_run_wall_ns: int | None
    workout: str | None  # the text of `do`, or what a volume or increment comes to
    workout_words: str | None
    repeats: int | None = None
    success_reps: int | None = None
    left: Mapping[str, float] = field(default_factory=dict)  # runs_7d, distance_m, run_time_s, ...
    checks: tuple[Check, ...] = ()
    surfaces: tuple[str, ...] | None = None
    not_allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where she stands at a time."""

    at_wall_ns: int
    plan: str
    revision: int
    stage: str | None  # None: not ready yet
    stage_since_ns: int | None
    successes: int
    successes_needed: int  # 0: the stage does not go by successes
    hold: str | None  # why nothing goes on
    rest_until_ns: int | None
    resting: str | None  # why, where it has no end of its own
    ready: Mapping[str, str]  # readiness item: passed | failed | unanswered | due again
    decisions: tuple[Decision, ...]
    due: tuple[Due, ...]
    today: Allowance


@dataclass(frozen=True, slots=True)
class Day:
    """What a run needs to know of her plan when it starts: recorded with the run, so that a replay asks nobody.

    Distances and loads are of the runs before this one; None: not known (`incomplete` says why).
    """

    plan: str
    revision: int
    stage: str | None
    workout: str | None = None
    repeats: int | None = None
    success_reps: int | None = None
    may_run: bool | None = None
    why: tuple[str, ...] = ()
    longest_30d_m: float | None = None
    distance_7d_m: float | None = None  # the 7 days up to now
    previous_7d_m: float | None = None  # the 7 days before those
    run_time_7d_s: float | None = None
    impact_load_7d: Mapping[str, float] = field(default_factory=dict)
    impact_load_previous_7d: Mapping[str, float] = field(default_factory=dict)
    stage_reached: bool = True  # for `from_stage`: see limits
    stages: tuple[str, ...] = ()  # the ladder, lowest first
    incomplete: str | None = None

    def to_json(self) -> Json:
        """As it stands in `RunSetup.day`."""
        return payload(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Json]) -> Day:
        """The inverse. Raises ValueError for another shape."""
        return cls(**checked(cls, values, "day"))
