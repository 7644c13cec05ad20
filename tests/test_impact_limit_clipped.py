"""From packets to an alert when nearly every impact clips: the limit is checked by what still tells, and says what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from sensord.model import ALGORITHM
from sensord.pipeline import Pipeline
from sensord.sim.script import Run, Stand
from tests.worlds import world

PLAN = """
schema = "rtr-plan/1"
id = "clipped"
title = "impacts beyond the range of the pod"
[runner]
alias = "R-1"
injured_side = "left"
[impact]
metric = "peak_accel"
mount = "laces"
baseline = {mode = "sessions", n = 3}
warn_pct = 112
needs = {window_steps = 30, sustained = "15s", min_change_g = 0.5, clear_below_pct = 105}
"""


def events(impact_g: float, seed: int, history: tuple[Mapping[str, Any], ...] = ()) -> list[tuple[str, dict[str, Any]]]:
    made = world((Stand(2.0), Run(75.0, impact_g=impact_g), Stand(2.0)), seed=seed, plan_text=PLAN, batch=10)
    pipeline = Pipeline(replace(made.setup, history=history))
    told = [event for item in made.inputs for event in pipeline.push(item)] + pipeline.flush()
    return [(event.kind, dict(event.payload)) for event in told]


@pytest.fixture(scope="module")
def history() -> tuple[Mapping[str, Any], ...]:
    """Three runs whose peaks of about 50 g are beyond the 32 g of the pod."""
    runs: tuple[Mapping[str, Any], ...] = ()
    for seed in (1, 2, 3):
        [summary] = [payload for kind, payload in events(60.0, seed, runs) if kind == "summary"]
        assert summary["impact_clipped_share"] > 0.6
        assert summary["impact_left_g"] is None
        runs += ({**summary, "algo": ALGORITHM, "run": f"R{seed}"},)
    return runs


@pytest.mark.slow
@pytest.mark.parametrize(("impact_g", "over"), [(60.0, False), (80.0, True)])
def test_the_limit_is_checked_though_peaks_clip(
    history: tuple[Mapping[str, Any], ...], impact_g: float, over: bool
) -> None:
    told = events(impact_g, 9, history)
    states = [payload for kind, payload in told if kind == "limit_state" and payload["rule"].startswith("impact")]
    checked = [state for state in states if state["status"] in ("within", "over")]
    assert {state["metric"] for state in checked} == {"impact_band_left"}
    assert all("12-20 Hz" in state["reason"] for state in checked)
    alerts = [payload["text"] for kind, payload in told if kind == "alert"]
    assert bool(alerts) is over is (checked[-1]["status"] == "over")
    assert all("12-20 Hz (peaks are clipped)" in text for text in alerts)
