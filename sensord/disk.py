"""SQLite as sensord uses it: how a file is opened, one transaction, and one error when the disk fails.

Shared by run files and the store, which know nothing of each other.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from sensord.errors import DiskError

BUSY_S = 5.0
"""Design choice: how long a statement waits for another process's lock before it is an error."""

Mode = Literal["rw", "ro", "immutable"]


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Whatever SQLite or the file system says against `path` becomes one DiskError."""
    try:
        yield
    except (sqlite3.Error, OSError) as exc:
        raise DiskError(f"{path}: {exc}") from exc


def connect(path: Path, mode: Mode) -> sqlite3.Connection:
    """Open an existing SQLite file in autocommit; `ro` reads beside a writer, `immutable` touches nothing around it.

    The connection may be handed to another thread, but only one thread may use it at a time. Raises sqlite3.Error.
    """
    query = "immutable=1" if mode == "immutable" else f"mode={mode}"
    uri = f"{path.resolve().as_uri()}?{query}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; the write lock is taken at once, so nothing read inside can change before the commit."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def create_exclusively(path: Path) -> None:
    """An empty file that was not there before, readable by its owner only, its name safe on disk. FileExistsError."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make names that were created in or removed from a folder survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
