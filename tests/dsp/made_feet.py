"""Feet for the tests: samples cut into blocks, and what an analyser says about them."""

from __future__ import annotations

import csv
import itertools
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sensord.dsp.foot import FootAnalyser, Item
from sensord.model import NS, FloatArray, FootNote, SampleBlock, Side, Stride


def say(text: str) -> None:
    """Shown with `pytest -s`, and when a test fails."""
    sys.stdout.write(text + "\n")


def block(
    t_s: FloatArray, acc: FloatArray, gyr: FloatArray, *, segment: int = 0, saturated: FloatArray | None = None
) -> SampleBlock:
    """Samples as one block."""
    return SampleBlock(
        t_pod_ns=np.rint(t_s * NS).astype(np.int64),
        acc_mps2=np.ascontiguousarray(acc),
        gyr_radps=np.ascontiguousarray(gyr),
        saturated=np.zeros(len(t_s), np.uint8) if saturated is None else saturated,
        segment=segment,
    )


def part(whole: SampleBlock, rows: slice | np.ndarray, **changes: object) -> SampleBlock:
    """Some rows of a block."""
    names = ("t_pod_ns", "acc_mps2", "gyr_radps", "saturated")
    return replace(whole, **{name: getattr(whole, name)[rows] for name in names}, **changes)


def cut(whole: SampleBlock, sizes: int | Sequence[int]) -> Iterable[SampleBlock]:
    """The block in parts of these sizes, again and again."""
    start = 0
    for size in itertools.cycle([sizes] if isinstance(sizes, int) else sizes):
        if start >= len(whole):
            return
        yield part(whole, slice(start, start + size))
        start += size


def rotated(whole: SampleBlock, matrix: FloatArray) -> SampleBlock:
    """The same motion, the pod mounted another way."""
    return replace(whole, acc_mps2=whole.acc_mps2 @ matrix.T, gyr_radps=whole.gyr_radps @ matrix.T)


def analyse(blocks: SampleBlock | Iterable[SampleBlock], rate_hz: float, side: Side = Side.LEFT) -> list[Item]:
    """All that an analyser says, flushed."""
    foot = FootAnalyser(side, rate_hz)
    out: list[Item] = []
    for one in [blocks] if isinstance(blocks, SampleBlock) else blocks:
        out += foot.push(one)
    return out + foot.flush()


def strides(items: Iterable[Item]) -> list[Stride]:
    return [item for item in items if isinstance(item, Stride)]


def notes(items: Iterable[Item]) -> list[str]:
    return [item.code for item in items if isinstance(item, FootNote)]


def contacts_s(items: Iterable[Item]) -> FloatArray:
    """Times of all initial contacts, those that only end a stride included."""
    times = {s.ic_pod_ns for s in strides(items)} | {s.next_ic_pod_ns for s in strides(items)} - {None}
    return np.array(sorted(times), dtype=np.float64) / NS


def toe_offs_s(items: Iterable[Item]) -> FloatArray:
    return np.array([s.tc_pod_ns for s in strides(items) if s.tc_pod_ns is not None]) / NS


@dataclass(frozen=True)
class Match:
    """Found times against true ones, each true one matched to the nearest found one."""

    found: int
    missed: list[float]
    invented: list[float]
    bias_ms: float
    sd_ms: float

    def __str__(self) -> str:
        return f"{self.found} found, {len(self.missed)} missed, {len(self.invented)} invented, {self.timing}"

    @property
    def timing(self) -> str:
        return f"{self.bias_ms:+.1f} ± {self.sd_ms:.1f} ms"


def match(found_s: FloatArray, true_s: Sequence[float], within_s: float) -> Match:
    free = list(found_s)
    errors, missed = [], []
    for true in true_s:
        near = min(free, key=lambda t: abs(t - true), default=None)
        if near is None or abs(near - true) > within_s:
            missed.append(true)
        else:
            free.remove(near)
            errors.append((near - true) * 1000.0)
    return Match(len(errors), missed, free, float(np.mean(errors or [0.0])), float(np.std(errors or [0.0])))


DERIVED = {"jdx": "jdx_derived/jdx_s999_run0021", "rbds": "rbds_derived/rbds001_run35"}


def truth(data: Path, runner: str, foot: str) -> dict[str, list[float]]:
    """Force-plate truth of one foot, on its pod's clock."""
    return json.loads((data / DERIVED[runner] / "truth.json").read_text())["feet"][foot]


def gaitmap_walk(data: Path, side: Side) -> tuple[SampleBlock, list[tuple[float, float]]]:
    """`gaitmap_walk/imu_sample.csv` (two header rows, m/s2, deg/s, 204.8 Hz, both feet), its optical (ic_s, tc_s)."""
    rate = 204.8
    column = 1 if side is Side.LEFT else 2
    rows = np.loadtxt(
        data / "gaitmap_walk/imu_sample.csv", delimiter=",", skiprows=2, usecols=[column + 2 * i for i in range(6)]
    )
    whole = block(np.arange(len(rows)) / rate, rows[:, :3], np.radians(rows[:, 3:]))
    with (data / "gaitmap_walk/stride_events_sample.csv").open() as file:
        events = [row for row in csv.DictReader(file) if row["foot"] == side.value]
    return whole, [(float(row["ic"]) / rate, float(row["tc"]) / rate) for row in events]


def ipol_walk(data: Path, trial: str, foot: str) -> tuple[SampleBlock, list[float], tuple[float, float]]:
    """`ipol_walk/TRIAL_{lf,rf}.txt` (100 Hz, m/s2, rad/s, a counter that jumps), its contacts and bounds in s."""
    rows = np.loadtxt(data / f"ipol_walk/{trial}_{foot}.txt", skiprows=2)
    events = json.loads((data / f"ipol_walk/{trial}.json").read_text())
    name = "LeftFootEvents" if foot == "lf" else "RightFootEvents"
    whole = block((rows[:, 0] - rows[0, 0]) / 100.0, rows[:, 1:4], rows[:, 4:7])
    low, high = events["TrialBoundaries"]
    return whole, [contact / 100.0 for _, contact in events[name]], (low / 100.0, high / 100.0)
