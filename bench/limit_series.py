"""Runs made of chance, for `bench.limit_curve`: pairs and landings whose truth is known, played to the real limits.

Each foot's values are a first-order autoregression in their logarithm. Values of asymmetry with their intervals are
made for all runs at once with the functions that make them live (`load.interval`); what is played to is
`plan.limits.Limits`, made of a plan text. `through_everything` plays the same series stride by stride through pairing
and `load.asymmetry`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from sensord.load.asymmetry import BATCHES, Asymmetries
from sensord.load.interval import BATCH, MIN_BATCHES, T_975, batch_means, mean_and_error
from sensord.load.pairing import Pairing
from sensord.load.steady import BOUT_PAIRS
from sensord.model import (
    NS,
    Activity,
    Alert,
    Asymmetry,
    FloatArray,
    PodSetup,
    RunSetup,
    RunTotals,
    Side,
    Stride,
    changed,
)
from sensord.plan import sequential
from sensord.plan.impact_measures import MEMORY
from sensord.plan.limits import Limits
from sensord.plan.model import Plan

BoolArray = npt.NDArray[np.bool_]

STRIDE_S = 60.0 / 85.0
"""170 steps a minute."""

ROUNDING = 0.01
"""Evidence that is less than enough by no more than this may be enough: sums are rounded otherwise here."""

SETTLE = 64
"""Values before the first that counts, in which an autoregression forgets its start."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Bouts of walking and running, in s."""

    name: str
    bouts: tuple[tuple[float, float], ...]

    def strides(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Of each running stride: its place in its bout, running time and run time at its end, in s."""
        place, run_s, t_s, run_so_far, at = [], [], [], 0.0, 0.0
        for walk_s, bout_s in self.bouts:
            at += walk_s
            k = np.arange(int(bout_s / STRIDE_S))
            place.append(k)
            run_s.append(run_so_far + (k + 1) * STRIDE_S)
            t_s.append(at + (k + 1) * STRIDE_S)
            run_so_far, at = run_so_far + bout_s, at + bout_s
        return np.concatenate(place), np.concatenate(run_s), np.concatenate(t_s)


CONTINUOUS = Pattern("30 min of running", ((0.0, 1800.0),))
WALK_RUN = Pattern("6 x (4 min walk, 1 min run)", ((240.0, 60.0),) * 6)


def autoregression(rng: np.random.Generator, runs: int, n: int, phi: float) -> FloatArray:
    """(runs, n) values of mean 0 and standard deviation 1."""
    new = rng.standard_normal((runs, n + SETTLE)) * sqrt(1.0 - phi**2)
    return np.asarray(lfilter([1.0], [1.0, -phi], new, axis=-1)[:, SETTLE:])


@dataclass(frozen=True, slots=True)
class PairSeries:
    """Values of runs in log ratio: mean, half interval, standard error, the latest pairs alone; (runs, values) each.
    `n`, `latest_n`, `run_s`, `t_s` are those of each value."""

    mean: FloatArray
    half: FloatArray
    se: FloatArray
    latest: FloatArray
    n: Sequence[int]
    latest_n: int
    run_s: FloatArray
    t_s: FloatArray


def log_ratio(si: FloatArray | float) -> FloatArray:
    """ln(left/right) of a symmetry index in points."""
    return np.asarray(2.0 * np.arctanh(np.asarray(si) / 200.0))


def index(x: FloatArray) -> FloatArray:
    """The symmetry index of a log ratio."""
    return np.asarray(200.0 * np.tanh(x / 2.0))


def pair_noise(rng: np.random.Generator, runs: int, pattern: Pattern, cv: float, phi: float) -> FloatArray:
    """What chance adds to the log ratio of the pairs that count, for feet that both scatter by `cv` (a share)."""
    place, _, _ = pattern.strides()
    left, right = (autoregression(rng, runs, len(place), phi) for _ in Side)
    return cv * (left - right)[:, place >= BOUT_PAIRS]


def values_of(pairs: FloatArray, pattern: Pattern, every: int = BATCH) -> PairSeries:
    """The values that `load.asymmetry` makes of log ratios (runs, pairs), one with every so many pairs."""
    place, run_s, t_s = pattern.strides()
    run_s, t_s = run_s[place >= BOUT_PAIRS], t_s[place >= BOUT_PAIRS]
    ends = range(every, pairs.shape[1] + 1, every)
    shape = (pairs.shape[0], len(ends))
    mean, half, se, latest = (np.full(shape, np.nan) for _ in range(4))
    for j, end in enumerate(ends):
        window = pairs[:, max(0, end - BATCH * BATCHES) : end]
        latest[:, j] = batch_means(pairs[:, end - every : end]).mean(axis=-1)
        if window.shape[1] < MIN_BATCHES * BATCH:
            mean[:, j] = batch_means(window).mean(axis=-1)
            continue
        mean[:, j], se[:, j], df = mean_and_error(window)
        half[:, j] = T_975[df + 1 - MIN_BATCHES] * se[:, j]
    at = np.array(ends) - 1
    n = [min(end, BATCH * BATCHES) for end in ends]
    return PairSeries(mean, half, se, latest, n, every, run_s[at], t_s[at])


def shifted(series: PairSeries, si: float) -> PairSeries:
    """The same chance round another truth, in points of SI."""
    by = float(log_ratio(si))
    return replace(series, mean=series.mean + by, latest=series.latest + by)


def setup(history: tuple[dict[str, object], ...] = ()) -> RunSetup:
    """A run of two pods."""
    pods = tuple(PodSetup(f"pod-{side}", side, "open_pod") for side in Side)
    return RunSetup(run="R", runner="r", site="s", gateway="g", pods=pods, history=history)


def asymmetries(series: PairSeries, run: int, metric: str = "contact_time") -> Iterator[tuple[float, int, Asymmetry]]:
    """Running time, run time in ns and value, one after the other."""
    value, latest, se = (index(x[run]) for x in (series.mean, series.latest, series.se))
    low, high = index((series.mean - series.half)[run]), index((series.mean + series.half)[run])
    rows = zip(*(x.tolist() for x in (series.run_s, series.t_s, value, low, high, se, latest)), series.n, strict=True)
    for run_s, t_s, v, lo, hi, error, new, n in rows:
        known = lo == lo  # noqa: PLR0124 - nan: no interval yet
        yield (
            run_s,
            round(t_s * NS),
            Asymmetry(
                metric,
                v,
                lo if known else None,
                hi if known else None,
                None,
                None,
                n,
                se=error if known else None,
                latest=new,
                latest_n=series.latest_n,
            ),
        )


def play_pairs(
    plan: Plan, series: PairSeries, run: int, *, given: RunSetup | None = None, first_only: bool = False
) -> list[Alert]:
    """The alerts of one run on its asymmetry; `first_only`: none after the first."""
    limits, alerts = Limits(plan, given or setup()), []
    limits.start(0)
    for run_s, t_ns, value in asymmetries(series, run):
        limits.on_totals(RunTotals(run_time_s=run_s), t_ns)
        alerts += [said for said in limits.on_asymmetry(value, t_ns) if isinstance(said, Alert)]
        if alerts and first_only:
            break
    return alerts


def landing_noise(rng: np.random.Generator, runs: int, pattern: Pattern, cv: float, phi: float) -> FloatArray:
    """What chance adds to the logarithm of one foot's running peaks."""
    return cv * autoregression(rng, runs, len(pattern.strides()[0]), phi)


def play_landings(
    plan: Plan, peaks_g: Sequence[float], times: tuple[FloatArray, FloatArray], *, first_only: bool = False
) -> list[Alert]:
    """The alerts of one run on the impact of the left foot; `times`: running and run time of each landing, in s."""
    limits, alerts = Limits(plan, setup()), []
    limits.start(0)
    for k, (peak_g, run_s, t_s) in enumerate(zip(peaks_g, times[0].tolist(), times[1].tolist(), strict=True), start=1):
        t_ns = round(t_s * NS)
        if k % BATCH == 0:  # nothing reads the clock in between
            limits.on_totals(RunTotals(run_time_s=run_s), t_ns)
        for said in limits.on_stride(landing(round(100.0 * peak_g)), t_ns):
            alerts += [said] if isinstance(said, Alert) else []
        if alerts and first_only:
            break
    return alerts


@cache
def landing(centi_g: int) -> Stride:
    """A running stride of the left foot with a peak of so many hundredths of a g, which is finer than pods measure."""
    return changed(LANDING, impact_peak_g=centi_g / 100.0)


def may_alert(series: PairSeries, limit: float, steps: int) -> BoolArray:
    """The runs whose interval is at some time clear of the limit, in points, and whose evidence is at some time enough.

    The others cannot be alerted and need not be played: the sums of `plan.sequential`, for all runs at once.
    """
    judged = [j for j, n in enumerate(series.n) if n >= steps]
    far = np.abs(series.mean) - series.half > float(log_ratio(limit))
    value, latest, se = index(series.mean), index(series.latest), index(series.se)
    evidence, most = np.zeros((2, len(value))), np.zeros(len(value))
    weight, variance = series.n[judged[0]] / BATCH - 1.0, se[:, judged[0]] ** 2 * series.n[judged[0]] / BATCH
    for k, j in enumerate(judged):
        new, batches = (latest[:, j], series.latest_n) if k else (value[:, j], series.n[j])
        if k:
            weight = min(weight + 1.0, sequential.POOLED)
            most_differs = np.maximum(sequential.WILD * variance, se[:, j] ** 2 * series.n[j] / BATCH / sequential.WILD)
            differs = sequential.NEIGHBOURS * (new - latest[:, j - 1]) ** 2 / 2.0 * series.latest_n / BATCH
            variance = variance + (np.minimum(differs, most_differs) - variance) / weight
        beyond = np.clip((np.array([new, -new]) - limit) / np.sqrt(variance), -sequential.MOST, sequential.MOST)
        evidence = np.maximum(0.0, evidence + batches / BATCH * (beyond - sequential.SHIFT))
        most = np.maximum(most, evidence.max(axis=0))
    return np.asarray(far[:, judged].any(axis=-1) & (most > sequential.ENOUGH - ROUNDING))


def may_alert_by(peaks_g: FloatArray, limit_g: float, steps: int) -> BoolArray:
    """The same of impacts, judged by the median of the last `steps` landings."""
    above = np.round(100.0 * peaks_g) / 100.0 > limit_g
    evidence, most = np.zeros(len(above)), np.zeros(len(above))
    for begin, end in pairwise((0, *range(steps, above.shape[1] + 1, BATCH))):
        n = end - begin
        count = above[:, begin:end].sum(axis=-1)
        beyond = (count - n / 2.0) * BATCH / n / (MEMORY * sqrt(BATCH) / 2.0)
        evidence = np.maximum(0.0, evidence + n / BATCH * (beyond - sequential.SHIFT))
        most = np.maximum(most, evidence)
    return np.asarray(most > sequential.ENOUGH - ROUNDING)


def through_everything(plan: Plan, pairs: FloatArray, pattern: Pattern, rng: np.random.Generator) -> list[Alert]:
    """Alerts of one run whose counted pairs have these log ratios, played as strides of both feet, walking ones too.

    The first pairs of each bout, which do not count, are wild.
    """
    limits, pairing, compared = Limits(plan, setup()), Pairing(), Asymmetries(None)
    limits.start(0)
    alerts: list[Alert] = []
    place, run_s, t_s = pattern.strides()
    ratios = iter(pairs.tolist())
    at = 0.0
    for where, run_time, end in zip(place.tolist(), run_s.tolist(), t_s.tolist(), strict=True):
        while end - at > 1.5 * STRIDE_S:  # she walks until the bout begins
            for side in Side:
                pairing.add(_stride(side, at, 0.6, Activity.WALK))
            at += 1.1
        limits.on_totals(RunTotals(run_time_s=run_time), round(end * NS))
        ratio = next(ratios) if where >= BOUT_PAIRS else rng.normal(0.0, 0.5)
        for side, sign in ((Side.LEFT, 0.5), (Side.RIGHT, -0.5)):
            stride = _stride(side, end - STRIDE_S, 0.25 * np.exp(sign * ratio), Activity.RUN)
            for pair in pairing.add(stride):
                for value in compared.add(pair):
                    said = limits.on_asymmetry(value, round(end * NS))
                    alerts += [item for item in said if isinstance(item, Alert)]
            limits.on_stride(stride, round(end * NS))
        at = end
    return alerts


def _stride(side: Side, ic_s: float, contact_s: float, activity: Activity) -> Stride:
    ic_s += 0.0 if side is Side.LEFT else STRIDE_S / 2
    ic_ns, end_ns = round(ic_s * NS), round((ic_s + STRIDE_S) * NS)
    return changed(
        LANDING,
        foot=side,
        activity=activity,
        contact_time_s=float(contact_s),
        impact_peak_g=None,
        ic_run_ns=ic_ns,
        next_ic_run_ns=end_ns,
    )


LANDING = Stride(
    foot=Side.LEFT,
    stride=0,
    segment=0,
    ic_pod_ns=0,
    tc_pod_ns=None,
    next_ic_pod_ns=None,
    activity=Activity.RUN,
    stride_time_s=STRIDE_S,
    contact_time_s=0.25,
    swing_time_s=None,
    duty_factor=None,
    cadence_spm=None,
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
"""A running stride of the left foot."""


def mdc_si(cv: float, phi: float) -> float:
    """Minimal detectable change of the symmetry index between two windows of 60 pairs, in points."""
    return 100.0 * 1.96 * sqrt(2.0) * sqrt(2.0) * cv * sqrt((1 + phi) / (1 - phi) / 60.0)


def mdc_median(cv: float, phi: float) -> float:
    """The same of the median of 60 landings, as a factor: a median scatters 1.2533 times as much as a mean, and the
    memory is that of signs (`plan.impact_measures.MEMORY`)."""
    memory = 1.0 + 2.0 * sum(2.0 / np.pi * np.arcsin(phi**k) for k in range(1, 40))
    return float(np.exp(1.96 * sqrt(2.0) * 1.2533 * cv * sqrt(memory / 60.0)))
