"""Pairs depend on the order of contacts, never on the order of arrival."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.load.pairing import KEPT, Pairing, StridePair
from sensord.model import Activity, Side, Stride
from tests.load.made_strides import a_stride, both_feet, strides


def pairs(items: list[Stride]) -> list[StridePair]:
    pairing = Pairing()
    return [pair for item in items for pair in pairing.add(item)]


def test_each_left_stride_with_the_right_one_that_follows() -> None:
    found = pairs(both_feet(0.0, 10))
    assert len(found) == 10
    for pair in found:
        assert pair.left.ic_run_ns < pair.right.ic_run_ns < pair.left.next_ic_run_ns
        assert pair.t_ns == pair.right.next_ic_run_ns
    assert len({id(p.right) for p in found}) == 10


@st.composite
def two_feet(draw: st.DrawFn) -> tuple[list[Stride], list[Stride]]:
    """Two feet with lost strides, lost contacts, breaks, both activities and doubtful strides."""
    feet = []
    for side in Side:
        t_s, made = draw(st.floats(0, 1)), []
        for _ in range(draw(st.integers(0, 20))):
            length = draw(st.sampled_from([0.6, 0.7, 0.8, 1.1]))
            end_s = draw(st.sampled_from([t_s + length, t_s + length, t_s + length, None]))
            made.append(
                a_stride(
                    side,
                    t_s,
                    end_s,
                    confidence=draw(st.sampled_from([1.0, 0.5, 0.4])),
                    contact_time_s=draw(st.sampled_from([0.2, 0.25, None])),
                    activity=draw(st.sampled_from([Activity.RUN, Activity.RUN, Activity.WALK])),
                )
            )
            t_s += length + draw(st.sampled_from([0.0, 0.0, 0.0, 2.0]))
        feet.append(made)
    return feet[0], feet[1]


def merged(left: list[Stride], right: list[Stride], rng: random.Random) -> list[Stride]:
    """Any interleaving in which no foot is more than ten strides ahead."""
    left, right, out, ahead = list(left), list(right), [], 0
    while left or right:
        take_left = bool(left) and (not right or (ahead < 10 and (ahead < -10 or rng.random() < 0.5)))
        out.append((left if take_left else right).pop(0))
        ahead += 1 if take_left else -1
    return out


@settings(max_examples=80, deadline=None)
@given(two_feet(), st.randoms(use_true_random=False))
def test_interleaving_does_not_matter(feet: tuple[list[Stride], list[Stride]], rng: random.Random) -> None:
    left, right = feet
    by_time = sorted(left + right, key=lambda s: (s.ic_run_ns, s.foot))
    found = pairs(by_time)
    assert pairs(merged(left, right, rng)) == found
    for pair in found:
        assert pair.left.foot is Side.LEFT
        assert pair.right.foot is Side.RIGHT
        assert pair.left.activity is pair.right.activity is pair.activity
        measured = [s.contact_time_s for s in (pair.left, pair.right)]
        assert pair.contact_times_s == (None if None in measured else tuple(measured))
        assert pair.left.ic_run_ns <= pair.right.ic_run_ns < pair.left.next_ic_run_ns
        assert min(pair.left.confidence, pair.right.confidence) >= 0.5


def test_a_right_contact_at_the_left_one_belongs_to_the_stride_that_begins() -> None:
    left = strides(Side.LEFT, 0.0, 2)
    (pair,) = pairs([left[0], left[1], a_stride(Side.RIGHT, 0.7, 1.4)])
    assert pair.left is left[1]


def test_a_lost_stride_costs_its_pair_only() -> None:
    items = both_feet(0.0, 20)
    for index in (10, 11):
        assert len(pairs([s for k, s in enumerate(items) if k != index])) == 19


def test_a_foot_that_comes_back_after_a_minute_is_paired_again() -> None:
    items = strides(Side.LEFT, 0.0, 200) + strides(Side.RIGHT, 100 * 0.7 + 0.35, 100)
    found = pairs(sorted(items, key=lambda s: s.next_ic_run_ns or 0))
    assert len(found) == 100


@pytest.mark.parametrize("late", list(Side))
def test_memory_is_bounded_when_one_foot_is_silent(late: Side) -> None:
    pairing = Pairing()
    for stride in strides(late.other, 0.0, 500):
        assert pairing.add(stride) == []
    assert all(len(waiting) <= KEPT for waiting in pairing._waiting.values())


def test_a_stride_out_of_order_or_without_time_joins_no_pair() -> None:
    items = both_feet(0.0, 4)
    assert len(pairs([*items, items[0], a_stride(Side.RIGHT, None)])) == 4
