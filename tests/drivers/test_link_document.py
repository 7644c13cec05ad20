"""docs/link.md says what the code does."""

from __future__ import annotations

from pathlib import Path

from sensord.drivers.inbox import ROOM
from sensord.drivers.watchdog import DELAYS_S, FIRST, LAST
from sensord.errors import LinkReason

PAGE = (Path(__file__).parents[2] / "docs" / "link.md").read_text(encoding="utf-8")
ROWS = [line.split("|")[1:4] for line in PAGE.splitlines() if line.startswith("| ") and line.count("|") == 4]


def test_every_reason_is_explained_with_the_patience_it_has() -> None:
    told: dict[str, str] = {}
    for names, _, patience in ROWS:
        for name in names.split(","):
            told[name.strip()] = patience.strip()
    for reason in LinkReason:
        if reason is LinkReason.STOPPED:
            continue
        assert reason.value in told, f"{reason.value!r} is not in docs/link.md"
        first, last = DELAYS_S[FIRST.get(reason, 0)], DELAYS_S[LAST.get(reason, len(DELAYS_S) - 1)]
        if reason is LinkReason.NOT_FOUND:  # waited for while scanning
            continue
        expected = f"{first:g} s" if first == last else f"{first:g} s to {last:g} s"
        assert told[reason.value] == expected, reason


def test_the_room_of_the_queue_is_told() -> None:
    assert f"{ROOM:,} packets" in PAGE
