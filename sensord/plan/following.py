"""Following a plan: where she stands, as a pure function of what all gateways know of her.

    facts of all gateways --union--> in one order --replay--> stage, holds, decisions --> what is allowed now

Nothing of it is stored as the truth: the same facts, in whatever order and however often they came, give the same
`Standing`. Facts that lie ahead of `now` are left out, so that what was decided at a time is what was known then; an
answer that came late decides from when it came.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo

from sensord.plan.allowance import allowance
from sensord.plan.day import day_of
from sensord.plan.days import clock_ns, local_date
from sensord.plan.facts import Fact, Moment, union
from sensord.plan.follower import Follower, happened_ns, in_time
from sensord.plan.programme import PainFreeItem
from sensord.plan.readiness import ready
from sensord.plan.stages import needed
from sensord.plan.standing import Allowance, Due, Standing
from sensord.plan.state import State

__all__ = ["day_of", "follow", "standing_of"]


def follow(facts: Iterable[Fact], now_wall_ns: int, tz: tzinfo) -> Standing | None:
    """Where she stands now; None: nobody has given her a plan yet. `tz`: her time zone, in which days begin."""
    follower = Follower(tz)
    known = (fact for fact in facts if happened_ns(fact) <= now_wall_ns)
    for fact in in_time(union(known)):
        follower.push(fact)
    return standing_of(follower, now_wall_ns)


def standing_of(follower: Follower, now_wall_ns: int) -> Standing | None:
    """Where she stands at a time that is not before what was pushed; None without a plan."""
    follower.tick(now_wall_ns)
    state = follower.state
    if not state.revision:
        return None
    if state.plan is None:
        return _unread(state, now_wall_ns)
    items = ready(state.plan, state.tests, state.told, now_wall_ns, state.tz)
    rung = state.rung
    return Standing(
        at_wall_ns=now_wall_ns,
        plan=state.plan.id,
        revision=state.revision,
        stage=state.stage_id,
        stage_since_ns=None if rung is None else state.since_ns,
        successes=state.successes(),
        successes_needed=0 if rung is None else needed(rung.stage, rung.advance),
        hold=state.hold,
        rest_until_ns=state.rest_until_ns if (state.rest_until_ns or 0) > now_wall_ns else None,
        resting=None if state.clear is None else f"until pain is 0 in daily life (rule {state.clear[0]})",
        ready=items,
        decisions=tuple(state.decisions),
        due=_due(state, items, now_wall_ns),
        today=allowance(state, items, now_wall_ns),
    )


def _unread(state: State, now_wall_ns: int) -> Standing:
    """The only plan there is cannot be read by this version."""
    return Standing(
        at_wall_ns=now_wall_ns,
        plan="",
        revision=state.revision,
        stage=None,
        stage_since_ns=None,
        successes=0,
        successes_needed=0,
        hold=state.hold,
        rest_until_ns=None,
        resting=None,
        ready={},
        decisions=tuple(state.decisions),
        due=(),
        today=Allowance(None, (state.hold or "",), None, None, None),
    )


def _due(state: State, items: dict[str, str], now_ns: int) -> tuple[Due, ...]:
    """What is asked now and has not been answered: about the last run, and about today."""
    found: list[Due] = []
    case = state.last
    if case is not None and case.run is not None:
        questions = state.questions_of(case)
        known = state.known(case, now_ns)
        for moment, names in questions.asked.items():
            since_ns = questions.since_ns(moment, case.run.end_wall_ns, state.tz)
            told = case.told.get(moment, {})
            # the same question at another time is another question, but only where the plan puts it twice
            twice = {name for name in names if sum(name in other for other in questions.asked.values()) > 1}
            open_now = tuple(name for name in names if name not in (told if name in twice else known))
            if moment is not Moment.DAILY and open_now and since_ns <= now_ns:
                found.append(Due(case.name, moment.value, open_now, since_ns))
    return (*found, *due_today(state, items, now_ns))


def due_today(state: State, items: dict[str, str], now_ns: int) -> tuple[Due, ...]:
    """What is asked about today and has not been answered."""
    assert state.no_stage is not None  # there is a plan
    today = local_date(now_ns, state.tz)
    questions = state.rung.questions if state.rung is not None else state.no_stage
    names = list(questions.asked.get(Moment.DAILY, ()))
    if "pain.daily" not in names and (state.clear is not None or _counts_pain_free_days(state, items)):
        names.append("pain.daily")
    said = state.told.said.get(today, {})
    left = tuple(name for name in names if name not in said)
    since_ns = clock_ns(today, questions.at[Moment.DAILY], state.tz)
    return (Due(None, Moment.DAILY.value, left, since_ns),) if left and since_ns <= now_ns else ()


def _counts_pain_free_days(state: State, items: dict[str, str]) -> bool:
    readiness = state.plan.readiness if state.plan is not None else None
    if readiness is None or state.stage is not None:
        return False
    return any(isinstance(item, PainFreeItem) and items[item.id] != "passed" for item in readiness.item)
