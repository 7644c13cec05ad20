"""Keeps the pods of a run linked: scan, connect, set up, stream, notice loss and silence, and begin again.

`PodLinks` is the asyncio face of the drivers. Every notification is stamped in the callback that brings it and goes
through a queue with a bound (`inbox`) as a `Packet`; what happens to a link is handed on as `Mark`s: LINK_UP {pod,
info}, LINK_DOWN {pod, reason, detail}, BATTERY {pod, percent}; NOTE {text} when the queue ran over. LINK_UP comes
before the first packet of a link; LINK_DOWN also names why a pod has not come up yet, once for each new reason. One
connect at a time; pods that are not there do not hold the others up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sensord.drivers import DRIVERS
from sensord.drivers.base import Advertisement, EndsItself, PodInfo, Wanted
from sensord.drivers.connection import Connection
from sensord.drivers.inbox import Inbox
from sensord.drivers.interval import Events
from sensord.drivers.radio import Air, Backend, Scanner, adapter_problem, detail_of, listen
from sensord.drivers.watchdog import Backoff, Watchdog
from sensord.errors import InternalError, LinkError, LinkReason
from sensord.model import NS, Mark, MarkKind, Packet, PodSetup

__all__ = ["Air", "Backend", "LinkState", "PodLinks", "Seen", "adapter_problem", "scan"]

log = logging.getLogger(__name__)

LONG_INTERVAL_MS = 30.0
AT_ONCE = 1.5
"""Design choice: where packets come together after more than 30 ms they wait for the radio, and get lost in a crowd."""

SLEPT_S = 1.0
"""Design choice: the two clocks read in turn differ by far less; a laptop's lid is closed for longer."""


@dataclass(slots=True)
class LinkState:
    """Where one pod's link stands; `reason` and `detail` say why it is down.

    `packets` and `links` count since the start, `stale` notifications of closed connections, which were ignored, and
    `overflow` packets that came but were dropped because we could not keep up: received = handed on + overflow.
    `interval_at_most_ms`: what arrivals tell of the connection interval (`drivers.interval`); None: not yet.
    """

    up: bool = False
    reason: LinkReason | None = None
    detail: str = ""
    info: PodInfo | None = None
    battery_pct: int | None = None
    rssi: int | None = None
    packets: int = 0
    links: int = 0
    stale: int = 0
    overflow: int = 0
    interval_at_most_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What a pod said it is when it was paired."""

    model: str
    serial: str

    def check(self, info: PodInfo) -> None:
        """Raises LinkError (IDENTITY) for a pod that answers under a paired address but is another one."""
        if (info.model, info.serial) != (self.model, self.serial):
            said, paired = (
                f"{model} {serial}".strip() for model, serial in ((info.model, info.serial), (self.model, self.serial))
            )
            raise LinkError(LinkReason.IDENTITY, f"it is {said}, paired was {paired}; `sensord pair` if it is yours")


@dataclass(slots=True)
class _Pod:
    setup: PodSetup
    state: LinkState = field(default_factory=LinkState)
    backoff: Backoff = field(default_factory=Backoff)
    watchdog: Watchdog = field(default_factory=lambda: Watchdog(0.0))
    up_since_s: float = 0.0
    held_s: float = 0.0
    events: Events | None = None
    asleep_s: float = 0.0

    @property
    def address(self) -> str:
        return self.setup.pod.upper()


class PodLinks:
    """Links to the pods of one run. `on_packet` and `on_mark` are called in the event loop and must not block.

    `now_ns` stamps packets and marks (run time, which goes on while the computer sleeps). `acquire` names pods whose
    notifications come over a socket of their own (BlueZ's AcquireNotify) instead of D-Bus signals. A pod that says it
    is another one than its identity is refused (IDENTITY). `air` is shared with other links, and its scanner then run
    by whoever made it. Raises KeyError for a driver that does not exist.
    """

    def __init__(
        self,
        pods: Sequence[PodSetup],
        *,
        on_packet: Callable[[Packet], None],
        on_mark: Callable[[Mark], None],
        now_ns: Callable[[], int],
        wanted: Wanted | None = None,
        backend: Backend | None = None,
        acquire: Collection[str] = (),
        identities: Mapping[str, Identity] | None = None,
        air: Air | None = None,
    ) -> None:
        for setup in pods:
            DRIVERS[setup.driver]
        self._pods = {setup.pod: _Pod(setup) for setup in pods}
        self._inbox = Inbox(on_packet, on_mark, self._overflowed)
        self._acquire = frozenset(address.upper() for address in acquire)
        self._identities = {address.upper(): who for address, who in (identities or {}).items()}
        self._now_ns = now_ns
        self._wanted = wanted if wanted is not None else Wanted()
        self._backend = backend
        self._shared = air is not None
        self._air = Air(backend) if air is None else air

    def state(self, pod: str) -> LinkState:
        """Where the link to a pod (its key in PodSetup) stands now."""
        return self._pods[pod].state

    async def run(self) -> None:
        """Keeps all pods linked until cancelled; then stops them, disconnects, and marks them STOPPED (some seconds).

        Raises only what `on_packet` or `on_mark` raise, or InternalError.
        """
        scanner, connecting = self._air.scanner, self._air.connecting
        scanning = asyncio.create_task(asyncio.Event().wait() if self._shared else scanner.run(), name="scanner")
        keeping = [
            asyncio.create_task(self._keep(pod, scanner, connecting), name=f"link {pod.setup.pod}")
            for pod in self._pods.values()
        ]
        handing = asyncio.create_task(self._inbox.run(), name="inbox")
        failed = False
        try:
            done, _ = await asyncio.wait({scanning, handing, *keeping}, return_when=asyncio.FIRST_COMPLETED)
            failed = handing in done
            ended = [task.exception() for task in done]
            raise next(filter(None, ended), None) or InternalError("a link task ended by itself")
        finally:
            for task in keeping:
                task.cancel()
            await asyncio.gather(*keeping, return_exceptions=True)
            scanning.cancel()
            handing.cancel()
            await asyncio.gather(scanning, handing, return_exceptions=True)
            if not failed:  # whoever failed takes no more
                self._inbox.drain()

    async def _keep(self, pod: _Pod, scanner: Scanner, connecting: asyncio.Lock) -> None:
        try:
            while True:
                pod.held_s = 0.0
                scanner.need(pod.address)
                try:
                    await self._one_link(pod, scanner, connecting)
                except LinkError as error:
                    self._down(pod, error.reason, detail_of(error))
                    await asyncio.sleep(pod.backoff.delay_s(error.reason, held_s=pod.held_s))
        finally:
            scanner.release(pod.address)
            self._down(pod, LinkReason.STOPPED, "")

    async def _one_link(self, pod: _Pod, scanner: Scanner, connecting: asyncio.Lock) -> None:
        """From scanning to the end of a link; always ends by raising LinkError or by being cancelled."""

        def on_info(info: PodInfo) -> None:
            if (expected := self._identities.get(pod.address)) is not None:
                expected.check(info)
            scanner.release(pod.address)
            self._up(pod, info)

        driver = DRIVERS[pod.setup.driver]
        ended = driver.ended if isinstance(driver, EndsItself) else None

        def on_data(uuid: str, payload: bytes) -> None:
            self._data(pod, uuid, payload)
            if ended is not None and (why := ended(uuid, payload)) is not None:
                connection.end(why)

        connection = Connection(
            on_data=on_data,
            on_info=on_info,
            backend=self._backend,
            acquire=pod.address in self._acquire,
        )
        try:
            await self._connect(pod, connection, scanner, connecting)
            await connection.converse(driver.start(self._wanted))
            await self._stream(pod, connection)
        except asyncio.CancelledError:
            if pod.state.up:
                await self._stop(pod, connection)
            raise
        except LinkError as error:
            # said before the disconnect, which can take seconds
            connection.mute()
            self._down(pod, error.reason, detail_of(error))
            raise
        finally:
            await connection.close()
            pod.state.stale += connection.stale

    async def _connect(self, pod: _Pod, connection: Connection, scanner: Scanner, connecting: asyncio.Lock) -> None:
        while True:
            try:
                pod.state.rssi = (await scanner.see(pod.address)).advertisement.rssi
            except LinkError as error:
                self._down(pod, error.reason, detail_of(error))
                continue
            async with connecting:
                # others may have taken their time: only what was seen just now can be connected to
                sighting = scanner.fresh(pod.address)
                if sighting is not None:
                    await connection.open(sighting)
                    return

    async def _stream(self, pod: _Pod, connection: Connection) -> None:
        battery = asyncio.create_task(connection.battery(lambda percent: self._battery(pod, percent)))
        try:
            await self._watch(pod, connection)
        finally:
            battery.cancel()
            await asyncio.wait({battery})

    async def _watch(self, pod: _Pod, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        while (left_s := pod.watchdog.left_s(loop.time())) > 0:
            try:
                async with asyncio.timeout(left_s):
                    await connection.lost.wait()
            except TimeoutError:
                if (slept_s := self._asleep_s() - pod.asleep_s) > SLEPT_S:
                    raise LinkError(LinkReason.SLEPT, f"for {slept_s:.0f} s") from None
                continue
            raise LinkError(LinkReason.SILENT, connection.ended) if connection.ended else LinkError(LinkReason.LOST)
        raise LinkError(LinkReason.SILENT, "connected, but nothing was heard")

    def _asleep_s(self) -> float:
        """How far run time, which counts sleep, is ahead of the event loop's time, which does not."""
        return self._now_ns() / NS - asyncio.get_running_loop().time()

    async def _stop(self, pod: _Pod, connection: Connection) -> None:
        try:
            await connection.converse(DRIVERS[pod.setup.driver].stop())
        except LinkError as error:
            log.info("%s was not stopped: %s", pod.setup.pod, error)

    # ---- what is handed on

    def _data(self, pod: _Pod, characteristic: str, payload: bytes) -> None:
        t_ns = self._now_ns()
        pod.state.packets += 1
        pod.watchdog.feed(asyncio.get_running_loop().time())
        if pod.events is not None:
            pod.events.arrived(t_ns)
            self._look_at_interval(pod, pod.events)
        self._inbox.put(Packet(pod.setup.pod, t_ns, characteristic, payload))

    def _look_at_interval(self, pod: _Pod, events: Events) -> None:
        """Once a link: says what its arrivals tell of the connection interval."""
        at_most_ms, at_once = events.at_most_ms, events.packets_an_event
        if at_most_ms is None or at_once is None:
            return
        pod.events, pod.state.interval_at_most_ms = None, at_most_ms
        waits = at_most_ms > LONG_INTERVAL_MS and at_once > AT_ONCE
        words = "%s: connection interval at most %.0f ms, %.1f packets at once" + (
            "; see sensord doctor" if waits else ""
        )
        log.log(logging.WARNING if waits else logging.INFO, words, pod.setup.pod, at_most_ms, at_once)

    def _up(self, pod: _Pod, info: PodInfo) -> None:
        now_s = asyncio.get_running_loop().time()
        pod.up_since_s = now_s
        pod.watchdog = Watchdog(now_s, info.silent_after_s)
        pod.events = Events()
        pod.asleep_s = self._asleep_s()
        state = pod.state
        state.up, state.reason, state.detail, state.info = True, None, "", info
        state.links += 1
        self._mark(MarkKind.LINK_UP, pod, info=info.to_json())
        if info.battery_pct is not None:
            self._battery(pod, info.battery_pct)

    def _down(self, pod: _Pod, reason: LinkReason, detail: str) -> None:
        state = pod.state
        news = state.up or state.reason is not reason
        if state.up:
            pod.held_s = asyncio.get_running_loop().time() - pod.up_since_s
        state.up, state.reason, state.detail = False, reason, detail
        if news:
            self._mark(MarkKind.LINK_DOWN, pod, reason=reason.value, detail=detail)

    def _battery(self, pod: _Pod, percent: int) -> None:
        if percent != pod.state.battery_pct:
            pod.state.battery_pct = percent
            self._mark(MarkKind.BATTERY, pod, percent=percent)

    def _mark(self, kind: MarkKind, pod: _Pod, **data: object) -> None:
        self._inbox.put(Mark(self._now_ns(), kind, {"pod": pod.setup.pod, **data}))

    def _overflowed(self, pod: str, n: int) -> None:
        state = self._pods[pod].state
        state.overflow += n
        log.error("%d packets of %s were dropped: this computer cannot keep up (%d so far)", n, pod, state.overflow)
        text = f"{n} packets of the pod {pod} came but were dropped: this computer cannot keep up"
        self._inbox.put(Mark(self._now_ns(), MarkKind.NOTE, {"text": text}))


@dataclass(frozen=True, slots=True)
class Seen:
    """A device that a scan heard; `driver` is the name of the driver that knows it."""

    advertisement: Advertisement
    driver: str | None


async def scan(seconds: float, backend: Backend | None = None) -> list[Seen]:
    """All devices heard in so many seconds: those we have a driver for first, then by signal strength.

    Raises LinkError (ADAPTER).
    """
    seen = [
        Seen(heard, next((name for name, driver in DRIVERS.items() if driver.matches(heard)), None))
        for heard in await listen(seconds, backend)
    ]
    return sorted(seen, key=lambda s: (s.driver is None, -(s.advertisement.rssi or -999), s.advertisement.address))
