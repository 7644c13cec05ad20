"""Commands on what sensord's numbers are worth: validate."""

from __future__ import annotations

import json
import sys
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from sensord.cli.common import JsonOption, print_json, table


def validate(
    data: Annotated[Path, typer.Option(help="the folder of recordings with their truth", show_default=False)],
    only: Annotated[list[str] | None, typer.Option(help="a section of the table; may be given again")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="only what takes seconds")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="write the result here (JSON)")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure sensord against recordings whose truth is known, beside what the best constant would score."""
    from sensord.files.atomic import write_texts
    from sensord.validation.sections import validate as run
    from sensord.validation.words import HEADS, cells

    result = run(data, only or [], quick=quick)
    kept = result.to_json()
    if out:
        write_texts({out: json.dumps(kept, indent=1, ensure_ascii=False, allow_nan=False) + "\n"})
    if as_json:
        print_json(kept)
    else:
        for section, rows in groupby(kept["rows"], key=lambda row: row["section"]):
            print(f"\n{section}")
            table(list(HEADS), [cells(row) for row in rows])
    for missing in result.missing:
        print(f"sensord: not run: {missing.section} (not in {data}: {missing.lacks})", file=sys.stderr)
    if not result.rows:
        raise typer.Exit(1)
