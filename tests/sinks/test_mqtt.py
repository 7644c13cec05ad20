"""The MQTT sink against a real broker: every alert at least once with the same id, live values never old."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from sensord.errors import Away, InputError
from sensord.model import NS, AlertPhase, LimitStatus, RunChange, RunState, StoredEvent
from sensord.sinks.base import Backoff, Health, SinkState, pump
from sensord.sinks.mqtt import Broker, MqttSink
from tests.sinks.made_events import ANCHOR_NS, RUN, MemoryLog, a_limit, a_run, a_window, an_alert, stored, until
from tests.sinks.schemas import check
from tests.sinks.servers import Mosquitto

pytestmark = pytest.mark.servers


class Listener:
    """Somebody who listens to everything, with a session the broker keeps, and comes back when the broker does."""

    def __init__(self, server: Mosquitto, site: str, *, extra: tuple[str, ...] = (), **settings: Any) -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        self.topics = [f"sensord/{site}/#", "homeassistant/device/#", *extra]
        self.listening = asyncio.Event()
        self._settings = {
            "hostname": server.host,
            "port": server.port,
            "identifier": f"listener-{site}",
            "timeout": 3,
            **settings,
        }
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Listener:
        self._task = asyncio.create_task(self._listen())
        async with asyncio.timeout(5):
            await self.listening.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                async with aiomqtt.Client(**self._settings, clean_session=False) as client:
                    for topic in self.topics:
                        await client.subscribe(topic, qos=1)
                    self.listening.set()
                    async for message in client.messages:
                        assert isinstance(message.payload, bytes)
                        self.heard.append((str(message.topic), message.payload, message.retain))
            await asyncio.sleep(0.05)

    def on(self, end: str) -> list[Any]:
        """Payloads on topics with that end, each checked against its schema."""
        return [check(topic, payload) for topic, payload, _ in self.heard if topic.endswith(end)]


@contextlib.asynccontextmanager
async def pumping(sink: MqttSink, log: MemoryLog) -> AsyncIterator[tuple[asyncio.Event, list[SinkState]]]:
    wake, states = asyncio.Event(), list[SinkState]()
    task = asyncio.create_task(pump(sink, log, wake, report=states.append, backoff=Backoff(0.02, 0.1)))
    try:
        yield wake, states
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def connected(server: Mosquitto, site: str, **settings: Any) -> AsyncIterator[MqttSink]:
    broker = settings.pop("broker", Broker(server.host, server.port))
    settings.setdefault("backoff", Backoff(0.02, 0.1))
    async with MqttSink(broker, site=site, gateway="gw", **settings) as sink:
        await until(lambda: sink.connected)
        yield sink


def alerts(count: int, first_seq: int = 1, site: str = "home") -> list[StoredEvent]:
    """Onset and recovery in turn, one a second."""
    phases = [AlertPhase.ONSET, AlertPhase.RECOVERY]
    return [
        stored(first_seq + i, (i + 1) * NS, an_alert(phases[i % 2], (i - i % 2 + 1) * NS), site=site)
        for i in range(count)
    ]


def ids(events: list[StoredEvent]) -> list[str]:
    return [f"{event.payload['id']}/{event.payload['phase']}" for event in events]


def just_after(event: StoredEvent) -> Callable[[], int]:
    """A wall clock that stands a moment after an event."""
    assert event.wall_anchor_ns is not None
    now_ns = event.wall_anchor_ns + event.t_ns + NS // 5
    return lambda: now_ns


async def test_a_run_as_a_subscriber_sees_it(mosquitto: Mosquitto, site: str) -> None:
    """Everything in order, every payload in its schema, live only the fresh, the limits as they are at the end."""
    events = a_run(60, site=site)
    log = MemoryLog(events)
    gaits = [event for event in events if event.kind == "gait"]
    async with (
        Listener(mosquitto, site) as listener,
        connected(mosquitto, site, wall_ns=just_after(gaits[-1])) as sink,
        pumping(sink, log),
    ):
        await until(lambda: log.cursors.get("mqtt") == events[-1].seq)
        await until(lambda: any(body["state"] == "ended" for body in listener.on("/run")))
    assert not log.aside
    assert [body["id"] for body in listener.on("/alert")] == ids([event for event in events if event.kind == "alert"])
    assert [body["t_ns"] for body in listener.on("/live")] == [event.t_ns for event in gaits[-5:]]
    assert [body["state"] for body in listener.on("/run")] == ["ready", "running", "ended"]
    assert [body["status"] for body in listener.on("/limit.distance")] == ["within", "over", "within"]
    assert [body["state"] for body in listener.on("/status")] == ["online", "offline"]
    assert [body["data"]["late"] for body in listener.on("/alert")] == [True, True]
    async with Listener(mosquitto, site, identifier=f"second-{site}") as newcomer:
        await until(lambda: sum(f"/{site}/" in topic for topic, *_ in newcomer.heard) == 5)
    mine = {
        topic.partition(f"/{site}/")[2]: json.loads(payload) for topic, payload, _ in newcomer.heard if site in topic
    }
    assert all(retained for *_, retained in newcomer.heard)
    limits = [f"r/runner-1/limit/{rule}" for rule in ("asymmetry.contact_time", "limit.distance", "limit.run_time")]
    assert sorted(filter(None, mine)) == [*limits, "r/runner-1/run", "status"]
    assert mine["r/runner-1/limit/limit.distance"]["status"] == "within"
    assert mine["r/runner-1/run"]["state"] == "ended"
    assert mine["status"]["state"] == "offline"


async def test_broker_down_then_up_every_alert_at_least_once_with_the_same_ids(own_mosquitto: Mosquitto) -> None:
    """Stopped, killed and killed again while alerts go on; the subscriber's session is the broker's to keep."""
    events = alerts(90)
    log = MemoryLog()
    async with (
        Listener(own_mosquitto, "home") as listener,
        connected(own_mosquitto, "home") as sink,
        pumping(sink, log) as (wake, states),
    ):
        for part, end in enumerate((own_mosquitto.stop, own_mosquitto.kill, own_mosquitto.kill)):
            log.events += events[30 * part : 30 * part + 15]
            wake.set()
            await until(lambda: log.cursors.get("mqtt") == log.events[-1].seq)
            await until(lambda: {body["id"] for body in listener.on("/alert")} == set(ids(log.events)))
            end()
            log.events += events[30 * part + 15 : 30 * part + 30]
            wake.set()
            await until(lambda: states[-1].health is Health.AWAY)
            own_mosquitto.start()
            await until(lambda: log.cursors.get("mqtt") == log.events[-1].seq, 10)
        await until(lambda: {body["id"] for body in listener.on("/alert")} == set(ids(events)), 10)
    heard = [body["id"] for body in listener.on("/alert")]
    assert list(dict.fromkeys(heard)) == ids(events), "in order, but for repetitions"
    # How many come twice is not ours alone: a killed broker forgets what its subscribers had acknowledged.


@pytest.mark.parametrize(("how", "lost_by_broker"), [("stop", 0), ("kill", 5)])
async def test_broker_gone_in_the_middle_of_a_batch(own_mosquitto: Mosquitto, how: str, lost_by_broker: int) -> None:
    """mosquitto acknowledges in one round and saves at its end: a kill -9 between the two is its loss, not ours."""
    events = alerts(600)
    log = MemoryLog(events)
    async with (
        Listener(own_mosquitto, "home") as listener,
        connected(own_mosquitto, "home") as sink,
        pumping(sink, log),
    ):
        await until(lambda: len(listener.heard) > 50)
        getattr(own_mosquitto, how)()
        before = log.cursors.get("mqtt", 0)
        assert before < events[-1].seq
        own_mosquitto.start()
        await until(lambda: log.cursors.get("mqtt") == events[-1].seq, 15)

        def missing() -> set[str]:
            return set(ids(events)) - {json.loads(body)["id"] for topic, body, _ in listener.heard if "/alert" in topic}

        await until(lambda: len(missing()) <= lost_by_broker, 10)
        assert ids(events)[-1] not in missing()


async def test_without_a_broker_it_is_away_and_goes_on_when_there_is_one(own_mosquitto: Mosquitto) -> None:
    own_mosquitto.stop()
    log = MemoryLog(alerts(3))
    broker = Broker(own_mosquitto.host, own_mosquitto.port)
    begun = time.monotonic()
    async with MqttSink(broker, site="home", backoff=Backoff(0.02, 0.1)) as sink:
        assert time.monotonic() - begun < 0.5, "entering does not wait for the broker"
        with pytest.raises(Away, match=f"127.0.0.1:{own_mosquitto.port}: "):
            await sink.send(log.events)
        async with pumping(sink, log) as (_, states):
            await until(lambda: states and "refused" in (states[-1].detail or ""))
            own_mosquitto.start()
            await until(lambda: log.cursors.get("mqtt") == 3)
            await until(lambda: states[-1].health is Health.OK)


async def test_a_frozen_broker_is_noticed_within_seconds(own_mosquitto: Mosquitto) -> None:
    """Its socket stays open and takes what we write: only the answer that does not come tells."""
    log = MemoryLog()
    async with (
        connected(own_mosquitto, "home", timeout_s=0.5, keepalive_s=1) as sink,
        pumping(sink, log) as (wake, states),
    ):
        own_mosquitto.freeze()
        await until(lambda: not sink.connected, 5.0)  # the keep-alive, though nothing is sent
        log.events += alerts(1)
        wake.set()
        await until(lambda: states and states[-1].health is Health.AWAY)
        own_mosquitto.thaw()
        await until(lambda: log.cursors.get("mqtt") == 1, 10)


async def test_an_acknowledgement_that_does_not_come_is_away_not_success(own_mosquitto: Mosquitto) -> None:
    log = MemoryLog(alerts(1))
    async with connected(own_mosquitto, "home", timeout_s=0.3, keepalive_s=60) as sink:
        own_mosquitto.freeze()
        with pytest.raises(Away, match="timed out"):
            await sink.send(log.events)
        await until(lambda: not sink.connected)  # doubted, so it is made anew
        own_mosquitto.thaw()
        async with Listener(own_mosquitto, "home") as listener, pumping(sink, log):
            await until(lambda: log.cursors.get("mqtt") == 1, 10)
            await until(lambda: listener.on("/alert"))


SELF = """
import asyncio, sys
from sensord.sinks.mqtt import Broker, MqttSink
async def main():
    async with MqttSink(Broker("127.0.0.1", int(sys.argv[1])), site=sys.argv[2], gateway="gw"):
        await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.fixture
def other_process(mosquitto: Mosquitto, site: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", SELF, str(mosquitto.port), site]) as process:
        yield process
        process.kill()


async def test_when_we_are_killed_the_broker_says_that_we_are_gone(
    mosquitto: Mosquitto, site: str, other_process: subprocess.Popen[bytes]
) -> None:
    async with Listener(mosquitto, site) as listener:
        await until(lambda: [body["state"] for body in listener.on("/status")] == ["online"], 10)
        os.kill(other_process.pid, signal.SIGKILL)
        await until(lambda: [body["state"] for body in listener.on("/status")] == ["online", "offline"])
    async with Listener(mosquitto, site, identifier=f"later-{site}") as newcomer:
        await until(lambda: newcomer.on("/status"))
        assert newcomer.on("/status")[0]["state"] == "offline", "kept for those who come later"


async def test_an_old_last_will_does_not_follow_our_new_online(own_mosquitto: Mosquitto) -> None:
    """A connection that hangs is replaced by one with the same identifier: the broker ends the old one first."""
    broker = Broker(own_mosquitto.host, own_mosquitto.port)
    async with Listener(own_mosquitto, "home") as listener:
        hanging = MqttSink(broker, site="home", gateway="gw", backoff=Backoff(60, 60))
        await hanging.__aenter__()
        await until(lambda: hanging.connected)
        async with MqttSink(broker, site="home", gateway="gw") as sink:
            await until(lambda: sink.connected)
            await until(lambda: [body["state"] for body in listener.on("/status")] == ["online", "offline", "online"])
            await asyncio.sleep(0.3)
            assert len(listener.on("/status")) == 3
        await hanging.close()


async def test_live_values_are_not_replayed_by_run_time_either(mosquitto: Mosquitto, site: str) -> None:
    """A run that is on in this process is dated by its own clock, whatever the wall clock does or says."""
    fresh, old = (
        stored(1, 100 * NS, a_window(100), site=site, anchor_ns=None),
        stored(2, 90 * NS, a_window(90), site=site),
    )
    other = stored(3, 100 * NS, a_window(1), site=site, run="another")
    settings: dict[str, Any] = {"run_now_ns": lambda run: 101 * NS if run == RUN else None, "wall_ns": lambda: 0}
    async with Listener(mosquitto, site) as listener, connected(mosquitto, site, **settings) as sink:
        await sink.send([fresh, old, other, *alerts(1, 4, site)])
        await until(lambda: listener.on("/alert"))
    (live,) = listener.on("/live")
    assert live["t_ns"] == 100 * NS
    assert "time" not in live


async def test_home_assistant_is_told_on_connecting_for_a_new_runner_and_when_it_asks(
    mosquitto: Mosquitto, site: str
) -> None:
    def devices() -> list[str]:
        return [body["dev"]["ids"][0] for body in listener.on("/config") if site in body["dev"]["ids"][0]]

    async with Listener(mosquitto, site) as listener, connected(mosquitto, site, runners=["runner-1"]) as sink:
        await until(lambda: devices() == [f"sensord_{site}_runner-1"])
        await sink.send([stored(1, NS, RunChange(RunState.READY, "pods linked"), site=site, runner="runner-2")])
        await sink.send([stored(2, NS, RunChange(RunState.RUNNING, "first stride"), site=site, runner="runner-2")])
        await until(lambda: len(listener.on("/run")) == 2)
        assert devices()[1:] == [f"sensord_{site}_runner-2"]
        async with aiomqtt.Client(mosquitto.host, mosquitto.port) as home_assistant:
            await home_assistant.publish("homeassistant/status", b"online", qos=1)
            await until(lambda: len(devices()) == 4)
            await home_assistant.publish("homeassistant/status", b"offline", qos=1)  # is no reason to tell it
            await home_assistant.publish("homeassistant/status", b"online", qos=1)
            await until(lambda: len(devices()) >= 6)
        await sink.send([stored(3, NS, RunChange(RunState.PAUSED, "no stride"), site=site, runner="runner-2")])
        await until(lambda: len(listener.on("/run")) == 3)
    assert devices()[2:] == [f"sensord_{site}_runner-1", f"sensord_{site}_runner-2"] * 2


async def test_a_lost_connection_is_noticed_at_once_not_after_the_timeout(own_mosquitto: Mosquitto) -> None:
    async with connected(own_mosquitto, "home", timeout_s=30) as sink:
        own_mosquitto.freeze()
        sending = asyncio.create_task(sink.send(alerts(1)))
        await asyncio.sleep(0.05)
        begun = time.monotonic()
        own_mosquitto.kill()
        with pytest.raises(Away):
            await sending
    assert time.monotonic() - begun < 1.0


async def test_commands_are_handed_over_but_never_an_old_one(mosquitto: Mosquitto, site: str) -> None:
    commands: list[tuple[str, str]] = []
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
        await client.publish(f"sensord/{site}/cmd/end", b'{"by": "yesterday"}', qos=1, retain=True)
        async with connected(mosquitto, site, on_command=lambda name, by: commands.append((name, by))):
            for name, payload in (
                ("end", b""),
                ("end", b'{"by": "coach"}'),
                ("erase", b""),
                ("end", b"not json"),
                ("end", b'{"by": 7}'),
                ("end", b"[]"),
                ("end", b'{"by": "' + b"x" * 5000 + b'"}'),
                ("end", b'{"by": "last"}'),
            ):
                await client.publish(f"sensord/{site}/cmd/{name}", payload, qos=1)
            await until(lambda: ("end", "last") in commands)
        await client.publish(f"sensord/{site}/cmd/end", b"", qos=1, retain=True)
    assert commands == [("end", "mqtt"), ("end", "coach"), ("end", "last")]


async def test_what_people_say_is_handed_over_whole_but_never_an_old_one(mosquitto: Mosquitto, site: str) -> None:
    said: list[tuple[str, object]] = []
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
        await client.publish(f"sensord/{site}/cmd/checkin", b'{"answers": {"pain.after": 9}}', qos=1, retain=True)
        async with connected(mosquitto, site, on_said=lambda name, values: said.append((name, values))):
            for name, payload in (
                ("checkin", b'{"answers": {"pain.after": 2}}'),
                ("checkin", b"not json"),
                ("checkin", b"[]"),
                ("checkin", b'{"a": "' + b"x" * 5000 + b'"}'),
                ("gossip", b"{}"),
                ("ack", b'{"alert": "last"}'),
            ):
                await client.publish(f"sensord/{site}/cmd/{name}", payload, qos=1)
            await until(lambda: ("ack", {"alert": "last"}) in said)
        await client.publish(f"sensord/{site}/cmd/checkin", b"", qos=1, retain=True)
    assert said == [("checkin", {"answers": {"pain.after": 2}}), ("ack", {"alert": "last"})]


async def test_what_has_no_form_is_set_aside_and_the_rest_arrives(mosquitto: Mosquitto, site: str) -> None:
    events = [*alerts(2, 1, site), stored(3, NS, a_limit("a/b", LimitStatus.OVER, 1.0), site=site), *alerts(2, 4, site)]
    log = MemoryLog(events)
    async with Listener(mosquitto, site) as listener, connected(mosquitto, site) as sink, pumping(sink, log):
        await until(lambda: len(listener.on("/alert")) == 4)
        await until(lambda: log.cursors.get("mqtt") == 5)
    assert log.aside == {3: "'a/b' cannot be part of a topic"}


async def test_password_and_check(new_mosquitto: Callable[..., Mosquitto]) -> None:
    server = new_mosquitto(password="right")

    def sink(password: str | None, port: int = server.port) -> MqttSink:
        user = "sensord" if password else None
        return MqttSink(Broker(server.host, port, user, password), site="home", timeout_s=0.5)

    assert await sink("right").check() is None
    assert "ot authori" in str(await sink("wrong").check())
    assert "ot authori" in str(await sink(None).check())
    assert "127.0.0.1:9: " in str(await sink("right", 9).check())
    async with sink("wrong") as refused:
        await until(lambda: "ot authori" in refused._trouble)
        with pytest.raises(Away, match="ot authori"):
            await refused.send(alerts(1))


async def test_check_notices_rules_that_drop_messages(new_mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic read sensord/#\n")
    server = new_mosquitto(rules=rules)
    answer = await MqttSink(Broker(server.host, server.port), site="home", timeout_s=0.5).check()
    assert "the broker's access rules may not allow sensord/home/check" in str(answer)
    rules.write_text("topic write sensord/#\n")
    server = new_mosquitto(rules=rules)
    answer = await MqttSink(Broker(server.host, server.port), site="home", timeout_s=0.5).check()
    assert "sensord/home/check did not come back" in str(answer)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of its own authority, for 127.0.0.1."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    command += ["-keyout", str(key), "-out", str(cert), "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


# paho leaves the socket of a failed handshake to the garbage collector
@pytest.mark.filterwarnings("ignore:.*SSLSocket:pytest.PytestUnraisableExceptionWarning")
async def test_tls_checks_who_answers(new_mosquitto: Callable[..., Mosquitto], certificate: tuple[Path, Path]) -> None:
    server = new_mosquitto(password="right", certificate=certificate)

    def broker(**settings: Any) -> Broker:
        return Broker(server.host, server.port, "sensord", "right", tls=True, **settings)

    async with connected(server, "home", broker=broker(ca_file=certificate[0])) as sink:
        await sink.send(alerts(1))
    assert "CERTIFICATE_VERIFY_FAILED" in str(await MqttSink(broker(), site="home").check())


def test_names_that_fit_no_topic_are_refused_at_once() -> None:
    for names in ({"site": "a/b"}, {"site": "home", "runners": ["a#"]}, {"site": "home", "gateway": "+"}):
        with pytest.raises(InputError, match="cannot be part of a topic, expected letters"):
            MqttSink(Broker("127.0.0.1"), **names)  # type: ignore[arg-type]


def test_secrets_do_not_cross_a_network_in_clear_text(tmp_path: Path) -> None:
    async def make(*args: Any, **settings: Any) -> MqttSink:
        return MqttSink(Broker(*args, **settings), site="home")

    for host in ("broker.example", "192.168.1.5", "localhost.example"):
        with pytest.raises(InputError, match=rf"mqtt\.tls: found a secret .* {host} in clear text, expected TLS"):
            asyncio.run(make(host, username="u", password="p"))
    for host in ("127.0.0.1", "localhost", "::1"):
        asyncio.run(make(host, username="u", password="p"))
    asyncio.run(make("broker.example"))
    asyncio.run(make("broker.example", username="u", password="p", tls=True))
    with pytest.raises(InputError, match=r"mqtt\.ca_file"):
        asyncio.run(make("broker.example", tls=True, ca_file=tmp_path / "none.pem"))
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")
    with pytest.raises(InputError, match=r"mqtt\.ca_file"):
        asyncio.run(make("broker.example", tls=True, ca_file=junk))


async def test_closing_is_quick_whatever_the_broker_does(own_mosquitto: Mosquitto) -> None:
    for how in (own_mosquitto.freeze, own_mosquitto.kill):
        async with connected(own_mosquitto, "home", timeout_s=1.0) as sink:
            how()
            begun = time.monotonic()
        assert time.monotonic() - begun < 3.5
        assert not sink.connected
        own_mosquitto.thaw() if how == own_mosquitto.freeze else own_mosquitto.start()
    assert ANCHOR_NS
