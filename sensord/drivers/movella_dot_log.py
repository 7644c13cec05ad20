"""Recordings of a Movella DOT: armed, exported, read. A recording is at 120 Hz, and says which axes were out of range.

Its clock can only be read from a live sample, so it streams for a moment before and after. That recorded samples are
stamped by that clock is what the maker's files look like; where the first one is not of the minute after, the recording
is refused. Before it is armed its memory must be empty: files are numbered, and all can only be erased together. The
start's UTC time, which is in the file's head, is used as a mark of ours: a driver knows no wall time.

Exported samples have a counter, and can be asked for again from any on.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sensord.drivers.base import Await, Keep, PodInfo, Progress, Session, Subscribe, Wanted
from sensord.drivers.movella_dot_read import LOG_RATE_HZ, known_armed
from sensord.drivers.movella_dot_talk import (
    battery,
    clock,
    hello,
    info_of,
    need_idle,
    quiet,
    set_rate,
    state,
    tell,
)
from sensord.drivers.movella_dot_wire import (
    CLOCK_SPAN_US,
    DONE,
    FILE_BEGINS,
    FILE_HEAD,
    FILE_MAGIC,
    FLASH_HEAD,
    FLASH_MAGIC,
    INVALID,
    IS_RECORDING,
    MESSAGES,
    NO_TIMER,
    RECORD,
    RECORD_LEN,
    RECORDING,
    SELECTED,
    Re,
    decode_message,
    result_text,
)
from sensord.drivers.sealed import seal, unseal
from sensord.errors import LinkError, LinkReason, PacketError
from sensord.model import Json

MINUTES = {"XS-T01": 44, "XS-T02": 181}
"""At 120 Hz: half of what the specification (5.2.2.3) says of 60 Hz. Of an unknown kind: as the smaller one."""

BATTERY_PCT = 10
"""Design choice: an emptier pod is not armed."""

MARK_UTC_S = 1_577_836_800
"""Design choice: 2020-01-01, which no pod that was started by anybody else's clock will say."""

ANSWER_S = 3.0
STOPS_S = 10.0
ERASE_S = 120.0
SILENT_S = 3.0
"""Design choice."""

PIECE_SAMPLES = 256
SOME = 64
"""Design choice: a piece is 2 s of a run; what comes behind a hole is looked at 64 at a time."""

TRIES = 4
FRUITLESS = 4
"""Design choice: so many requests that bring nothing, and the link is given up."""


@dataclass(slots=True)
class _Told:
    """Waits for notifications with one of these ReIDs; keeps the last one's DATA, and all of `gathers`."""

    ends: frozenset[int]
    gathers: int = -1
    last: bytes = b""
    gathered: list[bytes] = field(default_factory=list)

    def match(self, payload: bytes) -> bool:
        try:
            mid, data = decode_message(payload)
        except PacketError:
            return False
        if mid != RECORDING or not data:
            return False
        if data[0] == self.gathers:
            self.gathered.append(data[1:])
        if data[0] in self.ends:
            self.last = data
            return True
        return False


def _told(ends: tuple[int, ...], *, gathers: int = -1, timeout_s: float = ANSWER_S) -> Session[_Told]:
    """What it says until one of these comes; `last` is empty if none did."""
    told = _Told(frozenset(ends), gathers)
    yield Await(MESSAGES, told.match, timeout_s=timeout_s, else_none=True)
    return told


def _ask(what: str, reid: int, arguments: bytes, gathers: int, ends: tuple[int, ...]) -> Session[_Told]:
    """What it tells in notifications, which may be lost: asked for again. Raises LinkError (SETUP).

    The first of `ends` comes after what is gathered, and alone, maybe, where there is nothing.
    """
    told = _Told(frozenset())
    for _ in range(TRIES):
        yield from tell(what, reid, arguments)
        told = yield from _told(ends, gathers=gathers)
        if told.last[:1] in {bytes([end]) for end in ends[1:]} or (told.last and told.gathered):
            return told
    if not told.last:
        raise LinkError(LinkReason.SETUP, f"{what}: it does not tell")
    return told


# ------------------------------------------------------------------------------------------------------------- arm


def arm(wanted: Wanted) -> Session[PodInfo]:  # noqa: ARG001  (its recordings have one rate)
    """Starts a recording. Raises LinkError (SETUP: not empty, not charged, refused; IDENTITY)."""
    identity = yield from hello()
    percent = yield from battery()
    if percent is not None and percent < BATTERY_PCT:
        raise LinkError(LinkReason.SETUP, f"its battery is nearly empty: {percent} %")
    yield Subscribe(MESSAGES, data=False)
    yield from quiet()
    yield from need_idle()
    files = yield from _files()
    if files:
        raise LinkError(
            LinkReason.SETUP,
            f"its memory has {files} recordings, and can only be erased as a whole: export and erase them first",
        )
    minutes = MINUTES.get(identity.product, min(MINUTES.values()))
    t_us = yield from clock()
    yield from set_rate(LOG_RATE_HZ)
    seconds = min(minutes * 60, NO_TIMER - 1)
    yield from tell("the recording's start", Re.START, struct.pack("<IH", MARK_UTC_S, seconds))
    now = yield from state()
    if now != IS_RECORDING:
        raise LinkError(LinkReason.SETUP, f"it was told to record, and says: {result_text(now)}")
    return info_of(identity, LOG_RATE_HZ, percent, clock_us=t_us, seconds=seconds, log_minutes=minutes)


def _files() -> Session[int]:
    """How many recordings there are. Raises LinkError (SETUP)."""
    told = yield from _ask("its memory", Re.FLASH_INFO, b"", Re.FLASH_INFO_IS, (Re.FLASH_INFO_DONE, Re.BAD_FORMAT))
    whole = b"".join(told.gathered)
    if len(whole) < FLASH_HEAD.size or FLASH_HEAD.unpack_from(whole)[0] != FLASH_MAGIC:
        raise LinkError(LinkReason.SETUP, "its memory is not made ready for recordings: erase it with the maker's app")
    return whole[FLASH_HEAD.unpack_from(whole)[1] :].count(FILE_BEGINS)


# --------------------------------------------------------------------------------------------------------- recover


def recover(armed: Mapping[str, Json], last: bytes | None = None) -> Session[PodInfo]:
    """Ends the recording and hands it over, from the kept piece `last` on if there is one. Raises LinkError."""
    info = known_armed(armed)
    identity = yield from hello()
    serial = info_of(identity, LOG_RATE_HZ, None).serial
    if serial != info.serial:
        raise LinkError(LinkReason.IDENTITY, f"{serial} was not armed, {info.serial} was")
    yield Subscribe(MESSAGES, data=False)
    near_us = info.details["clock_us"] + CLOCK_SPAN_US // 2
    if (yield from state()) == IS_RECORDING:
        near_us = yield from _end(info)
    yield from need_idle()
    now_us = yield from clock(near_us)
    yield from tell("what to export", Re.SELECT, SELECTED)
    begun, done = _after(last)
    yield Progress(done, None)
    for file in range(1, 255):
        if not (yield from _has_file(file)):
            break
        if file >= begun:
            done = yield from _export(file, done, done if file == begun else 0)
    if not done:
        raise LinkError(LinkReason.SETUP, "its memory has no recording of the armed run")
    percent = yield from battery()
    return replace(info, clock_us=now_us, battery_pct=percent)


def _end(info: PodInfo) -> Session[int]:
    """Ends the recording; about what its clock shows then: how long it recorded says how often that wrapped."""
    yield from tell("how long it recorded", Re.TIME)
    told = yield from _told((Re.TIME_IS,))
    elapsed_s = 0
    if len(told.last) >= 9:
        _, total, remaining = struct.unpack_from("<IHH", told.last, 1)
        elapsed_s = max(total - remaining, 0)
    yield from tell("the recording's end", Re.STOP)
    yield from _told((Re.STOP,), timeout_s=STOPS_S)
    return int(info.details["clock_us"]) + elapsed_s * 1_000_000


def _has_file(file: int) -> Session[bool]:
    """Whether there is such a file, begun by us. Raises LinkError (SETUP)."""
    told = yield from _ask(
        f"file {file}", Re.FILE_INFO, bytes([file]), Re.FILE_INFO_IS, (Re.FILE_INFO_DONE, Re.NO_FILE)
    )
    if told.last[0] == Re.NO_FILE:
        return False
    head = b"".join(told.gathered)
    fields = FILE_HEAD.unpack_from(head) if len(head) >= FILE_HEAD.size else (0, 0, 0, 0, 0)
    if fields[0] != FILE_MAGIC:
        raise LinkError(LinkReason.SETUP, f"file {file}: its head cannot be read: {head[:16].hex(' ')}")
    if file == 1 and fields[3] != MARK_UTC_S:
        raise LinkError(LinkReason.SETUP, "its first recording is not that of the armed run")
    return True


@dataclass(slots=True)
class _Export:
    """Samples of a file in the order of their counter."""

    expected: int = 0
    rows: list[bytes] = field(default_factory=list)
    ended: bool = False
    heard: int = 0
    skipped: int = 0

    def match(self, payload: bytes) -> bool:
        """Takes a notification in; True where the talk should look."""
        try:
            mid, data = decode_message(payload)
        except PacketError:
            return False
        if mid != RECORDING or not data:
            return False
        if data[0] == Re.FILE_DATA_DONE:
            self.ended = True
            return True
        if data[0] not in {Re.FILE_DATA_IS, Re.FILE_DATA_BAD} or len(data) != RECORD_LEN:
            return False
        self.heard += 1
        counter = int.from_bytes(data[1:5], "little")
        if counter == self.expected:
            self.rows.append(payload[: RECORD.itemsize])
            self.expected += 1
            self.skipped = 0
            return len(self.rows) >= PIECE_SAMPLES
        self.skipped += 1
        return self.skipped % SOME == 1

    def take(self) -> tuple[int, bytes]:
        """Counter of the first, and all that came since."""
        rows, self.rows = self.rows, []
        return self.expected - len(rows), b"".join(rows)


def _after(last: bytes | None) -> tuple[int, int]:
    """File and counter that come after a kept piece."""
    if last is None:
        return 1, 0
    try:
        file, first, data = unseal(last)
    except PacketError:
        return 1, 0
    return file, first + len(data) // RECORD.itemsize


def _export(file: int, done: int, counter: int) -> Session[int]:
    """Samples of a file from that counter on; how many were kept by then. Raises LinkError."""
    yield from tell(f"file {file}", Re.FILE_DATA, bytes([file]))
    export = _Export(counter)
    if counter:
        export.skipped = 1
        yield from _again(file, counter)
    fruitless, checked = 0, -1
    while True:
        heard = export.heard
        yield Await(MESSAGES, export.match, timeout_s=SILENT_S, else_none=True)
        silent = export.heard == heard and not export.ended
        if len(export.rows) >= PIECE_SAMPLES or export.ended or silent or export.skipped:
            first, data = export.take()
            if data:
                yield Keep(seal(file, first, data))
                done += len(data) // RECORD.itemsize
                yield Progress(done, None)
                fruitless = 0
        if not (export.ended or silent or export.skipped):
            continue
        if checked == export.expected:  # nothing follows
            if not export.ended:
                yield from tell("the export's end", Re.STOP_EXPORT, allowed=range(256))
            return done
        # a hole, or silence; and at the end: whether the last ones came is only told by asking for what follows
        checked = export.expected if export.ended else -1
        fruitless += 1
        if fruitless > FRUITLESS:
            raise LinkError(LinkReason.LOST, f"file {file} does not come whole from sample {export.expected} on")
        export.ended, export.skipped = False, 1  # what is on its way yet is not looked at
        yield from _again(file, export.expected)


def _again(file: int, counter: int) -> Session[None]:
    """Asks for all from this sample on, of an export that is on, or has just ended."""
    arguments = counter.to_bytes(4, "little")
    result = yield from tell("samples again", Re.AGAIN, arguments, allowed=(DONE, INVALID))
    if result == INVALID:
        yield from tell(f"file {file} again", Re.FILE_DATA, bytes([file]))
        yield from tell("samples again", Re.AGAIN, arguments, allowed=(DONE, INVALID))


# --------------------------------------------------------------------------------------------------------- release


def release() -> Session[None]:
    """Erases all recordings. Raises LinkError (SETUP)."""
    yield from hello()
    yield Subscribe(MESSAGES, data=False)
    yield from need_idle()
    yield from tell("erasing its memory", Re.ERASE, MARK_UTC_S.to_bytes(4, "little"))
    told = yield from _told((Re.ERASED,), timeout_s=ERASE_S)
    if not told.last:
        raise LinkError(LinkReason.SETUP, f"its memory was not erased within {ERASE_S:g} s")
    left = yield from _files()
    if left:
        raise LinkError(LinkReason.SETUP, f"its memory was erased, and still has {left} recordings")
