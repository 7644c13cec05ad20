"""The pump: at least once, in order, never stuck, never in a hurry it was asked not to be in."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.errors import Away, Refused
from sensord.model import StoredEvent
from sensord.sinks.base import AwayAfter, Backoff, Health, RefusedAt, SinkState, drain, pump
from tests.sinks.made_events import MemoryLog, a_run, until

EVENTS = a_run(5)
FAST = {"first_s": 0.001, "most_s": 0.002}


class Scripted:
    """A sink that does what it is told, one instruction a call, and takes everything when none is left."""

    def __init__(self, *script: object, poison: Sequence[int] = ()) -> None:
        self.name = "scripted"
        self.back = asyncio.Event()
        self.script = list(script)
        self.poison = set(poison)
        self.calls: list[list[int]] = []
        self.taken: list[int] = []

    async def send(self, batch: Sequence[StoredEvent]) -> None:
        self.calls.append([event.seq for event in batch])
        step = self.script.pop(0) if self.script else None
        if isinstance(step, BaseException):
            self.taken += [event.seq for event in batch[: getattr(step, "done", 0)]]
            raise step
        if bad := self.poison & {event.seq for event in batch}:
            raise Refused(f"no {sorted(bad)}")
        self.taken += [event.seq for event in batch]


@contextlib.asynccontextmanager
async def pumping(
    sink: Scripted, log: MemoryLog, **settings: object
) -> AsyncIterator[tuple[asyncio.Event, list[SinkState]]]:
    wake, states = asyncio.Event(), list[SinkState]()
    settings.setdefault("backoff", Backoff(**FAST))
    task = asyncio.create_task(pump(sink, log, wake, report=states.append, **settings))  # type: ignore[arg-type]
    try:
        yield wake, states
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_everything_in_order_and_the_cursor_only_after() -> None:
    log, sink = MemoryLog(EVENTS), Scripted()
    async with pumping(sink, log, batch=7):
        await until(lambda: log.cursors.get("scripted") == EVENTS[-1].seq)
    assert sink.taken == [event.seq for event in EVENTS]
    assert log.moves == [call[-1] for call in sink.calls]


async def test_a_restart_goes_on_where_the_cursor_stands() -> None:
    log, sink = MemoryLog(EVENTS), Scripted()
    await log.move_cursor("scripted", 10)
    async with pumping(sink, log):
        await until(lambda: sink.taken)
    assert sink.taken[0] == 11


async def test_new_events_are_sent_at_once() -> None:
    log, sink = MemoryLog(), Scripted()
    async with pumping(sink, log, idle_s=60.0) as (wake, _):
        await asyncio.sleep(0.01)
        log.events.append(EVENTS[0])
        wake.set()
        await until(lambda: sink.taken, 1.0)


async def test_a_lost_wake_up_costs_no_more_than_the_idle_look() -> None:
    log, sink = MemoryLog(), Scripted()
    async with pumping(sink, log, idle_s=0.02):
        await asyncio.sleep(0.01)
        log.events.append(EVENTS[0])
        await until(lambda: sink.taken, 1.0)


async def test_away_is_told_with_its_reason_and_since_when_and_is_over_when_it_is_over() -> None:
    log, sink = MemoryLog(EVENTS), Scripted(Away("no route"), Away("no route"), Away("busy"))
    async with pumping(sink, log, wall_ns=lambda: 77) as (_, states):
        await until(lambda: log.cursors.get("scripted") == EVENTS[-1].seq)
        await until(lambda: states[-1].health is Health.OK)
    away = [state for state in states if state.health is Health.AWAY]
    assert {state.since_ns for state in away} == {77}
    assert next(state.detail for state in away if state.detail) == "no route"
    assert away[-1].detail == "busy"
    assert {state.behind for state in away} >= {len(EVENTS)}
    assert (states[-1].detail, states[-1].since_ns, states[-1].behind) == (None, None, 0)
    assert sink.taken == [event.seq for event in EVENTS]


async def test_more_than_a_batch_behind_says_more() -> None:
    log, sink = MemoryLog(EVENTS), Scripted(*[Away("down")] * 1000)
    async with pumping(sink, log, batch=5) as (_, states):
        await until(lambda: any(state.behind for state in states))
    assert (states[-1].behind, states[-1].behind_more) == (5, True)


async def test_what_was_confirmed_before_it_went_away_is_not_sent_again() -> None:
    log, sink = MemoryLog(EVENTS), Scripted(AwayAfter("lost", 3))
    async with pumping(sink, log):
        await until(lambda: log.cursors.get("scripted") == EVENTS[-1].seq)
    assert log.moves[0] == EVENTS[2].seq
    assert sink.taken == [event.seq for event in EVENTS]


async def test_it_tries_again_at_once_when_the_sink_knows_that_it_is_back() -> None:
    log, sink = MemoryLog(EVENTS), Scripted(Away("down", 3600.0))
    async with pumping(sink, log):
        await until(lambda: sink.calls)
        await asyncio.sleep(0.01)
        assert not sink.taken
        sink.back.set()
        await until(lambda: sink.taken, 1.0)


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(1, len(EVENTS))), st.integers(1, 12))
def test_poison_alone_is_set_aside_whatever_the_batch(poison: set[int], batch: int) -> None:
    async def run() -> tuple[Scripted, MemoryLog, list[SinkState]]:
        log, sink = MemoryLog(EVENTS), Scripted(poison=sorted(poison))
        async with pumping(sink, log, batch=batch) as (_, states):
            await until(lambda: log.cursors.get("scripted") == EVENTS[-1].seq)
        return sink, log, states

    sink, log, states = asyncio.run(run())
    assert sink.taken == [event.seq for event in EVENTS if event.seq not in poison]
    assert log.aside == {seq: f"no [{seq}]" for seq in poison}
    assert states[-1].quarantined == len(poison)


async def test_a_named_culprit_is_set_aside_without_cutting() -> None:
    log, sink = MemoryLog(EVENTS), Scripted(RefusedAt("no rule", 4))
    async with pumping(sink, log) as (_, states):
        await until(lambda: log.cursors.get("scripted") == EVENTS[-1].seq)
    assert len(sink.calls) == 2
    assert log.aside == {EVENTS[4].seq: "no rule"}
    assert sink.taken == [event.seq for event in EVENTS if event.seq != EVENTS[4].seq]
    assert states[-1].refusal == "no rule"


async def test_drain_empties_the_log_or_says_that_it_did_not() -> None:
    log, sink = MemoryLog(EVENTS), Scripted()
    assert await drain(sink, log, 1.0, batch=7)
    assert sink.taken == [event.seq for event in EVENTS]
    assert not await drain(Scripted(AwayAfter("lost", 0)), MemoryLog(EVENTS), 1.0)

    class Stuck(Scripted):
        async def send(self, batch: Sequence[StoredEvent]) -> None:
            await asyncio.Event().wait()

    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert not await drain(Stuck(), MemoryLog(EVENTS), 0.05)
    assert loop.time() - begun < 1.0


async def test_errors_of_the_log_are_not_swallowed() -> None:
    class Broken(MemoryLog):
        async def read_after(self, seq: int, limit: int) -> Sequence[StoredEvent]:
            raise OSError("disk is gone")

    with pytest.raises(OSError, match="disk is gone"):
        await pump(Scripted(), Broken(), asyncio.Event())


def test_waits_double_to_a_minute_are_spread_and_obey_the_other_side() -> None:
    class Highest(random.Random):
        def uniform(self, a: float, b: float) -> float:
            assert a == 0.0
            return b

    backoff = Backoff(rng=Highest())
    assert [backoff.next_s() for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff.next_s(7.5) == 7.5
    assert backoff.next_s(-1.0) == 0.0
    assert backoff.next_s(1e9) == 3600.0
    for _ in range(2000):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() == 0.5
    spread = Backoff(rng=random.Random(1))
    spread.failures = 20
    assert len({spread.next_s() for _ in range(20)}) == 20
