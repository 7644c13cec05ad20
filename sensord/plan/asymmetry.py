"""Asymmetry of one metric against her own baseline, either way.

Values arrive with their 95 % interval (`load.asymmetry`). What is limited is the distance of the symmetry index (of
flight time and strike angle: of the difference) from the baseline of the speed she runs at: within when the whole
interval is nearer than the first limit. An alert begins when the evidence of all pairs so far is enough
(`plan.sequential`), has been building up for `sustained` of running time, and the whole interval is farther; evidence
that she is nearer than `clear_below` ends it in the same way. A change must also be more than runs differ from each
other (the baseline's minimal detectable change, when three runs or more tell it): a limit that is less than that counts
as that. Walking breaks neither count nor interrupt.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import copysign

from sensord.model import Activity, Asymmetry, Level, LimitStatus, Side, Stride
from sensord.plan.baseline import Baseline, Baselines
from sensord.plan.breach import RANK, Turn
from sensord.plan.model import AsymmetryLimit
from sensord.plan.rule import (
    MIN_CONFIDENCE,
    Finding,
    Freshness,
    Name,
    Rule,
    RunClock,
    Said,
    Words,
    not_checked,
)
from sensord.plan.sequential import BATCH, Reading, Spread, Watch, score

PAIRS_STALE_S = 30
"""Running time without a new value of contact time, which comes every ten pairs, about every 8 s (design choice)."""

OTHERS_STALE_S = 90
"""The same for the other metrics, which come every thirty pairs, about every 24 s (design choice)."""


@dataclass(frozen=True, slots=True)
class _Told:
    """How a metric is told: where a stride has it, its name, what more of it is called, the cue, the unit of change."""

    field: str
    noun: str
    more: str
    cue: str
    unit: str = "points"


TOLD = {
    "contact_time": _Told("contact_time_s", "Contact time", "longer", "Contact times differ"),
    "swing_time": _Told("swing_time_s", "Swing time", "longer", "Swing times differ"),
    "duty_factor": _Told("duty_factor", "Duty factor", "higher", "Duty factors differ"),
    "step_time": _Told("step_time_s", "Step time", "longer", "Step times differ"),
    "flight_time": _Told("flight_time_s", "Flight time", "longer", "Flight times differ", "ms"),
    "impact_peak": _Told("impact_peak_g", "Impact", "harder", "Impacts differ"),
    "impact_band": _Told("impact_band_g", "Impact band", "harder", "Impacts differ"),
    "force_peak": _Told("force_peak_bw", "Estimated peak force", "higher", "Forces differ"),
    "impulse": _Told("impulse_bw_s", "Estimated impulse", "higher", "Impulses differ"),
    "strike_angle": _Told("strike_angle_deg", "Strike angle", "larger", "Strike angles differ", "deg"),
}


@dataclass(frozen=True, slots=True)
class _Change:
    """Change from baseline, signed injured - other, with its interval; `mdc`: what runs differ by anyway, 0 unknown."""

    value: float
    low: float
    high: float
    n: int
    mdc: float
    latest: float

    @property
    def nearest(self) -> float:
        """The smallest distance from baseline in the interval."""
        return max(0.0, self.low, -self.high)

    @property
    def farthest(self) -> float:
        """The largest one."""
        return max(-self.low, self.high)

    @property
    def stands_out(self) -> bool:
        """More than her runs differ by from one to the next."""
        return abs(self.value) > self.mdc


class AsymmetryRule(Rule):
    """The limit on the asymmetry of one metric."""

    def __init__(
        self,
        run: str,
        metric: str,
        limit: AsymmetryLimit,
        injured: Side | None,
        *,
        baselines: Baselines,
        pods: frozenset[Side],
        clock: RunClock,
        source: str,
        not_yet: str | None = None,
    ) -> None:
        """`source`: who set the limit. `not_yet`: why it does not count at her stage."""
        self._metric, self._told = metric, TOLD[metric]
        self._by_index = self._told.unit == "points"
        change = f"{metric}_si_change" if self._by_index else f"{metric}_change"
        name = Name(f"asymmetry.{metric}", change, self._told.unit)
        super().__init__(run, name, limit.levels)
        self._watch = Watch(self.breach, tuple(self.limits), limit.needs.sustained, directions=2)
        self._spread = Spread()
        self._set_by = source
        self._waiting = 0
        """Pairs that have been in a value too small to be judged."""
        self._needs, self._injured, self._baselines, self._clock = limit.needs, injured, baselines, clock
        alone = "one pod only" if pods else "no pod on a foot"
        self._never = not_yet or (alone if len(pods) < len(Side) else baselines.never(metric))
        self._target, self._on_target = limit.target, False
        self._stale_s = PAIRS_STALE_S if metric == "contact_time" else OTHERS_STALE_S
        self._feet = {side: Freshness() for side in Side}
        self._values = Freshness()

    def start(self, t_ns: int) -> Said:
        """Where the limit stands before anything is known."""
        if self._never:
            return self.report(not_checked(self._never, "never"), t_ns)
        return self.report(self._collecting(0), t_ns)

    def on_stride(self, stride: Stride, t_ns: int) -> Said:
        """Note that the foot is still measured."""
        if (
            stride.activity is Activity.RUN
            and getattr(stride, self._told.field) is not None
            and stride.confidence >= MIN_CONFIDENCE
        ):
            self._feet[stride.foot].seen(self._clock, t_ns)
        return []

    def on_asymmetry(self, asymmetry: Asymmetry, t_ns: int) -> Said:
        """Judge a new value."""
        if self._never or asymmetry.metric != self._metric:
            return []
        self._values.seen(self._clock, t_ns)
        found = _found(asymmetry, by_index=self._by_index)
        if asymmetry.n < self._needs.steps or found is None or asymmetry.se is None:
            self._waiting += asymmetry.latest_n
            return self.report(self._collecting(asymmetry.n), t_ns)
        fresh = min(asymmetry.n, self._waiting + asymmetry.latest_n)
        self._waiting = 0
        sd = self._spread.add(asymmetry.se, asymmetry.n, found[3], asymmetry.latest_n)
        usual = self._baselines.asymmetry(self._metric, asymmetry.speed_band)
        if usual.value is None:  # there is one, but not at this speed
            self._watch.interrupt(self._clock.run_s)
            return self.report(
                not_checked(usual.why_none or "no baseline", "speed", n=asymmetry.n, n_needed=self._needs.steps), t_ns
            )
        if fresh > asymmetry.latest_n:  # pairs that waited for this value are judged by it
            found = (*found[:3], found[0])
        change = _change(found, usual, asymmetry.n, turned=self._injured is Side.RIGHT)
        return self._judge(change, sd, fresh / BATCH, t_ns)

    def on_tick(self, t_ns: int, feet_up: frozenset[Side] | None) -> Said:
        """Silence, and what it means."""
        if self._never:
            return []
        unlinked = [side for side in Side if feet_up is not None and side not in feet_up]
        silent = [side for side in Side if self._feet[side].silent(self._clock)]
        no_pairs = self._values.silent(self._clock, self._stale_s)
        if silent or no_pairs:
            self._watch.interrupt(self._clock.run_s)
        if unlinked or silent:
            reason = f"{(unlinked or silent)[0].value} {self._told.noun.lower()} not measured"
            return self.report(not_checked(reason, "silent", n_needed=self._needs.steps), t_ns)
        if any(foot.idle(t_ns) for foot in self._feet.values()):
            return self.report(self._undecided("not running", "idle"), t_ns)
        return self.report(self._undecided("no stride pairs", "no pairs"), t_ns) if no_pairs else []

    def _undecided(self, reason: str, kind: str, *, value: float | None = None, n: int = 0) -> Finding:
        return Finding(LimitStatus.UNDECIDED, value, n, self._needs.steps, reason, kind)

    def _collecting(self, n: int) -> Finding:
        return self._undecided(f"{n} of {self._needs.steps} stride pairs", "collecting", n=n)

    def _judge(self, change: _Change, sd: float, batches: float, t_ns: int) -> Said:
        """`sd` of a batch, and how many are new."""
        clear_of = max(
            (level for level, limit in self.limits.items() if change.nearest > limit and change.stands_out),
            key=RANK.__getitem__,
            default=Level.NONE,
        )
        least = {level: max(limit, change.mdc) for level, limit in self.limits.items()}
        nearer = copysign(1.0, change.value) * change.latest
        reading = Reading(
            batches,
            {level: (score(change.latest - x, sd), score(-change.latest - x, sd)) for level, x in least.items()},
            score(self._needs.clear_below - nearer, sd),
            clear_of,
            abs(change.value) < self._needs.clear_below,
        )
        clock_s = self._clock.run_s
        turns = self._watch.update(reading, clock_s=clock_s, t_ns=t_ns)
        alerts = [self.alert(turn, abs(change.value), self._words(turn, change)) for turn in turns]
        return [*self.report(self._finding(change, reading, clock_s), t_ns), *alerts]

    def _finding(self, change: _Change, reading: Reading, clock_s: float) -> Finding:
        value, doubt = abs(change.value), self._watch.doubt(reading, clock_s)
        if doubt is not None:
            reason, kind = doubt
        elif self.breach.level is not Level.NONE:
            return Finding(LimitStatus.OVER, value, change.n, self._needs.steps)
        elif change.farthest < self.first_limit:
            return Finding(LimitStatus.WITHIN, value, change.n, self._needs.steps, *self._aim(change))
        elif change.nearest > self.first_limit:
            reason = f"{value:.1f} {self._told.unit} is within what her runs differ by ({change.mdc:.1f})"
            kind = "scatter"
        else:
            interval = f"{change.nearest:.1f} to {change.farthest:.1f} {self._told.unit}"
            reason, kind = f"{interval} is not clear of {self.first_limit:.1f}", "interval"
        return self._undecided(reason, kind, value=value, n=change.n)

    def _aim(self, change: _Change) -> tuple[str | None, str]:
        """Whether the target is reached, where there is one: the whole interval is nearer, or was and has not been
        farther since."""
        if self._target is None:
            return None, ""
        self._on_target = change.farthest <= self._target or (self._on_target and change.nearest <= self._target)
        reached = "reached" if self._on_target else "not reached"
        return f"target {self._target:.1f} {self._told.unit} {reached}", f"target {reached}"

    def _words(self, turn: Turn, change: _Change) -> Words:
        told = self._told
        points = f"{abs(change.value):.1f} {told.unit} from baseline"
        if turn.duration_s is not None:
            clear = f"below {self._needs.clear_below:.1f} again after {turn.duration_s:.0f} s"
            return Words("", f"{told.noun} {points}, {clear}.")
        towards = self._injured or Side.LEFT  # a positive change: longer on this side
        side = towards if change.value > 0 else towards.other
        stop = self.limits.get(Level.STOP)
        limit = f"limit {self.limits[turn.level]:.1f} ({self._set_by})"
        fact = f"{told.noun} {told.more} on the {side.value} than usual: {points}, {limit}."
        if self._target is not None:
            fact += f" Target {self._target:.1f}."
        if turn.level is Level.STOP:
            return Words("Stop running", f"{fact} Clears below {self._needs.clear_below:.1f}.")
        remains = f"Clears below {self._needs.clear_below:.1f}." if stop is None else f"Stop at {stop:.1f}."
        return Words(told.cue, f"{fact} {remains}")


_Found = tuple[float, float, float, float]
"""Value, its interval, and the value of the pairs that are new."""


def _found(asymmetry: Asymmetry, *, by_index: bool) -> _Found | None:
    """None: not enough for an interval."""
    value, low, high = (
        (asymmetry.si_pct, asymmetry.si_low_pct, asymmetry.si_high_pct)
        if by_index
        else (asymmetry.difference, asymmetry.difference_low, asymmetry.difference_high)
    )
    if value is None or low is None or high is None or asymmetry.latest is None:
        return None
    return value, low, high, asymmetry.latest


def _change(found: _Found, usual: Baseline, n: int, *, turned: bool) -> _Change:
    """All are given as left - right; `turned`: the limit is on right - left."""
    assert usual.value is not None
    value, low, high, latest = (x - usual.value for x in found)
    if turned:
        value, low, high, latest = -value, -high, -low, -latest
    return _Change(value, low, high, n, usual.mdc or 0.0, latest)
