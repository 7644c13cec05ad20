"""The strides table: the columns that others rely on, and empty where unmeasured."""

from __future__ import annotations

import csv
import io
from dataclasses import fields
from pathlib import Path

import pytest

from sensord.errors import InputError
from sensord.files.atomic import write_text
from sensord.files.strides_csv import COLUMNS, rows, strides_csv
from sensord.model import Activity, Side, Stride

PUBLISHED = """
    foot stride ic_s tc_s next_ic_s activity stride_time_s contact_time_s swing_time_s duty_factor cadence_spm
    stride_length_m speed_mps strike_angle_deg strike_type impact_peak_g impact_clipped force_peak_bw impulse_bw_s
    gap confidence
"""


def stride(**changes: object) -> Stride:
    values: dict[str, object] = dict.fromkeys(f.name for f in fields(Stride))
    values |= {
        "foot": Side.LEFT, "stride": 0, "segment": 0, "ic_pod_ns": 1_234_567_891, "tc_pod_ns": None,
        "next_ic_pod_ns": 1_934_567_891, "activity": Activity.RUN, "stride_time_s": 0.7, "impact_clipped": True,
        "gap": False, "confidence": 0.25, "spoiled": ("clipped", "one, two"),
    }  # fmt: skip
    return Stride(**(values | changes))  # type: ignore[arg-type]


def test_columns_stand_where_they_were_published() -> None:
    assert " ".join(COLUMNS).startswith(" ".join(PUBLISHED.split()))


def test_a_row_says_what_was_measured_and_leaves_the_rest_empty() -> None:
    [row] = csv.DictReader(io.StringIO(strides_csv([stride()])))
    assert row["foot"] == "left"
    assert row["ic_s"] == "1.234568"
    assert row["tc_s"] == row["contact_time_s"] == row["strike_type"] == ""
    assert (row["impact_clipped"], row["gap"], row["spoiled"]) == ("1", "0", "clipped; one, two")


def test_rows_keep_none_for_the_unmeasured() -> None:
    assert rows([stride()])[0]["tc_s"] is None


def test_no_stride_is_a_header_alone() -> None:
    assert strides_csv([]).count("\n") == 1


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    write_text(tmp_path / "a.csv", "x\n")
    assert (tmp_path / "a.csv").read_text() == "x\n"
    with pytest.raises(InputError, match="a file that can be written"):
        write_text(tmp_path / "absent" / "a.csv", "x\n")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="folder"):
        write_text(tmp_path / "folder", "x\n")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "folder"]
