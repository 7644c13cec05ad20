"""Strides of somebody who follows a workout, without a body: what pods would tell, and when, and what is true.

A course is a list of legs; `play` carries it through totals and progress as the pipeline does. `followed` makes the
course of a workout that is done as it says, with a person's inexactness.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sensord.load.totals import Totals
from sensord.model import NS, Activity, Alert, Side, StepLengths, Stride, changed
from sensord.model_plan import SegmentDone, WorkoutDone, WorkoutState
from sensord.plan.progress import Progress, Said
from sensord.plan.workout import Kind, Quantity, Workout, parse_workout, steps
from tests.sinks.made_events import a_stride

STRIDE_S = {Activity.WALK: 1.1, Activity.RUN: 0.72}
SPEED_MPS = {Activity.WALK: 1.4, Activity.RUN: 2.8}
TOLD_S = 1.4


@dataclass(frozen=True)
class Leg:
    """`kind`: walk, run, stand. `lost`: no pod is linked meanwhile."""

    kind: str
    seconds: float
    lost: bool = False


@dataclass(frozen=True)
class Course:
    """Legs, and the runs among them that were meant: begin and end in s."""

    legs: tuple[Leg, ...]

    @property
    def runs(self) -> list[tuple[float, float]]:
        """Begin and end of each run; stops within are part of it."""
        found: list[tuple[float, float]] = []
        now, stopped = 0.0, True
        for leg in self.legs:
            if leg.kind == "run":
                if found and not stopped:
                    found[-1] = (found[-1][0], now + leg.seconds)
                else:
                    found.append((now, now + leg.seconds))
                stopped = False
            elif leg.kind == "walk":
                stopped = True
            now += leg.seconds
        return found

    @property
    def seconds(self) -> float:
        return sum(leg.seconds for leg in self.legs)


@dataclass(frozen=True)
class Told:
    """A stride and when it is known; `stride` None: a tick."""

    t_ns: int
    stride: Stride | None
    lost: bool = False


def followed(
    workout: Workout | str,
    *,
    repeats: int | None = None,
    seed: int = 0,
    late_s: float = 0.0,
    stops: float = 0.0,
    lost: float = 0.0,
    home_s: float = 60.0,
    most: bool = True,
) -> Course:
    """The course of a workout: every segment up to `late_s` too early or too late, `stops` (a share) of the runs with a
    traffic light of 8 to 25 s, `lost` (a share) with both pods away for 20 s; then walking home."""
    rng = random.Random(seed)
    parsed = parse_workout(workout) if isinstance(workout, str) else workout
    steps_ = steps(parsed, repeats=repeats, most=most)
    legs: list[Leg] = []
    since = [0.0, 0.0]
    for step in steps_:
        activity = Activity.RUN if step.kind is Kind.RUN else Activity.WALK
        speed = SPEED_MPS[activity]
        times = [step.time_s] if step.time_s else []
        times += [step.distance_m / speed] if step.distance_m else []
        seconds = min(times)
        for whole in step.wholes[:1]:
            measure = whole.amount.alternatives[0]
            left = measure.high - since[measure.quantity is Quantity.DISTANCE]
            whole_s = left if measure.quantity is Quantity.TIME else left / speed
            if whole_s <= seconds:
                seconds = whole_s
                steps_.leave(whole)
        since = [since[0] + seconds, since[1] + seconds * speed]
        seconds += rng.uniform(-late_s, late_s)
        if seconds > 0:
            legs += _leg(activity.value, seconds, rng, stops, lost)
    return Course((*legs, *([Leg("walk", home_s)] if home_s else [])))


def _leg(kind: str, seconds: float, rng: random.Random, stops: float, lost: float) -> list[Leg]:
    part = seconds * rng.uniform(0.3, 0.6)
    if kind == "run" and rng.random() < stops:
        return [Leg(kind, part), Leg("stand", rng.uniform(8, 25)), Leg(kind, seconds - part)]
    if rng.random() < lost and seconds > 40:
        return [Leg(kind, part), Leg(kind, 20.0, lost=True), Leg(kind, seconds - part - 20.0)]
    return [Leg(kind, seconds)]


def told(
    course: Course,
    *,
    seed: int = 0,
    jitter: float = 0.03,
    delay_s: float = 0.3,
    sides: Sequence[Side] = (Side.LEFT, Side.RIGHT),
    odd: float = 0.0,
    metres: float = 1.0,
    tail_s: float = 5.0,
) -> list[Told]:
    """What is known when. `jitter`: variation of stride times; `odd`: share of strides called by the wrong name;
    `metres`: by what factor stride lengths are measured wrong."""
    rng = random.Random(seed)
    found: list[Told] = []
    for side in sides:
        found += _foot(course, side, random.Random(rng.random()), jitter, delay_s, odd, metres)
    lost = [(a, b) for a, b, leg in _spans(course) if leg.lost]
    for second in range(1, int(course.seconds + tail_s)):
        found.append(Told(second * NS, None, any(a <= second < b for a, b in lost)))
    return sorted(found, key=lambda one: (one.t_ns, one.stride is not None))


def _spans(course: Course) -> Iterator[tuple[float, float, Leg]]:
    now = 0.0
    for leg in course.legs:
        yield now, now + leg.seconds, leg
        now += leg.seconds


def _foot(
    course: Course, side: Side, rng: random.Random, jitter: float, delay_s: float, odd: float, metres: float
) -> list[Told]:
    found: list[Told] = []
    first_s = 0.0 if side is Side.LEFT else 0.4
    n, ic = 0, first_s
    for _, end, leg in _spans(course):
        if leg.kind == "stand":
            ic = end + first_s
            continue
        activity = Activity(leg.kind)
        while ic < end:
            stride_s = STRIDE_S[activity] * (1.0 + jitter * rng.gauss(0, 1))
            wrong = rng.random() < odd
            called = activity if not wrong else Activity.WALK if activity is Activity.RUN else Activity.RUN
            if not leg.lost:
                made = _stride(side, n, ic, stride_s, called, SPEED_MPS[activity] * stride_s * metres)
                at_s = ic + stride_s + TOLD_S + rng.uniform(0, delay_s)
                found.append(Told(round(at_s * NS), made))
            n += 1
            ic += stride_s
    return found


TEMPLATE = {side: a_stride(side, 0, 0.0) for side in Side}


def _stride(side: Side, n: int, ic_s: float, stride_s: float, activity: Activity, length_m: float) -> Stride:
    begin_ns, end_ns = round(ic_s * NS), round((ic_s + stride_s) * NS)
    return changed(
        TEMPLATE[side], stride=n, activity=activity, ic_pod_ns=begin_ns, next_ic_pod_ns=end_ns, ic_run_ns=begin_ns,
        next_ic_run_ns=end_ns, stride_time_s=stride_s, stride_length_m=length_m, speed_mps=length_m / stride_s,
        speed_sd_mps=0.03 * length_m / stride_s, speed_source="trajectory", gap=False,
    )  # fmt: skip


def play(progress: Progress, inputs: Sequence[Told]) -> Said:
    """Everything that progress says of these inputs, to the end."""
    totals, said = Totals(StepLengths()), Said()
    for one in inputs:
        if one.stride is None:
            said += progress.on_tick(one.t_ns, lost=one.lost)
            continue
        totals.add(one.stride)
        said += progress.on_stride(one.stride, totals.now, one.t_ns)
    return said + progress.end()


def run_of(course: Course, workout: str, *, repeats: int | None = None, **kw: object) -> Said:
    """A course played through the progress of a workout."""
    reps = kw.pop("success_reps", None)
    progress = Progress(parse_workout(workout), run="R", repeats=repeats, success_reps=reps)  # type: ignore[arg-type]
    return play(progress, told(course, **kw))  # type: ignore[arg-type]


def states(said: Said) -> list[WorkoutState]:
    return [one for one in said if isinstance(one, WorkoutState)]


def intervals(said: Said) -> list[SegmentDone]:
    return [one for one in said if isinstance(one, SegmentDone)]


def alerts(said: Said) -> list[Alert]:
    return [one for one in said if isinstance(one, Alert)]


def done(said: Said) -> WorkoutDone:
    [one] = [one for one in said if isinstance(one, WorkoutDone)]
    return one


def cues(said: Said) -> list[str]:
    return [one.cue for one in states(said) if one.cue]
