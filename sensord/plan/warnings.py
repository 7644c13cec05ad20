"""What a therapist may have meant, and should look at: a plan with warnings is read all the same.

What cannot be meant is refused (plan/checks).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sensord.errors import Problem
from sensord.model import Level
from sensord.plan.checks import open_repeats
from sensord.plan.ladder import Advance, Recovery, Rule, Stage, StageAdvance, Then
from sensord.plan.lines import Place
from sensord.plan.model import AsymmetryLimit, ImpactLimit, Plan, SessionsBaseline
from sensord.plan.problems import Remark, placed
from sensord.plan.programme import ClinicianItem, LsiItem
from sensord.plan.when import Answer, Condition, field_of

FEWEST_RUNS = 3
"""Of a baseline that an alarm is measured against: with fewer the scatter between runs is not known (design choice, as
in plan/baseline)."""

WITHIN_S = 14 * 86_400.0
"""Pain at a bone a second time within 14 days holds the ladder (design choice of this tool, no published number)."""

_FILL_IN = "the therapist fills it in"

_PAIN: Mapping[str, Answer] = {"pain.during": 1.0}
_RED_FLAGS: Mapping[str, Mapping[str, Answer]] = {
    "night pain": {"night_pain": True},
    "rest pain": {"rest_pain": True},
    "groin pain": {"symptom.groin_pain": True},
}

_LOUD = ("warn", "stop", "urgent")


def warnings_of(plan: Plan, text: str = "", file: str = "plan") -> list[Problem]:
    """What to look at, in the order of the file. With the `text` that was read each has its line."""
    remarks = [
        *_who_decides(plan),
        *_sources(plan),
        *_ladder(plan),
        *_conditions(plan),
        *_alarms(plan),
        *_people(plan),
        *_bone(plan),
    ]
    return placed(remarks, {}, text.removeprefix("\ufeff"), file)


def _who_decides(plan: Plan) -> Iterator[Remark]:
    if plan.runner.decides == "auto":
        yield Remark(
            ("runner", "decides"), '"therapist", unless the therapist wants sensord to raise stages by itself', '"auto"'
        )


def _sources(plan: Plan) -> Iterator[Remark]:
    """Every number comes from somewhere."""
    if plan.kind != "local" and not plan.source:
        yield Remark(("kind",), f"a [[source]] for what is {plan.kind}", f'"{plan.kind}" without a source')
    for name in type(plan.limit).model_fields:
        limit = getattr(plan.limit, name)
        if limit is not None and limit.source is None:
            yield Remark(("limit", name, "source"), 'where the limit comes from, or "local"', "nothing")


def _ladder(plan: Plan) -> Iterator[Remark]:
    if not plan.stage:
        return
    if plan.readiness is None:
        yield Remark(("readiness",), "what must be so before the first stage", "nothing")
    if not plan.advance.when and not plan.rule:
        yield Remark(("advance", "when"), "conditions or a [[rule]]: now a finished workout is enough", "nothing")
    compared = [item.id for item in (plan.readiness.item if plan.readiness else ()) if isinstance(item, LsiItem)]
    if compared and plan.runner.injured_side is None:
        expected = f'"left" or "right": {_FILL_IN}; readiness compares that side with the other ({", ".join(compared)})'
        yield Remark(("runner", "injured_side"), expected, "no side")
    for index, stage in enumerate(plan.stage):
        for number, session in enumerate(stage.session):
            if session.repeats is None and open_repeats(session.do.items):
                place: Place = ("stage", index, "session", number)
                yield Remark(place, f"repeats: {_FILL_IN}", 'a workout with "?" and no repeats')
        yield from _shares(plan, index, stage)


def _shares(plan: Plan, index: int, stage: Stage) -> Iterator[Remark]:
    """A share of what she ran before is known once that stands in the file."""
    weekly = stage.weekly
    if weekly is None:
        return
    of = {str(goal.of).removeprefix("pre_injury.") for goal in (weekly.start, weekly.until, weekly.longest) if goal}
    for key in ("weekly", "longest"):
        needed = key in of or (key == "weekly" and stage.unlock)
        if needed and getattr(plan.runner.pre_injury, key) is None:
            expected = f"runner.pre_injury.{key}: {_FILL_IN}"
            yield Remark(("stage", index), expected, f"a share of what she ran before (stage {stage.id})")


def _conditions(plan: Plan) -> Iterator[Remark]:
    """A condition that nobody can answer is never true."""
    asked = {name for ask in plan.ask for name in ask.fields}
    blocks: list[tuple[Place, Advance | StageAdvance | Rule | Recovery]] = [(("advance",), plan.advance)]
    blocks += [(("stage", index, "advance"), stage.advance) for index, stage in enumerate(plan.stage)]
    blocks += [(("rule", index), rule) for index, rule in enumerate(plan.rule)]
    blocks += [(("recovery", index), recovery) for index, recovery in enumerate(plan.recovery)]
    for _, block in blocks:  # what leads on is asked without being told to
        if isinstance(block, Advance | StageAdvance):
            asked |= {name for condition in block.when or () for name in _answers(condition)}
    for place, block in blocks:
        for index, condition in enumerate(block.when or ()):
            missing = [f"an [[ask]] for {name}" for name in _answers(condition) if name not in asked]
            missing += _unmeasured(condition, plan)
            if missing:
                yield Remark((*place, "when", index), " and ".join(missing), f'"{condition.text}"')
    for index, rule in enumerate(plan.rule):
        if rule.then.rest is not None and "pain.daily" not in asked:
            place = ("rule", index, "then", "rest")
            yield Remark(place, "an [[ask]] for pain.daily, which ends the rest", f'"{rule.then.rest}"')


_MADE_OF: Mapping[str, tuple[str, ...]] = {
    "pain.during_change": ("pain.during", "pain.before"),
    "pain.after_60min_change": ("pain.after_60min", "pain.before"),
    "pain.next_morning_change": ("pain.next_morning", "pain.before"),
    "effusion_change": ("effusion",),
}
"""What is worked out of which answers."""


def _answers(condition: Condition) -> tuple[str, ...]:
    """The questions that a condition rests on."""
    field = field_of(condition.field)
    return (field.name,) if field is not None and field.asked else _MADE_OF.get(condition.field, ())


def _unmeasured(condition: Condition, plan: Plan) -> list[str]:
    """What the plan would need for sensord to measure it."""
    cadence = plan.runner.pre_injury.cadence_spm or (plan.cadence and plan.cadence.baseline_spm)
    limits = plan.asymmetry.limits
    have = {
        "impact.pct": (plan.impact, "[impact] with a baseline"),
        "impact_load_ratio": (plan.impact, "[impact] with a baseline"),
        "asym.contact_time": (limits.get("contact_time"), "[asymmetry.contact_time] with a baseline"),
        "asym.impact": (limits.get("impact_peak") or limits.get("impact_band"), "[asymmetry.impact_peak]"),
        "cadence.pct": (cadence, "runner.pre_injury.cadence_spm"),
        "contact_time.pct": (plan.contact_time, "[contact_time]"),
        "steps_injured": (plan.runner.injured_side, "runner.injured_side left or right"),
    }
    there, what = have.get(condition.field, (True, ""))
    return [] if there else [what]


def _alarms(plan: Plan) -> Iterator[Remark]:
    """No trial has tested live alarms of impact, asymmetry or cadence in return to running: one that is louder than a
    note says where it comes from and rests on runs of her own."""
    blocks: dict[Place, ImpactLimit | AsymmetryLimit] = {("impact",): plan.impact} if plan.impact else {}
    blocks |= {("asymmetry", name): limit for name, limit in plan.asymmetry.written.items()}
    for place, limit in ((place, limit) for place, limit in blocks.items() if _speaks_up(limit)):
        if limit.source is None:
            yield Remark((*place, "source"), f'{_SPOKEN}, or "local"', "nothing")
        if isinstance(limit.baseline, SessionsBaseline) and limit.baseline.n < FEWEST_RUNS:
            expected = f"{FEWEST_RUNS} runs or more, to know how much runs differ anyway"
            yield Remark((*place, "baseline", "n"), expected, str(limit.baseline.n))
    if plan.impact is not None and plan.impact.mount == "tibia":
        expected = '"laces" or "heel", unless the pods were tried there: strides are found from the motion of a foot'
        yield Remark(("impact", "mount"), expected, '"tibia"')
    if plan.cadence is not None and plan.cadence.alert in _LOUD and plan.cadence.source is None:
        yield Remark(("cadence", "source"), f'{_SPOKEN}, or "local"', "nothing")
    if plan.cadence is not None and plan.cadence.baseline_spm is None and plan.runner.pre_injury.cadence_spm is None:
        yield Remark(("cadence",), f"her own cadence, runner.pre_injury.cadence_spm: {_FILL_IN}", "a share of nothing")
    if plan.contact_time is not None and plan.contact_time.warn_pct is not None and plan.contact_time.source is None:
        yield Remark(("contact_time", "source"), f'{_SPOKEN}, or "local"', "nothing")


_SPOKEN = "where an alarm above info comes from"


def _speaks_up(limit: ImpactLimit | AsymmetryLimit) -> bool:
    return any(level is not Level.INFO for level in limit.levels)


def _people(plan: Plan) -> Iterator[Remark]:
    """What is urgent reaches somebody, and she knows whom to call."""
    limits = [getattr(plan.limit, name) for name in type(plan.limit).model_fields]
    urgent = any(limit is not None and Level.URGENT in limit.levels for limit in limits)
    if not urgent and all(rule.then.alert != "urgent" for rule in plan.rule):
        return
    if plan.alerts.urgent is None or not plan.alerts.urgent.who:
        yield Remark(("alerts", "urgent", "who"), "who is told: an urgent alert of this plan reaches nobody", "nothing")
    if plan.alerts.contact is None:
        yield Remark(("alerts", "contact"), "whom she calls, in the clinic's words", "nothing")


def _bone(plan: Plan) -> Iterator[Remark]:
    """What a plan after a bone stress injury should hold."""
    site = (plan.runner.site or "").lower()
    if plan.runner.injury != "bone_stress" and "bone" not in site and "stress fracture" not in site:
        return
    at_once = [rule.then for rule in _true_of(plan, _PAIN) if rule.within is None]
    if not any(_ends_the_run(then, plan) for then in at_once):
        yield _no_rule("pain.during >= 1", "end_session, rest, and alert stop or urgent that somebody is told of")
    if not any(rule.then.hold and (rule.within or 0.0) >= WITHIN_S for rule in _true_of(plan, _PAIN)):
        yield _no_rule("pain.during >= 1", 'within = "14d", and hold: a second time is looked at')
    for what, answers in _RED_FLAGS.items():
        if not any(rule.then.hold and rule.then.alert == "urgent" for rule in _true_of(plan, answers)):
            yield _no_rule(" and ".join(f"{name} == true" for name in answers), f"hold and alert urgent, for {what}")
    ticks = [item.text for item in (plan.readiness.item if plan.readiness else ()) if isinstance(item, ClinicianItem)]
    if not any("low-risk site" in text for text in ticks):
        yield Remark(("readiness",), 'a clinician\'s tick "low-risk site confirmed"', "none")


def _true_of(plan: Plan, answers: Mapping[str, Answer]) -> list[Rule]:
    return [rule for rule in plan.rule if all(condition.holds(answers) for condition in rule.when)]


def _ends_the_run(then: Then, plan: Plan) -> bool:
    rests = then.rest is not None or bool(then.rest_days)
    level = {"stop": plan.alerts.stop, "urgent": plan.alerts.urgent}.get(then.alert or "")
    return then.end_session and rests and level is not None and bool(level.who)


def _no_rule(when: str, then: str) -> Remark:
    return Remark(("rule",), f"one with {then}, for a bone", f"no rule that is true for {when}")
