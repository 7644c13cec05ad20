"""Pods that log while their clock is turned forward: armed, away for a while in no time, back in reach."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ulid import ULID

from sensord import arming, fetching, host
from sensord.armed import ArmedState, Flight
from sensord.arming import Base, Clocks
from sensord.config import PodSettings, Settings
from sensord.datadir import DataDir
from sensord.drivers import DRIVERS
from sensord.model import ALGORITHM, NS, Input, Mark, MarkKind, PodSetup, RunSetup, Side, Tick
from sensord.pipeline import Pipeline
from sensord.recording import Anchor, RunFile
from sensord.sim.backend import SimRadio
from sensord.sim.peripheral import VirtualPod
from sensord.sim.pods import OpenPodSim
from sensord.sim.runner import RunnerSimulation, SimulatedFoot
from sensord.sim.script import Run, Stand
from sensord.sim.sensor import SensorModel
from sensord.store import Store, StoredRun
from tests.drivers.wireless import Wire

LEFT, RIGHT = "C0:00:00:00:00:01", "C0:00:00:00:00:02"
SIDES = {LEFT: Side.LEFT, RIGHT: Side.RIGHT}
PPM = {LEFT: 18.0, RIGHT: -25.0}
AWAY_S = 18.0


def fast_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloads that take no time worth telling; a short run is a run."""
    for name, value in {
        "sensord.sim.pods.open_pod_log.EVERY_NS": 0,
        "sensord.sim.pods.open_pod_log.ERASE_NS": 0,
        "sensord.sim.backend.PUMP_S": 0.002,
        "sensord.sim.backend.ADVERTISE_S": 0.02,
        "sensord.fetching.AGAIN_S": 0.01,
        "sensord.drivers.radio.NOT_FOUND_AFTER_S": 0.5,
        "sensord.fetched_run.LEAST_MOVING_S": 3,
    }.items():
        monkeypatch.setattr(name, value)


@cache
def _foot(address: str) -> SimulatedFoot:
    runner = RunnerSimulation((Stand(3.0), Run(12.0, speed_mps=2.8), Stand(3.0)), seed=2)
    return runner.render(SIDES[address], 200.0, SensorModel(acc_range_g=32.0, clock_ppm=PPM[address]))


def pods(begun_ns: int, *, loop: bool = False, **options: Any) -> list[OpenPodSim]:
    """Two pods on a runner who stands, runs, and stands; `loop`: again and again."""
    made = [
        OpenPodSim.worn(
            _foot(address),
            address,
            side.value,
            now_ns=begun_ns,
            origin_ns=begun_ns,
            clock_ppm=PPM[address],
            loop=loop,
            seed=1,
        )
        for address, side in SIDES.items()
    ]
    for pod in made:
        for name, value in options.items():
            setattr(pod, name, value)
    return made


@dataclass(frozen=True, slots=True)
class AfterRestart(Clocks):
    """Of this machine: time since boot began anew, the wall clock went on."""

    restart_ns: int = 0

    def now_ns(self) -> int:
        return Clocks.now_ns(self) - self.restart_ns


@dataclass
class Place:
    """A gateway, its pods, and a clock that is behind by `ago_s`."""

    folder: Path
    ago_s: float = AWAY_S
    said: list[str] = field(default_factory=list)
    restart_ns: int = 0
    radio: SimRadio = field(init=False)
    settings: Settings = field(init=False)

    def __post_init__(self) -> None:
        self.settings = Settings(data_dir=self.folder, clock="trusted")
        self.settings.web.enabled = False
        self.wear(pods(self.now_ns()))

    def wear(self, worn: list[Any], drivers: dict[str, str] | None = None) -> None:
        """These pods from now on."""
        self.settings.pod = [
            PodSettings(address=p.address, side=SIDES.get(p.address), driver=(drivers or {}).get(p.address, "open-pod"))
            for p in worn
        ]
        self.radio = SimRadio(worn, now_ns=self.now_ns)

    def now_ns(self) -> int:
        return host.boottime_ns() - round(self.ago_s * NS)

    def pod(self, address: str) -> Any:
        return self.radio.pods[address]

    def base(self) -> Base:
        clocks = AfterRestart(round(self.ago_s * NS), self.restart_ns)
        return Base(self.settings, backend=self.radio.backend, clocks=clocks, say=self.said.append)

    async def arm(self, **how: Any) -> list[arming.PodReport]:
        return await arming.arm(self.base(), **how)

    async def fetch(self, **how: Any) -> fetching.Fetched:
        return await fetching.fetch(self.base(), **how)

    def later(self, seconds: float = AWAY_S) -> None:
        """She was away for so long."""
        self.ago_s -= seconds
        for pod in self.radio.pods.values():
            pod.due(self.now_ns())

    def live(self, seconds: float, *, ended: bool = True) -> str:
        """What a gateway kept that was in reach for so long; its run. Takes no time."""
        zero_ns, run = self.now_ns(), str(ULID())
        setups = tuple(PodSetup(p.address, p.side, p.driver) for p in self.settings.pod)
        setup = RunSetup(run, self.settings.runner, self.settings.site, self.settings.gateway, setups)
        inputs: list[Input] = []
        for one in setups:
            wire = Wire(self.pod(one.pod), now_ns=zero_ns)
            info = wire.start(DRIVERS[one.driver])
            inputs.append(Mark(wire.now_ns - zero_ns, MarkKind.LINK_UP, {"pod": one.pod, "info": info.to_json()}))
            wire.listen(zero_ns + round(seconds * NS) - wire.now_ns)
            inputs += [replace(packet, pod=one.pod, t_ns=packet.t_ns - zero_ns) for packet in wire.packets]
            self.pod(one.pod).drop_link()
        inputs += [Tick(s * NS, 0) for s in range(1, int(seconds) + 1)]
        inputs.append(Mark(NS, MarkKind.NOTE, {"text": "a note of hers", "by": "her"}))
        inputs = [*sorted(inputs, key=lambda item: item.t_ns)]
        data = DataDir(self.folder)
        anchor = Anchor(self.wall_ns(), zero_ns, host.boot_id(), wall_trusted=True)
        file = RunFile.create(data.run_file(run), setup, anchor)
        pipeline = Pipeline(setup)
        events = []
        for item in inputs:
            file.add(item)
            events += pipeline.push(item)
        with contextlib.closing(Store.open(data.store, gateway="gateway")) as store:
            store.begin_run(
                setup, file=f"{run}.run", boot_id=anchor.boot_id, boottime_ns=zero_ns, begun_wall_ns=anchor.wall_ns
            )
            store.append(run, ALGORITHM, events + (pipeline.flush() if ended else []))
            if ended:
                store.end_run(run, sha256=file.seal())
            else:
                file.close()
        self.later(seconds)
        return run

    def wall_ns(self) -> int:
        return host.wall_ns() - round(self.ago_s * NS)

    @property
    def flights(self) -> list[Flight]:
        return ArmedState(self.folder).flights()

    @property
    def logs(self) -> list[Path]:
        return sorted((self.folder / "logs").glob("*.log"))

    @contextlib.contextmanager
    def store(self) -> Iterator[Store]:
        with contextlib.closing(Store.open(DataDir(self.folder).store, gateway="reader", readonly=True)) as store:
            yield store

    def runs(self, *, discarded: bool = False) -> list[StoredRun]:
        with self.store() as store:
            return store.runs(include_discarded=discarded)

    def strides(self, run: str) -> list[tuple[str, int]]:
        """Foot and contact in pod time of each stride."""
        with self.store() as store:
            return [(e.payload["foot"], e.payload["ic_pod_ns"]) for e in store.events(run, kinds=["stride"])]


class Killed(BaseException):
    """The process ends here, and cleans nothing up."""


def dies(monkeypatch: pytest.MonkeyPatch, target: str, after: int = 0) -> Callable[[], None]:
    """The call number `after` of something kills; the answer undoes it."""
    import importlib

    module, _, name = target.rpartition(".")
    try:
        owner: Any = importlib.import_module(module)
    except ModuleNotFoundError:
        module, _, cls = module.rpartition(".")
        owner = getattr(importlib.import_module(module), cls)
    real, tidy = getattr(owner, name), (RunFile.remove, RunFile.close)
    calls = 0

    def deadly(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > after:
            monkeypatch.setattr(RunFile, "remove", RunFile.abandon)
            monkeypatch.setattr(RunFile, "close", RunFile.abandon)
            raise Killed
        return real(*args, **kwargs)

    def revive() -> None:
        monkeypatch.setattr(owner, name, real)
        monkeypatch.setattr(RunFile, "remove", tidy[0])
        monkeypatch.setattr(RunFile, "close", tidy[1])

    monkeypatch.setattr(owner, name, deadly)
    return revive


__all__ = ["AWAY_S", "LEFT", "RIGHT", "Killed", "Place", "VirtualPod", "dies", "fast_logs", "pods"]
