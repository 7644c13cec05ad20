"""When to give a link up, and when to try again. No clock in here: the time is told."""

from __future__ import annotations

from sensord.drivers.base import SILENT_AFTER_S
from sensord.errors import LinkReason

DELAYS_S = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Design choice: most link losses pass in a moment (a body between pod and gateway), so the first retries are quick."""

REFUSED_FROM = 4
"""Design choice: a pod that refused its settings or its identity will do so again; start at DELAYS_S[4] = 2 s."""

STEADY_AFTER_S = 10.0
"""Design choice: a link that held so long was a good one, and the next retries are quick again."""

_REFUSED = (LinkReason.SETUP, LinkReason.IDENTITY)


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
        if reason in _REFUSED:
            self._failures = max(self._failures, REFUSED_FROM)
        delay = DELAYS_S[min(self._failures, len(DELAYS_S) - 1)]
        self._failures += 1
        return delay
