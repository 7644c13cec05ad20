"""The two pods' clocks as a pair: what their difference is worth, and what a twist of both shoes makes of it.

Each pod's clock is late by the constant part of its radio's delay, which no packet tells. A twist says which instants
of the two pods' clocks are one: from then on the right pod's map is corrected by what the two envelopes differ by at
that instant. The envelopes go on learning about that instant while it is in their window, so the correction is computed
anew each second until then, and stays. Pods keep it through a reboot: it belongs to their links.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sensord.clock import COVERED, Estimate, PodClock
from sensord.envelope import WINDOW_NS
from sensord.load.twist import Place, Twist, TwistSync
from sensord.model import NS, FootNote, SampleBlock, Side, Stride

LEARN_WITHIN = 1.3
"""Design choice: what the envelopes say of the twist's instant later is taken while it is not less sure than this."""

BEST_OF = 5
"""Design choice: looks of one twist, a second apart, of which the surest is taken,"""

ONE_TWIST_NS = 10 * NS
"""Design choice: and what is seen so soon after it is the same twist."""

STRIDING_NS = 4 * NS
"""Design choice: no look while both feet have made strides in the last seconds: nobody twists shoes that run."""


@dataclass(slots=True)
class _Anchor:
    """A twist that is in use: the correction it gives, how sure the envelopes were of it, and since when (run time)."""

    twist: Twist
    begun_ns: int
    correction_ns: int = 0
    sd_ns: float = math.inf
    learning: bool = True


class PairSync:
    """Fed with every block, stride and tick of a run with two pods; corrects the right pod's clock after a twist."""

    def __init__(self, left: PodClock, right: PodClock) -> None:
        self._clocks = {Side.LEFT: left, Side.RIGHT: right}
        self._newest: dict[Side, SampleBlock] = {}
        self._strides: dict[Side, int] = {}
        self._twists = TwistSync()
        self._seen: list[Twist] = []
        self._anchor: _Anchor | None = None

    @property
    def quality_ms(self) -> float | None:
        """Half the width, in ms, of the interval that holds 95 % of the errors of a time between the two feet.

        Without a twist the constant difference of the two radios' delays is left out: nothing measures it. None until
        both clocks know how much their packets scatter.
        """
        now: list[tuple[Place, Estimate]] = []
        for side, clock in self._clocks.items():
            block = self._newest.get(side)
            if block is None or clock.sync_quality_ms is None:
                return None
            place = (block.segment, int(block.t_pod_ns[-1]))
            estimate = clock.estimate(*place)
            if estimate is None:
                return None
            now.append((place, estimate))
        (left, left_now), (right, right_now) = now
        alone_ns = math.hypot(left_now.sd_ns, right_now.sd_ns)
        anchor = self._anchor
        if anchor is None or not self._same_segments(anchor.twist):
            return COVERED * alone_ns / 1e6
        left_age_ns, right_age_ns = left[1] - anchor.twist.left[1], right[1] - anchor.twist.right[1]
        since_ns = math.hypot(left_age_ns * left_now.rate_sd, right_age_ns * right_now.rate_sd)
        later_ns = math.hypot(alone_ns, anchor.sd_ns)
        sd_ns = min(since_ns, later_ns) if anchor.learning else later_ns
        return (COVERED * sd_ns + anchor.twist.error_ns) / 1e6

    @property
    def twisted(self) -> bool:
        """Whether the constant difference of the two radios' delays was measured, by a twist that still holds."""
        return self._anchor is not None and self._same_segments(self._anchor.twist)

    def block(self, side: Side, block: SampleBlock) -> None:
        """The samples of one pod, as they come; at least one."""
        self._newest[side] = block
        self._twists.block(side, block)

    def stride(self, stride: Stride, t_ns: int) -> None:
        """A foot has made a stride."""
        self._strides[stride.foot] = t_ns

    def on_tick(self, t_ns: int) -> list[FootNote]:
        """Look for a twist that ended, keep the correction up to date."""
        notes: list[FootNote] = []
        found = None if self._striding(t_ns) else self._look(t_ns)
        if found is not None:
            notes.append(self._take(found, t_ns))
        if self._anchor is not None:
            self._correct(self._anchor, t_ns)
        return notes

    def _striding(self, t_ns: int) -> bool:
        return len(self._strides) == len(Side) and min(self._strides.values()) > t_ns - STRIDING_NS

    def _look(self, t_ns: int) -> Twist | None:
        """The surest look of a twist, once it is over."""
        if self._anchor is not None and t_ns - self._anchor.begun_ns < ONE_TWIST_NS:
            return None
        twist = self._twists.look(t_ns, self._clocks[Side.LEFT], self._clocks[Side.RIGHT])
        if twist is not None:
            self._seen.append(twist)
        if not self._seen or (twist is not None and len(self._seen) < BEST_OF):
            return None
        best = min(self._seen, key=lambda seen: seen.error_ns)
        self._seen.clear()
        return best

    def _take(self, twist: Twist, t_ns: int) -> FootNote:
        """Use this twist from now on; says what the maps were off by until now."""
        apart = self._apart(twist)
        before = 0 if self._anchor is None else self._anchor.correction_ns
        self._anchor = _Anchor(twist, t_ns, correction_ns=before)
        self._correct(self._anchor, t_ns)
        off_ms = 0.0 if apart is None else (apart[0] - before) / 1e6
        quality = self.quality_ms
        known = "" if quality is None else f", now they agree within {quality:.1f} ms"
        text = f"both pods were twisted together: their clocks were {abs(off_ms):.1f} ms apart{known}"
        return FootNote(None, "twist_sync", text)

    def _correct(self, anchor: _Anchor, t_ns: int) -> None:
        apart = self._apart(anchor.twist)
        anchor.learning = (
            apart is not None
            and t_ns - anchor.begun_ns <= WINDOW_NS
            and apart[1] <= LEARN_WITHIN * anchor.sd_ns
            and self._same_segments(anchor.twist)
        )
        if apart is not None and anchor.learning:
            anchor.correction_ns, anchor.sd_ns = apart
            self._clocks[Side.RIGHT].correct(anchor.correction_ns)

    def _apart(self, twist: Twist) -> tuple[int, float] | None:
        """What the right envelope must be moved by so that the twist is one instant (ns), and its deviation."""
        left, right = (self._clocks[side].estimate(*twist.place(side)) for side in (Side.LEFT, Side.RIGHT))
        if left is None or right is None:
            return None
        return left.run_ns - right.run_ns, math.hypot(left.sd_ns, right.sd_ns)

    def _same_segments(self, twist: Twist) -> bool:
        now = {side: block.segment for side, block in self._newest.items()}
        return now == {Side.LEFT: twist.left[0], Side.RIGHT: twist.right[0]}
