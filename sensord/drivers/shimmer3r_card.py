"""Shimmer3R: the files on its card, and how they come over the air (firmware 1.01.009 and later, idle pods only).

One command and its answer, as in `shimmer3r_wire`:

    list    CC: first u16, most u8, path     -> C1: status u8, first u16, bytes u16, n u8, more u8, n entries
                                                entry: kind u8 (1 directory), size u32, date u16, time u16, name
    stat    C2: path                         -> C3: status u8, size u32, date u16, time u16, kind u8
    read    C4: offset u32, length u32, block u16, path
    space   C8                               -> C9: status u8, free KiB u32, total KiB u32
    delete  CA: path                         -> CB: status u8
    (path, name: length u8, bytes)

A read is done, then comes in frames with a checksum of their own, numbered from 0, and ends with exactly one close:

     0 8A                                          0 8A
     1 C5        u8   data                         1 C6        u8   close
     2 transfer  u8                                2 transfer  u8
     3 number    u16                               3 how       u8   0 all of it, 1 end of file, else `CLOSES`
     5 bytes     u16                               4 next      u32  offset that comes next
     7 ...                                         8 crc       u16
    -2 crc       u16

    data/<trial>_<config time>/<name>-<session>/000, 001, ... : a file an hour

    header (384)   0 divisor u16   8 settings 7 x u8   24 address 6 x u8   30 hardware u16 big-endian
                   16 bit 2: synchronised (other framing, not read here)
                   44-46 bits 56-63, 48-55, 40-47 of the clock at its creation, 251 bits 32-39, 252-255 bits 0-31
                   97, 139, 256 calibration of gyroscope, accelerometer, high-g sensor
                   314 channels n u8, 315 n x channel id u8
    records        time u24, channels, as in a sample on the air but without its first byte and checksum;
                   a time of 0 marks a record that is none

Sources (ShimmerResearch on GitHub, read 2026-11): log-and-stream-common docs/SHIMMER3R_SD_FILE_TRANSFER.md,
docs/SHIMMER3_SD_CARD_FORMAT.md, SDCard/shimmer_sd_header.h; shimmer-web-sdk src/devices/sdlog.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from sensord.drivers.shimmer3r_wire import CRC_BYTES, SETTINGS_BYTES, Op, crc16, sealed
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason


class CardOp(IntEnum):
    """Commands and responses about files."""

    LIST = 0xCC
    LIST_RSP = 0xC1
    STAT = 0xC2
    STAT_RSP = 0xC3
    READ = 0xC4
    DATA = 0xC5
    CLOSE = 0xC6
    SPACE = 0xC8
    SPACE_RSP = 0xC9
    DELETE = 0xCA
    DELETE_RSP = 0xCB


STATUSES = {
    0xF0: "its card is away: docked, on USB, missing or bad",
    0xF1: "it is sampling",
    0xF2: "it does not take these arguments",
}
NO_FILE, NO_PATH = 0x04, 0x05
CLOSES = {
    2: "given up",
    3: "its card is away: docked, on USB, missing or bad",
    4: "its file system fails",
    5: "replaced by another read",
    6: "refused: it is sampling",
    7: "no such file",
}
WHOLE, END_OF_FILE, REPLACED = 0, 1, 5

LONGEST_PATH = 96
LIST_MOST = 16
LONGEST_BLOCK = 1024

_LIST = struct.Struct("<BHHBB")
_ENTRY = struct.Struct("<BIHHB")
_STAT = struct.Struct("<BIHHB")
_READ = struct.Struct("<BIIHB")
_FRAME = struct.Struct("<BBBHH")
_CLOSE = struct.Struct("<BBBBI")


def with_path(command: bytes, path: str) -> bytes:
    """A command about a path. Raises LinkError (SETUP) for one that the pod cannot take."""
    name = path.encode("ascii", "replace")
    if not 1 <= len(name) <= LONGEST_PATH or b"?" in name:
        raise LinkError(LinkReason.SETUP, f"no path that its card can have: {path}")
    return command + bytes([len(name)]) + name


def read_command(path: str, offset: int, length: int, block: int) -> bytes:
    """Asks for a stretch of a file."""
    return with_path(_READ.pack(CardOp.READ, offset, length, block, 0)[:-1], path)


def decode_read(command: bytes) -> tuple[int, int, int, str, int]:
    """Offset, length, block, path of a read, and how long the command is. Raises PacketError."""
    if len(command) < _READ.size or command[0] != CardOp.READ:
        raise PacketError(PacketReason.TYPE, f"no read: {command[:12].hex()}")
    _, offset, length, block, size = _READ.unpack_from(command)
    name = command[_READ.size : _READ.size + size]
    if not 1 <= size <= LONGEST_PATH or len(name) < size or not name.isascii():
        raise PacketError(PacketReason.LENGTH, f"no path in {command[:12].hex()}")
    return offset, length, block, name.decode(), _READ.size + size


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a directory."""

    name: str
    size: int
    directory: bool = False


def encode_entries(status: int, first: int, entries: list[Entry], *, more: bool) -> bytes:
    """Payload of a listing, behind its opcode."""
    body = b""
    for entry in entries:
        body += _ENTRY.pack(entry.directory, entry.size, 0, 0, len(entry.name)) + entry.name.encode()
    return _LIST.pack(status, first, len(body), len(entries), more) + body


def listing_bytes(payload: bytes) -> int | None:
    """How long a listing is, as soon as its beginning tells."""
    return _LIST.size + int.from_bytes(payload[3:5], "little") if len(payload) >= 5 else None


def decode_entries(payload: bytes) -> tuple[list[Entry], bool]:
    """Lines of a listing, and whether there are more. Raises LinkError (SETUP)."""
    check_status("the list of its files", payload[0])
    _, _, _, n, more = _LIST.unpack_from(payload)
    entries, at = [], _LIST.size
    for _ in range(n):
        if len(payload) < at + _ENTRY.size:
            raise LinkError(LinkReason.SETUP, f"its list of files breaks off: {payload.hex()}")
        kind, size, _, _, length = _ENTRY.unpack_from(payload, at)
        at += _ENTRY.size
        if not kind & 2:  # a name that was cut opens no file
            entries.append(Entry(payload[at : at + length].decode("ascii", "replace"), size, bool(kind & 1)))
        at += length
    return entries, bool(more & 1)


class NotThere(LinkError):
    """The card has no such file or directory."""

    def __init__(self, what: str) -> None:
        super().__init__(LinkReason.SETUP, f"{what}: no such file or directory")


def check_status(what: str, status: int) -> None:
    """Raises LinkError (SETUP) unless the pod said that all is well; NotThere if there is no such thing."""
    if status in (NO_FILE, NO_PATH):
        raise NotThere(what)
    if status:
        raise LinkError(LinkReason.SETUP, f"{what}: {STATUSES.get(status, f'card error {status}')}")


def encode_stat(status: int, size: int) -> bytes:
    """Payload of a stat's answer."""
    return _STAT.pack(status, size, 0, 0, 0)


STAT_BYTES, SPACE_BYTES = _STAT.size, 9


def encode_frame(transfer: int, number: int, data: bytes) -> bytes:
    """A frame of a file."""
    return sealed(_FRAME.pack(Op.IN_STREAM, CardOp.DATA, transfer, number & 0xFFFF, len(data)) + data)


def encode_close(transfer: int, how: int, following: int) -> bytes:
    """The end of a read."""
    return sealed(_CLOSE.pack(Op.IN_STREAM, CardOp.CLOSE, transfer, how, following))


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame, or (`how` not None) a close, that begins at a place in a stream and is `size` long."""

    transfer: int
    number: int
    data: bytes
    how: int | None
    following: int
    size: int


def frame_at(stream: bytes, at: int) -> Frame | None:
    """The frame that begins here; None if there is none, or not all of it."""
    kind = stream[at + 1 : at + 2]
    if stream[at : at + 1] != bytes([Op.IN_STREAM]) or kind not in (bytes([CardOp.DATA]), bytes([CardOp.CLOSE])):
        return None
    if kind[0] == CardOp.DATA:
        if len(stream) < at + _FRAME.size:
            return None
        _, _, transfer, number, length = _FRAME.unpack_from(stream, at)
        stop = at + _FRAME.size + length
        frame = Frame(transfer, number, stream[at + _FRAME.size : stop], None, 0, stop + CRC_BYTES - at)
    else:
        stop = at + _CLOSE.size
        if len(stream) < stop:
            return None
        _, _, transfer, how, following = _CLOSE.unpack_from(stream, at)
        frame = Frame(transfer, 0, b"", how, following, stop + CRC_BYTES - at)
    if len(stream) < stop + CRC_BYTES or crc16(stream[at:stop]) != int.from_bytes(stream[stop : stop + 2], "little"):
        return None
    return frame


def _may_be(stream: bytes, begin: int) -> bool:
    """Whether what begins here is a frame of which more has to come."""
    head = stream[begin : begin + _FRAME.size]
    if len(head) < _FRAME.size:
        return len(head) < 2 or head[1] in (CardOp.DATA, CardOp.CLOSE)
    if head[1] == CardOp.CLOSE:
        return len(stream) < begin + _CLOSE.size + CRC_BYTES
    length = int.from_bytes(head[5:7], "little")
    whole = begin + _FRAME.size + length + CRC_BYTES
    return head[1] == CardOp.DATA and 0 < length <= LONGEST_BLOCK and len(stream) < whole


class Window:
    """Collects the frames of one read from a stream that may hold other things, until its close."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.size = 0
        self.close: Frame | None = None
        self._transfer: int | None = None
        self._rest = b""

    def match(self, notification: bytes) -> bool:
        """Whether the read is over with this."""
        stream = self._rest + notification
        at = 0
        while self.close is None:
            begin = stream.find(bytes([Op.IN_STREAM]), at)
            if begin < 0:
                at = len(stream)
                break
            frame = frame_at(stream, begin)
            if frame is not None:
                self._take(frame, stream[begin : begin + frame.size])
                at = begin + frame.size
            elif _may_be(stream, begin):
                at = begin
                break
            else:
                at = begin + 1
        self._rest = stream[at:]
        return self.close is not None

    def _take(self, frame: Frame, raw: bytes) -> None:
        if frame.how is not None:
            if frame.how != REPLACED and self._transfer in (None, frame.transfer):
                self.close = frame
                self.frames.append(raw)
            return
        if frame.number == 0:
            self.frames, self.size, self._transfer = [], 0, frame.transfer
        if frame.transfer == self._transfer and frame.number == len(self.frames):
            self.frames.append(raw)
            self.size += len(frame.data)


# ------------------------------------------------------------------------------------------------------ log files

HEADER_BYTES = 384
_DIVISOR, _SETTINGS, _TRIAL, _ADDRESS, _HARDWARE, _CHANNELS = 0, 8, 16, 24, 30, 314
_GYR_CALIBRATION, _ACC_CALIBRATION, _HIGH_G_CALIBRATION = 97, 139, 256
_CLOCK_PLACES = (252, 253, 254, 255, 251, 46, 45, 44)
_SYNCHRONISED = 4
MOST_CHANNELS = 50


@dataclass(frozen=True, slots=True)
class Header:
    """Head of a log file. `ticks`: the pod's clock when the file was made, a little after its first record."""

    divisor: int
    settings: bytes
    address: str
    hardware: int
    ticks: int
    channels: tuple[int, ...]
    synchronised: bool = False


def encode_header(header: Header, calibrations: dict[str, bytes]) -> bytes:
    """Bytes of a head; what is not told is FF, as the firmware leaves it."""
    head = bytearray(b"\xff" * HEADER_BYTES)
    head[_DIVISOR : _DIVISOR + 2] = header.divisor.to_bytes(2, "little")
    head[_SETTINGS : _SETTINGS + SETTINGS_BYTES] = header.settings
    head[_TRIAL] = _SYNCHRONISED * header.synchronised
    head[_ADDRESS : _ADDRESS + 6] = bytes.fromhex(header.address)
    head[_HARDWARE : _HARDWARE + 2] = header.hardware.to_bytes(2, "big")
    head[47:52] = bytes(5)
    for i, place in enumerate(_CLOCK_PLACES):
        head[place] = header.ticks >> 8 * i & 0xFF
    head[_CHANNELS] = len(header.channels)
    head[_CHANNELS + 1 : _CHANNELS + 1 + len(header.channels)] = bytes(header.channels)
    places = {"gyr": _GYR_CALIBRATION, "acc": _ACC_CALIBRATION, "high_g": _HIGH_G_CALIBRATION}
    for sensor, block in calibrations.items():
        head[places[sensor] : places[sensor] + len(block)] = block
    return bytes(head)


def decode_header(head: bytes) -> Header:
    """The inverse of `encode_header`. Raises PacketError (TYPE, COUNT)."""
    channels = head[_CHANNELS]
    divisor = int.from_bytes(head[_DIVISOR : _DIVISOR + 2], "little")
    hardware = int.from_bytes(head[_HARDWARE : _HARDWARE + 2], "big")
    if not divisor or not 1 <= channels <= MOST_CHANNELS:
        raise PacketError(PacketReason.COUNT, f"log of {channels} channels every {divisor} ticks")
    return Header(
        divisor,
        head[_SETTINGS : _SETTINGS + SETTINGS_BYTES],
        head[_ADDRESS : _ADDRESS + 6].hex(),
        hardware,
        sum(head[place] << 8 * i for i, place in enumerate(_CLOCK_PLACES)),
        tuple(head[_CHANNELS + 1 : _CHANNELS + 1 + channels]),
        bool(head[_TRIAL] & _SYNCHRONISED),
    )
