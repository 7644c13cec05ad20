"""What every driver must do, whatever the pod: walks DRIVERS with the simulated pod of each."""

from __future__ import annotations

import dataclasses
import json
import random
import secrets
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.drivers import DRIVERS
from sensord.drivers.base import Advertisement, Announce, Decoder, PodInfo, Subscribe, Wanted
from sensord.errors import LinkError, PacketError, PacketReason
from sensord.model import G_MPS2, NS, Packet, SampleBlock, canonical_json
from sensord.sim.pods import SIMULATED
from sensord.sim.sources import ArraySource, SineSource
from tests.drivers.wireless import POD, Wire, pod_of, recorded

EVERY = pytest.mark.parametrize("name", list(DRIVERS))

FUZZED = 20_000


def through_json(info: PodInfo) -> dict[str, object]:
    """As it comes back out of a run file."""
    return dict(json.loads(canonical_json(info.to_json())))


def decoder_of(name: str, info: PodInfo) -> Decoder:
    return DRIVERS[name].decoder(through_json(info))


def push_all(decoder: Decoder, packets: list[Packet]) -> list[SampleBlock]:
    return [block for packet in packets for block in decoder.push(packet)]


def check_blocks(blocks: list[SampleBlock]) -> None:
    """Shapes, strictly rising stamps inside a segment, segments that only go up."""
    for block in blocks:
        n = len(block)
        assert block.acc_mps2.shape == block.gyr_radps.shape == (n, 3)
        assert block.saturated.shape == (n,)
        assert (block.t_pod_ns.dtype, block.acc_mps2.dtype, block.saturated.dtype) == (np.int64, np.float64, np.uint8)
    segments = [block.segment for block in blocks]
    assert segments == sorted(segments)
    for segment in set(segments):
        t_ns = np.concatenate([b.t_pod_ns for b in blocks if b.segment == segment])
        assert np.all(np.diff(t_ns) > 0)


def test_every_driver_has_a_simulated_pod_and_its_own_name() -> None:
    assert set(SIMULATED) == set(DRIVERS)
    assert all(driver.name == name for name, driver in DRIVERS.items())


@EVERY
def test_knows_its_pod_by_the_advertisement_and_no_other(name: str) -> None:
    heard = pod_of(name).advertisement()
    assert heard is not None
    assert [n for n, driver in DRIVERS.items() if driver.matches(heard)] == [name]
    assert not DRIVERS[name].matches(Advertisement("00:11:22:33:44:55", "kitchen scale"))


@EVERY
def test_info_survives_the_run_file(name: str) -> None:
    info, _ = recorded(name, 0.1)
    assert PodInfo.from_json(through_json(info)) == info
    assert info.driver == name


@EVERY
def test_announces_itself_before_data_can_come_and_returns_the_same(name: str) -> None:
    wire = Wire(pod_of(name))
    info = wire.start(DRIVERS[name])
    assert wire.announced == [info]
    first_data = next(i for i, r in enumerate(wire.requests) if isinstance(r, Subscribe) and r.data)
    assert any(isinstance(r, Announce) for r in wire.requests[:first_data])


@EVERY
@pytest.mark.parametrize("rate_hz", [52.0, 100.0, 200.0, 208.0, 416.0])
def test_samples_come_back_as_they_went_in(name: str, rate_hz: float) -> None:
    source = SineSource(2.0, 30.0, 10.0)
    wire = Wire(pod_of(name, source=source, acc_range_g=16))
    info = wire.start(DRIVERS[name], Wanted(rate_hz=rate_hz, acc_range_g=16.0, gyr_range_dps=2000.0))
    wire.listen(3 * NS)
    decoder = decoder_of(name, info)
    blocks = push_all(decoder, wire.packets)
    check_blocks(blocks)
    assert info.rate_hz == decoder.rate_hz == rate_hz
    t_ns = np.concatenate([b.t_pod_ns for b in blocks])
    assert np.allclose(np.diff(t_ns), NS / rate_hz, atol=15_000)
    sent = source.between(0, wire.now_ns, rate_hz)
    start = int(np.argmin(np.abs(sent.t_ns - (t_ns[0] - wire.pod.clock_ns(0)))))
    went_in = slice(start, start + len(t_ns))
    acc, gyr = (np.concatenate([getattr(b, f) for b in blocks]) for f in ("acc_mps2", "gyr_radps"))
    assert np.abs(acc - sent.acc_mps2[went_in]).max() <= 0.51 * 16 * G_MPS2 / 32768
    assert np.abs(gyr - sent.gyr_radps[went_in]).max() <= 0.51 * np.deg2rad(2000) / 32768
    assert decoder.counts.samples == len(t_ns)
    assert decoder.counts.lost == 0


@EVERY
@settings(max_examples=60, deadline=None)
@given(kept=st.lists(st.booleans(), min_size=5, max_size=60), doubled=st.integers(0, 2**60))
def test_any_loss_is_located_and_none_invented(name: str, kept: list[bool], doubled: int) -> None:
    info, packets = RECORDED[name]
    packets = packets[: len(kept)]
    decoder = decoder_of(name, info)
    lost = 0
    n_lost_so_far, first = 0, True
    for i, (packet, keep) in enumerate(zip(packets, kept, strict=True)):
        n = sum(len(b) for b in push_all(decoder_of(name, info), [packet]))
        if not keep:
            lost += n
            continue
        (block,) = decoder.push(packet)
        assert len(block) == n
        assert block.segment == 0
        expected = 0 if first else lost - n_lost_so_far
        assert block.missing_before == expected
        n_lost_so_far, first = lost, False
        if doubled >> i & 1:
            assert decoder.push(packet) == []
    first_kept = kept.index(True) if True in kept else len(kept)
    before = sum(len(b) for p in packets[:first_kept] for b in push_all(decoder_of(name, info), [p]))
    trailing = kept[::-1].index(True) if True in kept else 0
    after = sum(len(b) for p in packets[len(kept) - trailing :] for b in push_all(decoder_of(name, info), [p]))
    assert decoder.counts.lost == (lost - before - after if True in kept else 0)
    assert decoder.counts.duplicates == sum(1 for i, keep in enumerate(kept) if keep and doubled >> i & 1)
    assert decoder.counts.rejected == {}


RECORDED = {name: recorded(name, 4.0) for name in DRIVERS}


@EVERY
def test_clock_and_counter_wrap_unnoticed(name: str) -> None:
    """Starts 2 s before the clock's 32 bits wrap, and feeds a counter that wraps, with losses on both sides."""
    info, packets = recorded(name, 5.0, uptime_us=2**32 - 2_000_000)
    decoder = decoder_of(name, info)
    blocks = push_all(decoder, [p for i, p in enumerate(packets) if i % 7 != 3])
    check_blocks(blocks)
    assert {b.segment for b in blocks} == {0}
    assert decoder.counts.lost == sum(b.missing_before or 0 for b in blocks) > 0
    assert blocks[-1].t_pod_ns[-1] > 2**32 * 1000 > blocks[0].t_pod_ns[0]


@pytest.mark.slow
@EVERY
def test_a_long_run_runs_true(name: str) -> None:
    """66 min at 52 Hz: a 32 bit microsecond clock and a 16 bit counter wrap, and no sample is lost or invented."""
    wire = Wire(pod_of(name, clock_ppm=80.0, uptime_us=2**32 - 1_800_000_000))
    decoder = decoder_of(name, wire.start(DRIVERS[name], Wanted(rate_hz=52.0)))
    run_s, step_ns = 66 * 60, 60 * NS
    last_ns = None
    for _ in range(run_s * NS // step_ns):
        for notification in wire.pod.due(wire.now_ns + step_ns):
            for block in decoder.push(Packet(POD, wire.now_ns, notification.uuid, notification.payload)):
                assert last_ns is None or block.t_pod_ns[0] > last_ns
                last_ns = block.t_pod_ns[-1]
        wire.now_ns += step_ns
    assert decoder.counts.lost == 0
    assert decoder.counts.rejected == {}
    assert decoder.counts.packets > 2**16
    assert abs(decoder.counts.samples - run_s * (1 + 80e-6) * decoder.rate_hz) < decoder.rate_hz


@EVERY
@pytest.mark.parametrize("away_s", [0.5, 20.0, 4000.0, 9000.0])
def test_goes_on_in_the_same_segment_after_a_lost_link(name: str, away_s: float) -> None:
    """However long it was away: a clock that is wider than what the packets carry is read at every link."""
    wire = Wire(pod_of(name))
    decoder = decoder_of(name, wire.start(DRIVERS[name]))
    before = push_all(decoder, wire.listen(2 * NS))
    wire.pod.drop_link()
    wire.now_ns += int(away_s * NS)
    known = len(wire.packets)
    decoder.link_up(through_json(wire.start(DRIVERS[name])))
    wire.listen(2 * NS)
    after = push_all(decoder, wire.packets[known:])
    check_blocks(before + after)
    assert {b.segment for b in before + after} == {0}
    gap_s = (after[0].t_pod_ns[0] - before[-1].t_pod_ns[-1]) / NS
    assert away_s < gap_s < away_s + 1.0
    missing = after[0].missing_before
    assert missing is not None
    assert missing == pytest.approx(gap_s * decoder.rate_hz - 1, abs=0.5 + 1e-4 * gap_s * decoder.rate_hz)
    assert all(b.missing_before == 0 for b in after[1:])
    assert decoder.counts.rejected == {}


@EVERY
@pytest.mark.parametrize("first_packets_lost", [0, 1, 5])
def test_restarted_pod_begins_a_new_segment(name: str, first_packets_lost: int) -> None:
    wire = Wire(pod_of(name))
    decoder = decoder_of(name, wire.start(DRIVERS[name]))
    before = push_all(decoder, wire.listen(2 * NS))
    wire.pod.reboot(wire.now_ns)
    known = len(wire.packets)
    decoder.link_up(through_json(wire.start(DRIVERS[name])))
    wire.listen(2 * NS)
    after = push_all(decoder, wire.packets[known + first_packets_lost :])
    check_blocks(before + after)
    assert {b.segment for b in before} == {0}
    assert {b.segment for b in after} == {1}
    assert after[0].missing_before is None
    assert decoder.counts.rejected == {}


@EVERY
def test_saturation_is_flagged_for_each_axis_and_only_there(name: str) -> None:
    n = 400
    acc = np.zeros((n, 3))
    gyr = np.zeros((n, 3))
    full_acc, full_gyr = 16 * G_MPS2, np.deg2rad(2000)
    for axis in range(3):
        acc[100 + 10 * axis, axis] = 1.2 * full_acc
        acc[150 + 10 * axis, axis] = -1.2 * full_acc
        acc[200 + 10 * axis, axis] = 0.99 * full_acc
        gyr[250 + 10 * axis, axis] = 0.996 * full_gyr
        gyr[300 + 10 * axis, axis] = -0.99 * full_gyr
    source = ArraySource(np.arange(n) * 5_000_000, acc, gyr)
    wire = Wire(pod_of(name, source=source, rate_hz=200.0, origin_ns=NS, acc_range_g=16, gyr_range_dps=2000))
    decoder = decoder_of(name, wire.start(DRIVERS[name]))
    wire.listen(4 * NS)
    blocks = push_all(decoder, wire.packets)
    mask = np.concatenate([b.saturated for b in blocks])
    expected = {100 + 10 * a + d: 1 << a for a in range(3) for d in (0, 50)} | {250 + 10 * a: 8 << a for a in range(3)}
    at = np.flatnonzero(mask)
    assert [int(mask[i]) for i in at] == [expected[k] for k in sorted(expected)]
    assert list(np.diff(at)) == list(np.diff(sorted(expected)))


@EVERY
def test_what_the_sensor_clipped_is_flagged_in_a_wider_range_too(name: str) -> None:
    n = 200
    saturated = np.zeros(n, np.uint8)
    saturated[77] = 0b100
    source = ArraySource(np.arange(n) * 5_000_000, np.full((n, 3), 5.0), np.zeros((n, 3)), saturated)
    wire = Wire(pod_of(name, source=source, rate_hz=200.0, origin_ns=NS, acc_range_g=32))
    decoder = decoder_of(name, wire.start(DRIVERS[name]))
    wire.listen(3 * NS)
    mask = np.concatenate([b.saturated for b in push_all(decoder, wire.packets)])
    assert list(mask[mask > 0]) == [0b100]


@EVERY
def test_fuzz_nothing_but_packet_errors_and_all_of_it_counted(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Random, truncated, extended and bit-flipped packets between good ones: refused by name, the good ones read."""
    seed = secrets.randbits(64)
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: {FUZZED} packets, fuzz seed {seed}\n")
    dice = random.Random(seed)
    info, good = recorded(name, FUZZED / 5 / 20)
    clean = push_all(decoder_of(name, info), good)
    decoder = decoder_of(name, info)
    refused: Counter[PacketReason] = Counter()
    kept: list[SampleBlock] = []
    samples = pushed = 0
    for packet in good:
        for candidate in [packet, *(mangled(dice, packet) for _ in range(FUZZED // len(good)))]:
            pushed += 1
            try:
                blocks = decoder.push(candidate)
            except PacketError as error:
                refused[error.reason] += 1
                continue
            samples += sum(len(b) for b in blocks)
            kept += blocks if candidate is packet else []
    counts = decoder.counts
    assert pushed - len(good) >= 0.95 * FUZZED
    assert counts.packets == pushed
    assert counts.rejected == refused
    assert counts.packets == counts.duplicates + counts.rejected_total + samples // len(clean[0])
    assert len(refused) >= 5
    assert refused.total() > FUZZED // 2
    # flips of counter and clock in concert can pass for a loss; the truth is believed again after three packets
    assert len(kept) >= 0.97 * len(clean)
    check_blocks(kept)
    acc = {int(b.t_pod_ns[0]): b.acc_mps2 for b in clean}
    assert all(np.array_equal(acc[int(b.t_pod_ns[0])], b.acc_mps2) for b in kept)


def push_stubbornly(decoder: Decoder, packets: list[Packet]) -> list[SampleBlock]:
    blocks = []
    for packet in packets:
        try:
            blocks += decoder.push(packet)
        except PacketError:
            continue
    return blocks


def mangled(dice: random.Random, packet: Packet) -> Packet:
    payload = bytearray(packet.payload)
    match dice.randrange(6):
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
            return dataclasses.replace(packet, characteristic=f"{dice.getrandbits(32):08x}-0000-1000-8000-00805f9b34fb")
    return dataclasses.replace(packet, payload=bytes(payload))


@EVERY
def test_one_corrupt_clock_does_not_shut_out_what_follows(name: str) -> None:
    """Every single flipped bit of a header, in the middle of a stream: at most that packet is lost or misplaced."""
    info, packets = RECORDED[name]
    packets = packets[:20]
    whole = len(push_all(decoder_of(name, info), packets))
    for bit in range(12 * 8):
        decoder = decoder_of(name, info)
        payload = bytearray(packets[8].payload)
        payload[bit // 8] ^= 1 << bit % 8
        damaged = [*packets[:8], dataclasses.replace(packets[8], payload=bytes(payload)), *packets[9:]]
        blocks = push_stubbornly(decoder, damaged)
        assert len(blocks) >= whole - 1, f"bit {bit}"
        assert blocks[-1].t_pod_ns[-1] == push_all(decoder_of(name, info), packets)[-1].t_pod_ns[-1]


@EVERY
@pytest.mark.parametrize(
    "info", [{}, {"driver": "toaster"}, {"driver": "open-pod", "rate_hz": 200.0}], ids=["empty", "other", "half"]
)
def test_recorded_info_that_is_not_its_own_is_refused(name: str, info: dict[str, object]) -> None:
    with pytest.raises(LinkError):
        DRIVERS[name].decoder(info)


@EVERY
def test_stop_leaves_the_pod_quiet_and_it_can_be_started_again(name: str) -> None:
    wire = Wire(pod_of(name))
    wire.start(DRIVERS[name])
    assert wire.listen(NS)
    wire.converse(DRIVERS[name].stop())
    wire.listen(NS // 5)
    assert wire.listen(NS) == []
    wire.pod.drop_link()
    wire.start(DRIVERS[name])
    assert wire.listen(NS)
