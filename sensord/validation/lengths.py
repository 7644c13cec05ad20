"""Rows of stride length and speed: walking against optical capture, running against the belt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from sensord.load.speed import SpeedEstimator
from sensord.model import NS, Side, StepLengths, Stride
from sensord.validation.contacts import NEAR_RUN_S, NEAR_WALK_S, Pair, matched_strides
from sensord.validation.datasets import DERIVED, DerivedSet
from sensord.validation.rows import On, Row, Target, scored
from sensord.validation.statistics import agreement
from sensord.validation.trial import Found, TrueStride
from sensord.validation.workbench import Workbench

WALKING = Target(score_max=2.5, words="mean absolute error ≤ 2.5 % (gaitmap: 2.9 %)")
UNPERSONALISED = Target(score_max=4.0, words="mean absolute error ≤ 4 %")
PERSONALISED = Target(score_max=2.0, words="mean absolute error ≤ 2 % in the second half")
BELT = "the belt's speed itself is known to ± 1.5 %"
BELT_SD_MPS = 0.05
"""What a belt is worth when it teaches the estimator: 1.5 % of 3.5 m/s."""


def relative_row(
    section: str,
    what: str,
    on: On,
    pairs: Iterable[Pair],
    said: Callable[[Stride], float | None],
    true: Callable[[TrueStride], float | None],
    target: Target | None = None,
    note: str = "",
) -> Row:
    """Errors in per cent of the truth; scored by their mean absolute value, as the constant at the mean truth is."""
    known = [(said(s), t) for s, truth in pairs if (t := true(truth)) is not None]
    errors = [100.0 * (a / t - 1.0) for a, t in known if a is not None]
    truth = np.array([t for _, t in known])
    got = agreement(errors)
    constant = float(np.mean(np.abs(100.0 * (truth.mean() / truth - 1.0)))) if len(truth) else None
    if 0 < got.n < len(known):
        note = "; ".join(part for part in (f"{got.n} of {len(known)} have a value", note) if part)
    return scored(
        section,
        what,
        on,
        "%",
        got.n,
        got.mean_abs,
        "mean absolute",
        target,
        constant=constant,
        bias=got.bias,
        sd=got.sd,
        note=note,
        reason="" if got.n else "no stride has this value",
    )


def walking(bench: Workbench) -> list[Row]:
    """Stride length of the gaitmap walk."""
    found = bench.gaitmap()
    pairs = matched_strides(found, NEAR_WALK_S)
    return [
        relative_row(
            "length and speed",
            "stride length, walking",
            found.trial.on,
            pairs,
            lambda s: s.stride_length_m,
            lambda t: t.stride_length_m,
            WALKING,
        ),
        relative_row(
            "length and speed",
            "trajectory length, walking",
            found.trial.on,
            pairs,
            lambda s: s.trajectory_length_m,
            lambda t: t.stride_length_m,
        ),
    ]


def running(bench: Workbench) -> list[Row]:
    """Speed of each stride over the belt, as told to a new runner and to one who once ran at a known speed."""
    rows = []
    for source in DERIVED:
        for variant in ("smooth_200hz", "impact_200hz", "impact_400hz", "impact_100hz"):
            found = bench.derived(source, variant)
            rows.append(speed_row(found, "speed, running", UNPERSONALISED, note=BELT))
        found = bench.derived(source, "impact_200hz")
        rows.append(
            relative_row(
                "length and speed",
                "trajectory length, running",
                found.trial.on,
                matched_strides(found, NEAR_RUN_S),
                lambda s: s.trajectory_length_m,
                lambda t: t.stride_length_m,
                note="length over the belt",
            )
        )
        rows.append(personalised(source, found))
    return rows


def speed_row(found: Found, what: str, target: Target | None, note: str = "") -> Row:
    """Speed of each stride against the truth's."""
    pairs = matched_strides(found, NEAR_RUN_S, found.trial.truth)
    return relative_row(
        "length and speed", what, found.trial.on, pairs, lambda s: s.speed_mps, lambda t: t.speed_mps, target, note
    )


def personalised(source: DerivedSet, found: Found) -> Row:
    """The estimator is told the belt's speed during the first half; only the second half is scored."""
    assert found.trial.speed_mps is not None
    strides = sorted((s for own in found.strides.values() for s in own), key=lambda s: s.ic_pod_ns)
    middle_ns = (strides[0].ic_pod_ns + strides[-1].ic_pod_ns) // 2
    begun_ns = min(s.ic_pod_ns for s in strides) - 60 * NS  # the belt turned before she was recorded
    taught = taught_strides(strides, [(begun_ns, found.trial.speed_mps)], middle_ns, sd_mps=BELT_SD_MPS)
    later = {side: tuple(s for s in taught if s.foot is side and s.ic_pod_ns >= middle_ns) for side in Side}
    pairs = matched_strides(replace(found, strides=later), NEAR_RUN_S)
    what = "speed, running, personalised on the first half"
    return relative_row(
        "length and speed",
        what,
        found.trial.on,
        pairs,
        lambda s: s.speed_mps,
        lambda t: t.speed_mps,
        PERSONALISED,
        f"{source.name}: the belt keeps one speed, so that this shows the offset removed, not a skill across speeds",
    )


def taught_strides(
    strides: Sequence[Stride],
    speeds: Sequence[tuple[int, float]],
    until_ns: int,
    *,
    sd_mps: float,
    source: str = "treadmill",
) -> list[Stride]:
    """The same strides through a new estimator that is told speeds (from a time on) until a time, and nothing after.

    `strides` must be in order of time, and so the speeds.
    """
    estimator = SpeedEstimator(StepLengths())
    told: list[tuple[int, float | None]] = [(t, v) for t, v in speeds if t < until_ns]
    told.append((until_ns, None))
    out = []
    for stride in strides:
        while told and told[0][0] <= stride.ic_pod_ns:
            t_ns, speed_mps = told.pop(0)
            estimator.known(t_ns, speed_mps, sd_mps=sd_mps, source=source)
        bare = replace(
            stride,
            stride_length_m=None,
            speed_mps=None,
            speed_sd_mps=None,
            speed_source=None,
            ic_run_ns=stride.ic_pod_ns,
            next_ic_run_ns=stride.next_ic_pod_ns,
        )
        out.append(estimator.apply(bare))
    return out
