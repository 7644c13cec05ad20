"""When to give a link up, and when to try again. No clock in here: the time is told."""

from __future__ import annotations

from sensord.drivers.base import SILENT_AFTER_S
from sensord.errors import LinkReason

DELAYS_S = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Design choice: most link losses pass in a moment (a body between pod and gateway), so the first retries are quick."""

FIRST = {
    LinkReason.BUSY: 3,
    LinkReason.SERVICES: 3,
    LinkReason.SETUP: 4,
    LinkReason.IDENTITY: 4,
    LinkReason.PAIRING: 5,
}
"""Design choice: where in DELAYS_S a reason begins (others: at the first). What another program holds is let go within
a second or so, and services that were not all found are asked for anew; a pod that refused its settings or identity
will do so again, so 2 s; pairing needs a person, 4 s."""

LAST = {
    LinkReason.SLEPT: 0,
    LinkReason.LOST: 4,
    LinkReason.SILENT: 4,
    LinkReason.ADAPTER: 5,
    LinkReason.NOT_FOUND: 5,
    LinkReason.CONNECT: 6,
}
"""Design choice: where in DELAYS_S a reason ends (others: at the last). A runner whose pod was in reach a moment ago
waits for it: 2 s; asking an adapter of our own costs nothing: 4 s; a pod at the edge of reach: 8 s."""

STEADY_AFTER_S = 2.0
"""Design choice: a link that held so long was a good one, and the next retries are quick again. With 10 s, links that
broke every few seconds came back after 9 s (95 %; `python -m bench.soak_link`), where 5 s are wanted."""


class Watchdog:
    """Barks when it was not fed for `limit_s`. Times are seconds on any clock that only goes forward."""

    def __init__(self, now_s: float, limit_s: float = SILENT_AFTER_S) -> None:
        self._fed_s = now_s
        self._limit_s = limit_s

    def feed(self, now_s: float) -> None:
        """Data arrived."""
        self._fed_s = now_s

    def left_s(self, now_s: float) -> float:
        """Seconds until it barks; zero or less: it barks."""
        return self._fed_s + self._limit_s - now_s


class Backoff:
    """How long to wait before the next try, by why the last one ended."""

    def __init__(self) -> None:
        self._failures = 0

    def delay_s(self, reason: LinkReason, *, held_s: float = 0.0) -> float:
        """Wait after a link that held for `held_s` (0: it was never up) and ended for `reason`."""
        if held_s >= STEADY_AFTER_S:
            self._failures = 0
        self._failures = max(self._failures, FIRST.get(reason, 0))
        delay = DELAYS_S[min(self._failures, LAST.get(reason, len(DELAYS_S) - 1))]
        self._failures += 1
        return delay
