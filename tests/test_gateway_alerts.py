"""The daemon whole on a disk that hangs: alerts are with the subscriber and on the page before anything is stored."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
from pathlib import Path

import pytest

from sensord.config import MqttSettings
from sensord.daemon import Gateway
from sensord.datadir import DataDir
from sensord.demo import demo_settings, simulated_radio
from sensord.model import StoredEvent
from sensord.sinks.messages import rfc3339
from sensord.store import Store
from tests.sinks.made_events import until
from tests.sinks.servers import Mosquitto
from tests.test_gateway import PLAN, SCRIPT, assert_replay_is_what_was_stored, listening, stored


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.timeout(90)
async def test_alerts_wait_for_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Syncs of the run file hang from the first stride until both alerts came; then the log catches up, silently."""
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)
    settings = demo_settings(tmp_path / "data", plan=plan)
    settings.clock = "trusted"
    go, sync = threading.Event(), os.fdatasync
    go.set()

    def slow(fd: int) -> None:
        assert go.wait(60)
        sync(fd)

    monkeypatch.setattr(os, "fdatasync", slow)
    with Mosquitto(tmp_path / "mosquitto") as broker:
        async with listening(broker) as messages:
            settings.mqtt = MqttSettings(host=broker.host, port=broker.port)
            gateway = Gateway(settings, backend=simulated_radio(SCRIPT).backend, page=False, say=lambda _: None)
            stop = asyncio.Event()
            running = asyncio.create_task(gateway.run(60.0, stop=stop))
            store = DataDir(settings.data_dir).store

            def alerts() -> list[dict[str, object]]:
                return [json.loads(m.payload) for m in messages if str(m.topic).endswith("/alert")]  # type: ignore[arg-type]

            await until(lambda: any(str(m.topic).endswith("/run") for m in messages), 30.0)
            go.clear()
            await until(lambda: len(alerts()) == 2, 40.0)
            with contextlib.closing(Store.open(store, gateway="reader", readonly=True)) as reader:
                assert [e for e in reader.read_after(0, 10_000) if e.kind == "alert"] == []
            go.set()
            stop.set()
            await running
            await asyncio.sleep(0.3)
            got = alerts()
    kept = [e for e in stored(settings) if e.kind == "alert"]
    assert [(a["id"], a["time"]) for a in got] == [(f"{e.payload['id']}/onset", time_of(e)) for e in kept]
    assert [a["data"]["late"] for a in got] == [False, False]  # type: ignore[index]
    with contextlib.closing(Store.open(store, gateway="reader", readonly=True)) as reader:
        assert reader.cursor("mqtt") == reader.last_seq()
    assert_replay_is_what_was_stored(settings)


def time_of(event: StoredEvent) -> str:
    assert event.wall_anchor_ns is not None
    return rfc3339(event.wall_anchor_ns + event.t_ns)
