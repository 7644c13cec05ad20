"""The ledger itself: what is missing is seen, and counted only where that is allowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensord.errors import LinkReason
from tests.rig.ledger import Ledger
from tests.rig.sent import Entry

POD = "C0"


def book(received: list[Entry]) -> Ledger:
    ledger = Ledger()
    ledger.links[POD] = [list(received)]
    ledger._ends[POD] = [LinkReason.STOPPED]
    return ledger


def entries(n: int) -> list[Entry]:
    return [f"65333333{number:08x}" for number in range(n)]


@given(
    st.integers(1, 60).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.integers(1, n - 1) if n > 1 else st.nothing()))
    )
)
def test_what_is_missing_in_between_is_counted_where_it_is_allowed(case: tuple[int, set[int]]) -> None:
    n, gone = case
    sent = entries(n)
    received = [one for at, one in enumerate(sent) if at not in gone]
    balance = book(received).reconcile(POD, [sent], last=True, may_miss=True)
    assert balance.missing + balance.tail == len(gone)
    assert balance.received == len(received)
    assert balance.conserved
    if any(at < n - 1 and any(at < kept for kept in range(n) if kept not in gone) for at in gone):
        with pytest.raises(AssertionError, match="not what was sent"):
            book(received).reconcile(POD, [sent], last=True)


@pytest.mark.parametrize("received", [[0, 1, 1, 2], [0, 2, 1], [0, 9]])
def test_what_is_doubled_disordered_or_never_sent_is_refused_anyway(received: list[int]) -> None:
    sent = entries(4)
    wrong = [f"65333333{number:08x}" for number in received]
    with pytest.raises(AssertionError, match="not what was sent"):
        book(wrong).reconcile(POD, [sent], last=True, may_miss=True)
