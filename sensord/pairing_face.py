"""What `sensord pair` changes and shows, with the lock on the data directory held."""

from __future__ import annotations

import contextlib
import getpass
import re
from collections.abc import Callable, Sequence

from sensord import store_pairings
from sensord.config import Settings
from sensord.datadir import DataDir, HeldError
from sensord.errors import InputError, Problem
from sensord.model import Side
from sensord.pair import pair_by_address, pair_by_shaking
from sensord.store import Store
from sensord.store_pairings import Pairing, pair, pairings

ADDRESS = re.compile(r"([0-9A-F]{2}:){5}[0-9A-F]{2}|[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")
"""A Bluetooth address, or the UUID that macOS shows in its place."""


def wanted_of(left: str | None, right: str | None, sensors: Sequence[str]) -> dict[str, Side | None]:
    """Addresses and their feet. InputError when one is none, or is named twice."""
    named = [(left, Side.LEFT), (right, Side.RIGHT), *((sensor, None) for sensor in sensors)]
    given = [(address.strip().upper(), side) for address, side in named if address is not None]
    strange = [address for address, _ in given if not ADDRESS.fullmatch(address)]
    if strange:
        raise InputError([Problem("pair", "", repr(one), "an address such as C0:00:00:00:00:01") for one in strange])
    if len({address for address, _ in given}) < len(given):
        raise InputError(Problem("pair", "", "one address twice", "a different address for each pod"))
    return dict(given)


async def change(
    settings: Settings,
    wanted: dict[str, Side | None],
    *,
    forget: str | None,
    simulated: bool,
    say: Callable[[str], None],
) -> None:
    """Pairs or forgets. InputError: a daemon holds the pods, nothing found, nothing shaken."""
    data = DataDir(settings.data_dir)
    try:
        with data.lock(), contextlib.closing(Store.open(data.store, gateway=settings.gateway)) as store:
            if forget is not None:
                store_pairings.forget(store, forget.upper(), who=getpass.getuser())
                return
            backend = None
            if simulated:
                from sensord.demo import shaken_radio  # noqa: PLC0415 (renders a runner: seconds)

                backend = shaken_radio().backend
            found = await (
                pair_by_address(wanted, backend=backend) if wanted else pair_by_shaking(backend=backend, say=say)
            )
            for one in found:
                pair(store, one, who=getpass.getuser())
    except HeldError as held:
        problem = Problem(str(data.path), "", "a sensord that runs and holds the pods", "none: stop it while you pair")
        raise InputError(problem) from held


def known(settings: Settings) -> list[Pairing]:
    """The pairings that hold; none while nothing was ever kept."""
    data = DataDir(settings.data_dir)
    if not data.store.exists():
        return []
    with contextlib.closing(Store.open(data.store, gateway="reader", readonly=True)) as store:
        return pairings(store)


def rows(known: Sequence[Pairing]) -> list[list[str]]:
    """Cells of the table."""
    return [[one.side.value if one.side else "none", one.pod, one.driver, one.model, one.serial] for one in known]
