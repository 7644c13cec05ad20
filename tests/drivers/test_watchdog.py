"""When a link is given up and tried again: the times are told, so nothing is waited for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensord.drivers.base import SILENT_AFTER_S
from sensord.drivers.watchdog import DELAYS_S, STEADY_AFTER_S, Backoff, Watchdog
from sensord.errors import LinkReason


def test_barks_after_two_seconds_without_food() -> None:
    dog = Watchdog(100.0)
    assert dog.left_s(100.0) == SILENT_AFTER_S == 2.0
    dog.feed(101.5)
    assert dog.left_s(103.0) > 0
    assert dog.left_s(103.5) <= 0


def test_a_pod_that_speaks_rarely_is_waited_for() -> None:
    dog = Watchdog(100.0, 10.0)
    assert dog.left_s(109.0) == 1.0


def test_retries_are_quick_first_then_patient_and_never_above_thirty_seconds() -> None:
    backoff = Backoff()
    waits = [backoff.delay_s(LinkReason.CONNECT) for _ in range(15)]
    assert waits[:3] == [0.1, 0.25, 0.5]
    assert waits == sorted(waits)
    assert max(waits) == 8.0
    assert DELAYS_S[-1] == 30.0


def test_a_link_that_held_makes_retries_quick_again() -> None:
    backoff = Backoff()
    for _ in range(12):
        backoff.delay_s(LinkReason.BUSY, held_s=1.0)
    assert backoff.delay_s(LinkReason.BUSY, held_s=1.0) == 30.0
    assert backoff.delay_s(LinkReason.LOST, held_s=STEADY_AFTER_S) == 0.1


@pytest.mark.parametrize(
    ("reason", "first_s", "longest_s"),
    [
        (LinkReason.CONNECT, 0.1, 8.0),
        (LinkReason.LOST, 0.1, 2.0),
        (LinkReason.SILENT, 0.1, 2.0),
        (LinkReason.SLEPT, 0.1, 0.1),
        (LinkReason.ADAPTER, 0.1, 4.0),
        (LinkReason.NOT_FOUND, 0.1, 4.0),
        (LinkReason.BUSY, 1.0, 30.0),
        (LinkReason.SETUP, 2.0, 30.0),
        (LinkReason.IDENTITY, 2.0, 30.0),
        (LinkReason.PAIRING, 4.0, 30.0),
    ],
)
def test_each_reason_has_its_own_patience(reason: LinkReason, first_s: float, longest_s: float) -> None:
    backoff = Backoff()
    waits = [backoff.delay_s(reason) for _ in range(20)]
    assert (waits[0], waits[-1]) == (first_s, longest_s)
    assert waits == sorted(waits)


@given(st.lists(st.tuples(st.sampled_from(list(LinkReason)), st.floats(0, 60)), max_size=50))
def test_any_story_waits_a_known_time(story: list[tuple[LinkReason, float]]) -> None:
    backoff = Backoff()
    assert all(backoff.delay_s(reason, held_s=held) in DELAYS_S for reason, held in story)
