"""Limits on what a run adds up to: distance, running time, steps, downhill. They are counted, not estimated: no
interval, no wait.

A counted limit is alerted the moment it is reached, once a level. Running time goes on between strides: a tick judges
what was counted and what has passed since, so that its alert comes with the first tick after the moment at the latest,
whether a stride comes or not (`Totals.run_time_at` says how long she is taken to run on).

A limit that was reached stays reached. What can end is the cue: when only running counts, walking for `WALKED_S` is
what a stop asks for and clears it; running again for `AGAIN_S` begins a new one. What is urgent waits for an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from sensord.model import Alert, AlertPhase, Level, LimitStatus, RunTotals, Side
from sensord.plan.breach import RANK
from sensord.plan.limit_blocks import DistanceLimit, DownhillLimit, RunTimeLimit, StepsLimit
from sensord.plan.rule import WALKED_S, Finding, Name, Rule, RunClock, Said, Words, not_checked
from sensord.plan.stage_today import StageToday
from sensord.plan.told import Told, clock, counted, metres, set_by
from sensord.plan.workout import Total

AGAIN_S = 10.0
"""Running since she walked from which a stop is said anew (design choice: some strides of a walk look like running)."""

AT_END = "checked at the end of the run"

ValueOf = Callable[[RunTotals], float]


@dataclass(frozen=True, slots=True)
class Terms:
    """How a limit is kept. `never`: why it cannot be; `by_clock`: it grows with running time; `walking_clears`: only
    running counts, so that walking does what a stop asks for."""

    clock: RunClock
    live: bool = True
    never: str | None = None
    by_clock: bool = False
    walking_clears: bool = False


class Cumulative(Rule):
    """A limit on a total."""

    def __init__(
        self, run: str, name: Name, limits: Mapping[Level, float], *, value_of: ValueOf, told: Told, terms: Terms
    ) -> None:
        super().__init__(run, name, limits)
        self._value_of, self._told, self._terms = value_of, told, terms
        self._value: float | None = None
        self._steps = 0
        self._reached = Level.NONE
        self._cleared = False

    @property
    def level(self) -> Level:
        """The highest level that was reached: what was reached stays reached, walking clears the cue only."""
        return self._reached

    def start(self, t_ns: int) -> Said:
        """Where the limit stands before anything is known."""
        if self._terms.never:
            return self.report(not_checked(self._terms.never, "never"), t_ns)
        return self.report(Finding(LimitStatus.UNDECIDED, reason="no whole stride yet", kind="none yet"), t_ns)

    def on_totals(self, totals: RunTotals, t_ns: int) -> Said:
        """Compare the new total."""
        if self._terms.never or (totals.steps == 0 and totals.distance_m == 0):
            return []
        self._value, self._steps = self._value_of(totals), totals.steps
        if not self._terms.live:
            return self.report(Finding(LimitStatus.UNDECIDED, self._value, self._steps, None, AT_END, "at end"), t_ns)
        alerts = [*self._judge(t_ns), *self._clear(t_ns)]
        return [*self.report(self.finding(), t_ns), *alerts]

    def on_tick(self, t_ns: int, feet_up: frozenset[Side] | None) -> Said:
        """Judge running time as it is now; say the numbers again, or that nothing is counted."""
        if self._value is None or not self._terms.live:
            return []
        alerts: list[Alert] = []
        if self._terms.by_clock:
            self._value = self._terms.clock.now_s
            alerts = self._judge(t_ns)
        if feet_up is not None and not feet_up and self.level is Level.NONE:
            return self.report(not_checked("no pod linked", "no pod", n=self._steps), t_ns)
        return [*self.report(self.finding(), t_ns), *alerts]

    def end(self, t_ns: int) -> Said:
        """The last numbers; a limit that is not live is judged now."""
        if self._value is None or self._terms.live:
            return super().end(t_ns)
        alerts = self._judge(t_ns)
        return [*self.report(self.finding(), t_ns), *alerts]

    def finding(self) -> Finding:
        """Where it stands, once there is a value."""
        status = LimitStatus.WITHIN if self.level is Level.NONE else LimitStatus.OVER
        return Finding(status, self._value, self._steps)

    def reminder(self, onset: Alert, t_ns: int) -> tuple[float | None, Words]:  # noqa: ARG002
        """What she ran on to."""
        assert self._value is not None
        words = self._told.words(onset.level, self._value, self.limits, live=True)
        return self._value, Words(words.cue, f"Still running. {words.text}")

    def _judge(self, t_ns: int) -> list[Alert]:
        """Alert the highest level that is reached for the first time, or again after walking."""
        value = self._value
        assert value is not None
        reached = max((lvl for lvl, limit in self.limits.items() if value >= limit), key=_rank, default=Level.NONE)
        louder = _rank(reached) > _rank(self._reached)
        self._reached = max(self._reached, reached, key=_rank)
        if self._cleared and not louder and self._terms.clock.bout_s < AGAIN_S:
            return []
        self._cleared = False
        turns = self.breach.update(reached, back=False, clock_s=0.0, t_ns=t_ns)
        told, live = self._told, self._terms.live
        return [self.alert(turn, value, told.words(turn.level, value, self.limits, live=live)) for turn in turns]

    def _clear(self, t_ns: int) -> list[Alert]:
        """Walking ends a stop, and what was said before it."""
        terms = self._terms
        if not terms.walking_clears or self.breach.level is not Level.STOP or terms.clock.walked_s < WALKED_S:
            return []
        self._cleared = True
        value = self._value
        assert value is not None
        turns = self.breach.update(Level.NONE, back=True, clock_s=0.0, t_ns=t_ns)
        assert all(turn.phase is AlertPhase.RECOVERY for turn in turns)
        return [self.alert(turn, value, self._walked(turn.level, turn.duration_s or 0.0)) for turn in turns]

    def _walked(self, level: Level, duration_s: float) -> Words:
        assert self._value is not None
        fact = self._told.fact(self._value, self.limits[level])
        text = f"Cleared by walking, {duration_s:.0f} s after it began. {fact} The limit stays reached in this run."
        return Words("Cleared by walking", text)


class Downhill(Cumulative):
    """The limit on metres downhill: counted while the slope is known, which pods do not measure."""

    def __init__(self, run: str, limit: DownhillLimit, terms: Terms, grade_pct: float | None, source: str) -> None:
        drop = limit.of == "drop"
        metric, what = ("downhill_drop", "Descent") if drop else ("downhill", "Downhill")
        cues = (f"{what} noted", f"{what} nearly done", f"{what} limit reached")
        value_of: ValueOf = attrgetter("distance_m" if limit.counts == "all" else "run_distance_m")
        told = Told(what, cues, source, metres)
        super().__init__(
            run, Name("limit.downhill", metric, "m"), limit.levels, value_of=value_of, told=told, terms=terms
        )
        self._drop, self._steep_pct, self._grade_pct = drop, limit.min_grade_pct, grade_pct
        self._metres_of = value_of
        self._value_of = self._downhill_m
        self._seen_m = self._down_m = self._unknown_m = 0.0

    def on_grade(self, grade_pct: float) -> None:
        """The slope from here on, uphill positive."""
        self._grade_pct = grade_pct

    def start(self, t_ns: int) -> Said:
        """Where the limit stands before anything is known."""
        if self._terms.never is None and self._grade_pct is None:
            return self.report(not_checked("slope not known", "no slope"), t_ns)
        return super().start(t_ns)

    def finding(self) -> Finding:
        """A part without a slope leaves it open whether the limit is kept."""
        if self.level is Level.NONE and self._unknown_m > 0.0:
            return not_checked(f"slope not known for {self._unknown_m:.0f} m", "no slope", n=self._steps)
        return super().finding()

    def _downhill_m(self, totals: RunTotals) -> float:
        all_m = self._metres_of(totals)
        new_m, self._seen_m = all_m - self._seen_m, all_m
        if self._grade_pct is None:
            self._unknown_m += new_m
        elif self._grade_pct <= -self._steep_pct:
            self._down_m += new_m * (-self._grade_pct / 100.0 if self._drop else 1.0)
        return self._down_m


def distance_rule(run: str, limit: DistanceLimit, stage: StageToday, run_clock: RunClock, plan: str) -> Cumulative:
    """The limit on distance, in m; `counts` says whether walking counts."""
    running = limit.counts == "run"
    levels, never = limit.levels, stage.not_from(limit.from_stage)
    if limit.of == "stage":
        asked: Total | float | str = stage.prescribed()
        if isinstance(asked, Total):
            whole_m, in_time_s = (
                (asked.run_distance_m, asked.run_time_s) if running else (asked.distance_m, asked.time_s)
            )
            asked = whole_m if whole_m > 0.0 and in_time_s <= 0.0 else "the stage prescribes times, not distances"
        levels, never = _shares(levels, never, asked)
    return Cumulative(
        run,
        Name("limit.distance", "run_distance" if running else "distance", "m"),
        levels,
        value_of=attrgetter("run_distance_m" if running else "distance_m"),
        told=Told(
            "Running distance" if running else "Distance",
            ("Distance noted", "Distance nearly done", "Distance limit reached"),
            set_by(limit.source, plan),
            metres,
        ),
        terms=Terms(run_clock, limit.live, never, walking_clears=running),
    )


def run_time_rule(run: str, limit: RunTimeLimit, stage: StageToday, run_clock: RunClock, plan: str) -> Cumulative:
    """The limit on running time, in s."""
    levels, never = limit.levels, stage.not_from(limit.from_stage)
    if limit.of == "stage":
        asked: Total | float | str = stage.prescribed()
        if isinstance(asked, Total):
            in_time = asked.run_time_s > 0.0 and asked.run_distance_m <= 0.0
            asked = asked.run_time_s if in_time else "the stage prescribes distances, not times"
        levels, never = _shares(levels, never, asked)
    return Cumulative(
        run,
        Name("limit.run_time", "run_time", "s"),
        levels,
        value_of=attrgetter("run_time_s"),
        told=Told(
            "Running time",
            ("Time noted", "Time nearly done", "Time limit reached"),
            set_by(limit.source, plan),
            clock,
        ),
        terms=Terms(run_clock, limit.live, never, by_clock=True, walking_clears=True),
    )


def steps_rule(
    run: str, limit: StepsLimit, stage: StageToday, run_clock: RunClock, plan: str, injured: Side | None
) -> Cumulative:
    """The limit on steps: of both feet, or of one, which takes every other step."""
    never = stage.not_from(limit.from_stage)
    if limit.foot == "injured" and injured is None:
        never = never or "no injured side"
    foot = {"both": "", "each": "of each foot "}.get(limit.foot, f"on the {injured.value} " if injured else "")
    running = limit.counts == "run"
    name = f"{'run_' if running else ''}steps{'' if limit.foot == 'both' else '_a_foot'}"
    field = "run_steps" if running else "steps"
    return Cumulative(
        run,
        Name("limit.steps", name, "steps"),
        limit.levels,
        value_of=attrgetter(field) if limit.foot == "both" else Half(field),
        told=Told(
            f"{'Running steps' if running else 'Steps'} {foot}".strip(),
            ("Steps noted", "Steps nearly done", "Steps limit reached"),
            set_by(limit.source, plan),
            counted,
        ),
        terms=Terms(run_clock, limit.live, never, walking_clears=running),
    )


def _shares(
    percents: dict[Level, float], never: str | None, asked: float | str
) -> tuple[dict[Level, float], str | None]:
    """Percentages of what the stage asks for; no numbers where that is not known."""
    if isinstance(asked, str):
        return {}, never or asked
    return {level: pct * asked / 100.0 for level, pct in percents.items()}, never


@dataclass(frozen=True, slots=True)
class Half:
    """Half of a total, as one foot has of the steps of both."""

    field: str

    def __call__(self, totals: RunTotals) -> float:
        """Of these totals."""
        return float(getattr(totals, self.field)) / 2.0


def _rank(level: Level) -> int:
    return RANK[level]
