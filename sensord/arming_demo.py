"""Demo pods that were away: armed so many seconds ago, worn by a runner ever since, back in reach now.

`arm` and `fetch` are two processes; what the pods would remember between them is told anew: the same pods, armed at the
same moments, and then all that they would have logged.
"""

from __future__ import annotations

from sensord.armed import ArmedPod, Flight
from sensord.arming import Clocks
from sensord.config import PodSettings, Settings
from sensord.demo import PODS, worn_pods
from sensord.drivers import open_pod_log_wire as log_wire
from sensord.drivers import open_pod_wire as wire
from sensord.drivers.open_pod_log_wire import LogOp
from sensord.model import NS
from sensord.sim.backend import SimRadio
from sensord.sim.pods import OpenPodSim
from sensord.sim.runner import RunnerSimulation
from sensord.sim.script import Phase, Run, Stand, Walk

SCRIPT: tuple[Phase, ...] = (Stand(4.0), Walk(8.0, speed_mps=1.4), Run(30.0, speed_mps=2.8), Stand(3.0))
"""Repeated while she is away."""

AWAY_S = 60.0


def demo_pods(settings: Settings) -> None:
    """Settings that name no pod get the demo's."""
    if not settings.pod:
        settings.pod = [PodSettings(address=address, side=side) for side, address in PODS.items()]


def radio_of(begun_ns: int, clocks: Clocks) -> SimRadio:
    """An adapter with two pods in reach, worn since `begun_ns`."""
    pods = worn_pods(RunnerSimulation(SCRIPT, seed=1), begun_ns, loop=True)
    return SimRadio(pods, now_ns=clocks.now_ns)


def radio_back(flights: list[Flight], clocks: Clocks) -> SimRadio:
    """The same pods as they are now: armed when the newest flight says, and logging since."""
    flight = flights[-1]
    radio = radio_of(flight.begun_ns, clocks)
    for armed in flight.pods:
        pod = radio.pods.get(armed.pod)
        if isinstance(pod, OpenPodSim) and armed.info is not None:
            _arm_again(pod, armed)
    return radio


def _arm_again(pod: OpenPodSim, armed: ArmedPod) -> None:
    assert armed.info is not None
    info = armed.info
    config = wire.Config(
        wire.RATES_HZ.index(info["rate_hz"]),
        int(info["acc_range_g"]),
        int(info["gyr_range_dps"]),
        int(info["high_g_range_g"] or 0),
        info["details"]["batch"],
    )
    at_ns = max(fix.after_ns for fix in armed.fixes if fix.pod_boot == info["boot_id"])
    pod.write(wire.CONFIG, wire.encode_config(config), at_ns)
    pod.write(log_wire.LOG_CONTROL, log_wire.encode_command(LogOp.ARM, info["details"]["log_id"]), at_ns)


def ago(seconds: float) -> Clocks:
    """A clock that is behind by so much."""
    return Clocks(round(seconds * NS))
