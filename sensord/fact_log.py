"""Facts as a log that sinks read behind a cursor of their own, beside the log of events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sensord.journal import Journal
from sensord.model import ALGORITHM, StoredEvent
from sensord.plan.facts import RunFact
from sensord.sinks.base import Sink
from sensord.store import Store
from sensord.store_facts import FactRow, fact_cursor, fact_rows, move_fact_cursor, refuse_fact


class FactLog:
    """Implements `sinks.base.EventLog` over the fact table: read on a reading connection, written by the journal."""

    def __init__(self, reader: Store, journal: Journal, site: str) -> None:
        self._reader, self._journal, self._site = reader, journal, site

    async def read_after(self, seq: int, limit: int) -> Sequence[StoredEvent]:
        """Facts with a greater `seq`, in order, at most `limit`."""
        return [self._event(row) for row in fact_rows(self._reader, after=seq, limit=limit)]

    async def cursor(self, sink: str) -> int:
        """The last `seq` that sink has confirmed; 0 for a new sink."""
        return fact_cursor(self._reader, sink)

    async def move_cursor(self, sink: str, seq: int) -> None:
        """Durably: everything up to `seq` is done with."""
        await asyncio.wrap_future(self._journal.call(lambda store: move_fact_cursor(store, sink, seq)))

    async def quarantine(self, sink: str, seq: int, reason: str) -> None:
        """Durably: this sink will never take `seq`."""
        await asyncio.wrap_future(self._journal.call(lambda store: refuse_fact(store, sink, seq, reason)))

    def _event(self, row: FactRow) -> StoredEvent:
        return StoredEvent(
            seq=row.seq,
            run="",
            n=row.seq,
            algo=ALGORITHM,
            t_ns=0,
            kind="mileage" if row.kind == RunFact.KIND else row.kind,  # `run` is the life of a run among events
            payload=row.payload,
            runner=row.runner,
            site=self._site,
            wall_anchor_ns=row.at_wall_ns,
        )


class FactSink:
    """The same place, reading the log of facts: a pump and a cursor of its own."""

    def __init__(self, sink: Sink) -> None:
        self.name = f"{sink.name}.facts"
        self.back = sink.back  # shared: the other side is back for both
        self._sink = sink

    async def send(self, batch: Sequence[StoredEvent]) -> None:
        """As the sink's own."""
        await self._sink.send(batch)
