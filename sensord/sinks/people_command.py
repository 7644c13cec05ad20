"""A command of one's own: the alert as JSON on its standard input, its exit code is the receipt.

    0           delivered
    65, 67, 68  refused for good (EX_DATAERR, EX_NOUSER, EX_NOHOST of sysexits.h)
    any other   not now: it is tried again

No shell is involved: what is in an alert is never part of a command line. Output `{"acknowledged_by": "..."}` says who
has seen it. A command that takes too long is killed with everything it started, and tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Sequence

from sensord.errors import Away, Refused
from sensord.sinks.letter import REPLY_BYTES, Letter, Taken, seen_by
from sensord.sinks.messages import to_json
from sensord.sinks.receipts import State

REFUSING = {os.EX_DATAERR, os.EX_NOUSER, os.EX_NOHOST}
"""sysexits.h: input data wrong, addressee unknown, host unknown."""


class CommandChannel:
    """Letters to a command's standard input."""

    def __init__(self, argv: Sequence[str], *, source: str, timeout_s: float = 30.0) -> None:
        """`source` names the gateway in CloudEvents."""
        self._argv = tuple(argv)
        self._source = source
        self._timeout_s = timeout_s

    async def deliver(self, letter: Letter) -> Taken:
        """Run it and wait for its end."""
        try:
            text = to_json(letter.cloud_events(self._source)) + b"\n"
        except (ValueError, KeyError) as error:
            raise Refused(f"no JSON: {error}") from None
        name = self._argv[0]
        # files without a name, not pipes: a command that ends and leaves a child with its output open has ended
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(text)
            given.seek(0)
            try:
                process = await asyncio.create_subprocess_exec(
                    *self._argv,
                    stdin=given,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,  # so that it can be ended with all it started
                )
            except OSError as error:
                raise Away(f"{name}: {error.strerror or error}") from None
            code = await self._end_of(process)
            out.seek(0)
            err.seek(0)
            printed, said = out.read(REPLY_BYTES), " ".join(err.read(REPLY_BYTES).decode("utf-8", "replace").split())
        if code == 0:
            return Taken(State.DELIVERED, f"{name} ended with 0", seen_by(printed))
        detail = f"{name}: ended with {code}" + (f" ({said[:200]})" if said else "")
        if code in REFUSING:
            raise Refused(detail)
        raise Away(detail)

    async def _end_of(self, process: asyncio.subprocess.Process) -> int:
        """Wait for its end; kills it with all it started when it takes too long, or when we are told to stop."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await process.wait()
        except TimeoutError:
            raise Away(f"{self._argv[0]}: not done within {self._timeout_s:g} s, ended") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()

    async def check(self) -> str | None:
        """None when the command is there and may be run."""
        if shutil.which(self._argv[0]) is None:
            return f"{self._argv[0]}: no such command, or it may not be run"
        return None

    async def close(self) -> None:
        """Nothing is open between letters."""
