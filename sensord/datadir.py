"""The data directory: where the store and the run files lie, and the lock that lets only one sensord write there."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sensord.disk import disk_errors
from sensord.errors import InputError, Problem


class HeldError(InputError):
    """Another process holds the directory; `holder` is its number."""

    def __init__(self, problem: Problem, holder: str) -> None:
        super().__init__(problem)
        self.holder = holder


class DataDir:
    """Names inside one data directory; everything in it is readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = path / "sensord.db"
        self.runs = path / "runs"

    def run_file(self, run: str) -> Path:
        """Where the file of a run lies."""
        return self.runs / f"{run}.run"

    def create(self) -> None:
        """Make the folders that are not there yet. DiskError when that cannot be."""
        with disk_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.runs.mkdir(exist_ok=True, mode=0o700)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only one to write here. InputError, naming the process, when another holds the directory.

        The kernel lets go of the lock when the process ends, however it ends.
        """
        self.create()
        name = self.path / "lock"
        with disk_errors(name):
            handle = os.open(name, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                holder = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
                found = f"another sensord holds it (process {holder})"
                problem = Problem(str(self.path), "", found, "a data directory that no other process uses")
                raise HeldError(problem, holder) from exc
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(handle)
