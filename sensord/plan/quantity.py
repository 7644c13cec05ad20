"""Lengths and durations as a therapist writes them: "4.5km", "0.1mi", "18min", "90s".

Units of `rtr-plan/1`: s, min, h; m, km, mi = 1609.344 m and yd = 0.9144 m (both exact by definition). A number without
a unit is refused: nobody should have to guess whether 5 means kilometres or minutes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

LENGTH_UNITS_M: Mapping[str, float] = {"m": 1.0, "km": 1000.0, "mi": 1609.344, "yd": 0.9144}
DURATION_UNITS_S: Mapping[str, float] = {"s": 1.0, "min": 60.0, "h": 3600.0}

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


def _parse(value: object, units: Mapping[str, float], expected: str, others: Mapping[str, float], other: str) -> float:
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
    return result


def _refusal(found: str | None, expected: str) -> PydanticCustomError:
    return PydanticCustomError("quantity", "{expected}", {"found": found, "expected": expected})


def _schema(units: Mapping[str, float], example: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^{_NUMBER} ?({'|'.join(units)})$", "examples": [example]}


Length = Annotated[float, BeforeValidator(parse_length_m), WithJsonSchema(_schema(LENGTH_UNITS_M, "4.5km"))]
"""A length of a plan file, in m once read."""

Duration = Annotated[float, BeforeValidator(parse_duration_s), WithJsonSchema(_schema(DURATION_UNITS_S, "18min"))]
"""A duration of a plan file, in s once read."""
