"""A plan with a store and a journal of its own behind a page: what people say is kept and decides, as in the daemon."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sensord.errors import InputError
from sensord.model import NS, Json
from sensord.plan.facts import Key, RunFact
from sensord.plan_keeper import PlanKeeper, take_plan_file
from sensord.store import Store
from sensord.store_facts import add_fact
from sensord.store_receipts import ack
from sensord.web.plan_view import short
from sensord.web.server import Page
from tests.web.scripted import ServedPage, StoredRuns, some_runs

TEXT = """
schema = "rtr-plan/1"
id = "p"
title = "Walk and run"
[runner]
alias = "R-0042"
timezone = "Europe/Berlin"
injured_side = "right"
injury_date = 2025-01-01
goal = "10 km"
[schedule]
max_sessions_7d = 3
min_gap = "24h"
surface = ["grass"]
no = ["hills"]
cross_training = {allowed = ["pool"]}
[readiness]
need = "any"
item = [
  {id = "site", kind = "clinician", text = "low-risk site confirmed"},
  {id = "hop", kind = "reps", what = "hops", each_side = true, min = 10, max_pain = 0},
  {id = "walk", kind = "walk", min = "30min", gait = "normal"},
  {id = "hold", kind = "hold_time", what = "plank", min = "45s"},
  {id = "lsi", kind = "lsi", what = "leg press", min_pct = 90},
  {id = "nrs", kind = "nrs", what = "pain on stairs", max = 2, strictly_below = true},
  {id = "grade", kind = "grade", what = "effusion", scale = ["zero", "trace"], max = "zero"},
  {id = "score", kind = "score", what = "IKDC", min = 70, max = 100},
  {id = "weeks", kind = "weeks_since", ref = "injury_date", min = 6},
  {id = "daily", kind = "pain_free_days", min = 10},
]
[[stage]]
id = "1"
session = [{do = "2x(walk 4min, run 2min)"}]
[[stage]]
id = "2"
session = [{do = "run 20min"}, {do = "run 4km"}]
[[rule]]
id = "pain-in-run"
when = ["pain.during >= 3"]
then = {end_session = true, hold = "therapist", alert = "urgent"}
source = "local"
[[ask]]
when = "after"
fields = ["pain.during", "gait_altered", "symptom.groin_pain"]
[[exercise]]
id = "calf"
name = "Calf raises"
sets = 3
reps = 12
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
[alerts]
contact = "Call 030 123."
[evaluation]
date = 2026-01-01
goals = ["run"]
history = ["none"]
test = [{what = "press", value = 80, unit = "kg", side = "right", date = 2026-01-01},
        {what = "press", value = 100, unit = "kg", side = "left", date = 2026-01-01}]
gait = [{date = 2026-01-02, video = "https://clinic.example/v"}]
[[note]]
date = 2026-01-03
kind = "manual_therapy"
text = "ankle"
"""


class Straight:
    """A journal that does at once what it is given."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def call(self, do: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(do(self._store))
        except InputError as error:
            done.set_exception(error)
        return done


class Commands(StoredRuns):
    """Alerts are acknowledged in the store; then the page is told."""

    store: Store
    told: Any = staticmethod(lambda: None)

    async def ack_alert(self, alert: str, *, who: str) -> Json:
        seen = ack(self.store, alert, who)
        self.told()
        return {"alert": seen.alert, "text": seen.text}


class PlannedPage(ServedPage):
    """A served page whose plan is in a store; she ran `ago_h` hours ago for half an hour."""

    def __init__(self, folder: Path, *, ago_h: float = 2.0, text: str = TEXT) -> None:
        self._folder, self._ago_ns, self._text = folder, round(ago_h * 3600) * NS, text
        super().__init__(Commands(some_runs()))

    def start(self, port: int = 0, **setup: Any) -> None:
        self._do(self._open())
        super().start(port, **setup)
        self._show()

    async def _open(self) -> None:
        self.store = Store.open(self._folder / "page.db", gateway="gw")
        now_ns = time.time_ns()
        take_plan_file(self.store, "R-0042", self._text, now_wall_ns=now_ns - 86_400 * NS)
        begin_ns = now_ns - self._ago_ns
        run = RunFact(
            Key("", 0), begin_ns, begin_ns + 1800 * NS, "R1", "manual", distance_m=3000.0, run_distance_m=3000.0,
            stage="1", plan="p", revision=1,
        )  # fmt: skip
        add_fact(self.store, "R-0042", run)
        self.keeper = PlanKeeper(
            "R-0042", self._text, store=self.store, journal=Straight(self.store), changed=self._show  # type: ignore[arg-type]
        )  # fmt: skip
        assert isinstance(self.stored, Commands)
        self.stored.store, self.stored.told = self.store, self._show

    def _made(self) -> Page:
        return Page(self.live, commands=self.stored, runs=self.stored, plan=self.keeper)

    def _show(self) -> None:
        self.live.plan(short(self.keeper.picture()))
        self.page.refresh()

    def say(self, **said: str) -> Any:
        """A fact, as the API takes it."""
        return self._do(self.keeper.say({"at_wall_ns": str(time.time_ns()), "runner": "R-0042", **said}))

    def close(self) -> None:
        self._in_loop(self.store.close)
        super().close()


@contextmanager
def planned(folder: Path, **how: Any) -> Iterator[PlannedPage]:
    with contextlib.closing(PlannedPage(folder, **how)) as page:
        yield page
