"""What PodClock is off by, and what it costs: `python bench/clock.py`.

Simulated pods with a known rate error, three kinds of delay (uniform to 200 ms; 30 ms connection events with stalls
that drain; exponential), 2 % loss, 15 packets/s. Errors are of the mapping as it was when the packet arrived, less the
smallest possible delay (0 here).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import numpy as np

from sensord import clock
from sensord.clock import PodClock
from sensord.model import NS

RATE_HZ = 15
LENGTH_S = 300


def delays_s(kind: str, rng: np.random.Generator, n: int) -> np.ndarray:
    """Delays of n packets."""
    if kind == "uniform":
        return rng.uniform(0, 0.2, n)
    if kind == "exponential":
        return np.minimum(rng.exponential(0.06, n), 0.2)
    out = rng.uniform(0, 0.03, n)
    at = 0
    while at < n:
        at += int(rng.exponential(30))
        length = int(rng.integers(1, 4))
        for k in range(min(length, n - at)):
            out[at + k] += 0.2 * (1 - k / length) * rng.random()
        at += length
    return out


def packets(kind: str, ppm: float, seed: int) -> Iterator[tuple[int, int, int]]:
    """(pod time, arrival, true run time) of the packets that were not lost."""
    rng = np.random.default_rng(seed)
    n = RATE_HZ * LENGTH_S
    late = delays_s(kind, rng, n)
    for k in np.flatnonzero(rng.random(n) > 0.02):
        t_pod = int(k) * NS // RATE_HZ
        true = t_pod + round(t_pod * ppm * 1e-6)
        yield t_pod, true + round(late[k] * NS), true


def errors_ms(kind: str) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Absolute errors from 3 s to 60 s, and after; the qualities told at the end."""
    early, late, quality = [], [], []
    for seed, ppm in itertools.product(range(6), (-300, -40, 0, 50, 300)):
        pod = PodClock()
        for t_pod, t_rx, true in packets(kind, ppm, seed):
            pod.observe(0, t_pod, t_rx)
            mapped = pod.to_run_ns(0, t_pod)
            assert mapped is not None
            if t_pod >= 3 * NS:
                (early if t_pod < 60 * NS else late).append(abs(mapped - true) / 1e6)
        assert pod.sync_quality_ms is not None
        quality.append(pod.sync_quality_ms)
    return np.array(early), np.array(late), quality


def main() -> None:
    """Print the table."""
    for window_s, rate_from_s in ((90, 10), (60, 10), (120, 10), (90, 20), (90, 40)):
        clock.WINDOW_NS, clock.RATE_FROM_NS = window_s * NS, rate_from_s * NS
        print(f"window {window_s} s, rate from {rate_from_s} s: p50/p95/max in ms")
        for kind in ("uniform", "stalls", "exponential"):
            early, late, quality = errors_ms(kind)
            parts = ["{:.2f}/{:.2f}/{:.2f}".format(*np.percentile(e, [50, 95, 100])) for e in (early, late)]
            print(f"  {kind:12} 3-60 s {parts[0]:18} after {parts[1]:18} sync quality {np.median(quality):.1f} ms")
    feed = [(t_pod, t_rx) for t_pod, t_rx, _ in packets("stalls", 50, 0)]
    pod = PodClock()
    begun = time.perf_counter()
    for t_pod, t_rx in feed:
        pod.observe(0, t_pod, t_rx)
    print(f"observe: {(time.perf_counter() - begun) / len(feed) * 1e6:.1f} us a packet")


if __name__ == "__main__":
    main()
