"""The journal: what arrives goes to the run file first, what was understood goes to the store after it.

The event loop's thread hands things over and never waits. Two threads (sensord/journal_threads.py) sleep until
something comes, and then keep these times:

- the keeper commits an input within 20 ms of its arrival (it survives a killed process); what it does never waits for
  a sync of what came before, docs/run-file.md has the exceptions,
- the syncer makes it durable within 200 ms (it survives a power cut), or as soon as the disk can,
- events go at once: commit, sync of the run file up to its last input, then one store transaction, then `on_stored`.

So the store never holds an event whose inputs are not in the run file, and an alert never waits for a timer.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from sensord.errors import InputError, InternalError, JournalFailed
from sensord.journal_threads import Arrived, Call, Events, Keeper, Run, Syncer
from sensord.model import Event, Input, Packet, RunSetup, StoredEvent
from sensord.recording import Anchor, RunFile, mark_row, read_seal
from sensord.store import DataDir, Store

T = TypeVar("T")


@dataclass(slots=True)
class _Left:
    """What the keeper leaves to the syncer when the journal closes."""

    run: Run | None = None
    failure: Exception | None = None


class Journal:
    """Writes runs. Every method may be called from any one thread (the event loop's) and returns at once.

    `on_stored(events)` hears of newly stored events, `on_error(exc)` of what ended the keeping: the first failure of
    the run file (then nothing more is taken) and of the store (then inputs are still kept, events no more). Both are
    called in one of the journal's threads, `on_stored` always in the same. Futures are `concurrent.futures.Future`:
    `asyncio.wrap_future` makes them awaitable.
    """

    def __init__(
        self,
        store: Store,
        *,
        on_stored: Callable[[list[StoredEvent]], None] | None = None,
        on_error: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Takes over `store`: it is closed by `close`, and used by one thread of this journal only."""
        self._current: Run | None = None  # the run that is on as callers see it; the threads do a little later
        self._on_error = on_error
        self._syncer = Syncer(store, on_stored, self._tell)
        self._keeper = Keeper(self._syncer.queue, self._tell)
        self._closed = False
        self._syncer.thread.start()
        self._keeper.thread.start()

    # ------------------------------------------------------------------------------------------ any thread

    @property
    def failure(self) -> BaseException | None:
        """What ended the keeping of inputs (of the run that is on), or of events (for good); None while all is well."""
        return (self._current.failure if self._current else None) or self._syncer.store_failure

    @property
    def busy_since(self) -> float | None:
        """When (time.monotonic) a thread began what it is at; None while both sleep. Long ago means a slow disk."""
        since = (self._keeper.busy_since, self._syncer.busy_since)
        return min((at for at in since if at is not None), default=None)

    def begin(self, open_file: Callable[[], RunFile], setup: RunSetup, anchor: Anchor) -> Future[None]:
        """Begin or resume a run: `open_file` (RunFile.create or resume) runs in the keeper's thread, the store follows.

        Inputs and events may follow at once. When it fails, the future, `on_error` and the next `add` tell.
        """
        if self._current is not None:
            raise InternalError("a run is on: it must end before another begins")
        run = self._current = Run()
        return self._put(
            lambda: self._begin(run, setup, anchor),
            keep=lambda: self._keeper.take_on(run, open_file),
        )

    def add(self, item: Input) -> None:
        """Keep an input. InternalError: no run is on, or a mark that cannot be written; JournalFailed: see there."""
        if self._current is None:
            raise InternalError("an input outside of a run")
        if (failure := self._current.failure) is not None:
            raise JournalFailed(f"inputs are not kept: {failure}") from failure
        if not isinstance(item, Packet):
            mark_row(item)  # the mistake is told to the one who made it, not to the keeper
        self._keeper.queue.put(Arrived(item, time.monotonic()))

    def events(self, run: str, algo: str, events: Sequence[Event]) -> None:
        """Store events as soon as every input added before them is durable. JournalFailed: see there."""
        if (failure := self.failure) is not None:
            raise JournalFailed(f"events are not kept: {failure}") from failure
        if events:
            self._keeper.queue.put(Events(run, algo, tuple(events)))

    def call(self, do: Callable[[Store], T]) -> Future[T]:
        """Do something with the store in the syncer's thread, after everything handed over before."""
        return self._put(lambda: do(self._syncer.store))

    def sync(self) -> Future[None]:
        """Done when everything handed over before is durable and its events are stored."""
        return self._put(self._sync, keep=self._keeper.commit)

    def end(self, *, keep: bool = True) -> Future[str | None]:
        """End the run: store its events, seal its file (gives the SHA-256), enter both in the store.

        `keep=False` for a run that came to nothing: its file is removed, the store discards it (gives None).
        """
        if self._current is None:
            raise InternalError("no run is on that could end")
        run, self._current = self._current, None
        return self._put(lambda: self._end(run, keep=keep), keep=self._hand_over)

    def close(self) -> None:
        """Keep what was handed over, close the run file (unsealed: it can be resumed) and the store; waits for it."""
        if self._closed:
            return
        left = _Left()
        closing = self._put(lambda: self._close(left), keep=lambda: self._leave(left), last=True)
        self._closed = True
        self._keeper.thread.join()
        self._syncer.thread.join()
        closing.result()

    def _put(self, do: Callable[[], T], *, keep: Callable[[], object] | None = None, last: bool = False) -> Future[T]:
        if self._closed:
            raise InternalError("the journal is closed")
        future: Future[T] = Future()
        self._keeper.queue.put(Call(do, future, keep, last))
        return future

    def _tell(self, exc: BaseException) -> None:
        if self._on_error:
            self._on_error(exc)

    # ------------------------------------------------------------------------------------------ the keeper's thread

    def _hand_over(self) -> None:
        self._keeper.commit()
        self._keeper.let_go()

    def _leave(self, left: _Left) -> None:
        """As at an end, but what fails now is told by `close` itself."""
        run = left.run = self._keeper.let_go()
        if run is not None and run.file is not None and run.failure is None:
            try:
                run.file.commit()
            except Exception as exc:  # noqa: BLE001 (`close` raises it)
                left.failure = exc

    # ------------------------------------------------------------------------------------------ the syncer's thread

    def _begin(self, run: Run, setup: RunSetup, anchor: Anchor) -> None:
        self._syncer.run = run
        if run.file is None:
            assert run.failure is not None
            raise run.failure
        store = self._syncer.store
        try:
            if not store.knows(setup.run):
                store.begin_run(
                    setup,
                    file=run.file.path.name,
                    boot_id=anchor.boot_id,
                    boottime_ns=anchor.boottime_ns,
                    begun_wall_ns=anchor.wall_ns if anchor.wall_trusted else None,
                )
        except Exception as exc:
            self._syncer.fail(run, exc)
            raise

    def _sync(self) -> None:
        self._syncer.sync()
        self._syncer.raise_failure()

    def _end(self, run: Run, *, keep: bool) -> str | None:
        try:
            self._syncer.sync()
            self._syncer.raise_failure()
            assert run.file is not None
            sha256 = run.file.seal() if keep else None
            self._syncer.store.end_run(run.file.setup.run, sha256=sha256)
            if not keep:
                self._drop(run.file)
        except Exception as exc:
            if not isinstance(exc, JournalFailed):  # that was told when it happened
                self._syncer.fail(run, exc)
            if run.file is not None:
                run.file.abandon()
            raise
        finally:
            self._syncer.run = None
        return sha256

    def _drop(self, file: RunFile) -> None:
        store = self._syncer.store
        if not store.run(file.setup.run).discarded:
            store.discard(file.setup.run, "sensord", "nothing was measured")
        file.remove()

    def _close(self, left: _Left) -> None:
        run, self._syncer.run = left.run, None
        try:
            if run is not None and run.file is not None:
                if run.failure is None and left.failure is None:
                    run.file.close()
                else:
                    run.file.abandon()
            if left.failure is not None:
                raise left.failure
        finally:
            self._syncer.store.close()


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
