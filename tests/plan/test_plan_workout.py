"""The workout language: read, written back, refused in words, said to people."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from sensord.plan.workout import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    Amount,
    Kind,
    Measure,
    Quantity,
    Repeat,
    Segment,
    Until,
    Workout,
    WorkoutError,
    amount_words,
    parse_workout,
    render,
    words,
)
from sensord.plan.workout_mods import mod_words
from tests.plan.made_workouts import workouts

MILE = 1609.344


def time(low: float, high: float | None = None, unit: str = "min") -> Measure:
    return Measure(Quantity.TIME, low, high or low, unit)


def distance(low: float, high: float | None = None, unit: str = "mi") -> Measure:
    return Measure(Quantity.DISTANCE, low, high or low, unit)


def segment(kind: Kind, *measures: Measure, mods: tuple[str, ...] = ()) -> Segment:
    return Segment(kind, Amount(measures), mods)


def only(text: str) -> Segment:
    (item,) = parse_workout(text).items
    assert isinstance(item, Segment)
    return item


def refused(text: str) -> tuple[int, str, str]:
    with pytest.raises(WorkoutError) as caught:
        parse_workout(text)
    error = caught.value
    assert str(error) == f"at character {error.at}: found {error.found}, expected {error.expected}"
    return error.at, error.found, error.expected


def test_a_count_of_walk_and_run() -> None:
    walk, run = segment(Kind.WALK, distance(0.1 * MILE)), segment(Kind.RUN, distance(0.1 * MILE))
    assert parse_workout("10x(walk 0.1mi, run 0.1mi)") == Workout((Repeat(10, 10, (walk, run)),))


def test_ranges_alternatives_and_mods() -> None:
    assert only("run 8-10min|1mi @bw85-95 @easy") == segment(
        Kind.RUN, time(480.0, 600.0), distance(MILE), mods=("bw85-95", "easy")
    )
    assert only("run 1mi|8-10min").amount.alternatives == (distance(MILE), time(480.0, 600.0))
    assert only("run 30-60s").amount == Amount((time(30.0, 60.0, "s"),))


def test_counts_and_wholes() -> None:
    run = segment(Kind.RUN, time(60.0))
    assert parse_workout("3-6x(run 1min)").items == (Repeat(3, 6, (run,)),)
    assert parse_workout("?x(run 1min)").items == (Repeat(None, None, (run,)),)
    assert parse_workout("(run 1min)").items == (Repeat(1, 1, (run,)),)
    assert parse_workout("until 2mi (run 1min)").items == (Until(Amount((distance(2 * MILE),)), (run,), "until"),)
    assert parse_workout("for 20min (run 1min), rest 90s").items == (
        Until(Amount((time(1200.0),)), (run,), "for"),
        segment(Kind.REST, time(90.0, unit="s")),
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("90s", 90.0),
        ("1.5h", 5400.0),
        ("400m", 400.0),
        ("1.5km", 1500.0),
        ("500yd", 457.2),
        ("0.25mi", 402.336),
        ("0.000001s", 1e-6),
    ],
)
def test_units(text: str, value: float) -> None:
    (measure,) = only(f"run {text}").amount.alternatives
    assert measure.low == measure.high == measure.end(most=True) == pytest.approx(value, rel=1e-12)


def test_an_amount_gives_the_measure_of_a_quantity() -> None:
    amount = only("run 8-10min|1mi").amount
    assert amount.of(Quantity.TIME) == time(480.0, 600.0)
    assert only("run 8min").amount.of(Quantity.DISTANCE) is None
    assert [amount.alternatives[0].end(most=most) for most in (False, True)] == [480.0, 600.0]


@pytest.mark.parametrize(
    ("loose", "strict"),
    [
        (" 3 x ( run  5 min ,walk 1.0 mi@easy ) ", "3x(run 5min, walk 1mi @easy)"),
        ("run 8 - 10min | 1mi @ rpe3", "run 8-10min|1mi @rpe3"),
        ("until 2mi(walk 2min,\n\trun 4min)", "until 2mi (walk 2min, run 4min)"),
        ("run\N{NO-BREAK SPACE}5\N{NO-BREAK SPACE}min", "run 5min"),
        ("(run 0.50mi)", "1x(run 0.5mi)"),
        ("3-3x(run 5-5min)", "3x(run 5min)"),
    ],
)
def test_spaces_and_zeros_do_not_matter(loose: str, strict: str) -> None:
    assert parse_workout(loose) == parse_workout(strict)
    assert render(parse_workout(loose)) == strict


@settings(deadline=None)
@given(workouts)
def test_what_is_written_is_read_again(workout: Workout) -> None:
    text = render(workout)
    assume(len(text) <= MAX_CHARACTERS)
    try:
        again = parse_workout(text)
    except WorkoutError as error:
        assert "steps" in error.found or "rest alone" in error.found  # noqa: PT017 - nothing else of it can be wrong
    else:
        assert again == workout
        assert render(again) == text


ITEM = 'walk, run, rest, until, for or a count such as "6x("'
AMOUNT = 'an amount such as "5min", "0.1mi" or "8-10min" (units: s, min, h, m, km, mi, yd)'
HOW = 'how it is done, such as "easy", "rpe3", "bw70-75", "6mph" or "8:30/mi"'
NEXT = '",", "|", "@" or the end'


@pytest.mark.parametrize(
    ("text", "at", "found", "expected"),
    [
        ("", 1, "the end", ITEM),
        ("   ", 1, "the end", ITEM),
        ("10x(walk 5min, runn 5min)", 16, '"runn"', f"{ITEM} (run, perhaps?)"),
        ("Walk 5min", 1, '"Walk"', f"{ITEM} (walk, perhaps?)"),
        ("5min", 1, '"5min"', ITEM),
        ("run", 4, "the end", AMOUNT),
        ("run, walk 5min", 4, '","', AMOUNT),
        ("run 5", 5, '"5"', AMOUNT),
        ("run 5kg", 5, '"5kg"', AMOUNT),
        ("run 5minutes", 5, '"5minutes"', AMOUNT),
        ("run -5min", 5, '"-5min"', AMOUNT),
        ("run 1234567m", 5, '"1234567m"', AMOUNT),
        ("run 8–10min", 5, '"8–10min"', f'{AMOUNT} ("-" for "–")'),
        ("3×(run 5min)", 1, '"3×"', f'{ITEM} ("x" for "×")'),
        ("run 5min; walk 1min", 9, '";"', f'{NEXT} ("," for ";")'),
        ("run 5min,", 10, "the end", ITEM),
        ("run 5min walk 3min", 10, '"walk"', NEXT),
        ("run 5min\x00", 9, "'\\x00'", NEXT),
        ("3x(run 5min", 12, "the end", '")"'),
        ("3x(run 5min  ", 12, "the end", '")"'),
        ("3x run 5min", 4, '"run"', '"("'),
        ("run 5min)", 9, '")"', "the end"),
        ("3x(run 5min) @easy", 14, '"@"', '"," or the end'),
        ("until (run 5min)", 7, '"("', AMOUNT),
        ("until 5min run 5min", 12, '"run"', '"(" or "|"'),
        ("run 5min @", 11, "the end", HOW),
        ("run 5min @fast", 11, '"fast"', HOW),
    ],
)
def test_what_is_no_workout_is_told_by_its_place(text: str, at: int, found: str, expected: str) -> None:
    assert refused(text) == (at, found, expected)


@pytest.mark.parametrize(
    ("text", "at", "found", "expected"),
    [
        ("run 0min", 5, '"0min"', "more than zero"),
        ("run 0.0-5min", 5, '"0.0-5min"', "more than zero"),
        ("run 10-8min", 5, '"10-8min"', 'the lower end first, "8-10min"'),
        ("run 25h", 5, '"25h"', "at most 24h"),
        ("run 5-201km", 5, '"5-201km"', "at most 200km"),
        ("run 5min, 0x(run 1min)", 11, '"0x"', "a count of 1 or more"),
        ("6-3x(run 1min)", 1, '"6-3x"', 'the lower end first, "3-6x"'),
        ("rest 100m", 6, '"100m"', "a time, for rest covers no distance"),
        ("rest 2min|100m", 11, '"100m"', "a time, for rest covers no distance"),
        ("run 8min|10min", 10, '"10min"', "one time and one distance at most"),
        ("run 8min|1mi|2h", 14, '"2h"', "one time and one distance at most"),
        (
            "run 5min, until 1mi (2x(rest 2min))",
            11,
            '"until" a distance over rest alone',
            "something to walk or run, for rest covers none",
        ),
        ("run 5min @rpe11", 11, '"rpe11"', "0 to 10 (exertion)"),
        ("run 5min @rpe5-3", 11, '"rpe5-3"', "the lower end of a range first"),
        ("run 5min @talk4", 11, '"talk4"', "1 to 3 (talk)"),
        ("run 5min @bw0", 11, '"bw0"', "1 to 100 (body weight)"),
        ("run 5min @bw90-110", 11, '"bw90-110"', "1 to 100 (body weight)"),
        ("run 5min @1:59/mi", 11, '"1:59/mi"', "2:00 to 59:59 (speed)"),
        ("run 5min @easy @hard", 17, '"hard"', "effort only once"),
        ("run 5min @6mph @8:30/mi", 17, '"8:30/mi"', "speed only once"),
    ],
)
def test_what_cannot_be_done_is_refused(text: str, at: int, found: str, expected: str) -> None:
    assert refused(text) == (at, found, expected)


def test_texts_depth_and_steps_have_bounds() -> None:
    longest = ", ".join(["run 5min"] * 50)
    assert len(longest) == 498
    parse_workout(longest + "  ")
    assert refused(longest + "   ") == (MAX_CHARACTERS + 1, "501 characters", "at most 500")
    parse_workout("(" * MAX_DEPTH + "run 5min" + ")" * MAX_DEPTH)
    assert refused("run 1s, " + "(" * 9 + "run 5min" + ")" * 9) == (17, "parentheses 9 deep", "at most 8")
    assert refused("(" * 400) == (9, "parentheses 9 deep", "at most 8")
    parse_workout("500x(run 5s, walk 5s)")
    too_many = "at most 1000 steps once laid out"
    assert refused("run 1s, 500x(run 5s, walk 5s)") == (1, "a workout of 1001 steps", too_many)
    assert refused("1-501x(run 5s, walk 5s)") == (1, "a workout of 1002 steps", too_many)
    assert refused("for 2h (run 1s)") == (1, "a workout of 7200 steps", too_many)
    assert refused("9999x(9999x(9999x(run 1s)))") == (1, f"a workout of {9999**3} steps", too_many)


def test_a_whole_of_other_pieces_is_bounded_by_how_slow_and_how_fast_people_are() -> None:
    parse_workout("until 2mi (walk 10s, run 10s)")  # 3219 m at 0.5 m/s: 644 steps of 10 s
    assert refused("until 2mi (walk 5s, run 5s)")[1] == "a workout of 1288 steps"
    parse_workout("until 30min (run 20m, walk 20m)")  # 1800 s at 10 m/s: 900 steps of 20 m
    assert refused("until 30min (run 15m, walk 15m)")[1] == "a workout of 1200 steps"
    # whichever comes first: the shorter of the two ends it, be it in the whole or in a piece
    parse_workout("until 2mi|30min (walk 5s, run 5s)")
    assert refused("until 30min (run 20m|1s, walk 20m)")[1] == "a workout of 1200 steps"


TOKENS = st.sampled_from(
    [
        *"()|@,-?",
        "3x",
        "3-6x",
        "?x",
        "run",
        "walk",
        "rest",
        "until",
        "for",
        "5min",
        "0.1mi",
        "8-10min",
        "rpe3",
        " ",
        "q",
    ]
)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(TOKENS, max_size=30).map(" ".join), st.lists(TOKENS).map("".join)))
@example("run 5min @rpe3 @")
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        workout = parse_workout(text)
    except WorkoutError as error:
        assert 1 <= error.at <= len(text) + 1 or error.at == MAX_CHARACTERS + 1  # noqa: PT017
        assert error.found  # noqa: PT017
        assert error.expected  # noqa: PT017
        assert str(error).isprintable()  # noqa: PT017
    else:
        assert parse_workout(render(workout)) == workout
        assert words(workout)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3-6x(walk 4min, run 1min)", "3 to 6 times: walk 4 min, run 1 min"),
        ("?x(walk 3min, run 1min)", "as often as the therapist says: walk 3 min, run 1 min"),
        ("(run 1min)", "once: run 1 min"),
        (
            "walk 5min @warmup, for 20min (run 60s, walk 90s)",
            "walk 5 min (warm-up); then for 20 min, over and over: run 60 s, walk 90 s",
        ),
        (
            "until 2mi (walk 0.1mi, run 0.2mi), walk 5min, rest 2min",
            "over and over until 2 mi in all: walk 0.1 mi, run 0.2 mi; then walk 5 min, rest 2 min",
        ),
        (
            "2x(3x(run 1min, walk 30s), rest 5min)",
            "2 times: (3 times: run 1 min, walk 30 s), rest 5 min",
        ),
        ("run 8-10min|1mi @bw85-95", "run 8 to 10 min or 1 mi (whichever comes first, at 85 to 95 % of body weight)"),
    ],
)
def test_words_for_people(text: str, said: str) -> None:
    assert words(parse_workout(text)) == said


def test_an_amount_in_words() -> None:
    assert amount_words(only("run 8-10min|1mi").amount) == "8 to 10 min or 1 mi"


@pytest.mark.parametrize(
    ("mod", "said"),
    [
        ("easy", "easy"),
        ("hard", "hard"),
        ("modhard", "moderately hard"),
        ("warmup", "warm-up"),
        ("rpe3", "effort 3 of 10"),
        ("rpe3-4", "effort 3 to 4 of 10"),
        ("talk1-2", "talking level 1 to 2 of 3"),
        ("3.5mph", "at 3.5 mph"),
        ("9-10km/h", "at 9 to 10 km/h"),
        ("8:30/mi", "at 8:30 min/mi"),
        ("5:00-5:30/km", "at 5:00 to 5:30 min/km"),
        ("50%usual", "at 50 % of the usual pace"),
        ("50-60%hr", "at 50 to 60 % of maximal heart rate"),
        ("bw70-75", "at 70 to 75 % of body weight"),
    ],
)
def test_mods(mod: str, said: str) -> None:
    assert only(f"run 5min @{mod}").mods == (mod,)
    assert mod_words(mod) == said


def test_a_mod_of_a_later_version_is_said_as_it_stands() -> None:
    assert mod_words("backwards") == "backwards"
