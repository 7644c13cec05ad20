"""What the fuzz needs of single drivers: packets that no simulated pod sends, checksums made right again."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sensord.drivers import polar_frame
from sensord.drivers.base import LOG
from sensord.drivers.movella_dot_wire import RECORD, Re, encode_record
from sensord.drivers.movesense_sbem import MAGIC, encode_chunk
from sensord.drivers.open_pod_log_wire import Piece, decode_piece, encode_piece
from sensord.drivers.open_pod_wire import DATA, RATES_HZ, DataPacket, Flag, encode_data
from sensord.drivers.polar_control import DATA as POLAR_DATA
from sensord.drivers.polar_control import Kind
from sensord.drivers.sealed import seal, unseal
from sensord.drivers.shimmer3r_card import (
    HEADER_BYTES,
    LONGEST_BLOCK,
    WHOLE,
    CardOp,
    Window,
    decode_header,
    decode_read,
    encode_close,
    encode_frame,
    encode_header,
    frame_at,
    read_command,
)
from sensord.drivers.shimmer3r_wire import TICKS_HZ, Schema, crc16, sealed
from sensord.model import NS, Json


def odd_open_pods() -> Iterable[tuple[str, bytes]]:
    """A pod whose sensor drifts (no two packets take equally long), overruns that cost nothing, a pod with high g."""
    t_us = 0
    for seq in range(80):
        flags = Flag(0) if seq % 20 else Flag.OVERRUN
        packet = DataPacket(seq, t_us, 4500 + seq, RATES_HZ.index(200.0), flags, np.zeros((10, 6), np.int16))
        yield DATA, encode_data(packet)
        t_us += round(packet.period_us * 10)
    yield DATA, encode_data(DataPacket(80, t_us, 4500, RATES_HZ.index(200.0), Flag(0), np.zeros((10, 9), np.int16)))


def odd_open_pod_logs(armed: Mapping[str, Json], kept: Sequence[bytes]) -> Iterable[list[bytes]]:
    """Pieces of 600 bytes, of which the run file lost one, or two of three."""
    first = decode_piece(kept[0])
    pieces = [encode_piece(Piece(first.log_id, at, first.data[at : at + 600])) for at in range(0, len(first.data), 600)]
    yield [*pieces[:2], *pieces[3:]]
    yield pieces[::3]


def odd_polars() -> Iterable[tuple[str, bytes]]:
    """A wrong time in the second frame, and in every other one; frames of more samples than any pod sends."""
    t_ns, period_ns = 10**18 // 2, NS / 208
    for off in (0, 2.3, *[0] * 8, *[0, 2.0] * 4):
        t_ns += round(40 * period_ns)
        frame = polar_frame.Frame(Kind.ACC, t_ns + round(off * period_ns), 0x80, np.zeros((40, 3), np.int64))
        yield POLAR_DATA, polar_frame.encode_frame(frame)
    head = polar_frame.HEADER.pack(Kind.ACC, 10**18, 0x00)
    yield POLAR_DATA, head + bytes(3 * 600)
    head = polar_frame.HEADER.pack(Kind.ACC, 10**18, 0x80)
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


def odd_shimmer_logs(armed: Mapping[str, Json], kept: Sequence[bytes]) -> Iterable[list[bytes]]:
    """Files of pods that lost their power, of other pods and other settings, files that lack a part."""
    path = f"{armed['details']['log_directory']}/{{:03d}}"
    data = bytes_of(kept[0])
    head, records = data[:HEADER_BYTES], data[HEADER_BYTES:]
    header = decode_header(head)
    whole = shimmer_piece(path.format(0), data)

    def changed(**what: Any) -> bytes:
        return encode_header(replace(header, **what), {})

    yield [shimmer_piece(path.format(0), head[:100])]  # it lost its power while it made the file
    yield [shimmer_piece(path.format(0), bytes(HEADER_BYTES) + records)]  # the head was never written
    record_bytes = Schema(header.channels).record_bytes
    yield [shimmer_piece(path.format(0), head + bytes(20 * record_bytes))]  # no record was
    yield [shimmer_piece(path.format(0), changed(address="00065ae80da2") + records)]  # the card of another pod
    for settings in (
        {"synchronised": True},
        {"divisor": header.divisor * 2},
        {"settings": bytes(7)},
        {"channels": (*header.channels, 0x60)},
        {"channels": header.channels[:-3]},
    ):  # set anew by the maker's software, perhaps of years to come
        yield [whole, shimmer_piece(path.format(1), changed(**settings) + records)]
    for later_s in (-3600, 3600):  # its clock was set back; an hour later it begins the next file
        yield [whole, shimmer_piece(path.format(1), changed(ticks=header.ticks + later_s * TICKS_HZ) + records), whole]
    yield [shimmer_piece(path.format(0), data[:5000]), shimmer_piece(path.format(0), data[9000:], 9000)]
    yield [whole, shimmer_piece(path.format(1), records[:1000], 2**14)]  # the first part of the next file was lost
    frames = frames_of(kept[0])
    yield [kept[0].replace(frames[1], b"")]  # a part of a file lacks a frame


def odd_movella_logs(armed: Mapping[str, Json], kept: Sequence[bytes]) -> Iterable[list[bytes]]:
    """Recordings without a sample, of another clock, of one that stood, with an answer in it; an older one again."""
    file, first, data = unseal(kept[0])
    size = RECORD.itemsize
    yield [seal(file, first, encode_record(0, 0, (0.0,) * 6, 0))]
    clock_us = int(armed["details"]["clock_us"])
    for begun_us, step_us in ((clock_us + 600_000_000, 8333), (clock_us + 1_000_000, 0)):
        yield [seal(file, 0, b"".join(encode_record(i, begun_us + step_us * i, (0.0,) * 6, 0) for i in range(9)))]
    done = bytes([*data[:2], Re.FILE_DATA_DONE, *data[3 : size - 1]])
    yield [seal(file, first, done + bytes([-sum(done) % 256]) + data[size:])]
    yield [kept[0], seal(file + 1, first, data), kept[0]]


def odd_movesense_logs(armed: Mapping[str, Json], kept: Sequence[bytes]) -> Iterable[list[bytes]]:
    """A log of which a few bytes came first; one of an older sensor, which does not describe what is in it."""
    log, offset, data = unseal(kept[0])
    yield [seal(log, offset, data[:5]), seal(log, offset + 5, data[5:]), *kept[1:]]
    yield [seal(log, 0, MAGIC + encode_chunk(94, bytes(52)) * 3)]


def frames_of(piece: bytes) -> list[bytes]:
    """A Shimmer's piece without its head: frames, and the close."""
    window = Window()
    window.match(piece[decode_read(piece)[4] + 2 :])
    return window.frames


def bytes_of(piece: bytes) -> bytes:
    """What a Shimmer's piece holds of its file."""
    frames = (frame_at(frame, 0) for frame in frames_of(piece))
    return b"".join(frame.data for frame in frames if frame is not None)


def shimmer_piece(path: str, data: bytes, offset: int = 0) -> bytes:
    """A part of a file, all of it read at once."""
    size = LONGEST_BLOCK
    frames = b"".join(encode_frame(1, i, data[at : at + size]) for i, at in enumerate(range(0, len(data), size)))
    head = sealed(read_command(path, offset, len(data), size))
    return head + frames + encode_close(1, WHOLE, offset + len(data))


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
