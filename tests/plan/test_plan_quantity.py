"""Lengths and durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from sensord.plan.quantity import (
    DURATION_UNITS_S,
    LENGTH_UNITS_M,
    PERIOD_UNITS_S,
    Extent,
    Goal,
    parse_duration_s,
    parse_extent,
    parse_goal,
    parse_length_m,
    parse_period_s,
)


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


@pytest.mark.parametrize(
    ("text", "seconds"), [("14d", 1_209_600.0), ("2wk", 1_209_600.0), ("48h", 172_800.0), ("90s", 90.0)]
)
def test_periods_may_be_counted_in_days(text: str, seconds: float) -> None:
    assert parse_period_s(text) == seconds


def test_a_workout_is_not_counted_in_days() -> None:
    with pytest.raises(PydanticCustomError) as caught:
        parse_duration_s("1d")
    assert caught.value.context is not None
    assert caught.value.context["found"] == '"1d" with the unknown unit d'


def test_a_length_or_a_duration_knows_which_it_is() -> None:
    length, duration = parse_extent("0.25mi"), parse_extent("5min")
    assert (length, length.value, length.is_time, str(length)) == (
        Extent(distance_m=402.336),
        402.336,
        False,
        "0.25mi",
    )
    assert (duration, duration.value, duration.is_time, str(duration)) == (Extent(time_s=300.0), 300.0, True, "5min")
    assert (str(Extent(time_s=90.0)), str(Extent(distance_m=400.0))) == ("90s", "400m")


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("20km", Goal(distance_m=20_000.0)),
        ("observed", Goal(of="observed")),
        ("90% observed", Goal(pct=90.0, of="observed")),
        ("100% pre_injury.weekly", Goal(of="pre_injury.weekly")),
        ("80 % of pre_injury.longest", Goal(pct=80.0, of="pre_injury.longest")),
        ("pre_injury.weekly", Goal(of="pre_injury.weekly")),
    ],
)
def test_goals(text: str, goal: Goal) -> None:
    assert parse_goal(text) == goal
    assert str(parse_goal(text)) == text
    assert parse_goal(str(goal)) == goal


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("100%", '"100%" with the unknown unit %'),
        ("100% weekly", None),
        ("20min", '"20min", a duration'),
        (20, "20 without a unit"),
        ("0% observed", None),
        ("-5% observed", None),
        (None, None),
        ("", None),
    ],
)
def test_what_is_no_goal(value: object, found: str | None) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        parse_goal(value)
    assert caught.value.context is not None
    assert caught.value.context["found"] == found
    assert "pre_injury.weekly" in caught.value.context["expected"]


def test_a_share_is_known_once_the_whole_is() -> None:
    known = {"pre_injury.weekly": 40_000.0, "observed": None}
    assert parse_goal("75% pre_injury.weekly").in_m(known) == 30_000.0
    assert parse_goal("observed").in_m(known) is None
    assert parse_goal("pre_injury.longest").in_m(known) is None
    assert parse_goal("5km").in_m({}) == 5000.0


@given(st.integers(1, 10**6), st.sampled_from([*PERIOD_UNITS_S]), st.sampled_from([*LENGTH_UNITS_M]))
def test_extents_of_any_unit_are_those_of_the_other_parsers(number: int, period: str, length: str) -> None:
    assert parse_period_s(f"{number}{period}") == number * PERIOD_UNITS_S[period]
    assert parse_extent(f"{number}{length}") == Extent(distance_m=parse_length_m(f"{number}{length}"))
    if period in DURATION_UNITS_S:
        assert parse_extent(f"{number}{period}") == Extent(time_s=parse_duration_s(f"{number}{period}"))
