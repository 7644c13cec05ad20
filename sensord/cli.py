"""The command line: the stable face. Every command that prints has `--json`; bad input is one clear line and exit 2."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from sensord.errors import InputError, SensordError

app = typer.Typer(
    name="sensord",
    help="Foot-pod gait monitoring for runners in rehabilitation and their physical therapists.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
runs_app = typer.Typer(help="The runs this gateway has kept.", no_args_is_help=True, rich_markup_mode=None)
plan_app = typer.Typer(help="The therapist's plan file.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(runs_app, name="runs")
app.add_typer(plan_app, name="plan")

ConfigOption = Annotated[Path | None, typer.Option("--config", help="settings file, instead of the usual places")]
DataDirOption = Annotated[Path | None, typer.Option("--data-dir", help="where runs are kept")]
JsonOption = Annotated[bool, typer.Option("--json", help="print JSON")]


def main() -> None:
    """Entry point: errors of ours become one line a problem on stderr and their exit code."""
    try:
        app(standalone_mode=True)
    except SensordError as error:
        for line in str(error).splitlines():
            print(f"sensord: {line}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # `sensord ... | head`
        sys.stderr.close()
        sys.exit(0)


def _flags(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - what the command line said, whatever its type
    """The flags that were given, as the settings layer wants them; `web__port` means section web, key port."""
    out: dict[str, Any] = {}
    for name, value in values.items():
        if value is None:
            continue
        *section, key = name.split("__")
        into = out
        for part in section:
            into = into.setdefault(part, {})
        into[key] = value
    return out


def _async(work: Callable[[], Coroutine[Any, Any, int]]) -> None:
    raise typer.Exit(asyncio.run(work()))


def _print_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    print(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False))


def _table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 200).print(table)
