"""The journal's two threads: the keeper commits what arrives and never waits for the disk, the syncer does.

Everything goes one way: callers -> keeper's queue -> keeper -> syncer's queue -> syncer. What is forwarded was
committed before, so the order of the queue is the order of the promises, and the syncer never asks the keeper back.
Neither thread waits for the other, both queues are unbounded, and the one lock (`Run.fail`) is held for an assignment
only: there is nothing they could lock each other out with.

A run's file belongs to the keeper from its begin to its end; the syncer only calls `sync` and `fold` on it meanwhile.
With its end or the journal's, the keeper commits, forgets the run, and hands it to the syncer, which seals or closes.
The store belongs to the syncer.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sensord.errors import JournalFailed
from sensord.model import Event, Input, StoredEvent
from sensord.recording import RunFile
from sensord.store import Store

Item = TypeVar("Item")

KEEP_WITHIN_S = 0.015
"""Design choice: when to begin a commit so that it has returned 20 ms after the first input it holds arrived."""

SYNC_WITHIN_S = 0.180
"""Design choice: the same for a sync and its 200 ms."""

DRAIN = 1000
"""Design choice: inputs taken in one go before the clock is looked at again, so that a flood cannot delay a commit."""


@dataclass(slots=True)
class Run:
    """A run between its begin and its end. Callers and both threads look at its failure."""

    file: RunFile | None = None
    failure: BaseException | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, exc: BaseException) -> bool:
        """From now on inputs are not kept. True for the first failure: the one to be told."""
        with self._lock:
            first = self.failure is None
            if first:
                self.failure = exc
            return first


@dataclass(frozen=True, slots=True)
class Arrived:
    """An input, and when (time.monotonic) it came."""

    item: Input
    at: float


@dataclass(frozen=True, slots=True)
class Events:
    """What was understood of the inputs before it."""

    run: str
    algo: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """`keep` is done in the keeper and never raises, then `do` in the syncer, whose result the future carries."""

    do: Callable[[], Any]
    future: Future[Any]
    keep: Callable[[], object] | None = None  # set: it hands a file on, so `do` follows even when nobody waits any more
    last: bool = False


class _Due:
    """It is time to sync."""


_DUE = _Due()

ToKeeper = Arrived | Events | Call
ToSyncer = Events | Call | _Due
Tell = Callable[[BaseException], None]


class Keeper:
    """Commits inputs within 20 ms of their arrival, at once when events follow them, and forwards what needs a sync."""

    def __init__(self, forward: queue.SimpleQueue[ToSyncer], tell: Tell) -> None:
        """`tell` hears of the first failure of a run's file."""
        self.queue: queue.SimpleQueue[ToKeeper] = queue.SimpleQueue()
        self.run: Run | None = None
        self.busy_since: float | None = None
        self._forward = forward
        self._tell = tell
        self._unkept_since: float | None = None
        self._unsynced_since: float | None = None
        self.thread = threading.Thread(target=self._work, name="journal-keeper", daemon=True)

    def take_on(self, run: Run, open_file: Callable[[], RunFile]) -> None:
        """From now on inputs are of this run. A file that cannot be opened is a failure of the run."""
        self.run = run
        self._unkept_since = self._unsynced_since = None
        try:
            run.file = open_file()
        except Exception as exc:  # noqa: BLE001 (whatever it is, nothing can be kept, and that is told)
            self._fail(run, exc)

    def commit(self) -> None:
        """Commit what came; a failure is told and ends the keeping."""
        run, self._unkept_since = self.run, None
        if run is None or run.file is None or run.failure is not None:
            return
        try:
            run.file.commit()
        except Exception as exc:  # noqa: BLE001 (the run is no longer kept whole, and that is told)
            self._fail(run, exc)

    def let_go(self) -> Run | None:
        """Forget the run: its file is the caller's now."""
        run, self.run = self.run, None
        self._unkept_since = self._unsynced_since = None
        return run

    def _work(self) -> None:
        while True:
            first = self._wait()
            if first is not None:
                for item in _batch(self.queue, first):
                    if isinstance(item, Arrived):
                        self._take(item)
                    elif isinstance(item, Events):
                        self.commit()
                        self._unsynced_since = None  # they are synced for
                        self._forward.put(item)
                    else:
                        if item.keep is not None:
                            item.keep()
                        self._forward.put(item)
                        if item.last:
                            return
            self._keep()

    def _wait(self) -> ToKeeper | None:
        """The next thing; None when it is time to commit or to sync. Without anything to do it sleeps."""
        due = ((self._unkept_since, KEEP_WITHIN_S), (self._unsynced_since, SYNC_WITHIN_S))
        times = [since + within for since, within in due if since is not None]
        self.busy_since = None
        try:
            return self.queue.get(timeout=max(0.0, min(times) - time.monotonic()) if times else None)
        except queue.Empty:
            return None
        finally:
            self.busy_since = time.monotonic()

    def _take(self, arrived: Arrived) -> None:
        run = self.run
        if run is None or run.file is None or run.failure is not None:
            return  # told already: by `tell`, and to whoever adds more
        try:
            run.file.add(arrived.item)
        except Exception as exc:  # noqa: BLE001 (as above)
            self._fail(run, exc)
            return
        if self._unkept_since is None:
            self._unkept_since = arrived.at
        if self._unsynced_since is None:
            self._unsynced_since = arrived.at

    def _keep(self) -> None:
        now = time.monotonic()
        sync = self._unsynced_since is not None and now >= self._unsynced_since + SYNC_WITHIN_S
        if sync or (self._unkept_since is not None and now >= self._unkept_since + KEEP_WITHIN_S):
            self.commit()
        if sync:
            self._unsynced_since = None
            self._forward.put(_DUE)

    def _fail(self, run: Run, exc: Exception) -> None:
        if run.fail(exc):
            self._tell(exc)


class Syncer:
    """Syncs the run file, then stores the events that wait for it, then tells of them; does calls in between."""

    def __init__(self, store: Store, on_stored: Callable[[list[StoredEvent]], None] | None, tell: Tell) -> None:
        """`tell` hears of the first failure of the run's file and of the store."""
        self.queue: queue.SimpleQueue[ToSyncer] = queue.SimpleQueue()
        self.run: Run | None = None  # as of what has come through the queue: the keeper may be further
        self.store = store
        self.store_failure: BaseException | None = None
        self.busy_since: float | None = None
        self._on_stored = on_stored
        self._tell = tell
        self._pending: list[Events] = []
        self.thread = threading.Thread(target=self._work, name="journal-syncer", daemon=True)

    def sync(self) -> None:
        """Everything that was forwarded is durable after this; a failure is told and ends the keeping of the run."""
        run = self.run
        if run is None or run.file is None or run.failure is not None:
            return
        try:
            run.file.sync()
        except Exception as exc:  # noqa: BLE001 (a failed sync may have lost what it was to keep, and that is told)
            self.fail(run, exc)

    def fail(self, run: Run, exc: Exception) -> None:
        """The run's inputs are no longer kept; the first failure is told."""
        if run.fail(exc):
            self._tell(exc)

    def raise_failure(self) -> None:
        """JournalFailed when the run's file or the store has failed."""
        if (failure := self._failed()) is not None:
            raise JournalFailed(str(failure)) from failure

    def _failed(self) -> BaseException | None:
        return (self.run.failure if self.run else None) or self.store_failure

    def _work(self) -> None:
        while True:
            self.busy_since = None
            first = self.queue.get()
            self.busy_since = time.monotonic()
            due = False
            for item in _batch(self.queue, first):
                if isinstance(item, Call):
                    self._do(item)
                    if item.last:
                        return
                elif isinstance(item, Events):
                    self._pending.append(item)
                else:
                    due = True
            if due or self._pending:
                self.sync()
                self._store_pending()
                self._fold()

    def _store_pending(self) -> None:
        """One transaction for each run and algorithm that has events waiting; only behind a synced run file."""
        pending, self._pending = self._pending, []
        if self._failed() is not None:
            return
        try:
            while pending:
                run, algo = pending[0].run, pending[0].algo
                events = [event for part in pending if (part.run, part.algo) == (run, algo) for event in part.events]
                pending = [part for part in pending if (part.run, part.algo) != (run, algo)]
                stored = self.store.append(run, algo, events)
                if stored and self._on_stored:
                    self._on_stored(stored)
        except Exception as exc:  # noqa: BLE001 (whatever it is, events are no longer stored, and that is told)
            self.store_failure = exc
            self._tell(exc)

    def _do(self, call: Call) -> None:
        """Calls see everything that was handed over before them."""
        if self._pending:
            self.sync()
            self._store_pending()
        waited_for = call.future.set_running_or_notify_cancel()
        if not waited_for and call.keep is None:
            return
        try:
            result = call.do()
        except Exception as exc:  # noqa: BLE001 (the future carries it to whoever asked)
            if waited_for:
                call.future.set_exception(exc)
        else:
            if waited_for:
                call.future.set_result(result)

    def _fold(self) -> None:
        run = self.run
        if run is None or run.file is None or run.failure is not None:
            return
        try:
            run.file.fold()
        except Exception as exc:  # noqa: BLE001 (a folding that failed is a disk that failed)
            self.fail(run, exc)


def _batch(source: queue.SimpleQueue[Item], first: Item) -> list[Item]:
    """What has come meanwhile, up to and with the next call."""
    batch = [first]
    while len(batch) < DRAIN and not isinstance(batch[-1], Call):
        try:
            batch.append(source.get_nowait())
        except queue.Empty:
            break
    return batch
