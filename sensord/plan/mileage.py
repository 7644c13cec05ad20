"""What runs add up to over days: sums, the longest run, growth, and load measures that are shown, never alarmed.

Windows are half open, [from, to), on wall time. Days are local. Every measure says on how many days or runs it rests,
and where it cannot be told, why not: history that nobody vouches for, a run whose clock was not set, a run without a
distance. A day without a run is 0 in sums over days, as the measures' authors have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from statistics import fmean, stdev

from sensord.plan.days import DAY_NS, later, local_date
from sensord.plan.facts import CheckIn, Exercised, Fact, HistoryKnown, RunFact

ACUTE_DAYS, CHRONIC_DAYS = 7, 28
"""Gabbett 2016; Williams 2017 (doi 10.1136/bjsports-2016-096589): lambda = 2/(N + 1), the first 28 days blank."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number, the days or runs it rests on, or why there is none."""

    value: float | None
    n: int
    unit: str
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Mileage:
    """All measures at a time. Sums in m; loads as the unit says."""

    sums_m: dict[int, Measure]  # by days: 7, 14, 30
    previous_7d_m: Measure
    longest_30d_m: Measure
    week_growth_pct: Measure
    acwr_coupled: Measure
    acwr_uncoupled: Measure
    acwr_ewma: Measure
    monotony: Measure
    strain: Measure
    session_rpe_7d: Measure


def runs_of(facts: Iterable[Fact]) -> tuple[RunFact, ...]:
    """Each run once, in the order of their ends. Of two gateways that recorded one run, the one whose clock was set
    counts, then the one that measured the longer distance, then the one whose key is first."""
    best: dict[str, RunFact] = {}
    for fact in facts:
        if isinstance(fact, RunFact):
            other = best.get(fact.run)
            best[fact.run] = fact if other is None else min(fact, other, key=_preference)
    return tuple(sorted(best.values(), key=lambda run: (run.end_wall_ns, run.run)))


def _preference(run: RunFact) -> tuple[bool, float, object]:
    return (not run.clock_trusted, -(run.distance_m or 0.0), run.key)


@dataclass(frozen=True, slots=True)
class History:
    """Runs once each, and from when on all of them are on file (None: nobody has said so)."""

    runs: Sequence[RunFact]  # in the order of their ends
    known_from_ns: int | None

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> History:
        """From all facts."""
        kept = tuple(facts)
        known = min((fact.at_wall_ns for fact in kept if isinstance(fact, HistoryKnown)), default=None)
        return cls(runs_of(kept), known)

    def _ended_since(self, from_ns: int) -> Iterator[RunFact]:
        """Newest first: years of runs are on file, and windows are of days."""
        for run in reversed(self.runs):
            if run.end_wall_ns < from_ns:
                return
            yield run

    def between(self, from_ns: int, to_ns: int) -> list[RunFact]:
        """The runs that began in [from, to) by a clock that was set, the newest first."""
        runs = self._ended_since(from_ns)
        return [run for run in runs if run.clock_trusted and from_ns <= run.at_wall_ns < to_ns]

    def why_unsure(self, from_ns: int) -> str | None:
        """Why the runs from then on may not be all there are; None: they are."""
        if self.known_from_ns is None:
            return "nobody has said from when on all runs are on file"
        if self.known_from_ns > from_ns:
            return "not all runs of that time are on file"
        if self._unset_clock_since(from_ns):
            return "the clock of a run was not set"
        return None

    def _unset_clock_since(self, from_ns: int) -> bool:
        """Whether a run whose clock was not set may have been since then. What stands as its time is that of the run
        before it; it was before the next run with a clock."""
        floor_ns: int | None = None
        for run in reversed(self.runs):
            if floor_ns is not None and run.end_wall_ns < floor_ns:
                return False
            if not run.clock_trusted and (floor_ns is None or run.at_wall_ns >= floor_ns):
                return True
            if run.clock_trusted and floor_ns is None and run.at_wall_ns <= from_ns:
                floor_ns = run.at_wall_ns
        return False

    def sum_m(self, from_ns: int, to_ns: int) -> Measure:
        """Distance of the runs that began in [from, to)."""
        runs = self.between(from_ns, to_ns)
        why = self.why_unsure(from_ns)
        if why is None and any(run.distance_m is None for run in runs):
            why = "a run has no distance"
        total = sum(run.distance_m for run in runs if run.distance_m is not None)
        return Measure(None if why else total, len(runs), "m", why)

    def longest_m(self, from_ns: int, to_ns: int) -> Measure:
        """The longest of the runs that began in [from, to)."""
        runs = self.between(from_ns, to_ns)
        why = self.why_unsure(from_ns)
        if why is None and any(run.distance_m is None for run in runs):
            why = "a run has no distance"
        longest = max((run.distance_m for run in runs if run.distance_m is not None), default=None)
        if why is None and longest is None:
            why = "no run in that time"
        return Measure(None if why else longest, len(runs), "m", why)


def mileage(facts: Sequence[Fact], now_ns: int, tz: tzinfo) -> Mileage:
    """All measures at a time, from facts that count (see `facts.union`)."""
    history = History.of(facts)
    sums = {days: history.sum_m(now_ns - days * DAY_NS, now_ns) for days in (7, 14, 30)}
    previous = history.sum_m(now_ns - 14 * DAY_NS, now_ns - 7 * DAY_NS)
    loads, why = _daily_m(history, now_ns, tz)
    monotony, strain = _monotony(loads, why)
    return Mileage(
        sums_m=sums,
        previous_7d_m=previous,
        longest_30d_m=history.longest_m(now_ns - 30 * DAY_NS, now_ns),
        week_growth_pct=growth_pct(sums[7], previous),
        acwr_coupled=_rolling(loads, why, coupled=True),
        acwr_uncoupled=_rolling(loads, why, coupled=False),
        acwr_ewma=_ewma(loads, why),
        monotony=monotony,
        strain=strain,
        session_rpe_7d=_session_rpe(facts, history, now_ns),
    )


def growth_pct(week: Measure, previous: Measure) -> Measure:
    """A week in percent of the one before it: 110 is a tenth more."""
    why = week.why_not or previous.why_not
    if why is None and not previous.value:
        why = "nothing was run in the week before"
    if why is not None or week.value is None or not previous.value:
        return Measure(None, week.n, "%", why)
    return Measure(100.0 * week.value / previous.value, week.n, "%")


def _daily_m(history: History, now_ns: int, tz: tzinfo) -> tuple[list[float], str | None]:
    """Distance of each local day since history is known, today last; and why it cannot be told."""
    from_ns = now_ns if history.known_from_ns is None else history.known_from_ns
    if history.known_from_ns is None or from_ns > now_ns:
        return [], history.why_unsure(min(from_ns, now_ns))
    first, today = local_date(from_ns, tz), local_date(now_ns, tz)
    days = {later(first, ahead): 0.0 for ahead in range((today - first).days + 1)}
    runs = history.between(from_ns, now_ns)
    for run in runs:
        days[local_date(run.at_wall_ns, tz)] += run.distance_m or 0.0
    why = history.why_unsure(from_ns)
    if why is None and any(run.distance_m is None for run in runs):
        why = "a run has no distance"
    return list(days.values()), why


def _enough(loads: Sequence[float], why: str | None, days: int) -> str | None:
    if why is None and len(loads) < days:
        why = f"{len(loads)} of {days} days are on file"
    return why


def _rolling(loads: Sequence[float], why: str | None, *, coupled: bool) -> Measure:
    """Mean of the last 7 days over that of 28 (coupled), or over that of the 21 before those 7 (uncoupled)."""
    why = _enough(loads, why, CHRONIC_DAYS)
    if why is not None:
        return Measure(None, min(len(loads), CHRONIC_DAYS), "", why)
    chronic = fmean(loads[-CHRONIC_DAYS:] if coupled else loads[-CHRONIC_DAYS:-ACUTE_DAYS])
    if chronic == 0:
        return Measure(None, CHRONIC_DAYS, "", "nothing was run in the weeks it is compared with")
    return Measure(fmean(loads[-ACUTE_DAYS:]) / chronic, CHRONIC_DAYS, "")


def _ewma(loads: Sequence[float], why: str | None) -> Measure:
    """Exponentially weighted: E = lambda L + (1 - lambda) E before; the first day's E is its load."""
    why = _enough(loads, why, CHRONIC_DAYS + 1)  # the first 28 days are blank
    if why is not None:
        return Measure(None, len(loads), "", why)
    acute = chronic = loads[0]
    for load in loads[1:]:
        acute += 2.0 / (ACUTE_DAYS + 1) * (load - acute)
        chronic += 2.0 / (CHRONIC_DAYS + 1) * (load - chronic)
    if chronic == 0:
        return Measure(None, len(loads), "", "nothing was run")
    return Measure(acute / chronic, len(loads), "")


def _monotony(loads: Sequence[float], why: str | None) -> tuple[Measure, Measure]:
    """Foster 1998: daily mean over SD (of a sample) of 7 days; strain = week's load (m) x monotony."""
    why = _enough(loads, why, ACUTE_DAYS)
    week = loads[-ACUTE_DAYS:]
    if why is None and stdev(week) == 0:
        why = "every day of the week was the same"
    if why is not None:
        return Measure(None, len(week), "", why), Measure(None, len(week), "m", why)
    monotony = fmean(week) / stdev(week)
    return Measure(monotony, len(week), ""), Measure(sum(week) * monotony, len(week), "m")


def _session_rpe(facts: Sequence[Fact], history: History, now_ns: int) -> Measure:
    """Foster's session-RPE of 7 days: effort (0 to 10) x minutes, of runs and of cross-training."""
    from_ns = now_ns - 7 * DAY_NS
    efforts: dict[str, float] = {}
    for fact in facts:
        if isinstance(fact, CheckIn) and fact.run is not None and isinstance(fact.answers.get("rpe"), float | int):
            efforts[fact.run] = float(fact.answers["rpe"])
    why = history.why_unsure(from_ns)
    runs = history.between(from_ns, now_ns)
    load, n = 0.0, 0
    for run in runs:
        minutes = (run.end_wall_ns - run.at_wall_ns) / (60 * 10**9)
        if run.run in efforts and minutes > 0:
            load, n = load + efforts[run.run] * minutes, n + 1
        elif why is None:
            why = "a run has no effort or no duration"
    for fact in facts:
        if (
            isinstance(fact, Exercised)
            and from_ns <= fact.at_wall_ns < now_ns
            and fact.minutes
            and fact.rpe is not None
        ):
            load, n = load + fact.rpe * fact.minutes, n + 1
    return Measure(None if why else load, n, "effort x min", why)
