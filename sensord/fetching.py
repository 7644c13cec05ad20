"""`sensord fetch`: brings armed logs home, makes runs of them, frees the pods.

Killed anywhere and begun again it ends the same: how far each pod has come is in `armed`, the bytes are in `log_file`,
what becomes of them is in `fetched_run`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sensord.armed import ArmedPod, Flight, Stage
from sensord.arming import Base, PodReport, Say, driver_of, words
from sensord.drivers.base import PodInfo, ResumingDriver
from sensord.drivers.log_link import Ears, linked
from sensord.errors import InputError, LinkError, LinkReason, Problem
from sensord.fetched_run import FetchedRun, Maker, told
from sensord.log_file import LogFile
from sensord.log_samples import FetchedLog
from sensord.pod_time import Axis
from sensord.store import Store

TRIES = 5
"""Design choice: so often in a row a pod may be lost without a piece of its log having come."""

AGAIN_S = 1.0
TELL_EVERY = 0.1
"""Design choice: progress is told at each tenth."""

BEYOND_RADIO = frozenset({LinkReason.SETUP, LinkReason.IDENTITY, LinkReason.PAIRING, LinkReason.ADAPTER})
"""What trying again does not help against."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch brought home."""

    pods: list[PodReport]
    runs: list[FetchedRun]


async def fetch(base: Base, *, forget: Sequence[str] = ()) -> Fetched:
    """Brings every armed log home, makes runs of them, frees the pods. InputError when nothing is armed."""
    with base.held() as store:
        flights = base.state.flights()
        if not flights:
            raise InputError(Problem("fetch", "", "no pod that is armed", "one that `sensord arm` sent off"))
        _forget(base, flights, [pod.upper() for pod in forget])
        reports: list[PodReport] = []
        runs: list[FetchedRun] = []
        for flight in flights:
            reports += [await _fetch_one(base, flight, pod) for pod in flight.waiting]
            runs += _made(base, store, flight)
            for pod in [pod for pod in flight.pods if pod.stage is Stage.FETCHED]:
                released = await _release(base, flight, pod)
                reports += [released] if released else []
    return Fetched(reports, runs)


def _forget(base: Base, flights: Sequence[Flight], pods: Sequence[str]) -> None:
    """Pods that will not come back, or whose log nobody wants."""
    for name in pods:
        found = [(flight, pod) for flight in flights for pod in flight.waiting if pod.pod.upper() == name]
        if not found:
            armed = [pod.pod for flight in flights for pod in flight.waiting]
            raise InputError(Problem("fetch", name, "no armed pod of that address", f"one of: {', '.join(armed)}"))
        for flight, pod in found:
            pod.stage = Stage.FORGOTTEN
            base.state.save(flight)


async def _fetch_one(base: Base, flight: Flight, pod: ArmedPod) -> PodReport:
    """A pod's log onto our disk; links are made anew as long as anything comes."""
    if pod.info is None:
        return base.report(
            pod, "arming it was cut short, its log cannot be read: arm --erase, or --forget it", ok=False
        )
    path, setup = base.state.log_file(flight, pod), base.setup(flight.flight, None, [pod.setup])
    file = LogFile.open(path, setup, lambda: base.clocks.now_ns() - flight.begun_ns, flight.begun_wall_ns)
    if file is not None:
        with contextlib.closing(file):
            error = await _until_home(base, flight, pod, file)
            if error is not None:
                kept = f" ({file.bytes / 1e6:.1f} MB of its log are kept)" if file.pieces else ""
                return base.report(pod, f"{words(error)}; it stays armed{kept}: fetch again", ok=False)
            file.seal()
    pod.stage = Stage.FETCHED
    base.state.save(flight)
    return _tell_fetched(base, flight, pod)


async def _until_home(base: Base, flight: Flight, pod: ArmedPod, file: LogFile) -> LinkError | None:
    """Links and fetches as long as anything comes; what was wrong in the end, None when all of it is here."""
    tries = 0
    while True:
        pieces = file.pieces
        try:
            pod.now = (await _download(base, flight, pod, file)).to_json()
        except LinkError as error:
            tries = 1 if file.pieces > pieces else tries + 1
            gone = error.reason is LinkReason.NOT_FOUND and not file.pieces
            if gone or tries == TRIES or error.reason in BEYOND_RADIO:
                return error
            base.say(f"look  {pod.name}: {words(error)}; trying again")
            await asyncio.sleep(AGAIN_S)
        else:
            return None


def _tell_fetched(base: Base, flight: Flight, pod: ArmedPod) -> PodReport:
    log = FetchedLog(pod, base.state.log_file(flight, pod), Axis.of(pod.fixes))
    log.survey()
    minutes = log.samples / log.rate_hz / 60
    text = f"{log.samples} samples fetched, {minutes:.1f} minutes"
    details = {"samples": log.samples, "lost": log.counts.lost, "error_ns": log.error_ns, "notes": list(told(log))}
    for note in told(log):
        base.say(f"      {note}")
    return base.report(pod, text, ok=True, **details)


async def _download(base: Base, flight: Flight, pod: ArmedPod, file: LogFile) -> PodInfo:
    driver, before = driver_of(pod), len(pod.fixes)
    note = base.fixed(pod)
    shown = _Progress(base.say, pod.name)

    def fixed(pod_ns: int, before_ns: int, after_ns: int) -> None:
        note(pod_ns, before_ns, after_ns)
        base.state.save(flight)

    ears = Ears(base.clocks.now_ns, fixed, kept=file.keep, progress=shown)
    assert pod.info is not None
    async with linked(pod.pod, ears, base.backend) as link:
        if isinstance(driver, ResumingDriver) and file.last is not None:
            session = driver.resume(pod.info, file.last)
        else:
            session = driver.recover(pod.info)
        now = await link.talk(session)
    pod.fixes[before:] = [replace(fix, pod_boot=now.boot_id) for fix in pod.fixes[before:]]
    return now


async def _release(base: Base, flight: Flight, pod: ArmedPod) -> PodReport | None:
    """Lets the pod forget what is on our disk; when it is out of reach by now, the next arm or fetch does."""
    ears = Ears(base.clocks.now_ns, lambda _pod, _before, _after: None)
    try:
        async with linked(pod.pod, ears, base.backend) as link:
            await link.talk(driver_of(pod).release())
    except LinkError as error:
        return base.report(pod, f"its log is home but not erased: {words(error)}; the next arm or fetch does", ok=False)
    pod.stage = Stage.RELEASED
    base.state.save(flight)
    return None


def _made(base: Base, store: Store, flight: Flight) -> list[FetchedRun]:
    """Runs of what is home; what an earlier fetch had made is only finished."""
    maker = Maker(base.data, store, base.state, lambda run: base.setup(run, store, (), flight.begun_wall_ns))
    if not flight.to_make:
        maker.discard_replaced(flight)
        return []
    runs = maker.make(flight)
    for run in runs:
        summary = run.summary
        strides = summary["strides_left"] + summary["strides_right"]
        text = f"{strides} strides, {summary['distance_m']:.0f} m, {summary['alerts']} alerts"
        base.say(f"ok    run {run.run}: {text}" + (f"; replaces {', '.join(run.replaces)}" if run.replaces else ""))
    if not runs:
        base.say("look  she did not move in what was logged: no run")
    return runs


class _Progress:
    """Tells each tenth once; where nobody knows the whole, each time that twice as much has come."""

    def __init__(self, say: Say, name: str) -> None:
        self._say, self._name, self._told = say, name, -1

    def __call__(self, done: int, total: int | None) -> None:
        step = int(done / total / TELL_EVERY) if total else done.bit_length()
        if step > self._told:
            self._told = step
            self._say(f"      {self._name}: " + (f"{done * 100 // total} % fetched" if total else f"{done} fetched"))
