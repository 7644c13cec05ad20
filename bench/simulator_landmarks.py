"""What the constants of the simulated runner were read off: mean strides, the shock, spread and correlation of strides.

    SENSORD_DATA=... python bench/simulator_landmarks.py

Running: foot poses of two force-plate runs. Walking: a shoe pod with an optical position of the same strides; where the
pod sat is found from the ball of the foot standing still in push-off. Recordings are described in `docs/simulator.md`.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import sys
from pathlib import Path

import numpy as np
from compare_simulator import HEEL, MIDFOOT, derived, gaitmap
from scipy.interpolate import make_interp_spline
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from sensord.model import G_MPS2
from sensord.sim.kinematics import shock
from sensord.sim.template import PIVOT_M, ramp

SHARES = np.concatenate([[-0.18, -0.12, -0.07, -0.035], np.arange(0.0, 1.2, 0.04)])
"""Instants on the swing axis: 0 = terminal contact, 1 = initial contact."""


def table(rows: list[np.ndarray], swing_s: float) -> None:
    """Mean over strides of pitch (rad), forward and upward position (m) and their rates, (instants, 6)."""
    mean = np.mean(rows, axis=0)
    top, rise = mean[:, 4].max(), mean[:, 5].max()
    print("  ms from TC  swing  pitch, deg  rate, deg/s  forward, m/s  (share)  upward, m/s  (share)  height, m")
    for u, r in zip(SHARES, mean, strict=True):
        pitch, rate = np.rad2deg(r[0]), np.rad2deg(r[3])
        print(
            f"  {u * swing_s * 1e3:10.0f} {u:6.2f} {pitch:11.1f} {rate:12.0f} {r[4]:13.2f} {r[4] / top:8.2f}"
            f" {r[5]:12.2f} {r[5] / rise:8.2f} {r[2]:10.3f}"
        )


def pivot(t: np.ndarray, tc: float, ic: float, contact_s: float, window: tuple[float, float]) -> np.ndarray:
    """How far behind the ball the point is whose path is shown: the heel around landing, as in the simulator."""
    comes = ramp((t - tc - window[0] * (ic - tc)) / ((window[1] - window[0]) * (ic - tc)))
    goes = ramp((t - ic - 0.02) / (0.4 * contact_s - 0.02))
    return PIVOT_M * comes * (1.0 - goes) * (t > tc)


def running_strides(folder: Path, side: str, heel_first: bool) -> tuple[list[np.ndarray], float]:
    """Strides of a derived recording, from the true poses."""
    foot = json.loads((folder / "truth.json").read_text())["feet"][side]
    a = np.genfromtxt(folder / f"pose_{side}.csv", delimiter=",", skip_header=1)
    turn = Rotation.from_quat(a[:, [5, 6, 7, 4]]).as_matrix() @ np.array(foot["mount"]["R_FP"]).T
    ball = np.array([foot["foot_geometry_F_m"]["metatarsal_line_x"], 0, 0]) - np.array(foot["pod_position_F_m"])
    at = a[:, 1:4] + turn @ ball
    pitch = np.unwrap(np.arctan2(turn[:, 2, 0], turn[:, 0, 0]))
    pitch -= 2 * np.pi * np.round(np.median(pitch) / (2 * np.pi))
    t, rows, swings = a[:, 0], [], []
    for s in foot["strides"][1:-1]:
        tc, ic = s["ic_s"] + s["contact_time_s"], s["next_ic_s"]
        back = pivot(t, tc, ic, s["contact_time_s"], (0.64, 0.92)) * heel_first
        path = np.column_stack([pitch, at[:, 0] - back * (np.cos(pitch) - 1), at[:, 2] - back * np.sin(pitch)])
        curve = make_interp_spline(t, path, k=5)
        flat = curve(s["ic_s"] + 0.45 * s["contact_time_s"])
        when = tc + SHARES * (ic - tc)
        rows.append(np.column_stack([curve(when) - [0, flat[1], flat[2]], curve.derivative()(when)]))
        swings.append(ic - tc)
    return rows, float(np.mean(swings))


def walking_strides(folder: Path) -> tuple[list[np.ndarray], float]:
    """Strides of the walking recording; the pod's place is fitted so that the ball stands still in push-off."""
    fs = 204.8
    left = gaitmap(folder)[0]
    with (folder / "position_sample.csv").open() as f:
        found = [r for r in csv.reader(f) if r[0] == "left_sensor"]
    with (folder / "stride_events_sample.csv").open() as f:
        events = [r for r in csv.DictReader(f) if r["foot"] == "left"]
    strides = []
    for e in events:
        p = np.array([[float(x) for x in r[3:6]] for r in found if r[1] == e["s_id"]])
        length = np.hypot(*(p[-1] - p[0])[:2]) if len(p) else 0.0
        if not 1.15 < length < 1.55:
            continue  # the first, the last and the turning strides
        start = float(e["start"]) / fs
        t = np.arange(0.0, (len(p) - 1) / 100.0, 0.01)
        rate = np.deg2rad(np.interp(start + t, left.t, left.rate))
        pitch = np.cumsum(rate) * 0.01
        pitch -= pitch[-1] * t / t[-1]
        forward = p[:, :2] @ ((p[-1] - p[0])[:2] / length)
        strides.append(
            (t, pitch, forward[: len(t)], p[: len(t), 2], float(e["tc"]) / fs - start, float(e["ic"]) / fs - start)
        )

    def ball(s: tuple, lever: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        back, up = lever
        _, pitch, x, z, *_ = s
        return x + back * (np.cos(pitch) - 1) + up * np.sin(pitch), z + back * np.sin(pitch) + up * (1 - np.cos(pitch))

    def moved(lever: np.ndarray) -> np.ndarray:
        still = [(ball(s, lever), s[0] < s[4] - 0.06) for s in strides]
        return np.concatenate([axis[where] - axis[0] for both, where in still for axis in both])

    fit = least_squares(moved, [0.15, 0.06])
    print(f"\nwalking: pod {fit.x[0]:.3f} m behind and {fit.x[1]:.3f} m above the ball of the foot; the ball then")
    rms_mm = np.sqrt(np.mean(fit.fun**2)) * 1e3
    print(f"stays within {rms_mm:.1f} mm (RMS) until 60 ms before terminal contact; {len(strides)} strides")
    rows = []
    for s in strides:
        t, pitch, tc, ic = s[0], s[1], s[4], s[5]
        x, z = ball(s, fit.x)
        back = pivot(t, tc, ic, 0.7, (0.40, 0.90))
        path = np.column_stack([pitch, x - back * (np.cos(pitch) - 1), z - back * np.sin(pitch)])
        curve = make_interp_spline(t, path, k=5)
        when = np.clip(tc + SHARES * (ic - tc), 0, t[-1])
        rows.append(np.column_stack([curve(when) - [0, path[0, 1], path[0, 2]], curve.derivative()(when)]))
    return rows, float(np.mean([s[5] - s[4] for s in strides]))


def shock_fit(data: Path) -> None:
    """What the shock added to each contact, as a share of its nominal size, against time from its onset."""
    xs, ys = [], []
    for folder in (HEEL, MIDFOOT):
        signals, truth = derived(data / folder, "impact", 200)
        for k, side in enumerate(("left", "right")):
            foot = truth["feet"][side]
            read = [
                np.genfromtxt(data / folder / f"{v}_200hz_{side}.csv", delimiter=",", skip_header=1, usecols=(1, 2, 3))
                for v in ("impact", "smooth")
            ]
            extra = (read[0] - read[1]) @ np.array(foot["mount"]["R_FP"]).T / G_MPS2
            size = np.linalg.norm(extra, axis=1) * np.sign(extra[:, 2])
            t = signals[k].t / (1 + foot["clock_ppm"] * 1e-6)
            for c in foot["contacts"]:
                if c["ic_s_20N"] is not None and c.get("impact_added_g") is not None:
                    since = t - c["ic_s_20N"] - 0.002
                    near = (since > -0.005) & (since < 0.1)
                    xs.append(since[near])
                    ys.append(size[near] / c["impact_added_g"])
    x, y = np.concatenate(xs), np.concatenate(ys)

    def curve(p: np.ndarray) -> np.ndarray:
        t, w = np.maximum(x, 0.0), 2 * np.pi * p[1]
        cos, sin, q, dq = np.cos(w * t + p[2]), np.sin(w * t + p[2]), t**4, 4 * t**3
        a = p[0]
        second = (12 * t**2 - 2 * a * dq + (a * a - w * w) * q) * cos + (2 * a * w * q - 2 * w * dq) * sin
        return p[3] * 1e4 * second * np.exp(-a * t)

    fit = least_squares(lambda p: curve(p) - y, [300.0, 8.0, -1.3, 1.0], x_scale=[100, 10, 1, 1])
    now = least_squares(lambda p: p[0] * shock(x) - y, [1.0])
    print(f"\nshock ({len(x)} samples): decay {fit.x[0]:.0f} /s, {fit.x[1]:.2f} Hz, phase {fit.x[2]:.3f}; RMS", end=" ")
    print(
        f"{np.sqrt(np.mean(fit.fun**2)):.3f}; as built in: {np.sqrt(np.mean(now.fun**2)):.3f} (share of nominal peak)"
    )


def spread(data: Path) -> None:
    """Scatter and correlation from stride to stride."""
    print("\nstride-to-stride SD, force-plate runs (mean of feet)")
    for folder in (HEEL, MIDFOOT):
        feet = json.loads((data / folder / "truth.json").read_text())["feet"]
        for key in ("stride_time_s", "contact_time_s"):
            pct = [100 * np.std(v) / np.mean(v) for f in feet.values() for v in [[s[key] for s in f["strides"]]]]
            print(f"  {folder.split('/')[0]:14s} {key:16s} {np.mean(pct):.2f} %")
        angle = [f["summary"]["strike_angle_deg_mean_sd"][1] for f in feet.values()]
        print(f"  {folder.split('/')[0]:14s} strike angle     {np.mean(angle):.2f} deg")
    with gzip.open(data / "runscribe_run" / "run_right.csv.gz", "rt") as f:
        rows = list(csv.reader(f))
    names = [c.strip() for c in rows[0]]
    print(
        f"\n{len(rows) - 2} strides of a commercial pod, each less a running mean of 61: robust CV, lag-1 correlation"
    )
    for name in ("step_rate (s/min)", "contact_time (ms)", "footstrike_type", "impact_gs"):
        x = np.array([float(r[names.index(name)]) for r in rows[2:]])
        rest = (x - np.convolve(x, np.full(61, 1 / 61), "same"))[61:-61]
        sd = 1.4826 * np.median(np.abs(rest - np.median(rest)))
        rest = np.clip(rest, -4 * sd, 4 * sd)
        print(f"  {name:20s} {100 * sd / x.mean():6.2f} % {np.mean(rest[1:] * rest[:-1]) / np.mean(rest**2):6.2f}")


def contact_exponent(data: Path) -> None:
    """How contact time falls with speed: one runner, level trials on a force plate."""
    force = np.loadtxt(data / "alcantara_grf" / "grf_bw_500hz.csv", delimiter=",")
    with (data / "alcantara_grf" / "trials.csv").open() as f:
        trials = list(csv.DictReader(f))
    speed, contact = [], []
    for row, trial in zip(force, trials, strict=True):
        if trial["Slope"] != "0":
            continue
        edge = np.diff((row > 0.05).astype(int))
        on, off = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
        off = off[off > on[0]][: len(on)]
        time_s = (off - on[: len(off)]) / 500.0
        speed.append(float(trial["Speed"]))
        contact.append(float(np.mean(time_s[time_s > 0.08])))
    slope = np.polyfit(np.log(speed), np.log(contact), 1)[0]
    print(
        "\ncontact time by speed:",
        ", ".join(f"{c * 1e3:.0f} ms at {v} m/s" for v, c in zip(speed, contact, strict=True)),
    )
    print(f"  contact time goes with speed to the power {slope:.2f}")


def main() -> int:
    """Print everything."""
    where = os.environ.get("SENSORD_DATA")
    if not where or not Path(where).is_dir():
        print("SENSORD_DATA does not name a folder with the recordings", file=sys.stderr)
        return 2
    data = Path(where)
    for folder, heel_first in ((HEEL, True), (MIDFOOT, False)):
        for side in ("left", "right"):
            print(f"\n{folder}, {side}: path of the {'heel in late swing, else ball' if heel_first else 'ball'}")
            table(*running_strides(data / folder, side, heel_first))
    table(*walking_strides(data / "gaitmap_walk"))
    shock_fit(data)
    spread(data)
    contact_exponent(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
