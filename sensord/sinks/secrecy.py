"""Secrets do not cross a network in clear text."""

from __future__ import annotations

import ipaddress

from sensord.errors import InputError, Problem


def refuse_clear_text(key: str, host: str, secret: str | None, *, encrypted: bool) -> None:
    """`InputError` when a secret would be sent unencrypted to anything but this machine itself."""
    if secret is None or encrypted or is_loopback(host):
        return
    found = f"a secret that would cross the network to {host} in clear text"
    raise InputError(Problem("settings", key, found, "TLS, or a server on this machine"))


def is_loopback(host: str) -> bool:
    """Whether `host` can only be this machine (no name is looked up)."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
