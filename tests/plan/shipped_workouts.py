"""The workouts of the shipped protocols, done by a made runner, and how well her repetitions were found."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sensord.model import NS, Mark, MarkKind, Packet, RunSetup, Side
from sensord.plan.standing import Day
from sensord.plan.workout import parse_workout
from sensord.sim.script import Phase, Run, Stand, Walk
from tests.plan.made_strides import STRIDE_S, Course, followed
from tests.worlds import World, world

PROTOCOLS = Path(__file__).parents[2] / "config" / "plans" / "protocols.toml"
UNSAID = 3
"""How often `?x` is done."""

LEAD_S = 3.0
"""She stands before a simulated run."""

RUN_STRIDE_S = min(STRIDE_S.values())


def protocols() -> dict[str, list[tuple[str, str]]]:
    """Protocol: stage and workout, in order."""
    listed = tomllib.loads(PROTOCOLS.read_text(encoding="utf-8"))["protocol"]
    return {one["id"]: [(stage["id"], stage["do"]) for stage in one["stage"]] for one in listed}


def repeats_of(text: str) -> int | None:
    return UNSAID if "?" in text else None


def course_of(text: str, *, seed: int = 0, most: bool = True, **how: float) -> Course:
    return followed(parse_workout(text), repeats=repeats_of(text), seed=seed, most=most, **how)  # type: ignore[arg-type]


def shortest(workouts: Iterable[tuple[str, str]]) -> tuple[str, str]:
    return min(workouts, key=lambda one: course_of(one[1], most=False).seconds)


@dataclass(frozen=True)
class Found:
    """Runs that were run and found, and how far off the worst boundary was, in running strides."""

    true: int
    found: int
    strides_off: float


def found(true: Sequence[tuple[float, float]], told: Iterable[Mapping[str, object]]) -> Found:
    """Intervals as payloads; runs that follow one another without a walk are one run."""
    runs: list[tuple[float, float]] = []
    for one in told:
        if one["kind"] != "run" or one["begin_run_ns"] is None:
            continue
        begin, end = float(one["begin_run_ns"]) / NS, float(one["end_run_ns"]) / NS  # type: ignore[arg-type]
        if runs and abs(begin - runs[-1][1]) < 1.0:
            runs[-1] = runs[-1][0], end
        else:
            runs.append((begin, end))
    off = [abs(a - b) for mine, hers in zip(runs, true, strict=False) for a, b in zip(mine, hers, strict=True)]
    return Found(len(true), len(runs), max(off, default=0.0) / RUN_STRIDE_S)


def simulated(text: str, course: Course, *, seed: int = 1) -> World:
    """The whole recorded run of a course, by two pods; pods are lost where a leg is."""
    phases: list[Phase] = [Stand(LEAD_S)]
    lost: list[tuple[float, float]] = []
    now = LEAD_S
    for leg in course.legs:
        make = {"run": Run, "walk": Walk, "stand": Stand}[leg.kind]
        phases.append(make(leg.seconds))
        if leg.lost:
            lost.append((now, now + leg.seconds))
        now += leg.seconds
    made = world.__wrapped__((*phases, Stand(3.0)), seed=seed)
    day = Day("plan", 1, "1", workout=text, repeats=repeats_of(text)).to_json()
    setup: RunSetup = replace(made.setup, day=day)
    for begin_s, end_s in lost:
        made = replace(made, inputs=_without(made, round(begin_s * NS), round(end_s * NS)))
    return replace(made, setup=setup)


def _without(made: World, begin_ns: int, end_ns: int) -> list[object]:  # type: ignore[return]
    """Both pods are out of reach for a while: no packets, the link is found broken, and made anew."""
    kept = [i for i in made.inputs if not (isinstance(i, Packet) and begin_ns <= i.t_ns < end_ns)]
    ups = [i for i in made.inputs if isinstance(i, Mark) and i.kind is MarkKind.LINK_UP and i.t_ns == 0]
    down = [Mark(begin_ns + 2 * NS, MarkKind.LINK_DOWN, {"pod": up.data["pod"], "reason": "lost"}) for up in ups]
    again = [Mark(end_ns, MarkKind.LINK_UP, dict(up.data)) for up in ups]
    return sorted([*kept, *down, *again], key=lambda i: i.t_ns)  # type: ignore[return-value]


def true_runs(made: World, course: Course) -> list[tuple[float, float]]:
    """From the first running contact to the end of the last running stride, of either foot."""
    strides = [s for side in Side for s in made.truth.strides(side) if s.activity == "run"]
    spans: list[tuple[float, float]] = []
    for begin, end in course.runs:
        own = [s for s in strides if begin + LEAD_S - 2.0 <= s.ic_s < end + LEAD_S + 1.0]
        spans.append((min(s.ic_s for s in own), max(s.next_ic_s for s in own)))
    return spans
