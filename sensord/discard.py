"""Discard a run from the command line: through the daemon when one holds the data directory, else directly."""

from __future__ import annotations

import contextlib
import getpass
import json

import aiohttp

from sensord.config import Settings
from sensord.datadir import DataDir, HeldError
from sensord.errors import Away, InputError, Problem, RelayedError
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
        await _ask(_door_plate(data, held), run, reason)


def _door_plate(data: DataDir, held: HeldError) -> dict[str, str | None]:
    """Where the daemon that holds the directory is; its own note, not one that a killed daemon left."""
    try:
        plate = json.loads((data.path / "daemon.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        plate = {}
    if str(plate.get("pid")) != held.holder:
        found = f"process {held.holder} holds the data and has no page to be asked through"
        raise InputError(Problem(str(data.path), "", found, "a daemon with a page, or none"))
    return dict(plate)


async def _ask(plate: dict[str, str | None], run: str, reason: str) -> None:
    url = str(plate["url"])
    headers = {"Origin": url}
    said = {"who": getpass.getuser(), "reason": reason}
    if plate["token"]:
        headers["Authorization"] = f"Bearer {plate['token']}"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.post(f"{url}/api/run/{run}/discard", headers=headers, json=said) as answer,
        ):
            if answer.status >= 400:
                raise RelayedError((await answer.json()).get("error", f"the daemon answered {answer.status}"))
    except (TimeoutError, aiohttp.ClientError, ValueError) as error:
        raise Away(f"the daemon at {url} did not answer: {error}") from None
