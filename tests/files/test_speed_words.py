"""Speeds as people write them."""

from __future__ import annotations

import pytest

from sensord.errors import InputError
from sensord.files.speed_words import parse_grade_pct, parse_speed_mps


@pytest.mark.parametrize(
    ("text", "speed_mps"),
    [
        ("10.8km/h", 3.0),
        ("10.8 kmh", 3.0),
        ("2.9m/s", 2.9),
        ("6.5mph", 2.90576),
        ("5:00/km", 3.33333),
        (" 8:00 /mi", 3.3528),
    ],
)
def test_speeds_and_paces(text: str, speed_mps: float) -> None:
    assert parse_speed_mps(text) == pytest.approx(speed_mps, abs=1e-5)


@pytest.mark.parametrize(("text", "grade_pct"), [("", None), ("1.5", 1.5), (" -3 ", -3.0), ("0", 0.0)])
def test_slopes(text: str, grade_pct: float | None) -> None:
    assert parse_grade_pct(text) == grade_pct


@pytest.mark.parametrize("text", ["steep", "nan", "inf", "46", "-90"])
def test_what_is_no_slope_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_grade_pct(text)


def test_off_is_no_speed() -> None:
    assert parse_speed_mps("off") is None


@pytest.mark.parametrize(
    "text", ["", "10", "10km", "fast", "0km/h", "0:00/km", "99km/h", "5:60/km", "-3m/s", "1e1m/s", "nan km/h"]
)
def test_what_is_no_speed_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_speed_mps(text)
