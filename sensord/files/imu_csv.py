"""The IMU CSV: one foot, `t_s,acc_x,acc_y,acc_z,gyr_x,gyr_y,gyr_z` in s, m/s2 and rad/s, pod frame, 50 to 1000 Hz.

Extra columns are ignored, gaps allowed, rows without numbers dropped and counted, repeats and disorder up to 0.5 s
put in order and counted. Samples at full scale are marked when the range is stated or a plateau shows it
(`imu_recording`). Units are checked as far as the numbers can tell: standing reads 9.8, not 1; no gyro turns faster
than 4000 deg/s.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from math import radians
from pathlib import Path

import numpy as np

from sensord.errors import InputError, Problem
from sensord.files.imu_recording import ImuRecording, make_recording
from sensord.model import G_MPS2, FloatArray, IntArray

COLUMNS = ("t_s", "acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z")

LISTED = 5
"""Design choice: bad lines named in one error."""

FASTEST_RADPS = radians(4000.0)
"""Largest full scale of common gyros."""

QUIET_S = 0.5
QUIET_SHARE = 0.02
"""Design choices: half a second whose acceleration varies by less than 2 % is standing."""


IMPOSSIBLE = 1e6
"""Design choice: no unit that anybody uses makes so much of what a shoe does; arithmetic on it may overflow."""

HEAVIEST_G = 10.0
"""Design choice: neither standing nor the median of running comes near ten times gravity; milli-g do."""


def read_imu_csv(path: Path, *, acc_range_g: float | None = None, gyr_range_dps: float | None = None) -> ImuRecording:
    """Read one foot's IMU CSV.

    Raises InputError (file, line, found, expected): unreadable, empty, a missing or doubled column, text in a number,
    no complete row, disorder over 0.5 s, a rate outside 50 to 1000 Hz, g instead of m/s2, deg/s instead of rad/s.
    """
    rows, lines = read_columns(path, COLUMNS)
    recording = make_recording(
        str(path),
        rows,
        lines,
        acc_range_mps2=None if acc_range_g is None else acc_range_g * G_MPS2,
        gyr_range_radps=None if gyr_range_dps is None else radians(gyr_range_dps),
    )
    return checked_units(str(path), recording)


def checked_units(file: str, recording: ImuRecording) -> ImuRecording:
    """The recording, if its numbers can be m/s² and rad/s; else InputError."""
    problems = _unit_problems(file, recording)
    if problems:
        raise InputError(problems)
    return recording


def read_columns(path: Path, columns: Sequence[str]) -> tuple[FloatArray, IntArray]:
    """Named columns of a CSV file as numbers (n, c), and the line each row stood in; empty cells are NaN.

    Raises InputError for what is no such file.
    """
    try:
        places = _places(path, columns)
        rows = _fast(path, places)
        return (rows, np.arange(2, len(rows) + 2)) if rows is not None else _slowly(path, places)
    except OSError as error:
        raise InputError(Problem(str(path), "", f"no readable file ({error.strerror})", "an IMU CSV")) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(Problem(str(path), "", "binary data", "an IMU CSV, text in UTF-8")) from error


def _places(path: Path, columns: Sequence[str]) -> list[int]:
    """Where the columns stand; refuses a file without them or without a row under them."""
    expected = ",".join(columns)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = [name.strip() for name in next(reader, [])]
        has_rows = any(reader)
    problems = []
    if "\0" in "".join(header):
        problems.append(Problem(str(path), "", "binary data", "an IMU CSV, text in UTF-8"))
    elif len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        found = "columns parted by " + ("semicolons" if ";" in header[0] else "tabs")
        problems.append(Problem(str(path), "line 1", found, "commas between columns, points in numbers"))
    elif not any(header):
        problems.append(Problem(str(path), "", "an empty file", f"a header {expected}"))
    elif missing := [name for name in columns if name not in header]:
        problems.append(Problem(str(path), "line 1", f"no column {', '.join(missing)}", f"a header {expected}"))
    elif doubled := [name for name in columns if header.count(name) > 1]:
        problems.append(Problem(str(path), "line 1", f"column {', '.join(doubled)} twice", "each column once"))
    elif not has_rows:
        problems.append(Problem(str(path), "", "a header and no rows", "rows of numbers"))
    if problems:
        raise InputError(problems)
    return [header.index(name) for name in columns]


def _fast(path: Path, places: list[int]) -> FloatArray | None:
    """The whole file at once by numpy's reader; None when any cell is no number."""
    try:
        return np.loadtxt(path, delimiter=",", skiprows=1, usecols=places, comments=None, encoding="utf-8-sig", ndmin=2)
    except ValueError:
        return None


def _slowly(path: Path, places: list[int]) -> tuple[FloatArray, IntArray]:
    """Row by row, to name the line of what is no number; empty cells are NaN."""
    rows: list[list[float]] = []
    lines: list[int] = []
    problems: list[Problem] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        for cells in reader:
            if not cells or len(problems) >= LISTED:
                continue
            place = f"line {reader.line_num}"
            bad = next((i for i in places if i >= len(cells) or not _is_number(cells[i])), None)
            if bad is None:
                rows.append([float(cells[i]) if cells[i].strip() else np.nan for i in places])
                lines.append(reader.line_num)
            elif bad >= len(cells):
                problems.append(Problem(str(path), place, f"{len(cells)} columns", f"{len(header)} as in the header"))
            else:
                problems.append(Problem(str(path), place, f"{cells[bad]!r} in {header[bad]}", "a number"))
    if problems:
        raise InputError(problems)
    return np.array(rows, dtype=np.float64), np.array(lines, dtype=np.int64)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return not cell.strip()
    return True


def _unit_problems(file: str, recording: ImuRecording) -> list[Problem]:
    acc = np.concatenate([block.acc_mps2 for block in recording.blocks])
    gyr = np.concatenate([block.gyr_radps for block in recording.blocks])
    problems = []
    if max(float(np.abs(acc).max()), float(np.abs(gyr).max())) > IMPOSSIBLE:
        return [Problem(file, "", f"a value of {max(np.abs(acc).max(), np.abs(gyr).max()):.2g}", "m/s2 and rad/s")]
    size = np.sqrt(np.einsum("ni,ni->n", acc, acc))
    quiet = _quiet_level(size, round(QUIET_S * recording.rate_hz))
    level, where = (float(np.median(size)), "half the rows read less") if quiet is None else (quiet, "standing reads")
    if level < 0.3 * G_MPS2:
        found = f"acceleration in g ({where} {level:.2f})" if level > 0.3 else f"acceleration of {level:.2f} ({where})"
        problems.append(Problem(file, "acc_x, acc_y, acc_z", found, "m/s2 with gravity in it (standing reads 9.8)"))
    elif level > HEAVIEST_G * G_MPS2:
        found = f"acceleration of {level:.0f} ({where}), likely milli-g"
        problems.append(Problem(file, "acc_x, acc_y, acc_z", found, "m/s2 with gravity in it (standing reads 9.8)"))
    fastest = float(np.abs(gyr).max())
    if fastest > FASTEST_RADPS:
        found = f"a rate of {fastest:.0f}, likely deg/s"
        problems.append(Problem(file, "gyr_x, gyr_y, gyr_z", found, "rad/s (no gyro passes 70 rad/s = 4000 deg/s)"))
    return problems


def _quiet_level(size: FloatArray, window: int) -> float | None:
    """Mean acceleration of the calmest window, None when none is calm enough to be standing."""
    count = len(size) // window if window else 0
    if not count:
        return None
    windows = size[: count * window].reshape(count, window)
    level, spread = windows.mean(axis=1), windows.std(axis=1)
    calm = int((spread / np.maximum(level, 1e-9)).argmin())
    return float(level[calm]) if spread[calm] <= QUIET_SHARE * level[calm] else None
