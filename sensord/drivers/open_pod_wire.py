"""The bytes of Open Pod, profile version 1 (docs/open-pod.md is the specification): pure encode and decode.

All numbers little endian. UUIDs b36fNNNN-49ab-4604-a44b-7b6e133ce625: service 0000, INFO 0001, CONFIG 0002,
CONTROL 0003, DATA 0004, CLOCK 0005.

    INFO (read), 22 + 8 k bytes                          CONFIG (read 10 bytes, write the first 9)
     0 version   u8   1                                   0 version  u8   1
     1 k         u8   streams                             1 rate id  u8   index into RATES_HZ
     2 boot id   u32  new at every start                  2 acc      u16  full scale, g
     6 serial    8 B                                      4 gyr      u16  full scale, dps
    14 firmware  u16 x 3                                  6 high g   u16  full scale, g (0: none)
    20 streams   k x {kind u8, axes u8, bits u8,          8 batch    u8   samples a packet (0: as many as fit)
                      range u16, unit u8, rate u16}       9 state    u8   0 stopped, 1 running
    .. rates     u16  bit i: RATES_HZ[i] is supported

    CONTROL (write): op u8, 1 start, 2 stop              CLOCK: write  01 token u32
                                                                notify 02 token u32, t_rx u64 us, t_tx u64 us
    DATA (notify), 12 + n x 12 (type 1) or n x 18 bytes (type 2)
     0 type      u8   1 acc+gyr, 2 acc+gyr+high g
     1 flags     u8   b0 saturated sample inside, b1 FIFO overrun before, b2 first packet since the clock began
     2 seq       u16  +1 a packet, wraps; a gap is a lost packet; 0 in the first packet since the clock began
     4 t_first   u32  us, low 32 bits of the pod's clock at the first sample, wraps after 71.58 min
     8 span      u16  time of last - first sample in 10 us (at most 655 ms): the true period is span / (n - 1)
    10 n         u8   samples
    11 rate id   u8   index into RATES_HZ
    12 samples   n x {acc i16 x 3, gyr i16 x 3 [, high g i16 x 3]}, full scale = 32768

The samples' scale comes from INFO and CONFIG only.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sensord.errors import LinkError, LinkReason, PacketError, PacketReason

VERSION = 1

_UUID = "b36f{:04x}-49ab-4604-a44b-7b6e133ce625"
SERVICE, INFO, CONFIG, CONTROL, DATA, CLOCK = (_UUID.format(i) for i in range(6))

RATES_HZ: tuple[float, ...] = (26.0, 50.0, 52.0, 100.0, 104.0, 200.0, 208.0, 400.0, 416.0, 800.0, 833.0, 1000.0)
"""Rate table: the families of the inertial sensors that small pods are built of (26 x 2^k) and round rates."""

LATEST_US = 1 << 53
"""285 years: more than any clock shows, and still nanoseconds that fit in 64 bits."""

FULL_SCALE = 32768
"""Raw value that stands for the full range."""

SATURATED_RAW = math.ceil(0.995 * FULL_SCALE)
"""At or beyond 0.995 of full scale a sample counts as saturated (sensord.model.SampleBlock)."""

PERIOD_TOLERANCE = 0.15
"""Design choice: how far a sensor's true rate may be off its nominal one before a packet is taken for corrupt."""

MAX_SAMPLES = 255

MAX_SPAN_10US = 0xFFFF
"""A packet spans at most 655.35 ms, whatever fits into it."""

_HEADER = struct.Struct("<BBHIHBB")
_INFO = struct.Struct("<BBI8sHHH")
_STREAM = struct.Struct("<BBBHBH")
_CONFIG = struct.Struct("<BBHHHB")
_CLOCK_ANSWER = struct.Struct("<BIQQ")
_SAMPLES = np.dtype("<i2")
_NATIVE = _SAMPLES.isnative

RawArray = npt.NDArray[np.int16]


class Flag(IntFlag):
    """Flags of a DATA packet. Bits that are not named are ignored."""

    SATURATED = 1
    OVERRUN = 2
    CLOCK_RESTARTED = 4


_FLAGS = tuple(Flag(bits) for bits in range(8))
"""Each combination once: making one anew takes as long as reading the samples."""


class Op(IntEnum):
    """First byte of a CONTROL write."""

    START = 1
    STOP = 2


class Refusal(IntEnum):
    """ATT application errors an Open Pod answers a write with; from 0x84 on only pods that log."""

    MALFORMED = 0x80
    UNSUPPORTED = 0x81
    RUNNING = 0x82
    UNKNOWN_OP = 0x83
    HOLDS_A_LOG = 0x84
    BATTERY_LOW = 0x85
    MEMORY = 0x86
    NO_SUCH_PLACE = 0x87

    @property
    def text(self) -> str:
        """In words."""
        return {
            Refusal.MALFORMED: "malformed or of another version",
            Refusal.UNSUPPORTED: "value not supported",
            Refusal.RUNNING: "not while it is running or logging",
            Refusal.UNKNOWN_OP: "unknown command",
            Refusal.HOLDS_A_LOG: "it holds a log that was not erased",
            Refusal.BATTERY_LOW: "its battery is too low",
            Refusal.MEMORY: "its memory does not work",
            Refusal.NO_SUCH_PLACE: "its log does not reach so far",
        }[self]


class Kind(IntEnum):
    """What a stream of INFO measures. Kinds that are not named are skipped."""

    ACC = 1
    GYR = 2
    HIGH_G = 3


# ------------------------------------------------------------------------------------------------------------- wire


class DataPacket(NamedTuple):
    """A DATA notification taken apart. `raw` is (n, 6) or, with high g, (n, 9), in LSB; decoded, it is read-only."""

    seq: int
    t_first_us: int
    span_10us: int
    rate_id: int
    flags: Flag
    raw: RawArray

    @property
    def period_us(self) -> float:
        """True sample period; the nominal one for a single sample."""
        n = len(self.raw)
        return self.span_10us * 10 / (n - 1) if n > 1 else 1e6 / RATES_HZ[self.rate_id]


def encode_data(packet: DataPacket) -> bytes:
    """Bytes of a DATA notification. Counter and clock are wrapped here."""
    n, columns = packet.raw.shape
    if not 1 <= n <= MAX_SAMPLES or columns not in (6, 9) or not 0 <= packet.span_10us <= MAX_SPAN_10US:
        raise ValueError(f"cannot encode {n} samples of {columns} values in {packet.span_10us / 100} ms")
    header = _HEADER.pack(
        1 if columns == 6 else 2,
        packet.flags,
        packet.seq & 0xFFFF,
        packet.t_first_us & 0xFFFFFFFF,
        packet.span_10us,
        n,
        packet.rate_id,
    )
    return header + packet.raw.astype("<i2").tobytes()


def decode_data(payload: bytes) -> DataPacket:
    """The inverse of `encode_data`. Raises PacketError and nothing else, whatever the bytes."""
    if len(payload) < _HEADER.size:
        raise PacketError(PacketReason.TOO_SHORT, f"{len(payload)} bytes")
    kind, flags, seq, t_first_us, span_10us, n, rate_id = _HEADER.unpack_from(payload)
    if kind not in (1, 2):
        raise PacketError(PacketReason.TYPE, str(kind))
    if n == 0:
        raise PacketError(PacketReason.COUNT, "0")
    columns = 6 if kind == 1 else 9
    if len(payload) != _HEADER.size + 2 * columns * n:
        raise PacketError(PacketReason.LENGTH, f"{len(payload)} bytes for {n} samples")
    if rate_id >= len(RATES_HZ):
        raise PacketError(PacketReason.RATE, str(rate_id))
    nominal_10us = (n - 1) * 1e5 / RATES_HZ[rate_id]
    if abs(span_10us - nominal_10us) > PERIOD_TOLERANCE * nominal_10us + 1:
        raise PacketError(PacketReason.TIME, f"{n} samples at {RATES_HZ[rate_id]:g} Hz in {span_10us / 100:g} ms")
    known = _FLAGS[flags & 7]
    if seq != 0 and known and Flag.CLOCK_RESTARTED in known:
        raise PacketError(PacketReason.TIME, f"clock restarted in packet {seq}")
    raw: RawArray = np.ndarray((n, columns), _SAMPLES, payload, _HEADER.size)
    return DataPacket(seq, t_first_us, span_10us, rate_id, known, raw if _NATIVE else raw.astype(np.int16))


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of sensor in INFO: its widest range and highest rate. `bits` is what the sensor resolves."""

    kind: int
    range: int
    rate_hz: int
    axes: int = 3
    bits: int = 16

    @property
    def unit(self) -> int:
        """1: g, 2: dps."""
        return 2 if self.kind == Kind.GYR else 1


@dataclass(frozen=True, slots=True)
class Identity:
    """INFO taken apart."""

    boot_id: int
    serial: bytes
    firmware: tuple[int, int, int]
    streams: tuple[Stream, ...]
    rate_ids: tuple[int, ...]

    def range_of(self, kind: Kind) -> int:
        """Widest range of a kind of sensor, 0 if the pod has none."""
        return next((s.range for s in self.streams if s.kind == kind), 0)


def encode_info(identity: Identity) -> bytes:
    """Bytes of INFO."""
    head = _INFO.pack(VERSION, len(identity.streams), identity.boot_id, identity.serial, *identity.firmware)
    streams = b"".join(_STREAM.pack(s.kind, s.axes, s.bits, s.range, s.unit, s.rate_hz) for s in identity.streams)
    return head + streams + struct.pack("<H", sum(1 << i for i in identity.rate_ids))


def decode_info(payload: bytes) -> Identity:
    """The inverse of `encode_info`; bytes after it are left to later versions. Raises LinkError (IDENTITY)."""
    if len(payload) < _INFO.size or payload[0] != VERSION:
        raise LinkError(LinkReason.IDENTITY, f"INFO is not of Open Pod version {VERSION}: {payload[:24].hex()}")
    _, count, boot_id, serial, *firmware = _INFO.unpack_from(payload)
    end = _INFO.size + count * _STREAM.size
    if len(payload) < end + 2:
        raise LinkError(LinkReason.IDENTITY, f"INFO of {count} streams has only {len(payload)} bytes")
    streams = []
    for kind, axes, bits, full, _unit, rate_hz in _STREAM.iter_unpack(payload[_INFO.size : end]):
        streams.append(Stream(kind, full, rate_hz, axes, bits))
    (mask,) = struct.unpack_from("<H", payload, end)
    rates = tuple(i for i in range(len(RATES_HZ)) if mask >> i & 1)
    identity = Identity(boot_id, serial, (firmware[0], firmware[1], firmware[2]), tuple(streams), rates)
    if not (identity.range_of(Kind.ACC) and identity.range_of(Kind.GYR) and rates):
        raise LinkError(LinkReason.IDENTITY, "INFO names no accelerometer, no gyroscope or no rate")
    return identity


@dataclass(frozen=True, slots=True)
class Config:
    """CONFIG taken apart."""

    rate_id: int
    acc_range_g: int
    gyr_range_dps: int
    high_g_range_g: int = 0
    batch: int = 0


def encode_config(config: Config) -> bytes:
    """Bytes of a CONFIG write; a pod appends its state when it is read."""
    return _CONFIG.pack(
        VERSION, config.rate_id, config.acc_range_g, config.gyr_range_dps, config.high_g_range_g, config.batch
    )


def decode_config(payload: bytes) -> Config:
    """The inverse of `encode_config`. Raises LinkError (SETUP)."""
    if len(payload) < _CONFIG.size or payload[0] != VERSION:
        raise LinkError(LinkReason.SETUP, f"CONFIG is not of Open Pod version {VERSION}: {payload.hex()}")
    _, rate_id, acc, gyr, high, batch = _CONFIG.unpack_from(payload)
    if rate_id >= len(RATES_HZ):
        raise LinkError(LinkReason.SETUP, f"CONFIG has unknown rate id {rate_id}")
    return Config(rate_id, acc, gyr, high, batch)


def encode_clock_request(token: int) -> bytes:
    """Bytes of a CLOCK write."""
    return struct.pack("<BI", 1, token)


def encode_clock_answer(token: int, rx_us: int, tx_us: int) -> bytes:
    """Bytes of a CLOCK notification."""
    return _CLOCK_ANSWER.pack(2, token, rx_us, tx_us)


def decode_clock_answer(payload: bytes) -> tuple[int, int, int] | None:
    """Token, time of receipt and of answer (us); None if this is no answer, or one with times that cannot be."""
    if len(payload) != _CLOCK_ANSWER.size or payload[0] != 2:
        return None
    _, token, rx_us, tx_us = _CLOCK_ANSWER.unpack(payload)
    return (token, rx_us, tx_us) if max(rx_us, tx_us) <= LATEST_US else None
