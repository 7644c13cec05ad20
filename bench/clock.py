"""What PodClock is off by, how true its quality is, and what it costs: `python bench/clock.py`.

Simulated pairs of pods with known rate errors (sensord.validation.clocks): kinds of delay, 2 % loss, 10 and 20 packets
a second, with and without the twist ritual. Errors are of the difference of the two pods' maps, as they were when the
packet arrived.
"""

from __future__ import annotations

import time

from sensord.clock import PodClock
from sensord.validation.clocks import KINDS, SPANS_S, measure, packets


def main() -> None:
    """Print the table."""
    for packets_per_s in (10.5, 20.0):
        print(f"{packets_per_s} packets/s: p50/p95 of the pair's error in ms; share of errors within sync_quality_ms")
        for kind in KINDS:
            found = measure(kind, packets_per_s=packets_per_s, pairs=12)
            for ritual in (False, True):
                cells = [f"  {kind:12} {'ritual at 60 s' if ritual else 'no ritual':14}"]
                for span in SPANS_S:
                    got = found.pair(span, ritual=ritual)
                    if got is not None:
                        errors = f"{got.p50_ms:5.2f}/{got.p95_ms:5.2f}"
                        cells.append(f"{span[0]:3}-{span[1]:3} s {errors} {got.covered:4.0%}")
                print("  ".join(cells))
    feed = [(t_pod, t_rx) for t_pod, t_rx, _ in packets("stalls", 50.0, seed=0, seconds=600)]
    pod = PodClock()
    begun = time.perf_counter()
    for t_pod, t_rx in feed:
        pod.observe(0, t_pod, t_rx)
    print(f"observe: {(time.perf_counter() - begun) / len(feed) * 1e6:.1f} us a packet")


if __name__ == "__main__":
    main()
