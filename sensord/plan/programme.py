"""What a plan holds besides ladder and limits: readiness, questions, exercises, the clinic's findings, alerts."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sensord.plan.quantity import Duration, Length
from sensord.plan.section import Section, refusal
from sensord.plan.texts import Weekday

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="Its name.")]
Words = Annotated[str, Field(min_length=1, max_length=300)]


class PreInjury(Section):
    """What she ran before."""

    weekly: Annotated[Length | None, Field(description="A usual week.")] = None
    longest: Annotated[Length | None, Field(description="Her longest run.")] = None
    cadence_spm: Annotated[float | None, Field(ge=100, le=240)] = None


# ------------------------------------------------------------------------------------------ readiness


class _Item(Section):
    id: Id
    text: Annotated[Words | None, Field(description="What is asked, in the clinic's words.")] = None
    source: Annotated[str | None, Field(max_length=200, description='Where it comes from, or "local".')] = None


class WalkItem(_Item):
    """Walking so long."""

    kind: Literal["walk"]
    min: Duration
    max_pain: Annotated[float, Field(ge=0, le=10)] = 0.0
    gait: Literal["normal"] | None = None


class RepsItem(_Item):
    """So many repetitions."""

    kind: Literal["reps"]
    what: Words
    each_side: bool = False
    min: Annotated[int, Field(ge=1, le=2000)]
    tempo_bpm: Annotated[float | None, Field(gt=0, le=300)] = None
    max_pain: Annotated[float | None, Field(ge=0, le=10)] = None


class HoldItem(_Item):
    """Held, or kept up, for so long."""

    kind: Literal["hold_time"]
    what: Words
    each_side: bool = False
    min: Duration
    tempo_bpm: Annotated[float | None, Field(gt=0, le=300)] = None
    max_pain: Annotated[float | None, Field(ge=0, le=10)] = None


class LsiItem(_Item):
    """Injured side against the other, in percent: 100 * injured / other."""

    kind: Literal["lsi"]
    what: Words
    min_pct: Annotated[float, Field(gt=0, le=150)]


class NrsItem(_Item):
    """Pain on 0 to 10, at most."""

    kind: Literal["nrs"]
    what: Words | None = None
    max: Annotated[float, Field(ge=0, le=10)]
    strictly_below: bool = False


class GradeItem(_Item):
    """A grade on a scale, at most."""

    kind: Literal["grade"]
    what: Words | None = None
    scale: Annotated[list[Words], Field(min_length=2)]
    max: str

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.max not in self.scale:
            raise refusal("one of: " + ", ".join(self.scale), key="max")
        return self


class WeeksItem(_Item):
    """Weeks since a date of the plan."""

    kind: Literal["weeks_since"]
    ref: Literal["surgery_date", "injury_date"]
    min: Annotated[float, Field(gt=0, le=520)]


class PainFreeItem(_Item):
    """Days in a row without pain."""

    kind: Literal["pain_free_days"]
    min: Annotated[int, Field(ge=1, le=365)]


class ScoreItem(_Item):
    """A score, at least or at most."""

    kind: Literal["score"]
    what: Words
    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.min is None and self.max is None:
            raise refusal("min, max or both", key="min", found="nothing")
        return self


class ClinicianItem(_Item):
    """What only a clinician can tick."""

    kind: Literal["clinician"]
    text: Words


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


class Readiness(Section):
    """What must be so before the first stage. An item without an answer has not passed."""

    need: Annotated[Literal["all", "any"] | int, Field(description="all, any, or how many of the items.")] = "all"
    retest_after: Annotated[Duration | None, Field(description="What did not pass is asked again after this.")] = None
    item: Annotated[list[ReadinessItem], Field(min_length=1)]


# ------------------------------------------------------------------------------------------ questions and exercises


class Ask(Section):
    """When she is asked what."""

    when: Literal["before", "during", "after", "after_60min", "next_morning", "daily"]
    fields: Annotated[list[Annotated[str, Field(max_length=64)]], Field(min_length=1, description="See `when`.")]
    at: Annotated[str | None, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="Local time of day.")] = (
        None
    )


class Exercise(Section):
    """What she does besides running; it is logged, and nothing follows from it."""

    id: Id
    name: Words
    kind: Literal["strength", "mobility", "flexibility", "balance", "other"] = "strength"
    sets: Annotated[int | None, Field(ge=1, le=20)] = None
    reps: Annotated[int | None, Field(ge=1, le=200)] = None
    hold: Duration | None = None
    load: Annotated[str | None, Field(max_length=60, description="In words.")] = None
    days: Annotated[list[Weekday], Field(min_length=1, max_length=7)]
    side: Literal["left", "right", "both"] = "both"
    from_stage: Annotated[str | None, Field(description="From this stage on.")] = None


# ------------------------------------------------------------------------------------------ the clinic's findings


class Finding(Section):
    """One test of the clinic."""

    what: Words
    value: float
    unit: Annotated[str, Field(max_length=20)] = ""
    side: Literal["left", "right"] | None = None
    date: date


class GaitVideo(Section):
    """A gait analysis: a run to compare with, a link to the clinic's video."""

    date: date
    run: Annotated[str | None, Field(max_length=64, description="The run, by the name that `sensord runs` shows.")] = (
        None
    )
    video: Annotated[str | None, Field(pattern=r"^https://", max_length=300)] = None
    text: Words | None = None


class Evaluation(Section):
    """What the clinic found at the beginning. No names, no identity."""

    date: date
    history: list[Words] = Field(default_factory=list)
    goals: list[Words] = Field(default_factory=list)
    test: list[Finding] = Field(default_factory=list)
    gait: list[GaitVideo] = Field(default_factory=list)


class Note(Section):
    """A dated note of the clinic: manual therapy and the like. It stands on the time axis; nothing follows from it."""

    date: date
    kind: Literal["manual_therapy", "cross_training", "strength", "flexibility", "visit", "other"] = "other"
    text: Words


# ------------------------------------------------------------------------------------------ alerts


class AlertLevel(Section):
    """Who is told, besides the runner, and how often again."""

    who: Annotated[
        list[Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$")]],
        Field(description="Names of [people] in the settings."),
    ] = Field(default_factory=list)
    repeat: Annotated[Duration | None, Field(description="Again after this while it lasts.")] = None
    retain: Annotated[bool, Field(description="The MQTT message is kept for who comes later.")] = False


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
        list[Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]] | None,
        Field(min_length=2, max_length=2, description="Local hours in which info is kept back: from, to."),
    ] = None
