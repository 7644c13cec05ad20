"""Where imported runs are put: into the store, or through the daemon that holds it."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
from collections.abc import Iterator
from typing import Protocol

from sensord.config import Settings
from sensord.daemon_door import Plate, ask, door_plate
from sensord.datadir import DataDir, HeldError
from sensord.errors import Away, RelayedError
from sensord.incoming import forget, inbox, steps, take_in_waiting
from sensord.store import Store


class Shelf(Protocol):
    """Puts runs that were handed over (`incoming`) into the store. `store` is for reading."""

    data: DataDir
    store: Store

    def take_in(self, run: str) -> None:
        """Into the store with a run that waits."""

    def discard(self, run: str, reason: str) -> None:
        """A run does not count any more."""


class OwnShelf:
    """The data directory is ours."""

    def __init__(self, data: DataDir, store: Store) -> None:
        self.data, self.store = data, store

    def take_in(self, run: str) -> None:
        """Step by step, as a daemon would."""
        for step in steps(self.data, run):
            step(self.store)

    def discard(self, run: str, reason: str) -> None:
        """Noted with who did it."""
        self.store.discard(run, getpass.getuser(), reason)


class DaemonsShelf:
    """A daemon holds the data directory: it is asked. Relays what it refuses."""

    def __init__(self, data: DataDir, store: Store, plate: Plate) -> None:
        self.data, self.store = data, store
        self._plate = plate

    def take_in(self, run: str) -> None:
        """RelayedError: refused, nothing is left. Away: no answer; the run waits, the daemon's next start takes it."""
        try:
            asyncio.run(ask(self._plate, f"/api/run/{run}/import", {}))
        except RelayedError:
            forget(self.data, run)
            raise
        except Away as away:
            raise Away(
                f"{away}; run {run} waits in {inbox(self.data).path} and is taken in at its next start"
            ) from None

    def discard(self, run: str, reason: str) -> None:
        """Through the same door as `sensord runs discard`."""
        said = {"who": getpass.getuser(), "reason": reason}
        asyncio.run(ask(self._plate, f"/api/run/{run}/discard", said))


@contextlib.contextmanager
def shelf_of(settings: Settings) -> Iterator[Shelf]:
    """The shelf of a data directory; nobody else puts anything there meanwhile. InputError: it is held by a process
    that has no page to be asked through, or another import is on."""
    data = DataDir(settings.data_dir)
    data.create()
    with contextlib.ExitStack() as stack:
        stack.enter_context(inbox(data).lock())
        try:
            stack.enter_context(data.lock())
        except HeldError as held:
            plate = door_plate(data, held)
            store = Store.open(data.store, gateway=settings.gateway, readonly=True)
            yield DaemonsShelf(data, stack.enter_context(contextlib.closing(store)), plate)
            return
        store = stack.enter_context(contextlib.closing(Store.open(data.store, gateway=settings.gateway)))
        take_in_waiting(data, store)
        yield OwnShelf(data, store)
