"""`make fuzz` (python -m bench.fuzz_drivers): millions of mangled packets, and every branch of every decoder reached.

Branches are watched until all of a driver's were taken (that slows Python down about fourfold), the rest of its packets
run at full speed. Counted are the branches of all functions in sensord.drivers that a decoder enters, and methods of
decoders that were never entered. A branch that nothing can reach carries `# pragma: no branch` and says why.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import coverage

from sensord.drivers import DRIVERS
from sensord.errors import PacketReason
from tests.drivers.fuzzing import check_broken_infos, fuzz
from tests.drivers.habits import HABITS
from tests.drivers.stories import stories

PACKETS = 10_000_000
CHUNK = 200_000
WATCHED = 2_000_000
"""Most packets of a driver whose branches are watched: what was not reached by then is reported."""

SECONDS_EACH = 1.3e-4
"""CPU of a packet, watched and unwatched, as measured over eight drivers; only used to say how long it takes."""


@dataclass
class Branches:
    """What a decoder's code offers and what was not reached of it."""

    total: int = 0
    missing: list[str] = field(default_factory=list)


class Watch:
    """Branch coverage of sensord.drivers while a decoder works."""

    def __init__(self, driver: str) -> None:
        self._decoders = {type(story.decoder()).__name__ for story in stories(driver)}
        self._coverage = coverage.Coverage(
            branch=True, include=["*/sensord/drivers/*"], data_file=None, config_file=False, messages=False
        )

    def start(self) -> None:
        self._coverage.start()

    def stop(self) -> Branches:
        self._coverage.stop()
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.json")
            self._coverage.json_report(outfile=str(report))
            files = json.loads(report.read_text())["files"]
        found = Branches()
        for file, about in sorted(files.items()):
            for function, region in about["functions"].items():
                self._add(found, Path(file).name, function, region)
        return found

    def _add(self, found: Branches, file: str, function: str, region: dict[str, object]) -> None:
        if not region["executed_lines"]:
            if not region["summary"]["num_statements"]:  # type: ignore[index]
                return  # nothing but a docstring
            if function.split(".", maxsplit=1)[0] in self._decoders:
                found.missing.append(f"{file}: {function} was never entered")
            return
        found.total += region["summary"]["num_branches"]  # type: ignore[index,operator]
        for a, b in region["missing_branches"]:  # type: ignore[attr-defined]
            found.missing.append(f"{file}:{a} never went to {'the end' if b < 0 else f'line {b}'}, in {function}")


@dataclass
class Report:
    """One driver's fuzz."""

    driver: str
    packets: int
    watched: int
    seconds: float
    refused: Counter[PacketReason]
    branches: Branches
    problem: str = ""


def fuzz_driver(driver: str, packets: int, seed: int) -> Report:
    """Runs in a process of its own. AssertionErrors and what decoders should not raise end up in `problem`."""
    begun = time.monotonic()
    report = Report(driver, 0, 0, 0.0, Counter(), Branches(missing=["nothing ran"]))
    watch = Watch(driver)
    told_s = begun
    while report.packets < packets and not report.problem:
        chunk = min(CHUNK, packets - report.packets)
        watching = bool(report.branches.missing) and report.watched < WATCHED
        if watching:
            watch.start()
        chunk_seed = seed + report.packets
        try:
            check_broken_infos(driver)
            found = fuzz(driver, chunk, chunk_seed)
            found.check()
            report.refused += found.refused
        except Exception as error:  # noqa: BLE001 - any: the report names it, with what is needed to see it again
            report.problem = f"{type(error).__name__}: {error} (fuzz({driver!r}, {chunk}, {chunk_seed}))"
        if watching:
            report.branches = watch.stop()
            report.watched += chunk
        report.packets += chunk
        report.seconds = time.monotonic() - begun
        if time.monotonic() - told_s > 10:
            told_s = time.monotonic()
            print(f"{driver}: {report.packets:,} of {packets:,} packets, {report.seconds:.0f} s", flush=True)
    return report


def show(report: Report) -> None:
    """A line for a driver, and lines for what is wrong."""
    reached = report.branches.total - sum("never went" in line for line in report.branches.missing)
    print(
        f"{report.driver}: {report.packets:,} packets in {report.seconds:.0f} s, {report.refused.total():,} refused; "
        f"branches {reached} of {report.branches.total} (watched for {report.watched:,})",
        flush=True,
    )
    print("  " + ", ".join(f"{n:,} {reason.value}" for reason, n in report.refused.most_common()), flush=True)
    for line in report.branches.missing:
        print(f"  {line}")
    if report.problem:
        print(f"  FAILED {report.problem}")


def main() -> int:
    """0: nothing but PacketErrors, all counted, and every branch reached."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packets", type=int, default=PACKETS, help="over all drivers")
    parser.add_argument("--seed", type=int, default=secrets.randbits(48))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("drivers", nargs="*", help="names (default: all)")
    asked = parser.parse_args()
    names = asked.drivers or [name for name in DRIVERS if name in HABITS]
    each = asked.packets // len(names)
    minutes = asked.packets * SECONDS_EACH / min(asked.jobs, len(names)) / 60
    print(
        f"{asked.packets:,} packets over {len(names)} drivers, {asked.jobs} at a time, seed {asked.seed}: "
        f"about {minutes:.0f} min where nothing else runs",
        flush=True,
    )
    reports = []
    with ProcessPoolExecutor(asked.jobs, max_tasks_per_child=1) as pool:
        waiting = [pool.submit(fuzz_driver, name, each, asked.seed) for name in names]
        for done in as_completed(waiting):
            reports.append(done.result())
            show(reports[-1])
    bad = [r.driver for r in reports if r.problem or r.branches.missing]
    print(f"not as it should be: {', '.join(bad)}" if bad else "every branch reached, nothing but PacketErrors")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
