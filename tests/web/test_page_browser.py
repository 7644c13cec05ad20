"""The page in a real browser at phone size: what is seen, what is heard, what happens when the daemon is gone."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from sensord.model import AlertPhase, FootGait, Level, LimitStatus, PodStatus, RunChange, RunState
from tests.web.conftest import Phone
from tests.web.scripted import SETUP, STOP_TEXT, ServedPage, StoredRuns, a_limit, a_window, served, some_runs

pytestmark = pytest.mark.browser

Phones = Callable[..., Phone]
TAPPED = ["Sound is on"]


def heard(page: Page) -> list[str]:
    return list(page.evaluate("window.heard"))


def wait_heard(page: Page, count: int) -> None:
    """Until so much was said. (Playwright's own wait evaluates text in the page, which its policy refuses.)"""
    deadline = time.monotonic() + 8.0
    while len(heard(page)) < count:
        assert time.monotonic() < deadline, f"heard only {heard(page)}"
        page.wait_for_timeout(20)


def tones(page: Page) -> int:
    return int(page.evaluate("window.tones ?? 0"))


def left_of(page: Page, identity: str) -> float:
    box = page.locator(f"#{identity}").bounding_box()
    assert box is not None
    return box["x"]


@pytest.mark.parametrize(("width", "dark"), [(360, False), (412, True)])
def test_a_run_at_a_glance(page_server: ServedPage, phone: Phones, width: int, dark: bool) -> None:
    page_server.some_minutes()
    page = phone(width, dark=dark).open(page_server.url)
    expect(page.locator("#now")).to_have_text("Running. 1.2 km left of 5 km", use_inner_text=True)
    expect(page.locator("#state")).to_have_text("Running")
    expect(page.locator("#runner")).to_have_text("R-0042")
    for identity, text in {
        "cadence": "171", "left-contact": "249", "right-contact": "236", "left-impact": "11.5",
        "right-impact": "≥ 15.8", "distance": "3.82", "distance-sd": "± 0.11", "run-time": "21:43", "si": "3.9",
        "speed": "10.3", "speed-n": "± 0.4 · 5:51 min/km · by foot path", "flight": "Flight 107 ms, mean of both feet",
    }.items():  # fmt: skip
        expect(page.locator(f"#{identity}")).to_have_text(text)
        expect(page.locator(f"#{identity}")).to_be_visible()
    expect(page.locator("#cadence-n")).to_have_text("n 14 strides, last 5 s")
    expect(page.locator("#right-contact-n")).to_have_text("n 6")
    expect(page.locator("#right-impact-n")).to_have_text("n 7 · 40 % clipped")
    expect(page.locator("#distance-left")).to_have_text("1.18 km left of 5 km")
    expect(page.locator("#distance-n")).to_have_text("0.08 km estimated · n 3,819 steps")
    expect(page.locator("#si-side")).to_have_text("left longer")
    expect(page.locator("#si-n")).to_have_text(
        "SI +3.9 % · 95 % interval +2.1 to +5.7 % · balance 51.0 % left · n 240 pairs"
    )
    expect(page.locator("#change-text")).to_have_text("Change from your usual: 1.4 points")
    expect(page.locator("#limits-count")).to_have_text("4 of 6 limits checked")
    assert page.locator("#limits li").all_inner_texts()[4].split() == [
        "Asymmetry",
        "impact",
        "undecided",
        "12",
        "of",
        "30",
        "pairs",
    ]
    expect(page.locator("#pod-left")).to_contain_text("battery 87 %")
    expect(page.locator("#pod-left")).to_contain_text("lost 0.3 % of samples")
    for row in ("contact", "impact"):
        assert left_of(page, f"left-{row}") < width / 2 < left_of(page, f"right-{row}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    size = page.evaluate("parseFloat(getComputedStyle(document.getElementById('left-contact')).fontSize)")
    assert size >= 43  # CSS px: about 5 mm high digits on a phone
    assert page.locator(".strip .trace.right").get_attribute("d").count("L") > 170  # type: ignore[union-attr]


def test_ticks_stand_where_the_limits_are(page_server: ServedPage, phone: Phones) -> None:
    page_server.some_minutes()
    page = phone().open(page_server.url)
    place = {name: left_of_tick(page, name) for name in ("warn", "stop")}
    fill = page.locator("#distance-bar .fill").bounding_box()
    track = page.locator("#distance-bar .track").bounding_box()
    assert fill is not None
    assert track is not None
    per_m = (place["stop"] - track["x"]) / 5000.0
    assert place["warn"] - track["x"] == pytest.approx(4500.0 * per_m, abs=2)
    assert fill["width"] == pytest.approx(3820.0 * per_m, abs=4)
    expect(page.locator("#distance-bar")).to_have_attribute("aria-label", "3.82 km of 5 km")


def left_of_tick(page: Page, name: str) -> float:
    box = page.locator(f"#distance-bar .tick.{name}").bounding_box()
    assert box is not None
    return box["x"]


def test_what_is_not_measured_is_a_dash(page_server: ServedPage, phone: Phones) -> None:
    nothing = FootGait(0, None, None, 0, None, None, None)
    page_server.story.ready()
    page_server.story.run()
    page_server.story.second(cadence_spm=None, left=nothing)
    page_server.story.pods(left="down")
    page = phone().open(page_server.url)
    for identity in ("cadence", "left-contact", "left-impact", "si"):
        expect(page.locator(f"#{identity}")).to_have_text("–")
    expect(page.locator("#right-impact")).to_have_text("≥ 15.8")
    expect(page.locator("#left-pod")).to_have_text("no link")
    expect(page.locator("#distance-left")).to_have_text("no limit set")
    expect(page.locator("#limits-count")).to_have_text("No limits set")
    expect(page.locator("#now")).to_have_text("The left pod has no link. Only the other foot is measured.")


def test_a_sensor_and_what_it_tells_are_read_in_one_line(page_server: ServedPage, phone: Phones) -> None:
    page_server.story.ready()
    page_server.story.run()
    page_server.story.second(heart_rate_bpm=145.0, power_w=211.4)
    page_server.story.tell(PodStatus("strap", None, "up", None, 88, 60, 0, 60, None))
    page = phone().open(page_server.url)
    expect(page.locator("#sensors li")).to_have_text("Sensorlinked · battery 88 %")
    values = page.locator("#sensor-values")
    expect(values).to_have_text("Heart rate 145 · 211 W, as the sensor says")
    box = values.bounding_box()
    assert box is not None
    assert box["width"] > 8 * box["height"]
    page_server.story.tell(PodStatus("strap", None, "down", "link lost", 88, 60, 0, 60, None))
    expect(page.locator("#sensors li")).to_have_text("Sensorno link: link lost · battery 88 %")


def test_a_short_limit_is_read_in_metres(page_server: ServedPage, phone: Phones) -> None:
    page_server.story.ready()
    page_server.story.run()
    page_server.story.second(distance_m=44.4)
    page_server.story.tell(a_limit("limit.distance", "distance", "m", 44.4, warn=120.0, stop=180.0))
    page = phone().open(page_server.url)
    expect(page.locator("#distance")).to_have_text("44")
    expect(page.locator("#distance-unit")).to_have_text("m")
    expect(page.locator("#distance-left")).to_have_text("136 m left of 180 m")
    expect(page.locator("#distance-bar .tick.warn")).to_have_text("warn 120")
    expect(page.locator("#limits .detail")).to_have_text("44 of 180 m")


def test_a_limit_that_only_informs_is_passed_quietly(page_server: ServedPage, phone: Phones) -> None:
    page_server.story.ready()
    page_server.story.run()
    page_server.story.second(distance_m=44.4)
    passed = a_limit("impact", "impact_peak", "g", 12.3, warn=None, stop=None)
    page_server.story.tell(replace(passed, status=LimitStatus.OVER, level=Level.INFO))
    page = phone().open(page_server.url)
    expect(page.locator("#limits .word")).to_have_text("over: noted")
    expect(page.locator("#limits .detail")).to_have_text("12.3 g")
    expect(page.locator("#limits li")).to_have_attribute("data-level", "calm")


def test_before_the_first_step_only_the_pods_are_shown(page_server: ServedPage, phone: Phones) -> None:
    page_server.story.ready()
    page = phone().open(page_server.url)
    expect(page.locator("#now")).to_have_text("Put both pods on and stand still for 3 seconds.")
    expect(page.locator("#pod-right")).to_contain_text("linked")
    expect(page.locator("#cadence")).to_be_hidden()


def test_old_numbers_are_not_shown_as_current(page_server: ServedPage, phone: Phones) -> None:
    told = time.monotonic()
    page_server.some_minutes()
    page = phone().open(page_server.url)
    expect(page.locator("#cadence")).to_have_text("171")
    expect(page.locator("body")).to_have_attribute("data-fresh", "fresh")
    page_server.later_s = 10.0
    age = page.locator("#age")
    expect(age).to_have_text(re.compile(r"Not current: [0-9]+ s old"))
    assert 10 <= int(re.findall(r"[0-9]+", str(age.text_content()))[0]) <= 10.5 + time.monotonic() - told
    expect(page.locator("body")).to_have_attribute("data-fresh", "stale")
    assert "line-through" in page.evaluate("getComputedStyle(document.getElementById('cadence')).textDecoration")
    expect(page.locator("#now")).to_have_text("No data from the pods. The numbers are old.")
    page_server.story.tell(RunChange(RunState.PAUSED, "no stride for 30 s"))
    expect(page.locator("#age")).to_have_text(re.compile("Before the pause, 1. s ago"))
    page_server.story.tell(RunChange(RunState.RUNNING, "strides again"))
    page_server.story.second()
    expect(page.locator("#age")).to_be_hidden()


def test_the_banner_says_level_cue_and_fact_until_the_recovery(page_server: ServedPage, phone: Phones) -> None:
    page_server.some_minutes()
    page = phone().open(page_server.url)
    expect(page.locator("#banner")).to_be_hidden()
    name = page_server.story.alert()
    expect(page.locator("#banner-level")).to_have_text("Stop")
    expect(page.locator("#banner-title")).to_have_text("Stop running")
    expect(page.locator("#banner-text")).to_have_text(STOP_TEXT)
    expect(page.locator("#say")).to_have_text(f"Stop. Stop running. {STOP_TEXT}")
    box = page.locator("#banner").bounding_box()
    assert box is not None
    assert box["width"] >= 330
    page_server.story.alert(id="w", level=Level.WARN, rule="impact", metric="impact_right", text="Right impact 14.3 g.")
    expect(page.locator("#banner-more")).to_contain_text("Warning: Right impact 14.3 g.")
    page_server.story.alert(AlertPhase.RECOVERY, id=name, cue="Back inside limit", text="Distance is back.")
    expect(page.locator("#banner-level")).to_have_text("Warning")
    page_server.story.alert(AlertPhase.RECOVERY, id="w", cue="Back inside limit", text="Right impact 12.1 g again.")
    expect(page.locator("#banner-level")).to_have_text("Recovered")
    expect(page.locator("#banner-text")).to_have_text("Right impact 12.1 g again.")
    for _ in range(11):
        page_server.story.second()
    expect(page.locator("#banner")).to_be_hidden()


def test_a_hidden_banner_stays_hidden_and_the_next_one_comes(page_server: ServedPage, phone: Phones) -> None:
    page_server.some_minutes()
    page_server.story.alert()
    page = phone().open(page_server.url)
    page.locator("#banner-hide").tap()
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#now")).to_have_text("Stop running: distance limit")
    page.reload()
    expect(page.locator("#now")).to_have_text("Stop running: distance limit")
    expect(page.locator("#banner")).to_be_hidden()
    page_server.story.alert(id="next", cue="Check right impact", rule="impact", metric="impact_right")
    expect(page.locator("#banner-title")).to_have_text("Check right impact")


def test_nothing_is_heard_before_the_tap_and_each_alert_once_after_it(page_server: ServedPage, phone: Phones) -> None:
    story = page_server.story
    page_server.some_minutes()
    name = story.alert()
    page = phone().open(page_server.url)
    expect(page.locator("#sound-on")).to_have_text("Sound is off – tap to hear alerts")
    expect(page.locator("#banner-title")).to_have_text("Stop running")
    story.second()
    assert heard(page) == []
    assert tones(page) == 0
    page.locator("#sound-on").tap()
    expect(page.locator("#sound-state")).to_have_text("Sound is on")
    said = [*TAPPED, "Stop running", STOP_TEXT]  # what is still the case is said after the tap
    wait_heard(page, 3)
    assert heard(page) == said
    assert tones(page) == 2 + 3
    story.alert(
        id="w", level=Level.WARN, rule="impact", metric="impact_right", cue="Check right impact", text="14.3 g."
    )
    said += ["Check right impact", "14.3 g."]
    wait_heard(page, 5)
    for _ in range(3):
        story.second()
    page.wait_for_timeout(500)
    assert heard(page) == said
    story.alert(AlertPhase.RECOVERY, id=name, cue="Back inside limit", text="Back.")
    said += ["Back inside limit", "Back."]
    wait_heard(page, 7)
    page.locator("#sound-test").tap()
    assert heard(page) == [*said, *TAPPED]
    page.locator("#sound-off").tap()
    story.alert(id="silent", rule="limit.run_time", metric="run_time")
    expect(page.locator("#banner-title")).to_have_text("Stop running")
    page.wait_for_timeout(300)
    assert heard(page) == [*said, *TAPPED]


def test_a_warning_overtaken_by_its_stop_is_not_said_as_well(page_server: ServedPage, phone: Phones) -> None:
    page_server.some_minutes()
    page_server.story.alert(id="w", level=Level.WARN, cue="Distance nearly done")
    page_server.story.alert()
    page = phone().open(page_server.url)
    page.locator("#sound-on").tap()
    wait_heard(page, 3)
    assert heard(page) == [*TAPPED, "Stop running", STOP_TEXT]
    expect(page.locator("#banner-more li")).to_have_count(0)


def test_a_page_loaded_again_does_not_repeat_what_was_said(page_server: ServedPage, phone: Phones) -> None:
    page_server.some_minutes()
    page_server.story.alert()
    page = phone().open(page_server.url)
    page.locator("#sound-on").tap()
    wait_heard(page, 3)
    page.reload()
    expect(page.locator("#banner")).to_be_visible()
    page.locator("#sound-on").tap()
    expect(page.locator("#sound-state")).to_be_visible()
    page_server.story.second()
    page.wait_for_timeout(400)
    assert heard(page) == TAPPED


def test_a_restarted_daemon_is_found_again_and_only_news_is_said(page_server: ServedPage, phone: Phones) -> None:
    page_server.some_minutes()
    old = page_server.story.alert(id="old")
    back = page_server.story.alert(id="back", level=Level.WARN, rule="impact", metric="impact_right", cue="Check")
    page = phone().open(page_server.url)
    page.locator("#sound-on").tap()
    wait_heard(page, 5)
    said = heard(page)
    port = page_server.port
    page_server.stop()
    gone = time.monotonic()
    expect(page.locator("#lost")).to_contain_text("No connection to sensord", timeout=3000)
    assert time.monotonic() - gone < 3.0
    expect(page.locator("body")).to_have_attribute("data-fresh", "stale")
    page_server.start(port)  # a daemon that came back plays the run again from its file
    page_server.some_minutes()
    story = page_server.story
    story.alert(id=old)
    story.alert(id=back, level=Level.WARN, rule="impact", metric="impact_right", cue="Check")
    story.t_s += 1.0
    story.alert(AlertPhase.RECOVERY, id="back", cue="Back inside limit", text="Long ago.")
    story.t_s += 60.0
    story.alert(id="missed", rule="limit.run_time", metric="run_time", cue="Time is up", text="40:00 of 40:00.")
    story.second()
    expect(page.locator("#lost")).to_be_hidden()
    wait_heard(page, len(said) + 2)
    page.wait_for_timeout(400)
    assert heard(page) == [*said, "Time is up", "40:00 of 40:00."]
    assert page.locator(".strip .trace.left").get_attribute("d").count("L") > 170  # type: ignore[union-attr]


def test_a_daemon_that_stands_still_is_a_lost_connection(page_server: ServedPage, phone: Phones) -> None:
    page_server.some_minutes()
    page = phone().open(page_server.url)
    expect(page.locator("#cadence")).to_have_text("171")
    page_server.freeze(3.2)
    began = time.monotonic()
    expect(page.locator("#lost")).to_be_visible(timeout=3000)
    assert time.monotonic() - began < 3.0
    expect(page.locator("#lost")).to_be_hidden()


def test_ending_a_run_is_asked_before_it_is_done(page_server: ServedPage, phone: Phones) -> None:
    page_server.some_minutes()
    page = phone().open(page_server.url)
    page.locator("#end").tap()
    expect(page.locator("#ask-title")).to_have_text("End this run?")
    page.locator("#ask-no").tap()
    expect(page.locator("#ask")).to_be_hidden()
    assert page_server.stored.ended == 0
    page.locator("#end").tap()
    page.locator("#ask-yes").tap()
    expect(page.locator("#ask")).to_be_hidden()
    assert page_server.stored.ended == 1
    page_server.story.end()
    expect(page.locator("#now")).to_have_text("Run ended. 3.8 km, 21:43 min of running")
    expect(page.locator("#summary")).to_contain_text("left 248 ms, right 238 ms")
    expect(page.locator("#summary")).to_contain_text("3.82 km ± 0.12, 0.08 km estimated")
    expect(page.locator("#summary")).to_contain_text("10.3 km/h, 5:51 min/km")
    expect(page.locator("#summary")).to_contain_text("left 2.41, right 2.50 BW, difference −3.7 %")
    expect(page.locator("#summary")).to_contain_text("left 12.4, right – °")
    expect(page.locator("#cadence")).to_be_hidden()
    expect(page.locator("#runs li")).to_have_count(3)


def test_between_runs_the_last_ones_are_listed_and_can_be_discarded(phone: Phones) -> None:
    stored = StoredRuns(some_runs())
    with served(stored) as server:
        server.change(server.live.clear)
        page = phone().open(server.url)
        expect(page.locator("#now")).to_have_text("Turn both pods on. A run begins by itself.")
        expect(page.locator("#runs li")).to_have_count(3)
        first = page.locator("#runs li").nth(0)
        expect(first).to_contain_text("3.82 km · 21:43 min")
        expect(first).to_contain_text("2 alerts")
        expect(page.locator("#runs li").nth(2)).to_contain_text("date not known")
        first.locator("summary").tap()
        expect(first).to_contain_text("SI +3.9 %, n 1,880 pairs")
        first.get_by_role("button", name="Discard this run").tap()
        expect(page.locator("#ask-text")).to_have_text("It will not count in your history. Its recording is kept.")
        page.locator("#ask-yes").tap()
        expect(page.locator("#runs li").nth(0)).to_contain_text("discarded")
        assert stored.rows[0].discarded
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_run_of_an_earlier_version_is_still_read(phone: Phones) -> None:
    new = {"speed_mps", "distance_sd_m", "estimated_m", "configured_m", "metrics"}
    run = some_runs()[0]
    assert run.summary is not None
    old = replace(run, summary={key: value for key, value in run.summary.items() if key not in new})
    with served(StoredRuns([old])) as server:
        server.change(server.live.clear)
        page = phone().open(server.url)
        page.locator("#runs li summary").tap()
        expect(page.locator("#runs dl")).to_contain_text("Distance3.82 kmRunning21:43 min")
        expect(page.locator("#runs dl")).not_to_contain_text("Speed")


def test_a_first_start_has_no_runs(phone: Phones) -> None:
    with served(StoredRuns([])) as server:
        server.change(server.live.clear)
        page = phone().open(server.url)
        expect(page.locator("#runs-none")).to_have_text("No runs yet.")


def test_every_number_says_what_it_is(page_server: ServedPage, phone: Phones) -> None:
    page_server.some_minutes()
    page = phone().open(page_server.url)
    buttons = page.locator("button.what:visible")
    expect(buttons).to_have_count(9)  # the first picture has come
    for at in range(buttons.count()):
        buttons.nth(at).tap()
        expect(page.locator("#what article:visible")).to_have_count(1)
        assert len(page.locator("#what article:visible").inner_text()) > 60
        page.keyboard.press("Escape")
        expect(page.locator("#what")).to_be_hidden()
    assert buttons.count() == 9
    page.locator("#detail-card > summary").tap()
    page.locator("#treadmill > summary").tap()
    assert buttons.count() == 11
    for key in ("feet", "treadmill"):
        page.locator(f"button.what[data-what={key}]").tap()
        expect(page.locator(f"#what article[data-what={key}]")).to_be_visible()
        page.keyboard.press("Escape")


def test_a_link_opens_the_page_once_and_leaves_the_address_bar(phone: Phones) -> None:
    with served(token="t" * 40) as server:
        page = phone().open(server.url)
        expect(page.locator("#now")).to_have_text("Turn both pods on. A run begins by itself.")
        assert "token" not in page.url
        page.reload()
        expect(page.locator("#now")).to_have_text("Turn both pods on. A run begins by itself.")
        page.locator("#add-device").tap()
        page.locator("#ask-yes").tap()
        expect(page.locator("#ask-text")).to_contain_text("Open this address on the other device: http://127.0.0.1:")
        other = phone()
        other.expected = "401"
        stranger = other.open(server.url)
        expect(stranger.locator("h1")).to_have_text("This page needs a link")


def test_sinks_and_notes_are_told(page_server: ServedPage, phone: Phones) -> None:
    from sensord.sinks.base import Health, SinkState

    page_server.some_minutes()
    states = [SinkState("influx"), SinkState("mqtt", Health.AWAY, "connection refused", behind=12, quarantined=1)]
    page_server.change(lambda: page_server.live.sinks(states))
    page = phone().open(page_server.url)
    expect(page.locator("#sinks li").nth(0)).to_have_text("InfluxDBup to date")
    expect(page.locator("#sinks li").nth(1)).to_have_text(
        "MQTTaway: connection refused · 12 events to send · 1 refused"
    )
    expect(page.locator("#notes-card")).to_be_hidden()


def test_a_weak_signal_is_said(page_server: ServedPage, phone: Phones) -> None:
    page_server.some_minutes()
    window = a_window(1341.0)
    page_server.story.second(left=replace(window.left, confidence=0.4))
    page = phone().open(page_server.url)
    expect(page.locator("#left-contact-n")).to_have_text("n 7 · weak signal")


def test_a_runners_name_is_text_and_nothing_else(page_server: ServedPage, phone: Phones) -> None:
    page_server.change(lambda: page_server.live.begin(replace(SETUP, runner="<img src=x onerror=alert(1)>")))
    page = phone().open(page_server.url)
    expect(page.locator("#runner")).to_have_text("<img src=x onerror=alert(1)>")
    assert page.locator("img").count() == 0
