"""Force and impulse from true timing against a force-measuring treadmill (alcantara_grf): the model alone, no pod.

Timing comes from the force itself, so these numbers say what the model can do at best. One runner: a demonstration, not
a population. Nothing is fitted.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sensord.errors import InputError, Problem
from sensord.load.force import MAX_GRADE_PCT, ForceModel
from sensord.model import G_MPS2, NS, Activity, FloatArray, Json, Side, Stride
from sensord.validation.statistics import agreement, best_constant

FOLDER = "alcantara_grf"
RATE_HZ = 500.0
THRESHOLD_N = 20.0
"""Contact: more than 20 N, as the truth of the derived sets."""
MIN_CONTACT_S = 0.08
"""What the data's own description asks for: shorter ones are noise."""


@dataclass(frozen=True, slots=True)
class ForceTrial:
    """True means over the steps of one trial (body weights, s) and what the model says of the same steps."""

    speed_mps: float
    grade_pct: float
    steps: int
    impulse_bw_s: float
    peak_bw: float
    model_impulse_bw_s: float
    model_peak_bw: float
    model_sine_bw: float


def force_trials(data: Path) -> list[ForceTrial]:
    """All trials of the folder; InputError when a file is missing or the two do not fit together."""
    table, signal = data / FOLDER / "trials.csv", data / FOLDER / "grf_bw_500hz.csv"
    for file in (table, signal):
        if not file.is_file():
            raise InputError(Problem(str(file), "", "no such file", "the alcantara_grf data"))
    with table.open(newline="") as lines:
        trials = list(csv.DictReader(lines))
    forces = np.atleast_2d(np.loadtxt(signal, delimiter=","))
    if len(forces) != len(trials):
        raise InputError(Problem(str(signal), "", f"{len(forces)} rows", f"{len(trials)}, as in trials.csv"))
    out = []
    for trial, force in zip(trials, forces, strict=True):
        threshold = THRESHOLD_N / (float(trial["Mass"]) * G_MPS2)
        # the column is in degrees
        grade = 100.0 * float(np.tan(np.radians(float(trial["Slope"]))))
        out.append(_trial(force, threshold, float(trial["Speed"]), grade))
    return out


def _trial(force_bw: FloatArray, threshold: float, speed_mps: float, grade_pct: float) -> ForceTrial:
    contacts = contacts_of(force_bw, threshold)
    model = ForceModel(grade_pct=0.0)  # also on slopes, where the pipeline gives nothing: to show why
    rows = []
    for k, (ic, tc) in enumerate(contacts[:-2]):  # a stride needs the same foot's next contact
        part = force_bw[int(np.ceil(ic)) : int(np.floor(tc)) + 1]
        said = model.apply(_stride(k, ic / RATE_HZ, tc / RATE_HZ, contacts[k + 2][0] / RATE_HZ))
        rows.append(
            (np.sum(part) / RATE_HZ, part.max(), said.impulse_bw_s, said.force_peak_bw, said.force_peak_sine_bw)
        )
    means = np.mean(np.array(rows, dtype=np.float64), axis=0)
    return ForceTrial(speed_mps, grade_pct, len(rows), *(float(v) for v in means))


def contacts_of(force_bw: FloatArray, threshold: float) -> list[tuple[float, float]]:
    """Whole contacts (begin, end) in rows, crossings between rows by a straight line; only those long enough."""
    above = force_bw > threshold
    change = np.flatnonzero(above[1:] != above[:-1])
    at = change + (threshold - force_bw[change]) / (force_bw[change + 1] - force_bw[change])
    first = 1 if above[0] else 0
    pairs = [(float(at[k]), float(at[k + 1])) for k in range(first, len(at) - 1, 2)]
    return [(ic, tc) for ic, tc in pairs if tc - ic >= MIN_CONTACT_S * RATE_HZ]


def _stride(number: int, ic_s: float, tc_s: float, next_s: float) -> Stride:
    stride_s, contact_s = next_s - ic_s, tc_s - ic_s
    return Stride(
        foot=Side.RIGHT if number % 2 else Side.LEFT,
        stride=number,
        segment=0,
        ic_pod_ns=round(ic_s * NS),
        tc_pod_ns=round(tc_s * NS),
        next_ic_pod_ns=round(next_s * NS),
        activity=Activity.RUN,
        stride_time_s=stride_s,
        contact_time_s=contact_s,
        swing_time_s=stride_s - contact_s,
        duty_factor=contact_s / stride_s,
        cadence_spm=120.0 / stride_s,
        stride_length_m=None,
        speed_mps=None,
        strike_angle_deg=None,
        strike_type=None,
        impact_peak_g=None,
        impact_clipped=False,
        force_peak_bw=None,
        impulse_bw_s=None,
        gap=False,
        confidence=1.0,
    )


def score_forces(data: Path) -> list[dict[str, Json]]:
    """Rows {what, n, bias, sd, rmse, best_constant_rmse, sine_rmse}, all but n in % of the truth, over trial means.

    Level trials, and those on slopes apart (where nothing is given to a runner). `sine_rmse` None: no peak.
    """
    trials = force_trials(data)
    level = [t for t in trials if abs(t.grade_pct) <= MAX_GRADE_PCT]
    hilly = [t for t in trials if abs(t.grade_pct) > MAX_GRADE_PCT]
    return [
        _row("impulse per step, level", [(t.model_impulse_bw_s, t.impulse_bw_s) for t in level]),
        _peak_row("peak force, level", level),
        _row("impulse per step, sloping (not given)", [(t.model_impulse_bw_s, t.impulse_bw_s) for t in hilly]),
        _peak_row("peak force, sloping (not given)", hilly),
    ]


def _peak_row(what: str, trials: list[ForceTrial]) -> dict[str, Json]:
    sine = agreement([100.0 * (t.model_sine_bw / t.peak_bw - 1.0) for t in trials]).rms
    return _row(what, [(t.model_peak_bw, t.peak_bw) for t in trials]) | {"sine_rmse": sine}


def _row(what: str, pairs: list[tuple[float, float]]) -> dict[str, Json]:
    found = agreement([100.0 * (said / true - 1.0) for said, true in pairs])
    constant = best_constant([true for _, true in pairs]).rms
    mean = float(np.mean([true for _, true in pairs])) if pairs else 1.0
    return {
        "what": what,
        "n": found.n,
        "bias": found.bias,
        "sd": found.sd,
        "rmse": found.rms,
        "best_constant_rmse": None if constant is None else 100.0 * constant / mean,
        "sine_rmse": None,
    }
