"""Lengths and durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from sensord.plan.quantity import DURATION_UNITS_S, LENGTH_UNITS_M, parse_duration_s, parse_length_m


@pytest.mark.parametrize(
    ("text", "metres"),
    [("4.5km", 4500.0), ("400m", 400.0), ("1mi", 1609.344), ("0.1mi", 160.9344), ("500yd", 457.2), ("2 km", 2000.0)],
)
def test_lengths(text: str, metres: float) -> None:
    assert parse_length_m(text) == pytest.approx(metres, rel=1e-12)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90.0), ("18min", 1080.0), ("1.5h", 5400.0)])
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (5, "5 without a unit"),
        (5.5, "5.5 without a unit"),
        ("5kg", '"5kg" with the unknown unit kg'),
        ("5min", '"5min", a duration'),
        ("5KM", '"5KM" with the unknown unit KM'),
        ("km", None),
        ("-5km", None),
        ("0km", None),
        ("5km 3m", None),
        ("١km", None),
        ("", None),
        (True, None),
        (None, None),
        (["5km"], None),
    ],
)
def test_what_is_not_a_length_says_what_was_found(value: object, found: str | None) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        parse_length_m(value)
    assert caught.value.context is not None
    assert caught.value.context["found"] == found
    assert "km" in caught.value.context["expected"]


def test_a_length_is_no_duration() -> None:
    with pytest.raises(PydanticCustomError) as caught:
        parse_duration_s("5km")
    assert caught.value.context is not None
    assert caught.value.context["found"] == '"5km", a length'


@given(st.integers(1, 10**6), st.sampled_from([*LENGTH_UNITS_M]), st.sampled_from([*DURATION_UNITS_S]))
def test_whole_numbers_of_any_unit(number: int, length: str, duration: str) -> None:
    assert parse_length_m(f"{number}{length}") == number * LENGTH_UNITS_M[length]
    assert parse_duration_s(f"{number}{duration}") == number * DURATION_UNITS_S[duration]
