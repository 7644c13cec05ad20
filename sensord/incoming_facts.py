"""Facts on their way into the store: read, checked against the plan and the runs that are known, kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from sensord.errors import InputError, Problem
from sensord.model import NS
from sensord.plan.facts import CheckIn, Fact, Key, Moment, Revision, RunFact, fact_of
from sensord.plan.model import read_plan
from sensord.plan.said import check_fact
from sensord.plan_book import plan_on_file
from sensord.store import Store
from sensord.store_facts import add_fact, facts

ABOUT_RUN = frozenset((Moment.DURING, Moment.AFTER, Moment.AFTER_60MIN, Moment.NEXT_MORNING))

JUST_ENDED_S = 3600
"""What was before a run is answered so long after it, at most, without naming it (design choice: later, the next run
may be meant)."""

LAST_RUN_WITHIN_S = 48 * 3600
"""What is said without a run is about the last one within this: the pain-monitoring model of tendons watches for up to
48 h after a run (Silbernagel & Crossley, JOSPT 2015;45:876)."""


FIRST_WALL_NS, LAST_WALL_NS = 631_152_000 * NS, 4_133_980_800 * NS
"""1990 to 2100: what lies outside is a slip, as in history files (design choice). What is only ahead of this gateway's
clock is kept: that clock may be the wrong one."""


def keep_fact(store: Store, runner: str, fact: Fact) -> Fact:
    """Keep what somebody said of a runner. InputError: it does not fit her plan or her runs."""
    _dated(fact)
    if isinstance(fact, CheckIn):
        fact = _about(store, runner, fact)
    check_fact(fact, plan_on_file(store, runner), runs=_runs(store, runner))
    if isinstance(fact, Revision):
        read_plan(fact.text, "plan")
    return add_fact(store, runner, fact)


def _dated(fact: Fact) -> None:
    if not FIRST_WALL_NS <= fact.at_wall_ns <= LAST_WALL_NS:
        found = f"{fact.at_wall_ns / NS:.10g} s since 1970"
        raise InputError(Problem(fact.KIND, "at", found, "a time between 1990 and 2100"))


def _runs(store: Store, runner: str) -> list[str]:
    """What an answer can be about: runs of pods, and those entered by hand."""
    entered = [fact.run for fact in facts(store, runner) if isinstance(fact, RunFact)]
    return list(dict.fromkeys([*(run.run for run in store.runs() if run.runner == runner), *entered]))


def _about(store: Store, runner: str, said: CheckIn) -> CheckIn:
    """An answer about a run that names none is about her last one; without one it is about the day. What is said of
    before a run is about the one that is on, or has just ended; else about the one that follows (`plan.follower`)."""
    if said.run is not None or said.moment is Moment.DAILY:
        return said
    on = [(run.begun_wall_ns, run.run) for run in store.open_runs() if run.runner == runner and run.begun_wall_ns]
    over = [(fact.end_wall_ns, fact.run) for fact in facts(store, runner) if isinstance(fact, RunFact)]
    within_s = LAST_RUN_WITHIN_S if said.moment in ABOUT_RUN else JUST_ENDED_S
    at_ns = said.at_wall_ns
    near = [(t_ns, run) for t_ns, run in on if 0 <= at_ns - t_ns <= LAST_RUN_WITHIN_S * NS]
    near += [(t_ns, run) for t_ns, run in over if 0 <= at_ns - t_ns <= within_s * NS]
    if near:
        return replace(said, run=max(near)[1])
    return said if said.moment is Moment.BEFORE else replace(said, moment=Moment.DAILY)


def said_fact(said: Mapping[str, str]) -> tuple[str, Fact]:
    """Runner and fact from the words of a request. InputError: they are none."""
    try:
        at_wall_ns, values = int(said["at_wall_ns"]), dict(json.loads(said["payload"]))
        return said["runner"], fact_of(said["kind"], values, Key("", 0), at_wall_ns)
    except (KeyError, TypeError, ValueError) as error:
        expected = "kind, runner, at_wall_ns and payload of a fact"
        raise InputError(Problem("request", "", f"{type(error).__name__}: {error}", expected)) from None
