"""The command line as its user meets it: what it prints, its exit codes, one clear line for bad input."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sensord import cli
from sensord.datadir import DataDir
from sensord.model import ALGORITHM, Mark, MarkKind, Packet, Side
from sensord.pipeline import Pipeline
from sensord.recording import Anchor, RunFile
from sensord.sim.runner import RunnerSimulation
from sensord.sim.script import Run, Stand
from sensord.sim.sensor import SensorModel
from sensord.store import Store
from tests.worlds import WALL_NS, World, world

Sensord = Callable[..., tuple[int, str, str]]


@pytest.fixture
def sensord(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Sensord:
    """Run a command in this process: exit code, stdout, stderr. No settings of this machine are read."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sensord", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), out, err

    return run


@pytest.fixture(scope="module")
def left_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated foot as an IMU CSV."""
    foot = RunnerSimulation((Stand(3.0), Run(20.0), Stand(2.0))).render(Side.LEFT, 200.0, SensorModel(acc_range_g=32.0))
    path = tmp_path_factory.mktemp("csv") / "left.csv"
    rows = np.column_stack([foot.t_pod_ns / 1e9, foot.acc_mps2, foot.gyr_radps])
    np.savetxt(path, rows, delimiter=",", header="t_s,acc_x,acc_y,acc_z,gyr_x,gyr_y,gyr_z", comments="", fmt="%.6f")
    return path


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


# ------------------------------------------------------------------------------------------------------------ analyse


def test_one_file_is_not_both_feet(sensord: Sensord, left_csv: Path) -> None:
    code, out, err = sensord("analyse", "--left", left_csv, "--right", left_csv)
    assert (code, out) == (2, "")
    assert "found the same file for both feet, expected a recording of each" in err


def test_analyse_writes_the_strides_and_the_summary(sensord: Sensord, left_csv: Path, tmp_path: Path) -> None:
    strides, summary = tmp_path / "s.csv", tmp_path / "s.json"
    code, out, err = sensord("analyse", "--left", left_csv, "--strides", strides, "--summary", summary)
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(lines_of(strides)))
    found = json.loads(summary.read_text(encoding="utf-8"))
    assert len(rows) == found["feet"]["left"]["strides"] > 20
    assert {row["activity"] for row in rows} == {"run"}
    assert f"{len(rows)} strides" in out
    assert found["asymmetry"]["contact_time"] is None
    ends = [row["next_ic_s"] for row in rows]
    assert [row["ic_s"] for row in rows[1:]] == ends[:-1]


def test_analyse_prints_json_alone(sensord: Sensord, left_csv: Path) -> None:
    code, out, _ = sensord("analyse", "--left", left_csv, "--json")
    assert code == 0
    assert json.loads(out)["schema"] == "sensord-summary/1"


@pytest.mark.slow
def test_analyse_draws_a_page_that_works_offline(sensord: Sensord, left_csv: Path, tmp_path: Path) -> None:
    page = tmp_path / "plot.html"
    code, _, err = sensord("analyse", "--left", left_csv, "--plot", page)
    assert (code, err) == (0, "")
    html = page.read_text(encoding="utf-8")
    assert "initial contact" in html
    assert 'src="http' not in html


@pytest.mark.parametrize("option", ["--strides", "--summary", "--plot"])
def test_a_recording_is_never_overwritten(sensord: Sensord, left_csv: Path, option: str) -> None:
    before = left_csv.read_bytes()
    code, _, err = sensord("analyse", "--left", left_csv, option, left_csv)
    assert (code, len(err.splitlines())) == (2, 1)
    assert left_csv.read_bytes() == before


def test_either_all_outputs_are_written_or_none(sensord: Sensord, left_csv: Path, tmp_path: Path) -> None:
    strides = tmp_path / "s.csv"
    code, _, err = sensord("analyse", "--left", left_csv, "--strides", strides, "--summary", tmp_path / "no" / "s.json")
    assert (code, len(err.splitlines())) == (2, 1)
    assert list(tmp_path.glob("*")) == []


def test_what_was_recorded_in_milli_g_is_refused(sensord: Sensord, left_csv: Path, tmp_path: Path) -> None:
    bad = tmp_path / "mg.csv"
    head, *rows = lines_of(left_csv)
    cells = [row.split(",") for row in rows]
    bad.write_text(
        "\n".join([head, *(",".join([c[0], *(f"{float(a) * 102:.3f}" for a in c[1:4]), *c[4:]]) for c in cells)])
    )
    code, _, err = sensord("analyse", "--left", bad)
    assert code == 2
    assert "milli-g" in err


def text_in_a_number(lines: list[str]) -> list[str]:
    return [*lines[:200], lines[200].replace(lines[200].split(",")[3], "fast", 1), *lines[201:]]


def without_a_column(lines: list[str]) -> list[str]:
    return [",".join(line.split(",")[:-1]) for line in lines]


def disordered(lines: list[str]) -> list[str]:
    return [*lines[:1000], *lines[1200:1400], *lines[1000:1200], *lines[1400:]]


def all_nan(lines: list[str]) -> list[str]:
    return [lines[0], *(",".join([line.split(",")[0], *["nan"] * 6]) for line in lines[1:])]


def in_g(lines: list[str]) -> list[str]:
    def row(line: str) -> str:
        t, *values = line.split(",")
        acc, gyr = values[:3], values[3:]
        return ",".join([t, *(f"{float(a) / 9.80665:.6f}" for a in acc), *gyr])

    return [lines[0], *(row(line) for line in lines[1:])]


def too_slow(lines: list[str]) -> list[str]:
    return [lines[0], *lines[1::6]]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without_a_column, ["gyr_z"]),
        (text_in_a_number, ["line 201", "fast", "number"]),
        (disordered, ["line", "0.5 s"]),
        (all_nan, ["numbers"]),
        (in_g, ["9.8", "m/s"]),
        (too_slow, ["50 to 1000 Hz"]),
        (lambda _: [], ["empty"]),
        (lambda lines: lines[:1], []),
        (lambda lines: [line.replace(",", ";") for line in lines], ["semicolons", "commas"]),
        (lambda _: ["\x00\x01\x02"], []),
    ],
)
def test_a_bad_recording_is_one_clear_line_and_nothing_half_written(
    sensord: Sensord, left_csv: Path, tmp_path: Path, spoil: Callable[[list[str]], list[str]], words: list[str]
) -> None:
    bad, strides, summary = tmp_path / "bad.csv", tmp_path / "s.csv", tmp_path / "s.json"
    spoilt = spoil(lines_of(left_csv))
    bad.write_text("\n".join(spoilt) + ("\n" if spoilt else ""), encoding="utf-8")
    code, out, err = sensord("analyse", "--left", bad, "--strides", strides, "--summary", summary)
    assert (code, out) == (2, "")
    [line] = err.splitlines()
    assert line.startswith(f"sensord: {bad}")
    assert "found" in line
    assert "expected" in line
    for word in words:
        assert word in line
    assert not strides.exists()
    assert not summary.exists()


def test_a_missing_recording_and_none_at_all(sensord: Sensord, tmp_path: Path) -> None:
    code, _, err = sensord("analyse", "--left", tmp_path / "none.csv")
    assert code == 2
    assert len(err.splitlines()) == 1
    code, _, err = sensord("analyse")
    assert (code, len(err.splitlines())) == (2, 1)


# --------------------------------------------------------------------------------------------------- plan and settings


def test_a_plan_is_checked_with_every_problem_at_once(sensord: Sensord, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        'schema = "rtr-plan/1"\nid = "x"\ntitle = "x"\n[runner]\nalias = "R-1"\n'
        '[limit.distance]\nwarn = "5kg"\nstopp = "6km"\n'
    )
    code, out, err = sensord("plan", "check", plan)
    assert (code, out) == (2, "")
    assert "limit.distance.warn" in err
    assert "5kg" in err
    assert "stopp" in err
    assert all(line.startswith(f"sensord: {plan}") for line in err.splitlines())


def test_the_shipped_plan_is_fine(sensord: Sensord) -> None:
    code, out, _ = sensord("plan", "check", Path(__file__).parents[1] / "config" / "plans" / "example.toml")
    assert code == 0
    assert "fine" in out


def test_bad_settings_are_all_named(sensord: Sensord, tmp_path: Path) -> None:
    config = tmp_path / "s.toml"
    config.write_text('[web]\nport = "x"\n[stream]\nrate_hz = 1\n')
    code, _, err = sensord("run", "--config", config)
    assert code == 2
    assert [line.split(": ")[2] for line in err.splitlines()] == ["stream.rate_hz", "web.port"]


def test_a_run_without_pods_says_what_to_do(sensord: Sensord) -> None:
    code, _, err = sensord("run")
    assert code == 2
    assert "sensord pair" in err


# ------------------------------------------------------------------------------------------------- doctor, scan, help


PEOPLE = """
[people.mail]
kind = "mail"
to = ["a@x.example"]
from = "b@x.example"
host = "127.0.0.1"
port = 9
[people.web]
kind = "webhook"
url = "http://127.0.0.1:9/x"
[people.far]
kind = "webhook"
url = "http://far.example/x"
[people.here]
kind = "command"
argv = ["true"]
"""


def test_doctor_fails_when_something_is_away_and_names_each(sensord: Sensord, tmp_path: Path) -> None:
    config = tmp_path / "s.toml"
    config.write_text('[mqtt]\nhost = "127.0.0.1"\nport = 9\n[influx]\nurl = "http://127.0.0.1:9"\n' + PEOPLE)
    code, out, _ = sensord("doctor", "--config", config, "--json")
    assert code == 1
    verdicts = {f["name"]: f["verdict"] for f in json.loads(out)}
    assert verdicts["mqtt"] == verdicts["influxdb"] == "bad"
    assert {name: verdicts[f"people.{name}"] for name in ("mail", "web", "far", "here")} == {
        "mail": "bad", "web": "bad", "far": "bad", "here": "ok",
    }  # fmt: skip
    assert verdicts["people"] == "look"  # no plan names them
    assert verdicts["data"] == "ok"
    assert verdicts["plan"] == verdicts["pods"] == "not set"


def test_scan_lists_the_pods_in_reach(sensord: Sensord) -> None:
    code, out, _ = sensord("scan", "--simulated", "--seconds", "1", "--json")
    assert code == 0
    assert [(p["address"], p["driver"]) for p in sorted(json.loads(out), key=lambda p: p["address"])] == [
        ("C0:00:00:00:00:01", "open-pod"),
        ("C0:00:00:00:00:02", "open-pod"),
    ]


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    heavy = ("scipy", "aiohttp", "bleak", "pydantic")
    code = f"import sys, sensord.cli; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --------------------------------------------------------------------------------------------------------------- runs


@pytest.fixture(scope="module")
def kept() -> World:
    return world((Stand(3.0), Run(15.0), Stand(2.0)))


@pytest.fixture
def data(tmp_path: Path, kept: World) -> DataDir:
    """A data directory with one run that has ended."""
    folder = DataDir(tmp_path / "data")
    folder.create()
    anchor = Anchor(wall_ns=WALL_NS, boottime_ns=1, boot_id="boot", wall_trusted=True)
    store = Store.open(folder.store, gateway="test")
    store.begin_run(kept.setup, file=f"{kept.setup.run}.run", boot_id="boot", boottime_ns=1, begun_wall_ns=WALL_NS)
    file = RunFile.create(folder.run_file(kept.setup.run), kept.setup, anchor)
    pipeline = Pipeline(kept.setup)
    end = Mark(kept.inputs[-1].t_ns, MarkKind.COMMAND, {"command": "end", "by": "test"})
    for item in [*kept.inputs, end]:
        file.add(item)
        store.append(kept.setup.run, ALGORITHM, pipeline.push(item))
    store.end_run(kept.setup.run, sha256=file.seal())
    file.close()
    store.close()
    return folder


def test_runs_are_listed_and_shown(sensord: Sensord, data: DataDir, kept: World) -> None:
    code, out, _ = sensord("runs", "list", "--data-dir", data.path)
    assert code == 0
    assert kept.setup.run in out
    code, out, _ = sensord("runs", "show", "last", "--data-dir", data.path, "--json")
    assert code == 0
    shown = json.loads(out)
    assert shown["run"] == kept.setup.run
    assert shown["summary"]["strides_left"] > 10
    code, out, _ = sensord("runs", "show", kept.setup.run, "--data-dir", data.path)
    assert re.search(r"strides_left +\d", out)
    assert re.search(r"metrics\.contact_time +.*left 0\.\d", out)
    assert "distance_calibrated      yes" in out
    assert "{" not in out  # no tables as programs write them
    assert "speed_model" not in out


def test_a_discarded_run_is_left_out_and_cannot_be_discarded_twice(sensord: Sensord, data: DataDir) -> None:
    code, out, _ = sensord("runs", "discard", "last", "--data-dir", data.path, "--reason", "wrong runner")
    assert code == 0
    assert "discarded" in out
    assert json.loads(sensord("runs", "list", "--data-dir", data.path, "--json")[1]) == []
    [row] = json.loads(sensord("runs", "list", "--data-dir", data.path, "--all", "--json")[1])
    assert row["discarded_reason"] == "wrong runner"
    code, _, err = sensord("runs", "discard", row["run"], "--data-dir", data.path)
    assert code == 2
    assert "wrong runner" in err


def test_what_is_not_there_is_said(sensord: Sensord, data: DataDir, tmp_path: Path) -> None:
    assert sensord("runs", "show", "01XXXX", "--data-dir", data.path)[0] == 2
    code, _, err = sensord("runs", "list", "--data-dir", tmp_path / "empty")
    assert (code, len(err.splitlines())) == (2, 1)


def test_replay_gives_every_stored_event_byte_for_byte(sensord: Sensord, data: DataDir, kept: World) -> None:
    path = data.run_file(kept.setup.run)
    code, out, _ = sensord("replay", path, "--against", data.path)
    assert code == 0
    assert "byte for byte" in out
    code, out, _ = sensord("replay", path, "--json")
    events = [json.loads(line) for line in out.splitlines()]
    assert [e["n"] for e in events] == list(range(len(events)))


def test_a_damaged_run_file_is_a_warning_and_an_honest_part(sensord: Sensord, data: DataDir, kept: World) -> None:
    path = data.run_file(kept.setup.run)
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    packet = next(i for i in kept.inputs[300:] if isinstance(i, Packet))
    at = content.index(packet.payload)
    content[at + 20] ^= 0xFF
    path.write_bytes(content)
    code, out, err = sensord("replay", path)
    assert code == 0
    assert "warning" in err
    assert "strides" in out


@pytest.mark.parametrize("content", [b"", b"not a run file", b"SQLite format 3\x00" + bytes(84)])
def test_what_is_no_run_file_is_one_clear_line(sensord: Sensord, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.run"
    path.write_bytes(content)
    code, out, err = sensord("replay", path)
    assert (code, out) == (2, "")
    [line] = err.splitlines()
    assert line.startswith(f"sensord: {path}")
