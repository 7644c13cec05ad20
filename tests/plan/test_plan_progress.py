"""The progress of a workout: what she does against what was planned, cue by cue and segment by segment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.model import NS, Activity, AlertPhase, PodSetup, RunSetup, RunTotals, Side, payload
from sensord.model_plan import WorkoutDone
from sensord.plan.progress import Progress
from sensord.plan.progress_words import clock, length
from sensord.plan.route import Route
from sensord.plan.segments import LOST_S, Counts, Segments
from sensord.plan.standing import Day
from sensord.plan.workout import parse_workout
from tests.plan.made_strides import (
    Course,
    Leg,
    Told,
    alerts,
    cues,
    done,
    followed,
    intervals,
    play,
    run_of,
    states,
    told,
)

WALK_RUN = "3x(walk 2min, run 1min)"


def course(*legs: tuple[str, float] | Leg) -> Course:
    return Course(tuple(leg if isinstance(leg, Leg) else Leg(*leg) for leg in legs))


def became(said: list[object]) -> list[tuple[str, int | None, str]]:
    """Kind, repetition and quality of every segment, in order."""
    return [(one.kind, one.repetition, one.quality) for one in intervals(said)]  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------- as planned


def test_a_workout_done_as_planned() -> None:
    said = run_of(followed(WALK_RUN), WALK_RUN)
    assert cues(said) == ["Run now", "Walk now", "Run now", "Walk now", "Last run", "Workout done"]
    whole = [("walk", None, "done"), ("run", 1, "done"), ("walk", None, "done"), ("run", 2, "done")]
    assert became(said) == [*whole, ("walk", None, "done"), ("run", 3, "done")]
    end = done(said)
    assert (end.done_pct, end.reps_done, end.reps_fewest, end.reps_most, end.completed) == (100.0, 3, 3, 3, True)
    assert (end.short, end.merged, end.missed, end.extra, end.success) == (0, 0, 0, 0, None)
    assert end.run_planned_s == 180.0
    assert end.run_done_s == pytest.approx(180.0, abs=3.0)
    assert not alerts(said)


def test_it_says_where_she_is_in_one_line() -> None:
    said = states(run_of(followed(WALK_RUN), WALK_RUN))
    texts = [one.text for one in said]
    assert "Walk: 0:57 left, then run 1 of 3 1:00" in texts
    assert any(text.startswith("Run 2 of 3: 0:2") and text.endswith("left, then walk 2:00") for text in texts)
    assert texts[-1] == "Workout done"
    first = said[0]
    assert (first.position, first.kind, first.doing, first.repetition, first.of) == (0, "walk", "walk", 1, 3)
    assert (first.next_kind, first.next_s, first.left_m, first.mods) == ("run", 60.0, None, ())


def test_it_is_said_every_ten_seconds_and_no_oftener_than_there_is_news() -> None:
    said = states(run_of(followed("run 5min"), "run 5min"))
    assert 300 / 10 - 1 <= len(said) <= 300 / 10 + 12


def test_distances_fire_with_how_far_off_they_may_be() -> None:
    text = "2x(walk 100m, run 200m)"
    said = run_of(followed(text), text, metres=1.02)
    assert cues(said) == ["Run now", "Walk now", "Last run", "Workout done"]
    running = [one for one in states(said) if one.kind == "run" and one.left_m and one.left_sd_m]
    assert all(one.left_s is None and one.over_s is None for one in running)
    assert 0.02 < running[-1].left_sd_m / (200.0 - running[-1].left_m) < 0.031
    assert "± " in running[-1].text
    assert [one.done_m for one in intervals(said) if one.kind == "run"] == pytest.approx([200.0] * 2, abs=7.0)


def test_times_fire_from_ticks_and_wait_for_no_stride() -> None:
    """The strides of the last two seconds of the run have not come when its time is up."""
    inputs = [one for one in told(followed("walk 1min, run 1min, walk 1min")) if one.t_ns <= 122 * NS]
    late = [one for one in inputs if one.stride is None or one.t_ns < 119.9 * NS]
    progress = Progress(parse_workout("walk 1min, run 1min, walk 1min"))
    assert cues(play(progress, late)) == ["Last run", "Walk now"]


def test_of_two_amounts_the_first_that_is_reached_ends_the_run() -> None:
    text = "run 8-10min|400m, walk 2min"
    said = run_of(course(("run", 143.5), ("walk", 120)), text)
    assert cues(said)[0] == "Walk now"
    [run] = [one for one in intervals(said) if one.kind == "run"]
    assert (run.planned_s, run.planned_m, run.least_s, run.quality) == (600.0, pytest.approx(400.0), 480.0, "done")
    assert "or" in next(one.text for one in states(said) if one.kind == "run")


def test_a_range_is_done_at_its_low_end_and_over_at_its_high_end() -> None:
    text = "walk 1min, run 5-10min, walk 1min"
    least = run_of(course(("walk", 60), ("run", 301), ("walk", 60)), text)
    assert became(least)[1] == ("run", 1, "done")
    assert done(least).done_pct == 100.0
    assert "Walk now" not in cues(least)
    most = run_of(course(("walk", 60), ("run", 601), ("walk", 60)), text)
    assert "Walk now" in cues(most)


def test_runs_behind_one_another_go_on_by_themselves_and_say_how() -> None:
    text = "run 1min @easy, run 1min @hard, run 1min"
    said = run_of(followed(text), text)
    assert cues(said) == ["Run hard", "Next run", "Workout done"]
    assert [one.repetition for one in intervals(said)] == [1, 2, 3]
    assert next(one.mods for one in states(said) if one.mods) == ("easy",)


def test_runs_without_a_walk_between_may_be_rested_between() -> None:
    text = "4-5x(run 1min @bw50)"
    legs = [leg for _ in range(4) for leg in (("run", 60.0), ("walk", 60.0))]
    said = run_of(course(*legs), text, success_reps=4)
    assert [one.repetition for one in intervals(said)] == [1, 2, 3, 4]
    assert (done(said).reps_done, done(said).success, done(said).done_pct) == (4, True, 100.0)
    short = run_of(course(("run", 40), ("walk", 60), ("run", 62), ("walk", 60)), text)
    assert became(short) == [("run", 1, "short"), ("run", 2, "done")]


def test_a_walk_behind_a_walk_goes_on_by_itself() -> None:
    text = "walk 1min @warmup, walk 1min, run 1min"
    said = run_of(followed(text), text)
    assert became(said) == [("walk", None, "done"), ("walk", None, "done"), ("run", 1, "done")]
    assert cues(said) == ["Last run", "Workout done"]


def test_a_workout_without_a_run_counts_its_walking() -> None:
    said = run_of(followed("walk 10min", home_s=30), "walk 10min")
    assert (done(said).done_pct, done(said).run_planned_s, cues(said)) == (100.0, 0.0, ["Workout done"])
    half = done(run_of(course(("walk", 300)), "walk 10min"))
    assert half.done_pct == pytest.approx(50.0, abs=1.0)
    assert half.intervals[0].quality == "short"


def test_rest_is_stood() -> None:
    text = "2x(run 1min, rest 1min)"
    said = run_of(course(("run", 61), ("stand", 59), ("run", 61), ("stand", 60)), text)
    assert cues(said)[:2] == ["Rest now", "Last run"]
    assert [one.quality for one in intervals(said) if one.kind == "run"] == ["done", "done"]


# ---------------------------------------------------------------------------------------------------- repetitions


def test_after_the_fewest_repetitions_she_may_end() -> None:
    text = "3-6x(walk 1min, run 1min)"
    said = run_of(followed(text, most=False), text, success_reps=6)
    end = done(said)
    assert (end.reps_done, end.reps_fewest, end.reps_most, end.done_pct) == (3, 3, 6, 100.0)
    assert (end.success, end.completed, end.missed) == (False, True, 0)
    assert any(one.may_end and one.text.endswith("; you may end") for one in states(said))
    assert "Run or end" in cues(said)
    assert not alerts(said)
    most = done(run_of(followed(text), text, success_reps=6))
    assert (most.reps_done, most.success) == (6, True)


def test_a_workout_that_does_not_say_how_often_goes_on() -> None:
    text = "?x(walk 1min, run 1min)"
    said = run_of(followed(text, repeats=4), text)
    end = done(said)
    assert (end.reps_done, end.reps_most, end.done_pct) == (4, None, 100.0)
    assert {one.of for one in states(said)} == {None}
    told_ = done(run_of(followed(text, repeats=4), text, repeats=4))
    assert (told_.reps_done, told_.reps_fewest, told_.reps_most) == (4, 4, 4)
    nested = Route(parse_workout("30x(?x(run 1min, walk 1min))"))
    assert nested.planned.fewest == 30


def test_an_open_whole_ends_where_she_is() -> None:
    text = "until 500m (walk 1min, run 1min), walk 1min"
    said = run_of(followed(text), text)
    ran = [one for one in intervals(said) if one.kind == "run"]
    assert [one.quality for one in ran] == ["done", "done"]
    assert done(said).done_pct == 100.0
    assert done(said).reps_most is None
    in_run = run_of(course(("walk", 60), ("run", 61), ("walk", 60), ("run", 59), ("walk", 61)), text)
    assert done(in_run).completed


def test_a_whole_that_is_reached_within_a_run_cuts_it() -> None:
    text = "until 500m (walk 1min, run 3min)"
    said = run_of(course(("walk", 60), ("run", 149), ("walk", 60)), text)
    assert became(said)[-1] == ("run", 1, "cut")
    assert cues(said)[-1] == "Workout done"
    assert done(said).done_pct == pytest.approx(100.0, abs=1.0)
    nearly = run_of(course(("walk", 60), ("run", 146), ("walk", 20)), text)
    assert became(nearly)[-1] == ("run", 1, "cut")


def test_walking_through_an_open_whole_is_not_doing_it() -> None:
    text = "until 500m (walk 1min, run 3min)"
    end = done(run_of(course(("walk", 400)), text))
    assert 15.0 < end.done_pct < 30.0
    assert end.reps_done == 0


def test_a_whole_by_time_or_distance_ends_with_the_first() -> None:
    text = "until 10min|300m (walk 30s, run 1min)"
    said = run_of(course(("walk", 30), ("run", 61), ("walk", 30), ("run", 60), ("walk", 10)), text)
    assert done(said).completed
    assert done(said).done_pct == pytest.approx(100.0, abs=2.0)


def test_a_remainder_that_nobody_sets_out_for_may_be_left() -> None:
    text = "until 2mi (run 100m, walk 100m)"
    route = Route(parse_workout(text))
    last = route.at(32)
    assert last is not None
    assert (last.cut, last.optional, route.at(33)) == (True, True, None)
    assert route.planned.metres == pytest.approx(1600.0)


# ---------------------------------------------------------------------------------------------------- otherwise


def test_a_stop_at_a_traffic_light_is_no_repetition() -> None:
    text = "2x(walk 1min, run 2min)"
    said = run_of(course(("walk", 60), ("run", 50), ("stand", 25), ("run", 71), ("walk", 60), ("run", 121)), text)
    assert [one.repetition for one in intervals(said) if one.kind == "run"] == [1, 2]
    assert [one.done_s for one in intervals(said) if one.kind == "run"] == pytest.approx([120, 120], abs=3)


def test_a_long_stop_far_from_the_end_of_a_run_goes_on_with_it() -> None:
    text = "2x(walk 3min, run 3min)"
    legs = (("walk", 180), ("run", 60), ("stand", 50), ("run", 121), ("walk", 180), ("run", 181))
    said = run_of(course(*legs), text)
    assert done(said).reps_done == 2
    assert became(said)[1] == ("run", 1, "done")


def test_odd_strides_are_no_segment() -> None:
    said = run_of(followed(WALK_RUN), WALK_RUN, odd=0.03, seed=3)
    assert done(said).reps_done == 3
    puddle = run_of(course(("walk", 120), ("run", 30), ("walk", 3.5), ("run", 31), ("walk", 60)), WALK_RUN)
    assert became(puddle)[:2] == [("walk", None, "done"), ("run", 1, "done")]


def test_walking_to_the_track_is_no_part_of_a_run() -> None:
    said = run_of(course(("walk", 100), ("run", 121)), "run 2min")
    assert became(said) == [("run", 1, "done")]
    assert states(said)[0].left_s == 120.0
    [run] = intervals(said)
    assert run.begin_run_ns == pytest.approx(100 * NS, abs=1.5 * NS)


def test_a_run_that_is_ended_early_is_short_once_the_walk_is_half_done() -> None:
    said = run_of(course(("walk", 120), ("run", 42), ("walk", 120), ("run", 60), ("walk", 120), ("run", 61)), WALK_RUN)
    assert became(said)[1] == ("run", 1, "short")
    assert done(said).reps_done == 2
    assert done(said).done_pct == pytest.approx(90.0, abs=1.5)
    walking = [one for one in states(said) if one.doing == "walk" and one.repetition == 2]
    assert walking[0].left_s == pytest.approx(114, abs=3)


def test_a_breather_does_not_begin_a_new_repetition() -> None:
    said = run_of(course(("walk", 120), ("run", 25), ("walk", 20), ("run", 36), ("walk", 120)), WALK_RUN)
    assert became(said)[:3] == [("walk", None, "done"), ("run", 1, "done"), ("walk", None, "done")]
    alone = run_of(course(("run", 700), ("walk", 60), ("run", 501)), "run 20min")
    assert done(alone).reps_done == 1
    assert not alerts(alone)


def test_what_is_still_open_when_the_run_ends_is_told() -> None:
    said = run_of(course(("walk", 120), ("run", 30)), WALK_RUN)
    assert became(said) == [("walk", None, "done"), ("run", 1, "short")]
    end = done(said)
    assert (end.missed, end.short, end.reps_done, end.completed) == (2, 1, 0, False)
    assert [one.quality for one in end.intervals] == ["done", "short", "missed", "missed", "missed", "missed"]
    assert end.intervals[-1].begin_run_ns is None
    broken = run_of(course(("walk", 120), ("run", 30), ("walk", 20)), WALK_RUN)
    assert became(broken)[1] == ("run", 1, "short")
    assert became(run_of(course(("walk", 50)), WALK_RUN)) == [("walk", None, "short")]


def test_a_walk_that_is_half_done_may_be_left() -> None:
    said = run_of(course(("walk", 70), ("run", 61), ("walk", 120)), WALK_RUN)
    assert became(said)[:2] == [("walk", None, "short"), ("run", 1, "done")]


def test_running_too_early_is_a_run_only_when_it_is_one() -> None:
    bus = run_of(course(("walk", 30), ("run", 12), ("walk", 90), ("run", 61), ("walk", 10)), WALK_RUN)
    assert became(bus)[:3] == [("run", None, "extra"), ("walk", None, "done"), ("run", 1, "done")]
    assert cues(bus)[0] == "Walk now"
    assert done(bus).extra == 1
    meant = run_of(course(("walk", 30), ("run", 61), ("walk", 60)), WALK_RUN)
    assert became(meant)[:2] == [("walk", None, "short"), ("run", 1, "done")]
    still = run_of(course(("walk", 30), ("run", 15)), WALK_RUN)
    assert became(still) == [("walk", None, "short"), ("run", None, "extra")]


def test_a_walk_that_is_too_long_is_no_alarm() -> None:
    said = run_of(course(("walk", 300), ("run", 61), ("walk", 120)), WALK_RUN)
    assert became(said)[:2] == [("walk", None, "over"), ("run", 1, "done")]
    assert not alerts(said)
    assert cues(said)[:2] == ["Run now", "Walk now"]
    assert any("over, then run 1" in one.text for one in states(said))


def test_running_on_is_told_once_and_once_when_it_ends() -> None:
    text = "walk 1min, run 5min, walk 5min, run 10min"
    said = run_of(course(("walk", 60), ("run", 380), ("walk", 60)), text)
    onset, recovery = alerts(said)
    assert (onset.phase, recovery.phase) == (AlertPhase.ONSET, AlertPhase.RECOVERY)
    assert (onset.cue, onset.limit, onset.unit, onset.level) == ("Walk now", 300.0, "s", "warn")
    assert 330.0 < (onset.value or 0.0) < 335.0  # a tenth of five minutes
    assert onset.text.startswith("Run 1: 5:3")
    assert recovery.id == onset.id
    assert recovery.duration_s is not None
    assert cues(said).count("Walk now") == 1
    assert became(said)[1] == ("run", 1, "over")


def test_walk_now_is_said_again_after_three_minutes() -> None:
    text = "walk 1min, run 5min, rest 1min, run 20min"
    said = run_of(course(("walk", 60), ("run", 860), ("walk", 5)), text)
    assert cues(said).count("Rest now") == 3  # when its time is up; then 3 and 6 minutes after she was told
    assert [one.cue for one in alerts(said)] == ["Rest now", "Running ended"]


def test_running_on_counts_for_the_runs_to_come() -> None:
    said = run_of(course(("walk", 120), ("run", 121), ("walk", 120), ("run", 61)), WALK_RUN)
    assert became(said) == [
        ("walk", None, "done"), ("run", 1, "done"), ("walk", None, "skipped"), ("run", 2, "merged"),
        ("walk", None, "done"), ("run", 3, "done"),
    ]  # fmt: skip
    end = done(said)
    assert (end.reps_done, end.merged, end.done_pct) == (2, 1, 100.0)
    by_metres = "2x(run 200m, walk 100m)"
    assert done(run_of(course(("run", 144), ("walk", 72)), by_metres)).merged == 1


def test_a_distance_is_over_only_beyond_what_it_is_unsure_by() -> None:
    text = "run 500m, walk 500m, run 2km"
    near = run_of(course(("run", 178.6 + 20), ("walk", 60)), text)
    assert not alerts(near)
    far = alerts(run_of(course(("run", 178.6 + 40), ("walk", 60)), text))
    assert [one.unit for one in far] == ["m", "m"]
    assert far[0].text.startswith("Run 1: 5")


def test_after_the_end_running_on_is_told_once_and_walking_home_never() -> None:
    legs = (("run", 121), ("walk", 60), ("run", 60), ("walk", 60), ("run", 60), ("walk", 600))
    said = run_of(course(*legs), "run 2min, walk 1min")
    onset, recovery = alerts(said)
    assert (onset.cue, onset.limit) == ("Workout done", 0.0)
    assert onset.text == "Workout done; running over the plan by 0:16."
    assert cues(said).count("Workout done") == 1
    assert done(said).extra == 2
    assert done(said).over_s == pytest.approx(121.0, abs=5.0)
    assert recovery.duration_s == pytest.approx(50.0, abs=10.0)
    on = run_of(course(("run", 200),), "run 2min")  # fmt: skip
    assert [one.cue for one in alerts(on)] == ["Workout done"]
    assert became(on) == [("run", 1, "over")]
    again = run_of(course(("run", 121), ("walk", 20), ("run", 30)), "run 2min")
    assert became(again) == [("run", 1, "done"), ("run", None, "extra")]


def test_running_in_the_last_walk_is_extra() -> None:
    said = run_of(course(("run", 61), ("walk", 20), ("run", 40), ("walk", 200)), "run 1min, walk 3min")
    assert became(said) == [("run", 1, "done"), ("run", None, "extra"), ("walk", None, "done")]
    assert [one.cue for one in alerts(said)] == ["Workout done", "Running ended"]


# ---------------------------------------------------------------------------------------------------- unseen


def test_while_no_pod_is_linked_time_goes_on_as_planned() -> None:
    legs = (
        ("walk", 120),
        ("run", 30),
        Leg("run", 30, lost=True),
        Leg("walk", 60, lost=True),
        ("walk", 60),
        ("run", 61),
    )
    said = run_of(course(*legs, ("walk", 60)), WALK_RUN)
    assert [one.repetition for one in intervals(said) if one.kind == "run"] == [1, 2]
    run, walk = intervals(said)[1:3]
    assert run.estimated_pct == pytest.approx(50.0, abs=6.0)
    assert run.done_s == pytest.approx(60.0, abs=2.0)
    assert walk.estimated_pct == pytest.approx(50.0, abs=6.0)
    assert "Walk now" in cues(said)
    unseen = [one for one in states(said) if one.doing == "unseen"]
    assert unseen
    assert all(one.estimated for one in unseen[1:])
    assert not alerts(said)
    assert done(said).estimated_pct > 10.0


def test_the_next_run_may_begin_unseen_too() -> None:
    legs = (("walk", 110), Leg("walk", 10, lost=True), Leg("run", 30, lost=True), ("run", 30), ("walk", 60))
    said = run_of(course(*legs), WALK_RUN)
    assert became(said)[:2] == [("walk", None, "done"), ("run", 1, "done")]
    assert intervals(said)[1].estimated_pct > 30.0


def test_nobody_is_followed_through_more_than_five_minutes() -> None:
    legs = (("walk", 120), ("run", 30), Leg("run", 600, lost=True), ("walk", 60))
    said = run_of(course(*legs), "walk 2min, run 30min")
    [run] = [one for one in intervals(said) if one.kind == "run"]
    assert run.done_s == pytest.approx(30 + LOST_S, abs=5.0)


def test_a_gap_that_only_the_samples_show_is_followed_when_it_is_over() -> None:
    legs = (("walk", 120), ("run", 20), Leg("run", 20, lost=True), ("run", 21), ("walk", 60))
    inputs = [replace(one, lost=False) for one in told(course(*legs))]
    at = next(k for k, one in enumerate(inputs) if one.stride and (one.stride.ic_run_ns or 0) > 160 * NS)
    broken = inputs[at - 1].stride or inputs[at].stride
    assert broken
    inputs.insert(at, Told(inputs[at].t_ns, replace(broken, next_ic_run_ns=None, next_ic_pod_ns=None)))
    said = play(Progress(parse_workout(WALK_RUN)), inputs)
    run = next(one for one in intervals(said) if one.kind == "run")
    assert run.done_s == pytest.approx(61.0, abs=3.0)
    assert run.estimated_pct == pytest.approx(33.0, abs=8.0)


def test_a_gap_that_the_totals_fill_in_later_is_not_counted_twice() -> None:
    progress = Progress(parse_workout("run 1km"))
    stride = next(one.stride for one in told(course(("run", 5))) if one.stride)
    progress.on_stride(stride, RunTotals(distance_m=2.0, run_distance_m=2.0), NS)
    later = replace(stride, ic_run_ns=NS, next_ic_run_ns=2 * NS)
    progress.on_stride(later, RunTotals(distance_m=104.0, run_distance_m=104.0, estimated_m=100.0), 2 * NS)
    walked = replace(stride, ic_run_ns=2 * NS, next_ic_run_ns=3 * NS)
    progress.on_stride(walked, RunTotals(distance_m=156.0, run_distance_m=106.0, estimated_m=150.0), 3 * NS)
    assert progress._segments.counts.run_m == pytest.approx(6.0)
    assert progress._segments.counts.walk_m == pytest.approx(0.0)


def test_a_gap_of_one_foot_that_the_other_saw_is_none() -> None:
    inputs = told(course(("walk", 120), ("run", 61), ("walk", 60)))
    at = next(k for k, one in enumerate(inputs) if one.stride and (one.stride.ic_run_ns or 0) > 140 * NS)
    broken = inputs[at].stride
    assert broken
    inputs[at] = Told(inputs[at].t_ns, replace(broken, next_ic_run_ns=None, next_ic_pod_ns=None))
    said = play(Progress(parse_workout(WALK_RUN)), inputs)
    assert done(said).estimated_pct == 0.0
    assert became(said)[1] == ("run", 1, "done")


def test_a_break_is_seen_in_the_strides_alone() -> None:
    """Without ticks: standing for half a minute between two strides ends a run."""
    inputs = told(course(("run", 61), ("stand", 60), ("run", 61)))
    said = play(Progress(parse_workout("2x(run 1min, rest 1min)")), [one for one in inputs if one.stride])
    assert [one.repetition for one in intervals(said) if one.kind == "run"] == [1, 2]


def test_strides_without_times_are_nothing() -> None:
    progress = Progress(parse_workout("run 1min"))
    stride = next(one.stride for one in told(course(("run", 5))) if one.stride)
    assert progress.on_tick(NS) == []
    assert progress.on_stride(replace(stride, ic_run_ns=None), RunTotals(), NS) == []
    assert progress.on_stride(replace(stride, next_ic_run_ns=None), RunTotals(), NS) == []
    assert progress.on_stride(replace(stride, next_ic_run_ns=stride.ic_run_ns), RunTotals(), NS) == []
    [end] = progress.end()
    assert isinstance(end, WorkoutDone)
    assert (end.done_pct, end.missed, end.estimated_pct, end.completed) == (0.0, 1, 0.0, False)
    assert progress.end() == []
    assert progress.on_tick(NS) == []
    assert progress.on_stride(stride, RunTotals(), NS) == []


def test_a_sensor_that_computes_for_itself_is_followed_too() -> None:
    progress, said = Progress(parse_workout("walk 1min, run 1min")), []
    for second in range(1, 131):
        run = second > 60
        totals = RunTotals(distance_m=2.0 * second, run_distance_m=2.0 * max(second - 60, 0), estimated_m=1.0 * second)
        activity = Activity.RUN if run and second <= 121 else Activity.WALK
        said += progress.on_moved(activity, ((second - 1) * NS, second * NS), totals, second * NS)
        said += progress.on_tick(second * NS, lost=True)
    said += progress.end()
    assert became(said) == [("walk", None, "done"), ("run", 1, "done")]
    assert intervals(said)[1].done_m == pytest.approx(122.0)
    assert all(one.doing != "unseen" for one in states(said))


# ---------------------------------------------------------------------------------------------------- parts


def test_segments_of_nobody() -> None:
    segments = Segments()
    assert segments.still(NS) == []
    assert segments.live(NS) == Counts()
    assert segments.unseen(NS)


def test_without_a_workout_for_today_there_is_no_progress() -> None:
    pods = (PodSetup("a", Side.LEFT, "open-pod"),)
    setup = RunSetup("r", "runner-1", "home", "gw", pods)
    assert Progress.of_setup(setup) is None
    assert Progress.of_setup(replace(setup, day=Day("p", 1, None).to_json())) is None
    day = Day("p", 1, "1", workout="3-6x(walk 1min, run 1min)", success_reps=6)
    progress = Progress.of_setup(replace(setup, day=day.to_json()))
    assert progress is not None
    assert progress.summary == {}
    [end] = progress.end()
    assert progress.summary == {k: v for k, v in payload(end).items() if k != "intervals"}
    assert (progress.summary["success_reps"], progress.summary["success"]) == (6, False)


def test_numbers_as_people_read_them() -> None:
    assert [clock(s) for s in (0.0, 0.2, 59.0, 60.0, 79.5)] == ["0:00", "0:01", "0:59", "1:00", "1:20"]
    assert (length(120.4), length(120.4, 0.4), length(1609.3, 5.2)) == ("120 m", "120 m", "1.61 km ± 5 m")


# ---------------------------------------------------------------------------------------------------- properties

WORKOUTS = (
    "3x(walk 2min, run 1min)", "2-4x(run 1min, walk 1min)", "4x(walk 100m, run 200m)", "run 3min",
    "walk 1min, run 2-4min, walk 1min", "until 800m (walk 1min, run 2min), walk 1min", "?x(walk 1min, run 90s)",
    "2x(run 3-4min|600m, walk 1min)", "2x(run 1min, rest 1min), run 1min",
)  # fmt: skip
LEGS = st.lists(
    st.builds(
        Leg,
        st.sampled_from(["walk", "run", "run", "stand"]),
        st.floats(4.0, 150.0),
        st.sampled_from([False] * 5 + [True]),
    ),
    min_size=1,
    max_size=7,
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.sampled_from(WORKOUTS), LEGS, st.integers(0, 1000), st.sampled_from([(Side.LEFT,), tuple(Side)]))
def test_whatever_she_does_the_numbers_make_sense(
    text: str, legs: list[Leg], seed: int, sides: tuple[Side, ...]
) -> None:
    said = run_of(Course(tuple(legs)), text, seed=seed, sides=sides, odd=0.01)
    before = 0.0
    for one in states(said):
        assert 0.0 <= before <= one.done_pct <= 100.0
        before = one.done_pct
        assert all(
            left is None or left >= 0.0 for left in (one.left_s, one.left_m, one.left_sd_m, one.over_s, one.over_m)
        )
        assert one.cue is None or len(one.cue.split()) <= 3
        assert one.text
    end = done(said)
    assert before <= end.done_pct <= 100.0
    assert end.reps_done <= sum(one.kind == "run" and one.position is not None for one in intervals(said))
    seen = [one for one in intervals(said) if one.begin_run_ns is not None]
    assert all((one.begin_run_ns or 0) <= (one.end_run_ns or 0) and one.done_s >= 0 <= one.done_m for one in seen)
    assert [one.position for one in seen if one.position is not None] == sorted(
        {one.position for one in seen if one.position is not None}
    )
    opened = [one.id for one in alerts(said) if one.phase is AlertPhase.ONSET]
    assert len(opened) == len(set(opened))
    assert end.intervals[: len(intervals(said))] == tuple(intervals(said))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(WORKOUTS[:2]), LEGS, st.integers(0, 1000))
def test_never_more_repetitions_than_changes(text: str, legs: list[Leg], seed: int) -> None:
    """Both workouts have a walk between all runs; a run that is begun is a change from not running."""
    seen = Course(tuple(replace(leg, lost=False) for leg in legs))
    bouts, running = 0, False
    for leg in seen.legs:
        if leg.kind == "run" and not running:
            bouts += 1
        running = leg.kind == "run"
    assert done(run_of(seen, text, seed=seed)).reps_done <= bouts


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.sampled_from(WORKOUTS), LEGS, st.floats(0.0, 1.5))
def test_when_strides_become_known_changes_no_segment_by_more_than_it_is_late(
    text: str, legs: list[Leg], delay_s: float
) -> None:
    """The same strides told sooner or later, ticks between other ones: which segments there are does not depend on it;
    where an amount is reached, by no more than a stride."""
    seen = Course(tuple(replace(leg, lost=False) for leg in legs))
    found = [told(seen, delay_s=0.0), told(seen, delay_s=0.0)]
    found[1] = sorted(
        (one if one.stride is None else replace(one, t_ns=one.t_ns + round(delay_s * NS)) for one in found[1]),
        key=lambda one: (one.t_ns, one.stride is not None),
    )
    one, two = (done(play(Progress(parse_workout(text)), inputs)) for inputs in found)
    assert [(i.position, i.repetition) for i in one.intervals if i.kind == "run"] == [
        (i.position, i.repetition) for i in two.intervals if i.kind == "run"
    ]
    assert two.reps_done == one.reps_done
    assert two.done_pct == pytest.approx(one.done_pct, abs=3.0)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(WORKOUTS), LEGS)
def test_the_same_inputs_give_the_same_events(text: str, legs: list[Leg]) -> None:
    inputs = told(Course(tuple(legs)))
    one, two = (play(Progress(parse_workout(text), run="r"), inputs) for _ in range(2))
    assert [payload(said) for said in two] == [payload(said) for said in one]
