"""Answers on their way in: about which run they are when nobody said."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from ulid import ULID

from sensord.errors import InputError
from sensord.incoming_facts import JUST_ENDED_S, LAST_RUN_WITHIN_S, keep_fact
from sensord.model import NS
from sensord.plan.facts import CheckIn, Exercised, Key, Moment, Revision, RunFact
from sensord.plan_book import plan_on_file, standing_of
from sensord.store import Store
from sensord.store_facts import add_fact, facts
from tests.test_store_facts import BEGUN, NOBODY, ended

END = BEGUN + 700 * NS

PLAN = """
schema = "rtr-plan/1"
id = "p"
title = "t"
[runner]
alias = "anna"
[[stage]]
id = "1"
session = [{do = "5x(walk 4min, run 1min)"}]
[[rule]]
id = "night"
when = ["night_pain == true"]
then = {rest_days = 2}
"""


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


def test_about_a_day_no_run_is_meant(store: Store) -> None:
    ended(store, "r1", BEGUN)
    assert kept(store, END, Moment.DAILY) == (None, Moment.DAILY)


def test_what_was_before_a_run_is_about_the_one_that_has_just_ended_or_the_next(store: Store) -> None:
    ended(store, "r1", BEGUN)
    assert kept(store, BEGUN - 1, Moment.BEFORE) == (None, Moment.BEFORE)
    assert kept(store, END, Moment.BEFORE) == ("r1", Moment.BEFORE)
    last = END + JUST_ENDED_S * NS
    assert kept(store, last, Moment.BEFORE) == ("r1", Moment.BEFORE)
    assert kept(store, last + 1, Moment.BEFORE) == (None, Moment.BEFORE)


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


@pytest.mark.parametrize("at_wall_ns", [0, -1, 631_152_000 * NS - 1, 4_133_980_800 * NS + 1, 10**30])
def test_a_time_that_nobody_can_mean_is_refused(store: Store, at_wall_ns: int) -> None:
    with pytest.raises(InputError, match="a time between 1990 and 2100"):
        kept(store, at_wall_ns, Moment.DAILY)
    assert not facts(store, "anna")


def test_a_clock_behind_hers_loses_no_answer(store: Store) -> None:
    assert kept(store, time.time_ns() + 3600 * NS, Moment.DAILY) == (None, Moment.DAILY)


def test_an_answer_is_kept_although_the_newest_revision_cannot_be_read(store: Store) -> None:
    newer = "schema = 'rtr-plan/9'"
    for number, text in enumerate((PLAN, newer)):
        add_fact(store, "anna", Revision(NOBODY, BEGUN + number, text, str(number), "PT", "begin"))
    assert kept(store, BEGUN + 10, Moment.DAILY) == (None, Moment.DAILY)
    plan = plan_on_file(store, "anna")
    assert plan is not None
    assert plan.id == "p"
    with pytest.raises(InputError, match="exercise"):  # what it is checked against is the plan before
        keep_fact(store, "anna", Exercised(NOBODY, BEGUN + 11, "juggling"))


def test_without_any_plan_that_can_be_read_there_is_none(store: Store) -> None:
    assert plan_on_file(store, "anna") is None
    add_fact(store, "anna", Revision(NOBODY, BEGUN, "schema = 'rtr-plan/9'", "0", "PT", "begin"))
    assert plan_on_file(store, "anna") is None


def test_days_begin_in_the_zone_of_the_plan_that_counts(store: Store) -> None:
    """Not in that of this computer, whatever its settings name: all gateways say the same."""
    text = PLAN.replace('alias = "anna"', 'alias = "anna"\ntimezone = "Pacific/Kiritimati"')
    add_fact(store, "anna", Revision(NOBODY, BEGUN, text, "0", "PT", "begin"))
    add_fact(store, "anna", CheckIn(NOBODY, BEGUN + NS, Moment.DAILY, None, {"night_pain": True}))
    standing = standing_of(store, "anna", None, BEGUN + 2 * NS)
    assert standing is not None
    rest = [decision.rest_until_ns for decision in standing.decisions if decision.rest_until_ns]
    midnight = datetime.fromtimestamp(rest[0] / NS, ZoneInfo("Pacific/Kiritimati"))
    assert (midnight.hour, midnight.minute) == (0, 0)


ULID_OF_BEGUN = str(ULID.from_timestamp(BEGUN / NS))
"""Of a run that was armed at that time, by a clock that could not be trusted."""


def test_a_run_whose_clock_was_not_set_is_the_one_that_is_meant(store: Store) -> None:
    """A gateway without a clock of its own asks about the run, and takes the answers for it."""
    add_fact(store, "anna", Revision(NOBODY, BEGUN - 60 * NS, PLAN, "0", "PT", "begin"))
    ended(store, ULID_OF_BEGUN, None)
    assert kept(store, BEGUN + 900 * NS, Moment.AFTER) == (ULID_OF_BEGUN, Moment.AFTER)
    standing = standing_of(store, "anna", None, BEGUN + 1000 * NS)
    assert standing is not None
    assert [decision.run for decision in standing.decisions] == [None, ULID_OF_BEGUN]


def test_its_time_is_never_before_the_run_before_it_nor_ahead(store: Store) -> None:
    ended(store, "r1", BEGUN + 3600 * NS)
    ended(store, ULID_OF_BEGUN, None)
    ended(store, str(ULID.from_timestamp(4e9)), None)
    first, behind, ahead = (fact for fact in facts(store, "anna") if isinstance(fact, RunFact))
    assert behind.at_wall_ns == first.at_wall_ns
    assert BEGUN < ahead.end_wall_ns <= time.time_ns()
    assert not behind.clock_trusted
    assert not ahead.clock_trusted
