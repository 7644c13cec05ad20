"""Whole or not at all: a file that is written beside its place and moved there when it is complete."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sensord.errors import InputError, Problem


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path`, replacing what was there only once everything is on disk.

    Raises `InputError` where the place cannot be written.
    """
    write_texts({path: text})


def write_texts(texts: Mapping[Path, str]) -> None:
    """Write several files, all or none. Raises `InputError` naming the one that cannot be written."""
    beside: dict[Path, Path] = {}
    try:
        for path, text in texts.items():
            if path.is_dir():
                raise InputError(Problem(str(path), "", "a folder", "a file that can be written"))
            beside[path] = _write_beside(path, text)
        for path, scratch in beside.items():
            scratch.replace(path)
    except OSError as error:
        raise InputError(Problem(str(path), "", error.strerror or str(error), "a file that can be written")) from None
    finally:
        for scratch in beside.values():
            scratch.unlink(missing_ok=True)


def _write_beside(path: Path, text: str) -> Path:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    scratch = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.chmod(0o644)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise
    return scratch
