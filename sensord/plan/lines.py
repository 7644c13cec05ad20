"""On which line of a TOML text a key stands, so that a therapist finds what an error means.

The standard parser keeps no positions. It is asked again, statement by statement: lines are joined until they parse on
their own, which is where a statement ends (a header, or a key with its whole value, however many lines that takes).
Nothing here knows TOML's grammar but one fact: a line that opens with "[" outside a value is a header.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

Place = tuple[str | int, ...]
"""Keys and list indices from the top of the file, as pydantic names places."""


def line_numbers(text: str) -> dict[Place, int]:
    """First line (from 1) of every key and table of a TOML text that parses as a whole. Inside a value that takes
    several lines every key has the line where the value begins."""
    found: dict[Place, int] = {}
    tables: dict[Place, int] = {}  # [[name]] headers seen so far
    header: Place = ()
    chunk, begin = "", 1
    for number, line in enumerate(text.splitlines(), start=1):
        if not chunk:
            begin = number
        chunk += line + "\n"
        try:
            parsed = tomllib.loads(chunk)
        except tomllib.TOMLDecodeError:
            continue  # the statement goes on
        if parsed and chunk.lstrip().startswith("["):
            header = _header(parsed, tables)
            found.setdefault(header, begin)
        elif parsed:
            _note(parsed, header, begin, found)
        chunk = ""
    return found


def _header(parsed: Mapping[str, Any], tables: dict[Place, int]) -> Place:
    """Where [a.b] or [[a.b]] puts the keys that follow, with the index of each list of tables on the way."""
    place: Place = ()
    node: Any = parsed
    while node:
        key, node = next(iter(node.items()))
        place = (*place, key)
        if isinstance(node, list):  # [[...]]: one more of these
            tables[place] = tables.get(place, -1) + 1
            node = node[0]
        if place in tables:
            place = (*place, tables[place])
    return place


def _note(value: Any, place: Place, line: int, found: dict[Place, int]) -> None:  # noqa: ANN401 - any TOML value
    if place:
        found.setdefault(place, line)
    items: Any = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        _note(inner, (*place, key), line, found)
