"""Travel, strike angle and eversion: against scipy, against simulated feet with known truth, with shocks lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sensord.dsp import trajectory
from sensord.dsp.alignment import Axis
from sensord.dsp.attitude import turned
from sensord.dsp.eversion import eversion
from sensord.dsp.strike import strike_chances, strike_type
from sensord.dsp.trajectory import Rested, StrideMotion, StrideRowsOf, stride_motion
from sensord.dsp.travel import Rest, Upward, mid_stance, travel
from sensord.model import G_MPS2, NS, FloatArray, SampleBlock, Side, Stride
from sensord.sim.runner import Run, RunnerSimulation, SimulatedFoot, Stand, TrueStride, Walk
from sensord.validation.contacts import NEAR_RUN_S, matched_strides
from sensord.validation.datasets import DERIVED, derived
from sensord.validation.trial import find
from tests.dsp.made_feet import analyse, cut, rotated, strides

RATE_HZ = 200.0


def paired(simulation: RunnerSimulation, foot: SimulatedFoot, found: list[Stride]) -> list[tuple[Stride, TrueStride]]:
    """Strides with the truth of the stride that begins within 60 ms."""
    true = simulation.truth.strides(foot.side)
    begins = np.interp([t.ic_s for t in true], foot.true_time_s, foot.t_pod_ns / NS)
    pairs = []
    for stride in found:
        off = np.abs(begins - stride.ic_pod_ns / NS)
        if off.min() < 0.06:
            pairs.append((stride, true[int(off.argmin())]))
    return pairs


@pytest.fixture(scope="module")
def runner() -> RunnerSimulation:
    """Stands and runs."""
    return RunnerSimulation([Stand(3), Run(12, speed_mps=3.2, strike_angle_deg=12.0), Stand(3)], seed=4)


@pytest.fixture(scope="module")
def shoe(runner: RunnerSimulation) -> SimulatedFoot:
    return runner.render(Side.LEFT, RATE_HZ)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 60), st.integers(0, 2**32 - 1))
def test_the_attitude_is_the_product_of_its_steps(n: int, seed: int) -> None:
    rates = np.random.default_rng(seed).normal(scale=8.0, size=(n, 3))
    found = turned(rates, 100.0)
    here = Rotation.identity()
    for k in range(1, n):
        here = here * Rotation.from_rotvec((rates[k - 1] + rates[k]) / 200.0)
        assert np.allclose(found[k], here.as_matrix(), atol=1e-6)
    assert np.allclose(np.matmul(found, found.transpose(0, 2, 1)), np.eye(3), atol=1e-6)


def test_a_mid_stance_is_looked_for_once_and_is_the_one_of_both_strides(
    shoe: SimulatedFoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Rest | None] = []

    def counted(acc: FloatArray, gyr: FloatArray, rate_hz: float, ic: float, tc: float | None) -> Rest | None:
        looked.append(mid_stance(acc, gyr, rate_hz, ic, tc))
        return looked[-1]

    monkeypatch.setattr(trajectory, "mid_stance", counted)
    once = strides(analyse(shoe.block(), RATE_HZ, Side.LEFT))
    n_once = len(looked)
    monkeypatch.setattr(Rested, "of", lambda *_: None)
    assert strides(analyse(shoe.block(), RATE_HZ, Side.LEFT)) == once
    assert len(once) + 1 <= n_once < 0.6 * (len(looked) - n_once)


def test_a_mid_stance_is_of_one_contact_and_one_bias() -> None:
    bias = np.zeros(3)
    rested = Rested((10, 20), bias, Rest(120, (0.0, 0.0, 9.8), (0.0, 0.1, 0.0), 0.01))
    assert rested.of((10, 20), bias, 100) == rested.rest._replace(row=20)
    assert rested.of((10, 21), bias, 100) is None
    assert rested.of((10, 20), np.zeros(3), 100) is None


@pytest.mark.parametrize("rate_hz", [100.0, 200.0, 400.0])
@pytest.mark.parametrize(("speed_mps", "strike_deg"), [(2.2, 15.0), (3.3, -6.0), (4.2, 3.0)])
def test_length_and_angle_of_running_strides(rate_hz: float, speed_mps: float, strike_deg: float) -> None:
    simulation = RunnerSimulation(
        [Stand(3), Run(8, speed_mps=speed_mps, strike_angle_deg=strike_deg), Stand(3)], seed=2
    )
    foot = simulation.render(Side.RIGHT, rate_hz)
    pairs = paired(simulation, foot, strides(analyse(foot.block(), rate_hz, Side.RIGHT)))
    lengths = [s.trajectory_length_m / t.stride_length_m for s, t in pairs if s.trajectory_length_m is not None]
    angles = [s.strike_angle_deg - t.strike_angle_deg for s, t in pairs if s.strike_angle_deg is not None]
    assert len(pairs) >= 8
    assert len(lengths) >= len(pairs) - 1
    assert np.mean(lengths) == pytest.approx(1.0, abs=0.04)  # the pod turns on over the ball of the foot at mid-stance
    assert len(angles) == len(pairs)
    assert abs(np.mean(angles)) < 2.5
    assert np.std(angles) < 2.0


def test_length_of_walking_strides() -> None:
    simulation = RunnerSimulation([Stand(3), Walk(15, speed_mps=1.3), Stand(3)], seed=3)
    foot = simulation.render(Side.LEFT, RATE_HZ)
    pairs = paired(simulation, foot, strides(analyse(foot.block(), RATE_HZ)))
    lengths = [s.trajectory_length_m / t.stride_length_m for s, t in pairs if s.trajectory_length_m is not None]
    assert len(lengths) >= 10
    assert np.mean(lengths) == pytest.approx(1.0, abs=0.03)
    assert all(s.strike_type is None for s, _ in pairs)  # the kinds of strike are defined for running


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_mount_changes_nothing(shoe: SimulatedFoot, seed: int) -> None:
    matrix = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    as_it_is = strides(analyse(shoe.block(), RATE_HZ))
    other = strides(analyse(rotated(shoe.block(), matrix), RATE_HZ))
    assert len(as_it_is) == len(other)
    names = ("trajectory_length_m", "strike_angle_deg", "eversion_excursion_deg", "eversion_peak_dps")
    for a, b in zip(as_it_is[:-1], other[:-1], strict=True):  # the last one has no mid-stance at its end
        for name in (*names, "swing_peak_radps", "strike_rearfoot_p"):
            assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-6, abs=1e-6)


def test_the_cut_of_the_input_changes_no_bit(shoe: SimulatedFoot) -> None:
    whole = strides(analyse(shoe.block(), RATE_HZ))
    assert strides(analyse(cut(shoe.block(), [7, 1, 40]), RATE_HZ)) == whole
    assert any(s.trajectory_length_m is not None for s in whole)


def lengths_of(block: SampleBlock) -> list[Stride]:
    found = strides(analyse(block, RATE_HZ))
    return [s for s in found if s.next_ic_pod_ns is not None]


def clipped(foot: SimulatedFoot, at_g: float) -> SampleBlock:
    """The same foot on a pod with a small range."""
    limit = at_g * G_MPS2
    flags = ((np.abs(foot.acc_mps2) >= limit) * np.array([1, 2, 4])).sum(axis=1).astype(np.uint8)
    block = foot.block()
    return replace(block, acc_mps2=np.clip(block.acc_mps2, -limit, limit), saturated=flags)


def test_a_clipped_landing_is_done_without(runner: RunnerSimulation, shoe: SimulatedFoot) -> None:
    found = paired(runner, shoe, lengths_of(clipped(shoe, 8.0)))
    mended = [(s, t) for s, t in found if "shock_unseen" in s.spoiled]
    assert len(mended) >= len(found) - 2
    ratios = [s.trajectory_length_m / t.stride_length_m for s, t in mended if s.trajectory_length_m is not None]
    assert len(ratios) == len(mended)
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.06)
    as_if_seen = replace(clipped(shoe, 8.0), saturated=np.zeros(len(shoe), np.uint8))
    trusting = [s.trajectory_length_m for s in lengths_of(as_if_seen) if "shock_unseen" not in s.spoiled]
    true = np.mean([t.stride_length_m for _, t in found])
    off = [abs(one / true - 1.0) for one in trusting if one is not None]
    assert not off or np.mean(off) > abs(np.mean(ratios) - 1.0)


def test_without_standing_a_clipped_landing_leaves_no_length(shoe: SimulatedFoot) -> None:
    whole = clipped(shoe, 8.0)
    running = slice(int(3.5 * RATE_HZ), int(12 * RATE_HZ))
    names = ("t_pod_ns", "acc_mps2", "gyr_radps", "saturated")
    found = lengths_of(replace(whole, **{name: getattr(whole, name)[running] for name in names}))
    unseen = [s for s in found if s.impact_clipped]
    assert unseen
    assert all(s.trajectory_length_m is None for s in found[:-1])


def test_standing_that_was_not_on_this_shoe_is_not_believed() -> None:
    up = Upward((0.0, 0.0, 1.0), 0.5)
    shoe_down = up.with_standing((0.0, G_MPS2, 0.0), (0.0, 0.0, G_MPS2))
    assert shoe_down is up
    joined = up.with_standing((0.0, 1.0, G_MPS2), (0.0, 0.0, G_MPS2))
    assert joined.sd_rad < 0.05
    assert joined.way[1] == pytest.approx(1.0 / np.hypot(1.0, G_MPS2), rel=0.02)


def test_eversion_is_outward_on_either_foot(runner: RunnerSimulation) -> None:
    """The simulated feet land on their outer edge and roll flat: an eversion of both."""
    for side in Side:
        foot = runner.render(side, RATE_HZ)
        found = strides(analyse(foot.block(), RATE_HZ, side))
        rolled = [s.eversion_excursion_deg for s in found if s.eversion_excursion_deg is not None]
        other = strides(analyse(foot.block(), RATE_HZ, side.other))
        wrong = [s.eversion_excursion_deg for s in other if s.eversion_excursion_deg is not None]
        assert np.mean(rolled) > 3.0
        assert np.mean(wrong) < np.mean(rolled) / 2


@pytest.mark.parametrize("side", list(Side))
def test_a_twist_about_the_long_axis_has_the_stated_sign(side: Side) -> None:
    """Right hand about heel-to-toe lifts the left edge: eversion of a left foot."""
    gyr = np.zeros((40, 3))
    gyr[5:25, 0] = np.radians(100.0)
    found = eversion(gyr, RATE_HZ, 2.0, 35, (1.0, 0.0, 0.0), side)
    assert found.peak_dps is not None
    assert found.excursion_deg is not None
    if side is Side.LEFT:
        assert found.peak_dps == pytest.approx(100.0, rel=0.01)
        assert found.excursion_deg == pytest.approx(10.0, rel=0.02)
    else:
        assert found.peak_dps == pytest.approx(0.0, abs=1e-9)
        assert found.excursion_deg == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.floats(-30.0, 40.0), st.floats(1.0, 6.0))
def test_chances_of_a_strike_add_up(angle_deg: float, sd_deg: float) -> None:
    chances = strike_chances(angle_deg, sd_deg)
    assert sum(chances) == pytest.approx(1.0)
    assert all(-1e-12 <= p <= 1.0 + 1e-12 for p in chances)


@pytest.mark.parametrize(("angle_deg", "name"), [(25.0, "rearfoot"), (3.0, "midfoot"), (-9.0, "forefoot")])
def test_clear_strikes_have_a_name(angle_deg: float, name: str) -> None:
    assert strike_type(strike_chances(angle_deg, 2.5)) == name


def test_a_strike_that_may_be_anything_has_none() -> None:
    assert strike_type((0.4, 0.3, 0.3)) is None
    assert max(strike_chances(3.2, 6.0)[0], strike_chances(3.2, 6.0)[2]) > 0.1  # midfoot is never sure


def test_a_falling_pod_travels_nowhere() -> None:
    """Force far from gravity is no stride, and rows of zeros no error."""
    rate = 100.0
    up = Upward((0.0, 0.0, 1.0), 0.01)
    assert travel(np.zeros((70, 3)), up, None, rate, 0.1, shock_seen=True) is None
    axis = Axis(np.array([0.0, -1.0, 0.0]), 5.0, 3, 1.0)
    at = StrideRowsOf(15.0, 40.0, 85.0, 110.0)
    found = stride_motion(np.zeros((130, 3)), np.zeros((130, 3)), axis, rate, at, Side.LEFT)
    assert (found.length_m, found.strike_angle_deg, found.eversion_peak_dps) == (None, None, None)


def test_a_stride_without_its_contacts_has_no_motion() -> None:
    rows = np.ones((100, 3))
    axis = Axis(np.array([0.0, -1.0, 0.0]), 5.0, 3, 1.0)
    for at in (StrideRowsOf(5.0, None, 60.0, 80.0), StrideRowsOf(5.0, 30.0, None, None)):
        assert stride_motion(rows, rows, axis, 100.0, at, Side.LEFT) == StrideMotion()


def test_a_level_push_comes_back_as_its_length() -> None:
    """Half a second forward and half a second back in speed: an exact way, seen in any axes."""
    rate, t = 200.0, np.arange(201) / 200.0
    force = np.zeros((201, 3))
    force[:, 0] = 6.0 * np.sin(2.0 * np.pi * t)
    force[:, 2] = G_MPS2
    way = travel(force, Upward((0.0, 0.0, 1.0), 0.01), None, rate, 0.2, shock_seen=True)
    assert way is not None
    assert way.length_m == pytest.approx(6.0 / (2.0 * np.pi), rel=1e-3)
    assert way.climb_m == pytest.approx(0.0, abs=1e-9)
    assert way.up == pytest.approx([0.0, 0.0, 1.0], abs=1e-9)


def test_a_high_g_channel_does_not_hide_a_clipped_accelerometer(shoe: SimulatedFoot) -> None:
    block = replace(clipped(shoe, 8.0), high_g_mps2=shoe.acc_mps2)
    found = [s for s in lengths_of(block) if s.trajectory_length_m is not None]
    assert sum("shock_unseen" in s.spoiled for s in found) >= len(found) - 2
    assert not any(s.impact_clipped for s in found)


@pytest.mark.data
@pytest.mark.parametrize("variant", ["smooth_200hz", "impact_100hz", "impact_400hz", "hard_400hz"])
def test_length_over_the_belt(sensord_data: Path, variant: str) -> None:
    """Both real runners: the belt is as inertial as the ground, clipped landings included."""

    for source in DERIVED:
        pairs = matched_strides(find(derived(sensord_data, source, variant)), NEAR_RUN_S)
        off = [
            100.0 * (s.trajectory_length_m / t.stride_length_m - 1.0)
            for s, t in pairs
            if s.trajectory_length_m is not None and t.stride_length_m is not None
        ]
        assert len(off) >= len(pairs) - 4
        assert np.mean(np.abs(off)) < 4.0
        assert all(s.strike_angle_deg is not None for s, _ in pairs)
