"""What a stage asks for on a day: its workout, what makes a run of it a success, and when it is through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import ceil

from sensord.plan.days import day_words, later, weekday
from sensord.plan.facts import RunFact
from sensord.plan.ladder import Advance, Session, Stage
from sensord.plan.model import Plan
from sensord.plan.quantity import DURATION_UNITS_S, LENGTH_UNITS_M
from sensord.plan.workout import parse_workout, render, words

ROUNDING = 1e-6
"""Of a step: amounts in miles are no round numbers of metres."""

GOAL_TOLERANCE = 0.995
"""What was run reaches an amount from half a percent below it on: what a foot pod's distance can be told to (design
choice)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a stage asks for on a day. `do` None: no fixed workout, or none today (`rest_day`).

    `time_s` and `distance_m`: what the run comes to where the stage says an amount; `others`: workouts that may be done
    instead.
    """

    do: str | None = None
    words: str | None = None
    repeats: int | None = None
    success_reps: int | None = None
    time_s: float | None = None
    distance_m: float | None = None
    rest_day: str | None = None  # why there is no run today
    others: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()


def advance_of(plan: Plan, stage: Stage) -> Advance:
    """What leads on from a stage: the plan's `advance`, and what the stage says otherwise. Workouts in turn are each
    done before it goes on."""
    own = {
        name: value for name in type(stage.advance).model_fields if (value := getattr(stage.advance, name)) is not None
    }
    advance = plan.advance.model_copy(update=own)
    turns = turns_of(stage)
    return advance.model_copy(update={"successes": max(advance.successes, turns)}) if turns > 1 else advance


def turns_of(stage: Stage) -> int:
    """How many workouts are done in turn; 1 where any of them will do."""
    if stage.kind == "cycle":
        return len(stage.session)
    return max((session.when_day or 0 for session in stage.session), default=0) or 1


def wanted(stage: Stage, successes: int, since: date, today: date) -> Wanted:
    """What it asks for today. `successes`: those in this stay in the stage, which began on `since`."""
    if stage.calendar is not None:
        return _of_calendar(stage, since, today)
    if stage.increment is not None:
        return _of_increment(stage, successes)
    if stage.weekly is not None:
        return Wanted(words=f"no fixed workout: the week grows, towards {stage.weekly.until}")
    sessions = _in_turn(stage, successes)
    open_today = [session for session in sessions if session.days is None or weekday(today) in session.days]
    if not open_today:
        days = sorted({day for session in sessions for day in session.days or ()}, key=_place)
        return Wanted(rest_day=f"stage {stage.id} is run on {', '.join(days)}")
    first, *others = open_today
    return Wanted(
        do=render(first.do),
        words=words(first.do),
        repeats=first.repeats,
        success_reps=first.success_reps,
        others=tuple(words(session.do) for session in others),
    )


def _place(day: str) -> int:
    return ("mon", "tue", "wed", "thu", "fri", "sat", "sun").index(day)


def _in_turn(stage: Stage, successes: int) -> list[Session]:
    if stage.kind == "cycle":
        return [stage.session[successes % len(stage.session)]]
    numbered = {session.when_day: session for session in stage.session if session.when_day is not None}
    if not numbered:
        return list(stage.session)
    next_one = min((number for number in numbered if number > successes), default=max(numbered))
    return [numbered[next_one]]


def _of_increment(stage: Stage, successes: int) -> Wanted:
    increment = stage.increment
    assert increment is not None
    value = increment.start.value + successes * increment.by.value
    if increment.until is not None:
        value = min(value, increment.until.value)
    if increment.pattern:
        value *= increment.pattern[successes % len(increment.pattern)]
    unit = _unit(increment.start.text or str(increment.start))
    return _run_of(value, unit, is_time=increment.start.is_time)


def _unit(text: str) -> str:
    return text.lstrip("0123456789. ")


def _run_of(value: float, unit: str, *, is_time: bool) -> Wanted:
    """One run of so many s or m, written in a unit of the plan."""
    size = (DURATION_UNITS_S if is_time else LENGTH_UNITS_M)[unit]
    workout = parse_workout(f"run {round(value / size, 3):.10g}{unit}")
    return Wanted(
        do=render(workout),
        words=words(workout),
        time_s=value if is_time else None,
        distance_m=None if is_time else value,
    )


def _of_calendar(stage: Stage, since: date, today: date) -> Wanted:
    calendar = stage.calendar
    assert calendar is not None
    days = [amount for week in calendar.days for amount in week]
    index = (today - since).days
    # beyond its end the last week is done again, until its last run was a success
    amount = days[index] if index < len(days) else days[index % 7 - 7]
    if not amount:
        return Wanted(rest_day=f"day {index + 1} of the calendar of stage {stage.id} is a day without a run")
    return _run_of(amount * _calendar_unit(calendar.unit), calendar.unit, is_time=calendar.unit == "min")


def _calendar_unit(unit: str) -> float:
    return DURATION_UNITS_S[unit] if unit == "min" else LENGTH_UNITS_M[unit]


def calendar_days(stage: Stage) -> int | None:
    """How many days its calendar has; None: it has none."""
    return None if stage.calendar is None else 7 * len(stage.calendar.days)


def missed_days(stage: Stage, since: date, today: date, run_on: set[date]) -> tuple[str, ...]:
    """Days of the calendar before today that asked for a run which nobody did."""
    assert stage.calendar is not None
    planned = [amount for week in stage.calendar.days for amount in week]
    unit = stage.calendar.unit
    return tuple(
        f"day {index + 1}, {day_words(later(since, index))}: {amount:g} {unit} not run"
        for index, amount in enumerate(planned)
        if amount and later(since, index) < today and later(since, index) not in run_on
    )


def needed(stage: Stage, advance: Advance) -> int:
    """How many successes lead on; 0: it does not go by successes."""
    if stage.calendar is not None or stage.weekly is not None:
        return 0
    if stage.increment is None:
        return advance.successes
    if stage.increment.until is None:
        return 0  # without an end only the therapist leads on
    # the run at the full amount counts, too: one success more than there are steps up to it
    steps = (stage.increment.until.value - stage.increment.start.value) / stage.increment.by.value
    return max(advance.successes, ceil(steps - ROUNDING) + 1)


def complete(stage: Stage, advance: Advance, asked: Wanted, run: RunFact) -> bool | None:
    """Whether enough of the workout was done; None: nobody can tell."""
    if stage.weekly is not None:
        return True  # any run is a run of a week without fixed workouts
    if asked.success_reps is not None:
        return None if run.reps_done is None else run.reps_done >= asked.success_reps
    if run.done_pct is not None:
        return run.done_pct >= advance.complete_pct
    share = advance.complete_pct / 100.0 * GOAL_TOLERANCE
    if asked.time_s is not None:
        return None if run.run_time_s is None else run.run_time_s >= share * asked.time_s
    if asked.distance_m is not None:
        ran_m = run.run_distance_m if run.run_distance_m is not None else run.distance_m
        return None if ran_m is None else ran_m >= share * asked.distance_m
    return None


def goals_m(plan: Plan, observed_m: float | None) -> Mapping[str, float | None]:
    """What a volume may be a share of."""
    before = plan.runner.pre_injury
    return {"observed": observed_m, "pre_injury.weekly": before.weekly, "pre_injury.longest": before.longest}
