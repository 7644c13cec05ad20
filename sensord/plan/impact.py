"""Impact of one foot against her own baseline, over the last running strides.

The value is the median peak of the last `window_steps` running strides. Its 95 % interval decides (see `censored`):
within when the whole interval is below the first limit, beyond a level when the whole interval is above it. Beyond for
`sustained` of running time makes an alert; below `clear_below_pct` for as long ends it. Walking breaks neither count
nor interrupt. The limit in g is the given percentage of the baseline, but never less than `min_change_g` above it.

Clipped peaks count as "at least": a median that clipping hides is not checked, unless even what was recorded is beyond
the limit. Peaks of a foot pod are not tibial ones, and are compared with nobody else's (Cheung et al. 2019, Scand J Med
Sci Sports 29:835: shoe peaks about four times the tibial ones).
"""

from __future__ import annotations

from collections import deque

from sensord.model import Activity, Level, LimitStatus, Side, Stride
from sensord.plan.baseline import Baseline
from sensord.plan.breach import RANK, Turn
from sensord.plan.censored import Median, Peak, median_of
from sensord.plan.model import ImpactLimit
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


class ImpactRule(Rule):
    """The impact limit of one foot."""

    def __init__(
        self, run: str, rule: str, side: Side, limit: ImpactLimit, *, baseline: Baseline, has_pod: bool, clock: RunClock
    ) -> None:
        usual, needs = baseline.value, limit.needs
        warn, stop = (
            None if usual is None or pct is None else max(usual * pct / 100, usual + needs.min_change_g)
            for pct in (limit.warn_pct, limit.stop_pct)
        )
        super().__init__(run, Name(rule, f"impact_{side.value}", "g"), levels_of(warn, stop), needs.sustained)
        self._side, self._needs, self._usual, self._clock = side, needs, usual, clock
        self._clear_g = 0.0 if usual is None else usual * needs.clear_below_pct / 100
        self._never = None if has_pod else f"no {side.value} pod"
        self._never = self._never or baseline.why_none
        self._window: deque[Peak] = deque(maxlen=needs.window_steps)
        self._fresh = Freshness()

    def start(self, t_ns: int) -> Said:
        """Where the limit stands before anything is known."""
        if self._never:
            return self.report(not_checked(self._never, "never"), t_ns)
        return self.report(self._collecting(), t_ns)

    def on_stride(self, stride: Stride, t_ns: int) -> Said:
        """Judge the window that a measured running stride of this foot completes."""
        if (
            self._never
            or stride.foot is not self._side
            or stride.activity is not Activity.RUN
            or stride.impact_peak_g is None
            or stride.confidence < MIN_CONFIDENCE
        ):
            return []
        self._fresh.seen(self._clock, t_ns)
        self._window.append(Peak(stride.impact_peak_g, stride.impact_clipped))
        if len(self._window) < self._needs.window_steps:
            return self.report(self._collecting(), t_ns)
        return self._judge(median_of(self._window), t_ns)

    def on_tick(self, t_ns: int, feet_up: frozenset[Side] | None) -> Said:
        """Silence, and what it means."""
        if self._never:
            return []
        silent, n, needed = self._fresh.silent(self._clock), len(self._window), self._needs.window_steps
        if silent:
            self._window.clear()  # what comes after a gap is judged on its own
            self.breach.interrupt()
        if silent or (feet_up is not None and self._side not in feet_up):
            return self.report(not_checked(f"{self._side.value} impact not measured", "silent", n_needed=needed), t_ns)
        if self._fresh.idle(t_ns):
            return self.report(Finding(LimitStatus.UNDECIDED, None, n, needed, "not running", "idle"), t_ns)
        return []

    def _collecting(self) -> Finding:
        n, needed = len(self._window), self._needs.window_steps
        return Finding(LimitStatus.UNDECIDED, None, n, needed, f"{n} of {needed} strides", "collecting")

    def _judge(self, found: Median, t_ns: int) -> Said:
        beyond = max(
            (level for level, limit in self.limits.items() if found.low > limit),
            key=RANK.__getitem__,
            default=Level.NONE,
        )
        back = found.exact and found.value < self._clear_g
        clock_s = self._clock.run_s
        turns = self.breach.update(beyond, back=back, clock_s=clock_s, t_ns=t_ns)
        alerts = [self.alert(turn, found.value, self._words(turn, found)) for turn in turns]
        return [*self.report(self._finding(found, beyond, clock_s), t_ns), *alerts]

    def _finding(self, found: Median, beyond: Level, clock_s: float) -> Finding:
        n, needed, sustained_s = len(self._window), self._needs.window_steps, self._needs.sustained
        hidden = not found.exact and beyond is Level.NONE
        if hidden:
            return not_checked(self._clipping(), "clipped", n=n, n_needed=needed)
        back_s, beyond_s = self.breach.back_for_s(clock_s), self.breach.beyond_for_s(clock_s)
        if self.breach.level is not Level.NONE and back_s is None:
            return Finding(LimitStatus.OVER, found.value, n, needed)
        if self.breach.level is not Level.NONE:
            reason, kind = f"back inside for {back_s:.0f} of {sustained_s:.0f} s", "back"
        elif beyond_s is not None:
            reason, kind = f"beyond for {beyond_s:.0f} of {sustained_s:.0f} s", "beyond"
        elif found.high < self.first_limit:
            return Finding(LimitStatus.WITHIN, found.value, n, needed)
        else:
            reason, kind = f"{self._interval(found)} is not clear of {self.first_limit:.1f} g", "interval"
        return Finding(LimitStatus.UNDECIDED, found.value, n, needed, reason, kind)

    def _clipping(self) -> str:
        clipped = [peak.g for peak in self._window if peak.clipped]
        return f"{100 * len(clipped) / len(self._window):.0f} % of impacts clipped at >= {min(clipped):.0f} g"

    @staticmethod
    def _interval(found: Median) -> str:
        high = f"{found.high:.1f}" if found.high < float("inf") else "more"
        return f"{found.low:.1f} to {high} g"

    def _words(self, turn: Turn, found: Median) -> Words:
        side, at_least = self._side.value, "" if found.exact else "at least "
        if turn.duration_s is not None:
            fact = f"{side.capitalize()} impact {found.value:.1f} g, below {self._clear_g:.1f} g again"
            return Words("", f"{fact} after {turn.duration_s:.0f} s.")
        limit, stop = self.limits[turn.level], self.limits.get(Level.STOP)
        impact, usual = f"{side.capitalize()} impact {at_least}{found.value:.1f} g", f"(usual {self._usual:.1f} g)"
        fact = f"{impact}, limit {limit:.1f} g {usual}."
        if turn.level is Level.STOP:
            return Words("Stop running", f"{fact} Clears below {self._clear_g:.1f} g.")
        remains = f"Clears below {self._clear_g:.1f} g." if stop is None else f"Stop at {stop:.1f} g."
        return Words(f"Check {side} impact", f"{fact} {remains}")
