"""When an estimate has been beyond a limit for certain: evidence that is added up over a whole run.

A 95 % interval that is looked at every few seconds leaves the limit by chance sooner or later. So what is judged is not
one window but the evidence of all batches of ten so far (stride pairs, or landings of a foot):

    evidence = max(0, evidence + score - SHIFT)      score: (batch - limit) / standard deviation of a batch

Ten that lie clearly beyond add to it, ten that do not take from it, and it never falls below nothing (a cumulative sum:
Page 1954, Biometrika 41:100). Beyond for certain is an evidence of `ENOUGH`. Walking adds nothing and takes nothing;
bouts of running are one series. The same sum against the clearing value tells when an alert may end.

`SHIFT` makes the sum fall where the truth is less than half a minimal detectable change beyond the limit, and rise
where it is more. `ENOUGH` is fitted and its curve measured by `python -m bench.limit_curve` (docs/limits.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from sensord.model import Level
from sensord.plan.breach import RANK, Breach, Turn

BATCH = 10
"""Pairs or landings in a batch, as in `load.interval`."""

MDC_BATCHES = 6
"""The minimal detectable change is that between two windows of 60 pairs, as many as docs/plan-file.md asks for."""

MDC = 1.96 * sqrt(2.0 / MDC_BATCHES)
"""That change, in standard deviations of a batch: 1.13."""

SHIFT = MDC / 2.0
"""What a batch must lie beyond the limit to count for an alert: halfway to where it should be found (the best choice
for a change of `MDC`: Lorden 1971, Ann. Math. Stat. 42:1897)."""

SHIFT_BACK = MDC / 4.0
"""The same below the clearing value. Less, since between limit and clearing value there is a distance already (design
choice; its curve is in docs/limits.md)."""

ENOUGH = 7.0
"""Evidence that is certain: the smallest multiple of a half with which at most 5 of 100 runs of 30 min exactly at the
limit are told, whatever `sustained` is (`python -m bench.limit_curve --fit`)."""

MOST = 3.0
"""A score counts up to so much: one wild batch proves nothing (design choice)."""

NO_SPREAD = 1e-9
"""A standard deviation below this is none."""

POOLED = 50
"""Values after which the spread forgets (design choice: 500 pairs of contact time, about six minutes)."""

NEIGHBOURS = 1.1
"""Batches resemble their neighbours, so that their differences show less than what a mean scatters: ten times the
variance of a long mean of pairs with an autocorrelation of 0.3, over half the mean square of the difference of
neighbouring batches of ten."""

WILD = 9.0
"""A squared difference counts up to so many variances: a step is a change, not scatter (design choice: three standard
deviations)."""


def score(distance: float, sd: float) -> float:
    """How far a batch lies beyond, in standard deviations of a batch, at most `MOST`."""
    if sd < NO_SPREAD:
        return MOST if distance > 0 else -MOST
    return max(-MOST, min(MOST, distance / sd))


class Spread:
    """Standard deviation of a batch over a run: that of one window alone is too uncertain, and a change in the middle
    of it would count as scatter. The first value gives the start; from then on it is learned from how much each batch
    differs from the one before."""

    def __init__(self) -> None:
        self._variance: float | None = None
        self._n = 0.0
        self._last = 0.0

    def add(self, se: float, n: int, latest: float, fresh: int) -> float:
        """A value over n pairs, its standard error, the value of its `fresh` new pairs alone; returns the standard
        deviation of a batch."""
        window = se * se * n / BATCH
        if self._variance is None:
            self._variance, self._n = window, n / BATCH - 1.0
        else:
            differs = NEIGHBOURS * (latest - self._last) ** 2 / 2.0 * fresh / BATCH
            self._n = min(self._n + 1.0, POOLED)
            self._variance += (min(differs, max(WILD * self._variance, window / WILD)) - self._variance) / self._n
        self._last = latest
        return sqrt(self._variance)


class Evidence:
    """The sum against one limit in one direction."""

    def __init__(self, shift: float) -> None:
        self._shift = shift
        self._sum = 0.0
        self.since_s: float | None = None
        """Running time at which the sum last left zero; None while there is no evidence."""

    @property
    def enough(self) -> bool:
        """It is certain."""
        return self._sum >= ENOUGH

    def add(self, score: float, batches: float, from_s: float) -> None:
        """So many batches, which began at `from_s` of running time, scored so much on the average."""
        self._sum = max(0.0, self._sum + batches * (score - self._shift))
        if self._sum == 0.0:
            self.since_s = None
        elif self.since_s is None:
            self.since_s = from_s

    def lasted(self, sustained_s: float, clock_s: float) -> bool:
        """It is certain and has been building up for long enough."""
        return self.enough and self.since_s is not None and clock_s - self.since_s >= sustained_s

    def clear(self) -> None:
        """Start from nothing."""
        self._sum, self.since_s = 0.0, None


@dataclass(frozen=True, slots=True)
class Reading:
    """What new batches say. `beyond`: for each level the mean score beyond it, upwards and, for a limit either way,
    downwards; `back`: the mean score inside the clearing value; `clear_of`: the highest level that the whole interval
    is beyond now; `below`: the value is inside the clearing value now."""

    batches: float
    beyond: Mapping[Level, Sequence[float]]
    back: float
    clear_of: Level
    below: bool


class Watch:
    """Evidence of one limit: for each level and direction, and for the end of its alert."""

    def __init__(self, breach: Breach, levels: Sequence[Level], sustained_s: float, directions: int = 1) -> None:
        """`breach` holds the life of the alert, without a time of its own; `sustained_s` in running time."""
        self._breach, self._sustained_s = breach, sustained_s
        self._beyond = {level: [Evidence(SHIFT) for _ in range(directions)] for level in levels}
        self._back = Evidence(SHIFT_BACK)
        self._from_s = 0.0

    def doubt(self, reading: Reading, clock_s: float) -> tuple[str, str] | None:
        """Why nothing is told though the interval is beyond a limit, or the value back inside: reason and its kind."""
        if self._breach.level is not Level.NONE:
            since_s = self._back.since_s
            return (
                (self._counted("back inside", since_s, clock_s), "back")
                if reading.below and since_s is not None
                else None
            )
        if reading.clear_of is Level.NONE:
            return None
        since = [e.since_s for evidence in self._beyond.values() for e in evidence if e.since_s is not None]
        return self._counted("beyond", min(since, default=clock_s), clock_s), "beyond"

    def _counted(self, what: str, since_s: float, clock_s: float) -> str:
        for_s = clock_s - since_s
        if for_s < self._sustained_s:
            return f"{what} for {for_s:.0f} of {self._sustained_s:.0f} s"
        return f"{what} for {for_s:.0f} s, not yet clear"

    def interrupt(self, clock_s: float) -> None:
        """Nothing is measured: what was building up starts from nothing; an alert stays."""
        self._forget()
        self._back.clear()
        self._from_s = clock_s

    def update(self, reading: Reading, *, clock_s: float, t_ns: int) -> list[Turn]:
        """What begins or ends with this reading."""
        from_s, self._from_s = self._from_s, clock_s
        for level, scores in reading.beyond.items():
            for evidence, one in zip(self._beyond[level], scores, strict=True):
                evidence.add(one, reading.batches, from_s)
        if self._breach.level is not Level.NONE:
            self._back.add(reading.back, reading.batches, from_s)
        ripe = self._ripe(reading.clear_of, clock_s)
        back = reading.below and self._back.lasted(self._sustained_s, clock_s)
        turns = self._breach.update(ripe, back=back, clock_s=clock_s, t_ns=t_ns)
        if turns:
            self._back.clear()
        if turns and self._breach.level is Level.NONE:
            self._forget()
        return turns

    def _ripe(self, clear_of: Level, clock_s: float) -> Level:
        """The highest level that is certain, has lasted, and that the interval is clear of."""
        ripe = [
            level
            for level, evidence in self._beyond.items()
            if RANK[level] <= RANK[clear_of] and any(one.lasted(self._sustained_s, clock_s) for one in evidence)
        ]
        return max(ripe, key=RANK.__getitem__, default=Level.NONE)

    def _forget(self) -> None:
        for evidence in self._beyond.values():
            for one in evidence:
                one.clear()
