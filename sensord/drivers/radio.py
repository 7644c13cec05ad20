"""The adapter: scanning, what is wrong with it, and calls that always come back.

Built for what bleak and BlueZ do in the field: a disconnect can hang for ten seconds; `discover()` in a loop leaves
orphaned discoveries (org.bluez.Error.InProgress); a connect needs a BLEDevice that was seen just now, while the scanner
runs; a killed bluetoothd is noticed only by the next call.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from bleak import BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakDBusError

from sensord.drivers.base import Advertisement
from sensord.errors import LinkError, LinkReason

log = logging.getLogger(__name__)

START_S = 10.0
STOP_S = 3.0
CANCEL_GRACE_S = 2.0

NOT_FOUND_AFTER_S = 5.0
"""Design choice: pods advertise at least once a second, so after this long we say that one is not there."""

FRESH_S = 3.0
"""Design choice: how old a sighting may be to connect on; BlueZ drops devices it has not heard from."""

RESTART_AFTER_S = (5.0, 10.0, 20.0, 40.0)
"""Design choice: a scan that hears nothing at all for so long is begun anew (the next time it waits longer)."""

ADAPTER_RETRY_S = (0.5, 1.0, 2.0, 4.0)
"""Design choice: asking a local adapter costs nothing, so the wait stays short; a runner stands there and waits."""

NO_RSSI = -127
"""bleak's value for "no RSSI": on BlueZ such a call reports a changed property of a device, not an advertisement."""

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Backend:
    """bleak backends to use instead of the platform's own (`sensord.sim.backend` makes one)."""

    scanner: type[BaseBleakScanner]
    client: type[BaseBleakClient]


_abandoned: set[asyncio.Task[Any]] = set()


async def bounded(work: Coroutine[Any, Any, _Result], seconds: float) -> _Result:
    """Result of `work`; TimeoutError after `seconds`, also when it does not let itself be cancelled."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        await _cancel(task)
        raise
    if not task.done():
        await _cancel(task)
    if task.done() and not task.cancelled():
        return task.result()
    raise TimeoutError(f"no answer within {seconds:g} s")


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=CANCEL_GRACE_S)
    if not task.done():
        _abandoned.add(task)
        task.add_done_callback(_forget)


def _forget(task: asyncio.Task[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled() and task.exception() is not None:
        log.debug("abandoned radio call ended: %r", task.exception())


async def radio_call(reason: LinkReason, work: Coroutine[Any, Any, _Result], seconds: float) -> _Result:
    """Carries one call to bleak out. Whatever the radio stack throws becomes a LinkError with `reason`.

    bleak promises BleakError, but D-Bus races surface as KeyError, EOFError, AssertionError and more.
    """
    try:
        return await bounded(work, seconds)
    except LinkError:
        raise
    except Exception as error:
        raise LinkError(reason_of(error, reason), explain(error)) from error


_REASONS = {
    "org.freedesktop.DBus.Error.ServiceUnknown": LinkReason.ADAPTER,
    "org.freedesktop.DBus.Error.NameHasNoOwner": LinkReason.ADAPTER,
    "org.bluez.Error.NotReady": LinkReason.ADAPTER,
    "org.bluez.Error.AuthenticationFailed": LinkReason.PAIRING,
    "org.bluez.Error.AuthenticationRejected": LinkReason.PAIRING,
    "org.bluez.Error.AuthenticationCanceled": LinkReason.PAIRING,
    "org.bluez.Error.AuthenticationTimeout": LinkReason.PAIRING,
    "org.bluez.Error.NotAuthorized": LinkReason.PAIRING,
    "org.bluez.Error.InProgress": LinkReason.BUSY,
}
"""What BlueZ's errors mean for a pod (names: bluez/doc, org.bluez.Device)."""

_BUSY_WORDS = ("br-connection-busy", "le-connection-abort-by-local")
"""Texts of org.bluez.Error.Failed when another connect, or another program, is at it (bleak issue 1858)."""


def reason_of(error: BaseException, otherwise: LinkReason) -> LinkReason:
    """Which kind of trouble this is, where bleak or BlueZ say it; the backoff depends on it."""
    if isinstance(error, BleakBluetoothNotAvailableError):
        return LinkReason.ADAPTER
    if isinstance(error, BleakDBusError):
        if any(words in str(error) for words in _BUSY_WORDS):
            return LinkReason.BUSY
        return _REASONS.get(error.dbus_error, otherwise)
    return otherwise


_NOT_AVAILABLE = {
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: "there is no Bluetooth adapter; plug one in or enable it",
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: "the Bluetooth adapter cannot do Bluetooth Low Energy",
    BleakBluetoothNotAvailableReason.POWERED_OFF: "the Bluetooth adapter is off; switch it on: bluetoothctl power on",
    BleakBluetoothNotAvailableReason.DENIED_BY_USER: "the user denied the use of Bluetooth",
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: "the system does not let this user use Bluetooth",
}

_DBUS = {
    "org.freedesktop.DBus.Error.ServiceUnknown": "bluetoothd is not running; install bluez, start bluetooth.service",
    "org.freedesktop.DBus.Error.NameHasNoOwner": "bluetoothd is not running; install bluez, start bluetooth.service",
    "org.freedesktop.DBus.Error.NoReply": "bluetoothd does not answer",
    "org.freedesktop.DBus.Error.AccessDenied": "the system does not let this user use Bluetooth",
    "org.bluez.Error.NotReady": "the Bluetooth adapter is off; switch it on: bluetoothctl power on",
    "org.bluez.Error.InProgress": "the Bluetooth adapter is busy with another scan",
}


def explain(error: BaseException) -> str:
    """What went wrong in one line, in words a runner can act on where we know any."""
    if isinstance(error, BleakBluetoothNotAvailableError) and error.reason in _NOT_AVAILABLE:
        return _NOT_AVAILABLE[error.reason]
    if isinstance(error, BleakDBusError) and error.dbus_error in _DBUS:
        return _DBUS[error.dbus_error]
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return "the D-Bus system bus cannot be reached; is dbus running?"
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def detail_of(error: LinkError) -> str:
    """The part of a LinkError that its reason does not say already."""
    return str(error).removeprefix(error.reason.value).removeprefix(": ")


def advertisement_of(device: BLEDevice, data: AdvertisementData) -> Advertisement:
    """bleak's view of an advertisement in ours."""
    return Advertisement(
        address=device.address.upper(),
        name=data.local_name or device.name,
        service_uuids=tuple(uuid.lower() for uuid in data.service_uuids),
        manufacturer_data=dict(data.manufacturer_data),
        rssi=None if data.rssi == NO_RSSI else data.rssi,
    )


@dataclass(frozen=True, slots=True)
class Sighting:
    """A pod as it was last seen; `at_s` on the event loop's clock."""

    device: BLEDevice
    advertisement: Advertisement
    at_s: float


class Scanner:
    """One long-lived task that scans while somebody `needs` it, and rests when all pods are linked.

    Scanning costs radio time that streaming pods need. A scan that hears nothing is begun anew, which also finds out
    about a dead bluetoothd; an adapter that cannot scan is asked again and again, and those who wait are told.
    """

    def __init__(self, backend: Backend | None = None) -> None:
        self._backend = backend
        self._needed = asyncio.Event()
        self._rest = asyncio.Event()
        self._users: set[str] = set()
        self._sightings: dict[str, Sighting] = {}
        self._waiting: dict[str, set[asyncio.Future[Sighting]]] = {}
        self._heard_s = 0.0
        self.problem: str | None = None

    def need(self, address: str) -> None:
        """This pod is not linked: scan. What was seen of it before does not count."""
        self._sightings.pop(address, None)
        self._users.add(address)
        self._needed.set()
        self._rest.clear()

    def release(self, address: str) -> None:
        """This pod is linked, or given up: scan no longer for its sake."""
        self._users.discard(address)
        if not self._users:
            self._needed.clear()
            self._rest.set()

    async def see(self, address: str) -> Sighting:
        """The next sighting of a pod. Raises LinkError: NOT_FOUND after a while, ADAPTER at once."""
        sighted: asyncio.Future[Sighting] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(address, set()).add(sighted)
        try:
            async with asyncio.timeout(NOT_FOUND_AFTER_S):
                return await sighted
        except TimeoutError:
            if self.problem is not None:
                raise LinkError(LinkReason.ADAPTER, self.problem) from None
            raise LinkError(LinkReason.NOT_FOUND, f"not heard for {NOT_FOUND_AFTER_S:g} s") from None
        finally:
            self._waiting[address].discard(sighted)

    def fresh(self, address: str) -> Sighting | None:
        """The last sighting of a pod somebody waited for, if it is fresh enough to connect on."""
        sighting = self._sightings.get(address)
        now_s = asyncio.get_running_loop().time()
        return sighting if sighting is not None and now_s - sighting.at_s <= FRESH_S else None

    async def run(self) -> None:
        """Scans whenever needed; ends only by being cancelled."""
        failures = 0
        deaf = 0
        while True:
            await self._needed.wait()
            scanner = BleakScanner(self._on_advertisement, backend=_scanner_of(self._backend))
            try:
                await radio_call(LinkReason.ADAPTER, scanner.start(), START_S)
                failures, self.problem = 0, None
                deaf = 0 if await self._until_rest_or_deaf(deaf) else deaf + 1
            except LinkError as error:
                self.problem = detail_of(error)
                self._tell(error)
                await asyncio.sleep(ADAPTER_RETRY_S[min(failures, len(ADAPTER_RETRY_S) - 1)])
                failures += 1
            finally:
                await self._stop(scanner)

    async def _until_rest_or_deaf(self, deaf: int) -> bool:
        """True: nobody needs us any more, or something was heard; False: this scan heard nothing at all."""
        loop = asyncio.get_running_loop()
        limit_s = RESTART_AFTER_S[min(deaf, len(RESTART_AFTER_S) - 1)]
        started_s = self._heard_s = loop.time()
        while (left_s := self._heard_s + limit_s - loop.time()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._rest.wait()
                return True
        return self._heard_s > started_s

    async def _stop(self, scanner: BleakScanner) -> None:
        try:
            await radio_call(LinkReason.ADAPTER, scanner.stop(), STOP_S)
        except LinkError as error:
            log.debug("scanner did not stop: %s", error)

    def _on_advertisement(self, device: BLEDevice, data: AdvertisementData) -> None:
        if data.rssi == NO_RSSI:
            return
        self._heard_s = asyncio.get_running_loop().time()
        advertisement = advertisement_of(device, data)
        waiting = self._waiting.get(advertisement.address)
        if waiting is None:
            return
        sighting = Sighting(device, advertisement, self._heard_s)
        self._sightings[advertisement.address] = sighting
        for sighted in waiting:
            if not sighted.done():
                sighted.set_result(sighting)

    def _tell(self, error: LinkError) -> None:
        for waiting in self._waiting.values():
            for sighted in waiting:
                if not sighted.done():
                    sighted.set_exception(LinkError(error.reason, self.problem or ""))


class Air:
    """One adapter's scanning and connecting, for all links of a process: BlueZ takes one connect at a time."""

    def __init__(self, backend: Backend | None = None) -> None:
        self.scanner = Scanner(backend)
        self.connecting = asyncio.Lock()


async def adapter_problem(backend: Backend | None = None) -> str | None:
    """What is wrong with Bluetooth here, in one sentence; None if a scan can be started and stopped."""
    scanner = BleakScanner(backend=_scanner_of(backend))
    try:
        await radio_call(LinkReason.ADAPTER, scanner.start(), START_S)
        await radio_call(LinkReason.ADAPTER, scanner.stop(), STOP_S)
    except LinkError as error:
        return detail_of(error)
    return None


async def listen(seconds: float, backend: Backend | None = None) -> list[Advertisement]:
    """The last advertisement of every device heard in so many seconds. Raises LinkError (ADAPTER)."""
    heard: dict[str, Advertisement] = {}

    def on_advertisement(device: BLEDevice, data: AdvertisementData) -> None:
        heard[device.address] = advertisement_of(device, data)

    scanner = BleakScanner(on_advertisement, backend=_scanner_of(backend))
    await radio_call(LinkReason.ADAPTER, scanner.start(), START_S)
    try:
        await asyncio.sleep(seconds)
    finally:
        await radio_call(LinkReason.ADAPTER, scanner.stop(), STOP_S)
    return list(heard.values())


def _scanner_of(backend: Backend | None) -> type[BaseBleakScanner] | None:
    return None if backend is None else backend.scanner
