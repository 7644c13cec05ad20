"""Any sequence of events: the picture stays true, plain JSON, and tells active alerts and old numbers apart."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.model import (
    NS,
    Activity,
    Alert,
    AlertPhase,
    Asymmetry,
    FootGait,
    FootNote,
    GaitWindow,
    Level,
    LimitState,
    LimitStatus,
    PodStatus,
    RunChange,
    RunState,
    Side,
)
from sensord.web.feet import STRIKES
from sensord.web.live import LiveView
from tests.web.scripted import RUN, SETUP, Story, a_load, a_stride, a_summary, an_alert

FEET = st.sampled_from(list(Side))
VALUES = st.none() | st.floats(-1e6, 1e6)
COUNTS = st.integers(0, 10**6)
FOOT_GAITS = st.builds(
    FootGait,
    n=COUNTS,
    cadence_spm=VALUES,
    contact_time_s=VALUES,
    contact_n=COUNTS,
    impact_peak_g=VALUES,
    impact_clipped_share=VALUES,
    confidence=VALUES,
)
ALERTS = st.builds(
    lambda number, phase, level: replace(
        an_alert(phase, number * NS), id=f"{RUN}/{number}", level=level, rule=f"rule.{number % 2}"
    ),
    st.integers(0, 5),
    st.sampled_from(list(AlertPhase)),
    st.sampled_from([Level.WARN, Level.STOP]),
)
LIMITS = st.builds(
    LimitState,
    rule=st.sampled_from(["limit.distance", "limit.run_time", "impact", "x"]),
    metric=st.sampled_from(["distance", "run_distance", "y"]),
    unit=st.sampled_from(["m", "s", "?"]),
    status=st.sampled_from(list(LimitStatus)),
    level=st.sampled_from(list(Level)),
    value=VALUES,
    warn=VALUES,
    stop=VALUES,
    n=COUNTS,
    n_needed=st.none() | COUNTS,
    reason=st.none() | st.text(),
)
PODS = st.builds(
    PodStatus,
    pod=st.text(),
    foot=FEET,
    link=st.sampled_from(["up", "down"]),
    reason=st.none() | st.text(),
    battery_pct=st.none() | st.integers(0, 100),
    packets=COUNTS,
    packets_rejected=COUNTS,
    samples=COUNTS,
    samples_lost=st.none() | COUNTS,
)
NOTES = st.builds(
    FootNote,
    foot=st.none() | FEET,
    text=st.text(),
    code=st.sampled_from(["aligned", "no_alignment", "pod_moved", "note", "speed"]),
)
ASYMMETRIES = st.builds(
    Asymmetry,
    metric=st.text(max_size=3),
    si_pct=VALUES,
    si_low_pct=VALUES,
    si_high_pct=VALUES,
    balance_pct=VALUES,
    difference=VALUES,
    baseline=VALUES,
    mdc=VALUES,
    why=st.none() | st.text(max_size=9),
    injured_minus_other_pct=VALUES,
    n=COUNTS,
)
WINDOWS = st.builds(
    GaitWindow,
    window_s=st.just(5.0),
    activity=st.none() | st.sampled_from(list(Activity)),
    cadence_spm=VALUES,
    left=FOOT_GAITS,
    right=FOOT_GAITS,
    steps=COUNTS,
    distance_m=st.floats(0, 1e5),
    distance_calibrated=st.booleans(),
    run_time_s=st.floats(0, 1e5),
    walk_time_s=st.floats(0, 1e5),
    elapsed_s=st.floats(0, 1e5),
    speed_mps=VALUES,
    distance_sd_m=VALUES,
    estimated_m=VALUES,
    configured_m=VALUES,
)
LOADS = st.builds(a_load, FEET)
CHANGES = st.builds(RunChange, state=st.sampled_from(list(RunState)), reason=st.text())
STRIDES = st.builds(
    lambda stride, angle, strike, force, sure: replace(
        stride, strike_angle_deg=angle, strike_type=strike, force_peak_bw=force, confidence=sure
    ),
    st.builds(a_stride, FEET, COUNTS, st.floats(0, 1e4)),
    VALUES,
    st.none() | st.sampled_from(STRIKES),
    VALUES,
    st.floats(0, 1),
)


@dataclass
class Silence:
    """Nothing for a while."""

    s: float


THINGS = st.one_of(
    ALERTS,
    LIMITS,
    PODS,
    NOTES,
    ASYMMETRIES,
    WINDOWS,
    CHANGES,
    STRIDES,
    LOADS,
    st.just(a_summary()),
    st.builds(Silence, st.floats(0.0, 5.0)),
)


@dataclass
class Expected:
    """What must be true after the events so far, kept in the plainest way."""

    active: set[str] = field(default_factory=set)
    limits: dict[str, LimitStatus] = field(default_factory=dict)
    state: RunState | None = None
    seen_at_s: float | None = None

    def take(self, thing: Any, now_s: float) -> None:
        match thing:
            case RunChange():
                if thing.state is RunState.READY and self.state is RunState.ENDED:
                    self.active, self.limits, self.seen_at_s = set(), {}, None
                if thing.state is RunState.ENDED:
                    self.active = set()
                self.state = thing.state
            case Alert(phase=AlertPhase.ONSET):
                self.active.add(thing.id)
            case Alert(phase=AlertPhase.RECOVERY):
                self.active.discard(thing.id)
            case LimitState():
                self.limits[thing.rule] = thing.status  # whatever it is checked by
            case GaitWindow():
                self.seen_at_s = now_s


@settings(max_examples=150, deadline=None)
@given(st.lists(THINGS, max_size=30))
def test_any_sequence_of_events_gives_a_picture_that_is_true_json(things: list[Any]) -> None:
    now = [100.0]
    live = LiveView(clock=lambda: now[0])
    live.begin(SETUP)
    story, expected = Story(live.apply), Expected()
    for thing in things:
        if isinstance(thing, Silence):
            now[0] += thing.s
            story.t_s += thing.s
        else:
            expected.take(thing, now[0])
            story.tell(thing)
    picture = live.snapshot()
    assert json.loads(json.dumps(picture, allow_nan=False)) == picture
    active = picture["alerts"]["active"]
    assert {a["id"] for a in active} == expected.active
    assert [a["level"] for a in active] == sorted((a["level"] for a in active), key=["stop", "warn"].index)
    assert picture["limits"]["total"] == len(expected.limits)
    decided = (LimitStatus.WITHIN, LimitStatus.OVER)
    assert picture["limits"]["checked"] == sum(status in decided for status in expected.limits.values())
    age_s = None if expected.seen_at_s is None else now[0] - expected.seen_at_s
    assert picture["data"]["age_s"] == age_s
    ended = expected.state is RunState.ENDED
    assert picture["data"]["stale"] == (age_s is not None and age_s > 3.0 and not ended)
    assert picture["now"]["text"]
    for foot in picture["feet"].values():
        assert foot["strikes"] is None or 0.0 <= sum(foot["strikes"].values()) <= 1.0 + 1e-9
    for total in (picture["distance"], picture["run_time"]):
        assert total["left"] is None or total["left"] >= 0.0
