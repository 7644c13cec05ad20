"""What the commands share: options, settings, printing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from sensord.errors import InputError, Problem
from sensord.model import Event, StoredEvent

if TYPE_CHECKING:  # each command imports what it needs when it runs: `sensord --help` need not wait for scipy
    from sensord.config import Settings
    from sensord.store import Store

ConfigOption = Annotated[Path | None, typer.Option("--config", help="settings file, instead of the usual places")]
DataDirOption = Annotated[Path | None, typer.Option("--data-dir", help="where runs are kept")]
JsonOption = Annotated[bool, typer.Option("--json", help="print JSON")]


def settings_of(config: Path | None, **flags: Any) -> Settings:  # noqa: ANN401 - what the command line said
    """Settings from all layers, what the command line said on top; `web__port` means section web, key port."""
    from sensord.config import load_settings
    from sensord.drivers import DRIVERS, SENSORS

    return load_settings(config, flags_of(**flags), drivers=list(DRIVERS), sensors=SENSORS)


@contextlib.contextmanager
def reading(config: Path | None, data_dir: Path | None) -> Iterator[Store]:
    """The store, for reading; InputError when there is none yet."""
    from sensord.datadir import DataDir
    from sensord.store import Store

    data = DataDir(settings_of(config, data_dir=data_dir).data_dir)
    if not data.store.exists():
        raise InputError(Problem(str(data.path), "", "no run yet", "a data directory of sensord"))
    with contextlib.closing(Store.open(data.store, gateway="reader", readonly=True)) as store:
        yield store


def flags_of(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - what the command line said, whatever its type
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


def run_async(work: Callable[[], Coroutine[Any, Any, int]]) -> None:
    """Run a coroutine and exit with the code it gives."""
    raise typer.Exit(asyncio.run(work()))


def print_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Print any JSON value for programs."""
    print(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False))


def table(columns: list[str], rows: list[list[str]]) -> None:
    """Print a table for people."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column)
    for row in rows:
        shown.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 200).print(shown)


def event_words(event: Event | StoredEvent) -> str:
    """What an event says, in a few words."""
    p = event.payload
    match event.kind:
        case "alert":
            return f"{p['level']} {p['phase']}: {p['text']}"
        case "run":
            return f"{p['state']}: {p['reason']}"
        case "note":
            return str(p["text"])
        case _:
            strides = p["strides_left"] + p["strides_right"]
            rest = "" if p.get("distance_calibrated") else " (by set step lengths)"
            return f"{strides} strides, {p['distance_m']:.0f} m{rest}, {p['alerts']} alerts"


def log_to_stderr(verbose: bool) -> None:
    """Warnings go to stderr, everything with --verbose."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(stream=sys.stderr, level=level, format="%(levelname).1s %(name)s: %(message)s")
