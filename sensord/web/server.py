"""The built-in page and its API, on aiohttp. On this machine only unless told otherwise; nothing comes from elsewhere.

    GET  /                        the page              GET  /static/...    its parts
    GET  /plan                    the page of the plan; with ?read without forms
    GET  /api/live                Server-Sent Events    GET  /api/state     the same picture, once
    GET  /api/runs                the last runs         GET  /api/runs/ID   one run with its alerts
    POST /api/run/end             end the run           POST /api/run/start            begin the next one
    POST /api/run/ID/discard  {"who", "reason"}        POST /api/run/ID/import    take in a run that waits
    POST /api/run/mark        {"text", "who", "boottime_ns", "wall_ns"}: a note in the run that is on, at that instant
    POST /api/run/speed       {"speed", "who", "grade_pct"}: the treadmill from now on ("10.5km/h", "off")
    GET  /api/plan                where she stands in her plan, what is allowed today, what is asked
    POST /api/fact            {"kind", "runner", "at_wall_ns", "payload"}: a check-in, a decision, ... (docs/plan.md);
                              without "at_wall_ns" it is of now, without "runner" of the one whose plan this is
    POST /api/ack             {"alert", "who"}: somebody has seen an alert
    POST /api/link                a link that opens the page on one more device (only with a token)
    GET  /healthz                 it lives

No GET changes anything, but that opening a link uses it up.
"""

from __future__ import annotations

import errno
import ipaddress
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from importlib.metadata import version
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sensord.errors import InputError, Problem
from sensord.model import Alert, Event, RunChange, payload
from sensord.web.access import COOKIE, LINK_PARAMETER, LOOPBACK_NAMES, Access
from sensord.web.live import LiveView
from sensord.web.ports import Commands, PlanDesk, RunsReader
from sensord.web.stream import Broadcast
from sensord.web.words import DEFINITIONS

_HERE = Path(__file__).parent
MOST_RUNS = 100
MOST_BYTES = 1 << 18
"""Design choice: a plan file comes in as one fact; published ones have 10 kB."""

RUN_ID = r"[0-9A-Za-z_-]{1,64}"

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


LIVE = web.AppKey("live", LiveView)
ACCESS = web.AppKey("access", Access)
BROADCAST = web.AppKey("broadcast", Broadcast)
_COMMANDS: web.AppKey[Commands] = web.AppKey("commands")
_RUNS: web.AppKey[RunsReader] = web.AppKey("runs")
_PLAN: web.AppKey[PlanDesk | None] = web.AppKey("plan")
_PAGES = web.AppKey("pages", dict[str, str])

_PAGE_OF = {"/": "index.html", "/plan": "plan.html"}
"""What a browser opens by its address."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(
    live: LiveView,
    *,
    commands: Commands,
    runs: RunsReader,
    plan: PlanDesk | None = None,
    allowed_hosts: Iterable[str],
    token: str | None = None,
) -> web.Application:
    """The application. `allowed_hosts` are exact names (or name:port) a browser may use for this machine.

    With a `token` every request needs a session: `app[ACCESS].new_link()` makes links that open one.
    """
    app = web.Application(middlewares=[_guard, _errors], client_max_size=MOST_BYTES)
    app[LIVE] = live
    app[ACCESS] = Access(allowed_hosts, token)
    app[BROADCAST] = Broadcast(live)
    app[_COMMANDS] = commands
    app[_RUNS] = runs
    app[_PLAN] = plan
    app[_PAGES] = _render(guarded=token is not None)
    app.router.add_get("/", _index)
    app.router.add_get("/plan", _plan_page)
    app.router.add_get("/healthz", _health)
    app.router.add_get("/api/live", _live)
    app.router.add_get("/api/state", _state)
    app.router.add_get("/api/runs", _list)
    app.router.add_get(f"/api/runs/{{run:{RUN_ID}}}", _detail)
    app.router.add_post("/api/run/end", _end)
    app.router.add_post("/api/run/start", _start)
    app.router.add_post("/api/run/mark", _mark)
    app.router.add_post("/api/run/speed", _speed)
    app.router.add_post(f"/api/run/{{run:{RUN_ID}}}/discard", _discard)
    app.router.add_post(f"/api/run/{{run:{RUN_ID}}}/import", _import)
    app.router.add_get("/api/plan", _plan)
    app.router.add_post("/api/fact", _fact)
    app.router.add_post("/api/ack", _ack)
    app.router.add_post("/api/link", _link)
    app.router.add_static("/static", _HERE / "static")
    app.on_response_prepare.append(_headers)
    app.on_shutdown.append(_close)
    return app


class Page:
    """The page as the daemon runs it: `start`, `publish` every event, `stop`."""

    def __init__(
        self,
        live: LiveView,
        *,
        commands: Commands,
        runs: RunsReader,
        plan: PlanDesk | None = None,
        allowed_hosts: Iterable[str] = (),
        token: str | None = None,
    ) -> None:
        self.live = live
        self._hosts = tuple(allowed_hosts)
        self._token = token
        self._app = build_app(
            live,
            commands=commands,
            runs=runs,
            plan=plan,
            allowed_hosts=(*LOOPBACK_NAMES, *self._hosts),
            token=token,
        )
        self._runner: web.AppRunner | None = None
        self._base = ""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; the address to open (with a token: a link that works once). `port` 0 takes a free one.

        `InputError` when the address is taken, or is on the network without a token.
        """
        name = _host_name(host)
        self._check_exposure(host)
        if not _is_wildcard(host):
            self._app[ACCESS].allow([name])
        elif self._hosts:
            name = self._hosts[0]
        runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=1.0)  # a log would keep the links
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise InputError(_cannot_listen(host, port, error)) from None
        self._runner = runner
        bound = runner.addresses[0][1]
        self._base = f"http://{name}" if ":" in name.rpartition("]")[2] else f"http://{name}:{bound}"
        return self.new_link()

    def new_link(self) -> str:
        """The address to open on one more device: with a token it works once."""
        return self._base + self._app[ACCESS].new_link()

    def publish(self, event: Event) -> None:
        """Fold one event and tell the open pages: alerts and the run's life at once, the rest a few times a second."""
        self.live.apply(event)
        self._app[BROADCAST].changed(urgent=event.kind in (Alert.KIND, RunChange.KIND))

    def refresh(self) -> None:
        """The live view changed by other means (`begin`, `clear`, `sinks`)."""
        self._app[BROADCAST].changed()

    async def stop(self) -> None:
        """End all streams and stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _check_exposure(self, host: str) -> None:
        if _is_loopback(host):
            return
        if self._token is None:
            raise InputError(Problem("settings", "web.host", f"{host} without a token", "a token, or 127.0.0.1"))
        if _is_wildcard(host) and not self._hosts:
            expected = "the names under which browsers reach this machine"
            raise InputError(Problem("settings", "web.allowed_hosts", "nothing", expected))


# ---------------------------------------------------------------------------------------------- around every request


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    access = request.app[ACCESS]
    if access.host_refused(request.headers.getall("Host", [])):
        return _refuse(403, "this name is not one of the page's (web.allowed_hosts)")
    if request.method in ("GET", "HEAD") and request.path in _PAGE_OF and access.guarded:
        return _open(request, access)
    if access.session_refused(request.cookies.get(COOKIE), request.headers.get("Authorization")):
        return _refuse(401, "no session: open the link that sensord printed")
    if access.origin_refused(request.method, request.headers["Host"], request.headers):
        return _refuse(403, "changes are taken from the page itself only")
    return await handler(request)


def _open(request: web.Request, access: Access) -> web.StreamResponse:
    """The page with a token set: through a link that was not used yet, or with a session."""
    code = request.query.get(LINK_PARAMETER)
    cookie = access.use_link(code) if code is not None and request.method == "GET" else None
    if cookie is not None:
        # No redirect: a browser that came from another site would not send a Strict cookie along.
        response = _page(request, _PAGE_OF[request.path])
        response.set_cookie(COOKIE, cookie, httponly=True, samesite="Strict", path="/")
        return response
    if access.session_refused(request.cookies.get(COOKIE), request.headers.get("Authorization")):
        return _page(request, "denied.html", status=401)
    return _page(request, _PAGE_OF[request.path])


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except InputError as error:
        return web.json_response({"error": str(error)}, status=409)
    except web.HTTPException as error:
        if error.status >= 400:
            return web.json_response({"error": error.reason}, status=error.status, headers=_allow(error))
        raise


def _allow(error: web.HTTPException) -> dict[str, str]:
    return {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}


async def _headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SECURITY_HEADERS)
    response.headers["Cache-Control"] = "no-cache" if request.path.startswith("/static/") else "no-store"
    response.headers.popall("Server", None)


async def _close(app: web.Application) -> None:
    app[BROADCAST].close()


def _refuse(status: int, why: str) -> web.Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return web.json_response({"error": why}, status=status, headers=headers)


# ---------------------------------------------------------------------------------------------- the routes


async def _index(request: web.Request) -> web.Response:
    return _page(request, "index.html")


async def _plan_page(request: web.Request) -> web.Response:
    return _page(request, "plan.html")


def _page(request: web.Request, name: str, *, status: int = 200) -> web.Response:
    return web.Response(text=request.app[_PAGES][name], content_type="text/html", charset="utf-8", status=status)


async def _health(request: web.Request) -> web.Response:
    return web.json_response({"ok": True, "pages": request.app[BROADCAST].pages})


async def _live(request: web.Request) -> web.StreamResponse:
    return await request.app[BROADCAST].serve(request)


async def _state(request: web.Request) -> web.Response:
    return web.json_response(request.app[LIVE].snapshot())


async def _list(request: web.Request) -> web.Response:
    asked = request.query.get("limit", "10")
    if not asked.isascii() or not asked.isdigit() or not 1 <= int(asked) <= MOST_RUNS:
        return web.json_response({"error": f"limit: found {asked!r}, expected 1 to {MOST_RUNS}"}, status=400)
    rows = await request.app[_RUNS].runs(int(asked))
    return web.json_response({"runs": [payload(row) for row in rows]})


async def _detail(request: web.Request) -> web.Response:
    detail = await request.app[_RUNS].run(request.match_info["run"])
    if detail is None:
        return web.json_response({"error": "no such run"}, status=404)
    return web.json_response(payload(detail))


async def _end(request: web.Request) -> web.Response:
    await request.app[_COMMANDS].end_run()
    return web.json_response({"ok": True})


async def _start(request: web.Request) -> web.Response:
    await request.app[_COMMANDS].start_run()
    return web.json_response({"ok": True})


async def _discard(request: web.Request) -> web.Response:
    given = await _body(request)
    who, reason = given.get("who", "page"), given.get("reason", "discarded on the page")
    await request.app[_COMMANDS].discard_run(request.match_info["run"], who=who, reason=reason)
    return web.json_response({"ok": True})


async def _import(request: web.Request) -> web.Response:
    await request.app[_COMMANDS].import_run(request.match_info["run"])
    return web.json_response({"ok": True})


async def _mark(request: web.Request) -> web.Response:
    given = await _body(request)
    times = [given.get(name, "") for name in ("boottime_ns", "wall_ns")]
    if not given.get("text") or not all(time.isascii() and time.isdigit() and len(time) < 20 for time in times):
        return web.json_response({"error": "expected text, who, boottime_ns, wall_ns, the times as digits"}, status=400)
    boottime_ns, wall_ns = (int(time) for time in times)
    kept = await request.app[_COMMANDS].mark_run(
        given["text"], who=given.get("who", "page"), boottime_ns=boottime_ns, wall_ns=wall_ns
    )
    return web.json_response(payload(kept))


async def _speed(request: web.Request) -> web.Response:
    given = await _body(request)
    told = await request.app[_COMMANDS].know_speed(
        given.get("speed", ""), who=given.get("who", "page"), grade=given.get("grade_pct", "")
    )
    return web.json_response(payload(told))


async def _plan(request: web.Request) -> web.Response:
    desk = request.app[_PLAN]
    return web.json_response({"plan": None if desk is None else await desk.drawn()})


async def _fact(request: web.Request) -> web.Response:
    desk, given = request.app[_PLAN], await _body(request)
    if desk is None:
        raise InputError(Problem("page", "", "no plan is followed here", "a daemon of one runner"))
    # a phone's clock may be ahead, and what lies ahead does not count yet: what is said now is of the gateway's now
    now = {"at_wall_ns": str(time.time_ns()), "runner": desk.runner}
    return web.json_response(await desk.say({**now, **given}))


async def _ack(request: web.Request) -> web.Response:
    given = await _body(request)
    return web.json_response(await request.app[_COMMANDS].ack_alert(given.get("alert", ""), who=given.get("who", "")))


async def _body(request: web.Request) -> dict[str, str]:
    """The words that came with a command: a JSON object of short texts, or nothing."""
    text = await request.text()
    if not text:
        return {}
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict) or not all(isinstance(v, str) and v.isprintable() for v in given.values()):
        raise web.HTTPBadRequest(text="expected a JSON object of texts")
    return given


async def _link(request: web.Request) -> web.Response:
    access = request.app[ACCESS]
    if not access.guarded:
        return web.json_response({"error": "the page needs no link: no token is set"}, status=409)
    return web.json_response({"url": f"{request.scheme}://{request.headers['Host']}{access.new_link()}"})


# ---------------------------------------------------------------------------------------------- small things


def _render(*, guarded: bool) -> dict[str, str]:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    facts = {"version": version("sensord"), "definitions": DEFINITIONS, "guarded": guarded}
    return {name: environment.get_template(name).render(facts) for name in (*_PAGE_OF.values(), "denied.html")}


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_wildcard(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _host_name(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _cannot_listen(host: str, port: int, error: OSError) -> Problem:
    if error.errno == errno.EADDRINUSE:
        return Problem("settings", "web.port", f"{port}, which another program uses", "a free port, or 0 for any")
    reason = error.strerror or str(error)
    return Problem("settings", "web.host", f"{host} ({reason})", "an address of this machine")
