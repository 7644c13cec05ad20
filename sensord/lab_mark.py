"""A mark in the run that is on, from the command line: the instant that another instrument's record shows too."""

from __future__ import annotations

import getpass
from dataclasses import dataclass

from sensord import host
from sensord.config import Settings
from sensord.daemon_door import ask_the_run
from sensord.errors import InputError, Problem
from sensord.model import Json

LONGEST = 200
"""Design choice: what a line of the page and of a table still shows."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """An instant on this machine's clocks: since boot (what run time is made of), and the wall's."""

    boottime_ns: int
    wall_ns: int

    @classmethod
    def now(cls) -> Stamp:
        """Both clocks, read one after the other."""
        return cls(host.boottime_ns(), host.wall_ns())


async def mark(settings: Settings, text: str, stamp: Stamp) -> Json:
    """Note `text` at `stamp` in the run that is on: {run, t_ns, wall_ns, text}. InputError: no daemon, no run."""
    if not text.strip() or not text.isprintable() or len(text) > LONGEST:
        shown = repr(text if len(text) <= LONGEST else f"{text[:20]}…")
        raise InputError(Problem("command line", "TEXT", shown, f"a line of text, at most {LONGEST} characters"))
    at = {"boottime_ns": str(stamp.boottime_ns), "wall_ns": str(stamp.wall_ns)}
    return await ask_the_run(settings, "/api/run/mark", {"text": text, "who": getpass.getuser(), **at})
