"""The gateway: one event loop that holds links, pipeline, sinks and page; two threads that keep things.

links --packets, marks--> CurrentRun --> journal (run file, then store) --> sinks, each behind its cursor
                                    \\-> page
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from sensord import host
from sensord.armed import any_on_board
from sensord.config import Settings
from sensord.current_run import CurrentRun, Listener
from sensord.daemon_bridge import Bridge, nobody, signals
from sensord.datadir import DataDir
from sensord.drivers.base import Wanted
from sensord.drivers.link import Air, Backend, Identity, PodLinks
from sensord.errors import InputError, InternalError, LinkReason, Problem, SensordError
from sensord.fact_log import FactLog
from sensord.incoming import take_in_waiting
from sensord.journal import Journal, end_sealed_runs
from sensord.model import (
    ALGORITHM,
    Alert,
    AlertPhase,
    Event,
    Json,
    Level,
    Mark,
    MarkKind,
    RunSetup,
    RunState,
    StoredEvent,
    Tick,
)
from sensord.outlets import StoreLog, influx_sink, mqtt_sink, open_outlets
from sensord.outlets_people import acknowledge, people_gaps, person_sinks
from sensord.page_doors import RunCommands, StoreRuns, door_plate, kept_token
from sensord.plan.limits import Limits
from sensord.plan_keeper import PlanKeeper, take_plan_file
from sensord.preflight import Check, preflight
from sensord.run_setup import HISTORY_RUNS, plan_of, run_setup
from sensord.sinks.base import Health, SinkState
from sensord.sinks.influx import InfluxSink
from sensord.sinks.mqtt import MqttSink
from sensord.sinks.people import Clocks, PersonSink
from sensord.sinks.people_rules import Policy, policy_of
from sensord.store import Store
from sensord.store_pairings import Pairing, pairings
from sensord.tally import Tally
from sensord.terminal import Terminal, qr_text
from sensord.wall_clock import WallClock
from sensord.web.live import LiveView
from sensord.web.plan_view import short
from sensord.web.server import Page

log = logging.getLogger(__name__)

TICK_S = 1.0
"""Contract: a tick a second is recorded, so that silence and time limits need no data."""


LOOK_EVERY_S = 600
"""Design choice: how often the plan is looked at though nothing was said: answers that do not come decide, too."""


class Gateway:
    """One daemon: everything it needs from outside comes in here, `run` returns what it saw."""

    def __init__(
        self,
        settings: Settings,
        *,
        backend: Backend | None = None,
        page: bool = True,
        say: Callable[[str], None] = print,
    ) -> None:
        """`backend` replaces the radio; `say` gets the few lines that a person at the terminal should see."""
        self._settings = settings
        self._backend = backend
        self._with_page = page and settings.web.enabled
        self._say = Terminal(say)
        plan, self._plan_text = plan_of(settings)
        self._runner = plan.runner.alias if plan else settings.runner
        self._keeper: PlanKeeper | None = None
        self._saying: set[asyncio.Task[None]] = set()
        self._drawing = asyncio.Lock()
        self._wake: Callable[[], None] = nobody
        self._pods = settings.pods()
        self._identities: dict[str, Identity] = {}
        self._mqtt: MqttSink | None = None
        self._current: CurrentRun | None = None
        self._page: Page | None = None
        self._sink_states: dict[str, SinkState] = {}
        self._tally = Tally()
        self._checked: list[Check] = []
        self._recovering = False
        self._away: set[str] = set()
        self._wall_clock = WallClock(lambda: host.clock_trusted(settings.clock))

    async def run(
        self, seconds: float | None = None, *, stop: asyncio.Event | None = None, air: Air | None = None
    ) -> Tally:
        """Until SIGINT or SIGTERM, or for so many seconds; ends the run that is on and returns what was seen.

        With `stop` it ends when that is set, and signals are the caller's; `air` is a radio that others use, too.
        InputError: the data directory is held by another or cannot be used, or the page's address is taken.
        """
        settings, data = self._settings, DataDir(self._settings.data_dir)
        async with contextlib.AsyncExitStack() as stack:
            if stop is None:
                stop = asyncio.Event()
                stack.enter_context(signals(stop))
            stack.enter_context(data.lock())
            writer = Store.open(data.store, gateway=settings.gateway)
            end_sealed_runs(writer, data)
            take_in_waiting(data, writer)
            plan_text = take_plan_file(writer, self._runner, self._plan_text, now_wall_ns=host.wall_ns())
            if plan_text != self._plan_text:
                self._say("look  the plan on file is newer than the one that the settings name, and counts")
            bridge = Bridge(asyncio.get_running_loop())
            journal = Journal(writer, on_stored=bridge.stored, on_error=bridge.fail)
            stack.enter_context(contextlib.closing(journal))
            reader = Store.open(data.store, gateway=settings.gateway, readonly=True)
            stack.enter_context(contextlib.closing(reader))
            self._use_pairings(pairings(reader))
            self._keeper = PlanKeeper(
                self._runner, plan_text, store=reader, journal=journal, changed=self._plan_changed
            )
            current = self._current = self._current_run(data, reader, journal)
            sinks = self._sinks(current, reader, journal)
            outlets = await stack.enter_async_context(
                open_outlets(
                    sinks,
                    StoreLog(reader, journal),
                    self._sink_changed,
                    facts=FactLog(reader, journal, settings.site),
                )
            )
            bridge.wake = self._wake = outlets.wake
            await self._open_page(stack, reader, journal, current)
            self._recover(current)
            if self._mqtt:
                self._mqtt.wait_for_log()
            looking = [asyncio.create_task(self._first_look(sink), name=f"look at {sink.name}") for sink in sinks]
            try:
                watched = [*outlets.pumps, bridge.failed]
                await self._until_told(self._links(current, air), current, watched, stop, seconds)
            finally:
                for look in looking:
                    look.cancel()
            if journal.failure is None:
                await asyncio.gather(*self._saying, return_exceptions=True)
                await asyncio.wrap_future(journal.sync())
        return self._tally

    # ------------------------------------------------------------------------------------------ the loop

    async def _until_told(
        self,
        links: PodLinks,
        current: CurrentRun,
        watched: Sequence[asyncio.Future[None]],
        stop: asyncio.Event,
        seconds: float | None,
    ) -> None:
        """Links and ticks until a signal, the time, or a failure of ours; then the run that is on ends."""
        linking = asyncio.create_task(links.run(), name="links")
        ticking = asyncio.create_task(self._tick(current), name="ticks")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        tasks: set[asyncio.Future[Any]] = {linking, ticking, stopping, *watched}
        try:
            done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for own in (linking, ticking, stopping):
                own.cancel()
            # the links stop their pods first, so that the last packets still belong to the run
            await asyncio.gather(linking, ticking, stopping, return_exceptions=True)
        for task in done - {stopping}:
            task.result()  # what ended by itself has failed: the run stays open, to be resumed
        current.end("sensord stopped" if not done else "signal")

    def _links(self, current: CurrentRun, air: Air | None) -> PodLinks:
        wanted = self._settings.stream
        return PodLinks(
            self._pods,
            on_packet=current.push,
            on_mark=lambda mark: self._pod_mark(current, mark),
            now_ns=host.boottime_ns,
            wanted=Wanted(
                rate_hz=wanted.rate_hz,
                acc_range_g=wanted.acc_range_g,
                gyr_range_dps=wanted.gyr_range_dps,
                keep_log=any_on_board(self._settings.data_dir),
            ),
            backend=self._backend,
            acquire=[pod.address for pod in self._settings.pod if pod.notify == "acquire"],
            identities=self._identities,
            air=air,
        )

    def _use_pairings(self, known: Sequence[Pairing]) -> None:
        """Paired pods when the settings name none; and what each said it was, wherever it is named."""
        self._pods = self._pods or tuple(one.setup for one in known)
        if not self._pods:
            raise InputError(
                Problem("settings", "pod", "no pod", "a paired one (sensord pair), or a [[pod]] for each foot")
            )
        self._identities = {one.pod: Identity(one.model, one.serial) for one in known}

    def _recover(self, current: CurrentRun) -> None:
        """Take up what a crash left; what was said then is not said again."""
        self._recovering = True
        try:
            current.recover()
        finally:
            self._recovering = False

    async def _first_look(self, sink: InfluxSink | MqttSink | PersonSink) -> None:
        """A server that is away is named at the start, not with the first event that it misses."""
        problem = await sink.check()
        if problem is not None:
            self._sink_away(sink.name, problem)

    async def _tick(self, current: CurrentRun) -> None:
        loop = asyncio.get_running_loop()
        next_s = loop.time()
        for ticks in itertools.count():
            if ticks % LOOK_EVERY_S == 0:
                self._look_at_plan()
            current.push(Tick(host.boottime_ns(), host.wall_ns()))
            change = self._wall_clock.look()
            if change is not None:
                current.clock_changed(change)
            self._preflight(current)
            next_s = max(next_s + TICK_S, loop.time())
            await asyncio.sleep(next_s - loop.time())

    def _pod_mark(self, current: CurrentRun, mark: Mark) -> None:
        """What happened to a link goes into the run, and to the person at the terminal."""
        current.push(mark)
        side = next(pod.side for pod in self._pods if pod.pod == mark.data["pod"])
        what = f"{side} pod" if side else "sensor"
        match mark.kind:
            case MarkKind.LINK_UP:
                info = mark.data["info"]
                tells = f", {info['rate_hz']:g} Hz, ±{info['acc_range_g']:g} g" if info["rate_hz"] else ""
                self._say(f"ok    {what} linked: {info['model']}{tells}")
            case MarkKind.LINK_DOWN if mark.data["reason"] != LinkReason.STOPPED.value:
                detail = f" ({mark.data['detail']})" if mark.data.get("detail") else ""
                self._say(f"look  {what}: {mark.data['reason']}{detail}; trying again")
            case _:
                pass

    def _preflight(self, current: CurrentRun) -> None:
        """While a run is ready, say what is missing; once for each change."""
        if current.state is not RunState.READY:
            return
        checks = preflight(
            runner=self._runner,
            plan=self._keeper.plan if self._keeper else None,
            pods=self._pods,
            linked=current.linked,
            data_dir=self._settings.data_dir,
            clock_trusted=self._wall_clock.trusted,
        )
        for check in checks:
            if check not in self._checked:
                self._say(f"{'ok  ' if check.fine else 'look'}  {check.text}")
        self._checked = checks

    # ------------------------------------------------------------------------------------------ what it is made of

    def _current_run(self, data: DataDir, reader: Store, journal: Journal) -> CurrentRun:
        return CurrentRun(
            folder=data.runs,
            store=reader,
            journal=journal,
            listener=Listener(events=self._events, begun=self._begun, ended=self._ended),
            setup=lambda run: self._setup(run, reader.history(self._runner)[-HISTORY_RUNS:]),
            clock_trusted=lambda: self._wall_clock.trusted,
        )

    def _setup(self, run: str, history: tuple[Mapping[str, Json], ...] = ()) -> RunSetup:
        keeper = self._keeper
        if keeper is None:
            raise InternalError("a run was set up before the plan was read")
        return run_setup(
            self._settings,
            keeper.plan,
            keeper.text,
            run=run,
            pods=self._pods,
            history=history,
            day=keeper.day(clock_trusted=self._wall_clock.trusted),
        )

    def _policy(self) -> Policy:
        return policy_of(self._keeper.plan if self._keeper else None)

    def _sinks(self, current: CurrentRun, reader: Store, journal: Journal) -> list[InfluxSink | MqttSink | PersonSink]:
        self._mqtt = mqtt_sink(
            self._settings,
            runner=self._runner,
            on_command=lambda name, by: self._told(current, name, by),
            on_said=lambda what, said: self._said(journal, what, said),
            run_now_ns=current.now_ns,
            newest_run=reader.newest_run,
            journal=journal,
            rules=Limits(self._keeper.plan if self._keeper else None, self._setup("")).rules,
        )
        made = (influx_sink(self._settings, wall_time_lost=current.wall_time_lost), self._mqtt)
        for gap in people_gaps(self._settings, self._policy()):
            self._say(f"look  {gap}")
        clocks = Clocks(host.wall_ns, current.now_ns)
        people = person_sinks(self._settings, reader, journal, self._policy, clocks)
        return [*(sink for sink in made if sink is not None), *people]

    async def _open_page(
        self, stack: contextlib.AsyncExitStack, reader: Store, journal: Journal, current: CurrentRun
    ) -> None:
        if not self._with_page:
            return
        web = self._settings.web
        alone = web.host in ("127.0.0.1", "::1", "localhost")
        token = None if alone else kept_token(self._settings.data_dir)
        page = Page(
            LiveView(),
            commands=RunCommands(current, journal, DataDir(self._settings.data_dir), acknowledged=self._show_plan),
            runs=StoreRuns(reader),
            plan=self._keeper,
            allowed_hosts=[*web.allowed_hosts, *([] if alone else host.names())],
            token=token,
        )
        link = await page.start(web.host, web.port)
        stack.push_async_callback(page.stop)
        here = "127.0.0.1" if web.host in ("0.0.0.0", "::") else web.host  # noqa: S104 - told apart, not bound
        port = link.rpartition(":")[2].partition("/")[0]
        stack.enter_context(door_plate(self._settings.data_dir, f"http://{here}:{port}", token))
        self._page = page
        self._show_plan()
        self._say(f"the page: {link}")
        if token is not None:
            self._say(qr_text(link))

    # ------------------------------------------------------------------------------------------ who listens

    def _begun(self, setup: RunSetup) -> None:
        if self._page:
            self._page.live.begin(setup)
            self._page.refresh()

    def _events(self, run: str, events: Sequence[Event]) -> None:
        for event in events:
            if self._page:
                self._page.publish(event)
            if event.kind == Alert.KIND and not self._recovering:
                self._hurry(run, event)
            if event.kind == Alert.KIND and event.payload["level"] == Level.URGENT.value:
                self._show_behind()
            if event.kind == Alert.KIND and not self._recovering:
                level = "ok" if event.payload["phase"] == AlertPhase.RECOVERY else event.payload["level"]
                self._say(f"{level:<4}  {event.payload['text']}")

    def _hurry(self, run: str, event: Event) -> None:
        """An alert goes to MQTT ahead of the log, as the log will bring it; its `seq` nobody knows yet."""
        if self._mqtt is None:
            return
        anchor_ns = self._current.wall_anchor_ns if self._current else None
        place = (self._runner, self._settings.site, anchor_ns)
        self._mqtt.hurry(StoredEvent(0, run, event.n, ALGORITHM, event.t_ns, event.kind, event.payload, *place))

    def _ended(self, _run: str, summary: Mapping[str, Json] | None) -> None:
        self._tally.add(summary)
        self._look_at_plan()
        self._checked = []

    def _look_at_plan(self) -> None:
        """Behind what was handed to the journal: what the plan decides now is kept and told."""
        if self._keeper is not None and self._wall_clock.trusted:
            self._in_background("plan", self._keeper.look())

    def _plan_changed(self) -> None:
        self._wake()
        self._show_plan()

    def _show_plan(self) -> None:
        """The live page's short line of the plan, and what is urgent and unseen."""
        if self._page and self._keeper:
            task = asyncio.create_task(self._draw_plan(self._page, self._keeper), name="plan of the page")
            self._saying.add(task)
            task.add_done_callback(self._saying.discard)

    async def _draw_plan(self, page: Page, keeper: PlanKeeper) -> None:
        async with self._drawing:  # one after the other: the newest is shown last
            page.live.plan(short(await keeper.drawn()))
        page.refresh()

    def _show_behind(self) -> None:
        """Once what was told is stored, what nobody has seen yet is shown as that."""
        if self._keeper is not None:
            self._in_background("plan", self._keeper.stored())

    def _sink_changed(self, state: SinkState) -> None:
        self._sink_states[state.name] = state
        if self._page:
            self._page.live.sinks(self._sink_states.values())
            self._page.refresh()
            if state.name in self._settings.people:
                self._show_plan()  # who was told what
        if state.health is Health.AWAY and state.detail is not None:
            self._sink_away(state.name, state.detail)
        elif state.health is Health.OK and state.cursor > 0 and state.name in self._away:
            self._away.discard(state.name)
            self._say(f"ok    {state.name} is back")

    def _sink_away(self, name: str, detail: str) -> None:
        if name not in self._away:
            self._away.add(name)
            self._say(f"look  {name} is away ({detail}); what it misses is kept for it")

    def _told(self, current: CurrentRun, command: str, by: str) -> None:
        done = current.start() if command == "start" else current.end(by)
        if not done:
            log.info("%s asked to %s a run, which cannot be done now", by, command)

    def _said(self, journal: Journal, what: str, said: Mapping[str, Json]) -> None:
        """What came over MQTT: kept in the background; what does not fit is told here, for nobody waits there."""
        keeping: Coroutine[Any, Any, object]
        if what == "ack":
            keeping = acknowledge(journal, said)
        elif what == "checkin" and self._keeper is not None:
            keeping = self._keeper.check_in(said)
        else:
            return
        self._in_background(what, keeping)

    def _in_background(self, what: str, keeping: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(self._keep_said(what, keeping), name=what)
        self._saying.add(task)
        task.add_done_callback(self._saying.discard)

    async def _keep_said(self, what: str, keeping: Coroutine[Any, Any, object]) -> None:
        try:
            await keeping
            self._show_plan()
        except SensordError as error:
            self._say(f"look  {what}: {error}")
