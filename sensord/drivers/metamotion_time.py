"""Ticks of 48/32768 s (1.46 ms) that wrap at 32 bit, and what they say of lost samples.

A sample has a tick and no number. Counting mode would say exactly how many are lost, and nothing of when: times would
be made of arrivals, and live samples and logged ones would have no common clock. The tick says both. At 100 Hz a sample
is 6.8 ticks long, so rounding ticks to samples is exact as long as the period is known to half a sample over the gap,
less the one tick that two stamps may be off: over hundreds of samples once the period is measured (to 0.1 % after
3 s), and to a sample or two in a gap of a minute.

Nothing but the tick's own plausibility tells a corrupt one: it must lie a whole number of periods after the last, and
not come earlier for its time than any sample came before.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from sensord.drivers.metamotion_wire import TICK_SPAN, TICKS_HZ
from sensord.errors import PacketError, PacketReason
from sensord.model import NS

TOLERANCE_TICKS = 2.0
"""Two stamps are each up to a tick off; design choice: and the board may be a tick late with its stamp."""

RATE_OFF = 0.03
"""A sensor's rate may be so far off its nominal one (hardware-protocols.md 6.4, item 3)."""

RATE_KNOWN = 0.002
MEASURED_FIRST = 256
MEASURED_OVER = 1024
LONG_GAP = 64
"""Design choice: the period is measured once over 256 samples (a tick of these is 0.06 % at 100 Hz), then anew over
every 1024, and not over a gap of more than 64, whose samples are rounded."""

EARLY_TICKS = 0.02 * TICKS_HZ
"""Design choice: behind a gap, how much earlier for its time a sample may come than any before it."""

AHEAD_TICKS = 10 * TICKS_HZ
"""Design choice: how much more time than ours has passed on the board's clock, by the stamps of samples that fit
together, before they are taken for another clock's."""

FIRST_TICKS = 60 * TICKS_HZ
"""Design choice: the first sample is taken at most a minute after the clock was read."""

CLOCK_SET_TICKS = 10 * TICKS_HZ
CLOCK_OFF = 0.001
"""Design choice: over a time away the clock may differ by 10 s and this share (far more than a crystal is off); by
more, and the board was started anew as often as its reset uid has values."""

BELIEVE_AFTER = 8
"""Design choice: samples that follow each other which a refused story needs to be taken for true: more than fit into
`EARLY_TICKS` at 100 Hz, so that one bad tick is waited out."""

SUSPECTS = 64
STEPS_BETWEEN = 4
"""Design choice: refused samples that are remembered; how many may be lost between two that fit together."""

REMEMBERED = 64
"""Design choice: repeats come at once."""


class Pace:
    """The period in ticks: nominal, then measured."""

    def __init__(self, rate_hz: float) -> None:
        self.ticks = TICKS_HZ / rate_hz
        self._off = RATE_OFF
        self._over = MEASURED_FIRST
        self._from: int | None = None
        self._steps = 0

    def steps(self, ticks: int) -> int:
        """Periods in so many ticks."""
        return round(ticks / self.ticks)

    def slack(self, steps: int) -> float:
        """Most ticks that so many periods may be off."""
        return TOLERANCE_TICKS + steps * self.ticks * self._off

    def hear(self, tick: int, steps: int) -> None:
        """The newest sample, so many periods after the one before."""
        if self._from is None or steps > LONG_GAP:
            self.part()
            self._from = tick
        else:
            self.hear_run(tick, steps)

    def hear_run(self, tick: int, steps: int) -> None:
        """So many periods later, with none missing between."""
        assert self._from is not None
        self._steps += steps
        if self._steps >= self._over:
            self.ticks = (tick - self._from) / self._steps
            self._off, self._over = RATE_KNOWN, MEASURED_OVER
            self._from, self._steps = tick, 0

    def part(self) -> None:
        """What comes next is no whole number of periods away."""
        self._from, self._steps = None, 0


class Place(NamedTuple):
    """Where a sample belongs: its tick, unwrapped, its segment, samples missing before it."""

    tick: int
    segment: int
    missing: int | None


class TickLine:
    """Unwraps, orders and checks the ticks of one pod's samples. Raises PacketError (TIME) for what cannot be."""

    def __init__(self, rate_hz: float, clock_ticks: int) -> None:
        self._pace = Pace(rate_hz)
        self._clock = clock_ticks
        self._linked = True
        self._segment = -1
        self._last: int | None = None
        self._last_rx_ns = 0
        self._lead: float | None = None  # most that a sample's tick was ahead of the ticks of its arrival
        self._seen: deque[int] = deque(maxlen=REMEMBERED)
        self._suspects: deque[tuple[int, int]] = deque(maxlen=SUSPECTS)  # wrapped tick, how many lead up to it

    def relink(self, rate_hz: float, clock_ticks: int, *, anew: bool, other_rate: bool) -> None:
        """The link was made anew; `anew`: the board restarted or is another one, so nothing goes on."""
        if other_rate:
            self._pace = Pace(rate_hz)
        self._linked, self._lead = True, None
        self._pace.part()
        if anew:
            self._last = None
        self._clock = clock_ticks if self._last is None else nearest(clock_ticks, self._last)

    def place(self, wrapped: int, rx_ns: int) -> Place | None:
        """Where this sample belongs, None for one that was seen before."""
        if self._linked:
            return self._first(wrapped, rx_ns)
        assert self._last is not None
        tick = nearest(wrapped, self._last)
        if tick in self._seen:
            return None
        ahead = tick - self._last
        steps = self._pace.steps(ahead)
        lead = tick - rx_ns * TICKS_HZ / NS
        if steps < 1 or abs(ahead - steps * self._pace.ticks) > self._pace.slack(steps):
            return self._doubt(tick, rx_ns, f"{ahead} ticks after the last one")
        if steps > 1 and self._lead is not None and lead > self._lead + EARLY_TICKS:
            return self._doubt(tick, rx_ns, f"{ahead} ticks after the last one, too early for that")
        self._pace.hear(tick, steps)
        return self._accept(tick, rx_ns, steps - 1)

    def _first(self, wrapped: int, rx_ns: int) -> Place | None:
        """The first sample of a link: near the clock as it was read."""
        tick = nearest(wrapped, self._clock)
        if not 0 <= tick - self._clock <= FIRST_TICKS:
            return self._doubt(tick, rx_ns, f"{tick - self._clock} ticks after the clock was read")
        if self._last is None:
            return self._begin(tick, rx_ns)
        away = tick - self._last
        elapsed = (rx_ns - self._last_rx_ns) * TICKS_HZ / NS
        steps = self._pace.steps(away)
        if steps < 1 or abs(away - elapsed) > CLOCK_SET_TICKS + CLOCK_OFF * elapsed:
            return self._begin(tick, rx_ns)
        self._pace.hear(tick, steps)
        return self._accept(tick, rx_ns, steps - 1)

    def _begin(self, tick: int, rx_ns: int) -> Place:
        self._segment += 1
        self._lead = None
        self._seen.clear()
        self._pace.part()
        return self._accept(tick, rx_ns, 0 if self._segment == 0 else None)

    def _accept(self, tick: int, rx_ns: int, missing: int | None) -> Place:
        lead = tick - rx_ns * TICKS_HZ / NS
        self._lead = lead if self._lead is None else max(self._lead, lead)
        self._linked = False
        self._last, self._last_rx_ns = tick, rx_ns
        self._seen.append(tick)
        if self._suspects:
            self._suspects.clear()
        return Place(tick, self._segment, missing)

    def _doubt(self, tick: int, rx_ns: int, why: str) -> Place | None:
        """Refuses a sample, unless others that were refused lead up to it."""
        wrapped, chain = tick % TICK_SPAN, 1
        for before, length in self._suspects:
            ahead = (wrapped - before) % TICK_SPAN
            if ahead == 0:
                raise PacketError(PacketReason.TIME, why)
            steps = self._pace.steps(ahead)
            if 1 <= steps <= STEPS_BETWEEN and abs(ahead - steps * self._pace.ticks) <= self._pace.slack(steps):
                chain = max(chain, length + 1)
        if chain < BELIEVE_AFTER:
            self._suspects.append((wrapped, chain))
            raise PacketError(PacketReason.TIME, why)
        if self._last is not None and not self._linked and tick > self._last:
            elapsed = (rx_ns - self._last_rx_ns) * TICKS_HZ / NS
            if tick - self._last <= elapsed + AHEAD_TICKS:
                self._pace.part()
                return self._accept(tick, rx_ns, max(self._pace.steps(tick - self._last), 1) - 1)
        return self._begin(tick if tick >= 0 else tick + TICK_SPAN, rx_ns)


def nearest(wrapped: int, near: int) -> int:
    """The tick congruent to `wrapped` that is nearest to `near`."""
    half = TICK_SPAN // 2
    return near + (wrapped - near + half) % TICK_SPAN - half
