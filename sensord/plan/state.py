"""Where she stands while facts are gone through in the order of time: `follower` moves it, `judging` decides on it."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import date, tzinfo
from functools import lru_cache

from sensord.plan.cases import Case, Told, known_of
from sensord.plan.days import later, local_date, midnight_ns
from sensord.plan.facts import CheckIn, RunFact
from sensord.plan.fields import Answer
from sensord.plan.ladder import Advance, Stage
from sensord.plan.mileage import History
from sensord.plan.model import Plan, read_plan
from sensord.plan.questions import Questions, questions
from sensord.plan.readiness import Tests
from sensord.plan.stages import advance_of, calendar_days
from sensord.plan.standing import Decision, Outcome


@lru_cache(maxsize=64)
def plan_of(text: str) -> Plan:
    """The plan of a revision. Raises InputError. A text is read once, however often it is followed."""
    return read_plan(text, "revision")


@dataclass(frozen=True, slots=True)
class Rung:
    """A stage with all that judging a run of it needs."""

    stage: Stage
    advance: Advance
    questions: Questions


@dataclass(frozen=True, slots=True, order=True)
class Timer:
    """Something that happens by time alone: `case`: the time to answer is over; `raise`: a stay in a stage may be long
    enough now; `ready`: an item of the checklist passes by its date."""

    at_ns: int
    number: int
    kind: str
    name: str = ""


@dataclass(slots=True)
class State:
    """All that is remembered. `visit`: number of the present stay in a stage; 0: none that counts."""

    tz: tzinfo
    plan: Plan | None = None
    sha256: str = ""
    revision: int = 0
    rungs: tuple[Rung, ...] = ()
    no_stage: Questions | None = None  # what is asked of runs before the ladder is begun
    trend: bool = False  # the plan looks at how pain goes from week to week
    declared_ready: bool = False
    stage: int | None = None
    since_ns: int = 0
    visit: int = 0
    visits: int = 0
    proposed: int = 0  # the stay whose end was proposed to the therapist
    released_ns: int = 0
    hold: str | None = None
    rest_until_ns: int | None = None
    clear: tuple[str, date] | None = None  # rest until pain 0: by which rules, since which day
    cases: dict[str, Case] = field(default_factory=dict)
    of_visit: list[Case] = field(default_factory=list)
    open: list[Case] = field(default_factory=list)
    last: Case | None = None
    ahead: list[CheckIn] = field(default_factory=list)  # said before a run that has not been yet
    true_at: dict[str, dict[str, int]] = field(default_factory=dict)
    runs: list[RunFact] = field(default_factory=list)
    known_from_ns: int | None = None
    told: Told = field(default_factory=Told)
    tests: Tests = field(default_factory=Tests)
    decisions: list[Decision] = field(default_factory=list)
    raised_ns: list[int] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    timers_set: int = 0

    @property
    def history(self) -> History:
        """The runs so far."""
        return History(self.runs, self.known_from_ns)

    def known(self, case: Case, at_ns: int) -> dict[str, Answer]:
        """All that is known of a run or a day itself."""
        return known_of(case, self.told, local_date(at_ns, self.tz), trend=self.trend)

    @property
    def rung(self) -> Rung | None:
        """The present one."""
        return None if self.stage is None else self.rungs[self.stage]

    @property
    def stage_id(self) -> str | None:
        """Its name."""
        return None if self.stage is None else self.rungs[self.stage].stage.id

    def use(self, plan: Plan) -> None:
        """Go by this plan from here on."""
        self.plan = plan
        advances = [(stage, advance_of(plan, stage)) for stage in plan.stage]
        self.rungs = tuple(Rung(stage, advance, questions(plan, advance)) for stage, advance in advances)
        self.no_stage = questions(plan, plan.advance)
        wholes = [rung.advance.when for rung in self.rungs]
        wholes += [*(rule.when for rule in plan.rule), *(recovery.when for recovery in plan.recovery)]
        self.trend = any(condition.field == "pain.week_trend" for whole in wholes for condition in whole)

    def questions_of(self, case: Case) -> Questions:
        """What was asked of a run: by the stage it was done in."""
        if case.stage is not None and case.stage < len(self.rungs):
            return self.rungs[case.stage].questions
        assert self.no_stage is not None  # runs are judged by a plan
        return self.no_stage

    def place_of(self, stage_id: str | None) -> int | None:
        """Where a stage is in the ladder."""
        return next((place for place, rung in enumerate(self.rungs) if rung.stage.id == stage_id), None)

    def set_timer(self, at_ns: int, kind: str, name: str = "") -> None:
        """Have something looked at when that time has come."""
        self.timers_set += 1
        heapq.heappush(self.timers, Timer(at_ns, self.timers_set, kind, name))

    def decide(self, decision: Decision) -> None:
        """Keep a decision."""
        self.decisions.append(decision)

    def move(self, stage: int | None, at_ns: int) -> None:
        """Be in that stage from now on: successes count from here. During a hold none do."""
        if stage != self.stage:
            self.since_ns = at_ns
        self.stage = stage
        self.begin_visit()
        rung = self.rung
        days = None if rung is None else calendar_days(rung.stage)
        if days is not None:
            end_ns = midnight_ns(later(local_date(self.since_ns, self.tz), days), self.tz)
            self.set_timer(max(end_ns, at_ns), "raise", str(self.visit))

    def begin_visit(self) -> None:
        """What was done before counts no more."""
        self.visits += 1
        self.visit = 0 if self.hold is not None or self.stage is None else self.visits
        self.of_visit = []

    def hold_for(self, why: str) -> None:
        """Nothing goes on until the therapist has decided."""
        self.hold = why if self.hold is None else f"{self.hold}; {why}"
        self.begin_visit()

    def rest(self, days: int, at_ns: int) -> int:
        """No run for so many days: from the day of the decision on, or the next one when she has run on it."""
        first = local_date(at_ns, self.tz)
        if self.runs:
            first = max(first, later(local_date(self.runs[-1].end_wall_ns, self.tz), 1))
        until_ns = midnight_ns(later(first, days), self.tz)
        self.rest_until_ns = max(until_ns, self.rest_until_ns or 0)
        return until_ns

    def successes(self) -> int:
        """Those that count in this stay: all of them, or the last ones in a row."""
        rung = self.rung
        decided = [case.success for case in self.of_visit if case.success is not None]
        if rung is None or not rung.advance.consecutive:
            return decided.count(True)
        return next((back for back, success in enumerate(reversed(decided)) if not success), len(decided))

    def steps_7d(self, now_ns: int, week_ns: int) -> list[int]:
        """When stages were climbed in the last 7 days."""
        return [at for at in self.raised_ns if now_ns - week_ns < at <= now_ns]


def decision(
    state: State, at_ns: int, outcome: Outcome, why: str, *, rules: tuple[str, ...], by: str = "sensord"
) -> Decision:
    """A decision about no run, which leaves her in the stage she is in."""
    return Decision(
        at_wall_ns=at_ns,
        outcome=outcome,
        run=None,
        stage=state.stage_id,
        to_stage=state.stage_id,
        rules=rules,
        why=why,
        by=by,
    )
