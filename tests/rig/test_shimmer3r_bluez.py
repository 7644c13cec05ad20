"""Shimmer3R pods on unmodified bleak against an emulated BlueZ: written without response, cut in pieces of 42 bytes."""

from __future__ import annotations

import asyncio
import time

import pytest

from sensord.sim.pods.shimmer3r import Shimmer3RSim
from tests.rig.conftest import LEFT, RIGHT
from tests.rig.harness import BluetoothDaemon, linked

pytestmark = pytest.mark.bluez


async def test_two_pods_stream_and_go_on_after_a_lost_link(bluetoothd: BluetoothDaemon) -> None:
    now_ns = time.monotonic_ns()
    bluetoothd.wear([Shimmer3RSim(a, f"Shimmer3R-{a[-2:]}C1-BLE", now_ns=now_ns) for a in (LEFT, RIGHT)])
    await bluetoothd.begin()
    async with linked((LEFT, RIGHT), driver="shimmer3r") as run:
        await run.until_up()
        await asyncio.sleep(0.5)
        await bluetoothd("drop", LEFT)
        await run.until_up(LEFT, links=2)
        await asyncio.sleep(0.5)
    for pod in (LEFT, RIGHT):
        counts = run.books.decoders[pod].counts
        assert counts.rejected == {}
        assert counts.duplicates == 0
        assert counts.samples > 150
        assert {b.segment for b in run.books.blocks[pod]} == {0}
        assert counts.lost == sum(b.missing_before or 0 for b in run.books.blocks[pod])
    assert run.books.decoders[RIGHT].counts.lost == 0
    assert (run.books.decoders[LEFT].counts.lost or 0) > 0
    stats = await bluetoothd("stats")
    assert not any(stats[pod]["connected"] for pod in (LEFT, RIGHT))
