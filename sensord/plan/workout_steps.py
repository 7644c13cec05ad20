"""A workout laid out step by step, and what it adds up to.

An `until` whose pieces are all measured in its own quantity is laid out to the end and cut there (rest covers no
distance, so `until 2mi (run 400m, rest 1min)` is one of these). Any other is open: `until 2mi (walk 2min, run 4min)`
holds as many pieces as she needs for 2 miles. Its steps go on and on, each with the `Whole` that ends them; whoever
follows the run calls `Steps.leave` when it is reached and gets what comes behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, fsum, inf

from sensord.plan.workout_shape import (
    Amount,
    Item,
    Kind,
    Quantity,
    Repeat,
    Segment,
    Step,
    Total,
    Until,
    Whole,
    Workout,
)

MAX_STEPS = 1000
"""Of one workout once laid out (design choice: two hours of 8 s pieces)."""

SLOWEST_M_S, FASTEST_M_S = 0.5, 10.0
"""Between which anyone is who walks or runs (design choice). Only used to refuse an open `until` that would take more
than MAX_STEPS; no total is ever converted by a pace."""

_SAME = 1e-6
"""s or m. Sums of tenths of a mile are not exact; nobody runs a micrometre."""


def steps(workout: Workout, *, repeats: int | None = None, most: bool = True) -> Steps:
    """The segments in the order in which they are done, laid out one by one: the most repetitions and high ends of
    ranges, or the fewest and low ends. `?x` is done `repeats` times, once when that is None. Raises ValueError when
    that is more than MAX_STEPS or `repeats` is no count."""
    return Steps(workout, repeats=repeats, most=most)


def total(workout: Workout, *, repeats: int | None = None, most: bool = False) -> Total:
    """What it adds up to: the fewest repetitions and low ends of ranges, or with `most` the other ends. `?x` counts
    `repeats` times, once when that is None; of alternatives the first counts; `until` counts its own amount."""
    _checked(workout, repeats, most=most)
    sums = _Sums()
    _add(workout.items, sums, 1, (repeats, most))
    return sums.total()


class Steps(Iterator[Step]):
    """The steps of a workout, one by one. An open `until` goes on until it is left, at most MAX_STEPS in all."""

    def __init__(self, workout: Workout, *, repeats: int | None = None, most: bool = True) -> None:
        _checked(workout, repeats, most=most)
        self._of = None if _any_open(workout.items, repeats) else _runs(workout, repeats, most=most)
        self._layout = _Layout(repeats, most=most)
        self._parts = self._layout.items(workout.items, ())
        self._runs = 0

    def __next__(self) -> Step:
        if self._layout.done == MAX_STEPS:
            raise StopIteration
        part = next(self._parts)
        segment = part.segment
        run = segment.kind is Kind.RUN
        self._runs += run
        self._layout.done += 1
        return Step(
            index=self._layout.done - 1,
            kind=segment.kind,
            time_s=part.asked.get(Quantity.TIME),
            distance_m=part.asked.get(Quantity.DISTANCE),
            repetition=self._runs if run else None,
            of=self._of if run else None,
            mods=segment.mods,
            cut=part.cut,
            optional=part.optional,
            least_time_s=part.least.get(Quantity.TIME),
            least_distance_m=part.least.get(Quantity.DISTANCE),
            wholes=part.wholes,
        )

    def leave(self, whole: Whole) -> None:
        """It is reached: the next step is the first one behind it."""
        self._layout.left.add(whole.number)


@dataclass(frozen=True, slots=True)
class _Part:
    """A step in the making; s or m by quantity."""

    segment: Segment
    asked: dict[Quantity, float]
    least: dict[Quantity, float]
    wholes: tuple[Whole, ...]
    optional: bool
    cut: bool = False

    def within(self, quantity: Quantity, left: float, least_left: float) -> _Part:
        """What of it belongs to a whole that lacks `left`, and at the low end of its range `least_left`."""
        optional = self.optional or least_left <= _SAME
        if quantity not in self.asked:  # a rest within a distance
            return replace(self, optional=optional)
        cut = self.asked[quantity] > left + _SAME
        asked = left if cut else self.asked[quantity]
        least = min(self.least[quantity], asked if optional else min(asked, least_left))
        return replace(self, asked={quantity: asked}, least={quantity: least}, optional=optional, cut=self.cut or cut)


class _Layout:
    """How far the laying out has come."""

    def __init__(self, repeats: int | None, *, most: bool) -> None:
        self._repeats, self._most = repeats, most
        self._wholes = 0
        self.done = 0
        self.left: set[int] = set()

    def items(self, items: Iterable[Item], wholes: tuple[Whole, ...], *, optional: bool = False) -> Iterator[_Part]:
        for item in items:
            if isinstance(item, Segment):
                yield self._part(item, wholes, optional=optional)
            elif isinstance(item, Repeat):
                yield from self._repeat(item, wholes, optional=optional)
            else:
                yield from self._until(item, wholes, optional=optional)
            if self._over(wholes):
                return

    def _part(self, segment: Segment, wholes: tuple[Whole, ...], *, optional: bool) -> _Part:
        measures = segment.amount.alternatives
        asked = {measure.quantity: measure.end(most=self._most) for measure in measures}
        least = {measure.quantity: measure.low for measure in measures}
        return _Part(segment, asked, least, wholes, optional)

    def _repeat(self, item: Repeat, wholes: tuple[Whole, ...], *, optional: bool) -> Iterator[_Part]:
        fewest = item.low or 1
        for turn in range(_count(item, self._repeats, most=self._most)):
            beyond = item.low is not None and turn >= fewest
            yield from self.items(item.items, wholes, optional=optional or beyond)
            if self._over(wholes):
                return

    def _until(self, item: Until, wholes: tuple[Whole, ...], *, optional: bool) -> Iterator[_Part]:
        counted = _counted(item)
        if _open(item):
            self._wholes += 1
            wholes = (*wholes, Whole(self._wholes, item.amount, self.done))
        measure = None if counted is None else item.amount.of(counted)
        left, least_left = (inf, inf) if measure is None else (measure.end(most=self._most), measure.low)
        while not self._over(wholes):
            for full in self.items(item.items, wholes, optional=optional):
                part = full if counted is None else full.within(counted, left, least_left)
                yield part
                spent = 0.0 if counted is None else part.asked.get(counted, 0.0)
                left, least_left = left - spent, least_left - spent
                if left <= _SAME:
                    return

    def _over(self, wholes: tuple[Whole, ...]) -> bool:
        return any(whole.number in self.left for whole in wholes)


class _Sums:
    """Totals in the making."""

    def __init__(self) -> None:
        self.all: dict[Quantity, list[float]] = {quantity: [] for quantity in Quantity}
        self.of: dict[tuple[Kind, Quantity], list[float]] = {(k, q): [] for k in Kind for q in Quantity}
        self.runs = 0
        self.open = False

    def add(self, kind: Kind, quantity: Quantity, value: float, times: int) -> None:
        self.all[quantity].append(value * times)
        self.of[kind, quantity].append(value * times)
        self.runs += times if kind is Kind.RUN else 0

    def total(self) -> Total:
        return Total(
            fsum(self.all[Quantity.TIME]),
            fsum(self.all[Quantity.DISTANCE]),
            fsum(self.of[Kind.RUN, Quantity.TIME]),
            fsum(self.of[Kind.RUN, Quantity.DISTANCE]),
            fsum(self.of[Kind.WALK, Quantity.TIME]),
            fsum(self.of[Kind.WALK, Quantity.DISTANCE]),
            self.runs,
            self.open,
        )


def _add(items: Iterable[Item], sums: _Sums, times: int, how: tuple[int | None, bool]) -> None:
    repeats, most = how
    for item in items:
        if isinstance(item, Repeat):
            _add(item.items, sums, times * _count(item, repeats, most=most), how)
            continue
        first = item.amount.alternatives[0]
        if isinstance(item, Segment):
            sums.add(item.kind, first.quantity, first.end(most=most), times)
        elif first.quantity is _counted(item):
            alone = Until(Amount((first,)), item.items, item.word)
            for part in _Layout(repeats, most=most).items((alone,), ()):
                for quantity, value in part.asked.items():
                    sums.add(part.segment.kind, quantity, value, times)
        else:
            sums.all[first.quantity].append(first.end(most=most) * times)
            sums.open = True


def _count(item: Repeat, repeats: int | None, *, most: bool) -> int:
    count = item.high if most else item.low
    return count if count is not None else repeats or 1


@lru_cache(maxsize=1024)
def _counted(item: Until) -> Quantity | None:
    """The one of its amounts that its pieces add up to whoever runs them; None when there is none."""
    cycle = size(item.items)
    quantities = [measure.quantity for measure in item.amount.alternatives if cycle.of(measure.quantity) > 0]
    return next((quantity for quantity in quantities if _adds_up(item.items, quantity)), None)


def _open(item: Until) -> bool:
    """Whether only the run can tell when it ends: nothing it can be counted in, or something else may end it first."""
    return _counted(item) is None or len(item.amount.alternatives) > 1


def _adds_up(items: Iterable[Item], quantity: Quantity) -> bool:
    """Whether it is known beforehand how much of the quantity each piece is."""
    for item in items:
        if isinstance(item, Segment):
            rests = item.kind is Kind.REST and quantity is Quantity.DISTANCE
            if not rests and [measure.quantity for measure in item.amount.alternatives] != [quantity]:
                return False
        elif (isinstance(item, Until) and _open(item)) or not _adds_up(item.items, quantity):
            return False
    return True


def _any_open(items: Iterable[Item], repeats: int | None) -> bool:
    """Whether nobody can say beforehand how many runs there are."""
    for item in items:
        if isinstance(item, Segment):
            continue
        unsaid = _open(item) if isinstance(item, Until) else item.low is None and repeats is None
        if unsaid or _any_open(item.items, repeats):
            return True
    return False


def _runs(workout: Workout, repeats: int | None, *, most: bool) -> int:
    parts = _Layout(repeats, most=most).items(workout.items, ())
    return sum(part.segment.kind is Kind.RUN for part in parts)


@dataclass(frozen=True, slots=True)
class Size:
    """How many steps items lay out, and how far they come at the least: s however fast, m however slow she is."""

    steps: int
    time_s: float
    distance_m: float

    def of(self, quantity: Quantity) -> float:
        """s or m."""
        return self.time_s if quantity is Quantity.TIME else self.distance_m


def size(items: Iterable[Item], *, repeats: int | None = None, most: bool = True) -> Size:
    """The most steps that items can lay out."""
    sizes = [_size(item, repeats, most=most) for item in items]
    return Size(sum(s.steps for s in sizes), fsum(s.time_s for s in sizes), fsum(s.distance_m for s in sizes))


def reaches(item: Until) -> bool:
    """Whether what it holds can ever come to its amount: resting covers no distance."""
    cycle = size(item.items)
    return any(cycle.of(measure.quantity) > 0 for measure in item.amount.alternatives)


def _size(item: Item, repeats: int | None, *, most: bool) -> Size:
    if isinstance(item, Segment):
        return Size(1, *_at_least(item.amount, most=most, rest=item.kind is Kind.REST))
    cycle = size(item.items, repeats=repeats, most=most)
    if isinstance(item, Repeat):
        count = _count(item, repeats, most=most)
        return Size(cycle.steps * count, cycle.time_s * count, cycle.distance_m * count)
    counted = _counted(item)  # if there is one, the steps are laid out as far as that
    measures = [measure for measure in item.amount.alternatives if counted in {None, measure.quantity}]
    ends = [(measure.end(most=most), cycle.of(measure.quantity)) for measure in measures]
    cycles = min(end / each for end, each in ends if each > 0)
    time_s, distance_m = _at_least(item.amount, most=most)
    # a last cycle that only the rounding of sums asks for is none; what only rests covers no distance for any time
    return Size(cycle.steps * max(1, ceil(cycles - _SAME)), time_s, min(distance_m, cycles * cycle.distance_m))


def _at_least(amount: Amount, *, most: bool, rest: bool = False) -> tuple[float, float]:
    """s and m in which it may be over: with alternatives, by whichever comes first."""
    ends = [(measure.quantity, measure.end(most=most)) for measure in amount.alternatives]
    time_s = min(end if quantity is Quantity.TIME else end / FASTEST_M_S for quantity, end in ends)
    distance_m = min(end if quantity is Quantity.DISTANCE else end * SLOWEST_M_S for quantity, end in ends)
    return time_s, 0.0 if rest else distance_m


def _checked(workout: Workout, repeats: int | None, *, most: bool) -> None:
    if repeats is not None and repeats < 1:
        raise ValueError(f"repeats: found {repeats}, expected 1 or more")
    count = size(workout.items, repeats=repeats, most=most).steps
    if count > MAX_STEPS:
        raise ValueError(f"found {count} steps, expected at most {MAX_STEPS}")
