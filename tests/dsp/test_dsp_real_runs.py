"""Feet of real people. Single runners: demonstrations, not population figures (sources: the data folder's README).

`pytest tests/dsp/test_dsp_real_runs.py -k timing -s` prints found, bias and spread against force plates.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sensord.dsp.foot import Item
from sensord.files.imu_csv import read_imu_csv
from sensord.files.imu_recording import ImuRecording
from sensord.files.wearable_my_foot import read_wearable_my_foot
from sensord.model import NS, Activity, SampleBlock, Side
from tests.dsp.made_feet import (
    DERIVED,
    analyse,
    block,
    contacts_s,
    cut,
    gaitmap_walk,
    ipol_walk,
    match,
    notes,
    rotated,
    say,
    strides,
    toe_offs_s,
    truth,
)

pytestmark = pytest.mark.data

WITHIN_S = 0.06
FEET = [side.value for side in Side]
VARIANTS = ["smooth_200hz", "impact_100hz", "impact_200hz", "impact_400hz", "hard_400hz"]


def recording(data: Path, runner: str, variant: str, foot: str) -> ImuRecording:
    return read_imu_csv(data / DERIVED[runner] / f"{variant}_{foot}.csv")


def found(data: Path, runner: str, variant: str, foot: str) -> list[Item]:
    rec = recording(data, runner, variant, foot)
    return analyse(rec.blocks, rec.rate_hz, Side(foot))


@pytest.mark.parametrize("foot", FEET)
@pytest.mark.parametrize("variant", [*VARIANTS, "impact_lossy_200hz"])
@pytest.mark.parametrize("runner", sorted(DERIVED))
def test_every_contact_timing(sensord_data: Path, runner: str, variant: str, foot: str) -> None:
    """Every contact of the force plate, the last before standing included, none more; timing within the targets.

    No constant was fitted to these force plates (`bench/fit_contact.py`). In all variants but `smooth` the shock was
    placed at the force event, so there initial contact is no evidence.
    """
    items, true = found(sensord_data, runner, variant, foot), truth(sensord_data, runner, foot)
    ic = match(contacts_s(items), true["ic_pod_s"], WITHIN_S)
    complete = [t for t in true["tc_pod_s"] if true["ic_pod_s"][0] < t < true["ic_pod_s"][-1]]
    tc = match(toe_offs_s(items), complete, WITHIN_S)
    say(f"\n{runner} {variant} {foot}: {len(strides(items))} strides; IC {ic}; TC {tc}")
    assert (ic.missed, ic.invented, tc.missed, tc.invented) == ([], [], [], [])
    whole = [s for s in strides(items) if not s.gap]
    ic = match(np.array([s.ic_pod_ns / NS for s in whole]), true["ic_pod_s"], WITHIN_S)
    tc = match(toe_offs_s(whole), complete, WITHIN_S)
    assert abs(ic.bias_ms) < 10.0
    assert abs(tc.bias_ms) < 10.0
    assert ic.sd_ms < 3.0
    assert tc.sd_ms < 4.0
    assert {s.activity for s in strides(items)} == {Activity.RUN}
    assert notes(items) == ["aligned"]


def contact_off_ms(data: Path, runner: str, variant: str, foot: str) -> np.ndarray:
    """Contact time, found minus true, stride by stride."""
    true = truth(data, runner, foot)
    ends = np.array(true["tc_pod_s"])
    spans = np.array([(ic, ends[ends > ic][0]) for ic in true["ic_pod_s"] if (ends > ic).any()])
    off = []
    for s in strides(found(data, runner, variant, foot)):
        if s.contact_time_s is not None and not s.gap:
            ic, tc = spans[np.abs(spans[:, 0] - s.ic_pod_ns / NS).argmin()]
            off.append(1000.0 * (s.contact_time_s - (tc - ic)))
    return np.array(off)


@pytest.mark.parametrize(("variant", "most_ms"), [("smooth_200hz", 5.0), ("impact_200hz", 5.0), ("impact_100hz", 8.0)])
def test_contact_time_and_what_two_runners_differ_by(sensord_data: Path, variant: str, most_ms: float) -> None:
    """They differ by 17 ms; equal biases mean that the difference is told rightly."""
    bias: dict[str, list[float]] = {runner: [] for runner in DERIVED}
    for runner in DERIVED:
        for foot in FEET:
            off = contact_off_ms(sensord_data, runner, variant, foot)
            say(f"\n{variant} {runner} {foot}: contact {off.mean():+.1f} ± {off.std(ddof=1):.1f} ms")
            assert len(off) > 10
            assert off.std(ddof=1) < most_ms
            assert abs(off.mean()) < 12.0
            bias[runner].append(float(off.mean()))
    first, second = (np.mean(both) for both in bias.values())
    assert abs(first - second) < 5.0


@pytest.mark.parametrize("runner", sorted(DERIVED))
def test_the_impact_shows_at_full_scale(sensord_data: Path, runner: str) -> None:
    """`hard` clips some landings at 16 g: those are floors above 16 g, and only those are marked."""
    said = strides(found(sensord_data, runner, "hard_400hz", "left"))
    clipped = [s for s in said if s.impact_clipped]
    assert clipped
    assert all(s.impact_peak_g is not None and s.impact_peak_g > 15.9 for s in clipped)
    assert not any(s.impact_clipped for s in strides(found(sensord_data, runner, "smooth_200hz", "left")))


@pytest.mark.parametrize("runner", sorted(DERIVED))
def test_mounts_change_no_contact_by_a_sample(sensord_data: Path, runner: str) -> None:
    rec = recording(sensord_data, runner, "impact_200hz", "left")
    expected = contacts_s(analyse(rec.blocks, rec.rate_hz))
    for rotation in Rotation.random(6, rng=np.random.default_rng(20)):
        matrix = rotation.as_matrix()
        turned = contacts_s(analyse([rotated(b, matrix) for b in rec.blocks], rec.rate_hz))
        assert len(turned) == len(expected)
        assert np.abs(turned - expected).max() <= 1 / rec.rate_hz


def run_of_a_streamed_pod(data: Path) -> ImuRecording:
    return read_wearable_my_foot(data / "wearable_my_foot/test-run.csv")


def test_a_streamed_run_with_losses_and_clipping(sensord_data: Path) -> None:
    """141 strides by hand count, 140.5 by a Stryd pod; standing in the first and last second."""
    rec = run_of_a_streamed_pod(sensord_data)
    items = analyse(rec.blocks, rec.rate_hz)
    said = strides(items)
    times = contacts_s(items) - rec.blocks[0].t_pod_ns[0] / 1e9
    cadence = float(np.median([s.cadence_spm for s in said if s.activity is Activity.RUN]))
    say(f"\n{len(said)} strides, {cadence:.1f} spm, {times[0]:.2f} to {times[-1]:.2f} s")
    assert abs(len(said) - 141) <= 2
    assert 168.0 <= cadence <= 173.0
    assert times[0] > 1.0
    assert times[-1] < 101.0
    assert sum(s.impact_clipped for s in said) > 10
    assert sum(s.confidence >= 0.5 or "gap_at_next_contact" in s.spoiled for s in said) > 100
    assert sum(s.confidence >= 0.5 for s in said) > 90  # 11 % of the samples are lost, and so are ends of strides


def test_the_streamed_run_cut_anywhere(sensord_data: Path) -> None:
    rec = run_of_a_streamed_pod(sensord_data)
    whole = SampleBlock(
        *(np.concatenate([getattr(b, name) for b in rec.blocks]) for name in ("t_pod_ns", "acc_mps2", "gyr_radps")),
        saturated=np.concatenate([b.saturated for b in rec.blocks]),
    )
    expected = analyse(whole, rec.rate_hz)
    assert analyse(rec.blocks, rec.rate_hz) == expected
    for size in (3, 37):
        assert analyse(cut(whole, size), rec.rate_hz) == expected


def test_a_pod_at_rest_with_defects_gives_no_stride(sensord_data: Path) -> None:
    rec = read_wearable_my_foot(sensord_data / "wearable_my_foot/other/still-6000rows.csv")
    assert (rec.defects.backward_steps, rec.defects.repeats) == (656, 1982)
    assert rec.defects.rows - rec.defects.dropped == len(rec)
    assert analyse(rec.blocks, rec.rate_hz) == []


def test_jogging_with_dropouts_has_plausible_rows(sensord_data: Path) -> None:
    """No truth: placement unknown. What is said must hold together."""
    rec = read_wearable_my_foot(sensord_data / "wearable_my_foot/other/ble-dropouts-2020-08-25.csv")
    said = strides(analyse(rec.blocks, rec.rate_hz))
    say(f"\n{len(said)} strides")
    for s in said:
        assert s.stride_time_s is None or 0.3 < s.stride_time_s <= 2.5


@pytest.mark.parametrize("side", list(Side))
def test_walking_is_found_as_walking(sensord_data: Path, side: Side) -> None:
    """Optical truth of 28 + 29 strides of 2 x 20 m."""
    whole, events = gaitmap_walk(sensord_data, side)
    items = analyse(whole, 204.8, side)
    ic = match(contacts_s(items), [ic for ic, _ in events], within_s=0.1)
    tc = match(toe_offs_s(items), [tc for _, tc in events], within_s=0.1)
    say(f"\n{side}: {len(strides(items))} strides; IC {ic.found}/{len(events)} {ic.timing}; TC {tc.found} {tc.timing}")
    assert (ic.missed, tc.missed) == ([], [])
    # steps at start, turn and stop are not in the truth (the turn: two contacts with more than 1.6 s in between)
    true = np.array([time for time, _ in events])
    turns = [(a, b) for a, b in itertools.pairwise(true) if b - a > 1.6]
    apart = [t for t in ic.invented if not true[0] < t < true[-1] or any(a < t < b for a, b in turns)]
    assert ic.invented == apart
    assert len(apart) <= 3 + len(turns)
    assert {s.activity for s in strides(items)} == {Activity.WALK}
    assert abs(ic.bias_ms) < 20.0
    assert ic.sd_ms < 7.5
    assert abs(tc.bias_ms) < 5.0
    # the reference has steps of 10 ms (2.9 ms SD of its own); in the turn it lets a toe go 23 ms before the foot rises
    usual = match(toe_offs_s(items), [tc for _, tc in events if not 17.0 < tc < 17.6], within_s=0.1)
    assert usual.sd_ms < 3.8


def test_indoor_walks_with_a_turn(sensord_data: Path) -> None:
    """Five people, 10 m, turn, back; small turning steps are the hard part. The floor guards against decay.

    Events on the bounds of a trial and after it (shuffling into place) are left out.
    """
    trials = sorted(p.stem for p in (sensord_data / "ipol_walk").glob("*.json"))
    hit = missed = invented = 0
    for trial in trials:
        for foot in ("lf", "rf"):
            whole, true, (low, high) = ipol_walk(sensord_data, trial, foot)
            inside = [t for t in true if low + 0.03 < t < high - 0.03]
            found = [t for t in contacts_s(analyse(whole, 100.0)) if low < t < high - 0.1]
            one = match(np.array(found), inside, within_s=0.1)
            hit, missed, invented = hit + one.found, missed + len(one.missed), invented + len(one.invented)
    f1 = 2 * hit / (2 * hit + missed + invented)
    say(f"\nIPOL: {hit} found, {missed} missed, {invented} invented, F1 {f1:.3f}")
    assert len(trials) == 5
    assert f1 >= 0.97


def test_a_start_in_motion(sensord_data: Path) -> None:
    rec = recording(sensord_data, "rbds", "smooth_200hz", "right")
    whole = rec.blocks[0]
    rows = np.concatenate([b.t_pod_ns for b in rec.blocks]) > 8_000_000_000
    acc, gyr = (np.concatenate([getattr(b, n) for b in rec.blocks])[rows] for n in ("acc_mps2", "gyr_radps"))
    t_s = np.concatenate([b.t_pod_ns for b in rec.blocks])[rows] / 1e9
    assert whole.segment == 0
    items = analyse(block(t_s, acc, gyr), rec.rate_hz)
    true = [t for t in truth(sensord_data, "rbds", "right")["ic_pod_s"] if t > 8.3]
    assert match(contacts_s(items), true, WITHIN_S).missed == []
