"""The runner hears once that a pod is missing or losing samples, and once that it is back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sensord.load.pod_watch import BACK_S, LOST_PCT, MISSING_S, PodWatch
from sensord.model import NS, Alert, AlertPhase


def watched(seconds: list[tuple[bool, int]]) -> list[tuple[int, Alert]]:
    """(linked, samples lost) of each second, of 200."""
    watch, out, samples, lost = PodWatch("run"), [], 0, 0
    for t_s, (up, gone) in enumerate(seconds):
        samples, lost = samples + (200 - gone if up else 0), lost + gone
        out += [(t_s, a) for a in watch.look("left", up=up, samples=samples, lost=lost, rate_hz=200.0, t_ns=t_s * NS)]
    return out


def phases(seconds: list[tuple[bool, int]]) -> list[tuple[int, str]]:
    return [(t_s, alert.phase.value) for t_s, alert in watched(seconds)]


UP, DOWN = (True, 0), (False, 0)


def test_twenty_seconds_away_is_told_once_and_so_is_the_return() -> None:
    told = watched([UP] * 30 + [DOWN] * 100 + [UP] * 30)
    assert [(t, a.phase.value) for t, a in told] == [(30 + MISSING_S, "onset"), (130 + BACK_S, "recovery")]
    onset, recovery = (a for _, a in told)
    assert (onset.rule, onset.cue, onset.value, onset.limit) == ("pod.left", "Left pod lost", 20.0, 20.0)
    assert "not checked" in onset.text
    assert recovery.id == onset.id
    assert recovery.duration_s == 85.0
    assert max(len(a.cue.split()) for _, a in told) <= 3


def test_what_was_lost_while_it_was_away_is_not_held_against_it_afterwards() -> None:
    """A pod whose clock went on measures its gap: that was told already."""
    away = [UP] * 60 + [DOWN] * 60 + [(True, 200 * 60)] + [UP] * 120
    assert phases(away) == [(60 + MISSING_S, "onset"), (120 + BACK_S, "recovery")]


def test_losing_samples_and_being_away_have_words_of_their_own() -> None:
    weak = watched([UP] * 60 + [(True, 20)] * 60)
    assert [a.cue for _, a in weak] == ["Left pod weak"]


def test_short_losses_of_the_link_are_not_told() -> None:
    assert phases(([UP] * 20 + [DOWN] * 19) * 10) == []


def test_a_pod_that_never_came_is_told_once() -> None:
    assert phases([DOWN] * 300) == [(20, "onset")]


def test_one_sample_in_ten_lost_is_told_once_until_it_is_over() -> None:
    told = phases([UP] * 60 + [(True, 20)] * 120 + [UP] * 120)
    assert [phase for _, phase in told] == ["onset", "recovery"]
    assert 60 < told[0][0] < 100


def test_a_burst_and_a_small_steady_loss_are_not_told() -> None:
    assert phases([UP] * 60 + [(True, 200)] * 2 + [UP] * 60) == []
    assert phases([(True, 4)] * 300) == []


def test_two_seconds_lost_at_the_very_start_are_no_third_of_anything() -> None:
    assert phases([(False, 0), (False, 0), (True, 400), *[UP] * 60]) == []


def test_half_of_all_samples_lost_from_the_start_is_told_within_seconds() -> None:
    [(t_s, phase)] = phases([(True, 100)] * 60)
    assert (t_s < 10, phase) == (True, "onset")


def test_a_pod_that_cannot_tell_its_losses_is_not_accused() -> None:
    watch = PodWatch("run")
    alerts = [
        alert
        for t in range(100)
        for alert in watch.look("left", up=True, samples=t, lost=None, rate_hz=200.0, t_ns=t * NS)
    ]
    assert alerts == []


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0, 0, 0, 10, 100])), max_size=300))
def test_onset_and_recovery_take_turns(seconds: list[tuple[bool, int]]) -> None:
    alerts = [alert for _, alert in watched(seconds)]
    assert [a.phase for a in alerts] == [AlertPhase.ONSET, AlertPhase.RECOVERY] * (len(alerts) // 2) + [
        AlertPhase.ONSET
    ] * (len(alerts) % 2)
    for alert in alerts:
        assert alert.value is not None
        if alert.phase is AlertPhase.ONSET:
            assert alert.value >= (MISSING_S if alert.unit == "s" else LOST_PCT)
