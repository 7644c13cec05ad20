"""The progress of a workout while a run goes on: strides, totals and ticks in, where she is and what was done out.

Nothing is guessed: without a workout for today (`RunSetup.day`) there is no progress. The parts: `segments` tells when
she runs and walks, `matching` where in the workout that is (with the table of what leads to what), `run_over` when she
runs beyond it. Times fire from ticks, so that no cue waits for a stride; distances from strides. While no pod is linked
time goes on as planned, and is marked estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sensord.model import NS, Activity, Alert, Json, RunSetup, RunTotals, Stride, payload
from sensord.model_plan import SegmentDone, WorkoutDone, WorkoutState
from sensord.plan.amounts import COMPLETE, runs, share
from sensord.plan.matching import MOSTLY, How, Matcher, Past
from sensord.plan.progress_words import Situation, cue_of, text_of
from sensord.plan.route import Route
from sensord.plan.run_over import RunOver
from sensord.plan.segments import LATE_S, STOP_S, Change, Counts, Segments
from sensord.plan.standing import Day
from sensord.plan.workout import Quantity, Step, Workout, parse_workout

SAID_EVERY_S = 10.0
"""How often it is said where she is when only numbers moved."""

Said = list[WorkoutState | SegmentDone | WorkoutDone | Alert]


@dataclass(frozen=True, slots=True)
class _View:
    """The segment that is shown: the one behind an interrupted run once that is half done."""

    place: int
    step: Step | None
    since: Counts


class Progress:
    """Follows one workout. Every method returns what its input causes."""

    def __init__(
        self, workout: Workout, *, run: str = "", repeats: int | None = None, success_reps: int | None = None
    ) -> None:
        """`repeats` for a workout that does not say how often; `success_reps`: what counts as a success."""
        self._segments = Segments()
        self._matcher = Matcher(Route(workout, repeats))
        self._over = RunOver(run)
        self._success_reps = success_reps
        self._totals = RunTotals()
        self._begun = self._gap = self._lost = self._ended = False
        self._said_cue: Situation | None = None
        self._said_key: tuple[object, ...] | None = None
        self._said_ns = 0
        self._past: list[SegmentDone] = []
        self._done: WorkoutDone | None = None

    @classmethod
    def of_setup(cls, setup: RunSetup) -> Progress | None:
        """The progress of today's workout; None when there is none."""
        day = None if setup.day is None else Day.from_json(setup.day)
        if day is None or day.workout is None:
            return None
        workout = parse_workout(day.workout)
        return cls(workout, run=setup.run, repeats=day.repeats, success_reps=day.success_reps)

    @property
    def summary(self) -> Mapping[str, Json]:
        """What stands in the run's summary: `WorkoutDone` without its intervals; nothing before the end."""
        if self._done is None:
            return {}
        return {name: value for name, value in payload(self._done).items() if name != "intervals"}

    def on_stride(self, stride: Stride, totals: RunTotals, t_ns: int) -> Said:
        """A stride of either foot, and the totals with it."""
        metres = self._metres(totals)
        if stride.ic_run_ns is None:
            return []
        if stride.next_ic_run_ns is None:
            self._gap = self._gap or stride.next_ic_pod_ns is None
            return []
        return self._moved(stride.activity, (stride.ic_run_ns, stride.next_ic_run_ns), metres, t_ns)

    def on_moved(self, activity: Activity, span_ns: tuple[int, int], totals: RunTotals, t_ns: int) -> Said:
        """What a sensor said that computes for itself, where no pod measures strides."""
        return self._moved(activity, span_ns, self._metres(totals, seen=True), t_ns)

    def on_tick(self, t_ns: int, *, lost: bool = False) -> Said:
        """A second has passed. `lost`: no foot's pod is linked; what a sensor tells all the same counts."""
        if not self._begun or self._ended:
            return []
        last_ns = self._segments.last_ns
        self._lost = lost and last_ns is not None and (self._lost or t_ns - last_ns > LATE_S * NS)
        past = self._unseen(t_ns) if self._lost else self._changed(self._segments.still(t_ns))
        now = self._segments.live(t_ns)
        past += self._matcher.update(now)
        return self._tell(past, now, t_ns, tick=True)

    def end(self) -> Said:
        """The run is over."""
        if self._ended:
            return []
        self._ended = True
        matcher, now = self._matcher, self._segments.counts
        completed = self._begun and matcher.may_end(now, COMPLETE)
        past = self._told(matcher.end(now)) if self._begun else []
        missed = [
            _interval(Past(step, How.MISSED, now, now), 0.0, seen=False) for step in matcher.route.missed(matcher.place)
        ]
        self._done = self._summed([*self._past, *missed], now, completed=completed)
        return [*past, self._done]

    # ------------------------------------------------------------------------------------------ inputs

    def _metres(self, totals: RunTotals, *, seen: bool = False) -> tuple[float, float]:
        """By how much running and walking grew. A gap that the totals count at the last pace is left out: it was
        followed while it lasted."""
        before, self._totals = self._totals, totals
        run_m = totals.run_distance_m - before.run_distance_m
        walk_m = totals.distance_m - before.distance_m - run_m
        gap_m = 0.0 if seen else totals.estimated_m - before.estimated_m
        if gap_m > 0.0:
            run_m, walk_m = (run_m - gap_m, walk_m) if run_m >= walk_m else (run_m, walk_m - gap_m)
        return max(run_m, 0.0), max(walk_m, 0.0)

    def _moved(self, activity: Activity, span_ns: tuple[int, int], metres: tuple[float, float], t_ns: int) -> Said:
        begin_ns, end_ns = span_ns
        if self._ended or end_ns <= begin_ns:
            return []
        segments, past = self._segments, list[Past]()
        if not self._begun:
            self._begun = True
            segments.counts = Counts(begin_ns)
            self._matcher.begin(segments.counts)
        last_ns = segments.last_ns
        if self._gap and last_ns is not None and begin_ns > last_ns:
            self._gap = False
            if begin_ns - last_ns >= STOP_S * NS:
                past = self._unseen(begin_ns)
        self._lost = False
        past += self._changed(segments.add(activity, begin_ns, end_ns, run_m=metres[0], walk_m=metres[1]))
        past += self._matcher.update(segments.counts)
        return self._tell(past, segments.counts, t_ns)

    def _changed(self, changes: Iterable[Change]) -> list[Past]:
        return [past for change in changes for past in self._matcher.changed(change)]

    def _unseen(self, until_ns: int) -> list[Past]:
        """She is taken to follow the plan, second by second."""
        segments, matcher, past = self._segments, self._matcher, list[Past]()
        while segments.last_ns is not None and segments.last_ns < until_ns:
            if not segments.unseen(min(segments.last_ns + NS, until_ns)):
                return past + self._changed(segments.still(until_ns))
            past += matcher.update(segments.counts)
            if (run := matcher.assumed()) is not None:
                past += matcher.changed(Change(run, segments.assume(run=run)))
        return past

    # ------------------------------------------------------------------------------------------ what is told

    def _tell(self, past: list[Past], now: Counts, t_ns: int, *, tick: bool = False) -> Said:
        said: Said = [*self._told(past)]
        said += self._over.look(self._matcher, now, self._share_off, t_ns)
        situation = cue_of(self._matcher)
        cue = None if situation is None or situation == self._said_cue else situation[2]
        if situation is not None:
            self._said_cue = situation
        if cue is None and self._over.again(t_ns) and situation is not None:
            cue = situation[2]
        view = self._view(now)
        key = (view.place, view.step is None, self._segments.running, self._lost, self._matcher.finished)
        due = tick and t_ns - self._said_ns >= SAID_EVERY_S * NS
        if cue is not None or key != self._said_key or due:
            self._said_key, self._said_ns = key, t_ns
            said.append(self._state(view, now, cue))
        return said

    @property
    def _share_off(self) -> float:
        """How far off distances may be, as a share."""
        return self._totals.distance_sd_m / self._totals.distance_m if self._totals.distance_m > 0 else 0.0

    def _view(self, now: Counts) -> _View:
        matcher = self._matcher
        step, place = matcher.step, matcher.place
        if matcher.finished:
            return _View(place, None, matcher.since)
        if step is not None and matcher.interrupted is not None and share(step, matcher.since, now) >= MOSTLY:
            following = matcher.route.at(place + 1)
            if following is not None and not runs(following):
                return _View(place + 1, following, matcher.interrupted)
        return _View(place, step, matcher.since)

    def _state(self, view: _View, now: Counts, cue: str | None) -> WorkoutState:
        matcher, step = self._matcher, view.step
        running = "run" if self._segments.running else "walk"
        state = WorkoutState(
            position=None if step is None else view.place,
            kind="done" if step is None else step.kind.value,
            doing="unseen" if self._lost else running,
            repetition=None,
            of=None,
            left_s=None,
            left_m=None,
            left_sd_m=None,
            over_s=None,
            over_m=None,
            next_kind=None,
            next_s=None,
            next_m=None,
            may_end=matcher.may_end(now),
            done_pct=matcher.done_pct(self._segments.counts),
            reps_done=matcher.reps,
            estimated=step is not None and (self._lost or now.unseen_s > view.since.unseen_s),
            mods=() if step is None else step.mods,
            cue=cue,
            text="",
        )
        if step is not None:
            state = self._with_amounts(state, step, view, now)
        return replace(state, text=text_of(state))

    def _with_amounts(self, state: WorkoutState, step: Step, view: _View, now: Counts) -> WorkoutState:
        run, matcher = runs(step), self._matcher
        waits = run and not matcher.begun
        done_s = 0.0 if waits else now.seconds(view.since, run=run)
        done_m = 0.0 if waits else now.metres(view.since, run=run)
        left = {
            Quantity.TIME: None if step.time_s is None else max(step.time_s - done_s, 0.0),
            Quantity.DISTANCE: None if step.distance_m is None else max(step.distance_m - done_m, 0.0),
        }
        for whole in step.wholes:
            for quantity, lacks in matcher.lacks(whole, now).items():
                own = left[quantity]
                left[quantity] = lacks if own is None else min(own, lacks)
        following = matcher.route.at(view.place + 1)
        place = view.place if run else matcher.route.after(view.place, run=True)
        upcoming = None if place is None else matcher.route.at(place)
        left_m = left[Quantity.DISTANCE]
        return replace(
            state,
            repetition=None if upcoming is None else upcoming.repetition,
            of=None if upcoming is None else upcoming.of,
            left_s=left[Quantity.TIME],
            left_m=left_m,
            left_sd_m=None if left_m is None else self._share_off * done_m,
            over_s=None if step.time_s is None else max(done_s - step.time_s, 0.0),
            over_m=None if step.distance_m is None else max(done_m - step.distance_m, 0.0),
            next_kind=None if following is None else following.kind.value,
            next_s=None if following is None else following.time_s,
            next_m=None if following is None else following.distance_m,
        )

    def _told(self, past: Iterable[Past]) -> list[SegmentDone]:
        intervals = [_interval(one, self._share_off) for one in past]
        self._past += intervals
        return intervals

    def _summed(self, intervals: list[SegmentDone], now: Counts, *, completed: bool) -> WorkoutDone:
        matcher, planned = self._matcher, self._matcher.route.planned
        ran = [one for one in intervals if one.kind == "run"]
        asked = [one for one in ran if one.position is not None]
        goal = self._success_reps
        elapsed_s = max(one.end_run_ns or 0 for one in intervals) / NS if intervals else 0.0
        return WorkoutDone(
            done_pct=matcher.done_pct(now) if self._begun else 0.0,
            reps_done=matcher.reps,
            reps_fewest=planned.fewest,
            reps_most=planned.most,
            success_reps=goal,
            success=None if goal is None else matcher.reps >= goal,
            short=sum(one.quality == How.SHORT for one in ran),
            merged=sum(one.quality == How.MERGED for one in ran),
            missed=sum(one.quality == How.MISSED for one in ran),
            extra=sum(one.quality == How.EXTRA for one in ran),
            run_planned_s=planned.seconds if planned.run else 0.0,
            run_planned_m=planned.metres if planned.run else 0.0,
            run_done_s=sum(one.done_s for one in asked),
            run_done_m=sum(one.done_m for one in asked),
            over_s=sum(_over_s(one) for one in ran),
            estimated_pct=min(100.0 * now.unseen_s / elapsed_s, 100.0) if elapsed_s > 0 else 0.0,
            completed=completed,
            intervals=tuple(intervals),
        )


def _interval(past: Past, share_off: float, *, seen: bool = True) -> SegmentDone:
    step, begin, end = past.step, past.begin, past.end
    run = step is None or runs(step)
    done_s, done_m = end.seconds(begin, run=run), end.metres(begin, run=run)
    unseen_s = end.unseen_s - begin.unseen_s
    elapsed_s = (end.t_ns - begin.t_ns) / NS
    return SegmentDone(
        position=None if step is None else step.index,
        kind="run" if step is None else step.kind.value,
        repetition=None if step is None else step.repetition,
        of=None if step is None else step.of,
        optional=step is not None and step.optional,
        planned_s=None if step is None else step.time_s,
        planned_m=None if step is None else step.distance_m,
        least_s=None if step is None else step.least_time_s,
        least_m=None if step is None else step.least_distance_m,
        done_s=done_s,
        done_m=done_m,
        done_sd_m=share_off * done_m,
        begin_run_ns=begin.t_ns if seen else None,
        end_run_ns=end.t_ns if seen else None,
        quality=past.how.value,
        estimated_pct=min(100.0 * unseen_s / elapsed_s, 100.0) if elapsed_s > 0 else 0.0,
    )


def _over_s(one: SegmentDone) -> float:
    """Seconds of running that nobody asked for."""
    if one.position is None:
        return one.done_s
    parts = [one.done_s / one.planned_s if one.planned_s else 0.0, one.done_m / one.planned_m if one.planned_m else 0.0]
    part = max(parts)
    return one.done_s * (1.0 - 1.0 / part) if part > 1.0 else 0.0
