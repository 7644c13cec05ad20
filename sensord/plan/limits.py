"""All limits of a plan while a run goes on: strides, totals, asymmetry and ticks in, states and alerts out.

No plan, no limits. Each limit is a `Rule` of its own; nothing is ever within that was not measured.
"""

from __future__ import annotations

from collections.abc import Collection

from sensord.model import Asymmetry, RunSetup, RunTotals, Side, Stride
from sensord.plan.asymmetry import AsymmetryRule
from sensord.plan.baseline import Baselines
from sensord.plan.cumulative import distance_rule, run_time_rule
from sensord.plan.impact import ImpactRule
from sensord.plan.impact_measures import Measures
from sensord.plan.model import Plan
from sensord.plan.rule import Rule, RunClock, Said


class Limits:
    """The limits of one run. Every method returns the `LimitState`s and `Alert`s that its input causes."""

    def __init__(self, plan: Plan | None, setup: RunSetup) -> None:
        """`setup` says which feet have a pod and what earlier runs came to."""
        self._clock = RunClock()
        self._rules = rules = _rules(plan, setup, self._clock) if plan else []
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

    def start(self, t_ns: int) -> Said:
        """The first stride has come: where each limit stands before anything is known."""
        return [said for rule in self._rules for said in rule.start(t_ns)]

    def on_stride(self, stride: Stride, t_ns: int) -> Said:
        """A stride of either foot, at the time it became known."""
        return [said for rule in self._on_stride for said in rule.on_stride(stride, t_ns)]

    def on_totals(self, totals: RunTotals, t_ns: int) -> Said:
        """The totals after a stride; they are also the clock of "sustained"."""
        self._clock.run_s = totals.run_time_s
        return [said for rule in self._on_totals for said in rule.on_totals(totals, t_ns)]

    def on_asymmetry(self, asymmetry: Asymmetry, t_ns: int) -> Said:
        """A new value of asymmetry."""
        return [said for rule in self._on_asymmetry for said in rule.on_asymmetry(asymmetry, t_ns)]

    def on_tick(self, t_ns: int, feet_up: Collection[Side] | None = None) -> Said:
        """A second has passed. `feet_up`: the feet whose pod is linked, when that is known: it makes a lost pod "not
        checked" at once, where strides alone show it only after 10 s."""
        up = None if feet_up is None else frozenset(feet_up)
        return [said for rule in self._rules for said in rule.on_tick(t_ns, up)]

    def end(self, t_ns: int) -> Said:
        """The run is over: the last numbers of each limit. Alerts that did not recover stay open."""
        return [said for rule in self._rules for said in rule.end(t_ns)]


def _rules(plan: Plan, setup: RunSetup, clock: RunClock) -> list[Rule]:
    rules: list[Rule] = []
    pods = frozenset(pod.side for pod in setup.pods if pod.side is not None)
    injured = plan.runner.injured_side
    if plan.limit.distance:
        rules.append(distance_rule(setup.run, plan.limit.distance))
    if plan.limit.run_time:
        rules.append(run_time_rule(setup.run, plan.limit.run_time))
    if impact := plan.impact:
        for side in (injured,) if injured else tuple(Side):
            name = "impact" if injured else f"impact.{side.value}"
            base = Measures(impact, setup, plan, side)
            rules.append(ImpactRule(setup.run, name, side, impact, baseline=base, has_pod=side in pods, clock=clock))
    baselines = Baselines(plan, setup)
    for metric, limit in plan.asymmetry.limits.items():
        rules.append(AsymmetryRule(setup.run, metric, limit, injured, baselines=baselines, pods=pods, clock=clock))
    return rules
