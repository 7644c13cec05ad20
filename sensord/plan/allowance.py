"""What is allowed at a time, and why: hold, rests and schedule first, then the stage's workout; load rules are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from sensord.plan import load_checks
from sensord.plan.days import DAY_NS, WEEK_NS, later, local_date, midnight_ns, stamp
from sensord.plan.judging import known_pending
from sensord.plan.load_checks import Blocked, Found
from sensord.plan.model import Plan
from sensord.plan.rules import min_gap_s
from sensord.plan.stage_today import StageToday
from sensord.plan.stages import Wanted, missed_days, wanted
from sensord.plan.standing import Allowance, Check, Day
from sensord.plan.state import State
from sensord.plan.volume import Week, week_of

LOOK_AHEAD_DAYS = 60
"""How far behind the last rest a day with a workout is looked for (design choice: months of rest in a calendar are no
calendar of running)."""

RECOVERY_NS = 14 * DAY_NS
"""Runs whose recovery class can still ask for rest (design choice: longer than any published gap)."""


@dataclass(frozen=True, slots=True)
class Today:
    """What was found out on the way."""

    wanted: Wanted
    week: Week | None
    found: tuple[Found, ...]
    blocked: tuple[Blocked, ...]


def allowance(state: State, ready: Mapping[str, str], now_ns: int) -> Allowance:
    """What is allowed now."""
    plan = state.plan
    assert plan is not None
    today = _today(state, plan, now_ns)
    standing = _why_standing_still(state, plan, ready)
    why = [*standing, *(blocked.why for blocked in today.blocked)]
    may_run: bool | None = not why
    pending = _unanswered(state, now_ns)
    if may_run and pending:
        may_run, why = None, [f"answers about the last run are missing: {', '.join(pending)}"]
    notes = [*today.wanted.missed, *([f"or instead: {words}" for words in today.wanted.others])]
    if may_run and plan.schedule.hint is not None:
        notes.append(plan.schedule.hint)
    surfaces, not_allowed = _surfaces(state, plan, today.week)
    next_ns = None if standing else _next_run_ns(state, today, now_ns)
    return Allowance(
        may_run=may_run,
        why=(*why, *(notes or ([] if why else [_go(state, plan)]))),
        next_run_wall_ns=next_ns,
        workout=today.wanted.do,
        workout_words=today.wanted.words if state.stage is not None else None,
        repeats=today.wanted.repeats,
        success_reps=today.wanted.success_reps,
        left=_left(state, plan, today, now_ns),
        checks=tuple(found.check for found in today.found),
        surfaces=surfaces,
        not_allowed=not_allowed,
    )


def _go(state: State, plan: Plan) -> str:
    if not plan.stage:
        return "the plan has no stages: only its limits count"
    return f"stage {state.stage_id}: nothing of the plan is in the way"


def _why_standing_still(state: State, plan: Plan, ready: Mapping[str, str]) -> list[str]:
    """What no schedule can end."""
    why: list[str] = []
    if state.hold is not None:
        why.append(f"on hold until the therapist decides: {state.hold}")
    if state.clear is not None:
        why.append(f"no run until pain is 0 in daily life (rule {state.clear[0]})")
    if plan.stage and state.stage is None:
        missing = [f"{item} {status}" for item, status in ready.items() if status != "passed"]
        why.append("not ready for the first stage yet" + (f": {', '.join(missing)}" if missing else ""))
    return why


def _unanswered(state: State, now_ns: int) -> tuple[str, ...]:
    """Answers about the last run that decide and have not come, while their time is not over."""
    if state.last is None or state.last.over or state.stage is None:
        return ()
    return known_pending(state, state.last, now_ns)


def _today(state: State, plan: Plan, now_ns: int) -> Today:
    asked, week = Wanted(), None
    day, rung = local_date(now_ns, state.tz), state.rung
    if rung is not None:
        asked = _wanted_on(state, day)
        if rung.stage.weekly is not None:
            week = week_of(plan, rung.stage, state.history, state.since_ns, now_ns, state.tz)
    found = _checks(state, plan, asked, week, now_ns)
    blocked = [one.blocked for one in found if one.blocked is not None]
    if state.rest_until_ns is not None and state.rest_until_ns > now_ns:
        blocked.append(Blocked(f"days of rest until {stamp(state.rest_until_ns, state.tz)}", state.rest_until_ns))
    if asked.rest_day is not None:
        blocked.append(Blocked(asked.rest_day, midnight_ns(later(day, 1), state.tz)))
    return Today(asked, week, tuple(found), tuple(blocked))


def _wanted_on(state: State, day: date) -> Wanted:
    rung = state.rung
    if rung is None:
        return Wanted()
    since = local_date(state.since_ns, state.tz)
    asked = wanted(rung.stage, state.successes(), since, day)
    if rung.stage.calendar is None:
        return asked
    ran = {
        local_date(run.at_wall_ns, state.tz)
        for run in state.history.between(state.since_ns, midnight_ns(day, state.tz))
    }
    return replace(asked, missed=missed_days(rung.stage, since, day, ran))


def _checks(state: State, plan: Plan, asked: Wanted, week: Week | None, now_ns: int) -> list[Found]:
    schedule, limit, history = plan.schedule, plan.limit, state.history
    found: list[Found | None] = [_gap(state, plan, now_ns)]
    if schedule.max_sessions_7d is not None:
        found.append(load_checks.runs_7d(history, schedule.max_sessions_7d, now_ns, state.tz))
    if schedule.max_consecutive_days is not None:
        found.append(load_checks.days_in_a_row(history, schedule.max_consecutive_days, now_ns, state.tz))
    found.append(load_checks.stage_steps(plan, state, now_ns))
    today = StageToday(plan, _as_day(state, plan, asked))
    if limit.week_growth is not None:
        check = load_checks.week_growth
        growth = limit.week_growth
        found.append(_from(today, "limit.week_growth", growth.from_stage, lambda: check(growth, history, now_ns)))
    if limit.session_spike is not None:
        spike = limit.session_spike
        found.append(
            _from(
                today,
                "limit.session_spike",
                spike.from_stage,
                lambda: load_checks.longest(spike, history, asked.do, asked.repeats, now_ns),
            )
        )
    if week is not None:
        found.append(week.check())
    return [one for one in found if one is not None]


def _from(today: StageToday, rule: str, from_stage: str | None, check: Callable[[], Found]) -> Found:
    """Limits in percent of what was before count from a stage on, or from continuous running on."""
    why = today.no_ratio(from_stage)
    return check() if why is None else Found(Check(rule, "not_checked", None, None, "m", why))


def _as_day(state: State, plan: Plan, asked: Wanted) -> Day:
    return Day(
        plan=plan.id,
        revision=state.revision,
        stage=state.stage_id,
        workout=asked.do,
        repeats=asked.repeats,
        stages=tuple(stage.id for stage in plan.stage),
    )


def _gap(state: State, plan: Plan, now_ns: int) -> Found | None:
    """Rest after runs: of the schedule, and of what the last runs were like."""
    needed: list[tuple[int, float, str]] = []
    by_schedule = plan.schedule.min_gap
    for run in state.history.between(now_ns - RECOVERY_NS, now_ns + 1):
        case = state.cases[run.run]
        if by_schedule is not None:
            needed.append((run.end_wall_ns, by_schedule, "schedule.min_gap"))
        by_class = min_gap_s(plan.recovery, state.known(case, now_ns), over=case.over) if plan.recovery else None
        if by_class is not None:
            needed.append((run.end_wall_ns, by_class[0], f"recovery {by_class[1]}"))
    if needed:
        return load_checks.gap(state, needed, now_ns)
    return (
        None if by_schedule is None else load_checks.no_run_yet("schedule.min_gap", by_schedule, state.history, now_ns)
    )


def _next_run_ns(state: State, today: Today, now_ns: int) -> int | None:
    """The first time at which nothing of the schedule is in the way, as far as is known now."""
    ends = [blocked.until_ns for blocked in today.blocked]
    if None in ends:
        return None
    at_ns = max((end for end in ends if end is not None), default=now_ns)
    day = local_date(at_ns, state.tz)
    for ahead in range(LOOK_AHEAD_DAYS):
        if _wanted_on(state, later(day, ahead)).rest_day is None:
            return at_ns if ahead == 0 else midnight_ns(later(day, ahead), state.tz)
    return None


def _left(state: State, plan: Plan, today: Today, now_ns: int) -> dict[str, float]:
    """What is left of what the plan limits."""
    left: dict[str, float] = {}
    schedule = plan.schedule
    if schedule.max_sessions_7d is not None:
        done = len(state.history.between(now_ns - WEEK_NS, now_ns))
        left["runs_7d"] = float(max(0, schedule.max_sessions_7d - done))
    if schedule.max_stage_steps_7d is not None:
        left["stage_steps_7d"] = float(max(0, schedule.max_stage_steps_7d - len(state.steps_7d(now_ns, WEEK_NS))))
    for found in today.found:
        check = found.check
        if check.limit is None or check.unit != "m" or check.status == "not_checked":
            continue
        if check.rule in ("limit.week_growth", "stage.weekly"):
            rest_m = max(0.0, check.limit - (check.value or 0.0))
            left["distance_7d_m"] = min(rest_m, left.get("distance_7d_m", rest_m))
        else:
            left["distance_m"] = check.limit
    if today.week is not None and today.week.longest_m is not None:
        left["distance_m"] = min(today.week.longest_m, left.get("distance_m", today.week.longest_m))
    return left


def _surfaces(state: State, plan: Plan, week: Week | None) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """Where she may run, and what not yet."""
    rung, schedule = state.rung, plan.schedule
    where = schedule.surface if rung is None or rung.stage.surface is None else rung.stage.surface
    allowed = set() if rung is None else set(rung.stage.allow)
    if state.stage is not None:  # what a stage has allowed, higher ones do not take back
        allowed |= {name for lower in state.rungs[: state.stage] for name in lower.stage.allow}
    unlocked = week.unlocked if week is not None else ()
    surfaces = None if where is None else tuple(where) + tuple(name for name in unlocked if name not in where)
    return surfaces, tuple(name for name in schedule.no if name not in allowed and name not in unlocked)
