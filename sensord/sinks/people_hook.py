"""A webhook: CloudEvents JSON by HTTP POST, signed after Standard Webhooks (standardwebhooks.com).

    POST URL
    content-type: application/cloudevents+json         (a summary: application/cloudevents-batch+json, a list)
    idempotency-key: "run/rule/level/ns/onset"          the same when it comes twice
    webhook-id: msg_<hash of that>
    webhook-timestamp: seconds since 1970
    webhook-signature: v1,<base64 of HMAC-SHA256 of "id.timestamp.body">   with a secret

2xx is "delivered". An answer `{"acknowledged_by": "..."}` says at once who has seen it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import urllib.parse
from pathlib import Path

import aiohttp

from sensord.errors import Away, InputError, Problem, Refused
from sensord.model import NS
from sensord.sinks.letter import REPLY_BYTES, Letter, Taken, seen_by
from sensord.sinks.messages import to_json
from sensord.sinks.people_mail import tls_context
from sensord.sinks.receipts import State
from sensord.sinks.retry_after import retry_after_s
from sensord.sinks.secrecy import is_loopback

REFUSING = {400, 413, 415, 422}
"""Answers that will be the same next time: malformed, too large, of a kind it does not take."""

MEANING = {
    401: "the token is missing or wrong",
    403: "it is not allowed",
    404: "there is nothing at this address",
    410: "there is nothing at this address any more",
    429: "the server asks for a pause",
}

SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret of Standard Webhooks begins with


class HookChannel:
    """Letters as HTTP POST. `InputError`: an address without TLS on another machine, a bad secret or `ca_file`."""

    def __init__(
        self,
        url: str,
        *,
        source: str,
        secret: str | None = None,
        token: str | None = None,
        ca_file: Path | None = None,
        clear_text: bool = False,
        key: str = "people",
        timeout_s: float = 10.0,
    ) -> None:
        """`source` names the gateway in CloudEvents; `clear_text` allows http to another machine, but no token."""
        parts = urllib.parse.urlsplit(url)
        open_to_all = parts.scheme != "https" and not is_loopback(parts.hostname or "")
        if open_to_all and (token is not None or not clear_text):
            what = "a token" if token is not None else "what was measured"
            found = f"{what} that would cross the network to {parts.hostname} in clear text"
            raise InputError(Problem("settings", f"{key}.url", found, "an https:// address, or one on this machine"))
        self._url = url
        self._where = f"webhook {parts.scheme}://{parts.netloc.rpartition('@')[2]}"  # a path may be a secret
        self._source = source
        self._secret = None if secret is None else _secret(secret, f"{key}.secret_file")
        self._token = token
        self._tls = tls_context(ca_file, f"{key}.ca_file") if parts.scheme == "https" else True
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, letter: Letter) -> Taken:
        """POST it; 2xx has taken it."""
        try:
            body = to_json(letter.cloud_events(self._source))
        except (ValueError, KeyError) as error:
            raise Refused(f"no JSON: {error}") from None
        try:
            async with self._open().post(
                self._url, data=body, headers=self._headers(letter, body), allow_redirects=False, ssl=self._tls
            ) as answer:
                reply = await _beginning(answer.content)
                return self._meaning(answer, reply)
        except TimeoutError:
            raise Away(f"{self._where}: no answer within {self._timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Away(f"{self._where}: {' '.join(str(error).split()) or type(error).__name__}") from None

    async def check(self) -> str | None:
        """None when something answers there; posts nothing."""
        try:
            async with self._open().options(self._url, allow_redirects=False, ssl=self._tls):
                return None
        except TimeoutError:
            return f"{self._where}: no answer within {self._timeout_s:g} s"
        except (aiohttp.ClientError, OSError) as error:
            return f"{self._where}: {' '.join(str(error).split()) or type(error).__name__}"

    async def close(self) -> None:
        """Close the connections; `deliver` opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _meaning(self, answer: aiohttp.ClientResponse, reply: bytes) -> Taken:
        status = answer.status
        if 200 <= status < 300:
            return Taken(State.DELIVERED, f"{self._where} answered {status}", seen_by(reply))
        text = " ".join(reply.decode("utf-8", "replace").split())[:200]
        why = MEANING.get(status) or ("it sends us elsewhere" if 300 <= status < 400 else answer.reason or "no reason")
        detail = f"{self._where}: HTTP {status}, {why}" + (f" ({text})" if text else "")
        if status in REFUSING:
            raise Refused(detail)
        raise Away(detail, retry_after_s(answer.headers.get("Retry-After")))

    def _headers(self, letter: Letter, body: bytes) -> dict[str, str]:
        kind = "cloudevents-batch+json" if letter.summary else "cloudevents+json"
        name = f"msg_{hashlib.sha256(letter.key.encode()).hexdigest()[:32]}"
        stamp = str(letter.wall_ns // NS)
        headers = {
            "content-type": f"application/{kind}; charset=utf-8",
            "idempotency-key": json.dumps(letter.key),
            "webhook-id": name,
            "webhook-timestamp": stamp,
        }
        if self._secret is not None:
            signed = hmac.digest(self._secret, f"{name}.{stamp}.".encode() + body, "sha256")
            headers["webhook-signature"] = f"v1,{base64.b64encode(signed).decode()}"
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token}"
        return headers

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        return self._session


def _secret(text: str, key: str) -> bytes:
    """The bytes of a secret: base64 behind `whsec_`, else the text itself."""
    if not text.startswith(SECRET_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        expected = f"base64 behind {SECRET_PREFIX}"
        raise InputError(Problem("settings", key, "a secret that is no base64", expected)) from None


async def _beginning(content: aiohttp.StreamReader) -> bytes:
    """The first bytes of an answer; the rest is left."""
    reply = b""
    while len(reply) < REPLY_BYTES and (chunk := await content.read(REPLY_BYTES - len(reply))):
        reply += chunk
    return reply
