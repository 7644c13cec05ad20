"""What no other test of progress would have noticed: found by changing the code and by lines that no test reached."""

from __future__ import annotations

from dataclasses import replace

from sensord.model import NS, Activity
from sensord.plan.progress import Progress
from sensord.plan.segments import Change, Segments
from sensord.plan.workout import parse_workout
from tests.plan.made_strides import Course, Leg, done, play, run_of, states, told

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
