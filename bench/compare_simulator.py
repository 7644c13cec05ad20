"""The simulated runner beside real recordings: shape of a stride, spectra, ranges.

    SENSORD_DATA=... python bench/compare_simulator.py [--pictures docs/img]

For every recording a matching gait is rendered with the same sampling rate, mount and cutting rule. Prints the numbers
side by side; with `--pictures` also draws mean and standard deviation over strides and Welch spectra. What the
simulator's constants were read off is printed by `bench/simulator_landmarks.py`; the recordings are described in
`docs/simulator.md`.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from scipy.signal import butter, find_peaks, sosfiltfilt, welch
from scipy.spatial.transform import Rotation

from sensord.model import G_MPS2, Side
from sensord.sim.runner import Gait, Move, RunnerSimulation, SensorModel, Stand, running, walking

mpl.use("Agg")
GRID = np.linspace(0.0, 100.0, 201)


@dataclass
class Signal:
    """One foot: time (s), pitch rate (deg/s, toe up), resultant specific force (g), and where its strides are cut."""

    t: np.ndarray
    rate: np.ndarray
    acc: np.ndarray
    ic: np.ndarray = field(default_factory=lambda: np.zeros(0))
    tc: np.ndarray = field(default_factory=lambda: np.zeros(0))


@dataclass
class Case:
    """A recording and the simulated twin of it."""

    name: str
    title: str
    real: list[Signal]
    twin: list[Signal]
    rate_hz: float
    source: str
    cut: str  # "contact" = initial contact to initial contact by truth; "push" = between lowest pitch rates


# ------------------------------------------------------------------------------------------------ recordings


def derived(folder: Path, variant: str, rate_hz: int) -> tuple[list[Signal], dict]:
    """A force-plate run turned into pod signals; events by force plate (20 N)."""
    truth = json.loads((folder / "truth.json").read_text())
    out = []
    for side in ("left", "right"):
        foot = truth["feet"][side]
        a = np.genfromtxt(folder / f"{variant}_{rate_hz}hz_{side}.csv", delimiter=",", skip_header=1, usecols=range(7))
        a[:, 1:4] -= np.array(foot["acc_offset_mps2"])
        a[:, 4:7] -= np.array(foot["gyro_bias_rads"])
        r = np.array(foot["mount"]["R_FP"])
        rate = -np.rad2deg((a[:, 4:7] @ r.T)[:, 1])
        acc = np.linalg.norm(a[:, 1:4], axis=1) / G_MPS2
        out.append(Signal(a[:, 0], rate, acc, np.array(foot["ic_pod_s"]), np.array(foot["tc_pod_s"])))
    return out, truth


def pitch_axis(acc: np.ndarray, gyr: np.ndarray, still: slice) -> np.ndarray:
    """The pod axis the foot pitches about: level at rest, and most of the turning; sign set by the caller."""
    up = acc[still].mean(axis=0)
    up /= np.linalg.norm(up)
    level = gyr - np.outer(gyr @ up, up)
    return np.linalg.eigh(np.cov(level.T))[1][:, -1]


def gaitmap(folder: Path) -> list[Signal]:
    """Walking, both shoes, 204.8 Hz; events by an optical system."""
    fs = 204.8
    a = np.genfromtxt(folder / "imu_sample.csv", delimiter=",", skip_header=2)
    with (folder / "stride_events_sample.csv").open() as f:
        events = list(csv.DictReader(f))
    out = []
    for k, side in enumerate(("left", "right")):
        acc, gyr = a[:, 1 + k : 7 : 2], a[:, 7 + k : 13 : 2]
        mine = [e for e in events if e["foot"] == side and float(e["ic"]) - float(e["pre_ic"]) < 1.5 * fs]
        ic = np.array([[float(e["pre_ic"]), float(e["ic"])] for e in mine]) / fs
        tc = np.array([float(e["tc"]) for e in mine]) / fs
        t = np.arange(len(a)) / fs
        rate = gyr @ pitch_axis(acc, gyr, slice(0, 200))
        if np.mean([np.interp(x - 0.03, t, rate) for x in tc]) > 0:
            rate = -rate
        out.append(Signal(t, rate, np.linalg.norm(acc, axis=1) / G_MPS2, ic, tc))
    return out


def phone_streamed(folder: Path) -> list[Signal]:
    """One pod streamed at about 100 Hz with 11 % of its samples lost; no events."""
    a = np.genfromtxt(folder / "test-run.csv", delimiter=",", skip_header=1)
    t, first = np.unique((a[:, 0] - a[0, 0]) / 1000.0, return_index=True)
    a = a[first]
    rate = a[:, 4:7] @ pitch_axis(a[:, 1:4], a[:, 4:7], slice(0, 80))
    acc = np.linalg.norm(a[:, 1:4], axis=1)
    running_part = (t > 8) & (t < 95)
    s = Signal(t, rate, acc)
    flat_then_down = _turns_down_after_quiet(s.t[running_part], s.rate[running_part])
    return [Signal(t, rate if flat_then_down else -rate, acc)]


def _turns_down_after_quiet(t: np.ndarray, rate: np.ndarray) -> bool:
    """Whether the first large turning after the flat (quiet) part of each stride is toe down, as it has to be."""
    grid = np.arange(t[0], t[-1], 0.005)
    r = np.interp(grid, t, rate)
    quiet = sosfiltfilt(butter(2, 5.0, fs=200.0, output="sos"), np.abs(r))
    lows = find_peaks(-quiet, distance=100)[0]
    after = [r[i : i + 30].mean() for i in lows if i + 30 < len(r)]
    return float(np.median(after)) < 0


# ------------------------------------------------------------------------------------------------ simulated twins


def twin(gait: Gait, seconds: float, rate_hz: float, pods: dict[Side, SensorModel], cut: str) -> list[Signal]:
    """The same length of the same gait, read by the same kind of pod."""
    s = RunnerSimulation([Stand(3.0), Move(seconds + 6.0, gait), Stand(2.0)], seed=7)
    out = []
    for side, pod in pods.items():
        foot = s.render(side, rate_hz, pod)
        t = foot.t_pod_ns / 1e9
        keep = (t > 6.0) & (t < 6.0 + seconds)
        rate = -np.rad2deg((foot.gyr_radps @ foot.mount.T)[:, 1])
        acc = np.linalg.norm(foot.acc_mps2, axis=1) / G_MPS2
        signal = Signal(t[keep], rate[keep], acc[keep])
        if cut == "contact":
            inside = [x for x in s.truth.strides(side) if x.ic_s > 6.1 and x.next_ic_s < 5.9 + seconds]
            signal.ic = np.array([x.ic_s for x in inside] + [inside[-1].next_ic_s])
            signal.tc = np.array([x.tc_s for x in inside])
        out.append(signal)
    return out


def pod_like(truth: dict, side: Side) -> SensorModel:
    """The pod of a derived recording, without the offsets (they are taken off the recording too)."""
    foot = truth["feet"][side.value]
    x, y, z = foot["pod_position_F_m"]
    r = (
        Rotation.from_matrix(np.array(foot["mount"]["R_FP"])).as_matrix().tolist()
    )  # printed with six digits: made exact
    zero = (0.0, 0.0, 0.0)
    return SensorModel(
        mount=tuple(tuple(row) for row in r), position_m=(x, y, z), acc_offset_mps2=zero, gyr_bias_radps=zero
    )


HEEL = "jdx_derived/jdx_s999_run0021"
MIDFOOT = "rbds_derived/rbds001_run35"


def cases(data: Path) -> list[Case]:
    """Recordings with their twins: what is asked of the simulator is only what a person would know of the run."""
    zero = (0.0, 0.0, 0.0)
    # where the pod sits against the ball of the foot: 19 cm back, 4 cm up keeps the ball still in push-off
    shoe = SensorModel(position_m=(0.014, 0.0, 0.037), acc_offset_mps2=zero, gyr_bias_radps=zero, rattle=1.0)
    lossy = SensorModel(acc_offset_mps2=zero, gyr_bias_radps=zero, loss=0.11, packet_samples=1, rattle=1.0)
    walk = walking(1.23, cadence_spm=110.0, contact_time_s=0.737, strike_angle_deg=28.0, impact_g=12.0)
    streamed = running(
        3.5,
        cadence_spm=170.0,
        contact_time_s=0.21,
        strike_angle_deg=20.0,
        toe_off_angle_deg=-46.0,
        impact_g=20.0,
        impact_stretch=2.0,
    )
    return [
        _derived_case(data, "heel", HEEL, "heel striker, 4.12 m/s", "J. Davis, demo-force-processing (MIT)", -56.0),
        _derived_case(data, "midfoot", MIDFOOT, "midfoot striker, 3.54 m/s", "Fukuchi 2017, PeerJ 5:e3298", -50.0),
        Case(
            "walk",
            "walking, 1.23 m/s",
            gaitmap(data / "gaitmap_walk"),
            twin(walk, 40.0, 204.8, dict.fromkeys(Side, shoe), "contact"),
            204.8,
            "recorded: shoe pods, events by an optical system; gaitmap sample data (MIT)",
            "contact",
        ),
        Case(
            "streamed",
            "running, about 3.5 m/s, streamed over BLE with 11 % of samples lost",
            phone_streamed(data / "wearable_my_foot"),
            twin(streamed, 60.0, 100.0, {Side.RIGHT: lossy}, "push"),
            100.0,
            "recorded: one shoe pod, no events; fuzzylabs wearable-my-foot (Apache-2.0)",
            "push",
        ),
    ]


def _derived_case(data: Path, name: str, folder: str, title: str, source: str, toe_off_deg: float) -> Case:
    real, truth = derived(data / folder, "impact", 200)
    summaries = [truth["feet"][s]["summary"] for s in ("left", "right")]

    def mean(key: str) -> float:
        return float(np.mean([np.ravel(s[key])[0] for s in summaries]))

    gait = running(
        truth["belt_speed"]["mps"],
        cadence_spm=120.0 / mean("stride_time_s_mean"),
        contact_time_s=mean("contact_time_ms_mean_sd") / 1000.0,
        strike_angle_deg=mean("strike_angle_deg_mean_sd"),
        impact_g=float(np.mean([np.mean(_peaks(s)) for s in real])),
        toe_off_angle_deg=toe_off_deg,
        swing_angle_deg=-100.0,
    )
    simulated = twin(gait, 25.0, 200.0, {side: pod_like(truth, side) for side in Side}, "contact")
    note = f"recorded: pod signals derived from markers, events by force plate (20 N); {source}"
    return Case(name, title, real, simulated, 200.0, note, "contact")


# ------------------------------------------------------------------------------------------------ measures


def strides(s: Signal, cut: str) -> list[tuple[float, float, float]]:
    """(start, landmark inside, end) of every whole stride. Contact: IC, TC, next IC. Push: lowest pitch rates."""
    if cut == "push":
        pushes = _pushes(s)
        return [(a, float("nan"), b) for a, b in itertools.pairwise(pushes) if 0.5 < b - a < 1.0]
    pairs = s.ic if s.ic.ndim == 2 else np.column_stack([s.ic[:-1], s.ic[1:]])
    out = []
    for a, b in pairs:
        inside = s.tc[(s.tc > a) & (s.tc < b)]
        if len(inside) == 1 and b - a < 1.5:
            out.append((float(a), float(inside[0]), float(b)))
    return out


def _pushes(s: Signal) -> np.ndarray:
    grid = np.arange(s.t[0], s.t[-1], 0.005)
    smooth = sosfiltfilt(butter(2, 12.0, fs=200.0, output="sos"), np.interp(grid, s.t, s.rate))
    tops = find_peaks(smooth, distance=100, height=200)[0]
    return np.array([grid[i - 100 + np.argmin(smooth[i - 100 : i])] for i in tops if i >= 100])


def normalised(s: Signal, cut: str, channel: str) -> np.ndarray:
    """Every stride on a 0..100 % axis, (strides, grid); with contacts known, TC sits at its mean share in all."""
    rows = strides(s, cut)
    value = getattr(s, channel)
    share = np.mean([(c - a) / (b - a) for a, c, b in rows]) * 100.0 if cut == "contact" else 50.0
    out = []
    for a, c, b in rows:
        middle = c if cut == "contact" else (a + b) / 2.0
        t = np.interp(GRID, [0.0, share, 100.0], [a, middle, b])
        out.append(np.interp(t, s.t, value))
    return np.array(out)


def _peaks(s: Signal) -> np.ndarray:
    ic = s.ic[:, 0] if s.ic.ndim == 2 else s.ic
    return np.array([s.acc[(s.t > x - 0.02) & (s.t < x + 0.06)].max() for x in ic if s.t[0] < x < s.t[-1] - 0.1])


def measures(s: Signal, cut: str) -> dict[str, float]:
    """Medians over strides."""
    found: dict[str, list[float]] = {}

    def put(name: str, value: float) -> None:
        found.setdefault(name, []).append(float(value))

    for a, c, b in strides(s, cut):
        inside = (s.t >= a - 0.005) & (s.t < b - 0.005)
        t, rate, acc = s.t[inside], s.rate[inside], s.acc[inside]
        put("stride time, ms", (b - a) * 1000)
        put("peak swing pitch rate, deg/s", rate.max())
        put("lowest pitch rate, deg/s", rate.min())
        put("pitch rate RMS, deg/s", np.sqrt(np.mean(rate**2)))
        put("peak acceleration, g", acc.max())
        put("acceleration RMS, g", np.sqrt(np.mean(acc**2)))
        put("acceleration median, g", np.median(acc))
        if cut != "contact":
            continue
        late = (t > a + 0.5 * (c - a)) & (t < c + 0.02)
        early = (t > c + 0.04) & (t < c + 0.5 * (b - c))
        land = t < a + 0.06
        flat = (t > a + 0.35 * (c - a)) & (t < a + 0.45 * (c - a))
        put("push-off lowest pitch rate, deg/s", rate[late].min())
        put("early-swing lowest pitch rate, deg/s", rate[early].min())
        put("landing lowest pitch rate, deg/s", rate[land].min())
        put("push-off lowest, ms before TC", (c - _dip(t, rate, late)) * 1000)
        put("landing lowest, ms after IC", (_dip(t, rate, land) - a) * 1000)
        put("flat-foot pitch rate, deg/s", np.median(rate[flat]) if flat.any() else np.nan)
        put("flat-foot acceleration, g", np.median(acc[flat]) if flat.any() else np.nan)
    return {k: float(np.median(v)) for k, v in found.items()}


def _dip(t: np.ndarray, rate: np.ndarray, where: np.ndarray) -> float:
    """Time of the lowest value in `where`, by a parabola through it and its neighbours."""
    i = int(np.flatnonzero(where)[np.argmin(rate[where])])
    if not 0 < i < len(t) - 1:
        return float(t[i])
    y0, y1, y2 = rate[i - 1 : i + 2]
    bend = y0 - 2 * y1 + y2
    return float(t[i] + (t[1] - t[0]) * 0.5 * (y0 - y2) / bend) if bend > 0 else float(t[i])


def spectrum(s: Signal, channel: str, rate_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Welch over the strides only."""
    rows = [r for r in (s.ic.ravel(),) if len(r)] or [_pushes(s)]
    start, stop = rows[0].min(), rows[0].max()
    # from a sample on, so that a regular recording is taken as it is
    grid = np.arange(s.t[np.searchsorted(s.t, start)], min(stop, s.t[-1]), 1.0 / rate_hz)
    value = np.interp(grid, s.t, getattr(s, channel))
    return welch(value - value.mean(), rate_hz, nperseg=int(2.56 * rate_hz))


# ------------------------------------------------------------------------------------------------ output


def report(case: Case) -> None:
    """Real and simulated side by side."""
    rows = [[measures(s, case.cut) for s in group] for group in (case.real, case.twin)]
    counts = [sum(len(strides(s, case.cut)) for s in group) for group in (case.real, case.twin)]
    print(f"\n{case.name}: {case.title}; strides {counts[0]} real, {counts[1]} simulated")
    print(f"  {'median over strides':38s} {'real':>8s} {'simulated':>10s} {'ratio':>6s}")
    for key in rows[0][0]:
        a, b = (np.mean([m[key] for m in group]) for group in rows)
        ratio = f"{b / a:6.2f}" if abs(a) > 1e-9 and "ms" not in key else f"{b - a:+5.1f}ms" if "ms" in key else ""
        print(f"  {key:38s} {a:8.1f} {b:10.1f} {ratio:>6s}")
    for channel in ("rate", "acc"):
        both = (case.real, case.twin)
        ends = [np.mean([normalised(s, case.cut, channel).mean(axis=0) for s in group], axis=0) for group in both]
        print(f"  correlation of mean strides, {channel:4s}       {np.corrcoef(ends[0], ends[1])[0, 1]:8.2f}")


def draw(case: Case, folder: Path) -> None:
    """Mean and SD of a stride, and spectra: one picture a recording."""
    fig, axes = plt.subplots(2, 2, figsize=(10, 6.4), width_ratios=(1.6, 1))
    for row, (channel, label) in enumerate((("rate", "pitch rate, deg/s (toe up)"), ("acc", "acceleration, g"))):
        for group, colour, name in ((case.real, "#1f4e79", "recorded"), (case.twin, "#d1495b", "simulated")):
            all_rows = np.concatenate([normalised(s, case.cut, channel) for s in group])
            mean, sd = all_rows.mean(axis=0), all_rows.std(axis=0)
            axes[row, 0].plot(GRID, mean, color=colour, label=f"{name} (n={len(all_rows)})", lw=1.6)
            axes[row, 0].fill_between(GRID, mean - sd, mean + sd, color=colour, alpha=0.18, lw=0)
            f, p = spectrum(group[0], channel, case.rate_hz)
            axes[row, 1].semilogy(f[1:], p[1:], color=colour, lw=1.2)
        axes[row, 0].set_ylabel(label)
        axes[row, 1].set_ylabel("power density, " + ("(deg/s)²/Hz" if channel == "rate" else "g²/Hz"))
        for ax in axes[row]:
            ax.grid(alpha=0.3)
    if case.cut == "contact":
        tc = np.mean([np.mean([(c - a) / (b - a) for a, c, b in strides(s, case.cut)]) for s in case.real]) * 100
        for ax in axes[:, 0]:
            ax.axvline(tc, color="#666666", lw=0.8, ls="--")
        axes[0, 0].annotate("toe-off", (tc, axes[0, 0].get_ylim()[1]), fontsize=8, va="top", ha="left", color="#444444")
    axes[0, 0].legend(fontsize=8, loc="lower right")
    start = "initial contact" if case.cut == "contact" else "push-off"
    axes[1, 0].set_xlabel(f"stride, % ({start} to {start})")
    axes[1, 1].set_xlabel("frequency, Hz")
    fig.suptitle(case.title, fontsize=11)
    fig.text(0.005, 0.005, case.source, fontsize=6.5, color="#555555")
    fig.tight_layout()
    fig.savefig(folder / f"simulator-{case.name}.png", dpi=90)
    plt.close(fig)


def main() -> int:
    """Compare, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, help="folder to draw into")
    args = parser.parse_args()
    where = os.environ.get("SENSORD_DATA")
    if not where or not Path(where).is_dir():
        print("SENSORD_DATA does not name a folder with the recordings: nothing to compare with", file=sys.stderr)
        return 2
    data = Path(where)
    for case in cases(data):
        report(case)
        if args.pictures:
            args.pictures.mkdir(parents=True, exist_ok=True)
            draw(case, args.pictures)
    begin = time.perf_counter()
    simulation = RunnerSimulation([Stand(3.0), Move(600.0, running(2.8)), Stand(3.0)])
    ready = time.perf_counter()
    simulation.render(Side.LEFT, 200.0)
    done = time.perf_counter()
    print(f"\n10 min of running laid out in {ready - begin:.2f} s, one foot read at 200 Hz in {done - ready:.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
