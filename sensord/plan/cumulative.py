"""Limits on what a run adds up to: distance and running time. They are counted, not estimated: no interval, no wait.

A cumulative limit is alerted the moment it is reached and does not recover within a run. It is over from `warn` on.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from sensord.model import Alert, Level, LimitStatus, RunTotals, Side
from sensord.plan.breach import RANK
from sensord.plan.limit_blocks import DistanceLimit, RunTimeLimit
from sensord.plan.rule import Finding, Name, Rule, Said, Words, levels_of, not_checked


class Cumulative(Rule):
    """A limit on one of the totals."""

    def __init__(
        self,
        run: str,
        name: Name,
        limit: DistanceLimit | RunTimeLimit,
        *,
        value_of: Callable[[RunTotals], float],
        what: str,
        show: Callable[[float, float], tuple[str, str, str]],
    ) -> None:
        """`what` is the value's name for people, `show` writes value, whole and rest."""
        super().__init__(run, name, levels_of(limit.warn, limit.stop))
        self._value_of, self._what, self._show = value_of, what, show
        self._value: float | None = None
        self._steps = 0

    def start(self, t_ns: int) -> Said:
        """Where the limit stands before anything is known."""
        return self.report(Finding(LimitStatus.UNDECIDED, reason="no whole stride yet", kind="none yet"), t_ns)

    def on_totals(self, totals: RunTotals, t_ns: int) -> Said:
        """Compare the new total."""
        if totals.steps == 0 and totals.distance_m == 0:
            return []
        self._value, self._steps = self._value_of(totals), totals.steps
        beyond = max(
            (level for level, limit in self.limits.items() if self._value >= limit),
            key=RANK.__getitem__,
            default=Level.NONE,
        )
        turns = self.breach.update(beyond, back=False, clock_s=0.0, t_ns=t_ns)
        alerts: list[Alert] = [self.alert(turn, self._value, self._words(turn.level, self._value)) for turn in turns]
        return [*self.report(self._finding(self._value), t_ns), *alerts]

    def on_tick(self, t_ns: int, feet_up: frozenset[Side] | None) -> Said:
        """Say the numbers again, or that nothing is counted."""
        if self._value is None:
            return []
        if feet_up is not None and not feet_up and self.breach.level is Level.NONE:
            return self.report(not_checked("no pod linked", "no pod", n=self._steps), t_ns)
        return self.report(self._finding(self._value), t_ns)

    def _finding(self, value: float) -> Finding:
        status = LimitStatus.WITHIN if self.breach.level is Level.NONE else LimitStatus.OVER
        return Finding(status, value, self._steps)

    def _words(self, level: Level, value: float) -> Words:
        stop = self.limits.get(Level.STOP)
        shown, whole, rest = self._show(value, self.limits[level] if stop is None else stop)
        noun = self._what.removeprefix("Running ").capitalize()
        if level is Level.STOP:
            cue, remains = "Stop running", "Nothing left."
        elif stop is None:
            cue, remains = f"{noun} limit reached", "Nothing left."
        else:
            cue, remains = f"{noun} nearly done", f"{rest} left."
        return Words(cue, f"{self._what} {shown} of {whole}. {remains}")


def distance_rule(run: str, limit: DistanceLimit) -> Cumulative:
    """The limit on distance, in m; `counts` says whether walking counts."""
    if limit.counts == "all":
        return Cumulative(
            run,
            Name("limit.distance", "distance", "m"),
            limit,
            value_of=attrgetter("distance_m"),
            what="Distance",
            show=_metres,
        )
    return Cumulative(
        run,
        Name("limit.distance", "run_distance", "m"),
        limit,
        value_of=attrgetter("run_distance_m"),
        what="Running distance",
        show=_metres,
    )


def run_time_rule(run: str, limit: RunTimeLimit) -> Cumulative:
    """The limit on running time, in s."""
    return Cumulative(
        run,
        Name("limit.run_time", "run_time", "s"),
        limit,
        value_of=attrgetter("run_time_s"),
        what="Running time",
        show=_clock,
    )


def _metres(value: float, whole: float) -> tuple[str, str, str]:
    """What was reached (rounded down), the whole, and what is left of it (rounded up): in km to 10 m, or in m."""
    step_m, per_unit, unit, digits = (10, 1000, "km", 2) if whole >= 1000 else (1, 1, "m", 0)
    reached = value // step_m * step_m
    shown, all_of_it, left = (f"{m / per_unit:.{digits}f} {unit}" for m in (reached, whole, max(0.0, whole - reached)))
    return shown, all_of_it, left


def _clock(value: float, whole: float) -> tuple[str, str, str]:
    """What was reached (rounded down), the whole, and what is left of it (rounded up), in minutes and seconds."""
    seconds = int(value), round(whole), max(0, round(whole) - int(value))
    shown, all_of_it, left = (f"{s // 60}:{s % 60:02d}" for s in seconds)
    return shown, all_of_it, left
