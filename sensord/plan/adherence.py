"""How much of what the plan asks for was done: runs, exercises, answers. Counted, never judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from sensord.plan.days import NS_PER_MIN, later, local_date, midnight_ns, weekday
from sensord.plan.facts import CheckIn, Exercised, Fact, Moment, RunFact, union
from sensord.plan.follower import happened_ns, in_time
from sensord.plan.ladder import Stage
from sensord.plan.model import Plan
from sensord.plan.programme import Exercise
from sensord.plan.questions import questions
from sensord.plan.stages import advance_of

WEEKS = 4
"""How many weeks are looked back on (design choice: what a therapist sees between two visits)."""


@dataclass(frozen=True, slots=True)
class Share:
    """Done of what was asked for. `asked` None: the plan does not say how much; `pct` is None then, and for nothing."""

    done: int
    asked: int | None

    @property
    def pct(self) -> float | None:
        """In percent."""
        return None if not self.asked else 100.0 * self.done / self.asked


@dataclass(frozen=True, slots=True)
class WeekDone:
    """Seven local days; the last of them today in the newest week."""

    first: date
    last: date
    runs: Share
    run_minutes: float | None  # None: a run has no duration
    exercises: Share
    answers: Share


@dataclass(frozen=True, slots=True)
class Adherence:
    """By week, the newest last, and by exercise over all of them."""

    weeks: tuple[WeekDone, ...]
    exercises: dict[str, Share]


def adherence(
    plan: Plan, facts: Iterable[Fact], now_wall_ns: int, tz: tzinfo, *, stage: str | None = None, weeks: int = WEEKS
) -> Adherence:
    """Over the last weeks. `stage`: where she stands: exercises that begin with a later stage are not asked for yet."""
    known = [fact for fact in in_time(union(facts)) if happened_ns(fact) <= now_wall_ns]
    today = local_date(now_wall_ns, tz)
    prescribed = [exercise for exercise in plan.exercise if _begun(plan, exercise, stage)]
    spans = [(later(today, -7 * back - 6), later(today, -7 * back)) for back in reversed(range(weeks))]
    found = tuple(_week(plan, prescribed, known, first, last, tz) for first, last in spans)
    whole = _within(known, spans[0][0], today, tz)
    done = {exercise.id: _exercise(exercise, whole, spans[0][0], 7 * weeks) for exercise in prescribed}
    return Adherence(found, done)


def _begun(plan: Plan, exercise: Exercise, stage: str | None) -> bool:
    if exercise.from_stage is None:
        return True
    ids = [one.id for one in plan.stage]
    return stage in ids and ids.index(stage) >= ids.index(exercise.from_stage)


def _within(facts: Iterable[Fact], first: date, last: date, tz: tzinfo) -> list[Fact]:
    from_ns, to_ns = midnight_ns(first, tz), midnight_ns(later(last, 1), tz)
    return [fact for fact in facts if from_ns <= fact.at_wall_ns < to_ns]


def _week(
    plan: Plan, prescribed: Sequence[Exercise], known: Sequence[Fact], first: date, last: date, tz: tzinfo
) -> WeekDone:
    facts = _within(known, first, last, tz)
    runs = [fact for fact in facts if isinstance(fact, RunFact)]
    shares = [_exercise(exercise, facts, first, 7) for exercise in prescribed]
    minutes = [(run.end_wall_ns - run.at_wall_ns) / NS_PER_MIN for run in runs]
    return WeekDone(
        first=first,
        last=last,
        runs=Share(len(runs), plan.schedule.max_sessions_7d),
        run_minutes=None if 0.0 in minutes else sum(minutes),
        exercises=Share(sum(share.done for share in shares), sum(share.asked or 0 for share in shares)),
        answers=_answers(plan, runs, known),
    )


def _exercise(exercise: Exercise, facts: Iterable[Fact], first: date, days: int) -> Share:
    """How often it was logged, at most as often as it is prescribed on a day: more is not better."""
    asked = sum(weekday(later(first, ahead)) in exercise.days for ahead in range(days))
    done = sum(isinstance(fact, Exercised) and fact.what == exercise.id for fact in facts)
    return Share(min(done, asked), asked)


def _answers(plan: Plan, runs: Iterable[RunFact], known: Iterable[Fact]) -> Share:
    """Questions about runs that were answered, at whatever time."""
    told: dict[str, set[str]] = {}
    for fact in known:
        if isinstance(fact, CheckIn) and fact.run is not None:
            told.setdefault(fact.run, set()).update(fact.answers)
    stages = {stage.id: stage for stage in plan.stage}
    done = asked = 0
    for run in runs:
        names = _asked(plan, stages.get(run.stage or ""))
        asked += len(names)
        done += len(names & told.get(run.run, set()))
    return Share(done, asked)


def _asked(plan: Plan, stage: Stage | None) -> set[str]:
    advance = plan.advance if stage is None else advance_of(plan, stage)
    asked = questions(plan, advance).asked
    return {name for moment, names in asked.items() if moment is not Moment.DAILY for name in names}
