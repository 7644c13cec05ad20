"""Shimmer3R: the conversation. One command at a time, each answer found by its checksum among whatever else comes.

Settings are kept in the pod's memory, so only those that differ are written; then all are read back. INQUIRY comes
last, as the firmware asks for (SHIMMER3_BT_COMMUNICATION_PROTOCOL.md 8.2): it alone says what a sample is made of.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from sensord.drivers.base import Await, Pause, PodInfo, Request, Session, Subscribe, Wanted, Write
from sensord.drivers.shimmer3r_wire import (
    ACC,
    ACC_RANGES_G,
    CALIBRATION_BYTES,
    CALIBRATION_OPS,
    CLOCK,
    DATA,
    DIVISORS,
    GYR,
    GYR_RANGES_DPS,
    GYR_SENSITIVITY_STEPS,
    HIGH_G,
    HIGH_G_ODRS_HZ,
    HIGH_G_RANGE_G,
    LATEST_TICKS,
    MAC_ADDRESS,
    NAME,
    ODRS_HZ,
    REFUSED,
    SENSORS_ACC,
    SENSORS_GYR,
    SENSORS_HIGH_G,
    TICKS_HZ,
    Calibration,
    Inquiry,
    Op,
    Schema,
    Status,
    crc16,
    decode_calibration,
    decode_inquiry,
    default_calibration,
    has_high_g,
    inquiry_bytes,
    plausible,
)
from sensord.errors import LinkError, LinkReason

ANSWER_S = 3.0
TRIES = 3
"""Design choice: a command may be lost in a pod that is busy; so often those are sent again that may be repeated."""

SETTLE_S = 0.2
"""Design choice: pause between asking whether a start or stop has happened: they are only put in a queue."""

SETTLES = 10

HARDWARE = 10
LOG_AND_STREAM = 3
OLDEST_FIRMWARE = (1, 0, 24)
"""From here on the status has two bytes, and the checksum stays on when streaming stops (from 1.00.011 on)."""

SAMPLES_PER_SAMPLE = 2.0
"""Design choice: the sensors run at least so many times faster than samples are taken: they are taken whenever their
time comes, so a value may be as old as one step of the sensor."""

MILLIVOLTS_PER_COUNT = 2 * 3000 / 4095


class Refused(LinkError):
    """The pod said no (FE)."""

    def __init__(self, command: str) -> None:
        super().__init__(LinkReason.SETUP, f"it refuses {command}")


class Reply:
    """Looks for an answer in a stream of bytes: FF, these bytes, so many more, and a checksum that fits."""

    def __init__(self, head: bytes, size: int | Callable[[bytes], int | None]) -> None:
        self.refused = False
        self.payload: bytes | None = None
        self._head = bytes([Op.ACK]) + head
        self._size = size if callable(size) else lambda _: size
        self._seen = b""

    def match(self, notification: bytes) -> bool:
        """Whether the answer is whole with this."""
        self._seen = (self._seen + notification)[-4096:]
        self.refused = REFUSED in self._seen or notification == REFUSED[:1]
        at = self._seen.find(self._head)
        while at >= 0:
            start = at + len(self._head)
            size = self._size(self._seen[start:])
            if size is not None and len(self._seen) >= start + size + 2:
                stop = start + size
                if crc16(self._seen[at:stop]) == int.from_bytes(self._seen[stop : stop + 2], "little"):
                    self.payload = self._seen[start:stop]
                    return True
            at = self._seen.find(self._head, at + 1)
        return self.refused


Talk = Generator[Request, bytes, bytes]


def ask(
    what: str, command: bytes, head: bytes = b"", size: int | Callable[[bytes], int | None] = 0, *, tries: int = 1
) -> Talk:
    """Sends a command and gives the payload of its answer. Raises Refused, or LinkError (SETUP) without an answer."""
    for _ in range(tries):
        reply = Reply(head, size)
        yield Write(DATA, command, response=False)
        yield Await(DATA, reply.match, timeout_s=ANSWER_S, else_none=True)
        if reply.payload is not None:
            return reply.payload
        if reply.refused:
            raise Refused(what)
    raise LinkError(LinkReason.SETUP, f"no answer to {what}")


def get(what: str, op: int, response: int, size: int) -> Talk:
    """Reads something that has an opcode of its own."""
    return ask(what, bytes([op]), bytes([response]), size, tries=TRIES)


# ----------------------------------------------------------------------------------------------------------- phases


@dataclass(frozen=True, slots=True)
class Identity:
    """Who it is. `high_g`: whether the board has the sensor."""

    serial: str
    firmware: tuple[int, int, int]
    board: tuple[int, int, int]
    high_g: bool


def hello() -> Session[Identity]:
    """Checksum on, whoever left what behind; then who it is. Raises LinkError (SETUP, IDENTITY)."""
    try:
        yield from ask("the checksum", bytes([Op.SET_CRC, 2]), tries=TRIES)
    except Refused as error:
        raise LinkError(LinkReason.SETUP, "it refuses every command: switch its SD synchronisation off") from error
    hardware = (yield from get("its hardware", Op.GET_HARDWARE, Op.HARDWARE_RSP, 1))[0]
    firmware = yield from get("its firmware", Op.GET_FIRMWARE, Op.FIRMWARE_RSP, 6)
    kind, version = int.from_bytes(firmware[:2], "little"), (*firmware[2:4], *firmware[4:6])
    numbers = (version[0] | version[1] << 8, version[2], version[3])
    if hardware != HARDWARE or kind != LOG_AND_STREAM:
        raise LinkError(LinkReason.IDENTITY, f"hardware {hardware}, firmware {kind} is no Shimmer3R with LogAndStream")
    if numbers < OLDEST_FIRMWARE:
        raise LinkError(LinkReason.SETUP, f"firmware {dotted(numbers)} is too old, {dotted(OLDEST_FIRMWARE)} is needed")
    place, length = MAC_ADDRESS
    command = bytes([Op.GET_MEMORY, length]) + place.to_bytes(2, "little")
    mac = yield from ask("its address", command, bytes([Op.MEMORY_RSP, length]), length, tries=TRIES)
    board = yield from ask("its board", bytes([Op.GET_BOARD, 3, 0]), bytes([Op.BOARD_RSP, 3]), 3, tries=TRIES)
    return Identity(mac.hex(), numbers, (board[0], board[1], board[2]), has_high_g(board))


def dotted(version: tuple[int, int, int]) -> str:
    """As the maker writes it."""
    return f"{version[0]}.{version[1]:02d}.{version[2]:03d}"


def status() -> Session[tuple[Status, bool]]:
    """What it is doing, and whether USB is plugged in."""
    got = yield from ask("its status", bytes([Op.GET_STATUS]), bytes([Op.IN_STREAM, Op.STATUS_RSP]), 2, tries=TRIES)
    return Status(got[0]), bool(got[1])


def until(what: str, command: int, happened: Callable[[Status], bool]) -> Session[Status]:
    """Sends a start or stop until the status says so: an answer only means that it was heard, and it may be lost.

    Raises LinkError (SETUP).
    """
    now = Status(0)
    for _ in range(TRIES):
        with contextlib.suppress(LinkError):  # heard or not: the status tells
            yield from ask(what, bytes([command]))
        for _ in range(SETTLES):
            now, _usb = yield from status()
            if happened(now):
                return now
            yield Pause(SETTLE_S)
    raise LinkError(LinkReason.SETUP, f"{what} did not happen: {now!r}")


def quiet() -> Session[None]:
    """Stops whatever it samples for, as found at the beginning."""
    busy = Status.SENSING | Status.STREAMING | Status.LOGGING
    now, _usb = yield from status()
    if now & busy:
        yield from until("the stop", Op.STOP_ALL, lambda status: not status & busy)


def clock() -> Session[int]:
    """Its clock, ticks; the samples carry the low 24 bits. Raises LinkError (SETUP) for one that shows centuries."""
    ticks = int.from_bytes((yield from get("its clock", Op.GET_CLOCK, Op.CLOCK_RSP, 8)), "little")
    if ticks > LATEST_TICKS:
        raise LinkError(LinkReason.SETUP, f"its clock shows {ticks} ticks, which is centuries: set it anew")
    return ticks


def battery() -> Session[tuple[int, float]]:
    """Counts and volts. There is no percentage that the maker has published for these units."""
    got = yield from ask("its battery", bytes([Op.GET_BATTERY]), bytes([Op.IN_STREAM, Op.BATTERY_RSP]), 3, tries=TRIES)
    counts = int.from_bytes(got[:2], "little")
    return counts, round(counts * MILLIVOLTS_PER_COUNT / 1000, 3)


# --------------------------------------------------------------------------------------------------------- settings


@dataclass(frozen=True, slots=True)
class Settings:
    """What is set, or what we would have set. `high_g_odr` matters only with that sensor."""

    divisor: int
    acc_code: int
    gyr_code: int
    odr_code: int
    high_g_odr: int
    sensors: frozenset[int]

    @property
    def rate_hz(self) -> float:
        """Samples a second."""
        return TICKS_HZ / self.divisor

    @property
    def high_g(self) -> bool:
        """Whether the high-g sensor is among them."""
        return self.sensors.issuperset(HIGH_G)


def choose(wanted: Wanted, *, high_g: bool) -> Settings:
    """The nearest rate there is, the narrowest range that holds what is wanted, sensors fast enough for the rate."""
    divisor = min(DIVISORS, key=lambda d: abs(TICKS_HZ / d - wanted.rate_hz))
    enough_hz = SAMPLES_PER_SAMPLE * TICKS_HZ / divisor
    return Settings(
        divisor,
        _covering(ACC_RANGES_G, wanted.acc_range_g),
        _covering(GYR_RANGES_DPS, wanted.gyr_range_dps),
        next((code for code, hz in ODRS_HZ.items() if hz >= enough_hz), max(ODRS_HZ)),
        _covering(HIGH_G_ODRS_HZ, enough_hz),
        frozenset(ACC + GYR + (HIGH_G if high_g else ())),
    )


def _covering(steps: tuple[float, ...], value: float) -> int:
    return next((i for i, step in enumerate(steps) if step >= value), len(steps) - 1)


def read_settings() -> Session[tuple[Settings, Inquiry]]:
    """What is set now."""
    odr = (yield from get("its sensors' rate", Op.GET_ODR, Op.ODR_RSP, 1))[0]
    high_g_odr = (yield from get("its high-g sensor's rate", Op.GET_HIGH_G_ODR, Op.HIGH_G_ODR_RSP, 1))[0]
    payload = yield from ask("what it sends", bytes([Op.INQUIRY]), bytes([Op.INQUIRY_RSP]), inquiry_bytes, tries=TRIES)
    found = decode_inquiry(payload)
    sensors = frozenset(found.channels)
    return Settings(found.divisor, found.acc_code, found.gyr_code, odr, high_g_odr, sensors), found


def configure(wanted: Wanted, *, high_g: bool) -> Session[tuple[Settings, Inquiry]]:
    """Sets what differs, reads everything back. Raises LinkError (SETUP) with what did not take."""
    asked = choose(wanted, high_g=high_g)
    actual, found = yield from read_settings()
    if not high_g:
        asked = replace(asked, high_g_odr=actual.high_g_odr)
    commands = (
        ("divisor", bytes([Op.SET_RATE]) + asked.divisor.to_bytes(2, "little")),
        ("acc_code", bytes([Op.SET_ACC_RANGE, asked.acc_code])),
        ("gyr_code", bytes([Op.SET_GYR_RANGE, asked.gyr_code])),
        ("odr_code", bytes([Op.SET_ODR, asked.odr_code])),
        ("high_g_odr", bytes([Op.SET_HIGH_G_ODR, asked.high_g_odr])),
        ("sensors", bytes([Op.SET_SENSORS]) + _bitmap(high_g=high_g).to_bytes(3, "little")),
    )
    changed = [(name, command) for name, command in commands if getattr(actual, name) != getattr(asked, name)]
    for name, command in changed:
        yield from ask(f"{name} {command[1:].hex()}", command, tries=TRIES)
    if changed:
        actual, found = yield from read_settings()
    wrong = [
        f"{name} is {getattr(actual, name)}, asked {getattr(asked, name)}"
        for name, _ in commands
        if getattr(actual, name) != getattr(asked, name)
    ]
    if wrong:
        raise LinkError(LinkReason.SETUP, "; ".join(wrong))
    return actual, found


def _bitmap(*, high_g: bool) -> int:
    return SENSORS_ACC | SENSORS_GYR | (SENSORS_HIGH_G if high_g else 0)


def calibrations(settings: Settings) -> Session[dict[str, tuple[Calibration, str]]]:
    """Each sensor's calibration at its range, and where it is from: "device", or "default" and why."""
    codes = {"acc": settings.acc_code, "gyr": settings.gyr_code} | ({"high_g": 0} if settings.high_g else {})
    found: dict[str, tuple[Calibration, str]] = {}
    for sensor, code in codes.items():
        op, response = CALIBRATION_OPS[sensor]
        block = yield from get(f"the calibration of {sensor}", op, response, CALIBRATION_BYTES)
        stored = decode_calibration(block, GYR_SENSITIVITY_STEPS if sensor == "gyr" else 1)
        default = default_calibration(sensor, code)
        if stored is None:
            found[sensor] = default, "default: none is stored"
        elif not plausible(stored, default):
            found[sensor] = default, f"default: what is stored cannot be of this range ({block.hex()})"
        else:
            found[sensor] = stored, "device"
    return found


# ------------------------------------------------------------------------------------------------------------ whole


def prepare(wanted: Wanted) -> Session[PodInfo]:
    """Listens, silences, configures and reads back: all that comes before a start. Raises LinkError."""
    yield Subscribe(DATA)
    identity = yield from hello()
    if wanted.keep_log and (yield from status())[0] & Status.LOGGING:
        raise LinkError(LinkReason.SETUP, "it logs, and a stream would end that: sensord fetch brings the log home")
    yield from quiet()
    settings, inquiry = yield from configure(wanted, high_g=identity.high_g)
    schema = Schema(inquiry.channels)
    found = yield from calibrations(settings)
    _, volts = yield from battery()
    ticks = yield from clock()
    return PodInfo(
        driver=NAME,
        model="Shimmer3R",
        firmware=dotted(identity.firmware),
        serial=identity.serial,
        rate_hz=settings.rate_hz,
        acc_range_g=ACC_RANGES_G[settings.acc_code],
        gyr_range_dps=GYR_RANGES_DPS[settings.gyr_code],
        clock=CLOCK,
        clock_us=ticks * 1_000_000 // TICKS_HZ,
        high_g_range_g=HIGH_G_RANGE_G if schema.high_g else None,
        details={
            "board": "SR{}-{}-{}".format(*identity.board),
            "divisor": settings.divisor,
            "channels": list(inquiry.channels),
            "odr_hz": ODRS_HZ[settings.odr_code],
            "high_g_odr_hz": HIGH_G_ODRS_HZ[settings.high_g_odr] if schema.high_g else None,
            "calibration": {sensor: calibration.to_json() for sensor, (calibration, _) in found.items()},
            "calibration_from": {sensor: source for sensor, (_, source) in found.items()},
            "clock_ticks": ticks,
            "battery_v": volts,
        },
    )
