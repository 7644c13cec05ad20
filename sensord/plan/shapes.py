"""JSON values back into dataclasses, strictly: each value of its declared type, no key that the dataclass has not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache
from math import isfinite
from typing import Any, get_args, get_type_hints

from sensord.model import Json
from sensord.plan.fields import Answer

Convert = Callable[[Any], Any]


def checked(
    made: type, values: Mapping[str, Json], what: str, *, without: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The values of a dataclass from JSON, each of its declared type; missing ones are left to their defaults.

    `without`: fields that are not among the values. Raises ValueError with the key and what was found and expected;
    keys that the dataclass does not have are refused.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{what}: found {_found(values)}, expected a table")  # noqa: TRY004 (a payload, not a caller)
    known = _shape(made, without)
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ValueError(f"{what}: unknown key {unknown[0]!r}, expected some of: {', '.join(known)}")
    result = {}
    for name, (convert, needed) in known.items():
        if name in values:
            try:
                result[name] = convert(values[name])
            except ValueError as error:
                raise ValueError(f"{what}.{name}: found {_found(values[name])}, expected {error}") from None
        elif needed:
            raise ValueError(f"{what}: no key {name!r}")
    return result


@cache
def _shape(made: type, without: frozenset[str]) -> Mapping[str, tuple[Convert, bool]]:
    hints = get_type_hints(made)
    return {
        f.name: (_converter(hints[f.name]), f.default is MISSING and f.default_factory is MISSING)
        for f in fields(made)
        if f.name not in without
    }


def _converter(hint: Any) -> Convert:  # noqa: ANN401 - any annotation
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _word(hint)
    if is_dataclass(hint):
        inner_type: Any = hint
        return lambda value: inner_type(**checked(inner_type, value, inner_type.__name__))
    args = get_args(hint)
    if type(None) in args:
        inner = _converter(args[0] if len(args) == 2 else args[0] | args[1])
        return lambda value: None if value is None else inner(value)
    if args[0] is str and args[-1] is not Ellipsis and len(args) == 2:
        return _table(_converter(args[1]))
    return _list(_converter(args[0]))


def _plain(kind: type, words: str) -> Convert:
    def convert(value: object) -> object:
        if type(value) is not kind:
            raise ValueError(words)
        return value

    return convert


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError("a number")
    return float(value)


def _number_or_word(value: object) -> float | str:
    return value if isinstance(value, str) else _number(value)


def _answer(value: object) -> Answer:
    return value if isinstance(value, str | bool) else _number(value)


def _word(kind: type[StrEnum]) -> Convert:
    def convert(value: object) -> StrEnum:
        if not isinstance(value, str) or value not in set(kind):
            raise ValueError("one of: " + ", ".join(kind))
        return kind(value)

    return convert


def _table(inner: Convert) -> Convert:
    def convert(value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise ValueError("a table")
        return {name: inner(one) for name, one in value.items()}

    return convert


def _list(inner: Convert) -> Convert:
    def convert(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise ValueError("a list")  # noqa: TRY004 (a payload, not a caller)
        return tuple(inner(one) for one in value)

    return convert


def _found(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


_PLAIN: Mapping[Any, Convert] = {
    str: _plain(str, "text"),
    bool: _plain(bool, "true or false"),
    int: _plain(int, "a whole number"),
    float: _number,
    Answer: _answer,
    float | str: _number_or_word,
}
