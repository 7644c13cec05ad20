"""A high-g sensor that is at its own end gives a floor, as any other sensor; below that its peaks are exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sensord.dsp.impact import HIGH_G_FULL_BIT
from sensord.model import G_MPS2, SampleBlock, Stride
from sensord.sim.runner import SimulatedFoot
from tests.dsp.conftest import RATE_HZ
from tests.dsp.made_feet import analyse


@pytest.fixture(scope="module")
def landed(running_foot: SimulatedFoot) -> SampleBlock:
    return replace(running_foot.block(), saturated=np.zeros(len(running_foot.block()), np.uint8))


@pytest.fixture(scope="module")
def full_mps2(landed: SampleBlock) -> float:
    """The end of a sensor that about half of the landings pass: the median peak of strides."""
    peaks = [s.impact_peak_g or 0.0 for s in strides(replace(landed, high_g_mps2=landed.acc_mps2))]
    return float(np.median(peaks)) * G_MPS2 * 0.9


def strides(block: SampleBlock) -> list[Stride]:
    return [s for s in analyse(block, RATE_HZ) if isinstance(s, Stride) and s.impact_peak_g is not None]


def test_a_peak_at_the_end_of_the_high_g_sensor_is_known_to_be_at_least_so_much(
    landed: SampleBlock, full_mps2: float
) -> None:
    full = np.abs(landed.acc_mps2).max(axis=1) >= full_mps2
    clipped = np.clip(landed.acc_mps2, -full_mps2, full_mps2)
    mask = np.where(full, np.uint8(HIGH_G_FULL_BIT), np.uint8(0))
    truth = strides(replace(landed, high_g_mps2=landed.acc_mps2))
    found = strides(replace(landed, high_g_mps2=clipped, saturated=mask))
    assert len(found) == len(truth) > 10
    assert {s.impact_source for s in found} == {"high_g"}
    for known, told in zip(truth, found, strict=True):
        assert known.impact_peak_g is not None
        assert told.impact_peak_g is not None
        assert not known.impact_clipped
        assert told.impact_clipped == (told.impact_peak_g < known.impact_peak_g)
        assert told.impact_peak_g <= known.impact_peak_g
    assert any(s.impact_clipped for s in found)


def test_a_clipped_accelerometer_beside_a_high_g_sensor_hides_no_peak(landed: SampleBlock, full_mps2: float) -> None:
    mask = np.where(np.abs(landed.acc_mps2).max(axis=1) >= full_mps2, np.uint8(0b111), np.uint8(0))
    found = strides(replace(landed, high_g_mps2=landed.acc_mps2, saturated=mask))
    assert len(found) > 10
    assert not any(s.impact_clipped for s in found)
