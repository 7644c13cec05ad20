"""One connection to one pod, from connect to disconnect; never used again after.

A new client for every connection, and the old one always disconnected: BlueZ keeps notify registrations per D-Bus
client across disconnects, so a client that is merely dropped makes every later notification arrive twice (bleak issue
2002).
Callbacks of a connection that was closed are counted and ignored.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakCharacteristicNotFoundError, BleakError, BleakGATTProtocolError
from bleak_retry_connector import clear_cache, establish_connection

from sensord.drivers.base import (
    BATTERY_LEVEL,
    Announce,
    AttError,
    Await,
    Has,
    Pause,
    PodInfo,
    Read,
    Request,
    Session,
    Subscribe,
    Write,
)
from sensord.drivers.radio import Backend, Sighting, explain, radio_call
from sensord.errors import InternalError, LinkError, LinkReason

log = logging.getLogger(__name__)

CONNECT_S = 12.0
REQUEST_S = 5.0
DISCONNECT_S = 3.0
INBOX = 64

WANTS_PAIRING = frozenset({0x05, 0x08, 0x0C, 0x0F})
"""ATT errors: insufficient authentication, authorization, key size, encryption (Core 5.4, Vol 3 Part F 3.4.1.1)."""

UNLIKELY = 0x0E
"""ATT error "unlikely": what bluetoothd answers, too, for what was under way when a link broke (bluez issue 1911)."""

GOES_S = 0.3
"""Design choice: so long after such an answer the disconnect may still come; over D-Bus it takes milliseconds."""

_Result = TypeVar("_Result")


class Connection:
    """Carries a driver's requests out over bleak. `lost` is set when the link goes away by itself."""

    def __init__(
        self,
        *,
        on_data: Callable[[str, bytes], None],
        on_info: Callable[[PodInfo], None],
        backend: Backend | None,
        acquire: bool = False,
    ) -> None:
        self.lost = asyncio.Event()
        self.ended = ""
        self.stale = 0
        self._on_data = on_data
        self._on_info = on_info
        self._backend = backend
        self._notify: dict[str, Any] = {} if backend else {"bluez": {"use_start_notify": not acquire}}
        self._client: BleakClient | None = None
        self._incomplete = False
        self._muted = False
        self._announced = False
        self._inboxes: dict[str, asyncio.Queue[bytes]] = {}

    async def open(self, sighting: Sighting) -> None:
        """Connects on a fresh sighting. Raises LinkError (CONNECT)."""
        await radio_call(LinkReason.CONNECT, self._connect(sighting), CONNECT_S)

    async def _connect(self, sighting: Sighting) -> None:
        # kept here and not returned: a connection that comes about while we are cancelled must still be closed;
        # no cached services: after a restart of bluetoothd bleak's cache names objects that are not there (yet)
        self._client = await establish_connection(
            BleakClient,
            sighting.device,
            sighting.advertisement.name or sighting.device.address,
            disconnected_callback=self._on_disconnected,
            max_attempts=2,
            use_services_cache=False,
            backend=None if self._backend is None else self._backend.client,
        )
        if self._client.is_connected:
            self.lost.clear()  # that was the attempt before this one

    async def converse(self, session: Session[_Result]) -> _Result:
        """Carries a session out to its end. Raises LinkError: the driver's own, SETUP, SERVICES, CONNECT or LOST."""
        try:
            request = next(session)
            while True:
                try:
                    answer = await self._carry_out(request)
                except AttError as refusal:
                    request = session.throw(refusal)
                else:
                    request = session.send(answer)
        except LinkError as error:
            self._incomplete |= error.reason is LinkReason.SERVICES  # the driver looked, and found them missing
            raise
        except StopIteration as end:
            result: _Result = end.value
            return result
        except AttError as refusal:
            reason = LinkReason.PAIRING if refusal.code in WANTS_PAIRING else LinkReason.SETUP
            raise LinkError(reason, f"{refusal} to {request}") from refusal
        finally:
            session.close()

    async def battery(self, on_percent: Callable[[int], None]) -> None:
        """Follows and reads the battery level of pods that have one; a pod that will not tell is left alone."""
        if self._client is None:
            return

        def on_level(_: BleakGATTCharacteristic, value: bytearray) -> None:
            if not self._muted and len(value) == 1:
                on_percent(value[0])

        try:
            if self._find(BATTERY_LEVEL) is None:
                return
            await self._call(self._client.start_notify(BATTERY_LEVEL, on_level))
            level = await self._call(self._client.read_gatt_char(BATTERY_LEVEL))
            if len(level) == 1 and not self._muted:
                on_percent(level[0])
        except (AttError, LinkError) as error:
            log.info("battery level is not to be had: %s", error)

    def end(self, why: str) -> None:
        """The pod says that it sends no more: as good as lost, but known to be."""
        self.ended = why
        self.lost.set()

    def mute(self) -> None:
        """From here on this connection has no say."""
        self._muted = True

    async def close(self) -> None:
        """Disconnects; bounded, and an error changes nothing: bleak has let go of the client either way."""
        self.mute()
        client, self._client = self._client, None
        if client is None:
            return
        try:
            await radio_call(LinkReason.CONNECT, client.disconnect(), DISCONNECT_S)
        except LinkError as error:
            log.debug("disconnect: %s", error)
        if self._incomplete and self._backend is None:
            with contextlib.suppress(TimeoutError):  # bluetoothd forgets the pod: the next connect asks it for all
                async with asyncio.timeout(DISCONNECT_S):
                    await clear_cache(client.address)

    async def _carry_out(self, request: Request) -> bytes:
        match request:
            case Announce(info):
                self._announced = True
                self._on_info(info)
                return b""
            case Await():
                return await self._receive(request)
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case Has(uuid):
                return b"\1" if self._find(uuid) is not None else b""
            case Read(uuid):
                return bytes(await self._call(self._connected.read_gatt_char(self._found(uuid))))
            case Write(uuid, payload, response):
                await self._call(self._connected.write_gatt_char(self._found(uuid), payload, response=response))
            case Subscribe(uuid, data):
                listener = self._listener(uuid, data=data)
                await self._call(self._connected.start_notify(self._found(uuid), listener, **self._notify))
            case _:
                raise InternalError(f"{type(request).__name__} has no place in a streaming session")
        return b""

    def _listener(self, uuid: str, *, data: bool) -> Callable[[BleakGATTCharacteristic, bytearray], None]:
        inbox = self._inboxes.setdefault(uuid, asyncio.Queue(INBOX))

        # synchronous: bleak would make a task of each call to a coroutine, and their order would be anybody's guess
        def on_notification(_: BleakGATTCharacteristic, value: bytearray) -> None:
            if self._muted:
                self.stale += 1
                return
            if data and self._announced:
                self._on_data(uuid, bytes(value))
            if inbox.full():
                inbox.get_nowait()
            inbox.put_nowait(bytes(value))

        return on_notification

    def _find(self, uuid: str) -> BleakGATTCharacteristic | None:
        """The first of that UUID: a pod may have several, and bleak then refuses to choose."""
        try:
            services = self._connected.services
        except BleakError as error:  # bleak forgets them when the link goes, which may be just now
            raise LinkError(self._why(), "not connected") from error
        named = [c for c in services.characteristics.values() if c.uuid == uuid]
        return min(named, key=lambda c: c.handle, default=None)

    def _found(self, uuid: str) -> BleakGATTCharacteristic:
        characteristic = self._find(uuid)
        if characteristic is None:
            raise self._missing(uuid)
        return characteristic

    def _missing(self, uuid: str) -> LinkError:
        """Another kind of pod; or bluetoothd kept a list of services that was cut short, or of an older firmware."""
        self._incomplete = True
        return LinkError(LinkReason.SERVICES, f"it has no characteristic {uuid}")

    async def _receive(self, wait: Await) -> bytes:
        inbox = self._inboxes.setdefault(wait.uuid, asyncio.Queue(INBOX))
        try:
            async with asyncio.timeout(wait.timeout_s):
                while not wait.match(payload := await inbox.get()):
                    pass
        except TimeoutError:
            if wait.else_none and not self.lost.is_set():
                return b""
            raise LinkError(self._why(), f"no answer on {wait.uuid} within {wait.timeout_s:g} s") from None
        return payload

    async def _call(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        try:
            return await radio_call(LinkReason.CONNECT, work, REQUEST_S)
        except LinkError as error:
            cause = error.__cause__
            if isinstance(cause, BleakGATTProtocolError):
                if int(cause.code) == UNLIKELY and await self._goes():
                    raise LinkError(LinkReason.LOST) from cause
                raise AttError(int(cause.code)) from cause
            if isinstance(cause, BleakCharacteristicNotFoundError):
                raise self._missing(str(cause.char_specifier)) from cause
            raise LinkError(self._why(), explain(cause) if cause else "") from cause

    async def _goes(self) -> bool:
        """Whether the link has gone, or is just going."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOES_S):
                await self.lost.wait()
        return self.lost.is_set()

    def _why(self) -> LinkReason:
        return LinkReason.LOST if self.lost.is_set() else LinkReason.CONNECT

    @property
    def _connected(self) -> BleakClient:
        if self._client is None:
            raise LinkError(self._why(), "not connected")
        return self._client

    def _on_disconnected(self, _: BleakClient) -> None:
        self.lost.set()
