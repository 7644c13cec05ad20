"""Stamps that scatter are not lost samples, and lost samples among stamps that scatter are still found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sensord.errors import InputError
from sensord.files.imu_recording import ImuRecording, make_recording
from sensord.files.sample_clock import even_clock

N = 6000
Stamps = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def times(rate_hz: float, n: int = N) -> np.ndarray:
    return np.arange(n) / rate_hz


def recording(t_s: np.ndarray) -> ImuRecording:
    """Rows whose first value is their number in the file."""
    rows = np.zeros((len(t_s), 7))
    rows[:, 0] = t_s
    rows[:, 1] = np.arange(len(t_s)) * 1e-3
    return make_recording("made", rows, np.arange(1, len(t_s) + 1))


def stamps(run: ImuRecording) -> np.ndarray:
    return np.concatenate([block.t_pod_ns for block in run.blocks]) / 1e9


def jitter(sd_s: float) -> Stamps:
    return lambda t, random: t + random.normal(0.0, sd_s, len(t))


def together(n: int, late_s: float) -> Stamps:
    """Packets of `n` rows that all bear the time their packet came, `late_s` late in the mean."""

    def told(t: np.ndarray, random: np.random.Generator) -> np.ndarray:
        last = t[n - 1 :: n]
        return np.maximum.accumulate(last + random.exponential(late_s, len(last))).repeat(n)

    return told


def bursts(t: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Ten rows written together when the last has come."""
    last = t[9::10].repeat(10)[: len(t)]
    return last + np.tile(np.arange(10) * 1e-4, len(t) // 10)


@pytest.mark.parametrize(
    ("rate_hz", "told", "off_s"),
    [
        (200.0, jitter(0.0010), 0.0005),
        (200.0, jitter(0.0015), 0.0006),
        (200.0, lambda t, random: t + random.exponential(0.0015, len(t)), 0.0022),
        (52.0, jitter(0.006), 0.004),
        (833.0, lambda t, random: np.round(t, 3), 0.0002),
        (416.0, lambda t, random: np.round(t, 3), 0.0002),
        (200.0, bursts, 0.0015),
        (200.0, together(10, 0.001), 0.004),
        (104.0, together(5, 0.002), 0.006),
        (200.0, lambda t, random: np.floor(np.round(t / 0.01, 6)) * 0.01, 0.006),
    ],
)
def test_all_rows_there(rate_hz: float, told: Stamps, off_s: float) -> None:
    true_s = times(rate_hz)
    run = recording(told(true_s, np.random.default_rng(1)))
    assert run.rate_hz == pytest.approx(rate_hz, rel=2e-3)
    assert (run.defects.gaps, run.defects.missing, len(run)) == (0, 0, N)
    assert np.abs(stamps(run) - true_s).max() < off_s
    numbers = np.concatenate([block.acc_mps2[:, 0] for block in run.blocks]) * 1e3
    assert np.diff(numbers) == pytest.approx(1.0), "the order of the file is kept"
    assert np.diff(stamps(run)) == pytest.approx(1 / rate_hz, rel=0.1)


@pytest.mark.parametrize(("rate_hz", "told"), [(200.0, jitter(0.0015)), (833.0, lambda t, random: np.round(t, 3))])
def test_lost_packets_are_found_among_stamps_that_scatter(rate_hz: float, told: Stamps) -> None:
    kept = np.ones(N, dtype=bool)
    for start in (700, 720, 2500, 2560, 4010):
        kept[start : start + 10] = False
    true_s = times(rate_hz)
    run = recording(told(true_s, np.random.default_rng(2))[kept])
    assert run.rate_hz == pytest.approx(rate_hz, rel=2e-3)
    assert run.defects.missing == pytest.approx(50, abs=2)
    assert run.defects.gaps in (4, 5)
    assert np.abs(stamps(run) - true_s[kept]).max() < 0.6 / rate_hz
    assert sum(block.missing_before or 0 for block in run.blocks) == run.defects.missing


def test_a_pause_is_a_gap_of_its_length() -> None:
    true_s = times(200.0) + 3.0 * (np.arange(N) >= 2000)
    run = recording(jitter(0.0015)(true_s, np.random.default_rng(3)))
    assert (run.defects.gaps, run.defects.missing) == (1, 600)


@pytest.mark.parametrize("lost", [0.0, 0.01, 0.2])
def test_even_stamps_stay_what_they_are(lost: float) -> None:
    kept = np.random.default_rng(4).random(N) >= lost
    kept[[0, -1]] = True
    run = recording(times(200.0)[kept])
    assert run.rate_hz == pytest.approx(200.0)
    assert run.defects.missing == N - int(kept.sum())
    assert stamps(run) == pytest.approx(times(200.0)[kept], abs=1e-9)


def test_rows_lost_at_random_among_stamps_that_scatter_are_not_explained_away() -> None:
    kept = np.random.default_rng(5).random(N) >= 0.1
    t_ns = np.rint(jitter(0.0015)(times(200.0), np.random.default_rng(6))[kept] * 1e9).astype(np.int64)
    assert even_clock(t_ns, 5e6) is None
    assert even_clock(t_ns[:100], 5e6) is None


def test_packets_that_come_unevenly_do_not_tell_when_their_rows_were_sampled() -> None:
    """Nine of ten rows were dropped as repeats without a word; spread as they came, contacts would scatter by 10 ms."""
    with pytest.raises(InputError, match="the time each row was sampled"):
        recording(together(10, 0.010)(times(200.0), np.random.default_rng(3)))


def test_rows_written_twice_are_dropped_among_packets_too() -> None:
    true_s = together(10, 0.001)(times(200.0), np.random.default_rng(4))
    rows = np.zeros((N, 7))
    rows[:, 0], rows[:, 1] = true_s, np.arange(N) * 1e-3
    twice = np.sort(np.concatenate((np.arange(N), np.arange(0, N, 20))))
    run = make_recording("made", rows[twice], np.arange(1, len(twice) + 1))
    assert (len(run), run.defects.repeats, run.defects.dropped) == (N, N // 20, N // 20)
