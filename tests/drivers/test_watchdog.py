"""When a link is given up and tried again: the times are told, so nothing is waited for."""

from __future__ import annotations

from sensord.drivers.watchdog import DELAYS_S, SILENT_AFTER_S, STEADY_AFTER_S, Backoff, Watchdog
from sensord.errors import LinkReason


def test_barks_after_two_seconds_without_food() -> None:
    dog = Watchdog(100.0)
    assert dog.left_s(100.0) == SILENT_AFTER_S == 2.0
    dog.feed(101.5)
    assert dog.left_s(103.0) > 0
    assert dog.left_s(103.5) <= 0


def test_retries_are_quick_first_then_patient_and_never_above_thirty_seconds() -> None:
    backoff = Backoff()
    waits = [backoff.delay_s(LinkReason.CONNECT) for _ in range(15)]
    assert waits[:3] == [0.1, 0.25, 0.5]
    assert waits == sorted(waits)
    assert max(waits) == DELAYS_S[-1] == 30.0


def test_a_link_that_held_makes_retries_quick_again() -> None:
    backoff = Backoff()
    for _ in range(8):
        backoff.delay_s(LinkReason.LOST, held_s=1.0)
    assert backoff.delay_s(LinkReason.LOST, held_s=1.0) == 30.0
    assert backoff.delay_s(LinkReason.LOST, held_s=STEADY_AFTER_S) == 0.1


def test_a_pod_that_refuses_is_not_asked_again_at_once() -> None:
    assert Backoff().delay_s(LinkReason.SETUP) == 2.0
    assert Backoff().delay_s(LinkReason.IDENTITY) == 2.0
