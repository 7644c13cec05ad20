"""A sink that tells one person: alerts of the levels that the plan names them for, and what becomes of them.

The pump carries the log to `send`, as to every sink. An alert that is told at once moves the cursor once the other side
has taken it and the receipt is durable. One that is kept back (quiet hours, summaries) moves it once the book says so;
`tend`, every few seconds, sends what is due of that, what the plan's decisions posted, and reminders of what is urgent.
What has a receipt is not sent again: a kill between taking and receipt repeats one message, under the same name.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from sensord.errors import Away, InputError, Refused
from sensord.model import NS, Alert, StoredEvent
from sensord.sinks.base import AwayAfter, Backoff, RefusedAt
from sensord.sinks.letter import Channel, Letter
from sensord.sinks.notices import Key, Notice, Phase, age_s, notice_of
from sensord.sinks.people_rules import (
    LATE_MIN,
    REMINDERS,
    Policy,
    Recent,
    When,
    loudest_of_breach,
    quiet_for,
    releasable,
    reminder_due,
    when,
)
from sensord.sinks.receipts import SETTLED, TOLD, Receipt, ReceiptBook, State

logger = logging.getLogger(__name__)

TEND_S = 5.0
"""Design choice: how often it is looked whether something is due; a reminder and a summary may be so much later."""

SUMMARY_MOST = 200
"""Design choice: so many notices in one summary; what is beyond goes in the next."""

POSTED_DAYS = 7.0
"""Design choice: a decision that could not be told for so long is told no more: it stands in the plan's history."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """Where times come from. `run_now_ns` is the run time of a run that is on here, None for any other."""

    wall_ns: Callable[[], int] = time.time_ns
    run_now_ns: Callable[[str], int | None] = lambda _run: None


class PersonSink:
    """Tells one person by one channel. `async with` it: that starts looking after what is due."""

    def __init__(
        self,
        person: str,
        channel: Channel,
        book: ReceiptBook,
        policy: Callable[[], Policy],
        *,
        clocks: Clocks | None = None,
        backoff: Backoff | None = None,
        tend_s: float = TEND_S,
    ) -> None:
        """`policy` is asked each time: who is told is a matter of the plan as it is now."""
        self.name = f"people.{person}"
        self.back = asyncio.Event()  # never set: no channel says by itself that it is back
        self._person = person
        self._channel = channel
        self._book = book
        self._policy = policy
        self._clocks = clocks or Clocks()
        self._backoff = backoff or Backoff()
        self._tend_s = tend_s
        self._recent = Recent()
        self._refusals: dict[Key, str] = {}  # of what was just refused, for whoever asks why
        self._busy = asyncio.Lock()  # one letter at a time, and no two that hold the same
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._book.begin(self.name)
        self._task = asyncio.create_task(self._keep_tending(), name=f"{self.name} tending")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop looking after what is due, and close the channel."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._channel.close()

    async def check(self) -> str | None:
        """None when the way to the person is open; else what is wrong. Tells them nothing."""
        return await self._channel.check()

    # ------------------------------------------------------------------------------------------ the log

    async def send(self, batch: Sequence[StoredEvent]) -> None:
        """Tell what a batch holds for this person; most hold nothing.

        Raises `AwayAfter` with the number of events that are done with, `RefusedAt` at one that is never taken.
        """
        if self._task and self._task.done():
            self._task.result()  # a bug ended it: say so
        if not any(event.kind == Alert.KIND for event in batch):
            return
        async with self._busy:
            await self._send(batch)

    async def _send(self, batch: Sequence[StoredEvent]) -> None:
        policy = self._policy()
        notices, broken = self._notices(batch, policy)
        loudest = loudest_of_breach(list(notices.values()))
        alerts = {notice.alert for notice in notices.values()}
        states = dict(await self._book.states(self._person, alerts)) if alerts else {}
        for done in sorted({*notices, *broken}):
            if done in broken:
                raise RefusedAt(broken[done], done)
            notice = notices[done]
            if loudest.get(notice.key, notice) is not notice:
                continue
            try:
                if states.get(notice.key) not in SETTLED:
                    states |= await self._handle(notice, batch[done].seq, policy, states)
            except Away as away:
                await self._waits(notice, states, str(away))
                raise AwayAfter(str(away), done, away.retry_after_s) from None
            if states.get(notice.key) is State.REFUSED:
                raise RefusedAt(self._refusals.pop(notice.key, "refused, as its receipt says"), done)

    def _notices(self, events: Sequence[StoredEvent], policy: Policy) -> tuple[dict[int, Notice], dict[int, str]]:
        """What concerns this person, by place; and what cannot be read, with why."""
        notices: dict[int, Notice] = {}
        broken: dict[int, str] = {}
        for place, event in enumerate(events):
            if event.kind == Alert.KIND:
                try:
                    notice = notice_of(event)
                except Refused as refused:
                    broken[place] = str(refused)
                else:
                    if policy.tells(self._person, notice.level):
                        notices[place] = notice
        return notices, broken

    async def _handle(self, notice: Notice, seq: int, policy: Policy, states: Mapping[Key, State]) -> dict[Key, State]:
        """Tell it, keep it back, or leave it; gives what is known of it, and of what went with it."""
        wall_ns = self._clocks.wall_ns()
        age = self._age_s(notice)
        if not await self._matters(notice, age, states):
            return {}
        last_ns = await self._book.last_summary_ns(self._person)
        how = when(notice, age, policy, wall_ns, last_summary_ns=last_ns, recent=self._recent.count(wall_ns))
        onset = states.get((notice.alert, Phase.ONSET, 0))
        if notice.phase is Phase.RECOVERY and onset is State.HELD and how is When.NOW:
            how = When.HOLD  # both go in the same summary
        if how is When.HOLD:
            return await self._hold(notice, policy)
        if how is When.NOW:
            return await self._deliver([notice], policy, summary=False)
        ready = [*await self._book.held(self._person), notice]
        ready += await self._later(seq, policy, {other.alert for other in ready})
        ready = [other for other in ready if not quiet_for(other, policy, wall_ns)]
        return await self._deliver(ready[:SUMMARY_MOST], policy, summary=True)

    async def _matters(self, notice: Notice, age: float | None, states: Mapping[Key, State]) -> bool:
        """An end matters to whom the beginning was told; a reminder also only while it is new and nobody saw it."""
        if notice.phase is Phase.ONSET:
            return True
        onset = states.get((notice.alert, Phase.ONSET, 0))
        if notice.phase is Phase.RECOVERY:
            return onset in TOLD or onset is State.HELD
        said = sum(key[0] == notice.alert and key[1] is Phase.REMINDER for key in states)
        if onset not in TOLD or said >= REMINDERS or (age is not None and age > LATE_MIN * 60):
            return False
        return notice.alert not in await self._book.seen([notice.alert])

    async def _later(self, seq: int, policy: Policy, begun: set[str]) -> list[Notice]:
        """What stands further on in the log and is late, too: an outage is told in one summary. `begun`: alerts that
        are in it already."""
        events = await self._book.alerts_after(seq)
        found, _ = self._notices(events, policy)
        late = [n for n in found.values() if (self._age_s(n) or 0.0) > LATE_MIN * 60 and n.phase is not Phase.REMINDER]
        loudest = loudest_of_breach(late)
        states = await self._book.states(self._person, {notice.alert for notice in late})
        onsets = begun | {notice.alert for notice in late if notice.phase is Phase.ONSET}
        return [
            notice
            for notice in late
            if states.get(notice.key) not in SETTLED
            and loudest.get(notice.key, notice) is notice
            and (notice.alert in onsets or await self._matters(notice, None, states))
        ]

    # ------------------------------------------------------------------------------------------ what is due

    async def tend(self) -> None:
        """Send what is due: summaries of what was kept back, posted decisions, reminders. Raises `Away`."""
        async with self._busy:
            policy = self._policy()
            await self._tell_posted(policy)
            wall_ns = self._clocks.wall_ns()
            if held := await self._book.held(self._person):
                last_ns = await self._book.last_summary_ns(self._person)
                if ready := releasable(held, policy, wall_ns, last_ns)[:SUMMARY_MOST]:
                    await self._attempt(ready, policy, summary=True)
            for lasting in await self._book.lasting(self._person):
                if reminder_due(lasting, policy, self._person, self._clocks.wall_ns()):
                    again = replace(lasting.notice, phase=Phase.REMINDER, number=lasting.reminders + 1)
                    await self._attempt([again], policy, summary=False)

    async def _tell_posted(self, policy: Policy) -> None:
        since_ns = self._clocks.wall_ns() - round(POSTED_DAYS * 86_400 * NS)
        for notice in await self._book.posted(self._person, since_ns):
            if not policy.tells(self._person, notice.level):
                continue
            wall_ns = self._clocks.wall_ns()
            last_ns = await self._book.last_summary_ns(self._person)
            recent = self._recent.count(wall_ns)
            if when(notice, self._age_s(notice), policy, wall_ns, last_summary_ns=last_ns, recent=recent) is When.NOW:
                await self._attempt([notice], policy, summary=False)
            else:
                await self._hold(notice, policy)

    async def _attempt(self, notices: Sequence[Notice], policy: Policy, *, summary: bool) -> None:
        """Deliver what no cursor waits for. `Away` is noted and raised; a refusal is noted and told in the log."""
        try:
            known = await self._deliver(notices, policy, summary=summary)
            for key in [key for key, state in known.items() if state is State.REFUSED]:
                logger.error("%s refuses %s: %s", self.name, key[0], self._refusals.pop(key, "no reason"))
        except Away as away:
            if not summary:
                states = await self._book.states(self._person, [notices[0].alert])
                await self._waits(notices[0], states, str(away))
            raise

    async def _keep_tending(self) -> None:
        while True:
            wait_s = self._tend_s
            try:
                await self.tend()
            except Away as away:
                wait_s = max(self._tend_s, self._backoff.next_s(away.retry_after_s))
                logger.info("%s: %s; again in %.0f s", self.name, away, wait_s)
            else:
                self._backoff.reset()
            await asyncio.sleep(wait_s)

    # ------------------------------------------------------------------------------------------ letters

    async def _deliver(self, notices: Sequence[Notice], policy: Policy, *, summary: bool) -> dict[Key, State]:
        """Send one letter and keep its receipt; gives what is known then. A summary that is refused is cut in half
        until what is to blame stands alone."""
        wall_ns = self._clocks.wall_ns()
        ages = tuple(self._age_s(notice) for notice in notices)
        letter = Letter(tuple(notices), ages, wall_ns, policy.limits_by, policy.timezone, summary=summary)
        try:
            taken = await self._channel.deliver(letter)
        except Refused as refused:
            if len(notices) > 1:
                middle = len(notices) // 2
                known = await self._deliver(notices[:middle], policy, summary=True)
                return known | await self._deliver(notices[middle:], policy, summary=True)
            self._refusals[notices[0].key] = str(refused)
            return await self._note(notices, State.REFUSED, letter.key, str(refused))
        known = await self._note(notices, taken.state, letter.key, taken.detail)
        self._recent.add(wall_ns)
        if taken.seen_by is not None:
            await self._seen(notices, taken.seen_by)
        return known

    async def _seen(self, notices: Sequence[Notice], who: str) -> None:
        for alert in dict.fromkeys(notice.alert for notice in notices):
            try:
                await _to_the_end(self._book.acknowledge(alert, who))
            except InputError as error:  # its run was discarded meanwhile
                logger.warning("%s: %s", self.name, error)

    async def _hold(self, notice: Notice, policy: Policy) -> dict[Key, State]:
        quiet = quiet_for(notice, policy, self._clocks.wall_ns())
        return await self._note([notice], State.HELD, None, "quiet hours" if quiet else "goes in the next summary")

    async def _waits(self, notice: Notice, states: Mapping[Key, State], why: str) -> None:
        """Say once that it waits."""
        if notice.key not in states:
            await self._note([notice], State.WAITING, None, why)

    async def _note(
        self, notices: Sequence[Notice], state: State, message: str | None, detail: str
    ) -> dict[Key, State]:
        wall_ns = self._clocks.wall_ns()
        rows = [Receipt(n.alert, n.phase, n.number, self._person, state, wall_ns, message, detail) for n in notices]
        await _to_the_end(self._book.note(rows))
        return {notice.key: state for notice in notices}

    def _age_s(self, notice: Notice) -> float | None:
        run_now_ns = None if notice.run is None else self._clocks.run_now_ns(notice.run)
        return age_s(notice, self._clocks.wall_ns(), run_now_ns)


async def _to_the_end(writing: Coroutine[None, None, None]) -> None:
    """Write what is known even when we are told to stop: what went out is not sent again for want of its receipt."""
    task = asyncio.ensure_future(writing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
