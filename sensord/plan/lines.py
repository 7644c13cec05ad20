"""On which line of a TOML text a key stands, so that a therapist finds what an error means.

No TOML library for Python tells positions of values: the standard one, tomli, tomlrt and tomlkit keep none (tomlkit's
issue 55 has asked for them since 2019), and tomlkit-extras, which adds them, has stood still since early 2025. So the
text is read twice: `tomllib` says whether it is TOML and what it holds, and tree-sitter with its TOML grammar, which
editors use, says where everything stands. Both ship wheels for aarch64.
"""

from __future__ import annotations

import tomllib

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

Place = tuple[str | int, ...]
"""Keys and list indices from the top of the file, as pydantic names places."""

_TOML = Language(tree_sitter_toml.language())


def line_numbers(text: str) -> dict[Place, int]:
    """Line (from 1) of every key, table and list item of a TOML text that parses as a whole: the line on which the key
    itself stands, also inside values that take several lines."""
    found: dict[Place, int] = {}
    tables: dict[Place, int] = {}  # [[name]] headers seen so far
    for node in Parser(_TOML).parse(text.encode()).root_node.named_children:
        if node.type == "pair":
            _pair(node, (), found)
        elif node.type in ("table", "table_array_element"):
            header, *pairs = [inner for inner in node.named_children if inner.type != "comment"]
            place = _header(_keys(header), tables, one_more=node.type == "table_array_element")
            found.setdefault(place, _line(header))
            for pair in pairs:
                _pair(pair, place, found)
    return found


def _header(keys: list[str], tables: dict[Place, int], *, one_more: bool) -> Place:
    """Where [a.b] or [[a.b]] puts the keys that follow, with the index of each list of tables on the way."""
    if one_more:
        *above, last = keys
        named = (*_header(above, tables, one_more=False), last)
        tables[named] = tables.get(named, -1) + 1
    place: Place = ()
    for key in keys:
        place = (*place, key)
        if place in tables:
            place = (*place, tables[place])
    return place


def _pair(node: Node, place: Place, found: dict[Place, int]) -> None:
    """`key = value`, or `a.b = value`, which makes tables on the way."""
    inside = [inner for inner in node.named_children if inner.type != "comment"]
    if node.type != "pair" or len(inside) != 2:
        return  # TOML that this grammar does not know yet: its keys have the line of what is around them
    key, value = inside
    for name in _keys(key):
        place = (*place, name)
        found.setdefault(place, _line(key))
    _value(value, place, found)


def _value(node: Node, place: Place, found: dict[Place, int]) -> None:
    inside = [inner for inner in node.named_children if inner.type != "comment"]
    if node.type == "inline_table":
        for pair in inside:
            _pair(pair, place, found)
    elif node.type == "array":
        for index, item in enumerate(inside):
            found[*place, index] = _line(item)
            _value(item, (*place, index), found)


def _keys(node: Node) -> list[str]:
    """The names of a key, which may be dotted and quoted."""
    if node.type == "dotted_key":
        return [name for inner in node.named_children for name in _keys(inner)]
    text = (node.text or b"").decode()
    return list(tomllib.loads(f"{text} = 0")) if node.type == "quoted_key" else [text]


def _line(node: Node) -> int:
    return node.start_point.row + 1
