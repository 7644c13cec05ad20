"""The way through a workout: its steps in order, looked up ahead, some of them known only once she gets there.

A workout whose pieces can be counted beforehand is laid out at once. `until 2mi (walk 2min, run 4min)` cannot be: its
steps are fetched as she comes to them, and what was looked up beyond the end of a whole is dropped when it is reached.
`?x(...)` without a number goes on for as long as she likes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sensord.plan.amounts import least_m, least_s
from sensord.plan.workout import MAX_STEPS, Item, Kind, Repeat, Segment, Step, Steps, Whole, Workout, steps
from sensord.plan.workout_steps import size

OPEN_REPEATS = 40
"""Design choice: of a workout that does not say how often: two hours of the shortest cycle in print (3 min)."""

REMAINDER_S, REMAINDER_M = 10.0, 25.0
"""Design choice: what a whole may leave of its last piece (`until 2mi (run 100m, walk 100m)` leaves a run of 19 m) that
is not asked for: it is hardly told from catching a bus."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a workout asks for at the least: the measure of `done_pct`."""

    run: bool  # False: a workout without a run, walking is what counts
    seconds: float
    metres: float
    timed: int  # how many segments are measured by time (of a time and a distance, the time)
    measured: int  # and by distance
    wholes: tuple[Whole, ...]  # the open ones, the outer of each
    fewest: int  # runs outside of open wholes
    most: int | None  # None: nobody can say


class Route:
    """The steps of a workout; `at` looks one up, `leave` ends an open whole."""

    def __init__(self, workout: Workout, repeats: int | None = None) -> None:
        said = workout if repeats is not None else Workout(_said(workout.items, OPEN_REPEATS))
        if size(said.items, repeats=repeats).steps > MAX_STEPS:
            said = Workout(_said(workout.items, 1))
        self._unsaid = said != workout
        self._steps = steps(said, repeats=repeats)
        self._known: list[Step] = []
        planned = _planned(steps(said, repeats=repeats))
        self.planned = replace(planned, most=None) if self._unsaid else planned

    def at(self, place: int) -> Step | None:
        """The step at a place (from 0); None behind the last one."""
        while len(self._known) <= place:
            step = next(self._steps, None)
            if step is None:
                return None
            step = replace(step, index=len(self._known))  # what was dropped leaves no hole
            self._known.append(_if_worth(replace(step, of=None) if self._unsaid else step))
        return self._known[place]

    def after(self, place: int, *, run: bool) -> int | None:
        """The next place behind this one at which she runs, or does anything else."""
        place += 1
        while (step := self.at(place)) is not None:
            if (step.kind is Kind.RUN) is run:
                return place
            place += 1
        return None

    def leave(self, whole: Whole, place: int) -> None:
        """A whole is reached at this place: what is behind it comes next."""
        self._steps.leave(whole)
        behind = [step for step in self._known[place + 1 :] if all(w.number != whole.number for w in step.wholes)]
        self._known[place + 1 :] = [replace(step, index=at) for at, step in enumerate(behind, place + 1)]

    def missed(self, place: int) -> list[Step]:
        """What was asked for at the least from this place on, open wholes left out."""
        rest: list[Step] = []
        while (step := self.at(place)) is not None:
            if step.wholes:
                return rest
            if not step.optional:
                rest.append(step)
            place += 1
        return rest


def _planned(laid_out: Steps) -> Planned:
    """What is asked for; of an open whole only its first step is looked at."""
    listed: list[Step] = []
    wholes: dict[int, Whole] = {}
    for step in map(_if_worth, laid_out):
        if step.wholes:
            wholes.setdefault(step.wholes[0].number, step.wholes[0])
            laid_out.leave(step.wholes[0])
        else:
            listed.append(step)
    runs = [step for step in listed if step.kind is Kind.RUN]
    run = bool(runs or wholes)
    counted = [step for step in (runs if run else listed) if not step.optional]
    timed = [least_s(step) or 0.0 for step in counted if step.time_s is not None]
    measured = [least_m(step) or 0.0 for step in counted if step.time_s is None]
    return Planned(
        run=run,
        seconds=sum(timed),
        metres=sum(measured),
        timed=len(timed),
        measured=len(measured),
        wholes=tuple(wholes.values()),
        fewest=sum(not step.optional for step in runs),
        most=None if wholes else len(runs),
    )


def _if_worth(step: Step) -> Step:
    """A remainder so short that nobody sets out for it may be left."""
    short = step.time_s is None or step.time_s < REMAINDER_S
    short = short and (step.distance_m is None or step.distance_m < REMAINDER_M)
    return replace(step, optional=True) if step.cut and short else step


def _said(items: Iterable[Item], times: int) -> tuple[Item, ...]:
    """The items with once to so many times where the therapist has not said how often."""
    found: list[Item] = []
    for item in items:
        if isinstance(item, Segment):
            found.append(item)
        elif isinstance(item, Repeat) and item.low is None:
            found.append(Repeat(1, times, _said(item.items, times)))
        else:
            found.append(replace(item, items=_said(item.items, times)))
    return tuple(found)
