"""JSON Schema of the plan file, for editors and checkers: python -m sensord.plan.schema > docs/schema/plan.schema.json

It says what a schema can say: keys, kinds, units, ranges. What compares two keys (warn at most stop, clearing below the
first limit) only `read_plan` checks.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from sensord.plan.model import Plan


def plan_schema() -> dict[str, Any]:
    """The schema as plain JSON values (draft 2020-12)."""
    schema = Plan.model_json_schema(by_alias=True)
    _tidy(schema)
    shapes = schema["$defs"]
    for name in ("StageAdvance", "Calendar"):  # their keys may stand in the stage itself: see plan/ladder
        shapes["Stage"]["properties"] |= shapes[name]["properties"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text() -> str:
    """The schema as it stands in docs/schema/."""
    return json.dumps(plan_schema(), indent=2, ensure_ascii=False) + "\n"


def _tidy(node: object) -> None:
    """TOML has no null: a key that may be left out is simply not required."""
    if isinstance(node, list):
        for item in node:
            _tidy(item)
    if not isinstance(node, dict):
        return
    if {"type": "null"} in node.get("anyOf", ()):
        rest = [shape for shape in node.pop("anyOf") if shape != {"type": "null"}]
        node.update(rest[0])
    if node.get("default", "") is None or isinstance(node.get("default"), dict):
        del node["default"]
    for inner in node.values():
        _tidy(inner)


if __name__ == "__main__":
    sys.stdout.write(schema_text())
