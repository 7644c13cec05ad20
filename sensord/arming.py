"""`sensord arm`: starts the pods' own logs before she leaves; and what it shares with `sensord fetch` (`fetching`).

Nothing that a pod holds is erased before all of it is on our disk, unless somebody says so: how far each pod has come
is in `armed`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ulid import ULID

from sensord import host
from sensord.armed import WAITING, ArmedPod, ArmedState, Flight, Stage
from sensord.config import Settings
from sensord.datadir import DataDir, HeldError
from sensord.drivers import DRIVERS
from sensord.drivers.base import LoggingDriver, PodInfo, Wanted
from sensord.drivers.link import Backend, Identity
from sensord.drivers.log_link import Ears, LogConnection, linked
from sensord.drivers.radio import detail_of
from sensord.errors import InputError, LinkError, LinkReason, Problem
from sensord.model import NS, Json, PodSetup, RunSetup
from sensord.plan_book import counting, day_json
from sensord.pod_time import ClockFix
from sensord.run_setup import HISTORY_RUNS, plan_of, run_setup
from sensord.store import Store
from sensord.store_pairings import pairings


@dataclass(frozen=True, slots=True)
class Clocks:
    """What time it is. `ago_ns` sets it back, for pods that are simulated to have been away."""

    ago_ns: int = 0

    def now_ns(self) -> int:
        """Time since boot."""
        return host.boottime_ns() - self.ago_ns

    def wall_ns(self) -> int:
        """Wall time."""
        return host.wall_ns() - self.ago_ns


@dataclass(frozen=True, slots=True)
class PodReport:
    """What became of one pod, in a line for people."""

    pod: str
    side: str | None
    ok: bool
    text: str
    details: dict[str, Json] = field(default_factory=dict)


Say = Callable[[str], None]


class Base:
    """What both commands work on: settings, the folder, the radio, a clock, somebody to tell."""

    def __init__(
        self,
        settings: Settings,
        *,
        backend: Backend | None = None,
        clocks: Clocks = Clocks(),
        say: Say = print,
    ) -> None:
        self.settings = settings
        self.data = DataDir(settings.data_dir)
        self.state = ArmedState(settings.data_dir)
        self.backend = backend
        self.clocks = clocks
        self.say = say
        self.plan, self.plan_text = plan_of(settings)

    @contextlib.contextmanager
    def held(self) -> Iterator[Store]:
        """The store, with the lock held. InputError: a daemon holds it."""
        try:
            with self.data.lock(), contextlib.closing(Store.open(self.data.store, gateway=self.settings.gateway)) as s:
                self.state.create()
                yield s
        except HeldError as held:
            found = "a sensord that runs and holds the pods"
            raise InputError(Problem(str(self.data.path), "", found, "none: stop it first")) from held

    def fixed(self, pod: ArmedPod) -> Callable[[int, int, int], None]:
        """Notes a reading of a pod's clock."""

        def note(pod_ns: int, before_ns: int, after_ns: int) -> None:
            trusted = host.clock_trusted(self.settings.clock)
            pod.fixes.append(ClockFix(host.boot_id(), before_ns, after_ns, self.clocks.wall_ns(), trusted, pod_ns))

        return note

    def setup(self, run: str, store: Store | None, pods: Sequence[PodSetup], at_wall_ns: int | None = None) -> RunSetup:
        """A run of today, by the settings; without a store, without her earlier runs. `at_wall_ns`: when it began, if
        that is known; then it has her place in the plan at that time."""
        runner = self.plan.runner.alias if self.plan else self.settings.runner
        history = store.history(runner)[-HISTORY_RUNS:] if store else ()
        plan, plan_text = counting(store, runner, self.plan, self.plan_text) if store else (self.plan, self.plan_text)
        day = day_json(store, runner, self.plan, at_wall_ns) if store and at_wall_ns is not None else None
        return run_setup(self.settings, plan, plan_text, run=run, pods=tuple(pods), history=history, day=day)

    def report(self, pod: ArmedPod, text: str, *, ok: bool, **details: Json) -> PodReport:
        """One line, said and kept."""
        self.say(f"{'ok  ' if ok else 'look'}  {pod.name}: {text}")
        return PodReport(pod.pod, pod.side.value if pod.side else None, ok, text, details)


def driver_of(pod: ArmedPod) -> LoggingDriver:
    """The driver of a pod that can log."""
    driver = DRIVERS[pod.driver]
    assert isinstance(driver, LoggingDriver)
    return driver


# --------------------------------------------------------------------------------------------------------------- arm


async def arm(base: Base, *, erase: bool = False, simulated: bool = False) -> list[PodReport]:
    """Starts the log of every pod that has one; a line for each. InputError when none does."""
    with base.held() as store:
        setups, identities = _pods(base, store)
        flights = base.state.flights()
        clocks = base.clocks
        flight = Flight(str(ULID()), host.boot_id(), clocks.now_ns(), clocks.wall_ns(), [], simulated=simulated)
        came: list[tuple[ArmedPod, PodReport | str]] = []
        for setup in setups:
            pod = ArmedPod(setup.pod, setup.side, setup.driver)
            why_not = _why_not(pod, flights, erase=erase)
            if why_not is not None:
                came.append((pod, why_not))
                continue
            flight.pods.append(pod)
            base.state.save(flight)
            came.append((pod, await _arm_one(base, flight, pod, flights, identities.get(pod.pod), erase=erase)))
    if all(isinstance(what, str) for _, what in came):
        raise InputError([Problem("arm", pod.pod, str(why), "a pod whose log can begin") for pod, why in came])
    return [base.report(pod, what, ok=False) if isinstance(what, str) else what for pod, what in came]


def _pods(base: Base, store: Store) -> tuple[tuple[PodSetup, ...], dict[str, Identity]]:
    known = pairings(store)
    setups = base.settings.pods() or tuple(one.setup for one in known)
    if not setups:
        raise InputError(
            Problem("settings", "pod", "no pod", "a paired one (sensord pair), or a [[pod]] for each foot")
        )
    return setups, {one.pod: Identity(one.model, one.serial) for one in known}


def _why_not(pod: ArmedPod, flights: Sequence[Flight], *, erase: bool) -> str | None:
    if not isinstance(DRIVERS[pod.driver], LoggingDriver):
        return f"a {pod.driver} keeps no log that we can fetch (sensord pods)"
    for flight in flights:
        for other in flight.waiting:
            if other.pod == pod.pod and not erase:
                return (
                    f"armed at {_clock_words(flight)} and not fetched: sensord fetch, or arm --erase to lose that log"
                )
    return None


ONCE_MORE = frozenset((LinkReason.SERVICES,))
"""What may be over when it is tried again: services that were cut short. Not a lost answer: its log may run already."""


async def _arm_one(
    base: Base, flight: Flight, pod: ArmedPod, before: Sequence[Flight], identity: Identity | None, *, erase: bool
) -> PodReport | str:
    """What it logs; or why it does not."""
    percent: list[int] = []
    ears = Ears(base.clocks.now_ns, base.fixed(pod), battery=percent.append)
    driver = driver_of(pod)
    ours = [(f, other) for f in before for other in f.pods if other.pod == pod.pod and _on_board(other, erase=erase)]
    try:
        if ours or erase:
            async with linked(pod.pod, ears, base.backend) as link:
                await link.talk(driver.release())
            for older, other in ours:
                other.stage = Stage.FORGOTTEN if other.stage in WAITING else Stage.RELEASED
                base.state.save(older)
        try:
            info = await _begun(base, pod, ears, identity)
        except LinkError as error:
            if error.reason not in ONCE_MORE:
                raise
            info = await _begun(base, pod, ears, identity)
    except LinkError as error:
        if error.reason is LinkReason.LOST and pod.fixes:
            return "the link was lost while it was armed; arm again with --erase"
        flight.pods.remove(pod)
        base.state.save(flight)
        return f"not armed: {words(error)}"
    pod.info, pod.stage = info.to_json(), Stage.ARMED
    pod.fixes = [replace(fix, pod_boot=info.boot_id) for fix in pod.fixes]
    base.state.save(flight)
    minutes = info.details.get("log_minutes")
    battery = info.battery_pct if info.battery_pct is not None else next(iter(percent[::-1]), None)
    text = f"logs {info.rate_hz:g} Hz, ±{info.acc_range_g:g} g"
    text += "" if info.high_g_range_g is None else f" and ±{info.high_g_range_g:g} g"
    text += "" if minutes is None else f", for {minutes:,} minutes"
    text += ", battery not told" if battery is None else f", battery {battery} %"
    return base.report(pod, text, ok=True, minutes=minutes, battery_pct=battery, info=pod.info)


async def _begun(base: Base, pod: ArmedPod, ears: Ears, identity: Identity | None) -> PodInfo:
    """Its log runs; raises LinkError."""
    pod.fixes.clear()
    driver, wanted = driver_of(pod), base.settings.stream
    async with linked(pod.pod, ears, base.backend) as link:
        await link.battery(ears.battery)
        info = await link.talk(driver.arm(Wanted(wanted.rate_hz, wanted.acc_range_g, wanted.gyr_range_dps)))
        await _is_hers(link, driver, identity, info)
    return info


async def _is_hers(link: LogConnection, driver: LoggingDriver, identity: Identity | None, info: PodInfo) -> None:
    """Raises LinkError (IDENTITY) for a pod that is not the one that was paired; it logs no more."""
    try:
        if identity is not None:
            identity.check(info)
    except LinkError:
        with contextlib.suppress(LinkError):
            await link.talk(driver.release())
        raise


def _on_board(pod: ArmedPod, *, erase: bool) -> bool:
    """Whether it may still hold a log that can go: it is on our disk, or nobody wants it."""
    return pod.stage is Stage.FETCHED or (erase and pod.stage in WAITING)


def words(error: LinkError) -> str:
    """What is wrong with a link, in one line."""
    detail = detail_of(error)
    return error.reason.value + (f" ({detail})" if detail else "")


def _clock_words(flight: Flight) -> str:
    return datetime.fromtimestamp(flight.begun_wall_ns / NS).astimezone().strftime("%Y-%m-%d %H:%M")
