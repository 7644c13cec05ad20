"""The workout language: what one session asks for, `do = "10x(walk 0.1mi, run 0.1mi)"`.

    workout := item {"," item}
    item    := [count "x"] "(" workout ")" | ("until" | "for") amount "(" workout ")" | ("walk" | "run" | "rest") amount {"@" mod}
    count   := 3 | 3-6 | ?                        ? = the therapist fills it in
    amount  := 5min | 90s | 0.1mi | 400m | 8-10min | 8-10min|1mi          a range; alternatives: whichever comes first

`until` and `for` repeat what they hold and cut it where their own amount is reached.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    """A time (s) or a distance (m); `high` is above `low` for a range, equal to it otherwise. `unit` as it was written."""

    quantity: Quantity
    low: float
    high: float
    unit: str


@dataclass(frozen=True, slots=True)
class Amount:
    """One measure, or alternatives of which the first counts for totals and any ends a segment."""

    alternatives: tuple[Measure, ...]


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
class Step:
    """One segment of a workout laid out in order. `repetition` counts runs from 1; `of` is how many there are in all, None
    when the workout leaves it open. Of `time_s` and `distance_m` at least one is there; with both, the first reached ends
    it. `cut`: shortened because the whole was reached. `optional`: beyond the fewest repetitions of a range."""

    index: int
    kind: Kind
    time_s: float | None
    distance_m: float | None
    repetition: int | None
    of: int | None
    mods: tuple[str, ...] = ()
    cut: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Total:
    """What a workout adds up to: seconds, metres, or both where it mixes them. `run_*` and `walk_*` are parts of it."""

    time_s: float
    distance_m: float
    run_time_s: float
    run_distance_m: float
    walk_time_s: float
    walk_distance_m: float
    runs: int


def parse_workout(text: str) -> Workout:
    """The workout that a text says. Raises WorkoutError with the place (from 1), what was found and what is allowed."""
    raise NotImplementedError(text)


def render(workout: Workout) -> str:
    """The text of a workout, in the one way we write it: parse_workout(render(w)) == w."""
    raise NotImplementedError(workout)


def total(workout: Workout, *, repeats: int | None = None, most: bool = False) -> Total:
    """What it adds up to: the fewest repetitions and low ends of ranges, or with `most` the other ends. `?x` counts
    `repeats` times, once when that is None; of alternatives the first counts."""
    raise NotImplementedError(workout)


def steps(workout: Workout, *, repeats: int | None = None, most: bool = True) -> Iterator[Step]:
    """The segments in the order in which they are done, laid out one by one."""
    raise NotImplementedError(workout)


class WorkoutError(ValueError):
    """A text that is no workout."""

    def __init__(self, at: int, found: str, expected: str) -> None:
        self.at, self.found, self.expected = at, found, expected
        super().__init__(f"at character {at}: found {found}, expected {expected}")
