"""Microseconds of a Movella DOT, which wrap after 71.58 minutes and come with every sample, on one line.

Nothing else tells what is missing, and no wider clock can be read. Stamps are a whole number of periods apart (the
maker's own files have steps of 8,333 us at 120 Hz), so time counts what was lost. Over a time away the clock may have
wrapped: ours says how often. Where both do not agree on the time that passed, it is another clock: the pod restarted.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from sensord.drivers.movella_dot_wire import CLOCK_SPAN_US
from sensord.errors import PacketError, PacketReason

OFF_US = 2000.0
OFF_STEADY_US = 200.0
STEADY = 5
"""Design choice: how far a stamp may be off its place; less once 5 steps in a row were as steady as those known."""

JITTER = 4.0
"""Design choice: a stamp is off by no more than 4 times what the last steps were."""

DRIFT = 1e-4
"""Of a gap: stamps are paced by a crystal, which is 20 to 50 ppm off (hardware-protocols.md 6.4, item 4)."""

EARLY_US = 100_000.0
"""Design choice: behind a gap, how much earlier for its time a sample may come than any before it."""

CLOCK_SET_US = 10_000_000.0
CLOCK_OFF = 0.001
"""Design choice: over a time away the clock may differ by 10 s and this share; by more, and it is another one."""

BELIEVE_AFTER = 4
SUSPECTS = 16
REMEMBERED = 32
"""Design choice: refused samples that are remembered and how many that follow each other are believed; repeats come at
once."""


class Place(NamedTuple):
    """Where a sample belongs: its time, unwrapped, its segment, samples missing before it."""

    t_us: int
    segment: int
    missing: int | None


class MicrosLine:
    """Unwraps, orders and checks the stamps of one pod. Raises PacketError (TIME) for what cannot be."""

    def __init__(self, rate_hz: float) -> None:
        self._period_us = 1e6 / rate_hz
        self._segment = -1
        self._last: int | None = None
        self._last_rx_ns = 0
        self._linked = True
        self._lead_us: float | None = None  # most that a stamp was ahead of its arrival
        self._steps: deque[float] = deque(maxlen=STEADY)  # how far the last ones were off
        self._seen: deque[int] = deque(maxlen=REMEMBERED)
        self._suspects: deque[tuple[int, int]] = deque(maxlen=SUSPECTS)  # stamp, how many lead up to it

    def relink(self, rate_hz: float, *, anew: bool) -> None:
        """The link was made anew; `anew`: it is another pod, or has another rate."""
        self._period_us = 1e6 / rate_hz
        self._linked, self._lead_us = True, None
        self._steps.clear()
        self._suspects.clear()
        if anew:
            self._last = None

    def place(self, stamp: int, rx_ns: int) -> Place | None:
        """Where this sample belongs, None for one that was seen before."""
        if self._last is None:
            return self._begin(stamp, rx_ns)
        if self._linked:
            return self._first(stamp, rx_ns)
        if stamp in self._seen:
            return None
        ahead = (stamp - self._last) % CLOCK_SPAN_US
        steps = round(ahead / self._period_us)
        off = ahead - steps * self._period_us
        if steps < 1 or ahead > CLOCK_SPAN_US // 2 or abs(off) > self._slack_us + DRIFT * ahead:
            return self._doubt(stamp, rx_ns, f"{ahead} us after the sample before")
        t_us = self._last + ahead
        if steps > 1 and self._lead_us is not None and t_us - rx_ns / 1000 > self._lead_us + EARLY_US:
            return self._doubt(stamp, rx_ns, f"{ahead} us after the sample before, sooner than that")
        if steps == 1:
            self._steps.append(abs(off))
        return self._accept(t_us, rx_ns, steps - 1)

    @property
    def _slack_us(self) -> float:
        if len(self._steps) < STEADY:
            return OFF_US
        return max(OFF_STEADY_US, min(OFF_US, JITTER * max(self._steps)))

    def _first(self, stamp: int, rx_ns: int) -> Place:
        """The first sample of a link."""
        assert self._last is not None
        elapsed_us = (rx_ns - self._last_rx_ns) / 1000
        half = CLOCK_SPAN_US // 2
        near = self._last + round(elapsed_us)
        t_us = near + (stamp - near + half) % CLOCK_SPAN_US - half
        away_us = t_us - self._last
        steps = round(away_us / self._period_us)
        if steps < 1 or abs(away_us - elapsed_us) > CLOCK_SET_US + CLOCK_OFF * elapsed_us:
            return self._begin(stamp, rx_ns)
        return self._accept(t_us, rx_ns, steps - 1)

    def _begin(self, stamp: int, rx_ns: int) -> Place:
        self._segment += 1
        self._lead_us = None
        self._steps.clear()
        self._seen.clear()
        return self._accept(stamp, rx_ns, 0 if self._segment == 0 else None)

    def _accept(self, t_us: int, rx_ns: int, missing: int | None) -> Place:
        lead_us = t_us - rx_ns / 1000
        self._lead_us = lead_us if self._lead_us is None else max(self._lead_us, lead_us)
        self._last, self._last_rx_ns, self._linked = t_us, rx_ns, False
        self._seen.append(t_us % CLOCK_SPAN_US)
        if self._suspects:
            self._suspects.clear()
        return Place(t_us, self._segment, missing)

    def _doubt(self, stamp: int, rx_ns: int, why: str) -> Place:
        """Refuses a sample, unless others that were refused lead up to it."""
        chain = 1
        for before, length in self._suspects:
            if abs((stamp - before) % CLOCK_SPAN_US - self._period_us) <= OFF_STEADY_US:
                chain = max(chain, length + 1)
        if chain >= BELIEVE_AFTER:
            return self._begin(stamp, rx_ns)
        self._suspects.append((stamp, chain))
        raise PacketError(PacketReason.TIME, why)
