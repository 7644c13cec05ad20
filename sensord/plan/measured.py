"""What a run measured of the fields that a plan's conditions may name, for rules that look at a run once it is over.

Impact, asymmetry and contact time are those of the last running strides, which is what the limits look at; what is not
measured is not there.
"""

from __future__ import annotations

from collections.abc import Mapping

from sensord.model import Alert, Asymmetry, LimitState, LimitStatus, RunSummary, Side
from sensord.plan.model import Plan

ASYMMETRY = {"contact_time": "asym.contact_time", "impact_peak": "asym.impact"}
"""Metrics of asymmetry by the field that tells their change from baseline, signed injured - other."""

LIMITS = {"limit.downhill": "downhill_m"}
"""Rules whose value is a field."""


class Measured:
    """Collects what one run says; `fields` at its end."""

    def __init__(self, plan: Plan | None) -> None:
        self._plan = plan
        self._found: dict[str, float] = {}

    def take(self, said: LimitState | Alert | Asymmetry) -> None:
        """The newest counts."""
        match said:
            case Asymmetry():
                self._asymmetry(said)
            case LimitState(value=float(value)) if said.status is not LimitStatus.NOT_CHECKED:
                if said.rule in LIMITS:
                    self._found[LIMITS[said.rule]] = value
                elif said.rule == "contact_time":
                    self._found["contact_time.pct"] = 100.0 + value
            case _:
                pass

    def _asymmetry(self, said: Asymmetry) -> None:
        field = ASYMMETRY.get(said.metric)
        if field is None or said.si_pct is None or said.baseline is None:
            return
        turned = self._plan is not None and self._plan.runner.injured_side is Side.RIGHT
        change = said.si_pct - said.baseline
        self._found[field] = -change if turned else change

    def fields(self, summary: RunSummary, impact_pct: float | None) -> Mapping[str, float]:
        """By field; `impact_pct`: impact of the injured side, in percent of its baseline."""
        own_spm = self._own_cadence_spm()
        found: dict[str, float | None] = {
            "impact.pct": impact_pct,
            "cadence.pct": None if not (own_spm and summary.cadence_spm) else 100.0 * summary.cadence_spm / own_spm,
        }
        return self._found | {name: value for name, value in found.items() if value is not None}

    def _own_cadence_spm(self) -> float | None:
        if self._plan is None:
            return None
        target = self._plan.cadence
        own = None if target is None else target.baseline_spm
        return own if own is not None else self._plan.runner.pre_injury.cadence_spm
