"""The public recordings that sensord is measured on, read from the folder that holds them. None is shipped.

Sources and licences stand in docs/accuracy.md. Every reader raises InputError when a file is not what it should be;
`missing` names what is not there, which is no error.
"""

from __future__ import annotations

import csv
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np

from sensord.errors import InputError, Problem
from sensord.files.imu_csv import read_imu_csv
from sensord.files.imu_recording import ImuRecording, make_recording
from sensord.files.wearable_my_foot import read_wearable_my_foot
from sensord.model import FloatArray, Json, Side
from sensord.validation.rows import Kind, On
from sensord.validation.trial import FootTruth, Trial, TrueStride

VARIANTS = ("smooth_200hz", "impact_100hz", "impact_200hz", "impact_400hz", "hard_400hz", "impact_lossy_200hz")


@dataclass(frozen=True, slots=True)
class DerivedSet:
    """One runner on an instrumented treadmill, with the signals of two pods computed from markers."""

    name: str
    folder: str
    words: str


JDX = DerivedSet("jdx", "jdx_derived/jdx_s999_run0021", "heel striker, 4.12 m/s")
RBDS = DerivedSet("rbds", "rbds_derived/rbds001_run35", "midfoot striker, 3.54 m/s")
DERIVED = (JDX, RBDS)

GAITMAP = "gaitmap_walk"
GAITMAP_HZ = 204.8
GAITMAP_PATH_HZ = 100.0
"""Rate of `position_sample.csv`."""

AT_REST_M = 0.02
AT_REST_S = (0.1, 0.2)
"""Design choices: an optical path that gets no further than this in a tenth of a second (a swinging foot: 20 cm), for
a fifth of one, is that of a foot on the ground. The list's own strides begin and end so."""

BEND = 0.1
"""Design choice: a stride whose path leaves the line from its start to its end by a tenth of its length went round a
bend (the others: 0.06 at most)."""

IPOL = "ipol_walk"
IPOL_HZ = 100.0
TEST_RUN = "wearable_my_foot/test-run.csv"
STILL = "wearable_my_foot/other/still-6000rows.csv"
TWO_DEVICES = "fit/garmin-fr945-rd-and-stryd-treadmill.fit"
RUNSCRIBE = "runscribe_run/run_right.csv.gz"
STRYD = "wearable_my_foot/stryd_ref/stryd-up-and-down.fit"


P = ParamSpec("P")
T = TypeVar("T")


def _checked(read: Callable[Concatenate[Path, P], T]) -> Callable[Concatenate[Path, P], T]:
    """A reader that says which folder holds something else than it should."""

    @functools.wraps(read)
    def checked(data: Path, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return read(data, *args, **kwargs)
        except (KeyError, IndexError, ValueError, OSError) as error:
            found = f"{type(error).__name__}: {error}"
            raise InputError(Problem(str(data), read.__name__, found, "the recordings of docs/accuracy.md")) from error

    return checked


@_checked
def derived(data: Path, source: DerivedSet, variant: str) -> Trial:
    """One variant of a derived set; truth is the force plate at 20 N, on each pod's own clock."""
    folder = data / source.folder
    truth = read_json(folder / "truth.json")
    rate = float(variant.removesuffix("hz").rsplit("_", 1)[1])
    return Trial(
        On(f"{source.name}, {variant.replace('_', ' ').replace('hz', ' Hz')}", Kind.DERIVED),
        source.name,
        rate,
        {side: read_imu_csv(folder / f"{variant}_{side.value}.csv") for side in Side},
        {side: _force_plate(truth["feet"][side.value]) for side in Side},
        float(truth["belt_speed"]["mps"]),
    )


def _force_plate(foot: Json) -> FootTruth:
    ic_s, tc_s = (np.array(foot[name], dtype=np.float64) for name in ("ic_pod_s", "tc_pod_s"))
    landed = [contact for contact in foot["contacts"] if contact["ic_s_20N"] is not None]
    strides = []
    for k, ic in enumerate(ic_s[:-1]):
        later = tc_s[tc_s > ic]
        strides.append(
            TrueStride(
                ic_s=float(ic),
                tc_s=float(later[0]),
                next_ic_s=float(ic_s[k + 1]),
                stride_length_m=foot["strides"][k]["stride_length_m"],
                speed_mps=foot["strides"][k]["speed_mps"],
                strike_angle_deg=landed[k]["strike_angle_deg"],
                force_peak_bw=landed[k]["peak_force_BW"],
            )
        )
    return FootTruth(ic_s, tc_s, tuple(strides))


@_checked
def gaitmap_walk(data: Path) -> Trial:
    """Two shoes walking 2 x 20 m beside optical motion capture; an initial contact ends one stride, begins the next."""
    folder = data / GAITMAP
    table = np.loadtxt(folder / "imu_sample.csv", delimiter=",", skiprows=2)[:, 1:]
    paths = _gaitmap_paths(folder / "position_sample.csv")
    with (folder / "stride_events_sample.csv").open(encoding="utf-8", newline="") as file:
        events = list(csv.DictReader(file))
    recordings, truth = {}, {}
    for side in Side:
        columns = table[:, (0 if side is Side.LEFT else 1) :: 2]
        t_s = np.arange(len(columns)) / GAITMAP_HZ
        recordings[side] = _recording(str(folder), t_s, columns[:, :3], np.radians(columns[:, 3:]))
        own = [row for row in events if row["foot"] == side.value]
        ic = np.unique([float(row[name]) for row in own for name in ("pre_ic", "ic")]) / GAITMAP_HZ
        tc = np.array([float(row["tc"]) for row in own]) / GAITMAP_HZ
        strides, unlisted = [], []
        for row in own:
            path = paths[f"{side.value}_sensor", row["s_id"]]
            length_m, aside_m = chord(path)
            rests = rests_inside(path, GAITMAP_PATH_HZ)
            strides.append(
                TrueStride(
                    float(row["pre_ic"]) / GAITMAP_HZ,
                    float(row["tc"]) / GAITMAP_HZ,
                    float(row["ic"]) / GAITMAP_HZ,
                    None if rests else length_m,  # two steps that are listed as one stride
                    turning=aside_m > BEND * length_m,
                )
            )
            start_s = float(row["start"]) / GAITMAP_HZ
            unlisted += [start_s + at_s for at_s in rests]
        truth[side] = FootTruth(ic, tc, tuple(strides), tuple(unlisted))
    return Trial(On("gaitmap walk, 204.8 Hz", Kind.REAL), "gaitmap", GAITMAP_HZ, recordings, truth)


def _gaitmap_paths(path: Path) -> dict[tuple[str, str], FloatArray]:
    """Where the shoe was in each stride (n, 3), m: from mid-stance to mid-stance, the last axis up."""
    paths: dict[tuple[str, str], list[list[float]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for sensor, stride, _, *position in list(csv.reader(file))[1:]:
            paths.setdefault((sensor, stride), []).append([float(p) for p in position])
    return {key: np.array(positions) for key, positions in paths.items()}


def chord(path_m: FloatArray) -> tuple[float, float]:
    """How far a path (n, 3) has come, level, and how far it lies aside from the line between its ends at most."""
    level = path_m[:, :2] - path_m[0, :2]
    x, y = level[-1]
    length = float(np.hypot(x, y))
    aside = np.abs(level[:, 0] * y - level[:, 1] * x)
    return length, float(aside.max()) / length if length else 0.0


def rests_inside(path_m: FloatArray, rate_hz: float) -> list[float]:
    """When a path (n, 3) comes to rest, s from its start; the rests it begins and ends with do not count."""
    window = round(AT_REST_S[0] * rate_hz)
    still = np.linalg.norm(path_m[window:] - path_m[:-window], axis=1) < AT_REST_M
    edges = np.flatnonzero(np.diff(np.concatenate(([False], still, [False])).astype(np.int8))).tolist()
    rests = [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start > 0 and end < len(still)]
    return [start / rate_hz for start, end in rests if end - start >= AT_REST_S[1] * rate_hz]


@_checked
def ipol_walks(data: Path) -> list[Trial]:
    """Stand, walk 10 m, turn, walk back: five people. The first column counts packets: rows are missing.

    Each file says where the walk begins and ends (its authors take the speed of the 20 m from that), and the turn.
    """
    out = []
    for path in sorted((data / IPOL).glob("*.json")):
        about = read_json(path)
        recordings, truth = {}, {}
        for side, foot, name in ((Side.LEFT, "lf", "LeftFootEvents"), (Side.RIGHT, "rf", "RightFootEvents")):
            file = path.with_name(f"{path.stem}_{foot}.txt")
            rows = np.loadtxt(file, skiprows=2)
            t_s = (rows[:, 0] - rows[0, 0]) / IPOL_HZ
            recordings[side] = _recording(str(file), t_s, rows[:, 1:4], rows[:, 4:7])
            pairs = np.array(about[name], dtype=np.float64) / IPOL_HZ
            tc, ic = pairs[:, 0], pairs[:, 1]
            strides = tuple(
                TrueStride(float(a), float(t), float(b)) for a, t, b in zip(ic[:-1], tc[1:], ic[1:], strict=True)
            )
            truth[side] = FootTruth(ic, tc, strides)
        on, runner = On("ipol walk, 100 Hz", Kind.REAL), f"ipol {about['Subject']}"
        walk_s, turn_s = ((a / IPOL_HZ, b / IPOL_HZ) for a, b in (about["TrialBoundaries"], about["UTurnBoundaries"]))
        out.append(Trial(on, runner, IPOL_HZ, recordings, truth, walk_s=walk_s, turn_s=turn_s))
    return out


def test_run(data: Path) -> ImuRecording:
    """A real pod streamed over Bluetooth during a run of 102 s: 11 % of its samples lost, one axis clips."""
    return read_wearable_my_foot(data / TEST_RUN)


def missing(data: Path, names: tuple[str, ...]) -> list[str]:
    """Which of these files or folders are not in the data folder."""
    return [name for name in names if not (data / name).exists()]


def read_json(path: Path) -> Json:
    """A JSON file; InputError with the place when it is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(Problem(str(path), "", f"no JSON ({error})", "JSON")) from None
    except OSError as error:
        raise InputError(Problem(str(path), "", str(error.strerror), "a file that can be read")) from None


def _recording(file: str, t_s: FloatArray, acc_mps2: FloatArray, gyr_radps: FloatArray) -> ImuRecording:
    rows = np.column_stack((t_s, acc_mps2, gyr_radps))
    return make_recording(file, rows, np.arange(1, len(rows) + 1))
