"""One conversation with one pod that logs: found, linked, armed or fetched, let go. No stream, no second link.

Carries what a streaming link has no place for: `Fix` (with our time before and after), `Keep` (answered when it is
safe), `Progress`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from sensord.drivers.base import Await, Fix, Keep, PodInfo, Progress, Read, Request, Session, Write
from sensord.drivers.connection import Connection
from sensord.drivers.radio import Backend, Scanner, Sighting
from sensord.errors import InternalError, LinkError, LinkReason

log = logging.getLogger(__name__)

CONNECTS = 3
"""Design choice: connects that are tried before a pod is said not to link."""

LOOKS = 2
"""Design choice: so often the scanner is asked for a pod (5 s each) until it is said not to be there."""

_Result = TypeVar("_Result")


async def _nowhere(_payload: bytes) -> None:
    raise LinkError(LinkReason.SETUP, "a piece of a log came that nobody asked for")


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears what a session says. `kept` returns when a piece is on disk; `fix` gets pod, before and after (ns)."""

    now_ns: Callable[[], int]
    fix: Callable[[int, int, int], None]
    kept: Callable[[bytes], Awaitable[None]] = _nowhere
    progress: Callable[[int, int | None], None] = lambda _done, _total: None
    battery: Callable[[int], None] = lambda _percent: None


@contextlib.asynccontextmanager
async def linked(pod: str, ears: Ears, backend: Backend | None = None) -> AsyncIterator[LogConnection]:
    """A link to a pod while inside. Raises LinkError: NOT_FOUND, CONNECT, ADAPTER."""
    scanner = Scanner(backend)
    scanning = asyncio.create_task(scanner.run(), name="scanner")
    connection: LogConnection | None = None
    try:
        scanner.need(pod.upper())
        connection = await _connected(pod.upper(), ears, scanner, backend)
        scanner.release(pod.upper())
        yield connection
    finally:
        if connection is not None:
            await connection.close()
        scanning.cancel()
        await asyncio.wait({scanning})


async def _connected(address: str, ears: Ears, scanner: Scanner, backend: Backend | None) -> LogConnection:
    """A connect on a real radio fails now and then (3 of 24 after a drop); nobody is there to keep trying but we."""
    for tried in range(1, CONNECTS + 1):
        sighting = await _seen(address, scanner)
        connection = LogConnection(ears, backend)
        try:
            await connection.open(sighting)
        except LinkError as error:
            await connection.close()
            if tried == CONNECTS or error.reason not in {LinkReason.CONNECT, LinkReason.BUSY, LinkReason.LOST}:
                raise
        except BaseException:
            await connection.close()
            raise
        else:
            return connection
    raise InternalError("no connect was tried")


async def _seen(address: str, scanner: Scanner) -> Sighting:
    for look in range(1, LOOKS + 1):
        try:
            return await scanner.see(address)
        except LinkError:
            if look == LOOKS:
                raise
    raise InternalError("nobody looked")


class LogConnection(Connection):
    """A connection that carries sessions of `arm`, `recover` and `release` out."""

    def __init__(self, ears: Ears, backend: Backend | None) -> None:
        super().__init__(on_data=_unheard, on_info=_unsaid, backend=backend)
        self._ears = ears
        self._asked_ns = self._answered_ns = ears.now_ns()

    async def talk(self, session: Session[_Result]) -> _Result:
        """Carries a session out; a link that is lost ends it at once. Raises LinkError."""
        talking = asyncio.create_task(self.converse(session))
        losing = asyncio.create_task(self.lost.wait())
        try:
            await asyncio.wait({talking, losing}, return_when=asyncio.FIRST_COMPLETED)
            if not talking.done():
                raise LinkError(LinkReason.LOST)
            return talking.result()
        finally:
            for task in (talking, losing):
                task.cancel()
            await asyncio.wait({talking, losing})

    async def _carry_out(self, request: Request) -> bytes:
        ears = self._ears
        match request:
            case Fix(pod_ns):
                ears.fix(pod_ns, self._asked_ns, self._answered_ns)
            case Keep(payload):
                await ears.kept(payload)
            case Progress(done, total):
                ears.progress(done, total)
            case Read() | Write() | Await():
                asked_ns = ears.now_ns()
                answer = await super()._carry_out(request)
                if not isinstance(request, Await):
                    self._asked_ns = asked_ns
                if not isinstance(request, Write):
                    self._answered_ns = ears.now_ns()
                return answer
            case _:
                return await super()._carry_out(request)
        return b""


def _unheard(_uuid: str, _payload: bytes) -> None:
    """Nothing is streamed."""


def _unsaid(_info: PodInfo) -> None:
    """Nothing is announced."""
