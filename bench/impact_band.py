"""How much of the landing's size clipping takes: peak against the 12-20 Hz band, on recordings and clipped copies.

`SENSORD_DATA=... python bench/impact_band.py`. The copies are the derived 400 Hz recordings, cut at 16, 8 and 6 g on
every axis as a sensor does it; what is compared is the recording as it is, itself cut at 16 g where it is harder. The
strides are the same, so the change is clipping's alone. The shock in these recordings was placed by a model: this says
how the two numbers bear clipping, not how large they are in people.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from sensord.dsp.foot import FootAnalyser
from sensord.errors import SensordError
from sensord.model import G_MPS2, SampleBlock, Side, Stride
from sensord.validation.datasets import DERIVED, derived

FULL_SCALES_G = (16.0, 8.0, 6.0)
VARIANTS = ("impact_400hz", "hard_400hz")


def clipped(block: SampleBlock, full_scale_g: float) -> SampleBlock:
    """The block as a sensor of this range sends it."""
    limit = full_scale_g * G_MPS2
    beyond = np.abs(block.acc_mps2) >= 0.995 * limit
    bits = (beyond * np.array([1, 2, 4], dtype=np.uint8)).sum(axis=1).astype(np.uint8)
    return replace(
        block,
        acc_mps2=np.clip(block.acc_mps2, -limit, limit),
        saturated=block.saturated | bits,
        acc_range_mps2=limit,
    )


def strides_of(blocks: list[SampleBlock], side: Side, rate_hz: float) -> list[Stride]:
    """All strides of one foot."""
    foot, out = FootAnalyser(side, rate_hz), []
    for block in blocks:
        out += foot.push(block)
    return [item for item in [*out, *foot.flush()] if isinstance(item, Stride)]


def compare(name: str, whole: list[Stride], cut: list[Stride]) -> str:
    """One line: share clipped, and what is left of peak and band (median and spread of the ratio)."""
    before = {round(s.ic_pod_ns / 3e7): s for s in whole}
    pairs = [(before[key], s) for s in cut if (key := round(s.ic_pod_ns / 3e7)) in before]
    peaks = [b.impact_peak_g / a.impact_peak_g for a, b in pairs if a.impact_peak_g and b.impact_peak_g]
    bands = [b.impact_band_g / a.impact_band_g for a, b in pairs if a.impact_band_g and b.impact_band_g]
    share = np.mean([s.impact_clipped for s in cut])
    return (
        f"{name:42s} n {len(pairs):3d}  clipped {100 * share:4.0f} %  peak {np.median(peaks):.3f} ± {np.std(peaks):.3f}"
        f"  band {np.median(bands):.3f} ± {np.std(bands):.3f}"
    )


def main() -> int:
    """Print a line for each foot and range."""
    data = os.environ.get("SENSORD_DATA")
    if not data:
        print("set SENSORD_DATA to the folder of recordings", file=sys.stderr)
        return 2
    try:
        for runner in DERIVED:
            for variant in VARIANTS:
                trial = derived(Path(data), runner, variant)
                for side, recording in trial.recordings.items():
                    blocks = list(recording.blocks)
                    whole = strides_of(blocks, side, trial.rate_hz)
                    for scale in FULL_SCALES_G:
                        cut = strides_of([clipped(block, scale) for block in blocks], side, trial.rate_hz)
                        print(compare(f"{trial.runner} {variant} {side} at {scale:g} g", whole, cut))
    except SensordError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
