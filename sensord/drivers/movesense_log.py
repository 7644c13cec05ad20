"""A Movesense's log: armed, fetched, read (the file: `movesense_sbem`).

A log is sent as notifications that say where in it they belong, at the sensor's own pace; none is sent again. So what
comes in order is kept, and where one is missing the log is fetched once more from its beginning, and kept from there
on. Some firmware closes a log only when it is restarted: then it is, and the log is fetched in the next link. That it
was restarted shows in `boot_id`: its clock begins at 0 then, and no fix of it is of any use for the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count

from sensord.drivers.base import LOG, Await, DecodeCounts, Fix, Keep, PodInfo, Progress, Session, Wanted, Write
from sensord.drivers.movesense_decoder import Scale
from sensord.drivers.movesense_sbem import SbemReader
from sensord.drivers.movesense_talk import (
    ask,
    battery,
    choose,
    clock,
    hello,
    info_of,
    known,
    logging,
    ranges,
    restart,
    try_to_ask,
)
from sensord.drivers.movesense_time import PacketTime
from sensord.drivers.movesense_wire import (
    CLOCK_SPAN_MS,
    CONFLICT,
    LOGGING,
    NOT_FOUND,
    NOTIFY,
    OK,
    READY,
    WRITE,
    Command,
    Ref,
    Reply,
    command,
    decode_entries,
    decode_imu6,
    path,
    status_text,
)
from sensord.drivers.sealed import seal, unseal
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import Json, Packet, SampleBlock

LOG_RATES_HZ = (13.0, 26.0, 52.0, 104.0)
"""Rates whose packets are known to be described in a log (`movesense_sbem`)."""

BATTERY_PCT = 10
"""Design choice: an emptier sensor is not armed."""

MS = 1_000_000

PIECE_BYTES = 16 * 1024
"""Design choice: 1.5 s of the 11.3 kB/s that were measured, so that little is fetched twice."""

SILENT_S = 5.0
SOME = 32
"""Design choice: a download that says nothing for 5 s is over; a wait ends after 32 notifications, so that a slow one
is not taken for a stuck one."""

FRUITLESS = 3
"""Design choice: so many passes that bring nothing new, and the link is given up."""

CLEAR_S = 30.0
"""Design choice: erasing 128 MB takes its time."""

FETCH_REFS = range(32, 96)
"""A ref for each pass: what is left of one is not taken for the next one's."""

# ------------------------------------------------------------------------------------------------------------- arm


def arm(wanted: Wanted) -> Session[PodInfo]:
    """Configures and starts a log. Raises LinkError (SETUP: busy, empty, refused; IDENTITY)."""
    identity = yield from hello()
    percent = yield from battery()
    if percent is not None and percent < BATTERY_PCT:
        raise LinkError(LinkReason.SETUP, f"its battery is nearly empty: {percent} %")
    if (yield from logging()):
        raise LinkError(LinkReason.SETUP, "it is logging already: fetch or end that log first")
    found = yield from ranges()
    rate_hz = choose(found.rates_hz, LOG_RATES_HZ, wanted)
    others = yield from _entries()
    if others:
        raise LinkError(
            LinkReason.SETUP,
            f"its memory has {len(others)} other logs and can only be erased as a whole: fetch and erase them first",
        )
    what = path(f"/Meas/IMU6/{rate_hz:g}") + path("/Time/Detailed")
    yield from ask("what to log", Ref.CONFIGURE, Command.PUT_LOGGER_CONFIG, what)
    yield from ask("the log's start", Ref.LOG_ON, Command.PUT_LOGGER_STATE, bytes([LOGGING]))
    if not (yield from logging()):
        raise LinkError(LinkReason.SETUP, "it was told to log, and says that it does not")
    now_ms = yield from clock()
    yield Fix(now_ms * MS)
    return replace(info_of(identity, found, rate_hz, now_ms, percent, armed=True), boot_id=0)


def _entries() -> Session[dict[int, int]]:
    return decode_entries((yield from ask("its logs", Ref.ENTRIES, Command.GET, path("/Mem/Logbook/entries"))))


# --------------------------------------------------------------------------------------------------------- recover


def recover(armed: Mapping[str, Json]) -> Session[PodInfo]:
    """Ends the log and hands it over, with any that was begun since. Raises LinkError."""
    info = _armed(armed)
    identity = yield from hello()
    if identity.serial != info.serial:
        raise LinkError(LinkReason.IDENTITY, f"{identity.serial} was not armed, {info.serial} was")
    was_on = yield from logging()
    if was_on:
        yield from ask("the log's end", Ref.LOG_OFF, Command.PUT_LOGGER_STATE, bytes([READY]))
    now_ms = yield from clock()
    yield Fix(now_ms * MS)
    went_back = (now_ms - info.details["clock_ms"]) % CLOCK_SPAN_MS > CLOCK_SPAN_MS // 2
    sizes = yield from _entries()
    logs = sorted(sizes)
    yield Progress(0, sum(sizes[log] for log in logs))
    done = 0
    for log in logs:
        done = yield from _fetch(log, done, sum(sizes[one] for one in logs))
    if not logs:
        if was_on:
            yield from _close()
        raise LinkError(LinkReason.SETUP, "its memory has no log of the armed run")
    # the list is cut at what one notification holds; ids go up by one
    more = logs[-1] + 1
    while (came := (yield from _fetch(more, done, None))) > done:
        done, more = came, more + 1
    percent = yield from battery()
    details = {**info.details, "clock_ms": now_ms}
    return replace(info, boot_id=int(went_back), clock_us=now_ms * 1000, details=details, battery_pct=percent)


def _close() -> Session[None]:
    """Restarts it, so that it closes its log. Raises LinkError."""
    yield from restart()
    raise LinkError(LinkReason.CONNECT, "it closes its log only when it is restarted, and was: the log is fetched next")


@dataclass(slots=True)
class _Pass:
    """One time that a log is sent: what comes in order from `at` on."""

    ref: int
    at: int
    data: bytes = b""
    status: int | None = None
    ended: bool = False
    holed: bool = False
    heard: int = 0

    def match(self, payload: bytes) -> bool:
        """Takes a notification in; True where the talk should look."""
        if len(payload) < 4 or payload[1] != self.ref:
            return False
        if payload[0] == Reply.ANSWER:
            self.status = int.from_bytes(payload[2:4], "little")
            return self.status != OK
        if payload[0] not in {Reply.DATA, Reply.REST} or len(payload) < 6:
            return False
        self.heard += 1
        offset, data = int.from_bytes(payload[2:6], "little"), payload[6:]
        expected = self.at + len(self.data)
        if not data:
            # the end comes where the last byte was
            self.ended, self.holed = True, self.holed or offset > expected
            return True
        if offset <= expected:
            self.data += data[expected - offset :]
        else:
            self.holed = True
        return len(self.data) >= PIECE_BYTES or self.heard % SOME == 0

    def take(self) -> bytes:
        """What came in order."""
        data, self.data = self.data, b""
        self.at += len(data)
        return data


def _fetch(log: int, done: int, total: int | None) -> Session[int]:
    """All of a log; how many bytes were kept by then. None of a log that does not exist. Raises LinkError."""
    at, fruitless = 0, 0
    for i in count():
        one = _Pass(FETCH_REFS[i % len(FETCH_REFS)], at)
        yield Write(WRITE, command(Command.FETCH_LOG, one.ref, log.to_bytes(4, "little")))
        while not one.ended:
            heard, status = one.heard, one.status
            yield Await(NOTIFY, one.match, timeout_s=SILENT_S, else_none=True)
            if one.status == NOT_FOUND:
                return done
            if one.status == CONFLICT:
                yield from _close()
            if one.status is not None and one.status != OK:
                raise LinkError(LinkReason.SETUP, f"log {log}: {status_text(one.status)}")
            data = one.take() if len(one.data) >= PIECE_BYTES or one.ended or one.heard == heard else b""
            if data:
                yield Keep(seal(log, one.at - len(data), data))
                done += len(data)
                yield Progress(done if total is None else min(done, total), total)
            if (one.heard, one.status) == (heard, status):
                break
        if one.ended and not one.holed:
            return done
        fruitless = 0 if one.at > at else fruitless + 1
        if fruitless == FRUITLESS:
            raise LinkError(LinkReason.LOST, f"log {log} does not come whole from byte {one.at} on")
        at = one.at
    raise AssertionError


# --------------------------------------------------------------------------------------------------------- release


def release() -> Session[None]:
    """Erases all logs. Raises LinkError (SETUP) if any is left."""
    yield from hello()
    yield from try_to_ask(Ref.LOG_OFF, Command.PUT_LOGGER_STATE, bytes([READY]))
    yield from ask("erasing its logs", Ref.CLEAR, Command.CLEAR_LOGBOOK, timeout_s=CLEAR_S)
    left = yield from _entries()
    if left:
        raise LinkError(LinkReason.SETUP, f"its logs were erased, and it still has {len(left)}")


# ---------------------------------------------------------------------------------------------------------- decoder


class LogDecoder:
    """Kept pieces to SampleBlocks, in the time of the sensor's clock, which live samples have, too."""

    def __init__(self, armed: Mapping[str, Json]) -> None:
        self.counts = DecodeCounts()
        self._info = _armed(armed)
        self._scale = Scale(self._info)
        self._time = PacketTime(self._info.rate_hz, 1, None)
        self._log: int | None = None
        self._taken = 0
        self._reader: SbemReader | None = None
        self._sound = True

    @property
    def rate_hz(self) -> float:
        """Nominal rate of the log."""
        return self._info.rate_hz

    def link_up(self, info: Mapping[str, Json]) -> None:
        """A log has no links."""

    def push(self, packet: Packet) -> list[SampleBlock]:
        """Samples that a piece completes, none if it was seen before. Raises PacketError, counted by reason."""
        counts = self.counts
        counts.packets += 1
        try:
            blocks = self._blocks(self._read(packet), packet.t_ns)
        except PacketError as error:
            counts.refuse(error)
            raise
        for block in blocks:
            counts.samples += len(block)
            counts.lost = (counts.lost or 0) + (block.missing_before or 0)
        return blocks

    def _read(self, packet: Packet) -> list[bytes]:
        if packet.characteristic != LOG:
            raise PacketError(PacketReason.CHARACTERISTIC, packet.characteristic)
        log, offset, data = unseal(packet.payload)
        if self._log is None or log > self._log:
            if offset:
                raise PacketError(PacketReason.ORDER, f"log {log} begins at byte {offset}")
            self._log, self._taken, self._reader = log, 0, SbemReader()
        elif log == self._log and offset > self._taken:
            raise PacketError(PacketReason.ORDER, f"log {log}: byte {offset} after byte {self._taken}")
        news = data[self._taken - offset :] if log == self._log else b""
        if not news:
            self.counts.duplicates += 1
            return []
        self._taken += len(news)
        if self._reader is None:
            raise PacketError(PacketReason.ORDER, f"log {log} could not be read from there on")
        reader, self._reader = self._reader, None
        before = reader.damaged
        payloads = reader.push(news)
        self.counts.damaged += reader.damaged - before
        self._reader = reader  # what is no log is not read on
        return payloads

    def _blocks(self, payloads: list[bytes], rx_ns: int) -> list[SampleBlock]:
        """Packets with values that no sensor measures are passed over."""
        blocks = []
        for payload in payloads:
            stamp, acc, gyr = decode_imu6(payload)
            try:
                self._scale.check(acc, gyr)
            except PacketError:
                self.counts.damaged += self._sound
                self._sound = False
                continue
            self._sound = True
            blocks.append(self._scale.block(acc, gyr, self._time.place(stamp, len(acc), rx_ns), rx_ns))
        return blocks


def _armed(armed: Mapping[str, Json]) -> PodInfo:
    """The info of an armed sensor. Raises LinkError (IDENTITY)."""
    info = known(armed)
    if info.details.get("armed") is not True:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info is not that of an armed pod: {dict(info.details)}")
    return info
