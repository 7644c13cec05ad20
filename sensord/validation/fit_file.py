"""What another pod said about a run, second by second, from its FIT file (extra `validate`: fitdecode)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sensord.errors import InputError, Problem
from sensord.model import FloatArray


@dataclass(frozen=True, slots=True)
class Seconds:
    """One row a second: time since the first record (s), strides a minute, stance time (s), speed, distance.

    NaN where the file has none.
    """

    t_s: FloatArray
    cadence_spm: FloatArray
    contact_time_s: FloatArray
    speed_mps: FloatArray
    distance_m: FloatArray


FIELDS = ("cadence", "stance_time", "speed", "distance")


def can_read() -> bool:
    """Whether FIT files can be read here."""
    try:
        import fitdecode  # noqa: F401, PLC0415 - an extra
    except ImportError:
        return False
    return True


def read_seconds(path: Path) -> Seconds:
    """What a pod said in a FIT file. InputError: see `read_records`."""
    t_s, table = read_records(path, FIELDS)
    # FIT counts strides of one leg a minute and milliseconds of stance
    return Seconds(t_s, 2.0 * table[:, 0], table[:, 1] / 1000.0, table[:, 2], table[:, 3])


def read_records(path: Path, fields: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Time since the first record (n,) s, and fields of every record (n, f) in the file's units, NaN where it has none.

    InputError: no FIT file, no records, or the extra `validate` is not installed.
    """
    try:
        import fitdecode  # noqa: PLC0415 - an extra
    except ImportError:
        expected = "the extra `validate` (pip install 'sensord[validate]')"
        raise InputError(Problem(str(path), "", "no fitdecode here", expected)) from None
    times: list[float] = []
    values: list[list[float]] = []
    try:
        with fitdecode.FitReader(str(path)) as reader:
            for frame in reader:
                if frame.frame_type == fitdecode.FIT_FRAME_DATA and frame.name == "record":
                    times.append(frame.get_value("timestamp").timestamp())
                    values.append([_number(frame.get_value(name, fallback=None)) for name in fields])
    except fitdecode.FitError as error:
        raise InputError(Problem(str(path), "", f"no FIT file ({error})", "a FIT file")) from None
    if not times:
        raise InputError(Problem(str(path), "", "no records", "one record a second"))
    return np.array(times) - times[0], np.array(values)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
