"""What no other test of progress would have noticed: found by changing the code and by lines that no test reached."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sensord.model import NS, Activity, RunTotals
from sensord.model_plan import WorkoutState
from sensord.plan.progress import Progress
from sensord.plan.route import OPEN_REPEATS, Route
from sensord.plan.segments import LOST_S, Change, Counts, Segments
from sensord.plan.workout import parse_workout
from tests.plan.made_strides import Course, Leg, done, intervals, play, run_of, states, told

STRIDE_NS = 720_000_000


def course(*legs: tuple[str, float]) -> Course:
    return Course(tuple(Leg(*leg) for leg in legs))


def walked_then(segments: Segments, pattern: str, *, from_ns: int = 0) -> list[Change]:
    """Strides of one foot behind one another, "w" and "r" (running, 2 m each)."""
    found: list[Change] = []
    for k, one in enumerate(pattern):
        begin_ns, run = from_ns + k * STRIDE_NS, one == "r"
        activity = Activity.RUN if run else Activity.WALK
        found += segments.add(
            activity, begin_ns, begin_ns + STRIDE_NS, run_m=2.0 if run else 0.0, walk_m=0.0 if run else 1.0
        )
    return found


# ---------------------------------------------------------------------------------------------------- segments


def test_a_change_is_dated_back_to_its_first_signs_though_odd_strides_undid_them() -> None:
    """Three strides of running, two odd ones that undo the turn, then running: most behind the first sign were running,
    so that it is where she began."""
    [change] = walked_then(Segments(), "w" * 14 + "rrrww" + "r" * 8)
    assert (change.run, change.at.t_ns, change.at.run_m) == (True, 14 * STRIDE_NS, 0.0)


def test_odd_strides_that_outweigh_the_first_signs_are_the_old_kind() -> None:
    [change] = walked_then(Segments(), "w" * 14 + "rww" + "r" * 8)
    assert (change.run, change.at.t_ns, change.at.run_m) == (True, 17 * STRIDE_NS, 2.0)


def test_nobody_is_followed_through_more_than_five_minutes_to_the_nanosecond() -> None:
    segments = Segments()
    walked_then(segments, "w" * 3)
    last_ns = 3 * STRIDE_NS
    assert segments.unseen(last_ns + round(LOST_S * NS))
    assert segments.last_ns == last_ns + round(LOST_S * NS)
    assert not segments.unseen(last_ns + round(LOST_S * NS) + 1)
    walked_then(segments, "w", from_ns=last_ns + round(LOST_S * NS))
    assert segments.unseen(last_ns + 2 * round(LOST_S * NS))  # seen between: that counts anew


def test_what_has_been_seen_is_not_taken_for_unseen() -> None:
    """The first signs of running outlast a call that says nothing new."""
    segments = Segments()
    walked_then(segments, "w" * 14 + "rrr")
    assert segments.unseen(17 * STRIDE_NS)
    assert segments.unseen(16 * STRIDE_NS)
    [change] = walked_then(segments, "rrrrr", from_ns=17 * STRIDE_NS)
    assert (change.run, change.at.t_ns) == (True, 14 * STRIDE_NS)


def test_unseen_running_and_walking_go_on_at_the_pace_so_far() -> None:
    segments = Segments()
    walked_then(segments, "w" * 20)  # 1 m in 0.72 s
    assert segments.unseen(20 * STRIDE_NS + 36 * NS)
    now = segments.counts
    assert (now.walk_m, now.unseen_s, now.run_s) == (pytest.approx(20.0 + 50.0), 36.0, 0.0)
    assert (now.run_m, now.unseen_run_s, now.unseen_run_m) == (0.0, 0.0, 0.0)
    ran = Segments()
    walked_then(ran, "r" * 20)  # 2 m in 0.72 s
    assert ran.running
    assert ran.unseen(20 * STRIDE_NS + 36 * NS)
    assert ran.counts.run_s == pytest.approx(20 * 0.72 + 36.0)
    assert (ran.counts.run_m, ran.counts.walk_m) == (pytest.approx(140.0), 0.0)
    assert (ran.counts.unseen_s, ran.counts.unseen_run_s) == (36.0, 36.0)
    assert ran.counts.unseen_run_m == pytest.approx(100.0)
    assert ran.counts.seen() == replace(ran.counts, run_s=pytest.approx(14.4), run_m=pytest.approx(40.0))


def test_who_runs_unseen_does_not_walk_meanwhile() -> None:
    segments = Segments()
    walked_then(segments, "w" * 20 + "r" * 20)
    assert segments.running
    assert segments.unseen(40 * STRIDE_NS + 36 * NS)
    assert segments.counts.walk_m == pytest.approx(20.0)
    assert segments.counts.run_m == pytest.approx(140.0)
    segments.assume(run=False)
    assert segments.unseen(40 * STRIDE_NS + 72 * NS)
    assert (segments.counts.walk_m, segments.counts.run_m) == (pytest.approx(70.0), pytest.approx(140.0))


def test_a_run_that_ends_in_a_stand_ended_before_the_steps_to_it() -> None:
    segments = Segments()
    walked_then(segments, "r" * 20 + "ww")
    [change] = segments.still(22 * STRIDE_NS + 33 * NS)
    assert (change.run, change.at.t_ns, change.at.walk_m, change.at.run_m) == (False, 20 * STRIDE_NS, 0.0, 40.0)


def test_a_pace_of_less_than_ten_seconds_is_none() -> None:
    segments = Segments()
    walked_then(segments, "w" * 13)  # 9.36 s
    assert segments.unseen(13 * STRIDE_NS + NS)
    assert segments.counts.walk_m == 13.0
    walked_then(segments, "w", from_ns=13 * STRIDE_NS + NS)
    assert segments.unseen(14 * STRIDE_NS + 2 * NS)
    assert segments.counts.walk_m == pytest.approx(14.0 + 1 / 0.72)


def test_counts_between_two_moments_are_never_negative() -> None:
    early, late = Counts(10 * NS, run_s=4.0, run_m=12.0, walk_m=3.0), Counts(20 * NS, run_s=9.0, run_m=30.0, walk_m=8.0)
    assert (late.seconds(early, run=True), late.seconds(early, run=False)) == (5.0, 5.0)
    assert (late.metres(early, run=True), late.metres(early, run=False)) == (18.0, 5.0)
    assert [early.seconds(late, run=run) for run in (True, False)] == [0.0, 0.0]
    assert [early.metres(late, run=run) for run in (True, False)] == [0.0, 0.0]


def test_standing_ends_a_run_after_half_a_minute_and_what_is_told_late() -> None:
    segments = Segments()
    walked_then(segments, "r" * 20)
    last_ns = 20 * STRIDE_NS
    assert segments.still(last_ns + 33 * NS - 1) == []
    assert segments.still(last_ns + 33 * NS) == [Change(False, segments.counts)]
    assert segments.still(last_ns + 99 * NS) == []


def test_time_goes_on_ahead_of_the_strides_for_three_seconds() -> None:
    segments = Segments()
    walked_then(segments, "r" * 20)
    last_ns, run_s = 20 * STRIDE_NS, segments.counts.run_s
    assert segments.live(last_ns + 3 * NS).run_s == pytest.approx(run_s + 3.0)
    assert segments.live(last_ns + 3 * NS).t_ns == last_ns + 3 * NS
    assert segments.live(last_ns + 3 * NS + 1).run_s == run_s
    assert segments.live(last_ns - NS) == segments.counts
    walked_then(segments, "w", from_ns=last_ns)
    assert segments.live(last_ns + STRIDE_NS + NS).run_s == run_s  # a first sign that she walks


# ---------------------------------------------------------------------------------------------------- progress


def test_a_gap_in_the_samples_that_is_shorter_than_a_stop_is_not_followed() -> None:
    inputs = told(course(("walk", 120), ("run", 61), ("walk", 60)))
    at = next(k for k, one in enumerate(inputs) if one.stride and (one.stride.ic_run_ns or 0) > 140 * NS)
    broken = inputs[at].stride
    assert broken
    begin_ns = broken.ic_run_ns or 0
    lost = [one for one in inputs if one.stride and begin_ns <= (one.stride.ic_run_ns or 0) < begin_ns + 1.5 * NS]
    kept = [one for one in inputs if all(one is not other for other in lost)]
    kept.insert(at, replace(inputs[at], stride=replace(broken, next_ic_run_ns=None, next_ic_pod_ns=None)))
    said = play(Progress(parse_workout("3x(walk 2min, run 1min)")), kept)
    assert len(lost) >= 3
    assert done(said).estimated_pct == 0.0
    assert all(not one.estimated for one in states(said))


def test_what_is_missed_of_a_workout_ends_where_nobody_can_say_how_much_comes() -> None:
    end = done(run_of(course(("walk", 60)), "walk 1min, run 1min, until 2mi (walk 2min, run 4min), walk 5min"))
    assert [(one.kind, one.quality) for one in end.intervals] == [("walk", "done"), ("run", "missed")]


def test_a_first_run_may_end_unseen() -> None:
    legs = (Leg("run", 30.0), Leg("run", 32.0, lost=True), Leg("walk", 58.0, lost=True), Leg("run", 61.0))
    said = run_of(Course(legs), "2x(run 1min, walk 1min)")
    first, walk, *_ = intervals(said)
    assert (first.kind, first.quality, first.done_s) == ("run", "done", pytest.approx(61.0, abs=2.5))
    assert (walk.kind, walk.quality, walk.done_s) == ("walk", "done", pytest.approx(60.0, abs=3.0))


def test_every_segment_of_a_gap_that_only_the_samples_show_is_told() -> None:
    """From the tenth second on nothing for a minute, and no pod is said to be lost: walk, run, walk were due."""
    inputs = told(course(("walk", 20), ("run", 20), ("walk", 20), ("run", 21), ("walk", 30)))
    at = next(k for k, one in enumerate(inputs) if one.stride and (one.stride.ic_run_ns or 0) > 10 * NS)
    broken = inputs[at].stride
    assert broken
    kept = [
        one for one in inputs if one.stride and not 10 * NS < (one.stride.ic_run_ns or 0) < 70 * NS
    ]  # strides alone: what time shows is found when the next one comes
    kept.insert(
        next(k for k, one in enumerate(kept) if one.stride and (one.stride.ic_run_ns or 0) >= 70 * NS),
        replace(inputs[at], stride=replace(broken, next_ic_run_ns=None, next_ic_pod_ns=None)),
    )
    said = play(Progress(parse_workout("2x(walk 20s, run 20s)")), kept)
    assert [(one.kind, one.repetition) for one in intervals(said)][:3] == [("walk", None), ("run", 1), ("walk", None)]
    assert [one.estimated_pct for one in intervals(said)][1] == 100.0


def test_half_of_two_walks_in_turn_is_the_first_of_them() -> None:
    """Running in the first of two walks is too early until both together are half done."""
    text = "walk 1min @warmup, walk 1min, run 1min"
    said = run_of(course(("walk", 40), ("run", 8), ("walk", 81), ("run", 61)), text)
    assert [(one.kind, one.quality) for one in intervals(said)] == [
        ("run", "extra"), ("walk", "done"), ("walk", "done"), ("run", "done"),
    ]  # fmt: skip


def test_nobody_is_unseen_until_strides_are_later_than_they_may_be() -> None:
    progress = Progress(parse_workout("walk 1min, run 1min"))
    inputs = [one for one in told(course(("walk", 20)), jitter=0.0, delay_s=0.0) if one.stride]
    play_in = RunTotals()
    for one in inputs:
        assert one.stride
        progress.on_stride(one.stride, play_in, one.t_ns)
    last_ns = progress._segments.last_ns
    assert last_ns is not None
    assert progress._segments.counts.unseen_s == 0.0
    progress.on_tick(last_ns + 9 * NS)
    progress.on_tick(last_ns + 3 * NS, lost=True)
    assert progress._segments.counts.unseen_s == 0.0
    progress.on_tick(last_ns + 3 * NS + 1, lost=True)
    assert progress._segments.counts.unseen_s == pytest.approx(3.0)
    progress.on_tick(last_ns + 4 * NS, lost=True)
    assert progress._segments.counts.unseen_s == pytest.approx(4.0)
    [state] = [one for one in progress.on_tick(last_ns + 15 * NS, lost=True) if isinstance(one, WorkoutState)]
    assert (state.doing, state.estimated) == ("unseen", True)


def test_a_group_that_nobody_counted_goes_on_within_one_that_is_counted() -> None:
    route = Route(parse_workout("2x(?x(run 1min, walk 1min))"))
    assert route.at(2 * 2 * OPEN_REPEATS - 1) is not None
    assert route.at(2 * 2 * OPEN_REPEATS) is None
    assert (route.planned.fewest, route.planned.most) == (2, None)


def by_seconds(text: str, *legs: tuple[Activity, int]) -> list[tuple[str, str]]:
    """Whole seconds, told as a sensor tells them that computes for itself: kind and quality of each segment."""
    progress, said, second = Progress(parse_workout(text)), [], 0
    for activity, seconds in legs:
        for _ in range(seconds):
            second += 1
            said += progress.on_moved(activity, ((second - 1) * NS, second * NS), RunTotals(), second * NS)
    said += progress.end()
    repetitions = str(done(said).reps_done)
    return [*((one.kind, one.quality) for one in intervals(said)), ("repetitions", repetitions)]


def test_just_nine_tenths_of_a_run_are_the_run() -> None:
    legs = ((Activity.RUN, 9), (Activity.WALK, 10))
    assert by_seconds("run 10s, walk 10s", *legs) == [("run", "done"), ("walk", "done"), ("repetitions", "1")]


def test_just_half_of_the_next_run_makes_two_runs_one() -> None:
    text, legs = "run 20s, walk 10s, run 20s", ((Activity.RUN, 30), (Activity.WALK, 6))
    assert by_seconds(text, *legs) == [
        ("run", "done"), ("walk", "skipped"), ("run", "merged"), ("repetitions", "1"),
    ]  # fmt: skip
