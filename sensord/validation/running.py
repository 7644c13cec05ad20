"""Rows of the two runners on a force plate: contacts, timing, contact time, cadence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sensord.model import Side
from sensord.validation.contacts import (
    NEAR_RUN_S,
    cadence_row,
    contact_counts,
    contact_time,
    counted,
    matched_strides,
    timing_rows,
    unjudged,
)
from sensord.validation.datasets import DERIVED, VARIANTS
from sensord.validation.lengths import relative_row
from sensord.validation.rows import Kind, On, Row, Target, scored
from sensord.validation.trial import Found
from sensord.validation.workbench import Workbench

TARGETS_200 = {
    "IC": Target(sd=3.0, bias=10.0),
    "TC": Target(sd=4.0, bias=10.0),
    "contact time": Target(sd=5.0, bias=12.0),
}
SMOOTH = "smooth_200hz"
TARGETS_100 = {"contact time": Target(sd=8.0, bias=12.0)}


def contacts(bench: Workbench) -> list[Row]:
    """Contacts found and invented, every variant of both runners."""
    rows = []
    for source in DERIVED:
        for variant in VARIANTS:
            found = bench.derived(source, variant)
            rows.append(counted("contacts", found.trial.on, *contact_counts(found, NEAR_RUN_S)))
    return rows


def timing(bench: Workbench) -> list[Row]:
    """IC, TC and contact time of both runners, every variant; at 200 Hz each foot too.

    What depends on the landing is judged where there is no placed shock: the smooth variant, also at 100 Hz.
    """
    rows: list[Row] = []
    for source in DERIVED:
        for variant in VARIANTS:
            found = bench.derived(source, variant)
            targets = TARGETS_100 if found.trial.rate_hz < 200.0 else TARGETS_200
            own = timing_rows(found, "timing", NEAR_RUN_S, targets, each_foot=found.trial.rate_hz == 200.0)
            if "lossy" in variant:
                own += timing_rows(_trusted(found), "timing", NEAR_RUN_S, targets, each_foot=True)
            rows += own if variant == SMOOTH else [unjudged(row) for row in own]
        rows += timing_rows(bench.derived_at(source, 100.0), "timing", NEAR_RUN_S, TARGETS_100)
    return [
        *rows,
        _difference([bench.derived(source, SMOOTH) for source in DERIVED]),
        _difference([bench.derived_at(source, 100.0) for source in DERIVED]),
    ]


def _trusted(found: Found) -> Found:
    """The same rows of the strides that sensord lets into a mean, under another name."""
    on = replace(found.trial.on, data=f"{found.trial.on.data}, trusted strides")
    return replace(found.trusted(), trial=replace(found.trial, on=on))


def _difference(both: list[Found]) -> Row:
    """How much longer the first runner's contacts are than the second's."""
    said, true = [], []
    for found in both:
        parts = [contact_time(found, side, NEAR_RUN_S) for side in Side]
        truth = np.array([t for part in parts for t in part.true_ms])
        errors = np.array([e for part in parts for e in part.errors_ms])
        true.append(float(truth.mean()))
        said.append(float(truth.mean() + errors.mean()) if len(errors) else float("nan"))
    off = (said[0] - said[1]) - (true[0] - true[1])
    on = On(both[0].trial.on.data.replace("jdx", "jdx and rbds"), Kind.DERIVED, 2)
    score = None if np.isnan(off) else off
    return scored(
        "timing",
        "difference of the two runners' contact time",
        on,
        "ms",
        2,
        score,
        "found minus true",
        Target(score_min=-5.0, score_max=5.0, words="within 5"),
        constant=true[1] - true[0],
        note=f"the true difference is {true[0] - true[1]:.1f} ms",
    )


def force(bench: Workbench) -> list[Row]:
    """Peak force of each stride, the whole way from the pod's signals, against the plate's."""
    return [
        relative_row(
            "force",
            "peak force, from the pod",
            found.trial.on,
            matched_strides(found, NEAR_RUN_S),
            lambda s: s.force_peak_bw,
            lambda t: t.force_peak_bw,
            note="one runner at one speed: shows the offset, not a skill",
        )
        for found in (bench.derived(source, SMOOTH) for source in DERIVED)
    ]


def cadence(bench: Workbench) -> list[Row]:
    """Cadence of every stride against the force plate."""
    return [
        cadence_row("cadence", bench.derived(source, variant), NEAR_RUN_S, Target(bias=0.3))
        for source in DERIVED
        for variant in ("smooth_200hz", "impact_200hz", "impact_100hz")
    ]
