"""The one writer: what arrives goes to the run file first, what was understood goes to the store after it.

One thread owns the run file and the store's writing connection. The event loop's thread hands things over and never
waits. The thread sleeps until something comes, and then keeps these times:

- an input is committed within 20 ms of its arrival (it survives a killed process), unless the disk is just busy with a
  sync, which takes as long as the disk takes: then right after it,
- a durable commit begins so that it ends within 200 ms (it survives a power cut),
- events go at once: the run file is synced up to its last input, then one store transaction, then `on_stored`.

So the store never holds an event whose inputs are not in the run file, and an alert never waits for a timer.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from sensord.errors import InputError, InternalError, JournalFailed
from sensord.model import Event, Input, Packet, RunSetup, StoredEvent
from sensord.recording import Anchor, RunFile, mark_row, read_seal
from sensord.store import DataDir, Store

T = TypeVar("T")

KEEP_WITHIN_S = 0.015
"""Design choice: when to begin a commit so that it has returned 20 ms after the first input it holds arrived."""

SYNC_WITHIN_S = 0.180
"""Design choice: the same for a durable commit and its 200 ms."""

DRAIN = 1000
"""Design choice: inputs taken in one go before the clock is looked at again, so that a flood cannot delay a commit."""


@dataclass(frozen=True, slots=True)
class _Arrived:
    item: Input
    at: float


@dataclass(frozen=True, slots=True)
class _Events:
    run: str
    algo: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class _Call:
    do: Callable[[], Any]
    future: Future[Any]
    last: bool = False


_Item = _Arrived | _Events | _Call


@dataclass(slots=True)
class _Run:
    """A run between its begin and its end: the writer thread fills it in, callers look at its failure."""

    file: RunFile | None = None
    failure: BaseException | None = None
    unkept_since: float | None = None
    unsynced_since: float | None = None


class Journal:
    """Writes runs. Every method may be called from any one thread (the event loop's) and returns at once.

    `on_stored(events)` hears of newly stored events, `on_error(exc)` of what ended the keeping: the first failure of
    the run file (then nothing more is taken) and of the store (then inputs are still kept, events no more). Both are
    called in the writer's thread. Futures are `concurrent.futures.Future`: `asyncio.wrap_future` makes them awaitable.
    """

    def __init__(
        self,
        store: Store,
        *,
        on_stored: Callable[[list[StoredEvent]], None] | None = None,
        on_error: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Takes over `store`: it is closed by `close`, and used by this journal's thread only."""
        self._store = store
        self._on_stored = on_stored
        self._on_error = on_error
        self._queue: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._current: _Run | None = None  # the run that is on as callers see it,
        self._run: _Run | None = None  # and as the writer does, a little later
        self._pending: list[_Events] = []
        self._store_failure: BaseException | None = None
        self._busy_since: float | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------------------------------ any thread

    @property
    def failure(self) -> BaseException | None:
        """What ended the keeping of inputs (of the run that is on), or of events (for good); None while all is well."""
        return (self._current.failure if self._current else None) or self._store_failure

    @property
    def busy_since(self) -> float | None:
        """When (time.monotonic) the writer began what it is at; None while it sleeps. Long ago means a slow disk."""
        return self._busy_since

    def begin(self, open_file: Callable[[], RunFile], setup: RunSetup, anchor: Anchor) -> Future[None]:
        """Begin or resume a run: `open_file` (RunFile.create or resume) runs in the writer's thread, the store follows.

        Inputs and events may follow at once. When it fails, the future, `on_error` and the next `add` tell.
        """
        if self._current is not None:
            raise InternalError("a run is on: it must end before another begins")
        run = self._current = _Run()
        return self._put(lambda: self._begin(run, open_file, setup, anchor))

    def add(self, item: Input) -> None:
        """Keep an input. InternalError: no run is on, or a mark that cannot be written; JournalFailed: see there."""
        if self._current is None:
            raise InternalError("an input outside of a run")
        if (failure := self._current.failure) is not None:
            raise JournalFailed(f"inputs are not kept: {failure}") from failure
        if not isinstance(item, Packet):
            mark_row(item)  # the mistake is told to the one who made it, not to the writer
        self._queue.put(_Arrived(item, time.monotonic()))

    def events(self, run: str, algo: str, events: Sequence[Event]) -> None:
        """Store events as soon as every input added before them is durable. JournalFailed: see there."""
        if (failure := self.failure) is not None:
            raise JournalFailed(f"events are not kept: {failure}") from failure
        if events:
            self._queue.put(_Events(run, algo, tuple(events)))

    def call(self, do: Callable[[Store], T]) -> Future[T]:
        """Do something with the store in the writer's thread, after everything handed over before."""
        return self._put(lambda: do(self._store))

    def sync(self) -> Future[None]:
        """Done when everything handed over before is durable and its events are stored."""
        return self._put(self._sync)

    def end(self, *, keep: bool = True) -> Future[str | None]:
        """End the run: store its events, seal its file (gives the SHA-256), enter both in the store.

        `keep=False` for a run that came to nothing: its file is removed, the store discards it (gives None).
        """
        if self._current is None:
            raise InternalError("no run is on that could end")
        self._current = None
        return self._put(lambda: self._end(keep=keep))

    def close(self) -> None:
        """Keep what was handed over, close the run file (unsealed: it can be resumed) and the store; waits for it."""
        if self._closed:
            return
        closing = self._put(self._close, last=True)
        self._closed = True
        self._thread.join()
        closing.result()

    def _put(self, do: Callable[[], T], *, last: bool = False) -> Future[T]:
        if self._closed:
            raise InternalError("the journal is closed")
        future: Future[T] = Future()
        self._queue.put(_Call(do, future, last))
        return future

    # ------------------------------------------------------------------------------------------ the writer's thread

    def _work(self) -> None:
        while True:
            first = self._wait()
            if first is not None:
                for item in self._batch(first):
                    if isinstance(item, _Call):
                        self._do(item)
                        if item.last:
                            return
                    elif isinstance(item, _Events):
                        self._pending.append(item)
                    else:
                        self._take(item)
            self._keep()

    def _wait(self) -> _Item | None:
        """The next thing; None when it is time to commit. Without anything to commit it sleeps."""
        due = [self._run.unkept_since, self._run.unsynced_since] if self._run else [None, None]
        times = [since + within for since, within in zip(due, (KEEP_WITHIN_S, SYNC_WITHIN_S), strict=True) if since]
        self._busy_since = None
        try:
            return self._queue.get(timeout=max(0.0, min(times) - time.monotonic()) if times else None)
        except queue.Empty:
            return None
        finally:
            self._busy_since = time.monotonic()

    def _batch(self, first: _Item) -> list[_Item]:
        """What has come meanwhile, up to and with the next call."""
        batch = [first]
        while len(batch) < DRAIN and not isinstance(batch[-1], _Call):
            try:
                batch.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return batch

    def _take(self, arrived: _Arrived) -> None:
        run = self._run
        if run is None or run.file is None or run.failure is not None:
            return  # told already: by `on_error`, and to whoever adds more
        try:
            run.file.add(arrived.item)
        except Exception as exc:  # noqa: BLE001 (whatever it is, the run is no longer kept whole, and that is told)
            self._fail(run, exc)
            return
        run.unkept_since = run.unkept_since or arrived.at
        run.unsynced_since = run.unsynced_since or arrived.at

    def _keep(self) -> None:
        """Commit what is due: all of it at once when events wait."""
        now = time.monotonic()
        kept = self._run.unkept_since if self._run else None
        synced = self._run.unsynced_since if self._run else None
        if self._pending or (synced is not None and now >= synced + SYNC_WITHIN_S):
            self._commit(durable=True)
        elif kept is not None and now >= kept + KEEP_WITHIN_S:
            self._commit(durable=False)
        self._store_pending()

    def _commit(self, *, durable: bool) -> None:
        run = self._run
        if run is None or run.file is None:
            return
        if run.failure is None:
            try:
                run.file.commit(durable=durable)
            except Exception as exc:  # noqa: BLE001 (as above)
                self._fail(run, exc)
        run.unkept_since = None
        if durable or run.failure is not None:
            run.unsynced_since = None

    def _store_pending(self) -> None:
        """One transaction for each run and algorithm that has events waiting; only behind a durable run file."""
        pending, self._pending = self._pending, []
        if self._failed() is not None:
            return
        try:
            while pending:
                run, algo = pending[0].run, pending[0].algo
                events = [event for part in pending if (part.run, part.algo) == (run, algo) for event in part.events]
                pending = [part for part in pending if (part.run, part.algo) != (run, algo)]
                stored = self._store.append(run, algo, events)
                if stored and self._on_stored:
                    self._on_stored(stored)
        except Exception as exc:  # noqa: BLE001 (whatever it is, events are no longer stored, and that is told)
            self._store_failure = exc
            self._tell(exc)

    def _do(self, call: _Call) -> None:
        """Calls see everything that was handed over before them."""
        if self._pending:
            self._commit(durable=True)
            self._store_pending()
        if not call.future.set_running_or_notify_cancel() and not call.last:
            return
        try:
            result = call.do()
        except Exception as exc:  # noqa: BLE001 (the future carries it to whoever asked)
            call.future.set_exception(exc)
        else:
            call.future.set_result(result)

    def _begin(self, run: _Run, open_file: Callable[[], RunFile], setup: RunSetup, anchor: Anchor) -> None:
        self._run = run
        try:
            run.file = open_file()
            if not self._store.knows(setup.run):
                self._store.begin_run(
                    setup,
                    file=run.file.path.name,
                    boot_id=anchor.boot_id,
                    boottime_ns=anchor.boottime_ns,
                    begun_wall_ns=anchor.wall_ns if anchor.wall_trusted else None,
                )
        except Exception as exc:
            self._fail(run, exc)
            raise

    def _sync(self) -> None:
        self._commit(durable=True)
        self._raise_failure()

    def _end(self, *, keep: bool) -> str | None:
        self._commit(durable=True)
        run = self._run
        assert run is not None
        try:
            self._raise_failure()
            assert run.file is not None
            sha256 = run.file.seal() if keep else None
            self._store.end_run(run.file.setup.run, sha256=sha256)
            if not keep:
                self._drop(run.file)
        except Exception as exc:
            if not isinstance(exc, JournalFailed):  # that was told when it happened
                self._fail(run, exc)
            if run.file is not None:
                run.file.abandon()
            raise
        finally:
            self._run = None
        return sha256

    def _drop(self, file: RunFile) -> None:
        if not self._store.run(file.setup.run).discarded:
            self._store.discard(file.setup.run, "sensord", "nothing was measured")
        file.remove()

    def _close(self) -> None:
        run, self._run = self._run, None
        try:
            if run is not None and run.file is not None:
                if run.failure is None:
                    run.file.close()
                else:
                    run.file.abandon()
        finally:
            self._store.close()

    def _failed(self) -> BaseException | None:
        return (self._run.failure if self._run else None) or self._store_failure

    def _raise_failure(self) -> None:
        if (failure := self._failed()) is not None:
            raise JournalFailed(str(failure)) from failure

    def _fail(self, run: _Run, exc: Exception) -> None:
        """The run's inputs are no longer kept; the first failure is told."""
        if run.failure is None:
            run.failure = exc
            self._tell(exc)

    def _tell(self, exc: BaseException) -> None:
        if self._on_error:
            self._on_error(exc)


def end_sealed_runs(store: Store, data: DataDir) -> list[str]:
    """Enter the end of runs whose file a crash left sealed but unentered; gives their ids. For a daemon's start.

    A file that cannot be read is left to whoever resumes runs: a start is never held up by a damaged file.
    """
    ended = []
    for run in store.open_runs():
        sha256 = None
        with contextlib.suppress(InputError):
            sha256 = read_seal(data.runs / run.file)
        if sha256 is not None:
            store.end_run(run.run, sha256=sha256)
            ended.append(run.run)
    return ended
