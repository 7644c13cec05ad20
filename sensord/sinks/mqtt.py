"""MQTT: alerts that arrive, live values that are never old, the state of limits and of the gateway.

`async with MqttSink(...) as sink` starts one background task that holds the connection and comes back by itself;
entering does not wait for the broker. `send` publishes over that connection and waits for the broker's
acknowledgement of each QoS 1 message before it goes on to the next; without a connection it raises `Away` at once.
When the connection is back the task sets `back`, and the pump goes on from the first event that was not confirmed:
an alert comes at least once, a repeated one has the same `id`. `hurry` publishes an alert before the log has it
(`ahead`): a slow disk does not hold it up, and what was acknowledged is not sent again when the log brings it.

A broker that vanished without a word is noticed by the keep-alive (within about two of its periods) or by an
acknowledgement that does not come. The last will then says "offline" for us. The client identifier is fixed: when
we come back the broker drops what it still holds of the old connection first, so an old will cannot follow our new
"online".
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiomqtt

from sensord.errors import Away, InputError, Problem, Refused
from sensord.model import NS, Json, LimitState, RunChange, StoredEvent
from sensord.sinks.ahead import Ahead
from sensord.sinks.base import AwayAfter, Backoff, RefusedAt
from sensord.sinks.facts import fact_messages
from sensord.sinks.homeassistant import BIRTH_TOPIC, RULES, discovery
from sensord.sinks.messages import Message, Topics, messages_of, status_message
from sensord.sinks.secrecy import refuse_clear_text

logger = logging.getLogger(__name__)

KEEPALIVE_S = 3
"""Design choice: a dead broker is noticed within 7 s, and it calls us offline after 4.5 s (MQTT 3.1.1, 3.1.2.10)."""

RECONNECT_MOST_S = 10.0
"""Design choice: the longest wait between attempts to connect; an alert should not wait a minute for a broker."""

STEADY_S = 5.0
"""Design choice: a connection that lasted this long was a good one. (Two gateways with the same name throw each other
out; they must not do so many times a second.)"""

COMMANDS = {"end", "start"}
"""What may be asked of us."""

SAYINGS = {"checkin", "ack"}
"""What people may tell us: a JSON object each."""

STATES = frozenset((LimitState.KIND, RunChange.KIND))
"""Kinds of events whose messages are retained."""

COMMAND_BYTES = 4096

LEAVE_S = 2.0
"""Design choice: how long closing waits for the connection to be left in order."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how to be let in. TLS checks the certificate and the host name."""

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = None
    tls: bool = False
    ca_file: Path | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class MqttSink:
    """Publishes events to one broker (topics and payloads: `messages`).

    `runners` are announced to Home Assistant at once, others with their first event. `run_now_ns` gives the run time
    of a run that is on in this process (None for any other): it tells how old an event is whatever the wall clock
    does; without it the run's wall anchor and `wall_ns` do. `newest_run` gives a runner's latest run: only its state is
    retained (without it, every run's). `log_end` is what `hurry` needs (`ahead.Ahead`): without it alerts wait for the
    log. `on_command(name, by)` is called for a command.
    `InputError` for a secret in clear text over a network, an unreadable `ca_file`, or a name that fits no topic.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        site: str,
        gateway: str = "gateway",
        runners: Sequence[str] = (),
        rules: Sequence[str] = RULES,
        announce: bool = True,
        on_command: Callable[[str, str], None] | None = None,
        on_said: Callable[[str, Mapping[str, Json]], None] | None = None,
        run_now_ns: Callable[[str], int | None] | None = None,
        newest_run: Callable[[str], str | None] | None = None,
        log_end: Callable[[], Awaitable[int]] | None = None,
        wall_ns: Callable[[], int] = time.time_ns,
        backoff: Backoff | None = None,
        keepalive_s: int = KEEPALIVE_S,
        timeout_s: float = 3.0,
        name: str = "mqtt",
    ) -> None:
        secret = broker.username or broker.password
        refuse_clear_text("mqtt.tls", broker.host, secret, encrypted=broker.tls)
        self.name = name
        self.back = asyncio.Event()
        self._broker = broker
        self._topics = Topics(site)
        self._gateway = gateway
        self._runners = dict.fromkeys(runners)
        self._rules = rules
        self._check_names()
        self._announce = announce
        self._on_command = on_command
        self._on_said = on_said
        self._run_now_ns = run_now_ns
        self._newest_run = newest_run
        self._ahead = Ahead(self._publish_now, log_end) if log_end else None
        self._wall_ns = wall_ns
        self._backoff = backoff or Backoff(most_s=RECONNECT_MOST_S)
        self._keepalive_s = keepalive_s
        self._timeout_s = timeout_s
        self._tls = _tls_context(broker)
        self._link: _Link | None = None
        self._trouble = "not connected yet"
        self._hang_up = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._stay_connected(), name=f"{self.name} connection")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Say "offline" and leave; takes at most a few seconds."""
        task, self._task = self._task, None
        if task is None:
            return
        if self._ahead:
            await self._ahead.close()
        self._closing = True
        self._hang_up.set()
        _, pending = await asyncio.wait([task], timeout=LEAVE_S)
        if pending:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    @property
    def connected(self) -> bool:
        """Whether there is a connection right now."""
        return self._link is not None

    async def send(self, batch: Sequence[StoredEvent]) -> None:
        """Publish what a batch says, in order, each QoS 1 message acknowledged before the next.

        Raises `AwayAfter` with the number of events that were confirmed, `RefusedAt` at an event without a form.
        """
        link = self._link
        if self._task and self._task.done():
            self._task.result()  # a bug ended it: say so
        if link is None:
            raise Away(f"{self._broker}: {self._trouble}")
        for done, event in enumerate(batch):
            if self._ahead is None or not await self._ahead.had(event):
                try:
                    messages = self._messages(event)
                except Refused as refused:
                    raise RefusedAt(str(refused), done) from None
                try:
                    await self._publish(link, messages)
                except aiomqtt.MqttError as error:
                    raise AwayAfter(f"{self._broker}: {error}", done) from None
            if self._ahead and event.run:  # facts are a log of their own
                self._ahead.passed(event)

    def hurry(self, event: StoredEvent) -> None:
        """Publish an event that was made just now and handed to the log (its `seq` is not known and not asked for)."""
        if self._ahead:
            self._ahead.put(event)

    def wait_for_log(self) -> None:
        """What was made so far is sent as the log brings it; called once before the first `hurry`."""
        if self._ahead:
            self._ahead.wait_for_log()

    async def _publish_now(self, event: StoredEvent) -> bool:
        link = self._link
        if link is None:
            return False
        try:
            await self._publish(link, self._messages(event))
        except (Refused, aiomqtt.MqttError) as error:
            logger.info("left to the log: %s", error)
            return False
        return True

    def _messages(self, event: StoredEvent) -> list[Message]:
        newest = self._is_newest(event)
        source = f"/sensord/{self._gateway}"
        messages = messages_of(event, self._topics, source, self._age_s(event), newest=newest)
        messages += fact_messages(event, self._topics)
        if messages and self._announce and event.runner not in self._runners:
            self._runners[event.runner] = None
            messages.insert(0, discovery(self._topics, event.runner, self._rules))
        return messages

    async def _publish(self, link: _Link, messages: Sequence[Message]) -> None:
        try:
            for message in messages:
                await link.publish(message)
        except aiomqtt.MqttError as error:
            if self._link is link:
                self._trouble = str(error)
                self._hang_up.set()  # it looked alive, but does not answer
            raise

    async def check(self) -> str | None:
        """None when a message we publish comes back to us; else what is wrong. Uses a connection of its own.

        A broker does not say when its access rules drop a message (MQTT 3.1.1), so only the round trip can tell;
        mosquitto 2.0.11 ends the connection instead.
        """
        topic, nonce = self._topics.check, secrets.token_hex(8).encode()
        doubt = ""
        try:
            async with self._new_client("check") as client:
                doubt = f" (the broker's access rules may not allow {topic})"
                await _subscribe(client, topic)
                await _publish(client, Message(topic, nonce, 1, retain=False))
                async with asyncio.timeout(self._timeout_s):
                    async for message in client.messages:
                        if message.payload == nonce:
                            return None
        except TimeoutError:
            pass
        except aiomqtt.MqttError as error:
            return f"{self._broker}: {error}{doubt}"
        return f"{self._broker}: a message to {topic} did not come back; the broker's access rules drop it"

    def _check_names(self) -> None:
        try:
            for runner in self._runners:
                discovery(self._topics, runner, self._rules)
            self._topics.runner(self._gateway)
        except Refused as refused:
            problem = Problem("settings", "site, gateway, runner", str(refused), "letters, digits, - or _")
            raise InputError(problem) from None

    def _age_s(self, event: StoredEvent) -> float | None:
        now_ns = self._run_now_ns(event.run) if self._run_now_ns else None
        if now_ns is not None:
            return (now_ns - event.t_ns) / NS
        if event.wall_anchor_ns is None:
            return None
        return (self._wall_ns() - event.wall_anchor_ns - event.t_ns) / NS

    def _is_newest(self, event: StoredEvent) -> bool:
        if self._newest_run is None or event.kind not in STATES:
            return True
        return self._newest_run(event.runner) in {None, event.run}

    async def _stay_connected(self) -> None:
        """Connect, serve, and connect again, until closed."""
        while not self._closing:
            self._hang_up.clear()
            try:
                will = status_message(self._topics, self._gateway, online=False)
                async with self._new_client(None, will) as client:
                    await self._greet(client)
                    self._link = _Link(client, asyncio.get_running_loop().create_future())
                    self.back.set()
                    logger.info("connected to %s", self._broker)
                    await self._serve(self._link)
            except aiomqtt.MqttError as error:
                self._trouble = str(error)
                logger.info("%s: %s", self._broker, error)
            if not self._closing:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._backoff.next_s()):
                        await self._hang_up.wait()

    async def _greet(self, client: aiomqtt.Client) -> None:
        """Listen first, then say that we are there and what there is."""
        await _subscribe(client, self._topics.commands + "#")
        if self._announce:
            await _subscribe(client, BIRTH_TOPIC)
            await self._introduce(client)
        await _publish(client, status_message(self._topics, self._gateway, online=True))

    async def _introduce(self, client: aiomqtt.Client) -> None:
        for runner in tuple(self._runners):
            await _publish(client, discovery(self._topics, runner, self._rules))

    async def _serve(self, link: _Link) -> None:
        """Until the connection is lost (`MqttError`), doubted (`send` got no answer), or we close."""
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        listening = asyncio.create_task(self._listen(link.client))
        hanging_up = asyncio.create_task(self._hang_up.wait())
        try:
            await asyncio.wait({listening, hanging_up}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._link = None
            link.lost.set_result(None)
            if loop.time() - begun_s > STEADY_S:
                self._backoff.reset()
            hanging_up.cancel()
            if not listening.done():
                listening.cancel()
        await asyncio.wait({listening})
        if not listening.cancelled():
            listening.result()
        if self._closing:
            await _publish(link.client, status_message(self._topics, self._gateway, online=False))

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            topic = str(message.topic)
            if topic == BIRTH_TOPIC:
                if message.payload == b"online":
                    await self._introduce(client)
            elif topic.startswith(self._topics.commands):
                self._command(topic.removeprefix(self._topics.commands), message)

    def _command(self, name: str, message: aiomqtt.Message) -> None:
        """Hand over a command; a retained one is an old one, and would come again after every reconnect."""
        if name in SAYINGS and self._on_said and not message.retain:
            said = _object(message.payload)
            if said is None:
                logger.warning("ignored %s: expected a JSON object of at most %d bytes", name, COMMAND_BYTES)
            else:
                self._on_said(name, said)
            return
        by = _by(message.payload)
        if message.retain or name not in COMMANDS or by is None:
            logger.warning("ignored command %r (retained: %s)", name, message.retain)
        elif self._on_command:
            self._on_command(name, by)

    def _new_client(self, suffix: str | None, will: Message | None = None) -> aiomqtt.Client:
        identifier = f"sensord-{self._topics.site}-{self._gateway}"
        return aiomqtt.Client(
            self._broker.host,
            self._broker.port,
            username=self._broker.username,
            password=self._broker.password,
            identifier=f"{identifier}-{suffix}-{secrets.token_hex(4)}" if suffix else identifier,
            will=aiomqtt.Will(will.topic, will.payload, will.qos, will.retain) if will else None,
            clean_session=True,  # the log remembers, not the broker
            keepalive=self._keepalive_s,
            timeout=self._timeout_s,
            tls_context=self._tls,
            max_queued_incoming_messages=100,
        )


@dataclass(frozen=True, slots=True)
class _Link:
    """One connection; `lost` is done when it is over."""

    client: aiomqtt.Client
    lost: asyncio.Future[None]

    async def publish(self, message: Message) -> None:
        """Publish; a lost connection ends the wait for the acknowledgement (aiomqtt itself waits for its timeout)."""
        publishing = asyncio.ensure_future(_publish(self.client, message))
        try:
            await asyncio.wait({publishing, self.lost}, return_when=asyncio.FIRST_COMPLETED)
            if not publishing.done():
                raise aiomqtt.MqttError("the connection was lost before the acknowledgement")
            publishing.result()
        finally:
            publishing.cancel()


async def _publish(client: aiomqtt.Client, message: Message) -> None:
    await client.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)


async def _subscribe(client: aiomqtt.Client, topic: str) -> None:
    """Subscribe at QoS 1; a broker that refuses is named in the log, the rest goes on without."""
    codes: Sequence[Any] = await client.subscribe(topic, qos=1)
    if any(getattr(code, "is_failure", code == 128) for code in codes):
        logger.warning("the broker does not let us listen to %s", topic)


def _by(payload: object) -> str | None:
    """Who sent a command, "mqtt" when it does not say; None when the payload is not one of ours."""
    if not isinstance(payload, bytes | bytearray) or len(payload) > COMMAND_BYTES:
        return None
    if not payload.strip():
        return "mqtt"
    try:
        value = json.loads(payload)
    except ValueError:
        return None
    by = value.get("by", "mqtt") if isinstance(value, dict) else None
    return by if isinstance(by, str) and 0 < len(by) <= 64 else None


def _object(payload: object) -> dict[str, Json] | None:
    """The JSON object that a message is; None when it is none, or a large one."""
    if not isinstance(payload, bytes | bytearray) or len(payload) > COMMAND_BYTES:
        return None
    try:
        value = json.loads(payload)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _tls_context(broker: Broker) -> ssl.SSLContext | None:
    if not broker.tls:
        return None
    try:
        return ssl.create_default_context(cafile=str(broker.ca_file) if broker.ca_file else None)
    except (OSError, ssl.SSLError) as error:
        problem = Problem("settings", "mqtt.ca_file", f"{broker.ca_file} ({error})", "a PEM file with certificates")
        raise InputError(problem) from None
