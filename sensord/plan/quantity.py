"""Lengths, durations and goals as a therapist writes them: "4.5km", "18min", "14d", "100% pre_injury.weekly".

Units of `rtr-plan/1`: s, min, h, and d and wk where days are meant; m, km, mi = 1609.344 m and yd = 0.9144 m (both
exact by definition). A number without a unit is refused: nobody should have to guess whether 5 means kilometres or
minutes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

LENGTH_UNITS_M: Mapping[str, float] = {"m": 1.0, "km": 1000.0, "mi": 1609.344, "yd": 0.9144}
DURATION_UNITS_S: Mapping[str, float] = {"s": 1.0, "min": 60.0, "h": 3600.0}
PERIOD_UNITS_S: Mapping[str, float] = {**DURATION_UNITS_S, "d": 86_400.0, "wk": 7 * 86_400.0}
"""A day is 24 h here, also when the clocks change."""

_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_QUANTITY = re.compile(rf"({_NUMBER}) ?([A-Za-zµ%/]+)")


def parse_length_m(value: object) -> float:
    """A length in m from text such as "4.5km"; raises a pydantic error that says what was found and what is allowed."""
    return _parse(
        value, LENGTH_UNITS_M, 'a length such as "4.5km" (units: m, km, mi, yd)', DURATION_UNITS_S, "duration"
    )


def parse_duration_s(value: object) -> float:
    """A duration in s from text such as "18min"; raises a pydantic error that says what was found and allowed."""
    return _parse(value, DURATION_UNITS_S, 'a duration such as "18min" (units: s, min, h)', LENGTH_UNITS_M, "length")


def parse_period_s(value: object) -> float:
    """A duration in s that may be counted in days or weeks, such as "14d"; raises as `parse_duration_s` does."""
    return _parse(value, PERIOD_UNITS_S, 'a duration such as "14d" (units: s, min, h, d, wk)', LENGTH_UNITS_M, "length")


@dataclass(frozen=True, slots=True)
class Extent:
    """A length or a duration: just one of the two is there. `text`: as it was written."""

    time_s: float | None = None
    distance_m: float | None = None
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.text or (f"{self.time_s:g}s" if self.is_time else f"{self.distance_m:g}m")

    @property
    def value(self) -> float:
        """In s or m."""
        return (self.time_s if self.distance_m is None else self.distance_m) or 0.0

    @property
    def is_time(self) -> bool:
        """Whether it is a duration."""
        return self.time_s is not None


def parse_extent(value: object) -> Extent:
    """A length or a duration from text such as "0.25mi" or "5min"; raises as the others do."""
    expected = 'a length or a duration such as "0.25mi" or "5min" (units: m, km, mi, yd, s, min, h)'
    number, unit = _number_and_unit(value, {**LENGTH_UNITS_M, **DURATION_UNITS_S}, expected, {}, "")
    text = str(value)
    return Extent(time_s=number, text=text) if unit in DURATION_UNITS_S else Extent(distance_m=number, text=text)


GoalOf = Literal["observed", "pre_injury.weekly", "pre_injury.longest"]
"""observed: what she ran in the 7 days before; the others stand in the plan."""

_GOAL = re.compile(rf"(?:({_NUMBER}) ?% ?(?:of )?)?(observed|pre_injury\.weekly|pre_injury\.longest)")


@dataclass(frozen=True, slots=True)
class Goal:
    """A length (`distance_m`), or a share of what she ran (`pct` of `of`). `text`: as it was written."""

    distance_m: float | None = None
    pct: float = 100.0
    of: GoalOf | None = None
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.text or (f"{self.distance_m:g}m" if self.of is None else f"{self.pct:g}% {self.of}")

    def in_m(self, known_m: Mapping[str, float | None]) -> float | None:
        """In m, when what it is a share of is known (by the names of `GoalOf`), else None."""
        if self.of is None:
            return self.distance_m
        whole_m = known_m.get(self.of)
        return None if whole_m is None else whole_m * self.pct / 100.0


def parse_goal(value: object) -> Goal:
    """A goal from text such as "20km", "observed" or "100% pre_injury.weekly"; raises as the others do."""
    match = _GOAL.fullmatch(value) if isinstance(value, str) else None
    expected = '"observed", "100% pre_injury.weekly", "80% pre_injury.longest" or a length such as "20km"'
    if match is None:
        return Goal(_parse(value, LENGTH_UNITS_M, expected, DURATION_UNITS_S, "duration"), text=str(value))
    pct = 100.0 if match[1] is None else float(match[1])
    if pct <= 0:
        raise _refusal(None, f"more than zero: {expected}")
    of: Any = match[2]
    return Goal(pct=pct, of=of, text=match[0])


def _parse(value: object, units: Mapping[str, float], expected: str, others: Mapping[str, float], other: str) -> float:
    return _number_and_unit(value, units, expected, others, other)[0]


def _number_and_unit(
    value: object, units: Mapping[str, float], expected: str, others: Mapping[str, float], other: str
) -> tuple[float, str]:
    """The number in s or m, and the unit it was written with."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise _refusal(f"{value} without a unit", expected)
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _refusal(None, expected)
    number, unit = match.groups()
    if unit not in units:
        raise _refusal(
            f'"{value}", a {other}' if unit in others else f'"{value}" with the unknown unit {unit}', expected
        )
    result = float(number) * units[unit]
    if result <= 0:
        raise _refusal(None, f"more than zero: {expected}")
    return result, unit


def _refusal(found: str | None, expected: str) -> PydanticCustomError:
    return PydanticCustomError("quantity", "{expected}", {"found": found, "expected": expected})


def _schema(units: Mapping[str, float], example: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^{_NUMBER} ?({'|'.join(units)})$", "examples": [example]}


Length = Annotated[float, BeforeValidator(parse_length_m), WithJsonSchema(_schema(LENGTH_UNITS_M, "4.5km"))]
"""A length of a plan file, in m once read."""

Duration = Annotated[float, BeforeValidator(parse_duration_s), WithJsonSchema(_schema(DURATION_UNITS_S, "18min"))]
"""A duration of a plan file, in s once read."""

Period = Annotated[float, BeforeValidator(parse_period_s), WithJsonSchema(_schema(PERIOD_UNITS_S, "14d"))]
"""A duration of a plan file that may be counted in days, in s once read."""

LengthOrDuration = Annotated[
    Extent,
    PlainValidator(parse_extent),
    PlainSerializer(str),
    WithJsonSchema(_schema({**LENGTH_UNITS_M, **DURATION_UNITS_S}, "0.25mi")),
]
"""A length or a duration of a plan file."""

LengthOrShare = Annotated[
    Goal,
    PlainValidator(parse_goal),
    PlainSerializer(str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^({_NUMBER} ?({'|'.join(LENGTH_UNITS_M)})"
            f"|({_NUMBER} ?% ?(of )?)?(observed|pre_injury\\.weekly|pre_injury\\.longest))$",
            "examples": ["100% pre_injury.weekly", "observed", "20km"],
        }
    ),
]
"""A length of a plan file, or a share of what she ran."""
