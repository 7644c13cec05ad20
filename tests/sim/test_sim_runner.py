"""The truth of a simulated run holds together, and the signals are what that truth makes a pod read."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sensord.errors import InputError
from sensord.model import G_MPS2, Activity, Side
from sensord.sim.gait import MAX_DUTY
from sensord.sim.runner import (
    DropOut,
    Limp,
    Move,
    Run,
    RunnerSimulation,
    SensorModel,
    Stand,
    TrueStride,
    Variability,
    Walk,
    running,
    walking,
)

STEADY = Variability.none()


def steady(strides: tuple[TrueStride, ...]) -> tuple[TrueStride, ...]:
    """Without the strides of starting and stopping (their length changes, their timing does not)."""
    return strides[4:-4]


def mean(strides: tuple[TrueStride, ...], name: str) -> float:
    return float(np.mean([getattr(s, name) for s in strides]))


# ------------------------------------------------------------------------------------------------ truth


def test_strides_follow_each_other_and_times_agree() -> None:
    truth = RunnerSimulation([Stand(2), Walk(10), Run(20), DropOut(Side.LEFT, 3), Stand(2)]).truth
    for side in Side:
        strides = truth.strides(side)
        assert len(strides) > 30
        for a, b in itertools.pairwise(strides):
            assert a.next_ic_s == b.ic_s
        for s in strides:
            assert s.ic_s < s.tc_s < s.next_ic_s
            assert s.contact_time_s == s.tc_s - s.ic_s
            assert s.stride_time_s == s.next_ic_s - s.ic_s
            assert s.speed_mps == pytest.approx(s.stride_length_m / s.stride_time_s)
        assert [c.ic_s for c in truth.contacts(side)[1:]] == [*(s.ic_s for s in strides), strides[-1].next_ic_s]


def test_feet_alternate() -> None:
    truth = RunnerSimulation([Stand(2), Run(20), Stand(2)]).truth
    order = sorted([(s.ic_s, s.side) for s in (*truth.left, *truth.right)])
    assert all(a[1] is not b[1] for a, b in itertools.pairwise(order))


def test_what_was_asked_is_what_happens() -> None:
    gait = running(3.2, cadence_spm=174, contact_time_s=0.231, strike_angle_deg=11, impact_g=15)
    truth = RunnerSimulation([Stand(2), Move(120, gait), Stand(2)], seed=3).truth
    for side in Side:
        strides = steady(truth.strides(side))
        assert mean(strides, "stride_time_s") == pytest.approx(gait.stride_time_s, rel=0.005)
        assert mean(strides, "contact_time_s") == pytest.approx(0.231, rel=0.01)
        assert mean(strides, "speed_mps") == pytest.approx(3.2, rel=0.01)
        assert mean(strides, "strike_angle_deg") == pytest.approx(11, abs=0.5)
        assert mean(strides, "impact_peak_g") == pytest.approx(15, rel=0.03)


def test_running_flies_and_walking_has_double_support() -> None:
    truth = RunnerSimulation([Stand(2), Run(10, speed_mps=3.2), Stand(3), Walk(10), Stand(2)]).truth
    for left in truth.left:
        meets = next((r.ic_s for r in truth.right if r.ic_s > left.ic_s), None)
        if meets is not None and meets < left.next_ic_s:
            assert (meets > left.tc_s) is (left.activity is Activity.RUN)


@pytest.mark.parametrize("asked", [-8.0, 4.0])
def test_imposed_asymmetry_is_the_asymmetry_in_truth(asked: float) -> None:
    script = [
        Stand(2),
        Run(20, contact_asymmetry_pct=asked, impact_asymmetry_pct=2 * asked, variability=STEADY),
        Stand(2),
    ]
    truth = RunnerSimulation(script).truth
    for name, want in (("contact_time_s", asked), ("impact_peak_g", 2 * asked)):
        left, right = (mean(steady(truth.strides(s)), name) for s in Side)
        assert 100 * (left - right) / ((left + right) / 2) == pytest.approx(want, abs=0.05)


def test_limp_spares_its_side() -> None:
    truth = RunnerSimulation([Stand(2), Limp(30, Side.RIGHT), Stand(2)]).truth
    left, right = (mean(steady(truth.strides(s)), "contact_time_s") for s in Side)
    assert 100 * (left - right) / ((left + right) / 2) == pytest.approx(12, abs=1.5)
    assert mean(steady(truth.left), "impact_peak_g") > 1.08 * mean(steady(truth.right), "impact_peak_g")


def test_fatigue_drifts() -> None:
    script = [Stand(2), Run(180, contact_drift_pct_per_min=5, variability=STEADY), Stand(2)]
    strides = RunnerSimulation(script).truth.left
    first, last = strides[2], strides[-3]
    minutes = (last.ic_s - first.ic_s) / 60
    grown = 100 * (last.contact_time_s - first.contact_time_s) / running(2.8).contact_time_s
    assert grown == pytest.approx(5 * minutes, rel=0.01)


def test_strides_scatter_and_remember_each_other() -> None:
    var = Variability()
    strides = steady(RunnerSimulation([Stand(2), Run(900), Stand(2)], seed=5).truth.left)
    contact = np.array([s.contact_time_s for s in strides])
    rest = contact - contact.mean()
    assert 100 * rest.std() / contact.mean() == pytest.approx(var.contact_time_pct, rel=0.15)
    assert np.mean(rest[1:] * rest[:-1]) / rest.var() == pytest.approx(var.contact_time_phi, abs=0.08)
    time = np.array([s.stride_time_s for s in strides])
    assert 0.4 < 100 * time.std() / time.mean() < 1.0


def test_distance_is_the_sum_of_what_each_foot_covered() -> None:
    simulation = RunnerSimulation([Stand(2), Walk(15), Run(30), Stand(4), Run(10, speed_mps=4), Stand(2)])
    truth = simulation.truth
    for side in Side:
        x = [c.x_m for c in truth.contacts(side)]
        assert x[0] == 0
        assert x[-1] == pytest.approx(truth.distance_m, abs=1e-12)
        moved = [b - a for a, b in itertools.pairwise(x)]
        assert sum(moved) == pytest.approx(truth.distance_m)
        end = simulation.motion(side).ball(np.array([truth.duration_s]))[0]
        assert end == pytest.approx([truth.distance_m, 0, 0], abs=1e-9)
    steady_m = 15 * 1.4 + 30 * 2.8 + 10 * 4
    assert 0.85 * steady_m < truth.distance_m < steady_m  # three changes of speed and two stops take their share


# ------------------------------------------------------------------------------------------------ motion


def test_stance_does_not_slip_and_swing_clears_the_ground() -> None:
    simulation = RunnerSimulation([Stand(2), Run(12, speed_mps=3.5), Stand(2)])
    motion = simulation.motion(Side.LEFT)
    for s in simulation.truth.left:
        flat = s.ic_s + np.linspace(0.45, 0.75, 20) * s.contact_time_s
        assert np.ptp(motion.ball(flat), axis=0) == pytest.approx([0, 0, 0], abs=0.006)
        swing = s.tc_s + np.linspace(0.15, 0.6, 20) * (s.next_ic_s - s.tc_s)
        assert motion.ball(swing)[:, 2].min() > 0.05


def test_the_turning_points_are_where_force_plates_say() -> None:
    """Pitch rate lowest 8 to 16 ms after initial and 16 to 27 ms before terminal contact (two runners, 20 N)."""
    for strike in (-8.0, 2.0, 12.0, 25.0):
        simulation = RunnerSimulation([Stand(2), Run(8, strike_angle_deg=strike), Stand(2)])
        foot = simulation.render(Side.RIGHT, 2000.0, SensorModel.ideal())
        t, rate = foot.true_time_s, -foot.gyr_radps[:, 1]
        for s in steady(simulation.truth.right):
            landing = (t > s.ic_s - 0.02) & (t < s.ic_s + 0.05)
            push = (t > s.tc_s - 0.08) & (t < s.tc_s + 0.02)
            assert 0.008 < t[landing][np.argmin(rate[landing])] - s.ic_s < 0.016
            assert 0.016 < s.tc_s - t[push][np.argmin(rate[push])] < 0.027


def test_integrating_the_signals_gives_the_path_back() -> None:
    """Strapdown from standing, no correction: path within 1 % of each stride, orientation within 0.2 degrees."""
    script = [Stand(1), Walk(6, impact_g=9), Run(8, speed_mps=3.5), Stand(1)]
    simulation = RunnerSimulation(script, seed=2)
    pod = SensorModel.ideal()
    foot = simulation.render(Side.LEFT, 2000.0, pod)
    motion, t, dt = simulation.motion(Side.LEFT), foot.true_time_s, 1 / 2000.0
    turn = motion.rotation(t)
    acc = np.einsum("nij,nj->ni", turn, foot.acc_mps2) - [0, 0, G_MPS2]
    speed = np.vstack([np.zeros(3), np.cumsum((acc[1:] + acc[:-1]) / 2 * dt, axis=0)])
    path = np.vstack([np.zeros(3), np.cumsum((speed[1:] + speed[:-1]) / 2 * dt, axis=0)])
    for s, after in itertools.pairwise(simulation.truth.left):
        ends = np.searchsorted(t, [x.ic_s + 0.4 * x.contact_time_s for x in (s, after)])  # the foot lies flat
        truly = np.diff(motion.pod(t[ends], np.array(pod.position_m)), axis=0)[0]
        assert np.diff(path[ends], axis=0)[0] == pytest.approx(truly, abs=0.01 * max(s.stride_length_m, 0.5))
        assert np.diff(path[ends, 0])[0] == pytest.approx(s.stride_length_m, rel=0.01)
    middle = (foot.gyr_radps[1:] + foot.gyr_radps[:-1]) / 2 * dt
    at = Rotation.from_matrix(turn[0])
    for step in Rotation.from_rotvec(middle):
        at = at * step
    assert np.rad2deg((at.inv() * Rotation.from_matrix(turn[-1])).magnitude()) < 0.2


def test_starting_and_stopping_are_smooth() -> None:
    simulation = RunnerSimulation([Stand(2), Run(8, variability=STEADY), Stand(2)])
    foot = simulation.render(Side.LEFT, 1000.0, SensorModel.ideal())
    contacts = simulation.truth.left_contacts
    quiet = (foot.true_time_s < contacts[0].tc_s - 0.4) | (foot.true_time_s > contacts[-1].ic_s + 0.4)
    assert quiet.sum() > 2000
    assert np.abs(foot.gyr_radps[quiet]).max() < 1e-6
    assert np.abs(foot.acc_mps2[quiet] - [0, 0, G_MPS2]).max() < 0.01
    jumps = np.abs(np.diff(foot.gyr_radps, axis=0)).max()
    assert jumps < 1.5  # rad/s in 1 ms; a step in the pitch would show as tens
    first_rise = foot.true_time_s < contacts[0].tc_s
    assert np.linalg.norm(foot.acc_mps2[first_rise], axis=1).max() < 6 * G_MPS2


@settings(max_examples=25, deadline=None)
@given(
    speed=st.floats(1.7, 7.0),
    contact=st.floats(0.16, 0.35),
    strike=st.floats(-10.0, 25.0),
    impact=st.floats(9.0, 30.0),
    asymmetry=st.floats(-15.0, 15.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_run_is_plausible(
    speed: float, contact: float, strike: float, impact: float, asymmetry: float, seed: int
) -> None:
    longest = MAX_DUTY[Activity.RUN] * running(speed).stride_time_s
    gait = running(speed, contact_time_s=min(contact, 0.9 * longest), strike_angle_deg=strike, impact_g=impact)
    check_plausible(Move(6.0, gait, contact_asymmetry_pct=asymmetry), seed, pitch_dps=2000.0)


@settings(max_examples=15, deadline=None)
@given(speed=st.floats(0.8, 1.8), strike=st.floats(10.0, 30.0), seed=st.integers(0, 2**32 - 1))
@example(speed=0.875, strike=10.0, seed=1614)  # its last step closes without going on
def test_any_walk_is_plausible(speed: float, strike: float, seed: int) -> None:
    check_plausible(Move(7.0, walking(speed, strike_angle_deg=strike)), seed, pitch_dps=1000.0)


def check_plausible(move: Move, seed: int, pitch_dps: float) -> None:
    simulation = RunnerSimulation([Stand(1), move, Stand(1)], seed=seed)
    truth = simulation.truth
    for side in Side:
        strides = truth.strides(side)
        assert len(strides) >= 2
        times = [t for s in strides for t in (s.ic_s, s.tc_s)]
        assert times == sorted(times)
        assert all(0.1 < s.contact_time_s < 0.76 * s.stride_time_s for s in strides)
        assert all(s.stride_length_m < 1.4 * move.gait.speed_mps * move.gait.stride_time_s for s in strides)
        assert all(s.stride_length_m > 0 for s in strides[:-1])
        # a closing step may stay where the foot stood already, give or take how a foot is set down (SD `placement_m`)
        assert strides[-1].stride_length_m > -5 * move.variability.placement_m
        assert all(1 < s.impact_peak_g < 60 for s in strides)
        foot = simulation.render(side, 500.0, SensorModel.ideal())
        assert np.isfinite(foot.acc_mps2).all()
        assert np.isfinite(foot.gyr_radps).all()
        assert np.abs(np.rad2deg(foot.gyr_radps)).max() < pitch_dps
        assert np.linalg.norm(foot.acc_mps2, axis=1).max() < 65 * G_MPS2
        motion = simulation.motion(side)
        pitch = np.rad2deg(motion.pitch_rad(foot.true_time_s))
        assert -150 < pitch.min() < -15
        assert pitch.max() < 60
        assert motion.ball(foot.true_time_s)[:, 2].min() > -0.08
        asked = [c for c in truth.contacts(side) if c.ic_s is not None]
        assert len(asked) == len(strides) + 1


@settings(max_examples=10, deadline=None)
@given(walk=st.floats(1.0, 1.8), run=st.floats(1.9, 5.0), seed=st.integers(0, 2**32 - 1))
def test_going_from_walk_to_run_and_back_is_plausible(walk: float, run: float, seed: int) -> None:
    script = [Stand(1), Walk(5, speed_mps=walk), Run(5, speed_mps=run), Walk(5, speed_mps=walk), Stand(1)]
    simulation = RunnerSimulation(script, seed=seed)
    for side in Side:
        activities = [s.activity for s in simulation.truth.strides(side)]
        changes = sum(a is not b for a, b in itertools.pairwise(activities))
        assert changes == 2
        foot = simulation.render(side, 500.0, SensorModel.ideal())
        assert np.abs(np.rad2deg(foot.gyr_radps)).max() < 1500
        assert np.linalg.norm(foot.acc_mps2, axis=1).max() < 30 * G_MPS2
        assert simulation.motion(side).ball(foot.true_time_s)[:, 2].min() > -0.08


# ------------------------------------------------------------------------------------------------ the same, mirrored


def test_same_seed_same_bits_other_seed_other_bits() -> None:
    script = [Stand(1), Run(8), Stand(1)]
    a, b, c = (RunnerSimulation(script, seed=s) for s in (1, 1, 2))
    b.render(Side.RIGHT, 100.0)  # what was read before changes nothing
    one, two, other = (s.render(Side.LEFT, 200.0) for s in (a, b, c))
    assert one.acc_mps2.tobytes() == two.acc_mps2.tobytes()
    assert one.gyr_radps.tobytes() == two.gyr_radps.tobytes()
    assert a.truth == b.truth
    assert a.truth.left[3] != c.truth.left[3]
    assert not np.array_equal(one.acc_mps2, other.acc_mps2)


def test_swapping_left_and_right_mirrors_everything() -> None:
    def play(sign: float, first: Side) -> RunnerSimulation:
        return RunnerSimulation([Stand(1), Run(8, contact_asymmetry_pct=sign * 6), Stand(1)], seed=4, first=first)

    a, b = play(+1, Side.LEFT), play(-1, Side.RIGHT)
    for side in Side:
        one = a.render(side, 200.0, SensorModel.ideal())
        two = b.render(side.other, 200.0, SensorModel.ideal())
        assert two.acc_mps2 == pytest.approx(one.acc_mps2 * [1, -1, 1], abs=1e-9)
        assert two.gyr_radps == pytest.approx(one.gyr_radps * [-1, 1, -1], abs=1e-9)
        assert [s.contact_time_s for s in a.truth.strides(side)] == [
            s.contact_time_s for s in b.truth.strides(side.other)
        ]


# ------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ([], "no phases"),
        ([Stand(0)], "0 s"),
        ([Stand(2), Run(2), Stand(2)], "2 s"),
        ([Stand(2), Walk(4, speed_mps=0.8), Stand(2)], "steps fit"),
    ],
)
def test_a_script_that_cannot_be_played_is_refused(script: list, found: str) -> None:
    with pytest.raises(InputError, match=found):
        RunnerSimulation(script)


def test_a_gait_that_no_body_can_do_names_everything_wrong() -> None:
    with pytest.raises(InputError) as caught:
        running(3.0, contact_time_s=0.6, strike_angle_deg=70)
    assert [p.place for p in caught.value.problems] == ["strike_angle_deg", "contact_time_s"]
    with pytest.raises(InputError, match="unknown name"):
        running(3.0, cadence=170)
