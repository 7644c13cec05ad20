"""Whole runs of the simulated runner that pass limits, through packets and the pipeline, pods that drop out among them.

What she truly did says which alerts must come and about when: strides are measured here, so that moments have a
tolerance, which is stated; that each alert comes, once, and no other, has none.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from sensord.model import NS, Activity, Event, Input, Mark, MarkKind, Packet, Side
from sensord.pipeline import Pipeline
from sensord.sim.runner import Truth
from sensord.sim.script import Phase, Run, Stand, Walk
from tests.plan.made_plans import HEAD
from tests.worlds import PODS, World, world

RUN_TIME_OFF_S = 3.5
"""Walking and running are told apart after three strides, and a stride is known within 1.5 s."""

DISTANCE_OFF = 0.07
DISTANCE_OFF_M = 4.0
"""How far off a measured distance may be (docs/accuracy.md), and what the first strides may add."""

SETTLES_S = 6.0
"""A gap in distance is counted so long after its end at the latest."""

WORLDS = 20


@dataclass(frozen=True)
class WholeRun:
    """A run, when pods were away in it, and its limits: rule to level to threshold in s or m."""

    seed: int
    world: World
    inputs: tuple[Input, ...]
    away_s: tuple[float, float] | None
    both: bool
    limits: dict[str, dict[str, float]]
    walks_s: tuple[tuple[float, float], ...]  # walks of more than 12 s with more than 13 s of running after: begin, end


def make(seed: int) -> WholeRun:
    """The run of a seed."""
    rng = random.Random(seed)
    number = seed % WORLDS
    lengths = random.Random(number)
    first, second = lengths.uniform(16.0, 34.0), lengths.uniform(16.0, 28.0)
    script: tuple[Phase, ...] = (
        Stand(3.0),
        Walk(8.0),
        Run(first, speed_mps=lengths.uniform(2.4, 3.2)),
        Walk(15.0),
        Run(second, speed_mps=lengths.uniform(2.4, 3.2)),
        Walk(15.0),
        Stand(4.0),
    )
    ran = world(script, seed=number + 1)
    inputs, away_s, both = tuple(ran.inputs), None, False
    if rng.random() < 0.5:
        begins_s = 11.0 + rng.uniform(4.0, first - 9.0)
        away_s = (begins_s, begins_s + rng.uniform(3.0, min(12.0, 11.0 + first - 4.0 - begins_s)))
        both = rng.random() < 0.6
        gone = tuple(Side) if both else (rng.choice(tuple(Side)),)
        inputs = tuple(_without(ran.inputs, gone, *away_s))
    whole = {"limit.run_time": run_time_s(ran.truth, 1e9), "limit.distance": distance_m(ran.truth, 1e9)}
    limits: dict[str, dict[str, float]] = {}
    for rule in rng.choice([("limit.run_time",), ("limit.distance",), tuple(whole), tuple(whole)]):
        levels = rng.choice([("warn",), ("stop",), ("warn", "stop")])
        shares = sorted(rng.choice([rng.uniform(0.15, 0.85), rng.uniform(0.15, 0.85), 1.25]) for _ in levels)
        limits[rule] = {name: round(share * whole[rule], 3) for name, share in zip(levels, shares, strict=True)}
    return WholeRun(seed, ran, inputs, away_s, both, limits, ((11.0 + first, 26.0 + first),))


def _without(inputs: list[Input], gone: tuple[Side, ...], begin_s: float, end_s: float) -> list[Input]:
    """The pods of some feet are not heard for a while; their links break 1.5 s into it."""
    pods = {PODS[side] for side in gone}
    links = [i for i in inputs if isinstance(i, Mark) and i.kind is MarkKind.LINK_UP and i.data["pod"] in pods]
    kept: list[Input] = [
        i for i in inputs if not (isinstance(i, Packet) and i.pod in pods and begin_s * NS <= i.t_ns < end_s * NS)
    ]
    for link in links:
        down_ns, up_ns = round((begin_s + 1.5) * NS), round(end_s * NS)
        kept.append(Mark(down_ns, MarkKind.LINK_DOWN, {"pod": link.data["pod"], "reason": "supervision timeout"}))
        kept.append(replace(link, t_ns=up_ns))
    return sorted(kept, key=lambda i: i.t_ns)


def plan_of(run: WholeRun) -> str:
    """The plan of a run."""
    text = HEAD.format(side="left")
    for rule, levels in run.limits.items():
        unit = "s" if rule == "limit.run_time" else "m"
        text += f"[{rule}]\n" + "".join(f'{name} = "{value:.3f}{unit}"\n' for name, value in levels.items())
    return text


def events_of(run: WholeRun) -> list[Event]:
    """What the pipeline says."""
    pipeline = Pipeline(replace(run.world.setup, plan_text=plan_of(run)))
    return [event for item in run.inputs for event in pipeline.push(item)] + pipeline.flush()


def run_time_s(truth: Truth, t_s: float) -> float:
    """Seconds of running until `t_s`: what either foot ran."""
    cells = np.zeros(int(truth.duration_s * 1000) + 2000, dtype=bool)
    for side in Side:
        for one in truth.strides(side):
            if one.activity is Activity.RUN:
                cells[round(one.ic_s * 1000) : round(one.next_ic_s * 1000)] = True
    return float(np.count_nonzero(cells[: max(0, int(min(t_s, truth.duration_s + 1.0) * 1000))])) / 1000.0


def distance_m(truth: Truth, t_s: float) -> float:
    """Metres until `t_s`, by the strides of the left foot."""
    ends = [one.next_ic_s for one in truth.left]
    sums = [0.0, *accumulate(one.stride_length_m for one in truth.left)]
    return sums[bisect_right(ends, t_s)]


def check(run: WholeRun) -> tuple[int, list[str]]:
    """How many onsets had to come, and what was missed, spurious or at another time than what she did says."""
    alerts = [(e.t_ns / NS, e.payload) for e in events_of(run) if e.kind == "alert" and e.payload["rule"] in run.limits]
    problems: list[str] = []
    count = 0
    for rule, levels in run.limits.items():
        onsets = [(t_s, a["level"]) for t_s, a in alerts if a["rule"] == rule and a["phase"] == "onset"]
        amount = run_time_s if rule == "limit.run_time" else distance_m
        due = [name for name, limit in levels.items() if limit < amount(run.world.truth, 1e9)]
        if len(due) > 1 and _jumped(run, rule, levels) and (levels_told := {lvl for _, lvl in onsets}) == {"stop"}:
            due = [*levels_told]
        count += len(due)
        for name in due:
            found = [t_s for t_s, level in onsets if level == name]
            if not found:
                problems.append(f"{name} of {rule} ({levels[name]}) missed")
            elif not _in_time(run, rule, levels[name], found[0]):
                problems.append(f"{name} of {rule} ({levels[name]}) at {found[0]:.1f} s: {_truth(run, rule, found[0])}")
        told = {name: sum(level == name for _, level in onsets) for name in levels}
        again = _again(run, rule, onsets)
        for name, times in told.items():
            allowed = int(name in due) + (again if name == "stop" else 0)
            if times != allowed:
                problems.append(f"{name} of {rule} ({levels[name]}) told {times} times, not {allowed}: {onsets}")
    return count, [f"seed {run.seed}: {line}" for line in problems]


def _jumped(run: WholeRun, rule: str, levels: dict[str, float]) -> bool:
    """Whether one tick, stride or end of a gap may pass both levels: then the louder one is all that is told."""
    between = levels["stop"] - levels["warn"]
    if rule == "limit.run_time":
        return between <= 1.5
    longest_m = 4.0 if run.away_s is None else 4.0 * (run.away_s[1] - run.away_s[0])
    return between <= longest_m


def _again(run: WholeRun, rule: str, onsets: list[tuple[float, str]]) -> int:
    """How often a stop must come anew: cleared by a walk, and she ran on."""
    stops = [t_s for t_s, level in onsets if level == "stop"]
    if rule != "limit.run_time" or not stops:
        return 0
    return sum(stops[0] < begins_s + 3.0 for begins_s, _ in run.walks_s)


def _in_time(run: WholeRun, rule: str, limit: float, t_s: float) -> bool:
    truth, away = run.world.truth, run.away_s
    if rule == "limit.run_time":
        return abs(run_time_s(truth, t_s) - limit) <= RUN_TIME_OFF_S
    before_s = t_s - 2.5
    if away is not None and run.both and away[0] - 1.0 <= t_s <= away[1] + SETTLES_S:
        before_s = min(before_s, away[0])  # what was gone in a gap is counted when it is over
    least, most = distance_m(truth, before_s), distance_m(truth, t_s)
    return most >= (1 - DISTANCE_OFF) * limit - DISTANCE_OFF_M and least <= (1 + DISTANCE_OFF) * limit + DISTANCE_OFF_M


def _truth(run: WholeRun, rule: str, t_s: float) -> str:
    value = (run_time_s if rule == "limit.run_time" else distance_m)(run.world.truth, t_s)
    return f"truly {value:.1f} by then, away {run.away_s}, both {run.both}"
