"""From the packet that completes a breach to the MQTT subscriber: `python bench/alert_latency.py [--runs N]`.

Each run is a real gateway on simulated pods, a private mosquitto and a subscriber of its own; one to four limits are
passed in a few seconds of running. The packet's arrival is the alert's `t_ns`, on the same clock as the receipt.
Printed beside it: from the toe-off that ended the last stride known by then.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
from pathlib import Path

import aiomqtt
import numpy as np

from sensord import host
from sensord.config import MqttSettings
from sensord.daemon import Gateway
from sensord.datadir import DataDir
from sensord.demo import demo_settings, simulated_radio
from sensord.recording import read_run
from sensord.sim.script import Run, Stand
from sensord.store import Store

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.sinks.servers import Mosquitto

PLAN = """
schema = "rtr-plan/1"
id = "bench"
title = "Limits that a few seconds pass"
[runner]
alias = "bench"
[limit.distance]
warn = "7m"
stop = "10m"
[limit.run_time]
warn = "5s"
stop = "7s"
"""
SECONDS = 14.0


async def one_run(broker: Mosquitto, folder: Path, seed: int) -> list[tuple[float, float]]:
    """Delays in ms of one run's alerts: from the packet, from the toe-off."""
    plan = folder / "plan.toml"
    plan.write_text(PLAN)
    settings = demo_settings(folder / "data", plan=plan)
    settings.site = f"bench{seed}"
    settings.mqtt = MqttSettings(host=broker.host, port=broker.port)
    received: list[tuple[int, dict[str, object]]] = []

    async def subscribe() -> None:
        async with aiomqtt.Client(broker.host, broker.port) as client:
            await client.subscribe(f"sensord/{settings.site}/r/+/alert", qos=1)
            async for message in client.messages:
                received.append((host.boottime_ns(), json.loads(message.payload)["data"]))  # noqa: PERF401

    listening = asyncio.create_task(subscribe())
    await asyncio.sleep(0.2)
    radio = simulated_radio((Stand(2.0), Run(60.0)), seed=seed)
    await Gateway(settings, backend=radio.backend, page=False, say=lambda _: None).run(SECONDS)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    data = DataDir(settings.data_dir)
    [path] = data.runs.glob("*.run")
    recorded = read_run(path)
    with contextlib.closing(Store.open(data.store, gateway="bench", readonly=True)) as store:
        strides = list(store.events(recorded.setup.run, kinds=["stride"]))
    delays = []
    for at_ns, alert in received:
        run_ns = at_ns - recorded.anchor.boottime_ns
        packet_ns = int(str(alert["t_ns"]))
        toe_offs = [
            e.payload["ic_run_ns"] + e.payload["tc_pod_ns"] - e.payload["ic_pod_ns"]
            for e in strides
            if e.payload["tc_pod_ns"] is not None and e.payload["next_ic_run_ns"] <= packet_ns
        ]
        delays.append(((run_ns - packet_ns) / 1e6, (run_ns - max(toe_offs)) / 1e6))
    return delays


def main() -> int:
    """Print the percentiles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    delays: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as scratch, Mosquitto(Path(scratch) / "mosquitto") as broker:
        for seed in range(1, parser.parse_args().runs + 1):
            folder = Path(scratch) / str(seed)
            folder.mkdir()
            delays += asyncio.run(one_run(broker, folder, seed))
    for name, values in zip(("packet to subscriber", "toe-off to subscriber"), zip(*delays, strict=True), strict=True):
        p50, p95, p99 = np.percentile(values, [50, 95, 99])
        print(f"{name:<22} p50 {p50:7.1f} ms   p95 {p95:7.1f} ms   p99 {p99:7.1f} ms   n {len(values)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
