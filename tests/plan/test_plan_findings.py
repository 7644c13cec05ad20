"""LSI out of the clinic's tests."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensord.model import Side
from sensord.plan.findings import index_pct, lsi
from sensord.plan.programme import Finding

DAY = date(2026, 3, 2)


def hop(side: str | None, value: float, *, what: str = "single-leg hop", day: int = 0, unit: str = "cm") -> Finding:
    return Finding(what=what, value=value, unit=unit, side=side, date=DAY + timedelta(days=day))


def test_injured_over_other_in_percent() -> None:
    (one,) = lsi([hop("left", 90.0), hop("right", 120.0)], Side.LEFT)
    assert (one.what, one.pct, one.days_apart, one.date) == ("single-leg hop", 75.0, 0, DAY)
    (other_way,) = lsi([hop("left", 90.0), hop("right", 120.0)], Side.RIGHT)
    assert other_way.pct == pytest.approx(133.3333, rel=1e-6)


def test_the_nearest_day_of_the_other_side_and_of_two_the_earlier() -> None:
    tests = [hop("right", 100.0, day=-10), hop("right", 110.0, day=-2), hop("right", 120.0, day=2)]
    (one,) = lsi([*tests, hop("left", 99.0)], Side.LEFT)
    assert (one.other.value, one.pct, one.days_apart, one.date) == (110.0, pytest.approx(90.0), 2, DAY)
    (later,) = lsi([*tests, hop("left", 60.0, day=3)], Side.LEFT)
    assert (later.pct, later.days_apart, later.date) == (50.0, 1, DAY + timedelta(days=3))


def test_of_one_day_the_last_counts_and_names_are_compared_without_capitals_and_blanks() -> None:
    tests = [
        hop("left", 10.0),
        hop("left", 20.0, what="Single-leg  HOP "),
        hop("right", 40.0),
        hop("left", 5.0, what="quads"),
    ]
    (one,) = lsi(tests, Side.LEFT)
    assert one.pct == 50.0


@pytest.mark.parametrize("side", [None, Side.LEFT, Side.RIGHT])
def test_without_two_sides_there_is_none(side: Side | None) -> None:
    assert lsi([hop("left", 10.0), hop(None, 10.0), hop("right", 9.0, what="quads")], side) == ()


@pytest.mark.parametrize(("other", "unit"), [(0.0, "cm"), (-5.0, "cm"), (5.0, "in")])
def test_what_cannot_be_compared_has_no_percent(other: float, unit: str) -> None:
    (one,) = lsi([hop("left", 10.0), hop("right", other, unit=unit)], Side.LEFT)
    assert one.pct is None


values = st.floats(0.1, 1000.0)


@given(values, values, st.lists(st.tuples(st.sampled_from(["left", "right", None]), values), max_size=6))
def test_the_two_sides_are_each_other_s_inverse(left: float, right: float, more: list) -> None:
    tests = [hop("left", left), hop("right", right)]
    (one,), (other,) = lsi(tests, Side.LEFT), lsi(tests, Side.RIGHT)
    assert one.pct is not None
    assert other.pct is not None
    assert one.pct * other.pct == pytest.approx(10_000.0)
    others = [hop(side, value, what="quads", day=index) for index, (side, value) in enumerate(more)]
    assert [found.pct for found in lsi([*others, *tests], Side.LEFT) if found.what != "quads"] == [one.pct]


def test_a_side_that_can_do_nothing_is_0_percent_of_the_other() -> None:
    assert index_pct(0.0, 50.0) == 0.0
    assert index_pct(45.0, 50.0) == 90.0
    assert index_pct(45.0, 0.0) is index_pct(-45.0, 50.0) is None
