"""What a simulated runner does, phase by phase.

A script is a sequence of phases played one after another. Moving phases that touch form one bout: the body starts from
standing, changes speed smoothly at the seams, and comes to a stop at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sensord.errors import InputError, Problem
from sensord.model import Side
from sensord.sim.gait import Gait, Variability, running, walking


@dataclass(frozen=True, slots=True)
class Stand:
    """Both feet flat and still."""

    duration_s: float


@dataclass(frozen=True, slots=True)
class Move:
    """A gait kept for a while, with its left/right differences and its drift with fatigue.

    Asymmetries are symmetry indices 100·(L−R)/(½(L+R)): positive = more on the left. Drifts are in per cent of the
    starting value for every minute of the phase.
    """

    duration_s: float
    gait: Gait
    contact_asymmetry_pct: float = 0.0
    impact_asymmetry_pct: float = 0.0
    step_time_asymmetry_pct: float = 0.0
    contact_drift_pct_per_min: float = 0.0
    impact_drift_pct_per_min: float = 0.0
    cadence_drift_pct_per_min: float = 0.0
    variability: Variability = field(default_factory=Variability)


@dataclass(frozen=True, slots=True)
class DropOut:
    """One pod's samples are missing while the body goes on with what it was doing."""

    side: Side
    duration_s: float


Phase = Stand | Move | DropOut


def Run(  # noqa: N802 - reads as one of the phases in a script
    duration_s: float,
    *,
    speed_mps: float = 2.8,
    cadence_spm: float | None = None,
    contact_time_s: float | None = None,
    strike_angle_deg: float | None = None,
    impact_g: float | None = None,
    contact_asymmetry_pct: float = 0.0,
    impact_asymmetry_pct: float = 0.0,
    contact_drift_pct_per_min: float = 0.0,
    impact_drift_pct_per_min: float = 0.0,
    variability: Variability | None = None,
) -> Move:
    """A running phase; what is not given follows from the speed (`gait.running`)."""
    return Move(
        duration_s,
        running(
            speed_mps,
            cadence_spm=cadence_spm,
            contact_time_s=contact_time_s,
            strike_angle_deg=strike_angle_deg,
            impact_g=impact_g,
        ),
        contact_asymmetry_pct=contact_asymmetry_pct,
        impact_asymmetry_pct=impact_asymmetry_pct,
        contact_drift_pct_per_min=contact_drift_pct_per_min,
        impact_drift_pct_per_min=impact_drift_pct_per_min,
        variability=variability or Variability(),
    )


def Walk(  # noqa: N802 - reads as one of the phases in a script
    duration_s: float,
    *,
    speed_mps: float = 1.4,
    cadence_spm: float | None = None,
    contact_time_s: float | None = None,
    strike_angle_deg: float | None = None,
    impact_g: float | None = None,
    contact_asymmetry_pct: float = 0.0,
    impact_asymmetry_pct: float = 0.0,
    variability: Variability | None = None,
) -> Move:
    """A walking phase; what is not given follows from the speed (`gait.walking`)."""
    gait = walking(
        speed_mps,
        cadence_spm=cadence_spm,
        contact_time_s=contact_time_s,
        strike_angle_deg=strike_angle_deg,
        impact_g=impact_g,
    )
    return Move(
        duration_s,
        gait,
        contact_asymmetry_pct=contact_asymmetry_pct,
        impact_asymmetry_pct=impact_asymmetry_pct,
        variability=variability or Variability(),
    )


def Limp(  # noqa: N802 - reads as one of the phases in a script
    duration_s: float, side: Side, *, speed_mps: float = 2.4, contact_pct: float = 12.0, impact_pct: float = 15.0
) -> Move:
    """Running that spares one side: shorter contact, less impact and a hurried step there (sizes: design choice)."""
    sign = -1.0 if side is Side.LEFT else 1.0
    return replace(
        Run(duration_s, speed_mps=speed_mps),
        contact_asymmetry_pct=sign * contact_pct,
        impact_asymmetry_pct=sign * impact_pct,
        step_time_asymmetry_pct=sign * contact_pct / 2,
    )


@dataclass(frozen=True, slots=True)
class Bout:
    """Moving phases that touch: from standing at `start_s` to standing at `end_s`."""

    start_s: float
    end_s: float
    moves: tuple[tuple[float, Move], ...]
    """Start time and phase; each lasts until the next one starts."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A time in which one side's samples are missing."""

    side: Side
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A script on the time axis (true time, from 0)."""

    duration_s: float
    bouts: tuple[Bout, ...]
    silences: tuple[Silence, ...]


MIN_BOUT_S = 4.0
"""Shortest bout: time for a first and a last step of each foot and strides between. Design choice."""


def lay_out(script: Sequence[Phase]) -> Plan:
    """Put phases on the time axis; raises InputError naming every phase that cannot be played."""
    problems = [
        Problem("script", f"phase {i}", f"{p.duration_s:g} s", "a time above 0 s")
        for i, p in enumerate(script)
        if not 0 < p.duration_s < 1e6
    ]
    if not script:
        problems.append(Problem("script", "", "no phases", "at least one phase"))
    if problems:
        raise InputError(problems)
    bouts: list[Bout] = []
    silences: list[Silence] = []
    moves: list[tuple[float, Move]] = []
    bout_start = now = 0.0
    for phase in script:
        if isinstance(phase, Stand):
            if moves:
                bouts.append(_bout(bout_start, now, moves))
            moves = []
        elif isinstance(phase, DropOut):
            silences.append(Silence(phase.side, now, now + phase.duration_s))
        else:
            if not moves:
                bout_start = now
            phase.gait.check()
            moves.append((now, phase))
        now += phase.duration_s
    if moves:
        bouts.append(_bout(bout_start, now, moves))
    return Plan(now, tuple(bouts), tuple(silences))


def _bout(start_s: float, end_s: float, moves: list[tuple[float, Move]]) -> Bout:
    if end_s - start_s < MIN_BOUT_S:
        raise InputError(
            Problem("script", f"moving from {start_s:g} s", f"{end_s - start_s:g} s", f"at least {MIN_BOUT_S:g} s")
        )
    return Bout(start_s, end_s, tuple(moves))
