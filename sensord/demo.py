"""`sensord demo`: two simulated pods through the same drivers, link and bleak calls; no Bluetooth, no server.

The story, in three minutes: stand, walk, run with an even gait, then with a left/right difference and harder landings,
lose the right pod for some seconds, walk, stand. It repeats, as one run.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sensord.config import PodSettings, Settings
from sensord.daemon import Gateway
from sensord.model import Side
from sensord.sim.backend import SimRadio
from sensord.sim.pods import OpenPodSim
from sensord.sim.runner import RunnerSimulation
from sensord.sim.script import Phase, Run, Stand, Walk
from sensord.sim.sensor import SensorModel
from sensord.sim.sources import ShakenSource
from sensord.tally import Tally

RATE_HZ = 200
PODS = {Side.LEFT: "C0:00:00:00:00:01", Side.RIGHT: "C0:00:00:00:00:02"}
CLOCK_PPM = {Side.LEFT: 18.0, Side.RIGHT: -25.0}
"""Two crystals never agree; the size is that of ordinary ones (gait-science: 10 to 40 ppm between two)."""

LOST_AFTER_S, LOST_FOR_S = 125.0, 6.0
"""After the alerts of the story have come."""

SCRIPT: Sequence[Phase] = (
    Stand(4.0),
    Walk(12.0, speed_mps=1.4),
    Run(25.0, speed_mps=2.8),
    Run(110.0, speed_mps=2.9, contact_asymmetry_pct=12.0, impact_asymmetry_pct=12.0),
    Walk(15.0, speed_mps=1.3),
    Stand(4.0),
)


def demo_plan() -> Path:
    """The plan of the demo, shipped inside the package."""
    return Path(__file__).parent / "demo_plan.toml"


def demo_settings(data_dir: Path, *, plan: Path | None = None, port: int | None = None) -> Settings:
    """Settings of the demo: its two pods, its plan, no server."""
    settings = Settings(
        site="demo",
        gateway="demo",
        plan=plan or demo_plan(),
        data_dir=data_dir,
        pod=[PodSettings(address=address, side=side) for side, address in PODS.items()],
    )
    if port is not None:
        settings.web.port = port
    return settings


def simulated_radio(script: Sequence[Phase] = SCRIPT, *, seed: int = 1, loop: bool = True) -> SimRadio:
    """An adapter with two pods in reach, worn by a runner who plays `script` from now on."""
    now_ns = time.monotonic_ns()
    return SimRadio(worn_pods(RunnerSimulation(script, seed=seed), now_ns, loop=loop))


def worn_pods(runner: RunnerSimulation, now_ns: int, *, loop: bool) -> list[OpenPodSim]:
    """The demo's pods on a runner who begins at `now_ns`."""
    return [
        OpenPodSim.worn(
            runner.render(side, RATE_HZ, SensorModel(acc_range_g=32.0, clock_ppm=CLOCK_PPM[side])),
            address,
            f"demo {side.value}",
            now_ns=now_ns,
            origin_ns=now_ns,
            clock_ppm=CLOCK_PPM[side],
            loop=loop,
            seed=index,
        )
        for index, (side, address) in enumerate(PODS.items())
    ]


def shaken_radio() -> SimRadio:
    """The demo's pods lying on a table, the left one shaken after seven seconds, then the right one."""
    now_ns = time.monotonic_ns()
    hands = {Side.LEFT: ShakenSource(7.0, 11.0), Side.RIGHT: ShakenSource(12.0, 18.0)}
    pods = [OpenPodSim(PODS[side], f"demo {side.value}", hand, now_ns=now_ns) for side, hand in hands.items()]
    return SimRadio(pods)


async def demo(
    *,
    settings: Settings,
    page: bool,
    seconds: float | None,
    say: Callable[[str], None] = print,
) -> Tally:
    """Run the gateway on simulated pods."""
    radio = simulated_radio()
    lost = asyncio.create_task(_lose_a_pod(radio))
    try:
        return await Gateway(settings, backend=radio.backend, page=page, say=say).run(seconds)
    finally:
        lost.cancel()


async def _lose_a_pod(radio: SimRadio) -> None:
    """The right pod is out of reach for a while, as it happens."""
    pod = radio.pods[PODS[Side.RIGHT]]
    await asyncio.sleep(LOST_AFTER_S)
    pod.vanish()
    await asyncio.sleep(LOST_FOR_S)
    pod.vanished = False


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Where the demo keeps its runs when nobody names a folder; gone at the end."""
    with tempfile.TemporaryDirectory(prefix="sensord-demo-") as folder:
        yield Path(folder)
