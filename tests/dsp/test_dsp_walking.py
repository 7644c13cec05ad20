"""The walking rule on drawn and simulated steps, turning steps, and what is no step."""

from __future__ import annotations

import numpy as np
import pytest

from sensord.dsp.pivot import find_pivots, set_down
from sensord.dsp.walking import WalkWindow
from sensord.model import NS, Activity, FloatArray, Side
from sensord.sim.runner import RunnerSimulation, Stand, Walk
from tests.dsp.made_feet import analyse, contacts_s, match, strides, toe_offs_s

RATE = 200.0


def step(*, slap: float = -5.0, push: float = -9.0, rate: float = RATE) -> FloatArray:
    """Pitch rate from mid-swing to the beginning of the next swing (1.0 s): heel at 0.2 s, toe off at 0.88 s."""
    points = [(0.0, 6.0), (0.1, 6.0), (0.2, 0.0), (0.24, slap), (0.34, 0.0), (0.65, 0.0), (0.87, push)]
    points += [(0.91, 0.0), (1.0, 4.0)]
    t, w = zip(*points, strict=True)
    return np.interp(np.arange(0.0, 1.0, 1 / rate), t, w)


def window(pitch: FloatArray, turning: FloatArray | None = None, rate: float = RATE) -> WalkWindow:
    return WalkWindow(pitch, np.abs(pitch) if turning is None else turning, (0, 0, len(pitch)), rate)


@pytest.mark.parametrize("rate", [50.0, 100.0, 200.0, 1000.0])
def test_heel_strike_on_the_way_to_the_slap_and_toe_off_on_the_last_rise(rate: float) -> None:
    walk = window(step(rate=rate), rate=rate)
    (found,) = walk.contacts()
    assert found.clear
    assert found.ic_row / rate == pytest.approx(0.215, abs=0.012)
    assert found.tc_row is not None
    assert found.tc_row / rate == pytest.approx(0.882, abs=0.015)
    signs = walk.signs
    assert signs is not None
    assert signs.contact_s == pytest.approx((found.tc_row - found.ic_row) / rate, abs=1e-9)
    assert signs.flat_s == pytest.approx(0.31, abs=0.05)
    assert signs.follow_s == pytest.approx(0.06, abs=0.03)


def test_times_do_not_depend_on_where_the_window_lies() -> None:
    pitch = np.concatenate((np.full(30, 6.0), step(), np.full(30, 5.0)))
    there = WalkWindow(pitch, np.abs(pitch), (970, 1000, 1200), RATE).contacts()[0]
    here = WalkWindow(pitch, np.abs(pitch), (-30, 0, 200), RATE).contacts()[0]
    assert there.tc_row is not None
    assert here.tc_row is not None
    assert (there.ic_row - 1000, there.tc_row - 1000) == pytest.approx((here.ic_row, here.tc_row), abs=1e-9)


def test_a_foot_set_down_flat_is_unclear() -> None:
    (found,) = window(step(slap=-0.3)).contacts()
    assert not found.clear
    assert found.ic_row / RATE == pytest.approx(0.16, abs=0.03)


def test_no_contact_before_the_foot_can_have_landed_and_none_without_toe_down() -> None:
    assert window(step()[:42]).contacts() == []
    assert window(np.full(200, 3.0)).contacts() == []


def test_no_push_off_without_a_swing_after_it() -> None:
    (found,) = window(step()[:170]).contacts()
    assert found.tc_row is None
    assert window(step()[:170]).signs is None


def test_a_turning_step_is_seen_between_two_others() -> None:
    """The foot turns about the upright axis for 0.5 s while it hardly pitches."""
    pitch = np.concatenate((step()[:120], np.zeros(180), step()[120:]))
    turning = np.abs(pitch)
    turning[180:280] += 4.0 * np.sin(np.pi * np.arange(100) / 100)
    first, second = window(pitch, turning).contacts()
    assert first.tc_row is not None
    assert first.tc_row / RATE == pytest.approx(0.98, abs=0.03)
    assert second.ic_row / RATE == pytest.approx(1.315, abs=0.03)
    assert (first.clear, second.clear) == (True, False)
    assert second.tc_row is not None
    assert second.tc_row / RATE == pytest.approx(1.782, abs=0.015)


@pytest.mark.parametrize(("size", "seconds"), [(1.5, 0.5), (6.0, 0.1)])
def test_settling_and_slow_shifts_are_no_turning_steps(size: float, seconds: float) -> None:
    turning = np.full(400, 0.1)
    n = round(seconds * RATE)
    turning[150 : 150 + n] += size * np.sin(np.pi * np.arange(n) / n)
    assert find_pivots(turning, RATE) == []


def test_motion_at_the_ends_of_a_window_is_no_turning_step() -> None:
    turning = np.full(400, 0.1)
    turning[:80] = turning[340:] = 5.0
    assert find_pivots(turning, RATE) == []
    assert find_pivots(turning[:10], RATE) == []


def test_a_foot_is_down_where_its_turning_has_fallen_for_the_last_time() -> None:
    assert set_down(np.array([0.0, 4.0, 1.0, 3.0, 1.0, 0.0])) == pytest.approx(3.5)
    assert set_down(np.array([1.0, 2.0])) == 1.0


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("speed_mps", [0.7, 1.2, 1.8])
def test_every_walking_contact_at_any_speed(side: Side, speed_mps: float) -> None:
    """The simulator's walk was read off one of the recordings: consistency, not accuracy."""
    foot = RunnerSimulation([Stand(3), Walk(16, speed_mps=speed_mps), Stand(3)], seed=9).render(side, RATE)
    items = analyse(foot.block(), RATE, side)
    ic = match(contacts_s(items), list(foot.ic_pod_ns / NS), within_s=0.1)
    tc = match(toe_offs_s(items), list(foot.tc_pod_ns / NS)[1:], within_s=0.03)
    assert (ic.missed, ic.invented, tc.missed, tc.invented) == ([], [], [], [])
    regular = match(contacts_s(items)[1:-1], list(foot.ic_pod_ns / NS)[1:-1], within_s=0.05)
    assert regular.missed == []
    assert abs(regular.bias_ms) < 20.0
    assert regular.sd_ms < 3.0
    assert {s.activity for s in strides(items)} == {Activity.WALK}
