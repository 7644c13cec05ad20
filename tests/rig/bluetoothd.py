"""The emulated bluetoothd as a process of its own, so that it can die like the real one does.

Reads one JSON request a line on stdin and answers one JSON object a line on stdout; the first line it writes is
{"ready": true}. Pods come as a pickle (base64) in the request "begin" and go back the same way in the answer to "die",
so that pods outlive a killed bluetoothd.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import pickle
import signal
import sys
import time
from collections.abc import Awaitable
from typing import Any

from dbus_fast import Variant

from tests.rig.bluez import ADAPTER, HCI, BlueZ


def say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


class Control:
    """Requests of the test on stdin, answers on stdout."""

    def __init__(self) -> None:
        self.bluez: BlueZ

    async def run(self) -> None:
        reader = asyncio.StreamReader(limit=1 << 24)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        say({"ready": True})
        while line := await reader.readline():
            request = json.loads(line)
            answer: Any = getattr(self, request.pop("op"))(**request)
            if isinstance(answer, Awaitable):
                answer = await answer
            say(answer or {})

    async def begin(self, pods: str, adapter: bool = True, powered: bool = True) -> None:
        self.bluez = BlueZ(pickle.loads(base64.b64decode(pods)))
        await self.bluez.start(adapter=adapter, powered=powered)

    def set(self, pod: str, **values: Any) -> None:
        """Sets faults of a pod: loss, stalled, jitter_ms, vanished."""
        for name, value in values.items():
            assert hasattr(self.bluez.carried[pod].pod, name), name
            setattr(self.bluez.carried[pod].pod, name, value)

    async def drop(self, pod: str) -> dict[str, Any]:
        """Says whether there was a link to break; what was sent before arrives before."""
        async with self.bluez.delivering:
            connected = self.bluez.carried[pod].pod.connected
            self.bluez.carried[pod].pod.drop_link()
        return {"connected": connected}

    def sent(self, pod: str, last: bool) -> dict[str, Any]:
        """What left the pod, link by link, since it was last asked (`tests.rig.ledger`)."""
        return {"links": self.bluez.carried[pod].log.take(last=last)}

    async def vanish(self, pod: str) -> None:
        async with self.bluez.delivering:
            self.bluez.carried[pod].pod.vanish()

    async def reboot(self, pod: str) -> None:
        async with self.bluez.delivering:
            self.bluez.carried[pod].pod.reboot(time.monotonic_ns())

    def hang_disconnect(self, pod: str, on: bool) -> None:
        self.bluez.carried[pod].hang_disconnect = on

    def cut_services_short(self, pod: str) -> None:
        self.bluez.carried[pod].short = True

    def power(self, on: bool) -> None:
        self.bluez.change(HCI, ADAPTER, Powered=Variant("b", on))

    def stats(self) -> dict[str, Any]:
        return {
            address: {
                "sent": carried.pod.sent,
                "lost_on_air": carried.pod.lost_on_air,
                "delivered": carried.delivered,
                "signals": carried.signals,
                "running": getattr(carried.pod, "running", None),
                "connected": carried.pod.connected,
                "registered": {path: len(clients) for path, clients in carried.registered.items()},
            }
            for address, carried in self.bluez.carried.items()
        }

    def die(self) -> None:
        """Hands the pods over (their links break) and is killed without a word to anyone on the bus."""
        pods = [carried.pod for carried in self.bluez.carried.values()]
        for pod in pods:
            pod.disconnect()
        say({"pods": base64.b64encode(pickle.dumps(pods)).decode()})
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(Control().run())
