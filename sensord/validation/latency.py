"""Rows of delay: how many samples after a contact it is told, and how long after its end a stride is final."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sensord.dsp.foot import FootAnalyser
from sensord.files.imu_recording import ImuRecording
from sensord.model import NS, Contact, FootNote, SampleBlock, Side, Stride
from sensord.validation.contacts import NEAR_RUN_S
from sensord.validation.datasets import DERIVED
from sensord.validation.rows import On, Row, Target, scored
from sensord.validation.statistics import agreement, match_events
from sensord.validation.trial import Trial
from sensord.validation.workbench import Workbench

SECTION = "delay"
VARIANTS = ("smooth_200hz", "impact_200hz")
PROVISIONAL = Target(score_max=40.0, words="each within 40 ms")
ROWS_A_PUSH = 2
"""10 ms at 200 Hz: what is told is told at the end of a push. The delay counts to the newest sample pushed."""


@dataclass(frozen=True, slots=True)
class _Told:
    """When things were told (the newest sample's time, s): contacts, strides with the end they tell of, alignment."""

    contacts_s: list[float]
    strides_s: list[tuple[float, float]]
    aligned_s: float


def delays(bench: Workbench) -> list[Row]:
    """Provisional contacts and final strides of both runners, fed 10 ms at a time."""
    rows = []
    for source in DERIVED:
        for variant in VARIANTS:
            trial = bench.derived_trial(source, variant)
            told = {side: _told(side, trial.recordings[side]) for side in Side}
            rows += [_provisional(trial, told), *_final(trial.on, told)]
    return rows


def _told(side: Side, recording: ImuRecording) -> _Told:
    foot = FootAnalyser(side, recording.rate_hz)
    contacts: list[float] = []
    strides: list[tuple[float, float]] = []
    aligned_s = float("inf")
    for piece in _pieces(recording):
        now_s = float(piece.t_pod_ns[-1]) / NS
        for item in foot.push(piece):
            if isinstance(item, Contact):
                contacts.append(now_s)
            elif isinstance(item, Stride) and item.next_ic_pod_ns is not None:
                strides.append((now_s, item.next_ic_pod_ns / NS))
            elif isinstance(item, FootNote) and item.code == "aligned":
                aligned_s = min(aligned_s, now_s)
    return _Told(contacts, strides, aligned_s)


def _pieces(recording: ImuRecording) -> Iterator[SampleBlock]:
    for block in recording.blocks:
        for start in range(0, len(block), ROWS_A_PUSH):
            rows = slice(start, start + ROWS_A_PUSH)
            yield replace(
                block,
                t_pod_ns=block.t_pod_ns[rows],
                acc_mps2=block.acc_mps2[rows],
                gyr_radps=block.gyr_radps[rows],
                saturated=block.saturated[rows],
                missing_before=block.missing_before if start == 0 else 0,
            )


def _provisional(trial: Trial, told: dict[Side, _Told]) -> Row:
    """Delay of provisional contacts after the force plate's; the first contacts come before the pod is aligned."""
    late: list[float] = []
    true = invented = 0
    for side, truth in trial.truth.items():
        matches = match_events(told[side].contacts_s, truth.ic_s, 2 * NEAR_RUN_S)
        late += [1000.0 * float(told[side].contacts_s[i] - truth.ic_s[j]) for i, j in matches.pairs]
        true, invented = true + len(truth.ic_s), invented + len(matches.invented)
    got = agreement(late)
    note = f"{len(late)} of {true} contacts told, {invented} told that nobody made"
    largest = max(late, default=None)
    what = "provisional contact after the true one"
    return scored(
        SECTION, what, trial.on, "ms", len(late), largest, "largest", PROVISIONAL, bias=got.bias, sd=got.sd, note=note
    )


def _final(on: On, told: dict[Side, _Told]) -> list[Row]:
    """How long after its end a stride is told: those that another follows, and the last before standing.

    The first ones wait until the pod is aligned, and are counted apart.
    """
    ends = [np.diff([end for _, end in one.strides_s]) for one in told.values()]
    shortest = 1000.0 * float(min(gaps.min() for gaps in ends if len(gaps)))
    target = Target(score_max=shortest, words=f"at most one stride late ({shortest:.0f} ms)")
    waited = [now - end for one in told.values() for now, end in one.strides_s if now <= one.aligned_s]
    note = f"{len(waited)} more waited up to {max(waited, default=0.0):.1f} s for the alignment"
    late = [[1000.0 * (now - end) for now, end in one.strides_s if now > one.aligned_s] for one in told.values()]
    return [
        _late_row("final stride after its end", on, [x for own in late for x in own[:-1]], target, note),
        _late_row("final stride after its end, the last before standing", on, [own[-1] for own in late if own], target),
    ]


def _late_row(what: str, on: On, late: list[float], target: Target, note: str = "") -> Row:
    got, largest = agreement(late), max(late, default=None)
    return scored(
        SECTION, what, on, "ms", len(late), largest, "largest", target, bias=got.bias, sd=got.sd, note=note
    )  # fmt: skip
