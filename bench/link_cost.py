"""CPU of link and decoder for two pods, unmodified bleak on an emulated BlueZ: `python bench/link_cost.py`.

The emulated bluetoothd and the pods are processes of their own; what is measured is this process: bleak, D-Bus, the
link, the decoder. Beside it, the decoder alone on the same packets. Compare the columns, not the milliseconds: machines
differ from hour to hour.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

from sensord.drivers import DRIVERS
from sensord.drivers.base import Wanted
from sensord.errors import PacketError
from sensord.sim.pods import SIMULATED
from tests.rig.harness import BluetoothDaemon, linked, private_bus

WANTED = Wanted(rate_hz=208.0, acc_range_g=16.0)


async def measure(name: str, seconds: float) -> tuple[float, float, float, int]:
    """Link and decode, decode alone (CPU-ms per second), notifications per second and pod, rate."""
    number = list(DRIVERS).index(name)  # bleak remembers what it has seen at an address
    addresses = tuple(f"C0:00:00:00:{number:02X}:0{n}" for n in (1, 2))
    pods = [SIMULATED[name](address, name, now_ns=time.monotonic_ns()) for address in addresses]  # type: ignore[call-arg]
    bluetoothd = BluetoothDaemon(pods)
    await bluetoothd.begin()
    try:
        async with linked(addresses, wanted=WANTED, driver=name) as run:
            await run.until_up(within_s=30.0)
            await asyncio.sleep(2.0)
            before = sum(run.books.received(pod) for pod in addresses)
            begun_s, cpu_s = time.monotonic(), time.process_time()
            await asyncio.sleep(seconds)
            cpu_s, elapsed_s = time.process_time() - cpu_s, time.monotonic() - begun_s
            came = sum(run.books.received(pod) for pod in addresses) - before
            info = run.links.state(addresses[0]).info
    finally:
        await bluetoothd.end()
    assert info is not None
    decode_s = 0.0
    for pod in addresses:
        decoder = DRIVERS[name].decoder(info.to_json())
        packets = run.books.packets[pod][-round(came / 2) :]
        begun = time.process_time()
        for packet in packets:
            try:
                decoder.push(packet)
            except PacketError:
                continue
        decode_s += time.process_time() - begun
    per_s = 1000 / elapsed_s
    return cpu_s * per_s, decode_s * per_s, came / elapsed_s / 2, round(info.rate_hz)


async def main(seconds: float, names: list[str]) -> None:
    table = Table(box=None, header_style="bold")
    for column in ("driver", "rate", "notifications/s a pod", "link and decode, CPU-ms/s", "decode alone"):
        table.add_column(column)
    for name in names:
        both, alone, per_s, rate = await measure(name, seconds)
        table.add_row(name, f"{rate} Hz" if rate else "", f"{per_s:.0f}", f"{both:.1f}", f"{alone:.2f}")
    Console().print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("drivers", nargs="*", default=list(DRIVERS))
    given = parser.parse_args()
    with private_bus() as address:
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = address
        asyncio.run(main(given.seconds, given.drivers))
