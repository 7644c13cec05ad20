"""A real bluetoothd for a test that runs in the guest: the same handle as the emulated one (`tests.rig.harness`).

bluetoothd is a child of the test; the pods are on the host and are told over the second serial line what to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pickle
import shutil
import time
import tty
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from sensord.sim.peripheral import VirtualPod

IN_GUEST = "SENSORD_REAL_BLUEZ"
"""Environment variable of the guest: a folder that the host sees too."""

LINE = "/dev/ttyS1"
STATE = Path("/var/lib/bluetooth")
ADAPTER = "org.bluez.Adapter1"
READY_S = 10.0
ANSWER_S = 15.0


def in_guest() -> bool:
    """Whether there is a real bluetoothd to be had."""
    return IN_GUEST in os.environ


class HostLine:
    """The second serial line: one request, one answer."""

    def __init__(self) -> None:
        self._fd = os.open(LINE, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._fd)
        self._turn = asyncio.Lock()

    async def ask(self, op: str, **values: Any) -> dict[str, Any]:
        async with self._turn:
            os.write(self._fd, json.dumps({"op": op, **values}).encode() + b"\n")
            answer = json.loads(await asyncio.wait_for(self._line(), ANSWER_S))
        if "file" in answer:
            file = Path(answer["file"])
            answer = json.loads(file.read_text())
            file.unlink()
        assert "error" not in answer, answer["error"]
        return dict(answer)

    async def _line(self) -> bytes:
        loop, came, have = asyncio.get_running_loop(), asyncio.Event(), b""
        loop.add_reader(self._fd, came.set)
        try:
            while not have.endswith(b"\n"):
                await came.wait()
                came.clear()
                with contextlib.suppress(BlockingIOError):
                    have += os.read(self._fd, 65536)
        finally:
            loop.remove_reader(self._fd)
        return have

    def close(self) -> None:
        os.close(self._fd)


class RealBluetoothDaemon:
    """bluetoothd as Debian ships it: `begin`, faults by name, `kill` and `begin` again with the same pods."""

    def __init__(self, pods: Sequence[VirtualPod]) -> None:
        self.wear(pods)
        self._host = HostLine()
        self._process: asyncio.subprocess.Process | None = None
        self._begun = False

    def wear(self, pods: Sequence[VirtualPod]) -> None:
        """Other pods in range than those it was made with; before `begin`."""
        self._pods = pickle.dumps(list(pods))

    async def begin(self, *, powered: bool = True) -> None:
        """Pods in range, bluetoothd on the bus. The first time it knows no devices."""
        if not self._begun:
            self._begun = True
            for remembered in STATE.iterdir():
                shutil.rmtree(remembered)
            handed = Path(os.environ[IN_GUEST]) / "pods.pickle"
            handed.write_bytes(self._pods)
            await self._host.ask("begin", pods=str(handed), now_ns=time.monotonic_ns())
        config = Path("/run/bluetooth.conf")
        config.write_text(f"[Policy]\nAutoEnable={str(powered).lower()}\n")
        if not powered:
            await _run("hciconfig", "hci0", "down")
        with Path("/run/bluetoothd.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                "bluetoothd", "-n", "-f", str(config), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline_s = time.monotonic() + READY_S
        while (state := await _powered()) is not powered:
            assert self._process.returncode is None, "bluetoothd ended by itself"
            assert time.monotonic() < deadline_s, f"bluetoothd is not ready within {READY_S:g} s: powered {state}"
            await asyncio.sleep(0.05)

    async def __call__(self, op: str, pod: str | None = None, **values: Any) -> dict[str, Any]:
        """One request, for example ("drop", address)."""
        if op == "power":
            await _run("bluetoothctl", "power", "on" if values["on"] else "off")
            return {}
        return await self._host.ask(op, **({} if pod is None else {"pod": pod}), **values)

    async def kill(self) -> None:
        """SIGKILL. The pods keep what they know; their links end when the kernel ends them."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined]

    async def end(self) -> None:
        if self._process is not None and self._process.returncode not in {None, 0}:
            print(Path("/run/bluetoothd.log").read_text()[-2000:])  # noqa: T201
        await self.kill()
        if self._begun:
            await self._host.ask("end")
        self._host.close()


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    assert await asyncio.wait_for(process.wait(), READY_S) == 0, command
    process._transport.close()  # type: ignore[attr-defined]


async def _powered() -> bool | None:
    """Whether the adapter is on; None: bluetoothd has none (yet)."""
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    try:
        asked = Message(
            destination="org.bluez",
            path="/",
            interface="org.freedesktop.DBus.ObjectManager",
            member="GetManagedObjects",
        )
        reply = await bus.call(asked)
        if reply is None or reply.message_type is not MessageType.METHOD_RETURN:
            return None
        for interfaces in reply.body[0].values():
            if ADAPTER in interfaces:
                powered: Variant = interfaces[ADAPTER]["Powered"]
                return bool(powered.value)
        return None
    finally:
        bus.disconnect()
        with contextlib.suppress(Exception):
            await bus.wait_for_disconnect()
