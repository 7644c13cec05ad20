"""What the latest running strides of each foot say in detail: how it lands, its estimated force, its load so far.

For a table that is looked at standing still. Pure, and bounded whatever arrives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from sensord.model import Activity, Event, Json, Side
from sensord.plan.rule import MIN_CONFIDENCE

LATEST = 40
"""Design choice: strides behind the table, about half a minute: a share of strides needs some, and follows a change."""

STRIKES = ("rearfoot", "midfoot", "forefoot")


@dataclass(frozen=True, slots=True)
class _Landing:
    """One running stride: strike angle and type (None: no type is likelier than all others), estimated peak force."""

    angle_deg: float | None
    strike: str | None
    force_bw: float | None


class FeetDetail:
    """Folds strides and loads; `picture` is the table."""

    def __init__(self) -> None:
        self._latest: dict[Side, deque[_Landing]] = {side: deque(maxlen=LATEST) for side in Side}
        self._load: dict[Side, Mapping[str, Json]] = {}

    def stride(self, event: Event) -> None:
        """A stride; walking and unsure ones are passed over."""
        stride = event.payload
        if stride["activity"] != Activity.RUN or stride["confidence"] < MIN_CONFIDENCE:
            return
        landing = _Landing(stride["strike_angle_deg"], stride["strike_type"], stride["force_peak_bw"])
        self._latest[Side(stride["foot"])].append(landing)

    def load(self, event: Event) -> None:
        """What a foot has taken so far."""
        self._load[Side(event.payload["foot"])] = event.payload

    def picture(self) -> dict[str, Json]:
        """By foot: shares of how it landed, mean angle in degrees, mean peak force in body weights, load so far."""
        return {side.value: self._foot(side) for side in Side}

    def _foot(self, side: Side) -> dict[str, Json]:
        latest = self._latest[side]
        angles = [one.angle_deg for one in latest if one.angle_deg is not None]
        forces = [one.force_bw for one in latest if one.force_bw is not None]
        strikes = [one.strike for one in latest if one.angle_deg is not None]
        return {
            "n": len(latest),
            "strike_n": len(angles),
            "strike_angle_deg": _mean(angles),
            "strikes": {name: strikes.count(name) / len(strikes) for name in STRIKES} if strikes else None,
            "force_n": len(forces),
            "force_peak_bw": _mean(forces),
            "load": self._load.get(side),
        }


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
