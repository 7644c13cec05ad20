"""How much of a planned segment is done, and when its amount was reached."""

from __future__ import annotations

from dataclasses import replace

from sensord.model import NS
from sensord.plan.segments import Counts
from sensord.plan.workout import Kind, Quantity, Step, Whole

COMPLETE = 0.9
"""Design choice: a run that lacks less than a tenth is a repetition."""

BOUNDARY_S, BOUNDARY_M = 2.5, 7.0
"""Three strides of running: how far off a boundary may be."""

OVER_S, OVER_M, OVER_SHARE = 15.0, 40.0, 0.1
"""Design choice: what she may be over before she hears of it, the larger of the amount and the share: hearing a cue and
slowing down takes 5 s, seeing that she walks another 7."""


def least_s(step: Step) -> float | None:
    """The low end of the time that a step asks for."""
    return step.time_s if step.least_time_s is None else step.least_time_s


def least_m(step: Step) -> float | None:
    """The low end of the distance that a step asks for."""
    return step.distance_m if step.least_distance_m is None else step.least_distance_m


def runs(step: Step) -> bool:
    """Whether it is a run."""
    return step.kind is Kind.RUN


def share(step: Step, since: Counts, now: Counts, *, least: bool = True) -> float:
    """How much of it is done, at the low or the high end of its amount; may be above 1."""
    run = runs(step)
    time_s, distance_m = (least_s(step), least_m(step)) if least else (step.time_s, step.distance_m)
    return max(
        now.seconds(since, run=run) / time_s if time_s else 0.0,
        now.metres(since, run=run) / distance_m if distance_m else 0.0,
    )


def margin(asked: float, step: Step) -> float:
    """By how much a step may be passed, as a share of what was asked: 1.25 is a quarter."""
    floor = OVER_S if step.time_s is not None else OVER_M
    return 1.0 + max(OVER_SHARE, floor / asked)


def asked(step: Step, *, least: bool = False) -> float:
    """Its amount: seconds, or metres where it has no time."""
    time_s, distance_m = (least_s(step), least_m(step)) if least else (step.time_s, step.distance_m)
    return time_s or distance_m or 0.0


def covered(whole: Whole, since: Counts, now: Counts) -> list[float]:
    """Of each of its amounts: seconds, standing too, or metres, running and walking."""
    seconds = max(now.t_ns - since.t_ns, 0) / NS
    metres = now.metres(since, run=True) + now.metres(since, run=False)
    return [seconds if m.quantity is Quantity.TIME else metres for m in whole.amount.alternatives]


def nearest(whole: Whole, covered: list[float] | None) -> float:
    """The share of a whole that is covered, by the amount that is nearest to its end."""
    return max(done / m.low for done, m in zip(covered, whole.amount.alternatives, strict=True)) if covered else 0.0


def lowered(step: Step, since: Counts, now: Counts) -> Counts:
    """What had been counted when its amount was reached, if she went evenly."""
    part = 1.0 - 1.0 / max(share(step, since, now, least=False), 1.0)
    run = runs(step)
    return replace(
        now,
        t_ns=now.t_ns - round(part * now.seconds(since, run=run) * NS),
        run_s=now.run_s - part * (now.run_s - since.run_s),
        run_m=now.run_m - part * (now.run_m - since.run_m),
        walk_m=now.walk_m - part * (now.walk_m - since.walk_m),
    )
