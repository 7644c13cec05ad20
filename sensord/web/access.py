"""Who may use the page: exact host names, same origin for every change, and a session when a token is set.

    Host      must be one of the allowed names (a name that was made to point here by its owner's DNS is not one)
    Origin    must be the page's own on every method that changes something
    session   with a token: a link that works once sets a SameSite=Strict, HttpOnly cookie; programs send the token as
              `Authorization: Bearer`. Without either: 401.

Cookies are signed with the token and nothing is kept about them: they outlive a restart exactly when the token does.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto
from urllib.parse import urlsplit

COOKIE = "sensord"
LINK_PARAMETER = "token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")

KEEP_LINKS = 16
"""Design choice: unused links beyond this are forgotten, oldest first."""

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)


class Refusal(Enum):
    """Why a request is not served."""

    HOST = auto()
    ORIGIN = auto()
    SESSION = auto()


def new_token() -> str:
    """A token of 256 random bits, fit for an address."""
    return secrets.token_urlsafe(32)


class Access:
    """The rules for one page.

    `allowed_hosts` are names, or name:port; a name alone allows any port (what rebinding changes is the name, and the
    port of a proxy is not ours).
    """

    def __init__(self, allowed_hosts: Iterable[str], token: str | None = None) -> None:
        self._hosts = {host.lower() for host in allowed_hosts}
        self._token = token.encode() if token is not None else None
        self._links: OrderedDict[str, None] = OrderedDict()

    @property
    def guarded(self) -> bool:
        """A token is set."""
        return self._token is not None

    def allow(self, hosts: Iterable[str]) -> None:
        """More host names: those that are known once the page listens."""
        self._hosts |= {host.lower() for host in hosts}

    def new_link(self) -> str:
        """The path of a link that opens the page once on one more device; "/" when no token is set."""
        if self._token is None:
            return "/"
        code = secrets.token_urlsafe(24)
        self._links[code] = None
        while len(self._links) > KEEP_LINKS:
            self._links.popitem(last=False)
        return f"/?{LINK_PARAMETER}={code}"

    def use_link(self, code: str) -> str | None:
        """The cookie's value for a link's code, which is used up by this; None when it is unknown or was used."""
        if self._token is None:
            return None
        found = next((known for known in self._links if hmac.compare_digest(known.encode(), code.encode())), None)
        if found is None:
            return None
        del self._links[found]
        nonce = secrets.token_urlsafe(16)
        return f"{nonce}.{self._signature(nonce)}"

    def host_refused(self, hosts: Sequence[str]) -> bool:
        """Anything but exactly one Host header that names an allowed host."""
        if len(hosts) != 1:
            return True
        host = hosts[0].lower()
        match = _HOST.fullmatch(host)
        return match is None or not (host in self._hosts or match["name"] in self._hosts)

    def origin_refused(self, method: str, host: str, headers: Mapping[str, str]) -> bool:
        """A change that does not come from the page itself; browsers send Origin with every unsafe method."""
        if method in SAFE_METHODS:
            return False
        if headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            return True
        origin = urlsplit(headers.get("Origin", ""))
        own = origin.scheme in ("http", "https") and origin.netloc.lower() == host.lower()
        return not own or bool(origin.path or origin.query or origin.fragment)

    def session_refused(self, cookie: str | None, authorization: str | None) -> bool:
        """With a token: neither a cookie of ours nor the token itself."""
        if self._token is None:
            return False
        if authorization is not None:
            scheme, _, given = authorization.partition(" ")
            return scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token)
        nonce, _, signature = (cookie or "").partition(".")
        return not nonce or not hmac.compare_digest(signature.encode(), self._signature(nonce).encode())

    def _signature(self, nonce: str) -> str:
        return hmac.new(self._token or b"", f"session {nonce}".encode(), hashlib.sha256).hexdigest()
