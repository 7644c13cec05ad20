"""What sensord costs: bench."""

from __future__ import annotations

from typing import Annotated

import typer

from sensord.cli.common import JsonOption, print_json, table


def bench(
    seconds: Annotated[float, typer.Option(min=20.0, max=3600.0, help="length of the simulated run")] = 60.0,
    batch_seconds: Annotated[float, typer.Option(min=20.0, max=36000.0, help="length of the recordings")] = 600.0,
    as_json: JsonOption = False,
) -> None:
    """Measure CPU time per second of data, live and batch, beside a plain-numpy yardstick in the same run."""
    from sensord.cost import measure

    cost = measure(seconds, batch_s=batch_seconds)
    if as_json:
        print_json(cost.to_json())
        return
    table(
        ["part", "CPU-ms/s", "x yardstick", "x real time", "what"],
        [[p.part, f"{p.cpu_ms_per_s:.3f}", f"{p.ratio:.2f}", f"{p.times_real_time:,.0f}", p.what] for p in cost.parts],
    )
