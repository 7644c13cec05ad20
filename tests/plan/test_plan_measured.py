"""What a run measured, by the names that a plan's conditions use."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from sensord.model import Asymmetry, Level, LimitState, LimitStatus, RunSummary
from sensord.plan.fields import field_of
from sensord.plan.measured import Measured
from sensord.plan.model import Plan, read_plan

SUMMARY = RunSummary(
    "anna", 10, 11, 21, 1234.5, True, 600.0, 60.0, 700.0, 170.0, 0.25, 0.26, -3.9, 9, 4.1, 4.2, 10, 11, 0.0, 1, 4, 6, 0
)  # fmt: skip
SAID = LimitState(
    "contact_time", "contact_time_change", "%", LimitStatus.WITHIN, Level.NONE, 4.0, None, None, 30, 30, None
)


def plan(side: str = "left", more: str = "") -> Plan:
    head = f'schema = "rtr-plan/1"\nid = "p"\ntitle = "t"\n[runner]\nalias = "r"\ninjured_side = "{side}"\n'
    return read_plan(head + more, "plan.toml")


def asymmetry(metric: str, si_pct: float | None, baseline: float | None) -> Asymmetry:
    values = dict.fromkeys(field.name for field in fields(Asymmetry))
    return Asymmetry(**values | {"metric": metric, "si_pct": si_pct, "baseline": baseline, "n": 60})  # type: ignore[arg-type]


def test_nothing_measured_is_nothing() -> None:
    nothing = replace(SUMMARY, cadence_spm=None)
    assert Measured(None).fields(nothing, None) == {}
    assert Measured(plan(more="pre_injury = {cadence_spm = 160}\n")).fields(nothing, None) == {}


@pytest.mark.parametrize(("side", "change"), [("left", 3.0), ("right", -3.0), ("none", 3.0)])
def test_asymmetry_is_the_change_from_baseline_signed_injured_minus_other(side: str, change: float) -> None:
    measured = Measured(plan(side))
    measured.take(asymmetry("contact_time", 9.0, 1.0))
    measured.take(asymmetry("contact_time", 4.0, 1.0))
    measured.take(asymmetry("impact_peak", 8.0, 5.0))
    assert measured.fields(replace(SUMMARY, cadence_spm=None), None) == {
        "asym.contact_time": change,
        "asym.impact": change,
    }


def test_what_has_no_baseline_is_not_told() -> None:
    measured = Measured(plan())
    measured.take(asymmetry("contact_time", 4.0, None))
    measured.take(asymmetry("contact_time", None, 1.0))
    measured.take(asymmetry("swing_time", 4.0, 1.0))
    assert measured.fields(replace(SUMMARY, cadence_spm=None), None) == {}


def test_limits_tell_contact_time_and_downhill() -> None:
    measured = Measured(plan())
    measured.take(SAID)
    measured.take(replace(SAID, rule="limit.downhill", metric="downhill", unit="m", value=120.0))
    measured.take(replace(SAID, rule="limit.downhill", value=None))
    measured.take(replace(SAID, rule="limit.downhill", value=999.0, status=LimitStatus.NOT_CHECKED))
    measured.take(replace(SAID, rule="impact", value=7.0))
    found = measured.fields(SUMMARY, 112.0)
    assert found == {"contact_time.pct": 104.0, "downhill_m": 120.0, "impact.pct": 112.0}
    for name, value in found.items():
        field = field_of(name)
        assert field is not None
        assert field.allows(value)


@pytest.mark.parametrize(
    ("more", "pct"),
    [
        ("pre_injury = {cadence_spm = 160}\n", 106.25),
        ("pre_injury = {cadence_spm = 160}\n[cadence]\nbaseline_spm = 170\ntarget_pct = [100, 110]\n", 100.0),
        ("", None),
    ],
)
def test_cadence_is_told_of_her_own(more: str, pct: float | None) -> None:
    assert Measured(plan(more=more)).fields(SUMMARY, None).get("cadence.pct") == pct
