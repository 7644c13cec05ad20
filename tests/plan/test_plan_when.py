"""Conditions of a plan and the fields they are about."""

from __future__ import annotations

from itertools import pairwise
from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.plan.fields import ALIASES, FIELDS, Answer, Field, field_of, known_names
from sensord.plan.when import MAX_CHARACTERS, Condition, ConditionError, Op, parse_condition

ASKED = """pain.before pain.during pain.after pain.after_60min pain.next_morning soreness.warmup soreness.next_day
    stiffness.morning_min swelling effusion gait_altered night_pain rpe"""
FROM_ANSWERS = "pain.during_change pain.week_trend effusion_change"
MEASURED = """done_pct run_time distance steps_injured longest_ratio_30d week_ratio hours_since_run sessions_7d
    impact.pct impact_load_ratio asym.contact_time asym.impact cadence.pct contact_time.pct downhill_m speed"""


def holds(text: str, **known: Answer) -> bool:
    """`a__b` stands for a.b."""
    return parse_condition(text).holds({name.replace("__", "."): answer for name, answer in known.items()})


def refused(text: str) -> tuple[str, str]:
    with pytest.raises(ConditionError) as caught:
        parse_condition(text)
    assert str(caught.value) == f"found {caught.value.found}, expected {caught.value.expected}"
    return caught.value.found, caught.value.expected


def test_every_field_of_the_plan_language_is_known() -> None:
    assert {*ASKED.split(), *FROM_ANSWERS.split(), *MEASURED.split()} <= {*FIELDS}
    assert {"pain.where", "soreness", "stiffness", "rest_pain", "exercises_done"} <= {*FIELDS}
    for name in ASKED.split():
        assert FIELDS[name].asked, name
    for name in (*FROM_ANSWERS.split(), *MEASURED.split()):
        assert not FIELDS[name].asked, name


def test_what_is_asked_has_a_question_and_what_is_not_says_what_it_is() -> None:
    for name, field in FIELDS.items():
        assert field.name == name
        assert bool(field.question) is field.asked
        assert bool(field.means) is not field.asked
        assert field.kind is str or not field.scale
        assert not field.ordered or field.scale


def test_scores_go_from_0_to_10_and_the_question_says_so() -> None:
    scores = [field for field in FIELDS.values() if field.asked and field.kind is float and field.unit != "min"]
    assert {"pain.before", "rpe", "soreness"} <= {field.name for field in scores}
    for field in scores:
        assert (field.low, field.high) == (0.0, 10.0)
        assert "0 (" in field.question
        assert "10 (" in field.question


def test_a_limp_is_an_altered_gait() -> None:
    assert field_of("limp") is FIELDS["gait_altered"]
    assert parse_condition("limp == true") == parse_condition("gait_altered == true")
    assert holds("gait_altered == true", limp=True)
    assert holds("limp == true", gait_altered=True)
    assert set(ALIASES) <= set(known_names())


def test_a_plan_names_its_own_symptoms() -> None:
    field = field_of("symptom.pelvic_heaviness")
    assert field is not None
    assert (field.kind, field.asked, field.question) == (bool, True, "Any pelvic heaviness?")
    assert holds("symptom.leakage == true", symptom__leakage=True)
    for name in ("symptom.", "symptom.Leakage", "symptom.a.b", "symptom." + "a" * 41, "symptom", ""):
        assert field_of(name) is None


@pytest.mark.parametrize(
    ("text", "field", "op", "value"),
    [
        ("pain.next_morning >= 1", "pain.next_morning", Op.GE, 1.0),
        ("  pain.during==0 ", "pain.during", Op.EQ, 0.0),
        ("pain.during_change <= -0.5", "pain.during_change", Op.LE, -0.5),
        ("soreness.warmup == 'none'", "soreness.warmup", Op.EQ, "none"),
        ('soreness.warmup != "persists"', "soreness.warmup", Op.NE, "persists"),
        ("soreness.next_day == false", "soreness.next_day", Op.EQ, False),
        ("night_pain == true", "night_pain", Op.EQ, True),
        ("effusion >= '2+'", "effusion", Op.GE, "2+"),
        ("pain.after == missing", "pain.after", Op.EQ, None),
        ("pain.after != missing", "pain.after", Op.NE, None),
        ('pain.where == "runner\'s knee"', "pain.where", Op.EQ, "runner's knee"),
        ("run_time > 20min", "run_time", Op.GT, 1200.0),
        ("run_time > 20 min", "run_time", Op.GT, 1200.0),
        ("distance < 1.5mi", "distance", Op.LT, 2414.016),
        ("speed <= 10km/h", "speed", Op.LE, 10_000 / 3600),
        ("hours_since_run < 48", "hours_since_run", Op.LT, 48.0),
        ("asym.contact_time < -4.5", "asym.contact_time", Op.LT, -4.5),
    ],
)
def test_conditions_are_read(text: str, field: str, op: Op, value: Answer | None) -> None:
    condition = parse_condition(text)
    assert condition == Condition(field, op, pytest.approx(value) if isinstance(value, float) else value)
    assert parse_condition(condition.text) == condition


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("limp==true", "gait_altered == true"),
        ("run_time >= 1200s", "run_time >= 20min"),
        ("run_time >= 0.75h", "run_time >= 45min"),
        ("distance >= 1500m", "distance >= 1.5km"),
        ("distance >= 1609.344m", "distance >= 1mi"),
        ("speed < 6mph", "speed < 6mph"),
        ("pain.during > 2.50", "pain.during > 2.5"),
        ("hours_since_run > 0.000000001", "hours_since_run > 0.000000001"),
        ("steps_injured > 123456789", "steps_injured > 123456789"),
        ("pain.where == 'shin'", "pain.where == 'shin'"),
        ('pain.where != "runner\'s knee"', 'pain.where != "runner\'s knee"'),
        ("rpe != missing", "rpe != missing"),
    ],
)
def test_conditions_are_written_back(text: str, written: str) -> None:
    assert parse_condition(text).text == written


WHERE = ", ".join(name for name in FIELDS if name.startswith("pain."))
OPS = "one of == != >= <= > <"


@pytest.mark.parametrize(
    ("text", "found", "expected"),
    [
        ("", "nothing", "one of " + ", ".join(known_names())),
        (">= 3", "nothing", "one of " + ", ".join(known_names())),
        ("qqq == 3", "unknown field qqq", "one of " + ", ".join(known_names())),
        ("pain.durin >= 1", "unknown field pain.durin", "pain.during, perhaps?"),
        ("pain >= 1", "unknown field pain", f"one of {WHERE}"),
        ("symptom.Leak == true", "unknown field symptom.Leak", "symptom.NAME, perhaps?"),
        ("pain.during", "nothing", OPS),
        ("pain.during = 1", '"="', OPS),
        ("pain.during => 1", '"=>"', OPS),
        ("pain.during is 1", '"is 1"', OPS),
        ("qq\x00 == 1", "unknown field qq\\x00", "one of " + ", ".join(known_names())),
        ("pain.during >=", "pain.during nothing", "0 to 10, or missing"),
        ("pain.during >= 11", 'pain.during "11"', "0 to 10, or missing"),
        ("pain.during >= -1", 'pain.during "-1"', "0 to 10, or missing"),
        ("pain.during >= 1e0", 'pain.during "1e0"', "0 to 10, or missing"),
        ("pain.during >= '1'", "pain.during \"'1'\"", "0 to 10, or missing"),
        ("pain.during >= 1 and rpe > 3", 'pain.during "1 and rpe > 3"', "0 to 10, or missing"),
        ("hours_since_run < two", 'hours_since_run "two"', "a number of 0 or more, or missing"),
        ("asym.impact < two", 'asym.impact "two"', "a number, or missing"),
        ("night_pain == 1", 'night_pain "1"', "true or false, or missing"),
        ("night_pain == yes", 'night_pain "yes"', "true or false, or missing"),
        ("effusion >= 2+", 'effusion "2+"', "'zero', 'trace', '1+', '2+' or '3+', or missing"),
        ("effusion >= '4+'", "effusion \"'4+'\"", "'zero', 'trace', '1+', '2+' or '3+', or missing"),
        ("pain.where == shin", 'pain.where "shin"', "a 'text', or missing"),
        ("pain.where == ''", "pain.where \"''\"", "a 'text', or missing"),
        ("run_time > 20", 'run_time "20"', "a number with its unit (s, min, h), or missing"),
        ("run_time > 20km", 'run_time "20km"', "a number with its unit (s, min, h), or missing"),
        ("pain.after > missing", "> missing", "== missing or != missing"),
        ("soreness.warmup > 'none'", "soreness.warmup >", "== or !=, for soreness.warmup has no order"),
        ("night_pain >= true", "night_pain >=", "== or !=, for night_pain has no order"),
        ("pain.where < 'shin'", "pain.where <", "== or !=, for pain.where has no order"),
        ("pain.during < 0", "pain.during < 0", "what can be true: it is 0 to 10"),
        ("rpe > 10", "rpe > 10", "what can be true: it is 0 to 10"),
        ("effusion > '3+'", "effusion > '3+'", "what can be true: it is 'zero', 'trace', '1+', '2+' or '3+'"),
        ("effusion < 'zero'", "effusion < 'zero'", "what can be true: it is 'zero', 'trace', '1+', '2+' or '3+'"),
    ],
)
def test_what_is_no_condition_is_told(text: str, found: str, expected: str) -> None:
    assert refused(text) == (found, expected)


def test_texts_have_a_bound() -> None:
    parse_condition("rpe > 3".ljust(MAX_CHARACTERS))
    assert refused("rpe > 3".ljust(MAX_CHARACTERS + 1)) == ("201 characters", "at most 200")


@pytest.mark.parametrize(
    ("text", "true", "false"),
    [
        ("pain.during >= 3", [3, 3.0, 9], [2.9, 0]),
        ("pain.during > 3", [3.1], [3]),
        ("pain.during <= 3", [0, 3], [3.1]),
        ("pain.during < 3", [2.9], [3]),
        ("pain.during == 3", [3], [2]),
        ("pain.during != 3", [0, 4], [3]),
    ],
)
def test_numbers_are_compared(text: str, true: list[float], false: list[float]) -> None:
    assert all(holds(text, pain__during=answer) for answer in true)
    assert not any(holds(text, pain__during=answer) for answer in false)


def test_an_ordered_scale_is_compared_by_place() -> None:
    scale = FIELDS["effusion"].scale
    assert scale == ("zero", "trace", "1+", "2+", "3+")
    for lower, higher in pairwise(scale):
        assert Condition("effusion", Op.LT, higher).holds({"effusion": lower})
        assert Condition("effusion", Op.GT, lower).holds({"effusion": higher})
        assert not Condition("effusion", Op.GE, higher).holds({"effusion": lower})
    assert holds("effusion <= 'trace'", effusion="zero")
    assert holds("effusion == '1+'", effusion="1+")
    assert not holds("effusion != '1+'", effusion="1+")


def test_yes_no_and_words_are_compared() -> None:
    assert holds("soreness.next_day == false", soreness__next_day=False)
    assert not holds("soreness.next_day == false", soreness__next_day=True)
    assert holds("soreness.warmup != 'none'", soreness__warmup="gone")
    assert holds("pain.where == 'shin'", pain__where="shin")
    assert not holds("pain.where == 'shin'", pain__where="knee")


def test_no_answer_satisfies_nothing_but_missing() -> None:
    assert holds("pain.after == missing")
    assert not holds("pain.after != missing")
    assert not holds("pain.after == missing", pain__after=0)
    assert holds("pain.after != missing", pain__after=0)
    assert not holds("pain.after != 3")
    assert not holds("night_pain == false")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("pain.during", nan),
        ("pain.during", inf),
        ("pain.during", 11),
        ("pain.during", -1),
        ("pain.during", "3"),
        ("pain.during", True),
        ("pain.during", None),
        ("steps_injured", 10**400),
        ("night_pain", 0),
        ("night_pain", "no"),
        ("effusion", "4+"),
        ("effusion", 2),
        ("pain.where", ""),
    ],
)
def test_what_a_field_cannot_have_is_no_answer(name: str, answer: Answer) -> None:
    field = FIELDS[name]
    assert not field.allows(answer)
    assert Condition(name, Op.EQ, None).holds({name: answer})
    assert not Condition(name, Op.NE, None).holds({name: answer})
    if field.kind is float:
        assert not Condition(name, Op.NE, 5.0).holds({name: answer})


def test_a_field_of_another_version_is_never_known() -> None:
    condition = Condition("blood.lactate", Op.GE, 2.0)
    assert not condition.holds({"blood.lactate": 5.0})
    assert Condition("blood.lactate", Op.EQ, None).holds({"blood.lactate": 5.0})
    assert condition.text == "blood.lactate >= 2"


decimals = st.integers(-(10**6), 10**9).map(lambda n: n / 1000)


def _values(field: Field) -> st.SearchStrategy[Answer]:
    if field.kind is bool:
        return st.booleans()
    if field.scale:
        return st.sampled_from(field.scale)
    if field.kind is str:
        return st.text(st.characters(exclude_characters="'\n"), min_size=1, max_size=100)
    if field.units:
        factors = st.sampled_from([*field.units.values()])
        return st.tuples(st.integers(0, 10**9), factors).map(lambda pair: pair[0] / 1000 * pair[1])
    return decimals.filter(field.within)


def _conditions(field: Field) -> st.SearchStrategy[Condition]:
    same = st.sampled_from([Op.EQ, Op.NE])
    ops = st.sampled_from(Op) if field.ordered or field.kind is float else same
    return st.builds(Condition, st.just(field.name), ops, _values(field)) | st.builds(
        Condition, st.just(field.name), same, st.none()
    )


fields = st.sampled_from([*FIELDS]).map(FIELDS.__getitem__) | st.from_regex(
    r"symptom\.[a-z][a-z0-9_]{0,39}", fullmatch=True
).map(lambda name: field_of(name) or FIELDS["rpe"])
conditions = fields.flatmap(_conditions)


@settings(deadline=None)
@given(conditions)
def test_what_is_written_is_read_again(condition: Condition) -> None:
    try:
        again = parse_condition(condition.text)
    except ConditionError as error:
        assert "can be true" in error.expected  # noqa: PT017 - nothing else of it can be wrong
    else:
        assert again == condition
        assert again.text == condition.text


@settings(deadline=None)
@given(conditions, conditions.flatmap(lambda c: st.tuples(st.just(c.field), st.just(c.value))))
def test_what_is_not_known_satisfies_nothing(condition: Condition, other: tuple[str, Answer | None]) -> None:
    name, answer = other
    known = {} if name == condition.field or answer is None else {name: answer}
    assert condition.holds(known) is (condition.value is None and condition.op is Op.EQ)


@settings(deadline=None)
@given(fields.flatmap(lambda field: st.tuples(_conditions(field), _values(field))))
def test_a_condition_or_its_contrary_holds_of_what_is_known(pair: tuple[Condition, Answer]) -> None:
    condition, answer = pair
    contrary = {Op.EQ: Op.NE, Op.NE: Op.EQ, Op.GE: Op.LT, Op.LT: Op.GE, Op.GT: Op.LE, Op.LE: Op.GT}[condition.op]
    known = {condition.field: answer}
    assert condition.holds(known) is not Condition(condition.field, contrary, condition.value).holds(known)


@settings(deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from([*FIELDS, *Op, "3", "'a'", "missing", " "])).map("".join))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        condition = parse_condition(text)
    except ConditionError as error:
        assert str(error).isprintable()  # noqa: PT017
    else:
        assert parse_condition(condition.text) == condition
