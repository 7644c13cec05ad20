"""Pieces of a pod's log as they are kept, for pods that put no checksum of their own on what is fetched.

0     4        8      12
+-----+--------+------+-------------+
| log | offset | CRC  | bytes       |     u32 each; CRC-32 of log, offset and bytes
+-----+--------+------+-------------+
"""

from __future__ import annotations

import struct
import zlib

from sensord.errors import PacketError, PacketReason

HEAD = struct.Struct("<III")


def seal(log: int, offset: int, data: bytes) -> bytes:
    """A piece: which log it is of, and where in it."""
    return HEAD.pack(log, offset, zlib.crc32(data, zlib.crc32(struct.pack("<II", log, offset)))) + data


def unseal(piece: bytes) -> tuple[int, int, bytes]:
    """Log, offset and bytes of a piece. Raises PacketError."""
    if len(piece) <= HEAD.size:
        raise PacketError(PacketReason.TOO_SHORT, f"{len(piece)} bytes")
    log, offset, _ = HEAD.unpack_from(piece)
    data = piece[HEAD.size :]
    if seal(log, offset, data) != piece:
        raise PacketError(PacketReason.CHECKSUM, f"a piece of log {log}")
    return log, offset, data
