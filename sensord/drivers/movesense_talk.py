"""The conversation with a Movesense sensor: who it is, what it can do, its clock; refusals in words.

One request at a time: it keeps few, and one that it never answers stays taken, over links, until it is restarted. So
nothing is asked that is known not to be answered (/Info), and no more than is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from sensord.drivers.base import AttError, Await, Has, PodInfo, Session, Subscribe, Wanted, Write
from sensord.drivers.movesense_wire import (
    ACC_BITS_G,
    ACCEPTED,
    BUSY,
    CLOCK_SPAN_MS,
    GYR_BITS_DPS,
    LOGGING,
    NAME,
    NOTIFY,
    OK,
    PACKETS_HZ,
    RESTART_MODE,
    WRITE,
    Command,
    Identity,
    Ref,
    Reply,
    command,
    decode_acc_info,
    decode_hello,
    decode_time,
    path,
    status_text,
)
from sensord.errors import LinkError, LinkReason
from sensord.model import Json

ANSWER_S = 3.0
"""Design choice: what takes longer is not answered."""

SLACK = 1.05
"""Design choice: 208 Hz is what is meant by 200."""

FOUND_G = 8.0
FOUND_DPS = 2000.0
"""Ranges where the sensor does not tell them: those of the one stock unit whose packets were captured, by the steps of
its values (0.244 mg, 70 mdps: hardware-protocols.md 4.5)."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """What it can do and how it is set; `told`: it said so itself."""

    rates_hz: tuple[int, ...]
    acc_g: float
    gyr_dps: float
    told: bool


def answers(ref: int) -> Callable[[bytes], bool]:
    """Whether a notification is the answer to the command of that ref."""
    return lambda payload: payload[:2] == bytes([Reply.ANSWER, ref]) and len(payload) >= 4


def try_to_ask(ref: int, code: Command, payload: bytes = b"", *, timeout_s: float = ANSWER_S) -> Session[bytes]:
    """The whole answer, b"" if none came."""
    yield Write(WRITE, command(code, ref, payload))
    answer = yield Await(NOTIFY, answers(ref), timeout_s=timeout_s, else_none=True)
    return answer


def ask(what: str, ref: int, code: Command, payload: bytes = b"", *, timeout_s: float = ANSWER_S) -> Session[bytes]:
    """Data of an answer. Raises LinkError: SETUP for a refusal, CONNECT when none came, which another try may mend."""
    answer = yield from try_to_ask(ref, code, payload, timeout_s=timeout_s)
    if not answer:
        raise LinkError(LinkReason.CONNECT, f"{what}: no answer within {timeout_s:g} s")
    yield from check(what, answer)
    return answer[4:]


def check(what: str, answer: bytes) -> Session[None]:
    """Raises LinkError (SETUP) for a refusal. One whose requests are all taken is restarted."""
    status = int.from_bytes(answer[2:4], "little")
    if status == BUSY:
        yield from restart()
        raise LinkError(LinkReason.SETUP, f"{what}: {status_text(status)}; it was restarted, and comes back by itself")
    if status not in {OK, ACCEPTED}:
        raise LinkError(LinkReason.SETUP, f"{what}: {status_text(status)}")


def get_if_there(ref: int, name: str) -> Session[bytes]:
    """What a resource holds, b"" if it has no such thing, or does not say."""
    answer = yield from try_to_ask(ref, Command.GET, path(name))
    return answer[4:] if answer and int.from_bytes(answer[2:4], "little") == OK else b""


def restart() -> Session[None]:
    """Restarts it, which ends the link."""
    with suppress(AttError):
        yield Write(WRITE, command(Command.PUT_SYSTEM_MODE, Ref.RESTART, bytes([RESTART_MODE])))


def hello() -> Session[Identity]:
    """Listens, and asks who it is. Raises LinkError (IDENTITY, SERVICES)."""
    if not (yield Has(NOTIFY)):
        raise LinkError(
            LinkReason.SERVICES, "its firmware has no GATT SensorData service: the default app 2.3 and later has it"
        )
    # its answers come where its samples come; until Announce nothing is kept
    yield Subscribe(NOTIFY)
    answer = yield from try_to_ask(Ref.HELLO, Command.HELLO)
    if len(answer) == 4:  # a status is all that it says, instead of who it is
        yield from check("who it is", answer)
    return decode_hello(answer)


def battery() -> Session[int | None]:
    """Percent, None if it does not say."""
    level = yield from get_if_there(Ref.BATTERY, "/System/Energy/Level")
    return level[0] if len(level) == 1 and level[0] <= 100 else None


def logging() -> Session[bool]:
    """Whether its data logger is on. Raises LinkError (SETUP)."""
    state = yield from ask("its data logger", Ref.LOGGER, Command.GET, path("/Mem/DataLogger/State"))
    return state[:1] == bytes([LOGGING])


def clock() -> Session[int]:
    """Its clock in ms. Raises LinkError (SETUP)."""
    return decode_time((yield from ask("its clock", Ref.TIME, Command.GET, path("/Time/Detailed"))))


def ranges() -> Session[Ranges]:
    """What it can do and how it is set. Raises LinkError (SETUP).

    Nothing can be set: the protocol has no command for it.
    """
    rates, _ = decode_acc_info((yield from ask("its rates", Ref.ACC_INFO, Command.GET, path("/Meas/Acc/Info"))))
    acc = yield from get_if_there(Ref.ACC_RANGE, "/Meas/Acc/Config")
    gyr = yield from get_if_there(Ref.GYR_RANGE, "/Meas/Gyro/Config")
    acc_g = float(acc[0]) if len(acc) == 1 else 0.0
    gyr_dps = float(int.from_bytes(gyr, "little")) if len(gyr) == 2 else 0.0
    told = acc_g in ACC_BITS_G
    return Ranges(rates, acc_g if told else FOUND_G, gyr_dps if gyr_dps in GYR_BITS_DPS else FOUND_DPS, told)


def choose(offered: tuple[int, ...], rates_hz: tuple[float, ...], wanted: Wanted) -> float:
    """The highest rate up to the wanted one, else the lowest. Raises LinkError (SETUP)."""
    rates = [rate for rate in rates_hz if rate in offered]
    if not rates:
        raise LinkError(LinkReason.SETUP, f"it offers {', '.join(map(str, offered)) or 'no'} Hz, none that is of use")
    return max((rate for rate in rates if rate <= wanted.rate_hz * SLACK), default=min(rates))


def info_of(
    identity: Identity, found: Ranges, rate_hz: float, clock_ms: int, percent: int | None, **more: Json
) -> PodInfo:
    """What was found, as it is recorded."""
    return PodInfo(
        driver=NAME,
        model=identity.product or "Movesense",
        firmware=f"{identity.app} {identity.version}".strip(),
        serial=identity.serial,
        rate_hz=rate_hz,
        acc_range_g=found.acc_g,
        gyr_range_dps=found.gyr_dps,
        clock="ms32",
        clock_us=clock_ms * 1000,
        details={"clock_ms": clock_ms, "range_told": found.told, **more},
        battery_pct=percent,
    )


def known(info: Mapping[str, Json]) -> PodInfo:
    """The info that was recorded. Raises LinkError (IDENTITY)."""
    try:
        pod = PodInfo.from_json(info)
        clock_ms, told = pod.details.get("clock_ms"), pod.details.get("range_told")
        usable = (
            pod.driver == NAME
            and pod.rate_hz > 0
            and pod.rate_hz % PACKETS_HZ == 0
            and pod.acc_range_g in ACC_BITS_G
            and pod.gyr_range_dps in GYR_BITS_DPS
            and isinstance(told, bool)
            and isinstance(clock_ms, int)
            and not isinstance(clock_ms, bool)
            and 0 <= clock_ms < CLOCK_SPAN_MS
        )
    except TypeError as error:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info cannot be read: {error}") from error
    if not usable:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info is not that of a {NAME}: {dict(info)}")
    return pod
