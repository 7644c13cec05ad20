"""One onset a level and breach, one recovery for each onset, whatever the noise."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.model import NS, AlertPhase, Level
from sensord.plan.breach import RANK, Breach, Turn

BOTH = (Level.WARN, Level.STOP)


def feed(breach: Breach, values: list[float], warn: float = 5, stop: float = 10, clear: float = 4) -> list[Turn]:
    """One value a second."""
    turns: list[Turn] = []
    for t_s, value in enumerate(values):
        beyond = Level.STOP if value > stop else Level.WARN if value > warn else Level.NONE
        turns += breach.update(beyond, back=value < clear, clock_s=float(t_s), t_ns=t_s * NS)
    return turns


def said(turns: list[Turn]) -> list[tuple[str, str]]:
    return [(turn.phase.value, turn.level.value) for turn in turns]


def test_a_breach_from_end_to_end() -> None:
    turns = feed(Breach(BOTH, 3.0), [0, 6, 6, 6, 6, 11, 11, 11, 11, 6, 6, 3, 3, 3, 3, 3, 0])
    assert said(turns) == [("onset", "warn"), ("onset", "stop"), ("recovery", "stop"), ("recovery", "warn")]
    assert [turn.onset_ns // NS for turn in turns] == [4, 8, 8, 4]
    assert [turn.duration_s for turn in turns] == [None, None, 6.0, 10.0]


def test_a_jump_past_both_says_stop_only() -> None:
    assert said(feed(Breach(BOTH, 3.0), [12] * 9 + [0] * 9)) == [("onset", "stop"), ("recovery", "stop")]


def test_what_does_not_last_is_not_said() -> None:
    assert feed(Breach(BOTH, 3.0), [6, 6, 6, 4.5] * 20) == []


def test_between_clearing_and_limit_nothing_ends() -> None:
    assert said(feed(Breach(BOTH, 0.0), [6, 4.5, 4.5, 6, 4.5, 6])) == [("onset", "warn")]


def test_a_second_breach_takes_as_long_to_end_as_the_first() -> None:
    breach = Breach(BOTH, 3.0)
    assert said(feed(breach, [6] * 4 + [0] * 4)) == [("onset", "warn"), ("recovery", "warn")]
    assert breach.back_for_s(7.0) is None
    turns = [t for k in range(10, 22) for t in breach.update(
        Level.WARN if k < 14 else Level.NONE, back=k >= 14, clock_s=float(k), t_ns=k * NS)]  # fmt: skip
    assert [turn.duration_s for turn in turns] == [None, 4.0]  # alerted at 13 s, back from 14 s on, ended at 17 s


def test_an_interruption_starts_the_count_again_but_keeps_the_alert() -> None:
    breach = Breach(BOTH, 5.0)
    feed(breach, [6] * 5)
    assert breach.beyond_for_s(4.0) == 4.0
    breach.interrupt()
    assert breach.beyond_for_s(4.0) is None
    feed(breach, [6] * 6)
    assert breach.level is Level.WARN
    breach.interrupt()
    assert breach.level is Level.WARN
    assert breach.back_for_s(9.0) is None


values = st.lists(st.floats(0, 15), min_size=1, max_size=200)


@settings(max_examples=100, deadline=None)
@given(values, st.sampled_from([0.0, 1.0, 5.0, 20.0]), st.sampled_from([(Level.WARN,), (Level.STOP,), BOTH]))
def test_onsets_and_recoveries_alternate(series: list[float], sustained_s: float, levels: tuple[Level, ...]) -> None:
    turns = feed(Breach(levels, sustained_s), series)
    for level in Level:
        mine = [turn for turn in turns if turn.level is level]
        assert not mine or level in levels
        assert [t.phase for t in mine] == [AlertPhase.ONSET, AlertPhase.RECOVERY] * (len(mine) // 2) + [
            AlertPhase.ONSET
        ] * (len(mine) % 2)
        for onset, recovery in zip(mine[::2], mine[1::2], strict=False):
            assert recovery.onset_ns == onset.onset_ns
            assert recovery.duration_s is not None
            assert recovery.duration_s >= sustained_s
    active: set[Level] = set()
    for turn in turns:  # a warning never follows a stop of the same breach
        if turn.phase is AlertPhase.ONSET:
            assert all(RANK[turn.level] > RANK[level] for level in active)
            active.add(turn.level)
        else:
            active.remove(turn.level)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-0.99, 0.99), min_size=40, max_size=400), st.sampled_from([0.0, 3.0]))
def test_noise_round_a_limit_makes_one_onset_and_one_recovery_a_dwell(noise: list[float], sustained_s: float) -> None:
    """Low, then long at the limit with noise smaller than the hysteresis, then low again."""
    high = [5.0 + n for n in noise]
    turns = feed(Breach(BOTH, sustained_s), [1.0] * 10 + high + [1.0] * 30)
    assert said(turns) in ([], [("onset", "warn"), ("recovery", "warn")])
    if sustained_s == 0.0 and max(high) > 5.0:
        assert turns
