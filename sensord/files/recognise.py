"""Which app wrote a file, told by what stands in it; then its own reader reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sensord.errors import InputError, Problem
from sensord.files import consensys, metabase, movella_dot, polar_logger, wearable_my_foot
from sensord.files.fit import FitActivity, is_fit, read_fit
from sensord.files.imu_csv import COLUMNS, read_imu_csv
from sensord.files.imu_recording import ImuRecording
from sensord.files.part import NotNeeded, Part, Sensors
from sensord.files.table import Head, read_head, read_start, shown
from sensord.files.wearable_my_foot import read_wearable_my_foot

Found = Part | FitActivity | NotNeeded

ARCHIVES = {b"PK\x03\x04": "a zip archive", b"\x1f\x8b": "a gzip file", b"7z\xbc\xaf": "a 7z archive"}
"""How archives begin (their specifications)."""


class Layout(NamedTuple):
    """One kind of text file: its name, how it is told, how it is read."""

    name: str
    matches: Callable[[Head], bool]
    read: Callable[[Head], Part | NotNeeded]


def read_recording(path: Path) -> Found:
    """What is in a file. InputError: no file, no layout that is known, or what its reader says is wrong with it."""
    if path.is_dir():
        raise InputError(Problem(str(path), "", "a folder", "a file"))
    start = read_start(path)
    for magic, what in ARCHIVES.items():
        if start.startswith(magic):
            raise InputError(Problem(str(path), "", what, "the recordings that are in it, unpacked"))
    if is_fit(start):
        return read_fit(path)
    head = read_head(path)
    for layout in LAYOUTS:
        if layout.matches(head):
            return layout.read(head)
    first = next((line for line in head.lines if line.strip()), "")
    expected = "a FIT file, or a table of: " + ", ".join(layout.name for layout in LAYOUTS)
    raise InputError(Problem(str(path), "line 1", f"{shown(first)!r}", expected))


def _ours(layout: str, columns: tuple[str, ...], read: Callable[[Path], ImuRecording]) -> Layout:
    """A layout of one foot that has no device and no wall time in it."""

    def matches(head: Head) -> bool:
        cells = {cell for delimiter in ",;\t" for cell in head.cells(1, delimiter)}
        return len(cells & set(columns)) > len(columns) / 2  # its own reader says what is missing

    def read_part(head: Head) -> Part:
        imu = read(head.file)
        edges = np.array([[imu.blocks[0].t_pod_ns[0]], [imu.blocks[-1].t_pod_ns[-1]]]) / 1e9
        return Part(head.file, layout, Sensors.BOTH, edges, np.array([2, 2]), whole=imu)

    return Layout(layout, matches, read_part)


LAYOUTS = (
    _ours("IMU CSV", COLUMNS, read_imu_csv),
    _ours("wearable-my-foot", wearable_my_foot.COLUMNS, read_wearable_my_foot),
    Layout(metabase.LAYOUT, metabase.matches, metabase.read),
    Layout(polar_logger.LAYOUT, polar_logger.matches, polar_logger.read),
    Layout(movella_dot.LAYOUT, movella_dot.matches, movella_dot.read),
    Layout(consensys.LAYOUT, consensys.matches, consensys.read),
)
"""Asked in this order."""
