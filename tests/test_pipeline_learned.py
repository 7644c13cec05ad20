"""What one run learned of her speed is where the next like run begins; force is of the slope that was stated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sensord.model import ALGORITHM, NS, Mark, MarkKind, RunSetup
from sensord.pipeline import Pipeline
from sensord.sim.script import Run, Stand
from tests.worlds import World, world


@pytest.fixture(scope="module")
def run() -> World:
    return world((Stand(2.0), Run(40.0, speed_mps=2.8), Stand(2.0)))


def told(setup: RunSetup, inputs: list[Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    pipeline = Pipeline(setup)
    events = [event for item in inputs for event in pipeline.push(item)] + pipeline.flush()
    strides = [dict(e.payload) for e in events if e.kind == "stride"]
    [summary] = [dict(e.payload) for e in events if e.kind == "summary"]
    return strides, summary


def with_speed(inputs: list[Any], at_s: float = 4.0, **changes: Any) -> list[Any]:
    at = next(i for i, item in enumerate(inputs) if item.t_ns > at_s * NS)
    data = {"speed_mps": 3.1, "sd_mps": 0.03, "source": "treadmill", "by": "test", **changes}
    return [*inputs[:at], Mark(inputs[at].t_ns, MarkKind.SPEED, data), *inputs[at:]]


def test_a_learned_speed_is_carried_to_the_next_like_run(run: World) -> None:
    _, first = told(run.setup, with_speed(run.inputs))
    history = ({**first, "algo": ALGORITHM, "run": "R0"},)
    strides, _ = told(replace(run.setup, history=history), run.inputs)
    assert "personal" in strides[3]["speed_source"]
    assert strides[3]["speed_mps"] == pytest.approx(3.1, rel=0.06)


@pytest.mark.parametrize("changes", [{"algo": "1"}, {"mount": "heel"}, {"speed_model": {}}])
def test_an_unlike_run_teaches_nothing(run: World, changes: dict[str, Any]) -> None:
    _, first = told(run.setup, with_speed(run.inputs))
    strides, _ = told(replace(run.setup, history=({**first, "algo": ALGORITHM, **changes},)), run.inputs)
    plain, _ = told(run.setup, run.inputs)
    assert [s["speed_mps"] for s in strides] == [s["speed_mps"] for s in plain]


def test_a_slope_ends_the_forces(run: World) -> None:
    strides, _ = told(run.setup, with_speed(run.inputs, 20.0, grade_pct=6.0))
    running = [s for s in strides if s["activity"] == "run"]
    assert running[0]["force_peak_bw"] is not None
    assert running[-1]["force_peak_bw"] is None
    level, _ = told(replace(run.setup, grade_pct=8.0), run.inputs)
    assert all(s["impulse_bw_s"] is None for s in level)
