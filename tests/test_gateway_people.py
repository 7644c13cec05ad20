"""The daemon whole: she runs past her limit, and her therapist gets a mail while she still runs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from pathlib import Path

import pytest

from sensord import store_receipts
from sensord.config import MqttSettings, Settings
from sensord.daemon import Gateway
from sensord.datadir import DataDir
from sensord.demo import demo_settings, simulated_radio
from sensord.model import NS
from sensord.sim.script import Run, Stand
from sensord.sinks.receipts import State
from sensord.store import Store
from sensord.store_audit import Trace, audit_of
from tests.sinks.made_events import until
from tests.sinks.people_servers import Endpoint, MailServer
from tests.sinks.servers import Mosquitto

PLAN = """
schema = "rtr-plan/1"
id = "test"
title = "Limits that a few seconds of running pass"
[runner]
alias = "R-7"
[limit.distance]
warn = "8m"
stop = "12m"
[alerts.warn]
who = ["coach"]
[alerts.stop]
who = ["therapist", "nobody"]
"""

SCRIPT = (Stand(2.0), Run(60.0, speed_mps=2.8))


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.timeout(90)
async def test_a_limit_that_is_passed_reaches_who_the_plan_names(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)
    said: list[str] = []
    arrived: list[int] = []

    async def answer() -> int:
        arrived.append(time.time_ns())
        return 204

    with Mosquitto(tmp_path / "mosquitto") as broker:
        async with MailServer() as mail, Endpoint() as hook:
            hook.script = [answer]
            people = {
              "therapist": {"kind": "mail", "to": ["t@clinic.example"], "from": "s@clinic.example", "host": mail.host,
                            "port": mail.port, "tls": "none"},
              "coach": {"kind": "webhook", "url": hook.url},
          }  # fmt: skip
            made = demo_settings(tmp_path / "data", plan=plan, port=0)
            settings = Settings(**{**made.model_dump(), "people": people, "clock": "trusted"})
            settings.mqtt = MqttSettings(host=broker.host, port=broker.port)
            gateway = Gateway(settings, backend=simulated_radio(SCRIPT).backend, page=False, say=said.append)
            stop = asyncio.Event()
            running = asyncio.create_task(gateway.run(60.0, stop=stop))
            await until(lambda: mail.mails and arrived, 50.0)
            ((_, letter),) = mail.mails
            name = str(letter.get_content()).rpartition("Message: ")[2].split("/onset")[0]
            await acknowledge(broker, settings, name)
            store = DataDir(settings.data_dir).store
            with contextlib.closing(Store.open(store, gateway="reader", readonly=True)) as reader:
                await until(lambda: store_receipts.seen(reader, [name]))
                stop.set()
                await running
                rows = audit_of(reader, "R-7")
                told = {(r.person, r.state) for r in store_receipts.receipts(reader)}
                (first, *_) = store_receipts.alerts_after(reader, 0)
    assert "look  the plan tells nobody, but the settings have no [people.nobody]" in said
    assert told == {("therapist", State.SENT), ("coach", State.DELIVERED), ("nurse", State.ACKNOWLEDGED)}
    assert letter["Subject"] == "sensord: R-7: stop"
    assert "Limits as in the plan" in str(letter.get_content())
    assert json.loads(hook.asked[0][1])["data"]["level"] == "warn"
    assert [row.trace for row in rows if row.trace in (Trace.FIRED, Trace.ACKNOWLEDGED)] == [
        Trace.FIRED, Trace.FIRED, Trace.ACKNOWLEDGED,
    ]  # fmt: skip
    assert first.wall_anchor_ns is not None
    delay_s = (arrived[0] - first.wall_anchor_ns - first.t_ns) / NS
    print(f"from the stride that passed the limit to the webhook: {delay_s:.3f} s")  # noqa: T201
    assert delay_s < 2.0


async def acknowledge(broker: Mosquitto, settings: Settings, alert: str) -> None:
    import aiomqtt

    async with aiomqtt.Client(broker.host, broker.port, identifier="nurse") as client:
        said = json.dumps({"alert": alert, "by": "nurse"})
        await client.publish(f"sensord/{settings.site}/cmd/ack", said, qos=1)
