"""Whether she is ready for the first stage: each item of the checklist, from what was tested, told and ticked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta, tzinfo
from enum import StrEnum
from math import ceil

from sensord.model import NS
from sensord.plan.cases import Told
from sensord.plan.days import local_date, midnight_ns
from sensord.plan.facts import Tested
from sensord.plan.findings import index_pct
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
    ScoreItem,
    WalkItem,
    WeeksItem,
)
from sensord.plan.quantity import Extent

PLACEMENT = "placement"
"""The name under which the result of the placement test is told: m or s, as its map asks for."""

SIDES = ("left", "right")


class Passed(StrEnum):
    """Where an item stands."""

    PASSED = "passed"
    FAILED = "failed"
    UNANSWERED = "unanswered"
    DUE_AGAIN = "due again"


@dataclass(slots=True)
class Tests:
    """The newest result of each item, of each side. Facts are taken in the order of time."""

    found: dict[str, dict[str | None, Tested]] = field(default_factory=dict)

    def take(self, test: Tested) -> None:
        """Remember a result; of a later one of the same side the later counts."""
        self.found.setdefault(test.item, {})[test.side] = test

    def of(self, item: str) -> Mapping[str | None, Tested]:
        """By side; None: no side was told."""
        return self.found.get(item, {})

    def newest(self, item: str) -> Tested | None:
        """Of whatever side."""
        return max(self.of(item).values(), key=lambda test: (test.at_wall_ns, test.key), default=None)


def ready(plan: Plan, tests: Tests, told: Told, now_ns: int, tz: tzinfo) -> dict[str, str]:
    """Where each item stands, by its id; the placement test among them where the plan has one."""
    found: dict[str, str] = {}
    if plan.readiness is not None:
        for item in plan.readiness.item:
            status = _item(item, plan, tests, told, local_date(now_ns, tz))
            newest = tests.newest(item.id)
            after = plan.readiness.retest_after
            if status is Passed.FAILED and newest is not None and after is not None:
                due = now_ns >= newest.at_wall_ns + round(after * NS)
                status = Passed.DUE_AGAIN if due else status
            found[item.id] = status.value
    if plan.placement is not None:
        placed = placement(plan, tests) is not None
        found[PLACEMENT] = (Passed.PASSED if placed else Passed.UNANSWERED).value
    return found


def is_ready(plan: Plan, found: Mapping[str, str]) -> bool:
    """Whether enough items have passed. A plan without a checklist asks for nothing."""
    if plan.readiness is None:
        return True
    passed = sum(found[item.id] == Passed.PASSED.value for item in plan.readiness.item)
    need = plan.readiness.need
    wanted = {"all": len(plan.readiness.item), "any": 1}.get(str(need))
    return passed >= (int(need) if wanted is None else wanted)


def placement(plan: Plan, tests: Tests) -> str | None:
    """The stage at which the placement test lets her begin; None: not tested, or no result that its map knows."""
    test = tests.newest(PLACEMENT)
    value = _number(test)
    if plan.placement is None or value is None:
        return None
    timed = next((step.below.is_time for step in plan.placement.map if step.below is not None), False)
    return plan.placement.stage_for(Extent(time_s=value) if timed else Extent(distance_m=value))


def turns_ready_ns(plan: Plan, tz: tzinfo) -> list[int]:
    """When items pass by time alone: weeks since a date."""
    items = plan.readiness.item if plan.readiness is not None else []
    days = [_weeks_over(item, plan) for item in items if isinstance(item, WeeksItem)]
    return [midnight_ns(day, tz) for day in days if day is not None]


def _weeks_over(item: WeeksItem, plan: Plan) -> date | None:
    since: date | None = getattr(plan.runner, item.ref)
    return None if since is None else since + timedelta(days=ceil(item.min * 7))


def _item(item: ReadinessItem, plan: Plan, tests: Tests, told: Told, today: date) -> Passed:
    match item:
        case WeeksItem():
            day = _weeks_over(item, plan)
            return _passed(None if day is None else today >= day)
        case PainFreeItem():
            return _pain_free(item, told, today)
        case LsiItem():
            return _passed(_lsi(item, plan, tests))
        case RepsItem() | HoldItem() if item.each_side:
            return _both([_one(item, tests.of(item.id).get(side)) for side in SIDES])
        case _:
            return _passed(_one(item, tests.newest(item.id)))


def _passed(verdict: bool | None) -> Passed:
    if verdict is None:
        return Passed.UNANSWERED
    return Passed.PASSED if verdict else Passed.FAILED


def _both(verdicts: list[bool | None]) -> Passed:
    """One side that did not pass is enough; a side that is missing is not."""
    if False in verdicts:
        return Passed.FAILED
    return _passed(None if None in verdicts else True)


def _pain_free(item: PainFreeItem, told: Told, today: date) -> Passed:
    if not told.daily:
        return Passed.UNANSWERED
    return _passed(told.pain_free_days(today) >= item.min)


def _lsi(item: LsiItem, plan: Plan, tests: Tests) -> bool | None:
    """By the limb symmetry index; a plan without an injured side has none. No index has not passed."""
    sides = tests.of(item.id)
    injured = plan.runner.injured_side
    left, right = (_number(sides.get(side)) for side in SIDES)
    if injured is None or left is None or right is None:
        return None
    hurt, other = (left, right) if injured.value == "left" else (right, left)
    pct = index_pct(hurt, other)
    return pct is not None and pct >= item.min_pct


def _one(item: ReadinessItem, test: Tested | None) -> bool | None:
    """What one result says; None: it does not say all that the item asks for."""
    if test is None:
        return None
    verdict = None  # weeks, pain-free days and both sides are not told by one result
    match item:
        case ClinicianItem():
            verdict = test.passed
        case GradeItem() if test.value in item.scale:
            verdict = item.scale.index(str(test.value)) <= item.scale.index(item.max)
        case NrsItem():
            verdict = _nrs(item, _number(test) if test.pain is None else test.pain)
        case ScoreItem():
            verdict = _between(_number(test), item.min, item.max)
        case WalkItem():
            verdict = _all(_at_least(test, item.min), _pain(test, item.max_pain), _gait(item, test))
        case RepsItem() | HoldItem():
            verdict = _all(_at_least(test, item.min), _pain(test, item.max_pain))
    return verdict


def _nrs(item: NrsItem, pain: float | None) -> bool | None:
    if pain is None:
        return None
    return pain < item.max if item.strictly_below else pain <= item.max


def _number(test: Tested | None) -> float | None:
    return float(test.value) if test is not None and isinstance(test.value, float | int) else None


def _at_least(test: Tested, least: float) -> bool | None:
    value = _number(test)
    return None if value is None else value >= least


def _between(value: float | None, low: float | None, high: float | None) -> bool | None:
    if value is None:
        return None
    return (low is None or value >= low) and (high is None or value <= high)


def _pain(test: Tested, most: float | None) -> bool | None:
    if most is None:
        return True
    return None if test.pain is None else test.pain <= most


def _gait(item: WalkItem, test: Tested) -> bool | None:
    if item.gait is None:
        return True
    return None if test.gait is None else test.gait == item.gait


def _all(*verdicts: bool | None) -> bool | None:
    """What failed has failed, whatever is missing."""
    if False in verdicts:
        return False
    return None if None in verdicts else True
