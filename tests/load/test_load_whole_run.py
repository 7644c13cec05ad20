"""Differences of a whole recording: by pairs as live, foot by foot without a common clock."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sensord.load.interval import T_975
from sensord.load.steady import BOUT_PAIRS
from sensord.load.whole_run import paired_differences, unpaired_differences
from sensord.model import Activity, Side, Stride
from tests.load.made_strides import both_feet


def noisy(n: int, ratio: float = 1.04, **changes: float) -> list[Stride]:
    rng = np.random.default_rng(4)
    made = []
    for stride in both_feet(0.0, n, **changes):
        contact_s = 0.25 * (ratio if stride.foot is Side.LEFT else 1.0) * float(np.exp(0.02 * rng.normal()))
        made.append(replace(stride, contact_time_s=contact_s))
    return made


@pytest.mark.parametrize("way", [paired_differences, unpaired_differences])
def test_both_ways_find_the_difference(way) -> None:
    found = way(noisy(300))["contact_time"]
    truth = 200 * 0.04 / 2.04
    assert found.si_low_pct < truth < found.si_high_pct
    assert found.si_high_pct - found.si_low_pct < 2.0
    assert found.balance_pct == pytest.approx(50 + found.si_pct / 4, abs=0.01)
    assert found.paired is (way is paired_differences)
    assert found.n == (300 - BOUT_PAIRS if found.paired else 300)
    assert (found.unit, found.difference) == ("%", None)


def test_few_strides_have_a_value_and_no_interval() -> None:
    found = unpaired_differences(noisy(8))["contact_time"]
    assert found.si_pct is not None
    assert found.si_low_pct is None
    assert paired_differences(noisy(BOUT_PAIRS + 29))["contact_time"].si_low_pct is None
    assert paired_differences(noisy(BOUT_PAIRS)) == unpaired_differences([]) == {}


def test_strike_angles_are_subtracted() -> None:
    turned = [replace(s, strike_angle_deg=2.0 if s.foot is Side.LEFT else -1.0, step_time_s=0.35) for s in noisy(50)]
    for found in (paired_differences(turned), unpaired_differences(turned)):
        assert list(found) == ["contact_time", "step_time", "impact_peak", "strike_angle"]
        assert (found["strike_angle"].difference, found["strike_angle"].unit) == (pytest.approx(3.0), "deg")
        assert found["strike_angle"].si_pct is None


def test_walking_and_doubtful_strides_are_left_out() -> None:
    walk = [replace(s, activity=Activity.WALK) for s in noisy(50)]
    doubtful = [replace(s, confidence=0.2) for s in noisy(50)]
    for items in (walk, doubtful):
        assert paired_differences(items) == unpaired_differences(items) == {}


def test_one_foot_alone_differs_from_nothing() -> None:
    left = [s for s in noisy(50) if s.foot is Side.LEFT]
    assert paired_differences(left) == unpaired_differences(left) == {}


def test_welchs_interval_of_equal_feet_is_students_of_both() -> None:
    """No memory, the same scatter on both sides: half width t(2(k-1))·sqrt(2/k)·s."""
    values = np.array([0.0, 0.02, 0.04])
    left, right = [], []
    for k, stride in enumerate(both_feet(0.0, 30)):
        value = values[k // 20] + (0.2 if (k // 2) % 2 else -0.2)
        (left if stride.foot is Side.LEFT else right).append(
            replace(stride, contact_time_s=0.25 * float(np.exp(value)))
        )
    found = unpaired_differences(left + right)["contact_time"]
    half = T_975[4 - 2] * 0.02 * np.sqrt(2 / 3)
    assert found.si_high_pct == pytest.approx(200 * np.tanh(half / 2), rel=1e-6)
