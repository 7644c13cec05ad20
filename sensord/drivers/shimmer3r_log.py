"""Shimmer3R: its log, from arming to samples (files and how they come: `shimmer3r_card`).

A kept piece is one read of a file: the command with a checksum of ours behind it, then the frames as they came, the
close last. Only whole reads are kept. What was fetched twice is told by file and offset.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace

import numpy as np

from sensord.drivers.base import (
    LOG,
    Await,
    Fix,
    Keep,
    Pause,
    PodInfo,
    Progress,
    Request,
    Session,
    Subscribe,
    Wanted,
    Write,
)
from sensord.drivers.shimmer3r_card import (
    CLOSES,
    END_OF_FILE,
    HEADER_BYTES,
    LIST_MOST,
    LONGEST_BLOCK,
    SPACE_BYTES,
    STAT_BYTES,
    WHOLE,
    CardOp,
    Entry,
    NotThere,
    Window,
    check_status,
    decode_entries,
    decode_header,
    decode_read,
    frame_at,
    listing_bytes,
    read_command,
    with_path,
)
from sensord.drivers.shimmer3r_stream import ShimmerDecoder, info_of
from sensord.drivers.shimmer3r_talk import (
    ANSWER_S,
    TRIES,
    ask,
    battery,
    clock,
    dotted,
    hello,
    prepare,
    quiet,
    status,
    until,
)
from sensord.drivers.shimmer3r_time import nearest
from sensord.drivers.shimmer3r_wire import (
    ACC_RANGES_G,
    DATA,
    GYR_RANGES_DPS,
    LATEST_TICKS,
    NAME,
    TICK_SPAN,
    TICKS_HZ,
    Inquiry,
    Op,
    Schema,
    Status,
    crc16,
    sealed,
    ticks_to_ns,
)
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import IntArray, Json, Packet, SampleBlock

FIRMWARE = (1, 1, 9)
"""The first that hands files over by Bluetooth (SHIMMER3_BT_COMMUNICATION_PROTOCOL.md, appendix A)."""

BATTERY_COUNTS = 2500
"""3.65 V, about a tenth left: where the firmware itself ends a log, if told to (SHIMMER3_BATTERY_AND_CHARGING.md 4)."""

ARM_MINUTES = 60.0
"""Design choice: a card that cannot hold so much is full."""

WINDOW_BYTES = 16 * 1024
"""Design choice: half a second of the 32 KB/s that the maker measured (shimmer-web-sdk shimmer3r/constants.ts), so
that a piece is soon on disk and little is fetched twice."""

SLOWEST_BYTES_PER_S = 1000
"""Design choice: slower than this, a read is taken for lost."""

SHORTEST_WINDOW = 1024
WINDOW_TRIES = 8
"""Design choice: a read of which anything was lost is tried again, a quarter as long; the link is given up after so
many in a row."""

FILE_OPENS_S = 0.5


def arm(wanted: Wanted) -> Session[PodInfo]:
    """Configures and starts a log on the card. Raises LinkError (SETUP)."""
    info = yield from prepare(wanted)
    if _version(info.firmware) < FIRMWARE:
        raise LinkError(LinkReason.SETUP, f"firmware {info.firmware} hands no log over, {dotted(FIRMWARE)} does")
    now, usb = yield from status()
    if usb or now & Status.DOCKED or now & Status.CARD_BAD or not now & Status.CARD_IN:
        raise LinkError(LinkReason.SETUP, f"its card is missing, bad, or in use by a dock or USB: {now!r}")
    counts, volts = yield from battery()
    if counts < BATTERY_COUNTS:
        raise LinkError(LinkReason.SETUP, f"its battery is nearly empty: {volts:g} V")
    space = yield from ask("free space", bytes([CardOp.SPACE]), bytes([CardOp.SPACE_RSP]), SPACE_BYTES, tries=TRIES)
    check_status("free space", space[0])
    record_bytes = Schema(tuple(info.details["channels"])).record_bytes
    minutes = int.from_bytes(space[1:5], "little") * 1024 / (record_bytes * info.rate_hz) / 60
    if minutes < ARM_MINUTES:
        raise LinkError(LinkReason.SETUP, f"its card has room for {minutes:.0f} minutes only")
    before = yield from _directory()
    yield from until("the log's start", Op.START_LOG, lambda status: bool(status & Status.LOGGING))
    for _ in range(TRIES):  # a file takes a while to be made
        directory = yield from _directory()
        if directory not in (None, before):
            break
        yield Pause(FILE_OPENS_S)
    else:
        raise LinkError(LinkReason.SETUP, "it logs, but does not say where")
    ticks = yield from clock()
    yield Fix(ticks_to_ns(ticks))
    details = {**info.details, "log_directory": directory, "log_minutes": round(minutes), "armed_ticks": ticks}
    return replace(info, details=details)


def recover(armed: Mapping[str, Json]) -> Session[PodInfo]:
    """Stops the log and hands over its files, and those of any log begun since. Raises LinkError."""
    info = info_of(armed)
    if "log_directory" not in info.details:
        raise LinkError(LinkReason.IDENTITY, "recorded pod info is not that of an armed pod")
    yield Subscribe(DATA)
    identity = yield from hello()
    if identity.serial != info.serial:
        raise LinkError(LinkReason.IDENTITY, f"{identity.serial} was not armed, {info.serial} was")
    yield from quiet()
    ticks = yield from clock()
    yield Fix(ticks_to_ns(ticks))
    files = yield from _files(str(info.details["log_directory"]))
    sizes = []
    for path in files:
        got = yield from ask(
            f"the size of {path}",
            with_path(bytes([CardOp.STAT]), path),
            bytes([CardOp.STAT_RSP]),
            STAT_BYTES,
            tries=TRIES,
        )
        check_status(path, got[0])
        sizes.append(int.from_bytes(got[1:5], "little"))
    done, total = 0, sum(sizes)
    yield Progress(0, total)
    for path, size in zip(files, sizes, strict=True):
        offset, length, failed = 0, WINDOW_BYTES, 0
        while offset < size:
            command = read_command(path, offset, min(length, size - offset), LONGEST_BLOCK)
            window = yield from _fetch(path, command, length)
            if window.close is None or window.close.following != offset + window.size:
                length, failed = max(length // 4, SHORTEST_WINDOW), failed + 1
                if failed == WINDOW_TRIES:
                    raise LinkError(LinkReason.LOST, f"{path} does not come whole from byte {offset} on")
                continue
            yield Keep(sealed(command) + b"".join(window.frames))
            length, failed = min(2 * length, WINDOW_BYTES), 0
            offset += window.size
            done += window.size
            yield Progress(done, total)
            if window.close.how == END_OF_FILE:
                break
    details = {**info.details, "clock_ticks": ticks}
    return replace(info, clock_us=ticks * 1_000_000 // TICKS_HZ, details=details)


def release() -> Session[None]:
    """Erases the newest log. A pod that was switched off since does not know which it was: its card keeps it."""
    yield Subscribe(DATA)
    yield from hello()
    directory = yield from _directory()
    if directory is None:
        return
    with contextlib.suppress(NotThere):  # a release that broke off had erased it already
        for entry in (yield from _list(directory)):
            yield from _delete(f"{directory}/{entry.name}")
        yield from _delete(directory)


def _delete(path: str) -> Session[None]:
    command = with_path(bytes([CardOp.DELETE]), path)
    got = yield from ask(f"the end of {path}", command, bytes([CardOp.DELETE_RSP]), 1)
    check_status(path, got[0])


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _directory() -> Session[str | None]:
    """Where the newest log is; None if there was none since it was switched on."""
    head = bytes([Op.IN_STREAM, Op.DIR_RSP])
    got = yield from ask(
        "its log's directory", bytes([Op.GET_DIR]), head, lambda seen: 1 + seen[0] if seen else None, tries=TRIES
    )
    name = got[1:].decode("ascii", "replace").rstrip("/ ")
    return name if "/" in name else None


def _list(path: str) -> Session[list[Entry]]:
    """All lines of a directory."""
    entries: list[Entry] = []
    more = True
    while more:
        command = bytes([CardOp.LIST]) + len(entries).to_bytes(2, "little") + bytes([LIST_MOST])
        got = yield from ask(
            f"the files in {path}", with_path(command, path), bytes([CardOp.LIST_RSP]), listing_bytes, tries=TRIES
        )
        found, more = decode_entries(got)
        entries += found
        if more and not found:
            raise LinkError(LinkReason.SETUP, f"its list of {path} does not end")
    return entries


def _files(directory: str) -> Session[list[str]]:
    """Files of the armed log, and of logs of the same pod that were begun later, in order."""
    parent, _, session = directory.rpartition("/")
    stem, _, number = session.rpartition("-")
    sessions = []
    for entry in (yield from _list(parent)):
        its_stem, _, its_number = entry.name.rpartition("-")
        if entry.directory and its_stem == stem and its_number.isdecimal() and int(its_number) >= int(number):
            sessions.append((int(its_number), entry.name))
    files = []
    for _, name in sorted(sessions):
        entries = yield from _list(f"{parent}/{name}")
        numbers = sorted((int(e.name), e.name) for e in entries if e.name.isdecimal() and not e.directory)
        files += [f"{parent}/{name}/{file}" for _, file in numbers]
    if not files:
        raise LinkError(LinkReason.SETUP, f"its card has no log in {directory}")
    return files


def _fetch(path: str, command: bytes, length: int) -> Generator[Request, bytes, Window]:
    """One read, as far as it came. Raises LinkError (SETUP) where the pod gives it up."""
    window = Window()
    yield Write(DATA, command, response=False)
    yield Await(DATA, window.match, timeout_s=ANSWER_S + length / SLOWEST_BYTES_PER_S, else_none=True)
    if window.close is not None and window.close.how not in (WHOLE, END_OF_FILE):
        raise LinkError(
            LinkReason.SETUP, f"{path}: {CLOSES.get(window.close.how or 0, f'ended with {window.close.how}')}"
        )
    return window


# ---------------------------------------------------------------------------------------------------------- decoder


class LogDecoder(ShimmerDecoder):
    """Kept pieces to SampleBlocks, in the time of the pod's clock, which live samples have, too."""

    def __init__(self, armed: Mapping[str, Json]) -> None:
        super().__init__(armed)
        if "log_directory" not in self._info.details:
            raise LinkError(LinkReason.IDENTITY, "recorded pod info is not that of an armed pod")
        if self._info.acc_range_g not in ACC_RANGES_G or self._info.gyr_range_dps not in GYR_RANGES_DPS:
            raise LinkError(LinkReason.IDENTITY, f"recorded pod info has ranges that no {NAME} has")
        self._file: tuple[str, int] | None = None
        self._taken = 0
        self._rest = b""
        self._records_of = self._schema
        self._anchor: int | None = None
        self._last: int | None = None
        self._segment = 0
        self._torn = False

    def _push(self, packet: Packet) -> list[SampleBlock]:
        if packet.characteristic != LOG:
            raise PacketError(PacketReason.CHARACTERISTIC, packet.characteristic)
        path, offset, data = _unpack(packet.payload)
        directory, _, name = path.rpartition("/")
        if not name.isdecimal():
            raise PacketError(PacketReason.TYPE, f"{path} is no file of a log")
        file = (directory, int(name))
        if self._file is not None and file < self._file:
            self.counts.duplicates += 1
            return []
        if file != self._file:
            if offset:
                raise PacketError(PacketReason.ORDER, f"{path} begins at byte {offset}")
            self._open(data)
            self._file, self._taken = file, 0
        if offset > self._taken:
            raise PacketError(PacketReason.ORDER, f"{path}: byte {offset} after byte {self._taken}")
        news = data[self._taken - offset :]
        if not news:
            self.counts.duplicates += 1
            return []
        self._rest += news if self._taken else news[HEADER_BYTES:]
        self._taken += len(news)
        return self._samples(packet.t_ns)

    def _open(self, data: bytes) -> None:
        """Reads a file's head and forgets the one before. Raises PacketError if it is not of what was armed."""
        if len(data) < HEADER_BYTES:
            raise PacketError(PacketReason.TOO_SHORT, f"{len(data)} bytes hold no head of a log")
        header = decode_header(data[:HEADER_BYTES])
        ranges = Inquiry(header.divisor, header.settings, header.channels)
        codes = ranges.acc_code, ranges.gyr_code
        armed = ACC_RANGES_G.index(self._info.acc_range_g), GYR_RANGES_DPS.index(self._info.gyr_range_dps)
        if header.address != self._info.serial or header.synchronised:
            raise PacketError(PacketReason.TYPE, f"a log of {header.address}, armed was {self._info.serial}")
        if header.divisor != self._divisor or codes != armed:
            raise PacketError(PacketReason.RATE, f"every {header.divisor} ticks, ranges {codes}: not as armed")
        if header.ticks > LATEST_TICKS:
            raise PacketError(PacketReason.TIME, f"its clock showed {header.ticks} ticks")
        try:
            schema = Schema(header.channels)
        except LinkError as error:
            raise PacketError(PacketReason.TYPE, str(error)) from error
        if schema.high_g != self._schema.high_g:
            raise PacketError(PacketReason.TYPE, f"channels {header.channels} are not as armed")
        self._records_of, self._anchor, self._rest = schema, header.ticks, b""

    def _samples(self, rx_ns: int) -> list[SampleBlock]:
        """What has become whole of a file."""
        schema = self._records_of
        size = schema.record_bytes
        whole = len(self._rest) // size * size
        records = np.frombuffer(self._rest, np.uint8, whole).reshape(-1, size)
        self._rest = self._rest[whole:]
        ticks = schema.ticks(records)
        told = ticks != 0
        words, blocks = schema.words(records[told]), []
        for rows, placed, missing in self._unwrap(ticks[told]):
            self.counts.samples += len(rows)
            self.counts.lost = (self.counts.lost or 0) + (missing or 0)
            blocks.append(self.block(words[rows], placed, self._segment, missing, rx_ns))
        return blocks

    def _unwrap(self, ticks: IntArray) -> Iterator[tuple[list[int], list[int], int | None]]:
        """Rows without a gap, their ticks, samples missing before them. What does not come after the last is damage.

        The card keeps no second clock: a gap of more than 256 s in a file could not be told from a step back.
        """
        rows: list[int] = []
        placed: list[int] = []
        gap: int | None = 0
        for row, wrapped in enumerate(ticks.tolist()):
            step, missing = self._next(wrapped)
            if step is None:
                self.counts.damaged += not self._torn
                self._torn = True
                continue
            self._torn = False
            if missing != 0 and rows:
                yield rows, placed, gap
                rows, placed = [], []
            if not rows:
                gap = missing
                self._segment += int(missing is None)
            rows.append(row)
            placed.append(step)
            self._last = step
        if rows:
            yield rows, placed, gap

    def _next(self, wrapped: int) -> tuple[int | None, int | None]:
        """Tick of a record, None if it cannot be; samples missing before it, None if that cannot be told."""
        last, anchor = self._last, self._anchor
        if last is None:
            self._anchor = None
            return nearest(wrapped, anchor or 0), 0
        if anchor is not None:  # the first of a file
            self._anchor = None
            tick = nearest(wrapped, anchor)
            if tick <= last:
                return tick, None
            return tick, max(round((tick - last) / self._divisor) - 1, 0)
        step = (wrapped - last) % TICK_SPAN
        if 2 * step <= self._divisor or step > TICK_SPAN // 2:
            return None, None
        return last + step, round(step / self._divisor) - 1


def _unpack(piece: bytes) -> tuple[str, int, bytes]:
    """File, offset and bytes of a kept piece. Raises PacketError."""
    offset, _, _, path, size = decode_read(piece)
    if crc16(piece[:size]) != int.from_bytes(piece[size : size + 2], "little"):
        raise PacketError(PacketReason.CHECKSUM, f"a read of {path}")
    at, count = size + 2, 0
    data: list[bytes] = []
    while (frame := frame_at(piece, at)) is not None:
        at += frame.size
        if frame.how is not None:
            got = sum(len(d) for d in data)
            if frame.following != offset + got or at != len(piece):
                raise PacketError(PacketReason.LENGTH, f"{path}: {got} bytes from {offset} on, not {frame.following}")
            return path, offset, b"".join(data)
        if frame.number != count:
            raise PacketError(PacketReason.COUNT, f"{path}: frame {frame.number} after {count} frames")
        data.append(frame.data)
        count += 1
    raise PacketError(PacketReason.CHECKSUM, f"{path}: no frame at byte {at} of {len(piece)}")
