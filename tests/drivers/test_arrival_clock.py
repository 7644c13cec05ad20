"""Times of samples that come without any: rates, bursts, losses, stalls, and what must never depend on how it came."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from sensord.clock import PodClock
from sensord.drivers.arrival_clock import BEHIND_S, ArrivalClock
from sensord.errors import PacketError, PacketReason
from sensord.model import NS, FloatArray
from sensord.validation.clocks import delays_s

RATE_HZ = 200.0


@dataclass(frozen=True)
class Came:
    """A packet: when, and when its samples really were taken (s)."""

    t_rx_ns: int
    true_s: FloatArray


def came(
    kind: str,
    off: float,
    seconds: float,
    *,
    longest_s: float = 0.2,
    loss: float = 0.0,
    seed: int = 1,
    step: tuple[float, float] = (0.0, 0.0),
    drift_per_s: float = 0.0,
) -> list[Came]:
    """Packets of 4 to 8 samples by a sensor whose rate is `off`, and from `step[0]` s on `step[1]` more."""
    rng = np.random.default_rng(seed)
    periods = np.full(int(seconds * RATE_HZ), 1 / RATE_HZ / (1 + off))
    periods[int(step[0] * RATE_HZ) :] /= 1 + step[1]
    true_s = np.cumsum(periods * (1 + drift_per_s * np.arange(len(periods)) / RATE_HZ))
    ends = np.cumsum(rng.integers(4, 9, len(true_s) // 4))
    parts = np.split(true_s, ends[ends < len(true_s)])
    ready_s = np.array([part[-1] for part in parts])
    arrived_s = np.maximum.accumulate(ready_s + delays_s(kind, rng, ready_s) * longest_s / 0.2)  # a link keeps order
    kept = rng.random(len(parts)) >= loss
    return [Came(round(t * NS), part) for t, part, keep in zip(arrived_s, parts, kept, strict=True) if keep]


@dataclass
class Followed:
    """Per packet: true time of its newest sample, its run time's error and its period's, and whether a gap was told."""

    at_s: FloatArray
    error_ms: FloatArray
    rate_error: FloatArray
    gaps: list[float]

    def p95_ms(self, from_s: float, to_s: float = np.inf) -> float:
        """Of the error without its median: the constant part of the radio's delay is in it."""
        part = self.error_ms[(self.at_s >= from_s) & (self.at_s < to_s)]
        return float(np.percentile(np.abs(part - np.median(self.error_ms[self.at_s > from_s])), 95))

    def rate_p95(self, from_s: float, to_s: float = np.inf) -> float:
        part = self.rate_error[(self.at_s >= from_s) & (self.at_s < to_s)]
        return float(np.percentile(np.abs(part), 95))


def follow(packets: list[Came]) -> Followed:
    """Through both clocks, as the pipeline does."""
    clock, pod_clock = ArrivalClock(RATE_HZ), PodClock()
    rows, gaps, last = [], [], -np.inf
    for packet in packets:
        times, gap = clock.stamp(len(packet.true_s), packet.t_rx_ns)
        assert times[0] > last
        assert (np.diff(times) > 0).all()
        last = times[-1]
        if gap:
            gaps.append(float(packet.true_s[0]))
        pod_clock.observe(0, int(last), packet.t_rx_ns)
        run_ns = pod_clock.to_run_ns(0, int(last))
        assert run_ns is not None
        true_period = np.diff(packet.true_s).mean() if len(packet.true_s) > 1 else 1 / RATE_HZ
        at_s = float(packet.true_s[-1])
        rows.append((at_s, run_ns / 1e6 - at_s * 1e3, clock.period_ns / NS / true_period - 1))
    at_s, error_ms, rate_error = np.array(rows).T
    return Followed(at_s, error_ms, rate_error, gaps)


@pytest.mark.parametrize("off", [-0.03, 0.03])
@pytest.mark.parametrize(
    ("kind", "longest_s", "soon_ms", "later_ms", "later_rate"),
    [
        ("uniform", 0.03, 10, 2, 100e-6),
        ("stalls", 0.2, 10, 2, 100e-6),
        ("bursts", 0.2, 10, 5, 500e-6),
        ("in order", 0.2, 60, 35, 5e-3),  # a packet in a hundred hurries: nothing shows where the edge is
    ],
)
def test_bursts_bend_no_time(
    kind: str, longest_s: float, soon_ms: float, later_ms: float, later_rate: float, off: float
) -> None:
    """0 to 200 ms of jitter, the sensor 3 % off: p95 of the run time of samples, and of the distance between them."""
    got = follow(came(kind, off, 90, longest_s=longest_s))
    assert got.gaps == []
    assert got.p95_ms(10, 30) <= soon_ms
    assert got.p95_ms(30) <= later_ms
    assert got.rate_p95(30) <= later_rate


def test_times_are_smooth() -> None:
    """Neighbours' distance changes by less than 0.5 % from one to the next once the rate is known."""
    clock = ArrivalClock(RATE_HZ)
    times = np.concatenate([clock.stamp(len(p.true_s), p.t_rx_ns)[0] for p in came("bursts", -0.03, 60)])
    steps = np.diff(times[15 * 200 :]) / NS * RATE_HZ / 1.03
    assert np.abs(np.diff(steps)).max() < 0.005
    assert np.abs(steps - 1).max() < 0.006


@pytest.mark.parametrize("off", [-0.03, 0.03])
def test_drift_stays_bounded_where_packets_are_lost(off: float) -> None:
    """2 % of notifications: each may hide 20 to 40 ms, and none of them can be placed."""
    got = follow(came("stalls", off, 150, loss=0.02))
    assert got.p95_ms(10) <= 150
    assert np.abs(got.error_ms[got.at_s > 120] - np.median(got.error_ms)).max() <= 300


def test_a_loss_is_told_once_arrivals_have_been_behind_for_two_seconds() -> None:
    packets = came("stalls", 0.02, 60)
    left = [p for p in packets if not 40.0 <= p.true_s[0] < 40.3]
    got = follow(left)
    [told_s] = got.gaps
    assert 40.3 + BEHIND_S - 0.5 <= told_s <= 40.3 + BEHIND_S + 1.0
    assert got.p95_ms(30, 40) <= 2
    after = got.error_ms[got.at_s > told_s + 1] - np.median(got.error_ms[got.at_s < 40])
    assert np.abs(after).max() <= 8


def test_a_stall_is_no_loss() -> None:
    """1.5 s without a packet, then all that waited at once."""
    late = [Came(max(p.t_rx_ns, 41 * NS + NS // 2) if p.true_s[-1] > 40 else p.t_rx_ns, p.true_s)
            for p in came("uniform", 0.02, 60, longest_s=0.03)]  # fmt: skip
    got = follow(late)
    assert got.gaps == []
    assert got.p95_ms(30) <= 2


@pytest.mark.parametrize("more", [-0.01, 0.01])
def test_another_rate_is_found(more: float) -> None:
    """The oscillator changes by 1 % at 40 s: 20 s later all is well; a slower one looks like losses at first."""
    got = follow(came("stalls", 0.01, 80, step=(40.0, more)))
    assert got.rate_p95(60) <= 1e-3
    assert (len(got.gaps) > 0) == (more < 0)
    assert all(40 < at < 60 for at in got.gaps)
    assert np.ptp(got.error_ms[got.at_s > 60]) <= 10


@pytest.mark.parametrize("drift_per_s", [-3.3e-6, 3.3e-6])
def test_a_rate_that_drifts_is_followed(drift_per_s: float) -> None:
    """0.2 % in ten minutes, as an oscillator in a shoe that warms up might; 300 ppm is what PodClock takes."""
    got = follow(came("uniform", 0.02, 200, longest_s=0.03, drift_per_s=drift_per_s))
    assert got.gaps == []
    assert got.p95_ms(60) <= 3
    assert got.rate_p95(60) <= 300e-6


@pytest.mark.parametrize("seed", range(3))
def test_how_packets_are_cut_changes_nothing(seed: int) -> None:
    """Parts of a packet that arrive at the same moment: same times, same gaps."""
    dice = random.Random(seed)
    packets = came("stalls", 0.03, 40, loss=0.01, seed=seed)
    whole, cut = ArrivalClock(RATE_HZ), ArrivalClock(RATE_HZ)
    for packet in packets:
        expected, gap = whole.stamp(len(packet.true_s), packet.t_rx_ns)
        parts = [cut.stamp(n, packet.t_rx_ns) for n in _parts(dice, len(packet.true_s))]
        assert np.array_equal(np.concatenate([times for times, _ in parts]), expected)
        assert [told for _, told in parts] == [gap] + [False] * (len(parts) - 1)


def _parts(dice: random.Random, n: int) -> Iterator[int]:
    while n:
        part = dice.randint(1, n)
        yield part
        n -= part


def test_a_new_link_begins_anew_with_the_rate_that_was_found() -> None:
    clock = ArrivalClock(RATE_HZ)
    for packet in came("uniform", -0.03, 20, longest_s=0.03):
        clock.stamp(len(packet.true_s), packet.t_rx_ns)
    assert clock.period_ns == pytest.approx(NS / RATE_HZ / 0.97, rel=1e-3)
    clock.link(RATE_HZ)
    times, gap = clock.stamp(8, 1000 * NS)
    assert not gap
    assert times[0] == 1000 * NS
    assert np.diff(times).mean() == pytest.approx(NS / RATE_HZ / 0.97, rel=1e-3)
    clock.link(100.0)
    assert clock.period_ns == NS / 100.0


def test_more_samples_than_time_has_gone_by_are_refused_and_not_counted() -> None:
    clock = ArrivalClock(RATE_HZ)
    for _ in range(50):
        clock.stamp(8, NS)
    for _ in range(1000):
        with pytest.raises(PacketError) as refused:
            clock.stamp(8, NS)
        assert refused.value.reason is PacketReason.TIME
    times, _ = clock.stamp(8, 3 * NS)
    assert times[0] - NS == pytest.approx(400 * NS / RATE_HZ, abs=1)
