"""Counter and clock against each other: what is believed, what is refused, and how trust comes back."""

from __future__ import annotations

import pytest

from sensord.drivers.timeline import BELIEVE_AFTER, Place, Stamp, Timeline
from sensord.errors import PacketError, PacketReason

N, PERIOD = 10, 5000


def stamp(k: int, *, seq: int | None = None, t_us: int | None = None, **more: object) -> Stamp:
    """The k-th packet of a pod that sends ten samples at 200 Hz, changed as told."""
    true_us = k * N * PERIOD
    return Stamp(
        seq=(k if seq is None else seq) % 2**16,
        t_first_us=(true_us if t_us is None else t_us) % 2**32,
        n=N,
        period_us=float(PERIOD),
        rx_us=true_us,
        **more,  # type: ignore[arg-type]
    )


def test_unwraps_both() -> None:
    line = Timeline()
    start = 2**32 // (N * PERIOD) - 3
    for k in range(start, start + 70_000):
        if k % 5:
            place = line.place(stamp(k))
            assert place is not None
            assert place.first_us == k * N * PERIOD
            assert place.missing == (N if k % 5 == 1 and k > start + 1 else 0)


def test_a_wide_clock_says_which_wrap_it_is() -> None:
    k = 3 * 2**32 // (N * PERIOD)
    assert Timeline().place(stamp(k)) == Place((k * N * PERIOD) % 2**32, 0, 0)
    assert Timeline(clock_us=k * N * PERIOD - 70_000).place(stamp(k)) == Place(k * N * PERIOD, 0, 0)


@pytest.mark.parametrize(
    "bad",
    [
        stamp(3, seq=2, t_us=4 * N * PERIOD),  # the counter says: seen; the clock: new
        stamp(3, seq=4),  # one lost, but no time for it
        stamp(3, seq=500),
        stamp(3, seq=3, t_us=9 * N * PERIOD),  # nothing lost, but time passed
        stamp(3, t_us=1 * N * PERIOD),  # backwards
        stamp(3, seq=9, t_us=2**31 + 7),  # half an hour later than it arrived
        stamp(3, t_us=2**31 + 7, overrun=True),
    ],
)
def test_refuses_stories_that_cannot_both_be_true_and_goes_on(bad: Stamp) -> None:
    line = Timeline()
    for k in range(3):
        line.place(stamp(k))
    with pytest.raises(PacketError) as refused:
        line.place(bad)
    assert refused.value.reason is PacketReason.TIME
    for k in range(3, 6):
        assert line.place(stamp(k)) == Place(k * N * PERIOD, 0, 0)


def test_overrun_is_missing_samples_without_a_missing_packet() -> None:
    line = Timeline()
    line.place(stamp(0))
    assert line.place(stamp(1, t_us=N * PERIOD + 7 * PERIOD, overrun=True)) == Place((N + 7) * PERIOD, 0, 7)


def test_a_new_story_is_believed_when_it_holds_together() -> None:
    line = Timeline()
    for k in range(5):
        line.place(stamp(k))
    jump_us = 123_456_789
    new = [stamp(k, seq=k + 77, t_us=k * N * PERIOD - jump_us) for k in range(5, 5 + BELIEVE_AFTER + 1)]
    junk = stamp(5, seq=40_000, t_us=1)
    for told in new[: BELIEVE_AFTER - 1]:
        for doubtful in (told, junk):
            with pytest.raises(PacketError):
                line.place(doubtful)
    place = line.place(new[BELIEVE_AFTER - 1])
    assert place is not None
    assert (place.segment, place.missing) == (1, None)
    following = line.place(new[BELIEVE_AFTER])
    assert following is not None
    assert (following.segment, following.missing) == (1, 0)


def test_repeats_are_known_even_the_first_packet_of_a_clock() -> None:
    line = Timeline()
    first = stamp(0, restarted=True)
    assert line.place(first) == Place(0, 0, 0)
    assert line.place(first) is None
    for k in range(1, 40):
        line.place(stamp(k))
        assert line.place(stamp(k - 1)) is None
        assert line.place(stamp(k)) is None


def test_restart_flag_begins_a_segment() -> None:
    line = Timeline()
    for k in range(100, 103):
        line.place(stamp(k))
    place = line.place(stamp(0, restarted=True))
    assert place is not None
    assert (place.segment, place.missing) == (1, None)


def test_the_measured_period_counts_a_long_gap_right() -> None:
    """A sensor 3 % off its nominal rate, spans rounded to 10 us, 100 s away: the count of missing samples is exact."""
    true_us = 5000 * 1.03
    line = Timeline()

    def real(k: int, sample: int) -> Stamp:
        span_10us = round((N - 1) * true_us / 10)
        return Stamp(k, round(sample * true_us), N, span_10us * 10 / (N - 1), rx_us=round(sample * true_us))

    for k in range(200):
        line.place(real(k, k * N))
    line.relink(restarted=False, clock_us=None)
    place = line.place(real(200, 200 * N + 20_000))
    assert place is not None
    assert place.missing == 20_000
