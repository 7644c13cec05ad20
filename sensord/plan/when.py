"""Conditions of a plan: `field op value`, as in "pain.next_morning >= 1"; no answer satisfies nothing but `missing`.

    condition := field op value
    op        := == | != | >= | <= | > | <
    value     := number | true | false | 'text' | missing

Ordered scales (effusion: zero < trace < 1+ < 2+ < 3+) are compared by place. Every field that may stand in a condition is
in `FIELDS`, with its kind, and whether people answer it or sensord measures it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Answer = float | bool | str
"""What a field can be once it is known: a number, yes or no, or a word of its scale."""


class Op(StrEnum):
    """How a field is compared."""

    EQ = "=="
    NE = "!="
    GE = ">="
    LE = "<="
    GT = ">"
    LT = "<"


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that may be asked or measured. `scale`: its words, lowest first; empty for numbers and yes/no."""

    name: str
    kind: type[float] | type[bool] | type[str]
    asked: bool
    scale: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    question: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """`value` None: compared with `missing`."""

    field: str
    op: Op
    value: Answer | None

    def holds(self, known: Mapping[str, Answer]) -> bool:
        """Whether it is true of what is known; a field that is not there satisfies only a comparison with `missing`."""
        raise NotImplementedError(self, known)

    @property
    def text(self) -> str:
        """As it is written in a plan."""
        raise NotImplementedError(self)


FIELDS: Mapping[str, Field] = {}
"""By name."""


def parse_condition(text: str) -> Condition:
    """Raises ConditionError: no condition, an unknown field, a value that field cannot have."""
    raise NotImplementedError(text)


class ConditionError(ValueError):
    """A text that is no condition."""

    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"found {found}, expected {expected}")
