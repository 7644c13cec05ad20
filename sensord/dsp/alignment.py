"""Which way the foot's pitch axis lies in the pod: found from the first strides, frozen, checked again later.

Axis: the main direction of the angular rate (3-D PCA), since a foot that walks or runs turns mostly about its
medio-lateral axis. Sign: physics, not the shape of the signal. Between two moments of rest (mid-stance) the foot has
travelled forward; integrating the acceleration in the plane of motion gives that travel, with gravity as the mean
force over the stride, so that neither a standing start nor a known mount is needed. The axis is toe-up positive when
"up x axis" points along the travel. Each stride votes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, hypot, radians, sqrt

import numpy as np
import numpy.typing as npt
from scipy.signal import find_peaks

from sensord.dsp.filters import project, zero_phase
from sensord.dsp.gate import FLOOR_RADPS, REFRACTORY_S
from sensord.model import G_MPS2, Activity, FloatArray

MIN_RATIO = 1.5
"""Design choice: first over second eigenvalue below which there is no axis. Pure noise gives 1.1; real recordings gave
2.0 (walking, loose mount) to 15 (running). Below `SURE_RATIO` the confidence falls with the ratio."""

SURE_RATIO = 3.0
"""Ratio from which the axis is taken as certain (the reference's judgement for running)."""

MIN_TRAVEL_M = 0.4
"""Design choice: shorter travel between two rests is no vote (shuffling, turning on the spot)."""

MIN_VOTES = 3
AGREE = 0.75
"""Design choices: an axis needs three voting strides, three in four of them of one mind."""

MOST = 0.6
"""Design choice: so many of the strides vote. A shoe shaken about one axis at 2 Hz travels far in a third of them
at most, and by chance one way; running, walking, and walks of 10 m with a turn gave 93 to 100 %."""

REST_S = 0.06
"""Design choice: mid-stance is the calmest stretch of this length (a running stance is calm for 0.1 s)."""

REST_MPS2_PER_RADPS = 3.0
"""Design choice: calm is a foot that hardly turns (1 rad/s counts as much as this) and is pulled by gravity alone. By
its turning alone, a foot folded up behind the body in a long flight (simulated: 18 km/h at 140 steps/min) is calmer
than in stance, and the travel comes out backwards. 2 to 10 make no difference."""

REST_SHARE = 0.1
"""Design choice: a rest has less than this share of the mean unrest from swing to swing. Recorded and simulated gaits
have 0 to 0.06 in the median; a shoe shaken about one axis, which never rests, has 0.11 and more."""

STRIDE_S = (0.4, 2.5)
"""Design choice: shortest and longest time between two rests that votes (a sprint, a slow walk)."""

SLOW_HZ = 3.0
HIGH_SHARE = 0.97
"""Design choices: a swing shows in the pitch rate below 3 Hz, by half of the rate that 97 % of the rows stay below."""

MOVED_DEG = 10.0
"""An axis that has turned by more than this is a pod that has moved (reference, streaming procedure)."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The pitch axis in pod coordinates (3,), toe-up positive, and how sure it is (0-1)."""

    vector: FloatArray
    ratio: float
    votes: int
    confidence: float

    @property
    def share(self) -> float:
        """Share of the turning that is about the axis, at least: were the third eigenvalue as large as the second."""
        return self.ratio / (self.ratio + 2.0)

    def angle_deg(self, other: Axis) -> float:
        """Angle to another axis, sign included."""
        return float(np.degrees(np.arccos(np.clip(np.einsum("i,i->", self.vector, other.vector), -1.0, 1.0))))


NO_AXIS = Axis(np.array((0.0, 1.0, 0.0)), ratio=0.0, votes=0, confidence=0.0)
"""Before one is known; nothing is run with it."""


def find_axis(acc_mps2: FloatArray, gyr_radps: FloatArray, rate_hz: float) -> Axis | str:
    """The pitch axis from a window of motion, or why there is none; acc, gyr (n, 3) on the grid, gyro bias removed."""
    axis, ratio = main_line(gyr_radps)
    if ratio < MIN_RATIO:
        return f"the foot turns about no single axis (ratio {ratio:.1f})"
    pitch = project(gyr_radps, axis)
    plane = plane_of(acc_mps2, axis)
    turning = np.einsum("ni,ni->n", gyr_radps, gyr_radps)
    slow = zero_phase(pitch, SLOW_HZ, rate_hz)
    best, best_share, best_votes = 0, 0.0, 0
    for sign in (1, -1):
        swings = _swings(sign * slow, rate_hz)
        if len(swings) < MIN_VOTES + 2:
            continue  # a rest lies between two swings, a stride between two rests
        pairs = _rests(pitch, plane, turning, swings, rate_hz)
        travels = [
            0.0 if pair is None else _travel(pitch[slice(*pair)], plane[slice(*pair)], rate_hz) for pair in pairs
        ]
        votes = [1 if travel > 0 else -1 for travel in travels if abs(travel) >= MIN_TRAVEL_M]
        if len(votes) < MOST * len(travels):
            continue
        agreeing = votes.count(sign)
        share = agreeing / len(votes) if votes else 0.0
        if agreeing >= MIN_VOTES and share > best_share:
            best, best_share, best_votes = sign, share, agreeing
            if share == 1.0:
                break  # nothing can be surer
    if best == 0 or best_share < AGREE:
        return "too few strides that travel one way"
    sure = min(1.0, (ratio - 1.0) / (SURE_RATIO - 1.0))
    return Axis(axis * best, ratio, best_votes, sure * best_share)


def left_handed(acc_mps2: FloatArray, gyr_radps: FloatArray, rate_hz: float) -> bool:
    """Whether a window that has no pitch axis has one when the turning is read the other way round.

    That is a pod whose axes are left-handed, or one sensor of it turned against the other.
    """
    return isinstance(find_axis(acc_mps2, -gyr_radps, rate_hz), Axis)


def main_line(gyr_radps: FloatArray) -> tuple[FloatArray, float]:
    """The line (3,), of no certain sign, about which most of the turning (n, 3) is; its eigenvalue over the second."""
    gyr = gyr_radps - gyr_radps.mean(axis=0)
    values, vectors = np.linalg.eigh(np.einsum("ni,nj->ij", gyr, gyr))
    return np.asarray(vectors[:, 2]), float(values[2] / max(values[1], 1e-12))


def plane_of(acc: FloatArray, axis: FloatArray) -> FloatArray:
    """Acceleration in the plane across the axis (n, 2); the two directions and the axis are right-handed."""
    return np.asarray(acc @ directions_across(axis))


def directions_across(axis: FloatArray) -> FloatArray:
    """Two unit vectors, the columns of (3, 2), that are right-handed with the axis.

    In plain floats: `np.cross` would cost more than all that a stride does with the result.
    """
    x, y, z = axis.tolist()
    helper = min(range(3), key=lambda k: abs((x, y, z)[k]))
    first = ((0.0, -z, y), (z, 0.0, -x), (-y, x, 0.0))[helper]
    size = sqrt(sum(c * c for c in first))
    u, v, w = (c / size for c in first)
    second = (y * w - z * v, z * u - x * w, x * v - y * u)
    return np.array(((u, second[0]), (v, second[1]), (w, second[2])))


def _running_mean(values: FloatArray, n: int) -> FloatArray:
    """Means over `n` (odd) values; the first is about row n // 2."""
    return np.convolve(values, np.full(n, 1.0 / n), mode="valid")


def _swings(slow: FloatArray, rate_hz: float) -> npt.NDArray[np.intp]:
    """Rows of mid-swing if this is toe-up: high peaks of the slow pitch rate."""
    high = max(FLOOR_RADPS, 0.5 * _quantile(slow, HIGH_SHARE))
    peaks, _ = find_peaks(slow, height=high, distance=max(1, round(REFRACTORY_S * rate_hz)))
    return np.asarray(peaks)


def _quantile(values: FloatArray, share: float) -> float:
    """As `np.percentile` has it (linear between two values), at a tenth of what a call costs."""
    at = share * (len(values) - 1)
    row = min(int(at), len(values) - 2)
    low, high = np.partition(values, (row, row + 1))[row : row + 2].tolist()
    return float(low + (high - low) * (at - row))


def _rests(
    pitch: FloatArray, plane: FloatArray, turning: FloatArray, swings: npt.NDArray[np.intp], rate_hz: float
) -> Iterator[tuple[int, int] | None]:
    """Pairs of following rests, the calmest rows between swings; None where the foot swings but never rests.

    `turning` (n,) is the squared angular rate.
    """
    shortest, longest = (round(s * rate_hz) for s in STRIDE_S)
    width = round(REST_S * rate_hz) | 1
    rest: int | None = None
    for start, end in zip(swings[:-1].tolist(), swings[1:].tolist(), strict=True):
        if end - start > longest:
            rest = None
            continue
        u, v = _force(pitch[start:end], plane[start:end], rate_hz)
        pull_u, pull_v = _running_mean(u - u.mean(), width), _running_mean(v - v.mean(), width)
        unrest = pull_u**2 + pull_v**2 + REST_MPS2_PER_RADPS**2 * _running_mean(turning[start:end], width)
        calmest = int(unrest.argmin())
        if unrest[calmest] > REST_SHARE * unrest.mean():
            rest = None
            yield None
            continue
        now = start + width // 2 + calmest
        if rest is not None and shortest <= now - rest <= longest:
            yield rest, now
        rest = now


def _force(pitch: FloatArray, plane: FloatArray, rate_hz: float) -> FloatArray:
    """The acceleration in axes (2, n) that do not turn with the foot; the pitch returns to where it was."""
    turn = pitch.cumsum() / rate_hz
    turn -= np.arange(len(turn)) * (turn[-1] / max(len(turn) - 1, 1))
    cos, sin = np.cos(turn), np.sin(turn)
    u, v = plane[:, 0], plane[:, 1]
    return np.array((u * cos - v * sin, u * sin + v * cos))


def _travel(pitch: FloatArray, plane: FloatArray, rate_hz: float) -> float:
    """Travel in m along "up x axis" from rest to rest; pitch (n,) rad/s, plane (n, 2) m/s2. 0 when gravity looks wrong.

    The pitch returns to where it was and the velocity to zero; what the integrals are off by is spread over the stride.
    """
    force = _force(pitch, plane, rate_hz)
    gravity = force.mean(axis=1)
    size = hypot(*gravity.tolist())
    if not 0.5 * G_MPS2 < size < 2.0 * G_MPS2:
        return 0.0
    moved = (force - gravity[:, None]).cumsum(axis=1).cumsum(axis=1)[:, -1] / rate_hz**2
    return float(moved[0] * gravity[1] - moved[1] * gravity[0]) / size


class Standing:
    """Watches fixed windows for standing still; keeps gyro bias and gravity of the latest still one.

    Still: turning varies by less than 5 deg/s (the standing threshold of the literature) about less than 10 deg/s (a
    generous bias), and the acceleration by less than 0.05 g about 0.9-1.1 g. The last three are design choices.
    """

    def __init__(self) -> None:
        self.bias_radps: FloatArray = np.zeros(3)
        self.gravity_mps2: FloatArray | None = None
        self.still_windows = 0
        self.moving = False

    def window(self, acc_mps2: FloatArray, gyr_radps: FloatArray) -> None:
        """Take the next window: acc (n, 3), gyr (n, 3)."""
        turning, spread = _mean_and_sd(gyr_radps)
        spreads = spread.tolist()
        self.moving = hypot(*spreads) > radians(40.0)
        if max(spreads) < radians(5.0) and max(map(abs, turning.tolist())) < radians(10.0):
            pull, shaking = _mean_and_sd(acc_mps2)
            if max(shaking.tolist()) < 0.05 * G_MPS2 and 0.9 * G_MPS2 < hypot(*pull.tolist()) < 1.1 * G_MPS2:
                self.still_windows += 1
                self.bias_radps, self.gravity_mps2 = turning, pull
                return
        self.still_windows = 0


def _mean_and_sd(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Of each column of (n, 3): as numpy's `mean` and `std`, at half of what their calls cost."""
    columns = np.ascontiguousarray(rows.T)
    mean = np.add.reduce(columns, axis=1) / len(rows)
    off = columns - mean[:, None]
    return mean, np.sqrt(np.einsum("in,in->i", off, off) / len(rows))


class AxisWatch:
    """Later checks of the frozen axis. Walking and running turn the foot differently: each has its own norm."""

    def __init__(self) -> None:
        self._norm: dict[Activity, Axis] = {}
        self._off = 0

    @property
    def suspicious(self) -> bool:
        """Whether the latest check found the axis elsewhere."""
        return self._off > 0

    def near(self, activity: Activity, line: FloatArray) -> bool:
        """Whether a line of turning lies along the axis as it was in this activity; its sign is not looked at."""
        norm = self._norm.get(activity)
        if norm is None or abs(float(np.einsum("i,i->", norm.vector, line))) < cos(radians(MOVED_DEG)):
            return False
        self._off = 0
        return True

    def moved(self, frozen: Axis, activity: Activity, now: Axis) -> bool:
        """Whether the axis has turned by more than `MOVED_DEG` in two checks in a row."""
        norm = self._norm.get(activity)
        if norm is None:
            if now.angle_deg(frozen) <= 2 * MOVED_DEG:
                self._norm[activity] = now
                self._off = 0
                return False
            norm = frozen
        angle_deg = now.angle_deg(norm)
        self._off = self._off + 1 if angle_deg > MOVED_DEG else 0
        return self._off >= 2
