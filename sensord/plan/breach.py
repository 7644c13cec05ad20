"""The life of an alert: one onset a level and breach, one recovery for each onset, nothing in between.

    below ---beyond a limit for `sustained`---> alerted ---below the clearing value for `sustained`---> below
                                                  |  ^
                                                  +--+ beyond the next level for `sustained`: one more onset

A jump past warn and stop at once says stop and nothing else: a warning after it would be noise. Between the limit and
the clearing value nothing happens (hysteresis), and all levels clear together.
"""

from __future__ import annotations

from dataclasses import dataclass

from sensord.model import NS, AlertPhase, Level

RANK = {level: rank for rank, level in enumerate(Level)}


@dataclass(frozen=True, slots=True)
class Turn:
    """An alert that begins or ends. `duration_s` only when it ends."""

    phase: AlertPhase
    level: Level
    onset_ns: int
    duration_s: float | None


class Breach:
    """State of one limit's alerts. Its clock counts seconds that matter to the limit: running time, mostly."""

    def __init__(self, levels: tuple[Level, ...], sustained_s: float) -> None:
        """`levels` are those that have a limit."""
        self._levels = levels
        self._sustained_s = sustained_s
        self._beyond_since_s: dict[Level, float] = {}
        self._back_since_s: float | None = None
        self._onsets_ns: dict[Level, int] = {}

    @property
    def level(self) -> Level:
        """The highest level that has been alerted and has not recovered."""
        return max(self._onsets_ns, key=RANK.__getitem__, default=Level.NONE)

    def beyond_for_s(self, clock_s: float) -> float | None:
        """How long the lowest level has been passed without an alert; None when it is not passed."""
        return clock_s - min(self._beyond_since_s.values()) if self._beyond_since_s else None

    def back_for_s(self, clock_s: float) -> float | None:
        """How long an alerted limit has been kept again; None when it is not."""
        return None if self._back_since_s is None else clock_s - self._back_since_s

    def update(self, beyond: Level, *, back: bool, clock_s: float, t_ns: int) -> list[Turn]:
        """A new measurement: the highest level it is beyond, and whether it is below the clearing value."""
        for level in self._levels:
            if RANK[beyond] >= RANK[level]:
                self._beyond_since_s.setdefault(level, clock_s)
            else:
                self._beyond_since_s.pop(level, None)
        ripe = [lvl for lvl, since_s in self._beyond_since_s.items() if clock_s - since_s >= self._sustained_s]
        loudest = max(ripe, key=RANK.__getitem__, default=Level.NONE)
        if RANK[loudest] > RANK[self.level]:
            self._onsets_ns[loudest] = t_ns
            return [Turn(AlertPhase.ONSET, loudest, t_ns, None)]
        return self._recovery(back, clock_s, t_ns)

    def interrupt(self) -> None:
        """Nothing is measured any more: what was counting towards an onset or a recovery starts again."""
        self._beyond_since_s.clear()
        self._back_since_s = None

    def _recovery(self, back: bool, clock_s: float, t_ns: int) -> list[Turn]:
        if not back or not self._onsets_ns:
            self._back_since_s = None
            return []
        if self._back_since_s is None:
            self._back_since_s = clock_s
        if clock_s - self._back_since_s < self._sustained_s:
            return []
        turns = [
            Turn(AlertPhase.RECOVERY, level, onset_ns, (t_ns - onset_ns) / NS)
            for level, onset_ns in sorted(self._onsets_ns.items(), key=lambda item: -RANK[item[0]])
        ]
        self._onsets_ns.clear()
        self._back_since_s = None
        return turns
