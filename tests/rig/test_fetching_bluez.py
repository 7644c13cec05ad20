"""`sensord arm` and `fetch` over BlueZ, with unmodified bleak: every kind of pod that logs, each sample once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import numpy as np
import pytest

from sensord import arming, fetching
from sensord.armed import ArmedState, Flight
from sensord.arming import Base
from sensord.config import PodSettings, Settings
from sensord.drivers import DRIVERS
from sensord.drivers.base import LoggingDriver
from sensord.log_samples import FetchedLog, one_line
from sensord.model import NS, Side
from sensord.pod_time import Axis
from sensord.sim.pods import SIMULATED
from tests.drivers.conformance import SixSines
from tests.drivers.habits import habits_of
from tests.rig.conftest import LEFT
from tests.rig.harness import BluetoothDaemon

LOGGING = [name for name, driver in sorted(DRIVERS.items()) if isinstance(driver, LoggingDriver)]
AWAY_S = 6.0


@pytest.mark.slow
@pytest.mark.bluez
@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", LOGGING)
async def test_a_log_comes_home_over_bluez_though_the_link_is_lost(
    name: str, bluetoothd: BluetoothDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    habits = habits_of(name)
    pod = SIMULATED[name](LEFT, habits.advertised, now_ns=time.monotonic_ns(), source=SixSines(), **habits.options)
    bluetoothd.wear([pod])
    await bluetoothd.begin()
    settings = Settings(
        data_dir=tmp_path, clock="trusted", pod=[PodSettings(address=LEFT, side=Side.LEFT, driver=name)]
    )
    settings.stream.acc_range_g = 16
    said: list[str] = []
    base = Base(settings, say=said.append)
    [armed] = await arming.arm(base)
    assert armed.ok
    await asyncio.sleep(AWAY_S)
    flights: list[Flight] = []
    save = ArmedState.save
    monkeypatch.setattr(ArmedState, "save", lambda state, flight: (flights.append(flight), save(state, flight)))

    async def trouble() -> None:
        while not any(" fetched" in line for line in said):  # noqa: ASYNC110 (lines, not an event)
            await asyncio.sleep(0.01)
        with contextlib.suppress(AssertionError):
            await bluetoothd("drop", LEFT)

    fetched, _ = await asyncio.gather(fetching.fetch(base), trouble())
    assert [report.text for report in fetched.pods if not report.ok] == []
    [one] = flights[-1].pods
    log = FetchedLog(one, ArmedState(tmp_path).log_file(flights[-1], one), Axis.of(one.fixes))
    log.survey()
    t_ns = np.concatenate([timed.block.t_pod_ns for timed in one_line(log, [])])
    assert len(t_ns) >= (AWAY_S - 1) * log.rate_hz
    assert np.allclose(np.diff(t_ns), NS / log.rate_hz, rtol=0, atol=2 * habits.time_atol_ns)
