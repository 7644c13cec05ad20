"""What the page of the plan says: the checklist with its entry fields, the clinic's findings, load figures; in words.

Pure functions of a plan and of facts, to JSON values. Times are told in the runner's time zone. What cannot be told is
None with the reason beside it, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import tzinfo

from sensord.model import Json
from sensord.plan.adherence import Adherence, Share
from sensord.plan.days import day_words, midnight_ns, stamp
from sensord.plan.facts import Fact, Noted, Tested
from sensord.plan.findings import lsi
from sensord.plan.ladder import Placement
from sensord.plan.mileage import Measure, Mileage
from sensord.plan.model import Plan
from sensord.plan.programme import (
    ClinicianItem,
    GradeItem,
    HoldItem,
    LsiItem,
    NrsItem,
    PainFreeItem,
    ReadinessItem,
    RepsItem,
    ScoreItem,
    WalkItem,
    WeeksItem,
)
from sensord.plan.readiness import PLACEMENT

ANSWERS = {True: "yes", False: "no", None: "cannot be told"}
"""May she run? None is an answer, too."""

DONE = ("within", "over")
"""States of a check in which it was made."""


def short(picture: Mapping[str, Json] | None) -> dict[str, Json] | None:
    """What the live page says of the plan in one card; None without one."""
    if picture is None:
        return None
    standing = picture["standing"]
    today = standing["today"]
    return {
        "may_run": today["may_run"],
        "answer": ANSWERS[today["may_run"]],
        "why": today["why"],
        "stage": standing["stage"],
        "workout": today["workout_words"],
        "next_run": picture["next_run"],
        "due": sum(len(one["fields"]) for one in standing["due"]),
        "ends": picture["ends"],
        "unseen": picture["unseen"],
        "at_wall_ns": str(standing["at_wall_ns"]),
    }


def unseen_rows(unseen: Iterable[Json], tz: tzinfo) -> list[Json]:
    """Urgent alerts that nobody has acknowledged: what, since when, who was told and what is known of that. Each is
    [alert, cue, text, at_wall_ns, told, words]."""
    return [
        {
            "alert": alert,
            "cue": cue,
            "text": text,
            "when": None if at_wall_ns is None else stamp(at_wall_ns, tz),
            "told": [{"who": who, "state": state} for who, state in told],
            "words": words,
        }
        for alert, cue, text, at_wall_ns, told, words in unseen
    ]


# ------------------------------------------------------------------------------------------ readiness


def readiness_rows(
    plan: Plan, ready: Mapping[str, str], facts: Iterable[Fact], tz: tzinfo, decided: str | None
) -> list[Json]:
    """The checklist: words, where each item stands, what was found, and which fields a result has. `decided`: the
    therapist has let her begin by name, whatever the items say."""
    tests: dict[str, list[Tested]] = {}
    for fact in facts:
        if isinstance(fact, Tested):
            tests.setdefault(fact.item, []).append(fact)
    rows = [] if plan.placement is None else [_placement(plan.placement, ready, tests.get(PLACEMENT, []), tz)]
    items = [] if plan.readiness is None else plan.readiness.item
    return rows + [
        {
            "id": item.id,
            "kind": item.kind,
            "words": item_words(item),
            "state": ready.get(item.id, "unanswered"),
            "clinician": isinstance(item, ClinicianItem),
            "entry": _entry(item),
            "found": [_found(test, _entry(item) or {}, tz) for test in tests.get(item.id, [])[-4:]],
            "decided": decided,
        }
        for item in items
    ]


def _placement(placement: Placement, ready: Mapping[str, str], tests: list[Tested], tz: tzinfo) -> Json:
    """The test that says at which stage she begins; its result is a time or a distance, as its map has it."""
    timed = any(step.below is not None and step.below.is_time for step in placement.map)
    unit, per = ("min", 60.0) if timed else ("m", 1.0)
    ends = f", until {placement.stop_when}" if placement.stop_when else ""
    entry = {"unit": unit, "per": per, "side": False, "pain": False, "gait": False}
    return {
        "id": PLACEMENT,
        "kind": PLACEMENT,
        "words": f"Where to begin: {placement.test}{ends}",
        "state": ready.get(PLACEMENT, "unanswered"),
        "clinician": False,
        "entry": entry,
        "found": [_found(test, entry, tz) for test in tests[-4:]],
        "decided": None,
    }


def item_words(item: ReadinessItem) -> str:
    """What an item asks for: "single-leg hop in place, each side: 10 repetitions, pain at most 0"."""
    limit = _limit_words(item)
    name = item.text or getattr(item, "what", None)
    if name is None:
        return limit
    side = ", each side" if getattr(item, "each_side", False) else ""
    return f"{name}{side}: {limit}" if limit else str(name)


def _limit_words(item: ReadinessItem) -> str:  # noqa: PLR0911, C901 - one line for each kind
    match item:
        case WalkItem():
            return f"walk {item.min / 60:g} min, pain at most {item.max_pain:g}" + (", no limp" if item.gait else "")
        case RepsItem():
            return f"{item.min} repetitions{_pain(item)}"
        case HoldItem():
            return f"{item.min:g} s{_pain(item)}"
        case LsiItem():
            return f"injured side at least {item.min_pct:g} % of the other"
        case NrsItem():
            return f"pain {'below' if item.strictly_below else 'at most'} {item.max:g}"
        case GradeItem():
            return f"at most {item.max}"
        case WeeksItem():
            return f"{item.min:g} weeks since {item.ref.removesuffix('_date')}"
        case PainFreeItem():
            return f"{item.min} days in a row without pain in daily life"
        case ScoreItem():
            return _score_words(item)
        case ClinicianItem():
            return ""


def _pain(item: RepsItem | HoldItem) -> str:
    return "" if item.max_pain is None else f", pain at most {item.max_pain:g}"


def _score_words(item: ScoreItem) -> str:
    ends = [f"at least {item.min:g}"] if item.min is not None else []
    ends += [f"at most {item.max:g}"] if item.max is not None else []
    return ", ".join(ends)


def _entry(item: ReadinessItem) -> Json:
    """The fields of a result; None where sensord works it out. `per`: what one of the unit is in the fact's value."""
    match item:
        case WeeksItem() | PainFreeItem():
            return None
        case ClinicianItem():
            return {"tick": True}
        case GradeItem():
            return {"scale": list(item.scale)}
    unit, per = {"walk": ("min", 60.0), "hold_time": ("s", 1.0), "reps": ("repetitions", 1.0)}.get(item.kind, ("", 1.0))
    most = None if isinstance(item, NrsItem) else getattr(item, "max_pain", None)
    return {
        "unit": unit,
        "per": per,
        "side": isinstance(item, LsiItem) or getattr(item, "each_side", False),
        "pain": most is not None,
        "gait": isinstance(item, WalkItem) and item.gait is not None,
    }


def _found(test: Tested, entry: Mapping[str, Json], tz: tzinfo) -> str:
    parts = [test.side] if test.side else []
    if test.passed is not None:
        parts.append("confirmed" if test.passed else "not confirmed")
    if isinstance(test.value, str):
        parts.append(test.value)
    elif test.value is not None:
        parts.append(f"{test.value / entry.get('per', 1.0):g} {entry.get('unit', '')}".strip())
    parts += [f"pain {test.pain:g}"] if test.pain is not None else []
    parts += [f"gait {test.gait}"] if test.gait else []
    return f"{' '.join(parts)} ({test.who}, {stamp(test.at_wall_ns, tz)})"


# ------------------------------------------------------------------------------------------ figures


def figures(found: Mileage) -> list[Json]:
    """Load as it adds up. Shown, never judged: no threshold of these has held up."""
    one = [
        ("Last 7 days", found.sums_m[7]),
        ("The 7 days before", found.previous_7d_m),
        ("Last 30 days", found.sums_m[30]),
        ("Longest run of 30 days", found.longest_30d_m),
        ("Week against the one before", found.week_growth_pct),
        ("ACWR, 7 of 28 days", found.acwr_coupled),
        ("ACWR, uncoupled", found.acwr_uncoupled),
        ("ACWR, weighted (EWMA)", found.acwr_ewma),
        ("Monotony", found.monotony),
        ("Strain, week × monotony", found.strain),
        ("Effort × minutes, 7 days", found.session_rpe_7d),
    ]
    return [
        {"name": name, "value": _measured(measure), "why": measure.why_not, "n": measure.n} for name, measure in one
    ]


def _measured(measure: Measure) -> str | None:
    if measure.value is None:
        return None
    if measure.unit == "m":
        return f"{measure.value / 1000:.1f} km"
    digits = {"%": 0, "": 2}.get(measure.unit, 0)
    return f"{measure.value:.{digits}f}{' ' + measure.unit if measure.unit == '%' else ''}"


def weeks(found: Adherence) -> list[Json]:
    """By week, the newest first."""
    return [
        {
            "from": day_words(week.first),
            "to": day_words(week.last),
            "runs": _share(week.runs),
            "minutes": None if week.run_minutes is None else round(week.run_minutes),
            "exercises": _share(week.exercises),
            "answers": _share(week.answers),
        }
        for week in reversed(found.weeks)
    ]


def _share(share: Share) -> str:
    return f"{share.done}" if share.asked is None else f"{share.done} of {share.asked}"


# ------------------------------------------------------------------------------------------ the clinic's findings


def programme(plan: Plan, facts: Iterable[Fact], tz: tzinfo) -> Json:
    """What the clinic has on file: history, goals, tests, gait analyses, dated notes, the newest first."""
    notes = [
        (midnight_ns(note.date, tz), day_words(note.date), _plain(note.kind), note.text, "plan") for note in plan.note
    ]
    notes += [
        (fact.at_wall_ns, stamp(fact.at_wall_ns, tz), _plain(fact.what), fact.text, fact.who)
        for fact in facts
        if isinstance(fact, Noted)
    ]
    shown = plan.evaluation
    return {
        "notes": [
            {"when": when, "what": what, "text": text, "who": who}
            for _, when, what, text, who in sorted(notes, reverse=True)
        ],
        "evaluation": None
        if shown is None
        else {
            "when": day_words(shown.date),
            "history": shown.history,
            "goals": shown.goals,
            "tests": [
                {"what": t.what, "value": f"{t.value:g} {t.unit}".strip(), "side": t.side, "when": day_words(t.date)}
                for t in shown.test
            ],
            "lsi": [
                {"what": one.what, "pct": None if one.pct is None else f"{one.pct:.0f} %", "when": day_words(one.date)}
                for one in lsi(shown.test, plan.runner.injured_side)
            ],
            "gait": [{"when": day_words(g.date), "run": g.run, "video": g.video, "text": g.text} for g in shown.gait],
        },
    }


def _plain(name: str) -> str:
    return name.replace("_", " ")
