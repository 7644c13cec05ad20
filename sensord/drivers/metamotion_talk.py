"""The conversation with a MetaMotion: who it is, a clean board, settings read back, the chain that stamps samples.

Processors, subscriptions, log triggers and running sensors survive a lost link, and the ids of what was left behind
look like ours. So everything is removed before anything is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import dataclass

from sensord.drivers.base import Await, PodInfo, Read, Request, Session, Subscribe, Wanted, Write
from sensord.drivers.metamotion_wire import (
    ACC_DATA,
    ANY,
    BATTERY,
    BOARDS,
    COMMAND,
    EVENT_REMOVE_ALL,
    FIRMWARE,
    FUSED_MOST,
    GYR_CONF,
    GYR_RANGE_MASK,
    GYR_RANGES,
    INFO,
    MODEL,
    NAME,
    NOTIFY,
    ODR,
    ODR_MASK,
    READ,
    SERIAL,
    SIX_BYTES,
    TICK_SPAN,
    TICKS_HZ,
    TIME_OF_FOUR_BYTES,
    TWELVE_BYTES,
    Board,
    Filter,
    Log,
    LogInfo,
    Module,
    Processor,
    Sensor,
    command,
    decode_battery,
    decode_clock,
    decode_log_info,
    encode_add,
    encode_connection,
    ticks_to_us,
)
from sensord.errors import LinkError, LinkReason

ANSWER_S = 2.0
TRIES = 2
"""Design choice: what is only read is asked twice; what creates something is not."""

FIRST_SAMPLE_S = 2.0
CLOCK_AHEAD_TICKS = 5 * TICKS_HZ
"""Design choice: the first sample is stamped within so much after the clock was read, or they count differently."""

INTERVAL_MS = (7.5, 15.0)
SUPERVISION_MS = 5000
"""A sample is a notification, so 100 a second need 15 ms or less (hardware-protocols.md 6.1). That some boards stop at
7.5 ms has been reported (node-metawear issue 35): the watchdog of the link would see it."""

CLEAN = (
    command(Module.LOG, Log.ENABLE, 0),
    command(Module.ACC, Sensor.POWER, 0),
    command(Module.GYR, Sensor.POWER, 0),
    command(Module.ACC, Sensor.INTERRUPT, 0, 1),
    command(Module.GYR, Sensor.INTERRUPT, 0, 1),
    command(Module.FUSION, 0x03, 0x00, 0x7F),
    command(Module.FUSION, 0x01, 0x00),
    command(Module.MAG, Sensor.POWER, 0),
    command(Module.PROCESSOR, Processor.NOTIFY, 0),
    command(Module.PROCESSOR, Processor.REMOVE_ALL),
    command(Module.EVENT, EVENT_REMOVE_ALL),
    command(Module.LOG, Log.REMOVE_ALL),
)
"""Whoever was there before: the log first, so that nothing half made is logged. Entries stay: they may be wanted. The
last three are the maker's tear down sequence; sensor fusion owns the sensors while it runs."""

Talk = Generator[Request, bytes, bytes]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who it is, and how its log is made."""

    board: Board
    firmware: str
    serial: str
    log: LogInfo


@dataclass(frozen=True, slots=True)
class Settings:
    """What both sensors were set to."""

    rate_hz: float
    acc_range_g: float
    gyr_range_dps: float


def send(payload: bytes) -> Write:
    """A command: without response, as the maker does."""
    return Write(COMMAND, payload, response=False)


def ask(what: str, payload: bytes, sizes: Collection[int], *, head: bytes | None = None, tries: int = TRIES) -> Talk:
    """Sends a command; what follows the head of its answer (the command's, if no other). Raises LinkError (SETUP)."""
    begins = payload[:2] if head is None else head

    def match(notification: bytes) -> bool:
        return notification.startswith(begins) and len(notification) - len(begins) in sizes

    for _ in range(tries):
        yield send(payload)
        answer = yield Await(NOTIFY, match, timeout_s=ANSWER_S, else_none=True)
        if answer:
            return answer[len(begins) :]
    raise LinkError(LinkReason.SETUP, f"no answer to {what}")


def read(what: str, module: int, register: int, sizes: Collection[int]) -> Talk:
    """The value of a register. Raises LinkError (SETUP)."""
    return ask(what, command(module, register | READ), sizes)


# ----------------------------------------------------------------------------------------------------------- phases


def hello() -> Session[Identity]:
    """Who it is; changes nothing. Notifications are on from here. Raises LinkError (IDENTITY, SETUP)."""
    yield Subscribe(NOTIFY)
    model = _text((yield Read(MODEL)))
    board = next((board for board in BOARDS if board.model == model), None)
    if board is None:
        raise LinkError(LinkReason.IDENTITY, f"model {model!r} is no MetaMotion S (8) or RL (5)")
    serial = _text((yield Read(SERIAL)))
    firmware = _text((yield Read(FIRMWARE)))
    modules: dict[Module, bytes] = {}
    for module in (Module.ACC, Module.GYR, Module.PROCESSOR, Module.LOG):
        modules[module] = yield from read(f"what its {module.name} is", module, INFO, range(19))
        if len(modules[module]) < 2:
            raise LinkError(LinkReason.IDENTITY, f"it has no {module.name}")
    found = modules[Module.ACC][0], modules[Module.GYR][0]
    if found != (board.acc_impl, board.gyr_impl):
        raise LinkError(LinkReason.IDENTITY, f"{board.name} has other sensors than {found}")
    return Identity(board, firmware, serial, decode_log_info(modules[Module.LOG]))


def clean(board: Board | None = None) -> Session[None]:
    """Stops and removes all that may have survived; what depends on the board only if it is known."""
    for payload in CLEAN if board is None else board.unsubscribe:
        yield send(payload)


def refuse_while_logging() -> Session[None]:
    """Raises LinkError (SETUP) if a log is being written: its sensors run as it needs them."""
    yield Subscribe(NOTIFY)
    if (yield from read("whether it logs", Module.LOG, Log.ENABLE, (1,))) != b"\0":
        raise LinkError(LinkReason.SETUP, "it is logging, and cannot stream beside it: fetch its log first")


def configure(board: Board, wanted: Wanted, rates_hz: tuple[float, ...]) -> Session[Settings]:
    """Sets both sensors, reads back. The fastest rate up to the wanted one, ranges that hold the wanted ones."""
    rate_hz = max((rate for rate in rates_hz if rate <= wanted.rate_hz), default=min(rates_hz))
    acc_g = min((g for g in board.acc_ranges if g >= wanted.acc_range_g), default=max(board.acc_ranges))
    gyr_dps = min((d for d in GYR_RANGES if d >= wanted.gyr_range_dps), default=max(GYR_RANGES))
    acc = (board.acc_conf | ODR[rate_hz], board.acc_ranges[acc_g])
    gyr = (GYR_CONF | ODR[rate_hz], GYR_RANGES[gyr_dps])
    yield send(command(Module.ACC, Sensor.CONFIG, *acc))
    yield send(command(Module.GYR, Sensor.CONFIG, *gyr))
    for module, asked, mask in ((Module.ACC, acc, board.acc_range_mask), (Module.GYR, gyr, GYR_RANGE_MASK)):
        got = yield from read(f"the settings of its {module.name}", module, Sensor.CONFIG, (2,))
        if (got[0] & ODR_MASK, got[1] & mask) != (asked[0] & ODR_MASK, asked[1]):
            raise LinkError(LinkReason.SETUP, f"{module.name} was set to {bytes(asked).hex(' ')}, is {got.hex(' ')}")
    return Settings(rate_hz, acc_g, gyr_dps)


def clock() -> Session[tuple[int, int]]:
    """Tick and reset uid."""
    return decode_clock((yield from read("its clock", Module.LOG, Log.TIME, (5,))))


def battery() -> Session[tuple[int | None, float]]:
    """Percent (None if it says what cannot be) and volts."""
    percent, volts = decode_battery((yield from read("its battery", Module.SETTINGS, BATTERY, (3,))))
    return (percent if percent <= 100 else None), volts


def info_of_board(
    identity: Identity, settings: Settings, tick: int, boot_id: int, **details: object
) -> Session[PodInfo]:
    """What goes into LINK_UP; asks for the battery."""
    percent, volts = yield from battery()
    return PodInfo(
        driver=NAME,
        model=identity.board.name,
        firmware=identity.firmware,
        serial=identity.serial,
        rate_hz=settings.rate_hz,
        acc_range_g=settings.acc_range_g,
        gyr_range_dps=settings.gyr_range_dps,
        clock="tick32",
        boot_id=boot_id,
        clock_us=ticks_to_us(tick),
        details={"clock_ticks": tick, "battery_v": volts, **details},
        battery_pct=percent,
    )


def build_chain(board: Board) -> Session[int]:
    """Buffer, fuser, accounter: the id of the last. Raises LinkError (SETUP)."""
    buffer = yield from _add("a buffer", encode_add(Module.GYR, board.gyr_data, ANY, SIX_BYTES, Filter.BUFFER, 6 - 1))
    others = (buffer, *[0] * (FUSED_MOST - 1))
    fuser = yield from _add("a fuser", encode_add(Module.ACC, ACC_DATA, ANY, SIX_BYTES, Filter.FUSER, 1, *others))
    return (
        yield from _add(
            "an accounter",
            encode_add(Module.PROCESSOR, Processor.NOTIFY, fuser, TWELVE_BYTES, Filter.ACCOUNTER, *TIME_OF_FOUR_BYTES),
        )
    )


def _add(what: str, payload: bytes) -> Session[int]:
    answer = yield from ask(f"{what}: too many processors?", payload, (1,), tries=1)
    return answer[0]


def fast_link() -> Session[None]:
    """Asks for a short connection interval; the central decides."""
    yield send(encode_connection(*INTERVAL_MS, 0, SUPERVISION_MS))


def run_sensors() -> Session[None]:
    """Interrupts and power; the accelerometer last, as it paces the chain."""
    for module in (Module.GYR, Module.ACC):
        yield send(command(module, Sensor.INTERRUPT, 1, 0))
    for module in (Module.GYR, Module.ACC):
        yield send(command(module, Sensor.POWER, 1))


def see_first_sample(processor: int, tick: int) -> Session[None]:
    """Whether samples come, as they should, stamped by the clock that was read. Raises LinkError (SETUP)."""
    head = command(Module.PROCESSOR, Processor.NOTIFY, processor)
    sample = yield Await(NOTIFY, lambda payload: payload.startswith(head), timeout_s=FIRST_SAMPLE_S, else_none=True)
    if not sample:
        raise LinkError(LinkReason.SETUP, "it was set up and started, and sends no sample")
    if len(sample) != 19:
        raise LinkError(LinkReason.SETUP, f"its samples have {len(sample)} bytes, not 19")
    ahead = (int.from_bytes(sample[3:7], "little") - tick) % TICK_SPAN
    if ahead > CLOCK_AHEAD_TICKS:
        raise LinkError(LinkReason.SETUP, f"its samples are stamped {ahead} ticks ahead of its clock")


def _text(value: bytes) -> str:
    return value.decode("ascii", "replace").strip("\0 ")
