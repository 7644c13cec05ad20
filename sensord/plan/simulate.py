"""A dry run of a plan, day by day, over past or invented runs and answers: every decision with its rule."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, time, tzinfo
from zoneinfo import ZoneInfo

from sensord.plan.days import DAY_NS, clock_ns, later, local_date, midnight_ns, stamp
from sensord.plan.facts import (
    Approval,
    CheckIn,
    Exercised,
    Fact,
    HistoryKnown,
    Key,
    Moment,
    Revision,
    RunFact,
    Tested,
    Verdict,
    union,
)
from sensord.plan.fields import Answer
from sensord.plan.follower import Follower, happened_ns, in_time
from sensord.plan.following import due_today, standing_of
from sensord.plan.invented import WHO, Inventor, Script, hour_after_ns
from sensord.plan.model import Plan, read_plan
from sensord.plan.questions import Questions
from sensord.plan.readiness import ready
from sensord.plan.standing import Decision, Standing

GATEWAY = "simulation"

FIRST_DAY = date(2026, 1, 5)
"""Where nobody says when it begins: a Monday (design choice)."""

NOON = time(12)
"""A day without a run is looked at then (design choice)."""

KNOWN_DAYS = 60
"""An invented history says that nothing was run for so long before it begins: all windows of load are shorter."""


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day: where she stands when she runs, or at noon, and what was decided on that day."""

    day: int
    date: str
    stage: str | None
    may_run: bool | None
    from_time: str | None  # she may run later on that day
    why: tuple[str, ...]
    workout: str | None
    happened: tuple[str, ...]
    decisions: tuple[Decision, ...]
    successes: int
    hold: str | None

    def cells(self) -> list[str]:
        """For a table: day, stage, may run, workout, what happened, decided, rule."""
        may = {True: "yes", False: "no", None: "?"}[self.may_run]
        decided = [f"{d.outcome.value}" + (f" {d.to_stage}" if d.to_stage != d.stage else "") for d in self.decisions]
        rules = [", ".join(d.rules) for d in self.decisions]
        return [
            f"{self.day} {self.date}",
            self.stage or "",
            may if self.from_time is None else f"from {self.from_time}",
            self.workout or "",
            "; ".join(self.happened),
            "; ".join(decided),
            "; ".join(rules),
        ]


def simulate(
    plan_text: str,
    history: Iterable[Fact] = (),
    *,
    days: int = 84,
    begin: int | None = None,
    plan: Plan | None = None,
    script: Script | None = None,
    tz: tzinfo | None = None,
) -> list[DayRow]:
    """What the plan decides over so many days.

    `history`: runs, answers, tests and decisions, past or invented; revisions among them are passed over, for this plan
    is tried. Where it holds neither tests nor decisions, the checklist is taken as passed. `begin`: a time (ns) of the
    first day; without it that of the history. `plan`: of `plan_text`, where it has been read already. `script`: what is
    invented on the days behind the history; without a history that is a course without trouble, and without a script
    nothing. `tz`: without it the plan's own time zone, else UTC.
    Raises InputError for a plan that cannot be read.
    """
    plan = read_plan(plan_text, "plan") if plan is None else plan
    zone = tz if tz is not None else ZoneInfo(plan.runner.timezone) if plan.runner.timezone is not None else UTC
    past = [_without_plan(fact) for fact in in_time(union(history)) if not isinstance(fact, Revision)]
    first = _first_day(begin, past, zone)
    if script is None and not past:
        script = Script()
    return list(_Simulation(plan, plan_text, past, zone, script).rows(first, days))


def _without_plan(fact: Fact) -> Fact:
    """Runs as if they had been done by the plan that is tried."""
    return replace(fact, plan=None, revision=None, stage=None) if isinstance(fact, RunFact) else fact


def _first_day(begin: int | None, past: list[Fact], tz: tzinfo) -> date:
    if begin is not None:
        return local_date(begin, tz)
    happened = [fact for fact in past if not isinstance(fact, HistoryKnown)]
    return local_date(happened[0].at_wall_ns, tz) if happened else FIRST_DAY


class _Simulation:
    """Facts of the past and invented ones, pushed in the order of time."""

    def __init__(self, plan: Plan, text: str, past: list[Fact], tz: tzinfo, script: Script | None) -> None:
        self._plan, self._text, self._past, self._tz = plan, text, past, tz
        self._follower = Follower(tz)
        self._inventor = None if script is None else Inventor(script, tz)
        self._morning: tuple[str, dict[str, Answer]] | None = None  # what is left to be said about the last run
        self._held_since: date | None = None
        self._told = 0

    def rows(self, first: date, days: int) -> Iterator[DayRow]:
        """A row a day."""
        begin_ns = midnight_ns(first, self._tz)
        last_past = max((happened_ns(fact) for fact in self._past), default=begin_ns - 1)
        waiting = [fact for fact in self._past if happened_ns(fact) >= begin_ns]
        for fact in self._past:
            if happened_ns(fact) < begin_ns:
                self._follower.push(fact)
        digest = hashlib.sha256(self._text.encode()).hexdigest()
        if self._inventor is not None and not self._past:
            self._follower.push(HistoryKnown(Key(GATEWAY, 1), begin_ns - KNOWN_DAYS * DAY_NS, WHO))
        self._follower.push(Revision(Key(GATEWAY, 0), begin_ns, self._text, digest, GATEWAY, "tried"))
        self._begin(begin_ns)
        for number in range(1, days + 1):
            day = later(first, number - 1)
            end_ns = midnight_ns(later(day, 1), self._tz)
            today = []
            while waiting and happened_ns(waiting[0]) < end_ns:
                today.append(waiting.pop(0))
            invent = self._inventor is not None and end_ns > last_past and not today
            yield self._invented(day, number, end_ns) if invent else self._past_day(day, number, today, end_ns)

    def _past_day(self, day: date, number: int, today: list[Fact], end_ns: int) -> DayRow:
        """A day as it was: looked at when the first run began, else at noon."""
        runs = [fact.at_wall_ns for fact in today if isinstance(fact, RunFact)]
        look_ns = min(runs, default=clock_ns(day, NOON, self._tz))
        happened = [_words(fact) for fact in today]
        while today and happened_ns(today[0]) <= look_ns:
            self._follower.push(today.pop(0))
        standing = self._standing(look_ns)
        for fact in today:
            self._follower.push(fact)
        return self._row(day, number, standing, happened, end_ns)

    def _invented(self, day: date, number: int, end_ns: int) -> DayRow:
        """A day as it could be: answers in the morning, the therapist at nine, a run in the evening."""
        inventor = self._inventor
        assert inventor is not None
        happened = list(self._morning_of(inventor, day, number))
        self._therapist(inventor, day)
        noon = self._standing(clock_ns(day, NOON, self._tz))
        starts_ns = inventor.starts_ns(noon.today, day)
        standing = noon if starts_ns is None else self._standing(starts_ns)
        if starts_ns is None or standing.stage is None or standing.today.may_run is not True:
            return self._row(day, number, noon, happened, end_ns)
        happened += self._run(inventor, standing, starts_ns)
        return self._row(day, number, standing, happened, end_ns)

    def _run(self, inventor: Inventor, standing: Standing, starts_ns: int) -> list[str]:
        run = inventor.run(standing.today, starts_ns)
        answers = inventor.answers(self._plan, self._questions())
        asked = self._questions().when
        by_moment: dict[Moment, dict[str, Answer]] = {moment: {} for moment in Moment}
        for name, answer in answers.items():
            by_moment[asked.get(name, Moment.AFTER)][name] = answer
        if "effusion" in answers and "effusion_change" in self._questions().needed:
            by_moment[Moment.BEFORE]["effusion"] = "zero"  # what it is compared with
        after = by_moment[Moment.DURING] | by_moment[Moment.AFTER]
        told = [
            (Moment.BEFORE, starts_ns, by_moment[Moment.BEFORE]),
            (Moment.AFTER, run.end_wall_ns, after),
            (Moment.AFTER_60MIN, hour_after_ns(run.end_wall_ns), by_moment[Moment.AFTER_60MIN]),
        ]
        facts: list[Fact] = [run]
        facts += [inventor.check_in(moment, at_ns, run.run, said) for moment, at_ns, said in told if said]
        for fact in sorted(facts, key=happened_ns):
            self._follower.push(fact)
        self._morning = (run.run, by_moment[Moment.NEXT_MORNING])
        return [_words(fact) for fact in facts]

    def _morning_of(self, inventor: Inventor, day: date, number: int) -> Iterator[str]:
        at_ns = clock_ns(day, inventor.script.morning, self._tz)
        if self._morning is not None:
            run, answers = self._morning
            self._morning = None
            if answers:
                yield self._say(inventor.check_in(Moment.NEXT_MORNING, at_ns, run, answers))
        state = self._follower.state
        self._follower.tick(at_ns)
        items = ready(self._plan, state.tests, state.told, at_ns, self._tz)
        asked = [name for due in due_today(state, items, at_ns) for name in due.fields]
        daily: dict[str, Answer] = {"pain.daily": 0.0} if "pain.daily" in asked else {}
        daily |= {name: False for name in asked if name in ("night_pain", "rest_pain")}
        daily |= inventor.script.days.get(number, {})
        if daily:
            yield self._say(inventor.check_in(Moment.DAILY, at_ns, None, daily))

    def _say(self, fact: CheckIn) -> str:
        self._follower.push(fact)
        return _words(fact)

    def _therapist(self, inventor: Inventor, day: date) -> None:
        """What the therapist of the script does at nine."""
        at_ns = clock_ns(day, time(9), self._tz)
        state = self._follower.state
        self._follower.tick(at_ns)
        if state.hold is None:
            self._held_since = None
        elif self._held_since is None:
            self._held_since = day
        after = inventor.script.releases_after
        if self._held_since is not None:
            if after is not None and (day - self._held_since).days >= after:
                self._follower.push(inventor.decides(Verdict.RELEASE, at_ns))
        elif inventor.script.agrees and state.visit and state.proposed == state.visit:
            self._follower.push(inventor.decides(Verdict.ADVANCE, at_ns))

    def _begin(self, at_ns: int) -> None:
        """A history that says nothing about the checklist does not stop at it: it is taken as passed, and the placement
        test as the first line of its map."""
        if not self._plan.stage or any(isinstance(fact, Tested | Approval) for fact in self._past):
            return
        placement = self._plan.placement
        key, why = Key(GATEWAY, 2), "taken as ready"
        if placement is None:
            self._follower.push(Approval(key, at_ns, Verdict.READY, GATEWAY, why))
        else:
            self._follower.push(Approval(key, at_ns, Verdict.SET_STAGE, GATEWAY, why, placement.map[0].stage))

    def _questions(self) -> Questions:
        state = self._follower.state
        assert state.rung is not None  # she runs by a stage
        return state.rung.questions

    def _standing(self, at_ns: int) -> Standing:
        standing = standing_of(self._follower, at_ns)
        assert standing is not None  # the plan was pushed first
        return standing

    def _row(self, day: date, number: int, standing: Standing, happened: list[str], end_ns: int) -> DayRow:
        self._follower.tick(end_ns - 1)
        decisions = tuple(self._follower.state.decisions[self._told :])
        self._told += len(decisions)
        today = standing.today
        next_ns = today.next_run_wall_ns
        later_today = today.may_run is False and next_ns is not None and standing.at_wall_ns < next_ns < end_ns
        return DayRow(
            day=number,
            date=f"{day:%a} {day.isoformat()}",
            stage=standing.stage,
            may_run=today.may_run,
            from_time=stamp(next_ns, self._tz)[-5:] if later_today and next_ns is not None else None,
            why=today.why,
            workout=today.workout or today.workout_words,
            happened=tuple(happened),
            decisions=decisions,
            successes=self._follower.state.successes(),
            hold=self._follower.state.hold,
        )


def _words(fact: Fact) -> str:
    """What happened, for people."""
    if isinstance(fact, RunFact):
        minutes = (fact.end_wall_ns - fact.at_wall_ns) / (60 * 10**9)
        km = "" if fact.distance_m is None else f", {fact.distance_m / 1000:.1f} km"
        done = "" if fact.done_pct is None else f", {fact.done_pct:g} % done"
        return f"run {minutes:.0f} min{km}{done}"
    if isinstance(fact, CheckIn):
        return f"{fact.moment.value.replace('_', ' ')}: " + _told(fact.answers)
    if isinstance(fact, Exercised):
        return fact.what
    return fact.KIND.replace("_", " ")


def _told(answers: Mapping[str, Answer]) -> str:
    words = {True: "yes", False: "no"}
    return ", ".join(
        f"{name} {words[a] if isinstance(a, bool) else f'{a:g}' if isinstance(a, float) else a}"
        for name, a in answers.items()
    )
