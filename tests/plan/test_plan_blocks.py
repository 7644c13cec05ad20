"""Ladder, readiness, questions, findings, alerts: each mistake in them is one clear line."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sensord.errors import InputError
from sensord.plan.ladder import Stage
from sensord.plan.model import read_plan
from sensord.plan.programme import Readiness
from sensord.plan.quantity import Extent
from sensord.plan.schema import plan_schema
from tests.plan.made_plans import HEAD
from tests.plan.made_programme import EVERYTHING


def problems(text: str) -> list[tuple[str, str, str]]:
    """Place, found, expected of each."""
    with pytest.raises(InputError) as caught:
        read_plan(text, "plan.toml")
    return [(problem.place, problem.found, problem.expected) for problem in caught.value.problems]


STAGE_1 = '{do = "3-6x(walk 4min, run 1min)", success_reps = 6, days = ["mon", "wed"], total = "30min"}'
OTHER = 'increment = {start = "1mi", by = "1mi"}\n'
CALENDAR = 'kind = "calendar"\n'
THEN = """\
[rule.then]
step = -1
rest_days = 2
rest = "until pain 0 in daily life"
end_session = true
hold = "therapist"
alert = "stop"
"""


@pytest.mark.parametrize(
    ("old", "new", "place", "found", "expected"),
    [
        # runner
        ('"Europe/Berlin"', '"Berlin"', "runner.timezone", '"Berlin"', 'by its IANA name, such as "Europe/Berlin"'),
        ('"Europe/Berlin"', '"../etc"', "runner.timezone", '"../etc"', "IANA"),
        ('"Europe/Berlin"', '"Europe"', "runner.timezone", '"Europe"', "IANA"),
        ('injury = "acl"', 'injury = "knee"', "runner.injury", '"knee"', '"mtss", "bone_stress", "pfp"'),
        ("surgery_date = 2026-03-02", 'surgery_date = "2026-03-02"', "runner.surgery_date", '"2026-03-02"', "date"),
        ('weekly = "40km"', "weekly = 40", "runner.pre_injury.weekly", "40 without a unit", "units: m, km, mi, yd"),
        # readiness
        ("need = 10", "need = 11", "readiness.need", "11", "at most 10"),
        ("need = 10", "need = 0", "readiness.need", "0", '"all", "any", or a number of items'),
        ("need = 10", "need = true", "readiness.need", "true", '"all", "any", or a number of items'),
        ('"2wk"', '"2 weeks"', "readiness.retest_after", "unknown unit weeks", "units: s, min, h, d, wk"),
        ('"2wk"', '"2km"', "readiness.retest_after", '"2km", a length', '"14d"'),
        ('kind = "lsi"', 'kind = "ratio"', "readiness.item.#4", 'kind "ratio"', 'kind = "walk" or "reps"'),
        ('kind = "lsi", ', "", "readiness.item.#4", "kind missing", '"clinician"'),
        ('min = "30min", max', "minimum = 30, max", "readiness.item.#1.min", "nothing", "this key"),
        ("min_pct = 70", "min_pct = 70, sides = 2", "readiness.item.#4.sides", "key sides", "one of: id, text, source"),
        ("min_pct = 70", "min_pct = 0", "readiness.item.#4.min_pct", "0", "greater than 0"),
        ('max = "trace"', 'max = "2+"', "readiness.item.#6.max", '"2+"', "one of: zero, trace, 1+"),
        ('"trace", "1+"]', '"trace", "zero"]', "readiness.item.#6.scale", '["zero", "trace"', "each of them once"),
        ("min = 63.7, max = 100", "min = 63.7, max = 60", "readiness.item.#9.min", "63.7", "at most max (60)"),
        ("min = 63.7, max = 100", 'text = "?"', "readiness.item.#9.min", "nothing", "min, max or both"),
        # placement
        ('{stage = "2"}]', '{below = "1min", stage = "2"}]', "placement.map", "[{", "below as a length everywhere"),
        ('{stage = "2"}]', '{below = "0.5mi", stage = "2"}]', "placement.map", "[{", "rising values of below"),
        ('below = "0.5mi", ', "", "placement.map", "[{", "the key below in all but the last"),
        ('below = "0.5mi"', 'below = "0.5"', "placement.map.#1.below", '"0.5"', "a length or a duration"),
        # schedule
        ("minutes = [30, 60]", "minutes = [60, 30]", "schedule.cross_training.minutes", "[60, 30]", "lower one first"),
        ("minutes = [30, 60]", "minutes = [60]", "schedule.cross_training.minutes", "[60]", "a length of at least 2"),
        ('["bike", "pool"]', '["bike", "bike"]', "schedule.cross_training.allowed", '["bike", "bike"]', "once"),
        ('min_gap = "2d"', "min_gap = 48", "schedule.min_gap", "48 without a unit", "such as"),
        # advance
        ("complete_pct = 95", "complete_pct = 101", "advance.complete_pct", "101", "less than or equal to 100"),
        ('"run_time >= 5min"', '"runtime >= 5min"', "advance.when.#3", "unknown field runtime", "run_time, perhaps?"),
        ('"run_time >= 5min"', "5", "advance.when.#3", "5", "a condition such as"),
        ('"pain.during == 0", ', '"pain.during == 11", ', "advance.when.#1", '"11"', "0 to 10"),
        # stages
        (STAGE_1, '{do = "5x(walk 4min run 1min)"}', "stage.#1.session.#1.do", "at character", ""),
        (STAGE_1, "{do = 5}", "stage.#1.session.#1.do", "5", "a workout such as"),
        (STAGE_1, '{do = "run 1min", repeats = 0}', "stage.#1.session.#1.repeats", "0", "greater than or equal to 1"),
        ('days = ["fri"]', 'days = ["friday"]', "stage.#1.session.#2.days.#1", '"friday"', '"fri"'),
        ('days = ["fri"]', 'days = ["fri", "fri"]', "stage.#1.session.#2.days", '["fri", "fri"]', "once"),
        ('days = ["fri"]', 'days = "fri"', "stage.#1.session.#2.days", '"fri"', "a list: [...]"),
        ('kind = "cycle"', 'kind = "volume"', "stage.#2.weekly", "nothing", 'the key weekly, for kind = "volume"'),
        ('kind = "increment"\n', "", "stage.#4.session", "nothing", 'the key session, for kind = "session"'),
        ("when_day = 2", "when_day = 1", "stage.#3.session", "[{", "a day of its own for each session"),
        (", when_day = 2", "", "stage.#3.session", "[{", "a day of its own for each session"),
        ('kind = "cycle"', 'kind = "cycle"\nunlock = [{at_pct = 1, allow = ["a"]}]', "stage.#2.unlock", "[{", "volume"),
        (CALENDAR, CALENDAR + OTHER, "stage.#5.increment", "{", "no key increment"),
        ('by = "0.25mi"', 'by = "5min"', "stage.#4.increment.by", '"5min"', "a length, as start is"),
        ('start = "1mi"', 'start = "5min"', "stage.#4.increment.by", '"0.25mi"', "a duration, as start is"),
        ('until = "3mi"', 'until = "30min"', "stage.#4.increment.until", '"30min"', "a length, as start is"),
        ('until = "3mi"', 'until = "0.5mi"', "stage.#4.increment.until", '"0.5mi"', 'not less than start ("1mi")'),
        ('by = "0.25mi"', "by = 0.25", "stage.#4.increment.by", "0.25 without a unit", "a length or a duration"),
        ("[0, 30, 0, 30, 0, 35, 0]", "[0, 30, 0]", "stage.#5.calendar.days.#2", "[0, 30, 0]", "a length of at least 7"),
        ("growth_pct = [10, 30]", "growth_pct = [30, 10]", "stage.#6.weekly.growth_pct", "[30, 10]", "lower one first"),
        ('"100% pre_injury.weekly"', '"100% weekly"', "stage.#6.weekly.until", '"100% weekly"', '"observed", "100%'),
        ('"100% pre_injury.weekly"', '"observed"', "stage.#6.weekly.until", '"observed"', "what she ran before"),
        ('"80% pre_injury.longest"', '"80% observed"', "stage.#6.weekly.longest", "observed", "she ran before"),
        ('"80% pre_injury.longest"', '"0% pre_injury.longest"', "stage.#6.weekly.longest", '"0%', "more than zero"),
        # rules
        (THEN, "[rule.then]\n", "rule.#1.then.step", "nothing", "one of step, rest_days, rest"),
        (THEN, "[rule.then]\nend_session = false\n", "rule.#1.then.step", "nothing", "one of step, rest_days, rest"),
        ("step = -1", "step = 1", "rule.#1.then.step", "1", "less than or equal to 0"),
        ('alert = "stop"', 'alert = "loud"', "rule.#1.then.alert", '"loud"', '"info", "warn", "stop", "urgent"'),
        ('hold = "therapist"', 'hold = "me"', "rule.#1.then.hold", '"me"', 'one of: "therapist"'),
        ('within = "14d"', 'within = "14 days"', "rule.#1.within", "unknown unit days", "units: s, min, h, d, wk"),
        ('when = ["rpe >= 5"]', "when = []", "recovery.#1.when", "[]", "a length of at least 1"),
        # questions
        ('["pain.before"]', '["pain"]', "ask.#1.fields.#1", '"pain"', "one of: pain.before, pain.during"),
        ('["pain.before"]', '["done_pct"]', "ask.#1.fields.#1", '"done_pct"', "symptom.NAME"),
        ('["pain.before"]', "[5]", "ask.#1.fields.#1", "5", "symptom.NAME"),
        ('"limp", "rpe"', '"limp", "gait_altered"', "ask.#2.fields", '["pain.during", "limp"', "each of them once"),
        ('["pain.before"]', '["pain.after"]', "ask.#1.fields", '["pain.after"]', "pain.after only where when is after"),
        ('["pain.daily"]', '["pain.next_morning"]', "ask.#4.fields", '["pain.next_morning"]', "when is next_morning"),
        ('when = "before"', 'when = "before"\nat = "07:00"', "ask.#1.at", '"07:00"', 'when = "next_morning"'),
        ('at = "07:00"', 'at = "7:00"', "ask.#3.at", '"7:00"', "Local time"),
        # exercises, alerts, findings
        ('days = ["mon", "thu"]', "days = []", "exercise.#1.days", "[]", "a length of at least 1"),
        ('days = ["mon", "thu"]', 'days = ["mon", "mon"]', "exercise.#1.days", '["mon", "mon"]', "each of them once"),
        ('"22:00", "07:00"', '"22:00", "22:00"', "alerts.quiet", '["22:00", "22:00"]', "two different times of day"),
        ('"22:00", "07:00"', '"22:00", "24:00"', "alerts.quiet.#2", '"24:00"', "Local hours"),
        ('["therapist", "coach"]', '["Jane Doe"]', "alerts.stop.who.#1", '"Jane Doe"', "Names of [people]"),
        ('["therapist", "coach"]', '["a", "a"]', "alerts.stop.who", '["a", "a"]', "each of them once"),
        ('"https://clinic.example/v/1"', '"http://x"', "evaluation.gait.#1.video", '"http://x"', "keeps the video"),
        ('side = "left"\ndate', 'side = "both"\ndate', "evaluation.test.#1.side", '"both"', '"left", "right"'),
        ('kind = "manual_therapy"', 'kind = "massage"', "note.#1.kind", '"massage"', '"manual_therapy"'),
    ],
)  # fmt: skip
def test_one_clear_line_for_each_mistake(old: str, new: str, place: str, found: str, expected: str) -> None:
    assert old in EVERYTHING
    text = EVERYTHING.replace(old, new, 1)
    ((got_place, got_found, got_expected), *more) = problems(text)
    assert [p for p, _, _ in more if "minimum" not in p] == []
    line, _, where = got_place.partition(", ")
    assert where == place
    assert found in got_found
    assert expected in got_expected
    key = place.rsplit(".", 1)[-1]
    shown = text.splitlines()[int(line.removeprefix("line ")) - 1]
    assert key in shown or key.startswith("#") or found in ("nothing", "kind missing")


def test_every_mistake_in_a_list_of_tables_of_several_lines_has_its_own_line() -> None:
    text = EVERYTHING.replace("min_pct = 70", "min_pct = 0").replace(
        'kind = "pain_free_days", min = 10', 'kind = "days"'
    )
    first = text[: text.index('{id = "hop"')].count("\n") + 1
    assert [place for place, _, _ in problems(text)] == [
        f"line {first}, readiness.item.#4.min_pct",
        f"line {first + 4}, readiness.item.#8",
    ]


@pytest.mark.parametrize("need", ['"all"', '"any"', "1"])
def test_how_many_items_are_needed(need: str) -> None:
    item = f'[readiness]\nneed = {need}\nitem = [{{id = "a", kind = "clinician", text = "cleared"}}]\n'
    readiness = read_plan(HEAD.format(side="left") + item, "p").readiness
    assert isinstance(readiness, Readiness)
    assert readiness.need == (1 if need == "1" else need.strip('"'))


@given(st.lists(st.integers(1, 100), min_size=1, max_size=6, unique=True), st.integers(0, 120), st.booleans())
def test_the_placement_test_finds_the_first_stage_that_is_far_enough(ends: list[int], result: int, rest: bool) -> None:
    ends = sorted(ends)
    steps = [f'{{below = "{end}min", stage = "{end}"}}' for end in ends] + (['{stage = "more"}'] if rest else [])
    stages = "".join(f'[[stage]]\nid = "{name}"\nsession = [{{do = "run 1min"}}]\n' for name in [*ends, "more"])
    plan = read_plan(HEAD.format(side="left") + f'[placement]\ntest = "t"\nmap = [{", ".join(steps)}]\n' + stages, "p")
    assert plan.placement is not None
    expected = next((str(end) for end in ends if result < end), "more" if rest else None)
    assert plan.placement.stage_for(Extent(time_s=60.0 * result)) == expected
    assert plan.placement.stage_for(Extent(distance_m=1.0)) is None


def test_a_stage_has_what_its_kind_names() -> None:
    plan = read_plan(EVERYTHING, "p")
    assert all(isinstance(stage, Stage) for stage in plan.stage)
    held = {"session": "session", "cycle": "session", "volume": "weekly"}
    for stage in plan.stage:
        blocks = {name for name in ("session", "increment", "calendar", "weekly") if getattr(stage, name)}
        assert blocks == {held.get(stage.kind, stage.kind)}


SHORT = """\
[[stage]]
id = "1"
successes = 3
min_days = 7
when = ["pain.during == 0"]
session = [{do = "run 20min"}]
[[stage]]
id = "2"
kind = "calendar"
unit = "min"
pace = "8:00-9:00/mi"
days = [[30, 0, 30, 0, 30, 0, 35]]
"""
LONG = """\
[[stage]]
id = "1"
advance = {successes = 3, min_days = 7, when = ["pain.during == 0"]}
session = [{do = "run 20min"}]
[[stage]]
id = "2"
kind = "calendar"
calendar = {unit = "min", pace = "8:00-9:00/mi", days = [[30, 0, 30, 0, 30, 0, 35]]}
"""


def test_keys_of_advance_and_calendar_may_stand_in_the_stage_itself() -> None:
    head = HEAD.format(side="left")
    assert read_plan(head + SHORT, "p") == read_plan(head + LONG, "p")
    Draft202012Validator(plan_schema()).validate(tomllib.loads(head + SHORT))


@pytest.mark.parametrize(
    ("old", "new", "place", "found"),
    [
        ("successes = 3", "successes = 0", "line 9, stage.#1.successes", "0"),
        ('["pain.during == 0"]', '["pain == 0"]', "line 11, stage.#1.when.#1", "unknown field pain"),
        ("30, 0, 35]]", "30, 0]]", "line 18, stage.#2.days.#1", "[30, 0, 30, 0, 30, 0]"),
        ('unit = "min"', 'unit = "h"', "line 16, stage.#2.unit", '"h"'),
        ("successes = 3", "success = 3", "line 9, stage.#1.success", "unknown key success"),
        ("min_days = 7", "advance = {min_days = 7}", "line 9, stage.#1.successes", "unknown key successes"),
        ('unit = "min"', "calendar = {days = [[0, 0, 0, 0, 0, 0, 0]]}", "line 17, stage.#2.pace", "unknown key pace"),
        ('kind = "calendar"\n', "", "line 13, stage.#2.session", "nothing"),
    ],
)
def test_there_too_each_mistake_has_its_line(old: str, new: str, place: str, found: str) -> None:
    assert old in SHORT
    assert (place, found) in [
        (got_place, got_found)
        for got_place, got_found, _ in problems(HEAD.format(side="left") + SHORT.replace(old, new))
    ]


def test_a_stage_is_a_table() -> None:
    assert problems("stage = [5]\n" + HEAD.format(side="left")) == [("line 1, stage.#1", "5", "a table with keys")]
