"""Running beyond what the workout asked for: told once when it passes a margin, and once when she walks again.

    quiet --over by more than `amounts.margin` (and by what the distance is unsure)--> told --she ends the run--> quiet

After the workout is done it is told once and never again: who runs home knows it. Only running that was seen counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from sensord.model import NS, Alert, AlertPhase, Level
from sensord.plan.amounts import OVER_S, asked, margin
from sensord.plan.matching import Matcher
from sensord.plan.progress_words import DONE, REST_NOW, WALK_NOW, clock, length
from sensord.plan.segments import Counts
from sensord.plan.workout import Kind, Step

RULE = "workout"

REPEAT_S = 180.0
"""How often "Walk now" is said again while she runs on (reference: warn, one cue, repeated every 3 min at most)."""


@dataclass(frozen=True, slots=True)
class _Told:
    alert: Alert
    last: bool
    again_ns: int


class RunOver:
    """The alert of one workout."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._told: _Told | None = None
        self._told_end = False

    def look(self, matcher: Matcher, now: Counts, share_off: float, t_ns: int) -> list[Alert]:
        """`share_off`: how far off distances may be, as a share."""
        beyond = matcher.beyond
        if beyond is None:
            return self._back(t_ns)
        last = beyond.step is None or matcher.route.after(matcher.place, run=True) is None
        if self._told is not None or (last and self._told_end):
            return []
        over_s, over_m = beyond.by(now)
        step = beyond.step
        if step is None or step.time_s is not None:
            over, limit = over_s, 0.0 if step is None else asked(step)
            spare = OVER_S if step is None else (margin(limit, step) - 1.0) * limit
        else:
            over, limit = over_m, asked(step)
            spare = (margin(limit, step) - 1.0 + share_off) * limit
        if over <= spare:
            return []
        return [self._onset(matcher, step, limit, over, last=last, t_ns=t_ns)]

    def again(self, t_ns: int) -> bool:
        """Whether it is time to say "Walk now" once more."""
        told = self._told
        if told is None or told.last or t_ns < told.again_ns:
            return False
        self._told = _Told(told.alert, told.last, t_ns + round(REPEAT_S * NS))
        return True

    def _onset(self, matcher: Matcher, step: Step | None, limit: float, over: float, *, last: bool, t_ns: int) -> Alert:
        timed = step is None or step.time_s is not None
        show = clock if timed else length
        following = matcher.route.at(matcher.place + 1)
        if last:
            cue, text = DONE, f"Workout done; running over the plan by {show(over)}."
        else:
            rest = following is not None and following.kind is Kind.REST
            cue = REST_NOW if rest else WALK_NOW
            name = "Run" if step is None or step.repetition is None else f"Run {step.repetition}"
            text = f"{name}: {show(limit + over)} of {show(limit)}. {cue}."
        alert = Alert(
            id=f"{self._run}/{RULE}/{Level.WARN.value}/{t_ns}",
            phase=AlertPhase.ONSET,
            level=Level.WARN,
            rule=RULE,
            metric="run_time" if timed else "run_distance",
            unit="s" if timed else "m",
            value=limit + over,
            limit=limit,
            cue=cue,
            text=text,
            onset_ns=t_ns,
            duration_s=None,
        )
        self._told = _Told(alert, last, t_ns + round(REPEAT_S * NS))
        self._told_end = self._told_end or last
        return alert

    def _back(self, t_ns: int) -> list[Alert]:
        told, self._told = self._told, None
        if told is None:
            return []
        onset, duration_s = told.alert, (t_ns - told.alert.onset_ns) / NS
        return [
            Alert(
                id=onset.id,
                phase=AlertPhase.RECOVERY,
                level=onset.level,
                rule=RULE,
                metric=onset.metric,
                unit=onset.unit,
                value=None,
                limit=onset.limit,
                cue="Running ended",
                text=f"No longer running, {clock(duration_s)} after it was told.",
                onset_ns=onset.onset_ns,
                duration_s=duration_s,
            )
        ]
