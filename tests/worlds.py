"""A run's recorded inputs without waiting for it: simulated pods, carried by hand through their driver's session."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.transform import Rotation

from sensord.drivers import DRIVERS
from sensord.drivers.base import Announce, Await, PodInfo, Read, Subscribe, Wanted, Write
from sensord.model import NS, Input, Mark, MarkKind, Packet, PodSetup, RunSetup, Side, Tick
from sensord.sim.pods import OpenPodSim
from sensord.sim.runner import RunnerSimulation, Truth
from sensord.sim.script import Phase, Run, Stand, Walk
from sensord.sim.sensor import SensorModel

PODS = {Side.LEFT: "C0:00:00:00:00:01", Side.RIGHT: "C0:00:00:00:00:02"}
WALL_NS = 1_780_000_000 * NS
STEP_NS = 10_000_000

SHORT: tuple[Phase, ...] = (Stand(3.0), Walk(10.0), Run(40.0, speed_mps=2.8), Stand(3.0))


@dataclass(frozen=True)
class World:
    """What a run file would hold, and what really happened."""

    setup: RunSetup
    inputs: list[Input]
    truth: Truth
    sent: dict[Side, int] = field(default_factory=dict)


def setup(plan_text: str | None = None, **changes: object) -> RunSetup:
    values = {
        "run": "01J00000000000000000000000", "runner": "R-1", "site": "test", "gateway": "test",
        "pods": tuple(PodSetup(address, side, "open-pod") for side, address in PODS.items()), "plan_text": plan_text,
    }  # fmt: skip
    return RunSetup(**(values | changes))  # type: ignore[arg-type]


@functools.cache
def world(
    script: Sequence[Phase] = SHORT,
    *,
    seed: int = 1,
    loss: float = 0.0,
    jitter_ms: float = 20.0,
    plan_text: str | None = None,
    sides: tuple[Side, ...] = (Side.LEFT, Side.RIGHT),
    batch: int = 0,
    turned: int | None = None,
) -> World:
    """The recorded inputs of `script` by both pods (or some); ticks to the end of the script and a little longer.

    `batch` is the number of samples a packet, 0 for as many as fit; `turned` seeds a way of clipping them on.
    """
    runner = RunnerSimulation(script, seed=seed)
    ppm = {Side.LEFT: 30.0, Side.RIGHT: -40.0}
    pods = {
        side: OpenPodSim.worn(
            runner.render(side, 200.0, _pod(ppm[side], turned)),
            PODS[side],
            side.value,
            now_ns=0,
            clock_ppm=ppm[side],
            seed=seed,
        )
        for side in sides
    }
    inputs: list[Input] = []
    for side, pod in pods.items():
        if batch:
            pod.mtu = 3 + 12 + 12 * batch  # ATT header, packet header, 12 bytes a sample
        pod.connect(0, _nobody)
        info = converse(pod, "open-pod")
        pod.loss, pod.jitter_ms = loss, jitter_ms
        inputs.append(Mark(0, MarkKind.LINK_UP, {"pod": PODS[side], "info": info.to_json()}))
    for now_ns in range(STEP_NS, int((runner.truth.duration_s + 3.0) * NS), STEP_NS):
        for side, pod in pods.items():
            inputs += [Packet(PODS[side], now_ns, note.uuid, note.payload) for note in pod.due(now_ns)]
        if now_ns % NS == 0:
            inputs.append(Tick(now_ns, WALL_NS + now_ns))
    return World(setup(plan_text), inputs, runner.truth)


def _pod(clock_ppm: float, turned: int | None) -> SensorModel:
    mount = None
    if turned is not None:
        mount = tuple(map(tuple, Rotation.random(rng=np.random.default_rng(turned)).as_matrix().tolist()))
    return SensorModel(acc_range_g=32.0, clock_ppm=clock_ppm, mount=mount)  # type: ignore[arg-type]


def converse(pod: OpenPodSim, driver: str, now_ns: int = 0) -> PodInfo:
    """Carry a driver's start session out on a virtual pod."""
    session = DRIVERS[driver].start(Wanted())
    answer = b""
    try:
        request = next(session)
        while True:
            match request:
                case Read():
                    answer = pod.read(request.uuid, now_ns)
                case Write():
                    pod.write(request.uuid, request.payload, now_ns)
                case Subscribe():
                    pod.subscribe(request.uuid, now_ns)
                case Await():
                    [note] = [n for n in pod.due(now_ns) if request.match(n.payload)]
                    answer = note.payload
                case Announce():
                    answer = b""
            request = session.send(answer)
    except StopIteration as done:
        return done.value


def _nobody() -> None:
    """Nobody minds a lost link."""
