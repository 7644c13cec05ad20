"""Initial and terminal contact of a running foot in one swing-to-swing window.

The pitch rate (toe-up positive) finds the contact: after mid-swing the foot turns toe-down and the ground stops it.
That leaves a sharp minimum (the slap of a heel striker; the first of two minima of a forefoot striker, which need not
be the deeper one). Pushing off turns the foot toe-down again: the next deep minimum, which need not be deeper than one
in early swing. How the pitch rate comes to these minima and leaves them depends on strike and foot, so the times are
taken with the help of the acceleration (`dsp/braking.py`), near them. Alone, the pitch rate puts initial contact where
it has come to 75 % of its minimum, and terminal contact a fixed time after its minimum.

No constant is fitted to a force plate but the 75 %, which is the second choice: both runners were seen when it was
chosen. `python bench/fit_contact.py` prints what each rule says of two runners.
Windows after Falbriard et al. 2018 (mid-swing to mid-swing; here they end as soon as the next swing is sure, so that
a stride can be told sooner); low-pass 30 Hz, second order, zero-phase.
"""

from __future__ import annotations

from typing import NamedTuple

from sensord.dsp.braking import FootAcceleration, Habit, vertex
from sensord.dsp.filters import zero_phase
from sensord.model import FloatArray

CUTOFF_HZ = 30.0
PAD_S = 0.15
"""Rows before mid-swing (and after, where there are any) that let the filter settle."""

IC_SHARE = 0.75

AFTER_PUSH_S = 0.021
"""How long after the lowest pitch rate of push-off the foot is let go: the mean time to the collapse of its throw on
four recorded feet, found without any force plate (`bench/fit_contact.py`)."""

PROMINENCE = 0.1
"""Design choice: a minimum counts when the pitch rate rises by a tenth of its maximum on both sides of it."""

FALLEN = 0.25
"""Design choice: minima count once the pitch rate has fallen below a quarter of the highest."""

SLAP_S = 0.15
"""Design choice: the minimum of initial contact lies within this time of the change from toe-up to toe-down."""

MIN_CONTACT_S = 0.08
"""Shortest contact (sanity limit of the reference)."""

USUAL_CONTACT_S = 0.25
"""Design choice: where the middle of a contact is looked for when it has no end (she stopped)."""

DEEP = 0.66
"""A push-off minimum reaches this share of the deepest minimum left (design choice, after
ports of Falbriard et al. 2018 that take two thirds for double minima)."""


class Found(NamedTuple):
    """Rows (fractional, absolute) of the events.

    `clear`: initial contact had a minimum of its own. `confirmed`: acceleration and pitch rate tell of the same events.
    """

    ic_row: float
    tc_row: float | None
    clear: bool
    confirmed: bool = True


def find_contact(
    pitch_radps: FloatArray,
    first_row: int,
    swing: int,
    end: int,
    rate_hz: float,
    plane_mps2: FloatArray | None = None,
    habit: Habit | None = None,
) -> Found | None:
    """Contact after the mid-swing at row `swing`, before row `end` (the next swing, or where the signal ends).

    `pitch_radps` (n,) starts at row `first_row` and may reach past `end`; so does `plane_mps2` (n, 2), the acceleration
    in the plane of motion, which makes the times finer (`dsp/braking.py`) with what is known of this foot (`habit`; it
    is taught). None when the foot never turned toe-down, or the signal ends before it can have landed.
    """
    whole = zero_phase(pitch_radps, CUTOFF_HZ, rate_hz)
    rough = _rough(whole[swing - first_row : end - first_row], rate_hz)
    if rough is None:
        return None
    before = swing - first_row
    ic, tc = before + rough.ic, None if rough.tc is None else before + rough.tc
    confirmed = True
    until = ic + USUAL_CONTACT_S * rate_hz if tc is None else tc
    if plane_mps2 is not None and until < len(whole):
        foot = FootAcceleration(plane_mps2, pitch_radps, whole, (ic, until), rate_hz)
        ic, confirmed = foot.landing(ic, habit or Habit())
        if tc is not None:
            tc, alike = foot.leaving(before + rough.push, tc)
            confirmed = confirmed and alike
    return Found(first_row + ic, None if tc is None else first_row + tc, rough.clear, confirmed)


class _Rough(NamedTuple):
    """Contact as the pitch rate tells it, in rows of the window; `push`: row of push-off's lowest rate."""

    ic: float
    tc: float | None
    push: int
    clear: bool


def _rough(smooth: FloatArray, rate_hz: float) -> _Rough | None:
    if len(smooth) < 3:
        return None
    top = float(smooth.max())
    down = int((smooth < 0.0).argmax())
    rates: list[float] = smooth.tolist()
    if top <= 0.0 or rates[down] >= 0.0:
        return None
    fallen = int((smooth < FALLEN * top).argmax())
    minima = _minima(smooth, rates, fallen, PROMINENCE * top)
    if minima and minima[0] <= down + SLAP_S * rate_hz:
        slap, clear = minima[0], True
        ic = _comes_to(rates, slap)
    elif down + SLAP_S * rate_hz < len(rates):
        slap, clear = down, False
        ic = down - rates[down] / (rates[down] - rates[down - 1]) if down else 0.0
    else:
        return None
    push = _push_off(rates, [row for row in minima if row > slap + MIN_CONTACT_S * rate_hz])
    tc = None if push is None else vertex(rates, push) + AFTER_PUSH_S * rate_hz
    return _Rough(ic, tc, push or 0, clear)


def _minima(smooth: FloatArray, rates: list[float], first: int, prominence: float) -> list[int]:
    """Rows from `first` on of minima from which the rate rises by `prominence` on both sides before it falls lower."""
    before, at, after = smooth[:-2], smooth[1:-1], smooth[2:]
    rows: list[int] = (((at < before) & (at <= after)).nonzero()[0] + 1).tolist()
    return [
        row
        for row in rows
        if row >= first
        and _rises(rates[row - 1 :: -1], rates[row], prominence)
        and _rises(rates[row + 1 :], rates[row], prominence)
    ]


def _rises(rates: list[float], low: float, by: float) -> bool:
    for rate in rates:
        if rate - low >= by:
            return True
        if rate < low:
            return False
    return False


def _push_off(rates: list[float], minima: list[int]) -> int | None:
    """Row of the first deep minimum; None unless the foot then turns toe-up (it swings)."""
    deepest = min((rates[row] for row in minima), default=0.0)
    if deepest >= 0.0:
        return None
    first = next(row for row in minima if rates[row] <= DEEP * deepest)
    return first if max(rates[first:]) > 0.0 else None


def _comes_to(rates: list[float], bottom: int) -> float:
    """The fractional row before a minimum where the pitch rate has come to the share of it."""
    low = rates[bottom]
    if low >= 0.0:
        return float(bottom)
    level, row = IC_SHARE * low, bottom
    while row > 0 and rates[row - 1] < level:
        row -= 1
    if row == 0:
        return 0.0
    return row - (level - rates[row]) / (rates[row - 1] - rates[row])
