"""Both shoes held together and twisted: two gyroscopes on one rigid body turn at the same rate at the same instant.

The norm of the turning rate does not depend on how a pod is mounted, so the two norms are one signal seen by two
clocks, and the lag that lays one on the other is the offset of the clocks (Faizullin et al. 2021, "Twist-n-Sync:
Software Clock Synchronization with Microseconds Accuracy Using MEMS-Gyroscopes", Sensors 21(1):68).

A look takes `WINDOW_NS` of both pods on run time as their packets alone tell it. Cross-correlation finds the lag to
`GRID_NS`; Gauss-Newton steps on the samples themselves (lag, gain and bias of one norm against the other) find it below
a sample. Nothing is averaged or filtered, so no delay is added; both pods must filter alike.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sensord.clock import PodClock
from sensord.model import NS, FloatArray, SampleBlock, Side

WINDOW_NS = 3 * NS
"""Design choice: of the 5 s that people are asked to twist (gait-science.md 8), what fits into two looks at least."""

BEHIND_NS = NS
"""Design choice: looks end this long ago, so that both pods' packets have arrived, however they were cut."""

KEEP_NS = WINDOW_NS + 3 * NS
"""Design choice: samples kept: the window, what it is behind, and what a clock may be off."""

DROP_EVERY = 16
"""Design choice: blocks between two times that what is older is dropped."""

GRID_NS = NS // 100
"""Design choice: grid of the coarse search; hands turn at a few hertz."""

REACH_NS = 80_000_000
"""Constant delays of two links differ by up to 60 ms (hardware-protocols.md 6.4, item 2); with what the clocks may be
off on top this is how far a lag is looked for,"""

FARTHEST_NS = 250_000_000
"""Design choice: and never farther than this."""

TURNING_RADPS = 1.0
"""Design choice: standard deviation of the norm, in each third of the window, from which hands twist on purpose."""

FEWEST = 60
"""Design choice: samples of a window that are enough to judge; 3 s at 52 Hz are 156."""

SAME = 0.95
"""Correlation of the norms from which two pods are on one rigid body; design choice, feet that walk stay below 0.9 at
any lag that is looked at (tests/load/test_load_twist.py)."""

GAIN = 0.15
"""Design choice: and both must turn equally fast; the scale of gyroscopes is within a few per cent."""

ALONE = 0.03
"""Design choice: a second lag that correlates within so much makes the answer ambiguous (a steady, periodic twist)."""

STEPS = 4
"""Design choice: Gauss-Newton steps; from 5 ms away two are enough."""

WIDER = 4.0
"""Design choice: 95 % of a normal error is 2 standard deviations, doubled because residuals are not independent."""

Place = tuple[int, int]
"""Segment and pod time, ns."""


@dataclass(frozen=True, slots=True)
class Twist:
    """The same instant on both pods' clocks, ns; `error_ns` holds 95 % of the errors of their difference."""

    left: Place
    right: Place
    error_ns: float

    def place(self, side: Side) -> Place:
        """The instant on one pod's clock."""
        return self.left if side is Side.LEFT else self.right


@dataclass(frozen=True, slots=True)
class _Trace:
    """Norms of one pod: `t_ns` is run time by the packets alone, `middle_pod_ns` the window's middle in pod time."""

    segment: int
    t_ns: FloatArray
    norm: FloatArray
    middle_pod_ns: int
    rate: float


class TwistSync:
    """Finds twists. `block` every block of both pods; `look` once a second.

    Keeps `KEEP_NS` of samples and at most `DROP_EVERY` blocks more, by reference.
    """

    def __init__(self) -> None:
        self._blocks: dict[Side, deque[SampleBlock]] = {side: deque() for side in Side}

    def block(self, side: Side, block: SampleBlock) -> None:
        """Remember the samples of one pod; at least one."""
        kept = self._blocks[side]
        if kept and kept[-1].segment != block.segment:
            kept.clear()
        kept.append(block)
        if len(kept) % DROP_EVERY == 0:
            oldest = block.t_pod_ns.item(-1) - KEEP_NS
            while kept[0].t_pod_ns.item(-1) < oldest:
                kept.popleft()

    def look(self, t_ns: int, left: PodClock, right: PodClock) -> Twist | None:
        """Whether both pods were twisted as one over the window that ends `BEHIND_NS` before `t_ns` (run time)."""
        end = t_ns - BEHIND_NS
        traces = [self._trace(side, clock, end) for side, clock in ((Side.LEFT, left), (Side.RIGHT, right))]
        one, other = traces
        if one is None or other is None:
            return None
        off = sum(clock.sync_quality_ms or 0.0 for clock in (left, right)) * 1e6
        reach = min(REACH_NS + int(off), FARTHEST_NS)
        coarse = _coarse_lag(one, other, end, reach)
        if coarse is None:
            return None
        return _refined(one, other, coarse, end)

    def _trace(self, side: Side, clock: PodClock, end: int) -> _Trace | None:
        """The window's norms; None while the pod hardly turns, or has too few samples."""
        kept = self._blocks[side]
        if not kept:
            return None
        segment = kept[-1].segment
        pod = np.concatenate([block.t_pod_ns for block in kept])
        newest = clock.estimate(segment, int(pod[-1]))
        if newest is None:
            return None
        run = newest.run_ns + (pod - pod[-1]) * (1.0 + newest.rate)
        inside = (run >= end - WINDOW_NS - FARTHEST_NS) & (run <= end + FARTHEST_NS)
        if inside.sum() < FEWEST or run[inside][0] > end - WINDOW_NS or run[inside][-1] < end:
            return None
        gyr = np.concatenate([block.gyr_radps for block in kept])[inside]
        norm = np.sqrt(np.einsum("ij,ij->i", gyr, gyr))
        parts = np.array_split(norm, WINDOW_NS // NS)
        if min(float(np.std(part)) for part in parts) < TURNING_RADPS:
            return None
        middle = end - WINDOW_NS // 2
        middle_pod_ns = int(pod[-1]) - round((newest.run_ns - middle) / (1.0 + newest.rate))
        return _Trace(segment, run[inside], norm, middle_pod_ns, newest.rate)


def _coarse_lag(one: _Trace, other: _Trace, end: int, reach: int) -> float | None:
    """The lag (ns, `other` is late by it) at which the norms correlate; None when none does, or more than one."""
    grid = np.arange(end - WINDOW_NS, end, GRID_NS, dtype=np.float64)
    a = np.interp(grid, one.t_ns, one.norm)
    steps = range(-(reach // GRID_NS), reach // GRID_NS + 1)
    lags = [step * GRID_NS for step in steps]
    found = np.array([_correlation(a, np.interp(grid + lag, other.t_ns, other.norm)) for lag in lags])
    best = int(np.argmax(found))
    if found[best] < SAME - ALONE or best in (0, len(lags) - 1):  # off the grid it may be better
        return None
    peaks = (found[1:-1] >= found[:-2]) & (found[1:-1] > found[2:]) & (found[1:-1] > found[best] - ALONE)
    return float(lags[best]) if int(peaks.sum()) == 1 else None


def _refined(one: _Trace, other: _Trace, lag: float, end: int) -> Twist | None:
    """The lag below a sample, by least squares over lag, gain and bias; None when the bodies were not one."""
    inside = (one.t_ns >= end - WINDOW_NS) & (one.t_ns <= end) & _covered(one.t_ns + lag, other.t_ns)
    t, a = one.t_ns[inside], one.norm[inside]
    if len(t) < FEWEST:
        return None
    half = GRID_NS / 4
    error = np.inf
    for _ in range(STEPS):
        b = np.interp(t + lag, other.t_ns, other.norm)
        rise = np.interp(t + lag + half, other.t_ns, other.norm) - np.interp(t + lag - half, other.t_ns, other.norm)
        columns = np.stack([rise / (2 * half), b, np.ones_like(b)], axis=1)
        normal = columns.T @ columns
        step, gain, bias = np.linalg.solve(normal, columns.T @ a)
        rest = a - columns @ np.array([step, gain, bias])
        error = float(np.sqrt(rest @ rest / (len(a) - 3) * np.linalg.inv(normal)[0, 0]))
        lag += step / gain
    if not abs(gain - 1) <= GAIN or _correlation(a, np.interp(t + lag, other.t_ns, other.norm)) < SAME:
        return None
    # `other` shows at run time t + lag what `one` shows at t: the instants are a lag apart on the pods' clocks
    right_pod_ns = other.middle_pod_ns + round(lag / (1.0 + other.rate))
    return Twist((one.segment, one.middle_pod_ns), (other.segment, right_pod_ns), WIDER * error)


def _covered(t: FloatArray, samples: FloatArray) -> npt.NDArray[np.bool_]:
    """Which times have samples on both sides, so that nothing is interpolated across lost packets."""
    after = np.clip(np.searchsorted(samples, t), 1, len(samples) - 1)
    gaps = np.diff(samples)
    return np.asarray(gaps[after - 1] < 2 * np.median(gaps))


def _correlation(a: FloatArray, b: FloatArray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float(np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b) + 1e-30))
