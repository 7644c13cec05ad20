"""Step time and flight time of each side: from one foot's contact, or its toe-off, to the other foot's next contact.

Both need both feet on one clock: an offset of d ms between the clocks makes left steps d longer and right steps d
shorter, 1.8 % of SI in step time at 3 ms and three times as much in flight time. They are left empty unless the clocks
are known to agree within 3 ms. The mean flight time of both feet needs no common clock: every stride holds two contacts
and two flights, hence (stride time - left contact - right contact)/2, negative when both feet were down together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence

from sensord.model import NS, Side, Stride, changed

SYNC_MS = 3.0
"""Clocks that may differ by more tell nothing about one side's step (design choice: the table in docs/metrics.md)."""

KEPT = 16
"""Design choice: contacts of the other foot that are remembered, about ten seconds."""

SAME_CONTACT_NS = NS // 10
"""A stride's end and the next one's begin are one contact, though the clock map may have moved between the two by a few
ms: contacts of a foot nearer than this are one (design choice: no stride is that short)."""


def mean_flight_s(stride_time_s: float | None, left_s: float | None, right_s: float | None) -> float | None:
    """Mean flight time of both feet in s, from stride time and both contact times in s; below 0: double support."""
    if stride_time_s is None or left_s is None or right_s is None:
        return None
    return (stride_time_s - left_s - right_s) / 2.0


class Steps:
    """Live: fills in a stride what the other foot's contacts that are known by then allow."""

    def __init__(self) -> None:
        self._contacts: dict[Side, deque[int]] = {side: deque(maxlen=KEPT) for side in Side}

    def add(self, stride: Stride, sync_ms: float | None) -> Stride:
        """The stride with `step_time_s` and `flight_time_s`, when the clocks agree within `SYNC_MS` and the other
        foot's contact inside the stride is known already. It is for a pod that is less than half a stride late; a
        stride does not wait for it."""
        own, other = self._contacts[stride.foot], self._contacts[stride.foot.other]
        for at_ns in (stride.ic_run_ns, stride.next_ic_run_ns):
            if at_ns is not None and (not own or at_ns - own[-1] > SAME_CONTACT_NS):
                own.append(at_ns)
        if sync_ms is None or sync_ms > SYNC_MS:
            return stride
        return _filled(stride, other)


def with_steps(strides: Sequence[Stride]) -> list[Stride]:
    """Strides of both feet whose pod times are of one clock (analysis with `same_clock`), in their order, each with
    `step_time_s` and `flight_time_s` where the other foot's contact inside it is known."""
    contacts: dict[Side, list[int]] = {}
    for side in Side:
        found = {at for s in strides if s.foot is side for at in (s.ic_pod_ns, s.next_ic_pod_ns) if at is not None}
        contacts[side] = sorted(found)
    return [_filled(s, contacts[s.foot.other], begin_ns=s.ic_pod_ns, end_ns=s.next_ic_pod_ns) for s in strides]


def _filled(stride: Stride, others: Sequence[int], *, begin_ns: int | None = None, end_ns: int | None = None) -> Stride:
    begin_ns = stride.ic_run_ns if begin_ns is None else begin_ns
    end_ns = stride.next_ic_run_ns if end_ns is None else end_ns
    if begin_ns is None or end_ns is None:
        return stride
    index = bisect_right(others, begin_ns)
    if index == len(others) or others[index] >= end_ns:
        return stride
    if index + 1 < len(others) and others[index + 1] < end_ns:
        return stride  # two contacts of the other foot inside one stride: one of them is none
    step_s = (others[index] - begin_ns) / NS
    contact_s = stride.contact_time_s
    return changed(stride, step_time_s=step_s, flight_time_s=None if contact_s is None else step_s - contact_s)
