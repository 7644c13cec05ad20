"""Where people's words come in from the command line: through the daemon when one holds the data, else directly."""

from __future__ import annotations

import contextlib
import json
import time

from sensord.config import Settings
from sensord.daemon_door import ask, door_plate
from sensord.datadir import DataDir, HeldError
from sensord.incoming_facts import keep_fact
from sensord.model import Json
from sensord.plan.facts import Fact, fact_payload
from sensord.plan_book import plan_on_file
from sensord.plan_keeper import tell
from sensord.store import Store
from sensord.store_receipts import ack


async def say(settings: Settings, runner: str, fact: Fact) -> Json:
    """Keep a fact: {gateway, number}. InputError: it does not fit, or the daemon cannot be asked."""
    data = DataDir(settings.data_dir)
    try:
        with data.lock(), contextlib.closing(Store.open(data.store, gateway=settings.gateway)) as store:
            kept = keep_fact(store, runner, fact)
            tell(store, runner, plan_on_file(store, runner), now_wall_ns=time.time_ns())
            return {"gateway": kept.key.gateway, "number": kept.key.seq}
    except HeldError as held:
        said = {
            "kind": fact.KIND,
            "runner": runner,
            "at_wall_ns": str(fact.at_wall_ns),
            "payload": json.dumps(fact_payload(fact)),
        }
        return await ask(door_plate(data, held), "/api/fact", said)


async def acknowledge(settings: Settings, alert: str, who: str) -> Json:
    """Somebody has seen an alert, named by its id or its code: {alert, text}. InputError: no such alert."""
    data = DataDir(settings.data_dir)
    try:
        with data.lock(), contextlib.closing(Store.open(data.store, gateway=settings.gateway)) as store:
            seen = ack(store, alert, who)
            return {"alert": seen.alert, "text": seen.text}
    except HeldError as held:
        return await ask(door_plate(data, held), "/api/ack", {"alert": alert, "who": who})
