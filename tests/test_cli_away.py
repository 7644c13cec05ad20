"""`sensord arm` and `sensord fetch` as their user meets them, with the demo's pods; and killed in the middle."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sensord import cli
from sensord.datadir import DataDir
from sensord.store import Store
from tests.away import fast_logs


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["sensord", *words])
    code = 0
    try:
        cli.main()
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    out = capsys.readouterr()
    return code, out.out, out.err


@pytest.mark.usefixtures("alone")
def test_demo_pods_are_armed_and_come_home_in_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fast_logs(monkeypatch)
    folder = ("--data-dir", str(tmp_path / "data"))
    code, _, err = run(monkeypatch, capsys, "fetch", *folder)
    assert (code, err) == (2, "sensord: fetch: found no pod that is armed, expected one that `sensord arm` sent off\n")
    code, _, err = run(monkeypatch, capsys, "arm", *folder)
    assert (code, err.count("\n")) == (2, 1)
    code, out, _ = run(monkeypatch, capsys, "arm", "--simulated", "--away", "25", "--json", *folder)
    assert code == 0
    armed = json.loads(out)
    assert [(one["side"], one["ok"], one["details"]["minutes"]) for one in armed] == [
        ("left", True, 114),
        ("right", True, 114),
    ]
    code, out, _ = run(monkeypatch, capsys, "fetch", "--json", *folder)
    assert code == 0
    fetched = json.loads(out)
    assert all(one["details"]["samples"] >= 24 * 200 for one in fetched["pods"])
    [made] = fetched["runs"]
    assert made["summary"]["strides_left"] > 10
    code, out, _ = run(monkeypatch, capsys, "runs", "list", "--json", *folder)
    assert [one["run"] for one in json.loads(out)] == [made["run"]]


@pytest.mark.slow
def test_a_fetch_that_is_killed_with_signal_9_is_finished_by_the_next(tmp_path: Path) -> None:
    """Up to three times, each time a little later; then it is let through."""
    data = tmp_path / "data"

    def command(*words: str) -> subprocess.Popen[str]:
        line = [sys.executable, "-m", "sensord", *words, "--data-dir", str(data)]
        return subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env={"PYTHONUNBUFFERED": "1"})

    with command("arm", "--simulated", "--away", "40") as arming:
        arming.communicate()
        assert arming.returncode == 0
    codes = []
    for foot, percent in (("left", 25), ("right", 15), ("right", 100), ("nobody", 0)):
        out = ""
        with command("fetch") as fetching:
            assert fetching.stdout is not None
            for line in fetching.stdout:
                out += line
                come = re.search(rf"{foot} pod: (\d+) % fetched", line)
                if come and int(come[1]) >= percent:
                    fetching.send_signal(signal.SIGKILL)
        codes.append(fetching.returncode)
        if fetching.returncode == 0:  # it was through before the signal came
            break
    assert codes[0] == -signal.SIGKILL, "most of the download was still to come"
    assert set(codes[:-1]) == {-signal.SIGKILL}
    assert codes[-1] == 0, out
    store = Store.open(DataDir(data).store, gateway="reader", readonly=True)
    [row] = store.runs()
    store.close()
    assert row.summary is not None
    assert row.summary["strides_left"] > 20
    assert list((data / "armed").glob("*.json")) == []
    assert "left pod: 0 %" not in out
