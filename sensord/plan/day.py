"""What a run records of her plan when it starts, so that a replay asks nobody."""

from __future__ import annotations

from collections.abc import Iterable

from sensord.errors import InputError
from sensord.plan.days import MONTH_NS, WEEK_NS
from sensord.plan.facts import Fact, Revision, union
from sensord.plan.follower import happened_ns
from sensord.plan.mileage import History
from sensord.plan.standing import Day, Standing
from sensord.plan.state import plan_of


def day_of(standing: Standing, facts: Iterable[Fact], now_wall_ns: int) -> Day:
    """The plan of today, and what the runs before this one come to. Where those are not all known, no sum is told."""
    known = [fact for fact in union(facts) if happened_ns(fact) <= now_wall_ns]
    history = History.of(known)
    week_ns, fortnight_ns = now_wall_ns - WEEK_NS, now_wall_ns - 2 * WEEK_NS
    month, week = history.longest_m(now_wall_ns - MONTH_NS, now_wall_ns), history.sum_m(week_ns, now_wall_ns)
    previous = history.sum_m(fortnight_ns, week_ns)
    unsure = {n: history.why_unsure(n) for n in (week_ns, fortnight_ns)}
    none_run = month.n == 0 and history.why_unsure(now_wall_ns - MONTH_NS) is None  # that is known, too: 0 m
    of_month = None if none_run else month.why_not
    incomplete = next((why for why in (week.why_not, previous.why_not, of_month) if why is not None), None)
    return Day(
        plan=standing.plan,
        revision=standing.revision,
        stage=standing.stage,
        workout=standing.today.workout,
        repeats=standing.today.repeats,
        success_reps=standing.today.success_reps,
        may_run=standing.today.may_run,
        why=standing.today.why,
        longest_30d_m=0.0 if none_run else month.value,
        distance_7d_m=week.value,
        previous_7d_m=previous.value,
        run_time_7d_s=_run_time_s(history, week_ns, now_wall_ns) if unsure[week_ns] is None else None,
        impact_load_7d=_load(history, week_ns, now_wall_ns) if unsure[week_ns] is None else {},
        impact_load_previous_7d=_load(history, fortnight_ns, week_ns) if unsure[fortnight_ns] is None else {},
        stage_reached=standing.stage is not None,
        stages=_stages(known),
        incomplete=incomplete,
    )


def _run_time_s(history: History, from_ns: int, to_ns: int) -> float | None:
    times = [run.run_time_s for run in history.between(from_ns, to_ns)]
    return None if None in times else sum(time for time in times if time is not None)


def _load(history: History, from_ns: int, to_ns: int) -> dict[str, float]:
    """By foot; a foot that one of the runs has no load of has no sum."""
    loads = [run.impact_load for run in history.between(from_ns, to_ns)]
    feet = set.intersection(*(set(load) for load in loads)) if loads else set()
    return {foot: sum(load[foot] for load in loads) for foot in sorted(feet)}


def _stages(facts: Iterable[Fact]) -> tuple[str, ...]:
    """The ladder of the newest plan that can be read."""
    found: tuple[str, ...] = ()
    for fact in facts:
        if isinstance(fact, Revision):
            try:
                found = tuple(stage.id for stage in plan_of(fact.text).stage)
            except InputError:
                continue
    return found
