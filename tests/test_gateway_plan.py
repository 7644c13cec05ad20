"""The daemon whole, following a plan: run by the stage, answer, be decided on; a restart comes back to the same.

Real time, a real broker and simulated pods; the workouts are seconds long.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import aiohttp
import aiomqtt
import pytest

from sensord.config import MqttSettings, Settings
from sensord.daemon import Gateway
from sensord.datadir import DataDir
from sensord.demo import demo_settings, simulated_radio
from sensord.journal import Journal
from sensord.plan_keeper import PlanKeeper
from sensord.playback import first_difference, replay
from sensord.recording import read_run
from sensord.sim.script import Run, Stand
from sensord.store import Store
from sensord.store_facts import fact_rows
from tests.sinks.made_events import until
from tests.sinks.people_servers import Endpoint
from tests.sinks.servers import Mosquitto
from tests.test_gateway import listening

PLAN = """
schema = "rtr-plan/1"
id = "seconds"
title = "Workouts that a few seconds of running finish"
[runner]
alias = "R-7"
timezone = "Europe/Berlin"
decides = "auto"
[advance]
successes = 1
when = ["pain.after <= 2"]
[[stage]]
id = "1"
session = [{do = "run 4s"}]
[[stage]]
id = "2"
session = [{do = "run 5s"}]
[[stage]]
id = "3"
session = [{do = "run 6s"}]
[[rule]]
id = "night"
when = ["night_pain == true"]
then = {hold = "therapist", alert = "urgent"}
[[ask]]
when = "after"
fields = ["pain.after"]
[[ask]]
when = "daily"
fields = ["night_pain"]
[alerts.urgent]
who = ["therapist"]
"""
ROOT = Path(__file__).parents[1]
SCRIPT = (Stand(2.0), Run(600.0, speed_mps=2.8))


def settings_of(folder: Path, **more: object) -> Settings:
    plan = folder / "plan.toml"
    plan.write_text(PLAN)
    made = demo_settings(folder / "data", plan=plan, port=0)
    return Settings(**{**made.model_dump(), "clock": "trusted", **more})


@contextlib.contextmanager
def reading(settings: Settings) -> Any:
    with contextlib.closing(Store.open(DataDir(settings.data_dir).store, gateway="reader", readonly=True)) as store:
        yield store


class Door:
    """The page's API."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    async def get(self, path: str) -> Any:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}{path}") as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def post(self, path: str, **said: str) -> Any:
        headers = {"Origin": self.url}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}{path}", json=said, headers=headers) as answer,
        ):
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def check_in(self, moment: str, run: str | None, **answers: object) -> Any:
        named = {name.replace("__", "."): value for name, value in answers.items()}
        payload = {"moment": moment, "run": run, "answers": named, "by": "runner"}
        return await self.post("/api/fact", kind="checkin", payload=json.dumps(payload))


@contextlib.asynccontextmanager
async def daemon(settings: Settings) -> AsyncIterator[Door]:
    """A gateway with its page, ended in order."""
    said: list[str] = []
    stop = asyncio.Event()
    gateway = Gateway(settings, backend=simulated_radio(SCRIPT).backend, say=said.append)
    running = asyncio.create_task(gateway.run(240.0, stop=stop))
    await until(lambda: running.done() or any(line.startswith("the page: ") for line in said), 40.0)
    if running.done():
        await running
    [url] = [line.removeprefix("the page: ") for line in said if line.startswith("the page: ")]
    try:
        yield Door(url)
    finally:
        stop.set()
        await running


def on(messages: list[aiomqtt.Message], end: str) -> list[Any]:
    return [json.loads(m.payload) for m in messages if str(m.topic).endswith(end)]  # type: ignore[arg-type]


async def a_run(door: Door, settings: Settings, messages: list[aiomqtt.Message], n: int) -> tuple[str, Any]:
    """Waits until run number n has done its workout, ends it, and gives its id and summary."""
    say = Sayer(settings)
    if n > 1:
        await say("start")
    await until(lambda: len({body["run"] for body in on(messages, "/run")}) >= n, 40.0)
    run = list(dict.fromkeys(body["run"] for body in on(messages, "/run")))[n - 1]

    def done() -> bool:
        with reading(settings) as store:
            states = [e.payload for e in store.events(run, kinds=["workout"])]
        return bool(states) and states[-1]["position"] is None

    await until(done, 40.0)
    await say("end")

    def over() -> bool:
        with reading(settings) as store:
            return bool(store.run(run).state == "ended")

    await until(over, 20.0)
    await asyncio.sleep(0.3)
    with reading(settings) as store:
        return run, store.run(run).summary


class Sayer:
    """Says something over MQTT."""

    def __init__(self, settings: Settings) -> None:
        assert settings.mqtt is not None
        self._mqtt, self._site = settings.mqtt, settings.site

    async def __call__(self, what: str, **said: object) -> None:
        async with aiomqtt.Client(self._mqtt.host, self._mqtt.port, identifier="someone") as client:
            await client.publish(f"sensord/{self._site}/cmd/{what}", json.dumps(said) if said else b"", qos=1)


async def retained_decision(settings: Settings) -> Any:
    """What one who subscribes now is told first."""
    assert settings.mqtt is not None
    async with aiomqtt.Client(settings.mqtt.host, settings.mqtt.port, identifier="late") as client:
        await client.subscribe(f"sensord/{settings.site}/r/R-7/plan/decision", qos=1)
        async with asyncio.timeout(5):
            message = await anext(aiter(client.messages))
    assert message.retain
    return json.loads(message.payload)  # type: ignore[arg-type]


def comparable(picture: Any) -> Any:
    """Where she stands, but for when that was asked."""
    standing = dict(picture["plan"]["standing"])
    asked_ns, today = standing.pop("at_wall_ns"), dict(standing["today"])
    if today["next_run_wall_ns"] == asked_ns:
        today["next_run_wall_ns"] = "now"
    return {**standing, "today": today}


def decisions(settings: Settings) -> list[Any]:
    with reading(settings) as store:
        return [row.payload for row in fact_rows(store) if row.kind == "decision"]


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.timeout(300)
async def test_a_day_of_a_plan_through_the_daemon(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "mosquitto") as broker:
        async with listening(broker) as messages, Endpoint() as hook:
            settings = settings_of(tmp_path, people={"therapist": {"kind": "webhook", "url": hook.url}})
            settings.mqtt = MqttSettings(host=broker.host, port=broker.port)
            async with daemon(settings) as door:
                # the settings' plan is the first revision, and the run is told what the day says
                first, summary = await a_run(door, settings, messages, 1)
                assert summary["day"] == {"plan": "seconds", "revision": 1, "stage": "1"}
                assert summary["workout"]["completed"] is True
                assert summary["workout"]["done_pct"] == 100.0
                day = read_run(DataDir(settings.data_dir).run_file(first)).setup.day
                assert day is not None
                assert (day["stage"], day["workout"], day["revision"]) == ("1", "run 4s", 1)
                with reading(settings) as store:
                    cues = [e.payload["cue"] for e in store.events(first, kinds=["workout"]) if e.payload["cue"]]
                    assert next(row.kind for row in fact_rows(store)) == "revision"
                assert cues

                # an answer by the page's API: the stage is done
                kept = await door.check_in("after", first, pain__after=1)
                assert kept["gateway"] == settings.gateway
                await until(lambda: [d["outcome"] for d in on(messages, "/plan/decision")][-1:] == ["advance"], 20.0)
                told = on(messages, "/plan/decision")[-1]
                assert (told["stage"], told["to_stage"], told["run"]) == ("1", "2", first)
                assert [d["outcome"] for d in decisions(settings)][-1] == "advance"
                second, summary = await a_run(door, settings, messages, 2)
                assert summary["day"]["stage"] == "2"
                day = read_run(DataDir(settings.data_dir).run_file(second)).setup.day
                assert day is not None
                assert (day["stage"], day["workout"]) == ("2", "run 5s")

                # an answer over MQTT: the therapist is told, and nothing goes on
                await Sayer(settings)("checkin", answers={"night_pain": True}, by="runner")
                await until(lambda: [d["outcome"] for d in on(messages, "/plan/decision")][-1:] == ["hold"], 20.0)
                await until(lambda: hook.asked, 20.0)
                assert (await retained_decision(settings))["outcome"] == "hold"
                notice = json.loads(hook.asked[-1][1])
                assert (notice["data"]["level"], notice["data"]["rule"]) == ("urgent", "night")
                third, summary = await a_run(door, settings, messages, 3)
                day = read_run(DataDir(settings.data_dir).run_file(third)).setup.day
                assert day is not None
                assert day["may_run"] is False
                assert day["why"]
                before = await door.get("/api/plan")

            # a new process knows the same, decides nothing anew, and tells nobody twice
            decided, asked = decisions(settings), len(hook.asked)
            async with daemon(settings) as door:
                after = await door.get("/api/plan")
                assert comparable(after) == comparable(before)
                await asyncio.sleep(1.0)
                assert comparable(await door.get("/api/plan")) == comparable(before)
            assert decisions(settings) == decided
            assert [d["outcome"] for d in decided] == ["enter", "wait", "advance", "wait", "hold", "wait"]
            assert len(hook.asked) == asked
            assert "on hold meanwhile: rule night" in decided[-1]["why"]
            newest = await retained_decision(settings)
            assert {name: newest[name] for name in decided[-1]} == decided[-1]
    with reading(settings) as store:
        for run in (first, second, third):
            assert first_difference(replay(read_run(DataDir(settings.data_dir).run_file(run))), store, run) is None


CHILD = """
import asyncio, sys
from pathlib import Path
from sensord.daemon import Gateway
from sensord.demo import simulated_radio
from tests.test_gateway_plan import SCRIPT, settings_of
asyncio.run(Gateway(settings_of(Path(sys.argv[1])), backend=simulated_radio(SCRIPT).backend).run())
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_killed_right_after_an_answer_was_confirmed_nothing_said_is_lost(tmp_path: Path) -> None:
    """kill -9 three times during runs: each confirmed answer is there, each decision once, and she stands the same."""
    settings = settings_of(tmp_path)
    confirmed: list[Any] = []
    stands: Any = None
    for turn in range(3):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-c", CHILD, str(tmp_path)), stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        try:
            door = await door_of(process)
            if stands is not None:
                assert comparable(await door.get("/api/plan")) == stands
            await run_is_on(settings)
            answers: dict[str, object] = {"night_pain": turn == 1}
            await door.check_in("daily", None, **answers)
            confirmed.append(answers)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            await process.communicate()
        with reading(settings) as store:
            said = [row.payload["answers"] for row in fact_rows(store) if row.kind == "checkin"]
            keeper = PlanKeeper("R-7", PLAN, store=store, journal=cast("Journal", None))
            stands = comparable({"plan": json.loads(json.dumps(keeper.picture()))})
        assert said == confirmed
    told = [json.dumps(d, sort_keys=True) for d in decisions(settings)]
    assert len(told) == len(set(told))
    assert [json.loads(d)["outcome"] for d in told].count("hold") == 1
    assert stands["hold"]


async def door_of(process: asyncio.subprocess.Process) -> Door:
    assert process.stdout
    async with asyncio.timeout(60):
        async for line in process.stdout:
            if line.startswith(b"the page: "):
                return Door(line.decode().split()[2])
    raise AssertionError("no page")


async def run_is_on(settings: Settings) -> None:
    """Until strides of the run that is on are stored."""

    def strides() -> bool:
        with reading(settings) as store:
            return any(e.kind == "stride" for run in store.open_runs() for e in store.events(run.run))

    await until(strides, 60.0)
