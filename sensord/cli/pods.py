"""`sensord pods`: what each kind of pod can do, and what it cannot. `docs/pods.md` is what `--markdown` prints."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from sensord.cli.common import JsonOption, print_json

if TYPE_CHECKING:
    from sensord.drivers.base import About, LogAbout

MarkdownOption = Annotated[bool, typer.Option("--markdown", help="print docs/pods.md")]

MOST_LISTED = 6
"""Longer lists of rates are told by their ends."""

INTRODUCTION = """# Pods

What each driver speaks to, and what such a pod can and cannot tell. This page is what `sensord pods --markdown` prints
(`sensord pods` for people, `--json` for programs), from what the drivers say of themselves.

*Tested on*: "emulator only" means that no device of this kind has been in our hands; bytes and habits come from the
sources that the driver's file names. *Log*: how long a pod can log on board while it is out of reach, and how long it
takes to fetch a run of 30 minutes; "not known" where nobody has said or measured it.
"""


def pods(as_json: JsonOption = False, markdown: MarkdownOption = False) -> None:
    """Pods that we speak to: rates, ranges, clock, loss, what they can and cannot measure, their logs."""
    from sensord.drivers import DRIVERS

    abouts = {name: driver.about for name, driver in sorted(DRIVERS.items())}
    if as_json:
        print_json([{"driver": name, **asdict(about)} for name, about in abouts.items()])
    elif markdown:
        print(as_markdown(abouts), end="")
    else:
        print_table(abouts)


def print_table(abouts: dict[str, About]) -> None:
    """A row a driver, ruled off, because every cell has several lines."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.HORIZONTALS, show_lines=True, pad_edge=False, header_style="bold")
    for column in ("pod", "samples", "clock, loss", "measures", "log on board", "tested on"):
        table.add_column(column)
    for name, about in abouts.items():
        table.add_row(
            f"[bold]{name}[/]\n{'; '.join(about.models)}",
            "\n".join(samples(about)),
            f"{about.clock}\n[bold]loss[/] {about.loss}",
            ", ".join(about.measures) + (f"\n[bold]not[/] {'; '.join(about.cannot)}" if about.cannot else ""),
            "\n".join(log_words(about.log)),
            about.tested_on,
        )
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def as_markdown(abouts: dict[str, About]) -> str:
    """The whole of docs/pods.md."""
    lines = [INTRODUCTION, "| driver | samples | log on board | tested on |", "|---|---|---|---|"]
    for name, about in abouts.items():
        cells = (f"[{name}](#{name})", "; ".join(samples(about)), "; ".join(log_words(about.log)), about.tested_on)
        lines.append(f"| {' | '.join(cells)} |")
    for name, about in abouts.items():
        lines += ["", f"## {name}", "", *_section(about)]
    return "\n".join(lines) + "\n"


def _section(about: About) -> Iterable[str]:
    yield f"- Models: {'; '.join(about.models)}"
    if about.rates_hz:
        yield f"- Rates: {', '.join(f'{rate:g}' for rate in about.rates_hz)} Hz"
    if about.acc_ranges_g:
        yield f"- Ranges: {'; '.join(_ranges(about))}"
    yield f"- Clock: {about.clock}"
    yield f"- Loss: {about.loss}"
    yield f"- Measures: {', '.join(about.measures)}"
    if about.cannot:
        yield f"- Does not: {'; '.join(about.cannot)}"
    if about.log is not None:
        yield f"- Log on board: {'; '.join(log_words(about.log))} ({about.log.source})"
    yield f"- Tested on: {about.tested_on}"


def samples(about: About) -> list[str]:
    """Rates and ranges, a line each."""
    rates = [f"{rate:g}" for rate in about.rates_hz]
    if len(rates) > MOST_LISTED:
        rates = [f"{min(about.rates_hz):g} to {max(about.rates_hz):g}"]
    told = [f"{', '.join(rates)} Hz"] if rates else []
    return [*told, *_ranges(about)] if about.acc_ranges_g else [*told, "readings, no samples"]


def _ranges(about: About) -> list[str]:
    told = [f"±{_slashed(about.acc_ranges_g)} g"]
    if about.high_g_range_g:
        told.append(f"±{about.high_g_range_g:g} g beside it")
    if about.gyr_ranges_dps:
        told.append(f"±{_slashed(about.gyr_ranges_dps)} °/s")
    return told


def _slashed(values: Iterable[float]) -> str:
    return "/".join(f"{value:g}" for value in values)


def log_words(log: LogAbout | None) -> list[str]:
    """How long it can log and how long fetching takes, a line each."""
    if log is None:
        return ["none"]
    holds = "minutes not known" if log.minutes is None else f"{log.minutes:,.0f} min"
    fetch = "fetching not known" if log.download_minutes is None else f"30 min fetched in {log.download_minutes:g} min"
    return [f"{holds} at {log.rate_hz:g} Hz", fetch]
