"""The plan on the command line, read and tried out: what people see, and what programs get."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sensord import cli
from tests.test_cli_people import PLAN, Say, adopted, say

__all__ = ["adopted", "say"]

SHIPPED = sorted(
    p for p in (Path(__file__).parents[1] / "config" / "plans").glob("*.toml") if p.name != "protocols.toml"
)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command that needs no data: exit code, stdout, stderr."""

    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sensord", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), out, err

    return run


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "shown.toml"
    path.write_text(PLAN, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_plan_ready_to_copy_is_fine(read: Say, path: Path) -> None:
    code, out, err = read("plan", "check", str(path))
    assert (code, err) == (0, "")
    assert f"{path}: fine, plan {path.stem} for " in out


def test_check_as_json_has_the_plan_and_what_to_look_at(read: Say, plan: Path) -> None:
    _, out, _ = read("plan", "check", str(plan), "--json")
    found = json.loads(out)
    assert found["plan"]["id"] == "p"
    assert isinstance(found["warnings"], list)


def test_mistakes_are_one_line_each_with_their_place(read: Say, plan: Path) -> None:
    plan.write_text(
        PLAN.replace("run 1min", "runn 1min").replace('alias = "runner-1"', 'alias = "a b"'), encoding="utf-8"
    )
    code, out, err = read("plan", "check", str(plan))
    assert (code, out) == (2, "")
    assert [line.split(": ")[2].split(",")[0] for line in err.splitlines()] == ["line 6", "line 18"]


def test_the_ladder_is_shown_as_a_table_and_drawn(read: Say, plan: Path, tmp_path: Path) -> None:
    code, out, _ = read("plan", "show", str(plan), "--plot", str(tmp_path / "ladder.html"))
    assert code == 0
    assert "5 times: walk 4 min, run 1 min" in out
    assert "░" in out
    page = (tmp_path / "ladder.html").read_text(encoding="utf-8")
    assert "5 times: walk 4 min, run 1 min" in page
    assert "http" not in page.split("<body>")[1].split("<script")[0]
    (row,) = json.loads(read("plan", "show", str(plan), "--json")[1])
    assert (row["stage"], row["total"], row["running"]) == ("1", "25 min", "5 min")


def test_today_says_why_not_and_what_is_missing(adopted: Say) -> None:
    code, out, _ = adopted("plan", "today")
    assert code == 0
    assert "today    run: no" in out
    assert "ready    ok: unanswered" in out
    standing = json.loads(adopted("plan", "today", "--json")[1])
    assert standing["today"]["may_run"] is False
    assert standing["ready"]["hop"] == "unanswered"


def test_today_without_a_plan_is_one_line(say: Say, tmp_path: Path) -> None:
    code, out, err = say("plan", "today")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1


def test_a_dry_run_shows_each_day_and_its_rule(read: Say, plan: Path) -> None:
    code, out, _ = read("plan", "simulate", str(plan), "--days", "10")
    assert code == 0
    assert sum(line[:1].isdigit() for line in out.splitlines()) == 10
    rows = json.loads(read("plan", "simulate", str(plan), "--days", "10", "--json")[1])
    assert [row["day"] for row in rows] == list(range(1, 11))
    assert any(decision["outcome"] == "enter" for row in rows for decision in row["decisions"])


def test_decisions_stand_in_the_audit_with_name_and_reason(adopted: Say) -> None:
    assert adopted("plan", "approve", "set_stage", "--stage", "1", "--reason", "walks well", "--who", "PT K")[0] == 0
    rows = json.loads(adopted("audit", "--json")[1])
    assert ("PT K", "approval") in [(row["who"], row["what"]) for row in rows]
    code, out, _ = adopted("audit")
    assert code == 0
    assert "PT K" in out


def test_nothing_urgent_is_said_to_wait(adopted: Say) -> None:
    assert adopted("ack") == (0, "nothing urgent waits to be seen\n", "")
    assert json.loads(adopted("ack", "--json")[1]) == []
    code, _, err = adopted("ack", "nonsense")
    assert code == 2
    assert len(err.splitlines()) == 1


def test_an_unknown_verdict_is_one_line(adopted: Say) -> None:
    code, _, err = adopted("plan", "approve", "promote", "--reason", "x")
    assert code == 2
    assert "set_stage" in err
