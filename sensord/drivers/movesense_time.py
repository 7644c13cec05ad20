"""Times of samples of which packets say when their first one was taken, in whole milliseconds (Movesense).

A packet has a fixed number of samples, so where it belongs on a grid of samples is certain, and its stamp is that
place's time, rounded. The line through the last 32 stamps, as they came (nothing later), says what the rounding hid: it
is good to about 0.1 ms once they are there, to 2 ms in the first packets. The line is made of these stamps and nothing
else, so what junk did to it is forgotten after 32 packets. A lost packet leaves its place empty.

No checksum tells of a corrupt stamp: it must lie where a packet can be, and not be ahead of its arrival by more than
any before it. What keeps telling another time is believed, as a new segment.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

from sensord.drivers.movesense_wire import CLOCK_SPAN_MS
from sensord.errors import PacketError, PacketReason
from sensord.model import IntArray

MS = 1_000_000

REMEMBERED = 32
"""Design choice: 2.5 s of packets. The line's end is good to 2 / sqrt(32) of a stamp's deviation of 0.29 ms."""

RATE_OFF = 0.03
"""A sensor's rate may be so far off its nominal one (hardware-protocols.md 6.4, item 3)."""

RATE_SD = 0.01
STAMP_SD_MS = 0.29
"""That bound taken for three deviations; the deviation of what rounding to a millisecond cuts off (1 / sqrt(12))."""

RATE_KNOWN = 0.003
KNOWN_AFTER = 8
STAMP_OFF_MS = 2.0
"""Two stamps are each up to a millisecond off. Design choice: after 8 packets in a row, 0.6 s, the rate is known to a
millisecond over that."""

LONG_GAP_MS = 1000.0
"""Design choice: over a longer gap a period that is a little off would bend the line: it begins anew."""

AHEAD_MS, AHEAD_AT_FIRST_MS = 40, 250
SETTLED_AFTER = 16
"""Design choice: how much earlier for its time a packet may come than any before it: half a packet, once 16 have shown
how late they come at best."""

FIRST_MS = 10_000
"""Design choice: the first packet of a link is of the 10 s after its clock was read."""

CLOCK_SET_MS = 10_000
CLOCK_OFF = 0.001
"""Design choice: over a time away the clock may differ by 10 s and this share (far more than a crystal is off); by
more, and it is another clock: the sensor was restarted."""

BELIEVE_AFTER = 3
SUSPECTS = 8
"""Design choice: refused packets that are remembered, and how many that follow each other are believed."""


class Place(NamedTuple):
    """Times (n,) of a packet's samples, its segment, samples missing before it."""

    t_ns: IntArray
    segment: int
    missing: int | None


class PacketTime:
    """Unwraps, orders and checks stamps. Raises PacketError (TIME) for what cannot be.

    `packet`: samples of every packet, so that losses are multiples of it. `clock_ms`: what its clock showed when it was
    linked; None for a log, whose stamps nothing can have changed: what goes back there is of a sensor that restarted.
    """

    def __init__(self, rate_hz: float, packet: int, clock_ms: int | None) -> None:
        self._segment = -1
        self._last_rx_ns = 0
        self._last: int | None
        self._lead_ms: float | None
        self._clock_ms: int | None
        self._reset(rate_hz, packet, clock_ms)
        self._logged = clock_ms is None

    def relink(self, rate_hz: float, packet: int, clock_ms: int, *, anew: bool) -> None:
        """The link was made anew; `anew`: with another rate, so no grid goes on."""
        if anew:
            self._reset(rate_hz, packet, clock_ms)
            return
        self._clock_ms, self._linked, self._lead_ms = clock_ms, True, None
        self._suspects.clear()

    @property
    def begins(self) -> bool:
        """Whether the next packet is the first of a link: when it was taken is known to some seconds only."""
        return self._linked or self._last is None

    def seen(self, stamp: int, n: int) -> bool:
        """Whether a packet with this stamp is the newest that was placed, or one shortly before."""
        return (stamp, n) in self._seen

    def expects(self, stamp: int, rx_ns: int) -> bool:
        """Whether a packet with this stamp can be the next one, or one after a loss."""
        if self._last is None or self._linked:
            return 0 <= (stamp - (self._clock_ms or 0)) % CLOCK_SPAN_MS <= FIRST_MS
        return self._problem(nearest(stamp, self._last), rx_ns) is None

    def place(self, stamp: int, n: int, rx_ns: int) -> Place:
        """Where n samples belong whose first has this stamp."""
        last = self._last
        if last is None or self._linked:
            return self._first(stamp, n, rx_ns)
        ms = nearest(stamp, last)
        if self._logged:
            if ms <= last:
                return self._begin(ms, n, rx_ns)
        elif (problem := self._problem(ms, rx_ns)) is not None:
            return self._doubt(stamp, n, rx_ns, problem)
        return self._accept(ms, n, rx_ns, max(self._steps(ms - last), self._count))

    # ---- inside

    def _reset(self, rate_hz: float, packet: int, clock_ms: int | None) -> None:
        self._nominal_ms = self._period_ms = 1000.0 / rate_hz
        self._packet = packet
        self._clock_ms = clock_ms
        self._linked = True
        self._last = None
        self._count = 0  # samples in the last packet
        self._last_ns = -1
        self._lead_ms = None  # most that a stamp was ahead of its arrival
        self._heard = 0  # packets that this is the most of
        self._begun: tuple[int, int] | None = None  # as below, of the first packet since a gap
        self._line: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)  # place of the first sample, its stamp
        self._seen: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)
        self._suspects: deque[tuple[int, int, int]] = deque(maxlen=SUSPECTS)  # stamp, samples, how many lead up to it

    @property
    def _long_period_ms(self) -> float:
        """The period over all that came without a long gap: better than the line's, once there is more than that."""
        if self._begun is None or not self._line or len(self._line) < REMEMBERED:
            return self._period_ms
        (first, first_ms), (last, last_ms) = self._begun, self._line[-1]
        return (last_ms - first_ms) / (last - first)

    def _steps(self, ahead_ms: int) -> int:
        """Samples from the last packet's first to one so much later."""
        samples = ahead_ms / self._period_ms - self._count
        return self._count + self._packet * round(samples / self._packet)

    def _problem(self, ms: int, rx_ns: int) -> str | None:
        """Why no packet of this time can come now; None if one can."""
        assert self._last is not None
        assert self._lead_ms is not None
        ahead_ms = ms - self._last
        steps = self._steps(ahead_ms)
        slack_ms = STAMP_OFF_MS + ahead_ms * (RATE_KNOWN if len(self._line) >= KNOWN_AFTER else RATE_OFF)
        if steps < self._count or abs(ahead_ms - steps * self._period_ms) > slack_ms:
            return f"{ahead_ms} ms after the packet before"
        early_ms = ms - rx_ns / MS - self._lead_ms
        if early_ms > (AHEAD_MS if self._heard >= SETTLED_AFTER else AHEAD_AT_FIRST_MS):
            return f"{ahead_ms} ms after the packet before, {early_ms:.0f} ms too early for that"
        return None

    def _first(self, stamp: int, n: int, rx_ns: int) -> Place:
        """The first packet of a link, or of a log."""
        last, clock = self._last, self._clock_ms
        if clock is None:
            return self._begin(stamp, n, rx_ns)
        elapsed_ms = (rx_ns - self._last_rx_ns) / MS
        near = clock if last is None else nearest(clock, round(last + elapsed_ms))
        ms = nearest(stamp, near)
        if not 0 <= ms - near <= FIRST_MS:
            return self._doubt(stamp, n, rx_ns, f"{ms - near} ms after its clock was read")
        if last is None:
            return self._begin(ms, n, rx_ns)
        away_ms = ms - last
        was_set = abs(away_ms - elapsed_ms) > CLOCK_SET_MS + CLOCK_OFF * elapsed_ms
        steps = round(away_ms / self._long_period_ms)
        if was_set or steps < self._count:
            return self._begin(nearest(stamp, clock), n, rx_ns)
        return self._accept(ms, n, rx_ns, steps)

    def _begin(self, ms: int, n: int, rx_ns: int) -> Place:
        self._segment += 1
        self._last = None
        self._last_ns = -1
        self._lead_ms = None
        self._period_ms = self._nominal_ms
        self._begun = None
        self._line.clear()
        self._seen.clear()
        place = self._accept(ms if ms >= 0 else ms + CLOCK_SPAN_MS, n, rx_ns, 0)
        return place._replace(missing=0 if self._segment == 0 else None)

    def _accept(self, ms: int, n: int, rx_ns: int, steps: int) -> Place:
        missing = steps - self._count if self._last is not None else 0
        at = self._line[-1][0] + steps if self._line else 0
        if self._linked or missing * self._period_ms > LONG_GAP_MS:
            self._line.clear()
            self._begun = None
        self._line.append((at, ms))
        self._begun = self._begun or (at, ms)
        first_ms, self._period_ms = self._fitted(at, ms)
        lead_ms = ms - rx_ns / MS
        self._heard = 1 if self._lead_ms is None else self._heard + 1
        self._lead_ms = lead_ms if self._lead_ms is None else max(self._lead_ms, lead_ms)
        self._last, self._count, self._last_rx_ns, self._linked = ms, n, rx_ns, False
        self._seen.append((ms % CLOCK_SPAN_MS, n))
        self._suspects.clear()
        first_ns = max(round(first_ms * MS), self._last_ns + MS // 100)
        t_ns: IntArray = first_ns + np.rint(np.arange(n) * (self._period_ms * MS)).astype(np.int64)
        self._last_ns = int(t_ns[-1])
        return Place(t_ns, self._segment, missing)

    def _fitted(self, at: int, ms: int) -> tuple[float, float]:
        """Time of the newest packet's first sample, and the period, by least squares over the stamps that are kept."""
        n = len(self._line)
        if n < 2:
            return float(ms), self._period_ms
        # all relative to the newest: small whole numbers, the same wherever on the line, and their sums are exact
        sum_x = sum_y = sum_xx = sum_xy = 0
        for x, y in self._line:
            dx, dy = x - at, y - ms
            sum_x += dx
            sum_y += dy
            sum_xx += dx * dx
            sum_xy += dx * dy
        mean_x, mean_y = sum_x / n, sum_y / n
        xx, xy = sum_xx - sum_x * mean_x, sum_xy - sum_x * mean_y
        off = RATE_OFF * self._nominal_ms
        nominal = (STAMP_SD_MS / (RATE_SD * self._nominal_ms)) ** 2  # as if so much of xx had been measured before
        period_ms = (xy + nominal * self._nominal_ms) / (xx + nominal)
        period_ms = min(max(period_ms, self._nominal_ms - off), self._nominal_ms + off)
        return ms + mean_y - period_ms * mean_x, period_ms

    def _doubt(self, stamp: int, n: int, rx_ns: int, why: str) -> Place:
        """Refuses a packet, unless others that were refused lead up to it."""
        chain = 1
        for before, count, length in self._suspects:
            ahead = (stamp - before) % CLOCK_SPAN_MS
            if abs(ahead - count * self._nominal_ms) <= STAMP_OFF_MS + RATE_OFF * count * self._nominal_ms:
                chain = max(chain, length + 1)
        if chain >= BELIEVE_AFTER:
            return self._begin(stamp, n, rx_ns)
        self._suspects.append((stamp, n, chain))
        raise PacketError(PacketReason.TIME, why)


def nearest(wrapped: int, near: int) -> int:
    """The time congruent to `wrapped` that is nearest to `near`."""
    half = CLOCK_SPAN_MS // 2
    return near + (wrapped - near + half) % CLOCK_SPAN_MS - half
