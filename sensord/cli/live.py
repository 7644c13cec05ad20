"""Commands that live: run, demo, scan, doctor."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sensord.cli.common import (
    ConfigOption,
    DataDirOption,
    JsonOption,
    log_to_stderr,
    print_json,
    run_async,
    settings_of,
    table,
)
from sensord.errors import InputError, Problem

if TYPE_CHECKING:
    from sensord.config import MqttSettings


def run(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    plan: Annotated[Path | None, typer.Option(help="plan file")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="port of the page, 0 for a free one")] = None,
    headless: Annotated[bool, typer.Option("--headless", help="no page")] = False,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="stop after so many seconds")] = None,
    as_json: JsonOption = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="log to stderr")] = False,
) -> None:
    """Link the pods, follow the run, keep it, check the plan's limits, and send it on."""
    from sensord.daemon import Gateway

    log_to_stderr(verbose)
    settings = settings_of(config, data_dir=data_dir, plan=plan, web__port=port)

    async def work() -> int:
        say = _quiet if as_json else print
        tally = await Gateway(settings, page=not headless, say=say).run(seconds)
        if as_json:
            print_json(asdict(tally))
        else:
            print(tally.line())
        return 0

    run_async(work)


def demo(
    headless: Annotated[bool, typer.Option("--headless", help="no page")] = False,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="stop after so many seconds")] = None,
    plan: Annotated[Path | None, typer.Option(help="another plan than the demo's")] = None,
    data_dir: DataDirOption = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="port of the page, 0 for a free one")] = None,
    mqtt: Annotated[str | None, typer.Option(help="HOST:PORT of a broker, to see the alerts arrive")] = None,
    as_json: JsonOption = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="log to stderr")] = False,
) -> None:
    """Watch two simulated pods run: no Bluetooth, no server, nothing to install besides."""
    from sensord import demo as face

    log_to_stderr(verbose)

    async def work() -> int:
        with face.scratch_folder() as scratch:
            settings = face.demo_settings(data_dir or scratch, plan=plan, port=port)
            if mqtt:
                settings.mqtt = _broker(mqtt)
            say = _quiet if as_json else print
            tally = await face.demo(settings=settings, page=not headless, seconds=seconds, say=say)
        if as_json:
            print_json(asdict(tally))
        else:
            print(tally.line())
        return 0

    run_async(work)


def fleet(
    configs: Annotated[list[Path], typer.Argument(help="a settings file for each runner")],
    seconds: Annotated[float | None, typer.Option(min=0.1, help="stop after so many seconds")] = None,
    as_json: JsonOption = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="log to stderr")] = False,
) -> None:
    """Several runners at once: each with her own settings, data, plan and page, all on one radio."""
    from sensord.fleet import Member, run_fleet

    log_to_stderr(verbose)
    members = [Member(str(config), settings_of(config)) for config in configs]

    async def work() -> int:
        tallies = await run_fleet(members, seconds=seconds, say=_quiet if as_json else print)
        if as_json:
            named = zip(members, tallies, strict=True)
            print_json({member.settings.runner: asdict(tally) for member, tally in named})
        else:
            for member, tally in zip(members, tallies, strict=True):
                print(f"{member.settings.runner:<12} {tally.line()}")
        return 0

    run_async(work)


def pair(
    left: Annotated[str | None, typer.Option(help="address of the left pod, when you know it")] = None,
    right: Annotated[str | None, typer.Option(help="address of the right pod, when you know it")] = None,
    sensor: Annotated[list[str] | None, typer.Option(help="address of a sensor that is on no foot")] = None,
    show: Annotated[bool, typer.Option("--list", help="only list what is paired")] = False,
    forget: Annotated[str | None, typer.Option(help="address of a pod that is not hers any more")] = None,
    simulated: Annotated[bool, typer.Option("--simulated", help="the demo's pods instead of Bluetooth")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="log to stderr")] = False,
) -> None:
    """Say which pods are hers and on which foot: shake the left one, then the right one."""
    from sensord import pairing_face as face

    log_to_stderr(verbose)
    settings = settings_of(config, data_dir=data_dir)
    wanted = face.wanted_of(left, right, sensor or [])
    say = _quiet if as_json else print

    async def work() -> int:
        if not show:
            await face.change(settings, wanted, forget=forget, simulated=simulated, say=say)
        known = face.known(settings)
        if as_json:
            print_json([asdict(one) for one in known])
        elif known:
            table(["foot", "pod", "driver", "model", "serial"], face.rows(known))
        else:
            print("no pod is paired")
        return 0

    run_async(work)


def scan(
    seconds: Annotated[float, typer.Option(help="how long to listen")] = 5.0,
    everything: Annotated[bool, typer.Option("--all", help="devices without a driver too")] = False,
    simulated: Annotated[bool, typer.Option("--simulated", help="listen to the demo's pods instead")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the pods in reach, with the driver that speaks to them."""
    from sensord.demo import simulated_radio
    from sensord.drivers.link import scan as listen

    async def work() -> int:
        backend = simulated_radio().backend if simulated else None
        found = await listen(seconds, backend)
        shown = [seen for seen in found if everything or seen.driver]
        if as_json:
            print_json(
                [
                    {"address": s.advertisement.address, "name": s.advertisement.name, "rssi": s.advertisement.rssi}
                    | {"driver": s.driver}
                    for s in shown
                ]
            )
            return 0
        if not shown:
            print(f"no pod in reach ({len(found)} other devices heard; --all lists them)")
            return 0
        rows = [
            [
                s.advertisement.address,
                s.advertisement.name or "",
                f"{s.advertisement.rssi} dBm",
                s.driver or "no driver",
            ]
            for s in shown
        ]
        table(["address", "name", "signal", "driver"], rows)
        return 0

    run_async(work)


def doctor(config: ConfigOption = None, data_dir: DataDirOption = None, as_json: JsonOption = False) -> None:
    """Check all that a run needs; exit 1 when something does not work."""
    from sensord.doctor import doctor as look
    from sensord.doctor import healthy

    settings = settings_of(config, data_dir=data_dir)

    async def work() -> int:
        findings = await look(settings)
        if as_json:
            print_json([asdict(finding) for finding in findings])
        else:
            for finding in findings:
                print(f"{finding.verdict:<8} {finding.name:<10} {finding.text}")
        return 0 if healthy(findings) else 1

    run_async(work)


def _broker(text: str) -> MqttSettings:
    from sensord.config import MqttSettings

    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise InputError(Problem("command line", "--mqtt", repr(text), "HOST:PORT"))
    return MqttSettings(host=host, port=int(port))


def _quiet(_line: str) -> None:
    """JSON output stands alone."""
