"""Rows of the force models: true timing in, impulse and peak out, against the plate (the scores are made in `grf`)."""

from __future__ import annotations

from sensord.validation.grf import FOLDER, score_forces
from sensord.validation.rows import Kind, On, Row, Target, scored
from sensord.validation.workbench import Workbench

NEEDS = (f"{FOLDER}/trials.csv", f"{FOLDER}/grf_bw_500hz.csv")
ON = On("alcantara, trial means", Kind.FORCE)
TARGETS = {
    "impulse per step, level": Target(score_max=1.0, words="≤ 1 %"),
    "peak force, level": Target(score_max=5.0, words="RMSE ≤ 5 %"),
}


def rows(bench: Workbench) -> list[Row]:
    """Impulse and peak force, level and sloping; the constant is the mean over the trials."""
    out = []
    for found in score_forces(bench.data):
        sine = found["sine_rmse"]
        out.append(
            scored(
                "force",
                f"{found['what']}, from true timing",
                ON,
                "%",
                found["n"],
                found["rmse"],
                "RMSE",
                TARGETS.get(found["what"]),
                constant=found["best_constant_rmse"],
                bias=found["bias"],
                sd=found["sd"],
                note="" if sine is None else f"the sine model: RMSE {sine:.1f} %",
                reason="" if found["n"] else "no trial has this value",
            )
        )
    return out
