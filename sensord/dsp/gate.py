"""Sample by sample: mid-swing from the low-passed pitch rate, and the first sign of a foot contact.

Both are small state machines over plain floats, so a cut of the input cannot change what they find.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import IntEnum
from math import inf, radians
from statistics import median

SWING_CUTOFF_HZ = 5.0
"""Design choice: the upper end of the 2-5 Hz that ports of published mid-swing detectors use, which delays least."""

FLOOR_RADPS = radians(80.0)
"""Design choice: smallest mid-swing pitch rate, as in a port of Falbriard et al. 2018 that low-passes at 5 Hz."""

SHARE_OF_RECENT = 0.2
"""Design choice: a swing is also at least this share of the recent ones. The often used 0.5 loses the first walking
strides after running, whose swing is less than half as fast, and turning steps between walking ones; the rule that the
foot must turn toe-down between two swings already keeps other lobes out."""

RECENT = 8
REFRACTORY_S = 0.3
"""Design choice: time between two mid-swings. No runner takes more than 200 strides/min with one foot."""

CONFIRM = 0.8
"""Design choice: a peak is one when the signal has fallen below this share of it."""


class Swing(IntEnum):
    """What a sample says about the swing."""

    NOTHING = 0
    BEGINS = 1
    PASSED = 2


class MidSwingGate:
    """`step` takes a low-passed pitch rate; a swing that `BEGINS` is always `PASSED` later, its peak at `swing_row`."""

    def __init__(self, rate_hz: float, delay_s: float, forget_s: float) -> None:
        self._refractory = round(REFRACTORY_S * rate_hz)
        self._delay = round(delay_s * rate_hz)
        self._forget = round(forget_s * rate_hz)
        self._recent: deque[float] = deque(maxlen=RECENT)
        self.reset()

    def reset(self) -> None:
        """Start anew: nothing seen yet."""
        self._recent.clear()
        self._threshold = FLOOR_RADPS
        self._forget_row: float = inf
        self._armed = False
        self._high = False
        self._peak = 0.0
        self._peak_row = 0
        self._last_row: int | None = None
        self.swing_row = 0
        """Mid-swing: row of the latest peak that was passed, the filter's delay taken off."""

    def push(self, row: int, values: list[float]) -> list[tuple[int, Swing, int]]:
        """The rows from `row` on where a swing begins or is passed, in order, each with `swing_row` as it was then."""
        found: list[tuple[int, Swing, int]] = []
        for at, value in enumerate(values, row):
            if value <= self._threshold and not self._high and at <= self._forget_row:
                if value < 0.0:
                    self._armed = True
                continue
            swing = self.step(at, value)
            if swing is not Swing.NOTHING:
                found.append((at, swing, self.swing_row))
        return found

    def step(self, row: int, value: float) -> Swing:
        """Whether a swing begins (the foot turns toe-up, fast) or its peak is passed at this row."""
        if self._high:
            if value > self._peak:
                self._peak, self._peak_row = value, row
            elif value < CONFIRM * self._peak:
                self._confirm()
                return Swing.PASSED
            return Swing.NOTHING
        if value < 0.0:
            self._armed = True
        elif self._armed and value > self._threshold and self._ready(row):
            self._high, self._peak, self._peak_row = True, value, row
            return Swing.BEGINS
        elif row > self._forget_row:
            self._recent.clear()
            self._threshold, self._last_row, self._forget_row = FLOOR_RADPS, None, inf
        return Swing.NOTHING

    def _ready(self, row: int) -> bool:
        return self._last_row is None or row - self._last_row > self._refractory

    def _confirm(self) -> None:
        self._high = self._armed = False
        self._last_row = self._peak_row
        self._forget_row = self._peak_row + self._forget
        self._recent.append(self._peak)
        self._threshold = max(FLOOR_RADPS, SHARE_OF_RECENT * median(self._recent))
        self.swing_row = self._peak_row - self._delay


JERK_SHARE = 0.2
"""A contact shows when the jerk passes this share of the recent peaks (design choice; jerk thresholds that
adapt are usual, this share is not measured)."""

JERK_START_MPS3 = 1000.0
"""Design choice: peak jerk assumed before one was seen."""


LATEST_S = 0.06
"""Design choice: a foot that has turned toe-down for so long after its swing has landed, softly."""


class TouchDown:
    """The provisional contact: after swinging the foot turns toe-down and is jerked, or turns back, or goes on.

    Once a swing. Within 40 ms of initial contact on the recordings (`bench/provisional.py`).
    """

    def __init__(self, rate_hz: float) -> None:
        self._latest = max(1, round(LATEST_S * rate_hz))
        self._recent: deque[float] = deque([JERK_START_MPS3], maxlen=RECENT)
        self.reset()

    def reset(self) -> None:
        """Wait for a swing."""
        self.armed = False
        """Whether a contact is waited for; as long as it is not, nothing needs to be pushed."""
        self._falling = 0
        self._pitch = 0.0
        self._threshold = JERK_SHARE * JERK_START_MPS3

    def arm(self, top_mps3: float) -> None:
        """A swing has begun. `top_mps3`: the hardest jerk since the one before, 0 when none was seen."""
        if top_mps3 > 0.0:
            self._recent.append(top_mps3)
            self._threshold = JERK_SHARE * median(self._recent)
        self.armed, self._falling = True, 0

    def push(self, pitch_radps: list[float], jerk_mps3: Callable[[int], float]) -> int | None:
        """At which of these samples the contact shows, if it does. `jerk_mps3` is asked for few of them."""
        last_pitch, falling = self._pitch, self._falling
        for i, pitch in enumerate(pitch_radps):
            if pitch >= 0.0:
                falling = 0
            elif falling and (pitch > last_pitch or falling >= self._latest or jerk_mps3(i) > self._threshold):
                self.armed = False
                return i
            else:
                falling += 1
            last_pitch = pitch
        self._pitch, self._falling = last_pitch, falling
        return None
