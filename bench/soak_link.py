"""`make soak-link`: links lost again and again, two fast pods for long, bluetoothd killed again and again.

    python -m bench.soak_link [--disconnects N] [--together T] [--minutes M] [--restarts R] [--seed S] [--json FILE]

Against the emulated BlueZ, or in the guest (`python -m tests.uml.run -- ...`) against the real one. Three parts:

* every kind of pod, T of them at once, each dropped N times at random phases: while it streams, is found, connects,
  is set up. `resume` is from the drop to the next packet that is handed on. What was sent is laid beside what
  was handed on, packet by packet (`tests.rig.ledger`).
* two open pods at 416 Hz for M minutes, one with 1 % of its packets lost on the air: received = sent - counted gaps.
* bluetoothd killed R times, back after up to 3 s: both pods must stream again.

Links here live for a second, where a runner's live for minutes: the watchdog's patience is in what is measured.

Ends with 1 if anything was lost, doubled or did not come back.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from sensord.drivers import DRIVERS
from sensord.drivers import open_pod_wire as wire
from sensord.drivers.base import Wanted
from sensord.model import Mark, MarkKind, Packet
from sensord.sim.pods import SIMULATED, OpenPodSim
from tests.drivers.habits import HABITS
from tests.rig.harness import BluetoothDaemon, Books, Run, linked, private_bus
from tests.rig.ledger import Ledger
from tests.uml.guest import RealBluetoothDaemon, in_guest

PAIR = ("C0:00:00:00:00:01", "C0:00:00:00:00:02")
RATE_HZ = 416.0
LOSS = 0.01
RECONCILE_EVERY = 10
WARM_UP = 0.2
BACK_S = 60.0

Rows = list[dict[str, Any]]


class Lean:
    """Marks are counted and not kept."""

    marks: list[Mark]

    def __init__(self) -> None:
        super().__init__()
        self.reasons_of: dict[str, Counter[str]] = {}

    def on_mark(self, mark: Mark) -> None:
        super().on_mark(mark)  # type: ignore[misc]
        self.marks.clear()
        if mark.kind is MarkKind.LINK_DOWN:
            said = f"{mark.data['reason']}: {mark.data['detail']}" if mark.data["detail"] else mark.data["reason"]
            self.reasons_of.setdefault(mark.data["pod"], Counter())[said] += 1


class LeanLedger(Lean, Ledger):
    """For any kind of pod."""

    def on_packet(self, packet: Packet) -> None:
        super().on_packet(packet)
        self.packets_of[packet.pod] += 1

    def __init__(self) -> None:
        super().__init__()
        self.packets_of: Counter[str] = Counter()


class Counts(Lean, Books):
    """For open pods: their decoders count all that is to be known."""

    def on_packet(self, packet: Packet) -> None:
        self.decoders[packet.pod].push(packet)


def daemon() -> BluetoothDaemon | RealBluetoothDaemon:
    return RealBluetoothDaemon([]) if in_guest() else BluetoothDaemon([])


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# ---- dropped again and again


async def disconnects(names: list[str], n: int, phase: random.Random) -> Rows:
    """One row a driver."""
    pods = {f"C0:00:00:00:01:{sorted(DRIVERS).index(name):02X}": name for name in names}
    now_ns = time.monotonic_ns()
    bluetoothd, ledger = daemon(), LeanLedger()
    bluetoothd.wear(
        [SIMULATED[d](a, HABITS[d].advertised, now_ns=now_ns, **HABITS[d].options) for a, d in pods.items()]
    )
    await bluetoothd.begin()
    resumes: dict[str, list[float]] = {pod: [] for pod in pods}
    use: list[tuple[int, float]] = []

    async def soak(pod: str, run: Run) -> None:
        while len(resumes[pod]) < n:
            await asyncio.sleep(phase.random())
            if not (await bluetoothd("drop", pod))["connected"]:
                continue
            before, started_s = ledger.packets_of[pod], time.monotonic()
            await asyncio.sleep(0.05)  # what was on its way is handed on
            before = ledger.packets_of[pod]
            while phase.random() < 0.3:  # again, wherever its next link has come to
                await asyncio.sleep(0.5 * phase.random())
                if (await bluetoothd("drop", pod))["connected"]:
                    await asyncio.sleep(0.05)
                    before, started_s = ledger.packets_of[pod], time.monotonic()
                    break
            await run.until(lambda before=before: ledger.packets_of[pod] > before, within_s=BACK_S)
            resumes[pod].append(time.monotonic() - started_s)
            if len(resumes[pod]) % RECONCILE_EVERY == 0:
                ledger.reconcile(
                    pod, (await bluetoothd("sent", pod, last=False))["links"], last=False, may_miss=in_guest()
                )
                ledger.order_ns.clear()
            if len(use) == 0 and min(map(len, resumes.values())) >= WARM_UP * n:
                use.append((open_files(), memory_mb()))
            if len(resumes[pod]) % 100 == 0:
                say(f"{len(resumes[pod])} of {n} disconnects: {pods[pod]}")

    try:
        async with linked(tuple(pods), driver=pods, books=ledger) as run:
            await run.until_up(within_s=BACK_S)
            await asyncio.gather(*(soak(pod, run) for pod in pods))
            use.append((open_files(), memory_mb()))
        rows = []
        for pod, name in pods.items():
            balance = ledger.reconcile(
                pod, (await bluetoothd("sent", pod, last=True))["links"], last=True, may_miss=in_guest()
            )
            counts, took_s = ledger.decoders[pod].counts, np.array(resumes[pod])
            p50, p95 = np.percentile(took_s, (50, 95))
            rows.append(
                {
                    "driver": name,
                    "disconnects": len(took_s),
                    "links": balance.links,
                    "resume_p50_s": round(float(p50), 2),
                    "resume_p95_s": round(float(p95), 2),
                    "resume_max_s": round(float(took_s.max()), 2),
                    "sent": balance.sent,
                    "received": balance.received,
                    "before_up": balance.head,
                    "after_end": balance.tail,
                    "cut_off": balance.cut,
                    "missing": balance.missing,
                    "noticed": counts.lost,
                    "doubled": counts.duplicates,
                    "refused": sum(counts.rejected.values()),
                    "stale": run.links.state(pod).stale,
                    "down": dict(ledger.reasons_of[pod]),
                    "files": [f for f, _ in use],
                    "memory_mb": [round(m, 1) for _, m in use],
                    "ok": not (balance.cut or counts.duplicates or counts.rejected)
                    and not (balance.missing and counts.lost == 0),
                }
            )
    finally:
        await bluetoothd.end()
    return rows


# ---- two fast pods for long


async def streams(minutes: float) -> Rows:
    """One row a pod."""
    bluetoothd, books = daemon(), Counts()
    now_ns = time.monotonic_ns()
    bluetoothd.wear([OpenPodSim(pod, f"pod-{pod[-1]}", now_ns=now_ns) for pod in PAIR])
    await bluetoothd.begin()
    try:
        wanted = Wanted(rate_hz=RATE_HZ)
        async with linked(PAIR, books=books, wanted=wanted) as run:
            await run.until_up()
            await asyncio.sleep(1)
            await bluetoothd("set", PAIR[0], loss=LOSS)
            started_s = time.monotonic()
            while (left_s := minutes * 60 - (time.monotonic() - started_s)) > 0:
                await asyncio.sleep(min(left_s, 60))
                books.order_ns.clear()
                say(f"streamed for {(time.monotonic() - started_s) / 60:.1f} of {minutes:g} min")
            await bluetoothd("set", PAIR[0], loss=0.0)
            await asyncio.sleep(1)
        stats = await bluetoothd("stats")
    finally:
        await bluetoothd.end()
    rows = []
    for pod in PAIR:
        counts = books.decoders[pod].counts
        batch = counts.samples / counts.packets
        sent, lost = stats[pod]["sent"][wire.DATA], stats[pod]["lost_on_air"]
        row = {
            "pod": pod,
            "rate_hz": RATE_HZ,
            "minutes": minutes,
            "sent": sent,
            "received": counts.packets,
            "lost_on_air": lost,
            "gaps_counted": (counts.lost or 0) / batch,
            "samples": counts.samples,
            "samples_a_packet": batch,
            "doubled": counts.duplicates,
            "links": run.links.state(pod).links,
            "stale": run.links.state(pod).stale,
            "overflow": run.links.state(pod).overflow,
            "down": dict(books.reasons_of[pod]),
        }
        row["ok"] = sent == counts.packets + row["gaps_counted"] == counts.packets + lost and row["links"] == 1
        rows.append(row)
    return rows


# ---- bluetoothd killed again and again


async def restarts(n: int, phase: random.Random) -> Rows:
    """One row."""
    bluetoothd, books = daemon(), Counts()
    now_ns = time.monotonic_ns()
    bluetoothd.wear([OpenPodSim(pod, f"pod-{pod[-1]}", now_ns=now_ns) for pod in PAIR])
    await bluetoothd.begin()
    took_s: list[float] = []
    use: list[tuple[int, float]] = []
    try:
        async with linked(PAIR, books=books) as run:
            await run.until_up()
            for done in range(n):
                await asyncio.sleep(phase.random())
                links = {pod: run.links.state(pod).links for pod in PAIR}
                await bluetoothd.kill()
                await asyncio.sleep(3 * phase.random())
                await bluetoothd.begin()
                started_s = time.monotonic()
                await run.until(lambda links=links: back(run, links), within_s=BACK_S)
                took_s.append(time.monotonic() - started_s)
                books.order_ns.clear()
                if done == int(WARM_UP * n):
                    use.append((open_files(), memory_mb()))
                if (done + 1) % 10 == 0:
                    say(f"{done + 1} of {n} restarts")
            use.append((open_files(), memory_mb()))
    finally:
        await bluetoothd.end()
    doubled = sum(books.decoders[pod].counts.duplicates for pod in PAIR)
    p50, p95 = np.percentile(took_s, (50, 95))
    return [
        {
            "restarts": n,
            "back": len(took_s),
            "back_p50_s": round(float(p50), 2),
            "back_p95_s": round(float(p95), 2),
            "back_max_s": round(max(took_s), 2),
            "doubled": doubled,
            "files": [f for f, _ in use],
            "memory_mb": [round(m, 1) for _, m in use],
            "ok": len(took_s) == n and doubled == 0,
        }
    ]


def back(run: Run, links: dict[str, int]) -> bool:
    """Both were linked anew and are up."""
    return all(run.links.state(pod).up and run.links.state(pod).links > n for pod, n in links.items())


# ---- the face


def table(rows: Rows) -> str:
    """Columns as wide as they must be; what has no room in one is in the JSON."""
    head = [name for name, value in rows[0].items() if not isinstance(value, dict)]
    cells = [
        head,
        *([" ".join(map(str, v)) if isinstance(v := row[n], list) else str(v) for n in head] for row in rows),
    ]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    return "\n".join("  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)) for line in cells)


async def soak(asked: argparse.Namespace) -> dict[str, Any]:
    phase = random.Random(asked.seed)
    found: dict[str, Any] = {
        "bluez": "real" if in_guest() else "emulated",
        "seed": asked.seed,
        "together": asked.together,
        "load": os.getloadavg()[0],
    }
    if asked.disconnects:
        names = sorted(DRIVERS)
        found["disconnects"] = []
        for first in range(0, len(names), asked.together):
            found["disconnects"] += await disconnects(names[first : first + asked.together], asked.disconnects, phase)
        print(table(found["disconnects"]), end="\n\n", flush=True)
    if asked.minutes:
        found["streams"] = await streams(asked.minutes)
        print(table(found["streams"]), end="\n\n", flush=True)
    if asked.restarts:
        found["restarts"] = await restarts(asked.restarts, phase)
        print(table(found["restarts"]), end="\n\n", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--disconnects", type=int, default=1000, help="of each kind of pod")
    parser.add_argument("--together", type=int, default=2, help="pods linked at the same time")
    parser.add_argument("--minutes", type=float, default=10.0, help="of two pods at 416 Hz")
    parser.add_argument("--restarts", type=int, default=50, help="of bluetoothd")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the result here, too")
    asked = parser.parse_args()
    with contextlib.ExitStack() as stack:
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = stack.enter_context(private_bus())
        found = asyncio.run(soak(asked))
    text = json.dumps(found)
    print(text)
    if asked.json:
        asked.json.write_text(text + "\n")
    rows = [row for part in ("disconnects", "streams", "restarts") for row in found.get(part, ())]
    raise SystemExit(0 if rows and all(row["ok"] for row in rows) else 1)


if __name__ == "__main__":
    main()
