"""The conversation with a Movella DOT: who it is, its rate, its clock (by a live sample), messages and answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sensord.drivers.base import (
    AttError,
    Await,
    Fix,
    Has,
    Pause,
    PodInfo,
    Read,
    Session,
    Subscribe,
    Write,
)
from sensord.drivers.movella_dot_wire import (
    ACC_RANGE_G,
    ACK,
    BATTERY,
    CLOCK_SPAN_US,
    COMMAND,
    CONTROL,
    DONE,
    FLASH_BUSY,
    GYR_RANGE_DPS,
    IDLE,
    INFO,
    MEASURE,
    NAME,
    RECORDING,
    SAMPLES,
    START,
    STOP,
    Identity,
    Re,
    decode_ack,
    decode_info,
    decode_rate,
    decode_sample,
    encode_message,
    encode_rate,
    result_text,
)
from sensord.errors import LinkError, LinkReason, PacketError
from sensord.model import Json

TRIES = 5
BUSY_S = 0.2
"""Design choice: an answer that is not there yet, and a memory that is busy, are given a second."""

FIRST_SAMPLE_S = 3.0

LIVE_RATES_HZ = (20.0, 30.0, 60.0)
"""Of those it has live (1 to 60), the ones that tell steps apart."""


def hello() -> Session[Identity]:
    """Who it is. Raises LinkError (IDENTITY, SERVICES)."""
    if not (yield Has(MEASURE)):
        raise LinkError(LinkReason.SERVICES, "it has no measurement service of a DOT")
    return decode_info((yield Read(INFO)))


def battery() -> Session[int | None]:
    """Percent, None if it does not say. It has no standard battery service."""
    try:
        level = yield Read(BATTERY)
    except AttError:
        return None
    return level[0] if len(level) == 2 and level[0] <= 100 else None


def tell(what: str, reid: int, arguments: bytes = b"", *, allowed: Collection[int] = (DONE,)) -> Session[int]:
    """Result of a recording message. Raises LinkError (SETUP) if it is none of those allowed, or none comes."""
    data = bytes([reid]) + arguments
    answer: int | None = None
    for _ in range(TRIES):
        if answer is None or answer == FLASH_BUSY:
            yield Write(COMMAND, encode_message(RECORDING, data))
        try:
            answer = decode_ack((yield Read(ACK)), data)
        except PacketError:
            answer = -1  # not answered yet: what is there is the answer to another
        if answer in allowed:
            return answer
        if answer not in {-1, FLASH_BUSY}:
            break
        yield Pause(BUSY_S)
    raise LinkError(LinkReason.SETUP, f"{what}: " + ("no answer" if answer == -1 else result_text(answer or 0)))


def state() -> Session[int]:
    """What its recorder does. Raises LinkError (SETUP)."""
    result = yield from tell("its recorder", Re.STATE, allowed=range(256))
    return result


def need_idle() -> Session[None]:
    """Raises LinkError (SETUP) if its recorder is not idle."""
    now = yield from state()
    if now == Re.FILE_DATA:  # an export that a lost link left behind
        yield from tell("the export's end", Re.STOP_EXPORT, allowed=range(256))
        yield Pause(BUSY_S)
        now = yield from state()
    if now != IDLE:
        raise LinkError(LinkReason.SETUP, f"{result_text(now)}: fetch or end that first")


def quiet() -> Session[None]:
    """Stops a measurement that is on."""
    if (yield Read(MEASURE))[1:2] != b"\0":
        yield Write(MEASURE, STOP)


def set_rate(rate_hz: float) -> Session[None]:
    """Sets and reads back the rate. Raises LinkError (SETUP)."""
    yield Write(CONTROL, encode_rate(rate_hz))
    is_at = decode_rate((yield Read(CONTROL)))
    if is_at != rate_hz:
        raise LinkError(LinkReason.SETUP, f"it was told to do {rate_hz:g} Hz, and says {is_at} Hz")


def measure() -> Session[None]:
    """Starts to send samples. Raises LinkError (SETUP)."""
    yield Write(MEASURE, START)
    now = yield Read(MEASURE)
    if now[:3] != START:
        raise LinkError(LinkReason.SETUP, f"it was told to send samples, and says {now.hex(' ') or 'nothing'}")


def is_sample(payload: bytes) -> bool:
    """Whether this is a sample."""
    try:
        decode_sample(payload)
    except PacketError:
        return False
    return True


def clock(near_us: int | None = None) -> Session[int]:
    """Its clock in us, read from a live sample; unwrapped nearest to `near_us` if that is known. Yields the Fix.

    Raises LinkError.
    """
    yield Subscribe(SAMPLES, data=False)
    yield from quiet()
    yield from set_rate(LIVE_RATES_HZ[-1])
    yield from measure()
    t_us, _ = decode_sample((yield Await(SAMPLES, is_sample, timeout_s=FIRST_SAMPLE_S)))
    if near_us is not None:
        half = CLOCK_SPAN_US // 2
        t_us = near_us + (t_us - near_us + half) % CLOCK_SPAN_US - half
    yield Fix(t_us * 1000)
    yield Write(MEASURE, STOP)
    return t_us


def info_of(identity: Identity, rate_hz: float, percent: int | None, **details: Json) -> PodInfo:
    """What was found, as it is recorded."""
    return PodInfo(
        driver=NAME,
        model=identity.model,
        firmware=".".join(map(str, identity.firmware)),
        serial=f"{identity.serial:016X}",
        rate_hz=rate_hz,
        acc_range_g=ACC_RANGE_G,
        gyr_range_dps=GYR_RANGE_DPS,
        clock="us32",
        details={"product": identity.product, **details},
        battery_pct=percent,
    )


def known(info: Mapping[str, Json], rates_hz: Collection[float]) -> PodInfo:
    """The info that was recorded. Raises LinkError (IDENTITY)."""
    try:
        pod = PodInfo.from_json(info)
    except TypeError as error:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info cannot be read: {error}") from error
    full = (pod.acc_range_g, pod.gyr_range_dps)
    if pod.driver != NAME or pod.rate_hz not in rates_hz or full != (ACC_RANGE_G, GYR_RANGE_DPS):
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info is not that of a {NAME}: {dict(info)}")
    return pod
