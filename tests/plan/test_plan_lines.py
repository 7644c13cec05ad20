"""Where keys stand in a TOML text: texts are written by a writer that notes the line of every key it writes."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.plan.lines import Place, line_numbers

names = st.one_of(st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True), st.text("a b.\"'é#[]=\\\n", max_size=4))
leaves = st.one_of(
    st.integers(0, 9), st.booleans(), st.text("a\n\"'#[]{}=,é\r", max_size=5), st.floats(0, 9), st.dates()
)
values = st.recursive(leaves, lambda v: st.lists(v, max_size=3) | st.dictionaries(names, v, max_size=3), max_leaves=12)
tables = st.dictionaries(names, values, max_size=4)


class Writer:
    """Writes TOML in one of many ways, and notes where."""

    def __init__(self, data: st.DataObject, newline: str) -> None:
        self.data, self.newline = data, newline
        self.text = ""
        self.lines: dict[Place, int] = {}

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def perhaps(self) -> bool:
        return self.data.draw(st.booleans())

    def key(self, name: str) -> None:
        bare = name.isascii() and name.replace("-", "a").replace("_", "a").isalnum()
        self.text += name if bare and self.perhaps() else json.dumps(name, ensure_ascii=self.perhaps())

    def breaks(self) -> None:
        """What may stand between the items of a list."""
        for _ in range(self.data.draw(st.integers(0, 2))):
            self.text += self.data.draw(st.sampled_from(["", "  ", "# a comment [x] = {"])) + self.newline

    def value(self, value: Any, place: Place) -> None:
        if isinstance(value, dict):
            self.text += "{"
            for index, (name, inner) in enumerate(value.items()):
                self.text += ", " if index else ""
                self.pair(name, inner, place)
            self.text += "}"
        elif isinstance(value, list):
            self.text += "["
            for index, inner in enumerate(value):
                self.breaks()
                self.lines[*place, index] = self.line
                self.value(inner, (*place, index))
                self.breaks()
                self.text += ","
            self.breaks()
            self.text += "]"
        elif isinstance(value, str):
            several = (
                '"""' + self.newline + value.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r") + '"""'
            )
            self.text += several if self.perhaps() else json.dumps(value)
        elif isinstance(value, bool | int | float):
            self.text += json.dumps(value)
        else:
            self.text += value.isoformat()

    def pair(self, name: str, value: Any, place: Place) -> None:
        self.lines[*place, name] = self.line
        self.key(name)
        self.text += " = "
        self.value(value, (*place, name))

    def header(self, place: Place, marks: str) -> None:
        self.breaks()
        self.lines[place] = self.line
        self.text += marks
        for index, name in enumerate(part for part in place if isinstance(part, str)):
            self.text += " . " if index else ""
            self.key(name)
        self.text += marks.replace("[", "]") + " # [not.this]" + self.newline

    def pairs(self, table: dict[str, Any], place: Place) -> None:
        for name, value in table.items():
            self.breaks()
            self.pair(name, value, place)
            self.text += self.newline


def places(node: Any, at: Place = ()) -> set[Place]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return {p for key, inner in items for p in [(*at, key), *places(inner, (*at, key))]}


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(["\n", "\r\n"]), tables, tables, st.lists(st.tuples(tables, tables), max_size=3))
def test_every_key_has_its_line(
    data: st.DataObject, newline: str, top: dict, table: dict, listed: list[tuple[dict, dict]]
) -> None:
    writer = Writer(data, newline)
    writer.pairs({name: value for name, value in top.items() if name not in ("T", "L")}, ())
    writer.header(("T", "U"), "[")
    writer.pairs(table, ("T", "U"))
    for index, (one, sub) in enumerate(listed):
        writer.header(("L", index), "[[")
        writer.pairs({name: value for name, value in one.items() if name != "S"}, ("L", index))
        writer.header(("L", index, "S"), "[")
        writer.pairs(sub, ("L", index, "S"))
    assert line_numbers(writer.text) == writer.lines
    # headers name the tables above them only in passing
    assert places(tomllib.loads(writer.text)) - {("T",), ("L",)} == set(writer.lines)


def test_dotted_keys_and_lists_of_tables_in_lists_of_tables() -> None:
    text = """\
a.b = {"c".d = 1, e = [
  2,
  {f = 3}, {g = [
    4]},
]}
[[t]]
[[t.u]]
[t.u.v.w]
x = 1
[[t.u]]
[[t]]
[[t.u]]
y = 2"""
    assert line_numbers(text) == {
        ("a",): 1, ("a", "b"): 1, ("a", "b", "c"): 1, ("a", "b", "c", "d"): 1, ("a", "b", "e"): 1,
        ("a", "b", "e", 0): 2, ("a", "b", "e", 1): 3, ("a", "b", "e", 1, "f"): 3,
        ("a", "b", "e", 2): 3, ("a", "b", "e", 2, "g"): 3, ("a", "b", "e", 2, "g", 0): 4,
        ("t", 0): 6, ("t", 0, "u", 0): 7, ("t", 0, "u", 0, "v", "w"): 8, ("t", 0, "u", 0, "v", "w", "x"): 9,
        ("t", 0, "u", 1): 10, ("t", 1): 11, ("t", 1, "u", 0): 12, ("t", 1, "u", 0, "y"): 13,
    }  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.text("a=[]{}\"'.,#\n 1", max_size=30))
def test_text_that_is_not_toml_raises_nothing(text: str) -> None:
    assert all(1 <= line <= text.count("\n") + 1 for line in line_numbers(text).values())


def test_what_newer_toml_allows_takes_the_line_of_what_is_around_it() -> None:
    assert line_numbers("a = {\n  b = 1,\n  c = 2,\n}\nd = 3\n")["a",] == 1
