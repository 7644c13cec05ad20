"""Initial and terminal contact in one swing-to-swing window of the pitch rate (toe-up positive).

After mid-swing the foot turns toe-down and is stopped by the ground. That leaves a sharp minimum (the slap of a heel
striker; the first of two minima of a forefoot striker, which need not be the deeper one). Initial contact is taken
where the pitch rate on its way down has come to 75 % of that minimum. Pushing off turns the foot toe-down again: the
next deep minimum, which need not be deeper than one in early swing. The ground lets go as the turning eases: terminal
contact is taken where it has eased to 85 % of the minimum. Times are interpolated between samples.

The two shares lie between the best of two runners against a force plate, and no correction is added to them:
`python bench/fit_contact_shares.py` prints the sweep, and what the best share of one runner says about the other
(IC off by 4 to 6 ms, TC by 10 to 13 ms). Both runners were seen when they were chosen: expect worse on a third.
Windows after Falbriard et al. 2018 (mid-swing to mid-swing; here they end as soon as the next swing is sure, so that
a stride can be told sooner); low-pass 30 Hz, second order, zero-phase.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import find_peaks

from sensord.dsp.filters import zero_phase
from sensord.model import FloatArray

CUTOFF_HZ = 30.0
PAD_S = 0.15
"""Rows before mid-swing (and after, where there are any) that let the filter settle."""

IC_SHARE = 0.75
TC_SHARE = 0.85

PROMINENCE = 0.1
"""Design choice: a minimum counts when the pitch rate rises by a tenth of its maximum on both sides of it."""

FALLEN = 0.25
"""Design choice: minima count once the pitch rate has fallen below a quarter of the highest."""

SLAP_S = 0.15
"""Design choice: the minimum of initial contact lies within this time of the change from toe-up to toe-down."""

MIN_CONTACT_S = 0.08
"""Shortest contact (sanity limit of the reference)."""

DEEP = 0.66
"""A push-off minimum reaches this share of the deepest minimum left (share used by a public port for double minima)."""


@dataclass(frozen=True, slots=True)
class Found:
    """Rows (fractional, absolute) of the events; `clear` when initial contact had a minimum of its own."""

    ic_row: float
    tc_row: float | None
    clear: bool


def find_contact(pitch_radps: FloatArray, first_row: int, swing: int, end: int, rate_hz: float) -> Found | None:
    """Contact after the mid-swing at row `swing`, before row `end` (the next swing, or where the signal ends).

    `pitch_radps` (n,) starts at row `first_row` and may reach past `end`. None when the foot never turned toe-down, or
    the signal ends before it can have landed.
    """
    smooth = zero_phase(pitch_radps, CUTOFF_HZ, rate_hz)[swing - first_row : end - first_row]
    if len(smooth) < 3:
        return None
    top = float(smooth.max())
    crossed = np.flatnonzero(smooth < 0.0)
    if top <= 0.0 or not len(crossed):
        return None
    fallen = np.flatnonzero(smooth < FALLEN * top)
    minima, _ = find_peaks(-smooth, prominence=PROMINENCE * top)
    minima = minima[minima >= fallen[0]]
    down = int(crossed[0])
    if len(minima) and minima[0] <= down + SLAP_S * rate_hz:
        slap, clear = int(minima[0]), True
        ic = _reaches(smooth, slap, down_from=True)
    elif down + SLAP_S * rate_hz < len(smooth):
        slap, clear = down, False
        ic = down - smooth[down] / (smooth[down] - smooth[down - 1]) if down else 0.0
    else:
        return None
    tc = _push_off(smooth, minima[minima > slap + MIN_CONTACT_S * rate_hz])
    return Found(swing + float(ic), None if tc is None else swing + tc, clear)


def _push_off(smooth: FloatArray, minima: FloatArray) -> float | None:
    """Where push-off eases after the first deep minimum; None unless the foot then turns toe-up (it swings)."""
    if not len(minima):
        return None
    deepest = float(smooth[minima].min())
    if deepest >= 0.0:
        return None
    first = next(int(i) for i in minima if smooth[i] <= DEEP * deepest)
    return _reaches(smooth, first, down_from=False) if (smooth[first:] > 0.0).any() else None


def _reaches(smooth: FloatArray, bottom: int, *, down_from: bool) -> float:
    """The fractional row before (or after) a minimum where the pitch rate is at the share of it."""
    low = float(smooth[bottom])
    if low >= 0.0:
        return float(bottom)
    if down_from:
        level, row = IC_SHARE * low, bottom
        while row > 0 and smooth[row - 1] < level:
            row -= 1
        if row == 0:
            return 0.0
        return row - float((level - smooth[row]) / (smooth[row - 1] - smooth[row]))
    level, row = TC_SHARE * low, bottom
    while row < len(smooth) - 1 and smooth[row + 1] < level:
        row += 1
    if row == len(smooth) - 1:
        return float(row)
    return row + float((level - smooth[row]) / (smooth[row + 1] - smooth[row]))
