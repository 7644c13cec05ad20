"""Recordings of a Movella DOT, as they were kept, to SampleBlocks (fetched by `movella_dot_log`).

A kept piece is exported samples one after the other, each with its counter and checksum (drawn in `movella_dot_wire`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sensord.drivers.base import LOG, DecodeCounts, PodInfo
from sensord.drivers.movella_dot_talk import known
from sensord.drivers.movella_dot_wire import (
    ACC_RANGE_G,
    CLOCK_SPAN_US,
    GYR_RANGE_DPS,
    RECORD,
    RECORD_LEN,
    RECORDING,
    Re,
)
from sensord.drivers.sealed import unseal
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import G_MPS2, Json, Packet, SampleBlock

LOG_RATE_HZ = 120.0

FIRST_US = 60_000_000
"""Design choice: the first recorded sample is of the minute after the clock was read."""

OUT_OF_RANGE = 0x3F
"""Bits of the status that are those of `SampleBlock.saturated`."""


class LogDecoder:
    """Kept pieces to SampleBlocks, in the time of the pod's clock, which live samples have, too."""

    def __init__(self, armed: Mapping[str, Json]) -> None:
        self.counts = DecodeCounts()
        self._info = known_armed(armed)
        self._file = 0
        self._taken = 0
        self._given = False  # whether this file has given a sample yet
        self._segment = -1
        self._last_us: int | None = None

    @property
    def rate_hz(self) -> float:
        """Rate of the recording."""
        return self._info.rate_hz

    def link_up(self, info: Mapping[str, Json]) -> None:
        """A recording has no links."""

    def push(self, packet: Packet) -> list[SampleBlock]:
        """Samples of a piece, none if it was seen before. Raises PacketError, counted by reason."""
        counts = self.counts
        counts.packets += 1
        try:
            blocks = self._read(packet)
        except PacketError as error:
            counts.refuse(error)
            raise
        for block in blocks:
            counts.samples += len(block)
            counts.lost = (counts.lost or 0) + (block.missing_before or 0)
        return blocks

    def _read(self, packet: Packet) -> list[SampleBlock]:
        if packet.characteristic != LOG:
            raise PacketError(PacketReason.CHARACTERISTIC, packet.characteristic)
        file, first, data = unseal(packet.payload)
        if file < self._file:
            self.counts.duplicates += 1
            return []
        taken = self._taken if file == self._file else 0
        if first > taken:
            raise PacketError(PacketReason.ORDER, f"file {file}: sample {first} after {taken} samples")
        rows = _rows(data, first)[taken - first :]
        if not len(rows):
            self.counts.duplicates += 1
            return []
        begins = file != self._file or not self._given
        usable = _usable(rows)
        good = rows[usable & ~_empty(rows)]
        times, missing = self._times(good["t_us"].astype(np.int64), begins=begins)
        self.counts.damaged += int(np.count_nonzero(np.diff(np.append(True, usable).astype(np.int8)) < 0))
        self._file, self._taken, self._given = file, taken + len(rows), bool(len(good)) or not begins
        if not len(good):
            return []
        self._last_us = int(times[-1])
        cuts = np.flatnonzero(missing != 0)
        starts = [0, *(int(cut) for cut in cuts if cut), len(good)]
        blocks = []
        for start, end in pairwise(starts):
            fresh = begins and start == 0
            self._segment += int(fresh)
            told = None if fresh and self._segment else int(missing[start])
            blocks.append(self._block(good[start:end], times[start:end], told, packet.t_ns))
        return blocks

    def _times(
        self, stamps: npt.NDArray[np.int64], *, begins: bool
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Unwrapped, and how many are missing before each. Raises PacketError for what cannot be."""
        if not len(stamps):
            return stamps, stamps
        before = self._info.details["clock_us"] if self._last_us is None else self._last_us
        ahead = np.diff(stamps, prepend=before % CLOCK_SPAN_US) % CLOCK_SPAN_US
        steps = np.rint(ahead * (LOG_RATE_HZ / 1e6)).astype(np.int64)
        if begins:
            steps[0] = 1
        if self._last_us is None and ahead[0] > FIRST_US:
            raise PacketError(PacketReason.TIME, "recorded samples are not stamped by the clock that was read")
        if steps.min() < 1 or (ahead[int(begins) :] > CLOCK_SPAN_US // 2).any():
            raise PacketError(PacketReason.TIME, "recorded samples whose times do not rise")
        return before + np.cumsum(ahead), steps - 1

    def _block(
        self, rows: npt.NDArray[np.void], t_us: npt.NDArray[np.int64], missing: int | None, rx_ns: int
    ) -> SampleBlock:
        values = rows["values"].astype(np.float64)
        return SampleBlock(
            t_pod_ns=t_us * 1000,
            acc_mps2=values[:, :3],
            gyr_radps=np.radians(values[:, 3:]),
            saturated=(rows["status"] & OUT_OF_RANGE).astype(np.uint8),
            segment=self._segment,
            t_rx_ns=rx_ns,
            missing_before=missing,
            acc_range_mps2=ACC_RANGE_G * G_MPS2,
            gyr_range_radps=math.radians(GYR_RANGE_DPS),
        )


def _rows(data: bytes, first: int) -> npt.NDArray[np.void]:
    """Recorded samples of a piece. Raises PacketError."""
    if len(data) % RECORD.itemsize:
        raise PacketError(PacketReason.LENGTH, f"{len(data)} bytes are no whole samples")
    every = np.frombuffer(data, np.uint8).reshape(-1, RECORD.itemsize)
    if (every.sum(axis=1, dtype=np.int64) % 256).any():
        raise PacketError(PacketReason.CHECKSUM, f"samples from {first} on")
    rows = np.frombuffer(data, RECORD)
    kinds = np.isin(rows["reid"], (Re.FILE_DATA_IS, Re.FILE_DATA_BAD))
    if not (kinds & (rows["mid"] == RECORDING) & (rows["len"] == RECORD_LEN)).all():
        raise PacketError(PacketReason.TYPE, f"messages among samples from {first} on")
    if not np.array_equal(rows["counter"], np.arange(first, first + len(rows))):
        raise PacketError(PacketReason.COUNT, f"samples from {first} on")
    return rows


def _usable(rows: npt.NDArray[np.void]) -> npt.NDArray[np.bool_]:
    """Not those that the pod itself found broken, nor those that are no numbers."""
    return np.asarray((rows["reid"] == Re.FILE_DATA_IS) & np.isfinite(rows["values"]).all(axis=1))


def _empty(rows: npt.NDArray[np.void]) -> npt.NDArray[np.bool_]:
    """The first one where it is all zeros, as in the maker's files: no sample."""
    return np.asarray((rows["counter"] == 0) & (rows["t_us"] == 0) & (rows["values"] == 0).all(axis=1))


def known_armed(armed: Mapping[str, Json]) -> PodInfo:
    """The info of an armed pod. Raises LinkError (IDENTITY)."""
    info = known(armed, (LOG_RATE_HZ,))
    clock_us = info.details.get("clock_us")
    if not isinstance(clock_us, int) or isinstance(clock_us, bool) or clock_us < 0:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info is not that of an armed pod: {dict(info.details)}")
    return info
