"""The plan file: what it means, and what is said about one that cannot be meant."""

from __future__ import annotations

import json
import re
import runpy
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sensord.errors import InputError, Problem
from sensord.model import Side
from sensord.plan.model import Plan, read_plan
from sensord.plan.problems import NOT_KEPT, known_keys
from sensord.plan.quantity import Extent, Goal
from sensord.plan.schema import plan_schema, schema_text
from tests.plan.made_plans import DISTANCE, FIXED_ASYMMETRY, FIXED_IMPACT, HEAD, RUN_TIME
from tests.plan.made_programme import EVERYTHING, LADDER

ROOT = Path(__file__).parents[2]
PLANS = [
    *sorted(set((ROOT / "config" / "plans").glob("*.toml")) - {ROOT / "config" / "plans" / "protocols.toml"}),
    ROOT / "sensord" / "demo_plan.toml",
]
VALIDATOR = Draft202012Validator(plan_schema())
SAME_LEVEL = re.compile(r"^alerts\.(info|stop|urgent)\b\.?")
WHOLE = HEAD.format(side="right") + DISTANCE + RUN_TIME + FIXED_IMPACT + FIXED_ASYMMETRY


def _warn(match: re.Match[str]) -> str:
    """The same key of the level that is explained for all."""
    return "alerts.warn." if match[0].endswith(".") else match[0]


def as_json(text: str) -> Any:
    """What a TOML text holds, dates as text, as an editor's checker sees it."""
    return json.loads(json.dumps(tomllib.loads(text), default=str))


def problems(text: str) -> list[Problem]:
    with pytest.raises(InputError) as caught:
        read_plan(text, "plan.toml")
    assert caught.value.exit_code == 2
    return list(caught.value.problems)


def problem(body: str) -> tuple[str, str, str]:
    """Place without line, found, expected of the one problem with a plan whose head is fine."""
    (one,) = problems(HEAD.format(side="left") + body)
    line, _, place = one.place.partition(", ")
    assert line.startswith("line ")
    return place, one.found, one.expected


NEEDS, CONTACT = "impact.needs", "asymmetry.contact_time"
NEEDS_OF_CONTACT = f"{CONTACT}.needs"


def impact(old: str, new: str) -> str:
    """The impact block with a change."""
    assert old in FIXED_IMPACT
    return FIXED_IMPACT.replace(old, new)


FIXED = 'mode = "fixed", value = 0.0'


def contact(old: str, new: str) -> str:
    """The contact time block with a change."""
    assert old in FIXED_ASYMMETRY
    return FIXED_ASYMMETRY.replace(old, new)


def test_a_whole_plan_in_si_units() -> None:
    plan = read_plan(WHOLE, "plan.toml")
    assert plan.runner.alias == "r-1"
    assert plan.runner.injured_side is Side.RIGHT
    assert plan.limit.distance is not None
    assert (plan.limit.distance.warn, plan.limit.distance.stop, plan.limit.distance.counts) == (4500.0, 5000.0, "all")
    assert plan.limit.run_time is not None
    assert (plan.limit.run_time.warn, plan.limit.run_time.stop) == (1080.0, 1200.0)
    assert plan.impact is not None
    assert plan.impact.needs.sustained == 20.0
    assert plan.asymmetry.contact_time is not None
    assert plan.asymmetry.contact_time.needs.clear_below == 4.0


def test_a_plan_without_limits_is_a_plan() -> None:
    plan = read_plan(HEAD.format(side="none"), "plan.toml")
    assert plan.runner.injured_side is None
    assert plan.limit.distance is plan.impact is plan.asymmetry.contact_time is None


@pytest.mark.parametrize("path", PLANS, ids=lambda p: p.name)
def test_shipped_plans_are_read_and_fit_the_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    read_plan(text, path.name)
    VALIDATOR.validate(as_json(text))


def test_the_example_says_whose_numbers_they_are() -> None:
    text = (ROOT / "config" / "plans" / "example.toml").read_text(encoding="utf-8")
    assert "Limits come from your therapist" in text.replace("\n# ", " ")


@pytest.mark.parametrize(
    ("body", "place", "found", "expected"),
    [
        ("[limit.distance]\nwarn = 5\n", "limit.distance.warn", "5 without a unit", "a length such as"),
        ('[limit.distance]\nwarn = "5kg"\n', "limit.distance.warn", "unknown unit kg", "units: m, km, mi, yd"),
        ('[limit.run_time]\nstop = "5km"\n', "limit.run_time.stop", '"5km", a length', "units: s, min, h"),
        ('[limit.distance]\nwarm = "5km"\nstop = "6km"\n', "limit.distance.warm", "unknown key warm", "warn, perhaps?"),
        ("[limit.distance]\n", "limit.distance.warn", "nothing", "one of info, warn, stop, urgent"),
        ('[limit.run_time]\nwarn="20min"\nstop="18min"\n', "limit.run_time.warn", '"20min"', 'at most stop ("18min")'),
        ('[limit.speed]\nstop = "5km"\n', "limit.speed.stop", '"5km"', "a speed such as"),
        ('[limit.distance]\nstop = "5km"\nof = "stage"\n', "limit.distance.stop", '"5km"', "percentages (warn_pct"),
        ('[limit.distance]\nstop_pct = 110\n', "limit.distance.stop_pct", "110", 'of = "stage" for percentages'),
        ("[limit.week_growth]\n", "limit.week_growth.warn_pct", "nothing", "one of info_pct, warn_pct"),
        ("[limits.distance]\n", "limits", "unknown key limits", "limit, perhaps?"),
        ("[[stages]]\nid = '1'\n", "stages", "unknown key stages", "stage, perhaps?"),
        (impact("warn_pct = 115", "target_pct = 190"), "impact.target_pct", "190", "less than or equal to 100"),
        (impact("warn_pct = 115", 'alert = "urgent"'), "impact.alert", '"urgent"', '"info", "warn", "stop"'),
        (impact("warn_pct = 115", 'from_stage = "9"'), "impact.from_stage", '"9"', "a stage of the plan"),
        ('[alerts.stop]\ntopic = "x"\n', "alerts.stop.topic", "a key of rtr-plan/1 that is not", "docs/mqtt.md"),
        (impact("warn_pct = 115", "warn_pct = 108"), f"{NEEDS}.clear_below_pct", "110", "less than warn_pct (108)"),
        (impact("stop_pct = 130", "stop_pct = 90"), "impact.stop_pct", "90", "greater than 100"),
        (impact("laces", "hip"), "impact.mount", '"hip"', '"laces", "heel", "tibia"'),
        (impact('metric = "peak_accel"\n', ""), "impact.metric", "nothing", "this key"),
        (impact("value_g = 10.0", "value_g = nan"), "impact.baseline.value_g", "NaN", "finite"),
        (impact(", value_g = 10.0", ""), "impact.baseline.value_g", "nothing", "this key"),
        (impact("window_steps = 30", "window_steps = 30.5"), f"{NEEDS}.window_steps", "30.5", "integer"),
        (contact("fixed", "mean"), f"{CONTACT}.baseline", 'mode "mean"', '"sessions"'),
        (contact('mode = "fixed", ', ""), f"{CONTACT}.baseline", "mode missing", '"sessions"'),
        (contact("fixed", "mean"), f"{CONTACT}.baseline", 'mode "mean"', '"runs"'),
        (contact(FIXED, 'mode = "runs", runs = []'), f"{CONTACT}.baseline.runs", "[]", "a length of at least 1"),
        (contact(FIXED, 'mode = "runs", runs = [""]'), f"{CONTACT}.baseline.runs.#1", '""', "at least 1"),
        (contact(FIXED, 'mode = "runs", runs = ["a"], n = 3'), f"{CONTACT}.baseline.n", "key n", "one of: mode"),
        (contact("warn = 5.0", 'warn = "5"'), f"{CONTACT}.warn", '"5"', "valid number"),
        (contact("warn = 5.0", "warn = 12"), f"{CONTACT}.warn", "12", "at most stop (10.0)"),
        ("[load]\nedges = [2, 1]\n", "load.edges", "[2, 1]", "rising edges"),
        ("[load]\nexponent = 4\n", "load.exponent_source", "nothing", "exponent and exponent_source together"),
        ('[load]\nexponent_source = "a"\n', "load.exponent", "nothing", "exponent and exponent_source together"),
        (contact("warn = 5.0\nstop = 10.0\n", ""), f"{CONTACT}.warn", "nothing", "one of info, warn, stop"),
        (contact("warn = 5.0", "info = 12.0\nwarn = 12.0"), f"{CONTACT}.warn", "12.0", "at most stop (10.0)"),
        (contact("warn = 5.0", "info = 3.0"), f"{NEEDS_OF_CONTACT}.clear_below", "4", "less than info (3.0)"),
        ("limit = 3\n", "runner.limit", "unknown key limit", "one of: alias"),
        ('[[source]]\nwho = "a"\n[[source]]\nurl = "b"\n', "source.#2.who", "nothing", "this key"),
    ],
)  # fmt: skip
def test_one_clear_line_for_each_mistake(body: str, place: str, found: str, expected: str) -> None:
    got_place, got_found, got_expected = problem(body)
    assert got_place == place
    assert found in got_found
    assert expected in got_expected


def test_every_problem_at_once_in_the_order_of_the_file() -> None:
    text = WHOLE.replace('"r-1"', '"Jane Doe"').replace('"4.5km"', "4.5").replace('"18min"', '"18km"') + "colour = 1\n"
    found = problems(text)
    assert [p.place for p in found] == [
        "line 5, runner.alias",
        "line 8, limit.distance.warn",
        "line 11, limit.run_time.warn",
        "line 26, asymmetry.contact_time.colour",
    ]
    assert all(p.file == "plan.toml" for p in found)
    assert "never a name" in found[0].expected


def test_the_order_of_the_file_is_not_that_of_the_keys() -> None:
    text = 'schema = "rtr-plan/1"\ntitle = ""\nid = "a b"\n[limit.distance]\nwarn = 3\n[runner]\nalias = "a b"\n'
    assert [p.place for p in problems(text)] == [
        "line 2, title", "line 3, id", "line 5, limit.distance.warn", "line 7, runner.alias",
    ]  # fmt: skip


def test_an_empty_file_says_what_is_needed() -> None:
    assert {p.place for p in problems("")} == {"schema", "id", "title", "runner"}


@pytest.mark.parametrize("text", ["a = ", "[runner\n", '"unclosed', "a = 1\na = 2\n", "a = [" * 5000])
def test_broken_toml_is_one_problem(text: str) -> None:
    (one,) = problems(text)
    assert "TOML" in one.found or "nested" in one.found


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, f"a = {'1' * 5000}", f"{WHOLE}a = 0x{'F' * 5000}"])
def test_what_no_computer_takes_is_one_problem(text: str) -> None:
    (one,) = problems(text)
    assert one.found in ("lists or tables nested without end", "a number of thousands of digits", "unknown key a")


def test_a_number_that_cannot_be_written_back_is_shown_in_words() -> None:
    text = HEAD.format(side="left") + f"mass_kg = 0x{'F' * 5000}\n"
    assert [(problem.place, problem.found) for problem in problems(text)] == [
        ("line 7, runner.mass_kg", "a number of thousands of digits")
    ]


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm() -> None:
    plan = read_plan("\ufeff" + WHOLE.replace("\n", "\r\n"), "plan.toml")
    assert plan == read_plan(WHOLE, "plan.toml")


def test_a_table_in_the_place_of_a_value_and_the_reverse() -> None:
    assert problem("[limit]\ndistance = 5\n") == ("limit.distance", "5", "a table with keys")
    text = 'source = "a"\n' + HEAD.format(side="left")
    assert [(p.place, p.expected) for p in problems(text)] == [("line 1, source", "a list of tables: [[source]]")]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.integers(0, 400))
def test_any_text_is_a_plan_or_an_input_error(noise: str, where: int) -> None:
    text = WHOLE[:where] + noise + WHOLE[where:]
    try:
        assert isinstance(read_plan(text, "plan.toml"), Plan)
    except InputError as error:
        assert error.problems  # noqa: PT017 - either outcome is right, but not an empty refusal


values = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**6), 10**6), st.floats(), st.text(max_size=8), st.lists(st.integers())
)


def places(node: Any, at: tuple = ()) -> list[tuple]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [at] + [p for k, v in items for p in places(v, (*at, k))]


@pytest.mark.parametrize("text", [WHOLE, EVERYTHING], ids=["limits", "everything"])
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_schema_and_reader_agree_on_one_changed_value(text: str, data: st.DataObject) -> None:
    """What the schema refuses the reader refuses too; the reader also compares keys, so the reverse need not hold."""
    document = tomllib.loads(text)
    place = data.draw(st.sampled_from([p for p in places(document) if p]))
    value = data.draw(values)
    node: Any = document
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    try:
        Plan.model_validate(document)
        accepted = True
    except ValueError:
        accepted = False
    fits = VALIDATOR.is_valid(json.loads(json.dumps(document, default=str)))
    if accepted and value is not None:  # TOML has no null, so the schema need not allow it
        assert fits, (place, value)


def test_a_plan_of_every_block_in_si_units() -> None:
    plan = read_plan(EVERYTHING, "plan.toml")
    VALIDATOR.validate(as_json(EVERYTHING))
    assert plan.schedule.min_gap == 2 * 86_400.0
    assert plan.readiness is not None
    assert plan.readiness.retest_after == 14 * 86_400.0
    assert plan.placement is not None
    assert plan.placement.map[0].below == Extent(distance_m=804.672)
    increment, weekly = plan.stage[3].increment, plan.stage[5].weekly
    assert increment is not None
    assert (increment.start, increment.by) == (Extent(distance_m=1609.344), Extent(distance_m=402.336))
    assert weekly is not None
    assert (weekly.start, weekly.until) == (Goal(of="observed"), Goal(pct=100.0, of="pre_injury.weekly"))
    assert plan.rule[0].within == 14 * 86_400.0
    assert [condition.text for condition in plan.rule[0].when] == ["pain.during >= 1", "gait_altered == false"]
    assert plan.ask[1].fields == ["pain.during", "gait_altered", "rpe", "symptom.numbness"]


def test_every_block_of_the_format_is_in_that_plan() -> None:
    """So that the tests that change it reach everything. Limits and the like have tests of their own."""
    written = {".".join(part for part in place if isinstance(part, str)) for place in places(tomllib.loads(EVERYTHING))}
    elsewhere = ("limit", "impact", "asymmetry", "cadence", "contact_time")
    keys = {SAME_LEVEL.sub(_warn, ".".join(p)) for p in sections() if p[0] not in elsewhere}
    assert keys - written == set()


def test_what_is_dumped_for_programs_is_as_it_was_written() -> None:
    plan = json.loads(read_plan(EVERYTHING, "plan.toml").model_dump_json(exclude_none=True))
    assert plan["stage"][0]["session"][0] == {
        "do": "3-6x(walk 4min, run 1min)", "days": ["mon", "wed"], "success_reps": 6, "total": "30min",
    }  # fmt: skip
    assert plan["rule"][0]["when"][0] == "pain.during >= 1"
    assert plan["stage"][5]["weekly"]["until"] == "100% pre_injury.weekly"


def test_keys_of_the_whole_format_that_are_not_acted_on_are_not_keys_here() -> None:
    for section, keys in NOT_KEPT.items():
        known = known_keys(Plan, section.split(".") if section else [])
        assert known
        assert not set(keys) & set(known)


def test_the_published_schema_is_current() -> None:
    published = (ROOT / "docs" / "schema" / "plan.schema.json").read_text(encoding="utf-8")
    assert published == schema_text(), "run: python -m sensord.plan.schema > docs/schema/plan.schema.json"
    Draft202012Validator.check_schema(plan_schema())


def test_the_schema_is_written_by_a_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "sensord.plan.schema")
    runpy.run_module("sensord.plan.schema", run_name="__main__")
    assert capsys.readouterr().out == schema_text()


def sections(model: Any = Plan, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    keys = known_keys(model, at)
    return [p for key in keys for p in [(*at, key), *sections(model, (*at, key))]]


ONCE = (
    (re.compile(r"^asymmetry\.(?!contact_time\b)\w+\."), "asymmetry.contact_time."),
    (re.compile(r"^alerts\.(info|stop|urgent)\."), "alerts.warn."),
    (re.compile(r"^limit\.\w+\.(?=(live|source|from_stage|(info|warn|stop|urgent)(_pct)?)$)"), "limit.distance."),
    (re.compile(r"^stage\.advance\."), "advance."),
)
"""Metrics, levels and limits that have the same keys, and the one where those are explained."""


def explained_as(path: str) -> str:
    """Where the key is explained."""
    for same, there in ONCE:
        path = same.sub(there, path)
    return path


def test_every_key_is_explained() -> None:
    text = (ROOT / "docs" / "plan-file.md").read_text(encoding="utf-8")
    paths = [".".join(path) for path in sections()]
    assert "asymmetry.contact_time.needs.clear_below" in paths
    once = {explained_as(path) for path in paths}
    missing = sorted(path for path in once if f"`{path}`" not in text)
    assert not missing, missing


EXAMPLES = re.findall(
    r"^```toml\n(.*?)^```$", (ROOT / "docs" / "plan-file.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
)


def test_there_is_an_example_of_every_block() -> None:
    text = "".join(EXAMPLES)
    blocks = {section for section in known_keys(Plan, ()) if known_keys(Plan, (section,))}
    shown = {name for name in blocks if re.search(rf"^\[+{name}\b", text, re.MULTILINE)}
    assert blocks - shown == {"source", "impact", "asymmetry", "load"}  # config/plans/example.toml shows these


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split("\n", 1)[0])
def test_every_example_is_read(example: str) -> None:
    head = HEAD.format(side="left")
    if example.startswith("[runner]"):
        head = head[: head.index("[runner]")]
    ladder = "" if "[[stage]]" in example else LADDER
    text = head + example + ladder
    assert read_plan(text, "plan-file.md").id == "test"
    VALIDATOR.validate(as_json(text))
