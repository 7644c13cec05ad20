"""What a run file costs, by page size: `python bench/recording.py`.

An hour of two pods (15 packets/s each, 220 B, ticks) written as the journal writes: a commit for each 20 ms with
something in it, a durable one each 200 ms. Counts what reaches the disk: frames of the write-ahead log rounded to the
4 KiB blocks that each sync flushes (a lower bound for an SD card).

`--busy-disk SECONDS`: how long commits take in one thread while another syncs the run file and a third writes and
syncs 64 MiB over and over.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sensord import recording
from sensord.model import NS, Input, Packet, PodSetup, RunSetup, Side, Tick
from sensord.recording import Anchor, RunFile, read_run

BLOCK = 4096
SETUP = RunSetup("bench", "r", "s", "g", (PodSetup("L", Side.LEFT, "open_pod"), PodSetup("R", Side.RIGHT, "open_pod")))


def inputs(seconds: int) -> list[Input]:
    """Two pods, a packet each 1/15 s and half of that apart, payloads that do not compress."""
    out: list[Input] = []
    for k in range(seconds * 30):
        t_ns = k * NS // 30
        if k % 30 == 0:
            out.append(Tick(t_ns, t_ns))
        out.append(Packet("LR"[k % 2], t_ns, "6e40fff1-b5a3-f393-e0a9-e50e24dcca9e", k.to_bytes(4, "big") * 55))
    return out


def write(path: Path, items: list[Input]) -> dict[str, float]:
    """Write a run as the journal does, watching the log grow."""
    wal = path.with_name(path.name + "-wal")
    file = RunFile.create(path, SETUP, Anchor(0, 0, "b", wall_trusted=True))
    written, before, spent, kept, synced = 0, 0, 0.0, 0, 0
    for item in items:
        file.add(item)
        if item.t_ns - kept < 20_000_000:
            continue
        kept, durable = item.t_ns, item.t_ns - synced >= 200_000_000
        begun = time.perf_counter()
        file.commit(durable=durable)
        spent += time.perf_counter() - begun
        if durable:
            synced, now = item.t_ns, wal.stat().st_size
            written += (now // BLOCK - before // BLOCK + 1) * BLOCK  # the first block is written again
            before = now
    begun = time.perf_counter()
    file.seal()
    return {"log_bytes": written, "commit_s": spent, "seal_s": time.perf_counter() - begun}


def keep_busy(path: Path, over: threading.Event) -> None:
    """Write and sync 64 MiB over and over."""
    while not over.is_set():
        with path.open("wb") as handle:
            for _ in range(64):
                handle.write(os.urandom(1 << 20))
            handle.flush()
            os.fsync(handle.fileno())


def beside_a_busy_disk(folder: Path, seconds: float) -> None:
    """Commit every 15 ms, sync every 20 ms in another thread, load the disk in a third; prints how long each took."""
    file = RunFile.create(folder / "bench.run", SETUP, Anchor(0, 0, "b", wall_trusted=True))
    over = threading.Event()
    commits: list[float] = []
    syncs: list[float] = []

    def timed(do: Callable[[], None], took_ms: list[float]) -> None:
        begun = time.perf_counter()
        do()
        took_ms.append((time.perf_counter() - begun) * 1e3)

    def sync() -> None:
        while not over.wait(0.02):
            timed(file.sync, syncs)

    threads = [threading.Thread(target=sync), threading.Thread(target=keep_busy, args=(folder / "load", over))]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        file.add(Packet("L", 0, "c", bytes(220)))
        timed(file.commit, commits)
        time.sleep(0.015)
    over.set()
    for thread in threads:
        thread.join()
    file.close()
    for name, took in (("sync", sorted(syncs)), ("commit", sorted(commits))):
        p50, p95, p99 = (took[int(len(took) * part)] for part in (0.5, 0.95, 0.99))
        print(f"{name} ms: p50 {p50:.2f}, p95 {p95:.2f}, p99 {p99:.2f}, max {took[-1]:.1f} (n {len(took)})")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--busy-disk", type=float, default=0.0, metavar="SECONDS")
    arguments = parser.parse_args()
    if arguments.busy_disk:
        with tempfile.TemporaryDirectory(dir=".") as here:  # where the disk is: the usual place may be memory
            beside_a_busy_disk(Path(here), arguments.busy_disk)
        return
    seconds = arguments.seconds
    items = inputs(seconds)
    for page in (1024, 2048, 4096):
        recording.PAGE_BYTES = page
        folder = Path(tempfile.mkdtemp())
        try:
            path = folder / "bench.run"
            cost = write(path, items)
            begun = time.perf_counter()
            run = read_run(path)
            checked = time.perf_counter() - begun
            assert run.count == len(items)
            per_hour = 3600 / seconds
            print(
                f"page {page}: file {path.stat().st_size * per_hour / 1e6:.1f} MB/h,"
                f" log to disk {cost['log_bytes'] * per_hour / 1e6:.0f} MB/h,"
                f" commits {cost['commit_s'] / seconds * 1e3:.2f} ms/s, seal {cost['seal_s'] * per_hour:.2f} s/h,"
                f" read and check {checked * per_hour:.2f} s/h"
            )
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
