"""The log of a simulated MetaMotion: triggers, entries of nine bytes, pages that wait to be confirmed."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sensord.drivers.metamotion_wire import (
    ENTRY,
    ENTRY_HEAD,
    HALF_TICK_NS,
    TICK_SPAN,
    Log,
    Module,
    command,
)
from sensord.model import IntArray

PAGE_ENTRIES = 256
"""A guess: what a page of flash of 2 kB holds, at 8 bytes an entry."""

TRIGGERS = 8

BETWEEN_ENTRIES_NS = 20_000
"""A guess: what writing an entry takes; so the tick may change between entries of one sample, as it does in the maker's
tests."""

BETWEEN_NOTIFICATIONS_NS = 1_000_000
"""A guess, and faster than radios are, so that tests are short."""


@dataclass(slots=True)
class _Readout:
    """What was asked for and not confirmed yet, in entries; `page` were sent and wait."""

    left: int
    page: int = 0
    complete: bool = False
    next_ns: int = 0


class LogMemory:
    """Entries in flash, oldest first. `caches`: the last page is only there when it is full, or flushed."""

    def __init__(self, capacity: int, *, caches: bool) -> None:
        self.capacity = capacity
        self.entries = bytearray()
        self.triggers: dict[int, tuple[int, int, int, int]] = {}
        self.enabled = False
        self.overwrite = True
        self._caches = caches
        self._cached = 0
        self._uid = 0
        self._readout: _Readout | None = None

    @property
    def logs(self) -> bool:
        """Whether samples are wanted."""
        return self.enabled and bool(self.triggers)

    @property
    def length(self) -> int:
        """Entries that can be read."""
        return len(self.entries) // ENTRY.itemsize - self._cached

    def reset(self, uid: int) -> None:
        """The board starts: what was cached is lost."""
        del self.entries[self.length * ENTRY.itemsize :]
        self._cached = 0
        self.triggers.clear()
        self.enabled, self._uid, self._readout = False, uid, None

    def abort(self) -> None:
        """Nobody listens any more; what was not confirmed is sent again."""
        self._readout = None

    def read(self, register: int, tick: int) -> bytes | None:
        """Value of a register."""
        told: dict[int, bytes] = {
            Log.ENABLE: bytes([self.enabled]),
            Log.TIME: struct.pack("<IB", tick, self._uid),
            Log.LENGTH: struct.pack("<I", self.length),
        }
        return told.get(register)

    def write(self, register: int, value: bytes, now_ns: int, notified: set[tuple[int, int]]) -> list[bytes]:
        """A command; what is answered at once."""
        match register:
            case Log.ENABLE if len(value) == 1:
                self.enabled = value[0] == 1
            case Log.OVERWRITE if len(value) == 1:
                self.overwrite = value[0] == 1
            case Log.TRIGGER if len(value) == 4 and len(self.triggers) < TRIGGERS:
                index = next(i for i in range(TRIGGERS) if i not in self.triggers)
                self.triggers[index] = (value[0], value[1], (value[3] >> 5) + 1, value[3] & 0x1F)
                return [command(Module.LOG, Log.TRIGGER, index)]
            case Log.REMOVE_ALL:
                self.triggers.clear()
            case Log.FLUSH:
                self._cached = 0
            case Log.READOUT if len(value) == 8:
                asked = int.from_bytes(value[:4], "little")
                self._readout = _Readout(min(asked, self.length), next_ns=now_ns)
            case Log.PAGE_CONFIRM:
                self._confirm(now_ns)
            case Log.DROP if len(value) == 4:
                self._drop(min(int.from_bytes(value, "little"), len(self.entries) // ENTRY.itemsize))
                return [command(Module.LOG, Log.PAGE_COMPLETE)] if (Module.LOG, Log.PAGE_COMPLETE) in notified else []
        return []

    def log(self, stamped_ns: IntArray, data: Mapping[tuple[int, int], npt.NDArray[np.int16]]) -> None:
        """Entries of these samples, if any is wanted of them."""
        if not self.logs:
            return
        columns = []
        for k, (index, (module, register, length, offset)) in enumerate(sorted(self.triggers.items())):
            if (module, register) not in data:
                continue
            raw = data[module, register].astype("<i2").view(np.uint8)[:, offset : offset + length]
            column = np.zeros(len(raw), ENTRY)
            column["id"] = index | self._uid << 5
            half, per = HALF_TICK_NS
            column["tick"] = (stamped_ns + k * BETWEEN_ENTRIES_NS) * (per // 2) // half % TICK_SPAN
            column["data"] = np.pad(raw, ((0, 0), (0, 4 - length))).copy().view("<u4")[:, 0]
            columns.append(column)
        if not columns:
            return
        made = np.stack(columns, axis=1).reshape(-1)
        room = self.capacity - len(self.entries) // ENTRY.itemsize
        if not self.overwrite:
            made = made[: max(room, 0)]
        self.entries += made.tobytes()
        if self.overwrite and len(made) > room:
            self._drop(len(made) - room)
        self._cached = len(self.entries) // ENTRY.itemsize % PAGE_ENTRIES if self._caches else 0

    def send(self, now_ns: int, notified: set[tuple[int, int]]) -> list[tuple[int, bytes]]:
        """What of a readout is due: entries up to the end of a page, then nothing until it is confirmed."""
        readout = self._readout
        made: list[tuple[int, bytes]] = []
        while readout is not None and not readout.complete and readout.next_ns <= now_ns:
            at_ns, size = readout.next_ns, ENTRY.itemsize
            n = min(2, PAGE_ENTRIES - readout.page, readout.left - readout.page)
            if n and (Module.LOG, Log.READOUT_NOTIFY) in notified:
                made.append((at_ns, ENTRY_HEAD + self.entries[readout.page * size : (readout.page + n) * size]))
            readout.page += n
            readout.next_ns += BETWEEN_NOTIFICATIONS_NS
            if readout.page in (PAGE_ENTRIES, readout.left):
                readout.complete = True
                remaining = struct.pack("<I", readout.left - readout.page)
                told = ((Log.PROGRESS, remaining), (Log.PAGE_COMPLETE, b""))
                made += [(at_ns, command(Module.LOG, r) + more) for r, more in told if (Module.LOG, r) in notified]
        return made

    def _confirm(self, now_ns: int) -> None:
        readout = self._readout
        if readout is None or not readout.complete:
            return
        self._drop(readout.page)
        left = readout.left - readout.page
        self._readout = _Readout(left, next_ns=now_ns) if left else None

    def _drop(self, n: int) -> None:
        del self.entries[: n * ENTRY.itemsize]
        self._cached = min(self._cached, len(self.entries) // ENTRY.itemsize)
