"""Discard a run from the command line: through the daemon when one holds the data directory, else directly."""

from __future__ import annotations

import contextlib
import getpass

from sensord.config import Settings
from sensord.daemon_door import ask, door_plate
from sensord.datadir import DataDir, HeldError
from sensord.errors import InputError, Problem
from sensord.store import Store


async def discard(settings: Settings, run: str, reason: str) -> None:
    """Mark a run as not to be counted. InputError: unknown, discarded already, on, or the daemon cannot be asked."""
    data = DataDir(settings.data_dir)
    try:
        with data.lock(), contextlib.closing(Store.open(data.store, gateway=settings.gateway)) as store:
            if store.run(run).state != "ended":
                expected = "one that has (sensord run resumes it)"
                raise InputError(Problem("run", run, "a run that has not ended", expected))
            store.discard(run, getpass.getuser(), reason)
    except HeldError as held:
        await ask(door_plate(data, held), f"/api/run/{run}/discard", {"who": getpass.getuser(), "reason": reason})
