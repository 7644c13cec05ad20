"""A radio and pods made of bumble: they carry virtual pods to a real bluetoothd over HCI (Bluetooth Core 5.4, Vol 4).

What is real on the other side: the kernel's Bluetooth, bluetoothd, D-Bus, bleak. What is not: the air. A packet that
was sent arrives, in order, at once; links end when they are told to. Extended advertising and controller privacy are
left out: this controller announces them but does not fully have them (google/bumble issue 841).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from bumble.att import ATT_Error, Attribute
from bumble.controller import Controller
from bumble.core import AdvertisingData
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import (
    Address,
    HCI_ErrorCode,
    HCI_LE_Advertising_Report_Event,
    LeFeatureMask,
)
from bumble.link import LocalLink

from sensord.drivers.base import AttError
from sensord.sim.peripheral import Notification, VirtualPod
from tests.rig.sent import SentLog

log = logging.getLogger(__name__)

ADAPTER = "00:AA:01:00:00:23"
ADVERTISE_MS = 100.0
PUMP_S = 0.01
END_S = 5.0
BREAK_S = 0.1
"""Design choice: a link that breaks is silent this long before both sides know it; 100 ms is the shortest supervision
timeout there is (Bluetooth Core 5.4, Vol 6 Part B 4.5.2)."""

BASE_UUID = "-0000-1000-8000-00805f9b34fb"
LEGACY_BYTES = 31

Report = HCI_LE_Advertising_Report_Event.Report
EventType = HCI_LE_Advertising_Report_Event.EventType


class Ether(LocalLink):
    """Packets come from the address that a link was made with; bumble takes the sender's newest random address, which
    the kernel changes for every scan."""

    def send_acl_data(self, sender_controller: Any, destination_address: Address, transport: Any, data: bytes) -> None:
        link = sender_controller.le_connections.get(destination_address)
        receiver = self.find_le_controller(destination_address)
        if link is not None and receiver is not None:
            asyncio.get_running_loop().call_soon(receiver.on_link_acl_data, link.self_address, transport, data)


class Radio(Controller):
    """The guest's adapter."""

    def __init__(self, source: Any, sink: Any, link: LocalLink) -> None:
        super().__init__("adapter", host_source=source, host_sink=sink, link=link, public_address=ADAPTER)
        self.le_features &= ~(LeFeatureMask.LL_PRIVACY | LeFeatureMask.LE_EXTENDED_ADVERTISING)
        self.scan_responses: dict[Address, bytes] = {}

    def on_advertising_pdu(self, pdu: Any) -> None:
        """As bumble's, but a scan response of its own: a name and a long UUID do not fit in one packet."""
        address = pdu.advertiser_address
        if self.le_scan_enable:
            heard = ((EventType.ADV_IND, bytes(pdu.data)), (EventType.SCAN_RSP, self.scan_responses.get(address, b"")))
            for event_type, data in heard:
                report = Report(
                    event_type=event_type, address_type=address.address_type, address=address, data=data, rssi=-55
                )
                self.send_hci_packet(HCI_LE_Advertising_Report_Event([report]))
        wanted = self.pending_le_connection
        if wanted is not None and wanted.peer_address == address:
            self.create_le_connection(address)


class CarriedPod:
    """One virtual pod as a bumble peripheral. `now_ns` is the carrier's clock, the one that the pod was made with."""

    def __init__(self, pod: VirtualPod, radio: Radio, now_ns: Callable[[], int]) -> None:
        self.pod = pod
        self.delivered = 0
        self.log = SentLog()
        self._radio = radio
        self._now_ns = now_ns
        self._connection: Connection | None = None
        self._over = False
        self._gone = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._by_uuid: dict[str, Characteristic[bytes]] = {}
        assert isinstance(radio.link, LocalLink)
        self._controller = Controller(pod.address, link=radio.link)
        self._address = Address(pod.address, Address.RANDOM_DEVICE_ADDRESS)
        config = DeviceConfiguration(
            name=pod.name,
            address=self._address,
            advertising_interval_min=ADVERTISE_MS,
            advertising_interval_max=ADVERTISE_MS,
        )
        self._device = Device.from_config_with_hci(config, self._controller, self._controller)
        self._device.add_services([self._service(s.uuid, s.characteristics) for s in pod.table])
        self._device.gatt_server.max_mtu = pod.mtu
        self._device.on("connection", self._connected)
        self._device.advertising_data, radio.scan_responses[self._address] = advertised(pod)

    async def start(self) -> None:
        """In range from here on."""
        await self._device.power_on()
        self._spawn(self._advertise())
        self._spawn(self._pump())

    async def end(self) -> None:
        """Gone for good, and its link with it."""
        self._over = True
        self.pod.disconnect()
        self._cut()
        await asyncio.wait(self._tasks, timeout=END_S)  # not cancelled: bumble would wait for ever for an HCI answer
        assert isinstance(self._radio.link, LocalLink)
        self._radio.link.remove_controller(self._controller)
        del self._radio.scan_responses[self._address]

    def stats(self) -> dict[str, Any]:
        """As the emulated bluetoothd's; `registered` is what the pod was asked to send, not who listens."""
        return {
            "sent": self.pod.sent,
            "lost_on_air": self.pod.lost_on_air,
            "delivered": self.delivered,
            "running": getattr(self.pod, "running", None),
            "connected": self.pod.connected,
            "registered": dict.fromkeys(sorted(self.pod.subscribed), 1),
        }

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s", self.pod.address, exc_info=task.exception())

    # ---- GATT

    def _service(self, uuid: str, characteristics: Any) -> Service:
        return Service(uuid, [self._characteristic(c.uuid, c.properties) for c in characteristics])

    def _characteristic(self, uuid: str, properties: tuple[str, ...]) -> Characteristic[bytes]:
        flags, permissions = Characteristic.Properties(0), Attribute.Permissions(0)
        for name in properties:
            flags |= Characteristic.Properties[name.upper().replace("-", "_")]
        if "read" in properties:
            permissions |= Attribute.Permissions.READABLE
        if not {"write", "write-without-response"}.isdisjoint(properties):
            permissions |= Attribute.Permissions.WRITEABLE

        async def read(_: Connection) -> bytes:
            return await self._asked(lambda: self.pod.read(uuid, self._now_ns()))

        async def write(_: Connection, value: bytes) -> None:
            await self._asked(lambda: self.pod.write(uuid, bytes(value), self._now_ns()))

        def subscription(_: Connection, notify: bool, indicate: bool) -> None:
            if not self.pod.connected:
                return
            if notify or indicate:
                self.pod.subscribe(uuid, self._now_ns())
            else:
                self.pod.unsubscribe(uuid)

        made = Characteristic(uuid, flags, permissions, CharacteristicValue(read=read, write=write))
        made.on("subscription", subscription)
        self._by_uuid[uuid] = made
        return made

    async def _asked(self, ask: Callable[[], Any]) -> Any:
        if not self.pod.connected:  # the link is broken but nobody knows yet: no answer
            await self._gone.wait()
            raise ATT_Error(0x11)
        try:
            return ask()
        except AttError as refusal:
            raise ATT_Error(refusal.code) from refusal

    # ---- the link

    def _connected(self, connection: Connection) -> None:
        self._connection = connection
        self._gone.clear()
        connection.on("disconnection", self._disconnected)
        self.log.connected()
        self.pod.connect(self._now_ns(), lambda: self._break(connection))

    def _disconnected(self, _: int) -> None:
        self._connection = None
        self._gone.set()
        if self.pod.connected:
            self.pod.disconnect()

    def _break(self, connection: Connection) -> None:
        def cut() -> None:
            if self._connection is connection:
                self._cut()

        asyncio.get_running_loop().call_later(BREAK_S, cut)

    def _cut(self) -> None:
        """Both controllers learn of it at once."""
        for controller in (self._radio, self._controller):
            for connection in list(controller.le_connections.values()):
                if self._address in (connection.peer_address, connection.self_address):
                    controller.on_le_disconnected(connection, HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    async def _advertise(self) -> None:
        on = False
        while on or not self._over:
            wanted = not self._over and self._connection is None and self.pod.advertisement() is not None
            if wanted and not on:
                await self._device.start_advertising()
            elif on and not wanted:
                await self._device.stop_advertising()
            on = wanted
            await asyncio.sleep(ADVERTISE_MS / 2000)

    async def _pump(self) -> None:
        while not self._over:
            await asyncio.sleep(PUMP_S)
            for notification in self.pod.due(self._now_ns()):
                if (connection := self._connection) is not None:
                    await self._send(connection, notification)

    async def _send(self, connection: Connection, notification: Notification) -> None:
        room = connection.att_mtu - 3
        assert len(notification.payload) <= room, f"{len(notification.payload)} bytes, there is room for {room}"
        self.delivered += 1
        self.log.sent(notification)
        characteristic, server = self._by_uuid[notification.uuid], self._device.gatt_server
        if characteristic.properties & Characteristic.Properties.NOTIFY:
            await server.notify_subscriber(connection, characteristic, notification.payload)
        else:
            self._spawn(self._indicate(connection, notification))
            await asyncio.sleep(0)

    async def _indicate(self, connection: Connection, notification: Notification) -> None:
        server, characteristic = self._device.gatt_server, self._by_uuid[notification.uuid]
        sending = asyncio.ensure_future(server.indicate_subscriber(connection, characteristic, notification.payload))
        gone = asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            gone.cancel()


def advertised(pod: VirtualPod) -> tuple[bytes, bytes]:
    """Advertisement (flags, services) and scan response (name), 31 bytes each at most."""
    short, long = b"", b""
    for uuid in pod.advertised_services:
        if uuid.startswith("0000") and uuid.endswith(BASE_UUID):
            short += bytes.fromhex(uuid[4:8])[::-1]
        else:
            long += bytes.fromhex(uuid.replace("-", ""))[::-1]
    parts: list[tuple[int, bytes]] = [(AdvertisingData.FLAGS, b"\x06")]
    if short:
        parts.append((AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, short))
    if long:
        parts.append((AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, long))
    packet, response = (
        bytes(AdvertisingData(parts)),
        bytes(AdvertisingData([(AdvertisingData.COMPLETE_LOCAL_NAME, pod.name.encode())])),
    )
    assert len(packet) <= LEGACY_BYTES, f"{pod.name}: advertisement of {len(packet)} bytes"
    assert len(response) <= LEGACY_BYTES, f"{pod.name}: scan response of {len(response)} bytes"
    return packet, response
