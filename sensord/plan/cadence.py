"""How she runs, against what the plan asks for: cadence, contact time within the run, speed.

Each looks at the median of the last running strides. Outside for `sustained` of running time is said once; back for as
long ends it, with how long it was. The margin between the two keeps noise round a limit from being told as news.
Walking breaks neither count nor interrupt, what is not measured for 10 s of running starts the count again.

None of these has an outcome behind it that a foot pod could promise: cadence and contact time are notes unless the
therapist says otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from statistics import median

from sensord.model import Activity, Level, LimitStatus, Side, Stride
from sensord.plan.breach import RANK, Turn
from sensord.plan.limit_blocks import CadenceTarget, ContactTimeTrend, SpeedLimit
from sensord.plan.model import Plan
from sensord.plan.rule import MIN_CONFIDENCE, Finding, Freshness, Name, Rule, RunClock, Said, Words, not_checked
from sensord.plan.stage_today import StageToday
from sensord.plan.told import set_by

SPEED_STRIDES = 8
"""Strides behind a speed, of either foot: about three seconds (design choice)."""

CADENCE_STRIDES = 30
"""Strides behind a cadence, of either foot: about ten seconds (design choice)."""

TREND_STRIDES = 60
"""Strides behind a contact time, and behind what it is compared with (design choice: about 22 s with both feet)."""

TREND_FROM_S = 120.0
"""Running time after which the beginning of the run is taken: the first two minutes warm up (design choice)."""

SAME_SPEED = 0.05
"""Strides within this share of the speed at the beginning are compared: contact time falls with speed."""

MARGIN = 0.25
"""Share of a target's width, and of a limit on change, that must be regained (design choice)."""


class Watched(Rule):
    """A median over the last running strides."""

    def __init__(
        self, run: str, name: Name, limits: Mapping[Level, float], sustained_s: float, strides: int, clock: RunClock
    ) -> None:
        super().__init__(run, name, limits, sustained_s)
        self.never: str | None = None
        self._sustained_s, self._clock = sustained_s, clock
        self._window: deque[float] = deque(maxlen=strides)
        self._fresh = Freshness()

    def measure(self, stride: Stride) -> float | None:
        """The stride's own value; None: it has none that counts."""
        raise NotImplementedError

    def beyond(self, value: float) -> Level:
        """The highest level that a value is beyond."""
        return max(
            (lvl for lvl, limit in self.limits.items() if value > limit), key=RANK.__getitem__, default=Level.NONE
        )

    def back(self, value: float) -> bool:
        """Whether a value is far enough inside to end an alert."""
        raise NotImplementedError

    def words(self, turn: Turn, value: float) -> Words:
        """What an alert says."""
        raise NotImplementedError

    def collecting(self) -> Finding:
        """Not enough yet."""
        n, needed = len(self._window), self._window.maxlen
        return Finding(LimitStatus.UNDECIDED, None, n, needed, f"{n} of {needed} strides", "collecting")

    def start(self, t_ns: int) -> Said:
        """Where it stands before anything is known."""
        return self.report(not_checked(self.never, "never") if self.never else self.collecting(), t_ns)

    def on_stride(self, stride: Stride, t_ns: int) -> Said:
        """Judge the window that a running stride completes."""
        if self.never or stride.activity is not Activity.RUN or stride.confidence < MIN_CONFIDENCE:
            return []
        found = self.measure(stride)
        if found is None:
            return []
        self._fresh.seen(self._clock, t_ns)
        self._window.append(found)
        if len(self._window) < (self._window.maxlen or 0):
            return self.report(self.collecting(), t_ns)
        value, clock_s = median(self._window), self._clock.run_s
        turns = self.breach.update(self.beyond(value), back=self.back(value), clock_s=clock_s, t_ns=t_ns)
        alerts = [self.alert(turn, value, self.words(turn, value)) for turn in turns]
        return [*self.report(self._finding(value, clock_s), t_ns), *alerts]

    def on_tick(self, t_ns: int, feet_up: frozenset[Side] | None) -> Said:
        """Silence, and what it means."""
        if self.never:
            return []
        needed = self._window.maxlen
        silent = self._fresh.silent(self._clock)
        if silent:
            self._window.clear()
            self.breach.interrupt()
        if silent or (feet_up is not None and not feet_up):
            return self.report(not_checked(f"{self.what} not measured", "silent", n_needed=needed), t_ns)
        if self._fresh.idle(t_ns):
            n = len(self._window)
            return self.report(Finding(LimitStatus.UNDECIDED, None, n, needed, "not running", "idle"), t_ns)
        return []

    @property
    def what(self) -> str:
        """The value's name for people."""
        return self.name.metric.replace("_", " ")

    def _finding(self, value: float, clock_s: float) -> Finding:
        n, sustained_s = len(self._window), self._sustained_s
        back_s, beyond_s = self.breach.back_for_s(clock_s), self.breach.beyond_for_s(clock_s)
        if self.breach.level is not Level.NONE:
            if back_s is None:
                return Finding(LimitStatus.OVER, value, n, n)
            reason, kind = f"back inside for {back_s:.0f} of {sustained_s:.0f} s", "back"
        elif beyond_s is not None:
            reason, kind = f"beyond for {beyond_s:.0f} of {sustained_s:.0f} s", "beyond"
        else:
            return Finding(LimitStatus.WITHIN, value, n, n)
        return Finding(LimitStatus.UNDECIDED, value, n, n, reason, kind)


class SpeedRule(Watched):
    """The limit on speed, in m/s, as it is measured."""

    def __init__(self, run: str, limit: SpeedLimit, stage: StageToday, clock: RunClock, plan: str) -> None:
        super().__init__(run, Name("limit.speed", "speed", "m/s"), limit.levels, limit.sustained, SPEED_STRIDES, clock)
        self.never = stage.not_from(limit.from_stage)
        self._clear_mps = self.first_limit * limit.clear_below_pct / 100.0
        self._source = set_by(limit.source, plan)

    def measure(self, stride: Stride) -> float | None:
        """A speed that rests on a configured step length is none."""
        return None if stride.speed_source == "configured" else stride.speed_mps

    def back(self, value: float) -> bool:
        """Below the clearing value."""
        return value < self._clear_mps

    def words(self, turn: Turn, value: float) -> Words:
        """Speed and pace."""
        if turn.duration_s is not None:
            return Words("", f"Speed {pace(value)}, below {pace(self._clear_mps)} again after {turn.duration_s:.0f} s.")
        fact = f"Speed {pace(value)}, limit {pace(self.limits[turn.level])} ({self._source})."
        cue = {Level.INFO: "Speed noted", Level.WARN: "Slow down"}.get(turn.level, "Slow down now")
        return Words(cue, f"{fact} Clears below {pace(self._clear_mps)}.")


class CadenceRule(Watched):
    """Cadence against its target, in steps a minute; the limit of an alert is the edge that was passed."""

    def __init__(self, run: str, target: CadenceTarget, plan: Plan, stage: StageToday, clock: RunClock) -> None:
        usual_spm = target.baseline_spm or plan.runner.pre_injury.cadence_spm
        low, high = (pct * (usual_spm or 0.0) / 100.0 for pct in target.target_pct)
        level = Level(target.alert)
        limits: dict[Level, float] = {} if level is Level.NONE or usual_spm is None else {level: high}
        super().__init__(run, Name("cadence", "cadence", "spm"), limits, target.sustained, CADENCE_STRIDES, clock)
        self.never = stage.not_from(target.from_stage) or (None if usual_spm else "no baseline cadence")
        self._low, self._high, self._source = low, high, set_by(target.source, plan.id)
        self._margin = MARGIN * (high - low)

    def measure(self, stride: Stride) -> float | None:
        """Steps a minute."""
        return stride.cadence_spm

    def beyond(self, value: float) -> Level:
        """Outside either edge; the one that was passed becomes the limit."""
        if self._low <= value <= self._high:
            return Level.NONE
        for level in self.limits:
            self.limits[level] = self._low if value < self._low else self._high
        return next(iter(self.limits), Level.NONE)

    def back(self, value: float) -> bool:
        """Inside by a margin."""
        return self._low + self._margin <= value <= self._high - self._margin

    def _finding(self, value: float, clock_s: float) -> Finding:
        found = super()._finding(value, clock_s)
        inside = self._low <= value <= self._high
        if found.status is LimitStatus.WITHIN and not inside:  # no alert is wanted, and yet it is not within
            n = len(self._window)
            return Finding(LimitStatus.UNDECIDED, value, n, n, "outside the target, no alert is set", "outside")
        return found

    def words(self, turn: Turn, value: float) -> Words:
        """Cadence, target, and which way."""
        target = f"target {self._low:.0f} to {self._high:.0f}"
        if turn.duration_s is not None:
            return Words("Cadence on target", f"Cadence {value:.0f}, {target}, after {turn.duration_s:.0f} s.")
        cue = "Quicker steps" if value < self._low else "Slower steps"
        return Words(cue, f"Cadence {value:.0f}, {target} ({self._source}).")


class ContactTimeRule(Watched):
    """How contact time changes within a run: the last strides against those after two minutes, each foot against
    itself, at the same speed; in percent, longer positive."""

    def __init__(self, run: str, trend: ContactTimeTrend, stage: StageToday, clock: RunClock, plan: str) -> None:
        given = ((Level.INFO, trend.info_pct), (Level.WARN, trend.warn_pct))
        limits: dict[Level, float] = {level: pct for level, pct in given if pct is not None}
        name = Name("contact_time", "contact_time_change", "%")
        super().__init__(run, name, limits, trend.sustained, TREND_STRIDES, clock)
        self.never = stage.not_from(trend.from_stage)
        self._source = set_by(trend.source, plan)
        self._first: list[tuple[Side, float, float]] = []
        self._usual: dict[Side, float] | None = None
        self._usual_mps = 0.0

    def measure(self, stride: Stride) -> float | None:
        """Change against the beginning; None while that is not known, and at another speed."""
        contact_s, speed_mps = stride.contact_time_s, stride.speed_mps
        if contact_s is None or speed_mps is None or self._clock.run_s < TREND_FROM_S:
            return None
        if self._usual is None:
            self._first.append((stride.foot, contact_s, speed_mps))
            if len(self._first) == TREND_STRIDES:
                feet = {foot: [c for f, c, _ in self._first if f is foot] for foot in Side}
                self._usual = {foot: median(values) for foot, values in feet.items() if values}
                self._usual_mps = median(mps for _, _, mps in self._first)
            return None
        usual_s = self._usual.get(stride.foot)
        if usual_s is None or abs(speed_mps - self._usual_mps) > SAME_SPEED * self._usual_mps:
            return None
        return 100.0 * (contact_s / usual_s - 1.0)

    def on_stride(self, stride: Stride, t_ns: int) -> Said:
        """The strides of the beginning are measured, too: the tick behind the last of them misses nothing."""
        if self._usual is None:
            self._fresh.seen(self._clock, t_ns)
        return super().on_stride(stride, t_ns)

    def beyond(self, value: float) -> Level:
        """Either way."""
        return super().beyond(abs(value))

    def back(self, value: float) -> bool:
        """Nearer by a margin."""
        return abs(value) < (1.0 - MARGIN) * self.first_limit

    def on_tick(self, t_ns: int, feet_up: frozenset[Side] | None) -> Said:
        """Before there is anything to compare, nothing is missing; at another speed nothing can be compared."""
        if self.never or self._usual is None:
            return []
        return super().on_tick(t_ns, feet_up)

    @property
    def what(self) -> str:
        """What is missing when nothing comes."""
        return "contact time at the speed of the beginning"

    def collecting(self) -> Finding:
        """Not enough yet, of which two things."""
        if self._usual is None:
            n = len(self._first)
            reason = f"{n} of {TREND_STRIDES} strides of the beginning"
            return Finding(LimitStatus.UNDECIDED, None, n, TREND_STRIDES, reason, "beginning")
        return super().collecting()

    def words(self, turn: Turn, value: float) -> Words:
        """Change, limit, and which way."""
        fact = f"Contact time {abs(value):.0f} % {'longer' if value > 0 else 'shorter'} than at the beginning"
        if turn.duration_s is not None:
            return Words("", f"{fact}, less than the limit again after {turn.duration_s:.0f} s.")
        return Words("Contact time changes", f"{fact}, limit {self.limits[turn.level]:g} % ({self._source}).")


def pace(mps: float) -> str:
    """A speed as people read it: m/s and minutes a kilometre."""
    seconds = round(1000.0 / mps)
    return f"{mps:.2f} m/s ({seconds // 60}:{seconds % 60:02d}/km)"
