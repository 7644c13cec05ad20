"""Initial and terminal contact of a walking step in one swing-to-swing window of the pitch rate (toe-up positive).

Before landing the swinging foot turns from toe-up to toe-down by itself; the heel strikes and the ground throws the
forefoot down (the slap). Initial contact is taken on the way down to the slap's lowest value, at two fifths of it:
early in the fall, where the jerk of the impact shows, too. Then the foot lies flat and hardly turns.
Push-off turns it toe-down again until the toe lets go, and the foot turns toe-up at once (a runner's foot first goes on
folding up): terminal contact is taken where that last rise has left two thirds of the lowest value.

Neither share is fitted to its own report: `python bench/fit_walking.py` prints what the best of one reference
(optical, gaitmap sample: one person) says about the other (set by hand, IPOL: five people) and the other way round.
The two references disagree by 33 ms about initial contact (the best shares are 0 and 0.7). 0.4 lies in the middle: late
by 17 ms on the first, early by 17 ms on the second; no share can do better on both. About terminal contact they agree
within 3 ms (0.66 and 0.7).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sensord.dsp.contact import Found
from sensord.dsp.filters import zero_phase
from sensord.dsp.pivot import find_pivots, set_down
from sensord.model import FloatArray

CUTOFF_HZ = 10.0
"""Design choice: between 8 and 15 Hz neither reference moves by more than 3 ms (`bench/fit_walking.py`)."""

IC_SHARE = 0.4
TC_SHARE = 0.66

SLAP_S = 0.2
"""Design choice: the slap's lowest value comes within this time of the change to toe-down."""

MIN_CONTACT_S = 0.1
"""Design choice: push-off is not looked for sooner; a walking foot lies on the ground for 0.4 s and more."""

PUSH_OFF_S = 0.35
"""Design choice: push-off is within this time before the foot turns toe-up (0.1 s in walking, 0.2 s in running)."""

SHALLOW = 0.1
"""Design choice: a slap (or a push-off) that is not a tenth as fast as the swing is none."""

DEEP = 0.5
EASES_S = 0.05
"""Design choices: push-off is the first minimum half as low as the lowest, and is over so long after it (walks:
0.03-0.05 s); what follows in running is the foot folding up."""

FLAT = 0.1
"""Design choice: a foot that turns at less than a tenth of its swing's rate lies flat."""


class Signs(NamedTuple):
    """Signs of walking or running in one window, in seconds."""

    contact_s: float
    """Contact time, roughly: until the first deep push-off eases."""
    flat_s: float
    """How long the foot lay flat."""
    follow_s: float
    """From the lowest rate of push-off until the foot turns toe-up."""


class WalkWindow:
    """The pitch rate from mid-swing to the beginning of the next swing, smoothed, and what a walking foot does in it.

    `pitch_radps` (n,) starts at row `first_row`, `turning_radps` (n,) is the size of the angular rate in the same rows;
    the window is rows `swing`..`end` - 1. Costs one zero-phase filter, another when it is asked for contacts.
    """

    def __init__(
        self,
        pitch_radps: FloatArray,
        turning_radps: FloatArray,
        window: tuple[int, int, int],
        rate_hz: float,
    ) -> None:
        first_row, self._swing, end = window
        self._rate_hz = rate_hz
        inside = slice(self._swing - first_row, end - first_row)
        self._smooth = zero_phase(pitch_radps, CUTOFF_HZ, rate_hz)[inside]
        self._turning = turning_radps[inside]
        self._top = float(self._smooth.max()) if len(self._smooth) else 0.0
        self._ic: float | None = None
        self._tc: float | None = None
        self._clear = False
        self._up = self._push = 0
        if len(self._smooth) >= 3 and self._top > 0.0:
            self._find()

    def contacts(self) -> list[Found]:
        """The contact of this window, and those of turning steps after it (never `clear`).

        Empty when the foot never turned toe-down, or the window ends before it can have landed.
        """
        if self._ic is None:
            return []
        landed = math.ceil(self._ic)
        pivots = find_pivots(self._turning[landed:], self._rate_hz)
        ends = [*(self._lifted(landed + lifted, landed + down) for lifted, down in pivots), self._tc]
        found = [Found(self._swing + self._ic, self._row(ends[0]), self._clear)]
        for (_, down), tc in zip(pivots, ends[1:], strict=True):
            found.append(Found(self._swing + landed + down, self._row(tc), clear=False))
        return found

    @property
    def signs(self) -> Signs | None:
        """What tells walking from running; None when the foot did not land and push off."""
        if self._ic is None or self._tc is None:
            return None
        hz = self._rate_hz
        contact_s = (min(self._tc, self._push + EASES_S * hz) - self._ic) / hz
        stance = self._smooth[round(self._ic) : round(self._tc)]
        flat_s = float(np.count_nonzero(np.abs(stance) < FLAT * self._top)) / hz
        return Signs(contact_s, flat_s, (self._up - self._push) / hz)

    def _lifted(self, lifted: float, down: float) -> float:
        """Where a step between two rests leaves the ground: where it pushes off if it does, else where it begins."""
        pitch = self._smooth[round(lifted) : round(down) + 1]
        low = int(pitch.argmin())
        rises = np.flatnonzero(pitch[low:] >= 0.0)
        if pitch[low] > -SHALLOW * self._top or not len(rises):
            return lifted
        return round(lifted) + _leaves(pitch, TC_SHARE * float(pitch[low]), low + int(rises[0]) - 1)

    def _row(self, row: float | None) -> float | None:
        return None if row is None else self._swing + row

    def _find(self) -> None:
        smooth = self._smooth
        below = (smooth < 0.0).nonzero()[0]
        if not len(below):
            return
        down = int(below[0])
        slap = down + int(smooth[down : down + round(SLAP_S * self._rate_hz)].argmin())
        if slap == len(smooth) - 1:
            return
        self._clear = float(smooth[slap]) <= -SHALLOW * self._top
        if self._clear:
            self._ic = _falls_to(smooth, IC_SHARE * float(smooth[slap]), slap)
        else:
            self._ic = set_down(self._turning[: down + 1])
        if smooth[-1] <= 0.0:
            return
        up = int(below[-1])
        first = max(slap + round(MIN_CONTACT_S * self._rate_hz), up - round(PUSH_OFF_S * self._rate_hz))
        if first >= up:
            return
        pushed = smooth[first : up + 1]
        deepest = int(pushed.argmin())
        low = float(pushed[deepest])
        if low > -SHALLOW * self._top:
            return
        self._tc = _leaves(smooth, TC_SHARE * low, up)
        self._up, self._push = up, first + _first_deep(pushed.tolist(), DEEP * low, deepest)


def _first_deep(rates: list[float], deep: float, deepest: int) -> int:
    """The first minimum at or below `deep`; row `deepest` where there is none."""
    for row in range(1, len(rates) - 1):
        if rates[row] <= deep and rates[row - 1] >= rates[row] < rates[row + 1]:
            return row
    return deepest


def _falls_to(smooth: FloatArray, level: float, bottom: int) -> float:
    """The fractional row before a minimum where the rate comes down to `level`; the first row at worst."""
    row = bottom
    while row > 0 and smooth[row - 1] < level:
        row -= 1
    if row == 0:
        return 0.0
    return row - float((level - smooth[row]) / (smooth[row - 1] - smooth[row]))


def _leaves(smooth: FloatArray, level: float, up: int) -> float:
    """The last fractional row before the foot turns toe-up where it is at `level`; `up` is the last below zero."""
    row = up
    while smooth[row] > level:
        row -= 1
    return row + float((level - smooth[row]) / (smooth[row + 1] - smooth[row]))
