"""Limits in percent of what she ran before: this run against her longest, this week against the last, impacts likewise.

What was before stands in `RunSetup.day`; where it is not known (history incomplete, clock not trusted, nothing before)
the limit is not checked, and says why. They mean nothing while walking and running alternate (`StageToday.no_ratio`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sensord.model import Activity, Level, RunSetup, RunTotals, Side, Stride
from sensord.plan.cumulative import Cumulative, Terms
from sensord.plan.impact_measures import Measures
from sensord.plan.limit_blocks import ImpactLoadLimit, SessionSpikeLimit, WeekGrowthLimit
from sensord.plan.model import Plan
from sensord.plan.rule import MIN_CONFIDENCE, Finding, Name, RunClock, Said, not_checked
from sensord.plan.stage_today import StageToday
from sensord.plan.standing import Day
from sensord.plan.told import PercentTold, ShareTold, metres, set_by

MISSED_PCT = 5.0
"""Impacts that were not measured, or clipped, beyond which a sum of impacts is not said to be inside a limit (design
choice)."""

UNTOLD_STRIDES = 2
"""Design choice: so many strides one foot may be behind the other without anything being missing."""

BY_DEFAULT = "limit set by default, after Frandsen 2025"

NO_HISTORY = "history not known"


@dataclass(frozen=True, slots=True)
class Share:
    """Metres of this run and `plus_m` before it, in percent of a base."""

    base_m: float
    plus_m: float

    def __call__(self, totals: RunTotals) -> float:
        """Of these totals."""
        return 100.0 * (self.plus_m + totals.distance_m) / self.base_m


def spike_rule(
    run: str, limit: SessionSpikeLimit, day: Day | None, stage: StageToday, run_clock: RunClock, plan: str
) -> Cumulative:
    """This run in percent of the longest run of the 30 days before it."""
    longest_m = day.longest_30d_m if day else None
    never = stage.no_ratio(limit.from_stage) or _unknown(day, longest_m)
    base_m = max(longest_m or 0.0, limit.min_base or 0.0)
    if base_m <= 0.0:
        never = never or "no run in the 30 days before"
    told = ShareTold(
        "Distance",
        ("Long run noted", "Run gets long", "Run too long"),
        BY_DEFAULT if limit.by_default and limit.source is None else set_by(limit.source, plan),
        metres,
        _base("her longest run in 30 days", longest_m, base_m),
        base_m or 1.0,
    )
    return Cumulative(
        run,
        Name("limit.session_spike", "longest_ratio_30d", "%"),
        limit.levels,
        value_of=Share(base_m or 1.0, 0.0),
        told=told,
        terms=Terms(run_clock, limit.live, never),
    )


def week_rule(
    run: str, limit: WeekGrowthLimit, day: Day | None, stage: StageToday, run_clock: RunClock, plan: str
) -> Cumulative:
    """The last 7 days with this run, in percent of the 7 days before those."""
    before_m = day.previous_7d_m if day else None
    so_far_m = day.distance_7d_m if day else None
    never = stage.no_ratio(limit.from_stage) or _unknown(day, before_m) or _unknown(day, so_far_m)
    base_m = max(before_m or 0.0, limit.min_base or 0.0)
    if base_m <= 0.0:
        never = never or "no run in the 7 days before these"
    told = ShareTold(
        "In 7 days",
        ("Week distance noted", "Week gets long", "Week too long"),
        set_by(limit.source, plan),
        metres,
        _base("the 7 days before", before_m, base_m),
        base_m or 1.0,
    )
    return Cumulative(
        run,
        Name("limit.week_growth", "week_ratio", "%"),
        limit.levels,
        value_of=Share(base_m or 1.0, so_far_m or 0.0),
        told=told,
        terms=Terms(run_clock, limit.live, never),
    )


class ImpactLoad(Cumulative):
    """Impacts of one foot, each as (peak / baseline)^exponent, over 7 days in percent of the 7 days before.

    The sum of this run is kept whether or not there is anything to compare it with: it is what the next weeks are
    compared with (`load`). A clipped peak counts as what was recorded, a lost one as nothing: the sum is a lower bound,
    and where more than `MISSED_PCT` are missing or clipped it is not said to be within. Missing are strides, too, that
    this foot's pod never told while steps were counted.
    """

    def __init__(
        self,
        run: str,
        side: Side,
        limit: ImpactLoadLimit,
        *,
        measures: Measures | None,
        day: Day | None,
        terms: Terms,
        rule: str,
        source: str,
    ) -> None:
        before, so_far = _loads(day, side)
        never = terms.never or ("no impact baseline: the plan has no [impact]" if measures is None else None)
        never = never or _unknown(day, before) or _unknown(day, so_far)
        never = never or (None if before else "no impacts in the 7 days before these")
        told = PercentTold(
            f"Impact load on the {side.value} in 7 days",
            ("Impact load noted", "Impact load high", "Impact load high"),
            source,
            metres,
            "the 7 days before",
        )
        name = Name(rule, f"impact_load_{side.value}", "%")
        terms = Terms(terms.clock, terms.live, never, walking_clears=True)
        super().__init__(run, name, limit.levels, value_of=self._percent, told=told, terms=terms)
        self.side, self.exponent = side, limit.exponent
        self._measures = measures
        self._usual_g: dict[str, float | None] = {}
        self._before, self._so_far = before or 1.0, so_far or 0.0
        self._sum = 0.0
        self._n = self._missed = 0
        self._strides = 0.0

    @property
    def load(self) -> float | None:
        """The sum over this run; None when nothing was measured against a baseline."""
        return self._sum if self._n > self._missed else None

    def on_stride(self, stride: Stride, t_ns: int) -> Said:  # noqa: ARG002
        """Add a running stride of this foot."""
        if stride.foot is not self.side or stride.activity is not Activity.RUN or self._measures is None:
            return []
        self._n += 1
        usual_g = self._usual(stride.impact_source or "acc")
        if stride.impact_peak_g is None or usual_g is None or stride.confidence < MIN_CONFIDENCE:
            self._missed += 1
        else:
            self._missed += stride.impact_clipped
            self._sum += (stride.impact_peak_g / usual_g) ** self.exponent
        return []

    def finding(self) -> Finding:
        """Not within when too much of it is missing."""
        untold = max(self._strides - self._n - UNTOLD_STRIDES, 0.0)
        missed_pct = 100.0 * (self._missed + untold) / (self._n + untold) if self._n else 0.0
        if self.level is Level.NONE and missed_pct > MISSED_PCT:
            return not_checked(f"{missed_pct:.0f} % of impacts not measured or clipped", "missed", n=self._n)
        return super().finding()

    def _percent(self, totals: RunTotals) -> float:
        self._strides = totals.run_steps / 2.0
        return 100.0 * (self._so_far + self._sum) / self._before

    def _usual(self, source: str) -> float | None:
        """The baseline of impacts from this sensor, in g."""
        if source not in self._usual_g:
            assert self._measures is not None
            plain = [measure.usual for measure in self._measures.by(source) if measure.plain]
            self._usual_g[source] = plain[0] if plain else None
        return self._usual_g[source]


def impact_load_rules(
    plan: Plan, setup: RunSetup, day: Day | None, stage: StageToday, run_clock: RunClock
) -> list[ImpactLoad]:
    """One for each foot that the plan means."""
    limit = plan.limit.impact_load
    if limit is None:
        return []
    injured = plan.runner.injured_side
    sides = (injured,) if injured and limit.side == "injured" else tuple(Side)
    pods = {pod.side for pod in setup.pods}
    rules: list[ImpactLoad] = []
    for side in sides:
        never = stage.no_ratio(limit.from_stage) or (None if side in pods else f"no {side.value} pod")
        rules.append(
            ImpactLoad(
                setup.run,
                side,
                limit,
                measures=Measures(plan.impact, setup, plan, side) if plan.impact else None,
                day=day,
                terms=Terms(run_clock, limit.live, never),
                rule="limit.impact_load" if len(sides) == 1 else f"limit.impact_load.{side.value}",
                source=set_by(limit.source, plan.id),
            )
        )
    return rules


def loads_of(rules: list[ImpactLoad]) -> Mapping[str, float]:
    """The sums of this run by foot, for those that were measured."""
    return {rule.side.value: rule.load for rule in rules if rule.load is not None}


def _loads(day: Day | None, side: Side) -> tuple[float | None, float | None]:
    """The impact load of the 7 days before the last 7, and of the last 7; None: not known. Who did not run has none."""
    if day is None:
        return None, None
    before, so_far = day.impact_load_previous_7d.get(side.value), day.impact_load_7d.get(side.value)
    if before is None and day.previous_7d_m == 0.0:
        before = 0.0
    if so_far is None and day.distance_7d_m == 0.0:
        so_far = 0.0
    return before, so_far


def _unknown(day: Day | None, value: float | None) -> str | None:
    if value is not None:
        return None
    return (day.incomplete if day else None) or NO_HISTORY


def _base(what: str, known_m: float | None, base_m: float) -> str:
    return what if known_m is not None and known_m >= base_m else f"the least that counts for {what}"
