"""Who is told what, and when: at once, later, or in one summary. Pure; times are wall time, ns since 1970 UTC."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sensord.model import NS, Level
from sensord.plan.model import Plan
from sensord.plan.programme import AlertLevel, Alerts
from sensord.sinks.notices import Key, Notice, Phase
from sensord.sinks.receipts import Lasting

LATE_MIN = 10.0
"""Design choice: what is older than this, in minutes, goes in a summary: an outage is told once, not alert by alert."""

SUMMARY_EVERY_MIN = 15.0
"""Design choice: no two summaries within this, so that runs which are imported one after another are told together."""

BUSY = 6
"""Design choice: after so many messages within `SUMMARY_EVERY_MIN` info and warn wait for the next summary."""

REMINDERS = 12
"""Design choice: no alert is said again more often. With the usual 10 min that is two hours."""

RANK = {level: rank for rank, level in enumerate(Level)}


class When(StrEnum):
    """What to do with a notice."""

    NOW = "now"
    HOLD = "hold"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the plan says about telling people, as it is now."""

    alerts: Alerts = field(default_factory=Alerts)
    limits_by: str = "no plan"  # who set the limits, for people
    timezone: str | None = None  # IANA name; None: this machine's

    def level(self, level: Level) -> AlertLevel | None:
        """What the plan says about a level."""
        found: AlertLevel | None = getattr(self.alerts, level.value, None)
        return found

    def tells(self, person: str, level: Level) -> bool:
        """Whether this person is told alerts of this level."""
        found = self.level(level)
        return found is not None and person in found.who

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody the plan names."""
        return tuple(
            dict.fromkeys(who for level in Level if (found := self.level(level)) is not None for who in found.who)
        )


def policy_of(plan: Plan | None) -> Policy:
    """What a plan says about telling people; no plan, nobody."""
    if plan is None:
        return Policy()
    by = ", ".join(source.who for source in plan.source)
    title = f'the plan "{plan.title}"' + (f" ({by})" if by else "")
    return Policy(plan.alerts, title, plan.runner.timezone)


def when(
    notice: Notice, age_s: float | None, policy: Policy, wall_ns: int, *, last_summary_ns: int | None, recent: int
) -> When:
    """At once, kept back, or in a summary that goes now.

    `age_s` None: nobody can tell; it counts as new. `recent` messages went within `SUMMARY_EVERY_MIN`.
    """
    summary = When.SUMMARY if summary_due(last_summary_ns, wall_ns) else When.HOLD
    if age_s is not None and age_s > LATE_MIN * 60:
        if notice.level is Level.URGENT:
            return When.SUMMARY
        return When.HOLD if quiet_for(notice, policy, wall_ns) else summary
    if quiet_for(notice, policy, wall_ns):
        return When.HOLD
    if recent >= BUSY and notice.level in (Level.INFO, Level.WARN):
        return When.HOLD
    return When.NOW


def summary_due(last_summary_ns: int | None, wall_ns: int) -> bool:
    """Whether a summary may go. A clock that was set back does not hold it up."""
    return last_summary_ns is None or not 0 <= wall_ns - last_summary_ns < SUMMARY_EVERY_MIN * 60 * NS


def releasable(held: Sequence[Notice], policy: Policy, wall_ns: int, last_summary_ns: int | None) -> list[Notice]:
    """What goes in a summary now, of what is kept back."""
    if not summary_due(last_summary_ns, wall_ns):
        return []
    return [notice for notice in held if not quiet_for(notice, policy, wall_ns)]


def reminder_due(lasting: Lasting, policy: Policy, person: str, wall_ns: int) -> bool:
    """Whether what lasts is to be said again."""
    found = policy.level(lasting.notice.level)
    if found is None or found.repeat is None or person not in found.who or lasting.reminders >= REMINDERS:
        return False
    if quiet_for(lasting.notice, policy, wall_ns):
        return False
    return wall_ns - lasting.last_wall_ns >= found.repeat * NS


def quiet_for(notice: Notice, policy: Policy, wall_ns: int) -> bool:
    """Quiet hours concern info, and nothing else."""
    return notice.level is Level.INFO and quiet_hours(policy, wall_ns)


def quiet_hours(policy: Policy, wall_ns: int) -> bool:
    """Whether it is within the plan's quiet hours: from the first time on, up to before the second."""
    if policy.alerts.quiet is None:
        return False
    begin, end = policy.alerts.quiet
    now = local_time(wall_ns, policy.timezone).strftime("%H:%M")
    return begin <= now < end if begin <= end else now >= begin or now < end


def local_time(wall_ns: int, timezone: str | None) -> dt.datetime:
    """A wall time where she is; in this machine's zone when none is given, or none of that name is known here."""
    moment = dt.datetime.fromtimestamp(wall_ns // NS, dt.UTC)
    return moment.astimezone(_zone(timezone) if timezone else None)


@cache
def _zone(name: str) -> dt.tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def loudest_of_breach(notices: Sequence[Notice]) -> dict[Key, Notice]:
    """Of levels of one limit that end together one recovery is told, the loudest level's; gives by key which."""
    loudest: dict[tuple[str | None, str, int | None], Notice] = {}
    ends = [notice for notice in notices if notice.phase is Phase.RECOVERY]
    for notice in ends:
        other = loudest.get(notice.breach)
        if other is None or RANK[notice.level] > RANK[other.level]:
            loudest[notice.breach] = notice
    return {notice.key: loudest[notice.breach] for notice in ends}


class Recent:
    """How many messages went lately."""

    def __init__(self) -> None:
        self._sent_ns: deque[int] = deque(maxlen=BUSY)

    def add(self, wall_ns: int) -> None:
        """One went."""
        self._sent_ns.append(wall_ns)

    def count(self, wall_ns: int) -> int:
        """Those within `SUMMARY_EVERY_MIN`, at most `BUSY`."""
        return sum(0 <= wall_ns - sent_ns < SUMMARY_EVERY_MIN * 60 * NS for sent_ns in self._sent_ns)
