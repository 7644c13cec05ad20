"""Runs with sensors that compute for themselves: mileage counts, nothing else is claimed, and pods learn from them."""

from __future__ import annotations

from typing import Any

import pytest

from sensord.drivers import DRIVERS
from sensord.drivers.base import PodInfo
from sensord.late_run import RecordedPod, recorded_inputs
from sensord.model import NS, Event, Input, Mark, MarkKind, Packet, PodSetup, Reading, RunSetup, Tick
from sensord.pipeline import Pipeline
from sensord.sim.pods.standard import Moving, StandardPodSim
from sensord.sim.script import Run, Stand, Walk
from tests.drivers.wireless import Wire
from tests.worlds import world

SENSOR = "C0:00:00:00:00:09"
STANDARD = DRIVERS["standard"]

PLAN = """
schema = "rtr-plan/1"
id = "km"
title = "One kilometre"

[runner]
alias = "runner-1"
injured_side = "left"

[limit.distance]
counts = "run"
warn = "0.9 km"
stop = "1 km"

[impact]
metric = "peak_accel"
mount = "laces"
baseline = {mode = "fixed", value_g = 8.0}
warn_pct = 115

[asymmetry.contact_time]
formula = "si_signed"
baseline = {mode = "fixed", value = 0.0}
warn = 5.0
"""


def heard(seconds: float, *, lost_s: tuple[float, float] | None = None, **options: Any) -> list[Input]:
    """A link, a packet a measurement, a tick a second; the link is lost in between."""
    wire = Wire(StandardPodSim(SENSOR, "sim", now_ns=0, **options))
    info = wire.start(STANDARD)
    inputs: list[Input] = [Mark(0, MarkKind.LINK_UP, {"pod": SENSOR, "info": info.to_json()})]
    inputs += [Packet(SENSOR, p.t_ns, p.characteristic, p.payload) for p in wire.listen(round(seconds * NS))]
    if lost_s is not None:
        low, high = (round(s * NS) for s in lost_s)
        inputs = [i for i in inputs if not low < i.t_ns < high]
        inputs.append(Mark(low + 2 * NS, MarkKind.LINK_DOWN, {"pod": SENSOR, "reason": "link lost", "detail": ""}))
        inputs.append(Mark(high, MarkKind.LINK_UP, {"pod": SENSOR, "info": info.to_json()}))
    inputs += [Tick(s * NS, s * NS) for s in range(1, int(seconds))]
    return sorted(inputs, key=lambda i: i.t_ns)


def setup(plan: str | None = PLAN) -> RunSetup:
    return RunSetup("r", "runner-1", "home", "gateway", (PodSetup(SENSOR, None, "standard"),), plan_text=plan)


def told(inputs: list[Input], run: RunSetup) -> list[Event]:
    pipeline = Pipeline(run)
    return [e for i in inputs for e in pipeline.push(i)] + pipeline.flush()


def of(events: list[Event], kind: str) -> list[Any]:
    return [e.payload for e in events if e.kind == kind]


def test_a_foot_pod_alone_keeps_the_mileage_limit_and_claims_nothing_else() -> None:
    events = told(heard(420.0), setup())
    alerts = of(events, "alert")
    assert [(a["rule"], a["level"]) for a in alerts] == [("limit.distance", "warn"), ("limit.distance", "stop")]
    assert alerts[1]["value"] == pytest.approx(1000, abs=4)
    states = {s["rule"]: s for s in of(events, "limit_state")}
    assert states["limit.distance"]["status"] == "over"
    assert states["impact"]["status"] == states["asymmetry.contact_time"]["status"] == "not_checked"
    assert states["asymmetry.contact_time"]["reason"] == "no pod on a foot"
    (summary,) = of(events, "summary")
    assert summary["distance_m"] == pytest.approx(2.8 * 419, rel=0.01)
    assert summary["cadence_spm"] == pytest.approx(168.0, abs=1)
    assert summary["speed_mps"] == pytest.approx(2.8, rel=0.01)
    assert summary["heart_rate_bpm"] == 145.0
    assert (summary["strides_left"], summary["contact_time_left_s"], summary["impact_left_g"]) == (0, None, None)
    assert summary["limits_checked"] == 1
    assert not of(events, "stride")


def test_the_page_sees_speed_cadence_and_heart_rate_with_their_source() -> None:
    windows = of(told(heard(60.0), setup(None)), "gait")
    last = windows[-1]
    assert last["activity"] == "run"
    assert last["cadence_spm"] == 168.0
    assert (last["speed_source"], last["heart_rate_bpm"]) == ("sensor", 145.0)
    assert last["left"]["n"] == last["right"]["n"] == 0
    assert windows[2]["cadence_spm"] is None  # steps or strides: not settled yet


def test_walking_does_not_count_as_running() -> None:
    walking = heard(300.0, moving=lambda _: Moving(1.4, 110.0))
    (summary,) = of(told(walking, setup()), "summary")
    assert summary["run_time_s"] == 0.0
    assert summary["walk_time_s"] == pytest.approx(298, abs=3)


def test_a_lost_link_loses_no_distance_where_the_pod_counts_itself() -> None:
    whole, torn = (of(told(heard(300.0, lost_s=lost), setup()), "summary")[0] for lost in (None, (100.0, 160.0)))
    assert torn["distance_m"] == pytest.approx(whole["distance_m"], abs=0.5)
    assert torn["run_time_s"] == pytest.approx(whole["run_time_s"], abs=2)


def test_a_strap_alone_is_no_run() -> None:
    events = told(heard(60.0, profiles=("heart",)), setup())
    assert of(events, "gait") == []
    assert [c["state"] for c in of(events, "run")] == ["ready", "ended"]


def test_pods_learn_their_speed_from_the_sensor_and_its_distance_is_not_counted_twice() -> None:
    """Both feet run at 3.0 m/s, the sensor says 3.3: strides told by it come to 3.3, and the distance is theirs."""
    short = world((Stand(3.0), Walk(5.0), Run(90.0, speed_mps=3.0), Stand(3.0)))
    pods = (*short.setup.pods, PodSetup(SENSOR, None, "standard"))
    run = RunSetup("r", "runner-1", "home", "gateway", pods)
    at_8s = Moving(0.0, 0.0), Moving(3.3, 168.0)
    sensor = [i for i in heard(99.0, moving=lambda s: at_8s[s > 10]) if not isinstance(i, Tick)]
    alone = of(told(list(short.inputs), run), "summary")[0]
    both = of(told(sorted([*short.inputs, *sensor], key=lambda i: i.t_ns), run), "summary")[0]
    assert alone["speed_mps"] == pytest.approx(3.0, rel=0.05)
    assert both["speed_mps"] == pytest.approx(3.3, rel=0.03)
    assert both["distance_m"] == pytest.approx(alone["distance_m"] * 1.1, rel=0.05)
    assert both["strides_left"] == alone["strides_left"]


def test_the_order_of_a_sensors_readings_and_any_cut_give_the_same() -> None:
    inputs = heard(60.0)
    pipeline = Pipeline(setup())
    again = [e for i in inputs for e in pipeline.push(i)] + pipeline.flush()
    assert again == told(inputs, setup())


def test_pods_without_a_clock_give_no_times_between_the_feet() -> None:
    """Their losses cannot be seen, so however well arrivals fit, the feet are not known to be in step."""
    short = world((Stand(3.0), Run(40.0, speed_mps=3.0), Stand(3.0)))
    clockless = [
        Mark(i.t_ns, i.kind, {**i.data, "info": {**i.data["info"], "clock": "none"}})
        if isinstance(i, Mark) and i.kind is MarkKind.LINK_UP
        else i
        for i in short.inputs
    ]
    with_clock, without = (of(told(list(inputs), short.setup), "stride") for inputs in (short.inputs, clockless))
    assert any(s["step_time_s"] is not None for s in with_clock)
    assert all(s["step_time_s"] is None for s in without)
    assert [s["contact_time_s"] for s in without] == [s["contact_time_s"] for s in with_clock]


def test_each_of_two_sensors_is_missed_by_itself() -> None:
    """A strap that stays and a foot pod that goes (and the other way round) are two, not one that goes and comes."""
    strap = "C0:00:00:00:00:08"
    inputs = heard(120.0, lost_s=(30.0, 90.0))
    (link, *_) = inputs
    assert isinstance(link, Mark)
    pods = (*setup().pods, PodSetup(strap, None, "standard"))
    run = RunSetup("r", "runner-1", "home", "gateway", pods)
    both = [Mark(0, MarkKind.LINK_UP, {**link.data, "pod": strap}), *inputs]
    alerts = of(told(both, run), "alert")
    assert [(a["rule"], a["phase"]) for a in alerts] == [("pod.sensor-1", "onset"), ("pod.sensor-1", "recovery")]
    never = of(told([i for i in inputs if not (i.t_ns and isinstance(i, Mark))], run), "alert")
    assert [(a["rule"], a["phase"]) for a in never] == [("pod.sensor-2", "onset")]


def test_a_gap_in_a_recording_is_no_pod_that_is_missing() -> None:
    info = PodInfo("recorded", "a watch", "", "1", 0.0, 0.0, 0.0, "none")
    readings = [Reading(t * NS, speed_mps=3.0, running=True) for t in (*range(30), *range(90, 120))]
    inputs = recorded_inputs([RecordedPod("watch", info, readings=readings)], wall_ns=0)
    run = RunSetup("r", "runner-1", "home", "gateway", (PodSetup("watch", None, "recorded"),))
    events = told(list(inputs), run)
    assert of(events, "alert") == []
    assert of(events, "summary")[0]["distance_m"] == pytest.approx(3.0 * 119, rel=0.02)


def test_when_no_foot_is_linked_any_more_a_sensor_goes_on_counting() -> None:
    """Both foot pods die after half a minute, the sensor does not: neither the distance nor the run ends there."""
    short = world((Stand(3.0), Run(57.0, speed_mps=3.0)))
    pods = (*short.setup.pods, PodSetup(SENSOR, None, "standard"))
    run = RunSetup("r", "runner-1", "home", "gateway", pods)
    until_ns = 30 * NS
    feet = [i for i in short.inputs if i.t_ns < until_ns and not isinstance(i, Tick)]
    gone = [
        Mark(until_ns, MarkKind.LINK_DOWN, {"pod": p.pod, "reason": "link lost", "detail": ""})
        for p in short.setup.pods
    ]
    sensor = heard(630.0, moving=lambda s: Moving(3.0 if s > 3.0 else 0.0, 168.0))
    inputs = sorted([*feet, *gone, *sensor], key=lambda i: i.t_ns)
    (summary,) = of(told(inputs, run), "summary")
    assert summary["distance_m"] == pytest.approx(3.0 * 626, rel=0.03)
    assert summary["run_time_s"] == pytest.approx(626, rel=0.02)
