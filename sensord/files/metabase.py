"""CSV files of MbientLab's apps (MetaBase, MetaHub) for MetaMotion pods: one of acceleration, one of angular rate.

    epoch (ms),time (-07:00),elapsed (s),x-axis (g),y-axis (g),z-axis (g)
    1547473786995,2019-01-14T14:49:46.995,0.000,-0.290,0.887,-0.102

The second file has `x-axis (deg/s)` and so on. Older apps wrote `epoc (ms),timestamp (-0700)`. The time is Unix time,
rounded to a millisecond; values are rounded to 0.001. The pod is named by the file's name only: its address without
colons stands before the sensor (`..._C42732BE255C_Accelerometer_100.000Hz_1.4.4.csv`).

Source: what MetaHub's own code writes (mbientlab/MetaHub, sensor settings: header, formats, units), and recordings of
MetaBase 1.4.4 as published with a course on it (names, first rows). A file of linear acceleration has the same header
as one of acceleration; it is refused because nothing in it weighs 9.8 m/s².
"""

from __future__ import annotations

import re

import numpy as np

from sensord.files.part import NotNeeded, Part, Sensors, Times, told_wall_ns
from sensord.files.table import Head, Table, first_told, read_numbers
from sensord.model import G_MPS2

LAYOUT = "MetaBase"
EPOCH = ("epoch (ms)", "epoc (ms)")
ELAPSED = "elapsed (s)"
UNITS = {"g": (Sensors.ACC, G_MPS2), "deg/s": (Sensors.GYR, float(np.deg2rad(1.0)))}

_ADDRESS = re.compile(r"(?<![0-9A-Fa-f])([0-9A-Fa-f]{12})_(?:Accelerometer|Gyroscope)")
MS = 1_000_000


def matches(head: Head) -> bool:
    """Whether the first line is such a header."""
    cells = head.cells(1, ",")
    return len(cells) > 3 and cells[0] in EPOCH and cells[2] == ELAPSED


def read(head: Head) -> Part | NotNeeded:
    """One file. InputError: see `read_numbers`; a time that is none."""
    names = tuple(head.cells(1, ","))
    unit = next((unit for unit in UNITS if f"x-axis ({unit})" in names), None)
    if unit is None:
        return NotNeeded(head.file, f"{LAYOUT}, {names[3]}")
    sensors, factor = UNITS[unit]
    columns = [f"{axis}-axis ({unit})" for axis in "xyz"]
    rows, lines = read_numbers(Table(head.file, ",", names, 2), [names[0], *columns])
    zero_ms = round(first_told(rows[:, 0]))
    rows[:, 0] = (rows[:, 0] - zero_ms) / 1000.0
    rows[:, 1:] *= factor
    zero_ns = zero_ms * MS
    address = _ADDRESS.search(head.file.name)
    times = Times(zero_ns, told_wall_ns(zero_ns))
    return Part(head.file, LAYOUT, sensors, rows, lines, times, address[1].upper() if address else None)
