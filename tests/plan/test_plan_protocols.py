"""The published ladders that are shipped: every workout is read, written back, laid out, adds up as its source says."""

from __future__ import annotations

import re
import tomllib
from math import fsum
from pathlib import Path
from typing import Any

import pytest

from sensord.plan.quantity import DURATION_UNITS_S, LENGTH_UNITS_M, parse_duration_s, parse_length_m
from sensord.plan.workout import MAX_STEPS, Kind, parse_workout, render, steps, total, words

FILE = Path(__file__).parents[2] / "config" / "plans" / "protocols.toml"
TABLE: dict[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))
STAGES = {
    f"{protocol['id']} {stage['id']}": (stage["do"], stage.get("total"))
    for protocol in TABLE["protocol"]
    for stage in protocol["stage"]
}
MILE = 1609.344


def test_all_of_them_are_there() -> None:
    assert TABLE["schema"] == "rtr-protocols/1"
    assert len(TABLE["protocol"]) == len({protocol["id"] for protocol in TABLE["protocol"]}) == 18
    assert sum(len(protocol["stage"]) for protocol in TABLE["protocol"]) == len(STAGES) == 137
    assert sum(said is not None for _, said in STAGES.values()) == 77


def test_each_names_its_source_and_how_it_was_read() -> None:
    for entry in (*TABLE["protocol"], *TABLE["calendar"]):
        assert entry["title"]
        assert entry["who"]
        assert entry["read"] in {"source", "secondary"}
        assert entry.get("url", "https://").startswith("https://")


@pytest.mark.parametrize("stage", STAGES)
def test_a_workout_is_read_and_written_back(stage: str) -> None:
    workout = parse_workout(STAGES[stage][0])
    assert parse_workout(render(workout)) == workout
    assert words(workout)


@pytest.mark.parametrize("stage", [stage for stage, (_, said) in STAGES.items() if said])
def test_a_workout_adds_up_as_its_source_says(stage: str) -> None:
    do, said = STAGES[stage]
    match = re.fullmatch(r"[0-9.]+([a-z]+)", said)
    assert match is not None
    found = total(parse_workout(do))
    assert match[1] in {**LENGTH_UNITS_M, **DURATION_UNITS_S}
    if match[1] in LENGTH_UNITS_M:
        assert (found.distance_m, found.time_s) == (pytest.approx(parse_length_m(said), rel=1e-12), 0.0)
    else:
        assert (found.time_s, found.distance_m) == (pytest.approx(parse_duration_s(said), rel=1e-12), 0.0)


@pytest.mark.parametrize("stage", STAGES)
def test_a_workout_is_laid_out_as_it_adds_up(stage: str) -> None:
    workout = parse_workout(STAGES[stage][0])
    found, said = list(steps(workout)), total(workout, most=True)
    if stage.startswith("army-knee-trial-2023") and stage[-1] != "6":
        assert said.open
        assert len(found) == MAX_STEPS
        assert all(len(step.wholes) == 1 for step in found)
        return
    assert not said.open
    assert not any(step.wholes for step in found)
    assert said.runs == sum(step.kind is Kind.RUN for step in found)
    timed = [step.time_s for step in found if step.time_s is not None]
    measured = [step.distance_m for step in found if step.time_s is None and step.distance_m is not None]
    assert fsum(timed) == pytest.approx(said.time_s, rel=1e-9)
    assert fsum(measured) == pytest.approx(said.distance_m, rel=1e-9)


@pytest.mark.parametrize(
    ("stage", "run", "walk"),
    [  # metres and minutes of running and walking that follow from the source's table, not from what is written here
        ("ud-treadmill 1", 1.0 * MILE, 1.0 * MILE),
        ("ud-treadmill 2", 1.3 * MILE, 0.7 * MILE),  # the seventh cycle is cut
        ("ud-treadmill 3", 1.5 * MILE, 0.5 * MILE),
        ("ud-treadmill 4", 1.6 * MILE, 0.4 * MILE),
        ("staywell-acl 2", 0.6 * MILE, 0.4 * MILE),
        ("mgh 1.3", 0.75 * MILE, 0.25 * MILE),
        ("bwh-phase3 II", 10, 20),
        ("army-fm7-22 5", 25, 5),
        ("sanford-postsurgical 3", 18, 9),
        ("sanford-alterg 3a", 10, 6),
        ("moen-mtss-2012 3", 12, 8),
        ("oxford-2024 w2", 20, 10),
        ("nhs-c25k w1", 8, 5 + 12),
        ("nhs-c25k w3", 9, 5 + 9),
        ("blake-10 4", 12, 18),
        ("hss-nwachukwu 3.3", 20, 2),
    ],
)
def test_running_and_walking_in_it(stage: str, run: float, walk: float) -> None:
    found = total(parse_workout(STAGES[stage][0]))
    by_distance = run > 100
    assert (found.run_distance_m if by_distance else found.run_time_s / 60) == pytest.approx(run)
    assert (found.walk_distance_m if by_distance else found.walk_time_s / 60) == pytest.approx(walk)


CALENDARS = {
    # as the source prints them: minutes by day, a dot for a day off
    "bwh-phase4-intermediate": """30·30·30·35; ·30·30·35·; 35·30·35·35; ·35·40·35·; 35·40·40·35; ·40·40·40·;
        45·40·40·45; ·45·40·45 30; ·45 35·45 40·; 45 45·45 45 30·; 45 45 35·45 45 40; ·45 45 45·45 45""",
    "bwh-phase4-advanced": """30·30 30·35 30; ·35 35·40 35·; 40 40·45 40·45; 45·45 40 30·45; 40 35·45 40 40·;
        45 45 40·45 45 45; ·50 45 40·50 45; 45·50 50 45·50; 50 50·55 50 50·; 55 55 50·55 55 55; ·60 55 55·60 60;
        55·60 60 60·65""",
}
SUMS = {
    "bwh-phase4-intermediate": [125, 95, 135, 110, 150, 120, 170, 160, 165, 210, 255, 225],
    "bwh-phase4-advanced": [155, 145, 210, 205, 200, 265, 230, 240, 255, 325, 290, 300],
}


def test_the_calendars_and_their_weeks() -> None:
    assert {entry["id"] for entry in TABLE["calendar"]} == {*CALENDARS}
    for entry in TABLE["calendar"]:
        weeks = CALENDARS[entry["id"]].split(";")
        printed = [[0 if day == "·" else int(day) for day in re.findall(r"[0-9]+|·", week)] for week in weeks]
        assert entry["days"] == printed
        assert {len(week) for week in printed} == {7}
        assert [sum(week) for week in entry["days"]] == entry["week_totals"] == SUMS[entry["id"]]
        assert entry["unit"] == "min"
