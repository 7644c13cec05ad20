"""Filters and the history: bits, delay, no delay, and what is held."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfilt, sosfilt_zi

from sensord.dsp.filters import LowPass, norm, project, zero_phase, zero_phase_near
from sensord.dsp.history import History
from sensord.errors import InternalError


def test_the_stepped_filter_is_scipys() -> None:
    x = np.random.default_rng(0).normal(size=500) + 3.0
    sos = butter(2, 4.0, fs=200.0, output="sos")
    expected, _ = sosfilt(sos, x, zi=sosfilt_zi(sos) * x[0])
    assert LowPass(4.0, 200.0).push(x.tolist()) == pytest.approx(expected.tolist(), abs=1e-12)


def test_the_stepped_filter_keeps_its_bits_when_cut() -> None:
    x = np.random.default_rng(1).normal(size=300).tolist()
    whole, parts = LowPass(4.0, 200.0), LowPass(4.0, 200.0)
    assert parts.push(x[:1]) + parts.push([]) + parts.push(x[1:40]) + parts.push(x[40:]) == whole.push(x)


def test_reset_forgets() -> None:
    low = LowPass(4.0, 200.0)
    first = low.push([1.0, 5.0, -2.0])
    low.reset()
    assert low.push([1.0, 5.0, -2.0]) == first


def test_the_stated_delay_is_the_delay_of_a_slow_ramp() -> None:
    low = LowPass(4.0, 1000.0)
    ramp = np.arange(3000) / 1000.0
    assert ramp[-1] - low.push(ramp.tolist())[-1] == pytest.approx(low.delay_s, abs=1e-3)


def test_zero_phase_delays_nothing() -> None:
    t = np.arange(-1.0, 1.0, 0.005)
    bump = np.exp(-((t - 0.1) ** 2) / 0.005)
    assert t[zero_phase(bump, 30.0, 200.0).argmax()] == pytest.approx(t[bump.argmax()], abs=1e-9)


def test_zero_phase_halves_the_amplitude_at_the_cut_off() -> None:
    t = np.arange(0.0, 4.0, 0.005)
    out = zero_phase(np.sin(2 * np.pi * 30.0 * t), 30.0, 200.0)[200:600]
    assert np.abs(out).max() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("rows", [slice(0, 3), slice(5, 30), slice(180, 210), slice(390, 400)])
@pytest.mark.parametrize("cutoff_hz", [10.0, 25.0, 120.0])
def test_zero_phase_near_some_rows_is_that_of_all(rows: slice, cutoff_hz: float) -> None:
    x = 50.0 + 30.0 * np.random.default_rng(2).normal(size=(2, 400))
    near = zero_phase_near(x, rows.start, rows.stop, cutoff_hz, 200.0)
    assert near == pytest.approx(zero_phase(x, cutoff_hz, 200.0)[:, rows], abs=1e-9)


def test_projection_and_length() -> None:
    rows = np.random.default_rng(2).normal(size=(50, 3))
    axis, offset = np.array([0.6, 0.0, -0.8]), np.array([0.1, 0.2, 0.3])
    assert project(rows, axis, offset) == pytest.approx((rows - offset) @ axis)
    assert norm(rows) == pytest.approx(np.linalg.norm(rows, axis=1))
    assert project(rows, axis)[:1].tobytes() == project(rows[:1], axis).tobytes()


def test_history_gives_rows_by_number_and_holds_what_it_says() -> None:
    history = History(100, 2)
    size = history.size
    for start in range(0, 2000, 40):
        history.append(np.stack((np.arange(start, start + 40), -np.arange(start, start + 40)), axis=1).astype(float))
        assert history.rows(history.first, history.end)[:, 0].tolist() == list(range(history.first, history.end))
    assert history.end == 2000
    assert history.first == 1900
    assert history.size == size
    with pytest.raises(InternalError, match="asked"):
        history.rows(1700, 1710)
    with pytest.raises(InternalError, match="asked"):
        history.rows(1999, 2001)
