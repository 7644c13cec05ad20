"""Days as she lives them: local dates, midnights and times of day, through changes of daylight saving time."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo

from sensord.model import NS

HOUR_NS = 3600 * NS
NS_PER_MIN = 60 * NS
DAY_NS = 24 * HOUR_NS
WEEK_NS = 7 * DAY_NS
MONTH_NS = 30 * DAY_NS
"""Rolling windows are whole hours of the clock that never jumps; only days and midnights are local."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def local_date(wall_ns: int, tz: tzinfo) -> date:
    """The day at a time."""
    return datetime.fromtimestamp(wall_ns // NS, tz).date()


def clock_ns(day: date, at: time, tz: tzinfo) -> int:
    """When it is `at` on that day. A time that is skipped in spring is the one an hour later."""
    return int(datetime.combine(day, at, tz).timestamp()) * NS


def midnight_ns(day: date, tz: tzinfo) -> int:
    """When that day begins."""
    return clock_ns(day, time(), tz)


def later(day: date, days: int) -> date:
    """So many days on."""
    return day + timedelta(days=days)


def weekday(day: date) -> str:
    """mon to sun, as in a plan."""
    return WEEKDAYS[day.weekday()]


def time_of(text: str) -> time:
    """A time of day from "07:00"."""
    return time.fromisoformat(text)


def stamp(wall_ns: int, tz: tzinfo) -> str:
    """For people: "Mon 2 Mar 18:00"."""
    when = datetime.fromtimestamp(wall_ns // NS, tz)
    return f"{when:%a} {when.day} {when:%b %H:%M}"


def day_words(day: date) -> str:
    """For people: "Mon 2 Mar"."""
    return f"{day:%a} {day.day} {day:%b}"


def span_words(seconds: float) -> str:
    """For people: "48 h", "90 min"; days only where they are whole and more than three."""
    hours = seconds / 3600
    if hours >= 96 and hours % 24 == 0:
        return f"{hours / 24:g} days"
    return f"{hours:.3g} h" if hours >= 2 else f"{seconds / 60:.3g} min"
