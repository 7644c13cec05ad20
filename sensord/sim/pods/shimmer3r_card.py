"""The card of a simulated Shimmer3R: log files as the firmware writes them, handed over as it does."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sensord.drivers.shimmer3r_card import (
    END_OF_FILE,
    LIST_MOST,
    LONGEST_BLOCK,
    NO_FILE,
    NO_PATH,
    REPLACED,
    WHOLE,
    CardOp,
    Entry,
    Header,
    decode_read,
    encode_close,
    encode_entries,
    encode_frame,
    encode_header,
    encode_stat,
)
from sensord.drivers.shimmer3r_wire import TICKS_HZ, Inquiry
from sensord.model import IntArray

TRIAL = "data/DefaultTrial_1700000000"
NO_DIRECTORY = "no_file"

SPLIT_TICKS = 3600 * TICKS_HZ
"""A file an hour."""

FIRST_LEAD_TICKS, NEXT_LEAD_TICKS = 5332, 129
"""How much later than its first record a file was made: 162.72 ms and 3.94 ms on a real unit (shimmer-web-sdk
src/devices/sdlog/anchor.ts)."""

ANSWER_BYTES = 240
"""Longest listing in one answer."""

AWAY, BUSY, BAD_ARGUMENTS = 0xF0, 0xF1, 0xF2


def arguments_of(heard: bytes) -> int | None:
    """Bytes behind a command about a path, as far as can be told (at least what tells)."""
    fixed = {CardOp.LIST: 4, CardOp.STAT: 1, CardOp.READ: 11, CardOp.DELETE: 1}.get(CardOp(heard[0]))
    if fixed is None:
        return None
    return fixed + heard[fixed] if len(heard) > fixed else fixed


class SimulatedCard:
    """Files by path. `busy` and `away` are why it refuses; `newest` is what the pod says of its log's directory."""

    def __init__(self, pod: str) -> None:
        self.pod = pod
        self.present = True
        self.busy = self.away = False
        self.free_kib = 8_000_000
        self.files: dict[str, bytearray] = {}
        self.newest = NO_DIRECTORY
        self._sessions = 0
        self._file: str | None = None
        self._made_tick = 0
        self._transfer = 0
        self._reading: tuple[str, int, int, int, int] | None = None  # path, next, end, block, number
        self._closes: list[bytes] = []

    # ---- logging

    def begin(self) -> None:
        """A new session directory."""
        self.newest = f"{TRIAL}/{self.pod}-{self._sessions:04d}/"
        self._sessions += 1
        self._file = None

    def forget(self) -> None:
        """Switched off: which log was the last is no longer known."""
        self.newest, self._file = NO_DIRECTORY, None

    def log(
        self, ticks: IntArray, records: npt.NDArray[np.uint8], inquiry: Inquiry, mac: str, blocks: dict[str, bytes]
    ) -> None:
        """Writes records; a file is made when the first comes, and after every hour."""
        start = 0
        while start < len(ticks):
            if self._file is None or ticks[start] - self._made_tick >= SPLIT_TICKS:
                first = self._file is None
                number = 0 if self._file is None else int(self._file.rpartition("/")[2]) + 1
                self._made_tick = int(ticks[start]) + (FIRST_LEAD_TICKS if first else NEXT_LEAD_TICKS)
                self._file = f"{self.newest}{number:03d}"
                header = Header(inquiry.divisor, inquiry.settings, mac, 10, self._made_tick, inquiry.channels)
                self.files[self._file] = bytearray(encode_header(header, blocks))
            late = np.flatnonzero(ticks[start:] - self._made_tick >= SPLIT_TICKS)
            end = start + int(late[0]) if len(late) else len(ticks)
            self.files[self._file] += records[start:end].tobytes()
            start = end

    # ---- commands

    @property
    def reading(self) -> bool:
        """Whether a read is under way."""
        return self._reading is not None or bool(self._closes)

    def hang_up(self) -> None:
        """The link is gone."""
        self._reading = None
        self._closes.clear()

    def answer(self, op: int, arguments: bytes) -> bytes:
        """Response opcode and payload; b"" for a read, whose frames come by themselves."""
        status = AWAY if self.away or not self.present else BUSY if self.busy else 0
        match op:
            case CardOp.SPACE:
                kib = self.free_kib.to_bytes(4, "little")
                return bytes([CardOp.SPACE_RSP, status]) + (kib if not status else bytes(4)) + bytes(4)
            case CardOp.LIST:
                first, most = int.from_bytes(arguments[:2], "little"), arguments[2]
                return bytes([CardOp.LIST_RSP]) + self._list(status, first, most, arguments[4:].decode())
            case CardOp.STAT:
                data = self.files.get(arguments[1:].decode())
                status = status or (NO_FILE if data is None else 0)
                return bytes([CardOp.STAT_RSP]) + encode_stat(status, len(data) if data is not None else 0)
            case CardOp.DELETE:
                return bytes([CardOp.DELETE_RSP, status or self._delete(arguments[1:].decode())])
            case CardOp.READ:
                self._read(bytes([op]) + arguments, status)
        return b""

    def frames(self, allowed: int) -> list[bytes]:
        """What is sent next of a read, at most so many bytes (but one frame at least)."""
        made, self._closes = self._closes, []
        sent = 0
        while self._reading is not None and (sent == 0 or sent < allowed):
            path, following, end, block, number = self._reading
            wanted = min(block, end - following)
            data = bytes(self.files[path][following : following + wanted])
            following += len(data)
            if data:
                made.append(encode_frame(self._transfer, number, data))
                sent += len(made[-1])
            if len(data) < wanted or following >= end:
                made.append(encode_close(self._transfer, END_OF_FILE if len(data) < wanted else WHOLE, following))
                self._reading = None
            else:
                self._reading = (path, following, end, block, number + 1)
        return made

    def _list(self, status: int, first: int, most: int, path: str) -> bytes:
        prefix = path.strip("/") + "/"
        inside = {f[len(prefix) :].partition("/")[0]: f for f in sorted(self.files) if f.startswith(prefix)}
        if status or not inside:
            return encode_entries(status or NO_PATH, first, [], more=False)
        listed: list[Entry] = []
        size = 8
        names = list(inside)[first:]
        for name in names:
            directory = prefix + name not in self.files
            size += 10 + len(name)
            if len(listed) == min(most, LIST_MOST) or size > ANSWER_BYTES:
                break
            listed.append(Entry(name, 0 if directory else len(self.files[prefix + name]), directory))
        return encode_entries(0, first, listed, more=len(listed) < len(names))

    def _delete(self, path: str) -> int:
        if not path.startswith("data/"):
            return BAD_ARGUMENTS
        if path in self.files:
            del self.files[path]
        return 0

    def _read(self, command: bytes, status: int) -> None:
        offset, length, block, path, _ = decode_read(command)
        if self._reading is not None:
            self._closes.append(encode_close(self._transfer, REPLACED, self._reading[1]))
            self._reading = None
        self._transfer = (self._transfer + 1) & 0xFF
        if status or path not in self.files:
            how = {AWAY: 3, BUSY: 6}.get(status, 7)
            self._closes.append(encode_close(self._transfer, how, offset))
            return
        block = min(max(block or 512, 64), LONGEST_BLOCK) & ~3
        self._reading = (path, min(offset, len(self.files[path])), offset + length, block, 0)
