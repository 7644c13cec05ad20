"""Speeds known from elsewhere (a belt, an RSC pod, GNSS): CSV `t_s,speed_mps[,sd_mps]`, in the recording's own time.

Each row holds from its time on until the next; an empty speed ends what was known. `sd_mps` is how sure the other
device is; without it `SHARE_SD` of the speed is taken.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from sensord.errors import InputError, Problem
from sensord.files.speed_words import SHARE_SD
from sensord.model import NS

FASTEST_MPS = 13.0
"""Design choice: above any human running speed. Speeds in km/h are refused from 13 on: slower ones cannot be told."""

COLUMNS = ("t_s", "speed_mps")
LISTED = 5


@dataclass(frozen=True, slots=True)
class KnownSpeed:
    """From `t_ns` on the speed is `speed_mps` (None: not known any more), give or take `sd_mps`."""

    t_ns: int
    speed_mps: float | None
    sd_mps: float


def constant_speed(speed_mps: float) -> tuple[KnownSpeed, ...]:
    """One speed for the whole recording, as a treadmill shows it."""
    if not 0.3 <= speed_mps <= FASTEST_MPS:
        raise InputError(Problem("known speed", "", f"{speed_mps:g} m/s", f"0.3 to {FASTEST_MPS:g} m/s"))
    return (KnownSpeed(-(2**62), speed_mps, SHARE_SD * speed_mps),)


def read_known_speeds(path: Path) -> tuple[KnownSpeed, ...]:
    """Read the CSV; InputError with file and line for what cannot be read, times that go back, speeds out of range."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Problem(str(path), "", str(error), "a CSV file in UTF-8")) from None
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        found = ",".join(reader.fieldnames or ()) or "nothing"
        raise InputError(Problem(str(path), "line 1", found, "columns t_s,speed_mps and perhaps sd_mps"))
    rows: list[KnownSpeed] = []
    problems: list[Problem] = []
    for row in reader:
        where = f"line {reader.line_num}"
        try:
            known = _row(row)
        except ValueError as error:
            expected = f"a time in s, a speed of 0 to {FASTEST_MPS:g} m/s, perhaps an SD above 0 m/s"
            problems.append(Problem(str(path), where, str(error), expected))
            continue
        if rows and known.t_ns <= rows[-1].t_ns:
            problems.append(Problem(str(path), where, f"{row['t_s']} s", "a time after the row before"))
            continue
        rows.append(known)
    if not rows and not problems:
        problems.append(Problem(str(path), "", "no rows", "at least one speed"))
    if problems:
        raise InputError(problems[:LISTED])
    return tuple(rows)


def _row(row: dict[str, str]) -> KnownSpeed:
    t_s = _number(row["t_s"])
    given = (row["speed_mps"] or "").strip()
    if not given:
        return KnownSpeed(round(t_s * NS), None, 0.0)
    speed = _number(given)
    sd_text = (row.get("sd_mps") or "").strip()
    sd = _number(sd_text) if sd_text else SHARE_SD * speed
    if not 0.0 <= speed <= FASTEST_MPS or sd < 0.0 or (sd == 0.0 and speed > 0.0):
        raise ValueError(f"speed {given}, sd {sd_text or 'not given'}")
    return KnownSpeed(round(t_s * NS), speed, sd)


def _number(text: str | None) -> float:
    try:
        value = float((text or "").strip())
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(repr(text or ""))
    return value
