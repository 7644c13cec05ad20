"""A bleak backend without a radio: `SimRadio` carries virtual pods in this process; no Bluetooth, no D-Bus.

    radio = SimRadio([left, right])
    links = PodLinks(setups, ..., backend=radio.backend)

bleak takes backend *classes*, so every radio makes a pair of its own; radios know nothing of each other. Follows bleak
3.1's `BaseBleakScanner` and `BaseBleakClient`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

from bleak.args import SizedBuffer
from bleak.assigned_numbers import CharacteristicPropertyName
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)

from sensord.drivers.base import AttError
from sensord.drivers.radio import Backend
from sensord.sim.peripheral import VirtualPod

PUMP_S = 0.01
"""How often what is due is carried over: a connection interval of Bluetooth is 7.5 to 50 ms."""

ADVERTISE_S = 0.1


class SimRadio:
    """An adapter and the air around it. `available = False` takes the adapter away.

    `now_ns` is the clock that the pods are carried by; it must move on its own, as time.monotonic_ns does.
    """

    def __init__(self, pods: Sequence[VirtualPod], *, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.pods = {pod.address: pod for pod in pods}
        self.now_ns = now_ns
        self.available = True
        self.clients: dict[str, _SimClient] = {}
        self._pump: asyncio.Task[None] | None = None
        scanner = cast("type[BaseBleakScanner]", type("SimScanner", (_SimScanner,), {"radio": self}))
        client = cast("type[BaseBleakClient]", type("SimClient", (_SimClient,), {"radio": self}))
        self.backend = Backend(scanner, client)

    def check(self) -> None:
        """Raises what bleak raises when there is no adapter."""
        if not self.available:
            raise BleakBluetoothNotAvailableError(
                "No Bluetooth adapters found.", BleakBluetoothNotAvailableReason.NO_BLUETOOTH
            )

    def attach(self, client: _SimClient) -> None:
        """From now on this client's pod is pumped."""
        self.clients[client.address] = client
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._carry(), name="simulated radio")

    def detach(self, client: _SimClient) -> None:
        """The client's link is gone; the pump ends with the last one."""
        if self.clients.get(client.address) is client:
            del self.clients[client.address]
        if not self.clients and self._pump is not None:
            self._pump.cancel()
            self._pump = None

    async def _carry(self) -> None:
        while True:
            now_ns = self.now_ns()
            for client in list(self.clients.values()):
                client.deliver(now_ns)
            await asyncio.sleep(PUMP_S)


class _SimScanner(BaseBleakScanner):
    """Reports what the radio's pods advertise."""

    radio: ClassVar[SimRadio]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        _scanning_mode: str,
        **_kwargs: object,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._listening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.radio.check()
        self.seen_devices = {}
        self._listening = asyncio.create_task(self._listen(), name="simulated scan")

    async def stop(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
            await asyncio.wait({listening})

    async def _listen(self) -> None:
        while True:
            await asyncio.sleep(ADVERTISE_S)
            for pod in self.radio.pods.values():
                heard = pod.advertisement() if self.radio.available else None
                if heard is not None and self.is_allowed_uuid(list(heard.service_uuids)):
                    data = AdvertisementData(
                        local_name=heard.name,
                        manufacturer_data=dict(heard.manufacturer_data),
                        service_data={},
                        service_uuids=list(heard.service_uuids),
                        tx_power=None,
                        rssi=heard.rssi if heard.rssi is not None else -127,
                        platform_data=(),
                    )
                    device = self.create_or_update_device(pod.address, pod.address, pod.name, {}, data)
                    self.call_detection_callbacks(device, data)


class _SimClient(BaseBleakClient):
    """One connection to one of the radio's pods."""

    radio: ClassVar[SimRadio]

    def __init__(self, address_or_ble_device: BLEDevice | str, _services: object = None, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(
            address_or_ble_device,
            disconnected_callback=kwargs.get("disconnected_callback"),
            timeout=kwargs.get("timeout", 30.0),
        )
        self._callbacks: dict[str, NotifyCallback] = {}
        self._is_connected = False

    @property
    def name(self) -> str:
        return self._pod.name

    @property
    def mtu_size(self) -> int:
        return self._pod.mtu

    @property
    def is_connected(self) -> bool:
        return self._is_connected

    async def connect(self, pair: bool, **_kwargs: object) -> None:  # noqa: ARG002
        self.radio.check()
        pod = self._pod
        if pod.vanished or pod.connected:
            raise BleakDeviceNotFoundError(self.address, f"{self.address} does not answer")
        await asyncio.sleep(0)
        pod.connect(self.radio.now_ns(), self._on_lost)
        self._is_connected = True
        self.services = _collection(pod)
        self.radio.attach(self)

    async def disconnect(self) -> None:
        if self._is_connected:
            self._pod.disconnect()
            self._on_lost()
        await asyncio.sleep(0)

    async def pair(self, *args: object, **kwargs: object) -> None:
        raise NotImplementedError

    async def unpair(self) -> None:
        raise NotImplementedError

    async def read_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        *,
        use_cached: bool = False,  # noqa: ARG002
        **_kwargs: object,
    ) -> bytearray:
        await self._turn()
        try:
            return bytearray(self._pod.read(characteristic.uuid, self.radio.now_ns()))
        except AttError as error:
            raise BleakGATTProtocolError(error.code) from error

    async def write_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        data: SizedBuffer,
        response: bool,
    ) -> None:
        await self._turn()
        try:
            self._pod.write(characteristic.uuid, bytes(data), self.radio.now_ns())
        except AttError as error:
            if response:
                raise BleakGATTProtocolError(error.code) from error

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_kwargs: object
    ) -> None:
        await self._turn()
        self._callbacks[characteristic.uuid] = callback
        try:
            self._pod.subscribe(characteristic.uuid, self.radio.now_ns())
        except AttError as error:
            raise BleakGATTProtocolError(error.code) from error

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        await self._turn()
        self._callbacks.pop(characteristic.uuid, None)
        self._pod.unsubscribe(characteristic.uuid)

    async def read_gatt_descriptor(
        self,
        descriptor: BleakGATTDescriptor,
        *,
        use_cached: bool = False,
        **kwargs: object,
    ) -> bytearray:
        raise NotImplementedError

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        raise NotImplementedError

    def deliver(self, now_ns: int) -> None:
        """Carries over what is due."""
        for notification in self._pod.due(now_ns):
            callback = self._callbacks.get(notification.uuid)
            if callback is not None:
                callback(bytearray(notification.payload))

    @property
    def _pod(self) -> VirtualPod:
        pod = self.radio.pods.get(self.address.upper())
        if pod is None:
            raise BleakDeviceNotFoundError(self.address, f"{self.address} was not found")
        return pod

    async def _turn(self) -> None:
        await asyncio.sleep(0)
        if not self._is_connected:
            raise BleakError("Not connected")

    def _on_lost(self) -> None:
        self._is_connected = False
        self._callbacks.clear()
        self.services = None
        self.radio.detach(self)
        if self._disconnected_callback is not None:
            self._disconnected_callback()


def _collection(pod: VirtualPod) -> BleakGATTServiceCollection:
    """The pod's GATT table as bleak shows it; handles are counted through."""
    collection = BleakGATTServiceCollection()
    handle = 1
    for service in pod.table:
        shown = BleakGATTService(service, handle, service.uuid)
        collection.add_service(shown)
        for characteristic in service.characteristics:
            handle += 1
            collection.add_characteristic(
                BleakGATTCharacteristic(
                    characteristic,
                    handle,
                    characteristic.uuid,
                    cast("list[CharacteristicPropertyName]", list(characteristic.properties)),
                    lambda: pod.mtu - 3,
                    shown,
                )
            )
        handle += 1
    return collection
