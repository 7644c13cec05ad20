"""`sensord speed`: the belt's speed is a mark of the run that is on, and its strides are fitted to it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sensord.belt_speed import tell_speed
from sensord.daemon import Gateway
from sensord.datadir import DataDir
from sensord.demo import demo_settings, simulated_radio
from sensord.errors import InputError
from sensord.model import Mark, MarkKind
from sensord.recording import read_run
from sensord.sim.script import Run, Stand
from tests.daemons import run_on


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_the_speed_is_kept_in_the_run_file(tmp_path: Path) -> None:
    settings = demo_settings(tmp_path / "data", port=0)
    data = DataDir(settings.data_dir)
    backend = simulated_radio((Stand(1.5), Run(60.0))).backend
    stop = asyncio.create_task(Gateway(settings, backend=backend, say=lambda _: None).run(8.0))
    await run_on(data)
    told = await tell_speed(settings, "10.08km/h")
    await tell_speed(settings, "off", 4.0)
    await stop

    marks = [
        i for i in read_run(data.run_file(told["run"])).inputs() if isinstance(i, Mark) and i.kind is MarkKind.SPEED
    ]
    assert [mark.data["speed_mps"] for mark in marks] == [pytest.approx(2.8), None]
    assert [mark.data.get("grade_pct") for mark in marks] == [None, 4.0]
    assert marks[0].t_ns == told["t_ns"]
    assert marks[0].data["source"] == "treadmill"
    assert marks[0].data["sd_mps"] == pytest.approx(0.042)


async def test_without_a_daemon_one_line_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no daemon"):
        await tell_speed(demo_settings(tmp_path / "data", port=0), "10km/h")
    with pytest.raises(InputError, match="a speed such as"):
        await tell_speed(demo_settings(tmp_path / "data", port=0), "10")
