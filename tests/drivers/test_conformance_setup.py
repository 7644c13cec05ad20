"""A conversation that goes wrong at any point: no wrong numbers, no other error than ours, and it can be had again."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from sensord.drivers import DRIVERS
from sensord.drivers.base import AttError, Await, Read, Subscribe, Wanted, Write
from sensord.drivers.connection import INBOX
from sensord.errors import LinkError, LinkReason
from sensord.model import NS
from tests.drivers.conformance import (
    EVERY,
    PLAIN,
    SixSines,
    check_against_source,
    check_blocks,
    decoder_of,
    push_all,
)
from tests.drivers.habits import drivers, habits_of
from tests.drivers.wireless import Wire, pod_of

ANOTHER = Wanted(rate_hz=52.0, acc_range_g=4.0, gyr_range_dps=1000.0)
"""Settings that a pod is left in before it is asked for others."""

UNLIKELY = 0x0E
"""ATT "unlikely error" (Bluetooth Core, Vol 3, Part F, 3.4.1.1): what a stack answers when it cannot say more."""


@dataclass
class Faulty(Wire):
    """Something happens at the n-th request of the kinds in `at`, counted from `armed` on."""

    at: tuple[type, ...] = ()
    nth: int = -1
    fault: str = ""
    seed: int = 0
    seen: int = 0

    def carry_out(self, request: Any) -> bytes:
        if isinstance(request, self.at):
            self.seen += 1
            if self.seen - 1 == self.nth:
                return self.go_wrong(request)
        return super().carry_out(request)

    def go_wrong(self, request: Any) -> bytes:
        dice = random.Random(self.seed)
        match self.fault:
            case "refused":
                raise AttError(UNLIKELY)
            case "ignored":
                return b""
            case "empty" | "cut short" | "garbled" | "half garbled":
                return self.distorted(request, lambda payload: distort(dice, self.fault, payload))
            case "talked over":
                inbox = self.answers.setdefault(request.uuid, deque(maxlen=INBOX))
                inbox.extend(dice.randbytes(dice.randrange(24)) for _ in range(20))
                return super().carry_out(request)
        self.pod.drop_link()
        raise Severed

    def distorted(self, request: Any, how: Callable[[bytes], bytes]) -> bytes:
        """The answer is another one. A notification is distorted before the driver says whether it waits for that."""
        if not isinstance(request, Await):
            return how(super().carry_out(request))
        taken: list[bytes] = []

        def match(payload: bytes) -> bool:
            taken[:] = [how(payload)]
            return request.match(taken[0])

        answer = super().carry_out(replace(request, match=match))
        return taken[0] if answer else answer

    def count(self, name: str) -> int:
        """How many such requests a start makes when all is well."""
        self.start(DRIVERS[name], PLAIN)
        return self.seen


def distort(dice: random.Random, how: str, payload: bytes) -> bytes:
    """Something else in place of an answer."""
    kept = {"empty": 0, "garbled": 0, "half garbled": len(payload) // 2}.get(how, dice.randrange(len(payload) or 1))
    return payload[:kept] + (dice.randbytes(len(payload) - kept) if "garbled" in how else b"")


class Severed(LinkError):
    """The link broke: as the link does, the session is closed and hears nothing."""

    def __init__(self) -> None:
        super().__init__(LinkReason.LOST)


def start_faulty(name: str, at: tuple[type, ...], nth: int, fault: str) -> tuple[Faulty, SixSines, Any]:
    """The pod was left with other settings; the info of a start that goes wrong, None when it was given up."""
    source = SixSines()
    wire = Faulty(pod_of(name, **options(name, source)))
    wire.start(DRIVERS[name], ANOTHER)
    wire.converse(DRIVERS[name].stop())
    wire.pod.drop_link()
    wire.listen(NS)
    wire.packets.clear()
    wire.at, wire.nth, wire.fault, wire.seen, wire.seed = at, nth, fault, 0, nth
    try:
        info = wire.start(DRIVERS[name], PLAIN)
    except (LinkError, AttError):
        info = None
    wire.at = ()
    return wire, source, info


def options(name: str, source: SixSines) -> dict[str, Any]:
    return {"source": source, "acc_range_g": 16} if habits_of(name).gives == "samples" else {}


def check_numbers(name: str, wire: Wire, info: Any, source: SixSines) -> int:
    """What is decoded is true; how many samples there were."""
    wire.listen(2 * NS)
    decoder = decoder_of(name, info)
    if habits_of(name).gives == "readings":
        return sum(len(list(decoder.push(p))) for p in wire.packets)
    blocks = push_all(decoder, wire.packets)
    check_blocks(blocks)
    if blocks:
        check_against_source(name, wire, info, blocks, source)
    return len(blocks)


def requests_of(name: str, kinds: tuple[type, ...]) -> int:
    return Faulty(pod_of(name), at=kinds).count(name)


@pytest.mark.parametrize("name", drivers(gives=None, reads_back=True))
def test_a_pod_that_does_not_do_as_it_was_told_gives_no_wrong_numbers(name: str) -> None:
    """Any write that has no effect is noticed when settings are read back, or makes no difference, or no data come."""
    for nth in range(requests_of(name, (Write,))):
        wire, source, info = start_faulty(name, (Write,), nth, "ignored")
        if info is not None:
            check_numbers(name, wire, info, source)


@EVERY
@pytest.mark.parametrize("fault", ["refused", "severed"])
def test_a_start_may_fail_anywhere_and_be_tried_again(name: str, fault: str) -> None:
    kinds = (Read, Write, Subscribe, Await) if fault == "severed" else (Read, Write, Subscribe)
    for nth in range(requests_of(name, kinds)):
        wire, source, _ = start_faulty(name, kinds, nth, fault)
        wire.pod.drop_link()
        wire.listen(NS)
        wire.packets.clear()
        info = wire.start(DRIVERS[name], PLAIN)
        assert check_numbers(name, wire, info, source) > 0


@EVERY
@pytest.mark.parametrize("fault", ["empty", "cut short", "garbled", "half garbled"])
def test_answers_that_make_no_sense_are_errors_of_ours(name: str, fault: str) -> None:
    """Identity, settings and clocks that cannot be read: LinkError, or what they say is not needed to read samples."""
    kinds = (Read, Await)
    for nth in range(requests_of(name, kinds)):
        _, _, info = start_faulty(name, kinds, nth, fault)
        if info is not None:
            decoder_of(name, info)


@EVERY
def test_what_else_comes_while_an_answer_is_awaited_does_not_matter(name: str) -> None:
    for nth in range(requests_of(name, (Await,))):
        start_faulty(name, (Await,), nth, "talked over")


@EVERY
def test_wishes_beyond_the_pod_get_the_nearest_it_has(name: str) -> None:
    for wanted in (
        replace(PLAIN, rate_hz=1.0, acc_range_g=1.0, gyr_range_dps=10.0),
        replace(PLAIN, rate_hz=1e5, acc_range_g=1e4, gyr_range_dps=1e5),
    ):
        wire = Wire(pod_of(name, **options(name, SixSines())))
        info = wire.start(DRIVERS[name], wanted)
        about = DRIVERS[name].about
        if habits_of(name).gives == "samples":
            assert info.rate_hz in about.rates_hz
            assert info.acc_range_g > 0
            assert info.gyr_range_dps > 0
        else:
            assert (info.rate_hz, info.acc_range_g, info.gyr_range_dps) == (0.0, 0.0, 0.0)
        assert wire.listen(3 * NS)
