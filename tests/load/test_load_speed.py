"""Speed: which source is taken, what a known speed teaches, and that what was learned can be carried on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.load.personal import Factor
from sensord.load.speed import TAUGHT, SpeedEstimator, chance_share
from sensord.model import NS, Activity, Side, StepLengths, Stride
from tests.load.made_strides import a_stride

LENGTHS = StepLengths(walk_m=0.7, run_m=1.0)
STRIDE_S = 0.7


def running(
    n: int,
    speed_mps: float,
    *,
    begin_s: float = 0.0,
    seen: float | None = 1.0,
    contact_m: float = 0.8,
    **changes: object,
) -> list[Stride]:
    """Strides at one speed; the trajectory sees `seen` times it (None: not at all)."""
    out = []
    for k in range(n):
        begin = begin_s + k * STRIDE_S
        length = None if seen is None else seen * speed_mps * STRIDE_S
        made = a_stride(
            Side.LEFT, begin, begin + STRIDE_S, trajectory_length_m=length, contact_time_s=contact_m / speed_mps
        )
        out.append(replace(made, **changes))
    return out


def last(estimator: SpeedEstimator, strides: list[Stride]) -> Stride:
    for stride in strides:
        told = estimator.apply(stride)
    return told


def test_a_trajectory_is_taken_as_it_is() -> None:
    told = last(SpeedEstimator(LENGTHS), running(1, 3.0))
    assert told.speed_source == "trajectory"
    assert told.stride_length_m == pytest.approx(2.1)
    assert told.speed_mps == pytest.approx(3.0)
    assert told.speed_sd_mps == pytest.approx(0.108, abs=0.02)


def test_without_one_contact_length_tells_and_says_how_little() -> None:
    told = last(SpeedEstimator(LENGTHS), running(1, 3.0, seen=None, contact_m=0.85))
    assert told.speed_source == "model"
    assert told.speed_mps == pytest.approx(3.0)
    assert told.speed_sd_mps is not None
    assert told.speed_sd_mps / 3.0 > 0.14


def test_configured_steps_are_the_last_resort() -> None:
    stride = a_stride(Side.LEFT, 0.0, 1.1, activity=Activity.WALK, contact_time_s=0.7)
    told = SpeedEstimator(LENGTHS).apply(stride)
    assert (told.speed_source, told.stride_length_m) == ("configured", pytest.approx(1.4))
    told = SpeedEstimator(LENGTHS).apply(a_stride(Side.LEFT, 0.0, 0.7, contact_time_s=None))
    assert (told.speed_source, told.stride_length_m) == ("configured", pytest.approx(2.0))


def test_a_stride_without_an_end_has_no_speed() -> None:
    stride = a_stride(Side.LEFT, 3.0)
    assert SpeedEstimator(LENGTHS).apply(stride) == stride


def test_her_own_trajectories_teach_the_contact_length() -> None:
    estimator = SpeedEstimator(LENGTHS)
    last(estimator, running(60, 3.0, contact_m=1.05))
    told = last(estimator, running(1, 4.0, begin_s=100, seen=None, contact_m=1.05))
    assert told.speed_source == "model"
    assert told.speed_mps == pytest.approx(4.0, rel=0.02)
    assert told.speed_sd_mps is not None
    assert told.speed_sd_mps / 4.0 < 0.08


def test_a_known_speed_teaches_the_factor_of_the_trajectory() -> None:
    estimator = SpeedEstimator(LENGTHS)
    estimator.known(0, 3.0, sd_mps=0.03, source="rsc")
    told = last(estimator, running(60, 3.0, seen=0.96))
    estimator.known(60 * NS, None, sd_mps=0.0, source="rsc")
    assert told.speed_source == "trajectory+personal"
    later = last(estimator, running(5, 3.6, begin_s=70, seen=0.96))
    assert later.speed_mps == pytest.approx(3.6, rel=0.005)
    before = SpeedEstimator(LENGTHS).apply(running(1, 3.6, seen=0.96)[0])
    assert later.speed_sd_mps is not None
    assert before.speed_sd_mps is not None
    assert later.speed_sd_mps < before.speed_sd_mps
    other = estimator.apply(replace(running(1, 3.6, begin_s=80, seen=0.96)[0], foot=Side.RIGHT))
    assert other.speed_source == "trajectory"  # the other pod was taught nothing


def test_a_known_speed_beats_trajectories_that_lack_their_shock() -> None:
    estimator = SpeedEstimator(LENGTHS)
    estimator.known(0, 3.0, sd_mps=0.05, source="gnss")
    unseen = {"spoiled": ("gap", "shock_unseen"), "gap": True}
    last(estimator, running(60, 3.0, seen=1.08, **unseen))
    estimator.known(60 * NS, None, sd_mps=0.0, source="gnss")
    told = last(estimator, running(5, 3.4, begin_s=70, seen=1.15, **unseen))
    assert told.speed_source == "model+personal"
    assert told.speed_mps == pytest.approx(3.4, rel=0.01)
    assert last(SpeedEstimator(LENGTHS), running(5, 3.4, seen=1.15, **unseen)).speed_source == "trajectory"


def test_nothing_is_learned_while_nothing_is_known() -> None:
    estimator = SpeedEstimator(LENGTHS)
    estimator.known(0, 3.0, sd_mps=0.05, source="rsc")
    estimator.known(NS, None, sd_mps=0.05, source="rsc")
    assert last(estimator, running(40, 3.0, begin_s=2.0, seen=0.9)).speed_mps == pytest.approx(2.7)


def test_a_belt_is_given_time_to_settle() -> None:
    estimator = SpeedEstimator(LENGTHS)
    estimator.known(0, 3.0, sd_mps=0.05, source="treadmill")
    assert last(estimator, running(6, 3.0, seen=0.9)).speed_source == "trajectory"
    assert last(estimator, running(20, 3.0, begin_s=6.0, seen=0.9)).speed_source == "trajectory+personal"


def test_a_few_strides_are_not_personal_yet() -> None:
    estimator = SpeedEstimator(LENGTHS)
    estimator.known(0, 3.0, sd_mps=0.05, source="rsc")
    told = [estimator.apply(s).speed_source for s in running(TAUGHT + 2, 3.0, seen=0.95)]
    assert told == ["trajectory"] * TAUGHT + ["trajectory+personal"] * 2


def test_what_cannot_be_is_not_told() -> None:
    told = last(SpeedEstimator(LENGTHS), running(1, 3.0, seen=20.0, contact_m=0.85))
    assert told.speed_source == "model"
    told = last(SpeedEstimator(LENGTHS), running(1, 30.0, seen=None, contact_m=0.85))
    assert told.speed_source == "configured"


def test_what_was_learned_is_carried_to_the_next_run() -> None:
    estimator = SpeedEstimator(LENGTHS)
    estimator.known(0, 3.0, sd_mps=0.03, source="treadmill")
    last(estimator, running(80, 3.0, seen=0.95, contact_m=0.9))
    kept = json.loads(json.dumps(estimator.to_json()))
    next_run = SpeedEstimator.from_json(LENGTHS, kept)
    assert next_run.to_json() == kept
    for seen in (0.95, None):
        stride = running(1, 3.3, seen=seen, contact_m=0.9)[0]
        told = next_run.apply(stride)
        assert told.speed_source in ("trajectory+personal", "model+personal")
        assert told.speed_mps == pytest.approx(3.3, rel=0.01)


@pytest.mark.parametrize("wrong", [None, [], {"version": 0}, {"version": 1, "feet": {}}, {"version": 1, "feet": 3}])
def test_what_was_not_learned_here_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="learned"):
        SpeedEstimator.from_json(LENGTHS, wrong)


@pytest.mark.parametrize("wrong", [{}, None, {"log": float("nan"), "variance": 0.1, "n": 1, "known_share": 0.0}])
def test_a_factor_of_nonsense_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="learned"):
        Factor.from_json(wrong)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.75, 1.3), st.integers(1, 200))
def test_a_factor_comes_to_what_it_is_shown(true: float, n: int) -> None:
    factor, before = Factor(0.0, 0.1**2), 1.0
    for _ in range(n):
        factor.teach(true, sd_share=0.05, known_share=0.01, most=0.1**2)
        assert abs(factor.value - true) <= abs(before - true) + 1e-12
        before = factor.value
    assert 0.0 < factor.variance <= 0.1**2
    assert factor.sd_share >= 0.01 - 1e-12


def test_an_outlier_teaches_nothing() -> None:
    factor = Factor(0.0, 0.01)
    for wild in (5.0, 0.1, 0.0, -1.0, float("nan"), float("inf")):
        factor.teach(wild, sd_share=0.05, known_share=0.0, most=0.01)
    assert (factor.log, factor.variance, factor.n) == (0.0, 0.01, 0)


def test_every_source_has_its_chance() -> None:
    stride = running(1, 3.0)[0]
    sources = ("trajectory", "model+personal", "configured", None)
    shares = [chance_share(replace(stride, speed_source=source)) for source in sources]
    assert chance_share(replace(stride, speed_source="trajectory", gap=True)) > shares[0]
    assert shares[1] > shares[0] > 0.0
    assert shares[2:] == [0.0, 0.0]
