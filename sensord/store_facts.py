"""What people said and decided, kept append-only, and the runs beside it: all that a plan is followed by.

Rows are only ever added. Facts of other gateways are taken in under the keys they have there, so that two stores hold
the same facts after either has taken in the other's, in whatever order that was done.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from ulid import ULID

from sensord.errors import InputError, Problem
from sensord.model import NS, Json, canonical_json
from sensord.plan.facts import Fact, Key, Retraction, RunFact, fact_of, fact_payload
from sensord.store import Rows, Store, StoredRun

_COLUMNS = "gateway, number, runner, kind, at_wall_ns, said_wall_ns, payload"


@dataclass(frozen=True, slots=True)
class FactRow:
    """One row: a fact, whose it is, and when it was entered; `seq` is its place in this store."""

    seq: int
    gateway: str
    number: int
    runner: str
    kind: str
    at_wall_ns: int
    said_wall_ns: int
    payload: Mapping[str, Json]

    @property
    def fact(self) -> Fact:
        """As plans follow it. InputError: a newer sensord wrote it."""
        try:
            return fact_of(self.kind, self.payload, Key(self.gateway, self.number), self.at_wall_ns)
        except ValueError as error:
            found = f"a fact that this version cannot read ({error})"
            raise InputError(Problem(f"fact {self.gateway}/{self.number}", self.kind, found, "one it can")) from None


def add_fact(store: Store, runner: str, fact: Fact, *, said_wall_ns: int | None = None) -> Fact:
    """Keep a fact said here and now, under the next key of this gateway; gives it back with that key."""
    rows = store.table()
    said = time.time_ns() if said_wall_ns is None else said_wall_ns
    with rows.writing():
        number = _next_number(rows, store.gateway)
        kept = replace(fact, key=Key(store.gateway, number))
        values = fact_payload(kept)
        _insert(rows, FactRow(0, store.gateway, number, runner, kept.KIND, kept.at_wall_ns, said, values))
        who = str(values.get("who") or values.get("by") or runner)
        rows.audit(who, kept.KIND, values.get("run"), {"fact": number, "runner": runner}, said)
    return kept


DECISION, ASKED = "decision", "asked"

TOLD = frozenset((DECISION, ASKED))
"""Kinds of the rows that keep what was told: worked out of the other rows, and never read as one of them."""


class Told(NamedTuple):
    """One thing that is told once: when it is about, and what it says."""

    at_wall_ns: int
    payload: Mapping[str, Json]


def facts(store: Store, runner: str) -> tuple[Fact, ...]:
    """Everything that is known of a runner: what was said, and her runs that are over."""
    said = [row.fact for row in fact_rows(store, runner=runner) if row.kind not in TOLD]
    return (*said, *run_facts(store, runner))


def fact_rows(store: Store, *, runner: str | None = None, after: int = 0, limit: int = -1) -> list[FactRow]:
    """Rows behind `after` in the order in which they came to this store."""
    rows = store.table()
    with rows.reading():
        if not rows.db.execute("SELECT 1 FROM sqlite_master WHERE name = 'fact'").fetchone():
            return []  # a store of an older sensord, opened for reading
        found = rows.db.execute(
            f"SELECT seq, {_COLUMNS} FROM fact WHERE seq > ?1 AND (?2 IS NULL OR runner = ?2)"  # noqa: S608 (our own)
            " ORDER BY seq LIMIT ?3",
            (after, runner, limit),
        ).fetchall()
    return [
        FactRow(seq, gateway, number, whose, kind, at_wall_ns, said_wall_ns, json.loads(text))
        for seq, gateway, number, whose, kind, at_wall_ns, said_wall_ns, text in found
    ]


def take_in(store: Store, others: Iterable[FactRow]) -> int:
    """Facts of another gateway, under their own keys; how many were new. InputError: a key that means two things."""
    rows, new = store.table(), 0
    with rows.writing():
        for row in others:
            there = rows.db.execute(
                f"SELECT {_COLUMNS} FROM fact WHERE gateway = ? AND number = ?",  # noqa: S608 (our own words)
                (row.gateway, row.number),
            ).fetchone()
            if there is None:
                _insert(rows, row)
                new += 1
            elif there != _values(row):
                found = f"two different facts under {row.gateway}/{row.number}"
                expected = "a gateway name for each gateway (settings: gateway)"
                raise InputError(Problem("facts", row.gateway, found, expected))
    return new


def run_facts(store: Store, runner: str) -> list[RunFact]:
    """Her runs that are over and count, as facts; in the order of time."""
    found: list[RunFact] = []
    before_ns, now_ns = 0, time.time_ns()
    for run in store.runs():
        before_ns = run.begun_wall_ns or before_ns
        if run.runner == runner and run.state == "ended" and run.summary is not None:
            elapsed_ns = round(float(run.summary.get("elapsed_s") or 0.0) * NS)
            found.append(run_fact(run, run.summary, max(before_ns, min(_named_ns(run.run), now_ns) - elapsed_ns)))
    return found


def _named_ns(run: str) -> int:
    """When a run got its id, by the clock of then, which nobody trusts: answers that came after it by the same clock
    are about it, and the plan it was done by was there before it. 0: its id does not say."""
    try:
        return round(ULID.from_str(run).milliseconds) * 1_000_000
    except ValueError:
        return 0


def run_fact(run: StoredRun, summary: Mapping[str, Json], at_wall_ns: int) -> RunFact:
    """A run that is over. `at_wall_ns` stands in for the time of a run that nobody knows."""
    begun_ns = run.begun_wall_ns if run.begun_wall_ns is not None else at_wall_ns
    workout = summary.get("workout") or {}
    told = summary.get("day") or {}
    return RunFact(
        key=Key(run.gateway, 0, run.run),
        at_wall_ns=begun_ns,
        end_wall_ns=begun_ns + round(float(summary.get("elapsed_s") or 0.0) * NS),
        run=run.run,
        source="pods" if summary.get("strides_left") or summary.get("strides_right") else "sensor",
        clock_trusted=run.begun_wall_ns is not None,
        distance_m=summary.get("distance_m"),
        distance_sd_m=summary.get("distance_sd_m"),
        run_distance_m=summary.get("run_distance_m"),
        run_time_s=summary.get("run_time_s"),
        walk_time_s=summary.get("walk_time_s"),
        steps=summary.get("steps"),
        impact_load=_impact_load(summary),
        surface=summary.get("surface"),
        plan=told.get("plan"),
        revision=told.get("revision"),
        stage=told.get("stage"),
        done_pct=workout.get("done_pct"),
        reps_done=workout.get("reps_done"),
        measured=dict(summary.get("measured") or {}),
    )


def _impact_load(summary: Mapping[str, Json]) -> dict[str, float]:
    """By foot, where the plan of the run limited it (`plan.relative`)."""
    feet = dict(summary.get("impact") or {})
    return {foot: float(of["load"]) for foot, of in feet.items() if of.get("load") is not None}


def note_told(store: Store, runner: str, kind: str, said: Iterable[Told], *, told_wall_ns: int) -> list[Told]:
    """Keep what is told of her plan (`TOLD`); gives what was not told before. A late answer may bring more."""
    rows = store.table()
    before = {canonical_json(row.payload) for row in fact_rows(store, runner=runner) if row.kind == kind}
    new = [one for one in said if canonical_json(one.payload) not in before]
    with rows.writing():
        for one in new:
            number = _next_number(rows, store.gateway)
            _insert(rows, FactRow(0, store.gateway, number, runner, kind, one.at_wall_ns, told_wall_ns, one.payload))
    return new


def retract(store: Store, runner: str, of: Key, *, who: str, reason: str, at_wall_ns: int) -> Fact:
    """A fact was a mistake. InputError: there is none of that key."""
    known = {row.number for row in fact_rows(store, runner=runner) if row.gateway == of.gateway}
    if of.seq not in known:
        raise InputError(Problem("fact", f"{of.gateway}/{of.seq}", "no such fact", "one that is on file"))
    return add_fact(store, runner, Retraction(Key(store.gateway, 0), at_wall_ns, of, who, reason))


def _next_number(rows: Rows, gateway: str) -> int:
    (number,) = rows.db.execute("SELECT ifnull(max(number), 0) + 1 FROM fact WHERE gateway = ?", (gateway,)).fetchone()
    return int(number)


def _insert(rows: Rows, row: FactRow) -> None:
    rows.db.execute(f"INSERT INTO fact({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", _values(row))  # noqa: S608 (our own)


def _values(row: FactRow) -> tuple[str, int, str, str, int, int, str]:
    text = canonical_json(row.payload)
    return (row.gateway, row.number, row.runner, row.kind, row.at_wall_ns, row.said_wall_ns, text)


# ------------------------------------------------------------------------------------------ sinks


def fact_cursor(store: Store, sink: str) -> int:
    """How far a sink has come with the facts; 0 for a new one."""
    rows = store.table()
    with rows.reading():
        row = rows.db.execute("SELECT seq FROM cursor WHERE sink = ?", (sink,)).fetchone()
    return int(row[0]) if row else 0


def move_fact_cursor(store: Store, sink: str, seq: int) -> None:
    """The sink has confirmed every fact up to `seq`. Never moves back."""
    rows = store.table()
    with rows.writing():
        rows.db.execute(
            "INSERT INTO cursor(sink, seq) VALUES (?, ?) ON CONFLICT (sink) DO UPDATE SET seq = max(seq, excluded.seq)",
            (sink, seq),
        )


def refuse_fact(store: Store, sink: str, seq: int, reason: str) -> None:
    """Note that a sink will never take a fact; the cursor is moved separately."""
    rows = store.table()
    with rows.writing():
        rows.audit(sink, "refused", None, {"fact_seq": seq, "reason": reason}, None)
