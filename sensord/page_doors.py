"""The page's two doors into the daemon: stored runs to read, commands to give; and the note that tells where it is."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sensord import host
from sensord.current_run import CurrentRun
from sensord.datadir import DataDir
from sensord.errors import InputError, Problem
from sensord.files.speed_words import SHARE_SD, parse_grade_pct, parse_speed_mps
from sensord.incoming import steps
from sensord.journal import Journal
from sensord.model import NS, Alert, Json, LimitState, Mark, MarkKind
from sensord.store import Store, StoredRun
from sensord.store_receipts import ack
from sensord.web.access import new_token
from sensord.web.ports import RunDetail, RunMark, RunRow, RunSpeed

MS = 1_000_000

MARK_WITHIN_S = 10.0
"""Design choice: an older stamp is of another boot, or of a request that hung; then nobody knows what it marks."""


class StoreRuns:
    """Stored runs as the page shows them; implements `web.ports.RunsReader`."""

    def __init__(self, reader: Store) -> None:
        self._reader = reader

    async def runs(self, limit: int) -> Sequence[RunRow]:
        """The newest runs first."""
        return [_row(run) for run in reversed(self._reader.runs()[-limit:])]

    async def run(self, run: str) -> RunDetail | None:
        """One run with its alerts and the last state of every limit; None when there is none of that id."""
        if not self._reader.knows(run):
            return None
        alerts = [event.payload for event in self._reader.events(run, kinds=[Alert.KIND])]
        limits = {e.payload["rule"]: e.payload for e in self._reader.events(run, kinds=[LimitState.KIND])}
        return RunDetail(_row(self._reader.run(run)), alerts, list(limits.values()))


class RunCommands:
    """What the page may ask for; implements `web.ports.Commands`."""

    def __init__(
        self,
        current: CurrentRun,
        journal: Journal,
        data: DataDir,
        *,
        acknowledged: Callable[[], None] = lambda: None,
    ) -> None:
        """`acknowledged` is called when somebody has seen an alert."""
        self._current = current
        self._journal = journal
        self._data = data
        self._acknowledged = acknowledged

    async def end_run(self) -> None:
        """End the run that is on."""
        if not self._current.end("page"):
            raise InputError(Problem("run", "", "no run that is on", "a run to end"))

    async def start_run(self) -> None:
        """Begin the next run after one was ended by order."""
        if not self._current.start():
            raise InputError(Problem("run", "", "a run that is on, or no pod", "linked pods and no run"))

    async def mark_run(self, text: str, *, who: str, boottime_ns: int, wall_ns: int) -> RunMark:
        """Note a text in the run that is on, as of an instant of the last seconds."""
        run, t_ns = self._current.run, self._current.at_ns(boottime_ns)
        if run is None or t_ns is None:
            raise InputError(Problem("run", "", "no run that is on", "a run to mark"))
        ago_s = (host.boottime_ns() - boottime_ns) / NS
        if t_ns < 0 or not 0 <= ago_s <= MARK_WITHIN_S:
            expected = f"within this run, at most {MARK_WITHIN_S:g} s ago"
            raise InputError(Problem("mark", "boottime_ns", f"{ago_s:.1f} s ago", expected))
        self._current.push(Mark(boottime_ns, MarkKind.NOTE, {"text": text, "by": who, "wall_ns": wall_ns}))
        return RunMark(run, t_ns, wall_ns, text)

    async def know_speed(self, text: str, *, who: str, grade: str = "") -> RunSpeed:
        """From now on the belt goes at this speed ("10.5km/h", "off": not known any more), and at this slope in %."""
        speed_mps, grade_pct = parse_speed_mps(text), parse_grade_pct(grade)
        now_ns = host.boottime_ns()
        run, t_ns = self._current.run, self._current.at_ns(now_ns)
        if run is None or t_ns is None:
            raise InputError(Problem("run", "", "no run that is on", "a run whose speed to tell"))
        known: dict[str, Json] = {
            "speed_mps": speed_mps,
            "sd_mps": SHARE_SD * (speed_mps or 0.0),
            "source": "treadmill",
            "by": who,
        }
        if grade_pct is not None:
            known["grade_pct"] = grade_pct
        self._current.push(Mark(now_ns, MarkKind.SPEED, known))
        return RunSpeed(run, t_ns, speed_mps)

    async def discard_run(self, run: str, *, who: str, reason: str) -> None:
        """Mark a run as not to be counted; its data stays, and so does who said it and why."""
        if run == self._current.run:
            raise InputError(Problem("run", run, "a run that is on", "a run that has ended"))
        await asyncio.wrap_future(self._journal.call(lambda store: store.discard(run, who, reason)))

    async def ack_alert(self, alert: str, *, who: str) -> Json:
        """Somebody has seen an alert, named by its id or its code: {alert, text}. InputError: there is none."""
        seen = await asyncio.wrap_future(self._journal.call(lambda store: ack(store, alert, who)))
        self._acknowledged()
        return {"alert": seen.alert, "text": seen.text}

    async def import_run(self, run: str) -> None:
        """Take in a run that waits in the data directory, between what is live."""
        for step in steps(self._data, run):
            await asyncio.wrap_future(self._journal.call(step))


def _row(run: StoredRun) -> RunRow:
    begun_ms = None if run.begun_wall_ns is None else run.begun_wall_ns // MS
    return RunRow(run.run, run.runner, begun_ms, run.state, run.discarded, run.summary)


@contextmanager
def door_plate(data_dir: Path, url: str, token: str | None) -> Iterator[None]:
    """While the daemon runs, a note in the data directory says where its API is; for commands on this machine."""
    path = data_dir / "daemon.json"
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"pid": os.getpid(), "url": url, "token": token}, file)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def kept_token(data_dir: Path) -> str:
    """The token of this data directory, made once: phones that were let in stay in when the daemon starts again."""
    path = data_dir / "page-token"
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    token = new_token()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(token + "\n")
    return token
