"""What the pipeline hands to the limits besides strides, and what they hand back: slopes, impact load, ticks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sensord.model import NS, Event, Mark, MarkKind
from sensord.pipeline import Pipeline
from sensord.sim.script import Run, Stand, Walk
from tests.worlds import World, world

PLAN = """
schema = "rtr-plan/1"
id = "test"
title = "Limits that a short run passes"
[runner]
alias = "R-1"
injured_side = "left"
[limit.run_time]
stop = "9.5s"
[limit.downhill]
stop = "12m"
[limit.impact_load]
exponent = 2.0
warn_pct = 130
[impact]
metric = "peak_accel"
mount = "laces"
baseline = {mode = "fixed", value_g = 10.0}
stop_pct = 1000
"""
SCRIPT = (Stand(3.0), Walk(5.0), Run(16.0), Walk(14.0), Stand(2.0))
DOWNHILL_FROM_S = 10


@pytest.fixture(scope="module")
def ran() -> World:
    return world(SCRIPT, seed=3, plan_text=PLAN)


@pytest.fixture(scope="module")
def events(ran: World) -> list[Event]:
    slope = Mark(
        DOWNHILL_FROM_S * NS, MarkKind.SPEED, {"speed_mps": 2.8, "sd_mps": 0.03, "source": "belt", "grade_pct": -5.0}
    )
    inputs = sorted([*ran.inputs, slope], key=lambda item: item.t_ns)
    pipeline = Pipeline(replace(ran.setup, grade_pct=0.0))
    return [event for item in inputs for event in pipeline.push(item)] + pipeline.flush()


def alerts(events: list[Event], rule: str) -> list[Event]:
    return [event for event in events if event.kind == "alert" and event.payload["rule"] == rule]


def test_a_time_limit_is_told_by_a_tick_or_a_stride_and_cleared_by_walking(ran: World, events: list[Event]) -> None:
    onset, cleared = alerts(events, "limit.run_time")
    begins_s = min(one.ic_s for one in (*ran.truth.left, *ran.truth.right) if one.activity.value == "run")
    assert onset.t_ns / NS - begins_s == pytest.approx(9.5, abs=3.5)  # three strides tell running from walking
    assert (cleared.payload["phase"], cleared.payload["cue"]) == ("recovery", "Cleared by walking")
    state = [e.payload for e in events if e.kind == "limit_state" and e.payload["rule"] == "limit.run_time"][-1]
    assert (state["status"], state["level"]) == ("over", "stop")


def test_downhill_counts_from_the_slope_that_was_told(events: list[Event]) -> None:
    (onset,) = alerts(events, "limit.downhill")
    assert onset.t_ns > DOWNHILL_FROM_S * NS
    assert onset.payload["text"].startswith("Downhill 1")


def test_the_impact_load_of_a_run_stands_in_its_summary(events: list[Event]) -> None:
    [summary] = [event.payload for event in events if event.kind == "summary"]
    peaks = [e.payload for e in events if e.kind == "stride" and e.payload["foot"] == "left"]
    running = [p["impact_peak_g"] for p in peaks if p["activity"] == "run" and p["impact_peak_g"] is not None]
    assert summary["impact"]["left"]["load"] == pytest.approx(sum((g / 10.0) ** 2 for g in running))
    assert summary["impact"]["left"]["load_exponent"] == 2.0
    assert summary["impact"]["right"]["load"] is None
    [state] = {
        e.payload["reason"] for e in events if e.kind == "limit_state" and e.payload["rule"] == "limit.impact_load"
    }
    assert state == "history not known"


def test_without_such_a_limit_a_summary_has_no_load(ran: World) -> None:
    pipeline = Pipeline(replace(ran.setup, plan_text=None))
    said = [event for item in ran.inputs for event in pipeline.push(item)] + pipeline.flush()
    [summary] = [event.payload for event in said if event.kind == "summary"]
    assert "load" not in summary["impact"]["left"]
