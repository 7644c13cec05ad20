"""A lab's folder made by the simulator: recordings of both pods, and a truth on a clock of its own."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sensord.model import Side
from sensord.sim.runner import RunnerSimulation, SensorModel, Truth
from sensord.sim.script import Phase

OFFSET_S = 5.25
"""The pods' clocks less the truth's."""
HEAD = 'format = "sensord-lab/1"\nname = "made lab"\nreference = "the simulator"\nkind = "simulated"\n'


def write_recordings(folder: Path, name: str, script: Sequence[Phase], seed: int = 3) -> Truth:
    """IMU CSVs `NAME_left.csv` and `NAME_right.csv`."""
    simulation = RunnerSimulation(script, seed=seed)
    for side in Side:
        foot = simulation.render(side, 200.0, SensorModel(acc_range_g=32.0))
        rows = np.column_stack([foot.t_pod_ns / 1e9, foot.acc_mps2, foot.gyr_radps])
        header = "t_s,acc_x,acc_y,acc_z,gyr_x,gyr_y,gyr_z"
        path = folder / f"{name}_{side.value}.csv"
        np.savetxt(path, rows, delimiter=",", header=header, comments="", fmt="%.6f")
    return simulation.truth


def write_truth(path: Path, truth: Truth, offset_s: float = OFFSET_S, every: int = 1) -> None:
    """The strides of the simulator as a lab would write them; `every`: only some of them."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["foot", "ic_s", "tc_s", "next_ic_s", "stride_length_m", "speed_mps", "strike_angle_deg"])
        for side in Side:
            for s in truth.strides(side)[::every]:
                times = [f"{t - offset_s:.6f}" for t in (s.ic_s, s.tc_s, s.next_ic_s)]
                writer.writerow([side.value, *times, s.stride_length_m, s.speed_mps, s.strike_angle_deg])


def trial(name: str, **keys: object) -> str:
    """One `[[trial]]` of lab.toml."""
    values = {
        "id": name, "runner": "R01", "left": f"{name}_left.csv", "right": f"{name}_right.csv", "truth": f"{name}.csv",
        "offset_s": OFFSET_S, **keys,
    }  # fmt: skip
    lines = [f"{key} = {_toml(value)}\n" for key, value in values.items() if value is not None]
    return "\n[[trial]]\n" + "".join(lines)


def _toml(value: object) -> str:
    return json.dumps(value)  # text, numbers and truth values are written alike in both
