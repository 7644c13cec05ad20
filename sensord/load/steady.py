"""Which stride pairs may be compared: those of steady running.

The first strides of a bout of running are a change of speed; so are ten pairs in which the second five are more than
5 % faster or slower than the first. Bouts of a walk-run session are pooled: pairs go on where the last bout ended.

So are ten pairs on a curve: over them the feet turn by more than `CURVE_DEG` a stride on the average. One stride alone
says little, since a foot is set down a degree or two otherwise each time.
"""

from __future__ import annotations

from collections.abc import Sequence

from sensord.load.pairing import StridePair
from sensord.model import NS, Activity
from sensord.plan.bands import measured_speed

BOUT_PAIRS = 3
"""Pairs that are left out when a bout begins (design choice: getting up to speed takes two to three strides)."""

PAUSE_NS = 3 * NS
"""Pairs farther apart than this belong to two bouts (design choice: three long running strides)."""

SPEED_CHANGE = 0.05
"""Relative change of speed within a window that is no longer steady (design choice: 5 %)."""


CURVE_DEG = 1.5
"""Design choice: heading per stride, mean over ten pairs. Straight recordings gave at most 0.6 (two runners),
a gyro bias of 1 deg/s gives 0.7; the bend of a 400 m track (36.5 m radius) turns a stride of 2.5 m by 3.9 degrees."""


class Bouts:
    """Tells the pairs of settled running from the rest."""

    def __init__(self) -> None:
        self._last_ns: int | None = None
        self._left_out = 0

    def settled(self, pair: StridePair) -> bool:
        """Whether the pair counts; pairs come in order, walking ones too."""
        if pair.activity is not Activity.RUN:
            self._last_ns = None
            return False
        if self._last_ns is None or pair.t_ns - self._last_ns > PAUSE_NS:
            self._left_out = 0
        self._last_ns = pair.t_ns
        self._left_out += 1
        return self._left_out > BOUT_PAIRS


def pair_speed_mps(pair: StridePair) -> float | None:
    """Mean speed of the two strides, or of the one that has it; None when no speed was measured."""
    known = [v for v in (measured_speed(pair.left), measured_speed(pair.right)) if v is not None]
    return sum(known) / len(known) if known else None


def alike(one_mps: float | None, other_mps: float | None) -> bool:
    """Whether two speeds are within 5 %; an unknown speed is like any."""
    return one_mps is None or other_mps is None or abs(one_mps / other_mps - 1.0) <= SPEED_CHANGE


def mean_known(speeds_mps: Sequence[float | None]) -> float | None:
    """Mean of those that are known."""
    known = [v for v in speeds_mps if v is not None]
    return sum(known) / len(known) if known else None


def steady(speeds_mps: Sequence[float | None]) -> bool:
    """Whether the later half of these pairs was as fast as the earlier."""
    half = len(speeds_mps) // 2
    return alike(mean_known(speeds_mps[half:]), mean_known(speeds_mps[:half]))


def pair_turn_deg(pair: StridePair) -> float | None:
    """Mean heading of the two strides, to the left positive; None when neither was measured."""
    known = [s.turn_deg for s in (pair.left, pair.right) if s.turn_deg is not None]
    return sum(known) / len(known) if known else None


def straight(turns_deg: Sequence[float | None]) -> bool:
    """Whether these pairs went straight on; turns that were not measured say nothing."""
    mean = mean_known(turns_deg)
    return mean is None or abs(mean) <= CURVE_DEG
