"""PodLinks on the simulated radio: what it hands on, what it does when a pod or its user will not play along."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from sensord.drivers import DRIVERS, radio
from sensord.drivers import open_pod_wire as wire
from sensord.drivers.base import AttError, Wanted
from sensord.drivers.link import PodLinks, adapter_problem, scan
from sensord.errors import LinkReason
from sensord.model import MarkKind, Packet, PodSetup, Side
from sensord.sim.backend import SimRadio
from sensord.sim.peripheral import Characteristic, Service
from sensord.sim.pods import OpenPodSim
from tests.rig.harness import linked

LEFT, RIGHT = "C0:00:00:00:00:01", "C0:00:00:00:00:02"


def pod(address: str = LEFT, kind: type[OpenPodSim] = OpenPodSim, **options: object) -> OpenPodSim:
    return kind(address, f"pod {address[-1]}", now_ns=time.monotonic_ns(), **options)  # type: ignore[arg-type]


async def test_up_before_the_first_packet_and_down_after_the_last() -> None:
    left = pod()
    async with linked((LEFT,), SimRadio([left]).backend) as run:
        await run.until(lambda: run.books.received(LEFT) > 5 and run.books.of(LEFT, MarkKind.BATTERY))
    kinds = [m.kind for m in run.books.marks]
    assert kinds == [MarkKind.LINK_UP, MarkKind.BATTERY, MarkKind.LINK_DOWN]
    up, _, down = run.books.marks
    packets = run.books.packets[LEFT]
    assert up.t_ns <= packets[0].t_ns <= packets[-1].t_ns <= down.t_ns
    assert up.data["info"] == run.links.state(LEFT).info.to_json()  # type: ignore[union-attr]
    assert {p.characteristic for p in packets} == {wire.DATA}
    assert not left.running
    assert not left.connected
    assert run.books.received(LEFT) == left.sent[wire.DATA]


async def test_every_frame_once_through_many_lost_links_and_lossy_air() -> None:
    left, right = pod(LEFT, seed=1), pod(RIGHT, seed=2)
    left.loss, left.jitter_ms = 0.05, 30.0
    async with linked((LEFT, RIGHT), SimRadio([left, right]).backend) as run:
        for n in range(1, 4):
            await run.until_up(LEFT, links=n)
            await asyncio.sleep(0.15)
            left.drop_link()
        await run.until_up(LEFT, links=4)
        await asyncio.sleep(0.2)
        left.jitter_ms = 0.0
        await asyncio.sleep(0.1)
    for one in (left, right):
        counts = run.books.decoders[one.address].counts
        assert (counts.duplicates, counts.rejected) == (0, {})
        assert {b.segment for b in run.books.blocks[one.address]} == {0}
    assert run.books.received(RIGHT) == right.sent[wire.DATA]
    # what was on the air of a link that broke is lost with it, nothing else; the air loses other notifications, too
    others = sum(left.sent.values()) - left.sent[wire.DATA]
    assert -others <= left.sent[wire.DATA] - left.lost_on_air - run.books.received(LEFT) <= 5
    assert run.books.reasons(LEFT) == [LinkReason.LOST] * 3 + [LinkReason.STOPPED]


async def test_restarted_pod_is_a_new_segment() -> None:
    left = pod()
    async with linked((LEFT,), SimRadio([left]).backend) as run:
        await run.until(lambda: run.books.received(LEFT) > 3)
        left.reboot(time.monotonic_ns())
        await run.until(lambda: run.links.state(LEFT).links == 2 and run.books.blocks[LEFT][-1].segment == 1)
    first, second = (m.data["info"] for m in run.books.of(LEFT, MarkKind.LINK_UP))
    assert first["boot_id"] != second["boot_id"]
    assert run.books.decoders[LEFT].counts.rejected == {}


async def test_wanted_reaches_the_pod() -> None:
    async with linked((LEFT,), SimRadio([pod()]).backend, Wanted(rate_hz=416.0, acc_range_g=8.0)) as run:
        await run.until(lambda: run.books.received(LEFT) > 3)
    info = run.links.state(LEFT).info
    assert info is not None
    assert (info.rate_hz, info.acc_range_g) == (416.0, 8.0)
    assert run.books.blocks[LEFT][0].acc_range_mps2 == pytest.approx(8 * 9.80665)


class Refuser(OpenPodSim):
    """Takes no configuration."""

    def on_write(self, uuid: str, payload: bytes, now_ns: int) -> None:
        if uuid == wire.CONFIG:
            raise AttError(wire.Refusal.UNSUPPORTED)
        super().on_write(uuid, payload, now_ns)


class Impostor(OpenPodSim):
    """Has the address and the name, but not the service."""

    @property
    def services(self) -> tuple[Service, ...]:
        return (Service("0000180a-0000-1000-8000-00805f9b34fb", (Characteristic("2a29", ("read",)),)),)


@pytest.mark.parametrize(
    ("kind", "reason", "detail"),
    [(Refuser, LinkReason.SETUP, "value not supported"), (Impostor, LinkReason.SERVICES, "it has no characteristic")],
)
async def test_a_pod_that_will_not_is_said_once_and_retried_calmly(
    kind: type[OpenPodSim], reason: LinkReason, detail: str
) -> None:
    left = pod(kind=kind)
    async with linked((LEFT,), SimRadio([left]).backend) as run:
        await run.until(lambda: run.links.state(LEFT).reason is reason)
        await asyncio.sleep(0.5)
        assert detail in run.links.state(LEFT).detail
        assert not left.connected
    assert [(m.kind, m.data["reason"]) for m in run.books.marks] == [
        (MarkKind.LINK_DOWN, reason),
        (MarkKind.LINK_DOWN, LinkReason.STOPPED),
    ]


async def test_missing_pod_and_missing_adapter_are_told_apart_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(radio, "NOT_FOUND_AFTER_S", 0.3)
    left = pod()
    left.vanished = True
    air = SimRadio([left])
    async with linked((LEFT,), air.backend) as run:
        await run.until(lambda: run.links.state(LEFT).reason is LinkReason.NOT_FOUND)
        left.vanished = False
        await run.until_up()
        monkeypatch.setattr(radio, "NOT_FOUND_AFTER_S", 5.0)
        air.available = False
        left.drop_link()
        await run.until(lambda: run.links.state(LEFT).reason is LinkReason.ADAPTER)
        assert "no Bluetooth adapter" in run.links.state(LEFT).detail
        air.available = True
        await run.until_up(links=2)
    assert run.books.reasons(LEFT) == [
        LinkReason.NOT_FOUND,
        LinkReason.LOST,
        LinkReason.ADAPTER,
        LinkReason.STOPPED,
    ]


async def test_a_scan_that_hears_nothing_at_all_is_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(radio, "RESTART_AFTER_S", (0.15, 0.3))
    left = pod()
    left.vanished = True
    air = SimRadio([left])
    begun = 0
    check = air.check

    def counted() -> None:
        nonlocal begun
        begun += 1
        check()

    monkeypatch.setattr(air, "check", counted)
    async with linked((LEFT,), air.backend):
        await asyncio.sleep(1.2)
    assert 3 <= begun <= 6


async def test_the_scanner_rests_while_all_pods_are_linked(monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = pod(LEFT), pod(RIGHT)
    air = SimRadio([left, right])

    def scanning() -> bool:
        return any(task.get_name() == "simulated scan" for task in asyncio.all_tasks())

    async with linked((LEFT, RIGHT), air.backend) as run:
        assert await run.until(scanning) < 1
        await run.until_up()
        await run.until(lambda: not scanning())
        left.vanish()
        await run.until(scanning)
    assert not scanning()
    assert run.books.received(RIGHT) == right.sent[wire.DATA]


async def test_an_error_of_whoever_takes_the_packets_ends_the_run_and_stops_the_pod() -> None:
    left = pod()

    def refuse(packet: Packet) -> None:
        raise RuntimeError(f"disk full at {packet.pod}")

    links = PodLinks(
        [PodSetup(LEFT, Side.LEFT, "open-pod")],
        on_packet=refuse,
        on_mark=lambda _: None,
        now_ns=time.monotonic_ns,
        backend=SimRadio([left]).backend,
    )
    with pytest.raises(RuntimeError, match="disk full"):
        await asyncio.wait_for(links.run(), 10)
    assert not left.running
    assert not left.connected


async def test_late_notifications_of_a_closed_connection_are_ignored_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = pod()
    air = SimRadio([left])
    callbacks: list[object] = []
    start_notify = air.backend.client.start_notify

    async def keep(self: object, characteristic: object, callback: object, **more: object) -> None:
        callbacks.append(callback)
        await start_notify(self, characteristic, callback, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(air.backend.client, "start_notify", keep)
    async with linked((LEFT,), air.backend) as run:
        await run.until(lambda: run.books.received(LEFT) > 2)
        old = list(callbacks)
        left.drop_link()
        await run.until_up(links=2)
        before = run.books.received(LEFT)
        for callback in old:
            callback(bytearray(run.books.packets[LEFT][0].payload))  # type: ignore[operator]
        assert run.books.received(LEFT) == before
    assert run.books.decoders[LEFT].counts.duplicates == 0


def test_unknown_driver_is_refused_at_once() -> None:
    with pytest.raises(KeyError, match="toaster"):
        PodLinks(
            [PodSetup(LEFT, Side.LEFT, "toaster")],
            on_packet=lambda _: None,
            on_mark=lambda _: None,
            now_ns=time.monotonic_ns,
        )


async def test_scan_names_the_driver_and_sorts_pods_first(monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = pod("00:00:00:00:00:09", Impostor)
    monkeypatch.setattr(Impostor, "advertised_services", ())
    air = SimRadio([stranger, pod(LEFT)])
    seen = await scan(0.3, air.backend)
    assert [(s.advertisement.address, s.driver) for s in seen] == [(LEFT, "open-pod"), (stranger.address, None)]
    assert seen[0].driver in DRIVERS
    assert await adapter_problem(air.backend) is None
    air.available = False
    assert await adapter_problem(air.backend) == "there is no Bluetooth adapter; plug one in or enable it"


async def test_calls_that_never_come_back_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that swallow their cancellation, as a hung D-Bus clean-up does."""
    monkeypatch.setattr(radio, "CANCEL_GRACE_S", 0.2)
    released = asyncio.Event()

    async def deaf() -> None:
        while not released.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await released.wait()

    started_s = time.monotonic()
    with pytest.raises(TimeoutError):
        await radio.bounded(deaf(), 0.1)
    assert time.monotonic() - started_s < 0.1 + radio.CANCEL_GRACE_S + 0.5
    released.set()
    await asyncio.sleep(0)
    assert await radio.bounded(asyncio.sleep(0, "done"), 1.0) == "done"


class Asleep:
    """Run time that goes on while the event loop's does not."""

    def __init__(self) -> None:
        self.slept_ns = 0

    def __call__(self) -> int:
        return time.monotonic_ns() + self.slept_ns


async def test_a_computer_that_slept_links_anew_at_once_and_says_why() -> None:
    left, clock = pod(), Asleep()
    async with linked((LEFT,), SimRadio([left]).backend, now_ns=clock) as run:
        await run.until(lambda: run.books.received(LEFT) > 3)
        left.stalled = True  # what was on the air is gone
        clock.slept_ns = 600_000_000_000
        await run.until(lambda: run.links.state(LEFT).reason is LinkReason.SLEPT)
        left.stalled = False
        await run.until_up(LEFT, links=2)
    assert run.books.reasons(LEFT) == [LinkReason.SLEPT, LinkReason.STOPPED]
    assert run.books.of(LEFT, MarkKind.LINK_DOWN)[0].data["detail"] == "for 600 s"


class WantsPairing(OpenPodSim):
    """Shows nothing to strangers."""

    def on_read(self, uuid: str, now_ns: int) -> bytes:
        raise AttError(0x05)


async def test_a_pod_that_wants_to_be_paired_is_said_to() -> None:
    async with linked((LEFT,), SimRadio([pod(kind=WantsPairing)]).backend) as run:
        await run.until(lambda: run.links.state(LEFT).reason is LinkReason.PAIRING)


async def test_packets_that_we_cannot_take_are_counted_and_told() -> None:
    """A burst that finds no room: what came = what was handed on + what was dropped."""
    left = pod()
    notes: list[str] = []
    packets: list[Packet] = []
    links = PodLinks(
        [PodSetup(LEFT, Side.LEFT, "open-pod")],
        on_packet=packets.append,
        on_mark=lambda m: notes.append(m.data["text"]) if m.kind is MarkKind.NOTE else None,
        now_ns=time.monotonic_ns,
        backend=SimRadio([left]).backend,
    )
    links._inbox._room = 4
    task = asyncio.create_task(links.run())
    while links.state(LEFT).packets < 3:  # noqa: ASYNC110 (nothing tells of a packet but the count)
        await asyncio.sleep(0.01)
    for n in range(50):
        links._data(links._pods[LEFT], wire.DATA, bytes([n]))  # a burst without a turn of the event loop
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    state = links.state(LEFT)
    assert state.overflow >= 40
    assert state.packets == len(packets) + state.overflow
    assert len(notes) == 1
    assert str(state.overflow) in notes[0]


async def test_ten_pods_on_one_radio() -> None:
    """Five runners' pods in one process: all come up, every frame once, each pod's own."""
    pods = [pod(f"C0:00:00:00:01:{n:02X}", seed=n) for n in range(10)]
    addresses = [p.address for p in pods]
    async with linked(addresses, SimRadio(pods).backend) as run:
        await run.until_up(*addresses, within_s=20.0)
        await asyncio.sleep(1.0)
        pods[3].drop_link()
        await run.until_up(addresses[3], links=2)
    for one in pods[:3] + pods[4:]:
        assert run.books.received(one.address) == one.sent[wire.DATA]
        assert run.books.decoders[one.address].counts.lost == 0
