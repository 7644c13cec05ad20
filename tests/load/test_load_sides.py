"""Pods on the wrong feet are told from how feet roll; on real recordings, as worn and exchanged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sensord.analysis import analyse
from sensord.load.sides import STRIDES, SideCheck
from sensord.model import Side
from sensord.validation.datasets import DERIVED, derived, gaitmap_walk, ipol_walks
from tests.load.made_strides import a_stride

DATA = pytest.mark.skipif("SENSORD_DATA" not in os.environ, reason="SENSORD_DATA names no folder of real recordings")


def said(left_deg: float | None, right_deg: float | None, strides: int = STRIDES, confidence: float = 0.9) -> int:
    check, notes = SideCheck(), 0
    for n in range(strides):
        for side, deg in ((Side.LEFT, left_deg), (Side.RIGHT, right_deg)):
            at = 0.7 * n + (0.35 if side is Side.RIGHT else 0.0)
            made = a_stride(side, at, at + 0.7, eversion_excursion_deg=deg, confidence=confidence)
            notes += check.add(made) is not None
    return notes


def test_it_takes_both_feet_and_enough_strides() -> None:
    assert said(0.0, 0.5, 3 * STRIDES) == 1
    assert said(0.0, 5.0) == said(5.0, 0.0) == said(8.0, 9.0) == 0
    assert said(0.0, 0.0, STRIDES - 1) == said(None, None) == said(0.0, None) == 0
    assert said(0.0, 0.0, confidence=0.3) == 0


@DATA
@pytest.mark.data
def test_people_as_they_wore_their_pods_are_not_told_to_exchange_them() -> None:
    folder = Path(os.environ["SENSORD_DATA"])
    trials = [
        *(derived(folder, source, "impact_200hz") for source in DERIVED),
        gaitmap_walk(folder),
        *ipol_walks(folder),
    ]
    assert len(trials) == 8
    told = {}
    for trial in trials:
        left, right = trial.recordings[Side.LEFT], trial.recordings[Side.RIGHT]
        notes = [{n.code for n in analyse(*feet).notes} for feet in ((left, right), (right, left))]
        assert "pods_swapped" not in notes[0], trial.on.data
        told[trial.on.data] = "pods_swapped" in notes[1]
    # jdx and three walks are too short to say anything (fewer than 15 strides of confidence)
    assert sum(told.values()) >= 2


@DATA
@pytest.mark.data
def test_treadmills_go_straight_and_walkers_turn_round() -> None:
    folder = Path(os.environ["SENSORD_DATA"])
    for source in DERIVED:
        strides = analyse(*derived(folder, source, "smooth_200hz").recordings.values()).strides
        for side in Side:
            turns = [s.turn_deg for s in strides if s.foot is side and s.turn_deg is not None]
            tens = [sum(turns[i : i + 10]) / 10 for i in range(0, len(turns) - 9, 10)]
            assert tens
            assert max(map(abs, tens)) < 0.6, source.folder
    turned = 0
    for trial in ipol_walks(folder):  # ten metres, round, and back
        strides = analyse(*trial.recordings.values()).strides
        turned += any(abs(s.turn_deg) > 30 for s in strides if s.turn_deg is not None)
    assert turned == 5
