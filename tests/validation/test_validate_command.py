"""`sensord validate`: what it prints, what is missing, exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sensord import cli
from sensord.validation import sections
from sensord.validation.rows import Kind, On, Row, Target, compared
from sensord.validation.sections import Section
from sensord.validation.workbench import Workbench

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def validate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sensord", "validate", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), out, err

    return run


def made(bench: Workbench) -> list[Row]:
    on = On(bench.data.name, Kind.SIMULATED)
    return [compared("timing", "IC", on, "ms", [1.0, 2.0], [3.0, 5.0], Target(sd=3.0))]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sections: one that needs nothing, one that needs a file."""
    both = (Section("made", made), Section("plate", made, needs=("plate.csv",), quick=False))
    monkeypatch.setattr(sections, "SECTIONS", both)


def test_no_such_folder(validate: Run, tmp_path: Path) -> None:
    code, out, err = validate("--data", tmp_path / "nowhere")
    assert (code, out) == (2, "")
    assert (
        err
        == f"sensord: {tmp_path / 'nowhere'}: found no such folder, expected a folder of recordings with their truth\n"
    )


def test_an_unknown_section(validate: Run, tmp_path: Path) -> None:
    code, _, err = validate("--data", tmp_path, "--only", "speling")
    assert code == 2
    assert "--only: found speling, expected some of: contacts, " in err


@pytest.mark.usefixtures("small")
def test_what_is_missing_is_said_and_the_rest_is_run(validate: Run, tmp_path: Path) -> None:
    code, out, err = validate("--data", tmp_path)
    assert code == 0
    assert "SD ≤ 3" in out
    assert err == f"sensord: not run: plate (not in {tmp_path}: plate.csv)\n"


@pytest.mark.usefixtures("small")
def test_nothing_could_be_run(validate: Run, tmp_path: Path) -> None:
    code, out, err = validate("--data", tmp_path, "--only", "plate")
    assert (code, out) == (1, "")
    assert "plate.csv" in err


@pytest.mark.usefixtures("small")
def test_quick_and_json(validate: Run, tmp_path: Path) -> None:
    (tmp_path / "plate.csv").touch()
    code, out, err = validate("--data", tmp_path, "--quick", "--json", "--out", tmp_path / "result.json")
    assert (code, err) == (0, "")
    result = json.loads(out)
    assert [row["bias"] for row in result["rows"]] == [1.5]
    assert json.loads((tmp_path / "result.json").read_text(encoding="utf-8")) == result
    assert len(json.loads(validate("--data", tmp_path, "--json")[1])["rows"]) == 2


def test_names_of_sections_are_distinct() -> None:
    names = [section.name for section in sections.SECTIONS]
    assert len(names) == len(set(names))
