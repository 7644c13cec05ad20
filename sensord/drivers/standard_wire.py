"""The bytes of the Bluetooth SIG's sensor profiles: running speed and cadence, cycling power, heart rate. Pure.

Little endian; flags say which optional fields follow, in this order. Sources: Bluetooth SIG, Running Speed and Cadence
Service 1.0, Cycling Power Service 1.1, Heart Rate Service 1.0, GATT Specification Supplement.

RSC Measurement 0x2A53

    | flags u8 | speed u16 1/256 m/s | cadence u8 1/min | [b0 stride length u16 cm] | [b1 total distance u32 0.1 m] |
      b2: running (1) or walking (0), where RSC Feature 0x2A54 (u16) has bit 2

Cycling Power Measurement 0x2A63

    | flags u16 | power i16 W | [b0 balance u8] [b2 torque u16] [b4 wheel u32 u16]
    | [b5 crank revolutions u16, time of the last u16 1/1024 s] | [b6 .. b11: not read] |

Heart Rate Measurement 0x2A37

    | flags u8 | b0 = 0: rate u8, 1: rate u16 | [b3 energy u16] | [b4: R-R intervals u16 1/1024 s, to the end] |
      b1-2: skin contact, 2: not touching, 3: touching, 0 or 1: it cannot tell
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from struct import Struct, error, unpack_from

from sensord.errors import PacketError, PacketReason


def sig(short: int) -> str:
    """The 128 bit UUID of an assigned number."""
    return f"{short:08x}-0000-1000-8000-00805f9b34fb"


RSC_SERVICE, RSC_MEASUREMENT, RSC_FEATURE, SENSOR_LOCATION = sig(0x1814), sig(0x2A53), sig(0x2A54), sig(0x2A5D)
POWER_SERVICE, POWER_MEASUREMENT = sig(0x1818), sig(0x2A63)
HEART_SERVICE, HEART_MEASUREMENT = sig(0x180D), sig(0x2A37)
INFORMATION_SERVICE = sig(0x180A)
MANUFACTURER, MODEL, SERIAL, FIRMWARE = sig(0x2A29), sig(0x2A24), sig(0x2A25), sig(0x2A26)

SPEED_UNIT_MPS = 1 / 256
DISTANCE_UNIT_M = 0.1
CRANK_UNIT_S = 1 / 1024
RR_UNIT_S = 1 / 1024

_RSC = Struct("<BHB")
_POWER = Struct("<Hh")


class RscFlag(IntFlag):
    """What an RSC measurement holds."""

    STRIDE_LENGTH = 1
    DISTANCE = 2
    RUNNING = 4


class RscFeature(IntFlag):
    """What an RSC pod can tell."""

    STRIDE_LENGTH = 1
    DISTANCE = 2
    WALK_OR_RUN = 4
    CALIBRATION = 8
    SEVERAL_LOCATIONS = 16


@dataclass(frozen=True, slots=True)
class Rsc:
    """One RSC measurement, in SI; cadence as sent, in 1/min."""

    speed_mps: float
    cadence_per_min: int
    running: bool
    stride_length_m: float | None = None
    distance_m: float | None = None


@dataclass(frozen=True, slots=True)
class Power:
    """One power measurement; crank revolutions and the time of the last one as sent (they wrap at 16 bit)."""

    power_w: int
    crank_revolutions: int | None = None
    crank_time: int | None = None


@dataclass(frozen=True, slots=True)
class Heart:
    """One heart rate measurement; None: the strap does not touch the skin."""

    rate_bpm: int | None
    rr_s: tuple[float, ...] = ()


def decode_rsc(payload: bytes) -> Rsc:
    """Raises PacketError (TOO_SHORT, LENGTH)."""
    flags, speed, cadence = _head(_RSC, payload)
    at, stride, distance = _RSC.size, None, None
    if flags & RscFlag.STRIDE_LENGTH:
        stride, at = _field("<H", payload, at) / 100, at + 2
    if flags & RscFlag.DISTANCE:
        distance, at = _field("<I", payload, at) * DISTANCE_UNIT_M, at + 4
    _ends(payload, at)
    return Rsc(speed * SPEED_UNIT_MPS, cadence, bool(flags & RscFlag.RUNNING), stride, distance)


def encode_rsc(value: Rsc) -> bytes:
    """The inverse of `decode_rsc`."""
    flags = RscFlag.RUNNING if value.running else RscFlag(0)
    tail = b""
    if value.stride_length_m is not None:
        flags |= RscFlag.STRIDE_LENGTH
        tail += round(value.stride_length_m * 100).to_bytes(2, "little")
    if value.distance_m is not None:
        flags |= RscFlag.DISTANCE
        tail += round(value.distance_m / DISTANCE_UNIT_M).to_bytes(4, "little")
    return _RSC.pack(flags, round(value.speed_mps / SPEED_UNIT_MPS), value.cadence_per_min) + tail


_BEFORE_CRANK = ((0, 1), (2, 2), (4, 6))  # flag bit, bytes
_CRANK_BIT = 5
_AFTER_CRANK = ((6, 4), (7, 4), (8, 3), (9, 2), (10, 2), (11, 2))


def decode_power(payload: bytes) -> Power:
    """Raises PacketError (TOO_SHORT, LENGTH)."""
    flags, power = _head(_POWER, payload)
    at = _POWER.size + sum(size for bit, size in _BEFORE_CRANK if flags >> bit & 1)
    revolutions = time = None
    if flags >> _CRANK_BIT & 1:
        revolutions, time = _field("<H", payload, at), _field("<H", payload, at + 2)
        at += 4
    _ends(payload, at + sum(size for bit, size in _AFTER_CRANK if flags >> bit & 1))
    return Power(power, revolutions, time)


def encode_power(value: Power) -> bytes:
    """The inverse of `decode_power`."""
    if value.crank_revolutions is None or value.crank_time is None:
        return _POWER.pack(0, value.power_w)
    crank = value.crank_revolutions.to_bytes(2, "little") + value.crank_time.to_bytes(2, "little")
    return _POWER.pack(1 << _CRANK_BIT, value.power_w) + crank


def decode_heart(payload: bytes) -> Heart:
    """Raises PacketError (TOO_SHORT, LENGTH)."""
    (flags,) = _head(Struct("<B"), payload)
    rate, at = (_field("<H", payload, 1), 3) if flags & 1 else (_field("<B", payload, 1), 2)
    if flags >> 3 & 1:
        at += 2
    rr: tuple[int, ...] = ()
    if flags >> 4 & 1:
        if len(payload) <= at or (len(payload) - at) % 2:
            raise PacketError(PacketReason.LENGTH, f"{len(payload)} bytes with R-R intervals from {at} on")
        rr = unpack_from(f"<{(len(payload) - at) // 2}H", payload, at)
    else:
        _ends(payload, at)
    off_skin = flags >> 1 & 3 == 2
    return Heart(None if off_skin or rate == 0 else rate, tuple(value * RR_UNIT_S for value in rr))


def encode_heart(value: Heart) -> bytes:
    """The inverse of `decode_heart`."""
    contact = 2 if value.rate_bpm is None else 3
    rate = value.rate_bpm or 0
    flags = contact << 1 | (rate > 255) | (bool(value.rr_s) << 4)
    rr = b"".join(round(one / RR_UNIT_S).to_bytes(2, "little") for one in value.rr_s)
    return bytes([flags]) + rate.to_bytes(2 if rate > 255 else 1, "little") + rr


def _head(struct: Struct, payload: bytes) -> tuple[int, ...]:
    if len(payload) < struct.size:
        raise PacketError(PacketReason.TOO_SHORT, f"{len(payload)} bytes")
    return struct.unpack_from(payload)


def _field(kind: str, payload: bytes, at: int) -> int:
    try:
        (value,) = unpack_from(kind, payload, at)
    except error:
        raise PacketError(PacketReason.LENGTH, f"{len(payload)} bytes end before the field at {at}") from None
    return int(value)


def _ends(payload: bytes, at: int) -> None:
    if len(payload) != at:
        raise PacketError(PacketReason.LENGTH, f"{len(payload)} bytes, the flags say {at}")
