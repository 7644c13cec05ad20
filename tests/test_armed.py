"""What was armed is in one small file: whole or as it was before, named when it cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sensord.armed import ArmedPod, ArmedState, Flight, Stage, any_on_board
from sensord.errors import InputError
from sensord.model import Side
from sensord.pod_time import ClockFix

FIX = ClockFix("boot", 1, 3, 4, wall_trusted=True, pod_ns=2, pod_boot=7)


def flight(*stages: Stage) -> Flight:
    sides = (Side.LEFT, Side.RIGHT, None)
    pods = [
        ArmedPod(f"C0:{i}", side, "open-pod", stage, {"rate_hz": 200.0, "details": {"log_id": 1}}, None, [FIX])
        for i, (stage, side) in enumerate(zip(stages, sides, strict=False))
    ]
    return Flight("01J", "boot", 5, 6, pods, ["a"], ["b"], [], ["c"], simulated=True)


@pytest.fixture
def state(tmp_path: Path) -> ArmedState:
    state = ArmedState(tmp_path)
    state.create()
    return state


def test_it_comes_back_as_it_went(state: ArmedState) -> None:
    one = flight(Stage.ARMED, Stage.FETCHED, Stage.ARMING)
    state.save(one)
    assert state.flights() == [one]


def test_what_is_over_leaves_no_file(state: ArmedState, tmp_path: Path) -> None:
    one = flight(Stage.RELEASED, Stage.FORGOTTEN)
    state.save(one)
    assert state.flights() == [one], "no run was made of the first one's log yet"
    one.made_of = ["C0:0"]
    state.save(one)
    assert list((tmp_path / "armed").iterdir()) == []
    assert state.flights() == []


def test_what_is_on_board_only_is_known(state: ArmedState, tmp_path: Path) -> None:
    assert not any_on_board(tmp_path)
    state.save(flight(Stage.FETCHED))
    assert not any_on_board(tmp_path)
    state.save(flight(Stage.FETCHED, Stage.ARMED))
    assert any_on_board(tmp_path)
    assert not any_on_board(tmp_path / "nothing here")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"format": 2}', "another sensord wrote this"),
        ('{"format": 1, "pods": [{}]}', "cannot be read"),
        ('{"format": 1, "pods": []}', "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named(state: ArmedState, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "armed" / "x.json").write_text(text)
    with pytest.raises(InputError, match=words):
        state.flights()
    assert any_on_board(tmp_path), "nobody knows: then a log is left alone"


def test_the_file_is_for_people_too(state: ArmedState, tmp_path: Path) -> None:
    state.save(flight(Stage.ARMED))
    told = json.loads((tmp_path / "armed" / "01J.json").read_text())
    assert told["pods"][0]["stage"] == "armed"
    assert told["pods"][0]["side"] == "left"
    assert told["format"] == 1
