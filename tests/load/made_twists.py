"""Two pods on one body that is twisted, or on two feet: their blocks, their packets, and the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sensord.clock import PodClock
from sensord.load.pair_sync import PairSync
from sensord.model import NS, FloatArray, FootNote, SampleBlock, Side

STILL_RADPS = 0.01


@dataclass(frozen=True)
class Body:
    """A body that turns by a sum of sines round all axes, between `begun_s` and `ended_s` (true time)."""

    seed: int
    begun_s: float
    ended_s: float
    size_radps: float = 5.0

    def turning(self, t_s: FloatArray) -> FloatArray:
        rng = np.random.default_rng(self.seed)
        out = np.zeros((len(t_s), 3))
        for frequency in rng.uniform(0.6, 3.5, 7):
            out += np.sin(2 * np.pi * frequency * t_s + rng.uniform(0, 6.3))[:, None] * rng.normal(0, 1, 3)
        ramp = np.clip((t_s - self.begun_s) / 0.3, 0, 1) * np.clip((self.ended_s - t_s) / 0.3, 0, 1)
        return out * ramp[:, None] * self.size_radps / np.sqrt(7)


@dataclass(frozen=True)
class Pod:
    """One pod: rate, crystal, radio, mount."""

    seed: int
    rate_hz: float = 200.0
    ppm: float = 0.0
    start_ns: int = 0  # pod time of true time 0
    late_s: float = 0.0  # constant part of its radio's delay
    jitter_s: float = 0.03
    noise_radps: float = 0.02

    def true_ns(self, t_pod_ns: int) -> float:
        return (t_pod_ns - self.start_ns) * (1 + self.ppm * 1e-6)

    def pod_ns(self, true_ns: float) -> float:
        return true_ns / (1 + self.ppm * 1e-6) + self.start_ns

    def packets(self, body: Body, seconds: float, rows: int = 10) -> Iterator[tuple[int, SampleBlock]]:
        """(arrival, block), 2 % of them lost."""
        rng = np.random.default_rng(self.seed)
        n = int(seconds * self.rate_hz)
        pod_ns = self.start_ns + np.round((np.arange(n) + rng.random()) / self.rate_hz * NS).astype(np.int64)
        true_s = np.array([self.true_ns(int(t)) for t in pod_ns]) / NS
        mount, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        gyr = (1 + rng.normal(0, 0.01)) * body.turning(true_s) @ mount.T + rng.normal(0, self.noise_radps, (n, 3))
        acc = rng.normal(0, 0.05, (n, 3)) + mount[2] * 9.8
        arrived = 0
        for at in range(0, n - rows, rows):
            if rng.random() < 0.02:
                continue
            part = slice(at, at + rows)
            late_s = self.late_s + rng.uniform(0, self.jitter_s)
            arrived = max(arrived, round((true_s[at + rows - 1] + late_s) * NS))  # a link keeps the order
            yield arrived, SampleBlock(pod_ns[part], acc[part], gyr[part], np.zeros(rows, dtype=np.uint8))


@dataclass
class Told:
    """What came out: notes with their time; each second the pair's error (right minus left, ms) and quality."""

    notes: list[tuple[float, FootNote]]
    rows: FloatArray  # seconds, error, quality (nan: not known)


def follow(left: tuple[Pod, Body], right: tuple[Pod, Body], seconds: float, *, rows: int = 10) -> Told:
    """Feed both pods' packets in the order of arrival and a tick a second."""
    pods = {Side.LEFT: left, Side.RIGHT: right}
    feed: list[tuple[int, Side | None, SampleBlock | None]] = [(k * NS, None, None) for k in range(1, int(seconds))]
    for side, (pod, body) in pods.items():
        feed += [(arrived, side, block) for arrived, block in pod.packets(body, seconds, rows)]
    feed.sort(key=lambda item: item[0])
    clocks = {side: PodClock() for side in Side}
    sync = PairSync(clocks[Side.LEFT], clocks[Side.RIGHT])
    told = Told([], np.zeros((0, 3)))
    out = []
    for t_ns, side, block in feed:
        if side is not None and block is not None:
            clocks[side].observe(block.segment, int(block.t_pod_ns[-1]), t_ns)
            sync.block(side, block)
            continue
        told.notes += [(t_ns / NS, note) for note in sync.on_tick(t_ns)]
        if t_ns < 3 * NS:
            continue
        maps = {}
        for each, (pod, _) in pods.items():
            maps[each] = clocks[each].to_run_ns(0, round(pod.pod_ns(t_ns - NS // 2)))
        error = (maps[Side.RIGHT] - maps[Side.LEFT]) / 1e6
        out.append((t_ns / NS, error, np.nan if sync.quality_ms is None else sync.quality_ms))
    told.rows = np.array(out)
    return told
