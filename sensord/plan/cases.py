"""What is known of one run, or of a day that is about no run: answers, measurements, what is worked out of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from statistics import fmean

from sensord.plan.days import later
from sensord.plan.facts import CheckIn, Moment, RunFact
from sensord.plan.fields import ALIASES, FIELDS, Answer, field_of
from sensord.plan.questions import Questions
from sensord.plan.standing import Decision

WEEK_DAYS_TOLD = 3
"""Days of a week that must have an answer before a trend of pain is worked out (design choice)."""

EFFUSION = FIELDS["effusion"].scale


@dataclass(slots=True, eq=False)
class Case:
    """A run, or a day. `at_ns`: when the run began, or when the day was first told of."""

    name: str
    at_ns: int
    run: RunFact | None = None
    about_run: bool = True
    answers: dict[str, Answer] = field(default_factory=dict)
    told: dict[Moment, dict[str, Answer]] = field(default_factory=dict)
    measured: dict[str, Answer] = field(default_factory=dict)
    over: bool = False  # the time to answer has passed
    stage: int | None = None  # place in the ladder, when it was done
    visit: int = 0  # which stay in a stage it counts for; 0: none
    success: bool | None = None
    complete: bool | None = None
    fired: set[str] = field(default_factory=set)
    step: int = 0  # stages that it has cost already
    decision: Decision | None = None

    def tell(self, check_in: CheckIn) -> None:
        """Take answers in: of a later one to the same question the later counts."""
        told = self.told.setdefault(check_in.moment, {})
        for name, answer in check_in.answers.items():
            known = field_of(name)
            if known is not None and known.allows(answer):
                value = float(answer) if known.kind is float else answer
                told[ALIASES.get(name, name)] = self.answers[ALIASES.get(name, name)] = value

    def take_over(self, day: Case, check_in: CheckIn) -> None:
        """Answers of before this run, which stood with the day, with what they have led to. What was said of the run
        itself since then counts."""
        for name, answer in day.told[check_in.moment].items():
            self.told.setdefault(check_in.moment, {}).setdefault(name, answer)
            self.answers.setdefault(name, answer)
            if not any(name in told for moment, told in day.told.items() if moment is not check_in.moment):
                day.answers.pop(name, None)
        day.told[check_in.moment] = {}
        self.fired |= day.fired
        self.step = min(self.step, day.step)

    def pending(self, questions: Questions, known: Mapping[str, Answer]) -> tuple[str, ...]:
        """The answers that a decision waits for. What only a rule wants is not waited for once the questions of its
        moment have been answered without it."""
        if self.over:
            return ()
        needed = _missing(questions.needed, known)
        told = {*self.told, *(questions.when.get(name) for name in self.answers)}
        return tuple(
            sorted(
                name
                for name in _missing(questions.awaited, known)
                if name in needed or questions.when[name] not in told
            )
        )

    def unanswered(self, questions: Questions, known: Mapping[str, Answer]) -> tuple[str, ...]:
        """What was needed and did not come."""
        return tuple(sorted(_missing(questions.needed, known)))


def _missing(wanted: Mapping[str, tuple[str, ...]], known: Mapping[str, Answer]) -> set[str]:
    """The answers that would be needed to know it all."""
    return {name for field, made_of in wanted.items() if field not in known for name in made_of if name not in known}


@dataclass(slots=True)
class Told:
    """What answers have come to over time, of runs and days alike."""

    pain: dict[date, float] = field(default_factory=dict)  # the worst of each day
    daily: dict[date, float] = field(default_factory=dict)  # in daily life, the worst of each day
    said: dict[date, dict[str, Answer]] = field(default_factory=dict)  # about the day, by field
    effusion: list[tuple[int, str, str]] = field(default_factory=list)  # when, by which case, which grade

    def take(self, check_in: CheckIn, day: date, case: Case) -> None:
        """Remember an answer. `day`: the local date."""
        pains = [a for n, a in check_in.answers.items() if n.startswith("pain.") and isinstance(a, float | int)]
        if pains:
            self.pain[day] = max(self.pain.get(day, 0.0), *map(float, pains))
        daily = check_in.answers.get("pain.daily")
        if isinstance(daily, float | int):
            self.daily[day] = max(self.daily.get(day, 0.0), float(daily))
        if check_in.run is None:
            self.said.setdefault(day, {}).update(case.answers)
        grade = check_in.answers.get("effusion")
        if grade in EFFUSION:
            self.effusion.append((check_in.at_wall_ns, case.name, str(grade)))

    def week_trend(self, day: date) -> float | None:
        """Points of pain more than the week before; None: too few days told."""
        weeks = [
            [self.pain[d] for d in (later(day, -back) for back in range(first, first + 7)) if d in self.pain]
            for first in (0, 7)
        ]
        if min(map(len, weeks)) < WEEK_DAYS_TOLD:
            return None
        return fmean(weeks[0]) - fmean(weeks[1])

    def pain_free_days(self, day: date) -> int:
        """Days in a row, up to this one or the day before, on which she said pain 0 and nothing else."""
        count = 0
        if day not in self.daily:
            if self.pain.get(day, 0.0) > 0:
                return 0
            day = later(day, -1)
        while day in self.daily and self.pain.get(day, 0.0) == 0:
            count, day = count + 1, later(day, -1)
        return count

    def effusion_before(self, case: Case) -> str | None:
        """The grade of the last time: of this run's start where it was told later again, else of earlier ones."""
        first = case.told.get(Moment.BEFORE, {}).get("effusion")
        again = any("effusion" in told for moment, told in case.told.items() if moment is not Moment.BEFORE)
        if first is not None and again:
            return str(first)
        return next((g for at, name, g in reversed(self.effusion) if name != case.name and at <= case.at_ns), None)


def known_of(case: Case, told: Told, day: date, *, trend: bool) -> dict[str, Answer]:
    """All that is known of it itself. `day`: the date it is asked on; `trend`: the plan wants that of pain, too."""
    known = case.measured | case.answers
    before = known.get("pain.before")
    for name in ("pain.during", "pain.after_60min", "pain.next_morning"):
        pain = known.get(name)
        if isinstance(before, float) and isinstance(pain, float):
            known.setdefault(f"{name}_change", pain - before)
    now = known.get("effusion")
    last = told.effusion_before(case) if isinstance(now, str) else None
    if isinstance(now, str) and last is not None:
        known.setdefault("effusion_change", float(EFFUSION.index(now) - EFFUSION.index(last)))
    more = told.week_trend(day) if trend else None
    if more is not None:
        known.setdefault("pain.week_trend", more)
    return known


def of_the_day_after(case: Case, told: Told, run_day: date, questions: Questions) -> dict[str, Answer]:
    """What a run's success rests on and is asked of a day: the answers of the day after the run. Rules leave it alone,
    they look at days by themselves."""
    said = told.said.get(later(run_day, 1), {}) if case.about_run else {}
    return {
        name: answer
        for name, answer in said.items()
        if questions.when.get(name) is Moment.DAILY and any(name in made_of for made_of in questions.needed.values())
    }
