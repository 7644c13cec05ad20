"""Rows of the asymmetry interval: how often the 95 % interval holds the truth (the Monte Carlo is in `coverage`)."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np

from sensord.errors import InputError, Problem
from sensord.model import FloatArray
from sensord.validation import datasets
from sensord.validation.coverage import CoverageRow, resampled_coverage, simulated_coverage
from sensord.validation.rows import Kind, On, Row, Target, scored
from sensord.validation.workbench import Workbench

TARGET = Target(score_min=93.0, score_max=97.0)
REPETITIONS = 8_000
"""Design choice: a share of 95 % is then known to 0.24 points."""
RESAMPLED = {"contact time": "contact_time (ms)", "impact": "impact_gs"}
ONE_FOOT = (
    "one foot: its strides are in turn left and right, in blocks of 60 from random places; the true difference is 0"
)


def simulated(bench: Workbench) -> list[Row]:  # noqa: ARG001 - needs no data
    """Strides with first-order memory, 30 to 200 pairs."""
    return [
        _row(row, On(f"strides with a memory of φ = {row.phi:g}", Kind.SIMULATED, 0))
        for row in simulated_coverage(repetitions=REPETITIONS)
    ]


def resampled(bench: Workbench) -> list[Row]:
    """Strides of a commercial pod, one foot, resampled."""
    rows = []
    for metric, column in RESAMPLED.items():
        on = On(f"runscribe run, {metric}", Kind.PROCESSED)
        values = read_column(bench.data / datasets.RUNSCRIBE, column)
        rows += [_row(row, on, ONE_FOOT) for row in resampled_coverage(values, repetitions=REPETITIONS)]
    return rows


def _row(row: CoverageRow, on: On, note: str = "") -> Row:
    what = f"95 % interval of a difference, {row.n} pairs"
    width = f"± {row.half_width:.2f} points on average; lag-1 memory of the pairs {row.phi:.2f}"
    words = "; ".join(part for part in (width, note) if part)
    return scored(
        "asymmetry", what, on, "%", row.repetitions, 100.0 * row.coverage, "holds the truth", TARGET, note=words
    )


def read_column(path: Path, column: str) -> FloatArray:
    """Values of a column of the runscribe table (two header rows). InputError when it is not that table."""
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        place = [name.strip() for name in rows[0]].index(column)
        return np.array([float(row[place]) for row in rows[2:]])
    except (OSError, ValueError, IndexError) as error:
        raise InputError(Problem(str(path), column, f"no such numbers ({error})", "the runscribe table")) from None
