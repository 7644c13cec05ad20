"""Gate, contact, alignment, activity, impact: each on signals whose answer is known."""

from __future__ import annotations

from math import radians

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sensord.dsp.alignment import Axis, AxisWatch, Standing, find_axis
from sensord.dsp.contact import find_contact
from sensord.dsp.gate import MidSwingGate, Swing, TouchDown
from sensord.dsp.impact import RawSamples
from sensord.model import G_MPS2, Activity
from sensord.sim.runner import SimulatedFoot

RATE = 200.0


def lobes(period_s: float, height: float, n: int) -> list[float]:
    t = np.arange(0.0, n * period_s, 1 / RATE)
    return (height * np.sin(2 * np.pi * t / period_s)).tolist()


def swings(gate: MidSwingGate, values: list[float]) -> list[int]:
    return [gate.swing_row for i, value in enumerate(values) if gate.step(i, value) is Swing.PASSED]


# ------------------------------------------------------------------------------------------------ gate


def test_one_swing_a_cycle_less_the_delay() -> None:
    found = swings(MidSwingGate(RATE, 0.05, 2.5), [-0.1, *lobes(0.7, 8.0, 5)])
    assert found == pytest.approx([1 + round((k + 0.25) * 140) - 10 for k in range(5)], abs=1)


def test_below_the_floor_there_is_no_swing() -> None:
    assert swings(MidSwingGate(RATE, 0.0, 2.5), lobes(0.7, radians(79.0), 5)) == []


def test_without_turning_back_there_is_no_second_swing() -> None:
    values = [-0.1] + [3.0 + 2.0 * np.sin(i / 10) for i in range(600)]
    assert len(swings(MidSwingGate(RATE, 0.0, 2.5), values)) == 1


def test_walking_after_running_is_not_lost() -> None:
    running, walking = lobes(0.7, 10.0, 8), lobes(1.1, 4.0, 6)
    found = swings(MidSwingGate(RATE, 0.0, 2.5), [-0.1, *running, *walking])
    assert len(found) == 14


def test_a_pause_lowers_the_threshold_again() -> None:
    gate = MidSwingGate(RATE, 0.0, 2.5)
    fast, rest, slow = lobes(0.7, 12.0, 8), [-0.1] * 600, lobes(1.2, 1.6, 2)
    assert len(swings(gate, [-0.1, *fast, *slow])) == 8
    gate.reset()
    assert len(swings(gate, [-0.1, *fast, *rest, *slow])) == 10


def shown(pitch_radps: list[float], jerk_mps3: list[float]) -> int | None:
    """Where a foot that has begun to swing touches down, told the same when it is pushed sample by sample."""
    whole, single = TouchDown(RATE), TouchDown(RATE)
    assert not whole.armed
    whole.arm(0.0)
    single.arm(0.0)
    at = whole.push(pitch_radps, jerk_mps3.__getitem__)
    assert whole.armed == (at is None)
    for i, pitch in enumerate(pitch_radps):
        if single.push([pitch], lambda _, row=i: jerk_mps3[row]) is not None:
            assert i == at
            return at
    assert at is None
    return at


def test_touch_down_shows_by_a_jerk_a_turn_back_or_going_on() -> None:
    assert shown([2.0, -1.0, -2.0, -3.0, -4.0], [0.0, 0.0, 0.0, 5000.0, 0.0]) == 3
    assert shown([2.0, -1.0, -2.0, -1.0, -4.0], [0.0] * 5) == 3
    assert shown([2.0, *(-0.1 * i for i in range(1, 40))], [0.0] * 40) == 1 + round(0.06 * RATE)
    assert shown([2.0, 1.0, 1.5, 2.0], [5000.0] * 4) is None


def test_touch_down_takes_the_jerks_of_this_runner_for_its_measure() -> None:
    touch = TouchDown(RATE)
    for _ in range(8):
        touch.arm(50_000.0)
    assert touch.push([-1.0, -2.0], [0.0, 5000.0].__getitem__) is None
    assert touch.push([-3.0, -4.0], [0.0, 15_000.0].__getitem__) == 1


# --------------------------------------------------------------------------------------------- contact


def stance(ic_s: float, slap: float, push: float, early: float = 0.0) -> np.ndarray:
    """Pitch rate from mid-swing (0 s) to the next (0.7 s): slap after ic_s, push-off, early-swing minimum."""
    points = [(0.0, 10.0), (0.08, 9.0), (ic_s, 0.0), (ic_s + 0.02, slap), (ic_s + 0.06, -0.5), (ic_s + 0.13, -1.0)]
    points += [(ic_s + 0.22, push), (ic_s + 0.27, min(push, early) / 2), (ic_s + 0.32, early), (0.56, 2.0), (0.7, 10.0)]
    t, w = zip(*points, strict=True)
    return np.interp(np.arange(0.0, 0.7, 1 / RATE), t, w)


@pytest.mark.parametrize("slap", [-8.0, -3.0])
@pytest.mark.parametrize("early", [-1.0, -7.5])
def test_contact_is_the_first_minimum_and_push_off_the_next_deep_one(slap: float, early: float) -> None:
    """Neither the shallow slap of a midfoot striker nor a deeper early-swing minimum misleads."""
    w = stance(0.15, slap, -7.0, early)
    found = find_contact(w, 0, 0, len(w), RATE)
    assert found is not None
    assert found.clear
    assert found.ic_row / RATE == pytest.approx(0.165, abs=0.015)
    assert found.tc_row is not None
    assert found.tc_row / RATE == pytest.approx(0.38, abs=0.02)


def test_a_foot_that_is_not_jerked_lands_where_it_turns_toe_down() -> None:
    t = np.arange(0.0, 0.7, 1 / RATE)
    w = np.interp(t, [0.0, 0.15, 0.4, 0.5, 0.7], [10.0, 0.0, -7.0, 0.0, 10.0])
    found = find_contact(w, 0, 0, len(w), RATE)
    assert found is not None
    assert not found.clear
    assert found.ic_row / RATE == pytest.approx(0.15, abs=0.01)


def test_no_contact_is_claimed_before_the_foot_can_have_landed() -> None:
    w = np.interp(np.arange(0.0, 0.2, 1 / RATE), [0.0, 0.15, 0.4], [10.0, 0.0, -7.0])
    assert find_contact(w, 0, 0, len(w), RATE) is None
    assert find_contact(np.full(200, 3.0), 0, 0, 200, RATE) is None


def test_no_push_off_without_a_swing_after_it() -> None:
    w = stance(0.15, -8.0, -7.0)
    found = find_contact(w[:90], 0, 0, 90, RATE)
    assert found is not None
    assert found.tc_row is None


# ------------------------------------------------------------------------------------------- alignment


def test_axis_and_sign_whatever_the_mount(running_foot: SimulatedFoot) -> None:
    rows = slice(400, 1000)
    acc, gyr = running_foot.acc_mps2[rows], running_foot.gyr_radps[rows]
    right = running_foot.mount.T @ np.array([0.0, -1.0, 0.0])  # toe-up turns about the foot's right
    for rotation in Rotation.random(20, rng=np.random.default_rng(0)):
        axis = find_axis(rotation.apply(acc), rotation.apply(gyr), running_foot.rate_hz)
        assert isinstance(axis, Axis)
        assert np.degrees(np.arccos(axis.vector @ rotation.apply(right))) < 10.0
        assert axis.votes >= 3


def test_running_backwards_turns_the_sign(running_foot: SimulatedFoot) -> None:
    """Played backwards the foot turns and travels the other way: the sign comes from travel, not from a mount."""
    rows = slice(400, 1000)
    forward = find_axis(running_foot.acc_mps2[rows], running_foot.gyr_radps[rows], running_foot.rate_hz)
    backward = find_axis(running_foot.acc_mps2[rows][::-1], -running_foot.gyr_radps[rows][::-1], running_foot.rate_hz)
    assert isinstance(forward, Axis)
    assert isinstance(backward, Axis)
    assert forward.angle_deg(backward) > 170.0


def test_noise_has_no_axis() -> None:
    rng = np.random.default_rng(3)
    found = find_axis(rng.normal(size=(1000, 3)) * 5 + [0, 0, G_MPS2], rng.normal(size=(1000, 3)) * 5, RATE)
    assert isinstance(found, str)
    assert "no single axis" in found


def test_turning_on_the_spot_has_no_sign() -> None:
    t = np.arange(0.0, 10.0, 1 / RATE)
    gyr = np.outer(6.0 * np.sin(2 * np.pi * 1.4 * t), [0.0, 1.0, 0.0])
    found = find_axis(np.tile([0.0, 0.0, G_MPS2], (len(t), 1)), gyr, RATE)
    assert isinstance(found, str)
    assert "too few strides" in found


def test_standing_gives_bias_and_gravity() -> None:
    rng = np.random.default_rng(4)
    standing = Standing()
    bias, gravity = np.array([0.02, -0.03, 0.01]), np.array([4.0, 1.0, 8.9])
    standing.window(gravity + rng.normal(0, 0.05, (100, 3)), bias + rng.normal(0, 0.005, (100, 3)))
    assert standing.still_windows == 1
    assert not standing.moving
    assert standing.bias_radps == pytest.approx(bias, abs=0.002)
    assert standing.gravity_mps2 == pytest.approx(gravity, abs=0.02)
    standing.window(gravity + rng.normal(0, 5.0, (100, 3)), rng.normal(0, 3.0, (100, 3)))
    assert standing.still_windows == 0
    assert standing.moving
    assert standing.bias_radps == pytest.approx(bias, abs=0.002)


def test_a_moved_axis_is_believed_at_the_second_check() -> None:
    def axis(angle_deg: float) -> Axis:
        angle = radians(angle_deg)
        return Axis(np.array([np.cos(angle), np.sin(angle), 0.0]), 9.0, 5, 1.0)

    watch, frozen = AxisWatch(), axis(0.0)
    seen = [watch.moved(frozen, Activity.RUN, axis(a)) for a in (4.0, 6.0, 16.0, 5.0, 16.0, 17.0)]
    assert seen == [False, False, False, False, False, True]
    assert watch.suspicious
    far = AxisWatch()
    assert [far.moved(frozen, Activity.RUN, axis(90.0)) for _ in range(2)] == [False, True]
    assert not AxisWatch().moved(frozen, Activity.WALK, axis(12.0))


# --------------------------------------------------------------------------------------------- impact


def test_impact_is_the_raw_peak_and_a_clipped_one_a_floor() -> None:
    raw = RawSamples(1000)
    t_ns = np.arange(100) * 5_000_000 + 10**12
    acc = np.tile([0.0, 0.0, G_MPS2], (100, 1))
    acc[52], acc[80] = [0.0, 12 * G_MPS2, 5 * G_MPS2], [0.0, 0.0, 30 * G_MPS2]
    saturated = np.zeros(100, np.uint8)
    raw.append(t_ns, acc, saturated)
    peak = raw.impact(int(t_ns[50]))
    assert peak is not None
    assert (peak.peak_g, peak.clipped) == (pytest.approx(13.0), False)
    saturated[52] = 0b000010
    raw.clear()
    raw.append(t_ns, acc, saturated)
    clipped = raw.impact(int(t_ns[50]))
    assert clipped is not None
    assert (clipped.peak_g, clipped.clipped) == (pytest.approx(13.0), True)
    assert raw.impact(int(t_ns[0]) - 10**9) is None
    saturated[60] = 0b100000
    assert not raw.gyro_clipped(int(t_ns[40]), int(t_ns[59]))
    raw.clear()
    raw.append(t_ns, acc, saturated)
    assert raw.gyro_clipped(int(t_ns[40]), int(t_ns[61]))
