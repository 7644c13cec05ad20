"""What people say, checked before it is kept: answers by their field, decisions by the plan they are about."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence

from pydantic_core import PydanticCustomError

from sensord.errors import InputError, Problem
from sensord.plan.days import DAY_NS
from sensord.plan.facts import (
    Approval,
    CheckIn,
    Exercised,
    Fact,
    HistoryKnown,
    Moment,
    Noted,
    Retraction,
    Revision,
    RunFact,
    Tested,
    Verdict,
)
from sensord.plan.fields import FIELDS, Answer, Field, field_of
from sensord.plan.model import Plan
from sensord.plan.programme import (
    ClinicianItem,
    GradeItem,
    HoldItem,
    LsiItem,
    NrsItem,
    PainFreeItem,
    ReadinessItem,
    RepsItem,
    WalkItem,
    WeeksItem,
)
from sensord.plan.quantity import parse_extent
from sensord.plan.questions import moment_of as usual_moment
from sensord.plan.readiness import PLACEMENT

LONGEST = 200
"""Design choice: what a line of the page and of a table still shows."""

LONGEST_NOTE = 2000
"""Design choice: a note may be a paragraph; it is shown, and nothing follows from it."""

FARTHEST_M = 1_000_000.0
"""Of one run that was entered by hand (design choice: nobody runs 1000 km in a day, it is a slip of the pen)."""

MOST = 1e6
"""Of a result (design choice): times are in s and distances in m, and no test comes near it."""

YES_NO = {"yes": True, "true": True, "y": True, "no": False, "false": False, "n": False}


def parse_answers(texts: Mapping[str, str], *, place: str) -> dict[str, Answer]:
    """Answers from texts, by field ("pain.during": "3"). InputError with every problem; `place` is named in it."""
    found: dict[str, Answer] = {}
    problems: list[Problem] = []
    for name, text in texts.items():
        try:
            field = _field(name)
            found[field.name] = check_answer(field.name, _typed(field, text.strip()))
        except ValueError as error:
            what, expected = error.args
            problems.append(Problem(place, name, what, expected))
    if problems:
        raise InputError(problems)
    return found


def moment_of(answers: Mapping[str, Answer]) -> Moment:
    """When answers are from, where nobody said: what is usual for the first of them."""
    return next((usual_moment(name) for name in answers), Moment.DAILY)


def check_answer(name: str, value: object) -> Answer:
    """An answer that is a value already. Raises ValueError(found, expected)."""
    field = _field(name)
    if not field.allows(value):
        raise ValueError(_shown(value), field.answers.replace("true or false", "yes or no"))
    if isinstance(value, str) and (not value.strip() or not value.isprintable() or len(value) > LONGEST):
        raise ValueError(_shown(value), f"a line of text, at most {LONGEST} characters")
    assert isinstance(value, float | int | str)
    return float(value) if field.kind is float else value


def parse_result(text: str, item: str, plan: Plan | None) -> float | str:
    """The result of a readiness item as it was typed: a number, a length in m or a duration in s, or words.

    InputError: a number without a unit, or with another one, where the item is a time, or the placement goes by a time
    or a length: "30" could be seconds or minutes."""
    timed = _timed(item, plan)
    expected = 'a duration such as "30min"' if timed else 'a length such as "800m"'
    try:
        bare = float(text)
    except ValueError:
        return _with_unit(text, item, timed, expected)
    if timed is not None and math.isfinite(bare):
        raise InputError(Problem("readiness", item, f"{text} without a unit", expected))
    return bare


def _with_unit(text: str, item: str, timed: bool | None, expected: str) -> float | str:
    try:
        extent = parse_extent(text)
    except PydanticCustomError:
        return text
    if timed is not None and extent.is_time is not timed:
        raise InputError(Problem("readiness", item, _shown(text), expected))
    return extent.value


def _timed(name: str, plan: Plan | None) -> bool | None:
    """Whether a result is a time; False: a length; None: it may be anything."""
    if plan is None:
        return None
    if name == PLACEMENT and plan.placement is not None:
        return any(step.below is not None and step.below.is_time for step in plan.placement.map)
    items = plan.readiness.item if plan.readiness else []
    return True if any(item.id == name and isinstance(item, WalkItem | HoldItem) for item in items) else None


def _typed(field: Field, text: str) -> object:
    if field.kind is bool:
        return YES_NO.get(text.lower(), text)
    if field.kind is float:
        try:
            return float(text.replace(",", "."))
        except ValueError:
            return text
    return text


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)[:40]


def check_fact(fact: Fact, plan: Plan | None, *, runs: Sequence[str]) -> None:
    """Raises InputError for a fact that does not fit the plan or the runs that are known."""
    match fact:
        case CheckIn():
            _check_in(fact, runs)
        case Approval():
            _decision(fact, plan)
        case Tested():
            _test(fact, plan)
        case Exercised():
            _exercise(fact, plan)
        case RunFact():
            _mileage(fact)
        case Noted():
            _words("note", kind=fact.what, who=fact.who)
            _text("note", "text", fact.text, LONGEST_NOTE)
        case Revision() | Retraction():
            _words(fact.KIND, who=fact.who, reason=fact.reason)
        case HistoryKnown():
            _words("history", who=fact.who)


def _exercise(fact: Exercised, plan: Plan | None) -> None:
    known = [exercise.id for exercise in plan.exercise] if plan else []
    if plan and plan.schedule.cross_training:
        known += plan.schedule.cross_training.allowed
    _known("exercise", "what", fact.what, known)
    _within("exercise", "minutes", fact.minutes, 0.0, 1440.0)
    _within("exercise", "rpe", fact.rpe, 0.0, 10.0)
    _within("exercise", "pain", fact.pain, 0.0, 10.0)


def _mileage(fact: RunFact) -> None:
    if fact.source != "manual" or not fact.distance_m or fact.distance_m <= 0:
        raise InputError(Problem("mileage", "distance", str(fact.distance_m), "a distance of more than zero"))
    if not fact.distance_m <= FARTHEST_M:
        found = f"{fact.distance_m / 1000:g} km"
        raise InputError(Problem("mileage", "distance", found, f"at most {FARTHEST_M / 1000:g} km"))
    if not 0 <= fact.end_wall_ns - fact.at_wall_ns <= DAY_NS:
        found = f"a run of {(fact.end_wall_ns - fact.at_wall_ns) / (DAY_NS / 24):.6g} h"
        raise InputError(Problem("mileage", "duration", found, "24 h at most"))


def _check_in(fact: CheckIn, runs: Sequence[str]) -> None:
    if not fact.answers:
        raise InputError(Problem("check-in", "", "no answer", "one at least"))
    problems: list[Problem] = []
    for name, value in fact.answers.items():
        try:
            check_answer(name, value)
        except ValueError as error:
            found, expected = error.args
            problems.append(Problem("check-in", name, found, expected))
    if problems:
        raise InputError(problems)
    if fact.run is not None:
        _known("check-in", "run", fact.run, runs)


def _decision(fact: Approval, plan: Plan | None) -> None:
    _words("decision", who=fact.who, reason=fact.reason)
    needs_stage = fact.verdict is Verdict.SET_STAGE
    if needs_stage != (fact.stage is not None):
        found = f"{fact.verdict.value} " + ("without a stage" if needs_stage else f"with stage {fact.stage}")
        raise InputError(Problem("decision", "stage", found, "a stage with set_stage, and only there"))
    if fact.stage is not None:
        _known("decision", "stage", fact.stage, [stage.id for stage in plan.stage] if plan else [])


def _test(fact: Tested, plan: Plan | None) -> None:
    items: dict[str, ReadinessItem | None] = (
        {item.id: item for item in plan.readiness.item} if plan and plan.readiness else {}
    )
    if plan and plan.placement:
        items[PLACEMENT] = None
    _known("readiness", "item", fact.item, list(items))
    item = items[fact.item]
    _words("readiness", who=fact.who)
    _within("readiness", f"{fact.item}, pain", fact.pain, 0.0, 10.0)
    if fact.passed is not None and not isinstance(item, ClinicianItem):
        kind = PLACEMENT if item is None else item.kind
        raise InputError(Problem("readiness", fact.item, "a tick", f"a value: it is of kind {kind}"))
    _result(fact, item)
    sided = isinstance(item, LsiItem) or (isinstance(item, RepsItem | HoldItem) and item.each_side)
    if sided and fact.side is None:
        raise InputError(Problem("readiness", fact.item, "no side", "left or right: it is tested on each side"))


def _result(fact: Tested, item: ReadinessItem | None) -> None:
    """A result that could never pass nor fail would be forgotten without a word."""
    if isinstance(item, WeeksItem | PainFreeItem):
        follows = "the date in the plan" if isinstance(item, WeeksItem) else "check-ins"
        raise InputError(Problem("readiness", fact.item, "a result", f"none: it follows from {follows}"))
    if isinstance(item, ClinicianItem):
        if fact.passed is None:
            found = "no result" if fact.value is None else _shown(fact.value)
            raise InputError(Problem("readiness", fact.item, found, "a clinician's tick: yes or no"))
        return
    if fact.value is None and not (isinstance(item, NrsItem) and fact.pain is not None):
        raise InputError(Problem("readiness", fact.item, "no result", "a value, or a clinician's tick"))
    if isinstance(item, GradeItem):
        _known("readiness", fact.item, str(fact.value), item.scale)
    elif isinstance(fact.value, str):
        raise InputError(
            Problem("readiness", fact.item, _shown(fact.value), 'a number, or one with its unit, as "30min"')
        )
    else:
        high = 10.0 if isinstance(item, NrsItem) else MOST
        _within("readiness", fact.item, fact.value, 0.0, high)


def _words(place: str, **texts: str) -> None:
    for name, text in texts.items():
        _text(place, name, text, LONGEST)


def _text(place: str, name: str, text: str, longest: int) -> None:
    if not text.strip() or not text.isprintable() or len(text) > longest:
        raise InputError(Problem(place, name, repr(text[:20]), f"a line of text, at most {longest} characters"))


def _within(place: str, name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise InputError(Problem(place, name, f"{value:g}", f"{low:g} to {high:g}"))


def _known(place: str, key: str, name: str, known: Sequence[str]) -> None:
    if name in known:
        return
    close = difflib.get_close_matches(name, known, n=1)
    listed = ", ".join(known[-8:]) if known else "none is known"
    raise InputError(Problem(place, key, repr(name), f"{close[0]}, perhaps?" if close else f"one of: {listed}"))


def _field(name: str) -> Field:
    field = field_of(name)
    if field is None or not field.asked:
        known = [known.name for known in FIELDS.values() if known.asked]
        close = difflib.get_close_matches(name, known, n=1)
        raise ValueError(f"no question {name}", f"{close[0]}, perhaps?" if close else "one of: " + ", ".join(known))
    return field
