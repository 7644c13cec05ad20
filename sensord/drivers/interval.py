"""What arrivals tell of the connection interval, which BlueZ tells nobody: at most so long, and whether packets wait.

Data leaves a pod at connection events. Two arrivals at different events are at least one interval apart, so no interval
is longer than the shortest time between two events; and when several packets come at once, they waited for an event.
"""

from __future__ import annotations

from collections import deque

from sensord.model import NS

KEPT = 200
"""Design choice: events that are looked at, 10 s of 20 packets a second."""

SAME_EVENT_MS = 3.0
"""Design choice: arrivals closer than this came at one event; the shortest interval there is is 7.5 ms."""

SHORTEST_SHARE = 0.05
"""Design choice: the time that one in twenty is shorter than; the very shortest may be the host's doing."""


class Events:
    """Feed it the arrivals of one link. Bounded."""

    def __init__(self) -> None:
        self._gaps_ms: deque[float] = deque(maxlen=KEPT)
        self._packets = 0
        self._last_ns: int | None = None

    def arrived(self, t_ns: int) -> None:
        """A packet came."""
        if self._last_ns is None:
            self._last_ns = t_ns
            return
        self._packets += 1
        gap_ms = (t_ns - self._last_ns) * 1e3 / NS
        if gap_ms >= SAME_EVENT_MS:
            self._gaps_ms.append(gap_ms)
            self._last_ns = t_ns

    @property
    def full(self) -> bool:
        """Whether there are enough events to ask."""
        return len(self._gaps_ms) == KEPT

    @property
    def at_most_ms(self) -> float | None:
        """The interval is not longer than this; None with too few events."""
        if not self.full:
            return None
        return sorted(self._gaps_ms)[int(SHORTEST_SHARE * KEPT)]

    @property
    def packets_an_event(self) -> float | None:
        """How many packets came at once on average: well above 1 they wait for the radio."""
        return self._packets / KEPT if self.full else None
