"""Which pod is shaken: only one that turns far more than all others, for a second."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.drivers.shake import FOR_S, SHAKEN_RADPS, Shaken
from sensord.model import NS, SampleBlock


def told(turning: dict[str, list[float]]) -> list[tuple[float, str]]:
    """rms of each pod in each tenth of a second; what was said, and when."""
    meter, out = Shaken(), []
    for tenth in range(max(map(len, turning.values()))):
        for pod, rms in turning.items():
            if tenth < len(rms):
                gyr = np.zeros((10, 3))
                gyr[:, 1] = rms[tenth]
                block = SampleBlock(np.arange(10), np.zeros((10, 3)), gyr, np.zeros(10, np.uint8))
                said = meter.push(pod, block, round(tenth * 0.1 * NS))
                if said is not None:
                    out.append((tenth / 10, said))
    return out


def test_the_shaken_one_is_told_after_a_second() -> None:
    said = told({"a": [0.1] * 60, "b": [0.1] * 20 + [8.0] * 40})
    assert {pod for _, pod in said} == {"b"}
    assert 2.0 + FOR_S <= said[0][0] <= 2.0 + 2 * FOR_S + 0.1


def test_two_that_are_shaken_together_are_not_told_apart() -> None:
    assert told({"a": [8.0] * 60, "b": [6.0] * 60}) == []


def test_carrying_and_putting_down_are_no_shaking() -> None:
    assert told({"a": [2.0] * 60, "b": [0.1] * 60}) == []
    assert told({"a": ([9.0] * 4 + [0.1] * 16) * 4, "b": [0.1] * 80}) == []


def test_a_pod_that_fell_silent_does_not_stand_in_the_way() -> None:
    assert {pod for _, pod in told({"a": [8.0] * 7, "b": [0.1] * 20 + [8.0] * 60})} == {"b"}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.floats(0, 20), min_size=40, max_size=40), min_size=1, max_size=4))
def test_nothing_is_told_that_did_not_turn(turning: list[list[float]]) -> None:
    pods = {f"pod {n}": values for n, values in enumerate(turning)}
    for _, pod in told(pods):
        assert max(pods[pod]) >= SHAKEN_RADPS
