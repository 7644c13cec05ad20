"""Plans and facts made by hand: a ladder after ACL reconstruction, one for the tibia, and what happens along them."""

from __future__ import annotations

import hashlib
from datetime import datetime
from itertools import count
from zoneinfo import ZoneInfo

from sensord.model import NS
from sensord.plan.facts import (
    Approval,
    CheckIn,
    Exercised,
    Fact,
    HistoryKnown,
    Key,
    Moment,
    Revision,
    RunFact,
    Verdict,
)
from sensord.plan.facts import Tested as Result

BERLIN = ZoneInfo("Europe/Berlin")
HOUR_NS = 3600 * NS
DAY_NS = 24 * HOUR_NS

HEAD = """\
schema = "rtr-plan/1"
id = "{id}"
title = "Test"
[runner]
alias = "R-1"
injured_side = "left"
decides = "{decides}"
"""

# the ladder, schedule and rules of clinical-rules 7.8
A = """
[schedule]
min_gap = "48h"
max_sessions_7d = 4
max_stage_steps_7d = 2
surface = ["treadmill"]
[advance]
successes = 1
complete_pct = 100
when = ["effusion_change <= 0", "pain.during_change <= 0", "soreness.warmup == 'none'", "soreness.next_day == false"]
[[stage]]
id = "1"
session = [{do="10x(walk 0.1mi, run 0.1mi)"}]
[[stage]]
id = "2"
session = [{do="until 2mi (walk 0.1mi, run 0.2mi)"}]
[[stage]]
id = "3"
session = [{do="run 2mi"}]
[[rule]]
id = "sore-warmup-persists"
when = ["soreness.warmup == 'persists'"]
then = {rest_days=2, step=-1, alert="stop"}
[[rule]]
id = "sore-warmup-returns"
when = ["soreness.warmup == 'returns'"]
then = {rest_days=2, step=-1, alert="stop"}
[[rule]]
id = "sore-warmup-gone"
when = ["soreness.warmup == 'gone'"]
then = {step=0, alert="info"}
[[rule]]
id = "sore-next-day"
when = ["soreness.next_day == true"]
then = {rest_days=1, step=0, alert="warn"}
[[rule]]
id = "effusion-up"
when = ["effusion == '1+'"]
then = {step=0, alert="warn"}
[[rule]]
id = "effusion-high"
when = ["effusion >= '2+'"]
then = {hold="therapist", alert="urgent"}
[[rule]]
id = "limp"
when = ["gait_altered == true"]
then = {hold="therapist", alert="stop"}
"""

# of clinical-rules 7.9
B = """
[schedule]
min_gap = "48h"
max_sessions_7d = 4
surface = ["treadmill", "track"]
no = ["hills", "speed"]
[advance]
successes = 2
when = ["pain.during == 0", "pain.after == 0", "pain.next_morning == 0", "gait_altered == false"]
[[stage]]
id = "1"
session = [{do="3-6x(walk 4min, run 1min)", success_reps=6}]
[[stage]]
id = "2"
session = [{do="3-6x(walk 3min, run 2min)", success_reps=6}]
[[stage]]
id = "3"
session = [{do="run 30min"}]
advance = {successes = 3}
[[rule]]
id = "any-bone-pain"
when = ["pain.during >= 1"]
then = {end_session=true, rest="until pain 0 in daily life", step=-1, alert="stop"}
[[rule]]
id = "pain-after"
when = ["pain.after >= 1"]
then = {rest="until pain 0 in daily life", step=-1, alert="stop"}
[[rule]]
id = "morning-pain"
when = ["pain.next_morning >= 1"]
then = {rest="until pain 0 in daily life", step=-1, alert="warn"}
[[rule]]
id = "night-pain"
when = ["night_pain == true"]
then = {hold="therapist", alert="urgent"}
[[rule]]
id = "limp"
when = ["gait_altered == true"]
then = {end_session=true, hold="therapist", alert="stop"}
[[rule]]
id = "no-answer"
when = ["pain.next_morning == missing"]
then = {step=0, alert="info"}
"""

CLEAN_A = {"effusion_change": 0.0, "pain.during_change": 0.0, "soreness.warmup": "none", "soreness.next_day": False}
CLEAN_B = {"pain.during": 0.0, "pain.after": 0.0, "pain.next_morning": 0.0, "gait_altered": False}


def at(text: str, tz: ZoneInfo = BERLIN) -> int:
    """A local time, "03-02 18:00" of 2026, as ns."""
    return int(datetime.fromisoformat(f"2026-{text}").replace(tzinfo=tz).timestamp()) * NS


class Log:
    """What one gateway has noted. Times are local, "03-02 18:00"."""

    def __init__(self, gateway: str = "g") -> None:
        self.gateway = gateway
        self.facts: list[Fact] = []
        self._seq = count(1)

    def key(self) -> Key:
        return Key(self.gateway, next(self._seq))

    def add(self, fact: Fact) -> Fact:
        self.facts.append(fact)
        return fact

    def plan(self, when: str, text: str, *, name: str = "test", decides: str = "auto") -> Fact:
        text = HEAD.format(id=name, decides=decides) + text
        digest = hashlib.sha256(text.encode()).hexdigest()
        return self.add(Revision(self.key(), at(when), text, digest, "Dr. Who", "first plan"))

    def known(self, when: str) -> Fact:
        return self.add(HistoryKnown(self.key(), at(when), "me"))

    def run(self, when: str, name: str = "", minutes: float = 30.0, **values: object) -> RunFact:
        begun_ns = at(when)
        name = name or f"run-{when}"
        given: dict = {"done_pct": 100.0, "reps_done": 6, "distance_m": 3000.0, **values}
        fact = RunFact(Key(self.gateway, 0, name), begun_ns, begun_ns + round(minutes * 60) * NS, name, "pods", **given)
        self.add(fact)
        return fact

    def told(self, when: str, run: str | None, moment: str = "after", **answers: object) -> Fact:
        named = {name.replace("__", "."): value for name, value in answers.items()}
        return self.say(when, run, named, moment)

    def say(self, when: str, run: str | None, answers: dict, moment: str = "after") -> Fact:
        return self.add(CheckIn(self.key(), at(when), Moment(moment), run, answers))

    def decided(self, when: str, verdict: Verdict, stage: str | None = None) -> Fact:
        return self.add(Approval(self.key(), at(when), verdict, "Dr. Who", "seen today", stage))

    def tested(self, when: str, item: str, value: float | str | None = None, **values: object) -> Fact:
        return self.add(Result(self.key(), at(when), item, "Dr. Who", value, **values))

    def exercised(self, when: str, what: str, **values: object) -> Fact:
        return self.add(Exercised(self.key(), at(when), what, **values))
