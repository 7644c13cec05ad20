"""Pod time to run time: one clock per pod, fitted to the packets that hurried most.

A packet is never early: `t_rx - t_pod` is the pod's offset plus a delay that is positive, skewed, and now and then
200 ms long. So the offset is the lower envelope of these differences, and the pod's rate error is the slope of that
envelope (hardware-protocols.md 6.4: lower envelope over a sliding window of 60 to 120 s, rate within 300 ppm). The
constant part of the delay cannot be known from one link; every mapped time is late by it.

The fit moves as packets arrive, the mapping that others see does not jump: it is a chain of straight pieces, made once
and never changed afterwards, that steers towards the fit. So a later pod time never maps earlier, and the same pod time
maps to the same run time whenever it is asked for. A new segment (reboot, or a link without a counter) gets a new chain
and keeps the rate. Nothing here depends on anything but the observed times: same packets, same mapping, to the bit.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise

from sensord.model import NS

WINDOW_NS = 90 * NS
"""Middle of the 60 to 120 s of hardware-protocols.md 6.4; `python bench/clock.py` shows what other lengths do."""

MAX_RATE = 300e-6
"""Largest rate error of a pod's clock that is believed (hardware-protocols.md 6.4, item 2)."""

RATE_FROM_NS = 10 * NS
"""Design choice (`python bench/clock.py`): a shorter stretch of envelope says less than the last known rate does."""

FEWEST = 10
"""Design choice: fastest packets kept whatever their age, so that after a gap the old offset holds for a while."""

GAP_NS = 5 * NS
"""Design choice: after a silence this long the known rate holds until a new stretch spans RATE_FROM_NS."""

BUCKET_NS = NS
"""Design choice: of each second of pod time the packet that hurried most is kept; drift inside it is below 0.3 ms."""

STEER_NS = NS // 4
"""Design choice: the mapping is steered four times a second of pod time,"""

STEER_OVER_NS = NS // 2
"""Design choice: so that what it is off by would be made up for in half a second,"""

MAX_SLOPE = 0.5
"""Design choice: but run time never passes at less than a half, or more than one and a half times, pod time."""

KNOTS = 1024
"""Design choice: pieces remembered, four minutes and more of packets; older pod times get no answer."""

SEGMENTS = 4
"""Design choice: segments remembered, since a stride of the one before may still be asked for."""

QUALITY_FROM = 10
"""Design choice: seconds with packets before the spread of the envelope is told."""


@dataclass(slots=True)
class _Line:
    """The envelope: delay `at` a pod time and what it gains per pod time, both relative to the segment's start."""

    t: int
    delay: float
    rate: float

    def at(self, t: int) -> float:
        return self.delay + (t - self.t) * self.rate


@dataclass(slots=True)
class _Segment:
    """One stretch of pod time. Times are relative to `pod0`, delays (`t_rx - t_pod`) to `delay0`."""

    pod0: int
    delay0: int
    line: _Line
    newest: int = 0  # newest pod time observed or asked for
    best: list[tuple[int, int]] = field(default_factory=list)  # (pod time, delay) of the fastest packet of each second
    since: int = 0  # pod time since which no gap was seen
    stale: bool = True  # whether `best` says something that `line` does not know
    knots: list[int] = field(default_factory=lambda: [0])  # pod times where the pieces of the mapping begin,
    delays: list[int] = field(default_factory=lambda: [0])  # its delay there,
    slopes: list[float] = field(default_factory=list)  # and what that gains per pod time from there on
    first_kept: bool = True

    def mapped(self, t: int) -> int | None:
        """The mapping's delay; None before the oldest piece that is remembered."""
        place = max(bisect_right(self.knots, t) - 1, 0)
        if t < self.knots[0] and not self.first_kept:
            return None
        return self.delays[place] + round((t - self.knots[place]) * self.slopes[place])

    def lead(self, slope: float) -> None:
        """Begin a piece at the newest time, where the one before it has come to."""
        here = self.mapped(self.newest)
        assert here is not None
        self.knots.append(self.newest)
        self.delays.append(here)
        self.slopes.append(slope)
        if len(self.knots) > KNOTS:
            for pieces in (self.knots, self.delays, self.slopes):
                del pieces[: KNOTS // 8]
            self.first_kept = False

    def keep(self, t: int, delay: int) -> None:
        """Remember the packet if it is the fastest of its second, and forget what has left the window."""
        if not self.best or t // BUCKET_NS > self.best[-1][0] // BUCKET_NS:
            if self.best and t - self.best[-1][0] > GAP_NS:
                self.since = t
            self.best.append((t, delay))
            self.stale = True
            gone = 0
            while len(self.best) - gone > FEWEST and self.best[gone][0] < t - WINDOW_NS:
                gone += 1
            del self.best[:gone]
        elif t // BUCKET_NS == self.best[-1][0] // BUCKET_NS and delay < self.best[-1][1]:
            self.best[-1] = (t, delay)
            self.stale = self.stale or delay < self.line.at(t)


class PodClock:
    """Maps one pod's time to run time. Feed every packet once, in the order of arrival. Memory is bounded."""

    def __init__(self) -> None:
        self.sync_quality_ms: float | None = None
        """How well the clock is known: median height, in ms, of each second's fastest packet above the envelope."""
        self._rate = 0.0
        self._segments: dict[int, _Segment] = {}

    @property
    def rate_ppm(self) -> float:
        """By how many millionths the pod's clock is slower than ours, as fitted so far."""
        return self._rate * 1e6

    def observe(self, segment: int, t_pod_ns: int, t_rx_ns: int) -> None:
        """The newest sample of a packet was taken at `t_pod_ns` and arrived at `t_rx_ns` (run time)."""
        part = self._segments.get(segment)
        if part is None:
            part = self._open(segment, t_pod_ns, t_rx_ns)
        t = t_pod_ns - part.pod0
        part.keep(t, t_rx_ns - t_pod_ns - part.delay0)
        part.newest = max(part.newest, t)
        if part.newest - part.knots[-1] >= STEER_NS:
            if part.stale:
                self._fit(part)
            here = part.mapped(part.newest)
            assert here is not None
            slope = part.line.rate + (part.line.at(part.newest) - here) / STEER_OVER_NS
            part.lead(min(max(slope, -MAX_SLOPE), MAX_SLOPE))

    def to_run_ns(self, segment: int, t_pod_ns: int) -> int | None:
        """Run time of a pod time, not past the newest observed; None: a segment never seen, or a time too long ago.

        Never falls as `t_pod_ns` rises within a segment, over all calls ever made.
        """
        part = self._segments.get(segment)
        if part is None:
            return None
        t = t_pod_ns - part.pod0
        part.newest = max(part.newest, t)  # what is told now stays true: later pieces begin after it
        delay = part.mapped(t)
        return None if delay is None else t_pod_ns + part.delay0 + delay

    def _open(self, segment: int, t_pod_ns: int, t_rx_ns: int) -> _Segment:
        part = _Segment(t_pod_ns, t_rx_ns - t_pod_ns, _Line(0, 0.0, self._rate), slopes=[self._rate])
        self._segments[segment] = part
        if len(self._segments) > SEGMENTS:
            del self._segments[next(iter(self._segments))]
        return part

    def _fit(self, part: _Segment) -> None:
        """Lay the line under the fastest packets of the window: at the known rate while they span too little."""
        part.stale = False
        newest = part.best[-1][0]
        if newest - part.since >= RATE_FROM_NS:
            self._rate = min(max(_envelope_rate(part.best), -MAX_RATE), MAX_RATE)
        heights = sorted(delay - (t - newest) * self._rate for t, delay in part.best)
        part.line = _Line(newest, heights[0], self._rate)
        if len(heights) >= QUALITY_FROM:
            self.sync_quality_ms = (heights[len(heights) // 2] - heights[0]) / 1e6


def _envelope_rate(points: list[tuple[int, int]]) -> float:
    """Slope of the line that lies under all points and closest to them (least sum of heights).

    That line is the edge of their lower convex hull below their mean time: a linear programme in two unknowns whose
    answer can be read off. The hull is Andrew's monotone chain, in whole numbers.
    """
    hull: list[tuple[int, int]] = []
    for t, delay in points:
        while len(hull) >= 2:
            (t0, delay0), (t1, delay1) = hull[-2], hull[-1]
            if (delay1 - delay0) * (t - t0) < (delay - delay0) * (t1 - t0):
                break
            hull.pop()
        hull.append((t, delay))
    total = sum(t for t, _ in points)
    for (t0, delay0), (t1, delay1) in pairwise(hull):
        if t1 * len(points) >= total:
            return (delay1 - delay0) / (t1 - t0)
    return 0.0
