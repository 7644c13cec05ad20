"""A link that goes while it is being set up ends that conversation, whatever bleak then says."""

from __future__ import annotations

from typing import Any

import pytest
from bleak.exc import BleakError

from sensord.drivers.base import Has, Read, Session, Subscribe, Write
from sensord.drivers.connection import Connection
from sensord.errors import LinkError, LinkReason

UUID = "00002a19-0000-1000-8000-00805f9b34fb"


class Forgetful:
    """bleak's client once the link is gone: it has forgotten the services."""

    @property
    def services(self) -> Any:
        raise BleakError("Service Discovery has not been performed yet")

    def not_called(self, *_: Any, **__: Any) -> None:
        pytest.fail("there is nothing to call it with")

    read_gatt_char = write_gatt_char = start_notify = not_called


def gone() -> Connection:
    connection = Connection(on_data=lambda *_: None, on_info=lambda _: None, backend=None)
    connection._client = Forgetful()  # type: ignore[assignment]
    connection.lost.set()
    return connection


@pytest.mark.parametrize("request_", [Has(UUID), Read(UUID), Write(UUID, b"", response=True), Subscribe(UUID)])
async def test_a_request_after_the_link_has_gone_is_a_lost_link(request_: Any) -> None:
    def session() -> Session[None]:
        yield request_

    with pytest.raises(LinkError) as caught:
        await gone().converse(session())
    assert caught.value.reason is LinkReason.LOST


async def test_a_battery_that_is_asked_for_after_the_link_has_gone_is_let_be() -> None:
    levels: list[int] = []
    await gone().battery(levels.append)
    assert levels == []
