"""Shimmer3R: ticks of 32768 Hz that wrap at 24 bit, on one line.

Every sample carries the low 24 bits of the pod's clock, which is read whole at every link. Ticks between samples over
the divisor say how many are missing; the clock and arrivals say how often it wrapped while nobody listened.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from sensord.drivers.shimmer3r_wire import TICK_SPAN, TICKS_HZ
from sensord.model import NS

BELIEVE_AFTER = 3
"""Design choice: samples that follow each other which a refused story needs to be taken for true."""

SUSPECTS = 64
"""Design choice: doubted samples that are remembered, so that junk in between does not hide that some fit together."""

RUNS = 64
"""Design choice: stretches of samples without a gap that are remembered, to know repeated ones."""

AHEAD_TICKS = TICKS_HZ // 4
"""Design choice: behind a gap, how much earlier a sample may come than any before it came: none comes before it was
taken, but all before it may have been held up on the air."""

CLOCK_SET_TICKS = 10 * TICKS_HZ
CLOCK_OFF = 0.001
"""Over a time away the clock may differ by so many ticks and this share (far more than a watch crystal is off): by
more, and it was set meanwhile (design choice)."""


class Run(NamedTuple):
    """Samples start to stop of those that were placed: unbroken, at these ticks."""

    start: int
    stop: int
    ticks: list[int]
    segment: int
    missing: int | None


class TickLine:
    """Unwraps, orders and checks the ticks of one pod's samples.

    `clock_ticks` is what the pod's wide clock read when the link came up: the samples carry its low 24 bits, so however
    long the link was away, its first sample is where it belongs.
    """

    def __init__(self, divisor: int, clock_ticks: int | None) -> None:
        self._divisor = divisor
        self._clock = clock_ticks
        self._relinked = False
        self._segment = -1
        self._last: int | None = None
        self._last_rx_ns = 0
        self._lead: int | None = None  # most that a sample's tick was ahead of the ticks of its arrival
        self._runs: deque[list[int]] = deque(maxlen=RUNS)
        self._suspects: dict[int, int] = {}  # ticks that were doubted: how many lead up to each
        self.repeats = 0
        """Samples of the last `place` that were seen before."""

    def relink(self, divisor: int, clock_ticks: int | None, *, anew: bool) -> None:
        """The link was made anew; `anew`: with other settings, so nothing goes on."""
        self._divisor, self._clock, self._relinked = divisor, clock_ticks, True
        if anew:
            self._last = None

    def place(self, ticks: list[int], rx_ns: int) -> list[Run]:
        """Where these samples (wrapped ticks, in order) belong; those that are no news or cannot be are left out."""
        self.repeats = 0
        runs: list[Run] = []
        for i, wrapped in enumerate(ticks):
            last = self._last
            ahead = -1 if last is None or self._relinked else (wrapped - last) % TICK_SPAN
            if 2 * abs(ahead - self._divisor) <= self._divisor:
                assert last is not None
                missing: int | None = 0
                tick = last + ahead
            else:
                found = self._find(wrapped, rx_ns)
                if found is None:
                    continue
                tick, missing = found
            self._last, self._last_rx_ns = tick, rx_ns
            if missing == 0 and runs and runs[-1].stop == i and runs[-1].segment == self._segment:
                runs[-1].ticks.append(tick)
                runs[-1] = runs[-1]._replace(stop=i + 1)
            else:
                runs.append(Run(i, i + 1, [tick], self._segment, missing))
            self._remember(tick, contiguous=missing == 0)
        if runs and self._last is not None:
            lead = self._last - rx_ns * TICKS_HZ // NS
            self._lead = lead if self._lead is None else max(self._lead, lead)
        return runs

    def _remember(self, tick: int, *, contiguous: bool) -> None:
        if contiguous and self._runs:
            self._runs[-1][1] = tick
        else:
            self._runs.append([tick, tick])

    def _find(self, wrapped: int, rx_ns: int) -> tuple[int, int | None] | None:
        """Tick and samples missing before it of one that is not simply the next; None if it is no news."""
        last, divisor = self._last, self._divisor
        if last is None or self._relinked:
            return self._find_first(wrapped, rx_ns)
        tick = nearest(wrapped, last + (rx_ns - self._last_rx_ns) * TICKS_HZ // NS)
        if any(first <= tick <= end for first, end in self._runs):
            self.repeats += 1
            return None
        lead = tick - rx_ns * TICKS_HZ // NS
        if tick - last < divisor // 2 or (self._lead is not None and lead > self._lead + AHEAD_TICKS):
            return self._doubt(wrapped, tick)
        return self._accept(tick, round((tick - last) / divisor) - 1)

    def _find_first(self, wrapped: int, rx_ns: int) -> tuple[int, int | None] | None:
        """The same of the first sample of a link: the pod's clock was read before anything was sampled."""
        last, clock = self._last, self._clock
        elapsed = (rx_ns - self._last_rx_ns) * TICKS_HZ // NS
        near = clock if clock is not None else wrapped if last is None else last + elapsed
        tick = nearest(wrapped, near)
        if clock is not None and tick < clock:
            return self._doubt(wrapped, tick)
        away = tick - (last or 0)
        was_set = abs(away - elapsed) > CLOCK_SET_TICKS + CLOCK_OFF * elapsed
        if last is None or was_set or away < self._divisor // 2:
            return self._begin(tick)
        self._lead = None
        return self._accept(tick, max(round(away / self._divisor) - 1, 0))

    def _accept(self, tick: int, missing: int | None) -> tuple[int, int | None]:
        self._relinked = False
        self._suspects.clear()
        return tick, missing

    def _begin(self, tick: int) -> tuple[int, int | None]:
        self._segment += 1
        self._lead = None
        self._runs.clear()
        return self._accept(tick if tick >= 0 else tick + TICK_SPAN, 0 if self._segment == 0 else None)

    def _doubt(self, wrapped: int, tick: int) -> tuple[int, int | None] | None:
        """A sample that cannot be, unless others that could not be lead up to it."""
        chain = 1
        for before, length in self._suspects.items():
            if 2 * abs((wrapped - before) % TICK_SPAN - self._divisor) <= self._divisor:
                chain = max(chain, length + 1)
        if chain >= BELIEVE_AFTER:
            return self._begin(tick)
        self._suspects.setdefault(wrapped, chain)
        if len(self._suspects) > SUSPECTS:
            del self._suspects[next(iter(self._suspects))]
        return None


def nearest(wrapped: int, near: int) -> int:
    """The tick congruent to `wrapped` that is nearest to `near`."""
    half = TICK_SPAN // 2
    return near + (wrapped - near + half) % TICK_SPAN - half
