"""The private bus and the emulated bluetoothd for a test, and the books of what a link brought."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import pickle
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sensord.drivers import DRIVERS
from sensord.drivers.base import Decoder, Wanted
from sensord.drivers.link import Backend, PodLinks
from sensord.model import Mark, MarkKind, Packet, PodSetup, SampleBlock, Side
from sensord.sim.peripheral import VirtualPod

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
"""


def dbus_daemon() -> str:
    """Path of the program; says which Debian package has it when it is missing."""
    found = shutil.which("dbus-daemon") or shutil.which("dbus-daemon", path="/usr/bin:/bin")
    assert found, "dbus-daemon is missing: install the Debian package `dbus`"
    return found


@contextlib.contextmanager
def private_bus() -> Iterator[str]:
    """A bus of type system that lets everyone do everything; yields its address."""
    with tempfile.TemporaryDirectory(prefix="sensord-bus-") as folder:
        socket, config = Path(folder) / "socket", Path(folder) / "bus.conf"
        config.write_text(BUS_CONFIG.format(socket=socket))
        command = [dbus_daemon(), f"--config-file={config}", "--nofork", "--print-address=1"]
        daemon = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert daemon.stdout is not None
            assert daemon.stdout.readline().startswith("unix:"), "the private bus did not start"
            yield f"unix:path={socket}"
        finally:
            daemon.terminate()
            daemon.wait(5)
            daemon.stdout.close()


class BluetoothDaemon:
    """The emulated bluetoothd: `begin`, faults by name, `kill` and `begin` again with the same pods."""

    def __init__(self, pods: Sequence[VirtualPod]) -> None:
        self.wear(pods)
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    def wear(self, pods: Sequence[VirtualPod]) -> None:
        """Other pods in range than those it was made with; before `begin`."""
        self._pods = base64.b64encode(pickle.dumps(list(pods))).decode()

    async def begin(self, **adapter: bool) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.rig.bluetoothd",
            cwd=Path(__file__).parents[2],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 24,
        )
        assert await self._answer() == {"ready": True}
        await self("begin", pods=self._pods, **adapter)

    async def __call__(self, op: str, pod: str | None = None, **values: Any) -> dict[str, Any]:
        """One request, for example ("drop", address)."""
        assert self._process is not None
        assert self._process.stdin is not None
        request = {"op": op, **({} if pod is None else {"pod": pod}), **values}
        async with self._turn:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            return await self._answer()

    async def kill(self) -> None:
        """SIGKILL; what the pods know is kept for the next `begin`."""
        assert self._process is not None
        self._pods = (await self("die"))["pods"]
        await self.end()

    async def end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()
        process._transport.close()  # type: ignore[attr-defined]

    async def _answer(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 10)
        assert line, "the emulated bluetoothd died"
        return dict(json.loads(line))


class Books:
    """Everything a link handed on, decoded as the pipeline would."""

    def __init__(self) -> None:
        self.packets: dict[str, list[Packet]] = {}
        self.marks: list[Mark] = []
        self.blocks: dict[str, list[SampleBlock]] = {}
        self.decoders: dict[str, Decoder] = {}
        self.order_ns: list[int] = []

    def on_packet(self, packet: Packet) -> None:
        self.order_ns.append(packet.t_ns)
        self.packets.setdefault(packet.pod, []).append(packet)
        self.blocks.setdefault(packet.pod, []).extend(self.decoders[packet.pod].push(packet))

    def on_mark(self, mark: Mark) -> None:
        self.order_ns.append(mark.t_ns)
        self.marks.append(mark)
        if mark.kind is MarkKind.LINK_UP:
            pod = mark.data["pod"]
            if pod in self.decoders:
                self.decoders[pod].link_up(mark.data["info"])
            else:
                self.decoders[pod] = DRIVERS[mark.data["info"]["driver"]].decoder(mark.data["info"])

    def of(self, pod: str, kind: MarkKind) -> list[Mark]:
        return [m for m in self.marks if m.kind is kind and m.data["pod"] == pod]

    def reasons(self, pod: str) -> list[str]:
        return [m.data["reason"] for m in self.of(pod, MarkKind.LINK_DOWN)]

    def received(self, pod: str) -> int:
        return len(self.packets.get(pod, ()))


class Run:
    """Links to pods while a test is inside `linked`."""

    def __init__(self, links: PodLinks, books: Books, pods: Sequence[str]) -> None:
        self.links = links
        self.books = books
        self.pods = pods

    async def until_up(self, *pods: str, links: int = 1, within_s: float = 10.0) -> float:
        """Waits until these pods (all) were linked so many times and are up; returns how long that took."""
        return await self.until(
            lambda: all(self.links.state(p).up and self.links.state(p).links >= links for p in pods or self.pods),
            within_s=within_s,
        )

    async def until(self, true: Any, within_s: float = 10.0) -> float:
        started_s = time.monotonic()
        while not true():
            states = {p: self.links.state(p) for p in self.pods}
            assert time.monotonic() - started_s < within_s, f"not within {within_s} s: {states}"
            await asyncio.sleep(0.02)
        return time.monotonic() - started_s


@contextlib.asynccontextmanager
async def linked(
    pods: Sequence[str],
    backend: Backend | None = None,
    wanted: Wanted | None = None,
    *,
    driver: str | Mapping[str, str] = "open-pod",
    books: Books | None = None,
    now_ns: Callable[[], int] = time.monotonic_ns,
    acquire: Sequence[str] = (),
) -> AsyncIterator[Run]:
    """Runs PodLinks for these pods (`driver`: theirs, or each one's); leaving stops it as a user's Ctrl-C does."""
    books = Books() if books is None else books
    names = {pod: driver if isinstance(driver, str) else driver[pod] for pod in pods}
    setups = [PodSetup(pod, (Side.LEFT, Side.RIGHT)[n % 2], names[pod]) for n, pod in enumerate(pods)]
    links = PodLinks(
        setups,
        on_packet=books.on_packet,
        on_mark=books.on_mark,
        now_ns=now_ns,
        wanted=wanted,
        backend=backend,
        acquire=acquire,
    )
    task = asyncio.create_task(links.run())
    try:
        yield Run(links, books, pods)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
