"""Several runners in one process: ten pods on one radio, each runner's strides in her own store."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import pytest

from sensord.config import MqttSettings, PodSettings, Settings
from sensord.errors import InputError
from sensord.fleet import Member, check_apart, run_fleet
from sensord.model import Side
from sensord.sim.backend import SimRadio
from sensord.sim.pods import OpenPodSim
from sensord.sim.runner import RunnerSimulation
from sensord.sim.script import Run, Stand
from sensord.sim.sensor import SensorModel
from sensord.store import Store
from sensord.store_pairings import Pairing, pair

RUNNERS = 5


def address(runner: int, side: Side) -> str:
    return f"C0:00:00:00:{runner:02X}:0{1 if side is Side.LEFT else 2}"


def member(folder: Path, runner: int) -> Member:
    settings = Settings(
        runner=f"runner-{runner}",
        data_dir=folder / str(runner),
        pod=[PodSettings(address=address(runner, side), side=side) for side in Side],
    )
    settings.web.port = 0
    return Member(f"{runner}.toml", settings)


@pytest.mark.slow
async def test_ten_pods_of_five_runners_on_one_radio(tmp_path: Path) -> None:
    """Each runs at a speed of her own, all at once; every store has her strides at her cadence and nobody else's."""
    now_ns = time.monotonic_ns()
    pods = []
    for runner in range(RUNNERS):
        body = RunnerSimulation((Stand(2.0), Run(60.0, speed_mps=2.2 + 0.4 * runner)), seed=runner)
        for side in Side:
            foot = body.render(side, 100, SensorModel(acc_range_g=32.0))
            pods.append(OpenPodSim.worn(foot, address(runner, side), f"pod {runner}", now_ns=now_ns, origin_ns=now_ns))
    said: list[str] = []
    members = [member(tmp_path, runner) for runner in range(RUNNERS)]
    tallies = await run_fleet(members, backend=SimRadio(pods).backend, seconds=20.0, say=said.append)
    assert [tally.runs for tally in tallies] == [1] * RUNNERS
    for runner in range(RUNNERS):
        assert sum(line.startswith(f"runner-{runner} ") and "pod linked" in line for line in said) == 2
        path = tmp_path / str(runner) / "sensord.db"
        with contextlib.closing(Store.open(path, gateway="g", readonly=True)) as store:
            (run,) = store.runs()
            hers = list(store.events(run.run, kinds=["stride", "pod"]))
        assert run.runner == f"runner-{runner}"
        assert {e.payload["pod"] for e in hers if e.kind == "pod"} == {address(runner, side) for side in Side}
        strides = [e.payload for e in hers if e.kind == "stride" and e.payload["speed_mps"] is not None]
        assert len(strides) > 10
        lost = [e.payload["samples_lost"] for e in hers if e.kind == "pod"]
        assert set(lost) == {0}


def test_what_two_runners_must_not_share_is_named(tmp_path: Path) -> None:
    one, other = member(tmp_path, 1), member(tmp_path, 1)
    with pytest.raises(InputError) as caught:
        check_apart([one, Member("other.toml", other.settings)])
    assert {problem.place for problem in caught.value.problems} == {"data_dir", "runner", "pod"}
    assert all(problem.file == "other.toml" for problem in caught.value.problems)


def test_paired_pods_and_one_place_on_a_broker_are_not_shared_either(tmp_path: Path) -> None:
    members = []
    for runner in (1, 2):
        settings = Settings(runner=f"runner-{runner}", data_dir=tmp_path / str(runner))
        settings.web.port = 0
        settings.mqtt = MqttSettings(host="broker")
        with contextlib.closing(Store.open(settings.data_dir / "sensord.db", gateway="g")) as store:
            pair(store, Pairing("C0:00:00:00:00:01", Side.LEFT, "open-pod", "Open Pod", "1"), who="pt")
        members.append(Member(f"{runner}.toml", settings))
    with pytest.raises(InputError) as caught:
        check_apart(members)
    assert {problem.place for problem in caught.value.problems} == {"pod", "mqtt.site"}
    members[1].settings.site = "elsewhere"
    with pytest.raises(InputError, match="pod"):
        check_apart(members)


async def test_a_fleet_that_is_cancelled_leaves_nothing_running(tmp_path: Path) -> None:
    pods = [OpenPodSim(address(1, side), "pod", now_ns=time.monotonic_ns()) for side in Side]
    before = asyncio.all_tasks()
    fleet = asyncio.create_task(run_fleet([member(tmp_path, 1)], backend=SimRadio(pods).backend, say=lambda _: None))
    await asyncio.sleep(1.0)
    fleet.cancel()
    await asyncio.gather(fleet, return_exceptions=True)
    assert {task for task in asyncio.all_tasks() - before if not task.done()} == set()


async def test_one_that_fails_ends_alone_and_is_told(tmp_path: Path) -> None:
    pods = [OpenPodSim(address(n, side), "pod", now_ns=time.monotonic_ns()) for n in (1, 2) for side in Side]
    good, bad = member(tmp_path, 1), member(tmp_path, 2)
    bad.settings.data_dir = Path("/proc/nowhere")
    said: list[str] = []
    with pytest.raises(Exception, match="nowhere"):
        await run_fleet([good, bad], backend=SimRadio(pods).backend, seconds=2.0, say=said.append)
    assert sum("pod linked" in line for line in said) == 2
