"""Recorded inputs in, events out: the same for every face.

    packet -> decoder -> foot (pod time) -> clock (run time) -> totals, windows, pairs -> limits -> events
    tick   -> life of the run, windows, silence of a foot
    mark   -> link up and down, battery, commands, notes

No clock, no files, no asyncio: time arrives with the input. The events are a pure function of the setup, the inputs in
their order, and `ALGORITHM`. Memory is bounded by the windows of its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sensord.drivers import READERS
from sensord.drivers.base import Reader
from sensord.errors import InternalError
from sensord.load.asymmetry import Asymmetries
from sensord.load.foot_load import FootLoad
from sensord.load.force import ForceModel
from sensord.load.life import RunLife
from sensord.load.pairing import Pairing
from sensord.load.pod_watch import PodWatch
from sensord.load.readings import SPEED_SHARE, STILL_MPS, Readings
from sensord.load.sides import SideCheck
from sensord.load.speed import SpeedEstimator
from sensord.load.steps import Steps
from sensord.load.summary import Summary
from sensord.load.totals import Totals
from sensord.load.window import Windows
from sensord.model import (
    ALGORITHM,
    NS,
    Alert,
    Asymmetry,
    Contact,
    Event,
    FootNote,
    Input,
    LimitState,
    Mark,
    MarkKind,
    Packet,
    Payload,
    RunChange,
    RunSetup,
    RunState,
    Side,
    Stride,
    Tick,
    changed,
    maker,
    payload,
)
from sensord.plan.baseline import Baselines
from sensord.plan.conditions import Conditions
from sensord.plan.limits import Limits
from sensord.plan.measured import Measured
from sensord.plan.model import read_plan
from sensord.plan.progress import Progress
from sensord.pod_line import Item, PodLine, PodReading, pair_sync

LOAD_EVERY_S = 30
"""Design choice: how often the load of each foot is told while a run is on."""

CLOCKLESS_MS = 185.0
"""How far the times of a pod without a clock may be off: a lost packet among hundreds cannot be seen in them. With
simulated delays to 200 ms and 2 % loss, 95 % of its samples are within 185 ms (worst of `bench/arrival_clock.py`)."""

DAY_KEPT = ("plan", "revision", "stage")
"""What a summary says of the plan that the run was made by."""

POD_STATUS_EVERY_S = 10
"""Design choice: how often a pod's counters are logged when nothing else changes."""


def _speed_estimator(setup: RunSetup, now: Conditions) -> SpeedEstimator:
    """One that goes on with what the newest like run has learned of her; a new one without such a run."""
    for run in reversed(setup.history):
        learned, algo = run.get("speed_model"), run.get("algo", ALGORITHM)
        if learned and algo == ALGORITHM and Conditions.of_summary(run).unlike(now) is None:
            return SpeedEstimator.from_json(setup.step_lengths, learned)
    return SpeedEstimator(setup.step_lengths)


def _name_sensors(lines: Iterable[PodLine]) -> None:
    """Several sensors are numbered as they are set up: each is missed, and is back, by itself."""
    sensors = [line for line in lines if line.setup.side is None]
    for number, line in enumerate(sensors if len(sensors) > 1 else (), 1):
        line.name = f"sensor-{number}"


class Pipeline:
    """One run. `push` inputs in their recorded order, collect events; after `ended` further inputs give nothing."""

    def __init__(
        self,
        setup: RunSetup,
        *,
        drivers: Mapping[str, Reader] = READERS,
        on_contact: Callable[[Contact], None] | None = None,
    ) -> None:
        """`on_contact` hears of provisional contacts: for live feedback only, they are not events."""
        self.setup = setup
        plan = read_plan(setup.plan_text, "plan") if setup.plan_text is not None else None
        injured = plan.runner.injured_side if plan else None
        self._lines = {pod.pod: PodLine(pod, drivers[pod.driver]) for pod in setup.pods}
        self._sync = pair_sync(self._lines.values())
        _name_sensors(self._lines.values())
        self._feet = sorted({pod.side for pod in setup.pods if pod.side is not None})
        self._life = RunLife()
        self._totals = Totals(setup.step_lengths)
        self._windows = Windows()
        self._pairing = Pairing()
        self._asymmetry = Asymmetries(injured, Baselines(plan, setup))
        self._speed = _speed_estimator(setup, Conditions.of_setup(setup, plan))
        self._force = ForceModel(grade_pct=setup.grade_pct)
        self._steps = Steps()
        self._load = FootLoad.of_run(setup, plan)
        self._sides = SideCheck()
        self._readings = Readings()
        self._watch = PodWatch(setup.run)
        self._summary = Summary(setup.runner, Conditions.of_setup(setup, plan))
        self._limits = Limits(plan, setup)
        self._measured = Measured(plan)
        self._progress = Progress.of_setup(setup)
        self._on_contact = on_contact
        self._n = 0
        self._t_ns = 0
        self._started_ns: int | None = None
        self._ticks = 0
        self._belt = False
        self._ended = False

    @property
    def state(self) -> RunState | None:
        """Where the run is in its life; None before a pod is linked."""
        return self._life.state

    @property
    def _sync_ms(self) -> float | None:
        quality_ms = None if self._sync is None else self._sync.quality_ms
        if quality_ms is not None and any(line.counts_arrivals for line in self._lines.values()):
            return max(quality_ms, CLOCKLESS_MS)
        return quality_ms

    @property
    def t_ns(self) -> int:
        """Run time of the newest input."""
        return self._t_ns

    def push(self, item: Input) -> list[Event]:
        """What this input completes."""
        if self._ended:
            return []
        self._t_ns = max(self._t_ns, item.t_ns)
        match item:
            case Packet():
                found = self._packet(item)
            case Tick():
                found = self._tick(item)
            case Mark():
                found = self._mark(item)
        return self._number(found) if found else []

    def flush(self) -> list[Event]:
        """The inputs are over though no input said so (a crash, or the end of a file): end the run here."""
        if self._ended:
            return []
        return self._number(self._change(self._life.on_command(self._t_ns, "end")))

    # ------------------------------------------------------------------------------------------ inputs

    def _packet(self, packet: Packet) -> list[_Found]:
        line = self._lines.get(packet.pod)
        items = line.push(packet) if line else None
        return self._items(items, packet.t_ns) if items else []

    def _tick(self, tick: Tick) -> list[_Found]:
        self._ticks += 1
        found: list[_Found] = [(tick.t_ns, note) for note in self._sync.on_tick(tick.t_ns)] if self._sync else []
        if self._life.state in (RunState.RUNNING, RunState.PAUSED) and self._started_ns is not None:
            if self._life.state is RunState.RUNNING:
                window = self._windows.at(tick.t_ns, self._totals.now, self._started_ns, sync_quality_ms=self._sync_ms)
                found.append((tick.t_ns, self._readings.into(window, tick.t_ns)))
            up = self._feet_up
            run_time_s = self._totals.run_time_at(tick.t_ns, linked=up is None or bool(up))
            found += self._limited(self._limits.on_tick(tick.t_ns, up, run_time_s), tick.t_ns)
            if self._progress:
                found += self._limited(self._progress.on_tick(tick.t_ns, lost=up is not None and not up), tick.t_ns)
            for line in self._lines.values():
                found += self._limited(line.watched(self._watch, tick.t_ns), tick.t_ns)
            if self._ticks % LOAD_EVERY_S == 0:
                found += [(tick.t_ns, self._load.payload(side)) for side in self._feet]
        if self._ticks % POD_STATUS_EVERY_S == 0:
            found += [(tick.t_ns, line.status()) for line in self._lines.values()]
        return found + self._change(self._life.on_tick(tick))

    def _mark(self, mark: Mark) -> list[_Found]:
        match mark.kind:
            case MarkKind.LINK_UP | MarkKind.LINK_DOWN | MarkKind.BATTERY:
                return self._pod_mark(mark)
            case MarkKind.COMMAND:
                return self._change(self._life.on_command(mark.t_ns, str(mark.data["command"])))
            case MarkKind.RESUMED:
                return self._resumed(mark)
            case MarkKind.NOTE:
                return [(mark.t_ns, FootNote(None, "note", str(mark.data["text"])))]
            case MarkKind.SPEED:
                return self._known_speed(mark)
            case MarkKind.CLOCK:
                trusted = "trusted" if mark.data["trusted"] else "not trusted"
                text = f"the wall clock went {mark.data['step_s']:+.1f} s and is {trusted}; the run's own time goes on"
                return [(mark.t_ns, FootNote(None, "clock", text))]

    def _known_speed(self, mark: Mark) -> list[_Found]:
        speed_mps, source = mark.data["speed_mps"], str(mark.data["source"])
        self._belt = speed_mps is not None  # that is better than a sensor's
        self._speed.known(mark.t_ns, speed_mps, sd_mps=float(mark.data["sd_mps"]), source=source)
        grade_pct = mark.data.get("grade_pct")
        if grade_pct is not None:
            self._force.known_grade(float(grade_pct))
            self._limits.on_grade(float(grade_pct))
        text = f"speed no longer known from {source}" if speed_mps is None else f"speed {speed_mps:.2f} m/s ({source})"
        slope = "" if grade_pct is None else f", slope {grade_pct:g} %"
        return [(mark.t_ns, FootNote(None, "speed", text + slope))]

    def _resumed(self, mark: Mark) -> list[_Found]:
        text = f"sensord came back after {mark.data['gap_s']:.0f} s; the run goes on"
        found: list[_Found] = [(mark.t_ns, FootNote(None, "resumed", text))]
        for line in self._lines.values():
            if line.link_up:  # its link went down with the process, and nobody was there to say so
                found += self._items(line.unlink("sensord restarted"), mark.t_ns)
                self._lost(line, mark.t_ns - round(float(mark.data["gap_s"]) * NS))
                found.append((mark.t_ns, line.status()))
        return found

    def _pod_mark(self, mark: Mark) -> list[_Found]:
        line = self._lines.get(str(mark.data["pod"]))
        if line is None:
            return []
        found: list[_Found] = []
        match mark.kind:
            case MarkKind.LINK_UP:
                line.link(mark.data["info"])
            case MarkKind.LINK_DOWN:
                found += self._items(line.unlink(str(mark.data["reason"])), mark.t_ns)
                self._lost(line, mark.t_ns)
            case _:
                line.battery_pct = int(mark.data["percent"])
        any_up = any(other.link_up for other in self._lines.values())
        found.append((mark.t_ns, line.status()))
        return found + self._change(self._life.on_link(mark.t_ns, any_up))

    @property
    def _feet_up(self) -> set[Side] | None:
        """Feet whose pod is linked; None, nobody asks, when there is no such pod but a sensor that is linked."""
        up = [line for line in self._lines.values() if line.link_up]
        return None if up and not self._feet else {line.setup.side for line in up if line.setup.side is not None}

    def _lost(self, line: PodLine, t_ns: int) -> None:
        if line.setup.side is not None:
            self._totals.lost(line.setup.side, t_ns)

    # ------------------------------------------------------------------------------------------ what follows

    def _items(self, items: Iterable[Item], t_ns: int) -> list[_Found]:
        found: list[_Found] = []
        for item in items:
            match item:
                case Contact():
                    if self._on_contact:
                        self._on_contact(item)
                case FootNote():
                    found.append((t_ns, item))
                case PodReading():
                    found += self._reading(item, t_ns)
                case Stride():
                    found += self._stride(item, t_ns)
        return found

    def _reading(self, said: PodReading, t_ns: int) -> list[_Found]:
        """Beside pods that measure strides a sensor's speed is learned from; while none is linked, it is what counts.
        What both saw, or `totals` estimates of the gap, is counted once."""
        moved, speed_mps = self._readings.add(*said), said.reading.speed_mps
        if self._feet:
            if speed_mps is not None and speed_mps > STILL_MPS and not self._belt:
                self._speed.known(t_ns, speed_mps, sd_mps=SPEED_SHARE * speed_mps, source="sensor")
            if self._feet_up:
                return []
        if moved is None:
            return []
        found = self._begun(self._life.on_moved(moved.end_ns), moved.begin_ns, t_ns)
        self._totals.add_moved(moved)
        totals = self._totals.now
        if self._progress:
            span_ns = moved.begin_ns, moved.end_ns
            found += self._limited(self._progress.on_moved(moved.activity, span_ns, totals, t_ns), t_ns)
        return found + self._limited(self._limits.on_totals(totals, t_ns), t_ns)

    def _begun(self, changes: Iterable[RunChange], at_ns: int, t_ns: int) -> list[_Found]:
        """What a first movement at `at_ns` begins, besides what it changes in the life of the run."""
        found = self._change(changes)
        if self._started_ns is None:
            self._started_ns = at_ns
            found += self._limited(self._limits.start(t_ns), t_ns)
        return found

    def _stride(self, stride: Stride, t_ns: int) -> list[_Found]:
        stride = self._force.apply(self._speed.apply(self._steps.add(stride, self._sync_ms)))
        if self._sync:
            self._sync.stride(stride, t_ns)
            self._asymmetry.twisted = self._sync.twisted
        at = t_ns if stride.ic_run_ns is None else stride.ic_run_ns
        found = self._begun(self._life.on_stride(stride), at, t_ns)
        found.append((at, stride))
        self._totals.add(stride)
        self._load.add(stride)
        if note := self._sides.add(stride):
            found.append((t_ns, note))
        self._windows.add(stride)
        self._summary.add(stride)
        for pair in self._pairing.add(stride):
            self._summary.add_pair(pair)
            for asymmetry in self._asymmetry.add(pair):
                found.append((t_ns, asymmetry))
                self._measured.take(asymmetry)
                found += self._limited(self._limits.on_asymmetry(asymmetry, t_ns), t_ns)
        found += self._limited(self._limits.on_stride(stride, t_ns), t_ns)
        totals = self._totals.now
        if self._progress:
            found += self._limited(self._progress.on_stride(stride, totals, t_ns), t_ns)
        return found + self._limited(self._limits.on_totals(totals, t_ns), t_ns)

    def _limited(self, items: Iterable[Payload], t_ns: int) -> list[_Found]:
        found: list[_Found] = []
        for item in items:
            if isinstance(item, Alert):
                self._summary.add_alert(item)
            elif isinstance(item, LimitState):
                self._measured.take(item)
            found.append((t_ns, item))
        return found

    def _change(self, changes: Iterable[RunChange]) -> list[_Found]:
        found: list[_Found] = []
        for change in changes:
            if change.state is RunState.ENDED:
                found += self._close()
                self._ended = True
            found.append((self._t_ns, change))
        return found

    def _close(self) -> list[_Found]:
        found: list[_Found] = []
        for line in self._lines.values():
            found += self._items(line.flush(), self._t_ns)
        found += self._limited(self._limits.end(self._t_ns), self._t_ns)
        found += [(self._t_ns, line.status()) for line in self._lines.values()]
        found += [(self._t_ns, self._load.payload(side)) for side in self._feet]
        elapsed_s = 0.0 if self._started_ns is None else (self._t_ns - self._started_ns) / NS
        result = self._summary.result(self._totals.now, elapsed_s=elapsed_s, limits=self._limits.checked)
        if loads := self._limits.impact_loads:
            exponent = self._limits.impact_load_exponent
            impact = {
                side: {**of, "load_exponent": exponent, "load": loads.get(side)} for side, of in result.impact.items()
            }
            result = changed(result, impact=impact)
        result = changed(
            result,
            speed_model=self._speed.to_json(),
            heart_rate_bpm=self._readings.heart_rate_bpm,
            day={key: self.setup.day.get(key) for key in DAY_KEPT} if self.setup.day else {},
            measured=self._measured.fields(result, self._limits.impact_pct),
        )
        if self._progress:
            found += self._limited(self._progress.end(), self._t_ns)
            result = changed(result, workout=self._progress.summary)
        return [*found, (self._t_ns, result if self._feet else self._readings.summed(result))]

    def _number(self, found: Iterable[_Found]) -> list[Event]:
        events: list[Event] = []
        for t_ns, item in found:
            if not isinstance(item, Payload):
                raise InternalError(f"{type(item).__name__} is not an event")
            events.append(_EVENT(self._n, t_ns, item.KIND, payload(item)))
            self._n += 1
        return events


_EVENT = maker(Event)
_Found = tuple[int, Payload | Asymmetry]
