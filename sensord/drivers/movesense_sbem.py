"""A Movesense log file (SBEM): chunks of any kind, and what describes them, to packets of both sensors.

    file       ["SBEM0112"] [chunk] [chunk] ...
    chunk      [id] [length] [payload]          id u8, or 0xFF and u16; length u8, or 0xFF and u32
    chunk 0    [id u16] [text] [NUL]            describes chunks of that id, in lines:
                 <PTH>Samples+Array.MeasIMU6.Timestamp   what it is; "[" and "]" only frame what is repeated
                 <FRM>uint32                             how it is stored
                 <GRP>13,54,89,89,55                     or: these, one after the other

A packet is Timestamp, n times x, y, z of ArrayAcc, n times those of ArrayGyro. Ids differ between firmwares, so the
descriptions in the file are what it is read by; the logs of a Flash have them, those of older sensors do not (and are
refused).

0xFF as the mark of a long length is from sensein/movesense-py (sbem_decoder) and sokolmarek/movesense-commander
docs/sbem-format.md; the maker's own script has it as 0xAD by a slip. Where the two differ, a length does not fit its
description, and is passed over. Descriptions of IMU6: those of the maker's simulator (DescriptorItem_t, in
movesense-device-lib), with 1, 2, 4 and 8 samples: 104 Hz is the highest rate that is known to be logged.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from sensord.errors import PacketError, PacketReason

MAGIC = b"SBEM0112"
LONG = 0xFF
DESCRIPTION = 0
UNKNOWN = -1

LONGEST_CHUNK = 1 << 16
"""Design choice: longer, and it is none."""

SIZES = {
    "bool": 1,
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "uint16": 2,
    "int32": 4,
    "uint32": 4,
    "float32": 4,
    "int64": 8,
    "uint64": 8,
    "float64": 8,
}

TIMESTAMP = ("MeasIMU6.Timestamp", "uint32")
ACC = tuple((f"MeasIMU6.ArrayAcc.{axis}", "float32") for axis in "xyz")
GYR = tuple((f"MeasIMU6.ArrayGyro.{axis}", "float32") for axis in "xyz")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value: what it is, how it is stored."""

    name: str
    form: str


def encode_chunk(kind: int, payload: bytes) -> bytes:
    """A chunk."""
    head = bytes([kind]) if kind < LONG else struct.pack("<BH", LONG, kind)
    size = bytes([len(payload)]) if len(payload) < LONG else struct.pack("<BI", LONG, len(payload))
    return head + size + payload


def encode_description(kind: int, text: str) -> bytes:
    """A chunk that describes others."""
    return encode_chunk(DESCRIPTION, kind.to_bytes(2, "little") + text.encode() + b"\0")


class SbemReader:
    """Bytes of one file, in any pieces, to its IMU6 packets. Raises PacketError for what is no such file.

    `damaged` counts stretches of chunks that are not as they are described, which are passed over.
    """

    def __init__(self) -> None:
        self.damaged = 0
        self._sound = True
        self._rest = b""
        self._begun = False
        self._leaves: dict[int, Leaf] = {}
        self._groups: dict[int, tuple[int, ...]] = {}
        self._sizes: dict[int, tuple[int, int] | None] = {}  # by id, see `_layout`

    def push(self, data: bytes) -> list[bytes]:
        """Packets that are whole now: samples as in a live packet."""
        self._rest += data
        at = 0
        if not self._begun:
            if len(self._rest) < len(MAGIC):
                return []
            if not self._rest.startswith(MAGIC):
                raise PacketError(PacketReason.TYPE, f"a log that begins with {self._rest[:8]!r}")
            self._begun, at = True, len(MAGIC)
        packets = []
        for kind, payload, end in self._chunks(at):
            at = end
            if kind == DESCRIPTION:
                self._describe(payload)
            elif self._is_packet(kind, len(payload)):
                packets.append(payload)
        self._rest = self._rest[at:]
        return packets

    def _chunks(self, at: int) -> Iterator[tuple[int, bytes, int]]:
        """Whole chunks: id, payload, where the next one begins."""
        data = self._rest
        while True:
            head = _number(data, at, 2)
            size = None if head is None else _number(data, head[1], 4)
            if head is None or size is None:
                return
            if size[0] > LONGEST_CHUNK:
                raise PacketError(PacketReason.LENGTH, f"a chunk of {size[0]} bytes in a log")
            end = size[1] + size[0]
            if end > len(data):
                return
            yield head[0], data[size[1] : end], end
            at = end

    def _describe(self, payload: bytes) -> None:
        kind = int.from_bytes(payload[:2], "little")
        text = payload[2:].rstrip(b"\0").decode("utf-8", "replace")
        tags = {line[:5]: line[5:] for line in text.split("\n")}
        self._sizes.clear()
        if "<GRP>" in tags:
            ids = tags["<GRP>"].split(",")
            self._groups[kind] = tuple(int(one) if one.isdecimal() else UNKNOWN for one in ids)
        else:
            name = tags.get("<PTH>", "").replace("+", ".").removeprefix("Samples.").removeprefix("Array.")
            self._leaves[kind] = Leaf(name, tags.get("<FRM>", "").partition(",")[0])

    def _is_packet(self, kind: int, size: int) -> bool:
        """Whether chunks of this id are packets of both sensors. Raises PacketError where nothing was described."""
        if not self._leaves:
            raise PacketError(PacketReason.TYPE, "a log that does not say what is in it: that of an older sensor")
        if kind not in self._sizes:
            self._sizes[kind] = self._layout(kind)
        layout = self._sizes[kind]
        sound = layout is not None and layout[0] in {0, size}
        self.damaged += self._sound and not sound
        self._sound = sound
        return sound and layout is not None and layout[0] > 0

    def _layout(self, kind: int) -> tuple[int, int] | None:
        """Bytes and samples of packets of this id; 0 for something else, None if it is not described in full."""
        leaves = self._expanded(kind, 0)
        if leaves is None:
            return None
        values = [(leaf.name, leaf.form) for leaf in leaves if leaf.name not in {"[", "]"}]
        if not values or values[0] != TIMESTAMP:
            return 0, 0
        n, odd = divmod(len(values) - 1, 6)
        if odd or n == 0 or values[1:] != [*ACC * n, *GYR * n]:
            return None
        return sum(SIZES[form] for _, form in values), n

    def _expanded(self, kind: int, depth: int) -> list[Leaf] | None:
        """All values of chunks of this id, in order."""
        if kind in self._groups and depth < 4:
            parts = [self._expanded(child, depth + 1) for child in self._groups[kind]]
            return None if None in parts else [leaf for part in parts if part is not None for leaf in part]
        return [self._leaves[kind]] if kind in self._leaves else None


def _number(data: bytes, at: int, wide: int) -> tuple[int, int] | None:
    """An id or a length, and where it ends; None if it has not come whole."""
    if at >= len(data):
        return None
    if data[at] != LONG:
        return data[at], at + 1
    end = at + 1 + wide
    return (int.from_bytes(data[at + 1 : end], "little"), end) if end <= len(data) else None
