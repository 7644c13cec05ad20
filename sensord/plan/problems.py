"""From what pydantic refuses to what a therapist reads: line, key, what was found, what is allowed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from sensord.errors import Problem
from sensord.plan.lines import Place, line_numbers

NOT_KEPT: Mapping[str, Mapping[str, str]] = {
    f"alerts.{level}": {"topic": "no topic: those of MQTT are fixed (docs/mqtt.md)"}
    for level in ("info", "warn", "stop", "urgent")
}
"""Keys of the whole `rtr-plan/1` that sensord does not act on, and what to do instead. They are refused, not ignored:
what stands in the file and is not kept would be worse than nothing."""


TAGS = ("mode", "kind")
"""Keys that choose one of several shapes of a section."""

Models = Sequence[type[BaseModel]]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a plan as a whole. `found` None: what stands at that place in the file."""

    place: Place
    expected: str
    found: str | None = None


def problems_of(error: ValidationError, text: str, file: str, model: type[BaseModel]) -> list[Problem]:
    """Every problem pydantic found, in the order of the file."""
    lines = line_numbers(text)
    found = [_problem(dict(e), lines, file, model) for e in error.errors(include_url=False)]
    return [problem for _, problem in sorted(found, key=lambda pair: pair[0])]


def placed(remarks: Iterable[Remark], values: Mapping[str, Any], text: str, file: str) -> list[Problem]:
    """Remarks with their lines, in the order of the file. `values`: what the text holds."""
    lines = line_numbers(text)
    found = []
    for remark in remarks:
        line, where = _where(remark.place, lines)
        found.append((line or 0, Problem(file, where, remark.found or _at(remark.place, values), remark.expected)))
    return [problem for _, problem in sorted(found, key=lambda pair: pair[0])]


def _at(place: Place, values: Any) -> str:  # noqa: ANN401 - any TOML value
    for part in place:
        inside = values if isinstance(values, Mapping) else dict(enumerate(values if isinstance(values, list) else ()))
        values = inside.get(part)
    return "nothing" if values is None else _show(values)


def _problem(
    error: Mapping[str, Any], lines: Mapping[Place, int], file: str, model: type[BaseModel]
) -> tuple[int, Problem]:
    context = error.get("ctx", {})
    place, around = _in_file(error["loc"], model)
    found, expected = _found_expected(error, place, around)
    line, where = _where((*place, *(context["key"].split(".") if "key" in context else ())), lines)
    return line or 0, Problem(file, where, found, expected)


def _where(place: Place, lines: Mapping[Place, int]) -> tuple[int | None, str]:
    for left_out in range(1, len(place) - 1):  # a key that stands in the stage itself, not in a block of it
        short = (*place[:left_out], *place[left_out + 1 :])
        if place[: left_out + 1] not in lines and short in lines:
            place = short
            break
    line = _line(place, lines)
    return line, f"line {line}, {_path(place)}" if line else _path(place)


def _found_expected(error: Mapping[str, Any], place: Place, around: Models) -> tuple[str, str]:
    context, given = error.get("ctx", {}), error["input"]
    match error["type"]:
        case "missing":
            answer = "nothing", "this key"
        case "extra_forbidden":
            answer = _unknown(place, around)
        case "quantity" | "plan":
            answer = _refused(context, given)
        case "literal_error":
            allowed = context["expected"].replace("'", '"').replace(" or ", ", ").replace("True", "true")
            answer = _show(given), f"one of: {allowed}"
        case "union_tag_invalid" | "union_tag_not_found":
            tag = context["discriminator"].strip("'")
            answer = (
                f"{tag} {_show(given[tag]) if tag in given else 'missing'}",
                f"{tag} = " + " or ".join(_show(word) for shape in _shapes(place, around) for word in _tags(shape)),
            )
        case "model_type" | "model_attributes_type" | "dict_type":
            answer = _show(given), "a table with keys"
        case "string_pattern_mismatch":
            answer = _show(given), _field(place, around).description or "text of another form"
        case "list_type":
            of_tables = bool(_shapes(place, around))
            answer = _show(given), f"a list of tables: [[{_path(place)}]]" if of_tables else "a list: [...]"
        case _:
            answer = _show(given), _expected(error)
    return answer


def _expected(error: Mapping[str, Any]) -> str:
    """A rule of pydantic's own, in its words where they say it."""
    context = error.get("ctx", {})
    for key, words in (("min_length", "at least"), ("max_length", "at most")):
        if key in context:
            return f"a length of {words} {context[key]}"
    return str(error["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")


def _refused(context: Mapping[str, Any], given: object) -> tuple[str, str]:
    """What a rule of ours refused: in the words of the file where it stands there, else in ours (a default)."""
    found, expected = context["found"], context["expected"]
    if "key" in context:
        written = _written(given, context["key"])
        found = found if written is None else _show(written)
    if "other" in context:
        expected += f" ({_show(_written(given, context['other']))})"
    return found or _show(given), expected


def _written(given: object, path: str) -> object:
    for key in path.split("."):
        given = given.get(key) if isinstance(given, Mapping) else None
    return given


def _unknown(place: Place, around: Models) -> tuple[str, str]:
    key = str(place[-1])
    section = ".".join(part for part in place[:-1] if isinstance(part, str))
    known = list(_keys(around))
    if instead := NOT_KEPT.get(section, {}).get(key):
        return f"{key}, a key of rtr-plan/1 that is not acted on", instead
    close = difflib.get_close_matches(key, known, n=1)
    return f"unknown key {key}", f"{close[0]}, perhaps?" if close else "one of: " + ", ".join(known)


def known_keys(model: type[BaseModel], names: Sequence[str]) -> list[str]:
    """The keys allowed under `names` as they stand in a file; all of them when several shapes are allowed there."""
    models: Models = [model]
    for name in names:
        models = _below(models, name)
    return list(_keys(models))


def _keys(models: Models) -> dict[str, FieldInfo]:
    return {field.alias or name: field for model in models for name, field in model.model_fields.items()}


def _below(models: Models, key: str) -> Models:
    """The sections that may stand under a key."""
    fields = [field for model in models for name, field in model.model_fields.items() if key == (field.alias or name)]
    return [model for field in fields for model in _models_in(field.annotation)]


def _field(place: Place, around: Models) -> FieldInfo:
    """What is said about the key at a place, or about the list in which the place is."""
    return _keys(around)[[part for part in place if isinstance(part, str)][-1]]


def _shapes(place: Place, around: Models) -> Models:
    return _models_in(_field(place, around).annotation)


def _models_in(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - any annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for inner in get_args(annotation) for m in _models_in(inner)]


def _in_file(loc: Sequence[str | int], model: type[BaseModel]) -> tuple[Place, Models]:
    """The place as it stands in the file, and the sections that hold its last key. Pydantic adds the chosen shape of a
    union to a place ("fixed" of a baseline, "walk" of a readiness item), which is no key."""
    place: Place = ()
    models: Models = [model]
    around = models
    for part in loc:
        chosen = [shape for shape in models if part in _tags(shape)] if len(models) > 1 else []
        if chosen:
            models = chosen
            continue
        place = (*place, part)
        if isinstance(part, str):
            around, models = models, _below(models, part)
    return place, around


def _tags(model: type[BaseModel]) -> tuple[str, ...]:
    """What chooses this shape among others."""
    fields = [model.model_fields[name] for name in TAGS if name in model.model_fields]
    return tuple(word for field in fields for word in get_args(field.annotation))


def _line(place: Place, lines: Mapping[Place, int]) -> int | None:
    for length in range(len(place), 0, -1):
        if place[:length] in lines:
            return lines[place[:length]]
        below = [line for known, line in lines.items() if known[:length] == place[:length]]
        if below:
            return min(below)
    return None


def _path(place: Place) -> str:
    return ".".join(f"#{part + 1}" if isinstance(part, int) else part for part in place)


def _show(value: object) -> str:
    """A value as it would stand in the file, cut when it is long."""
    try:
        shown = json.dumps(value, ensure_ascii=False, default=str)
    except ValueError:  # hexadecimal, which Python reads but does not write
        return "a number of thousands of digits"
    return shown if len(shown) <= 60 else shown[:57] + "..."
