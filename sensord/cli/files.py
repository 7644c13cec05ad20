"""Commands on files: analyse, replay, plan check."""

from __future__ import annotations

import contextlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sensord.cli.common import JsonOption, event_words, print_json
from sensord.errors import InputError, Problem
from sensord.model import NS, canonical_json

if TYPE_CHECKING:
    from sensord.files.known_speeds import KnownSpeed


def analyse(
    left: Annotated[Path | None, typer.Option(help="IMU CSV of the left foot")] = None,
    right: Annotated[Path | None, typer.Option(help="IMU CSV of the right foot")] = None,
    same_clock: Annotated[bool, typer.Option("--same-clock", help="both files count time from one clock")] = False,
    mass_kg: Annotated[float | None, typer.Option("--mass-kg", min=20, max=250, help="body mass")] = None,
    height_m: Annotated[float | None, typer.Option("--height-m", min=1.0, max=2.5, help="body height")] = None,
    grade_pct: Annotated[
        float | None, typer.Option("--grade-pct", min=-45, max=45, help="slope of ground or belt, % (up: +)")
    ] = None,
    belt_speed: Annotated[
        str | None, typer.Option("--belt-speed", help='what the treadmill showed: "10.5km/h", "2.9m/s", "5:30/km"')
    ] = None,
    speeds: Annotated[
        Path | None, typer.Option(help="known speeds (CSV t_s,speed_mps[,sd_mps], in the recording's time)")
    ] = None,
    layout: Annotated[str, typer.Option(help="imu: the CSV of the documentation; wearable: time ms, g, dps")] = "imu",
    strides: Annotated[Path | None, typer.Option(help="write the strides table here")] = None,
    summary: Annotated[Path | None, typer.Option(help="write the summary here (JSON)")] = None,
    plot: Annotated[Path | None, typer.Option(help="write a page with signals and contacts here (HTML)")] = None,
    as_json: JsonOption = False,
) -> None:
    """Find the strides in recordings of one or both feet."""
    from sensord.analysis import analyse as find
    from sensord.analysis_summary import summary_lines
    from sensord.files.atomic import write_texts
    from sensord.files.strides_csv import strides_csv

    if left and right and left.resolve() == right.resolve():
        raise InputError(Problem(str(right), "", "the same file for both feet", "a recording of each"))
    _refuse_to_overwrite([p for p in (left, right, speeds) if p], [p for p in (strides, summary, plot) if p])
    result = find(
        left=left, right=right, same_clock=same_clock, mass_kg=mass_kg, height_m=height_m, grade_pct=grade_pct,
        known_speeds=_known_speeds(belt_speed, speeds), layout=layout,
    )  # fmt: skip
    texts: dict[Path, str] = {}
    if strides:
        texts[strides] = strides_csv(result.strides)
    if summary:
        texts[summary] = json.dumps(result.summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if plot:
        from sensord.plot import plot_html

        texts[plot] = plot_html(result)
    write_texts(texts)
    if as_json:
        print_json(result.summary)
    else:
        for line in summary_lines(result.summary):
            print(line)


def replay(
    file: Annotated[Path, typer.Argument(help="a run file (*.run)")],
    speed: Annotated[
        float | None, typer.Option(min=0.01, help="times the pace it was lived at; default: at once")
    ] = None,
    against: Annotated[Path | None, typer.Option(help="a data directory: compare with the events stored there")] = None,
    as_json: JsonOption = False,
) -> None:
    """Send a recorded run through the pipeline again; with --json every event is a line."""
    from sensord.datadir import DataDir
    from sensord.playback import first_difference, open_run
    from sensord.playback import replay as again
    from sensord.store import Store

    recorded = open_run(file)
    for problem in recorded.problems:
        print(f"sensord: warning: {problem}", file=sys.stderr)
    if against is not None:
        with contextlib.closing(Store.open(DataDir(against).store, gateway="reader", readonly=True)) as store:
            difference = first_difference(again(recorded), store, recorded.setup.run)
        print(difference or f"run {recorded.setup.run}: the stored events are the replayed ones, byte for byte")
        raise typer.Exit(1 if difference else 0)
    kinds: Counter[str] = Counter()
    for event in again(recorded, speed=speed):
        kinds[event.kind] += 1
        if as_json:
            print(canonical_json({"n": event.n, "t_ns": event.t_ns, "kind": event.kind, "payload": event.payload}))
        elif event.kind in ("alert", "run", "note", "summary"):
            print(f"{event.t_ns / NS:9.3f} s  {event.kind:<8} {event_words(event)}")
    if not as_json:
        print(f"{sum(kinds.values())} events: " + ", ".join(f"{count} {kind}" for kind, count in kinds.items()))


def _known_speeds(belt: str | None, file: Path | None) -> tuple[KnownSpeed, ...]:
    """What was stated of the speed: one for all, or a file."""
    from sensord.files.known_speeds import constant_speed, read_known_speeds
    from sensord.files.speed_words import parse_speed_mps

    if belt is not None and file is not None:
        raise InputError(Problem("command line", "--speeds", "--belt-speed beside it", "one of the two"))
    if file is not None:
        return read_known_speeds(file)
    speed = None if belt is None else parse_speed_mps(belt)
    return () if speed is None else constant_speed(speed)


def _refuse_to_overwrite(inputs: list[Path], outputs: list[Path]) -> None:
    """No output may take the place of a recording, or of another output."""
    taken = {path.resolve() for path in inputs}
    for path in outputs:
        if path.resolve() in taken:
            raise InputError(Problem(str(path), "", "a file that is used already", "another name to write to"))
        taken.add(path.resolve())
