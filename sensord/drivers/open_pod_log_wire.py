"""The bytes of an Open Pod's log (docs/open-pod.md, section 9): pure encode and decode.

All numbers little endian. UUIDs as in `open_pod_wire`: LOG 0006, LOG DATA 0007.

    LOG (read), 20 bytes                                  LOG (write)
     0 version   u8   1                                    01 id u32                  arm
     1 state     u8   0 empty, 1 logging, 2 stopped,       02                         stop
                      3 full, 4 erasing                    03 offset u32, length u32  read
     2 flags     u8   b0 the pod restarted meanwhile       04                         read no more
     3 0         u8                                        05 id u32                  erase
     4 id        u32  of the log, 0: none
     8 used      u32  bytes                               LOG DATA (notify)
    12 capacity  u32  bytes                                 offset u32, bytes           a part of what was read
    16 left      u32  seconds that still fit                ff ff ff ff, offset u32,    the end of a read:
                                                            length u32, crc32 u32       what was sent

    The log: DATA packets one after the other (their own counter, any number of samples up to 655 ms), between them
     10 00 0000, boot id u32, clock u64     the pod began to log (again): 16 bytes
     ff                                     nothing (erased flash)
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import NamedTuple

from sensord.drivers.open_pod_wire import VERSION
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason

_UUID = "b36f{:04x}-49ab-4604-a44b-7b6e133ce625"
LOG_CONTROL, LOG_DATA = (_UUID.format(i) for i in (6, 7))

_STATUS = struct.Struct("<BBBxIIII")
_READ = struct.Struct("<BII")
_WITH_ID = struct.Struct("<BI")
_OFFSET = struct.Struct("<I")
_END = struct.Struct("<IIII")
_BOOT = struct.Struct("<BxxxIQ")
_PIECE = struct.Struct("<III")

BOOT = 0x10
BOOT_BYTES = _BOOT.size
NOTHING = 0xFF
END_MARK = 0xFFFFFFFF
BLOCK_HEAD_BYTES = _OFFSET.size


class LogOp(IntEnum):
    """First byte of a LOG write."""

    ARM = 1
    STOP = 2
    READ = 3
    READ_NO_MORE = 4
    ERASE = 5


class LogState(IntEnum):
    """What the memory is doing."""

    EMPTY = 0
    LOGGING = 1
    STOPPED = 2
    FULL = 3
    ERASING = 4


class LogFlag(IntFlag):
    """What happened to the log."""

    RESTARTED = 1


class LogStatus(NamedTuple):
    """LOG taken apart. `left_s`: seconds that the free memory holds, as the pod is configured."""

    state: LogState
    flags: LogFlag
    log_id: int
    used: int
    capacity: int
    left_s: int


def encode_status(status: LogStatus) -> bytes:
    """Bytes of LOG when it is read."""
    return _STATUS.pack(VERSION, *status)


def decode_status(payload: bytes) -> LogStatus:
    """The inverse; bytes after it are left to later versions. Raises LinkError (SETUP)."""
    if len(payload) < _STATUS.size or payload[0] != VERSION or payload[1] >= len(LogState):
        raise LinkError(LinkReason.SETUP, f"LOG is not of Open Pod version {VERSION}: {payload.hex()}")
    _, state, flags, *rest = _STATUS.unpack_from(payload)
    return LogStatus(LogState(state), LogFlag(flags & LogFlag.RESTARTED), *rest)


def encode_command(op: LogOp, log_id: int | None = None) -> bytes:
    """Bytes of a LOG write but for READ."""
    return bytes([op]) if log_id is None else _WITH_ID.pack(op, log_id)


def encode_read(offset: int, length: int) -> bytes:
    """Bytes of a LOG write that asks for a part of the log."""
    return _READ.pack(LogOp.READ, offset, length)


def decode_command(payload: bytes) -> tuple[LogOp, tuple[int, ...]] | None:
    """Command and its numbers; None if it is malformed. Raises ValueError for a command that is not known."""
    op = LogOp(payload[0]) if payload else None
    if op is None:
        return None
    layout = {LogOp.ARM: _WITH_ID, LogOp.ERASE: _WITH_ID, LogOp.READ: _READ}.get(op)
    if len(payload) != (layout.size if layout else 1):
        return None
    return op, layout.unpack(payload)[1:] if layout else ()


def encode_boot(boot_id: int, clock_us: int) -> bytes:
    """The mark in a log where the pod began, or began again, to log."""
    return _BOOT.pack(BOOT, boot_id, clock_us)


def decode_boot(record: bytes) -> tuple[int, int]:
    """Boot id and clock (us) of such a mark."""
    _, boot_id, clock_us = _BOOT.unpack(record)
    return boot_id, clock_us


def encode_part(offset: int, data: bytes) -> bytes:
    """A LOG DATA notification with a part of the log."""
    return _OFFSET.pack(offset) + data


def encode_end(offset: int, data: bytes) -> bytes:
    """The LOG DATA notification after the last part: what all parts were."""
    return _END.pack(END_MARK, offset, len(data), zlib.crc32(data))


@dataclass(slots=True)
class Block:
    """Collects the notifications that answer one READ. `data` is whole once `match` said that the end came, or None."""

    offset: int
    _parts: dict[int, bytes] = field(default_factory=dict)
    data: bytes | None = None

    def match(self, payload: bytes) -> bool:
        """Takes a notification; True when it is the end of this read."""
        if len(payload) <= BLOCK_HEAD_BYTES:
            return False
        (place,) = _OFFSET.unpack_from(payload)
        if place != END_MARK:
            self._parts[place] = payload[BLOCK_HEAD_BYTES:]
            return False
        if len(payload) != _END.size:
            return False
        _, offset, length, crc = _END.unpack(payload)
        if offset != self.offset:
            return False  # the end of a read that was given up
        data = self._joined(length)
        self.data = data if len(data) == length and zlib.crc32(data) == crc else None
        return True

    def _joined(self, length: int) -> bytes:
        joined = bytearray()
        while len(joined) < length and (part := self._parts.get(self.offset + len(joined))) is not None:
            joined += part
        return bytes(joined)


class Piece(NamedTuple):
    """A part of a log as we keep it."""

    log_id: int
    offset: int
    data: bytes


def encode_piece(piece: Piece) -> bytes:
    """offset u32, log id u32, crc32 u32 of all the rest, then the bytes as they came."""
    crc = zlib.crc32(_OFFSET.pack(piece.offset) + _OFFSET.pack(piece.log_id) + piece.data)
    return _PIECE.pack(piece.offset, piece.log_id, crc) + piece.data


def decode_piece(payload: bytes) -> Piece:
    """The inverse. Raises PacketError (TOO_SHORT, CHECKSUM)."""
    if len(payload) <= _PIECE.size:
        raise PacketError(PacketReason.TOO_SHORT, f"{len(payload)} bytes hold no part of a log")
    offset, log_id, crc = _PIECE.unpack_from(payload)
    piece = Piece(log_id, offset, payload[_PIECE.size :])
    if encode_piece(piece) != payload:
        raise PacketError(PacketReason.CHECKSUM, f"{crc:08x}")
    return piece
