"""What people say: typed by its field, checked by the plan it is about, refused in one line."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensord.errors import InputError
from sensord.plan.days import DAY_NS
from sensord.plan.facts import (
    Approval,
    CheckIn,
    Exercised,
    Fact,
    HistoryKnown,
    Key,
    Moment,
    Noted,
    Retraction,
    Revision,
    RunFact,
    Verdict,
)
from sensord.plan.facts import (
    Tested as ItemTested,
)
from sensord.plan.model import read_plan
from sensord.plan.said import check_answer, check_fact, moment_of, parse_answers, parse_result

K = Key("g", 1)

PLAN = read_plan(
    """
schema = "rtr-plan/1"
id = "p"
title = "t"
[runner]
alias = "r-1"
[readiness]
item = [{id = "walk", kind = "walk", min = "30min"}, {id = "ok", kind = "clinician", text = "no tenderness"}]
[placement]
test = "easy running until pain 2"
map = [{stage = "1"}]
[schedule]
cross_training = {allowed = ["bike"]}
[[stage]]
id = "1"
session = [{do = "5x(walk 4min, run 1min)"}]
[[exercise]]
id = "squats"
name = "Squats"
days = ["mon"]
""",
    "plan.toml",
)


TO_TEST = """
schema = "rtr-plan/1"
id = "p"
title = "t"
[runner]
alias = "r-1"
[readiness]
item = [
  {id = "walk", kind = "walk", min = "30min"},
  {id = "hold", kind = "hold_time", what = "one leg", min = "45s"},
  {id = "reps", kind = "reps", what = "heel raises", min = 25},
  {id = "grade", kind = "grade", scale = ["zero", "trace"], max = "trace"},
]
[placement]
test = "easy running"
map = [{below = "0.25mi", stage = "1"}, {stage = "1"}]
[[stage]]
id = "1"
session = [{do = "run 5min"}]
"""
TESTED = read_plan(TO_TEST, "plan.toml")


def test_texts_become_answers_of_their_field() -> None:
    said = {"pain.during": "3", "night_pain": "Yes", "effusion": "trace", "pain.where": " inner shin ", "limp": "no"}
    assert parse_answers(said, place="check-in") == {
        "pain.during": 3.0,
        "night_pain": True,
        "effusion": "trace",
        "pain.where": "inner shin",
        "gait_altered": False,
    }


def test_answers_are_from_when_they_are_usually_given() -> None:
    assert moment_of({"pain.next_morning": 0.0}) is Moment.NEXT_MORNING
    assert moment_of({"swelling": True}) is Moment.AFTER
    assert moment_of({"rest_pain": True, "swelling": True}) is Moment.DAILY
    assert moment_of({}) is Moment.DAILY


def test_a_comma_is_a_decimal_point() -> None:
    assert parse_answers({"pain.during": "2,5"}, place="check-in") == {"pain.during": 2.5}


@pytest.mark.parametrize(
    ("name", "text", "found", "expected"),
    [
        ("pain.during", "11", "11", "0 to 10"),
        ("pain.during", "a lot", "'a lot'", "0 to 10"),
        ("pain.during", "nan", "nan", "0 to 10"),
        ("night_pain", "perhaps", "'perhaps'", "yes or no"),
        ("effusion", "huge", "'huge'", "'zero'"),
        ("pain.durring", "1", "no question pain.durring", "pain.during, perhaps?"),
        ("zzz", "1", "no question zzz", "one of: pain.before"),
        ("distance", "1", "no question distance", "one of"),
        ("pain.where", "x" * 201, "'xxx", "at most 200 characters"),
        ("pain.where", "a\x07b", "'a\\x07b'", "a line of text"),
    ],
)
def test_what_cannot_be_an_answer_is_named(name: str, text: str, found: str, expected: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_answers({name: text}, place="check-in")
    assert f"check-in: {name}: found {found}" in str(refused.value)
    assert expected in str(refused.value)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(InputError) as refused:
        parse_answers({"pain.during": "11", "night_pain": "perhaps"}, place="check-in")
    assert len(str(refused.value).splitlines()) == 2


def test_a_number_is_kept_as_one() -> None:
    assert check_answer("pain.during", 3) == 3.0
    assert isinstance(check_answer("pain.during", 3), float)
    with pytest.raises(ValueError, match="True"):
        check_answer("pain.during", True)


@pytest.mark.parametrize(
    ("item", "text", "result"),
    [
        ("walk", "30min", 1800.0),
        ("walk", "90s", 90.0),
        ("walk", "30 bananas", "30 bananas"),
        ("hold", "45s", 45.0),
        ("placement", "0.5mi", 804.672),
        ("reps", "25", 25.0),
        ("grade", "trace", "trace"),
        ("unknown", "3", 3.0),
    ],
)
def test_a_result_is_a_number_a_length_a_duration_or_words(item: str, text: str, result: float | str) -> None:
    assert parse_result(text, item, TESTED) == pytest.approx(result)


@pytest.mark.parametrize(
    ("item", "text", "line"),
    [
        ("walk", "30", 'readiness: walk: found 30 without a unit, expected a duration such as "30min"'),
        ("walk", "2km", "readiness: walk: found '2km', expected a duration such as \"30min\""),
        ("hold", "45", 'readiness: hold: found 45 without a unit, expected a duration such as "30min"'),
        ("placement", "800", 'readiness: placement: found 800 without a unit, expected a length such as "800m"'),
        ("placement", "5min", "readiness: placement: found '5min', expected a length such as \"800m\""),
    ],
)
def test_a_time_or_a_length_has_its_unit(item: str, text: str, line: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_result(text, item, TESTED)
    assert str(refused.value) == line


def test_a_placement_by_time_asks_for_a_time() -> None:
    by_time = read_plan(TO_TEST.replace('"0.25mi"', '"5min"'), "plan.toml")
    assert parse_result("4min", "placement", by_time) == 240.0
    with pytest.raises(InputError, match='a duration such as "30min"'):
        parse_result("4", "placement", by_time)


def test_without_a_plan_that_asks_a_number_is_a_number() -> None:
    assert parse_result("30", "walk", None) == 30.0
    assert parse_result("30", "placement", read_plan(TO_TEST.split("[readiness]", maxsplit=1)[0], "plan.toml")) == 30.0
    assert math.isnan(float(parse_result("nan", "walk", TESTED)))  # refused as no result of any kind: `check_fact`


@given(st.floats(0.1, 1000.0))
def test_minutes_are_never_taken_for_seconds(minutes: float) -> None:
    assert parse_result(f"{minutes:.3f}min", "walk", TESTED) == pytest.approx(60.0 * round(minutes, 3))
    with pytest.raises(InputError, match="without a unit"):
        parse_result(f"{minutes:.3f}", "walk", TESTED)


def run(distance_m: float | None, source: str = "manual") -> RunFact:
    return RunFact(K, 0, 0, "m-1", source, distance_m=distance_m)


FINE: list[Fact] = [
    CheckIn(K, 0, Moment.AFTER, "r1", {"pain.after": 1.0}),
    CheckIn(K, 0, Moment.DAILY, None, {"night_pain": False}),
    Approval(K, 0, Verdict.SET_STAGE, "pt", "looks good", "1"),
    Approval(K, 0, Verdict.HOLD, "pt", "pause"),
    ItemTested(K, 0, "walk", "pt", 30.0),
    ItemTested(K, 0, "ok", "pt", passed=True),
    ItemTested(K, 0, "placement", "pt", 1200.0),
    Exercised(K, 0, "squats", 3, 10),
    Exercised(K, 0, "bike", minutes=30.0),
    run(5000.0),
    HistoryKnown(K, 0, "pt"),
]


@pytest.mark.parametrize("fact", FINE, ids=lambda fact: fact.KIND)
def test_what_fits_is_kept(fact: Fact) -> None:
    check_fact(fact, PLAN, runs=["r1"])


REFUSED: list[tuple[Fact, str]] = [
    (CheckIn(K, 0, Moment.AFTER, None, {}), "no answer"),
    (CheckIn(K, 0, Moment.AFTER, "r2", {"pain.after": 1.0}), "'r2', expected one of: r1"),
    (CheckIn(K, 0, Moment.AFTER, None, {"pain.after": 11.0}), "found 11, expected 0 to 10"),
    (Approval(K, 0, Verdict.SET_STAGE, "pt", "x"), "set_stage without a stage"),
    (Approval(K, 0, Verdict.HOLD, "pt", "x", "1"), "hold with stage 1"),
    (Approval(K, 0, Verdict.SET_STAGE, "pt", "x", "9"), "'9', expected one of: 1"),
    (Approval(K, 0, Verdict.HOLD, " ", "x"), "who"),
    (Approval(K, 0, Verdict.HOLD, "pt", ""), "reason"),
    (ItemTested(K, 0, "hop", "pt", 3.0), "'hop'"),
    (ItemTested(K, 0, "walk", "pt", passed=True), "a value: it is of kind walk"),
    (ItemTested(K, 0, "walk", "pt"), "no result"),
    (Exercised(K, 0, "squat"), "squats, perhaps?"),
    (run(None), "more than zero"),
    (run(0.0), "more than zero"),
    (run(10.0, "pods"), "more than zero"),
]


@pytest.mark.parametrize(("fact", "words"), REFUSED, ids=lambda value: getattr(value, "KIND", value))
def test_what_does_not_fit_is_refused_in_one_line(fact: Fact, words: str) -> None:
    with pytest.raises(InputError) as refused:
        check_fact(fact, PLAN, runs=["r1"])
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "fact",
    [Approval(K, 0, Verdict.SET_STAGE, "pt", "x", "1"), ItemTested(K, 0, "walk", "pt", 3.0), Exercised(K, 0, "bike")],
)
def test_without_a_plan_nothing_of_it_is_known(fact: Fact) -> None:
    with pytest.raises(InputError, match="none is known"):
        check_fact(fact, None, runs=[])


CHECKLIST = read_plan(
    """
schema = "rtr-plan/1"
id = "p"
title = "t"
[runner]
alias = "r-1"
injured_side = "left"
surgery_date = 2026-01-01
[readiness]
item = [
  {id = "walk", kind = "walk", min = "30min"},
  {id = "ok", kind = "clinician", text = "no tenderness"},
  {id = "hop", kind = "reps", what = "hops", min = 10, each_side = true},
  {id = "bounce", kind = "reps", what = "hops", min = 10},
  {id = "strength", kind = "lsi", what = "quadriceps", min_pct = 80},
  {id = "pain", kind = "nrs", max = 2},
  {id = "calm", kind = "pain_free_days", min = 3},
  {id = "since", kind = "weeks_since", ref = "surgery_date", min = 12},
  {id = "grade", kind = "grade", scale = ["zero", "trace", "1+"], max = "trace"},
]
""",
    "plan.toml",
)


def result(item: str, value: float | str | None = None, **values: object) -> ItemTested:
    return ItemTested(K, 0, item, "PT", value, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fact",
    [
        result("walk", 1800.0, pain=0.0),
        result("ok", passed=False),
        result("hop", 0.0, side="left"),
        result("bounce", 12.0),
        result("strength", 55.5, side="right"),
        result("pain", 2.0),
        result("pain", pain=2.0),
        result("grade", "trace"),
        Noted(K, 0, "visit", "x" * 2000, "PT"),
        HistoryKnown(K, 0, "PT"),
        Retraction(K, 0, K, "PT", "wrong button"),
        RunFact(K, 0, DAY_NS, "m", "manual", distance_m=1_000_000.0),
        Exercised(K, 0, "squats", minutes=1440.0, rpe=10.0, pain=0.0),
    ],
)
def test_what_fits_is_taken(fact: Fact) -> None:
    check_fact(fact, PLAN if isinstance(fact, Exercised) else CHECKLIST, runs=())


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (result("walk", "30 bananas"), "a number"),
        (result("walk", math.nan), "0 to 1e"),
        (result("walk", -1.0), "0 to 1e"),
        (result("walk", 1800.0, pain=11.0), "walk, pain: found 11, expected 0 to 10"),
        (result("ok", 12.0), "found 12, expected a clinician's tick"),
        (result("hop", 10.0), "left or right"),
        (result("strength", 10.0), "left or right"),
        (result("pain", 11.0), "0 to 10"),
        (result("calm", 3.0), "it follows from check-ins"),
        (result("since", 12.0), "it follows from the date in the plan"),
        (result("grade", "3+"), "one of: zero, trace"),
        (Noted(K, 0, "visit", "", "PT"), "a line of text"),
        (Noted(K, 0, "visit", "x" * 2001, "PT"), "at most 2000 characters"),
        (Noted(K, 0, " ", "seen", "PT"), "note: kind"),
        (HistoryKnown(K, 0, ""), "history: who"),
        (Revision(K, 0, "", "", "PT", " "), "revision: reason"),
        (Retraction(K, 0, K, "PT", ""), "retraction: reason"),
        (RunFact(K, 0, DAY_NS + 1, "m", "manual", distance_m=5.0), "24 h at most"),
        (RunFact(K, 2, 1, "m", "manual", distance_m=5.0), "24 h at most"),
        (RunFact(K, 0, 0, "m", "manual", distance_m=1_000_001.0), "at most 1000 km"),
        (RunFact(K, 0, 0, "m", "manual", distance_m=math.nan), "at most 1000 km"),
        (Exercised(K, 0, "squats", minutes=math.inf), "0 to 1440"),
        (Exercised(K, 0, "squats", rpe=11.0), "0 to 10"),
        (Exercised(K, 0, "squats", pain=-1.0), "0 to 10"),
    ],
)
def test_what_could_count_for_nothing_is_refused(fact: Fact, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        check_fact(fact, PLAN if isinstance(fact, Exercised) else CHECKLIST, runs=())
