"""Facts in the order of time, one by one: each moves where she stands."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, tzinfo

from sensord.errors import InputError
from sensord.plan.cases import EFFUSION, Case
from sensord.plan.days import HOUR_NS, MONTH_NS, WEEK_NS, local_date
from sensord.plan.facts import (
    Approval,
    CheckIn,
    Fact,
    HistoryKnown,
    Moment,
    Revision,
    RunFact,
    Tested,
    Verdict,
)
from sensord.plan.fields import Answer, field_of
from sensord.plan.judging import climb, judge, look_back_anew, retry, waits_for_a_day
from sensord.plan.mileage import growth_pct, runs_of
from sensord.plan.model import Plan
from sensord.plan.questions import over_ns
from sensord.plan.readiness import is_ready, placement, ready, turns_ready_ns
from sensord.plan.stages import complete, wanted
from sensord.plan.standing import Outcome
from sensord.plan.state import State, Timer, decision, plan_of

BEFORE_NS = 12 * HOUR_NS
"""What was said before a run, and named none, is about the first one that begins within this (design choice: the day's
run)."""


def day_name(day: date) -> str:
    """What a day is called among the cases."""
    return f"day {day.isoformat()}"


def happened_ns(fact: Fact) -> int:
    """When a fact is known: a run when it is over."""
    return fact.end_wall_ns if isinstance(fact, RunFact) else fact.at_wall_ns


def in_time(facts: Iterable[Fact]) -> list[Fact]:
    """Facts that count, in the order in which they move where she stands; each run once."""
    kept = tuple(facts)
    others = [fact for fact in kept if not isinstance(fact, RunFact)]
    return sorted([*others, *runs_of(kept)], key=lambda fact: (happened_ns(fact), fact.key))


class Follower:
    """Goes along with facts. `push` them in the order of `in_time`; `tick` lets time pass."""

    def __init__(self, tz: tzinfo) -> None:
        self.state = State(tz)

    def push(self, fact: Fact) -> None:
        """The next fact."""
        self.tick(happened_ns(fact))
        match fact:
            case RunFact():
                self._run(fact)
            case CheckIn():
                self._check_in(fact)
            case Revision():
                self._revision(fact)
            case Approval():
                self._approval(fact)
            case Tested():
                self._tested(fact)
            case HistoryKnown():
                known = self.state.known_from_ns
                self.state.known_from_ns = fact.at_wall_ns if known is None else min(known, fact.at_wall_ns)
            case _:
                pass  # exercises and notes move nothing

    def tick(self, now_ns: int) -> None:
        """Time has passed: what happens by time alone up to now."""
        timers = self.state.timers
        while timers and timers[0].at_ns <= now_ns:
            self._timer(heapq.heappop(timers))

    def _timer(self, timer: Timer) -> None:
        state = self.state
        match timer.kind:
            case "case":
                case = state.cases[timer.name]
                if not case.over:
                    self._close(case, timer.at_ns)
            case "raise":
                if timer.name == str(state.visit):
                    retry(state, timer.at_ns)
            case _:
                self._enter(timer.at_ns)

    # -------------------------------------------------------------------------------------- runs and answers

    def _run(self, run: RunFact) -> None:
        state, at_ns = self.state, run.end_wall_ns
        for earlier in tuple(state.open):
            self._close(earlier, at_ns)  # with the next run the time to answer about the last is over
        case = state.cases.setdefault(run.run, Case(run.run, run.at_wall_ns))
        case.run, case.at_ns = run, run.at_wall_ns
        state.runs.append(run)
        case.measured = self._measured(run)
        self._told_before(case, run)
        if state.plan is not None:
            self._place(state.plan, case, run)
            judge(state, case, at_ns)
        state.open.append(case)
        state.last = case
        state.set_timer(over_ns(at_ns, state.tz), "case", case.name)

    def _told_before(self, case: Case, run: RunFact) -> None:
        """What was said before a run that had no name yet is about that run, and about the day no more: else a rule
        would see it twice."""
        state, ahead = self.state, self.state.ahead
        state.ahead = []
        for check_in in ahead:
            if run.clock_trusted and run.at_wall_ns - BEFORE_NS <= check_in.at_wall_ns:
                day = state.cases[day_name(local_date(check_in.at_wall_ns, state.tz))]
                case.take_over(day, check_in)
                look_back_anew(state, day, check_in.at_wall_ns)

    def _close(self, case: Case, at_ns: int) -> None:
        case.over = True
        self.state.open.remove(case)
        judge(self.state, case, at_ns)

    def _place(self, plan: Plan, case: Case, run: RunFact) -> None:
        """Which stage it was done in, and whether it counts for the present stay there."""
        state = self.state
        told = run.stage is not None
        case.stage = state.stage if not told else state.place_of(run.stage) if run.plan in (None, plan.id) else None
        rung = state.rung
        if rung is None or not state.visit or case.stage != state.stage:
            return
        begun_ns = state.released_ns if told else max(state.released_ns, state.since_ns)
        if run.at_wall_ns >= begun_ns:
            case.visit = state.visit
            since, day = local_date(state.since_ns, state.tz), local_date(run.at_wall_ns, state.tz)
            asked = wanted(rung.stage, state.successes(), since, day)
            case.complete = complete(rung.stage, rung.advance, asked, run)
            state.of_visit.append(case)

    def _measured(self, run: RunFact) -> dict[str, Answer]:
        """What a run says of itself, and how it compares with those before, where they are all on file."""
        found: dict[str, Answer | None] = {
            "done_pct": run.done_pct,
            "run_time": run.run_time_s,
            "distance": run.distance_m,
        }
        if run.run_distance_m is not None and run.run_time_s:
            found["speed"] = run.run_distance_m / run.run_time_s
        history, at_ns = self.state.history, run.at_wall_ns
        found |= self._compared(run)
        week = history.sum_m(at_ns - WEEK_NS, at_ns + 1)
        ratio = growth_pct(week, history.sum_m(at_ns - 2 * WEEK_NS, at_ns - WEEK_NS)).value
        found["week_ratio"] = None if ratio is None else ratio / 100.0
        if history.why_unsure(at_ns - WEEK_NS) is None:
            found["sessions_7d"] = float(len(history.between(at_ns - WEEK_NS, at_ns + 1)))
        if self.state.plan is not None and self.state.plan.runner.injured_side is not None and run.steps is not None:
            found["steps_injured"] = run.steps / 2.0  # every other step is of that foot
        told = {name: value for name, value in run.measured.items() if (f := field_of(name)) and f.allows(value)}
        return {name: value for name, value in found.items() if value is not None} | told

    def _compared(self, run: RunFact) -> dict[str, Answer | None]:
        history, at_ns = self.state.history, run.at_wall_ns
        longest = history.longest_m(at_ns - MONTH_NS, at_ns).value
        found: dict[str, Answer | None] = {}
        if longest and run.distance_m is not None and run.clock_trusted:
            found["longest_ratio_30d"] = run.distance_m / longest
        before = next((other for other in reversed(history.runs) if other is not run), None)
        if before is not None and before.clock_trusted and run.clock_trusted and at_ns >= before.end_wall_ns:
            found["hours_since_run"] = (at_ns - before.end_wall_ns) / HOUR_NS
        return found

    def _check_in(self, check_in: CheckIn) -> None:
        state, at_ns = self.state, check_in.at_wall_ns
        day = local_date(at_ns, state.tz)
        name = check_in.run if check_in.run is not None else day_name(day)
        case = state.cases.get(name)
        if case is None:
            case = state.cases[name] = Case(name, at_ns, about_run=check_in.run is not None)
        case.tell(check_in)
        state.told.take(check_in, day, case)
        judge(state, case, at_ns)
        if check_in.run is None:
            if check_in.moment is Moment.BEFORE:
                state.ahead.append(check_in)
            self._daily(check_in)
            for run in tuple(state.open):
                if waits_for_a_day(state, run):
                    judge(state, run, at_ns)
        self._enter(at_ns)

    def _daily(self, check_in: CheckIn) -> None:
        """Pain 0 in daily life, on a later day, ends a rest that waits for it."""
        state = self.state
        day = local_date(check_in.at_wall_ns, state.tz)
        if state.clear is not None and day > state.clear[1] and state.told.daily.get(day) == 0:
            state.clear = None
            retry(state, check_in.at_wall_ns)

    # -------------------------------------------------------------------------------------- plan and therapist

    def _tested(self, test: Tested) -> None:
        self.state.tests.take(test)
        if test.value in EFFUSION:
            self.state.told.effusion.append((test.at_wall_ns, f"test {test.item}", str(test.value)))
        self._enter(test.at_wall_ns)

    def _enter(self, at_ns: int) -> None:
        """The first stage, once the checklist has passed and the placement is known. Nothing begins during a hold."""
        state, plan = self.state, self.state.plan
        if plan is None or state.stage is not None or state.hold is not None or not state.rungs:
            return
        found = ready(plan, state.tests, state.told, at_ns, state.tz)
        place = 0 if plan.placement is None else state.place_of(placement(plan, state.tests))
        if place is None or not (state.declared_ready or is_ready(plan, found)):
            return
        state.move(place, at_ns)
        rules = [name for name, part in (("readiness", plan.readiness), ("placement", plan.placement)) if part]
        why = f"begins with stage {state.stage_id}"
        state.decide(replace(decision(state, at_ns, Outcome.ENTER, why, rules=tuple(rules) or ("plan",)), stage=None))

    def _revision(self, revision: Revision) -> None:
        state, at_ns = self.state, revision.at_wall_ns
        if revision.sha256 == state.sha256:
            return  # the same text, told by another gateway
        state.sha256 = revision.sha256
        state.revision += 1
        try:
            plan = plan_of(revision.text)
        except InputError as error:
            self._hold(f"revision {state.revision} of the plan cannot be read: {error.problems[0]}", at_ns)
            return
        before, rung, ids = state.plan, state.rung, [old.stage.id for old in state.rungs]
        state.use(plan)
        self._place_anew(ids if before is not None and before.id == plan.id else [])
        if before is not None and before.id != plan.id:
            state.declared_ready = False
            state.move(None, at_ns)
        elif rung is not None:
            place = state.place_of(rung.stage.id)
            if place is None:
                state.move(None, at_ns)
                self._hold(f"revision {state.revision} of the plan has no stage {rung.stage.id}", at_ns)
            elif (state.rungs[place].stage, state.rungs[place].advance) != (rung.stage, rung.advance):
                state.stage = place
                state.move(place, at_ns)  # another stage of that name: what was done in the old one does not count
            else:
                state.stage = place
        for turn_ns in turns_ready_ns(plan, state.tz):
            if turn_ns > at_ns:
                state.set_timer(turn_ns, "ready")
        self._enter(at_ns)

    def _place_anew(self, ids: list[str]) -> None:
        """Earlier runs keep the stage they were done in, wherever it stands now."""
        for case in self.state.cases.values():
            if case.stage is not None:
                case.stage = self.state.place_of(ids[case.stage]) if case.stage < len(ids) else None

    def _hold(self, why: str, at_ns: int, *, by: str = "sensord") -> None:
        self.state.hold_for(why)
        self.state.decide(decision(self.state, at_ns, Outcome.HOLD, why, rules=("plan",), by=by))

    def _approval(self, approval: Approval) -> None:
        match approval.verdict:
            case Verdict.HOLD:
                self.state.hold_for(f"{approval.who}: {approval.reason}")
                self._said(approval, Outcome.HOLD, self.state.stage_id)
            case Verdict.RELEASE:
                self._release(approval.at_wall_ns)
                self._said(approval, Outcome.RELEASE, self.state.stage_id)
                self._enter(approval.at_wall_ns)
            case Verdict.SET_STAGE:
                self._set_stage(approval)
            case Verdict.ADVANCE if self.state.stage is not None:
                self._advance(approval)
            case _:  # ready; and whoever advances her to the first stage says the same
                self.state.declared_ready = True
                self._enter(approval.at_wall_ns)

    def _said(self, approval: Approval, outcome: Outcome, stage: str | None, why: str = "") -> None:
        """A decision of the therapist, with the reason."""
        found = decision(
            self.state,
            approval.at_wall_ns,
            outcome,
            why or approval.reason,
            rules=(approval.verdict.value,),
            by=approval.who,
        )
        self.state.decide(replace(found, stage=stage))

    def _release(self, at_ns: int) -> None:
        self.state.hold = None
        self.state.released_ns = at_ns
        self.state.move(self.state.stage, at_ns)

    def _set_stage(self, approval: Approval) -> None:
        state, before = self.state, self.state.stage_id
        place = state.place_of(approval.stage)
        if place is None:
            state.hold_for(f"{approval.who} set stage {approval.stage}, which the plan does not have")
            self._said(approval, Outcome.HOLD, before)
            return
        state.clear = None
        state.stage = place
        state.since_ns = approval.at_wall_ns
        self._release(approval.at_wall_ns)
        self._said(approval, Outcome.ENTER, before)

    def _advance(self, approval: Approval) -> None:
        state, before = self.state, self.state.stage_id
        if (state.stage or 0) + 1 >= len(state.rungs):
            self._said(approval, Outcome.REPEAT, before, f"stage {before} is the last one")
            return
        climb(state, approval.at_wall_ns)
        self._said(approval, Outcome.ADVANCE, before)
