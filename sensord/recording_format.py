"""The run file's format: its tables, what its checksums cover, and how a setup turns into JSON and back.

Described for people in docs/run-file.md. Every row carries a CRC-32 over all that it says, names included, so a flipped
bit anywhere is found; SQLite itself has checksums only in its write-ahead log.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from sensord.errors import InputError, InternalError, Problem
from sensord.model import (
    Input,
    Json,
    Mark,
    MarkKind,
    Packet,
    PodSetup,
    RunSetup,
    Side,
    StepLengths,
    Tick,
    canonical_json,
    payload,
)

FORMAT = 1
APPLICATION_ID = 0x7352756E
"""SQLite's application id, "sRun" in ASCII: lets file(1) tell a run file from other databases."""

TICK = "tick"

SOURCE_COPY = "source."
"""Beginning of the meta keys that hold a second copy of each source row."""

TABLES = {
    "meta": "CREATE TABLE meta(key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL, crc32 INTEGER NOT NULL)"
    " WITHOUT ROWID",
    "source": "CREATE TABLE source(id INTEGER PRIMARY KEY, pod TEXT NOT NULL, characteristic TEXT NOT NULL,"
    " crc32 INTEGER NOT NULL)",
    "packet": "CREATE TABLE packet(seq INTEGER PRIMARY KEY, source INTEGER NOT NULL REFERENCES source(id),"
    " t_ns INTEGER NOT NULL, payload BLOB NOT NULL, crc32 INTEGER NOT NULL)",
    "mark": "CREATE TABLE mark(seq INTEGER PRIMARY KEY, t_ns INTEGER NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL,"
    " crc32 INTEGER NOT NULL)",
    "synced": "CREATE TABLE synced(id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL)",
    "packets": "CREATE VIEW packets AS SELECT packet.seq, source.pod, packet.t_ns, source.characteristic,"
    " packet.payload, packet.crc32 FROM packet JOIN source ON source.id = packet.source",
}
"""Name to definition, in the order of creation. `packets` is the view for people: names instead of source ids."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where run time 0 lies: on the wall clock (and whether that could be trusted) and on this boot's clock."""

    wall_ns: int
    boottime_ns: int
    boot_id: str
    wall_trusted: bool


# ------------------------------------------------------------------------------------------------ rows and checksums


def packet_bytes(seq: int, pod: str, t_ns: int, characteristic: str, data: bytes) -> bytes:
    """What a packet row's checksum, and the content hash of the run, are taken over."""
    pod_name, char_name = pod.encode(), characteristic.encode()
    return struct.pack("<cqqII", b"P", seq, t_ns, len(pod_name), len(char_name)) + pod_name + char_name + data


def mark_bytes(seq: int, t_ns: int, kind: str, data: str) -> bytes:
    """What a mark row's checksum, and the content hash of the run, are taken over."""
    name = kind.encode()
    return struct.pack("<cqqI", b"M", seq, t_ns, len(name)) + name + data.encode()


def meta_bytes(key: str, value: str) -> bytes:
    """What a meta row's checksum, and the content hash of the run, are taken over."""
    return struct.pack("<cI", b"K", len(key.encode())) + key.encode() + value.encode()


def source_bytes(number: int, pod: str, characteristic: str) -> bytes:
    """What a source row's checksum is taken over."""
    pod_name = pod.encode()
    return struct.pack("<cqI", b"S", number, len(pod_name)) + pod_name + characteristic.encode()


def checksum(content: bytes) -> int:
    """CRC-32 of zlib (the polynomial of gzip and Ethernet)."""
    return zlib.crc32(content)


def mark_row(item: Tick | Mark) -> tuple[str, str]:
    """Kind and JSON text of a mark or tick. InternalError when its data are not JSON, or text that is not Unicode."""
    if isinstance(item, Tick):
        return TICK, canonical_json({"wall_ns": item.wall_ns})
    try:
        text = canonical_json(payload(item.data))
        text.encode()
    except (TypeError, ValueError) as exc:
        raise InternalError(f"mark {item.kind.value} cannot be kept: {exc}") from exc
    return item.kind.value, text


def mark_from_row(t_ns: int, kind: str, data: str) -> Tick | Mark:
    """The inverse of `mark_row`. ValueError, KeyError or TypeError when it is none of ours."""
    value = json.loads(data)
    if kind == TICK:
        return Tick(t_ns, int(value["wall_ns"]))
    if not isinstance(value, dict):
        raise TypeError("mark data must be an object")
    return Mark(t_ns, MarkKind(kind), value)


def input_bytes(seq: int, item: Input) -> bytes:
    """The checksummed bytes of any input."""
    if isinstance(item, Packet):
        return packet_bytes(seq, item.pod, item.t_ns, item.characteristic, item.payload)
    kind, data = mark_row(item)
    return mark_bytes(seq, item.t_ns, kind, data)


# ------------------------------------------------------------------------------------------------ setup and anchor


def setup_to_json(setup: RunSetup) -> Json:
    """Plain JSON values of a setup, whole."""
    return payload(setup)


def setup_from_json(value: Json, file: str = "run file") -> RunSetup:
    """The inverse of `setup_to_json`; InputError naming `file` when a part is missing, of the wrong kind, or unknown.

    Unknown keys are refused: what we would drop silently might be what the run was analysed with.
    """
    try:
        return _setup(value)
    except (KeyError, TypeError, ValueError) as exc:
        raise InputError(Problem(file, "setup", f"{type(exc).__name__}: {exc}", "a run's setup")) from exc


def _setup(value: Json) -> RunSetup:
    if not isinstance(value, Mapping):
        raise TypeError("not an object")
    if unknown := sorted(set(value) - {*RunSetup.__dataclass_fields__}):
        raise ValueError(f"unknown key {unknown[0]!r}")
    plan = value.get("plan_text")
    for key in ("mass_kg", "grade_pct"):
        if value.get(key) is not None and not isinstance(value[key], int | float):
            raise TypeError(f"{key} must be a number, found {value[key]!r}")
    return RunSetup(
        run=_text(value, "run"),
        runner=_text(value, "runner"),
        site=_text(value, "site"),
        gateway=_text(value, "gateway"),
        pods=tuple(_pod(p) for p in value["pods"]),
        plan_text=None if plan is None else _text(value, "plan_text"),
        step_lengths=StepLengths(**value.get("step_lengths", {})),
        mass_kg=value.get("mass_kg"),
        grade_pct=value.get("grade_pct"),
        history=tuple(dict(entry) for entry in value.get("history", ())),
        day=None if value.get("day") is None else dict(value["day"]),
        shoe=_text_or_none(value, "shoe"),
        surface=_text_or_none(value, "surface"),
        mount=_text_or_none(value, "mount"),
    )


def _pod(value: Json) -> PodSetup:
    side = value["side"]
    return PodSetup(_text(value, "pod"), None if side is None else Side(side), _text(value, "driver"))


def anchor_from_json(value: Json) -> Anchor:
    """The inverse of `payload(anchor)`. KeyError, TypeError or ValueError when it is none."""
    return Anchor(
        int(value["wall_ns"]), int(value["boottime_ns"]), _text(value, "boot_id"), bool(value["wall_trusted"])
    )


def _text(value: Mapping[str, Json], key: str) -> str:
    found = value[key]
    if not isinstance(found, str):
        raise TypeError(f"{key} must be text, found {found!r}")
    return found


def _text_or_none(value: Mapping[str, Json], key: str) -> str | None:
    return None if value.get(key) is None else _text(value, key)
