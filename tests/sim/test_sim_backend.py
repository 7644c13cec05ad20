"""The bleak backend without a radio, through bleak's own BleakScanner and BleakClient."""

from __future__ import annotations

import asyncio
import time

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError

from sensord.drivers import open_pod_wire as wire
from sensord.drivers.base import BATTERY_LEVEL
from sensord.sim.backend import SimRadio
from sensord.sim.pods import OpenPodSim

LEFT = "C0:00:00:00:00:01"


def radio_with_a_pod() -> tuple[SimRadio, OpenPodSim]:
    pod = OpenPodSim(LEFT, "pod-L", now_ns=time.monotonic_ns())
    return SimRadio([pod]), pod


async def test_scan_finds_by_address_name_and_service() -> None:
    radio, pod = radio_with_a_pod()
    scanner = radio.backend.scanner
    found = await BleakScanner.discover(0.25, return_adv=True, backend=scanner, service_uuids=[wire.SERVICE])
    device, data = found[LEFT]
    assert (device.name, data.local_name, data.service_uuids) == ("pod-L", "pod-L", [wire.SERVICE])
    assert await BleakScanner.find_device_by_name("pod-L", 1, backend=scanner) is not None
    assert await BleakScanner.discover(0.25, backend=scanner, service_uuids=[BATTERY_LEVEL]) == []
    pod.vanished = True
    assert await BleakScanner.find_device_by_address(LEFT, 0.25, backend=scanner) is None


async def test_client_reads_writes_and_is_notified() -> None:
    radio, pod = radio_with_a_pod()
    client = BleakClient(LEFT, backend=radio.backend.client)
    received: list[bytes] = []
    async with client:
        assert client.is_connected
        assert (client.name, client.mtu_size) == ("pod-L", 247)
        assert next(s.uuid for s in client.services) == wire.SERVICE
        assert client.services.get_characteristic(wire.DATA).properties == ["notify"]  # type: ignore[union-attr]
        assert wire.decode_info(bytes(await client.read_gatt_char(wire.INFO))).firmware == (1, 0, 0)
        await client.start_notify(wire.DATA, lambda _, data: received.append(bytes(data)))
        config = wire.encode_config(wire.Config(wire.RATES_HZ.index(200.0), 16, 2000, batch=10))
        await client.write_gatt_char(wire.CONFIG, config, response=True)
        await client.write_gatt_char(wire.CONTROL, b"\x01", response=True)
        with pytest.raises(BleakGATTProtocolError) as refused:
            await client.write_gatt_char(wire.CONFIG, config, response=True)
        assert refused.value.code == wire.Refusal.RUNNING
        await client.write_gatt_char(wire.CONFIG, config, response=False)
        await asyncio.sleep(0.3)
        await client.stop_notify(wire.DATA)
        heard = len(received)
        await asyncio.sleep(0.2)
        assert len(received) == heard == pod.sent[wire.DATA]
    assert heard >= 3
    assert not client.is_connected
    assert not pod.connected
    with pytest.raises(BleakError):
        await client.read_gatt_char(wire.INFO)


async def test_lost_link_calls_back_once_and_the_pod_can_be_had_again() -> None:
    radio, pod = radio_with_a_pod()
    lost: list[BleakClient] = []
    client = BleakClient(LEFT, lost.append, backend=radio.backend.client)
    await client.connect()
    pod.drop_link()
    assert lost == [client]
    assert not client.is_connected
    await client.disconnect()
    assert lost == [client]
    async with BleakClient(LEFT, backend=radio.backend.client):
        with pytest.raises(BleakDeviceNotFoundError):
            await BleakClient(LEFT, backend=radio.backend.client).connect()


async def test_no_adapter_and_no_pod() -> None:
    radio, pod = radio_with_a_pod()
    pod.vanished = True
    with pytest.raises(BleakDeviceNotFoundError):
        await BleakClient(LEFT, backend=radio.backend.client).connect()
    with pytest.raises(BleakDeviceNotFoundError):
        await BleakClient("00:00:00:00:00:00", backend=radio.backend.client).connect()
    radio.available = False
    with pytest.raises(BleakBluetoothNotAvailableError):
        await BleakScanner(backend=radio.backend.scanner).start()
    with pytest.raises(BleakBluetoothNotAvailableError):
        await BleakClient(LEFT, backend=radio.backend.client).connect()


async def test_radios_know_nothing_of_each_other_and_leave_no_task_behind() -> None:
    one, pod = radio_with_a_pod()
    other = SimRadio([OpenPodSim("C0:00:00:00:00:02", "elsewhere", now_ns=time.monotonic_ns())])
    assert [d.address for d in await BleakScanner.discover(0.25, backend=other.backend.scanner)] == [
        "C0:00:00:00:00:02"
    ]
    async with BleakClient(LEFT, backend=one.backend.client):
        assert pod.connected
        assert any(task.get_name() == "simulated radio" for task in asyncio.all_tasks())
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
