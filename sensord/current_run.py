"""The run that is on: its file, its pipeline, its place in the store. From one run's first packet to the next one's.

Every input goes to the journal first, then through the pipeline; what the pipeline says goes to the journal and to
whoever listens. A run that ends is sealed; one in which she never moved is dropped. After a crash the run file is read
back through the same pipeline, which is how a run is resumed: nothing else is kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ulid import ULID

from sensord import host
from sensord.errors import InputError
from sensord.journal import Journal
from sensord.model import (
    ALGORITHM,
    NS,
    Event,
    Input,
    Json,
    Mark,
    MarkKind,
    RunSetup,
    RunState,
    Tick,
)
from sensord.pipeline import Pipeline
from sensord.recording import Anchor, RecordedRun, RunFile, read_run
from sensord.store import Store
from sensord.wall_clock import ClockChange

log = logging.getLogger(__name__)

RESUME_WITHIN_S = 600.0
"""Design (the life of a run): after a crash within 10 minutes a run is resumed, later it ends where it stopped."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears of what happens; called in the event loop's thread, must not block."""

    events: Callable[[str, Sequence[Event]], None]
    begun: Callable[[RunSetup], None]
    ended: Callable[[str, Mapping[str, Json] | None], None]


class CurrentRun:
    """Holds at most one run. Inputs carry boot time in `t_ns`; here they become run time."""

    def __init__(
        self,
        *,
        folder: Path,
        store: Store,
        journal: Journal,
        listener: Listener,
        setup: Callable[[str], RunSetup],
        clock_trusted: Callable[[], bool],
    ) -> None:
        """`setup` makes the setup of a new run from its id; `store` is a reading connection."""
        self._folder = folder
        self._store = store
        self._journal = journal
        self._listener = listener
        self._setup = setup
        self._clock_trusted = clock_trusted
        self._pipeline: Pipeline | None = None
        self._run_setup: RunSetup | None = None
        self._zero_ns = 0
        self._wall_anchor_ns: int | None = None
        self._links: dict[str, Mark] = {}
        self._batteries: dict[str, Mark] = {}
        self._resting = False
        self._moved = False
        self._summary: Mapping[str, Json] | None = None

    # ------------------------------------------------------------------------------------------ what others see

    @property
    def run(self) -> str | None:
        """The id of the run that is on."""
        return self._run_setup.run if self._run_setup else None

    def now_ns(self, run: str) -> int | None:
        """Run time now, for the run that is on; None for any other."""
        return host.boottime_ns() - self._zero_ns if run == self.run else None

    def at_ns(self, boottime_ns: int) -> int | None:
        """Run time of an instant since boot; None without a run."""
        return boottime_ns - self._zero_ns if self._run_setup else None

    @property
    def wall_anchor_ns(self) -> int | None:
        """Wall time of run time 0, of the run that is on; None without one, or while nobody knows."""
        return self._wall_anchor_ns if self._run_setup else None

    @property
    def state(self) -> RunState | None:
        """Where it is in its life."""
        return self._pipeline.state if self._pipeline else None

    @property
    def linked(self) -> dict[str, int | None]:
        """The linked pods and their battery in percent (None while unknown)."""
        return {pod: self._batteries[pod].data["percent"] if pod in self._batteries else None for pod in self._links}

    # ------------------------------------------------------------------------------------------ inputs

    def push(self, item: Input) -> None:
        """One input, stamped with boot time. Begins a run when none is on and the input is a pod's."""
        if isinstance(item, Mark):
            self._remember(item)
        if self._pipeline is None:
            if isinstance(item, Tick) or not self._links:
                return
            if self._resting and not (isinstance(item, Mark) and item.kind is MarkKind.LINK_UP):
                return  # she ended her run: walking home is not the next one
            self._begin()
            if isinstance(item, Mark):
                return  # it was among the links that the new run began with
        self._take(replace(item, t_ns=item.t_ns - self._zero_ns))

    def clock_changed(self, change: ClockChange) -> None:
        """Note it in the run that is on, and give an anchor to the runs of this boot that had none."""
        now_ns = host.boottime_ns()
        wall_ns = change.boot_wall_ns + now_ns
        if self._pipeline is not None:
            data = {"wall_ns": wall_ns, "step_s": round(change.step_s, 3), "trusted": change.trusted}
            self._take(Mark(now_ns - self._zero_ns, MarkKind.CLOCK, data))
        if not change.trusted:
            return
        if self._wall_anchor_ns is None:
            self._wall_anchor_ns = change.boot_wall_ns + self._zero_ns
        on, on_zero_ns, boot = self.run, self._zero_ns, host.boot_id()

        def anchor(store: Store) -> None:
            for run in store.runs(include_discarded=True):
                if run.begun_wall_ns is not None:
                    continue
                if run.run == on:  # of this boot, even if it began in another and was resumed
                    store.set_anchor(run.run, change.boot_wall_ns + on_zero_ns)
                elif run.boot_id == boot:
                    store.set_anchor(run.run, change.boot_wall_ns + run.boottime_ns)

        self._journal.call(anchor)

    def wall_time_lost(self, run: str) -> bool:
        """Whether a run without wall time will never get one: it is over, and so is the boot it began in."""
        return run != self.run and self._store.run(run).boot_id != host.boot_id()

    def start(self) -> bool:
        """Begin a run by order, after one was ended by order; False when one is on or no pod is linked."""
        if self._pipeline is not None or not self._links:
            return False
        self._begin()
        return True

    def end(self, by: str) -> bool:
        """End the run that is on, by order; False when there is none. The next begins by order or with a new link."""
        if self._pipeline is None:
            return False
        self._resting = True
        self.push(Mark(host.boottime_ns(), MarkKind.COMMAND, {"command": "end", "by": by}))
        return True

    def _take(self, item: Input) -> None:
        if self._pipeline is None or self._run_setup is None:
            return
        self._journal.add(item)
        self._tell(self._pipeline.push(item))

    def _tell(self, events: Sequence[Event]) -> None:
        if not events or self._run_setup is None:
            return
        run = self._run_setup.run
        self._journal.events(run, ALGORITHM, events)
        self._listener.events(run, events)
        for event in events:
            match event.kind:
                case "summary":
                    self._summary = event.payload
                case "run" if event.payload["state"] == RunState.RUNNING.value:
                    self._moved = True
                case "run" if event.payload["state"] == RunState.ENDED.value:
                    self._finish()
                    return

    def _remember(self, mark: Mark) -> None:
        pod = str(mark.data.get("pod"))
        match mark.kind:
            case MarkKind.LINK_UP:
                self._links[pod] = mark
            case MarkKind.LINK_DOWN:
                self._links.pop(pod, None)
            case MarkKind.BATTERY:
                self._batteries[pod] = mark
            case _:
                pass

    # ------------------------------------------------------------------------------------------ begin and end

    def _begin(self) -> None:
        self._resting = False
        setup = self._setup(str(ULID()))
        now_ns = host.boottime_ns()
        anchor = Anchor(
            wall_ns=host.wall_ns(), boottime_ns=now_ns, boot_id=host.boot_id(), wall_trusted=self._clock_trusted()
        )
        path = self._folder / f"{setup.run}.run"
        self._journal.begin(lambda: RunFile.create(path, setup, anchor), setup, anchor)
        self._open(setup, now_ns, anchor.wall_ns if anchor.wall_trusted else None)
        for mark in [*self._links.values(), *(m for pod, m in self._batteries.items() if pod in self._links)]:
            self._take(replace(mark, t_ns=0))

    def _open(self, setup: RunSetup, zero_ns: int, wall_anchor_ns: int | None) -> None:
        self._run_setup, self._zero_ns, self._wall_anchor_ns = setup, zero_ns, wall_anchor_ns
        self._pipeline = Pipeline(setup)
        self._moved, self._summary = False, None
        self._listener.begun(setup)

    def _finish(self) -> None:
        assert self._run_setup is not None
        run, summary = self._run_setup.run, self._summary
        self._journal.end(keep=self._moved)
        self._pipeline = self._run_setup = None
        self._listener.ended(run, summary if self._moved else None)

    # ------------------------------------------------------------------------------------------ after a crash

    def recover(self) -> None:
        """Runs that were never ended: the newest goes on when it is young enough, all others end where they stopped."""
        unsealed: list[RecordedRun] = []
        for path in sorted(self._folder.glob("*.run")):
            if self._store.knows(path.stem) and self._store.run(path.stem).state == "ended":
                continue
            try:
                recorded = read_run(path)
            except InputError as error:
                log.error("%s (left where it is)", error)  # noqa: TRY400 - the line says it all
                continue
            for problem in recorded.problems:
                log.warning("%s", problem)
            if recorded.sealed is None:
                unsealed.append(recorded)
        for index, recorded in enumerate(unsealed):
            self._replay(recorded, resume=index == len(unsealed) - 1)

    def _replay(self, recorded: RecordedRun, *, resume: bool) -> None:
        path, setup = recorded.path, recorded.setup
        gap_s = self._gap_s(recorded)
        zero_ns = host.boottime_ns() - recorded.last_t_ns - int(gap_s * NS)
        self._journal.begin(lambda: RunFile.resume(path), setup, recorded.anchor)
        anchor = recorded.anchor
        known_ns = self._store.run(setup.run).begun_wall_ns if self._store.knows(setup.run) else None
        self._open(setup, zero_ns, known_ns or (anchor.wall_ns if anchor.wall_trusted else None))
        for item in recorded.inputs():
            if self._pipeline is None:
                return
            self._tell(self._pipeline.push(item))
        if self._pipeline is None:
            return
        if resume and gap_s <= RESUME_WITHIN_S:
            data = {"gap_s": round(gap_s, 3), "boot_id": host.boot_id()}
            self._take(Mark(recorded.last_t_ns + int(gap_s * NS), MarkKind.RESUMED, data))
            log.warning("run %s goes on after a break of %.1f s", setup.run, gap_s)
        else:
            self._take(Mark(recorded.last_t_ns, MarkKind.COMMAND, {"command": "end", "by": "recovery"}))
            log.warning("run %s was left open %.0f s ago; it ends where it stopped", setup.run, gap_s)

    def _gap_s(self, recorded: RecordedRun) -> float:
        """How long nothing was recorded: by the boot's own clock, or by the wall after a restart of the machine."""
        anchor = recorded.anchor
        if anchor.boot_id == host.boot_id():
            gap_ns = host.boottime_ns() - anchor.boottime_ns - recorded.last_t_ns
        else:
            gap_ns = host.wall_ns() - anchor.wall_ns - recorded.last_t_ns
        return max(gap_ns / NS, 0.0)
