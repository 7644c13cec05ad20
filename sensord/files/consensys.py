"""CSV files that Shimmer's Consensys exports (calibrated): acceleration and angular rate of one pod in one file.

    "sep=,"
    Shimmer_40AC_Timestamp_Unix_CAL,Shimmer_40AC_Accel_WR_X_CAL,...,Shimmer_40AC_Gyro_X_CAL,...
    ms,m/(s^2),...,deg/s,...
    1595933810034.0,-3.93,...

Also with tabs or semicolons, as the first line says. What stands before `_Timestamp` is the pod's name; a name that was
never changed ends with the last four digits of its address. The wide-range accelerometer (`WR`, up to ±16 g) is taken;
the low-noise one (`LN`) ends at ±2 g, far below what running does, and does not replace it.

Source: github.com/hpi-dhc/devicely (reader and test data of Consensys files: all three lines, their units, Unix
milliseconds), github.com/mechmotum/baby-vibration (the same with commas and with WR). Times that Consensys was told to
export as dates, or as the pod's own, are not read: their zone, or their start, is not in the file.
"""

from __future__ import annotations

import numpy as np

from sensord.errors import InputError, Problem
from sensord.files.part import Part, Sensors, Times, told_wall_ns
from sensord.files.table import Head, Table, first_told, read_numbers, shown

LAYOUT = "Shimmer Consensys"
TIME_ENDINGS = ("_Timestamp_Unix_CAL", "_TimestampSync_Unix_CAL")
EXPECTED_UNITS = ("ms", "m/(s^2)", "m/(s^2)", "m/(s^2)", "deg/s", "deg/s", "deg/s")
MS = 1_000_000


def matches(head: Head) -> bool:
    """Whether it says how it is separated, and then names calibrated or raw columns."""
    delimiter = _delimiter(head)
    names = [name for name in head.cells(2, delimiter) if name] if delimiter else []
    return bool(names) and all(name.endswith(("_CAL", "_RAW", "_UNCAL")) for name in names)


def read(head: Head) -> Part:
    """The file. InputError: see `read_numbers`; columns or units that are not there; several pods in it."""
    file, delimiter = str(head.file), _delimiter(head)
    assert delimiter is not None
    names, units = head.cells(2, delimiter), head.cells(3, delimiter)
    pods = sorted({name[: -len(end)] for name in names for end in TIME_ENDINGS if name.endswith(end)})
    if len(pods) != 1:
        found = f"{len(pods)} columns of time in Unix milliseconds" + "".join(f", {shown(pod)}" for pod in pods)
        raise InputError(Problem(file, "line 2", found, f"one that ends in {TIME_ENDINGS[0]}: a file for each pod"))
    pod = pods[0]
    time = next(pod + end for end in TIME_ENDINGS if pod + end in names)
    columns = [time, *(f"{pod}_{kind}_{axis}_CAL" for kind in ("Accel_WR", "Gyro") for axis in "XYZ")]
    if missing := [name for name in columns if name not in names]:
        expected = "the wide-range accelerometer and the gyroscope, calibrated"
        raise InputError(Problem(file, "line 2", f"no column {', '.join(missing)}", expected))
    told = dict(zip(names, units, strict=False))
    for name, unit in zip(columns, EXPECTED_UNITS, strict=True):
        if told.get(name) != unit:
            raise InputError(Problem(file, "line 3", f"{shown(told.get(name, ''))!r} for {name}", unit))
    rows, lines = read_numbers(Table(head.file, delimiter, tuple(names), 4), columns)
    zero_ms = int(first_told(rows[:, 0]))
    rows[:, 0] = (rows[:, 0] - zero_ms) / 1000.0
    rows[:, 4:] = np.deg2rad(rows[:, 4:])
    times = Times(zero_ms * MS, told_wall_ns(zero_ms * MS))
    return Part(head.file, LAYOUT, Sensors.BOTH, rows, lines, times, pod)


def _delimiter(head: Head) -> str | None:
    """What the first line says of how cells are separated, None when it says nothing."""
    first = head.lines[0].strip(" ").strip('"')
    return first[4] if len(first) == 5 and first.startswith("sep=") else None
