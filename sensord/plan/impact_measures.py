"""What an impact limit can be checked by, best first, each against its own baseline.

The median peak (of the high-g sensor where there is one); where clipping hides it a lower quantile of the same peaks;
the power of the landing at 12-20 Hz; the estimated peak force. What is used is named: the four are different things,
and only the first is what the plan says in g.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from statistics import median

from sensord.model import Json, Level, RunSetup, Side, Stride
from sensord.plan.censored import Median, Ordered, Peak
from sensord.plan.conditions import Conditions, Counted
from sensord.plan.model import FixedImpactBaseline, ImpactLimit, Plan, SessionsBaseline
from sensord.plan.sequential import BATCH, score
from sensord.plan.swap import metrics_of, of_this_algorithm

PERCENTS = (50, 40, 30, 20, 15)
"""Quantiles in the order in which they are tried; every run keeps them (load/impact_summary.py). Design choice: of 30
strides the 15th percentile is about the lowest whose 95 % interval is bounded on both sides."""

HIGH_G = "high_g"

MEMORY = 1.25
"""Landings resemble their neighbours, so that ten say less than ten independent ones: standard deviation of the number
beyond a limit over the binomial one, for a first-order autoregression of 0.3. With a normal distribution the signs of
values r apart correlate by 2/pi·asin(0.3^r), which add up to a variance of 1.55 (MEMORY^2). In 5,859
strides of a commercial foot pod (`runscribe_run` of the recordings) the ratio was 1.07 for impacts and 1.34 for
braking, over stretches of 300 strides."""


@dataclass(frozen=True, slots=True)
class Landing:
    """What a window keeps of a stride."""

    peak: Peak
    band_g: float | None
    force_bw: float | None

    @classmethod
    def of(cls, stride: Stride) -> Landing | None:
        """None when the impact was not measured."""
        if stride.impact_peak_g is None:
            return None
        return cls(Peak(stride.impact_peak_g, stride.impact_clipped), stride.impact_band_g, stride.force_peak_bw)


@dataclass(frozen=True, slots=True)
class Measure:
    """One way to check the limit. `quantity`: peak, band or force; `label` names it after the foot."""

    quantity: str
    percent: int
    metric: str
    unit: str
    label: str
    decimals: int
    usual: float
    limits: Mapping[Level, float]
    clear: float

    @property
    def first_limit(self) -> float:
        """The limit that is reached first."""
        return min(self.limits.values())

    @property
    def plain(self) -> bool:
        """It is the median peak, which needs no explanation."""
        return self.quantity == "peak" and self.percent == 50

    def of(self, window: Sequence[Landing]) -> Median | None:
        """Band or force over the window; None when fewer than half of the strides have one (design choice)."""
        values = self._peaks(window)
        return Ordered(values).quantile(self.percent) if 2 * len(values) >= max(len(window), 1) else None

    def beyond(self, landings: Sequence[Landing], limit: float) -> float:
        """Score of the landings above a limit, in standard deviations of a batch (`plan.sequential`): 0 with as many
        above as when the quantile is at the limit. A clipped one that was recorded below may be above: not counted.
        """
        above = sum(peak.g > limit for peak in self._peaks(landings))
        return self._score(above, len(landings), 1.0 - self.percent / 100.0)

    def inside(self, landings: Sequence[Landing], clear: float) -> float:
        """The same of those that are certainly below a value."""
        below = sum(peak.g < clear and not peak.clipped for peak in self._peaks(landings))
        return self._score(below, len(landings), self.percent / 100.0)

    def _peaks(self, landings: Sequence[Landing]) -> list[Peak]:
        """What is compared, of the landings that have it."""
        if self.quantity == "peak":
            return [landing.peak for landing in landings]
        found = [landing.band_g if self.quantity == "band" else landing.force_bw for landing in landings]
        return [Peak(value, clipped=False) for value in found if value is not None]

    def _score(self, count: int, n: int, share: float) -> float:
        return score((count - n * share) * BATCH / n, MEMORY * sqrt(BATCH * share * (1.0 - share)))

    def say(self, value: float) -> str:
        """A value with its unit."""
        return f"{value:.{self.decimals}f} {'BW' if self.unit == 'bw' else self.unit}"


class Measures:
    """The measures of one foot that have a baseline, by the sensor that gives the impacts now."""

    def __init__(self, limit: ImpactLimit, setup: RunSetup, plan: Plan | None, side: Side) -> None:
        self._limit, self._side = limit, side
        given = limit.baseline if isinstance(limit.baseline, SessionsBaseline) else None
        self._needed = max(limit.needs.window_steps, (given.min_steps or 0) if given else 0)
        self.by_pace = given is not None and "pace_band" in (given.by or ())
        """Only runs that were mostly at the speed she runs at now count."""
        self._elsewhere = setup.mount if given is None and setup.mount not in (None, limit.mount) else None
        """Where the pods sit, when the baseline in g is of another place."""
        counted = Counted(Conditions.of_setup(setup, plan), plan, limit.baseline)
        self._runs: list[Mapping[str, Json]] = []
        self._others: list[Mapping[str, Json]] = []  # under other conditions
        for run in setup.history:
            if of_this_algorithm(run):
                like = counted.unlike(Conditions.of_summary(run), run) is None
                (self._runs if like else self._others).append(run)

    @property
    def usual_source(self) -> str:
        """The sensor of the latest run that may be compared."""
        return self._source(self._runs[-1]) if self._runs else "acc"

    def by(self, source: str, band: str | None = None) -> list[Measure]:
        """Best first; empty when there is no baseline of impacts from this sensor. `band`: the speed she runs at now,
        where the plan asks for it (`by_pace`) and it is known."""
        given = self._limit.baseline
        if isinstance(given, FixedImpactBaseline):
            return [] if self._elsewhere else [self._peak(50, given.value_g, source)]
        alike = self._at(band)
        runs = [run for run in alike if self._source(run) == source]
        found = [
            self._peak(percent, usual, source)
            for percent in PERCENTS
            if (usual := self._usual([self._quantile(run, percent) for run in runs])) is not None
        ]
        if (usual := self._usual([self._median(run, "impact_band") for run in runs])) is not None:
            found.append(self._other("band", usual))
        if (usual := self._usual([self._median(run, "force_peak") for run in alike])) is not None:
            found.append(self._other("force", usual))
        return found

    def why_none(self, source: str, band: str | None = None) -> str:
        """Why there is no measure."""
        if self._elsewhere:
            return f"pods on {self._elsewhere}, baseline of {self._limit.mount}"
        alike = self._at(band)
        runs = [run for run in alike if self._source(run) == source]
        n = 1 if isinstance(self._limit.baseline, FixedImpactBaseline) else self._limit.baseline.n
        known = sum(self._quantile(run, 50) is not None for run in runs)
        others = []
        if unlike := sum(self._quantile(run, 50) is not None for run in self._others):
            others.append(f"{unlike} under other conditions")
        if other_sensor := len(alike) - len(runs):
            others.append(f"{other_sensor} with another sensor")
        at = f" at {band} m/s" if band else ""
        return f"no baseline: {known} of {n} runs{at}" + (f" ({', '.join(others)})" if others else "")

    def _at(self, band: str | None) -> list[Mapping[str, Json]]:
        return [run for run in self._runs if band is None or run.get("speed_band") == band]

    def _usual(self, values: Sequence[float | None]) -> float | None:
        assert not isinstance(self._limit.baseline, FixedImpactBaseline)
        known, n = [value for value in values if value is not None], self._limit.baseline.n
        return median(known[-n:]) if len(known) >= n else None

    def _quantile(self, run: Mapping[str, Json], percent: int) -> float | None:
        of = (run.get("impact") or {}).get(self._side.value) or {}
        value, n = (of.get("quantiles") or {}).get(str(percent)), of.get("n", 0)
        if percent == 50 and not of:  # a run that kept only its median
            value, n = run.get(f"impact_{self._side.value}_g"), run.get(f"impact_n_{self._side.value}", 0)
        return float(value) if value is not None and n >= self._needed else None

    def _median(self, run: Mapping[str, Json], metric: str) -> float | None:
        of = metrics_of(run).get(metric) or {}
        value, n = of.get(self._side.value), of.get(f"n_{self._side.value}", 0)
        return float(value) if value is not None and n >= self._needed else None

    def _source(self, run: Mapping[str, Json]) -> str:
        of = (run.get("impact") or {}).get(self._side.value) or {}
        return str(of.get("source") or "acc")

    def _peak(self, percent: int, usual: float, source: str) -> Measure:
        side, sensor = self._side.value, "high-g sensor" if source == HIGH_G else ""
        if percent == 50:
            metric, label = f"impact_{side}", f"impact ({sensor})" if sensor else "impact"
        else:
            metric, label = f"impact_{side}_p{percent}", f"impact (softest {percent} %, the median is clipped)"
        return self._measure(("peak", percent), metric, ("g", 1), label, usual, self._limit.needs.min_change_g)

    def _other(self, quantity: str, usual: float) -> Measure:
        side = self._side.value
        if quantity == "band":
            label = "impact at 12-20 Hz (peaks are clipped)"
            return self._measure(("band", 50), f"impact_band_{side}", ("g", 2), label, usual)
        label = "estimated peak force (impacts are clipped)"
        return self._measure(("force", 50), f"force_peak_{side}", ("bw", 2), label, usual)

    def _measure(
        self, what: tuple[str, int], metric: str, unit: tuple[str, int], label: str, usual: float, least: float = 0.0
    ) -> Measure:
        limits = {level: max(usual * pct / 100, usual + least) for level, pct in self._limit.levels.items()}
        clear = usual * self._limit.needs.clear_below_pct / 100
        return Measure(*what, metric, unit[0], label, unit[1], usual, limits, clear)


def choose(measures: Sequence[Measure], window: Sequence[Landing]) -> tuple[Measure, Median] | None:
    """The first that can be decided either way, or is beyond its limit whatever clipping hides; else the first that is
    exact; else None."""
    peaks = Ordered([landing.peak for landing in window])
    exact: tuple[Measure, Median] | None = None
    for measure in measures:
        value = peaks.quantile(measure.percent) if measure.quantity == "peak" else measure.of(window)
        if value is None:
            continue
        if (value.exact and value.low > 0.0 and value.high < inf) or value.low > measure.first_limit:
            return measure, value
        if value.exact and exact is None:
            exact = measure, value
    return exact
