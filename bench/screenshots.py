"""The pictures of the page in the README, from a running demo: `make screenshots`.

Starts `sensord demo` on a free port (or looks at `--url`), opens the page on a phone in headless Chromium, and takes
one picture while she runs inside her limits, one when a limit is passed and one of her plan. A picture that does not
come is an error.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

PHONE = {"width": 390, "height": 844}
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
START_S = 60.0
RUNNING_S = 120.0
ALERT_S = 240.0

RUNNING = "document.body.dataset.state === 'running' && document.body.dataset.fresh === 'fresh' \
&& document.getElementById('banner').hidden && document.getElementById('state').textContent === 'Running' \
&& !['left-contact', 'right-contact', 'left-impact', 'right-impact', 'cadence'] \
.some((id) => document.getElementById(id).textContent === '–')"
ALERT = "!document.getElementById('banner').hidden && document.getElementById('banner').dataset.level !== 'recovery' \
&& document.body.dataset.fresh === 'fresh'"

PLAN = "document.body.dataset.page === 'plan' && document.body.dataset.state === 'here'"


@contextmanager
def demo() -> Iterator[str]:
    """A demo of its own; the address it prints."""
    command = [sys.executable, "-m", "sensord", "demo", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if found := re.search(r"http://\S+", line):
                yield found[0]
                return
        sys.exit(f"sensord demo ended with {process.wait()} and printed no address")
    finally:
        process.terminate()
        process.wait(10)


def wait_for(page: Page, condition: str, seconds: float, what: str) -> None:
    """Until it is so. (Asked from outside: the page's policy refuses text that is evaluated inside.)"""
    deadline = time.monotonic() + seconds
    while not page.evaluate(condition):
        if time.monotonic() > deadline:
            sys.exit(f"after {seconds:.0f} s still not {what}")
        page.wait_for_timeout(100)


def take(browser: Browser, url: str, folder: Path) -> None:
    """The pictures, in their order."""
    context = browser.new_context(viewport=PHONE, device_scale_factor=2, has_touch=True)
    page = context.new_page()
    page.goto(url)
    page.locator("#sound-on").tap()
    wait_for(page, RUNNING, RUNNING_S, "running with both feet measured")
    page.wait_for_timeout(6000)  # a whole window of running
    wait_for(page, RUNNING, RUNNING_S, "running inside the limits")
    save(page, folder / "page-running.png")
    wait_for(page, ALERT, ALERT_S, "an alert")
    page.wait_for_timeout(500)
    save(page, folder / "page-alert.png")
    page.locator("#plan-link").tap()
    wait_for(page, PLAN, START_S, "the plan")
    save(page, folder / "page-plan.png")
    context.close()


def save(page: Page, path: Path) -> None:
    page.screenshot(path=path)
    print(path)


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a page that runs already (else a demo is started)")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent.parent / "docs" / "img")
    given = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        if given.url:
            take(browser, given.url, given.folder)
        else:
            with demo() as url:
                take(browser, url, given.folder)
        browser.close()


if __name__ == "__main__":
    main()
