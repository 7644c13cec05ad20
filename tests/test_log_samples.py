"""Log and live samples of one pod on one line: each once, the log first, gaps told as they are."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sensord.armed import ArmedPod, Stage
from sensord.drivers import DRIVERS
from sensord.drivers.base import LOG, LoggingDriver, PodInfo
from sensord.errors import LinkError
from sensord.log_samples import FetchedLog, LiveRun, Timed, cut, one_line
from sensord.model import NS, Input, Mark, MarkKind, Packet, PodSetup, RunSetup, Side
from sensord.pod_time import Axis, ClockFix
from sensord.recording import Anchor, RunFile, read_run
from sensord.sim.pods import OpenPodSim
from tests.drivers.conformance import PLAIN, SixSines
from tests.drivers.wireless import ADDRESS, Wire

SETUP = RunSetup("run", "R-1", "site", "gateway", (PodSetup(ADDRESS, Side.LEFT, "open-pod"),))
ANCHOR = Anchor(wall_ns=0, boottime_ns=0, boot_id="here", wall_trusted=True)


class Away:
    """A pod that is armed, and what happens to it until it is home."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.folder = folder
        self.sim = OpenPodSim(ADDRESS, "pod", now_ns=0, source=SixSines(), clock_ppm=80.0, **options)  # type: ignore[arg-type]
        self.wire = Wire(self.sim)
        self.driver = DRIVERS["open-pod"]
        assert isinstance(self.driver, LoggingDriver)
        self.wire.now_ns = 3 * NS
        self.wire.connect()
        self.info = self.wire.converse(self.driver.arm(PLAIN)).to_json()
        self.armed_fixes = len(self.wire.fixes)
        self.sim.drop_link()
        self.live: list[Input] = []

    def away(self, seconds: float) -> None:
        self.wire.now_ns += round(seconds * NS)
        self.sim.due(self.wire.now_ns)

    def stream(self, seconds: float, *, loss: float = 0.0, begins: bool = False) -> None:
        """In reach of a gateway for a while; run time is the wire's time."""
        info = self.wire.start(self.driver, PLAIN)
        self.live.append(Mark(self.wire.now_ns, MarkKind.LINK_UP, {"pod": ADDRESS, "info": info.to_json()}))
        self.sim.loss = loss
        self.wire.packets.clear()
        self.wire.listen(round(seconds * NS))
        self.live += [Packet(ADDRESS, p.t_ns, p.characteristic, p.payload) for p in self.wire.packets]
        self.sim.loss = 0.0
        self.sim.drop_link()
        self.live.append(Mark(self.wire.now_ns, MarkKind.LINK_DOWN, {"pod": ADDRESS, "reason": "link lost"}))

    def home(self, spoil: Callable[[list[bytes]], list[bytes]] = lambda pieces: pieces) -> FetchedLog:
        self.wire.connect()
        now: PodInfo = self.wire.converse(self.driver.recover(self.info))
        fixes = []
        for i, (at_ns, pod_ns) in enumerate(self.wire.fixes):
            boot = self.info["boot_id"] if i < self.armed_fixes else now.boot_id
            # asked 40 ms, answered 10 ms before the wire says so: three requests of one step each
            fixes.append(ClockFix("here", at_ns - 40_000_000, at_ns - 10_000_000, at_ns, True, pod_ns, boot))
        path = self.folder / "pod.log"
        self.write(path, [Packet(ADDRESS, i, LOG, piece) for i, piece in enumerate(spoil(self.wire.kept))])
        pod = ArmedPod(ADDRESS, Side.LEFT, "open-pod", Stage.FETCHED, self.info, now.to_json(), fixes)
        log = FetchedLog(pod, path, Axis.of(fixes))
        log.survey()
        return log

    def lives(self) -> list[LiveRun]:
        if not self.live:
            return []
        path = self.folder / "live.run"
        self.write(path, self.live)
        return [LiveRun(read_run(path), 0)]

    def write(self, path: Path, items: list[Input]) -> None:
        file = RunFile.create(path, SETUP, ANCHOR)
        for item in items:
            file.add(item)
        file.seal()

    def truth_ns(self, t_pod_ns: np.ndarray) -> np.ndarray:
        """The wire's time of a pod time."""
        zero = self.sim.stamped_ns(0)
        return np.array([self.sim.ready_ns(int(t) - zero) for t in t_pod_ns])


def all_of(line: list[Timed]) -> np.ndarray:
    return np.concatenate([timed.block.t_pod_ns for timed in line])


def check(away: Away, line: list[Timed], error_ns: int) -> np.ndarray:
    """Each once, in order, gaps counted, at the right time, with the right values; the numbers of the samples."""
    t_ns, at_ns = all_of(line), np.concatenate([timed.axis_ns for timed in line])
    assert np.all(np.diff(t_ns) > NS / 200 / 2)
    assert np.all(np.diff(at_ns) > 0)
    assert np.abs(at_ns - away.truth_ns(t_ns)).max() <= error_ns
    numbers = np.rint((t_ns - away.sim.stamped_ns(0)) * 200 / NS).astype(int)
    went_in = SixSines().between(0, away.wire.now_ns * 2, 200.0)
    acc = np.concatenate([timed.block.acc_mps2 for timed in line])
    assert np.abs(went_in.acc_mps2[numbers] - acc).max() < 0.01
    at = 0
    for before, after in pairwise(line):
        at += len(before.block)
        if before.block.segment == after.block.segment:
            assert after.block.missing_before == numbers[at] - numbers[at - 1] - 1
        assert np.all(np.diff(after.block.t_pod_ns) < 1.5 * NS / 200), "a block spans no gap"
    return numbers


def test_the_log_alone(tmp_path: Path) -> None:
    away = Away(tmp_path)
    away.away(40)
    log = away.home()
    assert log.error_ns is not None
    numbers = check(away, list(one_line(log, [])), log.error_ns)
    assert np.all(np.diff(numbers) == 1)
    assert len(numbers) == log.samples >= 39 * 200
    assert log.error_ns < 16_000_000


@pytest.mark.parametrize("seed", range(4))
def test_live_samples_are_the_logs_own(tmp_path: Path, seed: int) -> None:
    """In and out of reach, packets lost: what the log has is there once, whatever else was heard of it."""
    dice = random.Random(seed)
    away = Away(tmp_path)
    for _ in range(3):
        away.away(dice.uniform(0.3, 6))
        away.stream(dice.uniform(0.5, 4), loss=dice.choice([0.0, 0.1]))
    away.away(2)
    log = away.home()
    line = list(one_line(log, away.lives()))
    assert all_of(line).tolist() == all_of(list(one_line(log, []))).tolist()
    check(away, line, log.error_ns or 0)


@pytest.mark.parametrize("seed", range(4))
def test_what_the_log_lacks_is_filled_from_what_was_heard(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full memory, and bad sectors on our disk: samples of both are each once, none is invented."""
    monkeypatch.setattr("sensord.drivers.open_pod_log.LEAST_S", 1)
    dice = random.Random(seed)
    away = Away(tmp_path, log_bytes=24_000 + seed * 1111)
    with contextlib.suppress(LinkError):
        away.away(3)
    for _ in range(3):
        away.stream(dice.uniform(1, 5), loss=0.05)
        away.away(dice.uniform(0.5, 2))
    log = away.home(lambda pieces: [pieces[0], *pieces[2:]] if seed % 2 and len(pieces) > 3 else pieces)
    alone = all_of(list(one_line(log, [])))
    lives = away.lives()
    line = list(one_line(log, lives))
    numbers = set(check(away, line, (log.error_ns or 0) + 1_000_000).tolist())
    decoder = away.driver.decoder(next(i for i in away.live if isinstance(i, Mark)).data["info"])
    heard: list[np.ndarray] = []
    for item in away.live:
        if isinstance(item, Mark) and item.kind is MarkKind.LINK_UP and heard:
            decoder.link_up(item.data["info"])
        elif isinstance(item, Packet):
            heard += [block.t_pod_ns for block in decoder.push(item)]
    zero = away.sim.stamped_ns(0)
    wanted = {round((int(t) - zero) * 200 / NS) for t in np.concatenate([alone, *heard])}
    assert numbers == wanted
    assert len(numbers) > len(alone)


def test_a_pod_that_restarts_twice_has_a_middle_that_nobody_can_place(tmp_path: Path) -> None:
    away = Away(tmp_path)
    for _ in range(2):
        away.away(5)
        away.sim.reboot(away.wire.now_ns)
    away.away(5)
    log = away.home()
    assert len(log.segments) == 3
    assert len(log.clocks) == 2
    assert log.untimed_samples == pytest.approx(1000, abs=60)
    line = list(one_line(log, []))
    at_ns = np.concatenate([timed.axis_ns for timed in line])
    assert np.all(np.diff(at_ns) > 0)
    assert {timed.block.segment for timed in line} == {0, 1}
    assert next(t.block.missing_before for t in line if t.block.segment == 1) is None


def test_live_samples_of_a_clock_that_the_log_does_not_know_are_kept_by_their_arrival(tmp_path: Path) -> None:
    """Between two restarts the pod was in reach: that is where the gateway heard it."""
    away = Away(tmp_path)
    away.away(5)
    away.sim.reboot(away.wire.now_ns)
    away.away(3)
    away.stream(4)
    away.sim.reboot(away.wire.now_ns)
    away.away(5)
    log = away.home()
    line = list(one_line(log, away.lives()))
    at_ns = np.concatenate([timed.axis_ns for timed in line])
    assert np.all(np.diff(at_ns) > 0)
    middle = [timed for timed in line if isinstance(timed.clock, tuple)]
    assert sum(len(timed.block) for timed in middle) >= 3.5 * 200


def test_an_empty_log_is_told(tmp_path: Path) -> None:
    away = Away(tmp_path)
    log = away.home(lambda _: [])
    assert (log.samples, log.error_ns, log.span_ns) == (0, None, None)
    assert list(one_line(log, [])) == []


def test_cut_takes_the_rows_of_an_interval(tmp_path: Path) -> None:
    away = Away(tmp_path)
    away.away(10)
    log = away.home()
    line = list(one_line(log, []))
    parts = [part for timed in line if (part := cut(timed, 6 * NS, 8 * NS)) is not None]
    at_ns = np.concatenate([part.axis_ns for part in parts])
    assert len(at_ns) == 400
    assert at_ns[0] >= 6 * NS
    assert at_ns[-1] < 8 * NS
