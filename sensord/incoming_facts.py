"""Facts on their way into the store: read, checked against the plan and the runs that are known, kept."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sensord.errors import InputError, Problem
from sensord.plan.facts import Fact, Key, Revision, fact_of
from sensord.plan.model import Plan, read_plan
from sensord.plan.said import check_fact
from sensord.plan_book import newest_revision
from sensord.store import Store
from sensord.store_facts import add_fact, facts


def keep_fact(store: Store, runner: str, fact: Fact) -> Fact:
    """Keep what somebody said of a runner. InputError: it does not fit her plan or her runs."""
    check_fact(fact, plan_on_file(store, runner), runs=[run.run for run in store.runs() if run.runner == runner])
    if isinstance(fact, Revision):
        read_plan(fact.text, "plan")
    return add_fact(store, runner, fact)


def plan_on_file(store: Store, runner: str) -> Plan | None:
    """The plan that counts now; None without one."""
    newest = newest_revision(facts(store, runner))
    return None if newest is None else read_plan(newest.text, f"revision of plan for {runner}")


def said_fact(said: Mapping[str, str]) -> tuple[str, Fact]:
    """Runner and fact from the words of a request. InputError: they are none."""
    try:
        at_wall_ns, values = int(said["at_wall_ns"]), dict(json.loads(said["payload"]))
        return said["runner"], fact_of(said["kind"], values, Key("", 0), at_wall_ns)
    except (KeyError, TypeError, ValueError) as error:
        expected = "kind, runner, at_wall_ns and payload of a fact"
        raise InputError(Problem("request", "", f"{type(error).__name__}: {error}", expected)) from None
