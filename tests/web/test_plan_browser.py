"""The page of the plan, and the workout on the live page, in a real browser at phone size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from sensord.model import Level, RunState
from sensord.model_plan import SegmentDone, WorkoutDone, WorkoutState
from sensord.plan.standing import Day
from tests.web.conftest import Phone
from tests.web.planned import PlannedPage, planned
from tests.web.scripted import SETUP, ServedPage
from tests.web.test_page_browser import wait_heard

pytestmark = pytest.mark.browser

Phones = Callable[..., Phone]
NEVER = re.compile(r"\b(safe|ok|okay|injury risk|bone load|diagnosis)\b", re.IGNORECASE)
SET_STAGE = '{"verdict": "set_stage", "who": "PT K", "reason": "ready", "stage": "1"}'


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PlannedPage]:
    with planned(tmp_path) as page:
        page.say(kind="approval", payload=SET_STAGE)
        yield page


def pick(within: Locator, field: str, words: str) -> None:
    within.locator(f"[data-field='{field}']").get_by_role("radio", name=words, exact=True).tap()


def test_an_answer_is_given_and_the_hold_is_seen_until_somebody_acknowledges_it(
    site: PlannedPage, phone: Phones
) -> None:
    one = phone(360)
    one.expected = "409"  # a refusal is noted by the browser itself
    page = one.open(f"{site.url}plan")
    expect(page.locator("#may")).to_have_text("May I run today? No.")
    expect(page.locator("#why")).to_contain_text("24 h of rest")
    expect(page.locator("#workout .workout")).to_have_text("2 times: walk 4 min, run 2 min")
    assert page.locator("#today-blocks .block").count() == 4
    expect(page.locator("#today-facts")).to_contain_text("Not yet")
    expect(page.locator("#checks-count")).to_have_text("1 of 2 checked")
    expect(page.locator("#checks li").nth(1)).to_contain_text("not checked")
    expect(page.locator(".plan use[href='#i-ok']")).to_have_count(0)  # nothing unanswered looks like passed
    due = page.locator("#due .due").first
    expect(due.locator("h3")).to_contain_text("After the run")
    due.locator("button[type=submit]").tap()
    expect(due.locator(".error")).to_have_text("Nothing was answered yet.")
    pick(due, "pain.during", "5")
    due.locator("button[type=submit]").tap()
    expect(page.locator("#ends h2")).to_have_text("Urgent: stop running")
    expect(page.locator("#ends")).to_contain_text("rule pain-in-run")
    expect(page.locator("#unseen h2")).to_have_text("Urgent: Nobody at the clinic has seen this. Call 030 123.")
    expect(page.locator("#why")).to_contain_text("On hold until the therapist decides")
    expect(page.locator("#decisions li").first).to_contain_text("Hold: nothing goes on until the therapist has decided")
    expect(page.locator("#recent summary").first).to_contain_text("2 missing")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert NEVER.search(page.locator("main").inner_text()) is None
    page.get_by_role("button", name="Somebody has seen this").tap()
    page.locator("#seen-form button[type=submit]").tap()
    expect(page.locator("#seen-error")).to_contain_text("1 to 64 printable characters")
    page.locator("#seen-who").fill("PT K")
    page.locator("#seen-form button[type=submit]").tap()
    expect(page.locator("#unseen")).to_be_hidden()
    expect(page.locator("#ends")).to_be_visible()  # seen is not decided
    decide(page, "End the hold", who="PT K", reason="bruise")
    expect(page.locator("#ends")).to_be_hidden()
    expect(page.locator("#decisions li").first).to_contain_text("by PT K")


def decide(page: Page, verdict: str, **said: str) -> None:
    card = page.locator("#therapist")
    pick(card, "verdict", verdict)
    for name, text in said.items():
        card.locator(f"input[id$='-{name}']").fill(text)
    card.get_by_role("button", name="Decide").tap()


def test_what_is_done_tested_and_run_elsewhere_is_entered_and_bad_input_is_told_in_a_line(
    site: PlannedPage, phone: Phones
) -> None:
    one = phone(412, dark=True)
    one.expected = "409"
    page = one.open(f"{site.url}plan")
    page.locator("#exercises").get_by_role("button", name="Done as asked").tap()
    expect(page.locator("#exercises li")).to_contain_text("logged: 3 sets, 12 repetitions")
    page.locator("#mileage-more summary").tap()
    mileage = page.locator("#mileage")
    mileage.get_by_label("Distance").fill("far")
    mileage.get_by_role("button", name="Send").tap()
    expect(mileage.locator(".error")).to_have_text("Distance: found “far”, expected a number")
    mileage.get_by_label("Distance").fill("-3")
    mileage.get_by_role("button", name="Send").tap()
    expect(mileage.locator(".error")).to_have_text(
        "mileage: distance: found -3000.0, expected a distance of more than zero"
    )
    mileage.get_by_label("Distance").fill("5,2")
    mileage.get_by_label("It took").fill("31")
    mileage.get_by_role("button", name="Send").tap()
    expect(page.locator("#recent summary").first).to_contain_text("5.2 km, 31 min")
    tick = page.locator("#readiness li").first
    expect(tick).to_contain_text("Clinician’s tick")
    tick.locator("summary").tap()
    pick(tick, "passed", "Yes")
    tick.get_by_label("Clinician’s name").fill("Dr L")
    tick.get_by_role("button", name="Send").tap()
    expect(page.locator("#readiness li").first).to_contain_text("confirmed (Dr L")
    expect(page.locator("#readiness li").first.locator(".word")).to_have_text("passed")
    decide(page, "Set a stage", who="PT K", reason="too early")
    expect(page.locator("#therapist .error")).to_contain_text("expected a stage with set_stage, and only there")


def test_a_reader_sees_all_and_can_enter_nothing(site: PlannedPage, phone: Phones) -> None:
    page = phone(1100).open(f"{site.url}plan?read")
    expect(page.locator("#reading")).to_be_visible()
    expect(page.locator("#due")).to_contain_text("not answered yet")
    expect(page.locator("#clinic")).to_contain_text("press: 80 % ")
    expect(page.locator("#clinic a")).to_have_attribute("href", "https://clinic.example/v")
    expect(page.locator("#ladder [aria-current]")).to_contain_text("she is here")
    for what in ("form", "input", "button", "select"):
        assert page.locator(f"{what}:visible").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1100


def test_pain_is_told_on_the_move_and_ends_the_run_at_once(site: PlannedPage, phone: Phones) -> None:
    site.some_minutes()
    page = phone(360).open(site.url)
    expect(page.locator("#plan-link")).to_have_text("Plan and check-in: 3 asked")
    page.locator("#sound-on").tap()
    page.locator("#pain-now").tap()
    pick(page.locator("#pain"), "pain.during", "7")
    page.locator("#pain button[type=submit]").tap()
    expect(page.locator("#pain")).to_be_hidden()
    expect(page.locator("#ends h2")).to_have_text("Urgent: stop running")
    expect(page.locator("#now-card")).to_be_hidden()
    expect(page.locator("#unseen")).to_contain_text("Nobody was told")
    said = "nothing goes on until the therapist has decided"
    wait_heard(page, 3)
    assert page.evaluate("window.heard") == ["Sound is on", "Stop running", said]


def test_what_is_urgent_cannot_be_hidden_before_it_was_acknowledged(site: PlannedPage, phone: Phones) -> None:
    site.some_minutes()
    page = phone(360).open(site.url)
    site.story.alert(level=Level.INFO, id="i", rule="impact", cue="Note this")
    expect(page.locator("#banner")).to_have_attribute("data-level", "info")
    expect(page.locator("#now-card")).to_be_visible()
    site.story.alert(level=Level.URGENT, id="u")
    expect(page.locator("#banner-level")).to_have_text("Urgent")
    expect(page.locator("#banner-hide")).to_be_hidden()
    for _ in range(16):
        site.story.second()
    expect(page.locator("#banner-hide")).to_be_visible()  # the store knows of nothing that waits


def test_before_a_run_the_live_page_says_whether_she_may(site: PlannedPage, phone: Phones) -> None:
    page = phone(360).open(site.url)
    expect(page.locator("#plan-may")).to_have_text("May I run today? No.")
    expect(page.locator("#plan-why")).to_contain_text("Next run: ")
    page.locator("#plan-link").tap()
    expect(page.locator("#may")).to_have_text("May I run today? No.")


DAY = Day(plan="p", revision=1, stage="1", workout="2x(walk 4min, run 2min)").to_json()


def state(**changes: object) -> WorkoutState:
    told = WorkoutState(
        position=1, kind="run", doing="run", repetition=1, of=2, left_s=80.0, left_m=None, left_sd_m=None, over_s=0.0,
        over_m=None, next_kind="walk", next_s=240.0, next_m=None, may_end=False, done_pct=44.0, reps_done=0,
        estimated=False, mods=(), cue="Run now", text="",
    )  # fmt: skip
    return replace(told, **changes)  # type: ignore[arg-type]


def test_the_workout_is_read_and_heard_while_it_goes_on(page_server: ServedPage, phone: Phones) -> None:
    page_server.change(lambda: page_server.live.begin(replace(SETUP, day=DAY)))
    story = page_server.story
    story.ready()
    page = phone(360).open(page_server.url)
    expect(page.locator("#progress")).to_be_hidden()
    story.run()
    story.second()
    page.locator("#sound-on").tap()
    story.tell(state())
    expect(page.locator("#progress-where")).to_have_text("Run 1 of 2")
    expect(page.locator("#progress-left")).to_have_text("1:20 left")
    expect(page.locator("#progress-then")).to_have_text("then walk 4:00")
    expect(page.locator("#progress-bar")).to_have_attribute("aria-label", "44 percent of the workout")
    assert page.locator("#progress-bar .block").count() == 4
    expect(page.locator("#progress-bar .block").nth(1)).to_have_attribute("data-now", "true")
    size = page.evaluate("parseFloat(getComputedStyle(document.getElementById('progress-left')).fontSize)")
    assert size >= 43
    for _ in range(3):
        story.second()
    expect(page.locator("#progress-left")).to_have_text("1:17 left")
    story.tell(
        SegmentDone(1, "run", 1, 2, False, 120.0, None, 120.0, None, 126.0, 350.0, 9.0, 0, 1, "over", 0.0),
    )
    story.tell(state(position=2, kind="walk", doing="walk", repetition=2, left_s=None, left_m=150.0, left_sd_m=6.0,
                     next_kind="run", next_s=120.0, cue="Walk now"))  # fmt: skip
    expect(page.locator("#progress-where")).to_have_text("Walk")
    expect(page.locator("#progress-left")).to_have_text("150 m ± 6 m left")
    page.locator("#progress-more summary").tap()
    expect(page.locator("#progress-done tr")).to_have_text("Run 12:00 min2:06 minlonger")
    story.second()
    expect(page.locator("#state")).to_have_text("Running")
    assert page.evaluate("window.heard") == ["Sound is on", "Run now", "Walk now"]
    assert page.evaluate("window.tones") == 2 + 3 + 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page_server.live.snapshot()["run"]["state"] == RunState.RUNNING.value
    story.tell(WorkoutDone(50.0, 1, 2, 2, None, None, 0, 0, 1, 0, 240.0, 0.0, 126.0, 350.0, 6.0, 0.0, False, ()))
    story.end()
    expect(page.locator("#progress-where")).to_have_text("Workout not finished")
    expect(page.locator("#progress-then")).to_have_text("1 of 2 runs, running 2:06 of 4:00 min")
