"""From what pydantic refuses to what a therapist reads: line, key, what was found, what is allowed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from sensord.errors import Problem
from sensord.plan.lines import Place, line_numbers

NOT_YET: Mapping[str, set[str]] = {
    "impact": {"target_pct", "info_pct", "alert", "from_stage"},
    "impact.baseline": {"stage", "min_steps", "by"},
    "asymmetry": {"impact"},
    "asymmetry.contact_time": {"info", "target", "alert", "from_stage"},
    "asymmetry.contact_time.baseline": {"stage", "min_steps", "by"},
}
"""Keys of the whole `rtr-plan/1` that this version does not act on. They are refused, not ignored: a limit that stands
in the file and is not kept would be worse than none."""

LATER_VALUES: Mapping[str, set[str]] = {
    "impact.mount": {"tibia"},
}
"""Values of the whole `rtr-plan/1` that this version does not act on."""


MODES = ("fixed", "sessions", "runs")
"""Shapes of a baseline."""


def problems_of(error: ValidationError, text: str, file: str, model: type[BaseModel]) -> list[Problem]:
    """Every problem pydantic found, in the order of the file."""
    lines = line_numbers(text)
    found = [_problem(dict(e), lines, file, model) for e in error.errors(include_url=False)]
    return [problem for _, problem in sorted(found, key=lambda pair: pair[0])]


def _problem(
    error: Mapping[str, Any], lines: Mapping[Place, int], file: str, model: type[BaseModel]
) -> tuple[int, Problem]:
    context = error.get("ctx", {})
    place: Place = (*_in_file(error["loc"], lines), *(context["key"].split(".") if "key" in context else ()))
    line = _line(place, lines)
    where = _path(place)
    return line or 0, Problem(file, f"line {line}, {where}" if line else where, *_found_expected(error, place, model))


def _found_expected(error: Mapping[str, Any], place: Place, model: type[BaseModel]) -> tuple[str, str]:
    context, given = error.get("ctx", {}), error["input"]
    match error["type"]:
        case "missing":
            answer = "nothing", "this key"
        case "extra_forbidden":
            answer = _unknown(place, model)
        case "quantity" | "plan":
            answer = _refused(context, given)
        case "literal_error":
            later = given in LATER_VALUES.get(_path(place), ())
            allowed = context["expected"].replace("'", '"').replace(" or ", ", ").replace("True", "true")
            answer = _show(given) + (", which is not supported yet" if later else ""), f"one of: {allowed}"
        case "union_tag_invalid" | "union_tag_not_found":
            tag = context["discriminator"].strip("'")
            answer = (
                f"{tag} {_show(given[tag]) if tag in given else 'missing'}",
                f"{tag} = " + " or ".join(_show(shape) for shape in _shapes(place, model)),
            )
        case "model_type" | "model_attributes_type" | "dict_type":
            answer = _show(given), "a table with keys"
        case "string_pattern_mismatch":
            answer = _show(given), _described(place, model)
        case "list_type":
            answer = _show(given), f"a list of tables: [[{_path(place)}]]"
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


def _unknown(place: Place, model: type[BaseModel]) -> tuple[str, str]:
    key = str(place[-1])
    names = [p for p in place[:-1] if isinstance(p, str)]
    known = [name for name in known_keys(model, names) if name != key]  # another mode may have it
    if key in NOT_YET.get(".".join(names), ()):
        return f"{key}, a key of rtr-plan/1 that is not supported yet", "one of: " + ", ".join(known)
    close = difflib.get_close_matches(key, known, n=1)
    return f"unknown key {key}", f"{close[0]}, perhaps?" if close else "one of: " + ", ".join(known)


def known_keys(model: type[BaseModel], names: Sequence[str]) -> list[str]:
    """The keys allowed under `names` as they stand in a file; all of them when several shapes are allowed there."""
    return list(_fields(model, names))


def _fields(model: type[BaseModel], names: Sequence[str]) -> dict[str, FieldInfo]:
    models = [model]
    for name in names:
        fields = [f for m in models for k, f in m.model_fields.items() if (f.alias or k) == name]
        models = [m for f in fields for m in _models_in(f.annotation)]
    return {f.alias or k: f for m in models for k, f in m.model_fields.items()}


def _described(place: Place, model: type[BaseModel]) -> str:
    *names, key = (part for part in place if isinstance(part, str))
    return _fields(model, names)[key].description or "text of another form"


def _shapes(place: Place, model: type[BaseModel]) -> list[str]:
    """The values of `mode` that are allowed there."""
    *names, key = (part for part in place if isinstance(part, str))
    shapes = _models_in(_fields(model, names)[key].annotation)
    return [word for shape in shapes for word in get_args(shape.model_fields["mode"].annotation)]


def _models_in(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - any annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for inner in get_args(annotation) for m in _models_in(inner)]


def _in_file(loc: Sequence[str | int], lines: Mapping[Place, int]) -> Place:
    """Pydantic adds the chosen shape of a union to a place; only what stands in the file belongs to it."""
    place: Place = ()
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if index and loc[index - 1] == "baseline" and part in MODES and not last:
            continue  # the shape; `runs` is the name of a key too
        if (*place, part) in lines or last or any(known[: len(place) + 1] == (*place, part) for known in lines):
            place = (*place, part)
    return place


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
    except ValueError:
        shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
