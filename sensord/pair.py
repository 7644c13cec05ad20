"""`sensord pair`: finds the pods in reach, links them, asks for each to be shaken, learns what they say they are."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence

from sensord.drivers import DRIVERS, SENSORS
from sensord.drivers.base import Decoder, PodInfo
from sensord.drivers.link import Backend, PodLinks, Seen, scan
from sensord.drivers.shake import Shaken
from sensord.errors import InputError, LinkReason, PacketError, Problem
from sensord.model import Mark, MarkKind, Packet, PodSetup, SampleBlock, Side
from sensord.store_pairings import Pairing

LINK_S = 20.0
"""Design choice: how long pods in reach have to come up."""

SHAKE_S = 30.0
"""Design choice: how long somebody has to find the right one and shake it."""

MOST = 10
"""Design choice: so many pods are linked at once to find hers among them (an adapter holds about so many)."""


class _Room:
    """All pods that are linked for the moment."""

    def __init__(self, setups: Sequence[PodSetup], backend: Backend | None) -> None:
        self.infos: dict[str, PodInfo] = {}
        self.reasons: dict[str, str] = {}
        self.shaken: asyncio.Queue[str] = asyncio.Queue()
        self._meter = Shaken()
        self._decoders: dict[str, Decoder] = {}
        self._links = PodLinks(
            setups, on_packet=self._packet, on_mark=self._mark, now_ns=time.monotonic_ns, backend=backend
        )

    @contextlib.asynccontextmanager
    async def linked(self) -> AsyncIterator[_Room]:
        """Links while inside; pods are stopped on leaving."""
        task = asyncio.create_task(self._links.run(), name="pairing")
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until_up(self, pods: Sequence[str]) -> None:
        """Until all are linked, or time is up, or no pod can come."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINK_S):
                while any(pod not in self.infos for pod in pods):  # noqa: ASYNC110 (marks come one by one)
                    await asyncio.sleep(0.05)

    async def next_shaken(self, other_than: set[str]) -> str | None:
        """The pod that is shaken next; None when nobody shook one."""
        self._meter = Shaken()
        while not self.shaken.empty():
            self.shaken.get_nowait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SHAKE_S):
                while (pod := await self.shaken.get()) in other_than:
                    pass
                return pod
        return None

    def _packet(self, packet: Packet) -> None:
        with contextlib.suppress(PacketError):
            for block in self._decoders[packet.pod].push(packet):
                if isinstance(block, SampleBlock) and len(block):
                    shaken = self._meter.push(packet.pod, block, packet.t_ns)
                    if shaken is not None:
                        self.shaken.put_nowait(shaken)

    def _mark(self, mark: Mark) -> None:
        pod = str(mark.data.get("pod"))
        if mark.kind is MarkKind.LINK_UP:
            self.infos[pod] = PodInfo.from_json(mark.data["info"])
            self._decoders[pod] = DRIVERS[self.infos[pod].driver].decoder(mark.data["info"])
        elif mark.kind is MarkKind.LINK_DOWN and mark.data["reason"] != LinkReason.STOPPED.value:
            detail = f" ({mark.data['detail']})" if mark.data["detail"] else ""
            self.reasons[pod] = f"{mark.data['reason']}{detail}"


async def pair_by_shaking(
    *, backend: Backend | None = None, say: Callable[[str], None] = print, seconds: float = 5.0
) -> list[Pairing]:
    """Scans, links what has a driver and an IMU, asks for the left and the right one to be shaken.

    Raises InputError when there is nothing to pair or no pod was shaken; LinkError (ADAPTER).
    """
    say(f"listening for {seconds:g} s ...")
    seen = [s for s in await scan(seconds, backend) if s.driver is not None and s.driver not in SENSORS][:MOST]
    if not seen:
        raise InputError(Problem("pair", "", "no pod in reach", "pods that are switched on (sensord scan --all)"))
    setups = [_setup(s) for s in seen]
    room = _Room(setups, backend)
    found: list[Pairing] = []
    async with room.linked():
        await room.until_up([setup.pod for setup in setups])
        for setup, one in zip(setups, seen, strict=True):
            what = room.infos[setup.pod].model if setup.pod in room.infos else room.reasons.get(setup.pod, "no link")
            say(f"      {setup.pod}  {one.advertisement.name or ''}  {what}")
        if not room.infos:
            raise InputError(Problem("pair", "", "no pod could be linked", "one that can (sensord doctor)"))
        for side in Side if len(room.infos) > 1 else (Side.LEFT,):
            found.append(await _shaken(room, side, found, say))
    return found


async def pair_by_address(
    wanted: dict[str, Side | None], *, backend: Backend | None = None, seconds: float = 5.0
) -> list[Pairing]:
    """Links the named pods to learn what they are. Raises InputError: not in reach, no driver, a sensor with a foot."""
    heard = {s.advertisement.address: s for s in await scan(seconds, backend)}
    setups = []
    for address, side in wanted.items():
        one = heard.get(address.upper())
        if one is None or one.driver is None:
            what = "nothing in reach" if one is None else "a device without a driver"
            raise InputError(Problem("pair", address, what, "a pod that is switched on (sensord scan --all)"))
        if (one.driver in SENSORS) is not (side is None):
            expected = "--sensor: it measures no foot" if side else "--left or --right: it measures a foot"
            raise InputError(Problem("pair", address, f"a pod of the driver {one.driver}", expected))
        setups.append(PodSetup(one.advertisement.address, side, one.driver))
    room = _Room(setups, backend)
    async with room.linked():
        await room.until_up([setup.pod for setup in setups])
    for setup in setups:
        if setup.pod not in room.infos:
            raise InputError(Problem("pair", setup.pod, room.reasons.get(setup.pod, "no link"), "a pod that links"))
    return [_pairing(room, setup.pod, setup.side) for setup in setups]


def _setup(seen: Seen) -> PodSetup:
    assert seen.driver is not None
    return PodSetup(seen.advertisement.address, None, seen.driver)


async def _shaken(room: _Room, side: Side, found: Sequence[Pairing], say: Callable[[str], None]) -> Pairing:
    say(f"shake the {side} pod, the other one lying still")
    pod = await room.next_shaken({pairing.pod for pairing in found})
    if pod is None:
        raise InputError(
            Problem("pair", side.value, f"no pod shaken within {SHAKE_S:g} s", "one shaken, the others still")
        )
    pairing = _pairing(room, pod, side)
    say(f"ok    {side}: {pairing.pod}  {pairing.model} {pairing.serial}".rstrip())
    return pairing


def _pairing(room: _Room, pod: str, side: Side | None) -> Pairing:
    info = room.infos[pod]
    return Pairing(pod, side, info.driver, info.model, info.serial)
