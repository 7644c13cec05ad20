"""A simulated peripheral: advertisement, GATT table, notifications; without a transport and without a clock of its own.

Whoever carries a `VirtualPod` (an in-process radio, an emulated BlueZ) connects it, reads, writes and subscribes for a
central, and asks `due(now_ns)` for the notifications that a real pod would have sent by now. Its faults are attributes
that a test sets: `loss`, `stalled`, `vanished`, `clock_ppm`, `jitter_ms`, and the calls `drop_link()` and `reboot()`.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from sensord.drivers.base import BATTERY_LEVEL, Advertisement, AttError
from sensord.model import NS

BATTERY_SERVICE = "0000180f-0000-1000-8000-00805f9b34fb"

ATT_READ_NOT_PERMITTED = 0x02
ATT_WRITE_NOT_PERMITTED = 0x03
ATT_NOT_FOUND = 0x0A

ALSO = {
    "read": frozenset({"read"}),
    "write": frozenset({"write", "write-without-response"}),
    "notify": frozenset({"notify", "indicate"}),
}
"""What each operation needs of a characteristic's properties."""


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One characteristic and what may be done with it: read, write, write-without-response, notify, indicate."""

    uuid: str
    properties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a GATT table."""

    uuid: str
    characteristics: tuple[Characteristic, ...]


@dataclass(frozen=True, slots=True)
class Notification:
    """What a pod sends of its own accord."""

    uuid: str
    payload: bytes


class VirtualPod(ABC):
    """A peripheral. Times are ns on the carrier's clock; the pod's own clock runs off by `clock_ppm`.

    `sent` counts notifications that left the pod while someone was subscribed, by characteristic; `lost_on_air` those
    of them that `loss` ate (`due` does not return them).
    """

    def __init__(self, address: str, name: str, *, now_ns: int, seed: int = 0, mtu: int = 247) -> None:
        self.address = address.upper()
        self.name = name
        self.mtu = mtu
        self.vanished = False
        self.stalled = False
        self.loss = 0.0
        self.jitter_ms = 0.0
        self.clock_ppm = 0.0
        self.battery_pct = 100.0
        self.battery_pct_per_hour = 10.0
        self.connected = False
        self.subscribed: set[str] = set()
        self.sent: dict[str, int] = {}
        self.lost_on_air = 0
        self.boots = 0
        self._on_lost: Callable[[], None] | None = None
        self._random = random.Random(f"{self.address} {seed}")  # noqa: S311  (a simulation, not a secret)
        self._air: deque[tuple[int, Notification]] = deque()
        self._battery_told = 100
        self._now_ns = now_ns

    # ---- what a driver's pod is made of

    @property
    @abstractmethod
    def services(self) -> tuple[Service, ...]:
        """The GATT table without the battery service, which every pod has."""

    @property
    @abstractmethod
    def advertised_services(self) -> tuple[str, ...]:
        """Service UUIDs in the advertisement."""

    @abstractmethod
    def on_read(self, uuid: str, now_ns: int) -> bytes:
        """Value of a characteristic."""

    @abstractmethod
    def on_write(self, uuid: str, payload: bytes, now_ns: int) -> None:
        """A write, with or without response. Raises AttError."""

    @abstractmethod
    def produce(self, now_ns: int) -> list[tuple[int, Notification]]:
        """Notifications made since the last call, each with the time it was ready, oldest first."""

    @abstractmethod
    def on_boot(self, now_ns: int) -> None:
        """The pod (re)starts: clock and counters begin anew."""

    # ---- what a carrier does

    @property
    def table(self) -> tuple[Service, ...]:
        """The whole GATT table."""
        return (*self.services, Service(BATTERY_SERVICE, (Characteristic(BATTERY_LEVEL, ("read", "notify")),)))

    def advertisement(self) -> Advertisement | None:
        """What it advertises now; nothing while it is connected or gone."""
        if self.vanished or self.connected:
            return None
        return Advertisement(self.address, self.name, self.advertised_services, rssi=-55 - self._random.randrange(10))

    def connect(self, now_ns: int, on_lost: Callable[[], None]) -> None:
        """A central connects; `on_lost` is called once if the link goes away other than by `disconnect`."""
        self.due(now_ns)
        self.connected = True
        self._on_lost = on_lost

    def disconnect(self) -> None:
        """The link ends: subscriptions and what was on the air are gone, the pod otherwise goes on."""
        self.connected = False
        self.subscribed.clear()
        self._air.clear()
        self._on_lost = None

    def read(self, uuid: str, now_ns: int) -> bytes:
        """Raises AttError."""
        self._need(uuid, "read", ATT_READ_NOT_PERMITTED)
        self._drain(now_ns)
        return bytes([round(self.battery_pct)]) if uuid == BATTERY_LEVEL else self.on_read(uuid, now_ns)

    def write(self, uuid: str, payload: bytes, now_ns: int) -> None:
        """Raises AttError."""
        self._need(uuid, "write", ATT_WRITE_NOT_PERMITTED)
        self.on_write(uuid, payload, now_ns)

    def subscribe(self, uuid: str, now_ns: int) -> None:
        """Notifications that are ready from now on are sent. Raises AttError."""
        self._need(uuid, "notify", ATT_NOT_FOUND)
        self._collect(now_ns)
        self.subscribed.add(uuid)

    def unsubscribe(self, uuid: str) -> None:
        """No more notifications of this characteristic."""
        self.subscribed.discard(uuid)

    def due(self, now_ns: int) -> list[Notification]:
        """Everything that arrives at the central by now, in order."""
        self._collect(now_ns)
        arrived = []
        while self._air and self._air[0][0] <= now_ns:
            arrived.append(self._air.popleft()[1])
        return arrived

    # ---- faults

    def drop_link(self) -> None:
        """The link breaks."""
        on_lost = self._on_lost
        self.disconnect()
        if on_lost is not None:
            on_lost()

    def vanish(self) -> None:
        """Out of range: the link breaks and nothing is advertised."""
        self.vanished = True
        self.drop_link()

    def reboot(self, now_ns: int) -> None:
        """Loses power for a moment."""
        self.drop_link()
        self.boots += 1
        self.on_boot(now_ns)

    # ---- inside

    def _collect(self, now_ns: int) -> None:
        self._drain(now_ns)
        made = self.produce(now_ns)
        if round(self.battery_pct) != self._battery_told:
            self._battery_told = round(self.battery_pct)
            made.append((now_ns, Notification(BATTERY_LEVEL, bytes([self._battery_told]))))
        for ready_ns, notification in made:
            if not self.connected or self.stalled or notification.uuid not in self.subscribed:
                continue
            self.sent[notification.uuid] = self.sent.get(notification.uuid, 0) + 1
            if self._random.random() < self.loss:
                self.lost_on_air += 1
                continue
            arrives_ns = ready_ns + int(self._random.random() * self.jitter_ms * 1e6)
            if self._air:
                arrives_ns = max(arrives_ns, self._air[-1][0])  # a link keeps the order
            self._air.append((arrives_ns, notification))

    def _drain(self, now_ns: int) -> None:
        hours = max(0, now_ns - self._now_ns) / NS / 3600
        self._now_ns = max(self._now_ns, now_ns)
        self.battery_pct = max(1.0, self.battery_pct - hours * self.battery_pct_per_hour)

    def _need(self, uuid: str, what: str, code: int) -> None:
        for service in self.table:
            for characteristic in service.characteristics:
                if characteristic.uuid == uuid:
                    if not ALSO[what].isdisjoint(characteristic.properties):
                        return
                    raise AttError(code)
        raise AttError(ATT_NOT_FOUND)
