"""What the page needs from the rest of sensord: stored runs to read, commands to give. The daemon fits them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sensord.model import Json


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run in the list: `summary` is its `RunSummary` payload, None while it has none."""

    run: str
    runner: str
    started_ms: int | None  # Unix time; None while the wall clock of the run is not known
    state: str
    discarded: bool = False
    summary: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class RunDetail:
    """One run with its `Alert` payloads and the last `LimitState` payload of every limit."""

    row: RunRow
    alerts: Sequence[Mapping[str, Json]] = ()
    limits: Sequence[Mapping[str, Json]] = ()


@dataclass(frozen=True, slots=True)
class RunMark:
    """A mark as it was kept: its run, run time and wall time."""

    run: str
    t_ns: int
    wall_ns: int
    text: str


@dataclass(frozen=True, slots=True)
class RunSpeed:
    """The belt speed that a run was told, from its run time on; None: not known any more."""

    run: str
    t_ns: int
    speed_mps: float | None


class RunsReader(Protocol):
    """Where the page reads stored runs."""

    async def runs(self, limit: int) -> Sequence[RunRow]:
        """The newest runs first."""

    async def run(self, run: str) -> RunDetail | None:
        """One run; None when there is none of that id."""


class Commands(Protocol):
    """What the page may ask for. `InputError` when it cannot be done (no run is on, no such run): its text is shown."""

    async def end_run(self) -> None:
        """End the run that is on."""

    async def start_run(self) -> None:
        """Begin the next run after one was ended by order."""

    async def mark_run(self, text: str, *, who: str, boottime_ns: int, wall_ns: int) -> RunMark:
        """Note a text in the run that is on, at the instant that the two clocks of this machine show."""

    async def know_speed(self, text: str, *, who: str, grade: str = "") -> RunSpeed:
        """From now on the belt goes at this speed, as people write it ("off": not known any more), and at this slope
        in per cent if one is given."""

    async def discard_run(self, run: str, *, who: str, reason: str) -> None:
        """Mark a run as not to be counted; its data stays, and so does who said it and why."""

    async def ack_alert(self, alert: str, *, who: str) -> Json:
        """Somebody has seen an alert, named by its id or its code: {alert, text}."""

    async def import_run(self, run: str) -> None:
        """Take in a run that was handed over beside the store (`sensord import`)."""


class PlanDesk(Protocol):
    """The runner's plan: where she stands, and what people say about it. `runner`: whose it is."""

    runner: str

    async def drawn(self) -> Json:
        """Where she stands, with the words beside it (`plan_picture`); None without a plan."""

    async def say(self, said: Mapping[str, str]) -> Json:
        """Keep a fact: kind, runner, at_wall_ns, payload (JSON text). `InputError` when it does not fit."""
