"""The published JSON Schemas, and which one a topic's payload must fit."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

FOLDER = Path(__file__).parents[2] / "docs" / "schema"

BY_TOPIC = {
    r"sensord/[^/]+/status": "mqtt-status",
    r"sensord/[^/]+/r/[^/]+/live": "mqtt-live",
    r"sensord/[^/]+/r/[^/]+/alert": "mqtt-alert",
    r"sensord/[^/]+/r/[^/]+/limit/[^/]+": "mqtt-limit",
    r"sensord/[^/]+/r/[^/]+/run": "mqtt-run",
    r"sensord/[^/]+/cmd/end": "mqtt-command",
    r"sensord/[^/]+/cmd/checkin": "mqtt-command-checkin",
    r"sensord/[^/]+/cmd/ack": "mqtt-command-ack",
    r"sensord/[^/]+/r/[^/]+/checkin": "mqtt-checkin",
    r"sensord/[^/]+/r/[^/]+/plan/[^/]+": "mqtt-plan",
    r"homeassistant/device/[^/]+/config": "homeassistant-device",
}


@cache
def validator(name: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def check(topic: str, payload: bytes) -> Any:
    """The payload, once it has passed the schema of its topic; every topic must have one."""
    name = next(name for pattern, name in BY_TOPIC.items() if re.fullmatch(pattern, topic))
    value = json.loads(payload)
    validator(name).validate(value)
    return value
