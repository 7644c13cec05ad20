"""The plan on the command line: read it, see where she stands, try it out, decide."""

from __future__ import annotations

import asyncio
import getpass
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sensord.cli.common import ConfigOption, DataDirOption, JsonOption, print_json, reading, settings_of, table
from sensord.cli.when import at_ns, zone_here
from sensord.errors import InputError, Problem
from sensord.model import payload

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sensord.plan.model import Plan
    from sensord.plan.standing import Standing

FileArgument = Annotated[Path, typer.Argument(help="a plan file")]


def plan_check(file: FileArgument, as_json: JsonOption = False) -> None:
    """Read a plan file and say everything that is wrong with it, and what to look at."""
    from sensord.plan.warnings import warnings_of
    from sensord.run_setup import read_text

    plan = _plan(file)
    found = warnings_of(plan, read_text(file, "plan file"), str(file))
    if as_json:
        read = plan.model_dump(mode="json", exclude_none=True, by_alias=True)
        print_json({"plan": read, "warnings": [str(problem) for problem in found]})
        return
    for problem in found:
        print(f"look  {problem}")
    print(f"{file}: fine, plan {plan.id} for {plan.runner.alias}" + (f", {len(found)} to look at" if found else ""))


def plan_show(
    file: FileArgument,
    plot: Annotated[Path | None, typer.Option(help="write the ladder as a picture (HTML)")] = None,
    as_json: JsonOption = False,
) -> None:
    """The ladder of a plan as a table and a picture: each stage, what it asks for, what it adds up to."""
    from sensord.plan.ladder_view import rows_of

    plan = _plan(file)
    rows = rows_of(plan)
    if plot is not None:
        from sensord.plot_ladder import write_ladder

        write_ladder(plan, plot)
    if as_json:
        print_json([payload(row) for row in rows])
        return
    print(f"{plan.title} ({plan.id}, {plan.kind})")
    columns = ["stage", "workout", "running", "total", "successes", ""]
    table(columns, [[row.stage, row.words, row.running, row.total, row.successes, row.bar] for row in rows])
    for source in plan.source:
        print(f"source  {source.who}" + (f"  {source.url}" if source.url else ""))
    if plot is not None:
        print(f"written: {plot}")


def plan_today(
    at: Annotated[str | None, typer.Option("--at", help="another time, as 2026-11-20T18:30")] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """What is allowed today, why, what is left, and when the next run is."""
    from sensord.plan_book import standing_of
    from sensord.run_setup import plan_of, runner_of

    settings = settings_of(config, data_dir=data_dir)
    plan, text = plan_of(settings)
    zone = zone_here(settings)
    now_ns = at_ns(at, zone)
    with reading(config, data_dir) as store:
        standing = standing_of(store, runner_of(settings), plan, now_ns)
    if standing is None:
        found = (
            f"no plan on file for {runner_of(settings)}"
            if text is None
            else "a plan that no run and no `plan approve` has taken in yet"
        )
        raise InputError(Problem(str(settings.data_dir), "plan", found, "one (sensord plan adopt FILE)"))
    if as_json:
        print_json(payload(standing))
        return
    for line in standing_lines(standing, zone):
        print(line)


def plan_simulate(
    file: FileArgument,
    history: Annotated[Path | None, typer.Option(help="runs and check-ins, past or invented (docs/plan.md)")] = None,
    days: Annotated[int, typer.Option(min=1, max=1000, help="how many days")] = 84,
    begin: Annotated[
        str | None, typer.Option("--from", help="first day, as 2026-11-20; without it, the history's")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Dry run: day by day, what the plan would have decided over these runs and answers, and by which rule."""
    from sensord.plan.history_file import read_history
    from sensord.plan.simulate import simulate
    from sensord.plan_book import zone_of
    from sensord.run_setup import read_text

    text = read_text(file, "plan file")
    plan = _plan(file)
    zone = zone_of(plan)
    said = read_history(read_text(history, "history file"), str(history), zone) if history else ()
    begin_ns = None if begin is None else at_ns(begin, zone, "--from")
    rows = simulate(text, said, days=days, begin=begin_ns, plan=plan, tz=zone)
    if as_json:
        print_json([payload(row) for row in rows])
        return
    table(["day", "stage", "may run", "workout", "what happened", "decided", "rule"], [row.cells() for row in rows])


def plan_adopt(
    file: FileArgument,
    reason: Annotated[str, typer.Option(help="why the plan changes")],
    who: Annotated[str | None, typer.Option(help="who decides; without it, your login name")] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a plan file the plan that counts from now on: the next revision, with name and reason."""
    import hashlib

    from sensord.desk import say
    from sensord.plan.facts import Key, Revision
    from sensord.run_setup import read_text, runner_of

    text, plan = read_text(file, "plan file"), _plan(file)
    settings = settings_of(config, data_dir=data_dir)
    digest = hashlib.sha256(text.encode()).hexdigest()
    fact = Revision(Key("", 0), time.time_ns(), text, digest, who or getpass.getuser(), reason)
    kept = asyncio.run(say(settings, plan.runner.alias, fact))
    print_json(kept) if as_json else print(f"{plan.id} counts from now on for {plan.runner.alias}")
    if runner_of(settings) != plan.runner.alias:
        hint = f'the settings are about {runner_of(settings)}: set runner = "{plan.runner.alias}", or plan = FILE'
        print(f"look  {hint}", file=sys.stderr)


def plan_approve(
    verdict: Annotated[str, typer.Argument(help="advance, set_stage, hold, release or ready")],
    reason: Annotated[str, typer.Option(help="why")],
    stage: Annotated[str | None, typer.Option(help="the stage, for set_stage")] = None,
    who: Annotated[str | None, typer.Option(help="who decides; without it, your login name")] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """A decision of the therapist: raise, set, hold or release a stage. It is kept with name and reason."""
    from sensord.desk import say
    from sensord.plan.facts import Approval, Key, Verdict
    from sensord.run_setup import runner_of

    if verdict not in set(Verdict):
        raise InputError(Problem("command line", "VERDICT", repr(verdict), "one of: " + ", ".join(Verdict)))
    settings = settings_of(config, data_dir=data_dir)
    fact = Approval(Key("", 0), time.time_ns(), Verdict(verdict), who or getpass.getuser(), reason, stage)
    kept = asyncio.run(say(settings, runner_of(settings), fact))
    print_json(kept) if as_json else print(f"{verdict.replace('_', ' ')}: kept as {kept['gateway']}/{kept['number']}")


def standing_lines(standing: Standing, zone: ZoneInfo) -> list[str]:
    """Where she stands, for people."""
    from sensord.plan_book import clock_text

    today = standing.today
    may = {True: "yes", False: "no", None: "cannot be told"}[today.may_run]
    lines = [f"plan     {standing.plan}, revision {standing.revision}"]
    lines += [
        f"stage    {standing.stage or 'not begun'}, {standing.successes} of {standing.successes_needed} successful runs"
    ]
    lines += [f"hold     {standing.hold}"] if standing.hold else []
    lines += [f"resting  {standing.resting}"] if standing.resting else []
    lines += [f"today    run: {may}"]
    lines += [f"         {why}" for why in today.why]
    if today.workout:
        lines += [f"workout  {today.workout}"] + ([f"         {today.workout_words}"] if today.workout_words else [])
    if today.next_run_wall_ns is not None and today.may_run is not True:
        lines += [f"next run from {clock_text(today.next_run_wall_ns, zone)}"]
    lines += [f"left     {name.replace('_', ' ')}: {value:g}" for name, value in today.left.items()]
    checked = sum(check.status in ("within", "over") for check in today.checks)
    lines += [f"checks   {checked} of {len(today.checks)} could be checked"] if today.checks else []
    lines += [f"         {check.rule}: {check.status.replace('_', ' ')}, {check.text}" for check in today.checks]
    lines += [f"ready    {item}: {state}" for item, state in standing.ready.items() if standing.stage is None]
    lines += [f"asked    {due.moment.replace('_', ' ')}: {', '.join(due.fields)}" for due in standing.due]
    if standing.decisions:
        last = standing.decisions[-1]
        when = clock_text(last.at_wall_ns, zone)
        lines += [f"decided  {when} {last.outcome.value}: {last.why} ({', '.join(last.rules) or last.by})"]
    return lines


def _plan(file: Path) -> Plan:
    from sensord.config import Settings
    from sensord.run_setup import plan_of

    plan, _ = plan_of(Settings(plan=file))
    assert plan is not None
    return plan
