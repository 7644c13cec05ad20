"""The workout language: what one session asks for, `do = "10x(walk 0.1mi, run 0.1mi)"`.

    workout := item {"," item}
    item    := [count "x"] "(" workout ")" | ("until" | "for") amount "(" workout ")"
             | ("walk" | "run" | "rest") amount {"@" mod}
    count   := 3 | 3-6 | ?                        ? = the therapist fills it in
    amount  := 5min | 90s | 0.1mi | 400m | 8-10min | 8-10min|1mi          a range; alternatives: whichever comes first
    mod     := easy | hard | modhard | warmup | rpe3 | talk1-2 | 6mph | 8:30/mi | 50%usual | 60%hr | bw55-60

`until` and `for` repeat what they hold and cut it where their own amount is reached. Where only the run can tell when
that is (`until 2mi (walk 2min, run 4min)`), steps go on and carry the `Whole` that ends them; nothing is converted by a
pace.
"""

from __future__ import annotations

from sensord.plan.workout_shape import (
    Amount,
    Item,
    Kind,
    Measure,
    Quantity,
    Repeat,
    Segment,
    Step,
    Total,
    Until,
    Whole,
    Workout,
    WorkoutError,
)
from sensord.plan.workout_steps import MAX_STEPS, Steps, steps, total
from sensord.plan.workout_text import MAX_CHARACTERS, MAX_DEPTH, parse_workout, render
from sensord.plan.workout_words import amount_words, words

__all__ = [
    "MAX_CHARACTERS",
    "MAX_DEPTH",
    "MAX_STEPS",
    "Amount",
    "Item",
    "Kind",
    "Measure",
    "Quantity",
    "Repeat",
    "Segment",
    "Step",
    "Steps",
    "Total",
    "Until",
    "Whole",
    "Workout",
    "WorkoutError",
    "amount_words",
    "parse_workout",
    "render",
    "steps",
    "total",
    "words",
]
