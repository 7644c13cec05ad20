"""What a person at the terminal sees: lines, and a link as a QR code for a phone."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable

import segno

log = logging.getLogger(__name__)


class Terminal:
    """Lines for the terminal. One that has gone away does not end a run: the rest is not said."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say: Callable[[str], None] | None = say

    def __call__(self, line: str) -> None:
        """Say a line, if anybody still reads."""
        if self._say is None:
            return
        try:
            self._say(line)
        except OSError as error:
            self._say = None
            log.warning("nobody reads what is printed any more: %s", error)


def qr_text(link: str) -> str:
    """The link as a QR code for a terminal."""
    out = io.StringIO()
    segno.make(link, micro=False).terminal(out, compact=True)
    return out.getvalue()
