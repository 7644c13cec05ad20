"""FIT files of watches and pods that compute for themselves: one activity, second by second, as readings.

Read from each `record`: distance, speed (the enhanced one first), cadence with its fraction, heart rate, power. The
profile calls the cadence of running strides a minute (`session.avg_running_cadence`), files of some devices hold steps;
it is handed on as it is and `load.readings` settles which it is by what is seen. A heart rate of 0 is none. Laps are
ignored. While the timer is stopped nothing counts: she stands when it stops and when it starts again.

Running dynamics (`stance_time` in ms, `vertical_oscillation` in mm, `step_length` in mm) are the watch's own estimates
by its own definition of a contact; their medians are told (`said`), contact time stays with the readings, and neither
is compared with what our pods measure.

Source: FIT SDK profile (fields, units, event types), as compiled into fitdecode, which reads the files; files of a
Garmin FR945 and of Stryd for what devices really write. Times are UTC.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from sensord.errors import InputError, Problem
from sensord.files.imu_recording import LONGEST_S
from sensord.files.part import told_wall_ns
from sensord.model import NS, Json, Reading

LAYOUT = "FIT"
MAGIC = b".FIT"
MAGIC_AT = 8

ON_FOOT = {"generic", "running", "walking", "hiking", "training", "fitness_equipment", "multisport", None}
"""Sports in which distance is made on foot, or may be (FIT profile, enum sport)."""

STOPS = {"stop", "stop_all", "stop_disable", "stop_disable_all"}
MS = 1000.0
BESIDE_S = 0.001
"""Design choice: the timer stops so long after the record of the same second, and starts so long before it."""

SAID = {"stance_time": ("contact_time_s", MS), "vertical_oscillation": ("vertical_oscillation_m", MS),
        "step_length": ("step_length_m", MS)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FitActivity:
    """One activity: readings in run time from its first moment, whose wall time is `wall_ns`.

    `said`: medians of what the device computed and we do not use, with their n.
    """

    file: Path
    device: str
    model: str
    serial: str
    wall_ns: int | None
    readings: tuple[Reading, ...]
    said: Mapping[str, Json] = field(default_factory=dict)

    @property
    def wall_span_ns(self) -> tuple[int, int] | None:
        """When it was made."""
        return None if self.wall_ns is None else (self.wall_ns, self.wall_ns + self.readings[-1].t_rx_ns)


def is_fit(start: bytes) -> bool:
    """Whether a file that begins so is a FIT file."""
    return start[MAGIC_AT : MAGIC_AT + len(MAGIC)] == MAGIC


def read_fit(path: Path) -> FitActivity:
    """Read one activity. InputError: fitdecode is not here, a damaged or foreign file, a sport that is not on foot, no
    records, times that go back."""
    try:
        import fitdecode  # noqa: PLC0415 - an extra: the daemon does not need it
    except ImportError:
        expected = "the extra `fit` (pip install 'sensord[fit]')"
        raise InputError(Problem(str(path), "", "a FIT file, and no fitdecode here", expected)) from None
    log = _Log(path)
    try:
        # fields of an odd size are no damage: some devices write them
        strict = {"check_crc": fitdecode.CrcCheck.RAISE, "error_handling": fitdecode.ErrorHandling.IGNORE}
        with fitdecode.FitReader(str(path), **strict) as reader:
            for frame in reader:
                if frame.frame_type == fitdecode.FIT_FRAME_DATA:
                    log.add(frame)
    except InputError:
        raise
    except fitdecode.FitCRCError:
        raise InputError(Problem(str(path), "", "a checksum that does not fit", "an undamaged FIT file")) from None
    except fitdecode.FitEOFError:
        raise InputError(Problem(str(path), "", "a FIT file that ends too early", "a whole FIT file")) from None
    except (fitdecode.FitError, ValueError, LookupError, TypeError, ArithmeticError, struct.error) as error:
        found = f"a damaged FIT file ({type(error).__name__}: {' '.join(str(error).split())[:80]})"
        raise InputError(Problem(str(path), "", found, "an undamaged FIT file")) from None
    except OSError as error:
        raise InputError(Problem(str(path), "", f"no readable file ({error.strerror})", "a FIT file")) from None
    return log.activity()


class _Log:
    """Messages of one file, in their order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._about: dict[str, Any] = {}
        self._rows: list[tuple[float, Reading]] = []
        self._said: dict[str, list[float]] = {name: [] for name in SAID}
        self._running = True
        self._last: Reading | None = None
        self._has_dates = True

    def add(self, frame: Any) -> None:  # noqa: ANN401 - fitdecode ships no types
        """One data message."""
        match frame.name:
            case "file_id":
                for name in ("type", "manufacturer", "serial_number", "garmin_product", "product"):
                    self._about.setdefault(name, frame.get_value(name, fallback=None))
            case "sport" | "session":
                sport = frame.get_value("sport", fallback=None)
                if sport not in ON_FOOT:
                    raise InputError(Problem(str(self._path), frame.name, f"the sport {sport}", "running or walking"))
            case "event" if frame.get_value("event", fallback=None) == "timer":
                self._timer(frame)
            case "record":
                self._record(frame)
            case _:
                pass

    def activity(self) -> FitActivity:
        """What it came to."""
        kind = self._about.get("type")
        if kind not in {"activity", None}:
            raise InputError(Problem(str(self._path), "file_id", f"a FIT file of the type {kind}", "an activity"))
        if not any(reading.speed_mps is not None for _, reading in self._rows):
            raise InputError(Problem(str(self._path), "", "no record with a speed or a distance", "one a second"))
        begun_s = self._rows[0][0]
        readings = tuple(
            replace(reading, t_rx_ns=round((t_s - begun_s) * MS) * (NS // 1000)) for t_s, reading in self._rows
        )
        maker, serial = str(self._about.get("manufacturer") or "unknown"), self._about.get("serial_number")
        model = self._about.get("garmin_product") or self._about.get("product")
        return FitActivity(
            file=self._path,
            device=f"{maker}-{serial}" if serial is not None else maker,
            model=f"{maker} {model}" if model is not None else maker,
            serial="" if serial is None else str(serial),
            wall_ns=told_wall_ns(round(begun_s * MS) * (NS // 1000)) if self._has_dates else None,
            readings=readings,
            said={
                SAID[name][0]: {"median": median(values) / SAID[name][1], "n": len(values)}
                for name, values in self._said.items()
                if values
            },
        )

    def _record(self, frame: Any) -> None:  # noqa: ANN401
        t_s = self._time_s(frame)
        value = {name: _number(frame.get_value(name, fallback=None)) for name in _FIELDS}
        for name, values in self._said.items():
            if value[name]:
                values.append(value[name] or 0.0)
        if not self._running:
            return
        speed, metres = value["enhanced_speed"], value["distance"]
        speed = value["speed"] if speed is None else speed
        cadence = value["cadence"]
        before = self._last
        if speed is None and metres is not None and before is not None and before.distance_m is not None:
            seconds = t_s - self._rows[-1][0]
            speed = max(metres - before.distance_m, 0.0) / seconds if seconds > 0 else None
        segment = 0 if before is None else before.segment
        if before is not None and metres is not None and before.distance_m is not None and metres < before.distance_m:
            segment += 1  # its counter began anew
        stance_ms = value["stance_time"]
        reading = Reading(
            t_rx_ns=0,
            segment=segment,
            speed_mps=speed,
            cadence_per_min=None if cadence is None else cadence + (value["fractional_cadence"] or 0.0),
            distance_m=metres,
            power_w=value["power"],
            contact_time_s=stance_ms / MS if stance_ms else None,
            heart_rate_bpm=value["heart_rate"] or None,
        )
        self._keep(t_s, reading)

    def _timer(self, frame: Any) -> None:  # noqa: ANN401
        kind = frame.get_value("event_type", fallback=None)
        if kind == "start" and not self._running:
            self._running = True
            self._stand(self._time_s(frame) - BESIDE_S)
        elif kind in STOPS and self._running:
            self._running = False
            self._stand(self._time_s(frame) + BESIDE_S)

    def _stand(self, t_s: float) -> None:
        """She stands: what lies between two of these is no distance, whatever the speed beside them."""
        if self._last is not None and t_s > self._rows[-1][0]:
            self._keep(t_s, Reading(0, self._last.segment, speed_mps=0.0, distance_m=self._last.distance_m))

    def _keep(self, t_s: float, reading: Reading) -> None:
        if self._rows and t_s < self._rows[-1][0]:
            found = f"a time {self._rows[-1][0] - t_s:.0f} s before the record before it"
            raise InputError(
                Problem(str(self._path), f"record {len(self._rows) + 1}", found, "records in order of time")
            )
        if self._rows and t_s - self._rows[0][0] > LONGEST_S:
            found = f"a time {(t_s - self._rows[0][0]) / 3600:.0f} h after the first record"
            expected = f"at most {LONGEST_S / 3600:.0f} h"
            raise InputError(Problem(str(self._path), f"record {len(self._rows) + 1}", found, expected))
        if self._rows and t_s == self._rows[-1][0]:
            self._rows.pop()
        self._rows.append((t_s, reading))
        if reading.distance_m is None and self._last is not None:
            reading = replace(reading, distance_m=self._last.distance_m)
        self._last = reading

    def _time_s(self, frame: Any) -> float:  # noqa: ANN401
        """Unix time; seconds since the device was switched on where it did not know the date."""
        told = frame.get_value("timestamp", fallback=None)
        if isinstance(told, datetime):
            return told.timestamp()
        if not isinstance(told, int | float):
            found = f"a {frame.name} without a time"
            raise InputError(Problem(str(self._path), f"record {len(self._rows) + 1}", found, "a time in each"))
        self._has_dates = False
        return float(told)


_FIELDS = (
    "enhanced_speed", "speed", "distance", "cadence", "fractional_cadence", "power", "heart_rate", *SAID,
)  # fmt: skip


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
