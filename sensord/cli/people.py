"""What people say on the command line: how it was, what was done, what a test came to, what the clinic decides."""

from __future__ import annotations

import asyncio
import getpass
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from sensord.cli.common import ConfigOption, DataDirOption, JsonOption, print_json, reading, settings_of
from sensord.cli.when import past_ns, plan_here, zone_here
from sensord.errors import InputError, Problem
from sensord.model import NS

if TYPE_CHECKING:
    from sensord.config import Settings
    from sensord.plan.facts import Fact, Moment
    from sensord.plan.fields import Answer

WhoOption = Annotated[str | None, typer.Option(help="who says so; without it, your login name")]
AtOption = Annotated[str | None, typer.Option("--at", help="when, as 2026-11-20 or 2026-11-20T18:30; without it, now")]


def checkin(
    answers: Annotated[
        list[str] | None, typer.Argument(help="pain.after=2 night_pain=no ...; without any: what is asked now")
    ] = None,
    run: Annotated[str | None, typer.Option(help="the run it is about; without it, her last one")] = None,
    moment: Annotated[
        str | None, typer.Option(help="before, during, after, after_60min, next_morning or daily")
    ] = None,
    at: AtOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer how it was: pain, where, soreness, swelling, sleep. Without answers it shows what is asked now."""
    from sensord.plan.facts import CheckIn, Key
    from sensord.plan.said import parse_answers

    settings = settings_of(config, data_dir=data_dir)
    if not answers:
        _show_due(settings, config, data_dir, as_json=as_json)
        return
    said = parse_answers(_pairs(answers), place="check-in")
    about = _run_id(config, data_dir, run) if run else None
    when = _moment(moment, said)
    _say(settings, CheckIn(Key("", 0), past_ns(at, zone_here(settings)), when, about, said), as_json=as_json)


def ack(
    alert: Annotated[
        str | None, typer.Argument(help="the alert's id or code; without it: what nobody has seen")
    ] = None,
    who: WhoOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that an alert was seen. Only urgent ones ask for it; without one, those that nobody has seen are shown."""
    from sensord.desk import acknowledge

    if alert is None:
        _show_unseen(config, data_dir, as_json=as_json)
        return
    seen = asyncio.run(acknowledge(settings_of(config, data_dir=data_dir), alert, who or getpass.getuser()))
    if as_json:
        print_json(seen)
    else:
        print(f"seen: {seen['text']}")


def did(
    what: Annotated[str, typer.Argument(help="an exercise of the plan, or a kind of cross-training")],
    sets: Annotated[int | None, typer.Option(min=1, max=50)] = None,
    reps: Annotated[int | None, typer.Option(min=1, max=500)] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, max=1440)] = None,
    rpe: Annotated[float | None, typer.Option(min=0, max=10, help="effort, 0 to 10")] = None,
    pain: Annotated[float | None, typer.Option(min=0, max=10)] = None,
    at: AtOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Log an exercise of the plan, or cross-training."""
    from sensord.plan.facts import Exercised, Key

    settings = settings_of(config, data_dir=data_dir)
    fact = Exercised(Key("", 0), past_ns(at, zone_here(settings)), what, sets, reps, minutes, rpe, pain)
    _say(settings, fact, as_json=as_json)


def distance(
    length: Annotated[str, typer.Argument(help='how far, such as "5.2km"')],
    took: Annotated[str | None, typer.Option(help='how long, such as "31min"')] = None,
    at: AtOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Enter a run that no pod saw, so that the weeks add up."""
    from pydantic_core import PydanticCustomError
    from ulid import ULID

    from sensord.plan.facts import Key, RunFact
    from sensord.plan.quantity import parse_duration_s, parse_length_m

    place, written = "LENGTH", length
    try:
        distance_m, took_s = parse_length_m(length), None
        if took is not None:
            place, written = "--took", took
            took_s = parse_duration_s(took)
    except PydanticCustomError as error:
        context = error.context or {}
        found = context.get("found") or f'"{written}"'
        raise InputError(Problem("command line", place, found, context["expected"])) from None
    settings = settings_of(config, data_dir=data_dir)
    begun_ns = past_ns(at, zone_here(settings))
    end_ns = begun_ns + round((took_s or 0.0) * NS)
    fact = RunFact(
        Key("", 0), begun_ns, end_ns, f"manual-{ULID()}", "manual", distance_m=distance_m, run_distance_m=distance_m,
        run_time_s=took_s,
    )  # fmt: skip
    _say(settings, fact, as_json=as_json)


def readiness_result(
    item: Annotated[str, typer.Argument(help='an item of the readiness checklist, or "placement"')],
    value: Annotated[
        str | None, typer.Argument(help="what it came to: 25, 30min, 1.2km, trace; for a clinician's tick: yes or no")
    ] = None,
    side: Annotated[str | None, typer.Option(help="left or right")] = None,
    pain: Annotated[float | None, typer.Option(min=0, max=10)] = None,
    gait: Annotated[str | None, typer.Option(help='"normal", or how it was, where the item asks for it')] = None,
    who: WhoOption = None,
    at: AtOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Enter what an item of the readiness checklist came to."""
    from sensord.plan.facts import Key, Tested
    from sensord.plan.said import YES_NO, parse_result

    if side not in (None, "left", "right"):
        raise InputError(Problem("command line", "--side", repr(side), "left or right"))
    passed = YES_NO.get(value.lower()) if value else None
    settings = settings_of(config, data_dir=data_dir)
    result = None if passed is not None or value is None else parse_result(value, item, plan_here(settings))
    fact = Tested(
        Key("", 0), past_ns(at, zone_here(settings)), item, who or getpass.getuser(), result, side, pain, passed, gait
    )
    _say(settings, fact, as_json=as_json)


def note(
    text: Annotated[str, typer.Argument(help="one line")],
    kind: Annotated[str, typer.Option(help="manual_therapy, visit, ...")] = "other",
    who: WhoOption = None,
    at: AtOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a dated note of the clinic; it stands on the time axis, and nothing follows from it."""
    from sensord.plan.facts import Key, Noted

    settings = settings_of(config, data_dir=data_dir)
    fact = Noted(Key("", 0), past_ns(at, zone_here(settings)), kind, text, who or getpass.getuser())
    _say(settings, fact, as_json=as_json)


def complete_since(
    day: Annotated[str, typer.Argument(help="a date, as 2026-10-01")],
    who: WhoOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say from when on every run is on file: weekly and monthly limits are not checked before that is known."""
    from sensord.plan.facts import HistoryKnown, Key

    settings = settings_of(config, data_dir=data_dir)
    fact = HistoryKnown(Key("", 0), past_ns(day, zone_here(settings), "DAY"), who or getpass.getuser())
    _say(settings, fact, as_json=as_json)


# ------------------------------------------------------------------------------------------ inside


def _say(settings: Settings, fact: Fact, *, as_json: bool) -> None:
    from sensord.desk import say
    from sensord.run_setup import runner_of

    kept = asyncio.run(say(settings, runner_of(settings), fact))
    if as_json:
        print_json(kept)
    else:
        print(f"kept as {kept['gateway']}/{kept['number']}")


def _show_due(settings: Settings, config: ConfigOption, data_dir: DataDirOption, *, as_json: bool) -> None:
    from sensord.plan.fields import field_of
    from sensord.plan_book import standing_of
    from sensord.run_setup import plan_of, runner_of

    plan, _ = plan_of(settings)
    with reading(config, data_dir) as store:
        standing = standing_of(store, runner_of(settings), plan, time.time_ns())
    due = standing.due if standing else ()
    if as_json:
        print_json([{"run": d.run, "moment": d.moment, "fields": list(d.fields)} for d in due])
        return
    for one in due:
        about = f" about run {one.run}" if one.run else ""
        print(f"{one.moment.replace('_', ' ')}{about}")
        for name in one.fields:
            field = field_of(name)
            print(f"  {name:<22} {field.question if field else ''}")
    if not due:
        print("nothing is asked now")


def _show_unseen(config: ConfigOption, data_dir: DataDirOption, *, as_json: bool) -> None:
    from sensord.model import payload
    from sensord.store_receipts import unseen

    with reading(config, data_dir) as store:
        found = unseen(store, time.time_ns())
    if as_json:
        print_json([payload(one) for one in found])
        return
    for one in found:
        told = ", ".join(f"{person} {state.value}" for person, state in one.told) or "nobody was told"
        print(f"{one.code}  {one.level.value}  {one.text}  ({told})")
    if not found:
        print("nothing urgent waits to be seen")


def _pairs(texts: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name or not value:
            raise InputError(Problem("command line", "ANSWERS", repr(text), "name=answer, such as pain.after=2"))
        if name in found:
            raise InputError(Problem("command line", "ANSWERS", f"{name} twice", "one answer to each question"))
        found[name] = value
    return found


def _moment(moment: str | None, said: Mapping[str, Answer]) -> Moment:
    from sensord.plan.facts import Moment
    from sensord.plan.said import moment_of

    if moment is None:
        return moment_of(said)
    if moment not in set(Moment):
        raise InputError(Problem("command line", "--moment", repr(moment), "one of: " + ", ".join(Moment)))
    return Moment(moment)


def _run_id(config: ConfigOption, data_dir: DataDirOption, run: str) -> str:
    from sensord.cli.runs import find_run

    with reading(config, data_dir) as store:
        return find_run(store, run).run
