"""The plan while a daemon runs: which revision counts, where she stands, what people say; told on when it changes."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Mapping

from sensord.errors import InputError, Problem
from sensord.incoming_facts import keep_fact, said_fact
from sensord.journal import Journal
from sensord.model import Json, Level, canonical_json, payload
from sensord.plan.facts import CheckIn, Fact, Key, Moment, Revision
from sensord.plan.following import follow
from sensord.plan.model import Plan, read_plan
from sensord.plan.said import moment_of, parse_answers
from sensord.plan.standing import Decision, Due, Standing
from sensord.plan_book import BY_FILE, adopt, counting, day_json, is_new, standing_of, zone_of
from sensord.plan_picture import plan_picture
from sensord.sinks.notices import Notice, Phase, notice_of_decision
from sensord.store import Store
from sensord.store_facts import ASKED, DECISION, Told, facts, note_told
from sensord.store_receipts import post, unseen

UNTRUSTED: Mapping[str, Json] = {
    "longest_30d_m": None,
    "distance_7d_m": None,
    "previous_7d_m": None,
    "run_time_7d_s": None,
    "impact_load_7d": {},
    "impact_load_previous_7d": {},
    "incomplete": "the clock is not trusted",
}
"""What a run that begins while nobody knows the time does not record."""


def take_plan_file(store: Store, runner: str, text: str | None, *, now_wall_ns: int) -> str | None:
    """The text of the plan that counts (`plan_book.counting`); the settings' file becomes a revision when it is new."""
    if text is not None and is_new(facts(store, runner), text):
        adopt(store, runner, text, who=BY_FILE, reason="named in the settings", at_wall_ns=now_wall_ns)
    return counting(store, runner, None, text)[1]


def tell(store: Store, runner: str, plan: Plan | None, *, now_wall_ns: int) -> list[Decision]:
    """What the plan has decided and asks and nobody was told yet: kept for the sinks, and told to people.

    Gives the new decisions. What is asked is told once for each run and moment, to whom the plan names for `info`.
    """
    standing = standing_of(store, runner, plan, now_wall_ns)
    if standing is None:
        return []
    decided = {canonical_json(payload(one)): one for one in standing.decisions}
    said = [Told(one.at_wall_ns, payload(one)) for one in standing.decisions]
    new = note_told(store, runner, DECISION, said, told_wall_ns=now_wall_ns)
    decisions = [decided[canonical_json(one.payload)] for one in new]
    notices = [notice_of_decision(one, runner) for one in decisions]
    asked = [Told(one.since_wall_ns, _asked(one)) for one in standing.due]
    notices += [_reminder(runner, one) for one in note_told(store, runner, ASKED, asked, told_wall_ns=now_wall_ns)]
    for notice in filter(None, notices):
        post(store, notice, at_wall_ns=now_wall_ns)
    return decisions


def _asked(due: Due) -> Mapping[str, Json]:
    """Once a moment, whatever of it has been answered since."""
    return {"run": due.run, "moment": due.moment, "since_wall_ns": due.since_wall_ns}


def _reminder(runner: str, asked: Told) -> Notice:
    run, moment = asked.payload["run"], str(asked.payload["moment"])
    about = "about the day" if run is None else f"{moment.replace('_', ' ')}, about run {run}"
    return Notice(
        alert=f"ask/{runner}/{run or 'day'}/{moment}/{asked.at_wall_ns}",
        phase=Phase.ONSET,
        level=Level.INFO,
        runner=runner,
        rule="checkin",
        cue="Check in",
        text=f"Questions wait for an answer ({about}): on the page of the plan, or `sensord checkin`.",
        at_wall_ns=asked.at_wall_ns,
        run=run,
    )


class PlanKeeper:
    """One runner's plan between runs and during them. `store` is a reading connection; facts go through the journal."""

    def __init__(
        self,
        runner: str,
        text: str | None,
        *,
        store: Store,
        journal: Journal,
        changed: Callable[[], None] = lambda: None,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`changed` is called in the event loop after a fact was kept."""
        self.runner = runner
        self.text = text
        self.plan: Plan | None = None if text is None else read_plan(text, "plan")
        self._store, self._journal, self._changed, self._wall_ns = store, journal, changed, wall_ns

    def standing(self) -> Standing | None:
        """Where she stands now; None without a plan on file."""
        return standing_of(self._store, self.runner, self.plan, self._wall_ns())

    def day(self, *, clock_trusted: bool) -> Mapping[str, Json] | None:
        """What a run that begins now records of her plan; None without stages."""
        day = day_json(self._store, self.runner, self.plan, self._wall_ns())
        return day if day is None or clock_trusted else {**day, **UNTRUSTED}

    async def say(self, said: Mapping[str, str]) -> Json:
        """Keep a fact from the words of a request: {gateway, number}. InputError: it does not fit."""
        runner, fact = said_fact(said)
        return await self.keep(runner, fact)

    async def keep(self, runner: str, fact: Fact) -> Json:
        """Keep a fact: {gateway, number}. InputError: another runner's, or it does not fit."""
        if runner != self.runner:
            raise InputError(Problem("request", "runner", runner, f"{self.runner}, whose data these are"))
        kept = await asyncio.wrap_future(self._journal.call(lambda store: keep_fact(store, runner, fact)))
        if isinstance(fact, Revision):
            self.text, self.plan = fact.text, read_plan(fact.text, "plan")
        await self.look()
        return {"gateway": kept.key.gateway, "number": kept.key.seq}

    async def look(self) -> list[Decision]:
        """See what the plan decides on what is known now, keep and tell it; called when something was said or done."""
        decide = functools.partial(tell, runner=self.runner, plan=self.plan, now_wall_ns=self._wall_ns())
        new = await asyncio.wrap_future(self._journal.call(decide))
        self._changed()
        return new

    async def stored(self) -> None:
        """Until everything that was handed to the journal is stored."""
        await asyncio.wrap_future(self._journal.sync())

    def picture(self) -> Json:
        """What a page shows of the plan (`plan_picture`); None without one."""
        return self._read()()

    async def drawn(self) -> Json:
        """The same, worked out beside the event loop: a year of runs takes long enough to delay a cue."""
        return await asyncio.to_thread(self._read())

    def _read(self) -> Callable[[], Json]:
        """What the store knows now, read here; the rest of the work for whoever calls."""
        plan, now_ns, zone = self.plan, self._wall_ns(), zone_of(self.plan)
        known = facts(self._store, self.runner)
        waiting = unseen(self._store, now_ns, runner=self.runner)
        on = next((run.run for run in self._store.open_runs() if run.runner == self.runner), None)

        def draw() -> Json:
            standing = follow(known, now_ns, zone)
            if plan is None or standing is None:
                return None
            return plan_picture(plan, standing, known, now_ns, zone, waiting, on)

        return draw

    async def check_in(self, said: Mapping[str, Json]) -> Json:
        """Keep answers as they come over MQTT: {answers, run?, moment?, by?}. InputError: they are none."""
        answers = said.get("answers")
        if not isinstance(answers, Mapping) or not all(isinstance(name, str) for name in answers):
            expected = '{"answers": {"pain.after": 2}, "run": ..., "moment": ...}'
            raise InputError(Problem("check-in", "answers", str(answers)[:40], expected))
        run, moment = said.get("run"), said.get("moment")
        if run is not None and not isinstance(run, str):
            raise InputError(Problem("check-in", "run", str(run)[:40], "the name of a run"))
        if moment is not None and moment not in set(Moment):
            raise InputError(Problem("check-in", "moment", str(moment)[:40], "one of: " + ", ".join(Moment)))
        typed = parse_answers({name: _text(value) for name, value in answers.items()}, place="check-in")
        when = Moment(moment) if moment is not None else moment_of(typed)
        by = str(said.get("by") or "mqtt")[:64]
        return await self.keep(self.runner, CheckIn(Key("", 0), self._wall_ns(), when, run, typed, by))


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
