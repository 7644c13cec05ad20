"""A stage without fixed workouts: the ceiling of its week, how far a run may go, and what is allowed by now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from sensord.plan.days import WEEK_NS, later, local_date, midnight_ns
from sensord.plan.ladder import Stage, Volume
from sensord.plan.load_checks import Blocked, Found
from sensord.plan.mileage import History, Measure
from sensord.plan.model import Plan
from sensord.plan.stages import goals_m
from sensord.plan.standing import Check

RULE = "stage.weekly"


@dataclass(frozen=True, slots=True)
class Week:
    """This week of the stage: weeks are counted from the day on which it began. None: not known, and `why_not`."""

    number: int
    done: Measure
    ceiling_m: float | None
    until_ns: int
    why_not: str | None
    longest_m: float | None
    unlocked: tuple[str, ...]

    def check(self) -> Found:
        """Whether something is left of the week."""
        if self.ceiling_m is None or self.done.value is None:
            return Found(Check(RULE, "not_checked", None, self.ceiling_m, "m", self.why_not or ""))
        text = f"{self.done.value / 1000:.1f} of {self.ceiling_m / 1000:.1f} km in week {self.number} of the stage"
        if self.done.value < self.ceiling_m:
            return Found(Check(RULE, "within", self.done.value, self.ceiling_m, "m", text))
        check = Check(RULE, "over", self.done.value, self.ceiling_m, "m", text)
        return Found(check, Blocked(f"{text} ({RULE})", self.until_ns))


def week_of(plan: Plan, stage: Stage, history: History, since_ns: int, now_ns: int, tz: tzinfo) -> Week:
    """The week at a time.

    The ceiling of a week is what was run in the one before, no more than its own ceiling, raised by the growth of the
    plan; a week in which less was run does not lower it below that of the first. The first grows from `start`. None is
    above `until`.
    """
    volume = stage.weekly
    assert volume is not None
    first = local_date(since_ns, tz)
    number = (local_date(now_ns, tz) - first).days // 7
    begins = [midnight_ns(later(first, 7 * week), tz) for week in range(number + 2)]
    begins[0] = since_ns
    observed = history.sum_m(since_ns - WEEK_NS, since_ns)
    goals = goals_m(plan, observed.value)
    start_m, until_m = volume.start.in_m(goals), volume.until.in_m(goals)
    done = history.sum_m(begins[number], now_ns)
    weeks = [history.sum_m(begins[week], begins[week + 1]) for week in range(number)]
    ceiling_m, why = _ceiling(volume, start_m, until_m, weeks)
    if start_m is None:
        why = observed.why_not if volume.start.of == "observed" else f"{volume.start} is not in the plan"
    return Week(
        number=number + 1,
        done=done,
        ceiling_m=ceiling_m,
        until_ns=begins[number + 1],
        why_not=why or done.why_not,
        longest_m=None if volume.longest is None else volume.longest.in_m(goals),
        unlocked=_unlocked(stage, goals["pre_injury.weekly"], [observed, *weeks, done]),
    )


def _unlocked(stage: Stage, before_m: float | None, weeks: list[Measure]) -> tuple[str, ...]:
    """What is allowed from the share of the volume before the injury on that she has run in a week."""
    best_m = max((week.value for week in weeks if week.value is not None), default=0.0)
    if before_m is None:
        return ()
    return tuple(name for step in stage.unlock if best_m >= step.at_pct / 100.0 * before_m for name in step.allow)


def _ceiling(
    volume: Volume, start_m: float | None, until_m: float | None, weeks: list[Measure]
) -> tuple[float | None, str | None]:
    if not start_m:
        return None, "nothing was run in the 7 days before the stage"
    growth = 1.0 + max(volume.growth_pct) / 100.0
    most = float("inf") if until_m is None else max(until_m, start_m)
    first_m = ceiling_m = min(most, growth * start_m)
    for week in weeks:
        if week.value is None:
            return None, week.why_not
        ceiling_m = min(most, max(first_m, growth * min(week.value, ceiling_m)))
    return ceiling_m, None
