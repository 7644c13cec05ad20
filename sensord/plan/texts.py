"""Texts of a plan file that have a grammar of their own, checked when the file is read: workouts, conditions, the
names of questions, times of day, time zones."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

from sensord.plan.section import refusal
from sensord.plan.when import FIELDS, Condition, ConditionError, Op, field_of, parse_condition
from sensord.plan.workout import MAX_CHARACTERS, Workout, WorkoutError, parse_workout, render

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

Level = Literal["info", "warn", "stop", "urgent"]
"""How loud, quietest first."""

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="1 to 64 letters, digits, ., - or _.")]
StageId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,32}$", description="1 to 32 letters, digits, ., - or _.")]
Words = Annotated[str, Field(min_length=1, max_length=300)]
"""Words for people. Nothing is read out of them."""

SourceOfOne = Annotated[str | None, Field(min_length=1, max_length=200, description='Where it comes from, or "local".')]
"""Where one rule, item or limit comes from."""

_EXAMPLE_DO = 'a workout such as "5x(walk 4min, run 1min)"'
_EXAMPLE_WHEN = 'a condition such as "pain.during >= 1"'


def _workout(value: object) -> Workout:
    if not isinstance(value, str):
        raise refusal(_EXAMPLE_DO)
    try:
        return parse_workout(value)
    except WorkoutError as error:
        raise refusal(error.expected, found=f"{error.found} at character {error.at} of the workout") from None


def _condition(value: object) -> Condition:
    if not isinstance(value, str):
        raise refusal(_EXAMPLE_WHEN)
    try:
        return parse_condition(value)
    except ConditionError as error:
        raise refusal(error.expected, found=error.found) from None


def _text(condition: Condition) -> str:
    return condition.text


def _question(value: object) -> str:
    field = field_of(value) if isinstance(value, str) else None
    if field is None or not field.asked:
        asked = ", ".join(name for name, known in FIELDS.items() if known.asked)
        raise refusal(f"one of: {asked}, symptom.NAME")
    return field.name


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise refusal('a time zone by its IANA name, such as "Europe/Berlin"') from None
    return value


_SCHEMA_DO = {
    "type": "string",
    "maxLength": MAX_CHARACTERS,
    "pattern": r"^[0-9a-zA-Z?(),.:/%@| \t\r\n-]+$",
    "examples": [
        "10x(walk 0.1mi, run 0.1mi)",
        "walk 5min @warmup, 3-6x(run 1min, walk 90s)",
        "until 2mi (walk 0.1mi, run 0.3mi)",
        "?x(walk 3min, run 1min)",
        "2x(run 8-10min|1mi @talk1-2, walk 2min)",
    ],
    "description": "Items with commas between: walk, run or rest with an amount, perhaps @ how; N x, N-M x or ? x and "
    "items in brackets; until or for an amount and items in brackets.",
}

Do = Annotated[Workout, PlainValidator(_workout), PlainSerializer(render), WithJsonSchema(_SCHEMA_DO)]
"""A workout, as text in the file."""

_SCHEMA_WHEN = {
    "type": "string",
    "maxLength": 200,
    "pattern": rf"^\s*[a-z][a-z0-9_.]*\s*({'|'.join(Op)})\s*\S.*$",
    "examples": ["pain.during >= 1", "soreness.warmup == 'returns'", "night_pain == true", "pain.after == missing"],
    "description": "A field, one of " + " ".join(Op) + ", and a number, true, false, a 'word' or missing. Fields: "
    f"{', '.join(FIELDS)}, symptom.NAME.",
}

OneCondition = Annotated[Condition, PlainValidator(_condition), PlainSerializer(_text), WithJsonSchema(_SCHEMA_WHEN)]

Conditions = list[OneCondition]
"""Conditions, each as text in the file."""

_SCHEMA_QUESTION = {
    "type": "string",
    "anyOf": [
        {"enum": [name for name, field in FIELDS.items() if field.asked]},
        {"pattern": r"^symptom\.[a-z][a-z0-9_]{0,39}$"},
        {"const": "limp"},
    ],
}

Question = Annotated[str, PlainValidator(_question), WithJsonSchema(_SCHEMA_QUESTION)]
"""What is asked, by the name of its field, once read; see plan/fields."""

TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description='Local time, "07:00".')]

TimeZone = Annotated[str, Field(max_length=64), AfterValidator(_time_zone)]
"""An IANA name."""
