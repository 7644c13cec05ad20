"""`sensord mark`: an instant of a laboratory in the run that is on, or one clear line why not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from sensord import host
from sensord.daemon import Gateway
from sensord.datadir import DataDir
from sensord.demo import demo_settings, simulated_radio
from sensord.errors import InputError
from sensord.lab_mark import Stamp, mark
from sensord.model import NS, Mark, MarkKind
from sensord.recording import read_run
from sensord.sim.script import Run, Stand
from sensord.store import Store
from tests.daemons import run_on


def sensord_mark(data: Path, *words: str, keys: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sensord", "mark", *words, "--data-dir", str(data)]
    return subprocess.run(command, input=keys, capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_a_mark_is_in_the_run_file_the_log_and_the_answer(tmp_path: Path) -> None:
    settings = demo_settings(tmp_path / "data", port=0)
    data = DataDir(settings.data_dir)
    backend = simulated_radio((Stand(1.5), Run(60.0))).backend
    stop = asyncio.create_task(Gateway(settings, backend=backend, say=lambda _: None).run(7.0))
    await run_on(data)
    asked = Stamp.now()
    kept = await mark(settings, "jump", asked)
    before_ns = host.boottime_ns()
    typed = await asyncio.to_thread(sensord_mark, data.path, "tap", "--keys", "--json", keys="\nsecond tap\n")
    after_ns = host.boottime_ns()
    with pytest.raises(InputError, match="s ago"):
        await mark(settings, "too old", Stamp(asked.boottime_ns - 60 * NS, asked.wall_ns))
    await stop

    assert typed.returncode == 0, typed.stderr
    with contextlib.closing(Store.open(data.store, gateway="reader", readonly=True)) as store:
        [run] = [run.run for run in store.runs(include_discarded=True)]
        notes = [e for e in store.events(run, kinds=["note"]) if e.payload["code"] == "note"]
    recorded = read_run(data.run_file(run))
    marks = [i for i in recorded.inputs() if isinstance(i, Mark) and i.kind is MarkKind.NOTE]
    assert [m.data["text"] for m in marks] == ["jump", "tap", "second tap"]
    assert [e.payload["text"] for e in notes] == ["jump", "tap", "second tap"]
    assert [e.t_ns for e in notes] == [m.t_ns for m in marks]
    assert kept["run"] == run
    assert marks[0].t_ns == asked.boottime_ns - recorded.anchor.boottime_ns
    assert kept["t_ns"] == marks[0].t_ns
    assert marks[0].data["wall_ns"] == kept["wall_ns"] == asked.wall_ns
    for each in marks[1:]:
        assert before_ns < each.t_ns + recorded.anchor.boottime_ns < after_ns


def test_without_a_daemon_it_is_one_line_and_exit_2(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    for ready in (False, True):
        if ready:
            data.create()
        done = sensord_mark(data.path, "jump")
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        assert "no daemon" in done.stderr
        assert data.path.exists() is ready
    (data.path / "daemon.json").write_text(json.dumps({"pid": 1, "url": "http://127.0.0.1:9", "token": None}))
    assert "no daemon" in sensord_mark(data.path, "jump").stderr
    with data.lock():
        assert "no page to be asked through" in sensord_mark(data.path, "jump").stderr
    assert "a line of text" in sensord_mark(data.path, "a\nb").stderr
    assert "found 'xxxxxxxxxxxxxxxxxxxx…', expected" in sensord_mark(data.path, "x" * 201).stderr


@pytest.mark.timeout(60)
async def test_without_a_run_the_daemon_says_so(tmp_path: Path) -> None:
    settings = demo_settings(tmp_path / "data", port=0)
    radio = simulated_radio((Stand(1.5), Run(60.0)))
    for pod in radio.pods.values():
        pod.vanish()
    stop = asyncio.create_task(Gateway(settings, backend=radio.backend, say=lambda _: None).run(2.5))
    for _ in range(40):
        if (settings.data_dir / "daemon.json").exists():
            break
        await asyncio.sleep(0.05)
    with pytest.raises(InputError, match="no run that is on"):
        await mark(settings, "jump", Stamp.now())
    await stop
