"""Totals and cover: each moment counts once, whichever foot saw it and in whatever order it came."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.load.cover import MAX_PIECES, Cover
from sensord.load.speed import chance_share
from sensord.load.totals import LONGEST_GAP_S, Totals
from sensord.model import NS, Activity, RunTotals, Side, StepLengths, Stride
from tests.load.made_strides import STRIDE_S, a_stride, both_feet, strides

LENGTHS = StepLengths(walk_m=0.7, run_m=1.0)


def totals(items: list[Stride]) -> RunTotals:
    sums = Totals(LENGTHS)
    for item in items:
        sums.add(item)
    return sums.now


intervals = st.lists(st.tuples(st.integers(0, 60), st.integers(-2, 9)).map(lambda p: (p[0], p[0] + p[1])), max_size=12)


@settings(max_examples=100, deadline=None)
@given(intervals, st.randoms(use_true_random=False))
def test_cover_is_the_union_in_any_order(pieces: list[tuple[int, int]], rng: random.Random) -> None:
    wanted = len({moment for begin, end in pieces for moment in range(begin, end)})
    for _ in range(2):
        cover = Cover()
        assert sum(cover.add(begin, end) for begin, end in pieces) == wanted
        rng.shuffle(pieces)


def test_cover_closes_the_oldest_hole_instead_of_growing() -> None:
    cover = Cover()
    for k in range(100):
        assert cover.add(10 * k, 10 * k + 5) == 5
    assert cover.add(2, 8) == 0  # long closed
    assert cover.add(985, 990) == 5  # still open
    assert cover.add(2, 8) == 0  # and closed holes stay closed when others are filled
    assert len(cover._pieces) <= MAX_PIECES


def test_pieces_that_touch_are_one() -> None:
    cover = Cover()
    assert sum(cover.add(10 * k, 10 * k + 10) for k in range(5)) == 50
    assert cover._pieces == [(0, 50)]


def test_both_feet_count_what_one_foot_counts() -> None:
    one = totals(strides(Side.LEFT, 0.0, 100))
    both = totals(both_feet(0.0, 100))
    assert one.steps == 200
    assert both.steps == 201  # the right foot goes on half a stride longer
    assert one.run_time_s == pytest.approx(100 * STRIDE_S)
    assert one.distance_m == pytest.approx(200.0)
    assert one.run_distance_m == one.distance_m


@pytest.mark.parametrize("lost", list(Side))
def test_a_lost_pod_neither_halves_nor_doubles(lost: Side) -> None:
    whole = totals(both_feet(0.0, 200))
    holed = totals([s for s in both_feet(0.0, 200) if s.foot is not lost or not 40 < (s.ic_run_ns or 0) / 1e9 < 90])
    assert holed.steps == whole.steps
    assert holed.run_time_s == pytest.approx(whole.run_time_s)
    assert holed.distance_m == pytest.approx(whole.distance_m)


def test_silence_alone_is_not_taken_for_running() -> None:
    seen = totals([s for s in both_feet(0.0, 100) if not 20 < (s.ic_run_ns or 0) / 1e9 < 30])
    assert seen.run_time_s < totals(both_feet(0.0, 100)).run_time_s - 8


def test_a_lost_contact_or_unknown_time_adds_nothing() -> None:
    assert (
        totals([a_stride(Side.LEFT, 3.0), a_stride(Side.LEFT, None, 4.0), a_stride(Side.LEFT, 5.0, 4.0)]) == RunTotals()
    )


def running(begin_s: float, n: int, foot: Side = Side.LEFT) -> list[Stride]:
    """Strides of 2.1 m in 0.7 s, known to 5 %."""
    return strides(
        foot,
        begin_s,
        n,
        stride_length_m=2.1,
        speed_mps=3.0,
        speed_sd_mps=0.15,
        speed_source="trajectory",
    )


def test_distance_is_the_sum_of_stride_lengths() -> None:
    found = totals(running(0.0, 100))
    assert found.distance_m == pytest.approx(210.0)
    assert found.run_distance_m == found.distance_m
    assert (found.estimated_m, found.configured_m) == (0.0, 0.0)
    chance = chance_share(running(0.0, 1)[0])
    common = (0.05**2 - chance**2) ** 0.5
    assert found.distance_sd_m == pytest.approx(((210.0 * common) ** 2 + 100 * (2.1 * chance) ** 2) ** 0.5)


def test_chance_cancels_and_what_is_common_does_not() -> None:
    short, long = totals(running(0.0, 10)), totals(running(0.0, 1000))
    assert 0.04 < long.distance_sd_m / long.distance_m < 0.05
    assert short.distance_sd_m / short.distance_m > long.distance_sd_m / long.distance_m


def test_configured_steps_are_counted_apart() -> None:
    found = totals(strides(Side.LEFT, 0.0, 10))
    assert found.configured_m == found.distance_m == pytest.approx(20.0)
    assert found.distance_sd_m == pytest.approx(3.0)


def lost(begin_s: float, foot: Side = Side.LEFT) -> Stride:
    """The row of a contact after which the signal was lost."""
    return a_stride(foot, begin_s)


def test_a_gap_counts_at_the_last_known_pace_and_is_kept_apart() -> None:
    items = [*running(0.0, 10), lost(7.0), *running(17.0, 20)]
    found = totals(items)
    assert found.estimated_m == pytest.approx(30.0)
    assert found.distance_m == pytest.approx(21.0 + 30.0 + 42.0)
    assert found.run_time_s == pytest.approx(31.0)
    assert found.steps == round(2 * 31 / 0.7)
    assert found.distance_sd_m > 0.2 * 30.0


def test_what_the_other_foot_saw_is_no_gap() -> None:
    left = [*running(0.0, 10), lost(7.0), *running(17.0, 20)]
    right = running(0.35, 44, Side.RIGHT)
    found = totals(sorted([*left, *right], key=lambda s: s.next_ic_run_ns or s.ic_run_ns or 0))
    assert found.estimated_m == pytest.approx(0.0, abs=1e-9)
    assert found.run_time_s == pytest.approx(31.15)


def test_both_feet_lost_together_are_one_gap() -> None:
    left = [*running(0.0, 10), lost(7.0), *running(17.0, 20)]
    right = [*running(0.35, 10, Side.RIGHT), lost(7.35, Side.RIGHT), *running(17.35, 20, Side.RIGHT)]
    found = totals(sorted([*left, *right], key=lambda s: s.next_ic_run_ns or s.ic_run_ns or 0))
    assert found.estimated_m == pytest.approx(3.0 * (17.0 - 7.35))
    assert found.run_time_s == pytest.approx(31.35)


def test_a_long_loss_is_a_break() -> None:
    back_s = 7.0 + LONGEST_GAP_S + 1.0
    found = totals([*running(0.0, 10), lost(7.0), *running(back_s, 20)])
    assert found.estimated_m == 0.0
    assert found.distance_m == pytest.approx(63.0)


def test_a_broken_link_is_a_gap_only_if_she_was_moving() -> None:
    for silent_s, estimated in ((0.5, 30.5), (60.0, 0.0)):
        sums = Totals(LENGTHS)
        for stride in running(0.0, 10):
            sums.add(stride)
        sums.lost(Side.LEFT, round((7.0 + silent_s) * NS))
        for stride in running(7.0 + silent_s + 9.6667 if silent_s < 1 else 80.0, 20):
            sums.add(stride)
        assert sums.now.estimated_m == pytest.approx(estimated, abs=0.01)


def test_walking_and_running_are_told_apart() -> None:
    found = totals(strides(Side.LEFT, 0, 10, 1.1, activity=Activity.WALK) + strides(Side.LEFT, 11, 10))
    assert found.walk_time_s == pytest.approx(11.0)
    assert found.run_time_s == pytest.approx(7.0)
    assert found.distance_m == pytest.approx(20 * 0.7 + 20 * 1.0)
    assert found.run_distance_m == pytest.approx(20.0)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 3), st.integers(5, 60))
def test_a_late_foot_changes_nothing(late_strides: int, n: int) -> None:
    """The right foot may come up to about two seconds after the left one."""
    items = both_feet(0.0, n)
    late = sorted(items, key=lambda s: (s.next_ic_run_ns or 0) + (late_strides * 0.7e9 if s.foot is Side.RIGHT else 0))
    assert totals(late).steps == totals(items).steps
    assert totals(late).distance_m == pytest.approx(totals(items).distance_m, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.55, 1.3), min_size=1, max_size=40))
def test_totals_never_fall_and_time_is_never_counted_twice(times: list[float]) -> None:
    sums, before, t, newest = Totals(LENGTHS), RunTotals(), 0.0, 0.0
    for k, length in enumerate(times):
        sums.add(a_stride(list(Side)[k % 2], t, t + length))
        newest = max(newest, t + length)
        t += length / 2
        now = sums.now
        assert now.distance_m >= before.distance_m
        assert now.run_time_s >= before.run_time_s
        before = now
    assert before.run_time_s == pytest.approx(newest, abs=1e-6)  # the feet overlap: nothing is missed either


def test_running_time_goes_on_between_strides_while_she_can_be_taken_to_run() -> None:
    sums = Totals(LENGTHS)
    assert sums.run_time_at(5 * NS, linked=True) == 0.0
    for item in strides(Side.LEFT, 0.0, 10):
        sums.add(item)
    run_s = sums.now.run_time_s
    end_ns = round(10 * STRIDE_S * NS)
    for after_s, more_s in ((-0.1, 0.0), (0.0, 0.0), (0.7, 0.7), (1.5, 1.5), (1.501, 0.0), (100.0, 0.0)):
        assert sums.run_time_at(end_ns + round(after_s * NS), linked=True) == pytest.approx(run_s + more_s)
    assert sums.run_time_at(end_ns + 20 * NS, linked=False) == pytest.approx(run_s)  # no foot was lost while it moved
    assert sums.now.run_time_s == run_s


def test_running_time_does_not_go_on_after_walking() -> None:
    sums = Totals(LENGTHS)
    for item in [*strides(Side.LEFT, 0.0, 10), a_stride(Side.LEFT, 20.0, 21.0, activity=Activity.WALK)]:
        sums.add(item)
    assert sums.run_time_at(round(21.5 * NS), linked=True) == pytest.approx(10 * STRIDE_S)


def test_while_no_pod_is_linked_running_time_goes_on_as_its_gap_will_count() -> None:
    sums = Totals(LENGTHS)
    for item in both_feet(0.0, 20):
        sums.add(item)
    end_s = max(item.next_ic_run_ns for item in both_feet(0.0, 20)) / NS
    run_s = sums.now.run_time_s
    for foot in Side:
        sums.lost(foot, round((end_s + 2.0) * NS))
    at = round((end_s + 60.0) * NS)
    assert sums.run_time_at(at, linked=False) == pytest.approx(run_s + 60.0)
    assert sums.run_time_at(at, linked=True) == pytest.approx(run_s)
    assert sums.run_time_at(round((end_s + LONGEST_GAP_S + 1.0) * NS), linked=False) == pytest.approx(run_s)
    back = strides(Side.LEFT, end_s + 60.0, 1)[0]
    sums.add(back)  # the gap waits to be counted, and is in it already
    assert sums.now.run_time_s == pytest.approx(run_s + STRIDE_S)
    assert sums.run_time_at(back.next_ic_run_ns, linked=True) == pytest.approx(run_s + 60.0 + STRIDE_S, abs=0.01)
    for item in strides(Side.LEFT, end_s + 60.0 + STRIDE_S, 8):
        sums.add(item)
    assert sums.now.run_time_s == pytest.approx(run_s + 60.0 + 9 * STRIDE_S, abs=0.01)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(list(Side)), st.integers(0, 80), st.booleans()), max_size=40), st.integers(0, 90)
)
def test_running_time_now_is_never_less_than_what_was_counted(seen: list[tuple[Side, int, bool]], at_s: int) -> None:
    sums = Totals(LENGTHS)
    for foot, begin, run in seen:
        if begin % 7 == 0:
            sums.lost(foot, begin * NS)
        sums.add(a_stride(foot, float(begin), begin + 0.7, activity=Activity.RUN if run else Activity.WALK))
        for linked in (True, False):
            now_s = sums.run_time_at(at_s * NS, linked=linked)
            assert sums.now.run_time_s <= now_s + 1e-9
            assert now_s <= sums.now.run_time_s + LONGEST_GAP_S + 90.0


def test_steps_of_running_are_a_part_of_all() -> None:
    walked = [a_stride(Side.LEFT, 30.0 + k, 31.0 + k, activity=Activity.WALK) for k in range(5)]
    found = totals([*strides(Side.LEFT, 0.0, 20), *walked])
    assert (found.steps, found.run_steps) == (50, 40)
