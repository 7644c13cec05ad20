"""What a plan holds besides ladder and limits: readiness, questions, exercises, the clinic's findings, alerts."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from sensord.plan.ladder import different
from sensord.plan.quantity import Duration, Length, Period
from sensord.plan.section import Section, refusal
from sensord.plan.texts import Id, Question, SourceOfOne, StageId, TimeOfDay, Weekday, Words


class PreInjury(Section):
    """What she ran before."""

    weekly: Annotated[Length | None, Field(description="A usual week.")] = None
    longest: Annotated[Length | None, Field(description="Her longest run.")] = None
    cadence_spm: Annotated[float | None, Field(ge=100, le=240, description="Her usual cadence, steps/min.")] = None


# ------------------------------------------------------------------------------------------ readiness


class _Item(Section):
    id: Annotated[Id, Field(description="Name of the item.")]
    text: Annotated[Words | None, Field(description="What is asked, in the clinic's words.")] = None
    source: SourceOfOne = None


class WalkItem(_Item):
    """Walking so long."""

    kind: Literal["walk"]
    min: Annotated[Duration, Field(description="So long.")]
    max_pain: Annotated[float, Field(ge=0, le=10, description="Pain meanwhile, at most.")] = 0.0
    gait: Annotated[Literal["normal"] | None, Field(description="Without a limp.")] = None


class _Exercise(_Item):
    what: Annotated[Words, Field(description="What is done.")]
    each_side: Annotated[bool, Field(description="With each leg.")] = False
    tempo_bpm: Annotated[float | None, Field(gt=0, le=300, description="Beats a minute.")] = None
    max_pain: Annotated[float | None, Field(ge=0, le=10, description="Pain meanwhile, at most.")] = None


class RepsItem(_Exercise):
    """So many repetitions."""

    kind: Literal["reps"]
    min: Annotated[int, Field(ge=1, le=2000, description="So many.")]


class HoldItem(_Exercise):
    """Held, or kept up, for so long."""

    kind: Literal["hold_time"]
    min: Annotated[Duration, Field(description="So long.")]


class LsiItem(_Item):
    """Injured side against the other, in percent: 100 * injured / other."""

    kind: Literal["lsi"]
    what: Annotated[Words, Field(description="What is measured on both sides, as in evaluation.test.")]
    min_pct: Annotated[float, Field(gt=0, le=150, description="At least so many %.")]


class NrsItem(_Item):
    """Pain on 0 to 10, at most."""

    kind: Literal["nrs"]
    what: Annotated[Words | None, Field(description="Which pain.")] = None
    max: Annotated[float, Field(ge=0, le=10, description="At most.")]
    strictly_below: Annotated[bool, Field(description="Less than `max`, not equal.")] = False


class GradeItem(_Item):
    """A grade on a scale, at most."""

    kind: Literal["grade"]
    what: Annotated[Words | None, Field(description="What is graded.")] = None
    scale: Annotated[list[Words], Field(min_length=2, max_length=20, description="Its words, the lowest first.")]
    max: Annotated[str, Field(description="One of `scale`, at most.")]

    @model_validator(mode="after")
    def _check(self) -> Self:
        different(self.scale, "scale")
        if self.max not in self.scale:
            raise refusal("one of: " + ", ".join(self.scale), key="max")
        return self


class WeeksItem(_Item):
    """Weeks since a date of the plan."""

    kind: Literal["weeks_since"]
    ref: Annotated[Literal["surgery_date", "injury_date"], Field(description="The date, a key of [runner].")]
    min: Annotated[float, Field(gt=0, le=520, description="At least so many weeks.")]


class PainFreeItem(_Item):
    """Days in a row without pain."""

    kind: Literal["pain_free_days"]
    min: Annotated[int, Field(ge=1, le=365, description="At least so many days.")]


class ScoreItem(_Item):
    """A score, at least or at most."""

    kind: Literal["score"]
    what: Annotated[Words, Field(description="Which score.")]
    min: Annotated[float | None, Field(description="At least.")] = None
    max: Annotated[float | None, Field(description="At most.")] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.min is None and self.max is None:
            raise refusal("min, max or both", key="min", found="nothing")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise refusal("at most max", key="min", other="max")
        return self


class ClinicianItem(_Item):
    """What only a clinician can tick."""

    kind: Literal["clinician"]
    text: Annotated[Words, Field(description="What is ticked.")]


ReadinessItem = Annotated[
    WalkItem
    | RepsItem
    | HoldItem
    | LsiItem
    | NrsItem
    | GradeItem
    | WeeksItem
    | PainFreeItem
    | ScoreItem
    | ClinicianItem,
    Field(discriminator="kind"),
]


def _need(value: object) -> Any:  # noqa: ANN401 - "all", "any" or a count
    if value in ("all", "any") or (type(value) is int and value > 0):
        return value
    raise refusal('"all", "any", or a number of items')


class Readiness(Section):
    """What must be so before the first stage. An item without an answer has not passed."""

    need: Annotated[
        Literal["all", "any"] | int,
        PlainValidator(_need),
        WithJsonSchema({"anyOf": [{"enum": ["all", "any"]}, {"type": "integer", "minimum": 1}]}),
        Field(description="all, any, or how many of the items."),
    ] = "all"
    retest_after: Annotated[Period | None, Field(description="What did not pass is asked again after this.")] = None
    item: Annotated[list[ReadinessItem], Field(min_length=1, max_length=50, description="What is checked.")]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if isinstance(self.need, int) and self.need > len(self.item):
            raise refusal(f"at most {len(self.item)}, for there are so many items", key="need")
        return self


# ------------------------------------------------------------------------------------------ questions and exercises


Moment = Literal["before", "during", "after", "after_60min", "next_morning", "daily"]


class Ask(Section):
    """When she is asked what."""

    when: Annotated[Moment, Field(description="About each run, but for daily.")]
    fields: Annotated[
        list[Question], Field(min_length=1, max_length=20, description="What is asked, by the names of conditions.")
    ]
    at: Annotated[TimeOfDay | None, Field(description="Local time, for next_morning and daily.")] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        different(self.fields, "fields")
        if self.at is not None and self.when not in ("next_morning", "daily"):
            raise refusal('no key at, except for when = "next_morning" and "daily"', key="at")
        for name in self.fields:
            moments = _MOMENTS.get(name, (self.when,))
            if self.when not in moments:
                raise refusal(f"{name} only where when is " + " or ".join(moments), key="fields")
        return self


_MOMENTS = {
    "pain.before": ("before",),
    "pain.during": ("during", "after"),
    "pain.after": ("after",),
    "pain.after_60min": ("after_60min",),
    "pain.next_morning": ("next_morning",),
    "pain.daily": ("daily",),
}
"""Questions that name the time which they are about."""


class Exercise(Section):
    """What she does besides running; it is logged, and nothing follows from it."""

    id: Annotated[Id, Field(description="Name of the exercise.")]
    name: Annotated[Words, Field(description="What it is, for people.")]
    kind: Annotated[
        Literal["strength", "mobility", "flexibility", "balance", "other"], Field(description="What sort.")
    ] = "strength"
    sets: Annotated[int | None, Field(ge=1, le=20, description="How many sets.")] = None
    reps: Annotated[int | None, Field(ge=1, le=200, description="Repetitions a set.")] = None
    hold: Annotated[Duration | None, Field(description="How long each is held.")] = None
    load: Annotated[str | None, Field(max_length=60, description="In words.")] = None
    days: Annotated[list[Weekday], Field(min_length=1, max_length=7, description="On these days.")]
    side: Annotated[Literal["left", "right", "both"], Field(description="With which leg.")] = "both"
    from_stage: Annotated[StageId | None, Field(description="From this stage on.")] = None
    source: SourceOfOne = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        different(self.days, "days")
        return self


# ------------------------------------------------------------------------------------------ the clinic's findings


class Finding(Section):
    """One test of the clinic."""

    what: Annotated[Words, Field(description="What was tested.")]
    value: Annotated[float, Field(description="What was found.")]
    unit: Annotated[str, Field(max_length=20, description="Its unit.")] = ""
    side: Annotated[Literal["left", "right"] | None, Field(description="Of which leg.")] = None
    date: Annotated[date, Field(description="When.")]


class GaitVideo(Section):
    """A gait analysis: a run to compare with, a link to the clinic's video."""

    date: Annotated[date, Field(description="When.")]
    run: Annotated[
        str | None, Field(min_length=1, max_length=64, description="The run, by the name that `sensord runs` shows.")
    ] = None
    video: Annotated[
        str | None, Field(pattern=r"^https://", max_length=300, description="Where the clinic keeps the video.")
    ] = None
    text: Annotated[Words | None, Field(description="What was seen.")] = None


class Evaluation(Section):
    """What the clinic found at the beginning. No names, no identity."""

    date: Annotated[date, Field(description="When.")]
    history: Annotated[list[Words], Field(max_length=50, description="Earlier injuries and the like.")] = Field(
        default_factory=list
    )
    goals: Annotated[list[Words], Field(max_length=20, description="What she wants to do again.")] = Field(
        default_factory=list
    )
    test: Annotated[list[Finding], Field(max_length=200, description="Tests, with side, value and date.")] = Field(
        default_factory=list
    )
    gait: Annotated[list[GaitVideo], Field(max_length=50, description="Gait analyses.")] = Field(default_factory=list)


class Note(Section):
    """A dated note of the clinic: manual therapy and the like. It stands on the time axis; nothing follows from it."""

    date: Annotated[date, Field(description="When.")]
    kind: Annotated[
        Literal["manual_therapy", "cross_training", "strength", "flexibility", "visit", "other"],
        Field(description="What it is about."),
    ] = "other"
    text: Annotated[Words, Field(description="What was done.")]


# ------------------------------------------------------------------------------------------ alerts


class AlertLevel(Section):
    """Who is told, besides the runner, and how often again."""

    who: Annotated[
        list[Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$", description="A name: a-z, 0-9, - or _.")]],
        Field(max_length=20, description="Names of [people] in the settings."),
    ] = Field(default_factory=list)
    repeat: Annotated[Duration | None, Field(description="Again after this while it lasts.")] = None
    retain: Annotated[bool, Field(description="The MQTT message is kept for who comes later.")] = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        different(self.who, "who")
        return self


class Alerts(Section):
    """What happens on each level."""

    info: AlertLevel | None = None
    warn: AlertLevel | None = None
    stop: AlertLevel | None = None
    urgent: AlertLevel | None = None
    contact: Annotated[
        str | None, Field(min_length=1, max_length=300, description="The clinic's own words: whom she calls.")
    ] = None
    quiet: Annotated[
        list[TimeOfDay] | None,
        Field(min_length=2, max_length=2, description="Local hours in which info is kept back: from, to."),
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.quiet is not None and self.quiet[0] == self.quiet[1]:
            raise refusal("two different times of day", key="quiet")
        return self
