"""The plans of config/plans: what they say they are, that they equal what they copy, and nothing from memory."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from sensord.plan.invented import Script
from sensord.plan.ladder import Rule
from sensord.plan.model import Plan, read_plan
from sensord.plan.programme import ClinicianItem
from sensord.plan.quantity import parse_extent
from sensord.plan.simulate import simulate
from sensord.plan.warnings import warnings_of
from sensord.plan.when import Answer
from sensord.plan.workout import render, total

FOLDER = Path(__file__).parents[2] / "config" / "plans"
TABLE: dict[str, Any] = tomllib.loads((FOLDER / "protocols.toml").read_text(encoding="utf-8"))
LADDERS = {protocol["id"]: protocol["stage"] for protocol in TABLE["protocol"]}

PUBLISHED = {
    "ud-treadmill": "ud-treadmill",
    "bwh-2007": "bwh-phase3",
    "osu-2019": "osu-basic-2019",
    "moen-mtss-2012": "moen-mtss-2012",
    "oxford-2024": "oxford-2024",
    "nhs-c25k": "nhs-c25k",
    "sanford-postsurgical": "sanford-postsurgical",
    "sanford-tendon": "sanford-tendon",
    "blake-10": "blake-10",
    "hss-acl": "hss-nwachukwu",
}
"""Plan, and the ladder of the fact table that it copies."""

ASSEMBLED = {
    "acl-reconstruction": "ud-treadmill",
    "runners-knee": "oxford-2024",
    "achilles": "sanford-tendon",
    "plantar-fasciitis": "sanford-tendon",
    "it-band": "osu-basic-2019",
    "bone-stress": "blake-10",
    "healthy-runner": None,
}

FOR = {
    "shin splints": ("moen-mtss-2012", "mtss"),
    "runner's knee": ("runners-knee", "pfp"),
    "Achilles tendinopathy": ("achilles", "achilles"),
    "plantar fasciitis": ("plantar-fasciitis", "plantar_fascia"),
    "IT-band syndrome": ("it-band", "it_band"),
    "bone stress injury": ("bone-stress", "bone_stress"),
    "ACL reconstruction": ("acl-reconstruction", "acl"),
    "couch to 5K": ("nhs-c25k", "none"),
    "healthy runner": ("healthy-runner", "none"),
}

NAMES = [*PUBLISHED, *ASSEMBLED]

CONTACT, SIDE, CADENCE = "alerts.contact", "runner.injured_side", "cadence"
EXPECTED_WARNINGS = {
    "ud-treadmill": [CONTACT],
    "bwh-2007": [CONTACT],
    "osu-2019": ["stage.#6"],
    "moen-mtss-2012": [CONTACT],
    "oxford-2024": ["stage.#7"],
    "hss-acl": [SIDE],
    "acl-reconstruction": [SIDE, CONTACT],
    "runners-knee": [CADENCE, CONTACT],
    "plantar-fasciitis": [CONTACT],
    "it-band": [CADENCE],
    "bone-stress": ["stage.#11", CONTACT],
}
"""What a template cannot know and the therapist fills in: whom she calls, which side, her week and cadence before."""


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def plan_of(name: str) -> Plan:
    return read_plan(text_of(name), f"{name}.toml")


def test_every_plan_of_the_folder_is_looked_at_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == {*NAMES, "example", "protocols"}
    assert len(PUBLISHED) >= 8


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is_for_whom_and_from_where(name: str) -> None:
    plan, text = plan_of(name), text_of(name)
    comment = " ".join(line.lstrip("# ") for line in text.split("\n\n", 1)[0].splitlines())
    assert re.search(r"\bFor (runners|people)\b", comment)
    assert "Limits come from the therapist" in comment
    assert plan.id == name
    assert plan.source
    assert plan.runner.alias == "runner-1"
    if name in PUBLISHED:
        assert plan.kind == "published"
        assert "as published" in comment or "as others report it" in comment
    else:
        assert plan.kind == "assembled"
        assert "not a published protocol" in comment
        assert "not a published protocol" in plan.title


@pytest.mark.parametrize(("injury", "plan"), FOR.items(), ids=FOR)
def test_one_plan_for_each_injury(injury: str, plan: tuple[str, str]) -> None:
    name, sort = plan
    assert injury
    assert plan_of(name).runner.injury == sort


@pytest.mark.parametrize("name", [name for name in NAMES if (PUBLISHED | ASSEMBLED)[name]])
def test_its_ladder_is_the_one_of_the_fact_table(name: str) -> None:
    plan = plan_of(name)
    expected = LADDERS[(PUBLISHED | ASSEMBLED)[name] or ""]
    sessions = [session for stage in plan.stage for session in stage.session]
    assert [render(session.do) for session in sessions] == [stage["do"] for stage in expected]
    assert [session.total for session in sessions] == [
        parse_extent(stage["total"]) if "total" in stage else None for stage in expected
    ]
    if all(stage.kind == "session" for stage in plan.stage):
        assert [stage.id for stage in plan.stage if stage.session] == [stage["id"] for stage in expected]


def test_the_calendar_is_the_one_of_the_fact_table() -> None:
    (expected,) = [calendar for calendar in TABLE["calendar"] if calendar["id"] == "bwh-phase4-intermediate"]
    (calendar,) = [stage.calendar for stage in plan_of("bwh-2007").stage if stage.calendar]
    assert calendar.days == expected["days"]
    assert [sum(week) for week in calendar.days] == expected["week_totals"]


def test_every_total_that_a_source_states_is_what_the_workout_adds_up_to() -> None:
    """`read_plan` refuses a total that is not; here the sums are made once more, from the table."""
    checked = 0
    for protocol in TABLE["protocol"]:
        text = 'schema = "rtr-plan/1"\nid = "x"\ntitle = "x"\n[runner]\nalias = "r"\n'
        for stage in protocol["stage"]:
            stated = f'total = "{stage["total"]}"\n' if "total" in stage else ""
            text += f'[[stage]]\nid = "{stage["id"]}"\n[[stage.session]]\ndo = "{stage["do"]}"\n{stated}'
        for stage in read_plan(text, protocol["id"]).stage:
            (session,) = stage.session
            if session.total is not None:
                sum_of = total(session.do)
                value = sum_of.time_s if session.total.is_time else sum_of.distance_m
                assert value == pytest.approx(session.total.value, abs=1e-6)
                checked += 1
    assert checked == sum("total" in stage for protocol in TABLE["protocol"] for stage in protocol["stage"]) > 60


@pytest.mark.parametrize("name", NAMES)
def test_every_number_says_where_it_comes_from(name: str) -> None:
    plan = plan_of(name)
    blocks: list[Any] = [*plan.rule, *plan.recovery, *plan.exercise]
    blocks += plan.readiness.item if plan.readiness else []
    blocks += [plan.placement] if plan.placement else []
    blocks += [plan.schedule] + ([plan.advance] if plan.stage else [])
    limits = [getattr(plan.limit, limit) for limit in type(plan.limit).model_fields]
    blocks += [block for block in (*limits, plan.impact, plan.cadence, plan.contact_time) if block is not None]
    assert [block for block in blocks if block.source is None] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_alarm_above_a_note_until_a_therapist_sets_one(name: str) -> None:
    plan = plan_of(name)
    assert plan.impact is None
    assert plan.asymmetry.limits == {}
    assert plan.contact_time is None
    assert plan.cadence is None or plan.cadence.alert == "info"
    assert plan.runner.decides == "therapist"


@pytest.mark.parametrize("name", [*NAMES, "example"])
def test_it_warns_of_nothing_but_what_only_the_therapist_knows(name: str) -> None:
    text = text_of(name)
    found = warnings_of(read_plan(text, "p"), text, "p")
    assert [problem.place.split(", ")[1] for problem in found] == EXPECTED_WARNINGS.get(name, [])


# ------------------------------------------------------------------------------------------ nothing from memory

WARDEN_2014 = [(9, 1), (8, 2), (7, 3), (6, 4), (4, 6), (2, 8)]
"""Minutes of walk and run, three times: the recalled table, not read in the paper."""


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_is_only_remembered(name: str) -> None:
    plan = plan_of(name)
    workouts = [total(session.do) for stage in plan.stage for session in stage.session]
    minutes = [(one.walk_time_s / one.runs / 60, one.run_time_s / one.runs / 60) for one in workouts if one.runs > 1]
    assert minutes[:6] != WARDEN_2014
    # Silbernagel and Crossley's classes: pain and effort of a run to days off
    assert [recovery.id for recovery in plan.recovery if any(c.field == "rpe" for c in recovery.when)] == []
    # impact to half of the baseline (Crowell, Clansey), exponent 4 of a bone response
    assert plan.impact is None
    assert plan.limit.impact_load is None
    assert plan.load.exponent is None
    for author in ("Warden 2014", "Crossley", "Chan", "Crowell", "Clansey", "Pairot"):
        assert author not in text_of(name)


# ------------------------------------------------------------------------------------------ what rules lead to


QUIET: dict[str, Answer] = {"pain.next_morning": 0.0}


def true_rules(plan: Plan, answers: dict[str, Answer]) -> list[Rule]:
    return [rule for rule in plan.rule if all(condition.holds(answers) for condition in rule.when)]


def test_pain_at_the_bone_ends_the_run_rests_tells_and_a_second_time_holds() -> None:
    plan = plan_of("bone-stress")
    first, again = true_rules(plan, {"pain.during": 1.0} | QUIET)
    assert (first.within, first.then.end_session, first.then.rest) == (None, True, "until pain 0 in daily life")
    assert first.then.step == -1
    assert plan.alerts.stop is not None
    assert (first.then.alert, plan.alerts.stop.who) == ("stop", ["therapist"])
    assert (again.within, again.then.hold, again.then.alert) == (14 * 86_400.0, "therapist", "urgent")
    assert true_rules(plan, {"pain.during": 0.0, "pain.after": 0.0} | QUIET) == []
    assert [rule.id for rule in true_rules(plan, {})] == ["no-answer"]


@pytest.mark.parametrize("field", ["night_pain", "rest_pain", "symptom.groin_pain", "gait_altered"])
def test_red_flags_of_a_bone_hold_and_are_urgent(field: str) -> None:
    (rule,) = true_rules(plan_of("bone-stress"), {field: True} | QUIET)
    assert (rule.then.hold, rule.then.alert) == ("therapist", "urgent")


def test_a_clinician_confirms_the_low_risk_site() -> None:
    plan = plan_of("bone-stress")
    assert plan.readiness is not None
    assert plan.readiness.need == "all"
    assert any(
        isinstance(item, ClinicianItem) and item.text == "low-risk site confirmed" for item in plan.readiness.item
    )


@pytest.mark.parametrize(
    ("name", "answers", "rules"),
    [
        ("ud-treadmill", {"soreness.warmup": "none", "effusion": "trace", "soreness.next_day": False}, []),
        ("ud-treadmill", {"soreness.warmup": "gone"}, ["sore-warmup-gone"]),
        ("ud-treadmill", {"soreness.warmup": "persists"}, ["sore-warmup-persists"]),
        ("ud-treadmill", {"soreness.warmup": "returns"}, ["sore-warmup-returns"]),
        ("ud-treadmill", {"soreness.next_day": True}, ["sore-next-day"]),
        ("ud-treadmill", {"effusion": "1+"}, ["effusion-1"]),
        ("ud-treadmill", {"effusion": "3+"}, ["effusion-2"]),
        ("runners-knee", {"pain.during": 2.0, "pain.after_60min_change": 0.0}, []),
        ("runners-knee", {"pain.during": 3.0}, ["pain-over-2"]),
        ("runners-knee", {"pain.after_60min_change": 1.0}, ["not-settled-in-an-hour"]),
        ("runners-knee", {"pain.next_morning_change": 1.0}, ["worse-next-morning"]),
        ("achilles", {"pain.during": 5.0, "pain.after": 5.0, "pain.next_morning_change": 0.0}, []),
        ("achilles", {"pain.during": 6.0}, ["pain-over-5"]),
        ("achilles", {"pain.week_trend": 0.5}, ["week-rises"]),
        ("moen-mtss-2012", {"pain.during": 4.0}, []),
        ("moen-mtss-2012", {"pain.during": 5.0}, ["pain-over-4"]),
        ("it-band", {"pain.during": 3.0, "pain.during_change": 0.0}, []),
        ("plantar-fasciitis", {"pain.during": 4.0}, ["pain-over-3"]),
    ],
)
def test_pain_profiles(name: str, answers: dict[str, Answer], rules: list[str]) -> None:
    assert [rule.id for rule in true_rules(plan_of(name), answers)] == rules


def test_moen_s_entry_test() -> None:
    placement = plan_of("moen-mtss-2012").placement
    assert placement is not None
    results = ["0.2mi", "0.25mi", "0.6mi", "0.99mi", "1mi", "3mi"]
    assert [placement.stage_for(parse_extent(text)) for text in results] == ["1", "2", "3", "4", "5", "5"]
    assert placement.stage_for(parse_extent("5min")) is None


# ------------------------------------------------------------------------------------------ the plans are followed


def filled_in(name: str) -> str:
    """The plan as a therapist would fill it in."""
    before = 'pre_injury = {weekly = "40km", longest = "14km", cadence_spm = 160}'
    return text_of(name).replace('"runner-1"', f'"runner-1"\n{before}', 1).replace("2099-12-31", "2025-01-01")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "healthy-runner"])
def test_a_runner_without_trouble_gets_to_the_last_stage(name: str) -> None:
    """No condition that nobody can meet, no question that is never put."""
    plan = read_plan(filled_in(name), name)
    rows = simulate(filled_in(name), days=63, plan=plan)
    assert list(dict.fromkeys(row.stage for row in rows)) == [stage.id for stage in plan.stage]
    assert [row.hold for row in rows if row.hold] == []


def test_pain_at_the_bone_twice() -> None:
    """The first time she rests and is lowered; the second within 14 days nothing goes on before the therapist decides,
    the second after more than 14 days is a first time."""

    def decided(again: int) -> list[tuple[str, tuple[str, ...], str | None]]:
        script = Script(
            runs={2: {"pain.during": 2.0}, again: {"pain.during": 1.0}},
            days={day: {"pain.daily": 0.0} for day in (5, 40)},
        )
        decisions = [d for row in simulate(filled_in("bone-stress"), days=40, script=script) for d in row.decisions]
        return [(d.outcome.value, d.rules, d.alert) for d in decisions if d.outcome.value in ("lower", "hold")]

    first = ("lower", ("pain-in-run",), "stop")
    assert decided(4) == [first, ("hold", ("pain-in-run", "pain-again"), "urgent")]
    assert decided(12) == [first, first]


def test_a_stage_is_not_reached_without_an_answer() -> None:
    script = Script(runs={run: {"pain.next_morning": None} for run in range(1, 60)})
    rows = simulate(filled_in("bone-stress"), days=42, script=script)
    assert {row.stage for row in rows} == {"1"}
