"""Simulated feet shared by the dsp tests (they are fast to make and their truth is known)."""

from __future__ import annotations

import pytest

from sensord.model import Side
from sensord.sim.runner import Run, RunnerSimulation, SimulatedFoot, Stand, Walk

RATE_HZ = 100.0


@pytest.fixture(scope="session")
def simulation() -> RunnerSimulation:
    """Stand, walk, run, stand."""
    return RunnerSimulation([Stand(3), Walk(10), Run(15, speed_mps=2.8), Stand(3)], seed=1)


@pytest.fixture(scope="session")
def foot(simulation: RunnerSimulation) -> SimulatedFoot:
    """The left pod of it at 100 Hz."""
    return simulation.render(Side.LEFT, RATE_HZ)


@pytest.fixture(scope="session")
def running_foot() -> SimulatedFoot:
    """A minute of running at 100 Hz, standing at both ends."""
    return RunnerSimulation([Stand(3), Run(60, speed_mps=3.0), Stand(3)], seed=2).render(Side.LEFT, RATE_HZ)
