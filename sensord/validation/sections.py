"""Which sections there are, what each needs, and the result of running them: the same bytes every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from sensord.errors import InputError, Problem
from sensord.model import ALGORITHM, Json
from sensord.validation import (
    clocks,
    datasets,
    forces,
    intervals,
    latency,
    lengths,
    robustness,
    running,
    simulated,
    streamed,
    strikes,
    timing_sources,
    walking,
)
from sensord.validation.lab import is_lab
from sensord.validation.lab_rows import lab_rows
from sensord.validation.rows import Row
from sensord.validation.workbench import Workbench

SCHEMA = "sensord-accuracy/1"


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that are made together. `needs` are paths in the data folder; `quick` sections make the quick run."""

    name: str
    rows: Callable[[Workbench], list[Row]]
    needs: tuple[str, ...] = ()
    quick: bool = True


_DERIVED = tuple(source.folder for source in datasets.DERIVED)

SECTIONS: tuple[Section, ...] = (
    Section("contacts", running.contacts, _DERIVED),
    Section("contacts-simulated", simulated.contacts, quick=False),
    Section("timing", running.timing, _DERIVED),
    Section("timing-by-sensor", timing_sources.rows, _DERIVED, quick=False),
    Section("timing-simulated", simulated.timing, quick=False),
    Section("contact-time-skill", simulated.contact_time_skill),
    Section("differences", simulated.differences, quick=False),
    Section("cadence", running.cadence, _DERIVED),
    Section("gaitmap", walking.gaitmap, (datasets.GAITMAP,)),
    Section("ipol", walking.ipol, (datasets.IPOL,)),
    Section("length", lengths.walking, (datasets.GAITMAP,)),
    Section("speed", lengths.running, _DERIVED),
    Section("strike", strikes.strikes, _DERIVED),
    Section("delay", latency.delays, _DERIVED, quick=False),
    Section("streamed", streamed.streamed, (datasets.TEST_RUN, datasets.STILL, datasets.STRYD)),
    Section("two-devices", streamed.two_devices, (datasets.TWO_DEVICES,)),
    Section("force", forces.rows, forces.NEEDS),
    Section("force-from-pod", running.force, _DERIVED),
    Section("asymmetry", intervals.simulated, quick=False),
    Section("asymmetry-resampled", intervals.resampled, (datasets.RUNSCRIBE,), quick=False),
    Section("clock", clocks.rows, quick=False),
    Section("robustness", robustness.rows, (*_DERIVED, datasets.GAITMAP), quick=False),
)


@dataclass(frozen=True, slots=True)
class Missing:
    """A section that could not be run, and what it lacks."""

    section: str
    lacks: str


@dataclass(frozen=True, slots=True)
class Result:
    """All rows, and what could not be run."""

    rows: tuple[Row, ...]
    missing: tuple[Missing, ...]

    def to_json(self) -> dict[str, Json]:
        """The result as it is kept: no date, no place, nothing that differs from run to run."""
        return {
            "schema": SCHEMA,
            "algorithm": ALGORITHM,
            "sensord": version("sensord"),
            "rows": [row.to_json() for row in self.rows],
            "missing": [{"section": m.section, "lacks": m.lacks} for m in self.missing],
        }


def chosen(only: Sequence[str], *, quick: bool) -> Iterator[Section]:
    """The sections of these names (all without any); InputError for a name there is not."""
    names = [section.name for section in SECTIONS]
    unknown = [name for name in only if name not in names]
    if unknown:
        raise InputError(Problem("command line", "--only", ", ".join(unknown), "some of: " + ", ".join(names)))
    for section in SECTIONS:
        if section.name in only or (not only and (section.quick or not quick)):
            yield section


def validate(data: Path, only: Sequence[str] = (), *, quick: bool = False) -> Result:
    """Run the sections whose data are in the folder. InputError: no such folder, an unknown section, broken data."""
    if not data.is_dir():
        raise InputError(Problem(str(data), "", "no such folder", "a folder of recordings with their truth"))
    if is_lab(data):
        if only:
            raise InputError(
                Problem("command line", "--only", ", ".join(only), "nothing: a lab's folder has one section")
            )
        return Result(tuple(lab_rows(data)), ())
    bench = Workbench(data)
    rows: list[Row] = []
    missing: list[Missing] = []
    for section in chosen(only, quick=quick):
        lacks = datasets.missing(data, section.needs)
        if lacks:
            missing.append(Missing(section.name, ", ".join(lacks)))
        else:
            rows += section.rows(bench)
    return Result(tuple(rows), tuple(missing))
