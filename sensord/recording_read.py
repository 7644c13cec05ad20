"""Reading a run file: sealed or crashed, whole or damaged, without changing it.

`read_run` goes over every row once, checks each checksum, the sequence and the seal, and tells all that is wrong before
the first input is given out. What cannot be read is left out and told; what is given out is exactly what was written.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sensord.disk import Mode, connect
from sensord.errors import InputError, Problem
from sensord.model import Input, Json, RunSetup
from sensord.recording_format import FORMAT, TABLES, Anchor, anchor_from_json, meta_bytes, setup_from_json
from sensord.recording_rows import END, UNREADABLE, Findings, as_text, checked_rows, read_meta

MAGIC = b"SQLite format 3\x00"
"""How every SQLite 3 file begins (SQLite's file format, section 1.3)."""

LONGEST_VALUE = 16 << 20
"""Design choice: no value of ours comes near 16 MiB; a length field that was flipped may claim to."""

NEEDED = ("format", "setup", "anchor")
"""Meta without which nothing is usable."""


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
            for seq, item, _ in checked_rows(db, Findings(str(self.path)), self.last_seq):
                yield seq, item


def read_run(path: Path) -> RecordedRun:
    """Read and check a run file. InputError when nothing is usable; `problems` when only part of it is."""
    with closing(_open(path)) as db:
        try:
            return _read(path, db)
        except UNREADABLE as exc:
            raise InputError(Problem(str(path), "", f"a file SQLite cannot read ({exc})", "a run file")) from exc


def read_seal(path: Path) -> str | None:
    """The hash that the seal noted, None while there is no seal; reads nothing else of the run. InputError as above."""
    with closing(_open(path)) as db:
        try:
            meta, _ = read_meta(db, str(path))
        except UNREADABLE as exc:
            raise InputError(Problem(str(path), "", f"a file SQLite cannot read ({exc})", "a run file")) from exc
    return _seal(meta)[0]


def content_hash(db: sqlite3.Connection) -> str:
    """SHA-256 over the meta (but for the seal) and every input in order; independent of how SQLite laid them out."""
    digest = _hash_of_meta(db)
    for _, _, content in checked_rows(db, Findings(""), END):
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
    except UNREADABLE as exc:
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
    findings = Findings(file)
    digest = _hash_of_meta(db)
    count = last_seq = last_t_ns = 0
    for seq, item, content in checked_rows(db, findings, END):
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
    return (noted["sha256"], noted["last_seq"]) if noted else (None, 0)


def _definitions(db: sqlite3.Connection, file: str) -> list[Problem]:
    """Tables that are not defined as we define them: a flipped bit in a definition can make a full table look empty."""
    rows = db.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
    found = {as_text(name): as_text(sql) for name, sql in rows}
    return [
        Problem(file, f"table {name}", "another definition" if name in found else "no such table", "it as written")
        for name, statement in TABLES.items()
        if found.get(name) != statement
    ]


def _hash_of_meta(db: sqlite3.Connection) -> hashlib._Hash:
    digest = hashlib.sha256()
    for row in db.execute("SELECT key, value FROM meta ORDER BY key").fetchall():
        key, text = as_text(row[0]), as_text(row[1])
        if key is not None and text is not None and key != "sealed":
            digest.update(meta_bytes(key, text))
    return digest
