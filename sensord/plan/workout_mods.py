"""The words behind "@": how a segment is to be done, and how that is said to people.

easy hard modhard warmup          effort in words; warm-up
rpe3  rpe3-4                      perceived exertion, 0 to 10
talk1-2                           1 light jog, 2 jog and talk, 3 talk with difficulty (Moen 2012)
6mph  10km/h  8:30/mi  5:00-5:30/km   speed or pace
50%usual  60%hr  bw70-75          per cent of her usual pace, of maximal heart rate, of body weight carried
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

EXAMPLES = '"easy", "rpe3", "bw70-75", "6mph" or "8:30/mi"'
"""What an error shows."""

EFFORTS = {"easy": "easy", "modhard": "moderately hard", "hard": "hard"}
"""Effort in a word, as Sanford's ladder for tendons has it."""

_N = r"(?P<low>[0-9]{1,3}(?:\.[0-9]{1,2})?)(?:-(?P<high>[0-9]{1,3}(?:\.[0-9]{1,2})?))?"
_PACE = r"(?P<low>[0-9]{1,2}:[0-5][0-9])(?:-(?P<high>[0-9]{1,2}:[0-5][0-9]))?"


@dataclass(frozen=True, slots=True)
class _Sort:
    """One sort of mod. `sort`: of each only one may stand on a segment. `least`, `most`: its numbers; for a pace in
    seconds."""

    sort: str
    pattern: re.Pattern[str]
    least: float
    most: float
    words: Callable[..., str]
    pace: bool


def _sort(sort: str, pattern: str, least: float, most: float, words: str) -> _Sort:
    return _Sort(sort, re.compile(pattern), least, most, words.format, pattern.startswith(_PACE))


_SORTS = (
    _sort("exertion", f"rpe{_N}", 0.0, 10.0, "effort {0} of 10"),
    _sort("talk", f"talk{_N}", 1.0, 3.0, "talking level {0} of 3"),
    _sort("speed", f"{_N}(?P<unit>mph|km/h)", 0.5, 30.0, "at {0} {1}"),
    _sort("speed", f"{_PACE}/(?P<unit>mi|km)", 120.0, 3599.0, "at {0} min/{1}"),
    _sort("usual pace", f"{_N}%usual", 1.0, 150.0, "at {0} % of the usual pace"),
    _sort("heart rate", f"{_N}%hr", 1.0, 100.0, "at {0} % of maximal heart rate"),
    _sort("body weight", f"bw{_N}", 1.0, 100.0, "at {0} % of body weight"),
)
"""Bounds are a design choice: what a person can do; body weight and shares end at what the machine or the body has."""


def sort_of(mod: str) -> tuple[str | None, str]:
    """Its sort, and what is wrong with it or nothing. A sort of None: no such mod."""
    if mod == "warmup":
        return "warm-up", ""
    if mod in EFFORTS:
        return "effort", ""
    for sort in _SORTS:
        if match := sort.pattern.fullmatch(mod):
            low, high = _number(match["low"]), _number(match["high"] or match["low"])
            if not sort.least <= low <= sort.most or not sort.least <= high <= sort.most:
                return sort.sort, f"{_show(sort, sort.least)} to {_show(sort, sort.most)} ({sort.sort})"
            return sort.sort, "the lower end of a range first" if low > high else ""
    return None, f"how it is done, such as {EXAMPLES}"


def mod_words(mod: str) -> str:
    """A mod as people say it."""
    if mod == "warmup":
        return "warm-up"
    if mod in EFFORTS:
        return EFFORTS[mod]
    for sort in _SORTS:
        if match := sort.pattern.fullmatch(mod):
            low, high = match["low"], match["high"]
            return sort.words(f"{low} to {high}" if high else low, match.groupdict().get("unit") or "")
    return mod


def _number(text: str) -> float:
    minutes, colon, seconds = text.partition(":")
    return float(minutes) * 60.0 + float(seconds) if colon else float(minutes)


def _show(sort: _Sort, value: float) -> str:
    return f"{int(value) // 60}:{int(value) % 60:02d}" if sort.pace else f"{value:g}"
