"""Places packets that carry a wrapping counter and a wrapping clock on one line, finding repeats and losses.

For pods whose packets say `seq` (16 bit, +1 a packet) and the time of their first sample (32 bit, microseconds).
Counter and clock check each other: time says how many samples are missing, the counter whether any packet is. A packet
whose two stories cannot both be true is refused (`PacketReason.TIME`). A pod that keeps telling the same new story is
believed after `BELIEVE_AFTER` packets in a row, as a new segment, so that one corrupt packet never shuts out all that
follow.
"""

from __future__ import annotations

from dataclasses import dataclass

from sensord.errors import PacketError, PacketReason

SEQ_SPAN = 1 << 16
CLOCK_SPAN = 1 << 32

BELIEVE_AFTER = 3
"""Design choice: consistent packets in a row that a refused clock needs to be taken for true."""

PERIOD_SMOOTHING = 1 / 16
"""Design choice: weight of one packet in the measured period; sensors' rates drift over minutes, packets last 0.1 s."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a packet's header says about time: n samples, the first at t_first (wrapped us), a true period apart."""

    seq: int
    t_first_us: int
    n: int
    period_us: float
    overrun: bool = False
    restarted: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a packet belongs: unwrapped time of its first sample, its segment, samples missing before it."""

    first_us: int
    segment: int
    missing: int | None


@dataclass(frozen=True, slots=True)
class _Last:
    """The newest packet that was placed (or the newest suspect)."""

    stamp: Stamp
    first_us: int

    @property
    def end_us(self) -> float:
        return self.first_us + (self.stamp.n - 1) * self.stamp.period_us


class Timeline:
    """Unwraps, orders and checks the packets of one pod. Raises PacketError (TIME) for what cannot be.

    `missing` is exact for gaps up to about 10,000 samples (span has a resolution of 10 us over 0.1 s, averaged).
    """

    def __init__(self, clock_us: int | None = None) -> None:
        self._segment = -1
        self._last: _Last | None = None
        self._suspect: _Last | None = None
        self._suspects = 0
        self._period_us: float | None = None
        self._relinked = False
        self._clock_us = clock_us

    def relink(self, *, restarted: bool, clock_us: int | None) -> None:
        """The link was made anew: the counter may have gone anywhere; after a restart so may the clock."""
        self._relinked = True
        self._clock_us = clock_us
        if restarted:
            self._last = None

    def place(self, stamp: Stamp) -> Place | None:
        """Where this packet belongs, None for one that was seen before."""
        last = self._last
        if last is None or (stamp.restarted and not _same(stamp, last.stamp)):
            return self._begin(stamp)
        first_us = _nearest(stamp.t_first_us, self._near(last))
        gap = (first_us - last.end_us) / self._period(stamp)
        ahead = (stamp.seq - last.stamp.seq) % SEQ_SPAN
        if (ahead == 0 or ahead > SEQ_SPAN // 2) and gap <= 0:
            return None
        if not (gap >= 0.5 if self._relinked else _plausible(gap, ahead, overrun=stamp.overrun)):
            return self._doubt(stamp, f"{gap:.1f} periods and {ahead} packets after the last one")
        missing = round(gap) - 1 if (ahead != 1 or stamp.overrun or self._relinked) else 0
        if ahead == 1 and missing == 0:
            self._measure(last, first_us)
        return self._accept(stamp, first_us, max(missing, 0))

    def _near(self, last: _Last) -> int:
        """Where the next packet is expected: at the clock that was read when the link came up, else after the last."""
        if self._relinked and self._clock_us is not None:
            return self._clock_us
        return last.first_us

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
        self._last = _Last(stamp, first_us)
        self._suspect = None
        self._suspects = 0
        self._relinked = False
        return Place(first_us, self._segment, missing)

    def _doubt(self, stamp: Stamp, why: str) -> Place:
        before, unwrapped = self._suspect, stamp.t_first_us
        follows = False
        if before is not None:
            unwrapped = _nearest(stamp.t_first_us, before.first_us)
            gap = (unwrapped - before.end_us) / stamp.period_us
            follows = _plausible(gap, (stamp.seq - before.stamp.seq) % SEQ_SPAN, overrun=False)
        self._suspects = self._suspects + 1 if follows else 1
        self._suspect = _Last(stamp, unwrapped)
        if self._suspects >= BELIEVE_AFTER:
            self._clock_us = None
            return self._begin(stamp)
        raise PacketError(PacketReason.TIME, why)

    def _period(self, stamp: Stamp) -> float:
        return self._period_us if self._period_us is not None else stamp.period_us

    def _measure(self, last: _Last, first_us: int) -> None:
        measured = (first_us - last.first_us) / last.stamp.n
        if self._period_us is None:
            self._period_us = measured
        else:
            self._period_us += PERIOD_SMOOTHING * (measured - self._period_us)


def _same(a: Stamp, b: Stamp) -> bool:
    return a.seq == b.seq and a.t_first_us == b.t_first_us


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
