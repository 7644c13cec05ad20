"""When the samples of frames were taken that say only when their last one was (Polar), and what is missing between.

No counter tells of a lost frame, but time does: from the end of one frame to the end of the next there is room for the
samples of the next one, or for more. The measured period makes that exact. A frame that would be the first after a loss
waits for the next one to bear it out, so that one corrupt time neither invents a loss nor moves a sample. Latency:
none, one frame after a loss.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from sensord.errors import PacketError, PacketReason
from sensord.model import NS, FloatArray, IntArray, MaskArray

LOST_SAMPLES = 1.5
"""A frame further than this from where it belongs comes after a loss (hardware-protocols.md 4.1)."""

FIRST_TOLERANCE = 0.06
"""Rates of inertial sensors are within a few per cent of the nominal one (hardware-protocols.md 6.4, item 3): until the
true one was measured a frame may be so much longer or shorter."""

SMOOTHING = 1 / 64
"""Design choice: weight of one frame in the measured period. A stamp has steps of 30.5 us (polar-ble-sdk issue 597), so
over 64 frames of 0.2 s the period is known to 3 millionths."""

AGREE = 3
"""Design choice: so many frames in a row that are as far apart as each other, and not as the measured period says, are
not that many losses alike: a corrupt time was measured when little else had been, and the period is what they say."""

REMEMBERED = 64
"""Design choice: a notification that is delivered twice comes at once."""

WAITING = 4
"""Design choice: frames that say they come after the same loss, of which the next one bears out one."""

SUSPECTS = 16
BELIEVE_AFTER = 5
"""Design choice: refused frames that follow each other which it takes to believe that the clock was set. It only is
when the pod is switched on (polar-ble-sdk, KnownIssues.md), and then the link is a new one."""

AHEAD_NS = ((16, NS // 10), (6, NS // 2), (0, 2 * NS))
"""Design choice: a frame cannot be sampled later than it arrived; by how much more than the shortest delay it may seem
to, from that number of frames on. At first that delay may itself be one of frames that were held up on the air."""

BEHIND_NS, BEHIND_AT_LINK_NS = 40 * NS, 3 * NS
"""Design choice: a frame is not held up by more than the longest supervision timeout there is, 32 s (Bluetooth Core
specification, Vol 4, Part E, 7.8.12); the first one of a link hardly at all."""

DRIFT = 1e-3
"""More than any clock is off."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """n samples in order, the last one taken at `t_last_ns` (pod time), arrived at `rx_ns`."""

    t_last_ns: int
    rx_ns: int
    values: FloatArray
    saturated: MaskArray

    def __len__(self) -> int:
        return int(self.values.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class Timed:
    """A batch with the times (n,) of its samples, and how many are missing before it."""

    batch: Batch
    t_ns: IntArray
    missing: int


class PodTime:
    """What all streams of a pod share: how late its frames arrive by our clock."""

    def __init__(self) -> None:
        self.at_link = False
        self.reset()

    def reset(self) -> None:
        """Another clock from here on."""
        self._delay_ns: int | None = None
        self._rx_ns = 0
        self._frames = 0

    @property
    def known(self) -> bool:
        """Whether any frame has come."""
        return self._delay_ns is not None

    def problem(self, t_ns: int, rx_ns: int) -> str | None:
        """Why a frame of that time cannot arrive now; None if it can."""
        if self._delay_ns is None:
            return None
        later_ns = self._delay_ns - (rx_ns - t_ns)
        drift_ns = DRIFT * abs(rx_ns - self._rx_ns)
        if later_ns > drift_ns + next(ahead_ns for frames, ahead_ns in AHEAD_NS if self._frames >= frames):
            return f"sampled {later_ns / NS:.1f} s after it arrived"
        if -later_ns > (BEHIND_AT_LINK_NS if self.at_link else BEHIND_NS) + drift_ns:
            return f"{-later_ns / NS:.1f} s old"
        return None

    def observe(self, t_ns: int, rx_ns: int) -> None:
        """A frame that was accepted."""
        delay_ns = rx_ns - t_ns
        if self._delay_ns is not None:
            delay_ns = min(delay_ns, self._delay_ns + round(DRIFT * abs(rx_ns - self._rx_ns)))
        self._delay_ns, self._rx_ns = delay_ns, rx_ns
        self._frames += 1
        self.at_link = False


class Stream:
    """Frames of one sensor, in the order of arrival. Memory is bounded."""

    def __init__(self, rate_hz: float) -> None:
        self._nominal_ns = NS / rate_hz
        self.reset()

    def reset(self) -> None:
        """Nothing is known of what came before."""
        self._last: Batch | None = None
        self._waiting: deque[Batch] = deque(maxlen=WAITING)
        self._seen: deque[int] = deque(maxlen=REMEMBERED)
        self._suspects: deque[tuple[Batch, int]] = deque(maxlen=SUSPECTS)
        self._sum_ns, self._sum_n = 0.0, 0.0
        self._heard: Batch | None = None
        self._spans: list[tuple[int, int]] = []  # of the last frames, and their samples, while the period is in doubt
        self._at_link = False

    def relink(self) -> None:
        """The stream was stopped and started: its grid of samples begins anew, its clock goes on."""
        self._at_link = True
        self._heard = None
        self._waiting.clear()
        self._suspects.clear()

    @property
    def period_ns(self) -> float:
        """Time between two samples, as measured; the nominal one until then."""
        return self._sum_ns / self._sum_n if self._sum_n else self._nominal_ns

    def seen(self, t_last_ns: int) -> bool:
        """Whether a frame with that time was here before."""
        return t_last_ns in self._seen

    def overlaps(self, batch: Batch) -> bool:
        """Whether these samples would be before the last one that was placed."""
        return self._last is not None and self._gap(self._last, batch) < -self._tolerance(batch)

    def place(self, batch: Batch) -> list[Timed]:
        """Batches that are certain now, oldest first. Raises PacketError (TIME) for one that fits nowhere."""
        self._doubt_period(batch)
        return self._placed(batch)

    def _placed(self, batch: Batch) -> list[Timed]:
        last = self._last
        if last is None:
            return [self._accept(batch, 0)]
        gap, tolerance = self._gap(last, batch), self._tolerance(batch)
        if gap < -tolerance:
            raise PacketError(PacketReason.TIME, f"{-gap:.1f} samples too many since the frame before")
        if gap <= tolerance or self._at_link:
            return [self._accept(batch, 0 if gap <= tolerance else round(gap))]
        borne_out = self._waits_before(batch, tolerance)
        if borne_out is not None:
            first = self._accept(borne_out, round(self._gap(last, borne_out)))
            return [first, *self._placed(batch)]
        self._seen.append(batch.t_last_ns)
        self._waiting.append(batch)
        return []

    def _waits_before(self, batch: Batch, tolerance: float) -> Batch | None:
        """The oldest of those that wait that this one follows: at once if there is one, else after another loss."""
        gaps = [(self._gap(waiting, batch), waiting) for waiting in self._waiting]
        after = [(gap, waiting) for gap, waiting in gaps if gap >= -tolerance]
        at_once = [waiting for gap, waiting in after if gap <= tolerance]
        return at_once[0] if at_once else after[0][1] if after else None

    def believes(self, batch: Batch) -> bool:
        """Remembers a frame that was refused; true when enough of them follow each other."""
        chain = 1
        for before, length in self._suspects:
            if length >= chain and abs(self._gap(before, batch)) <= self._tolerance(batch):
                chain = length + 1
        self._suspects.append((batch, chain))
        return chain >= BELIEVE_AFTER

    def _accept(self, batch: Batch, missing: int) -> Timed:
        last, n = self._last, len(batch)
        joined = last is not None and missing == 0 and not self._at_link
        if last is not None and joined:
            span_ns = batch.t_last_ns - last.t_last_ns
            t_ns = last.t_last_ns + np.rint(np.arange(1, n + 1) * (span_ns / n)).astype(np.int64)
            self._measure(span_ns, n)
        else:
            t_ns = batch.t_last_ns - np.rint(np.arange(n - 1, -1, -1) * self.period_ns).astype(np.int64)
        if not self.seen(batch.t_last_ns):
            self._seen.append(batch.t_last_ns)
        self._suspects.clear()
        self._waiting.clear()
        self._last, self._at_link = batch, False
        return Timed(batch, t_ns, missing)

    def _measure(self, span_ns: int, n: int) -> None:
        self._sum_ns += span_ns - SMOOTHING * self._sum_ns
        self._sum_n += n - SMOOTHING * self._sum_n

    def _doubt_period(self, batch: Batch) -> None:
        """Takes the period for what `AGREE` frames in a row say, placed or not."""
        before, self._heard = self._heard, batch
        if before is None or not self._sum_n:
            return
        span_ns, n = batch.t_last_ns - before.t_last_ns, len(batch)
        possible = abs(span_ns - n * self._nominal_ns) <= FIRST_TOLERANCE * n * self._nominal_ns
        if not possible or abs(self._gap(before, batch)) <= LOST_SAMPLES:
            self._spans.clear()
            return
        self._spans.append((span_ns, n))
        sum_ns, sum_n = (sum(column) for column in zip(*self._spans, strict=True))
        if any(abs(s * sum_n / sum_ns - k) > LOST_SAMPLES for s, k in self._spans):
            self._spans = self._spans[-1:]
        elif len(self._spans) == AGREE:
            self._sum_ns, self._sum_n = float(sum_ns), float(sum_n)
            self._spans.clear()

    def _gap(self, before: Batch, batch: Batch) -> float:
        """How many samples there is room for between two batches."""
        return (batch.t_last_ns - before.t_last_ns) / self.period_ns - len(batch)

    def _tolerance(self, batch: Batch) -> float:
        """How far from its place a batch may be without a loss."""
        if self._at_link:
            return 0.5  # a grid that begins anew has no place, but is after the last one
        n = len(batch)
        free = LOST_SAMPLES if self._sum_n else max(LOST_SAMPLES, FIRST_TOLERANCE * n)
        return min(free, 0.5 * n)
