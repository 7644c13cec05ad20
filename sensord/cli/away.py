"""Commands for runs out of reach: arm, fetch."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from sensord.cli.common import (
    ConfigOption,
    DataDirOption,
    JsonOption,
    log_to_stderr,
    print_json,
    run_async,
    settings_of,
)

VerboseOption = Annotated[bool, typer.Option("--verbose", help="log to stderr")]


def arm(
    erase: Annotated[bool, typer.Option("--erase", help="lose what the pods hold and nobody has fetched")] = False,
    simulated: Annotated[bool, typer.Option("--simulated", help="the demo's pods instead of Bluetooth")] = False,
    away: Annotated[float, typer.Option(min=1, max=3600, help="--simulated: seconds that they were away")] = 60.0,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Start the pods' own logs, for a run out of reach; exit 1 when not all of them log."""
    from sensord import arming

    log_to_stderr(verbose)
    settings = settings_of(config, data_dir=data_dir)
    say = _quiet if as_json else print

    async def work() -> int:
        if simulated:
            from sensord import arming_demo as demo

            demo.demo_pods(settings)
            clocks = demo.ago(away)
            radio = demo.radio_of(clocks.now_ns(), clocks)
            base = arming.Base(settings, backend=radio.backend, clocks=clocks, say=say)
        else:
            base = arming.Base(settings, say=say)
        reports = await arming.arm(base, erase=erase, simulated=simulated)
        if as_json:
            print_json([asdict(report) for report in reports])
        return 0 if all(report.ok for report in reports) else 1

    run_async(work)


def fetch(
    forget: Annotated[list[str] | None, typer.Option(help="address of a pod that will not come back")] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Bring the logs of armed pods home and make runs of them; exit 1 when a pod did not come."""
    from sensord import arming, fetching
    from sensord.armed import ArmedState

    log_to_stderr(verbose)
    settings = settings_of(config, data_dir=data_dir)
    say = _quiet if as_json else print

    async def work() -> int:
        backend = None
        flights = ArmedState(settings.data_dir).flights()
        if flights and flights[-1].simulated:
            from sensord import arming_demo as demo

            backend = demo.radio_back(flights, arming.Clocks()).backend
        base = arming.Base(settings, backend=backend, say=say)
        fetched = await fetching.fetch(base, forget=forget or ())
        if as_json:
            print_json(asdict(fetched))
        return 0 if all(report.ok for report in fetched.pods) else 1

    run_async(work)


def _quiet(_line: str) -> None:
    """JSON output stands alone."""
