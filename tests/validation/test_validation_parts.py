"""The parts that make rows: gaps that excuse, pods turned, speeds taught, files of other pods."""

from __future__ import annotations

import builtins
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sensord.errors import InputError
from sensord.model import NS, Side, StepLengths, Stride
from sensord.validation import datasets, robustness, streamed
from sensord.validation.contacts import NEAR_RUN_S, counts_inside, ic_timing, matched_strides, tc_timing, unjudged
from sensord.validation.datasets import chord, rests_inside
from sensord.validation.fit_file import read_seconds
from sensord.validation.latency import _final, _Told
from sensord.validation.lengths import taught_strides
from sensord.validation.resample import in_band_of, resampled
from sensord.validation.rows import Kind, On, Target, Verdict, compared
from sensord.validation.simulated import Case, outside_gaps, simulated
from sensord.validation.timing_sources import pitch_rate_alone
from sensord.validation.trial import FootTruth, Found, Trial, TrueStride
from sensord.validation.walking import Part, tallied
from sensord.validation.workbench import Workbench
from tests.load.made_strides import a_stride

ON = On("made", Kind.SIMULATED)


def found(times_s: list[float], true_s: list[float], gaps: tuple[int, ...] = ()) -> Found:
    """Strides that begin at these times (0.25 s of contact), and their truth; those of `gaps` touch a gap."""
    ends = [*times_s[1:], times_s[-1] + 0.7]
    own = tuple(
        a_stride(Side.LEFT, t, end, stride=k, tc_pod_ns=round((t + 0.25) * NS), gap=k in gaps)
        for k, (t, end) in enumerate(zip(times_s, ends, strict=True))
    )
    truth = tuple(TrueStride(t, t + 0.24, n) for t, n in pairwise(true_s))
    foot = FootTruth(np.array(true_s), np.array([t.tc_s for t in truth]), truth)
    return Found(Trial(ON, "R", 200.0, {}, {Side.LEFT: foot}), {Side.LEFT: own})


def test_events_of_known_strides() -> None:
    one = found([1.01, 1.71, 2.41], [1.0, 1.7, 2.4, 3.1])
    assert ic_timing(one, Side.LEFT, NEAR_RUN_S).errors_ms == pytest.approx([10.0] * 4)
    assert tc_timing(one, Side.LEFT, NEAR_RUN_S).errors_ms == pytest.approx([20.0] * 3)
    assert len(matched_strides(one, NEAR_RUN_S, [Side.LEFT])) == 3


def test_only_a_marked_gap_excuses_a_miss() -> None:
    true = [1.0, 1.7, 2.4, 3.1]
    assert outside_gaps(found([1.0, 2.4], true), NEAR_RUN_S) == (4, 3, 0, 0)
    assert outside_gaps(found([1.0, 2.4], true, gaps=(0,)), NEAR_RUN_S) == (3, 3, 0, 1)
    assert outside_gaps(found([1.0, 1.3, 1.7, 2.4], true), NEAR_RUN_S) == (4, 4, 1, 0)


def test_what_is_found_outside_of_the_reference_is_counted_apart() -> None:
    inside = counts_inside(found([0.3, 1.0, 1.35, 1.7], [1.0, 1.7, 2.4]), NEAR_RUN_S)
    assert (inside.true, inside.found, inside.invented, inside.unlisted, inside.outside) == (3, 3, 1, 0, 1)


def test_a_contact_where_the_references_own_path_rests_is_not_invented() -> None:
    one = found([1.0, 1.35, 1.7], [1.0, 1.7, 2.4])
    truth = {side: replace(own, unlisted_s=(1.36,)) for side, own in one.trial.truth.items()}
    inside = counts_inside(replace(one, trial=replace(one.trial, truth=truth)), NEAR_RUN_S)
    assert (inside.invented, inside.unlisted, inside.outside) == (0, 1, 0)


def test_a_path_that_rests_on_its_way_and_one_that_goes_round_a_bend() -> None:
    rate_hz = 100.0
    still, stride = np.zeros(30), np.linspace(0.0, 1.2, 60)
    two = np.concatenate([still, stride, still + 1.2, stride + 1.2, still + 2.4])
    path = np.stack([two, np.zeros_like(two), np.zeros_like(two)], axis=1)
    (rest_s,) = rests_inside(path, rate_hz)
    assert rest_s == pytest.approx(0.9, abs=0.1)
    assert rests_inside(path[:90], rate_hz) == []
    assert chord(path) == pytest.approx((2.4, 0.0))
    angle = np.linspace(0.0, np.pi / 2, 50)
    bend = np.stack([np.sin(angle), 1.0 - np.cos(angle), np.zeros(50)], axis=1)
    length, aside = chord(bend)
    assert length == pytest.approx(np.sqrt(2.0))
    assert aside == pytest.approx(1.0 - np.sqrt(0.5), abs=0.01)


def test_events_of_a_walk_are_counted_where_the_data_set_says_they_lie() -> None:
    one = found([1.0, 1.7, 2.41, 3.1, 9.0], [1.0, 1.7, 2.4, 3.1, 8.0])
    bounded = replace(one, trial=replace(one.trial, walk_s=(0.9, 3.2), turn_s=(2.2, 2.6)))
    side = next(iter(bounded.trial.truth))
    told = tallied(bounded, side, "IC")
    trues = {part: tally.true for part, tally in told.items()}
    assert trues == {Part.WALK: 2, Part.TURN: 1, Part.EDGE: 1, Part.AFTER: 1}
    assert (told[Part.AFTER].missed, told[Part.AFTER].invented) == (1, 2)  # 9.0, and the contact that ends its stride
    assert told[Part.WALK].f1 == 1.0
    assert told[Part.TURN].errors_ms == pytest.approx((10.0,))
    everywhere = tallied(one, side, "IC")
    assert everywhere[Part.AFTER].true == 0


def test_the_simulated_truth_is_on_the_clock_of_each_pod() -> None:
    one = simulated(Case(10.0, duration_s=12.0), ON)
    for side in Side:
        assert abs(ic_timing(one, side, NEAR_RUN_S).errors_ms[0]) < 20.0
        truth = one.trial.truth[side]
        assert [s.ic_s for s in truth.strides] == pytest.approx(truth.ic_s[: len(truth.strides)], abs=1e-6)


def test_axes_are_put_in_24_orders_and_turned_without_a_mirror() -> None:
    orders = robustness._axis_orders()
    assert len({m.tobytes() for m in orders}) == 24
    assert all(np.linalg.det(m) == pytest.approx(1.0) and np.abs(m).sum() == 3.0 for m in orders)


def test_the_band_of_a_lower_rate_is_what_that_rate_leaves() -> None:
    """At the lower rate's samples both are the same, but where the signal begins and ends."""
    trial = simulated(Case(10.0, duration_s=6.0), ON).trial
    slow, in_band = resampled(trial, 100.0), in_band_of(trial, 100.0)
    for side in Side:
        low = np.concatenate([b.gyr_radps for b in slow.recordings[side].blocks])
        same, whole = (np.concatenate([b.gyr_radps for b in t.recordings[side].blocks]) for t in (in_band, trial))
        assert len(same) == len(whole)
        inside = slice(20, len(low) - 20)
        lost = np.abs(whole[::2] - low)[inside].max()
        assert np.abs(same[::2] - low)[inside].max() < 0.3 * lost


def test_a_lower_rate_keeps_the_time() -> None:
    trial = simulated(Case(10.0, duration_s=12.0), ON).trial
    slow = resampled(trial, 52.0)
    for side, recording in slow.recordings.items():
        whole = trial.recordings[side]
        assert recording.rate_hz == pytest.approx(52.0, rel=1e-4)
        assert recording.blocks[0].t_pod_ns[0] == whole.blocks[0].t_pod_ns[0]
        assert abs(recording.blocks[-1].t_pod_ns[-1] - whole.blocks[-1].t_pod_ns[-1]) < NS / 52


def test_a_taught_estimator_knows_nothing_after_the_first_half(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, int | float | None]] = []

    class Spy:
        def __init__(self, step_lengths: StepLengths) -> None: ...

        def known(self, t_ns: int, speed_mps: float | None, *, sd_mps: float, source: str) -> None:
            said.append(("known", speed_mps))

        def apply(self, one: Stride) -> Stride:
            assert one.stride_length_m is one.speed_mps is one.speed_source is None
            said.append(("stride", one.stride))
            return one

    monkeypatch.setattr("sensord.validation.lengths.SpeedEstimator", Spy)
    strides = [a_stride(Side.LEFT, float(k), k + 1.0, stride=k, speed_mps=3.0) for k in range(4)]
    speeds = [(-NS, 3.0), (NS, 3.5), (2 * NS, 9.0), (3 * NS, 9.0)]
    taught_strides(strides, speeds, 2 * NS, sd_mps=0.1)
    assert said == [
        ("known", 3.0), ("stride", 0), ("known", 3.5), ("stride", 1), ("known", None), ("stride", 2), ("stride", 3),
    ]  # fmt: skip


def test_delays_of_the_first_and_the_last_stride_are_counted_apart() -> None:
    told = {Side.LEFT: _Told([], [(6.5, 4.0), (6.5, 4.7), (7.2, 6.8), (7.9, 7.5), (9.7, 8.2)], 6.5)}
    steady, last = _final(ON, told)
    assert (steady.n, steady.verdict) == (2, Verdict.MET)
    assert steady.score == pytest.approx(400.0)
    assert steady.note == "2 more waited up to 2.5 s for the alignment"
    assert (last.n, last.verdict) == (1, Verdict.NOT_MET)


def test_no_fit_file(tmp_path: Path) -> None:
    (tmp_path / "x.fit").write_bytes(b"something else")
    with pytest.raises(InputError, match="no FIT file"):
        read_seconds(tmp_path / "x.fit")


def test_without_the_extra_the_rows_say_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = builtins.__import__

    def without(name: str, *args: object) -> object:
        if name == "fitdecode":
            raise ImportError(name)
        return real(name, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"sensord\[validate\]"):
        read_seconds(tmp_path / "x.fit")
    rows = streamed._beside_stryd(Workbench(tmp_path), None)  # type: ignore[arg-type]
    assert {row.verdict for row in rows} == {Verdict.NOT_MEASURED}
    assert all("extra `validate`" in row.reason for row in rows)


def test_contacts_can_be_timed_without_the_acceleration_for_a_while() -> None:
    def errors_ms() -> list[float]:
        return ic_timing(simulated(Case(10.0, duration_s=12.0), ON), Side.LEFT, NEAR_RUN_S).errors_ms

    usual = errors_ms()
    with pitch_rate_alone():
        alone = errors_ms()
    assert len(alone) == len(usual)
    assert alone != usual
    assert errors_ms() == usual


def test_rows_of_a_placed_shock_are_shown_and_not_judged() -> None:
    kept = compared("timing", "TC", ON, "ms", [1.0, 2.0], [3.0, 4.0], Target(sd=3.0))
    assert unjudged(kept) == kept
    for what in ("IC", "IC, left", "contact time", "change of contact time"):
        row = unjudged(compared("timing", what, ON, "ms", [1.0, 2.0], [3.0, 4.0], Target(sd=3.0)))
        assert (row.verdict, row.target, row.bias) == (Verdict.REPORTED, "", 1.5)
        assert "not judged" in row.note


@pytest.mark.parametrize("text", ["{", "{}", '{"feet": {}}'])
def test_a_truth_that_is_something_else_is_the_folder_s_fault(tmp_path: Path, text: str) -> None:
    folder = tmp_path / datasets.JDX.folder
    folder.mkdir(parents=True)
    (folder / "truth.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        datasets.derived(tmp_path, datasets.JDX, "smooth_200hz")
    assert str(tmp_path) in str(refused.value)
    with pytest.raises(InputError, match="gaitmap_walk"):
        datasets.gaitmap_walk(tmp_path)
