"""Rules of a plan taken together: the worst of each counts, and the table of outcomes."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensord.plan.ladder import Recovery, Rule, Then
from sensord.plan.rules import ALERTS, NOTHING, Combined, combine, fired, min_gap_s, outcome, true_of, unmet
from sensord.plan.when import parse_condition

thens = st.builds(
    lambda values: {name: value for name, value in values.items() if value is not None},
    st.fixed_dictionaries(
        {
            "step": st.one_of(st.none(), st.integers(-3, 0)),
            "rest_days": st.one_of(st.none(), st.integers(0, 5)),
            "rest": st.sampled_from([None, "until pain 0 in daily life"]),
            "end_session": st.booleans(),
            "hold": st.sampled_from([None, "therapist"]),
            "alert": st.sampled_from([None, *ALERTS]),
        }
    ),
).filter(lambda values: values != {"end_session": False})


def rule(name: str, *when: str, **then: object) -> Rule:
    return Rule.model_validate({"id": name, "when": list(when) or ["rpe >= 1"], "then": then})


@given(st.lists(thens, min_size=1, max_size=4))
def test_the_worst_of_each_counts_in_whatever_order(made: list[dict]) -> None:
    rules = [rule(f"r{number}", **then) for number, then in enumerate(made)]
    found = combine(rules)
    steps = [then["step"] for then in made if "step" in then]
    assert found.step == (min(steps) if steps else None)
    assert found.rest_days == max(then.get("rest_days", 0) for then in made)
    assert found.hold is any("hold" in then for then in made)
    assert found.until_clear is any("rest" in then for then in made)
    assert found.end_session is any(then["end_session"] for then in made)
    alerts = [ALERTS.index(then["alert"]) for then in made if "alert" in then]
    assert found.alert == (ALERTS[max(alerts)] if alerts else None)
    for order in permutations(rules):
        other = combine(order)
        assert (other.step, other.rest_days, other.hold, other.alert) == (
            found.step,
            found.rest_days,
            found.hold,
            found.alert,
        )


def test_no_rule_leads_to_nothing() -> None:
    assert combine([]) == NOTHING == Combined()


@pytest.mark.parametrize(
    ("combined", "success", "result"),
    [
        (Combined(holding=("a",), step=-1), True, "hold"),
        (Combined(step=-1), True, "lower"),
        (Combined(step=0), True, "repeat"),
        (Combined(alert="warn"), True, "success"),
        (Combined(), False, "repeat"),
    ],
)
def test_the_order_of_outcomes(combined: Combined, success: bool, result: str) -> None:
    assert outcome(combined, success=success) == result


def test_what_is_missing_is_missing_once_the_time_is_over() -> None:
    silent = rule("silent", "pain.next_morning == missing", step=0)
    assert not true_of(silent, {}, over=False)
    assert true_of(silent, {}, over=True)
    assert not true_of(silent, {"pain.next_morning": 0.0}, over=True)
    both = rule("both", "pain.during >= 1", "pain.next_morning == missing", step=0)
    assert not true_of(both, {}, over=True)
    assert true_of(both, {"pain.during": 1.0}, over=True)
    told = rule("told", "pain.during != missing", step=0)
    assert (true_of(told, {}, over=True), true_of(told, {"pain.during": 0.0}, over=True)) == (False, True)


@given(st.sampled_from(["pain.during", "rpe", "effusion", "gait_altered"]), st.sampled_from(["==", "!="]))
def test_what_nobody_answered_satisfies_nothing(field: str, op: str) -> None:
    value = {"effusion": "'1+'", "gait_altered": "true"}.get(field, "1")
    assert not true_of(rule("r", f"{field} {op} {value}", step=0), {}, over=True)
    assert unmet([parse_condition(f"{field} {op} {value}")], {}) == (f"{field} {op} {value} (not known)",)


def test_a_number_is_not_taken_for_a_yes() -> None:
    yes, one = rule("yes", "gait_altered == true", step=0), rule("one", "pain.during == 1", step=0)
    for _ in range(2):  # what was worked out for the one is not used for the other
        assert true_of(yes, {"gait_altered": True}, over=False)
        assert not true_of(yes, {"gait_altered": 1.0}, over=False)
        assert true_of(one, {"pain.during": 1.0}, over=False)
        assert not true_of(one, {"pain.during": True}, over=False)


def test_a_rule_that_looks_back_needs_a_first_time() -> None:
    twice = Rule.model_validate({"id": "t", "when": ["rpe >= 1"], "within": "14d", "then": {"hold": "therapist"}})
    once = rule("o", step=0)
    assert fired([twice, once], {"rpe": 2.0}, before=lambda _: False, over=False) == (once,)
    assert fired([twice, once], {"rpe": 2.0}, before=lambda _: True, over=False) == (twice, once)


def test_the_longest_wait_counts() -> None:
    classes = [
        Recovery.model_validate({"id": name, "when": [f"rpe >= {least}"], "min_gap": gap})
        for name, least, gap in (("light", 0, "24h"), ("hard", 5, "72h"), ("medium", 3, "48h"))
    ]
    assert min_gap_s(classes, {"rpe": 6.0}, over=False) == (72 * 3600.0, "hard")
    assert min_gap_s(classes, {"rpe": 3.0}, over=False) == (48 * 3600.0, "medium")
    assert min_gap_s(classes, {}, over=True) is None


def test_a_rule_leads_to_something() -> None:
    assert combine([rule("r", end_session=True)]).end_session
    assert Then(step=0).step == 0
