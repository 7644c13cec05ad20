"""A plan as a page shows it: where she stands, with the words of its questions, exercises and checklist beside it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sensord.model import NS, Json, payload
from sensord.plan.facts import Exercised, Fact, union
from sensord.plan.fields import Field, field_of
from sensord.plan.ladder_view import rows_of
from sensord.plan.model import Plan
from sensord.plan.standing import Standing

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

ALWAYS = ("pain.daily", "pain.where", "night_pain", "swelling", "gait_altered")
"""Design choice: what she may say on any day without being asked."""

DECISIONS_SHOWN = 20


def plan_picture(plan: Plan, standing: Standing, facts: tuple[Fact, ...], now_wall_ns: int, zone: ZoneInfo) -> Json:
    """JSON values: `standing`, `questions` by field, `exercises` of today, `ladder`, `readiness`, `contact`."""
    asked = {name for due in standing.due for name in due.fields} | set(ALWAYS)
    shown = payload(standing)
    shown["decisions"] = shown["decisions"][-DECISIONS_SHOWN:]
    return {
        "title": plan.title,
        "runner": plan.runner.alias,
        "decides": plan.runner.decides,
        "contact": plan.alerts.contact,
        "standing": shown,
        "questions": {name: _question(field) for name in sorted(asked) if (field := field_of(name)) is not None},
        "exercises": _exercises(plan, facts, now_wall_ns, zone),
        "cross_training": plan.schedule.cross_training.allowed if plan.schedule.cross_training else [],
        "ladder": [
            {"stage": row.stage, "words": row.words, "total": row.total, "bar": row.bar} for row in rows_of(plan)
        ],
        "readiness": [_item(item) for item in plan.readiness.item] if plan.readiness else [],
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


def _item(item: object) -> Json:
    """A readiness item: its id, kind and what its kind says."""
    values: dict[str, Json] = item.model_dump(mode="json", exclude_none=True)  # type: ignore[attr-defined]
    return values


def _exercises(plan: Plan, facts: tuple[Fact, ...], now_wall_ns: int, zone: ZoneInfo) -> list[Json]:
    """What is on today's list, and what of it was logged today."""
    today = datetime.fromtimestamp(now_wall_ns / NS, zone).date()
    done = {
        fact.what
        for fact in union(facts)
        if isinstance(fact, Exercised) and datetime.fromtimestamp(fact.at_wall_ns / NS, zone).date() == today
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
        }
        for one in plan.exercise
        if WEEKDAYS[today.weekday()] in one.days
    ]
