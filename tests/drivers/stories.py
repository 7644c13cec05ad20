"""What the fuzz tells a decoder in between: stories of good packets, of links, losses, clocks, cuts and logs."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from sensord.drivers import DRIVERS
from sensord.drivers.arrival_clock import BEHIND_BUCKETS, UNSURE_BUCKETS
from sensord.drivers.base import LOG, Decoded, Decoder, LoggingDriver, PodInfo, Wanted
from sensord.envelope import BUCKET_NS
from sensord.errors import LinkError
from sensord.model import NS, Json, Packet, SampleBlock
from tests.drivers.conformance import PLAIN, SixSines, Steep, decoder_of, through_json
from tests.drivers.habits import habits_of
from tests.drivers.wireless import POD, Wire, pod_of

SECONDS = 20
"""Length of a story; longer fuzzes go through all of them again."""

HELD_UP_NS = 35_000_000
"""How late packets come that are held up: more than is usual, less than from one to the next."""

BUCKETS_UNTIL_SURE = UNSURE_BUCKETS + BEHIND_BUCKETS

Linked = dict[str, Json]
Told = Packet | Linked


@dataclass(frozen=True)
class Story:
    """Good packets of one pod, with what LINK_UP said whenever it was linked anew, and who reads them."""

    name: str
    decoder: Callable[[], Decoder]
    told: tuple[Told, ...]
    passes: int = 1
    """How often it is told, each time to a fresh decoder: a log is a few large pieces."""

    compared: bool = True
    """What good packets give is what they give without junk; not so for a log (no radio touches it), nor for strays."""


@cache
def stories(driver: str) -> tuple[Story, ...]:
    """A quiet link; links that break, pods that restart, packets that are lost; wraps; other rates; clipped; a log."""
    habits = habits_of(driver)
    made = [_plain(driver, "quiet", None), _links(driver)]
    if habits.gives == "samples":
        moving = _plain(driver, "moving", PLAIN, source=SixSines())
        made += [_holes(moving), _hurried(made[0]), _broken(driver)]
        made.append(_plain(driver, "slow", Wanted(rate_hz=52.0)))
        made.append(_plain(driver, "clipped", PLAIN, source=Steep()))
    if habits.wrap_s is not None:
        uptime_us = round((habits.wrap_s - SECONDS / 2) * 1e6)
        made.append(_plain(driver, "wrap", None, uptime_us=uptime_us))
    if habits.clock == "own":
        half_us = round(500_000 / made[0].decoder().rate_hz)
        made += [_clock_set(driver, made[0], ahead_us) for ahead_us in (3_600_000_000, half_us)]
    elif habits.gives == "samples":
        made.append(_held_up(made[0]))
    if habits.gyr_interpolated:
        made.append(_one_sided(made[0]))
    if habits.stream:
        made.append(_cut(made[0]))
    steep = {"source": Steep()} if habits.gives == "samples" else {}
    made += [_plain(driver, str(options), None, **steep, **options) for options in habits.variants]
    made.append(_strays(made))
    if habits.also is not None:
        odd = tuple(Packet(POD, i * NS // 20, uuid, payload) for i, (uuid, payload) in enumerate(habits.also()))
        made.append(Story("odd", made[0].decoder, odd, compared=False))
    if habits.odd_logs is not None:
        made += _odd_logs(driver)
    if habits.logs:
        made += [_log(driver), *_log_of_a_restarted(driver)]
    return tuple(made)


def blocks_of(decoded: Sequence[Decoded]) -> list[SampleBlock]:
    """Samples, without readings."""
    return [one for one in decoded if isinstance(one, SampleBlock)]


def _holes(story: Story) -> Story:
    """Lost are two in a row, every other one, and all of a second: even a pod without a counter falls behind."""

    def lost(i: int, packet: Packet) -> bool:
        s = packet.t_ns / NS
        if s < SECONDS * 0.3:
            return i % 4 in ((1, 2) if s < SECONDS * 0.2 else (2, 3)) and s > SECONDS * 0.1
        return (s > SECONDS * 0.4 and s < SECONDS * 0.6 and i % 2 == 0) or SECONDS * 0.8 < s < SECONDS * 0.8 + 1

    left = (one for i, one in enumerate(story.told) if isinstance(one, Packet) and not lost(i, one))
    return Story("holes", story.decoder, tuple(left))


def _hurried(story: Story) -> Story:
    """From the middle on packets come 3 % faster, as if a cold sensor had warmed up at once."""
    middle_ns = SECONDS * NS // 2
    told = (
        replace(one, t_ns=middle_ns + round((one.t_ns - middle_ns) * 0.97)) if one.t_ns > middle_ns else one
        for one in story.told
        if isinstance(one, Packet)
    )
    return Story("hurried", story.decoder, tuple(told))


def _held_up(story: Story) -> Story:
    """All packets come late, just as long as it takes to believe in a loss, and the next one comes in time."""
    decoder, count = story.decoder(), 0
    told: list[Told] = []
    for packet in story.told:
        assert isinstance(packet, Packet)
        count += sum(len(block) for block in blocks_of(decoder.push(packet)))
        bucket = round((count - 1) * NS / decoder.rate_hz) // BUCKET_NS
        late = bucket % (2 * BEHIND_BUCKETS) < BEHIND_BUCKETS and bucket > BUCKETS_UNTIL_SURE
        told.append(replace(packet, t_ns=packet.t_ns + HELD_UP_NS) if late else packet)
    return Story("held up", story.decoder, tuple(told))


def _clock_set(driver: str, story: Story, ahead_us: int) -> Story:
    """From the middle on the pod's clock is ahead: an hour, or half a sample, as if the pod had stopped for so long."""
    later = _plain(driver, "later", None, uptime_us=60_000_000 + ahead_us)
    half_ns = SECONDS * NS // 2
    before = [one for one in story.told if isinstance(one, Packet) and one.t_ns < half_ns]
    after = [one for one in later.told if isinstance(one, Packet) and one.t_ns >= half_ns]
    return Story("clock set", story.decoder, (*before, *after), compared=False)


def _one_sided(story: Story) -> Story:
    """One sensor's packets (told by their first byte) are lost for half of the time."""
    packets = [one for one in story.told if isinstance(one, Packet)]
    kind = packets[0].payload[0]
    half_ns = SECONDS * NS // 2
    left = (one for one in packets if one.payload[0] != kind or abs(one.t_ns - half_ns) > half_ns // 2)
    return Story("one-sided", story.decoder, tuple(left))


def _cut(story: Story) -> Story:
    """The same bytes, in other pieces, some of them very small; now and then a piece is lost."""
    dice = random.Random(1)
    told: list[Told] = []
    rest = b""
    for packet in story.told:
        assert isinstance(packet, Packet)
        rest += packet.payload
        while rest and dice.random() < 0.8:
            piece, rest = rest[: (at := dice.choice((1, 7, 19, 20, 33, 80, 200)))], rest[at:]
            if dice.random() < 0.98:
                told.append(replace(packet, payload=piece))
    return Story("cut", story.decoder, tuple(told), compared=False)


def _strays(made: Sequence[Story]) -> Story:
    """Links that break, and in between them packets of pods with other settings, as if addresses were mixed up."""
    links = next(story for story in made if story.name == "links")
    others = [[one for one in story.told if isinstance(one, Packet)] for story in made if story is not links]
    told: list[Told] = []
    for i, one in enumerate(links.told):
        other = others[i % len(others)]
        told += [other[i % len(other)], one] if i % 2 else [one]
    return Story("strays", links.decoder, tuple(told), compared=False)


def _plain(driver: str, name: str, wanted: Wanted | None, **options: object) -> Story:
    wire = Wire(pod_of(driver, **options))
    info = wire.start(DRIVERS[driver], wanted)
    wire.listen(SECONDS * NS)
    return Story(name, lambda: decoder_of(driver, info), tuple(wire.packets))


def _links(driver: str) -> Story:
    pod = pod_of(driver)
    wire = Wire(pod)
    info = wire.start(DRIVERS[driver])
    told: list[Told] = []
    for i in range(SECONDS):
        told += wire.packets
        wire.packets.clear()
        pod.loss = 0.1
        told += wire.listen(NS)
        pod.loss = 0.0
        wire.packets.clear()
        if i % 4 == 3:
            pod.reboot(wire.now_ns)
        else:
            pod.drop_link()
        wire.now_ns += NS // 3
        told.append(through_json(wire.start(DRIVERS[driver], Wanted(rate_hz=52.0) if i % 7 == 5 else None)))
    return Story("links", lambda: decoder_of(driver, info), tuple(told))


def _broken(driver: str) -> Story:
    """A link that held for long, breaks, and holds again."""
    pod = pod_of(driver)
    wire = Wire(pod)
    info = wire.start(DRIVERS[driver])
    before = list(wire.listen(SECONDS * NS // 2))
    pod.drop_link()
    wire.now_ns += SECONDS * NS // 4
    wire.packets.clear()
    again = through_json(wire.start(DRIVERS[driver]))
    wire.listen(SECONDS * NS // 4)
    return Story("broken", lambda: decoder_of(driver, info), (*before, again, *wire.packets))


def _log(name: str) -> Story:
    driver = DRIVERS[name]
    assert isinstance(driver, LoggingDriver)
    armed, kept = armed_run(name)
    return Story("log", lambda: driver.log_decoder(armed), _twice(armed, kept), passes=100, compared=False)


def _log_of_a_restarted(name: str) -> list[Story]:
    """A pod that restarted while it logged; none where that ends in no log that could be fetched."""
    driver = DRIVERS[name]
    assert isinstance(driver, LoggingDriver)
    try:
        armed, kept = armed_run(name, restarts=True)
    except LinkError:
        return []
    return [Story("log", lambda: driver.log_decoder(armed), _twice(armed, kept), passes=50, compared=False)]


def _odd_logs(name: str) -> list[Story]:
    """Logs that no simulated pod writes."""
    driver, odd_logs = DRIVERS[name], habits_of(name).odd_logs
    assert isinstance(driver, LoggingDriver)
    assert odd_logs is not None
    armed, kept = armed_run(name)
    return [
        Story("log", lambda: driver.log_decoder(armed), _pieces(odd), passes=5, compared=False)
        for odd in odd_logs(armed, kept)
    ]


def _twice(armed: Linked, kept: list[bytes]) -> tuple[Told, ...]:
    """A log as it is read when fetching it broke off at its end."""
    pieces = _pieces(kept)
    return (*pieces, armed, *pieces)


def _pieces(kept: Iterable[bytes]) -> tuple[Packet, ...]:
    return tuple(Packet(POD, i, LOG, payload) for i, payload in enumerate(kept))


@cache
def armed_run(name: str, *, restarts: bool = False) -> tuple[Linked, list[bytes]]:
    """What was armed, and the pieces of a short log. Raises LinkError."""
    driver = DRIVERS[name]
    assert isinstance(driver, LoggingDriver)
    wire = Wire(pod_of(name, source=SixSines(), acc_range_g=16))
    wire.connect()
    armed = wire.converse(driver.arm(PLAIN))
    assert isinstance(armed, PodInfo)
    wire.pod.drop_link()
    for _ in range(2):
        wire.now_ns += NS
        wire.pod.due(wire.now_ns)
        if restarts:
            wire.pod.reboot(wire.now_ns)
    wire.connect()
    known = through_json(armed)
    wire.converse(driver.recover(known))
    return known, wire.kept
