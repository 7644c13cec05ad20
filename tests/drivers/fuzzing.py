"""Mangled packets between good ones, and what a decoder makes of them. `make fuzz`: bench/fuzz_drivers.py."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np

from sensord.drivers import DRIVERS
from sensord.drivers.base import LOG, DecodeCounts, Decoded, Decoder, LoggingDriver
from sensord.errors import LinkError, PacketError, PacketReason
from sensord.model import Json, Packet, Reading, SampleBlock
from tests.drivers.conformance import check_blocks, nearest, stamps, values
from tests.drivers.habits import Habits, habits_of
from tests.drivers.stories import Story, armed_run, blocks_of, stories

MOST_BETWEEN = 20
"""Mangled packets after a good one, at most."""

SPELL = 8
"""Good packets with junk between them, and then as many without: a decoder has to find its way back, too."""

MOST_SEGMENTS = 0.002
"""Segments that a mangled packet may begin, on average: several in concert can pass for a pod that restarted."""

MOST_WAITING = 4096
"""Bytes of a stream that may wait for more."""

LONGEST = 515
"""Longest notification and one byte (Bluetooth Core, Vol 3, Part F: an attribute holds at most 512 bytes)."""

LENGTHS = (30, 30, 30, 30, 260, LONGEST)
"""Of pure junk: mostly short, because a stream that looks for its frame in junk takes its time for each byte."""


@dataclass
class Fuzzed:
    """What came of a fuzz: `kept_samples` is what the good packets gave, of `clean_samples` without junk between."""

    habits: Habits
    mangled: int = 0
    good_pushed: int = 0
    taken: int = 0
    refused: Counter[PacketReason] = field(default_factory=Counter)
    made: int = 0
    made_of_blocks: int = 0
    kept_samples: int = 0
    clean_samples: int = 0
    misplaced: int = 0
    foreign: int = 0
    segments_begun: int = 0
    rounds: list[DecodeCounts] = field(default_factory=list)

    def check(self) -> None:
        """Every packet is accounted for, once. AssertionError if not."""
        pushed = sum(c.packets for c in self.rounds)
        assert pushed == self.mangled + self.good_pushed
        for counts in self.rounds:
            assert counts.lost is None or counts.lost >= 0
            assert all(n > 0 for n in counts.rejected.values())
        assert pushed - self.refused.total() == self.taken
        duplicates = sum(c.duplicates for c in self.rounds)
        assert duplicates <= self.taken
        assert sum(c.samples for c in self.rounds) == self.made
        # flips of counter and clock in concert can pass for a loss; the truth is believed again after a few packets
        assert self.kept_samples >= self.habits.kept_share * self.clean_samples
        assert self.segments_begun <= MOST_SEGMENTS * self.mangled
        assert self.misplaced + self.foreign <= (1 - self.habits.kept_share) * self.clean_samples
        # without a checksum: what waits for its other sensor may be junk, with a flipped time or of the other sensor
        assert self.foreign == 0 or self.habits.gyr_interpolated


def fuzz(name: str, n: int, seed: int, between: Callable[[int], None] = lambda _: None) -> Fuzzed:
    """n mangled packets, spread between the good ones of all stories. Anything but PacketError passes through.

    `between` hears how many there were, after each story.
    """
    dice = random.Random(seed)
    told = stories(name)
    each = min(MOST_BETWEEN, max(1, n // sum(len(story.told) * story.passes for story in told)))
    found = Fuzzed(habits_of(name))
    for i in count():
        story = told[i % len(told)]
        for _ in range(story.passes):
            _go_through(story, dice, each, n, found)
        between(found.mangled)
        if found.mangled >= n:
            return found
    raise AssertionError


def _go_through(story: Story, dice: random.Random, each: int, n: int, found: Fuzzed) -> None:
    taken, made_of_blocks, refused = found.taken, found.made_of_blocks, Counter(found.refused)
    decoder, reference = story.decoder(), story.decoder()
    assert decoder.rate_hz == reference.rate_hz
    kept: list[SampleBlock] = []
    clean: list[SampleBlock] = []
    good = [one for one in story.told if isinstance(one, Packet)]
    for i, one in enumerate(story.told):
        if not isinstance(one, Packet):
            decoder.link_up(one)
            reference.link_up(one)
            continue
        junk = list(mangle(dice, one, good, 2 * each if i % (2 * SPELL) < SPELL else 0, found.habits))
        found.mangled += len(junk)
        found.good_pushed += 1
        if story.compared:
            expected, came = reference.push(one), push(decoder, one, found)
            _compare(expected, came, found)
            kept += blocks_of(came)
            clean += blocks_of(expected)
        for packet in junk if story.compared else [*junk, one]:
            push(decoder, packet, found)
        if found.mangled >= n:
            break
    found.rounds.append(decoder.counts)
    assert getattr(decoder, "waiting", 0) < MOST_WAITING, "what waits for the rest of it grows"
    refused = found.refused - refused
    assert refused == decoder.counts.rejected
    assert story.name == "log" or not decoder.counts.damaged
    if found.habits.at_once and story.name != "log":
        assert found.taken - taken == decoder.counts.duplicates + found.made_of_blocks - made_of_blocks
    if kept and clean:
        check_blocks(kept)
        found.segments_begun += kept[-1].segment - clean[-1].segment
        if not found.habits.junk_passes:
            misplaced, foreign = _misplaced(kept, clean, found.habits)
            found.misplaced += misplaced
            found.foreign += foreign


def _compare(expected: Sequence[Decoded], came: Sequence[Decoded], found: Fuzzed) -> None:
    found.clean_samples += size(expected)
    found.kept_samples += size(came)
    if found.habits.at_once and came:
        assert np.array_equal(values(blocks_of(came)), values(blocks_of(expected)))


def _misplaced(kept: list[SampleBlock], clean: list[SampleBlock], habits: Habits) -> tuple[int, int]:
    """Samples that a good packet gave further than `time_atol_ns` from where they are without junk, and those that have
    other values there; all others are the same to the bit.

    Where junk made a decoder begin a new segment, the clock may begin anew there.
    """
    t_clean, order = np.unique(stamps(clean), return_index=True)
    known = len(order) == len(stamps(clean))  # a restarted pod's clock may show the same times again
    acc_clean = values(clean)[order, :3]
    wrong = foreign = 0
    for segment in {b.segment for b in kept}:
        blocks = [b for b in kept if b.segment == segment]
        t_kept, acc_kept = stamps(blocks), values(blocks)[:, :3]
        at = nearest(t_clean, t_kept)
        there = np.abs(t_clean[at] - t_kept) <= habits.time_atol_ns
        if known:
            foreign += int((acc_clean[at[there]] != acc_kept[there]).any(axis=1).sum())
        if segment == clean[0].segment or there.any():
            wrong += int((~there).sum())
    return wrong, foreign


def broken(value: Json) -> Iterator[Json]:
    """A JSON value with one thing missing or of another kind, in all ways, at any depth."""
    if isinstance(value, dict):
        for key in value:
            rest = {k: v for k, v in value.items() if k != key}
            yield rest
            yield from ({**rest, key: other} for other in (None, "x", -1, 1 << 70, [], {}))
            yield from ({**rest, key: other} for other in broken(value[key]))
    elif isinstance(value, list) and value:
        yield value[1:]
        yield [*value, value[0]]
        yield from ([*value[:-1], other] for other in broken(value[-1]))


def check_broken_infos(name: str) -> None:
    """Each is refused with a LinkError or taken, and then read by; anything else passes through."""
    driver = DRIVERS[name]
    told = stories(name)[1].told
    linked = next(one for one in told if not isinstance(one, Packet))
    some = [one for one in told if isinstance(one, Packet)][:4]
    for bad in (*broken(linked), {}):
        with contextlib.suppress(LinkError):
            _read_some(driver.decoder(bad), some)
        decoder = driver.decoder(linked)
        with contextlib.suppress(LinkError):
            decoder.link_up(bad)
        _read_some(decoder, some)
    if habits_of(name).logs:
        assert isinstance(driver, LoggingDriver)
        armed, kept = armed_run(name)
        for bad in (*broken(armed), linked, {}):
            with contextlib.suppress(LinkError):
                _read_some(driver.log_decoder(bad), [Packet("", 0, LOG, kept[0])])


def _read_some(decoder: Decoder, packets: Iterable[Packet]) -> None:
    for packet in packets:
        with contextlib.suppress(PacketError):
            decoder.push(packet)


def push(decoder: Decoder, packet: Packet, found: Fuzzed) -> Sequence[Decoded]:
    """Anything but a PacketError passes through: the fuzz looks for that. Counts are those of `DecodeCounts`."""
    counts = decoder.counts
    before = replace(counts, rejected=counts.rejected_total)
    try:
        came = decoder.push(packet)
    except PacketError as error:
        found.refused[error.reason] += 1
        expected = replace(before, packets=before.packets + 1, rejected=before.rejected + 1)
        assert replace(counts, rejected=counts.rejected_total) == expected
        return ()
    assert counts.packets == before.packets + 1
    assert counts.rejected_total == before.rejected
    assert counts.duplicates - before.duplicates in (0, 0 if came else 1)
    assert counts.samples == before.samples + size(came)
    if counts.lost is not None:
        assert counts.lost == before.lost + sum(b.missing_before or 0 for b in blocks_of(came))
    found.taken += 1
    found.made += size(came)
    found.made_of_blocks += len(came)
    return came


def size(decoded: Sequence[Decoded]) -> int:
    """Samples or readings."""
    return sum(1 if isinstance(one, Reading) else len(one) for one in decoded)


def mangle(dice: random.Random, packet: Packet, good: Sequence[Packet], n: int, habits: Habits) -> Iterator[Packet]:
    """n packets that are wrong, in ways that radios, firmware and foreign devices are."""
    for _ in range(n):
        way = WAYS[dice.randrange(len(WAYS))] if packet.payload and dice.randrange(8) else None
        if way is None:
            uuid = f"{dice.getrandbits(32):08x}-0000-1000-8000-00805f9b34fb"
            yield replace(packet, characteristic=uuid)
        else:
            payload = way(dice, packet, good)
            if habits.mend is not None and dice.random() < 0.5:
                payload = habits.mend(packet.characteristic, payload)
            yield replace(packet, payload=payload)


def _anything(dice: random.Random, packet: Packet, good: Sequence[Packet]) -> bytes:
    return dice.randbytes(dice.randrange(0, dice.choice(LENGTHS)))


def _cut_short(dice: random.Random, packet: Packet, good: Sequence[Packet]) -> bytes:
    return packet.payload[: dice.randrange(len(packet.payload))]


def _torn_off(dice: random.Random, packet: Packet, good: Sequence[Packet]) -> bytes:
    """A few bytes too short."""
    return packet.payload[: -dice.randrange(1, 16)]


def _too_long(dice: random.Random, packet: Packet, good: Sequence[Packet]) -> bytes:
    return packet.payload + dice.randbytes(dice.randrange(1, dice.choice(LENGTHS)))


def _flipped_head(dice: random.Random, packet: Packet, good: Sequence[Packet]) -> bytes:
    """In the header, where it matters most."""
    payload = bytearray(packet.payload)
    for _ in range(dice.randrange(1, 4)):
        payload[dice.randrange(min(dice.choice((12, 12, 64, 600)), len(payload)))] ^= 1 << dice.randrange(8)
    return bytes(payload)


def _flipped(dice: random.Random, packet: Packet, good: Sequence[Packet]) -> bytes:
    payload = bytearray(packet.payload)
    payload[dice.randrange(len(payload))] ^= 1 << dice.randrange(8)
    return bytes(payload)


def _other_tail(dice: random.Random, packet: Packet, good: Sequence[Packet]) -> bytes:
    """A good beginning, then anything."""
    head = dice.randrange(len(packet.payload))
    return packet.payload[:head] + dice.randbytes(len(packet.payload) - head)


def _spliced(dice: random.Random, packet: Packet, good: Sequence[Packet]) -> bytes:
    """The beginning of one and the end of another, at the same place or not."""
    other = good[dice.randrange(len(good))].payload
    return packet.payload[: dice.randrange(len(packet.payload))] + other[dice.randrange(len(other) + 1) :] + b"\0"


WAYS = (_anything, _cut_short, _torn_off, _too_long, _flipped_head, _flipped, _other_tail, _spliced)
