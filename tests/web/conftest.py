"""A real page on loopback, and a headless Chromium that looks at it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.web.scripted import ServedPage, served

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip

RECORDER = """
window.heard = [];
speechSynthesis.speak = (words) => window.heard.push(words.text);
const Real = window.AudioContext;
window.AudioContext = class extends Real {
  createOscillator() { window.tones = (window.tones ?? 0) + 1; return super.createOscillator(); }
};
"""
"""Records what is spoken and how many tones are made, in place of a loudspeaker."""


expect.set_options(timeout=15_000)  # a busy machine is late, not wrong


@pytest.fixture
def page_server() -> Iterator[ServedPage]:
    with served() as page:
        yield page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


class Phone:
    """A phone with the page open; `problems` are errors of its console but for those that hold `expected`."""

    expected = "ERR_CONNECTION"  # a server that is away is noted by the browser itself

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.problems: list[str] = []

    def open(self, url: str) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(8000)
        page.add_init_script(RECORDER)
        page.on("console", lambda message: self._told(message.type, message.text))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.goto(url)
        return page

    def _told(self, kind: str, text: str) -> None:
        gone = "ERR_INCOMPLETE" in text or self.expected in text
        if kind in ("error", "warning") and not gone:
            self.problems.append(text)


@pytest.fixture
def phone(browser: Browser) -> Iterator[Callable[..., Phone]]:
    phones: list[Phone] = []

    def make(width: int = 360, *, dark: bool = False) -> Phone:
        scheme = "dark" if dark else "light"
        context = browser.new_context(viewport={"width": width, "height": 740}, color_scheme=scheme, has_touch=True)
        phones.append(Phone(context))
        return phones[-1]

    yield make
    for made in phones:
        made.context.close()
    assert [problem for made in phones for problem in made.problems] == []
