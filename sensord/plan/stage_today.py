"""What the stage of today means for limits: whether they count yet, and what the stage prescribes."""

from __future__ import annotations

from sensord.plan.model import Plan
from sensord.plan.standing import Day
from sensord.plan.workout import Total, WorkoutError, parse_workout, total

NOT_KNOWN = "stage not known"


class StageToday:
    """The stage as it was when the run began (`RunSetup.day`); a plan without a ladder has none."""

    def __init__(self, plan: Plan, day: Day | None) -> None:
        self._day = day
        self._ladder = (day.stages if day else ()) or tuple(stage.id for stage in plan.stage)

    def not_from(self, from_stage: str | None) -> str | None:
        """Why a limit that counts from a stage on does not count; None: it does."""
        if from_stage is None:
            return None
        if self._day is None or self._day.stage not in self._ladder:
            return NOT_KNOWN
        if from_stage not in self._ladder:
            return f"no stage {from_stage} in the plan"
        before = self._ladder.index(self._day.stage) < self._ladder.index(from_stage)
        return f"counts from stage {from_stage} on" if before else None

    def no_ratio(self, from_stage: str | None) -> str | None:
        """The same for limits in percent of what she ran before: those mean nothing while she walks and runs in turn,
        when each stage rightly adds 25 % and more."""
        if from_stage is not None or not self._ladder:
            return self.not_from(from_stage)
        if self._day is None or self._day.stage is None:
            return NOT_KNOWN
        if self._day.workout is None:
            return None
        asked = self.prescribed()
        if isinstance(asked, str):
            return asked
        return "counts from continuous running on" if asked.runs > 1 else None

    def prescribed(self) -> Total | str:
        """What the workout of today comes to, with the most repetitions; or why that is not known."""
        if self._day is None or self._day.stage is None:
            return NOT_KNOWN
        text = self._day.workout
        if text is None:
            return f"stage {self._day.stage} has no workout"
        if "?" in text and self._day.repeats is None:
            return "nobody said how often to repeat"
        try:
            return total(parse_workout(text), repeats=self._day.repeats, most=True)
        except WorkoutError as error:
            return f"workout not understood: {error}"
