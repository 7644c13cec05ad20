"""A runner on every kind of pod that measures: through the driver, its bytes and the whole pipeline, to strides."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from sensord.drivers import DRIVERS, SENSORS
from sensord.drivers.base import PodInfo, Wanted
from sensord.model import NS, Event, Input, Mark, MarkKind, PodSetup, RunSetup, Side, Tick
from sensord.pipeline import Pipeline
from sensord.sim.pods import SIMULATED
from sensord.sim.pods.sampled import SampledPod
from sensord.sim.runner import RunnerSimulation
from sensord.sim.script import Run, Stand
from sensord.sim.sensor import SensorModel
from tests.drivers.wireless import Wire

PODS = sorted(set(DRIVERS) - SENSORS)
SLOW_HZ = 100.0
"""Below it contacts are found, but not to a few milliseconds."""


@cache
def runner() -> RunnerSimulation:
    return RunnerSimulation((Stand(4.0), Run(25.0, speed_mps=2.9), Stand(4.0)), seed=5)


def heard(name: str, side: Side) -> tuple[PodInfo, list[Input]]:
    """What the link would record of one worn pod, at the rate it does."""
    kind = SIMULATED[name]
    assert issubclass(kind, SampledPod)
    address = f"C0:00:00:00:00:0{1 if side is Side.LEFT else 2}"
    info = Wire(kind(address, name, now_ns=0)).start(DRIVERS[name], Wanted(acc_range_g=16.0))
    foot = runner().render(side, info.rate_hz, SensorModel(acc_range_g=min(info.acc_range_g, 16.0)))
    wire = Wire(kind.worn(foot, address, name, now_ns=0, origin_ns=NS))
    info = wire.start(DRIVERS[name], Wanted(acc_range_g=16.0))
    packets = wire.listen(36 * NS)
    inputs: list[Input] = [Mark(packets[0].t_ns, MarkKind.LINK_UP, {"pod": side.value, "info": info.to_json()})]
    return info, inputs + [type(p)(side.value, p.t_ns, p.characteristic, p.payload) for p in packets]


@cache
def run_of(name: str) -> tuple[PodInfo, list[Event]]:
    both = {side: heard(name, side) for side in Side}
    ticks: list[Input] = [Tick(s * NS, s * NS) for s in range(1, 37)]
    inputs = sorted([*ticks, *(i for _, own in both.values() for i in own)], key=lambda i: i.t_ns)
    pods = tuple(PodSetup(side.value, side, name) for side in Side)
    pipeline = Pipeline(RunSetup("run", "runner-1", "home", "gateway", pods))
    events = [e for i in inputs for e in pipeline.push(i)] + pipeline.flush()
    return both[Side.LEFT][0], events


@pytest.mark.parametrize("name", PODS)
def test_strides_of_a_runner_come_out_of_its_bytes(name: str) -> None:
    info, events = run_of(name)
    strides = [e.payload for e in events if e.kind == "stride"]
    for side in Side:
        own = [s for s in strides if s["foot"] == side.value and s["activity"] == "run"]
        true = runner().truth.strides(side)
        assert len(true) - 3 <= len(own) <= len(true) + 1
        cadence = np.median([s["cadence_spm"] for s in own if s["cadence_spm"] is not None])
        assert cadence == pytest.approx(120 / np.median(np.diff([s.ic_s for s in true])), rel=0.01)
        contact = np.median([s["contact_time_s"] for s in own if s["contact_time_s"] is not None])
        true_contact = np.median([s.tc_s - s.ic_s for s in true])
        assert contact == pytest.approx(true_contact, abs=0.015 if info.rate_hz >= SLOW_HZ else 0.035)


@pytest.mark.parametrize("name", PODS)
def test_nothing_is_refused_and_the_pod_says_who_it_is(name: str) -> None:
    info, events = run_of(name)
    last = {e.payload["foot"]: e.payload for e in events if e.kind == "pod"}
    for pod in last.values():
        assert (pod["packets_rejected"], pod["samples_lost"]) in {(0, 0), (0, None)}
        assert pod["samples"] > 30 * info.rate_hz
    assert info.driver == name
    assert info.model


@pytest.mark.parametrize("name", PODS)
def test_what_the_sensor_clips_is_never_told_as_a_number(name: str) -> None:
    """At the widest range of most pods some landings clip: those are marked, and none is above the range."""
    info, events = run_of(name)
    peaks = [e.payload for e in events if e.kind == "stride" and e.payload["impact_peak_g"] is not None]
    if not info.high_g_range_g:
        assert all(p["impact_peak_g"] <= 1.75 * info.acc_range_g for p in peaks)
        clipped = [p for p in peaks if p["impact_clipped"]]
        assert all(p["impact_peak_g"] >= 0.99 * info.acc_range_g for p in clipped)
