"""Places packets that carry a wrapping counter and a wrapping clock on one line, finding repeats and losses.

For pods whose packets say `seq` (16 bit, +1 a packet) and the time of their first sample (32 bit, microseconds).
Counter, clock and arrival check each other: time says how many samples are missing, the counter whether any packet is,
and a pod's time cannot run ahead of ours. A packet whose stories cannot all be true is refused (`PacketReason.TIME`). A
pod that keeps telling the same new story is believed after `BELIEVE_AFTER` packets, as a new segment, so that one
corrupt packet never shuts out all that follow.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from sensord.errors import PacketError, PacketReason

SEQ_SPAN = 1 << 16
CLOCK_SPAN = 1 << 32

BELIEVE_AFTER = 3
"""Design choice: packets that follow each other which a refused story needs to be taken for true."""

REMEMBERED = 64
"""Design choice: repeats come at once (a notification that is delivered twice), so 3 s of packets are memory enough.
Packets whose counters are this far apart have one place in it."""

SUSPECTS = 8
"""Design choice: refused packets that are remembered, so that junk in between does not hide that some fit together."""

RUNS_AHEAD_US = 10_000_000
"""Design choice: how much later than the packet before a packet can be sampled than its arrival says: that one may have
been held up on the air, by no more than a link survives."""

FASTEST = 1.01
"""Far more than any clock is off; keeps long silences apart from time that jumped."""

PERIOD_SMOOTHING = 1 / 16
"""Design choice: weight of one packet in the measured period; sensors' rates drift over minutes, packets last 0.1 s."""


class Stamp(NamedTuple):
    """What a packet says about time: n samples, the first at t_first (wrapped us), a true period apart.

    `rx_us` is when it arrived, on our clock.
    """

    seq: int
    t_first_us: int
    n: int
    period_us: float
    overrun: bool = False
    restarted: bool = False
    rx_us: int = 0


class Place(NamedTuple):
    """Where a packet belongs: unwrapped time of its first sample, its segment, samples missing before it."""

    first_us: int
    segment: int
    missing: int | None


class _Last(NamedTuple):
    """The newest packet that was placed (or the newest suspect), and when its last sample was taken."""

    stamp: Stamp
    first_us: int
    end_us: float


class Timeline:
    """Unwraps, orders and checks the packets of one pod. Raises PacketError (TIME) for what cannot be.

    `missing` is exact for gaps up to about 10,000 samples (span has a resolution of 10 us over 0.1 s, averaged).
    """

    def __init__(self, clock_us: int | None = None) -> None:
        self._segment = -1
        self._last: _Last | None = None
        self._seen: list[tuple[int, int] | None] = [None] * REMEMBERED
        self._suspects: deque[tuple[_Last, int]] = deque(maxlen=SUSPECTS)
        self._period_us: float | None = None
        self._relinked = False
        self._clock_us = clock_us

    def relink(self, *, restarted: bool, clock_us: int | None) -> None:
        """The link was made anew: the counter may have gone anywhere; after a restart so may the clock."""
        self._relinked = True
        self._clock_us = clock_us
        if restarted:
            self._last = None
            self._seen = [None] * REMEMBERED

    def place(self, stamp: Stamp) -> Place | None:
        """Where this packet belongs, None for one that was seen before."""
        last = self._last
        if self._seen[stamp.seq % REMEMBERED] == (stamp.seq, stamp.t_first_us):
            return None
        if last is None or stamp.restarted:
            return self._begin(stamp)
        ahead = (stamp.seq - last.stamp.seq) % SEQ_SPAN
        period_us = self._period_us or stamp.period_us
        if ahead == 1 and not (stamp.overrun or self._relinked):
            since_us = (stamp.t_first_us - last.first_us) % CLOCK_SPAN
            first_us = last.first_us + since_us
            if 0.5 <= (first_us - last.end_us) / period_us <= 1.5:  # the next one, on time: nearly all are
                self._measure(since_us / last.stamp.n)
                self._last = _last(stamp, first_us)
                self._seen[stamp.seq % REMEMBERED] = (stamp.seq, stamp.t_first_us)
                if self._suspects:
                    self._suspects.clear()
                return Place(first_us, self._segment, 0)
        # after a link: near the clock as it was read then
        near_us = self._clock_us if self._relinked and self._clock_us is not None else last.first_us
        first_us = _nearest(stamp.t_first_us, near_us)
        gap = (first_us - last.end_us) / period_us
        runs_ahead_us = first_us - last.first_us - (stamp.rx_us - last.stamp.rx_us) * FASTEST
        fits = gap >= 0.5 if self._relinked else _plausible(gap, ahead, overrun=stamp.overrun)
        if not fits or runs_ahead_us > RUNS_AHEAD_US:
            return self._doubt(stamp, f"{gap:.1f} periods and {ahead} packets after the last one")
        missing = round(gap) - 1 if (ahead != 1 or stamp.overrun or self._relinked) else 0
        if ahead == 1 and missing == 0:
            self._measure((first_us - last.first_us) / last.stamp.n)
        return self._accept(stamp, first_us, max(missing, 0))

    def _begin(self, stamp: Stamp) -> Place:
        near = self._clock_us if self._clock_us is not None else stamp.t_first_us
        first_us = _nearest(stamp.t_first_us, near)
        if first_us < 0:
            first_us += CLOCK_SPAN
        self._segment += 1
        self._period_us = None
        self._accept(stamp, first_us, 0)
        return Place(first_us, self._segment, 0 if self._segment == 0 else None)

    def _accept(self, stamp: Stamp, first_us: int, missing: int) -> Place:
        self._last = _last(stamp, first_us)
        self._seen[stamp.seq % REMEMBERED] = (stamp.seq, stamp.t_first_us)
        if self._suspects:
            self._suspects.clear()
        self._relinked = False
        return Place(first_us, self._segment, missing)

    def _doubt(self, stamp: Stamp, why: str) -> Place:
        """Refuses a packet, unless others that were refused lead up to it."""
        chain, unwrapped = 1, stamp.t_first_us
        for before, length in self._suspects:
            first_us = _nearest(stamp.t_first_us, before.first_us)
            gap = (first_us - before.end_us) / stamp.period_us
            if length >= chain and _plausible(gap, (stamp.seq - before.stamp.seq) % SEQ_SPAN, overrun=False):
                chain, unwrapped = length + 1, first_us
        if chain >= BELIEVE_AFTER:
            self._clock_us = None
            return self._begin(stamp)
        self._suspects.append((_last(stamp, unwrapped), chain))
        raise PacketError(PacketReason.TIME, why)

    def _measure(self, measured_us: float) -> None:
        if self._period_us is None:
            self._period_us = measured_us
        else:
            self._period_us += PERIOD_SMOOTHING * (measured_us - self._period_us)


def _last(stamp: Stamp, first_us: int) -> _Last:
    return _Last(stamp, first_us, first_us + (stamp.n - 1) * stamp.period_us)


def _nearest(wrapped: int, near: int) -> int:
    """The time congruent to `wrapped` that is nearest to `near`."""
    half = CLOCK_SPAN // 2
    return near + (wrapped - near + half) % CLOCK_SPAN - half


def _plausible(gap: float, ahead: int, *, overrun: bool) -> bool:
    """Whether a gap of so many periods can lie before a packet that is `ahead` in the counter (1: the next one).

    Every lost packet held at least one sample. Above there is no bound once something is missing: a lost packet may
    have carried the mark of a FIFO overrun.
    """
    if ahead == 0 or ahead > SEQ_SPAN // 2:
        return False
    if ahead == 1 and not overrun:
        return 0.5 <= gap <= 1.5
    return gap >= ahead - 0.5
