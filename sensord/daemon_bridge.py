"""From the journal's thread, and from the operating system's signals, into the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

from sensord.model import StoredEvent


class Bridge:
    """From the journal's thread into the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.failed: asyncio.Future[None] = loop.create_future()
        self.wake: Callable[[], None] = nobody

    def stored(self, _events: list[StoredEvent]) -> None:
        """Something was stored: wake the sinks."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to wake
            self._loop.call_soon_threadsafe(self.wake)

    def fail(self, error: BaseException) -> None:
        """Nothing more can be kept: the daemon must end, loudly."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._set_failed, error)

    def _set_failed(self, error: BaseException) -> None:
        if not self.failed.done():
            self.failed.set_exception(error)


def nobody() -> None:
    """No sink is open yet."""


@contextlib.contextmanager
def signals(stop: asyncio.Event) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP (the terminal is gone) set `stop` while inside, however often they come."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
