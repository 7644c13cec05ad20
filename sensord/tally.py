"""What a process has seen, for its last line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sensord.model import Json


@dataclass(slots=True)
class Tally:
    """What a process has seen, for its last line."""

    runs: int = 0
    strides: int = 0
    distance_m: float = 0.0
    measured: bool = True
    alerts: int = 0

    def add(self, summary: Mapping[str, Json] | None) -> None:
        """One more run has ended; None for one without a stride."""
        if summary is None:
            return
        self.runs += 1
        self.strides += summary["strides_left"] + summary["strides_right"]
        self.distance_m += summary["distance_m"]
        self.measured = self.measured and bool(summary.get("distance_calibrated"))
        self.alerts += summary["alerts"]

    def line(self) -> str:
        """One line for people."""
        rest = "" if self.measured else " (by set step lengths)"
        return (
            f"{self.runs} run{'s' * (self.runs != 1)}: {self.strides} strides, "
            f"{self.distance_m:.0f} m{rest}, {self.alerts} alert{'s' * (self.alerts != 1)}"
        )
