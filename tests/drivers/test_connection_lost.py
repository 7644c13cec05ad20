"""A link that goes while it is being set up ends that conversation, whatever bleak then says."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from bleak.exc import BleakError, BleakGATTProtocolError

from sensord.drivers import connection
from sensord.drivers.base import Has, Read, Session, Subscribe, Write
from sensord.drivers.connection import Connection
from sensord.drivers.log_link import CONNECTS, Ears
from sensord.drivers.log_link import linked as linked_for_log
from sensord.errors import LinkError, LinkReason
from sensord.sim.backend import SimRadio
from sensord.sim.pods import OpenPodSim

UUID = "00002a19-0000-1000-8000-00805f9b34fb"


class Forgetful:
    """bleak's client once the link is gone: it has forgotten the services."""

    @property
    def services(self) -> Any:
        raise BleakError("Service Discovery has not been performed yet")

    def not_called(self, *_: Any, **__: Any) -> None:
        pytest.fail("there is nothing to call it with")

    read_gatt_char = write_gatt_char = start_notify = not_called


def broken_link() -> Connection:
    gone = Connection(on_data=lambda *_: None, on_info=lambda _: None, backend=None)
    gone._client = Forgetful()  # type: ignore[assignment]
    gone.lost.set()
    return gone


@pytest.mark.parametrize("request_", [Has(UUID), Read(UUID), Write(UUID, b"", response=True), Subscribe(UUID)])
async def test_a_request_after_the_link_has_gone_is_a_lost_link(request_: Any) -> None:
    def session() -> Session[None]:
        yield request_

    with pytest.raises(LinkError) as caught:
        await broken_link().converse(session())
    assert caught.value.reason is LinkReason.LOST


class Unlikely:
    """bleak's client on a link that breaks while it reads: BlueZ answers first, and says that it went after."""

    class services:  # noqa: N801
        characteristics = {1: SimpleNamespace(uuid=UUID, handle=1)}  # noqa: RUF012

    async def read_gatt_char(self, *_: Any) -> bytes:
        raise BleakGATTProtocolError(0x0E)


@pytest.mark.parametrize("goes", [True, False])
async def test_an_unlikely_answer_is_a_lost_link_if_it_then_goes(goes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "GOES_S", 10.0 if goes else 0.01)
    broken = Connection(on_data=lambda *_: None, on_info=lambda _: None, backend=None)
    broken._client = Unlikely()  # type: ignore[assignment]
    if goes:
        asyncio.get_running_loop().call_later(0.01, broken.lost.set)

    def session() -> Session[None]:
        yield Read(UUID)

    with pytest.raises(LinkError) as caught:
        await broken.converse(session())
    assert caught.value.reason is (LinkReason.LOST if goes else LinkReason.SETUP)


async def test_a_battery_that_is_asked_for_after_the_link_has_gone_is_let_be() -> None:
    levels: list[int] = []
    await broken_link().battery(levels.append)
    assert levels == []


async def test_a_link_that_came_at_the_second_attempt_is_not_a_lost_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """bleak-retry-connector keeps the client: the disconnect of its first attempt is not that of the link it brings."""

    async def establish(*_: Any, disconnected_callback: Any, **__: Any) -> Any:
        disconnected_callback(None)
        return SimpleNamespace(is_connected=True)

    monkeypatch.setattr(connection, "establish_connection", establish)
    fresh = Connection(on_data=lambda *_: None, on_info=lambda _: None, backend=None)
    device = SimpleNamespace(address="C0:00:00:00:00:01")
    await fresh.open(SimpleNamespace(device=device, advertisement=SimpleNamespace(name="pod")))  # type: ignore[arg-type]
    assert not fresh.lost.is_set()


class Shy(OpenPodSim):
    """Turns the first connects away."""

    shy = 2

    def connect(self, now_ns: int, on_lost: Callable[[], None]) -> None:
        if self.shy:
            self.shy -= 1
            raise BleakError("connection refused")
        super().connect(now_ns, on_lost)


@pytest.mark.parametrize(("shy", "comes"), [(0, True), (CONNECTS * 2 - 1, True), (CONNECTS * 2, False)])
async def test_a_pod_that_is_armed_or_fetched_gets_more_than_one_connect(shy: int, comes: bool) -> None:
    """bleak-retry-connector tries each of ours twice."""
    pod = Shy("C0:00:00:00:00:01", "pod", now_ns=time.monotonic_ns())
    pod.shy = shy
    ears = Ears(time.monotonic_ns, lambda *_: None)
    came = False
    with contextlib.suppress(LinkError):
        async with linked_for_log(pod.address, ears, SimRadio([pod]).backend):
            came = pod.connected
    assert came is comes
    assert not pod.connected
