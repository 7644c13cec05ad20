"""What simulated pods with an IMU have in common: a body's motion, a clock of their own, samples in raw counts.

The source's time line starts at `origin_ns` on the carrier's clock (default: now), whether anyone listens or not, so
pods with the same origin are worn by the same body. The pod's clock shows `uptime_us` at `now_ns` and runs off by
`clock_ppm`; its sensors are paced by it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Required, Self, TypedDict

import numpy as np
import numpy.typing as npt

from sensord.model import G_MPS2, NS, FloatArray
from sensord.sim.peripheral import VirtualPod
from sensord.sim.sources import ArraySource, Samples, SampleSource, SineSource

if TYPE_CHECKING:
    from sensord.sim.runner import SimulatedFoot  # a pod does without scipy

ALL_ACC = 0b111
ALL_GYR = 0b111000

AT_FULL_SCALE = 0.995
"""As in `model.SampleBlock.saturated`."""


class PodOptions(TypedDict, total=False):
    """The keywords that every `SampledPod` takes; see there."""

    now_ns: Required[int]
    origin_ns: int | None
    rate_hz: float | None
    acc_range_g: int
    gyr_range_dps: int
    uptime_us: int
    clock_ppm: float
    seed: int
    mtu: int


class SampledPod(VirtualPod):
    """A pod that plays a `SampleSource`. Subclasses say what is configured, framed and answered.

    `acc_range_g` and `gyr_range_dps` are the widest that the pod has; with `rate_hz` it offers that rate only (a source
    of arrays has one rate). Call `take` in `produce`: the samples since the last call, oldest first.
    """

    def __init__(
        self,
        address: str,
        name: str,
        source: SampleSource | None = None,
        *,
        now_ns: int,
        origin_ns: int | None = None,
        rate_hz: float | None = None,
        acc_range_g: int = 16,
        gyr_range_dps: int = 2000,
        uptime_us: int = 60_000_000,
        clock_ppm: float = 0.0,
        seed: int = 0,
        mtu: int = 247,
    ) -> None:
        super().__init__(address, name, now_ns=now_ns, seed=seed, mtu=mtu)
        self.clock_ppm = clock_ppm
        self.only_rate_hz = rate_hz
        self.widest_acc_g = acc_range_g
        self.widest_gyr_dps = gyr_range_dps
        self._source: SampleSource = source if source is not None else SineSource()
        self._origin_ns = now_ns if origin_ns is None else origin_ns
        self._uptime_us = uptime_us
        self._boot_ns = now_ns
        self._boot_clock_us = uptime_us
        self._cursor_ns = 0
        self.on_boot(now_ns)

    def on_boot(self, now_ns: int) -> None:
        """The clock is near 0 (at `uptime_us` the first time); subclasses add their counters and settings."""
        self._boot_ns = now_ns
        self._boot_clock_us = self._uptime_us if self.boots == 0 else 0

    def clock_ns(self, now_ns: int) -> int:
        """The pod's clock at an instant of the carrier's."""
        return self._boot_clock_us * 1000 + self.paced_ns(now_ns - self._boot_ns)

    def paced_ns(self, elapsed_ns: int) -> int:
        """How much of its own time a stretch of the carrier's time is."""
        return elapsed_ns + round(elapsed_ns * self.clock_ppm * 1e-6)

    def source_ns(self, now_ns: int) -> int:
        """The source's time at an instant of the carrier's."""
        return self.paced_ns(now_ns - self._origin_ns)

    def stamped_ns(self, t_source_ns: int) -> int:
        """What the pod's clock shows when the source's time is this."""
        return t_source_ns + self.clock_ns(self._origin_ns)

    def ready_ns(self, t_source_ns: int) -> int:
        """The carrier's time of a sample."""
        return self._origin_ns + round(t_source_ns / (1 + self.clock_ppm * 1e-6))

    def skip(self, now_ns: int) -> None:
        """Nobody samples: what was up to now is not measured."""
        self._cursor_ns = self.source_ns(now_ns)

    def take(self, now_ns: int, rate_hz: float, *, at_least: int = 1) -> Samples | None:
        """Samples since the last call, None while there are fewer than `at_least`; call `used` for what was sent."""
        until_ns = self.source_ns(now_ns)
        if until_ns - self._cursor_ns < (at_least - 1) * NS / rate_hz:
            return None
        samples = self._source.between(self._cursor_ns, until_ns, rate_hz)
        return samples if len(samples) >= at_least else None

    def used(self, samples: Samples, n: int) -> None:
        """The first n of these samples are gone; the others come again."""
        if n:
            self._cursor_ns = int(samples.t_ns[n - 1]) + 1

    @staticmethod
    def counts(
        values: FloatArray,
        per_unit: float,
        saturated: npt.NDArray[np.integer],
        *,
        limit: int = 32767,
    ) -> npt.NDArray[np.int64]:
        """Raw counts (n, 3) of values (n, 3): rounded, clipped at `limit`; what the sensor clipped is at full scale.

        `saturated` (n,): bits 0-2 for x, y, z of these values (shift the gyroscope's down).
        """
        raw = np.clip(np.rint(values * per_unit), -limit - 1, limit)
        at_limit = ((saturated[:, None] >> np.arange(3)) & 1) == 1
        clipped_early = at_limit & (np.abs(raw) < AT_FULL_SCALE * limit)  # by a narrower range than this one
        return np.where(clipped_early, np.copysign(limit, values), raw).astype(np.int64)

    @classmethod
    def worn(
        cls,
        foot: SimulatedFoot,
        address: str,
        name: str,
        *,
        now_ns: int,
        origin_ns: int | None = None,
        clock_ppm: float = 0.0,
        loop: bool = False,
        seed: int = 0,
    ) -> Self:
        """A pod on a simulated foot (`RunnerSimulation.render`), whose script begins at `origin_ns`.

        `clock_ppm` is what the foot was rendered with (`SensorModel.clock_ppm`): then both feet keep to one true time.
        """
        return cls(
            address,
            name,
            ArraySource(foot.t_pod_ns, foot.acc_mps2, foot.gyr_radps, foot.saturated, loop=loop),
            now_ns=now_ns,
            origin_ns=origin_ns,
            rate_hz=foot.rate_hz,
            acc_range_g=round(foot.acc_range_mps2 / G_MPS2),
            gyr_range_dps=round(math.degrees(foot.gyr_range_radps)),
            clock_ppm=clock_ppm,
            seed=seed,
        )
