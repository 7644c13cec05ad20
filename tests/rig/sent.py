"""What left a pod, written down by whoever carries it (`tests.rig.ledger` lays it beside what arrived)."""

from __future__ import annotations

import zlib

from sensord.sim.peripheral import Notification

Entry = str
"""First 8 digits of the characteristic's UUID, checksum of both: short enough for a serial line."""

WHICH = 8


def entry(uuid: str, payload: bytes) -> Entry:
    return f"{uuid[:WHICH]}{zlib.crc32(uuid.encode() + payload):08x}"


class SentLog:
    """What left a pod, link by link."""

    def __init__(self) -> None:
        self._links: list[list[Entry]] = []

    def connected(self) -> None:
        self._links.append([])

    def sent(self, notification: Notification) -> None:
        if self._links:
            self._links[-1].append(entry(notification.uuid, notification.payload))

    def take(self, *, last: bool) -> list[list[Entry]]:
        """Links that have not been taken yet; the last one, which may be going on, only if asked for."""
        n = len(self._links) if last else max(len(self._links) - 1, 0)
        taken, self._links = self._links[:n], self._links[n:]
        return taken
