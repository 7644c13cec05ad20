"""Rows of robustness: the recorded signals turned in their pods, at other rates, and at rates that are too low."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from sensord.model import FloatArray, Side, Stride
from sensord.validation.contacts import (
    MEASURES,
    NEAR_RUN_S,
    NEAR_WALK_S,
    NO_TIMING,
    contact_counts,
    contact_time,
    counted,
    matched_strides,
    timing_rows,
    unjudged,
)
from sensord.validation.datasets import DERIVED, DerivedSet, read_json
from sensord.validation.resample import in_band_of
from sensord.validation.rows import Kind, On, Row, Target, Verdict, scored
from sensord.validation.statistics import Agreement, agreement
from sensord.validation.trial import Found, Trial, TrueStride, find
from sensord.validation.workbench import Workbench

SECTION = "robustness"
VARIANT = "smooth_200hz"
ROTATIONS = 20
SEED = 20
PITCHES_DEG = (-30.0, 30.0)
UNCHANGED = 10.0
FLOOR = 0.5
"""Ten per cent of a small spread (ms, %, °) is less than noise does: changes are counted against at least this. Design
choice."""
WALK_ROTATIONS = 5
SLOW_HZ = 100.0
LOW_RATES_HZ = (50.0, 52.0, 60.0)


@dataclass(frozen=True, slots=True)
class _Score:
    """What a change of mount or rate must leave as it was: whether all was found; bias and SD of each measure."""

    complete: bool
    measures: dict[str, Agreement]


def _measured(found: Found, near_s: float) -> dict[str, Agreement]:
    """Agreement of everything the trial has a truth for."""
    sides = found.trial.truth
    errors = {what: sum((m(found, s, near_s) for s in sides), NO_TIMING).errors_ms for what, m in MEASURES.items()}
    for what, (said, true, relative) in VALUES.items():
        known = [(said(s), true(t)) for s, t in matched_strides(found, near_s, sides)]
        both = [(a, b) for a, b in known if a is not None and b is not None]
        errors[what] = [100.0 * (a / b - 1.0) if relative else a - b for a, b in both]
    return {what: agreement(values) for what, values in errors.items()}


VALUES: dict[str, tuple[Callable[[Stride], float | None], Callable[[TrueStride], float | None], bool]] = {
    "stride length, %": (lambda s: s.trajectory_length_m, lambda t: t.stride_length_m, True),
    "speed, %": (lambda s: s.speed_mps, lambda t: t.speed_mps, True),
    "strike angle, °": (lambda s: s.strike_angle_deg, lambda t: t.strike_angle_deg, False),
}


def _score(found: Found, near_s: float) -> _Score:
    true, hits, invented = contact_counts(found, near_s)
    return _Score(hits == true and not invented, _measured(found, near_s))


def turned(trial: Trial, matrices: dict[Side, FloatArray]) -> Trial:
    """The same motion with the pods mounted another way: `matrices` take pod axes to the new ones."""
    recordings = {
        side: replace(
            recording,
            blocks=tuple(
                replace(
                    block,
                    acc_mps2=np.ascontiguousarray(block.acc_mps2 @ matrices[side].T),
                    gyr_radps=np.ascontiguousarray(block.gyr_radps @ matrices[side].T),
                )
                for block in recording.blocks
            ),
        )
        for side, recording in trial.recordings.items()
    }
    return replace(trial, recordings=recordings)


def mounts(bench: Workbench) -> list[Row]:
    """20 rotations at random, pods pitched by 30 degrees either way, and axes put in every other order."""
    rows = []
    for source in DERIVED:
        ways = {
            f"{ROTATIONS} rotations": [_same(m) for m in _rotations()],
            "pitched by ± 30°": [_pitched(bench, source, deg) for deg in PITCHES_DEG],
            "axes in 24 orders": [_same(m) for m in _axis_orders()],
        }
        for words, matrices in ways.items():
            rows += _mount_rows(bench.derived(source, VARIANT), words, matrices, NEAR_RUN_S)
    rotations = [_same(m) for m in _rotations()[:WALK_ROTATIONS]]
    return rows + _mount_rows(bench.gaitmap(), f"{WALK_ROTATIONS} rotations", rotations, NEAR_WALK_S)


def _same(matrix: FloatArray) -> dict[Side, FloatArray]:
    return dict.fromkeys(Side, matrix)


def _rotations() -> list[FloatArray]:
    return list(Rotation.random(ROTATIONS, rng=np.random.default_rng(SEED)).as_matrix())


def _axis_orders() -> list[FloatArray]:
    """The 24 right-handed ways of naming three perpendicular axes."""
    out = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[range(3), order] = signs
            if np.linalg.det(matrix) > 0:
                out.append(matrix)
    return out


def _pitched(bench: Workbench, source: DerivedSet, deg: float) -> dict[Side, FloatArray]:
    """A turn about the foot's own pitch axis, by the mount that the truth states."""
    feet = read_json(bench.data / source.folder / "truth.json")["feet"]
    turn = Rotation.from_euler("y", deg, degrees=True).as_matrix()
    out = {}
    for side in Side:
        to_foot = np.array(feet[side.value]["mount"]["R_FP"])
        out[side] = to_foot.T @ turn @ to_foot
    return out


def _mount_rows(found: Found, words: str, ways: list[dict[Side, FloatArray]], near_s: float) -> list[Row]:
    before = _score(found, near_s)
    after = [_score(find(turned(found.trial, matrices)), near_s) for matrices in ways]
    on = On(f"{found.trial.on.data}, {words}", found.trial.on.kind)
    same = sum(score.complete == before.complete for score in after)
    what = "mounts with the same contacts found and invented"
    share = scored(SECTION, what, on, "%", len(after), 100.0 * same / len(after), "share", Target(score_min=100.0))
    return [share, *_changes(on, before, after)]


def _changes(on: On, before: _Score, after: list[_Score]) -> list[Row]:
    return [_change(on, what, was, [score.measures[what] for score in after]) for what, was in before.measures.items()
            if was.n]  # fmt: skip


def _change(on: On, what: str, before: Agreement, after: list[Agreement]) -> Row:
    """The most that the SD grew, in per cent of what it was (0: nowhere); how far the bias moved stands beside it."""
    target = Target(score_max=UNCHANGED, words="SD grows ≤ 10 %")
    name = f"change of {what}"
    spreads = [a.sd for a in after if a.sd is not None]
    biases = [a.bias for a in after if a.bias is not None]
    if before.sd is None or before.bias is None or len(spreads) < len(after):
        return scored(SECTION, name, on, "%", len(after), None, "", target, reason="values were lost")
    base = max(before.sd, FLOOR)
    worst = max(0.0, *(100.0 * (sd - before.sd) / base for sd in spreads))
    shift = max(abs(bias - before.bias) for bias in biases)
    fewest = min(a.n for a in after)
    note = f"bias changes by {shift:.2f} at most" + (
        f"; {fewest} of {before.n} values left" if fewest < before.n else ""
    )
    return scored(SECTION, name, on, "%", len(after), worst, "largest growth of SD", target, note=note)


def rates(bench: Workbench) -> list[Row]:
    """100 Hz (resampled) and 400 Hz against 200 Hz of the same run; 100 Hz also against 200 Hz in its band.

    A lower rate loses what lies above its band: what it changes beside the same band at 200 Hz is sensord's doing.
    """
    rows = []
    for source in DERIVED:
        slow, fast = bench.derived_at(source, SLOW_HZ), bench.derived(source, "impact_400hz")
        rows += _rate_rows(slow, bench.derived(source, VARIANT), "against 200 Hz")
        in_band = find(in_band_of(bench.derived_trial(source, VARIANT), SLOW_HZ))
        beside = _rate_rows(slow, in_band, "against 200 Hz in its band")
        rows += [replace(row, target="", verdict=Verdict.REPORTED) for row in beside]
        rows += [unjudged(row) for row in _rate_rows(fast, bench.derived(source, "impact_200hz"), "against 200 Hz")]
    return rows


def _rate_rows(found: Found, before: Found, words: str) -> list[Row]:
    on = On(f"{found.trial.on.data}, {words}", Kind.DERIVED)
    return _changes(on, _score(before, NEAR_RUN_S), [_score(found, NEAR_RUN_S)])


def low_rates(bench: Workbench) -> list[Row]:
    """50 to 60 Hz: contacts, and contact times honest or empty."""
    rows = []
    for source in DERIVED:
        for rate_hz in LOW_RATES_HZ:
            found = bench.derived_at(source, rate_hz)
            on = found.trial.on
            rows.append(counted(SECTION, on, *contact_counts(found, NEAR_RUN_S)))
            rows.append(_honest(found))
            rows += timing_rows(found, SECTION, NEAR_RUN_S, {})
    return rows


def _honest(found: Found) -> Row:
    """Contact time given by strides that are trusted is right within the bias and 2 SD of 100 Hz, or not given."""
    told = sum((contact_time(found.trusted(), side, NEAR_RUN_S) for side in Side), NO_TIMING)
    far = [e for e in told.errors_ms if abs(e) > FAR_MS]
    share = 100.0 * len(far) / len(told.errors_ms) if told.errors_ms else 0.0
    note = f"{len(told.errors_ms)} of {told.of} contact times given with confidence 0.5 or more"
    return scored(
        SECTION,
        f"contact times off by more than {FAR_MS:g} ms",
        found.trial.on,
        "%",
        told.of,
        share,
        "share",
        Target(score_max=0.0, words="none, or no value"),
        note=note,
    )


FAR_MS = 28.0
"""What 100 Hz may be off by at the targets' edge: |bias| 12 ms and two SD of 8 ms."""


def rows(bench: Workbench) -> list[Row]:
    """All of them."""
    return [*mounts(bench), *rates(bench), *low_rates(bench)]
