"""The run file: what arrived, whole and in order, before anyone understands it.

One SQLite file a run (`*.run`). `RunFile` writes it, `read_run` reads it, sealed, crashed or damaged. One sequence
counter runs over packets, ticks and marks: it is the exact order of inputs that replay repeats. docs/run-file.md has
the tables, the promises and how they were checked.
"""

from __future__ import annotations

import os
import platform
import sqlite3
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from sensord.disk import connect, create_exclusively, disk_errors, sync_directory, transaction
from sensord.errors import InputError, InternalError, Problem
from sensord.model import ALGORITHM, Input, Json, Packet, RunSetup, canonical_json, payload
from sensord.recording_format import (
    APPLICATION_ID,
    FORMAT,
    SOURCE_COPY,
    TABLES,
    Anchor,
    checksum,
    mark_bytes,
    mark_row,
    meta_bytes,
    packet_bytes,
    setup_from_json,
    setup_to_json,
    source_bytes,
)
from sensord.recording_read import RecordedRun, content_hash, read_run, read_seal
from sensord.recording_rows import source_names

__all__ = ["Anchor", "RecordedRun", "RunFile", "mark_row", "read_run", "read_seal", "setup_from_json", "setup_to_json"]

PAGE_BYTES = 1024
"""Design choice: a commit writes its last page whole, so small pages spare the SD card. `python bench/recording.py`:
an hour of two pods sends 1024: 0.25 GB, 2048: 0.36 GB, 4096: 0.58 GB to the log, at equal file size."""

LOG_BYTES = 8 * 1024 * 1024
"""Design choice: the write-ahead log is folded in every 8 MiB, some 25 times an hour; each folding syncs twice."""

FOLD_AGAIN_BYTES = LOG_BYTES // 16
"""Design choice: a folding during which a commit came is not whole; the next, some 7 s later, has little left to do."""


class RunFile:
    """A run file that is being written: `add` only buffers, `commit` writes, `sync` makes durable what was written.

    One thread at a time, but for `sync` and `fold`: one other thread may call these beside `add` and `commit`, which
    do not wait for it. Everything that touches the disk raises DiskError; after one, close and resume instead of trying
    again, because a failed sync may have lost what it was to keep.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, setup: RunSetup, anchor: Anchor) -> None:
        """Use `create` or `resume`."""
        self.path = path
        self.setup = setup
        self.anchor = anchor
        self._db = db
        self._log = os.open(_log_path(path), os.O_RDONLY | os.O_CLOEXEC)
        self._fold_at = LOG_BYTES
        self._sources = {name: number for number, name in source_names(db).items()}
        self._last_seq = _last_seq(db)
        self._kept_seq = self._last_seq
        self._synced_seq = 0
        self._folded_seq = self._last_seq
        self._new_sources: list[tuple[int, str, str]] = []
        self._packets: list[tuple[int, int, int, bytes, int]] = []
        self._marks: list[tuple[int, int, str, str, int]] = []

    # ------------------------------------------------------------------------------------------ open

    @classmethod
    def create(cls, path: Path, setup: RunSetup, anchor: Anchor) -> RunFile:
        """Begin a new file and sync it; InputError when `path` exists already, and then nothing is touched."""
        try:
            with disk_errors(path.parent):
                create_exclusively(path)
        except Exception as exc:
            if isinstance(exc.__cause__, FileExistsError):
                found = Problem(str(path), "", "a file of that name", "none: a run file is never overwritten")
                raise InputError(found) from exc
            raise
        try:
            with disk_errors(path):
                return cls(path, _new_database(path, setup, anchor), setup, anchor)
        except BaseException:
            _remove(path)
            raise

    @classmethod
    def resume(cls, path: Path) -> RunFile:
        """Go on with an unsealed file after its last kept input. InputError when it is sealed, damaged or no run file.

        A seal that a crash cut short is completed here before the file is refused as sealed.
        """
        run = read_run(path)
        if run.sealed is not None:
            with disk_errors(path):
                _finish_seal(path)
            raise InputError(Problem(str(path), "", "a sealed run file", "one whose run is still open"))
        with disk_errors(path):
            db = connect(path, "rw")
            try:
                _configure(db)
                db.execute("SELECT count(*) FROM meta").fetchone()  # the log is there from the first read on
                sync_directory(path.parent)  # and its name now survives a power cut
                return cls(path, db, run.setup, run.anchor)
            except BaseException:
                db.close()
                raise

    # ------------------------------------------------------------------------------------------ write

    @property
    def last_seq(self) -> int:
        """Sequence number of the newest input added; 0 when there is none."""
        return self._last_seq

    @property
    def kept_seq(self) -> int:
        """Newest input that survives a killed process."""
        return self._kept_seq

    @property
    def synced_seq(self) -> int:
        """Newest input that survives a power cut, as far as this process knows."""
        return self._synced_seq

    def add(self, item: Input) -> int:
        """Give the input its place in the order and buffer it until `commit`. Bytes are kept as they came."""
        seq = self._last_seq + 1
        if isinstance(item, Packet):
            crc = checksum(packet_bytes(seq, item.pod, item.t_ns, item.characteristic, item.payload))
            source = self._source(item.pod, item.characteristic)
            self._packets.append((seq, source, item.t_ns, bytes(item.payload), crc))
        else:
            kind, data = mark_row(item)
            self._marks.append((seq, item.t_ns, kind, data, checksum(mark_bytes(seq, item.t_ns, kind, data))))
        self._last_seq = seq
        return seq

    def commit(self, *, durable: bool = False) -> None:
        """Write what was added since the last commit: it survives a killed process; `durable`: `sync` follows.

        Without `durable` it does not wait for the disk, but for the first commit after a folding: SQLite syncs the
        new head of the log. Nothing to do costs nothing.
        """
        last = self._last_seq
        if self._kept_seq < last:
            with disk_errors(self.path), transaction(self._db):
                self._write_rows()
            self._new_sources.clear()
            self._packets.clear()
            self._marks.clear()
            self._kept_seq = last
        if durable:
            self.sync()

    def sync(self) -> None:
        """Make all that was committed before this call survive a power cut. Nothing new costs nothing.

        Syncs the log as a commit with `synchronous=FULL` does; docs/run-file.md says why that is all there is to do.
        """
        kept = self._kept_seq  # read first: what is committed while the disk syncs belongs to the next sync
        if self._synced_seq < kept:
            with disk_errors(self.path):
                os.fdatasync(self._log)
            self._synced_seq = kept

    def fold(self) -> None:
        """Fold the log into the file when it has grown by LOG_BYTES; commits go on beside it.

        When a commit comes during it, the log goes on growing, and is folded again a little later: it begins anew only
        after a folding that was whole. Never twice without a commit in between: docs/run-file.md says why.
        """
        with disk_errors(self.path):
            size, before = os.fstat(self._log).st_size, self._kept_seq
            if size < self._fold_at or before == self._folded_seq:
                return
            with closing(connect(self.path, "rw")) as db:
                db.execute("PRAGMA synchronous = FULL")
                db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._folded_seq = self._kept_seq
            self._fold_at = LOG_BYTES if self._folded_seq == before else size + FOLD_AGAIN_BYTES

    def seal(self) -> str:
        """Commit, note the SHA-256 of the content, fold the log in, leave one file that no one may write. Closes.

        Reads the run once for the hash (0.5 to 0.9 s for an hour of two pods). When another process is reading just
        then, the log stays beside the file until `resume` is next asked for it; the seal holds all the same.
        """
        self.commit(durable=True)
        with disk_errors(self.path):
            digest = content_hash(self._db)
            noted = {"sha256": digest, "last_seq": self._last_seq}
            self._db.execute("PRAGMA synchronous = FULL")
            with transaction(self._db):
                _write_meta(self._db, "sealed", noted)
            self._release()
            _finish_seal(self.path)
        return digest

    def close(self) -> None:
        """Commit durably and let go of the file, unsealed: it can be resumed."""
        try:
            self.commit(durable=True)
        finally:
            self._release()

    def abandon(self) -> None:
        """Let go of the file as it is, without writing: after a DiskError. What was committed can be resumed."""
        self._release()

    def remove(self) -> None:
        """Close and delete the file and its log: for a run that came to nothing."""
        self._release()
        with disk_errors(self.path):
            _remove(self.path)
            sync_directory(self.path.parent)

    def _release(self) -> None:
        self._db.close()
        if self._log >= 0:
            os.close(self._log)
            self._log = -1

    def _source(self, pod: str, characteristic: str) -> int:
        number = self._sources.get((pod, characteristic))
        if number is None:
            number = max(self._sources.values(), default=0) + 1
            self._sources[pod, characteristic] = number
            self._new_sources.append((number, pod, characteristic))
        return number

    def _write_rows(self) -> None:
        for number, pod, characteristic in self._new_sources:
            crc = checksum(source_bytes(number, pod, characteristic))
            self._db.execute("INSERT INTO source VALUES (?, ?, ?, ?)", (number, pod, characteristic, crc))
            _write_meta(self._db, f"{SOURCE_COPY}{number}", [pod, characteristic])
        self._db.executemany("INSERT INTO packet VALUES (?, ?, ?, ?, ?)", self._packets)
        self._db.executemany("INSERT INTO mark VALUES (?, ?, ?, ?, ?)", self._marks)


def versions() -> dict[str, str]:
    """What the bits of a replay depend on: our version, Python, numpy, scipy, the machine type."""
    return {
        "sensord": version("sensord"),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "scipy": version("scipy"),
        "machine": platform.machine(),
    }


def _new_database(path: Path, setup: RunSetup, anchor: Anchor) -> sqlite3.Connection:
    db = connect(path, "rw")
    try:
        db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        _configure(db)
        db.execute("PRAGMA synchronous = FULL")
        with transaction(db):
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {FORMAT}")
            for statement in TABLES.values():
                db.execute(statement)
            _write_meta(db, "format", FORMAT)
            _write_meta(db, "setup", setup_to_json(setup))
            _write_meta(db, "anchor", payload(anchor))
            _write_meta(db, "versions", versions())
            _write_meta(db, "algorithm", ALGORITHM)
        sync_directory(path.parent)  # the log's name
        db.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        db.close()
        raise
    return db


def _configure(db: sqlite3.Connection) -> None:
    (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise InternalError(f"SQLite keeps no write-ahead log here, but {mode}")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")  # `fold` does it, in a thread that may wait for the disk
    db.execute("PRAGMA journal_size_limit = 0")  # a log begun anew is cut to what is in it: its size tells when to fold


def _log_path(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _write_meta(db: sqlite3.Connection, key: str, value: Json) -> None:
    text = canonical_json(value)
    db.execute("INSERT INTO meta(key, value, crc32) VALUES (?, ?, ?)", (key, text, checksum(meta_bytes(key, text))))


def _last_seq(db: sqlite3.Connection) -> int:
    query = "SELECT max((SELECT ifnull(max(seq), 0) FROM packet), (SELECT ifnull(max(seq), 0) FROM mark))"
    return int(db.execute(query).fetchone()[0])


def _finish_seal(path: Path) -> None:
    """Fold the log into the file and take the write bits away; does nothing that is done already."""
    db = connect(path, "rw")
    try:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return
    finally:
        db.close()
    path.chmod(0o400)
    sync_directory(path.parent)


def _remove(path: Path) -> None:
    for name in (path, _log_path(path), path.with_name(path.name + "-shm")):
        name.unlink(missing_ok=True)
