"""Alerts ahead of the log: at once when nothing earlier waits, else the log's way; never lost, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensord.errors import JournalFailed
from sensord.model import StoredEvent
from sensord.sinks import ahead
from sensord.sinks.ahead import Ahead
from sensord.sinks.base import Backoff, Health, drain
from sensord.sinks.mqtt import Broker, MqttSink
from tests.sinks.made_events import MemoryLog, until
from tests.sinks.servers import Mosquitto
from tests.sinks.test_mqtt import Listener, alerts, connected, ids, just_after, pumping


class Wire:
    """Where things are sent ahead: confirms, refuses, or lets wait."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.confirms = True
        self.go = asyncio.Event()
        self.go.set()

    async def send(self, event: StoredEvent) -> bool:
        await self.go.wait()
        if self.confirms:
            self.sent.append(event.n)
        return self.confirms


class End:
    """The log's end, told when it is known."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[int]] = []

    def __call__(self) -> asyncio.Future[int]:
        self.asked.append(asyncio.get_running_loop().create_future())
        return self.asked[-1]


async def quiet() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_an_alert_goes_at_once_and_the_log_s_is_passed_over() -> None:
    wire, end = Wire(), End()
    one = Ahead(wire.send, end)
    one.wait_for_log()
    await quiet()
    end.asked[0].set_result(0)
    await quiet()
    first, second = alerts(2)
    one.put(first)
    await quiet()
    assert wire.sent == [first.n]
    assert await one.had(first)
    assert await one.had(first), "a pump that was stopped before its cursor moved asks again"
    assert not await one.had(second)


async def test_until_the_log_has_come_so_far_nothing_goes_ahead() -> None:
    wire, end = Wire(), End()
    one = Ahead(wire.send, end)
    earlier, *later = alerts(4)
    one.put(earlier)  # nobody knows yet what waits
    await quiet()
    end.asked[-1].set_result(earlier.seq)
    await quiet()
    one.put(later[0])  # what was made before is not confirmed: this one waits, too
    await quiet()
    assert wire.sent == []
    assert len(end.asked) == 2
    end.asked[-1].set_result(later[0].seq)
    await quiet()
    one.passed(earlier)
    assert not one.level
    one.passed(later[0])
    assert one.level
    one.put(later[1])
    await quiet()
    assert wire.sent == [later[1].n]
    assert not await one.had(earlier)


async def test_the_first_that_is_not_confirmed_leaves_all_behind_it_to_the_log() -> None:
    wire, end = Wire(), End()
    one = Ahead(wire.send, end)
    one.wait_for_log()
    await quiet()
    end.asked[0].set_result(0)
    await quiet()
    wire.confirms = False
    wire.go.clear()
    made = alerts(3)
    for event in made:
        one.put(event)
    asking = [asyncio.create_task(one.had(event)) for event in made]
    await quiet()
    assert not any(task.done() for task in asking), "what is on its way is waited for"
    wire.go.set()
    assert await asyncio.gather(*asking) == [False] * 3
    assert not one.level
    assert len(end.asked) == 2


async def test_a_store_that_failed_leaves_alerts_to_the_log() -> None:
    wire, end = Wire(), End()
    one = Ahead(wire.send, end)
    one.wait_for_log()
    await quiet()
    end.asked[0].set_exception(JournalFailed("the disk is broken"))
    await quiet()
    one.put(alerts(1)[0])
    await quiet()
    assert wire.sent == []


async def test_closing_tells_who_waits_that_it_was_not_told() -> None:
    wire, end = Wire(), End()
    one = Ahead(wire.send, end)
    one.wait_for_log()
    await quiet()
    end.asked[0].set_result(0)
    await quiet()
    wire.go.clear()
    (event,) = alerts(1)
    one.put(event)
    await quiet()
    asking = asyncio.create_task(one.had(event))
    await quiet()
    await one.close()
    assert await asking is False


async def test_what_the_log_never_brings_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "KEPT", 5)
    wire, end = Wire(), End()
    one = Ahead(wire.send, end)
    one.wait_for_log()
    await quiet()
    end.asked[0].set_result(0)
    await quiet()
    made = alerts(20)
    for event in made:
        one.put(event)
        await quiet()
    assert wire.sent == [event.n for event in made]
    assert len(one._told) == 5
    assert [await one.had(event) for event in made[-5:]] == [True] * 5
    assert not await one.had(made[0])


class Story:
    """A log, its pump and a wire by hand, each in its own rhythm."""

    def __init__(self) -> None:
        self.made, self.told = alerts(60), list[int]()
        self.n = self.stored = self.pumped = 0
        self.works = True
        self.ends: list[tuple[int, asyncio.Future[int]]] = []
        self.ahead = Ahead(self._send, self._end)
        self.ahead.wait_for_log()

    async def turn(self, what: str) -> None:
        match what:
            case "make":
                self.n += 1
                self.ahead.put(self.made[self.n - 1])
            case "store":
                self._store()
            case "pump":
                await self._pump()
            case "fail" | "work":
                self.works = what == "work"
            case _:
                await quiet()

    async def _send(self, event: StoredEvent) -> bool:
        await asyncio.sleep(0)
        if self.works:
            self.told.append(event.n)
        return self.works

    def _end(self) -> asyncio.Future[int]:
        self.ends.append((self.n, asyncio.get_running_loop().create_future()))
        return self.ends[-1][1]

    def _store(self) -> None:
        self.stored = self.n
        for behind, future in self.ends:
            if behind <= self.stored and not future.done():
                future.set_result(self.stored)

    async def _pump(self) -> None:
        while self.pumped < self.stored and self.works:
            event = self.made[self.pumped]
            if not await self.ahead.had(event):
                self.told.append(event.n)
            self.ahead.passed(event)
            self.pumped += 1


@given(st.lists(st.sampled_from(("make", "store", "pump", "fail", "work", "turn")), max_size=60))
def test_whatever_happens_each_comes_once_and_in_order(turns: list[str]) -> None:
    """Made, stored and pumped in any rhythm, by a wire that fails and works: nothing lost, nothing twice, in order."""

    async def play() -> None:
        story = Story()
        for what in [*turns, "work", "store", "turn", "pump"]:
            await story.turn(what)
        await story.ahead.close()
        assert story.told == [event.n for event in story.made[: story.n]]

    asyncio.run(play())


# ------------------------------------------------------------------------------------------------ a real broker


class Handed:
    """A log that has what it was given when it is let have it, and tells its end behind that."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self._made: list[StoredEvent] = []
        self._waiting: list[asyncio.Future[int]] = []

    async def end(self) -> int:
        if self._made:
            self._waiting.append(asyncio.get_running_loop().create_future())
            return await self._waiting[-1]
        return self.log.events[-1].seq if self.log.events else 0

    def add(self, event: StoredEvent) -> None:
        self._made.append(event)

    def store(self, wake: asyncio.Event) -> None:
        self.log.events += self._made
        self._made.clear()
        for one in self._waiting:
            if not one.done():
                one.set_result(self.log.events[-1].seq)
        wake.set()


async def test_a_subscriber_has_it_while_the_log_waits_for_the_disk_and_never_twice(
    mosquitto: Mosquitto, site: str
) -> None:
    events, disk = alerts(4, site=site), Handed()
    async with (
        Listener(mosquitto, site) as listener,
        connected(mosquitto, site, log_end=disk.end, wall_ns=just_after(events[-1])) as sink,
        pumping(sink, disk.log) as (wake, _),
    ):
        sink.wait_for_log()
        await quiet()
        for event in events[:3]:
            disk.add(event)
            sink.hurry(event)
        await until(lambda: len(listener.on("/alert")) == 3)
        assert disk.log.events == []
        disk.store(wake)
        await until(lambda: disk.log.cursors.get("mqtt") == events[2].seq)
        disk.add(events[3])
        disk.store(wake)  # nobody hurried this one: it comes by the log
        await until(lambda: len(listener.on("/alert")) == 4)
    heard = listener.on("/alert")
    assert [body["id"] for body in heard] == ids(events)
    assert [body["data"]["late"] for body in heard] == [False] * 4


async def test_what_could_not_go_ahead_comes_by_the_log_in_order(own_mosquitto: Mosquitto) -> None:
    """The broker is away while one is made; those after it wait for it, though it is back before it is stored."""
    events, disk = alerts(6), Handed()
    async with (
        Listener(own_mosquitto, "home") as listener,
        connected(own_mosquitto, "home", log_end=disk.end) as sink,
        pumping(sink, disk.log) as (wake, states),
    ):
        sink.wait_for_log()
        await quiet()

        def make(event: StoredEvent) -> None:
            disk.add(event)
            sink.hurry(event)

        make(events[0])
        await until(lambda: len(listener.on("/alert")) == 1)
        own_mosquitto.stop()
        await until(lambda: not sink.connected)
        make(events[1])
        own_mosquitto.start()
        await until(lambda: sink.connected)
        make(events[2])
        make(events[3])
        disk.store(wake)
        await until(lambda: disk.log.cursors.get("mqtt") == events[3].seq, 10)
        assert sink._ahead is not None
        assert sink._ahead.level
        make(events[4])
        make(events[5])
        await until(lambda: {body["id"] for body in listener.on("/alert")} >= set(ids(events)), 10)
        assert disk.log.events[-1] is events[3]
        assert states[-1].health is Health.OK
    assert list(dict.fromkeys(body["id"] for body in listener.on("/alert"))) == ids(events)


async def test_after_a_restart_it_comes_again_with_the_same_id(mosquitto: Mosquitto, site: str) -> None:
    (event,), disk = alerts(1, site=site), Handed()
    disk.add(event)

    async def serve(then: Callable[[MqttSink], object]) -> None:
        broker = Broker(mosquitto.host, mosquitto.port)
        async with MqttSink(broker, site=site, log_end=disk.end, backoff=Backoff(0.02, 0.1)) as sink:
            await until(lambda: sink.connected)
            then(sink)
            await drain(sink, disk.log, 2.0)

    async with Listener(mosquitto, site) as listener:
        async with connected(mosquitto, site, log_end=disk.end) as sink:
            sink._ahead._floor = 0  # type: ignore[union-attr] - the log was empty when it began
            sink.hurry(event)
            await until(lambda: listener.on("/alert"))
        disk.store(asyncio.Event())  # another process: what was told ahead is not known any more
        await serve(lambda _: None)
        await until(lambda: len(listener.on("/alert")) == 2)
    assert len({body["id"] for body in listener.on("/alert")}) == 1


async def test_a_frozen_broker_holds_nothing_up_for_good(own_mosquitto: Mosquitto) -> None:
    """No acknowledgement comes for what went ahead: it is left to the log, which brings it when the broker is back."""
    (event,), disk = alerts(1), Handed()
    async with (
        Listener(own_mosquitto, "home") as listener,
        connected(own_mosquitto, "home", log_end=disk.end, timeout_s=0.3, keepalive_s=1) as sink,
        pumping(sink, disk.log) as (wake, _),
    ):
        sink.wait_for_log()
        await quiet()
        own_mosquitto.freeze()
        disk.add(event)
        sink.hurry(event)
        disk.store(wake)
        await until(lambda: not sink.connected, 10)
        own_mosquitto.thaw()
        await until(lambda: disk.log.cursors.get("mqtt") == event.seq, 10)
        await until(lambda: listener.on("/alert"), 10)
    assert {body["id"] for body in listener.on("/alert")} == set(ids([event]))


async def test_without_the_log_s_end_nothing_goes_ahead(mosquitto: Mosquitto, site: str) -> None:
    (event,) = alerts(1, site=site)
    async with Listener(mosquitto, site) as listener, connected(mosquitto, site) as sink:
        sink.wait_for_log()
        sink.hurry(event)
        await sink.send([event])
        await until(lambda: listener.on("/alert"))
    assert len(listener.on("/alert")) == 1
