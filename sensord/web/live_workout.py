"""Where she is in her workout, as the live page shows it: from the events of the progress, and the plan of the run."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from sensord.model import NS, Event, Json, RunSetup
from sensord.model_plan import SegmentDone, WorkoutDone, WorkoutState
from sensord.plan.ladder_view import blocks_of
from sensord.plan.workout import WorkoutError, parse_workout, words

KINDS = (WorkoutState.KIND, SegmentDone.KIND, WorkoutDone.KIND)

KEEP_DONE = 60
"""Design choice: the segments that are over; published workouts have at most as many."""

SHOWN = ("position", "kind", "repetition", "planned_s", "planned_m", "done_s", "done_m", "done_sd_m", "quality")


class WorkoutView:
    """One run's workout; `picture` is None when there is none to follow."""

    def __init__(self, setup: RunSetup | None) -> None:
        self._words: str | None = None
        self._blocks: list[Json] = []
        self._now: Mapping[str, Json] | None = None
        self._t_s = 0.0
        self._cue: Json = None
        self._done: deque[Json] = deque(maxlen=KEEP_DONE)
        self._result: Json = None
        day = setup.day if setup is not None else None
        if day and day.get("workout"):
            self._plan(str(day["workout"]), day.get("repeats"))

    def _plan(self, text: str, repeats: int | None) -> None:
        try:
            workout = parse_workout(text)
        except WorkoutError:  # written by another version: what the events say is shown all the same
            return
        self._words = words(workout)
        self._blocks = [[kind.value, length_s] for kind, length_s in blocks_of(workout, repeats)]

    def take(self, event: Event) -> None:
        """One of `KINDS`."""
        told = event.payload
        if event.kind == WorkoutState.KIND:
            self._now, self._t_s = told, event.t_ns / NS
            if told["cue"] is not None:
                self._cue = {"text": told["cue"], "kind": told["kind"], "t_s": self._t_s}
        elif event.kind == SegmentDone.KIND:
            self._done.append({name: told[name] for name in SHOWN})
        else:
            self._result = {name: value for name, value in told.items() if name != "intervals"}

    def picture(self) -> Json:
        """`now` is the last `WorkoutState`, told at `t_s`; `blocks`: kind and length of each planned segment."""
        if self._words is None and self._now is None:
            return None
        return {
            "words": self._words,
            "blocks": self._blocks,
            "now": self._now,
            "t_s": self._t_s,
            "cue": self._cue,
            "done": list(self._done),
            "result": self._result,
        }
