"""What she hears and reads of her workout: cues of at most three words, and where she is in one line."""

from __future__ import annotations

from sensord.model_plan import WorkoutState
from sensord.plan.amounts import runs
from sensord.plan.matching import Matcher
from sensord.plan.workout import Kind, Step

RUN_NOW, WALK_NOW, REST_NOW = "Run now", "Walk now", "Rest now"
LAST_RUN, RUN_OR_END, NEXT_RUN, DONE = "Last run", "Run or end", "Next run", "Workout done"

EFFORTS = {"easy": "Run easy", "hard": "Run hard", "modhard": "Moderately hard"}
"""How a run is to be run that follows another without a walk."""

Situation = tuple[int, str, str]
"""Place in the workout, what is the matter, and the cue for it: each is said once."""


def cue_of(matcher: Matcher) -> Situation | None:
    """The cue for where she is now; None: nothing to be said."""
    place, step = matcher.place, matcher.step
    if step is None or matcher.finished:
        return -1, "done", DONE
    if matcher.early is not None:
        return place, f"early {matcher.early.t_ns}", WALK_NOW
    following = matcher.route.at(place + 1)
    if runs(step):
        return _in_run(matcher, step, following)
    if not matcher.reached or following is None:
        return None
    last = following.of is not None and following.repetition == following.of
    return place, "run", RUN_OR_END if following.optional else LAST_RUN if last else RUN_NOW


def _in_run(matcher: Matcher, step: Step, following: Step | None) -> Situation | None:
    place = matcher.place
    if matcher.reached and following is not None:
        return place, "over", REST_NOW if following.kind is Kind.REST else WALK_NOW
    before = matcher.route.at(place - 1) if place else None
    if before is None or not runs(before) or not matcher.begun or matcher.interrupted is not None:
        return None
    return place, "next", next((EFFORTS[mod] for mod in step.mods if mod in EFFORTS), NEXT_RUN)


def clock(seconds: float) -> str:
    """As "1:20"; part of a second counts as a whole one, so that 0:00 is over."""
    whole = -int(-seconds // 1)
    return f"{whole // 60}:{whole % 60:02d}"


def length(metres: float, sd: float | None = None) -> str:
    """As "120 m" or "1.25 km", with how far off it may be when that is told."""
    off = "" if sd is None or sd < 1.0 else f" ± {sd:.0f} m"
    return f"{metres:.0f} m{off}" if metres < 1000.0 else f"{metres / 1000.0:.2f} km{off}"


def text_of(state: WorkoutState) -> str:
    """Where she is: "Run 3 of 6: 1:20 left, then walk 2:00"."""
    if state.kind == "done":
        return "Workout done"
    over = [clock(int(state.over_s or 0.0))] if (state.over_s or 0.0) >= 1.0 else []
    over += [length(state.over_m or 0.0)] if (state.over_m or 0.0) >= 1.0 else []
    left = _amounts(state.left_s, state.left_m, state.left_sd_m)
    what = f"{_name(state, state.kind)}: " + (f"{over[0]} over" if over else f"{left} left")
    if state.next_kind is None:
        end = "then done"
    else:
        asked = _amounts(state.next_s, state.next_m, None)
        end = f"then {_name(state, state.next_kind, following=True)} {asked}"
    return f"{what}, {end}{'; you may end' if state.may_end else ''}"


def _name(state: WorkoutState, kind: str, *, following: bool = False) -> str:
    """ "Run 3 of 6"; the run behind a run is only called a run."""
    if kind != "run" or (following and state.kind == "run") or state.repetition is None:
        return kind if following else kind.capitalize()
    of = "" if state.of is None else f" of {state.of}"
    number = "" if state.of == 1 else f" {state.repetition}{of}"
    return f"{kind if following else kind.capitalize()}{number}"


def _amounts(seconds: float | None, metres: float | None, sd: float | None) -> str:
    parts = [clock(seconds)] if seconds is not None else []
    parts += [length(metres, sd)] if metres is not None else []
    return " or ".join(parts)
