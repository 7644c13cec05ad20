"""How far the body goes over a standing foot, runner by runner; and what a clipped shock does to a stride's length.

`SENSORD_DATA=... python bench/fit_speed.py` prints

1. the contact length (speed x contact time) of the two derived runners (true speed of the belt, contact times as
   sensord finds them), of the force-plate runner of alcantara_grf (level trials, 20 N) and of the streamed run (speed
   told by a Stryd pod), with its spread over strides or trials; then what the mean of the other runners says of each
   one's speed: that is what `sensord.load.speed.CONTACT_LENGTH_M` is worth before anything is learned of a runner;
2. the error of the trajectory's length of the two derived runners when the pod's range is cut to 8 to 15 g, by how long
   the shock was at full scale, once as if it was seen and once as if it was not: where the two cross is what
   `sensord.dsp.impact.BRIEF_NS` stands for.

Four runners are a demonstration, not a population.
"""

from __future__ import annotations

import csv
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from sensord import analyse
from sensord.dsp import impact
from sensord.load.speed import CONTACT_LENGTH_M
from sensord.model import G_MPS2, NS, FloatArray, IntArray, Side
from sensord.validation import datasets
from sensord.validation.contacts import NEAR_RUN_S, matched_strides
from sensord.validation.fit_file import can_read, read_seconds
from sensord.validation.streamed import STRYD_AHEAD_S
from sensord.validation.trial import Trial, find

GRF_HZ = 500.0
GRF_THRESHOLD_BW = 20.0 / (76.8 * 9.80665)
SHORTEST_ROWS = 40
"""Contacts of more than 80 ms (the data folder's README)."""

CUT_G = (8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0)
WHOLE_NS = 250_000_000
"""A stride's way ends in mid-stance, at the latest so long after it (design choice)."""


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


def cut(trial: Trial, at_g: float) -> Trial:
    """The same run on pods of a smaller range."""
    limit = at_g * G_MPS2
    recordings = {}
    for side, recording in trial.recordings.items():
        blocks = []
        for block in recording.blocks:
            flags = (np.abs(block.acc_mps2) >= limit) @ np.array([1, 2, 4])
            acc = np.clip(block.acc_mps2, -limit, limit)
            blocks.append(replace(block, acc_mps2=acc, saturated=flags.astype(np.uint8)))
        recordings[side] = replace(recording, blocks=tuple(blocks))
    return replace(trial, recordings=recordings)


def length_errors(trial: Trial, brief_ns: int) -> dict[tuple[Side, float], tuple[float, float]]:
    """By foot and true contact: how long (ms) the shock that ends a stride was at full scale, error of its length (%).

    A shock at full scale for up to `brief_ns` is taken as seen. Strides with samples at full scale elsewhere are left
    out.
    """
    kept, impact.BRIEF_NS = impact.BRIEF_NS, brief_ns
    try:
        found = find(trial)
    finally:
        impact.BRIEF_NS = kept
    out = {}
    for side in Side:
        blocks = trial.recordings[side].blocks
        t_ns = np.concatenate([b.t_pod_ns for b in blocks])
        clipped_ns = t_ns[np.concatenate([b.saturated for b in blocks]) > 0]
        for stride, true in matched_strides(found, NEAR_RUN_S, [side]):
            length_m, next_ns = stride.trajectory_length_m, stride.next_ic_pod_ns
            if length_m is None or next_ns is None or true.stride_length_m is None:
                continue
            ends = [near(clipped_ns, ns - impact.BEFORE_NS, ns + impact.AFTER_NS) for ns in (stride.ic_pod_ns, next_ns)]
            if near(clipped_ns, stride.ic_pod_ns - impact.BEFORE_NS, next_ns + WHOLE_NS) == sum(ends):
                error = 100.0 * (length_m / true.stride_length_m - 1.0)
                out[side, true.ic_s] = 1000.0 * ends[1] / trial.rate_hz, error
    return out


def near(times_ns: IntArray, first_ns: int, last_ns: int) -> int:
    """How many of these times lie in between."""
    return int(np.count_nonzero((times_ns >= first_ns) & (times_ns < last_ns)))


def clipped_shocks(data: Path) -> None:
    """Part 2."""
    errors: dict[float, list[tuple[float, float]]] = {}
    for source in datasets.DERIVED:
        for variant in ("impact_200hz", "impact_400hz"):
            for at_g in CUT_G:
                trial = cut(datasets.derived(data, source, variant), at_g)
                seen, unseen = length_errors(trial, NS), length_errors(trial, 0)
                for key in seen.keys() & unseen.keys():
                    errors.setdefault(round(seen[key][0], 1), []).append((seen[key][1], unseen[key][1]))
    print("\nlength of strides, % off (root mean square), by how long the shock was at full scale")
    for clipped_ms, both in sorted(errors.items()):
        seen_rms, unseen_rms = np.sqrt(np.mean(np.square(both), axis=0))
        print(f"{clipped_ms:5.1f} ms: as seen {seen_rms:.1f}, as not seen {unseen_rms:.1f} (n {len(both)})")
    print(f"shipped: seen up to {impact.BRIEF_NS / 1e6:g} ms")


def main() -> int:
    """Print the lengths, and each runner by the others; then the clipped shocks."""
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
    clipped_shocks(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
