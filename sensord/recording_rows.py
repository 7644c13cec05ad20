"""The rows of a run file that can be trusted, from whatever is left of the file.

Every row is checked against its checksum. What SQLite cannot read is stepped over and noted, so a damaged page costs
what was on it. Nothing here raises because of damage, but for `read_meta`, without which nothing is usable.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sensord.errors import Problem
from sensord.model import Input, Json, Packet
from sensord.recording_format import (
    SOURCE_COPY,
    checksum,
    mark_bytes,
    mark_from_row,
    meta_bytes,
    packet_bytes,
    source_bytes,
)

BATCH = 512
"""Design choice: rows fetched at once; bounds memory at about a hundred kilobytes."""

END = 1 << 62
"""Beyond every sequence number."""

UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""How SQLite says that a page is damaged; Python's part of it stumbles over damaged names of columns, too."""

Row = tuple[Any, ...]
Checked = tuple[int, Input, bytes]
"""A row whose checksum fits: its number, what it says, and the bytes that the content hash takes."""


def read_meta(db: sqlite3.Connection, file: str) -> tuple[dict[str, Json], list[Problem]]:
    """The meta rows whose checksum fits, and what is wrong with the others. UNREADABLE when the table is lost."""
    values: dict[str, Json] = {}
    problems: list[Problem] = []
    for row in db.execute("SELECT key, value, crc32 FROM meta").fetchall():
        key, text = as_text(row[0]), as_text(row[1])
        if key is None or text is None or row[2] != checksum(meta_bytes(key, text)):
            problems.append(
                Problem(file, f"meta {key or ''}".strip(), "a value that does not fit its checksum", "it as written")
            )
            continue
        values[key] = json.loads(text)
    return values, problems


def source_names(db: sqlite3.Connection) -> dict[int, tuple[str, str]]:
    """Which (pod, characteristic) each source number stands for: from the table, or the copy that meta holds of it.

    Two places, since every packet of a pod hangs on one such row.
    """
    copies, _ = read_meta(db, "")
    names: dict[int, tuple[str, str]] = {}
    for key, value in copies.items():
        if key.startswith(SOURCE_COPY):
            pod, characteristic = value
            names[int(key.removeprefix(SOURCE_COPY))] = (pod, characteristic)
    with contextlib.suppress(*UNREADABLE):  # then the copies must do; a packet without a name is told
        for number, *name, crc in db.execute("SELECT id, pod, characteristic, crc32 FROM source").fetchall():
            pod, characteristic = map(as_text, name)
            if pod is None or characteristic is None or not isinstance(number, int):
                continue
            if crc == checksum(source_bytes(number, pod, characteristic)):
                names[number] = (pod, characteristic)
    return names


def as_text(value: object) -> str | None:
    """Text of a column, whatever the connection makes of it; None when it is none."""
    if isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


@dataclass(slots=True)
class Findings:
    """What is wrong with the rows, gathered while reading them."""

    file: str
    bad: dict[str, set[int]] = field(default_factory=dict)
    unreadable: dict[str, list[int]] = field(default_factory=dict)
    gaps: list[tuple[int, int]] = field(default_factory=list)

    def problems(self, last_seq: int) -> list[Problem]:
        """One line for each kind of damage, with its extent; `last_seq` is the newest number there should be."""
        out = []
        for table, seqs in self.unreadable.items():
            found = f"{len(seqs)} places SQLite cannot read (first: after number {seqs[0]})"
            out.append(Problem(self.file, table, found, "pages as written; what can be read was read"))
        for table, numbers in self.bad.items():
            found = f"{len(numbers)} rows that do not fit their checksum (first: number {min(numbers)})"
            out.append(Problem(self.file, table, found, "rows as written; these were left out"))
        bad = sorted({number for numbers in self.bad.values() for number in numbers})
        inside = sum(bisect_right(bad, last) - bisect_left(bad, first) for first, last in self.gaps)
        missing = sum(last - first + 1 for first, last in self.gaps) - inside
        if missing > 0:
            found = f"{missing} inputs missing, from number {self._first_missing(set(bad))} on"
            out.append(Problem(self.file, "sequence", found, f"every number from 1 to {last_seq}"))
        return out

    def _first_missing(self, bad: set[int]) -> int:
        for first, last in self.gaps:
            number = first
            while number in bad:
                number += 1
            if number <= last:
                return number
        return 0


def checked_rows(db: sqlite3.Connection, findings: Findings, last_seq: int) -> Iterator[Checked]:
    """Packets, ticks and marks in the order of their common counter."""
    names = source_names(db)
    packets = "SELECT seq, source, t_ns, payload, crc32 FROM packet"
    marks = "SELECT seq, t_ns, kind, data, crc32 FROM mark"
    return heapq.merge(
        _table(db, packets, findings, "packet", lambda row: _packet(row, names), last_seq),
        _table(db, marks, findings, "mark", _mark, last_seq),
        key=lambda checked: checked[0],
    )


def _packet(row: Row, names: dict[int, tuple[str, str]]) -> Checked | None:
    seq, source, t_ns, data, crc = row
    name = names.get(source) if isinstance(source, int) else None
    if name is None or not (isinstance(seq, int) and isinstance(t_ns, int) and isinstance(data, bytes)):
        return None
    content = packet_bytes(seq, name[0], t_ns, name[1], data)
    return (seq, Packet(name[0], t_ns, name[1], data), content) if crc == checksum(content) else None


def _mark(row: Row) -> Checked | None:
    seq, t_ns, kind, data, crc = row[0], row[1], as_text(row[2]), as_text(row[3]), row[4]
    if kind is None or data is None or not (isinstance(seq, int) and isinstance(t_ns, int)):
        return None
    content = mark_bytes(seq, t_ns, kind, data)
    if crc != checksum(content):
        return None
    try:
        return seq, mark_from_row(t_ns, kind, data), content
    except (KeyError, TypeError, ValueError):
        return None  # written by something that is not us


def _table(
    db: sqlite3.Connection,
    select: str,
    findings: Findings,
    table: str,
    check: Callable[[Row], Checked | None],
    last_seq: int,
) -> Iterator[Checked]:
    """The rows of one table that are what was written, by rising number; steps over what SQLite cannot read.

    Only a row that fits its checksum moves the position: the number of a damaged row may be damaged itself.
    """
    after = 0
    while True:
        rows, broken = _batch(db, select, after)
        start = after
        for row in rows:
            checked = check(row)
            if checked is None:
                findings.bad.setdefault(table, set()).add(row[0] if isinstance(row[0], int) else 0)
            elif checked[0] > last_seq:
                return
            elif checked[0] > after:
                after = checked[0]
                yield checked
        if not broken and len(rows) < BATCH:
            return
        if broken:
            findings.unreadable.setdefault(table, []).append(after)
            after = _next_readable(db, select, after)
            if after == END:
                return
        elif after == start:  # nothing good in a whole batch: on to its middle, as its end may be a damaged number
            numbers = sorted(row[0] for row in rows if isinstance(row[0], int))
            after = max(after + 1, numbers[len(numbers) // 2] if numbers else 0)


def _batch(db: sqlite3.Connection, select: str, after: int) -> tuple[list[Row], bool]:
    """Up to BATCH rows, and whether SQLite gave up among them. No upper bound: a damaged number would end it early."""
    rows: list[Row] = []
    try:
        rows.extend(db.execute(f"{select} WHERE seq > ? ORDER BY seq LIMIT ?", (after, BATCH)))
    except UNREADABLE:
        return rows, True
    return rows, False


def _next_readable(db: sqlite3.Connection, select: str, after: int) -> int:
    """The position past `after` from which reading works again: leaps that double, then halving back. END: none."""

    def works(position: int) -> bool:
        try:
            db.execute(f"{select} WHERE seq > ? ORDER BY seq LIMIT 1", (position,)).fetchone()
        except UNREADABLE:
            return False
        return True

    low, leap = after, 1
    while not works(after + leap):
        low, leap = after + leap, leap * 2
        if after + leap >= END:
            return END
    high = after + leap
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high
