"""What the rows of one run share: the folder, and each recording analysed once."""

from __future__ import annotations

from pathlib import Path

from sensord.analysis import Analysis, analyse
from sensord.validation import datasets
from sensord.validation.datasets import DerivedSet
from sensord.validation.resample import resampled
from sensord.validation.trial import Found, Trial, find


class Workbench:
    """Recordings of a data folder with what was found in them; nothing is analysed twice."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._found: dict[str, Found] = {}
        self._walks: list[Found] | None = None
        self._run: Analysis | None = None

    def derived(self, source: DerivedSet, variant: str) -> Found:
        """One variant of one of the two runners."""
        key = f"{source.name} {variant}"
        if key not in self._found:
            self._found[key] = find(self.derived_trial(source, variant))
        return self._found[key]

    def derived_at(self, source: DerivedSet, rate_hz: float) -> Found:
        """The smooth variant of one of the two runners, resampled to a lower rate."""
        key = f"{source.name} smooth {rate_hz:g}"
        if key not in self._found:
            self._found[key] = find(resampled(self.derived_trial(source, "smooth_200hz"), rate_hz))
        return self._found[key]

    def derived_trial(self, source: DerivedSet, variant: str) -> Trial:
        """The same before anything was looked for in it."""
        key = f"{source.name} {variant}"
        return self._found[key].trial if key in self._found else datasets.derived(self.data, source, variant)

    def gaitmap(self) -> Found:
        """Two shoes walking."""
        if "gaitmap" not in self._found:
            self._found["gaitmap"] = find(datasets.gaitmap_walk(self.data))
        return self._found["gaitmap"]

    def ipol(self) -> list[Found]:
        """Five people walking."""
        if self._walks is None:
            self._walks = [find(trial) for trial in datasets.ipol_walks(self.data)]
        return self._walks

    def test_run(self) -> Analysis:
        """The real pod's run."""
        if self._run is None:
            self._run = analyse(left=datasets.test_run(self.data))
        return self._run
