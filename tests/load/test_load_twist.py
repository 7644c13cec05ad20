"""Twisting both shoes together: found by itself, exact, and never found in feet that walk."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sensord.clock import PodClock
from sensord.load.pair_sync import PairSync
from sensord.load.twist import DROP_EVERY, KEEP_NS, TwistSync
from sensord.model import NS, SampleBlock, Side
from tests.load.made_twists import Body, Pod, follow

LEFT = Pod(2, ppm=-280.0, start_ns=10**12, late_s=0.01)
RIGHT = Pod(3, ppm=290.0, start_ns=5, late_s=0.04)


def pods(rate_hz: float, jitter_s: float, seed: int) -> tuple[Pod, Pod]:
    return tuple(
        dataclasses.replace(pod, seed=pod.seed + 10 * seed, rate_hz=rate_hz, jitter_s=jitter_s) for pod in (LEFT, RIGHT)
    )


@pytest.mark.parametrize(
    ("rate_hz", "jitter_s", "bound_ms"), [(200.0, 0.03, 0.4), (200.0, 0.1, 1.0), (100.0, 0.03, 0.4), (52.0, 0.03, 1.0)]
)
def test_a_twist_is_found_and_brings_the_pods_together(rate_hz: float, jitter_s: float, bound_ms: float) -> None:
    """Constant delays 30 ms apart, crystals 570 ppm apart: within a millisecond for the rest of the minute."""
    errors, qualities = [], []
    for seed in range(4):
        one, other = pods(rate_hz, jitter_s, seed)
        body = Body(seed, 62.0, 67.5)
        told = follow((one, body), (other, body), 100.0)
        assert [note.code for _, note in told.notes] == ["twist_sync"], told.notes
        assert 67.0 <= told.notes[0][0] <= 73.0
        before = told.rows[(told.rows[:, 0] > 40) & (told.rows[:, 0] < 66)]
        assert np.abs(np.median(before[:, 1]) - 30.0) < 5.0  # nothing can know of the radios' constant delays
        after = told.rows[told.rows[:, 0] > told.notes[0][0] + 2]
        errors.append(after[:, 1])
        qualities.append(after[:, 2])
    error, quality = np.abs(np.concatenate(errors)), np.concatenate(qualities)
    p95 = float(np.percentile(error, 95))
    assert p95 <= bound_ms, f"p95 {p95:.2f} ms"
    assert np.mean(error <= quality) >= 0.9
    assert np.median(quality) <= 1.0


def test_two_bodies_are_never_taken_for_one() -> None:
    """Both pods turn as hard, each its own way."""
    for seed in range(4):
        one, other = pods(200.0, 0.03, seed)
        told = follow((one, Body(seed, 10.0, 38.0)), (other, Body(seed + 50, 10.0, 38.0)), 40.0)
        assert told.notes == []


def test_pods_that_rest_or_swing_a_little_are_left_alone() -> None:
    body = Body(1, 5.0, 25.0, size_radps=0.5)
    assert follow((LEFT, body), (RIGHT, body), 30.0).notes == []


def test_a_steady_shake_whose_lag_is_ambiguous_is_refused() -> None:
    """One sine at 7 Hz: its norm repeats every 71 ms, so that more than one lag is as good."""
    looks = TwistSync()
    clocks = PodClock(), PodClock()
    for k in range(200):
        t = (np.arange(10) + 10 * k) * (NS // 200)
        gyr = np.stack([6 * np.sin(2 * np.pi * 7 * t / NS)] * 3, axis=1)
        block = SampleBlock(t, np.zeros((10, 3)), gyr, np.zeros(10, dtype=np.uint8))
        for side, clock in zip(Side, clocks, strict=True):
            clock.observe(0, int(t[-1]), int(t[-1]))
            looks.block(side, block)
    assert looks.look(10 * NS, *clocks) is None


def test_a_second_twist_says_what_had_come_between() -> None:
    one, other = pods(200.0, 0.03, 7)

    class Twice(Body):
        def turning(self, t_s):
            return super().turning(t_s) + Body(self.seed + 1, 120.0, 126.0).turning(t_s)

    body = Twice(7, 30.0, 36.0)
    told = follow((one, body), (other, body), 140.0)
    first, second = told.notes
    assert "clocks were 30." in first[1].text or "clocks were 29." in first[1].text
    assert float(second[1].text.split("clocks were ")[1].split(" ms")[0]) <= 0.5


def test_a_reboot_keeps_the_correction_but_not_the_promise() -> None:
    left, right = PodClock(), PodClock()
    sync = PairSync(left, right)
    body = Body(4, 12.0, 18.0)
    both = {Side.LEFT: LEFT, Side.RIGHT: RIGHT}
    blocks = [(at, side, block) for side, pod in both.items() for at, block in pod.packets(body, 26.0)]
    blocks.sort(key=lambda item: item[0])
    clocks = {Side.LEFT: left, Side.RIGHT: right}
    ticked, notes = 0, []
    for at, side, block in blocks:
        clocks[side].observe(0, int(block.t_pod_ns[-1]), at)
        sync.block(side, block)
        if at // NS > ticked:
            ticked = at // NS
            notes += sync.on_tick(at)
    assert len(notes) == 1
    twisted = sync.quality_ms
    assert twisted is not None
    assert twisted < 1.5
    for at, block in Pod(9, start_ns=0, late_s=0.04).packets(body, 10.0):
        right.observe(1, int(block.t_pod_ns[-1]), at + 30 * NS)
        sync.block(Side.RIGHT, dataclasses.replace(block, segment=1))
    alone = sync.quality_ms
    assert alone is not None
    assert alone > twisted
    mapped = right.to_run_ns(1, 9 * NS)
    assert mapped is not None
    assert abs(mapped - 39 * NS - 10_000_000) < 5_000_000  # late by the left pod's 10 ms still


def test_memory_is_bounded() -> None:
    looks = TwistSync()
    for k in range(1000):
        t = (np.arange(10) + 10 * k) * (NS // 200)
        looks.block(Side.LEFT, SampleBlock(t, np.zeros((10, 3)), np.zeros((10, 3)), np.zeros(10, dtype=np.uint8)))
    assert len(looks._blocks[Side.LEFT]) <= KEEP_NS // (NS // 20) + 1 + DROP_EVERY
