"""A range of stages, such as "1..2", and the runs that were made in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sensord.model import Json

DOTS = ".."


def stage_range(text: str, ladder: Sequence[str]) -> tuple[str, ...] | None:
    """The stages from one to another, both among them, or the one that is named; None: the ladder has no such range.

    Names of stages may hold dots themselves: what the ladder knows decides where the two names part.
    """
    if text in ladder:
        return (text,)
    for at in range(1, len(text) - len(DOTS)):
        first, last = text[:at], text[at + len(DOTS) :]
        if text[at : at + len(DOTS)] == DOTS and first in ladder and last in ladder:
            found = tuple(ladder[ladder.index(first) : ladder.index(last) + 1])
            return found or None
    return None


def ran_in(run: Mapping[str, Json], plan: str, stages: Sequence[str]) -> bool:
    """Whether a run was made in one of these stages of this plan, from its `RunSummary` payload. A stage of the same
    name in another plan is another stage."""
    day = run.get("day") or {}
    return day.get("plan") == plan and day.get("stage") in stages
