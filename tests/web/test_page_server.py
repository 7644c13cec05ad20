"""The API and the live stream, over real sockets on loopback."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession

from sensord.model import AlertPhase, payload
from sensord.web import stream
from sensord.web.live import LiveView
from sensord.web.server import BROADCAST, Page
from sensord.web.words import DEFINITIONS
from tests.web.scripted import SETUP, StoredRuns, Story, a_summary, an_alert, some_runs

WEB = Path(stream.__file__).parent


class Served:
    def __init__(self, page: Page, stored: StoredRuns, url: str, session: ClientSession) -> None:
        self.page, self.stored, self.url, self.session = page, stored, url, session
        self.story = Story(page.publish)

    async def json(self, path: str, status: int = 200) -> Any:
        async with self.session.get(self.url + path) as answer:
            assert answer.status == status
            return await answer.json()

    async def post(self, path: str, status: int = 200, said: dict[str, str] | None = None) -> Any:
        async with self.session.post(self.url + path, headers={"Origin": self.url}, json=said) as answer:
            assert answer.status == status
            return await answer.json()

    @asynccontextmanager
    async def live(self) -> AsyncIterator[Frames]:
        async with self.session.get(f"{self.url}/api/live") as answer:
            assert answer.status == 200
            assert answer.content_type == "text/event-stream"
            yield Frames(answer)


class Frames:
    """The frames of one stream as (event, picture)."""

    def __init__(self, answer: ClientResponse) -> None:
        self._answer = answer

    async def next(self) -> tuple[str, Any]:
        while True:
            raw = (await asyncio.wait_for(self._answer.content.readuntil(b"\n\n"), 5.0)).decode()
            fields = dict(line.split(": ", 1) for line in raw.strip().splitlines())
            if "data" in fields:
                return fields["event"], json.loads(fields["data"])


async def until(true: Callable[[], bool]) -> None:
    for _ in range(300):
        if true():
            return
        await asyncio.sleep(0.01)
    pytest.fail("waited 3 s in vain")


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    stored = StoredRuns(some_runs(), alerts=[an_alert(AlertPhase.ONSET, 7)])
    page = Page(LiveView(), commands=stored, runs=stored)
    page.live.begin(SETUP)
    url = (await page.start()).rstrip("/")
    async with ClientSession() as session:
        yield Served(page, stored, url, session)
    await page.stop()


async def test_the_state_is_the_snapshot(served: Served) -> None:
    served.story.some_minutes()
    picture = await served.json("/api/state")
    assert picture["distance"]["value"] == 3820.0
    assert len(picture["strip"]) == 180


async def test_runs_are_listed_newest_first_and_limited(served: Served) -> None:
    runs = (await served.json("/api/runs"))["runs"]
    assert [run["run"][-1] for run in runs] == ["9", "8", "7"]
    assert runs[0]["summary"] == payload(a_summary())
    assert [run["started_ms"] for run in runs][2] is None
    assert len((await served.json("/api/runs?limit=1"))["runs"]) == 1


@pytest.mark.parametrize("limit", ["0", "101", "x", "-1", "", "²"])
async def test_a_limit_that_is_none_is_refused(served: Served, limit: str) -> None:
    answer = await served.json(f"/api/runs?limit={limit}", 400)
    assert answer == {"error": f"limit: found {limit!r}, expected 1 to 100"}


async def test_one_run_has_its_alerts(served: Served) -> None:
    detail = await served.json("/api/runs/01JAC0FFEE0000000000000009")
    assert detail["row"]["runner"] == "R-0042"
    assert [alert["cue"] for alert in detail["alerts"]] == ["Stop running"]
    await served.json("/api/runs/none", 404)


async def test_a_run_is_ended_or_the_reason_given(served: Served) -> None:
    assert await served.post("/api/run/end") == {"ok": True}
    assert served.stored.ended == 1
    served.stored.on = False
    answer = await served.post("/api/run/end", 409)
    assert answer == {"error": "page: end: found no run, expected a run that is on"}


async def test_a_run_is_discarded_or_the_reason_given(served: Served) -> None:
    await served.post("/api/run/01JAC0FFEE0000000000000008/discard")
    assert [row.discarded for row in served.stored.rows] == [False, True, True]
    answer = await served.post("/api/run/none/discard", 409)
    assert "a stored run" in answer["error"]


async def test_a_run_that_waits_is_taken_in(served: Served) -> None:
    assert await served.post("/api/run/01JAC0FFEE0000000000000008/import") == {"ok": True}
    assert served.stored.imported == ["01JAC0FFEE0000000000000008"]
    await served.post("/api/run/..%2Fx/import", 404)


async def test_a_run_is_told_the_belts_speed_or_the_reason_given(served: Served) -> None:
    assert (await served.post("/api/run/speed", said={"speed": "10.8km/h", "who": "pt"}))["speed_mps"] == pytest.approx(
        3
    )
    assert (await served.post("/api/run/speed", said={"speed": "off"}))["speed_mps"] is None
    assert "found '3'" in (await served.post("/api/run/speed", 409, said={"speed": "3"}))["error"]
    served.stored.on = False
    assert "speed to tell" in (await served.post("/api/run/speed", 409, said={"speed": "off"}))["error"]


async def test_a_run_is_marked_or_the_reason_given(served: Served) -> None:
    said = {"text": "jump", "who": "lab", "boottime_ns": "12", "wall_ns": "34"}
    kept = await served.post("/api/run/mark", said=said)
    assert kept == {"run": "01JAC0FFEE0000000000000009", "t_ns": 12, "wall_ns": 34, "text": "lab: jump"}
    for bad in ({"text": ""}, {"wall_ns": "-3"}, {"boottime_ns": "soon"}):
        assert "expected" in (await served.post("/api/run/mark", 400, said=said | bad))["error"]
    await served.post("/api/run/mark", 400, said=said | {"text": "two\nlines"})
    served.stored.on = False
    assert "a run to mark" in (await served.post("/api/run/mark", 409, said=said))["error"]


async def test_the_first_frame_is_the_whole_picture_at_once(served: Served) -> None:
    served.story.some_minutes()
    before = time.monotonic()
    async with served.live() as frames:
        event, picture = await frames.next()
        assert time.monotonic() - before < 1.0
        assert event == "hello"
        assert len(picture["strip"]) == 180
        event, picture = await frames.next()
        assert event == "state"
        assert "strip" not in picture


async def test_a_silent_run_still_gives_a_sign_every_second(served: Served) -> None:
    async with served.live() as frames:
        await frames.next()
        before = time.monotonic()
        for _ in range(2):
            await frames.next()
        assert 1.5 < time.monotonic() - before < 3.0


async def test_changes_come_at_most_five_times_a_second(served: Served) -> None:
    served.story.ready()
    async with served.live() as frames:
        await frames.next()

        async def run_hard() -> None:
            for _ in range(100):
                served.story.second()
                await asyncio.sleep(0.01)

        running = asyncio.create_task(run_hard())
        seen = 0
        while not running.done():
            await frames.next()
            seen += 1
        assert 2 <= seen <= 7
        _, picture = await frames.next()
        assert picture["strides"] == {"left": 100, "right": 100}  # none was lost by that


async def test_an_alert_does_not_wait(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_HZ", 0.5)  # everything else would wait 2 s
    served.story.some_minutes()
    async with served.live() as frames:
        await frames.next()
        served.story.second()
        await asyncio.sleep(0.05)
        before = time.monotonic()
        name = served.story.alert()
        _, picture = await frames.next()
        assert time.monotonic() - before < 1.0
        assert [alert["id"] for alert in picture["alerts"]["active"]] == [name]


async def test_a_page_that_does_not_read_is_dropped_and_others_go_on(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MOST_HZ", 1000.0)
    monkeypatch.setattr(stream, "SLOW_S", 0.3)
    broadcast = served.page._app[BROADCAST]
    served.story.some_minutes()
    host, port = served.url.removeprefix("http://").split(":")
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with deaf:
        deaf.connect((host, int(port)))
        deaf.sendall(f"GET /api/live HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        async with served.live() as frames:
            await frames.next()
            await until(lambda: broadcast.pages == 2)
            deadline = time.monotonic() + 5.0
            while broadcast.pages == 2:
                assert time.monotonic() < deadline, "the deaf page is still there"
                served.story.second()
                await frames.next()
            await frames.next()
        assert broadcast.pages <= 1


async def test_a_page_that_left_is_forgotten(served: Served) -> None:
    broadcast = served.page._app[BROADCAST]
    async with served.live() as frames:
        await frames.next()
        assert broadcast.pages == 1
    await until(lambda: broadcast.pages == 0)


async def test_pages_are_counted_and_too_many_refused(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_PAGES", 1)
    async with served.live() as frames:
        await frames.next()
        assert await served.json("/healthz") == {"ok": True, "pages": 1}
        answer = await served.json("/api/live", 503)
        assert answer == {"error": "too many open pages; close one"}


async def test_stopping_ends_open_streams(served: Served) -> None:
    async with served.live() as frames:
        await frames.next()
        before = time.monotonic()
        await served.page.stop()
        assert time.monotonic() - before < 1.0


async def test_a_stopped_page_can_be_served_again_on_its_port(served: Served) -> None:
    port = int(served.url.rpartition(":")[2])
    await served.page.stop()
    page = Page(served.page.live, commands=served.stored, runs=served.stored)
    assert await page.start(port=port) == f"{served.url}/"
    await page.stop()


# ---------------------------------------------------------------------------------------------- what is in the files


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


async def test_the_page_holds_no_inline_code_and_nothing_from_elsewhere(served: Served) -> None:
    async with served.session.get(served.url) as answer:
        text = await answer.text()
    elements = Elements()
    elements.feed(text)
    assert dict(elements.found[0][1]) == {"lang": "en"}
    for tag, attributes in elements.found:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        assert tag != "style"
        address = attributes.get("src") or attributes.get("href")
        assert address is None or address.startswith(("/static/", "#")) or address in ("/", "/plan"), address
    identities = [a["id"] for _, a in elements.found if "id" in a]
    assert len(identities) == len(set(identities))
    asked = {a["data-what"] for tag, a in elements.found if tag == "button" and "data-what" in a}
    assert asked == {definition.key for definition in DEFINITIONS}


def files() -> Iterator[Path]:
    for folder in ("static", "templates"):
        yield from (WEB / folder).iterdir()
    yield from WEB.glob("*.py")


@pytest.mark.parametrize("path", sorted(files()), ids=lambda path: path.name)
def test_words_that_are_never_used(path: Path) -> None:
    text = path.read_text(encoding="utf-8").lower()
    for word in ("injury risk", "bone load", "diagnos", " safe ", "safely", "safety"):
        assert word not in text, word
    assert "http://" not in text.replace("http://www.w3.org", "").replace('f"http://{name}', "")
    assert "https://" not in text


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


INK = [
    ("ink", "card"), ("ink", "ground"), ("soft", "card"), ("soft", "ground"), ("go", "card"), ("go", "go-tint"),
    ("warn", "card"), ("warn", "warn-tint"), ("ink", "warn-tint"), ("ink", "go-tint"), ("ink", "stop-tint"),
    ("stop", "card"), ("stop", "stop-tint"), ("left", "left-tint"), ("right", "right-tint"), ("left", "card"),
    ("right", "card"), ("on-stop", "stop-fill"), ("on-warn", "warn-fill"),
]  # fmt: skip


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "paper"), INK, ids="/".join)
def test_every_text_has_the_contrast_of_wcag_aa(scheme: int, ink: str, paper: str) -> None:
    css = (WEB / "static" / "page.css").read_text(encoding="utf-8")
    block = css.split(":root {")[scheme + 1].split("}")[0]
    colours = dict(part.strip().removeprefix("--").split(": ") for part in block.split(";") if ": #" in part)
    light, dark = sorted((luminance(colours[ink]), luminance(colours[paper])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
