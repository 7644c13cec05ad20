"""The sinks of one gateway: made from settings, each with its pump behind its own cursor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from sensord.config import Settings, read_secret
from sensord.fact_log import FactLog, FactSink
from sensord.journal import Journal
from sensord.model import Json, StoredEvent
from sensord.sinks.base import EventLog, Sink, SinkState, drain, pump
from sensord.sinks.influx import InfluxSink
from sensord.sinks.mqtt import Broker, MqttSink
from sensord.sinks.people import PersonSink
from sensord.store import Store

DRAIN_S = 3.0
"""Design choice: how long a sink gets at the end to take what is left; the cursor keeps the rest for next time."""


class StoreLog:
    """The event log as pumps want it: read on a reading connection, written by the journal's thread."""

    def __init__(self, reader: Store, journal: Journal) -> None:
        self._reader = reader
        self._journal = journal

    async def read_after(self, seq: int, limit: int) -> Sequence[StoredEvent]:
        """Events with a greater `seq`, in order, at most `limit`."""
        return self._reader.read_after(seq, limit)

    async def cursor(self, sink: str) -> int:
        """The last `seq` that sink has confirmed; 0 for a new sink."""
        return self._reader.cursor(sink)

    async def move_cursor(self, sink: str, seq: int) -> None:
        """Durably: everything up to `seq` is done with."""
        await asyncio.wrap_future(self._journal.call(lambda store: store.move_cursor(sink, seq)))

    async def quarantine(self, sink: str, seq: int, reason: str) -> None:
        """Durably: this sink will never take `seq`."""
        await asyncio.wrap_future(self._journal.call(lambda store: store.quarantine(sink, seq, reason)))


def influx_sink(settings: Settings, *, wall_time_lost: Callable[[str], bool] | None = None) -> InfluxSink | None:
    """The InfluxDB sink that the settings ask for."""
    influx = settings.influx
    if influx is None:
        return None
    token = read_secret(influx.token_file, "influx_token")
    return InfluxSink(influx.url, org=influx.org, bucket=influx.bucket, token=token, wall_time_lost=wall_time_lost)


def mqtt_sink(
    settings: Settings,
    *,
    runner: str,
    on_command: Callable[[str, str], None] | None = None,
    on_said: Callable[[str, Mapping[str, Json]], None] | None = None,
    run_now_ns: Callable[[str], int | None] | None = None,
    newest_run: Callable[[str], str | None] | None = None,
    journal: Journal | None = None,
    rules: Sequence[str] = (),
) -> MqttSink | None:
    """The MQTT sink that the settings ask for; with `journal` it can be told alerts ahead of the log."""
    mqtt = settings.mqtt
    if mqtt is None:
        return None

    def end(store: Store) -> int:
        """Where the log ends as far as this sink has anything to wait for."""
        last = store.last_seq()
        return 0 if store.cursor("mqtt") >= last else last

    broker = Broker(
        host=mqtt.host,
        port=mqtt.port,
        username=mqtt.username,
        password=read_secret(mqtt.password_file, "mqtt_password"),
        tls=mqtt.tls,
        ca_file=mqtt.ca_file,
    )
    return MqttSink(
        broker,
        site=settings.site,
        gateway=settings.gateway,
        runners=[runner],
        on_command=on_command,
        on_said=on_said,
        run_now_ns=run_now_ns,
        newest_run=newest_run,
        log_end=(lambda: asyncio.wrap_future(journal.call(end))) if journal else None,
        rules=rules,
    )


@dataclass(slots=True)
class Outlets:
    """Open sinks with their pumps; `wake` all of them when something was stored."""

    sinks: Sequence[Sink]
    states: dict[str, SinkState] = field(default_factory=dict)
    wakes: list[asyncio.Event] = field(default_factory=list)
    pumps: list[asyncio.Task[None]] = field(default_factory=list)
    """Run until cancelled; one that ends by itself has met a bug, which is the daemon's to raise."""

    def wake(self) -> None:
        """Something was stored."""
        for event in self.wakes:
            event.set()


@asynccontextmanager
async def open_outlets(
    sinks: Sequence[InfluxSink | MqttSink | PersonSink],
    log: StoreLog,
    report: Callable[[SinkState], None],
    *,
    facts: FactLog | None = None,
) -> AsyncIterator[Outlets]:
    """Pumps run inside; at the end each sink gets one bounded attempt to take what is left. `facts` go beside."""
    outlets = Outlets(sinks)
    carried: list[tuple[Sink, EventLog]] = []

    def note(state: SinkState) -> None:
        outlets.states[state.name] = state
        report(state)

    async with AsyncExitStack() as stack:
        for sink in sinks:
            await stack.enter_async_context(sink)
            carried.append((sink, log))
            if facts is not None and not isinstance(sink, PersonSink):  # people are told decisions, not answers
                carried.append((FactSink(sink), facts))
        for into, whence in carried:
            wake = asyncio.Event()
            outlets.wakes.append(wake)
            told = _nobody if isinstance(into, FactSink) else note  # one server is told of once
            work = pump(into, whence, wake, report=told)
            outlets.pumps.append(asyncio.create_task(work, name=f"pump {into.name}"))
        try:
            yield outlets
        finally:
            for task in outlets.pumps:
                task.cancel()
            await asyncio.gather(*outlets.pumps, return_exceptions=True)
            await asyncio.gather(*(drain(into, whence, DRAIN_S) for into, whence in carried))


def _nobody(state: SinkState) -> None:
    """What becomes of the facts of a sink is not told beside what becomes of its events."""
