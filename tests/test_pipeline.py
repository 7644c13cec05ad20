"""The pipeline: what simulated pods did is what comes out, however it is cut, shifted or swapped."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.model import NS, Event, Input, Mark, MarkKind, Packet, PodSetup, RunSetup, Side, Tick, canonical_json
from sensord.pipeline import Pipeline
from sensord.sim.script import Run, Stand, Walk
from tests.worlds import PODS, SHORT, World, setup, world

PLAN = """
schema = "rtr-plan/1"
id = "test"
title = "Limits that a short run passes"
[runner]
alias = "R-1"
injured_side = "left"
[limit.distance]
warn = "40m"
stop = "60m"
[limit.run_time]
stop = "10min"
[asymmetry.contact_time]
formula = "si_signed"
baseline = {mode = "fixed", value = 0.0}
warn = 5.0
needs = {steps = 30, sustained = "2s", clear_below = 4.0}
"""

BRIEF = (Stand(3.0), Walk(5.0), Run(12.0), Stand(2.0))


def play(inputs: Iterable[Input], run: RunSetup, *, flush: bool = True) -> list[Event]:
    pipeline = Pipeline(run)
    events = [event for item in inputs for event in pipeline.push(item)]
    return events + pipeline.flush() if flush else events


def texts(events: Sequence[Event]) -> list[str]:
    return [canonical_json([e.n, e.t_ns, e.kind, e.payload]) for e in events]


def strides(events: Sequence[Event], side: Side | None = None) -> list[dict[str, object]]:
    return [dict(e.payload) for e in events if e.kind == "stride" and side in (None, e.payload["foot"])]


@pytest.fixture(scope="module")
def short() -> World:
    return world(plan_text=PLAN)


@pytest.fixture(scope="module")
def events(short: World) -> list[Event]:
    return play(short.inputs, short.setup)


def test_every_true_stride_is_found_and_none_invented(short: World, events: list[Event]) -> None:
    for side in Side:
        true = short.truth.strides(side)
        found = strides(events, side)
        assert len(found) == len(true)
        # walk and run may change places for the three strides of the hysteresis
        said, was = Counter(s["activity"] for s in found), Counter(s.activity.value for s in true)
        assert abs(said["run"] - was["run"]) <= 3
        assert said["walk"] >= 6
        # run time counts from linking, which is when the script begins; the simulated link takes 0 to 20 ms
        off_s = [s["ic_run_ns"] / NS - t.ic_s for s, t in zip(found, true, strict=True)]  # type: ignore[operator]
        assert np.abs(np.array(off_s) - np.median(off_s)).max() < 0.05
        assert abs(np.median(off_s)) < 0.15


def test_events_are_numbered_without_a_hole_and_end_with_the_summary(events: list[Event]) -> None:
    assert [e.n for e in events] == list(range(len(events)))
    assert [e.kind for e in events[-2:]] == ["summary", "run"]
    assert events[-1].payload["state"] == "ended"


def test_the_life_of_the_run_is_told_in_order(events: list[Event]) -> None:
    assert [e.payload["state"] for e in events if e.kind == "run"] == ["ready", "running", "ended"]


def test_totals_are_near_the_truth_and_say_how_sure_they_are(short: World, events: list[Event]) -> None:
    [summary] = [e.payload for e in events if e.kind == "summary"]
    steps = len(short.truth.left) + len(short.truth.right)
    assert abs(summary["steps"] - steps) <= 3
    assert summary["distance_calibrated"] is True
    assert summary["distance_m"] == pytest.approx(short.truth.distance_m, rel=0.05)
    assert abs(summary["distance_m"] - short.truth.distance_m) <= 2.0 * summary["distance_sd_m"]
    assert summary["estimated_m"] == 0.0
    assert summary["run_time_s"] == pytest.approx(40.0, abs=3.0)
    assert summary["walk_time_s"] == pytest.approx(10.0, abs=3.0)


def test_each_limit_is_told_once_when_it_is_passed(events: list[Event]) -> None:
    alerts = [(e.payload["rule"], e.payload["level"], e.payload["phase"]) for e in events if e.kind == "alert"]
    assert alerts == [("limit.distance", "warn", "onset"), ("limit.distance", "stop", "onset")]
    [summary] = [e.payload for e in events if e.kind == "summary"]
    assert summary["alerts"] == 2
    assert summary["limits_total"] == 3


def test_the_same_inputs_give_the_same_bytes(short: World, events: list[Event]) -> None:
    assert texts(play(short.inputs, short.setup)) == texts(events)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.data())
def test_a_state_kept_and_taken_up_anywhere_gives_the_same_bytes(data: st.DataObject) -> None:
    short = world(BRIEF, plan_text=PLAN)
    cut = data.draw(st.integers(0, len(short.inputs)))
    pipeline = Pipeline(short.setup)
    first = [e for item in short.inputs[:cut] for e in pipeline.push(item)]
    woken: Pipeline = pickle.loads(pickle.dumps(pipeline))
    rest = [e for item in short.inputs[cut:] for e in woken.push(item)]
    assert texts(first + rest + woken.flush()) == texts(play(short.inputs, short.setup))


@settings(max_examples=5, deadline=None)
@given(st.integers(1, 3600 * NS))
def test_a_time_shift_moves_times_only(shift_ns: int) -> None:
    short = world(BRIEF, plan_text=PLAN)
    moved = [replace(item, t_ns=item.t_ns + shift_ns) for item in short.inputs]
    here, there = play(short.inputs, short.setup), play(moved, short.setup)
    assert [e.t_ns + shift_ns for e in here if e.kind != "summary"] == [e.t_ns for e in there if e.kind != "summary"]

    def without_times(event: Event) -> str:
        kept = {k: v for k, v in event.payload.items() if not k.endswith("_ns") and k != "id"}
        return canonical_json([event.kind, kept])

    assert [without_times(e) for e in here] == [without_times(e) for e in there]


def test_swapping_the_feet_swaps_the_feet(short: World, events: list[Event]) -> None:
    pods = tuple(PodSetup(p.pod, p.side.other, p.driver) for p in short.setup.pods)
    swapped = play(short.inputs, replace(short.setup, pods=pods))
    for side in Side:
        here, there = strides(events, side), strides(swapped, side.other)
        assert [s["ic_pod_ns"] for s in here] == [s["ic_pod_ns"] for s in there]
        assert [s["contact_time_s"] for s in here] == [s["contact_time_s"] for s in there]


@pytest.mark.parametrize("turned", [1, 2, 3])
def test_however_the_pods_are_clipped_on_the_strides_are_the_same(turned: int) -> None:
    """Any rotation of the pod: the same strides, contacts within a sample (noise and rounding differ)."""
    as_usual, otherwise = world(SHORT, jitter_ms=0.0), world(SHORT, jitter_ms=0.0, turned=turned)
    here, there = play(as_usual.inputs, as_usual.setup), play(otherwise.inputs, otherwise.setup)
    for side in Side:
        a, b = strides(here, side), strides(there, side)
        assert len(a) == len(b)
        off_ns = np.array([x["ic_pod_ns"] - y["ic_pod_ns"] for x, y in zip(a, b, strict=True)])  # type: ignore[operator]
        assert np.abs(off_ns).max() <= NS / 200


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 3, 7])
def test_however_the_pod_cuts_its_samples_the_strides_are_the_same(batch: int) -> None:
    """Packets of another size arrive at other times, so run time may differ; what the foot did may not."""
    whole = world(SHORT, jitter_ms=0.0)
    cut = world(SHORT, jitter_ms=0.0, batch=batch)
    assert sum(isinstance(i, Packet) for i in whole.inputs) < sum(isinstance(i, Packet) for i in cut.inputs)

    # measured in run time: what lies between the feet, and a foot's own share of the weight
    of_both_feet = (
        "step_time_s",
        "flight_time_s",
        "force_mean_bw",
        "force_peak_bw",
        "force_peak_sine_bw",
        "impulse_bw_s",
    )

    def of_the_foot(events: list[Event]) -> list[str]:
        return [
            canonical_json({k: v for k, v in s.items() if not k.endswith("_run_ns") and k not in of_both_feet})
            for side in Side
            for s in strides(events, side)
        ]

    assert of_the_foot(play(cut.inputs, cut.setup)) == of_the_foot(play(whole.inputs, whole.setup))


def test_losses_are_counted_and_marked_not_hidden() -> None:
    lossy = world(SHORT, loss=0.02, seed=3)
    got = play(lossy.inputs, lossy.setup)
    status = {e.payload["foot"]: e.payload for e in got if e.kind == "pod"}
    for side in Side:
        assert status[side.value]["samples_lost"] > 0
        sent = status[side.value]["samples"] + status[side.value]["samples_lost"]
        assert sent == pytest.approx(lossy.truth.duration_s * 200, rel=0.08)
        assert any(s["gap"] for s in strides(got, side))
        assert len(strides(got, side)) >= len(lossy.truth.strides(side)) - 2
    [summary] = [e.payload for e in got if e.kind == "summary"]
    assert summary["gap_strides"] == sum(bool(s["gap"]) for s in strides(got))


def test_a_link_that_comes_back_goes_on_without_inventing_or_losing_others(short: World) -> None:
    """Six seconds of the left link are cut out of the recorded inputs."""
    down, up = 25 * NS, 31 * NS
    left = PODS[Side.LEFT]
    first_up = next(m for m in short.inputs if isinstance(m, Mark) and m.data["pod"] == left)
    kept: list[Input] = []
    for item in short.inputs:
        if isinstance(item, Packet) and item.pod == left and down <= item.t_ns < up:
            continue
        if kept and kept[-1].t_ns < down <= item.t_ns:
            kept.append(Mark(down, MarkKind.LINK_DOWN, {"pod": left, "reason": "link lost"}))
        if kept and kept[-1].t_ns < up <= item.t_ns:
            kept.append(Mark(up, MarkKind.LINK_UP, first_up.data))
        kept.append(item)
    got = play(kept, short.setup)
    whole = play(short.inputs, short.setup)
    assert [s["ic_pod_ns"] for s in strides(got, Side.RIGHT)] == [s["ic_pod_ns"] for s in strides(whole, Side.RIGHT)]
    true = [s for s in short.truth.left if not (down / NS - 1.0 < s.ic_s < up / NS + 1.0)]
    here = strides(got, Side.LEFT)
    assert len(true) <= len(here) <= len(true) + 4
    assert all(a["ic_pod_ns"] < b["ic_pod_ns"] for a, b in pairwise(here))  # type: ignore[operator]
    [summary] = [e.payload for e in got if e.kind == "summary"]
    [uncut] = [e.payload for e in whole if e.kind == "summary"]
    # the other foot still saw her run: nothing is halved
    assert summary["distance_m"] == pytest.approx(uncut["distance_m"], rel=0.02)
    assert summary["run_time_s"] == pytest.approx(uncut["run_time_s"], rel=0.02)


def test_one_pod_alone_counts_the_whole_distance_and_checks_no_asymmetry() -> None:
    alone = world(SHORT, sides=(Side.LEFT,), plan_text=PLAN)
    both = world(SHORT, plan_text=PLAN)
    [one] = [e.payload for e in play(alone.inputs, alone.setup) if e.kind == "summary"]
    [two] = [e.payload for e in play(both.inputs, both.setup) if e.kind == "summary"]
    assert one["distance_m"] == pytest.approx(two["distance_m"], rel=0.03)
    states = [e.payload for e in play(alone.inputs, alone.setup) if e.kind == "limit_state"]
    said = [s["status"] for s in states if s["rule"] == "asymmetry.contact_time"]
    assert "within" not in said
    assert said[-1] == "not_checked"


def test_silence_pauses_and_then_ends_the_run_without_any_data(short: World) -> None:
    last_ns = short.inputs[-1].t_ns
    quiet = [Tick(last_ns + s * NS, s * NS) for s in range(1, 700)]
    got = play([*short.inputs, *quiet], short.setup, flush=False)
    changes = [(e.payload["state"], e.t_ns) for e in got if e.kind == "run"]
    assert [state for state, _ in changes] == ["ready", "running", "paused", "ended"]
    last_stride_ns = max(s["next_ic_run_ns"] for s in strides(got))  # type: ignore[type-var]
    assert (changes[2][1] - last_stride_ns) / NS == pytest.approx(30.0, abs=1.6)  # type: ignore[operator]
    assert (changes[3][1] - last_stride_ns) / NS == pytest.approx(600.0, abs=1.6)  # type: ignore[operator]


def test_after_the_end_nothing_comes(short: World) -> None:
    pipeline = Pipeline(short.setup)
    for item in short.inputs[:500]:
        pipeline.push(item)
    pipeline.push(Mark(60 * NS, MarkKind.COMMAND, {"command": "end", "by": "test"}))
    assert [e for item in short.inputs[500:] for e in pipeline.push(item)] == []
    assert pipeline.flush() == []


@pytest.mark.slow
def test_memory_does_not_grow_with_the_run() -> None:
    """What a pipeline holds after four minutes is what it held after two: windows and histograms are filled by then."""
    long = world((Stand(3.0), Walk(5.0), Run(240.0), Stand(2.0)), plan_text=PLAN)
    pipeline = Pipeline(long.setup)
    sizes: dict[int, int] = {}
    for item in long.inputs:
        pipeline.push(item)
        if isinstance(item, Tick) and item.t_ns in (100 * NS, 240 * NS):
            sizes[item.t_ns // NS] = len(pickle.dumps(pipeline))
    assert sizes[240] < sizes[100] * 1.15 + 2_000


def test_packets_that_nobody_can_read_are_counted() -> None:
    run = setup()
    pipeline = Pipeline(run)
    pod = run.pods[0].pod
    junk = [Packet(pod, i * NS, "0000", bytes([i])) for i in range(5)]
    assert [e for item in junk for e in pipeline.push(item)] == []
    [status] = [
        e.payload
        for e in pipeline.push(Mark(9 * NS, MarkKind.LINK_DOWN, {"pod": pod, "reason": "no data"}))
        if e.kind == "pod"
    ]
    assert status["packets"] == status["packets_rejected"] == 5
