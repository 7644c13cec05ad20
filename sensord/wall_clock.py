"""The wall clock, watched from the outside: when it becomes trusted, when somebody corrects it.

Run time never depends on it. A run is anchored to it once; a run that began before the clock could be trusted gets its
anchor when it can: wall time minus the time since boot is the same for every run of this boot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sensord import host
from sensord.model import NS

CORRECTED_S = 0.5
"""Design choice: a step larger than this between two looks is a correction; slewing (NTP) stays far below it."""


@dataclass(frozen=True, slots=True)
class ClockChange:
    """The clock was corrected by `step_s`, or is trusted now; `boot_wall_ns` is the wall time of this boot's zero."""

    boot_wall_ns: int
    step_s: float
    trusted: bool


class WallClock:
    """Look once a second; says what changed since the last look."""

    def __init__(
        self,
        trusted: Callable[[], bool],
        *,
        boottime_ns: Callable[[], int] = host.boottime_ns,
        wall_ns: Callable[[], int] = host.wall_ns,
    ) -> None:
        self._is_trusted = trusted
        self._boottime_ns = boottime_ns
        self._wall_ns = wall_ns
        self._boot_wall_ns = self._offset_ns()
        self.trusted = trusted()

    def look(self) -> ClockChange | None:
        """None while nothing changed."""
        offset_ns, trusted = self._offset_ns(), self.trusted or self._is_trusted()
        step_s = (offset_ns - self._boot_wall_ns) / NS
        changed = abs(step_s) > CORRECTED_S or trusted is not self.trusted
        if not changed:
            return None
        self._boot_wall_ns, self.trusted = offset_ns, trusted
        return ClockChange(offset_ns, step_s, trusted)

    def _offset_ns(self) -> int:
        return self._wall_ns() - self._boottime_ns()
