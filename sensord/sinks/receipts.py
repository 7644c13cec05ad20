"""What is known of a message to a person, and the book that keeps it.

A state says no more than what is known: a mail server that took a message has not shown it to anybody. Only
`acknowledged` means that somebody has seen it, because somebody said so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sensord.model import StoredEvent
from sensord.sinks.notices import Key, Notice, Phase


class State(StrEnum):
    """Where a message is. Of one message and person the last one counts."""

    HELD = "held"  # kept back: quiet hours, or it goes in the next summary
    WAITING = "waiting"  # the other side is away; it is tried again until it goes
    SENT = "sent"  # handed to a mail server, which took it; whether it arrived is not known
    DELIVERED = "delivered"  # a webhook answered 2xx, a command ended with 0: it is with the recipient's system
    REFUSED = "refused"  # it will never be taken
    ACKNOWLEDGED = "acknowledged"  # somebody said that they have seen it


TOLD = frozenset({State.SENT, State.DELIVERED, State.ACKNOWLEDGED})
"""It went out."""
SETTLED = TOLD | {State.REFUSED, State.HELD}
"""Nothing is left to do when the log is read: it went out, never will, or the book knows that it is still to go."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One row of the book. `message` names what went out: the notices of one summary share it."""

    alert: str
    phase: Phase
    number: int
    person: str
    state: State
    at_wall_ns: int
    message: str | None = None
    detail: str = ""

    @property
    def key(self) -> Key:
        """Which message it is about."""
        return (self.alert, self.phase, self.number)


@dataclass(frozen=True, slots=True)
class Lasting:
    """Something urgent that a person was told, that has not ended and that nobody has acknowledged."""

    notice: Notice
    last_wall_ns: int  # when they were last told
    reminders: int


class ReceiptBook(Protocol):
    """What a person's sink needs of the store besides the log. Writing returns once it is durable."""

    async def begin(self, sink: str) -> None:
        """A sink that was never here begins at the end of the log: what was before is not told any more."""

    async def states(self, person: str, alerts: Collection[str]) -> Mapping[Key, State]:
        """The state of every message about these alerts to this person."""

    async def seen(self, alerts: Collection[str]) -> Collection[str]:
        """Those of these alerts that somebody has acknowledged."""

    async def last_summary_ns(self, person: str) -> int | None:
        """When the last summary went to this person (wall time)."""

    async def held(self, person: str) -> Sequence[Notice]:
        """What is kept back for this person, oldest first."""

    async def posted(self, person: str, since_wall_ns: int) -> Sequence[Notice]:
        """Notices of no run, posted since then, that are not settled for this person, oldest first."""

    async def alerts_after(self, seq: int) -> Sequence[StoredEvent]:
        """All stored alerts behind `seq`, in order."""

    async def lasting(self, person: str) -> Sequence[Lasting]:
        """What this person was told, is urgent and lasts, and of which no run that is on reminds by itself."""

    async def note(self, receipts: Sequence[Receipt]) -> None:
        """Add rows."""

    async def acknowledge(self, alert: str, who: str) -> None:
        """Somebody has seen it."""


def code_of(alert: str) -> str:
    """Eight letters and digits that a person can type instead of an alert's id."""
    return hashlib.sha256(alert.encode()).hexdigest()[:8]
