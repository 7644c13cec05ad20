"""The conditions of a run that its values depend on: shoe, surface, mount, which pod is on which foot."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sensord.model import Json, RunSetup
from sensord.plan.model import Plan, SessionsBaseline
from sensord.plan.stage_range import ran_in, stage_range

NAMED = ("shoe", "surface")
"""What must be alike besides mount and pods, where a plan does not narrow it (`by`)."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What was said about a run. None was not said; two runs of which nothing was said are taken to be alike.

    `pods`: foot to pod, by their values as in a summary. `injured`: the plan names an injured side.
    """

    shoe: str | None = None
    surface: str | None = None
    mount: str | None = None
    injured: bool = False
    pods: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_setup(cls, setup: RunSetup, plan: Plan | None) -> Conditions:
        """Those of the run that is about to be made; where the pods sit may stand in the setup or in the plan."""
        planned = plan.impact.mount if plan and plan.impact else None
        return cls(
            shoe=setup.shoe,
            surface=setup.surface,
            mount=setup.mount or planned,
            injured=bool(plan and plan.runner.injured_side),
            pods={pod.side.value: pod.pod for pod in setup.pods if pod.side is not None},
        )

    @classmethod
    def of_summary(cls, summary: Mapping[str, Json]) -> Conditions:
        """Those of an earlier run, from its `RunSummary` payload."""
        return cls(
            shoe=summary.get("shoe"),
            surface=summary.get("surface"),
            mount=summary.get("mount"),
            injured=bool(summary.get("injured")),
            pods=dict(summary.get("pods") or {}),
        )

    def unlike(self, other: Conditions, by: Collection[str] = NAMED) -> str | None:
        """The first of shoe and surface (of those in `by`), mount and pods in which the two differ; None when they may
        be compared.

        Pods on the other feet are not a difference here, other pods are.
        """
        for name in (*(name for name in NAMED if name in by), "mount"):
            if getattr(self, name) != getattr(other, name):
                return name
        if self.pods and other.pods and set(self.pods.values()) != set(other.pods.values()):
            return "pods"
        return None

    @property
    def placement(self) -> int:
        """+1 or -1 for the two ways in which two pods can be on two feet; 0 when that is not known."""
        left, right = self.pods.get("left"), self.pods.get("right")
        if left is None or right is None or left == right:
            return 0
        return 1 if left < right else -1


class Counted:
    """Which earlier runs count for a baseline of runs, as its block in the plan says."""

    def __init__(self, now: Conditions, plan: Plan | None, given: object) -> None:
        """`given`: the `baseline` of a block; only one of her last runs (`SessionsBaseline`) narrows anything."""
        baseline = given if isinstance(given, SessionsBaseline) else None
        self._now, self._plan = now, plan.id if plan else ""
        self._by = NAMED if baseline is None or baseline.by is None else tuple(baseline.by)
        self._stages: tuple[str, ...] | None = None
        if baseline is not None and baseline.stage is not None:
            ladder = [stage.id for stage in plan.stage] if plan else []
            self._stages = stage_range(baseline.stage, ladder) or ()

    def unlike(self, conditions: Conditions, run: Mapping[str, Json]) -> str | None:
        """In what a run differs that must be alike; None: it counts."""
        if unlike := conditions.unlike(self._now, self._by):
            return unlike
        return "stage" if self._stages is not None and not ran_in(run, self._plan, self._stages) else None
