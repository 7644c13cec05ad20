"""The daemon whole: simulated pods in; run file, store, InfluxDB, MQTT and the page out. Real servers, real time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import aiomqtt
import pytest

from sensord.config import InfluxSettings, MqttSettings, Settings
from sensord.daemon import Gateway
from sensord.datadir import DataDir
from sensord.demo import PODS, demo_settings, simulated_radio
from sensord.errors import InputError
from sensord.model import Packet, Side, StoredEvent
from sensord.playback import first_difference, replay
from sensord.recording import read_run
from sensord.sim.script import Run, Stand
from sensord.store import Store
from tests.sinks.servers import Influxd, InfluxProxy, Mosquitto

PLAN = """
schema = "rtr-plan/1"
id = "test"
title = "Limits that a few seconds of running pass"
[runner]
alias = "R-7"
injured_side = "left"
[limit.distance]
warn = "8m"
stop = "12m"
"""

SCRIPT = (Stand(2.0), Run(60.0, speed_mps=2.8))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)
    made = demo_settings(tmp_path / "data", plan=plan, port=0)
    made.clock = "trusted"
    return made


def stored(settings: Settings) -> list[StoredEvent]:
    with contextlib.closing(Store.open(DataDir(settings.data_dir).store, gateway="reader", readonly=True)) as store:
        return store.read_after(0, 1_000_000)


def run_files(settings: Settings) -> list[Path]:
    return sorted(DataDir(settings.data_dir).runs.glob("*.run"))


def assert_replay_is_what_was_stored(settings: Settings) -> None:
    for path in run_files(settings):
        recorded = read_run(path)
        assert recorded.problems == ()
        with contextlib.closing(Store.open(DataDir(settings.data_dir).store, gateway="reader", readonly=True)) as store:
            assert first_difference(replay(recorded), store, recorded.setup.run) is None


async def listen(broker: Mosquitto, messages: list[aiomqtt.Message]) -> None:
    async with aiomqtt.Client(broker.host, broker.port, identifier="watcher") as client:
        await client.subscribe("sensord/#", qos=1)
        async for message in client.messages:
            messages.append(message)  # noqa: PERF401 - others read the list while it grows


@contextlib.asynccontextmanager
async def listening(broker: Mosquitto) -> AsyncIterator[list[aiomqtt.Message]]:
    messages: list[aiomqtt.Message] = []
    task = asyncio.create_task(listen(broker, messages))
    await asyncio.sleep(0.3)
    yield messages
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.timeout(90)
async def test_a_run_reaches_everyone(settings: Settings, tmp_path: Path) -> None:
    """One run of 22 s: what InfluxDB and MQTT got is what the store holds, and the page showed it while it was on."""
    said: list[str] = []
    with Influxd(tmp_path / "influxd") as influxd, Mosquitto(tmp_path / "mosquitto") as broker:
        async with InfluxProxy(influxd) as proxy, listening(broker) as messages:
            influxd.create("sensord")
            settings.influx = InfluxSettings(url=proxy.url)
            settings.mqtt = MqttSettings(host=broker.host, port=broker.port)
            gateway = Gateway(settings, backend=simulated_radio(SCRIPT).backend, say=said.append)
            running = asyncio.create_task(gateway.run(22.0))
            page = await look_at_the_page(said)
            tally = await running
            points = {kind: influxd.query(f'SELECT * FROM "{kind}"', "sensord") for kind in ("stride", "alert", "gait")}
            await asyncio.sleep(0.5)

    events = stored(settings)
    strides = [e for e in events if e.kind == "stride"]
    alerts = [e for e in events if e.kind == "alert"]
    assert tally.runs == 1
    assert tally.strides == len(strides) > 30
    assert tally.alerts == len(alerts) == 2
    assert_replay_is_what_was_stored(settings)

    # InfluxDB: every stride and alert, once
    anchor_ns = events[0].wall_anchor_ns
    assert anchor_ns is not None
    points["stride"].sort(key=lambda p: p["time"])
    strides.sort(key=lambda e: e.t_ns)
    assert [p["foot"] for p in points["stride"]] == [e.payload["foot"] for e in strides]
    # to the microsecond: the digits below tell events of one moment apart
    apart_ns = [p["time"] - anchor_ns - e.t_ns for p, e in zip(points["stride"], strides, strict=True)]
    assert all(abs(ns) < 1000 for ns in apart_ns)
    assert len(points["alert"]) == 2
    assert len(points["gait"]) == 3 * sum(e.kind == "gait" for e in events)

    # MQTT: the alerts, in order, each once, and on time
    got = [json.loads(m.payload) for m in messages if str(m.topic) == "sensord/demo/r/R-7/alert"]  # type: ignore[arg-type]
    assert [a["data"]["level"] for a in got] == ["warn", "stop"]
    assert not any(a["data"]["late"] for a in got)
    assert any(str(m.topic) == "sensord/demo/r/R-7/live" for m in messages)
    status = [json.loads(m.payload) for m in messages if str(m.topic) == "sensord/demo/status"]  # type: ignore[arg-type]
    assert [s["state"] for s in status] == ["online", "offline"]

    # the page
    assert page["run"]["state"] == "running"
    assert any("stop" in line and "12 m" in line for line in said)


async def look_at_the_page(said: list[str]) -> dict[str, Any]:
    """What the page shows 17 s into the run."""
    await asyncio.sleep(17.0)
    [link] = [line.removeprefix("the page: ") for line in said if line.startswith("the page: ")]
    async with aiohttp.ClientSession() as session, session.get(f"{link}api/state") as answer:
        assert answer.status == 200
        state: dict[str, Any] = await answer.json()
        return state


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_a_broker_and_a_database_that_are_away_cost_nothing(settings: Settings) -> None:
    """Nobody listens on these ports: the run goes on, says so once for each, and keeps everything for later."""
    settings.influx = InfluxSettings(url="http://127.0.0.1:9")
    settings.mqtt = MqttSettings(host="127.0.0.1", port=9)
    said: list[str] = []
    gateway = Gateway(settings, backend=simulated_radio(SCRIPT).backend, page=False, say=said.append)
    tally = await gateway.run(10.0)
    assert tally.strides > 5
    assert sorted(line.split()[1] for line in said if "is away" in line) == ["influx", "mqtt"]
    with contextlib.closing(Store.open(DataDir(settings.data_dir).store, gateway="reader", readonly=True)) as store:
        assert store.cursor("influx") == store.cursor("mqtt") == 0


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_a_lost_pod_comes_back_and_every_frame_is_counted_once(settings: Settings) -> None:
    radio = simulated_radio(SCRIPT)
    left = radio.pods[PODS[Side.LEFT]]
    said: list[str] = []
    gateway = Gateway(settings, backend=radio.backend, page=False, say=said.append)

    async def trouble() -> None:
        await asyncio.sleep(6.0)
        left.vanish()
        await asyncio.sleep(2.0)
        left.vanished = False

    await asyncio.gather(gateway.run(14.0), trouble())
    [path] = run_files(settings)
    payloads = [i.payload for i in read_run(path).inputs() if isinstance(i, Packet) and i.pod == PODS[Side.LEFT]]
    assert len(payloads) == len(set(payloads)), "a frame was kept twice"
    links = [e.payload["link"] for e in stored(settings) if e.kind == "pod" and e.payload["foot"] == "left"]
    assert "down" in links[links.index("up") :]
    told = [line for line in said if "left pod" in line]
    assert told[0].startswith("ok    left pod linked")
    assert any(line.startswith("look  left pod: link lost") for line in told)
    assert told[-1].startswith("ok    left pod linked")
    lost = [e.payload["samples_lost"] for e in stored(settings) if e.kind == "pod" and e.payload["foot"] == "left"]
    assert max(lost) > 200, "two seconds without a link are counted as lost samples"
    assert_replay_is_what_was_stored(settings)


async def test_a_second_daemon_is_refused_with_one_line(settings: Settings) -> None:
    with DataDir(settings.data_dir).lock(), pytest.raises(InputError, match=f"process {os.getpid()}"):
        await Gateway(settings, backend=simulated_radio(SCRIPT).backend, page=False).run(1.0)
