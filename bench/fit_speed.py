"""How far the body goes over a standing foot (contact length = speed x contact time), runner by runner.

`SENSORD_DATA=... python bench/fit_speed.py` prints the contact length of the two derived runners (true speed of the
belt, contact times as sensord finds them), of the force-plate runner of alcantara_grf (level trials, 20 N) and of the
streamed run (speed told by a Stryd pod), with its spread over strides or trials; then what the mean of the other
runners says of each one's speed: that is what `sensord.load.speed.CONTACT_LENGTH_M` is worth before anything is learned
of a runner.
Four runners are a demonstration, not a population.
"""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import numpy as np

from sensord import analyse
from sensord.load.speed import CONTACT_LENGTH_M
from sensord.model import NS, FloatArray, Side
from sensord.validation import datasets
from sensord.validation.fit_file import can_read, read_seconds
from sensord.validation.streamed import STRYD_AHEAD_S
from sensord.validation.trial import find

GRF_HZ = 500.0
GRF_THRESHOLD_BW = 20.0 / (76.8 * 9.80665)
SHORTEST_ROWS = 40
"""Contacts of more than 80 ms (the data folder's README)."""


def belt_m(data: Path, source: datasets.DerivedSet) -> FloatArray:
    """Contact length of every stride of a derived runner."""
    trial = datasets.derived(data, source, "smooth_200hz")
    assert trial.speed_mps is not None
    found = find(trial)
    contact_s = [s.contact_time_s for side in Side for s in found.strides[side] if s.contact_time_s is not None]
    return np.array(contact_s) * trial.speed_mps


def plate_m(data: Path) -> FloatArray:
    """Contact length of every level trial on the force plate."""
    folder = data / "alcantara_grf"
    forces = np.loadtxt(folder / "grf_bw_500hz.csv", delimiter=",")
    lengths = []
    with (folder / "trials.csv").open(encoding="utf-8", newline="") as file:
        for force, trial in zip(forces, csv.DictReader(file), strict=True):
            if float(trial["Slope"]) != 0.0:
                continue
            edges = np.diff((force > GRF_THRESHOLD_BW).astype(np.int64))
            lands, leaves = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
            rows = [int(leaves[leaves > a][0]) - int(a) for a in lands if (leaves > a).any()]
            contact_s = np.mean([n for n in rows if n > SHORTEST_ROWS]) / GRF_HZ
            lengths.append(float(trial["Speed"]) * contact_s)
    return np.array(lengths)


def streamed_m(data: Path) -> FloatArray:
    """Contact length of every stride of the streamed run while Stryd tells a running speed."""
    stryd, run = read_seconds(data / datasets.STRYD), analyse(left=datasets.test_run(data))
    start_ns = run.recordings[Side.LEFT].blocks[0].t_pod_ns[0]
    at_s = np.array([(s.ic_pod_ns - start_ns) / NS for s in run.strides]) + STRYD_AHEAD_S
    speeds = np.interp(at_s, stryd.t_s, stryd.speed_mps)
    pairs = zip(run.strides, speeds, strict=True)
    return np.array([s.contact_time_s * v for s, v in pairs if s.contact_time_s is not None and v > 2.0])


def main() -> int:
    """Print the lengths, and each runner by the others."""
    if not os.environ.get("SENSORD_DATA"):
        print("SENSORD_DATA names no folder of real recordings", file=sys.stderr)
        return 2
    data = Path(os.environ["SENSORD_DATA"])
    lengths = {source.words: belt_m(data, source) for source in datasets.DERIVED}
    lengths["force plate, level, 2.5-4.2 m/s"] = plate_m(data)
    if can_read():
        lengths["streamed run, 2.7-4.0 m/s"] = streamed_m(data)
    for name, found in lengths.items():
        others = [float(other.mean()) for key, other in lengths.items() if key != name]
        off = 100.0 * (np.mean(others) / found.mean() - 1.0)
        spread = 100.0 * found.std(ddof=1) / found.mean()
        print(f"{name:<33} {found.mean():.3f} m ± {spread:4.1f} % (n {len(found):>3}); by the others {off:+5.1f} %")
    print(f"mean {np.mean([found.mean() for found in lengths.values()]):.3f} m; shipped {CONTACT_LENGTH_M} m")
    return 0


if __name__ == "__main__":
    sys.exit(main())
