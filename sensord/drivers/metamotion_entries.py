"""Entries of a MetaMotion's log to samples: halves to values, the gyroscope onto the accelerometer's times.

Both sensors are of one chip at one rate. Stamps that are a tick apart or less are taken for one moment: the clock tells
no better. Where they are further apart the gyroscope's values are those of the straight line between its neighbours,
only where both are known. At worst they are half a sample off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from sensord.drivers.base import LOG, DecodeCounts, PodInfo
from sensord.drivers.metamotion_read import Scale, known
from sensord.drivers.metamotion_time import Pace
from sensord.drivers.metamotion_wire import (
    ENTRY_ID,
    RESET_UID,
    SATURATED_RAW,
    TICK_SPAN,
    EntryArray,
    unseal,
)
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import FloatArray, IntArray, Json, Packet, SampleBlock

ONE_MOMENT = 1
"""Ticks that entries of one sample, or samples of one moment, may be apart: the tick may change between them (an entry
pair in the maker's tests is stamped 0x41b75, 0x41b76)."""

MOST_WAITING = 4096
"""Design choice: entries that wait for their other half, samples for the other sensor: 20 s at 200 Hz."""

RESTARTED_ENTRIES = 8
"""Design choice: two samples' entries in a row say that the board restarted. Flash forgets bits."""

NONE = np.zeros(0, np.int64)

_Value = TypeVar("_Value", np.int64, np.float64)


@dataclass(slots=True, eq=False)
class _Row(Generic[_Value]):
    """Ticks, in order and each once, and what was measured then."""

    ticks: IntArray
    values: npt.NDArray[_Value]

    def add(self, ticks: IntArray, values: npt.NDArray[_Value]) -> None:
        """What has come before stays as it was; the oldest are given up when there are too many."""
        merged, at = np.unique(np.concatenate((self.ticks, ticks)), return_index=True)
        self.ticks = merged[-MOST_WAITING:]
        self.values = np.concatenate((self.values, values))[at][-MOST_WAITING:]

    def drop(self, n: int) -> None:
        """Without the oldest n."""
        self.ticks, self.values = self.ticks[n:], self.values[n:]


class _Axes:
    """One sensor: halves that wait for their other half, samples that wait for the other sensor."""

    def __init__(self) -> None:
        self.first, self.second = _Row(NONE, NONE), _Row(NONE, NONE)
        self.samples = _Row(NONE, np.zeros((0, 3)))

    def join(self) -> None:
        """Samples of which both halves are known."""
        first, second = self.first, self.second
        i, j = self._pairs()
        if not len(i):
            return
        low, high = first.values[i], second.values[j]
        raw = np.stack([low, low >> 16, high], axis=1).astype(np.int16)
        self.samples.add(first.ticks[i], raw.astype(np.float64))
        first.drop(int(i[-1]) + 1)
        second.drop(int(j[-1]) + 1)

    def _pairs(self) -> tuple[IntArray, IntArray]:
        """Indices of halves of one sample."""
        a, b = self.first.ticks, self.second.ticks
        n = min(len(a), len(b))
        apart = b[:n] - a[:n]
        if np.all((apart >= 0) & (apart <= ONE_MOMENT)):
            return np.arange(n), np.arange(n)
        pairs = list(_paired(a.tolist(), b.tolist()))
        return np.array([i for i, _ in pairs], np.int64), np.array([j for _, j in pairs], np.int64)


def _paired(a: list[int], b: list[int]) -> Iterator[tuple[int, int]]:
    """Where an entry is missing its other half is left out."""
    i = j = 0
    while i < len(a) and j < len(b):
        apart = b[j] - a[i]
        if apart < 0:
            j += 1
        elif apart > ONE_MOMENT:
            i += 1
        else:
            yield i, j
            i, j = i + 1, j + 1


class LogDecoder:
    """Kept pieces of one armed run to SampleBlocks. Entries of other runs, and those that came before, are left out."""

    def __init__(self, armed: Mapping[str, Json]) -> None:
        self.counts = DecodeCounts()
        self._info = known(armed)
        self._ids = _log_ids(self._info)
        self._scale = Scale(self._info)
        self._segment, self._began = 0, False
        self._uid = int(self._info.boot_id or 0) & RESET_UID
        self._others: set[int] = set()
        self._from_tick: int = self._info.details["clock_ticks"]
        self._begin()

    @property
    def rate_hz(self) -> float:
        """Nominal rate of the log."""
        return self._info.rate_hz

    def link_up(self, info: Mapping[str, Json]) -> None:
        """A log knows no links."""

    def push(self, packet: Packet) -> list[SampleBlock]:
        """Samples that a piece completes. Raises PacketError, counted."""
        counts = self.counts
        counts.packets += 1
        try:
            entries = _checked(packet)
        except PacketError as error:
            counts.refuse(error)
            raise
        blocks: list[SampleBlock] = []
        news = False
        uids = entries["id"] >> 5
        cuts = np.flatnonzero(np.diff(uids)) + 1
        for part in np.split(entries, cuts):
            if not self._ours(int(part["id"][0]) >> 5, len(part)):
                continue
            news = self._take_in(part) or news
            blocks += self._samples(packet.t_ns)
        counts.duplicates += 0 if news else 1
        return blocks

    def _begin(self) -> None:
        self._acc, self._gyr = _Axes(), _Axes()
        self._pace = Pace(self._info.rate_hz)
        self._last: int | None = None

    def _ours(self, uid: int, n: int) -> bool:
        """Whether n entries of this reset uid belong to the run: its own, and what follows a restart."""
        if uid == self._uid:
            return True
        if n < RESTARTED_ENTRIES:
            return False
        if uid in self._others or not self._began:
            self._others.add(uid)
            return False
        self._others.add(self._uid)
        self._uid, self._from_tick = uid, 0
        self._segment += 1
        self._begin()
        return True

    def _take_in(self, entries: EntryArray) -> bool:
        """Whether there was anything new. Entries from before the log was armed are not its own."""
        ticks = (entries["tick"].astype(np.int64) - self._from_tick) % TICK_SPAN
        later = ticks < TICK_SPAN // 2
        ticks += self._from_tick
        if self._last is not None:
            later &= ticks > self._last + ONE_MOMENT
        ids = entries["id"] & ENTRY_ID
        news = False
        for k, half in enumerate((self._acc.first, self._acc.second, self._gyr.first, self._gyr.second)):
            mine = later & (ids == self._ids[k])
            half.add(ticks[mine], entries["data"][mine].astype(np.int64))
            news = news or bool(mine.any())
        self._acc.join()
        self._gyr.join()
        return news

    def _samples(self, rx_ns: int) -> list[SampleBlock]:
        """Those whose gyroscope is known; a block ends where one is missing."""
        acc, gyr = self._acc.samples, self._gyr.samples
        if not len(acc.ticks) or not len(gyr.ticks):
            return []
        n = int(np.searchsorted(acc.ticks, gyr.ticks[-1], side="right"))
        ticks, values = acc.ticks[:n], acc.values[:n]
        rotation, at = self._rotation(ticks)
        rows, ticks = np.hstack([values, rotation])[at], ticks[at]
        acc.drop(n)
        if not len(ticks):
            return []
        gyr.drop(max(int(np.searchsorted(gyr.ticks, ticks[-1] - ONE_MOMENT)) - 1, 0))
        return list(self._blocks(ticks, rows, rx_ns))

    def _rotation(self, ticks: IntArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """The gyroscope at these ticks (n, 3), and where it is known."""
        told, raw = self._gyr.samples.ticks, self._gyr.samples.values
        right = np.searchsorted(told, ticks)
        left = np.maximum(right - 1, 0)
        since, until = ticks - told[left], told[right] - ticks
        before = (since >= 0) & (since < until)
        nearest = np.where(before, left, right)
        one = np.where(before, since, until) <= ONE_MOMENT
        neighbours = (since >= 0) & (np.rint((told[right] - told[left]) / self._pace.ticks) == 1)
        share = (since / np.maximum(since + until, 1))[:, None]
        between = raw[left] * (1.0 - share) + raw[right] * share
        for side in (raw[left], raw[right]):  # full scale is not averaged away
            between = np.where(np.abs(side) >= SATURATED_RAW, side, between)
        return np.where(one[:, None], raw[nearest], between), one | neighbours

    def _blocks(self, ticks: IntArray, rows: FloatArray, rx_ns: int) -> Iterator[SampleBlock]:
        last = self._last
        steps = np.rint(np.diff(ticks, prepend=ticks[0] if last is None else last) / self._pace.ticks).astype(np.int64)
        cuts = [0, *(np.flatnonzero(steps[1:] != 1) + 1).tolist(), len(ticks)]
        for start, end in pairwise(cuts):
            missing: int | None = max(int(steps[start]) - 1, 0)
            if last is None:
                missing = None if self._segment else 0
            self._pace.hear(int(ticks[start]), int(steps[start]))
            self._pace.hear_run(int(ticks[end - 1]), end - 1 - start)
            last = self._last = int(ticks[end - 1])
            self._began = True
            self.counts.samples += end - start
            self.counts.lost = (self.counts.lost or 0) + (missing or 0)
            yield self._scale.block(ticks[start:end], rows[start:end], self._segment, missing, rx_ns)


def _checked(packet: Packet) -> EntryArray:
    if packet.characteristic != LOG:
        raise PacketError(PacketReason.CHARACTERISTIC, packet.characteristic)
    return unseal(packet.payload)


def _log_ids(info: PodInfo) -> list[int]:
    ids = info.details.get("log_ids")
    if not isinstance(ids, list) or len(ids) != 4 or not all(type(i) is int and 0 <= i <= ENTRY_ID for i in ids):
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info names no log: {dict(info.details)}")
    if not isinstance(info.boot_id, int):
        raise LinkError(LinkReason.IDENTITY, "recorded pod info names no reset uid")
    return ids
