"""Whole runs and walks on simulated pods: nothing lost, nothing invented, called what they are; and what is no gait.

The simulator's shapes were read off a handful of recordings: this is consistency, not accuracy.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sensord.dsp.ground import on_ground
from sensord.model import G_MPS2, NS, Activity, Contact, FloatArray, Side, Stride
from sensord.sim.runner import Phase, Run, RunnerSimulation, SensorModel, SimulatedFoot, Stand, Walk
from tests.dsp.made_feet import analyse, block, contacts_s, match, strides

RATE = 200.0
NEAR_S = 0.06


def played(*phases: Phase, seed: int = 1) -> RunnerSimulation:
    return RunnerSimulation([Stand(3), *phases, Stand(3)], seed=seed)


def outside_gaps(times_s: list[float], foot: SimulatedFoot, said: list[Stride]) -> list[float]:
    """Times that lie in no missing samples and in no stride that is marked for them."""
    t = foot.t_pod_ns
    holes = np.flatnonzero(np.diff(t) > 1.5 * NS / foot.rate_hz)
    marked = [(t[i], t[i + 1]) for i in holes]
    marked += [(s.ic_pod_ns, s.next_ic_pod_ns or s.ic_pod_ns + NS) for s in said if s.gap]
    near = 0.05 * NS
    return [x for x in times_s if not any(a - near <= x * NS <= b + near for a, b in marked)]


# -------------------------------------------------------------------------------------- nothing lost or invented


@pytest.mark.parametrize("strike_deg", [-10.0, 3.0, 20.0])
@pytest.mark.parametrize("speed_mps", [1.7, 3.5, 7.0])
def test_every_running_contact_from_6_to_25_kmh(speed_mps: float, strike_deg: float) -> None:
    simulation = played(Run(9, speed_mps=speed_mps, strike_angle_deg=strike_deg), seed=int(10 * speed_mps))
    for side, rate_hz, loss in ((Side.LEFT, RATE, 0.0), (Side.LEFT, RATE, 0.02), (Side.RIGHT, 100.0, 0.02)):
        foot = simulation.render(side, rate_hz, SensorModel(loss=loss))
        said = strides(analyse(foot.block(), rate_hz, side))
        found = match(contacts_s(said), list(foot.ic_pod_ns / NS), NEAR_S)
        assert outside_gaps(found.missed, foot, said) == []
        assert outside_gaps(found.invented, foot, said) == []
        assert {s.activity for s in said} == {Activity.RUN}
        assert loss or not any(s.gap for s in said)


def test_at_60_hz_too() -> None:
    foot = played(Walk(5), Run(6)).render(Side.LEFT, 60.0)
    found = match(contacts_s(analyse(foot.block(), 60.0)), list(foot.ic_pod_ns / NS), NEAR_S)
    assert (found.missed, found.invented) == ([], [])


# ------------------------------------------------------------------------------------------------ walk or run


def wrongly_called(simulation: RunnerSimulation, side: Side, rate_hz: float = RATE) -> list[int]:
    """Numbers of the true strides that are called something else, or nothing."""
    foot = simulation.render(side, rate_hz)
    said = strides(analyse(foot.block(), rate_hz, side))
    true = simulation.truth.strides(side)
    assert len(said) == len(true)
    return [i for i, (one, other) in enumerate(zip(said, true, strict=True)) if one.activity is not other.activity]


@pytest.mark.parametrize("walk_mps", [1.0, 1.8])
@pytest.mark.parametrize("run_mps", [1.7, 2.5, 4.0])
def test_every_change_is_told_with_its_first_stride(walk_mps: float, run_mps: float) -> None:
    walk, run = Walk(5, speed_mps=walk_mps), Run(5, speed_mps=run_mps)
    simulation = played(walk, run, walk, run, seed=3)
    assert wrongly_called(simulation, Side.LEFT) == []
    assert wrongly_called(simulation, Side.RIGHT) == []


@pytest.mark.parametrize(("cadence", "contact_s"), [(142, 0.45), (150, 0.43), (145, 0.40)])
def test_a_jog_of_6_kmh_without_flight_is_running(cadence: float, contact_s: float) -> None:
    jog = Run(8, speed_mps=1.7, cadence_spm=cadence, contact_time_s=contact_s)
    assert wrongly_called(played(jog), Side.LEFT) == []
    assert wrongly_called(played(Walk(5, speed_mps=1.5), jog, Walk(5)), Side.LEFT) == []


@pytest.mark.parametrize(("cadence", "contact_s"), [(None, None), (140, 0.49), (150, 0.45)])
def test_walking_8_kmh_is_walking(cadence: float | None, contact_s: float | None) -> None:
    fast = Walk(8, speed_mps=2.2, cadence_spm=cadence, contact_time_s=contact_s)
    assert wrongly_called(played(fast), Side.RIGHT) == []
    assert wrongly_called(played(fast), Side.RIGHT, 100.0) == []


# ---------------------------------------------------------------------------------------- provisional contacts


@pytest.mark.parametrize("rate_hz", [100.0, 200.0, 400.0])
def test_a_contact_shows_within_40_ms(rate_hz: float) -> None:
    simulation = played(Walk(6, speed_mps=1.2), Run(5, speed_mps=1.8), Run(5, speed_mps=5.0), Walk(5), seed=4)
    foot = simulation.render(Side.LEFT, rate_hz)
    shown = np.array([item.t_pod_ns for item in analyse(foot.block(), rate_hz) if isinstance(item, Contact)])
    true = foot.ic_pod_ns[foot.ic_pod_ns > shown[0] - NS // 10]
    late_ms = np.array([(shown[np.abs(shown - t).argmin()] - t) / 1e6 for t in true])
    assert len(shown) == len(true)
    assert np.percentile(late_ms, 95) <= 40.0
    assert late_ms.min() > -40.0


# ------------------------------------------------------------------------------------------------ no gait at all


@pytest.fixture(scope="module")
def before() -> SimulatedFoot:
    """A walk and a run that make the axis known."""
    return played(Walk(5), Run(5), seed=4).render(Side.LEFT, RATE)


def after(foot: SimulatedFoot, pitch_rad: FloatArray, turned_rad: FloatArray | None = None) -> list[Stride]:
    """Strides that begin after the recording, when the foot is then turned so from how it stood."""
    whole = foot.block()
    t_ns = whole.t_pod_ns[-1] + (1 + np.arange(len(pitch_rad))) * round(NS / RATE)
    pitch, up = foot.mount.T @ np.array([0.0, -1.0, 0.0]), foot.mount.T @ np.array([0.0, 0.0, 1.0])
    acc = Rotation.from_rotvec(np.outer(pitch_rad, pitch)).inv().apply(whole.acc_mps2[-100:].mean(axis=0))
    gyr = np.outer(np.gradient(pitch_rad, 1 / RATE), pitch)
    if turned_rad is not None:
        gyr += np.outer(np.gradient(turned_rad, 1 / RATE), up)
    rng = np.random.default_rng(0)
    acc, gyr = acc + rng.normal(0, 0.1, acc.shape), gyr + rng.normal(0, 0.01, gyr.shape)
    late = replace(block(t_ns / NS, acc, gyr), t_pod_ns=t_ns)
    return [s for s in strides(analyse([whole, late], RATE)) if (s.next_ic_pod_ns or s.ic_pod_ns) > t_ns[0]]


SECONDS = np.arange(0.0, 8.0, 1 / RATE)


@pytest.mark.parametrize("turns_per_s", [0.6, 1.0, 1.5])
@pytest.mark.parametrize("swing_deg", [20.0, 40.0])
def test_pedalling_is_no_gait(before: SimulatedFoot, turns_per_s: float, swing_deg: float) -> None:
    assert after(before, np.radians(swing_deg) * np.sin(2 * np.pi * turns_per_s * SECONDS)) == []


def test_standing_and_heel_raises_are_no_gait(before: SimulatedFoot) -> None:
    assert after(before, np.zeros_like(SECONDS)) == []
    assert after(before, -np.radians(40.0) * np.maximum(0.0, np.sin(np.pi * SECONDS)) ** 2) == []


def test_turning_on_the_spot_is_no_gait(before: SimulatedFoot) -> None:
    """Lifted, turned by 60 degrees, set down, again and again, pitching a little."""
    cycle = SECONDS / 1.2
    moved = (1.0 - np.cos(np.pi * np.clip((cycle % 1.0 - 0.2) / 0.3, 0.0, 1.0))) / 2
    turned = np.radians(60.0) * (np.floor(cycle) + moved)
    assert after(before, np.radians(8.0) * np.sin(2 * np.pi * cycle), turned) == []


def test_a_stride_after_a_turning_step_counts_from_that_step() -> None:
    """Walking, she stops with one foot flat, turns it in a step, and walks on: longer than a stride after its swing."""
    foot = played(Walk(12), seed=3).render(Side.LEFT, RATE)
    whole = foot.block()
    flat = int(np.searchsorted(whole.t_pod_ns, foot.ic_pod_ns[6] + 0.35 * NS))
    seconds = np.arange(0.0, 2.0, 1 / RATE)
    turned = np.radians(60.0) * (1.0 - np.cos(np.pi * np.clip((seconds - 0.7) / 0.6, 0.0, 1.0))) / 2
    up = foot.mount.T @ np.array([0.0, 0.0, 1.0])
    rng = np.random.default_rng(0)
    acc = whole.acc_mps2[-100:].mean(axis=0) + rng.normal(0, 0.1, (len(seconds), 3))
    gyr = np.outer(np.gradient(turned, 1 / RATE), up) + rng.normal(0, 0.01, (len(seconds), 3))
    acc, gyr = (np.insert(old, flat, new, axis=0) for old, new in ((whole.acc_mps2, acc), (whole.gyr_radps, gyr)))
    said = strides(analyse(block(np.arange(len(acc)) / RATE, acc, gyr), RATE))
    set_down_s = flat / RATE + 1.2
    (after_it,) = [s for s in said if abs(s.ic_pod_ns / NS - set_down_s) < 0.15]
    assert after_it.next_ic_pod_ns is not None
    assert after_it.tc_pod_ns is not None
    assert 1.0 < (after_it.next_ic_pod_ns - after_it.ic_pod_ns) / NS < 2.5


def test_tapping_the_toes_is_no_run_and_slowly_not_trusted(before: SimulatedFoot) -> None:
    def taps(a_second: float) -> FloatArray:
        return np.asarray(np.radians(30.0) * np.maximum(0.0, np.sin(2 * np.pi * a_second * SECONDS)) ** 2)

    assert after(before, taps(1.5)) == []
    assert all(s.confidence <= 0.3 for s in after(before, taps(1.0)))


def test_shaking_the_shoe_is_not_trusted(before: SimulatedFoot) -> None:
    said = after(before, np.radians(10.0) * np.sin(2 * np.pi * 3.0 * SECONDS))
    assert all(s.confidence < 0.1 for s in said)


def test_ground_is_a_jerk_or_a_rest() -> None:
    turning = 3.0 + 2.0 * np.sin(np.arange(200) / 10)
    smooth = G_MPS2 + 10.0 * np.sin(np.arange(200) / 30)
    struck = smooth + np.where(np.abs(np.arange(200) - 50) < 2, 20.0, 0.0)
    assert not on_ground(smooth, turning, 50.0, RATE)
    assert on_ground(struck, turning, 50.0, RATE)
    assert not on_ground(struck, turning, 120.0, RATE)  # struck long before
    assert on_ground(smooth, np.where(np.abs(np.arange(200) - 120) < 20, 0.1, turning), 50.0, RATE)


def test_noise_does_not_make_ground_at_high_rates() -> None:
    rng = np.random.default_rng(1)
    for rate_hz in (200.0, 400.0):
        acc = G_MPS2 + rng.normal(0, 0.1, 500)
        assert not on_ground(acc, np.full(500, 3.0), 250.0, rate_hz)
