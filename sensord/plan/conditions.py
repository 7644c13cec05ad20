"""The conditions of a run that its values depend on: shoe, surface, mount, which pod is on which foot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sensord.model import Json, RunSetup
from sensord.plan.model import Plan


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

    def unlike(self, other: Conditions) -> str | None:
        """The first of shoe, surface, mount and pods in which the two differ; None when they may be compared.

        Pods on the other feet are not a difference here, other pods are.
        """
        for name in ("shoe", "surface", "mount"):
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
