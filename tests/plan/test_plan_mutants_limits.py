"""What no other test of the limits would have noticed: found by changing the code, one place at a time."""

from __future__ import annotations

import pytest

from sensord.plan.cadence import pace
from sensord.plan.told import clock, counted, metres


@pytest.mark.parametrize(
    ("value", "whole", "said"),
    [
        (999.0, 1000.0, ("0.99 km", "1.00 km", "0.01 km")),
        (998.9, 999.9, ("998 m", "1000 m", "2 m")),
        (7.0, 5.0, ("7 m", "5 m", "0 m")),
        (3.9, 4.0, ("3 m", "4 m", "1 m")),
    ],
)
def test_metres_are_rounded_down_and_what_is_left_is_never_less_than_nothing(
    value: float, whole: float, said: tuple[str, str, str]
) -> None:
    assert metres(value, whole) == said


def test_seconds_and_counts_never_have_less_than_nothing_left() -> None:
    assert clock(3661.9, 60.0) == ("61:01", "1:00", "0:00")
    assert clock(59.9, 60.4) == ("0:59", "1:00", "0:01")
    assert counted(7.9, 5.0) == ("7", "5", "0")
    assert counted(3.0, 5.0) == ("3", "5", "2")


def test_a_pace_has_two_figures_of_seconds() -> None:
    assert (pace(1000 / 305), pace(1000 / 300)) == ("3.28 m/s (5:05/km)", "3.33 m/s (5:00/km)")
