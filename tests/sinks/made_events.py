"""A run's worth of stored events, made from the classes of `model`, an event log in memory, and how to wait."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from typing import TypeVar, get_args, get_type_hints

from sensord.model import (
    NS,
    Activity,
    Alert,
    AlertPhase,
    Asymmetry,
    FootGait,
    FootLoadState,
    FootNote,
    GaitWindow,
    Level,
    LimitState,
    LimitStatus,
    Payload,
    PodStatus,
    RunChange,
    RunState,
    RunSummary,
    Side,
    StoredEvent,
    Stride,
    payload,
)
from sensord.model_plan import SegmentDone, WorkoutDone, WorkoutState
from sensord.sinks.lines import MOST_BINS

ANCHOR_NS = 1_760_000_000 * NS + 123_456_789
"""2025-10-09, with nanoseconds that are not round."""

RUN = "01JAC0FFEE0000000000000001"


def stored(
    seq: int,
    t_ns: int,
    value: Payload,
    *,
    run: str = RUN,
    runner: str = "runner-1",
    site: str = "home",
    anchor_ns: int | None = ANCHOR_NS,
) -> StoredEvent:
    return StoredEvent(
        seq=seq, run=run, n=seq - 1, algo="1", t_ns=t_ns, kind=value.KIND, payload=payload(value), runner=runner,
        site=site, wall_anchor_ns=anchor_ns,
    )  # fmt: skip


def a_stride(foot: Side, number: int, start_s: float, **changes: object) -> Stride:
    contact_s = 0.25 if foot is Side.LEFT else 0.24
    ic_ns = round(start_s * NS)
    stride = Stride(
        foot=foot,
        stride=number,
        segment=0,
        ic_pod_ns=ic_ns + 7,
        tc_pod_ns=ic_ns + 250_000_007,
        next_ic_pod_ns=ic_ns + 700_000_007,
        activity=Activity.RUN,
        stride_time_s=0.7,
        contact_time_s=contact_s + 0.005 * math.sin(number),
        swing_time_s=0.45,
        duty_factor=contact_s / 0.7,
        cadence_spm=2 * 60 / 0.7,
        stride_length_m=1.9,
        speed_mps=1.9 / 0.7,
        strike_angle_deg=-3.5,
        strike_type="midfoot",
        impact_peak_g=(10.0 if foot is Side.LEFT else 9.0) + math.cos(number),
        impact_clipped=number % 10 == 0,
        force_peak_bw=2.4,
        impulse_bw_s=0.36,
        gap=False,
        confidence=0.9,
        spoiled=(),
        ic_run_ns=ic_ns,
        next_ic_run_ns=ic_ns + 700_000_000,
    )
    return replace(stride, **changes)  # type: ignore[arg-type]


def a_window(second: int) -> GaitWindow:
    """The first seven are alike, then everything drifts."""
    drift = second // 8
    foot = FootGait(
        n=14, cadence_spm=171.0, contact_time_s=0.25 + 0.001 * drift, contact_n=13, impact_peak_g=10.0 + 0.1 * drift,
        impact_clipped_share=0.1 + 0.01 * drift, confidence=0.9,
    )  # fmt: skip
    return GaitWindow(
        window_s=10.0, activity=Activity.RUN, cadence_spm=171.5 - drift, left=foot,
        right=replace(foot, contact_time_s=0.24 + 0.002 * drift, impact_peak_g=9.0, cadence_spm=None), steps=3 * second,
        distance_m=2.85 * second, distance_calibrated=False, run_time_s=float(second), walk_time_s=0.0,
        elapsed_s=float(second),
    )  # fmt: skip


def a_limit(rule: str, status: LimitStatus, value: float | None, **changes: object) -> LimitState:
    over = status is LimitStatus.OVER
    state = LimitState(
        rule=rule, metric=rule.rpartition(".")[2], unit="m", status=status, level=Level.WARN if over else Level.NONE,
        value=value, warn=100.0, stop=120.0, n=1, n_needed=None, reason=None,
    )  # fmt: skip
    return replace(state, **changes)  # type: ignore[arg-type]


def an_alert(phase: AlertPhase, onset_ns: int, *, run: str = RUN, rule: str = "limit.distance") -> Alert:
    return Alert(
        id=f"{run}/{rule}/warn/{onset_ns}", phase=phase, level=Level.WARN, rule=rule, metric="distance", unit="m",
        value=101.5, limit=100.0, cue="distance reached", text='101 m of "100 m": walk home, 20 m remain',
        onset_ns=onset_ns, duration_s=None if phase is AlertPhase.ONSET else 12.5,
    )  # fmt: skip


def a_load(foot: Side, bins: int) -> FootLoadState:
    known = bins > 0
    return FootLoadState(
        foot=foot, strides=80, walk_strides=3, force_n=78, force_peak_sum_bw=180.5, without_force=2, impulse_n=78,
        impulse_sum_bw_s=27.25, impulse_sum_ns=18_000.5 if known else None, intensity="force_peak" if known else None,
        edges=tuple(1.0 + 0.25 * i for i in range(bins - 1)), bins=tuple(range(bins)), unbinned=0 if known else 78,
        weighted_cycles=81.5 if known else None, exponent=4.0 if known else None,
        exponent_source="test" if known else None, reference_bw=2.25 if known else None,
        why="for the other foot" if known else "no exponent in the plan",
    )  # fmt: skip


def a_summary(runner: str = "runner-1", seconds: int = 60) -> RunSummary:
    return RunSummary(
        runner=runner, strides_left=85, strides_right=85, steps=3 * seconds, distance_m=2.85 * seconds,
        distance_calibrated=False, run_time_s=float(seconds), walk_time_s=0.0, elapsed_s=float(seconds),
        cadence_spm=171.5, contact_time_left_s=0.25, contact_time_right_s=0.24, contact_time_si_pct=4.1,
        contact_time_pairs=80, impact_left_g=10.0, impact_right_g=9.0, impact_n_left=80, impact_n_right=80,
        impact_clipped_share=0.1, alerts=1, limits_checked=3, limits_total=4, gap_strides=2,
    )  # fmt: skip


_P = TypeVar("_P", Stride, GaitWindow, Asymmetry, RunSummary)


def a_workout_state() -> WorkoutState:
    return WorkoutState(
        position=3, kind="run", doing="run", repetition=2, of=6, left_s=80.0, left_m=120.0, left_sd_m=4.0, over_s=0.0,
        over_m=0.0, next_kind="walk", next_s=120.0, next_m=100.0, may_end=False, done_pct=40.0, reps_done=1,
        estimated=False, mods=("rpe3", "easy"), cue="Run now", text="Run 2 of 6: 1:20 left, then walk 2:00",
    )  # fmt: skip


def an_interval() -> SegmentDone:
    return SegmentDone(
        position=3, kind="run", repetition=2, of=6, optional=False, planned_s=60.0, planned_m=200.0, least_s=60.0,
        least_m=200.0, done_s=58.9, done_m=168.0, done_sd_m=5.0, begin_run_ns=NS, end_run_ns=60 * NS, quality="done",
        estimated_pct=0.0,
    )  # fmt: skip


def a_workout_done() -> WorkoutDone:
    return WorkoutDone(
        done_pct=100.0, reps_done=6, reps_fewest=3, reps_most=6, success_reps=6, success=True, short=0, merged=0,
        missed=0, extra=0, run_planned_s=180.0, run_planned_m=0.0, run_done_s=358.0, run_done_m=1000.0, over_s=1.0,
        estimated_pct=0.0, completed=True, intervals=(an_interval(),),
    )  # fmt: skip


def with_everything(value: _P) -> _P:
    """The same with a value in every field that is None unless somebody fills it."""
    kinds: dict[type, object] = {float: 1.25, int: 3, str: "one word"}
    hints = get_type_hints(type(value))
    blank = [f.name for f in fields(value) if f.default is None and getattr(value, f.name) is None]
    return replace(value, **{name: kinds[get_args(hints[name])[0]] for name in blank})


def _moments(seconds: int, run: str, runner: str) -> Iterator[tuple[int, Payload]]:
    yield 0, RunChange(RunState.READY, "pods linked")
    yield 0, a_limit("asymmetry.contact_time", LimitStatus.UNDECIDED, None, reason="0 of 30 pairs", n=0, n_needed=30)
    yield NS, RunChange(RunState.RUNNING, "first stride")
    yield NS, FootNote(Side.LEFT, "aligned", "which way the pod sits on the left foot is known")
    yield NS, FootNote(None, "note", "treadmill")
    half_ns = seconds * NS // 2
    counts = {Side.LEFT: 0, Side.RIGHT: 0}
    for step in range(round((seconds - 1) / 0.35)):
        foot = Side.LEFT if step % 2 == 0 else Side.RIGHT
        gap = step % 50 == 49
        changes = {"gap": gap, "stride_time_s": None, "next_ic_pod_ns": None, "spoiled": ("gap", "link")} if gap else {}
        made = a_stride(foot, counts[foot], 1 + 0.35 * step, **changes)
        yield round((1 + 0.35 * step) * NS), with_everything(made) if step == 0 else made
        counts[foot] += 1
    for second in range(1, seconds):
        t_ns = second * NS + 5
        yield t_ns, with_everything(a_window(second)) if second == seconds - 1 else a_window(second)
        if second % 10 == 0:
            wide = None if second < 30 else 1.0
            si = Asymmetry("contact_time", 4.1, wide, wide and 7.2, 51.025, -4.1, second, )  # fmt: skip
            yield t_ns, with_everything(si) if second == 40 else si
            for foot in Side:
                counters = (second * 30, second, second * 200, 3)
                pod = f"C0:FF:EE:00:00:0{1 + (foot is Side.RIGHT)}"
                link = ("down", "link lost") if second == 20 and foot is Side.RIGHT else ("up", None)
                yield t_ns, PodStatus(pod, foot, *link, 88, *counters)
    yield 2 * NS, a_limit("limit.run_time", LimitStatus.WITHIN, 1.0, unit="s", warn=900.0, stop=1200.0)
    yield half_ns, a_limit("limit.distance", LimitStatus.WITHIN, 40.0)
    yield half_ns, a_limit("limit.distance", LimitStatus.OVER, 101.5)
    yield half_ns, an_alert(AlertPhase.ONSET, half_ns, run=run)
    recovered_ns = half_ns + 12_500_000_000
    yield recovered_ns, a_limit("limit.distance", LimitStatus.WITHIN, 99.0)
    yield recovered_ns, an_alert(AlertPhase.RECOVERY, half_ns, run=run)
    for foot in Side:
        yield seconds * NS - 1, a_load(foot, bins=MOST_BINS if foot is Side.LEFT else 0)
    yield half_ns, a_workout_state()
    yield half_ns, an_interval()
    yield seconds * NS, a_workout_done()
    yield seconds * NS, with_everything(a_summary(runner, seconds))
    yield seconds * NS, RunChange(RunState.ENDED, "asked to")


def a_run(
    seconds: int = 60,
    *,
    first_seq: int = 1,
    run: str = RUN,
    runner: str = "runner-1",
    site: str = "home",
    anchor_ns: int | None = ANCHOR_NS,
) -> list[StoredEvent]:
    """All events of a run of `seconds` at 2.85 m/s, in the order of their times."""
    moments = sorted(_moments(seconds, run, runner), key=lambda moment: moment[0])
    events = [
        stored(first_seq + i, t_ns, value, run=run, runner=runner, site=site, anchor_ns=anchor_ns)
        for i, (t_ns, value) in enumerate(moments)
    ]
    return [replace(event, n=i) for i, event in enumerate(events)]


async def until(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    """Wait for something that happens elsewhere."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - there is nothing to be woken by
            await asyncio.sleep(0.002)


class MemoryLog:
    """An event log in memory; `moves` and `aside` tell what a pump did with it."""

    def __init__(self, events: Iterable[StoredEvent] = ()) -> None:
        self.events = list(events)
        self.cursors: dict[str, int] = {}
        self.moves: list[int] = []
        self.aside: dict[int, str] = {}

    async def read_after(self, seq: int, limit: int) -> Sequence[StoredEvent]:
        return [event for event in self.events if event.seq > seq][:limit]

    async def cursor(self, sink: str) -> int:
        return self.cursors.get(sink, 0)

    async def move_cursor(self, sink: str, seq: int) -> None:
        assert seq > self.cursors.get(sink, 0), "a cursor only moves forward"
        self.cursors[sink] = seq
        self.moves.append(seq)

    async def quarantine(self, sink: str, seq: int, reason: str) -> None:
        self.aside[seq] = reason
