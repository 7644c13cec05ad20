"""What a foot turns about in pushing off, against its long axis: fitted on one runner, reported on the other.

`SENSORD_DATA=... python bench/fit_strike.py` prints for each foot of the two derived runners (variant smooth_200hz) how
far the line of `sensord.dsp.strike.foot_axis` deviates from square to the foot's true long axis (TOE_LINE_DEG), beside
the same for the pitch axis of the whole stride; then the strike angle of each runner with the mean of the other one.
Two runners are a demonstration, not a population.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np

from sensord.dsp import strike, trajectory
from sensord.dsp.vectors import Vector
from sensord.model import FloatArray, Side
from sensord.validation.contacts import NEAR_RUN_S, matched_strides
from sensord.validation.datasets import DERIVED, JDX, RBDS, DerivedSet, derived, read_json
from sensord.validation.trial import find

VARIANT = "smooth_200hz"


def lines_deg(data: Path, source: DerivedSet) -> dict[Side, tuple[list[float], list[float]]]:
    """Outward deviation of the push-off line and of the pitch axis, degrees, of every stride of each foot."""
    truth = read_json(data / source.folder / "truth.json")
    to_foot = {side: np.array(truth["feet"][side.value]["mount"]["R_FP"]) for side in Side}
    found: dict[Side, tuple[list[float], list[float]]] = {side: ([], []) for side in Side}

    shipped = strike.foot_axis

    def watching(push: FloatArray, pitch_axis: FloatArray, up: Vector, side: Side) -> Vector:
        forward = shipped(push, pitch_axis, up, side)
        for axis, into in zip((forward, np.cross(up, pitch_axis)), found[side], strict=True):
            x, y, _ = to_foot[side] @ axis
            into.append(float(np.degrees(np.arctan2(y, x))) * (1.0 if side is Side.LEFT else -1.0))
        return forward

    with patch.object(strike, "TOE_LINE_DEG", 0.0), patch.object(trajectory, "foot_axis", watching):
        find(derived(data, source, VARIANT))
    return found


def angles_deg(data: Path, source: DerivedSet, toe_line_deg: float) -> str:
    """Found minus true strike angle of a runner if the line deviates by this much."""
    with patch.object(strike, "TOE_LINE_DEG", toe_line_deg):
        pairs = matched_strides(find(derived(data, source, VARIANT)), NEAR_RUN_S)
    off = [s.strike_angle_deg - t.strike_angle_deg for s, t in pairs if s.strike_angle_deg and t.strike_angle_deg]
    return f"{np.mean(off):+.1f} ± {np.std(off, ddof=1):.1f} degrees (n {len(off)})"


def main() -> int:
    """Print the deviations, and what one runner's says about the other."""
    if not os.environ.get("SENSORD_DATA"):
        print("SENSORD_DATA names no folder of real recordings", file=sys.stderr)
        return 2
    data = Path(os.environ["SENSORD_DATA"])
    means: dict[str, float] = {}
    for source in DERIVED:
        feet = lines_deg(data, source)
        for side, (line, axis) in feet.items():
            print(
                f"{source.words:<26} {side.value:<5} push-off line {np.mean(line):+5.1f} ± {np.std(line):3.1f}"
                f"   pitch axis {np.mean(axis):+5.1f} ± {np.std(axis):3.1f}   (n {len(line)})"
            )
        means[source.name] = float(np.mean([np.mean(line) for line, _ in feet.values()]))
    print(f"shipped: {strike.TOE_LINE_DEG}")
    for of, by in ((JDX, RBDS), (RBDS, JDX)):
        print(
            f"strike angle of {of.words} with {means[by.name]:.1f} of the other: {angles_deg(data, of, means[by.name])}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
