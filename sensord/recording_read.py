"""Reading a run file: sealed or crashed, whole or damaged, without changing it.

`read_run` goes over every row once, checks each checksum, the sequence and the seal, and tells all that is wrong before
the first input is given out. What cannot be read is left out and told; what is given out is exactly what was written.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sensord.disk import Mode, connect
from sensord.errors import InputError, Problem
from sensord.model import Input, Json, Packet, RunSetup
from sensord.recording_format import (
    FORMAT,
    SOURCE_COPY,
    TABLES,
    Anchor,
    anchor_from_json,
    checksum,
    mark_bytes,
    mark_from_row,
    meta_bytes,
    packet_bytes,
    setup_from_json,
    source_bytes,
)

MAGIC = b"SQLite format 3\x00"
"""How every SQLite 3 file begins (SQLite's file format, section 1.3)."""

BATCH = 512
"""Design choice: rows fetched at once; bounds memory at about a hundred kilobytes."""

LONGEST_VALUE = 16 << 20
"""Design choice: no value of ours comes near 16 MiB; a length field that was flipped may claim to."""

NEEDED = ("format", "setup", "anchor")
END = 1 << 62
"""Beyond every sequence number."""

Row = tuple[Any, ...]
Checked = tuple[int, Input, bytes]
"""A row whose checksum fits: its number, what it says, and the bytes that the content hash takes."""


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run file as it was found. `inputs()` reads it again from the start, each time the same."""

    path: Path
    setup: RunSetup
    anchor: Anchor
    versions: dict[str, str]
    algorithm: str | None
    sealed: str | None
    """SHA-256 of the content as noted by the seal; None while the run was never sealed."""
    problems: tuple[Problem, ...]
    count: int
    """Inputs that can be read."""
    last_seq: int
    last_t_ns: int
    """Run time of the latest input; 0 when there is none."""

    def inputs(self) -> Iterator[Input]:
        """Every readable input in its recorded order; InputError when the file can no longer be opened."""
        for _, item in self.numbered_inputs():
            yield item

    def numbered_inputs(self) -> Iterator[tuple[int, Input]]:
        """The same with their sequence numbers."""
        with closing(_open(self.path)) as db:
            for seq, item, _ in _checked_rows(db, _Findings(str(self.path)), self.last_seq):
                yield seq, item


def read_run(path: Path) -> RecordedRun:
    """Read and check a run file. InputError when nothing is usable; `problems` when only part of it is."""
    with closing(_open(path)) as db:
        try:
            return _read(path, db)
        except sqlite3.Error as exc:
            raise InputError(Problem(str(path), "", f"a file SQLite cannot read ({exc})", "a run file")) from exc


def read_meta(db: sqlite3.Connection, file: str) -> tuple[dict[str, Json], list[Problem]]:
    """The meta rows whose checksum fits, and what is wrong with the others. sqlite3.Error when the table is lost."""
    values: dict[str, Json] = {}
    problems: list[Problem] = []
    for row in db.execute("SELECT key, value, crc32 FROM meta").fetchall():
        key, text = _as_text(row[0]), _as_text(row[1])
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
    names = {
        int(key.removeprefix(SOURCE_COPY)): (str(value[0]), str(value[1]))
        for key, value in copies.items()
        if key.startswith(SOURCE_COPY)
    }
    try:
        rows = db.execute("SELECT id, pod, characteristic, crc32 FROM source").fetchall()
    except sqlite3.DatabaseError:
        return names
    for number, pod, characteristic, crc in rows:
        pod_name, char_name = _as_text(pod), _as_text(characteristic)
        if (
            pod_name is not None
            and char_name is not None
            and crc == checksum(source_bytes(number, pod_name, char_name))
        ):
            names[number] = (pod_name, char_name)
    return names


def content_hash(db: sqlite3.Connection) -> str:
    """SHA-256 over the meta (but for the seal) and every input in order; independent of how SQLite laid them out."""
    digest = _hash_of_meta(db)
    for _, _, content in _checked_rows(db, _Findings(""), END):
        digest.update(content)
    return digest.hexdigest()


# ------------------------------------------------------------------------------------------------ open and judge


def _open(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing; InputError when the file is not there or no SQLite file."""
    file = str(path)
    try:
        with path.open("rb") as stream:
            header = stream.read(20)
        if not header.startswith(MAGIC):
            found = "an empty file" if not header else "a file that is no SQLite database"
            raise InputError(Problem(file, "", found, "a run file"))
        db = connect(path, _mode(path, header))
        db.text_factory = bytes
        db.execute("PRAGMA trusted_schema = OFF")  # a file from elsewhere gets no functions called by its definitions
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
    except OSError as exc:
        raise InputError(Problem(file, "", exc.strerror or str(exc), "a run file that can be read")) from exc
    except sqlite3.Error as exc:
        raise InputError(Problem(file, "", f"a file SQLite cannot open ({exc})", "a run file")) from exc
    return db


def _mode(path: Path, header: bytes) -> Mode:
    """A sealed file is opened as unchangeable; one with a log beside it as a reader of that log."""
    if _is_filled(path, "-journal"):
        return "rw"  # a seal was cut short in its last step: SQLite must roll that step back first
    log_mode = len(header) >= 20 and header[18:20] != b"\x01\x01"  # file format versions: 1 rollback, 2 log
    return "ro" if log_mode or _is_filled(path, "-wal") else "immutable"


def _is_filled(path: Path, suffix: str) -> bool:
    beside = path.with_name(path.name + suffix)
    return beside.exists() and beside.stat().st_size > 0


def _read(path: Path, db: sqlite3.Connection) -> RecordedRun:
    file = str(path)
    meta, problems = read_meta(db, file)
    setup, anchor = _needed(meta, file)
    problems += _definitions(db, file)
    findings = _Findings(file)
    digest = _hash_of_meta(db)
    count = last_seq = last_t_ns = 0
    for seq, item, content in _checked_rows(db, findings, END):
        if seq > last_seq + 1:
            findings.gaps.append((last_seq + 1, seq - 1))
        digest.update(content)
        count, last_seq, last_t_ns = count + 1, seq, max(last_t_ns, item.t_ns)
    sealed, noted_seq = _seal(meta)
    if last_seq < noted_seq:
        findings.gaps.append((last_seq + 1, noted_seq))
    problems += findings.problems(max(last_seq, noted_seq))
    if sealed is not None and not problems and digest.hexdigest() != sealed:
        problems.append(Problem(file, "seal", f"content with hash {digest.hexdigest()}", f"hash {sealed}"))
    versions = meta.get("versions")
    return RecordedRun(
        path=path,
        setup=setup,
        anchor=anchor,
        versions=versions if isinstance(versions, dict) else {},
        algorithm=meta.get("algorithm"),
        sealed=sealed,
        problems=tuple(problems),
        count=count,
        last_seq=last_seq,
        last_t_ns=last_t_ns,
    )


def _needed(meta: dict[str, Json], file: str) -> tuple[RunSetup, Anchor]:
    """Setup and anchor, or InputError with all that is missing of what nothing can be done without."""
    if lacking := [key for key in NEEDED if key not in meta]:
        raise InputError(
            [Problem(file, f"meta {key}", "no readable value", "one: without it nothing is usable") for key in lacking]
        )
    if meta["format"] != FORMAT:
        raise InputError(Problem(file, "meta format", f"format {meta['format']!r}", f"format {FORMAT}"))
    setup = setup_from_json(meta["setup"], file)
    try:
        return setup, anchor_from_json(meta["anchor"])
    except (KeyError, TypeError, ValueError) as exc:
        raise InputError(Problem(file, "meta anchor", f"{type(exc).__name__}: {exc}", "where run time 0 lies")) from exc


def _seal(meta: dict[str, Json]) -> tuple[str | None, int]:
    noted = meta.get("sealed")
    if not isinstance(noted, dict):
        return None, 0
    return str(noted.get("sha256")), int(noted.get("last_seq", 0))


def _definitions(db: sqlite3.Connection, file: str) -> list[Problem]:
    """Tables that are not defined as we define them: a flipped bit in a definition can make a full table look empty."""
    rows = db.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
    found = {_as_text(name): _as_text(sql) for name, sql in rows}
    return [
        Problem(file, f"table {name}", "another definition" if name in found else "no such table", "it as written")
        for name, statement in TABLES.items()
        if found.get(name) != statement
    ]


def _hash_of_meta(db: sqlite3.Connection) -> hashlib._Hash:
    digest = hashlib.sha256()
    for row in db.execute("SELECT key, value FROM meta ORDER BY key").fetchall():
        key, text = _as_text(row[0]), _as_text(row[1])
        if key is not None and text is not None and key != "sealed":
            digest.update(meta_bytes(key, text))
    return digest


def _as_text(value: object) -> str | None:
    """Text of a column, whatever the connection makes of it; None when it is none."""
    if isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


# ------------------------------------------------------------------------------------------------ rows


@dataclass(slots=True)
class _Findings:
    """What is wrong with the rows, gathered while reading them."""

    file: str
    bad: dict[str, set[int]] = field(default_factory=dict)
    unreadable: dict[str, list[int]] = field(default_factory=dict)
    gaps: list[tuple[int, int]] = field(default_factory=list)

    def problems(self, last_seq: int) -> list[Problem]:
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


def _checked_rows(db: sqlite3.Connection, findings: _Findings, last_seq: int) -> Iterator[Checked]:
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
    seq, t_ns, kind, data, crc = row[0], row[1], _as_text(row[2]), _as_text(row[3]), row[4]
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
    findings: _Findings,
    table: str,
    check: Callable[[Row], Checked | None],
    last_seq: int,
) -> Iterator[Checked]:
    """The rows of one table that are what was written, by rising number; steps over what SQLite cannot read.

    Only a row that fits its checksum moves the position: the number of a damaged row may be damaged itself.
    """
    after = 0
    while True:
        rows, broken = _batch(db, select, after, last_seq)
        start = after
        for row in rows:
            checked = check(row)
            if checked is None:
                findings.bad.setdefault(table, set()).add(row[0] if isinstance(row[0], int) else 0)
            elif checked[0] > after:
                after = checked[0]
                yield checked
        if not broken and len(rows) < BATCH:
            return
        if broken:
            findings.unreadable.setdefault(table, []).append(after)
            after = _next_readable(db, select, after)
            if after >= last_seq:
                return
        elif after == start:  # nothing good in a whole batch: on to its middle, as its end may be a damaged number
            numbers = sorted(row[0] for row in rows if isinstance(row[0], int))
            after = max(after + 1, numbers[len(numbers) // 2] if numbers else 0)


def _batch(db: sqlite3.Connection, select: str, after: int, last_seq: int) -> tuple[list[Row], bool]:
    """Up to BATCH rows, and whether SQLite gave up among them."""
    rows: list[Row] = []
    try:
        rows.extend(db.execute(f"{select} WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?", (after, last_seq, BATCH)))
    except (sqlite3.Error, OverflowError):
        return rows, True
    return rows, False


def _next_readable(db: sqlite3.Connection, select: str, after: int) -> int:
    """The position past `after` from which reading works again: leaps that double, then halving back. END: none."""

    def works(position: int) -> bool:
        try:
            db.execute(f"{select} WHERE seq > ? ORDER BY seq LIMIT 1", (position,)).fetchone()
        except sqlite3.Error:
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
