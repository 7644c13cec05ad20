"""Impact of one foot against her own baseline, over the last running strides.

The value is the median peak of the last `window_steps` running strides with its 95 % interval (see `censored`): within
when the whole interval is below the first limit. Each landing beyond the limit speaks for an alert, each other one
against it; ten at a time they are added up over the run (`plan.sequential`). An alert begins when that evidence is
enough, has been building up for `sustained` of running time, and the whole interval is above the limit; evidence that
landings are below `clear_below_pct` ends it in the same way. Walking breaks neither count nor interrupt. The limit in g
is the given percentage of the baseline, but never less than `min_change_g` above it.

Clipped peaks count as "at least". Where they hide the median, the limit is checked by the next thing that can be and
has a baseline (`impact_measures`), and says by which; where there is none it is not checked, unless even what was
recorded is beyond the limit. Peaks of a foot pod are not tibial ones, and are compared with nobody else's (Cheung et
al. 2019, Scand J Med Sci Sports 29:835: shoe peaks about four times the tibial ones).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from sensord.model import Activity, Level, LimitStatus, Side, Stride
from sensord.plan.bands import SpeedBands
from sensord.plan.breach import RANK, Breach, Turn
from sensord.plan.censored import Median
from sensord.plan.impact_measures import Landing, Measure, Measures, choose
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
    not_checked,
)
from sensord.plan.sequential import BATCH, Reading, Watch


class ImpactRule(Rule):
    """The impact limit of one foot."""

    def __init__(
        self,
        run: str,
        rule: str,
        side: Side,
        limit: ImpactLimit,
        *,
        baseline: Measures,
        has_pod: bool,
        clock: RunClock,
        source: str,
        not_yet: str | None = None,
    ) -> None:
        """`source`: who set the limit. `not_yet`: why it does not count at her stage."""
        self.pct: float | None = None  # of the baseline, of what it is checked by
        self._baseline, self._source = baseline, baseline.usual_source
        self._bands = SpeedBands() if baseline.by_pace else None
        self._band: str | None = None
        self._measures: Sequence[Measure] = baseline.by(self._source)
        self._measure = self._measures[0] if self._measures else None
        limits = self._measure.limits if self._measure else {}
        super().__init__(run, Name(rule, f"impact_{side.value}", "g"), limits)
        self._side, self._needs, self._clock, self._set_by = side, limit.needs, clock, source
        levels = tuple(limit.levels)
        self.breach = Breach(levels, 0.0)  # all levels of the limit, also where nothing has a baseline yet
        self._watch = Watch(self.breach, levels, limit.needs.sustained)
        self._window: deque[Landing] = deque(maxlen=self._needs.window_steps)
        self._new: list[Landing] = []
        """Landings that have not been judged."""
        self._judged: Finding | None = None
        """Where the limit stood when the last ten had been."""
        self._resting = False
        """Nothing was measured at the last tick."""
        if self._measure:
            self._use(self._measure)
        self._target_pct, self._on_target = limit.target_pct, False
        self._off = not_yet or (None if has_pod else f"no {side.value} pod")
        self._fresh = Freshness()

    @property
    def _never(self) -> str | None:
        """Why nothing can be checked, as things are."""
        return self._off or (None if self._measures else self._baseline.why_none(self._source, self._band))

    def start(self, t_ns: int) -> Said:
        """Where the limit stands before anything is known."""
        if never := self._never:
            return self.report(not_checked(never, "never"), t_ns)
        return self.report(self._collecting(), t_ns)

    def on_stride(self, stride: Stride, t_ns: int) -> Said:
        """Judge the window that a measured running stride of this foot completes."""
        if self._bands is not None:
            self._bands.add(stride)
        landing = Landing.of(stride)
        if (
            self._off
            or landing is None
            or stride.foot is not self._side
            or stride.activity is not Activity.RUN
            or stride.confidence < MIN_CONFIDENCE
        ):
            return []
        said = self._compare(stride.impact_source or "acc", self._bands.now if self._bands else None, t_ns)
        if self._never:
            return said
        self._fresh.seen(self._clock, t_ns)
        self._window.append(landing)
        self._new.append(landing)
        if len(self._window) < self._needs.window_steps:
            return self.report(self._collecting(), t_ns)
        if len(self._new) >= BATCH:
            return self._judge(t_ns)
        if self._judged is None or not self._resting:
            return []
        self._resting = False  # she runs again: where the limit stood before the break
        return self.report(self._judged, t_ns)

    def on_tick(self, t_ns: int, feet_up: frozenset[Side] | None) -> Said:
        """Silence, and what it means."""
        if self._never:
            return []
        self._resting = True
        silent, n, needed = self._fresh.silent(self._clock), len(self._window), self._needs.window_steps
        if silent:  # what comes after a gap is judged on its own
            self._start_again()
        if silent or (feet_up is not None and self._side not in feet_up):
            return self.report(not_checked(f"{self._side.value} impact not measured", "silent", n_needed=needed), t_ns)
        if self._fresh.idle(t_ns):
            return self.report(Finding(LimitStatus.UNDECIDED, None, n, needed, "not running", "idle"), t_ns)
        self._resting = False
        return []

    def _compare(self, source: str, band: str | None, t_ns: int) -> Said:
        """Another sensor gives the impacts now, or she runs at another speed: those have baselines of their own."""
        if (source, band) == (self._source, self._band):
            return []
        self._source, self._band = source, band
        self._measures = self._baseline.by(source, band)
        self._start_again()
        self._measure = None
        if never := self._never:
            return self.report(not_checked(never, "never"), t_ns)
        self._use(self._measures[0])
        return []

    def _use(self, measure: Measure) -> None:
        """Judge by this from now on. What was counting towards an alert in another quantity starts again."""
        before, self._measure = self._measure, measure
        if before is not None and before.quantity != measure.quantity:
            self._watch.interrupt(self._clock.run_s)
        self.name = Name(self.name.rule, measure.metric, measure.unit)
        self.limits = dict(measure.limits)

    def _start_again(self) -> None:
        self._window.clear()
        self._new.clear()
        self._judged = None
        self._watch.interrupt(self._clock.run_s)

    def _collecting(self) -> Finding:
        n, needed = len(self._window), self._needs.window_steps
        return Finding(LimitStatus.UNDECIDED, None, n, needed, f"{n} of {needed} strides", "collecting")

    def _judge(self, t_ns: int) -> Said:
        self._resting = False
        chosen = choose(self._measures, self._window)
        new, self._new = self._new, []
        if chosen is None:
            self._watch.interrupt(self._clock.run_s)
            self._use(self._measures[0])
            n, needed = len(self._window), self._needs.window_steps
            self._judged = not_checked(self._clipping(), "clipped", n=n, n_needed=needed)
            return self.report(self._judged, t_ns)
        measure, found = chosen
        self._use(measure)
        self.pct = 100.0 * found.value / measure.usual
        clear_of = max(
            (level for level, limit in measure.limits.items() if found.low > limit),
            key=RANK.__getitem__,
            default=Level.NONE,
        )
        reading = Reading(
            len(new) / BATCH,
            {level: (measure.beyond(new, limit),) for level, limit in measure.limits.items()},
            measure.inside(new, measure.clear),
            clear_of,
            found.exact and found.value < measure.clear,
        )
        clock_s = self._clock.run_s
        turns = self._watch.update(reading, clock_s=clock_s, t_ns=t_ns)
        alerts = [self.alert(turn, found.value, self._words(turn, measure, found)) for turn in turns]
        self._judged = self._finding(measure, found, reading, clock_s)
        return [*self.report(self._judged, t_ns), *alerts]

    def _finding(self, measure: Measure, found: Median, reading: Reading, clock_s: float) -> Finding:
        n, needed = len(self._window), self._needs.window_steps
        status, reason, kind = LimitStatus.UNDECIDED, "", ""
        if doubt := self._watch.doubt(reading, clock_s):
            reason, kind = doubt
        elif self.breach.level is not Level.NONE:
            status = LimitStatus.OVER
        elif found.high < measure.first_limit:
            status = LimitStatus.WITHIN
            reason, kind = self._aim(measure, found)
        else:
            reason, kind = f"{_interval(measure, found)} is not clear of {measure.say(measure.first_limit)}", "interval"
        if not measure.plain:
            reason = "; ".join(part for part in (f"checked by {measure.label}", reason) if part)
            kind = f"{measure.metric} {kind}"
        return Finding(status, found.value, n, needed, reason or None, kind)

    def _aim(self, measure: Measure, found: Median) -> tuple[str, str]:
        """Whether the target is reached, where there is one: the whole interval is below it, or was and has not been
        above it since."""
        if self._target_pct is None:
            return "", ""
        target = measure.usual * self._target_pct / 100.0
        self._on_target = found.high <= target or (self._on_target and found.low <= target)
        reached = "reached" if self._on_target else "not reached"
        return f"target {measure.say(target)} {reached}", f"target {reached}"

    def _clipping(self) -> str:
        clipped = [landing.peak.g for landing in self._window if landing.peak.clipped]
        return f"{100 * len(clipped) / len(self._window):.0f} % of impacts clipped at >= {min(clipped):.0f} g"

    def _words(self, turn: Turn, measure: Measure, found: Median) -> Words:
        side, at_least = self._side.value, "" if found.exact else "at least "
        subject, clears = f"{side.capitalize()} {measure.label}", measure.say(measure.clear)
        if turn.duration_s is not None:
            fact = f"{subject} {measure.say(found.value)}, below {clears} again"
            return Words("", f"{fact} after {turn.duration_s:.0f} s.")
        limit, stop = measure.limits[turn.level], measure.limits.get(Level.STOP)
        usual = f"(usual {measure.say(measure.usual)}; {self._set_by})"
        fact = f"{subject} {at_least}{measure.say(found.value)}, limit {measure.say(limit)} {usual}."
        if self._target_pct is not None:
            fact += f" Target {measure.say(measure.usual * self._target_pct / 100.0)}."
        if turn.level is Level.STOP:
            return Words("Stop running", f"{fact} Clears below {clears}.")
        remains = f"Clears below {clears}." if stop is None else f"Stop at {measure.say(stop)}."
        return Words(f"Check {side} impact", f"{fact} {remains}")


def _interval(measure: Measure, found: Median) -> str:
    high = measure.say(found.high) if found.high < float("inf") else f"more {measure.unit}"
    return f"{found.low:.{measure.decimals}f} to {high}"
