"""Who is let in: host names, origins, sessions. Real requests over loopback sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http.cookies import SimpleCookie

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar
from yarl import URL

from sensord.errors import InputError
from sensord.web.access import Access, new_token
from sensord.web.live import LiveView
from sensord.web.server import Page
from tests.web.scripted import StoredRuns, some_runs

TOKEN = "t" * 40
SECURED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}
GETS = [
    "/",
    "/plan",
    "/api/plan",
    "/api/live",
    "/api/state",
    "/api/runs",
    "/api/runs/X",
    "/static/page.js",
    "/healthz",
    "/nothing",
]
POSTS = ["/api/run/end", "/api/run/01JAC0FFEE0000000000000009/discard", "/api/link", "/api/run/mark", "/api/run/speed",
         "/api/fact", "/api/ack",
         "/api/run/01JAC0FFEE0000000000000009/import"]  # fmt: skip


class Site:
    """A page that listens, and a browser without cookies."""

    def __init__(self, token: str | None) -> None:
        self.stored = StoredRuns(some_runs())
        self.page = Page(LiveView(), commands=self.stored, runs=self.stored, allowed_hosts=["pi.lan"], token=token)
        self.link = ""

    async def open(self) -> None:
        self.link = await self.page.start()
        self.url = self.link.partition("/?")[0].rstrip("/")
        self.host = self.url.removeprefix("http://")
        self.session = ClientSession(cookie_jar=CookieJar(unsafe=True))

    async def close(self) -> None:
        await self.session.close()
        await self.page.stop()

    async def ask(self, method: str, path: str, **headers: str | None) -> ClientResponse:
        given = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        async with self.session.request(method, URL(self.url + path, encoded=True), headers=given) as answer:
            if answer.content_type != "text/event-stream":
                await answer.read()
            return answer


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site(None)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def guarded() -> AsyncIterator[Site]:
    made = Site(TOKEN)
    await made.open()
    yield made
    await made.close()


@pytest.mark.parametrize("path", GETS)
@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.", "", "a b"])
async def test_a_name_that_is_not_ours_is_refused_everywhere(site: Site, path: str, host: str) -> None:
    answer = await site.ask("GET", path, Host=host)
    assert answer.status in (400, 403)  # 400: the parser already refuses what is no host at all


@pytest.mark.parametrize("host", ["localhost:{port}", "127.0.0.1:{port}", "[::1]:{port}", "pi.lan", "PI.lan:8443"])
async def test_our_names_are_served(site: Site, host: str) -> None:
    answer = await site.ask("GET", "/healthz", Host=host.format(port=site.host.partition(":")[2]))
    assert answer.status == 200


@pytest.mark.parametrize(
    ("hosts", "refused"),
    [
        (["pi.lan"], False), (["pi.lan:80"], False), (["box:8470"], False), (["box:8471"], True), (["box"], True),
        ([], True), (["pi.lan", "pi.lan"], True), (["pi.lan:x"], True), (["user@pi.lan"], True), (["[::1"], True),
        (["pi.lan/"], True), (["pi.lan:80:80"], True),
    ],
)  # fmt: skip
def test_hosts_are_matched_exactly(hosts: list[str], refused: bool) -> None:
    assert Access(["pi.lan", "box:8470"]).host_refused(hosts) is refused


@pytest.mark.parametrize(
    ("origin", "fetch_site", "served"),
    [
        ("http://{host}", None, True),
        ("http://{host}", "same-origin", True),
        ("http://{host}", "cross-site", False),
        (None, None, False),
        ("null", None, False),
        ("http://evil.example", None, False),
        ("http://127.0.0.1", None, False),  # another port of this machine is another page
        ("http://localhost:1", None, False),
        ("ftp://{host}", None, False),
        ("http://{host}/x", None, False),
        ("{host}", None, False),
    ],
)
@pytest.mark.parametrize("path", POSTS[:2])
async def test_changes_come_from_the_page_itself_only(
    site: Site, path: str, origin: str | None, fetch_site: str | None, served: bool
) -> None:  # fmt: skip
    given = None if origin is None else origin.format(host=site.host)
    answer = await site.ask("POST", path, Origin=given, Sec_Fetch_Site=fetch_site)
    assert answer.status == (200 if served else 403)
    assert (site.stored.ended == 1 or site.stored.rows[0].discarded) is served


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_no_other_method_changes_anything(site: Site, path: str, method: str) -> None:
    answer = await site.ask(method, path, Origin=site.url)
    assert answer.status == 405
    assert site.stored.ended == 0
    assert not site.stored.rows[0].discarded


@pytest.mark.parametrize("path", [*GETS, "/static/../server.py", "/static/%2e%2e/server.py"])
@pytest.mark.parametrize("origin", [None, "http://evil.example"])
async def test_every_answer_carries_the_headers_and_none_opens_to_other_origins(
    site: Site, path: str, origin: str | None
) -> None:
    answer = await site.ask("GET", path, Origin=origin)
    for name, value in SECURED.items():
        assert answer.headers[name] == value
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == ("no-cache" if path.startswith("/static/") else "no-store")
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert "Server" not in answer.headers
    assert answer.status == (404 if ".." in path or "%2e" in path or path in ("/nothing", "/api/runs/X") else 200)


@pytest.mark.parametrize(("method", "paths"), [("GET", GETS), ("POST", POSTS)])
async def test_with_a_token_nothing_is_served_without_a_session(guarded: Site, method: str, paths: list[str]) -> None:
    for path in paths:
        for cookie in (None, "sensord=", "sensord=a.b", "sensord=.", f"sensord={TOKEN}", "sensord=x"):
            answer = await guarded.ask(method, path, Cookie=cookie, Origin=guarded.url)
            assert answer.status == 401, (path, cookie)
    assert guarded.stored.ended == 0


async def test_a_link_opens_the_page_once(guarded: Site) -> None:
    path = guarded.link.removeprefix(guarded.url)
    first = await guarded.ask("GET", path)
    assert first.status == 200
    cookie = SimpleCookie(first.headers["Set-Cookie"])["sensord"]
    assert (cookie["samesite"], cookie["httponly"], cookie["path"]) == ("Strict", True, "/")
    assert (await guarded.ask("GET", "/api/state")).status == 200
    guarded.session.cookie_jar.clear()
    again = await guarded.ask("GET", path)
    assert again.status == 401
    assert "Set-Cookie" not in again.headers


async def test_a_preview_of_a_link_does_not_use_it_up(guarded: Site) -> None:
    path = guarded.link.removeprefix(guarded.url)
    assert (await guarded.ask("HEAD", path)).status == 401
    assert (await guarded.ask("GET", path)).status == 200


async def test_the_token_itself_is_no_link(guarded: Site) -> None:
    assert (await guarded.ask("GET", f"/?token={TOKEN}")).status == 401


async def test_programs_send_the_token(guarded: Site) -> None:
    assert (await guarded.ask("GET", "/api/state", Authorization=f"Bearer {TOKEN}")).status == 200
    for wrong in ("Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer \u00e9"):
        assert (await guarded.ask("GET", "/api/state", Authorization=wrong)).status == 401


async def test_a_wrong_bearer_is_not_saved_by_a_cookie(guarded: Site) -> None:
    await guarded.ask("GET", guarded.link.removeprefix(guarded.url))
    assert (await guarded.ask("GET", "/api/state", Authorization="Bearer wrong")).status == 401


async def test_a_session_can_make_a_link_for_one_more_device(guarded: Site) -> None:
    await guarded.ask("GET", guarded.link.removeprefix(guarded.url))
    async with guarded.session.post(f"{guarded.url}/api/link", headers={"Origin": guarded.url}) as answer:
        link = (await answer.json())["url"]
    guarded.session.cookie_jar.clear()
    assert (await guarded.ask("GET", link.removeprefix(guarded.url))).status == 200


async def test_without_a_token_no_link_is_needed(site: Site) -> None:
    assert site.link == f"{site.url}/"
    assert (await site.ask("POST", "/api/link", Origin=site.url)).status == 409


@pytest.mark.parametrize(("token", "status"), [(TOKEN, 200), (TOKEN[1:], 401)])
async def test_a_session_outlives_a_restart_exactly_with_its_token(guarded: Site, token: str, status: int) -> None:
    opened = await guarded.ask("GET", guarded.link.removeprefix(guarded.url))
    cookie = SimpleCookie(opened.headers["Set-Cookie"])["sensord"].value
    restarted = Site(token)
    await restarted.open()
    try:
        assert (await restarted.ask("GET", "/api/state", Cookie=f"sensord={cookie}")).status == status
    finally:
        await restarted.close()


def test_unused_links_are_bounded_and_the_oldest_goes_first() -> None:
    access = Access([], TOKEN)
    links = [access.new_link().partition("=")[2] for _ in range(17)]
    assert access.use_link(links[0]) is None
    assert access.use_link(links[1]) is not None
    assert access.use_link(links[1]) is None


def test_tokens_are_long_and_differ() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 43


def page(token: str | None, hosts: list[str]) -> Page:
    return Page(LiveView(), commands=StoredRuns(), runs=StoredRuns(), allowed_hosts=hosts, token=token)


@pytest.mark.parametrize(
    ("host", "token", "hosts", "place"),
    [
        ("0.0.0.0", None, ["pi.lan"], "web.host"),
        ("192.0.2.1", None, [], "web.host"),
        ("0.0.0.0", TOKEN, [], "web.allowed_hosts"),
        ("192.0.2.1", TOKEN, [], "web.host"),  # TEST-NET-1: no machine has this address
    ],
)
async def test_on_the_network_only_with_a_token_and_known_names(
    host: str, token: str | None, hosts: list[str], place: str
) -> None:
    with pytest.raises(InputError) as refused:
        await page(token, hosts).start(host)
    assert [problem.place for problem in refused.value.problems] == [place]


async def test_a_port_in_use_is_named(site: Site) -> None:
    port = int(site.host.rpartition(":")[2])
    with pytest.raises(InputError, match=f"web.port: found {port}, which another program uses"):
        await page(None, []).start(port=port)
