"""Tables of numbers as apps write them: some lines of words, a header, perhaps units, then rows; commas or semicolons.

What is wrong is named with its line. Read by numpy's own reader where it can be, row by row where a line must be named.
"""

from __future__ import annotations

import csv
from codecs import getincrementaldecoder
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sensord.errors import InputError, Problem
from sensord.model import FloatArray, IntArray

HEAD_BYTES = 65_536
"""Design choice: what is looked at to tell one layout from another."""

LISTED = 5
"""Design choice: bad lines named in one error."""

SHOWN = 60
"""Design choice: characters of somebody else's line that are shown."""


@dataclass(frozen=True, slots=True)
class Head:
    """The first whole lines of a text file."""

    file: Path
    lines: tuple[str, ...]

    def cells(self, line: int, delimiter: str) -> list[str]:
        """Cells of a line (from 1), without quotes and blanks; none where there is no such line."""
        if line > len(self.lines):
            return []
        return [cell.strip().strip('"').strip() for cell in self.lines[line - 1].split(delimiter)]


@dataclass(frozen=True, slots=True)
class Table:
    """Where the numbers stand: `names` of the columns, the line of the first row (from 1)."""

    file: Path
    delimiter: str
    names: tuple[str, ...]
    first_row: int


def read_head(path: Path) -> Head:
    """The beginning of a text file. InputError: not readable, empty, binary, not UTF-8, or one endless line."""
    raw = read_start(path)
    if not raw:
        raise InputError(Problem(str(path), "", "an empty file", "a recording"))
    if b"\0" in raw:
        raise InputError(Problem(str(path), "", "binary data", "a recording as text, or a FIT file"))
    try:
        text = getincrementaldecoder("utf-8-sig")().decode(raw)
    except UnicodeDecodeError as error:
        line = 1 + raw[: error.start].count(b"\n")
        found = f"the byte 0x{raw[error.start]:02x}, which is not UTF-8"
        raise InputError(Problem(str(path), f"line {line}", found, "text in UTF-8")) from None
    whole = len(raw) < HEAD_BYTES
    lines = text.splitlines() if whole else text.splitlines()[:-1]
    if not lines:
        raise InputError(Problem(str(path), "line 1", f"more than {HEAD_BYTES} characters", "a header"))
    return Head(path, tuple(lines))


def read_start(path: Path) -> bytes:
    """The first bytes of a file. InputError: it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise InputError(Problem(str(path), "", f"no readable file ({error.strerror})", "a recording")) from None


def read_numbers(table: Table, columns: Sequence[str]) -> tuple[FloatArray, IntArray]:
    """These columns (n, c), and the line each row stood in. Empty cells are NaN.

    InputError: a missing or doubled column, no row, a row that is too short, text in a number.
    """
    file = str(table.file)
    missing = [name for name in columns if name not in table.names]
    doubled = [name for name in columns if table.names.count(name) > 1]
    if missing or doubled:
        found = f"no column {', '.join(missing)}" if missing else f"column {', '.join(doubled)} twice"
        raise InputError(Problem(file, f"line {table.first_row - 1}", found, "each of " + ", ".join(columns)))
    places = [table.names.index(name) for name in columns]
    try:
        if not any(cells for _, cells in _rows(table)):
            raise InputError(Problem(file, "", "a header and no rows", "rows of numbers"))
        rows = _fast(table, places)
        return (rows, np.arange(len(rows)) + table.first_row) if rows is not None else _slowly(table, places)
    except UnicodeDecodeError:
        raise InputError(Problem(file, "", "bytes that are not UTF-8", "text in UTF-8")) from None
    except csv.Error as error:
        raise InputError(Problem(file, "", f"no table ({error})", "rows of numbers")) from None
    except OSError as error:
        raise InputError(Problem(file, "", f"no readable file ({error.strerror})", "a recording")) from None


def first_told(column: FloatArray) -> float:
    """The first number of a column; 0 where there is none."""
    there = column[np.isfinite(column)]
    return float(there[0]) if len(there) else 0.0


def shown(text: str) -> str:
    """Somebody else's words, short enough for one line of ours."""
    plain = "".join(c if c.isprintable() else "?" for c in text.strip())
    return plain if len(plain) <= SHOWN else plain[:SHOWN] + "…"


def _fast(table: Table, places: list[int]) -> FloatArray | None:
    """The whole file at once; None when any cell is no number as this machine writes them."""
    try:
        return np.loadtxt(
            table.file, delimiter=table.delimiter, skiprows=table.first_row - 1, usecols=places, comments=None,
            encoding="utf-8-sig", ndmin=2,
        )  # fmt: skip
    except UnicodeDecodeError:
        raise
    except ValueError:
        return None


def _slowly(table: Table, places: list[int]) -> tuple[FloatArray, IntArray]:
    rows: list[list[float]] = []
    lines: list[int] = []
    problems: list[Problem] = []
    file = str(table.file)
    for line, cells in _rows(table):
        if not any(cell.strip() for cell in cells):
            continue
        values = [_number(cells[i], table.delimiter) if i < len(cells) else None for i in places]
        bad = next((i for i, value in zip(places, values, strict=True) if value is None), None)
        if bad is None:
            rows.append([value for value in values if value is not None])
            lines.append(line)
        elif bad >= len(cells):
            expected = f"at least {max(places) + 1}"
            problems.append(Problem(file, f"line {line}", f"{len(cells)} columns", expected))
        else:
            found = f"{shown(cells[bad])!r} in {table.names[bad]}"
            problems.append(Problem(file, f"line {line}", found, "a number"))
        if len(problems) >= LISTED:
            break
    if problems:
        raise InputError(problems)
    return np.array(rows, dtype=np.float64), np.array(lines, dtype=np.int64)


def _rows(table: Table) -> Iterator[tuple[int, list[str]]]:
    with table.file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, delimiter=table.delimiter)
        for cells in reader:
            if reader.line_num >= table.first_row:
                yield reader.line_num, cells


def _number(cell: str, delimiter: str) -> float | None:
    """NaN for an empty cell, None for what is no number. Between semicolons a comma may stand for the point."""
    text = cell.strip()
    if not text:
        return float("nan")
    if delimiter != "," and text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        return float(text)
    except ValueError:
        return None
