"""Commands on the runs that this gateway has kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from sensord.cli.common import (
    ConfigOption,
    DataDirOption,
    JsonOption,
    event_words,
    print_json,
    reading,
    settings_of,
    table,
)
from sensord.errors import InputError, Problem
from sensord.model import NS, Json, StoredEvent

if TYPE_CHECKING:
    from sensord.store import Store, StoredRun


def runs_list(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    everything: Annotated[bool, typer.Option("--all", help="discarded runs too")] = False,
    as_json: JsonOption = False,
) -> None:
    """All runs, the oldest first."""
    with reading(config, data_dir) as store:
        found = store.runs(include_discarded=everything)
    if as_json:
        print_json([asdict(row) for row in found])
        return
    table(["run", "begun", "runner", "state", "strides", "distance", "running", "alerts"], [_row(r) for r in found])


def runs_show(
    run: Annotated[str, typer.Argument(help="a run id, or `last`")],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """One run: its summary, limits, alerts and notes."""
    with reading(config, data_dir) as store:
        row = find_run(store, run)
        events = list(store.events(row.run, kinds=["alert", "limit_state", "note", "run"]))
    limits = {e.payload["rule"]: e.payload for e in events if e.kind == "limit_state"}
    if as_json:
        shown = {"limits": list(limits.values()), "alerts": [e.payload for e in events if e.kind == "alert"]}
        print_json(asdict(row) | shown)
        return
    for line in _run_lines(row, events, limits):
        print(line)


def runs_discard(
    run: Annotated[str, typer.Argument(help="a run id, or `last`")],
    reason: Annotated[str, typer.Option(help="why it does not count")] = "discarded on the command line",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Mark a run as not to be counted: wrong runner, wrong side, a test. Its data stays; the audit keeps why."""
    from sensord.discard import discard

    settings = settings_of(config, data_dir=data_dir)
    with reading(config, data_dir) as store:
        row = find_run(store, run)
    asyncio.run(discard(settings, row.run, reason))
    if as_json:
        print_json({"run": row.run, "discarded": True, "reason": reason})
    else:
        print(f"run {row.run} is discarded: it does not count any more; its file stays")


def find_run(store: Store, run: str) -> StoredRun:
    """A run by its id, or the `last` one. InputError: there is none."""
    if run != "last":
        return store.run(run)
    found = store.runs()
    if not found:
        raise InputError(Problem(str(store.path), "last", "no run", "at least one"))
    return found[-1]


def _row(run: StoredRun) -> list[str]:
    s = run.summary
    numbers = ["–"] * 4
    if s:
        strides = str(s["strides_left"] + s["strides_right"])
        numbers = [strides, f"{s['distance_m']:.0f} m", _minutes(s["run_time_s"]), str(s["alerts"])]
    state = "discarded" if run.discarded else run.state
    return [run.run, _when(run.begun_wall_ns), run.runner, state, *numbers]


def _run_lines(row: StoredRun, events: Sequence[StoredEvent], limits: Mapping[str, Json]) -> Iterator[str]:
    yield f"run      {row.run}"
    yield f"runner   {row.runner}, {row.site}, {_when(row.begun_wall_ns)}"
    yield f"state    {'discarded: ' + (row.discarded_reason or '') if row.discarded else row.state}"
    yield f"file     {row.file}" + (f", sha256 {row.sha256[:16]}…" if row.sha256 else "")
    if row.summary:
        for name, value in row.summary.items():
            if name != "speed_model":  # what was learned of her speed: for the next run, not for people
                yield from _values(name, value)
    for limit in limits.values():
        reason = f" ({limit['reason']})" if limit["reason"] else ""
        yield f"limit    {limit['rule']:<24} {limit['status'].replace('_', ' ')}{reason}"
    for event in events:
        if event.kind in ("alert", "note"):
            yield f"{event.kind:<8} {event.t_ns / NS:8.1f} s  {event_words(event)}"


def _values(name: str, value: Json) -> Iterator[str]:
    """A value of the summary; a table of tables is a line for each."""
    if isinstance(value, dict) and any(isinstance(v, dict) for v in value.values()):
        for key, inner in value.items():
            yield from _values(f"{name}.{key}", inner)
    else:
        yield f"  {name:<24} {_shown(value)}"


def _shown(value: Json) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(v)}" for key, v in value.items()) or "–"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _when(wall_ns: int | None) -> str:
    if wall_ns is None:
        return "time unknown"
    return datetime.fromtimestamp(wall_ns / NS).astimezone().strftime("%Y-%m-%d %H:%M")


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
