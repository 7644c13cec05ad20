"""Contact-time asymmetry against her own baseline, either way.

Values arrive with their 95 % interval (`load.asymmetry`). What is limited is the distance of the symmetry index from
the baseline, in points: within when the whole interval is nearer than the first limit, beyond a level when the whole
interval is farther. Beyond for `sustained` of running time makes an alert; nearer than `clear_below` for as long ends
it. Walking breaks neither count nor interrupt.
"""

from __future__ import annotations

from dataclasses import dataclass

from sensord.model import Activity, Asymmetry, Level, LimitStatus, Side, Stride
from sensord.plan.baseline import Baseline
from sensord.plan.breach import RANK, Turn
from sensord.plan.model import ContactTimeAsymmetryLimit
from sensord.plan.rule import (
    MIN_CONFIDENCE,
    Finding,
    Freshness,
    Name,
    Rule,
    RunClock,
    Said,
    Words,
    levels_of,
    not_checked,
)

PAIRS_STALE_S = 30
"""Running time without a new value: a value comes every ten pairs, that is about every 8 s (design choice)."""


@dataclass(frozen=True, slots=True)
class _Change:
    """Change from baseline in points, signed, with its interval."""

    value: float
    low: float
    high: float
    n: int

    @property
    def nearest(self) -> float:
        """The smallest distance from baseline in the interval."""
        return max(0.0, self.low, -self.high)

    @property
    def farthest(self) -> float:
        """The largest one."""
        return max(-self.low, self.high)


class AsymmetryRule(Rule):
    """The limit on contact-time asymmetry."""

    def __init__(
        self,
        run: str,
        limit: ContactTimeAsymmetryLimit,
        injured: Side | None,
        *,
        baseline: Baseline,
        pods: frozenset[Side],
        clock: RunClock,
    ) -> None:
        name = Name("asymmetry.contact_time", "contact_time_si_change", "points")
        super().__init__(run, name, levels_of(limit.warn, limit.stop), limit.needs.sustained)
        self._needs, self._injured, self._usual, self._clock = limit.needs, injured, baseline.value or 0.0, clock
        self._never = "one pod only" if len(pods) < 2 else baseline.why_none
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
            and stride.contact_time_s is not None
            and stride.confidence >= MIN_CONFIDENCE
        ):
            self._feet[stride.foot].seen(self._clock, t_ns)
        return []

    def on_asymmetry(self, asymmetry: Asymmetry, t_ns: int) -> Said:
        """Judge a new value."""
        if self._never or asymmetry.metric != "contact_time":
            return []
        self._values.seen(self._clock, t_ns)
        low, high = asymmetry.si_low_pct, asymmetry.si_high_pct
        if asymmetry.n < self._needs.steps or low is None or high is None:
            return self.report(self._collecting(asymmetry.n), t_ns)
        if self._injured is Side.RIGHT:  # given as left - right, limited as injured - other
            value, low, high = -asymmetry.si_pct, -high, -low
        else:
            value = asymmetry.si_pct
        usual = self._usual
        return self._judge(_Change(value - usual, low - usual, high - usual, asymmetry.n), t_ns)

    def on_tick(self, t_ns: int, feet_up: frozenset[Side] | None) -> Said:
        """Silence, and what it means."""
        if self._never:
            return []
        unlinked = [side for side in Side if feet_up is not None and side not in feet_up]
        silent = [side for side in Side if self._feet[side].silent(self._clock)]
        no_pairs = self._values.silent(self._clock, PAIRS_STALE_S)
        if silent or no_pairs:
            self.breach.interrupt()
        if unlinked or silent:
            reason = f"{(unlinked or silent)[0].value} contact time not measured"
            return self.report(not_checked(reason, "silent", n_needed=self._needs.steps), t_ns)
        if any(foot.idle(t_ns) for foot in self._feet.values()):
            return self.report(self._undecided("not running", "idle"), t_ns)
        return self.report(self._undecided("no stride pairs", "no pairs"), t_ns) if no_pairs else []

    def _undecided(self, reason: str, kind: str, *, value: float | None = None, n: int = 0) -> Finding:
        return Finding(LimitStatus.UNDECIDED, value, n, self._needs.steps, reason, kind)

    def _collecting(self, n: int) -> Finding:
        return self._undecided(f"{n} of {self._needs.steps} stride pairs", "collecting", n=n)

    def _judge(self, change: _Change, t_ns: int) -> Said:
        beyond = max(
            (level for level, limit in self.limits.items() if change.nearest > limit),
            key=RANK.__getitem__,
            default=Level.NONE,
        )
        clock_s = self._clock.run_s
        back = abs(change.value) < self._needs.clear_below
        turns = self.breach.update(beyond, back=back, clock_s=clock_s, t_ns=t_ns)
        alerts = [self.alert(turn, abs(change.value), self._words(turn, change)) for turn in turns]
        return [*self.report(self._finding(change, clock_s), t_ns), *alerts]

    def _finding(self, change: _Change, clock_s: float) -> Finding:
        value, sustained_s = abs(change.value), self._needs.sustained
        back_s, beyond_s = self.breach.back_for_s(clock_s), self.breach.beyond_for_s(clock_s)
        if self.breach.level is not Level.NONE and back_s is None:
            return Finding(LimitStatus.OVER, value, change.n, self._needs.steps)
        if self.breach.level is not Level.NONE:
            reason, kind = f"back inside for {back_s:.0f} of {sustained_s:.0f} s", "back"
        elif beyond_s is not None:
            reason, kind = f"beyond for {beyond_s:.0f} of {sustained_s:.0f} s", "beyond"
        elif change.farthest < self.first_limit:
            return Finding(LimitStatus.WITHIN, value, change.n, self._needs.steps)
        else:
            interval = f"{change.nearest:.1f} to {change.farthest:.1f} points"
            reason, kind = f"{interval} is not clear of {self.first_limit:.1f}", "interval"
        return self._undecided(reason, kind, value=value, n=change.n)

    def _words(self, turn: Turn, change: _Change) -> Words:
        points = f"{abs(change.value):.1f} points from baseline"
        if turn.duration_s is not None:
            clear = f"below {self._needs.clear_below:.1f} again after {turn.duration_s:.0f} s"
            return Words("", f"Contact time {points}, {clear}.")
        towards = self._injured or Side.LEFT  # a positive change: longer on this side
        side = towards if change.value > 0 else towards.other
        stop = self.limits.get(Level.STOP)
        fact = f"Contact time longer on the {side.value} than usual: {points}, limit {self.limits[turn.level]:.1f}."
        if turn.level is Level.STOP:
            return Words("Stop running", f"{fact} Clears below {self._needs.clear_below:.1f}.")
        remains = f"Clears below {self._needs.clear_below:.1f}." if stop is None else f"Stop at {stop:.1f}."
        return Words("Contact times differ", f"{fact} {remains}")
