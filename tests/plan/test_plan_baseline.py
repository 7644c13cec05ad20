"""Her own usual: only like runs, with their scatter; and what two pods add."""

from __future__ import annotations

from math import atanh, tanh
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.load.metrics import METRICS
from sensord.model import ALGORITHM, PodSetup, RunSetup, Side
from sensord.plan.asymmetry import TOLD
from sensord.plan.baseline import INJURED, Baselines
from sensord.plan.conditions import Conditions
from sensord.plan.model import AsymmetrySection, read_plan
from sensord.plan.swap import DIFFERENCES, MIN_PAIRS, swap_calibration
from tests.plan.made_plans import ASYMMETRY, HEAD

AS_NOW = {"left": "pod-a", "right": "pod-b"}
SWAPPED = {"left": "pod-b", "right": "pod-a"}


def a_run(si: float | None = 1.0, pods: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    """The summary of an earlier run, as history holds it."""
    values = {"left": 0.252, "right": 0.248, "n_left": 400, "n_right": 400, "index": si, "pairs": 400}
    run = {
        "run": "R0", "algo": ALGORITHM, "shoe": "blue", "surface": "track", "mount": "laces", "injured": False,
        "pods": AS_NOW if pods is None else pods, "metrics": {"contact_time": values, "strike_angle": values},
        "bands": {"2.5-3.0": {"contact_time": values}},
    }  # fmt: skip
    return {**run, **changes}


def baselines(history: list[dict[str, Any]], plan: str | None = None, **setup: Any) -> Baselines:
    said = {"shoe": "blue", "surface": "track", "mount": "laces", **setup}
    pods = (PodSetup("pod-a", Side.LEFT, "open_pod"), PodSetup("pod-b", Side.RIGHT, "open_pod"))
    run = RunSetup(run="R", runner="r", site="s", gateway="g", pods=pods, history=tuple(history), **said)
    return Baselines(None if plan is None else read_plan(plan, "plan"), run)


def test_the_median_of_the_last_runs_with_their_scatter_and_both_feet() -> None:
    found = baselines([a_run(9.0), a_run(1.0), a_run(3.0), a_run(2.0)]).asymmetry("contact_time", None)
    assert found.value == pytest.approx(2.0)
    assert (found.n, found.sd, found.label) == (3, pytest.approx(1.0), None)
    assert found.mdc == pytest.approx(1.96 * 2**0.5)
    assert (found.left, found.right) == (0.252, 0.248)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"shoe": "red"}, "with another shoe"),
        ({"surface": None}, "with another surface"),
        ({"mount": "heel"}, "with another mount"),
        ({"pods": {"left": "pod-a", "right": "pod-c"}}, "with other pods"),
        ({"algo": "1"}, ""),
        ({"metrics": {"contact_time": {"index": 5.0, "pairs": MIN_PAIRS - 1}}}, ""),
        ({"metrics": {"contact_time": {"index": None, "pairs": 400}}}, ""),
        ({"pods": SWAPPED, "surface": "trail"}, "with another surface"),
    ],
)
def test_only_like_runs_are_mixed(changes: dict[str, Any], why: str) -> None:
    other = a_run(50.0, **changes)
    found = baselines([a_run(), other, a_run()]).asymmetry("contact_time", None)
    assert found.value is None
    assert (found.why_none or "").startswith("no baseline: 2 of 3 runs")
    assert why in (found.why_none or "")
    assert baselines([a_run(), other, a_run(), a_run()]).asymmetry("contact_time", None).value == pytest.approx(1.0)


def test_a_speed_band_has_its_own_baseline_and_no_other_stands_in() -> None:
    history = [a_run(k, bands={"2.5-3.0": {"contact_time": {"index": 10.0 + k, "pairs": 99}}}) for k in (1, 2, 3)]
    found = baselines(history)
    assert found.asymmetry("contact_time", "2.5-3.0").value == pytest.approx(12.0)
    assert found.asymmetry("contact_time", None).value == pytest.approx(2.0)
    assert found.asymmetry("contact_time", "4.0-4.5").why_none == "no baseline: 0 of 3 runs at 4.0-4.5 m/s"
    assert found.never("contact_time") is None
    assert found.never("swing_time") == "no baseline: 0 of 3 runs"


def test_made_while_injured_is_said() -> None:
    assert baselines([a_run(), a_run(injured=True), a_run()]).asymmetry("contact_time", None).label == INJURED


def test_chosen_runs_only_and_all_of_them() -> None:
    plan = HEAD.format(side="none") + ASYMMETRY.format(baseline='{mode = "runs", runs = ["R1", "R3"]}')
    history = [a_run(1.0, run="R1"), a_run(50.0, run="R2"), a_run(3.0, run="R3"), a_run(70.0, run="R4")]
    found = baselines(history, plan).asymmetry("contact_time", None)
    assert (found.value, found.n, found.mdc) == (pytest.approx(2.0), 2, None)
    assert baselines(history[:2], plan).never("contact_time") == "no baseline: 1 of 2 runs"


@pytest.mark.parametrize(("side", "sign"), [("left", 1), ("right", -1), ("none", 1)])
def test_a_written_baseline_is_signed_like_the_limit(side: str, sign: int) -> None:
    plan = HEAD.format(side=side) + ASYMMETRY.format(baseline='{mode = "fixed", value = 4.0}')
    assert baselines([], plan).asymmetry("contact_time", "3.0-3.5").value == sign * 4.0


# ------------------------------------------------------------------------------------------------ pods


@settings(max_examples=60, deadline=None)
@given(st.floats(-20, 20), st.floats(-8, 8), st.lists(st.booleans(), min_size=2, max_size=8))
def test_exchanged_pods_tell_what_they_add(truth: float, added: float, turned: list[bool]) -> None:
    """Runs of one true SI, read on pods that differ; whichever foot they are on, the truth comes back."""
    x, d = 2 * atanh(truth / 200), 2 * atanh(added / 200)
    history = [
        a_run(200 * tanh((x - d if swap else x + d) / 2), SWAPPED if swap else AS_NOW, run=str(k))
        for k, swap in enumerate(turned)
    ]
    found = baselines(history)
    bias = found.device_bias("contact_time")
    if len(set(turned)) == 1:
        assert bias is None
        return
    assert bias == pytest.approx(d, abs=1e-9)
    assert swap_calibration(history, Conditions(shoe="blue", surface="track", mount="laces", pods=SWAPPED))[
        "contact_time"
    ] == pytest.approx(-d, abs=1e-9)
    if len(history) >= 3:
        assert found.asymmetry("contact_time", None).value == pytest.approx(truth, abs=1e-6)


def test_runs_with_exchanged_pods_are_not_mixed_while_nothing_is_known_of_the_pods() -> None:
    history = [a_run(), a_run(9.0, SWAPPED, shoe="red"), a_run(), a_run(3.0, {"left": "", "right": ""})]
    assert baselines(history).device_bias("contact_time") is None
    alone = [a_run(5.0, SWAPPED)] * 3
    why = baselines(alone).asymmetry("contact_time", None).why_none
    assert why == "no baseline: 0 of 3 runs (3 with the pods on the other feet)"


def test_a_difference_is_calibrated_in_its_own_unit() -> None:
    found = swap_calibration([a_run(5.0), a_run(1.0, SWAPPED)])
    assert found["strike_angle"] == pytest.approx(-2.0)  # as the pods sit in the last run
    assert found["contact_time"] == pytest.approx(-(atanh(5 / 200) - atanh(1 / 200)))


def test_a_swap_needs_pairs_like_conditions_and_the_same_algorithm() -> None:
    few = {"contact_time": {"index": 5.0, "pairs": MIN_PAIRS - 1}}
    assert swap_calibration([a_run(5.0), a_run(1.0, SWAPPED, metrics=few)]) == {}
    assert swap_calibration([a_run(5.0), a_run(1.0, SWAPPED, shoe="red")]) == {}
    assert swap_calibration([a_run(5.0, algo="1"), a_run(1.0, SWAPPED)]) == {}
    assert swap_calibration([]) == {}
    assert swap_calibration([{"contact_time_si_pct": 2.0, "contact_time_pairs": 100}]) == {}


# ------------------------------------------------------------------------------------------------ the rest


def test_plan_and_measurement_speak_of_the_same_metrics() -> None:
    names = [metric.name for metric in METRICS]
    assert list(AsymmetrySection.model_fields) == [*TOLD, "impact"]
    assert list(TOLD) == names
    assert {metric.name for metric in METRICS if not metric.ratio} == set(DIFFERENCES)
    for metric in METRICS:
        assert TOLD[metric.name].field == metric.field
        assert TOLD[metric.name].unit == ("points" if metric.ratio else metric.unit)
        assert len(TOLD[metric.name].cue.split()) <= 3


def test_conditions_come_from_the_setup_and_the_plan() -> None:
    plan = read_plan(HEAD.format(side="left"), "plan")
    setup = RunSetup(run="R", runner="r", site="s", gateway="g", pods=(PodSetup("p", Side.LEFT, "x"),), shoe="blue")
    found = Conditions.of_setup(setup, plan)
    assert (found.shoe, found.surface, found.injured, found.placement) == ("blue", None, True, 0)
    assert Conditions.of_summary({}) == Conditions()
