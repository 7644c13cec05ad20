"""Recordings of other apps and watches become runs like any other: `sensord import`.

Files are recognised by what stands in them, put together (`import_groups`), and kept as late runs. The same recording
gives the same run id, so that it is recognised when it comes again; one that overlaps in time with a run that is there
of the same runner is refused, for nobody runs twice at once, and its distance would count twice. What lies more than
ten minutes apart are several runs, as live.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ulid import ULID

from sensord import host
from sensord.config import Settings
from sensord.errors import InputError, Problem
from sensord.files.fit import FitActivity
from sensord.files.part import NotNeeded, Part, told_wall_ns
from sensord.files.recognise import read_recording
from sensord.import_groups import Fate, KnownPod, Outcome, fit_run, found_runs, stated_run
from sensord.incoming import hand_over
from sensord.late_run import LateRun, recorded_inputs
from sensord.model import NS, Event, RunChange, RunState, Side
from sensord.plan.model import Plan
from sensord.plan_book import counting, day_json
from sensord.run_recording import RunRecording, cut
from sensord.run_setup import HISTORY_RUNS, plan_of, run_setup
from sensord.shelf import Shelf, shelf_of
from sensord.store import Store, StoredRun
from sensord.store_pairings import pairings

BOOT = "imported"
"""Stands for the boot of the machine that a run was made in."""

LONGEST_RUN_NS = 48 * 3600 * NS
"""Design choice: runs that began longer before a recording are not looked through for what overlaps with it."""

AHEAD_NS = 24 * 3600 * NS
"""Design choice: times without a zone may look as if they were still to come, by less than this."""

TIME_CHARACTERS = 10
"""Of a ULID (its specification): the rest is what was measured, whatever somebody said of when that was."""

MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for: files by foot where somebody said so, and others."""

    files: Sequence[Path] = ()
    sides: Mapping[Side, Sequence[Path]] = field(default_factory=dict)
    same_clock: bool = False
    start_ns: int | None = None
    replace: bool = False


def import_recordings(settings: Settings, wish: Wish, tell: Callable[[Fate], None] = lambda _fate: None) -> list[Fate]:
    """Bring recordings in; what became of each file, which `tell` hears as soon as it is known. The good ones are in,
    whatever the others are.

    InputError: nothing to import, a plan that cannot be read, a data directory that is held by what cannot be asked.
    """
    plan, plan_text = plan_of(settings)
    stated, others, fates = _read(wish)
    with shelf_of(settings) as shelf:
        runs, unknown = _runs(wish, stated, others, known_pods(settings, shelf.store))
        fates += unknown
        for fate in fates:
            tell(fate)
        if wish.start_ns is not None and len(runs) > 1:
            found = f"one time for {len(runs)} runs"
            raise InputError(Problem("command line", "--start", found, "the files of one run"))
        keeper = Keeper(settings, plan, plan_text, shelf, again=wish.replace)
        for recording in sorted(runs, key=lambda run: run.wall_ns or 0):
            fates.append(keeper.keep(recording))
            tell(fates[-1])
    return fates


def known_pods(settings: Settings, store: Store) -> list[KnownPod]:
    """Pods whose foot is known: from pairings, and from the settings."""
    paired = [KnownPod(one.pod, one.side, one.serial) for one in pairings(store) if one.side is not None]
    there = {pod.pod for pod in paired}
    stated = [KnownPod(pod.pod, pod.side) for pod in settings.pods() if pod.side is not None]
    return paired + [pod for pod in stated if pod.pod not in there]


def parse_start(text: str) -> int:
    """Wall time from "2026-05-04 18:30" (of this machine's zone) or with a zone. InputError: none, or not yet."""
    try:
        when = datetime.fromisoformat(text).astimezone()
        wall_ns = told_wall_ns(round(when.timestamp() * 1000) * MS)
    except (ValueError, OverflowError):
        wall_ns = None
    if wall_ns is None:
        expected = 'a time such as "2026-05-04 18:30"'
        raise InputError(Problem("command line", "--start", repr(text), expected)) from None
    if when > datetime.now().astimezone():
        raise InputError(Problem("command line", "--start", repr(text), "a time that has been"))
    return wall_ns


class Keeper:
    """Keeps recordings as runs, one after the other. Nobody else imports while it does."""

    def __init__(
        self, settings: Settings, plan: Plan | None, plan_text: str | None, shelf: Shelf, *, again: bool
    ) -> None:
        """`again`: runs that are there in the same time are replaced."""
        self._settings, self._plan, self._plan_text = settings, plan, plan_text
        self._shelf, self._store, self._again = shelf, shelf.store, again
        self._runner = plan.runner.alias if plan else settings.runner

    def keep(self, recording: RunRecording) -> Fate:
        """One recording: its run or runs, or why there is none."""
        attempt, before = self._attempt(recording)
        there = self._overlapping(recording)
        if before is not None and not before.discarded and before.run not in {run.run for run in there}:
            there.append(before)
        if (fate := self._refused(recording, before, there)) is not None:
            return fate
        try:
            kept = self._keep(recording, attempt, {run.run for run in there})
            if not kept:
                expected = "a recording of a run"
                raise InputError(Problem(recording.files[0], "", "nobody who walks or runs", expected))  # noqa: TRY301
            for run in there:
                self._shelf.discard(run.run, f"replaced by {kept[0].run}, which was imported")
        except InputError as error:
            return Fate(recording.files, Outcome.BAD, str(error))
        return _imported(recording, kept, there)

    def _refused(self, recording: RunRecording, before: StoredRun | None, there: Sequence[StoredRun]) -> Fate | None:
        """Why it is not to be kept, by what is there: itself (`before`), or runs of the same time."""
        files = recording.files
        if recording.wall_ns is not None and recording.wall_ns > host.wall_ns() + AHEAD_NS:
            when = datetime.fromtimestamp(recording.wall_ns / NS).astimezone()
            problem = Problem(files[0], "", f"a beginning on {when:%Y-%m-%d}", "a time that has been (--start)")
            return Fate(files, Outcome.BAD, str(problem))
        if before is not None and not before.discarded and not self._again:
            return Fate(files, Outcome.ALREADY, f"already imported as {before.run}", before.run)
        if before is not None and before.discarded and not self._again:
            words = f"imported before as {before.run}, which was discarded ({before.discarded_reason}); --replace"
            return Fate(files, Outcome.REFUSED, f"{words} imports it anew", before.run)
        open_ones = any(run.state != "ended" for run in there)
        if there and (open_ones or not self._again):
            words = "in the same time as " + ", ".join(run.run for run in there)
            what = "which has not ended" if open_ones else "--replace puts this one in its place"
            return Fate(files, Outcome.REFUSED, f"{words}; {what}")
        return None

    def _attempt(self, recording: RunRecording) -> tuple[int, StoredRun | None]:
        """Which time this is that the recording comes in as a new run, and the run it was the last time."""
        attempt, before = 0, None
        known = {run.run[TIME_CHARACTERS:]: run for run in self._store.runs(include_discarded=True)}
        while (run := known.get(run_id(recording, attempt)[TIME_CHARACTERS:])) is not None:
            attempt, before = attempt + 1, run
        return attempt, before

    def _overlapping(self, recording: RunRecording) -> list[StoredRun]:
        if recording.wall_ns is None:
            return []
        begun_ns, ended_ns = recording.wall_ns, recording.wall_ns + recording.last_ns
        there = []
        for run in self._store.runs():
            begun = run.begun_wall_ns
            if begun is None or run.runner != self._runner or not begun_ns - LONGEST_RUN_NS < begun < ended_ns:
                continue
            last_ns = max((event.t_ns for event in self._store.events(run.run)), default=0)
            if run.state != "ended" or begun + last_ns > begun_ns:
                there.append(run)
        return there

    def _keep(self, recording: RunRecording, attempt: int, leave_out: set[str]) -> list[LateRun]:
        """Its runs: what lies more than ten minutes apart becomes several, and what has no step in it none."""
        kept: list[LateRun] = []
        rest: RunRecording | None = recording
        while rest is not None:
            run, part = run_id(recording, attempt, len(kept)), rest
            try:
                kept.append(self._keep_one(run, part, leave_out, _whole(part)))
                rest = None
            except _NobodyMoved:
                rest = None
            except _EndedEarly as early:
                first, rest = cut(part, early.t_ns)
                if early.moved and first is not None:
                    kept.append(self._keep_one(run, first, leave_out, lambda _events: None))
        return kept

    def _keep_one(
        self, run: str, recording: RunRecording, leave_out: set[str], accept: Callable[[Sequence[Event]], None]
    ) -> LateRun:
        earlier = self._store.history(self._runner, before_wall_ns=recording.wall_ns)
        history = tuple(one for one in earlier if one["run"] not in leave_out)[-HISTORY_RUNS:]
        at_ns = recording.wall_ns
        plan, plan_text = counting(self._store, self._runner, self._plan, self._plan_text)
        setup = run_setup(
            self._settings,
            plan,
            plan_text,
            run=run,
            pods=recording.setups,
            history=history,
            day=None if at_ns is None else day_json(self._store, self._runner, self._plan, at_ns),
        )
        inputs = recorded_inputs(recording.pods, wall_ns=recording.wall_ns or 0)
        kept = hand_over(
            self._shelf.data, setup, inputs, wall_ns=recording.wall_ns, boot_id=BOOT, accept=accept
        )  # fmt: skip
        self._shelf.take_in(run)
        return kept


def run_id(recording: RunRecording, attempt: int = 0, piece: int = 0) -> str:
    """The id that a recording gets: a ULID whose time is its wall time, and whose chance is what was measured."""
    ms = (recording.wall_ns or 0) // MS
    content = hashlib.sha256(recording.digest + bytes((attempt, piece))).digest()
    return str(ULID.from_bytes(ms.to_bytes(6, "big") + content[:10]))


class _NobodyMoved(Exception):
    """There is no step in it."""


class _EndedEarly(Exception):
    """By the rules of a run it ended long before the recording did."""

    def __init__(self, t_ns: int, *, moved: bool) -> None:
        super().__init__()
        self.t_ns, self.moved = t_ns, moved


def _whole(recording: RunRecording) -> Callable[[Sequence[Event]], None]:
    """Accepts the events of a run that goes to the end of the recording, and in which somebody moved."""

    def accept(events: Sequence[Event]) -> None:
        states = [(event.t_ns, event.payload["state"]) for event in events if event.kind == RunChange.KIND]
        moved = any(state == RunState.RUNNING for _, state in states)
        ended_ns = next(t_ns for t_ns, state in states if state == RunState.ENDED)
        if ended_ns < recording.last_ns:
            raise _EndedEarly(ended_ns, moved=moved)
        if not moved:
            raise _NobodyMoved

    return accept


def _read(wish: Wish) -> tuple[dict[Side, list[Part]], list[Part | FitActivity], list[Fate]]:
    """Every file read: those of a stated foot, others, and what became of those that are neither."""
    paths = {path.resolve() for files in wish.sides.values() for path in files}
    if len(paths) < sum(len(files) for files in wish.sides.values()):
        raise InputError(Problem("command line", "--left, --right", "the same file twice", "each file once"))
    if not paths and not wish.files:
        raise InputError(Problem("command line", "", "no file", "recordings to import"))
    stated: dict[Side, list[Part]] = {}
    fates: list[Fate] = []
    for side, files in wish.sides.items():
        found = [_read_one(path, fates) for path in files]
        stated[side] = [part for part in found if isinstance(part, Part)]
        for activity in (one for one in found if isinstance(one, FitActivity)):
            problem = Problem(str(activity.file), "", f"a FIT file for the {side} foot", "it without --left or --right")
            fates.append(Fate((str(activity.file),), Outcome.BAD, str(problem)))
    if any(fate.outcome is Outcome.BAD for fate in fates):  # half of a run is no run
        good = tuple(str(part.file) for parts in stated.values() for part in parts)
        fates += [Fate(good, Outcome.REFUSED, "the other file of this run cannot be read")] if good else []
        stated = {}
    others = [_read_one(path, fates) for path in _expanded(wish.files) if path.resolve() not in paths]
    return stated, [one for one in others if isinstance(one, Part | FitActivity)], fates


def _expanded(files: Sequence[Path]) -> list[Path]:
    """Files, and those that are in folders, each once."""
    found: dict[Path, Path] = {}
    for path in files:
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        if path.is_dir() and not any(one.is_file() for one in inside):
            raise InputError(Problem(str(path), "", "a folder without files", "a folder of recordings"))
        for one in inside:
            if one == path or (one.is_file() and not one.name.startswith(".")):
                found.setdefault(one.resolve(), one)
    return list(found.values())


def _read_one(path: Path, fates: list[Fate]) -> Part | FitActivity | None:
    try:
        found = read_recording(path)
    except InputError as error:
        fates.append(Fate((str(path),), Outcome.BAD, str(error)))
        return None
    if isinstance(found, NotNeeded):
        fates.append(Fate((str(path),), Outcome.NOT_NEEDED, f"{found.what}: nothing of a foot in it"))
        return None
    return found


def _runs(
    wish: Wish, stated: Mapping[Side, Sequence[Part]], others: Sequence[Part | FitActivity], known: Sequence[KnownPod]
) -> tuple[list[RunRecording], list[Fate]]:
    parts = [one for one in others if isinstance(one, Part)]
    runs, fates = found_runs(parts, known, same_clock=wish.same_clock, start_ns=wish.start_ns)
    runs += [fit_run(one, start_ns=wish.start_ns) for one in others if isinstance(one, FitActivity)]
    if any(stated.values()):
        try:
            runs.append(stated_run(stated, known, same_clock=wish.same_clock, start_ns=wish.start_ns))
        except InputError as error:
            names = tuple(str(part.file) for files in stated.values() for part in files)
            fates.append(Fate(names, Outcome.BAD, str(error)))
    return runs, fates


def _imported(recording: RunRecording, kept: Sequence[LateRun], replaced: Sequence[StoredRun]) -> Fate:
    words = "; ".join(_run_words(run) for run in kept)
    if recording.wall_ns is None:
        words += "; when it was is not known (--start says it)"
    elif recording.local:
        words += "; its time names no zone, that of this machine was taken"
    if replaced:
        words += "; in place of " + ", ".join(run.run for run in replaced)
    first = kept[0]
    return Fate(recording.files, Outcome.IMPORTED, words, first.run, first.summary, recording.said)


def _run_words(run: LateRun) -> str:
    summary = run.summary or {}
    strides = summary.get("strides_left", 0) + summary.get("strides_right", 0)
    counted = f"{strides} strides, " if strides else ""
    alerts = summary.get("alerts", 0)
    return f"run {run.run}: {counted}{summary.get('distance_m', 0.0):.0f} m, {alerts} alert{'s' * (alerts != 1)}"
