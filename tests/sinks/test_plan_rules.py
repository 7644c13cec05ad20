"""Every limit that a plan can have is one that Home Assistant is told of."""

from __future__ import annotations

from sensord.model import PodSetup, RunSetup, Side
from sensord.plan.limits import Limits
from sensord.plan.model import read_plan
from sensord.sinks.homeassistant import RULES

PLAN = """
schema = "rtr-plan/1"
id = "all"
title = "Every limit there is"
[[source]]
who = "made up"
[runner]
alias = "runner-1"
{injured}
[limit.distance]
counts = "all"
stop = "5km"
[limit.run_time]
stop = "30min"
[impact]
metric = "peak_accel"
mount = "laces"
baseline = {{mode = "sessions", n = 3}}
warn_pct = 115
[asymmetry.contact_time]
formula = "si_signed"
baseline = {{mode = "fixed", value = 0.0}}
warn = 5.0
needs = {{steps = 30, sustained = "5s", clear_below = 4.0}}
"""


def test_home_assistant_knows_every_rule_of_plans() -> None:
    pods = (PodSetup("a", Side.LEFT, "open_pod"), PodSetup("b", Side.RIGHT, "open_pod"))
    setup = RunSetup(run="r", runner="runner-1", site="home", gateway="gw", pods=pods)
    rules: set[str] = set()
    for injured in ('injured_side = "left"', ""):
        text = PLAN.format(injured=injured)
        rules |= set(Limits(read_plan(text, "plan"), setup).rules)
    assert rules == set(RULES)
