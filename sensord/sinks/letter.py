"""One message to one person, and what carries it: the face that mail, webhook and command share."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Protocol

from sensord.model import Json
from sensord.sinks.notices import Notice, cloud_event
from sensord.sinks.receipts import State

SUMMARY = "summary/"
"""A summary's key begins with this."""

REPLY_BYTES = 4096
"""Design choice: more than this of an answer is not looked at."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What goes out as one. `notices` are several in a summary only; `ages_s` as `notices`, None: nobody can tell."""

    notices: tuple[Notice, ...]
    ages_s: tuple[float | None, ...]
    wall_ns: int
    limits_by: str
    timezone: str | None = None
    summary: bool = False

    @property
    def key(self) -> str:
        """The same for the same notices: a message that goes twice can be told."""
        if not self.summary:
            return self.notices[0].name
        return SUMMARY + hashlib.sha256("\n".join(n.name for n in self.notices).encode()).hexdigest()[:24]

    def cloud_events(self, source: str) -> Json:
        """One CloudEvent, or for a summary a batch of them (CloudEvents JSON format 1.0, section 4)."""
        events = [cloud_event(notice, source, age) for notice, age in zip(self.notices, self.ages_s, strict=True)]
        return events if self.summary else events[0]


@dataclass(frozen=True, slots=True)
class Taken:
    """The other side has taken a letter. `seen_by`: it said at once who has seen it."""

    state: State
    detail: str
    seen_by: str | None = None


class Channel(Protocol):
    """What carries letters to one person."""

    async def deliver(self, letter: Letter) -> Taken:
        """Returns once the other side has taken it. `Away`: try again later; `Refused`: it never will."""

    async def check(self) -> str | None:
        """None when the way is open; else what is wrong. Tells nobody anything."""

    async def close(self) -> None:
        """Close connections."""


def seen_by(reply: bytes) -> str | None:
    """Who has seen it, when an answer says so: `{"acknowledged_by": "..."}`."""
    try:
        value = json.loads(reply[:REPLY_BYTES])
    except ValueError:
        return None
    who = value.get("acknowledged_by") if isinstance(value, dict) else None
    return who if isinstance(who, str) and 0 < len(who.strip()) <= 64 and who.isprintable() else None
