"""The page's picture of now: events folded into one JSON value.

No asyncio, no sockets, no files; time comes from the `clock` it is given. Unmeasured is None. What is older than
`STALE_S` is marked stale, so that the page never shows it as current. Memory is bounded whatever arrives.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from sensord.model import (
    NS,
    Activity,
    Alert,
    AlertPhase,
    Asymmetry,
    Event,
    FootLoadState,
    FootNote,
    GaitWindow,
    Json,
    Level,
    LimitState,
    LimitStatus,
    PodStatus,
    RunChange,
    RunSetup,
    RunState,
    RunSummary,
    Side,
    Stride,
)
from sensord.web.advice import Situation, advise
from sensord.web.feet import FeetDetail
from sensord.web.live_workout import KINDS, WorkoutView
from sensord.web.sink_health import SinkHealth, sink_picture
from sensord.web.words import title

SENSORS_KEPT = 8
"""Design choice: sensors that are on no foot; she wears one or two."""

STALE_S = 3.0
"""Design choice: a 1 Hz value that missed two of its seconds is not current any more."""

STRIP_SECONDS = 180
"""Design choice: how much of cadence and contact time the strips show."""

RUNNING_DISTANCE = "run_distance"
"""The metric of a distance limit that does not count walking (see `plan.cumulative`)."""

SPEED_NOTE = "speed"
"""The code of a note that tells which speed is known from elsewhere (see `pipeline`)."""

TOTALS = {"distance": "distance_m", "run_distance": "run_distance_m", "run_time": "run_time_s"}
"""Metrics of limits that a window tells, too, in the same unit."""

KEEP_NOTES = 6
KEEP_ALERTS = 24
KEEP_RECOVERED = 6
KEEP_LIMITS = 64
KEEP_METRICS = 16

TURNED_SHOWN_S = 20.0
"""Design choice: how long a pod that turned on its shoe is what there is to say (run time)."""


class LiveView:
    """Folds a run's events into what the page shows.

    `begin(setup)` before the first event of a run, `clear()` when no run is on; `apply` in event order; `snapshot` at
    any time. `clock` is any monotonic clock in s (tests give their own): it dates arrivals, run time dates events.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sinks: tuple[SinkHealth, ...] = ()
        self._plan: Mapping[str, Json] | None = None
        self._runs = 0
        self._reset(None)

    def _reset(self, setup: RunSetup | None) -> None:
        self._setup = setup
        self._runs += 1
        self._state: RunState | None = None
        self._reason = ""
        self._t_ns = 0
        self._gait: Mapping[str, Json] | None = None
        self._gait_at_s: float | None = None
        self._gait_t_s: float | None = None
        self._strides = {Side.LEFT: 0, Side.RIGHT: 0}
        self._detail = FeetDetail()
        self._workout = WorkoutView(setup)
        self._known_speed: Mapping[str, Json] | None = None
        self._asymmetry: OrderedDict[str, Mapping[str, Json]] = OrderedDict()
        self._limits: OrderedDict[str, Mapping[str, Json]] = OrderedDict()
        self._alerts: OrderedDict[str, dict[str, Json]] = OrderedDict()
        self._recovered: deque[dict[str, Json]] = deque(maxlen=KEEP_RECOVERED)
        self._pods: dict[Side, Mapping[str, Json]] = {}
        self._sensors: OrderedDict[Json, Json] = OrderedDict()
        self._all_linked_at_s: float | None = None
        self._aligned: set[Side] = set()
        self._unread: set[Side] = set()
        self._turned_ns: dict[Side, int] = {}
        self._notes: deque[dict[str, Json]] = deque(maxlen=KEEP_NOTES)
        self._summary: Mapping[str, Json] | None = None
        self._strip: deque[list[Json]] = deque(maxlen=STRIP_SECONDS)

    def begin(self, setup: RunSetup) -> None:
        """A run is on: forget the one before."""
        self._reset(setup)

    def clear(self) -> None:
        """No run is on."""
        self._reset(None)

    def sinks(self, states: Iterable[SinkHealth]) -> None:
        """How the sinks are doing; replaces what was known."""
        self._sinks = tuple(states)

    def plan(self, short: Mapping[str, Json] | None) -> None:
        """Where she stands in her plan (`plan_view.short`); it outlives runs."""
        self._plan = short

    # ------------------------------------------------------------------------------------------ events in

    def apply(self, event: Event) -> None:
        """Take one event. Kinds that the page does not show are passed over."""
        if event.kind == RunChange.KIND and event.payload["state"] == RunState.READY and self._state is RunState.ENDED:
            self._reset(self._setup)
        self._t_ns = max(self._t_ns, event.t_ns)
        take = _TAKES.get(event.kind)
        if take is not None:
            take(self, event)

    def _run(self, event: Event) -> None:
        self._state = RunState(event.payload["state"])
        self._reason = str(event.payload["reason"])
        if self._state is RunState.ENDED:
            for alert in list(self._alerts.values()):
                self._close(alert, phase="ended", text=alert["text"], t_ns=event.t_ns, duration_s=None)

    def _window(self, event: Event) -> None:
        gait = event.payload
        self._gait, self._gait_at_s, self._gait_t_s = gait, self._clock(), event.t_ns / NS
        left, right = gait["left"], gait["right"]
        point = [self._gait_t_s, gait["cadence_spm"], left["contact_time_s"], right["contact_time_s"]]
        self._strip.append(point)

    def _stride(self, event: Event) -> None:
        self._strides[Side(event.payload["foot"])] += 1
        self._detail.stride(event)

    def _load(self, event: Event) -> None:
        self._detail.load(event)

    def _progress_of_workout(self, event: Event) -> None:
        self._workout.take(event)

    def _difference(self, event: Event) -> None:
        value = {**event.payload, "t_s": event.t_ns / NS}  # walking makes no pairs: the page says how old it is
        _keep(self._asymmetry, str(event.payload["metric"]), value, KEEP_METRICS)

    def _limit(self, event: Event) -> None:
        # by rule: what a limit is checked by may change in a run (impact: peak, quantile, band, force)
        _keep(self._limits, str(event.payload["rule"]), event.payload, KEEP_LIMITS)

    def _alert(self, event: Event) -> None:
        given = event.payload
        alert = {
            name: given[name] for name in ("id", "level", "rule", "metric", "unit", "value", "limit", "cue", "text")
        }
        alert["title"] = title(str(given["rule"]), str(given["metric"]))
        alert["onset_s"] = given["onset_ns"] / NS
        if given["phase"] == AlertPhase.REMINDER:  # the alert it is of, told anew
            open_alert = self._alerts.get(str(given["id"]))
            if open_alert is not None:
                reminders = int(open_alert["reminders"]) + 1
                self._alerts[str(given["id"])] = {**alert, "phase": AlertPhase.ONSET.value, "reminders": reminders}
        elif given["phase"] == AlertPhase.ONSET:
            alert |= {"phase": AlertPhase.ONSET.value, "reminders": 0}
            _keep(self._alerts, str(given["id"]), alert, KEEP_ALERTS)
        else:
            self._close(
                alert,
                phase=AlertPhase.RECOVERY.value,
                text=given["text"],
                t_ns=event.t_ns,
                duration_s=given["duration_s"],
            )

    def _close(self, alert: Mapping[str, Json], *, phase: str, text: Json, t_ns: int, duration_s: float | None) -> None:
        self._alerts.pop(str(alert["id"]), None)
        self._recovered.append({**alert, "phase": phase, "text": text, "end_s": t_ns / NS, "duration_s": duration_s})

    def _pod(self, event: Event) -> None:
        if event.payload["foot"] is None:
            _keep(self._sensors, event.payload["pod"], event.payload, SENSORS_KEPT)
            return
        self._pods[Side(event.payload["foot"])] = event.payload
        if not all(foot in self._linked() for foot in self._feet()):
            self._all_linked_at_s = None
        elif self._all_linked_at_s is None:
            self._all_linked_at_s = self._clock()

    def _note(self, event: Event) -> None:
        foot, code = event.payload["foot"], event.payload["code"]
        if foot is not None:
            self._axis_note(Side(foot), str(code), event.t_ns)
        note = {"t_s": event.t_ns / NS, "foot": foot, "code": code, "text": event.payload["text"]}
        if code == SPEED_NOTE:
            self._known_speed = note  # a treadmill's steps would push out the notes that ask for something
        else:
            self._notes.append(note)

    def _axis_note(self, foot: Side, code: str, t_ns: int) -> None:
        """What `dsp.foot` says about the pod's axis: found, not found while moving, changed."""
        match code:
            case "aligned":
                self._aligned.add(foot)
                self._unread.discard(foot)
            case "no_alignment":
                self._unread.add(foot)
            case "pod_moved" | "pod_loose":
                self._turned_ns[foot] = t_ns

    def _sum(self, event: Event) -> None:
        self._summary = event.payload

    # ------------------------------------------------------------------------------------------ picture out

    def snapshot(self, *, strip: bool = True) -> dict[str, Json]:
        """What the page shows now, in JSON values. `strip` adds the last minutes of cadence and contact time."""
        age_s = None if self._gait_at_s is None else max(self._clock() - self._gait_at_s, 0.0)
        stale = age_s is not None and age_s > STALE_S and self._state is not RunState.ENDED
        active = self._active()
        distance, run_time = self._distance(), self._run_time()
        picture: dict[str, Json] = {
            "run": self._run_picture(),
            "t_s": self._t_ns / NS,
            "data": {"age_s": age_s, "stale": stale, "stale_after_s": STALE_S},
            "gait": self._gait,
            "gait_t_s": self._gait_t_s,
            "strides": {side.value: n for side, n in self._strides.items()},
            "feet": self._detail.picture(),
            "known_speed": self._known_speed,
            "distance": distance,
            "run_time": run_time,
            "asymmetry": dict(self._asymmetry),
            "limits": self._limits_picture(),
            "alerts": {"active": active, "recovered": list(self._recovered)},
            "pods": {foot.value: self._pod_picture(foot) for foot in Side},
            "sensors": list(self._sensors.values()),
            "notes": list(self._notes),
            "sinks": [sink_picture(sink) for sink in self._sinks],
            "summary": self._summary,
            "workout": self._workout.picture(),
            "plan": self._plan,
            "now": self._advice(stale, active, distance, run_time),
        }
        if strip:
            picture["strip"] = list(self._strip)
        return picture

    def _run_picture(self) -> dict[str, Json]:
        setup = self._setup
        return {
            "id": setup.run if setup else None,
            "runner": setup.runner if setup else None,
            "site": setup.site if setup else None,
            "state": self._state.value if self._state else "idle",
            "reason": self._reason,
            "number": self._runs,
        }

    def _feet(self) -> Sequence[Side]:
        if self._setup and self._setup.pods:
            return [side for side in Side if any(pod.side is side for pod in self._setup.pods)]
        return list(Side)

    def _linked(self) -> list[Side]:
        return [foot for foot, pod in self._pods.items() if pod["link"] == "up"]

    def _advice(
        self,
        stale: bool,
        active: Sequence[Mapping[str, Json]],
        distance: Mapping[str, Json],
        run_time: Mapping[str, Json],
    ) -> dict[str, Json]:
        activity = self._gait["activity"] if self._gait else None
        advice = advise(
            Situation(
                state=self._state,
                reason=self._reason,
                feet=self._feet(),
                linked=self._linked(),
                all_linked_s=None if self._all_linked_at_s is None else self._clock() - self._all_linked_at_s,
                aligned=[foot for foot in Side if foot in self._aligned],
                unread=[foot for foot in Side if foot in self._unread],
                turned=[foot for foot, at in self._turned_ns.items() if self._t_ns - at <= TURNED_SHOWN_S * NS],
                stale=stale,
                activity=Activity(activity) if activity else None,
                alerts=active,
                distance=distance,
                run_time=run_time,
            )
        )
        return {"text": advice.text, "tone": advice.tone.value}

    def _active(self) -> list[dict[str, Json]]:
        """Loudest first, then newest; what is quieter than another alert of its rule is covered by that."""
        loud = list(Level)
        loudest: dict[tuple[Json, Json], int] = {}
        for a in self._alerts.values():
            of = (a["rule"], a["metric"])
            loudest[of] = max(loudest.get(of, 0), loud.index(Level(a["level"])))
        active = [
            {**a, "covered": loud.index(Level(a["level"])) < loudest[a["rule"], a["metric"]]}
            for a in self._alerts.values()
        ]
        return sorted(active, key=lambda a: (-loud.index(Level(a["level"])), -a["onset_s"]))

    def _distance(self) -> dict[str, Json]:
        value = self._gait["distance_m"] if self._gait else None
        running_only = self._total_limit("limit.distance").get("metric") == RUNNING_DISTANCE
        if running_only:
            value = None  # windows count walking too: only the limit knows
        return {
            **self._progress("limit.distance", value, {"m": 1.0, "km": 1000.0}),
            "running_only": running_only,
            "unit": "m",
            "n": self._gait["steps"] if self._gait else None,
            # of the whole distance; for a limit on running alone the upper bound
            **{name: self._gait[name] if self._gait else None for name in ("distance_sd_m", "estimated_m")},
            "configured_m": self._gait["configured_m"] if self._gait else None,
        }

    def _run_time(self) -> dict[str, Json]:
        value = self._gait["run_time_s"] if self._gait else None
        progress = self._progress("limit.run_time", value, {"s": 1.0, "min": 60.0, "h": 3600.0})
        return {
            **progress,
            "unit": "s",
            "walk_s": self._gait["walk_time_s"] if self._gait else None,
            "elapsed_s": self._gait["elapsed_s"] if self._gait else None,
        }

    def _total_limit(self, rule: str) -> Mapping[str, Json]:
        return self._limits.get(rule, {})

    def _progress(self, rule: str, value: float | None, units: Mapping[str, float]) -> dict[str, Json]:
        """A total against its limit. `end` is where it ends: the stop, without one the warning."""
        limit = self._total_limit(rule)
        scale = units.get(str(limit.get("unit")))
        warn, stop, level, status = None, None, Level.NONE.value, None
        if scale is not None:
            warn, stop = _times(limit["warn"], scale), _times(limit["stop"], scale)
            level, status = limit["level"], limit["status"]
            measured = _times(limit["value"], scale)
            if measured is not None:
                value = measured if value is None else max(value, measured)
        end = stop if stop is not None else warn
        known = value is not None and end is not None and end > 1e-3  # of nothing there is no share
        return {
            "value": value,
            "warn": warn,
            "stop": stop,
            "end": end,
            "left": max(end - value, 0.0) if known and end is not None and value is not None else None,
            "share": value / end if known and end is not None and value is not None else None,
            "level": level,
            "status": status,
        }

    def _limits_picture(self) -> dict[str, Json]:
        items = [
            {**state, "value": self._newest(state), "title": title(str(state["rule"]), str(state["metric"]))}
            for state in self._limits.values()
        ]
        decided = (LimitStatus.WITHIN, LimitStatus.OVER)
        return {"checked": sum(item["status"] in decided for item in items), "total": len(items), "items": items}

    def _newest(self, state: Mapping[str, Json]) -> Json:
        """A limit's value; of a total that of the newest window, since states are told every ten seconds at most."""
        total = TOTALS.get(str(state["metric"]))
        now = self._gait.get(total) if self._gait and total else None
        value = state["value"]
        return now if now is not None and value is not None and now > value else value

    def _pod_picture(self, foot: Side) -> dict[str, Json] | None:
        pod = self._pods.get(foot)
        if pod is None:
            return None
        lost, seen = pod["samples_lost"], pod["samples"]
        share = None if lost is None or seen + lost == 0 else 100.0 * lost / (seen + lost)
        return {**pod, "lost_pct": share, "aligned": foot in self._aligned}


def _keep(into: OrderedDict[Json, Json], key: Json, value: Json, most: int) -> None:
    into[key] = value
    while len(into) > most:
        into.popitem(last=False)


def _times(value: float | None, scale: float) -> float | None:
    return None if value is None else value * scale


_TAKES: Mapping[str, Callable[[LiveView, Event], None]] = {
    RunChange.KIND: LiveView._run,
    GaitWindow.KIND: LiveView._window,
    Stride.KIND: LiveView._stride,
    FootLoadState.KIND: LiveView._load,
    Asymmetry.KIND: LiveView._difference,
    LimitState.KIND: LiveView._limit,
    Alert.KIND: LiveView._alert,
    PodStatus.KIND: LiveView._pod,
    FootNote.KIND: LiveView._note,
    RunSummary.KIND: LiveView._sum,
    **dict.fromkeys(KINDS, LiveView._progress_of_workout),
}
