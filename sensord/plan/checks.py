"""What no value of a plan can tell by itself: names that something must have, sums that must be true.

`checked` says what is wrong, and `read_plan` refuses such a plan. What a therapist may want but should look at is in
plan/warnings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sensord.plan.ladder import Session, Stage
from sensord.plan.lines import Place
from sensord.plan.problems import Remark
from sensord.plan.programme import WeeksItem
from sensord.plan.quantity import Extent
from sensord.plan.stage_range import stage_range
from sensord.plan.workout import Item, Repeat, Segment, Total, total

if TYPE_CHECKING:
    from sensord.plan.model import Plan

TOLERANCE = 1.0
"""s or m by which a total may differ from what its source says: sources round (design choice)."""


def checked(plan: Plan) -> list[Remark]:
    """Everything that does not fit together."""
    return [*_twice(plan), *_stage_names(plan), *_stages(plan), *_dates(plan), *_questions(plan)]


def open_repeats(items: Sequence[Item]) -> bool:
    """Whether a workout leaves it to the therapist how often something is done ("?x(...)")."""
    return any(
        (isinstance(item, Repeat) and item.low is None) or open_repeats(item.items)
        for item in items
        if not isinstance(item, Segment)
    )


def _twice(plan: Plan) -> Iterator[Remark]:
    """Decisions, ticks and logs go by names: each is given once."""
    named = {
        ("stage",): [stage.id for stage in plan.stage],
        ("rule",): [rule.id for rule in plan.rule],
        ("recovery",): [recovery.id for recovery in plan.recovery],
        ("exercise",): [exercise.id for exercise in plan.exercise],
        ("readiness", "item"): [item.id for item in plan.readiness.item] if plan.readiness else [],
    }
    for place, names in named.items():
        for index, name in enumerate(names):
            if name in names[:index]:
                yield Remark((*place, index, "id"), f"a name that no other {place[-1]} has")


def _stage_names(plan: Plan) -> Iterator[Remark]:
    """Stages that are named elsewhere are on the ladder."""
    known = [stage.id for stage in plan.stage]
    named: list[tuple[Place, str | None]] = [
        (("exercise", index, "from_stage"), exercise.from_stage) for index, exercise in enumerate(plan.exercise)
    ]
    if plan.placement is not None:
        named += [(("placement", "map", index, "stage"), step.stage) for index, step in enumerate(plan.placement.map)]
    blocks: dict[Place, object] = {("limit", name): getattr(plan.limit, name) for name in type(plan.limit).model_fields}
    blocks |= {(name,): getattr(plan, name) for name in ("impact", "cadence", "contact_time")}
    blocks |= {("asymmetry", name): limit for name, limit in plan.asymmetry.written.items()}
    named += [((*place, "from_stage"), getattr(block, "from_stage", None)) for place, block in blocks.items()]
    expected = "one of the stages: " + ", ".join(known) if known else "a stage of the plan, which has none"
    for where, name in named:
        if name is not None and name not in known:
            yield Remark(where, expected)
    for place, block in blocks.items():
        stages = getattr(getattr(block, "baseline", None), "stage", None)
        if stages is not None and stage_range(stages, known) is None:
            yield Remark((*place, "baseline", "stage"), f'{expected}; or a range of them, the lower first, as "1..2"')


def _stages(plan: Plan) -> Iterator[Remark]:
    for index, stage in enumerate(plan.stage):
        for number, session in enumerate(stage.session):
            yield from _session(session, ("stage", index, "session", number))
        yield from _allowed(stage, plan.schedule.no, ("stage", index, "allow"))


def _session(session: Session, place: Place) -> Iterator[Remark]:
    if session.repeats is not None and not open_repeats(session.do.items):
        yield Remark((*place, "repeats"), 'no repeats, for the workout has no "?"')
        return
    try:
        least = total(session.do, repeats=session.repeats)
        most = total(session.do, repeats=session.repeats, most=True)
    except ValueError as error:
        yield Remark((*place, "repeats"), "fewer: " + str(error))
        return
    if session.success_reps is not None and not most.open and session.success_reps > most.runs:
        yield Remark((*place, "success_reps"), f"at most {most.runs}, for the workout has no more runs")
    stated = session.total
    if stated is not None and not any(_adds_up(stated, one) for one in (least, most)):
        yield Remark((*place, "total"), f"what the workout adds up to: {_between(least, most)}")


def _adds_up(stated: Extent, one: Total) -> bool:
    value, rest = (one.time_s, one.distance_m) if stated.is_time else (one.distance_m, one.time_s)
    return abs(value - stated.value) <= TOLERANCE and rest == 0.0


def _between(least: Total, most: Total) -> str:
    ends = [_words(least), _words(most)]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def _words(one: Total) -> str:
    parts = [f"{one.time_s / 60:g}min"] if one.time_s else []
    parts += [f"{one.distance_m:.0f}m"] if one.distance_m else []
    return " and ".join(parts)


def _allowed(stage: Stage, no: Sequence[str], place: Place) -> Iterator[Remark]:
    for index, word in enumerate(stage.allow):
        if word not in no:
            yield Remark(
                (*place, index), "something of schedule.no" + (f": {', '.join(no)}" if no else ", which is empty")
            )


def _dates(plan: Plan) -> Iterator[Remark]:
    """Weeks are counted from a date that is there."""
    for item in plan.readiness.item if plan.readiness else ():
        if isinstance(item, WeeksItem) and getattr(plan.runner, item.ref) is None:
            yield Remark(
                ("runner", item.ref), f"a date, for the readiness item {item.id} counts weeks from it", "nothing"
            )


def _questions(plan: Plan) -> Iterator[Remark]:
    """One block for each moment, and none twice at the same time of day."""
    moments = [(ask.when, ask.at) for ask in plan.ask]
    for index, moment in enumerate(moments):
        if moment in moments[:index]:
            yield Remark(("ask", index, "when"), "another moment, for this one has a block already")
