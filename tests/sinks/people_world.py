"""A real store, a clock that stands until it is moved, and channels that do as they are told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

from sensord import store_receipts
from sensord.model import ALGORITHM, NS, Alert, AlertPhase, Event, Level, RunSetup, StoredEvent, payload
from sensord.plan.programme import AlertLevel, Alerts
from sensord.sinks.base import Backoff, SinkState, pump
from sensord.sinks.letter import Channel, Letter, Taken
from sensord.sinks.notices import Key, Notice
from sensord.sinks.people import Clocks, PersonSink
from sensord.sinks.people_rules import Policy
from sensord.sinks.receipts import Lasting, Receipt, State
from sensord.store import Store
from tests.sinks.made_events import RUN, until
from tests.sinks.test_sinks_from_store import StoreLog

NOON_NS = 1_764_068_400 * NS
"""2025-11-25 11:00 UTC: noon in Berlin."""
BEGUN_NS = NOON_NS - 3600 * NS
"""When the run began."""


def alerts_of(**levels: Sequence[str] | AlertLevel) -> Alerts:
    """`stop=["therapist"]`: that level is told to them."""
    made = {name: who if isinstance(who, AlertLevel) else AlertLevel(who=list(who)) for name, who in levels.items()}
    return Alerts(**made)  # type: ignore[arg-type]


ALL = Policy(
    alerts_of(info=["therapist"], warn=["therapist"], stop=["therapist"], urgent=["therapist"]),
    'the plan "Back to 5 km" (Dr. Example)',
    "Europe/Berlin",
)


class Clock:
    """Wall time that moves when it is told to."""

    def __init__(self, wall_ns: int = NOON_NS) -> None:
        self.wall_ns = wall_ns

    def __call__(self) -> int:
        return self.wall_ns

    def forward(self, *, s: float = 0.0, minutes: float = 0.0, hours: float = 0.0) -> None:
        self.wall_ns += round((s + 60 * minutes + 3600 * hours) * NS)


class Book:
    """The store's book, on one connection; it also keeps `notes` in the order in which they came."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.notes: list[Receipt] = []

    async def begin(self, sink: str) -> None:
        store_receipts.begin(self.store, sink)

    async def states(self, person: str, alerts: Collection[str]) -> Mapping[Key, State]:
        return store_receipts.states(self.store, person, alerts)

    async def seen(self, alerts: Collection[str]) -> Collection[str]:
        return store_receipts.seen(self.store, alerts)

    async def last_summary_ns(self, person: str) -> int | None:
        return store_receipts.last_summary_ns(self.store, person)

    async def held(self, person: str) -> Sequence[Notice]:
        return store_receipts.held(self.store, person)

    async def posted(self, person: str, since_wall_ns: int) -> Sequence[Notice]:
        return store_receipts.posted(self.store, person, since_wall_ns)

    async def alerts_after(self, seq: int) -> Sequence[StoredEvent]:
        return store_receipts.alerts_after(self.store, seq)

    async def lasting(self, person: str) -> Sequence[Lasting]:
        return store_receipts.lasting(self.store, person)

    async def note(self, receipts: Sequence[Receipt]) -> None:
        self.notes += receipts
        store_receipts.note(self.store, receipts)

    async def acknowledge(self, alert: str, who: str) -> None:
        store_receipts.ack(self.store, alert, who)


class Scripted:
    """A channel that does what it is told, one instruction a letter, and takes everything when none is left."""

    def __init__(self, *script: object, poison: str | None = None) -> None:
        self.script = list(script)
        self.poison = poison
        self.asked: list[Letter] = []
        self.letters: list[Letter] = []
        self.closed = False

    async def deliver(self, letter: Letter) -> Taken:
        self.asked.append(letter)
        step = self.script.pop(0) if self.script else None
        if isinstance(step, BaseException):
            raise step
        if self.poison and any(self.poison in notice.text for notice in letter.notices):
            from sensord.errors import Refused

            raise Refused(f"no {self.poison}")
        self.letters.append(letter)
        return step if isinstance(step, Taken) else Taken(State.DELIVERED, "taken")

    async def check(self) -> str | None:
        return "it is scripted"

    async def close(self) -> None:
        self.closed = True

    @property
    def names(self) -> list[list[str]]:
        """What went out: of each letter the alert and phase of its notices."""
        return [[f"{notice.rule} {notice.phase.value}" for notice in letter.notices] for letter in self.letters]


class World:
    """One gateway's store with a run that is on, and what is stored in it."""

    def __init__(self, folder: Path, *, anchor_ns: int | None = BEGUN_NS) -> None:
        self.store = Store.open(folder / "sensord.db", gateway="gw")
        self.log = StoreLog(self.store)
        self.book = Book(self.store)
        self.clock = Clock()
        self.policy = ALL
        self._numbers = count()
        if not self.store.knows(RUN):
            self.begin(RUN, anchor_ns)

    def begin(self, run: str, anchor_ns: int | None = BEGUN_NS, runner: str = "anna") -> None:
        setup = RunSetup(run=run, runner=runner, site="home", gateway="gw", pods=())
        self.store.begin_run(setup, file=f"{run}.run", boot_id="b", boottime_ns=1, begun_wall_ns=anchor_ns)

    def sink(self, channel: Channel, person: str = "therapist", **settings: object) -> PersonSink:
        clocks = Clocks(self.clock)
        settings.setdefault("tend_s", 3600.0)
        return PersonSink(person, channel, self.book, lambda: self.policy, clocks=clocks, **settings)  # type: ignore[arg-type]

    def alert(
        self,
        rule: str = "limit.distance",
        level: Level = Level.STOP,
        phase: AlertPhase = AlertPhase.ONSET,
        *,
        ago_s: float = 0.0,
        onset_ago_s: float | None = None,
        run: str = RUN,
        text: str | None = None,
    ) -> str:
        """Store an alert of so many seconds ago (now, by the clock); gives its id."""
        t_ns = self.clock.wall_ns - BEGUN_NS - round(ago_s * NS)
        onset_ns = t_ns if onset_ago_s is None else self.clock.wall_ns - BEGUN_NS - round(onset_ago_s * NS)
        ended = phase is AlertPhase.RECOVERY
        alert = Alert(
            id=f"{run}/{rule}/{level.value}/{onset_ns}", phase=phase, level=level, rule=rule, metric="distance",
            unit="m", value=101.5, limit=100.0, cue="Back inside limit" if ended else "Walk home",
            text=text or f"Distance 101 m of 100 m ({rule}). 20 m remain.", onset_ns=onset_ns,
            duration_s=(t_ns - onset_ns) / NS if ended else None,
        )  # fmt: skip
        self.store.append(run, ALGORITHM, [Event(next(self._numbers), t_ns, Alert.KIND, payload(alert))])
        return alert.id

    def noise(self, events: int = 3, run: str = RUN) -> None:
        """Events that concern nobody."""
        for _ in range(events):
            note = {"foot": None, "code": "note", "text": "treadmill"}
            self.store.append(run, ALGORITHM, [Event(next(self._numbers), 1, "note", note)])

    async def carry(self, sink: PersonSink) -> list[SinkState]:
        """Pump until everything stored is done with."""
        states: list[SinkState] = []
        async with pumping(sink, self.log, states.append):
            await until(lambda: self.store.cursor(sink.name) == self.store.last_seq())
        return states

    def states(self, alert: str, person: str = "therapist") -> list[str]:
        """What became of an alert's onset, in order."""
        kept = store_receipts.receipts(self.store, [alert])
        return [r.state.value for r in kept if r.person == person and r.phase.value == "onset"]


@contextlib.asynccontextmanager
async def pumping(sink: PersonSink, log: StoreLog, report: Callable[[SinkState], None], batch: int = 500):
    task = asyncio.create_task(
        pump(sink, log, asyncio.Event(), report=report, idle_s=0.005, batch=batch, backoff=Backoff(0.001, 0.002))
    )
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.contextmanager
def opened(folder: Path, **settings: object) -> Iterator[World]:
    world = World(folder, **settings)  # type: ignore[arg-type]
    try:
        yield world
    finally:
        world.store.close()
