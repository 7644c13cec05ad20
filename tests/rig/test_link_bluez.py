"""The link on unmodified bleak and BlueZ, emulated or real (`make test-bluez`): every frame sent arrives, once."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import pytest
from bleak import BleakClient, BleakScanner

from sensord.drivers import connection, radio
from sensord.drivers import open_pod_wire as wire
from sensord.drivers.base import BATTERY_LEVEL
from sensord.drivers.link import adapter_problem, scan
from sensord.errors import LinkReason
from sensord.model import MarkKind
from tests.rig.conftest import LEFT, RIGHT
from tests.rig.harness import BluetoothDaemon, Run, linked
from tests.uml.guest import in_guest

pytestmark = pytest.mark.bluez

BOTH = (LEFT, RIGHT)


async def check_conservation(run: Run, bluetoothd: BluetoothDaemon, pods: tuple[str, ...] = BOTH) -> None:
    """Frames the pods sent while subscribed = frames handed on, each once; and the decoder agrees."""
    stats = await bluetoothd("stats")
    for pod in pods:
        sent = stats[pod]["sent"][wire.DATA] - stats[pod]["lost_on_air"]
        counts = run.books.decoders[pod].counts
        assert run.books.received(pod) == sent, pod
        assert (counts.packets, counts.duplicates, counts.rejected) == (sent, 0, {}), pod
        assert run.links.state(pod).stale == 0, pod
        seqs = [wire.decode_data(p.payload).seq for p in run.books.packets[pod]]
        assert len(set(seqs)) == len(seqs), pod
    assert run.books.order_ns == sorted(run.books.order_ns)


async def nobody_registered(bluetoothd: BluetoothDaemon, within_s: float = 5.0) -> dict[str, Any]:
    """The pods' state once the daemon has heard that our bus connections are gone, which comes a moment after."""
    deadline_s = time.monotonic() + within_s
    while True:
        stats: dict[str, Any] = await bluetoothd("stats")
        if not any(any(pod["registered"].values()) for pod in stats.values()) or time.monotonic() > deadline_s:
            return stats
        await asyncio.sleep(0.02)


async def disconnected(bluetoothd: BluetoothDaemon, pod: str) -> None:
    """Waits until the link has really ended: BlueZ lets 2 s pass after it was told to disconnect."""
    for _ in range(200):
        if not (await bluetoothd("stats"))[pod]["connected"]:
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"{pod} is still connected")


async def test_two_pods_stream_every_frame_once_and_are_stopped_at_the_end(bluetoothd: BluetoothDaemon) -> None:
    await bluetoothd.begin()
    async with linked(BOTH) as run:
        await run.until_up()
        await asyncio.sleep(2)
    await check_conservation(run, bluetoothd)
    stats = await nobody_registered(bluetoothd)
    for pod in BOTH:
        assert 1.9 * 200 <= run.books.decoders[pod].counts.samples <= 3.5 * 200
        assert run.books.decoders[pod].counts.lost == 0
        assert [m.data["percent"] for m in run.books.of(pod, MarkKind.BATTERY)] == [100]
        assert run.books.reasons(pod) == [LinkReason.STOPPED]
        assert (stats[pod]["running"], stats[pod]["connected"]) == (False, False)
        assert not any(stats[pod]["registered"].values())


async def test_link_losses_at_random_phases_lose_and_double_nothing(bluetoothd: BluetoothDaemon) -> None:
    await bluetoothd.begin()
    phase = random.Random(4)
    took_s = []
    async with linked(BOTH) as run:
        await run.until_up()
        for n in range(3):
            await asyncio.sleep(0.3 + 0.3 * phase.random())
            await bluetoothd("drop", LEFT)
            took_s.append(await run.until_up(LEFT, links=n + 2))
        await asyncio.sleep(0.5)
        registered = (await bluetoothd("stats"))[LEFT]["registered"]
        assert max(registered.values()) == 1, "an old client is still registered"
    await check_conservation(run, bluetoothd)
    assert run.books.reasons(LEFT) == [LinkReason.LOST] * 3 + [LinkReason.STOPPED]
    assert run.books.reasons(RIGHT) == [LinkReason.STOPPED]
    assert {b.segment for b in run.books.blocks[LEFT]} == {0}
    assert sum(1 for b in run.books.blocks[LEFT] if b.missing_before) == 3
    assert run.books.decoders[RIGHT].counts.lost == 0
    assert max(took_s) < 3.0


@pytest.mark.real_bluez("the emulated BlueZ has no AcquireNotify")
async def test_notifications_over_a_socket_of_their_own(bluetoothd: BluetoothDaemon) -> None:
    """AcquireNotify, for pods that are set to it. Few reconnects: bluetoothd 5.66 crashes after several."""
    await bluetoothd.begin()
    async with linked(BOTH, acquire=(LEFT,)) as run:
        await run.until_up()
        await asyncio.sleep(0.5)
        await bluetoothd("drop", LEFT)
        await run.until_up(LEFT, links=2)
        await asyncio.sleep(0.5)
    await check_conservation(run, bluetoothd)


async def test_careless_reconnect_gets_everything_twice(bluetoothd: BluetoothDaemon) -> None:
    """The trap is armed: without disconnecting the old client, a new one receives each notification twice."""
    await bluetoothd.begin()
    first: list[bytes] = []
    second: list[bytes] = []
    old: BleakClient | None = None

    async def stream(received: list[bytes]) -> BleakClient:
        device = await BleakScanner.find_device_by_address(LEFT, timeout=5)
        assert device is not None
        client = BleakClient(device)
        await client.connect()
        await client.start_notify(wire.DATA, lambda _, data: received.append(bytes(data)))
        if old is None:
            config = wire.Config(rate_id=wire.RATES_HZ.index(200.0), acc_range_g=16, gyr_range_dps=2000, batch=10)
            await client.write_gatt_char(wire.CONFIG, wire.encode_config(config), response=True)
        await client.write_gatt_char(wire.CONTROL, bytes([wire.Op.START]), response=True)
        return client

    old = await stream(first)
    await asyncio.sleep(0.3)
    await bluetoothd("drop", LEFT)
    await asyncio.sleep(0.3)
    new = await stream(second)
    await asyncio.sleep(0.5)
    await new.write_gatt_char(wire.CONTROL, bytes([wire.Op.STOP]), response=True)
    await asyncio.sleep(0.1)
    await new.disconnect()
    await old.disconnect()
    assert len(second) > 10
    assert all(second.count(frame) == 2 for frame in second[1:-1])
    assert all(first.count(frame) == 1 for frame in first)


async def test_frames_lost_on_the_air_are_counted_exactly(bluetoothd: BluetoothDaemon) -> None:
    await bluetoothd.begin()
    async with linked(BOTH) as run:
        await run.until_up()
        await asyncio.sleep(0.5)
        await bluetoothd("set", LEFT, loss=0.2, jitter_ms=40.0)
        await asyncio.sleep(1.5)
        await bluetoothd("set", LEFT, loss=0.0, jitter_ms=0.0)
        await asyncio.sleep(0.4)
    await check_conservation(run, bluetoothd)
    lost_frames = (await bluetoothd("stats"))[LEFT]["lost_on_air"]
    a_frame = len(run.books.blocks[LEFT][0])
    assert lost_frames > 0
    assert run.books.decoders[LEFT].counts.lost == lost_frames * a_frame
    assert run.books.decoders[RIGHT].counts.lost == 0


async def test_vanished_pod_returns_and_does_not_hold_up_the_other(
    bluetoothd: BluetoothDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(radio, "NOT_FOUND_AFTER_S", 1.0)
    await bluetoothd.begin()
    await bluetoothd("vanish", RIGHT)
    async with linked(BOTH) as run:
        await run.until_up(LEFT)
        # the real bluetoothd may have heard it just before: then a connect is tried first, which takes its time to fail
        told_s = 25 if in_guest() else 3
        await run.until(lambda: run.links.state(RIGHT).reason is LinkReason.NOT_FOUND, within_s=told_s)
        await bluetoothd("set", RIGHT, vanished=False)
        assert await run.until_up(RIGHT) < 2.0
        await bluetoothd("vanish", LEFT)
        await asyncio.sleep(1.5)
        assert not run.links.state(LEFT).up
        await bluetoothd("set", LEFT, vanished=False)
        assert await run.until_up(LEFT, links=2) < 2.0
        await asyncio.sleep(0.3)
    await check_conservation(run, bluetoothd)


async def test_silent_stall_is_noticed_in_two_seconds_and_ends(bluetoothd: BluetoothDaemon) -> None:
    await bluetoothd.begin()
    async with linked(BOTH) as run:
        await run.until_up()
        await asyncio.sleep(0.3)
        await bluetoothd("set", LEFT, stalled=True)
        noticed_s = await run.until(lambda: not run.links.state(LEFT).up)
        await disconnected(bluetoothd, LEFT)
        await bluetoothd("set", LEFT, stalled=False)
        await run.until_up(LEFT, links=2)
        await asyncio.sleep(0.3)
    assert 1.7 < noticed_s < 3.0
    assert run.books.reasons(LEFT)[0] == LinkReason.SILENT
    await check_conservation(run, bluetoothd)


async def test_killed_bluetoothd_comes_back(bluetoothd: BluetoothDaemon) -> None:
    await bluetoothd.begin()
    async with linked(BOTH) as run:
        await run.until_up()
        await asyncio.sleep(0.5)
        await bluetoothd.kill()
        await run.until(lambda: not any(run.links.state(p).up for p in BOTH), within_s=4)
        await run.until(lambda: all(run.links.state(p).reason is LinkReason.ADAPTER for p in BOTH), within_s=4)
        await bluetoothd.begin()
        took_s = await run.until_up(links=2)
        await asyncio.sleep(0.5)
    assert took_s < 5.0
    assert all(run.books.reasons(p)[:2] == [LinkReason.SILENT, LinkReason.ADAPTER] for p in BOTH)
    for pod in BOTH:
        counts = run.books.decoders[pod].counts
        assert (counts.duplicates, counts.rejected) == (0, {})
        assert {b.segment for b in run.books.blocks[pod]} == {0}, "the pods never restarted"


async def test_bluetoothd_restarted_in_a_moment(bluetoothd: BluetoothDaemon) -> None:
    await bluetoothd.begin()
    async with linked(BOTH) as run:
        await run.until_up()
        await bluetoothd.kill()
        await bluetoothd.begin()
        assert await run.until_up(links=2) < 6.0
        await asyncio.sleep(0.3)
    assert all(run.books.decoders[p].counts.duplicates == 0 for p in BOTH)


@pytest.mark.emulated_bluez("the real bluetoothd cannot be made to hang at will")
async def test_disconnect_that_hangs_delays_but_does_not_stop_us(
    bluetoothd: BluetoothDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "DISCONNECT_S", 1.0)
    await bluetoothd.begin()
    async with linked((LEFT,)) as run:
        await run.until_up()
        await bluetoothd("hang_disconnect", LEFT, on=True)
        await bluetoothd("set", LEFT, stalled=True)
        await run.until(lambda: not run.links.state(LEFT).up)
        await asyncio.sleep(0.5)
        await bluetoothd("set", LEFT, stalled=False)
        await bluetoothd("hang_disconnect", LEFT, on=False)
        await bluetoothd("drop", LEFT)
        assert await run.until_up(links=2) < 5.0
        await asyncio.sleep(0.3)
    assert run.books.decoders[LEFT].counts.duplicates == 0


@pytest.mark.emulated_bluez("the real bluetoothd cuts a table of services short when it likes")
async def test_services_that_bluetoothd_kept_cut_short_are_asked_for_anew(bluetoothd: BluetoothDaemon) -> None:
    await bluetoothd.begin()
    await bluetoothd("cut_services_short", LEFT)
    async with linked((LEFT,)) as run:
        assert await run.until_up() < 8.0
        await asyncio.sleep(0.3)
    assert run.books.reasons(LEFT)[0] == LinkReason.SERVICES
    assert run.books.decoders[LEFT].counts.duplicates == 0


async def test_what_is_wrong_with_bluetooth_is_said_in_one_sentence(bluetoothd: BluetoothDaemon) -> None:
    problem = await adapter_problem()
    assert problem is not None
    assert "bluetoothd is not running" in problem
    await bluetoothd.begin(powered=False)
    problem = await adapter_problem()
    assert problem is not None
    assert "off" in problem
    await bluetoothd("power", on=True)
    for _ in range(50):  # our answer can overtake the signal that tells bleak
        problem = await adapter_problem()
        if problem is None:
            break
        await asyncio.sleep(0.1)
    assert problem is None
    seen = await scan(0.5)
    assert [(s.advertisement.address, s.driver) for s in sorted(seen, key=lambda s: s.advertisement.address)] == [
        (LEFT, "open-pod"),
        (RIGHT, "open-pod"),
    ]


async def test_a_run_that_starts_before_bluetoothd_waits_for_it(bluetoothd: BluetoothDaemon) -> None:
    async with linked(BOTH) as run:
        await run.until(lambda: all(run.links.state(p).reason is LinkReason.ADAPTER for p in BOTH), within_s=3)
        await bluetoothd.begin()
        assert await run.until_up() < 5.0
    for pod_address in BOTH:
        first, *between, last = run.books.reasons(pod_address)
        assert (first, last) == (LinkReason.ADAPTER, LinkReason.STOPPED)
        assert set(between) <= ({LinkReason.CONNECT} if in_guest() else set())  # on a real radio some connects fail


async def test_reading_a_value_is_not_taken_for_a_notification(bluetoothd: BluetoothDaemon) -> None:
    """BlueZ shows a read as a changed value; the battery is told once for each level, and is no packet."""
    await bluetoothd.begin()
    async with linked((LEFT,)) as run:
        await run.until(lambda: run.links.state(LEFT).battery_pct == 100)
        await bluetoothd("set", LEFT, battery_pct=41.2)
        await run.until(lambda: run.links.state(LEFT).battery_pct == 41 and run.books.received(LEFT), within_s=3)
    assert [m.data["percent"] for m in run.books.of(LEFT, MarkKind.BATTERY)] == [100, 41]
    assert all(p.characteristic != BATTERY_LEVEL for p in run.books.packets[LEFT])
