"""What does not fit together in a plan: refused, each with its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensord.errors import InputError
from sensord.plan.checks import open_repeats
from sensord.plan.model import read_plan
from sensord.plan.workout import parse_workout
from tests.plan.made_plans import FIXED_IMPACT, HEAD
from tests.plan.made_programme import EVERYTHING, LADDER


def problems(text: str) -> list[tuple[str, str, str]]:
    """Place, found, expected of each."""
    with pytest.raises(InputError) as caught:
        read_plan(text, "plan.toml")
    return [(problem.place, problem.found, problem.expected) for problem in caught.value.problems]


def changed(old: str, new: str) -> str:
    assert old in EVERYTHING
    return EVERYTHING.replace(old, new, 1)


def line_of(text: str, what: str) -> int:
    """Of the last place where it stands."""
    return text[: text.rindex(what)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "place", "found", "expected"),
    [
        ('id = "3"', 'id = "2"', "stage.#3.id", '"2"', "no other stage has"),
        ('id = "tick"', 'id = "walk"', "readiness.item.#10.id", '"walk"', "no other item has"),
        ('{stage = "2"}]', '{stage = "9"}]', "placement.map.#2.stage", '"9"', "one of the stages: 1, 2, 3, 4, 5, 6"),
        ('side = "left"\nfrom_stage = "2"', 'from_stage = "x"', "exercise.#1.from_stage", '"x"', "one of the stages"),
        ('from_stage = "5"', 'from_stage = "seven"', "limit.session_spike.from_stage", '"seven"', "one of the stages"),
        ('alert = "info"', 'from_stage = "seven"', "cadence.from_stage", '"seven"', "one of the stages"),
        ('allow = ["hills"]', 'allow = ["mud"]', "stage.#1.allow.#1", '"mud"', "schedule.no: hills, speed"),
        ('days = ["mon", "wed"]', "repeats = 3", "stage.#1.session.#1.repeats", "3", 'the workout has no "?"'),
        ("repeats = 5", "repeats = 6", "stage.#1.session.#2.total", '"20min"', "adds up to: 24min"),
        ("success_reps = 6", "success_reps = 7", "stage.#1.session.#1.success_reps", "7", "at most 6"),
        ('total = "30min"', 'total = "31min"', "stage.#1.session.#1.total", '"31min"', "adds up to: 15min to 30min"),
        ('total = "1mi"', 'total = "1km"', "stage.#2.session.#2.total", '"1km"', "adds up to: 1609m"),
        ('total = "1mi"', 'total = "10min"', "stage.#2.session.#2.total", '"10min"', "adds up to: 1609m"),
        ("surgery_date = 2026-03-02\n", "", "runner.surgery_date", "nothing", "item time counts weeks from it"),
        ('"daily"\nat = "19:00"', '"next_morning"\nat = "07:00"', "ask.#4.when", '"next_morning"', "a block already"),
    ],
)  # fmt: skip
def test_one_line_for_each(old: str, new: str, place: str, found: str, expected: str) -> None:
    text = changed(old, new)
    if place == "ask.#4.when":
        text = text.replace('fields = ["pain.daily"]', 'fields = ["swelling"]')
    ((got_place, got_found, got_expected),) = problems(text)
    line, _, where = got_place.partition(", ")
    assert (where, got_found) == (place, found)
    assert expected in got_expected
    if new:
        assert line == f"line {line_of(text, new)}"


def test_the_line_is_that_of_the_key_itself() -> None:
    text = changed('id = "tick"', 'id = "walk"')
    ((place, _, _),) = problems(text)
    line = line_of(text, '{id = "walk", kind = "clinician"')
    assert place == f"line {line}, readiness.item.#10.id"


def test_all_at_once_in_the_order_of_the_file() -> None:
    text = (
        changed('id = "tick"', 'id = "walk"')
        .replace('{stage = "2"}]', '{stage = "9"}]')
        .replace("repeats = 5", "repeats = 6")
    )
    assert [place.partition(", ")[2] for place, _, _ in problems(text)] == [
        "readiness.item.#10.id", "placement.map.#2.stage", "stage.#1.session.#2.total",
    ]  # fmt: skip


def test_a_stage_is_named_where_the_plan_has_none() -> None:
    text = HEAD.format(side="left") + '[limit.distance]\nstop = "5km"\nfrom_stage = "1"\n'
    assert problems(text) == [("line 9, limit.distance.from_stage", '"1"', "a stage of the plan, which has none")]


def test_what_is_allowed_where_nothing_is_forbidden() -> None:
    text = HEAD.format(side="left") + LADDER + 'allow = ["hills"]\n'
    assert problems(text) == [("line 13, stage.#2.allow.#1", '"hills"', "something of schedule.no, which is empty")]


def test_more_steps_than_a_workout_may_have() -> None:
    body = "[[stage]]\nid = '1'\n[[stage.session]]\ndo = '20x(?x(run 1s, walk 1s))'\nrepeats = 100\n"
    ((place, found, expected),) = problems(HEAD.format(side="left") + body)
    assert (place, found) == ("line 11, stage.#1.session.#1.repeats", "100")
    assert "at most 1000" in expected


def test_a_total_of_what_only_the_run_can_tell() -> None:
    text = HEAD.format(side="left") + LADDER.replace("run 20min", "until 1.5mi (walk 2min, run 4min)")
    read_plan(text.replace('4min)"}]', '4min)", total = "1.5mi", success_reps = 9}]'), "p")
    ((_, _, expected),) = problems(text.replace('4min)"}]', '4min)", total = "30min"}]'))
    assert expected == "what the workout adds up to: 2414m"


def test_a_total_that_mixes_both_is_neither() -> None:
    text = HEAD.format(side="left") + LADDER.replace("run 20min", 'run 20min, run 1km", total = "20min')
    ((_, _, expected),) = problems(text)
    assert expected == "what the workout adds up to: 20min and 1000m"


@given(st.integers(1, 59), st.integers(1, 20))
def test_a_total_may_be_a_second_off_and_no_more(minutes: int, times: int) -> None:
    sum_s = 60 * minutes * times
    for off, fine in ((0, True), (1, True), (-1, True), (2, False), (-2, False)):
        text = HEAD.format(side="left") + LADDER.replace(
            "run 20min", f'{times}x(run {minutes}min)", total = "{sum_s + off}s'
        )
        try:
            read_plan(text, "p")
            read = True
        except InputError:
            read = False
        assert read is fine


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("run 20min", False),
        ("5x(walk 1min, run 1min)", False),
        ("?x(run 1min)", True),
        ("run 1min, 2x(walk 1min, ?x(run 30s, walk 30s))", True),
        ("until 1mi (?x(run 30s, walk 30s))", True),
    ],
)
def test_what_leaves_open_how_often(text: str, is_open: bool) -> None:
    assert open_repeats(parse_workout(text).items) is is_open


def test_limits_of_a_plan_without_a_ladder_are_fine() -> None:
    read_plan(HEAD.format(side="left") + FIXED_IMPACT, "p")
