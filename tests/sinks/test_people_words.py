"""What a person reads: plain, honest about time, and never a promise."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensord.model import NS, Level
from sensord.plan.standing import Decision, Outcome
from sensord.sinks.letter import Letter
from sensord.sinks.notices import Notice, Phase, age_s, notice_of_decision
from sensord.sinks.people_words import SHOWN, body, subject
from sensord.sinks.receipts import code_of
from tests.sinks.people_world import NOON_NS

DECISION = Decision(
    at_wall_ns=NOON_NS, outcome=Outcome.HOLD, run=None, stage="s2", to_stage=None, rules=("night_pain",),
    why="Night pain: hold. No running until the therapist releases it.", alert="urgent",
)  # fmt: skip


def notice(**changes: object) -> Notice:
    made = notice_of_decision(DECISION, "anna")
    assert made is not None
    return replace(made, **changes)  # type: ignore[arg-type]


def letter(*notices: Notice, ages: tuple[float | None, ...] | None = None, summary: bool | None = None) -> Letter:
    several = len(notices) > 1 if summary is None else summary
    times = ages or (0.0,) * len(notices)
    return Letter(notices, times, NOON_NS, 'the plan "Back to 5 km"', "Europe/Berlin", summary=several)


notices = st.builds(
    notice,
    alert=st.uuids().map(str),
    phase=st.sampled_from(Phase),
    level=st.sampled_from([Level.INFO, Level.WARN, Level.STOP, Level.URGENT]),
    number=st.integers(0, 3),
    at_wall_ns=st.one_of(st.none(), st.integers(0, 2**62)),
)


@given(st.lists(notices, min_size=1, max_size=SHOWN + 5), st.booleans(), st.one_of(st.none(), st.floats(0, 1e8)))
def test_no_letter_promises_anything_and_no_subject_says_more_than_alias_and_level(
    told: list[Notice], full: bool, age: float | None
) -> None:
    one = letter(*told, ages=(age,) * len(told))
    text = body(one, full=full)
    for word in ("injury risk", "bone load", "diagnos", "safe", "OK", "None"):
        assert not re.search(rf"\b{word}", text), word
    assert re.fullmatch(
        r"sensord: anna: ((summary, \d+ messages, up to )?(info|warn|stop|urgent)(, reminder| ended)?)", subject(one)
    )
    if not full:
        assert DECISION.why not in text
        assert "Plan decision" not in text
    urgent = [n for n in told if n.level is Level.URGENT and n.phase is not Phase.RECOVERY]
    assert text.count("sensord ack ") == min(len(urgent), SHOWN)
    assert all(code_of(n.alert) in text for n in urgent[:SHOWN])


def test_a_decision_says_who_decided_and_a_reminder_that_it_is_one() -> None:
    text = body(letter(notice()), full=True)
    assert text.startswith(f"Plan decision\n{DECISION.why}\n\nRunner: anna. Level: urgent. When: 2025-11-25 12:00.\n")
    assert 'Decided by the rules of the plan "Back to 5 km".' in text
    again = body(letter(notice(phase=Phase.REMINDER, number=2), ages=(900.0,)), full=True)
    assert "Said again: it still lasts." in again
    assert "Late" not in again


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (11, "11 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (7199, "120 min"),
        (7200, "2 h"),
        (172_799, "48 h"),
        (172_800, "2 d"),
    ],
)
def test_ages_are_in_the_largest_unit_that_says_something(age: float, expected: str) -> None:
    assert f"Late: this happened {expected} before it was sent." in body(letter(notice(), ages=(age,)), full=True)


def test_a_time_that_nobody_knows_is_not_made_up() -> None:
    unknown = notice(at_wall_ns=None)
    assert "When: not known, the clock could not be trusted." in body(letter(unknown, ages=(None,)), full=True)
    text = body(letter(unknown, ages=(None,), summary=True), full=True)
    assert text.startswith("1 message that was kept back or could not be sent:\n")
    assert " ago" not in text
    assert subject(letter(unknown, summary=True)) == "sensord: anna: summary, 1 message, up to urgent"


def test_an_age_is_by_the_runs_own_clock_while_it_is_on() -> None:
    assert age_s(notice(), NOON_NS + 5 * NS, 77) == 5.0
    assert age_s(notice(at_wall_ns=None), NOON_NS, None) is None
