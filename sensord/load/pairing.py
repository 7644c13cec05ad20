"""Each left stride with the right stride that follows it, whatever the order in which the two feet arrive.

A pair is a left stride and the first right contact inside it (left contact <= right contact < next left contact, in
run time). Per foot, strides arrive in order; between the feet they may be a second or two apart. A pair is decided only
once the right foot has gone past the left contact, so the pairs do not depend on how the feet were interleaved.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from sensord.model import Activity, Side, Stride
from sensord.plan.rule import MIN_CONFIDENCE

KEPT = 16
"""Design choice: strides kept a foot while the other is late: about ten seconds; the feet differ by about 1.5 s."""


class StridePair(NamedTuple):
    """A left stride and the right one that follows it, both trusted, both of one activity. `t_ns`: both have ended."""

    t_ns: int
    left: Stride
    right: Stride

    @property
    def activity(self) -> Activity:
        """Walking and running pairs are never mixed."""
        return self.left.activity

    @property
    def contact_times_s(self) -> tuple[float, float] | None:
        """Contact times (left, right) in s; None when one was not measured."""
        left, right = self.left.contact_time_s, self.right.contact_time_s
        return (left, right) if left and right else None


class Pairing:
    """Pairs of strides by order of contact. A stride without run time, or out of order in its foot, joins no pair."""

    def __init__(self) -> None:
        self._waiting: dict[Side, deque[Stride]] = {side: deque(maxlen=KEPT) for side in Side}
        self._newest_ns: dict[Side, int] = {}

    def add(self, stride: Stride) -> list[StridePair]:
        """The pairs that this stride completes."""
        at_ns = stride.ic_run_ns
        if at_ns is None or at_ns <= self._newest_ns.get(stride.foot, at_ns - 1):
            return []
        self._newest_ns[stride.foot] = at_ns
        if stride.foot is Side.LEFT and stride.next_ic_run_ns is None:
            return []  # a left stride without an end cannot say which right contact is inside it
        self._waiting[stride.foot].append(stride)
        return self._decide()

    def _decide(self) -> list[StridePair]:
        lefts, rights = self._waiting[Side.LEFT], self._waiting[Side.RIGHT]
        pairs: list[StridePair] = []
        while lefts and rights:
            left, right = lefts[0], rights[0]
            if _ic(right) < _ic(left):
                rights.popleft()  # it followed a left contact that is decided or was lost
                continue
            lefts.popleft()
            if _ic(right) < _end(left):
                rights.popleft()
                if _comparable(left, right):
                    pairs.append(StridePair(max(_end(left), _end(right)), left, right))
        return pairs


def _ic(stride: Stride) -> int:
    assert stride.ic_run_ns is not None  # add() lets nothing else in
    return stride.ic_run_ns


def _end(stride: Stride) -> int:
    return _ic(stride) if stride.next_ic_run_ns is None else stride.next_ic_run_ns


def _comparable(left: Stride, right: Stride) -> bool:
    return left.activity is right.activity and min(left.confidence, right.confidence) >= MIN_CONFIDENCE
