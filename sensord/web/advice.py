"""What to do now, in one short sentence: from the state of the run, its pods, its alerts and what is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sensord.model import Activity, Json, Level, RunState, Side
from sensord.web.words import length_words, time_words

SETTLE_S = 6.0
"""Design choice: 3 s to stand still and as long to get there. The pods do not say when they are on a shoe."""


class Tone(StrEnum):
    """How the sentence is shown (with a word and a shape, never by colour alone)."""

    CALM = "calm"
    GO = "go"
    EASE = "ease"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Advice:
    """One sentence and its tone."""

    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Situation:
    """What the sentence depends on."""

    state: RunState | None
    reason: str
    feet: Sequence[Side]
    linked: Sequence[Side]
    all_linked_s: float | None  # how long all of them have been linked
    aligned: Sequence[Side]
    unread: Sequence[Side]  # moving, but no strides can be read
    turned: Sequence[Side]  # the pod has moved on the shoe, just now
    stale: bool
    activity: Activity | None
    alerts: Sequence[Mapping[str, Json]]
    distance: Mapping[str, Json]
    run_time: Mapping[str, Json]


def advise(now: Situation) -> Advice:
    """The sentence for a situation."""
    match now.state:
        case None:
            return Advice("Turn both pods on. A run begins by itself.", Tone.CALM)
        case RunState.ENDED:
            return Advice(f"Run ended. {_so_far(now)}", Tone.CALM)
        case RunState.READY:
            return _before(now)
        case RunState.PAUSED:
            return _alerted(now) or Advice("Paused. Walk or run to go on.", Tone.CALM)
        case RunState.RUNNING:
            return _alerted(now) or _running(now)


def _before(now: Situation) -> Advice:
    missing = [foot for foot in now.feet if foot not in now.linked]
    if len(missing) == 1 and len(now.feet) > 1:
        return Advice(f"Waiting for the {missing[0]} pod. Turn it on.", Tone.CALM)
    if missing:
        return Advice("Waiting for the pods. Turn them on.", Tone.CALM)
    if now.unread:
        return Advice(f"The {_and(now.unread)} cannot be read yet. Walk straight on for some steps.", Tone.CALM)
    settled = now.all_linked_s is not None and now.all_linked_s >= SETTLE_S
    if settled or all(foot in now.aligned for foot in now.feet):
        return Advice("Ready. Start walking or running.", Tone.GO)
    both = "both pods" if len(now.feet) > 1 else "the pod"
    return Advice(f"Put {both} on and stand still for 3 seconds.", Tone.CALM)


def _and(feet: Sequence[Side]) -> str:
    return "pods" if len(feet) > 1 else f"{feet[0]} pod"


def _alerted(now: Situation) -> Advice | None:
    """Alerts come loudest first: a stop names its limit, a warning its cue and, for a total, what is left."""
    alert = next(iter(now.alerts), None)
    if alert is None:
        return None
    if alert["level"] in (Level.STOP, Level.URGENT):
        name = str(alert["title"])
        return Advice(f"Stop running: {name[:1].lower()}{name[1:]} limit", Tone.STOP)
    total = {"limit.distance": now.distance, "limit.run_time": now.run_time}.get(str(alert["rule"]))
    left = f". {_left(now, total)}" if total is not None and total["left"] is not None else ""
    return Advice(f"{alert['cue']}{left}", Tone.EASE)


def _running(now: Situation) -> Advice:
    if now.stale:
        return Advice("No data from the pods. The numbers are old.", Tone.EASE)
    lost = [foot for foot in now.feet if foot not in now.linked]
    if len(lost) == 1 and len(now.feet) > 1:
        return Advice(f"The {lost[0]} pod has no link. Only the other foot is measured.", Tone.EASE)
    if lost:
        return Advice("The pods have no link. Nothing is measured.", Tone.EASE)
    if now.turned:
        return Advice(f"The {_and(now.turned)} turned on the shoe. Check the fit.", Tone.EASE)
    used_up = [p for p in (now.distance, now.run_time) if p["share"] is not None and p["share"] >= 1.0]
    if used_up:
        end = used_up[0]["end"]
        limit = length_words(end, 2) if used_up[0] is now.distance else time_words(end)
        return Advice(f"Nothing is left of {limit}. Stop running.", Tone.STOP)
    doing = "Walking" if now.activity is Activity.WALK else "Running"
    return Advice(f"{doing}. {_what_is_left(now)}", Tone.GO)


def _what_is_left(now: Situation) -> str:
    distance, run_time = now.distance, now.run_time
    by_share = sorted(
        (p for p in (distance, run_time) if p["share"] is not None), key=lambda p: float(p["share"]), reverse=True
    )
    if not by_share:
        return _so_far(now)
    return _left(now, by_share[0])


def _left(now: Situation, total: Mapping[str, Json]) -> str:
    if total is now.distance:
        return f"{length_words(total['left'])} left of {length_words(total['end'], 2)}"
    return f"{time_words(total['left'])} left of {time_words(total['end'])}"


def _so_far(now: Situation) -> str:
    distance, run_time = now.distance["value"], now.run_time["value"]
    if distance is None or run_time is None:
        return "No steps were seen." if now.state is RunState.ENDED else "Counting your steps."
    return f"{length_words(distance)}, {time_words(run_time)} of running"
