"""Power of a landing at 12-20 Hz: what it hears, what it does not, and when it is left empty."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sensord.dsp.impact import BAND_AFTER_NS, BAND_BEFORE_NS, HIGH_G_BIT, LOW_G_BIT, RawSamples, band_rms_g
from sensord.model import G_MPS2, FloatArray

HALF_NS = (BAND_BEFORE_NS + BAND_AFTER_NS) / 2


def sine(hz: float, rate_hz: float = 200.0, phase: float = 0.3) -> tuple[FloatArray, FloatArray]:
    """Times from the middle of the window, and 1 g of a sine along x on top of gravity along z."""
    n = round(2 * HALF_NS * rate_hz / 1e9)
    t_ns = np.linspace(-HALF_NS, HALF_NS, n + 1)
    acc = np.zeros((n + 1, 3))
    acc[:, 0] = G_MPS2 * np.sin(2 * np.pi * hz * t_ns / 1e9 + phase)
    acc[:, 2] = G_MPS2
    return t_ns, acc


@pytest.mark.parametrize("rate_hz", [100.0, 200.0, 400.0, 1000.0])
def test_it_hears_the_band_at_any_rate(rate_hz: float) -> None:
    inside = band_rms_g(*sine(16.0, rate_hz))
    assert inside is not None
    assert 0.64 < inside < 2**-0.5  # 0.707 of a sine, less what the short window spreads beyond the band
    for hz, most in ((2.0, 0.05), (5.0, 0.05), (40.0, 0.02)):
        outside = band_rms_g(*sine(hz, rate_hz))
        assert outside is not None
        assert outside < most


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.floats(0.0, 3.0), st.floats(0.1, 5.0))
def test_neither_mounting_nor_gravity_matter_and_size_is_proportional(seed: int, phase: float, scale: float) -> None:
    t_ns, acc = sine(15.0, phase=phase)
    plain = band_rms_g(t_ns, acc)
    turned = Rotation.random(random_state=seed).apply(acc)
    assert band_rms_g(t_ns, turned) == pytest.approx(plain, rel=1e-9)
    assert plain is not None
    assert band_rms_g(t_ns, scale * acc) == pytest.approx(scale * plain, rel=1e-9)


def test_it_bears_the_loss_of_a_sharp_tip_better_than_the_peak() -> None:
    t_ns, acc = sine(3.0, 400.0)
    acc[:, 0] = 30.0 * G_MPS2 * np.exp(-0.5 * ((t_ns - 1e7) / 4e6) ** 2)
    cut = np.clip(acc, -16 * G_MPS2, 16 * G_MPS2)
    whole, left = band_rms_g(t_ns, acc), band_rms_g(t_ns, cut)
    assert whole is not None
    assert left is not None
    assert left / whole > cut.max() / acc.max() + 0.1


def test_it_is_empty_where_samples_are_too_far_apart_or_missing() -> None:
    assert band_rms_g(*sine(16.0, 60.0)) is None
    t_ns, acc = sine(16.0, 100.0)
    assert band_rms_g(t_ns[:0], acc[:0]) is None
    assert band_rms_g(t_ns[:-2], acc[:-2]) is None
    one = np.delete(np.arange(len(t_ns)), 12)
    assert band_rms_g(t_ns[one], acc[one]) == pytest.approx(band_rms_g(t_ns, acc), rel=0.35)
    for lost in ([6, 12], [11, 12]):
        kept = np.delete(np.arange(len(t_ns)), lost)
        assert band_rms_g(t_ns[kept], acc[kept]) is None


@pytest.mark.parametrize(("flag", "source"), [(0, "acc"), (HIGH_G_BIT, "high_g")])
def test_the_sensor_is_named(flag: int, source: str) -> None:
    raw, t_ns = RawSamples(400), np.arange(200, dtype=np.int64) * 5_000_000
    acc = np.zeros((200, 3))
    acc[100, 1] = 20.0 * G_MPS2
    raw.append(t_ns, acc, np.full(200, flag, dtype=np.uint8))
    impact = raw.impact(int(t_ns[98]))
    assert impact is not None
    assert (impact.peak_g, impact.clipped, impact.source) == (20.0, False, source)
    assert impact.band_g is not None
    assert impact.band_g > 0.1


@pytest.mark.parametrize("flag", [0b001, LOW_G_BIT])
@pytest.mark.parametrize(
    ("rate_hz", "rows", "hidden"),
    [(100.0, 1, True), (200.0, 1, True), (400.0, 1, False), (400.0, 2, True), (1000.0, 3, False), (1000.0, 5, True)],
)
def test_a_shock_at_full_scale_for_a_moment_is_not_hidden(flag: int, rate_hz: float, rows: int, hidden: bool) -> None:
    raw, t_ns = RawSamples(400), np.arange(200, dtype=np.int64) * round(1e9 / rate_hz)
    flags = np.zeros(200, dtype=np.uint8)
    flags[101 : 101 + rows] = flag
    raw.append(t_ns, np.ones((200, 3)), flags)
    assert raw.acc_clipped(int(t_ns[100])) is hidden
    assert not raw.acc_clipped(int(t_ns[150]))


def test_a_single_sample_at_full_scale_in_a_gap_hides_the_shock() -> None:
    raw = RawSamples(400)
    raw.append(np.array([0, 10**9, 2 * 10**9]), np.ones((3, 3)), np.array([0, 1, 0], dtype=np.uint8))
    assert raw.acc_clipped(10**9)
