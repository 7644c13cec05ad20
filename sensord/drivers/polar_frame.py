"""Data frames of Polar's measurement service (PMD): pure encode and decode, in raw values.

Sources: "Polar Measurement Data Specification for 3rd Party" (1.0, August 2024) and polar-ble-sdk @8fb5311c,
AccData.kt, GyrData.kt, BlePMDClient.kt. All numbers little endian.

     0 type    u8    & 0x3F: 2 accelerometer, 5 gyroscope
     1 time    u64   ns since 2000-01-01 on the pod's clock, of the LAST sample in the frame
     9 format  u8
    10 samples

    format  samples                              value
    0x00    x, y, z i8                           mg              accelerometer
    0x01    x, y, z i16                          mg              accelerometer
    0x02    x, y, z i24                          mg              accelerometer
    0x80    deltas, first sample 3 x i16         x factor: g     accelerometer
                                                 x factor: dps   gyroscope
    0x81    deltas, first sample 3 x i16         x factor: mg    accelerometer
            deltas of the bits of f32, 3 x f32   x factor: dps   gyroscope

Deltas: the first sample, then blocks { width u8, count u8, bits } up to the end of the frame. The bits are count x 3
two's complement numbers of that width, x y z x y z, lowest bit first, filled up to a whole byte: what each sample adds
to the one before.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from sensord.drivers.polar_control import Kind
from sensord.errors import PacketError, PacketReason
from sensord.model import FloatArray, IntArray

HEADER = struct.Struct("<BQB")
COMPRESSED = 0x80

MOST_BYTES = 229
"""Payload of a notification at the ATT MTU of 232 that the specification asks for: a frame is sent when it is full."""

MOST_SAMPLES = 512
"""Design choice: frames of 130 samples have been seen (polar-ble-sdk issue 439); one that claims far more is junk."""

MOST_BITS = 32
"""Widest delta that makes sense, that of the bits of an f32."""

MOST_TIME_NS = (1 << 63) - 1

_RAW_BYTES = {0x00: 1, 0x01: 2, 0x02: 3}
_DELTA_FORMATS = (0x80, 0x81)
_I16 = 1 << 15
_U32 = (1 << 32) - 1
_CHANNELS = 3
_BLOCK = 255

Index = npt.NDArray[np.intp]
Shift = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Frame:
    """A data frame taken apart. `raw` is (n, 3): counts, or floats for a gyroscope's format 0x81."""

    kind: Kind
    t_last_ns: int
    format: int
    raw: IntArray | FloatArray


def is_float(kind: Kind, frame_format: int) -> bool:
    """Whether the values are floats and the deltas those of their bits."""
    return kind is Kind.GYRO and frame_format == 0x81


def decode_frame(payload: bytes) -> Frame:
    """A frame of accelerometer or gyroscope. Raises PacketError and nothing else, whatever the bytes."""
    if len(payload) <= HEADER.size:
        raise PacketError(PacketReason.TOO_SHORT, f"{len(payload)} bytes")
    kind_bits, t_last_ns, frame_format = HEADER.unpack_from(payload)
    number = kind_bits & 0x3F
    if number not in {Kind.ACC, Kind.GYRO}:
        raise PacketError(PacketReason.TYPE, f"measurement {number}")
    kind = Kind.ACC if number == Kind.ACC else Kind.GYRO
    if t_last_ns > MOST_TIME_NS:
        raise PacketError(PacketReason.TIME, str(t_last_ns))
    if frame_format in _DELTA_FORMATS:
        raw = _decode_deltas(payload, floats=is_float(kind, frame_format))
    elif kind is Kind.ACC and frame_format in _RAW_BYTES:
        raw = _decode_plain(payload[HEADER.size :], _RAW_BYTES[frame_format])
    else:
        raise PacketError(PacketReason.TYPE, f"format 0x{frame_format:02x} of the {kind.text}")
    return Frame(kind, t_last_ns, frame_format, raw)


def encode_frame(frame: Frame) -> bytes:
    """The inverse of `decode_frame`; deltas in the blocks that make the frame shortest."""
    head: bytes = HEADER.pack(frame.kind, frame.t_last_ns, frame.format)
    if frame.format in _RAW_BYTES:
        size = _RAW_BYTES[frame.format]
        return head + b"".join(int(v).to_bytes(size, "little", signed=True) for v in frame.raw.ravel())
    if is_float(frame.kind, frame.format):
        bits = frame.raw.astype("<f4").view("<u4").astype(np.int64)
        first: bytes = bits[0].astype("<u4").tobytes()
        deltas = (np.diff(bits, axis=0) + (1 << 31)) % (1 << 32) - (1 << 31)
    else:
        first = frame.raw[0].astype("<i2").tobytes()
        deltas = np.diff(frame.raw.astype(np.int64), axis=0)
    return head + first + b"".join(_blocks(deltas))


# ---------------------------------------------------------------------------------------------------------- reading


def _decode_plain(body: bytes, size: int) -> IntArray:
    row = size * _CHANNELS
    if len(body) % row:
        raise PacketError(PacketReason.LENGTH, f"{len(body)} bytes of samples of {row}")
    if len(body) // row > MOST_SAMPLES:
        raise PacketError(PacketReason.COUNT, f"{len(body) // row} samples")
    parts = np.frombuffer(body, np.uint8).reshape(-1, size).astype(np.int64)
    values: IntArray = (parts << (8 * np.arange(size))).sum(axis=1)
    half = 1 << (8 * size - 1)
    return ((values + half) % (2 * half) - half).reshape(-1, _CHANNELS)


def _decode_deltas(payload: bytes, *, floats: bool) -> IntArray | FloatArray:
    start = HEADER.size + (12 if floats else 6)
    if len(payload) < start:
        raise PacketError(PacketReason.TOO_SHORT, f"{len(payload)} bytes, without a first sample")
    first = struct.unpack_from("<3I" if floats else "<3h", payload, HEADER.size)
    blocks = list(_block_places(payload, start))
    n = 1 + sum(count for _, count, _ in blocks)
    if n > MOST_SAMPLES:
        raise PacketError(PacketReason.COUNT, f"{n} samples")
    values = np.empty((n, _CHANNELS), dtype=np.int64)
    values[0] = first
    # every 8 bytes of the payload as a number, one for each byte: a value of 32 bits or less is inside one of them
    words: npt.NDArray[np.uint64] = np.ndarray(len(payload) + 1, "<u8", payload + bytes(8), strides=(1,))
    flat, to = values.reshape(-1), _CHANNELS
    for width, count, at in blocks:
        size = count * _CHANNELS
        flat[to : to + size] = _unpack(words[at:], width, size)
        to += size
    np.add.accumulate(values, axis=0, out=values)
    if floats:
        with np.errstate(invalid="ignore"):  # bits that are no number: refused as beyond the range
            return (values & _U32).astype(np.uint32).view(np.float32).astype(np.float64)
    if n > 1 and (values.item(values.argmax()) >= _I16 or values.item(values.argmin()) < -_I16):
        raise PacketError(PacketReason.VALUE, "deltas lead out of 16 bits")
    return values


def _block_places(payload: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Width, count and place of the bits of every block."""
    while at < len(payload):
        if at + 2 > len(payload):
            raise PacketError(PacketReason.LENGTH, "a block without a count")
        width, count = payload[at], payload[at + 1]
        if width > MOST_BITS:
            raise PacketError(PacketReason.VALUE, f"deltas of {width} bits")
        end = at + 2 + (width * count * _CHANNELS + 7) // 8
        if end > len(payload):
            raise PacketError(PacketReason.LENGTH, f"{len(payload)} bytes, a block ends at {end}")
        if count:
            yield width, count, at + 2
        at = end


def _unpack(words: npt.NDArray[np.uint64], width: int, size: int) -> IntArray | int:
    if width == 0:
        return 0
    index, up = _places(width)
    return (words[index[:size]] << up[:size]).view(np.int64) >> (64 - width)


@cache
def _places(width: int) -> tuple[Index, Shift]:
    """For values of a width: the byte each begins in, and by how much its word is shifted to put it on top."""
    bit = np.arange(_BLOCK * _CHANNELS) * width
    return bit >> 3, (64 - width - (bit & 7)).astype(np.uint64)


# ---------------------------------------------------------------------------------------------------------- writing


def widths(deltas: IntArray) -> IntArray:
    """Bits that each row of deltas (n, 3) needs, 1 or more."""
    folded = np.where(deltas < 0, ~deltas, deltas).max(axis=1) if len(deltas) else np.zeros(0, np.int64)
    # frexp's exponent is the bit length of a whole number (up to 2**53)
    lengths: IntArray = np.frexp(folded.astype(np.float64))[1].astype(np.int64)
    return lengths + 1


def block_bytes(width: IntArray | int, count: IntArray | int) -> IntArray | int:
    """Size of a block."""
    return 2 + (width * count * _CHANNELS + 7) // 8


def _blocks(deltas: IntArray) -> Iterator[bytes]:
    """The deltas in blocks: cut in two wherever that makes them shorter."""
    n = len(deltas)
    if n == 0:
        return
    need = widths(deltas)
    from_left, from_right = np.maximum.accumulate(need), np.maximum.accumulate(need[::-1])[::-1]
    cuts = np.arange(1, n)
    cost = block_bytes(from_left[:-1], cuts) + block_bytes(from_right[1:], n - cuts)
    whole = int(block_bytes(int(need.max()), n))
    best = int(np.argmin(cost)) if n > 1 else 0
    if n > _BLOCK or (n > 1 and int(np.asarray(cost)[best]) < whole):
        cut = best + 1 if n <= _BLOCK else _BLOCK
        yield from _blocks(deltas[:cut])
        yield from _blocks(deltas[cut:])
    else:
        yield _block(deltas, int(need.max()))


def _block(deltas: IntArray, width: int) -> bytes:
    flat = deltas.reshape(-1).astype(np.int64)
    bits = ((flat[:, None] >> np.arange(width)) & 1).astype(np.uint8)
    return bytes([width, len(deltas)]) + np.packbits(bits.reshape(-1), bitorder="little").tobytes()
