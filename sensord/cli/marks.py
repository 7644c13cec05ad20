"""What is told to the run that is on: instants of a laboratory, the speed of the treadmill."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from sensord.cli.common import ConfigOption, DataDirOption, JsonOption, print_json, settings_of
from sensord.model import NS, Json


def mark(
    text: Annotated[str, typer.Argument(help="what happened, one line")],
    keys: Annotated[bool, typer.Option("--keys", help="a mark each time Enter is pressed, until end of file")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note an instant in the run that is on, for a laboratory that records beside sensord."""
    from sensord.lab_mark import Stamp
    from sensord.lab_mark import mark as note

    stamp = Stamp.now()  # before anything that takes time
    settings = settings_of(config, data_dir=data_dir)
    if not keys:
        _tell(asyncio.run(note(settings, text, stamp)), as_json=as_json)
        return
    for line in sys.stdin:
        stamp = Stamp.now()
        _tell(asyncio.run(note(settings, line.strip() or text, stamp)), as_json=as_json)


def speed(
    value: Annotated[str, typer.Argument(help="10.5km/h, 2.9m/s, 6.5mph, 5:30/km, or off")],
    grade_pct: Annotated[
        float | None, typer.Option("--grade-pct", min=-45, max=45, help="slope of the belt from now on, % (up: +)")
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the run that is on what the treadmill shows: speed and distance are fitted to it from now on."""
    from sensord.belt_speed import tell_speed

    told = asyncio.run(tell_speed(settings_of(config, data_dir=data_dir), value, grade_pct))
    if as_json:
        print_json(told)
        return
    known = "no longer known" if told["speed_mps"] is None else f"{told['speed_mps']:.2f} m/s"
    print(f"run {told['run']} {told['t_ns'] / NS:.1f} s: belt speed {known}")


def _tell(kept: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(kept)
    else:
        print(f"run {kept['run']} {kept['t_ns'] / NS:.3f} s: {kept['text']}")
