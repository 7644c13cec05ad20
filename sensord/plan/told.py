"""How the alert of a counted limit is told: cue, fact, limit, who set it, what remains.

Running time 15:20 of 15:00 (limit set by plan X). Stop at 16:30, 1:10 left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sensord.model import Level
from sensord.plan.breach import RANK
from sensord.plan.rule import Words

LOUDER = {Level.WARN: "Warning", Level.STOP: "Stop", Level.URGENT: "Urgent"}
"""What comes at the next level."""

Show = Callable[[float, float], tuple[str, str, str]]
"""Value and whole: what was reached (rounded down), the whole, what is left of it (rounded up)."""


@dataclass(frozen=True, slots=True)
class Told:
    """An amount. `what` names it; `cues`: noted, a warning with a stop to come, a warning that is the last word."""

    what: str
    cues: tuple[str, str, str]
    source: str
    show: Show

    def fact(self, value: float, limit: float) -> str:
        """What was reached of the limit, and who set it."""
        shown, whole, _ = self.show(value, limit)
        return f"{self.what} {shown} of {whole} ({self.source})."

    def at(self, value: float, limit: float) -> str:
        """A limit that is to come."""
        _, whole, left = self.show(value, limit)
        return f"at {whole}, {left} left"

    def words(self, level: Level, value: float, limits: dict[Level, float], *, live: bool) -> Words:
        """All of it, for a level that was reached; after a run no cue says stop."""
        fact = self.fact(value, limits[level])
        louder = min((lvl for lvl in limits if RANK[lvl] > RANK[level]), key=RANK.__getitem__, default=None)
        noted, near, reached = self.cues
        if RANK[level] >= RANK[Level.STOP] and live:
            cue = "Stop running" if level is Level.STOP else "Stop now"
        elif level is Level.INFO:
            cue = noted
        else:
            cue = reached if louder is None or not live else near
        if louder is not None:
            return Words(cue, f"{fact} {LOUDER[louder]} {self.at(value, limits[louder])}.")
        return Words(cue, fact if level is Level.INFO else f"{fact} Nothing left.")


@dataclass(frozen=True, slots=True)
class ShareTold(Told):
    """Metres in percent of a base of `base_m`, which `of` names."""

    of: str
    base_m: float

    def fact(self, value: float, limit: float) -> str:
        """What was reached, in metres and percent."""
        shown, base, _ = self.show(value * self.base_m / 100.0, self.base_m)
        return f"{self.what} {shown}, {int(value)} % of {self.of} ({base}); limit {limit:g} % ({self.source})."

    def at(self, value: float, limit: float) -> str:
        """A limit that is to come, and how far that is."""
        whole_m = limit * self.base_m / 100.0
        _, whole, left = self.show(value * self.base_m / 100.0, whole_m)
        return f"at {limit:g} % ({whole}), {left} left"


@dataclass(frozen=True, slots=True)
class PercentTold(Told):
    """A percentage of something that has no unit of its own."""

    of: str

    def fact(self, value: float, limit: float) -> str:
        """What was reached, in percent."""
        return f"{self.what} {int(value)} % of {self.of}; limit {limit:g} % ({self.source})."

    def at(self, value: float, limit: float) -> str:
        """A limit that is to come."""
        return f"at {limit:g} %, {limit - value:.0f} points left"


def metres(value: float, whole: float) -> tuple[str, str, str]:
    """In km to 10 m, or in m below a kilometre."""
    step_m, per_unit, unit, digits = (10, 1000, "km", 2) if whole >= 1000 else (1, 1, "m", 0)
    reached = value // step_m * step_m
    shown, all_of_it, left = (f"{m / per_unit:.{digits}f} {unit}" for m in (reached, whole, max(0.0, whole - reached)))
    return shown, all_of_it, left


def clock(value: float, whole: float) -> tuple[str, str, str]:
    """In minutes and seconds."""
    seconds = int(value), round(whole), max(0, round(whole) - int(value))
    shown, all_of_it, left = (f"{s // 60}:{s % 60:02d}" for s in seconds)
    return shown, all_of_it, left


def counted(value: float, whole: float) -> tuple[str, str, str]:
    """A number of things."""
    return str(int(value)), f"{whole:.0f}", str(max(0, round(whole) - int(value)))


def set_by(source: str | None, plan: str) -> str:
    """Who set a limit."""
    return f"limit set by {source or f'plan {plan}'}"
