"""Where the lower edge of a cloud of delays lies: the line that no packet is below, its rate, and how sure both are.

A packet is never early, so a pod's offset is the lower envelope of `arrival - pod time` (hardware-protocols.md 6.4).
The lowest packets lie above that envelope, though: of n delays spread over 200 ms the smallest is 200/(n+1) ms on the
average. Near the envelope the packets are a Poisson process of some density, and for that the posterior of the line is
known in closed form: among lines below all packets, weight grows by e for every `scale` that the line is higher at the
packets' mean time, where `scale` is the mean distance of the lowest packet from the envelope. For each rate the highest
line touches a corner of the lower convex hull, so the posterior over rates is a chain of exponentials, one a corner,
and its means and variances are sums over the few corners of the hull: no grid, no iterations.

Rates are bounded to 300 ppm either way, all as likely. `scale` is measured at the lowest handful of packets, because
only the density next to the envelope matters, whatever the delays do above. Nothing here depends on anything but the
observed times: same packets, same line, to the bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from sensord.model import NS

Point = tuple[int, int]
"""Pod time and delay of a packet, ns."""

MAX_RATE = 300e-6
"""Largest rate error of a pod's clock that is believed (hardware-protocols.md 6.4, item 2)."""

WINDOW_NS = 240 * NS
"""Longer than the 60 to 120 s of hardware-protocols.md 6.4, because the hull is cheap and the worst radios need it
(`python bench/clock.py`). A crystal whose rate moves by 1 ppm a minute bends by 0.12 ms in it."""

DROP_NS = 20 * NS
"""Design choice: what has left the window is dropped so many seconds at a time; only then is the hull built anew."""

BUCKET_NS = NS // 4
"""Design choice: of each quarter second of pod time the packet that hurried most is kept; drift inside is 0.08 ms."""

FEWEST = 40
"""Design choice: packets kept whatever their age, so that after a gap the old offset holds for a while."""

EAGER = 80
"""Design choice: with fewer packets kept than this (20 s) each of them is worth a fit, later every fourth is."""

LOWEST = 10
"""`scale` is read off the tenth lowest packet (`python bench/clock.py`): fewer are noisy, more are no longer near."""

FLOOR_NS = 20_000.0
"""Design choice: no delay is known better than 20 us, so a cloud without spread does not promise more than that."""

UNSURE = 8
"""`scale` from n packets is told larger by 1 + 8/n, which makes up for its own error (`python bench/clock.py`)."""

RATE_MOVES = 5e-6
"""Design choice: after a silence or a reboot the rate is the old one within 4 standard deviations and this."""

JUMP = 4
"""Design choice: a gap in the sorted delays this many times what chance makes is a pattern of connection events: then
the envelope may lie a part of the gap lower."""

OFF = 6
"""Design choice: the lowest packet at an end of the window that lies this many times the spacing of the next ones above
the line says that no line fits: a rate beyond belief, a radio that changed. Then nobody knows how far it is off."""

END = 40
"""Design choice: points at either end of the window, 10 s, that are looked at for that."""


@dataclass(frozen=True, slots=True)
class Line:
    """The envelope: mean of the posterior at pod time `t`, ns; standard deviations of delay and rate, and their
    covariance (ns)."""

    t: int
    delay: float
    rate: float
    sd: float
    rate_sd: float
    covariance: float = 0.0

    def at(self, t: int) -> float:
        """Delay of the envelope at a pod time."""
        return self.delay + (t - self.t) * self.rate

    def sd_at(self, t: int) -> float:
        """Standard deviation of `at`, ns."""
        past = t - self.t
        variance = self.sd**2 + 2 * past * self.covariance + (past * self.rate_sd) ** 2
        return math.sqrt(max(variance, 0.0))


class Envelope:
    """The lower edge of one segment's delays. Feed packets in the order of arrival; memory is bounded.

    `line` is the newest fit. `before`: what an earlier segment said; the rate stays near its. `max_rate`: of the clock;
    `window_ns`: how long it runs straight.
    """

    def __init__(
        self, first: Point, before: Line | None = None, max_rate: float = MAX_RATE, window_ns: int = WINDOW_NS
    ) -> None:
        self._window_ns = window_ns
        self._bounds = (-max_rate, max_rate)
        self._rates = rates = rates_near(before, self._bounds) if before else self._bounds
        self.line = Line(
            first[0], float(first[1]), (rates[0] + rates[1]) / 2, math.inf, (rates[1] - rates[0]) / 12**0.5
        )
        self.kept = 0
        self._points: list[Point] = []
        self._sum_t = 0
        self._hull: list[Point] = []
        self._newest = first  # fastest of the bucket that is open
        self._stale = True
        self._spread = _Spread()
        self._spread_at = 0

    def add(self, t: int, delay: int) -> None:
        """One packet; those older than the newest bucket say nothing new."""
        bucket, at = t // BUCKET_NS, self._newest[0] // BUCKET_NS
        if bucket > at:
            self._close(self._newest)
            self._newest = (t, delay)
            self._stale = True
        elif bucket == at and delay < self._newest[1]:
            self._newest = (t, delay)
            self._stale = True

    def fit(self) -> None:
        """Bring `line` up to date, if enough is new."""
        few = len(self._points) < EAGER
        if not self._stale or not (few or self.kept % 4 == 0):
            return
        self._stale = False
        points, hull, n, sum_t = self._points, self._hull, len(self._points), self._sum_t
        if few:
            points, hull = [*points, self._newest], list(hull)
            _lay(hull, self._newest)
            n, sum_t = n + 1, sum_t + self._newest[0]
        mean_t = sum_t / n
        if self.kept >= self._spread_at:
            self._spread = _spread(points, _central_rate(hull, mean_t, self._rates), hull)
            self._spread_at = self.kept + max(1, n // 16)
        line = _posterior(hull, mean_t, self._rates, max(self._spread.scale, FLOOR_NS / 4), points[-1][0])
        self.line = self._honest(line, n)

    def _honest(self, line: Line, n: int) -> Line:
        """The line below the lowest packets by what chance leaves, its deviation with all that adds to it."""
        scale = max(self._spread.wide, FLOOR_NS / 4) * (1 + UNSURE / n)
        sd = math.hypot(line.sd, scale) + self._spread.jump / 4
        delay = line.delay - self._spread.scale
        return Line(line.t, delay, line.rate, sd, line.rate_sd, line.covariance)

    def _close(self, point: Point) -> None:
        self._points.append(point)
        self._sum_t += point[0]
        self.kept += 1
        _lay(self._hull, point)
        oldest = point[0] - self._window_ns
        if self._points[0][0] >= oldest - DROP_NS or len(self._points) <= FEWEST:
            return
        gone = 0
        while len(self._points) - gone > FEWEST and self._points[gone][0] < oldest:
            gone += 1
        del self._points[:gone]
        self._sum_t = sum(t for t, _ in self._points)
        self._hull.clear()
        for kept in self._points:
            _lay(self._hull, kept)
        if len(self._points) > 2 * FEWEST:
            self._rates = self._bounds
        elif self._rates == self._bounds:  # a silence left too little to fit: believe what was found before it
            self._rates = rates_near(self.line, self._bounds)


def rates_near(line: Line, bounds: tuple[float, float]) -> tuple[float, float]:
    """Rates that a pod's clock may have when this was found some time ago."""
    reach = 4 * line.rate_sd + RATE_MOVES
    return max(line.rate - reach, bounds[0]), min(line.rate + reach, bounds[1])


@dataclass(frozen=True, slots=True)
class _Spread:
    """How far the lowest packets are from the envelope, ns: `scale` likely, `wide` at most, `jump` of a pattern."""

    scale: float = 0.0
    wide: float = 50e6  # before anything is known: a quarter of the 200 ms that a radio may take
    jump: float = 0.0


def _lay(hull: list[Point], point: Point) -> None:
    """Extend a lower convex hull by a later point (Andrew's monotone chain, in whole numbers)."""
    t, delay = point
    while len(hull) >= 2:
        (t0, delay0), (t1, delay1) = hull[-2], hull[-1]
        if (delay1 - delay0) * (t - t0) < (delay - delay0) * (t1 - t0):
            break
        hull.pop()
    hull.append(point)


def _central_rate(hull: list[Point], mean_t: float, rates: tuple[float, float]) -> float:
    """Rate of the highest line at the mean time: that of the hull's edge there."""
    for (t0, delay0), (t1, delay1) in pairwise(hull):
        if t1 >= mean_t:
            return min(max((delay1 - delay0) / (t1 - t0), rates[0]), rates[1])
    return (rates[0] + rates[1]) / 2


def _spread(points: list[Point], rate: float, hull: list[Point]) -> _Spread:
    """Read off the heights above the highest line of that rate."""
    n = len(points)
    if n < 3:
        return _Spread()
    foot = min(delay - rate * t for t, delay in hull)
    in_order = [delay - rate * t - foot for t, delay in points]
    heights = sorted(in_order)
    k, half = max(2, min(LOWEST, n // 3)), n // 2
    jump = max(heights[i + 1] - heights[i] for i in range(half))
    by_chance = heights[half] / half * math.log(n + 1)
    jump = jump if jump > JUMP * by_chance else 0.0
    if n >= 2 * END:
        jump = max(jump, 2 * _off(in_order[:END]), 2 * _off(in_order[-END:]))
    return _Spread(heights[k] / k, heights[k] / (k - 1), jump)


def _off(end: list[float]) -> float:
    """How far the packets at one end of the window lie above the line, if farther than their own spacing explains."""
    lowest = sorted(end)
    return lowest[0] if lowest[0] > OFF * (lowest[5] - lowest[0]) / 5 else 0.0


def _posterior(hull: list[Point], mean_t: float, rates: tuple[float, float], scale: float, now: int) -> Line:
    """Means and deviations over all rates of the highest line: its delay at `now`, its rate."""
    pieces = _pieces(hull, rates)
    top = max((delay - rate * (t - mean_t)) / scale for t, delay, lo, hi in pieces for rate in (lo, hi))
    weight = rate1 = rate2 = value1 = value2 = cross = 0.0
    rate0 = (rates[0] + rates[1]) / 2
    base = hull[-1][1]
    for t, delay, lo, hi in pieces:
        slope = (mean_t - t) / scale  # of the weight's logarithm over the rate
        peak, width = (hi, lo - hi) if slope > 0 else (lo, hi - lo)
        height = (delay - peak * (t - mean_t)) / scale - top
        if height < -50:
            continue
        m0, m1, m2 = (math.exp(height) * abs(width) * m for m in _moments(-abs(slope * width)))
        b0, v0, past = peak - rate0, delay - base + peak * (now - t), now - t
        weight += m0
        rate1 += b0 * m0 + width * m1
        rate2 += b0 * b0 * m0 + 2 * b0 * width * m1 + width * width * m2
        value1 += v0 * m0 + past * width * m1
        value2 += v0 * v0 * m0 + 2 * v0 * past * width * m1 + (past * width) ** 2 * m2
        cross += b0 * v0 * m0 + (b0 * past + v0) * width * m1 + past * width * width * m2
    rate1, value1 = rate1 / weight, value1 / weight
    return Line(
        now,
        base + value1,
        rate0 + rate1,
        math.sqrt(max(value2 / weight - value1 * value1, 0.0)),
        math.sqrt(max(rate2 / weight - rate1 * rate1, 0.0)),
        cross / weight - rate1 * value1,
    )


def _pieces(hull: list[Point], rates: tuple[float, float]) -> list[tuple[int, int, float, float]]:
    """The corners of the hull with the rates at which the line touches each: (pod time, delay, from, to)."""
    pieces, lo = [], rates[0]
    for (t, delay), (t1, delay1) in pairwise(hull):
        hi = min(max((delay1 - delay) / (t1 - t), rates[0]), rates[1])
        if hi > lo:
            pieces.append((t, delay, lo, hi))
            lo = hi
    if rates[1] > lo:
        pieces.append((*hull[-1], lo, rates[1]))
    return pieces


def _moments(x: float) -> tuple[float, float, float]:
    """Integrals of exp(x u) u^j over u from 0 to 1, j = 0, 1, 2, for x <= 0; near 0 by their series."""
    if x > -0.05:
        return (
            1 + x / 2 + x * x / 6 + x**3 / 24,
            1 / 2 + x / 3 + x * x / 8 + x**3 / 30,
            1 / 3 + x / 4 + x * x / 10 + x**3 / 36,
        )
    e = math.exp(x)
    return (e - 1) / x, (e * (x - 1) + 1) / (x * x), (e * (x * x - 2 * x + 2) - 2) / (x * x * x)
