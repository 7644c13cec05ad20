"""Which pods are hers, and on which foot each sits: shown once (`sensord pair`), kept here, checked at every link.

A pairing ends when its pod, or its foot, is paired anew, or when it is forgotten; it stays in the table.
"""

from __future__ import annotations

from dataclasses import dataclass

from sensord.errors import InputError, Problem
from sensord.model import PodSetup, Side
from sensord.store import Store


@dataclass(frozen=True, slots=True)
class Pairing:
    """One pod of hers. `serial` and `model` are what it said when it was paired: its fingerprint."""

    pod: str
    side: Side | None
    driver: str
    model: str
    serial: str

    @property
    def setup(self) -> PodSetup:
        """As the core knows it."""
        return PodSetup(self.pod, self.side, self.driver)


def pairings(store: Store) -> list[Pairing]:
    """The pairings that hold, left foot first, sensors last."""
    rows = store.table()
    with rows.reading():
        if not rows.db.execute("SELECT 1 FROM sqlite_master WHERE name = 'pairing'").fetchone():
            return []  # a store of an older sensord, opened for reading
        found = rows.db.execute(
            "SELECT pod, side, driver, model, serial FROM pairing WHERE ended_wall_ns IS NULL"
            " ORDER BY side IS NULL, side, seq"
        ).fetchall()
    return [Pairing(pod, None if side is None else Side(side), *rest) for pod, side, *rest in found]


def pair(store: Store, pairing: Pairing, *, who: str) -> None:
    """Keep a pairing; one of the same pod, or of the same foot, ends."""
    rows = store.table()
    side = None if pairing.side is None else pairing.side.value
    detail = {"pod": pairing.pod, "side": side, "driver": pairing.driver, "serial": pairing.serial}
    with rows.writing():
        now_ns = rows.audit(who, "pair", None, detail, None)
        rows.db.execute(
            "UPDATE pairing SET ended_wall_ns = ?1 WHERE ended_wall_ns IS NULL AND (pod = ?2 OR side = ?3)",
            (now_ns, pairing.pod, side),
        )
        rows.db.execute(
            "INSERT INTO pairing(pod, side, driver, model, serial, who, paired_wall_ns) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (pairing.pod, side, pairing.driver, pairing.model, pairing.serial, who, now_ns),
        )


def forget(store: Store, pod: str, *, who: str) -> None:
    """End a pairing. InputError when there is none."""
    rows = store.table()
    known = [pairing.pod for pairing in pairings(store)]
    if pod not in known:
        raise InputError(Problem("pair", pod, "no pairing of that pod", "one of: " + (", ".join(known) or "none yet")))
    with rows.writing():
        now_ns = rows.audit(who, "forget", None, {"pod": pod}, None)
        rows.db.execute("UPDATE pairing SET ended_wall_ns = ? WHERE pod = ? AND ended_wall_ns IS NULL", (now_ns, pod))
