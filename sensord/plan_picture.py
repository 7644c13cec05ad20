"""A plan as a page shows it: where she stands, with the words of its questions, exercises and checklist beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from zoneinfo import ZoneInfo

from sensord.model import Json, payload
from sensord.plan.adherence import adherence
from sensord.plan.days import DAY_NS, local_date, span_words, stamp, weekday
from sensord.plan.facts import (
    Approval,
    CheckIn,
    Exercised,
    Fact,
    HistoryKnown,
    Moment,
    Revision,
    RunFact,
    Verdict,
    union,
)
from sensord.plan.fields import Answer, Field, field_of
from sensord.plan.ladder_view import blocks_of, rows_of
from sensord.plan.mileage import mileage, runs_of
from sensord.plan.model import Plan
from sensord.plan.questions import questions
from sensord.plan.standing import Decision, Outcome, Standing
from sensord.plan.workout import WorkoutError, parse_workout, render
from sensord.store_receipts import Unseen
from sensord.web.plan_view import DONE, figures, programme, readiness_rows, unseen_rows, weeks

ALWAYS = ("pain.daily", "pain.where", "night_pain", "rest_pain", "swelling", "gait_altered")
"""Design choice: what she may say on any day without being asked."""

DURING = ("pain.during", "pain.where", "gait_altered")
"""Design choice: what she may say on the move, in one tap."""

DECISIONS_SHOWN = 20

RUNS_SHOWN = 4
"""Design choice: the runs whose answers can be given late, or changed, on the page."""

ENDS = frozenset({"stop", "urgent"})
"""Levels of a decision that end the run that is on."""

OVER_BY = frozenset({Outcome.RELEASE, Outcome.ENTER, Outcome.ADVANCE})
"""What ends the loudness of an earlier decision."""

JUST_NOW_NS = DAY_NS // 2
"""Design choice: for so long a decision that ends a run is said loudly."""

MOMENTS = {
    "before": "Before the run",
    "during": "During the run",
    "after": "After the run",
    "after_60min": "One hour after the run",
    "next_morning": "The morning after the run",
    "daily": "About the day",
}


def plan_picture(
    plan: Plan,
    standing: Standing,
    facts: tuple[Fact, ...],
    now_wall_ns: int,
    zone: ZoneInfo,
    unseen: Sequence[Unseen] = (),
    on: str | None = None,
) -> Json:
    """JSON values for the page: the answer of today, what is asked, exercises, ladder, decisions, checklist, figures.

    `unseen`: urgent alerts that nobody has acknowledged; `on`: the run that is on.
    """
    known = union(facts)
    runs = runs_of(known)
    shown = payload(standing)
    shown["decisions"] = shown["decisions"][-DECISIONS_SHOWN:]
    symptoms = [name for name in _asked_of(plan) if name.startswith("symptom.")]
    telling = {"day": [*ALWAYS, *symptoms], "run": [*DURING, *symptoms]}
    recent = [_recent(plan, run, known, zone) for run in reversed(runs[-RUNS_SHOWN:])]
    asked = {name for due in standing.due for name in due.fields} | {n for names in telling.values() for n in names}
    asked |= {name for run in recent for moment in run["moments"] for name in moment["fields"]}
    names = {run.run: _run_words(run, zone) for run in runs} | ({on: "the run that is on"} if on else {})
    today = standing.today
    return {
        "title": plan.title,
        "runner": plan.runner.alias,
        "goal": plan.runner.goal,
        "decides": plan.runner.decides,
        "contact": plan.alerts.contact,
        "on": on,
        "standing": shown,
        "now": stamp(now_wall_ns, zone),
        "next_run": None if today.next_run_wall_ns is None else _when(today.next_run_wall_ns, now_wall_ns, zone),
        "rest_until": None if standing.rest_until_ns is None else stamp(standing.rest_until_ns, zone),
        "stage_since": None if standing.stage_since_ns is None else stamp(standing.stage_since_ns, zone),
        "blocks": _blocks(today.workout, today.repeats),
        "checks": {"made": sum(check.status in DONE for check in today.checks), "of": len(today.checks)},
        "ends": _ends(standing, now_wall_ns, zone),
        "unseen": unseen_rows([_unseen(one, plan.alerts.contact) for one in unseen], zone),
        "due": [
            {
                "run": due.run,
                "moment": due.moment,
                "words": MOMENTS.get(due.moment, due.moment),
                "about": None if due.run is None else names.get(due.run, due.run),
                "since": stamp(due.since_wall_ns, zone),
                "fields": list(due.fields),
            }
            for due in standing.due
        ],
        "telling": telling,
        "recent": recent,
        "questions": {name: _question(field) for name in sorted(asked) if (field := field_of(name)) is not None},
        "exercises": _exercises(plan, known, now_wall_ns, zone),
        "cross_training": plan.schedule.cross_training.allowed if plan.schedule.cross_training else [],
        "ladder": _ladder(plan, standing),
        "rules": {rule.id: {"text": rule.text, "source": rule.source} for rule in plan.rule},
        "decisions": [_decision(one, names, zone) for one in standing.decisions[-DECISIONS_SHOWN:]],
        "readiness": readiness_rows(plan, standing.ready, known, zone, _let_begin(known, zone)),
        "figures": figures(mileage(known, now_wall_ns, zone)),
        "weeks": weeks(adherence(plan, known, now_wall_ns, zone, stage=standing.stage)),
        "known_since": _known_since(known, zone),
        "revisions": [
            {"number": n, "when": stamp(one.at_wall_ns, zone), "who": one.who, "reason": one.reason}
            for n, one in enumerate((fact for fact in known if isinstance(fact, Revision)), 1)
        ],
        **programme(plan, known, zone),
    }


def _question(field: Field) -> Json:
    kind = {bool: "yes_no", float: "number", str: "word" if field.scale else "text"}[field.kind]
    return {
        "text": field.question,
        "kind": kind,
        "scale": list(field.scale),
        "low": field.low,
        "high": field.high,
        "unit": field.unit,
    }


def _asked_of(plan: Plan) -> list[str]:
    """Every question that a rule or an [[ask]] of the plan names, in their order."""
    named = [condition.field for rule in plan.rule for condition in rule.when]
    named += [name for ask in plan.ask for name in ask.fields]
    fields = [field_of(name) for name in dict.fromkeys(named)]
    return [field.name for field in fields if field is not None and field.asked]


def _unseen(one: Unseen, contact: str | None) -> Json:
    return (one.alert, one.cue, one.text, one.at_wall_ns, one.told, one.words(contact))


def _when(at_ns: int, now_ns: int, zone: tzinfo) -> str:
    return "now" if at_ns <= now_ns else stamp(at_ns, zone)


def _blocks(do: str | None, repeats: int | None) -> list[Json]:
    """Kind and length (s, distances at the picture's pace) of each segment of today's workout."""
    if do is None:
        return []
    try:
        return [[kind.value, length_s] for kind, length_s in blocks_of(parse_workout(do), repeats)]
    except WorkoutError:
        return []


def _ends(standing: Standing, now_ns: int, zone: tzinfo) -> Json:
    """The newest decision that ends a run or forbids the next, while it is news and nobody has decided otherwise."""
    for last in reversed(standing.decisions):
        if last.outcome in OVER_BY or now_ns - last.at_wall_ns > JUST_NOW_NS:
            return None
        if last.alert in ENDS:
            break
    else:
        return None
    return {"why": last.why, "level": last.alert, "when": stamp(last.at_wall_ns, zone), "rules": list(last.rules)}


def _run_words(run: RunFact, zone: tzinfo) -> str:
    parts = [f"the run of {stamp(run.at_wall_ns, zone)}" if run.clock_trusted else "a run at a time that is not known"]
    parts += [f"{run.distance_m / 1000:.1f} km"] if run.distance_m else []
    took_s = (run.end_wall_ns - run.at_wall_ns) / 1e9
    parts += [span_words(took_s)] if took_s >= 60 else []
    return ", ".join(parts)


def _recent(plan: Plan, run: RunFact, known: Iterable[Fact], zone: tzinfo) -> Json:
    """What can be answered about a run, and what was: answers may come late, and the later one counts."""
    answers: dict[str, Answer] = {}
    for fact in known:
        if isinstance(fact, CheckIn) and fact.run == run.run:
            answers |= fact.answers
    asked = questions(plan, plan.advance).asked
    return {
        "run": run.run,
        "words": _run_words(run, zone),
        "manual": run.source == "manual",
        "key": [run.key.gateway, run.key.seq, run.key.name],
        "moments": [
            {"moment": moment.value, "words": MOMENTS[moment], "fields": list(names)}
            for moment, names in asked.items()
            if moment is not Moment.DAILY
        ],
        "answers": answers,
    }


def _exercises(plan: Plan, known: Iterable[Fact], now_wall_ns: int, zone: ZoneInfo) -> list[Json]:
    """What is on today's list, and what of it was logged today."""
    today = local_date(now_wall_ns, zone)
    done = {
        fact.what: fact for fact in known if isinstance(fact, Exercised) and local_date(fact.at_wall_ns, zone) == today
    }
    return [
        {
            "id": one.id,
            "name": one.name,
            "sets": one.sets,
            "reps": one.reps,
            "hold_s": one.hold,
            "load": one.load,
            "side": one.side,
            "done": one.id in done,
            "logged": _logged(done[one.id]) if one.id in done else None,
        }
        for one in plan.exercise
        if weekday(today) in one.days
    ]


def _logged(fact: Exercised) -> str:
    parts = [f"{fact.sets} sets"] if fact.sets else []
    parts += [f"{fact.reps} repetitions"] if fact.reps else []
    parts += [f"pain {fact.pain:g}"] if fact.pain is not None else []
    return ", ".join(parts)


def _ladder(plan: Plan, standing: Standing) -> list[Json]:
    """A row for each workout of each stage, with the place where she is."""
    ids = [stage.id for stage in plan.stage for _ in range(len(stage.session) or 1)]
    at = ids.index(standing.stage) if standing.stage in ids else -1
    now = standing.today.workout
    todo = {stage.id: [render(s.do) for s in stage.session] for stage in plan.stage}
    return [
        {
            "id": stage,
            "stage": row.stage,
            "words": row.words,
            "total": row.total,
            "running": row.running,
            "successes": row.successes,
            "bar": row.bar,
            "blocks": [list(block) for block in row.blocks],
            "here": stage == standing.stage,
            "today": stage == standing.stage and (len(todo[stage]) < 2 or now is None or now == _do(todo, ids, n)),
            "past": n < at,
        }
        for n, (stage, row) in enumerate(zip(ids, rows_of(plan), strict=True))
    ]


def _do(todo: Mapping[str, list[str]], ids: Sequence[str], n: int) -> str:
    """The workout of the n-th row."""
    return todo[ids[n]][n - ids.index(ids[n])]


def _decision(one: Decision, names: Mapping[str, str], zone: tzinfo) -> Json:
    return {
        "when": stamp(one.at_wall_ns, zone),
        "outcome": one.outcome.value,
        "stage": one.stage,
        "to_stage": one.to_stage,
        "rules": list(one.rules),
        "why": one.why,
        "by": one.by,
        "level": one.alert,
        "about": None if one.run is None else names.get(one.run, one.run),
        "rest_until": None if one.rest_until_ns is None else stamp(one.rest_until_ns, zone),
    }


def _let_begin(known: Iterable[Fact], zone: tzinfo) -> str | None:
    """Who has said that the checklist has passed."""
    said = [fact for fact in known if isinstance(fact, Approval) and fact.verdict is Verdict.READY]
    return f"{said[-1].who}, {stamp(said[-1].at_wall_ns, zone)}: {said[-1].reason}" if said else None


def _known_since(known: Iterable[Fact], zone: tzinfo) -> str | None:
    times = [fact.at_wall_ns for fact in known if isinstance(fact, HistoryKnown)]
    return stamp(min(times), zone) if times else None
