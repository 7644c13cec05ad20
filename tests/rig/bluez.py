"""What an emulated bluetoothd has on the bus, carrying virtual pods for unmodified bleak (`tests.rig.bluetoothd`).

It copies from BlueZ what a client can stumble over:
* notify registrations belong to the D-Bus connection that asked for them and outlive a disconnect: when the pod is
  connected again they are switched on again, and every registration sends a PropertiesChanged of its own (bleak 2002);
* a read shows up as a changed Value too;
* Connect to a pod that is not there waits, then fails with le-connection-abort-by-local;
* devices come up in a scan and are removed some time after they were last heard; RSSI is there only while scanning;
* when it is killed nobody is told anything.
"""

from __future__ import annotations

import asyncio
import os
import time
import traceback
from dataclasses import dataclass, field
from typing import Any

from dbus_fast import BusType, Message, MessageType, NameFlag, Variant
from dbus_fast.aio import MessageBus

from sensord.drivers.base import AttError
from sensord.sim.peripheral import Notification, VirtualPod
from tests.rig.sent import SentLog

ADAPTER, DEVICE = "org.bluez.Adapter1", "org.bluez.Device1"
SERVICE, CHARACTERISTIC = "org.bluez.GattService1", "org.bluez.GattCharacteristic1"
PROPERTIES, OBJECTS = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager"
DBUS = {"destination": "org.freedesktop.DBus", "path": "/org/freedesktop/DBus"}
HCI = "/org/bluez/hci0"

PUMP_S = 0.01
ADVERTISE_S = 0.1
GATT_S = 0.015
CONNECT_S = 0.05
RESOLVE_S = 0.05
CONNECT_TIMEOUT_S = 4.0
REMOVE_AFTER_S = 1.0  # BlueZ: 30 s
PACE_EVERY = 20  # signals between two round trips: dbus-fast takes EAGAIN on a full socket for the end of the bus


class Refused(Exception):
    """A D-Bus error reply."""

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__(text)
        self.name = name


@dataclass
class Carried:
    """One pod and what BlueZ knows of it. `registered`: characteristic path to the D-Bus clients that are notified."""

    pod: VirtualPod
    heard_s: float = 0.0
    registered: dict[str, list[str]] = field(default_factory=dict)
    hang_disconnect: bool = False
    short: bool = False
    """The next table of services is cut short; as the real one does, we keep it until the device is removed."""
    delivered: int = 0
    signals: int = 0
    log: SentLog = field(default_factory=SentLog)

    @property
    def path(self) -> str:
        return f"{HCI}/dev_{self.pod.address.replace(':', '_')}"

    def characteristics(self) -> dict[str, str]:
        """Path to UUID, handles counted through as a real table's are."""
        paths, handle = {}, 0x10
        for service in self.pod.table:
            parent = f"{self.path}/service{handle:04x}"
            for characteristic in service.characteristics:
                handle += 1
                paths[f"{parent}/char{handle:04x}"] = characteristic.uuid
            handle += 0x10
        return paths


class BlueZ:
    """The objects on the bus and what their methods do."""

    def __init__(self, pods: list[VirtualPod]) -> None:
        self.carried = {pod.address: Carried(pod) for pod in pods}
        self.scanning: set[str] = set()
        self.objects: dict[str, dict[str, dict[str, Variant]]] = {"/org/bluez": {"org.bluez.AgentManager1": {}}}
        self.bus: MessageBus
        self.tasks: set[asyncio.Task[Any]] = set()
        self.sent = 0
        self.delivering = asyncio.Lock()

    async def start(self, *, adapter: bool = True, powered: bool = True) -> None:
        """Takes the name; from here on clients find us."""
        self.bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        self.bus.add_message_handler(self.on_message)
        rule = "type='signal',member='NameOwnerChanged',interface='org.freedesktop.DBus'"
        await self.bus.call(
            Message(**DBUS, interface="org.freedesktop.DBus", member="AddMatch", signature="s", body=[rule])
        )
        if adapter:
            self.add(HCI, ADAPTER, adapter_properties(powered=powered))
        await self.bus.request_name("org.bluez", NameFlag.NONE)
        self.spawn(self.advertise())
        self.spawn(self.pump())

    def spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.ended)

    def ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            traceback.print_exception(task.exception())
            os._exit(70)

    # ---- objects

    def add(self, path: str, interface: str, properties: dict[str, Variant]) -> None:
        self.objects[path] = {interface: properties}
        self.signal("/", OBJECTS, "InterfacesAdded", "oa{sa{sv}}", [path, self.objects[path]])

    def remove(self, path: str) -> None:
        for child in sorted((p for p in self.objects if p.startswith(path)), reverse=True):
            interfaces = list(self.objects.pop(child))
            self.signal("/", OBJECTS, "InterfacesRemoved", "oas", [child, interfaces])

    def change(self, path: str, interface: str, gone: tuple[str, ...] = (), **values: Variant) -> None:
        if path not in self.objects:
            return
        self.objects[path][interface].update(values)
        for name in gone:
            self.objects[path][interface].pop(name, None)
        self.signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, values, list(gone)])

    def signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        self.sent += 1
        self.bus.send(Message.new_signal(path, interface, member, signature, body))

    async def breathe(self) -> None:
        """A round trip to the bus every so many signals, so that our socket never fills."""
        if self.sent >= PACE_EVERY:
            self.sent = 0
            await self.bus.call(Message(**DBUS, interface="org.freedesktop.DBus.Peer", member="Ping"))

    # ---- the air

    async def advertise(self) -> None:
        while True:
            await asyncio.sleep(ADVERTISE_S)
            for carried in self.carried.values():
                self.hear(carried)
            await self.breathe()

    def hear(self, carried: Carried) -> None:
        heard = carried.pod.advertisement()
        now_s = time.monotonic()
        if heard is not None and self.scanning and HCI in self.objects:
            carried.heard_s = now_s
            if carried.path not in self.objects:
                self.add(carried.path, DEVICE, device_properties(heard))
            else:
                self.change(carried.path, DEVICE, RSSI=Variant("n", heard.rssi or -60))
        elif carried.path in self.objects and not carried.pod.connected and now_s - carried.heard_s > REMOVE_AFTER_S:
            self.remove(carried.path)

    async def pump(self) -> None:
        while True:
            await asyncio.sleep(PUMP_S)
            for carried in self.carried.values():
                async with self.delivering:
                    for notification in carried.pod.due(time.monotonic_ns()):
                        self.deliver(carried, notification)
                        await self.breathe()

    def deliver(self, carried: Carried, notification: Notification) -> None:
        """One signal for every client that is registered, be it still interested or not."""
        carried.delivered += 1
        carried.log.sent(notification)
        for path, uuid in carried.characteristics().items():
            if uuid == notification.uuid:
                for _client in carried.registered.get(path, ()):
                    carried.signals += 1
                    self.change(path, CHARACTERISTIC, Value=Variant("ay", notification.payload))

    # ---- the link

    def connected(self, carried: Carried) -> bool:
        return carried.path in self.objects and bool(self.objects[carried.path][DEVICE]["Connected"].value)

    async def connect(self, carried: Carried) -> None:
        started_s = time.monotonic()
        while carried.pod.vanished:
            await asyncio.sleep(0.05)
            if time.monotonic() - started_s > CONNECT_TIMEOUT_S:
                raise Refused("org.bluez.Error.Failed", "le-connection-abort-by-local")
        await asyncio.sleep(CONNECT_S)
        if carried.path not in self.objects:
            raise Refused("org.freedesktop.DBus.Error.UnknownObject", "the device was removed")
        carried.log.connected()
        carried.pod.connect(time.monotonic_ns(), lambda: self.link_ended(carried))
        self.change(carried.path, DEVICE, gone=("RSSI",), Connected=Variant("b", value=True))
        self.spawn(self.resolve(carried))

    async def resolve(self, carried: Carried) -> None:
        await asyncio.sleep(RESOLVE_S)
        if not carried.pod.connected:
            return
        if any(carried.path in path and "/service" in path for path in self.objects):
            paths = {path: uuid for path, uuid in carried.characteristics().items() if path in self.objects}
        else:
            paths = carried.characteristics()
            if carried.short:
                carried.short = False
                paths = dict(list(paths.items())[:1])
        properties = {c.uuid: c.properties for s in carried.pod.table for c in s.characteristics}
        services = {c.uuid: s.uuid for s in carried.pod.table for c in s.characteristics}
        for path, uuid in paths.items():
            parent = path.rsplit("/", 1)[0]
            if parent not in self.objects:
                self.add(parent, SERVICE, service_properties(services[uuid], carried.path))
            if path not in self.objects:
                self.add(
                    path, CHARACTERISTIC, characteristic_properties(uuid, parent, properties[uuid], carried.pod.mtu)
                )
        for path, clients in carried.registered.items():
            if clients and path in paths:  # the trap: registrations of before the disconnect are switched on again
                carried.pod.subscribe(paths[path], time.monotonic_ns())
        self.change(carried.path, DEVICE, ServicesResolved=Variant("b", value=True))
        await self.breathe()

    def link_ended(self, carried: Carried) -> None:
        self.change(carried.path, DEVICE, ServicesResolved=Variant("b", value=False))
        self.change(carried.path, DEVICE, Connected=Variant("b", value=False))
        carried.heard_s = time.monotonic()

    def forget_client(self, name: str) -> None:
        self.scanning.discard(name)
        for carried in self.carried.values():
            paths = carried.characteristics()
            for path, clients in carried.registered.items():
                if name in clients:
                    clients.remove(name)
                    if not clients:
                        carried.pod.unsubscribe(paths[path])

    # ---- method calls

    def on_message(self, message: Message) -> bool | None:
        if message.message_type == MessageType.SIGNAL and message.member == "NameOwnerChanged" and not message.body[2]:
            self.forget_client(message.body[0])
        if message.message_type != MessageType.METHOD_CALL:
            return None
        self.spawn(self.answer(message))
        return True

    async def answer(self, message: Message) -> None:
        try:
            signature, body = await self.call(message)
        except Refused as error:
            self.bus.send(Message.new_error(message, error.name, str(error)))
        except AttError as error:
            self.bus.send(Message.new_error(message, *att_reply(error.code)))
        else:
            self.bus.send(Message.new_method_return(message, signature, body))

    async def call(self, message: Message) -> tuple[str, list[Any]]:
        interface, member, path = message.interface, message.member, message.path or ""
        if interface == OBJECTS:
            return "a{oa{sa{sv}}}", [self.objects]
        if path not in self.objects:
            raise Refused("org.freedesktop.DBus.Error.UnknownObject", f"no object {path}")
        if interface == PROPERTIES and member == "Get":
            return "v", [self.objects[path][message.body[0]][message.body[1]]]
        if interface == ADAPTER:
            return self.adapter_call(member or "", message)
        carried = next(c for c in self.carried.values() if path.startswith(c.path))
        if interface == DEVICE and member == "Connect":
            await self.connect(carried)
            return "", []
        if interface == DEVICE and member == "Disconnect":
            return await self.disconnect(carried)
        if interface == CHARACTERISTIC:
            if not self.connected(carried):
                raise Refused("org.bluez.Error.Failed", "Not connected")
            return await self.characteristic_call(carried, member or "", message)
        raise Refused("org.freedesktop.DBus.Error.UnknownMethod", f"{interface}.{member}")

    def adapter_call(self, member: str, message: Message) -> tuple[str, list[Any]]:
        if member in ("StartDiscovery", "StopDiscovery") and not self.objects[HCI][ADAPTER]["Powered"].value:
            raise Refused("org.bluez.Error.NotReady", "Resource Not Ready")
        if member == "StartDiscovery":
            self.scanning.add(message.sender or "")
        elif member == "StopDiscovery":
            if message.sender not in self.scanning:
                raise Refused("org.bluez.Error.Failed", "No discovery started")
            self.scanning.discard(message.sender)
            for carried in self.carried.values():
                if not self.scanning and carried.path in self.objects:
                    self.change(carried.path, DEVICE, gone=("RSSI",))
        elif member == "RemoveDevice":
            carried = next(c for c in self.carried.values() if c.path == message.body[0])
            carried.pod.disconnect()
            self.remove(carried.path)
        elif member != "SetDiscoveryFilter":
            raise Refused("org.freedesktop.DBus.Error.UnknownMethod", member)
        return "", []

    async def disconnect(self, carried: Carried) -> tuple[str, list[Any]]:
        if carried.hang_disconnect:
            await asyncio.sleep(3600)
        carried.pod.disconnect()
        self.link_ended(carried)
        return "", []

    async def characteristic_call(self, carried: Carried, member: str, message: Message) -> tuple[str, list[Any]]:
        path = message.path or ""
        uuid = carried.characteristics()[path]
        await asyncio.sleep(GATT_S)
        if not self.connected(carried):
            raise Refused("org.bluez.Error.Failed", "Not connected")
        now_ns = time.monotonic_ns()
        if member == "ReadValue":
            value = carried.pod.read(uuid, now_ns)
            self.change(path, CHARACTERISTIC, Value=Variant("ay", value))
            return "ay", [value]
        if member == "WriteValue":
            carried.pod.write(uuid, bytes(message.body[0]), now_ns)
            return "", []
        clients = carried.registered.setdefault(path, [])
        sender = message.sender or ""
        if member == "StartNotify":
            carried.pod.subscribe(uuid, now_ns)
            if sender not in clients:
                clients.append(sender)
        elif member == "StopNotify":
            if sender in clients:
                clients.remove(sender)
            if not clients:
                carried.pod.unsubscribe(uuid)
        else:
            raise Refused("org.freedesktop.DBus.Error.UnknownMethod", member)
        return "", []


def adapter_properties(*, powered: bool) -> dict[str, Variant]:
    return {
        "Address": Variant("s", "00:AA:01:00:00:23"),
        "Alias": Variant("s", "emulated"),
        "Powered": Variant("b", powered),
        "Discovering": Variant("b", value=False),
        "Roles": Variant("as", ["central", "peripheral"]),
    }


def device_properties(heard: Any) -> dict[str, Variant]:
    return {
        "Address": Variant("s", heard.address),
        "AddressType": Variant("s", "random"),
        "Name": Variant("s", heard.name),
        "Alias": Variant("s", heard.name),
        "Adapter": Variant("o", HCI),
        "UUIDs": Variant("as", list(heard.service_uuids)),
        "RSSI": Variant("n", heard.rssi),
        "Paired": Variant("b", value=False),
        "Connected": Variant("b", value=False),
        "ServicesResolved": Variant("b", value=False),
    }


def service_properties(uuid: str, device: str) -> dict[str, Variant]:
    return {"UUID": Variant("s", uuid), "Device": Variant("o", device), "Primary": Variant("b", value=True)}


def characteristic_properties(uuid: str, service: str, flags: tuple[str, ...], mtu: int) -> dict[str, Variant]:
    return {
        "UUID": Variant("s", uuid),
        "Service": Variant("o", service),
        "Flags": Variant("as", list(flags)),
        "Value": Variant("ay", b""),
        "Notifying": Variant("b", value=False),
        "MTU": Variant("q", mtu),
    }


def att_reply(code: int) -> tuple[str, str]:
    """How BlueZ words an ATT error (its create_gatt_dbus_error, as bleak reads it)."""
    if code == 0x02:
        return "org.bluez.Error.NotPermitted", "Read not permitted"
    if code == 0x03:
        return "org.bluez.Error.NotPermitted", "Write not permitted"
    return "org.bluez.Error.Failed", f"Operation failed with ATT error: 0x{code:02x}"
