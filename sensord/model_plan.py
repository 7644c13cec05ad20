"""What is told of a planned workout while a run goes on: where she is, what each segment came to, and the whole.

Times are seconds, distances metres; None: not asked for, or not measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class WorkoutState:
    """Where she is in her workout; on change and every 10 s.

    `left_*` is what the planned segment still lacks, `over_*` by how much it was passed, 0 when it was not. `doing` is
    what she does, `kind` what is planned: they differ when she is early or late.
    """

    KIND: ClassVar[str] = "workout"

    position: int | None  # the planned segment, from 0; None: the workout is done
    kind: str  # walk | run | rest | done
    doing: str  # run | walk (standing too) | unseen (no pod linked: time goes on as planned)
    repetition: int | None  # runs, from 1; in a walk the run that comes next
    of: int | None  # None: the workout leaves it open
    left_s: float | None
    left_m: float | None
    left_sd_m: float | None  # how far off left_m may be
    over_s: float | None
    over_m: float | None
    next_kind: str | None
    next_s: float | None
    next_m: float | None
    may_end: bool  # the fewest repetitions are done
    done_pct: float
    reps_done: int
    estimated: bool  # part of this segment was not seen
    mods: tuple[str, ...]  # as the plan says it: "easy", "rpe3"
    cue: str | None  # at most three words, said once
    text: str


@dataclass(frozen=True, slots=True)
class SegmentDone:
    """A planned segment is over, or one that nobody asked for (`extra`).

    `quality`: done; short (less than 90 %); over; merged (run on without the walk before it); skipped (a walk that was
    run through); cut (the whole was reached); extra; missed (never begun, in `WorkoutDone` only). Of a run `done_s` is
    time running, without stops; of a walk it is the time until she ran.
    """

    KIND: ClassVar[str] = "interval"

    position: int | None
    kind: str
    repetition: int | None
    of: int | None
    optional: bool
    planned_s: float | None
    planned_m: float | None
    least_s: float | None  # the low end of a range
    least_m: float | None
    done_s: float
    done_m: float
    done_sd_m: float
    begin_run_ns: int | None
    end_run_ns: int | None
    quality: str
    estimated_pct: float  # share of the time that no pod saw


@dataclass(frozen=True, slots=True)
class WorkoutDone:
    """Planned against done, when the run has ended. See `plan.matching` for `done_pct` and what a repetition is."""

    KIND: ClassVar[str] = "workout_done"

    done_pct: float
    reps_done: int
    reps_fewest: int
    reps_most: int | None  # None: open
    success_reps: int | None
    success: bool | None  # reps_done >= success_reps; None: the plan does not count repetitions
    short: int  # runs
    merged: int
    missed: int
    extra: int
    run_planned_s: float  # the fewest repetitions and low ends; an open whole is in neither
    run_planned_m: float
    run_done_s: float
    run_done_m: float
    over_s: float  # running beyond what was asked for, within segments and extra
    estimated_pct: float
    completed: bool  # the last segment was reached
    intervals: tuple[SegmentDone, ...]
