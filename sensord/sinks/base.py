"""What a sink is, and the pump that carries the event log to it.

The log is the only queue: a pump reads behind its own durable cursor and moves the cursor only after `Sink.send`
returned. So an event reaches a sink at least once, whatever is killed when; what makes it exactly once for a reader is
the sink's business (InfluxDB: the same point again is the same point; MQTT: alerts carry a stable id).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from sensord.errors import Away, Refused
from sensord.model import StoredEvent

logger = logging.getLogger(__name__)

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 60.0
LONGEST_ASKED_S = 3600.0
"""Design choices: how long to wait after a failure at first, at most, and at most when the other side names a time."""

IDLE_S = 5.0
"""Design choice: an idle pump looks at the log this often even if nobody woke it."""


class Sink(Protocol):
    """One place events go to."""

    name: str
    """Names the cursor; keep it and the cursor is kept."""
    back: asyncio.Event
    """Set by a sink that notices by itself that the other side is back: the pump then tries again at once."""

    async def send(self, batch: Sequence[StoredEvent]) -> None:
        """Deliver a batch in order; returning means the other side has confirmed all of it.

        Raises `Away` (or `AwayAfter`) when it should be tried again, `Refused` when something in the batch will never
        be taken, `RefusedAt` when it is known which event that is.
        """


class EventLog(Protocol):
    """What a pump needs of the store; the daemon reads on a read-only connection and writes in the writer thread."""

    async def read_after(self, seq: int, limit: int) -> Sequence[StoredEvent]:
        """Events with a greater `seq`, in order, at most `limit`."""

    async def cursor(self, sink: str) -> int:
        """The last `seq` that sink has confirmed; 0 for a new sink."""

    async def move_cursor(self, sink: str, seq: int) -> None:
        """Durably: everything up to `seq` is done with."""

    async def quarantine(self, sink: str, seq: int, reason: str) -> None:
        """Durably: this sink will never take `seq`. The cursor moves after it, so the same call may come twice."""


class AwayAfter(Away):
    """The other side went away (or must wait) after it had confirmed the first `done` events of the batch."""

    def __init__(self, detail: str, done: int, retry_after_s: float | None = None) -> None:
        self.done = done
        super().__init__(detail, retry_after_s)


class RefusedAt(Refused):
    """Event number `done` of the batch is refused; the `done` events before it are confirmed."""

    def __init__(self, detail: str, done: int) -> None:
        self.done = done
        super().__init__(detail)


class Health(StrEnum):
    """How a sink is doing."""

    OK = "ok"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class SinkState:
    """How a sink is doing, for the page and `sensord doctor`.

    `behind` events are known to wait; with `behind_more` there are more than one batch of them. `since_ns` is the wall
    time at which it went away. `quarantined` counts since the process started, `refusal` is the newest reason.
    """

    name: str
    health: Health = Health.OK
    detail: str | None = None
    since_ns: int | None = None
    cursor: int = 0
    behind: int = 0
    behind_more: bool = False
    quarantined: int = 0
    refusal: str | None = None


@dataclass(slots=True)
class Backoff:
    """Waits that double from `first_s` to `most_s`, each drawn evenly between 0 and that ("full jitter")."""

    first_s: float = FIRST_WAIT_S
    most_s: float = LONGEST_WAIT_S
    rng: random.Random = field(default_factory=random.Random)
    failures: int = 0

    def next_s(self, asked_s: float | None = None) -> float:
        """The next wait in s; what the other side asked for (Retry-After) goes before our own idea."""
        ceiling_s = min(self.most_s, self.first_s * 2.0 ** min(self.failures, 30))
        self.failures += 1
        if asked_s is not None:
            return min(max(asked_s, 0.0), LONGEST_ASKED_S)
        return self.rng.uniform(0.0, ceiling_s)

    def reset(self) -> None:
        """It worked: start again from the short end."""
        self.failures = 0


Report = Callable[[SinkState], None]


def _ignore(state: SinkState) -> None:
    """Report to nobody."""


async def pump(
    sink: Sink,
    log: EventLog,
    wake: asyncio.Event,
    *,
    report: Report = _ignore,
    batch: int = 500,
    backoff: Backoff | None = None,
    idle_s: float = IDLE_S,
    wall_ns: Callable[[], int] = time.time_ns,
) -> None:
    """Carry the log to `sink` until cancelled; there is no number of failures after which it gives up.

    `wake` is set by whoever appends to the log; every pump needs an event of its own. `report` is called on every
    change of state. Cancelling is safe at any point: what was not confirmed is sent again by the next pump or `drain`.
    Errors of the log itself, and bugs of a sink, are raised.
    """
    waits = backoff or Backoff()
    delivery = await _Delivery.start(sink, log, report=report, batch=batch, wall_ns=wall_ns)
    while True:
        wake.clear()
        sink.back.clear()
        before = delivery.state.cursor
        try:
            if not await delivery.once():
                await _wait(wake, idle_s)
        except Away as away:
            if delivery.state.cursor > before:
                waits.reset()
            await _wait(sink.back, waits.next_s(away.retry_after_s))
        else:
            waits.reset()


async def drain(
    sink: Sink,
    log: EventLog,
    timeout_s: float,
    *,
    report: Report = _ignore,
    batch: int = 500,
    wall_ns: Callable[[], int] = time.time_ns,
) -> bool:
    """One attempt to bring the sink up to date, for shutdown once its pump is cancelled; True when nothing is left."""
    delivery = await _Delivery.start(sink, log, report=report, batch=batch, wall_ns=wall_ns)
    try:
        async with asyncio.timeout(timeout_s):
            while await delivery.once():
                pass
    except Away:
        return False
    except TimeoutError:
        return False
    return True


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()


class _Delivery:
    """One sink's place in the log, and the state that is reported."""

    def __init__(self, sink: Sink, log: EventLog, *, report: Report, batch: int, wall_ns: Callable[[], int]) -> None:
        self._sink = sink
        self._log = log
        self._report = report
        self._batch = batch
        self._wall_ns = wall_ns
        self.state = SinkState(sink.name)

    @classmethod
    async def start(
        cls, sink: Sink, log: EventLog, *, report: Report, batch: int, wall_ns: Callable[[], int]
    ) -> _Delivery:
        delivery = cls(sink, log, report=report, batch=batch, wall_ns=wall_ns)
        delivery._update(cursor=await log.cursor(sink.name))
        return delivery

    async def once(self) -> bool:
        """Send one batch; False when nothing was there to send. Raises `Away`."""
        events = await self._log.read_after(self.state.cursor, self._batch)
        self._update(behind=len(events), behind_more=len(events) >= self._batch)
        if not events:
            self._update(health=Health.OK, detail=None, since_ns=None)
            return False
        try:
            await self._send_all(events)
        except Away as away:
            if self.state.health is Health.OK:
                logger.warning("%s is away: %s", self._sink.name, away)
                self._update(health=Health.AWAY, since_ns=self._wall_ns())
            self._update(detail=str(away))
            raise
        if self.state.health is Health.AWAY:
            logger.info("%s is back", self._sink.name)
        self._update(health=Health.OK, detail=None, since_ns=None)
        return True

    async def _send_all(self, events: Sequence[StoredEvent]) -> None:
        """Send `events`; what is refused is cut in half until the one event that is to blame stands alone."""
        todo = [events]
        while todo:
            part = todo.pop()
            try:
                await self._sink.send(part)
            except AwayAfter as away:
                await self._confirm(part[: away.done])
                raise
            except RefusedAt as refused:
                await self._confirm(part[: refused.done])
                await self._set_aside(part[refused.done], str(refused))
                todo.append(part[refused.done + 1 :])
            except Refused as refused:
                if len(part) == 1:
                    await self._set_aside(part[0], str(refused))
                else:
                    middle = len(part) // 2
                    todo += [part[middle:], part[:middle]]
            else:
                await self._confirm(part)
            todo = [part for part in todo if part]

    async def _confirm(self, part: Sequence[StoredEvent]) -> None:
        if part:
            await self._log.move_cursor(self._sink.name, part[-1].seq)
            self._update(cursor=part[-1].seq, behind=max(0, self.state.behind - len(part)))

    async def _set_aside(self, event: StoredEvent, reason: str) -> None:
        logger.error("%s refuses event %d (%s): %s", self._sink.name, event.seq, event.kind, reason)
        await self._log.quarantine(self._sink.name, event.seq, reason)
        await self._confirm([event])
        self._update(quarantined=self.state.quarantined + 1, refusal=reason)

    def _update(self, **changes: Any) -> None:  # noqa: ANN401 - fields of SinkState
        new = replace(self.state, **changes)
        if new != self.state:
            self.state = new
            self._report(new)
