"""What the fuzz needs of single drivers: packets that no simulated pod sends, checksums made right again."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

import numpy as np

from sensord.drivers.base import LOG
from sensord.drivers.open_pod_log_wire import Piece, encode_piece
from sensord.drivers.open_pod_wire import DATA, RATES_HZ, DataPacket, Flag, encode_data
from sensord.drivers.polar_control import DATA as POLAR_DATA
from sensord.drivers.polar_control import Kind
from sensord.drivers.polar_frame import HEADER
from sensord.drivers.sealed import seal
from sensord.drivers.shimmer3r_card import CardOp
from sensord.drivers.shimmer3r_wire import crc16


def odd_open_pods() -> Iterable[tuple[str, bytes]]:
    """A pod whose sensor drifts (no two packets take equally long), overruns that cost nothing, a pod with high g."""
    t_us = 0
    for seq in range(80):
        flags = Flag(0) if seq % 20 else Flag.OVERRUN
        packet = DataPacket(seq, t_us, 4500 + seq, RATES_HZ.index(200.0), flags, np.zeros((10, 6), np.int16))
        yield DATA, encode_data(packet)
        t_us += round(packet.period_us * 10)
    yield DATA, encode_data(DataPacket(80, t_us, 4500, RATES_HZ.index(200.0), Flag(0), np.zeros((10, 9), np.int16)))


def odd_polars() -> Iterable[tuple[str, bytes]]:
    """Frames of more samples than any pod sends: plain ones, and differences of one bit."""
    head = HEADER.pack(Kind.ACC, 10**18, 0x00)
    yield POLAR_DATA, head + bytes(3 * 600)
    head = HEADER.pack(Kind.ACC, 10**18, 0x80)
    yield POLAR_DATA, head + bytes(6) + (bytes((1, 255)) + bytes(-(-255 * 3 // 8))) * 3


def mend_shimmer(characteristic: str, payload: bytes) -> bytes:
    """A piece of a log: a read command, frames, a close, each with its checksum (drawn in shimmer3r_card)."""
    out = bytearray(payload)
    if characteristic != LOG or len(out) < 14:
        return payload
    begun, stop = 0, 12 + out[11]
    while stop + 2 <= len(out):
        out[stop : stop + 2] = struct.pack("<H", crc16(bytes(out[begun:stop])))
        begun = stop + 2
        if len(out) < begun + 8:
            break
        stop = begun + (
            7 + int.from_bytes(out[begun + 5 : begun + 7], "little") if out[begun + 1] == CardOp.DATA else 8
        )
    return bytes(out)


def mend_metamotion(characteristic: str, payload: bytes) -> bytes:
    """A piece of a log ends with a checksum of ours."""
    return payload[:-4] + struct.pack("<I", zlib.crc32(payload[:-4])) if characteristic == LOG else payload


def mend_open_pod(characteristic: str, payload: bytes) -> bytes:
    """A piece of a log: its offset and log with the checksum that belongs to them."""
    if characteristic != LOG or len(payload) <= 12:
        return payload
    offset, log_id, _ = struct.unpack_from("<III", payload)
    return encode_piece(Piece(log_id, offset, payload[12:]))


def mend_sealed(characteristic: str, payload: bytes) -> bytes:
    """A piece of a log: log and offset with the checksum that belongs to them."""
    if characteristic != LOG or len(payload) <= 12:
        return payload
    log, offset, _ = struct.unpack_from("<III", payload)
    return seal(log, offset, payload[12:])
