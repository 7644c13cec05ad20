"""Force from timing: where it holds, what it says, and against a force-measuring treadmill."""

from __future__ import annotations

import os
from dataclasses import replace
from math import pi
from pathlib import Path

import numpy as np
import pytest

from sensord.errors import InputError
from sensord.load.foot_load import FootLoad, force_references
from sensord.load.force import ForceModel, PeakLine
from sensord.model import G_MPS2, NS, Activity, RunSetup, Side, Stride, payload
from sensord.plan.model import LoadSection, read_plan
from sensord.validation.grf import contacts_of, force_trials, score_forces
from tests.plan.made_plans import HEAD
from tests.plan.made_plans import stride as bare

L, R = Side.LEFT, Side.RIGHT


def stride(foot: Side = L, **values: object) -> Stride:
    """A running stride of 0.7 s with 0.25 s of contact."""
    made = replace(bare(foot, 10.0), stride_time_s=0.7, contact_time_s=0.25, duty_factor=0.25 / 0.7)
    return replace(made, **values)


def test_impulse_and_mean_are_physics_and_the_peak_is_half_a_sine_and_what_that_lacks() -> None:
    found = ForceModel().apply(stride())
    assert found.impulse_bw_s == pytest.approx(0.35)
    assert found.force_mean_bw == pytest.approx(1.4)
    assert found.force_peak_sine_bw == pytest.approx(1.4 * pi / 2)
    assert found.force_peak_bw == pytest.approx(1.4 * pi / 2 * 2.05 / 1.91)


def test_a_line_of_ones_own_is_used_beside_the_sine() -> None:
    found = ForceModel(peak=PeakLine(0.5, 1.0, "lab")).apply(stride())
    assert found.force_peak_bw == pytest.approx(0.5 * 0.7 / 0.25 + 1.0)
    assert found.force_peak_sine_bw == pytest.approx(1.4 * pi / 2)


@pytest.mark.parametrize(
    "values",
    [
        {"activity": Activity.WALK},
        {"confidence": 0.49},
        {"contact_time_s": None, "duty_factor": None},
        {"stride_time_s": None, "duty_factor": None},
    ],
)
def test_where_the_model_does_not_hold_nothing_is_said(values: dict[str, object]) -> None:
    given = stride(**values)
    assert ForceModel(grade_pct=0.0).apply(given) == given


@pytest.mark.parametrize(("grade_pct", "given"), [(-8.0, False), (3.1, False), (3.0, True), (0.0, True), (None, True)])
def test_only_on_level_ground(grade_pct: float | None, given: bool) -> None:
    model = ForceModel(grade_pct=grade_pct)
    assert (model.apply(stride()).force_mean_bw is not None) is given
    assert (model.assumed is None) is (grade_pct is not None)
    model.known_grade(10.0)
    assert model.apply(stride()).force_mean_bw is None


def test_unequal_flights_give_each_foot_its_own_impulse() -> None:
    model, found = ForceModel(), []
    for k in range(6):  # left steps 0.36 s, right ones 0.34 s, both contacts 0.25 s
        foot, ic_s, step_s = (L, R)[k % 2], 0.7 * (k // 2) + (0.36 if k % 2 else 0.0), (0.36, 0.34)[k % 2]
        timed = stride(foot, ic_run_ns=round(ic_s * NS), step_time_s=step_s, flight_time_s=step_s - 0.25)
        found.append(model.apply(timed))
    assert found[0].impulse_bw_s == pytest.approx(0.35)  # nothing is known of the flight before
    assert all(s.impulse_bw_s == pytest.approx(0.35) for s in found)  # half of each flight: equal here
    longer = model.apply(
        stride(L, ic_run_ns=round(2.1 * NS), step_time_s=0.40, flight_time_s=0.15, contact_time_s=0.25)
    )
    assert longer.impulse_bw_s == pytest.approx(0.25 + (0.09 + 0.15) / 2)
    late = model.apply(stride(R, ic_run_ns=round(2.6 * NS), step_time_s=0.34, flight_time_s=0.09))
    assert late.impulse_bw_s == pytest.approx(0.35)  # the left step did not end here: 0.1 s apart


def test_a_walking_step_before_has_no_flight() -> None:
    model = ForceModel()
    model.apply(stride(R, activity=Activity.WALK, ic_run_ns=0, step_time_s=0.5, flight_time_s=-0.18))
    first = model.apply(stride(L, ic_run_ns=NS // 2, step_time_s=0.35, flight_time_s=0.10))
    assert first.impulse_bw_s == pytest.approx(0.35)


# ------------------------------------------------------------------------------------------------ load of a foot


def loaded(plan: LoadSection | None = None, usual: float | None = 2.0, mass_kg: float | None = None) -> FootLoad:
    return FootLoad(plan, {} if usual is None else {L: usual}, mass_kg=mass_kg)


def test_what_was_not_measured_is_counted_apart_and_never_as_0() -> None:
    load = loaded()
    assert load.payload(L).force_peak_sum_bw is load.payload(L).impulse_sum_bw_s is None
    load.add(stride(force_peak_bw=2.0, impulse_bw_s=0.35))
    load.add(stride(force_peak_bw=2.4, impulse_bw_s=0.37))
    load.add(stride())
    load.add(stride(force_peak_bw=9.0, impulse_bw_s=9.0, confidence=0.2))
    load.add(stride(activity=Activity.WALK))
    state = load.payload(L)
    assert (state.strides, state.walk_strides, state.force_n, state.without_force) == (4, 1, 2, 2)
    assert state.force_peak_sum_bw == pytest.approx(4.4)
    assert state.impulse_sum_bw_s == pytest.approx(0.72)
    assert state.impulse_sum_ns is state.weighted_cycles is None
    assert state.why == "no exponent in the plan"
    assert load.payload(R).strides == 0
    assert payload(state)["foot"] == "left"


def test_newton_seconds_only_with_a_mass() -> None:
    load = loaded(mass_kg=70.0)
    load.add(stride(impulse_bw_s=0.35))
    assert load.payload(L).impulse_sum_ns == pytest.approx(0.35 * 70.0 * G_MPS2)


def test_weighted_cycles_are_steps_at_usual_force() -> None:
    plan = LoadSection(exponent=4.0, exponent_source="test")
    load = loaded(plan)
    for force_bw in (2.0, 2.0, 4.0):
        load.add(stride(force_peak_bw=force_bw))
    assert load.payload(L).weighted_cycles == pytest.approx(1 + 1 + 16)
    without = loaded(plan, usual=None)
    without.add(stride(force_peak_bw=2.0))
    assert without.payload(L).weighted_cycles is None
    assert without.payload(L).why == "no usual force: fewer than 3 earlier runs"


def test_bins_and_clipped_peaks_whose_bin_nobody_knows() -> None:
    load = loaded(LoadSection(intensity="impact_peak", edges=[8.0, 14.0]))
    for peak_g, clipped in ((7.9, False), (8.0, False), (16.0, True), (13.0, True), (None, False)):
        load.add(stride(impact_peak_g=peak_g, impact_clipped=clipped))
    state = load.payload(L)
    assert (state.bins, state.unbinned) == ((1, 1, 1), 2)
    assert (state.edges, state.intensity) == ((8.0, 14.0), "impact_peak")


def test_usual_force_is_of_her_last_three_runs() -> None:
    def setup(*forces: float, n: int = 500) -> RunSetup:
        runs = tuple({"metrics": {"force_peak": {"left": f, "n_left": n}}} for f in forces)
        return RunSetup("RUN", "r-1", "home", "g", (), history=runs)

    assert force_references(setup(9.0, 2.0, 2.2, 2.1), None) == {L: 2.1}
    assert force_references(setup(2.0, 2.2), None) == {}
    assert force_references(setup(2.0, 2.2, 2.1, n=59), None) == {}


# ------------------------------------------------------------------------------------------------ the treadmill


def test_contacts_are_found_between_rows_and_cut_ones_left_out() -> None:
    force = [1.0, 0.0, *[0.0] * 5, *[1.0] * 50, *[0.0] * 5, *[1.0] * 10, *[0.0] * 5, 1.0]
    assert contacts_of(np.array(force), 0.5) == [(6.5, 56.5)]


@pytest.mark.skipif("SENSORD_DATA" not in os.environ, reason="no recordings")
def test_impulse_on_level_ground_is_within_one_percent() -> None:
    data = Path(os.environ["SENSORD_DATA"])
    rows = {row["what"]: row for row in score_forces(data)}
    assert len(force_trials(data)) == 18
    impulse, peak = rows["impulse per step, level"], rows["peak force, level"]
    assert impulse["n"] == 5
    assert impulse["rmse"] <= 1.0 < impulse["best_constant_rmse"]
    assert peak["rmse"] <= 5.0 < peak["sine_rmse"]


# ------------------------------------------------------------------------------------------------ the plan


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("edges = [2.0, 2.0]", "load.edges"),
        ("exponent = 4.0", "load.exponent_source"),
        ('exponent_source = "a paper"', "load.exponent"),
        ('exponent = 40.0\nexponent_source = "a paper"', "load.exponent"),
    ],
)
def test_an_exponent_has_a_source_and_edges_rise(body: str, place: str) -> None:
    with pytest.raises(InputError) as refused:
        read_plan(HEAD.format(side="left") + "[load]\n" + body, "plan.toml")
    assert [problem.place.rpartition(", ")[2] for problem in refused.value.problems] == [place]


def test_what_the_plan_says_reaches_the_load() -> None:
    text = HEAD.format(side="left") + '[load]\nedges = [2.0]\nexponent = 4.0\nexponent_source = "a paper"\n'
    load = FootLoad.of_run(RunSetup("RUN", "r-1", "home", "g", (), mass_kg=70.0), read_plan(text, "plan.toml"))
    state = load.payload(L)
    assert (state.edges, state.exponent, state.exponent_source, state.bins) == ((2.0,), 4.0, "a paper", (0, 0))
