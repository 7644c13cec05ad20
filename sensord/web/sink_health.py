"""How the sinks are doing, as the page shows it."""

from __future__ import annotations

from typing import Protocol

from sensord.model import Json


class SinkHealth(Protocol):
    """What the page shows of a sink; `sensord.sinks.base.SinkState` is one."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def health(self) -> str:
        """Either "ok" or "away"."""

    @property
    def detail(self) -> str | None:
        """Why it is away."""

    @property
    def behind(self) -> int:
        """Events known to wait."""

    @property
    def behind_more(self) -> bool:
        """There are more than `behind`."""

    @property
    def quarantined(self) -> int:
        """Events it refused for good."""


def sink_picture(sink: SinkHealth) -> dict[str, Json]:
    """One sink in JSON values."""
    return {
        "name": sink.name,
        "health": str(sink.health),
        "detail": sink.detail,
        "behind": sink.behind,
        "behind_more": sink.behind_more,
        "quarantined": sink.quarantined,
    }
