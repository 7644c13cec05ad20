"""Shimmer3R: from a stream of bytes that may be cut anywhere to samples (the bytes: `shimmer3r_wire`).

Every frame ends in a checksum, so a frame is found by trying: at each byte that can begin one, does the checksum fit?
What does not fit is skipped byte by byte. The bytes behind the last good sample are the beginning of the next; a
notification in which nothing fits may be foreign, or a loss was before it. So two readings are kept, what is sure and
all that came since, and the next notification says which of them it continues.

Time is in every sample, exact to the tick, so losses are exact: the ticks between samples over the divisor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sensord.drivers.base import DecodeCounts, PodInfo
from sensord.drivers.shimmer3r_time import Run, TickLine
from sensord.drivers.shimmer3r_wire import (
    CRC_BYTES,
    DATA,
    DONE,
    HIGH_G_WORD_END,
    LATEST_TICKS,
    NAME,
    REFUSED,
    SATURATED_SHARE,
    WORD_END,
    Calibration,
    Op,
    Schema,
    crc16,
    ticks_to_ns,
)
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import G_MPS2, FloatArray, Json, MaskArray, Packet, SampleBlock

HIGH_G_BIT = 0b1000000
"""model.SampleBlock.saturated: any axis of the high-g sensor."""

REPEAT_BYTES = 7
"""A notification of so many bytes or more (a status has as many) that equals the one before is a repeat: samples carry
time, and no module cuts a stream so short for long (design choice)."""

STATUS_BYTES, BATTERY_BYTES = 2, 3


class Scale:
    """Counts to units, by the calibration that LINK_UP recorded."""

    def __init__(self, info: PodInfo, *, high_g: bool) -> None:
        names = ("acc", "gyr", "high_g") if high_g else ("acc", "gyr")
        calibrations = [Calibration.from_json(info.details["calibration"][name]) for name in names]
        matrices = np.stack([c.matrix() for c in calibrations])
        weights = np.abs(matrices)
        self._mixes = weights >= 0.5 * weights.max(axis=2, keepdims=True)
        matrices[1] *= math.pi / 180
        self._columns = tuple(matrices[:, :, k] for k in range(3))
        self._offset = np.array([c.offset for c in calibrations])
        self._limit = np.full(3 * len(names), math.ceil(SATURATED_SHARE * WORD_END))
        if high_g:
            full = min(info.high_g_range_g * G_MPS2 * min(calibrations[2].sensitivity), HIGH_G_WORD_END)  # type: ignore[operator]
            self._limit[6:] = math.ceil(SATURATED_SHARE * full)

    def values(self, words: npt.NDArray[np.int32]) -> FloatArray:
        """Counts (n, 6 or 9) to m/s2 and rad/s; each value by itself, so that cuts change no bit."""
        u = words.reshape(len(words), -1, 3) - self._offset
        first, second, third = self._columns
        out = u[:, :, :1] * first
        out += u[:, :, 1:2] * second
        out += u[:, :, 2:] * third
        values: FloatArray = out.reshape(len(words), -1)
        return values

    def saturated(self, words: npt.NDArray[np.int32]) -> MaskArray:
        """Bits as in model.SampleBlock. An axis is at its end when the counts that it is mostly made of are."""
        at_end = np.abs(words) >= self._limit
        mask = np.zeros(len(words), np.uint8)
        if not at_end.any():
            return mask
        axes = (at_end.reshape(len(words), -1, 1, 3) & self._mixes).any(axis=3)
        for sensor in range(2):
            for axis in range(3):
                mask |= axes[:, sensor, axis].astype(np.uint8) << np.uint8(3 * sensor + axis)
        if axes.shape[1] > 2:
            mask |= axes[:, 2].any(axis=1).astype(np.uint8) * np.uint8(HIGH_G_BIT)
        return mask


class Found(NamedTuple):
    """What a stretch of bytes holds: where samples begin, whether anything was a frame, what is left, what was not."""

    samples: list[int]
    frames: int
    rest: int
    skipped: int


_TOLD = frozenset(map(int, (Op.ACK, Op.NACK, Op.IN_STREAM)))
"""First bytes of what is no sample."""


def find_frames(data: bytes, frame_bytes: int) -> Found:
    """Goes through bytes once; `rest` is where a frame begins that is not whole yet."""
    samples: list[int] = []
    i, frames, skipped, end = 0, 0, 0, len(data)
    body = frame_bytes - CRC_BYTES
    while i < end:
        first = data[i]
        length = 0
        if first == 0:
            if i + frame_bytes > end:
                break
            stop = i + body
            if crc16(data[i:stop]) == data[stop] | data[stop + 1] << 8:
                samples.append(i)
                length = frame_bytes
        elif first in _TOLD:
            length = _control_bytes(data, i)
            if length < 0:
                break
        if length:
            frames += 1
            i += length
        else:
            skipped += 1
            i += 1
    return Found(samples, frames, i, skipped)


def _control_bytes(data: bytes, at: int) -> int:
    """Length of the answer or status (`_TOLD`) that is whole here; 0: it is none; -1: not all of it has come yet."""
    if data.startswith((DONE, REFUSED), at):
        return len(DONE)
    opcode = at + (data[at] == Op.ACK)
    for head, payload in ((Op.STATUS_RSP, STATUS_BYTES), (Op.BATTERY_RSP, BATTERY_BYTES)):
        start = bytes([Op.IN_STREAM, head])
        stop = opcode + 2 + payload
        got = data[opcode : opcode + 2]
        if len(got) < 2 and start.startswith(got):
            return -1
        if got == start:
            if stop + CRC_BYTES > len(data):
                return -1
            if crc16(data[at:stop]) == data[stop] | data[stop + 1] << 8:
                return stop + CRC_BYTES - at
    whole = len(DONE)
    return -1 if len(data) - at < whole and (DONE.startswith(data[at:]) or REFUSED.startswith(data[at:])) else 0


class ShimmerDecoder:
    """Notifications of one pod to SampleBlocks, across links. Latency: none, a sample comes with its last byte."""

    def __init__(self, info: Mapping[str, Json]) -> None:
        self.counts = DecodeCounts()
        self._use(info_of(info))
        self._line = TickLine(self._divisor, self._clock_ticks)

    @property
    def rate_hz(self) -> float:
        """Nominal rate the pod was configured to."""
        return self._info.rate_hz

    def link_up(self, info: Mapping[str, Json]) -> None:
        """Linked again: goes on where the pod's clock says, or in a new segment if that was set or began anew."""
        before = self._info.serial, self._divisor
        self._use(info_of(info))
        self._line.relink(self._divisor, self._clock_ticks, anew=before != (self._info.serial, self._divisor))

    def push(self, packet: Packet) -> list[SampleBlock]:
        """Samples whose last byte is in this notification. Raises PacketError, counted by reason."""
        self.counts.packets += 1
        try:
            return self._push(packet)
        except PacketError as error:
            rejected = self.counts.rejected
            rejected[error.reason] = rejected.get(error.reason, 0) + 1
            raise

    def _use(self, info: PodInfo) -> None:
        details = info.details
        try:
            self._schema = Schema(tuple(int(c) for c in details["channels"]))
            self._scale = Scale(info, high_g=self._schema.high_g)
            self._divisor = int(details["divisor"])
            clock = details.get("clock_ticks")
            self._clock_ticks = None if clock is None else int(clock)
        except (KeyError, TypeError, ValueError, LinkError) as error:
            raise LinkError(LinkReason.IDENTITY, f"recorded pod info cannot be read: {error!r}") from error
        if self._divisor < 1 or not 0 <= (self._clock_ticks or 0) <= LATEST_TICKS:
            told = f"a divisor of {self._divisor} and a clock of {self._clock_ticks}"
            raise LinkError(LinkReason.IDENTITY, f"recorded pod info has {told}")
        self._info = info
        self._acc_range_mps2 = info.acc_range_g * G_MPS2
        self._gyr_range_radps = math.radians(info.gyr_range_dps)
        self._sure = self._all = self._previous = b""
        self._unbroken = True  # all that is open goes on from what is sure

    def _push(self, packet: Packet) -> list[SampleBlock]:
        if packet.characteristic != DATA:
            raise PacketError(PacketReason.CHARACTERISTIC, packet.characteristic)
        payload = packet.payload
        if not payload:
            raise PacketError(PacketReason.TOO_SHORT, "0 bytes")
        if payload == self._previous and (len(payload) >= REPEAT_BYTES or payload == DONE):
            self.counts.duplicates += 1
            return []
        data, found = self._read(payload)
        rest = data[found.rest :]
        if not found.frames:
            self._all = rest
            if found.skipped:
                self._unbroken = False
                raise PacketError(PacketReason.CHECKSUM, f"no frame in {len(payload)} bytes")
            return []
        ticks = [data[i + 1] | data[i + 2] << 8 | data[i + 3] << 16 for i in found.samples]
        runs = self._line.place(ticks, packet.t_ns)
        if found.samples and not runs:
            self._all, self._unbroken = rest, False
            if self._line.repeats:
                self.counts.duplicates += 1
                return []
            raise PacketError(PacketReason.TIME, f"{len(found.samples)} samples out of time")
        self._sure, self._all, self._unbroken = rest, rest, True
        self._previous = payload
        if not runs:
            return []
        words = self._schema.words(self._records(data, found.samples))
        return [self._block(words, run, packet.t_ns) for run in runs]

    def _read(self, payload: bytes) -> tuple[bytes, Found]:
        """The payload behind all that is open, or behind what is sure if it fits there better; and what is in it."""
        data = self._all + payload
        found = find_frames(data, self._schema.frame_bytes)
        if self._all is self._sure or (self._unbroken and found.frames and not found.skipped):
            return data, found
        surely = self._sure + payload
        there = find_frames(surely, self._schema.frame_bytes)
        as_well = there.skipped <= found.skipped if not self._unbroken else there.skipped < found.skipped
        return (surely, there) if there.frames and (as_well or not found.frames) else (data, found)

    def _records(self, data: bytes, starts: list[int]) -> npt.NDArray[np.uint8]:
        """Records (n, record_bytes) that begin behind the first byte of the frames."""
        size, n = self._schema.frame_bytes, len(starts)
        raw = np.frombuffer(data, np.uint8)
        if n and starts[-1] - starts[0] == (n - 1) * size:
            return raw[starts[0] : starts[0] + n * size].reshape(n, size)[:, 1:-CRC_BYTES]
        records: npt.NDArray[np.uint8] = raw[np.array(starts, np.int64)[:, None] + np.arange(1, size - CRC_BYTES)]
        return records

    def _block(self, words: npt.NDArray[np.int32], run: Run, rx_ns: int) -> SampleBlock:
        self.counts.samples += run.stop - run.start
        self.counts.lost = (self.counts.lost or 0) + (run.missing or 0)
        return self.block(words[run.start : run.stop], run.ticks, run.segment, run.missing, rx_ns)

    def block(
        self, words: npt.NDArray[np.int32], ticks: list[int], segment: int, missing: int | None, rx_ns: int | None
    ) -> SampleBlock:
        """Counts (n, 6 or 9) at unwrapped ticks (n,) in units."""
        values = self._scale.values(words)
        return SampleBlock(
            t_pod_ns=np.array([ticks_to_ns(tick) for tick in ticks], np.int64),
            acc_mps2=values[:, :3],
            gyr_radps=values[:, 3:6],
            saturated=self._scale.saturated(words),
            segment=segment,
            t_rx_ns=rx_ns,
            missing_before=missing,
            acc_range_mps2=self._acc_range_mps2,
            gyr_range_radps=self._gyr_range_radps,
            high_g_mps2=values[:, 6:] if values.shape[1] > 6 else None,
        )


def info_of(info: Mapping[str, Json]) -> PodInfo:
    """What LINK_UP recorded. Raises LinkError (IDENTITY) if it is not that of a Shimmer3R."""
    try:
        pod = PodInfo.from_json(info)
        usable = pod.driver == NAME and pod.rate_hz > 0 and pod.acc_range_g > 0 and pod.gyr_range_dps > 0
    except TypeError as error:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info cannot be read: {error}") from error
    if not usable:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info is not that of a {NAME}: {dict(info)}")
    return pod
