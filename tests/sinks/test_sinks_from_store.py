"""From the real store to real servers: what both hold at the end is what the store holds."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import aiomqtt
import pytest

from sensord.model import NS, Event, RunSetup, StoredEvent
from sensord.sinks.base import Backoff, Sink, SinkState, drain, pump
from sensord.sinks.influx import InfluxSink
from sensord.sinks.mqtt import Broker, MqttSink
from sensord.store import Store
from tests.sinks.made_events import ANCHOR_NS, RUN, a_run, until
from tests.sinks.schemas import check
from tests.sinks.servers import Influxd, InfluxProxy, Mosquitto

pytestmark = pytest.mark.servers


class StoreLog:
    """The store as an event log, on one connection."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def read_after(self, seq: int, limit: int) -> Sequence[StoredEvent]:
        return self.store.read_after(seq, limit)

    async def cursor(self, sink: str) -> int:
        return self.store.cursor(sink)

    async def move_cursor(self, sink: str, seq: int) -> None:
        self.store.move_cursor(sink, seq)

    async def quarantine(self, sink: str, seq: int, reason: str) -> None:
        self.store.quarantine(sink, seq, reason)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Store]:
    store = Store.open(folder / "sensord.db", gateway="gw")
    try:
        yield store
    finally:
        store.close()


def begin(store: Store, run: str, site: str, wall_ns: int | None) -> None:
    setup = RunSetup(run=run, runner="runner-1", site=site, gateway="gw", pods=())
    store.begin_run(setup, file=f"{run}.run", boot_id="boot", boottime_ns=1, begun_wall_ns=wall_ns)


def events_of(run: str) -> list[Event]:
    return [Event(event.n, event.t_ns, event.kind, event.payload) for event in a_run(60, run=run)]


@contextlib.asynccontextmanager
async def pumping(sinks: Sequence[Sink], log: StoreLog) -> AsyncIterator[list[asyncio.Event]]:
    wakes = [asyncio.Event() for _ in sinks]
    tasks = [
        asyncio.create_task(pump(sink, log, wake, backoff=Backoff(0.01, 0.05)))
        for sink, wake in zip(sinks, wakes, strict=True)
    ]
    try:
        yield wakes
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_run_that_is_stored_while_sinks_and_the_process_come_and_go(
    tmp_path: Path, influxd: Influxd, database: str, mosquitto: Mosquitto, site: str
) -> None:
    """Twenty parts, each with a new process' worth of store, sinks and pumps; some end without a drain."""
    events = events_of(RUN)
    size = -(-len(events) // 20)
    heard: list[str] = []

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            heard.append(check(str(message.topic), message.payload)["id"])

    async with InfluxProxy(influxd) as proxy, aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
        await client.subscribe(f"sensord/{site}/r/+/alert", qos=1)
        listening = asyncio.create_task(listen(client))
        for part in range(20):
            with opened(tmp_path) as store:
                if part == 0:
                    begin(store, RUN, site, ANCHOR_NS)
                log = StoreLog(store)
                broker = Broker(mosquitto.host, mosquitto.port)
                async with (
                    InfluxSink(proxy.url, org="o", bucket=database) as influx,
                    MqttSink(broker, site=site, gateway="gw", backoff=Backoff(0.01, 0.05)) as mqtt,
                ):
                    async with pumping([influx, mqtt], log) as wakes:
                        for event in events[part * size : (part + 1) * size]:
                            store.append(RUN, "1", [event])
                            for wake in wakes:
                                wake.set()
                            await asyncio.sleep(0)
                        if part == 19:
                            last = store.last_seq()
                            await until(lambda: store.cursor("influx") == store.cursor("mqtt") == last)  # noqa: B023
                    if part % 2:
                        await asyncio.gather(drain(influx, log, 1.0), drain(mqtt, log, 1.0))
        kept = [event for event in events if event.kind == "alert"]
        await until(lambda: len(set(heard)) == len(kept))
        listening.cancel()
    assert list(dict.fromkeys(heard)) == [f"{event.payload['id']}/{event.payload['phase']}" for event in kept]
    with opened(tmp_path) as store:
        assert store.quarantined("influx") == store.quarantined("mqtt") == []
        for kind in ("stride", "gait", "asymmetry", "limit_state", "alert", "note", "pod"):
            rows = influxd.query(f"SELECT event_n, t_ns FROM \"{kind}\" WHERE run = '{RUN}'", database)
            stored = sorted((event.n, event.t_ns) for event in store.events(RUN, [kind], algo="1"))
            assert sorted({(row["event_n"], row["t_ns"]) for row in rows}) == stored
            assert len(rows) == len(stored) * (3 if kind == "gait" else 1)


async def test_a_run_without_wall_time_is_sent_once_its_anchor_is_known(
    tmp_path: Path, influxd: Influxd, database: str, site: str
) -> None:
    events = events_of(RUN)
    with opened(tmp_path) as store:
        begin(store, RUN, site, None)
        store.append(RUN, "1", events)
        log = StoreLog(store)
        states: list[SinkState] = []
        async with InfluxProxy(influxd) as proxy, InfluxSink(proxy.url, org="o", bucket=database) as sink:
            assert not await drain(sink, log, 1.0, report=states.append)
            assert "clock not trusted" in str(states[-1].detail)
            assert influxd.query("SHOW MEASUREMENTS", database) == []
            store.set_anchor(RUN, ANCHOR_NS)
            assert await drain(sink, log, 5.0)
    rows = influxd.query("SELECT event_n, t_ns FROM stride", database)
    assert len(rows) == sum(event.kind == "stride" for event in events)
    assert all(abs(row["time"] - ANCHOR_NS - row["t_ns"]) < 1000 for row in rows)
    assert min(row["t_ns"] for row in rows) == NS


async def test_a_run_that_is_discarded_while_it_waits_lets_the_next_one_through(
    tmp_path: Path, influxd: Influxd, database: str, site: str
) -> None:
    other = RUN.replace("1", "2")
    with opened(tmp_path) as store:
        begin(store, RUN, site, None)
        store.append(RUN, "1", events_of(RUN))
        begin(store, other, site, ANCHOR_NS)
        store.append(other, "1", events_of(other))
        log = StoreLog(store)
        async with InfluxProxy(influxd) as proxy, InfluxSink(proxy.url, org="o", bucket=database) as sink:
            assert not await drain(sink, log, 1.0)
            store.discard(RUN, "coach", "wrong runner")
            assert await drain(sink, log, 5.0)
            assert store.cursor("influx") == store.last_seq()
    assert {row["run"] for row in influxd.query("SELECT event_n, run FROM stride", database)} == {other}


async def test_an_imported_old_run_does_not_replace_the_state_of_the_newest(
    tmp_path: Path, mosquitto: Mosquitto, site: str
) -> None:
    """Also when the process that tells it has told nothing else: imports happen while no daemon runs."""
    kept: list[str] = []
    with opened(tmp_path) as store:
        log, older = StoreLog(store), f"{RUN[:-1]}0"
        for run, wall_ns in ((RUN, ANCHOR_NS), (older, ANCHOR_NS - 10**15)):
            begin(store, run, site, wall_ns)
            store.append(run, "1", events_of(run))
            async with MqttSink(
                Broker(mosquitto.host, mosquitto.port), site=site, gateway="gw", newest_run=store.newest_run
            ) as sink:
                await until(lambda sink=sink: sink.connected)
                assert await drain(sink, log, 10.0)
        async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
            await client.subscribe(f"sensord/{site}/r/#", qos=1)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    async for message in client.messages:
                        assert isinstance(message.payload, bytes)
                        kept.append(json.loads(message.payload)["run"])
    assert set(kept) == {RUN}
