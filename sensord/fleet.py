"""Several runners on one computer: a gateway for each, one radio for all, in one process.

Each runner has settings of her own, and with them her own data directory, plan, page and sinks: nothing of one can end
up with another. What they share is the adapter, which scans once and connects one pod at a time. A gateway that fails
ends alone; the others go on, and the failure is told at the end.
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sensord.config import Settings
from sensord.daemon import Gateway
from sensord.daemon_bridge import signals
from sensord.drivers.radio import Air, Backend
from sensord.errors import InputError, Problem
from sensord.pairing_face import known
from sensord.tally import Tally


@dataclass(frozen=True, slots=True)
class Member:
    """One runner's settings and where they came from."""

    file: str
    settings: Settings


def check_apart(members: Sequence[Member]) -> None:
    """Raises InputError with every setting that two runners must not share."""
    problems: list[Problem] = []
    for what, value_of in _APART.items():
        seen: dict[str, str] = {}
        for member in members:
            problems += [
                Problem(member.file, what, f"{value}, as in {other}", "another for each runner")
                for value in value_of(member.settings)
                if (other := seen.setdefault(value, member.file)) != member.file
            ]
    if problems:
        raise InputError(problems)


async def run_fleet(
    members: Sequence[Member],
    *,
    backend: Backend | None = None,
    seconds: float | None = None,
    say: Callable[[str], None] = print,
) -> list[Tally]:
    """Runs all gateways until SIGINT or SIGTERM, or for so many seconds; what each has seen, in order.

    Raises InputError (settings that are not apart), and at the end what made a gateway fail.
    """
    check_apart(members)
    stop, air = asyncio.Event(), Air(backend)
    gateways = [Gateway(m.settings, backend=backend, say=_named(m.settings.runner, say)) for m in members]
    with signals(stop):
        scanning = asyncio.create_task(air.scanner.run(), name="scanner")
        scanning.add_done_callback(lambda _: stop.set())  # without it no pod would ever come back
        running = [asyncio.create_task(gateway.run(seconds, stop=stop, air=air)) for gateway in gateways]
        try:
            results = await asyncio.gather(*running, return_exceptions=True)
        finally:
            for task in (scanning, *running):
                task.cancel()
            (scanned, *_) = await asyncio.gather(scanning, *running, return_exceptions=True)
    failed = [r for r in (*results, scanned) if isinstance(r, BaseException) and not isinstance(r, CancelledError)]
    if failed:
        raise failed[0]
    return [result for result in results if isinstance(result, Tally)]


def _named(runner: str, say: Callable[[str], None]) -> Callable[[str], None]:
    return lambda line: say(f"{runner:<12} {line}")


_APART: dict[str, Callable[[Settings], Sequence[str]]] = {
    "data_dir": lambda settings: [str(settings.data_dir)],
    "runner": lambda settings: [settings.runner],
    "pod": lambda settings: [pod.address for pod in settings.pod] or [one.pod for one in known(settings)],
    "mqtt.site": lambda settings: [f"{m.host}:{m.port} {settings.site}"] if (m := settings.mqtt) else [],
    "web.port": lambda settings: [str(settings.web.port)] if settings.web.enabled and settings.web.port else [],
}
