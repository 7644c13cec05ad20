"""Samples of every pod that gives samples: as they went in, however they were cut, lost, wrapped or clipped."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.drivers import DRIVERS
from sensord.drivers.base import Wanted
from sensord.model import G_MPS2, NS, Packet
from sensord.sim.sources import ArraySource
from tests.drivers.conformance import (
    PLAIN,
    SAMPLES,
    SixSines,
    check_against_source,
    check_blocks,
    check_joined,
    check_losses,
    clean,
    decoder_of,
    four_seconds,
    push_all,
    stamps,
    values,
)
from tests.drivers.habits import HABITS, drivers, habits_of
from tests.drivers.wireless import POD, Wire, pod_of, recorded

ROUND_TRIPS = [(name, wanted, got) for name in drivers() for wanted, got in habits_of(name).rates_hz]


@pytest.mark.parametrize(("name", "wanted_hz", "rate_hz"), ROUND_TRIPS)
def test_samples_come_back_as_they_went_in(name: str, wanted_hz: float, rate_hz: float) -> None:
    source = SixSines()
    wire = Wire(pod_of(name, source=source, acc_range_g=16))
    info = wire.start(DRIVERS[name], replace(PLAIN, rate_hz=wanted_hz))
    wire.listen(3 * NS)
    decoder = decoder_of(name, info)
    blocks = push_all(decoder, wire.packets)
    check_blocks(blocks)
    check_joined(blocks)
    habits = habits_of(name)
    assert info.rate_hz == decoder.rate_hz == rate_hz
    assert (info.acc_range_g, info.gyr_range_dps) == (habits.acc_range_g, habits.gyr_range_dps)
    check_against_source(name, wire, info, blocks, source)
    assert len(stamps(blocks)) >= (3 - habits.first_within_s) * rate_hz * 0.9
    assert decoder.counts.samples == len(stamps(blocks))
    assert decoder.counts.lost == (None if habits.loss == "none" else 0)
    assert decoder.counts.rejected == {}


@pytest.mark.parametrize("name", [n for n in drivers() if HABITS[n].high_g_step_mps2 is not None])
def test_high_g_comes_back_as_it_went_in_too(name: str) -> None:
    wire = Wire(pod_of(name, source=SixSines(), acc_range_g=16, **HABITS[name].high_g_options))
    info = wire.start(DRIVERS[name], PLAIN)
    assert info.high_g_range_g is not None
    wire.listen(3 * NS)
    blocks = push_all(decoder_of(name, info), wire.packets)
    check_blocks(blocks)
    check_against_source(name, wire, info, blocks, SixSines())


@SAMPLES
def test_every_block_says_when_it_came_and_how_far_the_sensor_goes(name: str) -> None:
    info, packets = four_seconds(name)
    decoder = decoder_of(name, info)
    arrivals = set()
    for packet in packets:
        arrivals.add(packet.t_ns)
        for block in decoder.push(packet):
            if habits_of(name).gyr_interpolated:  # it may have waited for the other sensor's packet, 0.3 s at 208 Hz
                assert packet.t_ns - NS // 2 <= block.t_rx_ns <= packet.t_ns
                assert block.t_rx_ns in arrivals
            else:
                assert block.t_rx_ns == packet.t_ns
            assert block.acc_range_mps2 == pytest.approx(info.acc_range_g * G_MPS2)
            assert block.gyr_range_radps == pytest.approx(np.deg2rad(info.gyr_range_dps))


@SAMPLES
def test_samples_come_soon_after_the_start(name: str) -> None:
    info, packets = four_seconds(name)
    first = clean(name)[0]
    assert first.t_rx_ns is not None
    assert first.t_rx_ns - packets[0].t_ns <= habits_of(name).first_within_s * NS
    latest = max(b.t_rx_ns - a.t_rx_ns for a, b in pairwise(clean(name)) if a.t_rx_ns and b.t_rx_ns)
    assert latest <= 0.6 * NS, "samples come in lumps that nobody can watch live"
    assert info.silent_after_s >= 2 * latest / NS


# ---------------------------------------------------------------------------------------------------- fragmentation


@pytest.mark.parametrize("name", drivers(stream=True))
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), longest=st.sampled_from([1, 7, 20, 42, 244, 2000]))
def test_a_stream_may_be_cut_anywhere(name: str, seed: int, longest: int) -> None:
    info, packets = four_seconds(name)
    packets = packets[:60]
    dice = random.Random(seed)
    whole = b"".join(p.payload for p in packets)
    arrived = [p.t_ns for p in packets for _ in p.payload]  # when each byte came
    pieces, at = [], 0
    while at < len(whole):
        end = min(at + dice.randint(1, longest), len(whole))
        pieces.append(Packet(POD, arrived[end - 1], packets[0].characteristic, whole[at:end]))
        at = end
    expected = push_all(decoder_of(name, info), packets)
    decoder = decoder_of(name, info)
    blocks = push_all(decoder, pieces)
    check_blocks(blocks)
    assert np.array_equal(values(blocks), values(expected))
    if habits_of(name).clock == "own":
        assert np.array_equal(stamps(blocks), stamps(expected))
        check_joined(blocks)
    assert decoder.counts.rejected == {}


@pytest.mark.parametrize(("name", "mtu"), [(n, m) for n in drivers() for m in HABITS[n].mtus])
def test_any_mtu_gives_the_same_samples(name: str, mtu: int) -> None:
    source = SixSines()
    wire = Wire(pod_of(name, source=source, acc_range_g=16, mtu=mtu))
    info = wire.start(DRIVERS[name], PLAIN)
    wire.listen(2 * NS)
    decoder = decoder_of(name, info)
    blocks = push_all(decoder, wire.packets)
    check_blocks(blocks)
    check_joined(blocks)
    check_against_source(name, wire, info, blocks, source)
    assert max(len(p.payload) for p in wire.packets) <= mtu - 3
    assert len(stamps(blocks)) >= (2 - habits_of(name).first_within_s) * info.rate_hz * 0.9
    assert decoder.counts.rejected == {}


# ------------------------------------------------------------------------------------------------------------- loss


@pytest.mark.parametrize("name", [n for n in drivers() if HABITS[n].loss != "none"])
@settings(max_examples=60, deadline=None)
@given(kept=st.lists(st.booleans(), min_size=5, max_size=60), doubled=st.integers(0, 2**60))
def test_any_loss_is_located_and_none_invented(name: str, kept: list[bool], doubled: int) -> None:
    """Repeats change nothing; every gap is told, as exactly as the pod allows; counts say the same as the blocks."""
    habits = habits_of(name)
    info, packets = four_seconds(name)
    packets = packets[: len(kept)]
    decoder = decoder_of(name, info)
    blocks = []
    repeated = 0
    for i, (packet, keep) in enumerate(zip(packets, kept, strict=True)):
        if not keep:
            continue
        came = decoder.push(packet)
        blocks += came
        if habits.at_once:
            (block,) = came
            assert len(block) == sum(len(b) for b in push_all(decoder_of(name, info), [packet]))
        if habits.repeats and doubled >> i & 1:
            repeated += 1
            assert decoder.push(packet) == []
    check_blocks(blocks)
    assert {b.segment for b in blocks} <= {0}
    check_losses(name, blocks, clean(name))
    assert decoder.counts.lost == sum(b.missing_before or 0 for b in blocks)
    assert decoder.counts.samples == sum(len(b) for b in blocks)
    assert decoder.counts.duplicates == repeated
    assert decoder.counts.packets == sum(kept) + repeated
    assert decoder.counts.rejected == {} or habits.stream  # a stream has torn frames at the edges of a loss


@pytest.mark.parametrize("name", drivers(loss="none"))
@settings(max_examples=40, deadline=None)
@given(kept=st.lists(st.booleans(), min_size=5, max_size=60))
def test_a_pod_that_cannot_tell_claims_no_loss_and_makes_up_no_sample(name: str, kept: list[bool]) -> None:
    info, packets = four_seconds(name)
    decoder = decoder_of(name, info)
    survivors = [p for p, keep in zip(packets, kept, strict=False) if keep]
    blocks = push_all(decoder, survivors)
    check_blocks(blocks)
    assert decoder.counts.lost is None
    real = {row.tobytes() for row in values(clean(name))}
    made_up = sum(row.tobytes() not in real for row in values(blocks))
    assert made_up <= (kept.count(False) if habits_of(name).torn else 0)


@SAMPLES
@pytest.mark.parametrize("ppm", [-300.0, 300.0])
def test_a_clock_that_is_off_invents_no_loss(name: str, ppm: float) -> None:
    """+-300 ppm: far more than a crystal is off, with arrivals that jitter by up to 150 ms."""
    pod = pod_of(name, clock_ppm=ppm)
    pod.jitter_ms = 150.0
    wire = Wire(pod)
    decoder = decoder_of(name, wire.start(DRIVERS[name]))
    wire.listen(20 * NS)
    blocks = push_all(decoder, wire.packets)
    check_blocks(blocks)
    assert {b.segment for b in blocks} == {0}
    assert not decoder.counts.lost
    assert decoder.counts.samples == pytest.approx(20 * decoder.rate_hz, abs=0.5 * decoder.rate_hz)


@pytest.mark.parametrize("name", drivers(clock="own"))
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_when_packets_come_changes_no_sample(name: str, seed: int) -> None:
    """A pod with a clock is read by its clock: late packets in bursts give the same blocks."""
    info, packets = four_seconds(name)
    dice = random.Random(seed)
    late, t_ns = [], 0
    for packet in packets:
        t_ns = max(t_ns, packet.t_ns + dice.choice([0, 0, 0, 200_000_000]))
        late.append(replace(packet, t_ns=t_ns))
    blocks = push_all(decoder_of(name, info), late)
    assert np.array_equal(stamps(blocks), stamps(clean(name)))
    assert np.array_equal(values(blocks), values(clean(name)))
    assert [b.missing_before for b in blocks] == [b.missing_before for b in clean(name)]


# -------------------------------------------------------------------------------------------------------- wrapping


WRAPPING = [n for n in drivers() if HABITS[n].wrap_s is not None]


@pytest.mark.parametrize("name", WRAPPING)
def test_clock_and_counter_wrap_unnoticed(name: str) -> None:
    """Starts 2 s before the clock wraps, with losses on both sides."""
    habits = habits_of(name)
    assert habits.wrap_s is not None
    info, packets = recorded(name, 5.0, uptime_us=round(habits.wrap_s * 1e6) - 2_000_000)
    whole = push_all(decoder_of(name, info), packets)
    check_joined(whole)
    decoder = decoder_of(name, info)
    blocks = push_all(decoder, [p for i, p in enumerate(packets) if i % 7 != 3])
    check_blocks(blocks)
    assert {b.segment for b in blocks} == {0}
    check_losses(name, blocks, whole)
    assert decoder.counts.lost == sum(b.missing_before or 0 for b in blocks) > 0
    assert blocks[-1].t_pod_ns[-1] > habits.wrap_s * 1e9 > blocks[0].t_pod_ns[0]


@pytest.mark.slow
@SAMPLES
def test_a_long_run_runs_true(name: str) -> None:
    """66 min at 52 Hz: clocks and counters wrap (a 32 bit microsecond clock, a 16 bit counter, 512 s of 24 bit)."""
    habits = habits_of(name)
    uptime_us = 60_000_000 if habits.wrap_s is None else max(0, round(habits.wrap_s * 1e6) - 1_800_000_000)
    wire = Wire(pod_of(name, clock_ppm=80.0, uptime_us=uptime_us))
    decoder = decoder_of(name, wire.start(DRIVERS[name], Wanted(rate_hz=52.0)))
    run_s, step_ns = 66 * 60, NS // 10
    last_ns = None
    for _ in range(run_s * NS // step_ns):
        wire.now_ns += step_ns
        for notification in wire.pod.due(wire.now_ns):
            if notification.uuid not in wire.data:
                continue
            for block in decoder.push(Packet(POD, wire.now_ns, notification.uuid, notification.payload)):
                assert last_ns is None or block.t_pod_ns[0] > last_ns
                assert block.segment == 0
                last_ns = block.t_pod_ns[-1]
    assert decoder.counts.lost == (None if habits.loss == "none" else 0)
    assert decoder.counts.rejected == {}
    assert decoder.counts.packets > (habits.counter_span or 0)
    assert abs(decoder.counts.samples - run_s * (1 + 80e-6) * decoder.rate_hz) < decoder.rate_hz


# ------------------------------------------------------------------------------------------------------- saturation


@SAMPLES
def test_saturation_is_flagged_for_each_axis_and_only_there(name: str) -> None:
    habits = habits_of(name)
    n = 400
    acc = np.zeros((n, 3))
    gyr = np.zeros((n, 3))
    full_acc = (habits.acc_clips_g or habits.acc_range_g) * G_MPS2
    full_gyr = np.deg2rad(habits.gyr_clips_dps or habits.gyr_range_dps)
    for axis in range(3):
        acc[100 + 10 * axis, axis] = 1.2 * full_acc
        acc[150 + 10 * axis, axis] = -1.2 * full_acc
        acc[200 + 10 * axis, axis] = 0.99 * full_acc
        gyr[250 + 10 * axis, axis] = 0.9965 * full_gyr
        gyr[300 + 10 * axis, axis] = -0.99 * full_gyr
    t_ns = np.rint(np.arange(n) * (NS / habits.rate_hz)).astype(np.int64)
    source = ArraySource(t_ns, acc, gyr)
    pod = pod_of(name, source=source, rate_hz=habits.rate_hz, origin_ns=2 * NS, acc_range_g=16, gyr_range_dps=2000)
    wire = Wire(pod)
    decoder = decoder_of(name, wire.start(DRIVERS[name], PLAIN))
    wire.listen(5 * NS + round(n / habits.rate_hz) * NS)
    mask = np.concatenate([b.saturated for b in push_all(decoder, wire.packets)])
    expected = {100 + 10 * a + d: 1 << a for a in range(3) for d in (0, 50)} | {250 + 10 * a: 8 << a for a in range(3)}
    at = np.flatnonzero(mask)
    assert [int(mask[i]) for i in at] == [expected[k] for k in sorted(expected)]
    assert list(np.diff(at)) == list(np.diff(sorted(expected)))


@SAMPLES
def test_what_the_sensor_clipped_is_flagged_in_a_wider_range_too(name: str) -> None:
    habits = habits_of(name)
    n = 200
    saturated = np.zeros(n, np.uint8)
    saturated[77] = 0b100
    t_ns = np.rint(np.arange(n) * (NS / habits.rate_hz)).astype(np.int64)
    source = ArraySource(t_ns, np.full((n, 3), 5.0), np.zeros((n, 3)), saturated)
    widest = round(habits.widest_acc_g)
    wire = Wire(pod_of(name, source=source, rate_hz=habits.rate_hz, origin_ns=2 * NS, acc_range_g=widest))
    decoder = decoder_of(name, wire.start(DRIVERS[name]))
    wire.listen(4 * NS + round(n / habits.rate_hz) * NS)
    mask = np.concatenate([b.saturated for b in push_all(decoder, wire.packets)])
    assert list(mask[mask > 0]) == [0b100]
