"""Step and flight time of each side: exact on one clock, empty on two."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.load.steps import KEPT, SYNC_MS, Steps, mean_flight_s, with_steps
from sensord.model import Side, Stride
from tests.load.made_strides import a_stride, both_feet, strides


def limping(n: int = 20, left_step_s: float = 0.37) -> list[Stride]:
    """Strides of 0.7 s: the left step takes `left_step_s`, the right one the rest."""
    left = strides(Side.LEFT, 1.0, n, contact_time_s=0.26)
    right = strides(Side.RIGHT, 1.0 + left_step_s, n, contact_time_s=0.22)
    return sorted(left + right, key=lambda s: s.next_ic_run_ns or 0)


def test_mean_flight_needs_no_common_clock_and_may_be_negative() -> None:
    assert mean_flight_s(0.7, 0.26, 0.22) == pytest.approx(0.11)
    assert mean_flight_s(1.0, 0.6, 0.62) == pytest.approx(-0.11)
    assert mean_flight_s(None, 0.2, 0.2) is mean_flight_s(0.7, None, 0.2) is mean_flight_s(0.7, 0.2, None) is None


def test_live_steps_and_flights_of_each_side() -> None:
    steps = Steps()
    filled = [steps.add(stride, 1.0) for stride in limping()]
    for stride in filled[2:]:
        step_s, contact_s = (0.37, 0.26) if stride.foot is Side.LEFT else (0.33, 0.22)
        assert stride.step_time_s == pytest.approx(step_s, abs=1e-6)
        assert stride.flight_time_s == pytest.approx(step_s - contact_s, abs=1e-6)


@pytest.mark.parametrize("sync_ms", [None, SYNC_MS + 0.1, 30.0])
def test_clocks_that_may_differ_tell_no_step(sync_ms: float | None) -> None:
    steps = Steps()
    items = limping()
    assert [steps.add(stride, sync_ms) for stride in items] == items
    assert steps.add(items[-1], SYNC_MS).step_time_s is not None  # the contacts are remembered all the same


def test_a_contact_is_one_although_the_clock_map_moved() -> None:
    """A stride's end and the next one's begin, mapped at different times, are a few ms apart."""
    steps = Steps()
    moved = [replace(s, ic_run_ns=s.ic_run_ns + 2_000_000) for s in limping()]
    filled = [steps.add(stride, 1.0) for stride in moved]
    assert all(stride.step_time_s is not None for stride in filled[2:])


@pytest.mark.parametrize(
    "stride",
    [
        a_stride(Side.LEFT, None),
        a_stride(Side.LEFT, 50.0),
        a_stride(Side.LEFT, 50.0, 50.7),  # no right contact inside
        a_stride(Side.LEFT, 1.0, 2.5),  # two of them
    ],
)
def test_a_stride_without_one_contact_of_the_other_foot_inside_keeps_none(stride: Stride) -> None:
    steps = Steps()
    for right in strides(Side.RIGHT, 1.37, 3):
        steps.add(right, 1.0)
    assert steps.add(stride, 1.0) == stride
    assert with_steps([*strides(Side.RIGHT, 1.37, 3), stride])[-1] == stride


def test_without_contact_time_there_is_a_step_and_no_flight() -> None:
    steps = Steps()
    steps.add(a_stride(Side.RIGHT, 1.35, 2.05), 0.5)
    filled = steps.add(a_stride(Side.LEFT, 1.0, 1.7, contact_time_s=None), 0.5)
    assert filled.step_time_s == pytest.approx(0.35)
    assert filled.flight_time_s is None


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 0.65), st.integers(2, 12))
def test_both_steps_make_a_stride(left_step_s: float, n: int) -> None:
    filled = with_steps(limping(n, left_step_s))
    left = [s.step_time_s for s in filled if s.foot is Side.LEFT]
    right = [s.step_time_s for s in filled if s.foot is Side.RIGHT]
    assert all(x is not None for x in left)  # the right foot ends later: each left stride has its right contact
    for k in range(n - 1):
        assert left[k] + right[k] == pytest.approx(0.7, abs=1e-6)


def test_analysis_uses_pod_time_and_keeps_the_order() -> None:
    items = [replace(s, ic_run_ns=None, next_ic_run_ns=None) for s in both_feet(0.0, 10)]
    filled = with_steps(items)
    assert [(s.foot, s.ic_pod_ns) for s in filled] == [(s.foot, s.ic_pod_ns) for s in items]
    assert [s.step_time_s for s in filled] == pytest.approx([0.35] * 20)


def test_memory_is_bounded() -> None:
    steps = Steps()
    for stride in strides(Side.LEFT, 0.0, 500):
        steps.add(stride, 1.0)
    assert all(len(contacts) <= KEPT for contacts in steps._contacts.values())
