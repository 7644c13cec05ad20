"""Evidence that is added up: what it needs to be enough, what it forgets, and one alert a breach whatever the noise."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.model import NS, AlertPhase, Level
from sensord.plan.breach import Breach, Turn
from sensord.plan.sequential import (
    ENOUGH,
    MDC,
    MOST,
    NEIGHBOURS,
    POOLED,
    SHIFT,
    SHIFT_BACK,
    Evidence,
    Reading,
    Spread,
    Watch,
    score,
)

BOTH = (Level.WARN, Level.STOP)
SUSTAINED_S = 30.0
BATCH_S = 7.0


def a_watch(sustained_s: float = SUSTAINED_S, levels: tuple[Level, ...] = BOTH, directions: int = 1) -> Watch:
    return Watch(Breach(levels, 0.0), levels, sustained_s, directions)


def reading(x: float, warn: float = 5.0, stop: float = 10.0, clear: float = 4.0, sd: float = 1.0) -> Reading:
    """One batch, whose interval is itself."""
    level = Level.STOP if x > stop else Level.WARN if x > warn else Level.NONE
    beyond = {Level.WARN: (score(x - warn, sd),), Level.STOP: (score(x - stop, sd),)}
    return Reading(1.0, beyond, score(clear - x, sd), level, x < clear)


def feed(watch: Watch, values: list[float], start: int = 0) -> list[Turn]:
    """A batch every `BATCH_S` of running."""
    turns: list[Turn] = []
    for k, x in enumerate(values, start=start + 1):
        turns += watch.update(reading(x), clock_s=BATCH_S * k, t_ns=round(BATCH_S * k * NS))
    return turns


def said(turns: list[Turn]) -> list[tuple[str, str]]:
    return [(turn.phase.value, turn.level.value) for turn in turns]


def test_what_is_looked_for_is_the_change_that_two_windows_of_sixty_pairs_can_tell() -> None:
    assert pytest.approx(1.96 * (2 / 6) ** 0.5) == MDC
    assert MDC / 2 == SHIFT
    assert SHIFT_BACK < SHIFT


@given(st.floats(-1e6, 1e6), st.floats(0.0, 1e3))
def test_a_score_has_the_sign_of_the_distance_and_an_end(distance: float, sd: float) -> None:
    found = score(distance, sd)
    assert abs(found) <= MOST
    assert found * distance >= 0.0 or sd == 0.0
    assert score(1.0, 0.0) == MOST == -score(0.0, 0.0)
    assert score(2.0, 1.0) == 2.0


def test_the_spread_of_a_batch_is_learned_from_neighbours() -> None:
    spread, rng = Spread(), np.random.default_rng(1)
    assert spread.add(0.5, 40, 3.0, 10) == pytest.approx(1.0)  # four batches: twice the error of their mean
    assert spread.add(0.5, 40, 3.0, 10) == pytest.approx((3 / 4) ** 0.5)  # as the one before: a fourth time no scatter
    found = [spread.add(0.5, 40, x, 10) for x in rng.normal(0.0, 3.0, 12 * POOLED)]
    assert np.mean(found[POOLED:]) == pytest.approx(3.0 * NEIGHBOURS**0.5, rel=0.05)
    thirty = Spread()
    thirty.add(1.0, 90, 0.0, 30)
    found = [thirty.add(1.0, 90, x, 30) for x in rng.normal(0.0, 3.0 / 3**0.5, 12 * POOLED)]
    assert np.mean(found[POOLED:]) == pytest.approx(3.0 * NEIGHBOURS**0.5, rel=0.05)


def test_a_step_is_a_change_and_hardly_scatter() -> None:
    spread = Spread()
    before = spread.add(0.4, 60, 0.0, 10)
    after = [spread.add(2.0, 60, x, 10) for x in (0.5, -0.5, 9.0, 9.5, 8.5)]
    assert after[2] <= before * (1 + 9 / 8) ** 0.5
    assert after[-1] < before * 1.5


def test_a_run_without_any_scatter_may_begin_to_have_some() -> None:
    spread = Spread()
    assert spread.add(0.0, 60, 1.0, 10) == 0.0
    assert spread.add(0.5, 60, 3.0, 10) > 0.0


def test_neighbouring_batches_differ_by_as_much_as_said() -> None:
    """Batches of ten of an autoregression of 0.3: variance of a long mean, over half the squared difference."""
    lags = np.arange(1, 10)
    variance = (1 + 2 * np.sum((1 - lags / 10) * 0.3**lags)) / 10
    shared = sum(0.3 ** abs(i - j - 10) for i in range(10) for j in range(10)) / 100
    assert 1.3 / 0.7 / 10 / (variance - shared) == pytest.approx(NEIGHBOURS, abs=0.02)


@given(st.lists(st.floats(-3, 3), max_size=100))
def test_evidence_is_never_below_nothing_and_knows_when_it_began(scores: list[float]) -> None:
    evidence, by_hand, since = Evidence(SHIFT), 0.0, None
    for k, one in enumerate(scores):
        evidence.add(one, 1.0, float(k))
        by_hand = max(0.0, by_hand + one - SHIFT)
        since = (float(k) if since is None else since) if by_hand > 0.0 else None
        assert evidence.since_s == since
        assert evidence.enough is (by_hand >= ENOUGH)
        assert evidence.lasted(0.0, float(k)) is evidence.enough
        assert not evidence.lasted(1e9, float(k))
    evidence.clear()
    assert (evidence.enough, evidence.since_s) == (False, None)


def test_batches_that_come_together_count_as_often() -> None:
    one, three = Evidence(SHIFT), Evidence(SHIFT)
    for _ in range(3):
        one.add(MOST, 1.0, 0.0)
    three.add(MOST, 3.0, 0.0)
    assert one.enough is three.enough is True
    assert Evidence(SHIFT).enough is False


def test_an_alert_needs_enough_for_long_enough() -> None:
    needed = next(k for k in range(1, 99) if k * (MOST - SHIFT) >= ENOUGH)
    turns = feed(a_watch(sustained_s=1.0), [9.9] * 20)
    assert [(turn.phase, turn.onset_ns) for turn in turns] == [(AlertPhase.ONSET, round(needed * BATCH_S * NS))]
    [turn] = feed(a_watch(sustained_s=100.0), [9.9] * 20)
    assert turn.onset_ns == 105 * NS


def test_a_little_beyond_the_limit_is_not_told_however_long_it_lasts() -> None:
    assert feed(a_watch(), [5.0 + 0.9 * SHIFT] * 500) == []
    assert said(feed(a_watch(), [5.0 + MDC] * 15)) == [("onset", "warn")]


def test_enough_evidence_waits_for_an_interval_that_is_clear() -> None:
    watch = a_watch()
    unclear = Reading(1.0, {Level.WARN: (MOST,), Level.STOP: (MOST,)}, -MOST, Level.NONE, below=False)
    for k in range(1, 30):
        assert watch.update(unclear, clock_s=BATCH_S * k, t_ns=k) == []
    assert said(watch.update(reading(9.0), clock_s=300.0, t_ns=31)) == [("onset", "warn")]


def test_a_jump_past_both_says_stop_only_and_a_rise_says_both() -> None:
    assert said(feed(a_watch(), [20.0] * 20)) == [("onset", "stop")]
    assert said(feed(a_watch(), [8.0] * 20 + [20.0] * 20)) == [("onset", "warn"), ("onset", "stop")]


def test_an_alert_ends_once_and_the_next_breach_starts_from_nothing() -> None:
    watch = a_watch()
    turns = feed(watch, [8.0] * 20 + [4.5] * 50 + [1.0] * 20 + [8.0] * 20)
    assert said(turns) == [("onset", "warn"), ("recovery", "warn"), ("onset", "warn")]
    assert turns[1].onset_ns == turns[0].onset_ns
    assert turns[2].onset_ns - 90 * BATCH_S * NS >= SUSTAINED_S * NS


def test_it_says_how_long_it_has_been_beyond_or_back() -> None:
    watch = a_watch()
    assert watch.doubt(reading(8.0), 0.0) == ("beyond for 0 of 30 s", "beyond")
    assert watch.doubt(reading(3.0), 0.0) is None
    feed(watch, [8.0])
    assert watch.doubt(reading(8.0), 7.0) == ("beyond for 7 of 30 s", "beyond")
    assert watch.doubt(reading(8.0), 70.0) == ("beyond for 70 s, not yet clear", "beyond")
    feed(watch, [8.0] * 9, start=1)
    assert watch.doubt(reading(3.0), 70.0) is None  # over: nothing speaks for its end yet
    feed(watch, [1.0] * 2, start=10)
    assert watch.doubt(reading(1.0), 84.0) == ("back inside for 14 of 30 s", "back")
    assert watch.doubt(reading(6.0), 84.0) is None


def test_an_interruption_starts_from_nothing_but_keeps_the_alert() -> None:
    watch = a_watch()
    feed(watch, [9.0] * 3)
    watch.interrupt(21.0)
    assert watch.doubt(reading(9.0), 21.0) == ("beyond for 0 of 30 s", "beyond")
    assert said(feed(watch, [9.0] * 9, start=3)) == [("onset", "warn")]
    feed(watch, [1.0] * 4, start=12)
    watch.interrupt(112.0)
    assert watch.doubt(reading(1.0), 112.0) is None
    turns = feed(watch, [1.0] * 9, start=16)
    assert said(turns) == [("recovery", "warn")]
    assert turns[0].duration_s is not None


values = st.lists(st.floats(0, 15), min_size=1, max_size=150)


@settings(max_examples=100, deadline=None)
@given(values, st.sampled_from([1.0, 30.0, 120.0]))
def test_onsets_and_ends_alternate(series: list[float], sustained_s: float) -> None:
    turns = feed(a_watch(sustained_s), series)
    for level in BOTH:
        phases = [turn.phase for turn in turns if turn.level is level]
        assert all(one is not other for one, other in pairwise(phases))
        assert not phases or phases[0] is AlertPhase.ONSET


@pytest.mark.parametrize("seed", range(5))
def test_one_crossing_of_noise_is_one_alert_and_one_end(seed: int) -> None:
    """Out of the limit and back: the noise of a batch is about as large as the change that is looked for."""
    rng = np.random.default_rng(seed)
    low, high = (rng.normal(x, 1.0, 100).tolist() for x in (4.0 - MDC, 5.0 + MDC))
    assert said(feed(a_watch(), low + high + low)) == [("onset", "warn"), ("recovery", "warn")]
