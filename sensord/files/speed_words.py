"""Speeds and paces as people write them, in m/s once read."""

from __future__ import annotations

import re

from sensord.errors import InputError, Problem

SHARE_SD = 0.015
"""A belt slows by 1-2 % under each landing (reference on gait science, section 2): its display is known to that."""

SLOWEST_MPS, FASTEST_MPS = 0.3, 10.0
"""Design choice: what treadmills offer (1 to 36 km/h)."""

STEEPEST_PCT = 45.0
"""Design choice: steeper is not run."""

_UNITS_MPS = {"km/h": 1 / 3.6, "kmh": 1 / 3.6, "m/s": 1.0, "mph": 1609.344 / 3600}
_PACES_M = {"/km": 1000.0, "/mi": 1609.344}
_SPEED = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?) ?(km/h|kmh|m/s|mph)")
_PACE = re.compile(r"([0-9]{1,2}):([0-5][0-9]) ?(/km|/mi)")


def parse_speed_mps(text: str) -> float | None:
    """Speed in m/s from "10.5km/h", "2.9m/s", "6.5mph", "5:30/km" or "8:50/mi", None for "off"; else InputError."""
    text = text.strip()
    if text == "off":
        return None
    expected = 'a speed such as "10.5km/h", "2.9m/s", "6.5mph", "5:30/km", or "off"'
    if match := _SPEED.fullmatch(text):
        speed = float(match[1]) * _UNITS_MPS[match[2]]
    elif (match := _PACE.fullmatch(text)) and int(match[1]) * 60 + int(match[2]) > 0:
        speed = _PACES_M[match[3]] / (int(match[1]) * 60 + int(match[2]))
    else:
        raise InputError(Problem("speed", "", repr(text), expected))
    if not SLOWEST_MPS <= speed <= FASTEST_MPS:
        found = f"{text} ({speed:.2f} m/s)"
        raise InputError(Problem("speed", "", found, f"{SLOWEST_MPS:g} to {FASTEST_MPS:g} m/s"))
    return speed


def parse_grade_pct(text: str) -> float | None:
    """Slope in per cent, uphill positive, from "1.5"; None from nothing. InputError: no slope."""
    if not text.strip():
        return None
    try:
        grade = float(text)
    except ValueError:
        grade = float("nan")
    if not -STEEPEST_PCT <= grade <= STEEPEST_PCT:
        raise InputError(Problem("slope", "", repr(text), f"a slope of -45 to {STEEPEST_PCT:g} %"))
    return grade
