"""When a running foot lands and leaves: what the ground does to it, near the contact the pitch rate has found roughly.

Two moments with a physical meaning, neither fitted to a force plate (but both runners were seen while these two were
chosen among a dozen; strangers are the test):

* landing: the heel end of the shoe is braked hardest. Its acceleration along the foot's own normal is the pod's, less
  the pitch acceleration times the distance to the heel. A heel striker's heel is stopped by the ground; a midfoot
  striker's whole sole is. The pod itself sits over the forefoot and says so 10 to 15 ms later when the heel strikes.
* leaving: the leg throws the foot forward and up until the ground lets go; then that acceleration collapses. The middle
  of the fall is taken (the vertical-acceleration peak of Bailey & Harle 2015, scitepress 56565, is its beginning, which
  is broad). It is averaged with the lowest pitch rate of push-off (Falbriard et al. 2018, doi:10.3389/fphys.2018.00610)
  that comes a nearly constant time before: two sensors scatter less than one.

Which way the foot's normal points comes from the middle of the same contact, where the foot lies still and the mean
force is up: no standing start and no known mount is needed. The direction of the throw is the one it has at the lowest
pitch rate, kept while the foot turns.
`python bench/fit_contact.py` prints this beside the rules of the literature, and how much each constant matters.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from math import ceil, floor, hypot
from statistics import median

import numpy as np

from sensord.dsp.filters import finer, zero_phase, zero_phase_near
from sensord.model import FloatArray

LANDING_HZ = 40.0
"""Chosen over 30 Hz on the simulator: a forefoot striker's left/right differences were off by 0.7, not 1.2 points, as
30 Hz smears the braking of the swing into a landing. The recordings hold nothing above 40 to 50 Hz (their markers were
filtered there), so they cannot tell whether more would be better."""

FINE_HZ = 90.0
"""Below this rate (less a tenth than twice the bandwidth needs) landings are left to the pitch rate."""

FINE_GRID_HZ = 400.0
NEAR_S = 0.12
"""Design choices: braking lasts for 12 ms at half its height, too few samples at 100 Hz to take its peak and the pitch
acceleration from. So the signal round the landing (as much as the filter needs to settle) is first interpolated to
this rate or more, and landings do not depend on the pod's: without, they came 3 ms earlier at 100 than at 400 Hz and
scattered up to six times as much (both recorded runners; simulated ones, too)."""

LEAVING_HZ = 25.0
"""Design choice: 15 to 30 Hz differ by less than 2 ms on recorded feet (`bench/fit_contact.py`); at 20 Hz collapses
of a slow simulated jog are smoothed away."""

HEEL_M = 0.15
"""Design choice: the heel lies this far behind a pod on the laces (half a shoe). 0.10 to 0.25 m moves a landing by less
than 3 ms (`bench/fit_contact.py`)."""

FLAT_SHARE = (0.35, 0.6)
"""Design choice: this share of the rough contact, in which a running foot lies flat, tells where up is."""

LANDING_S = (0.009, 0.014)
"""Design choice: braking is looked for this long before and after the pitch rate's landing (the two agree within 6 ms
on recorded and simulated feet); further off it is the swing that is braked."""

FALL_S = 0.036
"""Design choice: the fall is looked for from the lowest pitch rate of push-off to so long after (it follows by 17 to
26 ms on recorded feet, 15 to 28 ms on simulated ones from 1.7 to 7 m/s; the next fall is that of the early swing)."""

THROW_S = 0.04
DIP_S = 0.03
"""Design choices: its highest value lies at most so long before, its lowest so long after these."""

DIP = 0.9
"""Design choice: a fall by less than a tenth is none."""


HABIT = 16
HABIT_FROM = 5
HABIT_S = 0.006
"""Design choices: once so many strides of a foot are known, braking is looked for only so far (a sample at least) from
where it was in the median of the latest ones. A foot keeps its habit within 2 ms; a rattling pod shows other peaks as
high (simulated with 1 g of rattle, a midfoot striker's landings scatter by 3 instead of 7 ms)."""

STEADY_S = 0.003
"""Design choice: recorded feet keep to their habit within 0.3 to 1.2 ms (median of the deviations)."""


class Habit:
    """How long after the pitch rate's landing the heel of one foot is braked, over its latest strides."""

    def __init__(self) -> None:
        self._latest_s: deque[float] = deque(maxlen=HABIT)
        self._missed = 0

    @property
    def usual_s(self) -> float | None:
        """The median; None before enough strides are known."""
        return median(self._latest_s) if len(self._latest_s) >= HABIT_FROM else None

    @property
    def steady(self) -> bool:
        """Whether the latest strides agree (half of them within `STEADY_S` of the median)."""
        usual_s = self.usual_s
        return usual_s is None or median([abs(after_s - usual_s) for after_s in self._latest_s]) <= STEADY_S

    def add(self, after_s: float) -> None:
        """One stride more."""
        self._latest_s.append(after_s)
        self._missed = 0

    def miss(self) -> None:
        """A stride was not braked where it used to be. So many in a row, and the foot has another habit now."""
        self._missed += 1
        if self._missed >= HABIT_FROM:
            self._latest_s.clear()


class FootAcceleration:
    """Acceleration of one window in the plane of motion, made foot-upright by the middle of its rough contact.

    `plane_mps2` (n, 2): acceleration along two directions that are right-handed with the toe-up axis; `pitch_radps`
    (n,) as measured and `smooth_radps` low-passed; `ic`, `tc`: the rough contact in (fractional) rows
    of the window. `landing` and `leaving` cost one zero-phase filter each.
    """

    def __init__(
        self,
        plane_mps2: FloatArray,
        pitch_radps: FloatArray,
        smooth_radps: FloatArray,
        contact: tuple[float, float],
        rate_hz: float,
    ) -> None:
        self._rate_hz = rate_hz
        self._pitch, self._smooth = pitch_radps, smooth_radps
        ic, tc = contact
        start, stop = (round(ic + share * (tc - ic)) for share in FLAT_SHARE)
        u, v = _unit(*np.add.reduce(plane_mps2[start : stop + 1], axis=0).tolist())
        self._upright: FloatArray = np.array(((v, -u), (u, v))) @ plane_mps2.T
        self._along, self._normal = self._upright

    def landing(self, near: float, habit: Habit) -> tuple[float, bool]:
        """The row near the rough one where the heel is braked hardest, and whether it is to be relied on.

        Where none shows, the foot's habit stands in for it.
        """
        usual_s = habit.usual_s
        if self._rate_hz < FINE_HZ:
            return near, True
        reach_s = max(HABIT_S, 1.0 / self._rate_hz)
        early_s, late_s = LANDING_S if usual_s is None else (reach_s - usual_s, reach_s + usual_s)
        heel, first, rate_hz = self._heel(near)
        at = (near - first) * rate_hz / self._rate_hz
        low = max(ceil(at - early_s * rate_hz), 1)
        high = min(floor(at + late_s * rate_hz), len(heel) - 2)
        top = _highest_peak(heel, low, high)
        if top is not None:
            after_s = (vertex(heel, top) - at) / rate_hz
            habit.add(after_s)
            return near + after_s * self._rate_hz, habit.steady
        habit.miss()
        return near + (usual_s or 0.0) * self._rate_hz, False

    def _heel(self, near: float) -> tuple[FloatArray, int, float]:
        """The heel's acceleration along the foot's normal, low-passed, from a row on at a rate of its own."""
        reach = NEAR_S * self._rate_hz
        first, last = max(0, floor(near - reach)), min(len(self._normal), ceil(near + reach) + 1)
        times = max(1, ceil(FINE_GRID_HZ / self._rate_hz - 0.05))  # a clock may be off a little
        of_normal, of_pitch = _heel_filters(last - first, times, LANDING_HZ, self._rate_hz)
        heel = of_normal @ self._normal[first:last] - HEEL_M * (of_pitch @ self._pitch[first:last])
        return heel, first, times * self._rate_hz

    def leaving(self, push: int, turned: float) -> tuple[float, bool]:
        """The row where the foot is let go, and whether two sensors say so.

        `turned`, as the pitch rate tells it, is averaged with the collapse; push-off's lowest pitch rate is at `push`.
        """
        collapse = self._collapse(push)
        if collapse is None:
            return turned, False
        return 0.5 * (collapse + turned), True

    def _collapse(self, push: int) -> float | None:
        """The row where the throw has half collapsed."""
        first, last = push - round(THROW_S * self._rate_hz), push + round((FALL_S + DIP_S) * self._rate_hz)
        if first < 0 or last > len(self._smooth):
            return None
        throw = self._throw(first, push, last)
        from_push = throw[push - first : push - first + round(FALL_S * self._rate_hz) + 1]
        top = push - first + int((from_push[1:] - from_push[:-1]).argmin())
        thrown: list[float] = throw.tolist()
        bottom = top + 1
        while top > 0 and thrown[top - 1] > thrown[top]:
            top -= 1
        while bottom < len(thrown) - 1 and thrown[bottom + 1] < thrown[bottom]:
            bottom += 1
        if thrown[bottom] > DIP * thrown[top]:
            return None
        level = 0.5 * (thrown[top] + thrown[bottom])
        row = top
        while thrown[row + 1] > level:
            row += 1
        return first + row + (thrown[row] - level) / (thrown[row] - thrown[row + 1])

    def _throw(self, first: int, push: int, last: int) -> FloatArray:
        """Acceleration of rows `first`..`last` - 1 in the direction it has at row `push`, kept while the foot turns."""
        along, normal = zero_phase_near(self._upright, first, last, LEAVING_HZ, self._rate_hz)
        turned = self._smooth[first:last].cumsum() / self._rate_hz
        turned -= turned[push - first]
        u, v = _unit(float(along[push - first]), float(normal[push - first]))
        thrown: FloatArray = np.cos(turned) * (u * along + v * normal) + np.sin(turned) * (v * along - u * normal)
        return thrown


@lru_cache(maxsize=8)
def _heel_filters(rows: int, times: int, cutoff_hz: float, rate_hz: float) -> tuple[FloatArray, FloatArray]:
    """What makes so many rows of the normal acceleration, and of the pitch rate, low-passed ones at `times` the rate,
    of the pitch rate its change. Each ((rows - 1) * times + 1, rows).

    Interpolation, change and low-pass are linear: all together they are one matrix, known by what they make of each row
    alone, and cost a tenth of their steps.
    """
    fine_hz = times * rate_hz
    fine = finer(np.eye(rows), times)
    change = np.gradient(fine, 1.0 / fine_hz, axis=1)
    smooth, smooth_change = (zero_phase(values, cutoff_hz, fine_hz).T for values in (fine, change))
    return np.ascontiguousarray(smooth), np.ascontiguousarray(smooth_change)


def _highest_peak(values: FloatArray, low: int, high: int) -> int | None:
    """Row of the highest peak of (n,) in rows `low`..`high`; None where none is.

    A higher value at an edge is no peak there: a swing is still being braked when the window begins.
    """
    if low > high:
        return None
    top = low + int(values[low : high + 1].argmax())
    before, at, after = values[top - 1 : top + 2].tolist()
    if at > before and at >= after:
        return top
    here = values[low : high + 1]
    peaks = ((here > values[low - 1 : high]) & (here >= values[low + 1 : high + 2])).nonzero()[0]
    return low + int(peaks[here[peaks].argmax()]) if len(peaks) else None


def _unit(u: float, v: float) -> tuple[float, float]:
    size = max(hypot(u, v), 1e-9)
    return u / size, v / size


def vertex(values: FloatArray | Sequence[float], row: int) -> float:
    """The fractional row of the extreme of a parabola through three samples round `row`."""
    before, at, after = float(values[row - 1]), float(values[row]), float(values[row + 1])
    bend = before - 2.0 * at + after
    return row + (0.5 * (before - after) / bend if bend else 0.0)
