"""Rules of schedule and load, today: within, over, undecided, or not checked and why.

What is on file can show that a rule is broken even where more may be missing; that it is kept can only be said when all
runs of its window are on file and had a clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, tzinfo

from sensord.model import NS
from sensord.plan.days import HOUR_NS, MONTH_NS, WEEK_NS, day_words, later, local_date, midnight_ns, span_words, stamp
from sensord.plan.limit_blocks import SessionSpikeLimit, WeekGrowthLimit
from sensord.plan.mileage import History, Measure
from sensord.plan.model import Plan
from sensord.plan.standing import Check
from sensord.plan.state import State
from sensord.plan.workout import parse_workout, total


@dataclass(frozen=True, slots=True)
class Blocked:
    """What forbids a run for now, in words, and until when (None: nobody can tell)."""

    why: str
    until_ns: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """A check, and what it forbids."""

    check: Check
    blocked: Blocked | None = None


def gap(state: State, needed: Iterable[tuple[int, float, str]], now_ns: int) -> Found:
    """Rest after runs. `needed`: end of a run, seconds of rest after it, the rule that asks for them."""
    asked = sorted(needed, key=lambda one: one[0] + one[1] * NS)
    end_ns, gap_s, rule = asked[-1]
    until_ns = end_ns + round(gap_s * NS)
    hours = (now_ns - state.runs[-1].end_wall_ns) / HOUR_NS
    since = stamp(end_ns, state.tz)
    if until_ns > now_ns:
        why = f"{span_words(gap_s)} of rest after the run that ended {since} ({rule})"
        check = Check(rule, "over", hours, gap_s / 3600, "h", why)
        return Found(check, Blocked(why, until_ns))
    unsure = state.history.why_unsure(now_ns - round(gap_s * NS))
    if unsure is not None:
        return Found(Check(rule, "not_checked", None, gap_s / 3600, "h", unsure))
    return Found(Check(rule, "within", hours, gap_s / 3600, "h", f"the last run ended {since}"))


def no_run_yet(rule: str, gap_s: float, history: History, now_ns: int) -> Found:
    """Rest after runs, when there is none on file."""
    unsure = history.why_unsure(now_ns - round(gap_s * NS))
    if unsure is not None:
        return Found(Check(rule, "not_checked", None, gap_s / 3600, "h", unsure))
    return Found(Check(rule, "within", None, gap_s / 3600, "h", "no run yet"))


def runs_7d(history: History, most: int, now_ns: int, tz: tzinfo) -> Found:
    """Runs in any 7 days: one more from now."""
    rule = "schedule.max_sessions_7d"
    runs = sorted(history.between(now_ns - WEEK_NS, now_ns), key=lambda run: run.at_wall_ns)
    n = len(runs)
    if n >= most:
        until_ns = runs[n - most].at_wall_ns + WEEK_NS + 1
        why = f"{n} of {most} runs in 7 days are done; the next from {stamp(until_ns, tz)} on ({rule})"
        return Found(Check(rule, "over", float(n), float(most), "", why), Blocked(why, until_ns))
    unsure = history.why_unsure(now_ns - WEEK_NS)
    if unsure is not None:
        return Found(Check(rule, "not_checked", None, float(most), "", unsure))
    return Found(Check(rule, "within", float(n), float(most), "", f"{n} of {most} runs in 7 days"))


def days_in_a_row(history: History, most: int, now_ns: int, tz: tzinfo) -> Found:
    """Days with a run, one after the other, today among them."""
    rule = "schedule.max_consecutive_days"
    today = local_date(now_ns, tz)
    first_ns = midnight_ns(later(today, -most), tz)
    ran = {local_date(run.at_wall_ns, tz) for run in history.between(first_ns, now_ns)}
    row = _row(ran, today)
    if row >= most:
        until_ns = midnight_ns(later(today, 1), tz)
        days = f"{most} days in a row" if most > 1 else "every other day"
        why = f"runs on {days} at most, and the last was on {day_words(later(today, -1))} ({rule})"
        return Found(Check(rule, "over", float(row), float(most), "days", why), Blocked(why, until_ns))
    unsure = history.why_unsure(first_ns)
    if unsure is not None:
        return Found(Check(rule, "not_checked", None, float(most), "days", unsure))
    return Found(Check(rule, "within", float(row), float(most), "days", f"days in a row before today: {row}"))


def _row(ran: set[date], today: date) -> int:
    count = 0
    while later(today, -1 - count) in ran:
        count += 1
    return count


def week_growth(limit: WeekGrowthLimit, history: History, now_ns: int) -> Found:
    """The last 7 days against the 7 before. Only `stop` and `urgent` forbid a run."""
    rule = "limit.week_growth"
    week = history.sum_m(now_ns - WEEK_NS, now_ns)
    previous = history.sum_m(now_ns - 2 * WEEK_NS, now_ns - WEEK_NS)
    unsure = week.why_not or previous.why_not
    base_m = max(previous.value or 0.0, limit.min_base or 0.0)
    levels = {level.value: pct / 100.0 * base_m for level, pct in limit.levels.items()}
    first_m = min(levels.values())
    if unsure is None and base_m == 0:
        unsure = "nothing was run in the week before"
    if unsure is not None or week.value is None:
        return Found(Check(rule, "not_checked", None, None, "m", unsure or ""))
    text = f"{week.value / 1000:.1f} of {first_m / 1000:.1f} km in 7 days; the week before {_km(previous)}"
    if limit.min_base is not None and (previous.value or 0.0) < limit.min_base:
        text += f", which counts as {limit.min_base / 1000:.1f} km"
    status = "over" if week.value >= first_m else "within"
    check = Check(rule, status, week.value, first_m, "m", text)
    forbids = min((at_m for level, at_m in levels.items() if level in ("stop", "urgent")), default=None)
    if forbids is None or week.value < forbids:
        return Found(check)
    return Found(check, Blocked(f"{text} ({rule})", None))


def _km(measure: Measure) -> str:
    return "not known" if measure.value is None else f"{measure.value / 1000:.1f} km"


def longest(limit: SessionSpikeLimit, history: History, workout: str | None, repeats: int | None, now_ns: int) -> Found:
    """How far today's run may go, against the longest of 30 days. Before it has begun only a workout in metres says."""
    rule = "limit.session_spike"
    found = history.longest_m(now_ns - MONTH_NS, now_ns)
    base_m = max(found.value or 0.0, limit.min_base or 0.0)
    if found.value is None and not (limit.min_base and found.why_not == NO_RUN):
        return Found(Check(rule, "not_checked", None, None, "m", found.why_not or ""))
    first_m = min(limit.levels.values()) / 100.0 * base_m
    text = f"up to {first_m / 1000:.2f} km today; the longest run of 30 days was {base_m / 1000:.2f} km"
    planned_m = _planned_m(workout, repeats)
    if planned_m is None:
        return Found(Check(rule, "undecided", None, first_m, "m", text))
    status = "over" if planned_m >= first_m else "within"
    text += f"; the workout has {planned_m / 1000:.2f} km"
    return Found(Check(rule, status, planned_m, first_m, "m", text))


NO_RUN = "no run in that time"


def _planned_m(workout: str | None, repeats: int | None) -> float | None:
    """What a workout adds up to, where it is all in metres."""
    if workout is None:
        return None
    whole = total(parse_workout(workout), repeats=repeats, most=True)
    return whole.distance_m if whole.time_s == 0 and not whole.open else None


def stage_steps(plan: Plan, state: State, now_ns: int) -> Found | None:
    """Stages climbed in 7 days. It never forbids a run."""
    most = plan.schedule.max_stage_steps_7d
    if most is None:
        return None
    n = len(state.steps_7d(now_ns, WEEK_NS))
    status = "over" if n > most else "within"
    text = f"{n} of {most} stages climbed in 7 days"
    return Found(Check("schedule.max_stage_steps_7d", status, float(n), float(most), "", text))
