"""Invented runs and answers, so that a plan can be tried before anybody runs by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time, tzinfo
from itertools import count

from sensord.model import NS
from sensord.plan.days import HOUR_NS, clock_ns
from sensord.plan.facts import Approval, CheckIn, Key, Moment, RunFact, Verdict
from sensord.plan.fields import Answer, field_of
from sensord.plan.model import Plan
from sensord.plan.questions import Questions
from sensord.plan.standing import Allowance
from sensord.plan.when import Condition, Op
from sensord.plan.workout import parse_workout, total

WALK_MPS, RUN_MPS = 1.5, 2.5
"""5.4 and 9 km/h, to turn times into distances (design choice: an invented run has no other pace)."""

OPEN_REPEATS = 3
"""How often, where a plan leaves it to the therapist and nobody has said (design choice)."""

MINUTES, DISTANCE_M = 30.0, 4000.0
"""A run of which the plan says no amount (design choice)."""

WHO = "invented"


@dataclass(frozen=True, slots=True)
class Script:
    """What is invented: she runs whenever she may, does all of the workout, and answers.

    `answers`: to every run, None: such as let her go on; `runs`: to some of them otherwise, by number from 1 (None:
    that question is left unanswered); `days`: said of a day, by number from 1; `done_pct`: of a run, by number.
    `agrees`: the therapist agrees to every proposal the next morning; `releases_after`: ends a hold after so many days,
    None: never.
    """

    answers: Mapping[str, Answer] | None = None
    runs: Mapping[int, Mapping[str, Answer | None]] = field(default_factory=dict)
    days: Mapping[int, Mapping[str, Answer]] = field(default_factory=dict)
    done_pct: Mapping[int, float] = field(default_factory=dict)
    runs_at: time = time(18)
    latest: time = time(22)
    morning: time = time(7, 30)
    agrees: bool = True
    releases_after: int | None = None


def clean_answers(plan: Plan, questions: Questions) -> dict[str, Answer]:
    """Answers with which no rule of a sensible plan applies and every condition of `advance` is true: no pain, nothing
    unusual, or what a condition says."""
    found: dict[str, Answer] = {}
    for names in questions.asked.values():
        for name in names:
            answer = _clean(name, plan.advance.when)
            if answer is not None:
                found[name] = answer
    return found


def _clean(name: str, conditions: Iterable[Condition]) -> Answer | None:
    asked = field_of(name)
    assert asked is not None  # a plan asks for nothing else
    wanted = [c.value for c in conditions if c.field == name and c.op in (Op.EQ, Op.GE) and c.value is not None]
    if wanted:
        return wanted[0]
    if asked.kind is str:
        return asked.scale[0] if asked.scale else None
    return False if asked.kind is bool else max(0.0, asked.low or 0.0)


class Inventor:
    """Makes facts up, in the order of time."""

    def __init__(self, script: Script, tz: tzinfo) -> None:
        self.script, self._tz = script, tz
        self._seq = count(1)
        self.runs = 0

    def key(self) -> Key:
        """The next one."""
        return Key(WHO, next(self._seq))

    def run(self, today: Allowance, at_ns: int) -> RunFact:
        """A run of the workout of today."""
        self.runs += 1
        time_s, run_s, distance_m, run_m, runs = _amounts(today)
        done = self.script.done_pct.get(self.runs, 100.0)
        share = done / 100.0
        name = f"run {self.runs}"
        reps = runs if today.success_reps is None else today.success_reps
        return RunFact(
            key=Key(WHO, 0, name),
            at_wall_ns=at_ns,
            end_wall_ns=at_ns + round(time_s * share) * NS,
            run=name,
            source="manual",
            distance_m=distance_m * share,
            run_distance_m=run_m * share,
            run_time_s=run_s * share,
            walk_time_s=max(0.0, time_s - run_s) * share,
            done_pct=done,
            reps_done=int(reps * share),
        )

    def answers(self, plan: Plan, questions: Questions) -> dict[str, Answer]:
        """What she says about the last run."""
        given = self.script.answers
        said: dict[str, Answer | None] = dict(clean_answers(plan, questions) if given is None else given)
        said |= self.script.runs.get(self.runs, {})
        return {name: answer for name, answer in said.items() if answer is not None}

    def check_in(self, moment: Moment, at_ns: int, run: str | None, answers: Mapping[str, Answer]) -> CheckIn:
        """Answers at a time."""
        return CheckIn(self.key(), at_ns, moment, run, dict(answers), by=WHO)

    def decides(self, verdict: Verdict, at_ns: int, stage: str | None = None) -> Approval:
        """The therapist says something."""
        return Approval(self.key(), at_ns, verdict, WHO, WHO, stage)

    def starts_ns(self, today: Allowance, day: date) -> int | None:
        """When she runs on that day; None: she does not."""
        planned, last = (clock_ns(day, at, self._tz) for at in (self.script.runs_at, self.script.latest))
        if today.next_run_wall_ns is None or today.next_run_wall_ns > last:
            return None
        return max(planned, today.next_run_wall_ns)


def _amounts(today: Allowance) -> tuple[float, float, float, float, int]:
    """Seconds, of them running; metres, of them running; runs in it."""
    if today.workout is None:
        left_m = today.left.get("distance_7d_m")
        runs = max(1.0, today.left.get("runs_7d", OPEN_REPEATS))
        run_m = DISTANCE_M if left_m is None else left_m / min(runs, OPEN_REPEATS)
        run_m = min(run_m, today.left.get("distance_m", run_m))
        return run_m / RUN_MPS, run_m / RUN_MPS, run_m, run_m, 1
    repeats = today.repeats if today.repeats is not None else OPEN_REPEATS
    whole = total(parse_workout(today.workout), repeats=repeats, most=True)
    run_s = whole.run_time_s + whole.run_distance_m / RUN_MPS
    walk_s = whole.walk_time_s + whole.walk_distance_m / WALK_MPS
    run_m = whole.run_distance_m + whole.run_time_s * RUN_MPS
    walk_m = whole.walk_distance_m + whole.walk_time_s * WALK_MPS
    # what only the run can tell has an amount of its own, and pieces that nobody has counted
    time_s, distance_m = max(run_s + walk_s, whole.time_s), max(run_m + walk_m, whole.distance_m)
    if not time_s:
        time_s = distance_m / RUN_MPS if distance_m else MINUTES * 60
    return time_s, run_s or time_s, distance_m or time_s * RUN_MPS, run_m, max(1, whole.runs)


def hour_after_ns(end_ns: int) -> int:
    """When pain an hour after the run is told."""
    return end_ns + HOUR_NS
