"""The control point of Polar's measurement service (PMD): commands, answers, settings; pure encode and decode.

Sources: "Polar Measurement Data Specification for 3rd Party" (1.0, August 2024) and polar-ble-sdk @8fb5311c.

    read                              0F  features: bit i of the bytes that follow is measurement i
    write     op type [settings ...]      01 settings? 02 start 03 stop 05 what runs? 06 SDK mode on?
    indicated F0 op type status more [parameters ...]
              of an answer in parts all but the last have more != 0; one that is refused ends after its status
    indicated 01 type ...             the pod itself stopped these measurements
    settings  { id u8, count u8, count x value }
              0 rate Hz u16, 1 resolution bits u16, 2 range u16, 3 range in thousandths u32, 4 channels u8,
              5 conversion factor f32, 6 key 16 B

SDK mode, which has the high rates and wide ranges, is measurement 9: start is on, stop is off. It can only be changed
while nothing runs (SdkModeExplained.md).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from sensord.errors import LinkError, LinkReason

_UUID = "fb005c{:02x}-02e7-f387-1cad-8acd2d8df0c8"
SERVICE, CONTROL, DATA = (_UUID.format(i) for i in (0x80, 0x81, 0x82))

FEATURES = 0x0F
ANSWER = 0xF0
STOPPED_BY_POD = 0x01


class Op(IntEnum):
    """First byte of a command."""

    SETTINGS = 1
    START = 2
    STOP = 3
    RUNNING = 5
    SDK_MODE = 6


class Kind(IntEnum):
    """What is measured."""

    ECG = 0
    PPG = 1
    ACC = 2
    PPI = 3
    GYRO = 5
    MAG = 6
    SDK_MODE = 9

    @property
    def text(self) -> str:
        """In words."""
        return {Kind.ACC: "accelerometer", Kind.GYRO: "gyroscope", Kind.SDK_MODE: "SDK mode"}.get(self, self.name)


SENSORS = (Kind.ACC, Kind.GYRO)

STREAMS = tuple(kind for kind in Kind if kind is not Kind.SDK_MODE)
"""Measurements that may still run from before; older firmware does not say which."""

_STATUS = (
    "done",
    "it does not know the command",
    "it does not know the measurement",
    "it does not support it",
    "wrong length of the command",
    "wrong parameter",
    "it is in that state already",
    "it does not have that resolution",
    "it does not have that rate",
    "it does not have that range",
    "the connection's packets are too short for it (MTU)",
    "wrong number of channels",
    "not in its present state",
    "it is in its charger: take it out",
    "its memory is full",
)

DONE = 0
NOT_SUPPORTED = 3
ALREADY = 6
WRONG_STATE = 12
IN_CHARGER = 13


def status_text(status: int) -> str:
    """A status byte in words."""
    return _STATUS[status] if status < len(_STATUS) else f"error {status}"


# --------------------------------------------------------------------------------------------------------- settings


class Setting(IntEnum):
    """What can be set; the value says how."""

    RATE_HZ = 0
    RESOLUTION_BITS = 1
    RANGE = 2
    RANGE_MILLI = 3
    CHANNELS = 4
    FACTOR = 5
    KEY = 6

    @property
    def text(self) -> str:
        """In words."""
        return self.name.split("_", maxsplit=1)[0].lower()


_VALUES = {
    Setting.RATE_HZ: struct.Struct("<H"),
    Setting.RESOLUTION_BITS: struct.Struct("<H"),
    Setting.RANGE: struct.Struct("<H"),
    Setting.RANGE_MILLI: struct.Struct("<I"),
    Setting.CHANNELS: struct.Struct("<B"),
    Setting.FACTOR: struct.Struct("<f"),
    Setting.KEY: struct.Struct("<16s"),
}

Settings = Mapping[Setting, Sequence[float]]
"""The values there are of each setting."""


def encode_settings(settings: Settings) -> bytes:
    """Settings in the order they are given."""
    parts = []
    for setting, values in settings.items():
        whole = setting is not Setting.FACTOR
        parts.append(bytes([setting, len(values)]))
        parts += [_VALUES[setting].pack(int(value) if whole else value) for value in values]
    return b"".join(parts)


def decode_settings(parameters: bytes) -> dict[Setting, tuple[float, ...]]:
    """The inverse of `encode_settings`. Keys are left out. Raises LinkError (SETUP) for what does not add up."""
    settings: dict[Setting, tuple[float, ...]] = {}
    at = 0
    while at < len(parameters):
        head = parameters[at : at + 2]
        if len(head) < 2 or head[0] not in _VALUES:
            raise LinkError(LinkReason.SETUP, f"settings cannot be read at byte {at}: {parameters.hex(' ')}")
        setting, value = Setting(head[0]), _VALUES[Setting(head[0])]
        end = at + 2 + head[1] * value.size
        if end > len(parameters):
            raise LinkError(LinkReason.SETUP, f"settings end inside one: {parameters.hex(' ')}")
        if setting is not Setting.KEY:
            settings[setting] = tuple(v for (v,) in value.iter_unpack(parameters[at + 2 : end]))
        at = end
    return settings


def factor_of(parameters: bytes) -> float | None:
    """The conversion factor in the answer to a start, None when there is none.

    An H10 answers with a single reserved byte, a Verity Sense that streams mg with nothing (polar-ble-sdk issue 443).
    """
    if len(parameters) < 2:
        return None
    factors = decode_settings(parameters).get(Setting.FACTOR, ())
    return factors[0] if factors else None


# --------------------------------------------------------------------------------------------------------- commands


def start(kind: Kind, settings: Settings) -> bytes:
    """Starts a measurement."""
    return bytes([Op.START, kind]) + encode_settings(settings)


def stop(kind: Kind) -> bytes:
    """Stops a measurement."""
    return bytes([Op.STOP, kind])


@dataclass(frozen=True, slots=True)
class Answer:
    """The pod's answer to a command."""

    status: int
    parameters: bytes = b""

    @property
    def done(self) -> bool:
        """Whether the pod did it."""
        return self.status == DONE


def encode_answer(op: int, kind: int, answer: Answer, *, most_bytes: int = 244) -> list[bytes]:
    """Indications of an answer, in as many parts as it needs."""
    head = bytes([ANSWER, op, kind, answer.status])
    if not answer.done:
        return [head + b"\0"]
    room = most_bytes - 5
    parts = [answer.parameters[at : at + room] for at in range(0, len(answer.parameters), room)] or [b""]
    return [head + bytes([i < len(parts) - 1]) + part for i, part in enumerate(parts)]


@dataclass(slots=True)
class Collector:
    """Gathers the indications that answer one command; `take` is true when the last one has come."""

    command: bytes
    answer: Answer | None = None
    _so_far: bytes = field(default=b"", repr=False)

    def take(self, indication: bytes) -> bool:
        """Whether this completes the answer."""
        if len(indication) < 4 or indication[:2] != bytes([ANSWER, self.command[0]]):
            return False
        if len(self.command) > 1 and indication[2] != self.command[1]:
            return False
        status, more = indication[3], len(indication) > 4 and indication[4] != 0
        if status == DONE:
            self._so_far += indication[5:]
            if more:
                return False
        self.answer = Answer(status, self._so_far if status == DONE else b"")
        return True


def decode_features(payload: bytes) -> frozenset[int]:
    """Numbers of the measurements the pod can do. Raises LinkError (IDENTITY)."""
    if len(payload) < 2:
        raise LinkError(LinkReason.IDENTITY, f"its features cannot be read: {payload.hex(' ') or 'nothing'}")
    mask = int.from_bytes(payload[1:], "little")
    return frozenset(i for i in range(mask.bit_length()) if mask >> i & 1)


def encode_features(kinds: Sequence[int]) -> bytes:
    """The inverse of `decode_features`, 17 bytes as a Verity Sense has them."""
    return bytes([FEATURES]) + sum(1 << kind for kind in kinds).to_bytes(16, "little")


def running(parameters: bytes) -> tuple[frozenset[int], frozenset[int]]:
    """Measurements that stream, and those that record on board, of the answer to RUNNING.

    Bits 6 and 7 of each byte (PmdActiveMeasurement.kt).
    """
    streaming = frozenset(b & 0x3F for b in parameters if b & 0x40)
    recording = frozenset(b & 0x3F for b in parameters if b & 0x80)
    return streaming, recording


def stopped_by_pod(indication: bytes) -> tuple[int, ...]:
    """Measurements that the pod says it stopped by itself; empty for any other indication."""
    return tuple(b & 0x3F for b in indication[1:]) if indication[:1] == bytes([STOPPED_BY_POD]) else ()
