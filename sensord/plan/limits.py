"""All limits of a plan while a run goes on: strides, totals, asymmetry and ticks in, states and alerts out.

No plan, no limits. Each limit is a `Rule` of its own; nothing is ever within that was not measured.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sensord.model import Asymmetry, Level, RunSetup, RunTotals, Side, Stride
from sensord.plan.asymmetry import AsymmetryRule
from sensord.plan.baseline import Baselines
from sensord.plan.cadence import CadenceRule, ContactTimeRule, SpeedRule
from sensord.plan.cumulative import Downhill, Terms, distance_rule, run_time_rule, steps_rule
from sensord.plan.impact import ImpactRule
from sensord.plan.impact_measures import Measures
from sensord.plan.model import Plan
from sensord.plan.relative import ImpactLoad, impact_load_rules, loads_of, spike_rule, week_rule
from sensord.plan.rule import REPEAT_S, Rule, RunClock, Said
from sensord.plan.stage_today import StageToday
from sensord.plan.standing import Day
from sensord.plan.told import set_by


class Limits:
    """The limits of one run. Every method but two returns the `LimitState`s and `Alert`s that its input causes."""

    def __init__(self, plan: Plan | None, setup: RunSetup) -> None:
        """`setup` says which feet have a pod, what earlier runs came to, and where she stands in her plan."""
        self._clock = RunClock()
        self._rules = rules = _rules(plan, setup, self._clock) if plan else []
        self._downhill = [rule for rule in rules if isinstance(rule, Downhill)]
        self._loads = [rule for rule in rules if isinstance(rule, ImpactLoad)]
        # most rules answer to one or two of these, and strides are many
        self._on_stride = [rule for rule in rules if type(rule).on_stride is not Rule.on_stride]
        self._on_totals = [rule for rule in rules if type(rule).on_totals is not Rule.on_totals]
        self._on_asymmetry = [rule for rule in rules if type(rule).on_asymmetry is not Rule.on_asymmetry]

    @property
    def rules(self) -> tuple[str, ...]:
        """The limits' names, as in `LimitState.rule`."""
        return tuple(rule.name.rule for rule in self._rules)

    @property
    def checked(self) -> tuple[int, int]:
        """How many limits could be judged at least once so far, of how many."""
        return sum(rule.decided for rule in self._rules), len(self._rules)

    @property
    def impact_pct(self) -> float | None:
        """Impact in percent of its baseline, over the last strides: of the injured side, else of the higher one."""
        return max((rule.pct for rule in self._rules if isinstance(rule, ImpactRule) and rule.pct), default=None)

    @property
    def impact_loads(self) -> Mapping[str, float]:
        """What this run adds to the impact load of each foot that the plan limits it for (`plan.relative`)."""
        return loads_of(self._loads)

    @property
    def impact_load_exponent(self) -> float | None:
        """The exponent of `impact_loads`; loads of another one cannot be compared."""
        return self._loads[0].exponent if self._loads else None

    def start(self, t_ns: int) -> Said:
        """The first stride has come: where each limit stands before anything is known."""
        return [said for rule in self._rules for said in rule.start(t_ns)]

    def on_stride(self, stride: Stride, t_ns: int) -> Said:
        """A stride of either foot, at the time it became known."""
        return [said for rule in self._on_stride for said in rule.on_stride(stride, t_ns)]

    def on_totals(self, totals: RunTotals, t_ns: int) -> Said:
        """The totals after a stride; they are also the clock of "sustained"."""
        self._clock.count(totals, t_ns)
        return [said for rule in self._on_totals for said in rule.on_totals(totals, t_ns)]

    def on_asymmetry(self, asymmetry: Asymmetry, t_ns: int) -> Said:
        """A new value of asymmetry."""
        return [said for rule in self._on_asymmetry for said in rule.on_asymmetry(asymmetry, t_ns)]

    def on_grade(self, grade_pct: float) -> None:
        """The slope from here on is known, in %, uphill positive."""
        for rule in self._downhill:
            rule.on_grade(grade_pct)

    def on_tick(self, t_ns: int, feet_up: Collection[Side] | None = None, run_time_s: float | None = None) -> Said:
        """A second has passed. `feet_up`: the feet whose pod is linked, when that is known: it makes a lost pod "not
        checked" at once, where strides alone show it only after 10 s. `run_time_s`: running time at this moment, what
        has passed since the last stride among it (`Totals.run_time_at`); None: what was counted."""
        up = None if feet_up is None else frozenset(feet_up)
        self._clock.now_s = self._clock.run_s if run_time_s is None else run_time_s
        said = [said for rule in self._rules for said in rule.on_tick(t_ns, up)]
        return said + [again for rule in self._rules for again in rule.remind(t_ns, self._clock)]

    def end(self, t_ns: int) -> Said:
        """The run is over: the last numbers of each limit. Alerts that did not recover stay open."""
        return [said for rule in self._rules for said in rule.end(t_ns)]


def _rules(plan: Plan, setup: RunSetup, clock: RunClock) -> list[Rule]:
    day = None if setup.day is None else Day.from_json(setup.day)
    stage = StageToday(plan, day)
    rules = [*_counted(plan, setup, clock, day, stage), *_against_her_usual(plan, setup, clock, stage)]
    if plan.limit.speed:
        rules.append(SpeedRule(setup.run, plan.limit.speed, stage, clock, plan.id))
    if plan.cadence:
        rules.append(CadenceRule(setup.run, plan.cadence, plan, stage, clock))
    if plan.contact_time:
        rules.append(ContactTimeRule(setup.run, plan.contact_time, stage, clock, plan.id))
    repeat_s = _repeats(plan)
    for rule in rules:
        rule.repeat_s = repeat_s
    return rules


def _counted(plan: Plan, setup: RunSetup, clock: RunClock, day: Day | None, stage: StageToday) -> list[Rule]:
    """What a run adds up to."""
    run, limit, injured = setup.run, plan.limit, plan.runner.injured_side
    rules: list[Rule] = []
    if limit.distance:
        rules.append(distance_rule(run, limit.distance, stage, clock, plan.id))
    if limit.run_time:
        rules.append(run_time_rule(run, limit.run_time, stage, clock, plan.id))
    if limit.steps:
        rules.append(steps_rule(run, limit.steps, stage, clock, plan.id, injured))
    if limit.session_spike:
        rules.append(spike_rule(run, limit.session_spike, day, stage, clock, plan.id))
    if limit.week_growth:
        rules.append(week_rule(run, limit.week_growth, day, stage, clock, plan.id))
    rules += impact_load_rules(plan, setup, day, stage, clock)
    if down := limit.downhill:
        terms = Terms(clock, down.live, stage.not_from(down.from_stage), walking_clears=down.counts == "run")
        rules.append(Downhill(run, down, terms, setup.grade_pct, set_by(down.source, plan.id)))
    return rules


def _against_her_usual(plan: Plan, setup: RunSetup, clock: RunClock, stage: StageToday) -> list[Rule]:
    """Impact and asymmetry."""
    rules: list[Rule] = []
    pods = frozenset(pod.side for pod in setup.pods if pod.side is not None)
    injured = plan.runner.injured_side
    if impact := plan.impact:
        for side in (injured,) if injured else tuple(Side):
            name = "impact" if injured else f"impact.{side.value}"
            base = Measures(impact, setup, plan, side)
            source = set_by(impact.source, plan.id)
            rules.append(
                ImpactRule(
                    setup.run,
                    name,
                    side,
                    impact,
                    baseline=base,
                    has_pod=side in pods,
                    clock=clock,
                    source=source,
                    not_yet=stage.not_from(impact.from_stage),
                )
            )
    baselines = Baselines(plan, setup)
    for metric, limit in plan.asymmetry.limits.items():
        source = set_by(limit.source, plan.id)
        rules.append(
            AsymmetryRule(
                setup.run,
                metric,
                limit,
                injured,
                baselines=baselines,
                pods=pods,
                clock=clock,
                source=source,
                not_yet=stage.not_from(limit.from_stage),
            )
        )
    return rules


def _repeats(plan: Plan) -> Mapping[Level, float]:
    """How often each level is said again."""
    given = {level: getattr(plan.alerts, level.value, None) for level in Level}
    return {**REPEAT_S, **{level: one.repeat for level, one in given.items() if one is not None and one.repeat}}
