"""What is found on each real recording is what was found when the table was written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sensord.model import Json
from tests.validation.golden import GOLDEN, golden

pytestmark = pytest.mark.data

TABLE: Json = json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.timeout(120)
def test_the_golden_table(sensord_data: Path) -> None:
    now = golden(sensord_data)
    assert sorted(now) == sorted(TABLE)
    changed = {name: differences(now[name], TABLE[name]) for name in now}
    assert {name: what for name, what in changed.items() if what} == {}, "run: python bench/accuracy.py --write"


def differences(now: Json, kept: Json) -> dict[str, Json]:
    """Columns that say something else; means may differ in the eighth figure."""
    return {
        column: (kept.get(column), now.get(column))
        for column in sorted({*now, *kept})
        if now.get(column) != (near(kept[column]) if column in kept else None)
    }


def near(value: Json) -> Json:
    """A count and its mean, nearly."""
    return [value[0], pytest.approx(value[1], rel=1e-7, abs=1e-9)] if isinstance(value, list) else value
