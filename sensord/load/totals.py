"""What a run has come to: steps, distance, time running and walking, each moment counted once.

A stride of one foot is two steps (its own and the other foot's), so a single pod is enough; when both feet saw a moment
it counts for the stride that was completed first. Distance is the sum of the stride lengths; a stride without one
counts two configured step lengths.

Gaps: when a foot was lost while it moved, and neither foot saw the time until it came back, that time counts at the
last known pace and its distance is kept apart (`estimated_m`). Nobody knows what she did in it: counting it is the
side on which a limit is kept. A gap of more than `LONGEST_GAP_S` is a break and adds nothing, and neither does the time
after she stopped.

How sure: each source of stride lengths may be off as a whole, which adds up stride by stride, and by chance, which
adds up by its square and hardly counts after a minute. `distance_sd_m` joins the two.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import hypot, sqrt

from sensord.load.cover import Cover
from sensord.load.readings import SPEED_SHARE, Moved
from sensord.load.speed import CONFIGURED_SHARE, chance_share
from sensord.model import NS, Activity, RunTotals, Side, StepLengths, Stride, maker

LONGEST_GAP_S = 300.0
"""Design choice: a longer loss is a break (pods taken off, or far away)."""

GAP_SHARE = 0.2
"""Design choice: how far off the pace in a gap may be from the one before."""

PACE_STRIDES = 8
"""Design choice: the last known pace is that of so many strides, six seconds."""

SETTLE_NS = 3 * NS
"""Design choice: how long the other foot may take to tell of the same time (the feet differ by about 1.5 s)."""

JUST_NS = 8 * NS
"""Design choice: a foot that ended a stride this shortly before its link was found broken was moving (a broken link is
noticed seconds later)."""

FRESH_NS = 1_500_000_000
"""How long after the end of her last running stride she is taken to run on: the next one is known by then (a stride of
the other foot lasts 0.35 s, of the same foot 0.7 s, and is told 0.45 to 0.6 s after it ended, see dsp/foot.py)."""

_TOTALS = maker(RunTotals)


@dataclass(slots=True)
class _Sum:
    """Of one activity: steps, time, distance, and what it may be off by."""

    steps: float = 0.0
    time_ns: float = 0.0
    metres: float = 0.0
    configured_m: float = 0.0
    estimated_m: float = 0.0
    common_m: float = 0.0
    chance_m2: float = 0.0


@dataclass(frozen=True, slots=True)
class _Gap:
    """A time in which one foot was lost, and how she went before."""

    begin_ns: int
    end_ns: int
    activity: Activity
    mps: float
    stride_s: float


class Totals:
    """Sums over the union of both feet's strides in run time. Gaps are counted some seconds after they end."""

    def __init__(self, step_lengths: StepLengths) -> None:
        self._step_m = {Activity.WALK: step_lengths.walk_m, Activity.RUN: step_lengths.run_m}
        self._cover = Cover()
        self._sums = {activity: _Sum() for activity in Activity}
        self._recent: deque[tuple[float, float]] = deque(maxlen=PACE_STRIDES)
        self._activity = Activity.RUN
        self._newest: tuple[int, Activity] | None = None
        self._ended_ns: dict[Side, int] = {}
        self._lost_ns: dict[Side, int] = {}
        self._gaps: list[_Gap] = []

    def add(self, stride: Stride) -> None:
        """Count what this stride adds; one without run times or without an end adds nothing by itself."""
        begin_ns, end_ns = stride.ic_run_ns, stride.next_ic_run_ns
        if begin_ns is None:
            return
        self._return(stride.foot, begin_ns)
        if end_ns is None:
            if stride.next_ic_pod_ns is None:
                self._lost_ns[stride.foot] = begin_ns
            return
        if end_ns <= begin_ns:
            return
        self._count(stride, begin_ns, end_ns)
        self._settle(begin_ns)

    def lost(self, foot: Side, t_ns: int) -> None:
        """A foot's link broke at `t_ns`; if it was moving, the time until it comes back is a gap."""
        ended_ns = self._ended_ns.get(foot)
        if ended_ns is not None and t_ns - ended_ns <= JUST_NS:
            self._lost_ns.setdefault(foot, ended_ns)

    def add_moved(self, moved: Moved) -> None:
        """Count what a sensor said that computes for itself: for a run in which no pod measures strides."""
        new_ns = self._cover.add(moved.begin_ns, moved.end_ns)
        self._reach(moved.end_ns, moved.activity)
        part = new_ns / (moved.end_ns - moved.begin_ns)
        one = self._sums[moved.activity]
        one.time_ns += new_ns
        one.steps += part * moved.steps
        one.metres += part * moved.metres
        one.estimated_m += part * moved.metres if moved.estimated else 0.0
        one.common_m += part * moved.metres * (GAP_SHARE if moved.estimated else SPEED_SHARE)

    @property
    def now(self) -> RunTotals:
        """The totals so far, in m and s; steps to the nearest whole one."""
        walk, run = self._sums[Activity.WALK], self._sums[Activity.RUN]
        return _TOTALS(
            steps=round(walk.steps + run.steps),
            distance_m=walk.metres + run.metres,
            run_distance_m=run.metres,
            run_time_s=run.time_ns / NS,
            walk_time_s=walk.time_ns / NS,
            distance_sd_m=hypot(walk.common_m + run.common_m, sqrt(walk.chance_m2 + run.chance_m2)),
            estimated_m=walk.estimated_m + run.estimated_m,
            configured_m=walk.configured_m + run.configured_m,
            run_steps=round(run.steps),
        )

    def run_time_at(self, t_ns: int, *, linked: bool) -> float:
        """Seconds of running at `t_ns`: what was counted, and what has passed since, while she can be taken to run on.

        That is for `FRESH_NS` after the end of a running stride; while no pod is linked (`linked`), and a foot was lost
        while it ran, for as long as the gap would count when it came back now. Gaps that wait to be counted are in it.
        """
        run_ns = self._sums[Activity.RUN].time_ns
        if self._gaps:
            cover = self._cover.copy()
            run_ns += sum(cover.add(g.begin_ns, g.end_ns) for g in self._gaps if g.activity is Activity.RUN)
        if self._newest is not None and self._newest[1] is Activity.RUN:
            since_ns = t_ns - self._newest[0]
            gap = not linked and bool(self._lost_ns) and since_ns <= LONGEST_GAP_S * NS
            run_ns += max(since_ns, 0) if since_ns <= FRESH_NS or gap else 0
        return run_ns / NS

    def _reach(self, end_ns: int, activity: Activity) -> None:
        if self._newest is None or end_ns >= self._newest[0]:
            self._newest = (end_ns, activity)

    def _count(self, stride: Stride, begin_ns: int, end_ns: int) -> None:
        length_m, common, chance = stride.stride_length_m, CONFIGURED_SHARE, 0.0
        configured = length_m is None or stride.speed_source == "configured"
        if length_m is None:
            length_m = 2.0 * self._step_m[stride.activity]
        elif stride.speed_mps and stride.speed_sd_mps is not None:
            share, chance = stride.speed_sd_mps / stride.speed_mps, chance_share(stride)
            common = sqrt(max(share**2 - chance**2, 0.0))
        new_ns = self._cover.add(begin_ns, end_ns)
        part = new_ns / (end_ns - begin_ns)
        one = self._sums[stride.activity]
        one.time_ns += new_ns
        one.steps += 2.0 * part
        one.metres += part * length_m
        one.configured_m += part * length_m if configured else 0.0
        one.common_m += part * length_m * common
        one.chance_m2 += (part * length_m * chance) ** 2
        self._activity = stride.activity
        self._recent.append((length_m, (end_ns - begin_ns) / NS))
        self._ended_ns[stride.foot] = end_ns
        self._reach(end_ns, stride.activity)

    def _return(self, foot: Side, begin_ns: int) -> None:
        """A foot is seen again at `begin_ns`."""
        lost_ns = self._lost_ns.pop(foot, None)
        if lost_ns is None or not 0 < begin_ns - lost_ns <= LONGEST_GAP_S * NS or not self._recent:
            return
        metres, seconds = (sum(values) for values in zip(*self._recent, strict=True))
        gap = _Gap(lost_ns, begin_ns, self._activity, metres / seconds, seconds / len(self._recent))
        self._gaps.append(gap)

    def _settle(self, t_ns: int) -> None:
        """Count the gaps that the other foot can have said nothing new about since."""
        due = [gap for gap in self._gaps if gap.end_ns + SETTLE_NS <= t_ns]
        if not due:
            return
        self._gaps = [gap for gap in self._gaps if gap.end_ns + SETTLE_NS > t_ns]
        for gap in due:
            seconds = self._cover.add(gap.begin_ns, gap.end_ns) / NS
            one = self._sums[gap.activity]
            one.time_ns += seconds * NS
            one.steps += 2.0 * seconds / gap.stride_s
            one.metres += seconds * gap.mps
            one.estimated_m += seconds * gap.mps
            one.common_m += seconds * gap.mps * GAP_SHARE
