"""What a run is made with: the settings, the plan and her earlier runs, as they are when it begins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sensord.config import Settings
from sensord.errors import InputError, Problem
from sensord.model import Json, PodSetup, RunSetup
from sensord.plan.model import Plan, read_plan

HISTORY_RUNS = 100
"""Design choice: so many earlier runs are what baselines and her speed are made of; each run file holds them."""


def plan_of(settings: Settings) -> tuple[Plan | None, str | None]:
    """The plan that the settings name, and its text; InputError with all that is wrong with it."""
    if settings.plan is None:
        return None, None
    text = read_text(settings.plan, "plan file")
    return read_plan(text, str(settings.plan)), text


def read_text(file: Path, what: str) -> str:
    """The text of a file in UTF-8. InputError: it cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Problem(str(file), "", str(error), f"a readable {what}")) from None


def runner_of(settings: Settings) -> str:
    """Whose data directory it is: the plan's alias, else the settings' runner. InputError: the plan cannot be read."""
    plan, _ = plan_of(settings)
    return plan.runner.alias if plan else settings.runner


def run_setup(
    settings: Settings,
    plan: Plan | None,
    plan_text: str | None,
    *,
    run: str,
    pods: tuple[PodSetup, ...],
    history: tuple[Mapping[str, Json], ...] = (),
    day: Mapping[str, Json] | None = None,
) -> RunSetup:
    """What a run is made with: the settings and the plan as they are now; `day`: where she stands in it."""
    return RunSetup(
        run=run,
        runner=plan.runner.alias if plan else settings.runner,
        site=settings.site,
        gateway=settings.gateway,
        pods=pods,
        plan_text=plan_text,
        step_lengths=settings.step_lengths(),
        mass_kg=plan.runner.mass_kg if plan else None,
        history=history,
        shoe=settings.conditions.shoe,
        surface=settings.conditions.surface,
        mount=settings.conditions.mount,
        grade_pct=settings.conditions.grade_pct,
        day=day,
    )
