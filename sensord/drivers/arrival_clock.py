"""Times for samples that come without any: counted, at a rate that is fitted to when they arrived.

For pods that send neither clock nor counter. All that is known of a sample is its place in the row, and that it was
taken before its packet arrived. The rate of a MEMS oscillator is within a few per cent of its nominal one
(hardware-protocols.md 6.4, item 3), so it is fitted: `envelope.Envelope` finds the line that no arrival is below.

Two clocks share the work. This one gives pod time that is *smooth*: places times a period that is constant between two
fits and follows the fitted rate, never set back, and good to the 300 ppm that `clock.PodClock` believes of any pod.
How far that line is from run time is PodClock's business, as it is for pods with crystals. PodClock follows a line that
moves ahead at once and one that falls behind only slowly, so what falls behind is caught up here:

- while the rate was being learned: a little faster (`CATCH_UP`), unseen by whoever measures;
- when samples were lost: lost samples make all later ones arrive late for their places. Where the hurried packets of
  `BEHIND_S` all come later than is usual, the time jumps, and the next samples are told to come after a gap of unknown
  length. Which of the last seconds lost them cannot be known, nor, below the radio's own scatter, whether any did.

Nothing depends on anything but places and arrivals, and packets of one arrival are one: however they are cut, same
times. Memory is bounded.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from sensord.envelope import BUCKET_NS, Envelope, Line
from sensord.errors import PacketError, PacketReason
from sensord.model import NS, IntArray

MAX_OFF = 0.06
"""Largest rate error that is believed: sensors miss by 3 % (hardware-protocols.md 6.4, item 3), losses add to it."""

WINDOW_NS = 60 * NS
"""The shorter end of the 60 to 120 s of hardware-protocols.md 6.4: an oscillator without a crystal bends sooner."""

BEHIND_S = 2.0
"""Arrivals must be late for so long before samples are taken for lost (hardware-protocols.md 6.4, item 3)."""

BEHIND_BUCKETS = int(BEHIND_S * NS) // BUCKET_NS
LATER_NS = 10_000_000
LATER_TIMES = 4
LATER_BUCKETS = 1.5
"""Design choice: later than usual is 10 ms and four times the median of the last minute's most hurried packets of
`BEHIND_S`, or, if that is more, 1.5 times the median of those of a quarter second."""

AS_ONE = 0.5
"""Design choice: and no less than half of what their median is late, or one of them is from before the loss."""

UNSURE_NS = 300_000_000
UNSURE_BUCKETS = 40
"""Design choice: while 10 s have not shown what is usual, only 0.3 s are a loss: more than bursts of 200 ms make."""

USUAL_BUCKETS = 240
"""Design choice: a minute of what is usual."""

AGAIN_NS = 10 * NS
DOUBT = 1e-3
"""Design choice: behind again within 10 s, or in a later link, the rate may be another one: it is looked for within 4
times 0.1 %."""

SINKS_NS = 10_000_000
SINKS_SD = 5
LOOKS_EVERY = 10
LOOKS = 4
"""Design choice: a line that lies 10 ms and 5 of its deviations below what it was 2.5 to 10 s ago is another line: the
sensor runs faster. It is found anew, from the last buckets alone."""

CATCH_UP = 0.005
CATCH_UP_OVER_NS = 5 * NS
"""Design choice: what fell behind while the rate was learned is made up for over 5 s, at 0.5 % at most: 1 ms of a
contact of 0.2 s."""

MARKS_EVERY = 8
MARKS = 30
"""Design choice: a mark every 2 s for a minute, of how far the times were ahead."""

JUMP_NS = 5_000_000
"""Design choice: a gap shorter than a sample at 200 Hz is none."""

RUNS_AHEAD_NS = 2 * NS
"""Design choice: samples cannot have been taken after they arrived. So much of it is junk, or packets that come twice;
bursts after a stall that a link survives are shorter (`base.SILENT_AFTER_S`)."""


class ArrivalClock:
    """Pod time (ns) of samples that are only counted: the first is at its arrival. `link` begins anew, rate kept."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self._nominal_ns = NS / rate_hz
        self._rate: Line | None = None
        self._newest: tuple[int, int] | None
        self._envelope: Envelope | None
        self._period_ns: float
        self._gap: bool
        self._begin()

    @property
    def period_ns(self) -> float:
        """What two neighbours are apart now."""
        return self._period_ns

    def link(self, rate_hz: float) -> None:
        """Counting starts again; a rate found before still holds if the nominal one does."""
        if rate_hz == self.rate_hz and self._envelope is not None:
            line = self._envelope.line
            self._rate = replace(line, rate_sd=max(line.rate_sd, DOUBT))
        elif rate_hz != self.rate_hz:
            self._rate, self.rate_hz, self._nominal_ns = None, rate_hz, NS / rate_hz
        self._begin()

    def stamp(self, n: int, t_rx_ns: int) -> tuple[IntArray, bool]:
        """Times of the next n samples, the newest of which arrived now; whether a gap of unknown length is before them.

        Raises PacketError (TIME), and counts none of them, if there are more than can have been taken by now.
        """
        if self._newest is not None and t_rx_ns > self._newest[1]:
            self._hear(*self._newest)
            self._newest = None
        if self._count == 0:
            self._t0 = t_rx_ns
            self._at_ns = float(t_rx_ns)
        last = self._time(self._count + n - 1)
        if last > t_rx_ns + RUNS_AHEAD_NS:
            raise PacketError(PacketReason.TIME, f"{n} samples more than can have been taken by now")
        places = np.arange(self._count - self._at_place, self._count - self._at_place + n)
        self._count += n
        self._newest = (self._count - 1, t_rx_ns)
        gap, self._gap = self._gap, False
        times: IntArray = np.rint(places * self._period_ns + self._at_ns).astype(np.int64)
        return times, gap

    # ---- inside: u is a sample's time at the nominal rate, a delay what its arrival is later than u

    def _begin(self) -> None:
        self._count = 0
        self._t0 = self._at_place = 0
        self._at_ns = 0.0
        self._period_ns = self._nominal_ns * (1 + (self._rate.rate if self._rate else 0.0))
        self._newest = None  # the last packet's newest place, and its arrival
        self._gap = False
        self._envelope = None
        self._bucket: tuple[int, int] | None = None  # the most hurried packet of the bucket that is open
        self._buckets = 0
        self._hurried: deque[tuple[int, int]] = deque(maxlen=BEHIND_BUCKETS + 2)
        self._usual: deque[float] = deque(maxlen=USUAL_BUCKETS)
        self._usual_late: deque[float] = deque(maxlen=USUAL_BUCKETS)
        self._looks: deque[Line] = deque(maxlen=LOOKS)
        self._marks: deque[tuple[int, float]] = deque(maxlen=MARKS)  # u, time minus u
        self._lead_ns: float | None = None
        self._fell_behind_at: int | None = None

    def _time(self, place: int) -> float:
        return self._at_ns + (place - self._at_place) * self._period_ns

    def _u(self, place: int) -> int:
        return round(place * self._nominal_ns)

    def _hear(self, place: int, t_rx_ns: int) -> None:
        """The packet with this newest sample is complete: no other came at the same moment."""
        u = self._u(place)
        delay = t_rx_ns - self._t0 - u
        if self._envelope is None or self._bucket is None:
            self._envelope = Envelope((u, delay), self._rate, MAX_OFF, WINDOW_NS)
            self._bucket = (u, delay)
        self._envelope.add(u, delay)
        if u // BUCKET_NS == self._bucket[0] // BUCKET_NS:
            if delay < self._bucket[1]:
                self._bucket = (u, delay)
            return
        self._hurried.append(self._bucket)
        self._bucket = (u, delay)
        self._buckets += 1
        self._envelope.fit()
        self._follow(place, u)

    def _follow(self, place: int, u: int) -> None:
        """Once a bucket: the period is the fitted one; losses and other rates are looked for."""
        assert self._envelope is not None
        line = self._envelope.line
        if self._is_behind(line):
            line = self._lost(place, u, line)
        elif self._sank(line, u):
            line = self._anew(None, list(self._hurried)[-LOOKS_EVERY:])
        lead = self._time(place) - self._t0 - u - line.at(u)
        wanted = self._wanted_lead(line, lead)
        extra = min(max((wanted - lead) / CATCH_UP_OVER_NS, 0.0), CATCH_UP)
        self._turn(place, self._nominal_ns * (1 + line.rate + extra))
        if self._buckets % MARKS_EVERY == 0:
            self._marks.append((u, self._time(place) - self._t0 - u))
        if self._buckets % LOOKS_EVERY == 0:
            self._looks.append(line)

    def _wanted_lead(self, line: Line, lead: float) -> float:
        """How far times were ahead of the line at most, as we know the line now."""
        most = max([lead, *(ahead - line.at(u) for u, ahead in self._marks)])
        return most if self._lead_ns is None else max(most, self._lead_ns)

    def _turn(self, place: int, period_ns: float, jump_ns: float = 0.0) -> None:
        """From the sample after this one on: another period, perhaps after a gap."""
        self._at_ns = self._time(place) + jump_ns
        self._at_place = place
        self._period_ns = period_ns

    def _is_behind(self, line: Line) -> bool:
        late = [delay - line.at(u) for u, delay in list(self._hurried)[-BEHIND_BUCKETS:]]
        if len(late) < BEHIND_BUCKETS:
            return False
        least = min(late)
        limit: float = UNSURE_NS
        if len(self._usual) >= UNSURE_BUCKETS and least > LATER_NS:
            limit = LATER_NS + max(LATER_TIMES * _median(self._usual), LATER_BUCKETS * _median(self._usual_late))
        if least > limit:
            return least > AS_ONE * sorted(late)[len(late) // 2]
        self._usual.append(least)
        self._usual_late.append(late[-1])
        return False

    def _sank(self, line: Line, u: int) -> bool:
        return any(line.at(u) < before.at(u) - SINKS_NS - SINKS_SD * before.sd_at(u) for before in self._looks)

    def _lost(self, place: int, u: int, before: Line) -> Line:
        """The line of what comes after a loss; times jump to where they were ahead of the line before it."""
        self._lead_ns = self._wanted_lead(before, self._time(place) - self._t0 - u - before.at(u))
        again = self._fell_behind_at is not None and u - self._fell_behind_at < AGAIN_NS
        self._fell_behind_at = u
        kept = replace(before, rate_sd=DOUBT) if again else before
        line = self._anew(kept, list(self._hurried)[-BEHIND_BUCKETS:])
        jump = line.at(u) + self._lead_ns - (self._time(place) - self._t0 - u)
        if jump > JUMP_NS:
            self._turn(place, self._period_ns, jump)
            self._gap = True
        return line

    def _anew(self, before: Line | None, points: list[tuple[int, int]]) -> Line:
        """Forget all packets but these."""
        assert self._bucket is not None
        self._envelope = Envelope(points[0], before, MAX_OFF, WINDOW_NS)
        for point in (*points, self._bucket):
            self._envelope.add(*point)
        self._envelope.fit()
        self._looks.clear()
        self._marks.clear()
        return self._envelope.line


def _median(values: deque[float]) -> float:
    return sorted(values)[len(values) // 2]
