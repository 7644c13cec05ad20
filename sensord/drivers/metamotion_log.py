"""A MetaMotion's log: armed, fetched page by page, read.

An entry has four bytes of data, so a sample of both sensors is four entries, each with a tick of its own. A page that
was sent waits to be confirmed and is erased then: it is confirmed once it is on our disk, and only if as many entries
came as the board says were sent. What was fetched twice is told by log id and tick.

Rates end at 200 Hz: faster, a period is so near to a tick of 1.46 ms that a stamp that is late by one looks like a
loss.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace

from sensord.drivers.base import (
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
)
from sensord.drivers.metamotion_read import known
from sensord.drivers.metamotion_talk import (
    Identity,
    ask,
    battery,
    clean,
    clock,
    configure,
    fast_link,
    hello,
    info_of_board,
    read,
    run_sensors,
    send,
)
from sensord.drivers.metamotion_wire import (
    ACC_DATA,
    ENTRY,
    ENTRY_HEAD,
    NOTIFY,
    Log,
    Module,
    Sensor,
    command,
    encode_readout,
    encode_trigger,
    seal,
    ticks_to_ns,
    ticks_to_us,
)
from sensord.errors import LinkError, LinkReason
from sensord.model import Json

LOG_RATES_HZ = (25.0, 50.0, 100.0, 200.0)

ENTRIES_A_SAMPLE = 4
CHUNKS = ((4, 0), (2, 4))
"""Length and offset of the two entries of three values of two bytes."""

ARM_MINUTES = 10.0
"""Design choice: a log that cannot hold so much is full. The RL's 8 MB hold 22 minutes of 200 Hz."""

BATTERY_PCT = 10
"""Design choice: an emptier board is not armed."""

PAGED_REVISION = 2
"""Revision of the log from which it is sent page by page (hardware-protocols.md 4.3)."""

SENSOR_RUNS_S = 2.0
FLUSH_S = 0.2
"""Design choice: time for the last page to be written; the flush has no answer."""

SILENT_S = 5.0
CLOSES_S = 1.0
SOME = 32
"""Design choice: a download that says nothing for 5 s is stuck; the last page is closed within 1 s; a wait ends after
32 notifications, so that a slow page is not taken for a stuck one."""

ALL_ENTRIES = (0xFF, 0xFF, 0xFF, 0xFF)

# ------------------------------------------------------------------------------------------------------------- arm


def arm(wanted: Wanted) -> Session[PodInfo]:
    """Configures and starts a log. Raises LinkError (SETUP: no room, not charged, refused; IDENTITY)."""
    yield from clean()
    identity = yield from hello()
    yield from clean(identity.board)
    yield from fast_link()
    if identity.log.revision < PAGED_REVISION:
        raise LinkError(LinkReason.SETUP, f"firmware {identity.firmware} does not send its log in pages")
    percent, _ = yield from battery()
    if percent is not None and percent < BATTERY_PCT:
        raise LinkError(LinkReason.SETUP, f"its battery is nearly empty: {percent} %")
    settings = yield from configure(identity.board, wanted, LOG_RATES_HZ)
    entries = yield from _length()
    minutes = (identity.log.capacity - entries) / (ENTRIES_A_SAMPLE * settings.rate_hz * 60)
    if minutes < ARM_MINUTES:
        room = f"{minutes:.1f} minutes at {settings.rate_hz:g} Hz"
        raise LinkError(
            LinkReason.SETUP, f"its log holds {entries} of {identity.log.capacity} entries: room for {room}"
        )
    yield from run_sensors()
    yield from _see_sensors_run(identity)
    log_ids = yield from _add_triggers(identity)
    yield send(command(Module.LOG, Log.OVERWRITE, 0))
    tick, boot_id = yield from clock()  # first: entries from before it are another log's
    yield Fix(ticks_to_ns(tick))
    yield send(command(Module.LOG, Log.ENABLE, 1))
    enabled = yield from read("whether it logs", Module.LOG, Log.ENABLE, (1,))
    if enabled != b"\1":
        raise LinkError(LinkReason.SETUP, "it was told to log, and says that it does not")
    info = yield from info_of_board(
        identity, settings, tick, boot_id, log_ids=log_ids, log_minutes=round(minutes), log_had_entries=entries
    )
    return info


def _see_sensors_run(identity: Identity) -> Session[None]:
    """A sample of each, as nothing else tells whether they run. Raises LinkError (SETUP)."""
    for module, register in ((Module.ACC, ACC_DATA), (Module.GYR, identity.board.gyr_data)):
        head = command(module, register)
        yield send(command(module, register, 1))
        sample = yield Await(NOTIFY, _begins_with(head, 8), timeout_s=SENSOR_RUNS_S, else_none=True)
        yield send(command(module, register, 0))
        if not sample:
            raise LinkError(LinkReason.SETUP, f"its {module.name} was set up and started, and gives no sample")


def _begins_with(head: bytes, size: int) -> Callable[[bytes], bool]:
    return lambda payload: payload.startswith(head) and len(payload) == size


def _add_triggers(identity: Identity) -> Session[list[int]]:
    """What is logged: two entries of each sensor. Raises LinkError (SETUP)."""
    log_ids = []
    for module, register in ((Module.ACC, ACC_DATA), (Module.GYR, identity.board.gyr_data)):
        for length, offset in CHUNKS:
            trigger = encode_trigger(module, register, length, offset)
            answer = yield from ask(f"what to log of its {module.name}", trigger, (1,), tries=1)
            log_ids.append(answer[0])
    if len(set(log_ids)) != len(log_ids):
        raise LinkError(LinkReason.SETUP, f"its log ids are not four: {log_ids}")
    return log_ids


def _length() -> Session[int]:
    return int.from_bytes((yield from read("the length of its log", Module.LOG, Log.LENGTH, (4,))), "little")


# --------------------------------------------------------------------------------------------------------- recover


def recover(armed: Mapping[str, Json]) -> Session[PodInfo]:
    """Stops the log and hands it over. Begun again it goes on with the first page not confirmed. Raises LinkError."""
    info = known(armed)
    identity = yield from hello()
    if identity.serial != info.serial:
        raise LinkError(LinkReason.IDENTITY, f"{identity.serial} was not armed, {info.serial} was")
    for module in (Module.ACC, Module.GYR):
        yield send(command(module, Sensor.POWER, 0))
    yield send(command(Module.LOG, Log.ENABLE, 0))
    if identity.board.flushes:
        yield send(command(Module.LOG, Log.FLUSH, 1))
        yield Pause(FLUSH_S)
    tick, boot_id = yield from clock()
    yield Fix(ticks_to_ns(tick))
    yield from fast_link()
    entries = yield from _length()
    yield Progress(0, entries)
    if entries:
        yield from _download(entries)
    percent, volts = yield from battery()
    details = {**info.details, "clock_ticks": tick, "battery_v": volts}
    return replace(info, boot_id=boot_id, clock_us=ticks_to_us(tick), details=details, battery_pct=percent)


class _Page:
    """What comes between two confirmations, and whether it is all that was sent."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.received = 0
        self.remaining = total
        self.entries: list[bytes] = []
        self.complete = False
        self.told = False
        self.heard = 0
        self._tells = False  # whether pages come with their progress

    @property
    def ended(self) -> bool:
        """Whether all that was asked for has come."""
        return self.remaining == 0 or self.received >= self.total

    def match(self, payload: bytes) -> bool:
        """Takes a notification in; True where the talk should look."""
        if payload.startswith(ENTRY_HEAD) and len(payload) in {2 + ENTRY.itemsize, 2 + 2 * ENTRY.itemsize}:
            self.entries.append(payload[2:])
            self.received += (len(payload) - 2) // ENTRY.itemsize
        elif payload[:2] == command(Module.LOG, Log.PROGRESS) and len(payload) == 6:
            self.remaining = int.from_bytes(payload[2:], "little")
            self.told = True
        elif payload == command(Module.LOG, Log.PAGE_COMPLETE):
            self.complete = True
        else:
            return False
        self.heard += 1
        return self.complete or self.heard % SOME == 0 or self.remaining == 0

    def check(self) -> None:
        """Raises LinkError if entries are missing: the page is not confirmed, and comes again."""
        hole = self.told and self.received != self.total - self.remaining
        if hole or (self._tells and not self.told):
            what = (
                f"{self.received} entries came of {self.total - self.remaining}" if self.told else "its end is unknown"
            )
            raise LinkError(LinkReason.CONNECT, f"a page of the log did not come whole ({what}); it is fetched again")
        self._tells = self._tells or self.told

    def next(self) -> bytes:
        """The page's entries; what follows is the next one."""
        entries = b"".join(self.entries)
        self.entries, self.complete, self.told = [], False, False
        return entries


def _download(total: int) -> Generator[Request, bytes, None]:
    """All entries, each page kept before it is confirmed."""
    for register in (Log.READOUT_NOTIFY, Log.PAGE_COMPLETE, Log.PROGRESS):
        yield send(command(Module.LOG, register, 1))
    yield send(encode_readout(total, 0))
    page, done = _Page(total), 0
    while True:
        heard = page.heard
        while not page.complete:
            timeout_s = CLOSES_S if page.ended else SILENT_S
            yield Await(NOTIFY, page.match, timeout_s=timeout_s, else_none=True)
            if page.heard == heard:
                break
            heard = page.heard
        closed = page.complete
        if not closed and not page.ended:
            raise LinkError(LinkReason.CONNECT, f"its log comes no further than {page.received} of {total} entries")
        page.check()
        entries = page.next()
        if entries:
            yield Keep(seal(entries))
            done = min(done + len(entries) // ENTRY.itemsize, total)
            yield Progress(done, total)
        if closed:
            yield send(command(Module.LOG, Log.PAGE_CONFIRM))
        if page.ended:
            return


# --------------------------------------------------------------------------------------------------------- release


def release() -> Session[None]:
    """Erases the log and what filled it. Raises LinkError (SETUP) if entries are left."""
    yield Subscribe(NOTIFY)
    yield from clean()
    yield send(command(Module.LOG, Log.DROP, *ALL_ENTRIES))
    done = command(Module.LOG, Log.PAGE_COMPLETE)
    yield Await(NOTIFY, lambda payload: payload == done, timeout_s=CLOSES_S, else_none=True)
    left = yield from _length()
    if left:
        raise LinkError(LinkReason.SETUP, f"its log was erased, and holds {left} entries still")
