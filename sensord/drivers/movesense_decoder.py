"""Notifications of a Movesense sensor to SampleBlocks (bytes: `movesense_wire`, times: `movesense_time`).

A packet of 208 Hz is longer than a notification and comes in two parts. Parts belong together by their lengths and by
following each other: the rest of a packet has no time. A first part is given up when that of the next packet comes.
Where the rest of one packet and the first part of the next are lost, what is left would fit; but the cut goes through a
value, which then is mostly no whole step of the sensor, while all others are (6 of 7 such mixtures, or more).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sensord.drivers.base import DecodeCounts, PodInfo
from sensord.drivers.movesense_talk import known
from sensord.drivers.movesense_time import PacketTime, Place
from sensord.drivers.movesense_wire import (
    ACC_BITS_G,
    GRAVITY_MPS2,
    GYR_BITS_DPS,
    MOST_COUNTS,
    NOTIFY,
    PACKETS_HZ,
    STATUS,
    Ref,
    Reply,
    decode_imu6,
)
from sensord.errors import PacketError, PacketReason
from sensord.model import G_MPS2, FloatArray, Json, MaskArray, Packet, SampleBlock

SATURATED = 0.995
"""As in `model.SampleBlock.saturated`, of where the sensor's counts end."""

BEYOND = 1.05
"""Design choice: values that far beyond where the counts end are junk."""

WHOLE_STEP = 0.005
"""Design choice: a float32 of 32767 steps is off a whole one by 0.002, captured values of 3700 steps by 0.0004
(tests: test_movesense_vectors). Values that a unit corrects are no whole steps, and nothing is made of that."""

WAITING = 4
"""Design choice: first parts that wait for the rest; more than one only where junk looks like another."""

ANSWERED = frozenset(Ref)
STATUSES = frozenset({200, 202}) | frozenset(STATUS)
LONGEST_ANSWER = 512


MISFITS = 32
"""Design choice: so many parts in a row that are cut elsewhere, and it was not there that packets are cut."""

HALF_MS = 500 // PACKETS_HZ
"""Half a packet."""

AT_ONCE_NS = 10_000_000
"""Design choice: at the beginning of a link nothing else tells a packet from junk than that it came a while later."""


class Scale:
    """Values of a sensor as it is set to SampleBlocks; what it cannot have measured is refused."""

    def __init__(self, info: PodInfo) -> None:
        self._acc_range_mps2 = info.acc_range_g * G_MPS2
        self._gyr_range_radps = math.radians(info.gyr_range_dps)
        self.acc_bit = ACC_BITS_G[info.acc_range_g] * GRAVITY_MPS2
        self.gyr_bit = GYR_BITS_DPS[info.gyr_range_dps]
        self.acc_end, self.gyr_end = self.acc_bit * MOST_COUNTS, self.gyr_bit * MOST_COUNTS
        # a range that was not told may be another one
        self.acc_most = BEYOND * (self.acc_end if info.details["range_told"] else 2 * self.acc_end)
        self.gyr_most = BEYOND * self.gyr_end

    def check(self, acc: npt.NDArray[np.floating], gyr: npt.NDArray[np.floating]) -> None:
        """Raises PacketError (VALUE) for what it cannot have measured."""
        for what, values, most in (("acceleration", acc, self.acc_most), ("turn", gyr, self.gyr_most)):
            if values.size and not max(values.max(), -values.min()) <= most:
                raise PacketError(PacketReason.VALUE, f"{what} beyond {most:.0f}, or no number")

    def belong(self, acc: FloatArray, gyr: FloatArray, cut: int) -> bool:
        """Whether the value that was cut in two is a whole step, if all others are."""
        steps = np.concatenate([acc.ravel() / self.acc_bit, gyr.ravel() / self.gyr_bit])
        off = np.abs(steps - np.rint(steps))
        cut_off = off[cut]
        if cut_off <= WHOLE_STEP:
            return True
        off[cut] = 0.0
        return bool(off.max() > WHOLE_STEP)

    def block(self, acc: FloatArray, gyr: FloatArray, place: Place, rx_ns: int) -> SampleBlock:
        """Samples acc (n, 3) m/s2 and gyr (n, 3) dps where they belong."""
        at_limit = np.hstack([np.abs(acc) >= SATURATED * self.acc_end, np.abs(gyr) >= SATURATED * self.gyr_end])
        saturated: MaskArray = np.packbits(at_limit, axis=1, bitorder="little")[:, 0]
        return SampleBlock(
            t_pod_ns=place.t_ns,
            acc_mps2=acc,
            gyr_radps=np.radians(gyr),
            saturated=saturated,
            segment=place.segment,
            t_rx_ns=rx_ns,
            missing_before=place.missing,
            acc_range_mps2=self._acc_range_mps2,
            gyr_range_radps=self._gyr_range_radps,
        )


class MovesenseDecoder:
    """Notifications of one sensor to SampleBlocks, across links. Latency: none."""

    def __init__(self, info: Mapping[str, Json]) -> None:
        self.counts = DecodeCounts()
        self._use(known(info))
        self._time = PacketTime(self._info.rate_hz, self._packet, self._info.details["clock_ms"])

    @property
    def rate_hz(self) -> float:
        """Nominal rate it was asked for."""
        return self._info.rate_hz

    def link_up(self, info: Mapping[str, Json]) -> None:
        """Linked again: its clock goes on, or is found to be another one; other settings begin a new segment."""
        before, after = self._info, known(info)
        self._use(after)
        anew = (after.serial, after.rate_hz) != (before.serial, before.rate_hz)
        self._time.relink(after.rate_hz, self._packet, after.details["clock_ms"], anew=anew)

    def push(self, packet: Packet) -> list[SampleBlock]:
        """What a notification completes. Raises PacketError, counted by reason."""
        counts = self.counts
        counts.packets += 1
        try:
            whole = self._joined(packet)
            block = None if whole is None else self._block(whole, packet.t_ns)
            if block is None:
                return []
        except PacketError as error:
            counts.refuse(error)
            raise
        counts.samples += len(block)
        counts.lost = (counts.lost or 0) + (block.missing_before or 0)
        return [block]

    # ---- inside

    def _use(self, info: PodInfo) -> None:
        self._info = info
        self._packet = round(info.rate_hz / PACKETS_HZ)
        self._bytes = 4 + 24 * self._packet
        self._scale = Scale(info)
        self._waiting: deque[bytes] = deque(maxlen=WAITING)  # first parts, the likeliest first
        self._waiting_since_ns = 0
        self._first_bytes: int | None = None  # of packets in two parts, once one has come
        self._misfits = 0
        self._last_rest = b""
        self._last_answer: tuple[bytes, int] | None = None

    def _joined(self, packet: Packet) -> bytes | None:
        """A packet that is whole now; None if this was an answer, a part, or no news. Raises PacketError."""
        if packet.characteristic != NOTIFY:
            raise PacketError(PacketReason.CHARACTERISTIC, packet.characteristic)
        payload = packet.payload
        if len(payload) < 4:
            raise PacketError(PacketReason.TOO_SHORT, f"{len(payload)} bytes")
        if payload[0] == Reply.ANSWER:
            _check_answer(payload)
            self.counts.duplicates += (payload, packet.t_ns) == self._last_answer
            self._last_answer = (payload, packet.t_ns)
            return None
        if payload[1] != Ref.SAMPLES or payload[0] not in {Reply.DATA, Reply.REST}:
            raise PacketError(PacketReason.TYPE, f"data of 0x{payload[0]:02x} 0x{payload[1]:02x}")
        take = self._rest if payload[0] == Reply.REST else self._first
        return take(payload[2:], packet.t_ns)

    def _first(self, part: bytes, rx_ns: int) -> bytes | None:
        """A whole packet, or its first part."""
        size, missing = len(part), self._bytes - len(part)
        if missing < 0 or missing > size or (missing and not self._fits(size)):
            raise PacketError(PacketReason.LENGTH, f"{size} bytes, {self._bytes} are {self._packet} samples")
        stamp = _stamp(part)
        if self._time.seen(stamp, self._packet) or part in self._waiting:
            self.counts.duplicates += 1
            return None
        if not missing:
            return part
        expected = self._time.expects(stamp, rx_ns)
        if expected and (not self._time.begins or rx_ns - self._waiting_since_ns >= AT_ONCE_NS):
            # parts of other packets than this one have lost their rest
            self._waiting = deque((w for w in self._waiting if abs(_stamp(w) - stamp) < HALF_MS), WAITING)
        if not self._waiting:
            self._waiting_since_ns = rx_ns
        if len(self._waiting) < WAITING:
            self._waiting.append(part)
        else:
            self._waiting[-1] = part
        if not expected:  # refused for now: if its like keep coming, the times of whole packets will tell
            raise PacketError(PacketReason.TIME, f"a packet of {stamp} ms")
        return None

    def _fits(self, first_bytes: int) -> bool:
        """Whether packets are cut there. Where they were cut once is given up if it was junk that said so."""
        if self._first_bytes not in {None, first_bytes}:
            self._misfits += 1
            if self._misfits > MISFITS:
                self._first_bytes = None
        return self._first_bytes in {None, first_bytes}

    def _rest(self, part: bytes, rx_ns: int) -> bytes | None:
        """What completes a packet; one whose first part was lost is of no use."""
        size = len(part)
        if 2 * size > self._bytes or not self._fits(self._bytes - size):
            raise PacketError(PacketReason.LENGTH, f"{size} bytes of {self._bytes}")
        fitting = [w for w in self._waiting if len(w) + size == self._bytes]
        repeated, self._last_rest = not fitting and part == self._last_rest, part
        if repeated:
            self.counts.duplicates += 1
        if not fitting:
            return None
        self._waiting.clear()
        can_be = [w for w in fitting if self._time.expects(_stamp(w), rx_ns)]
        chosen = (can_be or fitting[-1:])[0]  # junk beside it came later
        self._first_bytes, self._misfits = len(chosen), 0
        return chosen + part

    def _block(self, whole: bytes, rx_ns: int) -> SampleBlock | None:
        stamp, acc, gyr = decode_imu6(whole)
        self._scale.check(acc, gyr)
        cut, inside = divmod((self._first_bytes or 4) - 4, 4)
        if inside and not self._scale.belong(acc, gyr, cut):
            return None
        return self._scale.block(acc, gyr, self._time.place(stamp, self._packet, rx_ns), rx_ns)


def _stamp(part: bytes) -> int:
    return int.from_bytes(part[:4], "little")


def _check_answer(payload: bytes) -> None:
    """Answers hold no samples. Raises PacketError for what is none."""
    status = int.from_bytes(payload[2:4], "little")
    if payload[1] not in ANSWERED or status not in STATUSES or len(payload) > LONGEST_ANSWER:
        raise PacketError(PacketReason.TYPE, f"an answer to 0x{payload[1]:02x} with status {status}")
