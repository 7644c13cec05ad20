"""docs/open-pod.md is what firmware is written from: its example exchanges are carried out, its numbers are the code's.

A fenced block that begins with `pod` describes a simulated pod; its lines are what a central does and what it sees:

    read CHARACTERISTIC bytes       write CHARACTERISTIC bytes [refused 0x84]
    subscribe CHARACTERISTIC        notify CHARACTERISTIC bytes (the next one)       wait seconds
"""

from __future__ import annotations

import re
import zlib
from collections import deque
from pathlib import Path

import numpy as np
import pytest

from sensord.drivers import open_pod_log_wire as log_wire
from sensord.drivers import open_pod_wire as wire
from sensord.drivers.base import AttError
from sensord.model import G_MPS2, NS
from sensord.sim.pods import OpenPodSim
from sensord.sim.sources import ArraySource

DOCUMENT = (Path(__file__).parents[1] / "docs" / "open-pod.md").read_text(encoding="utf-8")
NAMES = {
    "INFO": wire.INFO, "CONFIG": wire.CONFIG, "CONTROL": wire.CONTROL, "DATA": wire.DATA, "CLOCK": wire.CLOCK,
    "LOG": log_wire.LOG_CONTROL, "LOGDATA": log_wire.LOG_DATA,
}  # fmt: skip
EXCHANGES = re.findall(r"^```\npod (.*?)\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
STEP_NS = 1_000_000


def still() -> ArraySource:
    """Lying flat: 1 g on z."""
    t_ns = np.arange(0, 2 * NS, 5_000_000)
    acc = np.tile([0.0, 0.0, G_MPS2], (len(t_ns), 1))
    return ArraySource(t_ns, acc, np.zeros_like(acc))


def pod_of(words: str) -> OpenPodSim:
    options = {key: int(value) for key, value in (word.split("=") for word in words.split())}
    names = {"acc": "acc_range_g", "gyr": "gyr_range_dps", "high_g": "high_g_range_g", "log": "log_bytes", "mtu": "mtu"}
    return OpenPodSim(
        "11:22:33:44:55:66", "pod", still(), now_ns=0, rate_hz=200.0, **{names[k]: v for k, v in options.items()}
    )


def carried_out(words: str, lines: str, *, seen: list[tuple[str, str, bytes]]) -> list[str]:
    """The lines as they are when the bytes are the simulated pod's."""
    pod, now_ns = pod_of(words), 0
    pod.connect(0, lambda: None)
    came: deque[tuple[str, bytes]] = deque()
    out = []
    for line in lines.splitlines():
        told, comment = re.fullmatch(r"(.*?)(\s{2,}.*)?", line).groups()  # type: ignore[union-attr]
        what, *rest = told.split(" ", 2)
        name = rest[0] if rest else ""
        if what == "wait":
            now_ns += round(float(name) * NS)
        elif what == "subscribe":
            pod.subscribe(NAMES[name], now_ns)
        elif what == "read":
            payload = pod.read(NAMES[name], now_ns)
            told = f"read {name} {payload.hex(' ')}"
            seen.append((what, name, payload))
        elif what == "write":
            payload = bytes.fromhex(rest[1].split(" refused")[0])
            told = f"write {name} {payload.hex(' ')}"
            try:
                pod.write(NAMES[name], payload, now_ns)
            except AttError as refused:
                told += f" refused 0x{refused.code:02x}"
            seen.append((what, name, payload))
        elif what == "notify":
            deadline_ns = now_ns + NS
            while not came and now_ns < deadline_ns:
                now_ns += STEP_NS
                came.extend((n.uuid, n.payload) for n in pod.due(now_ns))
            uuid, payload = came.popleft()
            name = next(known for known, u in NAMES.items() if u == uuid)
            told = f"notify {name} {payload.hex(' ')}"
            seen.append((what, name, payload))
        else:
            told = f"? {told}"
        came.extend((n.uuid, n.payload) for n in pod.due(now_ns))
        out.append(told + (comment or ""))
    return out


def test_there_are_exchanges() -> None:
    assert len(EXCHANGES) >= 3
    kinds = {line.split()[0] for _, lines in EXCHANGES for line in lines.splitlines()}
    assert kinds == {"read", "write", "notify", "subscribe", "wait"}


@pytest.mark.parametrize(("words", "lines"), EXCHANGES, ids=[words for words, _ in EXCHANGES])
def test_the_examples_are_what_a_pod_says_to_the_byte(words: str, lines: str) -> None:
    seen: list[tuple[str, str, bytes]] = []
    assert carried_out(words, lines, seen=seen) == lines.splitlines()
    for what, name, payload in seen:
        match what, name:
            case "read", "INFO":
                assert wire.encode_info(wire.decode_info(payload)) == payload
            case _, "CONFIG":
                assert wire.encode_config(wire.decode_config(payload)) == payload[:9]
            case "notify", "DATA":
                assert wire.encode_data(wire.decode_data(payload)) == payload
            case "read", "LOG":
                assert log_wire.encode_status(log_wire.decode_status(payload)) == payload


def test_what_is_read_in_the_example_is_the_begin_of_a_log() -> None:
    """A start record and the head of a packet, in two reads that follow each other."""
    [(words, lines)] = [(w, x) for w, x in EXCHANGES if "LOGDATA" in x]
    seen: list[tuple[str, str, bytes]] = []
    carried_out(words, lines, seen=seen)
    data = b""
    for wanted in (0, 40):
        block = log_wire.Block(wanted)
        assert any(block.match(payload) for _, name, payload in seen if name == "LOGDATA")
        assert block.data is not None
        assert zlib.crc32(block.data).to_bytes(4, "little").hex(" ") in lines
        data += block.data
    _, clock_us = log_wire.decode_boot(data[: log_wire.BOOT_BYTES])
    assert clock_us == 60_000_000
    head, samples = data[16:28], np.frombuffer(data[28:], "<i2").reshape(-1, 6)
    assert (head[0], head[10], head[11]) == (1, 50, wire.RATES_HZ.index(200.0))
    assert (samples == [0, 0, 1024, 0, 0, 0]).all(), "1 g of 32"


def test_crc_is_the_one_that_is_named() -> None:
    assert zlib.crc32(b"123456789") == 0xCBF43926


def table(after: str) -> list[list[str]]:
    """Cells of the first table behind a text."""
    text = re.split(r"\n\n##+ ", DOCUMENT[DOCUMENT.index(after) :])
    rows = re.findall(r"^\|(.*)\|$", text[0] if "|" in text[0] else text[1], re.MULTILINE)
    return [[cell.strip().strip("`*") for cell in row.split("|")] for row in rows]


def test_numbers_of_the_document_are_those_of_the_code() -> None:
    for name, uuid in NAMES.items():
        assert f"| {name} | `{uuid}`" in DOCUMENT
    codes = {int(row[0], 16) for row in table("refused with an ATT application error") if row[0].startswith("0x")}
    assert codes == set(wire.Refusal)
    head, rates = [row for row in table("Rate table") if row[0] in ("id", "Hz")]
    assert [int(i) for i in head[1:]] == list(range(len(wire.RATES_HZ)))
    assert [float(r.strip("*")) for r in rates[1:]] == list(wire.RATES_HZ)
    states = {row[1]: int(row[0]) for row in table("States of the log") if row[0].isdigit()}
    assert states == {state.name.lower(): state.value for state in log_wire.LogState}
    commands = {int(row[0].split()[0], 16): row[1] for row in table("Commands of the log") if row[0][:1] == "0"}
    assert set(commands) == {op.value for op in log_wire.LogOp}
    assert "06 00 0c 00 00 00 90 01" in DOCUMENT
    assert (6 * 1.25, 12 * 1.25, 0x0190 * 10) == (7.5, 15.0, 4000)
