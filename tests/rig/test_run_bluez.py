"""`sensord run` as its user has it: settings from a file, unmodified bleak, BlueZ on a bus; a link lost on the way."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import pytest

from sensord.config import load_settings
from sensord.daemon import Gateway
from sensord.datadir import DataDir
from sensord.drivers import DRIVERS
from sensord.model import Packet, Side
from sensord.playback import first_difference, replay
from sensord.recording import read_run
from sensord.sim.pods import OpenPodSim
from sensord.sim.runner import RunnerSimulation
from sensord.sim.script import Run, Stand
from sensord.sim.sensor import SensorModel
from sensord.store import Store
from tests.rig.conftest import LEFT, RIGHT
from tests.rig.harness import BluetoothDaemon

SETTINGS = f"""
site = "clinic"
runner = "R-9"
[[pod]]
address = "{LEFT}"
side = "left"
[[pod]]
address = "{RIGHT.lower()}"
side = "right"
[web]
enabled = false
"""


def worn(side: Side, address: str, runner: RunnerSimulation, now_ns: int) -> OpenPodSim:
    foot = runner.render(side, 200.0, SensorModel(acc_range_g=32.0))
    return OpenPodSim.worn(foot, address, f"pod {side.value}", now_ns=now_ns, loop=True)


@pytest.mark.slow
@pytest.mark.bluez
@pytest.mark.timeout(60)
async def test_a_run_over_bluez_with_a_lost_link(system_bus: str, bluetoothd: BluetoothDaemon, tmp_path: Path) -> None:
    """The run file holds every frame once, both feet are found, and replay gives what was stored."""
    runner = RunnerSimulation((Stand(2.0), Run(40.0, speed_mps=2.8)))
    now_ns = time.monotonic_ns()
    bluetoothd.wear([worn(Side.LEFT, LEFT, runner, now_ns), worn(Side.RIGHT, RIGHT, runner, now_ns)])
    await bluetoothd.begin()
    config = tmp_path / "sensord.toml"
    config.write_text(SETTINGS)
    settings = load_settings(config, {"data_dir": tmp_path / "data"}, drivers=list(DRIVERS))
    said: list[str] = []

    async def trouble() -> None:
        await asyncio.sleep(8.0)
        await bluetoothd("drop", LEFT)

    tally, _ = await asyncio.gather(Gateway(settings, say=said.append).run(18.0), trouble())

    assert tally.runs == 1
    assert tally.strides > 20
    assert "ok    both pods are linked" in said
    data = DataDir(settings.data_dir)
    [path] = data.runs.glob("*.run")
    recorded = read_run(path)
    assert recorded.sealed is not None
    for pod in (LEFT, RIGHT):
        frames = [i.payload for i in recorded.inputs() if isinstance(i, Packet) and i.pod == pod]
        assert len(frames) == len(set(frames)) > 100
    with contextlib.closing(Store.open(data.store, gateway="reader", readonly=True)) as store:
        assert first_difference(replay(recorded), store, recorded.setup.run) is None
        links = [
            e.payload["link"] for e in store.events(recorded.setup.run, kinds=["pod"]) if e.payload["foot"] == "left"
        ]
        feet = {e.payload["foot"] for e in store.events(recorded.setup.run, kinds=["stride"])}
    assert "down" in links[links.index("up") :]
    assert feet == {"left", "right"}
