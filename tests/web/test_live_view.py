"""The fold of events into one picture: what it shows, and what it never shows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sensord.model import (
    Activity,
    AlertPhase,
    Event,
    FootGait,
    FootNote,
    Level,
    PodStatus,
    RunChange,
    RunState,
    Side,
    payload,
)
from sensord.web.feet import LATEST
from sensord.web.live import KEEP_NOTES, KEEP_RECOVERED, STRIP_SECONDS, LiveView
from tests.web.scripted import SETUP, Story, a_difference, a_limit, a_load, a_stride, a_window, undecided


class Clock:
    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def live(clock: Clock) -> LiveView:
    view = LiveView(clock=clock)
    view.begin(SETUP)
    return view


@pytest.fixture
def story(live: LiveView) -> Story:
    return Story(live.apply)


def now(live: LiveView) -> str:
    return str(live.snapshot()["now"]["text"])


def test_without_a_run_there_is_nothing_measured_and_something_to_do(clock: Clock) -> None:
    picture = LiveView(clock=clock).snapshot()
    assert picture["run"]["state"] == "idle"
    assert picture["now"]["text"] == "Turn both pods on. A run begins by itself."
    assert picture["gait"] is None
    assert picture["distance"]["value"] is None
    assert picture["run_time"]["value"] is None
    assert picture["data"] == {"age_s": None, "stale": False, "stale_after_s": 3.0}


def test_before_a_run_it_waits_for_the_pods_by_name_then_for_her_to_stand(
    live: LiveView, story: Story, clock: Clock
) -> None:
    story.tell(RunChange(RunState.READY, "pod linked"))
    assert now(live) == "Waiting for the pods. Turn them on."
    story.pods(right="down")
    assert now(live) == "Waiting for the right pod. Turn it on."
    story.pods()
    assert now(live) == "Put both pods on and stand still for 3 seconds."
    clock.s += 6.0
    assert now(live) == "Ready. Start walking or running."
    story.tell(FootNote(Side.LEFT, "no_alignment", "no strides can be read yet"))
    assert now(live) == "The left pod cannot be read yet. Walk straight on for some steps."
    story.tell(FootNote(Side.LEFT, "aligned", "found"))
    assert now(live) == "Ready. Start walking or running."


def test_a_link_lost_before_the_start_starts_the_standing_again(live: LiveView, story: Story, clock: Clock) -> None:
    story.ready()
    clock.s += 6.0
    story.pods(left="down")
    story.pods()
    assert now(live) == "Put both pods on and stand still for 3 seconds."


def test_one_pod_alone_is_asked_for_alone(clock: Clock) -> None:
    live = LiveView(clock=clock)
    live.begin(replace(SETUP, pods=SETUP.pods[1:]))
    story = Story(live.apply)
    story.tell(RunChange(RunState.READY, "pod linked"))
    story.pods(left="down")
    assert now(live) == "Put the pod on and stand still for 3 seconds."


def test_running_says_what_is_left_of_the_nearer_limit(live: LiveView, story: Story) -> None:
    story.some_minutes()
    assert now(live) == "Running. 1.2 km left of 5 km"
    story.limits(3820.0, 2310.0)
    assert now(live) == "Running. 1:30 min left of 40:00 min"


def test_without_limits_running_says_how_far(live: LiveView, story: Story) -> None:
    story.ready()
    story.run()
    story.second()
    assert now(live) == "Running. 0 m, 0:00 min of running"
    story.t_s = 999.0
    story.second(activity=Activity.WALK)
    assert now(live) == "Walking. 2.9 km, 16:10 min of running"


def test_a_distance_that_counts_running_only_is_the_limits_own(live: LiveView, story: Story) -> None:
    story.ready()
    story.run()
    story.second(distance_m=3900.0)  # a window's distance counts walking too
    story.tell(a_limit("limit.distance", "run_distance", "m", 3000.0, warn=None, stop=4000.0))
    distance = live.snapshot()["distance"]
    assert (distance["value"], distance["left"], distance["running_only"]) == (3000.0, 1000.0, True)


def test_a_total_is_the_newest_of_window_and_limit(live: LiveView, story: Story) -> None:
    story.some_minutes()  # window 2.85 m/s x 1340 s = 3819 m, limit said 3820 m
    assert live.snapshot()["distance"]["value"] == 3820.0
    story.second(distance_m=3825.0)
    distance = live.snapshot()["distance"]
    assert (distance["value"], distance["left"], distance["share"]) == (3825.0, 1175.0, 0.765)


def test_the_list_of_limits_shows_totals_as_new_as_the_big_numbers(live: LiveView, story: Story) -> None:
    story.tell(a_limit("limit.distance", "distance", "m", 100.0, warn=None, stop=4000.0))
    story.tell(a_limit("limit.run_time", "run_time", "s", 500.0, warn=None, stop=1200.0))
    story.tell(replace(a_window(60.0), distance_m=171.0, run_time_s=58.0))
    values = {item["rule"]: item["value"] for item in live.snapshot()["limits"]["items"]}
    assert values == {"limit.distance": 171.0, "limit.run_time": 500.0}  # never back


def test_a_limit_that_is_checked_by_something_else_is_still_one_limit(live: LiveView, story: Story) -> None:
    story.tell(a_limit("impact", "impact_left", "g", 12.0, warn=None, stop=20.0))
    story.tell(a_limit("impact", "impact_band_left", "g", 1.2, warn=None, stop=2.0))
    [item] = live.snapshot()["limits"]["items"]
    assert (item["metric"], item["value"]) == ("impact_band_left", 1.2)


def test_past_a_limit_nothing_is_left_and_never_less(live: LiveView, story: Story) -> None:
    story.some_minutes()
    story.limits(5200.0, 100.0)
    distance = live.snapshot()["distance"]
    assert (distance["left"], distance["share"], distance["level"]) == (0.0, 1.04, "stop")
    assert now(live) == "Nothing is left of 5 km. Stop running."


@pytest.mark.parametrize(
    ("left", "right", "text"),
    [
        ("down", "up", "The left pod has no link. Only the other foot is measured."),
        ("down", "down", "The pods have no link. Nothing is measured."),
    ],
)
def test_a_lost_link_is_said_while_running(live: LiveView, story: Story, left: str, right: str, text: str) -> None:
    story.some_minutes()
    story.pods(left=left, right=right)
    assert now(live) == text


def test_a_pod_that_turned_on_the_shoe_is_said_for_a_while(live: LiveView, story: Story) -> None:
    story.some_minutes()
    story.tell(FootNote(Side.RIGHT, "pod_moved", "the pod's pitch axis has turned by 25 degrees"))
    assert now(live) == "The right pod turned on the shoe. Check the fit."
    for _ in range(21):
        story.second()
    assert now(live).startswith("Running.")


def test_a_value_older_than_three_seconds_is_stale(live: LiveView, story: Story, clock: Clock) -> None:
    story.some_minutes()
    clock.s += 3.0
    assert not live.snapshot()["data"]["stale"]
    clock.s += 0.1
    picture = live.snapshot()
    assert picture["data"]["stale"]
    assert picture["data"]["age_s"] == pytest.approx(3.1)
    assert picture["now"]["text"] == "No data from the pods. The numbers are old."
    story.second()
    assert live.snapshot()["data"] == {"age_s": 0.0, "stale": False, "stale_after_s": 3.0}


def test_the_numbers_of_an_ended_run_are_not_stale_but_final(live: LiveView, story: Story, clock: Clock) -> None:
    story.some_minutes()
    story.end()
    clock.s += 100.0
    picture = live.snapshot()
    assert not picture["data"]["stale"]
    assert picture["summary"]["steps"] == 3818
    assert picture["now"]["text"] == "Run ended. 3.8 km, 21:43 min of running"


def test_a_run_without_steps_says_so(live: LiveView, story: Story) -> None:
    story.ready()
    story.end()
    assert now(live) == "Run ended. No steps were seen."


def test_a_paused_run_says_how_to_go_on(live: LiveView, story: Story) -> None:
    story.some_minutes()
    story.tell(RunChange(RunState.PAUSED, "no stride for 30 s"))
    assert now(live) == "Paused. Walk or run to go on."


def test_unmeasured_stays_none(live: LiveView, story: Story) -> None:
    nothing = FootGait(
        n=0, cadence_spm=None, contact_time_s=None, contact_n=0, impact_peak_g=None, impact_clipped_share=None,
        confidence=None,
    )  # fmt: skip
    story.some_minutes()
    story.second(cadence_spm=None, left=nothing)
    picture = live.snapshot()
    assert picture["gait"]["cadence_spm"] is None
    assert picture["gait"]["left"]["contact_time_s"] is None
    assert picture["gait"]["left"]["impact_peak_g"] is None
    assert picture["strip"][-1][1:3] == [None, None]


def test_the_share_of_lost_samples_is_none_when_it_cannot_be_known(live: LiveView, story: Story) -> None:
    story.pods(lost=400)
    pods = live.snapshot()["pods"]
    assert pods["left"]["lost_pct"] == pytest.approx(100 * 400 / 40_400)
    assert pods["right"]["lost_pct"] == 0.0
    story.tell(PodStatus("p", Side.LEFT, "up", None, None, 1, 0, 10, None))
    story.tell(PodStatus("p", Side.RIGHT, "up", None, None, 0, 0, 0, 0))
    assert [live.snapshot()["pods"][side.value]["lost_pct"] for side in Side] == [None, None]


def test_only_decided_limits_count_as_checked(live: LiveView, story: Story) -> None:
    story.some_minutes()
    limits = live.snapshot()["limits"]
    assert (limits["checked"], limits["total"]) == (4, 6)
    assert [item["title"] for item in limits["items"]] == [
        "Distance", "Running time", "Impact right", "Contact time left/right", "Asymmetry impact", "Week growth",
    ]  # fmt: skip
    story.tell(undecided("limit.distance", "distance", "no whole stride yet"))
    assert live.snapshot()["limits"]["checked"] == 3


def test_an_alert_is_active_from_onset_to_recovery(live: LiveView, story: Story) -> None:
    story.some_minutes()
    name = story.alert()
    picture = live.snapshot()
    assert [a["id"] for a in picture["alerts"]["active"]] == [name]
    assert picture["now"] == {"text": "Stop running: distance limit", "tone": "stop"}
    story.t_s += 42
    story.alert(AlertPhase.RECOVERY, id=name, text="Back.")
    alerts = live.snapshot()["alerts"]
    assert alerts["active"] == []
    assert [(a["id"], a["phase"], a["text"], a["duration_s"]) for a in alerts["recovered"]] == [
        (name, "recovery", "Back.", 42.0)
    ]


def test_a_reminder_is_the_same_alert_told_anew(live: LiveView, story: Story) -> None:
    story.some_minutes()
    name = story.alert()
    for minutes in (3, 6):
        story.alert(AlertPhase.REMINDER, id=name, text=f"Still running, {minutes} min.")
    (active,) = live.snapshot()["alerts"]["active"]
    assert (active["id"], active["phase"], active["text"], active["reminders"]) == (
        name, "onset", "Still running, 6 min.", 2,
    )  # fmt: skip
    story.alert(AlertPhase.RECOVERY, id=name, text="Back.")
    story.alert(AlertPhase.REMINDER, id=name, text="Too late.")
    assert live.snapshot()["alerts"]["active"] == []


def test_the_loudest_comes_first_and_covers_what_is_quieter(live: LiveView, story: Story) -> None:
    story.some_minutes()
    for level in (Level.INFO, Level.URGENT, Level.STOP, Level.WARN):
        story.alert(id=level.value, level=level)
    active = live.snapshot()["alerts"]["active"]
    assert [(a["id"], a["covered"]) for a in active] == [
        ("urgent", False), ("stop", True), ("warn", True), ("info", True),
    ]  # fmt: skip
    assert live.snapshot()["now"] == {"text": "Stop running: distance limit", "tone": "stop"}


def test_a_warning_says_its_cue_and_what_is_left(live: LiveView, story: Story) -> None:
    story.some_minutes()
    story.alert(level=Level.WARN, cue="Distance nearly done")
    assert live.snapshot()["now"] == {"text": "Distance nearly done. 1.2 km left of 5 km", "tone": "ease"}


def test_stop_comes_before_warn_and_covers_the_warning_of_its_own_rule(live: LiveView, story: Story) -> None:
    story.some_minutes()
    story.alert(id="w", level=Level.WARN)
    story.alert(id="s")
    story.t_s += 1
    story.alert(id="other", level=Level.WARN, rule="impact", metric="impact_right")
    active = live.snapshot()["alerts"]["active"]
    assert [(a["id"], a["covered"]) for a in active] == [("s", False), ("other", False), ("w", True)]


def test_a_run_that_ends_closes_its_alerts_without_calling_them_recovered(live: LiveView, story: Story) -> None:
    story.some_minutes()
    story.alert()
    story.end()
    alerts = live.snapshot()["alerts"]
    assert alerts["active"] == []
    assert [(a["phase"], a["text"], a["duration_s"]) for a in alerts["recovered"]] == [
        ("ended", "Distance 5.01 km of 5.00 km. Nothing left.", None)
    ]


def test_a_new_run_forgets_the_one_before(live: LiveView, story: Story) -> None:
    story.some_minutes()
    story.alert()
    number = live.snapshot()["run"]["number"]
    live.begin(SETUP)
    picture = live.snapshot()
    assert picture["run"]["number"] == number + 1
    assert picture["alerts"] == {"active": [], "recovered": []}
    assert (picture["gait"], picture["strip"], picture["limits"]["total"]) == (None, [], 0)


def test_ready_after_ended_is_a_new_run_too(live: LiveView, story: Story) -> None:
    story.some_minutes()
    story.end()
    story.tell(RunChange(RunState.READY, "pod linked"))
    picture = live.snapshot()
    assert picture["run"]["state"] == "ready"
    assert (picture["gait"], picture["summary"]) == (None, None)


def test_unknown_kinds_pass_by(live: LiveView, story: Story) -> None:
    before = live.snapshot()
    live.apply(Event(0, 0, "checkin", {"pain": 2}))
    assert live.snapshot() == before


def test_memory_is_bounded(live: LiveView, story: Story) -> None:
    for number in range(600):
        story.second()
        story.tell(FootNote(None, "note", f"{number}"))
        story.alert(id=f"{number}")
        story.alert(AlertPhase.RECOVERY, id=f"{number}")
        story.alert(id=f"open {number}")
        story.tell(a_limit(f"rule {number}", "m", "m", 1.0, warn=None, stop=2.0))
        story.difference()
    picture = live.snapshot()
    assert len(picture["strip"]) == STRIP_SECONDS
    assert len(picture["notes"]) == KEEP_NOTES
    assert len(picture["alerts"]["recovered"]) == KEEP_RECOVERED
    assert len(picture["alerts"]["active"]) == 24
    assert len(picture["limits"]["items"]) == 64
    assert len(json.dumps(live.snapshot(strip=False))) < 64_000


def test_a_picture_without_the_strip_is_small(live: LiveView, story: Story) -> None:
    story.some_minutes()
    assert "strip" not in live.snapshot(strip=False)
    assert len(json.dumps(live.snapshot(strip=False))) < 8_000


def test_a_window_is_passed_on_as_it_is(live: LiveView, story: Story) -> None:
    story.tell(RunChange(RunState.RUNNING, "first stride"))
    story.tell(a_window(12.0), 12.0)
    picture = live.snapshot()
    assert picture["gait"] == payload(a_window(12.0))
    assert (picture["gait_t_s"], picture["t_s"]) == (12.0, 12.0)


def test_a_distance_comes_with_what_it_rests_on(live: LiveView, story: Story) -> None:
    story.tell(RunChange(RunState.RUNNING, "first stride"))
    assert [live.snapshot()["distance"][key] for key in ("distance_sd_m", "estimated_m", "configured_m")] == [None] * 3
    story.second(distance_sd_m=6.0, estimated_m=12.0, configured_m=3.0)
    distance = live.snapshot()["distance"]
    assert (distance["distance_sd_m"], distance["estimated_m"], distance["configured_m"]) == (6.0, 12.0, 3.0)


def test_every_metric_has_its_newest_value_and_when_it_was(live: LiveView, story: Story) -> None:
    story.some_minutes()
    story.all_metrics()
    story.t_s += 30.0
    story.tell(a_difference("impulse", 0.36, 0.34, "bw*s"))
    told = live.snapshot()["asymmetry"]
    assert len(told) == 10
    assert (told["impulse"]["left"], told["impulse"]["t_s"], told["swing_time"]["t_s"]) == (0.36, 1370.0, 1340.0)
    assert told["flight_time"]["si_pct"] is None
    assert len(json.dumps(live.snapshot(strip=False))) < 16_000  # nine metrics more than in the picture above


def test_how_each_foot_lands_is_of_its_latest_running_strides(live: LiveView, story: Story) -> None:
    for number in range(100):
        strike = "rearfoot" if number < 70 else "midfoot" if number < 90 else None
        stride = replace(a_stride(Side.LEFT, number, 0.7 * number), strike_angle_deg=float(number), strike_type=strike)
        story.tell(replace(stride, force_peak_bw=None if number < 95 else 2.0 + number / 100))
        story.tell(replace(stride, activity=Activity.WALK))
        story.tell(replace(stride, confidence=0.4))
    story.tell(replace(a_stride(Side.RIGHT, 1, 0.0), strike_angle_deg=None, strike_type=None, force_peak_bw=None))
    feet = live.snapshot()["feet"]
    left = feet["left"]
    assert (left["n"], left["strike_n"], left["force_n"]) == (LATEST, LATEST, 5)
    assert left["strikes"] == {"rearfoot": 0.25, "midfoot": 0.5, "forefoot": 0.0}  # the rest is unclear
    assert left["strike_angle_deg"] == pytest.approx(79.5)
    assert left["force_peak_bw"] == pytest.approx(2.97)
    right = feet["right"]
    assert right["n"] == 1
    assert right["strikes"] is right["strike_angle_deg"] is right["force_peak_bw"] is right["load"] is None


def test_the_load_of_a_foot_is_its_newest(live: LiveView, story: Story) -> None:
    story.loads()
    story.tell(replace(a_load(Side.LEFT), strides=2000))
    feet = live.snapshot()["feet"]
    assert (feet["left"]["load"]["strides"], feet["right"]["load"]["strides"]) == (2000, 1910)
    live.begin(SETUP)
    assert live.snapshot()["feet"]["left"]["load"] is None


def test_told_speeds_do_not_push_out_the_notes(live: LiveView, story: Story) -> None:
    story.tell(FootNote(Side.LEFT, "pod_moved", "check its fit"))
    for number in range(10):
        story.t_s += 1.0
        story.tell(FootNote(None, "speed", f"speed {number} m/s (treadmill)"))
    picture = live.snapshot()
    assert [note["code"] for note in picture["notes"]] == ["pod_moved"]
    assert picture["known_speed"] == {"t_s": 10.0, "foot": None, "code": "speed", "text": "speed 9 m/s (treadmill)"}
