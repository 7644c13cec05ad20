"""Rows of the simulated runner: contacts at all speeds and strikes, contact time of each stride, imposed differences.

The simulator's shapes were read off the same two recordings: it shows that sensord is consistent over speeds, strikes,
losses and contact times that no recording has, not that it is right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sensord.files.imu_recording import ImuDefects, ImuRecording
from sensord.model import NS, Side
from sensord.sim.runner import Run, RunnerSimulation, SensorModel, Stand
from sensord.validation.contacts import NEAR_RUN_S, counted, matched_strides, timing_rows
from sensord.validation.rows import Kind, On, Row, Target, Verdict, compared, scored
from sensord.validation.statistics import match_events
from sensord.validation.trial import FootTruth, Found, Trial, TrueStride, find
from sensord.validation.workbench import Workbench

SPEEDS_KMPH = (6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0)
FASTEST_KMPH = 25.0
STRIKES_DEG = {"rearfoot": 22.0, "midfoot": 3.0, "forefoot": -8.0}
"""Design choice: inside each kind, away from its borders."""
LOSSES = (0.0, 0.02)
RUN_S = 30.0
RATE_HZ = 200.0
CONTACT_TIMES_MS = (160, 190, 220, 250, 280, 310, 350)
DIFFERENCES_PCT = (-10.0, -6.0, -3.0, -1.0, 0.0, 2.0, 4.0, 8.0)
DIFFERENCE_RUN_S = 90.0


@dataclass(frozen=True, slots=True)
class Case:
    """One simulated run at one speed."""

    speed_kmph: float
    strike_deg: float | None = None
    loss: float = 0.0
    contact_time_s: float | None = None
    difference_pct: float = 0.0
    duration_s: float = RUN_S
    rate_hz: float = RATE_HZ
    seed: int = 11


def simulated(case: Case, on: On) -> Found:
    """What sensord finds in one simulated run, with its truth on each pod's clock."""
    run = Run(
        case.duration_s,
        speed_mps=case.speed_kmph / 3.6,
        strike_angle_deg=case.strike_deg,
        contact_time_s=case.contact_time_s,
        contact_asymmetry_pct=case.difference_pct,
    )
    simulation = RunnerSimulation([Stand(4.0), run, Stand(3.0)], seed=case.seed)
    recordings, truth = {}, {}
    for side, ppm in ((Side.LEFT, 30.0), (Side.RIGHT, -40.0)):
        pod = SensorModel(clock_ppm=ppm, loss=case.loss)
        foot = simulation.render(side, case.rate_hz, pod)
        none = ImuDefects(len(foot), 0, 0, 0, 0, 0, 0)
        recordings[side] = ImuRecording((foot.block(),), case.rate_hz, none)
        scale = 1.0 + ppm * 1e-6
        strides = tuple(
            TrueStride(
                s.ic_s * scale, s.tc_s * scale, s.next_ic_s * scale, s.stride_length_m, s.speed_mps, s.strike_angle_deg
            )
            for s in simulation.truth.strides(side)
        )
        truth[side] = FootTruth(foot.ic_pod_ns / NS, foot.tc_pod_ns / NS, strides)
    return find(Trial(on, "simulated", case.rate_hz, recordings, truth, case.speed_kmph / 3.6))


def outside_gaps(found: Found, near_s: float) -> tuple[int, int, int, int]:
    """True contacts outside what is marked as a gap, of which found; invented; and how many lie in marked gaps."""
    true = hits = invented = excused = 0
    for side, truth in found.trial.truth.items():
        matches = match_events(found.contacts_s(side), truth.ic_s, near_s)
        marked = [
            (s.ic_pod_ns / NS, truth.ic_s[-1] + 1.0 if s.next_ic_pod_ns is None else s.next_ic_pod_ns / NS)
            for s in found.strides[side]
            if s.gap
        ]
        lost = sum(any(a < truth.ic_s[j] < b for a, b in marked) for j in matches.missed)
        excused += lost
        true += len(truth.ic_s) - lost
        hits += len(matches.pairs)
        invented += len(matches.invented)
    return true, hits, invented, excused


def contacts(bench: Workbench) -> list[Row]:  # noqa: ARG001 - needs no data
    """Contacts found and invented: 6 to 20 km/h and 25 km/h, every strike, without and with lost packets."""
    return [
        _contact_row(strike, angle, loss, speeds)
        for strike, angle in STRIKES_DEG.items()
        for loss in LOSSES
        for speeds in (SPEEDS_KMPH, (FASTEST_KMPH,))
    ]


def _contact_row(strike: str, angle: float, loss: float, speeds: tuple[float, ...]) -> Row:
    words = f"{speeds[0]:g} to {speeds[-1]:g} km/h" if len(speeds) > 1 else f"{speeds[0]:g} km/h"
    on = On(f"{strike}, {words}, {loss:.0%} lost", Kind.SIMULATED)
    total = np.zeros(4, dtype=np.int64)
    for speed in speeds:
        total += outside_gaps(simulated(Case(speed, angle, loss), on), NEAR_RUN_S)
    true, hits, invented, excused = (int(v) for v in total)
    return counted("contacts", on, true, hits, invented, note=f"{excused} in marked gaps" if excused else "")


def timing(bench: Workbench) -> list[Row]:  # noqa: ARG001
    """IC, TC and contact time over speeds, every strike."""
    rows: list[Row] = []
    for strike, angle in STRIKES_DEG.items():
        for speed in (8.0, 12.0, 16.0, 20.0):
            found = simulated(Case(speed, angle), On(f"{strike}, {speed:g} km/h", Kind.SIMULATED))
            rows += timing_rows(found, "timing, simulated", NEAR_RUN_S, {})
    return rows


def contact_time_skill(bench: Workbench) -> list[Row]:  # noqa: ARG001
    """Whether contact time follows the truth stride by stride, and across contact times of 160 to 350 ms."""
    said: list[float] = []
    true: list[float] = []
    centred: tuple[list[float], list[float]] = ([], [])
    for contact_ms in CONTACT_TIMES_MS:
        speed = 3.6 * 3.5 * (250.0 / contact_ms) ** (1 / 0.55)  # the speed that has this contact time
        case = Case(min(max(speed, 6.2), 24.0), contact_time_s=contact_ms / 1000.0)
        found = simulated(case, On("160 to 350 ms", Kind.SIMULATED))
        pairs = [(s, t) for s, t in matched_strides(found, NEAR_RUN_S) if s.contact_time_s and t.contact_time_s]
        a = [1000.0 * s.contact_time_s for s, _ in pairs if s.contact_time_s is not None]
        b = [1000.0 * t.contact_time_s for _, t in pairs if t.contact_time_s is not None]
        said, true = said + a, true + b
        if a:
            centred[0].extend((np.array(a) - np.mean(a)).tolist())
            centred[1].extend((np.array(b) - np.mean(b)).tolist())
    on = On("160 to 350 ms, 6 to 24 km/h", Kind.SIMULATED)
    target = Target(score_min=0.9, score_max=1.1)
    section = "contact time skill"
    return [
        _slope(section, "slope of contact time on its truth, all strides", on, said, true, target),
        _slope(section, "the same within each run (each stride's own)", on, *centred, target),
        compared(section, "contact time", on, "ms", np.array(said) - np.array(true), true),
    ]


def _slope(section: str, what: str, on: On, said: list[float], true: list[float], target: Target) -> Row:
    slope = float(np.polyfit(true, said, 1)[0]) if len(true) > 2 else None
    return scored(section, what, on, "", len(true), slope, "slope", target, constant=0.0)


def differences(bench: Workbench) -> list[Row]:  # noqa: ARG001
    """Imposed left/right differences of contact time, recovered from the means of both feet."""
    rows = []
    for strike, angle in STRIKES_DEG.items():
        on = On(f"{strike}, 11 km/h, {DIFFERENCE_RUN_S:g} s a run", Kind.SIMULATED)
        errors, true = [], []
        for k, difference in enumerate(DIFFERENCES_PCT):
            case = Case(11.0, angle, difference_pct=difference, duration_s=DIFFERENCE_RUN_S, seed=20 + k)
            said, real = _indices(simulated(case, on))
            true.append(real)
            if said is not None:
                errors.append(said - real)
        what = "left/right difference, −10 to +10 %"
        row = compared("contact time skill", what, on, "points", errors, true, of=len(true))
        worst = max((abs(e) for e in errors), default=None)
        spread = [abs(t - float(np.mean(true))) for t in true]
        kept = worst is not None and worst <= 1.0 and len(errors) == len(true)
        rows.append(
            replace(
                row,
                score=worst,
                score_name="largest",
                constant=max(spread),
                target="each within 1 point",
                verdict=Verdict.MET if kept else Verdict.NOT_MET,
            )
        )
    return rows


def _indices(found: Found) -> tuple[float | None, float]:
    """Symmetry index of contact time, found and true, in per cent."""
    means: dict[Side, tuple[float, float]] = {}
    for side in Side:
        pairs = matched_strides(found, NEAR_RUN_S, [side])
        said = [s.contact_time_s for s, _ in pairs if s.contact_time_s is not None]
        true = [t.contact_time_s for t in found.trial.truth[side].strides if t.contact_time_s is not None]
        means[side] = (float(np.mean(said)) if said else float("nan"), float(np.mean(true)))
    (left, true_left), (right, true_right) = means[Side.LEFT], means[Side.RIGHT]
    si = 200.0 * (left - right) / (left + right)
    return (None if np.isnan(si) else float(si)), 200.0 * (true_left - true_right) / (true_left + true_right)
