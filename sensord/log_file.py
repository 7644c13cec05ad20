"""The bytes of a pod's log as they came, each piece on disk before the pod hears of it: a run file of log packets.

A file that was fetched whole is sealed; one that is not goes on behind its last piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from sensord import host
from sensord.drivers.base import LOG
from sensord.errors import InputError
from sensord.model import Packet, RunSetup
from sensord.recording import Anchor, RunFile, read_run, read_seal


class LogFile:
    """Takes pieces. `last` is the newest that is safe; `pieces` and `bytes` count all of them."""

    def __init__(self, file: RunFile, pod: str, now_ns: Callable[[], int]) -> None:
        """Use `open`."""
        self._file = file
        self._pod = pod
        self._now_ns = now_ns
        self._sealed = False
        self.last: bytes | None = None
        self.pieces = self.bytes = 0

    @classmethod
    def open(cls, path: Path, setup: RunSetup, now_ns: Callable[[], int], wall_ns: int) -> LogFile | None:
        """A new file, or one that was begun; None when it is there whole. Raises DiskError, InputError (damaged)."""
        (pod,) = setup.pods
        if not path.exists():
            anchor = Anchor(wall_ns=wall_ns, boottime_ns=0, boot_id=host.boot_id(), wall_trusted=False)
            return cls(RunFile.create(path, setup, anchor), pod.pod, now_ns)
        if read_seal(path) is not None:
            return None
        kept = [item.payload for item in read_run(path).inputs() if isinstance(item, Packet)]
        try:
            file = cls(RunFile.resume(path), pod.pod, now_ns)
        except InputError:
            if read_seal(path) is not None:
                return None  # its seal had been cut short, and is whole now
            raise
        file.last, file.pieces, file.bytes = kept[-1] if kept else None, len(kept), sum(map(len, kept))
        return file

    async def keep(self, payload: bytes) -> None:
        """Returns when the piece survives a power cut."""
        self._file.add(Packet(self._pod, max(self._now_ns(), 0), LOG, payload))
        await asyncio.to_thread(self._file.commit, durable=True)
        self.last = payload
        self.pieces += 1
        self.bytes += len(payload)

    def seal(self) -> None:
        """All of the log is here."""
        self._file.seal()
        self._sealed = True

    def close(self) -> None:
        """Lets go; what was kept is kept. After `seal` it does nothing."""
        if not self._sealed:
            self._file.close()
