"""A lab's own truth: a folder with `lab.toml`, one truth CSV a trial, and the recordings (docs/validation.md)."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from sensord.errors import InputError, Problem
from sensord.model import FloatArray, Side
from sensord.plan.problems import problems_of
from sensord.validation.rows import Kind, On
from sensord.validation.trial import FootTruth, TrueStride

NAME = "lab.toml"
FORMAT = "sensord-lab/1"
REQUIRED = ("foot", "ic_s", "tc_s")
OPTIONAL = ("next_ic_s", "stride_length_m", "speed_mps", "strike_angle_deg", "force_peak_bw")
LONGEST_STRIDE_S = 2.5
"""Two contacts of a foot farther apart are not one stride, unless `next_ic_s` says so. Design choice."""
LISTED = 8
"""Design choice: problems named of one truth file."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class LabTrial(_Table):
    """One trial. Recordings are IMU CSVs of the pods, or one run file of sensord; paths are relative to the folder."""

    id: str = Field(min_length=1)
    runner: str = Field(min_length=1)
    condition: str = ""
    activity: Literal["run", "walk"] = "run"
    speed_mps: float | None = Field(default=None, gt=0, lt=15)
    left: str | None = None
    right: str | None = None
    run: str | None = None
    truth: str
    offset_s: float = 0.0
    left_offset_s: float | None = None
    right_offset_s: float | None = None
    mark: str | None = None
    sync: Literal["offset", "events"] = "offset"
    complete: bool = True

    @model_validator(mode="after")
    def _recordings(self) -> Self:
        if (self.run is None) == (self.left is None and self.right is None):
            raise _refusal("no recording, or both sorts of it", "left, right or both, or run")
        if self.mark is not None and self.run is None:
            raise _refusal("a mark without a run file", "run, the run file that holds the mark")
        return self

    @property
    def files(self) -> dict[Side, str]:
        """The IMU CSV of each foot that has one."""
        named = {Side.LEFT: self.left, Side.RIGHT: self.right}
        return {side: name for side, name in named.items() if name is not None}

    def offset_of(self, side: Side) -> float:
        """What to add to a time of the truth to have the pod's."""
        own = self.left_offset_s if side is Side.LEFT else self.right_offset_s
        return self.offset_s if own is None else own


class Lab(_Table):
    """What `lab.toml` says."""

    format: Literal["sensord-lab/1"]
    name: str = Field(min_length=1)
    reference: str = Field(min_length=1)
    kind: Kind = Field(default=Kind.REAL, strict=False)
    trial: list[LabTrial] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids(self) -> Self:
        ids = [trial.id for trial in self.trial]
        doubled = sorted({name for name in ids if ids.count(name) > 1})
        if doubled:
            raise PydanticCustomError(
                "plan", "{expected}", {"found": ", ".join(doubled), "expected": "an id of its own for each trial"}
            )
        return self


def _refusal(found: str, expected: str) -> PydanticCustomError:
    return PydanticCustomError("plan", "{expected}", {"found": found, "expected": expected})


def is_lab(folder: Path) -> bool:
    """Whether a folder is a lab's."""
    return (folder / NAME).is_file()


def read_lab(folder: Path) -> Lab:
    """Read `lab.toml`. InputError with line, key, found and expected; also for files it names that are not there."""
    path = folder / NAME
    try:
        text = path.read_text(encoding="utf-8")
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(Problem(str(path), "", f"no TOML ({error})", "a TOML file")) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Problem(str(path), "", f"no readable file ({error})", "a TOML file")) from None
    try:
        lab = Lab.model_validate(found)
    except ValidationError as error:
        raise InputError(problems_of(error, text, str(path), Lab)) from None
    named = [
        (f"trial {trial.id}: {key}", name)
        for trial in lab.trial
        for key, name in {"left": trial.left, "right": trial.right, "run": trial.run, "truth": trial.truth}.items()
        if name is not None
    ]
    absent = [
        Problem(str(path), place, name, "a file in the folder")
        for place, name in named
        if not (folder / name).is_file()
    ]
    if absent:
        raise InputError(absent)
    return lab


def on_of(lab: Lab, trial: LabTrial) -> On:
    """The words that rows of a trial share."""
    parts = [trial.id, trial.condition, "" if trial.speed_mps is None else f"{3.6 * trial.speed_mps:.1f} km/h"]
    return On(f"{lab.name}: {', '.join(part for part in parts if part)}", lab.kind)


def recordings(folder: Path, trial: LabTrial) -> dict[Side, Path]:
    """The IMU CSVs of a trial; each is checked when it is read."""
    return {side: folder / name for side, name in trial.files.items()}


def read_truth(path: Path, *, complete: bool = True) -> dict[Side, FootTruth]:
    """A truth CSV; where it is not complete, the next row of a foot need not be its next contact. InputError names
    every line that cannot be: foot, numbers, order, rows that overlap."""
    rows: dict[Side, list[tuple[int, Mapping[str, float | None]]]] = {side: [] for side in Side}
    problems: list[Problem] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            header = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = header
            _check_header(path, header)
            for cells in reader:
                side, values = _row(path, reader.line_num, cells, problems)
                if side is not None:
                    rows[side].append((reader.line_num, values))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(Problem(str(path), "", f"no readable file ({error})", "a truth CSV")) from None
    for own in rows.values():
        own.sort(key=lambda row: row[1]["ic_s"] or 0.0)
        problems += _overlaps(path, own)
    if not problems and not any(rows.values()):
        problems.append(Problem(str(path), "", "a header and no rows", "a row for each contact"))
    if problems:
        raise InputError(problems[:LISTED])
    return {side: _foot_truth([values for _, values in own], complete=complete) for side, own in rows.items() if own}


def _check_header(path: Path, header: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in header]
    doubled = sorted({name for name in header if header.count(name) > 1})
    known = {*REQUIRED, *OPTIONAL}
    if missing:
        found = f"no column {', '.join(missing)}"
    elif doubled:
        found = f"column {', '.join(doubled)} twice"
    elif unknown := [name for name in header if name not in known]:
        found = f"column {', '.join(unknown)}"
    else:
        return
    expected = f"{','.join(REQUIRED)} and any of {','.join(OPTIONAL)}"
    raise InputError(Problem(str(path), "line 1", found, expected))


def _row(
    path: Path, line: int, cells: Mapping[str, str | None], problems: list[Problem]
) -> tuple[Side | None, dict[str, float | None]]:
    """One row as numbers; what is wrong with it is added to the problems, and then there is no foot."""
    here, place = str(path), f"line {line}"
    before = len(problems)
    foot = (cells["foot"] or "").strip()
    if foot not in {side.value for side in Side}:
        problems.append(Problem(here, place, f"foot {foot!r}", "left or right"))
    values: dict[str, float | None] = {}
    for name in (*REQUIRED[1:], *OPTIONAL):
        text = (cells.get(name) or "").strip()
        values[name] = _number(text)
        if text and values[name] is None:
            problems.append(Problem(here, place, f"{text!r} in {name}", "a number, or nothing"))
    ic, tc, following = values["ic_s"], values["tc_s"], values["next_ic_s"]
    if len(problems) == before:
        if ic is None:
            problems.append(Problem(here, place, "no ic_s", "a time in seconds"))
        elif tc is not None and tc - ic > LONGEST_STRIDE_S:
            problems.append(Problem(here, place, f"a contact of {tc - ic:g} s", "times in seconds"))
        elif tc is not None and tc <= ic:
            problems.append(Problem(here, place, f"tc_s {tc:g}", f"later than ic_s {ic:g}"))
        elif following is not None and following <= (ic if tc is None else tc):
            problems.append(Problem(here, place, f"next_ic_s {following:g}", "later than ic_s and tc_s"))
    return (Side(foot) if len(problems) == before else None), values


def _number(text: str) -> float | None:
    """A finite number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _overlaps(path: Path, rows: list[tuple[int, Mapping[str, float | None]]]) -> list[Problem]:
    out = []
    for (_, a), (line, b) in pairwise(rows):
        end, start = a["tc_s"] or a["ic_s"], b["ic_s"]
        assert end is not None
        assert start is not None
        if start <= end:
            out.append(
                Problem(str(path), f"line {line}", f"ic_s {start:g}", f"later than the contact before ends ({end:g})")
            )
    return out


def _foot_truth(rows: list[Mapping[str, float | None]], *, complete: bool) -> FootTruth:
    strides = []
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        ic, next_ic = row["ic_s"], row["next_ic_s"]
        assert ic is not None
        if complete and next_ic is None and following is not None:
            there = following["ic_s"]
            next_ic = there if there is not None and there - ic <= LONGEST_STRIDE_S else None
        strides.append(
            TrueStride(
                ic, row["tc_s"], next_ic, row["stride_length_m"], row["speed_mps"], row["strike_angle_deg"],
                row["force_peak_bw"],
            )
        )  # fmt: skip
    ics = {s.ic_s for s in strides} | {s.next_ic_s for s in strides if s.next_ic_s is not None}
    return FootTruth(_distinct(ics), np.array([s.tc_s for s in strides if s.tc_s is not None]), tuple(strides))


def _distinct(times: set[float]) -> FloatArray:
    """Times in order; what `next_ic_s` says again within a millisecond is the same contact."""
    out: list[float] = []
    for time in sorted(times):
        if not out or time - out[-1] > 0.001:
            out.append(time)
    return np.array(out, dtype=np.float64)
