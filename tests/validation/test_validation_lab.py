"""A lab's own truth: read strictly, laid beside what was found, counted as on the public recordings."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest

from sensord.errors import InputError
from sensord.model import Mark, MarkKind
from sensord.recording import Anchor, RunFile
from sensord.sim.script import Run, Stand, Walk
from sensord.validation.lab import read_lab, read_truth
from sensord.validation.lab_rows import lab_rows
from sensord.validation.rows import Row, Verdict
from sensord.validation.sections import validate
from tests.validation.made_lab import HEAD, OFFSET_S, trial, write_recordings, write_truth
from tests.worlds import SHORT, WALL_NS, world

RUN = (Stand(3.0), Run(20.0, speed_mps=3.2), Stand(3.0))


def by_what(rows: list[Row], data: str) -> dict[str, Row]:
    return {row.what: row for row in rows if re.search(rf": {data}\b", row.data)}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of two runners and a walk."""
    folder = tmp_path_factory.mktemp("lab")
    for name, script, seed in (("a", RUN, 3), ("b", RUN, 4), ("w", (Stand(3.0), Walk(20.0), Stand(3.0)), 5)):
        write_truth(folder / f"{name}.csv", write_recordings(folder, name, script, seed))
    toml = HEAD + trial("a", speed_mps=3.2) + trial("b", runner="R02") + trial("w", activity="walk")
    (folder / "lab.toml").write_text(toml, encoding="utf-8")
    return folder


def test_the_rows_of_a_lab(lab: Path) -> None:
    rows = validate(lab).rows
    a = by_what(list(rows), "a")
    assert a["contacts found"].verdict is Verdict.MET
    assert {"IC", "TC", "contact time", "cadence, per stride", "stride length", "speed", "strike angle"} <= set(a)
    assert a["IC"].data == "made lab: a, 11.5 km/h"
    assert abs(a["IC"].bias or 99.0) < 15.0
    together = by_what(list(rows), "all run trials")
    assert together["IC"].runners == 2
    assert together["IC"].n == a["IC"].n + by_what(list(rows), "b")["IC"].n
    assert together["cadence, per stride"].verdict is Verdict.MET
    assert by_what(list(rows), "w")["IC"].target == "SD ≤ 7.5 (gaitmap: 7.8)"


def test_a_lab_has_no_sections_to_choose_from(lab: Path) -> None:
    with pytest.raises(InputError, match="--only: found timing, expected nothing"):
        validate(lab, ["timing"])


def test_the_offset_matters_and_events_can_replace_it(lab: Path) -> None:
    exact = by_what(lab_rows(lab), "a")["IC"]
    text = HEAD + trial("a", offset_s=OFFSET_S + 0.15)
    (lab / "off").mkdir(exist_ok=True)
    for name in ("a_left.csv", "a_right.csv", "a.csv"):
        (lab / "off" / name).write_bytes((lab / name).read_bytes())
    (lab / "off" / "lab.toml").write_text(text, encoding="utf-8")
    assert by_what(lab_rows(lab / "off"), "(a|t)")["contacts found"].verdict is Verdict.NOT_MET
    (lab / "off" / "lab.toml").write_text(HEAD + trial("a", offset_s=OFFSET_S + 0.15, sync="events"), encoding="utf-8")
    found = by_what(lab_rows(lab / "off"), "(a|t)")
    assert found["contacts found"].verdict is Verdict.MET
    assert found["IC"].bias == pytest.approx(0.0, abs=2.0)
    assert "nothing about the bias" in found["IC"].note
    assert found["IC"].target == "SD ≤ 3"
    assert found["contact time"].bias == pytest.approx(by_what(lab_rows(lab), "a")["contact time"].bias)
    assert exact.bias is not None


def test_a_truth_with_holes_invents_nothing(tmp_path: Path) -> None:
    write_truth(tmp_path / "a.csv", write_recordings(tmp_path, "a", RUN), every=3)
    (tmp_path / "lab.toml").write_text(HEAD + trial("a"), encoding="utf-8")
    assert by_what(lab_rows(tmp_path), "(a|t)")["contacts found"].verdict is Verdict.NOT_MET
    (tmp_path / "lab.toml").write_text(HEAD + trial("a", complete=False), encoding="utf-8")
    row = by_what(lab_rows(tmp_path), "(a|t)")["contacts found"]
    assert row.verdict is Verdict.MET
    assert "not counted where the truth has holes" in row.note


def test_a_run_file_and_a_mark(tmp_path: Path) -> None:
    """The truth's zero is at the mark; strides are on run time."""
    recorded, mark_s = world(SHORT), 7.0
    with closing(
        RunFile.create(tmp_path / "t.run", recorded.setup, Anchor(WALL_NS, 0, "boot", wall_trusted=True))
    ) as file:
        marked = False
        for item in recorded.inputs:
            if not marked and item.t_ns >= mark_s * 1e9:
                file.add(Mark(int(mark_s * 1e9), MarkKind.NOTE, {"text": "trial 1", "by": "lab"}))
                marked = True
            file.add(item)
        file.commit(durable=True)
        file.seal()
    write_truth(tmp_path / "t.csv", recorded.truth, offset_s=mark_s)
    keys = {"left": None, "right": None, "run": "t.run", "mark": "trial 1", "offset_s": 0.0}
    (tmp_path / "lab.toml").write_text(HEAD + trial("t", **keys), encoding="utf-8")
    rows = by_what(lab_rows(tmp_path), "(a|t)")
    assert rows["contact time"].n > 100
    assert abs(rows["IC"].bias or 99.0) < 40.0  # the radio's delay lies in run time
    (tmp_path / "lab.toml").write_text(HEAD + trial("t", **{**keys, "mark": "trial 2"}), encoding="utf-8")
    with pytest.raises(InputError, match=r"t\.run: found 0 of that name, expected one mark 'trial 2'"):
        lab_rows(tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"found nothing, expected this key"),
        (HEAD.replace("lab/1", "lab/9") + trial("a"), r'line 1, format: found "sensord-lab/9"'),
        (HEAD + trial("a", shoe="red"), r"shoe: found unknown key shoe"),
        (HEAD + trial("a", left=None, right=None), r"expected left, right or both, or run"),
        (HEAD + trial("a", run="x.run"), r"expected left, right or both, or run"),
        (
            HEAD + trial("a", mark="x"),
            r"found a mark without a run file, expected run, the run file that holds the mark",
        ),
        (HEAD + trial("a", speed_mps=-1.0), r"trial.#1.speed_mps: found -1.0, expected greater than 0"),
        (HEAD + trial("a") + trial("a"), r"found a, expected an id of its own for each trial"),
        (HEAD + trial("a"), r"trial a: left: found a_left.csv, expected a file in the folder"),
        ("format = ", r"no TOML"),
    ],
)
def test_what_lab_toml_cannot_say(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "lab.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says) as refused:
        read_lab(tmp_path)
    assert str(tmp_path / "lab.toml") in str(refused.value)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("foot,ic_s\n", "line 1: found no column tc_s"),
        ("foot,ic_s,tc_s,shoe\n", "line 1: found column shoe"),
        ("foot,ic_s,tc_s,ic_s\n", "line 1: found column ic_s twice"),
        ("foot,ic_s,tc_s\n", "a header and no rows"),
        ("foot,ic_s,tc_s\nboth,1,2\n", "line 2: found foot 'both', expected left or right"),
        ("foot,ic_s,tc_s\nleft,1,x\n", "line 2: found 'x' in tc_s, expected a number, or nothing"),
        ("foot,ic_s,tc_s\nleft,1,inf\n", "line 2: found 'inf' in tc_s"),
        ("foot,ic_s,tc_s\nleft,,1\n", "line 2: found no ic_s"),
        ("foot,ic_s,tc_s\nleft,2,1\n", "line 2: found tc_s 1, expected later than ic_s 2"),
        ("foot,ic_s,tc_s\nleft,3779,4065\n", "line 2: found a contact of 286 s, expected times in seconds"),
        ("foot,ic_s,tc_s,next_ic_s\nleft,1,1.2,1.1\n", "line 2: found next_ic_s 1.1"),
        ("foot,ic_s,tc_s\nleft,1,1.3\nleft,1.2,1.4\n", r"line 3: found ic_s 1.2, expected later .* \(1.3\)"),
    ],
)
def test_what_a_truth_cannot_be(tmp_path: Path, rows: str, says: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(rows, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        read_truth(path)


def test_a_truth_is_read_in_any_order_with_empty_cells(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(
        "foot,ic_s,tc_s,speed_mps\nright,9,9.2,\nleft,1.7,,3\nleft,1,1.25,\nleft,6,6.2,\n", encoding="utf-8"
    )
    truth = read_truth(path)
    left = next(foot for side, foot in truth.items() if side.value == "left")
    assert [(s.ic_s, s.tc_s, s.next_ic_s, s.speed_mps) for s in left.strides] == [
        (1.0, 1.25, 1.7, None),
        (1.7, None, None, 3.0),  # the next contact is too far away to be this stride's
        (6.0, 6.2, None, None),
    ]
    assert left.ic_s.tolist() == [1.0, 1.7, 6.0]


def test_where_steps_are_missing_the_next_row_is_not_the_next_contact(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("foot,ic_s,tc_s,next_ic_s\nleft,1,1.25,\nleft,2.4,2.6,3.1\n", encoding="utf-8")
    for complete, following in ((True, 2.4), (False, None)):
        (foot,) = read_truth(path, complete=complete).values()
        assert [s.next_ic_s for s in foot.strides] == [following, 3.1]


def test_a_truth_beside_the_recording_is_refused(tmp_path: Path) -> None:
    write_truth(tmp_path / "a.csv", write_recordings(tmp_path, "a", RUN))
    (tmp_path / "lab.toml").write_text(HEAD + trial("a", offset_s=500.0), encoding="utf-8")
    with pytest.raises(
        InputError, match=r"a.csv: found left contacts at 49\d.* expected some within the recording, 0.0 to"
    ):
        lab_rows(tmp_path)


def test_rows_of_a_foot_that_has_no_recording(tmp_path: Path) -> None:
    write_truth(tmp_path / "a.csv", write_recordings(tmp_path, "a", RUN))
    (tmp_path / "lab.toml").write_text(HEAD + trial("a", right=None), encoding="utf-8")
    with pytest.raises(InputError, match="rows of the right foot"):
        lab_rows(tmp_path)
