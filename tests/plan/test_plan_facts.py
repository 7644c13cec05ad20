"""Facts: stored and read back, laid together in any order."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensord.model import canonical_json
from sensord.plan.facts import (
    KINDS,
    Approval,
    CheckIn,
    Exercised,
    Fact,
    HistoryKnown,
    Key,
    Moment,
    Noted,
    Retraction,
    Revision,
    RunFact,
    Verdict,
    fact_of,
    fact_payload,
    union,
)
from sensord.plan.facts import Tested as Result

names = st.text("abcdef.", min_size=1, max_size=6)
times = st.integers(0, 50)
numbers = st.floats(0, 1e6, allow_nan=False)
answers = st.dictionaries(names, st.one_of(numbers, st.booleans(), names), max_size=3)
keys = st.builds(Key, st.sampled_from("ab"), st.integers(1, 9))


def maybe(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(st.none(), strategy)


runs = st.builds(
    lambda gateway, run, at, **values: RunFact(Key(gateway, 0, run), at, at + 5, run, "pods", **values),
    st.sampled_from("ab"),
    st.sampled_from(["r1", "r2"]),
    times,
    clock_trusted=st.booleans(),
    distance_m=maybe(numbers),
    steps=maybe(st.integers(0, 9000)),
    impact_load=st.dictionaries(st.sampled_from(["left", "right"]), numbers),
    surface=maybe(names),
    measured=answers,
)
check_ins = st.builds(CheckIn, keys, times, st.sampled_from(Moment), maybe(names), answers)
revisions = st.builds(Revision, keys, times, names, names, names, names)
approvals = st.builds(Approval, keys, times, st.sampled_from(Verdict), names, names, maybe(names))
tests = st.builds(Result, keys, times, names, names, maybe(st.one_of(numbers, names)), maybe(names), maybe(numbers))
exercised = st.builds(Exercised, keys, times, names, maybe(st.integers(0, 9)), minutes=maybe(numbers))
others = st.one_of(st.builds(Noted, keys, times, names, names, names), st.builds(HistoryKnown, keys, times, names))
retractions = st.builds(
    Retraction, keys, times, st.one_of(keys, st.builds(Key, st.just("a"), st.just(0), st.just("r1"))), names, names
)
facts = st.one_of(runs, check_ins, revisions, approvals, tests, exercised, others, retractions)
logs = st.lists(facts, max_size=12)


@given(facts)
def test_a_fact_is_read_back_as_it_was(fact: Fact) -> None:
    stored = fact_payload(fact)
    assert canonical_json(stored)  # plain values only
    assert fact_of(fact.KIND, stored, fact.key, fact.at_wall_ns) == fact


def test_every_fact_there_is_can_be_stored() -> None:
    assert set(KINDS) == {
        "run", "checkin", "revision", "approval", "tested", "exercised", "noted", "history_known", "retraction",
    }  # fmt: skip


CHECK_IN = {"moment": "after", "run": "r", "answers": {"rpe": 3}}


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("wish", {}, "unknown kind of fact 'wish', expected one of: run, checkin"),
        ("checkin", [], "checkin: found [], expected a table"),
        ("checkin", {**CHECK_IN, "mood": 1}, "checkin: unknown key 'mood', expected some of: moment, run"),
        ("checkin", {"moment": "after", "run": None}, "checkin: no key 'answers'"),
        ("checkin", {**CHECK_IN, "moment": "soon"}, "checkin.moment: found 'soon', expected one of: before, during"),
        ("checkin", {**CHECK_IN, "moment": 3}, "checkin.moment: found 3, expected one of"),
        ("checkin", {**CHECK_IN, "answers": 3}, "checkin.answers: found 3, expected a table"),
        ("checkin", {**CHECK_IN, "answers": {"rpe": None}}, "expected a number"),
        ("checkin", {**CHECK_IN, "answers": {"rpe": float("nan")}}, "expected a number"),
        ("checkin", {**CHECK_IN, "run": 7}, "checkin.run: found 7, expected text"),
        ("exercised", {"what": "calf", "sets": 1.5}, "exercised.sets: found 1.5, expected a whole number"),
        ("exercised", {"what": "calf", "sets": True}, "exercised.sets: found True, expected a whole number"),
        ("exercised", {"what": "calf", "minutes": True}, "exercised.minutes: found True, expected a number"),
        ("tested", {"item": "hop", "who": "me", "passed": 1}, "tested.passed: found 1, expected true or false"),
        ("noted", {"what": "x" * 90, "text": 1, "who": "me"}, "noted.text: found 1, expected text"),
        ("noted", {"what": ["x" * 90], "text": "", "who": "me"}, "noted.what: found ['" + "x" * 35 + "..., expected"),
        ("retraction", {"of": 3, "who": "me", "reason": ""}, "Key: found 3, expected a table"),
        ("retraction", {"of": {"gateway": "a"}, "who": "me", "reason": ""}, "Key: no key 'seq'"),
    ],
)
def test_a_payload_of_another_shape_is_refused_in_words(kind: str, values: object, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        fact_of(kind, values, Key("g", 1), 0)


def test_whole_numbers_of_other_writers_become_the_same_fact() -> None:
    one = fact_of("checkin", CHECK_IN, Key("g", 1), 0)
    assert isinstance(one, CheckIn)
    assert type(one.answers["rpe"]) is float


@given(logs, st.randoms(use_true_random=False), st.integers(0, 12))
def test_logs_come_together_in_any_order_and_number(log: list[Fact], rnd: random.Random, cut: int) -> None:
    whole = union(log)
    mixed = [*log, *log[:cut]]
    rnd.shuffle(mixed)
    assert union(mixed[:cut], mixed[cut:], log[cut:]) == whole
    assert [(fact.at_wall_ns, fact.key) for fact in whole] == sorted((fact.at_wall_ns, fact.key) for fact in whole)
    assert len({fact.key for fact in whole}) == len(whole)


@given(logs)
def test_without_retractions_every_key_is_there(log: list[Fact]) -> None:
    kept = [fact for fact in log if not isinstance(fact, Retraction)]
    assert {fact.key for fact in union(kept)} == {fact.key for fact in kept}


def said(seq: int, at: int = 0) -> CheckIn:
    return CheckIn(Key("a", seq), at, Moment.DAILY, None, {"pain.daily": 0.0})


def back(seq: int, of: Key, at: int) -> Retraction:
    return Retraction(Key("b", seq), at, of, "me", "a mistake")


def test_what_is_taken_back_does_not_count_and_neither_does_a_retraction_that_was() -> None:
    fact = said(1, at=5)
    first = back(1, fact.key, at=3)  # by a clock that was behind
    second = back(2, first.key, at=9)
    assert union([fact, first]) == (first,)
    assert union([fact, first, second]) == (fact, second)
    third = back(3, second.key, at=10)
    assert union([fact, first, second, third]) == (first, third)


def test_only_a_later_retraction_takes_one_back() -> None:
    fact, key = said(1), Key("b", 2)
    early = Retraction(Key("b", 1), 1, key, "me", "")
    late = Retraction(key, 2, fact.key, "me", "")
    assert union([fact, early, late]) == (early, late)


def test_a_run_is_taken_back_from_every_gateway_that_has_it() -> None:
    here = RunFact(Key("a", 0, "r"), 1, 2, "r", "pods")
    there = RunFact(Key("b", 0, "r"), 1, 2, "r", "pods")
    other = RunFact(Key("b", 0, "s"), 1, 2, "s", "pods")
    gone = back(1, here.key, at=3)
    assert union([there, other], [here, gone]) == (other, gone)


def test_a_key_that_means_two_things_means_the_same_one_everywhere() -> None:
    one, two = said(1), said(1, at=7)
    assert union([one, two]) == union([two], [one]) == (two,)
