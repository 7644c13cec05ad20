"""Samples and readings that are already understood, as packets: recordings that were imported, logs that were fetched.

Not a pod: nothing is scanned for or spoken to. A run file holds packets, so what comes from files is written as packets
too, and then is a run like any other: replayed, analysed anew, kept. `DRIVERS` does not name it, `READERS` does.

`samples`, little endian, the whole packed by zlib:

    offset  0        1          2      4            8              12
           +--------+----------+------+------------+--------------+-----------------------------------------
           | ver u8 | flags u8 | n u16| segment u32| missing i32  | t_pod_ns n x i64 | acc n x 3 x f64 m/s2 |
           +--------+----------+------+------------+--------------+-----------------------------------------
             ... gyr n x 3 x f64 rad/s | saturated n x u8 | flags bit 0: high_g n x 3 x f64 m/s2

    missing: samples lost before the first one, -1 when nobody can know
    Doubles, so that an imported file gives the same bits as `sensord analyse` of it.

`reading`: the fields of `model.Reading` but `t_rx_ns`, canonical JSON; None is left out.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import fields
from math import isfinite
from struct import Struct

import numpy as np

from sensord.drivers.base import DecodeCounts, Decoded, PodInfo
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import G_MPS2, Json, Packet, Reading, SampleBlock, canonical_json

NAME = "recorded"
SAMPLES = "samples"
READING = "reading"

VERSION = 1
HIGH_G = 1
HEAD = Struct("<BBHIi")
MOST_ROWS = 4096
"""Design choice: a packet that claims more is refused before memory is asked for."""

_READING_FIELDS = {f.name for f in fields(Reading)} - {"t_rx_ns"}


def encode_samples(block: SampleBlock) -> bytes:
    """A block as a packet's payload; `t_rx_ns` and the full scales are the packet's and its info's."""
    missing = -1 if block.missing_before is None else block.missing_before
    high_g = b"" if block.high_g_mps2 is None else block.high_g_mps2.astype("<f8").tobytes()
    head = HEAD.pack(VERSION, HIGH_G if high_g else 0, len(block), block.segment, missing)
    arrays = (block.t_pod_ns.astype("<i8"), block.acc_mps2.astype("<f8"), block.gyr_radps.astype("<f8"))
    body = b"".join([head, *(array.tobytes() for array in arrays), block.saturated.tobytes(), high_g])
    return zlib.compress(body)


def encode_reading(reading: Reading) -> bytes:
    """A reading as a packet's payload."""
    values = {name: getattr(reading, name) for name in sorted(_READING_FIELDS)}
    kept = {name: list(v) if isinstance(v, tuple) else v for name, v in values.items() if v not in {None, ()}}
    return canonical_json(kept).encode()


class RecordedDecoder:
    """Packets back to the blocks and readings they were made of."""

    def __init__(self, info: Mapping[str, Json]) -> None:
        self.counts = DecodeCounts()
        self._info = _info_of(info)

    @property
    def rate_hz(self) -> float:
        """Sample rate of the recording; 0 for one of readings."""
        return self._info.rate_hz

    def link_up(self, info: Mapping[str, Json]) -> None:
        """Another recording of the same run: its packets say their segments."""
        self._info = _info_of(info)

    def push(self, packet: Packet) -> list[Decoded]:
        """One block or reading. Raises PacketError, counted."""
        counts = self.counts
        counts.packets += 1
        try:
            decoded = self._decoded(packet)
        except PacketError as error:
            counts.refuse(error)
            raise
        if isinstance(decoded, SampleBlock):
            counts.samples += len(decoded)
            counts.lost = (counts.lost or 0) + (decoded.missing_before or 0)
        return [decoded]

    def _decoded(self, packet: Packet) -> Decoded:
        if packet.characteristic == SAMPLES:
            return self._samples(packet)
        if packet.characteristic == READING:
            return _reading(packet)
        raise PacketError(PacketReason.CHARACTERISTIC, packet.characteristic)

    def _samples(self, packet: Packet) -> SampleBlock:
        body = _unpacked(packet.payload)
        version, flags, n, segment, missing = HEAD.unpack_from(body)
        if version != VERSION or flags not in {0, HIGH_G}:
            raise PacketError(PacketReason.TYPE, f"version {version}, flags {flags}")
        if len(body) != HEAD.size + n * (8 + 6 * 8 + 1 + (24 if flags else 0)):
            raise PacketError(PacketReason.LENGTH, f"{len(body)} bytes for {n} samples")
        if n == 0 or n > MOST_ROWS:
            raise PacketError(PacketReason.COUNT, f"{n} samples")
        at = HEAD.size
        t_ns = np.frombuffer(body, "<i8", n, at)
        vectors = np.frombuffer(body, "<f8", 6 * n, at + 8 * n)
        saturated = np.frombuffer(body, np.uint8, n, at + 56 * n)
        high_g = np.frombuffer(body, "<f8", 3 * n, at + 57 * n).reshape(n, 3) if flags else None
        if np.any(np.diff(t_ns) <= 0):
            raise PacketError(PacketReason.TIME, "sample times do not rise")
        return SampleBlock(
            t_pod_ns=t_ns.astype(np.int64),
            acc_mps2=vectors[: 3 * n].reshape(n, 3).astype(np.float64),
            gyr_radps=vectors[3 * n :].reshape(n, 3).astype(np.float64),
            saturated=saturated.copy(),
            segment=segment,
            t_rx_ns=packet.t_ns,
            missing_before=None if missing < 0 else missing,
            acc_range_mps2=self._info.acc_range_g * G_MPS2 or None,
            gyr_range_radps=float(np.deg2rad(self._info.gyr_range_dps)) or None,
            high_g_mps2=None if high_g is None else high_g.astype(np.float64),
        )


class Recorded:
    """What `Pipeline` asks of a driver, for recordings."""

    name = NAME

    def decoder(self, info: Mapping[str, Json]) -> RecordedDecoder:
        """A decoder for what LINK_UP recorded. Raises LinkError (IDENTITY) if it cannot be read."""
        return RecordedDecoder(info)


def _unpacked(payload: bytes) -> bytes:
    most = HEAD.size + MOST_ROWS * 81
    unpacker = zlib.decompressobj()
    try:
        body = unpacker.decompress(payload, most)
    except zlib.error as error:
        raise PacketError(PacketReason.CHECKSUM, str(error)) from None
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise PacketError(PacketReason.LENGTH, "packed samples that do not end")
    if len(body) < HEAD.size:
        raise PacketError(PacketReason.TOO_SHORT, f"{len(body)} bytes")
    return body


def _reading(packet: Packet) -> Reading:
    try:
        values = json.loads(packet.payload)
        unknown = set(values) - _READING_FIELDS
        if unknown:
            raise PacketError(PacketReason.TYPE, f"unknown field {min(unknown)}")
        rr_s = tuple(values.pop("rr_s", ()))
        kinds = {"segment": int, "running": bool}
        wrong = [name for name, value in values.items() if type(value) not in {kinds.get(name, float), int}]
        numbers = [value for value in (*values.values(), *rr_s) if not isinstance(value, bool)]
        if wrong or not all(isinstance(value, int | float) and isfinite(value) for value in numbers):
            raise PacketError(PacketReason.VALUE, f"{packet.payload[:80]!r}")
        return Reading(t_rx_ns=packet.t_ns, rr_s=tuple(float(v) for v in rr_s), **values)
    except (ValueError, TypeError, AttributeError) as error:
        raise PacketError(PacketReason.TYPE, str(error)) from None


def _info_of(info: Mapping[str, Json]) -> PodInfo:
    try:
        pod = PodInfo.from_json(info)
    except TypeError as error:
        raise LinkError(LinkReason.IDENTITY, f"recorded info cannot be read: {error}") from error
    if pod.driver != NAME or pod.rate_hz < 0:
        raise LinkError(LinkReason.IDENTITY, f"recorded info is not that of a recording: {dict(info)}")
    return pod
