"""Answers on their way in: about which run they are when nobody said."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensord.errors import InputError
from sensord.incoming_facts import LAST_RUN_WITHIN_S, keep_fact
from sensord.model import NS
from sensord.plan.facts import CheckIn, Key, Moment, RunFact
from sensord.store import Store
from tests.test_store_facts import BEGUN, NOBODY, ended

END = BEGUN + 700 * NS


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with contextlib.closing(Store.open(tmp_path / "a.db", gateway="gw-a")) as opened:
        yield opened


def kept(store: Store, at_wall_ns: int, moment: Moment, run: str | None = None) -> tuple[str | None, Moment]:
    fact = keep_fact(store, "anna", CheckIn(NOBODY, at_wall_ns, moment, run, {"pain.after": 1.0}))
    assert isinstance(fact, CheckIn)
    return fact.run, fact.moment


def test_an_answer_is_about_the_last_run(store: Store) -> None:
    ended(store, "r1", BEGUN)
    ended(store, "r2", BEGUN + 3600 * NS)
    ended(store, "r3", BEGUN + 3600 * NS, runner="berta")
    assert kept(store, END, Moment.AFTER) == ("r1", Moment.AFTER)
    assert kept(store, END + 3600 * NS, Moment.NEXT_MORNING) == ("r2", Moment.NEXT_MORNING)
    assert kept(store, END + 3600 * NS, Moment.AFTER, "r1") == ("r1", Moment.AFTER)


def test_days_later_it_is_about_the_day(store: Store) -> None:
    ended(store, "r1", BEGUN)
    last = END + LAST_RUN_WITHIN_S * NS
    assert kept(store, last, Moment.AFTER) == ("r1", Moment.AFTER)
    assert kept(store, last + 1, Moment.AFTER) == (None, Moment.DAILY)
    assert kept(store, BEGUN - 1, Moment.AFTER) == (None, Moment.DAILY)


def test_before_a_run_and_about_a_day_no_run_is_meant(store: Store) -> None:
    ended(store, "r1", BEGUN)
    assert kept(store, END, Moment.BEFORE) == (None, Moment.BEFORE)
    assert kept(store, END, Moment.DAILY) == (None, Moment.DAILY)


def test_a_run_entered_by_hand_can_be_meant(store: Store) -> None:
    keep_fact(store, "anna", RunFact(NOBODY, BEGUN, END, "manual-1", "manual", distance_m=3000.0))
    assert kept(store, END + NS, Moment.AFTER) == ("manual-1", Moment.AFTER)


def test_a_run_that_is_not_hers_is_refused(store: Store) -> None:
    ended(store, "r3", BEGUN, runner="berta")
    with pytest.raises(InputError, match="none is known"):
        kept(store, END, Moment.AFTER, "r3")


def test_keys_are_given_here(store: Store) -> None:
    fact = keep_fact(store, "anna", CheckIn(Key("elsewhere", 7), BEGUN, Moment.DAILY, None, {"pain.daily": 0.0}))
    assert fact.key == Key("gw-a", 1)
