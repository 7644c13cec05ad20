"""What people said and what was decided, for the sinks: InfluxDB points, MQTT messages. Pure.

| fact | InfluxDB | MQTT |
|---|---|---|
| check-in | `checkin`, tags `moment`, `runner`, `site`; a field for each answer | `.../checkin` |
| decision, revision, approval, readiness test, exercise | `plan`, tags `kind`, `runner`, `site` | `.../plan/<kind>` |
| note | `note`, tags `code`, `runner`, `site` | nothing: the clinic wrote it |

Times are when it was, not when it was entered; the fact's number stands in the nanoseconds, as in `lines`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import influxdb_client.client.write.point

from sensord.errors import Refused
from sensord.model import Json, StoredEvent
from sensord.sinks.lines import point_time_ns
from sensord.sinks.messages import Message, Topics, rfc3339, to_json

PLAN_KINDS = frozenset(
    ("asked", "decision", "revision", "approval", "tested", "exercised", "retraction", "history_known", "mileage")
)
KINDS = PLAN_KINDS | {"checkin", "noted"}
"""Kinds of facts that sinks hear of; runs of pods come as events of their own."""

_Point: Any = influxdb_client.client.write.point.Point
"""influxdb-client ships no types."""

LEFT_OUT = frozenset(("text",))
"""Of a revision: the plan itself, which is a file and not a point."""


def fact_lines(event: StoredEvent) -> list[str]:
    """The points of a fact in line protocol; none for kinds that are told elsewhere. Refused: it cannot be a point."""
    if event.kind not in KINDS or event.wall_anchor_ns is None:
        return []
    point = _point(event)
    point.tag("runner", event.runner).tag("site", event.site)
    point.time(point_time_ns(event.wall_anchor_ns, event.t_ns, event.n))
    line = point.to_line_protocol()
    if not line:
        raise Refused(f"{event.kind}: nothing in it can be a field")
    return [str(line)]


def _point(event: StoredEvent) -> Any:  # noqa: ANN401 - influxdb-client ships no types
    said = event.payload
    match event.kind:
        case "checkin":
            point = _Point("checkin").tag("moment", said["moment"]).field("run", said.get("run") or "")
            for name, answer in said["answers"].items():
                point.field(name, answer)
            return point
        case "noted":
            return _Point("note").tag("code", said["what"]).field("text", said["text"]).field("by", said["who"])
        case _:
            point = _Point("plan").tag("kind", event.kind)
            for name, value in said.items():
                if name not in LEFT_OUT and value is not None:
                    point.field(name, _field(value))
            return point


def _field(value: Json) -> float | bool | str:
    """One type a field for good: numbers are floats, whatever they are in this fact."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return float(value)
    return ", ".join(str(v) for v in value)


def fact_messages(event: StoredEvent, topics: Topics) -> list[Message]:
    """What MQTT hears of a fact. A decision is retained: it is where she stands until the next one."""
    if event.kind == "checkin":
        return [Message(topics.runner(event.runner, "checkin"), to_json(_body(event, event.payload)), 1, retain=False)]
    if event.kind not in PLAN_KINDS:
        return []
    told = {name: value for name, value in event.payload.items() if name not in LEFT_OUT}
    topic = topics.runner(event.runner, "plan", event.kind)
    return [Message(topic, to_json(_body(event, told)), 1, retain=event.kind == "decision")]


def _body(event: StoredEvent, values: Mapping[str, Json]) -> dict[str, Json]:
    time = {} if event.wall_anchor_ns is None else {"time": rfc3339(event.wall_anchor_ns + event.t_ns)}
    return {"kind": event.kind, **time, **values}
