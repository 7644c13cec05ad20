"""A pod's clock on ours, by the moments when both were read: before it left, and when it came back.

Between two readings time is a straight line; beyond the outer ones it goes on as it went. Several readings in a row are
one, the quickest answer says it best. A restart of the pod begins another clock: an `Epoch` of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np

from sensord.envelope import MAX_RATE, RATE_MOVES
from sensord.model import NS, IntArray, Json

IN_A_ROW_NS = 30 * NS
"""Design choice: readings closer than this are one reading; a clock that is 300 ppm off loses 9 ms of them."""

SAME_CLOCK_RATE = 1e-3
"""Design choice: more than three times the rate error that is believed of any crystal (`envelope.MAX_RATE`)."""

SLACK_NS = NS // 4
"""Design choice: and a slow answer besides."""


@dataclass(frozen=True, slots=True)
class ClockFix:
    """The pod's clock read `pod_ns` between `before_ns` and `after_ns` on the clock of this machine's boot `boot`.

    `wall_ns` was the wall clock at `after_ns`. `pod_boot`: the pod's own boot id, None while nobody knows.
    """

    boot: str
    before_ns: int
    after_ns: int
    wall_ns: int
    wall_trusted: bool
    pod_ns: int
    pod_boot: int | None = None

    @property
    def at_ns(self) -> int:
        """Our time in the middle."""
        return (self.before_ns + self.after_ns) // 2

    @property
    def half_ns(self) -> int:
        """By how much that may be off."""
        return (self.after_ns - self.before_ns + 1) // 2

    def to_json(self) -> dict[str, Json]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> ClockFix:
        """The inverse. Raises TypeError."""
        return cls(**value)


@dataclass(frozen=True, slots=True)
class Axis:
    """One time line for fixes of several boots of this machine: that of the boot `boot`, `wall_zero_ns` its beginning.

    `wall_zero_ns` is None when no wall clock was trusted.
    """

    boot: str
    wall_zero_ns: int | None
    _shift_ns: Mapping[str, int]

    @classmethod
    def of(cls, fixes: Sequence[ClockFix]) -> Axis:
        """By the boot of the newest fix; others are tied to it by the wall clock, where it was trusted in both."""
        zeros: dict[str, int] = {}
        for fix in fixes:
            if fix.wall_trusted:
                zeros[fix.boot] = fix.wall_ns - fix.after_ns  # the newest reading of a boot counts
        boot = fixes[-1].boot
        here = zeros.get(boot)
        shift = {} if here is None else {other: zero - here for other, zero in zeros.items()}
        return cls(boot, here, {**shift, boot: 0})

    def place(self, boot: str, boottime_ns: int) -> int | None:
        """An instant of a boot; None when nobody knows how that boot lies to this one."""
        shift_ns = self._shift_ns.get(boot)
        return None if shift_ns is None else boottime_ns + shift_ns


class PodTime:
    """Pod time to axis time within one epoch, from readings (pod ns, axis ns, half width ns)."""

    def __init__(self, points: Sequence[tuple[int, int, int]]) -> None:
        """At least one, in order of pod time."""
        best = _quickest(points)
        self._pod0, self._axis0 = best[0][0], best[0][1]
        self._pod = np.array([p - self._pod0 for p, _, _ in best], dtype=np.float64)
        self._axis = np.array([a - self._axis0 for _, a, _ in best], dtype=np.float64)
        self._half = [half for _, _, half in best]
        self.rate = float((self._axis[-1]) / (self._pod[-1])) if len(best) > 1 else 1.0
        self.fixed_twice = len(best) > 1

    def to_axis_ns(self, t_pod_ns: IntArray) -> IntArray:
        """Rises with pod time, to the nanosecond over days (doubles hold 2^53)."""
        t = np.asarray(t_pod_ns - self._pod0, dtype=np.float64)
        mapped = np.interp(t, self._pod, self._axis)
        beyond = np.minimum(t - self._pod[0], 0.0) + np.maximum(t - self._pod[-1], 0.0)
        mapped_ns: IntArray = np.rint(mapped + beyond * self.rate).astype(np.int64) + self._axis0
        return mapped_ns

    def error_ns(self, t_pod_ns: int) -> int:
        """How far off a mapped time may be: the answer's time, and a rate that moved since the nearest reading.

        With one reading the rate itself is not known, only that it is within what is believed of crystals.
        """
        away = float(np.abs(self._pod - (t_pod_ns - self._pod0)).min())
        return max(self._half) + round(away * (RATE_MOVES if self.fixed_twice else MAX_RATE))


def epochs(fixes: Sequence[ClockFix], axis: Axis) -> list[PodTime]:
    """A clock for each start of the pod that was seen, in order; fixes that the axis cannot place are left out."""
    found: list[list[tuple[ClockFix, int]]] = []
    for fix in fixes:
        at_ns = axis.place(fix.boot, fix.at_ns)
        if at_ns is None:
            continue
        if found and _same_clock(found[-1][0], (fix, at_ns)):
            found[-1].append((fix, at_ns))
        else:
            found.append([(fix, at_ns)])
    return [PodTime([(fix.pod_ns, at_ns, fix.half_ns) for fix, at_ns in epoch]) for epoch in found]


def _same_clock(one: tuple[ClockFix, int], other: tuple[ClockFix, int]) -> bool:
    (a, a_ns), (b, b_ns) = one, other
    if None not in (a.pod_boot, b.pod_boot) and a.pod_boot != b.pod_boot:
        return False
    ours_ns, its_ns = b_ns - a_ns, b.pod_ns - a.pod_ns
    return its_ns >= 0 and abs(its_ns - ours_ns) <= SAME_CLOCK_RATE * abs(ours_ns) + SLACK_NS + a.half_ns + b.half_ns


def _quickest(points: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """The best reading of each row of them; pod and axis time both rise from one to the next."""
    rows: list[list[tuple[int, int, int]]] = []
    for point in sorted(points):
        if rows and point[0] - rows[-1][0][0] < IN_A_ROW_NS:
            rows[-1].append(point)
        else:
            rows.append([point])
    best = [min(row, key=lambda p: p[2]) for row in rows]
    return best[:1] + [after for before, after in pairwise(best) if after[1] > before[1]]
