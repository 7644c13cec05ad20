"""Events as MQTT messages: topics, payloads, who keeps what. Pure; the connection is in `mqtt`.

    sensord/<site>/status                     retained, last will   {"state": "online" | "offline", ...}
    sensord/<site>/r/<runner>/live            QoS 0                 the last seconds, once a second, only while fresh
    sensord/<site>/r/<runner>/alert           QoS 1                 CloudEvents 1.0 in structured JSON
    sensord/<site>/r/<runner>/limit/<rule>    QoS 1, retained       where a limit stands
    sensord/<site>/r/<runner>/run             QoS 1, retained       the life of the run
    sensord/<site>/cmd/end                    in                    end the run

A JSON Schema of every payload is in docs/schema. Retained are states, never measurements of the moment.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass

from sensord.errors import Refused
from sensord.model import NS, Alert, AlertPhase, GaitWindow, Json, LimitState, RunChange, StoredEvent

LIVE_FRESH_S = 5.0
"""Design choice: a live value older than this is not sent, it would pass for the present (nor one from the future: then
the clock was set back and its age is not known)."""

LATE_S = 10.0
"""An alert sent longer than this after the fact says so (`late`)."""

ALERT_TYPES = {
    AlertPhase.ONSET: "io.sensord.limit.exceeded.v1",
    AlertPhase.REMINDER: "io.sensord.limit.reminder.v1",
    AlertPhase.RECOVERY: "io.sensord.limit.recovered.v1",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One MQTT message to publish."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one site."""

    site: str

    @property
    def status(self) -> str:
        """Whether the gateway is there."""
        return f"sensord/{self.site}/status"

    @property
    def check(self) -> str:
        """Where `doctor` tries whether a message comes back."""
        return f"sensord/{self.site}/check"

    @property
    def commands(self) -> str:
        """The commands of this site begin with this."""
        return f"sensord/{self.site}/cmd/"

    def runner(self, runner: str, *what: str) -> str:
        """A topic of one runner; `Refused` when a part cannot stand in a topic."""
        return "/".join(("sensord", _part(self.site), "r", *(_part(part) for part in (runner, *what))))


def messages_of(
    event: StoredEvent, topics: Topics, source: str, age_s: float | None, *, newest: bool = True
) -> list[Message]:
    """What an event says on MQTT: nothing for most kinds.

    `source` names the gateway in alerts. `age_s` is how long ago it happened, None when no clock can tell: live
    values are then not sent, alerts are sent with `late` unknown. `newest`: no later run of the runner is known; of any
    other (imported, fetched, or told late) nothing is retained, it would pass for the present. `Refused` when a payload
    lacks what it must have.
    """
    try:
        if event.kind == GaitWindow.KIND:
            return _live(event, topics) if age_s is not None and abs(age_s) <= LIVE_FRESH_S else []
        if event.kind == Alert.KIND:
            return [_alert(event, topics, source, age_s)]
        if event.kind == LimitState.KIND:
            topic = topics.runner(event.runner, "limit", event.payload["rule"])
            return [_state(topic, event)] if newest else []
        if event.kind == RunChange.KIND:
            return [_state(topics.runner(event.runner, "run"), event)] if newest else []
    except KeyError as missing:
        raise Refused(f"{event.kind}: {missing} is missing") from None
    except (TypeError, ValueError) as wrong:
        raise Refused(f"{event.kind}: {wrong}") from None
    return []


def status_message(topics: Topics, gateway: str, *, online: bool) -> Message:
    """Said on connecting, on leaving, and by the broker as last will."""
    state = "online" if online else "offline"
    return Message(topics.status, to_json({"state": state, "site": topics.site, "gateway": gateway}), 1, retain=True)


def to_json(value: Json) -> bytes:
    """A JSON text in UTF-8; `ValueError` for what JSON or UTF-8 cannot hold."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def rfc3339(wall_ns: int) -> str:
    """A wall time as text, in UTC and to the millisecond."""
    seconds, rest_ns = divmod(wall_ns, NS)
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest_ns // 1_000_000:03d}Z"


def _live(event: StoredEvent, topics: Topics) -> list[Message]:
    body = {**_head(event), **event.payload}
    return [Message(topics.runner(event.runner, "live"), to_json(body), 0, retain=False)]


def _state(topic: str, event: StoredEvent) -> Message:
    return Message(topic, to_json({**_head(event), **event.payload}), 1, retain=True)


def alert_event(event: StoredEvent, source: str, age_s: float | None) -> dict[str, Json]:
    """A stored alert as CloudEvents 1.0. KeyError or ValueError when the payload lacks what it must have."""
    alert = event.payload
    phase = AlertPhase(alert["phase"])
    names = ("rule", "metric", "level", "phase", "cue", "text", "value", "limit", "unit", "duration_s")
    return {
        "specversion": "1.0",
        "id": f"{alert['id']}/{phase}" + (f"/{event.t_ns}" if phase is AlertPhase.REMINDER else ""),
        "source": source,
        "type": ALERT_TYPES[phase],
        "subject": event.runner,
        **_time(event),
        "datacontenttype": "application/json",
        "data": {
            **{name: alert[name] for name in names},
            "run": event.run,
            "t_ns": event.t_ns,
            "late": None if age_s is None else age_s > LATE_S,
        },
    }


def _alert(event: StoredEvent, topics: Topics, source: str, age_s: float | None) -> Message:
    body = alert_event(event, source, age_s)
    return Message(topics.runner(event.runner, "alert"), to_json(body), 1, retain=False)


def _head(event: StoredEvent) -> dict[str, Json]:
    return {"run": event.run, "t_ns": event.t_ns, **_time(event)}


def _time(event: StoredEvent) -> Mapping[str, Json]:
    """`time`, left out while the clock is not trusted."""
    return {} if event.wall_anchor_ns is None else {"time": rfc3339(event.wall_anchor_ns + event.t_ns)}


def _part(part: str) -> str:
    """One level of a topic (MQTT 3.1.1, 4.7: no wildcard, no separator, no NUL)."""
    if not isinstance(part, str) or not part or len(part) > 64 or not part.isprintable() or set(part) & set("/+#"):
        raise Refused(f"{part!r} cannot be part of a topic")
    return part
