"""The shapes of a workout: what was written, the steps it lays out, what it adds up to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a segment is spent with."""

    WALK = "walk"
    RUN = "run"
    REST = "rest"


class Quantity(StrEnum):
    """What an amount is measured in."""

    TIME = "time"
    DISTANCE = "distance"


@dataclass(frozen=True, slots=True)
class Measure:
    """A time (s) or a distance (m); `high` is above `low` for a range, else equal to it. `unit` as it was written."""

    quantity: Quantity
    low: float
    high: float
    unit: str

    def end(self, *, most: bool) -> float:
        """One end of the range, in s or m."""
        return self.high if most else self.low


@dataclass(frozen=True, slots=True)
class Amount:
    """One measure, or a time and a distance, of which the first counts for totals and either ends a segment."""

    alternatives: tuple[Measure, ...]

    def of(self, quantity: Quantity) -> Measure | None:
        """The measure of that quantity, when there is one."""
        return next((measure for measure in self.alternatives if measure.quantity is quantity), None)


@dataclass(frozen=True, slots=True)
class Segment:
    """Walk, run or rest for an amount; `mods` are the words behind "@", as written."""

    kind: Kind
    amount: Amount
    mods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Repeat:
    """Items, `low` to `high` times; both None: the therapist has not said how often."""

    low: int | None
    high: int | None
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Until:
    """Items again and again until their sum is the amount; the last one is cut. `word`: until or for, as written."""

    amount: Amount
    items: tuple[Item, ...]
    word: str = "until"


Item = Segment | Repeat | Until


@dataclass(frozen=True, slots=True)
class Workout:
    """A session as it was written."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """An `until` or `for` whose end only the run itself can tell, as in `until 2mi (walk 2min, run 4min)`: how many
    pieces fit into 2 miles depends on how fast she is. It is reached when what was covered since the beginning of step
    `first` is the amount. `number` tells two equal ones apart."""

    number: int
    amount: Amount
    first: int


@dataclass(frozen=True, slots=True)
class Step:
    """One segment of a workout laid out in order; `index` counts from 0.

    `repetition` counts runs from 1 (None: not a run); `of` is how many there are in all, None when the workout leaves
    it open. Of `time_s` and `distance_m` at least one is there; with both, the first reached ends it. `least_*` is the
    low end of a range, equal to the other where there is none. `cut`: shortened because the whole was reached.
    `optional`: beyond the fewest repetitions of a range. `wholes`: what else ends it, and all that follows within, the
    outer first; `Steps.leave` then goes on behind it."""

    index: int
    kind: Kind
    time_s: float | None
    distance_m: float | None
    repetition: int | None
    of: int | None
    mods: tuple[str, ...] = ()
    cut: bool = False
    optional: bool = False
    least_time_s: float | None = None
    least_distance_m: float | None = None
    wholes: tuple[Whole, ...] = ()


@dataclass(frozen=True, slots=True)
class Total:
    """What a workout adds up to: seconds, metres, or both where it mixes them, for no pace is assumed. `run_*` and
    `walk_*` are parts of it (rest is neither). `open`: it holds an `until` whose pieces nobody can count beforehand;
    its own amount is in the total, its pieces are not in `run_*`, `walk_*` and `runs`, which are then lower bounds."""

    time_s: float
    distance_m: float
    run_time_s: float
    run_distance_m: float
    walk_time_s: float
    walk_distance_m: float
    runs: int
    open: bool = False


class WorkoutError(ValueError):
    """A text that is no workout. `at`: the character, counted from 1."""

    def __init__(self, at: int, found: str, expected: str) -> None:
        self.at, self.found, self.expected = at, found, expected
        super().__init__(f"at character {at}: found {found}, expected {expected}")
