"""What runs of a known truth are told by the limits on asymmetry and impact: how often, how soon, and when it ends.

For `bench.limit_curve`. Series are of `bench.limit_series`; the rules are the real ones, of plan texts with the default
needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from bench.limit_series import (
    CONTINUOUS,
    PairSeries,
    Pattern,
    landing_noise,
    log_ratio,
    may_alert,
    may_alert_by,
    pair_noise,
    play_landings,
    play_pairs,
    setup,
    shifted,
    values_of,
)
from sensord.model import ALGORITHM, NS, Alert, AlertPhase, FloatArray
from sensord.plan.model import Plan, read_plan

HEAD = 'schema = "rtr-plan/1"\nid = "curve"\ntitle = "Curve"\n[runner]\nalias = "r"\ninjured_side = "left"\n'
ASYMMETRY = (
    '[asymmetry.contact_time]\nformula = "si_signed"\nbaseline = {mode = "fixed", value = 0.0}\nwarn = 5.0\n'
    "needs = {steps = 60, clear_below = 4.0%s}\n"
)
USUAL_G = 20.0
IMPACT = (
    '[impact]\nmetric = "peak_accel"\nmount = "laces"\nbaseline = {mode = "fixed", value_g = 20.0}\nwarn_pct = 115\n'
    "needs = {clear_below_pct = 110%s}\n"
)
LIMIT_SI, LIMIT_PCT = 5.0, 115.0
STEPS, WINDOW = 60, 30
"""Pairs and landings behind a value: the defaults of a plan."""
AT_ONCE = ', sustained = "1s"'

CVS = (0.025, 0.035, 0.05)
PHI = 0.3
IMPACT_CVS = (0.05, 0.07, 0.10)
"""Stride-to-stride variation of impact peaks: 6.9 to 7.0 % (preprint 10.20944/preprints202601.2214), and round it."""

RUNS = 2000
SEED = 23
"""Of the runs that the tables are of."""


def plan_of(*parts: str, more: str = "") -> Plan:
    """A plan with these limits; `more` goes into their needs."""
    return read_plan(HEAD + "".join(part % more for part in parts), "curve")


@dataclass(frozen=True, slots=True)
class Told:
    """What runs of one truth were told: how many of them anything, and the running time to the first alert, in s."""

    runs: int
    found_s: tuple[float, ...]

    @property
    def share(self) -> float:
        """Share of the runs with an alert."""
        return len(self.found_s) / self.runs

    def time_s(self, quantile: float) -> float | None:
        """Time by which this share of all runs were told; None when fewer were."""
        if len(self.found_s) < quantile * self.runs:
            return None
        return float(
            np.quantile([*self.found_s, *[np.inf] * (self.runs - len(self.found_s))], quantile, method="lower")
        )


def plain_shares(truths: Sequence[float], cv: float, *, runs: int = RUNS, seed: int = SEED) -> list[float]:
    """Share of 30-minute runs in which a plain 95 % interval of 60 to 100 pairs is beyond the limit at some time."""
    rng = np.random.default_rng([seed, round(cv * 1e4), 6])
    series = values_of(pair_noise(rng, runs, CONTINUOUS, cv, PHI), CONTINUOUS)
    judged = [n >= STEPS for n in series.n]
    moved = (shifted(series, truth) for truth in truths)
    clear = (np.abs(one.mean) - one.half > float(log_ratio(LIMIT_SI)) for one in moved)
    return [float(one[:, judged].any(axis=-1).mean()) for one in clear]


def told_of(runs: Sequence[list[Alert]], t_s: FloatArray, run_s: FloatArray) -> Told:
    """`t_s`, `run_s`: run time and running time at the ends of pairs or landings."""
    first = [alerts[0].onset_ns / NS for alerts in runs if alerts]
    return Told(len(runs), tuple(float(x) for x in np.interp(first, t_s, run_s)))


def asymmetry_curve(
    truths: Sequence[float],
    cv: float,
    *,
    phi: float = PHI,
    pattern: Pattern = CONTINUOUS,
    runs: int = RUNS,
    seed: int = SEED,
    more: str = "",
    every: int = 10,
) -> list[Told]:
    """What runs are told at each truth (points of SI); the same chance at all of them."""
    rng = np.random.default_rng([seed, round(cv * 1e4), round(phi * 100), len(pattern.bouts)])
    series = values_of(pair_noise(rng, runs, pattern, cv, phi), pattern, every)
    plan, curve = plan_of(ASYMMETRY, more=more), []
    for truth in truths:
        moved = shifted(series, truth)
        may = may_alert(moved, LIMIT_SI, STEPS)
        alerts = [play_pairs(plan, moved, run, first_only=True) if may[run] else [] for run in range(runs)]
        curve.append(told_of(alerts, series.t_s, series.run_s))
    return curve


def impact_curve(
    truths_pct: Sequence[float],
    cv: float,
    *,
    phi: float = PHI,
    pattern: Pattern = CONTINUOUS,
    runs: int = RUNS,
    seed: int = SEED,
    more: str = "",
) -> list[Told]:
    """The same for impact; truths are medians in % of the baseline."""
    rng = np.random.default_rng([seed, round(cv * 1e4), round(phi * 100), len(pattern.bouts), 1])
    noise = np.exp(landing_noise(rng, runs, pattern, cv, phi))
    _, run_s, t_s = pattern.strides()
    plan, curve = plan_of(IMPACT, more=more), []
    for truth in truths_pct:
        peaks = USUAL_G * truth / 100.0 * noise
        may = may_alert_by(peaks, USUAL_G * LIMIT_PCT / 100.0, WINDOW)
        alerts = [
            play_landings(plan, row.tolist(), (run_s, t_s), first_only=True) if one else []
            for row, one in zip(peaks, may, strict=True)
        ]
        curve.append(told_of(alerts, t_s, run_s))
    return curve


# -------------------------------------------------------------------------------------------------------- one crossing


@dataclass(frozen=True, slots=True)
class Crossing:
    """Runs that leave the limit after a third and come back after two thirds."""

    runs: int
    onsets: tuple[int, ...]
    recoveries: tuple[int, ...]
    early: int
    found_s: tuple[float, ...]
    ended_s: tuple[float, ...]


def crossing_of(runs: Sequence[list[Alert]], t_s: FloatArray) -> Crossing:
    """`t_s`: run time of all that was played, in thirds."""
    out_s, in_s = t_s[len(t_s) // 3], t_s[2 * len(t_s) // 3]
    onsets, recoveries = [], []
    found_s, ended_s, early = [], [], 0
    for alerts in runs:
        begun = [a.onset_ns / NS for a in alerts if a.phase is AlertPhase.ONSET]
        ended = [a.onset_ns / NS + (a.duration_s or 0.0) for a in alerts if a.phase is AlertPhase.RECOVERY]
        onsets.append(len(begun))
        recoveries.append(len(ended))
        early += any(t < out_s for t in begun)
        found_s += [begun[0] - out_s] if begun else []
        ended_s += [ended[0] - in_s] if ended else []
    return Crossing(len(runs), tuple(onsets), tuple(recoveries), early, tuple(found_s), tuple(ended_s))


def asymmetry_crossing(cv: float, inside: float, outside: float, *, runs: int, seed: int = SEED) -> Crossing:
    """Ten minutes at `inside`, ten at `outside`, ten at `inside`, in points of SI."""
    rng = np.random.default_rng([seed, round(cv * 1e4), 2])
    pairs = pair_noise(rng, runs, CONTINUOUS, cv, PHI)
    truth = np.full(pairs.shape[1], inside)
    truth[len(truth) // 3 : 2 * len(truth) // 3] = outside
    series, plan = values_of(pairs + log_ratio(truth), CONTINUOUS), plan_of(ASYMMETRY)
    return crossing_of([play_pairs(plan, series, run) for run in range(runs)], series.t_s)


def impact_crossing(cv: float, inside: float, outside: float, *, runs: int, seed: int = SEED) -> Crossing:
    """The same in % of the usual impact."""
    rng = np.random.default_rng([seed, round(cv * 1e4), 3])
    noise = np.exp(landing_noise(rng, runs, CONTINUOUS, cv, PHI))
    _, run_s, t_s = CONTINUOUS.strides()
    truth = np.full(noise.shape[1], inside)
    truth[len(truth) // 3 : 2 * len(truth) // 3] = outside
    plan, peaks = plan_of(IMPACT), USUAL_G / 100.0 * truth * noise
    return crossing_of([play_landings(plan, row.tolist(), (run_s, t_s)) for row in peaks], t_s)


# -------------------------------------------------------------------------------------------------------- a whole plan


@cache
def _typical_pairs(runs: int, seed: int) -> PairSeries:
    """Chance of the usual size in continuous runs."""
    return values_of(pair_noise(np.random.default_rng([seed, 5]), runs, CONTINUOUS, 0.035, PHI), CONTINUOUS)


def messages(si: float, pct: float, *, runs: int, seed: int = SEED) -> int:
    """Messages of all kinds in so many runs of 30 min under a plan that limits contact time and impact."""
    plan = plan_of(
        ASYMMETRY.replace("warn = 5.0", "warn = 5.0\nstop = 10.0"),
        IMPACT.replace("warn_pct = 115", "warn_pct = 115\nstop_pct = 130"),
    )
    series = shifted(_typical_pairs(runs, seed), si)
    noise = landing_noise(np.random.default_rng([seed, 4]), runs, CONTINUOUS, 0.07, PHI)
    peaks = USUAL_G * pct / 100.0 * np.exp(noise)
    times = CONTINUOUS.strides()[1:]
    pairs_may, landings_may = may_alert(series, LIMIT_SI, STEPS), may_alert_by(peaks, 1.15 * USUAL_G, WINDOW)
    said = 0  # the two limits do not hear of each other: each has the run to itself
    for run in range(runs):
        said += len(play_pairs(plan, series, run)) if pairs_may[run] else 0
        said += len(play_landings(plan, peaks[run].tolist(), times)) if landings_may[run] else 0
    return said


def with_runs(scatter_si: float, truth: float, *, runs: int, seed: int = SEED) -> Told:
    """A baseline of three runs, and today's run, which all differ from her usual by chance of this standard deviation;
    today's truth is so many points from her usual."""
    rng = np.random.default_rng([seed, 5, round(10 * scatter_si)])
    series = _typical_pairs(runs, seed)
    body = ASYMMETRY.replace('{mode = "fixed", value = 0.0}', '{mode = "sessions", n = 3}')
    plan, alerts = plan_of(body), []
    for run in range(runs):
        usual = scatter_si * rng.standard_normal(4)
        kept = [{"contact_time": {"index": float(x), "pairs": 2500}} for x in usual[:3]]
        history = tuple({"algo": ALGORITHM, "run": f"R{k}", "metrics": values} for k, values in enumerate(kept))
        own = replace(series, mean=series.mean[run : run + 1], latest=series.latest[run : run + 1])
        own = shifted(replace(own, half=series.half[run : run + 1], se=series.se[run : run + 1]), truth + usual[3])
        alerts.append(play_pairs(plan, own, 0, given=setup(history), first_only=True))
    return told_of(alerts, series.t_s, series.run_s)
