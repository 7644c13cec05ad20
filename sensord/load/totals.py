"""What a run has come to: steps, distance, time running and walking, each moment counted once.

A stride of one foot is two steps (its own and the other foot's), so a single pod is enough; when both feet saw a moment
it counts for the stride that was completed first. Distance v0 is steps times the configured step length of the
activity: it is not calibrated and says so wherever it is shown.

A stride whose next contact was lost adds nothing, and neither do moments in which both pods were lost: they are not
guessed from the pace before. The distance of a run with such gaps is therefore too short, never too long.
"""

from __future__ import annotations

from sensord.load.cover import Cover
from sensord.model import NS, Activity, RunTotals, StepLengths, Stride


class Totals:
    """Sums over the union of both feet's strides in run time."""

    def __init__(self, step_lengths: StepLengths) -> None:
        self._step_m = {Activity.WALK: step_lengths.walk_m, Activity.RUN: step_lengths.run_m}
        self._cover = Cover()
        self._steps = {Activity.WALK: 0.0, Activity.RUN: 0.0}
        self._time_ns = {Activity.WALK: 0, Activity.RUN: 0}

    def add(self, stride: Stride) -> None:
        """Count what this stride adds; one without run times or without an end adds nothing."""
        begin_ns, end_ns = stride.ic_run_ns, stride.next_ic_run_ns
        if begin_ns is None or end_ns is None or end_ns <= begin_ns:
            return
        new_ns = self._cover.add(begin_ns, end_ns)
        self._time_ns[stride.activity] += new_ns
        self._steps[stride.activity] += 2.0 * new_ns / (end_ns - begin_ns)

    @property
    def now(self) -> RunTotals:
        """The totals so far, in m and s; steps to the nearest whole one."""
        metres = {activity: steps * self._step_m[activity] for activity, steps in self._steps.items()}
        return RunTotals(
            steps=round(sum(self._steps.values())),
            distance_m=sum(metres.values()),
            run_distance_m=metres[Activity.RUN],
            run_time_s=self._time_ns[Activity.RUN] / NS,
            walk_time_s=self._time_ns[Activity.WALK] / NS,
        )
