"""Wrong, truncated, random packets: refused by name and counted, and what follows is read as if they had not come."""

from __future__ import annotations

import secrets
import sys
from dataclasses import replace

import numpy as np
import pytest

from sensord.errors import PacketReason
from tests.drivers.conformance import (
    EVERY,
    SAMPLES,
    decoder_of,
    four_seconds,
    push_all,
    push_stubbornly,
    stamps,
    values,
)
from tests.drivers.fuzzing import check_broken_infos, fuzz
from tests.drivers.habits import habits_of

FUZZED = 100_000


@pytest.mark.slow
@EVERY
def test_fuzz_nothing_but_packet_errors_and_all_of_it_counted(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Random, truncated, extended and bit-flipped packets between good ones: refused by name, the good ones read."""
    seed = secrets.randbits(64)
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: {FUZZED} packets, fuzz seed {seed}\n")
    habits = habits_of(name)
    found = fuzz(name, FUZZED, seed)
    found.check()
    missing = habits.reasons - set(found.refused)
    assert not missing, f"never refused for: {', '.join(sorted(missing))}"
    assert len(habits.reasons) >= 2, "say in habits.py what its packets are refused for"
    assert PacketReason.CHARACTERISTIC in found.refused
    assert found.refused.total() > habits.refused_share * found.mangled


@SAMPLES
def test_one_corrupt_header_does_not_shut_out_what_follows(name: str) -> None:
    """Every single flipped bit of a header, in the middle of a stream: at most that packet is lost or misplaced."""
    habits = habits_of(name)
    info, packets = four_seconds(name)
    packets = packets[:24]
    whole = push_all(decoder_of(name, info), packets)
    middle = 8
    most = max(len(b) for b in whole)
    for bit in range(habits.header_bytes * 8):
        decoder = decoder_of(name, info)
        payload = bytearray(packets[middle].payload)
        payload[bit // 8] ^= 1 << bit % 8
        damaged = [*packets[:middle], replace(packets[middle], payload=bytes(payload)), *packets[middle + 1 :]]
        blocks = push_stubbornly(decoder, damaged)
        assert len(stamps(blocks)) >= len(stamps(whole)) - habits.flip_costs * most, f"bit {bit}"
        assert abs(blocks[-1].t_pod_ns[-1] - whole[-1].t_pod_ns[-1]) <= habits.flip_moves_ns, f"bit {bit}"
        assert np.array_equal(values(blocks)[-1], values(whole)[-1]), f"bit {bit}"


@EVERY
def test_recorded_info_that_is_broken_in_any_way_is_refused_or_read(name: str) -> None:
    check_broken_infos(name)


@EVERY
def test_packets_of_another_characteristic_are_refused(name: str) -> None:
    info, packets = four_seconds(name)
    decoder = decoder_of(name, info)
    other = replace(packets[0], characteristic="00002a00-0000-1000-8000-00805f9b34fb")
    assert push_stubbornly(decoder, [other] * 3) == []
    assert decoder.counts.rejected == {PacketReason.CHARACTERISTIC: 3}
    assert decoder.counts.packets == 3
    push_all(decoder, packets)
    assert decoder.counts.rejected == {PacketReason.CHARACTERISTIC: 3}
    assert decoder.counts.samples > 0
