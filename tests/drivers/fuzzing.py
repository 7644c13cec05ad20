"""Mangled packets between good ones, and what a decoder makes of them. Also run at length by bench/fuzz_drivers.py."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from sensord.drivers.base import DecodeCounts, Decoded, PodInfo
from sensord.errors import PacketError, PacketReason
from sensord.model import Packet, Reading, SampleBlock
from tests.drivers.conformance import check_blocks, decoder_of
from tests.drivers.habits import Habits, habits_of
from tests.drivers.wireless import recorded

SECONDS = 40.0
"""Length of the good recording that mangled packets are put between; longer fuzzes go through it again."""


@cache
def material(name: str) -> tuple[PodInfo, list[Packet]]:
    """Good packets to mangle."""
    return recorded(name, SECONDS)


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
    rounds: list[DecodeCounts] = field(default_factory=list)

    def check(self) -> None:
        """Every packet is accounted for, once; samples of good packets are what they are without junk."""
        pushed = sum(c.packets for c in self.rounds)
        assert pushed == self.mangled + self.good_pushed
        rejected: Counter[PacketReason] = Counter()
        for counts in self.rounds:
            rejected.update(counts.rejected)
        assert rejected == self.refused
        duplicates = sum(c.duplicates for c in self.rounds)
        assert pushed - self.refused.total() == self.taken
        assert duplicates <= self.taken
        assert sum(c.samples for c in self.rounds) == self.made
        if self.habits.at_once:
            assert self.taken == duplicates + self.made_of_blocks
        for counts in self.rounds:
            assert counts.lost is None or counts.lost >= 0
            assert all(n > 0 for n in counts.rejected.values())


def fuzz(name: str, n: int, seed: int) -> Fuzzed:
    """n mangled packets, spread between good ones; a fresh decoder for each pass through the recording."""
    habits = habits_of(name)
    dice = random.Random(seed)
    info, good = material(name)
    per_good = max(1, min(20, n // len(good)))
    found = Fuzzed(habits)
    while found.mangled < n:
        decoder = decoder_of(name, info)
        reference = decoder_of(name, info)
        kept: list[SampleBlock] = []
        clean: list[SampleBlock] = []
        for packet in good:
            expected = reference.push(packet)
            found.clean_samples += size(expected)
            came = push(decoder, packet, found)
            found.good_pushed += 1
            found.kept_samples += size(came)
            kept += blocks_of(came)
            clean += blocks_of(expected)
            for bad in mangle(dice, packet, good, per_good):
                found.mangled += 1
                push(decoder, bad, found)
            if found.mangled >= n:
                break
        found.rounds.append(decoder.counts)
        if habits.gives == "samples":
            check_blocks(kept)
            if not habits.junk_passes:
                check_same(kept, clean)
    return found


def push(decoder: object, packet: Packet, found: Fuzzed) -> Sequence[Decoded]:
    """Anything but a PacketError passes through: that is what the fuzz looks for."""
    try:
        came: Sequence[Decoded] = decoder.push(packet)  # type: ignore[attr-defined]
    except PacketError as error:
        found.refused[error.reason] += 1
        return ()
    found.taken += 1
    found.made += size(came)
    found.made_of_blocks += len(came)
    return came


def blocks_of(decoded: Sequence[Decoded]) -> list[SampleBlock]:
    return [one for one in decoded if isinstance(one, SampleBlock)]


def size(decoded: Sequence[Decoded]) -> int:
    """Samples or readings."""
    return sum(1 if isinstance(one, Reading) else len(one) for one in decoded)


def check_same(kept: list[SampleBlock], clean: list[SampleBlock]) -> None:
    """Each sample that a good packet gave is the one it gives when no junk comes between."""
    true = {
        int(t): row
        for b in clean
        for t, row in zip(b.t_pod_ns, b.acc_mps2, strict=True)
    }  # fmt: skip
    for block in kept:
        for t, row in zip(block.t_pod_ns, block.acc_mps2, strict=True):
            assert np.array_equal(true[int(t)], row)


def mangle(dice: random.Random, packet: Packet, good: list[Packet], n: int) -> Iterator[Packet]:
    """n packets that are wrong, in ways that radios, firmware and foreign devices are."""
    for _ in range(n):
        payload = bytearray(packet.payload)
        match dice.randrange(7):
            case 0:
                payload = bytearray(dice.randbytes(dice.randrange(0, 260)))
            case 1:
                del payload[dice.randrange(len(payload)) :]
            case 2:
                payload += dice.randbytes(dice.randrange(1, 20))
            case 3:
                for _ in range(dice.randrange(1, 4)):
                    payload[dice.randrange(min(12, len(payload)))] ^= 1 << dice.randrange(8)
            case 4:
                payload[dice.randrange(len(payload))] ^= 1 << dice.randrange(8)
            case 5:
                uuid = f"{dice.getrandbits(32):08x}-0000-1000-8000-00805f9b34fb"
                yield replace(packet, characteristic=uuid)
                continue
            case 6:
                head = dice.randrange(len(payload))
                payload[head:] = dice.randbytes(len(payload) - head)  # a good beginning, then anything
        yield replace(packet, payload=bytes(payload))
