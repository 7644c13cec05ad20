"""A real SMTP server (aiosmtpd) and a real HTTP endpoint (aiohttp) in the test's own loop; both do as they are told."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.sinks.servers import free_port


def certificate(folder: Path, host: str = "IP:127.0.0.1") -> tuple[Path, Path]:
    """A certificate of its own authority, and its key."""
    cert, key = folder / f"{host[:2]}cert.pem", folder / f"{host[:2]}key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-keyout", str(key), "-out", str(cert), "-subj", "/CN=test"]
    subprocess.run([*command, "-addext", f"subjectAltName={host}"], check=True, capture_output=True)
    return cert, key


def server_side(files: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*files)
    return context


class MailServer:
    """Keeps what it took in `mails`. `rcpt` and `data` are answers to give, one a command, then "250 OK"; a coroutine
    function is awaited for its answer; None as an answer hangs up."""

    host = "127.0.0.1"

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, starttls: bool = False, password: str | None = None
    ) -> None:
        self.port = free_port()
        self.rcpt: list[str] = []
        self.data: list[str | Callable[[], Awaitable[str]] | None] = []
        self.mail_from: list[str] = []
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.connections = 0
        self._tls = tls
        self._starttls = starttls
        self._password = password
        self._server: asyncio.Server | None = None
        self._talks: list[SMTP] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        plain = self._tls if not self._starttls else None
        self._server = await loop.create_server(self._talk, self.host, self.port, ssl=plain)

    async def stop(self) -> None:
        """Like a machine that is switched off: nobody listens, and talks end."""
        server, self._server = self._server, None
        if server:
            server.close()
            for talk in self._talks:
                if talk.transport is not None:
                    talk.transport.abort()
            self._talks.clear()
            await server.wait_closed()
            await asyncio.sleep(0)

    def _talk(self) -> SMTP:
        self.connections += 1
        talk = SMTP(
            self,
            hostname="test.example",
            tls_context=self._tls if self._starttls else None,
            require_starttls=self._starttls,
            authenticator=self._authenticate if self._password else None,
            auth_required=self._password is not None and self._starttls,
            auth_require_tls=self._starttls,
            loop=asyncio.get_running_loop(),
        )
        self._talks.append(talk)
        return talk

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=data.password.decode() == self._password, handled=False)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.mail_from:
            return self.mail_from.pop(0)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self.rcpt.pop(0) if self.rcpt else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        answer = self.data.pop(0) if self.data else "250 OK"
        if callable(answer):
            answer = await answer()
        if answer is None or answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            assert content.isascii(), "not every server takes 8-bit text"
            message = email.message_from_bytes(content, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            self.mails.append((list(envelope.rcpt_tos), message))
        if answer is None:
            server.transport.abort()
            return "421 gone"
        return answer


class Endpoint:
    """Keeps requests in `asked`; `script` holds answers: a status, (status, headers), (status, headers, body), or a
    coroutine function that makes one, None to hang up; then 204."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.port = free_port()
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/hooks/s3cret-path"
        self.script: list[Any] = []
        self.asked: list[tuple[dict[str, str], bytes]] = []
        self._tls = tls
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls).start()

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.method == "OPTIONS":
            return web.Response(status=405)
        self.asked.append((dict(request.headers.items()), body))
        step = self.script.pop(0) if self.script else 204
        if callable(step):
            step = await step()
        if step is None:
            assert request.transport
            request.transport.abort()
            step = 500
        status, *more = step if isinstance(step, tuple) else (step,)
        headers, text = (*more, *({}, "")[len(more) :])
        return web.Response(status=status, headers=headers, text=text)
