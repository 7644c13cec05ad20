"""Files as phone apps write them, made of a simulated foot: for tests of what reads them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sensord.model import G_MPS2, NS, FloatArray, IntArray, Side
from sensord.sim.runner import RunnerSimulation
from sensord.sim.script import Run, Stand
from sensord.sim.sensor import SensorModel

BEGUN_NS = 1_700_000_000 * NS
"""When the first row was sampled."""

RATE_HZ = 120.0
"""A DOT's rate when it records; the others can do it, too."""

ADDRESS = {Side.LEFT: "C42732BE255C", Side.RIGHT: "D01122334455"}
"""Of pods that are named by theirs."""


@functools.cache
def foot(side: Side, seconds: float = 10.0) -> tuple[IntArray, FloatArray, FloatArray]:
    """Times (n,) ns from 0, m/s² (n, 3), rad/s (n, 3): standing, running, standing."""
    simulation = RunnerSimulation((Stand(3.0), Run(seconds, speed_mps=2.9), Stand(3.0)), seed=5)
    samples = simulation.render(side, RATE_HZ, SensorModel(acc_range_g=16.0))
    return samples.t_pod_ns - samples.t_pod_ns[0], samples.acc_mps2, samples.gyr_radps


def _write(path: Path, head: list[str], rows: list[str]) -> Path:
    path.write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")
    return path


def imu_csv(folder: Path, side: Side, begun_ns: int = BEGUN_NS) -> list[Path]:
    t_ns, acc, gyr = foot(side)
    rows = np.column_stack([t_ns / NS, acc, gyr])
    path = folder / f"{side}.csv"
    np.savetxt(path, rows, delimiter=",", header="t_s,acc_x,acc_y,acc_z,gyr_x,gyr_y,gyr_z", comments="", fmt="%.9f")
    return [path]


def metabase(folder: Path, side: Side, begun_ns: int = BEGUN_NS) -> list[Path]:
    """Two files; the gyroscope begins 40 ms later. Times are rounded to a millisecond, of 8.3."""
    t_ns, acc, gyr = foot(side)
    paths = []
    for sensor, unit, values, late_ns in (
        ("Accelerometer", "g", acc / G_MPS2, 0),
        ("Gyroscope", "deg/s", np.rad2deg(gyr), 40_000_000),
    ):
        kept = t_ns >= late_ns
        ms = np.rint((begun_ns + t_ns[kept]) / 1e6).astype(np.int64)
        head = ["epoch (ms),time (01:00),elapsed (s)," + ",".join(f"{axis}-axis ({unit})" for axis in "xyz")]
        rows = [
            f"{at},2023-11-14T23:13:20.000,{(at - ms[0]) / 1000:.3f},{x:.3f},{y:.3f},{z:.3f}"
            for at, (x, y, z) in zip(ms.tolist(), values[kept].tolist(), strict=True)
        ]
        name = f"{side}_MetaWear_2023-11-14T22.13.20.000_{ADDRESS[side]}_{sensor}_{RATE_HZ:.3f}Hz_1.4.4.csv"
        paths.append(_write(folder / name, head, rows))
    return paths


def polar(folder: Path, side: Side, begun_ns: int = BEGUN_NS, *, comma: bool = False) -> list[Path]:
    """Two files; the sensor's clock says 2019."""
    t_ns, acc, gyr = foot(side)
    paths = []
    for sensor, unit, values in (("ACC", "mg", acc * 1000 / G_MPS2), ("GYRO", "dps", np.rad2deg(gyr))):
        head = ["Phone timestamp;sensor timestamp [ns];" + ";".join(f"{axis} [{unit}]" for axis in "XYZ")]
        when = np.datetime_as_string(np.datetime64(begun_ns // 1_000_000, "ms"))
        rows = [
            f"{when};{599_616_000_000_000_000 + at};{x:.3f};{y:.3f};{z:.3f}"
            for at, (x, y, z) in zip(t_ns.tolist(), values.tolist(), strict=True)
        ]
        if comma:
            rows = [row.replace(".", ",") if "." in row else row for row in rows]
            rows = [when + row[len(when) :] for row in rows]
        name = f"Polar_Sense_{ADDRESS[side][:8]}_20231114_221320_{sensor}.txt"
        paths.append(_write(folder / name, head, rows))
    return paths


def dot(folder: Path, side: Side, begun_ns: int = BEGUN_NS, *, synced: bool = True) -> list[Path]:
    """One file; its clock wraps in the middle, the first row is all zeros."""
    t_ns, acc, gyr = foot(side)
    us = (t_ns // 1000 + 2**32 - 8_000_000) % 2**32
    when = np.datetime_as_string(np.datetime64(begun_ns // 1_000_000 + 3_600_000, "ms")).replace("T", " ")
    head = [
        "sep=,", f"DeviceTag:,{side}", "FirmwareVersion:,2.3.0", "AppVersion:,2023.6.0",
        f"SyncStatus:,{'Synced' if synced else 'Un-synced'}", "OutputRate:,120Hz", "FilterProfile:,General",
        "Measurement Mode:,Rate quantities", f"StartTime:,{when} +0100", "© Movella Technologies B. V. 2005-2023", "",
        "PacketCounter,SampleTimeFine,Acc_X,Acc_Y,Acc_Z,Gyr_X,Gyr_Y,Gyr_Z",
    ]  # fmt: skip
    values = np.column_stack([acc, np.rad2deg(gyr)])
    values[0] = 0.0
    rows = [
        f"{n}, {at}, " + ", ".join(f"{v:.6f}" for v in row)
        for n, (at, row) in enumerate(zip(us.tolist(), values.tolist(), strict=True))
    ]
    return [_write(folder / f"{side}_{ADDRESS[side]}_20231114_221320.csv", head, rows)]


def consensys(folder: Path, side: Side, begun_ns: int = BEGUN_NS, *, delimiter: str = ",") -> list[Path]:
    """One file with three lines above its rows, each line with an empty cell at its end."""
    t_ns, acc, gyr = foot(side)
    pod = f"Shimmer_{ADDRESS[side][-4:]}"
    names = [f"{pod}_{kind}_CAL" for kind in ("Timestamp_Unix", "Accel_WR_X", "Accel_WR_Y", "Accel_WR_Z")]
    names += [f"{pod}_Gyro_{axis}_CAL" for axis in "XYZ"]
    units = ["ms", *["m/(s^2)"] * 3, *["deg/s"] * 3]
    rows = [
        [f"{(begun_ns + at) / 1e6:.4f}", *(f"{v:.6f}" for v in values)]
        for at, values in zip(t_ns.tolist(), np.column_stack([acc, np.rad2deg(gyr)]).tolist(), strict=True)
    ]
    lines = [delimiter.join([*cells, ""]) for cells in (names, units, *rows)]
    return [_write(folder / f"Session1_{pod}_Calibrated_SD.csv", [f'"sep={delimiter}"'], lines)]


APPS: dict[str, Callable[..., list[Path]]] = {
    "MetaBase": metabase, "Polar Sensor Logger": polar, "Movella DOT": dot, "Shimmer Consensys": consensys,
}  # fmt: skip
