"""What all limits have in common: what they answer to, where they stand, and when they say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from sensord.model import NS, Alert, AlertPhase, Asymmetry, Level, LimitState, LimitStatus, RunTotals, Side, Stride
from sensord.plan.breach import Breach, Turn

REPEAT_EVERY_S = 10
"""A state in which only numbers moved is said again after so long (design choice)."""

STALE_S = 10
"""Not measured for so long is not measured now: longer than any stride and its delay (design choice)."""

MIN_CONFIDENCE = 0.5
"""A stride that is more likely wrong than right is neither compared nor judged (design choice)."""

WALKED_S = 10.0
"""So much walking since she last ran is walking, and not a pause between two strides (design choice)."""

RUNS_ON_S = 3.0
"""She runs on while running was counted within this: longer than a stride and its delay (design choice)."""

REPEAT_S: Mapping[Level, float] = {Level.STOP: 180.0, Level.URGENT: 180.0}
"""How often what still lasts is said again while she runs on, where the plan says nothing (design choice: three
minutes; a note and a warning are said once)."""

Said = list[LimitState | Alert]


@dataclass(frozen=True, slots=True)
class Name:
    """What a limit is called: rule (unique in a plan), metric, unit of its value."""

    rule: str
    metric: str
    unit: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a limit stands. `kind` is the sort of reason: the numbers in a reason move, its kind changes."""

    status: LimitStatus
    value: float | None = None
    n: int = 0
    n_needed: int | None = None
    reason: str | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """What an alert says: at most three words for the ear, and the fact, the limit and what remains."""

    cue: str
    text: str


class _Stand(NamedTuple):
    """What a state is made of; few are ever said."""

    finding: Finding
    level: Level
    name: Name
    limits: Mapping[Level, float]

    def like(self, other: _Stand) -> bool:
        """Whether status, level and kind of reason are the same."""
        one, two = self.finding, other.finding
        return one.status is two.status and self.level is other.level and one.kind == two.kind

    def state(self) -> LimitState:
        """As it is said."""
        finding, limits = self.finding, self.limits
        return LimitState(
            rule=self.name.rule,
            metric=self.name.metric,
            unit=self.name.unit,
            status=finding.status,
            level=self.level,
            value=finding.value,
            warn=limits.get(Level.WARN),
            stop=limits.get(Level.STOP),
            n=finding.n,
            n_needed=finding.n_needed,
            reason=finding.reason,
        )


class RunClock:
    """Seconds of running so far: "sustained" and "silent" are counted in it, so that walking breaks do not count.

    `run_s`: counted; `now_s`: and what has passed since while she runs on; `walked_s`: walking since she last ran;
    `bout_s`: running since she last walked for `WALKED_S`.
    """

    def __init__(self) -> None:
        self.run_s = self.now_s = self.walked_s = self.bout_s = 0.0
        self._bout_from_s = self._walk_from_s = 0.0
        self._ran_ns: int | None = None

    def count(self, totals: RunTotals, t_ns: int) -> None:
        """New totals at `t_ns`."""
        if totals.run_time_s > self.run_s:
            self._walk_from_s, self._ran_ns = totals.walk_time_s, t_ns
        self.run_s = self.now_s = totals.run_time_s
        self.walked_s = totals.walk_time_s - self._walk_from_s
        if self.walked_s >= WALKED_S:
            self._bout_from_s = self.run_s
        self.bout_s = self.run_s - self._bout_from_s

    def runs_on(self, t_ns: int) -> bool:
        """Running was counted just now."""
        return self._ran_ns is not None and t_ns - self._ran_ns <= RUNS_ON_S * NS


class Rule:
    """One limit of a plan. Subclasses answer to what concerns them; the rest passes by."""

    def __init__(self, run: str, name: Name, limits: Mapping[Level, float], sustained_s: float = 0.0) -> None:
        """`limits`: the value of each level that has one, in the unit of the name."""
        self.name = name
        self.decided = False
        self.limits = dict(limits)
        self.breach = Breach(tuple(limits), sustained_s)
        self.repeat_s: Mapping[Level, float] = REPEAT_S
        self._run = run
        self._onset: Alert | None = None
        self._alerted_ns = 0
        self._last: _Stand | None = None
        self._said: tuple[_Stand, LimitState] | None = None
        self._said_ns = 0

    @property
    def level(self) -> Level:
        """Where the limit stands: the highest level that was alerted and has not ended."""
        return self.breach.level

    @property
    def first_limit(self) -> float:
        """The limit that is reached first."""
        return min(self.limits.values())

    def start(self, t_ns: int) -> Said:
        """The run has begun."""
        raise NotImplementedError

    def on_stride(self, stride: Stride, t_ns: int) -> Said:  # noqa: ARG002
        """A stride of either foot."""
        return []

    def on_totals(self, totals: RunTotals, t_ns: int) -> Said:  # noqa: ARG002
        """New totals."""
        return []

    def on_asymmetry(self, asymmetry: Asymmetry, t_ns: int) -> Said:  # noqa: ARG002
        """A new asymmetry."""
        return []

    def on_tick(self, t_ns: int, feet_up: frozenset[Side] | None) -> Said:  # noqa: ARG002
        """A second has passed; `feet_up`: feet whose pod is linked, None when nobody knows."""
        return []

    def end(self, t_ns: int) -> Said:
        """The run is over: the last numbers, when they have not been said."""
        return [] if self._last is None else self._say(self._last, t_ns)

    def report(self, finding: Finding, t_ns: int) -> Said:
        """The state, when its status, level or kind of reason changed, or when only numbers moved and it is time."""
        self.decided = self.decided or finding.status in (LimitStatus.WITHIN, LimitStatus.OVER)
        now = self._last = _Stand(finding, self.level, self.name, self.limits)
        if self._said is not None and now.like(self._said[0]) and t_ns - self._said_ns < REPEAT_EVERY_S * NS:
            return []
        return self._say(now, t_ns)

    def alert(self, turn: Turn, value: float | None, words: Words) -> Alert:
        """The alert for an onset or a recovery; both have one id. `words` without a cue: that of a kept limit."""
        said = Alert(
            id=f"{self._run}/{self.name.rule}/{turn.level.value}/{turn.onset_ns}",
            phase=turn.phase,
            level=turn.level,
            rule=self.name.rule,
            metric=self.name.metric,
            unit=self.name.unit,
            value=value,
            limit=self.limits[turn.level],
            cue=words.cue or "Back inside limit",
            text=words.text,
            onset_ns=turn.onset_ns,
            duration_s=turn.duration_s,
        )
        if turn.phase is AlertPhase.ONSET:
            self._onset, self._alerted_ns = said, turn.onset_ns
        return said

    def remind(self, t_ns: int, clock: RunClock) -> Said:
        """What still lasts, again: every so often while she runs on; nothing of what is not measured now."""
        onset, every_s = self._onset, self.repeat_s.get(self.breach.level)
        if (
            onset is None
            or every_s is None
            or t_ns - self._alerted_ns < every_s * NS
            or not clock.runs_on(t_ns)
            or self._last is None
            or self._last.finding.status is not LimitStatus.OVER
        ):
            return []
        self._alerted_ns = t_ns
        value, words = self.reminder(onset, t_ns)
        return [replace(onset, phase=AlertPhase.REMINDER, value=value, cue=words.cue, text=words.text)]

    def reminder(self, onset: Alert, t_ns: int) -> tuple[float | None, Words]:
        """The value now, and what a reminder of this onset says."""
        assert self._last is not None
        minutes = round((t_ns - onset.onset_ns) / (60 * NS))
        return self._last.finding.value, Words(onset.cue, f"For {minutes} min now. At its beginning: {onset.text}")

    def _say(self, stand: _Stand, t_ns: int) -> Said:
        """Say it, unless it would be word for word what was said last."""
        state = stand.state()
        if self._said is not None and state == self._said[1] and stand.like(self._said[0]):
            return []
        self._said, self._said_ns = (stand, state), t_ns
        return [state]


class Freshness:
    """When something was last measured, and what it means that it no longer is."""

    def __init__(self) -> None:
        self._run_s = 0.0
        self._t_ns: int | None = None

    def seen(self, clock: RunClock, t_ns: int) -> None:
        """It was measured just now."""
        self._run_s, self._t_ns = clock.run_s, t_ns

    def silent(self, clock: RunClock, after_s: float = STALE_S) -> bool:
        """She has been running for a while, and it was not measured."""
        return clock.run_s - self._run_s >= after_s

    def idle(self, t_ns: int) -> bool:
        """It was measured, but not lately."""
        return self._t_ns is not None and t_ns - self._t_ns >= STALE_S * NS


def not_checked(reason: str, kind: str, *, n: int = 0, n_needed: int | None = None) -> Finding:
    """Nothing can be said, and why."""
    return Finding(LimitStatus.NOT_CHECKED, None, n, n_needed, reason, kind)
