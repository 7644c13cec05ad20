"""What people type about the plan: kept as it was meant, or refused in one line with nothing kept."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sensord import cli
from sensord.plan.facts import CheckIn, Fact, HistoryKnown, RunFact
from sensord.store import Store
from sensord.store_facts import facts

PLAN = """
schema = "rtr-plan/1"
id = "p"
title = "t"
[runner]
alias = "runner-1"
timezone = "Asia/Tokyo"
[readiness]
item = [
  {id = "walk", kind = "walk", min = "30min"},
  {id = "ok", kind = "clinician", text = "no tenderness"},
  {id = "hop", kind = "reps", what = "hops", min = 10, each_side = true},
  {id = "calm", kind = "pain_free_days", min = 3},
  {id = "grade", kind = "grade", scale = ["zero", "trace", "1+"], max = "trace"},
]
[[stage]]
id = "1"
session = [{do = "5x(walk 4min, run 1min)"}]
[[exercise]]
id = "squats"
name = "Squats"
days = ["mon"]
"""

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Say:
    """Run a command in this process: exit code, stdout, stderr. No settings of this machine are read."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sensord", *map(str, words), "--data-dir", str(tmp_path / "data")])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), out, err

    return run


@pytest.fixture
def adopted(say: Say, tmp_path: Path) -> Say:
    """With the plan above on file."""
    (tmp_path / "plan.toml").write_text(PLAN)
    assert say("plan", "adopt", tmp_path / "plan.toml", "--reason", "begin")[0] == 0
    return say


def on_file(tmp_path: Path) -> tuple[Fact, ...]:
    with contextlib.closing(Store.open(tmp_path / "data" / "sensord.db", gateway="t", readonly=True)) as store:
        return facts(store, "runner-1")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("checkin", "pain.after=1", "--at", "0001-01-01"), "a year between 1990 and 2100"),
        (("checkin", "pain.after=1", "--at", "9999-12-31T23:59:59"), "a year between 1990 and 2100"),
        (("checkin", "pain.after=1", "--at", "2026-02-30"), "a date or time"),
        (("checkin", "pain.after=1", "pain.after=2"), "pain.after twice"),
        (("checkin", "pain.after=nan"), "0 to 10"),
        (("plan", "complete-since", "0001-01-01"), "DAY: found 0001-01-01"),
        (("plan", "distance", "5km", "--took", "31"), '--took: found "31"'),
        (("plan", "distance", "5km", "--took", "25h"), "24 h at most"),
        (("plan", "distance", "99999999km"), "at most 1000 km"),
        (("plan", "tested", "hop", "nan", "--side", "left"), "0 to 1e+06"),
        (("plan", "tested", "hop", "1e400", "--side", "left"), "0 to 1e+06"),
        (("plan", "tested", "hop", "10"), "left or right"),
        (("plan", "tested", "walk", "30 bananas"), "a number, or one with its unit"),
        (("plan", "tested", "walk", "30"), 'walk: found 30 without a unit, expected a duration such as "30min"'),
        (("plan", "tested", "ok", "12"), "a clinician's tick"),
        (("plan", "tested", "calm", "3"), "it follows from check-ins"),
        (("plan", "tested", "grade", "2+"), "one of: zero, trace, 1+"),
        (("plan", "note", ""), "a line of text"),
        (("plan", "note", "a\nb"), "a line of text"),
        (("plan", "note", "x" * 2001), "at most 2000 characters"),
        (("plan", "note", "x", "--kind", ""), "a line of text"),
        (("plan", "note", "x", "--who", "x" * 201), "a line of text"),
        (("plan", "today", "--at", "0001-01-01"), "a year between 1990 and 2100"),
    ],
)
def test_what_cannot_be_meant_is_one_line_and_nothing_is_kept(
    adopted: Say, tmp_path: Path, words: tuple[str, ...], expected: str
) -> None:
    before = on_file(tmp_path)
    code, out, err = adopted(*words)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith("sensord: ")
    assert expected in err
    assert on_file(tmp_path) == before


@pytest.mark.parametrize("words", [("checkin", "pain.after=1"), ("plan", "distance", "5km"), ("plan", "note", "x")])
def test_what_has_not_happened_yet_is_not_kept(adopted: Say, tmp_path: Path, words: tuple[str, ...]) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    code, _, err = adopted(*words, "--at", tomorrow)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "what has happened" in err
    assert len(on_file(tmp_path)) == 1


def test_a_plan_is_changed_for_a_reason(say: Say, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    code, _, err = say("plan", "adopt", tmp_path / "plan.toml", "--reason", " ")
    assert code == 2
    assert "revision: reason" in err


def test_times_are_those_of_her_plan_not_of_this_computer(adopted: Say, tmp_path: Path) -> None:
    assert adopted("plan", "complete-since", "2026-01-01")[0] == 0
    assert adopted("checkin", "pain.daily=0", "--at", "2026-01-02T07:00")[0] == 0
    assert adopted("checkin", "pain.daily=0", "--at", "2026-01-02T07:00+01:00")[0] == 0
    at = [datetime.fromtimestamp(f.at_wall_ns / 1e9, UTC).isoformat() for f in on_file(tmp_path)[1:]]
    assert at == ["2025-12-31T15:00:00+00:00", "2026-01-01T22:00:00+00:00", "2026-01-02T06:00:00+00:00"]


def test_days_are_those_of_the_plan_on_file_though_no_settings_name_it(adopted: Say, tmp_path: Path) -> None:
    assert adopted("plan", "distance", "5km", "--took", "30min", "--at", "2026-03-02T18:00")[0] == 0
    (run,) = [fact for fact in on_file(tmp_path) if isinstance(fact, RunFact)]
    assert run.end_wall_ns - run.at_wall_ns == 1800 * 10**9
    code, out, _ = adopted("plan", "today")
    assert code == 0
    assert "ready    walk: unanswered" in out


def test_who_is_asked_about_another_runner_is_told_so(say: Say, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN.replace("runner-1", "anna"))
    code, out, err = say("plan", "adopt", tmp_path / "plan.toml", "--reason", "begin")
    assert (code, out) == (0, "p counts from now on for anna\n")
    assert err == 'look  the settings are about runner-1: set runner = "anna", or plan = FILE\n'
    code, _, err = say("plan", "today")
    assert code == 2
    assert "no plan on file for runner-1" in err


def test_what_is_said_is_kept(adopted: Say, tmp_path: Path) -> None:
    for words in (
        ("checkin", "pain.after=2", "pain.where=shin"),
        ("plan", "tested", "hop", "12", "--side", "left"),
        ("plan", "tested", "walk", "31min", "--pain", "0"),
        ("plan", "tested", "grade", "trace"),
        ("plan", "tested", "ok", "yes"),
        ("plan", "did", "squats", "--sets", "3"),
        ("plan", "note", "joint mobilisation", "--kind", "manual_therapy"),
        ("plan", "complete-since", "2026-01-01"),
        ("plan", "approve", "hold", "--reason", "swollen"),
    ):
        code, _, err = adopted(*words)
        assert (code, err) == (0, "")
    kinds = [type(fact) for fact in on_file(tmp_path)]
    assert kinds.count(CheckIn) == kinds.count(HistoryKnown) == 1
    assert len(kinds) == 10
    assert all(fact.at_wall_ns <= time.time_ns() for fact in on_file(tmp_path))
