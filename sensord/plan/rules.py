"""What the rules of a plan come to, for what is known of a run or a day.

All rules are looked at. Of those that apply the lowest step, the longest rest, the loudest alert and any hold count.
Result: hold if any rule holds; else the step, where one sets it; else success if all conditions of `advance` are true;
else repeat. What nobody answered satisfies no condition but a comparison with `missing`, and that one only once the
time to answer is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sensord.plan.fields import Answer
from sensord.plan.ladder import Recovery, Rule
from sensord.plan.when import Condition

ALERTS = ("info", "warn", "stop", "urgent")
"""Quietest first."""


@dataclass(frozen=True, slots=True)
class Combined:
    """What rules lead to together. `step` None: none of them says anything about the stage."""

    rules: tuple[str, ...] = ()
    step: int | None = None
    rest_days: int = 0
    until_clear: bool = False  # no run until pain 0 in daily life
    holding: tuple[str, ...] = ()  # the rules that hold
    end_session: bool = False
    alert: str | None = None

    @property
    def hold(self) -> bool:
        """Whether nothing goes on."""
        return bool(self.holding)


NOTHING = Combined()
"""No rule applies."""


def fired(
    rules: Iterable[Rule], known: Mapping[str, Answer], *, before: Callable[[Rule], bool], over: bool
) -> tuple[Rule, ...]:
    """The rules that apply. `before`: whether a rule with `within` was true before, in that time; `over`: nothing more
    is waited for, so that what is missing is missing."""
    return tuple(rule for rule in rules if true_of(rule, known, over=over) and (rule.within is None or before(rule)))


def true_of(rule: Rule | Recovery, known: Mapping[str, Answer], *, over: bool) -> bool:
    """Whether all of its conditions are true."""
    return all((over or condition.value is not None) and true(condition, known) for condition in rule.when)


def true(condition: Condition, known: Mapping[str, Answer]) -> bool:
    """Whether a condition is true of what is known, under the names that `Condition.field` has."""
    answer = known.get(condition.field)
    if answer is None:
        return condition.value is None and condition.holds(known)
    return _holds(condition, answer)


@lru_cache(
    maxsize=4096, typed=True
)  # years of answers are gone through again and again, and they are few different ones
def _holds(condition: Condition, answer: Answer) -> bool:
    return condition.holds({condition.field: answer})


def combine(rules: Iterable[Rule]) -> Combined:
    """The worst of each."""
    applied = tuple(rules)
    if not applied:
        return NOTHING
    thens = [rule.then for rule in applied]
    return Combined(
        rules=tuple(rule.id for rule in applied),
        step=min((then.step for then in thens if then.step is not None), default=None),
        rest_days=max((then.rest_days or 0 for then in thens), default=0),
        until_clear=any(then.rest is not None for then in thens),
        holding=tuple(rule.id for rule in applied if rule.then.hold is not None),
        end_session=any(then.end_session for then in thens),
        alert=max((then.alert for then in thens if then.alert is not None), key=ALERTS.index, default=None),
    )


def outcome(combined: Combined, *, success: bool) -> str:
    """hold, lower, repeat or success."""
    if combined.hold:
        return "hold"
    if combined.step is not None:
        return "lower" if combined.step < 0 else "repeat"
    return "success" if success else "repeat"


def unmet(conditions: Iterable[Condition], known: Mapping[str, Answer]) -> tuple[str, ...]:
    """Those that are not true, in words, and which of them nobody can tell."""
    return tuple(
        condition.text if condition.field in known else f"{condition.text} (not known)"
        for condition in conditions
        if not true(condition, known)
    )


def min_gap_s(classes: Iterable[Recovery], known: Mapping[str, Answer], *, over: bool) -> tuple[float, str] | None:
    """The longest wait of the recovery classes that apply, and the class's name."""
    gaps = [(recovery.min_gap, recovery.id) for recovery in classes if true_of(recovery, known, over=over)]
    return max(gaps, default=None)
