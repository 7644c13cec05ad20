"""CSV files of the Movella DOT (Xsens DOT) app: a few lines of words, then acceleration and angular rate of one pod.

    sep=,
    DeviceTag:,left
    FirmwareVersion:,1.6.0
    ...
    SyncStatus:,Synced                                 (streamed; not in every file)
    StartTime: ,2021-08-30_17:05:05_000 GMT+8          (older apps; newer: 2023-07-11 20:06:00.086 +0200)

    PacketCounter,SampleTimeFine,Euler_X,...,Acc_X,Acc_Y,Acc_Z,Gyr_X,Gyr_Y,Gyr_Z
    1,2974031395,...

SampleTimeFine counts microseconds in 32 bits and wraps after 71.6 minutes; Acc is m/s², Gyr deg/s. Which columns there
are depends on the mode: those without Acc and Gyr (Euler angles, free acceleration, increments) are refused. The first
row of a recording on the pod is all zeros and is dropped. Pods that were synced by the app share one clock.

The start's zone is read where it is UTC, GMT+n or +hhmm; a name such as WEST says nothing that can be relied on: then
the time is taken for that of this machine.

Source: the logger class of Movella's Android SDK as published with an app (header lines, columns by mode, date format);
github.com/Allwillcome/XsensDot2Mtw4OpenSense (recordings at 120 Hz: header, zero row, steps of 8,333; at rest 9.65 and
0.2, which are m/s² and deg/s); BLE Service Specification XD0506P (units, microseconds).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import numpy as np

from sensord.errors import InputError, Problem
from sensord.files.part import Part, Sensors, Times, told_wall_ns
from sensord.files.table import Head, Table, first_told, read_numbers, shown
from sensord.model import NS, FloatArray

LAYOUT = "Movella DOT"
COUNTER, TIME = "PacketCounter", "SampleTimeFine"
COLUMNS = (TIME, "Acc_X", "Acc_Y", "Acc_Z", "Gyr_X", "Gyr_Y", "Gyr_Z")
WRAP_US = 2**32
HEADER_WITHIN = 25
"""Design choice: the header of the table stands within so many lines."""

US_S = 1e6
US_NS = 1_000

_START = re.compile(r"(\d{4}-\d\d-\d\d)[_ ](\d\d:\d\d:\d\d)[_.](\d{3})\d*\s*(\S*)")
_ZONE = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d\d)?")
_ADDRESS = re.compile(r"(?<![0-9A-Fa-f])([0-9A-Fa-f]{12})(?![0-9A-Fa-f])")


def matches(head: Head) -> bool:
    """Whether there is a header of such a table."""
    return _header_line(head) is not None


def read(head: Head) -> Part:
    """The file. InputError: see `read_numbers`; a mode without acceleration and angular rate."""
    line = _header_line(head)
    assert line is not None
    names = tuple(head.cells(line, ","))
    said = dict(_said(head, line))
    if missing := [name for name in COLUMNS if name not in names]:
        mode = said.get("Measurement Mode", "")
        found = f"no column {', '.join(missing)}" + (f" (mode: {shown(mode)})" if mode else "")
        expected = "Acc and Gyr: a mode with rate quantities, or a recording exported with both"
        raise InputError(Problem(str(head.file), f"line {line}", found, expected))
    rows, lines = read_numbers(Table(head.file, ",", names, line + 1), COLUMNS)
    measured = (rows[:, 1:] != 0.0).any(axis=1)
    rows, lines = rows[measured], lines[measured]
    if not len(rows):
        raise InputError(Problem(str(head.file), "", "nothing but zeros", "acceleration with gravity in it"))
    first_us = first_told(rows[:, 0])
    rows[:, 0] = (_unwrapped(rows[:, 0]) - first_us) / US_S
    rows[:, 4:] = np.deg2rad(rows[:, 4:])
    address = _ADDRESS.search(head.file.name)
    wall_ns, local = _start_ns(said.get("StartTime", ""))
    synced = said.get("SyncStatus", "") == "Synced"
    times = Times(round(first_us) * US_NS, wall_ns, local, synced)
    device = address[1].upper() if address else said.get("DeviceTag") or None
    return Part(head.file, LAYOUT, Sensors.BOTH, rows, lines, times, device)


def _header_line(head: Head) -> int | None:
    for line in range(1, min(HEADER_WITHIN, len(head.lines)) + 1):
        cells = head.cells(line, ",")
        if COUNTER in cells and TIME in cells:
            return line
    return None


def _said(head: Head, header: int) -> list[tuple[str, str]]:
    """What the lines above the table say: name and value."""
    lines = [head.cells(line, ",") for line in range(1, header)]
    return [(cells[0].rstrip(": "), cells[1]) for cells in lines if len(cells) > 1]


def _unwrapped(t_us: FloatArray) -> FloatArray:
    steps = np.diff(t_us, prepend=t_us[:1])
    return np.asarray(t_us + WRAP_US * np.cumsum(np.where(np.isfinite(steps), steps < -WRAP_US / 2, False)))


def _start_ns(told: str) -> tuple[int | None, bool]:
    """When it began, and whether that was taken for the time of this machine; None when it does not say."""
    found = _START.fullmatch(told.strip())
    if found is None:
        return None, False
    day, clock, ms, zone = found.groups()
    try:
        when = datetime.fromisoformat(f"{day}T{clock}.{ms}")
    except ValueError:
        return None, False
    offset = _ZONE.fullmatch(zone)
    if zone in {"UTC", "GMT", "Z"}:
        when = when.replace(tzinfo=UTC)
    elif offset is not None and int(offset[2]) < 24:
        apart = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        when = when.replace(tzinfo=timezone(apart if offset[1] == "+" else -apart))
    local = when.tzinfo is None
    return told_wall_ns(round(when.astimezone().timestamp() * 1000) * (NS // 1000)), local
