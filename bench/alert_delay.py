"""Alerts on a slow disk: `python bench/alert_delay.py [--alerts 300] [--sync-ms 0 100 500]`.

From the arrival of the packet or tick that completes a breach to the receipt by an MQTT subscriber, and beside it to
the event of the live page (`/api/live`). For each condition a gateway in a process of its own, on simulated pods, whose
every fsync and fdatasync takes so many ms longer (bench/slow_sync.c, preloaded; needs gcc); the broker, the subscriber
and the page's reader are outside of it and not slowed. Runs of a few seconds, ended and begun by MQTT commands, pass
twelve levels each. Arrival is the alert's `t_ns`; all clocks are CLOCK_BOOTTIME of one machine.

The conditions run beside each other. An alert that comes twice is counted with its first time and told as a repeat.
Exit 1 when p95 is above 300 ms or p99 above 1 s, or an alert of the store never came.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import aiomqtt
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from sensord import host
from sensord.config import MqttSettings
from sensord.daemon import Gateway
from sensord.datadir import DataDir
from sensord.demo import demo_settings, simulated_radio
from sensord.model import NS
from sensord.sim.script import Run, Stand
from sensord.store import Store
from tests.sinks.servers import Mosquitto

PLAN = """
schema = "rtr-plan/1"
id = "bench"
title = "Twelve levels that a few seconds of running pass"
[runner]
alias = "bench"
[limit.distance]
info = "4m"
warn = "7m"
stop = "10m"
urgent = "13m"
[limit.run_time]
info = "2s"
warn = "3s"
stop = "4s"
urgent = "5s"
[limit.steps]
info = 6
warn = 9
stop = 12
urgent = 15
"""
A_RUN = 12
"""Alerts of one run."""

RUN_WITHIN_S = 25.0
P95_MS, P99_MS = 300.0, 1000.0


@dataclass
class Heard:
    """First receipt of each alert on the boot clock, by (run, id), and how many came again."""

    mqtt: dict[tuple[str, str], int] = field(default_factory=dict)
    page: dict[tuple[str, str], int] = field(default_factory=dict)
    arrived: dict[tuple[str, str], int] = field(default_factory=dict)
    late: int = 0
    again: int = 0


async def gateway(folder: Path, port: int, site: str) -> None:
    """The gateway's own process: until SIGTERM."""
    settings = demo_settings(folder / "data", plan=folder / "plan.toml", port=0)
    settings.site, settings.clock = site, "trusted"
    settings.mqtt = MqttSettings(host="127.0.0.1", port=port)
    radio = simulated_radio((Stand(2.0), Run(3600.0)), seed=1)
    await Gateway(settings, backend=radio.backend).run()


async def subscribe(broker: Mosquitto, site: str, heard: Heard) -> None:
    """Stamp every alert."""
    async with aiomqtt.Client(broker.host, broker.port, identifier=f"watch-{site}") as client:
        await client.subscribe(f"sensord/{site}/r/+/alert", qos=1)
        async for message in client.messages:
            now_ns = host.boottime_ns()
            said = json.loads(message.payload)
            key = (said["data"]["run"], said["id"].rpartition("/")[0])
            if key in heard.mqtt:
                heard.again += 1
                continue
            heard.mqtt[key] = now_ns
            heard.arrived[key] = said["data"]["t_ns"]
            heard.late += said["data"]["late"] is not False


async def look(url: str, heard: Heard) -> None:
    """Stamp every alert as the live page hears of it."""
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"{url}/api/live") as answer:
        async for line in answer.content:
            now_ns = host.boottime_ns()
            if line.startswith(b"data:"):
                for run, alert in alerts_in(json.loads(line[5:])):
                    heard.page.setdefault((run, alert), now_ns)


def alerts_in(picture: dict) -> Iterator[tuple[str, str]]:  # type: ignore[type-arg]
    """Ids of the alerts that a picture shows, with their run."""
    for one in [*picture["alerts"]["active"], *picture["alerts"]["recovered"]]:
        yield str(one["id"]).partition("/")[0], str(one["id"])


async def run_after_run(broker: Mosquitto, site: str, heard: Heard, alerts: int) -> None:
    """End each run once its alerts came, and begin the next, until there are enough."""
    async with aiomqtt.Client(broker.host, broker.port, identifier=f"order-{site}") as client:
        for runs in range(1, 2 * alerts // A_RUN + 2):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RUN_WITHIN_S):
                    while len(heard.mqtt) < A_RUN * runs:  # noqa: ASYNC110 - two listeners share it
                        await asyncio.sleep(0.05)
            if len(heard.mqtt) >= alerts:
                return
            await client.publish(f"sensord/{site}/cmd/end", b"", qos=1)
            await asyncio.sleep(0.2)
            await client.publish(f"sensord/{site}/cmd/start", b"", qos=1)


async def condition(scratch: Path, broker: Mosquitto, shim: Path, sync_ms: int, alerts: int) -> bool:
    """Measure one disk; prints its lines."""
    folder, site, heard = scratch / f"sync{sync_ms}", f"sync{sync_ms}", Heard()
    folder.mkdir()
    (folder / "plan.toml").write_text(PLAN)
    listening = asyncio.create_task(subscribe(broker, site, heard))
    await asyncio.sleep(0.3)
    environment = {**os.environ, "LD_PRELOAD": str(shim), "SLOW_SYNC_MS": str(sync_ms), "PYTHONUNBUFFERED": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--gateway", str(folder), "--port", str(broker.port), "--site", site,
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    async for line in process.stdout:
        if line.startswith(b"the page: "):
            break
    draining = asyncio.create_task(process.stdout.read())
    looking = asyncio.create_task(look(line.decode().split()[2].rstrip("/"), heard))
    await run_after_run(broker, site, heard, alerts)
    process.terminate()
    assert process.stderr
    said = (await process.stderr.read()).decode()
    await draining
    await process.wait()
    await asyncio.sleep(0.3)
    for task in (listening, looking):
        task.cancel()
    await asyncio.gather(listening, looking, return_exceptions=True)
    return tell(folder, sync_ms, heard, said)


def tell(folder: Path, sync_ms: int, heard: Heard, said: str) -> bool:
    """Print a condition's lines; whether it meets the demand."""
    with contextlib.closing(Store.open(DataDir(folder / "data").store, gateway="bench", readonly=True)) as store:
        began = {run.run: run.boottime_ns for run in store.runs(include_discarded=True)}
        stored = {(e.run, e.payload["id"]) for e in store.read_after(0, 10_000_000) if e.kind == "alert"}
    syncs = [one for one in said.splitlines() if one.startswith("syncs")]
    print(f"sync + {sync_ms} ms: {len(began)} runs, {syncs[-1] if syncs else said[-500:]}")
    fine = True
    for name, times in (("mqtt", heard.mqtt), ("page", heard.page)):
        ms = [(times[k] - began[k[0]] - heard.arrived[k]) * 1000 / NS for k in heard.arrived if k in times]
        p50, p95, p99 = np.percentile(ms, [50, 95, 99])
        print(f"  {name}  p50 {p50:7.1f}  p95 {p95:7.1f}  p99 {p99:7.1f}  max {max(ms):7.1f} ms   n {len(ms)}")
        fine = fine and p95 <= P95_MS and p99 <= P99_MS
    missing, unkept = len(stored - set(heard.mqtt)), len(set(heard.mqtt) - stored)
    print(f"  stored {len(stored)}, never came {missing}, not stored {unkept}, again {heard.again}, late {heard.late}")
    return fine and missing == unkept == 0


async def measure(alerts: int, sync_ms: list[int]) -> bool:
    """All conditions, beside each other."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        shim = scratch / "slow_sync.so"
        source = Path(__file__).with_name("slow_sync.c")
        built = await asyncio.create_subprocess_exec("gcc", "-O2", "-shared", "-fPIC", "-o", shim, source, "-ldl")
        assert await built.wait() == 0, "gcc is needed"
        with Mosquitto(scratch / "mosquitto") as broker:
            fine = await asyncio.gather(*(condition(scratch, broker, shim, ms, alerts) for ms in sync_ms))
    return all(fine)


def main() -> int:
    """Measure, or be one condition's gateway."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=300)
    parser.add_argument("--sync-ms", type=int, nargs="+", default=[0, 100, 500])
    parser.add_argument("--gateway", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--site", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.gateway:
        asyncio.run(gateway(given.gateway, given.port, given.site))
        return 0
    return 0 if asyncio.run(measure(given.alerts, given.sync_ms)) else 1


if __name__ == "__main__":
    sys.exit(main())
