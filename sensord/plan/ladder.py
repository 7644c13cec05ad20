"""The ladder of a plan: when she may run, what a stage asks for, what leads to the next one and what back."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sensord.plan.quantity import Duration, Length
from sensord.plan.section import Section, refusal
from sensord.plan.texts import Conditions, Do, Weekday

Surface = Annotated[str, Field(min_length=1, max_length=40)]


class CrossTraining(Section):
    """What she may do besides running."""

    allowed: Annotated[list[Annotated[str, Field(min_length=1, max_length=40)]], Field(min_length=1)]
    on: Annotated[str | None, Field(max_length=100, description="When, in words.")] = None
    minutes: Annotated[list[int] | None, Field(min_length=2, max_length=2, description="From, to.")] = None
    max_rpe: Annotated[float | None, Field(ge=0, le=10, description="Effort on 0 to 10, at most.")] = None


class Schedule(Section):
    """How often she may run, and where."""

    min_gap: Annotated[Duration | None, Field(description="From the end of a run to the start of the next.")] = None
    max_sessions_7d: Annotated[int | None, Field(ge=1, le=14, description="Runs in any 7 days.")] = None
    max_stage_steps_7d: Annotated[int | None, Field(ge=1, le=14, description="Stages climbed in any 7 days.")] = None
    max_consecutive_days: Annotated[int | None, Field(ge=1, le=7, description="Days in a row with a run.")] = None
    surface: Annotated[list[Surface] | None, Field(min_length=1, description="Where she may run.")] = None
    no: Annotated[list[Surface], Field(description="Not yet, until a stage allows it.")] = Field(default_factory=list)
    cross_training: CrossTraining | None = None


class Advance(Section):
    """What makes a run a success, and how many lead to the next stage. A stage may say otherwise for itself."""

    successes: Annotated[int, Field(ge=1, le=20, description="Successful runs in the stage.")] = 1
    consecutive: Annotated[bool, Field(description="One after the other.")] = False
    min_days: Annotated[int | None, Field(ge=1, le=120, description="Days in the stage at least.")] = None
    complete_pct: Annotated[float, Field(gt=0, le=100, description="Share of the workout that was done.")] = 100.0
    when: Annotated[Conditions, Field(description="All must be true.")] = Field(default_factory=list)


class StageAdvance(Section):
    """What a stage says otherwise than `advance`."""

    successes: Annotated[int | None, Field(ge=1, le=20)] = None
    consecutive: bool | None = None
    min_days: Annotated[int | None, Field(ge=1, le=120)] = None
    complete_pct: Annotated[float | None, Field(gt=0, le=100)] = None
    when: Conditions | None = None


class Session(Section):
    """One workout of a stage."""

    do: Annotated[Do, Field(description='The workout, e.g. "10x(walk 0.1mi, run 0.1mi)".')]
    days: Annotated[list[Weekday] | None, Field(description="On these days only.")] = None
    success_reps: Annotated[int | None, Field(ge=1, le=100, description="Runs that make it a success.")] = None
    repeats: Annotated[int | None, Field(ge=1, le=100, description='How often, where the workout says "?".')] = None
    when_day: Annotated[int | None, Field(ge=1, le=14, description="On this run of the stage (1: the first).")] = None
    total: Annotated[str | None, Field(description="What its source says it adds up to; checked.")] = None


class Increment(Section):
    """Each success adds so much."""

    start: Annotated[Length | Duration | str, Field(description="Length or duration of the first run.")]
    by: Annotated[str, Field(description="What a success adds.")]
    until: Annotated[str | None, Field(description="No further than this.")] = None
    pattern: Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(description="Shares, run by run.")] = Field(
        default_factory=list
    )


class Calendar(Section):
    """Minutes of running, or metres, day by day."""

    unit: Literal["min", "km", "mi"] = "min"
    pace: Annotated[str | None, Field(max_length=40, description="In words.")] = None
    days: Annotated[
        list[Annotated[list[Annotated[float, Field(ge=0, le=1000)]], Field(min_length=7, max_length=7)]],
        Field(min_length=1, max_length=104, description="Weeks of seven days; 0: no run."),
    ]


class Unlock(Section):
    """What is allowed from a share of the volume before the injury on."""

    at_pct: Annotated[float, Field(gt=0, le=200)]
    allow: Annotated[list[Surface], Field(min_length=1)]


class Volume(Section):
    """No fixed workout: the week grows towards the volume before the injury."""

    start: Annotated[str, Field(description='A length, or "observed": what she ran in the 7 days before.')]
    growth_pct: Annotated[
        list[Annotated[float, Field(gt=0, le=100)]], Field(min_length=1, max_length=2, description="A week, from, to.")
    ]
    until: Annotated[str, Field(description='A length, or "100% pre_injury.weekly".')]
    longest: Annotated[str | None, Field(description="No run longer than this.")] = None


class Stage(Section):
    """One rung. Of `session`, `increment`, `calendar`, `weekly` it has the one that its kind names."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,32}$", description="Name of the stage.")]
    title: Annotated[str | None, Field(max_length=200)] = None
    kind: Literal["session", "cycle", "increment", "calendar", "volume"] = "session"
    session: Annotated[
        list[Session],
        Field(description="Workouts: any of them, or in turn (`cycle`, `when_day`)."),
    ] = Field(default_factory=list)
    increment: Increment | None = None
    calendar: Calendar | None = None
    weekly: Volume | None = None
    unlock: list[Unlock] = Field(default_factory=list)
    advance: StageAdvance = StageAdvance()
    surface: Annotated[list[Surface] | None, Field(min_length=1, description="Here instead of schedule.surface.")] = (
        None
    )
    allow: Annotated[list[Surface], Field(description="Of schedule.no, what is allowed here.")] = Field(
        default_factory=list
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        key = {"session": "session", "cycle": "session", "volume": "weekly"}.get(self.kind, self.kind)
        if not getattr(self, key):
            raise refusal(f'the key {key}, for kind = "{self.kind}"', key=key, found="nothing")
        for other in {"session", "increment", "calendar", "weekly"} - {key}:
            if getattr(self, other):
                raise refusal(f'no key {other}, for kind = "{self.kind}"', key=other)
        return self


class Then(Section):
    """What a rule leads to. Of all that apply the worst counts: lowest step, longest rest, loudest alert, any hold."""

    step: Annotated[int | None, Field(ge=-10, le=0, description="0: repeat the stage; -1: one stage back.")] = None
    rest_days: Annotated[int | None, Field(ge=0, le=90, description="Days without a run.")] = None
    rest: Annotated[Literal["until pain 0 in daily life"] | None, Field(description="No run until she says so.")] = None
    end_session: Annotated[bool, Field(description="The run is over.")] = False
    hold: Annotated[Literal["therapist"] | None, Field(description="Nothing until the therapist has decided.")] = None
    alert: Annotated[Literal["info", "warn", "stop", "urgent"] | None, Field(description="How loud.")] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self == Then():
            raise refusal("one of step, rest_days, rest, end_session, hold, alert", found="nothing", key="step")
        return self


class Rule(Section):
    """When all of `when` is true, `then` follows."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    when: Annotated[Conditions, Field(min_length=1)]
    within: Annotated[
        Duration | None, Field(description="A second time within this: counts only when it was true before, too.")
    ] = None
    then: Then
    source: Annotated[str | None, Field(max_length=200, description='Where it comes from, or "local".')] = None


class Recovery(Section):
    """How long she waits after a run of this kind. The longest of all that apply counts."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    when: Annotated[Conditions, Field(min_length=1)]
    min_gap: Duration
    source: Annotated[str | None, Field(max_length=200)] = None


class PlacementStep(Section):
    """Up to here (None: whatever is beyond the others) she begins at this stage."""

    below: Annotated[str | None, Field(description="A length or a duration.")] = None
    stage: str


class Placement(Section):
    """A test that says at which stage she begins."""

    test: Annotated[str, Field(min_length=1, max_length=200, description="What she does, in words.")]
    stop_when: Annotated[str | None, Field(max_length=200, description="When the test ends, in words.")] = None
    map: Annotated[list[PlacementStep], Field(min_length=1)]
