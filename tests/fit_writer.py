"""A small writer of FIT files, for tests: each message with its own definition (FIT SDK: header, CRC, types)."""

from __future__ import annotations

import struct
from collections.abc import Mapping

EPOCH_S = 631_065_600
"""1989-12-31 as Unix time: what FIT counts from."""

CRC = (0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401, 0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01,
       0x8801, 0x4400)  # fmt: skip

SIZES = {0x00: "B", 0x02: "B", 0x84: "H", 0x86: "I", 0x8C: "I"}

FILE_ID, SESSION, RECORD, EVENT = 0, 18, 20, 21
RECORD_FIELDS = {  # name: number, type, scale
    "distance": (5, 0x86, 100),
    "speed": (6, 0x84, 1000),
    "cadence": (4, 0x02, 1),
    "fractional_cadence": (53, 0x02, 128),
    "heart_rate": (3, 0x02, 1),
    "power": (7, 0x84, 1),
    "stance_time": (41, 0x84, 10),
    "enhanced_speed": (73, 0x86, 1000),
}
RUNNING, CYCLING = 1, 2
START, STOP_ALL = 0, 4


def crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        for nibble in (byte & 0xF, byte >> 4):
            crc = (crc >> 4) & 0x0FFF ^ CRC[crc & 0xF] ^ CRC[nibble]
    return crc


class FitWriter:
    """Messages one after the other; `bytes` is the file."""

    def __init__(self, *, kind: int = 4, serial: int = 77) -> None:
        self._body = b""
        self._message(FILE_ID, [(0, 0x00, kind), (1, 0x84, 1), (2, 0x84, 3113), (3, 0x8C, serial)])

    def record(self, unix_s: float, **values: float) -> FitWriter:
        fields = [(253, 0x86, int(unix_s) - EPOCH_S)]
        fields += [
            (RECORD_FIELDS[n][0], RECORD_FIELDS[n][1], round(v * RECORD_FIELDS[n][2])) for n, v in values.items()
        ]
        return self._message(RECORD, fields)

    def timer(self, unix_s: float, kind: int) -> FitWriter:
        return self._message(EVENT, [(253, 0x86, int(unix_s) - EPOCH_S), (0, 0x00, 0), (1, 0x00, kind)])

    def session(self, sport: int) -> FitWriter:
        return self._message(SESSION, [(5, 0x00, sport)])

    def bytes(self) -> bytes:
        head = struct.pack("<BBHI4s", 14, 0x10, 2132, len(self._body), b".FIT")
        whole = head + struct.pack("<H", crc16(head)) + self._body
        return whole + struct.pack("<H", crc16(whole))

    def _message(self, number: int, fields: list[tuple[int, int, int]]) -> FitWriter:
        sizes = [struct.calcsize(SIZES[kind]) for _, kind, _ in fields]
        self._body += struct.pack("<BBBHB", 0x40, 0, 0, number, len(fields))
        self._body += b"".join(bytes((n, size, kind)) for (n, kind, _), size in zip(fields, sizes, strict=True))
        self._body += b"\0" + b"".join(struct.pack("<" + SIZES[kind], value) for _, kind, value in fields)
        return self


def steady_run(begun_s: int, seconds: int = 120, *, speed_mps: float = 3.0, **more: float) -> FitWriter:
    """A record a second at one speed, with the distance that belongs to it."""
    fit = FitWriter().timer(begun_s, START)
    values: Mapping[str, float] = {"cadence": 82, "fractional_cadence": 0.5, "heart_rate": 150, **more}
    for second in range(seconds + 1):
        fit.record(begun_s + second, distance=speed_mps * second, enhanced_speed=speed_mps, **values)
    return fit.timer(begun_s + seconds, STOP_ALL).session(RUNNING)
