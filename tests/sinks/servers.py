"""Private InfluxDB and MQTT servers for tests: own configuration, free ports, own folders, gone with the test.

`Influxd` is Debian's InfluxDB 1.x; `InfluxProxy` before it gives it the version 2 write address and can fail on
purpose. `Mosquitto` is Debian's broker. Any test may use them: they know nothing of sinks.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

from aiohttp import ClientSession, web

START_S = 15.0


class MissingProgram(Exception):
    """A program of this machine that a test starts is not installed."""


def program(name: str, package: str) -> str:
    """Path of a program in PATH or the places a user's PATH leaves out; fails naming the Debian package."""
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))
    if path is None:
        raise MissingProgram(f"{name} is not installed: apt-get install {package}")
    return path


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Server:
    """A child process that can be stopped, killed, frozen and started again on the same port and files."""

    def __init__(self, command: list[str], log: Path, ready: Callable[[], bool]) -> None:
        self._command = command
        self._log = log
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        with self._log.open("ab") as log:
            # the kernel kills it when the test process dies, however that dies
            command = [program("setpriv", "util-linux"), "--pdeathsig", "KILL", *self._command]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{self._command[0]} did not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """The process stands still with its connections open, like a machine that hangs."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
            if how is not signal.SIGKILL:
                process.send_signal(signal.SIGCONT)  # one that is frozen could not obey
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class Influxd(Server):
    """InfluxDB 1.x. `url` is its own address; databases are made with `create`."""

    CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  index-version = "inmem"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
[continuous_queries]
  enabled = false
"""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = folder / "influxdb.conf"
        config.write_text(self.CONFIG.format(folder=folder, http=self.port, rpc=free_port()))
        command = [program("influxd", "influxdb"), "run", "-config", str(config)]
        super().__init__(command, folder / "influxd.log", self._answers)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/ping", timeout=1) as answer:
                return bool(answer.status == 204)
        except OSError:
            return False

    def create(self, database: str) -> str:
        self.query(f'CREATE DATABASE "{database}"')
        return database

    def query(self, influxql: str, database: str = "") -> list[dict[str, Any]]:
        """Rows of one InfluxQL statement: columns and tags by name, times in ns."""
        data = urllib.parse.urlencode({"q": influxql, "db": database, "epoch": "ns"}).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{self.url}/query", data), timeout=10) as answer:
                result = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{influxql}: {error.read().decode()}") from None
        return rows_of(result, influxql)


def rows_of(result: dict[str, Any], influxql: str = "") -> list[dict[str, Any]]:
    """The rows of an InfluxDB 1.x answer; an error in it is raised."""
    rows: list[dict[str, Any]] = []
    for statement in result["results"]:
        assert "error" not in statement, f"{influxql}: {statement['error']}"
        for series in statement.get("series", []):
            head = {"_name": series.get("name"), **series.get("tags", {})}
            rows += [{**head, **dict(zip(series["columns"], values, strict=True))} for values in series["values"]]
    return rows


class InfluxProxy:
    """The version 2 write address before an InfluxDB 1.x, in this process; an async context manager.

    `faults` is a list of things that go wrong, one a write, oldest first: a status (answered without asking the
    server), `"lost"` (the server stores, the connection is cut before the answer), `"hang"` (no answer at all),
    `"portal"` (200 with a page, as a hotel's network would). `retry_after` goes with every 429 and 503.
    """

    PRECISION: ClassVar = {"ns": "n", "us": "u", "ms": "ms", "s": "s"}

    def __init__(self, server: Influxd, *, token: str | None = None) -> None:
        self.server = server
        self.token = token
        self.url = ""
        self.faults: list[int | str] = []
        self.retry_after: str | None = None
        self.writes: list[int] = []
        """Status of every write that was answered."""
        self._hanging = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/api/v2/write", self._write)
        app.router.add_route("*", "/{rest:query|ping|health}", self._pass)
        self._session = ClientSession()
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._hanging.set()
        assert self._runner
        assert self._session
        await self._runner.cleanup()
        await self._session.close()

    async def _write(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.pop(0) if self.faults else None
        if fault == "hang":
            await self._hanging.wait()
            return self._answer(503, "")
        if fault == "portal":
            return web.Response(text="<html>please accept our terms</html>")
        if isinstance(fault, int):
            return self._answer(fault, "on purpose")
        if self.token is not None and request.headers.get("Authorization") != f"Token {self.token}":
            return self._answer(401, "unauthorized access")
        query = {"db": request.query["bucket"], "precision": self.PRECISION[request.query.get("precision", "ns")]}
        status, text = await self._ask("POST", "/write", query, await request.read())
        if fault == "lost":
            assert request.transport
            request.transport.close()
        return self._answer(status, text)

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        path = "/ping" if request.path == "/health" else request.path
        status, text = await self._ask(request.method, path, dict(request.query), await request.read())
        return web.Response(status=status, text=text, content_type="application/json")

    async def _ask(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, str]:
        assert self._session
        try:
            async with self._session.request(method, self.server.url + path, params=query, data=body) as answer:
                return answer.status, await answer.text()
        except OSError as error:
            return 502, str(error)

    def _answer(self, status: int, text: str) -> web.Response:
        self.writes.append(status)
        headers = {"Retry-After": self.retry_after} if self.retry_after and status in (429, 503) else {}
        return web.Response(status=status, text=None if status == 204 else text, headers=headers)


class Mosquitto(Server):
    """An MQTT broker that writes every change to disk, so that a kill -9 loses no session.

    `password` (of user `sensord`), `certificate` (PEM certificate and key) and access `rules` are optional.
    """

    def __init__(
        self,
        folder: Path,
        *,
        password: str | None = None,
        certificate: tuple[Path, Path] | None = None,
        rules: Path | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.host = "127.0.0.1"
        self.port = free_port()
        lines = [
            f"listener {self.port} {self.host}",
            f"user {getpass.getuser()}",
            f"allow_anonymous {'false' if password else 'true'}",
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_on_changes true",
            "autosave_interval 1",
            "max_queued_messages 0",
        ]
        if password:
            lines.append(f"password_file {folder / 'passwords'}")
            self._set_password(folder / "passwords", password)
        if certificate:
            lines += [f"certfile {certificate[0]}", f"keyfile {certificate[1]}"]
        if rules:
            lines.append(f"acl_file {rules}")
        config = folder / "mosquitto.conf"
        config.write_text("\n".join(lines) + "\n")
        command = [program("mosquitto", "mosquitto"), "-c", str(config)]
        super().__init__(command, folder / "mosquitto.log", self._answers)

    @staticmethod
    def _set_password(path: Path, password: str) -> None:
        path.touch(mode=0o600)
        subprocess.run([program("mosquitto_passwd", "mosquitto"), "-b", str(path), "sensord", password], check=True)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=1):
                return True
        except OSError:
            return False
