"""Home Assistant: one retained configuration a runner, from which it makes its entities (MQTT device discovery).

Format: Home Assistant, "MQTT", device discovery payload (`dev`, `o`, `cmps`, `p`, `unique_id`). Limits are one
binary sensor each, so that a state needs no memory of the others: on over the limit, off within it, and unknown
(Home Assistant's word for the text "None") while it is undecided or not checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sensord.model import AlertPhase, Json
from sensord.sinks.messages import Message, Topics, to_json

BIRTH_TOPIC = "homeassistant/status"
"""Home Assistant says "online" here when it has started: then configurations are sent again."""

RULES = ("limit.distance", "limit.run_time", "impact", "impact.left", "impact.right", "asymmetry.contact_time")
"""The limits a plan can have (`sensord.plan`). One that a plan does not have stays unknown in Home Assistant."""

LIVE_EXPIRES_S = 10
"""Design choice: a live value disappears this long after the last message (they come once a second)."""


def discovery(topics: Topics, runner: str, rules: Sequence[str] = RULES) -> Message:
    """The configuration of one runner's device."""
    device = _slug(f"sensord_{topics.site}_{runner}")
    live = topics.runner(runner, "live")
    components = {
        "cadence": _sensor("Cadence", live, "value_json.cadence_spm", unit="spm", digits=0),
        "contact_time_left": _sensor("Contact time left", live, _ms("left"), unit="ms", digits=0),
        "contact_time_right": _sensor("Contact time right", live, _ms("right"), unit="ms", digits=0),
        "distance": _sensor("Distance", live, "value_json.distance_m", unit="m", digits=0, device_class="distance"),
        "speed": _sensor("Speed", live, "value_json.speed_mps", unit="m/s", digits=1, device_class="speed"),
        "flight_time": _sensor("Flight time, mean of both feet", live, _FLIGHT_MS, unit="ms", digits=0),
        "alert": _alert_event(topics.runner(runner, "alert")),
        **{_slug(f"limit_{rule}"): _limit(topics.runner(runner, "limit", rule), rule) for rule in rules},
    }
    body = {
        "dev": {"ids": [device], "name": f"sensord {runner}", "mf": "sensord", "mdl": "foot pods"},
        "o": {"name": "sensord"},
        "avty": [{"t": topics.status, "val_tpl": "{{ value_json.state }}"}],
        "cmps": {key: {**component, "unique_id": f"{device}_{key}"} for key, component in components.items()},
    }
    return Message(f"homeassistant/device/{device}/config", to_json(body), 1, retain=True)


def _sensor(
    name: str, topic: str, value: str, *, unit: str, digits: int, device_class: str | None = None
) -> Mapping[str, Json]:
    sensor = {
        "p": "sensor",
        "name": name,
        "state_topic": topic,
        "value_template": "{{ %s }}" % value,  # noqa: UP031 - braces are the template's
        "unit_of_measurement": unit,
        "suggested_display_precision": digits,
        "state_class": "measurement",
        "expire_after": LIVE_EXPIRES_S,
    }
    return {**sensor, "device_class": device_class} if device_class else sensor


_FLIGHT_MS = "None if value_json.flight_time_s is none else (1000 * value_json.flight_time_s) | round(0)"


def _ms(foot: str) -> str:
    value = f"value_json.{foot}.contact_time_s"
    return f"None if {value} is none else (1000 * {value}) | round(0)"


def _alert_event(topic: str) -> Mapping[str, Json]:
    return {
        "p": "event",
        "name": "Alert",
        "state_topic": topic,
        "event_types": [phase.value for phase in AlertPhase],
        "value_template": "{{ dict(value_json.data, event_type=value_json.data.phase) | to_json }}",
    }


def _limit(topic: str, rule: str) -> Mapping[str, Json]:
    return {
        "p": "binary_sensor",
        "name": f"Over {rule.removeprefix('limit.').replace('.', ' ').replace('_', ' ')}",
        "state_topic": topic,
        "device_class": "problem",
        "value_template": "{{ {'over': 'ON', 'within': 'OFF'}.get(value_json.status, 'None') }}",
    }


def _slug(text: str) -> str:
    """What Home Assistant takes as an identifier in a topic."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)
