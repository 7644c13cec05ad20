"""Contacts of running feet whose truth is known: what the acceleration adds, and what it must not break."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.dsp import timing
from sensord.dsp.alignment import plane_of
from sensord.dsp.braking import HABIT_FROM, FootAcceleration, Habit, vertex
from sensord.dsp.contact import AFTER_PUSH_S, find_contact
from sensord.dsp.timing import corrected_contact_s
from sensord.model import G_MPS2, NS, Side, Stride
from sensord.sim.runner import Move, Run, RunnerSimulation, SensorModel, Stand, running
from tests.dsp.made_feet import analyse, strides

RATE = 200.0
STRIKES_DEG = {"forefoot": -8.0, "midfoot": 2.0, "rearfoot": 20.0}


def errors_ms(script: Move, *, rate_hz: float = RATE, pod: SensorModel | None = None) -> np.ndarray:
    """Found minus true of IC and TC, and the true contact time: (strides, 3), the first and last two left out."""
    simulation = RunnerSimulation([Stand(3), script, Stand(3)], seed=5)
    foot = simulation.render(Side.LEFT, rate_hz, pod)
    rows = []
    for s in strides(analyse(foot.block(), rate_hz)):
        ic = foot.ic_pod_ns[np.abs(foot.ic_pod_ns - s.ic_pod_ns).argmin()]
        later = foot.tc_pod_ns[foot.tc_pod_ns > ic]
        if s.tc_pod_ns is not None and len(later):
            rows.append((s.ic_pod_ns - ic, s.tc_pod_ns - later[0], later[0] - ic))
    return np.array(rows[2:-2]) * 1000.0 / NS


@pytest.mark.parametrize("strike", STRIKES_DEG)
@pytest.mark.parametrize("speed_mps", [1.7, 2.8, 4.5, 6.9])
def test_events_of_every_strike_from_a_slow_jog_to_a_sprint(strike: str, speed_mps: float) -> None:
    off = errors_ms(Move(12, replace(running(speed_mps), strike_angle_deg=STRIKES_DEG[strike])))
    assert len(off) >= 6
    assert np.abs(off[:, :2].mean(axis=0)).max() < 10.0
    assert off[:, 0].std() < 3.0
    assert off[:, 1].std() < 4.0


@pytest.mark.parametrize("strike", STRIKES_DEG)
def test_contact_time_follows_its_truth(strike: str) -> None:
    """Over contact times from 170 to 360 ms; that the simulator's shapes were read off two runners is known."""
    runs = [errors_ms(Move(9, replace(running(v), strike_angle_deg=STRIKES_DEG[strike]))) for v in (1.8, 3.0, 4.5, 6.5)]
    off = np.concatenate(runs)
    slope = np.polyfit(off[:, 2], off[:, 2] + off[:, 1] - off[:, 0], 1)[0]
    assert 0.9 < slope < 1.1


@pytest.mark.parametrize("rate_hz", [100.0, 400.0])
def test_the_rate_moves_no_event(rate_hz: float) -> None:
    script = Run(9, speed_mps=3.2)
    fine, other = errors_ms(script), errors_ms(script, rate_hz=rate_hz)
    assert len(fine) == len(other)
    assert np.abs(fine[:, :2].mean(axis=0) - other[:, :2].mean(axis=0)).max() < 2.5


def test_a_rattling_pod_keeps_to_the_foots_habit() -> None:
    """Without the habit the same landings scatter by 7 ms: braking of the swing becomes the highest peak."""
    script = Move(25, replace(running(3.5), strike_angle_deg=2.0))
    off = errors_ms(script, pod=SensorModel(rattle=1.0))
    assert off[:, 0].std() < 4.5
    assert off[:, 1].std() < 4.0


def test_a_pod_that_rattles_hard_is_not_trusted() -> None:
    script = Move(20, replace(running(3.5), strike_angle_deg=2.0))
    found: dict[float, list[Stride]] = {}
    for rattle in (0.0, 6.0):
        foot = RunnerSimulation([Stand(3), script, Stand(3)], seed=5).render(
            Side.LEFT, RATE, SensorModel(rattle=rattle)
        )
        found[rattle] = strides(analyse(foot.block(), RATE))
    doubted = {
        rattle: np.mean(["unconfirmed_contact" in s.spoiled for s in several]) for rattle, several in found.items()
    }
    assert doubted[0.0] == 0.0
    assert doubted[6.0] > 0.2
    sure = [s.confidence for s in found[0.0]]
    assert min(sure) > max(s.confidence for s in found[6.0] if "unconfirmed_contact" in s.spoiled)


def test_without_acceleration_the_pitch_rate_decides() -> None:
    t = np.arange(0.0, 0.75, 1 / RATE)
    w = np.interp(t, [0.0, 0.12, 0.17, 0.21, 0.3, 0.4, 0.45, 0.55, 0.75], [10, 3, -8, -0.5, -1, -9, -1, 2, 10.0])
    found = find_contact(w, 0, 0, len(w), RATE)
    assert found is not None
    assert found.tc_row is not None
    assert found.tc_row / RATE == pytest.approx(0.4 + AFTER_PUSH_S, abs=0.004)
    assert 0.13 < found.ic_row / RATE < 0.17


# ------------------------------------------------------------------------- the acceleration alone


def foot_with_pulse(at_s: float, rate_hz: float = RATE, angle_rad: float = 0.6) -> tuple[FootAcceleration, float]:
    """A foot at rest whose heel is braked by a 20 ms pulse; the plane's directions turned by an angle."""
    t = np.arange(0.0, 0.8, 1 / rate_hz)
    normal = G_MPS2 + 60.0 * np.exp(-0.5 * ((t - at_s) / 0.01) ** 2)
    plane = np.stack((normal * np.cos(angle_rad), normal * np.sin(angle_rad)), axis=1)
    still = np.zeros(len(t))
    return FootAcceleration(plane, still, still, (0.2 * rate_hz, 0.5 * rate_hz), rate_hz), rate_hz


@settings(deadline=None, max_examples=25)
@given(at_s=st.floats(0.193, 0.209), angle_rad=st.floats(-3.0, 3.0))
def test_landing_is_the_peak_between_samples_whatever_the_mount(at_s: float, angle_rad: float) -> None:
    foot, rate_hz = foot_with_pulse(at_s, angle_rad=angle_rad)
    row, shows = foot.landing(0.2 * rate_hz, Habit())
    assert shows
    assert row / rate_hz == pytest.approx(at_s, abs=0.0005)


def test_a_swing_still_being_braked_harder_does_not_hide_the_landing() -> None:
    """The highest value in reach lies at its edge, the highest peak does not."""
    rate_hz, t = 400.0, np.arange(0.0, 0.8, 1 / 400.0)
    swing, landing = (np.exp(-0.5 * ((t - at_s) / 0.008) ** 2) for at_s in (0.175, 0.211))
    plane = np.stack((G_MPS2 + 600.0 * swing + 60.0 * landing, 0 * t), axis=1)
    foot = FootAcceleration(plane, 0 * t, 0 * t, (0.2 * rate_hz, 0.5 * rate_hz), rate_hz)
    heel, first, _ = foot._heel(0.2 * rate_hz)
    edge, landed = (float(heel[round(at_s * rate_hz) - first]) for at_s in (0.1925, 0.21))
    assert edge > landed
    row, shows = foot.landing(0.2 * rate_hz, Habit())
    assert shows
    assert row / rate_hz == pytest.approx(0.211, abs=0.002)


def test_without_a_landing_in_reach_the_habit_stands_in() -> None:
    """The heel is braked harder and harder beyond where a landing can be."""
    rate_hz, t = RATE, np.arange(0.0, 0.8, 1 / RATE)
    rising = np.stack((10.0 + 200.0 * t, 0 * t), axis=1)
    foot = FootAcceleration(rising, 0 * t, 0 * t, (0.2 * rate_hz, 0.5 * rate_hz), rate_hz)
    assert foot.landing(0.2 * rate_hz, Habit()) == (0.2 * rate_hz, False)
    habit = Habit()
    for _ in range(HABIT_FROM):
        habit.add(0.003)
    row, shows = foot.landing(0.2 * rate_hz, habit)
    assert not shows
    assert row / rate_hz == pytest.approx(0.203)


def test_below_ninety_hertz_landings_are_the_pitch_rates() -> None:
    foot, rate_hz = foot_with_pulse(0.21, rate_hz=60.0)
    assert foot.landing(0.2 * rate_hz, Habit()) == (0.2 * rate_hz, True)


def test_leaving_is_half_way_down_averaged_with_the_pitch_rate() -> None:
    t = np.arange(0.0, 0.8, 1 / RATE)
    thrown = np.interp(t, [0.0, 0.42, 0.44, 0.8], [30.0, 30.0, 5.0, 5.0])
    foot = FootAcceleration(np.stack((thrown, 0 * t), axis=1), 0 * t, 0 * t, (0.2 * RATE, 0.45 * RATE), RATE)
    row, shows = foot.leaving(82, 0.436 * RATE)
    assert shows
    assert row / RATE == pytest.approx((0.43 + 0.436) / 2, abs=0.001)


def test_no_collapse_no_second_sensor() -> None:
    t = np.arange(0.0, 0.8, 1 / RATE)
    steady = np.stack((20.0 + 0 * t, 0 * t), axis=1)
    foot = FootAcceleration(steady, 0 * t, 0 * t, (0.2 * RATE, 0.45 * RATE), RATE)
    assert foot.leaving(82, 88.0) == (88.0, False)
    assert foot.leaving(3, 88.0) == (88.0, False)
    assert foot.leaving(len(t) - 3, 88.0) == (88.0, False)


def test_a_habit_needs_strides_and_says_when_they_disagree() -> None:
    habit = Habit()
    for k in range(HABIT_FROM - 1):
        habit.add(0.004 * (-1) ** k)
    assert habit.usual_s is None
    assert habit.steady
    habit.add(0.004)
    assert habit.usual_s == 0.004
    for k in range(20):
        habit.add(0.005 * (-1) ** k)
    assert not habit.steady
    for _ in range(16):
        habit.add(0.002)
    assert habit.usual_s == 0.002
    assert habit.steady


def test_vertex_of_a_parabola() -> None:
    x = np.arange(8.0)
    assert vertex(-((x - 3.3) ** 2), 3) == pytest.approx(3.3)
    assert vertex(np.zeros(5), 2) == 2.0


@settings(deadline=None, max_examples=25)
@given(st.tuples(*[st.floats(-1.0, 1.0)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1))
def test_the_plane_is_right_handed_with_the_axis(direction: tuple[float, float, float]) -> None:
    axis = np.array(direction) / np.linalg.norm(direction)
    u, v = plane_of(np.eye(3), axis).T
    assert np.cross(u, v) == pytest.approx(axis, abs=1e-12)
    assert np.linalg.norm(u) == pytest.approx(1.0)


# ---------------------------------------------------------------------------------- the timing model


def test_nothing_is_corrected_until_there_are_data(monkeypatch: pytest.MonkeyPatch) -> None:
    assert corrected_contact_s(0.25, 0.7) == 0.25
    monkeypatch.setattr(timing, "B0_S", 0.004)
    monkeypatch.setattr(timing, "B1_S2", 0.01)
    assert corrected_contact_s(0.25, 0.8) == pytest.approx(0.25 + 0.004 + 0.0125)
    assert corrected_contact_s(0.25, None) == 0.25


def test_the_raw_value_is_kept_beside_the_corrected_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "B0_S", 0.004)
    foot = RunnerSimulation([Stand(3), Run(8), Stand(2)], seed=2).render(Side.LEFT, RATE)
    for s in strides(analyse(foot.block(), RATE)):
        if s.contact_time_s is not None:
            assert s.tc_pod_ns is not None
            assert s.contact_time_raw_s is not None
            assert s.contact_time_raw_s == pytest.approx((s.tc_pod_ns - s.ic_pod_ns) / NS)
            assert s.contact_time_s == pytest.approx(s.contact_time_raw_s + 0.004)
        else:
            assert s.contact_time_raw_s is None


def test_a_habit_that_is_missed_again_and_again_is_forgotten() -> None:
    """She changes her strike: what was learned must not keep the new one from being learned."""
    habit = Habit()
    for _ in range(HABIT_FROM):
        habit.add(0.004)
    for _ in range(HABIT_FROM - 1):
        habit.miss()
    assert habit.usual_s == 0.004
    habit.miss()
    assert habit.usual_s is None
