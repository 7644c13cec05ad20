"""The daemon as a process: killed in the middle, ended by a signal, asked by commands while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from sensord import host
from sensord.daemon import Gateway
from sensord.datadir import DataDir
from sensord.demo import demo_settings, simulated_radio
from sensord.discard import discard
from sensord.errors import InputError
from sensord.model import Packet
from sensord.playback import first_difference, replay
from sensord.recording import read_run
from sensord.sim.script import Run, Stand
from sensord.store import Store


def start(data: Path, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sensord", "demo", "--headless", "--seconds", str(seconds)]
    return subprocess.Popen(
        [*command, "--data-dir", str(data)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for_strides(data: DataDir, count: int, timeout_s: float = 40.0) -> None:
    """Until the store holds so many strides."""
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        time.sleep(0.2)
        if not data.store.exists():
            continue
        with (
            contextlib.suppress(InputError),
            contextlib.closing(Store.open(data.store, gateway="r", readonly=True)) as store,
        ):
            if sum(e.kind == "stride" for e in store.read_after(0, 10_000)) >= count:
                return
    raise AssertionError(f"no {count} strides within {timeout_s} s")


@pytest.mark.slow
@pytest.mark.timeout(100)
def test_killed_in_the_middle_the_run_goes_on_and_nothing_is_there_twice(tmp_path: Path) -> None:
    """kill -9 while it runs: the next start takes the run up where it was."""
    data = DataDir(tmp_path / "data")
    first = start(data.path, 60)
    wait_for_strides(data, 8)
    time.sleep(random.random())
    killed_ns = host.boottime_ns()
    first.send_signal(signal.SIGKILL)
    first.communicate()

    [path] = data.runs.glob("*.run")
    before = read_run(path)
    kept = list(before.inputs())
    assert before.sealed is None
    # a packet comes every 50 ms from each pod and is on disk 20 ms after it came; other tests share this machine
    age_s = (killed_ns - before.anchor.boottime_ns - max(i.t_ns for i in kept if isinstance(i, Packet))) / 1e9
    assert age_s < 0.5
    with contextlib.closing(Store.open(data.store, gateway="reader", readonly=True)) as store:
        seen = [(e.n, e.kind) for e in store.events(before.setup.run)]
    lived = [(e.n, e.kind) for e in replay(before)]
    assert seen == lived[: len(seen)], "the store holds something that the run file does not explain"
    assert any(kind == "stride" for _, kind in seen)

    second = start(data.path, 8)
    out, err = second.communicate(timeout=60)
    assert second.returncode == 0, err
    assert "goes on after a break" in err
    [path] = data.runs.glob("*.run")
    after = read_run(path)
    assert after.sealed is not None
    assert list(after.inputs())[: len(kept)] == kept
    with contextlib.closing(Store.open(data.store, gateway="reader", readonly=True)) as store:
        assert first_difference(replay(after), store, after.setup.run) is None
        [run] = store.runs()
        assert run.summary is not None
        notes = [e.payload["code"] for e in store.events(after.setup.run, kinds=["note"])]
    assert "resumed" in notes
    assert re.search(rf"1 run: {run.summary['strides_left'] + run.summary['strides_right']} strides", out)


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_a_signal_ends_the_run_cleanly(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    process = start(data.path, 60)
    wait_for_strides(data, 4)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert out.splitlines()[-1].startswith("1 run: ")
    [path] = data.runs.glob("*.run")
    assert read_run(path).sealed is not None
    assert not (data.path / "daemon.json").exists()


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_a_run_is_ended_and_discarded_through_the_daemon_that_holds_the_data(tmp_path: Path) -> None:
    """As `sensord runs discard` does it while `sensord run` is on; what cannot be done is one clear line."""
    settings = demo_settings(tmp_path / "data", port=0)
    data = DataDir(settings.data_dir)
    gateway = Gateway(settings, backend=simulated_radio((Stand(1.5), Run(60.0))).backend, say=lambda _: None)
    running = asyncio.create_task(gateway.run(20.0))
    await asyncio.to_thread(wait_for_strides, data, 2)
    with contextlib.closing(Store.open(data.store, gateway="reader", readonly=True)) as store:
        [first] = [run.run for run in store.runs()]
        with pytest.raises(InputError, match="a run that is on"):
            await discard(settings, first, "test")
        plate = json.loads((data.path / "daemon.json").read_text())
        headers = {"Origin": plate["url"]}
        async with (
            aiohttp.ClientSession(plate["url"]) as session,
            session.post("/api/run/end", headers=headers) as answer,
        ):
            assert answer.status < 300
        junk = f"/api/run/{first}/discard"
        async with (
            aiohttp.ClientSession(plate["url"]) as session,
            session.post(junk, headers=headers, data="[1]") as answer,
        ):
            assert answer.status == 400
        await asyncio.sleep(1.0)
        await discard(settings, first, "wrong runner")
        assert store.run(first).discarded_reason == "wrong runner"
        with pytest.raises(InputError, match="discarded already"):
            await discard(settings, first, "again")
        with pytest.raises(InputError, match="no such run"):
            await discard(settings, "01NOSUCHRUN", "test")
        assert [run.run for run in store.runs()] == [], "after the end, walking home is not the next run"
        async with (
            aiohttp.ClientSession(plate["url"]) as session,
            session.post("/api/run/start", headers=headers) as answer,
        ):
            assert answer.status == 200
        async with (
            aiohttp.ClientSession(plate["url"]) as session,
            session.post("/api/run/start", headers=headers) as answer,
        ):
            assert answer.status == 409, "a run is on"
        await running
        [second] = store.runs()
        assert second.summary is not None
        assert second.summary["strides_left"] > 2


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_a_terminal_that_goes_away_does_not_end_a_run(tmp_path: Path) -> None:
    settings = demo_settings(tmp_path / "data", port=0)

    def gone(_line: str) -> None:
        raise BrokenPipeError("nobody reads")

    gateway = Gateway(settings, backend=simulated_radio((Stand(1.5), Run(60.0))).backend, page=False, say=gone)
    tally = await gateway.run(9.0)
    assert tally.runs == 1


async def test_the_note_of_a_killed_daemon_is_not_believed(tmp_path: Path) -> None:
    """A note that names a process which holds nothing: the run is looked for here, not at the note's address."""
    settings = demo_settings(tmp_path / "data")
    data = DataDir(settings.data_dir)
    data.create()
    Store.open(data.store, gateway="test").close()
    for text in ("", json.dumps({"pid": 1, "url": "http://127.0.0.1:9", "token": None})):
        (data.path / "daemon.json").write_text(text)
        with pytest.raises(InputError, match="no such run"):
            await discard(settings, "01X", "test")
    with data.lock(), pytest.raises(InputError, match="has no page to be asked through"):
        await discard(settings, "01X", "test")
