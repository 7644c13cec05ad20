"""The wall clock from the outside: what counts as a change, and what a run is given when the clock becomes trusted."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from sensord import daemon, host
from sensord.config import Settings
from sensord.daemon import Gateway
from sensord.datadir import DataDir
from sensord.demo import demo_settings, simulated_radio
from sensord.model import NS
from sensord.sim.script import Run, Stand
from sensord.store import Store
from sensord.wall_clock import CORRECTED_S, WallClock


class Clocks:
    """Two clocks and a judgement that a test moves."""

    def __init__(self) -> None:
        self.boot_ns, self.wall_ns, self.trusted = 100 * NS, 1000 * NS, False

    def pass_s(self, seconds: float) -> None:
        self.boot_ns += int(seconds * NS)
        self.wall_ns += int(seconds * NS)

    def watch(self) -> WallClock:
        return WallClock(lambda: self.trusted, boottime_ns=lambda: self.boot_ns, wall_ns=lambda: self.wall_ns)


def test_time_that_passes_is_no_change() -> None:
    clocks = Clocks()
    watch = clocks.watch()
    clocks.pass_s(3600.0)
    clocks.wall_ns += int(CORRECTED_S * 0.9 * NS)
    assert watch.look() is None


def test_a_step_and_trust_are_told_once() -> None:
    clocks = Clocks()
    watch = clocks.watch()
    clocks.wall_ns -= 7 * NS
    change = watch.look()
    assert change is not None
    assert (change.step_s, change.trusted, change.boot_wall_ns) == (-7.0, False, 893 * NS)
    assert watch.look() is None
    clocks.trusted = True
    change = watch.look()
    assert change is not None
    assert (change.step_s, change.trusted) == (0.0, True)
    assert watch.look() is None


def test_trust_once_given_is_not_taken_back() -> None:
    clocks = Clocks()
    clocks.trusted = True
    watch = clocks.watch()
    clocks.trusted = False
    assert watch.look() is None
    assert watch.trusted


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return demo_settings(tmp_path / "data")


@pytest.mark.slow
async def test_a_run_that_began_before_the_clock_was_trusted_is_anchored_when_it_is(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway whole: untrusted at first, trusted after some seconds; run and store say so."""
    state = {"trusted": False}
    monkeypatch.setattr(daemon.host, "clock_trusted", lambda _setting: state["trusted"])
    radio = simulated_radio((Stand(1.0), Run(30.0)))

    async def trust_later() -> None:
        await asyncio.sleep(5.0)
        state["trusted"] = True

    gateway = Gateway(settings, backend=radio.backend, page=False, say=lambda _: None)
    begun_wall_ns = host.wall_ns()
    await asyncio.gather(gateway.run(8.5), trust_later())
    with contextlib.closing(Store.open(DataDir(settings.data_dir).store, gateway="reader", readonly=True)) as store:
        [run] = store.runs()
        notes = [e.payload for e in store.events(run.run, kinds=["note"])]
        assert {e.wall_anchor_ns for e in store.read_after(0, 1000)} == {run.begun_wall_ns}
    assert run.begun_wall_ns is not None
    assert abs(run.begun_wall_ns - begun_wall_ns) < 3 * NS
    assert "clock" in [note["code"] for note in notes]
