"""Rows of what the acceleration adds to the pitch rate in the timing of running contacts.

Only where no impact was placed at the force plate's event: the `smooth` variants, and the simulator.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sensord.dsp import detector
from sensord.model import Side
from sensord.validation.contacts import MEASURES, NEAR_RUN_S, NO_TIMING, timing_rows
from sensord.validation.datasets import DERIVED
from sensord.validation.rows import Kind, On, Row, Target, scored
from sensord.validation.simulated import STRIKES_DEG, Case, simulated
from sensord.validation.statistics import agreement
from sensord.validation.trial import Found, find
from sensord.validation.workbench import Workbench

SECTION = "timing by sensor"
IMPROVES = Target(score_max=0.0, words="improves the SD")


@contextmanager
def pitch_rate_alone() -> Iterator[None]:
    """Contacts of running are timed without the acceleration while this lasts.

    The detector has no switch for it, because nobody who wears a pod should have one.
    """
    names = vars(detector)
    whole = names["find_contact"]

    def without(*args: object) -> object:
        return whole(*args[:5])

    names["find_contact"] = without
    try:
        yield
    finally:
        names["find_contact"] = whole


def rows(bench: Workbench) -> list[Row]:
    """IC, TC and contact time by the pitch rate alone, and what the acceleration does to their SD."""
    out: list[Row] = []
    for source in DERIVED:
        both = bench.derived(source, "smooth_200hz")
        with pitch_rate_alone():
            alone = find(both.trial)
        out += _compared(alone, both)
    for strike, angle in STRIKES_DEG.items():
        on = On(f"{strike}, 12 km/h", Kind.SIMULATED)
        both = simulated(Case(12.0, angle), on)
        with pitch_rate_alone():
            alone = find(both.trial)
        out += _compared(alone, both)
    return out


def _compared(alone: Found, both: Found) -> list[Row]:
    out = [_named(row, f"{row.what}, pitch rate alone") for row in timing_rows(alone, SECTION, NEAR_RUN_S, {})]
    for what, measure in MEASURES.items():
        spreads = [
            agreement(sum((measure(found, side, NEAR_RUN_S) for side in Side), NO_TIMING).errors_ms)
            for found in (alone, both)
        ]
        before, after = (spread.sd for spread in spreads)
        change = None if before is None or after is None else after - before
        name = f"{what}, SD with the acceleration less SD without"
        n = min(spread.n for spread in spreads)
        judged = IMPROVES if what == "IC" else None
        out.append(scored(SECTION, name, both.trial.on, "ms", n, change, "change of SD", judged))
    return out


def _named(row: Row, what: str) -> Row:
    return replace(row, what=what)
