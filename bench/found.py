"""What is found on the real recordings, counted against their truth: `python bench/found.py [--write]`.

Reads the folder named by SENSORD_DATA. With --write the table goes into README.md between its marks.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from pathlib import Path

import numpy as np

from sensord import analyse
from sensord.analysis import Analysis
from sensord.model import Activity, FloatArray, Side, Stride

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- found:begin (written by `python bench/found.py --write`) -->", "<!-- found:end -->"
NEAR_S = 0.06
"""A contact counts as found when an IC lies this near to the force plate's (a third of the shortest contact)."""
NEAR_WALK_S = 0.1
VARIANTS = ("smooth_200hz", "impact_100hz", "impact_200hz", "impact_400hz", "hard_400hz", "impact_lossy_200hz")

Row = tuple[str, str, str, str]


def contacts_s(strides: tuple[Stride, ...], side: Side) -> FloatArray:
    """All initial contacts of one foot, the last one as `next_ic` of the last stride."""
    own = [s for s in strides if s.foot is side]
    times = {s.ic_pod_ns for s in own} | {s.next_ic_pod_ns for s in own if s.next_ic_pod_ns is not None}
    return np.array(sorted(times), dtype=np.float64) / 1e9


def matched(found_s: FloatArray, true_s: FloatArray, near_s: float) -> tuple[int, int]:
    """How many of the true contacts were found, and how many found ones are nobody's."""
    hit = sum(bool(np.any(np.abs(found_s - t) <= near_s)) for t in true_s)
    extra = sum(not np.any(np.abs(true_s - f) <= near_s) for f in found_s)
    return hit, extra


def derived(data: Path, name: str, folder: str) -> list[Row]:
    """One of the two sets derived from markers, with a force plate's contacts as truth."""
    truth = json.loads((data / folder / "truth.json").read_text(encoding="utf-8"))
    rows: list[Row] = []
    for variant in VARIANTS:
        files = {side: data / folder / f"{variant}_{side.value}.csv" for side in Side}
        result = analyse(left=files[Side.LEFT], right=files[Side.RIGHT])
        hits = extras = total = 0
        for side in Side:
            true_s = np.array(truth["feet"][side.value]["ic_pod_s"])
            hit, extra = matched(contacts_s(result.strides, side), true_s, NEAR_S)
            hits, extras, total = hits + hit, extras + extra, total + len(true_s)
        rows.append(
            (
                f"{name}, {variant.replace('_', ' ')}",
                "derived, both feet",
                f"{total} contacts",
                f"{hits} found, {extras} invented",
            )
        )
    return rows


def gaitmap_walk(data: Path) -> Row:
    """Two shoes walking 2 x 20 m; optical truth at 204.8 Hz."""
    folder, rate_hz = data / "gaitmap_walk", 204.8
    table = np.genfromtxt(folder / "imu_sample.csv", delimiter=",", skip_header=2)[:, 1:]
    t_s = np.arange(len(table)) / rate_hz
    feet = {side: table[:, 0 if side is Side.LEFT else 1 :: 2] for side in Side}
    result = analyse(**{side.value: (t_s, x[:, :3], np.radians(x[:, 3:])) for side, x in feet.items()})
    with (folder / "stride_events_sample.csv").open(encoding="utf-8", newline="") as file:
        truth = [(Side(r["foot"]), float(r["ic"]) / rate_hz) for r in csv.DictReader(file)]
    hits = extras = 0
    for side in Side:
        hit, extra = matched(
            contacts_s(result.strides, side), np.array([t for s, t in truth if s is side]), NEAR_WALK_S
        )
        hits, extras = hits + hit, extras + extra
    walking = sum(s.activity is Activity.WALK for s in result.strides)
    found = f"{hits} found, {extras} outside the reference; {walking} of {len(result.strides)} strides are walking"
    return "gaitmap walk, 204.8 Hz", "real, both feet", f"{len(truth)} reference strides", found


def one_pod(data: Path) -> list[Row]:
    """A real pod on one foot: 11 % of its samples lost, clipping; and the same kind of pod lying still."""
    folder = data / "wearable_my_foot"
    run = analyse(left=folder / "test-run.csv", layout="wearable")
    part = run.summary["feet"]["left"]["run"]
    cadence = "no cadence" if part["cadence_spm"] is None else f"cadence {part['cadence_spm']:.1f} spm"
    still = analyse(left=folder / "other" / "still-6000rows.csv", layout="wearable")
    given = still.summary["inputs"]["left"]
    return [
        (
            "wearable-my-foot run, 100 Hz, 11 % lost",
            "real, one foot",
            "141 by hand, 140.5 by Stryd",
            f"{_count(run)} strides, {cadence}",
        ),
        (
            "the same pod at rest",
            "real",
            "no stride",
            f"{_count(still)} strides; {given['backward_steps']} backward steps and {given['repeats']} repeats counted",
        ),
    ]


def _count(result: Analysis) -> int:
    return len(result.strides)


def table(data: Path) -> str:
    """The table as Markdown."""
    rows = [
        *derived(data, "runner 1 (heel, 4.1 m/s)", "jdx_derived/jdx_s999_run0021"),
        *derived(data, "runner 2 (midfoot, 3.5 m/s)", "rbds_derived/rbds001_run35"),
        *one_pod(data),
        gaitmap_walk(data),
    ]
    lines = ["| recording | kind | truth | found |", "|---|---|---|---|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def replaced(text: str, found: str) -> str:
    """README text with the table between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{found}\n{END}{after}"


def main() -> int:
    """Print the table, or put it into the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    folder = os.environ.get("SENSORD_DATA")
    if not folder:
        print("SENSORD_DATA names no folder of real recordings", file=sys.stderr)
        return 2
    found = table(Path(folder))
    print(found)
    if parser.parse_args().write:
        readme = ROOT / "README.md"
        readme.write_text(replaced(readme.read_text(encoding="utf-8"), found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
