"""The ladder as rows: what each workout adds up to, and its picture."""

from __future__ import annotations

from sensord.plan.ladder_view import BAR, PACE_MPS, rows_of
from sensord.plan.model import Plan, read_plan
from sensord.plan.workout import Kind

HEAD = """
schema = "rtr-plan/1"
id = "p"
title = "t"
[runner]
alias = "r-1"
[advance]
successes = 2
"""


def plan(*stages: str) -> Plan:
    return read_plan(
        HEAD + "".join(f'[[stage]]\nid = "{n}"\n{text}\n' for n, text in enumerate(stages, 1)), "plan.toml"
    )


def test_a_row_says_what_a_workout_adds_up_to() -> None:
    (row,) = rows_of(plan('title = "First"\nsession = [{do = "3-6x(walk 4min, run 1min)"}]'))
    assert (row.stage, row.successes) == ("1 First", "2")
    assert (row.running, row.total) == ("3 min to 6 min", "15 min to 30 min")
    assert row.words == "3 to 6 times: walk 4 min, run 1 min"


def test_the_longest_workout_is_as_long_as_the_picture() -> None:
    short, long = rows_of(plan('session = [{do = "run 15min"}]', 'session = [{do = "run 30min"}]'))
    assert (short.bar, long.bar) == ("█" * (BAR // 2), "█" * BAR)


def test_every_segment_is_seen_in_the_picture() -> None:
    _, row = rows_of(plan('session = [{do = "run 3h"}]', 'session = [{do = "5x(walk 10s, run 10s)"}]'))
    assert row.bar == "░█" * 5


def test_distances_are_drawn_at_the_picture_s_pace() -> None:
    (row,) = rows_of(plan('session = [{do = "run 1.5km, rest 30s, walk 300m|1min"}]'))
    assert row.blocks == (("run", 600.0), ("rest", 30.0), ("walk", 60.0))
    assert row.running == "1.50 km"
    assert PACE_MPS[Kind.RUN] * 600 == 1500


def test_what_only_the_run_can_end_is_ended_in_the_picture() -> None:
    (row,) = rows_of(plan('session = [{do = "until 1mi (walk 2min, run 3min), walk 1min"}]'))
    drawn_m = sum(length * PACE_MPS[Kind(kind)] for kind, length in row.blocks[:-1])
    assert row.blocks[-1] == ("walk", 60.0)
    assert 1609 <= drawn_m < 1609 + 3 * 60 * PACE_MPS[Kind.RUN]
    timed = rows_of(plan('session = [{do = "for 20min (walk 400m, run 400m)"}]'))[0]
    assert 1200 <= sum(length for _, length in timed.blocks) < 1200 + 400 / PACE_MPS[Kind.WALK]


def test_a_stage_has_a_row_for_each_of_its_workouts() -> None:
    rows = rows_of(plan('session = [{do = "run 5min"}, {do = "run 10min"}]\nadvance = {successes = 3}'))
    assert [(row.stage, row.total, row.successes) for row in rows] == [("1", "5 min", "3"), ("1", "10 min", "3")]


def test_stages_without_a_workout_say_what_they_are() -> None:
    week = "[30, 0, 30, 0, 30, 0, 35]"
    rows = rows_of(
        plan(
            f'kind = "calendar"\ncalendar = {{days = [{week}]}}',
            'kind = "increment"\nincrement = {start = "1mi", by = "0.25mi"}',
            'kind = "volume"\nweekly = {start = "observed", growth_pct = [10, 30], until = "20km"}',
        )
    )
    assert [row.words.split(",")[0] for row in rows] == ["calendar of 1 week", "from 1mi", "weekly volume"]
    assert all(not row.bar and not row.blocks for row in rows)


def test_a_plan_without_stages_has_no_rows() -> None:
    assert rows_of(plan()) == []
