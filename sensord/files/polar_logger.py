"""Text files of the app Polar Sensor Logger for a Verity Sense: one of acceleration, one of angular rate.

    Phone timestamp;sensor timestamp [ns];X [mg];Y [mg];Z [mg]
    2026-04-24T14:10:20.058;599616065136175104;-953;63;425

The second file has `X [dps]` and so on. In some countries numbers have a comma. Times are the sensor's, one a sample,
counted from 2000; its clock is often not set (the row above says 2019), so that the day is taken from the phone's time
of the first row, which has no zone: that of this machine is taken. Both files share the sensor's clock.

The H10 has no gyroscope. The pod is named by the file's name: `Polar_Sense_XXXXXXXX_..._ACC.txt` or
`XXXXXXXX-ACCData.txt`.

Source: headers and rows as shown by several public readers of such files (one quotes the header of a real corpus), the
meaning of the values by Polar's SDK (`PolarGyroData`: deg/s; `PolarAccelerometerData`: milli-g; ns since 2000-01-01).
"""

from __future__ import annotations

import re
from datetime import datetime

import numpy as np

from sensord.errors import InputError, Problem
from sensord.files.part import NotNeeded, Part, Sensors, Times, told_wall_ns
from sensord.files.table import Head, Table, first_told, read_numbers, shown
from sensord.model import G_MPS2, NS

LAYOUT = "Polar Sensor Logger"
PHONE, SENSOR = "Phone timestamp", "sensor timestamp [ns]"
UNITS = {"mg": (Sensors.ACC, G_MPS2 / 1000.0), "dps": (Sensors.GYR, float(np.deg2rad(1.0)))}

_DEVICE = re.compile(r"(?:Polar_(?:Sense|H10|OH1)_([0-9A-F]{8})_|^([0-9A-F]{8})-)")
US = 1_000


def matches(head: Head) -> bool:
    """Whether the first line is such a header."""
    return head.cells(1, ";")[:1] == [PHONE]


def read(head: Head) -> Part | NotNeeded:
    """One file. InputError: see `read_numbers`; a phone's time that is none."""
    names = tuple(head.cells(1, ";"))
    unit = next((unit for unit in UNITS if f"X [{unit}]" in names), None)
    if unit is None:
        return NotNeeded(head.file, f"{LAYOUT}, {names[-1]}")
    sensors, factor = UNITS[unit]
    columns = [f"{axis} [{unit}]" for axis in "XYZ"]
    rows, lines = read_numbers(Table(head.file, ";", names, 2), [SENSOR, *columns])
    zero = first_told(rows[:, 0])
    rows[:, 0] = np.rint((rows[:, 0] - zero) / US) * US / NS  # a double holds such times to 0.1 us
    rows[:, 1:] *= factor
    device = _DEVICE.search(head.file.name)
    times = Times(int(zero), _phone_ns(head), local=True)
    return Part(head.file, LAYOUT, sensors, rows, lines, times, (device[1] or device[2]) if device else None)


def _phone_ns(head: Head) -> int | None:
    """Wall time of the first row, by the phone."""
    told = head.cells(2, ";")[0]
    try:
        when = datetime.fromisoformat(told)
    except ValueError:
        found, expected = f"{shown(told)!r} in {PHONE}", "a time such as 2026-04-24T14:10:20.058"
        raise InputError(Problem(str(head.file), "line 2", found, expected)) from None
    return told_wall_ns(round(when.astimezone().timestamp() * 1e6) * US)
