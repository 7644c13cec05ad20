"""A Polar pod on the simulated radio: linked, stopped, lost, and when it stops a sensor by itself."""

from __future__ import annotations

import time

from sensord.drivers.polar_control import Kind
from sensord.errors import LinkReason
from sensord.model import MarkKind
from sensord.sim.backend import SimRadio
from sensord.sim.pods.polar import PolarSim
from tests.rig.harness import linked

LEFT = "C0:00:00:00:00:01"


def pod() -> PolarSim:
    return PolarSim(LEFT, "Polar Sense 0A1B2C3D", now_ns=time.monotonic_ns())


async def test_linked_and_left_as_it_was_found() -> None:
    left = pod()
    async with linked((LEFT,), SimRadio([left]).backend, driver="polar") as run:
        await run.until(lambda: len(run.books.blocks.get(LEFT, [])) > 1 and run.books.of(LEFT, MarkKind.BATTERY))
        assert left.sdk_mode
    assert not left.streams
    assert not left.sdk_mode
    assert run.books.decoders[LEFT].counts.rejected == {}
    assert run.books.reasons(LEFT) == [LinkReason.STOPPED]


async def test_a_sensor_that_the_pod_stops_is_told_and_started_again() -> None:
    """The accelerometer's frames go on: no silence would ever tell."""
    left = pod()
    async with linked((LEFT,), SimRadio([left]).backend, driver="polar") as run:
        await run.until(lambda: run.books.blocks.get(LEFT, []))
        left.stop_by_itself(Kind.GYRO)
        known = len(run.books.blocks.get(LEFT, []))
        await run.until(lambda: run.links.state(LEFT).links == 2 and len(run.books.blocks.get(LEFT, [])) > known + 1)
    assert run.books.reasons(LEFT) == [LinkReason.SILENT, LinkReason.STOPPED]
    down = run.books.of(LEFT, MarkKind.LINK_DOWN)[0]
    assert down.data["detail"] == "the pod stopped its gyroscope by itself"
    assert {block.segment for block in run.books.blocks.get(LEFT, [])} == {0}
    assert run.books.decoders[LEFT].counts.lost
