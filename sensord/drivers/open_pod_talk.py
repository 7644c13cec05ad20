"""Open Pod: what is said to a pod before it streams or logs: who it is, its settings, its clock."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sensord.drivers.base import AttError, Await, PodInfo, Read, Session, Wanted, Write
from sensord.drivers.open_pod_decoder import NAME
from sensord.drivers.open_pod_wire import (
    CLOCK,
    CONFIG,
    CONTROL,
    INFO,
    RATES_HZ,
    Config,
    Identity,
    Kind,
    Op,
    Refusal,
    decode_clock_answer,
    decode_config,
    decode_info,
    encode_clock_request,
    encode_config,
)
from sensord.errors import LinkError, LinkReason

PACKET_S = 0.05
"""Design choice: a packet at most this long; shorter wakes the radio more often, longer makes cues late."""


@dataclass(frozen=True, slots=True)
class Configured:
    """A pod that is stopped, with the settings it has."""

    identity: Identity
    config: Config

    def info(self, clock_us: int, **details: int) -> PodInfo:
        """As LINK_UP records it."""
        config, identity = self.config, self.identity
        return PodInfo(
            driver=NAME,
            model="Open Pod",
            firmware=".".join(str(v) for v in identity.firmware),
            serial=identity.serial.hex(),
            rate_hz=RATES_HZ[config.rate_id],
            acc_range_g=float(config.acc_range_g),
            gyr_range_dps=float(config.gyr_range_dps),
            clock="us32",
            boot_id=identity.boot_id,
            clock_us=clock_us,
            high_g_range_g=float(config.high_g_range_g) or None,
            details={"batch": config.batch, **details},
        )


def configure(wanted: Wanted, *, or_logging: bool = False) -> Session[Configured]:
    """Stops the stream and configures the nearest the pod can do to `wanted`. Raises LinkError (IDENTITY, SETUP).

    `or_logging`: a pod that refuses because it is running still (it logs) keeps the settings that it has.
    """
    identity = decode_info((yield Read(INFO)))
    yield Write(CONTROL, bytes([Op.STOP]))
    asked = choose(identity, wanted)
    try:
        yield Write(CONFIG, encode_config(asked))
    except AttError as error:
        if not or_logging or error.code != Refusal.RUNNING:
            raise LinkError(LinkReason.SETUP, f"{asked}: {refusal(error)}") from error
        return Configured(identity, decode_config((yield Read(CONFIG))))
    actual = decode_config((yield Read(CONFIG)))
    _verify(identity, asked, actual)
    return Configured(identity, actual)


def clock(token: int) -> Session[int]:
    """The pod's clock, us, as it was when the answer left. CLOCK must be subscribed."""
    yield Write(CLOCK, encode_clock_request(token))
    answer = decode_clock_answer((yield Await(CLOCK, lambda payload: _answers(payload, token))))
    assert answer is not None
    return answer[2]


def choose(identity: Identity, wanted: Wanted) -> Config:
    """The highest supported rate up to the wanted one (else the lowest), the wanted ranges as far as the pod goes."""
    at_most = [i for i in identity.rate_ids if RATES_HZ[i] <= wanted.rate_hz]
    rate_id = max(at_most) if at_most else min(identity.rate_ids)
    return Config(
        rate_id=rate_id,
        acc_range_g=min(math.ceil(wanted.acc_range_g), identity.range_of(Kind.ACC)),
        gyr_range_dps=min(math.ceil(wanted.gyr_range_dps), identity.range_of(Kind.GYR)),
        high_g_range_g=identity.range_of(Kind.HIGH_G),
        batch=max(1, round(RATES_HZ[rate_id] * PACKET_S)),
    )


def refusal(error: AttError) -> str:
    """Why a pod refused, in words."""
    try:
        return Refusal(error.code).text
    except ValueError:
        return str(error)


def _verify(identity: Identity, asked: Config, actual: Config) -> None:
    """What was read back must be what was asked; a pod may take the next wider range it has."""
    wrong = []
    if actual.rate_id != asked.rate_id:
        wrong.append(f"rate {RATES_HZ[actual.rate_id]:g} Hz, asked {RATES_HZ[asked.rate_id]:g} Hz")
    pairs = (
        ("acc", asked.acc_range_g, actual.acc_range_g, identity.range_of(Kind.ACC)),
        ("gyr", asked.gyr_range_dps, actual.gyr_range_dps, identity.range_of(Kind.GYR)),
        ("high g", asked.high_g_range_g, actual.high_g_range_g, identity.range_of(Kind.HIGH_G)),
    )
    for what, want, got, widest in pairs:
        if not want <= got <= widest:
            wrong.append(f"{what} range {got}, asked {want}, widest {widest}")
    if wrong:
        raise LinkError(LinkReason.SETUP, "; ".join(wrong))


def _answers(payload: bytes, token: int) -> bool:
    answer = decode_clock_answer(payload)
    return answer is not None and answer[0] == token
