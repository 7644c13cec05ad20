"""Rows of the foot strike: angle at contact, and rearfoot told from the rest."""

from __future__ import annotations

from sensord.model import Side, Stride
from sensord.validation.contacts import NEAR_RUN_S, matched_strides, of_strides
from sensord.validation.datasets import DERIVED, JDX, DerivedSet
from sensord.validation.rows import Kind, On, Row, Target, compared, scored
from sensord.validation.workbench import Workbench

VARIANTS = ("smooth_200hz", "impact_200hz", "impact_400hz", "impact_100hz")
ANGLE = Target(bias=3.0, sd=2.0)
REARFOOT_DEG = 8.0
"""Which true angles count as rearfoot. Any border between the two runners' angles (4 and 26°) says the same; 8° is the
usual one (Altman & Davis 2012, doi:10.1016/j.gaitpost.2011.09.104, as others quote it)."""
NO_STANDING = "its flat reference is the loaded foot in mid-stance (no standing trial): good to ± 2–3°"


def strikes(bench: Workbench) -> list[Row]:
    """Angle of both runners and feet; and whether every stride is called by its name."""
    rows: list[Row] = []
    for source in DERIVED:
        for variant in VARIANTS:
            rows += _angles(bench, source, variant)
    return rows + [_told_apart(bench, variant) for variant in VARIANTS]


def _angles(bench: Workbench, source: DerivedSet, variant: str) -> list[Row]:
    found = bench.derived(source, variant)
    errors: list[float] = []
    true: list[float] = []
    of = 0
    for side in Side:
        part = of_strides(found, side, NEAR_RUN_S, lambda s: s.strike_angle_deg, lambda t: t.strike_angle_deg)
        errors, true, of = errors + part.errors_ms, true + part.true_ms, of + part.of
    judged = ANGLE if source is not JDX else Target(sd=2.0)
    note = NO_STANDING if source is JDX else ""
    return [compared("strike", "strike angle", found.trial.on, "°", errors, true, judged, of=of, note=note)]


def called_rearfoot(stride: Stride) -> bool | None:
    """Whether a stride is called a rearfoot strike, by the larger probability; by its name without probabilities."""
    if stride.strike_rearfoot_p is not None:
        return stride.strike_rearfoot_p > 0.5
    return None if stride.strike_type is None else stride.strike_type == "rearfoot"


def _told_apart(bench: Workbench, variant: str) -> Row:
    right = said = of = rearfoot = 0
    for source in DERIVED:
        for stride, truth in matched_strides(bench.derived(source, variant), NEAR_RUN_S):
            assert truth.strike_angle_deg is not None
            heel, called = truth.strike_angle_deg > REARFOOT_DEG, called_rearfoot(stride)
            of, rearfoot, said = of + 1, rearfoot + heel, said + (called is not None)
            right += called is heel
    on = On(f"jdx and rbds, {variant.replace('_', ' ').replace('hz', ' Hz')}", Kind.DERIVED, 2)
    return scored(
        "strike",
        "rearfoot told from non-rearfoot",
        on,
        "%",
        of,
        100.0 * right / of if said else None,
        "right",
        Target(score_min=100.0, words="every stride"),
        constant=100.0 * max(rearfoot, of - rearfoot) / of,
        note="one runner of each kind: shows that they differ, not where the border lies" if said else "",
        reason="" if said else "no stride has this value",
    )
