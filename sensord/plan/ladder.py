"""The ladder of a plan: when she may run, what a stage asks for, what leads to the next one and what back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from sensord.plan.quantity import Extent, LengthOrDuration, LengthOrShare, Period
from sensord.plan.section import Section, refusal
from sensord.plan.texts import Conditions, Do, Id, Level, SourceOfOne, StageId, Weekday, Words

Surface = Annotated[str, Field(min_length=1, max_length=40)]
"""Ground, or a sort of running such as hills or speed, in the clinic's own words."""


def rising(values: Sequence[float], key: str) -> None:
    """Refuses `[10, 5]` for a from-to."""
    if list(values) != sorted(values):
        raise refusal("from, to: the lower one first", key=key)


def different(values: Sequence[str], key: str) -> None:
    """Refuses a name that is given twice."""
    if len(set(values)) != len(values):
        raise refusal("each of them once", key=key)


class CrossTraining(Section):
    """What she may do besides running."""

    allowed: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=40)]],
        Field(min_length=1, max_length=20, description="Kinds, such as bike, pool, elliptical."),
    ]
    on: Annotated[str | None, Field(max_length=100, description="When, in words.")] = None
    minutes: Annotated[
        list[Annotated[int, Field(ge=1, le=600)]] | None, Field(min_length=2, max_length=2, description="From, to.")
    ] = None
    max_rpe: Annotated[float | None, Field(ge=0, le=10, description="Effort on 0 to 10, at most.")] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        different(self.allowed, "allowed")
        rising(self.minutes or (), "minutes")
        return self


class Schedule(Section):
    """How often she may run, and where."""

    min_gap: Annotated[Period | None, Field(description="From the end of a run to the start of the next.")] = None
    max_sessions_7d: Annotated[int | None, Field(ge=1, le=14, description="Runs in any 7 days.")] = None
    max_stage_steps_7d: Annotated[int | None, Field(ge=1, le=14, description="Stages climbed in any 7 days.")] = None
    max_consecutive_days: Annotated[
        int | None, Field(ge=1, le=7, description="Days in a row with a run; 1: every other day at most.")
    ] = None
    surface: Annotated[list[Surface] | None, Field(min_length=1, max_length=20, description="Where she may run.")] = (
        None
    )
    no: Annotated[list[Surface], Field(max_length=20, description="Not yet, until a stage allows it.")] = Field(
        default_factory=list
    )
    cross_training: CrossTraining | None = None
    hint: Annotated[Words | None, Field(description="Advice in words, shown with what is allowed today.")] = None
    source: SourceOfOne = None


class Advance(Section):
    """What makes a run a success, and how many lead to the next stage. A stage may say otherwise for itself."""

    successes: Annotated[int, Field(ge=1, le=20, description="Successful runs in the stage.")] = 1
    consecutive: Annotated[bool, Field(description="One after the other.")] = False
    min_days: Annotated[int | None, Field(ge=1, le=120, description="Days in the stage at least.")] = None
    complete_pct: Annotated[float, Field(gt=0, le=100, description="Share of the workout that was done.")] = 100.0
    when: Annotated[Conditions, Field(max_length=20, description="All must be true.")] = Field(default_factory=list)
    source: SourceOfOne = None


class StageAdvance(Section):
    """What a stage says otherwise than `advance`."""

    successes: Annotated[int | None, Field(ge=1, le=20)] = None
    consecutive: bool | None = None
    min_days: Annotated[int | None, Field(ge=1, le=120)] = None
    complete_pct: Annotated[float | None, Field(gt=0, le=100)] = None
    when: Annotated[Conditions | None, Field(max_length=20)] = None


class Session(Section):
    """One workout of a stage."""

    do: Annotated[Do, Field(description='The workout, e.g. "10x(walk 0.1mi, run 0.1mi)".')]
    days: Annotated[list[Weekday] | None, Field(min_length=1, max_length=7, description="On these days only.")] = None
    success_reps: Annotated[int | None, Field(ge=1, le=100, description="Runs that make it a success.")] = None
    repeats: Annotated[int | None, Field(ge=1, le=100, description='How often, where the workout says "?".')] = None
    when_day: Annotated[int | None, Field(ge=1, le=14, description="On this run of the stage (1: the first).")] = None
    total: Annotated[LengthOrDuration | None, Field(description="What its source says it adds up to; checked.")] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        different(self.days or (), "days")
        return self


class Increment(Section):
    """Each success adds so much."""

    start: Annotated[LengthOrDuration, Field(description="Length or duration of the first run.")]
    by: Annotated[LengthOrDuration, Field(description="What a success adds.")]
    until: Annotated[LengthOrDuration | None, Field(description="No further than this.")] = None
    pattern: Annotated[
        list[Annotated[float, Field(gt=0, le=1)]],
        Field(max_length=14, description="Shares of it, run by run: [1.0, 0.5, 0.75] is long, short, medium."),
    ] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check(self) -> Self:
        for key, other in (("by", self.by), ("until", self.until)):
            if other is not None and other.is_time is not self.start.is_time:
                raise refusal(f"a {'duration' if self.start.is_time else 'length'}, as start is", key=key)
        if self.until is not None and self.until.value < self.start.value:
            raise refusal("not less than start", key="until", other="start")
        return self


class Calendar(Section):
    """Minutes of running, or a distance, day by day."""

    unit: Annotated[Literal["min", "km", "mi"], Field(description="Of the numbers in `days`.")] = "min"
    pace: Annotated[str | None, Field(max_length=40, description="In words.")] = None
    days: Annotated[
        list[Annotated[list[Annotated[float, Field(ge=0, le=1000)]], Field(min_length=7, max_length=7)]],
        Field(min_length=1, max_length=104, description="Weeks of seven days; 0: no run."),
    ]


class Unlock(Section):
    """What is allowed from a share of the volume before the injury on."""

    at_pct: Annotated[float, Field(gt=0, le=200, description="% of runner.pre_injury.weekly.")]
    allow: Annotated[list[Surface], Field(min_length=1, max_length=20, description="What is allowed from there on.")]


class Volume(Section):
    """No fixed workout: the week grows towards the volume before the injury."""

    start: Annotated[LengthOrShare, Field(description='A length, or "observed": what she ran in the 7 days before.')]
    growth_pct: Annotated[
        list[Annotated[float, Field(gt=0, le=100)]], Field(min_length=1, max_length=2, description="A week, from, to.")
    ]
    until: Annotated[LengthOrShare, Field(description='A length, or "100% pre_injury.weekly".')]
    longest: Annotated[
        LengthOrShare | None, Field(description='No run longer than this, e.g. "80% pre_injury.longest".')
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        rising(self.growth_pct, "growth_pct")
        if self.until.of == "observed":
            raise refusal('a length, or a share of what she ran before such as "100% pre_injury.weekly"', key="until")
        if self.longest is not None and self.longest.of == "observed":
            raise refusal('a length, or a share of what she ran before such as "80% pre_injury.longest"', key="longest")
        return self


SHORT: Mapping[str, Sequence[str]] = {
    "advance": tuple(StageAdvance.model_fields),
    "calendar": tuple(Calendar.model_fields),
}
"""Keys that may stand in the stage itself instead of in a block: `successes = 3` for `advance = {successes = 3}`."""


class Stage(Section):
    """One rung. Of `session`, `increment`, `calendar`, `weekly` it has the one that its kind names."""

    id: Annotated[StageId, Field(description="Name of the stage.")]
    title: Annotated[str | None, Field(max_length=200, description="What it is, for people.")] = None
    kind: Annotated[
        Literal["session", "cycle", "increment", "calendar", "volume"],
        Field(
            description="session: a workout, or one of several; cycle: several in turn; increment: longer with each "
            "success; calendar: day by day; volume: a week that grows."
        ),
    ] = "session"
    session: Annotated[
        list[Session],
        Field(max_length=20, description="Workouts: any of them, or in turn (`cycle`, `when_day`)."),
    ] = Field(default_factory=list)
    increment: Increment | None = None
    calendar: Calendar | None = None
    weekly: Volume | None = None
    unlock: Annotated[list[Unlock], Field(max_length=20)] = Field(default_factory=list)
    advance: StageAdvance = StageAdvance()
    surface: Annotated[
        list[Surface] | None, Field(min_length=1, max_length=20, description="Here instead of schedule.surface.")
    ] = None
    allow: Annotated[list[Surface], Field(max_length=20, description="Of schedule.no, what is allowed here.")] = Field(
        default_factory=list
    )

    @model_validator(mode="before")
    @classmethod
    def _in_blocks(cls, values: Any) -> Any:  # noqa: ANN401 - whatever stands there
        if isinstance(values, dict):
            for block, keys in SHORT.items():
                short = {key: values[key] for key in keys if key in values}
                if short and block not in values:
                    values = {key: value for key, value in values.items() if key not in short} | {block: short}
        return values

    @model_validator(mode="after")
    def _check(self) -> Self:
        key = {"session": "session", "cycle": "session", "volume": "weekly"}.get(self.kind, self.kind)
        if not getattr(self, key):
            raise refusal(f'the key {key}, for kind = "{self.kind}"', key=key, found="nothing")
        for other in ("session", "increment", "calendar", "weekly"):
            if other != key and getattr(self, other):
                raise refusal(f'no key {other}, for kind = "{self.kind}"', key=other)
        if self.unlock and self.kind != "volume":
            raise refusal('no key unlock, except for kind = "volume"', key="unlock")
        days = [session.when_day for session in self.session]
        if any(days) and (self.kind == "cycle" or None in days or len(set(days)) < len(days)):
            raise refusal('a day of its own for each session, and kind = "session"', key="session")
        return self


class Then(Section):
    """What a rule leads to. Of all that apply the worst counts: lowest step, longest rest, loudest alert, any hold."""

    step: Annotated[int | None, Field(ge=-10, le=0, description="0: repeat the stage; -1: one stage back.")] = None
    rest_days: Annotated[int | None, Field(ge=0, le=90, description="Days without a run.")] = None
    rest: Annotated[Literal["until pain 0 in daily life"] | None, Field(description="No run until she says so.")] = None
    end_session: Annotated[bool, Field(description="The run is over.")] = False
    hold: Annotated[Literal["therapist"] | None, Field(description="Nothing until the therapist has decided.")] = None
    alert: Annotated[Level | None, Field(description="How loud.")] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.model_dump(exclude_defaults=True):
            raise refusal("one of step, rest_days, rest, end_session, hold, alert", found="nothing", key="step")
        return self


class Rule(Section):
    """When all of `when` is true, `then` follows."""

    id: Annotated[Id, Field(description="Name of the rule; decisions and alerts name it.")]
    when: Annotated[Conditions, Field(min_length=1, max_length=20, description="All must be true.")]
    within: Annotated[
        Period | None, Field(description="A second time within this: counts only when it was true before, too.")
    ] = None
    then: Then
    text: Annotated[Words | None, Field(description="What she is told besides, in the clinic's words.")] = None
    source: SourceOfOne = None


class Recovery(Section):
    """How long she waits after a run of this kind. The longest of all that apply counts."""

    id: Annotated[Id, Field(description="Name of the class.")]
    when: Annotated[Conditions, Field(min_length=1, max_length=20, description="All must be true.")]
    min_gap: Annotated[Period, Field(description="From the end of that run to the start of the next.")]
    source: SourceOfOne = None


class PlacementStep(Section):
    """Up to here (None: whatever is beyond the others) she begins at this stage."""

    below: Annotated[LengthOrDuration | None, Field(description="Less than this in the test; none: more.")] = None
    stage: Annotated[StageId, Field(description="She begins here.")]


class Placement(Section):
    """A test that says at which stage she begins."""

    test: Annotated[Words, Field(description="What she does, in words.")]
    stop_when: Annotated[Words | None, Field(description="When the test ends, in words.")] = None
    map: Annotated[list[PlacementStep], Field(min_length=1, max_length=100, description="Rising results.")]
    source: SourceOfOne = None

    def stage_for(self, result: Extent) -> str | None:
        """Where she begins; None: a result of the other kind, or beyond the last `below`."""
        for step in self.map:
            if step.below is None:
                return step.stage
            if step.below.is_time is not result.is_time:
                return None
            if result.value < step.below.value:
                return step.stage
        return None

    @model_validator(mode="after")
    def _check(self) -> Self:
        ends = [step.below for step in self.map]
        known = [end for end in ends if end is not None]
        if None in ends[:-1]:
            raise refusal("the key below in all but the last", key="map")
        if len({end.is_time for end in known}) > 1:
            raise refusal("below as a length everywhere, or as a duration everywhere", key="map")
        values = [end.value for end in known]
        if any(later <= one for one, later in pairwise(values)):
            raise refusal("rising values of below", key="map")
        return self
