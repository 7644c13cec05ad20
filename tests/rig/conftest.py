"""Fixtures: a private bus for the session, a bluetoothd for each test: emulated or (`make test-bluez`) real."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from bleak.backends.bluezdbus import manager as bleak_manager

from sensord.sim.pods import OpenPodSim
from tests.rig.harness import BluetoothDaemon, private_bus
from tests.uml.guest import RealBluetoothDaemon, in_guest

LEFT, RIGHT = "C0:00:00:00:00:01", "C0:00:00:00:00:02"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the guest, tests of what only the emulated one can do are left out, and the other way round."""
    for item in items:
        marker = item.get_closest_marker("emulated_bluez" if in_guest() else "real_bluez")
        if marker is not None:
            item.add_marker(pytest.mark.skip(reason=str(marker.args[0])))


@pytest.fixture(scope="session")
def system_bus() -> Iterator[str]:
    with private_bus() as address:
        yield address


@pytest.fixture
async def bluetoothd(
    system_bus: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[BluetoothDaemon | RealBluetoothDaemon]:
    """Two pods in range, bluetoothd not begun yet."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", system_bus)
    now_ns = time.monotonic_ns()
    pods = [OpenPodSim(LEFT, "pod-L", now_ns=now_ns), OpenPodSim(RIGHT, "pod-R", now_ns=now_ns)]
    daemon = RealBluetoothDaemon(pods) if in_guest() else BluetoothDaemon(pods)
    yield daemon
    await daemon.end()
    await _let_go_of_the_bus()


async def _let_go_of_the_bus() -> None:
    """bleak keeps one bus connection per event loop for ever; a test has a loop of its own, so it is closed here."""
    manager = bleak_manager._global_instances.pop(asyncio.get_running_loop(), None)
    if manager is not None and manager._bus is not None:
        manager._bus.disconnect()
        with contextlib.suppress(Exception):
            await manager._bus.wait_for_disconnect()
        await asyncio.sleep(0)
