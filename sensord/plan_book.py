"""The book of a plan: what the store knows of a runner, read as where she stands; plan files taken in as revisions."""

from __future__ import annotations

import contextlib
import hashlib
from datetime import datetime
from zoneinfo import ZoneInfo

from tzlocal import get_localzone_name

from sensord.errors import InputError
from sensord.model import NS, Json, payload
from sensord.plan.facts import Fact, Key, Revision, union
from sensord.plan.following import day_of, follow
from sensord.plan.model import Plan
from sensord.plan.standing import Standing
from sensord.plan.state import plan_of
from sensord.store import Store
from sensord.store_facts import add_fact, facts

BY_FILE = "plan file"
"""Who changed a plan that the settings name and nobody approved by name."""


def zone_of(plan: Plan | None) -> ZoneInfo:
    """The runner's time zone: the plan's, else this computer's."""
    if plan is not None and plan.runner.timezone is not None:
        return ZoneInfo(plan.runner.timezone)
    return local_zone()


def local_zone() -> ZoneInfo:
    """This computer's time zone; UTC where it has no name."""
    return ZoneInfo(get_localzone_name() or "UTC")


def plan_on_file(store: Store, runner: str) -> Plan | None:
    """The plan that counts now: of the newest revision that this version can read; None without one."""
    return _newest_plan(facts(store, runner))


def counting(store: Store, runner: str, named: Plan | None, named_text: str | None) -> tuple[Plan | None, str | None]:
    """The plan that counts, and its text: `named`, of the settings, when it is new here, else that of the newest
    revision that can be read. A file that was a revision before and was followed by another does not come back."""
    known = facts(store, runner)
    newest = _newest_readable(known)
    if newest is None or is_new(known, named_text):
        return named, named_text
    return newest


def is_new(known: tuple[Fact, ...], text: str | None) -> bool:
    """Whether it is a plan text that has never been a revision."""
    return text is not None and all(fact.text != text for fact in union(known) if isinstance(fact, Revision))


def _newest_plan(known: tuple[Fact, ...]) -> Plan | None:
    newest = _newest_readable(known)
    return None if newest is None else newest[0]


def _newest_readable(known: tuple[Fact, ...]) -> tuple[Plan, str] | None:
    for fact in reversed(union(known)):
        if isinstance(fact, Revision):
            with contextlib.suppress(InputError):  # of a newer sensord: she is on hold, and goes by the one before
                return plan_of(fact.text), fact.text
    return None


def adopt(store: Store, runner: str, text: str, *, who: str, reason: str, at_wall_ns: int) -> None:
    """A plan text becomes the next revision."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    add_fact(store, runner, Revision(Key(store.gateway, 0), at_wall_ns, text, digest, who, reason))


def standing_of(store: Store, runner: str, plan: Plan | None, now_wall_ns: int) -> Standing | None:
    """Where she stands; None without a plan on file. Days are those of the time zone of the plan that counts; `plan`
    is the one that the settings name."""
    known = facts(store, runner)
    return follow(known, now_wall_ns, zone_of(_newest_plan(known) or plan))


def day_json(store: Store, runner: str, plan: Plan | None, now_wall_ns: int) -> Json | None:
    """What a run that begins now records of her plan (`RunSetup.day`); None without stages."""
    known = facts(store, runner)
    standing = follow(known, now_wall_ns, zone_of(_newest_plan(known) or plan))
    return None if standing is None else payload(day_of(standing, known, now_wall_ns))


def clock_text(wall_ns: int, zone: ZoneInfo) -> str:
    """A time for people: weekday, date, hour and minute in her time zone."""
    return datetime.fromtimestamp(wall_ns / NS, zone).strftime("%a %Y-%m-%d %H:%M")
