"""Whole or not at all: a file that is written beside its place and moved there when it is complete."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from sensord.errors import InputError, Problem


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path`, replacing what was there only once everything is on disk.

    Raises `InputError` where the place cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(Problem(str(path), "", error.strerror or str(error), "a folder that can be written")) from None
    scratch = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.chmod(0o644)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise InputError(Problem(str(path), "", error.strerror or str(error), "a file that can be written")) from None
