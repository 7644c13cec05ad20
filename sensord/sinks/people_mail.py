"""Mail to a person, by SMTP. A server that takes a message has `sent` it; whether it arrived nobody can tell.

A connection is made for each letter: letters are rare, and a server that was away is then not noticed too late. Every
address that a server took is not given to it again while this process lives; a repeat after a crash has the same
Message-ID, by which mail programs show it once.
"""

from __future__ import annotations

import asyncio
import email.message
import email.policy
import email.utils
import hashlib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import aiosmtplib
from aiosmtplib import SMTPRecipientsRefused, SMTPResponseException

from sensord.errors import Away, InputError, NetworkError, Problem, Refused
from sensord.model import Level
from sensord.sinks.letter import Letter, Taken
from sensord.sinks.notices import Phase
from sensord.sinks.people_rules import local_time
from sensord.sinks.people_words import body, loudest, subject
from sensord.sinks.receipts import State
from sensord.sinks.secrecy import refuse_clear_text

PORTS = {"tls": 465, "starttls": 587, "none": 25}
"""RFC 8314 section 7.3 (465), RFC 6409 (587), RFC 5321 (25)."""

ASCII = email.policy.SMTP.clone(cte_type="7bit")
"""Not every server takes 8-bit text (RFC 6152)."""

LEAVE_S = 2.0
"""Design choice: how long a goodbye may take."""

PERMANENT = 500
"""RFC 5321 4.2.1: from here on the same command would be refused again."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """The server that takes mail for us. Certificate and host name are checked wherever there is TLS."""

    host: str
    port: int | None = None
    tls: Literal["tls", "starttls", "none"] = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    def __str__(self) -> str:
        return f"mail server {self.host}:{self.port or PORTS[self.tls]}"


class MailChannel:
    """Letters as mail. `InputError`: a password that would cross a network in clear text, an unreadable `ca_file`."""

    def __init__(
        self,
        server: MailServer,
        *,
        sender: str,
        to: Sequence[str],
        full: bool = True,
        key: str = "people",
        timeout_s: float = 20.0,
    ) -> None:
        """`full=False`: mails say level and alias only. `key` names the settings in errors."""
        refuse_clear_text(f"{key}.tls", server.host, server.password, encrypted=server.tls != "none")
        self._server = server
        self._sender = sender
        self._to = tuple(dict.fromkeys(to))
        self._full = full
        self._timeout_s = timeout_s
        self._tls = tls_context(server.ca_file, f"{key}.ca_file") if server.tls != "none" else None
        self._letter: str | None = None
        self._taken: set[str] = set()
        self._refused: dict[str, str] = {}

    async def deliver(self, letter: Letter) -> Taken:
        """Hand it to the server for every address. `Refused` when it refused all for good."""
        if self._letter != letter.key:
            self._letter, self._taken, self._refused = letter.key, set(), {}
        left = [address for address in self._to if address not in self._taken and address not in self._refused]
        if left:
            await self._send(self._message(letter), left)
        if not self._taken:
            raise Refused("; ".join(f"{address}: {why}" for address, why in self._refused.items()))
        detail = f"{self._server} took it for {len(self._taken)} of {len(self._to)}"
        lost = "".join(f"; refused {address}: {why}" for address, why in self._refused.items())
        return Taken(State.SENT, detail + lost)

    async def check(self) -> str | None:
        """None when the server lets us in."""
        try:
            async with asyncio.timeout(self._timeout_s):
                client = await self._connect()
                await _leave(client)
        except TimeoutError:
            return f"{self._server}: no answer within {self._timeout_s:g} s"
        except NetworkError as error:
            return str(error)
        return None

    async def close(self) -> None:
        """Nothing is open between letters."""

    async def _send(self, message: bytes, left: Sequence[str]) -> None:
        """One transaction; notes who was taken and who refused. `Away` when an address is left to try again."""
        try:
            async with asyncio.timeout(3 * self._timeout_s):
                client = await self._connect()
                try:
                    refusals = await self._transact(client, message, left)
                except BaseException:
                    client.close()
                    raise
        except TimeoutError:
            raise Away(f"{self._server}: no answer within {3 * self._timeout_s:g} s") from None
        later = []
        for address in left:
            if address not in refusals:
                self._taken.add(address)
                continue
            code, text = refusals[address]
            if code >= PERMANENT:
                self._refused[address] = f"{code} {text}"
            else:
                later.append(f"{address}: {code} {text}")
        await _leave(client)  # whatever becomes of it: what was taken is taken
        if later:
            raise Away(f"{self._server} asks to try again: {'; '.join(later)}")

    async def _transact(
        self, client: aiosmtplib.SMTP, message: bytes, left: Sequence[str]
    ) -> dict[str, tuple[int, str]]:
        """Hand it over; gives what was refused for which address."""
        try:
            refused, _ = await client.sendmail(self._sender, list(left), message)
        except SMTPRecipientsRefused as all_of_them:
            return {one.recipient: (one.code, _line(one.message)) for one in all_of_them.recipients}
        except aiosmtplib.SMTPSenderRefused as error:
            raise Away(
                f"{self._server} takes nothing from {self._sender}: {error.code} {_line(error.message)}"
            ) from None
        except aiosmtplib.SMTPDataError as error:
            if error.code >= PERMANENT:
                raise Refused(f"{self._server}: {error.code} {_line(error.message)}") from None
            raise Away(f"{self._server}: {error.code} {_line(error.message)}") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _away(self._server, error) from None
        return {address: (answer.code, _line(answer.message)) for address, answer in refused.items()}

    async def _connect(self) -> aiosmtplib.SMTP:
        """Connected and let in; `Away` says what is wrong: wrong settings may be put right, and nothing is lost."""
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port or PORTS[server.tls],
            username=server.user,
            password=server.password,
            local_hostname=socket.gethostname(),
            timeout=self._timeout_s,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            tls_context=self._tls,
        )
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            raise _away(server, error) from None
        except BaseException:
            client.close()
            raise
        return client

    def _message(self, letter: Letter) -> bytes:
        message = email.message.EmailMessage(ASCII)
        message["Subject"] = subject(letter)
        message["From"] = self._sender
        message["To"] = ", ".join(self._to)
        message["Date"] = email.utils.format_datetime(local_time(letter.wall_ns, letter.timezone))
        message["Message-ID"] = self._id(letter.key)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        first = letter.notices[0]
        if not letter.summary and first.phase is not Phase.ONSET:
            message["References"] = message["In-Reply-To"] = self._id(f"{first.alert}/{Phase.ONSET.value}")
        if loudest(letter) in (Level.STOP, Level.URGENT):
            message["Importance"] = "high"
        message.set_content(body(letter, full=self._full))
        return message.as_bytes()

    def _id(self, key: str) -> str:
        """The same for the same message, and nothing in it about whom or what."""
        digest = hashlib.sha256(f"{self._sender} {key}".encode()).hexdigest()[:32]
        return f"<{digest}@{self._sender.rpartition('@')[2]}>"


def tls_context(ca_file: Path | None, key: str) -> ssl.SSLContext:
    """Trusts the authorities in `ca_file`, or this machine's. `InputError` when the file cannot be used."""
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        problem = Problem("settings", key, f"{ca_file} ({error})", "a PEM file with certificates")
        raise InputError(problem) from None


def _away(server: MailServer, error: BaseException) -> Away:
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return Away(f"{server} does not let us in: {error.code} {_line(error.message)}")
    if isinstance(error, SMTPResponseException):
        return Away(f"{server}: {error.code} {_line(error.message)}")
    return Away(f"{server}: {_line(str(error)) or type(error).__name__}")


async def _leave(client: aiosmtplib.SMTP) -> None:
    """Say goodbye, and wait no longer for an answer than is polite."""
    try:
        async with asyncio.timeout(LEAVE_S):
            await client.quit()
    except (aiosmtplib.SMTPException, OSError):  # TimeoutError is one
        pass
    finally:
        client.close()


def _line(text: str) -> str:
    return " ".join(text.split())[:200]
