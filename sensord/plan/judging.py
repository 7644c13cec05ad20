"""What a run, or a day, leads to: rules first, then whether it was a success, then whether she goes on.

A case is judged whenever something about it comes in, and once more when the time to answer is over. What it has cost
(a stage, a hold, a rest) it has cost: a later, better answer takes nothing of that back, for only the therapist raises.
A mistaken answer is taken back with a `Retraction`.
"""

from __future__ import annotations

from dataclasses import replace

from sensord.model import NS
from sensord.plan.cases import Case, of_the_day_after
from sensord.plan.days import WEEK_NS, later, local_date, midnight_ns, stamp
from sensord.plan.facts import Moment
from sensord.plan.fields import Answer
from sensord.plan.ladder import Rule
from sensord.plan.model import Plan
from sensord.plan.quantity import Goal
from sensord.plan.questions import Questions
from sensord.plan.rules import Combined, combine, fired, outcome, true_of, unmet
from sensord.plan.stages import GOAL_TOLERANCE, goals_m, needed
from sensord.plan.standing import Decision, Outcome
from sensord.plan.state import Rung, State, decision

ADVANCE = "advance"
"""Named as the rule of a decision that [advance] of the plan made."""


SOFTWARE = "sensord"
"""Who decides what no therapist has decided."""


def judge(state: State, case: Case, at_ns: int) -> None:
    """Look at it again, with all that is known by now."""
    if state.plan is None:
        return
    known = state.known(case, at_ns)
    applied, new = _applied(state, state.plan, case, known)
    combined, fresh = combine(applied), combine(new)
    until_ns = _rest(state, fresh, at_ns)
    found = _by_rules(state, case, combined, fresh, at_ns)
    if found is None and case.run is not None and not combined.hold and combined.step is None:
        found = _of_run(state, case, known, combined, at_ns)
    elif case.success is not False and case.run is not None:
        case.success = False
        _proposal_lapses(state)
    if found is None and new:
        found = _decided(state, case, Outcome.REPEAT, "nothing changes about the stage", fresh, at_ns)
    if found is not None:
        _decide(
            state, case, replace(found, alert=fresh.alert, rest_until_ns=until_ns) if new else found, again=bool(new)
        )


def _decide(state: State, case: Case, found: Decision, *, again: bool) -> None:
    """Keep a decision, unless it is the last one about this case once more."""
    last = case.decision
    same = (
        last is not None and last.outcome is found.outcome and (last.why == found.why or found.outcome is Outcome.WAIT)
    )
    if again or not same:
        case.decision = found
        state.decide(found)


def _applied(
    state: State, plan: Plan, case: Case, known: dict[str, Answer]
) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """The rules that apply, and those of them that did not before."""
    for rule in plan.rule:
        _remember(state, rule, case, known)
    applied = fired(plan.rule, known, before=lambda rule: bool(_others(state, rule, case)), over=case.over)
    new = tuple(rule for rule in applied if rule.id not in case.fired)
    for rule in new:
        for one in (case, *_others(state, rule, case)):
            one.fired.add(rule.id)  # what takes two leads to something once
    return applied, new


def _remember(state: State, rule: Rule, case: Case, known: dict[str, Answer]) -> None:
    """When a rule that looks back has been true."""
    if rule.within is None:
        return
    seen = state.true_at.setdefault(rule.id, {})
    if true_of(rule, known, over=case.over):
        seen[case.name] = case.at_ns
    else:
        seen.pop(case.name, None)


def look_back_anew(state: State, case: Case, at_ns: int) -> None:
    """Answers have left a case: rules that look back find there what is left."""
    known = state.known(case, at_ns)
    for rule in state.plan.rule if state.plan is not None else ():
        _remember(state, rule, case, known)


def _others(state: State, rule: Rule, case: Case) -> list[Case]:
    """Of which other runs and days it was true within its time; which of them was told first does not matter."""
    if rule.within is None:
        return []
    within_ns = round(rule.within * NS)
    seen = state.true_at[rule.id]
    return [
        state.cases[name] for name, at_ns in seen.items() if name != case.name and abs(at_ns - case.at_ns) <= within_ns
    ]


def _rest(state: State, fresh: Combined, at_ns: int) -> int | None:
    if fresh.until_clear:
        state.clear = (", ".join(fresh.rules), local_date(at_ns, state.tz))
    return state.rest(fresh.rest_days, at_ns) if fresh.rest_days else None


def _by_rules(state: State, case: Case, combined: Combined, fresh: Combined, at_ns: int) -> Decision | None:
    """What rules decide that nobody can undo but the therapist; None: nothing new."""
    if fresh.hold:
        _lower(state, case, combined.step, at_ns)
        state.hold_for(f"rule {', '.join(fresh.holding)}")
        return _decided(state, case, Outcome.HOLD, "nothing goes on until the therapist has decided", combined, at_ns)
    if combined.hold:
        return None  # held, and perhaps released, already
    verdict = outcome(combined, success=False)
    if verdict == "lower":
        before = state.stage_id
        if not _lower(state, case, combined.step, at_ns):
            return None
        why = f"from stage {before} to {state.stage_id}" if before != state.stage_id else "the lowest stage begins anew"
        return replace(_decided(state, case, Outcome.LOWER, why, combined, at_ns), stage=before)
    if combined.step == 0:
        return _decided(state, case, Outcome.REPEAT, "the stage is repeated", combined, at_ns)
    return None


def _lower(state: State, case: Case, step: int | None, at_ns: int) -> bool:
    """Go back, once for each step that a case costs: from the stage it was done in, where she is lower by now."""
    extra = (step or 0) - case.step
    if extra >= 0 or state.stage is None:
        return False
    case.step += extra
    base = max(state.stage, case.stage if case.stage is not None else state.stage)
    state.move(max(0, min(state.stage, base + extra)), at_ns)
    return True


def _decided(
    state: State, case: Case, what: Outcome, why: str, combined: Combined, at_ns: int, to: str | None = None
) -> Decision:
    """About a run, or a day."""
    rules = combined.rules or (ADVANCE,)
    about, stage = case.name if case.about_run else None, state.stage_id
    return Decision(at_ns, what, about, stage, stage if to is None else to, rules, why)


# ------------------------------------------------------------------------------------------ success


def _of_run(state: State, case: Case, known: dict[str, Answer], combined: Combined, at_ns: int) -> Decision | None:
    """Whether a run was a success, and what follows; None: it was one before, and still is."""
    assert case.run is not None
    questions, said = _said_of(state, case, known)
    pending = case.pending(questions, said)
    if pending:
        held = f"; on hold meanwhile: {state.hold}" if state.hold is not None else ""
        why = f"waiting for {', '.join(pending)}{held}"  # the newest decision is all that some places show
        return _decided(state, case, Outcome.WAIT, why, combined, at_ns)
    rung = state.rungs[case.stage] if case.stage is not None and case.stage < len(state.rungs) else None
    if rung is None:
        return _decided(state, case, Outcome.REPEAT, "a run of no stage of this plan", combined, at_ns)
    if not state.visit or case.visit != state.visit:
        if case.success:  # it was counted, and led on or was left behind
            lacking = _why_no_success(case, rung, said)
            return _taken_back(state, case, lacking, combined, at_ns) if lacking else None
        why = f"a run of stage {rung.stage.id} that does not count for the present stay"
        return _decided(state, case, Outcome.REPEAT, why, combined, at_ns)
    was, reasons = case.success, _why_no_success(case, rung, said)
    case.success = not reasons
    if reasons:
        _proposal_lapses(state)
        return _decided(state, case, Outcome.REPEAT, "; ".join(reasons), combined, at_ns)
    return None if was else _after_success(state, case, combined, at_ns)


def _taken_back(state: State, case: Case, lacking: list[str], combined: Combined, at_ns: int) -> Decision:
    """A run was counted and is no success any more. Where its stay has led on by itself, and would not have without it,
    that is taken back, for software may lower; what the therapist decided stays."""
    case.success = False
    if not _led_on(state, case):
        return _decided(state, case, Outcome.REPEAT, "; ".join(lacking), combined, at_ns)
    assert case.stage is not None
    before = state.stage_id
    case.step = min(case.step, -1)
    state.move(min(case.stage, state.stage or 0), at_ns)
    why = f"from stage {before} to {state.stage_id}, for what led on holds no more: {'; '.join(lacking)}"
    return replace(_decided(state, case, Outcome.LOWER, why, combined, at_ns), stage=before)


def _led_on(state: State, case: Case) -> bool:
    """Whether the present stay was begun by the one that a run was counted for, which is not enough without it."""
    if state.visits != case.visit + 1 or case.stage is None or state.stage != case.stage + 1:
        return False
    climbed = next(d for d in reversed(state.decisions) if d.stage != d.to_stage)
    rung = state.rungs[case.stage]
    left = sum(other.visit == case.visit and other.success is True for other in state.cases.values())
    return climbed.by == SOFTWARE and left < needed(rung.stage, rung.advance)


def _why_no_success(case: Case, rung: Rung, said: dict[str, Answer]) -> list[str]:
    """What is lacking; nothing: it was a success."""
    questions = rung.questions
    missing = case.unanswered(questions, said)
    reasons = [f"not answered: {', '.join(missing)}"] if missing else []
    if case.complete is not True:
        reasons.append("the workout was not completed" if case.complete is False else "how much was done is not known")
    lacking = {field for field, made_of in questions.needed.items() if set(made_of) & set(missing)}
    return [*reasons, *unmet([c for c in rung.advance.when if c.field not in lacking], said)]


def _said_of(state: State, case: Case, known: dict[str, Answer]) -> tuple[Questions, dict[str, Answer]]:
    """What was asked about a run, and all that is known of it."""
    assert case.run is not None  # days wait for nothing
    questions = state.questions_of(case)
    run_day = local_date(case.run.end_wall_ns, state.tz)
    return questions, of_the_day_after(case, state.told, run_day, questions) | known


def waits_for_a_day(state: State, case: Case) -> bool:
    """Whether a run's success rests on what is said about the day after it."""
    return state.plan is not None and Moment.DAILY in state.questions_of(case).when.values()


def known_pending(state: State, case: Case, at_ns: int) -> tuple[str, ...]:
    """The answers that a decision about a run waits for."""
    questions, said = _said_of(state, case, state.known(case, at_ns))
    return case.pending(questions, said)


def _after_success(state: State, case: Case, combined: Combined, at_ns: int) -> Decision:
    """Count it, and go on where that is enough."""
    rung = state.rung
    assert rung is not None
    why = why_not_enough(state, rung, at_ns)
    if why is not None:
        return _decided(state, case, Outcome.REPEAT, why, combined, at_ns)
    before, (what, why, to) = state.stage_id, go_on(state, rung, at_ns)
    return replace(_decided(state, case, what, why, combined, at_ns, to), stage=before)


def why_not_enough(state: State, rung: Rung, at_ns: int) -> str | None:
    """What is lacking to go on to the next stage; None: nothing."""
    stage, done, most = rung.stage, state.successes(), needed(rung.stage, rung.advance)
    if stage.calendar is not None:
        days = 7 * len(stage.calendar.days)
        day = (local_date(at_ns, state.tz) - local_date(state.since_ns, state.tz)).days
        if day < days:
            return f"day {day + 1} of {days} of the calendar"
        last, week = (
            state.of_visit[-1] if state.of_visit else None,
            later(local_date(state.since_ns, state.tz), days - 7),
        )
        if last is None or local_date(last.at_ns, state.tz) < week:
            return "nothing of the last week of the calendar was run; it is repeated"
        return None if last.success else "the last run of the calendar was no success; its last week is repeated"
    if stage.weekly is not None:
        return _why_week_not_reached(state, stage.weekly.until, at_ns)
    if not most:
        return f"success {done}; the run gets longer until the therapist leads on"
    return None if done >= most else f"success {done} of {most}"


def _why_week_not_reached(state: State, until: Goal, at_ns: int) -> str | None:
    assert state.plan is not None
    goal_m = until.in_m(goals_m(state.plan, None))
    week = state.history.sum_m(at_ns - WEEK_NS, at_ns)
    if goal_m is None:
        return f"{until} is not known"
    if week.value is None:
        return f"the week is not known: {week.why_not}"
    if week.value >= GOAL_TOLERANCE * goal_m:
        return None
    return f"{week.value / 1000:.1f} of {goal_m / 1000:.1f} km in 7 days"


def go_on(state: State, rung: Rung, at_ns: int) -> tuple[Outcome, str, str | None]:
    """All that makes a stage is done: raise, propose, or say what is in the way."""
    assert state.plan is not None
    assert state.stage is not None
    most = needed(rung.stage, rung.advance)
    enough = f"success {state.successes()} of {most}" if most else "it is done"
    if state.stage + 1 >= len(state.rungs):
        return Outcome.REPEAT, f"{enough}; stage {rung.stage.id} is the last one", None
    if state.clear is not None:
        return Outcome.REPEAT, f"{enough}, but no run until pain is 0 in daily life", None
    earliest_ns, why = _earliest(state, rung, at_ns)
    if earliest_ns > at_ns:
        state.set_timer(earliest_ns, "raise", str(state.visit))
        return Outcome.REPEAT, f"{enough}, but {why}: from {stamp(earliest_ns, state.tz)} on", None
    to = state.rungs[state.stage + 1].stage.id
    if state.plan.runner.decides == "therapist":
        state.proposed = state.visit
        return Outcome.PROPOSE, f"{enough}; the therapist decides about stage {to}", to
    climb(state, at_ns)
    return Outcome.ADVANCE, f"{enough}; on to stage {to}", to


def climb(state: State, at_ns: int) -> None:
    """To the next stage."""
    assert state.stage is not None
    state.raised_ns.append(at_ns)
    state.move(state.stage + 1, at_ns)


def retry(state: State, at_ns: int) -> None:
    """Time has passed, or a rest is over: perhaps she may go on now."""
    rung = state.rung
    if (
        rung is None
        or not state.visit
        or state.proposed == state.visit
        or why_not_enough(state, rung, at_ns) is not None
    ):
        return
    before = state.stage_id
    what, why, to = go_on(state, rung, at_ns)
    if what in (Outcome.ADVANCE, Outcome.PROPOSE):
        found = decision(state, at_ns, what, why, rules=(ADVANCE,))
        state.decide(replace(found, stage=before, to_stage=to))


def _earliest(state: State, rung: Rung, at_ns: int) -> tuple[int, str]:
    """When the pace of the plan lets her climb, and what holds her up until then."""
    assert state.plan is not None
    found = [(at_ns, "")]
    days = rung.advance.min_days
    if days is not None:
        first_ns = midnight_ns(later(local_date(state.since_ns, state.tz), days), state.tz)
        found.append((first_ns, f"a stage takes {days} days at least"))
    most = state.plan.schedule.max_stage_steps_7d
    steps = state.steps_7d(at_ns, WEEK_NS)
    if most is not None and len(steps) >= most:
        found.append((steps[-most] + WEEK_NS, f"at most {most} steps in 7 days"))
    return max(found)


def _proposal_lapses(state: State) -> None:
    """A run that was counted is no success any more."""
    rung = state.rung
    if rung is not None and state.proposed == state.visit and state.successes() < needed(rung.stage, rung.advance):
        state.proposed = 0
