"""The pitch axis: what has none."""

from __future__ import annotations

import numpy as np
import pytest

from sensord.dsp.alignment import Axis, find_axis
from sensord.model import G_MPS2, FloatArray, Side
from sensord.sim.runner import Run, RunnerSimulation, SimulatedFoot, Stand

RATE = 200.0


def shaken(seed: int, arm_m: float) -> tuple[FloatArray, FloatArray]:
    """A shoe shaken about one axis at 2 Hz for 12 s, `arm_m` from the wrist; every shake a little different."""
    rng = np.random.default_rng(seed)
    t = np.arange(0.0, 12.0, 1 / RATE)
    phase = 2 * np.pi * np.cumsum(2.0 + 0.1 * np.interp(t, np.arange(13.0), rng.normal(size=13))) / RATE
    size = 8.0 * (1 + 0.15 * np.interp(t, np.arange(0.0, 12.5, 0.5), rng.normal(size=25)))
    turning = size * (np.sin(phase) + 0.3 * np.sin(2 * phase + rng.uniform(0, 2 * np.pi)))
    angle = np.cumsum(turning) / RATE
    angle -= angle.mean()
    along = arm_m * np.gradient(turning) * RATE + G_MPS2 * np.sin(angle) + rng.normal(0, 2, len(t))
    outward = arm_m * turning**2 + G_MPS2 * np.cos(angle) + rng.normal(0, 2, len(t))
    acc = np.stack((along, rng.normal(0, 1, len(t)), outward), axis=1)
    gyr = np.stack((rng.normal(0, 0.3, len(t)), -turning, rng.normal(0, 0.3, len(t))), axis=1)
    return acc, gyr


@pytest.mark.parametrize("arm_m", [0.1, 0.3, 0.6])
def test_shaking_about_one_axis_is_no_gait(arm_m: float) -> None:
    """One in fifteen was aligned while a few far travels that agreed by chance were enough."""
    said = [find_axis(*shaken(seed, arm_m), RATE) for seed in range(20)]
    assert not any(isinstance(one, Axis) for one in said)


def test_a_runner_still_is(running_foot: SimulatedFoot) -> None:
    rows = slice(400, 1000)
    assert isinstance(find_axis(running_foot.acc_mps2[rows], running_foot.gyr_radps[rows], running_foot.rate_hz), Axis)


@pytest.mark.parametrize(("speed_mps", "cadence_spm"), [(5.0, 140.0), (5.8, 140.0), (4.0, 120.0), (7.0, 180.0)])
def test_a_long_flight_is_not_taken_for_a_stance(speed_mps: float, cadence_spm: float) -> None:
    """Folded up behind the body the foot turns less than on the ground: the axis was found the wrong way round."""
    script = [Stand(3.0), Run(10.0, speed_mps=speed_mps, cadence_spm=cadence_spm, contact_time_s=0.2), Stand(3.0)]
    foot = RunnerSimulation(script, seed=1).render(Side.RIGHT, RATE)
    rows = slice(700, 2300)
    found = find_axis(foot.acc_mps2[rows], foot.gyr_radps[rows], RATE)
    assert isinstance(found, Axis), found
    assert found.confidence > 0.9
    toe_up = foot.mount.T @ np.array([0.0, -1.0, 0.0])  # y points left
    assert found.vector @ toe_up > 0.9
