"""Texts of a plan file that have a grammar of their own, checked when the file is read: workouts and conditions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, WithJsonSchema

from sensord.plan.section import refusal
from sensord.plan.when import Condition, ConditionError, parse_condition
from sensord.plan.workout import Workout, WorkoutError, parse_workout

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _workout(value: object) -> Workout:
    if not isinstance(value, str):
        raise refusal('a workout such as "5x(walk 4min, run 1min)"')
    try:
        return parse_workout(value)
    except WorkoutError as error:
        raise refusal(error.expected, found=f"{error.found} at character {error.at} of the workout") from None


def _condition(value: object) -> Condition:
    if not isinstance(value, str):
        raise refusal('a condition such as "pain.during >= 1"')
    try:
        return parse_condition(value)
    except ConditionError as error:
        raise refusal(error.expected, found=error.found) from None


Do = Annotated[Workout, BeforeValidator(_workout), WithJsonSchema({"type": "string", "maxLength": 500})]
"""A workout, as text in the file."""

OneCondition = Annotated[Condition, BeforeValidator(_condition), WithJsonSchema({"type": "string", "maxLength": 200})]

Conditions = list[OneCondition]
"""Conditions, each as text in the file."""
