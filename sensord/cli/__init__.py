"""The command line: the stable face. Every command that prints has `--json`; bad input is one clear line and exit 2."""

from __future__ import annotations

import os
import sys

import typer

from sensord.cli import audit, away, bench, files, imports, live, marks, people, plans, pods, runs, science
from sensord.errors import SensordError

app = typer.Typer(
    name="sensord",
    help="Foot-pod gait monitoring for runners in rehabilitation and their physical therapists.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
runs_app = typer.Typer(help="The runs this gateway has kept.", no_args_is_help=True, rich_markup_mode=None)
plan_app = typer.Typer(
    help="The therapist's plan: read it, follow it, decide.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(runs_app, name="runs")
app.add_typer(plan_app, name="plan")

for command in (
    live.run, live.fleet, live.demo, live.scan, live.pair, away.arm, away.fetch, live.doctor, pods.pods,
    files.analyse, files.replay, science.validate, bench.bench, marks.mark, marks.speed,
    people.checkin, people.ack, audit.audit,
):  # fmt: skip
    app.command()(command)
app.command("import")(imports.import_files)
runs_app.command("list")(runs.runs_list)
runs_app.command("show")(runs.runs_show)
runs_app.command("discard")(runs.runs_discard)
plan_app.command("check")(plans.plan_check)
plan_app.command("show")(plans.plan_show)
plan_app.command("today")(plans.plan_today)
plan_app.command("simulate")(plans.plan_simulate)
plan_app.command("adopt")(plans.plan_adopt)
plan_app.command("approve")(plans.plan_approve)
plan_app.command("tested")(people.readiness_result)
plan_app.command("did")(people.did)
plan_app.command("distance")(people.distance)
plan_app.command("note")(people.note)
plan_app.command("complete-since")(people.complete_since)


def main() -> None:
    """Entry point: errors of ours become one line a problem on stderr and their exit code."""
    try:
        app(standalone_mode=True)
    except SensordError as error:
        for line in str(error).splitlines():
            print(f"sensord: {line}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # `sensord ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
