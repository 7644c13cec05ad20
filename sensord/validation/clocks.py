"""Rows of the clocks: two simulated pods whose crystals and radios are bad, with and without the twist ritual.

Truth is exact. The error is that of the difference of the two pods' maps at one instant, as it was when the packets of
that instant arrived: no later packet may help. Kinds of delay, 0 to 200 ms, 2 % of the packets lost:

- `uniform`: each packet on its own;
- `in order`: the same, but a packet waits for the one before it, as on a Bluetooth link (and in `sim.peripheral`);
- `bursts`: exponential with a mean of 60 ms;
- `stalls`: connection events of 30 ms, now and then up to 200 ms of backlog that drains;
- `fading`: few packets hurry (gamma, shape 2), which contradicts what the estimate assumes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sensord.clock import PodClock
from sensord.load.pair_sync import PairSync
from sensord.model import NS, FloatArray, SampleBlock, Side
from sensord.validation.rows import Kind, On, Row, Target, scored
from sensord.validation.workbench import Workbench

KINDS = ("uniform", "in order", "bursts", "stalls", "fading")
SPANS_S = ((3, 10), (10, 30), (30, 60), (75, 120), (120, 300))
"""Seconds after the first packet. The ritual, if any, is from 60 s to 66 s and is known at 75 s."""

RATE_HZ = 200.0
LOSS = 0.02
LONGEST_S = 0.2
MOST_PPM = 300.0
TWISTED_S = (60.0, 66.0)
LINKS_DIFFER_S = 0.03
"""With the ritual the right pod's radio is later by so much, always: only the ritual can know."""

Packet = tuple[int, int, int]
"""Pod time of the newest sample, arrival, true run time of that sample; ns."""


def delays_s(kind: str, rng: np.random.Generator, ready_s: FloatArray) -> FloatArray:
    """Delays of packets that are ready at these times."""
    n = len(ready_s)
    match kind:
        case "uniform":
            return rng.uniform(0, LONGEST_S, n)
        case "in order":
            return np.maximum.accumulate(ready_s + rng.uniform(0, LONGEST_S, n)) - ready_s
        case "bursts":
            return np.minimum(rng.exponential(0.06, n), LONGEST_S)
        case "fading":
            return np.minimum(rng.gamma(2.0, 0.03, n), LONGEST_S)
    late, at = rng.uniform(0, 0.03, n), 0
    while at < n:
        at += int(rng.exponential(30))
        length = int(rng.integers(1, 4))
        for k in range(min(length, n - at)):
            late[at + k] += LONGEST_S * (1 - k / length) * rng.random()
        at += length
    return late


def packets(
    kind: str, ppm: float, seed: int, seconds: float, *, per_s: float = 20.0, constant_s: float = 0.0
) -> Iterator[Packet]:
    """The packets that were not lost, in the order they were made; the pod's clock is 0 at run time 0."""
    rng = np.random.default_rng(seed)
    ready_s = np.arange(1, int(per_s * seconds)) / per_s
    late_s = delays_s(kind, rng, ready_s) + constant_s
    for k in np.flatnonzero(rng.random(len(ready_s)) > LOSS):
        true_ns = round(ready_s[k] * NS)
        yield round(true_ns / (1 + ppm * 1e-6)), true_ns + round(late_s[k] * NS), true_ns


@dataclass(frozen=True, slots=True)
class Span:
    """Errors of a pair over a span of time: percentiles of the absolute error, share within `sync_quality_ms`."""

    n: int
    p50_ms: float
    p95_ms: float
    covered: float
    quality_ms: float


@dataclass(frozen=True, slots=True)
class Measured:
    """All pairs of one kind; rows: seconds, error in ms, quality in ms."""

    alone: FloatArray
    twisted: FloatArray

    def pair(self, span_s: tuple[int, int], *, ritual: bool) -> Span | None:
        """One span; None where there is no error to tell."""
        rows = self.twisted if ritual else self.alone
        rows = rows[(rows[:, 0] >= span_s[0]) & (rows[:, 0] < span_s[1])]
        if not len(rows) or (ritual and span_s[0] < TWISTED_S[1]):
            return None
        error = np.abs(rows[:, 1])
        p50, p95 = np.percentile(error, [50, 95])
        return Span(
            len(rows), float(p50), float(p95), float(np.mean(error <= rows[:, 2])), float(np.median(rows[:, 2]))
        )


def measure(kind: str, *, packets_per_s: float = 20.0, pairs: int = 6, seconds: int = 300) -> Measured:
    """Follow so many pairs of pods, each twice."""
    rng = np.random.default_rng(5)
    alone, twisted = [], []
    for pair in range(pairs):
        ppm = (float(rng.uniform(-MOST_PPM, MOST_PPM)), float(rng.uniform(-MOST_PPM, MOST_PPM)))
        if pair == 0:
            ppm = (-MOST_PPM, MOST_PPM)
        alone.append(_follow(kind, ppm, pair, packets_per_s, seconds, ritual=False))
        twisted.append(_follow(kind, ppm, pair, packets_per_s, seconds, ritual=True))
    return Measured(np.concatenate(alone), np.concatenate(twisted))


def _follow(kind: str, ppm: tuple[float, float], pair: int, per_s: float, seconds: int, *, ritual: bool) -> FloatArray:
    """Each second: seconds, right map minus left map in ms, the pair's quality in ms (NaN while unknown)."""
    clocks = {side: PodClock() for side in Side}
    sync = PairSync(clocks[Side.LEFT], clocks[Side.RIGHT])
    feed: list[tuple[int, Side, Packet]] = []
    for n, side in enumerate(Side):
        constant_s = LINKS_DIFFER_S if ritual and side is Side.RIGHT else 0.0
        made = packets(kind, ppm[n], 2 * pair + n, seconds, per_s=per_s, constant_s=constant_s)
        feed += [(packet[2], side, packet) for packet in made]
    feed.sort(key=lambda item: item[0])
    body = _Body(pair, round(RATE_HZ / per_s), ritual=ritual)
    known = dict(zip(Side, ppm, strict=True))
    rows, second = [], 3
    for true_ns, side, (t_pod, t_rx, _) in feed:
        if true_ns >= second * NS:
            late_ns = round((LONGEST_S + LINKS_DIFFER_S) * NS)  # the tick comes when all before it has arrived
            sync.on_tick(second * NS + late_ns)
            maps = {s: clocks[s].to_run_ns(0, round((second - 0.1) * NS / (1 + known[s] * 1e-6))) for s in Side}
            left, right = maps[Side.LEFT], maps[Side.RIGHT]
            assert left is not None  # both pods have sent for seconds
            assert right is not None
            quality = sync.quality_ms
            rows.append((second, (right - left) / 1e6, np.nan if quality is None else quality))
            second += 1
        clocks[side].observe(0, t_pod, t_rx)
        sync.block(side, body.block(t_pod, known[side], true_ns))
    return np.array(rows)


class _Body:
    """What the gyroscopes show: nothing but the newest sample, and during the ritual all of a twist."""

    def __init__(self, seed: int, rows: int, *, ritual: bool) -> None:
        rng = np.random.default_rng(1000 + seed)
        self._sines = [
            (rng.uniform(0.6, 3.5), rng.uniform(0, 6.3), rng.normal(0, 5.0 / np.sqrt(7.0), 3)) for _ in range(7)
        ]
        self._noise = np.random.default_rng(2000 + seed)
        self._rows, self._ritual = rows, ritual

    def block(self, t_pod_ns: int, ppm: float, true_ns: int) -> SampleBlock:
        twisted = self._ritual and TWISTED_S[0] - 5 <= true_ns / NS <= TWISTED_S[1] + 5
        n = self._rows if twisted else 1
        pod_ns = t_pod_ns - np.arange(n - 1, -1, -1) * round(NS / RATE_HZ)
        gyr = self._noise.normal(0, 0.02, (n, 3))
        if twisted:
            t_s = pod_ns * (1 + ppm * 1e-6) / NS
            ramp = np.clip((t_s - TWISTED_S[0]) / 0.3, 0, 1) * np.clip((TWISTED_S[1] - t_s) / 0.3, 0, 1)
            for frequency, phase, axis in self._sines:
                gyr += (ramp * np.sin(2 * np.pi * frequency * t_s + phase))[:, None] * axis
        return SampleBlock(pod_ns.astype(np.int64), np.zeros((n, 3)), gyr, np.zeros(n, dtype=np.uint8))


def rows(_bench: Workbench) -> list[Row]:
    """The clock map between two pods: with and without the ritual, and whether the quality is true."""
    out = []
    for kind in KINDS:
        found = measure(kind)
        on = On(f"two pods, ±300 ppm, delays to 200 ms ({kind}), 2 % loss", Kind.SIMULATED, 0)
        for ritual, spans, target in (
            (False, ((10, 30), (30, 60), (120, 300)), 3.0),
            (True, ((75, 120), (120, 300)), 1.0),
        ):
            for span in spans:
                got = found.pair(span, ritual=ritual)
                if got is None:
                    continue
                words = "after the ritual" if ritual else "without a ritual"
                what = f"clock map between two pods {words}, {span[0]} s to {span[1]} s"
                aim = Target(score_max=target) if kind != "fading" and span[0] >= 30 else Target()
                out.append(
                    scored(
                        "clock", what, on, "ms", got.n, got.p95_ms, "p95 of the absolute error", aim,
                        note=f"sync_quality_ms {got.quality_ms:.2f}, which {got.covered:.0%} of the errors keep",
                    )
                )  # fmt: skip
    return out
