"""Stride length and speed of each stride, from the trajectory, a model, or what is known from elsewhere.

Three sources, the one taken whose error is expected to be the smallest:

* `trajectory`: the way between mid-stances (dsp/travel.py).
* `model`: while a foot stands the body passes over it; how far is a matter of the leg, and about the same at every
  speed. So speed is that contact length over contact time. The length of this runner is learned from her own
  trajectories, and better from a known speed. Running only.
* `configured`: two configured step lengths in a stride.

A speed known from a belt, an RSC pod or a GNSS file (`known`) teaches one factor for the trajectory and the contact
length, for each foot and activity; once taught the source has `+personal` added. Strides of the time while the speed
is known are told by the same rule as all others.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import hypot, log
from typing import NamedTuple

from sensord.load.personal import Factor
from sensord.model import NS, Activity, Json, Side, StepLengths, Stride, changed

CONTACT_LENGTH_M = 0.85
CONTACT_LENGTH_SHARE = 0.15
"""Contact length before anything is learned of a runner, and its spread: four runners had 0.78, 0.78, 0.83 and 1.03 m
(`python bench/fit_speed.py`, which also tells each by the other three)."""

TRAJECTORY_SHARE = 0.03
MENDED_SHARE = 0.04
CONFIGURED_SHARE = 0.15
"""Design choices: by how much a source may be off as a whole. Direct integration was 0.08 ± 0.10 m/s off between 33
runners (Falbriard et al. 2021, doi:10.3389/fspor.2021.585809), which is 3 % of 3 m/s."""

DRIFT_SHARE = 0.03
"""Design choice: how much the contact length changes with speed and fatigue."""

TRAJECTORY_CHANCE = 0.02
MENDED_CHANCE = 0.06
CONTACT_CHANCE = 0.04
"""Design choices: random error of one stride: of a trajectory; of one with a gap or without its shock; of contact time
(8 ms of 0.2 s at 100 Hz)."""

TAUGHT = 5
"""Design choice: strides at a known speed before a factor counts as personal."""

SETTLE_NS = 5 * NS
"""Design choice: a belt needs this long to come to the speed that was entered."""

PLAUSIBLE_MPS = {Activity.WALK: (0.1, 4.0), Activity.RUN: (0.5, 12.5)}
"""Design choice: speeds outside are errors (the fastest men reach 12.4 m/s)."""

STATE_VERSION = 1
KNOWN_KEPT = 64


@dataclass(frozen=True, slots=True)
class _Known:
    """From `t_ns` on the speed is this; None: no longer known."""

    t_ns: int
    speed_mps: float | None
    sd_mps: float
    source: str


class _Told(NamedTuple):
    """One way to tell the speed: value, expected error as a share, name."""

    speed_mps: float
    sd_share: float
    source: str


def _gain() -> Factor:
    return Factor(0.0, TRAJECTORY_SHARE**2)


def _contact() -> Factor:
    return Factor(log(CONTACT_LENGTH_M), CONTACT_LENGTH_SHARE**2)


@dataclass(slots=True)
class _Learned:
    """One foot in one activity: factor of the trajectory; contact length from known speeds, and from trajectories."""

    gain: Factor = field(default_factory=_gain)
    contact: Factor = field(default_factory=_contact)
    own: Factor = field(default_factory=_contact)


class SpeedEstimator:
    """`apply` fills length and speed of a stride; `known` tells it a speed from a belt, an RSC pod or a GNSS file."""

    def __init__(self, step_lengths: StepLengths) -> None:
        self._step_m = {Activity.WALK: step_lengths.walk_m, Activity.RUN: step_lengths.run_m}
        self._known: deque[_Known] = deque(maxlen=KNOWN_KEPT)
        self._learned: dict[tuple[Side, Activity], _Learned] = {(s, a): _Learned() for s in Side for a in Activity}

    def known(self, t_ns: int, speed_mps: float | None, *, sd_mps: float, source: str) -> None:
        """From run time `t_ns` on the true speed is this (m/s, with its SD); None: no longer known.

        `source` names who says so; "treadmill" is given some seconds to settle. Times come in order.
        """
        self._known.append(_Known(t_ns, speed_mps, sd_mps, source))

    def apply(self, stride: Stride) -> Stride:
        """The stride with `stride_length_m`, `speed_mps`, `speed_sd_mps` and `speed_source`, where they are known."""
        if stride.stride_time_s is None:
            return stride
        learned = self._learned[stride.foot, stride.activity]
        told = min(self._ways(stride, stride.stride_time_s, learned), key=lambda way: way.sd_share)
        self._learn(stride, stride.stride_time_s, learned)
        return changed(
            stride,
            stride_length_m=told.speed_mps * stride.stride_time_s,
            speed_mps=told.speed_mps,
            speed_sd_mps=told.speed_mps * told.sd_share,
            speed_source=told.source,
        )

    def to_json(self) -> Json:
        """What was learned of the runner, as plain values for her next run."""
        feet = {
            f"{side.value} {activity.value}": {
                "gain": one.gain.to_json(),
                "contact": one.contact.to_json(),
                "own": one.own.to_json(),
            }
            for (side, activity), one in self._learned.items()
        }
        return {"version": STATE_VERSION, "feet": feet}

    @classmethod
    def from_json(cls, step_lengths: StepLengths, value: Json) -> SpeedEstimator:
        """An estimator that knows what another one had learned; ValueError when `value` is not from `to_json`."""
        if (
            not isinstance(value, dict)
            or value.get("version") != STATE_VERSION
            or not isinstance(value.get("feet"), dict)
        ):
            raise ValueError(f"not what was learned of a runner (version {STATE_VERSION})")
        made = cls(step_lengths)
        for side, activity in made._learned:
            one = value["feet"].get(f"{side.value} {activity.value}")
            if not isinstance(one, dict) or not {"gain", "contact", "own"} <= one.keys():
                raise ValueError(f"not what was learned of a runner: {side.value} {activity.value} is missing")
            made._learned[side, activity] = _Learned(
                *(Factor.from_json(one[name]) for name in ("gain", "contact", "own"))
            )
        return made

    def _ways(self, stride: Stride, stride_s: float, learned: _Learned) -> list[_Told]:
        """Every way to tell the speed of this stride; the last one always can."""
        ways = []
        lowest, highest = PLAUSIBLE_MPS[stride.activity]
        if stride.trajectory_length_m is not None and "gyro_clipped" not in stride.spoiled:
            gain, mended = learned.gain, _mended(stride)
            personal = gain.n >= TAUGHT and not mended
            own = gain.sd_share if personal else MENDED_SHARE if mended else TRAJECTORY_SHARE
            chance = MENDED_CHANCE if mended or stride.gap else TRAJECTORY_CHANCE
            speed = stride.trajectory_length_m / stride_s * (gain.value if personal else 1.0)
            ways.append(_Told(speed, hypot(own, chance), "trajectory+personal" if personal else "trajectory"))
        if stride.activity is Activity.RUN and stride.contact_time_s is not None:
            personal = learned.contact.n >= TAUGHT
            length = learned.contact if personal else learned.own
            own = hypot(length.sd_share, DRIFT_SHARE)
            source = "model+personal" if personal else "model"
            ways.append(_Told(length.value / stride.contact_time_s, hypot(own, CONTACT_CHANCE), source))
        ways = [way for way in ways if lowest <= way.speed_mps <= highest]
        configured = 2.0 * self._step_m[stride.activity] / stride_s
        return ways or [_Told(configured, CONFIGURED_SHARE, "configured")]

    def _learn(self, stride: Stride, stride_s: float, learned: _Learned) -> None:
        seen = None if "gyro_clipped" in stride.spoiled else stride.trajectory_length_m
        speed = None if seen is None else seen / stride_s
        contact_s = stride.contact_time_s if stride.activity is Activity.RUN else None
        most = CONTACT_LENGTH_SHARE**2
        mended = _mended(stride)
        if speed is not None and contact_s is not None:
            chance = hypot(CONTACT_CHANCE, MENDED_CHANCE if mended or stride.gap else TRAJECTORY_CHANCE)
            known_share = MENDED_SHARE if mended else TRAJECTORY_SHARE
            learned.own.teach(speed * contact_s, sd_share=chance, known_share=known_share, most=most)
        known = self._known_during(stride)
        if known is None or known.speed_mps is None:
            return
        share = known.sd_mps / known.speed_mps
        if contact_s is not None:
            learned.contact.teach(
                known.speed_mps * contact_s, sd_share=hypot(CONTACT_CHANCE, share), known_share=share, most=most
            )
        if speed is not None and not mended and not stride.gap:
            learned.gain.teach(
                known.speed_mps / speed,
                sd_share=hypot(TRAJECTORY_CHANCE, share),
                known_share=share,
                most=TRAJECTORY_SHARE**2,
            )

    def _known_during(self, stride: Stride) -> _Known | None:
        """The known speed that holds over the whole stride, if there is one."""
        if stride.ic_run_ns is None or stride.next_ic_run_ns is None:
            return None
        before = [one for one in self._known if one.t_ns <= stride.ic_run_ns]
        changed = any(
            stride.ic_run_ns < one.t_ns < stride.next_ic_run_ns and one.speed_mps is None for one in self._known
        )
        if not before or changed or not before[-1].speed_mps:
            return None
        now = before[-1]
        settled = now.source != "treadmill" or stride.ic_run_ns >= now.t_ns + SETTLE_NS
        return now if settled else None


def chance_share(stride: Stride) -> float:
    """Random error of a stride's speed as a share, by its source; the rest of its SD is common to all such strides."""
    match (stride.speed_source or "").removesuffix("+personal"):
        case "trajectory":
            return MENDED_CHANCE if _mended(stride) or stride.gap else TRAJECTORY_CHANCE
        case "model":
            return CONTACT_CHANCE
        case _:
            return 0.0


def _mended(stride: Stride) -> bool:
    return "shock_unseen" in stride.spoiled
