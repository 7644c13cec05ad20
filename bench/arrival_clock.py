"""What times made from arrivals are off by: `python -m bench.arrival_clock`.

Simulated sensors without a clock (no pod and no radio is real): 200 Hz missed by 3 %, 4 to 8 samples a packet, kinds of
delay of sensord.validation.clocks, notifications lost. Errors of the run time of each packet's newest sample, as it was
when the packet arrived, without their median (the constant part of a radio's delay), and of the distance between
samples; gaps that were told.
"""

from __future__ import annotations

import time

import numpy as np

from tests.drivers.test_arrival_clock import came, follow

SPANS_S = ((3, 10), (10, 30), (30, 60), (60, 180))
SEEDS = 4


def main() -> None:
    """Print the table."""
    print("p95 in ms (p95 of the distance's error in ppm) by seconds from the first packet")
    for kind, longest_s in (("uniform", 0.03), ("stalls", 0.2), ("bursts", 0.2), ("in order", 0.2)):
        for loss in (0.0, 0.002, 0.02):
            for off in (-0.03, 0.03):
                all_got = [follow(came(kind, off, 180, longest_s=longest_s, loss=loss, seed=s)) for s in range(SEEDS)]
                cells = [f"{kind:8} to {longest_s * 1e3:3.0f} ms, loss {loss:5.1%}, rate {off:+.0%}:"]
                for span in SPANS_S:
                    p95_ms = np.mean([got.p95_ms(*span) for got in all_got])
                    ppm = np.mean([got.rate_p95(*span) for got in all_got]) * 1e6
                    cells.append(f"{span[0]:3}-{span[1]:3} s {p95_ms:6.1f} ({ppm:5.0f})")
                print("  ".join(cells), f" gaps a minute {sum(len(got.gaps) for got in all_got) / SEEDS / 3:.1f}")
    packets = came("stalls", 0.03, 300)
    begun = time.process_time()
    follow(packets)
    print(f"both clocks: {(time.process_time() - begun) / len(packets) * 1e6:.0f} us a packet")


if __name__ == "__main__":
    main()
