"""Simulated pods that speak each driver's protocol through its own `encode`; how they are carried: `sim.peripheral`.

One file a driver. To add one: a class on `SampledPod` (or `VirtualPod`), and a line in `SIMULATED`.
"""

from __future__ import annotations

from sensord.drivers.metamotion_wire import NAME as METAMOTION
from sensord.drivers.movella_dot_wire import NAME as MOVELLA_DOT
from sensord.drivers.movesense_wire import NAME as MOVESENSE
from sensord.drivers.open_pod import NAME as OPEN_POD
from sensord.drivers.polar_decoder import NAME as POLAR
from sensord.drivers.shimmer3r_wire import NAME as SHIMMER3R
from sensord.drivers.standard import NAME as STANDARD
from sensord.drivers.witmotion import NAME as WITMOTION
from sensord.sim.peripheral import VirtualPod
from sensord.sim.pods.metamotion import MetaMotionSim
from sensord.sim.pods.movella_dot import MovellaDotSim
from sensord.sim.pods.movesense import MovesenseSim
from sensord.sim.pods.open_pod import OpenPodSim
from sensord.sim.pods.polar import PolarSim
from sensord.sim.pods.shimmer3r import Shimmer3RSim
from sensord.sim.pods.standard import StandardPodSim
from sensord.sim.pods.witmotion import WitMotionSim

__all__ = ["SIMULATED", "OpenPodSim", "VirtualPod"]

SIMULATED: dict[str, type[VirtualPod]] = {
    METAMOTION: MetaMotionSim,
    MOVELLA_DOT: MovellaDotSim,
    MOVESENSE: MovesenseSim,
    OPEN_POD: OpenPodSim,
    POLAR: PolarSim,
    SHIMMER3R: Shimmer3RSim,
    STANDARD: StandardPodSim,
    WITMOTION: WitMotionSim,
}
"""A simulated pod for every driver, by the driver's name."""
