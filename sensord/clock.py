"""Pod time to run time: one clock per pod, fitted to the packets that hurried most.

`envelope.Envelope` says where the lower edge of the delays lies, at what rate it moves and how sure both are. The
constant part of the delay cannot be known from one link; every mapped time is late by it, until the two pods were
twisted together (`load/twist.py`).

The fit moves as packets arrive, the mapping that others see does not jump: it is a chain of straight pieces, made once
and never changed afterwards, that steers towards the fit. So a later pod time never maps earlier, and the same pod time
maps to the same run time whenever it is asked for. A new segment (reboot, or a link without a counter) gets a new chain
and keeps the rate. Nothing here depends on anything but the observed times: same packets, same mapping, to the bit.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from sensord.envelope import MAX_RATE, Envelope, Line
from sensord.model import NS

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

QUALITY_FROM = 8
"""Design choice: quarter seconds with packets before the quality is told: earlier there is hardly any spread to see."""

COUNTED_RATE = 0.05
"""A pod without a clock has its samples counted at the nominal rate; that of MEMS sensors is within a few per cent
(hardware-protocols.md 6.4, item 3)."""

COVERED = 2.8
"""Standard deviations told as the width of the interval for 95 %: 2 would do for an exponential, 2.1 for the difference
of two; with 2.8 the share of errors inside is 92 to 100 % for delays as assumed, 83 to 100 % for such that fade towards
their minimum (`python bench/clock.py`, where no pod and no radio is real)."""


@dataclass(slots=True)
class _Segment:
    """One stretch of pod time. Times are relative to `pod0`, delays (`t_rx - t_pod`) to `delay0`."""

    pod0: int
    delay0: int
    envelope: Envelope
    newest: int = 0  # newest pod time observed or asked for
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


@dataclass(frozen=True, slots=True)
class Estimate:
    """Run time (ns) by the packets alone, its standard deviation (ns), and rate error of the pod with its deviation."""

    run_ns: int
    sd_ns: float
    rate: float
    rate_sd: float


class PodClock:
    """Maps one pod's time to run time. Feed every packet once, in the order of arrival. Memory is bounded."""

    def __init__(self, max_rate: float = MAX_RATE) -> None:
        """`max_rate`: largest rate error to believe; `COUNTED_RATE` for pod time that was counted in samples."""
        self._max_rate = max_rate
        self.sync_quality_ms: float | None = None
        """Half the width of the interval that holds 95 % of the mapping's errors, in ms; the constant part of the
        radio's delay is no error here. None until 2 s of packets have said how much they scatter."""
        self._line: Line | None = None
        self._correction_ns = 0
        self._segments: dict[int, _Segment] = {}

    @property
    def rate_ppm(self) -> float:
        """By how many millionths the pod's clock is slower than ours, as fitted so far."""
        return self._line.rate * 1e6 if self._line else 0.0

    def observe(self, segment: int, t_pod_ns: int, t_rx_ns: int) -> None:
        """The newest sample of a packet was taken at `t_pod_ns` and arrived at `t_rx_ns` (run time)."""
        part = self._segments.get(segment)
        if part is None:
            part = self._open(segment, t_pod_ns, t_rx_ns)
        t = t_pod_ns - part.pod0
        part.envelope.add(t, t_rx_ns - t_pod_ns - part.delay0)
        part.newest = max(part.newest, t)
        if part.newest - part.knots[-1] >= STEER_NS:
            part.envelope.fit()
            self._line = line = part.envelope.line
            if part.envelope.kept >= QUALITY_FROM:
                self.sync_quality_ms = COVERED * line.sd_at(part.newest) / 1e6
            here = part.mapped(part.newest)
            assert here is not None
            slope = line.rate + (line.at(part.newest) + self._correction_ns - here) / STEER_OVER_NS
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

    def correct(self, offset_ns: int) -> None:
        """What the packets cannot say is known from elsewhere: run time is the envelope plus `offset_ns` from now on.

        Replaces an earlier correction, holds for later segments too; the mapping steers there.
        """
        self._correction_ns = offset_ns

    def estimate(self, segment: int, t_pod_ns: int) -> Estimate | None:
        """What the newest fit says of a pod time, whatever was answered before; None: a segment never seen."""
        part = self._segments.get(segment)
        if part is None:
            return None
        line, t = part.envelope.line, t_pod_ns - part.pod0
        return Estimate(t_pod_ns + part.delay0 + round(line.at(t)), line.sd_at(t), line.rate, line.rate_sd)

    def _open(self, segment: int, t_pod_ns: int, t_rx_ns: int) -> _Segment:
        envelope = Envelope((0, 0), self._line, self._max_rate)
        part = _Segment(t_pod_ns, t_rx_ns - t_pod_ns, envelope, slopes=[envelope.line.rate])
        self._segments[segment] = part
        self.sync_quality_ms = None
        if len(self._segments) > SEGMENTS:
            del self._segments[next(iter(self._segments))]
        return part
