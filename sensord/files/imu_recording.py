"""Rows of an inertial recording, in whatever order they were written, to sample blocks in the order of time.

Counted, never silent: rows without numbers, repeated times, steps back in time, gaps. The rate is what the recording
shows: steps without loss over the time they took. Stamps that scatter about an even clock are put on it
(`sample_clock`); then the order of the rows in the file counts, not that of their stamps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from math import radians

import numpy as np

from sensord.errors import InputError, Problem
from sensord.files.sample_clock import even_as_it_is, even_clock, spread_bursts
from sensord.model import G_MPS2, NS, FloatArray, IntArray, MaskArray, SampleBlock

MAX_DISORDER_S = 0.5
"""Rows further back in time than this are an error (docs: IMU CSV)."""

RATE_HZ = (50.0, 1000.0)
"""Rates that are read (docs: IMU CSV); a clock may be off by 2 %."""

RATE_MARGIN = 0.02

LONGEST_S = 48 * 3600.0
"""Design choice: no run lasts longer; a time that lies further from most others is damaged."""

ACC_RANGES_MPS2 = tuple(g * G_MPS2 for g in (2, 4, 8, 16, 32))
GYR_RANGES_RADPS = tuple(radians(dps) for dps in (125, 250, 500, 1000, 2000, 4000))
"""Full scales of common inertial sensors, by which a plateau is told from a peak."""

AT_FULL_SCALE = 0.995
"""Share of full scale from which a sample is saturated (model.SampleBlock)."""

RANGE_MARGIN = 0.01
PLATEAU_SAMPLES = 3
"""Design choices: the extreme of one axis, met at least three times and within 1 % of a common full scale, is taken for
that full scale. Noise keeps an unclipped peak from being met three times to the last digit."""

BLOCK_ROWS = 4096


@dataclass(frozen=True, slots=True)
class ImuDefects:
    """What was wrong with the rows: counts. `repeats` and `backward_steps` in file order, `dropped` repeated times."""

    rows: int
    not_numbers: int
    repeats: int
    backward_steps: int
    dropped: int
    gaps: int
    missing: int


@dataclass(frozen=True, slots=True)
class ImuRecording:
    """One foot's recording: blocks in order (one segment), the rate it shows, its defects."""

    blocks: tuple[SampleBlock, ...]
    rate_hz: float
    defects: ImuDefects

    def __len__(self) -> int:
        return sum(len(block) for block in self.blocks)


def make_recording(
    file: str,
    rows: FloatArray,
    lines: IntArray,
    *,
    acc_range_mps2: float | None = None,
    gyr_range_radps: float | None = None,
) -> ImuRecording:
    """Order rows (n, 7) of s, m/s2 and rad/s that stood in the given lines of a file.

    Without a stated range, a plateau at a common full scale tells it. Raises InputError: no numbers, too few rows, a
    time two days from the others, disorder over 0.5 s, a rate outside 50 to 1000 Hz, times of packets that came
    unevenly instead of times of rows.
    """
    total = len(rows)
    whole = reduce(np.logical_and, np.isfinite(rows).T)  # column by column: ten times as fast as along short rows
    rows, lines = rows[whole], lines[whole]
    if not len(rows):
        raise InputError(Problem(file, "", f"no complete row among {total}", "numbers in every column"))
    refuse_far_times(file, rows[:, 0], lines)
    steps = np.diff(rows[:, 0])
    _refuse_disorder(file, rows[:, 0], lines)
    t_ns = np.rint(rows[:, 0] * NS).astype(np.int64)
    new = np.concatenate(([True], reduce(np.logical_or, (np.diff(rows, axis=0) != 0.0).T)))
    spread_ns = spread_bursts(t_ns[new])
    if spread_ns is not None:
        t_ns, rows = spread_ns, rows[new]
    stamps_ns = t_ns
    t_ns, kept = np.unique(t_ns, return_index=True)
    rate_hz = _rate(file, t_ns)
    in_file = np.sort(kept)
    even = even_clock(stamps_ns[in_file], NS / rate_hz, packets=spread_ns is not None)
    if even is None and spread_ns is not None and not even_as_it_is(np.diff(t_ns), NS / rate_hz):
        found = "rows that share the time their packet came, and packets that came unevenly"
        raise InputError(Problem(file, "t_s", found, "the time each row was sampled at"))
    if even is None:
        missing = np.maximum(np.rint(np.diff(t_ns) * rate_hz / NS).astype(np.int64) - 1, 0)
        missing[np.diff(t_ns) <= 1.5 * NS / rate_hz] = 0
    else:
        t_ns, kept, missing, rate_hz = even.t_ns, in_file, even.missing[1:], round(NS / even.period_ns, 6)
    rows = rows[kept]
    _refuse_rate(file, rate_hz)
    jumps = np.flatnonzero(missing)
    defects = ImuDefects(
        rows=total,
        not_numbers=total - int(whole.sum()),
        repeats=int((steps == 0).sum() if spread_ns is None else (~new).sum()),
        backward_steps=int((steps < 0).sum()),
        dropped=len(steps) + 1 - len(rows),
        gaps=len(jumps),
        missing=int(missing.sum()),
    )
    ranges = (acc_range_mps2, gyr_range_radps)
    return ImuRecording(_blocks(t_ns, rows, missing, ranges), rate_hz, defects)


def _blocks(
    t_ns: IntArray, rows: FloatArray, missing: IntArray, ranges: tuple[float | None, float | None]
) -> tuple[SampleBlock, ...]:
    """Blocks of at most `BLOCK_ROWS` that end where samples are `missing` (n - 1,) before the next row."""
    acc, gyr = np.ascontiguousarray(rows[:, 1:4]), np.ascontiguousarray(rows[:, 4:7])
    acc_range = ranges[0] or _told_range(acc, ACC_RANGES_MPS2)
    gyr_range = ranges[1] or _told_range(gyr, GYR_RANGES_RADPS)
    saturated = _saturated(acc, acc_range) | (_saturated(gyr, gyr_range) << np.uint8(3))
    blocks = []
    cuts = sorted({0, len(t_ns), *(np.flatnonzero(missing) + 1).tolist(), *range(0, len(t_ns), BLOCK_ROWS)})
    for start, end in pairwise(cuts):
        blocks.append(
            SampleBlock(
                t_pod_ns=t_ns[start:end],
                acc_mps2=acc[start:end],
                gyr_radps=gyr[start:end],
                saturated=saturated[start:end],
                missing_before=int(missing[start - 1]) if start else 0,
                acc_range_mps2=acc_range,
                gyr_range_radps=gyr_range,
            )
        )
    return tuple(blocks)


def refuse_far_times(file: str, t_s: FloatArray, lines: IntArray) -> None:
    """InputError for a time (n,) s that cannot be of the same recording as most others."""
    far = np.flatnonzero(np.abs(t_s - np.median(t_s)) > LONGEST_S)
    if len(far):
        found = f"a time of {t_s[far[0]]:.6g} s, {LONGEST_S / 3600:.0f} h and more from most others"
        raise InputError(Problem(file, f"line {lines[far[0]]}", found, "times of one recording"))


def _refuse_disorder(file: str, t_s: FloatArray, lines: IntArray) -> None:
    behind = np.maximum.accumulate(t_s) - t_s
    worst = int(behind.argmax())
    if behind[worst] > MAX_DISORDER_S:
        first = int(np.flatnonzero(behind > MAX_DISORDER_S)[0])
        found = f"a time {behind[first]:.3f} s before an earlier row"
        raise InputError(Problem(file, f"line {lines[first]}", found, "rows in order of time, at most 0.5 s astray"))


def _rate(file: str, t_ns: IntArray) -> float:
    """What most steps show."""
    steps = np.diff(t_ns)
    if not len(steps):
        raise InputError(Problem(file, "", "one row with a time of its own", "a recording of 50 to 1000 rows a second"))
    middle = np.median(steps)
    # both tails are left out, so that stamps that jitter do not pull the rate up
    good = steps[(steps >= 0.5 * middle) & (steps <= 1.5 * middle)]
    return round(float(len(good) * NS / good.sum()), 6)


def _refuse_rate(file: str, rate_hz: float) -> None:
    low, high = RATE_HZ
    if not low * (1 - RATE_MARGIN) <= rate_hz <= high * (1 + RATE_MARGIN):
        raise InputError(Problem(file, "", f"{rate_hz:.4g} rows a second", "50 to 1000 Hz"))


def _told_range(values: FloatArray, ranges: tuple[float, ...]) -> float | None:
    """The full scale that a plateau shows, None without one."""
    plateaus = []
    for column in values.T:
        for sign, top in ((1.0, float(column.max())), (-1.0, -float(column.min()))):
            if not any(abs(top - full) <= RANGE_MARGIN * full for full in ranges):
                continue
            if np.count_nonzero(sign * column >= top * (1 - 1e-6)) >= PLATEAU_SAMPLES:
                plateaus.append(top)
    return max(plateaus, default=None)


def _saturated(values: FloatArray, full_scale: float | None) -> MaskArray:
    """Bits 0-2: axes at full scale."""
    if full_scale is None:
        return np.zeros(len(values), dtype=np.uint8)
    at = np.abs(values) >= AT_FULL_SCALE * full_scale
    bits: MaskArray = (at * np.array([1, 2, 4], dtype=np.uint8)).sum(axis=1).astype(np.uint8)
    return bits
