"""What the files of the conformance suite share: recorded packets, decoding, checks of blocks."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from sensord.drivers import DRIVERS
from sensord.drivers.base import Decoder, PodInfo, Wanted
from sensord.errors import PacketError
from sensord.model import NS, FloatArray, IntArray, Packet, SampleBlock, canonical_json
from sensord.sim.sources import Samples, SampleSource
from tests.drivers.habits import drivers, habits_of
from tests.drivers.wireless import Wire, recorded

EVERY = pytest.mark.parametrize("name", drivers(gives=None))
SAMPLES = pytest.mark.parametrize("name", drivers())
READINGS = pytest.mark.parametrize("name", drivers(gives="readings"))

PLAIN = Wanted(acc_range_g=16.0, gyr_range_dps=2000.0)


def through_json(info: PodInfo) -> dict[str, object]:
    """As it comes back out of a run file."""
    return dict(json.loads(canonical_json(info.to_json())))


def decoder_of(name: str, info: PodInfo) -> Decoder:
    return DRIVERS[name].decoder(through_json(info))


def push_all(decoder: Decoder, packets: Iterable[Packet]) -> list[SampleBlock]:
    return [block for packet in packets for block in decoder.push(packet)]


def push_stubbornly(decoder: Decoder, packets: Iterable[Packet]) -> list[SampleBlock]:
    """What the packets give that are not refused."""
    blocks: list[SampleBlock] = []
    for packet in packets:
        try:
            blocks += decoder.push(packet)
        except PacketError:
            continue
    return blocks


@cache
def four_seconds(name: str) -> tuple[PodInfo, list[Packet]]:
    """What a pod says it is, and its packets of 4 s as `Wanted` asks for them."""
    habits_of(name)
    return recorded(name, 4.0)


@cache
def clean(name: str) -> list[SampleBlock]:
    """Blocks of `four_seconds` when nothing is lost."""
    info, packets = four_seconds(name)
    return push_all(decoder_of(name, info), packets)


def stamps(blocks: Iterable[SampleBlock]) -> IntArray:
    return np.concatenate([np.zeros(0, np.int64), *(b.t_pod_ns for b in blocks)])


def values(blocks: Iterable[SampleBlock]) -> FloatArray:
    """Rows of acc and gyr."""
    return np.concatenate([np.zeros((0, 6)), *(np.hstack([b.acc_mps2, b.gyr_radps]) for b in blocks)])


def check_blocks(blocks: list[SampleBlock]) -> None:
    """Shapes, strictly rising stamps inside a segment, segments that only go up."""
    for block in blocks:
        n = len(block)
        assert n > 0
        assert block.acc_mps2.shape == block.gyr_radps.shape == (n, 3)
        assert block.saturated.shape == (n,)
        assert (block.t_pod_ns.dtype, block.acc_mps2.dtype, block.saturated.dtype) == (np.int64, np.float64, np.uint8)
        assert np.isfinite(block.acc_mps2).all()
        assert np.isfinite(block.gyr_radps).all()
        assert block.missing_before is None or block.missing_before >= 0
        assert block.high_g_mps2 is None or (block.high_g_mps2.shape == (n, 3) and np.isfinite(block.high_g_mps2).all())
    segments = [block.segment for block in blocks]
    assert segments == sorted(segments)
    for segment in set(segments):
        assert np.all(np.diff(stamps(b for b in blocks if b.segment == segment)) > 0)


def check_losses(name: str, blocks: list[SampleBlock], whole: list[SampleBlock]) -> None:
    """`blocks` are `whole` with losses: every sample is one of those, and each gap is told as well as the pod can."""
    habits = habits_of(name)
    t_ns, t_whole_ns = stamps(blocks), stamps(whole)
    at = nearest(t_whole_ns, t_ns)
    assert np.abs(t_whole_ns[at] - t_ns).max(initial=0) <= habits.time_atol_ns
    starts = np.cumsum([0, *(len(b) for b in blocks)])
    for block, start, end in zip(blocks, starts, starts[1:], strict=False):
        assert np.all(np.diff(at[start:end]) == 1), "a block spans a gap"
        if start == 0:
            assert block.missing_before == habits.first_missing
            continue
        truth = int(at[start] - at[start - 1]) - 1
        assert block.missing_before is not None
        off = abs(block.missing_before - truth)
        assert off <= (1 if habits.loss == "time" and truth else 0), f"{block.missing_before} missing, really {truth}"


def nearest(sorted_ns: IntArray, t_ns: IntArray) -> IntArray:
    """Index of the element nearest to each time."""
    after = np.clip(np.searchsorted(sorted_ns, t_ns), 1, len(sorted_ns) - 1)
    return after - (t_ns - sorted_ns[after - 1] < sorted_ns[after] - t_ns)


def check_against_source(name: str, wire: Wire, info: PodInfo, blocks: list[SampleBlock], source: SampleSource) -> None:
    """Values and times of unbroken blocks are those that the pod measured."""
    habits = habits_of(name)
    t_ns, got = stamps(blocks), values(blocks)
    sent = source.between(0, wire.now_ns, info.rate_hz)
    went_in = np.hstack([sent.acc_mps2, sent.gyr_radps])
    step_ns = 1e9 / info.rate_hz
    if habits.clock == "own":
        true_ns = sent.t_ns + wire.pod.stamped_ns(0)  # type: ignore[attr-defined]
        at = int(nearest(true_ns, t_ns[:1])[0])
        assert np.abs(t_ns - true_ns[at : at + len(t_ns)]).max() <= habits.time_atol_ns
    else:
        spans = range(len(went_in) - len(got) + 1)
        at = min(spans, key=lambda i: float(np.abs(went_in[i : i + len(got), :3] - got[:, :3]).max()))
        assert (len(t_ns) - 1) * step_ns == pytest.approx(t_ns[-1] - t_ns[0], rel=0.02, abs=habits.time_atol_ns)
    assert np.allclose(np.diff(t_ns), step_ns, rtol=0, atol=habits.time_atol_ns)
    acc_error, gyr_error = (np.abs(went_in[at : at + len(got), part] - got[:, part]).max() for part in PARTS)
    assert acc_error <= habits.acc_error_mps2
    high_g = np.concatenate([np.zeros((0, 3)), *(b.high_g_mps2 for b in blocks if b.high_g_mps2 is not None)])
    assert len(high_g) == (0 if info.high_g_range_g is None else len(got))
    if len(high_g):
        assert habits.high_g_step_mps2 is not None, "say in habits.py how fine its high-g sensor is"
        assert np.abs(went_in[at : at + len(got), :3] - high_g).max() <= 0.51 * habits.high_g_step_mps2
    bent = straight_line_radps(info.rate_hz) if habits.gyr_interpolated else 0.0
    assert gyr_error <= habits.gyr_error_radps + bent


PARTS = (slice(0, 3), slice(3, 6))


class SixSines:
    """Another sine on every axis, so that axes and signs cannot be mistaken; within 4 g and 1000 dps."""

    OMEGA = 2 * np.pi * np.array([1.1, 1.3, 1.7, 1.9, 2.1, 2.3])
    AMPLITUDE = np.array([20.0, 25.0, 30.0, 8.0, 10.0, 15.0])

    def between(self, start_ns: int, end_ns: int, rate_hz: float) -> Samples:
        """Samples at multiples of the sample period."""
        period_ns = NS / rate_hz
        first, stop = int(np.ceil(start_ns / period_ns)), int(np.ceil(end_ns / period_ns))
        t_ns = np.rint(np.arange(first, max(first, stop)) * period_ns).astype(np.int64)
        both = self.AMPLITUDE * np.sin(self.OMEGA * (t_ns[:, None] / NS) + np.arange(6))
        return Samples(t_ns, both[:, :3], both[:, 3:], np.zeros(len(t_ns), np.uint8))


class Steep(SixSines):
    """Beyond full scale on every axis, one after the other."""

    AMPLITUDE = np.array([250.0, 300.0, 350.0, 40.0, 50.0, 60.0])


def straight_line_radps(rate_hz: float) -> float:
    """Most that a straight line between two neighbours can be off a gyroscope's sine: amplitude (w h)^2 / 8."""
    return float((SixSines.AMPLITUDE * (SixSines.OMEGA / rate_hz) ** 2 / 8)[3:].max())


def check_joined(blocks: list[SampleBlock]) -> None:
    """Nothing is missing inside."""
    assert all(b.missing_before in (0, None) for b in blocks[:1])
    assert all(b.missing_before == 0 for b in blocks[1:])
    assert all(a.segment == b.segment for a, b in pairwise(blocks))
