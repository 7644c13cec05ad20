"""The ladder of a plan as rows for people: each stage with its workout, what that adds up to, and a picture of it."""

from __future__ import annotations

from dataclasses import dataclass

from sensord.plan.ladder import Session, Stage
from sensord.plan.model import Plan
from sensord.plan.workout import Kind, Quantity, Step, Total, Whole, Workout, steps, total, words

BAR = 30
"""Characters of the longest workout's picture (design choice: fits beside the table)."""

MARKS = {Kind.WALK: "░", Kind.RUN: "█", Kind.REST: " "}

PACE_MPS = {Kind.WALK: 1.5, Kind.RUN: 2.5, Kind.REST: 1.5}
"""For the picture only, to draw times and distances on one line: 5.4 and 9 km/h (design choice). No total uses it."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One workout of a stage. `running`, `total`: what it adds up to, in words; empty where that is open."""

    stage: str
    words: str
    running: str
    total: str
    successes: str
    bar: str
    blocks: tuple[tuple[str, float], ...] = ()
    """Kind and length (s, distances at the picture's pace) of each segment."""


def rows_of(plan: Plan) -> list[Rung]:
    """A row for each workout of each stage, lowest first."""
    sessions: list[tuple[Stage, Session | None]] = []
    for stage in plan.stage:
        sessions += [(stage, session) for session in stage.session] or [(stage, None)]
    drawn = [(stage, session, _blocks(session)) for stage, session in sessions]
    longest_s = max((sum(length for _, length in blocks) for _, _, blocks in drawn), default=0.0)
    return [_row(plan, stage, session, blocks, longest_s) for stage, session, blocks in drawn]


def _row(
    plan: Plan, stage: Stage, session: Session | None, blocks: tuple[tuple[Kind, float], ...], longest_s: float
) -> Rung:
    needed = stage.advance.successes or plan.advance.successes
    name = stage.id + (f" {stage.title}" if stage.title else "")
    pictured = tuple((kind.value, length) for kind, length in blocks)
    if session is None:
        return Rung(name, _kind_words(stage), "", "", str(needed), "", pictured)
    least = total(session.do, repeats=session.repeats)
    most = total(session.do, repeats=session.repeats, most=True)
    running = _between(_amount(least.run_time_s, least.run_distance_m), _amount(most.run_time_s, most.run_distance_m))
    whole = _between(_whole(least), _whole(most))
    return Rung(name, words(session.do), running, whole, str(needed), _bar(blocks, longest_s), pictured)


def _kind_words(stage: Stage) -> str:
    if stage.calendar is not None:
        weeks = len(stage.calendar.days)
        return f"calendar of {weeks} week{'s' if weeks > 1 else ''}, {stage.calendar.unit}"
    if stage.increment is not None:
        return f"from {stage.increment.start}, each success adds {stage.increment.by}"
    assert stage.weekly is not None  # a stage has a workout or what its kind names, and this is the last kind
    growth = " to ".join(f"{pct:g}" for pct in stage.weekly.growth_pct)
    return f"weekly volume, +{growth} % a week, until {stage.weekly.until}"


def _blocks(session: Session | None) -> tuple[tuple[Kind, float], ...]:
    return () if session is None else blocks_of(session.do, session.repeats)


def blocks_of(workout: Workout, repeats: int | None = None) -> tuple[tuple[Kind, float], ...]:
    """The segments laid out: kind and length in s; what only the run can end is ended at the picture's pace."""
    laid, blocks, covered = steps(workout, repeats=repeats), [], dict[Whole, float]()
    for step in laid:
        length_s = _length_s(step)
        blocks.append((step.kind, length_s))
        for whole in step.wholes:
            measure = whole.amount.alternatives[0]
            timed = measure.quantity is Quantity.TIME
            covered[whole] = covered.get(whole, 0.0) + length_s * (1.0 if timed else PACE_MPS[step.kind])
            if covered[whole] >= measure.high:
                laid.leave(whole)
    return tuple(blocks)


def _length_s(step: Step) -> float:
    ends = [] if step.time_s is None else [step.time_s]
    ends += [] if step.distance_m is None else [step.distance_m / PACE_MPS[step.kind]]
    return min(ends)


def _bar(blocks: tuple[tuple[Kind, float], ...], longest_s: float) -> str:
    """Each segment at least one character, the longest workout `BAR` in all where that leaves room."""
    per_s = BAR / longest_s if longest_s else 0.0
    return "".join(MARKS[kind] * max(1, round(length * per_s)) for kind, length in blocks)


def _whole(one: Total) -> str:
    return _amount(one.time_s, one.distance_m)


def _amount(time_s: float, distance_m: float) -> str:
    parts = [f"{time_s / 60:g} min"] if time_s else []
    if distance_m:
        parts += [f"{distance_m / 1000:.2f} km" if distance_m >= 1000 else f"{distance_m:.0f} m"]
    return " + ".join(parts)


def _between(least: str, most: str) -> str:
    return least if least == most else f"{least} to {most}"
