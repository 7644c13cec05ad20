"""The kept result, its documents, and that measuring again gives the same."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from sensord.errors import InternalError
from sensord.model import ALGORITHM, Json
from sensord.validation.document import BEGIN, COMMAND, END, SECTION_WORDS, accuracy_tables, readme_table, with_part
from sensord.validation.sections import SCHEMA, SECTIONS, Section
from sensord.validation.workbench import Workbench

ROOT = Path(__file__).parents[2]
RESULT: Json = json.loads((ROOT / "docs" / "accuracy.json").read_text(encoding="utf-8"))
NEAR = 2e-6
"""Values are kept with six decimals; the last may fall the other way on another processor."""


def test_the_result_keeps_to_its_schema() -> None:
    schema = json.loads((ROOT / "docs" / "schema" / "accuracy.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(RESULT)
    assert schema["title"] == SCHEMA


def test_the_result_says_what_it_is() -> None:
    assert (RESULT["schema"], RESULT["algorithm"]) == (SCHEMA, ALGORITHM), f"run: {COMMAND}"
    assert RESULT["missing"] == []
    keys = [(row["section"], row["what"], row["data"]) for row in RESULT["rows"]]
    assert len(keys) == len(set(keys))
    assert {row["section"] for row in RESULT["rows"]} <= set(SECTION_WORDS)


def test_every_row_can_be_read() -> None:
    for row in RESULT["rows"]:
        assert row["verdict"] == "reported" or row["target"] or row["reason"], row
        if row["verdict"] in {"not measured", "the data cannot support this number"}:
            assert row["reason"], row
        if row["bias"] is not None and row["sd"] is not None:
            assert row["limits"][0] <= row["bias"] <= row["limits"][1]
            assert row["constant"] is not None or row["section"] == "delay", row


@pytest.mark.parametrize(("name", "made"), [("docs/accuracy.md", accuracy_tables), ("README.md", readme_table)])
def test_the_documents_say_what_the_result_says(name: str, made: Callable[[Json], str]) -> None:
    text, part = (ROOT / name).read_text(encoding="utf-8"), made(RESULT)
    assert text.count(BEGIN) == text.count(END) == 1
    assert part in text, f"run: {COMMAND}"
    assert with_part(text, part) == text


def test_a_document_without_a_place_for_the_table_is_an_error() -> None:
    with pytest.raises(InternalError, match="no place"):
        with_part("# nothing here", "table")


def test_what_it_rests_on_is_said() -> None:
    for name in ("docs/accuracy.md", "README.md"):
        text = " ".join((ROOT / name).read_text(encoding="utf-8").replace("*", "").split())
        for words in ("two treadmill runners", "one real pod", "no injured runner"):
            assert words in text.lower(), f"{name}: {words}"


@pytest.fixture(scope="module")
def bench() -> Workbench:
    """What the rows share: each recording is analysed once."""
    return Workbench(Path(os.environ["SENSORD_DATA"]))


@pytest.mark.data
@pytest.mark.timeout(120)
@pytest.mark.parametrize("section", [section for section in SECTIONS if section.quick], ids=lambda s: s.name)
def test_measuring_again_gives_the_kept_rows(bench: Workbench, section: Section) -> None:
    again = [row.to_json() for row in section.rows(bench)]
    kept = {(row["section"], row["what"], row["data"]): row for row in RESULT["rows"]}
    assert again
    for row in again:
        assert row == near(kept[row["section"], row["what"], row["data"]]), f"run: {COMMAND}"


def near(row: Json) -> Json:
    """The same row but for the last digit of its numbers."""
    return {key: pytest.approx(value, abs=NEAR) if _number(value) else value for key, value in row.items()}


def _number(value: Json) -> bool:
    return isinstance(value, float) or (isinstance(value, list) and bool(value))
