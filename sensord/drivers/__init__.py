"""Pods: one file per protocol (pure encode and decode), and the link that speaks Bluetooth.

To add a pod: one file with its packets drawn in the docstring, one line here, one simulated pod in `sensord.sim.pods`,
its habits in `tests/drivers/habits.py`, and `sensord pods --markdown > docs/pods.md`.
"""

from __future__ import annotations

from sensord.drivers import recorded
from sensord.drivers.base import Driver, Reader
from sensord.drivers.metamotion import MetaMotion
from sensord.drivers.movella_dot import MovellaDot
from sensord.drivers.movesense import Movesense
from sensord.drivers.open_pod import OpenPod
from sensord.drivers.polar import Polar
from sensord.drivers.shimmer3r import Shimmer3R
from sensord.drivers.standard import Standard
from sensord.drivers.witmotion import WitMotion

DRIVERS: dict[str, Driver] = {
    driver.name: driver
    for driver in (MetaMotion(), MovellaDot(), Movesense(), OpenPod(), Polar(), Shimmer3R(), Standard(), WitMotion())
}
"""Every kind of pod we speak to, by name."""

SENSORS = frozenset(name for name, driver in DRIVERS.items() if not driver.about.acc_ranges_g)
"""Those whose pods tell readings instead of samples, and are on no foot."""

READERS: dict[str, Reader] = {**DRIVERS, recorded.NAME: recorded.Recorded()}
"""Every kind of packet that a run file may hold: pods', and recordings' that were imported or fetched."""
