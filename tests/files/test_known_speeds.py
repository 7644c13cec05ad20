"""Speeds from a belt or another device: what is read, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensord.errors import InputError
from sensord.files.known_speeds import KnownSpeed, constant_speed, read_known_speeds


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "speeds.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_hold_until_the_next_and_an_empty_speed_ends_it(tmp_path: Path) -> None:
    rows = read_known_speeds(write(tmp_path, "t_s,speed_mps,sd_mps\n0,2.5,0.1\n60.5,3.0,\n120,,\n"))
    assert rows == (
        KnownSpeed(0, 2.5, 0.1),
        KnownSpeed(60_500_000_000, 3.0, pytest.approx(0.045)),
        KnownSpeed(120_000_000_000, None, 0.0),
    )


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ("t_s,speed\n0,2\n", "line 1", "t_s,speed"),
        ("t_s,speed_mps\n0,fast\n", "line 2", "fast"),
        ("t_s,speed_mps\n0,2\n0,3\n", "line 3", "0 s"),
        ("t_s,speed_mps\n0,2\n1,40\n", "line 3", "40"),
        ("t_s,speed_mps,sd_mps\n0,2,0\n", "line 2", "sd 0"),
        ("t_s,speed_mps\n", "", "no rows"),
        ("t_s,speed_mps\n,2\n", "line 2", "''"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, where: str, found: str) -> None:
    with pytest.raises(InputError) as refused:
        read_known_speeds(write(tmp_path, text))
    [problem] = refused.value.problems
    assert problem.place == where
    assert found in problem.found
    assert "convert" not in problem.found  # in words of ours


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_known_speeds(tmp_path / "none.csv")


def test_a_belt_is_one_speed_for_all_and_never_in_kmh() -> None:
    [known] = constant_speed(3.5)
    assert known.speed_mps == 3.5
    assert known.sd_mps == pytest.approx(0.0525)
    with pytest.raises(InputError, match="known speed"):
        constant_speed(14.0)
