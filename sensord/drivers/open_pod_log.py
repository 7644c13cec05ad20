"""Open Pod: its log, from arming to samples (the bytes: `open_pod_log_wire`).

The log is read in blocks: each is asked for, comes with a checksum, and asking for the next one says that it is kept.
Where nothing is kept yet, or the link was lost, reading begins anywhere: a block says its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sensord.drivers.base import (
    LOG,
    AttError,
    Await,
    DecodeCounts,
    Fix,
    Has,
    Keep,
    Pause,
    PodInfo,
    Progress,
    Read,
    Session,
    Subscribe,
    Wanted,
    Write,
)
from sensord.drivers.open_pod_decoder import OpenPodDecoder, info_of
from sensord.drivers.open_pod_log_wire import (
    BOOT,
    BOOT_BYTES,
    LOG_CONTROL,
    LOG_DATA,
    NOTHING,
    Block,
    LogFlag,
    LogOp,
    LogState,
    LogStatus,
    Piece,
    decode_boot,
    decode_piece,
    decode_status,
    encode_command,
    encode_piece,
    encode_read,
)
from sensord.drivers.open_pod_talk import clock, configure, refusal
from sensord.drivers.open_pod_wire import (
    CLOCK,
    CONTROL,
    DATA,
    INFO,
    LATEST_US,
    RATES_HZ,
    Op,
    decode_data,
    decode_info,
)
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import Json, Packet, SampleBlock

FIXES = 4
"""Design choice: the clock is read so often in a row; the quickest answer says it best."""

BLOCK_BYTES = 8 * 1024
"""Design choice: 35 notifications of 244 bytes, which the link's inbox (64) holds even if nobody looks meanwhile."""

SHORTEST_BLOCK = 512
SLOWEST_BYTES_PER_S = 1000
"""Design choice: slower than this, a read is taken for lost."""

BLOCK_TRIES = 8
"""Design choice: a block that did not come whole is asked for again, a quarter as long; then the link is given up."""

ERASED_WITHIN_S = 60.0
"""Contract (docs/open-pod.md): no memory takes longer to erase."""

ASK_EVERY_S = 0.25

LEAST_S = 60
"""Design choice: a memory that holds less than a minute is full."""

HEAD_BYTES = 12
CLOCK_SPAN_US = 1 << 32


def arm(wanted: Wanted) -> Session[PodInfo]:
    """Configures, ties the clock, starts the log. Raises LinkError (SETUP, IDENTITY)."""
    before = yield from status()
    if before.state is not LogState.EMPTY:
        raise LinkError(LinkReason.SETUP, f"it holds a log of {before.used / 1e6:.1f} MB that was not erased")
    pod = yield from configure(wanted)
    yield Subscribe(CLOCK, data=False)
    clock_us = yield from _fixes(pod.identity.boot_id)
    log_id = (pod.identity.boot_id ^ clock_us) & 0xFFFFFFFF or 1
    yield from _told(encode_command(LogOp.ARM, log_id))
    now = yield from status()
    if now.state is not LogState.LOGGING or now.log_id != log_id:
        raise LinkError(LinkReason.SETUP, f"it was told to log, and says {now.state.name.lower()}")
    if now.left_s < LEAST_S:
        yield from _told(encode_command(LogOp.STOP))
        yield from _told(encode_command(LogOp.ERASE, log_id))
        raise LinkError(LinkReason.SETUP, f"its memory holds {now.left_s} s only")
    return pod.info(clock_us, log_id=log_id, log_minutes=round(now.left_s / 60))


def recover(armed: Mapping[str, Json], last: bytes | None = None) -> Session[PodInfo]:
    """Stops the log and hands it over, from behind the piece `last` on. Raises LinkError."""
    info = info_of(armed)
    identity = decode_info((yield Read(INFO)))
    if identity.serial.hex() != info.serial:
        raise LinkError(LinkReason.IDENTITY, f"{identity.serial.hex()} was not armed, {info.serial} was")
    held = yield from status()
    log_id = _log_id(info)
    if held.log_id != log_id:
        raise LinkError(LinkReason.SETUP, "its log is gone" if not held.log_id else "it holds another log")
    yield Write(CONTROL, bytes([Op.STOP]))
    yield from _told(encode_command(LogOp.STOP))
    yield Subscribe(CLOCK, data=False)
    clock_us = yield from _fixes(identity.boot_id)
    held = yield from status()
    yield Subscribe(LOG_DATA, data=False)
    offset = 0
    if last is not None:
        piece = decode_piece(last)
        offset = piece.offset + len(piece.data) if piece.log_id == log_id else 0
    yield from _read_out(log_id, offset, held.used)
    details = {
        **info.details,
        "log_full": held.state is LogState.FULL,
        "log_restarted": LogFlag.RESTARTED in held.flags,
    }
    return replace(info, boot_id=identity.boot_id, clock_us=clock_us, details=details)


def release() -> Session[None]:
    """Erases the log, whatever it is doing. Raises LinkError (SETUP)."""
    held = yield from status()
    if held.log_id:
        yield from _told(encode_command(LogOp.STOP))
        yield from _told(encode_command(LogOp.ERASE, held.log_id))
    for _ in range(round(ERASED_WITHIN_S / ASK_EVERY_S)):
        if (yield from status()).state is LogState.EMPTY:
            return
        yield Pause(ASK_EVERY_S)
    raise LinkError(LinkReason.SETUP, f"its log is not erased after {ERASED_WITHIN_S:g} s")


def status() -> Session[LogStatus]:
    """What the memory does. Raises LinkError (SETUP) for a pod that has none."""
    if not (yield Has(LOG_CONTROL)):
        raise LinkError(LinkReason.SETUP, "it has no memory for a log")
    return decode_status((yield Read(LOG_CONTROL)))


def _told(command: bytes) -> Session[None]:
    try:
        yield Write(LOG_CONTROL, command)
    except AttError as error:
        raise LinkError(LinkReason.SETUP, refusal(error)) from error


def _fixes(token: int) -> Session[int]:
    clock_us = 0
    for i in range(FIXES):
        clock_us = yield from clock((token + i) & 0xFFFFFFFF)
        yield Fix(clock_us * 1000)
    return clock_us


def _read_out(log_id: int, offset: int, used: int) -> Session[None]:
    length, failed = BLOCK_BYTES, 0
    yield Progress(min(offset, used), used)
    while offset < used:
        block = Block(offset)
        asked = min(length, used - offset)
        yield from _told(encode_read(offset, asked))
        yield Await(LOG_DATA, block.match, timeout_s=2.0 + asked / SLOWEST_BYTES_PER_S, else_none=True)
        if not block.data:
            length, failed = max(length // 4, SHORTEST_BLOCK), failed + 1
            if failed == BLOCK_TRIES:
                raise LinkError(LinkReason.LOST, f"its log does not come whole from byte {offset} on")
            continue
        yield Keep(encode_piece(Piece(log_id, offset, block.data)))
        length, failed = min(2 * length, BLOCK_BYTES), 0
        offset += len(block.data)
        yield Progress(offset, used)


def _log_id(info: PodInfo) -> int:
    log_id = info.details.get("log_id")
    if not isinstance(log_id, int):
        raise LinkError(LinkReason.IDENTITY, "recorded pod info is not that of an armed pod")
    return log_id


# ---------------------------------------------------------------------------------------------------------- decoder


class LogDecoder:
    """Kept pieces to SampleBlocks: the packets inside are read as live ones are."""

    def __init__(self, armed: Mapping[str, Json]) -> None:
        self.counts = DecodeCounts()
        self._armed = dict(armed)
        info = info_of(armed)
        self._log_id = _log_id(info)
        self._packets = OpenPodDecoder(armed)
        self._columns = 9 if info.high_g_range_g else 6
        self._rate_id = RATES_HZ.index(info.rate_hz)
        self._clock_us = info.clock_us or 0
        self._taken = 0
        self._ahead: Piece | None = None
        self._rest = b""
        self._torn = False

    @property
    def rate_hz(self) -> float:
        """Nominal rate of the log."""
        return self._packets.rate_hz

    def link_up(self, info: Mapping[str, Json]) -> None:
        """A log knows no links."""

    def push(self, packet: Packet) -> list[SampleBlock]:
        """Samples that became whole. Raises PacketError, counted, for a piece that is damaged or out of order.

        Bytes inside that cannot be a packet, and packets that cannot be true, are passed over (`counts.damaged`).
        """
        counts = self.counts
        counts.packets += 1
        try:
            news = self._news(packet)
        except PacketError as error:
            counts.refuse(error)
            raise
        if not news:
            counts.duplicates += 1
            return []
        self._rest += news
        self._taken += len(news)
        blocks = self._samples()
        counts.samples += sum(len(block) for block in blocks)
        counts.lost = self._packets.counts.lost
        return blocks

    def _news(self, packet: Packet) -> bytes:
        if packet.characteristic != LOG:
            raise PacketError(PacketReason.CHARACTERISTIC, packet.characteristic)
        piece = decode_piece(packet.payload)
        if piece.log_id != self._log_id:
            raise PacketError(PacketReason.TYPE, f"of the log {piece.log_id:08x}, armed was {self._log_id:08x}")
        if piece.offset <= self._taken:
            return piece.data[self._taken - piece.offset :]
        ahead, self._ahead = self._ahead, piece
        if ahead is None or ahead.offset + len(ahead.data) != piece.offset:
            raise PacketError(PacketReason.ORDER, f"byte {piece.offset} after byte {self._taken}")
        self._taken, self._rest = ahead.offset, b""  # two that follow each other: what was before them is lost
        return ahead.data + piece.data

    def _samples(self) -> list[SampleBlock]:
        """What has become whole. Bytes that begin no record are passed over until some do."""
        blocks: list[SampleBlock] = []
        rest, at = self._rest, 0
        while at < len(rest):
            kind = rest[at]
            if kind == NOTHING:
                at += 1
                continue
            size = BOOT_BYTES if kind == BOOT else self._packet_bytes(rest, at)
            if size and len(rest) - at < size:
                break  # the next piece brings the rest of it
            record = rest[at : at + size]
            if kind == BOOT:
                good = self._begun(record)
            elif good := size > 0 and self._is_packet(record):
                blocks += self._packet(record)
            if not good:
                self._pass_over()
            at += size if good else 1
        self._rest = rest[at:]
        return blocks

    def _packet_bytes(self, rest: bytes, at: int) -> int:
        """How long the packet here is (its head, while not even that is there); 0 for what is none of this log."""
        if rest[at] != (1 if self._columns == 6 else 2):
            return 0
        if len(rest) - at < HEAD_BYTES:
            return HEAD_BYTES
        n, rate_id = rest[at + 10], rest[at + 11]
        return HEAD_BYTES + 2 * self._columns * n if n and rate_id == self._rate_id else 0

    def _is_packet(self, record: bytes) -> bool:
        try:
            decode_data(record)
        except PacketError:
            return False
        return True

    def _begun(self, record: bytes) -> bool:
        """Whether this is the mark of a start: zeros in it are zero, and no clock shows centuries."""
        boot_id, clock_us = decode_boot(record)
        if any(record[1:4]) or clock_us > LATEST_US:
            return False
        self._clock_us = clock_us
        self._packets.link_up({**self._armed, "boot_id": boot_id, "clock_us": clock_us})
        self._torn = False
        return True

    def _packet(self, record: bytes) -> list[SampleBlock]:
        """Samples of a packet. Its place in time is told by the ones before: a log is written without long pauses."""
        near_us = self._clock_us - CLOCK_SPAN_US // 2
        clock_us = near_us + (int.from_bytes(record[4:8], "little") - near_us) % CLOCK_SPAN_US
        try:
            found = self._packets.push(Packet("", clock_us * 1000, DATA, record))
        except PacketError:
            self._pass_over()
            return []
        self._torn = False
        self._clock_us = clock_us
        return [replace(block, t_rx_ns=None) for block in found]

    def _pass_over(self) -> None:
        """Not read; what follows it at once belongs to the same stretch."""
        self.counts.damaged += not self._torn
        self._torn = True
