"""What sensors say: units settled by evidence, distance counted once, gaps named."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensord.load.readings import AGREE, CadenceUnit, Moved, Readings
from sensord.load.totals import Totals
from sensord.model import NS, Activity, Reading, RunTotals, StepLengths


def settled(cadences: list[float], *, surely: bool = True) -> int | None:
    unit = CadenceUnit()
    for cadence in cadences:
        unit.see(cadence, surely_running=surely)
    return unit.steps_each


def test_steps_and_strides_are_told_apart_only_while_she_surely_runs() -> None:
    assert settled([168.0] * AGREE) == 1
    assert settled([84.0] * AGREE) == 2
    assert settled([168.0] * (AGREE - 1)) is None
    assert settled([84.0] * 100, surely=False) is None
    assert settled([120.0] * 100) is None


def test_evidence_must_not_contradict_itself() -> None:
    assert settled([168.0, 84.0] * 50) is None
    assert settled([168.0] * (AGREE - 1) + [84.0] * AGREE) == 2


@given(st.lists(st.floats(0, 255), max_size=60))
def test_once_settled_it_stays(cadences: list[float]) -> None:
    assert settled([168.0] * AGREE + cadences) == 1


def said(t_s: float, speed: float, **more: object) -> Reading:
    return Reading(round(t_s * NS), speed_mps=speed, **more)  # type: ignore[arg-type]


def counted(readings: list[Reading], pod: str = "pod") -> tuple[RunTotals, Readings]:
    sensors, totals = Readings(), Totals(StepLengths())
    for reading in readings:
        moved = sensors.add(pod, reading)
        if moved:
            totals.add_moved(moved)
    return totals.now, sensors


def test_a_minute_of_running_by_a_pod_that_counts_strides() -> None:
    totals, sensors = counted([said(t, 3.2, cadence_per_min=85.0, running=True) for t in range(61)])
    assert totals.distance_m == totals.run_distance_m == pytest.approx(192.0)
    assert (totals.run_time_s, totals.walk_time_s) == (60.0, 0.0)
    assert totals.steps == 170  # those of the time before the unit was settled came later, none is lost
    assert sensors.running_cadence_spm == pytest.approx(170.0)
    assert totals.measured
    assert 0 < totals.distance_sd_m < 0.1 * totals.distance_m


def test_without_evidence_there_are_no_steps_but_there_is_distance() -> None:
    totals, sensors = counted([said(t, 1.5, cadence_per_min=60.0) for t in range(61)])
    assert totals.steps == 0
    assert sensors.running_cadence_spm is None
    assert totals.walk_time_s == 60.0


def test_its_own_distance_counts_and_a_lost_link_loses_none_of_it() -> None:
    before = [said(t, 3.0, distance_m=100.0 + 3.1 * t, running=True) for t in range(31)]
    after = [said(90 + t, 3.0, distance_m=100.0 + 3.1 * (90 + t), running=True) for t in range(31)]
    totals, _ = counted(before + after)
    assert totals.distance_m == pytest.approx(3.1 * 120)
    assert totals.estimated_m == 0.0
    assert totals.run_time_s == pytest.approx(120.0)


def test_without_a_distance_a_gap_is_estimated_and_says_so() -> None:
    speeds = [said(t, 3.0, running=True) for t in [*range(31), *range(60, 91)]]
    totals, _ = counted(speeds)
    assert totals.distance_m == pytest.approx(270.0)
    assert totals.estimated_m == pytest.approx(90.0)


def test_a_longer_gap_is_a_break_and_a_distance_that_jumps_is_an_error() -> None:
    totals, _ = counted([said(t, 3.0, running=True) for t in [*range(11), *range(400, 411)]])
    assert totals.distance_m == pytest.approx(60.0)
    jump = [said(t, 3.0, distance_m=3.0 * t + (1e6 if t > 5 else 0), running=True) for t in range(11)]
    assert counted(jump)[0].distance_m == pytest.approx(27.0)


def test_a_distance_that_is_told_every_few_seconds_loses_no_time() -> None:
    coarse = [said(t, 3.0, distance_m=9.0 * (t // 3), running=True, cadence_per_min=170.0) for t in range(61)]
    totals, _ = counted(coarse)
    assert totals.distance_m == pytest.approx(180.0)
    assert totals.run_time_s == pytest.approx(60.0)
    assert totals.steps == pytest.approx(170, abs=3)


def test_a_distance_that_never_grows_is_not_believed() -> None:
    totals, _ = counted([said(t, 3.0, distance_m=0.0, running=True) for t in range(61)])
    assert totals.distance_m == pytest.approx(180.0, abs=20.0)
    assert totals.estimated_m == totals.distance_m


def test_a_distance_set_back_subtracts_nothing() -> None:
    first = [said(t, 3.0, distance_m=1000 + 3.0 * t, running=True) for t in range(11)]
    anew = [said(10 + t, 3.0, distance_m=3.0 * t, running=True, segment=1) for t in range(1, 11)]
    assert counted(first + anew)[0].distance_m == pytest.approx(60.0)


def test_two_sensors_count_once_and_the_other_takes_over() -> None:
    sensors, totals = Readings(), Totals(StepLengths())
    for t in range(61):
        for pod in ("left", "watch"):
            if pod == "left" and t > 30:
                continue
            moved = sensors.add(pod, said(t + 0.3 * (pod == "watch"), 3.0, running=True))
            if moved:
                totals.add_moved(moved)
    assert totals.now.distance_m == pytest.approx(180.0, abs=20.0)
    assert totals.now.run_time_s <= 60.5


def test_standing_adds_nothing() -> None:
    totals, _ = counted([said(t, 0.1, distance_m=0.1 * t) for t in range(61)])
    assert (totals.distance_m, totals.run_time_s, totals.walk_time_s) == (0.0, 0.0, 0.0)


@given(st.lists(st.floats(0.0, 12.0), min_size=2, max_size=40), st.booleans())
def test_distance_is_the_speeds_over_time(speeds: list[float], running: bool) -> None:
    totals, _ = counted([said(t, v, running=running) for t, v in enumerate(speeds)])
    expected = sum((a + b) / 2 for a, b in itertools.pairwise(speeds) if b > 0.3 and a + b > 0)
    assert totals.distance_m == pytest.approx(expected)


def test_a_reading_is_walking_or_running_by_the_best_sign_there_is() -> None:
    def activity(**sign: object) -> Activity:
        sensors = Readings()
        for t in range(AGREE + 2):
            sensors.add("a", said(t, 3.2, cadence_per_min=168.0))
        moved = sensors.add("a", said(AGREE + 2, **sign))  # type: ignore[arg-type]
        assert isinstance(moved, Moved)
        return moved.activity

    assert activity(speed=3.2, running=False) is Activity.WALK
    assert activity(speed=1.9, cadence_per_min=150.0) is Activity.RUN
    assert activity(speed=2.4, cadence_per_min=130.0) is Activity.WALK
    assert activity(speed=2.4) is Activity.RUN
