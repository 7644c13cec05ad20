"""The bytes of MetaMotion boards, both ways: pure encode and decode.

All numbers little endian; service 326a9000-85cb-9195-d9dd-464cfbbae75a; commands are written to 326a9001 without
response, answers and data come on 326a9006; at most 20 bytes either way. Byte 0 is a module, byte 1 its register
(bit 7: read), byte 2 an id where a register has many. Writing 01 to a register asks for its notifications, 00 ends
them.

    09 03 id  tick u32  acc i16 x 3  gyr i16 x 3        19 bytes: one sample, as the chain below sends it
    03 04     acc i16 x 3, once or packed thrice        13 04 or 13 05 for the gyroscope: no time, no number
    0B 07     1 or 2 x {log id b0-4 | reset uid b5-7, tick u32, data u32}
    0B 84     tick u32, reset uid u8                    0B 85  entries u32          0B 08  entries that remain u32
    11 8C     percent u8, mV u16

A tick is 48/32768 s. The chain that stamps samples: a buffer holds the gyroscope's last value, a fuser puts it behind
each value of the accelerometer, an accounter puts the tick in front:

    09 02 13 reg ff a0 0f 05                            -> 09 02 buffer
    09 02 03 04 ff a0 1b 01 buffer, 11 x 00             -> 09 02 fuser
    09 02 09 03 fuser 60 11 31 03                       -> 09 02 accounter

Source: the maker's table of the protocol, github.com/mbientlab/MetaWear-API docs/api-specification.md (88b667fb), and
the bytes in the maker's own tests (MetaWear-SDK-Cpp f67699e5). The maker's code is proprietary: none of it is here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import IntArray

NAME = "metamotion"

SERVICE, COMMAND, NOTIFY = (f"326a{n}-85cb-9195-d9dd-464cfbbae75a" for n in ("9000", "9001", "9006"))
INFORMATION, MODEL, SERIAL, FIRMWARE = (
    f"0000{n}-0000-1000-8000-00805f9b34fb" for n in ("180a", "2a24", "2a25", "2a26")
)

MOST_BYTES = 20
READ = 0x80
ANY = 0xFF

TICKS_HZ = 32768 / 48
TICK_SPAN = 1 << 32
HALF_TICK_NS = 46_875_000, 64
"""Half a tick is this fraction: 732421.875 ns."""

FULL_SCALE = 32768
SATURATED_RAW = 32605
"""0.995 of full scale, rounded up (model.SampleBlock)."""


class Module(IntEnum):
    """Those that matter here."""

    ACC = 0x03
    PROCESSOR = 0x09
    EVENT = 0x0A
    LOG = 0x0B
    SETTINGS = 0x11
    GYR = 0x13
    MAG = 0x15
    FUSION = 0x19


class Sensor(IntEnum):
    """Registers that both sensors have."""

    POWER = 0x01
    INTERRUPT = 0x02
    CONFIG = 0x03


class Processor(IntEnum):
    """Registers of the data processor."""

    ADD = 0x02
    NOTIFY = 0x03
    NOTIFY_ENABLE = 0x07
    REMOVE_ALL = 0x08


class Log(IntEnum):
    """Registers of the log."""

    ENABLE = 0x01
    TRIGGER = 0x02
    TIME = 0x04
    LENGTH = 0x05
    READOUT = 0x06
    READOUT_NOTIFY = 0x07
    PROGRESS = 0x08
    DROP = 0x09
    REMOVE_ALL = 0x0A
    OVERWRITE = 0x0B
    PAGE_COMPLETE = 0x0D
    PAGE_CONFIRM = 0x0E
    FLUSH = 0x10


class Filter(IntEnum):
    """Kinds of data processors."""

    BUFFER = 0x0F
    ACCOUNTER = 0x11
    FUSER = 0x1B


INFO = 0x00
EVENT_REMOVE_ALL = 0x05
CONNECTION, BATTERY = 0x09, 0x0C
ACC_DATA = 0x04

SIX_BYTES = 0xA0
"""Source of six bytes from offset 0: (6 - 1) << 5."""

TWELVE_BYTES = 0x60
"""(12 - 1) << 5 cut to a byte: what the maker's tests send for a fused sample (TestFuserAccounter)."""

FUSED_MOST = 12
"""Bytes of the list of buffers in a fuser's settings."""

TIME_OF_FOUR_BYTES = (0x31, 0x03)
"""Accounter: mode 1 (time), 4 bytes, shifted by 3: ticks as the log has them, as in the maker's tests."""


@dataclass(frozen=True, slots=True)
class Board:
    """One kind of board. Codes of the settings by what they mean; `unsubscribe` ends what its registers may send."""

    name: str
    model: str
    acc_impl: int
    gyr_impl: int
    acc_conf: int
    acc_ranges: Mapping[float, int]
    acc_range_mask: int
    gyr_data: int
    unsubscribe: tuple[bytes, ...]
    flushes: bool


MMS = Board(
    name="MetaMotion S",
    model="8",
    acc_impl=4,
    gyr_impl=1,
    acc_conf=0xA0,
    acc_ranges={2.0: 0, 4.0: 1, 8.0: 2, 16.0: 3},
    acc_range_mask=0x03,
    gyr_data=0x04,
    unsubscribe=(b"\x03\x04\x00", b"\x03\x05\x00", b"\x13\x04\x00", b"\x13\x05\x00"),
    flushes=True,
)
MMRL = Board(
    name="MetaMotion RL",
    model="5",
    acc_impl=1,
    gyr_impl=0,
    acc_conf=0x20,
    acc_ranges={2.0: 0x03, 4.0: 0x05, 8.0: 0x08, 16.0: 0x0C},
    acc_range_mask=0x0F,
    gyr_data=0x05,
    unsubscribe=(b"\x03\x04\x00", b"\x03\x1c\x00", b"\x13\x05\x00", b"\x13\x07\x00"),
    flushes=False,
)
"""BMI270 and BMI160. A MetaMotion R calls itself 5, too, and has the same sensors."""

BOARDS = (MMS, MMRL)

ODR: Mapping[float, int] = {25.0: 6, 50.0: 7, 100.0: 8, 200.0: 9, 400.0: 10, 800.0: 11}
"""Codes of both sensors of both boards."""

ACC_RANGES_G = (2.0, 4.0, 8.0, 16.0)

GYR_RANGES: Mapping[float, int] = {125.0: 4, 250.0: 3, 500.0: 2, 1000.0: 1, 2000.0: 0}
GYR_CONF = 0x20
GYR_RANGE_MASK = 0x07
ODR_MASK = 0x0F


def acc_lsb_per_g(range_g: float) -> float:
    """16384 at 2 g to 2048 at 16 g."""
    return FULL_SCALE / range_g


def gyr_lsb_per_dps(range_dps: float) -> float:
    """16.4 at 2000 dps to 262.4 at 125 dps: raw values end at 1998 dps."""
    return 16.4 * 2000.0 / range_dps


def ticks_to_ns(ticks: int) -> int:
    """Start of a tick."""
    numerator, denominator = HALF_TICK_NS
    return 2 * ticks * numerator // denominator


def ticks_to_us(ticks: int) -> int:
    """Start of a tick."""
    return ticks_to_ns(ticks) // 1000


_Ticks = TypeVar("_Ticks", int, IntArray)


def stamp_ns(tick: _Ticks) -> _Ticks:
    """Middle of a tick: what was stamped was taken at any time in it."""
    numerator, denominator = HALF_TICK_NS
    return (2 * tick + 1) * numerator // denominator


# --------------------------------------------------------------------------------------------------------- commands


def command(module: int, register: int, *payload: int) -> bytes:
    """A command."""
    return bytes((module, register, *payload))


def encode_add(module: int, register: int, index: int, source: int, kind: Filter, *config: int) -> bytes:
    """Adds a data processor that is fed by this register."""
    return command(Module.PROCESSOR, Processor.ADD, module, register, index, source, kind, *config)


def encode_trigger(module: int, register: int, length: int, offset: int) -> bytes:
    """Logs up to four bytes of what this register says."""
    return command(Module.LOG, Log.TRIGGER, module, register, ANY, (length - 1) << 5 | offset)


def encode_connection(shortest_ms: float, longest_ms: float, latency: int, timeout_ms: int) -> bytes:
    """Asks the central for another connection interval."""
    values = (round(shortest_ms / 1.25), round(longest_ms / 1.25), latency, timeout_ms // 10)
    return command(Module.SETTINGS, CONNECTION) + struct.pack("<4H", *values)


def encode_readout(entries: int, notify_every: int) -> bytes:
    """Sends so many entries of the log, and every so often (0: at each page) how many remain."""
    return command(Module.LOG, Log.READOUT) + struct.pack("<II", entries, notify_every)


# ---------------------------------------------------------------------------------------------------------- answers


@dataclass(frozen=True, slots=True)
class LogInfo:
    """What the log says of itself: revision, triggers, entries it holds."""

    revision: int
    triggers: int
    capacity: int


def decode_log_info(answer: bytes) -> LogInfo:
    """What follows `0B 80`. Raises LinkError (SETUP)."""
    if len(answer) < 7:
        raise LinkError(LinkReason.SETUP, f"its log says of itself only {answer.hex() or 'nothing'}")
    return LogInfo(answer[1], answer[2], int.from_bytes(answer[3:7], "little"))


def decode_battery(answer: bytes) -> tuple[int, float]:
    """What follows `11 8C`: percent and volts."""
    return answer[0], int.from_bytes(answer[1:3], "little") / 1000


def decode_clock(answer: bytes) -> tuple[int, int]:
    """What follows `0B 84`: tick and reset uid."""
    return int.from_bytes(answer[:4], "little"), answer[4]


# ------------------------------------------------------------------------------------------------------------- data

_STAMPED = struct.Struct("<BBBI6h")
_STAMPED_ALONE = struct.Struct("<BBBI3h")

RawArray = npt.NDArray[np.int16]


def decode_stamped(payload: bytes) -> tuple[int, int, tuple[int, ...]]:
    """Processor, tick (or count) and three or six raw values of an accounter's notification. Raises PacketError."""
    if len(payload) < 3:
        raise PacketError(PacketReason.TOO_SHORT, f"{len(payload)} bytes")
    if payload[0] != Module.PROCESSOR or payload[1] != Processor.NOTIFY:
        raise PacketError(PacketReason.TYPE, payload[:2].hex(" "))
    if len(payload) == _STAMPED.size:
        _, _, processor, tick, *raw = _STAMPED.unpack(payload)
    elif len(payload) == _STAMPED_ALONE.size:
        _, _, processor, tick, *raw = _STAMPED_ALONE.unpack(payload)
    else:
        raise PacketError(PacketReason.LENGTH, f"{len(payload)} bytes of a processor")
    return processor, tick, tuple(raw)


def encode_stamped(processor: int, tick: int, raw: Sequence[int]) -> bytes:
    """The inverse of `decode_stamped`."""
    layout = _STAMPED if len(raw) == 6 else _STAMPED_ALONE
    return layout.pack(Module.PROCESSOR, Processor.NOTIFY, processor, tick % TICK_SPAN, *raw)


def decode_axes(payload: bytes) -> tuple[int, int, RawArray]:
    """Module, register and raw values (1 or 3, 3) of what a sensor's own register sends. Raises PacketError."""
    if len(payload) < 2:
        raise PacketError(PacketReason.TOO_SHORT, f"{len(payload)} bytes")
    if payload[0] not in (Module.ACC, Module.GYR):
        raise PacketError(PacketReason.TYPE, payload[:2].hex(" "))
    if len(payload) not in (8, 20):
        raise PacketError(PacketReason.LENGTH, f"{len(payload)} bytes of a sensor")
    return payload[0], payload[1], np.frombuffer(payload, "<i2", offset=2).reshape(-1, 3).astype(np.int16)


def encode_axes(module: int, register: int, raw: RawArray) -> bytes:
    """The inverse of `decode_axes`."""
    return command(module, register) + raw.astype("<i2").tobytes()


# -------------------------------------------------------------------------------------------------------------- log

ENTRY = np.dtype([("id", "u1"), ("tick", "<u4"), ("data", "<u4")])
ENTRY_HEAD = bytes([Module.LOG, Log.READOUT_NOTIFY])
ENTRY_ID, RESET_UID = 0x1F, 0x07

EntryArray = npt.NDArray[np.void]


def decode_entries(payload: bytes) -> EntryArray:
    """Entries of one notification of a readout (or of several, joined). Raises PacketError."""
    if payload[:2] != ENTRY_HEAD:
        raise PacketError(PacketReason.TYPE, payload[:2].hex(" "))
    if len(payload) == 2 or (len(payload) - 2) % ENTRY.itemsize:
        raise PacketError(PacketReason.LENGTH, f"{len(payload)} bytes of entries")
    return np.frombuffer(payload, ENTRY, offset=2)


def seal(entries: bytes) -> bytes:
    """A piece of a log as it is kept: entries of one page as they came, and a checksum of ours."""
    piece = ENTRY_HEAD + entries
    return piece + zlib.crc32(piece).to_bytes(4, "little")


def unseal(piece: bytes) -> EntryArray:
    """Entries of a kept piece. Raises PacketError."""
    if len(piece) < 6:
        raise PacketError(PacketReason.TOO_SHORT, f"{len(piece)} bytes")
    if zlib.crc32(piece[:-4]) != int.from_bytes(piece[-4:], "little"):
        raise PacketError(PacketReason.CHECKSUM, f"{len(piece)} bytes of a log")
    return decode_entries(piece[:-4])
