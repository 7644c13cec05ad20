"""Times on the command line: as she lives them, in the time zone of her plan."""

from __future__ import annotations

import contextlib
import time
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from sensord.errors import InputError, Problem
from sensord.model import NS

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sensord.config import Settings
    from sensord.plan.model import Plan

FIRST_YEAR, LAST_YEAR = 1990, 2100
"""Design choice: what lies outside is a slip of the pen, as in history files."""


def at_ns(text: str | None, zone: tzinfo, place: str = "--at") -> int:
    """A date or time as wall time, in ns; None is now. InputError, which names `place`: it is none."""
    if text is None:
        return time.time_ns()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or not text.isprintable():
        raise InputError(Problem("command line", place, repr(text[:40]), "a date or time, as 2026-11-20T18:30"))
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise InputError(Problem("command line", place, text, f"a year between {FIRST_YEAR} and {LAST_YEAR}"))
    return int((at if at.tzinfo is not None else at.replace(tzinfo=zone)).timestamp()) * NS


def past_ns(text: str | None, zone: tzinfo, place: str = "--at") -> int:
    """The same for what has happened. InputError: it lies ahead; it would count for nothing until its time
    has come, and then without anybody's knowing."""
    said_ns, now_ns = at_ns(text, zone, place), time.time_ns()
    if said_ns <= now_ns:
        return said_ns
    now = datetime.fromtimestamp(now_ns // NS, zone)
    raise InputError(Problem("command line", place, str(text), f"what has happened: here it is {now:%Y-%m-%dT%H:%M}"))


def zone_here(settings: Settings) -> ZoneInfo:
    """Her time zone: of the plan that counts, else this computer's."""
    from sensord.plan_book import zone_of

    return zone_of(plan_here(settings))


def plan_here(settings: Settings) -> Plan | None:
    """The plan that counts, else the plan that the settings name."""
    from sensord.datadir import DataDir
    from sensord.plan_book import plan_on_file
    from sensord.run_setup import plan_of, runner_of
    from sensord.store import Store

    named, _ = plan_of(settings)
    data = DataDir(settings.data_dir)
    if not data.store.exists():
        return named
    with contextlib.closing(Store.open(data.store, gateway="reader", readonly=True)) as store:
        return plan_on_file(store, runner_of(settings)) or named
