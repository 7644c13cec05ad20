"""What is found on each real recording, in numbers: how many strides have each value, and its mean.

Any change of any stride shows. Aggregates only: the recordings, and what can be read off a single stride of them, are
not ours to give away.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from sensord.analysis import Source, analyse
from sensord.files.strides_csv import COLUMNS
from sensord.files.wearable_my_foot import read_wearable_my_foot
from sensord.model import Json, Side
from sensord.validation import datasets

GOLDEN = Path(__file__).parent / "golden_recordings.json"
DROPOUTS = "wearable_my_foot/other/ble-dropouts-2020-08-25.csv"
TEXTS = ("foot", "activity", "strike_type", "speed_source", "impact_source", "spoiled")
FIGURES = 9


def golden(data: Path) -> dict[str, Json]:
    """Numbers of every recording, by name."""
    out: dict[str, Json] = {}
    for source in datasets.DERIVED:
        for variant in datasets.VARIANTS:
            for side, recording in datasets.derived(data, source, variant).recordings.items():
                out[f"{source.name} {variant} {side.value}"] = numbers(recording, side)
    for side, recording in datasets.gaitmap_walk(data).recordings.items():
        out[f"gaitmap {side.value}"] = numbers(recording, side)
    for trial in datasets.ipol_walks(data):
        for side, recording in trial.recordings.items():
            out[f"{trial.runner} {side.value}"] = numbers(recording, side)
    for name in (datasets.TEST_RUN, datasets.STILL, DROPOUTS):
        out[Path(name).stem] = numbers(read_wearable_my_foot(data / name))
    return out


def numbers(recording: Source, side: Side = Side.LEFT) -> dict[str, Json]:
    """Strides; by column how many have a value and their mean; by text how many say so."""
    table = analyse(**{side.value: recording}).table()
    found: dict[str, Json] = {"strides": len(table)}
    for name in COLUMNS:
        values = [row[name] for row in table if row[name] is not None]
        if name in TEXTS:
            found[name] = {text: values.count(text) for text in sorted(set(values))}
        elif values:
            found[name] = [len(values), float(f"{np.mean(values):.{FIGURES}g}")]
    del found["foot"]
    return found


def golden_text(table: dict[str, Json]) -> str:
    """One recording a line, so that a change can be read."""
    lines = [f"{json.dumps(name)}: {json.dumps(found, sort_keys=True)}" for name, found in sorted(table.items())]
    return "{\n" + ",\n".join(lines) + "\n}\n"
