"""Who set which limit when, what fired, who was told, what was acknowledged: the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sensord.cli.common import ConfigOption, DataDirOption, JsonOption, print_json, reading, settings_of, table
from sensord.model import payload

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sensord.store_audit import AuditRow


def audit(
    last: Annotated[int, typer.Option(min=1, max=100_000, help="so many of the newest lines")] = 50,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Who set which limit when, what fired, who was told, what was acknowledged; the oldest first."""
    from sensord.plan_book import zone_of
    from sensord.run_setup import plan_of, runner_of
    from sensord.store_audit import audit_of

    settings = settings_of(config, data_dir=data_dir)
    plan, _ = plan_of(settings)
    with reading(config, data_dir) as store:
        rows = audit_of(store, runner_of(settings))[-last:]
    if as_json:
        print_json([payload(row) for row in rows])
        return
    zone = zone_of(plan)
    table(["when", "", "who", "what", "about"], [_cells(row, zone) for row in rows])


def _cells(row: AuditRow, zone: ZoneInfo) -> list[str]:
    from sensord.plan_book import clock_text

    when = "time unknown" if row.at_wall_ns is None else clock_text(row.at_wall_ns, zone)
    about = " ".join(part for part in (row.detail, f"run {row.run}" if row.run else "") if part)
    return [when, row.trace.value, row.who, row.what, about]
