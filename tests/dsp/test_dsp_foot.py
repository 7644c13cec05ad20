"""One foot end to end on simulated pods: what is found, and what must not matter (cuts, time, mount) or must (gaps)."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sensord.dsp.foot import FootAnalyser
from sensord.model import G_MPS2, NS, Activity, Contact, FootNote, SampleBlock, Side, Stride, payload
from sensord.sim.runner import Move, Run, RunnerSimulation, SensorModel, SimulatedFoot, Stand, Walk
from tests.dsp.conftest import RATE_HZ
from tests.dsp.made_feet import analyse, block, contacts_s, cut, match, notes, part, rotated, strides, toe_offs_s

UP = np.array([0.0, 0.0, G_MPS2])


def without(whole: SampleBlock, from_s: float, to_s: float) -> SampleBlock:
    """The block with a hole in it."""
    t = whole.t_pod_ns / NS
    return part(whole, (t < from_s) | (t >= to_s))


# ------------------------------------------------------------------------------------------ what is found


def test_every_contact_of_walking_and_running(foot: SimulatedFoot, simulation: RunnerSimulation) -> None:
    items = analyse(foot.block(), RATE_HZ)
    true = simulation.truth.left
    found = match(contacts_s(items), list(foot.ic_pod_ns / NS), within_s=0.06)
    assert (found.missed, found.invented) == ([], [])
    assert notes(items) == ["aligned"]
    said = strides(items)
    assert [s.stride for s in said] == list(range(len(true)))
    assert all(s.foot is Side.LEFT and s.segment == 0 for s in said)
    changed = next(i for i, stride in enumerate(true) if stride.activity is Activity.RUN)
    assert [s.activity for s in said[:changed]] == [Activity.WALK] * changed
    assert {s.activity for s in said[changed + 3 :]} == {Activity.RUN}


def test_the_values_of_a_stride_belong_together(foot: SimulatedFoot) -> None:
    said = strides(analyse(foot.block(), RATE_HZ))
    assert sum("unconfirmed_contact" in s.spoiled for s in said) <= 2  # at 100 Hz a habit takes some strides to settle
    for s in said:
        assert s.tc_pod_ns is not None
        assert s.next_ic_pod_ns is not None
        assert s.stride_time_s == (s.next_ic_pod_ns - s.ic_pod_ns) / NS
        assert s.contact_time_s == (s.tc_pod_ns - s.ic_pod_ns) / NS
        assert s.swing_time_s == pytest.approx(s.stride_time_s - s.contact_time_s)
        assert s.duty_factor == pytest.approx(s.contact_time_s / s.stride_time_s)
        assert s.cadence_spm == pytest.approx(120.0 / s.stride_time_s)
        assert not s.gap
        assert set(s.spoiled) <= {"unconfirmed_contact"}
        assert 0.0 < s.confidence <= 1.0
        assert (s.stride_length_m, s.speed_mps, s.force_peak_bw) == (None, None, None)  # load/ fills them
        payload(s)


def test_timing_of_running(running_foot: SimulatedFoot) -> None:
    items = analyse(running_foot.block(), RATE_HZ)
    ic = match(contacts_s(items), list(running_foot.ic_pod_ns / NS), within_s=0.06)
    tc = match(toe_offs_s(items), list(running_foot.tc_pod_ns / NS)[1:], within_s=0.06)
    assert (ic.missed, ic.invented, tc.missed, tc.invented) == ([], [], [], [])
    assert abs(ic.bias_ms) < 20.0
    assert abs(tc.bias_ms) < 20.0
    assert ic.sd_ms < 5.0
    assert tc.sd_ms < 5.0


def test_a_start_in_motion_is_read_too(running_foot: SimulatedFoot) -> None:
    whole = running_foot.block()
    begun = part(whole, whole.t_pod_ns >= 20 * NS)
    true = [t for t in running_foot.ic_pod_ns / NS if t > 20.4]
    found = match(contacts_s(analyse(begun, RATE_HZ)), true, within_s=0.06)
    assert found.missed == []
    assert len(found.invented) <= 1  # the contact at the very start


def test_provisional_contacts_come_close_and_before_their_stride(running_foot: SimulatedFoot) -> None:
    items = analyse(cut(running_foot.block(), 1), RATE_HZ)
    live = [item for item in items if isinstance(item, Contact)]
    true = [t for t in running_foot.ic_pod_ns / NS if t > 10.0]
    found = match(np.array([c.t_pod_ns / NS for c in live if c.t_pod_ns > 9.9 * NS]), true, within_s=0.06)
    assert (found.missed, found.invented) == ([], [])
    for stride in strides(items):
        earlier = [c for c in live if abs(c.t_pod_ns - stride.ic_pod_ns) < 0.06 * NS]
        assert all(items.index(c) < items.index(stride) for c in earlier)


def test_a_provisional_contact_is_told_with_its_sample(running_foot: SimulatedFoot) -> None:
    """Other samples may wait until there are more of them (`WAIT_S`)."""
    analyser = FootAnalyser(Side.LEFT, RATE_HZ)
    told = [(one.t_pod_ns[-1], x) for one in cut(running_foot.block(), 1) for x in analyser.push(one)]
    contacts = [(seen_ns, x.t_pod_ns) for seen_ns, x in told if isinstance(x, Contact)]
    assert len(contacts) > 50
    assert [seen_ns for seen_ns, _ in contacts] == [shown_ns for _, shown_ns in contacts]


def test_strides_come_soon_enough_to_act_on(running_foot: SimulatedFoot) -> None:
    """A stride is told within 0.36 s of the toe-off that follows its end (as `foot` says)."""
    analyser, toe_offs = FootAnalyser(Side.LEFT, RATE_HZ), running_foot.tc_pod_ns
    delays = []
    for one in cut(running_foot.block(), 1):
        for item in analyser.push(one):
            if isinstance(item, Stride) and item.next_ic_pod_ns is not None and 10 * NS < one.t_pod_ns[-1] < 60 * NS:
                off = toe_offs[np.searchsorted(toe_offs, item.next_ic_pod_ns)]
                delays.append((one.t_pod_ns[-1] - off) / NS)
    assert len(delays) > 50
    assert max(delays) < 0.36


@pytest.mark.parametrize("gait", [Run(8.0), Walk(12.0, speed_mps=0.7), Walk(10.0, speed_mps=1.3)])
def test_the_last_stride_before_standing_is_told_within_one_stride(gait: Move) -> None:
    """Standing is sure after a second; the foot that rests instead of swinging tells sooner. Nothing is told twice."""
    pod = RunnerSimulation([Stand(3.0), gait, Stand(4.0)], seed=2).render(Side.RIGHT, RATE_HZ)
    analyser = FootAnalyser(Side.RIGHT, RATE_HZ)
    told = [(one.t_pod_ns[-1], x) for one in cut(pod.block(), 2) for x in strides(analyser.push(one))]
    seen_ns, last = told[-1]
    assert last.next_ic_pod_ns is not None
    assert last.next_ic_pod_ns / NS == pytest.approx(pod.ic_pod_ns[-1] / NS, abs=0.1)
    assert last.stride_time_s is not None
    assert (seen_ns - last.next_ic_pod_ns) / NS < last.stride_time_s + 0.02
    ends = [stride.next_ic_pod_ns for _, stride in told]
    assert ends[:-1] == [stride.ic_pod_ns for _, stride in told[1:]]


def test_slowing_down_to_a_walk_loses_no_stride_and_no_length() -> None:
    """A walking foot still rests when a runner's would swing: its last running stride is told, and the contact kept."""
    pod = RunnerSimulation([Stand(3.0), Run(8.0), Walk(8.0, speed_mps=0.8), Stand(3.0)], seed=4)
    said = strides(analyse(pod.render(Side.LEFT, RATE_HZ).block(), RATE_HZ))
    assert [s.activity for s in said] == [s.activity for s in pod.truth.left]
    assert [a.next_ic_pod_ns for a in said[:-1]] == [b.ic_pod_ns for b in said[1:]]
    assert all(s.tc_pod_ns is not None for s in said)
    assert all(s.trajectory_length_m is not None for s in said[:-1])


# ------------------------------------------------------------------------------------ what must not matter


@pytest.mark.parametrize("size", [1, 3, 10, 37, 1000])
def test_blocks_of_any_size_give_the_same_bits(foot: SimulatedFoot, size: int) -> None:
    whole = without(without(foot.block(), 16.0, 16.08), 20.0, 20.7)
    expected = analyse(whole, RATE_HZ)
    assert len(strides(expected)) > 20
    assert analyse(cut(whole, size), RATE_HZ) == expected


@settings(max_examples=15, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 400), min_size=1, max_size=8),
    holes=st.lists(st.tuples(st.floats(3.0, 28.0), st.sampled_from([0.01, 0.05, 0.3, 1.5])), max_size=3),
    jitter=st.booleans(),
)
def test_any_cut_of_any_input_gives_the_same_bits(
    foot: SimulatedFoot, sizes: list[int], holes: list[tuple[float, float]], jitter: bool
) -> None:
    whole = foot.block()
    for at, length in holes:
        whole = without(whole, at, at + length)
    if jitter:
        late = np.random.default_rng(len(whole)).integers(-3_000_000, 3_000_000, len(whole))
        whole = replace(whole, t_pod_ns=whole.t_pod_ns + late)
    assert analyse(cut(whole, sizes), RATE_HZ) == analyse(whole, RATE_HZ)


@settings(max_examples=10, deadline=None)
@given(st.integers(-(10**17), 10**17))
def test_a_time_shift_moves_times_only(foot: SimulatedFoot, shift: int) -> None:
    whole = foot.block()
    base = analyse(whole, RATE_HZ)
    moved = analyse(replace(whole, t_pod_ns=whole.t_pod_ns + shift), RATE_HZ)
    back = [
        replace(
            item,
            ic_pod_ns=item.ic_pod_ns - shift,
            tc_pod_ns=item.tc_pod_ns - shift if item.tc_pod_ns is not None else None,
            next_ic_pod_ns=item.next_ic_pod_ns - shift if item.next_ic_pod_ns is not None else None,
        )
        for item in strides(moved)
    ]
    assert back == strides(base)


def test_the_mount_does_not_matter(foot: SimulatedFoot) -> None:
    expected = contacts_s(analyse(foot.block(), RATE_HZ))
    for rotation in Rotation.random(8, rng=np.random.default_rng(5)):
        found = contacts_s(analyse(rotated(foot.block(), rotation.as_matrix()), RATE_HZ))
        assert len(found) == len(expected)
        assert np.abs(found - expected).max() <= 1 / RATE_HZ


def test_the_foot_is_only_a_name(foot: SimulatedFoot) -> None:
    left, right = (strides(analyse(foot.block(), RATE_HZ, side)) for side in Side)
    outward = ("eversion_excursion_deg", "eversion_peak_dps", "strike_angle_deg", "strike_type")
    outward += ("strike_rearfoot_p", "strike_midfoot_p", "strike_forefoot_p")  # toes point out, on either foot
    unrolled = dict.fromkeys(outward)
    assert [replace(s, foot=Side.LEFT, **unrolled) for s in right] == [replace(s, **unrolled) for s in left]


# -------------------------------------------------------------------------------------- what must matter


@settings(max_examples=15, deadline=None)
@given(at=st.floats(15.0, 26.0), length=st.sampled_from([0.03, 0.1, 0.2, 0.6, 3.0]))
def test_no_stride_crosses_a_gap_unflagged(foot: SimulatedFoot, at: float, length: float) -> None:
    """Bridged gaps are flagged, longer ones are not crossed; and nothing but the strides there is lost."""
    whole = without(foot.block(), at, at + length)
    said = strides(analyse(whole, RATE_HZ))
    t = whole.t_pod_ns
    before = int(t[t < at * NS][-1])
    after = int(t[t >= at * NS][0]) if (t >= at * NS).any() else None
    for s in said:
        if after is None or s.ic_pod_ns >= after:
            continue
        end = s.next_ic_pod_ns
        if end is not None and end > before:
            assert s.gap
            assert after - before <= 0.15 * NS
        elif end is None:
            assert s.gap
            assert "next_contact_lost" in s.spoiled
    whole_said = len(strides(analyse(foot.block(), RATE_HZ)))
    assert len(said) >= whole_said - 2 - int(length / 0.6)


def test_a_new_segment_is_not_crossed(running_foot: SimulatedFoot) -> None:
    whole = running_foot.block()
    first = part(whole, whole.t_pod_ns < 30 * NS)
    second = part(whole, whole.t_pod_ns >= 30 * NS, segment=1)
    second = replace(second, t_pod_ns=second.t_pod_ns - second.t_pod_ns[0])
    said = strides(analyse([first, second], RATE_HZ))
    assert {s.segment for s in said} == {0, 1}
    assert [s.stride for s in said] == list(range(len(said)))
    for s in said:
        assert 0 <= s.ic_pod_ns < 35 * NS
        assert s.stride_time_s is None or 0.5 < s.stride_time_s < 1.0
    last = next(s for s in reversed(said) if s.segment == 0)
    assert (last.next_ic_pod_ns, last.gap) == (None, True)


def test_alignment_outlives_a_flush_and_a_segment(running_foot: SimulatedFoot) -> None:
    whole = running_foot.block()
    foot = FootAnalyser(Side.LEFT, RATE_HZ)
    foot.push(part(whole, whole.t_pod_ns < 20 * NS))
    foot.flush()
    axis = foot.axis
    items = foot.push(part(whole, (whole.t_pod_ns >= 25 * NS) & (whole.t_pod_ns < 28 * NS), segment=1))
    assert axis is foot.axis is not None
    assert len(strides(items)) >= 1
    assert "aligned" not in notes(items)


def test_flush_closes_the_last_contact_as_standing_does(running_foot: SimulatedFoot) -> None:
    whole = running_foot.block()
    standing = contacts_s(analyse(whole, RATE_HZ))
    end = whole.t_pod_ns[-1] - int(2.5 * NS)
    flushed = contacts_s(analyse(part(whole, whole.t_pod_ns < end), RATE_HZ))
    assert flushed == pytest.approx(standing, abs=1e-4)
    foot = FootAnalyser(Side.LEFT, RATE_HZ)
    assert foot.flush() == []


def test_a_pod_that_turns_is_told_and_read_on(running_foot: SimulatedFoot) -> None:
    whole = running_foot.block()
    turn = Rotation.from_rotvec([0.0, 0.0, 1.2]).as_matrix()
    early, late = part(whole, whole.t_pod_ns < 15 * NS), part(whole, whole.t_pod_ns >= 15 * NS)
    items = analyse([early, rotated(late, turn)], RATE_HZ)
    assert notes(items) == ["aligned", "pod_moved"]
    true = [t for t in running_foot.ic_pod_ns / NS if t > 45.2]
    found = match(contacts_s(items)[contacts_s(items) > 45.1], true, within_s=0.06)
    assert (found.missed, found.invented) == ([], [])


def test_a_pod_that_turns_again_and_again_sits_loose() -> None:
    whole = RunnerSimulation([Stand(3), Run(104), Stand(3)], seed=6).render(Side.LEFT, RATE_HZ).block()
    edges = [0.0, 15.0, 40.0, 65.0, 110.0]
    turns = [Rotation.from_rotvec([0.0, 0.0, 0.8 * (k % 2)]).as_matrix() for k in range(4)]
    t_s = whole.t_pod_ns / NS
    pieces = [
        rotated(part(whole, (t_s >= a) & (t_s < b)), turn)
        for a, b, turn in zip(edges[:-1], edges[1:], turns, strict=True)
    ]
    items = analyse(pieces, RATE_HZ)
    assert notes(items) == ["aligned", "pod_moved", "pod_moved", "pod_loose"]
    assert "3 times within 3 minutes" in [x.text for x in items if isinstance(x, FootNote)][-1]


@pytest.mark.parametrize("turn", [(0.0, 0.0, np.pi / 2), (np.pi / 2, 0.0, 0.0), (0.0, 0.0, np.pi)])
def test_what_a_turned_pod_says_is_not_trusted_and_soon_noticed(turn: tuple[float, float, float]) -> None:
    pod = RunnerSimulation([Stand(3), Run(50), Stand(3)], seed=6).render(Side.LEFT, RATE_HZ)
    whole, early = pod.block(), pod.t_pod_ns < 25 * NS
    other = rotated(part(whole, ~early), Rotation.from_rotvec(turn).as_matrix())
    items = analyse([part(whole, early), other], RATE_HZ)
    assert notes(items) == ["aligned", "pod_moved"]
    said = strides(items)
    far = [s for s in said if np.abs(pod.ic_pod_ns - s.ic_pod_ns).min() > 0.06 * NS]
    assert far[-1].ic_pod_ns < 45 * NS
    assert sum(s.confidence >= 0.5 for s in far) <= 2
    later = contacts_s([s for s in said if s.ic_pod_ns > 44.5 * NS])
    assert match(later, [t for t in pod.ic_pod_ns / NS if t > 45.2], within_s=0.06).missed == []


def test_left_handed_axes_are_told(running_foot: SimulatedFoot) -> None:
    whole = running_foot.block()
    mirrored = rotated(part(whole, whole.t_pod_ns < 20 * NS), np.diag([1.0, 1.0, -1.0]))
    items = analyse(mirrored, RATE_HZ)
    assert notes(items) == ["no_alignment"]
    assert strides(items) == []
    assert any("left-handed" in x.text for x in items if isinstance(x, FootNote))


def test_what_ends_before_the_axis_was_looked_for_is_read_at_its_end(running_foot: SimulatedFoot) -> None:
    """At 160 steps/min four strides in motion last 3 s: three of them vote when she stops or the recording ends."""
    whole = running_foot.block()
    brief = part(whole, (whole.t_pod_ns >= 20.1 * NS) & (whole.t_pod_ns < 24.0 * NS))
    assert len(contacts_s(analyse(brief, RATE_HZ))) >= 4
    too_brief = part(whole, (whole.t_pod_ns >= 20.1 * NS) & (whole.t_pod_ns < 22.9 * NS))
    assert notes(analyse(too_brief, RATE_HZ)) == ["no_alignment"]


@pytest.mark.parametrize("angle_deg", [15.0, -8.0])
def test_a_landing_does_not_depend_on_the_rate(angle_deg: float) -> None:
    """A peak of 12 ms has one or two samples at 100 Hz; taken from these alone it came 3 ms earlier than at 400 Hz."""
    simulation = RunnerSimulation([Stand(3), Run(10, speed_mps=3.3, strike_angle_deg=angle_deg), Stand(3)], seed=1)
    bias_ms = []
    for rate_hz in (100.0, 200.0, 400.0):
        pod = simulation.render(Side.LEFT, rate_hz)
        found = contacts_s(analyse(pod.block(), rate_hz))
        bias_ms.append(
            np.median([match(found[k : k + 1], pod.ic_pod_ns / NS, 0.06).bias_ms for k in range(len(found))])
        )
    assert max(bias_ms) - min(bias_ms) < 1.5


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_first_landings_of_a_rattling_pod_are_read_like_the_others(seed: int) -> None:
    """Read without knowing how this foot lands, some of the first ones came 20 ms early."""
    script = [Stand(3), Run(8, speed_mps=3.3, strike_angle_deg=-8.0), Stand(3)]
    pod = RunnerSimulation(script, seed=seed).render(Side.RIGHT, 200.0, SensorModel(rattle=1.0))
    found = contacts_s(analyse(pod.block(), 200.0, Side.RIGHT))
    off_ms = [match(found[k : k + 1], pod.ic_pod_ns / NS, 0.06).bias_ms for k in range(1, len(found) - 1)]
    assert max(np.abs(np.array(off_ms) - np.median(off_ms))) < 15.0


def test_a_crystal_a_little_slow_costs_no_confidence() -> None:
    pod = RunnerSimulation([Stand(3), Run(6), Stand(3)], seed=6).render(Side.LEFT, 199.98)
    assert max(stride.confidence for stride in strides(analyse(pod.block(), 199.98))) == 1.0


def test_clipping_makes_the_impact_a_floor(running_foot: SimulatedFoot) -> None:
    whole = running_foot.block()
    full = 5 * G_MPS2
    acc = np.clip(whole.acc_mps2, -full, full)
    bits = ((np.abs(whole.acc_mps2) >= full) * np.array([1, 2, 4])).sum(axis=1).astype(np.uint8)
    clipped = strides(analyse(replace(whole, acc_mps2=acc, saturated=bits), RATE_HZ))
    free = strides(analyse(whole, RATE_HZ))
    share = np.mean([s.impact_clipped for s in clipped])
    assert share > 0.8
    assert not any(s.impact_clipped for s in free)
    assert len(clipped) == len(free)
    for one, other in zip(clipped, free, strict=True):
        assert one.impact_peak_g is not None
        assert other.impact_peak_g is not None
        assert one.impact_peak_g <= other.impact_peak_g + 1e-9


def test_a_high_g_sensor_is_used_for_the_impact(running_foot: SimulatedFoot) -> None:
    whole = running_foot.block()
    full = strides(analyse(whole, RATE_HZ))
    both = replace(
        whole,
        acc_mps2=np.clip(whole.acc_mps2, -60.0, 60.0),
        saturated=np.full(len(whole), 0b000111, np.uint8),
        high_g_mps2=whole.acc_mps2,
    )
    for one, other in zip(strides(analyse(both, RATE_HZ)), full, strict=True):
        assert (one.impact_peak_g, one.impact_clipped) == (other.impact_peak_g, False)


def test_lost_samples_at_the_impact_leave_it_unmeasured(running_foot: SimulatedFoot) -> None:
    whole = running_foot.block()
    clean = strides(analyse(whole, RATE_HZ))[20]
    holed = without(whole, clean.ic_pod_ns / NS - 0.01, clean.ic_pod_ns / NS + 0.03)
    stride = strides(analyse(holed, RATE_HZ))[20]
    assert (stride.impact_peak_g, stride.impact_clipped, stride.gap) == (None, False, True)
    assert {"gap", "impact_gap", "gap_at_contact"} <= set(stride.spoiled)
    assert stride.confidence < clean.confidence / 2


def test_a_stride_whose_end_was_lost_is_not_trusted_either(running_foot: SimulatedFoot) -> None:
    """A contact in a gap spoils the stride that it ends as well as the one that it begins; a toe-off only its own."""
    whole = running_foot.block()
    contact = strides(analyse(whole, RATE_HZ))[20]
    assert contact.tc_pod_ns is not None
    for at_ns, before in ((contact.ic_pod_ns, {"gap_at_next_contact"}), (contact.tc_pod_ns, set())):
        holed = without(whole, at_ns / NS - 0.02, at_ns / NS + 0.03)
        ended, begun, after = strides(analyse(holed, RATE_HZ))[19:22]
        assert {"gap_at_contact", "gap_at_next_contact"} & set(ended.spoiled) == before
        assert "gap_at_contact" in begun.spoiled
        assert (ended.confidence < 0.5, begun.confidence < 0.5, after.confidence < 0.5) == (bool(before), True, False)


def test_gyro_at_full_scale_costs_confidence(running_foot: SimulatedFoot) -> None:
    whole = running_foot.block()
    clean = strides(analyse(whole, RATE_HZ))
    bits = np.zeros(len(whole), np.uint8)
    bits[np.searchsorted(whole.t_pod_ns, clean[30].ic_pod_ns + 100_000_000)] = 0b010000
    said = strides(analyse(replace(whole, saturated=bits), RATE_HZ))
    assert [s.stride for s in said if "gyro_clipped" in s.spoiled] == [30]
    assert said[30].confidence < clean[30].confidence


# ----------------------------------------------------------------------------------------- what is no stride


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 1000),
    turning=st.sampled_from([0.01, 0.3, 2.0, 10.0]),
    shaking=st.sampled_from([0.05, 1.0, 30.0]),
)
def test_noise_is_no_stride(seed: int, turning: float, shaking: float) -> None:
    rng = np.random.default_rng(seed)
    t = np.arange(0.0, 15.0, 1 / RATE_HZ)
    acc = rng.normal(0.0, shaking, (len(t), 3)) + UP
    items = analyse(block(t, acc, rng.normal(0.0, turning, (len(t), 3))), RATE_HZ)
    assert strides(items) == []
    assert "aligned" not in notes(items)


def test_standing_shifting_and_turning_on_the_spot_are_no_strides(foot: SimulatedFoot) -> None:
    """After strides have set the axis: slow shifts below the floor, quick taps without travel say nothing."""
    whole = foot.block()
    last = whole.t_pod_ns[-1] / NS
    t = np.arange(0.0, 20.0, 1 / RATE_HZ)
    shift = np.radians(60.0) * np.sin(2 * np.pi * 0.8 * t)
    axis = foot.mount.T @ np.array([0.0, -1.0, 0.0])
    still = whole.acc_mps2[-50:].mean(axis=0)
    shuffle = block(last + 1 / RATE_HZ + t, np.tile(still, (len(t), 1)), np.outer(shift, axis))
    assert strides(analyse([whole, shuffle], RATE_HZ)) == strides(analyse(whole, RATE_HZ))


def test_a_single_step_is_no_stride(running_foot: SimulatedFoot) -> None:
    """With the axis known: one swing out of standing, one landing, no stride."""
    whole = running_foot.block()
    foot = FootAnalyser(Side.LEFT, RATE_HZ)
    foot.push(whole)
    first_ic = running_foot.ic_pod_ns[0]
    one_step = part(whole, whole.t_pod_ns < first_ic + int(0.2 * NS), segment=1)
    still = replace(
        part(whole, slice(0, 250), segment=1), t_pod_ns=one_step.t_pod_ns[-1] + np.arange(1, 251) * round(NS / RATE_HZ)
    )
    items = foot.push(one_step) + foot.push(still) + foot.flush()
    assert strides([i for i in items if isinstance(i, Stride) and i.segment == 1]) == []


def test_motion_that_never_reads_is_told_once() -> None:
    rng = np.random.default_rng(0)
    t = np.arange(0.0, 60.0, 1 / RATE_HZ)
    items = analyse(block(t, rng.normal(0, 9, (len(t), 3)), rng.normal(0, 4, (len(t), 3))), RATE_HZ)
    assert notes(items) == ["no_alignment"]


def test_a_pause_longer_than_a_stride_is_none() -> None:
    simulation = RunnerSimulation([Stand(3), Run(12), Stand(4), Walk(12), Stand(3)], seed=4)
    foot = simulation.render(Side.RIGHT, RATE_HZ)
    said = strides(analyse(foot.block(), RATE_HZ, Side.RIGHT))
    assert len(said) == len(simulation.truth.right)
    assert max(s.stride_time_s or 0.0 for s in said) < 1.6
    assert said[0].activity is Activity.RUN
    assert said[-1].activity is Activity.WALK


# ---------------------------------------------------------------------------------------------- bounded memory


def test_memory_does_not_grow() -> None:
    simulation = RunnerSimulation([Stand(3), Run(170), Stand(3)], seed=6)
    foot = simulation.render(Side.LEFT, RATE_HZ)
    analyser = FootAnalyser(Side.LEFT, RATE_HZ)
    held, sizes = analyser.held_rows, []
    for i, one in enumerate(cut(foot.block(), 100)):
        analyser.push(one)
        if i in (30, 100, 170):
            sizes.append(len(pickle.dumps(analyser)))
    assert analyser.held_rows == held < 12_000
    assert max(sizes) - min(sizes) < 4_000


def test_blocks_without_samples_leave_nothing(running_foot: SimulatedFoot) -> None:
    analyser = FootAnalyser(Side.LEFT, RATE_HZ)
    whole = running_foot.block()
    analyser.push(part(whole, slice(0, 5)))
    size = len(pickle.dumps(analyser))
    for _ in range(1000):
        assert analyser.push(part(whole, slice(0, 0))) == []
    assert len(pickle.dumps(analyser)) == size


def test_one_huge_block_is_no_more_than_many(running_foot: SimulatedFoot) -> None:
    """At 1 kHz, an hour's worth of standing in one block holds no more rows than any other."""
    rng = np.random.default_rng(7)
    n = 300_000
    gyr = rng.normal(0, 0.003, (n, 3))
    acc = rng.normal(0, 0.05, (n, 3)) + UP
    analyser = FootAnalyser(Side.LEFT, 1000.0)
    held = analyser.held_rows
    assert analyser.push(block(np.arange(n) / 1000.0, acc, gyr)) == []
    assert analyser.held_rows == held
