"""`sensord doctor`: does everything a run needs work, and if not, what to do about it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from dataclasses import dataclass
from enum import StrEnum

from sensord import host
from sensord.config import Settings
from sensord.datadir import DataDir
from sensord.drivers.link import Backend, adapter_problem
from sensord.errors import SensordError
from sensord.model import Side
from sensord.outlets import influx_sink, mqtt_sink
from sensord.outlets_people import channel_of, people_gaps
from sensord.preflight import DISK_LOW_H
from sensord.radio_findings import radio_findings
from sensord.run_setup import plan_of
from sensord.sinks.people_rules import policy_of
from sensord.store import Store
from sensord.store_pairings import Pairing, pairings

CHECK_S = 15.0
"""Design choice: a check that has not answered by then has failed."""


class Verdict(StrEnum):
    """What a check came to."""

    OK = "ok"
    LOOK = "look"  # works, but a person should know
    BAD = "bad"
    NOT_SET = "not set"  # nothing is configured, so nothing was checked


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at, and what a person can do about it."""

    name: str
    verdict: Verdict
    text: str


async def doctor(settings: Settings, *, backend: Backend | None = None) -> list[Finding]:
    """Look at everything once; nothing is changed, but for one message to ourselves through the broker."""
    return [
        _plan(settings),
        _pods(settings),
        _folder(settings),
        _clock(settings),
        await _asked("bluetooth", adapter_problem(backend), "an adapter is there and can scan"),
        *_radio(),
        await _influx(settings),
        await _mqtt(settings),
        *await _people(settings),
    ]


def healthy(findings: list[Finding]) -> bool:
    """Nothing is bad."""
    return all(finding.verdict is not Verdict.BAD for finding in findings)


def _plan(settings: Settings) -> Finding:
    try:
        plan, _ = plan_of(settings)
    except SensordError as error:
        return Finding("plan", Verdict.BAD, str(error))
    if plan is None:
        return Finding("plan", Verdict.NOT_SET, "no plan: everything is measured, no limit is checked")
    return Finding("plan", Verdict.OK, f"{plan.id} for {plan.runner.alias}")


def _pods(settings: Settings) -> Finding:
    sides = {pod.side for pod in settings.pod}
    missing = [side.value for side in Side if side not in sides]
    if not settings.pod:
        return _paired(settings)
    if not any(sides):
        return Finding("pods", Verdict.LOOK, "no pod for a foot: only speed, distance and cadence as sensors say")
    if missing:
        return Finding("pods", Verdict.LOOK, f"no pod for the {missing[0]} foot: asymmetry cannot be checked")
    named = [f"{pod.side or 'sensor'} {pod.address} ({pod.driver})" for pod in settings.pod]
    return Finding("pods", Verdict.OK, ", ".join(named))


def _paired(settings: Settings) -> Finding:
    store = DataDir(settings.data_dir).store
    known: list[Pairing] = []
    if store.exists():
        with contextlib.closing(Store.open(store, gateway="reader", readonly=True)) as reader:
            known = pairings(reader)
    if not known:
        return Finding("pods", Verdict.NOT_SET, "no pod is paired (sensord pair), and no [[pod]] is in the settings")
    return Finding("pods", Verdict.OK, ", ".join(f"{one.side or 'sensor'} {one.pod} ({one.driver})" for one in known))


def _radio() -> list[Finding]:
    verdicts = {True: Verdict.LOOK, False: Verdict.OK}
    return [Finding(found.name, verdicts[found.look], found.text) for found in radio_findings()]


def _folder(settings: Settings) -> Finding:
    folder = settings.data_dir
    if not host.writable(folder):
        return Finding("data", Verdict.BAD, f"{folder} cannot be written; set data_dir to a folder that can")
    hours = host.disk(folder).hours
    verdict = Verdict.OK if hours >= DISK_LOW_H else Verdict.LOOK
    return Finding("data", verdict, f"{folder}, room for {min(hours, 9999):.0f} hours of running")


def _clock(settings: Settings) -> Finding:
    if host.clock_trusted(settings.clock):
        return Finding("clock", Verdict.OK, "can be trusted")
    text = "cannot be trusted: no hardware clock and not synchronised; nothing goes to InfluxDB until it is"
    return Finding("clock", Verdict.LOOK, text)


async def _influx(settings: Settings) -> Finding:
    if settings.influx is None:
        return Finding("influxdb", Verdict.NOT_SET, "no [influx]: the built-in store and page are used")
    try:
        async with influx_sink(settings) as sink:  # type: ignore[union-attr]  # it is set
            return await _asked("influxdb", sink.check(), f"{settings.influx.url} takes what is written")
    except SensordError as error:
        return Finding("influxdb", Verdict.BAD, str(error))


async def _mqtt(settings: Settings) -> Finding:
    if settings.mqtt is None:
        return Finding("mqtt", Verdict.NOT_SET, "no [mqtt]: alerts are shown and said on the page")
    try:
        sink = mqtt_sink(settings, runner=settings.runner)
    except SensordError as error:
        return Finding("mqtt", Verdict.BAD, str(error))
    assert sink is not None
    text = f"{settings.mqtt.host}:{settings.mqtt.port} carries a message there and back"
    return await _asked("mqtt", sink.check(), text)


async def _people(settings: Settings) -> list[Finding]:
    """Whether the way to each person is open; nobody is told anything."""
    if not settings.people:
        return [Finding("people", Verdict.NOT_SET, "no [people]: nobody but the runner is told of alerts")]
    found = []
    for name, person in settings.people.items():
        try:
            channel = channel_of(name, person, settings.gateway)
        except SensordError as error:
            found.append(Finding(f"people.{name}", Verdict.BAD, str(error)))
            continue
        found.append(await _asked(f"people.{name}", channel.check(), f"can be told by {person.kind}"))
        await channel.close()
    try:
        gaps = people_gaps(settings, policy_of(plan_of(settings)[0]))
    except SensordError:
        gaps = []  # the plan's own finding says what is wrong with it
    return found + [Finding("people", Verdict.LOOK, gap) for gap in gaps]


async def _asked(name: str, check: Awaitable[str | None], fine: str) -> Finding:
    try:
        async with asyncio.timeout(CHECK_S):
            problem = await check
    except TimeoutError:
        problem = f"no answer within {CHECK_S:.0f} s"
    except SensordError as error:
        problem = str(error)
    return Finding(name, Verdict.OK, fine) if problem is None else Finding(name, Verdict.BAD, problem)
