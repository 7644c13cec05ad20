"""How late a provisional contact is: p5, p50, p95 after the true initial contact, on recordings and the simulator.

`SENSORD_DATA=... python bench/provisional.py` (the walks and the two derived runners; without the variable only the
simulator). "Late" is the time of the sample at which it shows; the radio comes on top.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sensord.dsp.foot import FootAnalyser
from sensord.errors import SensordError
from sensord.model import NS, Contact, FloatArray, SampleBlock, Side
from sensord.sim.runner import Run, RunnerSimulation, Stand, Walk
from sensord.validation.datasets import DERIVED, derived, gaitmap_walk, ipol_walks

NEAR_S = 0.15
Foot = tuple[str, list[SampleBlock], float, FloatArray]
"""Name, samples, rate, true contacts in s."""


def recorded(data: Path) -> Iterator[Foot]:
    """Feet of the recordings; of the IPOL walks without the first and last, which lie on a trial's bounds."""
    for runner in DERIVED:
        trial = derived(data, runner, "smooth_200hz")
        for side, rec in trial.recordings.items():
            yield f"{trial.runner} smooth_200hz {side}", list(rec.blocks), trial.rate_hz, trial.truth[side].ic_s
    walk = gaitmap_walk(data)
    for side, rec in walk.recordings.items():
        yield f"gaitmap {side}", list(rec.blocks), walk.rate_hz, walk.truth[side].ic_s
    for one in ipol_walks(data):
        for side, rec in one.recordings.items():
            yield f"{one.runner} {side}", list(rec.blocks), one.rate_hz, one.truth[side].ic_s[1:-1]


def simulated() -> Iterator[Foot]:
    """A run or walk of 25 s at each of these."""
    gaits = [Run(25, speed_mps=v, strike_angle_deg=a) for v in (1.7, 2.8, 4.2, 7.0) for a in (-10.0, 2.0, 20.0)]
    gaits += [Walk(25, speed_mps=v) for v in (0.8, 1.4, 1.8)]
    for move in gaits:
        simulation = RunnerSimulation([Stand(3), move, Stand(3)], seed=3)
        for rate_hz in (50.0, 100.0, 200.0, 400.0):
            foot = simulation.render(Side.LEFT, rate_hz)
            gait = move.gait
            name = f"simulated {gait.activity} {gait.speed_mps:g} m/s, {gait.strike_angle_deg:+g}°, {rate_hz:g} Hz"
            yield name, [foot.block()], rate_hz, foot.ic_pod_ns / NS


def main() -> int:
    """Print a line for each foot."""
    data = os.environ.get("SENSORD_DATA")
    try:
        feet = [*(recorded(Path(data)) if data else ()), *simulated()]
    except SensordError as error:
        print(error, file=sys.stderr)
        return 2
    for name, blocks, rate_hz, true_s in feet:
        foot = FootAnalyser(Side.LEFT, rate_hz)
        said = [item for block in blocks for item in foot.push(block)]
        shown = np.array([item.t_pod_ns / NS for item in said if isinstance(item, Contact)])
        if not len(shown):
            print(f"{name:<48} none shown")
            continue
        seen = true_s[true_s > shown[0] - NEAR_S]
        off = np.array([shown[np.abs(shown - t).argmin()] - t for t in seen])
        late_ms = 1000.0 * off[np.abs(off) < NEAR_S]
        p5, p50, p95 = np.percentile(late_ms, [5, 50, 95])
        print(f"{name:<48} {len(late_ms):>3} of {len(seen):>3} shown; ms late {p5:+5.0f} {p50:+5.0f} {p95:+5.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
