"""Rows of the result as words: the cells of the table on a terminal and in documents, from the JSON values alone."""

from __future__ import annotations

from collections.abc import Mapping

from sensord.model import Json

HEADS = ("what", "on", "kind", "runners", "n", "bias", "SD", "limits (95 %)", "score", "best constant", "to reach", "")
NONE = "–"


def cells(row: Mapping[str, Json]) -> list[str]:
    """The cells of one row, in the order of `HEADS`."""
    unit = row["unit"]
    low_high = row["limits"]
    limits = NONE if low_high is None else " to ".join(_number(value, sign=True) for value in low_high)
    score = NONE if row["score"] is None else f"{row['score_name']} {_with_unit(row['score'], unit)}"
    return [
        row["what"],
        row["data"],
        row["kind"],
        str(row["runners"]),
        str(row["n"]),
        _with_unit(row["bias"], unit, sign=True),
        _with_unit(row["sd"], unit),
        limits,
        score,
        _with_unit(row["constant"], unit),
        row["target"] or NONE,
        said(row),
    ]


def said(row: Mapping[str, Json]) -> str:
    """The verdict with its reason and what a reader must know."""
    parts = [row["verdict"], row["reason"], row["note"]]
    return ": ".join(part for part in (parts[0], "; ".join(p for p in parts[1:] if p)) if part)


def _with_unit(value: float | None, unit: str, *, sign: bool = False) -> str:
    return NONE if value is None else f"{_number(value, sign=sign)}{_unit(unit)}"


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""


def _number(value: float, *, sign: bool = False) -> str:
    """Three figures that matter, never a minus before zero."""
    size = abs(value)
    digits = 0 if size >= 1000 else 1 if size >= 10 else 2 if size >= 1 or size == 0 else 3
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else f"{0:.{digits}f}"
