"""What arrivals tell of the connection interval: a bound, and whether packets wait for the radio."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.drivers.interval import KEPT, Events


def events(interval_ms: float, *, period_ms: float, n: int = 4000, seed: int = 1) -> Events:
    """A pod has a packet every `period_ms`, its link an event every `interval_ms`; the host adds a little."""
    dice = random.Random(seed)
    one = Events()
    for k in range(n):
        if one.full:
            break
        event_ms = -(-k * period_ms // interval_ms) * interval_ms
        one.arrived(round((event_ms + dice.uniform(0, 1)) * 1e6))
    return one


@settings(max_examples=60, deadline=None)
@given(units=st.integers(6, 80), period_ms=st.floats(5.0, 60.0), seed=st.integers(0, 1000))
def test_the_interval_is_never_longer_than_what_is_told(units: int, period_ms: float, seed: int) -> None:
    found = events(1.25 * units, period_ms=period_ms, seed=seed)
    assert found.at_most_ms is not None
    assert found.at_most_ms > 1.25 * units - 1.1


def test_packets_that_wait_for_a_slow_link_are_seen_to() -> None:
    slow, quick = events(48.75, period_ms=5.0), events(7.5, period_ms=50.0)
    assert slow.at_most_ms is not None
    assert 47 < slow.at_most_ms < 51
    assert slow.packets_an_event is not None
    assert 9 < slow.packets_an_event < 10.5
    assert quick.packets_an_event == 1.0


def test_too_few_tell_nothing() -> None:
    one = events(15.0, period_ms=50.0, n=KEPT // 2)
    assert (one.full, one.at_most_ms, one.packets_an_event) == (False, None, None)
