"""What flows: inputs on the left, events on the right, and their units.

Inputs (`Packet`, `Tick`, `Mark`) are exactly what a run file keeps, in the order they were seen. Everything else is a
pure function of them, the run's `RunSetup` and `ALGORITHM`. Events leave the pipeline as `Event`: a kind, a run time,
and a payload of plain JSON values. The payload classes below are the vocabulary of those payloads; `payload()` turns
one into JSON values, `canonical_json()` into the bytes that are stored.

Units are in the names (SI; g, spm and km only where people read them). Unmeasured is `None`, never 0.
Times: `*_pod_ns` on a pod's own clock, `t_ns` and `*_run_ns` in ns since the start of the run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, make_dataclass
from enum import StrEnum
from functools import cache
from math import isfinite
from operator import attrgetter
from typing import Any, ClassVar, TypeVar, cast

import numpy as np
import numpy.typing as npt

from sensord.model_plan import SegmentDone, WorkoutDone, WorkoutState

ALGORITHM = "2"
"""Version of everything that turns packets into values. Raised by any change that can change a stored value."""

G_MPS2 = 9.80665
"""Standard gravity, exact by definition (CGPM 1901)."""

NS = 1_000_000_000
"""Nanoseconds in a second."""

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
MaskArray = npt.NDArray[np.uint8]
Json = Any
"""A plain JSON value: None, bool, int, float, str, list, dict."""


class Side(StrEnum):
    """Which foot."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def other(self) -> Side:
        """The other foot."""
        return Side.RIGHT if self is Side.LEFT else Side.LEFT


class Activity(StrEnum):
    """What the foot was doing during a stride."""

    WALK = "walk"
    RUN = "run"


# ---------------------------------------------------------------------------------------------------------- inputs


@dataclass(frozen=True, slots=True)
class Packet:
    """One notification, as it came: `t_ns` is when it arrived (run time), `payload` is untouched."""

    pod: str
    t_ns: int
    characteristic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Tick:
    """Once a second, so that silence, time limits and reminders need no data to arrive."""

    t_ns: int
    wall_ns: int


class MarkKind(StrEnum):
    """What happened besides packets and ticks."""

    LINK_UP = "link_up"  # data: pod, info (what `Driver` read back, JSON values)
    LINK_DOWN = "link_down"  # data: pod, reason
    BATTERY = "battery"  # data: pod, percent
    COMMAND = "command"  # data: command ("end"), by
    CLOCK = "clock"  # data: wall_ns, step_s, trusted: the wall clock was corrected, or is trusted now; no anchor moves
    RESUMED = "resumed"  # data: gap_s, boot_id: the process came back after a crash
    NOTE = "note"  # data: text, by
    SPEED = "speed"  # data: speed_mps (None: no longer known), sd_mps, source, by; perhaps grade_pct from here on


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at `t_ns` (run time) besides a packet or a tick."""

    t_ns: int
    kind: MarkKind
    data: Mapping[str, Json] = field(default_factory=dict)


Input = Packet | Tick | Mark


@dataclass(frozen=True, slots=True)
class PodSetup:
    """One pod of a run: its key (address), the foot it is on, the driver that speaks to it.

    `side` is None for what tells readings instead of samples (an RSC pod, a heart rate strap, a watch's file).
    """

    pod: str
    side: Side | None
    driver: str


@dataclass(frozen=True, slots=True)
class StepLengths:
    """Configured step lengths for distance v0 (uncalibrated; see docs/architecture.md)."""

    walk_m: float = 0.70
    run_m: float = 0.95
    # Defaults are placeholders a runner replaces: configuration, not a measurement; distance is marked uncalibrated.


@dataclass(frozen=True, slots=True)
class RunSetup:
    """All that the pipeline needs besides the recorded inputs. Stored whole in the run file's `meta`."""

    run: str
    runner: str
    site: str
    gateway: str
    pods: tuple[PodSetup, ...]
    plan_text: str | None = None
    step_lengths: StepLengths = StepLengths()
    mass_kg: float | None = None
    history: tuple[Mapping[str, Json], ...] = ()
    """Summaries (`RunSummary` payloads) of the runner's earlier runs, oldest first: what baselines are made of."""
    shoe: str | None = None
    surface: str | None = None
    mount: str | None = None
    grade_pct: float | None = None
    """Slope of ground or belt, uphill positive; None: nobody said, and forces assume level ground."""
    day: Mapping[str, Json] | None = None
    """Where she stands in her plan when the run starts (`plan.standing.Day`); None: no stages, or not known."""


@dataclass(frozen=True, slots=True)
class SampleBlock:
    """Consecutive samples of one pod in its own frame (driver -> dsp). Arrays have n rows.

    `t_pod_ns` is strictly increasing inside a `segment`; a reboot or a link without a counter starts a new one.
    `saturated` has bits 0-2 for acc x,y,z and 3-5 for gyr x,y,z at (or beyond 0.995 of) full scale, and bit 6 for any
    axis of the high-g sensor; bit 7 is free.
    `missing_before` counts samples known to be lost between the previous block and this one, None when unknowable.
    """

    t_pod_ns: IntArray
    acc_mps2: FloatArray
    gyr_radps: FloatArray
    saturated: MaskArray
    segment: int = 0
    t_rx_ns: int | None = None
    missing_before: int | None = 0
    acc_range_mps2: float | None = None
    gyr_range_radps: float | None = None
    high_g_mps2: FloatArray | None = None

    def __len__(self) -> int:
        return int(self.t_pod_ns.shape[0])


@dataclass(frozen=True, slots=True)
class Reading:
    """What a pod that computes for itself says at one moment (a running sensor, a heart rate strap); None: it did not.

    `cadence_per_min` as it was sent: steps or strides, the driver's info says which and by what evidence. `distance_m`
    only grows within a `segment`.
    """

    t_rx_ns: int
    segment: int = 0
    speed_mps: float | None = None
    cadence_per_min: float | None = None
    stride_length_m: float | None = None
    distance_m: float | None = None
    running: bool | None = None
    power_w: float | None = None
    contact_time_s: float | None = None
    heart_rate_bpm: float | None = None
    rr_s: tuple[float, ...] = ()


# ---------------------------------------------------------------------------------------------------------- events


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the event log: the n-th event of this run under this algorithm, at run time `t_ns`."""

    n: int
    t_ns: int
    kind: str
    payload: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Contact:
    """A provisional foot contact for live feedback: not stored, superseded by the stride that holds it."""

    foot: Side
    t_pod_ns: int


@dataclass(frozen=True, slots=True)
class Stride:
    """One stride of one foot, initial contact (IC) to the next IC of the same foot.

    A stride that fails its sanity checks keeps its row: confidence low, the failed values None, `spoiled` says why.
    `next_ic_pod_ns` is None when the next contact was lost (a gap): then there is no stride time either.
    """

    KIND: ClassVar[str] = "stride"

    foot: Side
    stride: int
    segment: int
    ic_pod_ns: int
    tc_pod_ns: int | None
    next_ic_pod_ns: int | None
    activity: Activity
    stride_time_s: float | None
    contact_time_s: float | None
    swing_time_s: float | None
    duty_factor: float | None
    cadence_spm: float | None
    stride_length_m: float | None
    speed_mps: float | None
    strike_angle_deg: float | None
    strike_type: str | None
    impact_peak_g: float | None
    impact_clipped: bool
    force_peak_bw: float | None
    impulse_bw_s: float | None
    gap: bool
    confidence: float
    spoiled: tuple[str, ...] = ()
    ic_run_ns: int | None = None  # filled by the pipeline, once the clock has mapped pod time to run time
    next_ic_run_ns: int | None = None
    contact_time_raw_s: float | None = None  # as found, before the timing bias model
    trajectory_length_m: float | None = None  # over the ground or the belt, from dsp/trajectory.py
    swing_peak_radps: float | None = None
    speed_sd_mps: float | None = None
    speed_source: str | None = None  # load/speed.py: trajectory | model | configured ...
    strike_rearfoot_p: float | None = None
    strike_midfoot_p: float | None = None
    strike_forefoot_p: float | None = None
    eversion_excursion_deg: float | None = None
    eversion_peak_dps: float | None = None
    impact_source: str | None = None  # "acc" | "high_g"
    impact_band_g: float | None = None  # RMS of the 12-20 Hz band round the contact
    force_mean_bw: float | None = None
    force_peak_sine_bw: float | None = None
    step_time_s: float | None = None  # to the next contact of the other foot; only with both feet on one clock
    flight_time_s: float | None = None
    turn_deg: float | None = None  # heading of the foot from this mid-stance to the next; to the left positive


@dataclass(frozen=True, slots=True)
class FootNote:
    """Something the runner should know about one pod's signal: alignment found or refused, pod moved."""

    KIND: ClassVar[str] = "note"

    foot: Side | None
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class FootGait:
    """The last seconds of one foot, for people and dashboards. n counts the strides behind the means."""

    n: int
    cadence_spm: float | None
    contact_time_s: float | None
    contact_n: int
    impact_peak_g: float | None
    impact_clipped_share: float | None
    confidence: float | None


@dataclass(frozen=True, slots=True)
class GaitWindow:
    """Once a second while a run is on: the last `window_s` of both feet and the totals so far."""

    KIND: ClassVar[str] = "gait"

    window_s: float
    activity: Activity | None
    cadence_spm: float | None
    left: FootGait
    right: FootGait
    steps: int
    distance_m: float
    distance_calibrated: bool
    run_time_s: float
    walk_time_s: float
    elapsed_s: float
    flight_time_s: float | None = None  # mean of both feet, needs no synchronisation
    step_time_left_s: float | None = None  # left contact to the next right one; only with both feet on one clock
    step_time_right_s: float | None = None
    flight_time_left_s: float | None = None
    flight_time_right_s: float | None = None
    sync_quality_ms: float | None = None
    run_distance_m: float | None = None
    speed_mps: float | None = None  # mean of what was measured; speed_source: where most of these strides' came from
    speed_sd_mps: float | None = None  # how far off speed_mps may be as a whole: a mean makes that no smaller
    speed_source: str | None = None
    distance_sd_m: float | None = None  # these three: as in RunTotals
    estimated_m: float | None = None
    configured_m: float | None = None
    heart_rate_bpm: float | None = None  # these two: as sensors of their own say now
    power_w: float | None = None


@dataclass(frozen=True, slots=True)
class Asymmetry:
    """Left/right difference of one metric over stride pairs, with a 95 % interval.

    SI = 100·(L−R)/(½(L+R)); `balance_pct` = 100·L/(L+R), shown beside it. Interval: batch means of 10 pairs with
    Student t; None with fewer than 3 batches. A metric whose values may be near 0 has no SI: `difference` (L−R) in
    `unit` instead. What the two pods are known to read differently (`device_bias`) is taken off already.
    `mdc`: the smallest change that is more than scatter; `baseline` and `mdc` are in SI points, or in `unit`.
    """

    KIND: ClassVar[str] = "asymmetry"

    metric: str
    si_pct: float | None
    si_low_pct: float | None
    si_high_pct: float | None
    balance_pct: float | None
    injured_minus_other_pct: float | None
    n: int
    unit: str = "%"
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    left: float | None = None  # means of the same pairs, in `value_unit`: an index alone hides what both feet do
    right: float | None = None
    value_unit: str | None = None
    mdc: float | None = None
    mdc_from: str | None = None  # "runs" (between-run scatter) or "window" (scatter within this value only)
    baseline: float | None = None
    baseline_runs: int | None = None
    baseline_label: str | None = None  # e.g. "made while injured"
    baseline_left: float | None = None
    baseline_right: float | None = None
    device_bias: float | None = None
    speed_band: str | None = None
    why: str | None = None  # what to keep in mind, e.g. "device noise: pods never swapped"
    se: float | None = None  # standard error of the value, in the value's unit; None with fewer than 3 batches
    latest: float | None = None  # the same value of the `latest_n` pairs alone that were in no value before
    latest_n: int = 0


@dataclass(frozen=True, slots=True)
class RunTotals:
    """What a run has come to so far. Each moment is counted once, whichever foot saw it."""

    steps: int = 0
    distance_m: float = 0.0
    run_distance_m: float = 0.0
    run_time_s: float = 0.0
    walk_time_s: float = 0.0
    distance_sd_m: float = 0.0  # how far off distance_m may be: what is common to all strides, and chance
    estimated_m: float = 0.0  # part of distance_m that no foot saw: counted at the last known pace
    configured_m: float = 0.0  # part of distance_m that was counted by configured step lengths
    run_steps: int = 0  # part of steps that was running

    @property
    def measured(self) -> bool:
        """Whether the distance rests on measured strides: less than a tenth by configured lengths (design choice)."""
        return self.distance_m > 0.0 and self.configured_m < 0.1 * self.distance_m


class LimitStatus(StrEnum):
    """What can be said about a limit."""

    WITHIN = "within"
    OVER = "over"
    UNDECIDED = "undecided"
    NOT_CHECKED = "not_checked"


class Level(StrEnum):
    """How loud."""

    NONE = "none"
    INFO = "info"
    WARN = "warn"
    STOP = "stop"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class LimitState:
    """Where one limit stands. `reason` says why it is undecided ("12 of 30 strides") or not checked."""

    KIND: ClassVar[str] = "limit_state"

    rule: str  # e.g. "limit.distance", "impact", "asymmetry.contact_time"
    metric: str
    unit: str
    status: LimitStatus
    level: Level
    value: float | None
    warn: float | None
    stop: float | None
    n: int
    n_needed: int | None
    reason: str | None


class AlertPhase(StrEnum):
    """An alert begins once and ends once; in between it may be said again."""

    ONSET = "onset"
    REMINDER = "reminder"  # it still lasts
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Alert:
    """A limit was passed (onset), still is (reminder), or is kept again (recovery). `id` is run/rule/level/onset-ns,
    the same for all."""

    KIND: ClassVar[str] = "alert"

    id: str
    phase: AlertPhase
    level: Level
    rule: str
    metric: str
    unit: str
    value: float | None
    limit: float
    cue: str  # at most three words, for the ear
    text: str  # fact + limit + what remains
    onset_ns: int
    duration_s: float | None  # recovery only


class RunState(StrEnum):
    """The life of a run (design: idle -> ready -> running -> paused -> ended). Idle has no run, hence no event."""

    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class RunChange:
    """The run went from one state of its life to the next."""

    KIND: ClassVar[str] = "run"

    state: RunState
    reason: str


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run came to; the last event of a run but for its `ended` change. Medians are over running strides."""

    KIND: ClassVar[str] = "summary"

    runner: str
    strides_left: int
    strides_right: int
    steps: int
    distance_m: float
    distance_calibrated: bool
    run_time_s: float
    walk_time_s: float
    elapsed_s: float
    cadence_spm: float | None
    contact_time_left_s: float | None
    contact_time_right_s: float | None
    contact_time_si_pct: float | None
    contact_time_pairs: int
    impact_left_g: float | None
    impact_right_g: float | None
    impact_n_left: int
    impact_n_right: int
    impact_clipped_share: float | None
    alerts: int
    limits_checked: int
    limits_total: int
    gap_strides: int
    speed_mps: float | None = None
    speed_band: str | None = None  # where most running strides were
    shoe: str | None = None
    surface: str | None = None
    mount: str | None = None
    injured: bool = False  # made while injured: the plan named an injured side
    pods: Mapping[str, Json] = field(default_factory=dict)  # foot: pod
    metrics: Mapping[str, Json] = field(default_factory=dict)  # metric: medians a foot, n, index (see load/summary.py)
    bands: Mapping[str, Json] = field(default_factory=dict)  # speed band: the same as `metrics`
    speed_model: Mapping[str, Json] = field(default_factory=dict)  # what load/speed.py learned of her, for her next run
    impact: Mapping[str, Json] = field(default_factory=dict)  # foot: source, n, clipped, quantiles (impact_summary.py)
    distance_sd_m: float | None = None  # these three: as in RunTotals
    estimated_m: float | None = None
    configured_m: float | None = None
    heart_rate_bpm: float | None = None  # mean over the run, where a sensor told it
    day: Mapping[str, Json] = field(default_factory=dict)  # plan, revision, stage that it was run by; {}: no stages
    measured: Mapping[str, Json] = field(default_factory=dict)  # fields for a plan's conditions (plan/measured.py)
    workout: Mapping[str, Json] = field(default_factory=dict)  # `WorkoutDone` but for its intervals; {}: none planned


@dataclass(frozen=True, slots=True)
class FootLoadState:
    """What one foot has taken so far in this run (load/foot_load.py): external load, estimated, for comparison with her
    own runs only. Sums are over the `force_n` and `impulse_n` running strides that had a value; None: none had."""

    KIND: ClassVar[str] = "load"

    foot: Side
    strides: int
    walk_strides: int
    force_n: int
    force_peak_sum_bw: float | None
    without_force: int
    impulse_n: int
    impulse_sum_bw_s: float | None
    impulse_sum_ns: float | None  # newton-seconds, only when the runner's mass is known
    intensity: str | None  # what the bins are made of
    edges: tuple[float, ...]
    bins: tuple[int, ...]  # one more than edges: below the first, ..., from the last on
    unbinned: int  # not known, or clipped below the last edge
    weighted_cycles: float | None  # sum of (force / reference)^exponent
    exponent: float | None
    exponent_source: str | None
    reference_bw: float | None  # her own usual peak force of this foot
    why: str | None  # why there are no weighted cycles


@dataclass(frozen=True, slots=True)
class PodStatus:
    """One pod's link, battery and counted losses; on change and every 10 s."""

    KIND: ClassVar[str] = "pod"

    pod: str
    foot: Side | None  # None: it is on neither, as PodSetup.side
    link: str  # "up" | "down"
    reason: str | None
    battery_pct: int | None
    packets: int
    packets_rejected: int
    samples: int
    samples_lost: int | None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as the store keeps it: `seq` is its place in this gateway's log, the rest what sinks need of its run."""

    seq: int
    run: str
    n: int
    algo: str
    t_ns: int
    kind: str
    payload: Mapping[str, Json]
    runner: str
    site: str
    wall_anchor_ns: int | None  # wall time of run time 0; None while the clock cannot be trusted


Payload = (
    Stride
    | FootNote
    | GaitWindow
    | Asymmetry
    | LimitState
    | Alert
    | RunChange
    | RunSummary
    | FootLoadState
    | PodStatus
    | WorkoutState
    | SegmentDone
    | WorkoutDone
)


Slotted = TypeVar("Slotted")

_AS_THEY_ARE = frozenset((type(None), bool, int, str))
"""Types whose values are JSON values whatever they are."""


@cache
def _fields(kind: type) -> tuple[tuple[str, ...], Callable[[object], tuple[Any, ...]]]:
    """Names of a dataclass's fields, and what reads them all."""
    names = tuple(f.name for f in fields(kind))
    if len(names) > 1:
        return names, attrgetter(*names)
    return names, lambda value: tuple(getattr(value, name) for name in names)


@cache
def _twin(kind: type) -> tuple[dict[str, int], Callable[..., Any]]:
    """Places of a dataclass's fields, and a class with the same slots that is not frozen: an instance costs a tenth."""
    names, _ = _fields(kind)
    return {name: at for at, name in enumerate(names)}, make_dataclass(kind.__name__, names, slots=True)


def maker(kind: type[Slotted]) -> type[Slotted]:
    """To be called like a frozen, slotted dataclass without default factories, and gives the same at a third of the
    cost: for what every packet or stride makes."""
    plain: type = kind
    alike = [(f.name, object, field(default=f.default)) for f in fields(plain)]  # no default where it has none
    twin = make_dataclass(plain.__name__, alike, slots=True)

    def make(*args: object, **values: object) -> Slotted:
        made = twin(*args, **values)
        made.__class__ = plain
        return cast("Slotted", made)

    return cast("type[Slotted]", make)


def changed(value: Slotted, **values: object) -> Slotted:
    """A copy with other values in some fields: `dataclasses.replace` at a fifth of its cost, for slotted dataclasses.

    Every stride passes through it several times. The copy is filled as long as it is of the twin, which may be written,
    and is of its own class from then on. KeyError for a field that there is not.
    """
    kind: type = type(value)
    places, twin = _twin(kind)
    filled = [*_fields(kind)[1](value)]
    for name, new in values.items():
        filled[places[name]] = new
    copy = twin(*filled)
    copy.__class__ = kind
    return cast("Slotted", copy)


def payload(value: object) -> Json:
    """Plain JSON values of a payload object (dataclasses, enums, tuples inside); refuses NaN and infinities."""
    kind = type(value)
    if isinstance(value, float):
        if not isfinite(value):
            raise ValueError(f"unmeasured must be None, not {value}")
        return value.item() if isinstance(value, np.generic) else value
    if kind in _AS_THEY_ARE:
        return value
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, list | tuple):
        return [payload(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): payload(v) for k, v in value.items()}
    return payload(value.item()) if isinstance(value, np.generic) else _of_fields(value)


def _of_fields(value: object) -> Json:
    if not is_dataclass(value) or isinstance(value, type):
        return value
    names, values = _fields(type(value))
    # most fields are plain: asking that here saves a call for each
    pairs = zip(names, values(value), strict=True)
    return {
        name: v if type(v) in _AS_THEY_ARE or (type(v) is float and isfinite(v)) else payload(v) for name, v in pairs
    }


def canonical_json(value: Json) -> str:
    """The one JSON text of a value: sorted keys, no spaces, shortest round-trip floats, UTF-8 kept readable."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
