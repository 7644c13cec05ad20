"""A run as the pipeline would tell it, made from the classes of `model`; and a real page that shows it."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sensord.errors import InputError, Problem
from sensord.files.speed_words import parse_speed_mps
from sensord.model import (
    NS,
    Activity,
    Alert,
    AlertPhase,
    Asymmetry,
    Event,
    FootGait,
    FootLoadState,
    FootNote,
    GaitWindow,
    Level,
    LimitState,
    LimitStatus,
    Payload,
    PodSetup,
    PodStatus,
    RunChange,
    RunSetup,
    RunState,
    RunSummary,
    Side,
    Stride,
    payload,
)
from sensord.web.live import LiveView
from sensord.web.ports import RunDetail, RunMark, RunRow, RunSpeed
from sensord.web.server import Page

RUN = "01JAC0FFEE0000000000000001"
SETUP = RunSetup(
    run=RUN,
    runner="R-0042",
    site="clinic",
    gateway="gateway-1",
    pods=(PodSetup("C0:00:00:00:00:01", Side.LEFT, "open_pod"), PodSetup("C0:00:00:00:00:02", Side.RIGHT, "open_pod")),
)
STOP_TEXT = "Distance 5.01 km of 5.00 km. Nothing left."


class Story:
    """Hands out events of one run in order; `t_s` is run time."""

    def __init__(self, give: Callable[[Event], None]) -> None:
        self.give = give
        self.n = 0
        self.t_s = 0.0

    def tell(self, value: Payload | Asymmetry | FootLoadState, t_s: float | None = None) -> None:
        at_s = self.t_s if t_s is None else t_s
        self.give(Event(self.n, round(at_s * NS), value.KIND, payload(value)))
        self.n += 1

    def pods(self, *, left: str = "up", right: str = "up", lost: int = 120, battery: int = 87) -> None:
        for foot, link, pod in ((Side.LEFT, left, SETUP.pods[0]), (Side.RIGHT, right, SETUP.pods[1])):
            status = PodStatus(
                pod=pod.pod, foot=foot, link=link, reason=None if link == "up" else "link lost",
                battery_pct=battery if foot is Side.LEFT else 64, packets=4000, packets_rejected=0, samples=40_000,
                samples_lost=lost if foot is Side.LEFT else 0,
            )  # fmt: skip
            self.tell(status)

    def ready(self) -> None:
        self.pods()
        self.tell(RunChange(RunState.READY, "pod linked"))

    def run(self) -> None:
        for foot in Side:
            self.tell(FootNote(foot, "aligned", "pitch axis found from 5 strides, confidence 0.97"))
        self.tell(RunChange(RunState.RUNNING, "first stride"))

    def second(self, **changes: Any) -> None:
        """One second of running: a stride of each foot, a window."""
        self.t_s += 1.0
        for foot in Side:
            self.tell(a_stride(foot, int(self.t_s), self.t_s - 0.7))
        self.tell(replace(a_window(self.t_s), **changes))

    def limits(self, distance_m: float, run_time_s: float) -> None:
        self.tell(a_limit("limit.distance", "distance", "m", distance_m, warn=4500.0, stop=5000.0))
        self.tell(a_limit("limit.run_time", "run_time", "s", run_time_s, warn=None, stop=2400.0))
        self.tell(a_limit("impact", "impact_right", "g", 11.2, warn=14.0, stop=16.0, n=120, n_needed=30))
        self.tell(
            a_limit("asymmetry.contact_time", "contact_time_si_change", "points", 1.4, warn=5.0, stop=10.0, n=240)
        )
        self.tell(undecided("asymmetry.impact", "impact", "12 of 30 pairs", n=12, n_needed=30))
        self.tell(replace(undecided("limit.week_growth", "distance", "the wall clock is not trusted"),
                          status=LimitStatus.NOT_CHECKED))  # fmt: skip

    def difference(self, si_pct: float = 3.9) -> None:
        self.tell(
            Asymmetry(
                metric="contact_time",
                si_pct=si_pct,
                si_low_pct=si_pct - 1.8,
                si_high_pct=si_pct + 1.8,
                balance_pct=50.0 + si_pct / 4.0,
                injured_minus_other_pct=None,
                n=240,
            )
        )

    def all_metrics(self) -> None:
        """The other nine metrics: with and without an interval, a baseline, something to keep in mind."""
        for metric, left, right, unit in OTHER_METRICS:
            self.tell(a_difference(metric, left, right, unit))

    def loads(self) -> None:
        """What each foot has taken so far."""
        for foot in Side:
            self.tell(a_load(foot))

    def some_minutes(self) -> None:
        """Up to date in one go: ready, running, three minutes of windows, limits and a difference."""
        self.ready()
        self.run()
        self.t_s = 1160.0
        for _ in range(180):
            self.second()
        self.limits(3820.0, 1303.0)
        self.difference()

    def alert(self, phase: AlertPhase = AlertPhase.ONSET, **changes: Any) -> str:
        alert = replace(an_alert(phase, round(self.t_s * NS)), **changes)
        self.tell(alert)
        return alert.id

    def end(self) -> None:
        self.tell(a_summary())
        self.tell(RunChange(RunState.ENDED, "command"))


def a_stride(foot: Side, number: int, start_s: float) -> Stride:
    ic_ns = round(start_s * NS)
    return Stride(
        foot=foot, stride=number, segment=0, ic_pod_ns=ic_ns, tc_pod_ns=ic_ns + 240_000_000,
        next_ic_pod_ns=ic_ns + 700_000_000, activity=Activity.RUN, stride_time_s=0.7, contact_time_s=0.24,
        swing_time_s=0.46, duty_factor=0.34, cadence_spm=171.4, stride_length_m=1.9, speed_mps=2.7,
        strike_angle_deg=8.0, strike_type="rearfoot", impact_peak_g=11.0, impact_clipped=False, force_peak_bw=2.4,
        impulse_bw_s=0.36, gap=False, confidence=0.9, ic_run_ns=ic_ns, next_ic_run_ns=ic_ns + 700_000_000,
    )  # fmt: skip


def a_window(t_s: float) -> GaitWindow:
    left = FootGait(
        n=7, cadence_spm=172.0, contact_time_s=0.248 + 0.004 * math.sin(t_s / 7), contact_n=7,
        impact_peak_g=11.2 + 0.3 * math.sin(t_s), impact_clipped_share=0.0, confidence=0.93,
    )  # fmt: skip
    right = replace(left, contact_time_s=0.238 + 0.003 * math.sin(t_s / 5), impact_peak_g=15.8, contact_n=6,
                    impact_clipped_share=0.4)  # fmt: skip
    return GaitWindow(
        window_s=5.0, activity=Activity.RUN, cadence_spm=172.0 + 1.5 * math.sin(t_s / 9), left=left, right=right,
        steps=int(2.85 * t_s), distance_m=2.85 * t_s, distance_calibrated=False, run_time_s=0.97 * t_s,
        walk_time_s=40.0, elapsed_s=t_s, flight_time_s=0.107, run_distance_m=2.7 * t_s, speed_mps=2.85,
        speed_sd_mps=0.1, speed_source="trajectory", distance_sd_m=0.03 * 2.85 * t_s, estimated_m=0.02 * 2.85 * t_s,
        configured_m=0.0,
    )  # fmt: skip


OTHER_METRICS = [
    ("swing_time", 0.46, 0.47, "s"), ("duty_factor", 0.35, 0.336, ""), ("step_time", 0.352, 0.349, "s"),
    ("flight_time", 0.104, 0.111, "s"), ("impact_peak", 11.2, 12.8, "g"), ("impact_band", 1.31, 1.36, "g"),
    ("force_peak", 2.41, 2.5, "bw"), ("impulse", 0.352, 0.349, "bw*s"), ("strike_angle", 12.4, 4.1, "deg"),
]  # fmt: skip


def a_difference(metric: str, left: float, right: float, value_unit: str) -> Asymmetry:
    """Flight time and strike angle are told by difference; step time has no interval yet, duty factor a baseline."""
    unit = {"flight_time": "ms", "strike_angle": "deg"}.get(metric, "%")
    value = (left - right) * (1000.0 if unit == "ms" else 1.0)
    if unit == "%":
        value = 200.0 * (left - right) / (left + right)
    low, high = (None, None) if metric == "step_time" else (value - 1.5, value + 1.5)
    by_index = unit == "%"
    told = Asymmetry(
        metric=metric, si_pct=value if by_index else None, si_low_pct=low if by_index else None,
        si_high_pct=high if by_index else None, balance_pct=50.0 + value / 4.0 if by_index else None,
        injured_minus_other_pct=None, n=90, unit=unit, difference=None if by_index else value,
        difference_low=None if by_index else low, difference_high=None if by_index else high, left=left, right=right,
        value_unit=value_unit, mdc=None if low is None else 2.2, mdc_from=None if low is None else "window",
        speed_band="2.5-3.0",
    )  # fmt: skip
    if metric == "swing_time":
        return replace(told, why="below 3 %: device noise, pods never swapped")
    if metric == "duty_factor":
        return replace(
            told, baseline=1.2, baseline_runs=3, baseline_label="made while injured", baseline_left=0.341,
            baseline_right=0.337, mdc=1.4, mdc_from="runs", device_bias=0.4,
        )  # fmt: skip
    return told


def a_load(foot: Side) -> FootLoadState:
    return FootLoadState(
        foot=foot, strides=1910, walk_strides=40, force_n=1900, force_peak_sum_bw=4579.0, without_force=10,
        impulse_n=1905, impulse_sum_bw_s=668.5, impulse_sum_ns=None, intensity="force_peak", edges=(2.2, 2.5),
        bins=(110, 1700, 90), unbinned=10, weighted_cycles=None, exponent=None, exponent_source=None,
        reference_bw=None, why="no exponent in the plan",
    )  # fmt: skip


def a_limit(
    rule: str, metric: str, unit: str, value: float | None, *, warn: float | None, stop: float | None,
    n: int = 1, n_needed: int | None = None,
) -> LimitState:  # fmt: skip
    level = Level.NONE
    if value is not None and warn is not None and value >= warn:
        level = Level.WARN
    if value is not None and stop is not None and value >= stop:
        level = Level.STOP
    status = LimitStatus.WITHIN if level is Level.NONE else LimitStatus.OVER
    return LimitState(
        rule=rule, metric=metric, unit=unit, status=status, level=level, value=value, warn=warn, stop=stop, n=n,
        n_needed=n_needed, reason=None,
    )  # fmt: skip


def undecided(rule: str, metric: str, reason: str, *, n: int = 0, n_needed: int | None = None) -> LimitState:
    return LimitState(
        rule=rule, metric=metric, unit="%", status=LimitStatus.UNDECIDED, level=Level.NONE, value=None, warn=5.0,
        stop=10.0, n=n, n_needed=n_needed, reason=reason,
    )  # fmt: skip


def an_alert(phase: AlertPhase, onset_ns: int) -> Alert:
    return Alert(
        id=f"{RUN}/limit.distance/stop/{onset_ns}", phase=phase, level=Level.STOP, rule="limit.distance",
        metric="distance", unit="m", value=5010.0, limit=5000.0, cue="Stop running", text=STOP_TEXT, onset_ns=onset_ns,
        duration_s=None if phase is AlertPhase.ONSET else 42.0,
    )  # fmt: skip


def a_summary() -> RunSummary:
    return RunSummary(
        runner="R-0042", strides_left=1910, strides_right=1908, steps=3818, distance_m=3820.0,
        distance_calibrated=False, run_time_s=1303.0, walk_time_s=40.0, elapsed_s=1390.0, cadence_spm=172.2,
        contact_time_left_s=0.248, contact_time_right_s=0.238, contact_time_si_pct=3.9, contact_time_pairs=1880,
        impact_left_g=11.2, impact_right_g=15.8, impact_n_left=1900, impact_n_right=1890, impact_clipped_share=0.2,
        alerts=2, limits_checked=4, limits_total=6, gap_strides=3, speed_mps=2.85, distance_sd_m=115.0,
        estimated_m=76.0, configured_m=0.0, metrics={
            "force_peak": {"left": 2.41, "right": 2.5, "n_left": 900, "n_right": 900, "index": -3.7, "pairs": 800},
            "strike_angle": {"left": 12.4, "right": None, "n_left": 9, "n_right": 0, "index": None, "pairs": 0},
        },
    )  # fmt: skip


STARTED_MS = 1_760_000_000_000


@dataclass
class StoredRuns:
    """Runs to read and commands to obey, as a store and a daemon would."""

    rows: list[RunRow] = field(default_factory=list)
    alerts: Sequence[Alert] = ()
    on: bool = True
    ended: int = 0
    imported: list[str] = field(default_factory=list)

    async def runs(self, limit: int) -> Sequence[RunRow]:
        return self.rows[:limit]

    async def run(self, run: str) -> RunDetail | None:
        row = next((row for row in self.rows if row.run == run), None)
        return None if row is None else RunDetail(row, [payload(alert) for alert in self.alerts])

    async def end_run(self) -> None:
        if not self.on:
            raise InputError(Problem("page", "end", "no run", "a run that is on"))
        self.ended += 1

    async def start_run(self) -> None:
        if self.on:
            raise InputError(Problem("page", "start", "a run that is on", "no run"))

    async def know_speed(self, text: str, *, who: str, grade: str = "") -> RunSpeed:
        speed_mps = parse_speed_mps(text)
        if not self.on:
            raise InputError(Problem("run", "", "no run that is on", "a run whose speed to tell"))
        return RunSpeed("01JAC0FFEE0000000000000009", 5, speed_mps)

    async def mark_run(self, text: str, *, who: str, boottime_ns: int, wall_ns: int) -> RunMark:
        if not self.on:
            raise InputError(Problem("run", "", "no run that is on", "a run to mark"))
        return RunMark("01JAC0FFEE0000000000000009", boottime_ns, wall_ns, f"{who}: {text}")

    async def import_run(self, run: str) -> None:
        self.imported.append(run)

    async def discard_run(self, run: str, *, who: str, reason: str) -> None:
        for at, row in enumerate(self.rows):
            if row.run == run:
                self.rows[at] = replace(row, discarded=True)
                return
        raise InputError(Problem("page", "run", run, "a stored run"))


def some_runs() -> list[RunRow]:
    done = payload(a_summary())
    day_ms = 86_400_000
    return [
        RunRow("01JAC0FFEE0000000000000009", "R-0042", STARTED_MS, "ended", False, done),
        RunRow("01JAC0FFEE0000000000000008", "R-0042", STARTED_MS - 2 * day_ms, "ended", False,
               {**done, "alerts": 0, "distance_m": 3350.0, "run_time_s": 1180.0}),
        RunRow("01JAC0FFEE0000000000000007", "R-0042", None, "ended", True, {**done, "distance_m": 210.0, "alerts": 0}),
    ]  # fmt: skip


class ServedPage:
    """A page served from a loop in its own thread; everything that touches it is run in that loop."""

    def __init__(self, stored: StoredRuns | None = None, token: str | None = None, port: int = 0) -> None:
        self.later_s = 0.0  # how far the page's clock is ahead: makes data old without waiting
        self.stored = stored or StoredRuns(some_runs())
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._token = token
        self.start(port)

    def start(self, port: int = 0, *, setup: RunSetup | None = SETUP) -> None:
        """Serve a new page (a restarted daemon); a used port is its own again."""
        self.live = LiveView(clock=lambda: time.monotonic() + self.later_s)
        if setup is not None:
            self.live.begin(setup)
        self.page = self._made()
        self.url = self._do(self.page.start("127.0.0.1", port))
        self.story = Story(self.publish)

    def _made(self) -> Page:
        return Page(self.live, commands=self.stored, runs=self.stored, token=self._token)

    @property
    def port(self) -> int:
        return int(self.url.split("/")[2].rpartition(":")[2])

    def publish(self, event: Event) -> None:
        if threading.get_ident() == self._thread.ident:
            self.page.publish(event)
        else:
            self._in_loop(lambda: self.page.publish(event))

    def some_minutes(self) -> None:
        """`Story.some_minutes` in one go."""
        self._in_loop(self.story.some_minutes)

    def change(self, what: Callable[[], None]) -> None:
        """Something besides events: `begin`, `clear`, `sinks`."""
        self._in_loop(what)
        self._in_loop(self.page.refresh)

    def stop(self) -> None:
        self._do(self.page.stop())

    def freeze(self, seconds: float) -> None:
        """The whole server stands still, its connections open."""
        self._loop.call_soon_threadsafe(time.sleep, seconds)

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)
        self._loop.close()

    def _in_loop(self, what: Callable[[], None]) -> None:
        async def do() -> None:
            what()

        self._do(do())

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10.0)


@contextmanager
def served(stored: StoredRuns | None = None, token: str | None = None) -> Iterator[ServedPage]:
    page = ServedPage(stored, token)
    try:
        yield page
    finally:
        page.close()
