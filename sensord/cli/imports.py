"""Recordings of other apps and watches, brought in as runs."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sensord.cli.common import ConfigOption, DataDirOption, JsonOption, print_json, settings_of
from sensord.model import Side

if TYPE_CHECKING:
    from sensord.import_groups import Fate


def import_files(
    files: Annotated[
        list[Path] | None, typer.Argument(help="FIT files, recordings of paired pods, or folders of them")
    ] = None,
    left: Annotated[
        list[Path] | None, typer.Option(help="recording of the left foot (twice: acceleration, angular rate)")
    ] = None,
    right: Annotated[list[Path] | None, typer.Option(help="recording of the right foot (as --left)")] = None,
    same_clock: Annotated[
        bool, typer.Option("--same-clock", help="both feet's files count time from one clock")
    ] = False,
    start: Annotated[
        str | None, typer.Option(help='when it began, if the file does not say: "2026-05-04 18:30"')
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="discard runs that are there in the same time, and take this one")
    ] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring in recordings of phone apps and watches as runs like any other; says what became of each file."""
    from sensord.import_groups import Outcome
    from sensord.importing import Wish, import_recordings, parse_start

    wish = Wish(
        files=files or (),
        sides={Side.LEFT: left or (), Side.RIGHT: right or ()},
        same_clock=same_clock,
        start_ns=None if start is None else parse_start(start),
        replace=replace,
    )
    said: list[Fate] = []
    try:
        fates = import_recordings(settings_of(config, data_dir=data_dir), wish, said.append if as_json else _tell)
    finally:
        if as_json:
            print_json([asdict(fate) for fate in said])
    if any(fate.outcome in {Outcome.BAD, Outcome.REFUSED} for fate in fates):
        raise typer.Exit(2)


def _tell(fate: Fate) -> None:
    """One line a run, or a problem; problems to stderr, as everywhere."""
    from sensord.import_groups import Outcome

    if fate.outcome is Outcome.BAD:
        for line in fate.words.splitlines():
            print(f"sensord: {line}", file=sys.stderr)
        return
    names = ", ".join(Path(file).name for file in fate.files)
    line = f"{names}: {fate.outcome}: {fate.words}"
    if fate.outcome is Outcome.REFUSED:
        print(f"sensord: {line}", file=sys.stderr)
        return
    print(line)
    if fate.said:
        own = ", ".join(f"{_NAMES[name]} {value['median']:.3f}" for name, value in fate.said.items())
        print(f"  the device's own medians, kept with the run and used for nothing: {own}")


_NAMES = {
    "contact_time_s": "contact time (s)",
    "vertical_oscillation_m": "vertical oscillation (m)",
    "step_length_m": "step length (m)",
}
"""Of `files.fit`."""
