"""The page's tables and its treadmill form in a real browser: left against right, each foot, the belt's speed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from sensord.load.metrics import METRICS
from sensord.load.steps import SYNC_MS
from sensord.model import FootNote
from sensord.web import server
from tests.web.conftest import Phone
from tests.web.scripted import OTHER_METRICS, ServedPage, a_difference, a_window

pytestmark = pytest.mark.browser

Phones = Callable[..., Phone]


def cells(page: Page, table: str) -> dict[str, list[str]]:
    """Rows of a table by their names; lines inside a cell are kept apart by a bar."""
    found = {}
    for row in page.locator(f"#{table} tr:has(th)").all():
        texts = [text.replace("\xa0", " ").strip() for text in row.locator("th, td").all_inner_texts()]
        name, *values = (re.sub(r"\s*\n\s*", "|", text) for text in texts)
        found[name] = values
    return found


def mind(page: Page, metric: str) -> str:
    text = page.locator(f"#metrics tr[data-metric={metric}] + tr").inner_text()
    return text.replace("\xa0", " ")


def test_the_page_knows_every_metric() -> None:
    told = (Path(server.__file__).parent / "static" / "asymmetry.js").read_text(encoding="utf-8")
    for metric in METRICS:
        assert f"  {metric.name}: {{ name:" in told
    detail = (Path(server.__file__).parent / "static" / "detail.js").read_text(encoding="utf-8")
    assert f"const SYNC_MS = {SYNC_MS:g};" in detail


def test_the_other_metrics_stand_in_a_table(page_server: ServedPage, phone: Phones) -> None:
    page_server.some_minutes()
    page_server.story.all_metrics()
    page = phone().open(page_server.url)
    expect(page.locator("#others-count")).to_have_text("9 more metrics")
    expect(page.locator("#metrics")).to_be_hidden()
    page.locator("#others-count").tap()
    assert cells(page, "metrics") == {
        "Swing time ms": ["460", "470", "−2.2 %|−3.7 to −0.7"],
        "Duty factor %": ["35.0", "33.6", "+4.1 %|+2.6 to +5.6"],
        "Step time ms": ["352", "349", "+0.9 %|interval not known yet"],
        "Flight time ms": ["104", "111", "−7.0 ms|−8.5 to −5.5"],
        "Impact g": ["11.2", "12.8", "−13.3 %|−14.8 to −11.8"],
        "Impact 12–20 Hz g": ["1.31", "1.36", "−3.7 %|−5.2 to −2.2"],
        "Peak force, estimated BW": ["2.41", "2.50", "−3.7 %|−5.2 to −2.2"],
        "Impulse, estimated BW·s": ["0.352", "0.349", "+0.9 %|−0.6 to +2.4"],
        "Strike angle °": ["12.4", "4.1", "+8.3°|+6.8 to +9.8"],
    }
    assert mind(page, "swing_time") == (
        "n 90 pairs · scatter up to 2.2 points in this run · below 3 %: device noise, pods never swapped"
    )
    assert mind(page, "duty_factor") == (
        "n 90 pairs · usual +1.2 % (3 runs, made while injured, left 34.1, right 33.7 %) · "
        "scatter up to 1.4 points between runs · pods' own difference of +0.4 % taken off"
    )
    assert mind(page, "flight_time") == "n 90 pairs · scatter up to 2.2 ms in this run"
    expect(page.locator("#others-n")).to_have_text("")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_what_holds_for_every_metric_is_said_once(page_server: ServedPage, phone: Phones) -> None:
    page_server.some_minutes()
    none = "no baseline: 0 of 3 runs"
    for metric, left, right, unit in OTHER_METRICS:
        why = f"below 3 %: device noise; {none}" if metric == "step_time" else none
        page_server.story.tell(replace(a_difference(metric, left, right, unit), why=why))
    page = phone(1280).open(page_server.url)
    expect(page.locator("#others-n")).to_have_text(f"For all of these: {none}")
    expect(page.locator("#metrics")).to_be_visible()  # there is room for it on a wide screen
    assert mind(page, "step_time") == "n 90 pairs · below 3 %: device noise"
    assert mind(page, "impulse") == "n 90 pairs · scatter up to 2.2 points in this run"


def test_device_noise_is_said_of_contact_time_too_and_an_old_value_is_called_old(
    page_server: ServedPage, phone: Phones
) -> None:
    page_server.some_minutes()
    noise = "below 3 %: device noise, pods never swapped"
    page_server.story.tell(replace(a_difference("contact_time", 0.25, 0.245, "s"), why=noise))
    page = phone().open(page_server.url)
    scatter = "scatter up to 2.2 points in this run"
    expect(page.locator("#si-why")).to_have_text(f"{scatter} · {noise}")
    page_server.story.t_s += 130.0
    page_server.story.second()
    expect(page.locator("#si-why")).to_have_text(f"{scatter} · {noise} · 2 min old")
    expect(page.locator("#others")).to_be_hidden()


def test_a_side_is_named_only_when_the_interval_is_clear(page_server: ServedPage, phone: Phones) -> None:
    page_server.some_minutes()
    page = phone().open(page_server.url)
    for left_s, words in ((0.2415, "no clear side"), (0.250, "left longer"), (0.230, "right longer")):
        page_server.story.tell(a_difference("contact_time", left_s, 0.240, "s"))
        expect(page.locator("#si-side")).to_have_text(words)


def test_each_foot_in_detail(page_server: ServedPage, phone: Phones) -> None:
    page_server.some_minutes()
    page_server.story.loads()
    page = phone().open(page_server.url)
    expect(page.locator("#detail")).to_be_hidden()
    page.locator("#detail-card > summary").tap()
    assert cells(page, "detail") == {
        "Landing": ["rearfoot 100 %", "rearfoot 100 %"],
        "Strike angle °": ["8", "8"],
        "Peak force, estimated BW": ["2.40", "2.40"],
        "Running strides so far": ["1,910", "1,910"],
        "Impulse so far, estimated BW·s": ["669", "669"],
        "Strides of peak force below 2.2 BW": ["110", "110"],
        "Strides of peak force 2.2 to 2.5 BW": ["1,700", "1,700"],
        "Strides of peak force from 2.5 BW": ["90", "90"],
        "Strides of unknown peak force": ["10", "10"],
    }
    expect(page.locator("#detail-n")).to_have_text(
        "No step times: the two pods' clocks are not known to agree. "
        "Landing and force: the last 40 running strides of each foot."
    )
    synced = {"step_time_left_s": 0.36, "step_time_right_s": 0.34, "sync_quality_ms": 1.6}
    page_server.story.second(**synced, flight_time_left_s=0.112, flight_time_right_s=-0.003)
    expect(page.locator("#detail-n")).to_contain_text("The two pods' clocks agree within 1.6 ms.")
    found = cells(page, "detail")
    assert (found["Step time ms"], found["Flight time ms"]) == (["360", "340"], ["112", "-3"])
    page_server.story.second(sync_quality_ms=7.0)
    expect(page.locator("#detail-n")).to_contain_text("clocks agree within 7 ms; step times need 3 ms.")
    assert "Step time ms" not in cells(page, "detail")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_speed_says_what_it_is_from_until_it_is_fitted_to_her(page_server: ServedPage, phone: Phones) -> None:
    page_server.some_minutes()
    page = phone().open(page_server.url)
    page_server.story.second(speed_source="model", speed_sd_mps=0.42)
    expect(page.locator("#speed-n")).to_have_text("± 1.5 · 5:51 min/km · by contact time")
    page_server.story.second(speed_source="trajectory+personal", speed_sd_mps=0.06)
    expect(page.locator("#speed-n")).to_have_text("± 0.2 · 5:51 min/km")
    page_server.story.second(speed_mps=None, speed_sd_mps=None, speed_source=None, flight_time_s=-0.012)
    expect(page.locator("#speed")).to_have_text("–")
    expect(page.locator("#speed-n")).to_have_text("not measured")
    expect(page.locator("#flight")).to_have_text("No flight: both feet down together for 12 ms")
    page_server.story.second(flight_time_s=None)
    expect(page.locator("#flight")).to_be_hidden()


def test_what_a_distance_rests_on_is_said(page_server: ServedPage, phone: Phones) -> None:
    page_server.story.ready()
    page_server.story.run()
    window = a_window(1.0)
    page_server.story.second(distance_m=2310.0, distance_sd_m=61.0, estimated_m=120.0, configured_m=904.0)
    page = phone().open(page_server.url)
    expect(page.locator("#distance")).to_have_text("2.31")
    expect(page.locator("#distance-sd")).to_have_text("± 0.06")
    expect(page.locator("#distance-n")).to_have_text(
        f"0.12 km estimated · 0.90 km by set step lengths · n {window.steps} steps"
    )
    page_server.story.second(distance_sd_m=None, estimated_m=None, configured_m=None)
    expect(page.locator("#distance-sd")).to_have_text("")


def test_the_treadmills_speed_is_told_or_refused_in_place(page_server: ServedPage, phone: Phones) -> None:
    page_server.some_minutes()
    told: list[tuple[str, str]] = []
    know = page_server.stored.know_speed

    async def listen(text: str, *, who: str, grade: str = "") -> object:
        told.append((text, grade))
        return await know(text, who=who, grade=grade)

    page_server.stored.know_speed = listen  # type: ignore[assignment]
    mine = phone()
    mine.expected = "409"  # a browser notes every refusal
    page = mine.open(page_server.url)
    expect(page.locator("#known-speed")).to_have_text("not told")
    expect(page.locator("#speed-form")).to_be_hidden()
    page.locator("#treadmill > summary").tap()
    page.locator("#speed-told").fill("fast")
    page.locator("#speed-told").press("Enter")
    expect(page.locator("#speed-error")).to_contain_text("Found 'fast', expected a speed such as")
    page.locator("#speed-told").fill(" 10,5 km/h")
    page.locator("#slope-told").fill("1,5")
    page.get_by_role("button", name="Set").tap()
    expect(page.locator("#speed-said")).to_have_text("10.5 km/h from now on.")
    expect(page.locator("#speed-error")).to_be_hidden()
    expect(page.locator("#speed-told")).to_have_value("")
    page.get_by_role("button", name="Not known").tap()
    expect(page.locator("#speed-said")).to_have_text("The speed is no longer known.")
    assert told == [("fast", ""), ("10.5 km/h", "1.5"), ("off", "")]
    page_server.story.tell(FootNote(None, "speed", "speed 2.92 m/s (treadmill)"))
    expect(page.locator("#known-speed")).to_have_text("10.5 km/h (treadmill), since 22:20")
    expect(page.locator("#notes-card")).to_be_hidden()
    page_server.stored.on = False
    page.locator("#speed-told").fill("9km/h")
    page.locator("#speed-told").press("Enter")
    expect(page.locator("#speed-error")).to_have_text("Found no run that is on, expected a run whose speed to tell")
