"""Impact and asymmetry as a note: the level that is safe to begin with is told as info and nothing louder."""

from __future__ import annotations

import pytest

from sensord.model import Level, Side
from sensord.plan.model import read_plan
from sensord.plan.warnings import warnings_of
from tests.plan.made_plans import FIXED_ASYMMETRY, FIXED_IMPACT, HEAD, Runner, asymmetry, limits

L, R = Side.LEFT, Side.RIGHT
NOTED_IMPACT = FIXED_IMPACT.replace("warn_pct = 115\nstop_pct = 130", "info_pct = 115")
NOTED_ASYMMETRY = FIXED_ASYMMETRY.replace("warn = 5.0\nstop = 10.0", "info = 5.0")


def test_impact_is_noted_once_and_clears() -> None:
    runner = Runner(limits(NOTED_IMPACT))
    runner.run(60, {L: 10.0, R: 10.0})
    assert runner.last("impact") == ("within", "none", None)
    runner.run(120, {L: 14.0, R: 10.0})
    assert runner.alerts() == [("onset", "info")]
    assert runner.last("impact")[:2] == ("over", "info")
    runner.run(120, {L: 10.0, R: 10.0})
    assert runner.alerts()[1:] == [("recovery", "info")]


def test_asymmetry_is_noted_once_and_clears() -> None:
    runner = Runner(limits(NOTED_ASYMMETRY))
    runner.run(60, {L: 10.0, R: 10.0}, si=asymmetry(1.0))
    runner.run(120, {L: 10.0, R: 10.0}, si=asymmetry(13.0))
    assert runner.alerts() == [("onset", "info")]
    runner.run(120, {L: 10.0, R: 10.0}, si=asymmetry(1.0))
    assert runner.alerts()[1:] == [("recovery", "info")]


def test_a_note_and_a_warning_are_two_levels_of_one_limit() -> None:
    runner = Runner(limits(FIXED_IMPACT.replace("warn_pct = 115", "info_pct = 112\nwarn_pct = 120")))
    runner.run(60, {L: 10.0, R: 10.0})
    runner.run(60, {L: 11.8, R: 10.0})
    assert runner.alerts() == [("onset", "info")]
    runner.run(60, {L: 12.6, R: 10.0})
    assert runner.alerts()[1:] == [("onset", "warn")]


@pytest.mark.parametrize("body", [NOTED_IMPACT, NOTED_ASYMMETRY])
def test_a_note_needs_no_source_and_draws_no_warning(body: str) -> None:
    plan = read_plan(HEAD.format(side="left") + body, "p")
    assert warnings_of(plan) == []
    (limit,) = [plan.impact] if plan.impact else plan.asymmetry.limits.values()
    assert list(limit.levels) == [Level.INFO]
