"""The simulated stride beside real recordings: the same command that makes the pictures in docs/simulator.md."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(
        not Path(os.environ.get("SENSORD_DATA", "-")).is_dir(), reason="SENSORD_DATA names no folder with recordings"
    ),
]

RATIOS = (
    "peak swing pitch rate, deg/s",
    "lowest pitch rate, deg/s",
    "pitch rate RMS, deg/s",
    "acceleration RMS, g",
    "acceleration median, g",
)
CONTACT_RATIOS = (
    "push-off lowest pitch rate, deg/s",
    "early-swing lowest pitch rate, deg/s",
    "landing lowest pitch rate, deg/s",
    "peak acceleration, g",
)


def test_ranges_and_shapes_resemble_the_recordings() -> None:
    compare = pytest.importorskip("bench.compare_simulator", reason="matplotlib (extra docs) is not installed")
    cases = compare.cases(Path(os.environ["SENSORD_DATA"]))
    assert [c.name for c in cases] == ["heel", "midfoot", "walk", "streamed"]
    for case in cases:
        real, twin = (
            {
                k: np.mean([compare.measures(s, case.cut)[k] for s in group])
                for k in compare.measures(group[0], case.cut)
            }
            for group in (case.real, case.twin)
        )
        for key in (*RATIOS, *(CONTACT_RATIOS if case.cut == "contact" else ())):
            assert 0.75 < twin[key] / real[key] < 1.25, (case.name, key)
        for key in ("push-off lowest, ms before TC", "landing lowest, ms after IC"):
            if case.cut == "contact":
                assert abs(twin[key] - real[key]) < 8.0, (case.name, key)
        for channel, least in (("rate", 0.97), ("acc", 0.75)):
            means = [
                np.mean([compare.normalised(s, case.cut, channel).mean(axis=0) for s in group], axis=0)
                for group in (case.real, case.twin)
            ]
            assert np.corrcoef(means[0], means[1])[0, 1] > least, (case.name, channel)
