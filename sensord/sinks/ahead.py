"""Alerts told ahead of the log: a slow disk must not hold them up.

An event is stored behind a sync of the run file and one of the store, and a pump that is busy waits for the sync of its
cursor: with half a second each, an alert would come seconds late. So an alert is handed to the sink as well the moment
it is made. The log stays the only memory: it brings the alert again, and then it is passed over if the other side
has confirmed it already, in this process. After a crash nobody knows, and it comes twice with the same id.

Order is kept by going ahead only when nothing earlier waits: at the start, and whenever an alert could not go ahead,
the log's end is asked for, behind the storing of what is known so far, and until the pump has come that far alerts take
the log's way.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from sensord.errors import SensordError
from sensord.model import StoredEvent

logger = logging.getLogger(__name__)

KEPT = 1000
"""Design choice: so many alerts told ahead are remembered, far more than a slow disk holds up; a pump that is stopped
may bring one of them again when the daemon ends."""

Key = tuple[str, str, int]
"""Run, algorithm, number: what an event is in the log."""


class Ahead:
    """What goes to one sink before the log brings it. Used from one event loop."""

    def __init__(self, send: Callable[[StoredEvent], Awaitable[bool]], end: Callable[[], Awaitable[int]]) -> None:
        """`send`: deliver, and say whether it was confirmed (errors are told by False). `end`: the log's last `seq`
        once everything handed to it before is stored."""
        self._send, self._end = send, end
        self._told: dict[Key, asyncio.Future[bool]] = {}
        self._queue: deque[tuple[StoredEvent, asyncio.Future[bool]]] = deque()
        self._floor: int | None = None
        self._passed = 0
        self._asking: asyncio.Task[None] | None = None
        self._sending: asyncio.Task[None] | None = None

    @property
    def level(self) -> bool:
        """Whether everything earlier is confirmed or on its way."""
        return self._floor is not None and self._passed >= self._floor

    def wait_for_log(self) -> None:
        """Everything that was made so far takes the log's way; what comes after it may go ahead once it is told."""
        self._floor = None
        if self._asking is not None:
            self._asking.cancel()
        self._asking = asyncio.create_task(self._ask(), name="end of the log")

    def put(self, event: StoredEvent) -> None:
        """An event that was made just now and handed to the log: told at once, or left to the log."""
        if not self.level:
            self.wait_for_log()
            return
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._told[_key(event)] = done
        self._queue.append((event, done))
        self._forget_old()
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send_all(), name="alerts ahead of the log")

    async def had(self, event: StoredEvent) -> bool:
        """Whether the log brings what was confirmed; waits for what is on its way."""
        done = self._told.get(_key(event))
        if done is None:
            return False
        await asyncio.wait({done})  # a cancelled pump does not cancel what is on its way
        return done.result()

    def passed(self, event: StoredEvent) -> None:
        """The log's way has come up to here: this event was confirmed."""
        self._passed = event.seq

    async def close(self) -> None:
        """Nothing goes ahead any more; what is on its way counts as not told."""
        self._floor = None
        tasks = [task for task in (self._asking, self._sending) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self) -> None:
        try:
            self._floor = await self._end()
        except SensordError as error:  # the store has failed, which the daemon is told by others
            logger.info("alerts keep the log's way: %s", error)

    async def _send_all(self) -> None:
        """One after the other; the first that is not confirmed leaves itself and all behind it to the log."""
        confirmed = True
        try:
            while self._queue:
                event, done = self._queue[0]
                confirmed = confirmed and await self._send(event)
                self._queue.popleft()
                done.set_result(confirmed)
            if not confirmed:
                self.wait_for_log()
        finally:
            for _, done in self._queue:
                done.set_result(False)
            self._queue.clear()

    def _forget_old(self) -> None:
        for key in [key for key, done in self._told.items() if done.done()][: max(0, len(self._told) - KEPT)]:
            del self._told[key]


def _key(event: StoredEvent) -> Key:
    return event.run, event.algo, event.n
