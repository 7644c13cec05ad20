"""Conditions of a plan: `field op value`, as in "pain.next_morning >= 1"; no answer satisfies nothing but `missing`.

    condition := field op value
    op        := == | != | >= | <= | > | <
    value     := number | number unit | true | false | 'text' | missing

Ordered scales (effusion: zero < trace < 1+ < 2+ < 3+) are compared by place; words without an order, yes/no and text
only with == and !=. What has a unit is written with it ("run_time >= 20min"). Every field that may stand in a condition
is in `FIELDS`, with its kind, and whether people answer it or sensord measures it.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sensord.plan.fields import ALIASES, FIELDS, Answer, Field, field_of, known_names

__all__ = [
    "ALIASES",
    "FIELDS",
    "MAX_CHARACTERS",
    "Answer",
    "Condition",
    "ConditionError",
    "Field",
    "Op",
    "field_of",
    "parse_condition",
]

MAX_CHARACTERS = 200
"""Of one text (design choice)."""


class Op(StrEnum):
    """How a field is compared."""

    EQ = "=="
    NE = "!="
    GE = ">="
    LE = "<="
    GT = ">"
    LT = "<"


_COMPARE: Mapping[Op, Callable[[Any, Any], bool]] = {
    Op.EQ: operator.eq,
    Op.NE: operator.ne,
    Op.GE: operator.ge,
    Op.LE: operator.le,
    Op.GT: operator.gt,
    Op.LT: operator.lt,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """`value` None: compared with `missing`. A value of a field with units is in the field's own unit (s, m, m/s)."""

    field: str
    op: Op
    value: Answer | None

    def holds(self, known: Mapping[str, Answer]) -> bool:
        """Whether it is true of what is known; a field that is not there satisfies only a comparison with `missing`. An
        answer that the field cannot have (another kind, off its scale) is no answer."""
        field = field_of(self.field)
        answer = _answer(field, known) if field else None
        if self.value is None:
            return (answer is None) is (self.op is Op.EQ)
        if field is None or answer is None:
            return False
        if field.ordered:
            return _COMPARE[self.op](field.scale.index(str(answer)), field.scale.index(str(self.value)))
        return _COMPARE[self.op](answer, self.value)

    @property
    def text(self) -> str:
        """As it is written in a plan; parse_condition(c.text) == c."""
        return f"{self.field} {self.op} {_text(field_of(self.field), self.value)}"


class ConditionError(ValueError):
    """A text that is no condition."""

    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"found {found}, expected {expected}")


def _answer(field: Field, known: Mapping[str, Answer]) -> Answer | None:
    names = (field.name, *(alias for alias, name in ALIASES.items() if name == field.name))
    return next((known[name] for name in names if name in known and field.allows(known[name])), None)


_NUMBER = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?")
_QUANTITY = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?([a-z/]+)")
_QUOTED = re.compile(r"""'([^'\n]{1,100})'|"([^"\n]{1,100})\"""")
_SPLIT = re.compile(r"\s*([^\s=!<>]*)\s*([=!<>]+)?\s*(.*?)\s*", re.DOTALL)


def parse_condition(text: str) -> Condition:
    """Raises ConditionError: no condition, an unknown field, a value that field cannot have."""
    if len(text) > MAX_CHARACTERS:
        raise ConditionError(f"{len(text)} characters", f"at most {MAX_CHARACTERS}")
    match = _SPLIT.fullmatch(text)
    assert match is not None  # every part of it may be empty
    name, sign, written = match.groups()
    field = _field(name)
    if sign not in set(Op):
        raise ConditionError(_found(sign or written), "one of " + " ".join(Op))
    op = Op(sign)
    value = None if written == "missing" else _value(field, written)
    _check_op(field, op, value)
    return Condition(field.name, op, value)


def _field(name: str) -> Field:
    field = field_of(name)
    if field is None:
        names = [*known_names()]
        below = [known for known in names if known.startswith(f"{name}.")]
        close = [] if below else difflib.get_close_matches(name, names, n=1)
        listed = "one of " + ", ".join(below or names)
        found = f"unknown field {_shown(name)}" if name else "nothing"
        raise ConditionError(found, f"{close[0]}, perhaps?" if close else listed)
    return field


def _found(text: str) -> str:
    return f'"{_shown(text)}"' if text else "nothing"


def _shown(text: str) -> str:
    """Fit for one line."""
    return text if text.isprintable() else ascii(text)[1:-1]


def _value(field: Field, written: str) -> Answer:
    if field.kind is bool:
        if written in {"true", "false"}:
            return written == "true"
    elif field.kind is str:
        match = _QUOTED.fullmatch(written)
        word = match[1] or match[2] if match else None
        if word and field.allows(word):
            return word
    elif field.units:
        match = _QUANTITY.fullmatch(written)
        if match and match[2] in field.units:
            return float(match[1]) * field.units[match[2]]
    elif _NUMBER.fullmatch(written) and field.within(float(written)):
        return float(written)
    raise ConditionError(f"{field.name} {_found(written)}", f"{field.answers}, or missing")


def _check_op(field: Field, op: Op, value: Answer | None) -> None:
    """Only what has an order can be more or less, and a condition must be able to be true."""
    if op in {Op.EQ, Op.NE}:
        return
    if value is None:
        raise ConditionError(f"{op} missing", "== missing or != missing")
    if field.kind is not float and not field.ordered:
        raise ConditionError(f"{field.name} {op}", f"== or !=, for {field.name} has no order")
    ends = (field.scale[0], field.scale[-1]) if field.ordered else (field.low, field.high)
    if (op is Op.LT and value == ends[0]) or (op is Op.GT and value == ends[1]):
        raise ConditionError(f"{field.name} {op} {_text(field, value)}", f"what can be true: it is {field.answers}")


def _text(field: Field | None, value: Answer | None) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"' if "'" in value else f"'{value}'"
    if field is not None and field.units:
        return _with_unit(value, field.units)
    return _decimal(value)


def _with_unit(value: float, units: Mapping[str, float]) -> str:
    """In the unit in which the number is shortest, of those that give back just this value."""
    written = ((f"{value / factor:.9f}".rstrip("0").rstrip("."), unit) for unit, factor in units.items())
    exact = [(number, unit) for number, unit in written if float(number) * units[unit] == value]
    number, unit = min(exact, key=lambda pair: len(pair[0]))
    return number + unit


def _decimal(value: float) -> str:
    text = format(Decimal(repr(float(value))), "f")
    return text.removesuffix(".0")
