"""Open Pod, profile version 1: our own GATT profile for pods that anyone may build (specified in docs/open-pod.md).

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
     8 span      u16  time of last - first sample in 10 us: the true period is span / (n - 1)
    10 n         u8   samples
    11 rate id   u8   index into RATES_HZ
    12 samples   n x {acc i16 x 3, gyr i16 x 3 [, high g i16 x 3]}, full scale = 32768

The samples' scale comes from INFO and CONFIG only.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np
import numpy.typing as npt

from sensord.drivers.base import (
    Advertisement,
    Announce,
    AttError,
    Await,
    DecodeCounts,
    PodInfo,
    Read,
    Session,
    Subscribe,
    Wanted,
    Write,
)
from sensord.drivers.timeline import Stamp, Timeline
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import G_MPS2, Json, MaskArray, Packet, SampleBlock

NAME = "open-pod"
VERSION = 1

_UUID = "b36f{:04x}-49ab-4604-a44b-7b6e133ce625"
SERVICE, INFO, CONFIG, CONTROL, DATA, CLOCK = (_UUID.format(i) for i in range(6))

RATES_HZ: tuple[float, ...] = (26.0, 50.0, 52.0, 100.0, 104.0, 200.0, 208.0, 400.0, 416.0, 800.0, 833.0, 1000.0)
"""Rate table: the families of the inertial sensors that small pods are built of (26 x 2^k) and round rates."""

FULL_SCALE = 32768
"""Raw value that stands for the full range."""

SATURATED_RAW = math.ceil(0.995 * FULL_SCALE)
"""At or beyond 0.995 of full scale a sample counts as saturated (sensord.model.SampleBlock)."""

PERIOD_TOLERANCE = 0.15
"""Design choice: how far a sensor's true rate may be off its nominal one before a packet is taken for corrupt."""

MAX_SAMPLES = 255

_HEADER = struct.Struct("<BBHIHBB")
_INFO = struct.Struct("<BBI8sHHH")
_STREAM = struct.Struct("<BBBHBH")
_CONFIG = struct.Struct("<BBHHHB")
_CLOCK_ANSWER = struct.Struct("<BIQQ")

RawArray = npt.NDArray[np.int16]


class Flag(IntFlag):
    """Flags of a DATA packet. Bits that are not named are ignored."""

    SATURATED = 1
    OVERRUN = 2
    CLOCK_RESTARTED = 4


class Op(IntEnum):
    """First byte of a CONTROL write."""

    START = 1
    STOP = 2


class Refusal(IntEnum):
    """ATT application errors an Open Pod answers a write with."""

    MALFORMED = 0x80
    UNSUPPORTED = 0x81
    RUNNING = 0x82
    UNKNOWN_OP = 0x83

    @property
    def text(self) -> str:
        """In words."""
        return {
            Refusal.MALFORMED: "malformed or of another version",
            Refusal.UNSUPPORTED: "value not supported",
            Refusal.RUNNING: "not while it is running",
            Refusal.UNKNOWN_OP: "unknown command",
        }[self]


class Kind(IntEnum):
    """What a stream of INFO measures. Kinds that are not named are skipped."""

    ACC = 1
    GYR = 2
    HIGH_G = 3


# ------------------------------------------------------------------------------------------------------------- wire


@dataclass(frozen=True, slots=True)
class DataPacket:
    """A DATA notification taken apart. `raw` is (n, 6) or, with high g, (n, 9), in LSB."""

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
    if not 1 <= n <= MAX_SAMPLES or columns not in (6, 9):
        raise ValueError(f"cannot encode {n} samples of {columns} values")
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
    if flags & Flag.CLOCK_RESTARTED and seq != 0:
        raise PacketError(PacketReason.TIME, f"clock restarted in packet {seq}")
    raw = np.frombuffer(payload, "<i2", offset=_HEADER.size).reshape(n, columns).astype(np.int16)
    return DataPacket(seq, t_first_us, span_10us, rate_id, Flag(flags & 7), raw)


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
    """Token, time of receipt and of answer (us); None if this is no answer."""
    if len(payload) != _CLOCK_ANSWER.size or payload[0] != 2:
        return None
    _, token, rx_us, tx_us = _CLOCK_ANSWER.unpack(payload)
    return token, rx_us, tx_us


# ---------------------------------------------------------------------------------------------------------- decoder


class OpenPodDecoder:
    """DATA packets of one pod to SampleBlocks, across links. Latency: none, a packet gives its samples at once."""

    def __init__(self, info: Mapping[str, Json]) -> None:
        self.counts = DecodeCounts()
        self._info = _info_of(info)
        self._timeline = Timeline(self._info.clock_us)

    @property
    def rate_hz(self) -> float:
        """Nominal rate the pod was configured to."""
        return self._info.rate_hz

    def link_up(self, info: Mapping[str, Json]) -> None:
        """Linked again: the same boot id goes on in the same segment, another one begins a new segment."""
        fresh = _info_of(info)
        self._timeline.relink(restarted=_epoch(fresh) != _epoch(self._info), clock_us=fresh.clock_us)
        self._info = fresh

    def push(self, packet: Packet) -> list[SampleBlock]:
        """Samples of one notification, or none if it was seen before. Raises PacketError, counted by reason."""
        self.counts.packets += 1
        try:
            data = self._checked(packet)
            place = self._timeline.place(
                Stamp(
                    data.seq,
                    data.t_first_us,
                    len(data.raw),
                    data.period_us,
                    overrun=Flag.OVERRUN in data.flags,
                    restarted=Flag.CLOCK_RESTARTED in data.flags,
                )
            )
        except PacketError as error:
            self.counts.rejected[error.reason] = self.counts.rejected.get(error.reason, 0) + 1
            raise
        if place is None:
            self.counts.duplicates += 1
            return []
        self.counts.samples += len(data.raw)
        self.counts.lost = (self.counts.lost or 0) + (place.missing or 0)
        return [self._block(data, place.first_us, place.segment, place.missing, packet.t_ns)]

    def _checked(self, packet: Packet) -> DataPacket:
        if packet.characteristic != DATA:
            raise PacketError(PacketReason.CHARACTERISTIC, packet.characteristic)
        data = decode_data(packet.payload)
        if RATES_HZ[data.rate_id] != self._info.rate_hz:
            raise PacketError(PacketReason.RATE, f"{RATES_HZ[data.rate_id]:g} Hz, set to {self._info.rate_hz:g} Hz")
        if (data.raw.shape[1] == 9) != bool(self._info.high_g_range_g):
            raise PacketError(PacketReason.TYPE, f"{data.raw.shape[1]} values a sample is not what was set")
        return data

    def _block(self, data: DataPacket, first_us: int, segment: int, missing: int | None, t_rx_ns: int) -> SampleBlock:
        n = len(data.raw)
        offsets_ns = np.rint(np.arange(n) * (data.period_us * 1e3)).astype(np.int64)
        acc_scale = self._info.acc_range_g * G_MPS2 / FULL_SCALE
        gyr_scale = math.radians(self._info.gyr_range_dps) / FULL_SCALE
        values = data.raw.astype(np.float64)
        high = values[:, 6:] * (high_g * G_MPS2 / FULL_SCALE) if (high_g := self._info.high_g_range_g) else None
        return SampleBlock(
            t_pod_ns=first_us * 1000 + offsets_ns,
            acc_mps2=values[:, :3] * acc_scale,
            gyr_radps=values[:, 3:6] * gyr_scale,
            saturated=_saturated(data.raw),
            segment=segment,
            t_rx_ns=t_rx_ns,
            missing_before=missing,
            acc_range_mps2=self._info.acc_range_g * G_MPS2,
            gyr_range_radps=math.radians(self._info.gyr_range_dps),
            high_g_mps2=high,
        )


def _saturated(raw: RawArray) -> MaskArray:
    """Bits 0-2 acc x,y,z, 3-5 gyr x,y,z, from raw values (n, >= 6)."""
    at_limit = np.abs(raw[:, :6].astype(np.int32)) >= SATURATED_RAW
    mask: MaskArray = np.packbits(at_limit, axis=1, bitorder="little")[:, 0]
    return mask


def _info_of(info: Mapping[str, Json]) -> PodInfo:
    try:
        pod = PodInfo.from_json(info)
        usable = pod.driver == NAME and pod.rate_hz in RATES_HZ and pod.acc_range_g > 0 and pod.gyr_range_dps > 0
    except TypeError as error:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info cannot be read: {error}") from error
    if not usable:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info is not that of an {NAME}: {dict(info)}")
    return pod


def _epoch(info: PodInfo) -> tuple[str, int | None, float]:
    """What must stay the same for clock, counter and sample grid to go on."""
    return info.serial, info.boot_id, info.rate_hz


# ----------------------------------------------------------------------------------------------------------- driver


class OpenPod:
    """The driver: INFO, stop, configure, read back, clock, subscribe, start."""

    name = NAME

    def matches(self, advertisement: Advertisement) -> bool:
        """By the service UUID."""
        return SERVICE in advertisement.service_uuids

    def start(self, wanted: Wanted) -> Session[PodInfo]:
        """Configures the nearest the pod can do to `wanted` and starts it. Raises LinkError (IDENTITY, SETUP)."""
        identity = decode_info((yield Read(INFO)))
        yield Write(CONTROL, bytes([Op.STOP]))
        asked = _choose(identity, wanted)
        try:
            yield Write(CONFIG, encode_config(asked))
        except AttError as error:
            raise LinkError(LinkReason.SETUP, f"{asked}: {_refusal(error)}") from error
        actual = decode_config((yield Read(CONFIG)))
        _verify(identity, asked, actual)
        token = identity.boot_id
        yield Subscribe(CLOCK, data=False)
        yield Write(CLOCK, encode_clock_request(token))
        answer = decode_clock_answer((yield Await(CLOCK, lambda payload: _answers(payload, token))))
        assert answer is not None
        info = PodInfo(
            driver=NAME,
            model="Open Pod",
            firmware=".".join(str(v) for v in identity.firmware),
            serial=identity.serial.hex(),
            rate_hz=RATES_HZ[actual.rate_id],
            acc_range_g=float(actual.acc_range_g),
            gyr_range_dps=float(actual.gyr_range_dps),
            clock="us32",
            boot_id=identity.boot_id,
            clock_us=answer[2],
            high_g_range_g=float(actual.high_g_range_g) or None,
            details={"batch": actual.batch},
        )
        yield Announce(info)
        yield Subscribe(DATA)
        yield Write(CONTROL, bytes([Op.START]))
        return info

    def stop(self) -> Session[None]:
        """Stops sampling."""
        yield Write(CONTROL, bytes([Op.STOP]))

    def decoder(self, info: Mapping[str, Json]) -> OpenPodDecoder:
        """A decoder for what LINK_UP recorded. Raises LinkError (IDENTITY) if it cannot be read."""
        return OpenPodDecoder(info)


def _choose(identity: Identity, wanted: Wanted) -> Config:
    """The highest supported rate up to the wanted one (else the lowest), the wanted ranges as far as the pod goes."""
    at_most = [i for i in identity.rate_ids if RATES_HZ[i] <= wanted.rate_hz]
    return Config(
        rate_id=max(at_most) if at_most else min(identity.rate_ids),
        acc_range_g=min(math.ceil(wanted.acc_range_g), identity.range_of(Kind.ACC)),
        gyr_range_dps=min(math.ceil(wanted.gyr_range_dps), identity.range_of(Kind.GYR)),
        high_g_range_g=identity.range_of(Kind.HIGH_G),
    )


def _verify(identity: Identity, asked: Config, actual: Config) -> None:
    """What was read back must be what was asked; a pod may take the next wider range it has."""
    wrong = []
    if actual.rate_id != asked.rate_id:
        wrong.append(f"rate {RATES_HZ[actual.rate_id]:g} Hz, asked {RATES_HZ[asked.rate_id]:g} Hz")
    pairs = (
        ("acc", asked.acc_range_g, actual.acc_range_g, identity.range_of(Kind.ACC)),
        ("gyr", asked.gyr_range_dps, actual.gyr_range_dps, identity.range_of(Kind.GYR)),
        ("high g", asked.high_g_range_g, actual.high_g_range_g, identity.range_of(Kind.HIGH_G)),
    )
    for what, want, got, widest in pairs:
        if not want <= got <= widest:
            wrong.append(f"{what} range {got}, asked {want}, widest {widest}")
    if wrong:
        raise LinkError(LinkReason.SETUP, "; ".join(wrong))


def _answers(payload: bytes, token: int) -> bool:
    answer = decode_clock_answer(payload)
    return answer is not None and answer[0] == token


def _refusal(error: AttError) -> str:
    try:
        return Refusal(error.code).text
    except ValueError:
        return str(error)
