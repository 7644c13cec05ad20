"""A running body with known truth: play a script, read its pods, compare with what really happened.

    simulation = RunnerSimulation([Stand(3), Walk(20), Run(60, speed_mps=2.8, contact_asymmetry_pct=4), Stand(3)])
    left = simulation.render(Side.LEFT, 200.0)
    simulation.truth.left[0].contact_time_s

Everything is a pure function of the script, the seed and the sensor model: no clock, no files. How it was compared with
real recordings: `docs/simulator.md`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sensord.errors import InputError, Problem
from sensord.model import G_MPS2, Activity, FloatArray, IntArray, MaskArray, SampleBlock, Side
from sensord.sim.footfalls import BoutLayout, Contact
from sensord.sim.gait import Gait, Variability, running, walking
from sensord.sim.kinematics import FootMotion
from sensord.sim.script import DropOut, Limp, Move, Phase, Run, Stand, Walk, lay_out
from sensord.sim.sensor import LEVEL, SensorModel, mount, read, ticks

__all__ = [
    "LEVEL",
    "DropOut",
    "Gait",
    "Limp",
    "Move",
    "Phase",
    "Run",
    "RunnerSimulation",
    "SensorModel",
    "SimulatedFoot",
    "Stand",
    "TrueContact",
    "TrueStride",
    "Truth",
    "Variability",
    "Walk",
    "mount",
    "running",
    "walking",
]


@dataclass(frozen=True, slots=True)
class TrueContact:
    """One foot on the ground, in true time; standing before a bout has no `ic_s`, standing after it no `tc_s`."""

    ic_s: float | None
    tc_s: float | None
    x_m: float


@dataclass(frozen=True, slots=True)
class TrueStride:
    """One stride, initial contact to the next of the same foot, in true time."""

    side: Side
    ic_s: float
    tc_s: float
    next_ic_s: float
    activity: Activity
    contact_time_s: float
    stride_time_s: float
    stride_length_m: float
    speed_mps: float
    strike_angle_deg: float
    impact_peak_g: float


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened."""

    left: tuple[TrueStride, ...]
    right: tuple[TrueStride, ...]
    left_contacts: tuple[TrueContact, ...]
    right_contacts: tuple[TrueContact, ...]
    distance_m: float
    duration_s: float

    def strides(self, side: Side) -> tuple[TrueStride, ...]:
        """Strides of one foot, in order."""
        return self.left if side is Side.LEFT else self.right

    def contacts(self, side: Side) -> tuple[TrueContact, ...]:
        """Contacts of one foot, standing included, in order."""
        return self.left_contacts if side is Side.LEFT else self.right_contacts


@dataclass(frozen=True, slots=True)
class SimulatedFoot:
    """Samples of one pod, as it would give them (pod frame), and when the truth happened on its clock.

    `index` is the pod's sample counter: it jumps where packets were lost or the pod was silent. `ic_pod_ns` and
    `tc_pod_ns` hold every contact of the truth that has one.
    """

    side: Side
    rate_hz: float
    index: IntArray
    t_pod_ns: IntArray
    true_time_s: FloatArray
    acc_mps2: FloatArray
    gyr_radps: FloatArray
    saturated: MaskArray
    ic_pod_ns: IntArray
    tc_pod_ns: IntArray
    mount: FloatArray
    acc_range_mps2: float
    gyr_range_radps: float

    def __len__(self) -> int:
        return int(self.t_pod_ns.shape[0])

    def block(self, start: int = 0, stop: int | None = None) -> SampleBlock:
        """Samples [start, stop) as a driver would hand them over."""
        part = slice(start, len(self) if stop is None else stop)
        before = int(self.index[part][0] - (self.index[start - 1] + 1 if start else self.index[0])) if len(self) else 0
        return SampleBlock(
            t_pod_ns=self.t_pod_ns[part],
            acc_mps2=self.acc_mps2[part],
            gyr_radps=self.gyr_radps[part],
            saturated=self.saturated[part],
            missing_before=before,
            acc_range_mps2=self.acc_range_mps2,
            gyr_range_radps=self.gyr_range_radps,
        )


class RunnerSimulation:
    """Plays a script once; then any pod can be read from it, any number of times.

    `first` is the foot that takes the first step. `position_m` of the default pod decides what "impact peak" means.
    Raises InputError naming every phase or number that cannot be played.
    """

    def __init__(self, script: Sequence[Phase], *, seed: int = 1, first: Side = Side.LEFT) -> None:
        plan = lay_out(script)
        self._plan, self._seed, self._first = plan, seed, first
        bouts: list[BoutLayout] = []
        for k, bout in enumerate(plan.bouts):
            start_m = bouts[-1].end_x_m if bouts else 0.0
            bouts.append(BoutLayout(bout, start_m, first, (seed, 1, k)))
        position = np.array(SensorModel().position_m)
        self._motion: dict[Side, FootMotion] = {}
        contacts: dict[Side, tuple[TrueContact, ...]] = {}
        strides: dict[Side, tuple[TrueStride, ...]] = {}
        for side in Side:
            feet = [b.contacts(side) for b in bouts]
            motion = FootMotion(side, feet, plan.duration_s)
            landed = [c for foot in feet for c in foot if c.ic_s is not None]
            peaks = motion.fit_impacts(np.array([c.impact_g for c in landed]), position)
            pitch = np.rad2deg(motion.pitch_rad(np.array([c.ic_s for c in landed], dtype=np.float64)))
            facts = {id(c): (float(p), float(a)) for c, p, a in zip(landed, peaks, pitch, strict=True)}
            strides[side] = tuple(s for foot in feet for s in _strides(side, foot, facts))
            contacts[side] = tuple(TrueContact(c.ic_s, c.tc_s, c.x_m) for foot in feet for c in foot)
            self._motion[side] = motion
        self.truth = Truth(
            left=strides[Side.LEFT],
            right=strides[Side.RIGHT],
            left_contacts=contacts[Side.LEFT],
            right_contacts=contacts[Side.RIGHT],
            distance_m=bouts[-1].end_x_m if bouts else 0.0,
            duration_s=plan.duration_s,
        )

    def motion(self, side: Side) -> FootMotion:
        """The motion itself, for whoever needs a pose between samples."""
        return self._motion[side]

    def render(self, side: Side, rate_hz: float, pod: SensorModel | None = None) -> SimulatedFoot:
        """Read one pod over the whole script at `rate_hz` (on the pod's own clock)."""
        model = pod or SensorModel()
        model.check()
        if not 10.0 <= rate_hz <= 10_000.0:
            raise InputError(Problem("render", "rate_hz", f"{rate_hz:g}", "10 to 10000"))
        tick = ticks(model, rate_hz, self._plan.duration_s)
        at_pod = self._motion[side].sample(tick.true_s, np.array(model.position_m))
        # streams are named by which foot stepped first, so that swapping sides mirrors everything
        foot = 0 if side is self._first else 1
        seed = (self._seed, 2, foot)
        tremor_g = self._motion[side].tremor_g(tick.true_s)
        reading = read(model, side, rate_hz, at_pod.force_mps2, at_pod.rate_radps, tremor_g, seed)
        kept = reading.kept.copy()
        for gap in self._plan.silences:
            if gap.side is side:
                kept &= ~((tick.true_s >= gap.start_s) & (tick.true_s < gap.end_s))
        index = np.flatnonzero(kept).astype(np.int64)
        events = self.truth.contacts(side)
        return SimulatedFoot(
            side=side,
            rate_hz=rate_hz,
            index=index,
            t_pod_ns=tick.t_pod_ns[index],
            true_time_s=tick.true_s[index],
            acc_mps2=reading.acc_mps2[index],
            gyr_radps=reading.gyr_radps[index],
            saturated=reading.saturated[index],
            ic_pod_ns=model.pod_time_ns(np.array([c.ic_s for c in events if c.ic_s is not None])),
            tc_pod_ns=model.pod_time_ns(np.array([c.tc_s for c in events if c.tc_s is not None])),
            mount=reading.mount,
            acc_range_mps2=model.acc_range_g * G_MPS2,
            gyr_range_radps=float(np.deg2rad(model.gyr_range_dps)),
        )


def _strides(side: Side, contacts: list[Contact], facts: dict[int, tuple[float, float]]) -> list[TrueStride]:
    out = []
    for a, b in itertools.pairwise(contacts):
        if a.ic_s is None or a.tc_s is None or b.ic_s is None:
            continue
        peak, pitch = facts[id(a)]
        time_s, length_m = b.ic_s - a.ic_s, b.x_m - a.x_m
        out.append(
            TrueStride(
                side=side,
                ic_s=a.ic_s,
                tc_s=a.tc_s,
                next_ic_s=b.ic_s,
                activity=a.gait.activity,
                contact_time_s=a.tc_s - a.ic_s,
                stride_time_s=time_s,
                stride_length_m=length_m,
                speed_mps=length_m / time_s,
                strike_angle_deg=pitch,
                impact_peak_g=peak,
            )
        )
    return out
