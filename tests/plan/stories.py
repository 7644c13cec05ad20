"""Short runs played through limits and through the progress of a workout, and everything they make said, a line each.

`said_by_limits.txt` and `said_by_progress.txt` hold what each story says, word for word and number for number: whoever
changes a word reads there what it becomes. `python -m tests.plan.stories` writes both anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sensord.model import NS, Activity, Alert, LimitState, PodSetup, RunSetup, RunTotals, Side
from sensord.model_plan import SegmentDone, WorkoutDone, WorkoutState
from sensord.plan.progress import Progress
from sensord.plan.standing import Day
from sensord.plan.workout import parse_workout
from tests.plan.made_plans import FIXED_IMPACT, limits, stride
from tests.plan.made_strides import Course, Leg, play, told

FOLDER = Path(__file__).parent
L, R = Side.LEFT, Side.RIGHT


# ------------------------------------------------------------------------------------------------ lines


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"


def _state(said: LimitState) -> str:
    count = f"{said.n}/{'-' if said.n_needed is None else said.n_needed}"
    numbers = f"{_number(said.value)} of {_number(said.warn)}, {_number(said.stop)}"
    why = "" if said.reason is None else f": {said.reason}"
    return f"{said.rule} {said.metric} {said.unit} | {said.status.value} {said.level.value} {numbers} n {count}{why}"


def _alert(said: Alert) -> str:
    lasted = "" if said.duration_s is None else f" after {_number(said.duration_s)}"
    numbers = f"{_number(said.value)} of {_number(said.limit)} at {_number(said.onset_ns / NS)}{lasted}"
    name = f"{said.rule} {said.metric} {said.unit} | {said.phase.value} {said.level.value}"
    return f"{name} {numbers} [{said.id}] {said.cue}! {said.text}"


def _workout(said: WorkoutState) -> str:
    place = "-" if said.position is None else said.position
    left = ", ".join(_number(x) for x in (said.left_s, said.left_m, said.left_sd_m, said.over_s, said.over_m))
    following = f"{said.next_kind or '-'} {_number(said.next_s)} {_number(said.next_m)}"
    marks = " ".join(word for word, on in (("may end", said.may_end), ("estimated", said.estimated)) if on)
    head = f"{place} {said.kind}/{said.doing} {said.repetition or '-'} of {said.of or '-'}"
    tail = f"{_number(said.done_pct)} % {said.reps_done} reps {' '.join((marks, *said.mods)).strip()}".strip()
    return f"{head} | {left} | {following} | {tail} | {said.cue or ''}! {said.text}"


def _interval(said: SegmentDone) -> str:
    place = "-" if said.position is None else said.position
    asked = ", ".join(_number(x) for x in (said.planned_s, said.planned_m, said.least_s, said.least_m))
    did = ", ".join(_number(x) for x in (said.done_s, said.done_m, said.done_sd_m))
    times = [None if t is None else t / NS for t in (said.begin_run_ns, said.end_run_ns)]
    when = " to ".join(_number(t) for t in times)
    maybe = " optional" if said.optional else ""
    head = f"= {place} {said.kind} {said.repetition or '-'} of {said.of or '-'}{maybe}"
    return f"{head} | asked {asked} | did {did} | {when} | {said.quality} {_number(said.estimated_pct)} %"


def _done(said: WorkoutDone) -> str:
    names = [name for name in said.__slots__ if name != "intervals"]
    values = [getattr(said, name) for name in names]
    return "# " + " ".join(
        f"{n}={_number(v) if isinstance(v, float) else v}" for n, v in zip(names, values, strict=True)
    )


def lines(said: Iterable[object]) -> list[str]:
    """All of it in order; of the end also what was missed."""
    found: list[str] = []
    for one in said:
        if isinstance(one, LimitState):
            found.append(_state(one))
        elif isinstance(one, Alert):
            found.append(_alert(one))
        elif isinstance(one, WorkoutState):
            found.append(_workout(one))
        elif isinstance(one, SegmentDone):
            found.append(_interval(one))
        elif isinstance(one, WorkoutDone):
            found += [_interval(missed) for missed in one.intervals if missed.begin_run_ns is None]
            found.append(_done(one))
    return found


# ------------------------------------------------------------------------------------------------ limits


class Story:
    """A second at a time: a stride of each foot, totals, a tick. Limits begin half a second before."""

    def __init__(self, body: str, **setting: Any) -> None:
        self.limits = limits(body, **setting)
        self.said: list[object] = [*self.limits.start(NS // 2)]
        self.t_s = 0
        self.now = RunTotals()

    def go(
        self,
        seconds: int,
        *,
        run: bool = True,
        mps: float = 3.0,
        feet: tuple[Side, ...] = (),
        steps: int = 3,
        **one: Any,
    ) -> Story:
        """Strides of these feet with these values (a function of the foot, or a value)."""
        for _ in range(seconds):
            self.t_s += 1
            t_ns, now = self.t_s * NS, self.now
            for foot in feet:
                values = {name: value(foot) if callable(value) else value for name, value in one.items()}
                self.said += self.limits.on_stride(replace(stride(foot, None, run=run), **values), t_ns)
            self.now = replace(
                now,
                steps=now.steps + (steps if run else 2),
                run_steps=now.run_steps + steps * run,
                distance_m=now.distance_m + mps,
                run_distance_m=now.run_distance_m + mps * run,
                run_time_s=now.run_time_s + run,
                walk_time_s=now.walk_time_s + (not run),
            )
            self.said += self.limits.on_totals(self.now, t_ns)
            self.said += self.limits.on_tick(t_ns, (L, R), self.now.run_time_s)
        return self

    def stand(self, seconds: int, feet_up: tuple[Side, ...] | None = (L, R)) -> Story:
        """Ticks alone."""
        for _ in range(seconds):
            self.t_s += 1
            self.said += self.limits.on_tick(self.t_s * NS, feet_up, self.now.run_time_s)
        return self

    def end(self) -> list[str]:
        """The run is over."""
        self.said += self.limits.end(self.t_s * NS)
        return lines(self.said)


def _levels(info: object, warn: object, stop: object, urgent: object, kind: str = "") -> str:
    return f"info{kind} = {info}\nwarn{kind} = {warn}\nstop{kind} = {stop}\nurgent{kind} = {urgent}\n"


BY_HER = 'source = "Dr A"\n'
RUNNING = '[limit.distance]\ncounts = "run"\n' + BY_HER + _levels('"9m"', '"15m"', '"21m"', '"40m"')
KILOMETRES = "[limit.distance]\n" + _levels('"900m"', '"1km"', '"1500m"', '"2km"')
TIME = "[limit.run_time]\n" + BY_HER + _levels('"3s"', '"5s"', '"7s"', '"60s"')
DOWN = "[limit.downhill]\n" + BY_HER + _levels('"9m"', '"15m"', '"21m"', '"60m"')
DROP = '[limit.downhill]\ncounts = "run"\nof = "drop"\nmin_grade_pct = 2\nstop = "3m"\n'
SPIKE = "[limit.session_spike]\n"
WEEK = "[limit.week_growth]\n"
LOAD = "[limit.impact_load]\nexponent = 2.0\n" + BY_HER + _levels(101, 104, 107, 120, "_pct") + FIXED_IMPACT
SPEED = "[limit.speed]\nsustained = " + '"4s"\n' + BY_HER + _levels('"3m/s"', '"4m/s"', '"5m/s"', '"6m/s"')
CADENCE = '[cadence]\nbaseline_spm = 160\ntarget_pct = [100, 110]\nsustained = "5s"\n'
CONTACT = '[contact_time]\ninfo_pct = 5\nwarn_pct = 10\nsustained = "20s"\n' + BY_HER


def _steps(foot: str, counts: str) -> list[str]:
    body = f'[limit.steps]\nfoot = "{foot}"\ncounts = "{counts}"\n' + BY_HER + _levels(3, 6, 9, 30)
    return Story(body).go(7).go(11, run=False).end()


def _day(**known: object) -> dict[str, object]:
    return Day("test", 1, None, **known).to_json()  # type: ignore[arg-type]


def _fast(story: Story, *speeds: float) -> Story:
    for mps in speeds:
        story.go(12, feet=(L, R), speed_mps=mps, speed_source="trajectory", mps=mps)
    return story


def _paced(story: Story, *cadences: float) -> Story:
    for spm in cadences:
        story.go(24, feet=(L, R), cadence_spm=spm)
    return story


def _contacts(story: Story, *times: tuple[float, float]) -> Story:
    """Left foot's time, the right one a tenth longer; and speed."""
    for contact_s, mps in times:
        story.go(60, feet=(L, R), contact_time_s=lambda f, s=contact_s: s if f is L else 1.1 * s, speed_mps=mps)
    return story


BY_LIMITS: Mapping[str, Callable[[], list[str]]] = {
    "running distance, four levels; walking clears a stop, what is urgent waits": lambda: (
        Story(RUNNING).go(9).go(12, run=False).go(12).go(10, run=False).end()
    ),
    "distance in kilometres, walking too": lambda: Story(KILOMETRES).go(4, mps=500.0).go(12, run=False).end(),
    "running time; running again is a new stop": lambda: Story(TIME).go(9).go(12, run=False).go(12).end(),
    "steps": lambda: _steps("both", "all"),
    "running steps of each foot": lambda: _steps("each", "run"),
    "steps of the injured foot": lambda: _steps("injured", "all"),
    "running steps of the injured foot": lambda: _steps("injured", "run"),
    "steps of each foot of who is not injured": lambda: (
        Story('[limit.steps]\nfoot = "each"\nwarn = 3\n', side="none").go(7).end()
    ),
    "downhill, just steep enough": lambda: Story(DOWN, grade_pct=-1.0).go(8).go(2, run=False).end(),
    "downhill, not steep enough, and uphill": lambda: [
        *Story(DOWN, grade_pct=-0.9).go(8).end(),
        *Story(DOWN, grade_pct=9.0).go(8).end(),
    ],
    "descent while running": lambda: (
        Story(DROP, grade_pct=-10.0).go(1, mps=9.0).go(11, run=False).go(10).go(11, run=False).end()
    ),
    "downhill where the slope is not known": lambda: Story(DOWN).go(1, mps=0.5).stand(11).go(3, mps=2.0).end(),
    "a limit that is not live": lambda: (
        Story("[limit.steps]\nlive = false\n" + _levels(3, 6, 9, 12)).go(6).stand(2).end()
    ),
    "no pod linked": lambda: Story(TIME).go(2).stand(3, ()).stand(1, (L,)).go(2).stand(2, ()).end(),
    "a long run, against the longest of 30 days": lambda: (
        Story(SPIKE + BY_HER + _levels(50, 100, 150, 200, "_pct"), day=_day(longest_30d_m=2000.0))
        .go(6, mps=500.0)
        .go(12, mps=500.0, run=False)
        .end()
    ),
    "a long run, where nobody set a number": lambda: Story(SPIKE, day=_day(longest_30d_m=900.0)).go(3, mps=400.0).end(),
    "a long run, by somebody's word without a number": lambda: (
        Story(SPIKE + BY_HER, day=_day(longest_30d_m=900.0)).go(3, mps=400.0).end()
    ),
    "a long run, by the plan's number": lambda: (
        Story(SPIKE + "stop_pct = 120\n", day=_day(longest_30d_m=0.5)).go(1, mps=1.0).end()
    ),
    "a week that grows": lambda: (
        Story(
            WEEK + BY_HER + _levels(101, 104, 107, 120, "_pct"),
            day=_day(distance_7d_m=9800.0, previous_7d_m=10_000.0),
        )
        .go(8, mps=300.0)
        .go(11, mps=10.0, run=False)
        .end()
    ),
    "a week after one of next to nothing": lambda: (
        Story(WEEK + "warn_pct = 150\n", day=_day(distance_7d_m=0.0, previous_7d_m=0.8)).go(1, mps=1.1).end()
    ),
    "impact load; walking clears a stop": lambda: (
        Story(LOAD, day=_day(impact_load_previous_7d={"left": 400.0}, impact_load_7d={"left": 400.0}))
        .go(8, feet=(L, R), impact_peak_g=20.0)
        .go(11, run=False, feet=(L, R), impact_peak_g=20.0)
        .end()
    ),
    "impacts that are missing, one in twenty and more": lambda: (
        Story(LOAD, day=_day(impact_load_previous_7d={"left": 400.0}, impact_load_7d={"left": 0.0}))
        .go(19, feet=(L,), steps=2, impact_peak_g=10.0)
        .go(1, feet=(L,), steps=2, impact_peak_g=10.0, impact_clipped=True)
        .stand(11)
        .go(1, feet=(L,), steps=2, impact_peak_g=None)
        .stand(10)
        .end()
    ),
    "impacts of a foot whose pod is silent while the other counts on": lambda: (
        Story(LOAD, day=_day(impact_load_previous_7d={"left": 400.0}, impact_load_7d={"left": 0.0}))
        .go(20, feet=(L,), steps=2, impact_peak_g=10.0)
        .go(5, steps=2)
        .end()
    ),
    "speed, four levels and back": lambda: _fast(Story(SPEED), 2.0, 3.5, 4.5, 5.5, 6.5, 2.95, 2.0).end(),
    "speed that is not measured, and standing": lambda: (
        _fast(Story(SPEED), 2.0).stand(12).stand(2, ()).go(12, mps=1.0).stand(1, None).end()
    ),
    "speed: strides that do not come to enough": lambda: _fast(Story(SPEED)).go(3, feet=(L,), speed_mps=9.0).end(),
    "cadence below, inside, above its target": lambda: (
        _paced(Story(CADENCE), 150.0, 163.0, 168.0, 185.0, 164.0).stand(12).stand(2, ()).end()
    ),
    "cadence on the edges of its target": lambda: _paced(Story(CADENCE + BY_HER + 'alert = "warn"\n'), 160.0).end(),
    "cadence on the upper edge": lambda: _paced(Story(CADENCE + 'alert = "none"\n'), 176.0, 177.0).end(),
    "contact time, longer and shorter than at the beginning": lambda: _contacts(
        Story(CONTACT), *[(0.25, 3.0)] * 3, (0.27, 3.0), (0.21, 3.0), (0.24, 3.0), (0.25, 3.1), (0.3, 3.3)
    ).end(),
}


# ------------------------------------------------------------------------------------------------ progress


def followed(text: str, *legs: tuple[str, float] | Leg, **kw: Any) -> list[str]:
    """Somebody with even strides plays these legs: walk, run, stand."""
    repeats, success_reps = kw.pop("repeats", None), kw.pop("success_reps", None)
    course = Course(tuple(leg if isinstance(leg, Leg) else Leg(*leg) for leg in legs))
    progress = Progress(parse_workout(text), run="RUN", repeats=repeats, success_reps=success_reps)
    return lines(play(progress, told(course, jitter=0.0, delay_s=0.0, **kw)))


def by_sensor() -> list[str]:
    """A sensor that computes for itself, and no pod."""
    progress, said = Progress(parse_workout("walk 20s, run 20s, walk 10s"), run="RUN"), list[object]()
    for second in range(1, 56):
        run = 20 < second <= 41
        totals = RunTotals(distance_m=2.0 * second, run_distance_m=2.0 * min(max(second - 20, 0), 21))
        activity = Activity.RUN if run else Activity.WALK
        said += progress.on_moved(activity, ((second - 1) * NS, second * NS), totals, second * NS)
        said += progress.on_tick(second * NS, lost=True)
    return lines([*said, *progress.end()])


def of_today() -> list[str]:
    """As a run's set-up says it."""
    day = Day("p", 1, "1", workout="?x(run 10s, walk 20s)", repeats=2, success_reps=1)
    setup = RunSetup("RUN", "r-1", "home", "gw", (PodSetup("a", Side.LEFT, "open-pod"),), day=day.to_json())
    progress = Progress.of_setup(setup)
    assert progress is not None
    legs = (Leg("run", 11.0), Leg("walk", 20.0), Leg("run", 31.0))
    return lines(play(progress, told(Course(legs), jitter=0.0, delay_s=0.0)))


WALK_RUN = "3x(walk 40s, run 30s)"
MIXED = "walk 30s @warmup, run 100m @hard, rest 20s, run 60-80m @easy, run 20s"

BY_PROGRESS: Mapping[str, Callable[[], list[str]]] = {
    "a workout done as planned": lambda: followed(
        WALK_RUN, *[("walk", 40.0), ("run", 31.0)] * 3, ("walk", 30.0), success_reps=3
    ),
    "metres, rest, ranges and efforts": lambda: followed(
        MIXED, ("walk", 31.0), ("run", 37.0), ("stand", 20.0), ("run", 52.0), ("walk", 15.0), metres=1.02
    ),
    "whatever comes first": lambda: followed(
        "2x(run 30-40s|100m, walk 20s|40m)", ("run", 36.0), ("walk", 21.0), ("run", 31.0), ("walk", 40.0)
    ),
    "a run ended early, a breather, a run too early, a walk left early": lambda: followed(
        WALK_RUN, ("walk", 12.0), ("run", 9.0), ("walk", 20.0), ("run", 20.0), ("walk", 12.0), ("run", 12.0),
        ("walk", 25.0), ("run", 15.0), ("walk", 40.0), ("run", 15.0), success_reps=2,
    ),
    "running on: told, merged": lambda: followed(
        WALK_RUN, ("walk", 40.0), ("run", 62.0), ("walk", 40.0), ("run", 31.0), ("walk", 20.0)
    ),
    "running on for long, told again": lambda: followed(
        "walk 20s, run 1min, rest 1min, run 20min", ("walk", 20.0), ("run", 460.0), ("walk", 20.0)
    ),
    "running on by metres": lambda: followed(
        "run 200m, walk 200m, run 2km", ("run", 100.0), ("walk", 30.0)
    ),
    "running on after the end": lambda: followed(
        "run 30s, walk 20s", ("run", 31.0), ("walk", 25.0), ("run", 50.0), ("walk", 30.0), ("run", 40.0)
    ),
    "running on in the last run, by time and by metres": lambda: [
        *followed("run 40s", ("run", 80.0), ("walk", 10.0)),
        *followed("run 100m", ("run", 80.0), ("walk", 10.0)),
    ],
    "an open whole": lambda: followed(
        "until 150m (walk 20s, run 20s), walk 20s", *[("walk", 20.0), ("run", 21.0)] * 2, ("walk", 30.0)
    ),
    "an open whole that is cut within a run, and what is left of it": lambda: followed(
        "until 2min|200m (walk 30s, run 60s)", ("walk", 30.0), ("run", 55.0), ("walk", 20.0)
    ),
    "an open whole that is not reached": lambda: followed(
        "run 20s, until 5min (walk 30s, run 30s), walk 1min", ("run", 21.0), ("walk", 30.0), ("run", 16.0)
    ),
    "a run that is cut nearly at the end of its whole": lambda: followed(
        "until 500m (walk 1min, run 3min)", ("walk", 60.0), ("run", 146.0), ("walk", 20.0)
    ),
    "the fewest repetitions": lambda: followed(
        "2-4x(run 20s, walk 20s)", *[("run", 21.0), ("walk", 20.0)] * 3, ("run", 5.0), success_reps=4
    ),
    "nobody said how often": lambda: followed("?x(run 20s, walk 20s)", *[("run", 21.0), ("walk", 20.0)] * 2),
    "walking alone": lambda: followed("walk 30s, walk 30s", ("walk", 50.0)),
    "no pod linked for a while": lambda: followed(
        WALK_RUN, ("walk", 30.0), Leg("walk", 12.0, lost=True), Leg("run", 15.0, lost=True), ("run", 14.0),
        ("walk", 20.0), Leg("walk", 22.0, lost=True), ("run", 10.0), Leg("run", 25.0, lost=True), ("walk", 20.0),
    ),
    "no pod linked for more than five minutes": lambda: followed(
        "run 20min, walk 1min", ("run", 30.0), Leg("run", 400.0, lost=True), ("run", 20.0)
    ),
    "traffic lights and a break": lambda: followed(
        "walk 20s, run 60s, walk 60s", ("walk", 20.0), ("run", 20.0), ("stand", 15.0), ("run", 20.0), ("stand", 45.0),
        ("run", 30.0), ("walk", 40.0),
    ),
    "rest between runs that have none": lambda: followed(
        "2-3x(run 30s)", ("run", 20.0), ("walk", 40.0), ("run", 31.0), ("stand", 40.0), ("run", 20.0), ("walk", 9.0)
    ),
    "odd strides": lambda: followed(WALK_RUN, *[("walk", 40.0), ("run", 31.0)] * 3, ("walk", 15.0), odd=0.08, seed=5),
    "one foot": lambda: followed(WALK_RUN, *[("walk", 40.0), ("run", 31.0)] * 3, sides=(Side.LEFT,)),
    "a sensor that computes for itself": by_sensor,
    "the workout of the day": of_today,
    "nothing": lambda: lines(Progress(parse_workout("run 1min, walk 2min"), run="RUN").end()),
}  # fmt: skip

FILES = {"said_by_limits.txt": BY_LIMITS, "said_by_progress.txt": BY_PROGRESS}


def text_of(stories: Mapping[str, Callable[[], list[str]]]) -> str:
    """Every story under its name."""
    return "\n".join("\n".join((f"## {name}", *tell(), "")) for name, tell in stories.items())


def stories_of(text: str) -> dict[str, list[str]]:
    """What a file says of each story."""
    parts = [part.strip("\n").split("\n") for part in text.split("## ")[1:]]
    return {first: rest for first, *rest in parts}


if __name__ == "__main__":
    for name, stories in FILES.items():
        (FOLDER / name).write_text(text_of(stories), encoding="utf-8")
