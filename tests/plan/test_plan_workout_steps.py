"""Workouts laid out step by step, and what they add up to."""

from __future__ import annotations

from itertools import islice, pairwise
from math import fsum

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sensord.plan.workout import (
    MAX_STEPS,
    Amount,
    Item,
    Kind,
    Measure,
    Quantity,
    Repeat,
    Segment,
    Step,
    Steps,
    Total,
    Until,
    Whole,
    Workout,
    parse_workout,
    steps,
    total,
)
from sensord.plan.workout_steps import reaches, size
from tests.plan.made_workouts import workouts

MILE = 1609.344
RUN, WALK, REST = Kind.RUN, Kind.WALK, Kind.REST


def laid_out(text: str, *, repeats: int | None = None, most: bool = True) -> list[Step]:
    return list(steps(parse_workout(text), repeats=repeats, most=most))


def brief(found: list[Step]) -> list[tuple[Kind, float]]:
    """Kind, and the one amount there is."""
    return [(step.kind, round(step.time_s or step.distance_m or 0.0, 6)) for step in found]


def test_steps_in_the_order_in_which_they_are_done() -> None:
    assert laid_out("walk 5min @warmup, 2x(run 400m @hard, rest 90s), run 10min|1mi") == [
        Step(0, WALK, 300.0, None, None, None, ("warmup",), least_time_s=300.0),
        Step(1, RUN, None, 400.0, 1, 3, ("hard",), least_distance_m=400.0),
        Step(2, REST, 90.0, None, None, None, least_time_s=90.0),
        Step(3, RUN, None, 400.0, 2, 3, ("hard",), least_distance_m=400.0),
        Step(4, REST, 90.0, None, None, None, least_time_s=90.0),
        Step(5, RUN, 600.0, MILE, 3, 3, least_time_s=600.0, least_distance_m=MILE),
    ]


def test_the_most_of_a_range_with_what_is_optional_or_the_fewest() -> None:
    text = "2-4x(run 1-2min), run 5min"
    most = laid_out(text)
    assert brief(most) == [(RUN, 120.0)] * 4 + [(RUN, 300.0)]
    assert [step.optional for step in most] == [False, False, True, True, False]
    assert [step.least_time_s for step in most] == [60.0] * 4 + [300.0]
    assert {step.of for step in most} == {5}
    fewest = laid_out(text, most=False)
    assert brief(fewest) == [(RUN, 60.0)] * 2 + [(RUN, 300.0)]
    assert not any(step.optional for step in fewest)
    assert {step.of for step in fewest} == {3}


def test_what_is_within_an_optional_repetition_is_optional() -> None:
    found = laid_out("1-2x(2x(run 1min), for 2min (run 1min))")
    assert [step.optional for step in found] == [False] * 4 + [True] * 4


def test_how_often_is_open_until_the_therapist_says() -> None:
    once = laid_out("?x(run 1min, walk 1min)")
    assert brief(once) == [(RUN, 60.0), (WALK, 60.0)]
    assert once[0].of is None
    thrice = laid_out("?x(run 1min, walk 1min)", repeats=3)
    assert brief(thrice) == [(RUN, 60.0), (WALK, 60.0)] * 3
    assert [(step.repetition, step.of) for step in thrice if step.kind is RUN] == [(1, 3), (2, 3), (3, 3)]
    assert not any(step.optional for step in thrice)
    assert laid_out("2x(?x(run 1min))")[0].of is None


def test_a_whole_cuts_its_last_piece() -> None:
    found = laid_out("until 2mi (walk 0.1mi, run 0.2mi), walk 5min")
    assert brief(found[:-1])[:2] == [(WALK, 160.9344), (RUN, 321.8688)]
    assert len(found) == 15
    last = found[-2]
    assert (last.kind, last.cut, last.repetition, last.of) == (RUN, True, 7, 7)
    assert last.distance_m == pytest.approx(0.1 * MILE)
    assert last.least_distance_m == last.distance_m
    assert not any(step.cut for step in found[:-2])
    assert fsum(step.distance_m or 0.0 for step in found) == pytest.approx(2 * MILE, abs=1e-6)
    assert not any(step.wholes for step in found)


@pytest.mark.parametrize("cycles", range(1, 40))
def test_a_whole_that_its_pieces_divide_has_no_crumb(cycles: int) -> None:
    found = laid_out(f"until {cycles * 0.3:.1f}mi (walk 0.1mi, run 0.2mi)")
    assert len(found) == 2 * cycles
    assert not any(step.cut for step in found)


def test_a_piece_longer_than_the_whole() -> None:
    assert brief(laid_out("for 1min (walk 5min, run 1min), run 2min")) == [(WALK, 60.0), (RUN, 120.0)]


def test_wholes_in_wholes_and_in_repetitions() -> None:
    found = laid_out("2x(until 30min (for 10min (run 4min), walk 3min), rest 1min)")
    half = [(RUN, 240.0)] * 2 + [(RUN, 120.0), (WALK, 180.0)]
    half += [*half, (RUN, 240.0), (REST, 60.0)]
    assert brief(found) == half * 2
    assert [step.cut for step in found[:9]] == [False, False, True, False] * 2 + [False]


def test_a_range_of_a_whole_is_optional_beyond_its_low_end() -> None:
    found = laid_out("until 20-30min (run 5min, walk 2min)")
    assert brief(found) == [(RUN, 300.0), (WALK, 120.0)] * 4 + [(RUN, 120.0)]
    assert [step.optional for step in found] == [False] * 6 + [True] * 3
    assert [step.least_time_s for step in found[4:]] == [300.0, 60.0, 300.0, 120.0, 120.0]
    assert [step.cut for step in found] == [False] * 8 + [True]
    fewest = laid_out("until 20-30min (run 5min, walk 2min)", most=False)
    assert brief(fewest)[4:] == [(RUN, 300.0), (WALK, 60.0)]
    assert fewest[-1].cut


def test_rest_covers_no_distance_so_a_distance_is_laid_out_round_it() -> None:
    found = laid_out("until 1km (run 400m, rest 1min)")
    assert brief(found) == [(RUN, 400.0), (REST, 60.0), (RUN, 400.0), (REST, 60.0), (RUN, 200.0)]
    assert [step.optional for step in laid_out("until 400-800m (run 400m, rest 1min)")] == [False, True, True]
    assert laid_out("until 30min (run 400m, rest 1min)")[0].wholes


def follow(found: Steps, speed_m_s: float) -> list[Step]:
    """A runner of one speed: what she does, leaving each whole when it is reached."""
    done: list[Step] = []
    covered: dict[int, tuple[float, float]] = {}
    for step in found:
        done.append(step)
        time_s = min(
            [step.time_s] * (step.time_s is not None)
            + [(step.distance_m or 0) / speed_m_s] * (step.distance_m is not None)
        )
        for whole in step.wholes:
            assert whole.first <= step.index
            t, d = covered.get(whole.number, (0.0, 0.0))
            t, d = t + time_s, d + (0.0 if step.kind is REST else time_s * speed_m_s)
            covered[whole.number] = t, d
            if any((t if m.quantity is Quantity.TIME else d) >= m.high - 1e-6 for m in whole.amount.alternatives):
                found.leave(whole)
    return done


def test_a_distance_or_a_time_over_rest_alone_ends_by_the_time() -> None:
    workout = parse_workout("until 1mi|5min (rest 2min)")
    assert brief(list(steps(workout))) == [(REST, 120.0), (REST, 120.0), (REST, 60.0)]
    assert total(workout) == Total(0.0, MILE, 0.0, 0.0, 0.0, 0.0, 0, open=True)


def test_an_open_whole_goes_on_until_it_is_left() -> None:
    workout = parse_workout("until 1mi (walk 2min, run 3min), rest 1min, run 2min")
    amount = workout.items[0].amount if isinstance(workout.items[0], Until) else None
    found = steps(workout)
    first, second = islice(found, 2)
    assert amount is not None
    assert first.wholes == second.wholes == (Whole(1, amount, 0),)
    assert (second.repetition, second.of) == (1, None)
    found.leave(first.wholes[0])
    assert brief(list(found)) == [(REST, 60.0), (RUN, 120.0)]
    assert brief(follow(steps(workout), 2.0)) == [
        *[(WALK, 120.0), (RUN, 180.0)] * 2,
        *[(WALK, 120.0), (RUN, 180.0)],  # 1800 m, the first after 1609
        (REST, 60.0),
        (RUN, 120.0),
    ]


def test_an_open_whole_that_nobody_leaves_ends_somewhere() -> None:
    found = laid_out("until 1mi (walk 2min, run 3min), rest 1min")
    assert len(found) == MAX_STEPS
    assert found[-1].kind is RUN


def test_each_turn_of_an_open_whole_is_a_whole_of_its_own() -> None:
    found = follow(steps(parse_workout("walk 1min, 2x(until 1km (run 5min), rest 1min)")), 2.0)
    assert brief(found) == [(WALK, 60.0), *[(RUN, 300.0), (RUN, 300.0), (REST, 60.0)] * 2]
    assert [(whole.number, whole.first) for step in found for whole in step.wholes] == [(1, 1), (1, 1), (2, 4), (2, 4)]


def test_an_open_whole_in_another_one_is_left_alone_or_with_it() -> None:
    found = steps(parse_workout("until 5km (until 1km (run 5min), walk 100m), rest 1min"))
    outer, inner = next(found).wholes
    assert (outer.amount, inner.amount) == (Amount((metres(5000.0, "km"),)), Amount((metres(1000.0, "km"),)))
    found.leave(inner)
    walk = next(found)
    assert (walk.kind, walk.wholes) == (WALK, (outer,))
    again = next(found)
    assert [whole.number for whole in again.wholes] == [outer.number, 3]
    assert again.wholes[1].first == again.index == 2
    found.leave(outer)
    assert brief(list(found)) == [(REST, 60.0)]


def metres(value: float, unit: str = "m") -> Measure:
    return Measure(Quantity.DISTANCE, value, value, unit)


def test_a_whole_within_pieces_of_its_own_quantity_is_open_when_it_holds_an_open_one() -> None:
    first = next(steps(parse_workout("until 30min (until 1km (run 5min), walk 1min)")))
    assert len(first.wholes) == 2
    assert total(parse_workout("until 30min (until 1km (run 5min), walk 1min)")).open


def test_alternatives_of_a_whole_lay_out_what_can_be_and_leave_the_other_open() -> None:
    workout = parse_workout("until 30min|2mi (run 8min, walk 2min), rest 2min")
    found = list(steps(workout))
    assert brief(found) == [(RUN, 480.0), (WALK, 120.0)] * 3 + [(REST, 120.0)]
    assert [len(step.wholes) for step in found] == [1] * 6 + [0]
    assert found[0].of is None
    assert brief(follow(steps(workout), 10.0)) == [(RUN, 480.0), (REST, 120.0)]


def test_a_piece_that_ends_by_whichever_comes_first_leaves_its_whole_open() -> None:
    assert next(steps(parse_workout("until 30min (run 10min|1mi, walk 2min)"))).wholes


def test_leaving_a_whole_in_the_middle_of_repetitions_ends_them() -> None:
    found = steps(parse_workout("until 5km (5x(run 2min), 3x(walk 1min)), run 1min"))
    found.leave(next(found).wholes[0])
    assert brief(list(found)) == [(RUN, 60.0)]


def test_totals_keep_time_and_distance_apart() -> None:
    assert total(parse_workout("walk 5min, 2x(run 400m, walk 1min, rest 30s), run 10min|1mi, walk 100m")) == Total(
        time_s=300.0 + 2 * 90.0 + 600.0,
        distance_m=900.0,
        run_time_s=600.0,
        run_distance_m=800.0,
        walk_time_s=420.0,
        walk_distance_m=100.0,
        runs=3,
    )


def test_totals_of_ranges() -> None:
    workout = parse_workout("3-6x(walk 4min, run 1-2min)")
    assert total(workout) == Total(900.0, 0.0, 180.0, 0.0, 720.0, 0.0, 3)
    assert total(workout, most=True) == Total(2160.0, 0.0, 720.0, 0.0, 1440.0, 0.0, 6)
    assert total(parse_workout("until 20-30min (run 5min)")).time_s == 1200.0
    assert total(parse_workout("until 20-30min (run 5min)"), most=True).runs == 6


def test_totals_of_what_the_therapist_fills_in() -> None:
    workout = parse_workout("?x(walk 3min, run 1min)")
    assert total(workout) == Total(240.0, 0.0, 60.0, 0.0, 180.0, 0.0, 1)
    assert total(workout, repeats=5) == Total(1200.0, 0.0, 300.0, 0.0, 900.0, 0.0, 5)
    assert total(parse_workout("2x(?x(run 1min))"), repeats=3, most=True).runs == 6


def test_a_whole_counts_its_own_amount() -> None:
    found = total(parse_workout("until 2mi (walk 0.1mi, run 0.2mi)"))
    assert found.distance_m == pytest.approx(2 * MILE, rel=1e-12)
    assert found.run_distance_m == pytest.approx(1.3 * MILE, rel=1e-12)  # the seventh cycle is cut
    assert found.runs == 7
    assert not found.open
    assert total(parse_workout("2x(until 1km (run 400m, rest 1min))")) == Total(240.0, 2000.0, 0.0, 2000.0, 0.0, 0.0, 6)


def test_an_open_whole_adds_no_pieces_and_says_so() -> None:
    assert total(parse_workout("2x(until 1km (walk 2min, run 4min), run 3min)")) == Total(
        360.0, 2000.0, 360.0, 0.0, 0.0, 0.0, 2, open=True
    )
    assert total(parse_workout("until 30min|2mi (run 8min, walk 2min)")) == Total(
        1800.0, 0.0, 1440.0, 0.0, 360.0, 0.0, 3
    )
    # the first counts: a distance, which timed pieces do not tell
    assert total(parse_workout("until 2km|30min (run 8min, walk 2min)")) == Total(
        0.0, 2000.0, 0.0, 0.0, 0.0, 0.0, 0, open=True
    )


@pytest.mark.parametrize(
    ("repeats", "said"), [(0, "found 0, expected 1 or more"), (501, "found 1002 steps, expected at most 1000")]
)
def test_repeats_have_bounds(repeats: int, said: str) -> None:
    workout = parse_workout("?x(run 1min, walk 1min)")
    for lay_out in (steps, total):
        with pytest.raises(ValueError, match=said):
            lay_out(workout, repeats=repeats)
    assert len(list(steps(workout, repeats=500))) == MAX_STEPS


def test_the_size_of_what_is_laid_out() -> None:
    items = parse_workout("2-3x(run 5-6min, walk 400m), rest 2min").items
    assert (size(items).steps, size(items, most=False).steps) == (7, 5)
    assert size(items).distance_m == pytest.approx(3 * (360 * 0.5 + 400))  # 0.5 m/s at the least, none at rest
    assert size(items, most=False).time_s == pytest.approx(2 * (300 + 40) + 120)  # 10 m/s at the most
    assert size(parse_workout("?x(run 1min)").items, repeats=7).steps == 7
    assert size(parse_workout("until 5-7min (run 1min)").items, most=False).steps == 5


def test_what_a_whole_can_reach() -> None:
    rest = (Segment(REST, Amount((Measure(Quantity.TIME, 60.0, 60.0, "s"),))),)
    assert not reaches(Until(Amount((metres(100.0),)), rest))
    assert reaches(Until(Amount((metres(100.0), Measure(Quantity.TIME, 60.0, 60.0, "s"))), rest))
    for_2min = Until(Amount((Measure(Quantity.TIME, 120.0, 120.0, "s"),)), rest, "for")
    assert not reaches(Until(Amount((metres(100.0),)), (for_2min,)))


def any_part(items: tuple[Item, ...], what: object) -> bool:
    return any(what(item) or (not isinstance(item, Segment) and any_part(item.items, what)) for item in items)  # type: ignore[operator]


def unsaid(item: Item) -> bool:
    return isinstance(item, Repeat) and item.low is None


def either(item: Item) -> bool:
    return not isinstance(item, Repeat) and len(item.amount.alternatives) > 1


def laid_out_or_not(workout: Workout, *, most: bool) -> list[Step]:
    """Steps of a workout as hypothesis makes them; those that cannot be parsed are not looked at, nor the longest."""
    try:
        enough = max(size(workout.items, most=end).steps for end in (True, False)) <= 150
    except ValueError:  # a distance over rest alone
        enough = False
    assume(enough)
    return list(steps(workout, most=most))


@settings(deadline=None, max_examples=60)
@given(workouts, st.booleans())
def test_steps_add_up_to_the_total(workout: Workout, most: bool) -> None:
    found = laid_out_or_not(workout, most=most)
    said = total(workout, most=most)
    assert [step.index for step in found] == [*range(len(found))]
    runs = [step for step in found if step.kind is RUN]
    assert [step.repetition for step in runs] == [*range(1, len(runs) + 1)]
    assert {step.repetition for step in found if step.kind is not RUN} <= {None}
    if any(step.wholes for step in found) or any_part(workout.items, either):
        assert {step.of for step in runs if step.wholes} <= {None}
        return
    assert not said.open
    assert {step.of for step in found} <= {None, None if any_part(workout.items, unsaid) else len(runs)}
    assert said.runs == len(runs)
    for kind, time_s, distance_m in (
        (RUN, said.run_time_s, said.run_distance_m),
        (WALK, said.walk_time_s, said.walk_distance_m),
    ):
        of_kind = [step for step in found if step.kind is kind]
        assert time_s == pytest.approx(fsum(step.time_s or 0.0 for step in of_kind), rel=1e-6, abs=1e-3)
        assert distance_m == pytest.approx(fsum(step.distance_m or 0.0 for step in of_kind), rel=1e-6, abs=1e-3)
    assert said.time_s == pytest.approx(fsum(step.time_s or 0.0 for step in found), rel=1e-6, abs=1e-3)
    assert said.distance_m == pytest.approx(fsum(step.distance_m or 0.0 for step in found), rel=1e-6, abs=1e-3)


@settings(deadline=None, max_examples=60)
@given(workouts)
def test_the_fewest_and_the_least_are_never_more_than_the_most(workout: Workout) -> None:
    found = laid_out_or_not(workout, most=True)
    for step in found:
        for least, asked in ((step.least_time_s, step.time_s), (step.least_distance_m, step.distance_m)):
            assert (least is None) is (asked is None)
            assert least is None or asked is None or 0 < least <= asked
        assert step.time_s or step.distance_m
    low, high = total(workout), total(workout, most=True)
    assert low.time_s <= high.time_s * (1 + 1e-9)
    assert low.distance_m <= high.distance_m * (1 + 1e-9)
    assert low.open is high.open


@settings(deadline=None, max_examples=60)
@given(workouts, st.sampled_from([0.6, 1.4, 3.0, 6.0, 9.9]))
def test_whoever_follows_a_workout_comes_to_its_end(workout: Workout, speed_m_s: float) -> None:
    laid_out_or_not(workout, most=True)
    done = follow(steps(workout), speed_m_s)
    assert len(done) < MAX_STEPS or not done[-1].wholes
    for before, step in pairwise(done):  # a whole that was left does not come back
        for whole in step.wholes:
            assert whole in before.wholes or whole.first == step.index
    last = workout.items[-1]
    if isinstance(last, Segment):
        assert (done[-1].kind, done[-1].wholes) == (last.kind, ())
