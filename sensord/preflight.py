"""Before the first stride: is everything there for the run that is planned?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sensord import host
from sensord.model import PodSetup, Side
from sensord.plan.model import Plan

BATTERY_LOW_PCT = 20
"""Design choice: below this a pod's battery is named before the run (no pod states minutes left)."""

DISK_LOW_H = 4.0
"""Design choice: fewer hours of free space than this are named."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: fine or not, and what a person can do about it."""

    name: str
    fine: bool
    text: str


def preflight(
    *,
    runner: str,
    plan: Plan | None,
    pods: Sequence[PodSetup],
    linked: Mapping[str, int | None],
    data_dir: Path,
    clock_trusted: bool,
) -> list[Check]:
    """Everything a run wants; `linked` holds the linked pods with their battery in percent, None while unknown."""
    sides = {pod.side for pod in pods if pod.pod in linked and pod.side is not None}
    missing = [side.value for side in Side if side not in sides]
    low = [f"{pod.side or pod.driver} {linked[pod.pod]} %" for pod in pods if _is_low(linked.get(pod.pod))]
    hours = host.disk(data_dir).hours
    return [
        Check("runner", True, f"runner {runner}"),
        Check(
            "plan",
            plan is not None,
            f"plan {plan.id}" if plan else "no plan: everything is measured, no limit is checked",
        ),
        Check(
            "pods",
            not missing,
            _linked_words(missing, sensor=any(pod.side is None and pod.pod in linked for pod in pods)),
        ),
        Check("battery", not low, "batteries are fine" if not low else f"battery low: {', '.join(low)}"),
        Check("disk", hours >= DISK_LOW_H, _room(hours)),
        Check(
            "clock",
            clock_trusted,
            "the clock can be trusted"
            if clock_trusted
            else "the clock cannot be trusted (no hardware clock, not synchronised): nothing goes to InfluxDB",
        ),
    ]


def _linked_words(missing: Sequence[str], *, sensor: bool) -> str:
    if not missing:
        return "both pods are linked"
    alone = "; a sensor is linked: mileage and cadence only" if sensor and len(missing) == len(Side) else ""
    return f"no pod on the {' and the '.join(missing)} foot{alone}"


def _is_low(percent: int | None) -> bool:
    return percent is not None and percent < BATTERY_LOW_PCT


def _room(hours: float) -> str:
    return "room for more than 100 hours of running" if hours > 100 else f"room for {hours:.0f} hours of running"
