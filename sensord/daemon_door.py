"""How a command on this machine asks the daemon that holds the data directory: through its page, by its note."""

from __future__ import annotations

import json

import aiohttp

from sensord.config import Settings
from sensord.datadir import DataDir, HeldError
from sensord.errors import Away, InputError, Problem, RelayedError
from sensord.model import Json

Plate = dict[str, str | None]
"""Where the daemon's page is, and its token if it wants one."""


def door_plate(data: DataDir, held: HeldError) -> Plate:
    """Where the daemon that holds the directory is; not one that was killed. InputError: none."""
    try:
        plate = json.loads((data.path / "daemon.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        plate = {}
    if str(plate.get("pid")) != held.holder:
        found = f"process {held.holder} holds the data and has no page to be asked through"
        raise InputError(Problem(str(data.path), "", found, "a daemon with a page, or none"))
    return dict(plate)


async def ask_the_run(settings: Settings, path: str, said: dict[str, str]) -> Json:
    """POST to the daemon that holds the settings' data directory. InputError: there is none."""
    data = DataDir(settings.data_dir)
    nobody = InputError(Problem(str(data.path), "", "no daemon", "a run that is on (sensord run)"))
    if not data.path.exists():
        raise nobody
    try:
        with data.lock():
            raise nobody
    except HeldError as held:
        plate = door_plate(data, held)
    return await ask(plate, path, said)


async def ask(plate: Plate, path: str, said: dict[str, str]) -> Json:
    """POST to the daemon's API; its answer. RelayedError: it refused, in its words. Away: it did not answer."""
    url = str(plate["url"])
    headers = {"Origin": url}
    if plate["token"]:
        headers["Authorization"] = f"Bearer {plate['token']}"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.post(f"{url}{path}", headers=headers, json=said) as answer,
        ):
            told = await answer.json()
            if answer.status >= 400:
                raise RelayedError(told.get("error", f"the daemon answered {answer.status}"))
            return told
    except (TimeoutError, aiohttp.ClientError, ValueError) as error:
        raise Away(f"the daemon at {url} did not answer: {error}") from None
