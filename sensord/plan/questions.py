"""What a plan asks, when, and which answers a decision about a run waits for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import time, tzinfo

from sensord.plan.days import HOUR_NS, clock_ns, later, local_date, midnight_ns, time_of
from sensord.plan.facts import Moment
from sensord.plan.fields import field_of
from sensord.plan.ladder import Advance
from sensord.plan.model import Plan
from sensord.plan.when import Condition

MORNING = time(7)
"""When a morning or a day is asked about, where the plan does not say: as in clinical-rules 7.2, "07:00"."""

_MOMENTS: Mapping[str, Moment] = {
    "pain.before": Moment.BEFORE,
    "pain.after_60min": Moment.AFTER_60MIN,
    "pain.next_morning": Moment.NEXT_MORNING,
    "soreness.next_day": Moment.NEXT_MORNING,
    "stiffness": Moment.NEXT_MORNING,
    "stiffness.morning_min": Moment.NEXT_MORNING,
    "night_pain": Moment.NEXT_MORNING,
    "pain.daily": Moment.DAILY,
    "rest_pain": Moment.DAILY,
    "exercises_done": Moment.DAILY,
}
"""When a field is asked where no [[ask]] of the plan names it; what is not here is asked after the run."""

_MADE_OF: Mapping[str, tuple[str, ...]] = {
    "pain.during_change": ("pain.during", "pain.before"),
    "pain.after_60min_change": ("pain.after_60min", "pain.before"),
    "pain.next_morning_change": ("pain.next_morning", "pain.before"),
    "effusion_change": ("effusion",),
    "pain.week_trend": (),
}
"""What is worked out of which answers."""


def moment_of(name: str) -> Moment:
    """When a field is asked, where the plan does not say."""
    return _MOMENTS.get(name, Moment.AFTER)


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked at which moment, and what it is needed for.

    `needed`: what conditions compare, with the answers it is worked out of; without these no run of the stage is a
    success. `awaited`: the same for what can decide about a run at all, so that a decision waits for it. `when`: the
    moment of each answer. `at`: the time of day, for mornings and days.
    """

    asked: Mapping[Moment, tuple[str, ...]]
    when: Mapping[str, Moment]
    needed: Mapping[str, tuple[str, ...]]
    awaited: Mapping[str, tuple[str, ...]]
    at: Mapping[Moment, time]

    def since_ns(self, moment: Moment, end_wall_ns: int, tz: tzinfo) -> int:
        """From when on it is asked about a run that ended then."""
        if moment is Moment.AFTER_60MIN:
            return end_wall_ns + HOUR_NS
        if moment in (Moment.NEXT_MORNING, Moment.DAILY):
            return clock_ns(later(local_date(end_wall_ns, tz), 1), self.at[moment], tz)
        return end_wall_ns


def over_ns(end_wall_ns: int, tz: tzinfo) -> int:
    """When the time to answer about a run is over: the day after it has ended (design choice: a whole day for the
    question of the next morning). A later answer still counts, from when it comes."""
    return midnight_ns(later(local_date(end_wall_ns, tz), 2), tz)


def questions(plan: Plan, advance: Advance) -> Questions:
    """What the plan asks of a run whose success is judged by `advance`.

    What the conditions of `advance` rest on is needed, and so is what rules rest on where an [[ask]] of the plan asks
    for it: a question that was put and not answered never advances. Rules about what nobody is asked do not block.
    """
    explicit: dict[str, Moment] = {}
    asked: dict[Moment, dict[str, None]] = {moment: {} for moment in Moment}
    at = dict.fromkeys(Moment, MORNING)
    for ask in plan.ask:
        moment = Moment(ask.when)
        if ask.at is not None:
            at[moment] = time_of(ask.at)
        for name in ask.fields:
            explicit.setdefault(name, moment)
            asked[moment][name] = None
    of_advance = _asked_for(advance.when)
    of_rules = _asked_for(
        [*(c for rule in plan.rule for c in rule.when), *(c for recovery in plan.recovery for c in recovery.when)]
    )
    names = [name for part in (of_advance, of_rules) for made_of in part.values() for name in made_of]
    when = {name: explicit.get(name, moment_of(name)) for name in names}
    for name, moment in when.items():
        asked[moment][name] = None
    needed = of_advance | {
        field: made_of
        for field, made_of in of_rules.items()
        if all(explicit.get(name, Moment.DAILY) is not Moment.DAILY for name in made_of)
    }
    awaited = needed | {
        field: made_of for field, made_of in of_rules.items() if all(when[name] is not Moment.DAILY for name in made_of)
    }
    return Questions(
        asked={moment: tuple(names) for moment, names in asked.items() if names},
        when=when,
        needed=needed,
        awaited=awaited,
        at=at,
    )


def _asked_for(conditions: Iterable[Condition]) -> dict[str, tuple[str, ...]]:
    """What conditions compare that people answer, with the answers it is worked out of. Measurements are not asked."""
    found: dict[str, tuple[str, ...]] = {}
    for condition in conditions:
        field = field_of(condition.field)
        made_of = _MADE_OF.get(condition.field)
        if made_of:
            found[condition.field] = made_of
        elif field is not None and field.asked:
            found[condition.field] = (condition.field,)
    return found
