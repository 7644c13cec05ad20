"""Every kind of pod on unmodified bleak and BlueZ, emulated or real (`make test-bluez`): nothing lost or doubled."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from sensord.drivers import DRIVERS, watchdog
from sensord.errors import LinkReason
from sensord.sim.peripheral import VirtualPod
from sensord.sim.pods import SIMULATED
from tests.drivers.habits import HABITS
from tests.rig.harness import BluetoothDaemon, linked
from tests.rig.ledger import Ledger
from tests.uml.guest import in_guest

pytestmark = pytest.mark.bluez

STREAM_S = 3.0 if in_guest() else 1.2
DISCONNECTS = 20


def address_of(name: str) -> str:
    return f"C0:00:00:00:01:{sorted(DRIVERS).index(name):02X}"


def pod_of(name: str) -> VirtualPod:
    habits = HABITS[name]
    return SIMULATED[name](address_of(name), habits.advertised, now_ns=time.monotonic_ns(), **habits.options)


def check_decoder(ledger: Ledger, name: str) -> None:
    counts = ledger.decoders[address_of(name)].counts
    assert counts.rejected == {}
    assert counts.duplicates == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(DRIVERS))
async def test_streams_and_comes_back_after_a_lost_link(bluetoothd: BluetoothDaemon, name: str) -> None:
    pod, ledger = address_of(name), Ledger()
    bluetoothd.wear([pod_of(name)])
    await bluetoothd.begin()
    async with linked((pod,), driver=name, books=ledger) as run:
        await run.until_up()
        await asyncio.sleep(STREAM_S)
        await bluetoothd("drop", pod)
        await run.until_up(links=2)
        await run.until(lambda: ledger.links[pod][-1])
        broken = ledger.reconcile(pod, (await bluetoothd("sent", pod, last=False))["links"], last=False)
        assert (broken.links, broken.tail) == (1, 0), "packets that were sent before the link broke were lost"
        before = broken.received
        await asyncio.sleep(0.3)
    balance = ledger.reconcile(pod, (await bluetoothd("sent", pod, last=True))["links"], last=True)
    check_decoder(ledger, name)
    counts = ledger.decoders[pod].counts
    if HABITS[name].gives == "samples":
        assert counts.samples >= 0.8 * STREAM_S * HABITS[name].rate_hz
    assert balance.links == 2
    assert balance.received > before > 0
    # what a pod sends until BlueZ has ended the link (the real one lets 2 s pass) is ignored, and counted
    assert run.links.state(pod).stale <= balance.tail
    assert balance.cut == 0
    assert ledger.reasons(pod) == [LinkReason.LOST, LinkReason.STOPPED]


@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_disconnects_at_random_phases(bluetoothd: BluetoothDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """All kinds at once, each dropped again and again: while it streams, is found, connects, is set up.

    Patience is taken out: how long to wait before the next try is the watchdog's tests' matter.
    """
    monkeypatch.setattr(watchdog, "DELAYS_S", (0.1,) * len(watchdog.DELAYS_S))
    phase = random.Random(20)
    ledger = Ledger()
    pods = {address_of(name): name for name in sorted(DRIVERS)}
    bluetoothd.wear([pod_of(name) for name in pods.values()])
    await bluetoothd.begin()

    async def drop_again_and_again(pod: str) -> None:
        done = 0
        while done < DISCONNECTS:
            if phase.random() < 0.5:
                await run.until_up(pod, within_s=30.0)
            await asyncio.sleep(0.3 * phase.random())
            done += (await bluetoothd("drop", pod))["connected"]

    async with linked(tuple(pods), driver=pods, books=ledger) as run:
        await asyncio.gather(*(drop_again_and_again(pod) for pod in pods))
        await run.until_up(within_s=30.0)
        await run.until(lambda: all(ledger.links[pod][-1] for pod in pods))
    for pod, name in pods.items():
        balance = ledger.reconcile(pod, (await bluetoothd("sent", pod, last=True))["links"], last=True)
        check_decoder(ledger, name)
        assert balance.received > 0
        assert balance.cut == 0
        assert balance.links == run.links.state(pod).links
